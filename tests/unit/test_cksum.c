/* SPDX-License-Identifier: ISC */
/* POSIX cksum: known sums, the plain definition, and the system's program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "common/cksum.h"

enum { PIECE_MAX = 70000 };

static uint8_t piece[PIECE_MAX];

static uint32_t
sum_of(const void *bytes, size_t len)
{
	struct cksum sum;

	cksum_init(&sum);
	cksum_update(&sum, bytes, len);
	assert_int_equal(sum.len, len);
	return cksum_final(&sum);
}

/* The standard's polynomial division, bit by bit. */
static uint32_t
plainly(uint32_t crc, uint8_t byte)
{
	for (int bit = 7; bit >= 0; bit--) {
		bool carry = (crc >> 31 ^ ((uint32_t)byte >> bit & 1u)) != 0;

		crc = crc << 1 ^ (carry ? 0x04c11db7u : 0);
	}
	return crc;
}

static uint32_t
plain_end(uint32_t crc, uint64_t len)
{
	for (; len != 0; len /= 256)
		crc = plainly(crc, (uint8_t)(len % 256));
	return ~crc;
}

static uint32_t
plain_sum(const uint8_t *bytes, size_t len)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < len; i++)
		crc = plainly(crc, bytes[i]);
	return plain_end(crc, len);
}

/* CRC-32/CKSUM of the catalogues, and what `printf ... | cksum` prints. */
static void
given_known_texts_then_their_sums(void **state)
{
	(void)state;
	assert_int_equal(sum_of("", 0), 4294967295u);
	assert_int_equal(sum_of("123456789", 9), 930766865u);
	assert_int_equal(sum_of("a", 1), 1220704766u);
	assert_int_equal(sum_of("\0", 1), 4215202376u);
}

static void
given_each_short_length_then_as_the_definition(void **state)
{
	(void)state;
	randombytes_buf(piece, sizeof(piece));
	for (size_t len = 0; len < 600; len++)
		for (size_t from = 0; from < 9; from++)
			assert_int_equal(sum_of(piece + from, len),
			    plain_sum(piece + from, len));
}

static void
given_random_splits_then_one_sum(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		size_t len = randombytes_uniform(PIECE_MAX + 1);
		struct cksum sum;

		cksum_init(&sum);
		for (size_t at = 0; at < len;) {
			size_t step = randombytes_uniform(200);

			step = step < len - at ? step : len - at;
			cksum_update(&sum, piece + at, step);
			/* looking does not disturb */
			(void)cksum_final(&sum);
			at += step;
		}
		assert_int_equal(sum.len, len);
		assert_int_equal(cksum_final(&sum), sum_of(piece, len));
	}
}

/* The number of bytes is appended whole: more than 32 bits of it, too. */
static void
given_lengths_beyond_four_gigabytes_then_all_of_their_bytes_count(void **state)
{
	static const uint64_t lens[] = {0xff, 0x100, 0xffffffff, 0x100000000,
	    0x123456789a, UINT64_C(1) << 34};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct cksum sum = {.crc = 0xc0ffee00u, .len = lens[i]};

		assert_int_equal(
		    cksum_final(&sum), plain_end(0xc0ffee00u, lens[i]));
	}
}

/* What the system's program prints of a file of these bytes. */
static void
as_the_system(const uint8_t *bytes, size_t len)
{
	char command[64];
	uint32_t theirs = 0;
	uint64_t their_len = 0;
	FILE *pipe;
	int fd = memfd_create("cksum", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	snprintf(
	    command, sizeof(command), "cksum /proc/%d/fd/%d", getpid(), fd);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(
	    fscanf(pipe, "%" SCNu32 " %" SCNu64, &theirs, &their_len), 2);
	assert_int_equal(pclose(pipe), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(sum_of(bytes, len), theirs);
	assert_int_equal(len, their_len);
}

static void
given_files_then_as_the_systems_program(void **state)
{
	static const size_t lens[] = {
	    0, 1, 7, 8, 9, 255, 256, 65535, 65536, 65537};

	(void)state;
	randombytes_buf(piece, sizeof(piece));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		as_the_system(piece, lens[i]);
	for (unsigned round = 0; round < 20; round++)
		as_the_system(piece, randombytes_uniform(PIECE_MAX + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_known_texts_then_their_sums),
	    cmocka_unit_test(given_each_short_length_then_as_the_definition),
	    cmocka_unit_test(given_random_splits_then_one_sum),
	    cmocka_unit_test(
		given_lengths_beyond_four_gigabytes_then_all_of_their_bytes_count),
	    cmocka_unit_test(given_files_then_as_the_systems_program),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
