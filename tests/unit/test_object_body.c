/* SPDX-License-Identifier: ISC */
/*
 * Bodies of stored objects: they come back as they were, and a bank that
 * cuts, swaps, repeats or alters chunks is noticed at the first of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <sodium.h>

#include "client/object_body.h"

#define STREAM(name) crypto_secretstream_xchacha20poly1305_##name

enum {
	CHUNK = OBJECT_CHUNK_LEN,
	SEALED = OBJECT_CHUNK_SEALED_MAX,
	FILE_MAX = 6 * CHUNK,
	/* four chunks, the last of which is short and has padding */
	SIZE = 3 * CHUNK + 5,
	PADDED = 200704,
	CHUNKS = 4,
};

static uint8_t file[FILE_MAX];
static uint8_t stored[8 * SEALED], again[8 * SEALED];
static uint8_t plain[CHUNK];

static const uint8_t key[OBJECT_KEY_LEN] = {1};
static const uint8_t header[OBJECT_STREAM_HEADER_LEN] = {2};
static const uint8_t id[OBJECT_ID_LEN] = {3};

static struct object_body
body_of(uint64_t size)
{
	struct object_body body;

	assert_int_equal(
	    object_body_init(&body, key, header, id, 7, size), SR_OK);
	return body;
}

/* Seals size bytes of the file; the length. */
static size_t
seal_to(uint8_t *out, uint64_t size)
{
	struct object_body body = body_of(size);
	size_t at = 0, taken = 0;

	assert_false(object_body_whole(&body));
	for (size_t len; (len = object_body_sealed_len(&body)) > 0; at += len) {
		const size_t take = object_body_plain_len(&body);

		assert_int_equal(
		    object_body_seal(&body, file + taken, out + at), SR_OK);
		taken += take;
	}
	assert_true(object_body_whole(&body));
	assert_int_equal(taken, size);
	return at;
}

/* Where chunk i of a body of full chunks begins. */
static uint8_t *
chunk_at(uint8_t *bytes, size_t i)
{
	return bytes + i * SEALED;
}

static void
refused(struct object_body *body, const uint8_t *sealed, size_t len)
{
	const uint64_t next = body->next;

	memset(plain, 0xff, sizeof(plain));
	assert_int_equal(
	    object_body_open(body, sealed, len, plain), SR_NOT_AS_STORED);
	assert_true(sodium_is_zero(plain, sizeof(plain)));
	assert_false(object_body_whole(body));
	assert_int_equal(body->next, next);
}

/* After a refusal not even the right chunk is taken. */
static void
refused_for_good(struct object_body *body, const uint8_t *sealed, size_t len)
{
	struct object_body fresh = *body;

	refused(body, sealed, len);
	refused(
	    body, chunk_at(stored, body->next), object_body_sealed_len(body));
	/* which was right, but for that */
	assert_int_equal(object_body_open(&fresh, chunk_at(stored, fresh.next),
			     object_body_sealed_len(&fresh), plain),
	    SR_OK);
}

/* A body of which the chunks before `next' have been opened. */
static struct object_body
opened_to(uint64_t next)
{
	struct object_body body = body_of(SIZE);

	while (body.next < next)
		assert_int_equal(
		    object_body_open(&body, chunk_at(stored, body.next),
			object_body_sealed_len(&body), plain),
		    SR_OK);
	return body;
}

/* ---- there and back ------------------------------------------------------ */

static void
comes_back(uint64_t size)
{
	struct object_body body = body_of(size);
	uint64_t wanted, taken = 0;
	size_t at = 0, len = seal_to(stored, size);

	assert_int_equal(object_body_len(size, &wanted), SR_OK);
	assert_int_equal(len, wanted);
	for (size_t step; (step = object_body_sealed_len(&body)) > 0;
	     at += step) {
		const size_t take = object_body_plain_len(&body);

		assert_false(object_body_whole(&body));
		assert_int_equal(
		    object_body_open(&body, stored + at, step, plain), SR_OK);
		assert_memory_equal(plain, file + taken, take);
		taken += take;
	}
	assert_true(object_body_whole(&body));
	assert_int_equal(at, len);
	assert_int_equal(taken, size);
}

