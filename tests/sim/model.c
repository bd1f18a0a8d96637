/* SPDX-License-Identifier: ISC */
/* The model.  Must never look at what the bank has computed. */
#include "tests/sim/model.h"

#include <assert.h>
#include <string.h>

#include "common/certificate.h"
#include "tests/sim/model_rules.h"

enum { UNDO_MS = 900000 };

/* ---- Rows ------------------------------------------------------------------ */

struct model_account *
find_account(struct model *model, uint64_t id)
{
	for (unsigned i = 0; i < model->accounts; i++)
		if (model->account[i].id == id)
			return &model->account[i];
	return NULL;
}

const struct model_account *
model_account(const struct model *model, uint64_t id)
{
	return find_account((struct model *)model, id);
}

struct model_person *
find_person(struct model *model, uint64_t customer)
{
	for (unsigned i = 0; i < model->people; i++)
		if (model->person[i].customer == customer)
			return &model->person[i];
	return NULL;
}

const struct model_person *
model_person(const struct model *model, uint64_t customer)
{
	return find_person((struct model *)model, customer);
}

struct model_account *
add_account(struct model *model, uint64_t id, enum model_type type)
{
	static struct model_account nowhere;
	struct model_account *new = &nowhere;

	if (model->accounts == MODEL_ACCOUNTS)
		model->full = true;
	else
		new = &model->account[model->accounts++];
	*new = (struct model_account){
	    .id = id, .type = type, .day_limit = INT64_MAX};
	return new;
}

/* Between the least and the greatest balance that can be written down. */
static bool
fits(__int128 balance)
{
	return balance >= INT64_MIN && balance <= INT64_MAX;
}

int64_t
model_sum(const struct model *model)
{
	__int128 sum = 0; /* on the way it may be beyond any balance */

	for (unsigned i = 0; i < model->accounts; i++)
		sum += model->account[i].posted;
	assert(fits(sum));
	return (int64_t)sum;
}

/* ---- What kinds have in common ----------------------------------------------- */

uint64_t
is_bare(const struct order *o)
{
	return o->debit == 0 && o->credit == 0 && o->amount_minor == 0
		   ? 0
		   : WHY(SR_PARAMETERS);
}

