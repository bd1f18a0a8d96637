/* SPDX-License-Identifier: ISC */
/* The OPRF against RFC 9497, and elements that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/oprf.h"
#include "tests/lib/figures.h"

/* RFC 9497, A.1.1.1 and A.1.1.2. */
static const char *const rfc9497_1[][2] = {
    {"seed",
	"a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3"},
    {"keyInfo", "74657374206b6579"},
    {"skSm",
	"5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e"},
    {"Blind",
	"64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"},
    {"BlindedElement",
	"609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c"},
    {"EvaluationElement",
	"7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e"},
    {"Input", "00"},
    {"Output",
	"527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3"
	"ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6"},
    {"identifier", "ristretto255-SHA512"},
};

static const char *const rfc9497_2[][2] = {
    {"seed",
	"a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3"},
    {"keyInfo", "74657374206b6579"},
    {"skSm",
	"5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e"},
    {"Blind",
	"64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"},
    {"BlindedElement",
	"da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418"},
    {"EvaluationElement",
	"b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25"},
    {"Input", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"},
    {"Output",
	"f4a74c9c592497375e796aa837e907b1a045d34306a749db9f34221f7e750cb4"
	"f2a6413a6bf6fa5e19ba6348eb673934a722a7ede2e7621306d18951e7cf2c73"},
    {"identifier", "ristretto255-SHA512"},
};

#define FIGURES_LEN(f) (sizeof(f) / sizeof((f)[0]))

/* RFC 9380, K.3: SHA-512, QUUX-V01-CS02-with-expander-SHA512-256. */
static void
given_rfc_9380s_messages_then_they_expand_to_its_figures(void **state)
{
	static const char dst[] = "QUUX-V01-CS02-with-expander-SHA512-256";
	static const struct {
		const char *message;
		size_t len;
		const char *out;
	} figures[] = {
	    {"", 32,
		"6b9a7312411d92f921c6f68ca0b6380730a1a4d982c507211a90964c394179"
		"ba"},
	    {"abc", 32,
		"0da749f12fbe5483eb066a5f595055679b976e93abe9be6f0f6318bce7aca8"
		"dc"},
	};
	struct bytes expected;
	uint8_t out[128];

	(void)state;
	for (size_t i = 0; i < FIGURES_LEN(figures); i++) {
		figures_hex(&expected, figures[i].out);
		oprf_expand_message(out, figures[i].len, figures[i].message,
		    strlen(figures[i].message), dst, sizeof(dst) - 1);
		assert_int_equal(expected.len, figures[i].len);
		assert_memory_equal(out, expected.at, expected.len);
	}
}

static void
oprf_check(const struct figures *f, void *context)
{
	unsigned *count = context;
	struct bytes seed, info, key, input, blind, blinded, evaluated, output;
	uint8_t private_key[32], public_key[32], element[32], out[64];

	/* A public key: the other two modes. */
	if (figures_text(f, "Output") == NULL ||
	    figures_text(f, "pkSm") != NULL ||
	    strcmp(figures_text(f, "identifier"), "ristretto255-SHA512") != 0)
		return;
	figures_bytes(f, "seed", &seed);
	figures_bytes(f, "keyInfo", &info);
	figures_bytes(f, "skSm", &key);
	figures_bytes(f, "Input", &input);
	figures_bytes(f, "Blind", &blind);
	figures_bytes(f, "BlindedElement", &blinded);
	figures_bytes(f, "EvaluationElement", &evaluated);
	figures_bytes(f, "Output", &output);
	assert_int_equal(oprf_derive_key_pair(private_key, public_key, seed.at,
			     info.at, info.len),
	    SR_OK);
	assert_memory_equal(private_key, key.at, 32);
	assert_int_equal(
	    oprf_blind(element, input.at, input.len, blind.at), SR_OK);
	assert_memory_equal(element, blinded.at, 32);
	assert_int_equal(oprf_evaluate(element, key.at, blinded.at), SR_OK);
	assert_memory_equal(element, evaluated.at, 32);
	assert_int_equal(
	    oprf_finalize(out, input.at, input.len, blind.at, evaluated.at),
	    SR_OK);
	assert_memory_equal(out, output.at, 64);
	(*count)++;
}

static void
given_rfc_9497s_inputs_then_every_step_gives_its_figures(void **state)
{
	unsigned count = 0;

	(void)state;
	figures_given(rfc9497_1, FIGURES_LEN(rfc9497_1), oprf_check, &count);
	figures_given(rfc9497_2, FIGURES_LEN(rfc9497_2), oprf_check, &count);
	assert_int_equal(count, 2);
}

static void
given_the_folders_figures_then_they_agree(void **state)
{
	unsigned count = 0;

	(void)state;
	if (figures_each("oprf-allVectors.json", oprf_check, &count))
		assert_int_equal(count, 2);
}

/* RFC 9496, A.3: encodings that are not canonical, negative or no square. */
static void
given_bytes_that_are_no_element_then_they_are_refused(void **state)
{
	static const char *const bad[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
	    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
	};
	static const uint8_t zeros[64];
	static const uint8_t scalar[32] = {3};
	uint8_t element[32], out[64];

	(void)state;
	for (size_t i = 0; i < FIGURES_LEN(bad); i++) {
		figures_exactly(element, 32, bad[i]);
		memset(out, 1, sizeof(out));
		assert_int_equal(
		    oprf_evaluate(out, scalar, element), SR_CRYPTO);
		assert_memory_equal(out, zeros, 32);
		memset(out, 1, sizeof(out));
		assert_int_equal(
		    oprf_finalize(out, "x", 1, scalar, element), SR_CRYPTO);
		assert_memory_equal(out, zeros, 64);
	}
}

static void
given_a_blind_of_zero_then_it_is_refused(void **state)
{
	static const uint8_t zero[32];
	static const uint8_t one[32] = {1};
	uint8_t element[32], out[64];

	(void)state;
	assert_int_equal(oprf_blind(element, "x", 1, zero), SR_CRYPTO);
	assert_int_equal(oprf_blind(element, "x", 1, one), SR_OK);
	assert_int_equal(oprf_finalize(out, "x", 1, zero, element), SR_CRYPTO);
}

static void
given_two_blinds_then_the_output_is_the_same_and_the_request_is_not(
    void **state)
{
	static const uint8_t wide[2][64] = {{1, 2, 3}, {4, 5, 6}};
	static const uint8_t key[32] = {7};
	uint8_t blind[32], blinded[2][32], evaluated[32], out[2][64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		oprf_scalar(blind, wide[i]);
		assert_int_equal(
		    oprf_blind(blinded[i], "name", 4, blind), SR_OK);
		assert_int_equal(
		    oprf_evaluate(evaluated, key, blinded[i]), SR_OK);
		assert_int_equal(
		    oprf_finalize(out[i], "name", 4, blind, evaluated), SR_OK);
	}
	assert_memory_not_equal(blinded[0], blinded[1], 32);
	assert_memory_equal(out[0], out[1], 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_rfc_9380s_messages_then_they_expand_to_its_figures),
	    cmocka_unit_test(
		given_rfc_9497s_inputs_then_every_step_gives_its_figures),
	    cmocka_unit_test(given_the_folders_figures_then_they_agree),
	    cmocka_unit_test(
		given_bytes_that_are_no_element_then_they_are_refused),
	    cmocka_unit_test(given_a_blind_of_zero_then_it_is_refused),
	    cmocka_unit_test(
		given_two_blinds_then_the_output_is_the_same_and_the_request_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
