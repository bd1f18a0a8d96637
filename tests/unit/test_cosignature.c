/* SPDX-License-Identifier: ISC */
/* Witnesses' cosignatures: their exact bytes, and what is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/cosignature.h"

enum { TIME_S = 1679315147 };

static uint8_t public_key[32], secret_key[64];
static struct checkpoint checkpoint;
static struct cosigner cosigner;
static char text[NOTE_READ_MAX]; /* a note, then the witness's line */
static size_t note_len, text_len;

static int
setup(void **state)
{
	uint8_t log_key[32], log_secret[64], signature[64], bank[32];
	size_t len;

	(void)state;
	if (sodium_init() < 0)
		return 1;
	crypto_sign_seed_keypair(log_key, log_secret, (const uint8_t[32]){1});
	crypto_sign_seed_keypair(
	    public_key, secret_key, (const uint8_t[32]){2});
	memset(bank, 0xab, sizeof(bank));
	note_origin(bank, 3, checkpoint.origin);
	checkpoint.size = 20852163;
	memset(checkpoint.root, 0x11, sizeof(checkpoint.root));
	if (note_sign(&checkpoint, log_secret, signature) != SR_OK)
		return 1;
	note_assemble(&checkpoint, log_key, signature, text, &note_len);
	if (cosigner_make("witness.example.com/w1", public_key, &cosigner) !=
		SR_OK ||
	    cosignature_sign(&cosigner, secret_key, &checkpoint, TIME_S,
		text + note_len, &len) != SR_OK)
		return 1;
	text_len = note_len + len;
	return 0;
}

static enum sr_error
find(uint64_t *time_s)
{
	struct note note;

	if (note_parse(text, text_len, &note) != SR_OK)
		return SR_MALFORMED;
	return cosignature_find(
	    text, text_len, note.lines_at, &cosigner, &note.checkpoint, time_s);
}

/* The message put together here once more, by the words of the standard. */
static void
given_a_cosignature_when_read_then_it_is_as_the_standard_says(void **state)
{
	static const char prefix[] = "\xe2\x80\x94 witness.example.com/w1 ";
	uint8_t bytes[COSIGNATURE_LEN], id[32], typed[64];
	char message[512], root[64];
	size_t len, name_len = strlen(cosigner.name);

	(void)state;
	assert_memory_equal(text + note_len, prefix, strlen(prefix));
	assert_int_equal(text[text_len - 1], '\n');
	assert_int_equal(sodium_base642bin(bytes, sizeof(bytes),
			     text + note_len + strlen(prefix),
			     text_len - 1 - note_len - strlen(prefix), NULL,
			     &len, NULL, sodium_base64_VARIANT_ORIGINAL),
	    0);
	assert_int_equal(len, 76);
	memcpy(typed, cosigner.name, name_len);
	typed[name_len] = '\n';
	typed[name_len + 1] = 4;
	memcpy(typed + name_len + 2, public_key, 32);
	crypto_hash_sha256(id, typed, name_len + 34);
	assert_memory_equal(bytes, id, 4);
	assert_memory_equal(bytes + 4, "\0\0\0\0\x64\x18\x50\xcb", 8);
	sodium_bin2base64(root, sizeof(root), checkpoint.root, 32,
	    sodium_base64_VARIANT_ORIGINAL);
	len = (size_t)snprintf(message, sizeof(message),
	    "cosignature/v1\ntime 1679315147\n%s\n20852163\n%s\n",
	    checkpoint.origin, root);
	assert_int_equal(crypto_sign_verify_detached(bytes + 12,
			     (const uint8_t *)message, len, public_key),
	    0);
}

static void
given_a_note_with_a_cosignature_when_looked_for_then_found(void **state)
{
	uint64_t time_s = 0;
	size_t len;

	(void)state;
	assert_int_equal(find(&time_s), SR_OK);
	assert_true(time_s == TIME_S);
	/* of two, the later one, wherever it stands */
	assert_int_equal(cosignature_sign(&cosigner, secret_key, &checkpoint,
			     TIME_S - 1, text + text_len, &len),
	    SR_OK);
	text_len += len;
	assert_int_equal(find(&time_s), SR_OK);
	assert_true(time_s == TIME_S);
	assert_int_equal(cosignature_sign(&cosigner, secret_key, &checkpoint,
			     TIME_S + 1, text + text_len, &len),
	    SR_OK);
	text_len += len;
	assert_int_equal(find(&time_s), SR_OK);
	assert_true(time_s == TIME_S + 1);
}

static void
given_any_changed_bit_of_the_line_when_looked_for_then_not_found(void **state)
{
	uint64_t time_s;

	(void)state;
	for (size_t i = note_len; i < text_len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			assert_int_not_equal(find(&time_s), SR_OK);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	assert_int_equal(find(&time_s), SR_OK);
}

static void
given_a_line_of_another_checkpoint_when_looked_for_then_refused(void **state)
{
	uint64_t time_s;
	size_t len;

	(void)state;
	checkpoint.size++;
	assert_int_equal(cosignature_sign(&cosigner, secret_key, &checkpoint,
			     TIME_S, text + note_len, &len),
	    SR_OK);
	checkpoint.size--;
	assert_int_equal(find(&time_s), SR_CRYPTO);
	/* by another key under the same name: not the witness's */
	crypto_sign_seed_keypair(
	    public_key, secret_key, (const uint8_t[32]){3});
	assert_int_equal(
	    cosigner_make("witness.example.com/w1", public_key, &cosigner),
	    SR_OK);
	assert_int_equal(find(&time_s), SR_NOT_FOUND);
}

static void
given_a_vkey_when_read_then_only_as_it_is_written(void **state)
{
	char vkey[COSIGNER_VKEY_MAX], other[NOTE_VKEY_MAX];
	struct cosigner again;

	(void)state;
	cosigner_vkey(&cosigner, vkey);
	assert_int_equal(cosigner_parse(vkey, &again), SR_OK);
	assert_memory_equal(&again, &cosigner, sizeof(again));
	for (size_t i = 0; i < strlen(vkey); i++) {
		memcpy(other, vkey, sizeof(vkey));
		other[i] = (char)(other[i] ^ 1);
		assert_int_not_equal(cosigner_parse(other, &again), SR_OK);
	}
	/* a log's key is no witness's */
	note_vkey("witness.example.com/w1", public_key, other);
	assert_int_equal(cosigner_parse(other, &again), SR_MALFORMED);
	assert_int_equal(cosigner_parse("", &again), SR_MALFORMED);
	assert_int_equal(cosigner_parse("a+b", &again), SR_MALFORMED);
	assert_int_equal(cosigner_make("", public_key, &again), SR_NAME);
	assert_int_equal(cosigner_make("a b", public_key, &again), SR_NAME);
	assert_int_equal(cosigner_make("a+b", public_key, &again), SR_NAME);
	assert_int_equal(cosigner_make("a\nb", public_key, &again), SR_NAME);
}

#define STORY(test) cmocka_unit_test_setup(test, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STORY(
		given_a_cosignature_when_read_then_it_is_as_the_standard_says),
	    STORY(given_a_note_with_a_cosignature_when_looked_for_then_found),
	    STORY(
		given_any_changed_bit_of_the_line_when_looked_for_then_not_found),
	    STORY(
		given_a_line_of_another_checkpoint_when_looked_for_then_refused),
	    STORY(given_a_vkey_when_read_then_only_as_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
