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
	/* reserved, or of nobody yet */
	assert_false(order_kind_known(0));
	assert_false(order_kind_known(ORDER_REKEY));
	assert_false(order_kind_known(ORDER_VISIBILITY));
	for (unsigned kind = ORDER_BOX_PUT; kind <= ORDER_MESSAGE; kind++)
		assert_false(order_kind_known(kind));
	assert_true(order_kind_known(ORDER_RESET));
	assert_false(order_kind_known(ORDER_RESET + 1));
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

/* Blocks of one length and layout: each number to its place and back. */
static void
given_blocks_when_encoded_then_each_field_stands_at_its_offset(void **state)
{
	const struct order_policy policy = {
	    {0, -2, -1, 0x0300, 0x0400}, 0x0500, 0x0600, 0x0700};
	const struct order_limits limits = {0x0100, -2, -1, 0x0300, 0x0400};
	const struct order_role role = {0x0100, 0x0200, 0, ROLE_TELLER};
	const struct order_count count = {
	    .till = 0x0100, .lines = 2, .line = {{500, 3}, {20, 0x0102}}};
	struct order_policy policy_read;
	struct order_limits limits_read;
	struct order_role role_read;
	struct order_count count_read;
	uint8_t bytes[ORDER_COUNT_MAX];
	uint64_t account;

	(void)state;
	order_policy_encode(&policy, bytes);
	assert_memory_equal(bytes, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9);
	assert_int_equal(bytes[17], 3);
	assert_int_equal(bytes[25], 4);
	assert_int_equal(bytes[33], 5);
	assert_int_equal(bytes[41], 6);
	assert_int_equal(bytes[49], 7);
	assert_int_equal(
	    order_policy_decode(bytes, ORDER_POLICY_LEN, &policy_read), SR_OK);
	assert_memory_equal(&policy_read, &policy, sizeof(policy));
	order_limits_encode(&limits, bytes);
	assert_int_equal(bytes[1], 1);
	assert_int_equal(bytes[8], 0xfe);
	assert_int_equal(bytes[16], 0xff);
	assert_int_equal(bytes[25], 3);
	assert_int_equal(bytes[33], 4);
	assert_int_equal(
	    order_limits_decode(bytes, ORDER_LIMITS_LEN, &limits_read), SR_OK);
	assert_memory_equal(&limits_read, &limits, sizeof(limits));
	order_role_encode(&role, bytes);
	assert_int_equal(bytes[1], 1);
	assert_int_equal(bytes[8], ROLE_TELLER);
	assert_int_equal(bytes[17], 2);
	assert_int_equal(
	    order_role_decode(bytes, ORDER_ROLE_LEN, &role_read), SR_OK);
	assert_true(role_read.principal == 0x0100 && role_read.till == 0x0200);
	assert_int_equal(role_read.role, ROLE_TELLER);
	assert_int_equal(order_count_encode(&count, bytes), 48);
	assert_int_equal(bytes[8], 2);
	assert_int_equal(bytes[16], 500 & 255);
	assert_int_equal(bytes[24], 3);
	assert_int_equal(bytes[32], 20);
	assert_int_equal(bytes[41], 1);
	assert_int_equal(order_count_decode(bytes, 48, &count_read), SR_OK);
	assert_true(count_read.sum_minor == 1500 + 20 * 0x0102);
	assert_memory_equal(count_read.line, count.line, sizeof(count.line));
	order_account_encode(0x0304, bytes);
	assert_memory_equal(bytes, "\x04\x03", 2);
	assert_int_equal(
	    order_account_decode(bytes, ORDER_ACCOUNT_LEN, &account), SR_OK);
	assert_true(account == 0x0304);
}

