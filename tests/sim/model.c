/* SPDX-License-Identifier: ISC */
/* The model.  Must never look at what the bank has computed. */
#include "tests/sim/model.h"

#include <string.h>

#include "common/authority.h"
#include "common/certificate.h"
#include "common/ids.h"

enum { OVERDUE_MS = 600000 };

static struct model_account *
account(struct model *model, uint64_t id)
{
	for (unsigned i = 0; i < model->accounts; i++)
		if (model->account[i].id == id)
			return &model->account[i];
	return NULL;
}

const struct model_account *
model_account(const struct model *model, uint64_t id)
{
	return account((struct model *)model, id);
}

static struct model_person *
person(struct model *model, uint64_t customer)
{
	for (unsigned i = 0; i < model->people; i++)
		if (model->person[i].customer == customer)
			return &model->person[i];
	return NULL;
}

const struct model_person *
model_person(const struct model *model, uint64_t customer)
{
	return person((struct model *)model, customer);
}

int64_t
model_sum(const struct model *model)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < model->accounts; i++)
		sum += model->account[i].posted;
	return sum;
}

static struct model_hold *
hold_of(struct model *model, uint64_t leaf)
{
	for (unsigned i = 0; i < model->holds; i++)
		if (model->hold[i].leaf == leaf && !model->hold[i].settled)
			return &model->hold[i];
	return NULL;
}

const char *
model_found(struct model *model, const void *bytes, size_t len)
{
	memset(model, 0, sizeof(*model));
	if (entry_genesis_decode(bytes, len, &model->genesis) != SR_OK)
		return "leaf 0 is no genesis";
	return NULL;
}

const char *
model_open(struct model *model, const struct entry_account *entry)
{
	const struct entry_rules *rules = &model->genesis.rules;
	struct attestation attestation;
	struct model_account *opened;
	struct model_person *new;

	if (attestation_read(entry->attestation, &attestation) != SR_OK)
		return "an attestation that cannot be read";
	/* new keys of somebody who is known */
	if (person(model, attestation.customer) != NULL)
		return NULL;
	if (model->people == MODEL_PEOPLE || model->accounts == MODEL_ACCOUNTS)
		return "more people than the model takes";
	new = &model->person[model->people++];
	new->customer = attestation.customer;
	new->role = ROLE_CUSTOMER;
	new->next_seq = 1;
	opened = &model->account[model->accounts++];
	opened->id = attestation.customer << 16;
	opened->floor = rules->customer_floor_minor;
	opened->ceiling = rules->customer_ceiling_minor;
	for (unsigned i = 0; i < 2; i++)
		if (!model->operator_known[i] &&
		    memcmp(attestation.signing_key,
			model->genesis.operator_key[i], 32) == 0) {
			model->operator_known[i] = true;
			new->role = ROLE_OPERATOR;
			opened->closed = true;
			break;
		}
	return NULL;
}

/* ---- rules: whether it may, then what it does ----------------------------- */

static bool
moves_nothing(const struct order *o)
{
	return o->debit == 0 && o->credit == 0 && o->amount_minor == 0;
}

static bool
gives(const struct model_account *a, int64_t amount)
{
	__int128 after = (__int128)a->posted - amount - (a->till ? 0 : a->held);

	return !a->frozen && !a->closed && after >= a->floor;
}

static bool
pay(struct model *model, const struct order *o)
{
	struct model_account *from = account(model, o->debit);
	struct model_account *to = account(model, o->credit);

	if (o->amount_minor <= 0 || from == NULL || to == NULL || from == to ||
	    to->till || to->closed || !gives(from, o->amount_minor) ||
	    (__int128)to->posted + o->amount_minor > to->ceiling)
		return false;
	from->posted -= o->amount_minor;
	to->posted += o->amount_minor;
	return true;
}

static bool
reserve(struct model *model, const struct model_person *signer,
    const struct order *o, uint64_t leaf, uint64_t time_ms)
{
	struct model_account *from = account(model, o->debit);
	struct model_account *till = account(model, o->credit);
	unsigned open = 0;

	if (o->debit != signer->customer << 16 || o->terminal == 0 ||
	    o->amount_minor <= 0 || from == NULL || till == NULL || !till->till)
		return false;
	/* at the till of the terminal that the order names */
	for (unsigned i = 0; i < model->people; i++)
		if (model->person[i].terminal == o->terminal &&
		    (model->person[i].customer << 16 | 1) != till->id)
			return false;
	for (unsigned i = 0; i < model->holds; i++)
		open += !model->hold[i].settled &&
			model->hold[i].account == from->id;
	if (open >= 8 || model->holds == MODEL_HOLDS ||
	    !gives(from, o->amount_minor) || till->frozen || till->closed ||
	    (__int128)till->posted + till->held + o->amount_minor > 0)
		return false;
	model->hold[model->holds++] = (struct model_hold){.leaf = leaf,
	    .time_ms = time_ms,
	    .account = from->id,
	    .till = till->id,
	    .amount = o->amount_minor};
	from->held += o->amount_minor;
	till->held += o->amount_minor;
	return true;
}

