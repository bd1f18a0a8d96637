/* SPDX-License-Identifier: ISC */
/* tests/run: limit=300 */
/*
 * The audit with keys against those who hold the segments' keys and bring
 * what they wrote under keyd's signature: a hostile ledgerd.  Each byte of the
 * plaintext and of the frame's header of each kind of entry is forged once,
 * sealed again, committed to again and signed; and the keys of a customer who
 * has changed them.
 *
 * What cannot be seen stands in by_design(), each with its reason
 * (strongroom-verify(1), "SECURITY CONSIDERATIONS").  Of a restore note it is
 * the salt only; but whoever has the identity key can sign any other note, of
 * any loss, and then only a checkpoint that was kept tells: so the note is
 * signed anew for what is forged before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/forged_share.h"
#include "tests/lib/forged_stage.h"
#include "tests/lib/verified_once.h"

#define ALL_KEYS 0xFu

/* Places in the committed part (common/entry.h). */
enum {
	CODE_AT = 1,
	SUBJECT_AT = 8,
	DETAIL_AT = 16,
	SNAPSHOT_HASH_AT = DETAIL_AT + 16,
	EVENT_TIME_AT = DETAIL_AT + 64,
	ACCOUNT_TIME_AT = 1,
	DIRECTORY_AT = 1 + 8 + 2 + ATTESTATION_LEN + 2,
	SEAL_WRONG_AT = DETAIL_AT + 16,
	SEAL_END_AT = DETAIL_AT + 52, /* zeros follow */
	LENGTH_LEN = 4,               /* before the committed part */
	RANDOM_AT = 36, /* in the frame's header (common/journal.h) */
};

/* ---- bytes ----------------------------------------------------------------------- */

static bool
is_event(const struct forged_entry *entry, enum entry_type type, uint8_t code)
{
	return entry->committed[0] == type && entry->committed[CODE_AT] == code;
}

/*
 * Why a byte of a plaintext may be another one, or NULL.  Offsets from the
 * beginning of the committed part.
 */
static const char *
by_design(const struct forged_entry *entry, size_t offset)
{
	if (offset >= entry->committed_len &&
	    offset < entry->committed_len + JOURNAL_SALT_LEN)
		return "a salt is a random number, and any other is as good";
	if (entry->committed[0] == ENTRY_ACCOUNT && offset >= DIRECTORY_AT &&
	    offset < entry->committed_len)
		return "names are sealed under keys that no auditor is given; "
		       "that a name is the customer's, its attestation tells";
	if (is_event(entry, ENTRY_SYSTEM, SYSTEM_SNAPSHOT) &&
	    offset >= SNAPSHOT_HASH_AT && offset < SNAPSHOT_HASH_AT + 32)
		return "of a snapshot that is there no more, nothing tells "
		       "the hash";
	if ((is_event(entry, ENTRY_SYSTEM, SYSTEM_RECOVERED) ||
		is_event(entry, ENTRY_SYSTEM, SYSTEM_STARTED)) &&
	    offset >= SUBJECT_AT && offset < EVENT_TIME_AT)
		return "what a start cut away was never signed: only ledgerd "
		       "has seen it";
	if (is_event(entry, ENTRY_SYSTEM, SYSTEM_CLOCK) &&
	    offset >= SUBJECT_AT && offset < SUBJECT_AT + 16)
		return "what the clocks showed, only ledgerd has seen";
	if (is_event(entry, ENTRY_SYSTEM, SYSTEM_REFUSALS) &&
	    offset >= SUBJECT_AT && offset < EVENT_TIME_AT)
		return "what was refused, only keyd has seen";
	if (is_event(entry, ENTRY_SYSTEM, SYSTEM_SEAL) &&
	    ((offset >= SUBJECT_AT && offset < DETAIL_AT) ||
		(offset >= SEAL_WRONG_AT && offset < SEAL_WRONG_AT + 4)))
		return "when the keys were opened, and how many tries there "
		       "were, only strongroomd has seen";
	if (is_event(entry, ENTRY_USE, USE_DISCLOSE_SNAPSHOT) &&
	    offset >= DETAIL_AT + 32 && offset < DETAIL_AT + 64)
		return "of a snapshot that is there no more, nothing tells "
		       "the salt";
	return NULL;
}

