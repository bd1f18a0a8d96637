/* SPDX-License-Identifier: ISC */
/*
 * The sealed root and identity: what opens them, and what each damage is
 * called.  What opens them belongs to a program of its own, so it is taken in
 * here as source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "keyd/unlock_seal.c"

static const uint8_t secret[32] = {1, 2, 3};
static const uint8_t data_key[32] = {7, 7, 7};
static const uint8_t credential_bytes[32] = {9, 8, 7};
static const struct unlock_secret passphrase = {
    SEALED_PASSPHRASE, (const uint8_t *)"pass", 4};
static const struct unlock_secret credential = {
    SEALED_CREDENTIAL, credential_bytes, 32};
static const struct unlock_secret quorum = {
    SEALED_SHARES, credential_bytes, 32};

/* What the program of version 1 wrote: root 01 02 .. 20, passphrase "pass". */
static const char *const old_root =
    "53525345414c3031010001010100000001000000000000000000100000000000"
    "4142434445464748494a4b4c4d4e4f50"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    "5152535455565758595a5b5c5d5e5f606162636465666768"
    "73cce6f4c9f78ca77b06334b1943269609be6303f218851c150c8f21bef92b7e"
    "61bf54af8e7c66bf1cb5891bce97236d";

/* A root.sealed with one envelope of each kind: numbers 1, 2, 3. */
static struct sealed root;
static uint8_t file[SEALED_MAX_LEN];
static size_t file_len;

static void
add(struct sealed *to, enum sealed_kind kind, const char *label,
    const struct unlock_secret *opens)
{
	struct sealed_envelope like = {.kind = kind, .made_ms = 1234};

	snprintf(like.label, sizeof(like.label), "%s", label);
	if (kind == SEALED_PASSPHRASE)
		like.cost = (struct sealed_cost){1, 1u << 20};
	if (kind == SEALED_SHARES) {
		like.quorum = 2;
		like.shares = 3;
		memset(like.hashes, 0x11, 3 * SHARE_HASH_LEN);
	}
	assert_int_equal(
	    unlock_add_envelope(to, &like, opens, data_key), SR_OK);
}

static struct sealed
empty_root(uint8_t bank)
{
	struct sealed made = {
	    .version = SEALED_VERSION, .purpose = SEALED_ROOT, .epoch = 1};

	memset(made.bank_id, bank, sizeof(made.bank_id));
	return made;
}

static int
setup(void **state)
{
	(void)state;
	root = empty_root(0xbb);
	add(&root, SEALED_PASSPHRASE, "of the treasurer", &passphrase);
	add(&root, SEALED_CREDENTIAL, "this machine", &credential);
	add(&root, SEALED_SHARES, "the board", &quorum);
	unlock_close(&root, data_key, secret);
	file_len = sealed_write(&root, file);
	return 0;
}

/* All of it: the file, an envelope, the secret. */
static enum sr_error
unseal(const void *bytes, size_t len, const struct unlock_secret *with,
    uint8_t out[32])
{
	struct sealed sealed;
	uint8_t key[32];
	size_t which;
	enum sr_error error = sealed_read(bytes, len, SEALED_ROOT, &sealed);

	if (error == SR_OK)
		error = unlock_open_envelope(&sealed, with, key, &which);
	return error == SR_OK ? unlock_open(&sealed, key, out) : error;
}

static void
given_any_of_the_envelopes_when_opened_then_the_same_secret(void **state)
{
	const struct unlock_secret *const each[] = {
	    &passphrase, &credential, &quorum};
	struct sealed read;
	uint8_t out[32], key[32];
	size_t which;

	(void)state;
	assert_int_equal(file_len, 52 + 3 * 248 + 72);
	assert_int_equal(
	    sealed_read(file, file_len, SEALED_ROOT, &read), SR_OK);
	assert_memory_equal(&read, &root, sizeof(read));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    unlock_open_envelope(&read, each[i], key, &which), SR_OK);
		assert_int_equal(which, i);
		assert_memory_equal(key, data_key, 32);
		assert_int_equal(unlock_open(&read, key, out), SR_OK);
		assert_memory_equal(out, secret, 32);
	}
	/* neither secret nor data key stands in the file */
	for (size_t i = 0; i + 8 <= file_len; i++) {
		assert_memory_not_equal(file + i, secret, 8);
		assert_memory_not_equal(file + i, data_key, 8);
		assert_memory_not_equal(file + i, credential_bytes, 8);
	}
}

