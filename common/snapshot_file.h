/* SPDX-License-Identifier: ISC */
#ifndef COMMON_SNAPSHOT_FILE_H
#define COMMON_SNAPSHOT_FILE_H
/*
 * The file of a snapshot, as a stream that goes out or comes in through one
 * chunk of fixed size.  Knows nothing of what is in it.
 *
 * Header, 128 bytes:
 *	magic 8 "SRSNAPS1" | version 2 | zero 2 | number 4 | bank id 32
 *	| salt 32 | size 8 | segment 4 | offset 4 | zero 28 | crc32c 4
 * then chunks of 65536 bytes, the last one shorter or as long, each with a tag
 * of 16: ChaCha20-Poly1305 under the chunk's number, counted from 0, as nonce
 * and, as additional data, the header and one byte: 1 for the last chunk, else
 * 0.  The key is keyd's, of the number and the salt (keyd/keys.h); the salt is
 * fresh for each file, so no nonce comes twice under one key.
 *
 * Security: nothing of a chunk is given out before its tag has verified.
 * Whether the file is the one that the log names is for its SHA-256 to say,
 * which is known at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/entry.h"
#include "common/env.h"
#include "common/merkle.h"

enum {
	SNAPSHOT_HEADER_LEN = 128,
	SNAPSHOT_CHUNK_LEN = 65536,
};

struct snapshot_file {
	struct env *env;
	env_file file;
	uint64_t at;  /* bytes written or read */
	uint64_t len; /* of the file; in only */
	uint64_t chunk;
	size_t plain_len; /* bytes in plain */
	size_t plain_at;  /* of these taken; in only */
	bool last;        /* the last chunk has come in */
	crypto_hash_sha256_state hash;
	uint8_t header[SNAPSHOT_HEADER_LEN + 1]; /* and the byte for `last' */
	uint8_t key[32];
	uint8_t plain[SNAPSHOT_CHUNK_LEN];
	uint8_t sealed[SNAPSHOT_CHUNK_LEN + AEAD_TAG_LEN];
};

/* The header's fields; the hash is no part of it. */
struct snapshot_header {
	struct entry_snapshot snapshot;
	uint8_t bank_id[32];
	uint8_t salt[32];
};

/* Begins to write at the start of an empty file; the caller closes it. */
enum sr_error snapshot_file_begin(struct snapshot_file *f, struct env *env,
    env_file file, const struct snapshot_header *header, const uint8_t key[32]);

/* Takes len bytes; a book_sink (common/book/state.h). */
enum sr_error snapshot_file_put(
    void *snapshot_file, const uint8_t *bytes, size_t len);

/* Writes the last chunk; the file's SHA-256.  Not yet synced.  Wipes. */
enum sr_error snapshot_file_finish(struct snapshot_file *f, uint8_t hash[32]);

/*
 * Reads the header: SR_DAMAGED, or SR_VERSION for a later one.  Then the key must
 * be set by snapshot_file_key() before the rest can be read.
 */
enum sr_error snapshot_file_open(struct snapshot_file *f, struct env *env,
    env_file file, struct snapshot_header *header);
void snapshot_file_key(struct snapshot_file *f, const uint8_t key[32]);

/*
 * Gives exactly len bytes: a book_source.  SR_CRYPTO when a chunk does not
 * verify, SR_DAMAGED at the end.
 */
enum sr_error snapshot_file_take(
    void *snapshot_file, uint8_t *bytes, size_t len);

/*
 * What the file begins with: the time of the last entry, and the log's tree,
 * whose size says how many hashes follow.  Then come the book (common/book/
 * state.h) and, for each principal in its order, a person: name length 1 | name
 * | salt 32 | display name length 1 | display name | segment 4 | offset 4
 * | attestation.  SR_MALFORMED.
 */
enum sr_error snapshot_file_tree(
    struct snapshot_file *f, uint64_t *time_ms, struct merkle_frontier *tree);

/* SR_DAMAGED unless everything was taken; the file's SHA-256.  Wipes. */
enum sr_error snapshot_file_end(struct snapshot_file *f, uint8_t hash[32]);

#endif
