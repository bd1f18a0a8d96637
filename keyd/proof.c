/* SPDX-License-Identifier: ISC */
/*
 * Signed orders as keyd checks them.  Must never take for signed what a key
 * has signed that keyd itself did not attest last.
 */
#include "keyd/proof.h"

#include <string.h>

#include <sodium.h>

#include "common/certificate.h"
#include "keyd/keyd.h"

enum sr_error
proof_order(const struct keyd *k, struct reader *r, enum order_kind kind,
    size_t attachment_len, struct signed_order *out)
{
	uint8_t hash[ORDER_HASH_LEN];

	out->bytes = reader_view(r, PROOF_SIGNED_LEN);
	out->attachment = reader_view(r, attachment_len);
	if (r->bad || order_decode(out->bytes, &out->order) != SR_OK)
		return SR_MALFORMED;
	if (memcmp(out->order.bank, k->state.bank_id,
		sizeof(out->order.bank)) != 0)
		return SR_WRONG_BANK;
	order_attachment_hash(out->attachment, attachment_len, hash);
	if (out->order.kind != kind ||
	    memcmp(hash, out->order.attachment_hash, sizeof(hash)) != 0)
		return SR_PARAMETERS;
	return out->order.signer != 0 &&
		       out->order.signer <= k->credentials.customers
		   ? SR_OK
		   : SR_NOT_FOUND;
}

enum sr_error
proof_request(const struct keyd *k, struct reader *r, enum order_kind kind,
    size_t attachment_len, struct signed_order *request,
    struct signed_order *approval)
{
	uint8_t hash[ORDER_HASH_LEN];
	enum sr_error error = proof_order(k, r, kind, attachment_len, request);

	if (error == SR_OK)
		error = proof_order(
		    k, r, ORDER_APPROVE, ORDER_APPROVE_LEN, approval);
	if (error != SR_OK)
		return error;
	order_hash(request->bytes, hash);
	return memcmp(hash, approval->attachment, sizeof(hash)) == 0 &&
		       approval->order.signer != request->order.signer
		   ? SR_OK
		   : SR_PARAMETERS;
}

enum sr_error
proof_signature(struct keyd *k, const struct signed_order *order)
{
	struct attestation attestation;
	struct customer customer;
	enum sr_error error =
	    credentials_read(&k->credentials, order->order.signer, &customer);

	if (keyd_fail(k, "credentials", error) != SR_OK)
		return error;
	error = customer.name_len != 0
		    ? attestation_read(customer.attestation, &attestation)
		    : SR_SIGNATURE;
	if (error == SR_OK)
		error = order_verify(order->bytes, order->bytes + ORDER_LEN,
		    attestation.signing_key);
	sodium_memzero(&customer, sizeof(customer));
	return error == SR_OK ? SR_OK : SR_SIGNATURE;
}

enum sr_error
proof_both(struct keyd *k, const struct signed_order *request,
    const struct signed_order *approval)
{
	enum sr_error error = proof_signature(k, request);

	return error == SR_OK ? proof_signature(k, approval) : error;
}