/*
 * Numbers of snapshots only have to grow; of what opens the bank's keys another
 * tale may be as good.
 */
static bool
is_open(const struct forged_entry *entry, size_t offset)
{
	return (is_event(entry, ENTRY_SYSTEM, SYSTEM_SNAPSHOT) &&
		   offset >= SUBJECT_AT && offset < SUBJECT_AT + 4) ||
	       (is_event(entry, ENTRY_SYSTEM, SYSTEM_SEAL) &&
		   offset >= DETAIL_AT && offset < SEAL_END_AT);
}

/* With keys, at that entry: tampered, or of a kind that only a later version
 * knows, where the byte tells the kind. */
static bool
is_named(const struct forged_log *log, unsigned i,
    const struct forged_verdict *verdict, bool tells_kind)
{
	const struct forged_entry *entry = &log->entry[i];
	char place[128];

	snprintf(place, sizeof(place),
	    "segment/%08u.log, offset %u (entry %u): ", entry->position.segment,
	    entry->position.offset, i);
	return (verdict->exit == VERIFY_TAMPERED ||
		   (tells_kind && verdict->exit == VERIFY_COULD_NOT)) &&
	       strncmp(verdict->why, place, strlen(place)) == 0 &&
	       verdict->executed == i;
}

/*
 * A byte that the leaf of the restore note is committed to: with the identity's
 * note in public/restores, with the forged one, and with none.
 */
static bool
forge_note(struct forged_log *log, unsigned i, size_t offset)
{
	size_t note_len = log->entry[i].committed_len;
	uint8_t record[RESTORE_RECORD_LEN];
	const struct forged_verdict *verdict;
	char place[64];

	snprintf(place, sizeof(place), "segment/%08u.log, offset %u (entry %u)",
	    log->entry[i].position.segment, log->entry[i].position.offset, i);
	verdict = forged_log_verify(log, ALL_KEYS, true);
	if (verdict->exit != VERIFY_TAMPERED ||
	    strncmp(verdict->why, place, strlen(place)) != 0)
		return forged_tell(verdict, "note, byte %zu", offset);
	forged_log_record(log, record);
	record[offset < note_len ? RESTORE_SALT_LEN + offset
				 : offset - note_len] ^=
	    log->entry[i].forged.mask;
	forged_log_put_restores(log, record, sizeof(record));
	verdict = forged_log_verify(log, ALL_KEYS, true);
	if (offset >= note_len
		? verdict->exit != VERIFY_ANCHORED
		: verdict->exit != VERIFY_TAMPERED ||
		      strstr(verdict->why, "public/restores, note 2: ") == NULL)
		return forged_tell(
		    verdict, "note with its record, byte %zu", offset);
	forged_log_put_restores(log, NULL, 0);
	verdict = forged_log_verify(log, ALL_KEYS, true);
	if (verdict->exit != VERIFY_TAMPERED ||
	    strstr(verdict->why, "without a restore note") == NULL)
		return forged_tell(
		    verdict, "note without a record, byte %zu", offset);
	return true;
}

/* Likewise of the rotation note, whose record is the first one. */
static bool
forge_turn(struct forged_log *log, unsigned i, size_t offset)
{
	uint8_t record[FORGED_ROTATION_LEN + RESTORE_RECORD_LEN];
	const struct forged_verdict *verdict;
	char place[64];

	snprintf(place, sizeof(place), "segment/%08u.log, offset %u (entry %u)",
	    log->entry[i].position.segment, log->entry[i].position.offset, i);
	verdict = forged_log_verify(log, ALL_KEYS, true);
	if (verdict->exit != VERIFY_TAMPERED ||
	    strncmp(verdict->why, place, strlen(place)) != 0)
		return forged_tell(verdict, "rotation, byte %zu", offset);
	forged_log_rotation(log, record);
	forged_log_record(log, record + FORGED_ROTATION_LEN);
	record[offset < ROTATION_NOTE_LEN ? RESTORE_SALT_LEN + offset
					  : offset - ROTATION_NOTE_LEN] ^=
	    log->entry[i].forged.mask;
	forged_log_put_file(log, RESTORE_PATH, record, sizeof(record));
	verdict = forged_log_verify(log, ALL_KEYS, true);
	if (offset >= ROTATION_NOTE_LEN
		? verdict->exit != VERIFY_ANCHORED
		: verdict->exit != VERIFY_TAMPERED ||
		      strstr(verdict->why, "public/restores, note 1: ") == NULL)
		return forged_tell(
		    verdict, "rotation with its record, byte %zu", offset);
	return true;
}

