/* SPDX-License-Identifier: ISC */
/*
 * Asking for shares.  A slip costs a line, not the share; what stands on the
 * screen is removed when the share is complete.
 */
#include "client/ctl/shares.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/backup_set.h"
#include "client/ctl/bank_process.h"
#include "client/ctl/interrupts.h"
#include "client/prompt.h"
#include "client/share_words.h"

enum {
	TYPED_MAX = 1024,
	FILE_MAX = 64 * 1024,
};

void
ctl_screen_clear(FILE *out)
{
	/* The screen, and what a terminal keeps above it. */
	if (isatty(fileno(out)) == 1)
		fputs("\x1b[H\x1b[2J\x1b[3J", out);
	(void)fflush(out);
}

static void
say_slip(const struct share_slip *slip)
{
	if (slip->line == 0)
		fprintf(stderr, "there are more words than a share has");
	else if (slip->word == 0)
		fprintf(stderr,
		    "line %u is mistyped, or of another share: its words do "
		    "not fit together",
		    slip->line);
	else
		fprintf(stderr, "line %u is mistyped at its word %u",
		    slip->line, slip->word);
}

/* ---- files ------------------------------------------------------------- */

/* Without comments and the QR code, which is no ASCII: what is left is words. */
static size_t
words_of_page(char *text, size_t len)
{
	size_t kept = 0;

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line =
		    end != NULL ? (size_t)(end - text) - at + 1 : len - at;
		bool words = text[at] != '#';

		for (size_t i = 0; i < line; i++)
			words = words && (text[at + i] & 0x80) == 0;
		if (words) {
			memmove(text + kept, text + at, line);
			kept += line;
		}
		at += line;
	}
	return kept;
}

