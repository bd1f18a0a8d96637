/* SPDX-License-Identifier: ISC */
/*
 * The certificate of a snapshot, and what is retired on it.  Must never take
 * for certified what the order does not name, byte for byte, nor give up a key
 * for less than a certificate and two signatures.
 */
#include "keyd/retention.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/certificate.h"
#include "common/order.h"
#include "keyd/keyd.h"
#include "keyd/proof.h"

enum {
	CERTIFY_PROOF_LEN = PROOF_SIGNED_LEN + ORDER_CERTIFY_LEN,
	RETIRE_PROOF_LEN = PROOF_REQUEST_LEN + ORDER_RETIRE_LEN,
};

/* A certificate of exactly that snapshot, which is one of the last two. */
static enum sr_error
check_certified(struct keyd *k, struct reader *r,
    const struct entry_retention *retention, enum sr_error *refused)
{
	const struct entry_snapshot *known = k->state.snapshot;
	struct signed_order order;
	struct order_certify certify;
	struct entry_snapshot named;
	enum sr_error error =
	    proof_order(k, r, ORDER_CERTIFY, ORDER_CERTIFY_LEN, &order);

	if (error == SR_OK && order_certify_decode(order.attachment,
				  ORDER_CERTIFY_LEN, &certify) != SR_OK)
		error = SR_MALFORMED;
	if (error != SR_OK)
		return error;
	named = entry_snapshot_certified(&certify);
	if (!entry_snapshot_same(&named, &retention->snapshot))
		return SR_PARAMETERS;
	*refused = proof_signature(k, &order);
	if (*refused == SR_OK &&
	    !entry_snapshot_same(&retention->snapshot, &known[0]) &&
	    !entry_snapshot_same(&retention->snapshot, &known[1]))
		*refused = SR_NOT_FOUND;
	return k->failure;
}

enum sr_error
retention_may_cut(
    const struct state *state, const struct entry_snapshot *snapshot)
{
	if (state->certified.number == 0 ||
	    !entry_snapshot_same(snapshot, &state->certified))
		return SR_NOT_FOUND;
	/* a start needs the last two, and all that follows them */
	return state->snapshot[1].number != 0 &&
		       snapshot->number <= state->snapshot[1].number &&
		       (state->cut.number == 0 ||
			   snapshot->segment > state->cut.segment)
		   ? SR_OK
		   : SR_NOT_ALLOWED;
}

/*
 * Somebody's request to retire all before that snapshot, which is the
 * certified one, and somebody else's approval of exactly that request.
 */
static enum sr_error
check_retired(struct keyd *k, struct reader *r,
    const struct entry_retention *retention, enum sr_error *refused)
{
	struct signed_order request, approval;
	struct order_retire retire;
	enum sr_error error = proof_request(
	    k, r, ORDER_RETIRE, ORDER_RETIRE_LEN, &request, &approval);

	if (error == SR_OK && order_retire_decode(request.attachment,
				  ORDER_RETIRE_LEN, &retire) != SR_OK)
		error = SR_MALFORMED;
	if (error != SR_OK)
		return error;
	if (approval.order.refers_to >= retention->leaf ||
	    retire.snapshot != retention->snapshot.number ||
	    memcmp(retire.hash, retention->snapshot.hash,
		sizeof(retire.hash)) != 0)
		return SR_PARAMETERS;
	*refused = proof_both(k, &request, &approval);
	if (*refused == SR_OK)
		*refused = retention_may_cut(&k->state, &retention->snapshot);
	return k->failure;
}

enum sr_error
retention_check(struct keyd *k, const struct entry_event *event,
    const uint8_t *proof, size_t proof_len, struct entry_retention *retention,
    enum sr_error *refused)
{
	struct reader r = reader_of(proof, proof_len);
	enum sr_error error = entry_retention_of(event, retention);
	bool retires = retention->step == RETENTION_RETIRED;

	if (error != SR_OK || retention->leaf >= k->state.frontier.size ||
	    proof_len != (retires ? RETIRE_PROOF_LEN : CERTIFY_PROOF_LEN))
		return SR_MALFORMED;
	return retires ? check_retired(k, &r, retention, refused)
		       : check_certified(k, &r, retention, refused);
}

void
retention_note(struct state *state, const struct entry_retention *retention)
{
	if (retention->step == RETENTION_RETIRED) {
		state->cut = retention->snapshot;
		state->cut_leaf = retention->leaf;
		return;
	}
	state->certified = retention->snapshot;
	state->certified_leaf = retention->leaf;
}
