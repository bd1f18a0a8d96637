/* SPDX-License-Identifier: ISC */
/*
 * Who is at the ATM: reading bank file and card, logging in.
 * The password is prepared, used and wiped here and goes nowhere else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "client/atm/atm.h"
#include "client/ordering.h"
#include "client/password.h"
#include "client/atm/till.h"
#include "common/name.h"

enum sr_error
atm_prepare(struct atm *atm)
{
	char message[BANKFILE_MESSAGE_MAX];
	enum sr_error error =
	    bankfile_read(atm->options.bank_file, &atm->bank, message);

	if (error == SR_OK && atm->options.terminal_card != NULL)
		error = card_read(
		    atm->options.terminal_card, &atm->terminal, message);
	if (error != SR_OK) {
		fprintf(stderr, "%s\n", message);
		return error;
	}
	if (atm->options.terminal_card != NULL &&
	    (atm->terminal.terminal == 0 ||
		memcmp(atm->terminal.bank_id, atm->bank.bank_id, 32) != 0)) {
		fprintf(stderr, "%s is not a card of a terminal of this bank\n",
		    atm->options.terminal_card);
		return SR_WRONG_BANK;
	}
	if (atm->options.teller_card != NULL) {
		error =
		    card_read(atm->options.teller_card, &atm->teller, message);
		if (error != SR_OK) {
			fprintf(stderr, "%s\n", message);
			return error;
		}
	}
	if (atm->options.teller_card != NULL &&
	    (atm->teller.terminal != 0 ||
		memcmp(atm->teller.bank_id, atm->bank.bank_id, 32) != 0)) {
		fprintf(stderr, "%s is not a card of a teller of this bank\n",
		    atm->options.teller_card);
		return SR_WRONG_BANK;
	}
	atm->unit = atm->bank.unit;
	return state_open(&atm->state, atm->bank.bank_id);
}

struct login_options
atm_login_options(const struct atm *atm)
{
	return (struct login_options){
	    .bank = &atm->bank,
	    .server = atm->options.server,
	    .terminal = atm->terminal.terminal != 0 ? &atm->terminal : NULL,
	    .state = &atm->state,
	    .keep_device_token = true,
	};
}

enum sr_error
atm_take_name(struct atm *atm, const char *name)
{
	if (name_check(name, strlen(name)) != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(SR_NAME));
		return SR_NAME;
	}
	memcpy(atm->user, name, strlen(name) + 1);
	return SR_OK;
}

enum sr_error
atm_ask_name(struct atm *atm)
{
	const char *name = atm->options.user;
	char line[64];
	enum sr_error error;

	if (name != NULL)
		return atm_take_name(atm, name);
	if (atm->user[0] != '\0')
		return SR_OK;
	if (!prompt_interactive()) {
		fprintf(stderr, "whose account? use --user NAME\n");
		return SR_USAGE;
	}
	error = prompt_line("Name: ", line, sizeof(line));
	if (error == SR_CLOSED)
		return error;
	return atm_take_name(atm, error == SR_OK ? line : "");
}

enum sr_error
atm_password(const struct prompt_source *source, bool new, const char *question,
    char *out, size_t *len)
{
	char text[PROMPT_SECRET_MAX + 1];
	size_t text_len = 0;
	enum sr_error error =
	    new ? prompt_new_secret(source, question, text, &text_len)
		: prompt_secret(source, question, text, &text_len);

	if (error == SR_OK) {
		error = password_prepare(text, text_len, out, len);
		if (error != SR_OK) {
			fprintf(stderr, "a password is text (UTF-8) without "
					"control characters\n");
			/* Nothing was declined: it is bad data. */
			error = SR_MALFORMED;
		}
	}
	sodium_memzero(text, sizeof(text));
	return error;
}

enum sr_error
atm_enter(struct atm *atm, const struct login_credential *credential)
{
	struct login_options options = atm_login_options(atm);
	uint8_t reference[ORDER_REFERENCE_LEN];
	const uint8_t *but = NULL;
	enum sr_error error = bank_enter(&atm->customer, &options, credential);

	if (error != SR_OK)
		return error;
	atm->customer_in = true;
	if (atm->options.id != NULL &&
	    ordering_reference(atm->options.id, reference) == SR_OK)
		but = reference;
	return ordering_settle(&atm->customer, &atm->state, &atm->unit, but);
}

enum sr_error
atm_log_in(struct atm *atm)
{
	char password[PASSWORD_MAX];
	struct login_credential credential = {
	    .name = atm->user, .password = password, .slot = SLOT_PASSWORD};
	enum sr_error error;

	if (atm->customer_in)
		return SR_OK;
	error = atm_ask_name(atm);
	if (error == SR_OK)
		error = atm_password(&atm->options.password, false,
		    "Password: ", password, &credential.password_len);
	if (error == SR_OK)
		error = atm_enter(atm, &credential);
	sodium_memzero(password, sizeof(password));
	return error;
}

enum sr_error
atm_enter_till(struct atm *atm, const uint8_t *reference)
{
	struct login_options options = atm_login_options(atm);
	struct login_credential credential = {
	    .name = atm->terminal.name,
	    .password = atm->terminal.password,
	    .password_len = strlen(atm->terminal.password),
	    .slot = SLOT_PASSWORD,
	};
	enum sr_error error;

	if (atm->till_in)
		return SR_OK;
	if (atm->terminal.terminal == 0) {
		fprintf(stderr,
		    "cash comes in and goes out at an enrolled ATM: "
		    "use --terminal CARD\n");
		return SR_TERMINAL;
	}
	error = bank_enter(&atm->till, &options, &credential);
	if (error != SR_OK)
		return error;
	atm->till_in = true;
	error = ordering_settle(&atm->till, &atm->state, &atm->unit, reference);
	return error == SR_OK ? till_resume(atm) : error;
}

enum sr_error
atm_log_in_till(struct atm *atm)
{
	uint8_t reference[ORDER_REFERENCE_LEN];
	bool named = atm->options.id != NULL &&
		     ordering_reference(atm->options.id, reference) == SR_OK;

	return atm_enter_till(atm, named ? reference : NULL);
}

void
atm_log_out(struct atm *atm)
{
	if (atm->customer_in)
		bank_leave(&atm->customer);
	if (atm->till_in)
		bank_leave(&atm->till);
	atm->customer_in = false;
	atm->till_in = false;
}
