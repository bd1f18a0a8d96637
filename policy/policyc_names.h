/* SPDX-License-Identifier: ISC */
#ifndef POLICY_POLICYC_NAMES_H
#define POLICY_POLICYC_NAMES_H
/*
 * The names that a policy may use for numbers: the fds of fds.h and the flags
 * of the system calls.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "policy/fds.h"

#define NAME(constant)                          \
	{                                       \
#constant, (uint32_t)(constant) \
	}

static const struct {
	const char *name;
	uint64_t value;
} policyc_names[] = {
    NAME(FD_STDERR),
    NAME(FD_CONTROL),
    NAME(FD_KEYD_NETD),
    NAME(FD_KEYD_LEDGERD),
    NAME(FD_KEYD_STATE),
    NAME(FD_KEYD_CREDENTIALS),
    NAME(FD_KEYD_LIMITS),
    NAME(FD_KEYD_TERMINALS),
    NAME(FD_NETD_KEYD),
    NAME(FD_NETD_LEDGERD),
    NAME(FD_NETD_LISTEN),
    NAME(FD_LEDGERD_NETD),
    NAME(FD_LEDGERD_KEYD),
    NAME(FD_LEDGERD_LEDGER),
    NAME(FD_LEDGERD_AUDIT),
    NAME(FD_UNLOCK_SECRET),
    NAME(FD_UNLOCK_PIPE),
    NAME(FD_UNLOCK_ROOT),
    NAME(FD_UNLOCK_IDENTITY),
    NAME(FD_UNLOCK_NEW_ROOT),
    NAME(FD_UNLOCK_NEW_IDENTITY),
    NAME(FD_UNLOCK_CONFIGURED),
    NAME(FD_UNLOCK_TOLD),
    NAME(PROT_READ),
    NAME(PROT_WRITE),
    NAME(PROT_EXEC),
    NAME(MAP_TYPE),
    NAME(MAP_PRIVATE),
    NAME(MAP_ANONYMOUS),
    NAME(MAP_FIXED),
    NAME(MREMAP_MAYMOVE),
    NAME(SOCK_NONBLOCK),
    NAME(SOCK_CLOEXEC),
    NAME(MSG_NOSIGNAL),
    NAME(MSG_DONTWAIT),
    NAME(SOL_SOCKET),
    NAME(SO_PEERCRED),
    NAME(AT_REMOVEDIR),
};

#define POLICYC_NAME_COUNT (sizeof(policyc_names) / sizeof(policyc_names[0]))

#endif
