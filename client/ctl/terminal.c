/* SPDX-License-Identifier: ISC */
/*
 * Terminals: enrolled by two operators, revoked by one.  The card that
 * results is the terminal: name, password and pre-shared key.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/card.h"
#include "client/ctl/run.h"
#include "client/ordering.h"
#include "client/plural.h"
#include "common/authority.h"
#include "common/ids.h"
#include "common/name.h"
#include "gen/messages.h"

/* One operator asks, the other approves exactly that. */
static enum sr_error
add_enrol(struct ctl_run *run, uint64_t customer, int64_t maximum_minor,
    uint32_t *terminal)
{
	uint8_t parameters[ORDER_ENROL_LEN];
	struct order_enrol enrol = {.principal = customer,
	    .terminal = (uint32_t)customer,
	    .epoch = 1,
	    .till_maximum_minor = maximum_minor,
	    .role = ROLE_TERMINAL};
	struct ordering ask = {.kind = ORDER_ENROL_REQUEST,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	enum sr_error error;

	if (customer > UINT32_MAX)
		return ctl_failed("terminal", SR_TOO_LARGE);
	order_enrol_encode(&enrol, parameters);
	error = ctl_run_four_eyes(run, &ask);
	*terminal = enrol.terminal;
	return error;
}

/* The pre-shared key, from keyd, for the card. */
static enum sr_error
add_key(int control, uint32_t terminal, struct card *card)
{
	uint8_t bytes[64], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_terminal_key_get get = {.terminal = terminal};
	struct message_terminal_key key = {0};
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = message_terminal_key_get_encode(&w, &get);

	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_LEDGERD, bytes, writer_len(&w),
			MESSAGE_TERMINAL_KEY, packet, &body, &body_len);
	if (error == SR_OK)
		error = message_terminal_key_decode(body, body_len, &key);
	if (error == SR_OK && key.error != SR_OK)
		error = error_of_wire(key.error);
	if (error == SR_OK && key.terminal != terminal)
		error = SR_MALFORMED;
	if (error != SR_OK)
		return ctl_failed("the terminal's key", error);
	card->terminal = key.terminal;
	card->epoch = key.epoch;
	memcpy(card->psk, key.psk, sizeof(card->psk));
	sodium_memzero(&key, sizeof(key));
	sodium_memzero(packet, sizeof(packet));
	return SR_OK;
}

static enum sr_error
add_arguments(const struct ctl_options *options, const struct bankfile *bank,
    int64_t *maximum_minor, struct denominations *denominations)
{
	enum money_fault fault;

	if (options->denominations != NULL &&
	    denominations_parse(
		options->denominations, &bank->unit, denominations) != SR_OK) {
		fprintf(stderr,
		    "strongroomctl: --denominations %s: amounts like "
		    "5.00,10.00, each once, at most %d\n",
		    options->denominations, DENOMINATIONS_MAX);
		return SR_USAGE;
	}

	fault = money_parse(
	    options->max, strlen(options->max), &bank->unit, maximum_minor);
	if (fault == MONEY_FINE)
		return SR_OK;
	fprintf(stderr, "strongroomctl: --max %s: %s\n", options->max,
	    money_sentence(fault));
	return SR_USAGE;
}

/*
 * Everything that can be wrong with the words, before anything happens: the
 * name is taken once it is registered, whatever becomes of the terminal.
 */
static enum sr_error
add_check(const struct ctl_options *options, const char *name)
{
	if (name_check(name, strlen(name)) != SR_OK)
		return ctl_failed(name, SR_NAME);
	if (options->max == NULL || options->out == NULL) {
		fprintf(stderr, "strongroomctl: --max AMOUNT (cash that it may "
				"hold) and --out CARD are needed\n");
		return SR_USAGE;
	}
	if (options->as != NULL && options->approve == NULL) {
		fprintf(stderr,
		    "strongroomctl: one operator alone enrols nothing: "
		    "--approve CARD names the other's card\n");
		return SR_ROLE;
	}
	return ctl_card_check_out(options->out);
}

/* The bank declines it, too; by then the name would be taken. */
static enum sr_error
add_check_operators(const struct ctl_run *run)
{
	if (run->requester.login.welcome.customer !=
	    run->approver.login.welcome.customer)
		return SR_OK;
	return ctl_failed("approve", SR_OWN_REQUEST);
}

enum sr_error
ctl_terminal_add(const struct ctl_options *options, char *const words[])
{
	char message[CARD_MESSAGE_MAX];
	struct card card = {0};
	struct ctl_run run;
	int64_t maximum_minor = 0;
	uint64_t customer = 0;
	uint32_t terminal = 0;
	enum sr_error error = add_check(options, words[0]);

	if (error != SR_OK)
		return error;
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = add_arguments(
		    options, &run.bank, &maximum_minor, &card.denominations);
	if (error == SR_OK)
		error = add_check_operators(&run);
	if (error == SR_OK) {
		memcpy(card.bank_id, run.bank.bank_id, sizeof(card.bank_id));
		memcpy(card.name, words[0], strlen(words[0]) + 1);
		card_draw_password(&card);
		error = ctl_card_register(&run, options, &card, &customer);
	}
	if (error == SR_OK)
		error = add_enrol(&run, customer, maximum_minor, &terminal);
	if (error == SR_OK)
		error = add_key(run.control, terminal, &card);
	if (error == SR_OK) {
		error = card_write(options->out, &card, message);
		if (error != SR_OK)
			fprintf(stderr, "strongroomctl: %s\n", message);
	}
	if (error == SR_OK)
		fprintf(stderr,
		    "%s is enrolled as terminal %" PRIu32
		    "; whoever has %s is that terminal\n",
		    card.name, card.terminal, options->out);
	card_wipe(&card);
	ctl_run_end(&run);
	return error;
}

