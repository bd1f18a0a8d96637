/* SPDX-License-Identifier: ISC */
/*
 * The committed plaintexts of the journal.  One layout a type and one reading
 * of each: an auditor in years reads what was committed to today.
 */
#include "common/entry.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/buffer.h"
#include "common/name.h"

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

struct entry_rules
entry_rules_default(enum bank_type type)
{
	/* Mutual credit begins with no credit; policy orders raise it. */
	(void)type;
	return (struct entry_rules){.customer_floor_minor = 0,
	    .customer_ceiling_minor = INT64_MAX,
	    .order_life_ms = ORDER_LIFE_MAX_MS,
	    .request_life_ms = DAY_MS,
	    .version = ENTRY_RULES_VERSION};
}

enum entry_type
entry_type_of(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	if (len == 0 || at[0] < ENTRY_GENESIS || at[0] > ENTRY_ROTATION)
		return (enum entry_type)0;
	return (enum entry_type)at[0];
}

/* A u16 length and so many bytes, at most max. */
static const uint8_t *
read_counted(struct reader *r, size_t max, size_t *len)
{
	*len = reader_u16(r);
	if (*len > max)
		r->bad = true;
	return reader_view(r, *len);
}

static void
write_counted(struct writer *w, const void *bytes, size_t len, size_t max)
{
	if (len > max)
		w->bad = true;
	writer_u16(w, (uint16_t)len);
	writer_bytes(w, bytes, len);
}

static enum sr_error
written(const struct writer *w, size_t *len)
{
	*len = writer_len(w);
	return w->bad ? SR_TOO_LARGE : SR_OK;
}

enum sr_error
entry_account_encode(
    const struct entry_account *account, uint8_t *out, size_t room, size_t *len)
{
	struct writer w = writer_to(out, room);

	writer_u8(&w, ENTRY_ACCOUNT);
	writer_u64(&w, account->time_ms);
	write_counted(&w, account->attestation, account->attestation_len,
	    ENTRY_ATTESTATION_MAX);
	write_counted(&w, account->directory, account->directory_len,
	    ENTRY_DIRECTORY_MAX);
	return written(&w, len);
}

enum sr_error
entry_account_decode(
    const void *bytes, size_t len, struct entry_account *account)
{
	struct reader r = reader_of(bytes, len);

	memset(account, 0, sizeof(*account));
	if (reader_u8(&r) != ENTRY_ACCOUNT)
		return SR_MALFORMED;
	account->time_ms = reader_u64(&r);
	account->attestation =
	    read_counted(&r, ENTRY_ATTESTATION_MAX, &account->attestation_len);
	account->directory =
	    read_counted(&r, ENTRY_DIRECTORY_MAX, &account->directory_len);
	return reader_end(&r) ? SR_OK : SR_MALFORMED;
}

enum sr_error
entry_order_encode(
    const struct entry_order *order, uint8_t *out, size_t room, size_t *len)
{
	struct writer w = writer_to(out, room);

	writer_u8(&w, ENTRY_ORDER);
	writer_bytes(&w, order->order, ORDER_LEN);
	writer_bytes(&w, order->signature, ORDER_SIGNATURE_LEN);
	write_counted(
	    &w, order->attachment, order->attachment_len, ORDER_ATTACHMENT_MAX);
	writer_u16(&w, (uint16_t)order->outcome);
	writer_u64(&w, order->time_ms);
	return written(&w, len);
}

enum sr_error
entry_order_decode(const void *bytes, size_t len, struct entry_order *order)
{
	struct reader r = reader_of(bytes, len);
	uint16_t outcome;

	memset(order, 0, sizeof(*order));
	if (reader_u8(&r) != ENTRY_ORDER)
		return SR_MALFORMED;
	order->order = reader_view(&r, ORDER_LEN);
	order->signature = reader_view(&r, ORDER_SIGNATURE_LEN);
	order->attachment =
	    read_counted(&r, ORDER_ATTACHMENT_MAX, &order->attachment_len);
	outcome = reader_u16(&r);
	order->time_ms = reader_u64(&r);
	order->outcome = error_of_wire(outcome);
	if (!reader_end(&r) || (unsigned)order->outcome != outcome)
		return SR_MALFORMED;
	return SR_OK;
}

