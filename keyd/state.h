/* SPDX-License-Identifier: ISC */
#ifndef KEYD_STATE_H
#define KEYD_STATE_H
/*
 * What keyd must never forget: the tree it has signed, the certificate in
 * force, and which generation each credential has.  Two slots of 4096 bytes,
 * written in turn, each with a counter and a MAC:
 *
 *	magic 8 "SRSTATE5" | counter 8 | bank id 32 | identity key 32
 *	| log-key epoch 4 | flags 4 (1: leaf 0 may be appended, 2: a copy)
 *	| customers 8 | digest 32 | intent: customer 8, from 8, to 8
 *	| certificate 256 | frontier (merkle.h)
 *	| the last snapshot and the one before, 52 each: number 4, size 8,
 *	  segment 4, offset 4, hash 32; number 0: none
 *	| old segments' keys: hour since 1970 8, given in it 4, ever 8
 *	| the last snapshot that an auditor has signed: likewise 52, leaf 8
 *	| the one before which all is retired: likewise 52, leaf 8
 *	| founded ms 8, 0: not known | 24 keys by their numbers
 *	  (common/key_table.def), 16 each: epoch 4, the former one 4 (0: none),
 *	  uses up to which it may be used 8
 *	| terminals: digest 32, that which is to come 32, zeros: not known
 *	| zeros up to 4064 | MAC 32
 *
 * Versions 1 to 4, which end after the snapshot before the last, after the
 * one that is signed, after the one before which all is retired, and after the
 * keys, are read, too: where there are no keys, all are of epoch 1, and nobody
 * has counted uses.  Of the log key only the uses stand there: its epoch is
 * the one above.
 *
 * Digest: PRF of the XOR over all customers of PRF(customer | generation), so
 * that an old credential put back in its place is noticed.  Intent: the one customer
 * whose credential is about to go from one generation to the next, because
 * two files cannot be written at once.  Terminals' digest (terminals.h) is for
 * the same; both of them are the same when none is about to change.
 *
 * A copy: these are the files of a backup.  A keyd that finds this signs
 * nothing new until strongroomctl restore has shown that no later head was
 * ever signed; so a backup that is copied into place cannot fork the bank.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/certificate.h"
#include "common/entry.h"
#include "common/env.h"
#include "common/key_table.h"
#include "common/merkle.h"
#include "keyd/terminals.h"

enum { STATE_SLOT_LEN = 4096, STATE_LEN = 2 * STATE_SLOT_LEN };

struct state_intent {
	uint64_t customer; /* 0: none */
	uint64_t from;
	uint64_t to;
};

/* Keys of segments before the last snapshots that were given. */
struct state_old_keys {
	uint64_t hour; /* since 1970, of the last one */
	uint32_t given;
	uint64_t ever;
};

/* Of one key: key_table.h. */
struct state_key {
	uint32_t epoch;
	uint32_t former; /* 0: none is left */
	uint64_t uses;   /* it may have been used so often */
};

struct state {
	uint64_t counter;
	uint8_t bank_id[BANK_ID_LEN];
	uint8_t identity[PUBLIC_KEY_LEN];
	uint32_t log_epoch;
	bool genesis_signed;
	bool copy;
	uint64_t customers; /* ids 1 to customers are in use */
	uint8_t digest[32];
	struct state_intent intent;
	uint8_t certificate[CERTIFICATE_LEN];
	struct merkle_frontier frontier;
	/* the last one and the one before; number 0: none */
	struct entry_snapshot snapshot[2];
	struct state_old_keys old_keys;
	struct entry_snapshot certified; /* number 0: none */
	uint64_t certified_leaf;         /* of the auditor's order */
	/* no key of a segment before its own is given: log_keys.h */
	struct entry_snapshot cut; /* number 0: none */
	uint64_t cut_leaf;         /* of the operators' approval */
	uint64_t founded_ms;       /* 0: not known */
	struct state_key key[KEY_PLACES];
	uint8_t terminals[TERMINALS_DIGEST_LEN];
	uint8_t terminals_next[TERMINALS_DIGEST_LEN];
};

struct state_file {
	struct env *env;
	env_file file;
	const uint8_t *mac_key; /* 32 bytes */
};

/* The first epoch of each key, never used. */
void state_keys_init(struct state *state);

/* Opens the file "state"; mac_key must outlive f.  Errors as env_open. */
enum sr_error state_file_open(
    struct state_file *f, struct env *env, const uint8_t mac_key[32]);

/*
 * Reads the newer of the valid slots.  SR_VERSION: one of them, valid or not
 * for us, is of a later version; SR_NOT_FOUND: the file is as before its first
 * complete save, shorter than two slots or without a valid one and the first
 * of zeros; SR_DAMAGED: no slot is valid.  *lone: the other slot was not valid;
 * whether the present one is the last is then for tree_start to say.
 */
enum sr_error state_load(
    const struct state_file *f, struct state *state, bool *lone);

/*
 * Writes the slot that was loaded again, the same bytes in the same place,
 * and syncs: who wrote it may have ended because its sync failed, and what
 * was read is then in memory only.  To be called before the first save, which
 * writes over the other slot.  SR_DAMAGED: the slot now reads differently;
 * any error is the end of keyd.
 */
enum sr_error state_confirm(
    const struct state_file *f, const struct state *state);

/*
 * Adds one to the counter, writes the slot that is not the newest and syncs.
 * Any error is the end of keyd: what is on disk is not known then.
 */
enum sr_error state_save(const struct state_file *f, struct state *state);

/*
 * Reads a slot that state_copy() has made.  SR_DAMAGED when it is none of
 * ours, SR_VERSION.
 */
enum sr_error state_read_copy(const struct state_file *f, const uint8_t *slot,
    size_t len, struct state *state);

/*
 * The slot that state_save() would write next, but marked as a copy, for a
 * backup; nothing is written and state stays as it is.
 */
enum sr_error state_copy(const struct state_file *f, const struct state *state,
    uint8_t slot[STATE_SLOT_LEN]);

#endif
