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
		world_start_again(w);
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
	assert_int_equal(w->keyd->refusals[REFUSAL_OLD_SEGMENTS], 1);
	/* that it was asked stands in the log all the same */
	assert_int_equal(w->head.size, size + 1);
	/* neither a restart nor a clock that goes back helps */
	world_start_again(w);
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
		world_start_again(w);
		world_forget(w);
		memset(&w->used, 0, sizeof(w->used));
		entry_event_encode(ENTRY_USE, &event, plain);
		message_key_use_encode(&writer, &m);
		w->sim->cut_after = w->sim->operations + cut;
		world_send(w, w->ledgerd, ENV_KEYD, &writer);
		given = w->useds > 0 && !sodium_is_zero(w->used.key, 32);
		sim_restart(w->sim, SIM_LOSE_ALL);
		world_start_again(w);
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

/* ---- a restore start ----------------------------------------------------- */

/* A log of six leaves, of which ledgerd shows the first three. */
struct shown {
	struct message_tree_head three;
	struct message_tree_head six;
	struct merkle_frontier frontier; /* of three */
};

static void
six_leaves(struct world *w, struct shown *shown)
{
	uint8_t leaves[3][32];

	memset(leaves, 0x31, sizeof(leaves));
	world_append(w, 1, leaves[0], 2);
	shown->three = w->head;
	shown->frontier = w->keyd->state.frontier;
	world_append(w, 3, leaves[0], 3);
	shown->six = w->head;
	assert_int_equal(shown->three.size, 3);
	assert_int_equal(shown->six.size, 6);
}

static void
start_restore(struct world *w)
{
	w->params.init = false;
	w->params.restore = true;
	assert_int_equal(world_restart(w, true), SR_OK);
	world_forget(w);
}

/* Asks for the note of a head; last: of the lost part, or NULL. */
static enum sr_error
ask_note(struct world *w, const struct message_tree_head *head,
    const struct merkle_frontier *frontier,
    const struct message_tree_head *last)
{
	uint8_t bytes[MERKLE_FRONTIER_MAX];
	struct writer tree = writer_to(bytes, sizeof(bytes));
	uint8_t packet[MESSAGE_RESTORE_SIGN_MAX];
	struct writer writer = writer_to(packet, sizeof(packet));
	struct message_restore_sign m = {
	    .epoch = head->epoch, .frontier = bytes};

	merkle_frontier_write(frontier, &tree);
	m.frontier_len = writer_len(&tree);
	memcpy(m.signature, head->signature, sizeof(m.signature));
	if (last != NULL) {
		m.last_epoch = last->epoch;
		m.last_size = last->size;
		memcpy(m.last_root, last->root, sizeof(m.last_root));
		memcpy(m.last_signature, last->signature,
		    sizeof(m.last_signature));
	}
	message_restore_sign_encode(&writer, &m);
	world_forget(w);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->restores, 1);
	assert_int_equal(w->restore.note_len,
	    w->restore.error == SR_OK ? RESTORE_NOTE_LEN : 0);
	return w->restore.error;
}

static void
assert_signed(struct world *w, uint32_t epoch, bool expected)
{
	struct checkpoint checkpoint = {.size = w->head.size};

	note_origin(w->keyd->state.bank_id, epoch, checkpoint.origin);
	memcpy(checkpoint.root, w->head.root, 32);
	assert_int_equal(
	    note_verify_raw(&checkpoint, w->keyd->origin->log.public,
		w->head.signature) == SR_OK,
	    expected);
}

