/* SPDX-License-Identifier: ISC */
#ifndef POLICY_FDS_H
#define POLICY_FDS_H
/*
 * The file descriptors with which strongroomd starts each room, and the only
 * ones: sandbox_enter() refuses a room that holds one more or one less.  The
 * policies name these numbers, so a room cannot use a link in another way
 * than is written there.
 *
 * 0 and 1 are /dev/null, 2 is stderr.  3 is the control link to strongroomd.
 * The links between the rooms and the control links are AF_UNIX
 * SOCK_SEQPACKET socketpairs, non-blocking (a room waits with poll or epoll),
 * with send buffers of 1 MiB where the system allows it, never below four of
 * the longest packets.  A listening socket is non-blocking, too.  A new netd
 * gets the links of the old one: what the old one had sent is still in them,
 * with its generation; what was sent to it is gone or is still there.
 *
 * The lock (D/run/lock) is held by flock on one open file description that
 * strongroomd and all rooms share: it is free only when the last of them has
 * gone.  A room does nothing with it.
 */

enum {
	FD_STDERR = 2,
	FD_CONTROL = 3,

	/* keyd */
	FD_KEYD_NETD = 4,
	FD_KEYD_LEDGERD = 5,
	FD_KEYD_UNLOCK = 6, /* pipe: root 32, or root 32 | identity 32;
			       read to its end and closed before the sandbox */
	FD_KEYD_STATE = 7,  /* D/keyd/state ... read and write */
	FD_KEYD_CREDENTIALS = 8,
	FD_KEYD_LIMITS = 9,
	FD_KEYD_TERMINALS = 10,
	FD_KEYD_LOCK = 11,

	/* netd */
	FD_NETD_KEYD = 4,
	FD_NETD_LEDGERD = 5,
	FD_NETD_LOCK = 6,
	FD_NETD_LISTEN = 7, /* the first of --listeners sockets */
	NETD_LISTENERS_MAX = 16,

	/* ledgerd */
	FD_LEDGERD_NETD = 4,
	FD_LEDGERD_KEYD = 5,
	FD_LEDGERD_LEDGER = 6, /* the directory D/ledger: for openat and the
				  like, before and after the sandbox */
	FD_LEDGERD_AUDIT = 7,  /* the directory D/audit */
	FD_LEDGERD_LOCK = 8,

	/*
	 * strongroom-unlock has no control link.  To unlock it reads the
	 * sealed files, to init it writes them (new, empty, read and write).
	 * FD_UNLOCK_IDENTITY is there only with --identity 1.  With --seal it
	 * reads the present files and writes the new ones (likewise empty);
	 * then FD_UNLOCK_SECRET and FD_UNLOCK_PIPE are the socket of whoever
	 * asked for the change, and FD_UNLOCK_CONFIGURED is what the
	 * configuration opens the bank with, or empty.  What it has done it
	 * tells through FD_UNLOCK_TOLD, without a secret, for the journal.
	 */
	FD_UNLOCK_SECRET = 3,
	FD_UNLOCK_PIPE = 4, /* write end of FD_KEYD_UNLOCK */
	FD_UNLOCK_ROOT = 5,
	FD_UNLOCK_LOCK = 6,
	FD_UNLOCK_IDENTITY = 7,
	FD_UNLOCK_NEW_ROOT = 8,
	FD_UNLOCK_NEW_IDENTITY = 9,
	FD_UNLOCK_CONFIGURED = 10, /* with --seal */
	FD_UNLOCK_TOLD = 11,       /* pipe to strongroomd: one seal_event.h */
};

#endif
