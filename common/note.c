/* SPDX-License-Identifier: ISC */
/*
 * Checkpoints as signed notes.  Must never take two texts for the same
 * checkpoint: what is parsed is put together again and compared.
 */
#include "common/note.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/name.h"

#define DASH "\xe2\x80\x94 " /* em dash and a space */
#define DASH_LEN 4u
#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define SIGNED_LEN (NOTE_KEY_ID_LEN + NOTE_SIGNATURE_LEN)
#define ORIGIN_PREFIX "strongroom/"
#define ORIGIN_PREFIX_LEN 11u

void
note_origin(
    const uint8_t bank_id[32], uint32_t epoch, char origin[NOTE_ORIGIN_MAX])
{
	char hex[65];
	int len;

	(void)sodium_bin2hex(hex, sizeof(hex), bank_id, 32);
	len = snprintf(origin, NOTE_ORIGIN_MAX, ORIGIN_PREFIX "%s/%lu", hex,
	    (unsigned long)epoch);
	assert(len > 0 && (size_t)len < NOTE_ORIGIN_MAX);
}

/* A canonical decimal number of len bytes, at most max. */
static bool
read_decimal(const char *text, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (len == 0 || len > 20 || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(
			value, (uint64_t)(text[i] - '0'), &value))
			return false;
	}
	*out = value;
	return value <= max;
}

enum sr_error
note_origin_parse(const char *origin, uint8_t bank_id[32], uint32_t *epoch)
{
	size_t len = strnlen(origin, NOTE_ORIGIN_MAX), got;
	char again[NOTE_ORIGIN_MAX];
	uint64_t number;

	if (len <= ORIGIN_PREFIX_LEN + 65 || len >= NOTE_ORIGIN_MAX ||
	    memcmp(origin, ORIGIN_PREFIX, ORIGIN_PREFIX_LEN) != 0 ||
	    sodium_hex2bin(bank_id, 32, origin + ORIGIN_PREFIX_LEN, 64, NULL,
		&got, NULL) != 0 ||
	    got != 32 || origin[ORIGIN_PREFIX_LEN + 64] != '/' ||
	    !read_decimal(origin + ORIGIN_PREFIX_LEN + 65,
		len - ORIGIN_PREFIX_LEN - 65, UINT32_MAX, &number))
		return SR_MALFORMED;
	*epoch = (uint32_t)number;
	note_origin(bank_id, *epoch, again);
	return strcmp(origin, again) == 0 ? SR_OK : SR_MALFORMED;
}

void
note_body(
    const struct checkpoint *checkpoint, char body[NOTE_BODY_MAX], size_t *len)
{
	char root[sodium_base64_ENCODED_LEN(32, BASE64)];
	int written;

	sodium_bin2base64(root, sizeof(root), checkpoint->root,
	    sizeof(checkpoint->root), BASE64);
	written = snprintf(body, NOTE_BODY_MAX, "%s\n%llu\n%s\n",
	    checkpoint->origin, (unsigned long long)checkpoint->size, root);
	assert(written > 0 && (size_t)written < NOTE_BODY_MAX);
	*len = (size_t)written;
}

void
note_key_id(const char *name, const uint8_t public_key[32],
    uint8_t key_id[NOTE_KEY_ID_LEN])
{
	static const uint8_t between[2] = {0x0a, 0x01};
	crypto_hash_sha256_state state;
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)name, strlen(name));
	crypto_hash_sha256_update(&state, between, sizeof(between));
	crypto_hash_sha256_update(&state, public_key, 32);
	crypto_hash_sha256_final(&state, hash);
	memcpy(key_id, hash, NOTE_KEY_ID_LEN);
}