static void
given_sizes_around_each_border_when_sealed_then_they_open(void **state)
{
	static const uint64_t sizes[] = {0, 1, 255, 256, 257, 1000, CHUNK - 1,
	    CHUNK, CHUNK + 1, 67584, 67585, 2 * CHUNK - 1, 2 * CHUNK,
	    2 * CHUNK + 1, SIZE, 5 * CHUNK, FILE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		comes_back(sizes[i]);
	for (unsigned round = 0; round < 30; round++)
		comes_back(randombytes_uniform(FILE_MAX + 1));
}

/* Reckoned by hand. */
static void
given_sizes_then_the_lengths_of_their_bodies(void **state)
{
	static const uint64_t figures[][2] = {{0, 256 + 17}, {256, 256 + 17},
	    {257, 272 + 17}, {CHUNK, CHUNK + 17}, {CHUNK + 1, 67584 + 2 * 17},
	    {SIZE, PADDED + CHUNKS * 17},
	    {OBJECT_SIZE_MAX, OBJECT_SIZE_MAX + 262144 * 17}};
	struct object_body body;
	uint64_t len = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		assert_int_equal(object_body_len(figures[i][0], &len), SR_OK);
		assert_int_equal(len, figures[i][1]);
	}
	assert_int_equal(len, OBJECT_BODY_MAX);
	assert_int_equal(
	    object_body_len(OBJECT_SIZE_MAX + 1, &len), SR_TOO_LARGE);
	assert_int_equal(len, 0);
	assert_int_equal(
	    object_body_init(&body, key, header, id, 7, OBJECT_SIZE_MAX + 1),
	    SR_TOO_LARGE);
	assert_int_equal(object_body_sealed_len(&body), 0);
	refused(&body, stored, 0);
	body = body_of(OBJECT_SIZE_MAX);
	assert_int_equal(body.chunks, 262144);
}

/* What the bank sees of two files of one bucket is of one length. */
static void
given_two_sizes_of_one_bucket_then_their_lengths_are_one(void **state)
{
	uint64_t one, other;

	(void)state;
	assert_int_equal(object_body_len(CHUNK + 1, &one), SR_OK);
	assert_int_equal(object_body_len(67584, &other), SR_OK);
	assert_int_equal(one, other);
	assert_int_equal(seal_to(stored, CHUNK + 1), one);
	assert_int_equal(seal_to(again, 67584), one);
}

/* ---- sealed again -------------------------------------------------------- */

/*
 * libsodium documents no way to go on with a stream from key and header; its
 * init_pull makes the state that init_push does, and this is where a libsodium
 * is noticed that does not.
 */
static void
given_key_and_header_then_the_state_and_bytes_of_the_first_time(void **state)
{
	STREAM(state) first, second;
	uint8_t drawn[STREAM(HEADERBYTES)], sealed[2][100 + STREAM(ABYTES)];
	struct object_body body;

	(void)state;
	assert_int_equal(STREAM(init_push)(&first, drawn, key), 0);
	assert_int_equal(STREAM(init_pull)(&second, drawn, key), 0);
	assert_memory_equal(&first, &second, sizeof(first));
	assert_int_equal(object_body_init(&body, key, drawn, id, 7, 1), SR_OK);
	assert_memory_equal(&first, &body.stream, sizeof(first));
	for (unsigned i = 0; i < 20; i++) {
		const uint8_t tag =
		    i % 5 == 4 ? STREAM(TAG_FINAL) : STREAM(TAG_MESSAGE);

		assert_int_equal(STREAM(push)(&first, sealed[0], NULL, file,
				     100, id, 16, tag),
		    0);
		assert_int_equal(STREAM(push)(&second, sealed[1], NULL, file,
				     100, id, 16, tag),
		    0);
		assert_memory_equal(sealed[0], sealed[1], sizeof(sealed[0]));
		assert_memory_equal(&first, &second, sizeof(first));
	}
}

static void
given_a_file_when_sealed_again_then_the_very_same_bytes(void **state)
{
	size_t len = seal_to(stored, SIZE);

	(void)state;
	assert_int_equal(seal_to(again, SIZE), len);
	assert_memory_equal(stored, again, len);
}

static void
given_another_key_header_object_or_version_then_other_bytes(void **state)
{
	static const uint8_t other[32] = {9};
	size_t len = seal_to(stored, 10);
	struct object_body bodies[4];

	(void)state;
	object_body_init(&bodies[0], other, header, id, 7, 10);
	object_body_init(&bodies[1], key, other, id, 7, 10);
	object_body_init(&bodies[2], key, header, other, 7, 10);
	object_body_init(&bodies[3], key, header, id, 8, 10);
	for (size_t i = 0; i < 4; i++) {
		struct object_body reader = bodies[i];

		assert_int_equal(
		    object_body_seal(&bodies[i], file, again), SR_OK);
		assert_memory_not_equal(stored, again, len);
		refused(&reader, stored, len);
	}
}

/* ---- a bank that is no bank ---------------------------------------------- */

