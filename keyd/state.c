/* SPDX-License-Identifier: ISC */
/* The two slots of state.h: encoded completely, then written; read completely,
 * then believed. */
#include "keyd/state.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"

enum {
	MAC_LEN = 32,
	MACED_LEN = STATE_SLOT_LEN - MAC_LEN,
	FLAG_GENESIS_SIGNED = 1,
	FLAG_COPY = 2,
	STATE_VERSION = 5,
	MAGIC_LEN = 8,
};

/* The version of all files of keyd's: the others have none of their own. */
static const char magics[STATE_VERSION][9] = {
    "SRSTATE1", "SRSTATE2", "SRSTATE3", "SRSTATE4", "SRSTATE5"};
static const char *const magic = magics[STATE_VERSION - 1];

enum sr_error
state_file_open(
    struct state_file *f, struct env *env, const uint8_t mac_key[32])
{
	f->env = env;
	f->mac_key = mac_key;
	return env_open(env, "state", ENV_WRITE_OR_CREATE, &f->file);
}

static void
state_mac(const struct state_file *f, const uint8_t slot[MACED_LEN],
    uint8_t mac[MAC_LEN])
{
	crypto_generichash(mac, MAC_LEN, slot, MACED_LEN, f->mac_key, 32);
}

void
state_keys_init(struct state *state)
{
	memset(state->key, 0, sizeof(state->key));
	for (unsigned i = 0; i < KEY_PLACES; i++)
		state->key[i].epoch = 1;
}

static void
state_keys_read(struct reader *r, struct state *state)
{
	state->founded_ms = reader_u64(r);
	for (unsigned i = 0; i < KEY_PLACES; i++) {
		state->key[i].epoch = reader_u32(r);
		state->key[i].former = reader_u32(r);
		state->key[i].uses = reader_u64(r);
	}
}

static void
state_keys_write(const struct state *state, struct writer *w)
{
	writer_u64(w, state->founded_ms);
	for (unsigned i = 0; i < KEY_PLACES; i++) {
		writer_u32(w, state->key[i].epoch);
		writer_u32(w, state->key[i].former);
		writer_u64(w, state->key[i].uses);
	}
}

static enum sr_error
state_decode(const struct state_file *f, const uint8_t slot[STATE_SLOT_LEN],
    struct state *state)
{
	struct reader r = reader_of(slot, MACED_LEN);
	uint8_t mac[MAC_LEN];
	uint32_t flags;
	unsigned version = STATE_VERSION;
	enum sr_error error;

	while (version > 1 && memcmp(slot, magics[version - 1], MAGIC_LEN) != 0)
		version--;
	/* of none of these, but perhaps of a later one */
	if (memcmp(slot, magics[version - 1], MAGIC_LEN) != 0)
		version = STATE_VERSION;
	error = reader_magic(&r, magics[version - 1], MAGIC_LEN);

	if (error != SR_OK)
		return error;
	state_mac(f, slot, mac);
	if (sodium_memcmp(mac, slot + MACED_LEN, MAC_LEN) != 0)
		return SR_DAMAGED;
	state->counter = reader_u64(&r);
	reader_bytes(&r, state->bank_id, sizeof(state->bank_id));
	reader_bytes(&r, state->identity, sizeof(state->identity));
	state->log_epoch = reader_u32(&r);
	flags = reader_u32(&r);
	state->genesis_signed = (flags & FLAG_GENESIS_SIGNED) != 0;
	state->copy = (flags & FLAG_COPY) != 0;
	state->customers = reader_u64(&r);
	reader_bytes(&r, state->digest, sizeof(state->digest));
	state->intent.customer = reader_u64(&r);
	state->intent.from = reader_u64(&r);
	state->intent.to = reader_u64(&r);
	reader_bytes(&r, state->certificate, sizeof(state->certificate));
	if (merkle_frontier_read(&r, &state->frontier) != SR_OK ||
	    flags > (FLAG_GENESIS_SIGNED | FLAG_COPY))
		return SR_DAMAGED;
	for (unsigned i = 0; i < 2; i++)
		entry_snapshot_read(&r, &state->snapshot[i]);
	state->old_keys.hour = reader_u64(&r);
	state->old_keys.given = reader_u32(&r);
	state->old_keys.ever = reader_u64(&r);
	memset(&state->certified, 0, sizeof(state->certified));
	state->certified_leaf = 0;
	memset(&state->cut, 0, sizeof(state->cut));
	state->cut_leaf = 0;
	if (version >= 2) {
		entry_snapshot_read(&r, &state->certified);
		state->certified_leaf = reader_u64(&r);
	}
	if (version >= 3) {
		entry_snapshot_read(&r, &state->cut);
		state->cut_leaf = reader_u64(&r);
	}
	state->founded_ms = 0;
	state_keys_init(state);
	if (version >= 4)
		state_keys_read(&r, state);
	memset(state->terminals, 0, sizeof(state->terminals));
	memset(state->terminals_next, 0, sizeof(state->terminals_next));
	if (version >= 5) {
		reader_bytes(&r, state->terminals, sizeof(state->terminals));
		reader_bytes(
		    &r, state->terminals_next, sizeof(state->terminals_next));
	}
	reader_zeros(&r, reader_left(&r));
	return reader_end(&r) ? SR_OK : SR_DAMAGED;
}

