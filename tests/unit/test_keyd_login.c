/* SPDX-License-Identifier: ISC */
/*
 * keyd as its clients, its netd and its operator see it: registration,
 * log-in, changes, and what an attacker on the way tries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/kdf.h"
#include "client/ctl/members.h"
#include "gen/events.h"
#include "tests/lib/keyd_world.h"

static struct person
person(const char *name, const char *password)
{
	return (struct person){.name = name, .password = password};
}

static int
setup(void **state)
{
	struct world *w = world_new(1);

	world_found(w);
	*state = w;
	return w->head.error == SR_OK && w->head.size == 1 ? 0 : 1;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void
given_a_new_name_when_registered_then_log_in_gives_both_ends_one_key(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct attestation attestation;

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.customer, 1);
	assert_int_equal(w->open.failed, 0);
	assert_string_equal(w->open_name, "ada");
	assert_int_equal(attestation_verify(w->keyd->credentials.customers == 1
						? w->open.attestation
						: NULL,
			     w->keyd->origin->attestation.public,
			     w->keyd->state.bank_id, &attestation),
	    SR_OK);
	assert_true(attestation_is_of(&attestation, w->open.salt, "ada", 3));
}

static void
given_a_taken_name_when_registered_again_then_it_says_so_unevaluated(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_register(w, &ada), SR_NAME_TAKEN);
	assert_int_equal(w->keyd->credentials.customers, 1);
}

static void
given_two_registrations_of_one_name_when_both_end_then_one_has_it(void **state)
{
	struct world *w = *state;
	struct person one = person("ada", "secret1");
	struct person two = person("ada", "secret2");
	struct attempt a, b;
	uint8_t m2[FRAME_M2_LEN];

	world_m1(w, &one, &a, OPERATION_REGISTER, 0, 0, one.password);
	memcpy(m2, w->m2, sizeof(m2));
	world_m1(w, &two, &b, OPERATION_REGISTER, 0, 0, two.password);
	assert_int_equal(world_m3(w, &two, &b, NULL, two.password), SR_OK);
	memcpy(w->m2, m2, sizeof(m2));
	w->m2_connection = a.connection;
	assert_int_equal(world_m3(w, &one, &a, NULL, one.password), SR_OK);
	assert_int_equal(w->keyd->credentials.customers, 1);
	assert_int_equal(world_login(w, &two, SLOT_PASSWORD), SR_OK);
	assert_int_equal(world_login(w, &one, SLOT_PASSWORD), SR_LOGIN);
}

static void
given_a_wrong_password_or_unknown_name_when_tried_then_both_look_alike(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person wrong = person("ada", "secret2");
	struct person nobody = person("bob", "secret2");
	uint64_t reads;

	assert_int_equal(world_register(w, &ada), SR_OK);
	reads = w->keyd_room->count[SIM_SYNC];
	assert_int_equal(world_login(w, &wrong, SLOT_PASSWORD), SR_LOGIN);
	assert_int_equal(w->keyd_room->count[SIM_SYNC], reads + 1);
	assert_int_equal(world_login(w, &nobody, SLOT_PASSWORD), SR_LOGIN);
	assert_int_equal(w->keyd_room->count[SIM_SYNC], reads + 2);
	assert_int_equal(w->opens, 0);
	/* the next good one is told of it */
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.failed, 1);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.failed, 0);
}

/* An env that counts the reads of customers other than nobody. */
static struct env_ops counting;
static const struct env_ops *counted;
static unsigned customers_read;

static enum sr_error
read_counted(
    struct env *env, env_file file, uint64_t offset, void *out, size_t len)
{
	if (len == CREDENTIAL_VERSION_LEN && offset >= CREDENTIAL_CUSTOMER_LEN)
		customers_read++;
	return counted->read(env, file, offset, out, len);
}

