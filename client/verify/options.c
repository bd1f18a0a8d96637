/* SPDX-License-Identifier: ISC */
/*
 * The command line of strongroom-verify.  Must never let a check be left out
 * that was asked for: what makes no sense together is an error.
 */
#include "client/verify/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/verify/audit_log.h"
#include "client/verify/month.h"
#include "client/verify/workers.h"

enum {
	OPTION_SINCE = 256,
	OPTION_KEYS,
	OPTION_AUDITOR_KEY,
	OPTION_AUDIT_LOG,
	OPTION_RECEIPTS,
	OPTION_EXPORT,
	OPTION_CERTIFY,
	OPTION_CERTIFIED,
	OPTION_MONTH,
	OPTION_BOOKS,
	OPTION_SO_FAR,
	OPTION_FORMAT,
	OPTION_JOBS,
	OPTION_WITNESS,
	OPTION_WITNESSES,
	OPTION_KEY,
	OPTION_SIGNER,
	OPTION_STATE,
	OPTION_VERSION,
};

static const struct option long_options[] = {
    {"bank", required_argument, NULL, 'b'},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"auditor-key", required_argument, NULL, OPTION_AUDITOR_KEY},
    {"audit-log", required_argument, NULL, OPTION_AUDIT_LOG},
    {"receipts", required_argument, NULL, OPTION_RECEIPTS},
    {"export", required_argument, NULL, OPTION_EXPORT},
    {"certify", required_argument, NULL, OPTION_CERTIFY},
    {"certified", required_argument, NULL, OPTION_CERTIFIED},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"month", required_argument, NULL, OPTION_MONTH},
    {"books", required_argument, NULL, OPTION_BOOKS},
    {"so-far", no_argument, NULL, OPTION_SO_FAR},
    {"output", required_argument, NULL, 'o'},
    {"witness", required_argument, NULL, OPTION_WITNESS},
    {"witnesses", required_argument, NULL, OPTION_WITNESSES},
    {"key", required_argument, NULL, OPTION_KEY},
    {"signer", required_argument, NULL, OPTION_SIGNER},
    {"state", required_argument, NULL, OPTION_STATE},
    {"jobs", required_argument, NULL, OPTION_JOBS},
    {"json", no_argument, NULL, 'j'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static void
help(FILE *out)
{
	fprintf(out,
	    "usage: strongroom-verify --bank FILE [options] DIRECTORY\n"
	    "       strongroom-verify --bank FILE receipt FILE...\n"
	    "       strongroom-verify --bank FILE [--since FILE] "
	    "[--signer NAME] bundle FILE\n"
	    "       strongroom-verify --bank FILE witness --key FILE "
	    "--state FILE\n           DIRECTORY [CHECKPOINT]\n"
	    "       strongroom-verify keygen [--witness NAME] -o FILE\n\n"
	    "  -b, --bank FILE      the bank's bank.id\n"
	    "      --since FILE     a checkpoint kept from before: the log "
	    "must continue it;\n"
	    "                       may be repeated\n"
	    "      --witness VKEY   whose signature of a checkpoint counts; "
	    "may be repeated;\n"
	    "                       of keygen: the name of a new witness\n"
	    "      --witnesses N    at least N of them must have signed\n"
	    "      --key FILE       the key of a witness\n"
	    "      --state FILE     what that witness has signed last\n"
	    "      --signer NAME    who must have signed a bundle: the log-in "
	    "name of an operator\n"
	    "                       whom you know\n"
	    "      --keys FILE      segment keys that the bank disclosed; "
	    "may be repeated\n"
	    "      --auditor-key FILE\n"
	    "                       the secret key that they were sealed "
	    "to\n"
	    "      --audit-log FILE the bank's audit log, compared with the "
	    "log; repeated for\n"
	    "                       files that were rotated\n"
	    "      --receipts DIR   receipts that customers hold, each compared "
	    "with the log\n"
	    "      --export FILE    with keys: the journal as JSON lines, or "
	    "the books in\n"
	    "      --format FORMAT  hledger, ledger, beancount or csv\n"
	    "      --month YYYY-MM  with keys: that month's books (UTC) and its "
	    "till report,\n"
	    "      --books DIR      in the directory DIR, which is made\n"
	    "      --so-far         though the month is not over\n"
	    "      --certify FILE   with keys: makes FILE, the last disclosed "
	    "snapshot of the\n"
	    "                       books, which was found right, for your "
	    "signature\n"
	    "      --certified FILE what --certify once made for a signature: "
	    "the books\n"
	    "                       to begin with, where what is before was "
	    "not disclosed\n"
	    "      --jobs N         threads at work, 1 to 64; without it as "
	    "many as there\n"
	    "                       are processors\n"
	    "  -j, --json           for scripts\n"
	    "  -o, --output FILE    the file that keygen or witness makes\n"
	    "  -q, --quiet          only the verdict\n"
	    "  -h, --help\n"
	    "      --version\n\n"
	    "DIRECTORY is the bank's ledger directory or a copy of it.\n\n"
	    "exit status: 0 verified against an anchor, 1 tampered, 2 could "
	    "not run,\n3 intact, but unanchored or checked without keys\n\n"
	    "examples:\n"
	    "  strongroom-verify --bank bank.id ledger\n"
	    "  strongroom-verify --bank bank.id --since last-month ledger\n"
	    "  strongroom-verify --bank bank.id receipt rent.tlog-proof\n"
	    "  strongroom-verify keygen -o auditor.key\n"
	    "  strongroom-verify --bank bank.id --keys disclosure \\\n"
	    "      --auditor-key auditor.key --since last-month ledger\n");
}

/* A bit for each option. */
#define GIVEN(option)                                                 \
	(UINT64_C(1) << ((option) < OPTION_SINCE ? 32 + ((option)&31) \
						 : (option)-OPTION_SINCE))

#define GIVEN_ANYWHERE (GIVEN('j') | GIVEN('q') | GIVEN(OPTION_JOBS))

/* What each command looks at. */
static const uint64_t looks_at[] = {
    [COMMAND_WALK] =
	GIVEN_ANYWHERE | GIVEN('b') | GIVEN(OPTION_SINCE) | GIVEN(OPTION_KEYS) |
	GIVEN(OPTION_AUDITOR_KEY) | GIVEN(OPTION_AUDIT_LOG) |
	GIVEN(OPTION_RECEIPTS) | GIVEN(OPTION_EXPORT) | GIVEN(OPTION_FORMAT) |
	GIVEN(OPTION_CERTIFY) | GIVEN(OPTION_CERTIFIED) | GIVEN(OPTION_MONTH) |
	GIVEN(OPTION_BOOKS) | GIVEN(OPTION_SO_FAR) | GIVEN(OPTION_WITNESS) |
	GIVEN(OPTION_WITNESSES),
    [COMMAND_RECEIPT] = GIVEN_ANYWHERE | GIVEN('b'),
    [COMMAND_BUNDLE] = GIVEN_ANYWHERE | GIVEN('b') | GIVEN(OPTION_SINCE) |
		       GIVEN(OPTION_SIGNER),
    [COMMAND_WITNESS] = GIVEN_ANYWHERE | GIVEN('b') | GIVEN('o') |
			GIVEN(OPTION_KEY) | GIVEN(OPTION_STATE),
    [COMMAND_KEYGEN] = GIVEN_ANYWHERE | GIVEN('o') | GIVEN(OPTION_WITNESS),
};

int
options_refuse(const char *why)
{
	fprintf(stderr, "strongroom-verify: %s; see --help\n", why);
	return VERIFY_COULD_NOT;
}

/* -1: go on; else the exit code. */
static int
take_audit_log(struct verify *verify, const char *path)
{
	static struct audit_log_check check;

	if (check.file_count == AUDIT_LOG_FILES_MAX) {
		fprintf(stderr, "strongroom-verify: at most %d --audit-log\n",
		    AUDIT_LOG_FILES_MAX);
		return VERIFY_COULD_NOT;
	}
	check.file[check.file_count++].path = path;
	verify->audit_log = &check;
	return -1;
}

/* -1: go on; else the exit code. */
static int
take_format(struct wanted *wanted, const char *name)
{
	if (strcmp(name, "json") == 0) {
		wanted->format = NULL;
		return -1;
	}
	wanted->format = export_format_find(name, true);
	return wanted->format != NULL
		   ? -1
		   : options_refuse("--format is json, csv, hledger, ledger or "
				    "beancount");
}

/* -1: go on; else the exit code. */
static int
take_jobs(struct verify *verify, const char *text)
{
	char *end;
	unsigned long jobs = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || jobs < 1 ||
	    jobs > WORKERS_MAX)
		return options_refuse("--jobs is a number from 1 to 64");
	verify->jobs = (unsigned)jobs;
	return -1;
}

