/* SPDX-License-Identifier: ISC */
/*
 * The parameter blocks of orders.  Must never accept two encodings of one
 * block, nor one whose numbers the book could not hold.
 */
#include "common/order_parameters.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/authority.h"
#include "common/buffer.h"
#include "common/name.h"
#include "common/order.h"

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

/* Limits that no account of a customer or a till could have. */
static bool
limits_valid(const struct order_limits *limits)
{
	return limits->floor_minor <= 0 && limits->floor_minor > INT64_MIN &&
	       limits->ceiling_minor >= 0 &&
	       limits->soft_floor_minor >= limits->floor_minor &&
	       limits->soft_floor_minor <= limits->ceiling_minor &&
	       limits->day_limit_minor >= 0;
}

static void
write_limits(struct writer *w, const struct order_limits *limits)
{
	writer_i64(w, limits->floor_minor);
	writer_i64(w, limits->soft_floor_minor);
	writer_i64(w, limits->ceiling_minor);
	writer_i64(w, limits->day_limit_minor);
}

static void
read_limits(struct reader *r, struct order_limits *limits)
{
	limits->floor_minor = reader_i64(r);
	limits->soft_floor_minor = reader_i64(r);
	limits->ceiling_minor = reader_i64(r);
	limits->day_limit_minor = reader_i64(r);
}

void
order_policy_encode(
    const struct order_policy *policy, uint8_t bytes[ORDER_POLICY_LEN])
{
	struct writer w = writer_to(bytes, ORDER_POLICY_LEN);

	write_limits(&w, &policy->customer);
	writer_u64(&w, policy->order_life_ms);
	writer_u64(&w, policy->request_life_ms);
	writer_u64(&w, policy->undo_ms);
	writer_zeros(&w, 8);
	assert(!w.bad && writer_len(&w) == ORDER_POLICY_LEN);
}

enum sr_error
order_policy_decode(const void *bytes, size_t len, struct order_policy *policy)
{
	struct reader r = reader_of(bytes, len);

	memset(policy, 0, sizeof(*policy));
	read_limits(&r, &policy->customer);
	policy->order_life_ms = reader_u64(&r);
	policy->request_life_ms = reader_u64(&r);
	policy->undo_ms = reader_u64(&r);
	reader_zeros(&r, 8);
	if (!reader_end(&r) || !limits_valid(&policy->customer) ||
	    policy->customer.ceiling_minor == 0 || policy->order_life_ms == 0 ||
	    policy->order_life_ms > ORDER_LIFE_MAX_MS ||
	    policy->request_life_ms == 0 || policy->undo_ms > ORDER_UNDO_MAX_MS)
		return SR_PARAMETERS;
	return SR_OK;
}

void
order_role_encode(const struct order_role *role, uint8_t bytes[ORDER_ROLE_LEN])
{
	struct writer w = writer_to(bytes, ORDER_ROLE_LEN);

	writer_u64(&w, role->principal);
	writer_u8(&w, role->role);
	writer_zeros(&w, 7);
	writer_u64(&w, role->till);
	writer_i64(&w, role->till_maximum_minor);
	assert(!w.bad && writer_len(&w) == ORDER_ROLE_LEN);
}

enum sr_error
order_role_decode(const void *bytes, size_t len, struct order_role *role)
{
	struct reader r = reader_of(bytes, len);

	memset(role, 0, sizeof(*role));
	role->principal = reader_u64(&r);
	role->role = reader_u8(&r);
	reader_zeros(&r, 7);
	role->till = reader_u64(&r);
	role->till_maximum_minor = reader_i64(&r);
	if (!reader_end(&r) || role->till_maximum_minor < 0)
		return SR_PARAMETERS;
	switch (role->role) {
	case ROLE_CUSTOMER:
	case ROLE_OPERATOR:
	case ROLE_AUDITOR:
		return role->till == 0 && role->till_maximum_minor == 0
			   ? SR_OK
			   : SR_PARAMETERS;
	case ROLE_TELLER:
		/* one till: somebody's, or a new one of its own */
		return (role->till != 0) != (role->till_maximum_minor != 0)
			   ? SR_OK
			   : SR_PARAMETERS;
	default:
		return SR_PARAMETERS;
	}
}

void
order_limits_encode(
    const struct order_limits *limits, uint8_t bytes[ORDER_LIMITS_LEN])
{
	struct writer w = writer_to(bytes, ORDER_LIMITS_LEN);

	writer_u64(&w, limits->account);
	write_limits(&w, limits);
	assert(!w.bad && writer_len(&w) == ORDER_LIMITS_LEN);
}

