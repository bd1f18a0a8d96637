/* SPDX-License-Identifier: ISC */
/*
 * The key table of key_table.h, and what of it an operator is told.
 *
 * Security: of a secret key there leaves a fingerprint of 8 bytes, keyed
 * BLAKE2b under a personalisation that nothing else uses, and so nothing that
 * is an output of that key's elsewhere.
 */
#include "keyd/key_table.h"

#include <stddef.h>
#include <string.h>

#include <sodium.h>

#include "common/secret.h"
#include "keyd/epochs.h"
#include "keyd/keyd.h"
#include "keyd/renew.h"

enum { USES_RESERVE = 256 * 1024 }; /* bytes of disk that a save leaves */

static const uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] =
    "strongroom/1 fpr";

void
keyd_uses_start(struct keyd *k)
{
	for (size_t i = 0; i < key_kind_count; i++) {
		enum bank_key key = key_kinds[i].key;

		if (key_kinds[i].cap == KEY_UNCOUNTED)
			continue;
		k->uses[key] = k->state.key[key].uses;
		k->state.key[key].uses += KEY_USES_AHEAD;
	}
}

/* A disk that is full where it copies, or read-only, must not end keyd. */
static bool
uses_disk(struct keyd *k)
{
	struct env_space space;

	return env_space(k->env, k->credentials.file, &space) == SR_OK &&
	       !space.read_only && space.free >= USES_RESERVE;
}

void
keyd_count_use(struct keyd *k, enum bank_key key)
{
	if (k->uses[key] >= k->state.key[key].uses) {
		k->state.key[key].uses = k->uses[key] + KEY_USES_AHEAD;
		if (!k->lone && !k->state.copy && k->restore == NULL &&
		    k->failure == SR_OK && uses_disk(k))
			(void)keyd_save(k);
	}
	k->uses[key]++;
}

void
keyd_uses_renew(struct keyd *k, enum bank_key key)
{
	k->uses[key] = 0;
	k->state.key[key].uses = KEY_USES_AHEAD;
}

bool
keyd_key_spent(const struct keyd *k, enum bank_key key)
{
	return k->uses[key] >= key_kind_of(key)->cap;
}

/* ---- what is told ------------------------------------------------------ */

static void
fingerprint_public(const uint8_t key[32], uint8_t out[KEY_FINGERPRINT_LEN])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, key, 32);
	memcpy(out, hash, KEY_FINGERPRINT_LEN);
}

static void
fingerprint_secret(
    const uint8_t *key, size_t len, uint8_t out[KEY_FINGERPRINT_LEN])
{
	uint8_t hash[32];

	(void)crypto_generichash_blake2b_salt_personal(
	    hash, sizeof(hash), NULL, 0, key, len, NULL, personal);
	memcpy(out, hash, KEY_FINGERPRINT_LEN);
	sodium_memzero(hash, sizeof(hash));
}

static void
fingerprint_pair(
    const struct keys *keys, uint32_t epoch, uint8_t out[KEY_FINGERPRINT_LEN])
{
	struct keys_opaque pair;

	if (keys_opaque_derive(keys, epoch, &pair) == SR_OK)
		fingerprint_public(pair.public_key, out);
	sodium_memzero(&pair, sizeof(pair));
}

