/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_RETIRE_H
#define LEDGERD_RETIRE_H
/*
 * What two operators have retired goes: the segments before the cut that keyd
 * has taken into its state, the lowest first.  keyd gives none of their keys
 * any more when the first one goes.
 *
 * Of each: its leaves are written to ledger/segment/leaves.part, compared
 * with the roots in its own header and in the next one's, synced, and get the
 * name NNNNNNNN.leaves (common/leaves_file.h).  When that name is on the disk,
 * NNNNNNNN.log is renamed to `retired', and that is on the disk before a byte
 * of it is touched: so a segment is there, whole, or it is retired, and nothing
 * between.  Then its header, with the salt of its key, is overwritten and
 * synced, then all the rest, and then it is removed.
 *
 * All of it in small steps between orders, and begun again at a start where it
 * stopped: what is done is seen from the files.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/journal.h"
#include "common/leaves_file.h"
#include "common/merkle.h"

struct ledgerd;

enum {
	RETIRE_LEAVES = 512, /* written in one step */
	RETIRE_WIPE_LEN = 256 * 1024,
	RETIRE_WINDOW_LEN = 256 * 1024,
	RETIRE_RETRY_US = 60 * 1000 * 1000, /* after the disk has refused */
};

enum retire_state {
	RETIRE_LOOK,    /* what there is to do */
	RETIRE_WRITE,   /* leaves of the segment `low' */
	RETIRE_WIPE,    /* what is called `retired' */
	RETIRE_NOTHING, /* to be done before the next cut */
};

struct retire {
	enum retire_state state;
	uint32_t low; /* the first segment whose entries are there */
	bool refused; /* by the disk, when last asked */
	uint64_t refused_us;
	env_file in;
	env_file out;
	uint64_t len; /* of in */
	uint64_t at;
	struct leaves_file file;
	struct merkle_frontier tree;
	uint64_t window_at;
	size_t window_len;
	uint8_t window[RETIRE_WINDOW_LEN];
};

void retire_init(struct retire *retire);
void retire_close(struct retire *retire, struct env *env);

/* keyd has told of a cut: there may be something to do. */
void retire_again(struct retire *retire);

/* Whether there is a step to be done now. */
bool retire_waits(const struct ledgerd *ledgerd);

/* In how many ms there may be one, at most timeout_ms (-1: no limit). */
int retire_wait_ms(const struct ledgerd *ledgerd, int timeout_ms);

/*
 * One bounded step, never within a batch.  A full disk makes it wait; a
 * segment that is not what the signed log has stays, and a line says so.
 * SR_IO ends the room.
 */
enum sr_error retire_step(struct ledgerd *ledgerd);

#endif