enum sr_error
order_limits_decode(const void *bytes, size_t len, struct order_limits *limits)
{
	struct reader r = reader_of(bytes, len);

	memset(limits, 0, sizeof(*limits));
	limits->account = reader_u64(&r);
	read_limits(&r, limits);
	return reader_end(&r) && limits_valid(limits) ? SR_OK : SR_PARAMETERS;
}

void
order_account_encode(uint64_t account, uint8_t bytes[ORDER_ACCOUNT_LEN])
{
	struct writer w = writer_to(bytes, ORDER_ACCOUNT_LEN);

	writer_u64(&w, account);
	writer_zeros(&w, 8);
	assert(!w.bad && writer_len(&w) == ORDER_ACCOUNT_LEN);
}

enum sr_error
order_account_decode(const void *bytes, size_t len, uint64_t *account)
{
	struct reader r = reader_of(bytes, len);

	*account = reader_u64(&r);
	reader_zeros(&r, 8);
	return reader_end(&r) ? SR_OK : SR_PARAMETERS;
}

void
order_certify_encode(
    const struct order_certify *certify, uint8_t bytes[ORDER_CERTIFY_LEN])
{
	struct writer w = writer_to(bytes, ORDER_CERTIFY_LEN);

	writer_u32(&w, certify->snapshot);
	writer_u32(&w, certify->segment);
	writer_u32(&w, certify->offset);
	writer_zeros(&w, 4);
	writer_u64(&w, certify->size);
	writer_bytes(&w, certify->hash, sizeof(certify->hash));
	writer_bytes(&w, certify->root, sizeof(certify->root));
	assert(!w.bad && writer_len(&w) == ORDER_CERTIFY_LEN);
}

enum sr_error
order_certify_decode(
    const void *bytes, size_t len, struct order_certify *certify)
{
	struct reader r = reader_of(bytes, len);

	memset(certify, 0, sizeof(*certify));
	certify->snapshot = reader_u32(&r);
	certify->segment = reader_u32(&r);
	certify->offset = reader_u32(&r);
	reader_zeros(&r, 4);
	certify->size = reader_u64(&r);
	reader_bytes(&r, certify->hash, sizeof(certify->hash));
	reader_bytes(&r, certify->root, sizeof(certify->root));
	return reader_end(&r) && certify->snapshot != 0 && certify->size != 0
		   ? SR_OK
		   : SR_PARAMETERS;
}

void
order_retire_encode(
    const struct order_retire *retire, uint8_t bytes[ORDER_RETIRE_LEN])
{
	struct writer w = writer_to(bytes, ORDER_RETIRE_LEN);

	writer_u32(&w, retire->snapshot);
	writer_zeros(&w, 4);
	writer_bytes(&w, retire->hash, sizeof(retire->hash));
	assert(!w.bad && writer_len(&w) == ORDER_RETIRE_LEN);
}

enum sr_error
order_retire_decode(const void *bytes, size_t len, struct order_retire *retire)
{
	struct reader r = reader_of(bytes, len);

	memset(retire, 0, sizeof(*retire));
	retire->snapshot = reader_u32(&r);
	reader_zeros(&r, 4);
	reader_bytes(&r, retire->hash, sizeof(retire->hash));
	return reader_end(&r) && retire->snapshot != 0 ? SR_OK : SR_PARAMETERS;
}

void
order_reset_encode(
    const struct order_reset *reset, uint8_t bytes[ORDER_RESET_LEN])
{
	struct writer w = writer_to(bytes, ORDER_RESET_LEN);

	writer_u64(&w, reset->customer);
	writer_u64(&w, reset->until_ms);
	writer_bytes(
	    &w, reset->attestation_hash, sizeof(reset->attestation_hash));
	assert(!w.bad && writer_len(&w) == ORDER_RESET_LEN);
}

enum sr_error
order_reset_decode(const void *bytes, size_t len, struct order_reset *reset)
{
	struct reader r = reader_of(bytes, len);

	memset(reset, 0, sizeof(*reset));
	reset->customer = reader_u64(&r);
	reset->until_ms = reader_u64(&r);
	reader_bytes(
	    &r, reset->attestation_hash, sizeof(reset->attestation_hash));
	return reader_end(&r) && reset->customer != 0 && reset->until_ms != 0
		   ? SR_OK
		   : SR_PARAMETERS;
}

size_t
order_count_encode(
    const struct order_count *count, uint8_t bytes[ORDER_COUNT_MAX])
{
	struct writer w = writer_to(bytes, ORDER_COUNT_MAX);

	assert(count->lines <= ORDER_COUNT_LINES_MAX);
	writer_u64(&w, count->till);
	writer_u8(&w, (uint8_t)count->lines);
	writer_zeros(&w, 7);
	for (unsigned i = 0; i < count->lines; i++) {
		writer_i64(&w, count->line[i].value_minor);
		writer_u64(&w, count->line[i].pieces);
	}
	assert(!w.bad);
	return writer_len(&w);
}

