/* SPDX-License-Identifier: ISC */
/*
 * strongroom-verify: checks a bank's ledger directory for somebody who trusts
 * neither the bank nor its machine.  Reads only, and needs no running bank.
 */
#include "client/auditor_key.h"
#include "client/verify/verify.h"
#include "client/verify/audit.h"
#include "client/verify/audit_log.h"
#include "client/verify/receipt.h"
#include "client/verify/witness.h"
#include "client/verify/witnesses.h"
#include "client/verify/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

enum {
	OPTION_SINCE = 256,
	OPTION_KEYS,
	OPTION_AUDITOR_KEY,
	OPTION_AUDIT_LOG,
	OPTION_EXPORT,
	OPTION_CERTIFY,
	OPTION_FORMAT,
	OPTION_JOBS,
	OPTION_WITNESS,
	OPTION_WITNESSES,
	OPTION_KEY,
	OPTION_STATE,
	OPTION_VERSION,
};

enum { KEYS_FILES_MAX = 64 };

static const struct option long_options[] = {
    {"bank", required_argument, NULL, 'b'},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"auditor-key", required_argument, NULL, OPTION_AUDITOR_KEY},
    {"audit-log", required_argument, NULL, OPTION_AUDIT_LOG},
    {"export", required_argument, NULL, OPTION_EXPORT},
    {"certify", required_argument, NULL, OPTION_CERTIFY},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"output", required_argument, NULL, 'o'},
    {"witness", required_argument, NULL, OPTION_WITNESS},
    {"witnesses", required_argument, NULL, OPTION_WITNESSES},
    {"key", required_argument, NULL, OPTION_KEY},
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
	    "      --keys FILE      segment keys that the bank disclosed; "
	    "may be repeated\n"
	    "      --auditor-key FILE\n"
	    "                       the secret key that they were sealed "
	    "to\n"
	    "      --audit-log FILE the bank's audit log, compared with the "
	    "log; repeated for\n"
	    "                       files that were rotated\n"
	    "      --export FILE    with keys: the journal as JSON lines, or "
	    "the books in\n"
	    "      --format FORMAT  hledger, ledger, beancount or csv\n"
	    "      --certify FILE   with keys: makes FILE, the last disclosed "
	    "snapshot of the\n"
	    "                       books, which was found right, for your "
	    "signature\n"
	    "      --jobs N         threads at work, 1 to 64; without it as "
	    "many as there\n"
	    "                       are processors\n"
	    "  -j, --json           for scripts\n"
	    "  -o, --output FILE    the file that keygen makes\n"
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

/* What was asked for on the command line. */
struct wanted {
	const char *bank;
	const char *since[VERIFY_ANCHORS_MAX];
	size_t since_count;
	const char *keys[KEYS_FILES_MAX];
	size_t keys_count;
	const char *auditor_key;
	const char *export;
	const char *certify;
	const struct export_format *format; /* NULL: JSON lines */
	const char *output;
	const char *witness[VERIFY_WITNESSES_MAX];
	size_t witness_count;
	struct witness_paths paths;
};

/* The file that the plaintext of the journal goes to: the auditor's only. */
static bool
begin_export(
    struct verify *verify, struct audit *audit, const struct wanted *wanted)
{
	const char *path = wanted->export;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	audit->export = fd < 0 ? NULL : fdopen(fd, "w");
	if (audit->export != NULL) {
		if (wanted->format != NULL)
			export_begin(&audit->journal, audit->export,
			    wanted->format, &verify->bank, 0);
		return true;
	}
	if (fd >= 0)
		close(fd);
	return verify_fail(
	    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
}

/* Everything that the check with keys begins with. */
static bool
begin_audit(struct verify *verify, const struct wanted *wanted)
{
	static struct audit audit;
	uint8_t secret[32];
	bool good = true;

	if (wanted->keys_count == 0)
		return true;
	if (audit_begin(&audit) != SR_OK)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "there is not enough memory");
	verify->audit = &audit;
	if (auditor_key_secret(
		"strongroom-verify", wanted->auditor_key, secret) != SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "the auditor's key could not be read");
	for (size_t i = 0; good && i < wanted->keys_count; i++)
		good = audit_read_keys(verify, &audit, wanted->keys[i], secret);
	sodium_memzero(secret, sizeof(secret));
	return good &&
	       (wanted->export == NULL || begin_export(verify, &audit, wanted));
}

static bool
read_anchors(struct verify *verify, const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->since_count; i++)
		if (!verify_since(verify, wanted->since[i]))
			return false;
	return true;
}

