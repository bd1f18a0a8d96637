/* SPDX-License-Identifier: ISC */
/*
 * strongroomd itself, once the bank runs, keeps no more power than it needs.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/strongroomd.h"

/*
 * As root: from now on only what building the rooms' walls and ending the
 * rooms takes; the bounding set keeps exec from giving the rest back.
 * CAP_IPC_LOCK: after a lock keyd locks its memory as at the first start,
 * whatever RLIMIT_MEMLOCK is.  Containers give CAP_DAC_OVERRIDE and not
 * CAP_DAC_READ_SEARCH, which is all that opening the rooms' files again takes.
 */
static bool
drop(void)
{
	uint32_t kept = 1U << CAP_SYS_ADMIN | 1U << CAP_SETPCAP |
			1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL |
			1U << CAP_DAC_READ_SEARCH | 1U << CAP_IPC_LOCK;
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	if (geteuid() != 0)
		return true;
	if (syscall(SYS_capget, &header, sets) != 0)
		return false;
	if ((sets[0].permitted & 1U << CAP_DAC_READ_SEARCH) == 0)
		kept |= 1U << CAP_DAC_OVERRIDE;
	for (unsigned n = 0; n < 64; n++)
		if ((n >= 32 || (kept >> n & 1) == 0) &&
		    prctl(PR_CAPBSET_READ, n, 0, 0, 0) > 0 &&
		    prctl(PR_CAPBSET_DROP, n, 0, 0, 0) != 0)
			return false;
	sets[0].permitted &= kept;
	sets[0].effective = sets[0].permitted;
	sets[0].inheritable = 0;
	memset(&sets[1], 0, sizeof(sets[1]));
	return syscall(SYS_capset, &header, sets) == 0;
}

enum sr_error
monitor_drop_privileges(void)
{
	if (drop())
		return SR_OK;
	diag_error("privileges cannot be dropped: %s", strerror(errno));
	return SR_IO;
}
