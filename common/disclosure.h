/* SPDX-License-Identifier: ISC */
#ifndef COMMON_DISCLOSURE_H
#define COMMON_DISCLOSURE_H
/*
 * Keys of segments and snapshots for an auditor (strongroom-journal(5), "Disclosures"): keyd
 * seals each to the auditor's X25519 key, strongroomctl puts them into a
 * file, strongroom-verify opens them.  No I/O here.
 *
 * One key, sealed, is 80 bytes: ephemeral key 32 | ciphertext 32 | tag 16.
 *	shared = X25519(ephemeral secret, auditor's key)
 *	prk    = Extract("", shared)
 *	key    = Expand(prk, "strongroom/1 disclosure" | bank id 32
 *	         | segment 4 | salt 32 | auditor's key 32 | ephemeral key 32, 32)
 * (for a snapshot: label "strongroom/1 disclosure of a snapshot", its number)
 * and ChaCha20-Poly1305 under it with nonce 0: a key for each ephemeral one.
 *
 * The file: magic 8 "SRDISCL1" | version 2 | zero 2 | count 4 | bank id 32
 * | auditor's key 32, then for each segment, in ascending order:
 * segment 4 | zero 4 | salt 32 | sealed 80; and likewise for snapshots:
 * number 4 | one 4 | salt 32 | sealed 80.
 *
 * Security: the seal says for whom a key is, not by whom: that it is the
 * segment's key shows only when the segment opens.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define DISCLOSURE_VERSION 1u
#define DISCLOSURE_SEALED_LEN 80u
#define DISCLOSURE_HEADER_LEN 80u
#define DISCLOSURE_ITEM_LEN 120u
#define DISCLOSURE_ITEMS_MAX 65536u

struct disclosure_header {
	uint32_t count;
	uint8_t bank_id[32];
	uint8_t auditor[32]; /* X25519 public key */
};

struct disclosure_item {
	uint32_t segment; /* or the number of a snapshot */
	bool snapshot;    /* which of the two */
	uint8_t salt[32]; /* of the segment's header, or the snapshot's */
	uint8_t sealed[DISCLOSURE_SEALED_LEN];
};

/*
 * Fills item->sealed; segment and salt are set before.  ephemeral: 32 fresh
 * random bytes.  SR_PARAMETERS for an auditor's key of small order.
 */
enum sr_error disclosure_seal(const uint8_t bank_id[32],
    const uint8_t auditor[32], const uint8_t ephemeral[32],
    const uint8_t segment_key[32], struct disclosure_item *item);

/* SR_CRYPTO unless it was sealed for that bank, auditor, segment and salt. */
enum sr_error disclosure_open(const uint8_t bank_id[32],
    const uint8_t auditor_secret[32], const struct disclosure_item *item,
    uint8_t segment_key[32]);

void disclosure_header_encode(const struct disclosure_header *header,
    uint8_t bytes[DISCLOSURE_HEADER_LEN]);
void disclosure_item_encode(
    const struct disclosure_item *item, uint8_t bytes[DISCLOSURE_ITEM_LEN]);

/*
 * SR_MALFORMED; SR_VERSION for a later one.  A count beyond
 * DISCLOSURE_ITEMS_MAX is SR_TOO_LARGE.
 */
enum sr_error disclosure_header_decode(
    const uint8_t bytes[DISCLOSURE_HEADER_LEN],
    struct disclosure_header *header);
enum sr_error disclosure_item_decode(
    const uint8_t bytes[DISCLOSURE_ITEM_LEN], struct disclosure_item *item);

#endif
