/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_BATCH_H
#define LEDGERD_BATCH_H
/*
 * One batch: entries that become durable and signed together.  The steps, in
 * their only order:
 *
 *	batch_begin	room in the open segment, or the next one
 *	batch_add	seals an entry into a frame; any number of times
 *	batch_write	frames and COMMIT into the segment, fdatasync
 *	batch_sign	keyd extends its tree, persists, signs; roots compared
 *	batch_publish	the leaves for the public tree, the audit log
 *
 * SR_NO_SPACE and SR_READ_ONLY of batch_begin mean that the disk has refused
 * to be written to, and that nothing has happened.  Any other error of any of
 * them ends the room: what the batch holds is then not
 * acknowledged to anybody, and the next start finds out what became of it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/journal.h"

struct ledgerd;

enum sr_error batch_begin(struct ledgerd *ledgerd);

/* A batch that takes no entry: closed tells why, or SR_OK: none is wanted. */
void batch_begin_without(struct ledgerd *ledgerd, enum sr_error closed);

/* True while an entry of any size still fits. */
bool batch_has_room(const struct ledgerd *ledgerd);

/* The index that the next entry's leaf will have. */
uint64_t batch_next_leaf(const struct ledgerd *ledgerd);

/*
 * Seals one entry.  plain: in: committed part and touched accounts; out: the
 * salt.  *position tells where the frame will stand; *leaf, unless NULL, all
 * fields of the leaf.
 */
enum sr_error batch_add(struct ledgerd *ledgerd, struct journal_plain *plain,
    struct journal_position *position, struct journal_leaf *leaf);

enum sr_error batch_write(struct ledgerd *ledgerd);
enum sr_error batch_sign(struct ledgerd *ledgerd);
enum sr_error batch_publish(struct ledgerd *ledgerd);

/* Compares keyd's answer with the tree of the batch and makes it ours. */
enum sr_error batch_take_head(struct ledgerd *ledgerd);

/* Makes ledgerd->checkpoint from keyd's head; tiles.h publishes it. */
void batch_make_checkpoint(struct ledgerd *ledgerd);

#endif
