/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ORDERING_H
#define CLIENT_ORDERING_H
/*
 * Signing an order and learning what became of it, whatever happens in
 * between.  The signed bytes are kept on disk before they are sent
 * (kept.h), so the same command run again with the same reference never
 * books twice.
 */
#include <stddef.h>
#include <stdint.h>

#include "client/kept.h"
#include "client/bank.h"
#include "client/state.h"
#include "common/order.h"

/* What is to be done; the rest of the order the session knows. */
struct ordering {
	enum order_kind kind;
	uint64_t debit;
	uint64_t credit;
	int64_t amount_minor;
	uint64_t refers_to;
	uint8_t reference[ORDER_REFERENCE_LEN];
	const void *attachment;
	size_t attachment_len;
};

/* What became of it; sizes as in policy/messages.def. */
struct ordering_result {
	enum sr_error outcome; /* SR_OK or the reason of the decline */
	uint64_t leaf;
	uint64_t time_ms;
	uint64_t result;
	uint64_t account;
	int64_t balance_minor;
	uint8_t hash[ORDER_HASH_LEN]; /* of the order's 208 bytes */
	enum sr_error closed; /* with SR_CLOSED_FOR_ORDERS: why, or SR_OK */
	bool before;          /* it had been done by an earlier run */
	bool unproven;        /* with SR_UNKNOWN_OUTCOME: the bank says that it
				 is done and does not prove it */
};

/*
 * A reference from the text of --id: 1 to 16 of the characters A-Z a-z 0-9
 * . _ -, filled with zeros; SR_USAGE.  NULL draws 16 random bytes.
 */
enum sr_error ordering_reference(
    const char *text, uint8_t reference[ORDER_REFERENCE_LEN]);

/*
 * Submits the order and sees it through: an order kept under the reference
 * from an earlier run is asked after first, and is signed anew only where
 * the bank never applied it.  SR_OK: result->outcome holds, and the bank has
 * proved that it stands in its log (proven.h).  SR_DUPLICATE:
 * the reference is kept for another order.  SR_UNKNOWN_OUTCOME: run again
 * with the same reference.  Others as the bank refuses.
 */
enum sr_error ordering_submit(struct bank_session *session,
    const struct state *state, const struct ordering *ordering,
    struct ordering_result *result);

/*
 * The entry of an answered order that was kept under the reference, or of the
 * last one (NULL), as the bank proves it.  SR_NOT_FOUND when none was kept or
 * the bank remembers it no more; SR_UNKNOWN_OUTCOME.
 */
enum sr_error ordering_find(struct bank_session *session,
    const struct state *state, const uint8_t *reference, uint64_t *leaf);

/* Says on stderr, behind `who', why an order came to no outcome. */
void ordering_refused(
    const char *who, enum sr_error error, const struct ordering_result *result);

/*
 * Asks after every order of the signer that earlier runs left in doubt,
 * except the one with the reference `but' (or NULL), and says on stderr what
 * became of each.  What it calls not booked never will be: the session that
 * such an order names is ended by the bank.  Does nothing while another
 * process of this signer's has an order on its way.
 *
 * An order that the bank had acknowledged and does not have any more, because
 * it was restored with loss, is named, too, with its amount in that unit, and
 * set aside (kept.h).  SR_ROLLED_BACK when it is the one under `but': whoever
 * runs that again orders it anew.
 */
enum sr_error ordering_settle(struct bank_session *session,
    const struct state *state, const struct money_unit *unit,
    const uint8_t *but);

#endif
