/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_REPLAY_ENTRY_H
#define LEDGERD_REPLAY_ENTRY_H
/*
 * One entry of the journal, carried out again: its outcome and balances must
 * be those that stand there.
 */
#include <stdint.h>

#include "common/error.h"
#include "common/journal.h"

struct ledgerd;

/*
 * Opens the frame that stands at position under its segment's key and applies
 * its entry to the book.  SR_CRYPTO, SR_DAMAGED when it is not what it says,
 * SR_NO_SPACE, SR_MEMORY.
 */
enum sr_error replay_entry(struct ledgerd *ledgerd,
    const uint8_t segment_key[32], const struct journal_frame *frame,
    struct journal_position position);

/* The directory keys of all customers, before the replay. */
enum sr_error replay_fetch_directory_keys(struct ledgerd *ledgerd);

/* Wipes and releases them. */
void replay_forget_directory_keys(struct ledgerd *ledgerd);

/*
 * After the replay, before the keys are forgotten: customers whose erasure is
 * in the books and of whom keyd still has something are queued for it.
 */
void replay_queue_erasures(struct ledgerd *ledgerd);

#endif