enum sr_error
ctl_share_file(const char *path, uint8_t record[SHARE_LEN])
{
	static char text[FILE_MAX];
	struct share_slip slip;
	FILE *file = backup_file_read(path);
	enum sr_error error;
	size_t len;

	if (file == NULL) {
		fprintf(
		    stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
		return SR_IO;
	}
	(void)setvbuf(file, NULL, _IONBF, 0);
	len = fread(text, 1, sizeof(text), file);
	error = ferror(file) ? SR_IO : SR_OK;
	fclose(file);
	if (error != SR_OK)
		return ctl_failed(path, error);
	if (len == sizeof(text))
		return ctl_failed(path, SR_TOO_LARGE);
	error = share_words_read(text, words_of_page(text, len), record, &slip);
	sodium_memzero(text, sizeof(text));
	if (error == SR_OK)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s: ", path);
	say_slip(&slip);
	fprintf(stderr, "\n");
	return SR_SHARE_WRONG;
}

static enum sr_error
take_file(const char *path, struct share_pile *pile)
{
	uint8_t record[SHARE_LEN];
	enum share_verdict verdict;
	enum sr_error error = ctl_share_file(path, record);

	if (error != SR_OK)
		return error;
	verdict = share_pile_take(pile, record);
	if (verdict != SHARE_TAKEN) {
		fprintf(stderr, "strongroomctl: %s: ", path);
		share_verdict_say(stderr, pile, verdict, record);
		error = SR_SHARE_WRONG;
	}
	sodium_memzero(record, sizeof(record));
	return error;
}

/* ---- the terminal ------------------------------------------------------ */

/* One share, line by line. */
static enum sr_error
type_share(uint8_t record[SHARE_LEN])
{
	char typed[TYPED_MAX], question[32];
	struct share_slip slip;
	unsigned lines = 0;
	enum sr_error error;

	while (lines < SHARE_LINES) {
		unsigned next = lines + 1;

		(void)snprintf(question, sizeof(question), "line %u: ", next);
		error = interrupts_prompt(question, typed, sizeof(typed));
		if (error != SR_OK && error != SR_TOO_LARGE)
			break;
		if (error == SR_OK && typed[0] == '\0' && lines > 0) {
			fprintf(stderr, "this share begins anew\n");
			lines = 0;
			continue;
		}
		if (error == SR_OK)
			error = share_words_take(
			    record, next, typed, strlen(typed), &lines, &slip);
		else
			slip = (struct share_slip){.line = next, .word = 1};
		sodium_memzero(typed, sizeof(typed));
		if (error != SR_OK) {
			/* What is right stays, but words too many are none. */
			lines = slip.line == 0 ? 0 : slip.line - 1;
			say_slip(&slip);
			fprintf(stderr,
			    ": type it again (an empty line begins the share "
			    "anew)\n");
		}
	}
	sodium_memzero(typed, sizeof(typed));
	return lines == SHARE_LINES ? SR_OK : error;
}

static enum sr_error
ask_one(struct share_pile *pile)
{
	uint8_t record[SHARE_LEN];
	enum share_verdict verdict;
	enum sr_error error;

	fprintf(stderr,
	    "A share, of which %u %s missing: type its %d lines, or its QR "
	    "code's one\n",
	    share_pile_missing(pile),
	    share_pile_missing(pile) == 1 ? "is" : "are", SHARE_LINES);
	error = type_share(record);
	if (error == SR_OK) {
		verdict = share_pile_take(pile, record);
		ctl_screen_clear(stderr);
		share_verdict_say(stderr, pile, verdict, record);
	} else {
		ctl_screen_clear(stderr);
	}
	sodium_memzero(record, sizeof(record));
	return error;
}

static enum sr_error
too_few(const struct share_pile *pile)
{
	fprintf(stderr,
	    "strongroomctl: %u more share%s needed: name each by "
	    "--share-file, or type them at a terminal\n",
	    share_pile_missing(pile),
	    share_pile_missing(pile) == 1 ? " is" : "s are");
	return SR_SHARES_FEW;
}

enum sr_error
ctl_shares_ask(const struct ctl_options *options, struct share_pile *pile)
{
	enum sr_error error = SR_OK;
	sigset_t before;

	if (pile->set_count == 0) {
		fprintf(stderr, "strongroomctl: no shares open this bank: "
				"`strongroomctl ceremony' makes them\n");
		return SR_SHARES_FEW;
	}
	for (size_t i = 0; error == SR_OK && i < options->share_file_count; i++)
		error = take_file(options->share_files[i], pile);
	interrupts_hold(&before);
	while (error == SR_OK && share_pile_missing(pile) > 0)
		error = prompt_interactive() ? ask_one(pile) : too_few(pile);
	if (error == SR_CLOSED)
		fprintf(stderr, "strongroomctl: given up\n");
	if (error == SR_CLOSED)
		share_pile_wipe(pile);
	interrupts_release(&before, false);
	return error;
}

/* ---- a bank's sets ------------------------------------------------------ */

unsigned
ctl_share_sets(
    const struct sealed *sealed, struct share_set sets[SHARE_SETS_MAX])
{
	unsigned count = 0;

	for (size_t i = 0; i < sealed->count; i++) {
		const struct sealed_envelope *from = &sealed->envelopes[i];
		struct share_set *to = &sets[count];

		if (from->kind != SEALED_SHARES)
			continue;
		to->number = from->number;
		to->quorum = from->quorum;
		to->count = from->shares;
		memcpy(to->hashes, from->hashes, sizeof(to->hashes));
		count++;
	}
	return count;
}

void
ctl_shares_of(const struct share_pile *pile, struct ctl_unlock_secret *out)
{
	_Static_assert(sizeof(out->bytes) >= sizeof(pile->records), "");
	out->kind = SEALED_SHARES;
	out->len = (size_t)pile->have * SHARE_LEN;
	memcpy(out->bytes, pile->records, out->len);
}

enum sr_error
ctl_shares_secret(const struct ctl_options *options,
    const struct sealed *sealed, struct ctl_unlock_secret *out)
{
	static struct share_pile pile;
	struct share_set sets[SHARE_SETS_MAX];
	enum sr_error error;

	ctl_unlock_guard(out);
	share_pile_begin(
	    &pile, sealed->bank_id, sets, ctl_share_sets(sealed, sets));
	error = ctl_shares_ask(options, &pile);
	if (error == SR_OK)
		ctl_shares_of(&pile, out);
	share_pile_wipe(&pile);
	return error;
}

/* Then nobody is asked for a passphrase that cannot be right. */
static bool
only_shares(const struct ctl_options *options, const struct sealed *sealed)
{
	if (options->credential != NULL || options->passphrase_fd >= 0)
		return false;
	for (size_t i = 0; i < sealed->count; i++)
		if (sealed->envelopes[i].kind != SEALED_SHARES)
			return false;
	return sealed->count > 0;
}

enum sr_error
ctl_present_secret(const struct ctl_options *options,
    const struct config *config, const struct sealed *sealed, bool itself,
    struct ctl_unlock_secret *out)
{
	if (!options->shares && options->share_file_count == 0 &&
	    !only_shares(options, sealed))
		return ctl_unlock_secret(options, config, itself, out);
	*out = (struct ctl_unlock_secret){0};
	return ctl_shares_secret(options, sealed, out);
}

enum sr_error
ctl_sealed_read(const struct config *config, struct sealed *sealed)
{
	uint8_t bytes[SEALED_MAX_LEN + 1];
	char path[CONFIG_PATH_MAX];
	enum sr_error error = config_path(config, "keyd/root.sealed", path);
	FILE *file = error == SR_OK ? backup_file_read(path) : NULL;
	size_t len;

	if (error != SR_OK)
		return error;
	if (file == NULL)
		return ctl_failed(path, errno == EACCES   ? SR_PERMISSION
					: errno == ENOENT ? SR_NOT_FOUND
							  : SR_IO);
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	error = sealed_read(bytes, len, SEALED_ROOT, sealed);
	return error == SR_OK ? SR_OK : ctl_failed(path, error);
}

bool
ctl_bank_asks(const struct ctl_options *options, const struct config *config)
{
	if (options->shares || options->share_file_count > 0 ||
	    options->credential != NULL || options->passphrase_fd >= 0)
		return true;
	/* which systemd hands over to the bank's service alone */
	if (config->unlock == CONFIG_UNLOCK_CREDENTIAL)
		return getenv("CREDENTIALS_DIRECTORY") == NULL;
	return config->unlock == CONFIG_UNLOCK_LOCKED ||
	       (config->unlock == CONFIG_UNLOCK_FILE &&
		   access(config->passphrase_file, F_OK) != 0 &&
		   errno == ENOENT);
}

enum sr_error
ctl_bank_start(const struct ctl_options *options, const struct config *config,
    const char *option, struct bank_process *process)
{
	static struct sealed sealed;
	struct ctl_unlock_secret secret = {0};
	enum sr_error error;
	int fd;

	process->pid = 0;
	if (!ctl_bank_asks(options, config))
		return bank_process_start(process, config->file, option);
	error = ctl_sealed_read(config, &sealed);
	if (error == SR_OK)
		error =
		    ctl_present_secret(options, config, &sealed, true, &secret);
	if (error == SR_OK)
		error = ctl_unlock_pipe(&secret, &fd);
	if (error == SR_OK) {
		error = bank_process_start_with(
		    process, config->file, option, secret.kind, fd);
		close(fd);
	}
	sodium_memzero(&secret, sizeof(secret));
	return error;
}
