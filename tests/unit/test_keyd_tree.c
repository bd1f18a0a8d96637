/* SPDX-License-Identifier: ISC */
/*
 * What keyd signs: leaf 0 once, extensions of what it signed before, and
 * nothing else; and logged key operations only with their leaf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/disclosure.h"
#include "common/entry.h"
#include "common/journal.h"
#include "common/note.h"
#include "gen/events.h"
#include "tests/lib/keyd_world.h"

static uint8_t leaves[8][32];

static int
setup_empty(void **state)
{
	for (unsigned i = 0; i < 8; i++)
		memset(leaves[i], (int)i + 1, 32);
	*state = world_new(2);
	return 0;
}

static int
setup(void **state)
{
	setup_empty(state);
	world_found(*state);
	return 0;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

/* The head in w is signed by the log key over exactly that size and root. */
static void
expect_signed(struct world *w, uint64_t size)
{
	struct checkpoint checkpoint = {.size = w->head.size};

	assert_int_equal(w->head.size, size);
	note_origin(w->keyd->state.bank_id, w->head.epoch, checkpoint.origin);
	memcpy(checkpoint.root, w->head.root, 32);
	assert_int_equal(note_verify_raw(&checkpoint,
			     w->keyd->origin->log.public, w->head.signature),
	    SR_OK);
}

static void
sign_genesis(struct world *w, const uint8_t *body, size_t len)
{
	struct message_genesis_sign sign = {
	    .genesis = body, .genesis_len = len};
	uint8_t bytes[MESSAGE_GENESIS_SIGN_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	message_genesis_sign_encode(&writer, &sign);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
}

static void
genesis_body(struct world *w, uint8_t body[ENTRY_GENESIS_LEN])
{
	struct entry_genesis genesis = {.name_len = 4,
	    .name = "Test",
	    .unit = {"EUR", 2},
	    .rules = entry_rules_default(BANK_CASH),
	    .time_ms = w->sim->now_ms};

	memcpy(genesis.bank_id, w->keyd->state.bank_id, 32);
	memcpy(genesis.identity_key, w->keyd->state.identity, 32);
	memset(genesis.operator_key, 5, sizeof(genesis.operator_key));
	genesis.operator_key[1][0] = 6;
	entry_genesis_encode(&genesis, body);
}

static void
given_an_empty_bank_when_leaf_0_is_asked_then_only_its_own_is_signed(
    void **state)
{
	struct world *w = *state;
	uint8_t body[ENTRY_GENESIS_LEN], other[ENTRY_GENESIS_LEN];

	genesis_body(w, body);
	/* nothing is appended before the identity has signed */
	world_tree_start(w, 0, NULL, NULL);
	world_append(w, 0, leaves[0], 1);
	assert_int_equal(w->head.error, SR_NOT_ALLOWED);
	/* another bank's, not a genesis at all, one byte more */
	memcpy(other, body, sizeof(other));
	other[1] ^= 1;
	sign_genesis(w, other, ENTRY_GENESIS_SIGNED_LEN);
	assert_int_equal(w->genesis.error, SR_WRONG_BANK);
	sign_genesis(w, leaves[0], sizeof(leaves));
	assert_int_equal(w->genesis.error, SR_MALFORMED);
	sign_genesis(w, body, ENTRY_GENESIS_SIGNED_LEN + 1);
	assert_int_equal(w->genesis.error, SR_MALFORMED);
	assert_true(sodium_is_zero(w->genesis.signature, 64));
	sign_genesis(w, body, ENTRY_GENESIS_SIGNED_LEN);
	assert_int_equal(w->genesis.error, SR_OK);
	memcpy(body + ENTRY_GENESIS_SIGNED_LEN, w->genesis.signature, 64);
	assert_int_equal(
	    entry_genesis_verify(body, w->keyd->state.identity), SR_OK);
	/* the identity is gone: not a second time */
	assert_null(w->keyd->identity_secret);
	sign_genesis(w, body, ENTRY_GENESIS_SIGNED_LEN);
	assert_int_equal(w->genesis.error, SR_NOT_ALLOWED);
	/* leaf 0 comes alone */
	world_append(w, 0, leaves[0], 2);
	assert_int_equal(w->head.error, SR_NOT_ALLOWED);
	world_append(w, 0, leaves[0], 1);
	assert_int_equal(w->head.error, SR_OK);
	expect_signed(w, 1);
	sign_genesis(w, body, ENTRY_GENESIS_SIGNED_LEN);
	assert_int_equal(w->genesis.error, SR_NOT_ALLOWED);
}

static void
given_a_founding_cut_off_when_begun_again_then_it_can_be_finished(void **state)
{
	struct world *w = *state;
	uint8_t body[ENTRY_GENESIS_LEN];

	genesis_body(w, body);
	world_tree_start(w, 0, NULL, NULL);
	sign_genesis(w, body, ENTRY_GENESIS_SIGNED_LEN);
	assert_int_equal(w->genesis.error, SR_OK);
	assert_int_equal(world_restart(w, true), SR_OK);
	world_found(w);
	assert_int_equal(w->head.error, SR_OK);
	expect_signed(w, 1);
}

static void
given_an_extension_when_appended_then_signed_and_anything_else_refused(
    void **state)
{
	struct world *w = *state;
	struct message_tree_head before;
	static const uint64_t wrong[] = {0, 1, 3, 5, 6, UINT64_MAX};

	world_append(w, 1, leaves[0], 3);
	assert_int_equal(w->head.error, SR_OK);
	expect_signed(w, 4);
	before = w->head;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		world_append(w, wrong[i], leaves[4], 1);
		assert_int_equal(
		    w->head.error, wrong[i] < 4 ? SR_ROLLED_BACK : SR_FORKED);
		assert_int_equal(w->head.size, 4);
		assert_memory_equal(w->head.root, before.root, 32);
		/* the same head, the same bytes */
		assert_memory_equal(w->head.signature, before.signature, 64);
	}
	world_append(w, 4, leaves[4], 0);
	assert_int_equal(w->head.error, SR_MALFORMED);
	world_append(w, 4, leaves[4], 1);
	assert_int_equal(w->head.error, SR_OK);
	expect_signed(w, 5);
	assert_memory_not_equal(w->head.root, before.root, 32);
}

