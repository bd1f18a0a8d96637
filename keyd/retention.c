/* SPDX-License-Identifier: ISC */
/*
 * The certificate of a snapshot.  Must never take for certified what the
 * order does not name, byte for byte.
 */
#include "keyd/retention.h"

#include <string.h>

#include <sodium.h>

#include "common/certificate.h"
#include "common/order.h"
#include "keyd/keyd.h"

enum { PROOF_LEN = ORDER_LEN + ORDER_SIGNATURE_LEN + ORDER_CERTIFY_LEN };

/* The order is a certificate, for this bank, of exactly that snapshot. */
static enum sr_error
check_order(const struct keyd *k, const struct entry_retention *retention,
    const uint8_t proof[PROOF_LEN], struct order *order)
{
	const uint8_t *attachment = proof + ORDER_LEN + ORDER_SIGNATURE_LEN;
	struct order_certify certify;
	struct entry_snapshot named;
	uint8_t hash[ORDER_HASH_LEN];

	if (order_decode(proof, order) != SR_OK ||
	    order_certify_decode(attachment, ORDER_CERTIFY_LEN, &certify) !=
		SR_OK)
		return SR_MALFORMED;
	if (memcmp(order->bank, k->state.bank_id, sizeof(order->bank)) != 0)
		return SR_WRONG_BANK;
	order_attachment_hash(attachment, ORDER_CERTIFY_LEN, hash);
	named = entry_snapshot_certified(&certify);
	return order->kind == ORDER_CERTIFY &&
		       memcmp(hash, order->attachment_hash, sizeof(hash)) ==
			   0 &&
		       entry_snapshot_same(&named, &retention->snapshot)
		   ? SR_OK
		   : SR_PARAMETERS;
}

/* By the key of the signer's that keyd has attested last. */
static enum sr_error
check_signature(struct keyd *k, uint64_t signer, const uint8_t *proof)
{
	struct attestation attestation;
	struct customer customer;
	enum sr_error error =
	    credentials_read(&k->credentials, signer, &customer);

	if (keyd_fail(k, "credentials", error) != SR_OK)
		return error;
	error = customer.name_len != 0
		    ? attestation_read(customer.attestation, &attestation)
		    : SR_SIGNATURE;
	if (error == SR_OK)
		error = order_verify(
		    proof, proof + ORDER_LEN, attestation.signing_key);
	sodium_memzero(&customer, sizeof(customer));
	return error == SR_OK ? SR_OK : SR_SIGNATURE;
}

enum sr_error
retention_check(struct keyd *k, const struct entry_event *event,
    const uint8_t *proof, size_t proof_len, struct entry_retention *retention,
    enum sr_error *refused)
{
	const struct entry_snapshot *known = k->state.snapshot;
	struct order order;
	enum sr_error error = entry_retention_of(event, retention);

	if (error == SR_OK && (proof_len != PROOF_LEN ||
				  retention->leaf >= k->state.frontier.size))
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = check_order(k, retention, proof, &order);
	if (error == SR_OK &&
	    (order.signer == 0 || order.signer > k->credentials.customers))
		error = SR_NOT_FOUND;
	if (error != SR_OK)
		return error;
	*refused = check_signature(k, order.signer, proof);
	if (*refused == SR_OK &&
	    !entry_snapshot_same(&retention->snapshot, &known[0]) &&
	    !entry_snapshot_same(&retention->snapshot, &known[1]))
		*refused = SR_NOT_FOUND;
	return k->failure;
}

void
retention_note(struct state *state, const struct entry_retention *retention)
{
	state->certified = retention->snapshot;
	state->certified_leaf = retention->leaf;
}
