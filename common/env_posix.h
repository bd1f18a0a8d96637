/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ENV_POSIX_H
#define COMMON_ENV_POSIX_H
/*
 * env.h for the daemons: file descriptors that the room was started with, and
 * no others.  keyd has a table of names, each an open file; it can open
 * nothing.  ledgerd has directories and opens beneath them.  A room has one
 * of the two forms, or both.
 *
 * System calls after the sandbox is up: read and write on the links, poll,
 * pread, pwrite, lseek (for the length), ftruncate, fdatasync, getrandom,
 * clock_gettime; with directories also openat, close, renameat, unlinkat,
 * fsync.
 *
 * The links are SOCK_SEQPACKET sockets, blocking or not, with one writer an
 * end, so poll is asked before each transfer: after POLLOUT one packet goes
 * through without waiting.
 */
#include "common/env.h"
#include "common/ipc.h"

/* A file that is open already, by its name; its handle is never closed. */
struct env_posix_file {
	const char *name;
	int fd;
};

/* A directory: paths that begin with "NAME/" are opened beneath fd. */
struct env_posix_directory {
	const char *name;
	int fd;
	const char *shared; /* a directory in it, for all to read; or NULL */
};

struct env_posix {
	struct env env; /* first */
	int links[ENV_LINK_COUNT];
	const struct env_posix_file *files;
	size_t file_count;
	const struct env_posix_directory *directories;
	size_t directory_count;
	struct ipc_packet packet;
};

/* An env without links, files and directories. */
void env_posix_init(struct env_posix *posix);

/* The socket of one link.  The fd stays the caller's. */
void env_posix_link(struct env_posix *posix, enum env_link link, int fd);

/*
 * keyd's form.  The table must outlive the env.  ENV_CREATE of a name in it
 * gives SR_EXISTS, a name that is not in it SR_NOT_FOUND.
 */
void env_posix_files(
    struct env_posix *posix, const struct env_posix_file *files, size_t count);

/*
 * ledgerd's form.  The table must outlive the env.  Files are made with mode
 * 0600, directories with 0700, beneath a shared one with 0644 and 0755 (as far
 * as the umask lets them); never through a symbolic link, closed on exec.
 */
void env_posix_directories(struct env_posix *posix,
    const struct env_posix_directory *directories, size_t count);

#endif
