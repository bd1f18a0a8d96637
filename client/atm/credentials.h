/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_CREDENTIALS_H
#define CLIENT_ATM_CREDENTIALS_H
/*
 * What the commands that set a customer's password, recovery code or keys
 * have in common.  Secrets are prepared, used and wiped by the command; the
 * only one that is ever shown is a recovery code that was just drawn.
 */
#include "client/atm/atm.h"
#include "client/password.h"
#include "client/recovery.h"

/* A prepared password; wiped by whoever holds it. */
struct secret_text {
	char bytes[PASSWORD_MAX];
	size_t len;
};

/* A new recovery code: as it is printed, and as it is a password; wiped by
 * whoever holds it. */
struct recovery_code {
	char text[RECOVERY_TEXT_LEN + 1];
	char secret[RECOVERY_PASSWORD_LEN + 1];
};

enum sr_error credentials_draw_code(struct recovery_code *code);

/* The credential of that slot, with that secret, which is not copied. */
struct login_credential credentials_of(
    const struct atm *atm, uint8_t slot, const void *secret, size_t len);

/*
 * Whether a change whose answer was lost was made: then the new secret opens
 * a session.  That it does not says nothing for certain: the change may still
 * be on its way.
 */
bool credentials_were_set(const struct login_options *options,
    const struct login_credential *credential);

/* login_change(), and when its answer is lost a look at what became of it.
 * Errors of both, said; the outcome may stay SR_UNKNOWN_OUTCOME. */
enum sr_error credentials_change(const struct atm *atm,
    const struct login_credential *by, const struct login_credential *target,
    const uint8_t seed[SEED_LEN], uint32_t key_epoch);

/* Says the new code; or, when it is not known, which one will do. */
void credentials_say_code(const struct atm *atm, enum sr_error error,
    const struct recovery_code *code, const char *done);

/*
 * A change has ended the session.  The menu goes on in a new one; a single
 * command is done.
 */
enum sr_error credentials_enter_again(
    struct atm *atm, const struct secret_text *password);

#endif
