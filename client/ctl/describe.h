/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_DESCRIBE_H
#define CLIENT_CTL_DESCRIBE_H
/* What a request asks for, as a sentence, from its bytes and nothing else. */
#include "client/bank.h"
#include "common/money.h"

enum { CTL_DESCRIPTION_MAX = 1024 };

/*
 * Writes "issue 50.00 EUR to ada: start" for the bytes and the attachment of
 * a request; accounts and people by the names that keyd attests.  Returns out.
 */
const char *ctl_describe(struct bank_session *session,
    const struct money_unit *unit, const struct order *order,
    const void *attachment, size_t attachment_len,
    char out[CTL_DESCRIPTION_MAX]);

#endif
