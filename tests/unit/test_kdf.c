/* SPDX-License-Identifier: ISC */
/* Hashes, HMAC and HKDF against the published figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/kdf.h"
#include "tests/lib/figures.h"

/* FIPS 180-4's example "abc". */
static void
given_abc_then_the_hashes_are_the_standards(void **state)
{
	uint8_t expected[64];
	uint8_t out[64];
	const struct kdf_part parts[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};

	(void)state;
	figures_exactly(expected, 32,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	kdf_sha256(out, "abc", 3);
	assert_memory_equal(out, expected, 32);
	figures_exactly(expected, 64,
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
	kdf_sha512(out, "abc", 3);
	assert_memory_equal(out, expected, 64);
	kdf_sha512_parts(out, parts, 3);
	assert_memory_equal(out, expected, 64);
}

/* RFC 4231, test case 2. */
static void
given_a_short_key_then_hmac_is_the_rfcs(void **state)
{
	static const char message[] = "what do ya want for nothing?";
	uint8_t expected[64];
	uint8_t out[64];

	(void)state;
	figures_exactly(expected, 32,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	kdf_hmac_sha256(out, "Jefe", 4, message, sizeof(message) - 1);
	assert_memory_equal(out, expected, 32);
	figures_exactly(expected, 64,
	    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
	kdf_hmac_sha512(out, "Jefe", 4, message, sizeof(message) - 1);
	assert_memory_equal(out, expected, 64);
}

static void
hkdf_check(const struct figures *f, void *context)
{
	unsigned *count = context;
	struct bytes ikm, salt, info, okm;
	uint8_t prk[KDF_PRK_LEN];
	uint8_t out[FIGURES_MAX];

	/* Too long an output is asserted, not answered; groups have no okm. */
	if (figures_text(f, "okm") == NULL ||
	    strcmp(figures_text(f, "result"), "valid") != 0)
		return;
	figures_bytes(f, "ikm", &ikm);
	figures_bytes(f, "salt", &salt);
	figures_bytes(f, "info", &info);
	figures_bytes(f, "okm", &okm);
	kdf_extract(prk, salt.at, salt.len, ikm.at, ikm.len);
	kdf_expand(out, okm.len, prk, info.at, info.len);
	assert_memory_equal(out, okm.at, okm.len);
	(*count)++;
}

/* RFC 5869's test case 1 with SHA-512 in place of SHA-256. */
static void
given_rfc_5869s_inputs_then_hkdf_sha512_gives_its_figure(void **state)
{
	static const char *const figures[][2] = {
	    {"ikm", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"},
	    {"salt", "000102030405060708090a0b0c"},
	    {"info", "f0f1f2f3f4f5f6f7f8f9"},
	    {"okm",
		"832390086cda71fb47625bb5ceb168e4c8e26a1a16ed34d9fc7fe92c1481579338da362cb8d9f925d7cb"},
	    {"result", "valid"},
	};
	unsigned count = 0;

	(void)state;
	figures_given(figures, 5, hkdf_check, &count);
	assert_int_equal(count, 1);
}

static void
given_wycheproofs_figures_then_hkdf_agrees(void **state)
{
	unsigned count = 0;

	(void)state;
	if (figures_each("wy_hkdf_sha512.json", hkdf_check, &count))
		assert_true(count > 70);
}

static void
hmac_check(const struct figures *f, void *context)
{
	unsigned *count = context;
	struct bytes key, msg, tag;
	uint8_t out[KDF_SHA512_LEN];
	bool same;

	if (figures_text(f, "tag") == NULL)
		return;
	figures_bytes(f, "key", &key);
	figures_bytes(f, "msg", &msg);
	figures_bytes(f, "tag", &tag);
	kdf_hmac_sha512(out, key.at, key.len, msg.at, msg.len);
	/* Shorter tags are the first bytes of a whole one. */
	same = memcmp(out, tag.at, tag.len) == 0;
	assert_int_equal(same, strcmp(figures_text(f, "result"), "valid") == 0);
	(*count)++;
}

static void
given_wycheproofs_figures_then_hmac_agrees(void **state)
{
	unsigned count = 0;

	(void)state;
	if (figures_each("wy_hmac_sha512.json", hmac_check, &count))
		assert_true(count > 170);
}

static void
given_a_label_then_the_info_is_prefix_label_context(void **state)
{
	static const char info[] = "strongroom/1 terminalABCD";
	uint8_t key[64];
	uint8_t expected[100];
	uint8_t out[100];

	(void)state;
	memset(key, 7, sizeof(key));
	kdf_expand(expected, sizeof(expected), key, info, sizeof(info) - 1);
	kdf_expand_label(out, sizeof(out), key, 64, "terminal", "ABCD", 4);
	assert_memory_equal(out, expected, sizeof(out));
	kdf_expand_label(out, sizeof(out), key, 64, "terminalA", "BCE", 3);
	assert_memory_not_equal(out, expected, sizeof(out));
	/* HMAC pads a key with zeros: a root of 32 bytes is its own key. */
	memset(key + 32, 0, 32);
	kdf_expand(expected, sizeof(expected), key, info, sizeof(info) - 1);
	kdf_expand_label(out, sizeof(out), key, 32, "terminal", "ABCD", 4);
	assert_memory_equal(out, expected, sizeof(out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_abc_then_the_hashes_are_the_standards),
	    cmocka_unit_test(given_a_short_key_then_hmac_is_the_rfcs),
	    cmocka_unit_test(
		given_rfc_5869s_inputs_then_hkdf_sha512_gives_its_figure),
	    cmocka_unit_test(given_wycheproofs_figures_then_hkdf_agrees),
	    cmocka_unit_test(given_wycheproofs_figures_then_hmac_agrees),
	    cmocka_unit_test(
		given_a_label_then_the_info_is_prefix_label_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
