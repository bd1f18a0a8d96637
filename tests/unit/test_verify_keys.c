/* SPDX-License-Identifier: ISC */
/*
 * The audit with keys: an intact day, then each way in which somebody with
 * the disk, with ledgerd's keys, or with ledgerd itself and keyd's signature
 * could tell another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/key_table.h"
#include "tests/lib/forged_stage.h"
#include "tests/lib/verified_once.h"

#define ALL_KEYS 0xFu

/* Tampered, and told where: the entry's file and offset. */
static void
expect_named(unsigned entry, const char *what)
{
	const struct forged_verdict *verdict =
	    forged_log_verify(&log_now, ALL_KEYS, true);
	char place[128];

	snprintf(place, sizeof(place),
	    "segment/%08u.log, offset %u (entry %u): ",
	    log_now.entry[entry].position.segment,
	    log_now.entry[entry].position.offset, entry);
	assert_int_equal(verdict->exit, VERIFY_TAMPERED);
	if (strstr(verdict->why, place) == NULL ||
	    strstr(verdict->why, what) == NULL)
		fail_msg("`%s' does not say `%s%s'", verdict->why, place, what);
	assert_true(verdict->executed == entry);
	/* and without keys nothing is seen of it: keyd has signed it */
	assert_int_equal(
	    forged_log_verify(&log_now, 0, true)->exit, VERIFY_INTACT);
}

static enum entry_type
type_of(unsigned entry)
{
	return entry_type_of(
	    log_now.entry[entry].committed, log_now.entry[entry].committed_len);
}

/* The 208 bytes of an order, inside its entry. */
static uint8_t *
order_in(unsigned entry)
{
	return log_now.entry[entry].committed + 1;
}

static uint64_t
signer_of(unsigned entry)
{
	struct order order;

	if (type_of(entry) != ENTRY_ORDER)
		return 0;
	assert_int_equal(order_decode(order_in(entry), &order), SR_OK);
	return order.signer;
}

/* The n-th order of that kind with such an outcome. */
static unsigned
find_order(unsigned kind, enum sr_error outcome)
{
	for (unsigned i = 0; i < log_now.count; i++) {
		struct entry_order order;

		if (type_of(i) == ENTRY_ORDER &&
		    entry_order_decode(log_now.entry[i].committed,
			log_now.entry[i].committed_len, &order) == SR_OK &&
		    order.order[8] == kind && order.outcome == outcome)
			return i;
	}
	fail_msg("no order of kind %u", kind);
	return 0;
}

static unsigned
find_event(enum entry_type type, uint8_t code)
{
	for (unsigned i = 0; i < log_now.count; i++)
		if (type_of(i) == type && log_now.entry[i].committed[1] == code)
			return i;
	fail_msg("no event of code %u", code);
	return 0;
}

static void
insert(unsigned place, const struct forged_entry *entry)
{
	assert_true(log_now.count < FORGED_ENTRIES_MAX);
	memmove(&log_now.entry[place + 1], &log_now.entry[place],
	    (log_now.count - place) * sizeof(log_now.entry[0]));
	log_now.entry[place] = *entry;
	log_now.count++;
}

