/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl anchor: what is to be kept where the bank's machine cannot
 * reach it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/anchor.h"
#include "client/ctl/backup_set.h"
#include "client/ctl/ctl.h"
#include "client/qr.h"
#include "common/cosignature.h"

static void
report(const struct ctl_options *options, const struct anchor *anchor)
{
	char root[65];

	bankfile_hex(anchor->checkpoint.root, root);
	if (options->json)
		printf("{\"v\":1,\"origin\":\"%s\",\"epoch\":%" PRIu32
		       ",\"size\":%" PRIu64 ",\"root\":\"%s\"}\n",
		    anchor->checkpoint.origin, anchor->epoch,
		    anchor->checkpoint.size, root);
	fprintf(stderr,
	    "an anchor of %" PRIu64 " entr%s, root %.16s...\n"
	    "Keep it where the bank's machine cannot reach it; check the "
	    "ledger against it:\n"
	    "  strongroom-verify --bank bank.id --since ANCHOR LEDGER\n",
	    anchor->checkpoint.size, anchor->checkpoint.size == 1 ? "y" : "ies",
	    root);
}

enum sr_error
ctl_anchor(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	static struct anchor anchor;
	struct bankfile bank;
	enum sr_error error = ctl_configuration(options, &config);

	(void)words;
	if (error == SR_OK)
		error = ctl_bank(&config, &bank);
	if (error == SR_OK)
		error = anchor_newest(&config, &bank, options->out, &anchor);
	if (error == SR_OK)
		error = anchor_write(&config, options->out, &anchor);
	if (error != SR_OK)
		return error;
	if (options->out == NULL && !options->json)
		fwrite(anchor.text, 1, anchor.len, stdout);
	report(options, &anchor);
	if (options->qr)
		error = qr_print(stdout, anchor.text, anchor.len);
	if (error != SR_OK)
		return ctl_failed("the QR code", error);
	return fflush(stdout) == 0 && ferror(stdout) == 0
		   ? SR_OK
		   : ctl_failed("standard output", SR_IO);
}

/* ---- a witness's line put to an anchor --------------------------------- */

/* The anchor is of this bank; its own signature was checked when it was made,
 * and is checked by whoever uses it. */
static enum sr_error
read_own(const char *path, const struct bankfile *bank, struct anchor *anchor,
    struct note *note)
{
	uint8_t bank_id[32];
	uint32_t epoch;
	enum sr_error error = anchor_read(path, anchor, note);

	if (error == SR_NOT_FOUND)
		return ctl_failed(path, error);
	if (error != SR_OK)
		return error;
	if (note_origin_parse(note->checkpoint.origin, bank_id, &epoch) !=
		SR_OK ||
	    memcmp(bank_id, bank->bank_id, sizeof(bank_id)) != 0)
		return ctl_failed(path, SR_WRONG_BANK);
	return SR_OK;
}

/* The file of the witness: its line alone, or a whole note with it. */
static enum sr_error
read_lines(const char *path, char text[NOTE_READ_MAX], size_t *len, size_t *at)
{
	struct note note;
	FILE *file = backup_file_read(path);

	if (file == NULL) {
		fprintf(
		    stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
		return SR_IO;
	}
	*len = fread(text, 1, NOTE_READ_MAX, file);
	fclose(file);
	*at = note_parse(text, *len, &note) == SR_OK ? note.lines_at : 0;
	return SR_OK;
}

/* Appends the witness's line that verifies, unless it is there already. */
static enum sr_error
merge(struct anchor *anchor, const struct note *note, const char *text,
    size_t len, size_t at, const struct cosigner *cosigner)
{
	struct note_line line;
	uint64_t time_s, there_s;
	enum sr_error error;
	size_t from = at;

	while ((error = note_next_line(text, len, &at, &line)) == SR_OK) {
		error = cosignature_verify(
		    &line, cosigner, &note->checkpoint, &time_s);
		if (error == SR_CRYPTO)
			return error;
		if (error == SR_NOT_FOUND) {
			from = at;
			continue;
		}
		error = cosignature_find(anchor->text, anchor->len,
		    note->lines_at, cosigner, &note->checkpoint, &there_s);
		if (error == SR_OK && there_s >= time_s)
			return SR_ALREADY;
		if (error != SR_OK && error != SR_NOT_FOUND)
			return error;
		if (anchor->len + (at - from) > sizeof(anchor->text))
			return SR_TOO_LARGE;
		memcpy(anchor->text + anchor->len, text + from, at - from);
		anchor->len += at - from;
		return SR_OK;
	}
	return error;
}

enum sr_error
ctl_anchor_add(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	static struct anchor anchor;
	static char text[NOTE_READ_MAX];
	struct cosigner cosigner;
	struct bankfile bank;
	struct note note;
	size_t len = 0, at = 0;
	enum sr_error error = ctl_configuration(options, &config);

	if (error != SR_OK)
		return error;
	if (options->witness == NULL ||
	    cosigner_parse(options->witness, &cosigner) != SR_OK) {
		fprintf(stderr, "strongroomctl: --witness is the verifier key "
				"of the witness, name+id+base64\n");
		return SR_USAGE;
	}
	error = ctl_bank(&config, &bank);
	if (error == SR_OK)
		error = read_own(words[0], &bank, &anchor, &note);
	if (error == SR_OK)
		error = read_lines(words[1], text, &len, &at);
	if (error != SR_OK)
		return error;
	error = merge(&anchor, &note, text, len, at, &cosigner);
	if (error == SR_NOT_FOUND || error == SR_CRYPTO ||
	    error == SR_MALFORMED) {
		fprintf(stderr,
		    "strongroomctl: %s: no signature of %s on the anchor in "
		    "%s; nothing was changed\n",
		    words[1], cosigner.name, words[0]);
		return SR_SIGNATURE;
	}
	if (error == SR_ALREADY) {
		fprintf(stderr, "%s has that signature of %s already\n",
		    words[0], cosigner.name);
		return SR_OK;
	}
	if (error == SR_OK)
		error = anchor_put(words[0], &anchor);
	if (error != SR_OK)
		return ctl_failed(words[0], error);
	fprintf(stderr, "%s bears the signature of %s now\n", words[0],
	    cosigner.name);
	return SR_OK;
}
