/* SPDX-License-Identifier: ISC */
/*
 * A snapshot's file: what went out comes in, at every length around a chunk's
 * end; what was cut, swapped, changed or sealed for another place does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/snapshot_file.h"
#include "tests/lib/env_sim.h"

#define PATH "ledger/snapshot/00000007"

enum {
	SEALED = SNAPSHOT_CHUNK_LEN + AEAD_TAG_LEN,
	PLAIN_MAX = 3 * SNAPSHOT_CHUNK_LEN + 10,
	PIECE = 1000,
};

static struct sim *sim;
static struct sim_room *room;
static struct snapshot_file file;
static uint8_t plain[PLAIN_MAX], back[PLAIN_MAX];
static const uint8_t right_key[32] = {4, 7, 1, 1};

static const struct snapshot_header expected = {
    .snapshot = {.number = 7, .size = 4711, .segment = 3, .offset = 1288},
    .bank_id = {0xba},
    .salt = {0x5a},
};

static int
set_up(void **state)
{
	(void)state;
	sim = sim_new(9);
	room = sim_room(sim, "ledgerd");
	env_random(&room->env, plain, sizeof(plain));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_free(sim);
	return 0;
}

/* Writes the first len bytes of plain. */
static void
write_file(size_t len, uint8_t hash[32])
{
	struct env *env = &room->env;
	env_file handle;

	assert_int_equal(
	    env_open(env, PATH, ENV_WRITE_OR_CREATE, &handle), SR_OK);
	assert_int_equal(env_truncate(env, handle, 0), SR_OK);
	assert_int_equal(
	    snapshot_file_begin(&file, env, handle, &expected, right_key),
	    SR_OK);
	for (size_t at = 0; at < len; at += PIECE)
		assert_int_equal(snapshot_file_put(&file, plain + at,
				     len - at < PIECE ? len - at : PIECE),
		    SR_OK);
	assert_int_equal(snapshot_file_finish(&file, hash), SR_OK);
	assert_int_equal(env_close(env, handle), SR_OK);
}

/* Reads len bytes and the end; the first error. */
static enum sr_error
read_file(size_t len, const uint8_t key[32], uint8_t hash[32])
{
	struct env *env = &room->env;
	struct snapshot_header header;
	enum sr_error error;
	env_file handle;

	memset(back, 0, sizeof(back));
	assert_int_equal(env_open(env, PATH, ENV_READ, &handle), SR_OK);
	error = snapshot_file_open(&file, env, handle, &header);
	if (error == SR_OK)
		assert_memory_equal(&header, &expected, sizeof(header));
	snapshot_file_key(&file, key);
	for (size_t at = 0; error == SR_OK && at < len; at += PIECE)
		error = snapshot_file_take(
		    &file, back + at, len - at < PIECE ? len - at : PIECE);
	if (error == SR_OK)
		error = snapshot_file_end(&file, hash);
	assert_int_equal(env_close(env, handle), SR_OK);
	return error;
}

/* A copy of the file, to be changed and put back. */
static uint8_t *
copy_file(size_t *len)
{
	const uint8_t *bytes = sim_file(room, PATH, len);
	uint8_t *copy;

	assert_non_null(bytes);
	copy = malloc(*len);
	assert_non_null(copy);
	memcpy(copy, bytes, *len);
	return copy;
}

static void
given_any_length_when_written_then_the_same_bytes_are_read(void **state)
{
	static const size_t lengths[] = {1, PIECE, SNAPSHOT_CHUNK_LEN - 1,
	    SNAPSHOT_CHUNK_LEN, SNAPSHOT_CHUNK_LEN + 1, 2 * SNAPSHOT_CHUNK_LEN,
	    PLAIN_MAX};
	uint8_t written[32], read[32], sum[32];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const uint8_t *bytes;
		size_t len;

		write_file(lengths[i], written);
		assert_int_equal(read_file(lengths[i], right_key, read), SR_OK);
		assert_memory_equal(plain, back, lengths[i]);
		assert_memory_equal(written, read, sizeof(read));
		bytes = sim_file(room, PATH, &len);
		crypto_hash_sha256(sum, bytes, len);
		assert_memory_equal(sum, read, sizeof(read));
		/* more, or less, than there is */
		assert_int_equal(
		    read_file(lengths[i] - 1, right_key, read), SR_DAMAGED);
		if (lengths[i] < PLAIN_MAX)
			assert_int_equal(
			    read_file(lengths[i] + 1, right_key, read),
			    SR_DAMAGED);
	}
}

