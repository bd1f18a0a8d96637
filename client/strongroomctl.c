/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl: the operator's tool.  Founds a bank, enrols and revokes
 * terminals, invites, renews the certificate, shows the state.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/ctl.h"

enum {
	OPTION_AS = 256,
	OPTION_APPROVE,
	OPTION_SERVER,
	OPTION_DIRECTORY,
	OPTION_NAME,
	OPTION_UNIT,
	OPTION_LISTEN,
	OPTION_UNLOCK,
	OPTION_REGISTRATION,
	OPTION_NAMESPACES,
	OPTION_MAX,
	OPTION_OUT,
	OPTION_DENOMINATIONS,
	OPTION_DAYS,
	OPTION_SEGMENTS,
	OPTION_TO,
	OPTION_LATE,
	OPTION_ANCHOR,
	OPTION_CHECK,
	OPTION_PASSPHRASE_FD,
	OPTION_ACCEPT_LOSS,
	OPTION_VERSION,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"as", required_argument, NULL, OPTION_AS},
    {"approve", required_argument, NULL, OPTION_APPROVE},
    {"server", required_argument, NULL, OPTION_SERVER},
    {"json", no_argument, NULL, 'j'},
    {"dir", required_argument, NULL, OPTION_DIRECTORY},
    {"name", required_argument, NULL, OPTION_NAME},
    {"unit", required_argument, NULL, OPTION_UNIT},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"unlock", required_argument, NULL, OPTION_UNLOCK},
    {"registration", required_argument, NULL, OPTION_REGISTRATION},
    {"namespaces", required_argument, NULL, OPTION_NAMESPACES},
    {"max", required_argument, NULL, OPTION_MAX},
    {"out", required_argument, NULL, OPTION_OUT},
    {"denominations", required_argument, NULL, OPTION_DENOMINATIONS},
    {"days", required_argument, NULL, OPTION_DAYS},
    {"segments", required_argument, NULL, OPTION_SEGMENTS},
    {"to", required_argument, NULL, OPTION_TO},
    {"late", no_argument, NULL, OPTION_LATE},
    {"anchor", required_argument, NULL, OPTION_ANCHOR},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"passphrase-fd", required_argument, NULL, OPTION_PASSPHRASE_FD},
    {"accept-loss", no_argument, NULL, OPTION_ACCEPT_LOSS},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const struct ctl_command commands[] = {
    {"init", NULL, 0, ctl_init, "init --dir D --name N --unit EUR:2 ...",
	"found a bank"},
    {"status", NULL, 0, ctl_status, "status", "how the bank is"},
    {"lock", NULL, 0, ctl_lock, "lock",
	"no key stays in memory, no customer is served"},
    {"unlock", NULL, 0, ctl_unlock, "unlock [--passphrase-fd N]",
	"serve again: with the passphrase file, else asks"},
    {"terminal", "add", 1, ctl_terminal_add,
	"terminal add NAME --max AMOUNT --out CARD",
	"enrol an ATM: --as one operator, --approve the other"},
    {"terminal", "revoke", 1, ctl_terminal_revoke, "terminal revoke NAME",
	"an ATM is out at once: --as one operator"},
    {"auditor", "add", 2, ctl_auditor_add, "auditor add NAME KEYFILE",
	"enrol an auditor: --as one operator, --approve the other"},
    {"disclose", NULL, 0, ctl_disclose,
	"disclose --segments A-B --to NAME --out FILE",
	"keys of journal segments, sealed to that auditor"},
    {"holds", NULL, 0, ctl_holds, "holds [--late]",
	"withdrawals that are not settled: --as one operator"},
    {"release", NULL, 1, ctl_release, "release ENTRY",
	"give one back that is overdue, or whose ATM is revoked: --as one "
	"operator, --approve the other"},
    {"invite", NULL, 1, ctl_invite, "invite NAME [--days N]",
	"print an invitation to register that name"},
    {"backup", NULL, 1, ctl_backup, "backup DIRECTORY",
	"copy the running bank, verified; only what is new is sent"},
    {"restore", NULL, 1, ctl_restore,
	"restore [--anchor FILE] [--check | --accept-loss] DIRECTORY",
	"put the newest backup in the place of a stopped bank's files"},
    {"clock", "confirm", 0, ctl_clock_confirm, "clock confirm",
	"say that the machine's clock is right, after it was set"},
    {"clock", NULL, 0, ctl_clock, "clock",
	"what the bank makes of the machine's clock"},
    {"certify", NULL, 0, ctl_certify, "certify",
	"renew the certificate of a bank that is stopped"},
};

