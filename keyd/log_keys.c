/* SPDX-License-Identifier: ISC */
/* The rules of log_keys.h, and the questions that they answer. */
#include "keyd/log_keys.h"

#include "keyd/tree.h"

#include <string.h>

#include <sodium.h>

#include "keyd/keyd.h"

enum { HOUR_MS = 3600 * 1000 };

uint32_t
log_keys_floor(const struct state *state)
{
	/* without a second snapshot the way back is the whole journal */
	return state->snapshot[1].number != 0 ? state->snapshot[1].segment : 0;
}

bool
log_keys_retired(const struct state *state, uint64_t segment)
{
	return state->cut.number != 0 && segment < state->cut.segment;
}

enum sr_error
log_keys_snapshot(struct state *state, const struct entry_snapshot *snapshot,
    uint32_t leaf_segment)
{
	const struct entry_snapshot *last = &state->snapshot[0];

	if (snapshot->number <= last->number || snapshot->size < last->size ||
	    snapshot->size > state->frontier.size ||
	    snapshot->segment < last->segment ||
	    snapshot->segment > leaf_segment)
		return SR_MALFORMED;
	state->snapshot[1] = state->snapshot[0];
	state->snapshot[0] = *snapshot;
	return SR_OK;
}

bool
log_keys_charge(struct state *state, uint64_t now_ms)
{
	struct state_old_keys *keys = &state->old_keys;

	if (now_ms / HOUR_MS > keys->hour) {
		keys->hour = now_ms / HOUR_MS;
		keys->given = 0;
	}
	if (keys->given >= LOG_KEYS_OLD_AN_HOUR)
		return false;
	keys->given++;
	keys->ever++;
	return true;
}

void
keyd_take_ledgerd_segment_key_get(
    struct keyd *k, const struct message_segment_key_get *m)
{
	struct message_segment_key answer = {.segment = m->segment};

	if (log_keys_retired(&k->state, m->segment))
		answer.error = SR_RETIRED;
	else if (m->segment < log_keys_floor(&k->state))
		answer.error = SR_NOT_ALLOWED;
	else
		keyd_count_use(k, BANK_KEY_JOURNAL);
	if (answer.error == SR_OK)
		keys_segment(k->keys, m->segment, m->salt, answer.key);
	KEYD_SEND(k, to_ledgerd, segment_key, SEGMENT_KEY, &answer);
	sodium_memzero(&answer, sizeof(answer));
}

void
keyd_write_snapshots(const struct keyd *k, struct writer *w)
{
	for (unsigned i = 0; i < 2 && k->state.snapshot[i].number != 0; i++)
		entry_snapshot_write(&k->state.snapshot[i], w);
}

void
keyd_write_certified(const struct keyd *k, uint8_t bytes[ENTRY_SNAPSHOT_LEN])
{
	struct writer w = writer_to(bytes, ENTRY_SNAPSHOT_LEN);

	entry_snapshot_write(&k->state.certified, &w);
}

void
keyd_write_cut(const struct keyd *k, uint8_t bytes[ENTRY_SNAPSHOT_LEN])
{
	struct writer w = writer_to(bytes, ENTRY_SNAPSHOT_LEN);

	entry_snapshot_write(&k->state.cut, &w);
}

void
keyd_take_ledgerd_snapshots_get(
    struct keyd *k, const struct message_snapshots_get *m)
{
	uint8_t list[KEYD_SNAPSHOTS_LEN];
	struct writer w = writer_to(list, sizeof(list));
	struct message_snapshots answer = {.list = list};

	(void)m;
	keyd_write_snapshots(k, &w);
	keyd_write_certified(k, answer.certified);
	answer.certified_leaf = k->state.certified_leaf;
	keyd_write_cut(k, answer.cut);
	answer.list_len = writer_len(&w);
	KEYD_SEND(k, to_ledgerd, snapshots, SNAPSHOTS, &answer);
}

void
keyd_take_ledgerd_snapshot_key_get(
    struct keyd *k, const struct message_snapshot_key_get *m)
{
	struct message_snapshot_key answer = {.number = m->number};
	const struct entry_snapshot *known = k->state.snapshot;

	if (m->number == 0 ||
	    (m->number < known[0].number && m->number != known[1].number))
		answer.error = SR_NOT_ALLOWED;
	else
		keyd_count_use(k, BANK_KEY_JOURNAL);
	if (answer.error == SR_OK)
		keys_snapshot(k->keys, m->number, m->salt, answer.key);
	KEYD_SEND(k, to_ledgerd, snapshot_key, SNAPSHOT_KEY, &answer);
	sodium_memzero(&answer, sizeof(answer));
}
