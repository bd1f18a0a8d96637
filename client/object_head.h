/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_OBJECT_HEAD_H
#define CLIENT_OBJECT_HEAD_H
/*
 * The head of a stored object: what a file or message is called, how long it
 * is, and the key of its body (client/object_body.h).  The bank keeps it
 * sealed and knows of it one of two lengths.
 *
 * Plaintext, little-endian, of the sealed length less what the seal adds:
 *
 *	version 1 (1) | type 1 | flags 2 (0) | cksum 4 | size 8 | mtime 8
 *	| of: owner 8 | of: id 16 | of: version 4 | file key 32
 *	| stream header 24 | name length 2 | name | zeros
 *
 * A head in the box, 512 or 4,608 bytes, the shorter one if it holds the name:
 *
 *	key epoch 4 | zero 4 | nonce 24 | ciphertext | tag 16
 *
 * with XChaCha20-Poly1305 (common/aead.h) under
 * Expand(file key root, "strongroom/1 box head" | bank id 32, 32) and the AD
 *
 *	"strongroom/1 box head" | bank id 32 | owner 8 | object id 16
 *	| version 4 | key epoch 4
 *
 * so that a head opens for the object and version that it was sealed for and
 * nowhere else.  The head of a message has the same plaintext under another
 * seal (Noise X), which adds OBJECT_HEAD_MAIL_OVERHEAD bytes.
 *
 * Security: struct object_head and every plaintext hold the key of a file:
 * their owner wipes them (sodium_memzero).  A name and a time may have been
 * chosen by a stranger: client/object_name.h.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/aead.h"
#include "common/certificate.h"
#include "common/error.h"

enum {
	OBJECT_ID_LEN = 16,
	OBJECT_KEY_LEN = 32,
	OBJECT_STREAM_HEADER_LEN = 24,
	OBJECT_NAME_MAX = 4096, /* bytes */
	OBJECT_HEAD_FIXED_LEN = 110,
	/* sealed */
	OBJECT_HEAD_SHORT_LEN = 512,
	OBJECT_HEAD_LONG_LEN = 4608,
	/* what a seal adds */
	OBJECT_HEAD_BOX_OVERHEAD = 8 + AEAD_WRAP_OVERHEAD,
	OBJECT_HEAD_MAIL_OVERHEAD = 32 + 48 + 16,
	OBJECT_HEAD_OVERHEAD_MAX = OBJECT_HEAD_MAIL_OVERHEAD,
};

/* Numbers as in the plaintext. */
enum object_type {
	OBJECT_FILE = 1,         /* in the box */
	OBJECT_KEY_RING = 2,     /* the client's own, shown in no list */
	OBJECT_PINS = 3,         /* the same */
	OBJECT_TEXT = 4,         /* a message */
	OBJECT_MESSAGE_FILE = 5, /* a file sent as a message */
	OBJECT_SHARE = 6,        /* somebody else's file, to be read */
};

/* Of the caller, who wipes it. */
struct object_head {
	enum object_type type;
	uint32_t cksum;  /* of the plaintext (common/cksum.h) */
	uint64_t size;   /* of the plaintext, bytes, to OBJECT_SIZE_MAX */
	int64_t mtime_s; /* since 1970; any number */
	/* of a share: the object whose key this is; else zero */
	uint64_t of_owner; /* customer id */
	uint8_t of_id[OBJECT_ID_LEN];
	uint32_t of_version;
	uint8_t file_key[OBJECT_KEY_LEN];
	uint8_t stream_header[OBJECT_STREAM_HEADER_LEN];
	/*
	 * Any bytes but NUL; a NUL stands behind them.  0 only for a key ring,
	 * pins and a text.
	 */
	uint16_t name_len;
	char name[OBJECT_NAME_MAX + 1];
};

/* Where in the bank a head belongs. */
struct object_place {
	uint8_t bank_id[BANK_ID_LEN];
	uint64_t owner; /* customer id */
	uint8_t id[OBJECT_ID_LEN];
	uint32_t version;
	uint32_t key_epoch; /* of the owner's keys */
};

/*
 * The sealed length for a name of name_len bytes, at most OBJECT_NAME_MAX,
 * where the seal adds overhead bytes, at most OBJECT_HEAD_OVERHEAD_MAX: the
 * shorter one in which it fits.
 */
size_t object_head_len(size_t name_len, size_t overhead);

/*
 * Writes plain_len bytes: object_head_len(head->name_len, overhead) -
 * overhead.  SR_MALFORMED for fields that decoding would refuse, and then
 * zeros.
 */
enum sr_error object_head_encode(
    const struct object_head *head, uint8_t *plain, size_t plain_len);

/*
 * Reads exactly plain_len bytes.  SR_VERSION: of a later version;
 * SR_MALFORMED: anything that encoding does not write, and a length that is
 * not that of the name; *head is zeros then.
 */
enum sr_error object_head_decode(
    const uint8_t *plain, size_t plain_len, struct object_head *head);

/*
 * Seals a head for its owner's box into out and sets *out_len.  nonce: 24
 * fresh random bytes, drawn by the caller.  SR_MALFORMED as encoding; *out_len
 * is 0 then.
 */
enum sr_error object_head_seal(const struct object_head *head,
    const uint8_t file_root[OBJECT_KEY_LEN], const struct object_place *place,
    const uint8_t nonce[AEAD_WRAP_NONCE_LEN], uint8_t out[OBJECT_HEAD_LONG_LEN],
    size_t *out_len);

/*
 * Which epoch's file key root opens it.  SR_NOT_AS_STORED for a length that no
 * head has.
 */
enum sr_error object_head_key_epoch(
    const uint8_t *sealed, size_t sealed_len, uint32_t *key_epoch);

/*
 * Opens a head that the bank gave for this place.  SR_NOT_AS_STORED: it is not
 * what was sealed for it, by whatever difference; SR_VERSION, SR_MALFORMED: it
 * is, and decoding refuses it.  *head is zeros unless SR_OK.
 */
enum sr_error object_head_open(const uint8_t *sealed, size_t sealed_len,
    const uint8_t file_root[OBJECT_KEY_LEN], const struct object_place *place,
    struct object_head *head);

#endif
