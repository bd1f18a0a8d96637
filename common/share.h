/* SPDX-License-Identifier: ISC */
#ifndef COMMON_SHARE_H
#define COMMON_SHARE_H
/*
 * One share of a bank's quorum key, as it is handed to a person: 40 bytes,
 * little-endian:
 *	version 1 | index 1 | quorum 1 | bank tag 3 | set 2 | secret 32
 *
 * The tag is the first bytes of the bank id, the set is the number of the
 * envelope in root.sealed that the shares open: so that a share of another
 * bank or of a former set is told from one that was altered.
 *
 * Security: as many shares as the quorum says open the bank; fewer tell
 * nothing of the key (A. Shamir, How to share a secret, 1979).  Neither the
 * hash nor anything before the secret tells anything of the secret.
 */
#include <stdint.h>

#include "common/error.h"

#define SHARE_LEN 40u
#define SHARE_SECRET_LEN 32u
#define SHARE_HASH_LEN 8u
#define SHARE_TAG_LEN 3u
#define SHARE_VERSION 1u
#define SHARE_QUORUM_MIN 2u
#define SHARE_COUNT_MAX 16u

struct share {
	uint8_t index; /* from 1 */
	uint8_t quorum;
	uint8_t bank_tag[SHARE_TAG_LEN];
	uint16_t set;
	uint8_t secret[SHARE_SECRET_LEN];
};

void share_write(const struct share *share, uint8_t record[SHARE_LEN]);

/*
 * SR_VERSION: of a later version; SR_DAMAGED: index or quorum that no share
 * has.  Whether it fits a bank is the caller's question.
 */
enum sr_error share_read(const uint8_t record[SHARE_LEN], struct share *out);

/* The first bytes of SHA-256 over the record: what root.sealed keeps of it. */
void share_hash(const uint8_t record[SHARE_LEN], uint8_t out[SHARE_HASH_LEN]);

#endif
