/* SPDX-License-Identifier: ISC */
/*
 * The files of segments: which there are, and the bytes of one.  Must never
 * wait for a file, nor take more of it than a segment can have.
 */
#include "client/verify/verify.h"
#include "client/verify/leaves.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/leaves_file.h"

static int
log_open(const struct verify *verify, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/segment/%s", verify->directory, name);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* A fault at its beginning, unless it is another one that is told. */
static void
log_missing(struct verify *verify, uint32_t number, const char *name)
{
	char leaves[LEAVES_FILE_NAME_MAX];

	if (verify->why[0] != '\0')
		return;
	if (number < verify->retired_end && !verify->in_leaves) {
		/* it was retired, and a later one has its leaves */
		verify_place(verify, number, 0, verify->tree.size,
		    "it is missing, and so are its leaves");
		verify_fail(verify, VERIFY_TAMPERED,
		    "segment/%s is missing: of a segment after it the leaves "
		    "are there",
		    leaves_file_name(number, leaves));
		return;
	}
	verify_place(verify, number, 0, verify->tree.size, "it is missing");
	verify_fail(verify, VERIFY_TAMPERED, "segment/%s is missing", name);
}

uint8_t *
verify_read_file(struct verify *verify, uint32_t number, const char *name,
    size_t max, size_t *len)
{
	int fd = log_open(verify, name);
	struct stat status;
	uint8_t *bytes;
	size_t done = 0;

	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		if (fd < 0 && errno == ENOENT)
			log_missing(verify, number, name);
		else
			verify_fail(verify, VERIFY_COULD_NOT,
			    "segment/%s cannot be read", name);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*len = (size_t)status.st_size;
	/* One that is too long is refused by its header's check. */
	if (*len > max)
		*len = max + 1;
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
		verify_fail(verify, VERIFY_COULD_NOT,
		    "segment/%s cannot be read", name);
		free(bytes);
		return NULL;
	}
	return bytes;
}

uint8_t *
verify_read_segment(struct verify *verify, uint32_t number, size_t *len)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];

	return verify_read_file(verify, number,
	    journal_segment_name(number, name), JOURNAL_SEGMENT_MAX_LEN, len);
}

/* The number that a file's name is of; UINT32_MAX: it is no segment's. */
static uint32_t
log_number(const char *file, bool *leaves)
{
	char log[JOURNAL_SEGMENT_NAME_MAX], retired[LEAVES_FILE_NAME_MAX];
	unsigned long number = strtoul(file, NULL, 10);

	if (number >= UINT32_MAX)
		return UINT32_MAX;
	*leaves =
	    strcmp(file, leaves_file_name((uint32_t)number, retired)) == 0;
	if (!*leaves &&
	    strcmp(file, journal_segment_name((uint32_t)number, log)) != 0)
		return UINT32_MAX;
	return (uint32_t)number;
}

/*
 * The lowest number from there on, retired or not, and the highest one of
 * those that are not; UINT32_MAX: none.
 */
static bool
log_numbers(
    struct verify *verify, uint32_t from, uint32_t *lowest, uint32_t *highest)
{
	char path[4096];
	struct dirent *entry;
	DIR *directory;

	*lowest = *highest = UINT32_MAX;
	snprintf(path, sizeof(path), "%s/segment", verify->directory);
	directory = opendir(path);
	if (directory == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	while ((entry = readdir(directory)) != NULL) {
		bool leaves;
		uint32_t number = log_number(entry->d_name, &leaves);

		if (number != UINT32_MAX && leaves &&
		    number >= verify->retired_end)
			verify->retired_end = number + 1;
		if (number == UINT32_MAX || number < from)
			continue;
		if (number < *lowest)
			*lowest = number;
		if (!leaves && (*highest == UINT32_MAX || number > *highest))
			*highest = number;
	}
	closedir(directory);
	return true;
}

uint32_t
verify_next_segment(struct verify *verify, uint32_t from)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];
	uint32_t lowest, highest;
	int fd = log_open(verify, journal_segment_name(from, name));

	/* the directory is read for gaps alone: names may be many */
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno != ENOENT || verify_is_retired(verify, from))
		return from;
	(void)log_numbers(verify, from, &lowest, &highest);
	return lowest;
}

bool
verify_count_segments(struct verify *verify, uint32_t *count)
{
	uint32_t lowest, highest;

	if (!log_numbers(verify, 0, &lowest, &highest))
		return false;
	if (highest == UINT32_MAX)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "%s/segment holds no segment", verify->directory);
	*count = highest + 1;
	return true;
}

bool
verify_begun(const struct verify *verify, uint32_t number)
{
	uint8_t header[JOURNAL_SEGMENT_HEADER_LEN] = {0};
	char name[JOURNAL_SEGMENT_NAME_MAX];
	int fd = log_open(verify, journal_segment_name(number, name));
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, header, sizeof(header), 0);
	close(fd);
	return n > 0 && !journal_all_zero(header, sizeof(header));
}