static void
given_another_history_when_offered_then_strongroomd_is_told_now_and_then(
    void **state)
{
	struct world *w = *state;

	world_append(w, 1, leaves[0], 3);
	assert_int_equal(w->events, 0);
	world_append(w, 4, leaves[4], 0);
	assert_int_equal(w->head.error, SR_MALFORMED);
	assert_int_equal(w->events, 0);
	for (int i = 0; i < 100; i++)
		world_append(w, 2, leaves[4], 1);
	assert_int_equal(w->head.error, SR_ROLLED_BACK);
	assert_int_equal(w->events, 1);
	assert_int_equal(w->event.kind, EVENT_HISTORY_REFUSED);
	assert_int_equal(w->event.one, SR_ROLLED_BACK);
	assert_int_equal(w->event.two, 2);
	assert_int_equal(w->event.three, 4);
	sim_advance(w->sim, KEYD_HISTORY_MS);
	world_append(w, 5, leaves[4], 1);
	assert_int_equal(w->events, 2);
	assert_int_equal(w->event.one, SR_FORKED);
}

static void
given_leaves_of_half_a_hash_when_appended_then_refused(void **state)
{
	struct world *w = *state;
	struct message_tree_append append = {
	    .first = 1, .leaves = leaves[0], .leaves_len = 33};
	uint8_t bytes[64];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	message_tree_append_encode(&writer, &append);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->head.error, SR_MALFORMED);
	assert_int_equal(w->head.size, 1);
}

static void
given_a_restart_when_the_head_is_asked_then_the_same_bytes(void **state)
{
	struct world *w = *state;
	struct message_tree_head before;

	world_append(w, 1, leaves[0], 3);
	before = w->head;
	assert_int_equal(world_restart(w, false), SR_OK);
	world_tree_start(w, before.size, before.root, before.signature);
	assert_memory_equal(&w->head, &before, sizeof(before));
}

