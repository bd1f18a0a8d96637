/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ENV_H
#define COMMON_ENV_H
/*
 * The only way by which ledgerd and keyd reach disk, clock, randomness and
 * their peers.  Two implementations: env_posix.c for the daemons, and the
 * tests' simulated one, in which the whole commit path runs inside one
 * process under faults.  Nothing above this interface makes a system call.
 *
 * Disk errors are reported once and never retried here: a failed sync means
 * that the bank stops (Linux reports it once; a retry would lie).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct env;

/* The room's peers; each is one SOCK_SEQPACKET link. */
enum env_link { ENV_CONTROL, ENV_NETD, ENV_KEYD, ENV_LEDGERD, ENV_LINK_COUNT };

/* How a file is opened. */
enum env_open {
	ENV_READ = 0,   /* must exist */
	ENV_WRITE = 1,  /* read and write, must exist */
	ENV_CREATE = 2, /* read and write, must not exist (SR_EXISTS) */
	ENV_WRITE_OR_CREATE = 3
};

/* A handle; owned by the env until env_close. */
typedef int env_file;
#define ENV_NO_FILE (-1)

/* Longest relative path, with its terminator. */
#define ENV_PATH_MAX 128

/* What is left of the file system on which a file lies. */
struct env_space {
	uint64_t free; /* bytes that the room may still take */
	bool read_only;
};

struct env_ops {
	enum sr_error (*open)(
	    struct env *, const char *path, enum env_open, env_file *out);
	enum sr_error (*close)(struct env *, env_file);
	enum sr_error (*size)(struct env *, env_file, uint64_t *out);
	enum sr_error (*read)(
	    struct env *, env_file, uint64_t offset, void *out, size_t len);
	enum sr_error (*write)(struct env *, env_file, uint64_t offset,
	    const void *bytes, size_t len);
	enum sr_error (*truncate)(struct env *, env_file, uint64_t len);
	enum sr_error (*space)(struct env *, env_file, struct env_space *out);
	enum sr_error (*sync)(struct env *, env_file);
	enum sr_error (*rename)(struct env *, const char *from, const char *to);
	enum sr_error (*remove)(struct env *, const char *path);
	enum sr_error (*make_directory)(struct env *, const char *path);
	enum sr_error (*remove_directory)(struct env *, const char *path);
	enum sr_error (*sync_directory)(struct env *, const char *path);
	uint64_t (*clock_ms)(struct env *);
	uint64_t (*boot_us)(struct env *);
	void (*random)(struct env *, void *out, size_t len);
	enum sr_error (*send)(
	    struct env *, enum env_link, const void *packet, size_t len);
	enum sr_error (*receive)(struct env *, enum env_link, bool wait,
	    void *packet, size_t room, size_t *len);
	enum sr_error (*wait)(struct env *, unsigned read_links,
	    unsigned write_links, int timeout_ms, unsigned *readable,
	    unsigned *writable);
};

/* An implementation embeds this as its first member. */
struct env {
	const struct env_ops *ops;
};

/*
 * Opens the file at a path relative to the room's data ("state" in keyd,
 * "ledger/segment/00000000.log" in ledgerd).  SR_NOT_FOUND, SR_EXISTS,
 * SR_NO_SPACE, SR_READ_ONLY, SR_IO.
 */
enum sr_error env_open(
    struct env *env, const char *path, enum env_open how, env_file *out);
enum sr_error env_close(struct env *env, env_file file);

/* Length of the file in bytes. */
enum sr_error env_size(struct env *env, env_file file, uint64_t *out);

/* Reads exactly len bytes at offset; SR_DAMAGED when the file ends before. */
enum sr_error env_read(
    struct env *env, env_file file, uint64_t offset, void *out, size_t len);

/*
 * Writes exactly len bytes at offset.  SR_NO_SPACE, SR_READ_ONLY: the disk
 * refuses, and may have taken a first part; SR_IO: it failed.
 */
enum sr_error env_write(struct env *env, env_file file, uint64_t offset,
    const void *bytes, size_t len);

/* Sets the length of the file. */
enum sr_error env_truncate(struct env *env, env_file file, uint64_t len);

/*
 * Asks the file system of that file what is left; nothing is reserved by it.
 * A quota is not seen here: its SR_NO_SPACE comes with the write.
 */
enum sr_error env_space(struct env *env, env_file file, struct env_space *out);

/* fdatasync: data and length are on disk when it returns SR_OK. */
enum sr_error env_sync(struct env *env, env_file file);

/* Atomic replacement of `to`; durable after env_sync_directory. */
enum sr_error env_rename(struct env *env, const char *from, const char *to);
enum sr_error env_remove(struct env *env, const char *path);

/* SR_EXISTS, SR_NOT_FOUND (the directory above), and as env_open. */
enum sr_error env_make_directory(struct env *env, const char *path);

/* SR_EXISTS when it is not empty, SR_NOT_FOUND. */
enum sr_error env_remove_directory(struct env *env, const char *path);

/* fsync of the directory: entries made or renamed in it are on disk. */
enum sr_error env_sync_directory(struct env *env, const char *path);

/* CLOCK_REALTIME and CLOCK_BOOTTIME in milliseconds. */
uint64_t env_clock_ms(struct env *env);
uint64_t env_boot_ms(struct env *env);
uint64_t env_boot_us(struct env *env); /* the same clock, for durations */

/* Fills out with len random bytes; cannot fail (a failure ends the room). */
void env_random(struct env *env, void *out, size_t len);

/*
 * Sends one packet (at most IPC_PACKET_MAX) without waiting: SR_AGAIN when
 * the link is full, SR_CLOSED when the peer is gone.
 */
enum sr_error env_send(
    struct env *env, enum env_link link, const void *packet, size_t len);

/*
 * Receives one packet into room bytes.  Without wait: SR_AGAIN when there is
 * none.  With wait (only ledgerd, only for ENV_KEYD): returns when there is
 * one.  SR_CLOSED, SR_TOO_LARGE (too large, or empty, as no room sends it: the
 * packet is dropped).
 */
enum sr_error env_receive(struct env *env, enum env_link link, bool wait,
    void *packet, size_t room, size_t *len);

/*
 * Waits until one of the links (bit 1 << link) can be read or written, at
 * most timeout_ms (-1: for ever), and says which.  A timeout gives SR_OK and
 * no bits.
 */
enum sr_error env_wait(struct env *env, unsigned read_links,
    unsigned write_links, int timeout_ms, unsigned *readable,
    unsigned *writable);

#endif
