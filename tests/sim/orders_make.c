/* SPDX-License-Identifier: ISC */
/* Random orders: what each kind says, mostly such as would be accepted. */
#include <string.h>

#include "common/authority.h"
#include "common/ids.h"
#include "tests/sim/orders_pick.h"

/* ---- What: attachments ---------------------------------------------------------- */

static void
name_account(struct orders *orders, uint64_t account)
{
	order_account_encode(account, orders->attachment);
	orders->attachment_len = ORDER_ACCOUNT_LEN;
}

static void
some_memo(struct orders *orders)
{
	static const char memo[] = "for the pizza of last week";

	orders->attachment_len = orders_draw(orders, sizeof(memo));
	memcpy(orders->attachment, memo, orders->attachment_len);
}

/* Floor and soft floor, ceiling and day limit; some in a wrong order. */
static struct order_limits
some_limits(struct orders *orders, const struct model_account *of)
{
	bool lower = of != NULL && orders->order.kind == ORDER_LOWER_LIMIT;
	struct order_limits l = {.account = of != NULL ? of->id : 0,
	    .floor_minor = -some_limit(orders, 500),
	    .ceiling_minor = some_limit(orders, 3000),
	    .day_limit_minor = some_limit(orders, 1500)};

	if (of != NULL && of->type == MODEL_TILL) {
		l.floor_minor = -some_limit(orders, 20000);
		l.ceiling_minor = 0;
		l.day_limit_minor = INT64_MAX;
	}
	if (orders_happens(orders, 300))
		l.floor_minor = lower ? of->floor : 0;
	if (of == NULL || of->type == MODEL_CUSTOMER) {
		if (orders_happens(orders, 400))
			l.ceiling_minor = lower ? of->ceiling : INT64_MAX;
		if (orders_happens(orders, 400))
			l.day_limit_minor = lower ? of->day_limit : INT64_MAX;
	}
	l.soft_floor_minor = l.floor_minor;
	if (l.ceiling_minor > 0 && orders_happens(orders, 300))
		l.soft_floor_minor = 0;
	return l;
}

void
orders_spoil(struct orders *orders)
{
	if (orders->attachment_len == 0)
		orders->attachment_len = 1 + orders_draw(orders, 40);
	else if (orders_draw(orders, 3) == 0)
		orders->attachment_len =
		    orders_draw(orders, orders->attachment_len);
	else
		orders
		    ->attachment[orders_draw(orders, orders->attachment_len)] ^=
		    (uint8_t)(1u << orders_draw(orders, 8));
}

/* ---- Kind by kind ------------------------------------------------------------------- */

static void
make_payment(struct orders *orders, const struct model_person *signer)
{
	const struct model_account *from;
	struct order *o = &orders->order;

	some_memo(orders);
	o->debit = or_another(orders, o->kind == ORDER_DEPOSIT
					  ? signer->till
					  : some_of(orders, signer->customer));
	o->credit = orders_happens(orders, 250)
			? some_of(orders, signer->customer)
			: some_of_type(orders, MODEL_CUSTOMER)->id;
	o->credit = or_another(orders, o->credit);
	from = model_account(orders->model, o->debit);
	o->amount_minor =
	    some_amount(orders, o->kind == ORDER_DEPOSIT ? NULL : from);
}

static void
make_hold(struct orders *orders, const struct model_person *signer)
{
	const struct model_person *terminal = somebody(orders, ROLE_TERMINAL);
	struct order *o = &orders->order;

	some_memo(orders);
	o->debit = or_another(orders, some_of(orders, signer->customer));
	o->credit = or_another(orders, terminal->till);
	o->terminal = terminal->terminal;
	o->amount_minor =
	    some_amount(orders, model_account(orders->model, o->debit));
	if (orders_happens(orders, 500))
		o->amount_minor = 1 + (int64_t)orders_draw(orders, 20);
	if (orders->mood == MOOD_HOLDS) {
		o->debit = signer->customer << 16;
		o->amount_minor = 1 + (int64_t)orders_draw(orders, 3);
	}
}

static void
make_settlement(struct orders *orders)
{
	const struct model_hold *hold = some_hold(orders);
	const struct model_person *owner;
	struct order *o = &orders->order;

	if (hold == NULL)
		return;
	owner = model_person(orders->model, hold->till >> 16);
	if (orders_happens(orders, 950)) {
		o->signer = owner->customer;
		o->terminal = owner->terminal;
	}
	o->refers_to = hold->leaf;
	if (o->kind == ORDER_VOID)
		return;
	o->debit = or_another(orders, hold->account);
	o->credit = or_another(orders, hold->till);
	o->amount_minor = hold->amount;
	if (orders_happens(orders, 300))
		o->amount_minor = some_limit(orders, hold->amount + 1);
}