static void
sync_before_send(void *context, struct sim_room *room,
    enum sim_operation operation, const char *path)
{
	int *synced = context;

	if (strcmp(room->name, "keyd") != 0)
		return;
	if (operation == SIM_WRITE && strcmp(path, "state") == 0)
		*synced = 0;
	if (operation == SIM_SYNC && strcmp(path, "state") == 0)
		*synced = 1;
	if (operation == SIM_SEND)
		assert_int_equal(*synced, 1);
}

static void
given_an_append_when_answered_then_the_state_was_synced_before(void **state)
{
	struct world *w = *state;
	int synced = 0;
	uint64_t syncs = w->keyd_room->count[SIM_SYNC];

	w->sim->watch = sync_before_send;
	w->sim->watch_context = &synced;
	world_append(w, 1, leaves[0], 1);
	expect_signed(w, 2);
	assert_int_equal(synced, 1);
	assert_int_equal(w->keyd_room->count[SIM_SYNC], syncs + 1);
	w->sim->watch = NULL;
}

static void
given_a_failing_sync_when_appended_then_nothing_is_signed(void **state)
{
	struct world *w = *state;

	world_forget(w);
	w->keyd_room->fault[SIM_FAIL_SYNC] = 1;
	world_append(w, 1, leaves[0], 1);
	assert_int_equal(w->heads, 0);
	assert_int_equal(keyd_step(w->keyd, 0), SR_IO);
	/* not even when asked again */
	world_append(w, 1, leaves[0], 1);
	assert_int_equal(w->heads, 0);
}

static void
given_an_append_when_cut_at_every_operation_then_a_signed_head_is_kept(
    void **state)
{
	struct world *w = *state;
	struct sim_disk *copy = sim_copy(w->keyd_room);
	struct message_tree_head head;
	bool answered = false;

	for (unsigned cut = 1; !answered; cut++) {
		sim_restore(w->keyd_room, copy);
		world_start_again(w);
		world_forget(w);
		w->sim->cut_after = w->sim->operations + cut;
		world_append(w, 1, leaves[0], 2);
		/* what left keyd counts, whatever came of the power */
		answered = w->heads > 0;
		head = w->head;
		sim_restart(w->sim, SIM_LOSE_ALL);
		assert_int_equal(world_restart(w, false), SR_OK);
		if (answered)
			world_tree_start(
			    w, head.size, head.root, head.signature);
		else
			world_tree_start(w, 0, NULL, NULL);
		assert_int_equal(w->head.error, SR_OK);
		if (answered)
			assert_memory_equal(&w->head, &head, sizeof(head));
		else
			assert_true(w->head.size == 1 || w->head.size == 3);
	}
	sim_copy_free(copy);
}

static void
given_a_signed_head_above_the_state_when_started_then_refused(void **state)
{
	struct world *w = *state;
	struct message_tree_head before, after;
	struct sim_disk *copy;
	struct person ada = {.name = "ada", .password = "secret1"};

	world_append(w, 1, leaves[0], 1);
	before = w->head;
	copy = sim_copy(w->keyd_room);
	world_append(w, 2, leaves[1], 1);
	after = w->head;
	/* all of keyd's files as they were */
	sim_restore(w->keyd_room, copy);
	assert_int_equal(world_restart(w, false), SR_OK);
	world_tree_start(w, after.size, after.root, after.signature);
	assert_int_equal(w->head.error, SR_ROLLED_BACK);
	/* and nothing is signed or served from then on */
	world_append(w, 2, leaves[3], 1);
	assert_int_equal(w->head.error, SR_NOT_ALLOWED);
	assert_int_equal(w->head.size, 2);
	assert_int_equal(world_register(w, &ada), SR_CLOSED);
	/* a head that keyd never signed proves nothing */
	after.signature[0] ^= 1;
	world_tree_start(w, after.size, after.root, after.signature);
	assert_int_equal(w->head.error, SR_CRYPTO);
	world_tree_start(w, before.size, before.root, before.signature);
	assert_int_equal(w->head.error, SR_OK);
	sim_copy_free(copy);
}