void
entry_event_encode(enum entry_type type, const struct entry_event *event,
    uint8_t out[ENTRY_EVENT_LEN])
{
	struct writer w = writer_to(out, ENTRY_EVENT_LEN);

	assert(type == ENTRY_USE || type == ENTRY_SYSTEM);
	writer_u8(&w, (uint8_t)type);
	writer_u8(&w, event->code);
	writer_zeros(&w, 6);
	writer_u64(&w, event->subject);
	writer_bytes(&w, event->detail, ENTRY_DETAIL_LEN);
	writer_u64(&w, event->time_ms);
	assert(!w.bad && writer_len(&w) == ENTRY_EVENT_LEN);
}

enum sr_error
entry_event_decode(enum entry_type type, const void *bytes, size_t len,
    struct entry_event *event)
{
	struct reader r = reader_of(bytes, len);

	memset(event, 0, sizeof(*event));
	if (reader_u8(&r) != type)
		return SR_MALFORMED;
	event->code = reader_u8(&r);
	reader_zeros(&r, 6);
	event->subject = reader_u64(&r);
	reader_bytes(&r, event->detail, ENTRY_DETAIL_LEN);
	event->time_ms = reader_u64(&r);
	return reader_end(&r) ? SR_OK : SR_MALFORMED;
}

/* The snapshot that an event is about; false for no number of one. */
static bool
read_snapshot(struct reader *r, const struct entry_event *event,
    struct entry_snapshot *snapshot)
{
	memset(snapshot, 0, sizeof(*snapshot));
	if (event->subject == 0 || event->subject > UINT32_MAX)
		return false;
	snapshot->number = (uint32_t)event->subject;
	snapshot->size = reader_u64(r);
	snapshot->segment = reader_u32(r);
	snapshot->offset = reader_u32(r);
	reader_bytes(r, snapshot->hash, sizeof(snapshot->hash));
	return true;
}

static void
write_snapshot(struct writer *w, const struct entry_snapshot *snapshot)
{
	writer_u64(w, snapshot->size);
	writer_u32(w, snapshot->segment);
	writer_u32(w, snapshot->offset);
	writer_bytes(w, snapshot->hash, sizeof(snapshot->hash));
}

enum sr_error
entry_snapshot_of(
    const struct entry_event *event, struct entry_snapshot *snapshot)
{
	struct reader r = reader_of(event->detail, sizeof(event->detail));

	if (event->code != SYSTEM_SNAPSHOT ||
	    !read_snapshot(&r, event, snapshot))
		return SR_MALFORMED;
	reader_zeros(&r, reader_left(&r));
	return reader_end(&r) ? SR_OK : SR_MALFORMED;
}

void
entry_snapshot_write(const struct entry_snapshot *snapshot, struct writer *w)
{
	writer_u32(w, snapshot->number);
	write_snapshot(w, snapshot);
}

void
entry_snapshot_read(struct reader *r, struct entry_snapshot *snapshot)
{
	snapshot->number = reader_u32(r);
	snapshot->size = reader_u64(r);
	snapshot->segment = reader_u32(r);
	snapshot->offset = reader_u32(r);
	reader_bytes(r, snapshot->hash, sizeof(snapshot->hash));
}

struct entry_snapshot
entry_snapshot_certified(const struct order_certify *certify)
{
	struct entry_snapshot snapshot = {.number = certify->snapshot,
	    .size = certify->size,
	    .segment = certify->segment,
	    .offset = certify->offset};

	memcpy(snapshot.hash, certify->hash, sizeof(snapshot.hash));
	return snapshot;
}

bool
entry_snapshot_same(
    const struct entry_snapshot *one, const struct entry_snapshot *other)
{
	return one->number == other->number && one->size == other->size &&
	       one->segment == other->segment && one->offset == other->offset &&
	       memcmp(one->hash, other->hash, sizeof(one->hash)) == 0;
}

