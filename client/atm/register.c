/* SPDX-License-Identifier: ISC */
/*
 * Registration: a name, a password, and a recovery code that is shown once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "client/atm/credentials.h"

static enum sr_error
register_invitation(const struct atm *atm, uint8_t invitation[INVITATION_LEN])
{
	const char *hex = atm->options.invitation;
	size_t len = 0;

	if (sodium_hex2bin(invitation, INVITATION_LEN, hex, strlen(hex), NULL,
		&len, NULL) == 0 &&
	    len == INVITATION_LEN)
		return SR_OK;
	fprintf(stderr, "an invitation is 64 hexadecimal digits\n");
	return SR_USAGE;
}

/*
 * The second credential of the same customer, whose password is a printed
 * code: without it a forgotten password would be the end.
 */
static enum sr_error
register_recovery(const struct atm *atm, const struct login_credential *by,
    const struct login_registered *registered)
{
	char done[PAYLOAD_NAME_MAX + 32];
	struct login_credential target;
	struct recovery_code code;
	enum sr_error error = credentials_draw_code(&code);

	target = credentials_of(
	    atm, SLOT_RECOVERY, code.secret, RECOVERY_PASSWORD_LEN);
	if (error == SR_OK)
		error = credentials_change(atm, by, &target, registered->seed,
		    registered->attestation.key_epoch);
	if (error != SR_OK)
		fprintf(stderr,
		    "%s is registered, but the recovery code was not set; "
		    "'atm rekey' sets one\n",
		    atm->user);
	snprintf(done, sizeof(done), "%s is registered.", atm->user);
	credentials_say_code(atm, error, &code, done);
	if (error == SR_OK && atm->options.json)
		printf("{\"v\":1,\"customer\":%" PRIu64
		       ",\"recovery_code\":\"%s\"}\n",
		    registered->attestation.customer, code.text);
	sodium_memzero(&code, sizeof(code));
	return error;
}

enum sr_error
atm_register(struct atm *atm, char *const words[])
{
	struct login_options options = atm_login_options(atm);
	uint8_t invitation[INVITATION_LEN];
	struct secret_text password = {.len = 0};
	struct login_credential credential;
	struct login_registered registered = {0};
	struct login_problem problem = {0};
	enum sr_error error;

	(void)words;
	if (atm->options.invitation != NULL) {
		error = register_invitation(atm, invitation);
		if (error != SR_OK)
			return error;
	}
	error = atm_ask_name(atm);
	if (error == SR_OK)
		error = atm_password(&atm->options.password, true,
		    "New password: ", password.bytes, &password.len);
	credential =
	    credentials_of(atm, SLOT_PASSWORD, password.bytes, password.len);
	if (error == SR_OK) {
		error = login_register(&options, &credential, NULL,
		    atm->options.invitation != NULL ? invitation : NULL,
		    atm->options.display_name, &registered, &problem);
		if (error != SR_OK)
			fprintf(stderr, "%s\n", problem.message);
	}
	/* The first log-in brings the account to the books. */
	if (error == SR_OK)
		error = atm_enter(atm, &credential);
	if (error == SR_OK)
		error = register_recovery(atm, &credential, &registered);
	if (error == SR_OK)
		error = credentials_enter_again(atm, &password);
	sodium_memzero(&password, sizeof(password));
	sodium_memzero(&registered, sizeof(registered));
	return error;
}
