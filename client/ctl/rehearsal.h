/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_REHEARSAL_H
#define CLIENT_CTL_REHEARSAL_H
/*
 * A rehearsal: shares open a copy of the sealed root in strongroom-unlock, a
 * second keyd starts from it on copies of keyd's files in a scratch directory,
 * and what it derives is compared with what the bank's keyd has in memory.
 */
#include <stdbool.h>

#include "client/bankfile.h"
#include "client/ctl/share_pile.h"
#include "common/config.h"
#include "gen/messages.h"

struct rehearsal {
	struct message_public_keys bank;
	struct message_public_keys restored;
};

/*
 * With a running bank's control socket and a full pile.  SR_OK: all public
 * keys are the same.  SR_REHEARSAL: they are not, or the shares open nothing;
 * else why it could not be done; after a line.
 */
enum sr_error ctl_rehearse(const struct config *config,
    const struct bankfile *bank, int control, const struct share_pile *pile,
    struct rehearsal *out);

/*
 * Notes in root.sealed that the set of that pile is rehearsed.  SR_OK once it
 * is on disk; else after a line.
 */
enum sr_error ctl_note_rehearsed(int control, const struct share_pile *pile);

/* The public keys that the bank's keyd has in memory. */
enum sr_error ctl_public_keys(int control, struct message_public_keys *out);

/* Whether each key of both is the same. */
bool rehearsal_same(const struct rehearsal *rehearsal);

#endif
