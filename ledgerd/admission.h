/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_ADMISSION_H
#define LEDGERD_ADMISSION_H
/*
 * Whether the bank takes orders just now.  While it does not, nothing is
 * journaled, no sequence number is consumed, and balances, statements and
 * the log-ins of those whose accounts are open go on.  It is closed while
 *
 *	SR_READ_ONLY	the disk of the journal is read-only
 *	SR_NO_SPACE	it has less left than params.reserve, or no room for
 *			that and the next segment, or has refused a write
 *	SR_CLOCK	the clock was moved by more than ADMISSION_CLOCK_MS
 *			against CLOCK_BOOTTIME since the start, or stood so
 *			far behind the last entry at the start, and no
 *			operator has said yet that it is right
 *
 * With the first two it opens again by itself.  Each change is one line of
 * diagnostics.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct ledgerd;

enum {
	ADMISSION_CLOCK_MS = 10 * 60 * 1000,
	/* How often a closed bank looks whether it may open. */
	ADMISSION_RETRY_MS = 1000,
	/* How often an idle one looks whether it must close. */
	ADMISSION_IDLE_MS = 10000,
};

struct admission {
	enum sr_error closed;  /* why; SR_OK: orders are taken */
	enum sr_error refused; /* what the disk said to a write, until it
				  takes one */
	bool clock;            /* the clock waits for an operator */
	uint64_t free;         /* bytes, when last looked at */
	uint64_t looked_ms;    /* CLOCK_BOOTTIME */
	uint64_t refused_ms;   /* likewise, when `refused' was set */
	uint64_t since_ms;     /* the clock's reference: CLOCK_REALTIME */
	uint64_t since_boot_ms;
};

/* What ledgerd makes of the clock. */
struct admission_clock {
	uint64_t now_ms;
	uint64_t expected_ms; /* at the start: the last entry's time */
	uint64_t last_entry_ms;
};

/*
 * After the replay: the clock's reference, and a first look.  SR_IO: the file
 * system cannot be asked.
 */
enum sr_error admission_start(struct ledgerd *ledgerd);

/*
 * Looks; before every batch that may hold entries, so that an order finds the
 * bank open as soon as there is room.  What the disk has refused is tried again
 * after ADMISSION_RETRY_MS only.  The answer is in ledgerd->admission.closed.
 * SR_IO as above ends the room.
 */
enum sr_error admission_look(struct ledgerd *ledgerd);

/*
 * The disk has refused a write of which nothing has come to anything, by
 * SR_NO_SPACE or SR_READ_ONLY: closed until it takes one.
 */
void admission_refused(struct ledgerd *ledgerd, enum sr_error why);

/*
 * The disk has taken what it refused before: looks at once whether that was
 * all that kept the bank closed.  SR_IO as above.
 */
enum sr_error admission_taken(struct ledgerd *ledgerd);

/* True where an error means only that the disk is full or read-only. */
bool admission_is_refusal(enum sr_error error);

/* Whether what the disk refused may be tried again now. */
bool admission_retries(const struct ledgerd *ledgerd);

/* In each turn of the loop: looks when it has not done so for long enough. */
enum sr_error admission_now_and_then(struct ledgerd *ledgerd);

/* For how long the loop may wait before the next look. */
int admission_wait_ms(const struct ledgerd *ledgerd, int timeout_ms);

struct admission_clock admission_clock(const struct ledgerd *ledgerd);

/*
 * An operator says that the clock is right: journaled, and the reference from
 * now on.  SR_ALREADY when nothing waits for that; SR_NO_SPACE, SR_READ_ONLY
 * when it cannot be journaled now.  ledgerd->fatal is set by what ends the
 * room.
 */
enum sr_error admission_confirm_clock(struct ledgerd *ledgerd);

#endif
