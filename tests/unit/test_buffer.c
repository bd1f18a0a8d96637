/* SPDX-License-Identifier: ISC */
/* The bounded reader and writer: nothing outside the region, ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "common/buffer.h"

static const uint8_t all[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
    0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0xfe, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff};

static void
given_integers_then_they_are_little_endian_both_ways(void **state)
{
	uint8_t out[sizeof(all)];
	struct reader r = reader_of(all, sizeof(all));
	struct writer w = writer_to(out, sizeof(out));

	(void)state;
	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_u16(&r), 0x0302);
	assert_int_equal(reader_u32(&r), 0x07060504);
	assert_true(reader_u64(&r) == 0x0f0e0d0c0b0a0908);
	assert_int_equal(reader_i64(&r), -2);
	assert_true(reader_end(&r));

	writer_u8(&w, 0x01);
	writer_u16(&w, 0x0302);
	writer_u32(&w, 0x07060504);
	writer_u64(&w, 0x0f0e0d0c0b0a0908);
	writer_i64(&w, -2);
	assert_false(w.bad);
	assert_int_equal(writer_len(&w), sizeof(all));
	assert_memory_equal(out, all, sizeof(all));
}

static void
given_too_few_bytes_then_each_read_gives_zeros_and_stays_bad(void **state)
{
	uint8_t copy[4] = {9, 9, 9, 9};

	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct reader r = reader_of(all, len);

		assert_true(reader_u64(&r) == 0);
		assert_true(r.bad);
		assert_int_equal(reader_u8(&r), 0);
		assert_null(reader_view(&r, 0));
		assert_false(reader_end(&r));
	}
	struct reader r = reader_of(all, 3);
	reader_bytes(&r, copy, sizeof(copy));
	assert_memory_equal(copy, "\0\0\0\0", sizeof(copy));
	assert_false(reader_end(&r));
}

static void
given_a_length_that_wraps_then_nothing_is_viewed(void **state)
{
	struct reader r = reader_of(all, sizeof(all));

	(void)state;
	reader_u8(&r);
	assert_null(reader_view(&r, SIZE_MAX));
	assert_null(reader_view(&r, 1));
	assert_int_equal(reader_left(&r), sizeof(all) - 1);
}

static void
given_bytes_left_over_then_it_is_not_the_end(void **state)
{
	struct reader r = reader_of(all, 3);

	(void)state;
	reader_u16(&r);
	assert_int_equal(reader_left(&r), 1);
	assert_false(reader_end(&r));
	assert_ptr_equal(reader_view(&r, 1), all + 2);
	assert_true(reader_end(&r));
}

static void
given_reserved_bytes_then_any_that_is_not_zero_is_bad(void **state)
{
	uint8_t zeros[16] = {0};
	struct reader r = reader_of(zeros, sizeof(zeros));

	(void)state;
	reader_zeros(&r, sizeof(zeros));
	assert_true(reader_end(&r));
	for (size_t i = 0; i < sizeof(zeros); i++) {
		for (int bit = 0; bit < 8; bit++) {
			zeros[i] = (uint8_t)(1 << bit);
			r = reader_of(zeros, sizeof(zeros));
			reader_zeros(&r, sizeof(zeros));
			assert_true(r.bad);
		}
		zeros[i] = 0;
	}
	r = reader_of(zeros, 3);
	reader_zeros(&r, 4);
	assert_true(r.bad);
}

static void
given_no_bytes_at_all_then_the_end_is_reached_at_once(void **state)
{
	struct reader r = reader_of(NULL, 0);
	struct writer w = writer_to(NULL, 0);

	(void)state;
	reader_bytes(&r, NULL, 0);
	reader_zeros(&r, 0);
	assert_true(reader_end(&r));
	writer_bytes(&w, NULL, 0);
	writer_zeros(&w, 0);
	assert_false(w.bad);
	writer_u8(&w, 1);
	assert_true(w.bad);
}

static void
given_a_full_region_then_a_write_changes_nothing(void **state)
{
	uint8_t out[5];
	struct writer w = writer_to(out, 4);

	(void)state;
	memset(out, 0xaa, sizeof(out));
	writer_u16(&w, 0x0201);
	writer_u32(&w, 0xffffffff);
	assert_true(w.bad);
	assert_int_equal(writer_len(&w), 2);
	writer_u8(&w, 3);
	writer_zeros(&w, 1);
	writer_bytes(&w, "x", 1);
	assert_int_equal(writer_len(&w), 2);
	assert_memory_equal(out, "\x01\x02\xaa\xaa\xaa", sizeof(out));

	w = writer_to(out, 4);
	writer_zeros(&w, SIZE_MAX);
	assert_true(w.bad);
	assert_int_equal(writer_len(&w), 0);
}

static void
given_the_extremes_then_the_signed_integer_survives(void **state)
{
	static const int64_t values[] = {INT64_MIN, -1, 0, 1, INT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint8_t out[8];
		struct writer w = writer_to(out, sizeof(out));
		struct reader r = reader_of(out, sizeof(out));

		writer_i64(&w, values[i]);
		assert_true(reader_i64(&r) == values[i]);
		assert_true(reader_end(&r));
	}
}

static void
given_a_magic_then_only_a_higher_number_is_a_newer_version(void **state)
{
	static const struct {
		const char *found;
		const char *known;
		enum sr_error error;
	} cases[] = {
	    {"SRKEPT01", "SRKEPT01", SR_OK},
	    {"SRKEPT02", "SRKEPT01", SR_VERSION},
	    {"SRKEPT10", "SRKEPT02", SR_VERSION},
	    {"SRKEPT99", "SRKEPT01", SR_VERSION},
	    {"SRKEPT00", "SRKEPT01", SR_DAMAGED},
	    {"SRKEPT0:", "SRKEPT01", SR_DAMAGED},
	    {"SRKEPT:1", "SRKEPT01", SR_DAMAGED},
	    {"SRKEPTx2", "SRKEPT01", SR_DAMAGED},
	    {"SRKEPs02", "SRKEPT01", SR_DAMAGED},
	    {"SRSTATE2", "SRSTATE1", SR_VERSION},
	    {"SRSTAT12", "SRSTATE1", SR_DAMAGED},
	    {"SRF2", "SRF1", SR_VERSION},
	    {"SRG1", "SRF1", SR_DAMAGED},
	    {"", "SRF1", SR_DAMAGED},
	    {"SRF", "SRF1", SR_DAMAGED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reader r =
		    reader_of(cases[i].found, strlen(cases[i].found));

		assert_int_equal(
		    reader_magic(&r, cases[i].known, strlen(cases[i].known)),
		    cases[i].error);
		assert_int_equal(reader_left(&r) == 0,
		    strlen(cases[i].found) == strlen(cases[i].known) ||
			cases[i].found[0] == '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_integers_then_they_are_little_endian_both_ways),
	    cmocka_unit_test(
		given_too_few_bytes_then_each_read_gives_zeros_and_stays_bad),
	    cmocka_unit_test(given_a_length_that_wraps_then_nothing_is_viewed),
	    cmocka_unit_test(given_bytes_left_over_then_it_is_not_the_end),
	    cmocka_unit_test(
		given_reserved_bytes_then_any_that_is_not_zero_is_bad),
	    cmocka_unit_test(
		given_no_bytes_at_all_then_the_end_is_reached_at_once),
	    cmocka_unit_test(given_a_full_region_then_a_write_changes_nothing),
	    cmocka_unit_test(
		given_the_extremes_then_the_signed_integer_survives),
	    cmocka_unit_test(
		given_a_magic_then_only_a_higher_number_is_a_newer_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
