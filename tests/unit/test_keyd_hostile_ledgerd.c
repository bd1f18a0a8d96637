/* SPDX-License-Identifier: ISC */
/*
 * keyd against a ledgerd that is somebody else's: it gets no fork, no
 * rollback, no key beyond its budget, no key operation without its leaf, and
 * no attestation, whatever it sends and in whatever order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/entry.h"
#include "common/journal.h"
#include "common/note.h"
#include "keyd/log_keys.h"
#include "tests/lib/keyd_world.h"

static int
setup(void **state)
{
	*state = world_new(7);
	world_found(*state);
	return 0;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

#define ASK(w, name, NAME, ...)                                       \
	do {                                                          \
		struct message_##name ask_ = {__VA_ARGS__};           \
		uint8_t bytes_[MESSAGE_##NAME##_MAX];                 \
		struct writer w_ = writer_to(bytes_, sizeof(bytes_)); \
		message_##name##_encode(&w_, &ask_);                  \
		world_send(w, (w)->ledgerd, ENV_KEYD, &w_);           \
	} while (0)

/* The leaf hash that such an entry has in keyd's tree. */
static void
leaf_of(struct world *w, const uint8_t plain[ENTRY_EVENT_LEN], uint64_t seq,
    uint32_t segment, uint8_t hash[32])
{
	struct journal_leaf leaf = {
	    .seq = seq, .time_ms = w->sim->now_ms, .segment = segment};
	uint8_t salt[32];

	memset(salt, 0xbb, sizeof(salt));
	memset(leaf.sealed_hash, 0xaa, 32);
	leaf.class = (uint8_t)journal_class_of(plain, ENTRY_EVENT_LEN);
	journal_commitment(salt, plain, ENTRY_EVENT_LEN, leaf.commitment);
	journal_leaf_hash(&leaf, hash);
}

/*
 * Has keyd log an entry.  Whatever it says, either the leaf of exactly this
 * entry is the only new one in its tree, or the tree is what it was.
 */
static void
log_entry(struct world *w, enum entry_type type, struct entry_event *event,
    uint32_t segment)
{
	uint8_t plain[ENTRY_EVENT_LEN], bytes[MESSAGE_KEY_USE_MAX];
	struct merkle_frontier expected = w->keyd->state.frontier;
	struct message_key_use m = {.request = 5,
	    .seq = expected.size,
	    .time = w->sim->now_ms,
	    .segment = segment,
	    .plaintext = plain,
	    .plaintext_len = sizeof(plain)};
	struct writer writer = writer_to(bytes, sizeof(bytes));
	uint8_t hash[32], root[32];

	event->time_ms = w->sim->now_ms;
	memset(m.sealed_hash, 0xaa, 32);
	memset(m.salt, 0xbb, 32);
	entry_event_encode(type, event, plain);
	message_key_use_encode(&writer, &m);
	world_forget(w);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->heads, 1);
	assert_int_equal(w->useds, 1);
	if (w->head.error == SR_OK) {
		leaf_of(w, plain, expected.size, segment, hash);
		assert_int_equal(
		    merkle_frontier_append(&expected, hash), SR_OK);
	} else {
		assert_int_not_equal(w->used.error, SR_OK);
	}
	merkle_frontier_root(&expected, root);
	assert_int_equal(w->head.size, expected.size);
	assert_memory_equal(w->head.root, root, 32);
}

static enum sr_error
log_snapshot(struct world *w, uint32_t number, uint64_t size, uint32_t segment,
    uint32_t leaf_segment)
{
	struct entry_snapshot snapshot = {.number = number,
	    .size = size,
	    .segment = segment,
	    .offset = 128,
	    .hash = {(uint8_t)number}};
	struct entry_event event = entry_snapshot_event(&snapshot);

	log_entry(w, ENTRY_SYSTEM, &event, leaf_segment);
	assert_true(sodium_is_zero(w->used.key, 32));
	return w->used.error;
}

static enum sr_error
use_segment_key(struct world *w, uint64_t segment)
{
	struct entry_event event = {
	    .code = USE_SEGMENT_KEY, .subject = segment, .detail = {9}};

	log_entry(w, ENTRY_USE, &event, 7);
	return w->used.error;
}

/* Snapshots 1, 2 and 3, of segments 2, 5 and 7. */
static void
three_snapshots(struct world *w)
{
	assert_int_equal(log_snapshot(w, 1, 1, 2, 2), SR_OK);
	assert_int_equal(log_snapshot(w, 2, 2, 5, 5), SR_OK);
	assert_int_equal(log_snapshot(w, 3, 3, 7, 7), SR_OK);
}

