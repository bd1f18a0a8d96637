/* SPDX-License-Identifier: ISC */
/*
 * The options of strongroomctl.  What an option means is the commands'
 * business; here it is only taken.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/prompt.h"
#include "client/ctl/ctl.h"

enum {
	OPTION_AS = 256,
	OPTION_APPROVE,
	OPTION_SERVER,
	OPTION_DIRECTORY,
	OPTION_NAME,
	OPTION_UNIT,
	OPTION_LISTEN,
	OPTION_PUBLIC_ADDRESS,
	OPTION_UNLOCK,
	OPTION_REGISTRATION,
	OPTION_NAMESPACES,
	OPTION_MAX,
	OPTION_DENOMINATIONS,
	OPTION_DAYS,
	OPTION_SEGMENTS,
	OPTION_SNAPSHOT,
	OPTION_TO,
	OPTION_LATE,
	OPTION_ANCHOR,
	OPTION_CHECK,
	OPTION_PASSPHRASE_FD,
	OPTION_CREDENTIAL,
	OPTION_LABEL,
	OPTION_ACCEPT_LOSS,
	OPTION_TILL,
	OPTION_MEMO,
	OPTION_FLOOR,
	OPTION_SOFT_FLOOR,
	OPTION_CEILING,
	OPTION_DAY_LIMIT,
	OPTION_UNDO_MINUTES,
	OPTION_REQUEST_MINUTES,
	OPTION_TYPE,
	OPTION_LIMIT,
	OPTION_DRY_RUN,
	OPTION_BALANCES,
	OPTION_QR,
	OPTION_BANK,
	OPTION_WITNESS,
	OPTION_KEYS,
	OPTION_AUDITOR_KEY,
	OPTION_SINCE,
	OPTION_CERTIFIED,
	OPTION_SO_FAR,
	OPTION_KEEP_MONTHS,
	OPTION_BEFORE,
	OPTION_SHARES,
	OPTION_QUORUM,
	OPTION_HOLDER,
	OPTION_SHARE_FILE,
	OPTION_TRANSCRIPT,
	OPTION_NO_REHEARSAL,
	OPTION_KEEP,
	OPTION_INSTANCE,
	OPTION_VERSION,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"instance", required_argument, NULL, OPTION_INSTANCE},
    {"as", required_argument, NULL, OPTION_AS},
    {"approve", required_argument, NULL, OPTION_APPROVE},
    {"server", required_argument, NULL, OPTION_SERVER},
    {"json", no_argument, NULL, 'j'},
    {"dir", required_argument, NULL, OPTION_DIRECTORY},
    {"name", required_argument, NULL, OPTION_NAME},
    {"unit", required_argument, NULL, OPTION_UNIT},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"public-address", required_argument, NULL, OPTION_PUBLIC_ADDRESS},
    {"unlock", required_argument, NULL, OPTION_UNLOCK},
    {"registration", required_argument, NULL, OPTION_REGISTRATION},
    {"namespaces", required_argument, NULL, OPTION_NAMESPACES},
    {"max", required_argument, NULL, OPTION_MAX},
    {"out", required_argument, NULL, 'o'},
    {"denominations", required_argument, NULL, OPTION_DENOMINATIONS},
    {"days", required_argument, NULL, OPTION_DAYS},
    {"segments", required_argument, NULL, OPTION_SEGMENTS},
    {"snapshot", required_argument, NULL, OPTION_SNAPSHOT},
    {"to", required_argument, NULL, OPTION_TO},
    {"late", no_argument, NULL, OPTION_LATE},
    {"anchor", required_argument, NULL, OPTION_ANCHOR},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"passphrase-fd", required_argument, NULL, OPTION_PASSPHRASE_FD},
    {"credential", required_argument, NULL, OPTION_CREDENTIAL},
    {"label", required_argument, NULL, OPTION_LABEL},
    {"accept-loss", no_argument, NULL, OPTION_ACCEPT_LOSS},
    {"till", required_argument, NULL, OPTION_TILL},
    {"memo", required_argument, NULL, OPTION_MEMO},
    {"floor", required_argument, NULL, OPTION_FLOOR},
    {"soft-floor", required_argument, NULL, OPTION_SOFT_FLOOR},
    {"ceiling", required_argument, NULL, OPTION_CEILING},
    {"day-limit", required_argument, NULL, OPTION_DAY_LIMIT},
    {"undo-minutes", required_argument, NULL, OPTION_UNDO_MINUTES},
    {"request-minutes", required_argument, NULL, OPTION_REQUEST_MINUTES},
    {"type", required_argument, NULL, OPTION_TYPE},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"balances", no_argument, NULL, OPTION_BALANCES},
    {"witness", required_argument, NULL, OPTION_WITNESS},
    {"keep-months", required_argument, NULL, OPTION_KEEP_MONTHS},
    {"before", required_argument, NULL, OPTION_BEFORE},
    {"qr", no_argument, NULL, OPTION_QR},
    {"bank", required_argument, NULL, OPTION_BANK},
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"auditor-key", required_argument, NULL, OPTION_AUDITOR_KEY},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"certified", required_argument, NULL, OPTION_CERTIFIED},
    {"so-far", no_argument, NULL, OPTION_SO_FAR},
    {"shares", optional_argument, NULL, OPTION_SHARES},
    {"quorum", required_argument, NULL, OPTION_QUORUM},
    {"holder", required_argument, NULL, OPTION_HOLDER},
    {"share-file", required_argument, NULL, OPTION_SHARE_FILE},
    {"transcript", required_argument, NULL, OPTION_TRANSCRIPT},
    {"no-rehearsal", no_argument, NULL, OPTION_NO_REHEARSAL},
    {"keep", no_argument, NULL, OPTION_KEEP},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* Those that take a text as it is, and where it goes. */
