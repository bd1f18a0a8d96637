/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_KEPT_H
#define CLIENT_KEPT_H
/*
 * Signed orders are kept on disk before they are sent, so that an order in
 * doubt (the answer did not come) is resolved by the next run: the very same
 * bytes are submitted again and the bank answers what it answered, or says
 * that it never applied them.  Answered orders stay a while, so that a
 * command run twice with one --id books once.
 *
 * File: "SRKEPT01" | answered u8 | 7 zeros | order 208 | signature 64 |
 * attachment length u16 | attachment.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/state.h"
#include "common/error.h"
#include "common/order.h"

struct kept {
	bool answered;
	uint8_t order[ORDER_LEN];
	uint8_t signature[ORDER_SIGNATURE_LEN];
	uint8_t attachment[ORDER_ATTACHMENT_MAX];
	size_t attachment_len;
};

/*
 * Reads the order that the signer kept under the reference.  SR_NOT_FOUND;
 * SR_VERSION when a newer program has written it and SR_DAMAGED when it is not
 * such a one, both after a line on stderr; SR_IO.
 */
enum sr_error kept_load(const struct state *state, const char *signer,
    const uint8_t reference[ORDER_REFERENCE_LEN], struct kept *kept);

/* Keeps it, durably before it returns, in place of one with its reference. */
enum sr_error kept_save(
    const struct state *state, const char *signer, const struct kept *kept);

/* Forgets the order with that reference. */
enum sr_error kept_forget(const struct state *state, const char *signer,
    const uint8_t reference[ORDER_REFERENCE_LEN]);

/*
 * Moves an order that the bank has lost aside, as evidence, to the file
 * lost-SIGNER-REFERENCE-SEQ; its name there goes to name.
 */
enum sr_error kept_set_aside(const struct state *state, const char *signer,
    const struct kept *kept, char name[STATE_NAME_MAX]);

/*
 * Calls each() for every order of the signer that has no answer yet, and for
 * those answered ones that should be the last of its chain or are beyond
 * next_seq; forgets answered ones whose seq lies 64 or more below it.
 * SR_VERSION as above: what follows was not looked at.
 */
enum sr_error kept_unanswered(const struct state *state, const char *signer,
    uint64_t next_seq,
    enum sr_error (*each)(void *context, const struct kept *kept),
    void *context);

/*
 * Calls each() for every order that was kept for the signer, in no particular
 * order, with its file's name: answered or not, and those that were set aside
 * (lost).  kept is NULL for one that cannot be read, after a line on stderr.
 */
enum sr_error kept_every(const struct state *state, const char *signer,
    enum sr_error (*each)(
	void *context, const char *name, bool lost, const struct kept *kept),
    void *context);

#endif
