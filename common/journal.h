/* SPDX-License-Identifier: ISC */
#ifndef COMMON_JOURNAL_H
#define COMMON_JOURNAL_H
/*
 * The bytes of the journal (strongroom-journal(5)): segment headers, frames,
 * leaves.  Shared by ledgerd, which writes them, keyd, which recomputes a
 * leaf, and strongroom-verify.  No I/O here.
 *
 * A segment file is a header of 128 bytes, frames that each start at a
 * multiple of 8, and zeros up to the end of the file.  A batch is one or
 * more entry frames and one COMMIT frame, all in the same segment.  A file
 * of zeros only is a segment made ready in advance.
 *
 * Segment header, 128 bytes:
 *	magic 8 "SRSEGMT1" | version 2 | zero 2 | segment 4 | bank id 32
 *	| salt 32 | first seq 8 | root of the tree of first-seq leaves 32
 *	| zero 4 | crc32c 4 (of the 124 bytes before)
 *
 * Frame header, 104 bytes:
 *	magic 4 "SRF1" | version 1 | type 1 | zero 2 | length 4 | seq 8
 *	| time ms 8 | segment 4 | class 1 | zero 3 | random 32
 *	| commitment 32 | crc32c 4
 * followed by `length` bytes of body and zeros up to a multiple of 8.  The
 * crc covers the header's first 100 bytes and the body.
 *
 * The header's type tells only entry from COMMIT; what kind of entry it is
 * stands in the sealed plaintext (common/entry.h), so that a thief learns the
 * class and nothing finer.
 *
 * Body of an entry: ChaCha20-Poly1305 ciphertext and tag; key =
 * Expand(segment key, "strongroom/1 frame" | random, 32), nonce 0, AAD = the
 * header's first 100 bytes.  Its plaintext:
 *	committed length 4 | committed part | salt 32 | touched count 1
 *	| zero 3 | touched 32 each | zeros up to a multiple of 64
 * touched: account 8 | posted 8 | held 8 | previous frame's segment 4
 *	| and offset 4 (both 0xffffffff: none)
 *
 * Body of a COMMIT, 128 bytes in plain (random, commitment zero; class
 * system; seq = new size; time = that of the last entry):
 *	first leaf 8 | last leaf 8 | size 8 | root 32 | log-key epoch 4
 *	| zero 4 | signature of the previous checkpoint 64
 * size and root are those of the tree with this batch.  The signature is
 * keyd's, of the checkpoint with size `first leaf` under the origin with that
 * epoch; epoch and signature are zero when first leaf is 0.
 *
 * Leaf, 86 bytes: version 1 | seq 8 | time ms 8 | class 1 | segment 4
 *	| SHA-256(header's first 100 bytes | body) 32 | commitment 32
 * commitment = HMAC-SHA-256(key = salt, committed part).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/error.h"

#define JOURNAL_VERSION 1u
#define JOURNAL_SEGMENT_HEADER_LEN 128u
#define JOURNAL_HEADER_LEN 104u
#define JOURNAL_AAD_LEN 100u
#define JOURNAL_COMMIT_BODY_LEN 128u
#define JOURNAL_COMMIT_FRAME_LEN (JOURNAL_HEADER_LEN + JOURNAL_COMMIT_BODY_LEN)
#define JOURNAL_TAG_LEN 16u
#define JOURNAL_SALT_LEN 32u
#define JOURNAL_TOUCHED_MAX 4u
#define JOURNAL_TOUCHED_LEN 32u
#define JOURNAL_PLAIN_STEP 64u /* plaintexts are padded to a multiple of it */
#define JOURNAL_PLAIN_MAX 4800u
#define JOURNAL_BODY_MAX (JOURNAL_PLAIN_MAX + JOURNAL_TAG_LEN)
/* the longest frame with its padding */
#define JOURNAL_FRAME_MAX (JOURNAL_HEADER_LEN + JOURNAL_BODY_MAX)
#define JOURNAL_LEAF_LEN 86u
#define JOURNAL_SEGMENT_DEFAULT_LEN (16u << 20)
#define JOURNAL_SEGMENT_MAX_LEN (64u << 20)
#define JOURNAL_SEGMENT_NAME_MAX 24u /* "00000000.log" and final NUL */

enum journal_type {
	JOURNAL_ENTRY = 1,
	JOURNAL_COMMIT = 2,
};

/* Classes are public: nothing finer is. */
enum journal_class {
	JOURNAL_CLASS_ORDER = 1,
	JOURNAL_CLASS_SYSTEM = 2,
	JOURNAL_CLASS_AUTHORITY = 3,
	JOURNAL_CLASS_BOX = 4,
};

struct journal_segment {
	uint32_t segment;
	uint8_t bank_id[32];
	uint8_t salt[JOURNAL_SALT_LEN];
	uint64_t first_seq;
	uint8_t root[32]; /* of the tree with first_seq leaves */
};

/* Where a frame starts. */
struct journal_position {
	uint32_t segment;
	uint32_t offset;
};

#define JOURNAL_NOWHERE ((struct journal_position){UINT32_MAX, UINT32_MAX})

struct journal_header {
	uint8_t type;    /* enum journal_type */
	uint8_t class;   /* enum journal_class */
	uint32_t length; /* of the body */
	uint64_t seq;
	uint64_t time_ms;
	uint32_t segment;
	uint8_t random[32];
	uint8_t commitment[32];
	uint32_t crc;
};