enum sr_error
note_sign(const struct checkpoint *checkpoint, const uint8_t secret_key[64],
    uint8_t signature[NOTE_SIGNATURE_LEN])
{
	char body[NOTE_BODY_MAX];
	size_t len;

	note_body(checkpoint, body, &len);
	if (crypto_sign_detached(
		signature, NULL, (const uint8_t *)body, len, secret_key) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

enum sr_error
note_verify_raw(const struct checkpoint *checkpoint,
    const uint8_t public_key[32], const uint8_t signature[NOTE_SIGNATURE_LEN])
{
	char body[NOTE_BODY_MAX];
	size_t len;

	note_body(checkpoint, body, &len);
	if (crypto_sign_verify_detached(
		signature, (const uint8_t *)body, len, public_key) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

void
note_assemble(const struct checkpoint *checkpoint, const uint8_t public_key[32],
    const uint8_t signature[NOTE_SIGNATURE_LEN], char out[NOTE_MAX],
    size_t *len)
{
	char body[NOTE_BODY_MAX];
	uint8_t bytes[SIGNED_LEN];
	char line[sodium_base64_ENCODED_LEN(SIGNED_LEN, BASE64)];
	size_t body_len;
	int written;

	note_body(checkpoint, body, &body_len);
	note_key_id(checkpoint->origin, public_key, bytes);
	memcpy(bytes + NOTE_KEY_ID_LEN, signature, NOTE_SIGNATURE_LEN);
	sodium_bin2base64(line, sizeof(line), bytes, sizeof(bytes), BASE64);
	written = snprintf(out, NOTE_MAX, "%s\n" DASH "%s %s\n", body,
	    checkpoint->origin, line);
	assert(written > 0 && (size_t)written < NOTE_MAX);
	*len = (size_t)written;
}

/* The next line of the text, without its line feed. */
struct line {
	const char *text;
	size_t len;
};

static bool
next_line(const char **at, const char *end, struct line *line)
{
	const char *feed =
	    *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	if (feed == NULL)
		return false;
	*line = (struct line){*at, (size_t)(feed - *at)};
	*at = feed + 1;
	return true;
}

/* Origin, size, root: SR_OK only if note_body() writes the same again. */
static enum sr_error
parse_body(const char **at, const char *end, struct checkpoint *checkpoint)
{
	const char *start = *at;
	struct line origin, size, root;
	char again[NOTE_BODY_MAX];
	size_t root_len, len;

	if (!next_line(at, end, &origin) || !next_line(at, end, &size) ||
	    !next_line(at, end, &root))
		return SR_MALFORMED;
	if (origin.len == 0 || origin.len >= NOTE_ORIGIN_MAX ||
	    name_text_check(origin.text, origin.len, NOTE_ORIGIN_MAX) !=
		SR_OK ||
	    memchr(origin.text, ' ', origin.len) != NULL ||
	    memchr(origin.text, '+', origin.len) != NULL)
		return SR_MALFORMED;
	memcpy(checkpoint->origin, origin.text, origin.len);
	checkpoint->origin[origin.len] = '\0';
	if (!read_decimal(size.text, size.len, INT64_MAX, &checkpoint->size))
		return SR_MALFORMED;
	if (root.len != sodium_base64_ENCODED_LEN(32, BASE64) - 1 ||
	    sodium_base642bin(checkpoint->root, sizeof(checkpoint->root),
		root.text, root.len, NULL, &root_len, NULL, BASE64) != 0 ||
	    root_len != sizeof(checkpoint->root))
		return SR_MALFORMED;
	note_body(checkpoint, again, &len);
	if (len != (size_t)(*at - start) || memcmp(again, start, len) != 0)
		return SR_MALFORMED;
	return SR_OK;
}

/* libsodium reads each byte that is not ASCII as a slash. */
static bool
is_ascii(const char *text, const char *end)
{
	for (; text < end; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* One "<em dash> name base64" line. */
static enum sr_error
read_signature(const struct line *line, struct note_line *out)
{
	const char *at = line->text + DASH_LEN;
	const char *end = line->text + line->len;
	const char *space;

	if (line->len <= DASH_LEN || memcmp(line->text, DASH, DASH_LEN) != 0)
		return SR_MALFORMED;
	space = memchr(at, ' ', (size_t)(end - at));
	if (space == NULL || space == at)
		return SR_MALFORMED;
	out->name = at;
	out->name_len = (size_t)(space - at);
	if (name_text_check(at, out->name_len, out->name_len) != SR_OK ||
	    memchr(at, '+', out->name_len) != NULL)
		return SR_MALFORMED;
	if (!is_ascii(space, end) ||
	    sodium_base642bin(out->bytes, sizeof(out->bytes), space + 1,
		(size_t)(end - space - 1), NULL, &out->len, NULL,
		BASE64) != 0 ||
	    out->len <= NOTE_KEY_ID_LEN)
		return SR_MALFORMED;
	return SR_OK;
}

static enum sr_error
parse_signature(const struct line *line, struct note *note)
{
	struct note_line signature;
	enum sr_error error = read_signature(line, &signature);

	if (error != SR_OK)
		return error;
	if (signature.len != SIGNED_LEN ||
	    signature.name_len != strlen(note->checkpoint.origin) ||
	    memcmp(signature.name, note->checkpoint.origin,
		signature.name_len) != 0) {
		note->other_count++;
		return SR_OK;
	}
	if (note->signature_count == NOTE_SIGNATURES_MAX)
		return SR_MALFORMED;
	memcpy(note->signature[note->signature_count].key_id, signature.bytes,
	    NOTE_KEY_ID_LEN);
	memcpy(note->signature[note->signature_count].bytes,
	    signature.bytes + NOTE_KEY_ID_LEN, NOTE_SIGNATURE_LEN);
	note->signature_count++;
	return SR_OK;
}

enum sr_error
note_next_line(const void *text, size_t len, size_t *at, struct note_line *out)
{
	const char *from = (const char *)text + *at;
	const char *end = (const char *)text + len;
	struct line line;

	if (*at >= len)
		return SR_NOT_FOUND;
	if (!next_line(&from, end, &line))
		return SR_MALFORMED;
	*at = (size_t)(from - (const char *)text);
	return read_signature(&line, out);
}

enum sr_error
note_parse(const void *text, size_t len, struct note *note)
{
	const char *at = text;
	const char *end;
	struct line line;

	memset(note, 0, sizeof(*note));
	if (len == 0 || len > NOTE_READ_MAX)
		return SR_MALFORMED;
	end = at + len;
	if (parse_body(&at, end, &note->checkpoint) != SR_OK ||
	    !next_line(&at, end, &line) || line.len != 0 || at == end)
		return SR_MALFORMED;
	note->lines_at = (size_t)(at - (const char *)text);
	while (at < end)
		if (!next_line(&at, end, &line) ||
		    parse_signature(&line, note) != SR_OK)
			return SR_MALFORMED;
	return SR_OK;
}

enum sr_error
note_verify(const struct note *note, const uint8_t public_key[32])
{
	uint8_t key_id[NOTE_KEY_ID_LEN];
	enum sr_error error = SR_NOT_FOUND;

	note_key_id(note->checkpoint.origin, public_key, key_id);
	for (unsigned i = 0; i < note->signature_count; i++) {
		if (memcmp(note->signature[i].key_id, key_id,
			NOTE_KEY_ID_LEN) != 0)
			continue;
		error = note_verify_raw(
		    &note->checkpoint, public_key, note->signature[i].bytes);
		if (error == SR_OK)
			return SR_OK;
	}
	return error;
}

void
note_vkey(
    const char *name, const uint8_t public_key[32], char out[NOTE_VKEY_MAX])
{
	uint8_t key_id[NOTE_KEY_ID_LEN], typed[33];
	char hex[2 * NOTE_KEY_ID_LEN + 1];
	char key[sodium_base64_ENCODED_LEN(sizeof(typed), BASE64)];
	int len;

	note_key_id(name, public_key, key_id);
	typed[0] = 0x01;
	memcpy(typed + 1, public_key, 32);
	(void)sodium_bin2hex(hex, sizeof(hex), key_id, sizeof(key_id));
	sodium_bin2base64(key, sizeof(key), typed, sizeof(typed), BASE64);
	len = snprintf(out, NOTE_VKEY_MAX, "%s+%s+%s", name, hex, key);
	assert(len > 0 && (size_t)len < NOTE_VKEY_MAX);
}
