/* SPDX-License-Identifier: ISC */
/*
 * netd's link and the table of handshakes.  What netd sends is only put into
 * the table here; pending_step() then does one part of one handshake, so that
 * ledgerd never waits for more than that.
 */
#include "keyd/pending.h"

#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "keyd/keyd.h"
#include "keyd/reset.h"

_Static_assert((int)LIMITS_TERMINALS == (int)TERMINALS_MAX,
    "each enrolled terminal has its own buckets");

enum {
	PENDING_BATCH = 32,      /* charged with one fdatasync at most */
	PENDING_EVICT_MS = 3000, /* an M2 unanswered so long may make place */
};

/* ---- the table --------------------------------------------------------- */

void
pending_drop(struct keyd *k, struct pending *p)
{
	sodium_memzero(p, sizeof(*p));
	k->pending_busy--;
}

void
pending_clear(struct keyd *k)
{
	sodium_memzero(k->pending, PENDING_MAX * sizeof(*k->pending));
	k->pending_busy = 0;
}

static void
refuse_connection(struct keyd *k, uint64_t connection)
{
	struct message_handshake_refused refused = {.connection = connection};

	k->refused++;
	KEYD_SEND(k, to_netd, handshake_refused, HANDSHAKE_REFUSED, &refused);
}

void
pending_refuse(struct keyd *k, struct pending *p)
{
	uint64_t connection = p->connection;

	pending_drop(k, p);
	refuse_connection(k, connection);
}

static struct pending *
pending_find(struct keyd *k, uint64_t connection)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (k->pending[i].step != PENDING_FREE &&
		    k->pending[i].connection == connection)
			return &k->pending[i];
	return NULL;
}

/* The first of that step; one from an enrolled terminal if there is one. */
static struct pending *
pending_next(struct keyd *k, enum pending_step step)
{
	struct pending *found = NULL;

	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &k->pending[i];

		if (p->step == step && (found == NULL || p->terminal != 0))
			found = p;
		if (found != NULL && found->terminal != 0)
			break;
	}
	return found;
}

static size_t
pending_count(const struct keyd *k, enum pending_step step)
{
	size_t count = 0;

	for (size_t i = 0; i < PENDING_MAX; i++)
		count += k->pending[i].step == step;
	return count;
}

bool
pending_waits(const struct keyd *k)
{
	for (size_t i = 0; k->pending_busy > 0 && i < PENDING_MAX; i++)
		if (k->pending[i].step != PENDING_FREE &&
		    k->pending[i].step != PENDING_M2)
			return true;
	return false;
}

/*
 * A free place.  When open terminals have filled theirs, the oldest of them
 * that has not answered M2 for a while loses its own.
 */
static struct pending *
pending_take(struct keyd *k, bool enrolled, uint64_t now_ms)
{
	struct pending *place = NULL, *oldest = NULL;
	size_t open = 0;

	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &k->pending[i];

		if (p->step == PENDING_FREE) {
			place = p;
			continue;
		}
		if (p->terminal != 0)
			continue;
		open++;
		if (p->step == PENDING_M2 &&
		    now_ms - p->since_ms >= PENDING_EVICT_MS &&
		    (oldest == NULL || p->since_ms < oldest->since_ms))
			oldest = p;
	}
	if (place != NULL && (enrolled || open < PENDING_OPEN_MAX))
		return place;
	if (oldest != NULL)
		pending_refuse(k, oldest);
	return oldest;
}

void
pending_expire(struct keyd *k)
{
	uint64_t now_ms = env_boot_ms(k->env);

	for (size_t i = 0; k->pending_busy > 0 && i < PENDING_MAX; i++)
		if (k->pending[i].step == PENDING_M2 &&
		    now_ms - k->pending[i].since_ms >= PENDING_LIFE_MS)
			pending_drop(k, &k->pending[i]);
}

/* ---- what netd sends --------------------------------------------------- */

/* A connection's upper half is the generation of the netd that made it. */
static bool
from_this_netd(struct keyd *k, uint32_t generation, uint64_t connection)
{
	if (generation == k->generation && connection >> 32 == generation)
		return true;
	k->refused++;
	return false;
}

