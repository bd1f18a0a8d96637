/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_CARD_H
#define CLIENT_CTL_CARD_H
/* Registering principals that log in with a card. */
#include "client/ctl/run.h"

/*
 * Registers the card's name, by an invitation, with the card's password, and
 * logs it in once, so that the books know it; *customer is its number.  What
 * is wrong is said.
 */
enum sr_error ctl_card_register(const struct ctl_run *run,
    const struct ctl_options *options, const struct card *card,
    uint64_t *customer);

/* Whether a card can be made there.  SR_EXISTS, SR_IO, SR_TOO_LARGE. */
enum sr_error ctl_card_check_out(const char *out);

#endif