/* Whether a byte tells of what kind the entry is, or of which rules. */
static bool
tells_version(const struct forged_entry *entry, size_t offset)
{
	return offset == 0 ||
	       (offset == CODE_AT && entry->committed[0] >= ENTRY_USE) ||
	       (is_event(entry, ENTRY_SYSTEM, SYSTEM_RULES) &&
		   offset >= SUBJECT_AT && offset < DETAIL_AT);
}

static bool
forge_plain(struct forged_log *log, unsigned i, size_t at)
{
	const struct forged_entry *entry = &log->entry[i];
	const struct forged_verdict *verdict;
	size_t offset = at - LENGTH_LEN; /* or huge, in the length */
	bool tells_kind = tells_version(entry, offset);

	log->entry[i].forged = (struct forged_bytes){
	    FORGED_PLAIN_COMMITTED, at, (uint8_t)(1u << at % 8)};
	forged_log_write(log);
	log->entry[i].forged.where = FORGED_NOTHING;
	if (entry->committed[0] == ENTRY_RESTORE && at >= LENGTH_LEN &&
	    offset < entry->committed_len + JOURNAL_SALT_LEN)
		return forge_note(log, i, offset);
	if (entry->committed[0] == ENTRY_ROTATION && at >= LENGTH_LEN &&
	    offset < entry->committed_len + JOURNAL_SALT_LEN)
		return forge_turn(log, i, offset);
	verdict = forged_log_verify(log, ALL_KEYS, true);
	if (at >= LENGTH_LEN && is_open(entry, offset))
		return true;
	if (at >= LENGTH_LEN && by_design(entry, offset) != NULL) {
		if (verdict->exit == VERIFY_ANCHORED)
			return true;
		return forged_tell(
		    verdict, "entry %u, byte %zu, by design", i, offset);
	}
	if (is_named(log, i, verdict, tells_kind))
		return true;
	return forged_tell(verdict, "entry %u of type %u (%u), byte %zu of %zu",
	    i, entry->committed[0],
	    entry->committed[entry->committed[0] == ENTRY_ORDER ? 9 : 1],
	    offset, entry->committed_len);
}

static bool
forge_header(struct forged_log *log, unsigned i, size_t at)
{
	const struct forged_verdict *verdict;

	log->entry[i].forged =
	    (struct forged_bytes){FORGED_HEADER, at, (uint8_t)(1u << at % 8)};
	forged_log_write(log);
	log->entry[i].forged.where = FORGED_NOTHING;
	verdict = forged_log_verify(log, ALL_KEYS, true);
	/* a random number, and any other is as good */
	if (at >= RANDOM_AT && at < RANDOM_AT + 32) {
		if (verdict->exit == VERIFY_ANCHORED)
			return true;
	} else if (verdict->exit == VERIFY_TAMPERED &&
		   strstr(verdict->why, ".log, offset ") != NULL) {
		return true;
	}
	return forged_tell(verdict, "entry %u, header's byte %zu", i, at);
}

/* The first of its kind, outcome and number of accounts. */
static bool
is_first(const struct forged_log *log, unsigned i)
{
	const struct forged_entry *one = &log->entry[i];
	unsigned type = one->committed[0];

	for (unsigned k = 0; k < i; k++) {
		const struct forged_entry *other = &log->entry[k];

		if (other->committed[0] != type ||
		    other->touched_count != one->touched_count)
			continue;
		if (type == ENTRY_ORDER &&
		    (other->committed[9] != one->committed[9] ||
			other->committed[other->committed_len - 10] !=
			    one->committed[one->committed_len - 10]))
			continue;
		if (type >= ENTRY_USE &&
		    other->committed[CODE_AT] != one->committed[CODE_AT])
			continue;
		return false;
	}
	return true;
}

