/* SPDX-License-Identifier: ISC */
/*
 * The form of a sealed secret.  Decodes the header completely before it
 * spends memory on it.
 */
#include "keyd/unlock_seal.h"

#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/secret.h"

enum {
	HEADER_LEN = 80,
	SALT_LEN = 16,
	KDF_ARGON2ID = 1,
};

_Static_assert(SALT_LEN == crypto_pwhash_argon2id_SALTBYTES, "");
_Static_assert(
    HEADER_LEN + AEAD_WRAP_OVERHEAD + UNLOCK_SECRET_LEN == UNLOCK_SEALED_LEN,
    "");

static const char magic[8] = {'S', 'R', 'S', 'E', 'A', 'L', '0', '1'};

size_t
unlock_passphrase_len(const void *passphrase, size_t len)
{
	return len > 0 && ((const char *)passphrase)[len - 1] == '\n' ? len - 1
								      : len;
}

static enum sr_error
unlock_key(uint8_t key[32], const struct unlock_cost *cost,
    const uint8_t salt[SALT_LEN], const void *passphrase, size_t len)
{
	if (crypto_pwhash_argon2id(key, 32, passphrase, len, salt, cost->passes,
		cost->memory_len, crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
		return SR_MEMORY;
	return SR_OK;
}

enum sr_error
unlock_seal(const struct unlock_header *header, const uint8_t random[40],
    const void *passphrase, size_t passphrase_len,
    const uint8_t secret[UNLOCK_SECRET_LEN], uint8_t out[UNLOCK_SEALED_LEN])
{
	SECRET_32(key);
	struct writer w = writer_to(out, HEADER_LEN);
	enum sr_error error;

	writer_bytes(&w, magic, sizeof(magic));
	writer_u16(&w, UNLOCK_VERSION);
	writer_u8(&w, header->purpose);
	writer_u8(&w, KDF_ARGON2ID);
	writer_u32(&w, header->epoch);
	writer_u64(&w, header->cost.passes);
	writer_u64(&w, header->cost.memory_len);
	writer_bytes(&w, random, SALT_LEN);
	writer_bytes(&w, header->bank_id, sizeof(header->bank_id));
	if (w.bad || writer_len(&w) != HEADER_LEN)
		return SR_INTERNAL;
	error =
	    unlock_key(key, &header->cost, random, passphrase, passphrase_len);
	if (error != SR_OK)
		return error;
	aead_wrap(out + HEADER_LEN, key, random + SALT_LEN, out, HEADER_LEN,
	    secret, UNLOCK_SECRET_LEN);
	return SR_OK;
}

static enum sr_error
unlock_header_read(struct reader *r, enum unlock_purpose purpose,
    struct unlock_header *header, uint8_t salt[SALT_LEN])
{
	uint8_t kdf;
	uint16_t version;
	enum sr_error error = reader_magic(r, magic, sizeof(magic));

	version = reader_u16(r);
	if (error != SR_OK)
		return error;
	if (version > UNLOCK_VERSION)
		return SR_VERSION;
	if (version < UNLOCK_VERSION)
		return SR_DAMAGED;
	header->purpose = reader_u8(r);
	kdf = reader_u8(r);
	header->epoch = reader_u32(r);
	header->cost.passes = reader_u64(r);
	header->cost.memory_len = reader_u64(r);
	reader_bytes(r, salt, SALT_LEN);
	reader_bytes(r, header->bank_id, sizeof(header->bank_id));
	if (r->bad || kdf != KDF_ARGON2ID || header->purpose != purpose ||
	    header->cost.passes < 1 || header->cost.passes > 64 ||
	    header->cost.memory_len < 1u << 20 ||
	    header->cost.memory_len > 1u << 30)
		return SR_DAMAGED;
	return SR_OK;
}

enum sr_error
unlock_open(enum unlock_purpose purpose, const void *sealed, size_t sealed_len,
    const void *passphrase, size_t passphrase_len, struct unlock_header *header,
    uint8_t secret[UNLOCK_SECRET_LEN])
{
	SECRET_32(key);
	struct reader r = reader_of(sealed, sealed_len);
	const uint8_t *wrapped;
	uint8_t salt[SALT_LEN];
	enum sr_error error;

	sodium_memzero(secret, UNLOCK_SECRET_LEN);
	error = unlock_header_read(&r, purpose, header, salt);
	if (error != SR_OK)
		return error;
	wrapped = reader_view(&r, UNLOCK_SECRET_LEN + AEAD_WRAP_OVERHEAD);
	if (!reader_end(&r))
		return SR_DAMAGED;
	error =
	    unlock_key(key, &header->cost, salt, passphrase, passphrase_len);
	if (error != SR_OK)
		return error;
	if (aead_unwrap(secret, key, sealed, HEADER_LEN, wrapped,
		UNLOCK_SECRET_LEN + AEAD_WRAP_OVERHEAD) != SR_OK)
		return SR_UNLOCK;
	return SR_OK;
}