static void
give_back(struct model *model, struct model_hold *hold)
{
	if (!hold->released) {
		account(model, hold->account)->held -= hold->amount;
		account(model, hold->till)->held -= hold->amount;
	}
	hold->released = true;
}

static bool
settle(struct model *model, const struct model_person *signer,
    const struct order *o)
{
	struct model_hold *hold = hold_of(model, o->refers_to);

	if (hold == NULL || o->terminal != signer->terminal ||
	    hold->till != (signer->customer << 16 | 1))
		return false;
	if (o->kind == ORDER_VOID) {
		if (!moves_nothing(o))
			return false;
	} else {
		if (o->debit != hold->account || o->credit != hold->till ||
		    o->amount_minor <= 0 || o->amount_minor > hold->amount)
			return false;
		account(model, hold->account)->posted -= o->amount_minor;
		account(model, hold->till)->posted += o->amount_minor;
	}
	give_back(model, hold);
	hold->settled = true;
	return true;
}

/* A revoked till settles nothing any more. */
static bool
stranded(struct model *model, const struct model_hold *hold)
{
	const struct model_person *till = person(model, hold->till >> 16);

	return till != NULL && till->revoked;
}

static bool
is_new(const struct model *model, const struct order_auditor *auditor)
{
	for (unsigned i = 0; i < model->auditors; i++)
		if (strcmp(model->auditor[i].name, auditor->name) == 0 ||
		    memcmp(model->auditor[i].key, auditor->key, 32) == 0)
			return false;
	return model->auditors < MODEL_AUDITORS;
}

/* Whether what was requested could be done now. */
static bool
may_be_done(struct model *model, const struct model_request *r, uint64_t now)
{
	const struct model_hold *hold;
	const struct model_account *main_account;
	const struct model_person *who;

	if (r->kind == ORDER_RELEASE_REQUEST) {
		hold = hold_of(model, r->hold);
		return hold != NULL && !hold->released &&
		       (stranded(model, hold) ||
			   now >= hold->time_ms + OVERDUE_MS);
	}
	if (r->kind == ORDER_AUDITOR_REQUEST)
		return is_new(model, &r->auditor);
	who = person(model, r->enrol.principal);
	main_account = account(model, r->enrol.principal << 16);
	if (who == NULL || who->role != ROLE_CUSTOMER ||
	    main_account->posted != 0 || main_account->held != 0)
		return false;
	for (unsigned i = 0; i < model->holds; i++)
		if (!model->hold[i].settled &&
		    model->hold[i].account == main_account->id)
			return false;
	for (unsigned i = 0; i < model->people; i++)
		if (r->enrol.role == ROLE_TERMINAL &&
		    model->person[i].terminal == r->enrol.terminal)
			return false;
	return true;
}

static bool
request(struct model *model, const struct model_person *signer,
    const struct entry_order *entry, const struct order *o, uint64_t leaf)
{
	struct model_request r = {.leaf = leaf,
	    .time_ms = entry->time_ms,
	    .requester = signer->customer,
	    .hold = o->refers_to,
	    .kind = o->kind};
	const struct model_hold *hold = hold_of(model, o->refers_to);
	struct order_release release;

	if (!moves_nothing(o) || model->requests == MODEL_REQUESTS)
		return false;
	if (o->kind == ORDER_RELEASE_REQUEST) {
		if (order_release_decode(entry->attachment,
			entry->attachment_len, &release) != SR_OK ||
		    hold == NULL || release.account != hold->account ||
		    release.amount_minor != hold->amount)
			return false;
	} else if (o->kind == ORDER_AUDITOR_REQUEST) {
		if (order_auditor_decode(entry->attachment,
			entry->attachment_len, &r.auditor) != SR_OK)
			return false;
	} else if (order_enrol_decode(entry->attachment, entry->attachment_len,
		       &r.enrol) != SR_OK) {
		return false;
	}
	if (!may_be_done(model, &r, entry->time_ms))
		return false;
	order_hash(entry->order, r.hash);
	model->request[model->requests++] = r;
	return true;
}

