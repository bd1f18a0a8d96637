/* SPDX-License-Identifier: ISC */
#ifndef POLICY_CONTROL_H
#define POLICY_CONTROL_H
/*
 * The control socket D/run/control: a unix SOCK_SEQPACKET socket of
 * strongroomd's, mode 0600, on which root and the uid that runs strongroomd
 * may ask (SO_PEERCRED is checked).  Each packet is one byte that names a
 * room and one message from `control` to that room (policy/messages.def);
 * strongroomd answers those to itself and hands the others on unparsed.
 * Each request has exactly one answer, in the same form; a packet that is
 * empty, names no room or is too large closes the connection.
 *
 * With `unlock' one descriptor may come (SCM_RIGHTS): the read end of a pipe
 * that holds the whole passphrase and has no writer any more.  It goes to
 * strongroom-unlock unread.  Descriptors with other messages are closed.
 */

enum control_room {
	CONTROL_MONITOR = 0,
	CONTROL_KEYD = 1,
	CONTROL_NETD = 2,
	CONTROL_LEDGERD = 3,
};

/* Room byte and message. */
#define CONTROL_PACKET_MAX (1 + 8192)

/* Bytes of a file in one answer (the message backup_piece). */
#define CONTROL_PIECE_LEN 8000

#endif