/* ---- logged key operations --------------------------------------------- */

static void
use(struct world *w, uint64_t seq, unsigned code, uint64_t terminal,
    uint32_t epoch, int fault)
{
	struct entry_event event = {.code = (uint8_t)code,
	    .subject = terminal,
	    .time_ms = w->sim->now_ms};
	uint8_t plain[ENTRY_EVENT_LEN], bytes[MESSAGE_KEY_USE_MAX];
	struct message_key_use m = {.request = 77,
	    .seq = seq,
	    .time = w->sim->now_ms,
	    .segment = 3,
	    .plaintext = plain,
	    .plaintext_len = sizeof(plain)};
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct writer detail = writer_to(event.detail, 4);

	writer_u32(&detail, epoch);
	memset(m.sealed_hash, 0xaa, 32);
	memset(m.salt, 0xbb, 32);
	entry_event_encode(
	    fault == 1 ? ENTRY_SYSTEM : ENTRY_USE, &event, plain);
	if (fault == 2)
		m.time++;
	if (fault == 3)
		m.plaintext_len--;
	world_forget(w);
	message_key_use_encode(&writer, &m);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->heads, 1);
	assert_int_equal(w->useds, 1);
	assert_int_equal(w->used.request, 77);
}

static void
given_a_logged_use_when_its_leaf_is_right_then_appended_and_done(void **state)
{
	struct world *w = *state;
	struct merkle_frontier expected = w->keyd->state.frontier;
	struct entry_event event = {.code = USE_TERMINAL_ENROL,
	    .subject = 4,
	    .time_ms = w->sim->now_ms};
	struct journal_leaf leaf = {
	    .seq = 1, .time_ms = w->sim->now_ms, .segment = 3};
	uint8_t plain[ENTRY_EVENT_LEN], salt[32], hash[32], root[32];
	uint8_t psk[32];

	use(w, 1, USE_TERMINAL_ENROL, 4, 1, 0);
	assert_int_equal(w->head.error, SR_OK);
	assert_int_equal(w->used.error, SR_OK);
	expect_signed(w, 2);
	/* the leaf that is under the root is the one of these fields */
	event.detail[0] = 1;
	entry_event_encode(ENTRY_USE, &event, plain);
	memset(salt, 0xbb, 32);
	memset(leaf.sealed_hash, 0xaa, 32);
	leaf.class = (uint8_t)journal_class_of(plain, sizeof(plain));
	journal_commitment(salt, plain, sizeof(plain), leaf.commitment);
	journal_leaf_hash(&leaf, hash);
	assert_int_equal(merkle_frontier_append(&expected, hash), SR_OK);
	merkle_frontier_root(&expected, root);
	assert_memory_equal(w->head.root, root, 32);
	assert_int_equal(terminals_check(&w->keyd->terminals, 4, 1), SR_OK);
	/* its key goes to the operator, never to ledgerd */
	use(w, 2, USE_TERMINAL_KEY, 4, 0, 0);
	assert_int_equal(w->used.error, SR_OK);
	assert_int_equal(w->terminal_keys, 1);
	assert_int_equal(w->terminal_key.epoch, 1);
	keys_terminal(w->keyd->keys, KEYS_EPOCH, 4, 1, psk);
	assert_memory_equal(w->terminal_key.psk, psk, 32);
	use(w, 3, USE_TERMINAL_REVOKE, 4, 2, 0);
	assert_int_equal(w->used.error, SR_OK);
	assert_int_equal(
	    terminals_check(&w->keyd->terminals, 4, 1), SR_TERMINAL);
	/* logged, and then refused all the same */
	use(w, 4, USE_TERMINAL_KEY, 4, 0, 0);
	assert_int_equal(w->head.error, SR_OK);
	assert_int_equal(w->used.error, SR_TERMINAL);
	assert_int_equal(w->terminal_keys, 1);
	assert_int_equal(w->terminal_key.error, SR_TERMINAL);
	assert_true(sodium_is_zero(w->terminal_key.psk, 32));
	expect_signed(w, 5);
}