static size_t
plain_len(const struct forged_log *log, unsigned i)
{
	const struct forged_entry *entry = &log->entry[i];
	struct reader r = reader_of(
	    log->bytes[entry->position.segment] + entry->position.offset + 8,
	    4);

	return reader_u32(&r) - JOURNAL_TAG_LEN;
}

static bool
forge_each(struct forged_log *log, unsigned share, unsigned shares)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < log->count; i++) {
		/* there is one of them, and each of its bytes counts */
		unsigned every =
		    is_event(&log->entry[i], ENTRY_SYSTEM, SYSTEM_RULES)
			? 1
			: forged_step();
		/* other bytes of the fields that all entries have */
		size_t first = share + shares * (i % every);
		size_t len = plain_len(log, i), step = shares * every;

		if (!is_first(log, i))
			continue;
		kinds++;
		for (size_t at = first; at < len; at += step)
			if (!forge_plain(log, i, at))
				return false;
		for (size_t at = first; at < JOURNAL_AAD_LEN; at += step)
			if (!forge_header(log, i, at))
				return false;
	}
	forged_log_write(log);
	return kinds >= 21 &&
	       forged_log_verify(log, ALL_KEYS, true)->exit == VERIFY_ANCHORED;
}

static void
given_each_byte_when_forged_under_keyds_signature_then_named_or_by_design(
    void **state)
{
	(void)state;
	assert_true(forged_share(&day, forge_each));
}

/* ---- fields that are forged together ----------------------------------------------- */

static void
expect_named(unsigned entry, const char *what)
{
	const struct forged_verdict *verdict =
	    forged_log_verify(&log_now, ALL_KEYS, true);

	if (!is_named(&log_now, entry, verdict, false) ||
	    strstr(verdict->why, what) == NULL)
		fail_msg("entry %u: exit %d, `%s' does not say `%s'", entry,
		    (int)verdict->exit, verdict->why, what);
	/* and without keys nothing is seen of it: keyd has signed it */
	assert_int_equal(
	    forged_log_verify(&log_now, 0, true)->exit, VERIFY_INTACT);
}

/* The time of an entry, in its frame and in its plaintext. */
static void
move_time(unsigned i, uint64_t ms)
{
	struct forged_entry *entry = &log_now.entry[i];
	size_t at = entry->committed_len - 8;
	struct writer w;

	if (entry->committed[0] == ENTRY_ACCOUNT)
		at = ACCOUNT_TIME_AT;
	entry->time_ms += ms;
	w = writer_to(entry->committed + at, 8);
	writer_u64(&w, entry->time_ms);
}

/*
 * The time of an entry is ledgerd's word: it may not run backwards, and no
 * order is carried out when its signer did not want it any more.  Within that
 * nobody but the customer, whose receipt names it, can tell.
 */
static void
given_later_times_when_signed_by_keyd_then_only_an_expired_order_tells(
    void **state)
{
	unsigned last = day.count;

	(void)state;
	while (log_now.entry[last - 1].committed[0] != ENTRY_ORDER)
		last--;
	last--;
	for (unsigned i = last; i < day.count; i++)
		move_time(i, 1000);
	forged_log_write(&log_now);
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
	for (unsigned i = last; i < day.count; i++)
		move_time(i, ORDER_LIFE_MAX_MS);
	forged_log_write(&log_now);
	expect_named(last, "expired");
}

/* ---- outcomes --------------------------------------------------------------------- */

/* It is counted by the book and stands in no list. */
static void
given_a_late_post_when_its_outcome_is_forged_then_it_is_named_and_told(
    void **state)
{
	unsigned post = 0;
	struct order order;

	(void)state;
	for (unsigned i = 0; i < day.count; i++)
		if (day.entry[i].committed[0] == ENTRY_ORDER &&
		    order_decode(day.entry[i].committed + 1, &order) == SR_OK &&
		    order.kind == ORDER_POST)
			post = i; /* the last one is late */
	assert_true(post != 0);
	log_now.entry[post].committed[day.entry[post].committed_len - 10] =
	    SR_HOLD_STATE;
	forged_log_write(&log_now);
	expect_named(post, "by the rules its outcome is");
}