enum sr_error
entry_retention_of(
    const struct entry_event *event, struct entry_retention *retention)
{
	struct reader r = reader_of(event->detail, sizeof(event->detail));

	memset(retention, 0, sizeof(*retention));
	if (event->code != SYSTEM_RETENTION ||
	    !read_snapshot(&r, event, &retention->snapshot))
		return SR_MALFORMED;
	retention->leaf = reader_u64(&r);
	retention->step = reader_u8(&r);
	reader_zeros(&r, reader_left(&r));
	return reader_end(&r) && (retention->step == RETENTION_CERTIFIED ||
				     retention->step == RETENTION_RETIRED)
		   ? SR_OK
		   : SR_MALFORMED;
}

struct entry_event
entry_retention_event(const struct entry_retention *retention)
{
	struct entry_event event = {
	    .code = SYSTEM_RETENTION, .subject = retention->snapshot.number};
	struct writer w = writer_to(event.detail, sizeof(event.detail));

	write_snapshot(&w, &retention->snapshot);
	writer_u64(&w, retention->leaf);
	writer_u8(&w, retention->step);
	return event;
}

struct entry_event
entry_snapshot_event(const struct entry_snapshot *snapshot)
{
	struct entry_event event = {
	    .code = SYSTEM_SNAPSHOT, .subject = snapshot->number};
	struct writer w = writer_to(event.detail, sizeof(event.detail));

	write_snapshot(&w, snapshot);
	return event;
}

void
entry_genesis_encode(
    const struct entry_genesis *genesis, uint8_t out[ENTRY_GENESIS_LEN])
{
	struct writer w = writer_to(out, ENTRY_GENESIS_LEN);

	assert(genesis->name_len <= ENTRY_BANK_NAME_MAX);
	writer_u8(&w, ENTRY_GENESIS);
	writer_bytes(&w, genesis->bank_id, 32);
	writer_u8(&w, genesis->name_len);
	writer_bytes(&w, genesis->name, genesis->name_len);
	writer_zeros(&w, ENTRY_BANK_NAME_MAX - genesis->name_len);
	writer_bytes(&w, genesis->unit.code,
	    strnlen(genesis->unit.code, MONEY_CODE_MAX));
	writer_zeros(
	    &w, MONEY_CODE_MAX - strnlen(genesis->unit.code, MONEY_CODE_MAX));
	writer_u8(&w, genesis->unit.exponent);
	writer_u8(&w, genesis->bank_type);
	writer_u8(&w, genesis->rules.version == ENTRY_RULES_FIRST
			  ? 0
			  : genesis->rules.version);
	writer_zeros(&w, 4);
	writer_i64(&w, genesis->rules.customer_floor_minor);
	writer_i64(&w, genesis->rules.customer_ceiling_minor);
	writer_u64(&w, genesis->rules.order_life_ms);
	writer_u64(&w, genesis->rules.request_life_ms);
	writer_bytes(&w, genesis->operator_key[0], 32);
	writer_bytes(&w, genesis->operator_key[1], 32);
	writer_bytes(&w, genesis->identity_key, 32);
	writer_u64(&w, genesis->time_ms);
	assert(!w.bad && writer_len(&w) == ENTRY_GENESIS_SIGNED_LEN);
	writer_bytes(&w, genesis->signature, sizeof(genesis->signature));
	assert(!w.bad && writer_len(&w) == ENTRY_GENESIS_LEN);
}

/* The rest of a field must be zero after its len first bytes. */
static bool
zero_after(const char *field, size_t len, size_t size)
{
	for (size_t i = len; i < size; i++)
		if (field[i] != '\0')
			return false;
	return true;
}

static bool
genesis_valid(const struct entry_genesis *genesis)
{
	const struct entry_rules *rules = &genesis->rules;
	size_t code_len = strnlen(genesis->unit.code, MONEY_CODE_MAX);

	return genesis->name_len >= 1 &&
	       genesis->name_len <= ENTRY_BANK_NAME_MAX &&
	       zero_after(
		   genesis->name, genesis->name_len, ENTRY_BANK_NAME_MAX) &&
	       name_text_check(genesis->name, genesis->name_len,
		   ENTRY_BANK_NAME_MAX) == SR_OK &&
	       zero_after(genesis->unit.code, code_len, MONEY_CODE_MAX) &&
	       money_unit_valid(&genesis->unit) &&
	       genesis->bank_type <= BANK_MUTUAL_CREDIT &&
	       (rules->version == 0 ||
		   (rules->version > ENTRY_RULES_FIRST &&
		       rules->version <= ENTRY_RULES_VERSION)) &&
	       rules->customer_floor_minor <= 0 &&
	       rules->customer_ceiling_minor > 0 && rules->order_life_ms > 0 &&
	       rules->order_life_ms <= ORDER_LIFE_MAX_MS &&
	       rules->request_life_ms > 0 &&
	       rules->request_life_ms <= 365 * DAY_MS &&
	       memcmp(genesis->operator_key[0], genesis->operator_key[1], 32) !=
		   0;
}

