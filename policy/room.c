/* SPDX-License-Identifier: ISC */
/*
 * The beginning of every room's main: options, fds, and the plan by which it
 * shuts itself in.  The table of rooms is the one place that says what each
 * starts with and how much it may use.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/diag.h"
#include "policy/room.h"
#include "policy/sandbox_steps.h"

#define MEBIBYTE (UINT64_C(1) << 20)

/* The lowest count fds. */
#define FDS_BELOW(count) ((UINT64_C(1) << (count)) - 1)

static const struct {
	const char *name;
	struct sandbox_plan plan;
} rooms[] = {
    [ROOM_KEYD] = {"keyd",
	{
	    .fds = FDS_BELOW(FD_KEYD_LOCK + 1),
	    .limit_files = 16,
	    .limit_file_len = 4096 * MEBIBYTE,
	    .limit_memory_len = 512 * MEBIBYTE,
	}},
    [ROOM_NETD] = {"netd",
	{
	    .fds = FDS_BELOW(FD_NETD_LISTEN),
	    .limit_files = 1024, /* its main knows how many it needs */
	    /* It has no file; but stderr may be one. */
	    .limit_file_len = 1024 * MEBIBYTE,
	    .limit_memory_len = 4096 * MEBIBYTE,
	}},
    [ROOM_LEDGERD] = {"ledgerd",
	{
	    .fds = FDS_BELOW(FD_LEDGERD_LOCK + 1),
	    .directories = {{FD_LEDGERD_LEDGER, "ledger", true},
		{FD_LEDGERD_AUDIT, "audit", false}},
	    .directory_count = 2,
	    .limit_files = 64,
	    .limit_file_len = 4096 * MEBIBYTE,
	    .limit_memory_len = 16384 * MEBIBYTE,
	}},
    [ROOM_UNLOCK] = {"strongroom-unlock",
	{
	    .fds = FDS_BELOW(FD_UNLOCK_LOCK + 1) | UINT64_C(1)
						       << FD_UNLOCK_TOLD,
	    .limit_files = 16,
	    .limit_file_len = 1024 * MEBIBYTE,
	    .limit_memory_len = 4096 * MEBIBYTE, /* Argon2id */
	}},
};

#if SANDBOX_IS_INSTRUMENTED
/* Looking for leaks at the end needs ptrace. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=0";
}
#endif

static const struct room_option *
find_option(const struct room_option *options, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

/* Decimal digits only; false if it is anything else or too large. */
static bool
number_of(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (*text == '\0' || strlen(text) > 18)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*out = n;
	return n <= max;
}

static void
take_option(const struct room_option *option, const char *value)
{
	uint64_t n = 0;

	if (!number_of(value, option->max, &n) || n < option->min)
		diag_fatal("--%s takes a number from %llu to %llu",
		    option->name, (unsigned long long)option->min,
		    (unsigned long long)option->max);
	*option->value = n;
}

static void
ignore_signals(void)
{
	static const int ignored[] = {
	    SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (sigaction(ignored[i], &ignore, NULL) != 0)
			diag_fatal("signals cannot be ignored");
}

void
room_start(struct room *room, enum room_name name, int argc, char *const argv[],
    const struct room_option *options, size_t count)
{
	uint64_t uid = SANDBOX_STAY, gid = SANDBOX_STAY, namespaces = 1;
	uint64_t listeners = 0, identity = 0, init = 0, seal = 0;
	const struct room_option common[] = {
	    {"uid", &uid, 1, SANDBOX_STAY - 1},
	    {"gid", &gid, 1, SANDBOX_STAY - 1},
	    {"namespaces", &namespaces, 0, 1},
	    {"listeners", &listeners, 0, NETD_LISTENERS_MAX},
	    {"identity", &identity, 0, 1},
	    {"init", &init, 0, 1},
	    {"seal", &seal, 0, 3},
	};

	diag_init(rooms[name].name);
	ignore_signals();
	for (int i = 1; i < argc; i += 2) {
		const struct room_option *option = NULL;

		if (strncmp(argv[i], "--", 2) == 0) {
			option = find_option(common,
			    sizeof(common) / sizeof(common[0]), argv[i] + 2);
			if (option == NULL)
				option =
				    find_option(options, count, argv[i] + 2);
		}
		if (option == NULL || i + 1 == argc)
			diag_fatal(
			    "%s is started by strongroomd only; the "
			    "option \"%s\" is unknown or lacks its value",
			    rooms[name].name, argv[i]);
		take_option(option, argv[i + 1]);
	}

	*room = (struct room){.name = name, .plan = rooms[name].plan};
	room->plan.room = rooms[name].name;
	room->plan.uid = (uid_t)uid;
	room->plan.gid = (gid_t)gid;
	room->plan.namespaces = namespaces != 0;
	room->listeners = (unsigned)listeners;
	room->identity = identity != 0;
	room->init = init != 0;
	room->seal = (unsigned)seal;
	if (name == ROOM_NETD)
		room->plan.fds = FDS_BELOW(FD_NETD_LISTEN + listeners);
	if (name == ROOM_UNLOCK && identity != 0)
		room->plan.fds |= UINT64_C(1) << FD_UNLOCK_IDENTITY;
	if (name == ROOM_UNLOCK && seal != 0)
		room->plan.fds |= UINT64_C(1) << FD_UNLOCK_NEW_ROOT |
				  UINT64_C(1) << FD_UNLOCK_CONFIGURED;
	if (name == ROOM_UNLOCK && seal != 0 && identity != 0)
		room->plan.fds |= UINT64_C(1) << FD_UNLOCK_NEW_IDENTITY;
	if (!sandbox_fds_exact(room->plan.fds))
		diag_fatal(
		    "%s is started by strongroomd only", rooms[name].name);
	if (name == ROOM_KEYD)
		room->plan.fds &= ~(UINT64_C(1) << FD_KEYD_UNLOCK);
}

void
room_enter(
    struct room *room, const struct sock_filter *filter, size_t filter_len)
{
	uint8_t first;

	if (filter_len == 0 || filter_len > BPF_MAXINSNS)
		diag_fatal("the filter's length is not possible");
	/* From 2.41 on glibc maps a page for getrandom() at its first use. */
	if (getrandom(&first, sizeof(first), 0) != sizeof(first))
		diag_fatal("the kernel gives no random bytes");
	room->plan.filter = filter;
	room->plan.filter_len = (unsigned short)filter_len;
	if (sandbox_enter(&room->plan, &room->report) != SR_OK) {
		diag_error("the sandbox cannot be entered; see the line above");
		exit(ROOM_EXIT_WALL);
	}
}
