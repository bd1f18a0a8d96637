/* SPDX-License-Identifier: ISC */
/* The manifest of a backup: what was written is read, anything else refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "client/bankfile.h"
#include "client/ctl/manifest.h"

static const char *const paths[] = {"audit/audit.log", "bank.id",
    "keyd/credentials", "keyd/identity.sealed", "keyd/limits",
    "keyd/root.sealed", "keyd/state", "keyd/terminals",
    "ledger/public/certificates", "ledger/public/checkpoint",
    "ledger/segment/00000000.log", "ledger/segment/00000001.log",
    "ledger/snapshot/00000007", "strongroom.conf"};

enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

/* A whole manifest without path number `without' (PATHS: with all). */
static void
make(struct manifest *manifest, size_t without)
{
	uint8_t hash[32];

	memset(manifest, 0, sizeof(*manifest));
	memset(manifest->bank_id, 0xAB, 32);
	memset(manifest->root, 0x01, 32);
	manifest->time_ms = 1795275029484;
	manifest->epoch = 4294967295u;
	manifest->size = 1234567890123456789u;
	for (size_t i = 0; i < PATHS; i++) {
		memset(hash, (int)i, sizeof(hash));
		if (i != without)
			assert_int_equal(
			    manifest_add(manifest, paths[i], i * 1000, hash),
			    SR_OK);
	}
}

static char *
text_of(size_t without, size_t *len)
{
	struct manifest manifest;
	char *text;

	make(&manifest, without);
	assert_int_equal(manifest_encode(&manifest, &text, len), SR_OK);
	manifest_free(&manifest);
	return text;
}

static enum sr_error
decode(const char *text, size_t len, char *message)
{
	struct manifest found;
	enum sr_error error = manifest_decode(text, len, &found, message);

	manifest_free(&found);
	return error;
}

/* One text for another, in a copy of which the last line holds again. */
static enum sr_error
decode_with(const char *text, const char *from, const char *to, char *message)
{
	char *copy = malloc(2 * strlen(text) + strlen(to) + 100), hex[65];
	const char *at = strstr(text, from);
	uint8_t hash[32];
	enum sr_error error;

	assert_non_null(at);
	sprintf(
	    copy, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	*strstr(copy, "end ") = '\0';
	crypto_hash_sha256(hash, (const unsigned char *)copy, strlen(copy));
	bankfile_hex(hash, hex);
	sprintf(copy + strlen(copy), "end %s\n", hex);
	error = decode(copy, strlen(copy), message);
	free(copy);
	return error;
}

static void
given_a_manifest_when_written_and_read_then_it_is_the_same(void **state)
{
	char message[MANIFEST_MESSAGE_MAX], *text, *again;
	struct manifest found;
	size_t len, again_len;
	uint32_t last;

	(void)state;
	text = text_of(PATHS, &len);
	assert_int_equal(manifest_decode(text, len, &found, message), SR_OK);
	assert_int_equal(found.count, PATHS);
	assert_int_equal(found.epoch, 4294967295u);
	assert_int_equal(found.size, 1234567890123456789u);
	assert_true(manifest_last_segment(&found, &last) && last == 1);
	assert_int_equal(manifest_find(&found, "keyd/limits")->len, 4000);
	assert_null(manifest_find(&found, "keyd/limit"));
	assert_int_equal(manifest_encode(&found, &again, &again_len), SR_OK);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, text, len);
	manifest_free(&found);
	free(again);
	free(text);
}

/* Retired segments are those with the lowest numbers, and have one file. */
static void
given_retired_segments_when_read_then_only_as_the_first(void **state)
{
	static const char first[] = "ledger/segment/00000000.log";
	static const char second[] = "ledger/segment/00000001.log";
	char message[MANIFEST_MESSAGE_MAX], *text;
	size_t len;

	(void)state;
	text = text_of(PATHS, &len);
	assert_int_equal(
	    decode_with(text, first, "ledger/segment/00000000.leaves", message),
	    SR_OK);
	assert_int_equal(decode_with(text, second,
			     "ledger/segment/00000001.leaves", message),
	    SR_DAMAGED);
	assert_non_null(strstr(message, "one before it is not"));
	assert_int_equal(decode_with(text, second,
			     "ledger/segment/00000002.leaves", message),
	    SR_DAMAGED);
	assert_non_null(strstr(message, "segment 1 is not in it"));
	free(text);
}

static void
given_a_manifest_when_any_byte_is_changed_or_cut_then_refused(void **state)
{
	char message[MANIFEST_MESSAGE_MAX], *text;
	size_t len;

	(void)state;
	text = text_of(PATHS, &len);
	for (size_t i = 0; i < len; i++) {
		text[i] ^= 1;
		assert_int_not_equal(decode(text, len, message), SR_OK);
		assert_true(message[0] != '\0');
		text[i] ^= 1;
		assert_int_equal(decode(text, i, message), SR_DAMAGED);
	}
	free(text);
}

static void
given_a_manifest_with_more_behind_its_end_when_read_then_refused(void **state)
{
	char message[MANIFEST_MESSAGE_MAX], *text;
	size_t len;

	(void)state;
	text = text_of(PATHS, &len);
	text = realloc(text, len + 1);
	text[len] = '\n';
	assert_int_equal(decode(text, len + 1, message), SR_DAMAGED);
	assert_int_equal(decode(text, len, message), SR_OK);
	free(text);
}

