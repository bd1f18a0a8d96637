/* SPDX-License-Identifier: ISC */
/*
 * Logged key operations: the leaf first, then the deed.  Must never do what
 * is not under the signed head, and never anything but what its leaf says.
 */
#include <string.h>

#include <sodium.h>

#include "common/disclosure.h"
#include "common/entry.h"
#include "common/journal.h"
#include "common/secret.h"
#include "keyd/epochs.h"
#include "keyd/erase.h"
#include "keyd/keyd.h"
#include "keyd/log_keys.h"
#include "keyd/reset.h"
#include "keyd/retention.h"
#include "keyd/tree.h"
#include "keyd/use.h"

/* What one logged operation is about. */
struct use {
	enum entry_type type; /* USE, or SYSTEM: a snapshot */
	struct entry_event event;
	struct entry_snapshot snapshot;
	struct entry_retention retention; /* step 0: a snapshot */
	struct reset_grant reset;
	bool granted; /* the key of an old segment is within its budget */
	/* of an erasure, a reset or a certificate: logged, but not done */
	enum sr_error refused;
};

static enum sr_error
use_check(struct keyd *k, const struct message_key_use *m, struct use *use)
{
	struct entry_event *event = &use->event;

	if (!k->tree_started)
		return SR_NOT_ALLOWED;
	if (m->seq != k->state.frontier.size)
		return m->seq < k->state.frontier.size ? SR_ROLLED_BACK
						       : SR_FORKED;
	use->type = entry_type_of(m->plaintext, m->plaintext_len);
	if ((use->type != ENTRY_USE && use->type != ENTRY_SYSTEM) ||
	    entry_event_decode(
		use->type, m->plaintext, m->plaintext_len, event) != SR_OK ||
	    event->time_ms != m->time)
		return SR_MALFORMED;
	if (use->type == ENTRY_USE && event->code == USE_ERASE) {
		use->refused = erase_check(k, event, m->proof, m->proof_len);
		/* the books may not know yet that the keys were changed */
		return use->refused == SR_SIGNATURE ? SR_OK : use->refused;
	}
	if (use->type == ENTRY_USE && event->code == USE_RESET)
		return reset_check(k, event, m->proof, m->proof_len,
		    &use->reset, &use->refused);
	if (use->type == ENTRY_SYSTEM && event->code == SYSTEM_RETENTION)
		return retention_check(k, event, m->proof, m->proof_len,
		    &use->retention, &use->refused);
	return use->type == ENTRY_SYSTEM
		   ? entry_snapshot_of(event, &use->snapshot)
		   : SR_OK;
}

/* What must be in the state when the leaf is: both are saved at once. */
static enum sr_error
use_note(struct keyd *k, const struct message_key_use *m, struct use *use)
{
	if (use->retention.step != 0) {
		if (use->refused == SR_OK)
			retention_note(&k->state, &use->retention);
		return SR_OK;
	}
	if (use->type == ENTRY_SYSTEM)
		return log_keys_snapshot(&k->state, &use->snapshot, m->segment);
	if (use->event.code == USE_SEGMENT_KEY)
		use->granted = log_keys_charge(&k->state, env_clock_ms(k->env));
	return SR_OK;
}

void
use_leaf(const struct message_key_use *m, uint8_t hash[32])
{
	struct journal_leaf leaf = {
	    .seq = m->seq,
	    .time_ms = m->time,
	    .class = (uint8_t)journal_class_of(m->plaintext, m->plaintext_len),
	    .segment = m->segment,
	};

	memcpy(leaf.sealed_hash, m->sealed_hash, sizeof(leaf.sealed_hash));
	journal_commitment(
	    m->salt, m->plaintext, m->plaintext_len, leaf.commitment);
	journal_leaf_hash(&leaf, hash);
}

static enum sr_error
use_terminal_key(struct keyd *k, uint32_t request, uint32_t terminal)
{
	const struct terminal *found = terminals_find(&k->terminals, terminal);
	struct message_terminal_key answer = {.terminal = terminal};
	uint8_t bytes[MESSAGE_TERMINAL_KEY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_control_answer packet = {
	    .request = request, .packet = bytes};
	enum sr_error error =
	    found != NULL && found->enrolled ? SR_OK : SR_TERMINAL;

	if (error == SR_OK)
		error = keyd_budget_on_disk(
		    k, REFUSAL_TERMINAL_KEYS, BUDGET_TERMINAL_KEYS);
	if (k->failure != SR_OK)
		return k->failure;
	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.epoch = found->epoch;
		keyd_count_use(k, BANK_KEY_TERMINAL);
		keys_terminal(k->keys, k->state.key[BANK_KEY_TERMINAL].epoch,
		    terminal, answer.epoch, answer.psk);
	}
	if (message_terminal_key_encode(&w, &answer) == SR_OK) {
		packet.packet_len = writer_len(&w);
		KEYD_SEND(
		    k, to_control, control_answer, CONTROL_ANSWER, &packet);
	}
	sodium_memzero(&answer, sizeof(answer));
	sodium_memzero(bytes, sizeof(bytes));
	return error;
}

/* A new epoch of a key; the table tells the operator of it. */
static enum sr_error
use_rotate(struct keyd *k, uint32_t request, const struct entry_event *use)
{
	enum sr_error error = epochs_rotate(k, use);

	k->control_request = request;
	if (k->failure != SR_OK)
		return k->failure;
	if (error == SR_OK)
		keyd_take_control_keys_get(k, &(struct message_keys_get){0});
	else
		keyd_refuse_control(k, MESSAGE_NONE, error);
	return error;
}

