/* SPDX-License-Identifier: ISC */
/*
 * The manifest of a month-end bundle.  Must never take two texts for one
 * manifest, nor a signature for that of somebody whom the bank has not
 * attested.
 */
#include "client/bundle/manifest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/name.h"
#include "common/utc.h"

#define FIRST "strongroom-month-end "
#define FIRST_LINE FIRST "1\n"
#define SIGNATURE "signature "

const char *const bundle_file_names[BUNDLE_FILES] = {
    "anchor", "tills.csv", "books.csv", "books.hledger", "verify.json"};

/* ---- written ----------------------------------------------------------- */

struct text {
	char *out;
	size_t len;
	bool full;
};

static void put(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text->out + text->len, BUNDLE_MANIFEST_MAX - text->len,
	    format, arguments);
	va_end(arguments);
	if (n < 0 || (size_t)n >= BUNDLE_MANIFEST_MAX - text->len)
		text->full = true;
	else
		text->len += (size_t)n;
}

static void
put_hex(struct text *text, const uint8_t *bytes, size_t len, char end)
{
	for (size_t i = 0; i < len && !text->full; i++)
		put(text, "%02x", bytes[i]);
	put(text, "%c", end);
}

/* A line of one value in hexadecimal. */
static void
put_line(struct text *text, const char *key, const uint8_t *bytes, size_t len)
{
	put(text, "%s ", key);
	put_hex(text, bytes, len, '\n');
}

static void
put_signed(struct text *text, const struct bundle_manifest *manifest)
{
	put(text, FIRST_LINE);
	put_line(text, "bank", manifest->bank_id, sizeof(manifest->bank_id));
	put(text, "month %s\nso-far %s\nmade %" PRIu64 "\nverified %u\n",
	    manifest->month, manifest->so_far ? "yes" : "no", manifest->made_ms,
	    manifest->verified);
	put(text, "size %" PRIu64 "\n", manifest->size);
	put_line(text, "root", manifest->root, sizeof(manifest->root));
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		put(text, "file ");
		put_hex(text, manifest->file[i].hash, 32, ' ');
		put(text, "%" PRIu64 " %s\n", manifest->file[i].len,
		    bundle_file_names[i]);
	}
	if (manifest->since) {
		put(text, "since %" PRIu64 " ", manifest->since_size);
		put_hex(text, manifest->since_root, 32, '\n');
	}
	for (size_t i = 0; i < manifest->path_count; i++)
		put_line(text, "path", manifest->path + i * MERKLE_HASH_LEN,
		    MERKLE_HASH_LEN);
	for (size_t i = 0; i < manifest->certificate_count; i++)
		put_line(text, "certificate", manifest->certificate[i],
		    CERTIFICATE_LEN);
	put_line(text, "attestation", manifest->attestation, ATTESTATION_LEN);
	put(text, "signer %" PRIu64 " %s ", manifest->signer, manifest->name);
	put_hex(text, manifest->name_salt, sizeof(manifest->name_salt), '\n');
}

/* What no manifest can say. */
static bool
is_sound(const struct bundle_manifest *manifest)
{
	char day[UTC_TEXT_MAX];
	uint64_t ms;

	return strlen(manifest->month) == BUNDLE_MONTH_LEN &&
	       snprintf(day, sizeof(day), "%s-01", manifest->month) > 0 &&
	       utc_day_parse(day, &ms) &&
	       (manifest->verified == 0 || manifest->verified == 3) &&
	       manifest->path_count <= MERKLE_PROOF_MAX &&
	       (manifest->since || manifest->path_count == 0) &&
	       manifest->certificate_count >= 1 &&
	       manifest->certificate_count <= BUNDLE_CERTIFICATES_MAX &&
	       name_check(manifest->name, strlen(manifest->name)) == SR_OK;
}

static enum sr_error
encode(const struct bundle_manifest *manifest, char out[BUNDLE_MANIFEST_MAX],
    size_t *signed_len, size_t *len)
{
	struct text text = {.out = out};

	if (!is_sound(manifest))
		return SR_PARAMETERS;
	put_signed(&text, manifest);
	*signed_len = text.len;
	put(&text, SIGNATURE);
	put_hex(&text, manifest->signature, sizeof(manifest->signature), '\n');
	*len = text.len;
	return text.full ? SR_TOO_LARGE : SR_OK;
}

