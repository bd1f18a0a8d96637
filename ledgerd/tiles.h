/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_TILES_H
#define LEDGERD_TILES_H
/*
 * The public tree ledger/public/tile (common/tiles.h) and the checkpoint that
 * names it.  Both are derived: the journal has everything that is in them.
 *
 * A batch's leaves are taken into the edge when keyd has signed it, and what
 * they fill is written then.  Partial tiles and, last, the checkpoint follow
 * when no order waits, or after TILES_DELAY_US at the latest: so everything
 * that a published checkpoint names is there, and an order waits for none of
 * it.  Each file is written under another name and renamed; nothing is synced.
 *
 * What a crash, a full disk or somebody with a knife has left is found again
 * at the start, or when the disk takes writes again: the edge of the checkpoint
 * that was published, if its files give that checkpoint's root; else all
 * tiles are walked through, those that are not whole made from the journal;
 * else all are made anew.  That goes on in small steps between orders, and
 * the checkpoint stays where it is meanwhile.  A tile is believed only when
 * the root that comes out is the signed one.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/tiles.h"
#include "ledgerd/leaves.h"

struct ledgerd;

enum {
	TILES_DELAY_US = 50 * 1000,
	TILES_RETRY_US = 1000 * 1000,
	TILES_FAILURES_MAX = 3, /* to be made from the journal, in a row */
};

enum tiles_state {
	TILES_CURRENT, /* the edge is that of the signed tree */
	TILES_LOST,    /* it has to be found again */
	TILES_CATCHING_UP,
	/* The journal does not give the signed root, however often it is
	 * read: only the checkpoint is published, and that is said. */
	TILES_GIVEN_UP,
};

/* What the edge is made from, the best first. */
enum tiles_basis {
	TILES_FROM_PUBLISHED, /* the files of the published checkpoint */
	TILES_FROM_FILES,     /* every file that is whole */
	TILES_FROM_JOURNAL,
};

struct tiles {
	enum tiles_state state;
	enum tiles_basis basis;
	bool due;          /* the head is not published yet */
	uint64_t due_us;   /* CLOCK_BOOTTIME, since when */
	unsigned failures; /* of the journal, since it was last read whole */
	bool refused;      /* by the disk, when last asked */
	uint64_t refused_us;
	uint64_t published; /* size of the checkpoint in the file */
	uint8_t published_root[MERKLE_HASH_LEN];
	uint64_t swept; /* full tiles of level 0 that were looked at */
	struct tiles_edge edge;
	struct leaves leaves;
};

void tiles_init(struct tiles *tiles);

/*
 * At start, when the tree is keyd's: finds the edge and publishes, as far as
 * that goes in bounded time.  Where there is no tree, as after a restore from
 * a backup or once after an upgrade, all of it is made; after a restore with
 * loss anew, whatever is there.  SR_IO.
 */
enum sr_error tiles_start(struct ledgerd *ledgerd, bool restored);

/* The batch is signed: its leaves.  SR_IO. */
enum sr_error tiles_take(struct ledgerd *ledgerd);

/*
 * In each turn of the loop; quiet: nothing waits.  One bounded step of what
 * there is to do.  SR_IO ends the room; a full disk does not.
 */
enum sr_error tiles_step(struct ledgerd *ledgerd, bool quiet);

/* For how long the loop may wait before the next step. */
int tiles_wait_ms(const struct ledgerd *ledgerd, int timeout_ms);

/* Before the room ends: publishes what is due. */
enum sr_error tiles_finish(struct ledgerd *ledgerd);

/*
 * A merkle_source (common/merkle.h) for proofs within the signed tree,
 * ledgerd->tree.size leaves; context is the struct ledgerd.  What is not in
 * the edge, which is in memory, is read from a full tile's file, and nobody
 * has checked that: the proof that comes of it must be verified against the
 * signed root before it is used.  For a leaf of the last batch hardly anything
 * is read.
 *
 * SR_AGAIN while the tiles are behind the tree (after a start without them, or
 * a full disk): there is no proof at present.  SR_NOT_FOUND beyond the tree;
 * SR_NOT_FOUND, SR_DAMAGED, SR_IO when a tile is missing, short or cannot
 * be read: strongroomctl rebuild-tiles makes it again.
 */
enum sr_error tiles_source(void *context, unsigned level, uint64_t index,
    uint8_t hash[MERKLE_HASH_LEN]);

#endif
