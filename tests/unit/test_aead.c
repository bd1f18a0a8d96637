/* SPDX-License-Identifier: ISC */
/* Sealing and wrapping: published figures, and nothing altered passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/aead.h"
#include "tests/lib/figures.h"
#include "sodium.h"

/* RFC 8439, A.5: its nonce begins with four zero bytes, as all of ours do. */
static void
given_rfc_8439s_message_then_it_opens_and_seals_to_the_same(void **state)
{
	static const uint64_t counter = UINT64_C(0x0807060504030201);
	static const char begin[] = "Internet-Drafts are draft documents valid";
	struct bytes sealed;
	uint8_t key[32];
	uint8_t ad[12];
	uint8_t plain[300];
	uint8_t again[300];
	size_t len;

	(void)state;
	figures_exactly(key, 32,
	    "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
	figures_exactly(ad, 12, "f33388860000000000004e91");
	figures_hex(&sealed,
	    "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
	    "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
	    "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
	    "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
	    "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
	    "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
	    "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
	    "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
	    "a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38");
	len = sealed.len - AEAD_TAG_LEN;
	assert_int_equal(
	    aead_open(plain, key, counter, ad, 12, sealed.at, sealed.len),
	    SR_OK);
	assert_memory_equal(plain, begin, sizeof(begin) - 1);
	aead_seal(again, key, counter, ad, 12, plain, len);
	assert_memory_equal(again, sealed.at, sealed.len);
}

/* draft-irtf-cfrg-xchacha-03, A.3.1. */
static void
given_the_drafts_xchacha_message_then_it_wraps_to_the_same(void **state)
{
	static const char plain[] =
	    "Ladies and Gentlemen of the class of '99: If I could offer you "
	    "only one tip for the future, sunscreen would be it.";
	uint8_t key[32];
	uint8_t nonce[24];
	uint8_t ad[12];
	uint8_t expected[114 + AEAD_TAG_LEN];
	uint8_t out[114 + AEAD_WRAP_OVERHEAD];
	uint8_t back[114];

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		key[i] = (uint8_t)(0x80 + i);
	for (unsigned i = 0; i < 24; i++)
		nonce[i] = (uint8_t)(0x40 + i);
	figures_exactly(ad, 12, "50515253c0c1c2c3c4c5c6c7");
	figures_exactly(expected, sizeof(expected),
	    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	    "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780a"
	    "cf49");
	aead_wrap(out, key, nonce, ad, 12, plain, 114);
	assert_memory_equal(out, nonce, 24);
	assert_memory_equal(out + 24, expected, sizeof(expected));
	assert_int_equal(
	    aead_unwrap(back, key, ad, 12, out, sizeof(out)), SR_OK);
	assert_memory_equal(back, plain, 114);
}

static void
chacha_check(const struct figures *f, void *context)
{
	unsigned *count = context;
	struct bytes key, iv, aad, msg, ct, tag;
	uint8_t sealed[FIGURES_MAX];
	uint8_t out[FIGURES_MAX];
	uint64_t counter = 0;
	enum sr_error expected;

	/* Other sizes, and nonces of another layout, cannot be asked of us. */
	if (figures_text(f, "tag") == NULL ||
	    figures_bytes(f, "iv", &iv)->len != AEAD_NONCE_LEN ||
	    memcmp(iv.at, "\0\0\0\0", 4) != 0)
		return;
	figures_bytes(f, "key", &key);
	figures_bytes(f, "aad", &aad);
	figures_bytes(f, "msg", &msg);
	figures_bytes(f, "ct", &ct);
	figures_bytes(f, "tag", &tag);
	for (size_t i = AEAD_NONCE_LEN; i-- > 4;)
		counter = counter << 8 | iv.at[i];
	if (counter == UINT64_MAX)
		return;
	expected =
	    strcmp(figures_text(f, "result"), "valid") == 0 ? SR_OK : SR_CRYPTO;
	memcpy(sealed, ct.at, ct.len);
	memcpy(sealed + ct.len, tag.at, tag.len);
	assert_int_equal(aead_open(out, key.at, counter, aad.at, aad.len,
			     sealed, ct.len + tag.len),
	    expected);
	if (expected == SR_OK) {
		assert_memory_equal(out, msg.at, msg.len);
		aead_seal(
		    out, key.at, counter, aad.at, aad.len, msg.at, msg.len);
		assert_memory_equal(out, sealed, ct.len + tag.len);
	}
	(*count)++;
}

static void
given_wycheproofs_figures_then_sealing_agrees(void **state)
{
	unsigned count = 0;

	(void)state;
	if (figures_each("wy_chacha20_poly1305.json", chacha_check, &count))
		assert_true(count > 0);
}

static void
given_any_flipped_bit_then_it_does_not_open_and_gives_zeros(void **state)
{
	static const uint8_t key[32] = {1};
	static const uint8_t nonce[24] = {2};
	static const uint8_t zeros[5];
	uint8_t sealed[5 + AEAD_TAG_LEN];
	uint8_t wrapped[5 + AEAD_WRAP_OVERHEAD];
	uint8_t out[5];

	(void)state;
	aead_seal(sealed, key, 9, "ad", 2, "money", 5);
	for (size_t i = 0; i < 8 * sizeof(sealed); i++) {
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		memset(out, 1, sizeof(out));
		assert_int_equal(
		    aead_open(out, key, 9, "ad", 2, sealed, sizeof(sealed)),
		    SR_CRYPTO);
		assert_memory_equal(out, zeros, sizeof(out));
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	aead_wrap(wrapped, key, nonce, "ad", 2, "money", 5);
	for (size_t i = 0; i < 8 * sizeof(wrapped); i++) {
		wrapped[i / 8] ^= (uint8_t)(1 << i % 8);
		memset(out, 1, sizeof(out));
		assert_int_equal(
		    aead_unwrap(out, key, "ad", 2, wrapped, sizeof(wrapped)),
		    SR_CRYPTO);
		assert_memory_equal(out, zeros, sizeof(out));
		wrapped[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void
given_another_counter_ad_key_or_length_then_it_does_not_open(void **state)
{
	static const uint8_t key[32] = {1};
	static const uint8_t other[32] = {2};
	uint8_t sealed[5 + AEAD_TAG_LEN];
	uint8_t wrapped[5 + AEAD_WRAP_OVERHEAD];
	uint8_t nonce[24] = {0};
	uint8_t out[5];

	(void)state;
	aead_seal(sealed, key, 9, "ad", 2, "money", 5);
	assert_int_equal(aead_open(out, key, 9, "ad", 2, sealed, 21), SR_OK);
	assert_int_equal(
	    aead_open(out, key, 10, "ad", 2, sealed, 21), SR_CRYPTO);
	assert_int_equal(
	    aead_open(out, key, 9, "aD", 2, sealed, 21), SR_CRYPTO);
	assert_int_equal(
	    aead_open(out, other, 9, "ad", 2, sealed, 21), SR_CRYPTO);
	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_int_equal(
		    aead_open(out, key, 9, "ad", 2, sealed, len), SR_CRYPTO);
	aead_wrap(wrapped, key, nonce, "ad", 2, "money", 5);
	assert_int_equal(
	    aead_unwrap(out, key, "aD", 2, wrapped, 45), SR_CRYPTO);
	assert_int_equal(
	    aead_unwrap(out, other, "ad", 2, wrapped, 45), SR_CRYPTO);
	for (size_t len = 0; len < sizeof(wrapped); len++)
		assert_int_equal(
		    aead_unwrap(out, key, "ad", 2, wrapped, len), SR_CRYPTO);
}

/* Noise keeps this counter for other ends; a good tag does not help. */
static void
given_the_last_counter_then_it_does_not_open(void **state)
{
	static const uint8_t key[32] = {1};
	uint8_t nonce[AEAD_NONCE_LEN];
	uint8_t sealed[5 + AEAD_TAG_LEN];
	uint8_t out[5];

	(void)state;
	for (uint64_t back = 0; back < 2; back++) {
		aead_nonce(nonce, UINT64_MAX - back);
		assert_int_equal(
		    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL,
			(const uint8_t *)"money", 5, NULL, 0, NULL, nonce, key),
		    0);
		assert_int_equal(aead_open(out, key, UINT64_MAX - back, NULL, 0,
				     sealed, sizeof(sealed)),
		    back == 0 ? SR_CRYPTO : SR_OK);
	}
}

/* Signatures have no wrapper: this pins down the rules of the library. */
static void
ed25519_check(const struct figures *f, void *context)
{
	unsigned *count = context;
	struct bytes pk, msg, sig;
	bool good;

	if (figures_text(f, "sig") == NULL)
		return;
	figures_bytes(f, "pk", &pk);
	figures_bytes(f, "msg", &msg);
	figures_bytes(f, "sig", &sig);
	good = sig.len == 64 && crypto_sign_ed25519_verify_detached(
				    sig.at, msg.at, msg.len, pk.at) == 0;
	assert_int_equal(good, strcmp(figures_text(f, "result"), "valid") == 0);
	(*count)++;
}

static void
given_wycheproofs_figures_then_signatures_verify_as_they_should(void **state)
{
	unsigned count = 0;

	(void)state;
	if (figures_each("wy_ed25519.json", ed25519_check, &count))
		assert_true(count > 140);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_rfc_8439s_message_then_it_opens_and_seals_to_the_same),
	    cmocka_unit_test(
		given_the_drafts_xchacha_message_then_it_wraps_to_the_same),
	    cmocka_unit_test(given_wycheproofs_figures_then_sealing_agrees),
	    cmocka_unit_test(
		given_any_flipped_bit_then_it_does_not_open_and_gives_zeros),
	    cmocka_unit_test(
		given_another_counter_ad_key_or_length_then_it_does_not_open),
	    cmocka_unit_test(given_the_last_counter_then_it_does_not_open),
	    cmocka_unit_test(
		given_wycheproofs_figures_then_signatures_verify_as_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