static void
fingerprint(const struct keyd *k, struct key_entry *entry)
{
	const struct keys *keys = k->keys;
	uint8_t *out = entry->fingerprint;
	SECRET_64(secret);

	if (key_least_s(entry->key) != 0) {
		fingerprint_secret(secret,
		    keys_epoch(keys, entry->key, entry->epoch, secret), out);
		return;
	}
	switch (entry->key) {
	case BANK_KEY_NOISE:
		fingerprint_public(k->origin->noise.public, out);
		break;
	case BANK_KEY_LOG:
		fingerprint_public(k->origin->log.public, out);
		break;
	case BANK_KEY_ATTESTATION:
		/* right after its rotation the former one is the start's */
		if (entry->epoch == k->origin->attestation.epoch)
			fingerprint_public(k->origin->attestation.public, out);
		else if (entry->epoch == keys->origin.attestation.epoch)
			fingerprint_public(
			    keys->origin.attestation.public, out);
		else
			fingerprint_public(keys->attestation_former, out);
		break;
	case BANK_KEY_OPAQUE:
		fingerprint_pair(keys, entry->epoch, out);
		break;
#define SECRET(name, field)                                                \
	case BANK_KEY_##name:                                              \
		fingerprint_secret(keys->field, sizeof(keys->field), out); \
		break
		SECRET(JOURNAL, log_root);
		SECRET(STATE, state);
		SECRET(GENERATION, generation);
		SECRET(IDENTIFIER, credential_id);
		SECRET(FAKE_IDENTIFIER, fake_id);
		SECRET(FAKE_RECORD, fake_record);
		SECRET(LIMIT, limit);
		SECRET(NAME_INDEX, name_index);
#undef SECRET
	case BANK_KEY_CREDENTIAL: /* above */
	case BANK_KEY_OPRF:
	case BANK_KEY_TERMINAL:
	case BANK_KEY_INVITATION:
	case BANK_KEY_RESET:
	case BANK_KEY_DEVICE:
		break;
	}
}

/* A later epoch than the first is the second in which it was begun. */
static uint64_t
made_ms(const struct keyd *k, uint32_t epoch)
{
	return epoch == KEYS_EPOCH ? k->state.founded_ms
				   : (uint64_t)epoch * 1000;
}

static struct key_entry
entry_of(const struct keyd *k, const struct key_kind *kind)
{
	struct key_entry entry = {.key = kind->key,
	    .epoch = kind->key == BANK_KEY_LOG ? k->state.log_epoch
					       : k->state.key[kind->key].epoch,
	    .uses = kind->cap == KEY_UNCOUNTED ? 0 : k->uses[kind->key]};

	entry.made_ms = made_ms(k, entry.epoch);
	fingerprint(k, &entry);
	return entry;
}

/* Of its former epoch; false if nothing needs that. */
static bool
former_of(const struct keyd *k, const struct key_entry *present,
    struct key_entry *out)
{
	enum bank_key key = present->key;

	*out = (struct key_entry){
	    .key = key, .kept = true, .epoch = k->state.key[key].former};
	if (key_hands_out(key))
		out->epoch = epochs_former(k, key);
	if (out->epoch == 0)
		return false;
	out->made_ms = made_ms(k, out->epoch);
	fingerprint(k, out);
	if (key == BANK_KEY_CREDENTIAL)
		out->left = reseal_left(k);
	else if (key == BANK_KEY_OPRF)
		out->left = renew_left(k);
	else if (key == BANK_KEY_OPAQUE)
		out->left = credentials_former_pair(&k->credentials);
	else if (key == BANK_KEY_ATTESTATION)
		return true;
	else if (key == BANK_KEY_TERMINAL)
		out->left = terminals_left(&k->terminals);
	else
		out->left =
		    ((uint64_t)present->epoch + key_least_s(key)) * 1000;
	return key == BANK_KEY_CREDENTIAL || out->left > 0;
}

void
keyd_take_control_keys_get(struct keyd *k, const struct message_keys_get *m)
{
	uint8_t list[2 * KEY_PLACES * KEY_ENTRY_LEN];
	uint8_t bytes[MESSAGE_KEYS_MAX];
	struct writer entries = writer_to(list, sizeof(list));
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_keys answer = {.list = list};

	(void)m;
	for (size_t i = 0; i < key_kind_count; i++) {
		struct key_entry entry = entry_of(k, &key_kinds[i]), former;

		key_entry_write(&entry, &entries);
		if (former_of(k, &entry, &former))
			key_entry_write(&former, &entries);
	}
	answer.list_len = writer_len(&entries);
	if (message_keys_encode(&w, &answer) == SR_OK)
		keyd_answer_control(k, &w);
}
