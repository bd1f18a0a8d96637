/* SPDX-License-Identifier: ISC */
/*
 * The quorum key in shares: each quorum of them gives it back and fewer tell
 * nothing, compared with arithmetic in GF(2^8) that is done here by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "keyd/unlock_shares.c"

enum { SMALL = 6 };

typedef uint8_t share_secret[SHARE_SECRET_LEN];

/* Russian peasants, modulo x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t
times(uint8_t a, uint8_t b)
{
	unsigned shifted = a;
	uint8_t product = 0;

	for (; b != 0; b >>= 1) {
		if (b & 1)
			product ^= (uint8_t)shifted;
		shifted <<= 1;
		if (shifted & 0x100)
			shifted ^= 0x11d;
	}
	return product;
}

static uint8_t
inverse(uint8_t a)
{
	for (unsigned b = 1; b < 256; b++)
		if (times(a, (uint8_t)b) == 1)
			return (uint8_t)b;
	fail();
	return 0;
}

/* Lagrange's polynomial through the points, at 0. */
static void
interpolated(const uint8_t *indices, const share_secret *shares,
    unsigned quorum, share_secret out)
{
	memset(out, 0, SHARE_SECRET_LEN);
	for (unsigned i = 0; i < quorum; i++) {
		uint8_t factor = 1;

		for (unsigned j = 0; j < quorum; j++)
			if (j != i)
				factor = times(factor,
				    times(indices[j],
					inverse(indices[i] ^ indices[j])));
		for (unsigned at = 0; at < SHARE_SECRET_LEN; at++)
			out[at] ^= times(factor, shares[i][at]);
	}
}

/* Those of the set bits of chosen; how many. */
static unsigned
choose(unsigned chosen, const share_secret *all, uint8_t *indices,
    share_secret *shares)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SHARE_COUNT_MAX; i++)
		if (chosen >> i & 1) {
			indices[count] = (uint8_t)(i + 1);
			memcpy(shares[count++], all[i], SHARE_SECRET_LEN);
		}
	return count;
}

static void
check_each_choice(unsigned quorum, unsigned count)
{
	share_secret all[SHARE_COUNT_MAX], shares[SHARE_COUNT_MAX];
	share_secret secret, back, by_hand;
	uint8_t indices[SHARE_COUNT_MAX];

	randombytes_buf(secret, sizeof(secret));
	assert_int_equal(shares_split(secret, quorum, count, all), SR_OK);
	for (unsigned chosen = 1; chosen < 1u << count; chosen++) {
		unsigned have =
		    choose(chosen, (const share_secret *)all, indices, shares);

		if (have < SHARE_QUORUM_MIN)
			continue;
		assert_int_equal(shares_combine(indices,
				     (const share_secret *)shares, have, back),
		    SR_OK);
		interpolated(
		    indices, (const share_secret *)shares, have, by_hand);
		assert_memory_equal(back, by_hand, sizeof(back));
		/* more than the quorum lie on the same polynomial */
		if (have >= quorum)
			assert_memory_equal(back, secret, sizeof(back));
		else
			assert_memory_not_equal(back, secret, sizeof(back));
	}
}

static void
given_each_quorum_of_few_when_any_of_them_combine_then_only_enough_open(
    void **state)
{
	(void)state;
	for (unsigned count = SHARE_QUORUM_MIN; count <= SMALL; count++)
		for (unsigned quorum = SHARE_QUORUM_MIN; quorum <= count;
		     quorum++)
			check_each_choice(quorum, count);
}

static void
given_sixteen_shares_when_combined_in_any_order_then_they_open(void **state)
{
	share_secret all[SHARE_COUNT_MAX], some[SHARE_COUNT_MAX];
	share_secret secret, back;
	uint8_t indices[SHARE_COUNT_MAX];

	(void)state;
	randombytes_buf(secret, sizeof(secret));
	for (unsigned quorum = SHARE_QUORUM_MIN; quorum <= SHARE_COUNT_MAX;
	     quorum++) {
		assert_int_equal(
		    shares_split(secret, quorum, SHARE_COUNT_MAX, all), SR_OK);
		for (unsigned i = 0; i < quorum; i++) {
			indices[i] = (uint8_t)(SHARE_COUNT_MAX - i);
			memcpy(some[i], all[SHARE_COUNT_MAX - 1 - i],
			    sizeof(some[i]));
		}
		assert_int_equal(shares_combine(indices,
				     (const share_secret *)some, quorum, back),
		    SR_OK);
		assert_memory_equal(back, secret, sizeof(back));
		some[0][0] ^= 1;
		assert_int_equal(shares_combine(indices,
				     (const share_secret *)some, quorum, back),
		    SR_OK);
		assert_memory_not_equal(back, secret, sizeof(back));
	}
}

static void
given_numbers_out_of_range_then_there_is_no_split(void **state)
{
	static const struct {
		unsigned quorum, count;
	} wrong[] = {{0, 0}, {0, 2}, {1, 1}, {1, 5}, {3, 2}, {2, 1},
	    {2, SHARE_COUNT_MAX + 1},
	    {SHARE_COUNT_MAX + 1, SHARE_COUNT_MAX + 1}, {258, 258}};
	share_secret out[1], secret = {1};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
		    shares_split(secret, wrong[i].quorum, wrong[i].count, out),
		    SR_PARAMETERS);
}

