/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_CONTROL_H
#define CLIENT_CTL_CONTROL_H
/*
 * Asking a running bank over its control socket (policy/control.h).
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "policy/control.h"

/*
 * Connects to the socket at path.  SR_UNREACHABLE (with a line on stderr
 * that says what to do), SR_PERMISSION.
 */
enum sr_error control_open(const char *path, int *fd);

/* The same without a word, for whoever does without: errno says why. */
enum sr_error control_try(const char *path, int *fd);

/*
 * Sends one encoded message to a room and waits at most 10 s for its answer,
 * of which *body points into the packet room at `packet`
 * (CONTROL_PACKET_MAX bytes).  SR_OK when the answer has the type `expected`;
 * what control_refused says if that came instead; SR_UNREACHABLE,
 * SR_MALFORMED.
 */
enum sr_error control_ask(int fd, enum control_room room, const void *message,
    size_t message_len, uint8_t expected, uint8_t *packet, const uint8_t **body,
    size_t *body_len);

/*
 * As control_ask(), but waits at most wait_ms, and the descriptor `hand` goes
 * along (-1: none); the caller closes its own.
 */
enum sr_error control_ask_handing(int fd, enum control_room room,
    const void *message, size_t message_len, int hand, int wait_ms,
    uint8_t expected, uint8_t *packet, const uint8_t **body, size_t *body_len);

#endif
