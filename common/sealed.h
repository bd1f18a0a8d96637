/* SPDX-License-Identifier: ISC */
#ifndef COMMON_SEALED_H
#define COMMON_SEALED_H
/*
 * The public form of root.sealed and identity.sealed: which ways there are to
 * open a bank.  No key and no cryptography is needed to read it; what opens
 * it stands in keyd/unlock_seal.h.
 *
 * Version 2, little-endian:
 *
 *	magic 8 "SRSEAL01" | version 2 | purpose 1 | count 1 | epoch 4
 *	| bank id 32 | set 4 | count envelopes of 248 bytes
 *	| nonce 24 | secret 32 | tag 16
 *
 * The secret is sealed under the data key, 32 random bytes that the bank has
 * for life; each envelope holds that key, sealed under what somebody has:
 *
 *	kind 1 | quorum 1 | shares 1 | rehearsed 1 | number 2 | zero 2
 *	| made 8 | label 32 | of the kind 128
 *	| nonce 24 | data key 32 | tag 16
 *
 * Of the kind: 1 passphrase, Argon2id's passes 8, memory in bytes 8 and salt
 * 16; 2 credential, nothing; 3 shares, for each share the first 8 bytes of
 * its SHA-256.  Rehearsed is 1 for shares that have been shown to open it since
 * they were handed out, and what the envelope's own tag does not cover: the
 * secret's does.  All the rest is zeros.  The set counts the changes; an
 * envelope's number is that of the set in which it was added, so no number
 * comes twice.  identity.sealed has no envelope and set 0: the data key of
 * root.sealed opens it.
 *
 * Version 1 had one passphrase, and the secret directly under it:
 *
 *	magic 8 | version 2 | purpose 1 | kdf 1 (1 = Argon2id) | epoch 4
 *	| passes 8 | memory 8 | salt 16 | bank id 32
 *	| nonce 24 | secret 32 | tag 16
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/aead.h"
#include "common/error.h"
#include "common/share.h"

enum {
	SEALED_SECRET_LEN = 32,
	SEALED_WRAPPED_LEN = SEALED_SECRET_LEN + AEAD_WRAP_OVERHEAD,
	SEALED_ENVELOPES_MAX = 8,
	SEALED_ENVELOPE_LEN = 248,
	SEALED_HEADER_LEN = 52,
	SEALED_MAX_LEN = SEALED_HEADER_LEN +
			 SEALED_ENVELOPES_MAX * SEALED_ENVELOPE_LEN +
			 SEALED_WRAPPED_LEN,
	SEALED_OLD_LEN = 152, /* version 1 */
	SEALED_LABEL_MAX = 31,
	SEALED_SALT_LEN = 16,
	SEALED_PASSPHRASE_MAX = 1024, /* without a line feed at its end */
	/* of a change: two lengths, label, new and present secret */
	SEALED_REQUEST_MAX = 4 + SEALED_LABEL_MAX + 2 * SEALED_PASSPHRASE_MAX,
	SEALED_VERSION = 2,
};

enum sealed_purpose {
	SEALED_ROOT = 1,
	SEALED_IDENTITY = 2,
};

/* What opens an envelope; the numbers stand in files and messages. */
enum sealed_kind {
	SEALED_PASSPHRASE = 1,
	SEALED_CREDENTIAL = 2, /* 32 random bytes */
	SEALED_SHARES = 3,     /* a quorum of shares of 32 random bytes */
};

/* What it costs to try a passphrase. */
struct sealed_cost {
	uint64_t passes;
	uint64_t memory_len; /* bytes */
};

struct sealed_envelope {
	enum sealed_kind kind;
	uint16_t number;
	uint64_t made_ms;
	char label[SEALED_LABEL_MAX + 1];
	/* SEALED_PASSPHRASE */
	struct sealed_cost cost;
	uint8_t salt[SEALED_SALT_LEN];
	/* SEALED_SHARES */
	uint8_t quorum;
	uint8_t shares;
	bool rehearsed;
	uint8_t hashes[SHARE_COUNT_MAX][SHARE_HASH_LEN];

	uint8_t wrapped[SEALED_WRAPPED_LEN]; /* the data key */
};

/* Of version 1: set 0, one passphrase with number 0, made_ms 0, no label. */
struct sealed {
	uint16_t version;
	enum sealed_purpose purpose;
	uint32_t epoch;
	uint32_t set;
	uint8_t bank_id[32];
	size_t count;
	struct sealed_envelope envelopes[SEALED_ENVELOPES_MAX];
	uint8_t wrapped[SEALED_WRAPPED_LEN]; /* the secret */
};

/*
 * Reads a whole file of that purpose.  SR_VERSION: of a later version;
 * SR_CUT_OFF, SR_TRAILING: it ends before, after where it says; SR_DAMAGED:
 * not such a file, of another purpose, or with something that no bank writes.
 */
enum sr_error sealed_read(const void *bytes, size_t len,
    enum sealed_purpose purpose, struct sealed *sealed);

/*
 * A file of version 2 into out; its length.  What it is made of must be what
 * sealed_read() would give: asserted.
 */
size_t sealed_write(const struct sealed *sealed, uint8_t out[SEALED_MAX_LEN]);

/*
 * What the secret's tag covers besides: all that stands before it in the
 * file.  Its length.
 */
size_t sealed_ad(const struct sealed *sealed, uint8_t out[SEALED_MAX_LEN]);

/*
 * What an envelope's tag covers besides: magic, version, purpose, epoch and
 * bank id, so that no other bank's fits, and all of the envelope before it.
 * Not what changes while it stays: count, set and, here zero, whether it is
 * rehearsed.  Its length.
 */
size_t sealed_envelope_ad(const struct sealed *sealed,
    const struct sealed_envelope *envelope, uint8_t out[SEALED_MAX_LEN]);

/* 1 to 31 bytes of visible ASCII and spaces, none at an end. */
bool sealed_label_valid(const char *label, size_t len);

/* "passphrase" and so on; "?" for no kind. */
const char *sealed_kind_name(enum sealed_kind kind);

#endif
