/* SPDX-License-Identifier: ISC */
/*
 * Limits: of accounts, of the day, and the policy that new accounts begin
 * with.  Must never let one operator widen anything.
 */
#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

#define HOUR_MS UINT64_C(3600000)

/* ---- of accounts ----------------------------------------------------------- */

/* The account, if it can have such limits. */
static enum sr_error
find_limited(const struct book *book, const void *attachment, size_t len,
    struct order_limits *limits, struct book_account **account)
{
	if (order_limits_decode(attachment, len, limits) != SR_OK)
		return SR_PARAMETERS;
	*account = book_account(book, limits->account);
	if (*account == NULL)
		return SR_NO_ACCOUNT;
	if ((*account)->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	if ((*account)->type == ACCOUNT_CUSTOMER)
		return SR_OK;
	/* of a till nothing but its maximum can be set */
	if ((*account)->type != ACCOUNT_TILL || limits->ceiling_minor != 0 ||
	    limits->soft_floor_minor != limits->floor_minor ||
	    limits->day_limit_minor != INT64_MAX)
		return SR_PARAMETERS;
	return SR_OK;
}

static void
set_limits(struct book_account *account, const struct order_limits *limits)
{
	account->floor_minor = limits->floor_minor;
	account->soft_floor_minor = limits->soft_floor_minor;
	account->ceiling_minor = limits->ceiling_minor;
	account->day_limit_minor = limits->day_limit_minor;
}

enum sr_error
book_rule_lower_limit(struct book_turn *turn)
{
	struct book_account *account;
	struct order_limits limits;
	enum sr_error error;

	if (!book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	error = find_limited(turn->book, turn->attachment, turn->attachment_len,
	    &limits, &account);
	if (error != SR_OK)
		return error;
	if (limits.floor_minor < account->floor_minor ||
	    limits.ceiling_minor > account->ceiling_minor ||
	    limits.day_limit_minor > account->day_limit_minor)
		return SR_NOT_LOWER;
	set_limits(account, &limits);
	return SR_OK;
}

enum sr_error
book_check_raise(const struct book *book, const struct book_request *request)
{
	struct book_account *account;
	struct order_limits limits;

	return find_limited(book, request->attachment, request->attachment_len,
	    &limits, &account);
}

void
book_raise(struct book *book, const struct book_request *request)
{
	struct book_account *account;
	struct order_limits limits;

	if (find_limited(book, request->attachment, request->attachment_len,
		&limits, &account) != SR_OK)
		assert(false && "checked before");
	set_limits(account, &limits);
}

void
book_set_policy(struct book *book, const struct book_request *request)
{
	struct order_policy policy;

	if (order_policy_decode(
		request->attachment, request->attachment_len, &policy) != SR_OK)
		assert(false && "checked before");
	book->policy = policy;
}

/* ---- of the day ------------------------------------------------------------- */

/* What left in the hour of now_ms and the 24 before it. */
static int64_t
day_sum(const struct book_flow *flow, uint64_t now_ms)
{
	uint64_t hour = now_ms / HOUR_MS;
	int64_t sum = 0;

	for (uint64_t age = 0; age < BOOK_FLOW_HOURS && age <= flow->hour;
	     age++)
		if (flow->hour - age + BOOK_FLOW_HOURS > hour)
			sum += flow->bucket_minor[(flow->hour - age) %
						  BOOK_FLOW_HOURS];
	return sum;
}

/* By the account's own limit. */
static int64_t
own_left(const struct book *book, const struct book_account *account,
    uint64_t now_ms)
{
	const struct book_flow *flow =
	    account->flow != 0 ? book_table_at(&book->flows, account->flow - 1)
			       : NULL;
	int64_t spent = flow != NULL ? day_sum(flow, now_ms) : 0;

	if (account->day_limit_minor == INT64_MAX)
		return INT64_MAX;
	return spent >= account->day_limit_minor
		   ? 0
		   : account->day_limit_minor - spent;
}

/*
 * The account whose limit bounds another one's, too: who opens many accounts
 * has one limit all the same.  NULL for the main account itself.
 */
static struct book_account *
bounding(const struct book *book, const struct book_account *account)
{
	if (account->type != ACCOUNT_CUSTOMER ||
	    account_index(account->id) == ACCOUNT_INDEX_MAIN)
		return NULL;
	return book_account(book,
	    account_id(account_customer(account->id), ACCOUNT_INDEX_MAIN));
}

int64_t
book_day_left(const struct book *book, const struct book_account *account,
    uint64_t now_ms)
{
	const struct book_account *main_account = bounding(book, account);
	int64_t own = own_left(book, account, now_ms), main_left = INT64_MAX;

	if (main_account != NULL)
		main_left = own_left(book, main_account, now_ms);
	return own < main_left ? own : main_left;
}

enum sr_error
book_day_check(const struct book *book, const struct book_account *account,
    int64_t amount_minor, uint64_t time_ms)
{
	return amount_minor <= book_day_left(book, account, time_ms) ? SR_OK
								     : SR_LIMIT;
}

/* Buckets of hours that are over are emptied for the present ones. */
static void
go_on_to(struct book_flow *flow, uint64_t hour)
{
	uint64_t steps = hour > flow->hour ? hour - flow->hour : 0;

	if (steps > BOOK_FLOW_HOURS)
		steps = BOOK_FLOW_HOURS;
	for (uint64_t i = 0; i < steps; i++)
		flow->bucket_minor[(hour - i) % BOOK_FLOW_HOURS] = 0;
	if (hour > flow->hour)
		flow->hour = hour;
}

/* Counts against that account's limit, if it has one. */
static bool
count_one(struct book *book, struct book_account *account, int64_t amount_minor,
    uint64_t time_ms)
{
	uint64_t hour = time_ms / HOUR_MS;
	struct book_flow *flow;

	if (account == NULL || account->day_limit_minor == INT64_MAX)
		return false;
	if (account->flow == 0) {
		assert(book->flows.count < UINT32_MAX);
		account->flow = (uint32_t)book->flows.count + 1;
		flow = book_table_add(&book->flows);
		flow->hour = hour;
	}
	flow = book_table_at(&book->flows, account->flow - 1);
	go_on_to(flow, hour);
	/* the sum stays below the limit, so it cannot overflow */
	flow->bucket_minor[flow->hour % BOOK_FLOW_HOURS] += amount_minor;
	return true;
}

uint8_t
book_day_count(struct book *book, struct book_account *account,
    int64_t amount_minor, uint64_t time_ms)
{
	uint8_t counted = 0;

	if (count_one(book, account, amount_minor, time_ms))
		counted |= BOOK_COUNTED_ACCOUNT;
	if (count_one(book, bounding(book, account), amount_minor, time_ms))
		counted |= BOOK_COUNTED_MAIN;
	return counted;
}

static void
return_one(struct book *book, const struct book_account *account,
    int64_t amount_minor, uint64_t since_ms)
{
	struct book_flow *flow =
	    account->flow != 0 ? book_table_at(&book->flows, account->flow - 1)
			       : NULL;
	uint64_t hour = since_ms / HOUR_MS;
	int64_t *bucket;

	if (flow == NULL || hour > flow->hour ||
	    flow->hour - hour >= BOOK_FLOW_HOURS)
		return;
	bucket = &flow->bucket_minor[hour % BOOK_FLOW_HOURS];
	*bucket = *bucket > amount_minor ? *bucket - amount_minor : 0;
}

void
book_day_return(struct book *book, struct book_account *account,
    uint8_t counted, int64_t amount_minor, uint64_t since_ms)
{
	const struct book_account *main_account = bounding(book, account);

	if ((counted & BOOK_COUNTED_ACCOUNT) != 0)
		return_one(book, account, amount_minor, since_ms);
	if ((counted & BOOK_COUNTED_MAIN) != 0 && main_account != NULL)
		return_one(book, main_account, amount_minor, since_ms);
}
