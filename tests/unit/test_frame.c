/* SPDX-License-Identifier: ISC */
/* Frame headers: every type, every length, every version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/frame.h"

static const struct {
	enum frame_type type;
	size_t min, max;
} allowed[] = {
    {FRAME_HELLO, 320, 320},
    {FRAME_M1, 312, 312},
    {FRAME_M2, 432, 432},
    {FRAME_M3, 528, 528},
    {FRAME_M4, 1296, 1296},
    {FRAME_M5, 336, 336},
    {FRAME_RECORD, 272, 16656},
};

static void
given_every_type_and_length_then_only_the_specified_are_taken(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		size_t min = 1, max = 0;

		for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]);
		     i++)
			if ((unsigned)allowed[i].type == type) {
				min = allowed[i].min;
				max = allowed[i].max;
			}
		for (size_t len = 0; len <= UINT16_MAX; len++) {
			uint8_t bytes[4] = {(uint8_t)len, (uint8_t)(len >> 8),
			    (uint8_t)type, FRAME_VERSION};
			struct frame_header header;
			enum sr_error error = frame_read(bytes, &header);

			if ((error == SR_OK) != (len >= min && len <= max))
				fail_msg("type %u, length %zu", type, len);
			if (error == SR_OK &&
			    (header.len != len ||
				(unsigned)header.type != type))
				fail_msg("type %u, length %zu", type, len);
		}
	}
}

static void
given_a_frame_that_is_too_long_then_it_is_named_so(void **state)
{
	uint8_t bytes[4] = {0x11, 0x41, FRAME_RECORD, FRAME_VERSION};
	struct frame_header header;

	(void)state;
	assert_int_equal(frame_read(bytes, &header), SR_TOO_LARGE);
	bytes[0] = 0x10; /* 16,656 */
	assert_int_equal(frame_read(bytes, &header), SR_OK);
}

static void
given_another_version_then_it_is_refused(void **state)
{
	(void)state;
	for (unsigned version = 0; version < 256; version++) {
		uint8_t bytes[4] = {0x40, 0x01, FRAME_HELLO, (uint8_t)version};
		struct frame_header header;

		assert_int_equal(frame_read(bytes, &header),
		    version == FRAME_VERSION ? SR_OK : SR_VERSION);
	}
}

static void
given_a_header_that_was_written_then_it_reads_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		struct frame_header header;
		uint8_t bytes[4];

		frame_write(allowed[i].type, allowed[i].max, bytes);
		assert_int_equal(frame_read(bytes, &header), SR_OK);
		assert_int_equal(header.type, allowed[i].type);
		assert_int_equal(header.len, allowed[i].max);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_every_type_and_length_then_only_the_specified_are_taken),
	    cmocka_unit_test(
		given_a_frame_that_is_too_long_then_it_is_named_so),
	    cmocka_unit_test(given_another_version_then_it_is_refused),
	    cmocka_unit_test(
		given_a_header_that_was_written_then_it_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