static void
given_a_later_version_when_read_then_it_says_so(void **state)
{
	char message[MANIFEST_MESSAGE_MAX];
	const char text[] = "strongroom-backup 2\n";

	(void)state;
	assert_int_equal(decode(text, strlen(text), message), SR_VERSION);
	assert_int_equal(decode("x\n", 2, message), SR_DAMAGED);
	assert_int_equal(decode("", 0, message), SR_DAMAGED);
}

static void
given_a_file_that_is_missing_when_read_then_only_three_may_be(void **state)
{
	char message[MANIFEST_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < PATHS; i++) {
		size_t len;
		char *text = text_of(i, &len);
		bool may =
		    strcmp(paths[i], "audit/audit.log") == 0 ||
		    strcmp(paths[i], "strongroom.conf") == 0 ||
		    strcmp(paths[i], "keyd/identity.sealed") == 0 ||
		    strcmp(paths[i], "ledger/segment/00000001.log") == 0 ||
		    strncmp(paths[i], "ledger/snapshot", 15) == 0;

		assert_int_equal(
		    decode(text, len, message), may ? SR_OK : SR_DAMAGED);
		free(text);
	}
}

static void
given_paths_elsewhere_when_looked_at_then_none_is_allowed(void **state)
{
	static const char *const elsewhere[] = {"", "/", "/etc/passwd", "..",
	    "../bank.id", "keyd", "keyd/", "keyd/../bank.id", "keyd/state ",
	    "keyd/state.tmp", "./bank.id", "manifest", "operator-1.card",
	    "ledger/segment/0000000.log", "ledger/segment/000000000.log",
	    "ledger/segment/00000000.log.tmp", "ledger/segment/next",
	    "ledger/segment/../../../x", "ledger/snapshot/0000000",
	    "ledger/snapshot/00000001.new", "ledger/snapshot/-0000001",
	    "ledger/segment/0000000x.log", "Bank.id"};

	(void)state;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		assert_false(manifest_path_allowed(elsewhere[i]));
	for (size_t i = 0; i < PATHS; i++)
		assert_true(manifest_path_allowed(paths[i]));
}

static void
given_odd_lines_under_a_right_hash_when_read_then_refused(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} odd[] = {
	    {"time 1795275029484", "time 01795275029484"},
	    {"time 1795275029484", "time -1"},
	    {"time 1795275029484", "time 18446744073709551616"},
	    {"time 1795275029484", "time "},
	    {"epoch 4294967295", "epoch 4294967296"},
	    {"size 1234567890123456789", "size 0"},
	    {"bank abab", "bank ABAB"},
	    {"bank abab", "bank  bab"},
	    {"bank abab", "bank\tabab"},
	    {" keyd/limits", " keyd/credentials"},
	    {" keyd/limits", " keyd/limits\r"},
	    {" audit/audit.log", " keyd/limits"},
	    {" audit/audit.log", " ../audit.log"},
	    {" 4000 keyd/limits", " 04000 keyd/limits"},
	    {" 4000 keyd/limits", " 4000  keyd/limits"},
	    {"00000001.log", "00000002.log"},
	    {"root 0101", "root 01010"},
	    {"root ", "file "},
	    {"file ", "File "},
	};
	char message[MANIFEST_MESSAGE_MAX], *text;
	size_t len;

	(void)state;
	text = text_of(PATHS, &len);
	text = realloc(text, len + 1);
	text[len] = '\0';
	assert_int_equal(
	    decode_with(text, "size 1234567890123456789", "size 1", message),
	    SR_OK);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(
		    decode_with(text, odd[i].from, odd[i].to, message),
		    SR_DAMAGED);
	free(text);
}

static void
given_as_many_files_as_there_may_be_when_one_more_comes_then_refused(
    void **state)
{
	struct manifest manifest = {0};
	char path[MANIFEST_PATH_MAX];
	uint8_t hash[32] = {0};

	(void)state;
	for (unsigned i = 0; i < MANIFEST_FILES_MAX; i++) {
		snprintf(path, sizeof(path), "ledger/segment/%08u.log", i);
		assert_int_equal(manifest_add(&manifest, path, 1, hash), SR_OK);
	}
	assert_int_equal(
	    manifest_add(&manifest, "strongroom.conf", 1, hash), SR_TOO_LARGE);
	assert_int_equal(
	    manifest_add(&manifest, "bank.id", 1, hash), SR_PARAMETERS);
	manifest_free(&manifest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_retired_segments_when_read_then_only_as_the_first),
	    cmocka_unit_test(
		given_a_manifest_when_written_and_read_then_it_is_the_same),
	    cmocka_unit_test(
		given_a_manifest_when_any_byte_is_changed_or_cut_then_refused),
	    cmocka_unit_test(
		given_a_manifest_with_more_behind_its_end_when_read_then_refused),
	    cmocka_unit_test(given_a_later_version_when_read_then_it_says_so),
	    cmocka_unit_test(
		given_a_file_that_is_missing_when_read_then_only_three_may_be),
	    cmocka_unit_test(
		given_paths_elsewhere_when_looked_at_then_none_is_allowed),
	    cmocka_unit_test(
		given_odd_lines_under_a_right_hash_when_read_then_refused),
	    cmocka_unit_test(
		given_as_many_files_as_there_may_be_when_one_more_comes_then_refused),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
