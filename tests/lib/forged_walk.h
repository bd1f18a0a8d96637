/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FORGED_WALK_H
#define TESTS_LIB_FORGED_WALK_H
/*
 * Very many alterations of a long log, in the time of one walk and what each
 * of them costs from its segment on: strongroom-verify walks over the log as
 * it is, and when it has read a segment, a process of its own goes on with
 * each alteration of that segment's bytes, to its verdict.  That is what the
 * whole walk would have come to: it reads the segments in their order, and the
 * ones before were the same.
 *
 * The program is linked with --wrap=verify_read_segment.
 */
#include "tests/lib/forged_log.h"

enum forged_alter {
	FORGED_NO_MORE, /* of that segment */
	FORGED_PASS,    /* nothing to do for that number */
	FORGED_ALTERED,
};

/* What verify must find, and the beginning of its sentence. */
struct forged_expected {
	enum verify_exit exit;
	char why[VERIFY_WHY_MAX / 2];
	char or
	    [VERIFY_WHY_MAX / 2]; /* the beginning of another one, or empty */
};

/*
 * Alters the bytes of a segment, FORGED_SEGMENT_LEN of them, in the way that
 * has that number; from 0 on, until it says that there is no more.
 */
typedef enum forged_alter (*forged_alteration)(const struct forged_log *log,
    uint32_t segment, unsigned long number, uint8_t *bytes,
    struct forged_expected *expected);

/*
 * With the keys of all segments, or with none.  False after it has told on
 * standard error of an alteration of which something else was found, or that
 * did not end.  *done: so many were tried; those with number % shares ==
 * share are.
 */
bool forged_walk(struct forged_log *log, bool keys, forged_alteration alter,
    unsigned share, unsigned shares, unsigned long *done);

#endif
