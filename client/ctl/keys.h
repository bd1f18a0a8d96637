/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_KEYS_H
#define CLIENT_CTL_KEYS_H
/* The table of the bank's keys, as keyd tells it (common/key_table.h). */
#include <stddef.h>

#include "common/error.h"
#include "common/key_table.h"

struct ctl_keys {
	size_t count;
	struct key_entry entry[2 * KEY_PLACES]; /* each with a former epoch */
};

/*
 * Asks a running bank over the control socket fd; no line on stderr.
 * SR_MALFORMED, and the errors of control_ask().
 */
enum sr_error ctl_keys_get(int fd, struct ctl_keys *keys);

#endif