static void
given_chunks_in_another_order_then_noticed_at_once(void **state)
{
	(void)state;
	seal_to(stored, SIZE);
	for (uint64_t next = 0; next + 1 < CHUNKS; next++)
		for (uint64_t other = 0; other + 1 < CHUNKS; other++) {
			struct object_body body = opened_to(next);

			if (other != next)
				refused_for_good(
				    &body, chunk_at(stored, other), SEALED);
		}
}

/* The stream alone would hide it, were the numbers not in the AD. */
static void
given_a_chunk_of_the_right_stream_with_another_number_then_noticed(void **state)
{
	for (unsigned off = 0; off < 3; off++) {
		struct object_body body = body_of(SIZE);
		STREAM(state) stream = body.stream;
		uint8_t ad[28] = {3};

		(void)state;
		ad[16] = 7;
		ad[20] = off == 1;
		ad[27] = off == 2;
		assert_int_equal(STREAM(push)(&stream, again, NULL, file, CHUNK,
				     ad, sizeof(ad), STREAM(TAG_MESSAGE)),
		    0);
		if (off > 0)
			refused(&body, again, SEALED);
		else
			assert_int_equal(
			    object_body_open(&body, again, SEALED, plain),
			    SR_OK);
	}
}

static void
given_a_repeated_chunk_then_noticed(void **state)
{
	(void)state;
	seal_to(stored, SIZE);
	for (uint64_t next = 1; next < CHUNKS; next++) {
		struct object_body body = opened_to(next);

		refused(&body, chunk_at(stored, next - 1), SEALED);
	}
}

static void
given_a_body_that_is_cut_then_it_is_not_whole(void **state)
{
	(void)state;
	seal_to(stored, SIZE);
	for (uint64_t next = 0; next < CHUNKS; next++) {
		struct object_body body = opened_to(next);
		const size_t len = object_body_sealed_len(&body);
		static const size_t cuts[] = {0, 1, 16, 17, 18, 1000};

		assert_false(object_body_whole(&body));
		for (size_t i = 0; i < 6; i++) {
			struct object_body cut = body;

			refused_for_good(&cut, chunk_at(stored, next), cuts[i]);
			cut = body;
			refused_for_good(&cut, chunk_at(stored, next), len - 1);
			cut = body;
			refused(&cut, chunk_at(stored, next), len + 1);
		}
	}
}

static void
given_anything_behind_the_end_then_noticed(void **state)
{
	struct object_body body;

	(void)state;
	seal_to(stored, SIZE);
	body = opened_to(CHUNKS);
	assert_true(object_body_whole(&body));
	refused(&body, chunk_at(stored, CHUNKS - 1), SEALED);
	body = opened_to(CHUNKS);
	refused(&body, stored, 0);
}

static void
given_any_byte_altered_then_noticed(void **state)
{
	const size_t len = seal_to(stored, 300);
	struct object_body body;

	(void)state;
	for (size_t at = 0; at < len; at++) {
		body = body_of(300);
		stored[at] ^= 0x10;
		refused(&body, stored, len);
		stored[at] ^= 0x10;
	}
	seal_to(stored, SIZE);
	for (unsigned round = 0; round < 50; round++) {
		const uint64_t next = randombytes_uniform(CHUNKS);
		uint8_t *at;

		body = opened_to(next);
		at = chunk_at(stored, next) +
		     randombytes_uniform(
			 (uint32_t)object_body_sealed_len(&body));
		*at ^= 1;
		refused(&body, chunk_at(stored, next),
		    object_body_sealed_len(&body));
		*at ^= 1;
	}
}

/* ---- a writer that is none ----------------------------------------------- */

/*
 * Chunk `next' of the body as somebody who has the key would seal it, with
 * that tag and that byte at the end.
 */
static size_t
forged(const struct object_body *body, uint8_t tag, uint8_t last)
{
	static uint8_t bytes[CHUNK];
	STREAM(state) stream = body->stream;
	const size_t len = object_body_sealed_len(body) - STREAM(ABYTES);
	uint8_t ad[28] = {3};

	memset(bytes, 0, len);
	bytes[len - 1] = last;
	ad[16] = 7;
	for (unsigned i = 0; i < 8; i++)
		ad[20 + i] = (uint8_t)(body->next >> 8 * i);
	assert_int_equal(
	    STREAM(push)(&stream, again, NULL, bytes, len, ad, sizeof(ad), tag),
	    0);
	return len + STREAM(ABYTES);
}

static void
given_an_end_that_is_too_early_or_missing_then_noticed(void **state)
{
	(void)state;
	seal_to(stored, SIZE);
	for (unsigned tag = 0; tag < 256; tag++)
		for (uint64_t next = 0; next < CHUNKS; next += CHUNKS - 1) {
			struct object_body body = opened_to(next);
			const size_t len = forged(&body, (uint8_t)tag, 0);

			if (tag == (next == 0 ? STREAM(TAG_MESSAGE)
					      : STREAM(TAG_FINAL)))
				assert_int_equal(
				    object_body_open(&body, again, len, plain),
				    SR_OK);
			else
				refused(&body, again, len);
		}
}

