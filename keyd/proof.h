/* SPDX-License-Identifier: ISC */
#ifndef KEYD_PROOF_H
#define KEYD_PROOF_H
/*
 * The orders that a logged operation rests on, as ledgerd hands them over
 * with it: order, signature, attachment, one behind the other.  keyd takes
 * them for signed by the keys that it has attested itself; what role the
 * signers have only the books say.
 */
#include "common/buffer.h"
#include "common/order.h"

struct keyd;

/* An order as somebody has signed it; the pointers are into the proof. */
struct signed_order {
	struct order order;
	const uint8_t *bytes; /* ORDER_LEN, and the signature behind it */
	const uint8_t *attachment;
};

enum {
	PROOF_SIGNED_LEN = ORDER_LEN + ORDER_SIGNATURE_LEN,
	/* a request's length without its attachment, and its approval's */
	PROOF_REQUEST_LEN = 2 * PROOF_SIGNED_LEN + ORDER_APPROVE_LEN,
};

/*
 * The next order of a proof, of that kind, for this bank, and by somebody
 * whom keyd knows.  SR_MALFORMED, SR_WRONG_BANK, SR_PARAMETERS, SR_NOT_FOUND.
 */
enum sr_error proof_order(const struct keyd *k, struct reader *r,
    enum order_kind kind, size_t attachment_len, struct signed_order *out);

/* A request of that kind, and somebody else's approval of exactly that. */
enum sr_error proof_request(const struct keyd *k, struct reader *r,
    enum order_kind kind, size_t attachment_len, struct signed_order *request,
    struct signed_order *approval);

/*
 * Whether the signature is of the key of the signer's that keyd has attested
 * last: SR_SIGNATURE.
 */
enum sr_error proof_signature(struct keyd *k, const struct signed_order *order);
enum sr_error proof_both(struct keyd *k, const struct signed_order *request,
    const struct signed_order *approval);

#endif