/* ---- versions of the rules ----------------------------------------------------------- */

static unsigned
find_system(uint8_t code)
{
	unsigned i = 0;

	while (i < day.count && !is_event(&day.entry[i], ENTRY_SYSTEM, code))
		i++;
	assert_true(i < day.count);
	return i;
}

/* Of two versions: under the one before nothing can be undone. */
static unsigned
find_rules(void)
{
	return find_system(SYSTEM_RULES);
}

static unsigned
find_order(enum order_kind kind)
{
	struct order order;

	for (unsigned i = 0; i < day.count; i++)
		if (day.entry[i].committed[0] == ENTRY_ORDER &&
		    order_decode(day.entry[i].committed + 1, &order) == SR_OK &&
		    order.kind == kind)
			return i;
	fail_msg("no order of kind %u", (unsigned)kind);
	return 0;
}

static void
given_the_version_of_the_rules_when_it_is_not_a_later_one_then_named(
    void **state)
{
	unsigned rules = find_rules();

	(void)state;
	for (uint8_t version = 0; version <= ENTRY_RULES_FIRST; version++) {
		log_now.entry[rules].committed[SUBJECT_AT] = version;
		forged_log_write(&log_now);
		expect_named(rules, "in force already");
	}
}

/* Some other event stands there: the leaves are the same. */
static void
given_later_rules_when_not_said_or_said_too_late_then_the_undo_tells(
    void **state)
{
	unsigned rules = find_rules(), undo = find_order(ORDER_UNDO);
	unsigned late = rules;

	(void)state;
	assert_true(rules < undo);
	log_now.entry[rules].committed[CODE_AT] = SYSTEM_STARTED;
	log_now.entry[rules].committed[SUBJECT_AT] = 0;
	forged_log_write(&log_now);
	expect_named(undo, "by the rules its outcome is");
	while (!is_event(&day.entry[late], ENTRY_SYSTEM, SYSTEM_STARTED))
		late++;
	assert_true(late > undo);
	log_now.entry[late].committed[CODE_AT] = SYSTEM_RULES;
	log_now.entry[late].committed[SUBJECT_AT] = ENTRY_RULES_VERSION;
	forged_log_write(&log_now);
	expect_named(undo, "by the rules its outcome is");
}

/* ---- refusals ------------------------------------------------------------------------ */

static void
given_refusals_when_there_were_none_then_named(void **state)
{
	unsigned refusals = find_system(SYSTEM_REFUSALS);
	uint8_t *committed = log_now.entry[refusals].committed;

	(void)state;
	memset(committed + DETAIL_AT, 0, ENTRY_DETAIL_LEN);
	forged_log_write(&log_now);
	expect_named(refusals, "refusals that were none");
	memcpy(committed, day.entry[refusals].committed,
	    day.entry[refusals].committed_len);
	memset(committed + SUBJECT_AT, 0, 8);
	forged_log_write(&log_now);
	expect_named(refusals, "refusals that were none");
}

static void
given_an_opening_that_cannot_be_when_verified_then_named(void **state)
{
	unsigned seal = find_system(SYSTEM_SEAL);
	uint8_t *committed = log_now.entry[seal].committed;

	(void)state;
	committed[DETAIL_AT + 5] = 0; /* no way is left */
	forged_log_write(&log_now);
	expect_named(seal, "it tells what cannot be");
}

/* ---- new keys ---------------------------------------------------------------------- */

static bool
is_order_of(unsigned i, uint64_t customer, struct order *order)
{
	const struct forged_entry *entry = &log_now.entry[i];

	return entry->committed[0] == ENTRY_ORDER &&
	       order_decode(entry->committed + 1, order) == SR_OK &&
	       order->signer == customer;
}

static void
sign_again(unsigned i, const uint8_t secret[64])
{
	uint8_t *order = log_now.entry[i].committed + 1;

	assert_int_equal(order_sign(order, secret, order + ORDER_LEN), SR_OK);
}

