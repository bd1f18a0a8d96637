/* SPDX-License-Identifier: ISC */
/* keyd's one step, and what is saved together (keyd.h). */
#include "keyd/keyd.h"

#include <string.h>

#include "common/diag.h"

enum { CONTROL_ROOM_LEN = 16384 };

unsigned
keyd_phase(const struct keyd *k)
{
	if (k->restore != NULL)
		return PHASE_RESTORE;
	return keyd_founded(k) && !k->state.copy ? PHASE_OPEN : PHASE_INIT;
}

bool
keyd_founded(const struct keyd *k)
{
	return k->state.frontier.size > 0;
}

/* Bytes that a new customer leaves free on keyd's disk. */
enum { REGISTRATION_RESERVE = 256 * 1024 };

enum sr_error
keyd_fail(struct keyd *k, const char *what, enum sr_error error)
{
	if (error != SR_OK && k->failure == SR_OK) {
		diag_error("%s: %s", what, error_sentence(error));
		k->failure = error;
	}
	return error;
}

uint8_t *
keyd_reserve(struct keyd *k, struct outbox *box, size_t len)
{
	uint8_t *place = outbox_reserve(box, len);

	if (place == NULL) {
		k->refused++;
		diag_limited(0, "a room asks more than it reads answers");
	}
	return place;
}

enum sr_error
keyd_save(struct keyd *k)
{
	return keyd_fail(k, "state", state_save(&k->state_file, &k->state));
}

enum sr_error
keyd_save_both(struct keyd *k)
{
	enum sr_error error = keyd_save(k);

	return error == SR_OK ? keyd_save(k) : error;
}

/*
 * Whether the disk takes the customer, asked before anything is written: it
 * must have room to spare for a new one.
 */
static enum sr_error
check_disk(struct keyd *k, bool is_new)
{
	struct env_space space;
	enum sr_error error = env_space(k->env, k->credentials.file, &space);

	if (error != SR_OK)
		return keyd_fail(k, "credentials", SR_IO);
	if (space.read_only)
		return SR_READ_ONLY;
	return is_new && space.free < REGISTRATION_RESERVE ? SR_NO_SPACE
							   : SR_OK;
}

enum sr_error
keyd_save_customer(struct keyd *k, const struct customer *customer)
{
	struct state *state = &k->state;
	enum sr_error error =
	    k->lone ? SR_BUSY
		    : check_disk(k, customer->id > k->credentials.customers);

	if (error == SR_OK && keyd_key_spent(k, BANK_KEY_CREDENTIAL))
		error = SR_KEY_SPENT;
	if (error != SR_OK)
		return error;
	keyd_count_use(k, BANK_KEY_CREDENTIAL);
	state->intent.customer = customer->id;
	state->intent.from =
	    credentials_generation(&k->credentials, customer->id);
	state->intent.to = customer->generation;
	error = keyd_save(k);
	if (error != SR_OK)
		return error;
	error = credentials_write(&k->credentials, customer);
	if (error == SR_NO_SPACE || error == SR_READ_ONLY) {
		memset(&state->intent, 0, sizeof(state->intent));
		return keyd_save(k) == SR_OK ? error : k->failure;
	}
	if (error != SR_OK)
		return keyd_fail(k, "credentials", error);
	backup_note(&k->backup, BACKUP_CREDENTIALS, (uint32_t)customer->id);
	credentials_enter(&k->credentials, customer);
	state->customers = k->credentials.customers;
	credentials_digest_seal(
	    &k->credentials, k->credentials.digest, state->digest);
	memset(&state->intent, 0, sizeof(state->intent));
	/* the other slot still allows the former generation: not for long */
	return keyd_save_both(k);
}

