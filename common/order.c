/* SPDX-License-Identifier: ISC */
/*
 * The order's codec, hash and signature.  Must never accept two encodings of
 * one order: what is hashed and signed is what was read.
 */
#include "common/order.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/buffer.h"

static const char magic[8] = {'S', 'R', 'O', 'R', 'D', 'E', 'R', '1'};

uint16_t
order_unit(uint8_t exponent)
{
	return (uint16_t)(1u | (unsigned)exponent << 8);
}

bool
order_kind_known(unsigned kind)
{
	return (kind >= ORDER_TRANSFER && kind <= ORDER_REVOKE) ||
	       kind == ORDER_CLOSE ||
	       (kind >= ORDER_TILL_OPEN && kind <= ORDER_TILL_CLOSE) ||
	       (kind >= ORDER_RELEASE_REQUEST && kind <= ORDER_RESET);
}

bool
order_kind_is_request(unsigned kind)
{
	switch (kind) {
	case ORDER_REVERSE:
	case ORDER_ISSUE:
	case ORDER_ADJUST:
	case ORDER_POLICY:
	case ORDER_ROLE:
	case ORDER_RAISE_LIMIT:
	case ORDER_ENROL_REQUEST:
	case ORDER_RELEASE_REQUEST:
	case ORDER_AUDITOR_REQUEST:
	case ORDER_UNFREEZE:
	case ORDER_CASH_OUT:
	case ORDER_RETIRE:
	case ORDER_RESET:
		return true;
	default:
		return false;
	}
}

const char *
order_kind_name(unsigned kind)
{
	static const char *const names[] = {"unknown", "transfer", "deposit",
	    "hold", "post", "void", "undo", "reverse", "issue", "adjust",
	    "policy", "role", "raise-limit", "enrol-request", "approve",
	    "freeze", "lower-limit", "revoke", "rekey", "close", "visibility",
	    "till-open", "till-count", "till-close", "box-put", "box-share",
	    "box-delete", "message", "release-request", "auditor-request",
	    "account-open", "unfreeze", "cash-out", "erase", "role-revoke",
	    "certify", "retire", "reset"};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : names[0];
}

void
order_encode(const struct order *order, uint8_t bytes[ORDER_LEN])
{
	struct writer w = writer_to(bytes, ORDER_LEN);

	writer_bytes(&w, magic, sizeof(magic));
	writer_u8(&w, order->kind);
	writer_u8(&w, order->flags);
	writer_u16(&w, order->unit);
	writer_u32(&w, order->terminal);
	writer_u64(&w, order->signer);
	writer_u64(&w, order->seq);
	writer_u64(&w, order->debit);
	writer_u64(&w, order->credit);
	writer_i64(&w, order->amount_minor);
	writer_u64(&w, order->not_after_ms);
	writer_bytes(&w, order->session, ORDER_SESSION_LEN);
	writer_bytes(&w, order->previous, ORDER_HASH_LEN);
	writer_u64(&w, order->refers_to);
	writer_bytes(&w, order->reference, ORDER_REFERENCE_LEN);
	writer_bytes(&w, order->attachment_hash, ORDER_HASH_LEN);
	writer_bytes(&w, order->bank, ORDER_BANK_LEN);
	writer_zeros(&w, 8);
	assert(!w.bad && writer_len(&w) == ORDER_LEN);
}

enum sr_error
order_decode(const uint8_t bytes[ORDER_LEN], struct order *order)
{
	struct reader r = reader_of(bytes, ORDER_LEN);
	const uint8_t *read_magic = reader_view(&r, sizeof(magic));

	memset(order, 0, sizeof(*order));
	order->kind = reader_u8(&r);
	order->flags = reader_u8(&r);
	order->unit = reader_u16(&r);
	order->terminal = reader_u32(&r);
	order->signer = reader_u64(&r);
	order->seq = reader_u64(&r);
	order->debit = reader_u64(&r);
	order->credit = reader_u64(&r);
	order->amount_minor = reader_i64(&r);
	order->not_after_ms = reader_u64(&r);
	reader_bytes(&r, order->session, ORDER_SESSION_LEN);
	reader_bytes(&r, order->previous, ORDER_HASH_LEN);
	order->refers_to = reader_u64(&r);
	reader_bytes(&r, order->reference, ORDER_REFERENCE_LEN);
	reader_bytes(&r, order->attachment_hash, ORDER_HASH_LEN);
	reader_bytes(&r, order->bank, ORDER_BANK_LEN);
	reader_zeros(&r, 8);
	if (!reader_end(&r) || memcmp(read_magic, magic, sizeof(magic)) != 0 ||
	    !order_kind_known(order->kind) ||
	    (order->flags & ~ORDER_FLAGS_KNOWN) != 0)
		return SR_MALFORMED;
	return SR_OK;
}

void
order_hash(const uint8_t bytes[ORDER_LEN], uint8_t hash[ORDER_HASH_LEN])
{
	crypto_hash_sha256(hash, bytes, ORDER_LEN);
}

enum sr_error
order_sign(const uint8_t bytes[ORDER_LEN], const uint8_t secret_key[64],
    uint8_t signature[ORDER_SIGNATURE_LEN])
{
	if (crypto_sign_detached(
		signature, NULL, bytes, ORDER_LEN, secret_key) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

enum sr_error
order_verify(const uint8_t bytes[ORDER_LEN],
    const uint8_t signature[ORDER_SIGNATURE_LEN], const uint8_t public_key[32])
{
	if (crypto_sign_verify_detached(
		signature, bytes, ORDER_LEN, public_key) != 0)
		return SR_SIGNATURE;
	return SR_OK;
}

void
order_attachment_hash(
    const void *attachment, size_t len, uint8_t hash[ORDER_HASH_LEN])
{
	crypto_hash_sha256(
	    hash, len != 0 ? attachment : (const uint8_t *)"", len);
}