static void
given_an_unknown_name_when_tried_then_the_disk_reads_as_for_a_known_one(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person eve = person("eve", "secret1");
	struct attempt a;

	assert_int_equal(world_register(w, &ada), SR_OK);
	counted = w->keyd_room->env.ops;
	counting = *counted;
	counting.read = read_counted;
	w->keyd_room->env.ops = &counting;
	customers_read = 0;
	world_m1(w, &ada, &a, OPERATION_LOG_IN, 0, 0, NULL);
	assert_int_equal(customers_read, 1);
	world_m1(w, &eve, &a, OPERATION_LOG_IN, 0, 0, NULL);
	assert_int_equal(customers_read, 2);
	w->keyd_room->env.ops = counted;
}

static void
given_an_altered_ke3_when_sent_then_refused_and_no_session(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct attempt a;
	struct payload_m3 m3 = {0};
	struct payload_m2 m2;
	uint8_t body[FRAME_M3_LEN];

	assert_int_equal(world_register(w, &ada), SR_OK);
	for (unsigned forged = 0; forged < 2; forged++) {
		world_forget(w);
		world_m1(w, &ada, &a, OPERATION_LOG_IN, 0, 0, NULL);
		assert_int_equal(
		    handshake_m2_open(&a.handshake, w->m2, &m2), SR_OK);
		assert_int_equal(
		    handshake_m3_seal(&a.handshake, &m3, body), SR_OK);
		if (forged)
			body[100] ^= 1;
		world_send_m3(w, a.connection, 1, body, sizeof(body));
		assert_int_equal(w->refused, 1);
		assert_int_equal(w->opens, 0);
		assert_int_equal(w->accepted, 0);
	}
}

static void
given_five_wrong_when_tried_again_then_later_on_both_sides_of_each_bound(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person wrong = person("ada", "secret2");

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
		    world_login(w, &wrong, SLOT_PASSWORD), SR_LOGIN);
	assert_int_equal(world_login(w, &wrong, SLOT_PASSWORD), SR_LATER);
	assert_int_equal(wrong.retry_after_s, 30);
	/* the own device is not locked out by a stranger */
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	/* a restart forgets nothing */
	world_start_again(w);
	sim_advance(w->sim, 29999);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_login(w, &wrong, SLOT_PASSWORD), SR_LATER);
	assert_int_equal(wrong.retry_after_s, 1);
	sim_advance(w->sim, 1);
	assert_int_equal(world_login(w, &wrong, SLOT_PASSWORD), SR_LOGIN);
	assert_int_equal(world_login(w, &wrong, SLOT_PASSWORD), SR_LATER);
	assert_int_equal(wrong.retry_after_s, 60);
}

/* A person at an enrolled terminal, who has its card. */
static struct person
at_terminal(
    struct world *w, const char *name, const char *password, uint32_t terminal)
{
	struct person p = person(name, password);

	p.terminal = terminal;
	p.epoch = 1;
	keys_terminal(w->keyd->keys, KEYS_EPOCH, terminal, 1, p.psk);
	return p;
}

/* So many log-ins that do not come through; how many were evaluated. */
static unsigned
guess(struct world *w, struct person *wrong, unsigned times)
{
	unsigned evaluated = 0;

	for (unsigned i = 0; i < times; i++) {
		enum sr_error error = world_login(w, wrong, SLOT_PASSWORD);

		assert_true(error == SR_LOGIN || error == SR_LATER);
		evaluated += error == SR_LOGIN;
		/* a stranger has no token, whatever the name's owner has */
		memset(wrong->device_token, 0, sizeof(wrong->device_token));
	}
	return evaluated;
}

static void
given_two_hundred_guesses_from_the_network_then_atm_and_device_log_in_at_once(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person new = ada, wrong = person("ada", "secret2"), atm;

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	world_enrol(w, 3, 1, true);
	atm = at_terminal(w, "ada", "secret1", 3);
	assert_int_equal(guess(w, &wrong, 200), 5);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
		assert_int_equal(world_login(w, &atm, SLOT_PASSWORD), SR_OK);
	}
	assert_int_equal(w->keyd->refusals[REFUSAL_OPEN], 195);
	/* a device that she has never used waits, and is told how long */
	assert_int_equal(world_login(w, &new, SLOT_PASSWORD), SR_LATER);
	assert_int_equal(new.retry_after_s, 30);
	sim_advance(w->sim, 30000);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_login(w, &new, SLOT_PASSWORD), SR_OK);
}

