/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl month-end: the month's books, the report of the tills, what
 * strongroom-verify said and a new anchor, in one file that an operator signs.
 * Must never sign books of a ledger that does not verify.
 */
#include "client/ctl/month_end.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/bundle/archive.h"
#include "client/json.h"
#include "client/verify/month.h"

/* ---- what is asked for ------------------------------------------------- */

static enum sr_error
wrong(const char *why)
{
	fprintf(stderr, "strongroomctl: %s\n", why);
	return SR_USAGE;
}

enum sr_error
month_end_failed(const char *path)
{
	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
	return SR_IO;
}

static bool
is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool
month_end_path(char out[PATH_MAX], const char *from, const char *name)
{
	return snprintf(out, PATH_MAX, "%s%s", from, name) < PATH_MAX;
}

static enum sr_error
take_out(struct month_end *making)
{
	const char *wanted = making->options->out;
	char name[64];
	bool fits;

	snprintf(
	    name, sizeof(name), "/" ARCHIVE_PREFIX "%s.tar", making->month);
	if (wanted == NULL)
		fits = month_end_path(making->out, name + 1, "");
	else if (is_directory(wanted))
		fits = month_end_path(making->out, wanted, name);
	else
		fits = month_end_path(making->out, wanted, "");
	if (!fits)
		return ctl_failed(wanted, SR_TOO_LARGE);
	if (access(making->out, F_OK) == 0)
		return ctl_failed(making->out, SR_EXISTS);
	return SR_OK;
}

static enum sr_error
take_wishes(struct month_end *making)
{
	const struct ctl_options *options = making->options;
	uint64_t from_ms, until_ms;

	if (!month_parse(making->month, &from_ms, &until_ms))
		return wrong("month-end wants a month as 2026-10");
	if (options->keys_count == 0 || options->auditor_key == NULL)
		return wrong(
		    "month-end needs --keys FILE and --auditor-key FILE: the "
		    "journal's keys, as `disclose' gives them to an auditor "
		    "whom two operators have enrolled (auditor add), such as "
		    "the treasurer");
	if (!options->so_far && until_ms / 1000 > (uint64_t)time(NULL)) {
		fprintf(stderr,
		    "strongroomctl: %s (UTC) is not over; --so-far closes it "
		    "as it is now\n",
		    making->month);
		return SR_USAGE;
	}
	memcpy(making->manifest.month, making->month, BUNDLE_MONTH_LEN + 1);
	making->manifest.so_far = options->so_far;
	return take_out(making);
}

/* ---- the scratch directory --------------------------------------------- */

static enum sr_error
make_scratch(struct month_end *making)
{
	static const char *const places[BUNDLE_FILES] = {"/anchor",
	    MONTH_END_BOOKS "/" MONTH_TILLS, MONTH_END_BOOKS "/" MONTH_CSV,
	    MONTH_END_BOOKS "/" MONTH_HLEDGER, "/verify.json"};
	bool fits = month_end_path(making->scratch, making->out, ".XXXXXX");

	if (!fits || mkdtemp(making->scratch) == NULL) {
		making->scratch[0] = '\0';
		return month_end_failed(making->out);
	}
	for (size_t i = 0; i < BUNDLE_FILES; i++)
		fits &=
		    month_end_path(making->path[i], making->scratch, places[i]);
	return fits ? SR_OK : ctl_failed(making->scratch, SR_TOO_LARGE);
}

static void
drop_scratch(struct month_end *making)
{
	char path[PATH_MAX];

	if (making->scratch[0] == '\0')
		return;
	for (size_t i = 0; i < BUNDLE_FILES; i++)
		(void)unlink(making->path[i]);
	if (making->since[0] != '\0')
		(void)unlink(making->since);
	if (month_end_path(path, making->scratch, MONTH_END_BOOKS))
		(void)rmdir(path);
	if (rmdir(making->scratch) != 0)
		fprintf(stderr, "strongroomctl: %s: %s\n", making->scratch,
		    strerror(errno));
}

/* ---- what came before -------------------------------------------------- */

static enum sr_error
put_since(struct month_end *making, const struct checkpoint *checkpoint,
    const char *text, size_t len)
{
	struct anchor anchor = {.checkpoint = *checkpoint, .len = len};
	uint8_t bank_id[BANK_ID_LEN];

	if (note_origin_parse(
		checkpoint->origin, bank_id, &making->since_epoch) != SR_OK)
		return ctl_failed(making->options->since, SR_MALFORMED);
	if (!month_end_path(making->since, making->scratch, "/since"))
		return ctl_failed(making->scratch, SR_TOO_LARGE);
	memcpy(anchor.text, text, len);
	making->manifest.since = true;
	making->manifest.since_size = checkpoint->size;
	memcpy(making->manifest.since_root, checkpoint->root, 32);
	return anchor_put(making->since, &anchor);
}

/* The checkpoint of --since, which is a bundle or an anchor. */
static enum sr_error
take_since(struct month_end *making)
{
	static struct bundle_verdict before;
	static struct anchor anchor;
	const char *path = making->options->since;
	enum sr_error error;
	struct note note;

	if (path == NULL)
		return SR_OK;
	bundle_judge(&making->run.bank, path, &before);
	if (before.exit == VERIFY_INTACT)
		return put_since(making, &before.checkpoint, before.anchor,
		    before.anchor_len);
	error = anchor_read(path, &anchor, &note);
	if (error == SR_NOT_FOUND)
		return month_end_failed(path);
	if (error != SR_OK) {
		fprintf(
		    stderr, "strongroomctl: nor a bundle: %s\n", before.why);
		return error;
	}
	return put_since(making, &anchor.checkpoint, anchor.text, anchor.len);
}

static void
report(const struct month_end *making)
{
	const struct bundle_manifest *manifest = &making->manifest;
	const char *ledger = "verified with all keys, against an anchor";

	if (manifest->verified != VERIFY_ANCHORED)
		ledger = manifest->since
			     ? "intact, but was opened in part only (--keys, "
			       "--certified)\nor restored with loss"
			     : "intact, but was compared with no older anchor "
			       "(--since)";

	if (making->options->json) {
		printf("{\"v\":1,\"month\":\"%s\",\"file\":", making->month);
		json_string(stdout, making->out, strlen(making->out));
		printf(",\"verified\":%u,\"size\":%" PRIu64 "}\n",
		    manifest->verified, manifest->size);
	} else {
		printf("%s\n", making->out);
	}
	fprintf(stderr,
	    "the books of %s, signed by %s, and an anchor of %" PRIu64
	    " entries\n"
	    "the ledger is %s\n"
	    "Give it to the auditor, who checks it with bank.id alone:\n"
	    "  strongroom-verify --bank bank.id [--since LAST-MONTH] bundle "
	    "FILE\n",
	    making->month, manifest->name, manifest->size, ledger);
}

enum sr_error
ctl_month_end(const struct ctl_options *options, char *const words[])
{
	static struct month_end making;
	enum sr_error error;

	making.options = options;
	making.month = words[0];
	error = take_wishes(&making);
	if (error != SR_OK)
		return error;
	error = ctl_run_begin(&making.run, options);
	if (error == SR_OK)
		error = make_scratch(&making);
	if (error == SR_OK)
		error = take_since(&making);
	if (error == SR_OK)
		error = month_end_verify(&making);
	if (error == SR_OK)
		error = month_end_anchor(&making);
	if (error == SR_OK)
		error = month_end_sign(&making);
	if (error == SR_OK)
		error = month_end_write(&making);
	drop_scratch(&making);
	ctl_run_end(&making.run);
	if (error == SR_OK)
		report(&making);
	return error;
}