static const struct text_option {
	int option;
	size_t at;
} text_options[] = {
    {'c', offsetof(struct ctl_options, configuration)},
    {OPTION_INSTANCE, offsetof(struct ctl_options, instance)},
    {OPTION_AS, offsetof(struct ctl_options, as)},
    {OPTION_APPROVE, offsetof(struct ctl_options, approve)},
    {OPTION_SERVER, offsetof(struct ctl_options, server)},
    {OPTION_DIRECTORY, offsetof(struct ctl_options, directory)},
    {OPTION_NAME, offsetof(struct ctl_options, name)},
    {OPTION_UNIT, offsetof(struct ctl_options, unit)},
    {OPTION_UNLOCK, offsetof(struct ctl_options, unlock)},
    {OPTION_REGISTRATION, offsetof(struct ctl_options, registration)},
    {OPTION_MAX, offsetof(struct ctl_options, max)},
    {'o', offsetof(struct ctl_options, out)},
    {OPTION_DENOMINATIONS, offsetof(struct ctl_options, denominations)},
    {OPTION_SEGMENTS, offsetof(struct ctl_options, segments)},
    {OPTION_SNAPSHOT, offsetof(struct ctl_options, snapshot)},
    {OPTION_TO, offsetof(struct ctl_options, to)},
    {OPTION_ANCHOR, offsetof(struct ctl_options, anchor)},
    {OPTION_WITNESS, offsetof(struct ctl_options, witness)},
    {OPTION_KEEP_MONTHS, offsetof(struct ctl_options, keep_months)},
    {OPTION_BEFORE, offsetof(struct ctl_options, before)},
    {OPTION_AUDITOR_KEY, offsetof(struct ctl_options, auditor_key)},
    {OPTION_SINCE, offsetof(struct ctl_options, since)},
    {OPTION_CERTIFIED, offsetof(struct ctl_options, certified)},
    {OPTION_TILL, offsetof(struct ctl_options, till)},
    {OPTION_MEMO, offsetof(struct ctl_options, memo)},
    {OPTION_FLOOR, offsetof(struct ctl_options, floor)},
    {OPTION_SOFT_FLOOR, offsetof(struct ctl_options, soft_floor)},
    {OPTION_CEILING, offsetof(struct ctl_options, ceiling)},
    {OPTION_DAY_LIMIT, offsetof(struct ctl_options, day_limit)},
    {OPTION_UNDO_MINUTES, offsetof(struct ctl_options, undo_minutes)},
    {OPTION_REQUEST_MINUTES, offsetof(struct ctl_options, request_minutes)},
    {OPTION_TYPE, offsetof(struct ctl_options, type)},
    {OPTION_LIMIT, offsetof(struct ctl_options, limit)},
    {OPTION_CREDENTIAL, offsetof(struct ctl_options, credential)},
    {OPTION_LABEL, offsetof(struct ctl_options, label)},
    {OPTION_BANK, offsetof(struct ctl_options, bank)},
    {OPTION_TRANSCRIPT, offsetof(struct ctl_options, transcript)},
};

