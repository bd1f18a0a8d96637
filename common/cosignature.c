/* SPDX-License-Identifier: ISC */
/*
 * Witnesses' cosignatures.  Must never count a line that does not verify, nor
 * one key under two names.
 */
#include "common/cosignature.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/name.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define KEY_TYPE 0x04
#define TYPED_LEN 33u /* type and key */
#define MESSAGE_MAX (NOTE_BODY_MAX + 64u)

enum sr_error
cosigner_make(
    const char *name, const uint8_t public_key[32], struct cosigner *out)
{
	static const uint8_t between[2] = {0x0a, KEY_TYPE};
	size_t len = strnlen(name, COSIGNER_NAME_MAX);
	crypto_hash_sha256_state state;
	uint8_t hash[crypto_hash_sha256_BYTES];

	if (len == 0 || len >= COSIGNER_NAME_MAX ||
	    name_text_check(name, len, COSIGNER_NAME_MAX) != SR_OK ||
	    memchr(name, ' ', len) != NULL || memchr(name, '+', len) != NULL)
		return SR_NAME;
	memset(out, 0, sizeof(*out));
	memcpy(out->name, name, len);
	memcpy(out->public_key, public_key, 32);
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)name, len);
	crypto_hash_sha256_update(&state, between, sizeof(between));
	crypto_hash_sha256_update(&state, public_key, 32);
	crypto_hash_sha256_final(&state, hash);
	memcpy(out->key_id, hash, sizeof(out->key_id));
	return SR_OK;
}

void
cosigner_vkey(const struct cosigner *cosigner, char out[COSIGNER_VKEY_MAX])
{
	char hex[2 * NOTE_KEY_ID_LEN + 1];
	char key[sodium_base64_ENCODED_LEN(TYPED_LEN, BASE64)];
	uint8_t typed[TYPED_LEN] = {KEY_TYPE};
	int len;

	memcpy(typed + 1, cosigner->public_key, 32);
	(void)sodium_bin2hex(
	    hex, sizeof(hex), cosigner->key_id, NOTE_KEY_ID_LEN);
	sodium_bin2base64(key, sizeof(key), typed, sizeof(typed), BASE64);
	len = snprintf(
	    out, COSIGNER_VKEY_MAX, "%s+%s+%s", cosigner->name, hex, key);
	assert(len > 0 && (size_t)len < COSIGNER_VKEY_MAX);
}

enum sr_error
cosigner_parse(const char *vkey, struct cosigner *out)
{
	char name[COSIGNER_NAME_MAX], again[COSIGNER_VKEY_MAX];
	const char *plus = strchr(vkey, '+'), *key;
	uint8_t typed[TYPED_LEN];
	size_t len;

	if (plus == NULL || (size_t)(plus - vkey) >= sizeof(name))
		return SR_MALFORMED;
	memcpy(name, vkey, (size_t)(plus - vkey));
	name[plus - vkey] = '\0';
	/* the key itself may have a + in its base64 */
	key = strchr(plus + 1, '+');
	if (key == NULL ||
	    sodium_base642bin(typed, sizeof(typed), key + 1, strlen(key + 1),
		NULL, &len, NULL, BASE64) != 0 ||
	    len != sizeof(typed) || typed[0] != KEY_TYPE ||
	    cosigner_make(name, typed + 1, out) != SR_OK)
		return SR_MALFORMED;
	/* one text for a key: also the id is right then */
	cosigner_vkey(out, again);
	return strcmp(again, vkey) == 0 ? SR_OK : SR_MALFORMED;
}

static size_t
message_of(const struct checkpoint *checkpoint, uint64_t time_s,
    char message[MESSAGE_MAX])
{
	char body[NOTE_BODY_MAX];
	size_t body_len;
	int len;

	note_body(checkpoint, body, &body_len);
	len = snprintf(message, MESSAGE_MAX, "cosignature/v1\ntime %llu\n%.*s",
	    (unsigned long long)time_s, (int)body_len, body);
	assert(len > 0 && (size_t)len < MESSAGE_MAX);
	return (size_t)len;
}

enum sr_error
cosignature_sign(const struct cosigner *cosigner, const uint8_t secret_key[64],
    const struct checkpoint *checkpoint, uint64_t time_s,
    char out[COSIGNATURE_LINE_MAX], size_t *len)
{
	char message[MESSAGE_MAX], text[COSIGNATURE_LINE_MAX + 1];
	char base64[sodium_base64_ENCODED_LEN(COSIGNATURE_LEN, BASE64)];
	uint8_t bytes[COSIGNATURE_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	size_t message_len;
	int written;

	if (time_s > INT64_MAX)
		return SR_PARAMETERS;
	message_len = message_of(checkpoint, time_s, message);
	writer_bytes(&w, cosigner->key_id, NOTE_KEY_ID_LEN);
	for (int shift = 56; shift >= 0; shift -= 8)
		writer_u8(&w, (uint8_t)(time_s >> shift));
	if (crypto_sign_detached(bytes + NOTE_KEY_ID_LEN + 8, NULL,
		(const uint8_t *)message, message_len, secret_key) != 0)
		return SR_CRYPTO;
	sodium_bin2base64(base64, sizeof(base64), bytes, sizeof(bytes), BASE64);
	written = snprintf(
	    text, sizeof(text), "\xe2\x80\x94 %s %s\n", cosigner->name, base64);
	assert(written > 0 && (size_t)written <= COSIGNATURE_LINE_MAX);
	memcpy(out, text, (size_t)written);
	*len = (size_t)written;
	return SR_OK;
}

enum sr_error
cosignature_verify(const struct note_line *line,
    const struct cosigner *cosigner, const struct checkpoint *checkpoint,
    uint64_t *time_s)
{
	char message[MESSAGE_MAX];
	uint64_t time = 0;
	size_t len;

	if (line->name_len != strlen(cosigner->name) ||
	    memcmp(line->name, cosigner->name, line->name_len) != 0 ||
	    memcmp(line->bytes, cosigner->key_id, NOTE_KEY_ID_LEN) != 0)
		return SR_NOT_FOUND;
	if (line->len != COSIGNATURE_LEN)
		return SR_CRYPTO;
	for (unsigned i = 0; i < 8; i++)
		time = time << 8 | line->bytes[NOTE_KEY_ID_LEN + i];
	if (time > INT64_MAX)
		return SR_CRYPTO;
	len = message_of(checkpoint, time, message);
	if (crypto_sign_verify_detached(line->bytes + NOTE_KEY_ID_LEN + 8,
		(const uint8_t *)message, len, cosigner->public_key) != 0)
		return SR_CRYPTO;
	*time_s = time;
	return SR_OK;
}

enum sr_error
cosignature_find(const void *text, size_t len, size_t at,
    const struct cosigner *cosigner, const struct checkpoint *checkpoint,
    uint64_t *time_s)
{
	enum sr_error found = SR_NOT_FOUND, error;
	struct note_line line;
	uint64_t time;

	while ((error = note_next_line(text, len, &at, &line)) == SR_OK) {
		error = cosignature_verify(&line, cosigner, checkpoint, &time);
		if (error == SR_CRYPTO)
			return error;
		if (error == SR_OK && (found != SR_OK || time > *time_s)) {
			*time_s = time;
			found = SR_OK;
		}
	}
	return error == SR_NOT_FOUND ? found : error;
}
