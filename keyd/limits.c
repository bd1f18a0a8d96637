/* SPDX-License-Identifier: ISC */
/* The buckets of limits.h: the table in memory is the file, bucket by bucket. */
#include "keyd/limits.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/diag.h"

enum { HOUR_MS = 3600000, FILL_LEN = 256 * 1024 };

/* What a place is hashed for. */
enum { KIND_OPEN = 1, KIND_TERMINAL, KIND_DEVICE, KIND_FAILED, KIND_DEVICES };

static const uint8_t zeros[4096];

static struct limits_bucket
bucket_decode(const uint8_t bytes[LIMITS_BUCKET_LEN])
{
	struct reader r = reader_of(bytes, LIMITS_BUCKET_LEN);
	struct limits_bucket b;

	b.next_ms = reader_u64(&r);
	b.last_ms = reader_u64(&r);
	b.day_ms = reader_u64(&r);
	b.strikes = reader_u32(&r);
	b.day_charges = reader_u32(&r);
	return b;
}

/* So many bytes of the file, into buckets that are all zeros. */
static void
buckets_decode(struct limits_bucket *buckets, const uint8_t *page, size_t len)
{
	/* most of the table has never been used */
	if (memcmp(page, zeros, len) == 0)
		return;
	for (size_t i = 0; i < len; i += LIMITS_BUCKET_LEN)
		buckets[i / LIMITS_BUCKET_LEN] = bucket_decode(page + i);
}

static enum sr_error
bucket_write(struct limits *l, uint32_t place)
{
	const struct limits_bucket *b = &l->bucket[place];
	uint8_t bytes[LIMITS_BUCKET_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));

	writer_u64(&w, b->next_ms);
	writer_u64(&w, b->last_ms);
	writer_u64(&w, b->day_ms);
	writer_u32(&w, b->strikes);
	writer_u32(&w, b->day_charges);
	return env_write(l->env, l->file, (uint64_t)place * LIMITS_BUCKET_LEN,
	    bytes, sizeof(bytes));
}

/* The disk refuses: from now on the table in memory is what counts. */
static enum sr_error
fall_behind(struct limits *l, enum sr_error why)
{
	if (!l->behind)
		diag_warn(
		    "attempts count in memory only: %s", error_sentence(why));
	l->behind = true;
	return SR_OK;
}

static enum sr_error
bucket_changed(struct limits *l, uint32_t place)
{
	enum sr_error error = SR_OK;

	l->dirty = true;
	if (!l->behind)
		error = bucket_write(l, place);
	return error == SR_NO_SPACE || error == SR_READ_ONLY
		   ? fall_behind(l, error)
		   : error;
}

/* Writes the whole table, where the disk takes it again. */
static enum sr_error
catch_up(struct limits *l)
{
	enum sr_error error = SR_OK;

	for (uint32_t place = 0; error == SR_OK && place < LIMITS_PLACES;
	     place++)
		error = bucket_write(l, place);
	if (error == SR_NO_SPACE || error == SR_READ_ONLY)
		return fall_behind(l, error);
	if (error == SR_OK)
		l->behind = false;
	return error;
}

/* Zeros up to the end: a charge then never needs new space. */
static enum sr_error
limits_fill(struct limits *l, uint64_t len)
{
	enum sr_error error = SR_OK;

	/* the table is all zeros still, and much longer than a page of them */
	for (size_t n; error == SR_OK && len < LIMITS_FILE_LEN; len += n) {
		n = FILL_LEN - (size_t)(len % FILL_LEN);
		error = env_write(l->env, l->file, len, l->bucket, n);
	}
	return error == SR_OK ? env_sync(l->env, l->file) : error;
}

