/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_OBJECT_BODY_H
#define CLIENT_OBJECT_BODY_H
/*
 * The body of a stored object: a file or message, padded and sealed in
 * chunks.  The bank keeps it and knows of it a length of client/padme.h.
 *
 * The plaintext and zeros to padme_len(size) are cut into chunks of 65,536
 * bytes, of which the last one may be shorter.  Each is sealed by libsodium's
 * crypto_secretstream_xchacha20poly1305 under the file key and the stream
 * header of the head (client/object_head.h), which adds 17 bytes; the tag of
 * the last one is FINAL, that of the others MESSAGE.  The AD of chunk i, from
 * 0, little-endian:
 *
 *	object id 16 | object version 4 | i 8
 *
 * The stream's own nonce goes on with each chunk, so a chunk opens in its
 * place only, and its key is of one body of one object.
 *
 * Nothing is read, written or allocated here: one chunk at a time passes
 * through the caller's memory.
 *
 * Security: one key and header seal one plaintext.  A body that is sealed
 * again, as to go on with an upload, gives the same bytes only if the file is
 * the same; of a file that has changed the bank would get two chunks under one
 * key stream, and could tell how they differ.  So whoever seals again first
 * makes sure that the file is what it was (SHA-256), or draws a new key.  The
 * states hold keys: their owner wipes them by object_body_..._wipe().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "client/object_head.h"
#include "client/padme.h"
#include "common/error.h"

enum {
	OBJECT_CHUNK_LEN = 65536, /* of the plaintext; bytes */
	OBJECT_CHUNK_OVERHEAD = crypto_secretstream_xchacha20poly1305_ABYTES,
	OBJECT_CHUNK_SEALED_MAX = OBJECT_CHUNK_LEN + OBJECT_CHUNK_OVERHEAD,
};

/* The longest sealed body, bytes. */
#define OBJECT_BODY_MAX                                                   \
	(OBJECT_SIZE_MAX + OBJECT_SIZE_MAX / (uint64_t)OBJECT_CHUNK_LEN * \
			       OBJECT_CHUNK_OVERHEAD)

/* A body under way, in one direction.  Its fields are for reading only. */
struct object_body {
	crypto_secretstream_xchacha20poly1305_state stream;
	uint8_t id[OBJECT_ID_LEN];
	uint32_t version;
	uint64_t size;   /* of the plaintext, bytes */
	uint64_t padded; /* the same with its padding */
	uint64_t chunks; /* at least one */
	uint64_t next;   /* the chunk that is sealed or opened next, from 0 */
	bool failed;     /* it is of no more use */
};

/*
 * The length of the sealed body of a plaintext of size bytes; SR_TOO_LARGE,
 * and *len 0, beyond OBJECT_SIZE_MAX.
 */
enum sr_error object_body_len(uint64_t size, uint64_t *len);

/*
 * Begins at chunk 0, to seal or to open: which of both is the caller's to keep
 * apart.  SR_TOO_LARGE as above; SR_CRYPTO if libsodium refuses.
 */
enum sr_error object_body_init(struct object_body *body,
    const uint8_t key[OBJECT_KEY_LEN],
    const uint8_t header[OBJECT_STREAM_HEADER_LEN],
    const uint8_t id[OBJECT_ID_LEN], uint32_t version, uint64_t size);

void object_body_wipe(struct object_body *body);

/* How many bytes of the file the next chunk holds: 0 to OBJECT_CHUNK_LEN. */
size_t object_body_plain_len(const struct object_body *body);

/* How long the next chunk is when it is sealed; 0 behind the last one. */
size_t object_body_sealed_len(const struct object_body *body);

/* True behind the last chunk, if none has failed: the body is whole. */
bool object_body_whole(const struct object_body *body);

/*
 * Seals the next chunk: plain has object_body_plain_len() bytes, and sealed
 * gets object_body_sealed_len(), which must not be 0 (asserted).  They must
 * not overlap.  SR_CRYPTO if libsodium refuses.
 */
enum sr_error object_body_seal(
    struct object_body *body, const uint8_t *plain, uint8_t *sealed);

/*
 * Opens the next chunk: plain gets object_body_plain_len() bytes, as asked
 * before.  SR_NOT_AS_STORED: it is not that chunk of that body, whether it was
 * altered, cut, swapped or repeated, belongs to another object or version,
 * ends the body before its length or lies behind its end, or its padding is
 * not zero; plain is zeros then, and so is it refused from then on.
 */
enum sr_error object_body_open(struct object_body *body, const uint8_t *sealed,
    size_t sealed_len, uint8_t plain[OBJECT_CHUNK_LEN]);

#endif