static void
make_way_back(struct orders *orders)
{
	const struct model_posting *p = some_posting(orders);
	struct order *o = &orders->order;

	some_memo(orders);
	if (p == NULL)
		return;
	if (o->kind == ORDER_UNDO && orders_happens(orders, 950)) {
		o->signer = p->kind == ORDER_DEPOSIT
				? worker(orders, p->debit)->customer
				: p->credit >> 16;
		if (model_person(orders->model, o->signer) == NULL)
			o->signer = orders->model->person[0].customer;
	}
	o->refers_to = p->leaf;
	o->debit = or_another(orders, p->credit);
	o->credit = or_another(orders, p->debit);
	o->amount_minor = p->amount;
	if (orders_happens(orders, 20))
		o->amount_minor--;
	if (orders_happens(orders, 20))
		o->refers_to = orders_draw(orders, p->leaf + 2);
}

static void
make_posting_by_operators(
    struct orders *orders, const struct model_person *signer)
{
	struct order *o = &orders->order;
	const struct model_account *from = some_account(orders);

	some_memo(orders);
	o->debit = or_another(
	    orders, o->kind == ORDER_ADJUST ? from->id : ACCOUNT_ISSUE);
	o->credit = o->kind == ORDER_ADJUST
			? some_account(orders)->id
			: some_of_type(orders, MODEL_CUSTOMER)->id;
	if (o->kind == ORDER_CASH_OUT)
		o->credit = signer->till != 0
				? signer->till
				: some_of_type(orders, MODEL_TILL)->id;
	o->credit = or_another(orders, o->credit);
	o->amount_minor = some_amount(
	    orders, model_account(orders->model,
			o->kind == ORDER_CASH_OUT ? o->credit : o->debit));
}

static void
make_policy(struct orders *orders)
{
	static const uint64_t undo_ms[] = {0, 60000, 900000, 86400000};
	struct order_policy policy = {.customer = some_limits(orders, NULL),
	    .order_life_ms = 1 + orders_draw(orders, ORDER_LIFE_MAX_MS),
	    .request_life_ms = 3600000 * (1 + orders_draw(orders, 24)),
	    .undo_ms = undo_ms[orders_draw(orders, 4)]};

	order_policy_encode(&policy, orders->attachment);
	orders->attachment_len = ORDER_POLICY_LEN;
}

static void
make_role(struct orders *orders)
{
	static const uint8_t roles[] = {ROLE_CUSTOMER, ROLE_CUSTOMER,
	    ROLE_TELLER, ROLE_TELLER, ROLE_TELLER, ROLE_OPERATOR, ROLE_AUDITOR};
	struct order_role role = {
	    .role = roles[orders_draw(orders, sizeof(roles))]};
	const struct model_person *who = somebody(orders, ROLE_CUSTOMER);

	if (role.role == ROLE_CUSTOMER)
		who = somebody(
		    orders, (unsigned)(ROLE_TELLER + orders_draw(orders, 3)));
	else if (orders_happens(orders, 600))
		/* somebody who is new has most likely nothing yet */
		who = &orders->model->person[orders->model->people - 1];
	if (orders_happens(orders, 30))
		who = somebody(orders, (unsigned)(1 + orders_draw(orders, 5)));
	role.principal = who->customer;
	if (role.role == ROLE_TELLER) {
		if (orders_happens(orders, 500))
			role.till = some_of_type(orders, MODEL_TILL)->id;
		else
			role.till_maximum_minor =
			    1 + (int64_t)orders_draw(orders, 20000);
	}
	if (orders_happens(orders, 10))
		role.principal = some_account(orders)->id;
	order_role_encode(&role, orders->attachment);
	orders->attachment_len = ORDER_ROLE_LEN;
}

static void
make_enrol(struct orders *orders)
{
	const struct model *model = orders->model;
	bool terminal = orders_happens(orders, 600);
	uint32_t number = orders->next_terminal;
	struct order_enrol enrol = {
	    .principal = orders_happens(orders, 700)
			     ? model->person[model->people - 1].customer
			     : somebody(orders, ROLE_CUSTOMER)->customer,
	    .terminal = terminal ? number : 0,
	    .epoch = terminal ? 1 : 0,
	    .till_maximum_minor = 1 + (int64_t)orders_draw(orders, 20000),
	    .role = terminal ? ROLE_TERMINAL : ROLE_TELLER};

	if (orders_happens(orders, 900))
		orders->next_terminal++;
	else if (terminal)
		enrol.terminal = 1 + (uint32_t)orders_draw(orders, number);
	order_enrol_encode(&enrol, orders->attachment);
	orders->attachment_len = ORDER_ENROL_LEN;
}

