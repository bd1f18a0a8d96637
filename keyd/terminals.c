/* SPDX-License-Identifier: ISC */
/* The file of terminals.h. */
#include "keyd/terminals.h"

#include <string.h>

#include <sodium.h>

enum { VERSION_LEN = 32, MACED_LEN = 16, MAC_LEN = 16 };

static void
version_mac(const struct terminals *t, const uint8_t version[MACED_LEN],
    uint8_t mac[MAC_LEN])
{
	static const char label[] = "strongroom/1 terminal";
	crypto_generichash_state hash;

	crypto_generichash_init(&hash, t->mac_key, 32, MAC_LEN);
	crypto_generichash_update(
	    &hash, (const uint8_t *)label, sizeof(label) - 1);
	crypto_generichash_update(&hash, version, MACED_LEN);
	crypto_generichash_final(&hash, mac, MAC_LEN);
}

static bool
version_read(const struct terminals *t, const uint8_t version[VERSION_LEN],
    struct terminal *out)
{
	struct reader r = reader_of(version, MACED_LEN);
	uint8_t mac[MAC_LEN], enrolled;

	version_mac(t, version, mac);
	if (sodium_memcmp(mac, version + MACED_LEN, MAC_LEN) != 0)
		return false;
	out->generation = reader_u32(&r);
	out->id = reader_u32(&r);
	out->epoch = reader_u32(&r);
	enrolled = reader_u8(&r);
	reader_zeros(&r, 3);
	out->enrolled = enrolled == 1;
	return reader_end(&r) && out->id != 0 && enrolled <= 1 &&
	       out->generation > 0;
}

/* The terminal at the next place; *there is false where the list ends. */
static enum sr_error
terminal_load(struct terminals *t, bool *there)
{
	uint8_t bytes[TERMINALS_LEN];
	struct terminal found, *own = &t->list[t->count];
	enum sr_error error = env_read(t->env, t->file,
	    (uint64_t)t->count * TERMINALS_LEN, bytes, sizeof(bytes));

	if (error != SR_OK)
		return error;
	for (unsigned i = 0; i < 2; i++)
		if (version_read(t, bytes + i * VERSION_LEN, &found) &&
		    found.generation % 2 == i &&
		    found.generation > own->generation)
			*own = found;
	*there = own->generation > 0;
	/* its first version may have been torn: then it was never known */
	if (!*there && !sodium_is_zero(bytes, VERSION_LEN))
		return SR_DAMAGED;
	return SR_OK;
}

enum sr_error
terminals_open(struct terminals *t, struct env *env, const uint8_t mac_key[32])
{
	uint64_t len, places;
	bool there = true;
	enum sr_error error;

	memset(t, 0, sizeof(*t));
	t->env = env;
	t->mac_key = mac_key;
	error = env_open(env, "terminals", ENV_WRITE_OR_CREATE, &t->file);
	if (error == SR_OK)
		error = env_size(env, t->file, &len);
	if (error != SR_OK)
		return error;
	places = len / TERMINALS_LEN;
	if (places > TERMINALS_MAX)
		return SR_DAMAGED;
	while (there && t->count < places) {
		error = terminal_load(t, &there);
		if (error != SR_OK)
			return error;
		if (there)
			t->count++;
	}
	/* only the last one can have been torn before it was known */
	return there || t->count + 1 == places ? SR_OK : SR_DAMAGED;
}

static uint32_t
terminal_place(const struct terminals *t, uint32_t terminal)
{
	uint32_t place = 0;

	while (place < t->count && t->list[place].id != terminal)
		place++;
	return place;
}

const struct terminal *
terminals_find(const struct terminals *t, uint32_t terminal)
{
	uint32_t place = terminal_place(t, terminal);

	return place < t->count ? &t->list[place] : NULL;
}

enum sr_error
terminals_check(const struct terminals *t, uint32_t terminal, uint32_t epoch)
{
	const struct terminal *found = terminals_find(t, terminal);

	return found != NULL && found->enrolled && found->epoch == epoch
		   ? SR_OK
		   : SR_TERMINAL;
}

static enum sr_error
terminal_write(
    struct terminals *t, uint32_t place, const struct terminal *terminal)
{
	uint8_t version[VERSION_LEN];
	struct writer w = writer_to(version, MACED_LEN);
	uint64_t len, at = (uint64_t)place * TERMINALS_LEN;
	enum sr_error error = env_size(t->env, t->file, &len);

	writer_u32(&w, terminal->generation);
	writer_u32(&w, terminal->id);
	writer_u32(&w, terminal->epoch);
	writer_u8(&w, terminal->enrolled ? 1 : 0);
	writer_zeros(&w, 3);
	version_mac(t, version, version + MACED_LEN);
	if (error == SR_OK && len < at + TERMINALS_LEN)
		error = env_truncate(t->env, t->file, at + TERMINALS_LEN);
	if (error == SR_OK)
		error = env_write(t->env, t->file,
		    at + terminal->generation % 2 * VERSION_LEN, version,
		    sizeof(version));
	if (error == SR_OK)
		error = env_sync(t->env, t->file);
	return error;
}

enum sr_error
terminals_set(
    struct terminals *t, uint32_t terminal, uint32_t epoch, bool enrolled)
{
	uint32_t place = terminal_place(t, terminal);
	struct terminal next = {.id = terminal};
	enum sr_error error;

	if (terminal == 0 || place >= TERMINALS_MAX)
		return SR_TERMINAL;
	if (place < t->count)
		next = t->list[place];
	if (place < t->count && next.epoch == epoch &&
	    next.enrolled == enrolled)
		return SR_OK;
	if (epoch <= next.epoch)
		return SR_NOT_ALLOWED;
	next.generation++;
	next.epoch = epoch;
	next.enrolled = enrolled;
	error = terminal_write(t, place, &next);
	if (error != SR_OK)
		return error;
	t->list[place] = next;
	if (place == t->count)
		t->count++;
	return SR_OK;
}

void
terminals_list(const struct terminals *t, struct writer *w)
{
	for (uint32_t place = 0; place < t->count; place++) {
		writer_u32(w, t->list[place].id);
		writer_u32(w, t->list[place].epoch);
		writer_u8(w, t->list[place].enrolled ? 1 : 0);
		writer_zeros(w, 3);
	}
}