static void
given_a_day_with_every_kind_when_audited_then_each_is_there_and_all_is_well(
    void **state)
{
	static const unsigned kinds[] = {ORDER_TRANSFER, ORDER_DEPOSIT,
	    ORDER_HOLD, ORDER_POST, ORDER_VOID, ORDER_ENROL_REQUEST,
	    ORDER_APPROVE, ORDER_REVOKE, ORDER_RELEASE_REQUEST,
	    ORDER_AUDITOR_REQUEST};
	const struct forged_verdict *verdict;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		(void)find_order(kinds[i], SR_OK);
	(void)find_order(ORDER_TRANSFER, SR_FUNDS);
	(void)find_event(ENTRY_USE, USE_TERMINAL_ENROL);
	(void)find_event(ENTRY_USE, USE_TERMINAL_REVOKE);
	(void)find_event(ENTRY_USE, USE_TERMINAL_KEY);
	(void)find_event(ENTRY_USE, USE_DISCLOSE);
	(void)find_event(ENTRY_SYSTEM, SYSTEM_RECOVERED);
	(void)find_event(ENTRY_SYSTEM, SYSTEM_SNAPSHOT);
	assert_true(log_now.note > 0 && log_now.note < log_now.count);
	assert_true(log_now.segments >= 2);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	assert_string_equal(verdict->why, "");
	assert_int_equal(verdict->exit, VERIFY_ANCHORED);
	assert_true(verdict->executed == log_now.count);
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, false)->exit, VERIFY_INTACT);
	assert_int_equal(
	    forged_log_verify(&log_now, 0, true)->exit, VERIFY_INTACT);
	/* the first segment only; all but the first */
	verdict = forged_log_verify(&log_now, 1, true);
	assert_int_equal(verdict->exit, VERIFY_INTACT);
	assert_true(verdict->executed == 2 * FORGED_BATCH);
	verdict = forged_log_verify(&log_now, ALL_KEYS & ~1u, true);
	assert_int_equal(verdict->exit, VERIFY_INTACT);
	assert_true(verdict->executed == 0);
}

/* With the segment's real key, but without keyd. */
static void
given_an_entry_sealed_anew_when_keyd_did_not_sign_it_then_tampered(void **state)
{
	(void)state;
	for (unsigned i = 0; i < log_now.count; i++) {
		struct forged_entry *entry = &log_now.entry[i];

		entry->committed[entry->committed_len - 1] ^= 1;
		forged_log_reseal(&log_now, i);
		forged_log_put(&log_now, entry->position.segment);
		assert_int_equal(
		    forged_log_verify(&log_now, ALL_KEYS, true)->exit,
		    VERIFY_TAMPERED);
		entry->committed[entry->committed_len - 1] ^= 1;
		forged_log_reseal(&log_now, i);
		forged_log_put(&log_now, entry->position.segment);
	}
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
}

static void
given_the_last_segment_when_it_is_gone_then_truncated_and_the_place_named(
    void **state)
{
	uint32_t last = log_now.segments - 1;
	char path[128], number[JOURNAL_SEGMENT_NAME_MAX], where[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/segment/%s", log_now.directory,
	    journal_segment_name(last, number));
	assert_int_equal(remove(path), 0);
	snprintf(where, sizeof(where), "and ends in segment/%s, offset %zu",
	    journal_segment_name(last - 1, number), log_now.used[last - 1]);
	for (unsigned keys = 0; keys <= ALL_KEYS; keys += ALL_KEYS) {
		const struct forged_verdict *verdict =
		    forged_log_verify(&log_now, keys, true);

		assert_int_equal(verdict->exit, VERIFY_TAMPERED);
		assert_non_null(strstr(verdict->why, "truncated: keyd signed"));
		assert_non_null(strstr(verdict->why, where));
	}
}

/* ---- from here on everything is under keyd's signature -------------------- */

static void
given_an_order_without_its_signers_signature_when_signed_by_keyd_then_named(
    void **state)
{
	unsigned deposit = find_order(ORDER_DEPOSIT, SR_OK);
	unsigned transfer = find_order(ORDER_TRANSFER, SR_OK);

	(void)state;
	/* another amount, or another signature */
	order_in(transfer)[48] ^= 1;
	forged_log_write(&log_now);
	expect_named(transfer, "not signed with the attested key");
	log_now = day;
	order_in(deposit)[ORDER_LEN + 5] ^= 1;
	forged_log_write(&log_now);
	expect_named(deposit, "not signed with the attested key");
	/* the signature of another customer's key */
	log_now = day;
	order_in(transfer)[16] ^= 3;
	forged_log_write(&log_now);
	expect_named(transfer, "not ");
}

