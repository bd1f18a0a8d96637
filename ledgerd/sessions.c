/* SPDX-License-Identifier: ISC */
/* The table of sessions.  Takes no memory after its start. */
#include "ledgerd/sessions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

static uint32_t
bucket_of(const struct sessions *sessions, uint64_t connection)
{
	/* netd counts connections: the low bits spread by themselves. */
	return (uint32_t)connection & (sessions->bucket_count - 1);
}

static uint32_t
index_of(
    const struct sessions *sessions, const struct customer_session *session)
{
	return (uint32_t)(session - sessions->entries);
}

enum sr_error
sessions_init(struct sessions *sessions, uint32_t capacity)
{
	memset(sessions, 0, sizeof(*sessions));
	sessions->bucket_count = 1;
	while (sessions->bucket_count < capacity)
		sessions->bucket_count *= 2;
	sessions->entries = calloc(capacity, sizeof(*sessions->entries));
	sessions->buckets =
	    calloc(sessions->bucket_count, sizeof(*sessions->buckets));
	if (sessions->entries == NULL || sessions->buckets == NULL) {
		sessions_close(sessions);
		return SR_MEMORY;
	}
	sessions->capacity = capacity;
	for (uint32_t i = capacity; i > 0; i--) {
		sessions->entries[i - 1].next = sessions->free;
		sessions->free = i;
	}
	return SR_OK;
}

void
sessions_close(struct sessions *sessions)
{
	if (sessions->entries != NULL)
		sodium_memzero(sessions->entries,
		    sessions->capacity * sizeof(*sessions->entries));
	free(sessions->entries);
	free(sessions->buckets);
	memset(sessions, 0, sizeof(*sessions));
}

struct customer_session *
sessions_find(struct sessions *sessions, uint64_t connection)
{
	uint32_t at = sessions->buckets[bucket_of(sessions, connection)];

	while (at != 0) {
		struct customer_session *entry = &sessions->entries[at - 1];

		if (entry->connection == connection)
			return entry;
		at = entry->next;
	}
	return NULL;
}

struct customer_session *
sessions_find_serial(
    struct sessions *sessions, uint64_t connection, uint64_t serial)
{
	struct customer_session *entry = sessions_find(sessions, connection);

	return entry != NULL && entry->serial == serial ? entry : NULL;
}

struct customer_session *
sessions_add(struct sessions *sessions, uint64_t connection)
{
	uint32_t *bucket = &sessions->buckets[bucket_of(sessions, connection)];
	struct customer_session *entry;
	uint32_t at = sessions->free;

	if (connection == 0 || at == 0 ||
	    sessions_find(sessions, connection) != NULL)
		return NULL;
	entry = &sessions->entries[at - 1];
	sessions->free = entry->next;
	memset(entry, 0, sizeof(*entry));
	entry->connection = connection;
	entry->serial = ++sessions->serial;
	entry->next = *bucket;
	*bucket = at;
	sessions->count++;
	return entry;
}

void
sessions_remove(struct sessions *sessions, struct customer_session *session)
{
	uint32_t at = index_of(sessions, session) + 1;
	uint32_t *link =
	    &sessions->buckets[bucket_of(sessions, session->connection)];

	while (*link != at) {
		assert(*link != 0);
		link = &sessions->entries[*link - 1].next;
	}
	*link = session->next;
	session_wipe(&session->records);
	sodium_memzero(session, sizeof(*session));
	session->next = sessions->free;
	sessions->free = at;
	sessions->count--;
}
