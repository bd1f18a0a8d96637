/* SPDX-License-Identifier: ISC */
/*
 * New epochs of the keys that make what others keep: what is out serves on for
 * the overlap and not longer, what is made comes of the new key, a device that
 * keeps logging in never waits for strangers, and a terminal has one card.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/kdf.h"
#include "keyd/epochs.h"
#include "tests/lib/keyd_world.h"

enum { DAY_MS = 86400000, DEVICE_ID_LEN = 16 };

static const enum bank_key handing_out[] = {
    BANK_KEY_DEVICE, BANK_KEY_INVITATION, BANK_KEY_RESET};

static struct world *w;
static struct person ada;

static int
setup(void **state)
{
	(void)state;
	ada = (struct person){.name = "ada", .password = "secret1"};
	w = world_new(23);
	world_found(w);
	w->params.init = false;
	/* beyond the second 1 that the first epoch is */
	sim_advance(w->sim, UINT64_C(1000) * DAY_MS);
	(void)world_run(w);
	return world_register(w, &ada) == SR_OK ? 0 : 1;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

static void
pass(uint64_t ms)
{
	sim_advance(w->sim, ms);
	assert_int_equal(world_run(w), SR_OK);
}

static uint64_t
least_ms(enum bank_key key)
{
	return key_least_s(key) * UINT64_C(1000);
}

/* To so many ms after the present epoch of a key began. */
static void
pass_to(enum bank_key key, uint64_t ms)
{
	uint64_t to = w->keyd->state.key[key].epoch * UINT64_C(1000) + ms;

	assert_true(to > w->sim->now_ms);
	pass(to - w->sim->now_ms);
}

/* Guesses without a token, until the name's bucket makes them wait. */
static void
strangers_guess(void)
{
	struct person wrong = {.name = "ada", .password = "guess"};
	unsigned tries = 0;

	while (world_login(w, &wrong, SLOT_PASSWORD) == SR_LOGIN)
		assert_true(++tries < 100);
}

static enum sr_error
log_in_with(const uint8_t token[DEVICE_TOKEN_LEN], const char *password)
{
	struct person by = {.name = "ada", .password = password};

	memcpy(by.device_token, token, DEVICE_TOKEN_LEN);
	return world_login(w, &by, SLOT_PASSWORD);
}

static void
given_a_new_device_key_when_a_device_logs_in_then_its_token_is_a_new_one(
    void **state)
{
	uint8_t former[DEVICE_TOKEN_LEN];

	(void)state;
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	memcpy(former, ada.device_token, sizeof(former));
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_memory_equal(former, ada.device_token, sizeof(former));
	assert_int_equal(world_rotate(w, BANK_KEY_DEVICE, 0), SR_OK);
	strangers_guess();
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_memory_equal(former, ada.device_token, DEVICE_ID_LEN);
	assert_memory_not_equal(former + DEVICE_ID_LEN,
	    ada.device_token + DEVICE_ID_LEN, DEVICE_TOKEN_LEN - DEVICE_ID_LEN);
	world_start_again(w);
	strangers_guess();
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	/* and who has not been back serves on for the overlap */
	pass_to(BANK_KEY_DEVICE, least_ms(BANK_KEY_DEVICE) - 1);
	strangers_guess();
	assert_int_equal(log_in_with(former, ada.password), SR_OK);
}