static void
given_a_wrong_secret_when_opened_then_said_so_and_nothing_given(void **state)
{
	static const uint8_t zeros[32];
	static const uint8_t other[33] = {9, 8, 7, 1};
	const struct unlock_secret wrong[] = {
	    {SEALED_PASSPHRASE, (const uint8_t *)"Pass", 4},
	    {SEALED_PASSPHRASE, (const uint8_t *)"pass", 0},
	    {SEALED_PASSPHRASE, (const uint8_t *)"pass\n", 5},
	    {SEALED_CREDENTIAL, other, 32},
	    {SEALED_CREDENTIAL, credential_bytes, 31},
	    {SEALED_SHARES, other, 33},
	};
	uint8_t key[32];
	size_t which;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memset(key, 1, sizeof(key));
		assert_int_equal(
		    unlock_open_envelope(&root, &wrong[i], key, &which),
		    SR_UNLOCK);
		assert_memory_equal(key, zeros, sizeof(key));
	}
}

static void
given_a_secret_of_another_kind_when_opened_then_it_is_not_tried(void **state)
{
	struct sealed one = empty_root(0xbb);
	uint8_t key[32];
	size_t which;

	(void)state;
	add(&one, SEALED_CREDENTIAL, "only", &credential);
	assert_int_equal(
	    unlock_open_envelope(&one, &quorum, key, &which), SR_UNLOCK_KIND);
	/* a credential's envelope does not open as that of shares */
	one.envelopes[0].kind = SEALED_SHARES;
	assert_int_equal(
	    unlock_open_envelope(&one, &quorum, key, &which), SR_UNLOCK);
}

static void
given_any_changed_byte_when_opened_then_it_does_not_open(void **state)
{
	/* the cost of the first envelope: only to where it stays cheap */
	const size_t cost = SEALED_HEADER_LEN + 48;
	uint8_t bad[SEALED_MAX_LEN], out[32];

	(void)state;
	for (size_t i = 0; i < file_len; i++) {
		enum sr_error error;

		memcpy(bad, file, file_len);
		bad[i] ^= i == cost ? 0x02 : i == cost + 10 ? 0x30 : 0x81;
		error = unseal(bad, file_len, &credential, out);
		if (i < 8)
			assert_int_equal(error, SR_DAMAGED);
		else if (i < 10)
			assert_int_equal(error, SR_VERSION);
		else if (i == 11)
			assert_int_equal(error, SR_DAMAGED);
		else
			assert_true(error == SR_DAMAGED || error == SR_UNLOCK ||
				    error == SR_UNLOCK_KIND);
	}
}

static void
given_another_length_when_read_then_it_says_which(void **state)
{
	uint8_t longer[SEALED_MAX_LEN] = {0};
	struct sealed read;

	(void)state;
	memcpy(longer, file, file_len);
	for (size_t len = 0; len < file_len; len++)
		assert_int_equal(
		    sealed_read(file, len, SEALED_ROOT, &read), SR_CUT_OFF);
	assert_int_equal(
	    sealed_read(longer, file_len + 1, SEALED_ROOT, &read), SR_TRAILING);
}

static void
given_the_root_when_taken_for_the_identity_then_damaged(void **state)
{
	struct sealed read;

	(void)state;
	assert_int_equal(
	    sealed_read(file, file_len, SEALED_IDENTITY, &read), SR_DAMAGED);
}

static void
given_the_identity_when_opened_then_by_the_data_key_alone(void **state)
{
	struct sealed identity = empty_root(0xbb), read;
	uint8_t bytes[SEALED_MAX_LEN], out[32];
	size_t len;

	(void)state;
	identity.purpose = SEALED_IDENTITY;
	unlock_close(&identity, data_key, secret);
	len = sealed_write(&identity, bytes);
	assert_int_equal(len, 124);
	assert_int_equal(
	    sealed_read(bytes, len, SEALED_IDENTITY, &read), SR_OK);
	assert_int_equal(unlock_open(&read, data_key, out), SR_OK);
	assert_memory_equal(out, secret, 32);
	/* what keyd has, the root, is no such key */
	assert_int_equal(unlock_open(&read, secret, out), SR_UNLOCK);
	/* the tag covers whose it is and what for */
	read.bank_id[0] ^= 1;
	assert_int_equal(unlock_open(&read, data_key, out), SR_UNLOCK);
	read.bank_id[0] ^= 1;
	read.purpose = SEALED_ROOT;
	assert_int_equal(unlock_open(&read, data_key, out), SR_UNLOCK);
}

