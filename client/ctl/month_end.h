/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_MONTH_END_H
#define CLIENT_CTL_MONTH_END_H
/*
 * strongroomctl month-end, in its steps: a month's books, the report of the
 * tills, what strongroom-verify said and a new anchor go into one file that an
 * operator signs.  Each step says itself what is wrong.
 */
#include <limits.h>

#include "client/ctl/anchor.h"
#include "client/ctl/run.h"
#include "client/verify/bundle.h"

#define MONTH_END_BOOKS "/books"

/* What is at work. */
struct month_end {
	const struct ctl_options *options;
	const char *month;
	char out[PATH_MAX];
	char scratch[PATH_MAX]; /* beside it; empty: not made */
	char path[BUNDLE_FILES][PATH_MAX];
	char since[PATH_MAX]; /* an older checkpoint; empty: none */
	uint32_t since_epoch; /* of the log key that signed it */
	struct ctl_run run;
	struct bundle_manifest manifest;
	struct anchor anchor;
};

/* ---- month_end.c ------------------------------------------------------- */

/* Says what the system says of that file; SR_IO. */
enum sr_error month_end_failed(const char *path);

/* A path below `from'; false when it is too long. */
bool month_end_path(char out[PATH_MAX], const char *from, const char *name);

/* ---- month_end_verify.c ------------------------------------------------ */

/*
 * strongroom-verify over the ledger, which makes the books.  SR_DAMAGED if
 * the ledger does not verify: then nothing is signed.
 */
enum sr_error month_end_verify(struct month_end *making);

/* ---- month_end_sign.c -------------------------------------------------- */

/* The newest checkpoint, proved to continue that of --since. */
enum sr_error month_end_anchor(struct month_end *making);

/* The manifest: hashes, certificates, the operator's signature. */
enum sr_error month_end_sign(struct month_end *making);

/* The file, which is whole and on the disk, or is not there. */
enum sr_error month_end_write(const struct month_end *making);

#endif
