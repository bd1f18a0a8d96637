/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_KEYD_LINK_H
#define LEDGERD_KEYD_LINK_H
/*
 * Questions to keyd, each with its answer.  keyd waits for nobody, so ledgerd
 * may wait here; log-ins that keyd announces meanwhile are queued.
 *
 * Besides what is named, each function gives SR_CLOSED when keyd is gone,
 * SR_IO, and SR_INTERNAL when keyd says what cannot be true.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/error.h"

struct ledgerd;
struct message_tree_start;
struct message_key_use;
struct message_restore_sign;

enum keyd_answer {
	KEYD_BANK = 1 << 0,
	KEYD_HEAD = 1 << 1,
	KEYD_SEGMENT_KEY = 1 << 2,
	KEYD_GENESIS = 1 << 3,
	KEYD_USED = 1 << 4,
	KEYD_TERMINALS = 1 << 5,
	KEYD_DIRECTORY_KEYS = 1 << 6,
	KEYD_SNAPSHOTS = 1 << 7,
	KEYD_SNAPSHOT_KEY = 1 << 8,
	KEYD_RESTORE = 1 << 9,
	KEYD_ROTATION = 1 << 10,
	KEYD_ATTESTATION = 1 << 11,
};

/* Fills ledgerd->keyd with the bank's public facts. */
enum sr_error keyd_bank(struct ledgerd *ledgerd);

/* Presents the newest checkpoint; keyd's head, or its reason, in keyd.head. */
enum sr_error keyd_tree_start(
    struct ledgerd *ledgerd, const struct message_tree_start *start);

/* Appends count leaf hashes from index first; keyd's head in keyd.head. */
enum sr_error keyd_tree_append(struct ledgerd *ledgerd, uint64_t first,
    const uint8_t *leaves, size_t count);

/* The key of a segment; SR_NOT_ALLOWED when it is only given as a logged
 * operation (keyd/log_keys.h), or keyd's reason. */
enum sr_error keyd_segment_key(struct ledgerd *ledgerd, uint32_t segment,
    const uint8_t salt[32], uint8_t key[32]);

/* The identity key's signature over leaf 0, or keyd's reason. */
enum sr_error keyd_genesis_sign(struct ledgerd *ledgerd, const uint8_t *genesis,
    size_t len, uint8_t signature[64]);

/* The restore note for that head in keyd.restore_note, or keyd's reason. */
enum sr_error keyd_restore_sign(
    struct ledgerd *ledgerd, const struct message_restore_sign *sign);

/* The rotation note on the head of that size, which must be keyd's own, in
 * keyd.rotation_note; or keyd's reason. */
enum sr_error keyd_rotate_sign(struct ledgerd *ledgerd, uint64_t size);

/*
 * The snapshots that stand in the log that keyd has signed, the newest first;
 * their number, at most 2, in *count.  Fills in ledgerd->snapshots.certified.
 */
enum sr_error keyd_snapshots(struct ledgerd *ledgerd,
    struct entry_snapshot snapshots[2], unsigned *count);

/* The key of a snapshot, or keyd's reason. */
enum sr_error keyd_snapshot_key(struct ledgerd *ledgerd, uint32_t number,
    const uint8_t salt[32], uint8_t key[32]);

/*
 * A logged operation: keyd.head and keyd.used are filled in; who is done with
 * keyd.used wipes the key in it.
 */
enum sr_error keyd_use(
    struct ledgerd *ledgerd, const struct message_key_use *use);

/* keyd's list of terminals, or of directory keys, in keyd.list; valid until
 * the next question. */
enum sr_error keyd_terminals(struct ledgerd *ledgerd);
enum sr_error keyd_directory_keys(struct ledgerd *ledgerd, uint64_t first);

/* Keys of the customer's that the books have not seen become a log-in without
 * a session (intake_attested()). */
enum sr_error keyd_attestation(struct ledgerd *ledgerd, uint64_t customer);

/* Says that the books have that attestation; errors are in ledgerd->fatal. */
void keyd_attested(
    struct ledgerd *ledgerd, uint64_t customer, const uint8_t hash[32]);

/* Takes what keyd has sent of its own accord, without waiting. */
enum sr_error keyd_listen(struct ledgerd *ledgerd);

#endif