static void
given_any_order_doubled_when_signed_by_keyd_then_named(void **state)
{
	(void)state;
	for (unsigned i = 0; i < day.count; i++) {
		log_now = day;
		if (type_of(i) == ENTRY_ORDER) {
			insert(i + 1, &day.entry[i]);
			forged_log_write(&log_now);
			expect_named(i + 1, "not the next one in the chain");
		} else if (type_of(i) == ENTRY_ACCOUNT) {
			insert(i + 1, &day.entry[i]);
			forged_log_write(&log_now);
			expect_named(i + 1, "in force already");
		}
	}
}

static void
given_an_order_left_out_when_its_signer_goes_on_then_named(void **state)
{
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < day.count; i++) {
		unsigned next = i + 1;
		uint64_t signer;

		log_now = day;
		signer = signer_of(i);
		while (next < day.count && signer_of(next) != signer)
			next++;
		if (signer == 0 || next == day.count)
			continue;
		memmove(&log_now.entry[i], &log_now.entry[i + 1],
		    (log_now.count - i - 1) * sizeof(log_now.entry[0]));
		log_now.count--;
		forged_log_write(&log_now);
		assert_int_equal(
		    forged_log_verify(&log_now, ALL_KEYS, true)->exit,
		    VERIFY_TAMPERED);
		found++;
		/* and with the next one in its place */
		if (next != i + 1)
			continue;
		log_now = day;
		log_now.entry[i] = day.entry[next];
		log_now.entry[next] = day.entry[i];
		forged_log_write(&log_now);
		expect_named(i, "not the next one in the chain");
	}
	assert_true(found > 10);
}

static void
given_another_outcome_when_signed_by_keyd_then_named(void **state)
{
	unsigned declined = find_order(ORDER_TRANSFER, SR_FUNDS);
	unsigned done = find_order(ORDER_TRANSFER, SR_OK);
	struct forged_entry *entry = &log_now.entry[declined];
	uint8_t *outcome;

	(void)state;
	outcome = entry->committed + entry->committed_len - 10;
	assert_int_equal(*outcome, SR_FUNDS);
	*outcome = SR_OK;
	forged_log_write(&log_now);
	expect_named(declined, "outcome");
	*outcome = SR_CEILING;
	forged_log_write(&log_now);
	expect_named(declined, "outcome");
	log_now = day;
	entry = &log_now.entry[done];
	entry->committed[entry->committed_len - 10] = SR_FUNDS;
	entry->touched_count = 0;
	forged_log_write(&log_now);
	expect_named(done, "outcome");
}

static void
given_other_balances_when_signed_by_keyd_then_named(void **state)
{
	(void)state;
	for (unsigned i = 0; i < day.count; i++)
		for (unsigned t = 0; t < day.entry[i].touched_count; t++) {
			log_now = day;
			log_now.entry[i].touched[t].posted_minor++;
			forged_log_write(&log_now);
			expect_named(i, "the balance of account");
			log_now = day;
			log_now.entry[i].touched[t].held_minor ^= 1;
			forged_log_write(&log_now);
			expect_named(i, "the balance of account");
			log_now = day;
			log_now.entry[i].touched[t].account ^= 1u << 20;
			forged_log_write(&log_now);
			expect_named(i, "it touches account");
			log_now = day;
			log_now.entry[i].touched_count--;
			forged_log_write(&log_now);
			expect_named(i, "accounts, by the rules");
		}
}

static void
given_balances_at_something_that_is_no_order_when_audited_then_named(
    void **state)
{
	unsigned use = find_event(ENTRY_USE, USE_TERMINAL_KEY);

	(void)state;
	log_now.entry[use].touched_count = 1;
	log_now.entry[use].touched[0].account = 4 << 16;
	forged_log_write(&log_now);
	expect_named(use, "no order");
}

/* The attestation of the account at that entry, signed anew. */
static void
attest(unsigned entry, const struct attestation *attestation, bool own_key)
{
	const struct keys_signing *key = &log_now.keys.origin.log;

	if (own_key)
		key = entry < log_now.rotation
			  ? &log_now.first_attestation
			  : &log_now.keys.origin.attestation;
	attestation_sign(
	    attestation, key->secret, log_now.entry[entry].committed + 11);
}