enum sr_error
limits_open(struct limits *l, struct env *env, const uint8_t key[32])
{
	uint8_t page[sizeof(zeros)];
	uint64_t len;
	enum sr_error error;

	memset(l, 0, sizeof(*l));
	l->env = env;
	l->key = key;
	error = env_open(env, "limits", ENV_WRITE_OR_CREATE, &l->file);
	if (error == SR_OK)
		error = env_size(env, l->file, &len);
	if (error != SR_OK)
		return error;
	l->found_len = len;
	if (len < LIMITS_FILE_LEN)
		error = limits_fill(l, len);
	if (error != SR_OK)
		return error;
	for (uint64_t at = 0;
	     at + LIMITS_BUCKET_LEN <= len && at < LIMITS_FILE_LEN;) {
		size_t n =
		    len - at < sizeof(page) ? (size_t)(len - at) : sizeof(page);

		n -= n % LIMITS_BUCKET_LEN;
		error = env_read(env, l->file, at, page, n);
		if (error != SR_OK)
			return error;
		buckets_decode(l->bucket + at / LIMITS_BUCKET_LEN, page, n);
		at += n;
	}
	return SR_OK;
}

static uint64_t
place_hash(const struct limits *l, uint8_t kind, const char *name,
    size_t name_len, const uint8_t *device_id, size_t device_id_len)
{
	crypto_generichash_state hash;
	uint8_t head[2] = {kind, (uint8_t)name_len}, out[32] = {0};
	struct reader r = reader_of(out, sizeof(out));

	crypto_generichash_init(&hash, l->key, 32, sizeof(out));
	crypto_generichash_update(&hash, head, sizeof(head));
	crypto_generichash_update(&hash, (const uint8_t *)name, name_len);
	if (device_id_len > 0)
		crypto_generichash_update(&hash, device_id, device_id_len);
	crypto_generichash_final(&hash, out, sizeof(out));
	return reader_u64(&r);
}

uint32_t
limits_place_open(const struct limits *l, const char *name, size_t name_len)
{
	uint64_t hash = place_hash(l, KIND_OPEN, name, name_len, NULL, 0);

	return LIMITS_BUDGETS +
	       (uint32_t)(hash % (LIMITS_FAILED_FIRST - LIMITS_BUDGETS));
}

uint32_t
limits_place_terminal(
    const struct limits *l, uint32_t index, const char *name, size_t name_len)
{
	uint64_t hash = place_hash(l, KIND_TERMINAL, name, name_len, NULL, 0);

	assert(index < LIMITS_TERMINALS);
	return LIMITS_TERMINAL_FIRST + index * LIMITS_TERMINAL_SLICE +
	       (uint32_t)(hash % LIMITS_TERMINAL_SLICE);
}

uint32_t
limits_place_device(const struct limits *l, const char *name, size_t name_len,
    const uint8_t device_id[16])
{
	uint64_t slice = place_hash(l, KIND_DEVICES, name, name_len, NULL, 0);
	uint64_t hash =
	    place_hash(l, KIND_DEVICE, name, name_len, device_id, 16);

	return LIMITS_DEVICE_FIRST +
	       (uint32_t)(slice % LIMITS_DEVICE_NAMES) * LIMITS_DEVICE_SLICE +
	       (uint32_t)(hash % LIMITS_DEVICE_SLICE);
}

/* Counters are apart: taking one back must not touch a bucket. */
uint32_t
limits_place_failed(const struct limits *l, const char *name, size_t name_len)
{
	uint64_t hash = place_hash(l, KIND_FAILED, name, name_len, NULL, 0);

	return LIMITS_FAILED_FIRST +
	       (uint32_t)(hash % (LIMITS_TERMINAL_FIRST - LIMITS_FAILED_FIRST));
}

/* A clock that was set back, or a torn bucket, must not lock anybody out. */
static void
bucket_bound(struct limits_bucket *b, uint64_t now_ms)
{
	if (b->last_ms > now_ms)
		b->last_ms = now_ms;
	if (b->day_ms > now_ms)
		b->day_ms = now_ms;
	if (b->next_ms > now_ms + LIMITS_LAST_DELAY_MS)
		b->next_ms = now_ms + LIMITS_LAST_DELAY_MS;
}