static void
help(FILE *out)
{
	fprintf(out, "usage: strongroomctl [-c FILE] [options] command\n\n"
		     "commands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %s\n      %s\n", commands[i].usage,
		    commands[i].what);
	fprintf(out,
	    "\noptions:\n"
	    "  -c, --config FILE        the bank's strongroom.conf\n"
	    "      --as CARD            be this operator\n"
	    "      --approve CARD       the operator who approves\n"
	    "      --server ADDRESS     instead of the bank's addresses\n"
	    "  -j, --json               status, holds, backup, restore for "
	    "scripts\n"
	    "  -h, --help\n"
	    "      --version\n"
	    "options of init:\n"
	    "      --dir D              directory of the new bank\n"
	    "      --name TEXT          what it is called\n"
	    "      --unit CODE:DIGITS   EUR:2, HOUR:2 ...\n"
	    "      --listen ADDRESS     127.0.0.1:7420, [::1]:7420, "
	    "unix:PATH; may repeat\n"
	    "      --unlock HOW         passphrase-file:PATH, made when there "
	    "is none\n"
	    "      --registration HOW   open (default), invite or closed\n"
	    "      --namespaces off     where the system forbids them\n"
	    "options of terminal add:\n"
	    "      --max AMOUNT         cash that the ATM may hold\n"
	    "      --denominations LIST what it pays out, 5.00,10.00,20.00; "
	    "else any amount\n"
	    "      --out CARD           the file that makes it that ATM\n"
	    "options of holds:\n"
	    "      --late               those paid out after their release\n"
	    "options of disclose:\n"
	    "      --segments A-B       numbers of the first and the last one; "
	    "A- for all from A on\n"
	    "      --to NAME            the auditor\n"
	    "      --out FILE           the file to be written\n"
	    "options of restore:\n"
	    "      --anchor FILE        the newest checkpoint that anybody "
	    "has, when\n                           keyd's files are lost\n"
	    "      --check              try it in a scratch directory, write "
	    "nothing else\n"
	    "      --accept-loss        go on from the backup whatever came "
	    "later; without\n                           DIRECTORY from what "
	    "lies in the bank's own\n"
	    "options of unlock:\n"
	    "      --passphrase-fd N    read the passphrase there, not in the "
	    "file\n"
	    "options of invite:\n"
	    "      --days N             how long it is valid (default 7)\n"
	    "\nexamples:\n"
	    "  strongroomctl init --dir bank --name \"Our Bank\" --unit EUR:2 "
	    "\\\n      --listen 127.0.0.1:7420 --unlock "
	    "passphrase-file:bank.passphrase\n"
	    "  strongroomctl -c bank/strongroom.conf status\n"
	    "  strongroomctl -c bank/strongroom.conf --as operator-1.card \\\n"
	    "      --approve operator-2.card terminal add lobby --max 1000.00 "
	    "--out lobby.card\n");
}

static int
usage(const char *why)
{
	fprintf(stderr, "strongroomctl: %s; see strongroomctl --help\n", why);
	return error_exit(SR_USAGE);
}

static int
take_days(struct ctl_options *options)
{
	char *end;
	long days;

	errno = 0;
	days = strtol(optarg, &end, 10);
	if (errno != 0 || end == optarg || *end != '\0' || days < 1 ||
	    days > 365)
		return usage("--days is 1 to 365");
	options->valid_days = (uint32_t)days;
	return -1;
}

static int
take_passphrase_fd(struct ctl_options *options)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(optarg, &end, 10);
	if (errno != 0 || end == optarg || *end != '\0' || fd < 0 ||
	    fd > INT_MAX)
		return usage("--passphrase-fd is the number of a descriptor");
	options->passphrase_fd = (int)fd;
	return -1;
}

static int
take_listen(struct ctl_options *options)
{
	if (options->listen_count == CONFIG_LISTEN_MAX)
		return usage("at most 16 --listen");
	options->listen[options->listen_count++] = optarg;
	return -1;
}

static int
take_namespaces(struct ctl_options *options)
{
	if (strcmp(optarg, "on") != 0 && strcmp(optarg, "off") != 0)
		return usage("--namespaces is on or off");
	options->namespaces = strcmp(optarg, "on") == 0;
	return -1;
}