static void
given_a_restore_start_when_ledgerd_asks_then_one_note_and_nothing_else(
    void **state)
{
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "secret1"};
	struct merkle_frontier forged, before;
	struct restore_note note;
	struct shown shown;
	uint8_t leaf[32] = {1}, other[RESTORE_NOTE_LEN];

	six_leaves(w, &shown);
	/* not outside of a restore start */
	assert_int_equal(
	    ask_note(w, &shown.three, &shown.frontier, NULL), SR_NOT_ALLOWED);
	start_restore(w);
	before = w->keyd->state.frontier;
	/* the old origin gets no more leaves, whatever was presented */
	world_tree_start(w, 6, shown.six.root, shown.six.signature);
	assert_int_equal(w->head.error, SR_OK);
	assert_memory_equal(w->head.signature, shown.six.signature, 64);
	world_append(w, 6, leaf, 1);
	assert_int_equal(w->head.error, SR_NOT_ALLOWED);
	assert_int_equal(log_snapshot(w, 1, 1, 2, 2), SR_NOT_ALLOWED);
	assert_int_equal(use_segment_key(w, 0), SR_NOT_ALLOWED);
	ASK(w, genesis_sign, GENESIS_SIGN, .genesis = leaf, .genesis_len = 0);
	assert_int_equal(w->genesis.error, SR_NOT_ALLOWED);
	assert_int_equal(world_login(w, &ada, 0), SR_CLOSED);
	/* no head that it did not sign: another root, size, epoch */
	forged = shown.frontier;
	forged.hash[0][5] ^= 1;
	assert_int_equal(ask_note(w, &shown.three, &forged, NULL), SR_CRYPTO);
	forged = shown.frontier;
	merkle_frontier_append(&forged, leaf);
	assert_int_equal(ask_note(w, &shown.three, &forged, NULL), SR_CRYPTO);
	shown.three.epoch++;
	assert_int_equal(
	    ask_note(w, &shown.three, &shown.frontier, NULL), SR_CRYPTO);
	shown.three.epoch--;
	/* nor a lie about the lost part */
	shown.six.size = 7;
	assert_int_equal(
	    ask_note(w, &shown.three, &shown.frontier, &shown.six), SR_CRYPTO);
	shown.six.size = 6;
	/* no leaf before there is a note */
	memset(other, 0, sizeof(other));
	assert_int_equal(
	    world_log_note(w, other, RESTORE_NOTE_LEN, 3), SR_NOT_ALLOWED);
	assert_memory_equal(&w->keyd->state.frontier, &before, sizeof(before));
	assert_non_null(w->keyd->identity_secret);
	assert_int_equal(
	    ask_note(w, &shown.three, &shown.frontier, &shown.six), SR_OK);
	/* the identity is gone, and so is the root */
	assert_null(w->keyd->identity_secret);
	assert_true(sodium_is_zero(w->keyd->restore->root, 32));
	assert_int_equal(restore_note_verify(w->note, sizeof(w->note),
			     w->keyd->state.identity, &note),
	    SR_OK);
	assert_int_equal(note.restored_size, 3);
	assert_int_equal(note.last_size, 6);
	assert_int_equal(note.restored_epoch, 1);
	assert_int_equal(note.old_epoch, 1);
	assert_memory_equal(note.last_root, shown.six.root, 32);
	assert_memory_equal(note.restored_root, shown.three.root, 32);
	/* once; and its leaf is that note, at that place */
	assert_int_equal(
	    ask_note(w, &shown.three, &shown.frontier, NULL), SR_NOT_ALLOWED);
	memcpy(other, w->keyd->restore->note, sizeof(other));
	assert_int_equal(
	    world_log_note(w, other, RESTORE_NOTE_LEN, 6), SR_NOT_ALLOWED);
	other[5] ^= 1;
	assert_int_equal(
	    world_log_note(w, other, RESTORE_NOTE_LEN, 3), SR_NOT_ALLOWED);
	assert_int_equal(w->head.size, 6);
	world_append(w, 3, leaf, 1);
	assert_int_equal(w->head.error, SR_NOT_ALLOWED);
	other[5] ^= 1;
	assert_int_equal(world_log_note(w, other, RESTORE_NOTE_LEN, 3), SR_OK);
	assert_int_equal(w->head.size, 4);
	assert_int_equal(w->head.epoch, note.new_epoch);
	assert_true(note.new_epoch > 1);
	assert_signed(w, note.new_epoch, true);
}

