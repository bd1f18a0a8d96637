/* SPDX-License-Identifier: ISC */
/* The directory of names.  Must never be written to disk in the clear. */
#include "ledgerd/people.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/name.h"

#define DIRECTORY_LABEL "strongroom/1 directory"

enum {
	PEOPLE_FIRST = 1024,
	DIRECTORY_AD_LEN = sizeof(DIRECTORY_LABEL) - 1 + 32 + 8,
};

enum sr_error
people_init(struct people *people, const uint8_t hash_key[16])
{
	memset(people, 0, sizeof(*people));
	memcpy(people->hash_key, hash_key, sizeof(people->hash_key));
	people->capacity = PEOPLE_FIRST;
	people->bucket_count = PEOPLE_FIRST;
	people->of = calloc(people->capacity, sizeof(*people->of));
	people->buckets =
	    calloc(people->bucket_count, sizeof(*people->buckets));
	if (people->of != NULL && people->buckets != NULL)
		return SR_OK;
	people_free(people);
	return SR_MEMORY;
}

void
people_free(struct people *people)
{
	if (people->of != NULL)
		sodium_memzero(
		    people->of, people->capacity * sizeof(*people->of));
	free(people->of);
	free(people->buckets);
	memset(people, 0, sizeof(*people));
}

static uint32_t *
bucket_of(const struct people *people, const char *name, size_t name_len)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint32_t low;

	crypto_shorthash(
	    hash, (const uint8_t *)name, name_len, people->hash_key);
	memcpy(&low, hash, sizeof(low));
	return &people->buckets[low & (people->bucket_count - 1)];
}

static void
link_name(struct people *people, uint32_t customer)
{
	struct person *person = &people->of[customer];
	uint32_t *bucket = bucket_of(people, person->name, person->name_len);

	person->next = *bucket;
	*bucket = customer;
}

static void
unlink_name(struct people *people, uint32_t customer)
{
	struct person *person = &people->of[customer];
	uint32_t *link = bucket_of(people, person->name, person->name_len);

	while (*link != 0 && *link != customer)
		link = &people->of[*link].next;
	if (*link == customer)
		*link = person->next;
}

void
people_erase(struct people *people, uint64_t customer)
{
	struct person *person;

	if (customer >= people->capacity)
		return;
	person = &people->of[customer];
	if (person->name_len != 0)
		unlink_name(people, (uint32_t)customer);
	person->name_len = 0;
	person->display_len = 0;
	sodium_memzero(person->name, sizeof(person->name));
	sodium_memzero(person->display, sizeof(person->display));
	sodium_memzero(person->salt, sizeof(person->salt));
}

/* Doubles table and buckets until the customer has a place. */
static enum sr_error
grow(struct people *people, uint64_t customer)
{
	uint64_t capacity = people->capacity;
	struct person *of;
	uint32_t *buckets;

	if (customer < capacity)
		return SR_OK;
	if (customer >= PEOPLE_MAX)
		return SR_NO_SPACE;
	while (capacity <= customer)
		capacity *= 2;
	of = realloc(people->of, capacity * sizeof(*of));
	if (of == NULL)
		return SR_MEMORY;
	people->of = of;
	memset(of + people->capacity, 0,
	    (capacity - people->capacity) * sizeof(*of));
	people->capacity = capacity;
	buckets = calloc(capacity, sizeof(*buckets));
	if (buckets == NULL)
		return SR_MEMORY;
	free(people->buckets);
	people->buckets = buckets;
	people->bucket_count = (uint32_t)capacity;
	for (uint32_t i = 0; i < capacity; i++)
		if (of[i].name_len != 0)
			link_name(people, i);
	return SR_OK;
}

enum sr_error
people_set(
    struct people *people, uint64_t customer, const struct person *person)
{
	enum sr_error error = grow(people, customer);

	if (error != SR_OK)
		return error;
	if (people->of[customer].name_len != 0)
		unlink_name(people, (uint32_t)customer);
	people->of[customer] = *person;
	people->of[customer].next = 0;
	if (person->name_len != 0)
		link_name(people, (uint32_t)customer);
	return SR_OK;
}

const struct person *
people_of(const struct people *people, uint64_t customer)
{
	return customer < people->capacity ? &people->of[customer] : NULL;
}

uint64_t
people_find(const struct people *people, const char *name, size_t name_len)
{
	uint32_t at = *bucket_of(people, name, name_len);

	while (at != 0) {
		const struct person *person = &people->of[at];

		if (person->name_len == name_len &&
		    memcmp(person->name, name, name_len) == 0)
			return at;
		at = person->next;
	}
	return 0;
}

static void
directory_ad(
    uint8_t ad[DIRECTORY_AD_LEN], uint64_t customer, const uint8_t bank_id[32])
{
	struct writer w = writer_to(ad, DIRECTORY_AD_LEN);

	writer_bytes(&w, DIRECTORY_LABEL, sizeof(DIRECTORY_LABEL) - 1);
	writer_bytes(&w, bank_id, 32);
	writer_u64(&w, customer);
}

void
person_seal(const struct person *person, uint64_t customer,
    const uint8_t bank_id[32], const uint8_t key[32], const uint8_t nonce[24],
    uint8_t out[PERSON_SEALED_LEN])
{
	uint8_t plain[PERSON_RECORD_LEN] = {0}, ad[DIRECTORY_AD_LEN];
	struct writer w = writer_to(plain, sizeof(plain));

	writer_u8(&w, person->name_len);
	writer_bytes(&w, person->name, PERSON_NAME_MAX);
	writer_bytes(&w, person->salt, sizeof(person->salt));
	writer_u8(&w, person->display_len);
	writer_bytes(&w, person->display, PERSON_DISPLAY_MAX);
	directory_ad(ad, customer, bank_id);
	aead_wrap(out, key, nonce, ad, sizeof(ad), plain, sizeof(plain));
	sodium_memzero(plain, sizeof(plain));
}

enum sr_error
person_open(const uint8_t *sealed, size_t sealed_len, uint64_t customer,
    const uint8_t bank_id[32], const uint8_t key[32], struct person *person)
{
	uint8_t plain[PERSON_RECORD_LEN], ad[DIRECTORY_AD_LEN];
	struct reader r;

	if (sealed_len != PERSON_SEALED_LEN)
		return SR_MALFORMED;
	directory_ad(ad, customer, bank_id);
	if (aead_unwrap(plain, key, ad, sizeof(ad), sealed, sealed_len) !=
	    SR_OK)
		return SR_CRYPTO;
	r = reader_of(plain, sizeof(plain));
	person->name_len = reader_u8(&r);
	reader_bytes(&r, person->name, PERSON_NAME_MAX);
	reader_bytes(&r, person->salt, sizeof(person->salt));
	person->display_len = reader_u8(&r);
	reader_bytes(&r, person->display, PERSON_DISPLAY_MAX);
	sodium_memzero(plain, sizeof(plain));
	if (person->name_len > PERSON_NAME_MAX ||
	    person->display_len > PERSON_DISPLAY_MAX ||
	    name_check(person->name, person->name_len) != SR_OK)
		return SR_MALFORMED;
	return SR_OK;
}
