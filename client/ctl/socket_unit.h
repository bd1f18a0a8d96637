/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_SOCKET_UNIT_H
#define CLIENT_CTL_SOCKET_UNIT_H
/*
 * What systemd listens on in the bank's stead: strongroom.socket says so, and
 * for other addresses, or for an instance, a file beside it, systemd.unit(5),
 * "drop-in".
 */
#include <stddef.h>

/* The address of strongroom.socket itself, and of a bank without --listen. */
#define SOCKET_UNIT_ADDRESS "127.0.0.1:7420"

/*
 * Writes strongroom.socket.d/listen.conf, or that of
 * strongroom@INSTANCE.socket, beneath /etc/systemd/system, or of a user's own
 * bank beneath the directory that ctl_place_units() tells, where systemd is on
 * the machine and those are not the addresses of the unit itself.  What fails
 * is a line on stderr: the bank is founded all the same.
 */
void socket_unit_listen(
    const char *instance, const char *const *addresses, size_t count);

#endif