static void
given_an_envelope_of_another_bank_when_put_in_then_it_does_not_open(
    void **state)
{
	struct sealed other = empty_root(0xcc), mixed = root;
	uint8_t key[32];
	size_t which;

	(void)state;
	add(&other, SEALED_PASSPHRASE, "of the treasurer", &passphrase);
	mixed.envelopes[0] = other.envelopes[0];
	assert_int_equal(
	    unlock_open_envelope(&mixed, &passphrase, key, &which), SR_UNLOCK);
	/* nor one under another number */
	mixed = root;
	mixed.envelopes[1].number = 9;
	assert_int_equal(
	    unlock_open_envelope(&mixed, &credential, key, &which), SR_UNLOCK);
}

static void
given_a_cheaper_cost_when_put_in_then_it_does_not_open(void **state)
{
	struct sealed cheap = root;
	uint8_t key[32];
	size_t which;

	(void)state;
	cheap.envelopes[0].cost.passes = 2;
	assert_int_equal(
	    unlock_open_envelope(&cheap, &passphrase, key, &which), SR_UNLOCK);
	assert_true(UNLOCK_COST_DEFAULT.passes >= 3);
	assert_true(UNLOCK_COST_DEFAULT.memory_len >= 64u << 20);
}

static void
given_an_envelope_taken_out_by_hand_when_opened_then_the_secret_is_not_given(
    void **state)
{
	struct sealed less = root;
	uint8_t key[32], out[32];
	size_t which;

	(void)state;
	less.count = 2;
	assert_int_equal(
	    unlock_open_envelope(&less, &passphrase, key, &which), SR_OK);
	assert_int_equal(unlock_open(&less, key, out), SR_UNLOCK);
}

static void
given_envelopes_when_removed_then_never_the_last_nor_the_one_in_hand(
    void **state)
{
	struct sealed less = root;

	(void)state;
	assert_int_equal(unlock_remove_envelope(&less, 4, 0), SR_NOT_FOUND);
	assert_int_equal(unlock_remove_envelope(&less, 1, 0), SR_IN_HAND);
	assert_int_equal(unlock_remove_envelope(&less, 2, 0), SR_OK);
	assert_int_equal(less.count, 2);
	assert_int_equal(less.set, 4);
	assert_int_equal(less.envelopes[1].number, 3);
	assert_int_equal(unlock_remove_envelope(&less, 2, 0), SR_NOT_FOUND);
	assert_int_equal(unlock_remove_envelope(&less, 1, 1), SR_OK);
	assert_int_equal(unlock_remove_envelope(&less, 3, 0), SR_LAST_ENVELOPE);
	assert_int_equal(less.count, 1);
	/* no number comes twice */
	add(&less, SEALED_CREDENTIAL, "again", &credential);
	assert_int_equal(less.envelopes[1].number, 6);
}

static void
given_shares_when_noted_as_rehearsed_then_only_those_in_hand_and_for_good(
    void **state)
{
	struct sealed noted = root, read;
	uint8_t bytes[SEALED_MAX_LEN], key[32], out[32];
	size_t len, which, at = SEALED_HEADER_LEN + 2 * SEALED_ENVELOPE_LEN + 3;

	(void)state;
	assert_int_equal(unlock_note_rehearsed(&noted, 3, 1), SR_NOT_FOUND);
	assert_int_equal(unlock_note_rehearsed(&noted, 2, 1), SR_NOT_FOUND);
	assert_int_equal(unlock_note_rehearsed(&noted, 2, 2), SR_NOT_FOUND);
	assert_int_equal(unlock_note_rehearsed(&noted, 3, 2), SR_OK);
	assert_int_equal(noted.set, root.set + 1);
	unlock_close(&noted, data_key, secret);
	len = sealed_write(&noted, bytes);
	assert_int_equal(bytes[at], 1);
	assert_int_equal(sealed_read(bytes, len, SEALED_ROOT, &read), SR_OK);
	assert_true(read.envelopes[2].rehearsed);
	assert_int_equal(
	    unlock_open_envelope(&read, &quorum, key, &which), SR_OK);
	assert_int_equal(unlock_open(&read, key, out), SR_OK);
	/* by hand it is not noted */
	bytes[at] = 0;
	assert_int_equal(sealed_read(bytes, len, SEALED_ROOT, &read), SR_OK);
	assert_int_equal(unlock_open(&read, key, out), SR_UNLOCK);
}

