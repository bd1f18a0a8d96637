/* SPDX-License-Identifier: ISC */
/*
 * Receipts that customers hold.  Must never take a receipt for good that keyd
 * has not signed, and never pass over a file.
 */
#include "client/verify/held.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/printable.h"
#include "common/receipt.h"

/* A file that cannot be taken; always false. */
static bool
could_not(struct verify *verify, const char *name, const char *why)
{
	char printable[NAME_MAX + 1];

	snprintf(printable, sizeof(printable), "%s", name);
	(void)make_printable(printable);
	return verify_fail(verify, VERIFY_COULD_NOT, "--receipts %s/%s: %s",
	    verify->held->directory, printable, why);
}

static void
add_bad(struct held *held, const char *name, const char *why)
{
	if (held->bad_count < HELD_BAD_TOLD) {
		struct held_bad *bad = &held->bad[held->bad_count];

		bad->name = name;
		snprintf(bad->why, sizeof(bad->why), "%s", why);
	}
	held->bad_count++;
}

/* ---- the files --------------------------------------------------------- */

static bool
add_name(struct held *held, const char *name)
{
	if (held->name_count == held->name_room) {
		size_t room = 2 * held->name_room + 64;
		char **grown =
		    reallocarray(held->name, room, sizeof(*held->name));

		if (grown == NULL)
			return false;
		held->name = grown;
		held->name_room = room;
	}
	held->name[held->name_count] = strdup(name);
	return held->name[held->name_count++] != NULL;
}

static int
compare_names(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The names of everything in the directory, in one order wherever it is. */
static bool
list(struct verify *verify, struct held *held, DIR *directory)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (held->name_count == HELD_FILES_MAX)
			return verify_fail(verify, VERIFY_COULD_NOT,
			    "--receipts %s: more than %d files; give them in "
			    "portions",
			    held->directory, HELD_FILES_MAX);
		if (!add_name(held, entry->d_name))
			return verify_fail(verify, VERIFY_COULD_NOT,
			    "there is not enough memory");
	}
	if (errno != 0)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "--receipts %s: %s", held->directory, strerror(errno));
	if (held->name_count == 0)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "--receipts %s: it holds no receipt", held->directory);
	qsort(held->name, held->name_count, sizeof(*held->name), compare_names);
	return true;
}

/* The file's text, and a byte more where it is too long; false: verdict. */
static bool
read_text(struct verify *verify, int at, const char *name, uint8_t *text,
    size_t room, size_t *len)
{
	/* a FIFO is not waited for, and no link is followed out of there */
	int fd =
	    openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat status;

	*len = 0;
	if (fd < 0)
		return could_not(verify, name,
		    errno == ELOOP ? "it is a symbolic link; put the receipt "
				     "itself there"
				   : strerror(errno));
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return could_not(verify, name,
		    "it is not a regular file; leave only receipts there");
	}
	while (*len < room) {
		ssize_t n = read(fd, text + *len, room - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return could_not(verify, name, strerror(errno));
		}
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	close(fd);
	return true;
}

/* ---- what they say ----------------------------------------------------- */

/* One whose entry is gone by the word of the identity. */
static void
add_lost(struct held *held, const char *name, const struct receipt *receipt,
    const struct restore_note *note)
{
	char why[HELD_WHY_MAX], time[32];

	snprintf(why, sizeof(why),
	    "rolled back: its entry %" PRIu64
	    " was given up by the restore note at entry %" PRIu64
	    ", which the bank's identity signed on %s",
	    receipt->index, note->restored_size,
	    verify_time(note->time_ms, time));
	add_bad(held, name, why);
}

static bool
take(struct verify *verify, struct held *held, int at, const char *name)
{
	static uint8_t text[RECEIPT_TEXT_MAX + 1];
	static struct receipt receipt;
	static struct receipt_facts facts;
	const struct restore_note *note;
	struct held_receipt *out;
	enum receipt_fault fault;
	enum sr_error error;
	size_t len;

	if (!read_text(verify, at, name, text, sizeof(text), &len))
		return false;
	error = receipt_decode(text, len, &receipt);
	if (error == SR_VERSION)
		return could_not(verify, name,
		    "it was made by a newer version of strongroom");
	if (error != SR_OK) {
		add_bad(held, name, "it is not a whole receipt");
		return true;
	}
	fault = receipt_check(&receipt, verify->bank.identity, &facts);
	if (fault != RECEIPT_FINE) {
		add_bad(held, name, receipt_sentence(fault));
		return true;
	}
	note = verify_given_up(verify, facts.epoch, receipt.index + 1);
	if (note != NULL) {
		add_lost(held, name, &receipt, note);
		return true;
	}
	out = &held->receipt[held->count++];
	*out = (struct held_receipt){.index = receipt.index,
	    .size = facts.checkpoint.size,
	    .epoch = facts.epoch,
	    .given_up = verify_given_up(
			    verify, facts.epoch, facts.checkpoint.size) != NULL,
	    .name = name};
	memcpy(out->leaf, facts.leaf_hash, sizeof(out->leaf));
	memcpy(out->root, facts.checkpoint.root, sizeof(out->root));
	return true;
}