static void
make_approval(struct orders *orders)
{
	const struct model *model = orders->model;
	const struct model_request *r = NULL;

	orders->attachment_len = ORDER_APPROVE_LEN;
	memset(orders->attachment, 0, ORDER_APPROVE_LEN);
	if (model->requests == 0)
		return;
	for (unsigned look = 0; look < 6; look++) {
		uint64_t back = orders_draw(orders, 8);

		if (orders_happens(orders, 100))
			back = orders_draw(orders, model->requests);
		if (back >= model->requests)
			back = 0;
		r = &model->request[model->requests - 1 - back];
		if (!r->used)
			break;
	}
	orders->order.refers_to = r->leaf;
	memcpy(orders->attachment, r->hash, ORDER_APPROVE_LEN);
	if (orders_happens(orders, 20))
		orders->order.refers_to++;
	for (unsigned look = 0; look < 5; look++)
		if (orders->order.signer == r->order.signer)
			orders->order.signer =
			    somebody(orders, ROLE_OPERATOR)->customer;
}

/* Of some snapshot; which ones there are the rules do not ask. */
static void
make_certificate(struct orders *orders)
{
	struct order_certify certify = {
	    .snapshot = (uint32_t)orders_draw(orders, 9),
	    .size = orders_draw(orders, 1000)};

	order_certify_encode(&certify, orders->attachment);
	orders->attachment_len = ORDER_CERTIFY_LEN;
}

static void
make_retirement(struct orders *orders)
{
	const struct order_retire retire = {
	    .snapshot = (uint32_t)orders_draw(orders, 9)};

	order_retire_encode(&retire, orders->attachment);
	orders->attachment_len = ORDER_RETIRE_LEN;
}

static void
make_reset(struct orders *orders)
{
	const struct model_person *who = somebody(
	    orders, orders_happens(orders, 900)
			? ROLE_CUSTOMER
			: (unsigned)orders_draw(orders, ROLE_AUDITOR + 1));
	struct order_reset reset = {.customer = who->customer,
	    .until_ms = orders->now_ms + 1 +
			orders_draw(orders, UINT64_C(366) * 86400000)};

	memcpy(reset.attestation_hash, who->attested, 32);
	if (orders_happens(orders, 30))
		reset.customer++;
	if (orders_happens(orders, 20))
		reset.until_ms =
		    1 + orders_draw(orders, 2 * orders->now_ms + 1);
	if (orders_happens(orders, 20))
		reset.attestation_hash[orders_draw(orders, 32)] ^= 1;
	order_reset_encode(&reset, orders->attachment);
	orders->attachment_len = ORDER_RESET_LEN;
}

static void
make_revocation(struct orders *orders)
{
	bool operators = orders->order.kind == ORDER_ROLE_REVOKE;
	unsigned role = operators ? ROLE_OPERATOR : ROLE_TERMINAL;
	const struct model_person *who;
	struct order_revoke revoke;

	role += (unsigned)orders_draw(orders, 2);
	if (orders_happens(orders, 30))
		role = ROLE_CUSTOMER;
	who = somebody(orders, role);
	if (orders_happens(orders, 100))
		for (unsigned look = 0; look < 200 && !who->revoked; look++)
			who = &orders->model->person[orders_draw(
			    orders, orders->model->people)];
	if (operators) {
		name_account(orders, who->customer);
		return;
	}
	revoke.principal = who->customer;
	revoke.terminal = who->terminal;
	order_revoke_encode(&revoke, orders->attachment);
	orders->attachment_len = ORDER_REVOKE_LEN;
}

static void
make_release(struct orders *orders)
{
	const struct model_hold *hold = some_hold(orders);
	struct order_release release = {
	    .account = hold != NULL ? hold->account : 5u << 16,
	    .amount_minor = hold != NULL ? hold->amount : 7};

	orders->order.refers_to = hold != NULL ? hold->leaf : 3;
	if (orders_happens(orders, 20))
		release.amount_minor++;
	order_release_encode(&release, orders->attachment);
	orders->attachment_len = ORDER_RELEASE_LEN;
}

static void
make_auditor(struct orders *orders)
{
	struct order_auditor auditor = {
	    .key = {9}, .name_len = 5, .name = "audaa"};
	uint64_t number = orders->next_auditor;

	if (orders_happens(orders, 800))
		orders->next_auditor++;
	auditor.name[3] = (char)('a' + number / 26 % 26);
	auditor.name[4] = (char)('a' + number % 26);
	memcpy(auditor.key + 1, &number, sizeof(number));
	order_auditor_encode(&auditor, orders->attachment);
	orders->attachment_len = ORDER_AUDITOR_LEN;
}

/* What is counted, that much more or less; a till counts no further. */
static int64_t
counted(int64_t cash, int64_t more)
{
	return cash > INT64_MAX - 3000 ? INT64_MAX : cash + more;
}

