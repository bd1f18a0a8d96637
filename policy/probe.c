/* SPDX-License-Identifier: ISC */
/*
 * strongroom-probe: stands where a room stands, behind the same walls, and
 * tries one thing that the room must not be able to do.  Started by
 * strongroomd --prove, once an attempt; does nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/keyd_policy.h"
#include "gen/ledgerd_policy.h"
#include "gen/netd_policy.h"
#include "policy/prove.h"
#include "policy/room.h"

static uint8_t page[4096] __attribute__((aligned(4096)));
static const char path[] = "/etc/passwd";

/* syscall(2) leaves what is not given undefined; here it is zero. */
#define call(...) syscall(__VA_ARGS__, 0L, 0L, 0L, 0L, 0L, 0L)

#if defined(__x86_64__)
static long
int80(void)
{
	long result = 20; /* getpid, as 32-bit programs number it */

	__asm__ volatile("int $0x80" : "+a"(result) : : "memory");
	return result;
}
#endif

static long
attempt(uint64_t number)
{
	uint64_t row = 0;

#define ATTEMPT(words, expression) \
	if (row++ == number)       \
		return (expression);
#include "policy/attempts.def"
#undef ATTEMPT
	diag_fatal("there is no such attempt");
}

/* The options are read twice: which room it is decides how it starts. */
static enum room_name
room_of(int argc, char *const argv[])
{
	static const char *const numbers[] = {
	    [ROOM_KEYD] = "0", [ROOM_NETD] = "1", [ROOM_LEDGERD] = "2"};

	for (int i = 1; i + 1 < argc; i += 2)
		for (int room = 0; room <= ROOM_LEDGERD; room++)
			if (strcmp(argv[i], "--room") == 0 &&
			    strcmp(argv[i + 1], numbers[room]) == 0)
				return (enum room_name)room;
	diag_fatal("strongroom-probe is started by strongroomd only");
}

static void
enter(struct room *room)
{
	if (room->name == ROOM_KEYD) {
		if (close(FD_KEYD_UNLOCK) != 0)
			diag_fatal("the pipe does not close");
		room_enter(room, keyd_policy, KEYD_POLICY_LEN);
	} else if (room->name == ROOM_NETD) {
		room_enter(room, netd_policy, NETD_POLICY_LEN);
	} else {
		room_enter(room, ledgerd_policy, LEDGERD_POLICY_LEN);
	}
}

int
main(int argc, char *argv[])
{
	uint64_t name = 0, number = 0;
	const struct room_option options[] = {
	    {"room", &name, 0, ROOM_LEDGERD},
	    {"attempt", &number, 0, ATTEMPTS - 1},
	};
	struct room room;

	room_start(&room, room_of(argc, argv), argc, argv, options, 2);
	enter(&room);
	_exit(attempt(number) >= 0 ? PROBE_POSSIBLE : PROBE_REFUSED);
}
