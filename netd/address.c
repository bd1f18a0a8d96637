/* SPDX-License-Identifier: ISC */
/*
 * Connections counted by peer.  Must never let the choice of addresses make a
 * look-up slow.
 */
#include "netd/address.h"

#include <assert.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void
address_table_init(struct address_table *table, struct address_entry *entries,
    uint32_t count, int32_t *buckets, uint32_t bucket_count,
    const uint64_t seed[2])
{
	assert(count > 0 && (bucket_count & (bucket_count - 1)) == 0);
	table->entries = entries;
	table->buckets = buckets;
	table->count = count;
	table->mask = bucket_count - 1;
	table->free = 0;
	table->seed[0] = seed[0] | 1;
	table->seed[1] = seed[1];
	for (uint32_t i = 0; i < count; i++) {
		memset(&entries[i], 0, sizeof(entries[i]));
		entries[i].next = i + 1 < count ? (int32_t)(i + 1) : -1;
	}
	for (uint32_t i = 0; i < bucket_count; i++)
		buckets[i] = -1;
}

uint64_t
address_hash(const struct address_table *table, const struct address *address)
{
	uint64_t h =
	    address->value ^ table->seed[1] ^ ((uint64_t)address->family << 56);

	/* Two rounds of multiply and fold under a secret odd factor. */
	h *= table->seed[0];
	h ^= h >> 32;
	h *= table->seed[0];
	h ^= h >> 29;
	return h;
}

static bool
same_address(const struct address *a, const struct address *b)
{
	return a->value == b->value && a->family == b->family;
}

int32_t
address_enter(
    struct address_table *table, const struct address *address, uint32_t max)
{
	int32_t *bucket =
	    &table->buckets[address_hash(table, address) & table->mask];
	int32_t at = *bucket;

	while (at >= 0 && !same_address(&table->entries[at].address, address))
		at = table->entries[at].next;
	if (at < 0) {
		at = table->free;
		if (at < 0 || max == 0)
			return -1;
		table->free = table->entries[at].next;
		table->entries[at].address = *address;
		table->entries[at].count = 0;
		table->entries[at].next = *bucket;
		*bucket = at;
	}
	if (table->entries[at].count >= max)
		return -1;
	table->entries[at].count++;
	return at;
}

void
address_leave(struct address_table *table, int32_t entry)
{
	struct address_entry *e = &table->entries[entry];
	int32_t *at;

	assert(entry >= 0 && (uint32_t)entry < table->count && e->count > 0);
	if (--e->count > 0)
		return;
	at = &table->buckets[address_hash(table, &e->address) & table->mask];
	while (*at != entry)
		at = &table->entries[*at].next;
	*at = e->next;
	e->next = table->free;
	table->free = entry;
}

static uint64_t
big_endian(const uint8_t *bytes, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	return v;
}

bool
address_of(
    const struct sockaddr *peer, size_t len, uint32_t uid, struct address *out)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(out, 0, sizeof(*out));
	if (len < sizeof(peer->sa_family))
		return false;
	out->family = peer->sa_family;
	if (peer->sa_family == AF_UNIX) {
		out->value = uid;
		return true;
	}
	if (peer->sa_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, peer, sizeof(in));
		out->value = ntohl(in.sin_addr.s_addr);
		return true;
	}
	if (peer->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, peer, sizeof(in6));
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			out->family = AF_INET;
			out->value = big_endian(in6.sin6_addr.s6_addr + 12, 4);
		} else {
			out->value = big_endian(in6.sin6_addr.s6_addr, 8);
		}
		return true;
	}
	return false;
}

void
address_text(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
	char text[INET6_ADDRSTRLEN] = "";
	struct in_addr in = {htonl((uint32_t)address->value)};
	struct in6_addr in6 = IN6ADDR_ANY_INIT;

	switch (address->family) {
	case AF_INET:
		(void)inet_ntop(AF_INET, &in, text, sizeof(text));
		(void)snprintf(out, ADDRESS_TEXT_MAX, "%s", text);
		return;
	case AF_INET6:
		for (unsigned i = 0; i < 8; i++)
			in6.s6_addr[i] =
			    (uint8_t)(address->value >> (56 - 8 * i));
		(void)inet_ntop(AF_INET6, &in6, text, sizeof(text));
		(void)snprintf(out, ADDRESS_TEXT_MAX, "%s/64", text);
		return;
	default:
		(void)snprintf(out, ADDRESS_TEXT_MAX, "uid %lu",
		    (unsigned long)address->value);
		return;
	}
}