static void
given_a_stolen_card_when_it_guesses_then_names_wait_at_that_terminal_only(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1"), new = ada;
	struct person thief, there, elsewhere;

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	world_enrol(w, 3, 1, true);
	world_enrol(w, 4, 1, true);
	there = at_terminal(w, "ada", "secret1", 3);
	elsewhere = at_terminal(w, "ada", "secret1", 4);
	assert_int_equal(world_login(w, &there, SLOT_PASSWORD), SR_OK);
	/* with all that it kept: tokens count for nothing at a terminal */
	thief = there;
	thief.password = "secret2";
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
		    world_login(w, &thief, SLOT_PASSWORD), SR_LOGIN);
	assert_int_equal(world_login(w, &thief, SLOT_PASSWORD), SR_LATER);
	memset(thief.device_token, 0, sizeof(thief.device_token));
	assert_int_equal(guess(w, &thief, 200), 0);
	assert_int_equal(world_login(w, &there, SLOT_PASSWORD), SR_LATER);
	assert_int_equal(there.retry_after_s, 30);
	assert_int_equal(w->keyd->refusals[REFUSAL_TERMINAL], 202);
	assert_int_equal(w->keyd->refusals[REFUSAL_OPEN], 0);
	assert_int_equal(world_login(w, &elsewhere, SLOT_PASSWORD), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(world_login(w, &new, SLOT_PASSWORD), SR_OK);
}

/* netd sees no token, but may make some up, or name any terminal. */
static void
given_tokens_and_terminals_made_up_when_tried_then_they_count_for_nothing(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1"), atm;
	struct person wrong = person("ada", "secret2");
	struct person bob = person("bob", "secret3"), made_up;

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_register(w, &bob), SR_OK);
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
	world_enrol(w, 3, 1, true);
	atm = at_terminal(w, "ada", "secret1", 3);
	/* without its key: refused, and nothing is charged there */
	made_up = wrong;
	made_up.terminal = 3;
	made_up.epoch = 1;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(
		    world_login(w, &made_up, SLOT_PASSWORD), SR_CLOSED);
	assert_int_equal(world_login(w, &atm, SLOT_PASSWORD), SR_OK);
	/* each with another token; one of them another customer's */
	for (unsigned i = 0; i < 5; i++) {
		made_up = wrong;
		memset(made_up.device_token, (int)i + 1,
		    sizeof(made_up.device_token));
		if (i == 4)
			memcpy(made_up.device_token, bob.device_token,
			    sizeof(made_up.device_token));
		assert_int_equal(
		    world_login(w, &made_up, SLOT_PASSWORD), SR_LOGIN);
	}
	assert_int_equal(world_login(w, &made_up, SLOT_PASSWORD), SR_LATER);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_LATER);
	/* his own device has not lost an attempt */
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
}

static void
given_a_charge_when_the_disk_fails_then_nothing_is_evaluated(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct attempt a;

	assert_int_equal(world_register(w, &ada), SR_OK);
	world_forget(w);
	w->keyd_room->fault[SIM_FAIL_SYNC] = 1;
	world_m1(w, &ada, &a, OPERATION_LOG_IN, 0, 0, NULL);
	assert_int_equal(w->m2s, 0);
	assert_int_equal(w->keyd->failure, SR_IO);
	assert_int_equal(keyd_step(w->keyd, 0), SR_IO);
}