/* -1: go on; else the exit code. */
static int
take_witnesses(struct verify *verify, const char *text)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || count < 1 ||
	    count > VERIFY_WITNESSES_MAX)
		return options_refuse("--witnesses is a number from 1 to 16");
	verify->witnesses_wanted = count;
	return -1;
}

/* -1: go on; else the exit code. */
static int
take_witness(struct wanted *wanted, const char *text)
{
	if (wanted->witness_count == VERIFY_WITNESSES_MAX)
		return options_refuse("at most 16 --witness");
	wanted->witness[wanted->witness_count++] = text;
	return -1;
}

/* -1: go on; else the exit code. */
static int
take_option(struct verify *verify, struct wanted *wanted, int option)
{
	switch (option) {
	case 'b':
		wanted->bank = optarg;
		return -1;
	case 'o':
		wanted->output = optarg;
		return -1;
	case OPTION_SINCE:
		if (wanted->since_count == VERIFY_ANCHORS_MAX)
			return options_refuse("at most 64 --since");
		wanted->since[wanted->since_count++] = optarg;
		return -1;
	case OPTION_KEYS:
		if (wanted->keys_count == KEYS_FILES_MAX) {
			fprintf(stderr,
			    "strongroom-verify: at most %d --keys\n",
			    KEYS_FILES_MAX);
			return VERIFY_COULD_NOT;
		}
		wanted->keys[wanted->keys_count++] = optarg;
		return -1;
	case OPTION_AUDITOR_KEY:
		wanted->auditor_key = optarg;
		return -1;
	case OPTION_AUDIT_LOG:
		return take_audit_log(verify, optarg);
	case OPTION_RECEIPTS:
		if (wanted->receipts != NULL)
			return options_refuse("one directory of --receipts");
		wanted->receipts = optarg;
		return -1;
	case OPTION_EXPORT:
		wanted->export = optarg;
		return -1;
	case OPTION_MONTH:
		wanted->month = optarg;
		return -1;
	case OPTION_BOOKS:
		wanted->books = optarg;
		return -1;
	case OPTION_SO_FAR:
		wanted->so_far = true;
		return -1;
	case OPTION_CERTIFY:
		wanted->certify = optarg;
		return -1;
	case OPTION_CERTIFIED:
		wanted->certified = optarg;
		return -1;
	case OPTION_FORMAT:
		return take_format(wanted, optarg);
	case OPTION_WITNESS:
		return take_witness(wanted, optarg);
	case OPTION_WITNESSES:
		return take_witnesses(verify, optarg);
	case OPTION_KEY:
		wanted->paths.key = optarg;
		return -1;
	case OPTION_SIGNER:
		wanted->signer = optarg;
		return -1;
	case OPTION_STATE:
		wanted->paths.state = optarg;
		return -1;
	case OPTION_JOBS:
		return take_jobs(verify, optarg);
	case 'j':
		verify->json = true;
		return -1;
	case 'q':
		verify->quiet = true;
		return -1;
	case 'h':
		help(stdout);
		return 0;
	case OPTION_VERSION:
		printf("strongroom-verify %s\n", STRONGROOM_VERSION);
		return 0;
	default:
		return VERIFY_COULD_NOT;
	}
}

