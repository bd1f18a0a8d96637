/* SPDX-License-Identifier: ISC */
/* The day of forged_log.h: a real bank lives it, then it is taken apart. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/noise.h"
#include "common/seal_event.h"
#include "tests/lib/forged_duties.h"
#include "tests/lib/forged_log.h"
#include "tests/lib/sim_credentials.h"

static void
must_at(bool condition, int line)
{
	if (condition)
		return;
	fprintf(stderr, "forged_day.c:%d\n", line);
	abort();
}

#define must(condition) must_at(condition, __LINE__)

struct entry_rules __real_entry_rules_default(enum bank_type type);
struct entry_rules __wrap_entry_rules_default(enum bank_type type);

/*
 * The bank is founded by a program of the first rules; its first start, after
 * the rotation, goes on to those of today.
 */
struct entry_rules
__wrap_entry_rules_default(enum bank_type type)
{
	struct entry_rules rules = __real_entry_rules_default(type);

	rules.version = ENTRY_RULES_FIRST;
	return rules;
}

/* ada's hold at lobby; its leaf. */
static uint64_t
hold(struct sim_bank *bank, struct sim_people *people, int64_t amount_minor)
{
	struct message_order_answer answer;
	struct order order;

	sim_order_begin(bank, &people->ada, ORDER_HOLD, &order);
	order.debit = people->ada.m4.account;
	order.credit = people->lobby.m4.till_account;
	order.amount_minor = amount_minor;
	must(forged_submit(bank, &people->ada, &order, "cash", 4, NULL,
		 &answer) == SR_OK);
	return answer.leaf;
}

/* What the till says became of it; 0: a void. */
static void
settle(struct sim_bank *bank, struct sim_people *people, uint64_t leaf,
    int64_t amount_minor)
{
	struct message_order_answer answer;
	struct order order;

	sim_order_begin(bank, &people->lobby,
	    amount_minor > 0 ? ORDER_POST : ORDER_VOID, &order);
	order.refers_to = leaf;
	if (amount_minor > 0) {
		order.debit = people->ada.m4.account;
		order.credit = people->lobby.m4.till_account;
		order.amount_minor = amount_minor;
	}
	must(forged_submit(bank, &people->lobby, &order, NULL, 0, NULL,
		 &answer) == SR_OK);
}

static void
withdrawals(struct sim_bank *bank, struct sim_people *people)
{
	struct order_release release = {
	    .account = people->ada.m4.account, .amount_minor = 300};
	uint8_t parameters[ORDER_RELEASE_LEN];
	struct order order;
	uint64_t leaf;

	people->ada.terminal = people->lobby.terminal;
	people->ada.terminal_epoch = people->lobby.terminal_epoch;
	memcpy(people->ada.psk, people->lobby.psk, 32);
	must(sim_person_log_in(bank, &people->ada) == SR_OK);
	settle(bank, people, hold(bank, people, 500), 400);
	settle(bank, people, hold(bank, people, 200), 0);
	leaf = hold(bank, people, 300);
	sim_advance(bank->sim, 11 * 60000);
	for (size_t i = 0; i < 2; i++)
		must(sim_person_log_in(bank, &people->operators[i]) == SR_OK);
	must(sim_person_log_in(bank, &people->lobby) == SR_OK);
	must(sim_person_log_in(bank, &people->ada) == SR_OK);
	order_release_encode(&release, parameters);
	sim_order_begin(
	    bank, &people->operators[0], ORDER_RELEASE_REQUEST, &order);
	order.refers_to = leaf;
	(void)forged_four_eyes(
	    bank, people, &order, parameters, sizeof(parameters));
	settle(bank, people, leaf, 300);
	(void)hold(bank, people, 100); /* stays open */
}