/* What every kind takes; nothing is longer or shorter, and reserves are zero. */
static void
given_each_kind_when_its_attachment_has_another_length_then_declined(
    void **state)
{
	static const struct {
		enum order_kind kind;
		size_t len;
		size_t reserved;
	} fixed[] = {
	    {ORDER_ENROL_REQUEST, ORDER_ENROL_LEN, 31},
	    {ORDER_REVOKE, ORDER_REVOKE_LEN, 15},
	    {ORDER_POLICY, ORDER_POLICY_LEN, 63},
	    {ORDER_ROLE, ORDER_ROLE_LEN, 15},
	    {ORDER_FREEZE, ORDER_ACCOUNT_LEN, 15},
	    {ORDER_UNFREEZE, ORDER_ACCOUNT_LEN, 15},
	    {ORDER_CLOSE, ORDER_ACCOUNT_LEN, 15},
	    {ORDER_ROLE_REVOKE, ORDER_ACCOUNT_LEN, 15},
	    {ORDER_CERTIFY, ORDER_CERTIFY_LEN, 15},
	    {ORDER_RETIRE, ORDER_RETIRE_LEN, 7},
	    {ORDER_TILL_OPEN, ORDER_COUNT_FIXED_LEN, 15},
	    {ORDER_TILL_COUNT, ORDER_COUNT_FIXED_LEN, 15},
	    {ORDER_TILL_CLOSE, ORDER_COUNT_FIXED_LEN, 15},
	};
	static const enum order_kind memos[] = {ORDER_TRANSFER, ORDER_DEPOSIT,
	    ORDER_HOLD, ORDER_UNDO, ORDER_REVERSE, ORDER_ISSUE, ORDER_ADJUST,
	    ORDER_CASH_OUT};
	uint8_t bytes[ORDER_ATTACHMENT_MAX + 1] = {0};
	unsigned with_memo = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		unsigned kind = fixed[i].kind;

		memset(bytes, 0, sizeof(bytes));
		if (kind == ORDER_ENROL_REQUEST)
			bytes[8] = bytes[16] = 1, bytes[24] = ROLE_TERMINAL;
		if (kind == ORDER_POLICY)
			bytes[16] = bytes[32] = bytes[40] = 1;
		if (kind == ORDER_ROLE)
			bytes[8] = ROLE_OPERATOR;
		if (kind == ORDER_CERTIFY)
			bytes[0] = bytes[16] = 1;
		if (kind == ORDER_RETIRE)
			bytes[0] = 1;
		assert_int_equal(
		    order_attachment_check(kind, bytes, fixed[i].len), SR_OK);
		assert_int_equal(
		    order_attachment_check(kind, bytes, fixed[i].len - 1),
		    SR_PARAMETERS);
		assert_int_equal(
		    order_attachment_check(kind, bytes, fixed[i].len + 1),
		    SR_PARAMETERS);
		assert_int_equal(
		    order_attachment_check(kind, NULL, 0), SR_PARAMETERS);
		bytes[fixed[i].reserved] = 1;
		assert_int_equal(
		    order_attachment_check(kind, bytes, fixed[i].len),
		    SR_PARAMETERS);
	}
	memset(bytes, 'm', sizeof(bytes));
	for (size_t i = 0; i < sizeof(memos) / sizeof(memos[0]); i++) {
		assert_true(order_kind_has_memo(memos[i]));
		assert_int_equal(
		    order_attachment_check(memos[i], bytes, ORDER_MEMO_MAX),
		    SR_OK);
		assert_int_equal(
		    order_attachment_check(memos[i], bytes, ORDER_MEMO_MAX + 1),
		    SR_PARAMETERS);
	}
	for (unsigned kind = 0; kind <= UINT8_MAX; kind++) {
		with_memo += order_kind_has_memo(kind);
		/* none takes more than the longest, and an unknown one nothing */
		assert_int_equal(order_attachment_check(
				     kind, bytes, ORDER_ATTACHMENT_MAX + 1),
		    SR_TOO_LARGE);
		if (!order_kind_known(kind))
			assert_int_equal(order_attachment_check(kind, NULL, 0),
			    SR_PARAMETERS);
		/* a request keeps what it says until it is approved */
		if (order_kind_is_request(kind))
			assert_int_not_equal(
			    order_attachment_check(
				kind, bytes, ORDER_REQUEST_ATTACHMENT_MAX + 1),
			    SR_OK);
	}
	assert_int_equal(with_memo, sizeof(memos) / sizeof(memos[0]));
	assert_int_equal(order_attachment_check(ORDER_ERASE, NULL, 0), SR_OK);
	assert_int_equal(
	    order_attachment_check(ORDER_ERASE, bytes, 1), SR_PARAMETERS);
	assert_int_equal(
	    order_attachment_check(ORDER_ACCOUNT_OPEN, bytes, 16), SR_OK);
	assert_int_equal(order_attachment_check(ORDER_ACCOUNT_OPEN, bytes, 17),
	    SR_PARAMETERS);
	assert_int_equal(
	    order_attachment_check(ORDER_ACCOUNT_OPEN, NULL, 0), SR_PARAMETERS);
}

