/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_LOG_KEY_H
#define CLIENT_CTL_LOG_KEY_H
/*
 * Since when the log has the key that signs it now: by the last note in
 * public/restores, which everybody can read.
 */
#include "client/verify/verify.h"
#include "common/config.h"

/*
 * The last note, of a rotation or a restore, after all of them and the
 * certificates were checked as an auditor does.  SR_NOT_FOUND: there is none,
 * and the key is that of the founding.  SR_DAMAGED, or what bank.id could not
 * be read for: message says what.  Not for two threads.
 */
enum sr_error log_key_note(const struct config *config,
    struct verify_restore *last, char message[VERIFY_WHY_MAX]);

#endif