static void
given_keys_that_nobody_attested_when_audited_then_named(void **state)
{
	unsigned account = 0;
	struct attestation attestation;
	struct forged_entry again;

	(void)state;
	while (type_of(account) != ENTRY_ACCOUNT)
		account++;
	assert_int_equal(attestation_read(log_now.entry[account].committed + 11,
			     &attestation),
	    SR_OK);
	attest(account, &attestation, false);
	forged_log_write(&log_now);
	expect_named(account, "not signed by a key of this bank");
	/* a key that was the bank's only later */
	log_now = day;
	assert_true(account < log_now.rotation);
	attestation_sign(&attestation, day.keys.origin.attestation.secret,
	    log_now.entry[account].committed + 11);
	forged_log_write(&log_now);
	expect_named(account, "not signed by a key of this bank");
	/* keyd's signature, but not what continues the key in force */
	log_now = day;
	again = day.entry[account];
	insert(account + 1, &again);
	attestation.signing_key[0] ^= 1;
	attestation.key_epoch = 2;
	attest(account + 1, &attestation, true);
	forged_log_write(&log_now);
	expect_named(account + 1, "does not continue");
	/* as if operators had ordered it, who have not */
	attestation_hash(
	    day.entry[account].committed + 11, attestation.previous_hash);
	attestation.reset_leaf = account;
	attest(account + 1, &attestation, true);
	forged_log_write(&log_now);
	expect_named(account + 1, "no two operators have ordered");
	/* continued as it must be: the order that follows is the old key's */
	attestation.reset_leaf = 0;
	attest(account + 1, &attestation, true);
	forged_log_write(&log_now);
	for (unsigned i = account + 2; i < log_now.count; i++)
		if (signer_of(i) == attestation.customer) {
			expect_named(i, "not signed with the attested key");
			return;
		}
	fail_msg("nothing follows");
}

/*
 * New keys for the customer of an account, at that place, as whoever has the
 * first attestation key can make them.
 */
static void
replace_keys(unsigned account, unsigned place)
{
	struct forged_entry again = day.entry[account];
	struct writer w = writer_to(again.committed + 1, 8);
	struct attestation attestation;

	log_now = day;
	again.time_ms = day.entry[place - 1].time_ms;
	writer_u64(&w, again.time_ms);
	assert_int_equal(
	    attestation_read(again.committed + 11, &attestation), SR_OK);
	attestation_hash(again.committed + 11, attestation.previous_hash);
	attestation.signing_key[0] ^= 1;
	attestation.key_epoch++;
	attestation.reset_leaf = 0;
	attestation_sign(
	    &attestation, day.first_attestation.secret, again.committed + 11);
	insert(place, &again);
	forged_log_write(&log_now);
}

/* The first entry from there on that brings keys. */
static unsigned
account_from(unsigned entry)
{
	log_now = day;
	while (type_of(entry) != ENTRY_ACCOUNT)
		entry++;
	return entry;
}

static void
given_keys_by_a_former_attestation_key_when_audited_then_named_or_told(
    void **state)
{
	const struct forged_verdict *verdict;
	unsigned place;

	(void)state;
	log_now = day;
	forged_log_write(&log_now);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	assert_int_equal(verdict->exit, VERIFY_ANCHORED);
	assert_int_equal(verdict->former, 0);
	/* keyd may have made it before the rotation: then nothing else shows */
	place = day.rotation + 1;
	replace_keys(account_from(0), place);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	assert_true(verdict->executed > place);
	assert_int_equal(verdict->former, 1);
	/* but not where the keys before came after it */
	place = account_from(day.rotation) + 1;
	replace_keys(place - 1, place);
	expect_named(place, "attested by a key that was a former one");
}

/* The entry of the attestation that came by a reset. */
static unsigned
find_reset(struct attestation *attestation)
{
	for (unsigned i = 0; i < log_now.count; i++)
		if (type_of(i) == ENTRY_ACCOUNT &&
		    attestation_read(log_now.entry[i].committed + 11,
			attestation) == SR_OK &&
		    attestation->reset_leaf != 0)
			return i;
	fail_msg("nobody was reset");
	return 0;
}