uint64_t
gives(const struct model_account *a, int64_t amount, bool though_frozen)
{
	__int128 after = (__int128)a->posted - amount;
	uint64_t why = 0;

	if (a->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	if (a->frozen && !though_frozen)
		why |= WHY(SR_ACCOUNT_FROZEN);
	if (a->type == MODEL_CUSTOMER && after - a->held < a->floor)
		why |= WHY(SR_FUNDS);
	if (a->type == MODEL_TILL && after < a->floor)
		why |= WHY(SR_TILL_FULL);
	if (a->type == MODEL_BANKS_OWN && !fits(after))
		why |= WHY(SR_AMOUNT);
	return why;
}

uint64_t
takes(const struct model_account *a, int64_t amount, bool ceiling)
{
	__int128 after = (__int128)a->posted + amount;
	uint64_t why = 0;

	if (a->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	if (a->type == MODEL_CUSTOMER && ceiling && after > a->ceiling &&
	    after > 0)
		why |= WHY(SR_CEILING);
	/* cash that is not there, or is promised to somebody */
	if (a->type == MODEL_TILL && after + a->held > 0)
		why |= WHY(SR_TILL_EMPTY);
	if (!fits(after))
		why |= WHY(SR_AMOUNT) | WHY(SR_CEILING);
	return why;
}

void
move(struct model_account *from, struct model_account *to, int64_t amount)
{
	from->posted -= amount;
	to->posted += amount;
}

uint64_t
works_at(const struct turn *turn, uint64_t till)
{
	const struct model_account *a = model_account(turn->model, till);
	uint64_t why = 0;

	if (a == NULL || a->type != MODEL_TILL || turn->signer->till != till)
		why |= WHY(SR_NOT_YOURS);
	/* a terminal's cash moves there, a teller may work anywhere */
	if (turn->signer->role == ROLE_TERMINAL &&
	    turn->o->terminal != turn->signer->terminal)
		why |= WHY(SR_NOT_YOURS);
	if (a == NULL)
		return why;
	if (a->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	if (a->frozen)
		why |= WHY(SR_ACCOUNT_FROZEN);
	return why;
}

unsigned
count_open(const struct model *model, uint64_t customer, bool main_too)
{
	unsigned count = 0;

	for (unsigned i = 0; i < model->accounts; i++) {
		const struct model_account *a = &model->account[i];

		count += a->type == MODEL_CUSTOMER && !a->closed &&
			 a->id >> 16 == customer &&
			 (main_too || (a->id & 0xffff) != 0);
	}
	return count;
}

void
remember(struct model *model, const struct model_posting *posting)
{
	/* corrections came with the second rules */
	if (model->rules >= 2)
		model->posting[model->postings++ % MODEL_POSTINGS] = *posting;
}

/* ---- An order ------------------------------------------------------------------- */

/* True for the kinds that name a leaf of the journal. */
static bool
refers(unsigned kind)
{
	return kind == ORDER_POST || kind == ORDER_VOID || kind == ORDER_UNDO ||
	       kind == ORDER_REVERSE || kind == ORDER_APPROVE ||
	       kind == ORDER_RELEASE_REQUEST;
}

static uint64_t
for_everybody(const struct turn *turn)
{
	static const uint8_t none[16];
	const struct model_person *signer = turn->signer;
	const struct order *o = turn->o;
	uint64_t why = 0;

	if (signer->revoked || signer->erased ||
	    !role_may(o->kind, signer->role))
		why |= WHY(SR_ROLE);
	if (o->unit != order_unit(turn->model->genesis.unit.exponent))
		why |= WHY(SR_UNIT);
	if (order_attachment_check(o->kind, turn->attachment, turn->len) !=
	    SR_OK)
		why |= WHY(SR_PARAMETERS);
	if (!refers(o->kind) && o->refers_to != 0)
		why |= WHY(SR_PARAMETERS);
	if (memcmp(o->reference, none, 16) == 0)
		return why;
	for (unsigned i = 0; i < MODEL_REFERENCES; i++)
		if (signer->past[i].done &&
		    memcmp(signer->past[i].reference, o->reference, 16) == 0)
			why |= WHY(SR_DUPLICATE);
	return why;
}

static uint64_t
by_kind(struct turn *turn)
{
	switch (turn->o->kind) {
	case ORDER_TRANSFER:
		return do_transfer(turn);
	case ORDER_DEPOSIT:
		return do_deposit(turn);
	case ORDER_HOLD:
		return do_hold(turn);
	case ORDER_POST:
	case ORDER_VOID:
		return do_settle(turn);
	case ORDER_UNDO:
		return do_undo(turn);
	case ORDER_APPROVE:
		return do_approve(turn);
	case ORDER_FREEZE:
		return do_freeze(turn);
	case ORDER_LOWER_LIMIT:
		return do_lower(turn);
	case ORDER_REVOKE:
		return do_revoke(turn);
	case ORDER_ROLE_REVOKE:
		return do_role_revoke(turn);
	case ORDER_CLOSE:
		return do_close(turn);
	case ORDER_ERASE:
		return do_erase(turn);
	case ORDER_ACCOUNT_OPEN:
		return do_account_open(turn);
	case ORDER_CERTIFY:
		return turn->o->debit != 0 || turn->o->credit != 0 ||
			       turn->o->amount_minor != 0
			   ? WHY(SR_PARAMETERS)
			   : 0;
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
		return do_count(turn);
	default:
		return do_request(turn);
	}
}

uint64_t
model_apply(struct model *model, const struct model_turn *given)
{
	const struct order *o = given->order;
	struct turn turn = {.model = model,
	    .signer = find_person(model, o->signer),
	    .o = o,
	    .hash = given->hash,
	    .attachment = given->attachment,
	    .len = given->attachment_len,
	    .leaf = given->leaf,
	    .now = given->time_ms};
	uint64_t why = for_everybody(&turn);
	unsigned place = o->seq % MODEL_REFERENCES;

	if (why == 0)
		why = by_kind(&turn);
	turn.signer->past[place].done = why == 0;
	memcpy(turn.signer->past[place].reference, o->reference, 16);
	turn.signer->next_seq++;
	memcpy(turn.signer->last_hash, given->hash, 32);
	return why;
}

/* ---- Entries of the journal -------------------------------------------------------- */

void
model_begin(struct model *model, const struct entry_genesis *genesis)
{
	const struct entry_rules *rules = &genesis->rules;

	memset(model, 0, sizeof(*model));
	model->genesis = *genesis;
	model->rules = rules->version == 0 ? 1 : rules->version;
	model->policy = (struct order_policy){
	    .customer = {.floor_minor = rules->customer_floor_minor,
		.soft_floor_minor = rules->customer_floor_minor,
		.ceiling_minor = rules->customer_ceiling_minor,
		.day_limit_minor = INT64_MAX},
	    .order_life_ms = rules->order_life_ms,
	    .request_life_ms = rules->request_life_ms,
	    .undo_ms = UNDO_MS};
	if (genesis->bank_type == BANK_CASH)
		add_account(model, ACCOUNT_ISSUE, MODEL_BANKS_OWN);
	add_account(model, ACCOUNT_OVER_SHORT, MODEL_BANKS_OWN);
}

const char *
model_found(struct model *model, const void *bytes, size_t len)
{
	struct entry_genesis genesis;

	if (entry_genesis_decode(bytes, len, &genesis) != SR_OK)
		return "leaf 0 is no genesis";
	model_begin(model, &genesis);
	return NULL;
}

const char *
model_system(struct model *model, const struct entry_event *event)
{
	if (event->code != SYSTEM_RULES)
		return NULL;
	if (event->subject <= model->rules)
		return "rules that were in force already";
	model->rules = (unsigned)event->subject;
	return NULL;
}

void
model_register(struct model *model, uint64_t customer,
    const uint8_t signing_key[32], const uint8_t attested[32])
{
	const struct order_limits *limits = &model->policy.customer;
	struct model_account *opened;
	struct model_person *new;

	if (model->people == MODEL_PEOPLE) {
		model->full = true;
		return;
	}
	new = &model->person[model->people++];
	*new = (struct model_person){
	    .customer = customer, .role = ROLE_CUSTOMER, .next_seq = 1};
	memcpy(new->attested, attested, sizeof(new->attested));
	opened = add_account(model, customer << 16, MODEL_CUSTOMER);
	opened->floor = limits->floor_minor;
	opened->soft_floor = limits->soft_floor_minor;
	opened->ceiling = limits->ceiling_minor;
	opened->day_limit = limits->day_limit_minor;
	for (unsigned i = 0; i < 2; i++)
		if (!model->operator_known[i] &&
		    memcmp(signing_key, model->genesis.operator_key[i], 32) ==
			0) {
			model->operator_known[i] = true;
			new->role = ROLE_OPERATOR;
			opened->closed = true;
			break;
		}
}

const char *
model_open(struct model *model, const struct entry_account *entry)
{
	struct attestation attestation;
	struct model_person *known;
	uint8_t hash[32];

	if (attestation_read(entry->attestation, &attestation) != SR_OK)
		return "an attestation that cannot be read";
	attestation_hash(entry->attestation, hash);
	known = find_person(model, attestation.customer);
	if (known != NULL) {
		memcpy(known->attested, hash, sizeof(known->attested));
		return NULL;
	}
	model_register(
	    model, attestation.customer, attestation.signing_key, hash);
	return model->full ? "more people than the model takes" : NULL;
}

const char *
model_order(struct model *model, const struct entry_order *entry, uint64_t leaf)
{
	struct model_person *signer;
	uint8_t hash[32];
	struct order o;
	uint64_t why;

	if (order_decode(entry->order, &o) != SR_OK)
		return "an order that cannot be read";
	signer = find_person(model, o.signer);
	if (signer == NULL)
		return "an order of somebody who is not known";
	if (o.seq != signer->next_seq)
		return "an order out of its turn";
	if (memcmp(o.previous, signer->last_hash, 32) != 0)
		return "an order that does not follow the one before";
	order_hash(entry->order, hash);
	why = model_apply(model, &(struct model_turn){.order = &o,
				     .hash = hash,
				     .attachment = entry->attachment,
				     .attachment_len = entry->attachment_len,
				     .leaf = leaf,
				     .time_ms = entry->time_ms});
	if (model->full)
		return "more than the model takes";
	if (why == 0)
		return entry->outcome == SR_OK
			   ? NULL
			   : "an order was declined that had to be booked";
	if (entry->outcome == SR_OK)
		return "an order was booked that had to be declined";
	if (entry->outcome >= 64 || (why & WHY(entry->outcome)) == 0)
		return "an order was declined for a wrong reason";
	return NULL;
}