static void
given_an_index_twice_or_zero_then_nothing_is_combined(void **state)
{
	share_secret all[3], secret = {7}, back;

	(void)state;
	assert_int_equal(shares_split(secret, 3, 3, all), SR_OK);
	for (unsigned place = 0; place < 3; place++) {
		uint8_t indices[3] = {1, 2, 3};

		indices[place] = 0;
		memset(back, 0xff, sizeof(back));
		assert_int_equal(
		    shares_combine(indices, (const share_secret *)all, 3, back),
		    SR_PARAMETERS);
		assert_true(sodium_is_zero(back, sizeof(back)));
		indices[place] = (uint8_t)((place + 1) % 3 + 1);
		assert_int_equal(
		    shares_combine(indices, (const share_secret *)all, 3, back),
		    SR_PARAMETERS);
		assert_true(sodium_is_zero(back, sizeof(back)));
	}
	assert_int_equal(shares_combine((const uint8_t[]){1},
			     (const share_secret *)all, 1, back),
	    SR_PARAMETERS);
	assert_int_equal(
	    shares_combine((const uint8_t[]){1}, (const share_secret *)all,
		SHARE_COUNT_MAX + 1, back),
	    SR_PARAMETERS);
}

static void
given_one_share_fewer_then_it_is_any_bytes_whatever_the_secret(void **state)
{
	bool seen[SHARE_COUNT_MAX][256] = {{false}};
	share_secret all[SHARE_COUNT_MAX], secret = {0};

	(void)state;
	/* 9,600 draws a share: one of 256 is missing once in 10^14 runs */
	for (unsigned round = 0; round < 300; round++) {
		assert_int_equal(shares_split(secret, 2, 3, all), SR_OK);
		for (unsigned i = 0; i < 3; i++)
			for (unsigned at = 0; at < SHARE_SECRET_LEN; at++)
				seen[i][all[i][at]] = true;
	}
	for (unsigned i = 0; i < 3; i++)
		for (unsigned value = 0; value < 256; value++)
			assert_true(seen[i][value]);
}

static void
given_random_of_the_c_library_set_back_then_shares_are_others_all_the_same(
    void **state)
{
	share_secret one[3], two[3], secret = {9};

	(void)state;
	srandom(1);
	assert_int_equal(shares_split(secret, 2, 3, one), SR_OK);
	srandom(1);
	assert_int_equal(shares_split(secret, 2, 3, two), SR_OK);
	assert_memory_not_equal(one, two, sizeof(one));
}

static void
given_another_random_function_then_nothing_is_split(void **state)
{
	share_secret out[2], secret = {1};

	(void)state;
	gfshare_fill_rand = gfshare_bad_idea_but_fill_rand_using_random;
	assert_int_equal(shares_split(secret, 2, 2, out), SR_PARAMETERS);
	gfshare_fill_rand = NULL;
	assert_int_equal(shares_split(secret, 2, 2, out), SR_PARAMETERS);
	shares_start();
	assert_int_equal(shares_split(secret, 2, 2, out), SR_OK);
}

static void
given_a_record_then_what_is_read_is_what_was_written(void **state)
{
	struct share share = {.index = 16,
			 .quorum = 2,
			 .set = 0x0102,
			 .bank_tag = {1, 2, 3}},
		     back;
	uint8_t record[SHARE_LEN], again[SHARE_LEN];
	uint8_t hash[SHARE_HASH_LEN], other[SHARE_HASH_LEN];
	static const struct {
		unsigned at;
		uint8_t value;
		enum sr_error error;
	} changes[] = {{0, 0, SR_DAMAGED}, {0, 2, SR_VERSION},
	    {1, 0, SR_DAMAGED}, {1, 17, SR_DAMAGED}, {2, 1, SR_DAMAGED},
	    {2, 17, SR_DAMAGED}, {2, 16, SR_OK}, {1, 1, SR_OK}};

	(void)state;
	randombytes_buf(share.secret, sizeof(share.secret));
	share_write(&share, record);
	share_hash(record, hash);
	assert_int_equal(record[6], 2);
	assert_int_equal(record[7], 1);
	assert_int_equal(share_read(record, &back), SR_OK);
	share_write(&back, again);
	assert_memory_equal(again, record, sizeof(again));
	assert_int_equal(back.index, 16);
	assert_int_equal(back.quorum, 2);
	assert_int_equal(back.set, 0x0102);
	assert_memory_equal(back.bank_tag, share.bank_tag, SHARE_TAG_LEN);
	assert_memory_equal(back.secret, share.secret, SHARE_SECRET_LEN);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint8_t changed[SHARE_LEN];

		memcpy(changed, record, sizeof(changed));
		changed[changes[i].at] = changes[i].value;
		assert_int_equal(share_read(changed, &back), changes[i].error);
		share_hash(changed, other);
		assert_memory_not_equal(hash, other, sizeof(hash));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_each_quorum_of_few_when_any_of_them_combine_then_only_enough_open),
	    cmocka_unit_test(
		given_sixteen_shares_when_combined_in_any_order_then_they_open),
	    cmocka_unit_test(given_numbers_out_of_range_then_there_is_no_split),
	    cmocka_unit_test(
		given_an_index_twice_or_zero_then_nothing_is_combined),
	    cmocka_unit_test(
		given_one_share_fewer_then_it_is_any_bytes_whatever_the_secret),
	    cmocka_unit_test(
		given_random_of_the_c_library_set_back_then_shares_are_others_all_the_same),
	    cmocka_unit_test(
		given_another_random_function_then_nothing_is_split),
	    cmocka_unit_test(
		given_a_record_then_what_is_read_is_what_was_written),
	};

	if (sodium_init() < 0)
		return 1;
	shares_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
