/* SPDX-License-Identifier: ISC */
#ifndef KEYD_UNLOCK_SEAL_H
#define KEYD_UNLOCK_SEAL_H
/*
 * A 32-byte secret at rest under a passphrase: root.sealed, identity.sealed.
 *
 * 152 bytes, little-endian:
 *	magic 8 "SRSEAL01" | version 2 | purpose 1 | kdf 1 (1 = Argon2id)
 *	| epoch 4 | passes 8 | memory 8 | salt 16 | bank id 32
 *	| nonce 24 | ciphertext 32 | tag 16
 *
 * Key = Argon2id (RFC 9106, p = 1) of the passphrase with that salt, passes
 * and memory in bytes; XChaCha20-Poly1305 with the 80 bytes before the nonce
 * as additional data, so that no file can stand in for another.
 *
 * Security: the key is wiped; the secret is written only where the caller
 * says.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define UNLOCK_SECRET_LEN 32u
#define UNLOCK_SEALED_LEN 152u
#define UNLOCK_PASSPHRASE_MAX 4096u
#define UNLOCK_VERSION 1u

enum unlock_purpose {
	UNLOCK_ROOT = 1,
	UNLOCK_IDENTITY = 2,
};

/* What it costs to try a passphrase. */
struct unlock_cost {
	uint64_t passes;
	uint64_t memory_len; /* bytes */
};

/* For new files: 64 MiB and 3 passes, about 70 ms a try on one core. */
#define UNLOCK_COST_DEFAULT \
	((struct unlock_cost){.passes = 3, .memory_len = 64u << 20})

struct unlock_header {
	uint8_t purpose; /* enum unlock_purpose */
	uint32_t epoch;
	struct unlock_cost cost;
	uint8_t bank_id[32];
};

/* The passphrase's length without one line feed at its end. */
size_t unlock_passphrase_len(const void *passphrase, size_t len);

/*
 * Seals secret into out.  random: 40 fresh random bytes (salt and nonce).
 * SR_MEMORY when Argon2id does not get its memory.
 */
enum sr_error unlock_seal(const struct unlock_header *header,
    const uint8_t random[40], const void *passphrase, size_t passphrase_len,
    const uint8_t secret[UNLOCK_SECRET_LEN], uint8_t out[UNLOCK_SEALED_LEN]);

/*
 * Opens a sealed file of that purpose.  SR_DAMAGED: not such a file, or one
 * of another purpose or with parameters that no bank writes; SR_VERSION: of
 * a later version; SR_UNLOCK: the passphrase does not open it (or its bytes
 * were changed); SR_MEMORY.  secret is zeros unless SR_OK.
 */
enum sr_error unlock_open(enum unlock_purpose purpose, const void *sealed,
    size_t sealed_len, const void *passphrase, size_t passphrase_len,
    struct unlock_header *header, uint8_t secret[UNLOCK_SECRET_LEN]);

#endif