/* The entry of the attestation that continues another one. */
static unsigned
find_rekey(void)
{
	for (unsigned i = 0; i < log_now.count; i++) {
		struct attestation attestation;

		if (log_now.entry[i].committed[0] == ENTRY_ACCOUNT &&
		    attestation_read(log_now.entry[i].committed + 11,
			&attestation) == SR_OK &&
		    attestation.key_epoch == 2 && attestation.reset_leaf == 0) {
			assert_true(attestation.customer == log_now.rekeyed);
			return i;
		}
	}
	fail_msg("nobody has changed keys");
	return 0;
}

static void
given_a_rekey_then_orders_of_both_keys_are_right_each_in_its_time(void **state)
{
	unsigned rekey = find_rekey(), before = 0, after = 0;
	struct order order;

	(void)state;
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
	for (unsigned i = 0; i < day.count; i++) {
		log_now = day;
		if (!is_order_of(i, day.rekeyed, &order))
			continue;
		/* the same order by the other key */
		sign_again(i, i < rekey ? day.new_secret : day.old_secret);
		forged_log_write(&log_now);
		expect_named(i, "not signed with the attested key");
		/* and by the right one it is the very same signature */
		sign_again(i, i < rekey ? day.old_secret : day.new_secret);
		forged_log_write(&log_now);
		assert_int_equal(
		    forged_log_verify(&log_now, ALL_KEYS, true)->exit,
		    VERIFY_ANCHORED);
		*(i < rekey ? &before : &after) += 1;
	}
	assert_true(before >= 2 && after >= 2);
}

/* The attestation of a new key goes there; where it stood is a start. */
static void
move_rekey(unsigned to)
{
	unsigned rekey = find_rekey();
	struct forged_entry *start = &log_now.entry[rekey];
	struct entry_event event = {
	    .code = SYSTEM_STARTED, .time_ms = start->time_ms};
	struct order order;

	assert_true(log_now.count < FORGED_ENTRIES_MAX);
	memmove(&log_now.entry[to + 1], &day.entry[to],
	    (day.count - to) * sizeof(day.entry[0]));
	log_now.count++;
	log_now.entry[to] = day.entry[rekey];
	move_time(to, day.entry[to].time_ms - day.entry[rekey].time_ms);
	memset(start, 0, sizeof(*start));
	start->time_ms = event.time_ms;
	entry_event_encode(ENTRY_SYSTEM, &event, start->committed);
	start->committed_len = ENTRY_EVENT_LEN;
	for (unsigned i = rekey; i < to; i++)
		if (is_order_of(i, day.rekeyed, &order))
			sign_again(i, day.old_secret);
}

/*
 * Several threads look at the orders of a segment with the keys that are
 * attested before it: one that changes in it counts from there on.
 */
static void
given_a_rekey_among_frames_looked_at_together_then_the_new_key_counts(
    void **state)
{
	unsigned next = 2 * FORGED_BATCH;
	struct order order;

	(void)state;
	while (!is_order_of(next, day.rekeyed, &order))
		next++;
	assert_true(next < 4 * FORGED_BATCH - 1);
	move_rekey(next++);
	log_now.jobs = 2;
	forged_log_write(&log_now);
	assert_true(
	    forged_log_verify(&log_now, ALL_KEYS, true)->executed > next);
	sign_again(next, day.old_secret);
	forged_log_write(&log_now);
	expect_named(next, "not signed with the attested key");
}

/* One more order behind all others, too large to be booked. */
static void
append_order(const uint8_t secret[64], uint64_t life_ms)
{
	struct forged_entry *entry = &log_now.entry[log_now.count];
	struct entry_order logged;
	struct order order, found;
	uint8_t bytes[ORDER_LEN], signature[ORDER_SIGNATURE_LEN];
	unsigned last = 0;

	for (unsigned i = 0; i < log_now.count; i++)
		if (is_order_of(i, log_now.rekeyed, &found)) {
			order = found;
			last = i;
		}
	assert_true(last != 0);
	*entry = log_now.entry[last];
	assert_int_equal(
	    entry_order_decode(entry->committed, entry->committed_len, &logged),
	    SR_OK);
	order_hash(logged.order, order.previous);
	order.seq++;
	order.reference[0] ^= 0x55;
	order.amount_minor = 1000000;
	entry->time_ms = log_now.entry[log_now.count - 1].time_ms;
	order.not_after_ms = entry->time_ms + life_ms;
	order_encode(&order, bytes);
	assert_int_equal(order_sign(bytes, secret, signature), SR_OK);
	memcpy(entry->committed + 1, bytes, sizeof(bytes));
	memcpy(entry->committed + 1 + ORDER_LEN, signature, sizeof(signature));
	entry->committed[entry->committed_len - 10] = SR_FUNDS;
	entry->touched_count = 0;
	log_now.count++;
	move_time(log_now.count - 1, 0);
	forged_log_write(&log_now);
}

