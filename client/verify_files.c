/* SPDX-License-Identifier: ISC */
/*
 * The walk over the ledger's files, from the first segment to the last, and
 * what only the whole of it can tell.  Reads regular files only, one segment
 * at a time, and never ends without a verdict.
 */
#include "client/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads a whole segment; the caller frees it.  NULL after a verdict. */
static uint8_t *
log_read(struct verify *verify, uint32_t number, size_t *len)
{
	char path[4096], name[JOURNAL_SEGMENT_NAME_MAX];
	struct stat status;
	uint8_t *bytes;
	size_t done = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/segment/%s", verify->directory,
	    journal_segment_name(number, name));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		if (fd < 0 && errno == ENOENT)
			verify_fail(verify, VERIFY_TAMPERED,
			    "segment/%s is missing", name);
		else
			verify_fail(verify, VERIFY_COULD_NOT,
			    "%s cannot be read", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*len = (size_t)status.st_size;
	/* One that is too long is refused by its header's check. */
	if (*len > JOURNAL_SEGMENT_MAX_LEN)
		*len = JOURNAL_SEGMENT_MAX_LEN + 1;
	bytes = malloc(*len + 1);
	while (bytes != NULL && done < *len) {
		ssize_t n = pread(fd, bytes + done, *len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (bytes == NULL || done < *len) {
		verify_fail(
		    verify, VERIFY_COULD_NOT, "%s cannot be read", path);
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* How many segments there are: one more than the highest number. */
static bool
log_count(struct verify *verify, uint32_t *count)
{
	char path[4096];
	struct dirent *entry;
	DIR *directory;

	*count = 0;
	snprintf(path, sizeof(path), "%s/segment", verify->directory);
	directory = opendir(path);
	if (directory == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	while ((entry = readdir(directory)) != NULL) {
		char name[JOURNAL_SEGMENT_NAME_MAX];
		unsigned long number;
		char *end;

		number = strtoul(entry->d_name, &end, 10);
		if (number >= UINT32_MAX || strcmp(end, ".log") != 0 ||
		    strcmp(entry->d_name,
			journal_segment_name((uint32_t)number, name)) != 0)
			continue;
		if ((uint32_t)number >= *count)
			*count = (uint32_t)number + 1;
	}
	closedir(directory);
	if (*count == 0)
		return verify_fail(
		    verify, VERIFY_TAMPERED, "%s holds no segment", path);
	return true;
}

/* True if a segment after that number holds anything but zeros. */
static bool
log_goes_on(struct verify *verify, uint32_t number, uint32_t count)
{
	while (++number < count) {
		size_t len;
		uint8_t *bytes = log_read(verify, number, &len);
		bool zero = bytes != NULL && journal_all_zero(bytes, len);

		free(bytes);
		if (!zero)
			return true;
	}
	return false;
}

/*
 * After a fault that a crash can have left: true if nothing of what keyd has
 * signed lies behind it, so that it is an unsigned tail and no damage.
 */
static bool
log_is_tail(struct verify *verify, uint32_t number, uint32_t count,
    const uint8_t *bytes, size_t len)
{
	size_t end = len;

	if (verify->published.size > verify->committed.size ||
	    verify->since.size > verify->committed.size ||
	    log_goes_on(verify, number, count) ||
	    verify_signed_after(verify, bytes, len))
		return false;
	while (end > verify->committed_end && bytes[end - 1] == 0)
		end--;
	verify->tail_len = end - verify->committed_end;
	verify->tail_seen = true;
	verify->exit = VERIFY_INTACT;
	verify->why[0] = '\0';
	return true;
}

static bool
log_segment(struct verify *verify, uint32_t number, uint32_t count)
{
	struct verify_segment segment;
	size_t len;
	uint8_t *bytes = log_read(verify, number, &len);
	bool good;

	if (bytes == NULL)
		return false;
	if (number > 0 && journal_all_zero(bytes, len)) {
		verify->spare_seen = true;
		free(bytes);
		return true;
	}
	if (verify->spare_seen || verify->batch_open) {
		free(bytes);
		return verify_fault(verify, number, 0,
		    verify->spare_seen
			? "a segment after one that was not begun"
			: "the segment before ends in an open batch");
	}
	good = verify_segment_bytes(verify, number, bytes, len, &segment);
	if (!good && verify->torn)
		good = log_is_tail(verify, number, count, bytes, len);
	else if (good && verify->batch_open)
		verify->tail_len = segment.used_len - verify->committed_end;
	if (good)
		verify_print_segment(verify, &segment);
	free(bytes);
	return good;
}

/* What only the whole walk can tell. */
static bool
log_end(struct verify *verify)
{
	if (verify->published.size > verify->committed.size)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "truncated: keyd signed %" PRIu64
		    " entries, the log holds %" PRIu64,
		    verify->published.size, verify->committed.size);
	if (!verify->published_met)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "forked: public/checkpoint names a size at which no batch "
		    "of this log ends");
	if (verify->since.size > verify->committed.size)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "rolled back: the checkpoint of --since has %" PRIu64
		    " entries, the log holds %" PRIu64,
		    verify->since.size, verify->committed.size);
	if (verify->since.size > 0 && !verify->since_met)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "forked: the checkpoint of --since names a size at which "
		    "no batch of this log ends");
	return true;
}

bool
verify_log(struct verify *verify)
{
	uint32_t count;

	merkle_frontier_init(&verify->tree);
	merkle_frontier_init(&verify->committed);
	if (!log_count(verify, &count))
		return false;
	for (uint32_t number = 0; number < count; number++)
		if (!log_segment(verify, number, count))
			return false;
	return log_end(verify);
}
