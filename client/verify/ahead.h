/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_AHEAD_H
#define CLIENT_VERIFY_AHEAD_H
/*
 * What is computed of a segment's next frames before the walk comes to them,
 * by several threads (verify->jobs): hashes, seals, signatures.
 *
 * Nothing of it is a verdict.  Which frame is next, which signature counts and
 * under whose key is decided by the walk, one frame after the other; what was
 * computed for another question than the one it asks then is not used, and is
 * computed there.  So one job and many say the same words of any bytes.
 *
 * Memory: a window of AHEAD_FRAMES frames, whatever the segment's length.
 */
#include "client/verify/audit.h"

enum { AHEAD_FRAMES = 1024 };

struct ahead_frame {
	size_t offset;
	enum sr_error parsed; /* of journal_frame_parse() there */
	struct journal_frame frame;
	/* an entry: */
	uint8_t leaf[32];
	uint8_t leaf_bytes[JOURNAL_LEAF_LEN];
	/* a COMMIT: the signature is that of this checkpoint */
	bool commit_signed;
	uint64_t size;
	uint8_t root[32];
	/* with keys, an entry: of journal_open() */
	enum sr_error opened;
	struct journal_plain plain;
	/* an order: the signature is by this key */
	bool order_signed;
	uint8_t signer_key[32];
};

/*
 * The frame at the offset of a segment's bytes.  key: NULL without keys, else
 * entries are opened, too.  The result, with what it points to, is valid
 * until the next call or ahead_end().
 */
const struct ahead_frame *ahead_frame(struct verify *verify,
    const uint8_t *bytes, size_t len, size_t offset,
    const struct audit_key *key);

/* The bytes are gone, or will be: nothing of them is remembered. */
void ahead_end(void);

#endif
