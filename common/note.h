/* SPDX-License-Identifier: ISC */
#ifndef COMMON_NOTE_H
#define COMMON_NOTE_H
/*
 * Checkpoints as C2SP signed notes (c2sp.org/signed-note, tlog-checkpoint):
 *
 *	strongroom/<bank id in hex>/<log-key epoch>
 *	<tree size>
 *	<root in base64>
 *
 *	<em dash> <origin> <base64 of key id 4 | Ed25519 signature 64>
 *
 * What is signed: the three lines with their line feeds.  The key's name is
 * the origin.  Other people's signature lines are kept apart and ignored.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define NOTE_ORIGIN_MAX 96u  /* with the final NUL */
#define NOTE_BODY_MAX 192u   /* the signed text */
#define NOTE_MAX 512u        /* a note with one signature */
#define NOTE_READ_MAX 16384u /* what note_parse() looks at, at most */
#define NOTE_VKEY_MAX 192u   /* with the final NUL */
#define NOTE_SIGNATURE_LEN 64u
#define NOTE_KEY_ID_LEN 4u
#define NOTE_SIGNATURES_MAX 16u
#define NOTE_LINE_BYTES_MAX 1024u

struct checkpoint {
	char origin[NOTE_ORIGIN_MAX];
	uint64_t size;
	uint8_t root[32];
};

/* One parsed note.  Only lines of Ed25519's size whose name is the origin
 * stand in `signature`; the others are checked for form and counted. */
struct note {
	struct checkpoint checkpoint;
	unsigned signature_count;
	unsigned other_count;
	size_t lines_at; /* offset of the first signature line */
	struct {
		uint8_t key_id[NOTE_KEY_ID_LEN];
		uint8_t bytes[NOTE_SIGNATURE_LEN];
	} signature[NOTE_SIGNATURES_MAX];
};

/* One signature line, whoever signed; name points into the text. */
struct note_line {
	const char *name;
	size_t name_len;
	size_t len; /* of bytes: key id 4, then the signature */
	uint8_t bytes[NOTE_LINE_BYTES_MAX];
};

/* Writes "strongroom/" | hex(bank id) | "/" | epoch in decimal. */
void note_origin(
    const uint8_t bank_id[32], uint32_t epoch, char origin[NOTE_ORIGIN_MAX]);

/* The inverse; SR_MALFORMED for another shape (upper case, leading zeros). */
enum sr_error note_origin_parse(
    const char *origin, uint8_t bank_id[32], uint32_t *epoch);

/* Writes the signed text (no NUL) and its length. */
void note_body(
    const struct checkpoint *checkpoint, char body[NOTE_BODY_MAX], size_t *len);

/* SHA-256(name | 0x0A | 0x01 | public key), first four bytes. */
void note_key_id(const char *name, const uint8_t public_key[32],
    uint8_t key_id[NOTE_KEY_ID_LEN]);

/*
 * Signs the body with the log key (libsodium's 64-byte form).  SR_CRYPTO if
 * libsodium fails.
 */
enum sr_error note_sign(const struct checkpoint *checkpoint,
    const uint8_t secret_key[64], uint8_t signature[NOTE_SIGNATURE_LEN]);

/* SR_CRYPTO unless the raw signature verifies over the body. */
enum sr_error note_verify_raw(const struct checkpoint *checkpoint,
    const uint8_t public_key[32], const uint8_t signature[NOTE_SIGNATURE_LEN]);

/* Puts body and signature together to a whole note (no NUL). */
void note_assemble(const struct checkpoint *checkpoint,
    const uint8_t public_key[32], const uint8_t signature[NOTE_SIGNATURE_LEN],
    char out[NOTE_MAX], size_t *len);

/*
 * Reads a note strictly: three body lines, one empty line, one or more
 * signature lines, line feeds only, canonical numbers and base64, UTF-8.
 * SR_MALFORMED for everything else.  Verifies nothing.
 */
enum sr_error note_parse(const void *text, size_t len, struct note *note);

/*
 * The signature line at offset *at of len bytes of text, and *at behind it:
 * from note.lines_at on all of a parsed note's, or lines that came alone.
 * SR_NOT_FOUND at the end, SR_MALFORMED.
 */
enum sr_error note_next_line(
    const void *text, size_t len, size_t *at, struct note_line *out);

/*
 * SR_OK if one of the note's signatures has this key's id and verifies;
 * SR_CRYPTO if one has it and does not; SR_NOT_FOUND if none has it.
 */
enum sr_error note_verify(
    const struct note *note, const uint8_t public_key[32]);

/* The verifier key as other tools take it: name+keyid hex+base64(1 | key). */
void note_vkey(
    const char *name, const uint8_t public_key[32], char out[NOTE_VKEY_MAX]);

#endif
