/* SPDX-License-Identifier: ISC */
/* Buckets of lengths: both sides of their edges, and the paper's promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "client/padme.h"

static uint64_t
padded(uint64_t size)
{
	uint64_t out = 1;

	assert_int_equal(padme_len(size, &out), SR_OK);
	return out;
}

/* Reckoned in Python, from the lengths of the numbers as binary text. */
static void
given_lengths_then_the_figures_of_another_program(void **state)
{
	static const uint64_t figures[][2] = {{0, 256}, {1, 256}, {255, 256},
	    {256, 256}, {257, 272}, {272, 272}, {273, 288}, {511, 512},
	    {512, 512}, {513, 544}, {1000, 1024}, {4096, 4096}, {5000, 5120},
	    {65535, 65536}, {65536, 65536}, {65537, 67584}, {70000, 71680},
	    {1000000, 1015808}, {123456789, 123731968},
	    {2147483647, 2147483648}, {4294967296, 4294967296},
	    {4294967297, 4362076160}, {10000000000, 10066329600},
	    {17179869183, 17179869184}, {17179869184, 17179869184}};

	(void)state;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		assert_int_equal(padded(figures[i][0]), figures[i][1]);
}

/* A bucket's own length stays; what is added is bounded, and order is kept. */
static void
one_length(uint64_t size)
{
	uint64_t bucket = padded(size);

	assert_true(bucket >= size && bucket >= PADME_MIN);
	assert_true(bucket <= OBJECT_SIZE_MAX);
	if (size >= PADME_MIN)
		assert_true(bucket - size < size / 16 + 1);
	assert_int_equal(padded(bucket), bucket);
	/* all between belong to it, and the next one to a longer bucket */
	assert_int_equal(padded(size + (bucket - size) / 2), bucket);
	if (bucket < OBJECT_SIZE_MAX)
		assert_true(padded(bucket + 1) > bucket);
}

static void
given_every_short_length_then_the_promises_hold(void **state)
{
	uint64_t before = 0;
	unsigned buckets = 0;

	(void)state;
	for (uint64_t size = 0; size <= 200000; size++) {
		one_length(size);
		assert_true(padded(size) >= before);
		buckets += padded(size) != before;
		before = padded(size);
	}
	/* few: a length tells little */
	assert_true(buckets < 200);
}

static void
given_lengths_up_to_the_longest_then_the_promises_hold(void **state)
{
	(void)state;
	for (unsigned bit = 8; bit <= 34; bit++)
		for (uint64_t off = 0; off < 5; off++) {
			uint64_t size = (UINT64_C(1) << bit) + off - 2;

			if (size <= OBJECT_SIZE_MAX)
				one_length(size);
		}
	for (unsigned round = 0; round < 100000; round++) {
		uint64_t size;

		randombytes_buf(&size, sizeof(size));
		size >>= 30 + randombytes_uniform(34);
		one_length(size);
	}
}

/* Every bucket there is, one after the other, to the longest. */
static void
given_all_buckets_then_each_begins_where_the_last_one_ends(void **state)
{
	uint64_t bucket = padded(0);
	unsigned count = 1;

	(void)state;
	for (; bucket < OBJECT_SIZE_MAX; count++) {
		uint64_t next = padded(bucket + 1);

		assert_int_equal(padded(next), next);
		assert_int_equal(padded(next - 1), next);
		bucket = next;
	}
	assert_int_equal(bucket, OBJECT_SIZE_MAX);
	/* 16 in each doubling, 32 from 64 KiB on, 64 from 4 GiB on */
	assert_int_equal(count, 1 + 8 * 16 + 16 * 32 + 2 * 64);
}

static void
given_a_length_beyond_the_longest_then_refused(void **state)
{
	static const uint64_t sizes[] = {
	    OBJECT_SIZE_MAX + 1, UINT64_C(1) << 63, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t out = 1;

		assert_int_equal(padme_len(sizes[i], &out), SR_TOO_LARGE);
		assert_int_equal(out, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_lengths_then_the_figures_of_another_program),
	    cmocka_unit_test(given_every_short_length_then_the_promises_hold),
	    cmocka_unit_test(
		given_lengths_up_to_the_longest_then_the_promises_hold),
	    cmocka_unit_test(
		given_all_buckets_then_each_begins_where_the_last_one_ends),
	    cmocka_unit_test(given_a_length_beyond_the_longest_then_refused),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
