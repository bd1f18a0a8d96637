/* SPDX-License-Identifier: ISC */
/*
 * The audit log's file: found, begun, renamed away, mended.  Must never write
 * behind half a line, nor cut a whole one.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/audit.h"
#include "ledgerd/ledgerd.h"

enum { WINDOW_LEN = 4096 };

/* ---- the end of a file ---------------------------------------------- */

/* Lines that follow each other, as far as they were read. */
struct chain {
	bool any;
	uint64_t next; /* the entry after the last of them */
	uint64_t end;  /* where the last of them ends */
};

static char window[WINDOW_LEN];

/* A window that ends at `stop', in which at > 0 may cut a line. */
static enum sr_error
read_before(
    struct env *env, env_file file, uint64_t stop, uint64_t *at, size_t *len)
{
	*len = stop < sizeof(window) ? (size_t)stop : sizeof(window);
	*at = stop - *len;
	return env_read(env, file, *at, window, *len);
}

/* Whether a whole line of an entry before `floor' stands in the window. */
static bool
reaches(size_t len, uint64_t floor)
{
	const char *at = memchr(window, '\n', len);
	const char *end = window + len;

	while (at != NULL) {
		const char *begin = at + 1;
		struct audit_line line;

		at = memchr(begin, '\n', (size_t)(end - begin));
		if (at != NULL &&
		    audit_line_read(begin, (size_t)(at - begin), &line))
			return line.last < floor;
	}
	return false;
}

/*
 * From where on the lines are to be looked at: what is before the last
 * snapshot was durable before it was made.
 */
static enum sr_error
find_begin(struct env *env, env_file file, uint64_t len, uint64_t floor,
    uint64_t *begin)
{
	uint64_t stop = len, at = 0;
	enum sr_error error;
	size_t n;

	for (;; stop = at + AUDIT_LINE_MAX) {
		error = read_before(env, file, stop, &at, &n);
		*begin = at;
		if (error != SR_OK || at == 0 || reaches(n, floor))
			return error;
	}
}

/*
 * Adds the whole lines of the window that follow the chain; false at the first
 * one that does not.  Only a head may leave entries out.
 */
static bool
follow(struct chain *chain, const char *bytes, size_t len, uint64_t at,
    size_t *used)
{
	const char *end = bytes + len, *feed;

	*used = 0;
	while ((feed = memchr(bytes + *used, '\n', len - *used)) != NULL) {
		const char *begin = bytes + *used;
		struct audit_line line;

		if (!audit_line_read(begin, (size_t)(feed - begin), &line) ||
		    (chain->any && line.first < chain->next) ||
		    (chain->any && line.first > chain->next &&
			line.type != AUDIT_LINE_HEAD))
			return false;
		*used = (size_t)(feed + 1 - bytes);
		chain->any = true;
		chain->end = at + *used;
		chain->next =
		    line.type == AUDIT_LINE_HEAD ? line.first : line.last + 1;
	}
	return end - (bytes + *used) < (ptrdiff_t)AUDIT_LINE_MAX;
}

/*
 * Where the last line ends up to which all are there, and which entry comes
 * after it: a power cut leaves half a line, zeros, or a hole, since the disk
 * writes in any order.  SR_NOT_FOUND.
 */
static enum sr_error
find_end(struct env *env, env_file file, uint64_t len, uint64_t floor,
    struct chain *chain)
{
	uint64_t at;
	enum sr_error error;
	bool good = true;

	*chain = (struct chain){.any = false};
	error = find_begin(env, file, len, floor, &at);
	while (error == SR_OK && good && at < len) {
		uint64_t left = len - at;
		size_t n =
		    left < sizeof(window) ? (size_t)left : sizeof(window);
		size_t skip = 0, used = 0;

		error = env_read(env, file, at, window, n);
		if (error != SR_OK)
			return error;
		/* the first window may begin within a line */
		if (at > 0 && !chain->any) {
			const char *feed = memchr(window, '\n', n);

			skip = feed != NULL ? (size_t)(feed + 1 - window) : n;
		}
		good = follow(chain, window + skip, n - skip, at + skip, &used);
		at += skip + used;
		if (n == left)
			break;
	}
	if (error != SR_OK)
		return error;
	return chain->any ? SR_OK : SR_NOT_FOUND;
}