void
keyd_take_netd_handshake_1(struct keyd *k, const struct message_handshake_1 *m)
{
	uint32_t terminal, epoch;
	bool enrolled;
	uint64_t now_ms = env_boot_ms(k->env);
	struct pending *p;

	if (!from_this_netd(k, m->generation, m->connection))
		return;
	if (m->body_len != FRAME_M1_LEN || !k->tree_started ||
	    pending_find(k, m->connection) != NULL) {
		refuse_connection(k, m->connection);
		return;
	}
	handshake_m1_terminal(m->body, &terminal, &epoch);
	enrolled = terminals_check(&k->terminals, terminal, epoch) == SR_OK;
	/* an open terminal is 0 at epoch 0; any other must be enrolled */
	if (!enrolled && (terminal != 0 || epoch != 0)) {
		refuse_connection(k, m->connection);
		return;
	}
	p = pending_take(k, enrolled, now_ms);
	if (p == NULL) {
		refuse_connection(k, m->connection);
		return;
	}
	memset(p, 0, sizeof(*p));
	k->pending_busy++;
	p->step = PENDING_M1;
	p->connection = m->connection;
	p->since_ms = now_ms;
	p->terminal = terminal;
	p->terminal_epoch = epoch;
	memcpy(p->body.m1, m->body, FRAME_M1_LEN);
	k->handshakes++;
}

void
keyd_take_netd_handshake_3(struct keyd *k, const struct message_handshake_3 *m)
{
	struct pending *p;

	if (!from_this_netd(k, m->generation, m->connection))
		return;
	p = pending_find(k, m->connection);
	if (p == NULL || p->step != PENDING_M2 || m->body_len != FRAME_M3_LEN) {
		if (p != NULL)
			pending_drop(k, p);
		refuse_connection(k, m->connection);
		return;
	}
	memcpy(p->body.m3, m->body, FRAME_M3_LEN);
	p->step = PENDING_M3;
}

void
keyd_take_netd_handshake_gone(
    struct keyd *k, const struct message_handshake_gone *m)
{
	struct pending *p;

	if (!from_this_netd(k, m->generation, m->connection))
		return;
	p = pending_find(k, m->connection);
	if (p != NULL)
		pending_drop(k, p);
}

void
keyd_refuse_netd(struct keyd *k, unsigned type, enum sr_error why)
{
	k->refused++;
	keyd_refusal(k, REFUSAL_NETD);
	diag_limited(
	    ENV_NETD, "netd sent message %u: %s", type, error_sentence(why));
}

/* ---- the parts --------------------------------------------------------- */

/* With the key of a card of that root; an open terminal has one of zeros. */
static enum sr_error
open_m1_by(struct keyd *k, struct pending *p, uint32_t root_hour)
{
	SECRET_32(psk);
	const uint8_t *hello;
	enum sr_error error = SR_CRYPTO;
	unsigned age;

	if (p->terminal != 0) {
		keyd_count_use(k, BANK_KEY_TERMINAL);
		keys_terminal(k->keys, terminals_root(root_hour), p->terminal,
		    p->terminal_epoch, psk);
	}
	for (age = 0; age < 2 && error == SR_CRYPTO; age++) {
		hello = beacons_hello(&k->beacons, age);
		if (hello == NULL)
			continue;
		error = handshake_m1_open(&p->handshake, hello,
		    k->origin->noise.private, k->origin->noise.public, psk,
		    p->body.m1, &p->m1);
		if (error == SR_OK)
			error = beacons_see(&k->beacons, age,
			    handshake_m1_ephemeral(p->body.m1),
			    p->terminal != 0);
	}
	return error;
}

/*
 * A terminal's new card ends the former one, before anything is answered.
 * While the disk takes no writes both serve.
 */
static enum sr_error
take_new_card(struct keyd *k, const struct terminal *terminal)
{
	struct terminal next = terminals_move(&k->terminals, terminal);
	enum sr_error error = k->lone ? SR_OK : keyd_save_terminal(k, &next);

	return error == SR_NO_SPACE || error == SR_READ_ONLY ? SR_OK : error;
}

/*
 * Of a terminal that has not moved yet at most two keys are tried, each under
 * two beacons: four openings, which together take less (0.2 ms) than the one
 * evaluation (0.3 ms) that whoever is at no terminal has for the asking.
 */
static void
pending_open_m1(struct keyd *k, struct pending *p)
{
	const struct terminal *own = terminals_find(&k->terminals, p->terminal);
	uint32_t present = k->terminals.root_hour;
	enum sr_error error;

	keyd_count_use(k, BANK_KEY_NOISE);
	error = open_m1_by(k, p, own != NULL ? own->root_hour : present);
	if (error == SR_CRYPTO && own != NULL && own->root_hour != present) {
		error = open_m1_by(k, p, present);
		if (error == SR_OK)
			error = take_new_card(k, own);
	}
	if (error != SR_OK)
		pending_refuse(k, p);
	else
		p->step = PENDING_OPENED;
}

/*
 * At an enrolled terminal its own bucket counts, whatever token it kept: who
 * stole it delays nobody anywhere else.
 */
