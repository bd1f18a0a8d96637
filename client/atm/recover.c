/* SPDX-License-Identifier: ISC */
/*
 * A forgotten password: by the recovery code, which keeps everything, or by
 * the operators' reset code.
 */
#include <inttypes.h>
#include <stdio.h>

#include <sodium.h>

#include "client/atm/credentials.h"
#include "client/reset_text.h"

/* ---- by the recovery code ------------------------------------------------- */

/* The code that was written down, as a password, and the session by it. */
static enum sr_error
recover_enter(struct atm *atm, char secret[RECOVERY_PASSWORD_LEN + 1])
{
	struct login_credential credential =
	    credentials_of(atm, SLOT_RECOVERY, secret, RECOVERY_PASSWORD_LEN);
	char text[PROMPT_SECRET_MAX + 1];
	unsigned group = 0;
	size_t len;
	enum sr_error error = atm_ask_name(atm);

	if (error == SR_OK)
		error = prompt_secret(
		    &atm->options.password, "Recovery code: ", text, &len);
	if (error != SR_OK)
		return error;
	error = recovery_password(text, secret, &group);
	sodium_memzero(text, sizeof(text));
	if (error != SR_OK) {
		if (group > 0)
			fprintf(stderr,
			    "group %u of the recovery code is not as it was "
			    "printed\n",
			    group);
		else
			fprintf(stderr,
			    "a recovery code has %d groups of five symbols\n",
			    RECOVERY_GROUPS);
		return error;
	}
	error = atm_enter(atm, &credential);
	if (error == SR_LOGIN)
		fprintf(stderr,
		    "it is not the recovery code of %s as it is now\n",
		    atm->user);
	return error;
}

/* The used code has done its work: another one takes its place. */
static enum sr_error
recover_code(struct atm *atm, const struct login_credential *by)
{
	const struct login *login = &atm->customer.login;
	struct login_credential target;
	struct recovery_code code;
	enum sr_error error = credentials_draw_code(&code);

	target = credentials_of(
	    atm, SLOT_RECOVERY, code.secret, RECOVERY_PASSWORD_LEN);
	if (error == SR_OK)
		error = credentials_change(atm, by, &target, login->seed,
		    login->attestation.key_epoch);
	if (error != SR_OK)
		fprintf(stderr, "the new password is set, but no new recovery "
				"code\n");
	credentials_say_code(atm, error, &code,
	    "The new password is set; the code that was used is void.");
	if (error == SR_OK && atm->options.json)
		printf("{\"v\":1,\"customer\":%" PRIu64
		       ",\"recovery_code\":\"%s\"}\n",
		    login->attestation.customer, code.text);
	sodium_memzero(&code, sizeof(code));
	return error;
}

enum sr_error
atm_recover(struct atm *atm, char *const words[])
{
	const struct login *login = &atm->customer.login;
	char secret[RECOVERY_PASSWORD_LEN + 1] = "";
	struct secret_text next = {.len = 0};
	struct login_credential by, target;
	enum sr_error error = recover_enter(atm, secret);

	(void)words;
	if (error == SR_OK)
		error = atm_password(&atm->options.new_password, true,
		    "New password: ", next.bytes, &next.len);
	by = credentials_of(atm, SLOT_RECOVERY, secret, RECOVERY_PASSWORD_LEN);
	target = credentials_of(atm, SLOT_PASSWORD, next.bytes, next.len);
	if (error == SR_OK)
		error = credentials_change(atm, &by, &target, login->seed,
		    login->attestation.key_epoch);
	if (error == SR_UNKNOWN_OUTCOME)
		fprintf(stderr, "try to log in with the new password; the "
				"recovery code is the same\n");
	if (error == SR_OK)
		error = recover_code(atm, &target);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(&next, sizeof(next));
	return error;
}

/* ---- by the operators' reset code ----------------------------------------- */

/* The code that operators gave, as they wrote it. */
static enum sr_error
reset_ask(struct atm *atm, uint8_t code[RESET_CODE_LEN])
{
	char text[PROMPT_SECRET_MAX + 1];
	size_t len;
	enum sr_error error = atm_ask_name(atm);

	if (error != SR_OK)
		return error;
	if (!atm->options.json)
		fprintf(stderr,
		    "Who still has the recovery code runs `atm recover' "
		    "instead and keeps everything: by a reset code the account "
		    "of %s stays as it is, but what is sealed for the former "
		    "keys, box and stored messages, does not open again.\n",
		    atm->user);
	error =
	    prompt_secret(&atm->options.password, "Reset code: ", text, &len);
	if (error != SR_OK)
		return error;
	error = reset_text_read(text, code);
	sodium_memzero(text, sizeof(text));
	if (error != SR_OK)
		fprintf(
		    stderr, "a reset code has 8 groups of 8 digits 0-9 a-f\n");
	return error;
}

/* What came of it; with the new password the new keys come to the books. */
static enum sr_error
reset_say(struct atm *atm, const struct login_credential *credential,
    struct attestation *attestation, const struct recovery_code *code)
{
	enum sr_error error = atm_enter(atm, credential);

	if (error == SR_OK)
		*attestation = atm->customer.login.attestation;
	credentials_say_code(atm, SR_OK, code,
	    "Password, recovery code and keys are new; the former ones are "
	    "void, and so is the reset code.");
	if (atm->options.json)
		printf("{\"v\":1,\"customer\":%" PRIu64
		       ",\"key_epoch\":%" PRIu32 ",\"recovery_code\":\"%s\"}\n",
		    attestation->customer, attestation->key_epoch, code->text);
	/* who has forgotten a password has tried: this device is a new one */
	if (error == SR_LATER)
		fprintf(stderr,
		    "the new ones are in force; the books take the new keys "
		    "with the first log-in: log in when the time is over\n");
	return error;
}

enum sr_error
atm_reset(struct atm *atm, char *const words[])
{
	struct login_options options = atm_login_options(atm);
	uint8_t reset[RESET_CODE_LEN] = {0};
	struct secret_text next = {.len = 0};
	struct login_problem problem = {0};
	struct login_credential credential;
	struct attestation attestation = {0};
	struct recovery_code code = {.text = ""};
	enum sr_error error = reset_ask(atm, reset);

	(void)words;
	if (error == SR_OK)
		error = atm_password(&atm->options.new_password, true,
		    "New password: ", next.bytes, &next.len);
	if (error == SR_OK)
		error = credentials_draw_code(&code);
	credential = credentials_of(atm, SLOT_PASSWORD, next.bytes, next.len);
	if (error == SR_OK) {
		error = login_reset(&options, &credential, reset, code.secret,
		    RECOVERY_PASSWORD_LEN, &attestation, &problem);
		if (error != SR_OK)
			fprintf(stderr, "%s\n", problem.message);
		if (error == SR_UNKNOWN_OUTCOME &&
		    credentials_were_set(&options, &credential))
			error = SR_OK;
	}
	if (error == SR_OK)
		error = reset_say(atm, &credential, &attestation, &code);
	else if (error == SR_UNKNOWN_OUTCOME)
		fprintf(stderr,
		    "the answer was lost: try to log in with the new password; "
		    "if it opens, the recovery code is\n  %s\nelse run the "
		    "same again\n",
		    code.text);
	sodium_memzero(reset, sizeof(reset));
	sodium_memzero(&next, sizeof(next));
	sodium_memzero(&code, sizeof(code));
	return error;
}
