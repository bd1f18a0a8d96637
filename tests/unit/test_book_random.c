/* SPDX-License-Identifier: ISC */
/*
 * Random orders, valid and not, of every kind, against the model of tests/sim:
 * the same outcome for each, the same balances after each, and at each the
 * promises that hold for every bank: the sum is zero, and no order but a late
 * post takes an account below its floor.  Two books get all orders: one is
 * written and read back again and again, the other one lives on; their digests
 * must stay the same.
 *
 * test_book_random [ORDERS [SEED [PATH]]] prints what came how often.  With a
 * PATH strongroom-verify carries out each entry again, signatures and all; and
 * each bank's journal is written to PATH-1.json, PATH-2.json ... as it exports
 * it, and its books to PATH-1.hledger, .ledger and .beancount ...
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/book.h"
#include "common/book/state.h"
#include "tests/sim/model.h"
#include "tests/sim/orders.h"
#include "tests/sim/orders_export.h"

enum {
	RESTART = 4096, /* orders from one to the next */
	PEOPLE_ROOM = MODEL_PEOPLE - 8,
	ACCOUNTS_ROOM = MODEL_ACCOUNTS - 16,
	AUDITORS_ROOM = 400,
	KINDS = ORDER_RESET + 1,
};

#define REASONS 64u /* errors below are the rules' */

static uint64_t orders_wanted = 200000;
static uint64_t seed_wanted = 1;
static bool print_totals;
static const char *export_path; /* NULL: nowhere */

static struct world {
	struct model model;
	struct book book, other; /* restarted, and not */
	struct orders orders;
	struct orders_export export;
	uint64_t leaf, done, banks, restarts, retries, refusals, late;
	uint64_t outcome[KINDS][REASONS];
	int64_t before[MODEL_ACCOUNTS];           /* what each had to give */
	uint8_t attachment[ORDER_ATTACHMENT_MAX]; /* of the order to retry */
	struct book_order last;
	enum sr_error last_outcome;
} world;

/* ---- A bank begins ------------------------------------------------------------ */

static void
register_one(struct world *w)
{
	uint8_t secret[SIGNING_SECRET_LEN], attester[32];
	struct attestation attested = {
	    .customer = w->model.people + 1, .key_epoch = 1};
	uint8_t bytes[ATTESTATION_LEN];
	struct book_opening opening;
	struct book_account *opened;

	orders_export_keys(attested.customer, attested.signing_key, secret);
	memset(attested.bank_id, 0xbb, sizeof(attested.bank_id));
	orders_export_keys(0, attester, secret);
	attestation_sign(&attested, secret, bytes);
	opening = book_opening_of(&attested, bytes);
	orders_export_account(&w->export, w->leaf, w->orders.now_ms, bytes);
	model_register(&w->model, opening.customer, opening.signing_key,
	    opening.attestation_hash);
	w->leaf++;
	assert_int_equal(book_open(&w->book, &opening, &opened), SR_OK);
	assert_int_equal(book_open(&w->other, &opening, &opened), SR_OK);
}

static void
begin(struct world *w)
{
	struct entry_genesis genesis = {
	    .name_len = 4, .name = "Dice", .unit = {"EUR", 2}};
	uint8_t secret[SIGNING_SECRET_LEN];
	char path[256];

	for (unsigned i = 0; i < 2; i++)
		orders_export_keys(i + 1, genesis.operator_key[i], secret);
	if (w->banks > 0) {
		book_free(&w->book);
		book_free(&w->other);
	}
	w->banks++;
	genesis.bank_type = w->banks % 3 == 2 ? BANK_MUTUAL_CREDIT : BANK_CASH;
	genesis.rules = entry_rules_default((enum bank_type)genesis.bank_type);
	if (genesis.bank_type == BANK_MUTUAL_CREDIT)
		genesis.rules.customer_floor_minor = -500;
	if (w->banks % 2 == 0)
		genesis.rules.customer_ceiling_minor = 5000;
	memset(genesis.bank_id, 0xbb, sizeof(genesis.bank_id));
	model_begin(&w->model, &genesis);
	assert_int_equal(book_init(&w->book), SR_OK);
	assert_int_equal(book_init(&w->other), SR_OK);
	assert_int_equal(book_found(&w->book, &genesis), SR_OK);
	assert_int_equal(book_found(&w->other, &genesis), SR_OK);
	w->leaf = 1;
	snprintf(path, sizeof(path), "%s-%u", export_path, (unsigned)w->banks);
	if (export_path != NULL)
		orders_export_begin(&w->export, path, &genesis);
	for (unsigned i = 0; i < 16; i++)
		register_one(w);
	/* the first one lives long enough to forget postings */
	w->orders.payments = w->banks % 4 == 1;
	w->orders.next_terminal = 1;
	w->orders.next_auditor = 0;
}