/* A terminal's card of this bank. */
static enum sr_error
renew_read(
    const char *path, const uint8_t bank_id[BANK_ID_LEN], struct card *card)
{
	char message[CARD_MESSAGE_MAX];
	enum sr_error error = card_read(path, card, message);

	if (error != SR_OK) {
		fprintf(stderr, "strongroomctl: %s\n", message);
	} else if (memcmp(card->bank_id, bank_id, BANK_ID_LEN) != 0) {
		fprintf(stderr, "strongroomctl: %s is a card of another bank\n",
		    path);
		error = SR_WRONG_BANK;
	} else if (card->terminal == 0) {
		fprintf(
		    stderr, "strongroomctl: %s is no terminal's card\n", path);
		error = SR_ROLE;
	}
	return error;
}

/*
 * The same terminal, by a key of the present root.  The card that there was
 * serves on until the new one is first used.
 */
enum sr_error
ctl_terminal_renew(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	char message[CARD_MESSAGE_MAX];
	struct bankfile bank;
	struct card card = {0};
	enum sr_error error;
	int fd = -1;

	if (options->out == NULL) {
		fprintf(stderr, "strongroomctl: --out CARD is needed\n");
		return SR_USAGE;
	}
	error = ctl_card_check_out(options->out);
	if (error == SR_OK)
		error = ctl_configuration(options, &config);
	if (error == SR_OK)
		error = ctl_bank(&config, &bank);
	if (error == SR_OK)
		error = renew_read(words[0], bank.bank_id, &card);
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error == SR_OK)
		error = add_key(fd, card.terminal, &card);
	if (fd >= 0)
		close(fd);
	if (error == SR_OK) {
		error = card_write(options->out, &card, message);
		if (error != SR_OK)
			fprintf(stderr, "strongroomctl: %s\n", message);
	}
	if (error == SR_OK)
		fprintf(stderr,
		    "%s is the new card of terminal %" PRIu32
		    "; %s serves until that is first used\n",
		    options->out, card.terminal, words[0]);
	card_wipe(&card);
	return error;
}

/* What the revoked terminal leaves behind. */
struct left_behind {
	uint64_t till;
	unsigned count;
	int64_t amount_minor;
};

static void
revoke_count(void *context, const struct bank_hold *hold)
{
	struct left_behind *left = context;

	if (hold->till != left->till || hold->state == BANK_HOLD_RELEASED)
		return;
	left->count++;
	left->amount_minor += hold->amount_minor;
}

/* It can settle nothing any more; what it left open is up to operators. */
static void
revoke_report(struct ctl_run *run, const char *name, uint64_t principal)
{
	struct left_behind left = {
	    .till = account_id(principal, ACCOUNT_INDEX_TILL)};
	char amount[MONEY_TEXT_MAX];
	enum sr_error error;

	fprintf(stderr, "%s is revoked; its sessions have ended\n", name);
	error = bank_holds(&run->requester, revoke_count, &left);
	if (error != SR_OK)
		(void)ctl_failed("holds", error);
	else if (left.count == 0)
		fprintf(stderr, "no withdrawal of it is open\n");
	else
		fprintf(stderr,
		    "%u withdrawal%s of it (%s %s) stay%s reserved until two "
		    "operators release %s: see `strongroomctl holds'\n",
		    left.count, plural(left.count),
		    money_format(left.amount_minor, &run->bank.unit, amount),
		    run->bank.unit.code, left.count == 1 ? "s" : "",
		    left.count == 1 ? "it" : "them");
}

enum sr_error
ctl_terminal_revoke(const struct ctl_options *options, char *const words[])
{
	uint8_t parameters[ORDER_REVOKE_LEN];
	struct order_revoke revoke = {0};
	struct ordering ordering = {.kind = ORDER_REVOKE,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct ordering_result result;
	struct ctl_run run;
	enum sr_error error;

	if (name_check(words[0], strlen(words[0])) != SR_OK)
		return ctl_failed(words[0], SR_NAME);
	error = ctl_run_begin(&run, options);
	if (error == SR_OK) {
		error = bank_find(&run.requester, words[0], &revoke.principal);
		if (error == SR_NOT_FOUND)
			fprintf(stderr,
			    "strongroomctl: %s: no terminal has that name\n",
			    words[0]);
		else if (error != SR_OK)
			(void)ctl_failed(words[0], error);
	}
	if (error == SR_OK) {
		revoke.terminal = (uint32_t)revoke.principal;
		order_revoke_encode(&revoke, parameters);
		error = ctl_run_order(&run, &run.requester, &ordering, &result);
	}
	if (error == SR_OK)
		revoke_report(&run, words[0], revoke.principal);
	ctl_run_end(&run);
	return error;
}
