/* SPDX-License-Identifier: ISC */
/*
 * What people do in a step.  They know what the model knows, which is what an
 * attentive customer, till or operator of the bank would.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/statement.h"
#include "tests/sim/acts.h"

/* ---- who and what --------------------------------------------------------- */

bool
acts_look(struct world *world)
{
	return world->up && !watch_lied(world) && audit_read(world);
}

struct actor *
acts_customer(struct world *world, uint64_t draw)
{
	unsigned places[ACTORS_MAX], count = 0;

	for (unsigned i = ACTOR_ADA; i < world->actors; i++) {
		const struct actor *actor = &world->actor[i];

		if ((actor->registered || actor->perhaps) &&
		    !actor->is_terminal && i != ACTOR_SPARE)
			places[count++] = i;
	}
	return &world->actor[places[draw % count]];
}

static struct actor *
terminal(struct world *world, uint64_t draw)
{
	static const unsigned places[] = {
	    ACTOR_LOBBY, ACTOR_KIOSK, ACTOR_LOBBY, ACTOR_SPARE};
	struct actor *actor = &world->actor[places[draw % 4]];

	return actor->is_terminal ? actor : &world->actor[ACTOR_LOBBY];
}

struct actor *
acts_operator(struct world *world, uint64_t draw)
{
	const struct model *model = &world->audit.model;
	unsigned places[ACTORS_MAX], count = 0;

	for (unsigned i = 0; i < world->actors; i++) {
		const struct model_person *person =
		    model_person(model, world->actor[i].person.m4.customer);

		if (world->actor[i].registered && person != NULL &&
		    person->role == ROLE_OPERATOR && !person->revoked)
			places[count++] = i;
	}
	if (count < 2)
		world_fail(world, "fewer than two operators are left");
	return &world->actor[places[draw % count]];
}

/* Small ones mostly, some too large, some that are no amounts. */
static int64_t
amount(uint64_t draw)
{
	if (draw % 16 == 0)
		return 1000000;
	if (draw % 61 == 1)
		return -5;
	return 1 + (int64_t)(draw >> 8) % 900;
}

/* A memo, at times a long one, which fills segments. */
static size_t
memo(uint64_t draw, char text[ORDER_MEMO_MAX])
{
	size_t len = draw % 4 == 0 ? ORDER_MEMO_MAX : draw % 20;

	memset(text, 'x', len);
	return len;
}

/* A hold that is not settled; NULL. */
static const struct model_hold *
some_hold(const struct world *world, uint64_t draw)
{
	const struct model *model = &world->audit.model;

	return model->holds > 0 ? &model->hold[draw % model->holds] : NULL;
}

/* ---- orders --------------------------------------------------------------- */

static void
sign_transfer(struct world *world, struct actor *from, const uint64_t *draw)
{
	struct actor *to = acts_customer(world, draw[1]);
	struct order order = people_order(world, from, ORDER_TRANSFER);
	char text[ORDER_MEMO_MAX];

	order.debit = from->person.m4.account;
	order.credit = draw[1] % 32 == 0 ? 0x77770000u : to->person.m4.account;
	order.amount_minor = amount(draw[2]);
	(void)people_sign(world, from, &order, text, memo(draw[3], text));
}

static void
sign_deposit(struct world *world, struct actor *till, const uint64_t *draw)
{
	struct order order = people_order(world, till, ORDER_DEPOSIT);

	order.debit = till->person.m4.till_account;
	order.credit = acts_customer(world, draw[1])->person.m4.account;
	order.amount_minor = amount(draw[2]);
	(void)people_sign(world, till, &order, NULL, 0);
}

static void
transfer(struct world *world, const uint64_t *draw)
{
	struct actor *from = acts_customer(world, draw[0]);

	if (!people_enter(world, from))
		return;
	sign_transfer(world, from, draw);
	people_resend(world, from);
}

static void
deposit(struct world *world, const uint64_t *draw)
{
	struct actor *till = terminal(world, draw[0]);

	if (!people_enter(world, till))
		return;
	sign_deposit(world, till, draw);
	people_resend(world, till);
}