/* ---- After each order ------------------------------------------------------------ */

static int64_t
can_give(const struct book_account *a)
{
	return a->type == ACCOUNT_CUSTOMER ? a->posted_minor - a->held_minor
					   : a->posted_minor;
}

static void
compare(const struct world *w, const struct model_account *m)
{
	const struct book_account *a = book_account(&w->book, m->id);

	if (a == NULL || a->posted_minor != m->posted ||
	    a->held_minor != m->held ||
	    (m->type != MODEL_BANKS_OWN &&
		(a->floor_minor != m->floor ||
		    a->soft_floor_minor != m->soft_floor ||
		    a->ceiling_minor != m->ceiling ||
		    a->day_limit_minor != m->day_limit)) ||
	    a->till_closed != m->till_closed ||
	    a->status != (m->closed      ? ACCOUNT_CLOSED
			     : m->frozen ? ACCOUNT_FROZEN
					 : ACCOUNT_OPEN))
		fail_msg("leaf %llu: account %llx is not the model's",
		    (unsigned long long)w->leaf, (unsigned long long)m->id);
	if (book_day_left(&w->book, a, w->orders.now_ms) !=
	    model_day_left(&w->model, m, w->orders.now_ms))
		fail_msg("leaf %llu: account %llx: %lld may leave, not %lld",
		    (unsigned long long)w->leaf, (unsigned long long)m->id,
		    (long long)book_day_left(&w->book, a, w->orders.now_ms),
		    (long long)model_day_left(&w->model, m, w->orders.now_ms));
}

static void
compare_all(const struct world *w)
{
	assert_int_equal(book_account_count(&w->book), w->model.accounts);
	for (unsigned i = 0; i < w->model.accounts; i++)
		compare(w, &w->model.account[i]);
	for (unsigned i = 0; i < w->model.people; i++) {
		const struct model_person *m = &w->model.person[i];
		const struct book_principal *p =
		    book_principal(&w->book, m->customer);

		if (p == NULL || p->role != m->role || p->till != m->till ||
		    p->revoked != m->revoked || p->erased != m->erased ||
		    p->next_seq != m->next_seq || p->terminal != m->terminal)
			fail_msg("leaf %llu: customer %llu is not the model's",
			    (unsigned long long)w->leaf,
			    (unsigned long long)m->customer);
	}
	assert_true(book_sum(&w->book) == 0);
	assert_true(model_sum(&w->model) == 0);
	assert_int_equal(book_auditor_count(&w->book), w->model.auditors);
	assert_int_equal(w->book.hold_count, w->model.holds);
}

/* No floor is crossed by what took something away. */
static void
check_floors(struct world *w, unsigned kind, bool late)
{
	bool counted = kind == ORDER_TILL_OPEN || kind == ORDER_TILL_COUNT ||
		       kind == ORDER_TILL_CLOSE;
	__int128 sum = 0; /* on the way it may be beyond any balance */

	for (unsigned i = 0; i < book_account_count(&w->book); i++) {
		const struct book_account *a = book_account_at(&w->book, i);
		bool bounded =
		    a->type == ACCOUNT_CUSTOMER || a->type == ACCOUNT_TILL;

		sum += a->posted_minor;
		/* cash beyond the maximum that is there is counted, too */
		if (!bounded || late || (counted && a->type == ACCOUNT_TILL))
			continue;
		if (i < MODEL_ACCOUNTS && can_give(a) < w->before[i] &&
		    can_give(a) < a->floor_minor)
			fail_msg("leaf %llu: account %llx is below its floor",
			    (unsigned long long)w->leaf,
			    (unsigned long long)a->id);
		/* but for what was reserved before a late post took it */
		if (a->type == ACCOUNT_TILL && kind != ORDER_POST &&
		    a->posted_minor > 0 && can_give(a) > w->before[i])
			fail_msg("leaf %llu: less than no cash in till %llx",
			    (unsigned long long)w->leaf,
			    (unsigned long long)a->id);
	}
	assert_true(sum == 0);
}