/* Its thief has nothing but the place of everybody in the street. */
static void
given_a_token_of_a_key_that_was_given_up_then_it_is_a_strangers(void **state)
{
	uint8_t former[DEVICE_TOKEN_LEN];
	uint64_t open;

	(void)state;
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	memcpy(former, ada.device_token, sizeof(former));
	assert_int_equal(world_rotate(w, BANK_KEY_DEVICE, 0), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	pass_to(BANK_KEY_DEVICE, least_ms(BANK_KEY_DEVICE));
	strangers_guess();
	open = w->keyd->refusals[REFUSAL_OPEN];
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(log_in_with(former, "guess"), SR_LATER);
	assert_int_equal(w->keyd->refusals[REFUSAL_OPEN], open + 20);
	assert_int_equal(w->keyd->refusals[REFUSAL_DEVICE], 0);
	/* the same device, which has been back */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	/* a clock that is put right again takes nothing from anybody */
	w->sim->now_ms -= DAY_MS;
	assert_int_equal(log_in_with(former, ada.password), SR_OK);
}

static void
given_a_device_that_keeps_logging_in_then_no_rotation_makes_it_wait(
    void **state)
{
	(void)state;
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	for (unsigned year = 0; year < 5; year++) {
		assert_int_equal(world_rotate(w, BANK_KEY_DEVICE, 0), SR_OK);
		for (unsigned visit = 0; visit < 4; visit++) {
			pass(least_ms(BANK_KEY_DEVICE) - DAY_MS);
			strangers_guess();
			assert_int_equal(
			    world_login(w, &ada, SLOT_PASSWORD), SR_OK);
		}
	}
}

/* ---- invitations ----------------------------------------------------------- */

static void
invite(const char *name, uint32_t valid_s, uint8_t out[INVITATION_LEN])
{
	struct message_invite invite = {.valid_s = valid_s,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};
	uint8_t inner[64], outer[256];
	struct writer in = writer_to(inner, sizeof(inner));
	struct writer to = writer_to(outer, sizeof(outer));
	struct message_control_request request = {
	    .request = 9, .packet = inner};

	assert_int_equal(message_invite_encode(&in, &invite), SR_OK);
	request.packet_len = writer_len(&in);
	message_control_request_encode(&to, &request);
	world_send(w, w->monitor, ENV_KEYD, &to);
	assert_int_equal(w->invited.error, SR_OK);
	memcpy(out, w->invited.invitation, INVITATION_LEN);
}

/* As who has the key of an epoch makes one. */
static void
make_invitation(uint32_t epoch, const char *name, uint64_t until_ms,
    uint8_t out[INVITATION_LEN])
{
	uint8_t secret[KEYS_EPOCH_MAX], mac[KDF_SHA512_LEN];
	struct kdf_part parts[] = {{out, 8}, {name, strlen(name)}};
	struct writer writer = writer_to(out, 8);
	size_t len =
	    keys_epoch(w->keyd->keys, BANK_KEY_INVITATION, epoch, secret);

	writer_u64(&writer, until_ms);
	kdf_hmac_sha512_parts(mac, secret, len, parts, 2);
	memcpy(out + 8, mac, INVITATION_LEN - 8);
}

static enum sr_error
register_with(const char *name, const uint8_t invitation[INVITATION_LEN])
{
	struct person by = {.name = name, .password = "secret2"};

	memcpy(by.invitation, invitation, INVITATION_LEN);
	return world_register(w, &by);
}

static void
given_invitations_that_are_out_when_the_key_is_new_then_good_to_their_end(
    void **state)
{
	uint8_t soon[INVITATION_LEN], late[INVITATION_LEN];
	uint8_t made[INVITATION_LEN], own[INVITATION_LEN];
	uint32_t epoch;

	(void)state;
	w->keyd->registration = KEYD_REGISTRATION_INVITE;
	invite("bob", 60, soon);
	invite("cleo", KEY_DAY_S, late);
	assert_int_equal(world_rotate(w, BANK_KEY_INVITATION, 0), SR_OK);
	epoch = w->keyd->state.key[BANK_KEY_INVITATION].epoch;
	invite("dora", 60, made);
	make_invitation(epoch, "dora", w->sim->now_ms + 60000, own);
	assert_memory_equal(made, own, sizeof(own));
	make_invitation(KEYS_EPOCH, "dora", w->sim->now_ms + 60000, own);
	assert_memory_not_equal(made, own, sizeof(own));
	assert_int_equal(register_with("dora", made), SR_OK);
	pass(60001);
	assert_int_equal(register_with("bob", soon), SR_INVITATION);
	world_start_again(w);
	w->keyd->registration = KEYD_REGISTRATION_INVITE;
	pass(DAY_MS - 60001);
	assert_int_equal(register_with("eve", late), SR_INVITATION);
	assert_int_equal(register_with("cleo", late), SR_OK);
}

/* The longest one that there can be ends with the overlap. */
static void
given_a_key_that_was_given_up_when_it_makes_invitations_then_they_are_none(
    void **state)
{
	enum bank_key key = BANK_KEY_INVITATION;
	uint8_t forged[INVITATION_LEN], longest[INVITATION_LEN];

	(void)state;
	w->keyd->registration = KEYD_REGISTRATION_INVITE;
	w->sim->now_ms += 1000 - w->sim->now_ms % 1000;
	invite("cleo", key_least_s(key), longest);
	make_invitation(KEYS_EPOCH, "bob", UINT64_MAX, forged);
	assert_int_equal(world_rotate(w, key, 0), SR_OK);
	pass_to(key, least_ms(key) - 1);
	assert_int_equal(register_with("cleo", longest), SR_OK);
	pass(1);
	assert_int_equal(register_with("bob", forged), SR_INVITATION);
	pass(UINT64_C(1000) * DAY_MS);
	assert_int_equal(register_with("bob", forged), SR_INVITATION);
	world_start_again(w);
	w->keyd->registration = KEYD_REGISTRATION_INVITE;
	assert_int_equal(register_with("bob", forged), SR_INVITATION);
}

/* ---- terminals' cards ------------------------------------------------------- */

/* Ada at a terminal that has a card of that root. */
static enum sr_error
at_terminal(uint32_t terminal, uint32_t root)
{
	struct person by = {.name = "ada",
	    .password = "secret1",
	    .terminal = terminal,
	    .epoch = 1};

	keys_terminal(w->keyd->keys, root, terminal, 1, by.psk);
	return world_login(w, &by, SLOT_PASSWORD);
}

static void
enrol(uint32_t terminal)
{
	world_enrol(w, terminal, 1, true);
}

static uint32_t
new_root(void)
{
	uint32_t epoch;

	assert_int_equal(world_rotate(w, BANK_KEY_TERMINAL, 0), SR_OK);
	epoch = w->keyd->state.key[BANK_KEY_TERMINAL].epoch;
	assert_int_equal(epoch % KEY_HOUR_S, 0);
	return epoch;
}

static void
given_a_new_terminal_root_then_a_card_serves_until_the_new_one_is_used(
    void **state)
{
	uint32_t second, third;

	(void)state;
	enrol(3);
	enrol(4);
	second = new_root();
	assert_int_equal(terminals_left(&w->keyd->terminals), 2);
	assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_OK);
	assert_int_equal(at_terminal(4, KEYS_EPOCH), SR_OK);
	assert_int_equal(at_terminal(3, second + KEY_HOUR_S), SR_CLOSED);
	assert_int_equal(terminals_left(&w->keyd->terminals), 2);
	world_start_again(w);
	assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_OK);
	assert_int_equal(at_terminal(3, second), SR_OK);
	assert_int_equal(terminals_left(&w->keyd->terminals), 1);
	assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_CLOSED);
	/* who comes now has nothing of the former root */
	enrol(5);
	assert_int_equal(at_terminal(5, KEYS_EPOCH), SR_CLOSED);
	assert_int_equal(at_terminal(5, second), SR_OK);
	world_start_again(w);
	assert_int_equal(terminals_left(&w->keyd->terminals), 1);
	assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_CLOSED);
	assert_int_equal(at_terminal(3, second), SR_OK);
	pass(least_ms(BANK_KEY_TERMINAL));
	third = new_root();
	/* the one that slept through both */
	assert_int_equal(terminals_left(&w->keyd->terminals), 3);
	assert_int_equal(at_terminal(4, second), SR_CLOSED);
	assert_int_equal(at_terminal(4, KEYS_EPOCH), SR_OK);
	assert_int_equal(at_terminal(4, third), SR_OK);
	assert_int_equal(at_terminal(4, KEYS_EPOCH), SR_CLOSED);
	assert_int_equal(at_terminal(3, second), SR_OK);
	/* one that is revoked needs nothing */
	world_enrol(w, 3, 2, false);
	assert_int_equal(terminals_left(&w->keyd->terminals), 1);
	assert_int_equal(at_terminal(3, third), SR_CLOSED);
}