enum sr_error
keyd_save_terminal(struct keyd *k, const struct terminal *terminal)
{
	struct terminals *t = &k->terminals;
	struct state *state = &k->state;
	enum sr_error error = check_disk(k, false);

	if (error != SR_OK)
		return error;
	terminals_digest(t, terminal, state->terminals_next);
	error = keyd_save(k);
	if (error != SR_OK)
		return error;
	error = terminals_write(t, terminal);
	if (error == SR_NO_SPACE || error == SR_READ_ONLY) {
		memcpy(state->terminals_next, state->terminals,
		    sizeof(state->terminals_next));
		return keyd_save(k) == SR_OK ? error : k->failure;
	}
	if (error != SR_OK)
		return keyd_fail(k, "terminals", error);
	memcpy(
	    state->terminals, state->terminals_next, sizeof(state->terminals));
	backup_note(&k->backup, BACKUP_TERMINALS,
	    (uint32_t)(terminals_find(t, terminal->id) - t->list));
	/* the other slot still allows what was before */
	return keyd_save_both(k);
}

/* ---- the step ---------------------------------------------------------- */

struct keyd_link {
	struct keyd *k;
	enum env_link link;
};

static enum sr_error
link_send(void *context, const void *packet, size_t len)
{
	const struct keyd_link *link = context;

	return env_send(link->k->env, link->link, packet, len);
}

static enum sr_error
link_flush(struct keyd *k, enum env_link link, struct outbox *box)
{
	struct keyd_link context = {k, link};

	return outbox_flush(box, link_send, &context);
}

/*
 * netd hears that a log-in is accepted only when ledgerd has been told, so
 * its outbox waits for ledgerd's.  Nothing leaves after a failure.
 */
static void
keyd_flush(struct keyd *k)
{
	enum sr_error error;

	if (k->failure != SR_OK)
		return;
	/* first: strongroomd knows why before ledgerd ends because of it */
	error = link_flush(k, ENV_CONTROL, &k->to_control);
	if (error == SR_CLOSED)
		k->stopping = true;
	else if (error != SR_OK && error != SR_AGAIN)
		keyd_fail(k, "link to strongroomd", error);
	error = link_flush(k, ENV_LEDGERD, &k->to_ledgerd);
	if (error == SR_OK) {
		error = link_flush(k, ENV_NETD, &k->to_netd);
		/* without netd keyd goes on: strongroomd starts a new one */
		if (error == SR_CLOSED) {
			outbox_clear(&k->to_netd);
			error = SR_OK;
		}
	}
	if (error == SR_CLOSED)
		k->stopping = true;
	else if (error != SR_OK && error != SR_AGAIN)
		keyd_fail(k, "link to ledgerd or netd", error);
}

/* The next packet of a link; false when there is none. */
static bool
keyd_receive(struct keyd *k, enum env_link link)
{
	enum sr_error error = env_receive(k->env, link, false, k->packet.bytes,
	    sizeof(k->packet.bytes), &k->packet.len);

	if (error == SR_TOO_LARGE) {
		k->refused++;
		return false;
	}
	/* ledgerd ends before keyd; strongroomd knows whether it should have */
	if (error == SR_CLOSED && (link == ENV_CONTROL || link == ENV_LEDGERD))
		k->stopping = true;
	else if (error != SR_OK && error != SR_AGAIN && error != SR_CLOSED)
		keyd_fail(k, "a link", error);
	return error == SR_OK;
}

static void
keyd_serve_ledgerd(struct keyd *k)
{
	for (unsigned i = 0; i < KEYD_LEDGERD_PACKETS; i++) {
		if (k->failure != SR_OK ||
		    outbox_free(&k->to_ledgerd) < OUTBOX_PACKET_MAX ||
		    outbox_free(&k->to_control) < CONTROL_ROOM_LEN ||
		    !keyd_receive(k, ENV_LEDGERD))
			return;
		(void)keyd_dispatch_ledgerd(
		    k, keyd_phase(k), k->packet.bytes, k->packet.len);
		keyd_flush(k);
	}
}

