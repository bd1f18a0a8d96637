/* SPDX-License-Identifier: ISC */
/*
 * Erasure.  Must never erase anybody who has not signed for it, nor leave one
 * of the two versions behind.
 */
#include "keyd/erase.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/certificate.h"
#include "common/order.h"
#include "keyd/keyd.h"

/* The order in the proof is that customer's, for this bank, and hashed so. */
static enum sr_error
check_order(const struct keyd *k, const struct entry_event *use,
    const uint8_t bytes[ORDER_LEN])
{
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	const uint8_t *told = reader_view(&r, ORDER_HASH_LEN);
	uint8_t hash[ORDER_HASH_LEN];
	struct order order;

	reader_zeros(&r, reader_left(&r));
	if (!reader_end(&r) || order_decode(bytes, &order) != SR_OK)
		return SR_MALFORMED;
	if (memcmp(order.bank, k->state.bank_id, sizeof(order.bank)) != 0)
		return SR_WRONG_BANK;
	order_hash(bytes, hash);
	return order.kind == ORDER_ERASE && order.signer == use->subject &&
		       memcmp(hash, told, sizeof(hash)) == 0
		   ? SR_OK
		   : SR_PARAMETERS;
}

enum sr_error
erase_check(struct keyd *k, const struct entry_event *use, const uint8_t *proof,
    size_t proof_len)
{
	struct attestation attestation = {0};
	struct customer customer;
	enum sr_error error = proof_len == ORDER_LEN + ORDER_SIGNATURE_LEN
				  ? check_order(k, use, proof)
				  : SR_MALFORMED;

	if (error != SR_OK)
		return error;
	if (use->subject == 0 || use->subject > k->credentials.customers)
		return SR_NOT_FOUND;
	error = credentials_read(&k->credentials, use->subject, &customer);
	if (keyd_fail(k, "credentials", error) != SR_OK)
		return error;
	if (customer.name_len != 0)
		error = attestation_read(customer.attestation, &attestation);
	if (error == SR_OK && customer.name_len != 0)
		error = order_verify(
		    proof, proof + ORDER_LEN, attestation.signing_key);
	sodium_memzero(&customer, sizeof(customer));
	return error;
}

enum sr_error
erase_do(struct keyd *k, uint64_t id)
{
	enum sr_error error = SR_OK;

	while (error == SR_OK) {
		struct customer nothing = {.id = id,
		    .generation =
			credentials_generation(&k->credentials, id) + 1};
		bool blank;

		error = credentials_blank(&k->credentials, id, &blank);
		if (keyd_fail(k, "credentials", error) != SR_OK || blank)
			return error;
		error = keyd_save_customer(k, &nothing);
	}
	return error;
}

enum sr_error
erase_rest(struct keyd *k)
{
	if (k->credentials.half_erased == 0)
		return SR_OK;
	if (erase_do(k, k->credentials.half_erased) == SR_OK)
		k->credentials.half_erased = 0;
	return k->failure;
}
