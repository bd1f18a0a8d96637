/* SPDX-License-Identifier: ISC */
/*
 * The book as bytes: read back it is the same book, the version before is read
 * with what it did not know, and what is no book is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/book_stage.h"
#include "common/book/rules.h"
#include "tests/lib/book_state_v1.h"

static struct stage_bytes bytes, again;

static void
request(struct wish wish)
{
	assert_int_equal(stage_order(&wish), SR_OK);
}

/* Something in every table, and each of its fields not zero. */
static void
fill(void)
{
	struct order_release release = {MAIN(ADA), 40};
	struct order_limits limits = {MAIN(ADA), -100, -50, 9000, 3000};
	struct wish wish;

	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 700), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(CARL), 300), SR_OK);
	assert_int_equal(stage_undo(TINA, stage.ordered), SR_OK);
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	assert_int_equal(stage_open(BOB, 0, "sixteen-letters."), SR_OK);
	assert_int_equal(stage_close(FURTHER(BOB, 0)), SR_OK);
	wish = wish_limits(OP_1, ORDER_RAISE_LIMIT, &limits);
	assert_int_equal(stage_agree(&wish), SR_OK);
	limits = (struct order_limits){MAIN(BOB), 0, 0, 9000, 500};
	wish = wish_limits(OP_1, ORDER_LOWER_LIMIT, &limits);
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 11), SR_OK);
	stage.now_ms += 3 * STAGE_HOUR_MS;
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 12), SR_OK);
	assert_int_equal(stage_hold(MAIN(ADA), 40), SR_OK);
	wish = (struct wish){.kind = ORDER_RELEASE_REQUEST,
	    .signer = OP_1,
	    .refers_to = stage.ordered,
	    .attachment = stage.block,
	    .attachment_len = ORDER_RELEASE_LEN};
	stage.now_ms += BOOK_HOLD_OVERDUE_MS;
	order_release_encode(&release, stage.block);
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(stage_post(wish.refers_to, MAIN(ADA), 40), SR_OK);
	assert_int_equal(stage_hold(MAIN(BOB), 20), SR_OK);
	assert_int_equal(
	    stage_count(TOM, TILL(TOM), ORDER_TILL_CLOSE, 0), SR_OK);
	assert_int_equal(stage_close(MAIN(CARL)), SR_OK);
	assert_int_equal(
	    stage_order(&(struct wish){.kind = ORDER_ERASE, .signer = CARL}),
	    SR_OK);
	order_auditor_encode(
	    &(struct order_auditor){.key = {9}, .name_len = 5, .name = "clara"},
	    stage.block);
	wish = (struct wish){.kind = ORDER_AUDITOR_REQUEST,
	    .signer = OP_1,
	    .attachment = stage.block,
	    .attachment_len = ORDER_AUDITOR_LEN};
	assert_int_equal(stage_agree(&wish), SR_OK);
	request(wish_issue(OP_2, MAIN(ADA), 77));
	request(wish_cash_out(LOBBY, TILL(LOBBY), 5));
	request(wish_account(OP_1, ORDER_UNFREEZE, MAIN(STRANGER)));
}

static int
setup(void **state)
{
	if (stage_setup(state) != 0)
		return 1;
	assert_int_equal(stage_freeze(MAIN(STRANGER)), SR_OK);
	return 0;
}

/* ---- the same book --------------------------------------------------------------- */

static void
given_a_full_book_when_read_back_then_it_is_the_same_to_the_byte(void **state)
{
	uint8_t digest[2][32];
	struct book read;

	(void)state;
	fill();
	stage_write(&stage.book, &bytes);
	assert_int_equal(stage_read(&read, &bytes), SR_OK);
	assert_true(bytes.at == bytes.len);
	stage_write(&read, &again);
	assert_true(again.len == bytes.len);
	assert_memory_equal(again.of, bytes.of, bytes.len);
	book_digest(&stage.book, digest[0]);
	book_digest(&read, digest[1]);
	assert_memory_equal(digest[0], digest[1], 32);
	assert_true(read.flows.count == 2);
	assert_true(read.postings.count == stage.book.postings.count);
	/* it goes on as the first would have */
	book_free(&stage.book);
	stage.book = read;
	assert_true(book_day_left(&stage.book, stage_account(MAIN(ADA)),
			stage.now_ms) == 3000 - 11);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 469), SR_LIMIT);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 468), SR_OK);
	assert_int_equal(stage_open(BOB, 1, "sixteen-letters."), SR_OK);
	assert_int_equal(stage_deposit(TOM, MAIN(BOB), 1), SR_TILL_CLOSED);
}

