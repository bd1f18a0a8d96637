/* SPDX-License-Identifier: ISC */
/* Promises of decoders, and files for them: fuzz.h. */
#include "tests/lib/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void
fuzz_must(bool condition)
{
	if (!condition)
		abort();
}

unsigned fuzz_taken_count;

void
fuzz_taken(void)
{
	fuzz_taken_count++;
}

/* ---- files ------------------------------------------------------------- */

static void
put(int fd, const uint8_t *bytes, size_t len)
{
	fuzz_must(fd >= 0 && ftruncate(fd, 0) == 0 &&
		  pwrite(fd, bytes, len, 0) == (ssize_t)len);
}

void
fuzz_file(
    unsigned which, const uint8_t *bytes, size_t len, char path[FUZZ_PATH_MAX])
{
	static int files[FUZZ_FILES];

	fuzz_must(which < FUZZ_FILES);
	if (files[which] == 0) {
		files[which] = memfd_create("fuzz", MFD_CLOEXEC);
		fuzz_must(files[which] > 0 && fchmod(files[which], 0600) == 0);
	}
	put(files[which], bytes, len);
	snprintf(path, FUZZ_PATH_MAX, "/proc/self/fd/%d", files[which]);
}

static char directory[] = "/tmp/fuzz.XXXXXX";

static int
remove_one(
    const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static void
remove_directory(void)
{
	(void)nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
fuzz_directory(void)
{
	static bool made;

	if (!made) {
		made = true;
		fuzz_must(mkdtemp(directory) != NULL &&
			  atexit(remove_directory) == 0);
	}
	return directory;
}

void
fuzz_put(const char *name, const uint8_t *bytes, size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_directory(), name);
	for (char *at = path + sizeof(directory);
	     (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		(void)mkdir(path, 0700);
		*at = '/';
	}
	/* over what is there, see tests/lib/forged_log.c */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	fuzz_must(fd >= 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len &&
		  ftruncate(fd, (off_t)len) == 0 && close(fd) == 0);
}

/* ---- talk -------------------------------------------------------------- */

void
fuzz_quiet(void)
{
	static FILE *nowhere;

	if (nowhere == NULL) {
		nowhere = fopen("/dev/null", "we");
		fuzz_must(nowhere != NULL);
		stderr = nowhere;
	}
}