/* Cuts off what is behind it. */
static enum sr_error
mend(struct ledgerd *ledgerd, env_file file, uint64_t len, struct chain *chain)
{
	struct env *env = ledgerd->env;
	enum sr_error error =
	    find_end(env, file, len, audit_first_readable(ledgerd), chain);

	if (error != SR_OK || chain->end == len)
		return error;
	diag_warn(AUDIT_PATH ": %" PRIu64 " bytes behind the line of entry "
			     "%" PRIu64 " are cut off: not the lines that "
			     "follow",
	    len - chain->end, chain->next - 1);
	return env_truncate(env, file, chain->end);
}

/* ---- files ---------------------------------------------------------- */

/* The file that was written to until now: durable, and no longer ours. */
static enum sr_error
let_go(struct ledgerd *ledgerd)
{
	struct audit_log *audit = &ledgerd->audit;
	enum sr_error error;

	if (audit->file == ENV_NO_FILE)
		return SR_OK;
	error = env_sync(ledgerd->env, audit->file);
	if (env_close(ledgerd->env, audit->file) != SR_OK && error == SR_OK)
		error = SR_IO;
	audit->file = ENV_NO_FILE;
	audit->len = 0;
	return error;
}

/* The head of a file, or of what goes on in it, durable with its name. */
static enum sr_error
write_head(struct ledgerd *ledgerd, env_file file, uint64_t at)
{
	struct audit_log *audit = &ledgerd->audit;
	char line[AUDIT_LINE_MAX];
	size_t len = audit_head_write(ledgerd->bank_id, audit->next, line);
	enum sr_error error;

	error = env_write(ledgerd->env, file, at, line, len);
	if (error == SR_OK)
		error = env_sync(ledgerd->env, file);
	if (error == SR_OK)
		error = env_sync_directory(ledgerd->env, "audit");
	if (error == SR_OK) {
		audit->file = file;
		audit->len = at + len;
		return SR_OK;
	}
	(void)env_truncate(ledgerd->env, file, at);
	(void)env_close(ledgerd->env, file);
	return error;
}

static enum sr_error
begin_file(struct ledgerd *ledgerd)
{
	enum sr_error error;
	env_file file;

	error = env_open(ledgerd->env, AUDIT_PATH, ENV_WRITE_OR_CREATE, &file);
	return error == SR_OK ? write_head(ledgerd, file, 0) : error;
}

/* A file that cannot be gone on with is kept under another name. */
static enum sr_error
put_aside(struct ledgerd *ledgerd, const char *why)
{
	char path[ENV_PATH_MAX];
	enum sr_error error;

	snprintf(path, sizeof(path), AUDIT_PATH ".aside-%" PRIu64,
	    env_clock_ms(ledgerd->env));
	error = env_rename(ledgerd->env, AUDIT_PATH, path);
	if (error == SR_OK)
		diag_warn(AUDIT_PATH " %s: it is %s now", why, path);
	return error;
}

/*
 * Makes the file that stands there ours; the first time `next' is learnt from
 * it, then told to it.  The handle is closed where that fails.
 */
