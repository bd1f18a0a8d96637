/* SPDX-License-Identifier: ISC */
/*
 * Heads of stored objects: each field and limit from both sides, and a seal
 * that opens in its own place only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <sodium.h>

#include "client/mail_seal.h"
#include "client/object_head.h"
#include "client/padme.h"
#include "common/ids.h"
#include "common/kdf.h"

enum {
	BOX = OBJECT_HEAD_BOX_OVERHEAD,
	MAIL = OBJECT_HEAD_MAIL_OVERHEAD,
	/* the longest name of a short head */
	BOX_NAME = OBJECT_HEAD_SHORT_LEN - BOX - OBJECT_HEAD_FIXED_LEN,
	MAIL_NAME = OBJECT_HEAD_SHORT_LEN - MAIL - OBJECT_HEAD_FIXED_LEN,
	/* places in the plaintext */
	TYPE = 1,
	FLAGS = 2,
	SIZE = 8,
	OF_OWNER = 24,
	OF_ID = 32,
	OF_VERSION = 48,
	NAME_LEN = 108,
	NAME = OBJECT_HEAD_FIXED_LEN,
};

static struct object_head head, seen;
static uint8_t plain[OBJECT_HEAD_LONG_LEN], sealed[OBJECT_HEAD_LONG_LEN];
static size_t sealed_len;

static const uint8_t file_root[OBJECT_KEY_LEN] = {1, 2, 3};
static const uint8_t nonce[AEAD_WRAP_NONCE_LEN] = {4, 5, 6};
static const struct object_place place = {.bank_id = {7, 8},
    .owner = 11,
    .id = {9, 10},
    .version = 12,
    .key_epoch = 13};

/* A head of that type with a name of so many bytes. */
static void
given_head(enum object_type type, size_t name_len)
{
	memset(&head, 0, sizeof(head));
	head.type = type;
	head.cksum = 0x89abcdef;
	head.size = 70000;
	head.mtime_s = -1;
	memset(head.file_key, 0x33, sizeof(head.file_key));
	memset(head.stream_header, 0x44, sizeof(head.stream_header));
	head.name_len = (uint16_t)name_len;
	memset(head.name, 'n', name_len);
	if (type == OBJECT_SHARE) {
		head.of_owner = 5;
		memset(head.of_id, 0x55, sizeof(head.of_id));
		head.of_version = 6;
	}
}

static size_t
plain_len_of(size_t overhead)
{
	return object_head_len(head.name_len, overhead) - overhead;
}

static enum sr_error
encode(size_t overhead)
{
	return object_head_encode(&head, plain, plain_len_of(overhead));
}

/* Read back from memory of just its length, and the same field by field. */
static enum sr_error
decode(size_t len)
{
	uint8_t *exact = test_malloc(len > 0 ? len : 1);
	enum sr_error error;

	memcpy(exact, plain, len);
	memset(&seen, 0xff, sizeof(seen));
	error = object_head_decode(exact, len, &seen);
	test_free(exact);
	if (error != SR_OK)
		assert_true(sodium_is_zero((uint8_t *)&seen, sizeof(seen)));
	return error;
}

static void
comes_back(size_t overhead)
{
	assert_int_equal(encode(overhead), SR_OK);
	assert_int_equal(decode(plain_len_of(overhead)), SR_OK);
	assert_memory_equal(&seen, &head, sizeof(head));
}

static void
is_refused(size_t overhead)
{
	const size_t len = plain_len_of(overhead);

	memset(plain, 0xff, len);
	assert_int_equal(object_head_encode(&head, plain, len), SR_MALFORMED);
	assert_true(sodium_is_zero(plain, len));
}

/* ---- plaintext ----------------------------------------------------------- */

static void
given_each_type_when_written_then_it_is_read(void **state)
{
	(void)state;
	for (unsigned type = OBJECT_FILE; type <= OBJECT_SHARE; type++) {
		given_head((enum object_type)type, 9);
		comes_back(BOX);
		comes_back(MAIL);
	}
	given_head((enum object_type)0, 9);
	is_refused(BOX);
	given_head((enum object_type)(OBJECT_SHARE + 1), 9);
	is_refused(BOX);
}