int
options_read(
    struct verify *verify, struct wanted *wanted, int argc, char *argv[])
{
	int option, code;

	while ((option = getopt_long(
		    argc, argv, "b:jqho:", long_options, NULL)) != -1) {
		code = take_option(verify, wanted, option);
		if (code >= 0)
			return code;
		wanted->given |= GIVEN(option);
	}
	return -1;
}

int
options_allow(const struct wanted *wanted, enum wanted_command command)
{
	static const char *const names[] = {
	    "a ledger directory", "receipt", "bundle", "witness", "keygen"};
	char why[80];

	for (const struct option *o = long_options; o->name != NULL; o++) {
		if ((wanted->given & GIVEN(o->val) & ~looks_at[command]) == 0)
			continue;
		snprintf(why, sizeof(why), "--%s is not an option of %s",
		    o->name, names[command]);
		return options_refuse(why);
	}
	return -1;
}

/* -1: go on; else the exit code. */
static int
check_month(const struct wanted *wanted)
{
	uint64_t from_ms, until_ms;

	if ((wanted->month == NULL) != (wanted->books == NULL))
		return options_refuse("--month and --books belong together");
	if (wanted->month == NULL)
		return wanted->so_far ? options_refuse("--so-far is of --month")
				      : -1;
	if (wanted->keys_count == 0)
		return options_refuse("--month needs --keys");
	return month_parse(wanted->month, &from_ms, &until_ms)
		   ? -1
		   : options_refuse("--month is a month as 2026-10");
}

int
options_check(const struct wanted *wanted)
{
	if ((wanted->keys_count > 0) != (wanted->auditor_key != NULL))
		return options_refuse(
		    "--keys and --auditor-key belong together");
	if (wanted->export != NULL && wanted->keys_count == 0)
		return options_refuse("--export needs --keys");
	if ((wanted->certify != NULL || wanted->certified != NULL) &&
	    wanted->keys_count == 0)
		return options_refuse("--certify and --certified need --keys");
	if (wanted->format != NULL && wanted->export == NULL)
		return options_refuse("--format is of --export");
	return check_month(wanted);
}