static void
given_an_m1_when_replayed_then_refused_and_after_two_beacons_too(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct attempt a;
	uint64_t other = UINT64_C(1) << 32 | 500;

	assert_int_equal(world_register(w, &ada), SR_OK);
	world_m1(w, &ada, &a, OPERATION_LOG_IN, 0, 0, NULL);
	world_forget(w);
	world_send_m1(w, other, 1, a.m1, sizeof(a.m1));
	assert_int_equal(w->refused, 1);
	sim_advance(w->sim, 10000);
	assert_int_equal(world_run(w), SR_OK);
	world_send_m1(w, other + 1, 1, a.m1, sizeof(a.m1));
	assert_int_equal(w->refused, 2);
	sim_advance(w->sim, 10000);
	assert_int_equal(world_run(w), SR_OK);
	world_send_m1(w, other + 2, 1, a.m1, sizeof(a.m1));
	assert_int_equal(w->refused, 3);
	assert_int_equal(w->m2s, 0);
}

static void
given_a_flood_from_open_terminals_then_enrolled_ones_are_still_seen(
    void **state)
{
	struct beacons *b = &((struct world *)*state)->keyd->beacons;
	uint8_t ephemeral[32] = {0};
	uint32_t n = 1;

	for (; n < 2 * BEACON_SEEN_MAX; n++) {
		memcpy(ephemeral, &n, sizeof(n));
		if (beacons_see(b, 0, ephemeral, false) != SR_OK)
			break;
	}
	assert_in_range(n, BEACON_OPEN_MAX - 8, BEACON_OPEN_MAX + 1);
	assert_int_equal(beacons_see(b, 0, ephemeral, true), SR_OK);
	/* which is not a way to say the same twice */
	assert_int_equal(beacons_see(b, 0, ephemeral, true), SR_CRYPTO);
	while (beacons_see(b, 0, ephemeral, true) != SR_BUSY) {
		n++;
		memcpy(ephemeral, &n, sizeof(n));
		assert_true(n < 2 * BEACON_SEEN_MAX);
	}
	assert_in_range(n, BEACON_SEEN_MAX - 8, BEACON_SEEN_MAX + 1);
}

static void
given_a_beacon_when_it_is_the_previous_one_then_still_good_and_not_longer(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	uint8_t old[HELLO_LEN], fresh[HELLO_LEN];

	assert_int_equal(world_register(w, &ada), SR_OK);
	memcpy(old, w->hello, sizeof(old));
	sim_advance(w->sim, 10000);
	assert_int_equal(world_run(w), SR_OK);
	memcpy(fresh, w->hello, sizeof(fresh));
	assert_memory_not_equal(old, fresh, sizeof(old));
	memcpy(w->hello, old, sizeof(old));
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	sim_advance(w->sim, 10000);
	assert_int_equal(world_run(w), SR_OK);
	memcpy(w->hello, old, sizeof(old));
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_CLOSED);
	memcpy(w->hello, fresh, sizeof(fresh));
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
}

static void
given_a_changed_password_when_used_then_only_the_new_one_opens(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person new = person("ada", "secret2");

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_change(w, &ada, 0, 0, "secret2"), SR_OK);
	assert_int_equal(w->ended, 1);
	assert_int_equal(world_login(w, &ada, 0), SR_LOGIN);
	assert_int_equal(world_login(w, &new, 0), SR_OK);
	world_start_again(w);
	assert_int_equal(world_login(w, &ada, 0), SR_LOGIN);
	assert_int_equal(world_login(w, &new, 0), SR_OK);
}

static void
given_a_recovery_code_when_the_password_is_lost_then_it_sets_a_new_one(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person new = person("ada", "secret3");

	ada.recovery = "recovery";
	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_RECOVERY), SR_LOGIN);
	assert_int_equal(world_change(w, &ada, 0, 1, "recovery"), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_RECOVERY), SR_OK);
	assert_int_equal(w->open.slot, SLOT_RECOVERY);
	assert_int_equal(world_change(w, &ada, 1, 1, "other"), SR_NOT_ALLOWED);
	assert_int_equal(world_change(w, &ada, 1, 0, "secret3"), SR_OK);
	assert_int_equal(world_login(w, &new, 0), SR_OK);
	assert_int_equal(world_login(w, &ada, 0), SR_LOGIN);
}