/* By the order of another entry, or with a code for somebody else. */
static void
given_a_reset_that_is_not_the_ordered_one_when_audited_then_named(void **state)
{
	unsigned use = find_event(ENTRY_USE, USE_RESET);
	struct attestation attestation;
	unsigned account = find_reset(&attestation);

	(void)state;
	/* before the restore, so that nothing of it can be lost */
	attestation.reset_leaf = 2;
	attest(account, &attestation, true);
	forged_log_write(&log_now);
	expect_named(account, "no two operators have ordered");
	/* the customer, the order's hash and its leaf */
	for (unsigned at = 8; at <= 48; at += at == 8 ? 8 : 32) {
		log_now = day;
		log_now.entry[use].committed[at] ^= 1;
		forged_log_write(&log_now);
		expect_named(use, "a reset code that no two operators");
	}
}

/* Behind a restore keys may follow others than the ones before, by an order,
 * but for nobody else than it says. */
static void
given_a_reset_ordered_for_another_when_audited_then_named(void **state)
{
	struct attestation attestation;
	unsigned account = find_reset(&attestation);

	(void)state;
	assert_true(account > log_now.note);
	assert_int_not_equal(attestation.customer, log_now.rekeyed);
	attestation.customer = log_now.rekeyed;
	attestation.key_epoch = 9;
	attest(account, &attestation, true);
	forged_log_write(&log_now);
	expect_named(account, "no two operators have ordered");
}

/* The restore has given up the entries from its own index to before that. */
static void
lose(uint64_t last_size)
{
	uint8_t *bytes = log_now.entry[log_now.note].committed;
	struct restore_note note;

	assert_int_equal(restore_note_verify(
			     bytes, RESTORE_NOTE_LEN, log_now.identity, &note),
	    SR_OK);
	assert_int_equal(note.old_epoch, note.restored_epoch);
	note.last_size = last_size;
	memset(note.last_root, last_size != 0, sizeof(note.last_root));
	assert_int_equal(
	    restore_note_sign(&note, log_now.identity_secret, bytes), SR_OK);
}

/* The orders of a reset may be among what was lost, and nowhere else. */
static void
given_a_reset_whose_orders_are_lost_when_audited_then_only_where_it_can_be(
    void **state)
{
	struct attestation attestation;
	unsigned account = find_reset(&attestation);
	const uint64_t note = log_now.note;
	const struct {
		uint64_t last_size, leaf;
		bool named;
	} looks[] = {{0, note, true}, {0, account + 1, true},
	    {note + 5, note, false}, {note + 5, note + 4, false},
	    {note + 5, note + 5, true}, {note + 5, note - 1, true}};

	(void)state;
	assert_true(account > note);
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		log_now = day;
		lose(looks[i].last_size);
		attestation.reset_leaf = looks[i].leaf;
		attest(account, &attestation, true);
		forged_log_write(&log_now);
		if (looks[i].named)
			expect_named(account, "no two operators have ordered");
		else
			assert_true(forged_log_verify(&log_now, ALL_KEYS, true)
					->executed > account);
	}
}

/* An operator's, by an order that a restore may have given up. */
static void
given_a_reset_of_somebody_with_a_role_when_audited_then_named(void **state)
{
	unsigned first = 0, account;
	struct attestation attestation;
	struct forged_entry again;

	(void)state;
	(void)find_reset(&attestation);
	while (type_of(first) != ENTRY_ACCOUNT)
		first++;
	account = find_event(ENTRY_USE, USE_RESET);
	while (type_of(account) != ENTRY_ACCOUNT)
		account++;
	again = day.entry[account]; /* with the time of that place */
	insert(account, &again);
	attestation_read(day.entry[first].committed + 11, &attestation);
	assert_int_equal(attestation.customer, 1);
	attestation_hash(
	    day.entry[first].committed + 11, attestation.previous_hash);
	attestation.key_epoch++;
	attestation.reset_leaf = 0;
	attestation.reset_leaf = log_now.note;
	lose(log_now.note + 1);
	attest(account, &attestation, true);
	forged_log_write(&log_now);
	expect_named(account, "who has a role");
}

