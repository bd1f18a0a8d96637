/* SPDX-License-Identifier: ISC */
/*
 * No capability and no foreign uid remains, nor a way to get one.  What was
 * dropped is read back: a drop that failed unnoticed is the classic hole.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/sandbox_steps.h"

#define CAPABILITY_NUMBERS 64 /* what two 32-bit sets can name */

/* Everything off and locked that could give uid 0 or an exec a capability. */
#define SECUREBITS                                                    \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |                       \
	    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | \
	    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static bool
capabilities_get(struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, sets) == 0;
}

static bool
capabilities_none(void)
{
	struct __user_cap_data_struct sets[2] = {0};

	if (!capabilities_get(sets))
		return false;
	if ((sets[0].effective | sets[0].permitted | sets[0].inheritable |
		sets[1].effective | sets[1].permitted | sets[1].inheritable) ==
	    0)
		return true;
	errno = EPERM;
	return false;
}

bool
sandbox_bound_privileges(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	struct __user_cap_data_struct sets[2] = {0};

	(void)plan;
	(void)report;
	if (!capabilities_get(sets))
		return sandbox_failed("reading capabilities");
	if ((sets[0].effective & 1U << CAP_SETPCAP) == 0) {
		/* An ordinary user without a namespace: nothing to bound. */
		return capabilities_none() ||
		       sandbox_failed("capabilities without CAP_SETPCAP");
	}
	for (unsigned long n = 0; n < CAPABILITY_NUMBERS; n++) {
		int has = prctl(PR_CAPBSET_READ, n, 0, 0, 0);

		if (has > 0 && prctl(PR_CAPBSET_DROP, n, 0, 0, 0) != 0)
			return sandbox_failed("the bounding set");
		if (has > 0 && prctl(PR_CAPBSET_READ, n, 0, 0, 0) != 0)
			return sandbox_failed("the bounding set stayed");
	}
	if (prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) != 0 ||
	    prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != (int)SECUREBITS)
		return sandbox_failed("securebits");
	return true;
}

static bool
become(uid_t uid, gid_t gid)
{
	uid_t uids[3];
	gid_t gids[3];

	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return sandbox_failed("becoming the room's user");
	if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) != 0)
		return sandbox_failed("reading uid and gid back");
	for (int i = 0; i < 3; i++) {
		if (uids[i] != uid || gids[i] != gid) {
			errno = EPERM;
			return sandbox_failed("uid or gid did not change");
		}
	}
	if (getgroups(0, NULL) != 0) {
		errno = EPERM;
		return sandbox_failed("groups remained");
	}
	return true;
}

bool
sandbox_change_user(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	(void)report;
	return plan->uid == SANDBOX_STAY || become(plan->uid, plan->gid);
}

bool
sandbox_drop_capabilities(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	(void)report;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return sandbox_failed("ambient capabilities");
	if (syscall(SYS_capset, &header, none) != 0)
		return sandbox_failed("capset");
	if (!capabilities_none())
		return sandbox_failed("capabilities remained");
	if (plan->uid != SANDBOX_STAY && setresuid(0, 0, 0) == 0) {
		errno = EPERM;
		return sandbox_failed("root could be had back");
	}
	return true;
}