static void
given_a_log_in_begun_when_the_password_changes_then_it_does_not_finish(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct attempt a;
	uint8_t m2[FRAME_M2_LEN];

	assert_int_equal(world_register(w, &ada), SR_OK);
	world_m1(w, &ada, &a, OPERATION_LOG_IN, 0, 0, NULL);
	memcpy(m2, w->m2, sizeof(m2));
	assert_int_equal(world_change(w, &ada, 0, 0, "secret2"), SR_OK);
	memcpy(w->m2, m2, sizeof(m2));
	w->m2_connection = a.connection;
	world_forget(w);
	assert_int_equal(world_m3(w, &ada, &a, "secret1", NULL), SR_OK);
	assert_int_equal(w->opens, 0);
	assert_int_equal(w->refused, 1);
}

static void
given_other_keys_when_a_change_is_asked_then_it_is_not_allowed(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct attempt a;

	assert_int_equal(world_register(w, &ada), SR_OK);
	world_forget(w);
	world_m1(w, &ada, &a, OPERATION_CHANGE, 0, 0, "secret2");
	ada.name = "eve"; /* whose signing key it presents */
	assert_int_equal(world_m3(w, &ada, &a, "secret1", "secret2"), SR_OK);
	assert_int_equal(w->keyd->credentials.generations[1], 1);
	assert_int_equal(w->ended, 0);
}

static void
invite(struct world *w, const char *name, uint32_t valid_s)
{
	struct message_invite invite = {.valid_s = valid_s,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};
	uint8_t inner[64], outer[256];
	struct writer in = writer_to(inner, sizeof(inner));
	struct writer out = writer_to(outer, sizeof(outer));
	struct message_control_request request = {
	    .request = 9, .packet = inner};

	message_invite_encode(&in, &invite);
	request.packet_len = writer_len(&in);
	message_control_request_encode(&out, &request);
	world_send(w, w->monitor, ENV_KEYD, &out);
}

static void
given_registration_by_invitation_when_bound_to_a_name_then_only_that(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person eve = person("eve", "secret1");

	w->keyd->registration = KEYD_REGISTRATION_INVITE;
	assert_int_equal(world_register(w, &ada), SR_INVITATION);
	invite(w, "ada", 60);
	assert_int_equal(w->invited.error, SR_OK);
	memcpy(ada.invitation, w->invited.invitation, INVITATION_LEN);
	memcpy(eve.invitation, w->invited.invitation, INVITATION_LEN);
	assert_int_equal(world_register(w, &eve), SR_INVITATION);
	sim_advance(w->sim, 60001);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_register(w, &ada), SR_INVITATION);
	invite(w, "ada", 60);
	memcpy(ada.invitation, w->invited.invitation, INVITATION_LEN);
	sim_advance(w->sim, 60000);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_register(w, &ada), SR_NAME_TAKEN);
	invite(w, "ada", 60);
	assert_int_equal(w->invited.error, SR_NAME_TAKEN);
	w->keyd->registration = KEYD_REGISTRATION_CLOSED;
	assert_int_equal(world_register(w, &eve), SR_REGISTRATION_CLOSED);
}

/* Who comes while ledgerd reads its books waits at netd's door. */
static void
given_a_tree_that_has_not_started_then_netd_has_no_hello_yet(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");

	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_restart(w, false), SR_OK);
	assert_int_equal(w->hellos, 0);
	sim_advance(w->sim, 600000);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(w->hellos, 0);
	world_tree_start(w, 0, NULL, NULL);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(w->hellos, 1);
	assert_int_equal(world_login(w, &ada, 0), SR_OK);
}