static uint32_t
attempt_place(const struct keyd *k, const struct pending *p)
{
	const struct payload_m1 *m1 = &p->m1;
	const struct terminal *terminal =
	    terminals_find(&k->terminals, p->terminal);

	if (terminal != NULL)
		return limits_place_terminal(&k->limits,
		    (uint32_t)(terminal - k->terminals.list), m1->name,
		    m1->name_len);
	if (p->device)
		return limits_place_device(
		    &k->limits, m1->name, m1->name_len, m1->device_token);
	return limits_place_open(&k->limits, m1->name, m1->name_len);
}

/* Writes the charge of one attempt; it is durable only after limits_sync(). */
static enum sr_error
pending_charge(struct keyd *k, struct pending *p)
{
	const struct payload_m1 *m1 = &p->m1;
	enum sr_error error;

	if (m1->operation == OPERATION_REGISTER)
		return register_allowed(k, p);
	if (m1->operation == OPERATION_RESET)
		return reset_allowed(k, p);
	p->device = login_device_valid(k, m1);
	error = limits_charge(&k->limits, attempt_place(k, p),
	    env_clock_ms(k->env), &p->charge, &p->retry_ms);
	if (error == SR_LATER)
		keyd_refusal(k, p->terminal != 0 ? REFUSAL_TERMINAL
				: p->device      ? REFUSAL_DEVICE
						 : REFUSAL_OPEN);
	if (error != SR_OK)
		return error;
	p->charged = true;
	p->failed_place =
	    limits_place_failed(&k->limits, m1->name, m1->name_len);
	return limits_count(&k->limits, p->failed_place);
}

/* Charges all that are opened, with one fdatasync. */
static void
pending_charge_all(struct keyd *k)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &k->pending[i];

		if (p->step != PENDING_OPENED)
			continue;
		p->status = pending_charge(k, p);
		if (p->status == SR_IO || p->status == SR_NO_SPACE) {
			keyd_fail(k, "limits", p->status);
			return;
		}
		p->step = PENDING_CHARGED;
	}
	keyd_fail(k, "limits", limits_sync(&k->limits));
}

static void
pending_answer_m1(struct keyd *k, struct pending *p)
{
	SECRET_32(ephemeral);
	struct payload_m2 m2 = {.status = p->status};
	uint8_t body[FRAME_M2_LEN];
	struct message_handshake_2 message = {.connection = p->connection,
	    .body = body,
	    .body_len = sizeof(body)};
	enum sr_error error = SR_OK;

	if (p->status == SR_LATER)
		m2.retry_after_s = (uint32_t)((p->retry_ms + 999) / 1000);
	if (p->status == SR_OK)
		error = payload_logs_in(p->m1.operation)
			    ? login_evaluate(k, p, &m2)
			    : register_evaluate(k, p, &m2);
	env_random(k->env, ephemeral, sizeof(ephemeral));
	if (error == SR_OK)
		error = handshake_m2_seal(&p->handshake, ephemeral, &m2, body);
	sodium_memzero(&m2, sizeof(m2));
	if (error != SR_OK) {
		pending_refuse(k, p);
		return;
	}
	KEYD_SEND(k, to_netd, handshake_2, HANDSHAKE_2, &message);
	p->step = PENDING_M2;
	if (p->status != SR_OK)
		pending_drop(k, p);
}

static void
pending_finish(struct keyd *k, struct pending *p)
{
	struct payload_m3 m3;
	enum sr_error error = handshake_m3_open(&p->handshake, p->body.m3, &m3);

	if (error == SR_OK && p->m1.operation == OPERATION_LOG_IN)
		error = login_finish(k, p, &m3);
	else if (error == SR_OK && (p->m1.operation == OPERATION_CHANGE ||
				       p->m1.operation == OPERATION_RENEW))
		error = login_replace(k, p, &m3);
	else if (error == SR_OK && p->m1.operation == OPERATION_RESET)
		error = reset_finish(k, p, &m3);
	else if (error == SR_OK)
		error = register_finish(k, p, &m3);
	sodium_memzero(&m3, sizeof(m3));
	if (error != SR_OK) {
		pending_refuse(k, p);
	} else {
		k->accepted++;
		pending_drop(k, p);
	}
}

bool
pending_step(struct keyd *k)
{
	struct pending *p;

	if (k->pending_busy == 0 ||
	    outbox_free(&k->to_netd) < PENDING_OUT_LEN ||
	    outbox_free(&k->to_ledgerd) < PENDING_OUT_LEN)
		return false;
	if ((p = pending_next(k, PENDING_M3)) != NULL)
		pending_finish(k, p);
	else if ((p = pending_next(k, PENDING_CHARGED)) != NULL)
		pending_answer_m1(k, p);
	else if ((p = pending_next(k, PENDING_M1)) != NULL &&
		 pending_count(k, PENDING_OPENED) < PENDING_BATCH)
		pending_open_m1(k, p);
	else if (pending_next(k, PENDING_OPENED) != NULL)
		pending_charge_all(k);
	else
		return false;
	return true;
}