/* Byte by byte as the header file says. */
static void
given_a_head_when_written_then_its_bytes_are_the_published_ones(void **state)
{
	static const uint8_t begin[] = {1, 6, 0, 0, 0xef, 0xcd, 0xab, 0x89,
	    0x70, 0x11, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 5, 0, 0, 0, 0, 0, 0, 0};

	(void)state;
	given_head(OBJECT_SHARE, 3);
	assert_int_equal(encode(BOX), SR_OK);
	assert_memory_equal(plain, begin, sizeof(begin));
	assert_memory_equal(plain + OF_ID, head.of_id, 16);
	assert_memory_equal(plain + OF_VERSION, "\6\0\0\0", 4);
	assert_memory_equal(plain + 52, head.file_key, 32);
	assert_memory_equal(plain + 84, head.stream_header, 24);
	assert_memory_equal(plain + NAME_LEN, "\3\0nnn", 5);
	assert_true(sodium_is_zero(plain + NAME + 3, 464 - NAME - 3));
}

static void
given_names_at_their_limits_then_the_shortest_class_that_holds_them(
    void **state)
{
	static const struct {
		size_t overhead;
		size_t short_max;
	} seals[] = {{BOX, BOX_NAME}, {MAIL, MAIL_NAME}};

	(void)state;
	assert_int_equal(BOX_NAME, 354);
	assert_int_equal(MAIL_NAME, 306);
	for (size_t i = 0; i < 2; i++) {
		const size_t overhead = seals[i].overhead;

		assert_int_equal(
		    object_head_len(seals[i].short_max, overhead), 512);
		assert_int_equal(
		    object_head_len(seals[i].short_max + 1, overhead), 4608);
		given_head(OBJECT_FILE, seals[i].short_max);
		comes_back(overhead);
		given_head(OBJECT_FILE, seals[i].short_max + 1);
		comes_back(overhead);
		given_head(OBJECT_FILE, OBJECT_NAME_MAX);
		comes_back(overhead);
		given_head(OBJECT_FILE, 1);
		comes_back(overhead);
	}
}

static void
given_a_longer_head_than_the_name_needs_then_refused(void **state)
{
	const size_t short_len = OBJECT_HEAD_SHORT_LEN - BOX;
	const size_t long_len = OBJECT_HEAD_LONG_LEN - BOX;

	(void)state;
	given_head(OBJECT_FILE, BOX_NAME);
	assert_int_equal(
	    object_head_encode(&head, plain, long_len), SR_MALFORMED);
	assert_int_equal(encode(BOX), SR_OK);
	memset(plain + short_len, 0, long_len - short_len);
	assert_int_equal(decode(long_len), SR_MALFORMED);
	/* with one byte more it is what it should be */
	plain[NAME_LEN] = (uint8_t)(BOX_NAME + 1);
	plain[NAME + BOX_NAME] = 'n';
	assert_int_equal(decode(long_len), SR_OK);
	assert_int_equal(decode(short_len), SR_MALFORMED);
}

/* Lengths that no seal leaves, one byte beside those that one does. */
static void
given_lengths_of_no_seal_then_refused(void **state)
{
	static const size_t lens[] = {
	    0, 1, NAME, 512 - MAIL - 1, 513, 1000, 4608 - MAIL - 1, 4609};

	(void)state;
	given_head(OBJECT_FILE, 9);
	assert_int_equal(encode(BOX), SR_OK);
	assert_int_equal(decode(512 - MAIL), SR_OK);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t copy[4609];

		if (lens[i] <= sizeof(plain))
			assert_int_equal(decode(lens[i]), SR_MALFORMED);
		given_head(OBJECT_FILE, lens[i] > 512 ? 1000 : 9);
		assert_int_equal(
		    object_head_encode(&head, copy, lens[i]), SR_MALFORMED);
		given_head(OBJECT_FILE, 9);
		assert_int_equal(encode(BOX), SR_OK);
	}
}

static void
given_no_name_then_only_what_needs_none_is_taken(void **state)
{
	(void)state;
	for (unsigned type = OBJECT_FILE; type <= OBJECT_SHARE; type++) {
		given_head((enum object_type)type, 0);
		if (type == OBJECT_KEY_RING || type == OBJECT_PINS ||
		    type == OBJECT_TEXT)
			comes_back(BOX);
		else
			is_refused(BOX);
	}
	/* and reading agrees */
	given_head(OBJECT_TEXT, 0);
	assert_int_equal(encode(BOX), SR_OK);
	plain[TYPE] = OBJECT_FILE;
	assert_int_equal(decode(plain_len_of(BOX)), SR_MALFORMED);
}