enum sr_error
bundle_manifest_encode(const struct bundle_manifest *manifest,
    char out[BUNDLE_MANIFEST_MAX], size_t *len)
{
	size_t signed_len;

	return encode(manifest, out, &signed_len, len);
}

/* ---- read -------------------------------------------------------------- */

/* The text, with a NUL behind it, and how far it was read. */
struct cursor {
	const char *at;
	bool bad;
};

static bool
take(struct cursor *cursor, const char *word)
{
	size_t len = strlen(word);

	if (cursor->bad || strncmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

static void
need(struct cursor *cursor, const char *word)
{
	if (!take(cursor, word))
		cursor->bad = true;
}

static void
take_hex(struct cursor *cursor, uint8_t *out, size_t len, const char *end)
{
	size_t n;
	const char *after;

	if (cursor->bad ||
	    sodium_hex2bin(out, len, cursor->at, strnlen(cursor->at, 2 * len),
		NULL, &n, &after) != 0 ||
	    n != len || after != cursor->at + 2 * len) {
		cursor->bad = true;
		return;
	}
	cursor->at = after;
	need(cursor, end);
}

/* Other ways to write a number are found by writing it again. */
static uint64_t
take_number(struct cursor *cursor, const char *end)
{
	char *after;
	uint64_t value;

	if (cursor->bad || cursor->at[0] < '0' || cursor->at[0] > '9') {
		cursor->bad = true;
		return 0;
	}
	value = strtoull(cursor->at, &after, 10);
	cursor->at = after;
	need(cursor, end);
	return value;
}

static void
take_word(struct cursor *cursor, char *out, size_t room, const char *end)
{
	size_t len = cursor->bad ? 0 : strcspn(cursor->at, " \n");

	if (len == 0 || len >= room) {
		cursor->bad = true;
		return;
	}
	memcpy(out, cursor->at, len);
	out[len] = '\0';
	cursor->at += len;
	need(cursor, end);
}

static void
take_files(struct cursor *cursor, struct bundle_manifest *manifest)
{
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		need(cursor, "file ");
		take_hex(cursor, manifest->file[i].hash, 32, " ");
		manifest->file[i].len = take_number(cursor, " ");
		need(cursor, bundle_file_names[i]);
		need(cursor, "\n");
	}
}

static void
take_since(struct cursor *cursor, struct bundle_manifest *manifest)
{
	manifest->since = take(cursor, "since ");
	if (!manifest->since)
		return;
	manifest->since_size = take_number(cursor, " ");
	take_hex(cursor, manifest->since_root, 32, "\n");
	while (take(cursor, "path ")) {
		if (manifest->path_count == MERKLE_PROOF_MAX) {
			cursor->bad = true;
			return;
		}
		take_hex(cursor,
		    manifest->path + manifest->path_count++ * MERKLE_HASH_LEN,
		    MERKLE_HASH_LEN, "\n");
	}
}

static void
take_signer(struct cursor *cursor, struct bundle_manifest *manifest)
{
	while (take(cursor, "certificate ")) {
		if (manifest->certificate_count == BUNDLE_CERTIFICATES_MAX) {
			cursor->bad = true;
			return;
		}
		take_hex(cursor,
		    manifest->certificate[manifest->certificate_count++],
		    CERTIFICATE_LEN, "\n");
	}
	need(cursor, "attestation ");
	take_hex(cursor, manifest->attestation, ATTESTATION_LEN, "\n");
	need(cursor, "signer ");
	manifest->signer = take_number(cursor, " ");
	take_word(cursor, manifest->name, sizeof(manifest->name), " ");
	take_hex(
	    cursor, manifest->name_salt, sizeof(manifest->name_salt), "\n");
	need(cursor, SIGNATURE);
	take_hex(
	    cursor, manifest->signature, sizeof(manifest->signature), "\n");
}

enum sr_error
bundle_manifest_decode(
    const void *bytes, size_t len, struct bundle_manifest *manifest)
{
	char text[BUNDLE_MANIFEST_MAX + 1], again[BUNDLE_MANIFEST_MAX];
	struct cursor cursor = {.at = text};
	size_t again_len;

	memset(manifest, 0, sizeof(*manifest));
	if (len > BUNDLE_MANIFEST_MAX)
		return SR_MALFORMED;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (strncmp(text, FIRST, strlen(FIRST)) == 0 &&
	    strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
		return SR_VERSION;
	need(&cursor, FIRST_LINE "bank ");
	take_hex(&cursor, manifest->bank_id, sizeof(manifest->bank_id), "\n");
	need(&cursor, "month ");
	take_word(&cursor, manifest->month, sizeof(manifest->month), "\n");
	need(&cursor, "so-far ");
	manifest->so_far = take(&cursor, "yes\n");
	if (!manifest->so_far)
		need(&cursor, "no\n");
	need(&cursor, "made ");
	manifest->made_ms = take_number(&cursor, "\n");
	need(&cursor, "verified ");
	manifest->verified = (uint8_t)take_number(&cursor, "\n");
	need(&cursor, "size ");
	manifest->size = take_number(&cursor, "\n");
	need(&cursor, "root ");
	take_hex(&cursor, manifest->root, sizeof(manifest->root), "\n");
	take_files(&cursor, manifest);
	take_since(&cursor, manifest);
	take_signer(&cursor, manifest);
	return !cursor.bad &&
		       bundle_manifest_encode(manifest, again, &again_len) ==
			   SR_OK &&
		       again_len == len && memcmp(again, bytes, len) == 0
		   ? SR_OK
		   : SR_MALFORMED;
}

/* ---- signed ------------------------------------------------------------ */

enum sr_error
bundle_manifest_sign(
    struct bundle_manifest *manifest, const uint8_t secret[SIGNING_SECRET_LEN])
{
	char text[BUNDLE_MANIFEST_MAX];
	size_t signed_len, len;
	enum sr_error error = encode(manifest, text, &signed_len, &len);

	if (error == SR_OK &&
	    crypto_sign_detached(manifest->signature, NULL,
		(const uint8_t *)text, signed_len, secret) != 0)
		error = SR_CRYPTO;
	return error;
}

const char *
bundle_manifest_check(const struct bundle_manifest *manifest,
    const uint8_t identity[PUBLIC_KEY_LEN], struct certificate *log_key)
{
	struct certificate certificate[BUNDLE_CERTIFICATES_MAX];
	enum sr_error error = SR_SIGNATURE;
	struct attestation attestation;
	char text[BUNDLE_MANIFEST_MAX];
	uint8_t pinned[BANK_ID_LEN];
	size_t signed_len, len;

	bank_id_of(identity, pinned);
	if (memcmp(pinned, manifest->bank_id, sizeof(pinned)) != 0)
		return "it is a bundle of another bank";
	for (size_t i = 0; i < manifest->certificate_count; i++)
		if (certificate_verify(manifest->certificate[i], identity,
			&certificate[i]) != SR_OK)
			return "a certificate in it is not one that the "
			       "identity in bank.id has signed";
	for (size_t i = 0; i < manifest->certificate_count && error != SR_OK;
	     i++)
		error = attestation_verify(manifest->attestation,
		    certificate[i].attestation_key, certificate[i].bank_id,
		    &attestation);
	if (error != SR_OK || attestation.customer != manifest->signer ||
	    !attestation_is_of(&attestation, manifest->name_salt,
		manifest->name, strlen(manifest->name)))
		return "the bank has not attested the key of whom it names as "
		       "its signer";
	if (encode(manifest, text, &signed_len, &len) != SR_OK ||
	    crypto_sign_verify_detached(manifest->signature,
		(const uint8_t *)text, signed_len,
		attestation.signing_key) != 0)
		return "its manifest is not signed by whom it names";
	*log_key = certificate[0];
	return NULL;
}
