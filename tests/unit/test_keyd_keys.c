/* SPDX-License-Identifier: ISC */
/*
 * keyd's key table: nothing of a key in it, counts that never fall, and a cap
 * that is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/keyd_world.h"

static struct world *w;
static struct person ada = {.name = "ada", .password = "secret1"};

static int
setup(void **state)
{
	(void)state;
	w = world_new(11);
	world_found(w);
	w->params.init = false;
	return world_register(w, &ada) == SR_OK ? 0 : 1;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

/* The table as keyd tells it. */
static size_t
ask_keys(struct key_entry entries[2 * KEY_PLACES])
{
	struct message_keys_get get = {0};
	uint8_t packet[16], bytes[64];
	struct writer inner = writer_to(packet, sizeof(packet));
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_control_request request = {.packet = packet};
	struct message_keys keys;
	struct reader list;
	size_t count = 0;

	assert_int_equal(message_keys_get_encode(&inner, &get), SR_OK);
	request.packet_len = writer_len(&inner);
	message_control_request_encode(&writer, &request);
	world_send(w, w->monitor, ENV_KEYD, &writer);
	assert_int_equal(w->control_type, MESSAGE_KEYS);
	assert_int_equal(
	    message_keys_decode(w->control_body, w->control_len, &keys), SR_OK);
	list = reader_of(keys.list, keys.list_len);
	while (reader_left(&list) > 0) {
		assert_true(count < 2 * KEY_PLACES);
		assert_int_equal(key_entry_read(&list, &entries[count]), SR_OK);
		count++;
	}
	assert_true(reader_end(&list));
	return count;
}

static uint64_t
uses_of(enum bank_key key)
{
	struct key_entry entries[2 * KEY_PLACES];
	size_t count = ask_keys(entries);

	for (size_t i = 0; i < count; i++)
		if (entries[i].key == key && !entries[i].kept)
			return entries[i].uses;
	fail();
	return 0;
}

static void
restart(void)
{
	world_start_again(w);
}

/* No eight bytes of anything secret, at any place. */
static void
given_a_bank_when_asked_for_its_keys_then_nothing_of_them_is_told(void **state)
{
	struct key_entry entries[2 * KEY_PLACES];
	const uint8_t *keys = (const uint8_t *)w->keyd->keys;
	size_t count = ask_keys(entries);

	(void)state;
	assert_int_equal(count, key_kind_count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(entries[i].key, key_kinds[i].key);
		assert_int_equal(entries[i].epoch, 1);
		assert_false(entries[i].kept);
		assert_true(entries[i].made_ms > 0);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(entries[i].fingerprint,
			    entries[j].fingerprint, KEY_FINGERPRINT_LEN);
		for (size_t at = 0;
		     at + KEY_FINGERPRINT_LEN <= sizeof(struct keys); at++)
			assert_memory_not_equal(entries[i].fingerprint,
			    keys + at, KEY_FINGERPRINT_LEN);
	}
}

static void
given_two_banks_when_their_keys_are_told_then_equal_ones_show(void **state)
{
	struct key_entry one[2 * KEY_PLACES], same[2 * KEY_PLACES],
	    other[2 * KEY_PLACES];
	size_t count = ask_keys(one);

	(void)state;
	restart();
	assert_int_equal(ask_keys(same), count);
	w->root[0] ^= 1;
	sim_put(w->keyd_room, "state", "", 0);
	w->params.init = true;
	assert_int_equal(world_restart(w, true), SR_OK);
	assert_int_equal(ask_keys(other), count);
	for (size_t i = 0; i < count; i++) {
		assert_memory_equal(one[i].fingerprint, same[i].fingerprint,
		    KEY_FINGERPRINT_LEN);
		assert_memory_not_equal(one[i].fingerprint,
		    other[i].fingerprint, KEY_FINGERPRINT_LEN);
	}
}

static void
given_a_log_in_when_it_is_over_then_each_key_was_used(void **state)
{
	static const enum bank_key keys[] = {
	    BANK_KEY_NOISE, BANK_KEY_OPAQUE, BANK_KEY_OPRF, BANK_KEY_DEVICE};
	uint64_t before[4], sealed = uses_of(BANK_KEY_CREDENTIAL);
	uint64_t attested = uses_of(BANK_KEY_ATTESTATION);
	struct person bob = {.name = "bob", .password = "secret2"};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		before[i] = uses_of(keys[i]);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(uses_of(keys[i]), before[i] + 1);
	assert_int_equal(uses_of(BANK_KEY_CREDENTIAL), sealed);
	assert_int_equal(world_register(w, &bob), SR_OK);
	assert_int_equal(uses_of(BANK_KEY_CREDENTIAL), sealed + 1);
	assert_int_equal(uses_of(BANK_KEY_ATTESTATION), attested + 1);
	assert_int_equal(uses_of(BANK_KEY_STATE), 0);
}

