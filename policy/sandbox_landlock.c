/* SPDX-License-Identifier: ISC */
/*
 * Landlock: no file can be opened but beneath the plan's directories, no TCP
 * port bound or connected, nobody outside signalled or reached by an abstract
 * socket.  It stands behind the empty root, and alone where namespaces are
 * forbidden.
 *
 * Numbers and structs are our own: Debian 12's headers know only a part.
 * Source: Linux, Documentation/userspace-api/landlock.rst.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/sandbox_steps.h"

/* The same on every architecture. */
#define SYSTEM_CALL_CREATE 444
#define SYSTEM_CALL_ADD 445
#define SYSTEM_CALL_RESTRICT 446

#define CREATE_VERSION 1U
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_DIR (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_DIR (UINT64_C(1) << 7)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define FS_REFER (UINT64_C(1) << 13)     /* ABI 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */

#define NET_BIND_TCP (UINT64_C(1) << 0) /* ABI 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

/* What a room with directories may do beneath them: files only, no
 * devices, links or sockets, nothing executed; directories where the plan
 * says so. */
#define FS_BENEATH                                                     \
	(FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_FILE | \
	    FS_MAKE_REG | FS_TRUNCATE)

struct ruleset {
	uint64_t fs;
	uint64_t net;   /* ABI 4 */
	uint64_t scope; /* ABI 6 */
};

struct path_beneath {
	uint64_t allowed;
	int32_t directory;
} __attribute__((packed));

static size_t
handle(int abi, struct ruleset *rules)
{
	rules->fs = FS_ABI_1;
	if (abi >= 2)
		rules->fs |= FS_REFER;
	if (abi >= 3)
		rules->fs |= FS_TRUNCATE;
	if (abi >= 5)
		rules->fs |= FS_IOCTL_DEV;
	if (abi < 4)
		return offsetof(struct ruleset, net);
	rules->net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi < 6)
		return offsetof(struct ruleset, scope);
	rules->scope = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return sizeof(*rules);
}

static uint32_t
missing_below(int abi)
{
	return (abi < 3 ? (uint32_t)SANDBOX_LANDLOCK_CUT : 0) |
	       (abi < 4 ? (uint32_t)SANDBOX_LANDLOCK_TCP : 0) |
	       (abi < 5 ? (uint32_t)SANDBOX_LANDLOCK_DEVICE : 0) |
	       (abi < 6 ? (uint32_t)SANDBOX_LANDLOCK_SCOPE : 0);
}

static bool
restrict_self(const struct sandbox_plan *plan, int fd, uint64_t handled)
{
	for (size_t i = 0; i < plan->directory_count; i++) {
		struct path_beneath rule = {
		    .allowed = FS_BENEATH & handled,
		    .directory = plan->directories[i].fd,
		};

		if (plan->directories[i].has_directories)
			rule.allowed |= FS_MAKE_DIR | FS_REMOVE_DIR;
		if (syscall(SYSTEM_CALL_ADD, fd, RULE_PATH_BENEATH, &rule, 0) !=
		    0)
			return sandbox_failed("Landlock: a directory");
	}
	if (syscall(SYSTEM_CALL_RESTRICT, fd, 0) != 0)
		return sandbox_failed("Landlock");
	return true;
}

bool
sandbox_restrict_files(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	struct ruleset rules = {0};
	long abi, fd;
	size_t len;
	bool ok;

	abi = syscall(SYSTEM_CALL_CREATE, NULL, 0, CREATE_VERSION);
	if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
		report->missing |= SANDBOX_LANDLOCK;
		return true;
	}
	if (abi < 1)
		return sandbox_failed("Landlock's version");
	report->landlock_abi = (int)abi;
	report->missing |= missing_below((int)abi);
	len = handle((int)abi, &rules);
	fd = syscall(SYSTEM_CALL_CREATE, &rules, len, 0);
	if (fd < 0)
		return sandbox_failed("a Landlock ruleset");
	ok = restrict_self(plan, (int)fd, rules.fs);
	if (close((int)fd) != 0 && ok)
		return sandbox_failed("closing the Landlock ruleset");
	return ok;
}