static void
given_a_file_cut_at_any_chunk_then_its_new_end_does_not_verify(void **state)
{
	uint8_t hash[32];
	uint8_t *copy;
	size_t len;

	(void)state;
	write_file(PLAIN_MAX, hash);
	copy = copy_file(&len);
	for (size_t chunks = 1; chunks <= 3; chunks++) {
		size_t cut = SNAPSHOT_HEADER_LEN + chunks * SEALED;

		sim_put(room, PATH, copy, cut);
		assert_int_equal(
		    read_file(chunks * SNAPSHOT_CHUNK_LEN, right_key, hash),
		    SR_CRYPTO);
		sim_put(room, PATH, copy, cut - 5);
		assert_int_equal(
		    read_file(PLAIN_MAX, right_key, hash), SR_CRYPTO);
	}
	for (size_t cut = 0; cut <= SNAPSHOT_HEADER_LEN + AEAD_TAG_LEN; cut++) {
		sim_put(room, PATH, copy, cut);
		assert_int_equal(
		    read_file(PLAIN_MAX, right_key, hash), SR_DAMAGED);
	}
	free(copy);
}

static void
given_a_file_changed_anywhere_then_it_does_not_verify(void **state)
{
	uint8_t wrong_key[32] = {4, 7, 1, 2}, swapped[64], hash[32];
	uint8_t *copy;
	size_t len;

	(void)state;
	write_file(PLAIN_MAX, hash);
	assert_int_equal(read_file(PLAIN_MAX, wrong_key, hash), SR_CRYPTO);
	copy = copy_file(&len);
	for (size_t at = 0; at < len;
	     at += at < 2 * SNAPSHOT_HEADER_LEN ? 1 : 8191) {
		enum sr_error error, wanted = SR_CRYPTO;

		/* the version may be a higher one: then nothing else is known */
		if (at < SNAPSHOT_HEADER_LEN)
			wanted = at == 8 || at == 9 ? SR_VERSION : SR_DAMAGED;
		copy[at] ^= 0x10;
		sim_put(room, PATH, copy, len);
		error = read_file(PLAIN_MAX, right_key, hash);
		assert_int_equal(error, wanted);
		/* nothing of the chunk was given out */
		if (at >= SNAPSHOT_HEADER_LEN)
			assert_memory_equal(plain, back,
			    (at - SNAPSHOT_HEADER_LEN) / SEALED *
				SNAPSHOT_CHUNK_LEN / PIECE * PIECE);
		copy[at] ^= 0x10;
	}
	/* the first chunk and the second, each in the other's place */
	for (size_t at = 0; at < SEALED; at += sizeof(swapped)) {
		uint8_t *first = copy + SNAPSHOT_HEADER_LEN + at;
		size_t some = SEALED - at < sizeof(swapped) ? SEALED - at
							    : sizeof(swapped);

		memcpy(swapped, first, some);
		memcpy(first, first + SEALED, some);
		memcpy(first + SEALED, swapped, some);
	}
	sim_put(room, PATH, copy, len);
	assert_int_equal(read_file(PLAIN_MAX, right_key, hash), SR_CRYPTO);
	free(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_any_length_when_written_then_the_same_bytes_are_read),
	    TEST(
		given_a_file_cut_at_any_chunk_then_its_new_end_does_not_verify),
	    TEST(given_a_file_changed_anywhere_then_it_does_not_verify),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