/* What is accepted says nothing that is not in the book. */
static void
given_any_byte_changed_when_read_then_refused_or_another_book(void **state)
{
	unsigned refused = 0;

	(void)state;
	fill();
	stage_write(&stage.book, &bytes);
	for (size_t i = 0; i < bytes.len; i++) {
		struct book read;
		enum sr_error error;

		bytes.of[i] ^= (uint8_t)(1u << i % 8);
		error = stage_read(&read, &bytes);
		if (error == SR_OK && bytes.at == bytes.len) {
			stage_write(&read, &again);
			assert_true(again.len == bytes.len);
			assert_memory_equal(again.of, bytes.of, bytes.len);
		} else {
			refused++;
		}
		book_free(&read);
		bytes.of[i] ^= (uint8_t)(1u << i % 8);
	}
	assert_true(refused > 500);
}

static void
given_bytes_cut_anywhere_when_read_then_refused(void **state)
{
	size_t len;

	(void)state;
	fill();
	stage_write(&stage.book, &bytes);
	len = bytes.len;
	for (bytes.len = 0; bytes.len < len; bytes.len += 5) {
		struct book read;

		assert_int_equal(stage_read(&read, &bytes), SR_DAMAGED);
		book_free(&read);
	}
}

/* A ring that has gone round: the oldest is not at place 0. */
static void
given_a_full_ring_of_postings_when_read_back_then_it_goes_on(void **state)
{
	struct book read;
	uint64_t leaf;

	(void)state;
	for (unsigned i = 0; i < BOOK_POSTINGS + 1000; i++) {
		assert_int_equal(book_reserve_rows(&stage.book), SR_OK);
		book_remember(
		    &stage.book, &(struct book_posting){.leaf = stage.leaf++,
				     .time_ms = i,
				     .debit = MAIN(ADA),
				     .credit = MAIN(BOB),
				     .amount_minor = 1 + i,
				     .kind = ORDER_TRANSFER});
	}
	assert_true(stage.book.postings.count == BOOK_POSTINGS);
	stage_write(&stage.book, &bytes);
	assert_int_equal(stage_read(&read, &bytes), SR_OK);
	leaf = stage.leaf - BOOK_POSTINGS;
	assert_null(book_posting(&read, leaf - 1));
	for (; leaf < stage.leaf; leaf += 777)
		assert_true(book_posting(&read, leaf)->amount_minor ==
			    book_posting(&stage.book, leaf)->amount_minor);
	book_free(&stage.book);
	stage.book = read;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 5), SR_OK);
	assert_int_equal(stage_undo(BOB, stage.ordered), SR_OK);
}

/* ---- the version before ----------------------------------------------------------- */

static void
read_v1(void)
{
	struct stage_bytes old = {
	    .of = (uint8_t *)(uintptr_t)book_v1, .len = sizeof(book_v1)};
	struct book read;

	assert_int_equal(stage_read(&read, &old), SR_OK);
	assert_true(old.at == old.len);
	book_free(&stage.book);
	stage.book = read;
	stage.now_ms = BOOK_V1_NOW_MS;
	stage.leaf = BOOK_V1_NEXT_LEAF;
}

