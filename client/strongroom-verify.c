/* SPDX-License-Identifier: ISC */
/*
 * strongroom-verify: checks a bank's ledger directory for somebody who trusts
 * neither the bank nor its machine.  Reads only, and needs no running bank.
 */
#include "client/auditor_key.h"
#include "client/verify/verify.h"
#include "client/verify/audit.h"
#include "client/verify/audit_log.h"
#include "client/verify/bundle.h"
#include "client/verify/held.h"
#include "client/verify/month.h"
#include "client/verify/options.h"
#include "client/verify/receipt.h"
#include "client/verify/witness.h"
#include "client/verify/witnesses.h"
#include "client/verify/workers.h"
#include "client/within.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

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

/* What the ledger brings along agrees with it, whatever was taken away. */
static bool
kept_elsewhere(struct verify *verify, const char *option, const char *path)
{
	if (!within(path, verify->directory))
		return true;
	return verify_fail(verify, VERIFY_COULD_NOT,
	    "%s %s is of the ledger itself: it does not show that nothing came "
	    "later; give what was kept elsewhere",
	    option, path);
}

static bool
read_anchors(struct verify *verify, const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->since_count; i++)
		if (!kept_elsewhere(verify, "--since", wanted->since[i]) ||
		    !verify_since(verify, wanted->since[i]))
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

/* The books of a month.  False after a verdict. */
static bool
begin_month(struct verify *verify, const struct wanted *wanted)
{
	static struct audit_month month;

	if (wanted->month == NULL)
		return true;
	(void)month_parse(wanted->month, &month.from_ms, &month.until_ms);
	if (!wanted->so_far && month.until_ms / 1000 > (uint64_t)time(NULL))
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s (UTC) is not over; --so-far makes its books as they "
		    "are now",
		    wanted->month);
	month.directory = wanted->books;
	return month_begin(verify, &month);
}

/* Receipts that customers hold.  False after a verdict. */
static bool
begin_receipts(struct verify *verify, const struct wanted *wanted)
{
	static struct held held;

	if (wanted->receipts == NULL)
		return true;
	held.directory = wanted->receipts;
	return kept_elsewhere(verify, "--receipts", wanted->receipts) &&
	       held_begin(verify, &held);
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
	    !verify_restores(verify) ||
	    (wanted->certified != NULL &&
		!audit_read_paper(verify, wanted->certified)) ||
	    !audit_begin_with_books(verify) || !can_export(verify, wanted) ||
	    !read_anchors(verify, wanted) || !begin_receipts(verify, wanted) ||
	    !begin_month(verify, wanted) ||
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
		return options_refuse("keygen makes one key at a time");
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
		return options_refuse(
		    "witness needs --key, --state and the ledger "
		    "directory");
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
			return options_refuse(
			    "one key given as --witness twice");
		if (error != SR_OK)
			return options_refuse(
			    "--witness is a verifier key of a witness: "
			    "name+id+base64, of the type 4");
	}
	if (verify->witnesses_wanted > verify->witness_count)
		return options_refuse(
		    "--witnesses asks for more than --witness names");
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
		return options_refuse("receipt FILE... names the receipts");
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

/* bundle: what a month-end gave to the auditor.  Exits as verifying does. */
static int
bundle(const struct verify *verify, const struct wanted *wanted, int count,
    char *files[])
{
	char message[BANKFILE_MESSAGE_MAX];
	struct bankfile bank;
	enum verify_exit exit;

	if (count != 1)
		return options_refuse("bundle FILE names one bundle");
	if (wanted->since_count > 1)
		return options_refuse("bundle continues one --since");
	if (bankfile_read(wanted->bank, &bank, message) != SR_OK) {
		fprintf(stderr, "strongroom-verify: %s\n", message);
		return VERIFY_COULD_NOT;
	}
	exit = bundle_verify_file(&bank, files[0],
	    wanted->since_count > 0 ? wanted->since[0] : NULL, wanted->signer,
	    verify->json, verify->quiet);
	return fflush(stdout) == 0 ? (int)exit : VERIFY_COULD_NOT;
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

/* A directory may be called as a command is, too: with a path before it. */
static enum wanted_command
command_of(const struct wanted *wanted, int count, char *words[])
{
	if (count == 1 && wanted->bank == NULL &&
	    strcmp(words[0], "keygen") == 0)
		return COMMAND_KEYGEN;
	if (count < 1 || wanted->bank == NULL)
		return COMMAND_WALK;
	if (strcmp(words[0], "receipt") == 0)
		return COMMAND_RECEIPT;
	if (strcmp(words[0], "bundle") == 0)
		return COMMAND_BUNDLE;
	return strcmp(words[0], "witness") == 0 ? COMMAND_WITNESS
						: COMMAND_WALK;
}

int
main(int argc, char *argv[])
{
	static struct verify verify;
	struct wanted wanted = {0};
	enum wanted_command command;
	int code = options_read(&verify, &wanted, argc, argv);

	if (code >= 0)
		return code;
	if (sodium_init() < 0)
		return options_refuse("libsodium does not start");
	command = command_of(&wanted, argc - optind, argv + optind);
	code = options_allow(&wanted, command);
	if (code >= 0)
		return code;
	switch (command) {
	case COMMAND_KEYGEN:
		return keygen(&wanted);
	case COMMAND_RECEIPT:
		return receipts(
		    &verify, &wanted, argc - optind - 1, argv + optind + 1);
	case COMMAND_BUNDLE:
		return bundle(
		    &verify, &wanted, argc - optind - 1, argv + optind + 1);
	case COMMAND_WITNESS:
		return witness(
		    &verify, &wanted, argc - optind - 1, argv + optind + 1);
	case COMMAND_WALK:
		break;
	}
	code = take_witness_keys(&verify, &wanted);
	if (code >= 0)
		return code;
	if (wanted.bank == NULL || argc - optind != 1)
		return options_refuse(
		    "--bank FILE and one directory are needed");
	code = options_check(&wanted);
	if (code >= 0)
		return code;
	verify.directory = argv[optind];
	verify.exit = VERIFY_INTACT;
	verify.progress.wanted = !verify.quiet && isatty(STDERR_FILENO);
	if (verify.jobs == 0)
		verify.jobs = workers_processors();
	verify_print_begin(&verify);
	if (!run(&verify, &wanted))
		drop_export(&verify, &wanted);
	verify_print_verdict(&verify);
	if (wanted.certify != NULL && !verify.json &&
	    (verify.exit == VERIFY_ANCHORED || verify.exit == VERIFY_INTACT))
		fprintf(stderr,
		    "%s is for an auditor to sign: strongroomctl --as CARD "
		    "auditor certify %s\n",
		    wanted.certify, wanted.certify);
	if (verify.audit != NULL && verify.audit->month != NULL)
		month_end(
		    verify.audit->month, verify.exit == VERIFY_TAMPERED ||
					     verify.exit == VERIFY_COULD_NOT);
	if (verify.audit != NULL)
		audit_end(verify.audit);
	if (verify.audit_log != NULL)
		audit_log_end(verify.audit_log);
	if (verify.held != NULL)
		held_end(verify.held);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "strongroom-verify: cannot write\n");
		return VERIFY_COULD_NOT;
	}
	return (int)verify.exit;
}
