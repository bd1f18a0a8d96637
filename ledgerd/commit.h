/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_COMMIT_H
#define LEDGERD_COMMIT_H
/*
 * The commit path: what is waiting becomes durable, signed, and only then
 * answered (DESIGN section 7).
 */
#include <stdbool.h>

#include "common/entry.h"
#include "common/error.h"
#include "common/journal.h"

struct ledgerd;
struct operation;

/* True when something waits. */
bool commit_has_work(const struct ledgerd *ledgerd);

/*
 * One commit of whatever is waiting, bounded.  Afterwards its items and
 * openings may be answered (answer_all).  Any error ends the room.
 */
enum sr_error commit_waiting(struct ledgerd *ledgerd);

/* Journals one event of class system in a batch of its own. */
enum sr_error commit_system(
    struct ledgerd *ledgerd, const struct entry_event *event);

/* At start: what is queued for keyd; where the disk refuses, later. */
enum sr_error commit_operations(struct ledgerd *ledgerd);

/*
 * Journals the use of a key and has keyd do it.  *done is keyd's result; the
 * function's own error ends the room.  An old segment's key is in
 * ledgerd->keyd.used then, for the caller to take and to wipe.
 */
enum sr_error commit_operation(struct ledgerd *ledgerd,
    const struct operation *operation, enum sr_error *done);

/*
 * Journals the SYSTEM entry of a snapshot, and has keyd note it; the time is
 * set here.  Any error ends the room.
 */
enum sr_error commit_snapshot(
    struct ledgerd *ledgerd, struct entry_event *event);

/*
 * Journals a restore or rotation note, of which keyd appends the leaf under
 * the new origin, and tells the salt of its leaf.  Nothing is published yet.
 * Any error ends the room.
 */
enum sr_error commit_note(struct ledgerd *ledgerd, const uint8_t *note,
    size_t len, uint8_t salt[JOURNAL_SALT_LEN]);

/* Journals leaf 0. */
enum sr_error commit_genesis(
    struct ledgerd *ledgerd, const uint8_t genesis[ENTRY_GENESIS_LEN]);

#endif