static void
given_snapshots_when_keys_are_asked_then_only_from_the_last_but_one_on(
    void **state)
{
	struct world *w = *state;

	/* with one snapshot the way back is the whole journal */
	assert_int_equal(log_snapshot(w, 1, 1, 2, 2), SR_OK);
	ASK(w, segment_key_get, SEGMENT_KEY_GET, .segment = 0);
	assert_int_equal(w->segment_key.error, SR_OK);
	assert_int_equal(log_snapshot(w, 2, 2, 5, 5), SR_OK);
	assert_int_equal(log_snapshot(w, 3, 3, 7, 7), SR_OK);
	for (int restarted = 0; restarted < 2; restarted++) {
		for (uint32_t segment = 0; segment < 10; segment++) {
			ASK(w, segment_key_get, SEGMENT_KEY_GET,
			    .segment = segment);
			assert_int_equal(w->segment_key.error,
			    segment < 5 ? SR_NOT_ALLOWED : SR_OK);
			assert_int_equal(sodium_is_zero(w->segment_key.key, 32),
			    segment < 5);
		}
		for (uint32_t number = 0; number < 6; number++) {
			ASK(w, snapshot_key_get, SNAPSHOT_KEY_GET,
			    .number = number);
			assert_int_equal(w->snapshot_key.error,
			    number < 2 ? SR_NOT_ALLOWED : SR_OK);
			assert_int_equal(
			    sodium_is_zero(w->snapshot_key.key, 32),
			    number < 2);
		}
		assert_int_equal(world_restart(w, false), SR_OK);
		world_tree_start(w, 0, NULL, NULL);
	}
	ASK(w, snapshots_get, SNAPSHOTS_GET, 0);
	assert_int_equal(w->list_len, 104);
	assert_int_equal(w->list[0], 3);
	assert_int_equal(w->list[52], 2);
}

static void
given_a_lie_about_a_snapshot_when_logged_then_nothing_moves_back(void **state)
{
	struct world *w = *state;
	uint64_t size;

	three_snapshots(w);
	size = w->head.size;
	/* not a later one, a smaller log, a log that is not yet */
	assert_int_equal(log_snapshot(w, 3, 4, 8, 8), SR_MALFORMED);
	assert_int_equal(log_snapshot(w, 1, 4, 8, 8), SR_MALFORMED);
	assert_int_equal(log_snapshot(w, 4, 2, 8, 8), SR_MALFORMED);
	assert_int_equal(log_snapshot(w, 4, size + 1, 8, 8), SR_MALFORMED);
	/* an earlier segment, or one after its own entry's */
	assert_int_equal(log_snapshot(w, 4, 4, 0, 8), SR_MALFORMED);
	assert_int_equal(log_snapshot(w, 4, 4, 9, 8), SR_MALFORMED);
	assert_int_equal(w->head.size, size);
	assert_int_equal(log_keys_floor(&w->keyd->state), 5);
	ASK(w, segment_key_get, SEGMENT_KEY_GET, .segment = 4);
	assert_int_equal(w->segment_key.error, SR_NOT_ALLOWED);
	/* and any other SYSTEM entry is the log's, not an operation */
	for (unsigned code = 0; code < 256; code++) {
		struct entry_event event = {
		    .code = (uint8_t)code, .subject = 4};

		if (code == SYSTEM_SNAPSHOT)
			continue;
		log_entry(w, ENTRY_SYSTEM, &event, 7);
		assert_int_equal(w->used.error, SR_MALFORMED);
	}
	assert_int_equal(w->head.size, size);
}

static void
given_old_segments_when_asked_by_use_then_so_many_an_hour_and_no_more(
    void **state)
{
	struct world *w = *state;
	uint8_t salt[32] = {9}, key[32];
	uint64_t size;

	three_snapshots(w);
	assert_int_equal(use_segment_key(w, 1), SR_OK);
	keys_segment(w->keyd->keys, 1, salt, key);
	assert_memory_equal(w->used.key, key, sizeof(key));
	for (unsigned i = 1; i < LOG_KEYS_OLD_AN_HOUR; i++)
		assert_int_equal(use_segment_key(w, i), SR_OK);
	size = w->head.size;
	assert_int_equal(use_segment_key(w, 1), SR_OLD_RECORDS);
	assert_true(sodium_is_zero(w->used.key, 32));
	/* that it was asked stands in the log all the same */
	assert_int_equal(w->head.size, size + 1);
	/* neither a restart nor a clock that goes back helps */
	assert_int_equal(world_restart(w, false), SR_OK);
	world_tree_start(w, 0, NULL, NULL);
	assert_int_equal(use_segment_key(w, 1), SR_OLD_RECORDS);
	w->sim->now_ms -= 2 * 3600 * 1000;
	assert_int_equal(use_segment_key(w, 1), SR_OLD_RECORDS);
	w->sim->now_ms += 3 * 3600 * 1000;
	assert_int_equal(use_segment_key(w, 1), SR_OK);
	assert_int_equal(
	    w->keyd->state.old_keys.ever, LOG_KEYS_OLD_AN_HOUR + 1);
	/* no segment has such a number, nor such a detail */
	assert_int_equal(use_segment_key(w, UINT64_C(1) << 32), SR_PARAMETERS);
	assert_true(sodium_is_zero(w->used.key, 32));
}

