/* SPDX-License-Identifier: ISC */
/*
 * Changes by a customer who has the password: another one, or new keys; and
 * what they share with the other commands that set a credential.
 */
#include "client/atm/credentials.h"

#include <inttypes.h>
#include <stdio.h>

#include <sodium.h>

enum sr_error
credentials_draw_code(struct recovery_code *code)
{
	unsigned group;

	recovery_draw(code->text);
	return recovery_password(code->text, code->secret, &group);
}

struct login_credential
credentials_of(
    const struct atm *atm, uint8_t slot, const void *secret, size_t len)
{
	return (struct login_credential){.name = atm->user,
	    .password = secret,
	    .password_len = len,
	    .slot = slot};
}

bool
credentials_were_set(const struct login_options *options,
    const struct login_credential *credential)
{
	struct login_problem problem = {0};
	struct login login;

	if (login_open(options, credential, &login, &problem) != SR_OK)
		return false;
	login_close(&login);
	return true;
}

enum sr_error
credentials_change(const struct atm *atm, const struct login_credential *by,
    const struct login_credential *target, const uint8_t seed[SEED_LEN],
    uint32_t key_epoch)
{
	struct login_options options = atm_login_options(atm);
	struct login_problem problem = {0};
	enum sr_error error = login_change(&options, by, target->slot,
	    target->password, target->password_len, seed, key_epoch, &problem);

	if (error == SR_UNKNOWN_OUTCOME &&
	    credentials_were_set(&options, target))
		return SR_OK;
	if (error != SR_OK)
		fprintf(stderr, "%s\n", problem.message);
	return error;
}

void
credentials_say_code(const struct atm *atm, enum sr_error error,
    const struct recovery_code *code, const char *done)
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

enum sr_error
credentials_enter_again(struct atm *atm, const struct secret_text *password)
{
	struct login_credential credential =
	    credentials_of(atm, SLOT_PASSWORD, password->bytes, password->len);

	bank_leave(&atm->customer);
	atm->customer_in = false;
	if (!atm->menu)
		return SR_OK;
	return atm_enter(atm, &credential) == SR_OK ? SR_OK : SR_SESSION_ENDED;
}

/* ---- another password ---------------------------------------------------- */

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
	    credentials_of(atm, SLOT_PASSWORD, password->bytes, password->len);
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
	by = credentials_of(atm, SLOT_PASSWORD, present.bytes, present.len);
	target = credentials_of(atm, SLOT_PASSWORD, next.bytes, next.len);
	if (error == SR_OK)
		error = credentials_change(atm, &by, &target, login->seed,
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
		error = credentials_enter_again(atm, &next);
	}
	sodium_memzero(&present, sizeof(present));
	sodium_memzero(&next, sizeof(next));
	return error;
}

/* ---- new keys ------------------------------------------------------------- */

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
	struct recovery_code code = {.text = ""};
	uint32_t key_epoch;
	enum sr_error error = present_password(atm, &password);

	(void)words;
	credential =
	    credentials_of(atm, SLOT_PASSWORD, password.bytes, password.len);
	key_epoch = login->attestation.key_epoch + 1;
	if (error == SR_OK)
		error = credentials_draw_code(&code);
	if (error == SR_OK) {
		error = login_rekey(&options, &credential, login, code.secret,
		    RECOVERY_PASSWORD_LEN, &problem);
		if (error != SR_OK)
			fprintf(stderr, "%s\n", problem.message);
		if (error == SR_UNKNOWN_OUTCOME)
			error = rekey_look(atm, &credential, key_epoch);
		credentials_say_code(atm, error, &code,
		    "The keys are new, the password is the same; other "
		    "sessions have ended and the former recovery code is "
		    "void.");
		if (error == SR_OK && atm->options.json)
			printf("{\"v\":1,\"customer\":%" PRIu64
			       ",\"key_epoch\":%" PRIu32
			       ",\"recovery_code\":\"%s\"}\n",
			    login->attestation.customer, key_epoch, code.text);
	}
	/* a single command, too: so the books know the keys at once */
	if (error == SR_OK && !atm->menu) {
		bank_leave(&atm->customer);
		atm->customer_in = false;
		(void)atm_enter(atm, &credential);
	} else if (error == SR_OK) {
		error = credentials_enter_again(atm, &password);
	}
	sodium_memzero(&code, sizeof(code));
	sodium_memzero(&password, sizeof(password));
	return error;
}
