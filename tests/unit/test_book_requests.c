/* SPDX-License-Identifier: ISC */
/*
 * Four eyes, for every kind of request: bound to its bytes, used once, it
 * expires, and nobody approves its own.  And what one operator alone, whose
 * key somebody else has, can make of all the orders there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/book_stage.h"

enum { REQUESTS = 13 };

/* The block of a reset of Bob's that outlives any request. */
static void
reset_block(uint8_t *bytes)
{
	struct order_reset reset = {.customer = BOB,
	    .until_ms = stage.now_ms + 2 * stage.book.policy.request_life_ms};

	memcpy(reset.attestation_hash,
	    book_principal(&stage.book, BOB)->attestation_hash, 32);
	order_reset_encode(&reset, bytes);
}

/* A request of each kind that could be approved; the block is its own. */
static struct wish
request_of(unsigned which)
{
	static uint8_t block[128];
	struct order_auditor auditor = {
	    .key = {9}, .name_len = 5, .name = "clara"};
	struct order_release release = {MAIN(BOB), 10};
	struct order_policy policy = stage.book.policy;
	struct order_limits limits = {MAIN(ADA), -100, 0, 9000, INT64_MAX};
	struct wish wish = {0};

	switch (which) {
	case 0:
		return wish_issue(OP_1, MAIN(ADA), 10);
	case 1:
		return wish_adjust(OP_1, MAIN(ADA), MAIN(BOB), 10);
	case 2:
		assert_int_equal(
		    stage_transfer(MAIN(ADA), MAIN(BOB), 10), SR_OK);
		return wish_reverse(OP_1, stage.ordered);
	case 3:
		assert_int_equal(stage_deposit(TINA, MAIN(ADA), 10), SR_OK);
		return wish_cash_out(OP_1, TILL(TINA), 10);
	case 4:
		policy.undo_ms = 1;
		wish = wish_policy(OP_1, &policy);
		break;
	case 5:
		wish = wish_role(OP_1, CARL, ROLE_OPERATOR, 0, 0);
		break;
	case 6:
		wish = wish_limits(OP_1, ORDER_RAISE_LIMIT, &limits);
		break;
	case 7:
		wish = wish_enrol(OP_1, STRANGER, 77, 100);
		break;
	case 8:
		order_auditor_encode(&auditor, stage.block);
		wish = (struct wish){.kind = ORDER_AUDITOR_REQUEST,
		    .signer = OP_1,
		    .attachment_len = ORDER_AUDITOR_LEN};
		break;
	case 9:
		assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 10), SR_OK);
		assert_int_equal(stage_hold(MAIN(BOB), 10), SR_OK);
		order_release_encode(&release, stage.block);
		wish = (struct wish){.kind = ORDER_RELEASE_REQUEST,
		    .signer = OP_1,
		    .refers_to = stage.ordered,
		    .attachment_len = ORDER_RELEASE_LEN};
		stage.now_ms += BOOK_HOLD_OVERDUE_MS;
		break;
	case 10:
		order_retire_encode(
		    &(struct order_retire){.snapshot = 1}, stage.block);
		wish = (struct wish){.kind = ORDER_RETIRE,
		    .signer = OP_1,
		    .attachment_len = ORDER_RETIRE_LEN};
		break;
	case 11:
		reset_block(stage.block);
		wish = (struct wish){.kind = ORDER_RESET,
		    .signer = OP_1,
		    .attachment_len = ORDER_RESET_LEN};
		break;
	default:
		assert_int_equal(stage_freeze(MAIN(ADA)), SR_OK);
		wish = wish_account(OP_1, ORDER_UNFREEZE, MAIN(ADA));
		break;
	}
	memcpy(block, stage.block, wish.attachment_len);
	wish.attachment = block;
	return wish;
}

static void
again(void)
{
	stage_end();
	stage_begin(BANK_CASH, 0);
	assert_int_equal(stage_issue(MAIN(ADA), 5000), SR_OK);
}

static void
given_the_kinds_when_counted_then_each_request_is_tried_here(void **state)
{
	bool tried[UINT8_MAX + 1] = {false};
	unsigned known = 0;

	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++, again()) {
		struct wish wish = request_of(i);

		assert_true(order_kind_is_request(wish.kind));
		tried[wish.kind] = true;
	}
	for (unsigned kind = 0; kind <= UINT8_MAX; kind++) {
		if (!order_kind_is_request(kind))
			continue;
		known++;
		assert_true(order_kind_known(kind) && tried[kind]);
	}
	assert_int_equal(known, REQUESTS);
}

