/* SPDX-License-Identifier: ISC */
/*
 * Each message that keyd takes from ledgerd or netd, one after the other, from
 * a room that is somebody else's: cut off at each byte, too long, on the wrong
 * link, in the wrong phase, out of order and twice.  A message that is not
 * among those below fails the test: whoever adds one says here what a room
 * that lies may make of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/entry.h"
#include "common/journal.h"
#include "common/key_table.h"
#include "tests/lib/keyd_world.h"

enum {
	ANY = PHASE_INIT | PHASE_OPEN | PHASE_RESTORE,
	LONGEST = 640, /* no body without lists is longer */
};

struct covered {
	uint8_t type;
	const char *name;
	unsigned phases;
};

#define COVERED(NAME, phases)                 \
	{                                     \
		MESSAGE_##NAME, #NAME, phases \
	}

static const struct covered from_ledgerd[] = {
    COVERED(TREE_START, ANY),
    COVERED(TREE_APPEND, ANY),
    COVERED(SEGMENT_KEY_GET, ANY),
    COVERED(BANK_GET, ANY),
    COVERED(GENESIS_SIGN, PHASE_INIT),
    COVERED(KEY_USE, PHASE_OPEN | PHASE_RESTORE),
    COVERED(TERMINALS_GET, ANY),
    COVERED(DIRECTORY_KEYS_GET, ANY),
    COVERED(SNAPSHOTS_GET, ANY),
    COVERED(SNAPSHOT_KEY_GET, ANY),
    COVERED(ROTATE_SIGN, PHASE_OPEN),
    COVERED(RESTORE_SIGN, PHASE_RESTORE),
    COVERED(ATTESTATION_GET, PHASE_OPEN),
    COVERED(ATTESTED, PHASE_OPEN),
};

static const struct covered from_netd[] = {
    COVERED(HANDSHAKE_1, PHASE_OPEN),
    COVERED(HANDSHAKE_3, PHASE_OPEN),
    COVERED(HANDSHAKE_GONE, PHASE_OPEN),
    COVERED(PULSE_KEYD, ANY),
};

typedef unsigned (*dispatch)(
    struct keyd *, unsigned phase, const uint8_t *packet, size_t len);

static const struct link {
	const char *name;
	dispatch dispatch;
	const struct covered *covered;
	size_t count;
} links[] = {
    {"ledgerd", keyd_dispatch_ledgerd, from_ledgerd,
	sizeof(from_ledgerd) / sizeof(from_ledgerd[0])},
    {"netd", keyd_dispatch_netd, from_netd,
	sizeof(from_netd) / sizeof(from_netd[0])},
};

static int
setup(void **state)
{
	*state = world_new(11);
	world_found(*state);
	return 0;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

/* One message of zeros.  Whether it was taken; keyd lives in any case. */
static bool
taken(struct world *w, const struct link *link, unsigned phase, unsigned type,
    size_t len)
{
	uint8_t packet[4 + LONGEST] = {0};
	struct writer writer = writer_to(packet, sizeof(packet));
	uint64_t refused = w->keyd->refused;
	unsigned count;

	writer_u16(&writer, (uint16_t)len);
	writer_u8(&writer, (uint8_t)type);
	writer_u8(&writer, 0);
	count = link->dispatch(w->keyd, phase, packet, 4 + len);
	/* what is refused may have an answer, too */
	if (count == 1 || len % 16 == 0)
		assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(w->keyd->failure, SR_OK);
	assert_true(count == 1 || w->keyd->refused > refused);
	return count == 1;
}

/* The length at which a message of zeros is whole; LONGEST: at none. */
static size_t
least(struct world *w, const struct link *link, unsigned phase, unsigned type)
{
	size_t len = 0;

	while (len < LONGEST && !taken(w, link, phase, type, len))
		len++;
	return len;
}

static const struct covered *
find(const struct link *link, unsigned type)
{
	for (size_t i = 0; i < link->count; i++)
		if (link->covered[i].type == type)
			return &link->covered[i];
	return NULL;
}

static void
given_all_messages_then_each_that_keyd_takes_is_in_a_list(void **state)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		for (unsigned type = 0; type < 256; type++) {
			const struct covered *covered = find(&links[i], type);

			if (covered != NULL) {
				printf("from %s: %s\n", links[i].name,
				    covered->name);
				continue;
			}
			if (least(*state, &links[i], ANY, type) != LONGEST)
				fail_msg("message %u from %s to keyd is in no "
					 "list",
				    type, links[i].name);
		}
}

static void
given_each_message_when_cut_or_too_long_then_refused(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		for (size_t n = 0; n < links[i].count; n++) {
			const struct covered *covered = &links[i].covered[n];
			unsigned type = covered->type;
			size_t len;

			/* those are in test_keyd_hostile_ledgerd */
			if ((covered->phases & PHASE_OPEN) == 0)
				continue;
			len = least(w, &links[i], PHASE_OPEN, type);
			/* all that is shorter was refused on the way */
			assert_true(len < LONGEST);
			assert_false(
			    taken(w, &links[i], PHASE_OPEN, type, len + 1));
			/* and a second time is as good as the first */
			assert_true(taken(w, &links[i], PHASE_OPEN, type, len));
		}
}

