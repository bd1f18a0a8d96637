/* SPDX-License-Identifier: ISC */
/* The file of terminals.h. */
#include "keyd/terminals.h"

#include <string.h>

#include <sodium.h>

enum { VERSION_LEN = 32, MACED_LEN = 16, MAC_LEN = 16 };
enum { ROOT_FIRST = 1, ROOT_STEP_S = 3600 };

uint32_t
terminals_root_hour(uint32_t epoch)
{
	return epoch / ROOT_STEP_S;
}

uint32_t
terminals_root(uint32_t hour)
{
	return hour == 0 ? ROOT_FIRST : hour * ROOT_STEP_S;
}

enum sr_error
terminals_next_root(uint32_t root, uint32_t epoch, uint32_t *next)
{
	uint32_t hour = terminals_root_hour(root) + 1;

	if (terminals_root_hour(epoch) > hour)
		hour = terminals_root_hour(epoch);
	*next = terminals_root(hour);
	return hour <= terminals_root_hour(UINT32_MAX) ? SR_OK : SR_INTERNAL;
}

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
	uint8_t mac[MAC_LEN], enrolled, high;

	version_mac(t, version, mac);
	if (sodium_memcmp(mac, version + MACED_LEN, MAC_LEN) != 0)
		return false;
	out->generation = reader_u32(&r);
	out->id = reader_u32(&r);
	out->epoch = reader_u32(&r);
	enrolled = reader_u8(&r);
	out->root_hour = reader_u16(&r);
	high = reader_u8(&r);
	out->root_hour |= (uint32_t)high << 16;
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

/* The bytes of a version before its MAC. */
static void
terminal_encode(
    const struct terminal *terminal, uint32_t generation, struct writer *w)
{
	writer_u32(w, generation);
	writer_u32(w, terminal->id);
	writer_u32(w, terminal->epoch);
	writer_u8(w, terminal->enrolled ? 1 : 0);
	writer_u16(w, (uint16_t)terminal->root_hour);
	writer_u8(w, (uint8_t)(terminal->root_hour >> 16));
}

static enum sr_error
version_write(
    struct terminals *t, uint32_t place, const struct terminal *terminal)
{
	uint8_t version[VERSION_LEN];
	struct writer w = writer_to(version, MACED_LEN);

	terminal_encode(terminal, terminal->generation, &w);
	version_mac(t, version, version + MACED_LEN);
	return env_write(t->env, t->file,
	    (uint64_t)place * TERMINALS_LEN +
		terminal->generation % 2 * VERSION_LEN,
	    version, sizeof(version));
}

/* What a failed sync left on disk is not known: no SR_NO_SPACE. */
static enum sr_error
terminals_sync(struct terminals *t)
{
	return env_sync(t->env, t->file) == SR_OK ? SR_OK : SR_IO;
}

enum sr_error
terminals_set(const struct terminals *t, uint32_t terminal, uint32_t epoch,
    bool enrolled, struct terminal *next)
{
	uint32_t place = terminal_place(t, terminal);

	if (terminal == 0 || place >= TERMINALS_MAX)
		return SR_TERMINAL;
	*next = (struct terminal){.id = terminal};
	if (place < t->count)
		*next = t->list[place];
	if (place < t->count && next->epoch == epoch &&
	    next->enrolled == enrolled)
		return SR_ALREADY;
	if (epoch <= next->epoch)
		return SR_NOT_ALLOWED;
	next->epoch = epoch;
	next->enrolled = enrolled;
	if (enrolled)
		next->root_hour = t->root_hour;
	return SR_OK;
}

struct terminal
terminals_move(const struct terminals *t, const struct terminal *terminal)
{
	struct terminal next = *terminal;

	next.root_hour = t->root_hour;
	return next;
}

void
terminals_digest(const struct terminals *t, const struct terminal *next,
    uint8_t digest[TERMINALS_DIGEST_LEN])
{
	static const char label[] = "strongroom/1 terminals";
	uint32_t place = next != NULL ? terminal_place(t, next->id) : t->count;
	uint32_t count =
	    place < t->count || next == NULL ? t->count : t->count + 1;
	crypto_generichash_state hash;
	uint8_t bytes[MACED_LEN];

	crypto_generichash_init(&hash, t->mac_key, 32, TERMINALS_DIGEST_LEN);
	crypto_generichash_update(
	    &hash, (const uint8_t *)label, sizeof(label) - 1);
	for (uint32_t i = 0; i < count; i++) {
		struct writer w = writer_to(bytes, sizeof(bytes));

		terminal_encode(
		    next != NULL && i == place ? next : &t->list[i], 0, &w);
		crypto_generichash_update(&hash, bytes, sizeof(bytes));
	}
	crypto_generichash_final(&hash, digest, TERMINALS_DIGEST_LEN);
}

enum sr_error
terminals_write(struct terminals *t, const struct terminal *next)
{
	uint32_t place = terminal_place(t, next->id);
	uint64_t len, end = ((uint64_t)place + 1) * TERMINALS_LEN;
	struct terminal written = *next;
	enum sr_error error = env_size(t->env, t->file, &len);

	if (error == SR_OK && len < end)
		error = env_truncate(t->env, t->file, end);
	for (unsigned i = 0; i < 2 && error == SR_OK; i++) {
		written.generation++;
		error = version_write(t, place, &written);
		/* the first one stands: the digest keeps the other one out */
		if (i == 1 && (error == SR_NO_SPACE || error == SR_READ_ONLY))
			return SR_OK;
		if (error == SR_OK)
			error = terminals_sync(t);
		if (error != SR_OK)
			return error;
		t->list[place] = written;
		if (place == t->count)
			t->count++;
	}
	return error;
}

enum sr_error
terminals_write_again(struct terminals *t)
{
	enum sr_error error = SR_OK;

	for (uint32_t i = 0; error == SR_OK && i < t->count; i++)
		error = version_write(t, i, &t->list[i]);
	return error == SR_OK ? terminals_sync(t) : error;
}

uint64_t
terminals_left(const struct terminals *t)
{
	uint64_t left = 0;

	for (uint32_t place = 0; place < t->count; place++)
		left += t->list[place].enrolled &&
			t->list[place].root_hour != t->root_hour;
	return left;
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