/* -1: go on; else the exit code. */
static int
take_option(struct ctl_options *options, int option)
{
	const char **text = NULL;

	switch (option) {
	case 'c':
		text = &options->configuration;
		break;
	case 'j':
		options->json = true;
		return -1;
	case OPTION_AS:
		text = &options->as;
		break;
	case OPTION_APPROVE:
		text = &options->approve;
		break;
	case OPTION_SERVER:
		text = &options->server;
		break;
	case OPTION_DIRECTORY:
		text = &options->directory;
		break;
	case OPTION_NAME:
		text = &options->name;
		break;
	case OPTION_UNIT:
		text = &options->unit;
		break;
	case OPTION_UNLOCK:
		text = &options->unlock;
		break;
	case OPTION_REGISTRATION:
		text = &options->registration;
		break;
	case OPTION_MAX:
		text = &options->max;
		break;
	case OPTION_OUT:
		text = &options->out;
		break;
	case OPTION_DENOMINATIONS:
		text = &options->denominations;
		break;
	case OPTION_SEGMENTS:
		text = &options->segments;
		break;
	case OPTION_TO:
		text = &options->to;
		break;
	case OPTION_LATE:
		options->late = true;
		return -1;
	case OPTION_ANCHOR:
		text = &options->anchor;
		break;
	case OPTION_ACCEPT_LOSS:
		options->accept_loss = true;
		return -1;
	case OPTION_CHECK:
		options->check = true;
		return -1;
	case OPTION_LISTEN:
		return take_listen(options);
	case OPTION_NAMESPACES:
		return take_namespaces(options);
	case OPTION_DAYS:
		return take_days(options);
	case OPTION_PASSPHRASE_FD:
		return take_passphrase_fd(options);
	case 'h':
		help(stdout);
		return 0;
	case OPTION_VERSION:
		printf("strongroomctl %s\n", STRONGROOM_VERSION);
		return 0;
	default:
		return error_exit(SR_USAGE);
	}
	*text = optarg;
	return -1;
}

static const struct ctl_command *
find_command(int argc, char *argv[], int *used)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct ctl_command *c = &commands[i];

		*used = c->second != NULL ? 2 : 1;
		if (argc >= *used && strcmp(argv[0], c->word) == 0 &&
		    (c->second == NULL || strcmp(argv[1], c->second) == 0))
			return c;
	}
	return NULL;
}

/* No command by those words; those that begin with the first are named. */
static int
unknown_command(int argc, char *argv[])
{
	bool known = false;

	if (argc == 0)
		return usage("which command?");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[0], commands[i].word) != 0)
			continue;
		fprintf(stderr, "strongroomctl: %s\n", commands[i].usage);
		known = true;
	}
	if (known)
		return usage("it is one of these");
	fprintf(stderr,
	    "strongroomctl: no such command: %s; see strongroomctl --help\n",
	    argv[0]);
	return error_exit(SR_USAGE);
}

/* That command was given too few words, or too many. */
static int
usage_of(const struct ctl_command *command, int argc, char *argv[])
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (&commands[i] != command &&
		    strcmp(commands[i].word, command->word) == 0 &&
		    command->second == NULL)
			return unknown_command(argc, argv);
	fprintf(stderr,
	    "strongroomctl: the command is `%s'; see strongroomctl --help\n",
	    command->usage);
	return error_exit(SR_USAGE);
}

int
main(int argc, char *argv[])
{
	struct ctl_options options = {.registration = "open",
	    .namespaces = true,
	    .valid_days = 7,
	    .passphrase_fd = -1};
	const struct ctl_command *command;
	int option, code, used;

	if (sodium_init() < 0) {
		fprintf(stderr, "strongroomctl: libsodium does not start\n");
		return error_exit(SR_INTERNAL);
	}
	/* Options may stand before and after the command's words. */
	while ((option = getopt_long(argc, argv, "c:jh", long_options, NULL)) !=
	       -1) {
		code = take_option(&options, option);
		if (code >= 0)
			return code;
	}
	argc -= optind;
	argv += optind;
	command = find_command(argc, argv, &used);
	if (command == NULL)
		return unknown_command(argc, argv);
	/* restore --accept-loss goes on with what is there, too */
	if (argc - used != command->words &&
	    !(argc == used && options.accept_loss &&
		command->run == ctl_restore))
		return usage_of(command, argc, argv);
	return error_exit(command->run(&options, argv + used));
}
