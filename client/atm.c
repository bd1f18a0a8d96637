/* SPDX-License-Identifier: ISC */
/*
 * atm: the customer's side of the bank, as one-shot commands and, without a
 * command, as a menu.  Knows the bank by its bank.id, keeps nothing secret on
 * disk, and never sends the password in any form.
 */
#include "client/atm/atm.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/ordering.h"
#include "client/atm/till.h"

enum {
	OPTION_PASSWORD_FD = 256,
	OPTION_PASSWORD_FILE,
	OPTION_NEW_PASSWORD_FD,
	OPTION_NEW_PASSWORD_FILE,
	OPTION_INVITATION,
	OPTION_DISPLAY_NAME,
	OPTION_DISPENSER,
	OPTION_FORMAT,
	OPTION_FROM_DATE,
	OPTION_TO_DATE,
	OPTION_FROM,
	OPTION_TO,
	OPTION_TELLER,
	OPTION_COUNTED,
	OPTION_VERSION,
};

static const struct option long_options[] = {
    {"bank", required_argument, NULL, 'b'},
    {"server", required_argument, NULL, 's'},
    {"terminal", required_argument, NULL, 't'},
    {"user", required_argument, NULL, 'u'},
    {"account", required_argument, NULL, 'a'},
    {"memo", required_argument, NULL, 'm'},
    {"id", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, 'n'},
    {"json", no_argument, NULL, 'j'},
    {"yes", no_argument, NULL, 'y'},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"teller", required_argument, NULL, OPTION_TELLER},
    {"counted", required_argument, NULL, OPTION_COUNTED},
    {"password-fd", required_argument, NULL, OPTION_PASSWORD_FD},
    {"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
    {"new-password-fd", required_argument, NULL, OPTION_NEW_PASSWORD_FD},
    {"new-password-file", required_argument, NULL, OPTION_NEW_PASSWORD_FILE},
    {"invitation", required_argument, NULL, OPTION_INVITATION},
    {"display-name", required_argument, NULL, OPTION_DISPLAY_NAME},
    {"dispenser", required_argument, NULL, OPTION_DISPENSER},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"from-date", required_argument, NULL, OPTION_FROM_DATE},
    {"to-date", required_argument, NULL, OPTION_TO_DATE},
    {"out", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static void
help(FILE *out)
{
	fprintf(out, "usage: atm --bank FILE [options] [command]\n\n"
		     "Without a command: the menu.\n\ncommands:\n");
	for (const struct atm_command *c = atm_commands; c->name != NULL; c++)
		fprintf(out, "  %-26s %s\n", c->usage, c->what);
	fprintf(out,
	    "\noptions:\n"
	    "  -b, --bank FILE          the bank's bank.id\n"
	    "  -s, --server ADDRESS     instead of the addresses in it\n"
	    "  -t, --terminal CARD      be this enrolled ATM\n"
	    "      --teller CARD        be this teller\n"
	    "  -u, --user NAME          whose account\n"
	    "  -a, --account LABEL      which of the accounts; balance: all\n"
	    "      --from LABEL, --to LABEL\n"
	    "                           which own account pays, and takes\n"
	    "  -m, --memo TEXT          a line for the statement\n"
	    "  -i, --id REFERENCE       run again with the same: booked once\n"
	    "  -n, --count N            lines of the statement (default 20)\n"
	    "      --format FORMAT      of the statement: text, csv, json, "
	    "hledger, ledger,\n"
	    "                           beancount, ofx\n"
	    "      --from-date DAY, --to-date DAY\n"
	    "                           its first and last day (UTC), as "
	    "2026-11-21\n"
	    "  -o, --out FILE           the file that it, or a receipt, goes to\n"
	    "  -n, --count 50x3,0.20x7  the cash of a till, piece by piece\n"
	    "      --counted AMOUNT     or its sum\n"
	    "  -y, --yes                sign a till's difference unasked\n"
	    "  -j, --json               for scripts\n"
	    "      --password-fd N      read the password from descriptor N\n"
	    "      --password-file F    read the password from a file\n"
	    "      --new-password-fd N, --new-password-file F\n"
	    "                           the same for the new one (passwd, "
	    "recover, reset)\n"
	    "      --invitation HEX     to register by invitation\n"
	    "      --display-name TEXT  to register with\n"
	    "      --dispenser COMMAND  gives out the cash of withdraw\n"
	    "  -h, --help\n"
	    "      --version\n\n"
	    "examples:\n"
	    "  atm --bank bank.id --user ada register\n"
	    "  atm --bank bank.id --terminal lobby.card --user ada deposit "
	    "50.00\n"
	    "  atm --bank bank.id --terminal lobby.card --user ada withdraw "
	    "20.00\n"
	    "  atm --bank bank.id --user ada transfer bob 12,50 --memo pizza\n"
	    "  atm --bank bank.id --user ada balance --json\n"
	    "  atm --bank bank.id --user ada transfer self 10.00 --to savings\n"
	    "  atm --bank bank.id --user ada receipt 17 -o rent.tlog-proof\n"
	    "  atm --bank bank.id --teller eve.card till\n"
	    "  atm --bank bank.id --user ada statement --format ofx \\\n"
	    "      --from-date 2026-11-01 --to-date 2026-11-30 --out "
	    "november.ofx\n");
}

static enum sr_error
usage(const char *why, const char *what)
{
	fprintf(stderr, "atm: %s%s%s; see atm --help\n", why,
	    what != NULL ? ": " : "", what != NULL ? what : "");
	return SR_USAGE;
}

/* -1: go on; else the exit code. */
static int
take_option(struct atm_options *options, int option)
{

	switch (option) {
	case 'b':
		options->bank_file = optarg;
		return -1;
	case 's':
		options->server = optarg;
		return -1;
	case 't':
		options->terminal_card = optarg;
		return -1;
	case 'u':
		options->user = optarg;
		return -1;
	case 'm':
		options->memo = optarg;
		return -1;
	case 'i':
		options->id = optarg;
		return -1;
	case 'j':
		options->json = true;
		return -1;
	case 'y':
		options->yes = true;
		return -1;
	case 'a':
		options->account = optarg;
		return -1;
	case 'n':
		options->count = optarg;
		return -1;
	case OPTION_FROM:
		options->from = optarg;
		return -1;
	case OPTION_TO:
		options->to = optarg;
		return -1;
	case OPTION_TELLER:
		options->teller_card = optarg;
		return -1;
	case OPTION_COUNTED:
		options->counted = optarg;
		return -1;
	case OPTION_PASSWORD_FD:
		if (!prompt_descriptor(optarg, &options->password.fd))
			return error_exit(usage(
			    "--password-fd is the number of an open descriptor",
			    NULL));
		return -1;
	case OPTION_PASSWORD_FILE:
		options->password.file = optarg;
		return -1;
	case OPTION_NEW_PASSWORD_FD:
		if (!prompt_descriptor(optarg, &options->new_password.fd))
			return error_exit(usage(
			    "--new-password-fd is the number of an open descriptor",
			    NULL));
		return -1;
	case OPTION_NEW_PASSWORD_FILE:
		options->new_password.file = optarg;
		return -1;
	case OPTION_INVITATION:
		options->invitation = optarg;
		return -1;
	case OPTION_DISPENSER:
		options->dispenser = optarg;
		return -1;
	case OPTION_FORMAT:
		options->format = optarg;
		return -1;
	case OPTION_FROM_DATE:
		options->from_date = optarg;
		return -1;
	case OPTION_TO_DATE:
		options->to_date = optarg;
		return -1;
	case 'o':
		options->out = optarg;
		return -1;
	case OPTION_DISPLAY_NAME:
		options->display_name = optarg;
		return -1;
	case 'h':
		help(stdout);
		return 0;
	case OPTION_VERSION:
		printf("atm %s\n", STRONGROOM_VERSION);
		return 0;
	default:
		return error_exit(usage("bad option", NULL));
	}
}

static enum sr_error
run(struct atm *atm, int argc, char *argv[])
{
	const struct atm_command *command = NULL;
	enum sr_error error;

	if (atm->options.bank_file == NULL)
		return usage("which bank? --bank FILE names its bank.id", NULL);
	if (argc > 0) {
		command = atm_command_find(argv[0]);
		if (command == NULL)
			return usage("no such command", argv[0]);
		if (argc - 1 < command->words || argc - 1 > command->words_max)
			return usage("it is", command->usage);
	}
	error = atm_prepare(atm);
	if (error != SR_OK)
		return error;
	/* A terminal that ended in between settles first; if it cannot now,
	 * that has been said. */
	if (atm->terminal.terminal != 0 && till_unfinished(atm))
		(void)atm_log_in_till(atm);
	if (command == NULL)
		return atm_menu(atm);
	error = command->run(atm, argv + 1);
	if (error == SR_CLOSED)
		return usage("left without an answer", NULL);
	if (error == SR_LOGIN && !atm->customer_in &&
	    command->run != atm_recover)
		fprintf(stderr,
		    "Who is new here becomes a customer with the command "
		    "'register'.\n");
	return error;
}

int
main(int argc, char *argv[])
{
	static struct atm atm = {
	    .options = {.password = {.fd = -1}, .new_password = {.fd = -1}}};
	enum sr_error error;
	int option, code;

	if (sodium_init() < 0) {
		fprintf(stderr, "atm: libsodium does not start\n");
		return error_exit(SR_INTERNAL);
	}
	/* what is typed ahead may be another one's to read: a password */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	while ((option = getopt_long(argc, argv, "a:b:s:t:u:m:i:n:o:jyh",
		    long_options, NULL)) != -1) {
		code = take_option(&atm.options, option);
		if (code >= 0)
			return code;
	}
	error = run(&atm, argc - optind, argv + optind);
	atm_log_out(&atm);
	card_wipe(&atm.terminal);
	card_wipe(&atm.teller);
	if (fflush(stdout) != 0 && error == SR_OK) {
		fprintf(stderr, "atm: cannot write the output: %s\n",
		    strerror(errno));
		error = SR_IO;
	}
	return error_exit(error);
}
