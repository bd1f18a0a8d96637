/* SPDX-License-Identifier: ISC */
/*
 * What a customer is known by: registration, and the change of the password,
 * the recovery code and the keys.  Secrets are prepared, used and wiped here;
 * the only one that is ever shown is a recovery code that was just drawn.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "client/atm/atm.h"
#include "client/password.h"
#include "client/recovery.h"

/* A prepared password; wiped by whoever holds it. */
struct secret_text {
	char bytes[PASSWORD_MAX];
	size_t len;
};

/* A new recovery code: as it is printed, and as it is a password. */
struct code {
	char text[RECOVERY_TEXT_LEN + 1];
	char secret[RECOVERY_PASSWORD_LEN + 1];
};

static enum sr_error
code_draw(struct code *code)
{
	unsigned group;

	recovery_draw(code->text);
	return recovery_password(code->text, code->secret, &group);
}

/* The credential of that slot, with that secret. */
static struct login_credential
credential_of(
    const struct atm *atm, uint8_t slot, const void *secret, size_t len)
{
	return (struct login_credential){.name = atm->user,
	    .password = secret,
	    .password_len = len,
	    .slot = slot};
}

/*
 * Whether a change whose answer was lost was made: then the new secret opens
 * a session.  That it does not says nothing for certain: the change may still
 * be on its way.
 */
static bool
change_was_made(const struct login_options *options,
    const struct login_credential *credential)
{
	struct login_problem problem = {0};
	struct login login;

	if (login_open(options, credential, &login, &problem) != SR_OK)
		return false;
	login_close(&login);
	return true;
}

/* login_change(), and when its answer is lost a look at what became of it. */
static enum sr_error
change(const struct atm *atm, const struct login_credential *by,
    const struct login_credential *target, const uint8_t seed[SEED_LEN],
    uint32_t key_epoch)
{
	struct login_options options = atm_login_options(atm);
	struct login_problem problem = {0};
	enum sr_error error = login_change(&options, by, target->slot,
	    target->password, target->password_len, seed, key_epoch, &problem);

	if (error == SR_UNKNOWN_OUTCOME && change_was_made(&options, target))
		return SR_OK;
	if (error != SR_OK)
		fprintf(stderr, "%s\n", problem.message);
	return error;
}

/* Says the new code; or, when it is not known, which one will do. */
static void
code_say(const struct atm *atm, enum sr_error error, const struct code *code,
    const char *done)
{
	if (error == SR_UNKNOWN_OUTCOME)
		fprintf(stderr,
		    "the answer was lost: the recovery code is the old one or "
		    "this\n  %s\nkeep both until one of them has served\n",
		    code->text);
	else if (error == SR_OK && !atm->options.json)
		printf("%s\nRecovery code, for a forgotten password (write it "
		       "down, keep it apart):\n  %s\n",
		    done, code->text);
}

/*
 * A change has ended the session.  The menu goes on in a new one; a single
 * command is done.
 */
static enum sr_error
enter_again(struct atm *atm, const struct secret_text *password)
{
	struct login_credential credential =
	    credential_of(atm, SLOT_PASSWORD, password->bytes, password->len);

	bank_leave(&atm->customer);
	atm->customer_in = false;
	if (!atm->menu)
		return SR_OK;
	return atm_enter(atm, &credential) == SR_OK ? SR_OK : SR_SESSION_ENDED;
}

/* ---- registration -------------------------------------------------------- */

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
	struct code code;
	enum sr_error error = code_draw(&code);

	target = credential_of(
	    atm, SLOT_RECOVERY, code.secret, RECOVERY_PASSWORD_LEN);
	if (error == SR_OK)
		error = change(atm, by, &target, registered->seed,
		    registered->attestation.key_epoch);
	if (error != SR_OK)
		fprintf(stderr,
		    "%s is registered, but the recovery code was not set; "
		    "'atm rekey' sets one\n",
		    atm->user);
	snprintf(done, sizeof(done), "%s is registered.", atm->user);
	code_say(atm, error, &code, done);
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
	    credential_of(atm, SLOT_PASSWORD, password.bytes, password.len);
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
		error = enter_again(atm, &password);
	sodium_memzero(&password, sizeof(password));
	sodium_memzero(&registered, sizeof(registered));
	return error;
}

/* ---- changes ------------------------------------------------------------- */

/*
 * The present password, and with it a session, which also brings the seed;
 * in the menu there is one already, and the password is asked for once more.
 */
static enum sr_error
present_password(struct atm *atm, struct secret_text *password)
{
	const struct prompt_source ask = {.fd = -1};
	struct login_credential credential;
	enum sr_error error = atm_ask_name(atm);

	if (error == SR_OK)
		error = atm_password(
		    atm->customer_in ? &ask : &atm->options.password, false,
		    atm->customer_in ? "Present password: " : "Password: ",
		    password->bytes, &password->len);
	if (error != SR_OK || atm->customer_in)
		return error;
	credential =
	    credential_of(atm, SLOT_PASSWORD, password->bytes, password->len);
	return atm_enter(atm, &credential);
}

