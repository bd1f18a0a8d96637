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
version_read(const struct terminals *t, uint32_t id,
    const uint8_t version[VERSION_LEN], struct terminal *out)
{
	struct reader r = reader_of(version, MACED_LEN);
	uint8_t mac[MAC_LEN], enrolled;
	uint32_t found;

	version_mac(t, version, mac);
	if (sodium_memcmp(mac, version + MACED_LEN, MAC_LEN) != 0)
		return false;
	out->generation = reader_u32(&r);
	found = reader_u32(&r);
	out->epoch = reader_u32(&r);
	enrolled = reader_u8(&r);
	reader_zeros(&r, 3);
	out->enrolled = enrolled == 1;
	return reader_end(&r) && found == id && enrolled <= 1 &&
	       out->generation > 0;
}

static enum sr_error
terminal_load(struct terminals *t, uint32_t id)
{
	uint8_t bytes[TERMINALS_LEN];
	struct terminal found, *own = &t->list[id];
	enum sr_error error = env_read(t->env, t->file,
	    (uint64_t)id * TERMINALS_LEN, bytes, sizeof(bytes));

	if (error != SR_OK)
		return error;
	for (unsigned i = 0; i < 2; i++)
		if (version_read(t, id, bytes + i * VERSION_LEN, &found) &&
		    found.generation % 2 == i &&
		    found.generation > own->generation)
			*own = found;
	/* its first version may have been torn: then it was never known */
	if (own->generation == 0 && !sodium_is_zero(bytes, VERSION_LEN))
		return SR_DAMAGED;
	return SR_OK;
}

enum sr_error
terminals_open(struct terminals *t, struct env *env, const uint8_t mac_key[32])
{
	uint64_t len;
	enum sr_error error;

	memset(t, 0, sizeof(*t));
	t->env = env;
	t->mac_key = mac_key;
	error = env_open(env, "terminals", ENV_WRITE_OR_CREATE, &t->file);
	if (error == SR_OK)
		error = env_size(env, t->file, &len);
	for (uint32_t id = 0; error == SR_OK && id < TERMINALS_MAX &&
			      (uint64_t)(id + 1) * TERMINALS_LEN <= len;
	     id++)
		error = terminal_load(t, id);
	return error;
}

enum sr_error
terminals_check(const struct terminals *t, uint32_t terminal, uint32_t epoch)
{
	if (terminal == 0 || terminal >= TERMINALS_MAX ||
	    !t->list[terminal].enrolled || t->list[terminal].epoch != epoch)
		return SR_TERMINAL;
	return SR_OK;
}

static enum sr_error
terminal_write(
    struct terminals *t, uint32_t id, const struct terminal *terminal)
{
	uint8_t version[VERSION_LEN];
	struct writer w = writer_to(version, MACED_LEN);
	uint64_t len, at = (uint64_t)id * TERMINALS_LEN;
	enum sr_error error = env_size(t->env, t->file, &len);

	writer_u32(&w, terminal->generation);
	writer_u32(&w, id);
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
	struct terminal next, *own = &t->list[terminal % TERMINALS_MAX];
	enum sr_error error;

	if (terminal == 0 || terminal >= TERMINALS_MAX)
		return SR_TERMINAL;
	if (own->generation > 0 && own->epoch == epoch &&
	    own->enrolled == enrolled)
		return SR_OK;
	if (epoch == 0 || epoch <= own->epoch)
		return SR_NOT_ALLOWED;
	next.generation = own->generation + 1;
	next.epoch = epoch;
	next.enrolled = enrolled;
	error = terminal_write(t, terminal, &next);
	if (error == SR_OK)
		*own = next;
	return error;
}

void
terminals_list(const struct terminals *t, struct writer *w)
{
	for (uint32_t id = 1; id < TERMINALS_MAX; id++) {
		if (t->list[id].generation == 0)
			continue;
		writer_u32(w, id);
		writer_u32(w, t->list[id].epoch);
		writer_u8(w, t->list[id].enrolled ? 1 : 0);
		writer_zeros(w, 3);
	}
}