/* Books that are carried over do not stand in the journal. */
static bool
can_export(struct verify *verify, const struct wanted *wanted)
{
	if (wanted->format == NULL || verify->audit == NULL ||
	    verify->audit->start.number == 0)
		return true;
	return verify_fail(verify, VERIFY_COULD_NOT,
	    "an export in that format begins with entry 0, of which the keys "
	    "were not disclosed");
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

/* True if the walk came to its end with nothing amiss. */
static bool
run(struct verify *verify, const struct wanted *wanted)
{
	char path[4096], message[BANKFILE_MESSAGE_MAX];

	if (bankfile_read(wanted->bank, &verify->bank, message) != SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT, "%s", message);
	if (snprintf(path, sizeof(path), "%s/public/checkpoint",
		verify->directory) >= (int)sizeof(path))
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "the path is too long");
	if (!begin_audit(verify, wanted) || !verify_certificates(verify) ||
	    !verify_restores(verify) || !audit_begin_with_books(verify) ||
	    !can_export(verify, wanted) || !read_anchors(verify, wanted) ||
	    !verify_checkpoint(verify, path, VERIFY_TAMPERED,
		&verify->published, &verify->published_epoch))
		return false;
	if (verify->audit_log != NULL && !audit_log_begin(verify))
		return false;
	verify_tiles_begin(verify);
	if (!verify_log(verify) ||
	    (verify->audit_log != NULL && !audit_log_finish(verify)))
		return false;
	if (wanted->certify != NULL &&
	    !audit_write_certificate(verify, wanted->certify))
		return false;
	verify->exit = verify_judge(verify);
	return true;
}

static int
usage(const char *why)
{
	fprintf(stderr, "strongroom-verify: %s; see --help\n", why);
	return VERIFY_COULD_NOT;
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
		   : usage("--format is json, csv, hledger, ledger or "
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
		return usage("--jobs is a number from 1 to 64");
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
		return usage("--witnesses is a number from 1 to 16");
	verify->witnesses_wanted = count;
	return -1;
}

/* -1: go on; else the exit code. */
static int
take_witness(struct wanted *wanted, const char *text)
{
	if (wanted->witness_count == VERIFY_WITNESSES_MAX)
		return usage("at most 16 --witness");
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
			return usage("at most 64 --since");
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
	case OPTION_EXPORT:
		wanted->export = optarg;
		return -1;
	case OPTION_CERTIFY:
		wanted->certify = optarg;
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

/* keygen: the auditor's key pair.  Exits as verifying does. */
static int
keygen(const struct wanted *wanted)
{
	enum verify_exit code;

	if (wanted->output == NULL) {
		fprintf(stderr, "strongroom-verify: keygen -o FILE names the "
				"file to be made\n");
		return VERIFY_COULD_NOT;
	}
	if (wanted->witness_count > 1)
		return usage("keygen makes one key at a time");
	if (wanted->witness_count == 1) {
		code = witness_keygen(wanted->witness[0], wanted->output);
		if (code == VERIFY_ANCHORED)
			fprintf(stderr,
			    "%s is the witness's secret key; %s.pub is for "
			    "all who are to count it\n",
			    wanted->output, wanted->output);
		return (int)code;
	}
	if (auditor_key_generate("strongroom-verify", wanted->output) != SR_OK)
		return VERIFY_COULD_NOT;
	fprintf(stderr,
	    "%s is your secret key; %s.pub is for the bank's operators\n",
	    wanted->output, wanted->output);
	return 0;
}

/* witness: walks the ledger, and signs its checkpoint. */
static int
witness(struct verify *verify, struct wanted *wanted, int count, char *words[])
{
	char message[BANKFILE_MESSAGE_MAX];

	if (count < 1 || count > 2 || wanted->paths.key == NULL ||
	    wanted->paths.state == NULL)
		return usage("witness needs --key, --state and the ledger "
			     "directory");
	if (wanted->since_count > 0 || wanted->keys_count > 0 ||
	    wanted->export != NULL || wanted->witness_count > 0)
		return usage("witness looks at --key, --state and -o only");
	if (bankfile_read(wanted->bank, &verify->bank, message) != SR_OK) {
		fprintf(stderr, "strongroom-verify: %s\n", message);
		return VERIFY_COULD_NOT;
	}
	verify->directory = words[0];
	verify->quiet = true;
	verify->exit = VERIFY_INTACT;
	if (verify->jobs == 0)
		verify->jobs = workers_processors();
	wanted->paths.checkpoint = count == 2 ? words[1] : NULL;
	wanted->paths.output = wanted->output;
	return (int)witness_run(verify, &wanted->paths);
}

/* The witnesses that count.  -1: go on; else the exit code. */
static int
take_witness_keys(struct verify *verify, const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->witness_count; i++) {
		enum sr_error error = witnesses_add(verify, wanted->witness[i]);

		if (error == SR_EXISTS)
			return usage("one key given as --witness twice");
		if (error != SR_OK)
			return usage(
			    "--witness is a verifier key of a witness: "
			    "name+id+base64, of the type 4");
	}
	if (verify->witnesses_wanted > verify->witness_count)
		return usage("--witnesses asks for more than --witness names");
	return -1;
}

/* receipt: files that the bank gave to customers.  Exits as verifying does. */
static int
receipts(const struct verify *verify, const struct wanted *wanted, int count,
    char *files[])
{
	char message[BANKFILE_MESSAGE_MAX];
	struct bankfile bank;
	enum verify_exit exit;

	if (count < 1)
		return usage("receipt FILE... names the receipts");
	if (wanted->since_count > 0 || wanted->keys_count > 0 ||
	    wanted->export != NULL || wanted->output != NULL)
		return usage("receipt needs no other option than --bank");
	if (bankfile_read(wanted->bank, &bank, message) != SR_OK) {
		fprintf(stderr, "strongroom-verify: %s\n", message);
		return VERIFY_COULD_NOT;
	}
	exit = receipt_verify_files(
	    &bank, files, (size_t)count, verify->json, verify->quiet);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "strongroom-verify: cannot write\n");
		return VERIFY_COULD_NOT;
	}
	return (int)exit;
}

