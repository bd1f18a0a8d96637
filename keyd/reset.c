/* SPDX-License-Identifier: ISC */
/*
 * Reset codes.  Must never give one for less than two operators' signatures,
 * nor to anybody but whoever asks at the bank's own control socket, nor let
 * one serve twice.
 */
#include "keyd/reset.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/certificate.h"
#include "keyd/epochs.h"
#include "keyd/keyd.h"
#include "keyd/proof.h"

enum { CODE_INPUT_LEN = RESET_SIGNED_LEN + 20 };

/* What the entry says is what was signed. */
static enum sr_error
check_entry(const struct entry_event *use, const struct signed_order *request,
    const struct signed_order *approval, const struct reset_grant *grant)
{
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	const uint8_t *told = reader_view(&r, ORDER_HASH_LEN);
	uint8_t hash[ORDER_HASH_LEN];

	(void)reader_u64(&r);
	reader_zeros(&r, reader_left(&r));
	if (!reader_end(&r))
		return SR_MALFORMED;
	order_hash(approval->bytes, hash);
	return memcmp(hash, told, sizeof(hash)) == 0 &&
		       use->subject == grant->is.customer &&
		       approval->order.refers_to < grant->leaf &&
		       request->order.signer != grant->is.customer &&
		       approval->order.signer != grant->is.customer
		   ? SR_OK
		   : SR_PARAMETERS;
}

/* The keys that would be replaced are those in force, and there is time. */
static enum sr_error
check_customer(struct keyd *k, const struct order_reset *reset)
{
	uint64_t now_ms = env_clock_ms(k->env);
	struct customer customer;
	uint8_t hash[32];
	enum sr_error error =
	    credentials_read(&k->credentials, reset->customer, &customer);

	if (keyd_fail(k, "credentials", error) != SR_OK)
		return error;
	attestation_hash(customer.attestation, hash);
	if (customer.name_len == 0)
		error = SR_NOT_FOUND;
	else if (memcmp(hash, reset->attestation_hash, sizeof(hash)) != 0)
		error = SR_KEYS_REPLACED;
	else if (reset->until_ms <= now_ms ||
		 reset->until_ms - now_ms > ORDER_RESET_LIFE_MAX_MS ||
		 reset->until_ms / 1000 > UINT32_MAX)
		error = SR_RESET_EXPIRED;
	sodium_memzero(&customer, sizeof(customer));
	return error;
}

enum sr_error
reset_check(struct keyd *k, const struct entry_event *use, const uint8_t *proof,
    size_t proof_len, struct reset_grant *grant, enum sr_error *refused)
{
	struct reader r = reader_of(proof, proof_len);
	struct reader detail = reader_of(use->detail, sizeof(use->detail));
	struct signed_order request, approval;
	enum sr_error error = proof_request(
	    k, &r, ORDER_RESET, ORDER_RESET_LEN, &request, &approval);

	(void)reader_view(&detail, ORDER_HASH_LEN);
	grant->leaf = reader_u64(&detail);
	if (error == SR_OK &&
	    (!reader_end(&r) || order_reset_decode(request.attachment,
				    ORDER_RESET_LEN, &grant->is) != SR_OK))
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = check_entry(use, &request, &approval, grant);
	if (error == SR_OK &&
	    (grant->leaf >= k->state.frontier.size ||
		grant->is.customer > k->credentials.customers))
		error = SR_NOT_FOUND;
	if (error != SR_OK)
		return error;
	*refused = proof_both(k, &request, &approval);
	if (*refused == SR_OK)
		*refused = check_customer(k, &grant->is);
	return k->failure;
}

/* What a code's MAC is of: its customer's, as the credentials are now. */
static void
code_input(const struct keyd *k, const struct customer *customer,
    const struct reset_code *code, uint8_t input[CODE_INPUT_LEN])
{
	uint8_t bytes[RESET_CODE_LEN];
	struct writer w = writer_to(input, CODE_INPUT_LEN);

	reset_code_write(code, bytes);
	writer_bytes(&w, bytes, RESET_SIGNED_LEN);
	writer_u64(&w, customer->id);
	writer_u64(&w, customer_change(customer));
	/* a restore brings the generation back, and the orders with it */
	writer_u32(&w, k->state.log_epoch);
}

/* Another generation, and the one code that serves for it; whose it is. */
static enum sr_error
make_code(struct keyd *k, const struct reset_grant *grant,
    struct message_reset_code *answer, uint8_t name[PAYLOAD_NAME_MAX])
{
	struct reset_code code = {.leaf = grant->leaf,
	    .until_s = (uint32_t)(grant->is.until_ms / 1000)};
	uint8_t input[CODE_INPUT_LEN];
	struct attestation attested;
	struct customer customer;
	enum sr_error error =
	    credentials_read(&k->credentials, grant->is.customer, &customer);

	if (keyd_fail(k, "credentials", error) != SR_OK)
		return error;
	error = attestation_read(customer.attestation, &attested);
	customer.generation++;
	if (error == SR_OK)
		error = keyd_save_customer(k, &customer);
	if (error == SR_OK) {
		keyd_count_use(k, BANK_KEY_RESET);
		code.key_epoch = attested.key_epoch + 1;
		code_input(k, &customer, &code, input);
		epochs_mac(k, BANK_KEY_RESET, input, sizeof(input), code.mac,
		    sizeof(code.mac));
		reset_code_write(&code, answer->code);
		answer->until = (uint64_t)code.until_s * 1000;
		memcpy(name, customer.name, customer.name_len);
		answer->name_len = customer.name_len;
	}
	sodium_memzero(&customer, sizeof(customer));
	sodium_memzero(&code, sizeof(code));
	return error;
}