static enum ctl_parsed
wrong(const char *why)
{
	fprintf(stderr, "strongroomctl: %s; see strongroomctl --help\n", why);
	return CTL_WRONG;
}

static enum ctl_parsed
take_days(struct ctl_options *options)
{
	char *end;
	long days;

	errno = 0;
	days = strtol(optarg, &end, 10);
	if (errno != 0 || end == optarg || *end != '\0' || days < 1 ||
	    days > 365)
		return wrong("--days is 1 to 365");
	options->valid_days = (uint32_t)days;
	return CTL_GO_ON;
}

static enum ctl_parsed
take_passphrase_fd(struct ctl_options *options)
{
	if (!prompt_descriptor(optarg, &options->passphrase_fd))
		return wrong("--passphrase-fd is the number of an open "
			     "descriptor, as with 3<FILE");
	return CTL_GO_ON;
}

static enum ctl_parsed
take_listen(struct ctl_options *options)
{
	if (options->listen_count == CONFIG_LISTEN_MAX)
		return wrong("at most 16 --listen");
	options->listen[options->listen_count++] = optarg;
	return CTL_GO_ON;
}

static enum ctl_parsed
take_open(struct ctl_options *options)
{
	if (options->open_count == CONFIG_LISTEN_MAX)
		return wrong("at most 16 --public-address");
	options->open[options->open_count++] = optarg;
	return CTL_GO_ON;
}

static enum ctl_parsed
take_keys(struct ctl_options *options)
{
	if (options->keys_count == CTL_KEYS_MAX)
		return wrong("at most 64 --keys");
	options->keys[options->keys_count++] = optarg;
	return CTL_GO_ON;
}

/* A number of shares, or 0 for a text that is none. */
static uint8_t
shares_number(const char *text)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' ||
	    number < SHARE_QUORUM_MIN || number > SHARE_COUNT_MAX)
		return 0;
	return (uint8_t)number;
}

/* Alone, or with a number that may be the next word. */
static enum ctl_parsed
take_shares(int argc, char *argv[], struct ctl_options *options)
{
	const char *text = optarg;

	options->shares = true;
	if (text == NULL && optind < argc &&
	    argv[optind][strspn(argv[optind], "0123456789")] == '\0')
		text = argv[optind++];
	if (text == NULL)
		return CTL_GO_ON;
	options->share_count = shares_number(text);
	return options->share_count != 0 ? CTL_GO_ON
					 : wrong("--shares is 2 to 16");
}

static enum ctl_parsed
take_quorum(struct ctl_options *options)
{
	options->quorum = shares_number(optarg);
	return options->quorum != 0 ? CTL_GO_ON : wrong("--quorum is 2 to 16");
}

static enum ctl_parsed
take_listed(const char **list, size_t *count, const char *why)
{
	if (*count == SHARE_COUNT_MAX)
		return wrong(why);
	list[(*count)++] = optarg;
	return CTL_GO_ON;
}

static enum ctl_parsed
take_namespaces(struct ctl_options *options)
{
	if (strcmp(optarg, "on") != 0 && strcmp(optarg, "off") != 0)
		return wrong("--namespaces is on or off");
	options->namespaces = strcmp(optarg, "on") == 0;
	return CTL_GO_ON;
}

/* True when it is one of these. */
static bool
take_text(struct ctl_options *options, int option)
{
	for (size_t i = 0; i < sizeof(text_options) / sizeof(text_options[0]);
	     i++) {
		const char **text;

		if (text_options[i].option != option)
			continue;
		text = (const char **)((char *)options + text_options[i].at);
		*text = optarg;
		return true;
	}
	return false;
}

