/* SPDX-License-Identifier: ISC */
/* Implementation of forged_share.h. */
#include "tests/lib/forged_share.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARES_MAX = 4 };

bool
forged_tell(const struct forged_verdict *verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, ": exit %d, `%s'\n", (int)verdict->exit, verdict->why);
	return false;
}

unsigned
forged_step(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return 11;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return 11;
#endif
#endif
	/* the day has many entries of each layout, at all alignments */
	return 3;
}

static bool
do_share(const struct forged_log *day, forged_work work, unsigned share,
    unsigned shares)
{
	char name[] = "/tmp/forged_share.XXXXXX";
	static struct forged_log log;
	bool good;

	log = *day;
	forged_log_directory(&log, name);
	forged_log_write(&log);
	good = work(&log, share, shares);
	forged_log_remove(&log);
	return good;
}

bool
forged_share(const struct forged_log *day, forged_work work)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned shares = processors < 1            ? 1
			  : processors > SHARES_MAX ? SHARES_MAX
						    : (unsigned)processors;
	pid_t children[SHARES_MAX];
	bool good = true;

	for (unsigned i = 0; i < shares; i++) {
		children[i] = fork();
		if (children[i] < 0)
			abort();
		if (children[i] == 0)
			_exit(do_share(day, work, i, shares) ? 0 : 1);
	}
	for (unsigned i = 0; i < shares; i++) {
		int status = -1;

		while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
			continue;
		good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	return good;
}
