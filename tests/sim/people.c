/* SPDX-License-Identifier: ISC */
/*
 * Log-ins and orders on their way, as an honest client does it: what got no
 * answer is sent again with the same bytes; what the bank then says it does
 * not know is signed anew under the same reference.
 */
#include <string.h>

#include "common/note.h"
#include "tests/sim/world.h"

static bool
is_out(const struct world *world, const struct actor *actor)
{
	const struct model_person *person =
	    model_person(&world->audit.model, actor->person.m4.customer);

	return person != NULL && (person->revoked || person->erased);
}

void
people_forget_sessions(struct world *world)
{
	for (unsigned i = 0; i < world->actors; i++) {
		struct actor *actor = &world->actor[i];

		actor->in = false;
		for (unsigned j = 0; j < actor->pending_count; j++)
			actor->pending[j].sent = false;
	}
	world->bank->frame_count = 0;
}

/* ---- answers -------------------------------------------------------------- */

static void
check_receipt(struct world *world, const struct message_order_answer *answer,
    struct ack *ack)
{
	static uint8_t verified[NOTE_MAX];
	static size_t verified_len;
	struct note note;

	if (note_parse(answer->checkpoint, answer->checkpoint_len, &note) !=
	    SR_OK)
		world_fail(world, "a receipt's checkpoint is none");
	if ((answer->checkpoint_len != verified_len ||
		memcmp(answer->checkpoint, verified, verified_len) != 0) &&
	    note_verify(&note, world->bank->ledgerd->certificate.log_key) !=
		SR_OK)
		world_fail(world, "a receipt's checkpoint does not verify");
	verified_len = answer->checkpoint_len;
	memcpy(verified, answer->checkpoint, verified_len);
	ack->size = note.checkpoint.size;
	memcpy(ack->root, note.checkpoint.root, 32);
	if (ack->size <= answer->leaf || ack->size > ENTRIES_MAX_COUNT ||
	    !world->head[ack->size].known ||
	    memcmp(world->head[ack->size].root, ack->root, 32) != 0)
		world_fail(world,
		    "a receipt rests on a head that keyd has not signed");
}

static struct ack *
find_ack(struct world *world, const uint8_t hash[32])
{
	for (size_t i = 0; i < world->acks; i++)
		if (memcmp(world->ack[i].hash, hash, 32) == 0)
			return &world->ack[i];
	return NULL;
}

/* When a customer is told to be erased, keyd knows nothing any more. */
static void
take_erasure(struct world *world, struct actor *actor,
    const struct doubt *pending, const struct message_order_answer *answer)
{
	struct order order;

	if (order_decode(pending->order.bytes, &order) != SR_OK ||
	    order.kind != ORDER_ERASE || answer->outcome != SR_OK)
		return;
	actor->left = true;
	if (world->refused_writes || world->stale || !watch_looks(world))
		return;
	if (slots_rest(world, order.signer, actor->name) != REST_NOTHING ||
	    !sim_durable(world->bank->keyd_room, "credentials"))
		world_fail(
		    world, "%s was told to be erased and is not", actor->name);
}

static void
acknowledged(struct world *world, struct actor *actor,
    const struct doubt *pending, const struct message_order_answer *answer)
{
	struct ack new = {.leaf = answer->leaf,
	    .time_ms = answer->time,
	    .outcome = answer->outcome,
	    .account = answer->account,
	    .balance = answer->balance};
	const struct ack *known;

	order_hash(pending->order.bytes, new.hash);
	memcpy(new.salt, answer->salt, 32);
	check_receipt(world, answer, &new);
	known = find_ack(world, new.hash);
	if (known != NULL) {
		if (known->leaf != new.leaf || known->outcome != new.outcome)
			world_fail(world,
			    "leaf %llu was answered again as leaf %llu",
			    (unsigned long long)known->leaf,
			    (unsigned long long)new.leaf);
		return;
	}
	if (world->acks == ACKS_MAX)
		world_fail(world, "more answers than the world takes");
	take_erasure(world, actor, pending, answer);
	world->ack[world->acks++] = new;
	world->result->counts.acknowledged++;
	actor->last = pending->order;
	actor->last_ack = world->acks;
	world_tell(world, "    %s: leaf %llu, %s", actor->name,
	    (unsigned long long)new.leaf,
	    error_sentence(error_of_wire(new.outcome)));
}

static void
refused(struct world *world, struct actor *actor, struct doubt *pending,
    enum sr_error error)
{
	uint8_t hash[32];