/* A ledgerd that asks for every card: logged, refused, and the log goes on. */
static void
given_a_flood_for_card_keys_when_the_hours_are_out_then_appends_go_on(
    void **state)
{
	struct world *w = *state;
	uint8_t leaf[32] = {1};
	uint64_t seq = 1;

	use(w, seq++, USE_TERMINAL_ENROL, 4, 1, 0);
	for (unsigned i = 0; i < BUDGET_TERMINAL_KEYS; i++) {
		use(w, seq++, USE_TERMINAL_KEY, 4, 0, 0);
		assert_int_equal(w->used.error, SR_OK);
	}
	for (unsigned i = 0; i < 3; i++) {
		use(w, seq++, USE_TERMINAL_KEY, 4, 0, 0);
		assert_int_equal(w->head.error, SR_OK);
		assert_int_equal(w->used.error, SR_BUDGET);
		assert_int_equal(w->terminal_key.error, SR_BUDGET);
		assert_true(sodium_is_zero(w->terminal_key.psk, 32));
	}
	assert_int_equal(w->keyd->refusals[REFUSAL_TERMINAL_KEYS], 3);
	world_append(w, seq++, leaf, 1);
	assert_int_equal(w->head.error, SR_OK);
	expect_signed(w, seq);
	/* a restart gives no new ones, the end of the hour does */
	world_start_again(w);
	use(w, seq++, USE_TERMINAL_KEY, 4, 0, 0);
	assert_int_equal(w->used.error, SR_BUDGET);
	sim_advance(w->sim, 3600000);
	use(w, seq++, USE_TERMINAL_KEY, 4, 0, 0);
	assert_int_equal(w->used.error, SR_OK);
}

static void
given_a_use_when_its_leaf_is_wrong_then_nothing_is_done(void **state)
{
	struct world *w = *state;
	static const uint64_t wrong[] = {0, 2, 3};

	for (size_t i = 0; i < 3; i++) {
		use(w, wrong[i], USE_TERMINAL_ENROL, 4, 1, 0);
		assert_int_equal(
		    w->head.error, wrong[i] == 0 ? SR_ROLLED_BACK : SR_FORKED);
		assert_int_not_equal(w->used.error, SR_OK);
	}
	for (int fault = 1; fault <= 3; fault++) {
		use(w, 1, USE_TERMINAL_ENROL, 4, 1, fault);
		assert_int_equal(w->head.error, SR_MALFORMED);
		assert_int_equal(w->used.error, SR_MALFORMED);
	}
	assert_int_equal(w->head.size, 1);
	assert_int_equal(
	    terminals_check(&w->keyd->terminals, 4, 1), SR_TERMINAL);
	/* a subject beyond 32 bits is not the terminal of its lower half */
	use(w, 1, USE_TERMINAL_ENROL, (UINT64_C(1) << 32) + 4, 1, 0);
	assert_int_equal(w->used.error, SR_TERMINAL);
	assert_int_equal(
	    terminals_check(&w->keyd->terminals, 4, 1), SR_TERMINAL);
}

static void
given_a_use_when_the_disk_fails_then_the_key_stays(void **state)
{
	struct world *w = *state;
	uint8_t bytes[MESSAGE_KEY_USE_MAX], plain[ENTRY_EVENT_LEN];
	struct entry_event event = {
	    .code = USE_TERMINAL_KEY, .subject = 4, .time_ms = 1};
	struct message_key_use m = {
	    .seq = 2, .time = 1, .plaintext = plain, .plaintext_len = 88};
	struct writer writer = writer_to(bytes, sizeof(bytes));

	use(w, 1, USE_TERMINAL_ENROL, 4, 1, 0);
	entry_event_encode(ENTRY_USE, &event, plain);
	message_key_use_encode(&writer, &m);
	world_forget(w);
	w->keyd_room->fault[SIM_FAIL_SYNC] = 1;
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->heads, 0);
	assert_int_equal(w->useds, 0);
	assert_int_equal(w->terminal_keys, 0);
	assert_int_equal(w->keyd->failure, SR_IO);
}

