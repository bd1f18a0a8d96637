/* SPDX-License-Identifier: ISC */
/*
 * strongroomd's link, and what an operator may ask of keyd through it.  Each
 * control request has exactly one answer.
 */
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/name.h"
#include "gen/events.h"
#include "keyd/keyd.h"

enum { INVITATION_LIFE_MAX_S = 366 * 86400 };

void
keyd_take_monitor_generation(struct keyd *k, const struct message_generation *m)
{
	struct message_generation_done done = {.generation = m->generation};
	struct message_beacon beacon = {
	    .hello = beacons_hello(&k->beacons, 0), .hello_len = HELLO_LEN};

	k->generation = m->generation;
	pending_clear(k);
	outbox_clear(&k->to_netd);
	if (beacon.hello != NULL)
		KEYD_SEND(k, to_netd, beacon, BEACON, &beacon);
	KEYD_SEND(k, to_control, generation_done, GENERATION_DONE, &done);
}

void
keyd_tell_history(struct keyd *k, enum sr_error error, uint64_t size)
{
	const uint64_t now_ms = env_boot_ms(k->env);
	struct message_room_event event = {.kind = EVENT_HISTORY_REFUSED,
	    .one = error,
	    .two = size,
	    .three = k->state.frontier.size};

	if (error != SR_ROLLED_BACK && error != SR_FORKED && error != SR_CRYPTO)
		return;
	if (k->history_told && now_ms - k->history_ms < KEYD_HISTORY_MS)
		return;
	k->history_told = true;
	k->history_ms = now_ms;
	KEYD_SEND(k, to_control, room_event, ROOM_EVENT, &event);
}

/* Handshakes that have begun end by the new value, too. */
void
keyd_take_monitor_keyd_settings(
    struct keyd *k, const struct message_keyd_settings *m)
{
	struct message_settings_done done = {.reload = m->reload};

	if (m->registration > KEYD_REGISTRATION_CLOSED)
		done.error = SR_PARAMETERS;
	else
		k->registration = (enum keyd_registration)m->registration;
	KEYD_SEND(k, to_control, settings_done, SETTINGS_DONE, &done);
}

void
keyd_take_monitor_stop(struct keyd *k, const struct message_stop *m)
{
	(void)m;
	k->stopping = true;
}

void
keyd_take_monitor_control_request(
    struct keyd *k, const struct message_control_request *m)
{
	k->control_request = m->request;
	/* a packet without any message gets its answer, too */
	if (m->packet_len == 0)
		keyd_refuse_control(k, MESSAGE_NONE, SR_MALFORMED);
	else
		(void)keyd_dispatch_control(
		    k, keyd_phase(k), m->packet, m->packet_len);
}

void
keyd_refuse_monitor(struct keyd *k, unsigned type, enum sr_error why)
{
	k->refused++;
	keyd_refusal(k, REFUSAL_CONTROL);
	diag_limited(ENV_CONTROL, "strongroomd sent message %u: %s", type,
	    error_sentence(why));
}

void
keyd_answer_control(struct keyd *k, const struct writer *w)
{
	struct message_control_answer answer = {.request = k->control_request,
	    .packet = w->start,
	    .packet_len = writer_len(w)};

	KEYD_SEND(k, to_control, control_answer, CONTROL_ANSWER, &answer);
}

void
keyd_refuse_control(struct keyd *k, unsigned type, enum sr_error why)
{
	struct message_control_refused refused = {.error = (uint16_t)why};
	uint8_t bytes[MESSAGE_CONTROL_REFUSED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)type;
	k->refused++;
	/* that one is counted by its budget */
	if (why != SR_BUDGET)
		keyd_refusal(k, REFUSAL_CONTROL);
	if (message_control_refused_encode(&w, &refused) == SR_OK)
		keyd_answer_control(k, &w);
}

void
keyd_take_control_keyd_status_get(
    struct keyd *k, const struct message_keyd_status_get *m)
{
	struct certificate certificate;
	uint8_t bytes[MESSAGE_KEYD_STATUS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct writer counts;
	struct message_keyd_status status = {
	    .founded = keyd_founded(k),
	    .copy = k->state.copy,
	    .registration = (uint8_t)k->registration,
	    .customers = k->credentials.customers,
	    .tree_size = k->state.frontier.size,
	    .handshakes = k->handshakes,
	    .accepted = k->accepted,
	    .refused = k->refused,
	    .snapshot = k->state.snapshot[0].number,
	    .old_keys = k->state.old_keys.ever,
	    .secret_memory = k->key_arena.layers & SECRET_MEMFD ? 2 : 1,
	};

	(void)m;
	counts = writer_to(status.refusals, sizeof(status.refusals));
	for (size_t i = 0; i < REFUSAL_KINDS; i++)
		writer_u64(&counts, k->refusals[i]);
	if (certificate_verify(k->state.certificate, k->state.identity,
		&certificate) == SR_OK) {
		status.certificate_epoch = certificate.epoch;
		status.not_after = certificate.not_after_ms;
	}
	memcpy(status.bank_id, k->state.bank_id, sizeof(status.bank_id));
	memcpy(status.identity, k->state.identity, sizeof(status.identity));
	if (message_keyd_status_encode(&w, &status) == SR_OK)
		keyd_answer_control(k, &w);
}

void
keyd_take_control_public_keys_get(
    struct keyd *k, const struct message_public_keys_get *m)
{
	struct certificate keys = {0};
	uint8_t bytes[MESSAGE_PUBLIC_KEYS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_public_keys answer = {0};

	(void)m;
	keys_certify(k->origin, &keys);
	answer.epoch = keys.epoch;
	memcpy(answer.bank_id, k->state.bank_id, sizeof(answer.bank_id));
	memcpy(answer.noise, keys.noise_key, sizeof(answer.noise));
	memcpy(answer.opaque, keys.opaque_key, sizeof(answer.opaque));
	memcpy(answer.log, keys.log_key, sizeof(answer.log));
	memcpy(answer.attestation, keys.attestation_key,
	    sizeof(answer.attestation));
	if (message_public_keys_encode(&w, &answer) == SR_OK)
		keyd_answer_control(k, &w);
}

static enum sr_error
invite(struct keyd *k, const struct message_invite *m,
    uint8_t invitation[INVITATION_LEN])
{
	struct customer customer;
	enum sr_error error;

	if (k->registration == KEYD_REGISTRATION_CLOSED)
		return SR_REGISTRATION_CLOSED;
	if (name_check(m->name, m->name_len) != SR_OK)
		return SR_NAME;
	if (m->valid_s == 0 || m->valid_s > INVITATION_LIFE_MAX_S)
		return SR_PARAMETERS;
	error = credentials_find(
	    &k->credentials, (const char *)m->name, m->name_len, &customer);
	sodium_memzero(&customer, sizeof(customer));
	if (error != SR_NOT_FOUND)
		return error == SR_OK ? SR_NAME_TAKEN : error;
	keyd_count_use(k, BANK_KEY_INVITATION);
	register_invitation(k, (const char *)m->name, m->name_len,
	    env_clock_ms(k->env) + (uint64_t)m->valid_s * 1000, invitation);
	return SR_OK;
}

void
keyd_take_control_invite(struct keyd *k, const struct message_invite *m)
{
	struct message_invited invited = {0};
	uint8_t bytes[MESSAGE_INVITED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	invited.error = (uint16_t)invite(k, m, invited.invitation);
	if (message_invited_encode(&w, &invited) == SR_OK)
		keyd_answer_control(k, &w);
}
