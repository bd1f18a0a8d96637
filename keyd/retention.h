/* SPDX-License-Identifier: ISC */
#ifndef KEYD_RETENTION_H
#define KEYD_RETENTION_H
/*
 * Which snapshot the auditor has signed last.  keyd takes it into its state
 * with the leaf that says so, for whoever must not rely on ledgerd: a backup,
 * and ledgerd's next start, which keeps that file.
 *
 * It sees the auditor's order itself and verifies it as it does a customer's
 * wish to be erased: under the key that it has attested.  Who is an auditor
 * is in the books only; those who read them (strongroom-verify) look at that.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "keyd/state.h"

struct keyd;

/*
 * Before the leaf.  proof: the order, its signature, its attachment.
 * SR_MALFORMED, SR_WRONG_BANK, SR_PARAMETERS, SR_NOT_FOUND: no leaf is made of
 * it.  *refused is SR_SIGNATURE when the signature is not by the key that is
 * in force, or SR_NOT_FOUND when it is of none of the last two snapshots: that
 * is logged, but nothing comes of it.
 */
enum sr_error retention_check(struct keyd *k, const struct entry_event *event,
    const uint8_t *proof, size_t proof_len, struct entry_retention *retention,
    enum sr_error *refused);

/* Takes it into the state, which is not saved here. */
void retention_note(
    struct state *state, const struct entry_retention *retention);

#endif
