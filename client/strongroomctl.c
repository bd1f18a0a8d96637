/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl: the operator's tool.  Founds a bank, enrols and revokes,
 * asks for what needs two operators and approves it, shows the state.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "client/ctl/ctl.h"

static const struct ctl_command commands[] = {
    {"init", NULL, 0, ctl_init, "init --dir D --name N --unit EUR:2 ...",
	"found a bank"},
    {"status", NULL, 0, ctl_status, "status", "how the bank is"},
    {"lock", NULL, 0, ctl_lock, "lock",
	"no key stays in memory, no customer is served"},
    {"unlock", NULL, 0, ctl_unlock,
	"unlock [--passphrase-fd N | --credential FILE | --shares]",
	"serve again: with the passphrase file, else asks"},
    {"reload", NULL, 0, ctl_reload, "reload",
	"read strongroom.conf again, without a restart"},
    {"seal", "add", 1, ctl_seal_add, "seal add HOW [--label TEXT]",
	"one more way to open the keys: passphrase, credential:FILE ..."},
    {"seal", "remove", 1, ctl_seal_remove, "seal remove NUMBER",
	"one less, but never the last"},
    {"seal", NULL, 0, ctl_seal, "seal", "which ways there are"},
    {"terminal", "add", 1, ctl_terminal_add,
	"terminal add NAME --max AMOUNT --out CARD",
	"enrol an ATM: --as one operator, --approve the other"},
    {"terminal", "renew", 1, ctl_terminal_renew,
	"terminal renew CARD --out CARD",
	"a card of the present terminal-root for the same terminal"},
    {"terminal", "revoke", 1, ctl_terminal_revoke, "terminal revoke NAME",
	"an ATM is out at once: --as one operator"},
    {"auditor", "add", 2, ctl_auditor_add, "auditor add NAME KEYFILE",
	"enrol an auditor: --as one operator, --approve the other"},
    {"auditor", "certify", 1, ctl_auditor_certify, "auditor certify FILE",
	"sign the books that were verified: --as an auditor's card"},
    {"disclose", NULL, 0, ctl_disclose,
	"disclose --segments A-B [--snapshot N] --to NAME --out FILE",
	"keys of the journal and of the books, sealed to that auditor"},
    {"retire", NULL, 0, ctl_retire,
	"retire [--keep-months N | --before SNAPSHOT] [--dry-run]",
	"give up the entries before the certified books; two operators"},
    {"requests", NULL, 0, ctl_requests, "requests",
	"what waits for an approval: --as one operator"},
    {"approve", NULL, 1, ctl_approve, "approve NUMBER",
	"carry out what another operator has asked for: --as yours"},
    {"role", "list", 0, ctl_role_list, "role list",
	"who is more than a customer: --as one operator"},
    {"role", "set", 2, ctl_role_set,
	"role set NAME ROLE [--max AMOUNT | --till NAME] [--out CARD]",
	"teller, operator, auditor, customer again; two operators"},
    {"role", "revoke", 1, ctl_role_revoke, "role revoke NAME",
	"a teller, operator or auditor is out at once: --as one operator"},
    {"account", "list", 0, ctl_account_list, "account list",
	"all accounts and their balances: --as one operator"},
    {"account", "show", 1, ctl_account_show, "account show ACCOUNT",
	"what is theirs, with its limits: --as one operator"},
    {"account", "freeze", 1, ctl_account_freeze, "account freeze ACCOUNT",
	"nothing goes out any more, at once: --as one operator"},
    {"account", "unfreeze", 1, ctl_account_unfreeze, "account unfreeze ACCOUNT",
	"it does again; two operators"},
    {"account", "limits", 1, ctl_account_limits,
	"account limits ACCOUNT --floor AMOUNT ...",
	"narrower ones by one operator, wider ones by two"},
    {"till", "list", 0, ctl_till_list, "till list",
	"the tills and the cash in them: --as one operator"},
    {"till", "cash-out", 2, ctl_till_cash_out,
	"till cash-out TILL AMOUNT --memo TEXT",
	"cash from a till into the safe; two operators"},
    {"issue", NULL, 2, ctl_issue, "issue ACCOUNT AMOUNT --memo TEXT",
	"money that the bank makes; two operators"},
    {"adjust", NULL, 3, ctl_adjust, "adjust FROM TO AMOUNT --memo TEXT",
	"money from one account to another; two operators"},
    {"reverse", NULL, 1, ctl_reverse, "reverse ENTRY --memo TEXT",
	"a posting taken back, once; two operators"},
    {"policy", "show", 0, ctl_policy, "policy [show]",
	"what new accounts begin with; with --floor ... two operators set it"},
    {"policy", NULL, 0, ctl_policy, "policy --floor AMOUNT ...", NULL},
    {"holds", NULL, 0, ctl_holds, "holds [--late]",
	"withdrawals that are not settled: --as one operator"},
    {"release", NULL, 1, ctl_release, "release ENTRY",
	"give one back that is overdue, or whose ATM is revoked; two operators"},
    {"invite", NULL, 1, ctl_invite, "invite NAME [--days N]",
	"print an invitation to register that name"},
    {"reset", NULL, 1, ctl_reset, "reset NAME [--days N] [--out FILE]",
	"a new password and new keys for who has lost all; two operators"},
    {"reset-code", NULL, 2, ctl_reset_code, "reset-code NAME ENTRY --out FILE",
	"the code of a reset that was approved; the former one is void"},
    {"import", NULL, 1, ctl_import,
	"import MEMBERS.csv [--out FILE | --balances] [--dry-run]",
	"invite a list of members; --balances books theirs, by two operators"},
    {"doctor", NULL, 0, ctl_doctor, "doctor",
	"what is wrong with the bank, a line a check"},
    {"metrics", NULL, 0, ctl_metrics, "metrics",
	"what the bank counts, as OpenMetrics text"},
    {"verify", NULL, 0, ctl_verify, "verify",
	"strongroom-verify over the bank's ledger, and a note of it"},
    {"anchor", "add-cosignature", 2, ctl_anchor_add,
	"anchor add-cosignature ANCHOR LINE --witness VKEY",
	"put a witness's signature to an anchor"},
    {"anchor", NULL, 0, ctl_anchor, "anchor [-o FILE] [--qr]",
	"the newest signed checkpoint, to be kept elsewhere"},
    {"month-end", NULL, 1, ctl_month_end,
	"month-end MONTH --keys FILE --auditor-key FILE [-o FILE]",
	"a month's books and anchor for the auditor, signed: --as one operator"},
    {"ceremony", NULL, 0, ctl_ceremony,
	"ceremony --shares N --quorum M [--holder NAME ...] [-o DIRECTORY]",
	"split a way to open the keys among people, and rehearse it"},
    {"rehearse", NULL, 0, ctl_rehearse_shares,
	"rehearse [--share-file FILE ...]",
	"try that shares restore the bank's keys, and note that they do"},
    {"backup", NULL, 1, ctl_backup, "backup DIRECTORY",
	"copy the running bank, verified; only what is new is sent"},
    {"restore", NULL, 1, ctl_restore,
	"restore [--anchor FILE] [--check | --accept-loss] DIRECTORY",
	"put the newest backup in the place of a stopped bank's files"},
    {"rebuild-tiles", NULL, 1, ctl_rebuild_tiles,
	"rebuild-tiles [--bank FILE] DIRECTORY",
	"make the public tree of a stopped bank's ledger, or of a copy, again"},
    {"clock", "confirm", 0, ctl_clock_confirm, "clock confirm",
	"say that the machine's clock is right, after it was set"},
    {"clock", NULL, 0, ctl_clock, "clock",
	"what the bank makes of the machine's clock"},
    {"certify", NULL, 0, ctl_certify, "certify",
	"renew the certificate of a bank that is stopped"},
    {"keys", NULL, 0, ctl_keys, "keys",
	"the bank's keys: epochs, uses, fingerprints; nothing of a key itself"},
    {"rotate", "attestation-key", 0, ctl_rotate_attestation_key,
	"rotate attestation-key",
	"new keys attest customers and sign the log of a bank that is stopped"},
    {"rotate", "channel-key", 0, ctl_rotate_channel_key, "rotate channel-key",
	"new keys answer clients and sign the log of a bank that is stopped"},
    {"rotate", "password-key", 0, ctl_rotate_password_key,
	"rotate password-key",
	"new keys for log-ins and to sign the log of a bank that is stopped"},
    {"rotate", "credential-key", 0, ctl_rotate_credential_key,
	"rotate credential-key",
	"a new key seals what keyd keeps of customers, while the bank runs"},
    {"rotate", "device-key", 0, ctl_rotate_device_key, "rotate device-key",
	"a new key makes tokens of devices, each from its next log-in on"},
    {"rotate", "invitation-key", 0, ctl_rotate_invitation_key,
	"rotate invitation-key",
	"a new key makes invitations; those that are out serve on"},
    {"rotate", "log-key", 0, ctl_rotate_log_key, "rotate log-key",
	"a new key signs the log of a bank that is stopped, from here on"},
    {"rotate", "password-seed", 0, ctl_rotate_password_seed,
	"rotate password-seed",
	"a new seed hardens passwords, each from its next log-in on"},
    {"rotate", "reset-key", 0, ctl_rotate_reset_key, "rotate reset-key",
	"a new key makes reset codes; those that are out serve on"},
    {"rotate", "terminal-root", 0, ctl_rotate_terminal_root,
	"rotate terminal-root",
	"a new root makes keys of cards; those that are out serve on"},
};

static void
help(FILE *out)
{
	fprintf(out, "usage: strongroomctl [-c FILE] [options] command\n\n"
		     "commands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		fprintf(out, "  %s\n", commands[i].usage);
		if (commands[i].what != NULL)
			fprintf(out, "      %s\n", commands[i].what);
	}
	ctl_options_help(out);
}

static int
usage(const char *why)
{
	fprintf(stderr, "strongroomctl: %s; see strongroomctl --help\n", why);
	return error_exit(SR_USAGE);
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
	struct ctl_options options;
	const struct ctl_command *command;
	int used;

	if (sodium_init() < 0) {
		fprintf(stderr, "strongroomctl: libsodium does not start\n");
		return error_exit(SR_INTERNAL);
	}
	switch (ctl_options_take(argc, argv, &options)) {
	case CTL_GO_ON:
		break;
	case CTL_HELP:
		help(stdout);
		return 0;
	case CTL_VERSION:
		printf("strongroomctl %s\n", STRONGROOM_VERSION);
		return 0;
	case CTL_WRONG:
		return error_exit(SR_USAGE);
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