static void
given_a_rekey_when_another_order_comes_then_only_the_new_key_signs_it(
    void **state)
{
	(void)state;
	append_order(day.new_secret, 60000);
	assert_string_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->why, "");
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
	log_now = day;
	append_order(day.old_secret, 60000);
	expect_named(day.count, "not signed with the attested key");
}

/* To its last millisecond an order is valid, and as long as the rules allow. */
static void
given_an_orders_life_when_at_its_limits_then_right_and_beyond_them_named(
    void **state)
{
	static const uint64_t right[] = {0, ORDER_LIFE_MAX_MS};
	static const uint64_t wrong[] = {UINT64_MAX, ORDER_LIFE_MAX_MS + 1};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		log_now = day;
		append_order(day.new_secret, right[i]);
		assert_string_equal(
		    forged_log_verify(&log_now, ALL_KEYS, true)->why, "");
		log_now = day;
		append_order(day.new_secret, wrong[i]);
		expect_named(day.count, "carried out after it had expired");
	}
}

/* The attestation left out, or come too late. */
static void
given_a_rekey_when_it_is_not_there_in_time_then_the_next_order_tells(
    void **state)
{
	unsigned rekey = find_rekey(), next = rekey + 1;
	struct order order;

	(void)state;
	while (!is_order_of(next, day.rekeyed, &order))
		next++;
	memmove(&log_now.entry[rekey], &day.entry[rekey + 1],
	    (day.count - rekey - 1) * sizeof(day.entry[0]));
	log_now.count--;
	forged_log_write(&log_now);
	expect_named(next - 1, "not signed with the attested key");
	/* behind that order */
	log_now.count++;
	memmove(&log_now.entry[next], &day.entry[next],
	    (day.count - next) * sizeof(day.entry[0]));
	log_now.entry[next] = day.entry[rekey];
	log_now.entry[next].time_ms = day.entry[next].time_ms;
	log_now.entry[next - 1] = day.entry[next];
	forged_log_write(&log_now);
	expect_named(next - 1, "not signed with the attested key");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FORGED_STORY(
		given_each_byte_when_forged_under_keyds_signature_then_named_or_by_design),
	    FORGED_STORY(
		given_later_times_when_signed_by_keyd_then_only_an_expired_order_tells),
	    FORGED_STORY(
		given_a_late_post_when_its_outcome_is_forged_then_it_is_named_and_told),
	    FORGED_STORY(
		given_the_version_of_the_rules_when_it_is_not_a_later_one_then_named),
	    FORGED_STORY(
		given_later_rules_when_not_said_or_said_too_late_then_the_undo_tells),
	    FORGED_STORY(given_refusals_when_there_were_none_then_named),
	    FORGED_STORY(
		given_an_opening_that_cannot_be_when_verified_then_named),
	    FORGED_STORY(
		given_a_rekey_then_orders_of_both_keys_are_right_each_in_its_time),
	    FORGED_STORY(
		given_a_rekey_among_frames_looked_at_together_then_the_new_key_counts),
	    FORGED_STORY(
		given_a_rekey_when_another_order_comes_then_only_the_new_key_signs_it),
	    FORGED_STORY(
		given_an_orders_life_when_at_its_limits_then_right_and_beyond_them_named),
	    FORGED_STORY(
		given_a_rekey_when_it_is_not_there_in_time_then_the_next_order_tells),
	};

	return cmocka_run_group_tests(
	    tests, forged_stage_begin, forged_stage_end);
}