static void
given_a_new_origin_when_ledgerd_shows_the_old_one_then_it_is_never_signed(
    void **state)
{
	struct world *w = *state;
	struct certificate certificate;
	uint8_t leaf[32] = {1}, old[32];
	struct shown shown;
	uint32_t epoch;

	six_leaves(w, &shown);
	memcpy(old, w->keyd->origin->log.public, sizeof(old));
	start_restore(w);
	assert_int_equal(
	    ask_note(w, &shown.three, &shown.frontier, NULL), SR_OK);
	assert_int_equal(
	    world_log_note(w, w->keyd->restore->note, RESTORE_NOTE_LEN, 3),
	    SR_OK);
	epoch = w->head.epoch;
	w->params.restore = false;
	for (int start = 0; start < 3; start++) {
		assert_memory_not_equal(
		    w->keyd->origin->log.public, old, sizeof(old));
		assert_int_equal(w->keyd->state.log_epoch, epoch);
		assert_int_equal(certificate_verify(w->keyd->state.certificate,
				     w->keyd->state.identity, &certificate),
		    SR_OK);
		assert_int_equal(certificate.epoch, epoch);
		assert_memory_equal(
		    certificate.log_key, w->keyd->origin->log.public, 32);
		/* what was signed under the old origin counts for nothing */
		world_tree_start(w, 6, shown.six.root, shown.six.signature);
		assert_int_equal(w->head.error, SR_CRYPTO);
		assert_signed(w, 1, false);
		assert_signed(w, epoch, true);
		world_append(w, w->head.size, leaf, 1);
		assert_int_equal(w->head.error, SR_NOT_ALLOWED);
		world_tree_start(w, 0, NULL, NULL);
		world_append(w, w->head.size, leaf, 1);
		assert_int_equal(w->head.error, SR_OK);
		assert_int_equal(w->head.epoch, epoch);
		assert_signed(w, epoch, true);
		/* by the identity, too, but for a restore */
		assert_int_equal(world_restart(w, start > 0), SR_OK);
	}
}

/* Either slot of the state alone: neither signs under the old origin. */
static void
given_a_slot_of_the_state_lost_when_it_starts_then_the_origin_stays_new(
    void **state)
{
	struct world *w = *state;
	static const uint8_t zeros[64];
	struct sim_disk *disk;
	struct shown shown;
	uint32_t epoch;

	six_leaves(w, &shown);
	start_restore(w);
	assert_int_equal(
	    ask_note(w, &shown.three, &shown.frontier, NULL), SR_OK);
	assert_int_equal(
	    world_log_note(w, w->keyd->restore->note, RESTORE_NOTE_LEN, 3),
	    SR_OK);
	epoch = w->head.epoch;
	w->params.restore = false;
	disk = sim_copy(w->keyd_room);
	for (unsigned slot = 0; slot < 2; slot++) {
		env_file file;

		sim_restore(w->keyd_room, disk);
		assert_int_equal(
		    env_open(&w->keyd_room->env, "state", ENV_WRITE, &file),
		    SR_OK);
		assert_int_equal(
		    env_write(&w->keyd_room->env, file, slot * STATE_SLOT_LEN,
			zeros, sizeof(zeros)),
		    SR_OK);
		assert_int_equal(env_close(&w->keyd_room->env, file), SR_OK);
		assert_int_equal(world_restart(w, false), SR_OK);
		assert_int_equal(w->keyd->state.log_epoch, epoch);
		assert_int_equal(w->keyd->state.frontier.size, 4);
	}
	sim_copy_free(disk);
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
	    TEST(
		given_a_restore_start_when_ledgerd_asks_then_one_note_and_nothing_else),
	    TEST(
		given_a_new_origin_when_ledgerd_shows_the_old_one_then_it_is_never_signed),
	    TEST(
		given_a_slot_of_the_state_lost_when_it_starts_then_the_origin_stays_new),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