static void
given_a_book_of_version_1_when_read_then_what_it_knew_not_has_its_default(
    void **state)
{
	const struct order_policy *policy = &stage.book.policy;

	(void)state;
	read_v1();
	assert_true(book_sum(&stage.book) == 0);
	assert_true(policy->customer.floor_minor == -250);
	assert_true(policy->customer.soft_floor_minor == -250);
	assert_true(policy->customer.ceiling_minor == 900000);
	assert_true(policy->customer.day_limit_minor == INT64_MAX);
	assert_true(policy->undo_ms == BOOK_UNDO_MS);
	assert_true(policy->order_life_ms == ORDER_LIFE_MAX_MS);
	assert_true(book_account_count(&stage.book) == 2 + 7 + 2);
	for (uint64_t i = 0; i < book_account_count(&stage.book); i++) {
		const struct book_account *a = book_account_at(&stage.book, i);

		assert_true(a->soft_floor_minor == a->floor_minor);
		assert_true(a->day_limit_minor == INT64_MAX);
		assert_false(a->till_closed);
		assert_int_equal(a->label_len, 0);
		assert_int_equal(a->flow, 0);
	}
	assert_true(stage_balance(MAIN(3)) == 5000 - 1250 - 100);
	assert_true(stage_account(MAIN(3))->held_minor == 200);
	assert_true(stage_account(MAIN(4))->held_minor == 300);
	assert_int_equal(stage_account(MAIN(3))->last_frame.offset, 4096 + 3);
	assert_true(book_principal(&stage.book, 3)->till == 0);
	assert_true(book_principal(&stage.book, 6)->till == TILL(6));
	assert_true(book_principal(&stage.book, 7)->till == TILL(7));
	assert_int_equal(book_principal(&stage.book, 7)->role, ROLE_TELLER);
	assert_false(book_principal(&stage.book, 3)->erased);
	assert_int_equal(book_late_count(&stage.book), 1);
	assert_int_equal(stage.book.hold_count, 2);
	assert_true(stage.book.postings.count == 0);
	assert_true(stage.book.posting_count == 0);
}

/* And it goes on by today's rules; what it had open is carried out. */
static void
given_a_book_of_version_1_when_gone_on_with_then_by_the_rules_of_today(
    void **state)
{
	const struct book_request *open;
	struct book read;

	(void)state;
	read_v1();
	for (unsigned i = 4; i < 7; i++) {
		open = book_request_at(&stage.book, i);
		assert_true(book_request_open(&stage.book, open, stage.now_ms));
	}
	open = book_request_at(&stage.book, 4);
	assert_true(open->leaf == BOOK_V1_RELEASE);
	assert_int_equal(stage_approve(2, open->leaf, open->hash), SR_OK);
	assert_true(stage_account(MAIN(3))->held_minor == 0);
	open = book_request_at(&stage.book, 5);
	assert_true(open->leaf == BOOK_V1_ENROL);
	assert_int_equal(stage_approve(2, open->leaf, open->hash), SR_OK);
	assert_non_null(book_terminal(&stage.book, 77));
	assert_true(book_principal(&stage.book, 5)->till == TILL(5));
	open = book_request_at(&stage.book, 6);
	assert_int_equal(stage_approve(2, open->leaf, open->hash), SR_OK);
	assert_true(book_auditor_count(&stage.book) == 2);
	assert_int_equal(stage_transfer(MAIN(3), MAIN(4), 3901), SR_FUNDS);
	/* nothing is remembered before the later rules are in force */
	assert_int_equal(stage_transfer(MAIN(3), MAIN(4), 100), SR_OK);
	assert_null(book_posting(&stage.book, stage.ordered));
	assert_int_equal(
	    book_raise_rules(&stage.book, ENTRY_RULES_VERSION), SR_OK);
	assert_int_equal(
	    book_raise_rules(&stage.book, ENTRY_RULES_VERSION), SR_PARAMETERS);
	assert_int_equal(
	    book_raise_rules(&stage.book, ENTRY_RULES_VERSION + 1), SR_VERSION);
	assert_int_equal(stage_transfer(MAIN(3), MAIN(4), 3800), SR_OK);
	assert_int_equal(stage_undo(4, stage.ordered), SR_OK);
	assert_int_equal(stage_open(3, 0, "purse"), SR_OK);
	assert_true(stage_account(FURTHER(3, 0))->floor_minor == 0);
	assert_int_equal(stage_count(7, TILL(7), ORDER_TILL_COUNT, 700), SR_OK);
	/* written, it is one of today */
	stage_write(&stage.book, &bytes);
	assert_memory_equal(bytes.of, "SRBOOK02", 8);
	assert_int_equal(stage_read(&read, &bytes), SR_OK);
	book_free(&read);
}