/* ---- Restart ------------------------------------------------------------------------ */

struct bytes {
	uint8_t *at;
	size_t len, room, read;
};

static enum sr_error
to_bytes(void *context, const uint8_t *from, size_t len)
{
	struct bytes *bytes = context;

	while (bytes->len + len > bytes->room) {
		bytes->room = bytes->room == 0 ? 1 << 20 : bytes->room * 2;
		bytes->at = realloc(bytes->at, bytes->room);
		assert_non_null(bytes->at);
	}
	memcpy(bytes->at + bytes->len, from, len);
	bytes->len += len;
	return SR_OK;
}

static enum sr_error
from_bytes(void *context, uint8_t *to, size_t len)
{
	struct bytes *bytes = context;

	if (len > bytes->len - bytes->read)
		return SR_MALFORMED;
	memcpy(to, bytes->at + bytes->read, len);
	bytes->read += len;
	return SR_OK;
}

static void
restart(struct world *w)
{
	static struct bytes bytes;
	uint8_t mine[32], others[32];

	bytes.len = bytes.read = 0;
	assert_int_equal(
	    book_state_write(&w->book, BOOK_STATE_ALL, to_bytes, &bytes),
	    SR_OK);
	book_free(&w->book);
	assert_int_equal(book_init(&w->book), SR_OK);
	assert_int_equal(book_state_read(&w->book, from_bytes, &bytes), SR_OK);
	assert_int_equal(bytes.read, bytes.len);
	book_digest(&w->book, mine);
	book_digest(&w->other, others);
	assert_memory_equal(mine, others, 32);
	w->restarts++;
}

/* ---- One order ------------------------------------------------------------------------ */

static void
finish(struct book_order *order)
{
	uint8_t bytes[ORDER_LEN];
	struct order again;

	order_encode(&order->order, bytes);
	assert_int_equal(order_decode(bytes, &again), SR_OK);
	order_hash(bytes, order->hash);
}

static enum book_step
ask(const struct world *w, const struct book_order *order,
    struct book_answer *answer)
{
	struct book_session session = {
	    .customer = order->order.signer, .terminal = order->order.terminal};

	return book_check(&w->book, &session, order, w->orders.now_ms, answer);
}

/* One thing is wrong that never reaches the rules. */
static void
refused(struct world *w, struct book_order order)
{
	uint64_t life = w->model.policy.order_life_ms;
	enum sr_error expected = SR_SEQ;
	struct book_answer answer;

	switch (orders_draw(&w->orders, 7)) {
	case 0:
		order.order.seq++;
		break;
	case 1:
		order.order.previous[3] ^= 1;
		break;
	case 2:
		order.order.session[0] ^= 1;
		expected = SR_STALE;
		break;
	case 3:
		order.order.bank[31] ^= 1;
		expected = SR_WRONG_BANK;
		break;
	case 4:
		order.order.not_after_ms = w->orders.now_ms - 1;
		expected = SR_EXPIRED;
		break;
	case 5:
		order.order.not_after_ms = w->orders.now_ms + life + 1;
		expected = SR_NOT_AFTER;
		break;
	default:
		order.order.attachment_hash[5] ^= 1;
		expected = SR_MALFORMED;
	}
	finish(&order);
	assert_int_equal(ask(w, &order, &answer), BOOK_REFUSED);
	if (answer.error != expected)
		fail_msg("refused for %d, not %d", answer.error, expected);
	w->refusals++;
}

/* The order before, once more: the answer is the one it got. */
static void
retried(struct world *w)
{
	struct book_answer answer;

	if (w->last.order.seq == 0)
		return;
	assert_int_equal(ask(w, &w->last, &answer), BOOK_STORED);
	assert_int_equal(answer.leaf, w->leaf - 1);
	assert_int_equal(answer.outcome, w->last_outcome);
	w->retries++;
}

/* For one who has to find out: what was to be approved. */
static void
show_request(const struct world *w, uint64_t leaf)
{
	for (unsigned i = 0; i < w->model.requests; i++) {
		const struct model_request *r = &w->model.request[i];

		if (r->leaf != leaf)
			continue;
		print_message(" of %s: debit %llx credit %llx amount %lld,",
		    order_kind_name(r->order.kind),
		    (unsigned long long)r->order.debit,
		    (unsigned long long)r->order.credit,
		    (long long)r->order.amount_minor);
		for (size_t n = 0; n < r->attachment_len; n++)
			print_message(" %02x", r->attachment[n]);
	}
}