/* In no phase that is not its own, and on no other room's link in any. */
static void
given_each_message_when_it_is_not_its_time_or_link_then_refused(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		for (size_t n = 0; n < links[i].count; n++) {
			const struct covered *covered = &links[i].covered[n];
			unsigned other = ANY & ~covered->phases;

			if (other != 0)
				assert_int_equal(
				    least(w, &links[i], other, covered->type),
				    LONGEST);
			assert_int_equal(
			    least(w, &links[1 - i], ANY, covered->type),
			    LONGEST);
		}
}

/* All of them, with nothing in them, and in any order: nothing has moved. */
static void
given_messages_in_any_order_when_empty_then_nothing_moves(void **state)
{
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "secret1"};
	struct merkle_frontier before;
	struct state_key key[KEY_PLACES];
	size_t len[sizeof(from_ledgerd) / sizeof(from_ledgerd[0])];

	assert_int_equal(world_register(w, &ada), SR_OK);
	before = w->keyd->state.frontier;
	memcpy(key, w->keyd->state.key, sizeof(key));
	for (size_t n = 0; n < links[0].count; n++)
		len[n] = least(w, &links[0], PHASE_OPEN, from_ledgerd[n].type);
	for (unsigned i = 0; i < 2000; i++) {
		size_t n = randombytes_uniform((uint32_t)links[0].count);

		assert_int_equal(taken(w, &links[0], PHASE_OPEN,
				     from_ledgerd[n].type, len[n] % LONGEST),
		    len[n] != LONGEST);
	}
	assert_memory_equal(&w->keyd->state.frontier, &before, sizeof(before));
	assert_memory_equal(w->keyd->state.key, key, sizeof(key));
	assert_int_equal(w->keyd->credentials.customers, 1);
	assert_int_equal(w->keyd->failure, SR_OK);
	world_tree_start(w, 0, NULL, NULL);
	assert_int_equal(world_login(w, &ada, 0), SR_OK);
}

/* The newer ones, with something in them. */

static void
ask_attestation(struct world *w, uint64_t customer)
{
	uint8_t bytes[MESSAGE_ATTESTATION_GET_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_attestation_get get = {.customer = customer};

	assert_int_equal(message_attestation_get_encode(&writer, &get), SR_OK);
	world_forget(w);
	memset(&w->attestation, 0xff, sizeof(w->attestation));
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
}

static void
given_attestations_asked_for_then_only_what_a_log_in_says_and_nothing_written(
    void **state)
{
	static const uint64_t nobody[] = {
	    0, 3, 4, UINT32_MAX, UINT64_C(1) << 32 | 1, UINT64_MAX};
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "secret1"};
	struct person bob = {.name = "bob", .password = "secret2"};
	uint32_t generation;

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_register(w, &bob), SR_OK);
	generation = w->keyd->credentials.generations[1];
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		ask_attestation(w, nobody[i]);
		assert_int_equal(w->attestation.customer, nobody[i]);
		assert_int_equal(w->attestation.name_len, 0);
		assert_int_equal(w->attestation.attestation_len, 0);
		assert_true(sodium_is_zero(w->attestation.directory_key, 32));
	}
	for (unsigned i = 0; i < 1000; i++) {
		ask_attestation(w, 1 + i % 2);
		assert_int_equal(w->attestation.customer, 1 + i % 2);
		assert_int_equal(w->attestation.name_len, 3);
		assert_int_equal(
		    w->attestation.attestation_len, ATTESTATION_LEN);
	}
	assert_int_equal(w->keyd->credentials.generations[1], generation);
	assert_int_equal(w->opens, 0);
}

/* Who is told to have keys in the books may be nobody, or have no half. */
static void
given_word_of_attestations_that_wait_for_nothing_then_nothing_waits(
    void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 1000; i++) {
		uint8_t bytes[MESSAGE_ATTESTED_MAX];
		struct writer writer = writer_to(bytes, sizeof(bytes));
		struct message_attested m = {.customer = i % 3};

		if (i % 2 != 0)
			randombytes_buf(m.hash, sizeof(m.hash));
		assert_int_equal(message_attested_encode(&writer, &m), SR_OK);
		world_send(w, w->ledgerd, ENV_KEYD, &writer);
	}
	for (size_t i = 0; i < REKEY_HALVES_MAX; i++)
		assert_true(sodium_is_zero((const uint8_t *)&w->keyd->rekeys[i],
		    sizeof(w->keyd->rekeys[i])));
}

