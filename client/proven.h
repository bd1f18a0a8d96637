/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_PROVEN_H
#define CLIENT_PROVEN_H
/*
 * Whether the bank proves what it says of an order.  An answer comes from
 * ledgerd, which may be in somebody's hands; what counts is keyd's signature
 * over a tree in which exactly this order with this outcome is.
 *
 * The newest head that was seen is remembered in the state directory, file
 * "head": magic 8 "SRHEAD01" | epoch 4 | zero 4 | size 8 | root 32.  So are
 * the own attestations under which orders were proved, file
 * "attested-NAME-EPOCH": the bank gives out only those in force.
 */
#include "client/bank.h"
#include "client/kept.h"
#include "client/state.h"
#include "common/receipt.h"

/* A head of the log; size 0: none. */
struct proven_head {
	uint32_t epoch; /* of the origin */
	uint64_t size;
	uint8_t root[32];
};

/*
 * The newest head that was seen, before something is asked: an answer to it
 * cannot be older.  None is SR_OK, too.  SR_IO; SR_DAMAGED, after a line on
 * stderr.
 */
enum sr_error proven_head_load(
    const struct state *state, struct proven_head *seen);

/*
 * SR_OK if the answer proves that the kept order, with the answer's outcome
 * and time, is the answer's leaf of this session's bank, under a head that is
 * not older than `seen'; the head is then remembered.  SR_UNKNOWN_OUTCOME,
 * after a line on stderr, if it does not.
 */
enum sr_error proven_answer(const struct bank_session *session,
    const struct state *state, const struct proven_head *seen,
    const struct kept *kept, const struct message_order_answer *answer);

/*
 * Asks for the receipt of an entry and checks all of it.  SR_NOT_FOUND for
 * one that is not the signer's to have; SR_BUSY when the bank cannot prove it
 * at present; SR_ROLLED_BACK, SR_FORKED for an older head than was seen;
 * SR_CRYPTO, after a line on stderr, for a receipt that is not right; others
 * as bank_exchange().
 */
enum sr_error proven_receipt(struct bank_session *session,
    const struct state *state, const uint8_t identity[PUBLIC_KEY_LEN],
    uint64_t leaf, struct receipt *receipt, struct receipt_facts *facts);

#endif