enum sr_error
reset_give(struct keyd *k, uint32_t request, const struct reset_grant *grant,
    enum sr_error refused)
{
	uint8_t name[PAYLOAD_NAME_MAX];
	struct message_reset_code answer = {
	    .customer = grant->is.customer, .leaf = grant->leaf, .name = name};
	uint8_t bytes[MESSAGE_RESET_CODE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_control_answer packet = {
	    .request = request, .packet = bytes};
	enum sr_error error = refused;

	if (error == SR_OK)
		error = keyd_budget_on_disk(k, REFUSAL_RESETS, BUDGET_RESETS);
	if (error == SR_OK)
		error = make_code(k, grant, &answer, name);
	answer.error = (uint16_t)error;
	if (k->failure == SR_OK &&
	    message_reset_code_encode(&w, &answer) == SR_OK) {
		packet.packet_len = writer_len(&w);
		KEYD_SEND(
		    k, to_control, control_answer, CONTROL_ANSWER, &packet);
	}
	sodium_memzero(&answer, sizeof(answer));
	sodium_memzero(bytes, sizeof(bytes));
	return error;
}

/*
 * The same sentence for a code that does not serve and for a name that is not
 * there: who has no code learns nothing.
 */
enum sr_error
reset_allowed(struct keyd *k, struct pending *p)
{
	struct reset_code code;
	struct customer customer;
	uint8_t input[CODE_INPUT_LEN];
	enum sr_error error = credentials_find(
	    &k->credentials, p->m1.name, p->m1.name_len, &customer);

	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_RESET_CODE : SR_BUSY;
	reset_code_read(p->m1.invitation, &code);
	code_input(k, &customer, &code, input);
	if (!epochs_mac_valid(k, BANK_KEY_RESET, input, sizeof(input), code.mac,
		sizeof(code.mac)))
		error = SR_RESET_CODE;
	else if (env_clock_ms(k->env) > (uint64_t)code.until_s * 1000)
		error = SR_RESET_EXPIRED;
	p->customer = customer.id;
	p->change = customer_change(&customer);
	sodium_memzero(&customer, sizeof(customer));
	sodium_memzero(&code, sizeof(code));
	return error;
}

/*
 * Takes one half.  The second puts both credentials, the keys and their
 * attestation in force, and with them ends all that rests on the old ones.
 */
static enum sr_error
take_half(struct keyd *k, struct pending *p, const struct payload_m3 *m3,
    struct customer *customer)
{
	struct message_sessions_end end = {.customer = customer->id};
	struct reset_code code;
	enum sr_error error;

	reset_code_read(p->m1.invitation, &code);
	error = rekey_take(k, p, m3, code.leaf, customer);
	if (error != SR_OK)
		return error == SR_AGAIN ? SR_OK : error;
	customer->generation++;
	customer->resets++;
	error = keyd_save_customer(k, customer);
	if (error == SR_OK)
		KEYD_SEND(k, to_ledgerd, sessions_end, SESSIONS_END, &end);
	return error;
}

enum sr_error
reset_finish(struct keyd *k, struct pending *p, const struct payload_m3 *m3)
{
	struct payload_m5 m5 = {.status = SR_OK};
	struct attestation attested;
	struct customer customer;
	enum sr_error error =
	    credentials_read(&k->credentials, p->customer, &customer);

	if (error != SR_OK)
		return error;
	/* used, replaced or overtaken by another change since M1 */
	if (customer_change(&customer) != p->change)
		m5.status = SR_RESET_CODE;
	else if (attestation_read(customer.attestation, &attested) != SR_OK ||
		 memcmp(attested.signing_key, m3->signing_key,
		     PUBLIC_KEY_LEN) == 0 ||
		 memcmp(attested.message_key, m3->message_key,
		     PUBLIC_KEY_LEN) == 0)
		m5.status = SR_NOT_ALLOWED;
	else if (!opaque_record_valid(&m3->record))
		m5.status = SR_CRYPTO;
	else
		m5.status = handshake_proof_verify(&p->handshake, m3);
	if (m5.status == SR_OK)
		m5.status = take_half(k, p, m3, &customer);
	if (m5.status == SR_OK) {
		memcpy(m5.name_salt, customer.salt, sizeof(m5.name_salt));
		memcpy(m5.attestation, customer.attestation, ATTESTATION_LEN);
	}
	sodium_memzero(&customer, sizeof(customer));
	return k->failure == SR_OK ? register_answer(k, p, &m5) : k->failure;
}

/* What the books would hear with the next log-in. */
void
keyd_take_ledgerd_attestation_get(
    struct keyd *k, const struct message_attestation_get *m)
{
	struct customer customer = {0};
	bool is_there =
	    m->customer != 0 && m->customer <= k->credentials.customers;

	if (is_there && keyd_fail(k, "credentials",
			    credentials_read(&k->credentials, m->customer,
				&customer)) != SR_OK)
		return;
	customer.id = m->customer;
	rekey_tell(k, &customer);
	sodium_memzero(&customer, sizeof(customer));
}
