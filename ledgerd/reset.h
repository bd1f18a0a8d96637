/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_RESET_H
#define LEDGERD_RESET_H
/*
 * Resets: whether the log has the orders of two operators that a reset code,
 * or a customer's new keys, rest on.  The request names the attestation that
 * it replaces, and each attestation the one before: so no order serves twice,
 * and nothing needs to be kept in mind of it.
 */
#include <stddef.h>

#include "common/error.h"

struct ledgerd;

/*
 * Asks keyd, before a batch is gathered, for the keys of those whose reset an
 * operator asks for: a rekey or a reset without a log-in behind it the books
 * have not seen, and the request would name keys that are not in force.
 */
enum sr_error reset_refresh(struct ledgerd *ledgerd);

/*
 * Looks, before a batch begins, for the orders behind those of the first
 * count log-ins that bring keys by a reset: opening->reset.  Errors are fatal.
 */
enum sr_error reset_look(struct ledgerd *ledgerd, size_t count);

#endif
