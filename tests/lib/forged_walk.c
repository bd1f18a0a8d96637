/* SPDX-License-Identifier: ISC */
/* Implementation of forged_walk.h. */
#include "tests/lib/forged_walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/forged_share.h"

enum { HANG_S = 60 };

static struct {
	forged_alteration alter; /* NULL: nobody walks */
	const struct forged_log *log;
	unsigned share, shares;
	uint32_t next; /* segment */
	unsigned long done;
	bool bad;

	/* of a process that goes on with an alteration */
	bool altered;
	uint32_t segment;
	unsigned long number;
	uint8_t bytes[FORGED_SEGMENT_LEN];
	struct forged_expected expected;
} walk;

uint8_t *__real_verify_read_segment(
    struct verify *verify, uint32_t number, size_t *len);
uint8_t *__wrap_verify_read_segment(
    struct verify *verify, uint32_t number, size_t *len);

/* True in the process that goes on with it. */
static bool
go_on_with(struct verify *verify, uint8_t *bytes)
{
	int status = -1;
	pid_t child = fork();

	if (child < 0)
		abort();
	if (child == 0) {
		(void)alarm(HANG_S);
		walk.altered = true;
		walk.segment = walk.next;
		memcpy(bytes, walk.bytes, sizeof(walk.bytes));
		verify->jobs = 1 + (walk.number % 64 == 63);
		forged_log_turn((unsigned)(walk.number / walk.shares));
		return true;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		fprintf(stderr, "segment %u, alteration %lu: signal %d\n",
		    walk.next, walk.number, WTERMSIG(status));
	walk.bad = walk.bad || status != 0;
	walk.done++;
	return false;
}

/* True in the process that goes on with one of them. */
static bool
alter_each(struct verify *verify, uint8_t *bytes)
{
	memcpy(walk.bytes, bytes, sizeof(walk.bytes));
	for (walk.number = walk.share; !walk.bad; walk.number += walk.shares) {
		enum forged_alter found;

		memset(&walk.expected, 0, sizeof(walk.expected));
		found = walk.alter(walk.log, walk.next, walk.number, walk.bytes,
		    &walk.expected);
		if (found == FORGED_NO_MORE)
			return false;
		if (found == FORGED_PASS)
			continue;
		if (go_on_with(verify, bytes))
			return true;
		memcpy(walk.bytes, bytes, sizeof(walk.bytes));
	}
	return false;
}

uint8_t *
__wrap_verify_read_segment(struct verify *verify, uint32_t number, size_t *len)
{
	uint8_t *bytes = __real_verify_read_segment(verify, number, len);

	if (walk.alter == NULL || bytes == NULL || *len != FORGED_SEGMENT_LEN)
		return bytes;
	if (walk.altered) {
		/* it is read once more, to tell of it */
		if (number == walk.segment)
			memcpy(bytes, walk.bytes, sizeof(walk.bytes));
		return bytes;
	}
	if (number != walk.next)
		return bytes;
	if (!alter_each(verify, bytes))
		walk.next++;
	return bytes;
}

static bool
begins_with(const char *why, const char *begin)
{
	return strncmp(why, begin, strlen(begin)) == 0;
}

/* Ends the process. */
static void
judge(const struct forged_verdict *verdict)
{
	const struct forged_expected *expected = &walk.expected;

	if (verdict->exit == expected->exit &&
	    (begins_with(verdict->why, expected->why) ||
		(expected->or [0] != '\0' &&
				  begins_with(verdict->why, expected->or))))
		_exit(0);
	(void)forged_tell(verdict,
	    "segment %u, alteration %lu, expected exit %d, `%s'%s%s",
	    walk.segment, walk.number, (int)expected->exit, expected->why,
	    expected->or [0] != '\0' ? " or " : "", expected->or);
	_exit(1);
}

bool
forged_walk(struct forged_log *log, bool keys, forged_alteration alter,
    unsigned share, unsigned shares, unsigned long *done)
{
	const struct forged_verdict *verdict;
	unsigned jobs = log->jobs;

	/* what this process remembers (verified_once.h), the others know */
	(void)forged_log_verify(log, keys ? FORGED_ALL_KEYS : 0, true);
	walk.alter = alter;
	walk.log = log;
	walk.share = share;
	walk.shares = shares;
	walk.next = 0;
	walk.done = 0;
	walk.bad = false;
	log->jobs = 1; /* whoever forks has no other threads */
	(void)fflush(NULL);
	verdict = forged_log_verify(log, keys ? FORGED_ALL_KEYS : 0, true);
	if (walk.altered)
		judge(verdict);
	walk.alter = NULL;
	log->jobs = jobs;
	*done = walk.done;
	if (walk.bad || walk.next != log->segments)
		return false;
	return verdict->exit == (keys ? VERIFY_ANCHORED : VERIFY_INTACT) ||
	       forged_tell(verdict, "the log as it is");
}