/* Adds a line up; false beyond what a till can hold. */
static bool
add_line(struct order_count *count, const struct order_count_line *line)
{
	int64_t part;

	return line->value_minor > 0 && line->pieces > 0 &&
	       !__builtin_mul_overflow(
		   line->value_minor, line->pieces, &part) &&
	       !__builtin_add_overflow(
		   count->sum_minor, part, &count->sum_minor);
}

enum sr_error
order_count_decode(const void *bytes, size_t len, struct order_count *count)
{
	struct reader r = reader_of(bytes, len);

	memset(count, 0, sizeof(*count));
	count->till = reader_u64(&r);
	count->lines = reader_u8(&r);
	reader_zeros(&r, 7);
	if (count->lines > ORDER_COUNT_LINES_MAX)
		return SR_PARAMETERS;
	for (unsigned i = 0; i < count->lines; i++) {
		struct order_count_line *line = &count->line[i];

		line->value_minor = reader_i64(&r);
		line->pieces = reader_u64(&r);
		if (!add_line(count, line) ||
		    (i > 0 && line->value_minor >= line[-1].value_minor))
			return SR_PARAMETERS;
	}
	return reader_end(&r) ? SR_OK : SR_PARAMETERS;
}

enum sr_error
order_label_check(const void *label, size_t len)
{
	const char *c = label;

	if (len == 0 || len > ORDER_LABEL_MAX || c[0] < 'a' || c[0] > 'z')
		return SR_PARAMETERS;
	for (size_t i = 0; i < len; i++)
		if (!(c[i] >= 'a' && c[i] <= 'z') &&
		    !(c[i] >= '0' && c[i] <= '9') && c[i] != '.' &&
		    c[i] != '_' && c[i] != '-')
			return SR_PARAMETERS;
	return len == 4 && memcmp(c, "main", 4) == 0 ? SR_PARAMETERS : SR_OK;
}

bool
order_kind_has_memo(unsigned kind)
{
	return kind == ORDER_TRANSFER || kind == ORDER_DEPOSIT ||
	       kind == ORDER_HOLD ||
	       (kind >= ORDER_UNDO && kind <= ORDER_ADJUST) ||
	       kind == ORDER_CASH_OUT;
}

enum sr_error
order_attachment_check(unsigned kind, const void *attachment, size_t len)
{
	union {
		struct order_enrol enrol;
		struct order_revoke revoke;
		struct order_auditor auditor;
		struct order_release release;
		struct order_policy policy;
		struct order_role role;
		struct order_limits limits;
		struct order_count count;
		struct order_certify certify;
		struct order_retire retire;
		struct order_reset reset;
		uint64_t account;
	} block;

	if (len > ORDER_ATTACHMENT_MAX)
		return SR_TOO_LARGE;
	if (order_kind_has_memo(kind))
		return name_text_check(attachment, len, ORDER_MEMO_MAX);
	switch (kind) {
	case ORDER_APPROVE:
		return len == ORDER_APPROVE_LEN ? SR_OK : SR_PARAMETERS;
	case ORDER_POST:
	case ORDER_VOID:
	case ORDER_ERASE:
		return len == 0 ? SR_OK : SR_PARAMETERS;
	case ORDER_ENROL_REQUEST:
		return order_enrol_decode(attachment, len, &block.enrol);
	case ORDER_REVOKE:
		return order_revoke_decode(attachment, len, &block.revoke);
	case ORDER_AUDITOR_REQUEST:
		return order_auditor_decode(attachment, len, &block.auditor);
	case ORDER_RELEASE_REQUEST:
		return order_release_decode(attachment, len, &block.release);
	case ORDER_POLICY:
		return order_policy_decode(attachment, len, &block.policy);
	case ORDER_ROLE:
		return order_role_decode(attachment, len, &block.role);
	case ORDER_RAISE_LIMIT:
	case ORDER_LOWER_LIMIT:
		return order_limits_decode(attachment, len, &block.limits);
	case ORDER_FREEZE:
	case ORDER_UNFREEZE:
	case ORDER_CLOSE:
	case ORDER_ROLE_REVOKE:
		return order_account_decode(attachment, len, &block.account);
	case ORDER_CERTIFY:
		return order_certify_decode(attachment, len, &block.certify);
	case ORDER_RETIRE:
		return order_retire_decode(attachment, len, &block.retire);
	case ORDER_RESET:
		return order_reset_decode(attachment, len, &block.reset);
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
		return order_count_decode(attachment, len, &block.count);
	case ORDER_ACCOUNT_OPEN:
		return order_label_check(attachment, len);
	default:
		return SR_PARAMETERS;
	}
}