static void
given_each_request_when_approved_then_by_another_operator_once_and_bound(
    void **state)
{
	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++, again()) {
		struct wish wish = request_of(i), approve;
		uint8_t hash[ORDER_HASH_LEN], wrong[ORDER_HASH_LEN];
		uint64_t leaf;

		assert_int_equal(stage_order(&wish), SR_OK);
		leaf = stage.ordered;
		memcpy(hash, stage.hash, sizeof(hash));
		assert_int_equal(
		    stage_approve(OP_1, leaf, hash), SR_OWN_REQUEST);
		assert_int_equal(stage_approve(ADA, leaf, hash), SR_ROLE);
		assert_int_equal(stage_approve(TINA, leaf, hash), SR_ROLE);
		assert_int_equal(stage_approve(LOBBY, leaf, hash), SR_ROLE);
		for (unsigned bit = 0; bit < 256; bit += 37) {
			memcpy(wrong, hash, sizeof(wrong));
			wrong[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(
			    stage_approve(OP_2, leaf, wrong), SR_NO_REQUEST);
		}
		assert_int_equal(
		    stage_approve(OP_2, leaf + 1, hash), SR_NO_REQUEST);
		assert_int_equal(stage_approve(OP_2, 0, hash), SR_NO_REQUEST);
		approve = (struct wish){.kind = ORDER_APPROVE,
		    .signer = OP_2,
		    .refers_to = leaf,
		    .amount_minor = 1,
		    .attachment = hash,
		    .attachment_len = sizeof(hash)};
		assert_int_equal(stage_order(&approve), SR_PARAMETERS);
		approve.amount_minor = 0;
		approve.attachment_len--;
		assert_int_equal(stage_order(&approve), SR_PARAMETERS);
		assert_int_equal(stage_approve(OP_2, leaf, hash), SR_OK);
		assert_int_equal(stage_approve(OP_2, leaf, hash), SR_ALREADY);
		assert_int_equal(
		    stage_approve(OP_1, leaf, hash), SR_OWN_REQUEST);
	}
}

static void
given_each_request_when_its_time_is_over_then_expired(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++, again()) {
		struct wish wish = request_of(i);
		uint8_t hash[ORDER_HASH_LEN];
		uint64_t leaf;

		assert_int_equal(stage_order(&wish), SR_OK);
		leaf = stage.ordered;
		memcpy(hash, stage.hash, sizeof(hash));
		assert_true(book_request_open(&stage.book,
		    book_request_at(&stage.book, stage.book.request_count - 1),
		    stage.now_ms));
		stage.now_ms += stage.book.policy.request_life_ms + 1;
		assert_false(book_request_open(&stage.book,
		    book_request_at(&stage.book, stage.book.request_count - 1),
		    stage.now_ms));
		assert_int_equal(
		    stage_approve(OP_2, leaf, hash), SR_REQUEST_EXPIRED);
		stage.now_ms--;
		assert_int_equal(stage_approve(OP_2, leaf, hash), SR_OK);
	}
}

/* Only what a kind has a field for stands in it. */
static void
given_each_request_when_it_says_more_or_less_then_declined(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++, again()) {
		struct wish wish = request_of(i), other;

		if (i > 3) {
			other = wish;
			other.amount_minor = 1;
			assert_int_equal(stage_order(&other), SR_PARAMETERS);
			other = wish;
			other.debit = MAIN(ADA);
			assert_int_equal(stage_order(&other), SR_PARAMETERS);
			other = wish;
			other.credit = MAIN(ADA);
			assert_int_equal(stage_order(&other), SR_PARAMETERS);
			other = wish;
			other.attachment_len--;
			assert_int_equal(stage_order(&other), SR_PARAMETERS);
			other.attachment_len = 0;
			assert_int_equal(stage_order(&other), SR_PARAMETERS);
		} else {
			uint8_t memo[ORDER_MEMO_MAX + 1];

			memset(memo, 'm', sizeof(memo));
			other = wish;
			other.attachment = memo;
			other.attachment_len = sizeof(memo);
			assert_int_equal(stage_order(&other), SR_PARAMETERS);
			other.attachment_len--;
			assert_int_equal(stage_order(&other), SR_OK);
		}
		if (wish.kind != ORDER_REVERSE &&
		    wish.kind != ORDER_RELEASE_REQUEST) {
			other = wish;
			other.refers_to = 1;
			assert_int_equal(stage_order(&other), SR_PARAMETERS);
		}
		other = wish;
		other.signer = ADA;
		assert_int_equal(stage_order(&other), SR_ROLE);
		if (wish.kind != ORDER_CASH_OUT) {
			other.signer = TINA;
			assert_int_equal(stage_order(&other), SR_ROLE);
			other.signer = LOBBY;
			other.terminal = LOBBY;
			assert_int_equal(stage_order(&other), SR_ROLE);
		}
	}
}

