/* SPDX-License-Identifier: ISC */
/* Checkpoints as signed notes: their exact text, and how strictly read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/note.h"

static uint8_t public_key[32], secret_key[64];
static struct checkpoint checkpoint;
static char text[NOTE_MAX];
static size_t text_len;

static int
setup(void **state)
{
	uint8_t seed[32] = {9}, bank[32], signature[64];

	(void)state;
	if (sodium_init() < 0)
		return 1;
	crypto_sign_seed_keypair(public_key, secret_key, seed);
	memset(bank, 0xab, sizeof(bank));
	note_origin(bank, 3, checkpoint.origin);
	checkpoint.size = 42;
	memset(checkpoint.root, 0x11, sizeof(checkpoint.root));
	if (note_sign(&checkpoint, secret_key, signature) != SR_OK)
		return 1;
	note_assemble(&checkpoint, public_key, signature, text, &text_len);
	return 0;
}

static void
given_a_checkpoint_when_written_then_its_body_is_three_lines(void **state)
{
	static const char start[] =
	    "strongroom/"
	    "abababababababababababababababab"
	    "abababababababababababababababab/3\n"
	    "42\n"
	    "ERERERERERERERERERERERERERERERERERERERERERE=\n"
	    "\n"
	    "\xe2\x80\x94 strongroom/abab";

	(void)state;
	assert_memory_equal(text, start, strlen(start));
	assert_int_equal(text[text_len - 1], '\n');
}

static void
given_the_example_of_other_tools_when_asked_then_the_same_vkey(void **state)
{
	/* golang.org/x/mod/sumdb/note, documented verifier key */
	static const char vkey[] =
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	char out[NOTE_VKEY_MAX];
	uint8_t key[33];
	size_t len;

	(void)state;
	assert_int_equal(
	    sodium_base642bin(key, sizeof(key), vkey + 22, strlen(vkey) - 22,
		NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL),
	    0);
	note_vkey("PeterNeumann", key + 1, out);
	assert_string_equal(out, vkey);
}

static void
given_a_note_when_parsed_then_its_signature_verifies(void **state)
{
	uint8_t other[32] = {1};
	struct note note;

	(void)state;
	assert_int_equal(note_parse(text, text_len, &note), SR_OK);
	assert_int_equal(note.signature_count, 1);
	assert_true(note.checkpoint.size == 42);
	assert_int_equal(note_verify(&note, public_key), SR_OK);
	assert_int_equal(note_verify(&note, other), SR_NOT_FOUND);
	note.checkpoint.size = 43;
	assert_int_equal(note_verify(&note, public_key), SR_CRYPTO);
}

static void
given_a_cosignature_when_parsed_then_it_is_set_aside(void **state)
{
	char more[NOTE_MAX + 64];
	struct note note;
	int len = snprintf(more, sizeof(more),
	    "%.*s\xe2\x80\x94 w.example/x "
	    "AAAAAAQAAAA=\n",
	    (int)text_len, text);

	(void)state;
	assert_int_equal(note_parse(more, (size_t)len, &note), SR_OK);
	assert_int_equal(note.signature_count, 1);
	assert_int_equal(note.other_count, 1);
	assert_int_equal(note_verify(&note, public_key), SR_OK);
}

/* libsodium takes each byte that is not ASCII for a slash. */
static void
given_a_slash_in_the_signature_when_not_ascii_then_malformed(void **state)
{
	uint8_t signature[NOTE_SIGNATURE_LEN];
	char bytes[NOTE_MAX];
	struct note note;
	size_t len;

	(void)state;
	memset(signature, 0xff, sizeof(signature));
	note_assemble(&checkpoint, public_key, signature, bytes, &len);
	assert_int_equal(note_parse(bytes, len, &note), SR_OK);
	assert_int_equal(bytes[len - 20], '/');
	bytes[len - 20] = (char)0xaf;
	assert_int_equal(note_parse(bytes, len, &note), SR_MALFORMED);
}

