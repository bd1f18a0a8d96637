/* SPDX-License-Identifier: ISC */
/*
 * The order's codec, hash and signature.  Must never accept two encodings of
 * one order: what is hashed and signed is what was read.
 */
#include "common/order.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/authority.h"
#include "common/buffer.h"
#include "common/name.h"

static const char magic[8] = {'S', 'R', 'O', 'R', 'D', 'E', 'R', '1'};

uint16_t
order_unit(uint8_t exponent)
{
	return (uint16_t)(1u | (unsigned)exponent << 8);
}

bool
order_kind_known(unsigned kind)
{
	return kind == ORDER_TRANSFER || kind == ORDER_DEPOSIT ||
	       kind == ORDER_HOLD || kind == ORDER_POST || kind == ORDER_VOID ||
	       kind == ORDER_APPROVE || kind == ORDER_REVOKE ||
	       order_kind_is_request(kind);
}

bool
order_kind_is_request(unsigned kind)
{
	return kind == ORDER_ENROL_REQUEST || kind == ORDER_RELEASE_REQUEST ||
	       kind == ORDER_AUDITOR_REQUEST;
}

const char *
order_kind_name(unsigned kind)
{
	static const char *const names[] = {"unknown", "transfer", "deposit",
	    "hold", "post", "void", "undo", "reverse", "issue", "adjust",
	    "policy", "role", "raise-limit", "enrol-request", "approve",
	    "freeze", "lower-limit", "revoke", "rekey", "close", "visibility",
	    "till-open", "till-count", "till-close", "box-put", "box-share",
	    "box-delete", "message", "release-request", "auditor-request"};

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

enum sr_error
order_attachment_check(unsigned kind, const void *attachment, size_t len)
{
	struct order_enrol enrol;
	struct order_revoke revoke;
	struct order_auditor auditor;
	struct order_release release;

	if (len > ORDER_ATTACHMENT_MAX)
		return SR_TOO_LARGE;
	switch (kind) {
	case ORDER_TRANSFER:
	case ORDER_DEPOSIT:
	case ORDER_HOLD:
		return name_text_check(attachment, len, ORDER_MEMO_MAX);
	case ORDER_ENROL_REQUEST:
		return order_enrol_decode(attachment, len, &enrol);
	case ORDER_APPROVE:
		return len == ORDER_APPROVE_LEN ? SR_OK : SR_PARAMETERS;
	case ORDER_REVOKE:
		return order_revoke_decode(attachment, len, &revoke);
	case ORDER_AUDITOR_REQUEST:
		return order_auditor_decode(attachment, len, &auditor);
	case ORDER_POST:
	case ORDER_VOID:
		return len == 0 ? SR_OK : SR_PARAMETERS;
	case ORDER_RELEASE_REQUEST:
		return order_release_decode(attachment, len, &release);
	default:
		return SR_PARAMETERS;
	}
}

void
order_enrol_encode(
    const struct order_enrol *enrol, uint8_t bytes[ORDER_ENROL_LEN])
{
	struct writer w = writer_to(bytes, ORDER_ENROL_LEN);

	writer_u64(&w, enrol->principal);
	writer_u32(&w, enrol->terminal);
	writer_u32(&w, enrol->epoch);
	writer_i64(&w, enrol->till_maximum_minor);
	writer_u8(&w, enrol->role);
	writer_zeros(&w, 7);
	assert(!w.bad && writer_len(&w) == ORDER_ENROL_LEN);
}

enum sr_error
order_enrol_decode(const void *bytes, size_t len, struct order_enrol *enrol)
{
	struct reader r = reader_of(bytes, len);

	memset(enrol, 0, sizeof(*enrol));
	enrol->principal = reader_u64(&r);
	enrol->terminal = reader_u32(&r);
	enrol->epoch = reader_u32(&r);
	enrol->till_maximum_minor = reader_i64(&r);
	enrol->role = reader_u8(&r);
	reader_zeros(&r, 7);
	if (!reader_end(&r) || enrol->till_maximum_minor <= 0)
		return SR_PARAMETERS;
	if (enrol->role == ROLE_TERMINAL)
		return enrol->terminal != 0 ? SR_OK : SR_PARAMETERS;
	if (enrol->role == ROLE_TELLER)
		return enrol->terminal == 0 && enrol->epoch == 0
			   ? SR_OK
			   : SR_PARAMETERS;
	return SR_PARAMETERS;
}

void
order_revoke_encode(
    const struct order_revoke *revoke, uint8_t bytes[ORDER_REVOKE_LEN])
{
	struct writer w = writer_to(bytes, ORDER_REVOKE_LEN);

	writer_u64(&w, revoke->principal);
	writer_u32(&w, revoke->terminal);
	writer_zeros(&w, 4);
	assert(!w.bad && writer_len(&w) == ORDER_REVOKE_LEN);
}

enum sr_error
order_revoke_decode(const void *bytes, size_t len, struct order_revoke *revoke)
{
	struct reader r = reader_of(bytes, len);

	memset(revoke, 0, sizeof(*revoke));
	revoke->principal = reader_u64(&r);
	revoke->terminal = reader_u32(&r);
	reader_zeros(&r, 4);
	return reader_end(&r) ? SR_OK : SR_PARAMETERS;
}

void
order_auditor_encode(
    const struct order_auditor *auditor, uint8_t bytes[ORDER_AUDITOR_LEN])
{
	struct writer w = writer_to(bytes, ORDER_AUDITOR_LEN);

	writer_bytes(&w, auditor->key, sizeof(auditor->key));
	writer_u8(&w, auditor->name_len);
	writer_bytes(&w, auditor->name, auditor->name_len);
	writer_zeros(&w, ORDER_AUDITOR_NAME_MAX - auditor->name_len + 7u);
	assert(!w.bad && writer_len(&w) == ORDER_AUDITOR_LEN);
}

enum sr_error
order_auditor_decode(
    const void *bytes, size_t len, struct order_auditor *auditor)
{
	static const uint8_t one[crypto_scalarmult_SCALARBYTES] = {1};
	struct reader r = reader_of(bytes, len);
	uint8_t shared[crypto_scalarmult_BYTES];

	memset(auditor, 0, sizeof(*auditor));
	reader_bytes(&r, auditor->key, sizeof(auditor->key));
	auditor->name_len = reader_u8(&r);
	if (auditor->name_len > ORDER_AUDITOR_NAME_MAX)
		return SR_PARAMETERS;
	reader_bytes(&r, auditor->name, auditor->name_len);
	reader_zeros(&r, ORDER_AUDITOR_NAME_MAX - auditor->name_len + 7u);
	if (!reader_end(&r) ||
	    name_check(auditor->name, auditor->name_len) != SR_OK ||
	    crypto_scalarmult(shared, one, auditor->key) != 0)
		return SR_PARAMETERS;
	return SR_OK;
}

void
order_release_encode(
    const struct order_release *release, uint8_t bytes[ORDER_RELEASE_LEN])
{
	struct writer w = writer_to(bytes, ORDER_RELEASE_LEN);

	writer_u64(&w, release->account);
	writer_i64(&w, release->amount_minor);
	assert(!w.bad && writer_len(&w) == ORDER_RELEASE_LEN);
}

enum sr_error
order_release_decode(
    const void *bytes, size_t len, struct order_release *release)
{
	struct reader r = reader_of(bytes, len);

	memset(release, 0, sizeof(*release));
	release->account = reader_u64(&r);
	release->amount_minor = reader_i64(&r);
	return reader_end(&r) ? SR_OK : SR_PARAMETERS;
}
