/* SPDX-License-Identifier: ISC */
/*
 * The seal of a disclosed key: for one bank, auditor, segment and salt.  And
 * the file's two layouts, of which no byte may be another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/disclosure.h"
#include "common/noise.h"

static const uint8_t bank_id[32] = {1}, secret[32] = {2}, segment_key[32] = {3};

static struct disclosure_item
sealed(void)
{
	struct disclosure_item item = {.segment = 7, .salt = {4}};
	static const uint8_t ephemeral[32] = {5};
	uint8_t auditor[32];

	noise_public_key(auditor, secret);
	assert_int_equal(
	    disclosure_seal(bank_id, auditor, ephemeral, segment_key, &item),
	    SR_OK);
	return item;
}

static void
given_a_sealed_key_when_anything_else_is_named_then_it_stays_shut(void **state)
{
	struct disclosure_item item = sealed();
	uint8_t bytes[DISCLOSURE_ITEM_LEN], key[32], other[32] = {9};

	(void)state;
	assert_int_equal(disclosure_open(bank_id, secret, &item, key), SR_OK);
	assert_memory_equal(key, segment_key, 32);
	assert_int_equal(disclosure_open(other, secret, &item, key), SR_CRYPTO);
	assert_int_equal(
	    disclosure_open(bank_id, other, &item, key), SR_CRYPTO);
	disclosure_item_encode(&item, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x40;
		if (disclosure_item_decode(bytes, &item) == SR_OK)
			assert_int_equal(
			    disclosure_open(bank_id, secret, &item, key),
			    SR_CRYPTO);
		bytes[i] ^= 0x40;
	}
}

static void
given_a_file_header_when_a_byte_is_another_then_another_bank_or_refused(
    void **state)
{
	struct disclosure_header header = {
	    .count = 3, .bank_id = {1}, .auditor = {2}};
	uint8_t bytes[DISCLOSURE_HEADER_LEN], again[DISCLOSURE_HEADER_LEN];
	struct disclosure_header read;

	(void)state;
	disclosure_header_encode(&header, bytes);
	assert_int_equal(disclosure_header_decode(bytes, &read), SR_OK);
	assert_int_equal(read.count, 3);
	assert_memory_equal(read.bank_id, bank_id, 32);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x81;
		if (disclosure_header_decode(bytes, &read) == SR_OK) {
			assert_true(i >= 12);
			disclosure_header_encode(&read, again);
			assert_memory_equal(again, bytes, sizeof(bytes));
		}
		bytes[i] ^= 0x81;
	}
	bytes[8] = 2;
	assert_int_equal(disclosure_header_decode(bytes, &read), SR_VERSION);
	header.count = DISCLOSURE_ITEMS_MAX + 1;
	disclosure_header_encode(&header, bytes);
	assert_int_equal(disclosure_header_decode(bytes, &read), SR_TOO_LARGE);
}

static void
given_a_key_of_small_order_when_sealed_to_then_refused(void **state)
{
	static const uint8_t zero[32], one[32] = {1};
	struct disclosure_item item = {.segment = 7};

	(void)state;
	assert_int_equal(
	    disclosure_seal(bank_id, zero, secret, segment_key, &item),
	    SR_PARAMETERS);
	assert_int_equal(
	    disclosure_seal(bank_id, one, secret, segment_key, &item),
	    SR_PARAMETERS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_sealed_key_when_anything_else_is_named_then_it_stays_shut),
	    cmocka_unit_test(
		given_a_file_header_when_a_byte_is_another_then_another_bank_or_refused),
	    cmocka_unit_test(
		given_a_key_of_small_order_when_sealed_to_then_refused),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