/* A frame found in a segment; the pointers point into the caller's bytes. */
struct journal_frame {
	struct journal_header header;
	const uint8_t *aad;  /* JOURNAL_AAD_LEN */
	const uint8_t *body; /* header.length */
	size_t frame_len;    /* with padding */
};

/* An account that an entry changed, with its balances afterwards. */
struct journal_touched {
	uint64_t account;
	int64_t posted_minor;
	int64_t held_minor;
	struct journal_position previous; /* the account's frame before */
};

/* The plaintext of an entry frame. */
struct journal_plain {
	const uint8_t *committed; /* common/entry.h */
	size_t committed_len;     /* 1 to ENTRY_MAX */
	uint8_t salt[JOURNAL_SALT_LEN];
	unsigned touched_count;
	struct journal_touched touched[JOURNAL_TOUCHED_MAX];
};

/* All fields of one leaf. */
struct journal_leaf {
	uint64_t seq;
	uint64_t time_ms;
	uint8_t class;
	uint32_t segment;
	uint8_t sealed_hash[32]; /* SHA-256(header without crc | body) */
	uint8_t commitment[32];
};

struct journal_commit {
	uint64_t first_leaf;
	uint64_t last_leaf;
	uint64_t size;
	uint8_t root[32];
	uint32_t previous_epoch;
	uint8_t previous_signature[64];
};

/* "00000000.log": the file name of a segment. */
const char *journal_segment_name(
    uint32_t segment, char name[JOURNAL_SEGMENT_NAME_MAX]);

/*
 * Segment header; decode gives SR_DAMAGED, or SR_VERSION for a later one, of
 * which it cannot know whether the crc is where it was.
 */
void journal_segment_encode(const struct journal_segment *segment,
    uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN]);
enum sr_error journal_segment_decode(
    const uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN],
    struct journal_segment *segment);

/* Whether the header ends in the crc of what stands before. */
bool journal_segment_crc_right(const uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN]);

/* The class of an entry; 0 for bytes that are none. */
unsigned journal_class_of(const void *committed, size_t len);

/* Length of the frame, with padding, that such a plaintext will have. */
size_t journal_frame_len(size_t committed_len, unsigned touched_count);

/* HMAC-SHA-256(key = salt, committed part). */
void journal_commitment(const uint8_t salt[JOURNAL_SALT_LEN],
    const void *committed, size_t len, uint8_t commitment[32]);

/* The leaf's bytes, and SHA-256(0x00 | those bytes). */
void journal_leaf_encode(
    const struct journal_leaf *leaf, uint8_t bytes[JOURNAL_LEAF_LEN]);
void journal_leaf_hash(const struct journal_leaf *leaf, uint8_t hash[32]);

/* The inverse of encode; SR_VERSION, SR_DAMAGED for a class that is none. */
enum sr_error journal_leaf_decode(
    const uint8_t bytes[JOURNAL_LEAF_LEN], struct journal_leaf *leaf);

/* The leaf of a frame that was parsed (type JOURNAL_ENTRY). */
void journal_frame_leaf(
    const struct journal_frame *frame, struct journal_leaf *leaf);

/*
 * Seals one entry into a frame at out.
 *   header   in: seq, time_ms, segment, random (32 fresh random bytes);
 *            the rest is filled in, class by journal_class_of()
 *   plain    salt: 32 fresh random bytes, too
 *   leaf     out: all fields of the leaf
 * SR_TOO_LARGE when the plaintext exceeds its bounds or room, SR_MALFORMED
 * when the committed part is no entry.
 */
enum sr_error journal_seal(const uint8_t segment_key[32],
    struct journal_header *header, const struct journal_plain *plain,
    uint8_t *out, size_t room, size_t *frame_len, struct journal_leaf *leaf);

/* Writes the COMMIT frame (JOURNAL_COMMIT_FRAME_LEN bytes). */
void journal_commit_encode(const struct journal_commit *commit,
    uint32_t segment, uint64_t time_ms, uint8_t out[JOURNAL_COMMIT_FRAME_LEN]);

/* Reads a parsed frame of type JOURNAL_COMMIT; SR_DAMAGED. */
enum sr_error journal_commit_decode(
    const struct journal_frame *frame, struct journal_commit *commit);

/*
 * Reads the frame that starts at bytes.  len: what is left of the segment, or
 * at least JOURNAL_FRAME_MAX bytes of it.
 *   SR_OK         a whole frame: magic, version, reserved bytes, bounds, crc
 *                 and padding are right
 *   SR_NOT_FOUND  the unused rest begins here: the next 8 bytes (or what is
 *                 left) are zero; the caller checks the rest of the file with
 *                 journal_all_zero()
 *   SR_VERSION    a frame of a later version
 *   SR_DAMAGED    anything else
 */
enum sr_error journal_frame_parse(
    const void *bytes, size_t len, struct journal_frame *frame);

/*
 * Opens an entry frame: decrypts into buffer, reads the plaintext (pointers
 * into buffer) and checks the commitment and the class.  SR_CRYPTO when the
 * seal or the commitment is wrong, SR_DAMAGED when the plaintext is not laid
 * out as above.
 */
enum sr_error journal_open(const uint8_t segment_key[32],
    const struct journal_frame *frame, uint8_t buffer[JOURNAL_PLAIN_MAX],
    struct journal_plain *plain);

/* True if all len bytes are zero. */
bool journal_all_zero(const void *bytes, size_t len);

#endif