/* A key that is not rotated while the bank runs, one that is none, or more. */
static void
given_a_rotation_of_no_such_key_when_audited_then_named(void **state)
{
	static const struct {
		unsigned at;
		uint8_t turned;
	} cases[] = {{8, BANK_KEY_CREDENTIAL ^ BANK_KEY_LOG}, {8, 0x80},
	    {15, 1}, {16, 1}};
	unsigned use = find_event(ENTRY_USE, USE_ROTATE);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		log_now = day;
		log_now.entry[use].committed[cases[i].at] ^= cases[i].turned;
		forged_log_write(&log_now);
		expect_named(use, "a key rotated that is none, or not so");
	}
}

static void
given_a_disclosure_to_a_stranger_when_audited_then_named(void **state)
{
	unsigned use = find_event(ENTRY_USE, USE_DISCLOSE);
	unsigned key = find_event(ENTRY_USE, USE_TERMINAL_KEY);

	(void)state;
	log_now.entry[use].committed[16] ^= 1;
	forged_log_write(&log_now);
	expect_named(use, "nobody who is enrolled");
	log_now = day;
	log_now.entry[key].committed[8] ^= 0x40;
	forged_log_write(&log_now);
	expect_named(key, "do not know");
}

static void
given_a_snapshot_when_it_is_not_the_one_in_the_log_then_tampered(void **state)
{
	unsigned snapshot = find_event(ENTRY_SYSTEM, SYSTEM_SNAPSHOT);
	const struct forged_verdict *verdict;
	char path[128];
	FILE *file;

	(void)state;
	log_now.entry[snapshot].committed[16] ^= 1; /* the size */
	forged_log_write(&log_now);
	expect_named(snapshot, "as it was then");
	log_now = day;
	forged_log_write(&log_now);
	snprintf(path, sizeof(path), "%s/snapshot/00000001", log_now.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("another state", file) >= 0 && fclose(file) == 0);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	assert_int_equal(verdict->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verdict->why, "snapshot/00000001"));
	assert_int_equal(remove(path), 0);
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
}

/* Right by itself, or forged; no origin ends there. */
static void
given_a_restore_note_where_none_belongs_when_audited_then_named(void **state)
{
	unsigned last = day.count;

	(void)state;
	insert(last, &day.entry[day.note]);
	log_now.entry[last].time_ms = log_now.entry[last - 1].time_ms;
	forged_log_write(&log_now);
	expect_named(last, "that public/restores does not hold");
	log_now.entry[last].committed[RESTORE_NOTE_LEN - 1] ^= 1;
	forged_log_write(&log_now);
	expect_named(last, "not signed by the identity");
}

/* The old key's heads after the note, or the new key's before it. */
static void
given_the_other_origin_when_signed_by_keyd_then_tampered(void **state)
{
	const struct forged_verdict *verdict;

	(void)state;
	log_now.keys.origin.log = day.old_log;
	forged_log_write(&log_now);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	assert_int_equal(verdict->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verdict->why, "origin"));
	log_now = day;
	log_now.old_log = day.keys.origin.log;
	forged_log_write(&log_now);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	assert_int_equal(verdict->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verdict->why, "origin"));
}

static void
given_entries_of_a_later_version_when_audited_then_it_could_not_run(
    void **state)
{
	unsigned use = find_event(ENTRY_USE, USE_DISCLOSE);
	const struct forged_verdict *verdict;

	(void)state;
	log_now.entry[use].committed[1] = 200;
	forged_log_write(&log_now);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	assert_int_equal(verdict->exit, VERIFY_COULD_NOT);
	assert_non_null(strstr(verdict->why, "version"));
}