/* As fast as netd can, of its generation and of others, of any number. */
static void
given_a_flood_of_pulses_then_four_a_second_are_passed_on_and_none_of_others(
    void **state)
{
	enum { PULSES = 100, STEP_MS = 10, SECONDS = 5 };
	uint8_t bytes[PULSES * MESSAGE_PULSE_KEYD_MAX];
	struct world *w = *state;
	uint64_t refused = w->keyd->refused;

	world_forget(w);
	for (unsigned ms = 0; ms < SECONDS * 1000; ms += STEP_MS) {
		struct writer writer = writer_to(bytes, sizeof(bytes));

		sim_advance(w->sim, STEP_MS);
		for (unsigned i = 0; i < PULSES; i++) {
			struct message_pulse_keyd m = {
			    .generation = w->generation - i % 2,
			    .number = i % 2 != 0 ? 666 : 1 + i * ms};

			assert_int_equal(
			    message_pulse_keyd_encode(&writer, &m), SR_OK);
		}
		world_send(w, w->netd, ENV_KEYD, &writer);
		assert_int_not_equal(w->pulse.number, 666);
	}
	assert_in_range(w->pulses, 4 * SECONDS - 1, 4 * SECONDS + 1);
	assert_int_equal(w->seens, w->pulses);
	assert_true(w->keyd->refused > refused);
	assert_int_equal(w->keyd->failure, SR_OK);
}

/* keyd neither waits for it, nor keeps what it does not take. */
static void
given_a_ledgerd_that_reads_nothing_when_pulses_come_then_none_is_kept(
    void **state)
{
	enum { PULSES = 1000 };
	struct world *w = *state;
	uint8_t bytes[MESSAGE_PULSE_LEDGERD_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_pulse_ledgerd before = {.number = 1};
	size_t least = SIZE_MAX;

	assert_int_equal(message_pulse_ledgerd_encode(&writer, &before), SR_OK);
	while (env_send(&w->keyd_room->env, ENV_LEDGERD, bytes,
		   writer_len(&writer)) == SR_OK)
		;
	for (unsigned i = 0; i < PULSES; i++) {
		uint8_t packet[MESSAGE_PULSE_KEYD_MAX];
		struct writer to = writer_to(packet, sizeof(packet));
		struct message_pulse_keyd m = {
		    .generation = w->generation, .number = 2};

		sim_advance(w->sim, KEYD_PULSE_MS);
		assert_int_equal(message_pulse_keyd_encode(&to, &m), SR_OK);
		assert_int_equal(
		    env_send(&w->netd->env, ENV_KEYD, packet, writer_len(&to)),
		    SR_OK);
		assert_int_equal(keyd_step(w->keyd, 0), SR_OK);
		if (outbox_free(&w->keyd->to_ledgerd) < least)
			least = outbox_free(&w->keyd->to_ledgerd);
	}
	assert_in_range(least, sizeof(w->keyd->ledgerd_bytes) - 256,
	    sizeof(w->keyd->ledgerd_bytes));
	/* all is well once it reads */
	world_forget(w);
	assert_int_equal(world_run(w), SR_OK);
	sim_advance(w->sim, KEYD_PULSE_MS);
	world_pulse(w, w->generation, 3);
	assert_int_equal(w->pulse.number, 3);
	assert_int_equal(w->seen.number, 3);
}

/* A logged use with a key that is none, or that says more than its key. */
static void
given_rotations_that_make_no_sense_then_no_key_moves(void **state)
{
	struct world *w = *state;
	struct state_key key[KEY_PLACES];

	memcpy(key, w->keyd->state.key, sizeof(key));
	for (uint64_t subject = 0; subject < 300; subject++) {
		if (key_least_s(subject) == 0)
			assert_int_equal(
			    world_rotate(w, subject, 0), SR_NOT_ALLOWED);
		else
			assert_int_equal(
			    world_rotate(w, subject, 1), SR_PARAMETERS);
	}
	assert_int_equal(world_rotate(w, UINT64_MAX, 0), SR_NOT_ALLOWED);
	assert_int_equal(world_rotate(w, UINT64_C(1) << 32 | BANK_KEY_OPRF, 0),
	    SR_NOT_ALLOWED);
	assert_memory_equal(w->keyd->state.key, key, sizeof(key));
	assert_int_equal(w->keyd->failure, SR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_all_messages_then_each_that_keyd_takes_is_in_a_list),
	    TEST(given_each_message_when_cut_or_too_long_then_refused),
	    TEST(
		given_each_message_when_it_is_not_its_time_or_link_then_refused),
	    TEST(given_messages_in_any_order_when_empty_then_nothing_moves),
	    TEST(
		given_attestations_asked_for_then_only_what_a_log_in_says_and_nothing_written),
	    TEST(
		given_word_of_attestations_that_wait_for_nothing_then_nothing_waits),
	    TEST(
		given_a_flood_of_pulses_then_four_a_second_are_passed_on_and_none_of_others),
	    TEST(
		given_a_ledgerd_that_reads_nothing_when_pulses_come_then_none_is_kept),
	    TEST(given_rotations_that_make_no_sense_then_no_key_moves),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