static void
given_as_many_envelopes_as_fit_when_one_more_then_refused(void **state)
{
	struct sealed full = root, read;
	uint8_t bytes[SEALED_MAX_LEN], out[32];
	struct sealed_envelope like = {
	    .kind = SEALED_CREDENTIAL, .label = "nine"};
	size_t len;

	(void)state;
	while (full.count < 8)
		add(&full, SEALED_CREDENTIAL, "more", &credential);
	assert_int_equal(
	    unlock_add_envelope(&full, &like, &credential, data_key),
	    SR_SEALS_FULL);
	unlock_close(&full, data_key, secret);
	len = sealed_write(&full, bytes);
	assert_int_equal(len, SEALED_MAX_LEN);
	assert_int_equal(sealed_read(bytes, len, SEALED_ROOT, &read), SR_OK);
	assert_int_equal(unseal(bytes, len, &quorum, out), SR_OK);
	/* nor beyond the last number that a share can name */
	full.count = 1;
	full.set = UINT16_MAX;
	assert_int_equal(
	    unlock_add_envelope(&full, &like, &credential, data_key),
	    SR_SEALS_FULL);
}

/* In envelope n, at that byte: what no bank writes. */
static void
given_what_no_bank_writes_when_read_then_damaged(void **state)
{
	static const struct {
		size_t envelope, at;
		uint8_t value;
	} bad[] = {
	    {0, 0, 0},
	    {0, 0, 4},
	    {0, 1, 1},
	    {0, 2, 1},
	    {0, 3, 1},
	    {0, 4, 0},
	    {0, 4, 2},
	    {0, 6, 1},
	    {0, 16, 0},
	    {0, 16, ' '},
	    {0, 17, 7},
	    {0, 47, 'x'},
	    {0, 48, 0},
	    {0, 48, 65},
	    {0, 49, 1},
	    {0, 58, 0},
	    {0, 59, 0xff},
	    {0, 80, 1},
	    {0, 175, 1},
	    {1, 48, 1},
	    {1, 175, 1},
	    {2, 1, 1},
	    {2, 1, 4},
	    {2, 2, 17},
	    {2, 3, 2},
	    {2, 4, 4},
	    {2, 72, 1},
	};
	uint8_t bytes[SEALED_MAX_LEN];
	struct sealed read;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(bytes, file, file_len);
		bytes[SEALED_HEADER_LEN +
		      bad[i].envelope * SEALED_ENVELOPE_LEN + bad[i].at] =
		    bad[i].value;
		assert_int_equal(
		    sealed_read(bytes, file_len, SEALED_ROOT, &read),
		    SR_DAMAGED);
	}
	for (unsigned count = 0; count < 256; count += count == 0 ? 9 : 1) {
		memcpy(bytes, file, file_len);
		bytes[11] = (uint8_t)count;
		assert_int_equal(
		    sealed_read(bytes, file_len, SEALED_ROOT, &read),
		    SR_DAMAGED);
	}
}

