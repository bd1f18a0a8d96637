/* SPDX-License-Identifier: ISC */
/*
 * Whoever can write keyd's files puts parts of them elsewhere, or back as they
 * were: any two customers' slots, the versions of one, a slot of before, the
 * whole file of before, the state of before.  keyd does not start, or the head
 * that ledgerd presents is above its own; a replay of all files together with
 * the whole log is seen from outside only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/keyd_world.h"

enum { PEOPLE = 4, FILE_MAX = (PEOPLE + 2) * CREDENTIAL_CUSTOMER_LEN };

/* A file of keyd's as it was. */
struct kept {
	uint8_t bytes[FILE_MAX];
	size_t len;
};

static const char *const names[PEOPLE] = {"ada", "bob", "eve", "zoe"};
static struct kept credentials_before, state_before;
static struct kept credentials_now, state_now;

static void
keep(struct world *w, const char *name, struct kept *out)
{
	const uint8_t *now = sim_file(w->keyd_room, name, &out->len);

	assert_true(out->len <= sizeof(out->bytes));
	memcpy(out->bytes, now, out->len);
}

static void
put(struct world *w, const char *name, const struct kept *kept)
{
	sim_put(w->keyd_room, name, kept->bytes, kept->len);
}

static void
change(struct world *w, const char *name, const char *from, const char *to)
{
	struct person p = {.name = name, .password = from};

	sim_advance(w->sim, 10000);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_change(w, &p, 0, 0, to), SR_OK);
}

/* Everybody has two versions; bob has a third since the files were kept. */
static int
set_up(void **state)
{
	struct world *w = world_new(23);

	world_found(w);
	for (unsigned i = 0; i < PEOPLE; i++) {
		struct person p = {.name = names[i], .password = "secret1"};

		assert_int_equal(world_register(w, &p), SR_OK);
		change(w, names[i], "secret1", "secret2");
	}
	keep(w, "credentials", &credentials_before);
	keep(w, "state", &state_before);
	change(w, "bob", "secret2", "secret3");
	keep(w, "credentials", &credentials_now);
	keep(w, "state", &state_now);
	assert_int_equal(credentials_before.len, credentials_now.len);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	world_free(*state);
	return 0;
}

static uint8_t *
slot(struct kept *kept, unsigned customer)
{
	return kept->bytes + (size_t)customer * CREDENTIAL_CUSTOMER_LEN;
}

static void
swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t kept[CREDENTIAL_CUSTOMER_LEN];

	assert_true(len <= sizeof(kept));
	memcpy(kept, a, len);
	memcpy(a, b, len);
	memcpy(b, kept, len);
}

/* With those credentials; afterwards all is as it was. */
static enum sr_error
start_with(struct world *w, const struct kept *credentials)
{
	enum sr_error error;

	put(w, "credentials", credentials);
	put(w, "state", &state_now);
	error = world_restart(w, false);
	put(w, "credentials", &credentials_now);
	put(w, "state", &state_now);
	return error;
}

static void
given_any_two_customers_when_swapped_then_refused(void **state)
{
	struct world *w = *state;

	for (unsigned one = 0; one <= PEOPLE; one++)
		for (unsigned two = one + 1; two <= PEOPLE; two++) {
			struct kept swapped = credentials_now;

			swap(slot(&swapped, one), slot(&swapped, two),
			    CREDENTIAL_CUSTOMER_LEN);
			assert_int_equal(start_with(w, &swapped), SR_DAMAGED);
			/* one in two places */
			swapped = credentials_now;
			memcpy(slot(&swapped, one), slot(&swapped, two),
			    CREDENTIAL_CUSTOMER_LEN);
			assert_int_equal(start_with(w, &swapped), SR_DAMAGED);
		}
	assert_int_equal(start_with(w, &credentials_now), SR_OK);
}

static void
given_two_versions_when_swapped_then_refused(void **state)
{
	struct world *w = *state;

	for (unsigned i = 1; i <= PEOPLE; i++) {
		struct kept swapped = credentials_now;
		uint8_t *own = slot(&swapped, i);

		swap(own, own + CREDENTIAL_VERSION_LEN, CREDENTIAL_VERSION_LEN);
		assert_int_equal(start_with(w, &swapped), SR_DAMAGED);
	}
}