static void
disclose(struct sim_bank *bank, struct sim_people *people,
    const uint8_t auditor_secret[32])
{
	struct order_auditor auditor = {.name_len = 5, .name = "clara"};
	uint8_t parameters[ORDER_AUDITOR_LEN];
	uint8_t bytes[MESSAGE_DISCLOSURE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_disclosure_get get = {
	    .name = (const uint8_t *)"clara", .name_len = 5};
	struct order order;

	noise_public_key(auditor.key, auditor_secret);
	order_auditor_encode(&auditor, parameters);
	sim_order_begin(
	    bank, &people->operators[0], ORDER_AUDITOR_REQUEST, &order);
	(void)forged_four_eyes(
	    bank, people, &order, parameters, sizeof(parameters));
	must(message_disclosure_get_encode(&w, &get) == SR_OK);
	must(sim_bank_control(bank, bytes, writer_len(&w)) == SR_OK);
}

/* Bob's new keys by both halves, and what he orders with them. */
static void
rekey_bob(
    struct sim_bank *bank, struct sim_people *people, struct forged_log *log)
{
	struct sim_person *bob = &people->bob;
	struct sim_change change = {.slot = SLOT_PASSWORD,
	    .secret = bob->password,
	    .target = SLOT_RECOVERY,
	    .new_secret = "bob's code"};
	struct message_order_answer answer;
	struct payload_m5 m5;
	uint8_t new_public[32];

	must(sim_person_change(bank, bob, &change, &m5) == SR_OK);
	memcpy(log->old_secret, bob->signing_secret, 64);
	sim_keys(1, new_public, log->new_secret);
	change.new_secret = "bob's new code";
	change.signing_public = new_public;
	change.signing_secret = log->new_secret;
	change.old_secret = log->old_secret;
	must(sim_person_change(bank, bob, &change, &m5) == SR_OK);
	change.target = SLOT_PASSWORD;
	change.new_secret = bob->password;
	must(sim_person_change(bank, bob, &change, &m5) == SR_OK);
	memcpy(bob->signing_public, new_public, 32);
	memcpy(bob->signing_secret, log->new_secret, 64);
	must(sim_person_log_in(bank, bob) == SR_OK);
	log->rekeyed = bob->m4.customer;
	for (int64_t amount_minor = 5; amount_minor < 7; amount_minor++)
		must(sim_transfer(bank, bob, people->ada.m4.account,
			 amount_minor, &answer) == SR_OK);
}

static void
everybody_logs_in(struct sim_bank *bank, struct sim_people *people)
{
	struct sim_person *const everybody[] = {&people->operators[0],
	    &people->operators[1], &people->lobby, &people->ada, &people->bob};

	for (size_t i = 0; i < 5; i++)
		must(sim_person_log_in(bank, everybody[i]) == SR_OK);
}

static void
rotate(struct sim_bank *bank, struct sim_people *people, struct forged_log *log)
{
	log->first_log = bank->keyd->origin->log;
	log->first_attestation = bank->keyd->origin->attestation;
	memcpy(log->first_certificate, bank->keyd->state.certificate,
	    sizeof(log->first_certificate));
	sim_bank_end(bank);
	sim_advance(bank->sim, 60000);
	bank->rotate = BANK_KEY_ATTESTATION;
	must(sim_bank_start(bank, true) == SR_OK);
	must(bank->keyd->origin->log.epoch > log->first_log.epoch);
	everybody_logs_in(bank, people);
}

/* From files after which, for all that is known, more was lost. */
static void
restore(
    struct sim_bank *bank, struct sim_people *people, struct forged_log *log)
{
	log->old_log = bank->keyd->origin->log;
	memcpy(log->old_certificate, bank->keyd->state.certificate,
	    sizeof(log->old_certificate));
	sim_bank_end(bank);
	sim_advance(bank->sim, 60000);
	bank->restore = true;
	must(sim_bank_start(bank, true) == SR_OK);
	must(bank->keyd->origin->log.epoch > log->old_log.epoch);
	must(bank->ledgerd->book.rules == ENTRY_RULES_VERSION);
	everybody_logs_in(bank, people);
}

/* A payment or a deposit; some are declined. */
static void
pay(struct sim_bank *bank, struct sim_people *people, unsigned turn,
    struct message_order_answer *answer)
{
	struct sim_person *from = turn % 2 == 0 ? &people->ada : &people->bob;
	struct sim_person *to = turn % 2 == 0 ? &people->bob : &people->ada;
	bool large = turn % 13 == 12;
	enum sr_error found;

	if (turn % 11 == 10) {
		must(sim_deposit(bank, &people->lobby, to->m4.account, 5,
			 answer) == SR_OK);
		return;
	}
	found = sim_transfer(bank, from, to->m4.account,
	    large ? 9999999 : 1 + turn / 2 % 7, answer);
	must(found == (large ? SR_FUNDS : SR_OK));
}

/* Until the log has so many entries. */
static void
trade(struct sim_bank *bank, struct sim_people *people, unsigned entries)
{
	struct message_order_answer answer = {0};
	struct sim_person *const everybody[] = {
	    &people->lobby, &people->ada, &people->bob};

	for (unsigned turn = 0; answer.leaf < entries; turn++) {
		if (turn % 64 == 0)
			for (size_t i = 0; i < 3; i++)
				must(sim_person_log_in(bank, everybody[i]) ==
				     SR_OK);
		pay(bank, people, turn, &answer);
		if (turn % 29 == 28)
			settle(bank, people, hold(bank, people, 100),
			    turn % 2 == 0 ? 100 : 0);
		sim_advance(bank->sim, 1700);
	}
	must(sim_person_log_in(bank, &people->operators[0]) == SR_OK);
}

static void
live(struct sim_bank *bank, struct forged_log *log, unsigned entries)
{
	struct order_revoke revoke = {0};
	uint8_t parameters[ORDER_REVOKE_LEN];
	struct message_order_answer answer;
	static struct sim_people people;
	struct order order;

	memset(&people, 0, sizeof(people));
	sim_bank_furnish(bank, &people);
	(void)sim_transfer(
	    bank, &people.ada, people.bob.m4.account, 2500, &answer);
	must(answer.outcome == SR_OK);
	(void)sim_transfer(
	    bank, &people.bob, people.ada.m4.account, 9900, &answer);
	must(answer.outcome == SR_FUNDS);
	(void)sim_transfer(bank, &people.bob, 77 << 16, 1, &answer);
	must(answer.outcome == SR_NO_ACCOUNT);
	must(bank->ledgerd->book.rules == ENTRY_RULES_FIRST);
	rotate(bank, &people, log);
	must(sim_transfer(bank, &people.ada, people.bob.m4.account, 100,
		 &answer) == SR_OK);
	restore(bank, &people, log);
	disclose(bank, &people, log->auditor_secret);
	rekey_bob(bank, &people, log);
	forged_duties(bank, &people);
	withdrawals(bank, &people);
	trade(bank, &people, entries);
	revoke.principal = people.lobby.m4.customer;
	revoke.terminal = people.lobby.terminal;
	order_revoke_encode(&revoke, parameters);
	sim_order_begin(bank, &people.operators[0], ORDER_REVOKE, &order);
	must(forged_submit(bank, &people.operators[0], &order, parameters,
		 sizeof(parameters), NULL, &answer) == SR_OK);
}

/* Every entry of a segment, opened. */
static void
take_segment(struct forged_log *log, const uint8_t *bytes, size_t len)
{
	struct journal_segment header;
	struct journal_frame frame;
	uint8_t key[32];

	must(journal_segment_decode(bytes, &header) == SR_OK);
	keys_segment(&log->keys, header.segment, header.salt, key);
	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN;
	     journal_frame_parse(bytes + at, len - at, &frame) == SR_OK;
	     at += frame.frame_len) {
		struct forged_entry *entry = &log->entry[log->count];
		static uint8_t buffer[JOURNAL_PLAIN_MAX];
		struct journal_plain plain;

		if (frame.header.type != JOURNAL_ENTRY)
			continue;
		must(log->count < FORGED_ENTRIES_MAX &&
		     frame.header.seq == log->count);
		must(journal_open(key, &frame, buffer, &plain) == SR_OK);
		must(plain.committed_len <= sizeof(entry->committed));
		entry->committed_len = plain.committed_len;
		memcpy(entry->committed, plain.committed, plain.committed_len);
		entry->time_ms = frame.header.time_ms;
		entry->touched_count = plain.touched_count;
		memcpy(entry->touched, plain.touched, sizeof(plain.touched));
		log->count++;
	}
}

