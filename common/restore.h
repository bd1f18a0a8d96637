/* SPDX-License-Identifier: ISC */
#ifndef COMMON_RESTORE_H
#define COMMON_RESTORE_H
/*
 * The restore note: the identity key's word that the bank goes on from an
 * older state and under a new origin, and what is lost by it.  It is the
 * committed plaintext of the first leaf under the new origin (ENTRY_RESTORE,
 * class system), 208 bytes:
 *
 *	type 1 | zero 3 | new epoch 4 | bank id 32 | old epoch 4
 *	| restored epoch 4 | last size 8 | last root 32 | restored size 8
 *	| restored root 32 | time ms 8 | zero 8 = 144, then the identity key's
 *	Ed25519 signature 64 over "strongroom/1 restore" | these 144
 *
 * Restored: the head that the log goes on from, which keyd had signed under
 * the origin of the restored epoch; the note is leaf number `restored size'.
 * Old epoch: the highest one that keyd knew of; no origin below the new epoch
 * is ever signed again.  Last: the highest head known under the old origin,
 * size 0 and a root of zeros when none above the restored one was known.
 * The new epoch is above both others.
 *
 * public/restores holds one record for each note of the log, in its order, so
 * that whoever has no key can read them, too, 240 bytes:
 *
 *	salt of the leaf's commitment 32 | note 208
 *
 * and between them, in the order of the log, those of rotation notes
 * (common/rotation.h), which are longer; the note's type tells which it is.
 *
 * Nothing here allocates.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define RESTORE_LABEL "strongroom/1 restore"
#define RESTORE_SIGNED_LEN 144u
#define RESTORE_NOTE_LEN (RESTORE_SIGNED_LEN + 64u)
#define RESTORE_SALT_LEN 32u
#define RESTORE_FIRST_EPOCH 1u /* of a log without a note */
#define RESTORE_RECORD_LEN (RESTORE_SALT_LEN + RESTORE_NOTE_LEN)
#define RESTORE_PATH "public/restores" /* beneath the ledger directory */

struct restore_note {
	uint8_t bank_id[32];
	uint32_t new_epoch;
	uint32_t old_epoch;
	uint32_t restored_epoch;
	uint64_t last_size; /* 0: not known */
	uint8_t last_root[32];
	uint64_t restored_size;
	uint8_t restored_root[32];
	uint64_t time_ms;
};

/*
 * Encodes and signs with the identity's secret key (libsodium's 64-byte
 * form).  SR_CRYPTO if libsodium fails; SR_MALFORMED for a note that
 * restore_note_read() would refuse.
 */
enum sr_error restore_note_sign(const struct restore_note *note,
    const uint8_t identity_secret[64], uint8_t out[RESTORE_NOTE_LEN]);

/*
 * Decodes; looks at no signature.  SR_MALFORMED unless all len bytes are one
 * note whose epochs and sizes can be.
 */
enum sr_error restore_note_read(
    const void *bytes, size_t len, struct restore_note *out);

/*
 * Decodes and verifies under the identity key.  SR_MALFORMED as above;
 * SR_BANK_KEY when its bank id is not that key's or the signature does not
 * verify.  *out is set only on SR_OK.
 */
enum sr_error restore_note_verify(const void *bytes, size_t len,
    const uint8_t identity_key[32], struct restore_note *out);

/*
 * True if the entry of that index may be one that the restore has given up and
 * that keyd knew.  Where it knew of another origin than the restored one, that
 * one's entries may have had any index; where it knew of nothing above the
 * restored head, nothing is lost.
 */
bool restore_note_may_lose(const struct restore_note *note, uint64_t leaf);

/*
 * True if the head of that size, signed under that epoch, stood in the part
 * that the note gives up.
 */
bool restore_note_gives_up(
    const struct restore_note *note, uint32_t epoch, uint64_t size);

#endif