static void
given_64_open_requests_when_another_is_made_then_declined_until_some_expire(
    void **state)
{
	struct wish wish = wish_issue(OP_1, MAIN(ADA), 1);
	const struct book_request *oldest;

	(void)state;
	for (unsigned i = 0; i < BOOK_REQUESTS_MAX; i++)
		assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(stage_order(&wish), SR_REQUESTS_FULL);
	wish.signer = OP_2;
	assert_int_equal(stage_order(&wish), SR_REQUESTS_FULL);
	assert_null(book_request_at(&stage.book, BOOK_REQUESTS_MAX));
	stage.now_ms += stage.book.policy.request_life_ms + 1;
	assert_int_equal(stage_order(&wish), SR_OK);
	oldest = book_request_at(&stage.book, 0);
	assert_true(oldest->leaf == stage.ordered);
	assert_int_equal(stage.book.request_count, 1);
}

/* ---- one operator, alone -------------------------------------------------------------- */

/* All that one operator must not widen. */
struct widest {
	int64_t floor_minor, ceiling_minor, day_limit_minor, posted_minor;
};

static struct widest before[64];
static enum role roles[STAGE_PEOPLE];

static void
take_widest(void)
{
	assert_true(book_account_count(&stage.book) <= 64);
	for (uint64_t i = 0; i < book_account_count(&stage.book); i++) {
		const struct book_account *a = book_account_at(&stage.book, i);

		before[i] = (struct widest){a->floor_minor, a->ceiling_minor,
		    a->day_limit_minor, a->posted_minor};
	}
	for (uint64_t p = OP_1; p < STAGE_PEOPLE; p++)
		roles[p] = (enum role)book_principal(&stage.book, p)->role;
}

static void
assert_no_wider(uint64_t accounts)
{
	assert_true(book_account_count(&stage.book) == accounts);
	for (uint64_t i = 0; i < accounts; i++) {
		const struct book_account *a = book_account_at(&stage.book, i);

		assert_true(a->posted_minor == before[i].posted_minor);
		assert_true(a->floor_minor >= before[i].floor_minor);
		assert_true(a->ceiling_minor <= before[i].ceiling_minor);
		assert_true(a->day_limit_minor <= before[i].day_limit_minor);
	}
	for (uint64_t p = OP_1; p < STAGE_PEOPLE; p++)
		assert_int_equal(
		    book_principal(&stage.book, p)->role, roles[p]);
	assert_true(book_auditor_count(&stage.book) == 0);
	assert_true(book_terminal_count(&stage.book) == 1);
}

static uint64_t random_state;
static uint64_t held;      /* leaf of a hold */
static unsigned last_kind; /* of an order */

static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t
some_account(void)
{
	static const unsigned index[] = {0, 0, 1, 2, 3};
	uint64_t who = next_random() % (STAGE_PEOPLE + 1);

	return account_id(who, index[next_random() % 5]);
}

static int64_t
some_minor(void)
{
	static const int64_t telling[] = {
	    0, 0, 1, 10, -1, -10, 5000, INT64_MAX, INT64_MIN, -INT64_MAX};
	uint64_t dice = next_random();

	return dice % 2 ? telling[dice / 2 % 10]
			: (int64_t)(dice / 2 % 10000) - 3000;
}

/* The same number, or one beside it; the greatest has the least beside it. */
static int64_t
near(int64_t value)
{
	return (int64_t)((uint64_t)value + (uint64_t)(some_minor() % 3));
}

