/* SPDX-License-Identifier: ISC */
#ifndef KEYD_RESET_H
#define KEYD_RESET_H
/*
 * New credentials and keys for a customer who has lost password and recovery
 * code, by the word of two operators: they get a reset code, and whoever has
 * it may replace both credentials, the seed and the keys in one write.
 *
 * A code serves for one customer, until its time, and only as long as nothing
 * of the customer's credentials changes: giving one out is itself such a
 * change, so there is never more than one that serves.  None serves under
 * another origin of the log: a restore would bring used ones back.  Until it is
 * used everything of the customer's is in force.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/order.h"
#include "common/payload.h"

struct keyd;
struct pending;

/* What two operators have agreed on. */
struct reset_grant {
	struct order_reset is;
	uint64_t leaf; /* of the approval */
};

/*
 * Whether the USE_RESET entry may be logged: proof is the operators' RESET
 * request and its approval (keyd/proof.h), and the entry names that customer
 * and that approval.  *refused: logged, but no code is given: SR_SIGNATURE,
 * SR_KEYS_REPLACED when the customer has other keys than the request names,
 * SR_RESET_EXPIRED, SR_NOT_FOUND for one who is erased.  SR_MALFORMED,
 * SR_WRONG_BANK, SR_PARAMETERS, SR_NOT_FOUND: not to be logged at all; errors
 * of the disk are in k->failure, too.
 */
enum sr_error reset_check(struct keyd *k, const struct entry_event *use,
    const uint8_t *proof, size_t proof_len, struct reset_grant *grant,
    enum sr_error *refused);

/*
 * Makes every former code of the customer's void and answers that control
 * request with a new one, or with why there is none.  Gives back the error.
 */
enum sr_error reset_give(struct keyd *k, uint32_t request,
    const struct reset_grant *grant, enum sr_error refused);

/* Says whether M1's code serves now; before anything is evaluated. */
enum sr_error reset_allowed(struct keyd *k, struct pending *p);

/* Ends a handshake by a reset code, the first or the second: M5. */
enum sr_error reset_finish(
    struct keyd *k, struct pending *p, const struct payload_m3 *m3);

#endif
