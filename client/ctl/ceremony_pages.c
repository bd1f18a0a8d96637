/* SPDX-License-Identifier: ISC */
/*
 * The pages of a ceremony, one a share.  Must never show two holders' shares
 * at the same time.
 */
#include "client/ctl/ceremony.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/backup_set.h"
#include "client/ctl/interrupts.h"
#include "client/ctl/shares.h"
#include "client/qr.h"
#include "client/share_words.h"
#include "common/utc.h"

const char *
ceremony_holder(const struct ceremony *ceremony, unsigned i)
{
	return i < ceremony->options->holder_count
		   ? ceremony->options->holders[i]
		   : "";
}

/* What stands above a share; each line begins with `mark'. */
static void
put_head(FILE *out, const struct ceremony *c, unsigned i, const char *mark)
{
	const char *holder = ceremony_holder(c, i);
	char day[UTC_TEXT_MAX], id[65];

	bankfile_hex(c->bank.bank_id, id);
	fprintf(out, "%sshare %u of %u, set %u, of %s%s%s\n", mark, i + 1,
	    c->set.count, c->set.number, c->bank.name,
	    holder[0] != '\0' ? ", for " : "", holder);
	fprintf(out, "%sbank id %.16s..., made %s\n", mark, id,
	    utc_day_format(c->time_ms, day));
	fprintf(out,
	    "%sAny %u of these %u shares open the bank's keys: keep it where "
	    "nobody else\n%sreads it.  It is asked for by strongroomctl "
	    "unlock --shares, and by restore.\n",
	    mark, c->set.quorum, c->set.count, mark);
}

static void
put_words(FILE *out, const uint8_t record[SHARE_LEN])
{
	char text[SHARE_LINE_TEXT_LEN + 1];

	for (unsigned line = 1; line <= SHARE_LINES; line++) {
		share_words_line(record, line, text);
		fprintf(out, "%s\n", text);
	}
	sodium_memzero(text, sizeof(text));
}

/* Where there is no place for it the words must do. */
static enum sr_error
put_code(FILE *out, const uint8_t record[SHARE_LEN])
{
	char text[SHARE_TEXT_LEN + 1];
	enum sr_error error;

	share_words(record, text);
	error = qr_print(out, text, SHARE_TEXT_LEN);
	sodium_memzero(text, sizeof(text));
	if (error == SR_TOO_LARGE)
		fprintf(out, "(the terminal is too narrow for the QR code)\n");
	return error == SR_TOO_LARGE ? SR_OK : error;
}

static enum sr_error
wait_for_enter(const char *question)
{
	char answer[16];
	enum sr_error error =
	    interrupts_prompt(question, answer, sizeof(answer));

	return error == SR_TOO_LARGE ? SR_OK : error;
}

/* The words last: they must be there however low the terminal is. */
static enum sr_error
show_one(const struct ceremony *c, unsigned i)
{
	const char *holder = ceremony_holder(c, i);
	char question[160];
	enum sr_error error;

	ctl_screen_clear(stderr);
	(void)snprintf(question, sizeof(question),
	    "Hand this to %s%.80s (holder %u of %u), alone before the screen; "
	    "then press Enter ",
	    holder[0] != '\0' ? "" : "the holder of the next share", holder,
	    i + 1, c->set.count);
	error = wait_for_enter(question);
	if (error != SR_OK)
		return error;
	error = put_code(stderr, c->records[i]);
	put_head(stderr, c, i, "");
	fputc('\n', stderr);
	put_words(stderr, c->records[i]);
	fputc('\n', stderr);
	if (error == SR_OK)
		error = wait_for_enter("Written down and compared?  Press "
				       "Enter, the screen is cleared ");
	ctl_screen_clear(stderr);
	return error;
}

enum sr_error
ceremony_show(const struct ceremony *ceremony)
{
	enum sr_error error = SR_OK;

	for (unsigned i = 0; error == SR_OK && i < ceremony->set.count; i++)
		error = show_one(ceremony, i);
	return error;
}

/* ---- files ------------------------------------------------------------- */

static enum sr_error
failed(const char *path)
{
	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
	return SR_IO;
}

enum sr_error
ceremony_directory(const char *directory)
{
	struct stat status;

	if (mkdir(directory, 0700) == 0)
		return SR_OK;
	if (errno != EEXIST || stat(directory, &status) != 0)
		return failed(directory);
	/* One that is empty can be removed, and made again. */
	if (rmdir(directory) == 0)
		return mkdir(directory, 0700) == 0 ? SR_OK : failed(directory);
	fprintf(stderr,
	    "strongroomctl: %s: not an empty directory: name a new one for "
	    "the shares\n",
	    directory);
	return SR_EXISTS;
}

static enum sr_error
share_path(const struct ceremony *c, unsigned i, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/share-%u-%u-of-%u.txt",
	    c->options->out, c->set.number, i + 1, c->set.count);

	return n > 0 && n < PATH_MAX ? SR_OK : SR_TOO_LARGE;
}

static enum sr_error
write_one(const struct ceremony *c, unsigned i)
{
	char path[PATH_MAX];
	enum sr_error error = share_path(c, i, path);
	FILE *file;
	int fd;

	if (error != SR_OK)
		return error;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL) {
		error = failed(path);
		if (fd >= 0)
			close(fd);
		return error;
	}
	put_head(file, c, i, "# ");
	put_words(file, c->records[i]);
	error = put_code(file, c->records[i]);
	if (error == SR_OK && (fflush(file) != 0 || fsync(fd) != 0))
		error = failed(path);
	return fclose(file) == 0 ? error : failed(path);
}

enum sr_error
ceremony_write(const struct ceremony *ceremony)
{
	enum sr_error error = SR_OK;

	for (unsigned i = 0; error == SR_OK && i < ceremony->set.count; i++)
		error = write_one(ceremony, i);
	if (error == SR_OK)
		error = backup_sync_directory(ceremony->options->out);
	if (error == SR_OK)
		fprintf(stderr,
		    "The shares are in %s, in the clear: whoever reads %u of "
		    "them opens the bank.\nPrint them, hand them out, and "
		    "remove them; a disk may keep what is removed.\n",
		    ceremony->options->out, ceremony->set.quorum);
	return error;
}

enum sr_error
ceremony_read_back(struct ceremony *ceremony)
{
	uint8_t record[SHARE_LEN];
	char path[PATH_MAX];
	enum sr_error error = SR_OK;

	/* the last ones: a quorum that ends with none of the first */
	for (unsigned i = ceremony->set.count;
	     error == SR_OK && share_pile_missing(&ceremony->pile) > 0; i--) {
		enum share_verdict verdict;

		error = share_path(ceremony, i - 1, path);
		if (error == SR_OK)
			error = ctl_share_file(path, record);
		if (error != SR_OK)
			break;
		verdict = share_pile_take(&ceremony->pile, record);
		if (verdict == SHARE_TAKEN)
			continue;
		fprintf(stderr, "strongroomctl: %s: ", path);
		share_verdict_say(stderr, &ceremony->pile, verdict, record);
		error = SR_REHEARSAL;
	}
	sodium_memzero(record, sizeof(record));
	return error;
}