static void
keyd_serve_others(struct keyd *k, unsigned readable)
{
	if (readable & 1u << ENV_CONTROL &&
	    outbox_free(&k->to_control) >= CONTROL_ROOM_LEN &&
	    keyd_receive(k, ENV_CONTROL))
		(void)keyd_dispatch_monitor(
		    k, keyd_phase(k), k->packet.bytes, k->packet.len);
	/* a packet full of messages that fail takes 12 bytes for each */
	if (readable & 1u << ENV_NETD && keyd_receive(k, ENV_NETD))
		(void)keyd_dispatch_netd(
		    k, keyd_phase(k), k->packet.bytes, k->packet.len);
}

/*
 * Whether customers may come.  Before the tree has started their M1 would be
 * refused without a word, so netd, which lets nobody in before it has a HELLO,
 * has none until then: who comes while ledgerd reads its books waits.
 */
static bool
keyd_serves(const struct keyd *k)
{
	return keyd_founded(k) && k->tree_started;
}

static void
keyd_beacon(struct keyd *k)
{
	struct certificate certificate = {0};
	struct message_beacon beacon = {.hello_len = HELLO_LEN};

	if (!keyd_serves(k) || outbox_free(&k->to_netd) < MESSAGE_BEACON_MAX)
		return;
	keys_certify(k->origin, &certificate);
	if (!beacons_turn(&k->beacons, k->env, certificate_key_id(&certificate),
		k->state.certificate))
		return;
	beacon.hello = beacons_hello(&k->beacons, 0);
	KEYD_SEND(k, to_netd, beacon, BEACON, &beacon);
}

static enum sr_error
keyd_wait(struct keyd *k, int timeout_ms, unsigned *readable)
{
	uint64_t due_ms = beacons_due_ms(&k->beacons, env_boot_ms(k->env));
	unsigned read = 1u << ENV_LEDGERD | 1u << ENV_CONTROL, write = 0;
	unsigned writable;

	if (keyd_serves(k) && (timeout_ms < 0 || due_ms < (uint64_t)timeout_ms))
		timeout_ms = (int)due_ms;
	due_ms = reseal_due_ms(k);
	if (timeout_ms < 0 ? due_ms != UINT64_MAX
			   : due_ms < (uint64_t)timeout_ms)
		timeout_ms = (int)due_ms;
	if (pending_waits(k) && outbox_empty(&k->to_ledgerd))
		timeout_ms = 0;
	if (outbox_free(&k->to_netd) >= OUTBOX_PACKET_MAX)
		read |= 1u << ENV_NETD;
	if (!outbox_empty(&k->to_ledgerd))
		write |= 1u << ENV_LEDGERD;
	else if (!outbox_empty(&k->to_netd))
		write |= 1u << ENV_NETD;
	if (!outbox_empty(&k->to_control))
		write |= 1u << ENV_CONTROL;
	return env_wait(k->env, read, write, timeout_ms, readable, &writable);
}

enum sr_error
keyd_step(struct keyd *k, int timeout_ms)
{
	unsigned readable = 0;

	keyd_tell_refusals(k);
	keyd_flush(k);
	if (k->failure == SR_OK)
		keyd_fail(k, "waiting", keyd_wait(k, timeout_ms, &readable));
	if (k->failure == SR_OK && readable & 1u << ENV_LEDGERD)
		keyd_serve_ledgerd(k);
	if (k->failure == SR_OK)
		keyd_serve_others(k, readable);
	if (k->failure == SR_OK) {
		pending_expire(k);
		(void)pending_step(k);
	}
	if (k->failure == SR_OK)
		keyd_beacon(k);
	if (k->failure == SR_OK && readable == 0 && !pending_waits(k))
		reseal_step(k);
	keyd_flush(k);
	secret_wipe_stack();
	return k->failure;
}

void
keyd_ready(struct keyd *k, uint32_t missing)
{
	struct message_ready ready = {.missing = missing};

	KEYD_SEND(k, to_control, ready, READY, &ready);
	keyd_flush(k);
}