/* Seals a key to the auditor that the leaf names, to nobody else. */
static enum sr_error
use_disclose(struct keyd *k, uint32_t request, const struct entry_event *use)
{
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	struct disclosure_item item = {.segment = (uint32_t)use->subject,
	    .snapshot = use->code == USE_DISCLOSE_SNAPSHOT};
	struct message_disclosure answer = {.segment = item.segment};
	uint8_t bytes[MESSAGE_DISCLOSURE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_control_answer packet = {
	    .request = request, .packet = bytes};
	enum sr_error error = use->subject < UINT32_MAX ? SR_OK : SR_NOT_FOUND;
	SECRET_32(ephemeral);
	SECRET_32(key);

	reader_bytes(&r, answer.auditor, sizeof(answer.auditor));
	reader_bytes(&r, item.salt, sizeof(item.salt));
	if (!item.snapshot && log_keys_retired(&k->state, use->subject))
		error = SR_RETIRED;
	if (error == SR_OK)
		error = keyd_budget_on_disk(
		    k, REFUSAL_DISCLOSURES, BUDGET_DISCLOSURES);
	if (k->failure != SR_OK)
		return k->failure;
	if (error == SR_OK) {
		env_random(k->env, ephemeral, sizeof(ephemeral));
		keyd_count_use(k, BANK_KEY_JOURNAL);
		if (item.snapshot)
			keys_snapshot(k->keys, item.segment, item.salt, key);
		else
			keys_segment(k->keys, item.segment, item.salt, key);
		error = disclosure_seal(
		    k->state.bank_id, answer.auditor, ephemeral, key, &item);
	}
	answer.error = (uint16_t)error;
	memcpy(answer.salt, item.salt, sizeof(answer.salt));
	if (error == SR_OK)
		memcpy(answer.sealed, item.sealed, sizeof(answer.sealed));
	if (message_disclosure_encode(&w, &answer) == SR_OK) {
		packet.packet_len = writer_len(&w);
		KEYD_SEND(
		    k, to_control, control_answer, CONTROL_ANSWER, &packet);
	}
	return error;
}

/* The key of a segment of which none is given for the asking. */
static enum sr_error
use_segment_key(struct keyd *k, const struct use *use, uint8_t key[32])
{
	struct reader r =
	    reader_of(use->event.detail, sizeof(use->event.detail));
	const uint8_t *salt = reader_view(&r, JOURNAL_SALT_LEN);

	reader_zeros(&r, reader_left(&r));
	if (use->event.subject > UINT32_MAX || !reader_end(&r))
		return SR_PARAMETERS;
	if (log_keys_retired(&k->state, use->event.subject))
		return SR_RETIRED;
	if (!use->granted) {
		keyd_refusal(k, REFUSAL_OLD_SEGMENTS);
		return SR_OLD_RECORDS;
	}
	keyd_count_use(k, BANK_KEY_JOURNAL);
	keys_segment(k->keys, (uint32_t)use->event.subject, salt, key);
	return SR_OK;
}

/* Does what was logged. */
static enum sr_error
use_do(struct keyd *k, const struct use *use, struct message_key_used *used)
{
	const struct entry_event *event = &use->event;
	struct reader r = reader_of(event->detail, sizeof(event->detail));
	uint32_t epoch = reader_u32(&r), terminal = (uint32_t)event->subject;
	struct terminal next;
	enum sr_error error;

	if (use->type == ENTRY_SYSTEM)
		return use->refused;
	if (event->code == USE_SEGMENT_KEY)
		return use_segment_key(k, use, used->key);
	if (event->code == USE_ERASE)
		return use->refused == SR_OK ? erase_do(k, event->subject)
					     : use->refused;
	if (event->code == USE_RESET)
		return reset_give(k, used->request, &use->reset, use->refused);
	/* no terminal has id 0: so one that is too large is none either */
	if (event->subject > UINT32_MAX)
		terminal = 0;
	if (event->code == USE_ROTATE)
		return use_rotate(k, used->request, event);
	if (event->code == USE_TERMINAL_KEY)
		return use_terminal_key(k, used->request, terminal);
	if (event->code == USE_DISCLOSE || event->code == USE_DISCLOSE_SNAPSHOT)
		return use_disclose(k, used->request, event);
	if (event->code != USE_TERMINAL_ENROL &&
	    event->code != USE_TERMINAL_REVOKE)
		return SR_NOT_ALLOWED;
	error = terminals_set(&k->terminals, terminal, epoch,
	    event->code == USE_TERMINAL_ENROL, &next);
	if (error != SR_OK)
		return error == SR_ALREADY ? SR_OK : error;
	return keyd_fail(k, "terminals", keyd_save_terminal(k, &next));
}

void
keyd_take_ledgerd_key_use(struct keyd *k, const struct message_key_use *m)
{
	struct message_key_used used = {.request = m->request};
	struct use use = {0};
	uint8_t hash[32];
	enum sr_error error;

	if (k->restore != NULL) {
		restore_finish(k, m);
		return;
	}
	if (rotation_is_note(m)) {
		rotation_finish(k, m);
		return;
	}
	error = use_check(k, m, &use);
	if (m->seq != k->state.frontier.size)
		keyd_tell_history(k, error, m->seq);
	if (k->failure != SR_OK)
		return;
	if (error == SR_OK)
		error = use_note(k, m, &use);
	if (error == SR_OK) {
		use_leaf(m, hash);
		error = keyd_extend_tree(k, hash, 1);
	}
	keyd_answer_head(k, error);
	if (error == SR_OK)
		error = use_do(k, &use, &used);
	if (k->failure == SR_OK) {
		used.error = (uint16_t)error;
		KEYD_SEND(k, to_ledgerd, key_used, KEY_USED, &used);
	}
	sodium_memzero(&used, sizeof(used));
}