static void
judge(struct world *w, const struct book_order *order, enum sr_error outcome,
    uint64_t why)
{
	unsigned kind = order->order.kind;

	assert_true(outcome < REASONS);
	if (outcome >= REASONS)
		return;
	w->outcome[kind][outcome]++;
	if (outcome == SR_OK ? why == 0 : (why & MODEL_WHY(outcome)) != 0)
		return;
	print_message("leaf %llu: %s by %llu at %llu: debit %llx credit %llx "
		      "amount %lld refers to %llu: the bank says %s, the "
		      "model",
	    (unsigned long long)w->leaf, order_kind_name(kind),
	    (unsigned long long)order->order.signer,
	    (unsigned long long)w->orders.now_ms,
	    (unsigned long long)order->order.debit,
	    (unsigned long long)order->order.credit,
	    (long long)order->order.amount_minor,
	    (unsigned long long)order->order.refers_to, error_name(outcome));
	for (unsigned i = 0; i < REASONS; i++)
		if ((why & MODEL_WHY(i)) != 0)
			print_message(" %s", error_name((enum sr_error)i));
	if (kind == ORDER_APPROVE)
		show_request(w, order->order.refers_to);
	for (size_t n = 0; n < order->attachment_len; n++)
		print_message(" %02x", order->attachment[n]);
	fail_msg("%s", why == 0 ? " done" : "");
}

static void
apply(struct world *w, const struct book_order *order)
{
	struct model_turn turn = {.order = &order->order,
	    .hash = order->hash,
	    .attachment = order->attachment,
	    .attachment_len = order->attachment_len,
	    .leaf = w->leaf,
	    .time_ms = w->orders.now_ms};
	struct book_effect effect, other;
	uint64_t why;

	for (unsigned i = 0; i < w->model.accounts; i++)
		w->before[i] = can_give(book_account_at(&w->book, i));
	assert_int_equal(
	    book_apply(&w->book, order, w->leaf, w->orders.now_ms, &effect),
	    SR_OK);
	assert_int_equal(
	    book_apply(&w->other, order, w->leaf, w->orders.now_ms, &other),
	    SR_OK);
	assert_int_equal(effect.outcome, other.outcome);
	orders_export_order(
	    &w->export, &w->book, order, w->leaf, w->orders.now_ms, &effect);
	why = model_apply(&w->model, &turn);
	assert_false(w->model.full);
	judge(w, order, effect.outcome, why);
	for (unsigned i = 0; i < effect.touched_count; i++)
		compare(w, model_account(&w->model, effect.touched[i]->id));
	w->late += effect.late;
	if (effect.outcome == SR_OK) {
		check_floors(w, order->order.kind, effect.late);
		compare_all(w);
	}
	w->last_outcome = effect.outcome;
	w->leaf++;
	w->done++;
}

static void
one_order(struct world *w)
{
	struct orders *orders = &w->orders;
	struct book_order order;
	struct book_answer answer;

	orders_next(orders);
	order = (struct book_order){.order = orders->order,
	    .attachment = orders->attachment,
	    .attachment_len = orders->attachment_len};
	/* no journal has an order of a session that nobody can have */
	if (export_path != NULL &&
	    book_terminal(&w->book, order.order.terminal) == NULL)
		order.order.terminal = 0;
	memset(order.order.bank, 0xbb, ORDER_BANK_LEN);
	memcpy(order.order.previous,
	    model_person(&w->model, order.order.signer)->last_hash,
	    ORDER_HASH_LEN);
	order.order.not_after_ms =
	    orders->now_ms +
	    orders_draw(orders, w->model.policy.order_life_ms + 1);
	order_attachment_hash(order.attachment, order.attachment_len,
	    order.order.attachment_hash);
	if (orders_happens(orders, 10))
		refused(w, order);
	finish(&order);
	if (model_person(&w->model, order.order.signer)->erased) {
		assert_int_equal(ask(w, &order, &answer), BOOK_REFUSED);
		assert_int_equal(answer.error, SR_NOT_ALLOWED);
		w->refusals++;
		return;
	}
	if (ask(w, &order, &answer) != BOOK_APPLY)
		fail_msg("refused: %s", error_name(answer.error));
	apply(w, &order);
	w->last = order;
	memcpy(w->attachment, order.attachment, order.attachment_len);
	w->last.attachment = w->attachment;
	if (orders_happens(orders, 10))
		retried(w);
}

