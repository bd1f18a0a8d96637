/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_MEMBERS_H
#define CLIENT_CTL_MEMBERS_H
/*
 * A list of members with what each begins with, as strongroomctl import takes
 * it: CSV (client/csv.h) in UTF-8, whose first line is
 *
 *	name,display name,opening balance
 *
 * name           a log-in name, each once
 * display name   at most 64 bytes of text, may be empty
 * opening balance  as amounts are typed, not negative; empty for none
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/money.h"
#include "common/name.h"

enum {
	MEMBERS_MAX = 100000,
	MEMBERS_FILE_MAX = 32 * 1024 * 1024,
	MEMBERS_FAULTS_SAID = 20,
};

struct member {
	unsigned line; /* in the file */
	char name[NAME_LEN_MAX + 1];
	char display[NAME_DISPLAY_MAX + 1];
	int64_t balance_minor;
};

struct members {
	size_t count;
	size_t room;
	struct member *of; /* by name */
	int64_t sum_minor; /* of the balances */
};

/*
 * Reads the len bytes of a file of that name, whatever is wrong with one line
 * going on with the next, and says on `say' where and what, at most
 * MEMBERS_FAULTS_SAID times.  SR_MALFORMED when anything was; SR_TOO_LARGE
 * when there are too many or the balances are too much together; SR_MEMORY.
 * members_free() follows in any case.
 */
enum sr_error members_parse(const char *path, const char *bytes, size_t len,
    const struct money_unit *unit, FILE *say, struct members *members);

/* The same of a file; SR_IO. */
enum sr_error members_read(const char *path, const struct money_unit *unit,
    FILE *say, struct members *members);

void members_free(struct members *members);

/* SHA-256 of "name|12.50\n", as 64 hex digits: one member's checksum. */
void members_checksum(const struct member *member, int64_t amount_minor,
    const struct money_unit *unit, char hex[65]);

#endif