/* What an M1 that says the terminal's number, without its card, costs. */
static void
given_a_card_of_no_root_then_two_keys_are_tried_and_one_once_it_has_moved(
    void **state)
{
	const uint64_t *uses = &w->keyd->uses[BANK_KEY_TERMINAL];
	uint32_t root, wrong;
	uint64_t before;

	(void)state;
	enrol(3);
	before = *uses;
	assert_int_equal(at_terminal(3, KEY_HOUR_S), SR_CLOSED);
	assert_int_equal(*uses - before, 1);
	root = new_root();
	wrong = root + KEY_HOUR_S;
	before = *uses;
	assert_int_equal(at_terminal(3, wrong), SR_CLOSED);
	assert_int_equal(*uses - before, 2);
	assert_int_equal(at_terminal(3, root), SR_OK);
	before = *uses;
	assert_int_equal(at_terminal(3, wrong), SR_CLOSED);
	assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_CLOSED);
	assert_int_equal(*uses - before, 2);
}

static void
put_terminals(const uint8_t *bytes)
{
	sim_put(w->keyd_room, "terminals", bytes, TERMINALS_LEN);
}

/* Either version, and whatever slot of the state is left. */
static void
given_a_new_card_in_use_when_the_file_of_before_is_put_back_then_refused(
    void **state)
{
	enum { VERSION_LEN = TERMINALS_LEN / 2 };
	uint8_t before[TERMINALS_LEN], now[TERMINALS_LEN], one[TERMINALS_LEN];
	uint8_t slots[STATE_LEN], lone[STATE_LEN];
	uint32_t root;
	size_t len;

	(void)state;
	enrol(3);
	root = new_root();
	memcpy(
	    before, sim_file(w->keyd_room, "terminals", &len), sizeof(before));
	assert_int_equal(len, sizeof(before));
	assert_int_equal(at_terminal(3, root), SR_OK);
	memcpy(now, sim_file(w->keyd_room, "terminals", &len), sizeof(now));
	memcpy(slots, sim_file(w->keyd_room, "state", &len), sizeof(slots));
	for (unsigned i = 0; i < 2; i++) {
		memcpy(one, now, sizeof(one));
		memset(one + i * VERSION_LEN, 7, VERSION_LEN);
		put_terminals(one);
		world_start_again(w);
		assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_CLOSED);
		assert_int_equal(at_terminal(3, root), SR_OK);
		memcpy(one, before, sizeof(one));
		memset(one + i * VERSION_LEN, 7, VERSION_LEN);
		put_terminals(one);
		assert_int_equal(world_restart(w, false), SR_ROLLED_BACK);
		memcpy(lone, slots, sizeof(lone));
		memset(lone + i * STATE_SLOT_LEN, 7, STATE_SLOT_LEN);
		sim_put(w->keyd_room, "state", lone, sizeof(lone));
		put_terminals(before);
		assert_int_equal(world_restart(w, false), SR_ROLLED_BACK);
		sim_put(w->keyd_room, "state", slots, sizeof(slots));
	}
	/* nor after a start without any, where the books enrol them again */
	sim_put(w->keyd_room, "terminals", now, 0);
	world_start_again(w);
	assert_int_equal(at_terminal(3, root), SR_CLOSED);
	put_terminals(now);
	assert_int_equal(world_restart(w, false), SR_ROLLED_BACK);
	sim_put(w->keyd_room, "terminals", now, 0);
	world_start_again(w);
	enrol(3);
	assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_CLOSED);
	assert_int_equal(at_terminal(3, root), SR_OK);
}

