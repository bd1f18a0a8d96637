/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_IMPORT_H
#define CLIENT_CTL_IMPORT_H
/*
 * What the two parts of strongroomctl import share: the list, and what the
 * bank has booked of it.
 */
#include "client/ctl/ctl.h"
#include "client/ctl/members.h"

struct import {
	const struct ctl_options *options;
	struct config config;
	struct bankfile bank;
	struct members members;
};

/*
 * Reads configuration, bank.id and the list; each failure has its line on
 * stderr.  members_free() follows in any case.
 */
enum sr_error import_begin(
    struct import *import, const struct ctl_options *options, const char *path);

/*
 * Prints a checksum for each member and one of all lines together.
 * amount: of a member, in minor units; negative: it is left out.
 */
void import_print(const struct import *import,
    int64_t (*amount)(const struct import *import, size_t place));

/* The opening balances, as the file has them; see import_print(). */
int64_t import_wanted(const struct import *import, size_t place);

/* import --balances. */
enum sr_error import_balances(struct import *import);

#endif