static int
compare_indices(const void *one, const void *other)
{
	const struct held_receipt *a = one, *b = other;

	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int
compare_sizes(const void *one, const void *other)
{
	const struct held_receipt *a = *(const struct held_receipt *const *)one;
	const struct held_receipt *b =
	    *(const struct held_receipt *const *)other;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void
put_in_order(struct held *held)
{
	qsort(held->receipt, held->count, sizeof(*held->receipt),
	    compare_indices);
	for (size_t i = 0; i < held->count; i++)
		if (!held->receipt[i].given_up)
			held->head[held->head_count++] = &held->receipt[i];
	qsort(held->head, held->head_count, sizeof(struct held_receipt *),
	    compare_sizes);
}

bool
held_begin(struct verify *verify, struct held *held)
{
	DIR *directory = opendir(held->directory);
	bool good;

	if (directory == NULL)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "--receipts %s: %s", held->directory, strerror(errno));
	verify->held = held;
	good = list(verify, held, directory);
	if (good) {
		held->receipt =
		    calloc(held->name_count, sizeof(*held->receipt));
		held->head =
		    calloc(held->name_count, sizeof(struct held_receipt *));
		if (held->receipt == NULL || held->head == NULL)
			good = verify_fail(verify, VERIFY_COULD_NOT,
			    "there is not enough memory");
	}
	for (size_t i = 0; good && i < held->name_count; i++)
		good = take(verify, held, dirfd(directory), held->name[i]);
	closedir(directory);
	for (size_t i = 0; i < held->name_count; i++)
		(void)make_printable(held->name[i]);
	if (good)
		put_in_order(held);
	return good;
}

void
held_end(struct held *held)
{
	for (size_t i = 0; i < held->name_count; i++)
		free(held->name[i]);
	free(held->name);
	free(held->receipt);
	free(held->head);
	memset(held, 0, sizeof(*held));
}

/* ---- the walk ---------------------------------------------------------- */

const char *
held_entry(struct verify *verify, const uint8_t leaf[32])
{
	static char what[VERIFY_WHY_MAX];
	const struct held *held = verify->held;

	while (held != NULL && verify->held_entries < held->count) {
		const struct held_receipt *receipt =
		    &held->receipt[verify->held_entries];

		if (receipt->index != verify->tree.size)
			break;
		if (memcmp(receipt->leaf, leaf, sizeof(receipt->leaf)) != 0) {
			snprintf(what, sizeof(what),
			    "forked: keyd signed another entry for this place, "
			    "as the receipt %s shows",
			    receipt->name);
			return what;
		}
		verify->held_entries++;
	}
	return NULL;
}

const struct held_receipt *
held_next_head(const struct verify *verify)
{
	const struct held *held = verify->held;

	return held != NULL && verify->held_heads < held->head_count
		   ? held->head[verify->held_heads]
		   : NULL;
}

uint64_t
held_met(const struct verify *verify)
{
	return verify->held_heads == 0
		   ? 0
		   : verify->held->head[verify->held_heads - 1]->size;
}

bool
held_finish(struct verify *verify)
{
	const struct held *held = verify->held;
	const struct held_receipt *missing = held_next_head(verify);

	if (held == NULL)
		return true;
	if (verify->held_entries < held->count)
		missing = &held->receipt[verify->held_entries];
	if (missing != NULL)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "rolled back: the receipt %s is of entry %" PRIu64
		    " under a head of %" PRIu64
		    " entries, the log holds %" PRIu64,
		    missing->name, missing->index, missing->size,
		    verify->committed.size);
	if (held->bad_count > 0)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "the receipt %s: %s", held->bad[0].name, held->bad[0].why);
	return true;
}

/* ---- told -------------------------------------------------------------- */

void
held_report(const struct verify *verify)
{
	const struct held *held = verify->held;

	if (held == NULL)
		return;
	for (size_t i = 0; i < held->bad_count && i < HELD_BAD_TOLD; i++)
		printf("the receipt %s: %s\n", held->bad[i].name,
		    held->bad[i].why);
	if (held->bad_count > HELD_BAD_TOLD)
		printf("and %" PRIu64 " receipts more that are not good\n",
		    held->bad_count - HELD_BAD_TOLD);
	printf("receipts of %s: %zu of %zu stand in the log", held->directory,
	    verify->held_entries, held->name_count);
	if (held_met(verify) > 0)
		printf(
		    "; it continues their checkpoints, the largest of %" PRIu64
		    " entries",
		    held_met(verify));
	printf("\n");
}

void
held_report_json(const struct verify *verify)
{
	const struct held *held = verify->held;

	if (held == NULL)
		return;
	printf(",\"receipts\":{\"files\":%zu,\"met\":%zu,\"size\":%" PRIu64
	       ",\"bad\":%" PRIu64 ",\"told\":[",
	    held->name_count, verify->held_entries, held_met(verify),
	    held->bad_count);
	for (size_t i = 0; i < held->bad_count && i < HELD_BAD_TOLD; i++) {
		printf("%s{\"file\":", i > 0 ? "," : "");
		verify_print_json_string(held->bad[i].name);
		printf(",\"why\":");
		verify_print_json_string(held->bad[i].why);
		printf("}");
	}
	printf("]}");
}
