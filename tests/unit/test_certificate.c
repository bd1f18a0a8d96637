/* SPDX-License-Identifier: ISC */
/* HELLO, certificate, attestation: layout, and nothing altered passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "common/certificate.h"

struct keys {
	uint8_t identity[32], identity_secret[64];
	uint8_t other[32], other_secret[64];
};

static void
make_keys(struct keys *keys)
{
	static const uint8_t one[32] = {1}, two[32] = {2};

	crypto_sign_seed_keypair(keys->identity, keys->identity_secret, one);
	crypto_sign_seed_keypair(keys->other, keys->other_secret, two);
}

static struct certificate
make_certificate(const struct keys *keys)
{
	struct certificate c = {
	    .epoch = 7, .not_after_ms = UINT64_C(0x1122334455667788)};

	bank_id_of(keys->identity, c.bank_id);
	memset(c.noise_key, 0xa1, 32);
	memset(c.opaque_key, 0xa2, 32);
	memset(c.log_key, 0xa3, 32);
	memset(c.attestation_key, 0xa4, 32);
	c.key_id = certificate_key_id(&c);
	return c;
}

static void
given_a_certificate_then_its_bytes_stand_where_the_header_says(void **state)
{
	struct keys keys;
	struct certificate c;
	uint8_t bytes[CERTIFICATE_LEN], message[24 + 192];

	(void)state;
	make_keys(&keys);
	c = make_certificate(&keys);
	certificate_sign(&c, keys.identity_secret, bytes);
	assert_memory_equal(bytes, "SRCERT01", 8);
	assert_int_equal(bytes[12], 7);
	assert_memory_equal(bytes + 24, c.bank_id, 32);
	assert_memory_equal(bytes + 56, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	assert_memory_equal(bytes + 64, c.noise_key, 32);
	assert_memory_equal(bytes + 96, c.opaque_key, 32);
	assert_memory_equal(bytes + 128, c.log_key, 32);
	assert_memory_equal(bytes + 160, c.attestation_key, 32);
	memcpy(message, "strongroom/1 certificate", 24);
	memcpy(message + 24, bytes, 192);
	assert_int_equal(crypto_sign_verify_detached(bytes + 192, message,
			     sizeof(message), keys.identity),
	    0);
}

static void
given_a_certificate_then_it_verifies_under_its_identity_only(void **state)
{
	struct keys keys;
	struct certificate c, read;
	uint8_t bytes[CERTIFICATE_LEN];

	(void)state;
	make_keys(&keys);
	c = make_certificate(&keys);
	certificate_sign(&c, keys.identity_secret, bytes);
	assert_int_equal(
	    certificate_verify(bytes, keys.identity, &read), SR_OK);
	assert_memory_equal(&read, &c, sizeof(c));
	assert_int_equal(
	    certificate_verify(bytes, keys.other, &read), SR_BANK_KEY);
	/* the signer is right, the bank id is somebody else's */
	bank_id_of(keys.other, c.bank_id);
	certificate_sign(&c, keys.identity_secret, bytes);
	assert_int_equal(
	    certificate_verify(bytes, keys.identity, &read), SR_BANK_KEY);
	/* the bank id is right, the signer is somebody else */
	bank_id_of(keys.identity, c.bank_id);
	certificate_sign(&c, keys.other_secret, bytes);
	assert_int_equal(
	    certificate_verify(bytes, keys.identity, &read), SR_BANK_KEY);
}

