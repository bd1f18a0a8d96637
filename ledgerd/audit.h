/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_AUDIT_H
#define LEDGERD_AUDIT_H
/*
 * The plain audit log audit/audit.log: one line an entry, written when the
 * entry is signed (common/audit_line.h).  By default it holds no name, no
 * amount and nothing that a client chose.
 *
 * It may be renamed away at any time: the next line goes into a new file, and
 * what went before is on disk then.  It is not synced with each batch, since
 * the journal is the record; lines that a power cut or a full disk has cost
 * are written again from the journal, in their place, as far back as the last
 * snapshot, before which they are durable.  So each entry has one line, in
 * ascending order, through all files.
 *
 * What stands in the file is believed for one thing only: which entry comes
 * next.  A file whose end is none of ours, or ahead of the journal, is renamed
 * to audit/audit.log.aside-TIME.
 */
#include <stdbool.h>
#include <stddef.h>

#include "common/audit_line.h"
#include "common/env.h"
#include "common/error.h"
#include "common/journal.h"

struct ledgerd;

#define AUDIT_PATH "audit/audit.log"
#define AUDIT_FORMER_PATH "audit/audit.log.1" /* as logrotate(8) names it */

enum {
	/* How many lines one step of catching up writes. */
	AUDIT_STEP = 256,
	/* Steps that a start takes before the bank opens; the rest later. */
	AUDIT_START_STEPS = 32,
	/* How often a disk that refuses lines is tried again. */
	AUDIT_RETRY_MS = 1000,
};

struct audit_log {
	enum audit_mode mode;
	env_file file;  /* the one last written to; ENV_NO_FILE: none yet */
	uint64_t len;   /* of it, in whole lines */
	uint64_t next;  /* the entry that the next line is of */
	uint64_t start; /* what `next' is where no file tells */
	bool found;     /* the file has told, or there was none */
	bool refused;   /* said, and not yet made good */
	uint64_t refused_ms; /* CLOCK_BOOTTIME of the last refusal */
	/* the key of the pseudonyms of that segment */
	bool key_known;
	uint32_t key_segment;
	uint8_t key[32];
};

/*
 * After the replay, with the tree of the journal: finds where the log goes on
 * and mends its end.
 */
enum sr_error audit_start(struct ledgerd *ledgerd);
void audit_close(struct ledgerd *ledgerd);

/*
 * From now on the lines are written as `mode' says; those of entries before,
 * as far as the disk takes them, as the former one said.  Entries that came
 * while no log was kept get their lines as after a start.  Where that file
 * cannot be gone on with (a directory, say) it is as AUDIT_OFF, after a line
 * and an error; ledgerd->fatal where the former one failed.  Never within a
 * batch.
 */
enum sr_error audit_change(struct ledgerd *ledgerd, enum audit_mode mode);

/* An entry of the batch at work, while its segment's key is at hand. */
enum sr_error audit_note(struct ledgerd *ledgerd,
    const struct journal_leaf *leaf, const struct journal_plain *plain);

/*
 * Appends the lines of the batch, which is signed.  What a full or read-only
 * disk does not take is missing until it does.
 */
enum sr_error audit_append(struct ledgerd *ledgerd);

/* How many signed entries have no line yet; 0 where no log is kept. */
uint64_t audit_missing(const struct ledgerd *ledgerd);

/* Whether audit_catch_up() has something to do now. */
bool audit_waits(const struct ledgerd *ledgerd);

/* When it has, at the latest, in ms; timeout_ms when nothing is missing. */
int audit_wait_ms(const struct ledgerd *ledgerd, int timeout_ms);

/* One bounded step towards a line for each entry.  Never within a batch. */
enum sr_error audit_catch_up(struct ledgerd *ledgerd);

/*
 * Before a snapshot, behind which nothing is caught up any more: all lines
 * that the disk takes are written and durable.
 */
enum sr_error audit_settle(struct ledgerd *ledgerd);

/*
 * The first entry that can be written again: its segment's key keyd gives for
 * the asking, and of those before it the lines are durable.
 */
uint64_t audit_first_readable(const struct ledgerd *ledgerd);

/*
 * The file (audit_file.c): the one at AUDIT_PATH is open, ends in a whole line
 * and goes on with entry `next', which is learnt from it where it was not found
 * yet.  SR_NO_SPACE, SR_READ_ONLY: not now.
 */
enum sr_error audit_file_ready(struct ledgerd *ledgerd);

/* Appends whole lines; what is refused leaves no part of a line behind. */
enum sr_error audit_file_write(
    struct ledgerd *ledgerd, const char *lines, size_t len);

#endif