	world_tell(
	    world, "    %s: refused: %s", actor->name, error_sentence(error));
	/* it is there, and what became of it cannot be told */
	if (error == SR_OLD_RECORDS || error == SR_RETIRED ||
	    error == SR_UNREADABLE)
		return;
	order_hash(pending->order.bytes, hash);
	if (find_ack(world, hash) != NULL) {
		if (error == SR_STALE || error == SR_SEQ ||
		    error == SR_CONFLICT)
			world_fail(world,
			    "an order that was acknowledged is denied: %s",
			    error_sentence(error));
		return;
	}
	if (world->refused_count < REFUSED_MAX)
		memcpy(world->refused[world->refused_count++], hash, 32);
}

/* The order as it must be after `answer', and back in the queue. */
static void
sign_again(struct world *world, struct actor *actor, struct doubt *pending)
{
	struct sim_person *person = &actor->person;
	struct sim_order old = pending->order;
	struct order fresh, order;

	(void)order_decode(old.bytes, &order);
	fresh = people_order(world, actor, (enum order_kind)order.kind);
	order.seq = fresh.seq;
	order.terminal = fresh.terminal;
	order.not_after_ms = fresh.not_after_ms;
	memcpy(order.previous, fresh.previous, 32);
	memcpy(order.session, fresh.session, sizeof(order.session));
	sim_order_sign(person, &order, old.attachment, old.attachment_len,
	    &pending->order);
	person->next_seq++;
	order_hash(pending->order.bytes, person->last_hash);
	pending->sent = false;
}

static void
take_answer(struct world *world, struct actor *actor,
    const struct message_order_answer *answer)
{
	struct sim_person *person = &actor->person;
	struct doubt *pending = NULL;
	enum sr_error error = error_of_wire(answer->error);
	unsigned at;

	for (at = 0; at < actor->pending_count; at++)
		if (actor->pending[at].sent &&
		    actor->pending[at].request == answer->request)
			break;
	if (at == actor->pending_count)
		world_fail(world, "an answer to a question that nobody asked");
	pending = &actor->pending[at];
	if (error == SR_OK) {
		acknowledged(world, actor, pending, answer);
	} else {
		refused(world, actor, pending, error);
		/* what was signed behind it fits no more */
		if (answer->next_seq != 0) {
			person->next_seq = answer->next_seq;
			memcpy(person->last_hash, answer->last_hash, 32);
		}
	}
	if (error == SR_STALE) {
		sign_again(world, actor, pending);
		return;
	}
	actor->pending_count--;
	memmove(&actor->pending[at], &actor->pending[at + 1],
	    (actor->pending_count - at) * sizeof(*pending));
}

static void
take_message(struct world *world, struct actor *actor, unsigned type,
    const struct reader *body)
{
	struct message_order_answer answer;
	struct message_refused no;

	switch (type) {
	case MESSAGE_ORDER_ANSWER:
		if (message_order_answer_decode(
			body->at, reader_left(body), &answer) != SR_OK)
			world_fail(world, "an answer that cannot be read");
		take_answer(world, actor, &answer);
		break;
	case MESSAGE_GOODBYE:
		actor->in = false;
		for (unsigned j = 0; j < actor->pending_count; j++)
			actor->pending[j].sent = false;
		break;
	case MESSAGE_REFUSED:
		if (message_refused_decode(body->at, reader_left(body), &no) ==
		    SR_OK)
			world_tell(world, "    %s: refused: %s", actor->name,
			    error_sentence(error_of_wire(no.error)));
		break;
	default:
		acts_answer(world, actor, type, body);
	}
}

void
people_collect(struct world *world)
{
	struct reader body;
	unsigned type;

	for (unsigned i = 0; i < world->actors; i++)
		while (world->actor[i].in &&
		       sim_person_receive(world->bank, &world->actor[i].person,
			   &type, &body) == SR_OK)
			take_message(world, &world->actor[i], type, &body);
}

/* ---- orders --------------------------------------------------------------- */

struct order
people_order(struct world *world, struct actor *actor, enum order_kind kind)
{
	const struct ledgerd *ledgerd = world->bank->ledgerd;
	struct order order;

	sim_order_begin(world->bank, &actor->person, kind, &order);
	/* the bank's time, which a client knows from the log-in */
	if (ledgerd->last_time_ms > world->bank->sim->now_ms)
		order.not_after_ms = ledgerd->last_time_ms + 60000;
	return order;
}

