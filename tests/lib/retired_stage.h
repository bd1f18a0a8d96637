/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_RETIRED_STAGE_H
#define TESTS_LIB_RETIRED_STAGE_H
/*
 * The forged log of a day (tests/lib/forged_stage.h) with its first segments
 * retired.  The program is linked with --wrap=entry_rules_default.
 */
#include "tests/lib/forged_stage.h"
#include "tests/lib/retired.h"

enum {
	RETIRED = 2,
	RETIRED_LEAVES_MAX = 16384,
};

/* What stays, or would stay, of each segment; a test may change it. */
struct retired_leaves {
	uint8_t bytes[RETIRED_LEAVES_MAX];
	size_t len;
};
extern struct retired_leaves leaves_now[FORGED_SEGMENTS_MAX];

/* For cmocka. */
int retired_stage_begin(void **state);
int retired_stage_setup(void **state);
int retired_stage_end(void **state);

/* Writes the leaves of a segment as they are now. */
void retired_put(uint32_t segment);

void retired_remove_leaves(uint32_t segment);
void retired_remove_log(uint32_t segment);

/* Makes the header's checksum right. */
void retired_put_crc(struct retired_leaves *leaves);

/*
 * Makes the header's roots and checksum those of the leaves that are there, as
 * they follow on the tree; which goes on.
 */
void retired_put_roots(
    struct retired_leaves *leaves, struct merkle_frontier *tree);

/* A test on the day with its first segments retired. */
#define RETIRED_STORY(test) cmocka_unit_test_setup(test, retired_stage_setup)

#endif
