/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_SHARE_PILE_H
#define CLIENT_CTL_SHARE_PILE_H
/*
 * Shares on their way to strongroom-unlock: each is judged as it comes, by
 * what root.sealed says of its sets, so that whoever brought a wrong one is
 * told which and why before anything is tried.
 *
 * Security: the pile holds as many shares as open the bank; its owner wipes
 * it with share_pile_wipe().
 */
#include <stdint.h>
#include <stdio.h>

#include "common/share.h"

enum { SHARE_SETS_MAX = 8 };

/* One envelope of root.sealed that shares open. */
struct share_set {
	uint16_t number;
	uint8_t quorum;
	uint8_t count;
	uint8_t hashes[SHARE_COUNT_MAX][SHARE_HASH_LEN];
};

struct share_pile {
	uint8_t bank_tag[SHARE_TAG_LEN];
	struct share_set sets[SHARE_SETS_MAX];
	unsigned set_count;
	const struct share_set *set; /* that of the first share; else NULL */
	uint8_t records[SHARE_COUNT_MAX][SHARE_LEN];
	unsigned have;
};

enum share_verdict {
	SHARE_TAKEN = 0,
	SHARE_LATER_VERSION, /* of a newer strongroom */
	SHARE_FOREIGN,       /* of another bank */
	SHARE_FORMER_SET,    /* of a set that the bank has no more */
	SHARE_LATER_SET,     /* of one that this root.sealed has not yet */
	SHARE_OTHER_SET,     /* of a good set, but the first was of another */
	SHARE_OTHER_QUORUM,  /* not as its set has it */
	SHARE_NO_INDEX,      /* its set has no such one */
	SHARE_TWICE,         /* is there already */
	SHARE_ALTERED,       /* not the bytes that were handed out */
};

/* An empty pile for a bank that has these sets. */
void share_pile_begin(struct share_pile *pile, const uint8_t bank_id[32],
    const struct share_set *sets, unsigned set_count);

/*
 * Takes a share, or says why not; the pile is then as before.  A right one
 * that is not needed any more is SHARE_TAKEN, and left out.
 */
enum share_verdict share_pile_take(
    struct share_pile *pile, const uint8_t record[SHARE_LEN]);

/* How many are missing yet; without a first one those of the last set. */
unsigned share_pile_missing(const struct share_pile *pile);

/*
 * One line for people on that share: what is so, and what to do.  record is
 * the one that was judged.
 */
void share_verdict_say(FILE *out, const struct share_pile *pile,
    enum share_verdict verdict, const uint8_t record[SHARE_LEN]);

void share_pile_wipe(struct share_pile *pile);

#endif