/* Books that end at a fault add up, too: nobody is to take them for whole. */
static void
drop_export(const struct verify *verify, const struct wanted *wanted)
{
	if (wanted->format != NULL && verify->audit != NULL &&
	    verify->audit->export != NULL && unlink(wanted->export) != 0)
		fprintf(stderr, "strongroom-verify: %s: %s\n", wanted->export,
		    strerror(errno));
}

int
main(int argc, char *argv[])
{
	static struct verify verify;
	struct wanted wanted = {0};
	int option, code;

	while ((option = getopt_long(
		    argc, argv, "b:jqho:", long_options, NULL)) != -1) {
		code = take_option(&verify, &wanted, option);
		if (code >= 0)
			return code;
	}
	if (sodium_init() < 0)
		return usage("libsodium does not start");
	if (argc - optind == 1 && strcmp(argv[optind], "keygen") == 0 &&
	    wanted.bank == NULL)
		return keygen(&wanted);
	if (wanted.bank != NULL && argc - optind >= 1 &&
	    strcmp(argv[optind], "receipt") == 0)
		return receipts(
		    &verify, &wanted, argc - optind - 1, argv + optind + 1);
	if (wanted.bank != NULL && argc - optind >= 1 &&
	    strcmp(argv[optind], "witness") == 0)
		return witness(
		    &verify, &wanted, argc - optind - 1, argv + optind + 1);
	code = take_witness_keys(&verify, &wanted);
	if (code >= 0)
		return code;
	if (wanted.bank == NULL || argc - optind != 1)
		return usage("--bank FILE and one directory are needed");
	if ((wanted.keys_count > 0) != (wanted.auditor_key != NULL))
		return usage("--keys and --auditor-key belong together");
	if (wanted.export != NULL && wanted.keys_count == 0)
		return usage("--export needs --keys");
	if (wanted.certify != NULL && wanted.keys_count == 0)
		return usage("--certify needs --keys");
	if (wanted.format != NULL && wanted.export == NULL)
		return usage("--format is of --export");
	verify.directory = argv[optind];
	verify.exit = VERIFY_INTACT;
	verify.progress.wanted = !verify.quiet && isatty(STDERR_FILENO);
	if (verify.jobs == 0)
		verify.jobs = workers_processors();
	verify_print_begin(&verify);
	if (!run(&verify, &wanted))
		drop_export(&verify, &wanted);
	verify_print_verdict(&verify);
	if (verify.audit != NULL)
		audit_end(verify.audit);
	if (verify.audit_log != NULL)
		audit_log_end(verify.audit_log);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "strongroom-verify: cannot write\n");
		return VERIFY_COULD_NOT;
	}
	return (int)verify.exit;
}