bool
people_sign(struct world *world, struct actor *actor, struct order *order,
    const void *attachment, size_t len)
{
	struct doubt *pending = &actor->pending[actor->pending_count];

	if (!actor->in || actor->pending_count == ACTOR_PENDING)
		return false;
	memset(pending, 0, sizeof(*pending));
	sim_order_sign(&actor->person, order, attachment, len, &pending->order);
	actor->person.next_seq++;
	order_hash(pending->order.bytes, actor->person.last_hash);
	actor->pending_count++;
	world->result->counts.orders++;
	world_tell(world, "    %s signs a %s of %lld", actor->name,
	    order_kind_name(order->kind), (long long)order->amount_minor);
	return true;
}

void
people_send(struct world *world, struct actor *actor)
{
	for (unsigned i = 0; i < actor->pending_count && actor->in; i++) {
		struct doubt *pending = &actor->pending[i];

		if (pending->sent || !world->up)
			continue;
		sim_order_send(world->bank, &actor->person, &pending->order);
		pending->request = actor->person.request;
		pending->sent = true;
	}
}

/* Until everything has its answer, or the session ends. */
void
people_resend(struct world *world, struct actor *actor)
{
	for (unsigned i = 0; i < 4 && actor->in && actor->pending_count > 0;
	     i++) {
		people_send(world, actor);
		if (!world_go(world))
			return;
	}
}

/* ---- log-ins -------------------------------------------------------------- */

static void
stand_at(struct world *world, struct actor *actor)
{
	const struct actor *place = &world->actor[actor->place];
	struct sim_person *person = &actor->person;

	if (actor->is_terminal)
		return;
	if (actor->place != 0 && (!place->is_terminal || is_out(world, place)))
		actor->place = 0;
	person->terminal = actor->place ? place->person.terminal : 0;
	person->terminal_epoch =
	    actor->place ? place->person.terminal_epoch : 0;
	memset(person->psk, 0, sizeof(person->psk));
	if (actor->place != 0)
		memcpy(person->psk, place->person.psk, sizeof(person->psk));
}

/* Which keys the bank attests. */
static void
learn_keys(struct world *world, struct actor *actor)
{
	struct sim_person *person = &actor->person;
	unsigned number = (unsigned)(actor - world->actor) << 4 | actor->keys;
	uint8_t next_public[32], next_secret[64];
	struct attestation attestation;

	if (attestation_read(person->m4.attestation, &attestation) != SR_OK)
		world_fail(world, "an attestation that cannot be read");
	sim_keys(number + 1, next_public, next_secret);
	if (memcmp(attestation.signing_key, person->signing_public, 32) != 0) {
		if (!world->stale && !actor->keys_doubt)
			world_fail(world, "%s's keys are others", actor->name);
		if (memcmp(attestation.signing_key, next_public, 32) == 0) {
			actor->keys++;
			memcpy(person->signing_public, next_public, 32);
			memcpy(person->signing_secret, next_secret, 64);
		}
	}
	actor->keys_doubt = false;
}

static enum sr_error
try_secret(struct world *world, struct actor *actor, unsigned which)
{
	enum sr_error error;

	error = sim_person_log_in_by(
	    world->bank, &actor->person, SLOT_PASSWORD, actor->secret[which]);
	world_note(world, &error, sizeof(error));
	/* a session that answers is one, whatever becomes of the bank */
	if (error == SR_OK) {
		actor->in = true;
		memcpy(actor->secret[0], actor->secret[which],
		    sizeof(actor->secret[0]));
		actor->unsure = false;
		actor->perhaps = false;
		actor->registered = true;
	}
	(void)world_go(world);
	return error;
}

bool
people_enter(struct world *world, struct actor *actor)
{
	enum sr_error error;

	if (!world->up || actor->left ||
	    (!actor->registered && !actor->perhaps))
		return false;
	if (actor->in)
		return true;
	stand_at(world, actor);
	error = try_secret(world, actor, 0);
	if (error == SR_LOGIN && actor->unsure && world->up)
		error = try_secret(world, actor, 1);
	if (error == SR_LOGIN && actor->perhaps && world->up)
		actor->perhaps = false;
	else if ((error == SR_LOGIN || error == SR_CLOSED) && world->up &&
		 !world->disturbed && !world->spoilt && !world->stale &&
		 !is_out(world, actor))
		world_fail(world, "%s cannot log in: %s", actor->name,
		    error_sentence(error));
	if (!world->up || !actor->in)
		return false;
	learn_keys(world, actor);
	people_resend(world, actor);
	return actor->in;
}
