/* SPDX-License-Identifier: ISC */
#ifndef KEYD_RETENTION_H
#define KEYD_RETENTION_H
/*
 * Which snapshot the auditor has signed last, and before which of those all
 * entries are retired.  keyd takes it into its state
 * with the leaf that says so, for whoever must not rely on ledgerd: a backup,
 * and ledgerd's next start, which keeps that file.  From the moment in which a
 * retirement is in the state no key before its cut is given any more
 * (log_keys.h), whatever ledgerd has left undone.
 *
 * It sees the auditor's order itself, and the operators' request and approval,
 * and verifies them as it does a customer's wish to be erased: under the keys
 * that it has attested.  Who is an auditor or an operator is in the books only; those who read them (strongroom-verify) look at that.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "keyd/state.h"

struct keyd;

/*
 * Before the leaf.  proof: the order, its signature, its attachment; of a
 * retirement the request with these, and then the approval.
 * SR_MALFORMED, SR_WRONG_BANK, SR_PARAMETERS, SR_NOT_FOUND: no leaf is made of
 * it.  *refused is SR_SIGNATURE when the signature is not by the key that is
 * in force, SR_NOT_FOUND when it certifies none of the last two snapshots or
 * retires on one that is not the certified one, SR_NOT_ALLOWED as of
 * retention_may_cut(): that is logged, but nothing comes of it.
 */
enum sr_error retention_check(struct keyd *k, const struct entry_event *event,
    const uint8_t *proof, size_t proof_len, struct entry_retention *retention,
    enum sr_error *refused);

/*
 * Whether all before that snapshot may be given up: SR_NOT_FOUND unless it is
 * the one that was certified last, SR_NOT_ALLOWED when it is newer than the
 * last but one or not above the last cut.
 */
enum sr_error retention_may_cut(
    const struct state *state, const struct entry_snapshot *snapshot);

/* Takes it into the state, which is not saved here. */
void retention_note(
    struct state *state, const struct entry_retention *retention);

#endif
