/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_TILL_JOURNAL_H
#define CLIENT_ATM_TILL_JOURNAL_H
/*
 * A terminal's own journal: the one withdrawal that is under way, each step
 * on disk before it is taken.  What is found here at the next start says what
 * is owed to whom:
 *
 *	asked		the hold may be booked: it is looked for, and voided
 *	held		no cash is out: voided
 *	dispensing	cash may be out: posted in full
 *	dispensed	so much is out: posted, or voided for 0
 *
 * File till-NAME: "SRTILL01" | step u8 | 7 zeros | hold's reference 16
 * | settling order's reference 16 | account u64 | amount i64 | leaf u64
 * | dispensed i64.
 */
#include <stdint.h>

#include "client/state.h"
#include "common/error.h"
#include "common/order.h"

enum till_step {
	TILL_IDLE = 0,
	TILL_ASKED = 1,
	TILL_HELD = 2,
	TILL_DISPENSING = 3,
	TILL_DISPENSED = 4,
};

struct till_record {
	enum till_step step;
	uint8_t hold_reference[ORDER_REFERENCE_LEN];
	uint8_t settle_reference[ORDER_REFERENCE_LEN];
	uint64_t account; /* the customer's */
	int64_t amount_minor;
	uint64_t leaf;           /* of the hold, from TILL_HELD on */
	int64_t dispensed_minor; /* TILL_DISPENSED */
};

/*
 * Only who has the lock of the terminal's journal may look at it or change
 * it.  SR_BUSY while another process has it.
 */
enum sr_error till_journal_lock(
    const struct state *state, const char *terminal, int *lock);
void till_journal_unlock(int lock);

/*
 * Reads the record; one of TILL_IDLE when there is none.  SR_VERSION when a
 * newer program has written the file and SR_DAMAGED when it is not such a
 * record, both after a line on stderr; SR_IO.
 */
enum sr_error till_journal_load(const struct state *state, const char *terminal,
    struct till_record *record);

/*
 * Keeps the record of cash that is out and that the bank cannot book, as
 * the file unbooked-NAME-LEAF-REFERENCE, whose name goes to kept; then the
 * till is idle.
 */
enum sr_error till_journal_set_aside(const struct state *state,
    const char *terminal, const struct till_record *record,
    char kept[STATE_NAME_MAX]);

/* Replaces the record, durably before it returns; TILL_IDLE removes it. */
enum sr_error till_journal_save(const struct state *state, const char *terminal,
    const struct till_record *record);

#endif