/* The power goes at once: nothing of the use itself was saved. */
static void
given_uses_when_the_power_goes_then_no_count_falls(void **state)
{
	uint64_t before;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		/* at the edge of what was reserved, and beyond */
		w->keyd->uses[BANK_KEY_DEVICE] =
		    w->keyd->state.key[BANK_KEY_DEVICE].uses - i;
		assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
		before = uses_of(BANK_KEY_DEVICE);
		sim_crash(w->keyd_room, SIM_LOSE_ALL);
		restart();
		assert_true(uses_of(BANK_KEY_DEVICE) >= before);
	}
}

static void
given_a_disk_that_takes_nothing_when_uses_go_on_then_keyd_lives(void **state)
{
	uint64_t reserved = w->keyd->state.key[BANK_KEY_DEVICE].uses;

	(void)state;
	w->keyd->uses[BANK_KEY_DEVICE] = reserved;
	w->keyd_room->read_only = true;
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->keyd->failure, SR_OK);
	assert_int_equal(uses_of(BANK_KEY_DEVICE), reserved + 1);
	w->keyd_room->read_only = false;
}

static void
given_a_key_at_its_cap_when_a_record_comes_then_it_is_refused(void **state)
{
	const struct key_kind *kind = key_kind_of(BANK_KEY_CREDENTIAL);
	struct person bob = {.name = "bob", .password = "secret2"};
	struct person cleo = {.name = "cleo", .password = "secret3"};

	(void)state;
	w->keyd->uses[BANK_KEY_CREDENTIAL] = kind->cap - 1;
	assert_int_equal(world_register(w, &bob), SR_OK);
	assert_int_equal(world_register(w, &cleo), SR_KEY_SPENT);
	assert_int_equal(
	    world_change(w, &ada, SLOT_PASSWORD, SLOT_PASSWORD, "secret4"),
	    SR_KEY_SPENT);
	assert_int_equal(uses_of(BANK_KEY_CREDENTIAL), kind->cap);
	/* who is there is served */
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	restart();
	assert_int_equal(world_register(w, &cleo), SR_KEY_SPENT);
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
}

static void
given_a_table_of_rows_when_read_then_caps_and_days_are_as_said(void **state)
{
	struct key_kind kind = {.cap = 1000, .days = 2};

	(void)state;
	assert_false(key_near_cap(&kind, 899));
	assert_true(key_near_cap(&kind, 900));
	assert_int_equal(key_due_ms(&kind, 5), 2 * 86400000 + 5);
	assert_int_equal(key_due_ms(&kind, 0), 0);
	kind.days = 0;
	assert_int_equal(key_due_ms(&kind, 5), 0);
	kind.cap = KEY_NO_CAP;
	assert_false(key_near_cap(&kind, UINT64_MAX));
	kind.cap = KEY_UNCOUNTED;
	assert_false(key_near_cap(&kind, UINT64_MAX));
	assert_null(key_kind_of(0));
	assert_null(key_kind_of(KEY_PLACES));
}

static void
given_an_entry_when_it_is_none_then_it_is_refused(void **state)
{
	struct key_entry entry = {
	    .key = BANK_KEY_LOG, .kept = true, .epoch = 9, .left = 4};
	uint8_t bytes[KEY_ENTRY_LEN];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct reader r;

	(void)state;
	key_entry_write(&entry, &writer);
	assert_int_equal(writer_len(&writer), KEY_ENTRY_LEN);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t was = bytes[i];

		bytes[i] = i == 0 ? KEY_PLACES : 2;
		r = reader_of(bytes, sizeof(bytes));
		assert_int_equal(key_entry_read(&r, &entry), SR_MALFORMED);
		bytes[i] = was;
	}
	r = reader_of(bytes, sizeof(bytes) - 1);
	assert_int_equal(key_entry_read(&r, &entry), SR_MALFORMED);
	r = reader_of(bytes, sizeof(bytes));
	assert_int_equal(key_entry_read(&r, &entry), SR_OK);
	assert_true(entry.kept && entry.epoch == 9 && entry.left == 4);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_bank_when_asked_for_its_keys_then_nothing_of_them_is_told),
	    TEST(given_two_banks_when_their_keys_are_told_then_equal_ones_show),
	    TEST(given_a_log_in_when_it_is_over_then_each_key_was_used),
	    TEST(given_uses_when_the_power_goes_then_no_count_falls),
	    TEST(
		given_a_disk_that_takes_nothing_when_uses_go_on_then_keyd_lives),
	    TEST(given_a_key_at_its_cap_when_a_record_comes_then_it_is_refused),
	    cmocka_unit_test(
		given_a_table_of_rows_when_read_then_caps_and_days_are_as_said),
	    cmocka_unit_test(given_an_entry_when_it_is_none_then_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