enum sr_error
state_load(const struct state_file *f, struct state *state, bool *lone)
{
	uint8_t slot[STATE_SLOT_LEN];
	struct state found;
	uint64_t len;
	unsigned valid = 0;
	bool first = false;
	enum sr_error error = env_size(f->env, f->file, &len);

	if (error != SR_OK)
		return error;
	if (len < STATE_LEN)
		return SR_NOT_FOUND;
	for (unsigned i = 0; i < 2; i++) {
		error = env_read(
		    f->env, f->file, i * STATE_SLOT_LEN, slot, sizeof(slot));
		if (error != SR_OK)
			return error;
		/* the first save is to slot 1, and may have been torn */
		first = first || (i == 0 && sodium_is_zero(slot, sizeof(slot)));
		/* a slot knows its place: the counter's last bit */
		error = state_decode(f, slot, &found);
		/* The other slot is then what the newer program left. */
		if (error == SR_VERSION)
			return error;
		if (error != SR_OK || found.counter % 2 != i)
			continue;
		if (valid == 0 || found.counter > state->counter)
			*state = found;
		valid++;
	}
	*lone = valid == 1;
	if (valid == 0)
		return first ? SR_NOT_FOUND : SR_DAMAGED;
	return SR_OK;
}

enum sr_error
state_confirm(const struct state_file *f, const struct state *state)
{
	uint64_t offset = state->counter % 2 * STATE_SLOT_LEN;
	uint8_t slot[STATE_SLOT_LEN];
	struct state found;
	enum sr_error error =
	    env_read(f->env, f->file, offset, slot, sizeof(slot));

	if (error == SR_OK)
		error = state_decode(f, slot, &found);
	if (error == SR_OK && found.counter != state->counter)
		error = SR_DAMAGED;
	if (error == SR_OK)
		error = env_write(f->env, f->file, offset, slot, sizeof(slot));
	return error == SR_OK ? env_sync(f->env, f->file) : error;
}

static enum sr_error
state_encode(const struct state_file *f, const struct state *state,
    uint8_t slot[STATE_SLOT_LEN])
{
	struct writer w = writer_to(slot, MACED_LEN);

	writer_bytes(&w, magic, MAGIC_LEN);
	writer_u64(&w, state->counter);
	writer_bytes(&w, state->bank_id, sizeof(state->bank_id));
	writer_bytes(&w, state->identity, sizeof(state->identity));
	writer_u32(&w, state->log_epoch);
	writer_u32(&w, (state->genesis_signed ? FLAG_GENESIS_SIGNED : 0u) |
			   (state->copy ? FLAG_COPY : 0u));
	writer_u64(&w, state->customers);
	writer_bytes(&w, state->digest, sizeof(state->digest));
	writer_u64(&w, state->intent.customer);
	writer_u64(&w, state->intent.from);
	writer_u64(&w, state->intent.to);
	writer_bytes(&w, state->certificate, sizeof(state->certificate));
	merkle_frontier_write(&state->frontier, &w);
	for (unsigned i = 0; i < 2; i++)
		entry_snapshot_write(&state->snapshot[i], &w);
	writer_u64(&w, state->old_keys.hour);
	writer_u32(&w, state->old_keys.given);
	writer_u64(&w, state->old_keys.ever);
	entry_snapshot_write(&state->certified, &w);
	writer_u64(&w, state->certified_leaf);
	entry_snapshot_write(&state->cut, &w);
	writer_u64(&w, state->cut_leaf);
	state_keys_write(state, &w);
	writer_bytes(&w, state->terminals, sizeof(state->terminals));
	writer_bytes(&w, state->terminals_next, sizeof(state->terminals_next));
	writer_zeros(&w, MACED_LEN - writer_len(&w));
	if (w.bad)
		return SR_INTERNAL;
	state_mac(f, slot, slot + MACED_LEN);
	return SR_OK;
}

enum sr_error
state_read_copy(const struct state_file *f, const uint8_t *slot, size_t len,
    struct state *state)
{
	enum sr_error error;

	if (len != STATE_SLOT_LEN)
		return SR_DAMAGED;
	error = state_decode(f, slot, state);
	return error == SR_OK && !state->copy ? SR_DAMAGED : error;
}

enum sr_error
state_copy(const struct state_file *f, const struct state *state,
    uint8_t slot[STATE_SLOT_LEN])
{
	struct state copy = *state;

	copy.counter++;
	copy.copy = true;
	return state_encode(f, &copy, slot);
}

enum sr_error
state_save(const struct state_file *f, struct state *state)
{
	uint8_t slot[STATE_SLOT_LEN];
	enum sr_error error;

	state->counter++;
	error = state_encode(f, state, slot);
	if (error != SR_OK)
		return error;
	error = env_write(f->env, f->file, state->counter % 2 * STATE_SLOT_LEN,
	    slot, sizeof(slot));
	if (error != SR_OK)
		return error;
	return env_sync(f->env, f->file);
}