static void
time_goes_by(struct orders *orders)
{
	uint64_t most_ms = 500;

	if (orders_happens(orders, 10))
		most_ms = 1200000;
	if (orders_happens(orders, 2))
		most_ms = 12 * 3600000;
	if (orders_happens(orders, 1) && orders_happens(orders, 200))
		most_ms = 60 * 3600000;
	orders->now_ms += orders_draw(orders, most_ms);
}

/* True when the model can take no more of this bank. */
static bool
is_old(const struct world *w, uint64_t began)
{
	uint64_t life = w->orders.payments ? 150000 : 25000;

	if (export_path != NULL)
		life = 1 + orders_wanted / 3; /* of each sort one */
	return w->done - began >= life || w->model.people >= PEOPLE_ROOM ||
	       w->model.accounts >= ACCOUNTS_ROOM ||
	       w->model.auditors >= AUDITORS_ROOM;
}

static void
given_random_orders_when_applied_then_book_and_model_agree(void **state)
{
	struct world *w = &world;
	uint64_t began = 0;

	(void)state;
	w->orders = (struct orders){.model = &w->model,
	    .random = seed_wanted * UINT64_C(0x9e3779b97f4a7c15) + 1,
	    .now_ms = UINT64_C(1790000000000)};
	begin(w);
	while (w->done < orders_wanted) {
		if (is_old(w, began)) {
			restart(w);
			orders_export_end(&w->export, &w->book);
			begin(w);
			began = w->done;
			w->last.order.seq = 0;
		}
		time_goes_by(&w->orders);
		if (orders_happens(&w->orders, w->orders.payments ? 1 : 6) &&
		    w->model.people < PEOPLE_ROOM)
			register_one(w), w->last.order.seq = 0;
		one_order(w);
		if (w->done % RESTART == 0)
			restart(w);
	}
	restart(w);
	orders_export_end(&w->export, &w->book);
}

/* ---- What came, and what did not ---------------------------------------------------- */

static bool
came(enum sr_error error)
{
	uint64_t times = 0;

	for (unsigned kind = 0; kind < KINDS; kind++)
		times += world.outcome[kind][error];
	return times > 0;
}

static void
given_the_run_when_counted_then_each_kind_and_each_reason_came(void **state)
{
	unsigned missing = 0;

	(void)state;
	for (unsigned kind = 1; kind < KINDS; kind++) {
		uint64_t declined = 0;

		if (!order_kind_known(kind))
			continue;
		for (unsigned i = 1; i < REASONS; i++)
			declined += world.outcome[kind][i];
		if (print_totals)
			printf("%-16s %8llu booked %8llu declined\n",
			    order_kind_name(kind),
			    (unsigned long long)world.outcome[kind][SR_OK],
			    (unsigned long long)declined);
		missing += world.outcome[kind][SR_OK] == 0 || declined == 0;
		for (unsigned i = 1; print_totals && i < REASONS; i++)
			if (world.outcome[kind][i] != 0)
				printf("    %-22s %8llu\n",
				    error_name((enum sr_error)i),
				    (unsigned long long)world.outcome[kind][i]);
	}
	for (unsigned i = SR_FUNDS; i < REASONS; i++)
		if (!came((enum sr_error)i)) {
			print_message(
			    "never: %s\n", error_name((enum sr_error)i));
			missing++;
		}
	if (print_totals)
		printf("%llu orders, %llu banks, %llu restarts, %llu retries, "
		       "%llu refused, %llu late posts\n",
		    (unsigned long long)world.done,
		    (unsigned long long)world.banks,
		    (unsigned long long)world.restarts,
		    (unsigned long long)world.retries,
		    (unsigned long long)world.refusals,
		    (unsigned long long)world.late);
	assert_int_equal(missing, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_random_orders_when_applied_then_book_and_model_agree),
	    cmocka_unit_test(
		given_the_run_when_counted_then_each_kind_and_each_reason_came),
	};

	if (argc > 1)
		orders_wanted = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		seed_wanted = strtoull(argv[2], NULL, 10);
	export_path = argc > 3 ? argv[3] : NULL;
	print_totals = argc > 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
