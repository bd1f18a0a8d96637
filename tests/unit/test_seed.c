/* SPDX-License-Identifier: ISC */
/* The account seed: the published derivations, and whose wrap it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "client/seed.h"
#include "common/aead.h"
#include "common/kdf.h"

static const uint8_t seed[SEED_LEN] = {1, 2, 3};
static const uint8_t export_key[OPAQUE_EXPORT_KEY_LEN] = {4, 5, 6};
static const uint8_t bank_id[BANK_ID_LEN] = {7, 8, 9};

static void
given_a_seed_and_an_epoch_then_its_keys_are_these(void **state)
{
	uint8_t derived[32], public_key[32], secret[64];
	struct seed_keys keys;

	(void)state;
	seed_keys_derive(seed, 0x0201, &keys);
	kdf_expand_parts(derived, 32, seed, SEED_LEN,
	    (struct kdf_part[]){
		{"strongroom/1 ed25519", 20}, {"\x01\x02\x00\x00", 4}},
	    2);
	crypto_sign_seed_keypair(public_key, secret, derived);
	assert_memory_equal(keys.signing_public, public_key, 32);
	assert_memory_equal(keys.signing_secret, secret, 64);
	kdf_expand_parts(derived, 32, seed, SEED_LEN,
	    (struct kdf_part[]){
		{"strongroom/1 x25519", 19}, {"\x01\x02\x00\x00", 4}},
	    2);
	assert_memory_equal(keys.message_private, derived, 32);
	crypto_scalarmult_base(public_key, derived);
	assert_memory_equal(keys.message_public, public_key, 32);
	kdf_expand_parts(derived, 32, seed, SEED_LEN,
	    (struct kdf_part[]){{"strongroom/1 file", 17}}, 1);
	assert_memory_equal(keys.file_root, derived, 32);
}

static void
given_a_wrap_then_it_opens_as_published(void **state)
{
	uint8_t wrapped[WRAPPED_SEED_LEN], key[32], out[SEED_LEN], ad[35];

	(void)state;
	seed_wrap(seed, export_key, "ada", bank_id, wrapped);
	kdf_expand(key, 32, export_key, "strongroom/1 wrap", 17);
	memcpy(ad, "ada", 3);
	memcpy(ad + 3, bank_id, 32);
	assert_int_equal(
	    aead_open(out, key, 0, ad, sizeof(ad), wrapped, sizeof(wrapped)),
	    SR_OK);
	assert_memory_equal(out, seed, SEED_LEN);
}

static void
given_another_key_name_or_bank_then_it_does_not_open(void **state)
{
	uint8_t wrapped[WRAPPED_SEED_LEN], out[SEED_LEN];
	uint8_t other_key[OPAQUE_EXPORT_KEY_LEN], other_bank[BANK_ID_LEN];

	(void)state;
	memcpy(other_key, export_key, sizeof(other_key));
	memcpy(other_bank, bank_id, sizeof(other_bank));
	other_key[63] ^= 1;
	other_bank[31] ^= 1;
	seed_wrap(seed, export_key, "ada", bank_id, wrapped);
	assert_int_equal(
	    seed_unwrap(wrapped, export_key, "ada", bank_id, out), SR_OK);
	assert_memory_equal(out, seed, SEED_LEN);
	assert_int_equal(
	    seed_unwrap(wrapped, other_key, "ada", bank_id, out), SR_CRYPTO);
	assert_int_equal(
	    seed_unwrap(wrapped, export_key, "adb", bank_id, out), SR_CRYPTO);
	assert_int_equal(
	    seed_unwrap(wrapped, export_key, "ada", other_bank, out),
	    SR_CRYPTO);
	assert_true(sodium_is_zero(out, sizeof(out)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_a_seed_and_an_epoch_then_its_keys_are_these),
	    cmocka_unit_test(given_a_wrap_then_it_opens_as_published),
	    cmocka_unit_test(
		given_another_key_name_or_bank_then_it_does_not_open),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