static uint64_t
bucket_delay_ms(const struct limits_bucket *b)
{
	uint64_t delay_ms = LIMITS_FIRST_DELAY_MS;

	if (b->day_charges > LIMITS_DAY_CHARGES)
		return LIMITS_LAST_DELAY_MS;
	if (b->strikes < LIMITS_FREE)
		return 0;
	for (uint32_t i = LIMITS_FREE;
	     i < b->strikes && delay_ms < LIMITS_LAST_DELAY_MS; i++)
		delay_ms *= 2;
	return delay_ms < LIMITS_LAST_DELAY_MS ? delay_ms
					       : LIMITS_LAST_DELAY_MS;
}

enum sr_error
limits_charge(struct limits *l, uint32_t place, uint64_t now_ms,
    struct limits_charge *charge, uint64_t *retry_ms)
{
	struct limits_bucket *b = &l->bucket[place];
	uint64_t quiet_hours;

	*retry_ms = 0;
	bucket_bound(b, now_ms);
	if (b->next_ms > now_ms) {
		*retry_ms = b->next_ms - now_ms;
		return SR_LATER;
	}
	quiet_hours = (now_ms - b->last_ms) / HOUR_MS;
	b->strikes =
	    quiet_hours < b->strikes ? b->strikes - (uint32_t)quiet_hours : 0;
	if (now_ms - b->day_ms >= LIMITS_DAY_MS) {
		b->day_ms = now_ms;
		b->day_charges = 0;
	}
	if (b->strikes < UINT32_MAX)
		b->strikes++;
	if (b->day_charges < UINT32_MAX)
		b->day_charges++;
	charge->place = place;
	/* what these hours have forgotten is not forgotten again */
	charge->last_before_ms = b->last_ms + quiet_hours * HOUR_MS;
	charge->last_ms = b->last_ms = now_ms;
	charge->next_before_ms = b->next_ms;
	charge->next_ms = b->next_ms = now_ms + bucket_delay_ms(b);
	return bucket_changed(l, place);
}

enum sr_error
limits_refund(struct limits *l, const struct limits_charge *charge)
{
	struct limits_bucket *b = &l->bucket[charge->place];

	if (b->strikes > 0)
		b->strikes--;
	if (b->day_charges > 0)
		b->day_charges--;
	if (b->next_ms == charge->next_ms)
		b->next_ms = charge->next_before_ms;
	/* else good log-ins of others would keep a bucket's strikes for ever */
	if (b->last_ms == charge->last_ms)
		b->last_ms = charge->last_before_ms;
	return bucket_changed(l, charge->place);
}

enum sr_error
limits_count(struct limits *l, uint32_t place)
{
	if (l->bucket[place].strikes < UINT32_MAX)
		l->bucket[place].strikes++;
	return bucket_changed(l, place);
}

enum sr_error
limits_count_end(struct limits *l, uint32_t place, uint32_t *count)
{
	*count = l->bucket[place].strikes;
	if (*count > 0)
		(*count)--;
	l->bucket[place].strikes = 0;
	return bucket_changed(l, place);
}

enum sr_error
limits_hour(struct limits *l, enum refusal budget, uint32_t most,
    uint64_t now_ms, uint64_t *retry_ms)
{
	struct limits_bucket *b = &l->bucket[budget];

	assert(budget < REFUSAL_BUDGETS);
	*retry_ms = 0;
	if (b->day_ms > now_ms)
		b->day_ms = now_ms;
	if (now_ms - b->day_ms >= HOUR_MS) {
		b->day_ms = now_ms;
		b->day_charges = 0;
	}
	if (b->day_charges >= most) {
		*retry_ms = b->day_ms + HOUR_MS - now_ms;
		return SR_LATER;
	}
	b->day_charges++;
	return bucket_changed(l, (uint32_t)budget);
}

enum sr_error
limits_sync(struct limits *l)
{
	struct env_space space;
	enum sr_error error;

	if (!l->dirty)
		return SR_OK;
	error = env_space(l->env, l->file, &space);
	/* A read-only disk may take a write and drop it: its sync would fail. */
	if (error == SR_OK && space.read_only)
		return fall_behind(l, SR_READ_ONLY);
	if (error == SR_OK && l->behind)
		error = catch_up(l);
	if (error != SR_OK || l->behind)
		return error;
	error = env_sync(l->env, l->file);
	if (error == SR_OK)
		l->dirty = false;
	return error;
}