static void
say_registration(struct world *w, uint32_t number, uint8_t registration)
{
	uint8_t bytes[MESSAGE_KEYD_SETTINGS_MAX];
	struct writer out = writer_to(bytes, sizeof(bytes));
	struct message_keyd_settings m = {
	    .reload = number, .registration = registration};

	message_keyd_settings_encode(&out, &m);
	world_send(w, w->monitor, ENV_KEYD, &out);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(w->settings_done.reload, number);
}

static void
given_another_registration_when_settings_come_then_keyd_goes_by_it(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");

	say_registration(w, 5, KEYD_REGISTRATION_CLOSED);
	assert_int_equal(w->settings_done.error, SR_OK);
	assert_int_equal(world_register(w, &ada), SR_REGISTRATION_CLOSED);
	say_registration(w, 6, KEYD_REGISTRATION_CLOSED + 1);
	assert_int_equal(w->settings_done.error, SR_PARAMETERS);
	assert_int_equal(world_register(w, &ada), SR_REGISTRATION_CLOSED);
	say_registration(w, 7, KEYD_REGISTRATION_INVITE);
	assert_int_equal(world_register(w, &ada), SR_INVITATION);
	say_registration(w, 8, KEYD_REGISTRATION_OPEN);
	assert_int_equal(w->settings_done.error, SR_OK);
	assert_int_equal(world_register(w, &ada), SR_OK);
}

static void
given_the_hours_invitations_when_given_out_then_no_more_until_it_ends(
    void **state)
{
	struct world *w = *state;
	struct limits_bucket *bucket;

	/* enough for a list of members, however long, tried before */
	assert_true(BUDGET_INVITATIONS > 2 * MEMBERS_MAX);
	invite(w, "ada", 60);
	bucket = &w->keyd->limits.bucket[REFUSAL_INVITATIONS];
	assert_int_equal(bucket->day_charges, 1);
	bucket->day_charges = BUDGET_INVITATIONS - 1;
	invite(w, "ada", 60);
	assert_int_equal(w->refusals, 0);
	invite(w, "ada", 60);
	assert_int_equal(w->refusals, 1);
	assert_int_equal(w->control_type, MESSAGE_CONTROL_REFUSED);
	assert_int_equal(w->control_body[0], SR_BUDGET);
	assert_int_equal(w->keyd->refusals[REFUSAL_INVITATIONS], 1);
	assert_int_equal(w->keyd->refusals[REFUSAL_CONTROL], 0);
	/* strongroomd is told within a minute, once */
	assert_int_equal(w->events, 0);
	sim_advance(w->sim, KEYD_REFUSALS_MS);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(w->events, 1);
	assert_int_equal(w->event.kind, EVENT_BUDGET_REFUSED);
	assert_int_equal(w->event.one, REFUSAL_INVITATIONS);
	assert_int_equal(w->event.two, 1);
	/* a restart gives no new ones, the end of the hour does */
	world_start_again(w);
	sim_advance(w->sim, 3600000 - KEYD_REFUSALS_MS - 1);
	invite(w, "ada", 60);
	assert_int_equal(w->refusals, 2);
	sim_advance(w->sim, 1);
	invite(w, "ada", 60);
	assert_int_equal(w->refusals, 2);
	assert_int_equal(w->control_type, MESSAGE_INVITED);
}

static void
given_the_hours_registrations_when_used_up_then_later(void **state)
{
	struct world *w = *state;
	struct person a = person("ada", "secret1");
	struct person b = person("bob", "secret1");
	struct person c = person("eve", "secret1");

	w->keyd->registrations_an_hour = 2;
	assert_int_equal(world_register(w, &a), SR_OK);
	assert_int_equal(world_register(w, &b), SR_OK);
	assert_int_equal(world_register(w, &c), SR_LATER);
	sim_advance(w->sim, 3599999);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_register(w, &c), SR_LATER);
	sim_advance(w->sim, 1);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_register(w, &c), SR_OK);
}

