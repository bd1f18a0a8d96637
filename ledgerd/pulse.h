/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_PULSE_H
#define LEDGERD_PULSE_H
/*
 * The end of a pulse's way, by which strongroomd knows that the bank lives: a
 * write to the disk that the journal is on, synced, and then the answer.
 *
 * Eight bytes in ledger/pulse, made where they are not there; nobody reads
 * them.  Once they are there they are rewritten in place, which takes no room.
 * A disk that is full or read-only refuses: that closes the bank for orders
 * (admission.h) and does not end it, so the answer comes all the same.  Whatever
 * fails ends the room.
 *
 * At most one write in PULSE_MS, whatever comes: the newest pulse waits for the
 * next one, the older ones get no answer.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct ledgerd;

enum { PULSE_MS = 250 };

struct pulse {
	bool waits;
	uint64_t number;     /* of the one that waits */
	uint64_t written_ms; /* boot clock; when the last write began */
};

/*
 * In each turn of the loop, once the answers have left.  SR_OK, or what the
 * disk said, after a line that names the file: the room must end.
 */
enum sr_error pulse_step(struct ledgerd *ledgerd);

/* For how long the loop may wait before the next step; -1: for ever. */
int pulse_wait_ms(const struct ledgerd *ledgerd, int timeout_ms);

#endif