/* Several orders on their way at one time, some of one signer. */
static void
burst(struct world *world, const uint64_t *draw)
{
	struct actor *who[6];
	unsigned count = 2 + (unsigned)(draw[0] % 5);

	for (unsigned i = 0; i < count; i++) {
		uint64_t of = draw[1] >> 4 * i;

		who[i] = of % 3 == 0 ? terminal(world, of >> 2)
				     : acts_customer(world, of >> 2);
		(void)people_enter(world, who[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		uint64_t mixed[4] = {
		    0, draw[0] >> 3 * i, draw[2] >> 3 * i, draw[3] >> 3 * i};

		if (!who[i]->in)
			continue;
		if (who[i]->is_terminal)
			sign_deposit(world, who[i], mixed);
		else
			sign_transfer(world, who[i], mixed);
	}
	for (unsigned i = 0; i < count; i++)
		people_send(world, who[i]);
	(void)world_go(world);
}

static void
hold(struct world *world, const uint64_t *draw)
{
	struct actor *who = acts_customer(world, draw[0]);
	struct actor *till = terminal(world, draw[1]);
	struct order order;

	/* cash comes out where one stands */
	if (who->place == 0 || &world->actor[who->place] != till) {
		who->in = false;
		who->place = (unsigned)(till - world->actor);
	}
	if (!people_enter(world, who))
		return;
	order = people_order(world, who, ORDER_HOLD);
	order.debit = who->person.m4.account;
	order.credit = who->person.m4.till_account;
	order.amount_minor = amount(draw[2]);
	(void)people_sign(world, who, &order, NULL, 0);
	people_resend(world, who);
}

/* Cash is out, all or part of it, or it is not. */
static void
settle(struct world *world, const uint64_t *draw)
{
	const struct model_hold *found = some_hold(world, draw[0]);
	struct model_hold of;
	struct actor *till = NULL;
	struct order order;

	if (found == NULL)
		return;
	of = *found;
	for (unsigned i = 0; i < world->actors; i++)
		if (world->actor[i].is_terminal &&
		    (world->actor[i].person.m4.customer << 16 | 1) == of.till)
			till = &world->actor[i];
	if (till == NULL || !people_enter(world, till))
		return;
	order = people_order(
	    world, till, draw[1] % 3 == 0 ? ORDER_VOID : ORDER_POST);
	order.refers_to = of.leaf;
	if (order.kind == ORDER_POST) {
		order.debit = of.account;
		order.credit = of.till;
		order.amount_minor =
		    draw[1] % 3 == 1
			? of.amount
			: 1 + (int64_t)(draw[2] % (uint64_t)of.amount);
	}
	(void)people_sign(world, till, &order, NULL, 0);
	people_resend(world, till);
}

void
acts_approve(struct world *world, size_t request, uint64_t draw)
{
	struct actor *who = acts_operator(world, draw);
	uint8_t hash[ORDER_HASH_LEN];
	struct order order;

	if (world->acks <= request || !people_enter(world, who))
		return;
	memcpy(hash, world->ack[request].hash, sizeof(hash));
	order = people_order(world, who, ORDER_APPROVE);
	order.refers_to = world->ack[request].leaf;
	(void)people_sign(world, who, &order, hash, sizeof(hash));
	people_resend(world, who);
}

void
acts_four_eyes(struct world *world, enum order_kind kind, uint64_t refers_to,
    const void *parameters, size_t len, uint64_t draw)
{
	struct actor *one = acts_operator(world, draw);
	struct order order;
	size_t before;

	if (!people_enter(world, one))
		return;
	before = world->acks;
	order = people_order(world, one, kind);
	order.refers_to = refers_to;
	if (!people_sign(world, one, &order, parameters, len))
		return;
	people_resend(world, one);
	acts_approve(world, before, draw + (draw % 16 != 0));
}

static void
release(struct world *world, const uint64_t *draw)
{
	const struct model_hold *of = some_hold(world, draw[0]);
	uint8_t parameters[ORDER_RELEASE_LEN];
	struct order_release asked;
	uint64_t leaf;

	if (of == NULL)
		return;
	leaf = of->leaf;
	asked.account = of->account;
	asked.amount_minor = of->amount;
	order_release_encode(&asked, parameters);
	/* overdue, mostly; the rooms live through it, so that who logs in then
	 * greets a beacon that is not ten minutes old */
	if (draw[1] % 4 != 0) {
		sim_advance(world->bank->sim, 601000);
		(void)world_go(world);
	}
	acts_four_eyes(world, ORDER_RELEASE_REQUEST, leaf, parameters,
	    sizeof(parameters), draw[2]);
}

static void
retry(struct world *world, const uint64_t *draw)
{
	struct actor *who = &world->actor[draw[0] % ACTORS_FURNISHED];
	struct doubt *pending = &who->pending[who->pending_count];

	if (who->last_ack == 0 || !people_enter(world, who) ||
	    who->pending_count == ACTOR_PENDING)
		return;
	pending = &who->pending[who->pending_count++];
	memset(pending, 0, sizeof(*pending));
	pending->order = who->last;
	people_resend(world, who);
}

/* ---- questions -------------------------------------------------------------- */

static void
ask(struct world *world, const uint64_t *draw)
{
	struct actor *who = draw[1] % 4 == 0 ? acts_operator(world, draw[0])
					     : acts_customer(world, draw[0]);
	uint8_t bytes[256];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get balance = {0};
	struct message_statement_get statement = {
	    .before = UINT64_MAX, .count = 20};
	struct message_holds_get holds = {0};
	enum sr_error error;

	if (!people_enter(world, who))
		return;
	balance.request = statement.request = holds.request =
	    ++who->person.request;
	if (draw[1] % 4 == 0)
		error = message_holds_get_encode(&w, &holds);
	else if (draw[1] % 4 == 1)
		error = message_statement_get_encode(&w, &statement);
	else
		error = message_balance_get_encode(&w, &balance);
	if (error != SR_OK)
		abort();
	sim_person_send(world->bank, &who->person, &w);
	(void)world_go(world);
}

static void
take_holds(struct world *world, const struct message_holds *holds)
{
	const struct model *model = &world->audit.model;

	if (holds->error == SR_OK && !holds->more &&
	    holds->list_len != 64 * model->holds && acts_look(world) &&
	    holds->list_len != 64 * model->holds)
		world_fail(world, "%zu holds are listed, there are %u",
		    holds->list_len / 64, model->holds);
}

static void
take_statement(struct world *world, const struct message_statement *statement)
{
	struct reader r = reader_of(statement->lines, statement->lines_len);
	struct statement_line line;
	int64_t balance = 0;
	bool first = true;

	while (statement->error == SR_OK && reader_left(&r) > 0) {
		if (statement_line_read(&r, &line) != SR_OK)
			world_fail(world, "a statement that cannot be read");
		if (!first && line.balance_minor != balance)
			world_fail(world, "a statement that does not add up");
		if (first) {
			world->told.any = true;
			world->told.account = statement->account;
			world->told.posted = line.balance_minor;
			world->told.held = line.held_minor;
		}
		first = false;
		balance = line.balance_minor - line.amount_minor;
	}
}

void
acts_answer(struct world *world, struct actor *actor, unsigned type,
    const struct reader *body)
{
	size_t len = reader_left(body);
	struct message_statement statement;
	struct message_balance balance;
	struct message_holds holds;
	enum sr_error error = SR_MALFORMED;

	if (type == MESSAGE_BALANCE) {
		error = message_balance_decode(body->at, len, &balance);
		if (error == SR_OK && balance.error == SR_OK) {
			world->told.any = true;
			world->told.account = balance.account;
			world->told.posted = balance.posted;
			world->told.held = balance.held;
		}
	} else if (type == MESSAGE_STATEMENT) {
		error = message_statement_decode(body->at, len, &statement);
		if (error == SR_OK)
			take_statement(world, &statement);
	} else if (type == MESSAGE_HOLDS) {
		error = message_holds_decode(body->at, len, &holds);
		if (error == SR_OK)
			take_holds(world, &holds);
	}
	if (error != SR_OK)
		world_fail(world, "%s was sent message %u", actor->name, type);
}

/* ---- the rest ------------------------------------------------------------- */

static void
generation(struct world *world, const uint64_t *draw)
{
	/* orders may be on their way to the old one */
	for (unsigned i = ACTOR_ADA; draw[0] % 2 && i <= ACTOR_DORA; i++)
		if (people_enter(world, &world->actor[i]))
			sign_transfer(world, &world->actor[i], draw);
	for (unsigned i = ACTOR_ADA; world->up && i <= ACTOR_DORA; i++)
		people_send(world, &world->actor[i]);
	(void)sim_bank_generation(world->bank);
	people_collect(world);
	people_forget_sessions(world);
}

/* An operator finds the clock right, sooner or later. */
static void
confirm_clock(struct world *world)
{
	uint8_t bytes[MESSAGE_CLOCK_CONFIRM_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const struct message_clock_confirm confirm = {0};

	if (message_clock_confirm_encode(&w, &confirm) != SR_OK)
		abort();
	world_tell(world, "    the clock is confirmed");
	(void)sim_bank_control(world->bank, bytes, writer_len(&w));
	(void)world_go(world);
}

void
acts_do(struct world *world, const struct step *step)
{
	const uint64_t *draw = step->draw;

	if (world->up && world->bank->ledgerd->admission.clock && draw[3] % 2)
		confirm_clock(world);
	switch (step->kind) {
	case STEP_TRANSFER:
		transfer(world, draw);
		break;
	case STEP_BURST:
		burst(world, draw);
		break;
	case STEP_DEPOSIT:
		deposit(world, draw);
		break;
	case STEP_HOLD:
		hold(world, draw);
		break;
	case STEP_SETTLE:
		settle(world, draw);
		break;
	case STEP_ORDER:
		acts_order(world, draw);
		break;
	case STEP_RELEASE:
		release(world, draw);
		break;
	case STEP_RETRY:
		retry(world, draw);
		break;
	case STEP_ASK:
		ask(world, draw);
		break;
	case STEP_LOG_IN:
		(void)people_enter(world, acts_customer(world, draw[0]));
		break;
	case STEP_WRONG_PASSWORD:
		acts_wrong_password(world, draw);
		break;
	case STEP_LEAVE:
		acts_leave(world, draw);
		break;
	case STEP_REGISTER:
		acts_register_somebody(world);
		break;
	case STEP_PASSWORD:
		acts_change_password(world, draw);
		break;
	case STEP_NEW_KEYS:
		acts_new_keys(world, draw);
		break;
	case STEP_REKEY:
		acts_rekey(world, draw);
		break;
	case STEP_ENROL:
		acts_enrol(world, draw);
		break;
	case STEP_REVOKE:
		acts_revoke(world, draw);
		break;
	case STEP_ERASE:
		acts_erase(world, draw);
		break;
	case STEP_RETIRE:
		acts_retire(world, draw);
		break;
	case STEP_ROLE:
		acts_role(world, draw);
		break;
	case STEP_POLICY:
		acts_policy(world, draw);
		break;
	case STEP_DISCLOSE:
		acts_disclose(world, draw);
		break;
	case STEP_GENERATION:
		generation(world, draw);
		break;
	case STEP_TIME:
		acts_pass_time(world, draw);
		break;
	case STEP_CLOCK:
		acts_set_clock(world, draw);
		break;
	case STEP_STOP:
	case STEP_KILL:
	case STEP_CUT:
		recover_end(world, step->kind, draw[0]);
		break;
	case STEP_COPY:
		recover_copy(world);
		break;
	case STEP_STALE:
		recover_put_back(world, draw[0]);
		break;
	case STEP_KIND_COUNT:
		break;
	}
}
