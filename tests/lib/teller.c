/* SPDX-License-Identifier: ISC */
/* Implementation of teller.h. */
#include "tests/lib/teller.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

static _Noreturn void
teller_usage(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(64);
}

bool
teller_line(char line[TELLER_LINE_MAX])
{
	if (fgets(line, TELLER_LINE_MAX, stdin) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static void
teller_read_card(struct card *card)
{
	char message[CARD_MESSAGE_MAX];

	if (card_read(optarg, card, message) != SR_OK)
		teller_usage(message);
}

static void
teller_user(struct teller *teller, const char *name)
{
	static char line[TELLER_LINE_MAX];

	if (!teller_line(line) || strlen(line) > CARD_PASSWORD_MAX ||
	    strlen(name) > CARD_NAME_MAX)
		teller_usage("the password is the first line of the input");
	memcpy(teller->card.name, name, strlen(name) + 1);
	memcpy(teller->card.password, line, strlen(line) + 1);
}

int
teller_options(struct teller *teller, int argc, char *argv[])
{
	static const struct option options[] = {
	    {"bank", required_argument, NULL, 'b'},
	    {"server", required_argument, NULL, 's'},
	    {"user", required_argument, NULL, 'u'},
	    {"card", required_argument, NULL, 'c'},
	    {"terminal", required_argument, NULL, 't'},
	    {"keep", no_argument, NULL, 'k'},
	    {NULL, 0, NULL, 0},
	};
	char message[BANKFILE_MESSAGE_MAX] = "--bank FILE is needed";
	enum sr_error error = SR_USAGE;
	const char *user = NULL;
	int option;

	memset(teller, 0, sizeof(*teller));
	if (sodium_init() < 0)
		teller_usage("libsodium does not start");
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'b')
			error = bankfile_read(optarg, &teller->bank, message);
		else if (option == 's')
			teller->server = optarg;
		else if (option == 'u')
			user = optarg;
		else if (option == 'c')
			teller_read_card(&teller->card);
		else if (option == 't')
			teller_read_card(&teller->terminal);
		else if (option == 'k')
			teller->keeps = true;
		else
			teller_usage("unknown option");
	}
	if (error != SR_OK)
		teller_usage(message);
	if (user != NULL)
		teller_user(teller, user);
	if (teller->keeps &&
	    state_open(&teller->state, teller->bank.bank_id) != SR_OK)
		teller_usage("no state directory");
	return optind;
}

enum sr_error
teller_enter(struct teller *teller)
{
	struct login_options options = {
	    .bank = &teller->bank,
	    .server = teller->server,
	    .terminal =
		teller->terminal.terminal != 0 ? &teller->terminal : NULL,
	    .state = teller->keeps ? &teller->state : NULL,
	    .keep_device_token = teller->keeps,
	};
	struct login_credential credential = {
	    .name = teller->card.name,
	    .password = teller->card.password,
	    .password_len = strlen(teller->card.password),
	    .slot = SLOT_PASSWORD,
	};
	enum sr_error error =
	    bank_enter(&teller->session, &options, &credential);

	teller->in = error == SR_OK;
	return error;
}

void
teller_leave(struct teller *teller)
{
	if (teller->in)
		bank_leave(&teller->session);
	teller->in = false;
}

void
teller_order_begin(const struct teller *teller, struct order *order)
{
	const struct payload_m4 *welcome = &teller->session.login.welcome;

	*order = (struct order){
	    .kind = ORDER_TRANSFER,
	    .unit = welcome->unit,
	    .terminal = welcome->terminal,
	    .signer = welcome->customer,
	    .seq = welcome->next_seq,
	    .debit = welcome->account,
	    .not_after_ms = bank_time_ms(&teller->session) + 60000,
	};
	memcpy(order->session, welcome->session_id, sizeof(order->session));
	memcpy(
	    order->previous, welcome->last_order_hash, sizeof(order->previous));
	memcpy(order->bank, teller->bank.bank_id, sizeof(order->bank));
	randombytes_buf(order->reference, sizeof(order->reference));
}

enum sr_error
teller_submit(struct teller *teller, const struct teller_order *order,
    struct message_order_answer *answer)
{
	uint8_t bytes[8192];
	struct bank_answer room;
	struct payload_m4 *welcome = &teller->session.login.welcome;
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_order_submit submit = {
	    .request = ++teller->session.request,
	    .attachment = order->attachment,
	    .attachment_len = order->attachment_len,
	};
	enum sr_error error;

	memcpy(submit.order, order->order, sizeof(submit.order));
	memcpy(submit.signature, order->signature, sizeof(submit.signature));
	error = message_order_submit_encode(&w, &submit);
	if (error == SR_OK)
		error = bank_exchange(&teller->session, bytes, writer_len(&w),
		    MESSAGE_ORDER_ANSWER, &room);
	if (error == SR_OK)
		error = message_order_answer_decode(
		    room.body, room.body_len, answer);
	if (error == SR_OK && answer->request != submit.request)
		error = SR_MALFORMED;
	if (error == SR_OK && answer->next_seq != 0) {
		welcome->next_seq = answer->next_seq;
		memcpy(welcome->last_order_hash, answer->last_hash,
		    sizeof(welcome->last_order_hash));
	}
	return error;
}