static enum ctl_parsed
take_option(struct ctl_options *options, int option)
{
	if (take_text(options, option))
		return CTL_GO_ON;
	switch (option) {
	case 'j':
		options->json = true;
		return CTL_GO_ON;
	case OPTION_LATE:
		options->late = true;
		return CTL_GO_ON;
	case OPTION_ACCEPT_LOSS:
		options->accept_loss = true;
		return CTL_GO_ON;
	case OPTION_CHECK:
		options->check = true;
		return CTL_GO_ON;
	case OPTION_DRY_RUN:
		options->dry_run = true;
		return CTL_GO_ON;
	case OPTION_BALANCES:
		options->balances = true;
		return CTL_GO_ON;
	case OPTION_QR:
		options->qr = true;
		return CTL_GO_ON;
	case OPTION_SO_FAR:
		options->so_far = true;
		return CTL_GO_ON;
	case OPTION_NO_REHEARSAL:
		options->no_rehearsal = true;
		return CTL_GO_ON;
	case OPTION_KEEP:
		options->keep = true;
		return CTL_GO_ON;
	case OPTION_QUORUM:
		return take_quorum(options);
	case OPTION_HOLDER:
		return take_listed(options->holders, &options->holder_count,
		    "at most 16 --holder");
	case OPTION_SHARE_FILE:
		return take_listed(options->share_files,
		    &options->share_file_count, "at most 16 --share-file");
	case OPTION_KEYS:
		return take_keys(options);
	case OPTION_LISTEN:
		return take_listen(options);
	case OPTION_PUBLIC_ADDRESS:
		return take_open(options);
	case OPTION_NAMESPACES:
		return take_namespaces(options);
	case OPTION_DAYS:
		return take_days(options);
	case OPTION_PASSPHRASE_FD:
		return take_passphrase_fd(options);
	case 'h':
		return CTL_HELP;
	case OPTION_VERSION:
		return CTL_VERSION;
	default:
		return CTL_WRONG;
	}
}

enum ctl_parsed
ctl_options_take(int argc, char *argv[], struct ctl_options *options)
{
	enum ctl_parsed parsed = CTL_GO_ON;
	int option;

	*options = (struct ctl_options){.registration = "open",
	    .namespaces = true,
	    .valid_days = 7,
	    .passphrase_fd = -1};
	/* Options may stand before and after the command's words. */
	while (parsed == CTL_GO_ON && (option = getopt_long(argc, argv,
					   "c:jho:", long_options, NULL)) != -1)
		parsed = option == OPTION_SHARES
			     ? take_shares(argc, argv, options)
			     : take_option(options, option);
	return parsed;
}