static void
given_a_terminal_root_when_rotated_too_soon_or_by_a_wrong_clock_then_in_order(
    void **state)
{
	uint32_t root = new_root();

	(void)state;
	assert_int_equal(root, w->sim->now_ms / 1000 / KEY_HOUR_S * KEY_HOUR_S);
	pass_to(BANK_KEY_TERMINAL, least_ms(BANK_KEY_TERMINAL) - 1);
	assert_int_equal(world_rotate(w, BANK_KEY_TERMINAL, 0), SR_LATER);
	pass(1);
	assert_int_equal(new_root(), root + KEY_HOUR_S);
	w->sim->now_ms -= DAY_MS;
	assert_int_equal(new_root(), root + 2 * KEY_HOUR_S);
}

/* At each operation on the disk, of the rotation and of a card's first use. */
static void
given_a_new_card_when_the_power_goes_then_no_terminal_is_shut_out(void **state)
{
	struct sim_disk *copy;
	unsigned cuts = 0, moved = 0;
	bool whole = false;
	uint32_t root, epoch;

	(void)state;
	enrol(3);
	root = new_root();
	copy = sim_copy(w->keyd_room);
	for (uint64_t cut = 1; !whole; cut++) {
		sim_restore(w->keyd_room, copy);
		world_start_again(w);
		pass(least_ms(BANK_KEY_TERMINAL));
		w->sim->cut_after = w->sim->operations + cut;
		(void)at_terminal(3, root);
		if (!w->sim->dark)
			(void)world_rotate(w, BANK_KEY_TERMINAL, 0);
		whole = !w->sim->dark;
		cuts += !whole;
		w->sim->dark = false;
		w->sim->cut_after = 0;
		sim_crash(w->keyd_room, SIM_LOSE_ALL);
		world_start_again(w);
		epoch = w->keyd->state.key[BANK_KEY_TERMINAL].epoch;
		moved += w->keyd->terminals.list[0].root_hour != 0;
		if (w->keyd->terminals.list[0].root_hour == 0)
			assert_int_equal(at_terminal(3, KEYS_EPOCH), SR_OK);
		if (epoch == root || w->keyd->terminals.list[0].root_hour != 0)
			assert_int_equal(at_terminal(3, root), SR_OK);
		assert_int_equal(at_terminal(3, epoch), SR_OK);
	}
	assert_true(cuts > 3);
	assert_in_range(moved, 1, cuts);
	sim_copy_free(copy);
}

