/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_CONTROL_H
#define LEDGERD_CONTROL_H
/*
 * The link to strongroomd: generations of netd, the end, and the requests of
 * strongroomctl that strongroomd passes on.
 */
#include "common/buffer.h"
#include "common/error.h"

struct ledgerd;
struct operation;

/* Says `ready'. */
enum sr_error control_ready(struct ledgerd *ledgerd);

/* Takes what has come, without waiting.  SR_CLOSED: strongroomd is gone. */
enum sr_error control_listen(struct ledgerd *ledgerd);

/* Tells strongroomd, for systemd's journal, why no orders are taken; SR_OK: they
 * are again. */
void control_closed(struct ledgerd *ledgerd, enum sr_error why);

/* Answers the present request with what `encoded' holds. */
void control_answer(struct ledgerd *ledgerd, const struct writer *encoded);
void control_refuse(struct ledgerd *ledgerd, enum sr_error error);

/*
 * Logs the use of a key where the bank takes orders, so that a refusal by the
 * disk is an answer; keyd gives the other one.
 */
void control_use_key(
    struct ledgerd *ledgerd, const struct operation *operation);

#endif