static void
given_a_terminal_when_psk_epoch_or_enrolment_is_wrong_then_refused(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");

	assert_int_equal(world_register(w, &ada), SR_OK);
	world_enrol(w, 3, 2, true);
	ada.terminal = 3;
	ada.epoch = 2;
	assert_int_equal(world_login(w, &ada, 0), SR_CLOSED);
	assert_int_equal(w->refused, 1);
	keys_terminal(w->keyd->keys, KEYS_EPOCH, 3, 2, ada.psk);
	assert_int_equal(world_login(w, &ada, 0), SR_OK);
	assert_int_equal(w->open.terminal, 3);
	assert_int_equal(w->open.terminal_epoch, 2);
	ada.epoch = 3;
	keys_terminal(w->keyd->keys, KEYS_EPOCH, 3, 3, ada.psk);
	assert_int_equal(world_login(w, &ada, 0), SR_CLOSED);
	ada.epoch = 2;
	keys_terminal(w->keyd->keys, KEYS_EPOCH, 3, 2, ada.psk);
	world_enrol(w, 3, 3, false);
	assert_int_equal(world_login(w, &ada, 0), SR_CLOSED);
}

static void
given_a_new_netd_when_announced_then_older_handshakes_are_gone(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct attempt a;
	uint64_t before;
	struct message_generation generation = {.generation = 2};
	uint8_t bytes[16];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	assert_int_equal(world_register(w, &ada), SR_OK);
	world_m1(w, &ada, &a, OPERATION_LOG_IN, 0, 0, NULL);
	world_forget(w);
	message_generation_encode(&writer, &generation);
	world_send(w, w->monitor, ENV_KEYD, &writer);
	assert_int_equal(w->generation_done, 2);
	assert_int_equal(w->hellos, 1);
	world_m3(w, &ada, &a, "secret1", NULL);
	assert_int_equal(w->opens, 0);
	assert_int_equal(w->accepted, 0);
	w->generation = 2;
	assert_int_equal(world_login(w, &ada, 0), SR_OK);
	assert_int_equal(w->open.generation, 2);
	/* what an older netd left on the link, and ids that do not fit */
	world_m1(w, &ada, &a, OPERATION_LOG_IN, 0, 0, NULL);
	before = w->keyd->refused;
	world_forget(w);
	world_send_m1(w, UINT64_C(2) << 32 | 900, 1, a.m1, sizeof(a.m1));
	world_send_m1(w, UINT64_C(1) << 32 | 900, 2, a.m1, sizeof(a.m1));
	world_send_m3(w, a.connection, 1, a.m3, sizeof(a.m3));
	assert_int_equal(w->keyd->refused, before + 3);
	assert_int_equal(w->m2s + w->refused, 0);
	w->generation = 1;
	assert_int_equal(world_login(w, &ada, 0), SR_CLOSED);
}

static void
given_messages_out_of_phase_or_malformed_when_sent_then_keyd_lives(void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	uint8_t junk[2000];
	uint64_t before = w->keyd->refused;

	for (unsigned i = 0; i < 500; i++) {
		size_t len = 1 + randombytes_uniform(sizeof(junk) - 1);

		randombytes_buf(junk, sizeof(junk));
		if (i % 2) { /* a header that fits */
			junk[0] = (uint8_t)(len - 4);
			junk[1] = (uint8_t)((len - 4) >> 8);
			junk[2] = (uint8_t)(1 + i % 70);
			junk[3] = 0;
		}
		assert_int_equal(
		    env_send(&w->netd->env, ENV_KEYD, junk, len), SR_OK);
		assert_int_equal(world_run(w), SR_OK);
	}
	assert_true(w->keyd->refused > before);
	/* M3 without M1, M1 of a wrong length, M1 twice */
	world_forget(w);
	world_send_m3(w, UINT64_C(1) << 32 | 900, 1, junk, FRAME_M3_LEN);
	world_send_m1(w, UINT64_C(1) << 32 | 901, 1, junk, 12);
	assert_int_equal(w->refused, 2);
	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_login(w, &ada, 0), SR_OK);
}