static void
enrol(struct model *model, const struct order_enrol *enrol)
{
	struct model_person *who = person(model, enrol->principal);

	account(model, enrol->principal << 16)->closed = true;
	who->role = enrol->role;
	who->terminal = enrol->terminal;
	model->account[model->accounts++] =
	    (struct model_account){.id = enrol->principal << 16 | 1,
		.floor = -enrol->till_maximum_minor,
		.till = true};
}

static void
release(struct model *model, struct model_hold *hold)
{
	give_back(model, hold);
	hold->settled = stranded(model, hold);
}

static bool
approve(struct model *model, const struct model_person *signer,
    const struct entry_order *entry, const struct order *o)
{
	for (unsigned i = 0; i < model->requests; i++) {
		struct model_request *r = &model->request[i];

		if (r->leaf != o->refers_to)
			continue;
		if (!moves_nothing(o) || r->used ||
		    r->requester == signer->customer ||
		    memcmp(r->hash, entry->attachment, 32) != 0 ||
		    entry->time_ms - r->time_ms >
			model->genesis.rules.request_life_ms ||
		    !may_be_done(model, r, entry->time_ms))
			return false;
		r->used = true;
		if (r->kind == ORDER_RELEASE_REQUEST)
			release(model, hold_of(model, r->hold));
		else if (r->kind == ORDER_AUDITOR_REQUEST)
			model->auditor[model->auditors++] = r->auditor;
		else
			enrol(model, &r->enrol);
		return true;
	}
	return false;
}

static bool
revoke(struct model *model, const struct entry_order *entry)
{
	struct order_revoke revoked;
	struct model_person *who;

	if (order_revoke_decode(
		entry->attachment, entry->attachment_len, &revoked) != SR_OK)
		return false;
	who = person(model, revoked.principal);
	if (who == NULL || who->role != ROLE_TERMINAL || who->revoked ||
	    who->terminal != revoked.terminal)
		return false;
	who->revoked = true;
	account(model, who->customer << 16 | 1)->frozen = true;
	for (unsigned i = 0; i < model->holds; i++)
		if (model->hold[i].till == (who->customer << 16 | 1) &&
		    model->hold[i].released)
			model->hold[i].settled = true;
	return true;
}

static bool
happens(struct model *model, struct model_person *signer,
    const struct entry_order *entry, const struct order *o, uint64_t leaf)
{
	if (signer->revoked)
		return false;
	for (unsigned i = 0; i < MODEL_REFERENCES; i++)
		if (signer->past[i].done &&
		    memcmp(signer->past[i].reference, o->reference, 16) == 0)
			return false;
	switch (o->kind) {
	case ORDER_TRANSFER:
		return signer->role == ROLE_CUSTOMER &&
		       o->debit == signer->customer << 16 && pay(model, o);
	case ORDER_DEPOSIT:
		return signer->role == ROLE_TERMINAL &&
		       o->debit == (signer->customer << 16 | 1) &&
		       o->terminal == signer->terminal && pay(model, o);
	case ORDER_HOLD:
		return signer->role == ROLE_CUSTOMER &&
		       reserve(model, signer, o, leaf, entry->time_ms);
	case ORDER_POST:
	case ORDER_VOID:
		return signer->role == ROLE_TERMINAL &&
		       settle(model, signer, o);
	case ORDER_ENROL_REQUEST:
	case ORDER_RELEASE_REQUEST:
	case ORDER_AUDITOR_REQUEST:
		return signer->role == ROLE_OPERATOR &&
		       request(model, signer, entry, o, leaf);
	case ORDER_APPROVE:
		return signer->role == ROLE_OPERATOR &&
		       approve(model, signer, entry, o);
	case ORDER_REVOKE:
		return signer->role == ROLE_OPERATOR && revoke(model, entry);
	default:
		return false;
	}
}

const char *
model_order(struct model *model, const struct entry_order *entry, uint64_t leaf)
{
	struct model_person *signer;
	struct order o;
	bool done;

	if (order_decode(entry->order, &o) != SR_OK)
		return "an order that cannot be read";
	signer = person(model, o.signer);
	if (signer == NULL)
		return "an order of somebody who is not known";
	if (o.seq != signer->next_seq)
		return "an order out of its turn";
	if (memcmp(o.previous, signer->last_hash, 32) != 0)
		return "an order that does not follow the one before";
	done = happens(model, signer, entry, &o, leaf);
	signer->past[o.seq % MODEL_REFERENCES].done = done;
	memcpy(
	    signer->past[o.seq % MODEL_REFERENCES].reference, o.reference, 16);
	signer->next_seq++;
	order_hash(entry->order, signer->last_hash);
	if (done != (entry->outcome == SR_OK))
		return done ? "an order was declined that had to be booked"
			    : "an order was booked that had to be declined";
	return NULL;
}