/* The leaf says USE(disclose) of that segment to that auditor. */
static void
disclose(struct world *w, uint64_t segment, const uint8_t auditor[32])
{
	struct entry_event event = {.code = USE_DISCLOSE,
	    .subject = segment,
	    .time_ms = w->sim->now_ms};
	uint8_t plain[ENTRY_EVENT_LEN], bytes[MESSAGE_KEY_USE_MAX];
	struct message_key_use m = {.request = 77,
	    .seq = w->keyd->state.frontier.size,
	    .time = w->sim->now_ms,
	    .segment = 3,
	    .plaintext = plain,
	    .plaintext_len = sizeof(plain)};
	struct writer writer = writer_to(bytes, sizeof(bytes));

	memcpy(event.detail, auditor, 32);
	memset(event.detail + 32, 0x5a, 32);
	entry_event_encode(ENTRY_USE, &event, plain);
	world_forget(w);
	message_key_use_encode(&writer, &m);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->heads, 1);
	assert_int_equal(w->useds, 1);
	assert_int_equal(w->head.error, SR_OK);
}

static void
given_a_logged_disclosure_when_done_then_only_that_auditor_opens_it(
    void **state)
{
	struct world *w = *state;
	uint8_t secret[32] = {7}, other[32] = {8}, auditor[32], key[32];
	uint8_t expected[32];
	struct disclosure_item item = {.segment = 2};

	noise_public_key(auditor, secret);
	disclose(w, 2, auditor);
	assert_int_equal(w->used.error, SR_OK);
	assert_int_equal(w->disclosures, 1);
	assert_int_equal(w->disclosure.error, SR_OK);
	assert_int_equal(w->disclosure.segment, 2);
	assert_memory_equal(w->disclosure.auditor, auditor, 32);
	expect_signed(w, 2);
	memcpy(item.salt, w->disclosure.salt, 32);
	memcpy(item.sealed, w->disclosure.sealed, sizeof(item.sealed));
	assert_int_equal(
	    disclosure_open(w->keyd->state.bank_id, secret, &item, key), SR_OK);
	keys_segment(w->keyd->keys, 2, item.salt, expected);
	assert_memory_equal(key, expected, 32);
	assert_int_equal(
	    disclosure_open(w->keyd->state.bank_id, other, &item, key),
	    SR_CRYPTO);
	item.segment = 3;
	assert_int_equal(
	    disclosure_open(w->keyd->state.bank_id, secret, &item, key),
	    SR_CRYPTO);
	/* a key that agrees on nothing secret, a segment that cannot be */
	disclose(w, 2, other);
	assert_int_equal(w->used.error, SR_OK);
	memset(auditor, 0, sizeof(auditor));
	disclose(w, 2, auditor);
	assert_int_equal(w->used.error, SR_PARAMETERS);
	assert_int_equal(w->disclosure.error, SR_PARAMETERS);
	assert_true(sodium_is_zero(w->disclosure.sealed, 80));
	disclose(w, UINT64_C(1) << 32, other);
	assert_int_equal(w->used.error, SR_NOT_FOUND);
	assert_int_equal(w->disclosure.error, SR_NOT_FOUND);
}

static void
given_many_disclosures_when_the_hours_are_out_then_later_also_after_a_restart(
    void **state)
{
	struct world *w = *state;
	uint8_t auditor[32] = {9};

	for (unsigned i = 0; i < BUDGET_DISCLOSURES; i++) {
		disclose(w, i, auditor);
		assert_int_equal(w->disclosure.error, SR_OK);
	}
	disclose(w, 0, auditor);
	assert_int_equal(w->used.error, SR_BUDGET);
	assert_int_equal(w->disclosure.error, SR_BUDGET);
	assert_true(sodium_is_zero(w->disclosure.sealed, 80));
	world_start_again(w);
	disclose(w, 0, auditor);
	assert_int_equal(w->disclosure.error, SR_BUDGET);
	sim_advance(w->sim, 3600000);
	disclose(w, 0, auditor);
	assert_int_equal(w->disclosure.error, SR_OK);
}

