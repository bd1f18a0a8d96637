/* SPDX-License-Identifier: ISC */
/* The order's 208 bytes, its signature and its attachments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/authority.h"
#include "common/ids.h"
#include "common/order.h"

static struct order
sample(void)
{
	struct order order = {.kind = ORDER_TRANSFER,
	    .unit = order_unit(2),
	    .terminal = 0x01020304,
	    .signer = 7,
	    .seq = 3,
	    .debit = account_id(7, 0),
	    .credit = account_id(9, 0),
	    .amount_minor = 1250,
	    .not_after_ms = 1790000000000,
	    .refers_to = 5};

	memset(order.session, 0x51, sizeof(order.session));
	memset(order.previous, 0x52, sizeof(order.previous));
	memset(order.reference, 0x53, sizeof(order.reference));
	memset(order.attachment_hash, 0x54, sizeof(order.attachment_hash));
	memset(order.bank, 0x55, sizeof(order.bank));
	return order;
}

static void
given_an_order_when_encoded_then_each_field_stands_at_its_offset(void **state)
{
	static const uint8_t head[64] = "SRORDER1"
					"\x01\x00\x01\x02\x04\x03\x02\x01"
					"\x07\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"
					"\0\0\x07\0\0\0\0\0\0\0\x09\0\0\0\0\0"
					"\xe2\x04\0\0\0\0\0\0";
	struct order order = sample();
	uint8_t bytes[ORDER_LEN];

	(void)state;
	order_encode(&order, bytes);
	assert_memory_equal(bytes, head, 56);
	assert_int_equal(bytes[64], 0x51);
	assert_int_equal(bytes[80], 0x52);
	assert_int_equal(bytes[111], 0x52);
	assert_int_equal(bytes[112], 5);
	assert_int_equal(bytes[120], 0x53);
	assert_int_equal(bytes[136], 0x54);
	assert_int_equal(bytes[168], 0x55);
	assert_int_equal(bytes[199], 0x55);
	assert_int_equal(bytes[200], 0);
}

static void
given_an_order_when_decoded_then_it_encodes_to_the_same_bytes(void **state)
{
	struct order order = sample(), read;
	uint8_t bytes[ORDER_LEN], again[ORDER_LEN];

	(void)state;
	order_encode(&order, bytes);
	assert_int_equal(order_decode(bytes, &read), SR_OK);
	order_encode(&read, again);
	assert_memory_equal(bytes, again, ORDER_LEN);
}

static void
given_wrong_magic_kind_flag_or_reserve_when_decoded_then_malformed(void **state)
{
	static const size_t places[] = {0, 7, 9, 200, 207};
	struct order order = sample(), read;
	uint8_t bytes[ORDER_LEN];

	(void)state;
	order_encode(&order, bytes);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bytes[places[i]] ^= 1;
		assert_int_equal(order_decode(bytes, &read), SR_MALFORMED);
		bytes[places[i]] ^= 1;
	}
	for (unsigned kind = 0; kind < 256; kind++) {
		bytes[8] = (uint8_t)kind;
		assert_int_equal(order_decode(bytes, &read),
		    order_kind_known(kind) ? SR_OK : SR_MALFORMED);
	}
	assert_false(order_kind_known(ORDER_UNDO));
}

static void
given_a_signature_when_any_bit_changes_then_it_does_not_verify(void **state)
{
	struct order order = sample();
	uint8_t bytes[ORDER_LEN], signature[64], public_key[32], secret[64];
	uint8_t seed[32] = {1};

	(void)state;
	crypto_sign_seed_keypair(public_key, secret, seed);
	order_encode(&order, bytes);
	assert_int_equal(order_sign(bytes, secret, signature), SR_OK);
	assert_int_equal(order_verify(bytes, signature, public_key), SR_OK);
	for (size_t i = 0; i < ORDER_LEN; i++) {
		bytes[i] ^= 0x10;
		assert_int_equal(
		    order_verify(bytes, signature, public_key), SR_SIGNATURE);
		bytes[i] ^= 0x10;
	}
	signature[40] ^= 1;
	assert_int_equal(
	    order_verify(bytes, signature, public_key), SR_SIGNATURE);
}

static void
given_attachments_when_checked_then_each_kind_has_one_layout(void **state)
{
	struct order_enrol enrol = {.principal = 4,
	    .terminal = 2,
	    .epoch = 1,
	    .till_maximum_minor = 100000,
	    .role = ROLE_TERMINAL};
	struct order_revoke revoke = {.principal = 4, .terminal = 2};
	uint8_t bytes[ORDER_ENROL_LEN];
	char memo[ORDER_MEMO_MAX + 1];

	(void)state;
	memset(memo, 'm', sizeof(memo));
	assert_int_equal(
	    order_attachment_check(ORDER_TRANSFER, NULL, 0), SR_OK);
	assert_int_equal(
	    order_attachment_check(ORDER_DEPOSIT, memo, ORDER_MEMO_MAX), SR_OK);
	assert_int_equal(
	    order_attachment_check(ORDER_TRANSFER, memo, ORDER_MEMO_MAX + 1),
	    SR_PARAMETERS);
	assert_int_equal(
	    order_attachment_check(ORDER_TRANSFER, "a\nb", 3), SR_PARAMETERS);
	order_enrol_encode(&enrol, bytes);
	assert_int_equal(
	    order_attachment_check(ORDER_ENROL_REQUEST, bytes, sizeof(bytes)),
	    SR_OK);
	bytes[31] = 1;
	assert_int_equal(
	    order_attachment_check(ORDER_ENROL_REQUEST, bytes, sizeof(bytes)),
	    SR_PARAMETERS);
	enrol.role = ROLE_OPERATOR;
	order_enrol_encode(&enrol, bytes);
	assert_int_equal(
	    order_attachment_check(ORDER_ENROL_REQUEST, bytes, sizeof(bytes)),
	    SR_PARAMETERS);
	enrol.role = ROLE_TERMINAL;
	enrol.till_maximum_minor = -1;
	order_enrol_encode(&enrol, bytes);
	assert_int_equal(
	    order_attachment_check(ORDER_ENROL_REQUEST, bytes, sizeof(bytes)),
	    SR_PARAMETERS);
	order_revoke_encode(&revoke, bytes);
	assert_int_equal(
	    order_attachment_check(ORDER_REVOKE, bytes, ORDER_REVOKE_LEN),
	    SR_OK);
	assert_int_equal(
	    order_attachment_check(ORDER_REVOKE, bytes, ORDER_REVOKE_LEN - 1),
	    SR_PARAMETERS);
	assert_int_equal(
	    order_attachment_check(ORDER_APPROVE, bytes, 31), SR_PARAMETERS);
	assert_int_equal(order_attachment_check(ORDER_POST, NULL, 0), SR_OK);
	assert_int_equal(
	    order_attachment_check(ORDER_POST, memo, 1), SR_PARAMETERS);
	assert_int_equal(
	    order_attachment_check(ORDER_VOID, memo, 1), SR_PARAMETERS);
	assert_int_equal(order_attachment_check(
			     ORDER_RELEASE_REQUEST, bytes, ORDER_RELEASE_LEN),
	    SR_OK);
	assert_int_equal(order_attachment_check(ORDER_RELEASE_REQUEST, bytes,
			     ORDER_RELEASE_LEN - 1),
	    SR_PARAMETERS);
	assert_int_equal(
	    order_attachment_check(ORDER_TRANSFER, memo, 4097), SR_TOO_LARGE);
}

static void
given_the_authority_table_when_asked_then_only_its_lines_allow(void **state)
{
	unsigned allowed = 0;

	(void)state;
	for (unsigned kind = 0; kind < 64; kind++)
		for (unsigned role = 0; role < 16; role++)
			allowed += authority_allows(kind, role);
	assert_int_equal(allowed, 11);
	assert_true(authority_allows(ORDER_TRANSFER, ROLE_CUSTOMER));
	assert_true(authority_allows(ORDER_DEPOSIT, ROLE_TERMINAL));
	assert_true(authority_allows(ORDER_DEPOSIT, ROLE_TELLER));
	assert_true(authority_allows(ORDER_ENROL_REQUEST, ROLE_OPERATOR));
	assert_true(authority_allows(ORDER_AUDITOR_REQUEST, ROLE_OPERATOR));
	assert_true(authority_allows(ORDER_APPROVE, ROLE_OPERATOR));
	assert_true(authority_allows(ORDER_REVOKE, ROLE_OPERATOR));
	assert_true(authority_allows(ORDER_HOLD, ROLE_CUSTOMER));
	assert_true(authority_allows(ORDER_POST, ROLE_TERMINAL));
	assert_true(authority_allows(ORDER_VOID, ROLE_TERMINAL));
	assert_true(authority_allows(ORDER_RELEASE_REQUEST, ROLE_OPERATOR));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_an_order_when_encoded_then_each_field_stands_at_its_offset),
	    cmocka_unit_test(
		given_an_order_when_decoded_then_it_encodes_to_the_same_bytes),
	    cmocka_unit_test(
		given_wrong_magic_kind_flag_or_reserve_when_decoded_then_malformed),
	    cmocka_unit_test(
		given_a_signature_when_any_bit_changes_then_it_does_not_verify),
	    cmocka_unit_test(
		given_attachments_when_checked_then_each_kind_has_one_layout),
	    cmocka_unit_test(
		given_the_authority_table_when_asked_then_only_its_lines_allow),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