/* A block of that kind, well formed more often than not. */
static size_t
some_block(unsigned kind, uint8_t *bytes)
{
	struct order_limits limits = {some_account(), some_minor(),
	    some_minor(), some_minor(), some_minor()};
	struct order_policy policy = {limits, 1 + next_random() % 200000,
	    1 + next_random() % 200000, next_random() % 200000};
	struct order_role role = {next_random() % STAGE_PEOPLE,
	    next_random() % 2 ? some_account() : 0,
	    next_random() % 2 ? some_minor() : 0, (uint8_t)(next_random() % 7)};
	struct order_count counted = {.till = some_account(),
	    .lines = 1,
	    .line = {{1, next_random() % 1000}}};

	if (next_random() % 2) {
		limits = stage_limits(book_account_at(&stage.book,
		    next_random() % book_account_count(&stage.book))
					  ->id);
		switch (next_random() % 4) {
		case 0:
			limits.floor_minor = near(limits.floor_minor);
			break;
		case 1:
			limits.ceiling_minor = near(limits.ceiling_minor);
			break;
		case 2:
			limits.day_limit_minor = near(limits.day_limit_minor);
			break;
		default:
			limits.soft_floor_minor = near(limits.soft_floor_minor);
			break;
		}
	}
	switch (kind) {
	case ORDER_RAISE_LIMIT:
	case ORDER_LOWER_LIMIT:
		order_limits_encode(&limits, bytes);
		return ORDER_LIMITS_LEN;
	case ORDER_POLICY:
		order_policy_encode(&policy, bytes);
		return ORDER_POLICY_LEN;
	case ORDER_ROLE:
		order_role_encode(&role, bytes);
		return ORDER_ROLE_LEN;
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
		return order_count_encode(&counted, bytes);
	case ORDER_UNFREEZE:
	case ORDER_CLOSE:
		order_account_encode(some_account(), bytes);
		return ORDER_ACCOUNT_LEN;
	case ORDER_ACCOUNT_OPEN:
		memcpy(bytes, "purse", 5);
		return 5;
	case ORDER_ENROL_REQUEST:
		(void)wish_enrol(OP_1, STRANGER, 77, 100);
		memcpy(bytes, stage.block, ORDER_ENROL_LEN);
		return ORDER_ENROL_LEN;
	case ORDER_AUDITOR_REQUEST:
		order_auditor_encode(
		    &(struct order_auditor){
			.key = {9}, .name_len = 5, .name = "clara"},
		    bytes);
		return ORDER_AUDITOR_LEN;
	case ORDER_RETIRE:
		order_retire_encode(
		    &(struct order_retire){.snapshot = 1}, bytes);
		return ORDER_RETIRE_LEN;
	case ORDER_RESET:
		reset_block(bytes);
		return ORDER_RESET_LEN;
	case ORDER_RELEASE_REQUEST:
		order_release_encode(
		    &(struct order_release){MAIN(BOB), 10}, bytes);
		return ORDER_RELEASE_LEN;
	case ORDER_APPROVE:
		if (stage.book.request_count > 0)
			memcpy(bytes,
			    stage.book
				.request[next_random() %
					 stage.book.request_count]
				.hash,
			    ORDER_HASH_LEN);
		return ORDER_APPROVE_LEN;
	default:
		return next_random() % 3 ? 0 : next_random() % 33;
	}
}

/* The leaf of a request, of a posting, or of anything. */
static uint64_t
some_leaf(unsigned kind)
{
	const struct book_posting *posting;

	if (kind == ORDER_APPROVE && stage.book.request_count > 0 &&
	    next_random() % 8 != 0)
		return stage.book
		    .request[next_random() % stage.book.request_count]
		    .leaf;
	if (kind == ORDER_RELEASE_REQUEST)
		return held;
	if (kind != ORDER_UNDO && kind != ORDER_REVERSE)
		return next_random() % 8 ? 0 : next_random() % stage.leaf;
	posting = book_table_at(
	    &stage.book.postings, next_random() % stage.book.postings.count);
	return posting->leaf;
}

static bool
takes_away(unsigned kind)
{
	return kind == ORDER_FREEZE || kind == ORDER_REVOKE ||
	       kind == ORDER_ROLE_REVOKE;
}

