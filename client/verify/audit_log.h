/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_AUDIT_LOG_H
#define CLIENT_VERIFY_AUDIT_LOG_H
/*
 * strongroom-verify --audit-log: the lines of the plain audit log
 * (common/audit_line.h) against the entries of the log, in step with the walk.
 * Without keys time, index and class are compared, with a segment's key all
 * that a line says but its names: of these only that one customer has one.
 *
 * A line that the log contradicts is no fault of the log: the walk goes on,
 * and the verdict comes at its end.
 *
 * Memory: a line and, for lines with names, 16 bytes a name; the files may be
 * of any length and hold any bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/audit_line.h"
#include "common/journal.h"

struct verify;

enum {
	AUDIT_LOG_FILES_MAX = 256,
	AUDIT_LOG_TOLD = 20, /* contradictions that are told one by one */
	AUDIT_LOG_TOLD_LEN = 400,
};

struct audit_log_file {
	const char *path;
	uint64_t first; /* index of its first line */
};

struct audit_log_name {
	uint64_t who;  /* customer * 4 + enum audit_subject; 0: free */
	uint64_t hash; /* of the name */
};

struct audit_log_check {
	struct audit_log_file file[AUDIT_LOG_FILES_MAX]; /* by first line */
	size_t file_count;

	/* The line at work. */
	size_t at; /* its file */
	FILE *open;
	uint64_t number; /* of the line, from 1 */
	bool have;
	char text[AUDIT_LINE_MAX];
	struct audit_line line;

	bool begun;       /* the lines have reached the walk */
	uint64_t first;   /* the first entry with a line */
	uint64_t next;    /* the entry after the last one */
	uint64_t limit;   /* entries from there on the log may not have yet */
	uint64_t missing; /* first of a run of entries without lines */
	bool is_missing;

	uint64_t lines;     /* of entries, compared */
	uint64_t with_keys; /* of these, with their segment's key */
	uint64_t gaps;      /* entries that the files say have no line */
	uint64_t beyond;    /* lines of entries after the end of the log */
	bool unfinished;    /* the last file ends in half a line */

	uint64_t contradictions;
	char told[AUDIT_LOG_TOLD][AUDIT_LOG_TOLD_LEN];

	struct audit_log_name *names;
	size_t name_count;
	size_t name_room; /* a power of two, or 0 */
	uint8_t name_key[16];
};

/*
 * Before the walk, with public/checkpoint known: opens each file once and puts
 * them in the order of their lines.  False after a verdict, which is `could
 * not'.
 */
bool audit_log_begin(struct verify *verify);

/*
 * The entries before `until' of a segment whose frames are whole.  False only
 * after the verdict `could not'.
 */
bool audit_log_segment(struct verify *verify, uint32_t number,
    const uint8_t *bytes, size_t len, uint64_t until);

/* The same of one entry of a retired segment, of which its leaf is left. */
bool audit_log_leaf(struct verify *verify, const struct journal_leaf *leaf);

/* What is left of the files.  False after the verdict `tampered'. */
bool audit_log_finish(struct verify *verify);

void audit_log_end(struct audit_log_check *check);

/* For people, and as a member of the JSON object. */
void audit_log_report(const struct audit_log_check *check);
void audit_log_report_json(
    const struct audit_log_check *check, void (*string)(const char *));

#endif