static void
given_another_leaf_0_when_audited_then_named(void **state)
{
	struct forged_entry system = day.entry[day.count - 1];

	(void)state;
	log_now.entry[0].committed[121] ^= 1; /* the ceiling */
	forged_log_write(&log_now);
	expect_named(0, "identity");
	log_now = day;
	insert(3, &day.entry[0]);
	log_now.entry[3].time_ms = log_now.entry[4].time_ms;
	forged_log_write(&log_now);
	expect_named(3, "second leaf 0");
	log_now = day;
	system.time_ms = day.entry[0].time_ms;
	insert(0, &system);
	forged_log_write(&log_now);
	expect_named(0, "does not begin with leaf 0");
}

/* Whatever stands in an entry: a verdict, and never a good one. */
static void
given_any_byte_of_a_plaintext_when_forged_then_never_verified(void **state)
{
	unsigned seen[8] = {0};

	(void)state;
	for (unsigned i = 0; i < day.count; i++) {
		uint8_t type = day.entry[i].committed[0];

		/* some of each kind, every byte of these */
		if (seen[type]++ % 8 != 0)
			continue;
		for (size_t at = 0; at < day.entry[i].committed_len; at += 3) {
			const struct forged_verdict *verdict;

			log_now = day;
			log_now.entry[i].committed[at] ^= 0x11;
			if (journal_class_of(log_now.entry[i].committed,
				day.entry[i].committed_len) == 0)
				continue;
			forged_log_write(&log_now);
			verdict = forged_log_verify(&log_now, ALL_KEYS, true);
			if (type == ENTRY_USE || type == ENTRY_SYSTEM ||
			    (type == ENTRY_ACCOUNT && at >= 267))
				continue; /* no signature but keyd's */
			assert_int_not_equal(verdict->exit, VERIFY_ANCHORED);
			assert_int_not_equal(verdict->exit, VERIFY_INTACT);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FORGED_STORY(
		given_a_day_with_every_kind_when_audited_then_each_is_there_and_all_is_well),
	    FORGED_STORY(
		given_an_entry_sealed_anew_when_keyd_did_not_sign_it_then_tampered),
	    FORGED_STORY(
		given_the_last_segment_when_it_is_gone_then_truncated_and_the_place_named),
	    FORGED_STORY(
		given_an_order_without_its_signers_signature_when_signed_by_keyd_then_named),
	    FORGED_STORY(
		given_any_order_doubled_when_signed_by_keyd_then_named),
	    FORGED_STORY(
		given_an_order_left_out_when_its_signer_goes_on_then_named),
	    FORGED_STORY(given_another_outcome_when_signed_by_keyd_then_named),
	    FORGED_STORY(given_other_balances_when_signed_by_keyd_then_named),
	    FORGED_STORY(
		given_balances_at_something_that_is_no_order_when_audited_then_named),
	    FORGED_STORY(
		given_keys_that_nobody_attested_when_audited_then_named),
	    FORGED_STORY(
		given_a_reset_that_is_not_the_ordered_one_when_audited_then_named),
	    FORGED_STORY(
		given_a_reset_ordered_for_another_when_audited_then_named),
	    FORGED_STORY(
		given_a_reset_whose_orders_are_lost_when_audited_then_only_where_it_can_be),
	    FORGED_STORY(
		given_a_reset_of_somebody_with_a_role_when_audited_then_named),
	    FORGED_STORY(
		given_a_rotation_of_no_such_key_when_audited_then_named),
	    cmocka_unit_test(
		given_keys_by_a_former_attestation_key_when_audited_then_named_or_told),
	    FORGED_STORY(
		given_a_disclosure_to_a_stranger_when_audited_then_named),
	    FORGED_STORY(
		given_a_snapshot_when_it_is_not_the_one_in_the_log_then_tampered),
	    FORGED_STORY(
		given_a_restore_note_where_none_belongs_when_audited_then_named),
	    FORGED_STORY(
		given_the_other_origin_when_signed_by_keyd_then_tampered),
	    FORGED_STORY(
		given_entries_of_a_later_version_when_audited_then_it_could_not_run),
	    FORGED_STORY(given_another_leaf_0_when_audited_then_named),
	    FORGED_STORY(
		given_any_byte_of_a_plaintext_when_forged_then_never_verified),
	};

	return cmocka_run_group_tests(
	    tests, forged_stage_begin, forged_stage_end);
}