static void
given_any_bit_of_a_certificate_altered_then_it_is_refused(void **state)
{
	struct keys keys;
	struct certificate c, read;
	uint8_t bytes[CERTIFICATE_LEN];

	(void)state;
	make_keys(&keys);
	c = make_certificate(&keys);
	certificate_sign(&c, keys.identity_secret, bytes);
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (certificate_verify(bytes, keys.identity, &read) == SR_OK)
			fail_msg("bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
given_signed_nonsense_then_it_is_malformed(void **state)
{
	static const size_t reserved[] = {0, 8, 16, 19, 20, 23};
	struct keys keys;
	struct certificate c, read;
	uint8_t bytes[CERTIFICATE_LEN], message[24 + 192];

	(void)state;
	make_keys(&keys);
	c = make_certificate(&keys);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		certificate_write_unsigned(&c, bytes);
		bytes[reserved[i]] ^= 1;
		memcpy(message, "strongroom/1 certificate", 24);
		memcpy(message + 24, bytes, 192);
		crypto_sign_detached(bytes + 192, NULL, message,
		    sizeof(message), keys.identity_secret);
		assert_int_equal(
		    certificate_verify(bytes, keys.identity, &read),
		    SR_MALFORMED);
	}
}

static void
given_epochs_and_times_then_only_the_current_certificate_passes(void **state)
{
	struct certificate c = {.epoch = 3, .not_after_ms = 1000};

	(void)state;
	assert_int_equal(certificate_current(&c, 0, 1000), SR_OK);
	assert_int_equal(certificate_current(&c, 3, 1000), SR_OK);
	assert_int_equal(certificate_current(&c, 4, 1000), SR_CERTIFICATE);
	assert_int_equal(certificate_current(&c, 3, 1001), SR_CERTIFICATE);
}

static void
given_a_hello_then_it_reads_back_and_reserved_bytes_are_checked(void **state)
{
	struct hello hello = {
	    .key_id = 0x01020304, .beacon_number = 5, .server_time_ms = 6};
	struct hello read;
	uint8_t bytes[HELLO_FIXED_LEN];

	(void)state;
	memset(hello.beacon, 0xbe, sizeof(hello.beacon));
	hello_write(&hello, bytes);
	assert_memory_equal(bytes, "SRHELLO1\x04\x03\x02\x01", 12);
	assert_int_equal(hello_read(bytes, &read), SR_OK);
	assert_memory_equal(&read, &hello, sizeof(read));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bool fixed = i < 8 || (i >= 12 && i < 16) || i >= 48;

		bytes[i] ^= 0x80;
		assert_int_equal(
		    hello_read(bytes, &read), fixed ? SR_MALFORMED : SR_OK);
		bytes[i] ^= 0x80;
	}
}

static struct attestation
make_attestation(const struct keys *keys, const uint8_t salt[NAME_SALT_LEN])
{
	struct attestation a = {
	    .customer = 42, .key_epoch = 1, .key_id = 0x0badcafe};

	bank_id_of(keys->identity, a.bank_id);
	attestation_name_hash(salt, "ada", 3, a.name_hash);
	memset(a.signing_key, 0x51, 32);
	memset(a.message_key, 0x52, 32);
	memset(a.previous_hash, 0x53, 32);
	return a;
}

static void
given_an_attestation_then_it_is_of_its_bank_and_name_only(void **state)
{
	uint8_t salt[NAME_SALT_LEN] = {9}, bytes[ATTESTATION_LEN], bank[32];
	struct keys keys;
	struct attestation a, read;

	(void)state;
	make_keys(&keys);
	a = make_attestation(&keys, salt);
	attestation_sign(&a, keys.other_secret, bytes);
	bank_id_of(keys.identity, bank);
	assert_int_equal(
	    attestation_verify(bytes, keys.other, bank, &read), SR_OK);
	assert_memory_equal(&read, &a, sizeof(a));
	assert_true(attestation_is_of(&read, salt, "ada", 3));
	assert_false(attestation_is_of(&read, salt, "adb", 3));
	assert_false(attestation_is_of(&read, salt, "adaa", 4));
	assert_int_equal(attestation_verify(bytes, keys.identity, bank, &read),
	    SR_SIGNATURE);
	bank[0] ^= 1;
	assert_int_equal(
	    attestation_verify(bytes, keys.other, bank, &read), SR_WRONG_BANK);
	salt[0] ^= 1;
	assert_false(attestation_is_of(&read, salt, "ada", 3));
}

static void
given_any_bit_of_an_attestation_altered_then_it_is_refused(void **state)
{
	uint8_t salt[NAME_SALT_LEN] = {9}, bytes[ATTESTATION_LEN];
	struct keys keys;
	struct attestation a, read;

	(void)state;
	make_keys(&keys);
	a = make_attestation(&keys, salt);
	attestation_sign(&a, keys.other_secret, bytes);
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (attestation_verify(bytes, keys.other, a.bank_id, &read) ==
		    SR_OK)
			fail_msg("bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_certificate_then_its_bytes_stand_where_the_header_says),
	    cmocka_unit_test(
		given_a_certificate_then_it_verifies_under_its_identity_only),
	    cmocka_unit_test(
		given_any_bit_of_a_certificate_altered_then_it_is_refused),
	    cmocka_unit_test(given_signed_nonsense_then_it_is_malformed),
	    cmocka_unit_test(
		given_epochs_and_times_then_only_the_current_certificate_passes),
	    cmocka_unit_test(
		given_a_hello_then_it_reads_back_and_reserved_bytes_are_checked),
	    cmocka_unit_test(
		given_an_attestation_then_it_is_of_its_bank_and_name_only),
	    cmocka_unit_test(
		given_any_bit_of_an_attestation_altered_then_it_is_refused),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