#define ASK(w, name, NAME, ...)                                       \
	do {                                                          \
		struct message_##name ask_ = {__VA_ARGS__};           \
		uint8_t bytes_[MESSAGE_##NAME##_MAX];                 \
		struct writer w_ = writer_to(bytes_, sizeof(bytes_)); \
		message_##name##_encode(&w_, &ask_);                  \
		world_send(w, (w)->ledgerd, ENV_KEYD, &w_);           \
	} while (0)

static void
given_a_segment_when_its_key_is_asked_then_number_and_salt_make_it(void **state)
{
	struct world *w = *state;
	uint8_t key[32];

	ASK(w, segment_key_get, SEGMENT_KEY_GET, .segment = 3);
	assert_int_equal(w->segment_key.error, SR_OK);
	assert_int_equal(w->segment_key.segment, 3);
	memcpy(key, w->segment_key.key, sizeof(key));
	assert_false(sodium_is_zero(key, sizeof(key)));
	ASK(w, segment_key_get, SEGMENT_KEY_GET, .segment = 3);
	assert_memory_equal(key, w->segment_key.key, sizeof(key));
	ASK(w, segment_key_get, SEGMENT_KEY_GET, .segment = 4);
	assert_memory_not_equal(key, w->segment_key.key, sizeof(key));
	ASK(w, segment_key_get, SEGMENT_KEY_GET, .segment = 3, .salt = {1});
	assert_memory_not_equal(key, w->segment_key.key, sizeof(key));
}

static void
given_customers_and_terminals_when_listed_then_each_once_to_an_empty_page(
    void **state)
{
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "x"};
	struct person bob = {.name = "bob", .password = "x"};
	struct customer customer;
	struct reader r;

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_register(w, &bob), SR_OK);
	ASK(w, directory_keys_get, DIRECTORY_KEYS_GET, .first = 0);
	assert_int_equal(w->list_len, 2 * 40);
	r = reader_of(w->list, w->list_len);
	for (uint64_t id = 1; id <= 2; id++) {
		assert_int_equal(reader_u64(&r), id);
		assert_int_equal(
		    credentials_read(&w->keyd->credentials, id, &customer),
		    SR_OK);
		assert_memory_equal(
		    reader_view(&r, 32), customer.directory_key, 32);
	}
	ASK(w, directory_keys_get, DIRECTORY_KEYS_GET, .first = 2);
	assert_int_equal(w->list_len, 40);
	ASK(w, directory_keys_get, DIRECTORY_KEYS_GET, .first = 3);
	assert_int_equal(w->list_len, 0);
	ASK(w, directory_keys_get, DIRECTORY_KEYS_GET, .first = UINT64_MAX);
	assert_int_equal(w->list_len, 0);

	world_enrol(w, 70000, 2, true);
	world_enrol(w, 5, 1, false);
	ASK(w, terminals_get, TERMINALS_GET, 0);
	assert_int_equal(w->list_len, 2 * TERMINALS_LIST_LEN);
	r = reader_of(w->list, w->list_len);
	assert_int_equal(reader_u32(&r), 70000);
	assert_int_equal(reader_u32(&r), 2);
	assert_int_equal(reader_u32(&r), 1);
	assert_int_equal(reader_u32(&r), 5);
	assert_int_equal(reader_u32(&r), 1);
	assert_int_equal(reader_u32(&r), 0);
}

static void
given_a_bank_when_its_facts_are_asked_then_founded_only_with_leaf_0(
    void **state)
{
	struct world *w = *state;

	ASK(w, bank_get, BANK_GET, 0);
	assert_false(w->founded);
	assert_memory_equal(w->bank_id, w->keyd->state.bank_id, 32);
	world_found(w);
	ASK(w, bank_get, BANK_GET, 0);
	assert_true(w->founded);
}

static void
ask_control(struct world *w, const uint8_t *packet, size_t len)
{
	struct message_control_request request = {
	    .request = 5, .packet = packet, .packet_len = len};
	uint8_t bytes[256];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	message_control_request_encode(&writer, &request);
	world_send(w, w->monitor, ENV_KEYD, &writer);
}