static void
given_the_power_cut_while_an_old_key_is_given_then_it_is_counted(void **state)
{
	struct world *w = *state;
	struct sim_disk *copy;
	bool given = false;

	three_snapshots(w);
	copy = sim_copy(w->keyd_room);
	for (unsigned cut = 1; !given; cut++) {
		struct entry_event event = {
		    .code = USE_SEGMENT_KEY, .time_ms = w->sim->now_ms};
		uint8_t plain[ENTRY_EVENT_LEN], bytes[MESSAGE_KEY_USE_MAX];
		struct message_key_use m = {.seq = 4,
		    .time = w->sim->now_ms,
		    .plaintext = plain,
		    .plaintext_len = sizeof(plain)};
		struct writer writer = writer_to(bytes, sizeof(bytes));

		sim_restore(w->keyd_room, copy);
		assert_int_equal(world_restart(w, false), SR_OK);
		world_tree_start(w, 0, NULL, NULL);
		world_forget(w);
		memset(&w->used, 0, sizeof(w->used));
		entry_event_encode(ENTRY_USE, &event, plain);
		message_key_use_encode(&writer, &m);
		w->sim->cut_after = w->sim->operations + cut;
		world_send(w, w->ledgerd, ENV_KEYD, &writer);
		given = w->useds > 0 && !sodium_is_zero(w->used.key, 32);
		sim_restart(w->sim, SIM_LOSE_ALL);
		assert_int_equal(world_restart(w, false), SR_OK);
		world_tree_start(w, 0, NULL, NULL);
		/* leaf and count are there both, or neither */
		assert_int_equal(
		    w->keyd->state.old_keys.ever, w->head.size - 4);
		if (given)
			assert_int_equal(w->head.size, 5);
	}
	sim_copy_free(copy);
}

static void
given_any_bytes_when_sent_as_ledgerd_then_only_extensions_are_signed(
    void **state)
{
	struct world *w = *state;
	struct merkle_frontier signed_tree;
	struct person ada = {.name = "ada", .password = "secret1"};
	static const uint8_t lengths[] = {0, 8, 36, 104};
	uint8_t packet[512];

	three_snapshots(w);
	assert_int_equal(world_register(w, &ada), SR_OK);
	world_forget(w);
	signed_tree = w->keyd->state.frontier;
	for (unsigned i = 0; i < 20000; i++) {
		struct writer writer = writer_to(packet, sizeof(packet));
		size_t len;

		sim_advance(w->sim, 1);
		env_random(&w->ledgerd->env, packet, sizeof(packet));
		len = packet[0] < 64 ? packet[1] : lengths[packet[0] % 4];
		/* a message of that length and of keyd's or a near number */
		writer_u16(&writer, (uint16_t)len);
		writer_u8(&writer, (uint8_t)(32 + packet[2] % 24));
		writer_u8(&writer, 0);
		writer.at += len;
		memset(&w->segment_key, 0, sizeof(w->segment_key));
		world_send(w, w->ledgerd, ENV_KEYD, &writer);
		assert_int_equal(w->keyd->failure, SR_OK);
		assert_true(sodium_is_zero(w->segment_key.key, 32) ||
			    w->segment_key.segment >= 5);
	}
	/* nothing was appended, counted or attested by chance */
	assert_memory_equal(
	    &w->keyd->state.frontier, &signed_tree, sizeof(signed_tree));
	assert_int_equal(w->keyd->state.old_keys.ever, 0);
	assert_int_equal(w->keyd->credentials.customers, 1);
	assert_int_equal(w->opens, 0);
	/* and it still serves, once the logs agree */
	world_tree_start(w, 0, NULL, NULL);
	assert_int_equal(world_login(w, &ada, 0), SR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_snapshots_when_keys_are_asked_then_only_from_the_last_but_one_on),
	    TEST(
		given_a_lie_about_a_snapshot_when_logged_then_nothing_moves_back),
	    TEST(
		given_old_segments_when_asked_by_use_then_so_many_an_hour_and_no_more),
	    TEST(
		given_the_power_cut_while_an_old_key_is_given_then_it_is_counted),
	    TEST(
		given_any_bytes_when_sent_as_ledgerd_then_only_extensions_are_signed),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
