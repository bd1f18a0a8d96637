/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_DATA_DIRECTORY_H
#define CLIENT_ATM_DATA_DIRECTORY_H
/*
 * A directory of files about somebody, which is there with all of them or not
 * at all: built beside its place as PATH.incomplete-XXXXXX (0700, files 0600)
 * and renamed when every file is on disk.
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

#define DATA_FILE_NAME_MAX 64u

/* A file that was written. */
struct data_file {
	char name[DATA_FILE_NAME_MAX];
	uint64_t len;
	uint8_t sha256[32];
};

struct data_directory {
	char path[PATH_MAX];     /* where it is to be */
	char building[PATH_MAX]; /* where it is until then */
	int fd;                  /* -1: there is none */
};

/*
 * Begins a directory that will be at `path', where nothing may be.
 * SR_EXISTS, SR_NO_SPACE, SR_READ_ONLY, SR_PERMISSION, SR_IO, after a line on
 * stderr, here and in the functions below.
 */
enum sr_error data_directory_begin(
    struct data_directory *directory, const char *path);

/*
 * Writes a file that is not there yet, durably: what write() prints.  Errors
 * of write(), too, which says them itself.
 */
enum sr_error data_directory_put(struct data_directory *directory,
    const char *name, enum sr_error (*write)(void *context, FILE *out),
    void *context, struct data_file *file);

/* Puts it in its place.  SR_EXISTS when something is there now. */
enum sr_error data_directory_publish(struct data_directory *directory);

/*
 * Leaves it where it was built, for somebody to look at.  Nothing when there
 * is none.
 */
void data_directory_leave(struct data_directory *directory);

/* Removes what was built.  Nothing when there is none. */
void data_directory_discard(struct data_directory *directory);

#endif
