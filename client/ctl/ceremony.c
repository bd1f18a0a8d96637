/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl ceremony: a new set of shares that opens the bank's keys,
 * handed out, rehearsed and written into a transcript.  Until the rehearsal
 * has gone well nothing that opened the bank before is taken out; when it
 * fails, or somebody interrupts it, the new set is.  A new set counts as not
 * rehearsed from its first moment, so that no kill leaves one that nobody is
 * told of.
 */
#include "client/ctl/ceremony.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/bank_process.h"
#include "client/ctl/control.h"
#include "client/ctl/interrupts.h"
#include "client/ctl/seal.h"
#include "client/ctl/shares.h"
#include "client/prompt.h"

#define NOT_REHEARSED "not rehearsed"

static enum sr_error
usage(const char *why)
{
	fprintf(stderr,
	    "strongroomctl: ceremony: %s; see strongroomctl --help\n", why);
	return SR_USAGE;
}

static bool
is_line_of_text(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static enum sr_error
check_options(const struct ctl_options *options)
{
	if (options->share_count == 0 || options->quorum == 0)
		return usage("how many? --shares 5 --quorum 3 makes five of "
			     "which any three open the bank");
	if (options->quorum > options->share_count)
		return usage("the quorum is more than there are shares");
	if (options->holder_count != 0 &&
	    options->holder_count != options->share_count)
		return usage("name each holder by a --holder, or none");
	for (size_t i = 0; i < options->holder_count; i++)
		if (!is_line_of_text(options->holders[i]))
			return usage("a --holder is a line of text");
	if (options->out == NULL && !prompt_interactive())
		return usage("the shares are shown at a terminal, or written "
			     "to the directory of --out");
	if (options->transcript != NULL &&
	    access(options->transcript, F_OK) == 0) {
		fprintf(stderr,
		    "strongroomctl: %s is there already: name a new file for "
		    "the transcript\n",
		    options->transcript);
		return SR_EXISTS;
	}
	return SR_OK;
}

/* Not by an option alone: it is easily left in a script. */
static enum sr_error
confirm(void)
{
	char answer[64];
	enum sr_error error;

	fprintf(stderr, "Without a rehearsal nobody knows whether the shares "
			"restore the bank, until it\nis lost.\n");
	error = prompt_line(
	    "Type `" NOT_REHEARSED "' to go on: ", answer, sizeof(answer));
	if (error == SR_OK && strcmp(answer, NOT_REHEARSED) == 0)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: --no-rehearsal wants the words `" NOT_REHEARSED
	    "': nothing was done\n");
	return SR_NOT_ALLOWED;
}

/* ---- the sets of the bank ---------------------------------------------- */

/* The new set, as it stands in root.sealed now, is that of the records. */
static enum sr_error
find_new_set(struct ceremony *c)
{
	struct share_set sets[SHARE_SETS_MAX];
	struct sealed sealed;
	uint8_t hash[SHARE_HASH_LEN];
	struct share share;
	enum sr_error error = ctl_sealed_get(c->control, &sealed);
	unsigned count;

	if (error == SR_OK)
		error = share_read(c->records[0], &share);
	if (error != SR_OK)
		return error;
	sodium_memzero(share.secret, sizeof(share.secret));
	count = ctl_share_sets(&sealed, sets);
	for (unsigned i = 0; i < count; i++)
		if (sets[i].number == share.set)
			c->set = sets[i];
	if (c->set.count != c->options->share_count ||
	    c->set.quorum != c->options->quorum)
		return SR_INTERNAL;
	for (unsigned i = 0; i < c->set.count; i++) {
		share_hash(c->records[i], hash);
		if (memcmp(hash, c->set.hashes[i], sizeof(hash)) != 0)
			return SR_INTERNAL;
	}
	return SR_OK;
}

static enum sr_error
remove_set(const struct ceremony *c, const struct ctl_unlock_secret *present,
    uint16_t number)
{
	const struct ctl_seal_change change = {
	    .present = present, .number = number};

	return ctl_seal_change(c->control, &change, NULL);
}

static enum sr_error
take_back(const struct ceremony *c, const struct ctl_unlock_secret *present,
    enum sr_error why)
{
	enum sr_error error = remove_set(c, present, c->set.number);

	const char *reason =
	    interrupts_came() ? "interrupted" : error_sentence(why);

	if (error == SR_OK || error == SR_SEAL_UNSYNCED)
		fprintf(stderr,
		    "strongroomctl: %s: set %u is taken out again, destroy "
		    "its shares; what opened the bank before still does\n",
		    reason, c->set.number);
	else
		fprintf(stderr,
		    "strongroomctl: %s; set %u could not be taken out: %s: "
		    "strongroomctl seal remove %u\n",
		    reason, c->set.number, error_sentence(error),
		    c->set.number);
	return why;
}

static enum sr_error
make_set(struct ceremony *c, const struct ctl_unlock_secret *present)
{
	const struct ctl_seal_change change = {
	    .present = present,
	    .new_kind = SEALED_SHARES,
	    .label = "ceremony",
	    .quorum = c->options->quorum,
	    .shares = c->options->share_count,
	};
	enum sr_error error =
	    ctl_seal_change(c->control, &change, (uint8_t *)c->records);

	if (error == SR_OK)
		error = find_new_set(c);
	if (error == SR_OK)
		return SR_OK;
	if (error == SR_SEAL_UNSYNCED && find_new_set(c) == SR_OK)
		return take_back(c, present, error);
	fprintf(stderr, "strongroomctl: no shares were made: %s\n",
	    error_sentence(error));
	return error;
}

/*
 * What opened the bank before by shares does so no longer.  Done with the new
 * ones: what was given to begin with may be of a set that goes.
 */
static enum sr_error
remove_former(struct ceremony *c, const struct sealed *before)
{
	struct ctl_unlock_secret present = {
	    .kind = SEALED_SHARES, .len = c->set.quorum * SHARE_LEN};
	struct share_set sets[SHARE_SETS_MAX];
	unsigned count = ctl_share_sets(before, sets);
	/* what nobody has read back may be wrong on the paper */
	bool keep = c->options->keep || !c->rehearsed;
	enum sr_error error, failed = SR_OK;

	memcpy(present.bytes, c->records, present.len);
	for (unsigned i = 0; i < count; i++) {
		error = keep ? SR_OK : remove_set(c, &present, sets[i].number);
		if (error != SR_OK)
			failed = ctl_failed("a former set", error);
		if (keep || error != SR_OK)
			c->kept++;
		else
			c->removed++;
	}
	sodium_memzero(&present, sizeof(present));
	if (c->removed > 0)
		fprintf(stderr,
		    "The former shares open this bank no more; copies of "
		    "root.sealed and backups\nmade before they still open.\n");
	fprintf(stderr,
	    "Make a backup now: these shares open none that was made "
	    "before. Destroy former\nshares only after it.\n");
	return failed;
}

/* ---- one ceremony ------------------------------------------------------ */

static enum sr_error
hand_out(struct ceremony *c)
{
	return c->options->out != NULL ? ceremony_write(c) : ceremony_show(c);
}

static enum sr_error
rehearse(struct ceremony *c)
{
	struct ctl_options typed = *c->options;
	enum sr_error error;

	share_pile_begin(&c->pile, c->bank.bank_id, &c->set, 1);
	if (c->options->no_rehearsal)
		return SR_OK;
	fprintf(stderr,
	    "The rehearsal: any %u of the shares restore a second "
	    "keyd.\n",
	    c->set.quorum);
	/* --share-file names those that open the bank now */
	typed.share_file_count = 0;
	error = c->options->out != NULL ? ceremony_read_back(c)
					: ctl_shares_ask(&typed, &c->pile);
	if (error == SR_OK)
		error = ctl_rehearse(
		    &c->config, &c->bank, c->control, &c->pile, &c->rehearsal);
	if (error == SR_OK && interrupts_came())
		error = SR_CLOSED;
	if (error == SR_OK)
		error = ctl_note_rehearsed(c->control, &c->pile);
	c->rehearsed = error == SR_OK;
	return error;
}

static enum sr_error
hold(struct ceremony *c, const struct sealed *before,
    const struct ctl_unlock_secret *present)
{
	struct timespec now = {0};
	enum sr_error error, failed;

	interrupts_hold(&c->unheld);
	c->held = true;
	error = make_set(c, present);
	if (error != SR_OK)
		return error;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	c->time_ms = (uint64_t)now.tv_sec * 1000;
	error = hand_out(c);
	if (error == SR_OK)
		error = interrupts_came() ? SR_CLOSED : rehearse(c);
	if (error != SR_OK)
		return take_back(c, present, error);
	error = remove_former(c, before);
	failed = ceremony_transcript(c);
	return error == SR_OK ? failed : error;
}

/* Of a running bank that can be rehearsed. */
static enum sr_error
with_bank(struct ceremony *c)
{
	static struct sealed before;
	struct message_public_keys keys;
	struct ctl_unlock_secret present = {0};
	enum sr_error error = ctl_public_keys(c->control, &keys);

	if (error == SR_OK)
		error = ctl_sealed_get(c->control, &before);
	if (error != SR_OK)
		return ctl_failed("the bank", error);
	if (c->options->share_file_count > 0)
		error = ctl_shares_secret(c->options, &before, &present);
	else
		error =
		    ctl_unlock_secret(c->options, &c->config, true, &present);
	if (error == SR_OK && c->options->out != NULL)
		error = ceremony_directory(c->options->out);
	if (error == SR_OK)
		error = hold(c, &before, &present);
	sodium_memzero(&present, sizeof(present));
	return error;
}

/* A bank that is stopped runs for the length of the command. */
static enum sr_error
run(const struct ctl_options *options, enum sr_error (*act)(struct ceremony *))
{
	static struct ceremony ceremony;
	struct bank_process process = {0};
	char path[CONFIG_PATH_MAX];
	enum sr_error error;
	sigset_t unheld;
	bool held;

	ceremony = (struct ceremony){.options = options, .control = -1};
	ctl_unlock_guard(NULL);
	(void)sodium_mlock(&ceremony, sizeof(ceremony));
	error = ctl_configuration(options, &ceremony.config);
	if (error == SR_OK)
		error = ctl_bank(&ceremony.config, &ceremony.bank);
	if (error == SR_OK)
		error = config_path(&ceremony.config, "run/control", path);
	if (error != SR_OK)
		return error;
	if (control_try(path, &ceremony.control) != SR_OK)
		error =
		    bank_process_start(&process, ceremony.config.file, NULL);
	if (error == SR_OK && ceremony.control < 0)
		error = ctl_control(&ceremony.config, &ceremony.control);
	if (error == SR_OK)
		error = act(&ceremony);
	if (ceremony.control >= 0)
		close(ceremony.control);
	if (bank_process_stop(&process) != SR_OK && error == SR_OK)
		error = ctl_failed("stopping the bank", SR_IO);
	held = ceremony.held;
	unheld = ceremony.unheld;
	sodium_memzero(&ceremony, sizeof(ceremony));
	if (held)
		interrupts_release(&unheld, error == SR_OK);
	return error;
}

enum sr_error
ctl_ceremony(const struct ctl_options *options, char *const words[])
{
	enum sr_error error = check_options(options);

	(void)words;
	if (error == SR_OK && options->no_rehearsal)
		error = confirm();
	if (error == SR_OK)
		error = run(options, with_bank);
	if (error == SR_OK && options->no_rehearsal)
		error = ctl_failed("ceremony", SR_NOT_REHEARSED);
	return error;
}

/* Shares that were handed out before, of whichever set they are. */
static enum sr_error
rehearse_present(struct ceremony *c)
{
	struct share_set sets[SHARE_SETS_MAX];
	struct sealed sealed;
	enum sr_error error = ctl_sealed_get(c->control, &sealed);

	if (error != SR_OK)
		return ctl_failed("the bank", error);
	share_pile_begin(
	    &c->pile, c->bank.bank_id, sets, ctl_share_sets(&sealed, sets));
	error = ctl_shares_ask(c->options, &c->pile);
	if (error == SR_OK)
		error = ctl_rehearse(
		    &c->config, &c->bank, c->control, &c->pile, &c->rehearsal);
	if (error == SR_OK)
		error = ctl_note_rehearsed(c->control, &c->pile);
	if (error == SR_OK)
		fprintf(stderr,
		    "The shares of set %u restore the bank's keys.\n",
		    c->pile.set->number);
	return error;
}

enum sr_error
ctl_rehearse_shares(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return run(options, rehearse_present);
}