enum sr_error
atm_passwd(struct atm *atm, char *const words[])
{
	const struct login *login = &atm->customer.login;
	struct secret_text present = {.len = 0}, next = {.len = 0};
	struct login_credential by, target;
	enum sr_error error = present_password(atm, &present);

	(void)words;
	if (error == SR_OK)
		error = atm_password(&atm->options.new_password, true,
		    "New password: ", next.bytes, &next.len);
	by = credential_of(atm, SLOT_PASSWORD, present.bytes, present.len);
	target = credential_of(atm, SLOT_PASSWORD, next.bytes, next.len);
	if (error == SR_OK)
		error = change(atm, &by, &target, login->seed,
		    login->attestation.key_epoch);
	if (error == SR_UNKNOWN_OUTCOME)
		fprintf(stderr, "the password is the old one or the new one; "
				"try the new one first\n");
	if (error == SR_OK) {
		if (atm->options.json)
			printf("{\"v\":1,\"customer\":%" PRIu64
			       ",\"changed\":\"password\"}\n",
			    login->attestation.customer);
		else
			printf("The password is changed; other sessions of "
			       "%s have ended.\n",
			    atm->user);
		error = enter_again(atm, &next);
	}
	sodium_memzero(&present, sizeof(present));
	sodium_memzero(&next, sizeof(next));
	return error;
}

/* The code that was written down, as a password, and the session by it. */
static enum sr_error
recover_enter(struct atm *atm, char secret[RECOVERY_PASSWORD_LEN + 1])
{
	struct login_credential credential =
	    credential_of(atm, SLOT_RECOVERY, secret, RECOVERY_PASSWORD_LEN);
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
	struct code code;
	enum sr_error error = code_draw(&code);

	target = credential_of(
	    atm, SLOT_RECOVERY, code.secret, RECOVERY_PASSWORD_LEN);
	if (error == SR_OK)
		error = change(atm, by, &target, login->seed,
		    login->attestation.key_epoch);
	if (error != SR_OK)
		fprintf(stderr, "the new password is set, but no new recovery "
				"code\n");
	code_say(atm, error, &code,
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
	char secret[RECOVERY_PASSWORD_LEN + 1];
	struct secret_text next = {.len = 0};
	struct login_credential by, target;
	enum sr_error error = recover_enter(atm, secret);

	(void)words;
	if (error == SR_OK)
		error = atm_password(&atm->options.new_password, true,
		    "New password: ", next.bytes, &next.len);
	by = credential_of(atm, SLOT_RECOVERY, secret, RECOVERY_PASSWORD_LEN);
	target = credential_of(atm, SLOT_PASSWORD, next.bytes, next.len);
	if (error == SR_OK)
		error = change(atm, &by, &target, login->seed,
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

/* After a lost answer: the attestation of a new log-in tells. */
static enum sr_error
rekey_look(const struct atm *atm, const struct login_credential *credential,
    uint32_t key_epoch)
{
	struct login_options options = atm_login_options(atm);
	struct login_problem problem = {0};
	struct login login;
	enum sr_error error = SR_UNKNOWN_OUTCOME;

	if (login_open(&options, credential, &login, &problem) != SR_OK)
		return error;
	if (login.attestation.key_epoch == key_epoch)
		error = SR_OK;
	login_close(&login);
	return error;
}

enum sr_error
atm_rekey(struct atm *atm, char *const words[])
{
	const struct login *login = &atm->customer.login;
	struct login_options options = atm_login_options(atm);
	struct login_problem problem = {0};
	struct secret_text password = {.len = 0};
	struct login_credential credential;
	struct code code = {.text = ""};
	uint32_t key_epoch;
	enum sr_error error = present_password(atm, &password);

	(void)words;
	credential =
	    credential_of(atm, SLOT_PASSWORD, password.bytes, password.len);
	key_epoch = login->attestation.key_epoch + 1;
	if (error == SR_OK)
		error = code_draw(&code);
	if (error == SR_OK) {
		error = login_rekey(&options, &credential, login, code.secret,
		    RECOVERY_PASSWORD_LEN, &problem);
		if (error != SR_OK)
			fprintf(stderr, "%s\n", problem.message);
		if (error == SR_UNKNOWN_OUTCOME)
			error = rekey_look(atm, &credential, key_epoch);
		code_say(atm, error, &code,
		    "The keys are new, the password is the same; other "
		    "sessions have ended and the former recovery code is "
		    "void.");
		if (error == SR_OK && atm->options.json)
			printf("{\"v\":1,\"customer\":%" PRIu64
			       ",\"key_epoch\":%" PRIu32
			       ",\"recovery_code\":\"%s\"}\n",
			    login->attestation.customer, key_epoch, code.text);
	}
	if (error == SR_OK)
		error = enter_again(atm, &password);
	sodium_memzero(&code, sizeof(code));
	sodium_memzero(&password, sizeof(password));
	return error;
}