/* ---- all of them ----------------------------------------------------------- */

/* The row of that key's former epoch; false if there is none. */
static bool
former_row(enum bank_key key, struct key_entry *entry)
{
	struct message_keys_get get = {0};
	uint8_t packet[16], bytes[64];
	struct writer inner = writer_to(packet, sizeof(packet));
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_control_request request = {.packet = packet};
	struct message_keys keys;
	struct reader list;

	assert_int_equal(message_keys_get_encode(&inner, &get), SR_OK);
	request.packet_len = writer_len(&inner);
	message_control_request_encode(&writer, &request);
	world_send(w, w->monitor, ENV_KEYD, &writer);
	assert_int_equal(
	    message_keys_decode(w->control_body, w->control_len, &keys), SR_OK);
	list = reader_of(keys.list, keys.list_len);
	while (reader_left(&list) > 0) {
		assert_int_equal(key_entry_read(&list, entry), SR_OK);
		if (entry->key == key && entry->kept)
			return true;
	}
	return false;
}

static void
given_a_rotation_when_it_is_not_to_be_then_refused(void **state)
{
	static const uint64_t others[] = {0, BANK_KEY_JOURNAL, BANK_KEY_STATE,
	    KEY_PLACES, UINT64_MAX, (UINT64_C(1) << 32) + BANK_KEY_DEVICE};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(world_rotate(w, others[i], 0), SR_NOT_ALLOWED);
	for (size_t i = 0; i < 3; i++) {
		enum bank_key key = handing_out[i];
		struct state_key *row = &w->keyd->state.key[key];
		uint32_t first;

		assert_int_equal(world_rotate(w, key, 1), SR_PARAMETERS);
		assert_int_equal(row->epoch, KEYS_EPOCH);
		assert_int_equal(world_rotate(w, key, 0), SR_OK);
		first = row->epoch;
		assert_int_equal(first, w->sim->now_ms / 1000);
		pass_to(key, least_ms(key) - 1);
		assert_int_equal(world_rotate(w, key, 0), SR_LATER);
		assert_int_equal(row->epoch, first);
		pass(1);
		assert_int_equal(world_rotate(w, key, 0), SR_OK);
		assert_int_equal(row->former, first);
		/* a clock that was far ahead once holds nobody up */
		w->sim->now_ms -= DAY_MS;
		first = row->epoch;
		assert_int_equal(world_rotate(w, key, 0), SR_OK);
		assert_int_equal(row->epoch, first + 1);
		w->sim->now_ms += DAY_MS;
	}
}

/* Whoever asks, after whatever start: a clock set back is no way to more. */
static void
given_a_clock_that_is_set_back_when_keys_are_rotated_then_so_often_an_hour(
    void **state)
{
	struct state_key *row;
	uint32_t epoch;

	(void)state;
	assert_int_equal(world_rotate(w, BANK_KEY_DEVICE, 0), SR_OK);
	for (unsigned i = 1; i < BUDGET_ROTATIONS; i++) {
		w->sim->now_ms -= DAY_MS;
		assert_int_equal(world_rotate(w, handing_out[i % 3], 0), SR_OK);
	}
	for (unsigned i = 0; i < 3; i++) {
		sim_crash(w->keyd_room, SIM_LOSE_ALL);
		world_start_again(w);
		row = &w->keyd->state.key[handing_out[i]];
		epoch = row->epoch;
		w->sim->now_ms -= DAY_MS;
		assert_int_equal(world_rotate(w, handing_out[i], 0), SR_BUDGET);
		assert_int_equal(row->epoch, epoch);
	}
	/* what is refused for another reason costs nothing */
	pass(KEY_HOUR_S * UINT64_C(1000) - 1);
	assert_int_equal(world_rotate(w, BANK_KEY_DEVICE, 0), SR_BUDGET);
	assert_int_equal(world_rotate(w, BANK_KEY_STATE, 0), SR_NOT_ALLOWED);
	pass(1);
	assert_int_equal(world_rotate(w, BANK_KEY_DEVICE, 0), SR_OK);
}