enum sr_error
entry_genesis_decode(
    const void *bytes, size_t len, struct entry_genesis *genesis)
{
	struct reader r = reader_of(bytes, len);

	memset(genesis, 0, sizeof(*genesis));
	if (reader_u8(&r) != ENTRY_GENESIS)
		return SR_MALFORMED;
	reader_bytes(&r, genesis->bank_id, 32);
	genesis->name_len = reader_u8(&r);
	reader_bytes(&r, genesis->name, ENTRY_BANK_NAME_MAX);
	reader_bytes(&r, genesis->unit.code, MONEY_CODE_MAX);
	genesis->unit.exponent = reader_u8(&r);
	genesis->bank_type = reader_u8(&r);
	genesis->rules.version = reader_u8(&r);
	reader_zeros(&r, 4);
	genesis->rules.customer_floor_minor = reader_i64(&r);
	genesis->rules.customer_ceiling_minor = reader_i64(&r);
	genesis->rules.order_life_ms = reader_u64(&r);
	genesis->rules.request_life_ms = reader_u64(&r);
	reader_bytes(&r, genesis->operator_key[0], 32);
	reader_bytes(&r, genesis->operator_key[1], 32);
	reader_bytes(&r, genesis->identity_key, 32);
	genesis->time_ms = reader_u64(&r);
	if (reader_left(&r) != 0)
		reader_bytes(
		    &r, genesis->signature, sizeof(genesis->signature));
	return reader_end(&r) && genesis_valid(genesis) ? SR_OK : SR_MALFORMED;
}

#define LABEL_LEN (sizeof(ENTRY_GENESIS_LABEL) - 1)

/* label | the signed bytes */
static void
genesis_signed(const uint8_t *signed_bytes,
    uint8_t out[LABEL_LEN + ENTRY_GENESIS_SIGNED_LEN])
{
	memcpy(out, ENTRY_GENESIS_LABEL, LABEL_LEN);
	memcpy(out + LABEL_LEN, signed_bytes, ENTRY_GENESIS_SIGNED_LEN);
}

enum sr_error
entry_genesis_sign(const uint8_t signed_bytes[ENTRY_GENESIS_SIGNED_LEN],
    const uint8_t identity_secret[64], uint8_t signature[64])
{
	uint8_t text[LABEL_LEN + ENTRY_GENESIS_SIGNED_LEN];

	genesis_signed(signed_bytes, text);
	if (crypto_sign_detached(
		signature, NULL, text, sizeof(text), identity_secret) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

enum sr_error
entry_genesis_verify(
    const uint8_t bytes[ENTRY_GENESIS_LEN], const uint8_t identity_key[32])
{
	uint8_t text[LABEL_LEN + ENTRY_GENESIS_SIGNED_LEN];
	uint8_t bank_id[crypto_hash_sha256_BYTES];
	struct entry_genesis genesis;

	crypto_hash_sha256(bank_id, identity_key, 32);
	if (entry_genesis_decode(bytes, ENTRY_GENESIS_LEN, &genesis) != SR_OK ||
	    memcmp(genesis.bank_id, bank_id, sizeof(bank_id)) != 0 ||
	    memcmp(genesis.identity_key, identity_key, 32) != 0)
		return SR_BANK_KEY;
	genesis_signed(bytes, text);
	if (crypto_sign_verify_detached(bytes + ENTRY_GENESIS_SIGNED_LEN, text,
		sizeof(text), identity_key) != 0)
		return SR_BANK_KEY;
	return SR_OK;
}