static void
make_count(struct orders *orders, const struct model_person *signer)
{
	uint64_t id = or_another(orders, signer->till);
	const struct model_account *till = model_account(orders->model, id);
	struct order_count count = {.till = id};
	int64_t cash = till != NULL ? -till->posted : 0;

	if (orders_happens(orders, 400))
		cash = counted(cash, (int64_t)orders_draw(orders, 200) - 100);
	if (orders_happens(orders, 150))
		cash = counted(cash, (int64_t)orders_draw(orders, 3000));
	if (cash < 0 || orders_happens(orders, 10))
		cash = 0;
	if (orders_happens(orders, 5))
		cash = INT64_MAX - 3;
	count.sum_minor = cash;
	if (cash >= 50)
		count.line[count.lines++] = (struct order_count_line){
		    .value_minor = 50, .pieces = (uint64_t)cash / 50};
	if (cash % 50 != 0)
		count.line[count.lines++] = (struct order_count_line){
		    .value_minor = 1, .pieces = (uint64_t)cash % 50};
	orders->attachment_len = order_count_encode(&count, orders->attachment);
	orders->order.amount_minor = cash;
	if (orders_happens(orders, 10))
		orders->order.amount_minor ^= 1;
}

static void
make_opening(struct orders *orders, const struct model_person *signer)
{
	unsigned index = 2;

	while (model_account(orders->model, signer->customer << 16 | index) !=
	       NULL)
		index++;
	if (orders_happens(orders, 30))
		index = (unsigned)orders_draw(orders, 101);
	orders->order.credit = signer->customer << 16 | index;
	orders->attachment_len = 2;
	orders->attachment[0] = (uint8_t)('a' + orders_draw(orders, 3));
	orders->attachment[1] = (uint8_t)('a' + orders_draw(orders, 8));
	if (orders_happens(orders, 10)) {
		memcpy(orders->attachment, "main", 4);
		orders->attachment_len = 4;
	}
}

static void
make_naming(struct orders *orders, const struct model_person *signer)
{
	struct orders *o = orders;
	const struct model_account *a = some_of_type(
	    o, orders_happens(o, 700) ? MODEL_CUSTOMER : MODEL_TILL);

	if (o->order.kind == ORDER_UNFREEZE)
		for (unsigned look = 0; look < 100 && !a->frozen; look++)
			a = some_account(o);
	name_account(o, or_another(o, o->order.kind == ORDER_CLOSE
					  ? some_of(o, signer->customer)
					  : a->id));
}

static void
make_limits(struct orders *orders)
{
	const struct model_account *of = some_of_type(
	    orders, orders_happens(orders, 800) ? MODEL_CUSTOMER : MODEL_TILL);
	struct order_limits limits;

	if (orders_happens(orders, 20))
		of = some_account(orders);
	limits = some_limits(orders, of);
	limits.account = or_another(orders, limits.account);
	order_limits_encode(&limits, orders->attachment);
	orders->attachment_len = ORDER_LIMITS_LEN;
}

void
orders_make(struct orders *orders, const struct model_person *signer)
{
	switch (orders->order.kind) {
	case ORDER_TRANSFER:
	case ORDER_DEPOSIT:
		make_payment(orders, signer);
		break;
	case ORDER_HOLD:
		make_hold(orders, signer);
		break;
	case ORDER_POST:
	case ORDER_VOID:
		make_settlement(orders);
		break;
	case ORDER_UNDO:
	case ORDER_REVERSE:
		make_way_back(orders);
		break;
	case ORDER_ISSUE:
	case ORDER_ADJUST:
	case ORDER_CASH_OUT:
		make_posting_by_operators(orders, signer);
		break;
	case ORDER_POLICY:
		make_policy(orders);
		break;
	case ORDER_ROLE:
		make_role(orders);
		break;
	case ORDER_RAISE_LIMIT:
	case ORDER_LOWER_LIMIT:
		make_limits(orders);
		break;
	case ORDER_ENROL_REQUEST:
		make_enrol(orders);
		break;
	case ORDER_APPROVE:
		make_approval(orders);
		break;
	case ORDER_REVOKE:
	case ORDER_ROLE_REVOKE:
		make_revocation(orders);
		break;
	case ORDER_RELEASE_REQUEST:
		make_release(orders);
		break;
	case ORDER_AUDITOR_REQUEST:
		make_auditor(orders);
		break;
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
		make_count(orders, signer);
		break;
	case ORDER_ACCOUNT_OPEN:
		make_opening(orders, signer);
		break;
	case ORDER_FREEZE:
	case ORDER_UNFREEZE:
	case ORDER_CLOSE:
		make_naming(orders, signer);
		break;
	case ORDER_CERTIFY:
		make_certificate(orders);
		break;
	case ORDER_RETIRE:
		make_retirement(orders);
		break;
	case ORDER_RESET:
		make_reset(orders);
		break;
	default: /* erase */
		break;
	}
}