void
ctl_options_help(FILE *out)
{
	fprintf(out,
	    "\noptions:\n"
	    "  -c, --config FILE        the bank's strongroom.conf; else the "
	    "machine's bank\n"
	    "      --instance NAME      of several that the machine has, that "
	    "one\n"
	    "      --as CARD            be this operator\n"
	    "      --approve CARD       the operator who approves\n"
	    "      --server ADDRESS     instead of the bank's addresses\n"
	    "  -j, --json               for scripts\n"
	    "  -h, --help\n"
	    "      --version\n"
	    "options of init:\n"
	    "      --dir D              directory of the new bank; else that "
	    "of the\n                           machine's bank\n"
	    "      --name TEXT          what it is called, for ever\n"
	    "      --unit CODE:DIGITS   EUR:2, HOUR:2 ..., for ever\n"
	    "      --listen ADDRESS     127.0.0.1:7420, [::1]:7420, "
	    "unix:PATH; may repeat\n"
	    "      --public-address A   HOST:PORT, for bank.id: where "
	    "customers find it, if\n                           not there; "
	    "may repeat\n"
	    "      --unlock HOW         passphrase-file:PATH or "
	    "credential:PATH;\n                           made when there is none\n"
	    "      --registration HOW   open (default), invite or closed\n"
	    "      --namespaces off     where the system forbids them\n"
	    "      --type TYPE          cash (default) or mutual-credit\n"
	    "      --limit AMOUNT       mutual credit: what each member may "
	    "owe, and be owed\n"
	    "options of terminal add:\n"
	    "      --max AMOUNT         cash that the ATM may hold\n"
	    "      --denominations LIST what it pays out, 5.00,10.00,20.00; "
	    "else any amount\n"
	    "      --out CARD           the file that makes it that ATM\n"
	    "options of role set:\n"
	    "      --max AMOUNT         teller: a till of its own, for so much "
	    "cash\n"
	    "      --till NAME          teller: that one's till, shared\n"
	    "      --out CARD           register the name, log in with that "
	    "file\n"
	    "options of account limits and policy:\n"
	    "      --floor AMOUNT       least it may fall to, 0 or negative\n"
	    "      --soft-floor AMOUNT  below it its owner is warned\n"
	    "      --ceiling AMOUNT     most it may rise to, or none\n"
	    "      --day-limit AMOUNT   most that may leave it in 24 hours, or "
	    "none\n"
	    "      --undo-minutes N     policy: so long a till may undo a "
	    "deposit\n"
	    "      --request-minutes N  policy: so long a request waits for "
	    "its approval\n"
	    "      --max AMOUNT         account limits: cash in a till\n"
	    "options of issue, adjust, reverse and till cash-out:\n"
	    "      --memo TEXT          why; it stands in the statements\n"
	    "options of holds:\n"
	    "      --late               those paid out after their release\n"
	    "options of disclose:\n"
	    "      --segments A-B       the first and the last one; A- for all "
	    "from A on\n"
	    "      --snapshot N         the number of a snapshot of the books, "
	    "or last\n"
	    "      --to NAME            the auditor\n"
	    "      --out FILE           the file to be written\n"
	    "options of retire:\n"
	    "      --keep-months N      decline when something of the last N "
	    "months would go\n"
	    "      --before SNAPSHOT    decline when that is not the one "
	    "certified last\n"
	    "      --dry-run            say what would go; needs no card\n"
	    "options of anchor:\n"
	    "  -o, --out FILE           where it is written; else it is "
	    "printed\n"
	    "      --qr                 print it as a QR code, too\n"
	    "      --witness VKEY       add-cosignature: whose it must be\n"
	    "options of month-end:\n"
	    "      --keys FILE          what disclose has written; may be "
	    "repeated\n"
	    "      --auditor-key FILE   the secret key that it was sealed "
	    "to\n"
	    "      --since FILE         the bundle of the month before, or an "
	    "anchor\n"
	    "      --certified PAPER    what an auditor has signed of books "
	    "to begin with\n"
	    "      --so-far             though the month is not over\n"
	    "  -o, --out FILE           where it is written, or in which "
	    "directory\n"
	    "options of restore:\n"
	    "      --anchor FILE        the newest checkpoint that anybody "
	    "has, when\n                           keyd's files are lost\n"
	    "      --check              try it in a scratch directory, write "
	    "nothing else\n"
	    "      --accept-loss        go on from the backup whatever came "
	    "later; without\n                           DIRECTORY from what "
	    "lies in the bank's own\n"
	    "options of rebuild-tiles:\n"
	    "      --bank FILE          the bank's bank.id; else that of -c\n"
	    "options of unlock, seal, certify and rotate:\n"
	    "      --passphrase-fd N    read the passphrase there, not in the "
	    "file\n"
	    "      --credential FILE    its 32 bytes open the keys\n"
	    "      --label TEXT         of what seal add adds\n"
	    "options of reset and reset-code:\n"
	    "      --days N             how long the code is valid (default "
	    "7)\n"
	    "      --out FILE           where the code is written\n"
	    "options of ceremony:\n"
	    "      --shares N           how many, 2 to 16\n"
	    "      --quorum M           how many of them open the bank\n"
	    "      --holder NAME        who gets the next share; may be "
	    "repeated\n"
	    "  -o, --out DIRECTORY      a file for each share, instead of the "
	    "terminal\n"
	    "      --transcript FILE    what may be published; else standard "
	    "output\n"
	    "      --keep               former shares open the bank, too\n"
	    "      --no-rehearsal       asks to be confirmed, and ends with "
	    "1\n"
	    "options of unlock, seal, ceremony, restore, certify and rotate:\n"
	    "      --shares             by shares, asked for one by one\n"
	    "      --share-file FILE    one of them; may be repeated\n"
	    "options of invite and import:\n"
	    "      --days N             how long it is valid (default 7)\n"
	    "options of import:\n"
	    "      --out FILE           where the invitations are written\n"
	    "      --balances           book what registered members begin "
	    "with\n"
	    "      --dry-run            check everything, change nothing\n"
	    "\nexamples:\n"
	    "  strongroomctl init --name \"Our Bank\"\n"
	    "  strongroomctl init --dir bank --name \"Our Bank\" --unit EUR:2 "
	    "\\\n      --listen 127.0.0.1:7420 --unlock "
	    "passphrase-file:bank.passphrase\n"
	    "  strongroomctl -c bank/strongroom.conf status\n"
	    "  strongroomctl -c bank/strongroom.conf --as operator-1.card \\\n"
	    "      --approve operator-2.card terminal add lobby --max 1000.00 "
	    "--out lobby.card\n"
	    "  strongroomctl -c bank/strongroom.conf --as operator-1.card \\\n"
	    "      issue ada 50.00 --memo \"opening balance\"\n"
	    "  strongroomctl -c bank/strongroom.conf --as operator-2.card "
	    "approve 12\n");
}
