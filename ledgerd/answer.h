/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_ANSWER_H
#define LEDGERD_ANSWER_H
/*
 * What goes out to clients: sealed and handed to netd.  Called only when the
 * batch that an answer rests on is durable and signed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/frame.h"

struct ledgerd;
struct customer_session;

/*
 * Answers what the last commit took, in order, as far as netd's outbox has
 * room; goes on at the next call.  True when nothing is left.  An error of
 * the journal or of keyd is put in ledgerd->fatal.
 */
bool answer_all(struct ledgerd *ledgerd);

/* The authenticated end of a session. */
void answer_goodbye(struct ledgerd *ledgerd, struct customer_session *session);

/* Tells netd to close a connection when all is sent. */
void answer_close(struct ledgerd *ledgerd, uint64_t connection);

/* Seals one plaintext and queues it for netd. */
void answer_send(struct ledgerd *ledgerd, struct customer_session *session,
    enum frame_type type, const void *plain, size_t plain_len);

#endif
