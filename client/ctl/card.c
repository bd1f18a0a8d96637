/* SPDX-License-Identifier: ISC */
/*
 * Principals that log in with a card: registered under a name of their own,
 * with a password that nobody knows by heart.
 */
#include "client/ctl/card.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#define INVITATION_VALID_S 600u

enum sr_error
ctl_card_register(const struct ctl_run *run, const struct ctl_options *options,
    const struct card *card, uint64_t *customer)
{
	struct login_options how = ctl_run_login_options(run, options);
	struct login_credential credential = {.name = card->name,
	    .password = card->password,
	    .password_len = strlen(card->password),
	    .slot = SLOT_PASSWORD};
	struct login_registered registered = {0};
	struct login_problem problem = {0};
	uint8_t invitation[INVITATION_LEN];
	struct bank_session session;
	enum sr_error error = ctl_ask_invitation(
	    run->control, card->name, INVITATION_VALID_S, invitation);

	if (error != SR_OK)
		return error;
	how.keep_device_token = false;
	error = login_register(
	    &how, &credential, NULL, invitation, NULL, &registered, &problem);
	if (error != SR_OK) {
		fprintf(stderr, "strongroomctl: %s\n", problem.message);
		return error;
	}
	*customer = registered.attestation.customer;
	sodium_memzero(&registered, sizeof(registered));
	/* Its first log-in brings the attestation to the books. */
	error = bank_enter(&session, &how, &credential);
	if (error == SR_OK)
		bank_leave(&session);
	return error;
}

enum sr_error
ctl_card_check_out(const char *out)
{
	char directory[CONFIG_PATH_MAX];
	const char *slash = strrchr(out, '/');
	int n = slash == NULL ? snprintf(directory, sizeof(directory), ".")
			      : snprintf(directory, sizeof(directory), "%.*s/",
				    (int)(slash - out), out);

	if (access(out, F_OK) == 0)
		return ctl_failed(out, SR_EXISTS);
	if (n < 0 || (size_t)n >= sizeof(directory))
		return ctl_failed(out, SR_TOO_LARGE);
	if (access(directory, W_OK | X_OK) == 0)
		return SR_OK;
	fprintf(stderr, "strongroomctl: --out: %s: %s\n", directory,
	    strerror(errno));
	return SR_IO;
}