static void
given_a_flood_of_unfinished_handshakes_when_full_then_terminals_still_fit(
    void **state)
{
	struct world *w = *state;
	struct person ada = person("ada", "secret1");
	struct person atm = person("ada", "secret1");
	struct attempt a;
	char name[16];
	struct person flood = person(name, "x");

	assert_int_equal(world_register(w, &ada), SR_OK);
	world_enrol(w, 3, 1, true);
	atm.terminal = 3;
	atm.epoch = 1;
	keys_terminal(w->keyd->keys, KEYS_EPOCH, 3, 1, atm.psk);
	world_forget(w);
	for (unsigned i = 0; i < PENDING_OPEN_MAX + 10; i++) {
		snprintf(name, sizeof(name), "flood%u", i);
		world_m1(w, &flood, &a, OPERATION_REGISTER, 0, 0, "x");
	}
	assert_int_equal(w->m2s, PENDING_OPEN_MAX);
	assert_int_equal(w->refused, 10);
	assert_int_equal(world_login(w, &ada, 0), SR_CLOSED);
	assert_int_equal(world_login(w, &atm, 0), SR_OK);
	/* who did not answer for a while makes place */
	sim_advance(w->sim, 3000);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_login(w, &ada, 0), SR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_new_name_when_registered_then_log_in_gives_both_ends_one_key),
	    TEST(
		given_a_taken_name_when_registered_again_then_it_says_so_unevaluated),
	    TEST(
		given_two_registrations_of_one_name_when_both_end_then_one_has_it),
	    TEST(
		given_a_wrong_password_or_unknown_name_when_tried_then_both_look_alike),
	    TEST(
		given_an_unknown_name_when_tried_then_the_disk_reads_as_for_a_known_one),
	    TEST(given_an_altered_ke3_when_sent_then_refused_and_no_session),
	    TEST(
		given_five_wrong_when_tried_again_then_later_on_both_sides_of_each_bound),
	    TEST(
		given_two_hundred_guesses_from_the_network_then_atm_and_device_log_in_at_once),
	    TEST(
		given_a_stolen_card_when_it_guesses_then_names_wait_at_that_terminal_only),
	    TEST(
		given_tokens_and_terminals_made_up_when_tried_then_they_count_for_nothing),
	    TEST(given_a_charge_when_the_disk_fails_then_nothing_is_evaluated),
	    TEST(
		given_an_m1_when_replayed_then_refused_and_after_two_beacons_too),
	    TEST(
		given_a_flood_from_open_terminals_then_enrolled_ones_are_still_seen),
	    TEST(
		given_a_beacon_when_it_is_the_previous_one_then_still_good_and_not_longer),
	    TEST(
		given_a_changed_password_when_used_then_only_the_new_one_opens),
	    TEST(
		given_a_recovery_code_when_the_password_is_lost_then_it_sets_a_new_one),
	    TEST(
		given_a_log_in_begun_when_the_password_changes_then_it_does_not_finish),
	    TEST(
		given_other_keys_when_a_change_is_asked_then_it_is_not_allowed),
	    TEST(
		given_registration_by_invitation_when_bound_to_a_name_then_only_that),
	    TEST(
		given_the_hours_invitations_when_given_out_then_no_more_until_it_ends),
	    TEST(
		given_another_registration_when_settings_come_then_keyd_goes_by_it),
	    TEST(given_the_hours_registrations_when_used_up_then_later),
	    TEST(given_a_tree_that_has_not_started_then_netd_has_no_hello_yet),
	    TEST(
		given_a_terminal_when_psk_epoch_or_enrolment_is_wrong_then_refused),
	    TEST(
		given_a_new_netd_when_announced_then_older_handshakes_are_gone),
	    TEST(
		given_messages_out_of_phase_or_malformed_when_sent_then_keyd_lives),
	    TEST(
		given_a_flood_of_unfinished_handshakes_when_full_then_terminals_still_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