/* What no day brings about at will. */
static void
add_event(struct forged_log *log, enum entry_type type,
    const struct entry_event *told)
{
	struct forged_entry *entry = &log->entry[log->count];
	struct entry_event event = *told;

	must(log->count < FORGED_ENTRIES_MAX);
	entry->time_ms = log->entry[log->count - 1].time_ms;
	event.time_ms = entry->time_ms;
	entry_event_encode(type, &event, entry->committed);
	entry->committed_len = ENTRY_EVENT_LEN;
	log->count++;
}

/* The day's disclosure: of a segment, to the auditor. */
static struct entry_event
disclosure_of(const struct forged_log *log)
{
	struct entry_event event = {0};

	for (unsigned i = 0; i < log->count && event.code != USE_DISCLOSE; i++)
		if (log->entry[i].committed[0] == ENTRY_USE)
			must(entry_event_decode(ENTRY_USE,
				 log->entry[i].committed,
				 log->entry[i].committed_len, &event) == SR_OK);
	must(event.code == USE_DISCLOSE);
	return event;
}

/* The snapshots that ledgerd has made; the number of the last one, or 0. */
static uint32_t
take_snapshots(struct forged_log *log, const struct sim_bank *bank)
{
	uint32_t last = bank->ledgerd->snapshots.last.number;

	for (size_t i = 0; i < FORGED_SNAPSHOTS && i < last; i++) {
		struct forged_snapshot *snapshot = &log->snapshot[i];
		const uint8_t *bytes;
		char path[64];

		snapshot->number = last - (uint32_t)i;
		snprintf(path, sizeof(path), "ledger/snapshot/%08u",
		    snapshot->number);
		bytes = sim_file(bank->ledgerd_room, path, &snapshot->len);
		must(bytes != NULL);
		snapshot->bytes = malloc(snapshot->len);
		must(snapshot->bytes != NULL);
		memcpy(snapshot->bytes, bytes, snapshot->len);
	}
	return last;
}