static void
given_any_byte_but_nul_in_a_name_then_taken(void **state)
{
	(void)state;
	given_head(OBJECT_FILE, 255);
	for (unsigned i = 0; i < 255; i++)
		head.name[i] = (char)(i + 1);
	comes_back(BOX);
	for (size_t at = 0; at < 255; at += 127) {
		char was = head.name[at];

		head.name[at] = '\0';
		is_refused(BOX);
		head.name[at] = was;
		assert_int_equal(encode(BOX), SR_OK);
		plain[NAME + at] = 0;
		assert_int_equal(decode(plain_len_of(BOX)), SR_MALFORMED);
	}
}

static void
given_a_name_beyond_the_limit_then_refused(void **state)
{
	(void)state;
	given_head(OBJECT_FILE, OBJECT_NAME_MAX);
	assert_int_equal(encode(BOX), SR_OK);
	/* the byte behind it is a zero; said to be of the name */
	plain[NAME + OBJECT_NAME_MAX] = 'n';
	plain[NAME_LEN] = 1;
	assert_int_equal(decode(plain_len_of(BOX)), SR_MALFORMED);
	plain[NAME_LEN] = 0xff;
	plain[NAME_LEN + 1] = 0xff;
	assert_int_equal(decode(plain_len_of(BOX)), SR_MALFORMED);
	head.name_len = OBJECT_NAME_MAX + 1;
	assert_int_equal(
	    object_head_encode(&head, plain, OBJECT_HEAD_LONG_LEN - BOX),
	    SR_MALFORMED);
	assert_int_equal(object_head_seal(&head, file_root, &place, nonce,
			     sealed, &sealed_len),
	    SR_MALFORMED);
	assert_int_equal(sealed_len, 0);
}

static void
given_sizes_at_the_limit_then_taken_and_not_beyond(void **state)
{
	(void)state;
	given_head(OBJECT_FILE, 1);
	head.size = 0;
	comes_back(BOX);
	head.size = OBJECT_SIZE_MAX;
	comes_back(BOX);
	plain[SIZE] = 1;
	assert_int_equal(decode(plain_len_of(BOX)), SR_MALFORMED);
	head.size = OBJECT_SIZE_MAX + 1;
	is_refused(BOX);
	given_head(OBJECT_FILE, 1);
	head.mtime_s = INT64_MIN;
	comes_back(BOX);
}

static void
given_what_only_a_share_says_then_in_a_share_only(void **state)
{
	(void)state;
	for (unsigned type = OBJECT_FILE; type < OBJECT_SHARE; type++) {
		static const size_t places[] = {OF_OWNER, OF_OWNER + 7, OF_ID,
		    OF_ID + 15, OF_VERSION, OF_VERSION + 3};

		given_head((enum object_type)type, 9);
		assert_int_equal(encode(BOX), SR_OK);
		for (size_t i = 0; i < 6; i++) {
			plain[places[i]] = 1;
			assert_int_equal(
			    decode(plain_len_of(BOX)), SR_MALFORMED);
			plain[places[i]] = 0;
		}
		assert_int_equal(decode(plain_len_of(BOX)), SR_OK);
		head.of_owner = 1;
		is_refused(BOX);
		head.of_owner = 0;
		head.of_id[15] = 1;
		is_refused(BOX);
		head.of_id[15] = 0;
		head.of_version = 1;
		is_refused(BOX);
	}
	given_head(OBJECT_SHARE, 9);
	head.of_owner = CUSTOMER_LIMIT - 1;
	comes_back(BOX);
	head.of_owner = CUSTOMER_LIMIT;
	is_refused(BOX);
	head.of_owner = CUSTOMER_BANK;
	is_refused(BOX);
	given_head(OBJECT_SHARE, 9);
	memset(head.of_id, 0, sizeof(head.of_id));
	is_refused(BOX);
}

static void
given_reserved_bytes_that_are_set_then_refused(void **state)
{
	size_t len;

	(void)state;
	given_head(OBJECT_FILE, 9);
	assert_int_equal(encode(MAIL), SR_OK);
	len = plain_len_of(MAIL);
	for (size_t at = NAME + 9; at < len; at++) {
		plain[at] = 1;
		assert_int_equal(decode(len), SR_MALFORMED);
		plain[at] = 0;
	}
	for (size_t at = FLAGS; at < FLAGS + 2; at++) {
		plain[at] = 0x80;
		assert_int_equal(decode(len), SR_MALFORMED);
		plain[at] = 0;
	}
	assert_int_equal(decode(len), SR_OK);
}

