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
};

/* The version of all files of keyd's: the others have none of their own. */
static const char magic[8] = {'S', 'R', 'S', 'T', 'A', 'T', 'E', '2'};
static const char first_magic[8] = {'S', 'R', 'S', 'T', 'A', 'T', 'E', '1'};

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

static enum sr_error
state_decode(const struct state_file *f, const uint8_t slot[STATE_SLOT_LEN],
    struct state *state)
{
	struct reader r = reader_of(slot, MACED_LEN);
	uint8_t mac[MAC_LEN];
	uint32_t flags;
	bool first = memcmp(slot, first_magic, sizeof(first_magic)) == 0;
	enum sr_error error =
	    reader_magic(&r, first ? first_magic : magic, sizeof(magic));

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
	if (!first) {
		entry_snapshot_read(&r, &state->certified);
		state->certified_leaf = reader_u64(&r);
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
	return valid > 0 ? SR_OK : SR_DAMAGED;
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

	writer_bytes(&w, magic, sizeof(magic));
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
	writer_zeros(&w, MACED_LEN - writer_len(&w));
	if (w.bad)
		return SR_INTERNAL;
	state_mac(f, slot, slot + MACED_LEN);
	return SR_OK;
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