/*
 * A tail that a start has cut off; a snapshot, of which the file has been
 * taken away since, and whose key the auditor had; the key of an old segment;
 * a clock that was confirmed; what keyd has refused; shares that were added to
 * a passphrase.
 */
static void
add_events(struct forged_log *log, uint32_t snapshots)
{
	struct entry_event recovered = {
	    .code = SYSTEM_RECOVERED, .subject = 99, .detail = {1, 0, 0, 0, 8}};
	struct entry_event started = {.code = SYSTEM_STARTED};
	struct entry_event clock = {
	    .code = SYSTEM_CLOCK, .subject = 77, .detail = {78}};
	struct entry_event refusals = {
	    .code = SYSTEM_REFUSALS, .subject = 79, .detail = {0, 5}};
	const struct seal_event seal = {.time_ms = 80,
	    .what = SEAL_ADDED,
	    .kind = SEALED_SHARES,
	    .number = 2,
	    .quorum = 3,
	    .shares = 5,
	    .label = "the board",
	    .hand_kind = SEALED_PASSPHRASE,
	    .hand_number = 1,
	    .ways = 2,
	    .set = 2};
	struct entry_event sealed = seal_event_entry(&seal);
	struct entry_event segment_key = {.code = USE_SEGMENT_KEY};
	struct entry_snapshot snapshot = {.number = snapshots + 1, .hash = {5}};
	struct entry_event event;

	forged_log_salt(0, segment_key.detail);
	add_event(log, ENTRY_SYSTEM, &recovered);
	add_event(log, ENTRY_SYSTEM, &started);
	add_event(log, ENTRY_SYSTEM, &clock);
	add_event(log, ENTRY_SYSTEM, &refusals);
	add_event(log, ENTRY_SYSTEM, &sealed);
	add_event(log, ENTRY_USE, &segment_key);
	snapshot.size = log->count; /* and where it stands, later */
	event = entry_snapshot_event(&snapshot);
	add_event(log, ENTRY_SYSTEM, &event);
	event = disclosure_of(log);
	event.code = USE_DISCLOSE_SNAPSHOT;
	event.subject = snapshot.number;
	add_event(log, ENTRY_USE, &event);
}

/* The segments of the log that is written have salts of their own. */
static void
correct_salts(struct forged_log *log)
{
	for (unsigned i = 0; i < log->count; i++) {
		struct forged_entry *entry = &log->entry[i];
		struct entry_event event;

		if (entry->committed[0] != ENTRY_USE)
			continue;
		must(entry_event_decode(ENTRY_USE, entry->committed,
			 entry->committed_len, &event) == SR_OK);
		if (event.code != USE_DISCLOSE)
			continue;
		forged_log_salt((uint32_t)event.subject, event.detail + 32);
		entry_event_encode(ENTRY_USE, &event, entry->committed);
	}
}

void
forged_log_of_a_day(struct forged_log *log)
{
	forged_log_of_a_life(log, 0);
}

void
forged_log_of_a_life(struct forged_log *log, unsigned entries)
{
	struct sim_bank *bank = sim_bank_new(3);
	char path[64], number[JOURNAL_SEGMENT_NAME_MAX];

	memset(log->auditor_secret, 0x33, sizeof(log->auditor_secret));
	live(bank, log, entries);
	log->keys = *bank->keyd->keys;
	log->keys.origin = *bank->keyd->origin;
	log->unit = (struct money_unit){"EUR", 2};
	memcpy(log->bank_id, bank->keyd->state.bank_id, 32);
	memcpy(log->certificate, bank->keyd->state.certificate,
	    sizeof(log->certificate));
	must(crypto_sign_seed_keypair(log->identity, log->identity_secret,
		 bank->identity_seed) == 0);
	for (uint32_t s = 0; s <= bank->ledgerd->segments.number; s++) {
		const uint8_t *bytes;
		size_t len;

		snprintf(path, sizeof(path), "ledger/segment/%s",
		    journal_segment_name(s, number));
		bytes = sim_file(bank->ledgerd_room, path, &len);
		must(bytes != NULL);
		take_segment(log, bytes, len);
	}
	correct_salts(log);
	add_events(log, take_snapshots(log, bank));
	forged_log_place_snapshots(log);
	sim_bank_free(bank);
	/* whoever forks very often does it faster without */
	(void)malloc_trim(0);
}