/* The head says how long the file is; a body of another length is none. */
static void
given_a_head_with_another_size_then_noticed(void **state)
{
	struct object_body body;

	(void)state;
	/* fewer chunks: FINAL is missing where the end should be */
	seal_to(stored, 2 * CHUNK);
	body = body_of(CHUNK);
	refused(&body, stored, SEALED);
	/* more: FINAL comes too early */
	seal_to(stored, CHUNK);
	body = body_of(2 * CHUNK);
	refused(&body, stored, SEALED);
	/* the same bucket, but what would be padding is text */
	seal_to(stored, 511);
	body = body_of(500);
	refused(&body, stored, 512 + 17);
}

static void
given_padding_that_is_not_zero_then_noticed(void **state)
{
	(void)state;
	for (uint64_t size = 0; size < 256; size += 51)
		for (uint8_t last = 0; last < 2; last++) {
			struct object_body body = body_of(size);
			size_t len = forged(&body, STREAM(TAG_FINAL), last);

			if (last == 0)
				assert_int_equal(
				    object_body_open(&body, again, len, plain),
				    SR_OK);
			else
				refused(&body, again, len);
		}
	/* a chunk without padding may end in anything */
	for (uint8_t last = 0; last < 2; last++) {
		struct object_body body = body_of(256);
		size_t len = forged(&body, STREAM(TAG_FINAL), last);

		assert_int_equal(
		    object_body_open(&body, again, len, plain), SR_OK);
		assert_int_equal(plain[255], last);
	}
}

/* Of a long file whole chunks may be padding. */
static void
given_padding_of_more_than_a_chunk_then_all_of_it_is_looked_at(void **state)
{
	const uint64_t size = 512 * (uint64_t)CHUNK + 1;

	(void)state;
	for (uint8_t last = 0; last < 2; last++) {
		struct object_body body = body_of(size);
		size_t len;

		assert_int_equal(body.padded - size, CHUNK * 16 - 1);
		/* as if those before had been opened */
		body.next = body.chunks - 2;
		assert_int_equal(object_body_plain_len(&body), 0);
		len = forged(&body, STREAM(TAG_MESSAGE), last);
		assert_int_equal(len, SEALED);
		if (last == 0)
			assert_int_equal(
			    object_body_open(&body, again, len, plain), SR_OK);
		else
			refused(&body, again, len);
	}
}

static void
given_a_body_when_wiped_then_no_key_is_left(void **state)
{
	struct object_body body = body_of(SIZE);

	(void)state;
	object_body_wipe(&body);
	assert_true(
	    sodium_is_zero((uint8_t *)&body.stream, sizeof(body.stream)));
	assert_false(object_body_whole(&body));
	assert_int_equal(object_body_sealed_len(&body), 0);
	refused(&body, stored, SEALED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_sizes_around_each_border_when_sealed_then_they_open),
	    cmocka_unit_test(given_sizes_then_the_lengths_of_their_bodies),
	    cmocka_unit_test(
		given_two_sizes_of_one_bucket_then_their_lengths_are_one),
	    cmocka_unit_test(
		given_key_and_header_then_the_state_and_bytes_of_the_first_time),
	    cmocka_unit_test(
		given_a_file_when_sealed_again_then_the_very_same_bytes),
	    cmocka_unit_test(
		given_another_key_header_object_or_version_then_other_bytes),
	    cmocka_unit_test(
		given_chunks_in_another_order_then_noticed_at_once),
	    cmocka_unit_test(
		given_a_chunk_of_the_right_stream_with_another_number_then_noticed),
	    cmocka_unit_test(given_a_repeated_chunk_then_noticed),
	    cmocka_unit_test(given_a_body_that_is_cut_then_it_is_not_whole),
	    cmocka_unit_test(given_anything_behind_the_end_then_noticed),
	    cmocka_unit_test(given_any_byte_altered_then_noticed),
	    cmocka_unit_test(
		given_an_end_that_is_too_early_or_missing_then_noticed),
	    cmocka_unit_test(given_a_head_with_another_size_then_noticed),
	    cmocka_unit_test(given_padding_that_is_not_zero_then_noticed),
	    cmocka_unit_test(
		given_padding_of_more_than_a_chunk_then_all_of_it_is_looked_at),
	    cmocka_unit_test(given_a_body_when_wiped_then_no_key_is_left),
	};

	if (sodium_init() < 0)
		return 1;
	randombytes_buf(file, sizeof(file));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