static void
given_a_control_request_when_it_is_none_then_one_answer_says_so(void **state)
{
	struct world *w = *state;
	struct message_keyd_status_get get = {0};
	uint8_t bytes[16];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	world_forget(w);
	ask_control(w, leaves[0], 32);
	assert_int_equal(w->refusals, 1);
	ask_control(w, leaves[0], 0);
	assert_int_equal(w->refusals, 2);
	message_keyd_status_get_encode(&writer, &get);
	ask_control(w, bytes, writer_len(&writer));
	assert_int_equal(w->refusals, 2);
	assert_int_equal(w->status.founded, 1);
	assert_int_equal(w->status.tree_size, 1);
	assert_int_equal(w->status.refused, 2);
}

static void
given_many_questions_at_once_when_sent_then_keyd_lives(void **state)
{
	struct world *w = *state;
	static uint8_t bytes[IPC_PACKET_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_bank_get get = {0};
	struct message_tree_start start = {0};

	while (message_bank_get_encode(&writer, &get) == SR_OK)
		continue;
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->keyd->failure, SR_OK);
	writer = writer_to(bytes, sizeof(bytes));
	world_forget(w);
	message_tree_start_encode(&writer, &start);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->heads, 1);
}

static void
given_the_wrong_link_when_a_message_comes_then_it_is_refused(void **state)
{
	struct world *w = *state;
	struct message_tree_append append = {
	    .first = 1, .leaves = leaves[0], .leaves_len = 32};
	uint8_t bytes[MESSAGE_HANDSHAKE_1_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	uint64_t before = w->keyd->refused;

	message_tree_append_encode(&writer, &append);
	world_forget(w);
	world_send(w, w->netd, ENV_KEYD, &writer);
	world_send(w, w->monitor, ENV_KEYD, &writer);
	assert_int_equal(w->keyd->refused, before + 2);
	assert_int_equal(w->heads, 0);
	assert_int_equal(w->keyd->state.frontier.size, 1);
}

#define EMPTY(f) cmocka_unit_test_setup_teardown(f, setup_empty, teardown)
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    EMPTY(
		given_an_empty_bank_when_leaf_0_is_asked_then_only_its_own_is_signed),
	    EMPTY(
		given_a_founding_cut_off_when_begun_again_then_it_can_be_finished),
	    TEST(
		given_an_extension_when_appended_then_signed_and_anything_else_refused),
	    TEST(
		given_another_history_when_offered_then_strongroomd_is_told_now_and_then),
	    TEST(given_leaves_of_half_a_hash_when_appended_then_refused),
	    TEST(given_a_restart_when_the_head_is_asked_then_the_same_bytes),
	    TEST(
		given_an_append_when_answered_then_the_state_was_synced_before),
	    TEST(given_a_failing_sync_when_appended_then_nothing_is_signed),
	    TEST(
		given_an_append_when_cut_at_every_operation_then_a_signed_head_is_kept),
	    TEST(given_a_signed_head_above_the_state_when_started_then_refused),
	    TEST(
		given_a_logged_use_when_its_leaf_is_right_then_appended_and_done),
	    TEST(
		given_a_flood_for_card_keys_when_the_hours_are_out_then_appends_go_on),
	    TEST(given_a_use_when_its_leaf_is_wrong_then_nothing_is_done),
	    TEST(
		given_a_logged_disclosure_when_done_then_only_that_auditor_opens_it),
	    TEST(
		given_many_disclosures_when_the_hours_are_out_then_later_also_after_a_restart),
	    TEST(given_a_use_when_the_disk_fails_then_the_key_stays),
	    TEST(
		given_a_segment_when_its_key_is_asked_then_number_and_salt_make_it),
	    TEST(
		given_customers_and_terminals_when_listed_then_each_once_to_an_empty_page),
	    EMPTY(
		given_a_bank_when_its_facts_are_asked_then_founded_only_with_leaf_0),
	    TEST(
		given_a_control_request_when_it_is_none_then_one_answer_says_so),
	    TEST(given_many_questions_at_once_when_sent_then_keyd_lives),
	    TEST(given_the_wrong_link_when_a_message_comes_then_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