/* One order of that key; requests that stand are approved by it, too. */
static enum sr_error
attack(uint64_t by)
{
	static uint8_t block[ORDER_ATTACHMENT_MAX];
	unsigned kind = last_kind = (unsigned)(next_random() % 40);
	struct wish wish = {.kind = (enum order_kind)kind,
	    .signer = by,
	    .terminal = next_random() % 2 ? LOBBY : 0,
	    .debit = next_random() % 3 ? some_account() : 0,
	    .credit = next_random() % 3 ? some_account() : 0,
	    .amount_minor = some_minor(),
	    .refers_to = some_leaf(kind),
	    .attachment = block};
	const struct book_posting *posting;

	/* only what needs no second operator and only takes away is left out */
	if (takes_away(kind))
		return SR_ROLE;
	if (!order_kind_has_memo(kind) && next_random() % 8 != 0)
		wish.debit = wish.credit = 0, wish.amount_minor = 0;
	if (kind == ORDER_ISSUE || kind == ORDER_CASH_OUT)
		wish.debit = ACCOUNT_ISSUE;
	if (kind == ORDER_CASH_OUT && next_random() % 8 == 0)
		wish.credit = TILL(TINA), wish.amount_minor = 1;
	posting = book_posting(&stage.book, wish.refers_to);
	if (posting != NULL) {
		wish.debit = posting->credit;
		wish.credit = posting->debit;
		wish.amount_minor = posting->amount_minor;
	}
	wish.attachment_len = some_block(kind, block);
	return stage_order(&wish);
}

/*
 * Every kind of order, well and ill formed, with every account, by one
 * operator, who also approves all that it can: money, limits and roles stay.
 */
static void
given_one_operators_key_when_used_in_every_way_then_nothing_is_made_or_raised(
    void **state)
{
	bool done[40] = {false};
	uint64_t accounts;

	(void)state;
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 300), SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 50), SR_OK);
	assert_int_equal(stage_freeze(MAIN(CARL)), SR_OK);
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 300), SR_OK);
	assert_int_equal(stage_hold(MAIN(BOB), 10), SR_OK);
	held = stage.ordered;
	accounts = book_account_count(&stage.book);
	take_widest();
	random_state = 0x2545f4914f6cdd1du;
	for (unsigned i = 0; i < 60000; i++) {
		enum sr_error error = attack(OP_1);

		assert_no_wider(accounts);
		assert_int_equal(
		    stage_account(MAIN(CARL))->status, ACCOUNT_FROZEN);
		/* one that narrows a limit: it stays so */
		if (error == SR_OK) {
			done[last_kind] = true;
			take_widest();
		}
		stage.now_ms += next_random() % 20000;
		if (error == SR_REQUESTS_FULL)
			stage.now_ms += stage.book.policy.request_life_ms;
	}
	/* each kind that it may sign has stood, if alone */
	for (unsigned kind = 0; kind < 40; kind++)
		if (authority_allows(kind, ROLE_OPERATOR) &&
		    !takes_away(kind) && kind != ORDER_APPROVE)
			if (!done[kind])
				fail_msg("%s", order_kind_name(kind));
	assert_false(done[ORDER_APPROVE]);
}

static void
given_one_operator_when_it_shuts_everything_then_it_opens_nothing(void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(stage_freeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_freeze(TILL(TINA)), SR_OK);
	wish = wish_revoke(OP_1, LOBBY, LOBBY);
	assert_int_equal(stage_order(&wish), SR_OK);
	wish = wish_account(OP_1, ORDER_UNFREEZE, MAIN(ADA));
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(
	    stage_approve(OP_1, stage.ordered, stage.hash), SR_OWN_REQUEST);
	assert_int_equal(stage_account(MAIN(ADA))->status, ACCOUNT_FROZEN);
	/* and two operators mend it all, for one cannot end the other */
	wish = wish_account(OP_1, ORDER_ROLE_REVOKE, OP_2);
	assert_int_equal(stage_order(&wish), SR_LAST_OPERATORS);
	assert_int_equal(stage_unfreeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_unfreeze(TILL(TINA)), SR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_the_kinds_when_counted_then_each_request_is_tried_here),
	    STAGE_STORY(
		given_each_request_when_approved_then_by_another_operator_once_and_bound),
	    STAGE_STORY(given_each_request_when_its_time_is_over_then_expired),
	    STAGE_STORY(
		given_each_request_when_it_says_more_or_less_then_declined),
	    STAGE_STORY(
		given_64_open_requests_when_another_is_made_then_declined_until_some_expire),
	    STAGE_STORY(
		given_one_operators_key_when_used_in_every_way_then_nothing_is_made_or_raised),
	    STAGE_STORY(
		given_one_operator_when_it_shuts_everything_then_it_opens_nothing),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