/* Nothing of what was posted before is remembered: too old. */
static void
given_a_book_of_version_1_when_a_payment_of_its_time_is_undone_then_too_old(
    void **state)
{
	struct wish wish = {.kind = ORDER_UNDO,
	    .signer = 4,
	    .debit = MAIN(4),
	    .credit = MAIN(3),
	    .amount_minor = 1250,
	    .refers_to = 16};

	(void)state;
	read_v1();
	assert_int_equal(stage_order(&wish), SR_TOO_OLD);
}

static void
given_a_book_of_version_1_changed_or_cut_when_read_then_refused_or_a_book(
    void **state)
{
	static uint8_t copy[sizeof(book_v1)];
	struct stage_bytes old = {.of = copy, .len = sizeof(copy)};
	struct book read;

	(void)state;
	memcpy(copy, book_v1, sizeof(copy));
	for (size_t i = 0; i < sizeof(copy); i++) {
		copy[i] ^= (uint8_t)(1u << i % 8);
		if (stage_read(&read, &old) == SR_OK)
			assert_true(book_sum(&read) == 0);
		book_free(&read);
		copy[i] ^= (uint8_t)(1u << i % 8);
	}
	for (old.len = 0; old.len < sizeof(copy); old.len += 3) {
		assert_int_equal(stage_read(&read, &old), SR_DAMAGED);
		book_free(&read);
	}
}

/* ---- no book ---------------------------------------------------------------------- */

static struct book_account *
a(uint64_t account)
{
	return stage_account(account);
}

static struct book_principal *
p(uint64_t customer)
{
	return book_principal_row(&stage.book, customer);
}

static struct book_posting *
posting(unsigned n)
{
	return book_table_at(&stage.book.postings, n);
}

static struct book_flow *
flow(unsigned n)
{
	return book_table_at(&stage.book.flows, n);
}

static struct book_request *
r(unsigned n)
{
	return &stage.book.request[n];
}

/* Makes the n-th change; false when there are no more. */
static bool
spoil_accounts(unsigned n)
{
	switch (n) {
	case 0:
		a(MAIN(ADA))->held_minor = -1;
		break;
	case 1:
		a(MAIN(ADA))->soft_floor_minor = -101;
		break;
	case 2:
		a(MAIN(ADA))->soft_floor_minor = 9001;
		break;
	case 3:
		a(MAIN(ADA))->day_limit_minor = -1;
		break;
	case 4:
		a(MAIN(ADA))->floor_minor = INT64_MIN;
		break;
	case 5:
		a(MAIN(ADA))->till_closed = true;
		break;
	case 6:
		a(MAIN(ADA))->posted_minor++;
		break;
	case 7:
		a(MAIN(ADA))->type = 0;
		break;
	case 8:
		a(MAIN(ADA))->type = ACCOUNT_TILL;
		break;
	case 9:
		a(MAIN(ADA))->type = 5;
		break;
	case 10:
		a(MAIN(ADA))->status = 0;
		break;
	case 11:
		a(MAIN(ADA))->status = 4;
		break;
	case 12:
		a(FURTHER(ADA, 0))->label[5] = 'x';
		break;
	case 13:
		a(FURTHER(ADA, 0))->label[0] = '9';
		break;
	case 14:
		a(FURTHER(ADA, 0))->label_len = 17;
		break;
	case 15:
		a(MAIN(CARL))->label[15] = 'x';
		break;
	case 16:
		a(MAIN(ADA))->flow = 3;
		break;
	case 17:
		a(MAIN(ADA))->flow = UINT32_MAX;
		break;
	case 18:
		a(MAIN(ADA))->flow = a(MAIN(BOB))->flow;
		break;
	case 19:
		a(MAIN(ADA))->flow = 0;
		break;
	case 20:
		a(MAIN(ADA))->id = MAIN(BOB);
		break;
	case 21:
		a(MAIN(ADA))->id = FURTHER(ADA, 9);
		break;
	case 22:
		a(TILL(TINA))->id = FURTHER(ADA, 9);
		break;
	case 23:
		a(MAIN(CARL))->flow = a(MAIN(BOB))->flow;
		break;
	default:
		return false;
	}
	return true;
}

