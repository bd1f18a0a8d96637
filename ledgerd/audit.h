/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_AUDIT_H
#define LEDGERD_AUDIT_H
/*
 * The plain audit log audit/audit.log: one line an entry, written when the
 * entry is signed: time (UTC), leaf index, class, outcome.  No names, no
 * amounts, nothing that a client chose.
 */
#include <stddef.h>

#include "common/error.h"
#include "common/journal.h"

struct ledgerd;

/* Opens the log at its end. */
enum sr_error audit_open(struct ledgerd *ledgerd);

/* The line of one entry, with its line feed and NUL. */
void audit_line(const struct journal_leaf *leaf, enum sr_error outcome,
    uint8_t *line, size_t room);

/*
 * Appends the lines of the batch; not synced: the journal is the record.  What
 * a full or read-only disk does not take is lost and counted in audit_lost.
 */
enum sr_error audit_append(struct ledgerd *ledgerd);

#endif