static void
given_a_newer_version_when_it_is_taken_away_then_refused(void **state)
{
	struct world *w = *state;

	for (unsigned i = 1; i <= PEOPLE; i++) {
		uint64_t newest =
		    credentials_generation(&w->keyd->credentials, i);
		struct kept without = credentials_now;
		uint8_t *version =
		    slot(&without, i) + newest % 2 * CREDENTIAL_VERSION_LEN;

		version[100] ^= 1;
		assert_int_equal(start_with(w, &without), SR_ROLLED_BACK);
		memset(version, 0, CREDENTIAL_VERSION_LEN);
		assert_int_equal(start_with(w, &without), SR_ROLLED_BACK);
		/* the older one alone is needed for nothing */
		without = credentials_now;
		memset(slot(&without, i) +
			   (newest + 1) % 2 * CREDENTIAL_VERSION_LEN,
		    0, CREDENTIAL_VERSION_LEN);
		assert_int_equal(start_with(w, &without), SR_OK);
	}
}

static void
given_a_customer_of_before_when_put_back_then_refused(void **state)
{
	struct world *w = *state;
	struct kept old = credentials_now;

	memcpy(slot(&old, 2), slot(&credentials_before, 2),
	    CREDENTIAL_CUSTOMER_LEN);
	assert_int_equal(start_with(w, &old), SR_ROLLED_BACK);
	assert_int_equal(start_with(w, &credentials_before), SR_ROLLED_BACK);
}

static void
given_a_state_of_before_when_put_back_then_refused(void **state)
{
	struct world *w = *state;
	struct kept half;

	put(w, "state", &state_before);
	assert_int_equal(world_restart(w, false), SR_ROLLED_BACK);
	/* either of its slots alone, the other one as it is or lost */
	for (unsigned i = 0; i < 2; i++) {
		half = state_now;
		memset(
		    half.bytes + (1 - i) * STATE_SLOT_LEN, 7, STATE_SLOT_LEN);
		memcpy(half.bytes + i * STATE_SLOT_LEN,
		    state_before.bytes + i * STATE_SLOT_LEN, STATE_SLOT_LEN);
		put(w, "credentials", &credentials_now);
		put(w, "state", &half);
		assert_int_equal(world_restart(w, false), SR_ROLLED_BACK);
	}
}

/* Of a time before an entry that it has signed: ledgerd has the signature. */
static void
given_a_state_before_the_last_entry_when_put_back_then_the_head_shows_it(
    void **state)
{
	struct world *w = *state;
	struct message_tree_head signed_head;
	uint8_t leaf[32] = {9};

	world_start_again(w);
	keep(w, "state", &state_before);
	world_append(w, w->head.size, leaf, 1);
	assert_int_equal(w->head.error, SR_OK);
	signed_head = w->head;
	put(w, "state", &state_before);
	assert_int_equal(world_restart(w, false), SR_OK);
	world_tree_start(
	    w, signed_head.size, signed_head.root, signed_head.signature);
	assert_int_equal(w->head.error, SR_ROLLED_BACK);
	/* and nothing is signed then */
	world_append(w, w->head.size, leaf, 1);
	assert_int_equal(w->head.error, SR_NOT_ALLOWED);
}

/* Here nobody notices: receipts and the auditor's checkpoint do. */
static void
given_all_files_of_before_when_put_back_then_keyd_alone_cannot_tell(
    void **state)
{
	struct world *w = *state;
	struct person bob = {.name = "bob", .password = "secret2"};

	put(w, "state", &state_before);
	put(w, "credentials", &credentials_before);
	world_start_again(w);
	sim_advance(w->sim, 10000);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_any_two_customers_when_swapped_then_refused),
	    TEST(given_two_versions_when_swapped_then_refused),
	    TEST(given_a_newer_version_when_it_is_taken_away_then_refused),
	    TEST(given_a_customer_of_before_when_put_back_then_refused),
	    TEST(given_a_state_of_before_when_put_back_then_refused),
	    TEST(
		given_a_state_before_the_last_entry_when_put_back_then_the_head_shows_it),
	    TEST(
		given_all_files_of_before_when_put_back_then_keyd_alone_cannot_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
