/* SPDX-License-Identifier: ISC */
/* ledgerd's tables: who is here, who bears which name, lines of the audit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ledgerd/people.h"
#include "ledgerd/sessions.h"

static void
given_sessions_up_to_the_bound_then_each_is_found_and_no_more_fit(void **state)
{
	struct sessions sessions;

	(void)state;
	assert_int_equal(sessions_init(&sessions, 5), SR_OK);
	for (uint64_t c = 1; c <= 5; c++)
		assert_non_null(sessions_add(&sessions, c * 8));
	assert_null(sessions_add(&sessions, 99));
	for (uint64_t c = 1; c <= 5; c++)
		assert_int_equal(
		    sessions_find(&sessions, c * 8)->connection, c * 8);
	assert_null(sessions_find(&sessions, 99));
	/* A place that is given back serves the next one. */
	sessions_remove(&sessions, sessions_find(&sessions, 24));
	assert_null(sessions_find(&sessions, 24));
	assert_int_equal(sessions.count, 4);
	assert_non_null(sessions_find(&sessions, 16));
	assert_non_null(sessions_find(&sessions, 32));
	assert_non_null(sessions_add(&sessions, 99));
	assert_int_equal(sessions_find(&sessions, 99)->customer, 0);
	/* A connection has one session; number 0 is nobody's. */
	sessions_remove(&sessions, sessions_find(&sessions, 8));
	assert_null(sessions_add(&sessions, 99));
	assert_null(sessions_add(&sessions, 0));
	sessions_close(&sessions);
}

static struct person
person_named(const char *name)
{
	struct person person = {.name_len = (uint8_t)strlen(name)};

	memcpy(person.name, name, person.name_len);
	return person;
}

static void
given_many_people_then_each_is_found_by_name(void **state)
{
	const uint8_t hash_key[16] = {1};
	struct person person;
	struct people people;
	char name[16];

	(void)state;
	assert_int_equal(people_init(&people, hash_key), SR_OK);
	for (uint64_t i = 1; i <= 5000; i++) {
		snprintf(name, sizeof(name), "name-%u", (unsigned)i);
		person = person_named(name);
		assert_int_equal(people_set(&people, i, &person), SR_OK);
	}
	for (uint64_t i = 1; i <= 5000; i++) {
		snprintf(name, sizeof(name), "name-%u", (unsigned)i);
		assert_int_equal(people_find(&people, name, strlen(name)), i);
	}
	assert_int_equal(people_find(&people, "name", 4), 0);
	/* Another name for the same customer: the old one is nobody's. */
	person = person_named("other");
	assert_int_equal(people_set(&people, 7, &person), SR_OK);
	assert_int_equal(people_find(&people, "name-7", 6), 0);
	assert_int_equal(people_find(&people, "other", 5), 7);
	assert_int_equal(people_set(&people, PEOPLE_MAX, &person), SR_NO_SPACE);
	assert_null(people_of(&people, PEOPLE_MAX));
	people_free(&people);
}

static void
given_a_directory_record_then_it_opens_for_its_customer_only(void **state)
{
	const uint8_t bank_id[32] = {1}, key[32] = {2}, nonce[24] = {3};
	struct person person = person_named("ada"), back = {0};
	uint8_t sealed[PERSON_SEALED_LEN];

	(void)state;
	person.display_len = 2;
	memcpy(person.display, "A.", 2);
	person.salt[0] = 9;
	person_seal(&person, 5, bank_id, key, nonce, sealed);
	assert_int_equal(
	    person_open(sealed, sizeof(sealed), 5, bank_id, key, &back), SR_OK);
	assert_int_equal(back.name_len, 3);
	assert_memory_equal(back.name, "ada", 3);
	assert_memory_equal(back.display, "A.", 2);
	assert_int_equal(back.salt[0], 9);
	assert_int_equal(
	    person_open(sealed, sizeof(sealed), 6, bank_id, key, &back),
	    SR_CRYPTO);
	assert_int_equal(
	    person_open(sealed, sizeof(sealed) - 1, 5, bank_id, key, &back),
	    SR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_sessions_up_to_the_bound_then_each_is_found_and_no_more_fit),
	    cmocka_unit_test(given_many_people_then_each_is_found_by_name),
	    cmocka_unit_test(
		given_a_directory_record_then_it_opens_for_its_customer_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