static void
given_any_changed_or_missing_byte_when_read_then_nothing_verifies(void **state)
{
	char bytes[NOTE_MAX];
	struct note note;

	(void)state;
	for (size_t i = 0; i < text_len; i++) {
		assert_true(note_parse(text, i, &note) != SR_OK);
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bytes, text, text_len);
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
			assert_true(
			    note_parse(bytes, text_len, &note) != SR_OK ||
			    note_verify(&note, public_key) != SR_OK);
		}
	}
}

static void
given_other_shapes_when_parsed_then_malformed(void **state)
{
	static const char root[] =
	    "ERERERERERERERERERERERERERERERERERERERERERE=";
	static const char line[] = "\xe2\x80\x94 o AAAAAAA=\n";
	static const char *const sizes[] = {
	    "042", "+42", "", "-1", "9223372036854775808", "42 ", "0x2"};
	char bytes[NOTE_MAX];
	struct note note;
	int len;

	(void)state;
	len = snprintf(bytes, sizeof(bytes), "o\n42\n%s\n\n%s", root, line);
	assert_int_equal(note_parse(bytes, (size_t)len, &note), SR_OK);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		len = snprintf(bytes, sizeof(bytes), "o\n%s\n%s\n\n%s",
		    sizes[i], root, line);
		assert_int_equal(
		    note_parse(bytes, (size_t)len, &note), SR_MALFORMED);
	}
	len =
	    snprintf(bytes, sizeof(bytes), "o\r\n42\r\n%s\r\n\n%s", root, line);
	assert_int_equal(note_parse(bytes, (size_t)len, &note), SR_MALFORMED);
	len =
	    snprintf(bytes, sizeof(bytes), "o\n42\n%s\nmore\n\n%s", root, line);
	assert_int_equal(note_parse(bytes, (size_t)len, &note), SR_MALFORMED);
	/* base64 that is not canonical: the last character's spare bits */
	len =
	    snprintf(bytes, sizeof(bytes), "o\n42\n%.42sF=\n\n%s", root, line);
	assert_int_equal(note_parse(bytes, (size_t)len, &note), SR_MALFORMED);
}

static void
given_origins_when_parsed_then_only_ours_pass(void **state)
{
	char origin[NOTE_ORIGIN_MAX];
	uint8_t bank[32];
	uint32_t epoch;

	(void)state;
	assert_int_equal(
	    note_origin_parse(checkpoint.origin, bank, &epoch), SR_OK);
	assert_int_equal(epoch, 3);
	assert_int_equal(bank[31], 0xab);
	memcpy(origin, checkpoint.origin, sizeof(origin));
	origin[11] = 'A';
	assert_int_equal(note_origin_parse(origin, bank, &epoch), SR_MALFORMED);
	memcpy(origin, checkpoint.origin, sizeof(origin));
	strcat(origin, "\n");
	assert_int_equal(note_origin_parse(origin, bank, &epoch), SR_MALFORMED);
	assert_int_equal(
	    note_origin_parse("strongroom/", bank, &epoch), SR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_checkpoint_when_written_then_its_body_is_three_lines),
	    cmocka_unit_test(
		given_the_example_of_other_tools_when_asked_then_the_same_vkey),
	    cmocka_unit_test(
		given_a_note_when_parsed_then_its_signature_verifies),
	    cmocka_unit_test(
		given_a_cosignature_when_parsed_then_it_is_set_aside),
	    cmocka_unit_test(
		given_a_slash_in_the_signature_when_not_ascii_then_malformed),
	    cmocka_unit_test(
		given_any_changed_or_missing_byte_when_read_then_nothing_verifies),
	    cmocka_unit_test(given_other_shapes_when_parsed_then_malformed),
	    cmocka_unit_test(given_origins_when_parsed_then_only_ours_pass),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
