/* SPDX-License-Identifier: ISC */
#ifndef COMMON_COSIGNATURE_H
#define COMMON_COSIGNATURE_H
/*
 * Cosignatures of witnesses (c2sp.org/tlog-cosignature, Ed25519): somebody
 * else's word that at a time a checkpoint was the largest of its origin they
 * had seen, and continued all before it.
 *
 *	vkey     name+<key id in hex>+base64(0x04 | public key 32)
 *	key id   SHA-256(name | LF | 0x04 | public key), first four bytes
 *	message  "cosignature/v1" LF "time " <seconds since 1970> LF, then the
 *	         checkpoint's three lines
 *	line     <em dash> name base64(key id 4 | time u64 | signature 64)
 *
 * The message does not name the witness: one key is for one name.  Nothing
 * here allocates.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/note.h"

#define COSIGNER_NAME_MAX 64u /* with the final NUL */
#define COSIGNER_VKEY_MAX 160u
#define COSIGNATURE_LINE_MAX 192u /* with the line feed, no NUL */
#define COSIGNATURE_LEN 76u       /* key id, time, signature */

struct cosigner {
	char name[COSIGNER_NAME_MAX];
	uint8_t key_id[NOTE_KEY_ID_LEN];
	uint8_t public_key[32];
};

/*
 * Makes one of name and key.  SR_NAME when the name is empty, too long, has a
 * space, a + or a character that no note takes.
 */
enum sr_error cosigner_make(
    const char *name, const uint8_t public_key[32], struct cosigner *out);

/*
 * Reads a vkey.  SR_MALFORMED for another shape, another type of key (0x01 is
 * a log's), or a key id that is not that of name and key.
 */
enum sr_error cosigner_parse(const char *vkey, struct cosigner *out);

/* The inverse, with a NUL. */
void cosigner_vkey(
    const struct cosigner *cosigner, char out[COSIGNER_VKEY_MAX]);

/*
 * Signs the checkpoint at that time, as one line with its line feed.
 * SR_CRYPTO if libsodium fails, SR_PARAMETERS for a time above 2^63 - 1.
 */
enum sr_error cosignature_sign(const struct cosigner *cosigner,
    const uint8_t secret_key[64], const struct checkpoint *checkpoint,
    uint64_t time_s, char out[COSIGNATURE_LINE_MAX], size_t *len);

/* SR_OK, SR_NOT_FOUND (a line of somebody else's), SR_CRYPTO. */
enum sr_error cosignature_verify(const struct note_line *line,
    const struct cosigner *cosigner, const struct checkpoint *checkpoint,
    uint64_t *time_s);

/*
 * Of the signature lines in len bytes of text from offset `at' on, the
 * witness's with the latest time.  SR_NOT_FOUND when it has none; SR_CRYPTO
 * when one that bears its name and key id does not verify: the file is not
 * what the witness signed; SR_MALFORMED.
 */
enum sr_error cosignature_find(const void *text, size_t len, size_t at,
    const struct cosigner *cosigner, const struct checkpoint *checkpoint,
    uint64_t *time_s);

#endif
