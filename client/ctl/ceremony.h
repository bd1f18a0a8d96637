/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_CEREMONY_H
#define CLIENT_CTL_CEREMONY_H
/*
 * What the parts of strongroomctl ceremony share.
 */
#include <signal.h>
#include <stdbool.h>

#include "client/bankfile.h"
#include "client/ctl/ctl.h"
#include "client/ctl/rehearsal.h"
#include "client/ctl/share_pile.h"

struct ceremony {
	const struct ctl_options *options;
	struct config config;
	struct bankfile bank;
	int control;

	struct share_set set; /* of the new shares */
	uint64_t time_ms;
	uint8_t records[SHARE_COUNT_MAX][SHARE_LEN];

	struct share_pile pile; /* what the rehearsal was done with */
	bool rehearsed;         /* and root.sealed says so */
	struct rehearsal rehearsal;
	unsigned removed; /* former sets */
	unsigned kept;    /* former sets that still open the bank */

	bool held; /* signals wait (interrupts.h) */
	sigset_t unheld;
};

/* Whom share i + 1 is for; "" when nobody was named. */
const char *ceremony_holder(const struct ceremony *ceremony, unsigned i);

/*
 * ceremony_pages.c: each share at the terminal, one after the other.
 * SR_CLOSED: somebody ended the input.
 */
enum sr_error ceremony_show(const struct ceremony *ceremony);

/*
 * Each share as a file of --out, a directory that is made or empty.  SR_EXISTS
 * when it is not, SR_IO; after a line.
 */
enum sr_error ceremony_directory(const char *directory);
enum sr_error ceremony_write(const struct ceremony *ceremony);

/* Reads a quorum of those files into the pile. */
enum sr_error ceremony_read_back(struct ceremony *ceremony);

/*
 * ceremony_transcript.c: what may be published, to --transcript or standard
 * output.  It has no bytes of a share, only their hashes.  SR_IO after a line.
 */
enum sr_error ceremony_transcript(const struct ceremony *ceremony);

#endif
