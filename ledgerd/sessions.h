/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_SESSIONS_H
#define LEDGERD_SESSIONS_H
/*
 * Who is logged in: one entry a connection, found by the connection's number.
 * An honest netd never uses a number twice; another one may, so that what
 * waits for a session also knows its serial.  Keeps keys and times; sends
 * nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/session.h"

/* Messages of one session that wait for their answers, at most. */
enum { SESSION_WAITING_MAX = 32 };

struct customer_session {
	struct session records; /* first: the dispatch hands on this one */
	uint64_t connection;    /* 0: the entry is free */
	uint64_t serial;        /* ours: no two sessions have the same */
	uint32_t generation;
	uint64_t customer;
	uint32_t terminal;
	uint32_t terminal_epoch;
	uint64_t opened_ms; /* by the boot clock */
	uint64_t heard_ms;  /* last question; a re-key is none */
	uint64_t keyed_ms;  /* since when the present keys are used */
	uint64_t rekey_s;   /* as the client was told, whatever changes */
	unsigned waiting;
	bool greeted;  /* M4 has been sent */
	bool leaving;  /* nothing more is read: goodbye, or an end from here */
	bool rekeying; /* the client's half came: nothing may follow it yet */
	uint32_t next; /* in the hash chain or the free list; index + 1 */
};

struct sessions {
	struct customer_session *entries;
	uint32_t *buckets; /* index + 1 */
	uint32_t capacity;
	uint32_t bucket_count; /* a power of two */
	uint64_t serial;       /* of the last one added */
	uint32_t free;
	uint32_t count;
};

/* Takes memory for at most capacity sessions, once.  SR_MEMORY. */
enum sr_error sessions_init(struct sessions *sessions, uint32_t capacity);

/* Wipes all entries and gives the memory back. */
void sessions_close(struct sessions *sessions);

/* NULL when full, or when the connection has a session already. */
struct customer_session *sessions_add(
    struct sessions *sessions, uint64_t connection);

/* NULL when there is none. */
struct customer_session *sessions_find(
    struct sessions *sessions, uint64_t connection);

/* The same, but only that very session. */
struct customer_session *sessions_find_serial(
    struct sessions *sessions, uint64_t connection, uint64_t serial);

/* Wipes the entry; pointers to it are void. */
void sessions_remove(
    struct sessions *sessions, struct customer_session *session);

#endif
