/* SPDX-License-Identifier: ISC */
/*
 * Which shares open the envelope of a bank's keys: enough of them, each once,
 * all of this bank and of one set, and none altered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <sodium.h>

#include "keyd/unlock_quorum.c"
#include "keyd/unlock_shares.c"

enum { QUORUM = 3, SHARES = 5 };

static struct sealed root;
static uint8_t key[SHARE_SECRET_LEN];
static uint8_t made[SHARE_COUNT_MAX * SHARE_LEN];

static int
set_up(void **state)
{
	struct sealed_envelope *envelope = &root.envelopes[0];

	(void)state;
	memset(&root, 0, sizeof(root));
	memset(root.bank_id, 7, sizeof(root.bank_id));
	randombytes_buf(key, sizeof(key));
	*envelope = (struct sealed_envelope){
	    .kind = SEALED_SHARES, .quorum = QUORUM, .shares = SHARES};
	if (unlock_quorum_split(&root, envelope, key, made) != SR_OK)
		return -1;
	envelope->number = (uint16_t)++root.set;
	root.count = 1;
	return 0;
}

/* The shares of these numbers, from 1 on, in that order. */
static enum sr_error
open_by(const char *numbers)
{
	uint8_t records[SHARE_COUNT_MAX * SHARE_LEN], got[SHARE_SECRET_LEN];
	size_t count = strlen(numbers);
	enum sr_error error;

	for (size_t i = 0; i < count; i++)
		memcpy(records + i * SHARE_LEN,
		    made + (size_t)(numbers[i] - '1') * SHARE_LEN, SHARE_LEN);
	error = unlock_quorum_combine(&root, records, count * SHARE_LEN, got);
	if (error == SR_OK)
		assert_memory_equal(got, key, sizeof(key));
	return error;
}

static void
given_a_quorum_or_more_in_any_order_then_it_opens(void **state)
{
	(void)state;
	assert_int_equal(open_by("123"), SR_OK);
	assert_int_equal(open_by("531"), SR_OK);
	assert_int_equal(open_by("2514"), SR_OK);
	assert_int_equal(open_by("54321"), SR_OK);
}

static void
given_fewer_than_the_quorum_then_refused(void **state)
{
	(void)state;
	assert_int_equal(open_by(""), SR_UNLOCK);
	assert_int_equal(open_by("1"), SR_UNLOCK);
	assert_int_equal(open_by("12"), SR_UNLOCK);
}

/* Nor behind a quorum that would do. */
static void
given_a_share_twice_then_refused(void **state)
{
	(void)state;
	assert_int_equal(open_by("112"), SR_UNLOCK);
	assert_int_equal(open_by("121"), SR_UNLOCK);
	assert_int_equal(open_by("1231"), SR_UNLOCK);
	assert_int_equal(open_by("12344"), SR_UNLOCK);
}

/* Behind a quorum, too, each must fit. */
static void
given_a_share_that_is_altered_or_anothers_then_refused(void **state)
{
	(void)state;
	for (size_t at = 0; at < SHARE_LEN; at++) {
		made[3 * SHARE_LEN + at] ^= 1;
		assert_int_equal(open_by("1234"), SR_UNLOCK);
		assert_int_equal(open_by("412"), SR_UNLOCK);
		made[3 * SHARE_LEN + at] ^= 1;
	}
	assert_int_equal(open_by("1234"), SR_OK);
	root.bank_id[0] ^= 1;
	assert_int_equal(open_by("123"), SR_UNLOCK);
	root.bank_id[0] ^= 1;
	root.envelopes[0].number++;
	assert_int_equal(open_by("123"), SR_UNLOCK);
	root.envelopes[0].kind = SEALED_PASSPHRASE;
	assert_int_equal(open_by("123"), SR_UNLOCK_KIND);
}

static void
given_bytes_that_are_no_records_then_refused(void **state)
{
	uint8_t got[SHARE_SECRET_LEN];

	(void)state;
	for (size_t len = 0; len < QUORUM * SHARE_LEN; len++)
		assert_int_equal(
		    unlock_quorum_combine(&root, made, len, got), SR_UNLOCK);
	assert_int_equal(
	    unlock_quorum_combine(&root, made, QUORUM * SHARE_LEN, got), SR_OK);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_quorum_or_more_in_any_order_then_it_opens),
	    TEST(given_fewer_than_the_quorum_then_refused),
	    TEST(given_a_share_twice_then_refused),
	    TEST(given_a_share_that_is_altered_or_anothers_then_refused),
	    TEST(given_bytes_that_are_no_records_then_refused),
	};

	if (sodium_init() < 0)
		return 1;
	shares_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