static void
given_a_version_then_a_later_one_is_told_and_none_is_refused(void **state)
{
	(void)state;
	given_head(OBJECT_FILE, 9);
	assert_int_equal(encode(BOX), SR_OK);
	plain[0] = 0;
	assert_int_equal(decode(plain_len_of(BOX)), SR_MALFORMED);
	plain[0] = 2;
	assert_int_equal(decode(plain_len_of(BOX)), SR_VERSION);
	plain[0] = 1;
	assert_int_equal(decode(plain_len_of(BOX)), SR_OK);
}

/* ---- the seal of the box ------------------------------------------------- */

static void
seal(void)
{
	assert_int_equal(object_head_seal(&head, file_root, &place, nonce,
			     sealed, &sealed_len),
	    SR_OK);
}

static enum sr_error
open_at(const struct object_place *where, const uint8_t root[OBJECT_KEY_LEN],
    size_t len)
{
	enum sr_error error;

	memset(&seen, 0xff, sizeof(seen));
	error = object_head_open(sealed, len, root, where, &seen);
	if (error != SR_OK)
		assert_true(sodium_is_zero((uint8_t *)&seen, sizeof(seen)));
	return error;
}

static void
given_a_sealed_head_when_opened_in_its_place_then_as_it_was(void **state)
{
	static const size_t names[] = {1, BOX_NAME, BOX_NAME + 1, 4096};
	uint32_t epoch = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		given_head(OBJECT_FILE, names[i]);
		seal();
		assert_int_equal(sealed_len, names[i] <= BOX_NAME ? 512 : 4608);
		assert_int_equal(open_at(&place, file_root, sealed_len), SR_OK);
		assert_memory_equal(&seen, &head, sizeof(head));
		assert_int_equal(
		    object_head_key_epoch(sealed, sealed_len, &epoch), SR_OK);
		assert_int_equal(epoch, 13);
	}
}

/* Two names of one class leave heads that tell nothing apart but bytes. */
static void
given_two_heads_of_one_class_then_their_lengths_are_one(void **state)
{
	size_t first;

	(void)state;
	given_head(OBJECT_TEXT, 0);
	seal();
	first = sealed_len;
	given_head(OBJECT_SHARE, BOX_NAME);
	seal();
	assert_int_equal(first, sealed_len);
}

static void
given_a_head_of_another_place_then_it_does_not_open(void **state)
{
	const uint8_t other_root[OBJECT_KEY_LEN] = {1, 2, 4};
	struct object_place where = place;

	(void)state;
	given_head(OBJECT_FILE, 9);
	seal();
	where.bank_id[1]++;
	assert_int_equal(
	    open_at(&where, file_root, sealed_len), SR_NOT_AS_STORED);
	where = place;
	where.owner++;
	assert_int_equal(
	    open_at(&where, file_root, sealed_len), SR_NOT_AS_STORED);
	where = place;
	where.id[15]++;
	assert_int_equal(
	    open_at(&where, file_root, sealed_len), SR_NOT_AS_STORED);
	where = place;
	where.version++;
	assert_int_equal(
	    open_at(&where, file_root, sealed_len), SR_NOT_AS_STORED);
	where = place;
	where.key_epoch++;
	assert_int_equal(
	    open_at(&where, file_root, sealed_len), SR_NOT_AS_STORED);
	/* nor when the bytes are made to say so, too */
	sealed[0]++;
	assert_int_equal(
	    open_at(&where, file_root, sealed_len), SR_NOT_AS_STORED);
	sealed[0]--;
	assert_int_equal(
	    open_at(&place, other_root, sealed_len), SR_NOT_AS_STORED);
	assert_int_equal(open_at(&place, file_root, sealed_len), SR_OK);
}

static void
given_any_byte_altered_or_cut_then_it_does_not_open(void **state)
{
	uint32_t epoch;

	(void)state;
	given_head(OBJECT_FILE, 9);
	seal();
	for (size_t at = 0; at < sealed_len; at++) {
		sealed[at] ^= 1;
		assert_int_equal(
		    open_at(&place, file_root, sealed_len), SR_NOT_AS_STORED);
		sealed[at] ^= 1;
	}
	for (size_t len = 0; len < OBJECT_HEAD_LONG_LEN; len++) {
		if (len == sealed_len)
			continue;
		assert_int_equal(
		    open_at(&place, file_root, len), SR_NOT_AS_STORED);
		assert_int_equal(object_head_key_epoch(sealed, len, &epoch),
		    SR_NOT_AS_STORED);
	}
	assert_int_equal(open_at(&place, file_root, sealed_len), SR_OK);
}

