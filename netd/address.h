/* SPDX-License-Identifier: ISC */
#ifndef NETD_ADDRESS_H
#define NETD_ADDRESS_H
/*
 * Who a connection counts against: an IPv4 address, the first 64 bits of an
 * IPv6 address (whoever has one address there has them all; IPv4 mapped into
 * IPv6 counts as IPv4), or the uid of the peer on a unix socket.  A uid that
 * netd's user namespace does not know counts as the overflow uid.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	uint64_t value;
	uint32_t family; /* AF_INET, AF_INET6 or AF_UNIX */
};

struct address_entry {
	struct address address;
	uint32_t count; /* connections; 0: the entry is free */
	int32_t next;
};

/* How many connections each address has. */
struct address_table {
	struct address_entry *entries;
	int32_t *buckets;
	uint32_t count; /* entries */
	uint32_t mask;  /* buckets - 1 */
	int32_t free;
	uint64_t seed[2];
};

enum { ADDRESS_TEXT_MAX = 64 };

/*
 * An empty table over the caller's memory: count entries (as many as there
 * may be connections) and a power of two of buckets.  seed is random, so that
 * nobody can choose addresses that share a bucket.
 */
void address_table_init(struct address_table *table,
    struct address_entry *entries, uint32_t count, int32_t *buckets,
    uint32_t bucket_count, const uint64_t seed[2]);

/*
 * Counts one more connection of the address, of which at most max may be.
 * Gives the entry to be handed to address_leave(), or -1 when there are max
 * already.
 */
int32_t address_enter(
    struct address_table *table, const struct address *address, uint32_t max);

/* One connection of that entry has ended. */
void address_leave(struct address_table *table, int32_t entry);

/*
 * The address that a peer's socket address stands for.  For AF_UNIX the uid
 * is given by the caller (SO_PEERCRED).  False for another family.
 */
bool address_of(
    const struct sockaddr *peer, size_t len, uint32_t uid, struct address *out);

/* "192.0.2.1", "2001:db8:0:1::/64" or "uid 1000". */
void address_text(const struct address *address, char out[ADDRESS_TEXT_MAX]);

/* A number for diag_limited(). */
uint64_t address_hash(
    const struct address_table *table, const struct address *address);

#endif