static bool
spoil_people(unsigned n)
{
	switch (n) {
	case 0:
		p(TINA)->till = 0;
		break;
	case 1:
		p(TINA)->till = MAIN(ADA);
		break;
	case 2:
		p(TINA)->till = TILL(ADA);
		break;
	case 3:
		p(ADA)->till = TILL(TINA);
		break;
	case 4:
		p(OP_1)->till = TILL(TINA);
		break;
	case 5:
		p(OP_1)->erased = true;
		break;
	case 6:
		p(ADA)->role = 0;
		break;
	case 7:
		p(ADA)->role = ROLE_AUDITOR + 1;
		break;
	case 8:
		p(ADA)->role = ROLE_TELLER;
		break;
	case 9:
		p(STRANGER)->next_seq = 0;
		break;
	case 10:
		p(ADA)->customer = BOB;
		break;
	case 11:
		p(ADA)->customer = 4711;
		break;
	default:
		return false;
	}
	return true;
}

static bool
spoil_lists(unsigned n)
{
	struct book *book = &stage.book;
	struct book_terminal *terminal = book_table_at(&book->terminals, 0);

	switch (n) {
	case 0:
		posting(0)->kind = ORDER_UNDO;
		break;
	case 1:
		posting(0)->amount_minor = 0;
		break;
	case 2:
		posting(0)->amount_minor = -1;
		break;
	case 3:
		posting(0)->debit = posting(0)->credit;
		break;
	case 4:
		posting(0)->debit = FURTHER(ADA, 9);
		break;
	case 5:
		posting(0)->credit = 0;
		break;
	case 6:
		posting(1)->leaf = posting(0)->leaf;
		break;
	case 7:
		book->posting_count += BOOK_POSTINGS;
		break;
	case 8:
		flow(0)->bucket_minor[24] = -1;
		break;
	case 9:
		flow(1)->bucket_minor[3] = INT64_MAX;
		flow(1)->bucket_minor[4] = 1;
		break;
	case 10:
		flow(0)->hour = UINT64_MAX;
		break;
	case 11:
		r(0)->kind = ORDER_POLICY;
		break;
	case 12:
		r(0)->attachment_len--;
		break;
	case 13:
		r(0)->attachment[31] = 1;
		break;
	case 14:
		r(0)->amount_minor = -1;
		break;
	case 15:
		r(1)->leaf = r(0)->leaf;
		break;
	case 16:
		book->hold[0].amount_minor = 0;
		break;
	case 17:
		book->hold[0].account = TILL(LOBBY);
		break;
	case 18:
		book->hold[0].till = MAIN(ADA);
		break;
	case 19:
		book->hold[0].till = TILL(ADA);
		break;
	case 20:
		book->late[0].amount_minor = 0;
		break;
	case 21:
		book->late[0].hold = book->late[0].leaf;
		break;
	case 22:
		terminal->principal = 4711;
		break;
	case 23:
		terminal->till = MAIN(ADA);
		break;
	case 24:
		book->policy.customer.floor_minor = 1;
		break;
	case 25:
		book->policy.customer.soft_floor_minor = -1;
		break;
	case 26:
		book->policy.customer.ceiling_minor = 0;
		break;
	case 27:
		book->policy.customer.day_limit_minor = -1;
		break;
	case 28:
		book->policy.order_life_ms = 0;
		break;
	case 29:
		book->policy.request_life_ms = 0;
		break;
	case 30:
		book->policy.undo_ms = UINT64_MAX;
		break;
	default:
		return false;
	}
	return true;
}