/*
 * The whole of policy/authority.def again, as a list by role: who changes one
 * of the two changes the other, and knows why.
 */
static void
given_the_authority_table_when_asked_then_only_its_lines_allow(void **state)
{
	static const struct {
		enum role role;
		unsigned kinds;
		uint8_t kind[24];
	} may[] = {
	    {ROLE_CUSTOMER, 6,
		{ORDER_TRANSFER, ORDER_UNDO, ORDER_HOLD, ORDER_ACCOUNT_OPEN,
		    ORDER_CLOSE, ORDER_ERASE}},
	    {ROLE_TERMINAL, 8,
		{ORDER_DEPOSIT, ORDER_UNDO, ORDER_POST, ORDER_VOID,
		    ORDER_TILL_OPEN, ORDER_TILL_COUNT, ORDER_TILL_CLOSE,
		    ORDER_CASH_OUT}},
	    {ROLE_TELLER, 6,
		{ORDER_DEPOSIT, ORDER_UNDO, ORDER_TILL_OPEN, ORDER_TILL_COUNT,
		    ORDER_TILL_CLOSE, ORDER_CASH_OUT}},
	    {ROLE_OPERATOR, 18,
		{ORDER_ENROL_REQUEST, ORDER_AUDITOR_REQUEST,
		    ORDER_RELEASE_REQUEST, ORDER_REVERSE, ORDER_ISSUE,
		    ORDER_ADJUST, ORDER_POLICY, ORDER_ROLE, ORDER_RAISE_LIMIT,
		    ORDER_UNFREEZE, ORDER_CASH_OUT, ORDER_APPROVE, ORDER_REVOKE,
		    ORDER_ROLE_REVOKE, ORDER_FREEZE, ORDER_LOWER_LIMIT,
		    ORDER_RETIRE, ORDER_RESET}},
	    {ROLE_AUDITOR, 1, {ORDER_CERTIFY}},
	};
	unsigned allowed = 0, listed = 0;

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++)
		for (unsigned role = 0; role < 16; role++)
			allowed += authority_allows(kind, role);
	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++)
		for (unsigned k = 0; k < may[i].kinds; k++, listed++)
			assert_true(
			    authority_allows(may[i].kind[k], may[i].role));
	assert_int_equal(allowed, listed);
	/* who asks for four eyes is an operator, but for cash that is handed
	   over; who approves is one always */
	for (unsigned kind = 0; kind < 256; kind++)
		if (order_kind_is_request(kind))
			assert_true(authority_allows(kind, ROLE_OPERATOR));
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
		given_blocks_when_encoded_then_each_field_stands_at_its_offset),
	    cmocka_unit_test(
		given_each_kind_when_its_attachment_has_another_length_then_declined),
	    cmocka_unit_test(
		given_the_authority_table_when_asked_then_only_its_lines_allow),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