static enum sr_error
take_over(struct ledgerd *ledgerd, env_file file)
{
	uint64_t size = ledgerd->tree.size;
	struct audit_log *audit = &ledgerd->audit;
	struct env *env = ledgerd->env;
	struct chain chain = {.any = false};
	uint64_t len;
	enum sr_error error = env_size(env, file, &len);

	if (error == SR_OK)
		error = mend(ledgerd, file, len, &chain);
	/* empty, or the half of a head */
	if (error == SR_NOT_FOUND && len < AUDIT_LINE_MAX) {
		error = env_truncate(env, file, 0);
		if (error == SR_OK)
			return write_head(ledgerd, file, 0);
	}
	if (error == SR_OK && chain.next <= size &&
	    (!audit->found || chain.next == audit->next)) {
		audit->file = file;
		audit->len = chain.end;
		audit->next = chain.next;
		return SR_OK;
	}
	if (error == SR_OK && chain.next <= size)
		return write_head(ledgerd, file, chain.end);
	(void)env_close(env, file);
	if (error != SR_OK && error != SR_NOT_FOUND)
		return error;
	error =
	    put_aside(ledgerd, error == SR_OK ? "has lines of entries that the "
						"journal does not have"
					      : "is no audit log");
	return error == SR_OK ? begin_file(ledgerd) : error;
}

/* As below, once the file was found. */
static enum sr_error
go_on(struct ledgerd *ledgerd)
{
	struct audit_log *audit = &ledgerd->audit;
	enum sr_error error, closed;
	env_file now;
	uint64_t len;

	error = env_open(ledgerd->env, AUDIT_PATH, ENV_WRITE, &now);
	if (error == SR_NOT_FOUND) {
		error = let_go(ledgerd);
		return error == SR_OK ? begin_file(ledgerd) : error;
	}
	if (error != SR_OK)
		return error;
	/* ours, unless it is of another length */
	error = env_size(ledgerd->env, now, &len);
	if (error == SR_OK && audit->file != ENV_NO_FILE && len == audit->len)
		return env_close(ledgerd->env, now);
	closed = let_go(ledgerd);
	if (error == SR_OK)
		error = closed;
	if (error == SR_OK)
		return take_over(ledgerd, now);
	(void)env_close(ledgerd->env, now);
	return error;
}

/* What was rotated while the bank was down tells where it ended. */
static enum sr_error
learn_from_former(struct ledgerd *ledgerd)
{
	struct env *env = ledgerd->env;
	struct chain chain;
	uint64_t len;
	enum sr_error error;
	env_file file;

	error = env_open(env, AUDIT_FORMER_PATH, ENV_WRITE, &file);
	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_OK : error;
	error = env_size(env, file, &len);
	if (error == SR_OK)
		error = mend(ledgerd, file, len, &chain);
	if (error == SR_OK && chain.next <= ledgerd->audit.start)
		ledgerd->audit.next = chain.next;
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error == SR_NOT_FOUND ? SR_OK : error;
}

/* The first time. */
static enum sr_error
find(struct ledgerd *ledgerd)
{
	struct env *env = ledgerd->env;
	enum sr_error error;
	uint64_t len = 0;
	env_file file;

	ledgerd->audit.next = ledgerd->audit.start;
	error = env_open(env, AUDIT_PATH, ENV_WRITE, &file);
	if (error != SR_OK && error != SR_NOT_FOUND)
		return error;
	if (error == SR_OK) {
		error = env_size(env, file, &len);
		if (error == SR_OK && len > 0)
			return take_over(ledgerd, file);
		if (env_close(env, file) != SR_OK && error == SR_OK)
			error = SR_IO;
		if (error != SR_OK)
			return error;
	}
	error = learn_from_former(ledgerd);
	return error == SR_OK ? begin_file(ledgerd) : error;
}

enum sr_error
audit_file_ready(struct ledgerd *ledgerd)
{
	enum sr_error error =
	    ledgerd->audit.found ? go_on(ledgerd) : find(ledgerd);

	if (error == SR_OK)
		ledgerd->audit.found = true;
	return error;
}

enum sr_error
audit_file_write(struct ledgerd *ledgerd, const char *lines, size_t len)
{
	struct audit_log *audit = &ledgerd->audit;
	enum sr_error error;

	assert(audit->file != ENV_NO_FILE);
	error = env_write(ledgerd->env, audit->file, audit->len, lines, len);
	if (error == SR_OK)
		audit->len += len;
	else
		(void)env_truncate(ledgerd->env, audit->file, audit->len);
	return error;
}
