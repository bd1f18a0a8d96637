/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ROTATION_H
#define COMMON_ROTATION_H
/*
 * The rotation note: the word of the old log key that it has signed its last
 * tree, and of the new one that it goes on from there.  It is the committed
 * plaintext of the first leaf under the new origin (ENTRY_ROTATION, class
 * system), 288 bytes:
 *
 *	type 1 | zero 3 | new epoch 4 | bank id 32 | old epoch 4 | zero 4
 *	| size 8 | root 32 | old log key 32 | new log key 32 | time ms 8 = 160,
 *	then two Ed25519 signatures of 64 over "strongroom/1 rotation" | these
 *	160: the old log key's, the new log key's
 *
 * Size and root: of the last tree that is signed under the old origin; the
 * note is leaf number `size'.  The identity says which key is which epoch's,
 * in certificates: whoever believes a note compares both keys with them.
 *
 * public/restores (common/restore.h) holds it, as it holds restore notes: in
 * the order of the log, each behind the salt of its leaf's commitment:
 *
 *	salt 32 | restore note 208, or rotation note 288
 *
 * Nothing here allocates.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define ROTATION_LABEL "strongroom/1 rotation"
#define ROTATION_SIGNED_LEN 160u
#define ROTATION_NOTE_LEN (ROTATION_SIGNED_LEN + 2u * 64u)

struct rotation_note {
	uint8_t bank_id[32];
	uint32_t old_epoch;
	uint32_t new_epoch;
	uint64_t size;
	uint8_t root[32];
	uint8_t old_key[32];
	uint8_t new_key[32];
	uint64_t time_ms;
};

/*
 * Encodes and signs with both secret keys (libsodium's 64-byte form).
 * SR_CRYPTO if libsodium fails or a key is not the one that the note names;
 * SR_MALFORMED for a note that rotation_note_read() would refuse.
 */
enum sr_error rotation_note_sign(const struct rotation_note *note,
    const uint8_t old_secret[64], const uint8_t new_secret[64],
    uint8_t out[ROTATION_NOTE_LEN]);

/*
 * Decodes; looks at no signature.  SR_MALFORMED unless all len bytes are one
 * note with a later epoch and another key.
 */
enum sr_error rotation_note_read(
    const void *bytes, size_t len, struct rotation_note *out);

/*
 * Decodes and verifies both signatures under the keys that the note names.
 * SR_MALFORMED as above; SR_WRONG_BANK for another bank's; SR_SIGNATURE when
 * one of the two does not verify.  *out is set only on SR_OK.  Says nothing
 * about whose the keys are.
 */
enum sr_error rotation_note_verify(const void *bytes, size_t len,
    const uint8_t bank_id[32], struct rotation_note *out);

#endif