static void
given_the_end_of_the_epochs_when_a_root_is_next_then_it_is_refused(void **state)
{
	uint32_t last = UINT32_MAX / KEY_HOUR_S * KEY_HOUR_S, next;

	(void)state;
	assert_int_equal(
	    terminals_next_root(last - KEY_HOUR_S, last, &next), SR_OK);
	assert_int_equal(next, last);
	assert_int_equal(
	    terminals_next_root(last - KEY_HOUR_S, 2, &next), SR_OK);
	assert_int_equal(next, last);
	assert_int_equal(
	    terminals_next_root(last, UINT32_MAX, &next), SR_INTERNAL);
	assert_int_equal(
	    terminals_next_root(UINT32_MAX, 1, &next), SR_INTERNAL);
}

static void
given_a_new_epoch_when_keys_are_told_then_the_former_one_and_its_end(
    void **state)
{
	struct key_entry entry;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		enum bank_key key = handing_out[i];

		assert_false(former_row(key, &entry));
		assert_int_equal(world_rotate(w, key, 0), SR_OK);
		assert_true(former_row(key, &entry));
		assert_int_equal(entry.epoch, KEYS_EPOCH);
		assert_int_equal(entry.left, (w->keyd->state.key[key].epoch +
						 (uint64_t)key_least_s(key)) *
						 1000);
		pass(entry.left - 1 - w->sim->now_ms);
		assert_true(former_row(key, &entry));
		pass(1);
		assert_false(former_row(key, &entry));
	}
}

/* At each operation on the disk. */
static void
given_a_rotation_when_the_power_goes_then_old_or_new(void **state)
{
	struct sim_disk *copy;
	uint8_t token[DEVICE_TOKEN_LEN];
	unsigned cuts = 0, new = 0;
	bool whole = false;

	(void)state;
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	memcpy(token, ada.device_token, sizeof(token));
	copy = sim_copy(w->keyd_room);
	for (uint64_t cut = 1; !whole; cut++) {
		sim_restore(w->keyd_room, copy);
		world_start_again(w);
		w->sim->cut_after = w->sim->operations + cut;
		(void)world_rotate(w, BANK_KEY_DEVICE, 0);
		whole = !w->sim->dark;
		cuts += !whole;
		w->sim->dark = false;
		w->sim->cut_after = 0;
		sim_crash(w->keyd_room, SIM_LOSE_ALL);
		world_start_again(w);
		new += w->keyd->state.key[BANK_KEY_DEVICE].epoch != KEYS_EPOCH;
		strangers_guess();
		memcpy(ada.device_token, token, sizeof(token));
		assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
		/* what it has now is of the key in force, at the next start */
		world_start_again(w);
		pass(UINT64_C(200) * DAY_MS);
		strangers_guess();
		assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	}
	assert_true(cuts > 3);
	assert_in_range(new, 1, cuts);
	sim_copy_free(copy);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_new_device_key_when_a_device_logs_in_then_its_token_is_a_new_one),
	    TEST(
		given_a_token_of_a_key_that_was_given_up_then_it_is_a_strangers),
	    TEST(
		given_a_device_that_keeps_logging_in_then_no_rotation_makes_it_wait),
	    TEST(
		given_invitations_that_are_out_when_the_key_is_new_then_good_to_their_end),
	    TEST(
		given_a_key_that_was_given_up_when_it_makes_invitations_then_they_are_none),
	    TEST(
		given_a_new_terminal_root_then_a_card_serves_until_the_new_one_is_used),
	    TEST(
		given_a_terminal_root_when_rotated_too_soon_or_by_a_wrong_clock_then_in_order),
	    TEST(
		given_a_card_of_no_root_then_two_keys_are_tried_and_one_once_it_has_moved),
	    TEST(
		given_a_new_card_in_use_when_the_file_of_before_is_put_back_then_refused),
	    TEST(
		given_a_new_card_when_the_power_goes_then_no_terminal_is_shut_out),
	    TEST(given_a_rotation_when_it_is_not_to_be_then_refused),
	    TEST(
		given_a_clock_that_is_set_back_when_keys_are_rotated_then_so_often_an_hour),
	    TEST(
		given_the_end_of_the_epochs_when_a_root_is_next_then_it_is_refused),
	    TEST(
		given_a_new_epoch_when_keys_are_told_then_the_former_one_and_its_end),
	    TEST(given_a_rotation_when_the_power_goes_then_old_or_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