static void
refuse_each(bool (*spoil)(unsigned), unsigned at_least)
{
	for (unsigned n = 0;; n++) {
		struct book read;

		fill();
		if (!spoil(n)) {
			assert_true(n >= at_least);
			break;
		}
		stage_write(&stage.book, &bytes);
		if (stage_read(&read, &bytes) != SR_MALFORMED)
			fail_msg("change %u", n);
		book_free(&read);
		book_free(&stage.book);
		assert_int_equal(setup(NULL), 0);
	}
}

static void
given_accounts_that_are_none_when_read_then_refused(void **state)
{
	(void)state;
	refuse_each(spoil_accounts, 24);
}

static void
given_people_that_are_none_when_read_then_refused(void **state)
{
	(void)state;
	refuse_each(spoil_people, 12);
}

static void
given_rows_that_are_none_when_read_then_refused(void **state)
{
	(void)state;
	refuse_each(spoil_lists, 31);
}

/* The kind follows the hash, the attachment's length 33 bytes later. */
static void
given_requests_that_are_none_when_read_then_refused(void **state)
{
	static const uint8_t kinds[] = {
	    0, ORDER_TRANSFER, ORDER_APPROVE, ORDER_REVOKE, 35, 255};
	struct book read;
	uint8_t *kind;

	(void)state;
	fill();
	stage_write(&stage.book, &bytes);
	kind = memmem(bytes.of, bytes.len, r(0)->hash, ORDER_HASH_LEN);
	assert_non_null(kind);
	kind += ORDER_HASH_LEN;
	assert_int_equal(kind[0], ORDER_ENROL_REQUEST);
	assert_int_equal(kind[33], ORDER_ENROL_LEN);
	for (size_t i = 0; i < sizeof(kinds); i++) {
		kind[0] = kinds[i];
		assert_int_equal(stage_read(&read, &bytes), SR_MALFORMED);
		book_free(&read);
	}
	kind[0] = ORDER_ENROL_REQUEST;
	for (unsigned len = ORDER_REQUEST_ATTACHMENT_MAX + 1; len < 65536;
	     len += 9001) {
		kind[33] = (uint8_t)len;
		kind[34] = (uint8_t)(len >> 8);
		assert_int_equal(stage_read(&read, &bytes), SR_MALFORMED);
		book_free(&read);
	}
}

static void
given_a_head_that_is_none_when_read_then_refused(void **state)
{
	static const char magics[][9] = {
	    "SRBOOK00", "SRBOOK03", "SRBOOK12", "SRB00K02", "\0RBOOK02"};
	struct book read;

	(void)state;
	fill();
	stage_write(&stage.book, &bytes);
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		memcpy(bytes.of, magics[i], 8);
		assert_int_not_equal(stage_read(&read, &bytes), SR_OK);
		book_free(&read);
	}
	memcpy(bytes.of, "SRBOOK01", 8);
	assert_int_not_equal(stage_read(&read, &bytes), SR_OK);
	book_free(&read);
	memcpy(bytes.of, "SRBOOK02", 8);
	bytes.of[8] = 2;
	assert_int_equal(stage_read(&read, &bytes), SR_MALFORMED);
	book_free(&read);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, stage_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STORY(
		given_a_full_book_when_read_back_then_it_is_the_same_to_the_byte),
	    STORY(
		given_any_byte_changed_when_read_then_refused_or_another_book),
	    STORY(given_bytes_cut_anywhere_when_read_then_refused),
	    STORY(given_a_full_ring_of_postings_when_read_back_then_it_goes_on),
	    STORY(
		given_a_book_of_version_1_when_read_then_what_it_knew_not_has_its_default),
	    STORY(
		given_a_book_of_version_1_when_gone_on_with_then_by_the_rules_of_today),
	    STORY(
		given_a_book_of_version_1_when_a_payment_of_its_time_is_undone_then_too_old),
	    STORY(
		given_a_book_of_version_1_changed_or_cut_when_read_then_refused_or_a_book),
	    STORY(given_accounts_that_are_none_when_read_then_refused),
	    STORY(given_people_that_are_none_when_read_then_refused),
	    STORY(given_rows_that_are_none_when_read_then_refused),
	    STORY(given_requests_that_are_none_when_read_then_refused),
	    STORY(given_a_head_that_is_none_when_read_then_refused),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