static void
given_a_file_of_version_1_when_opened_then_as_ever(void **state)
{
	uint8_t bytes[SEALED_OLD_LEN + 1] = {0}, out[32];
	struct sealed read;
	struct unlock_secret wrong = passphrase;

	(void)state;
	assert_int_equal(sodium_hex2bin(bytes, sizeof(bytes), old_root,
			     strlen(old_root), NULL, NULL, NULL),
	    0);
	assert_int_equal(
	    sealed_read(bytes, SEALED_OLD_LEN, SEALED_ROOT, &read), SR_OK);
	assert_int_equal(read.version, 1);
	assert_int_equal(read.count, 1);
	assert_int_equal(read.epoch, 1);
	assert_int_equal(unlock_open_old(&read, &passphrase, out), SR_OK);
	for (uint8_t i = 0; i < 32; i++)
		assert_int_equal(out[i], i + 1);
	assert_int_equal(
	    unlock_open_old(&read, &credential, out), SR_UNLOCK_KIND);
	wrong.len = 3;
	assert_int_equal(unlock_open_old(&read, &wrong, out), SR_UNLOCK);
	for (size_t i = 0; i < SEALED_OLD_LEN; i++) {
		/* memory and passes: only their low bytes, to stay cheap */
		if (i > 16 && i < 32)
			continue;
		bytes[i] ^= 0x81;
		if (sealed_read(bytes, SEALED_OLD_LEN, SEALED_ROOT, &read) ==
		    SR_OK)
			assert_int_equal(
			    unlock_open_old(&read, &passphrase, out),
			    SR_UNLOCK);
		bytes[i] ^= 0x81;
	}
	for (size_t len = 0; len < SEALED_OLD_LEN; len++)
		assert_int_equal(
		    sealed_read(bytes, len, SEALED_ROOT, &read), SR_CUT_OFF);
	assert_int_equal(
	    sealed_read(bytes, sizeof(bytes), SEALED_ROOT, &read), SR_TRAILING);
	bytes[30] = 0xff; /* memory */
	assert_int_equal(
	    sealed_read(bytes, SEALED_OLD_LEN, SEALED_ROOT, &read), SR_DAMAGED);
}

static void
given_labels_when_judged_then_visible_text_without_spaces_around(void **state)
{
	(void)state;
	assert_true(sealed_label_valid("the board's, of 2026", 20));
	assert_true(sealed_label_valid("1234567890123456789012345678901", 31));
	assert_false(
	    sealed_label_valid("12345678901234567890123456789012", 32));
	assert_false(sealed_label_valid("", 0));
	assert_false(sealed_label_valid(" a", 2));
	assert_false(sealed_label_valid("a ", 2));
	assert_false(sealed_label_valid("a\nb", 3));
	assert_false(sealed_label_valid("\xc3\xa4", 2));
}

static void
given_a_passphrase_file_when_it_ends_in_line_feeds_then_one_is_no_part(
    void **state)
{
	(void)state;
	assert_int_equal(unlock_passphrase_len("pass", 4), 4);
	assert_int_equal(unlock_passphrase_len("pass\n", 5), 4);
	assert_int_equal(unlock_passphrase_len("pass\n\n", 6), 5);
	assert_int_equal(unlock_passphrase_len("pass\r", 5), 5);
	assert_int_equal(unlock_passphrase_len("\n", 1), 0);
	assert_int_equal(unlock_passphrase_len("", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_any_of_the_envelopes_when_opened_then_the_same_secret),
	    cmocka_unit_test(
		given_a_wrong_secret_when_opened_then_said_so_and_nothing_given),
	    cmocka_unit_test(
		given_a_secret_of_another_kind_when_opened_then_it_is_not_tried),
	    cmocka_unit_test(
		given_any_changed_byte_when_opened_then_it_does_not_open),
	    cmocka_unit_test(given_another_length_when_read_then_it_says_which),
	    cmocka_unit_test(
		given_the_root_when_taken_for_the_identity_then_damaged),
	    cmocka_unit_test(
		given_the_identity_when_opened_then_by_the_data_key_alone),
	    cmocka_unit_test(
		given_an_envelope_of_another_bank_when_put_in_then_it_does_not_open),
	    cmocka_unit_test(
		given_a_cheaper_cost_when_put_in_then_it_does_not_open),
	    cmocka_unit_test(
		given_an_envelope_taken_out_by_hand_when_opened_then_the_secret_is_not_given),
	    cmocka_unit_test(
		given_envelopes_when_removed_then_never_the_last_nor_the_one_in_hand),
	    cmocka_unit_test(
		given_shares_when_noted_as_rehearsed_then_only_those_in_hand_and_for_good),
	    cmocka_unit_test(
		given_as_many_envelopes_as_fit_when_one_more_then_refused),
	    cmocka_unit_test(given_what_no_bank_writes_when_read_then_damaged),
	    cmocka_unit_test(
		given_a_file_of_version_1_when_opened_then_as_ever),
	    cmocka_unit_test(
		given_labels_when_judged_then_visible_text_without_spaces_around),
	    cmocka_unit_test(
		given_a_passphrase_file_when_it_ends_in_line_feeds_then_one_is_no_part),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