/* The derivation and the AD of the header file, put together once more. */
static void
given_a_plaintext_sealed_by_hand_then_it_opens_or_says_what_is_wrong(
    void **state)
{
	uint8_t key[32], ad[85];

	(void)state;
	given_head(OBJECT_FILE, 9);
	assert_int_equal(encode(BOX), SR_OK);
	kdf_expand_parts(key, 32, file_root, 32,
	    (const struct kdf_part[]){
		{"strongroom/1 box head", 21}, {place.bank_id, 32}},
	    2);
	memset(ad, 0, sizeof(ad));
	memcpy(ad, "strongroom/1 box head", 21);
	memcpy(ad + 21, place.bank_id, 32);
	ad[53] = 11;
	memcpy(ad + 61, place.id, 16);
	ad[77] = 12;
	ad[81] = 13;
	for (uint8_t version = 0; version < 3; version++) {
		plain[0] = version;
		memcpy(sealed, "\15\0\0\0\0\0\0\0", 8);
		aead_wrap(sealed + 8, key, nonce, ad, sizeof(ad), plain, 464);
		assert_int_equal(open_at(&place, file_root, 512),
		    version == 0   ? SR_MALFORMED
		    : version == 1 ? SR_OK
				   : SR_VERSION);
	}
}

/* ---- the seal of a message ----------------------------------------------- */

static void
given_heads_of_messages_when_sealed_and_opened_then_as_they_were(void **state)
{
	static const size_t names[] = {1, MAIL_NAME, MAIL_NAME + 1, 4096};
	static const uint8_t ada[32] = {1}, ben[32] = {2}, fresh[32] = {3};
	const struct mail_place where = {.sender = 5, .recipient = 6};
	uint8_t ada_public[32], ben_public[32];
	const struct noise_x_sender keys = {ada, ben_public, fresh};

	(void)state;
	/* a head fills just what that seal leaves */
	assert_int_equal(OBJECT_HEAD_MAIL_OVERHEAD, MAIL_OVERHEAD);
	assert_int_equal(OBJECT_HEAD_SHORT_LEN, MAIL_SEALED_SMALL);
	assert_int_equal(OBJECT_HEAD_LONG_LEN, MAIL_SEALED_LARGE);
	noise_public_key(ada_public, ada);
	noise_public_key(ben_public, ben);
	for (size_t i = 0; i < 4; i++) {
		size_t len;

		given_head(OBJECT_MESSAGE_FILE, names[i]);
		len = object_head_len(names[i], MAIL);
		assert_int_equal(encode(MAIL), SR_OK);
		assert_int_equal(
		    mail_seal(&where, &keys, plain, sealed, len), SR_OK);
		memset(plain, 0, sizeof(plain));
		assert_int_equal(
		    mail_open(&where, ben, ada_public, sealed, len, plain),
		    SR_OK);
		assert_int_equal(decode(len - MAIL), SR_OK);
		assert_memory_equal(&seen, &head, sizeof(head));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_each_type_when_written_then_it_is_read),
	    cmocka_unit_test(
		given_a_head_when_written_then_its_bytes_are_the_published_ones),
	    cmocka_unit_test(
		given_names_at_their_limits_then_the_shortest_class_that_holds_them),
	    cmocka_unit_test(
		given_a_longer_head_than_the_name_needs_then_refused),
	    cmocka_unit_test(given_lengths_of_no_seal_then_refused),
	    cmocka_unit_test(given_no_name_then_only_what_needs_none_is_taken),
	    cmocka_unit_test(given_any_byte_but_nul_in_a_name_then_taken),
	    cmocka_unit_test(given_a_name_beyond_the_limit_then_refused),
	    cmocka_unit_test(
		given_sizes_at_the_limit_then_taken_and_not_beyond),
	    cmocka_unit_test(given_what_only_a_share_says_then_in_a_share_only),
	    cmocka_unit_test(given_reserved_bytes_that_are_set_then_refused),
	    cmocka_unit_test(
		given_a_version_then_a_later_one_is_told_and_none_is_refused),
	    cmocka_unit_test(
		given_a_sealed_head_when_opened_in_its_place_then_as_it_was),
	    cmocka_unit_test(
		given_two_heads_of_one_class_then_their_lengths_are_one),
	    cmocka_unit_test(
		given_a_head_of_another_place_then_it_does_not_open),
	    cmocka_unit_test(
		given_any_byte_altered_or_cut_then_it_does_not_open),
	    cmocka_unit_test(
		given_a_plaintext_sealed_by_hand_then_it_opens_or_says_what_is_wrong),
	    cmocka_unit_test(
		given_heads_of_messages_when_sealed_and_opened_then_as_they_were),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
