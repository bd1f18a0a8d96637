/* SPDX-License-Identifier: ISC */
/*
 * A month-end bundle's parts: one text for a manifest, nobody else's
 * signature, rows that add up, headers of tar.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "client/bundle/archive.h"
#include "client/bundle/manifest.h"
#include "client/verify/bundle_books.h"
#include "client/verify/month.h"
#include "tests/lib/toy_receipt.h"

#define BOOKS_HEAD \
	"entry,time,kind,account,amount,balance,refers_to,memo,unit\r\n"

static struct toy_receipt toy;
static struct bundle_manifest manifest;
static char text[BUNDLE_MANIFEST_MAX];
static size_t text_len;

/* One that is right, and its text. */
static int
given(void **state)
{
	(void)state;
	toy_receipt_make(&toy);
	toy_receipt_attest(&toy);
	memset(&manifest, 0, sizeof(manifest));
	bank_id_of(toy.identity, manifest.bank_id);
	memcpy(manifest.month, "2026-10", 8);
	manifest.made_ms = 1795289131402;
	manifest.verified = 3;
	manifest.size = 1234;
	memset(manifest.root, 7, sizeof(manifest.root));
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		manifest.file[i].len = 1000 * i;
		memset(manifest.file[i].hash, (int)i, 32);
	}
	manifest.since = true;
	manifest.since_size = 1000;
	manifest.path_count = 3;
	memset(manifest.path, 9, 3 * MERKLE_HASH_LEN);
	manifest.certificate_count = 1;
	memcpy(manifest.certificate[0], toy.receipt.certificate[0],
	    CERTIFICATE_LEN);
	memcpy(manifest.attestation, toy.receipt.attestation, ATTESTATION_LEN);
	manifest.signer = TOY_CUSTOMER;
	memcpy(manifest.name, "ada", 4);
	memcpy(manifest.name_salt, toy.receipt.name_salt, NAME_SALT_LEN);
	assert_int_equal(
	    bundle_manifest_sign(&manifest, toy.signing_secret), SR_OK);
	assert_int_equal(
	    bundle_manifest_encode(&manifest, text, &text_len), SR_OK);
	return 0;
}

static const char *
fault_of(const struct bundle_manifest *of)
{
	struct certificate log_key;

	return bundle_manifest_check(of, toy.identity, &log_key);
}

static void
given_a_manifest_when_written_and_read_then_it_is_the_same(void **state)
{
	struct bundle_manifest read;

	(void)state;
	assert_int_equal(bundle_manifest_decode(text, text_len, &read), SR_OK);
	assert_memory_equal(&read, &manifest, sizeof(read));
	assert_null(fault_of(&read));
}

static void
given_a_manifest_when_a_byte_is_changed_then_it_is_refused(void **state)
{
	struct bundle_manifest read;

	(void)state;
	for (size_t i = 0; i < text_len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			assert_true(bundle_manifest_decode(
					text, text_len, &read) != SR_OK ||
				    fault_of(&read) != NULL);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	for (size_t len = 0; len < text_len; len++)
		assert_int_not_equal(
		    bundle_manifest_decode(text, len, &read), SR_OK);
	text[text_len] = '\n';
	assert_int_equal(
	    bundle_manifest_decode(text, text_len + 1, &read), SR_MALFORMED);
}

static void
given_a_later_version_when_read_then_that_is_said(void **state)
{
	struct bundle_manifest read;

	(void)state;
	*strchr(text, '1') = '2';
	assert_int_equal(
	    bundle_manifest_decode(text, text_len, &read), SR_VERSION);
}

static void
given_what_no_manifest_says_when_written_then_it_is_refused(void **state)
{
	struct bundle_manifest odd;

	(void)state;
	odd = manifest;
	memcpy(odd.month, "2026-13", 8);
	assert_int_equal(
	    bundle_manifest_encode(&odd, text, &text_len), SR_PARAMETERS);
	odd = manifest;
	odd.verified = 1;
	assert_int_equal(
	    bundle_manifest_encode(&odd, text, &text_len), SR_PARAMETERS);
	odd = manifest;
	memcpy(odd.name, "a b\n", 5);
	assert_int_equal(
	    bundle_manifest_encode(&odd, text, &text_len), SR_PARAMETERS);
	odd = manifest;
	odd.since = false;
	assert_int_equal(
	    bundle_manifest_encode(&odd, text, &text_len), SR_PARAMETERS);
}

static void
given_another_signer_when_checked_then_it_is_not_believed(void **state)
{
	uint8_t key[32], secret[64];
	struct bundle_manifest other;

	(void)state;
	crypto_sign_keypair(key, secret);
	other = manifest;
	assert_int_equal(bundle_manifest_sign(&other, secret), SR_OK);
	assert_non_null(strstr(fault_of(&other), "not signed by whom"));
	/* in the name of another customer, or with another's name */
	other = manifest;
	other.signer++;
	assert_int_equal(
	    bundle_manifest_sign(&other, toy.signing_secret), SR_OK);
	assert_non_null(strstr(fault_of(&other), "has not attested"));
	other = manifest;
	memcpy(other.name, "bob", 4);
	assert_int_equal(
	    bundle_manifest_sign(&other, toy.signing_secret), SR_OK);
	assert_non_null(strstr(fault_of(&other), "has not attested"));
	/* attested by somebody else */
	memcpy(toy.attestation_secret, secret, sizeof(secret));
	toy_receipt_attest(&toy);
	other = manifest;
	memcpy(other.attestation, toy.receipt.attestation, ATTESTATION_LEN);
	assert_int_equal(
	    bundle_manifest_sign(&other, toy.signing_secret), SR_OK);
	assert_non_null(strstr(fault_of(&other), "has not attested"));
}

static void
given_another_bank_when_checked_then_it_is_named(void **state)
{
	struct certificate log_key;
	uint8_t key[32], secret[64];

	(void)state;
	crypto_sign_keypair(key, secret);
	assert_non_null(strstr(
	    bundle_manifest_check(&manifest, key, &log_key), "another bank"));
	bank_id_of(key, manifest.bank_id);
	assert_non_null(strstr(
	    bundle_manifest_check(&manifest, key, &log_key), "certificate"));
}

/* ---- rows -------------------------------------------------------------- */

static const char *
sums(const char *tills, const char *books)
{
	static const struct money_unit unit = {.code = "EUR", .exponent = 2};
	static struct bundle_books at;

	books_begin(&at, &unit, "2026-10");
	if (books_feed(&at, (const uint8_t *)tills, strlen(tills)) &&
	    books_end_of_file(&at) &&
	    books_feed(&at, (const uint8_t *)books, strlen(books)))
		(void)books_end_of_file(&at);
	return at.why;
}

#define TILL "30168,1.00,5.00,2.00,-0.50,3.50,0,,,EUR\r\n"
#define OPENING                                                          \
	"0,2026-10-01T00:00:00.000Z,opening,30168,-1.00,-1.00,,\"\",EUR" \
	"\r\n"                                                           \
	"0,2026-10-01T00:00:00.000Z,opening,Opening-Balances,1.00,1.00," \
	",\"\",EUR\r\n"
#define MOVES(amount)                                                      \
	"7,2026-10-02T00:00:00.000Z,deposit,30168," amount ",-1,,\"a,b\"," \
	"EUR\r\n7,2026-10-02T00:00:00.000Z,deposit,40067,2.50,2.50,,"      \
	"\"\",EUR\r\n"

static void
given_rows_when_added_up_then_what_does_not_fit_is_named(void **state)
{
	(void)state;
	assert_string_equal(
	    sums(MONTH_TILLS_HEAD TILL, BOOKS_HEAD OPENING MOVES("-2.50")), "");
	assert_string_equal(sums(MONTH_TILLS_HEAD, BOOKS_HEAD), "");
	assert_non_null(strstr(
	    sums(MONTH_TILLS_HEAD TILL, BOOKS_HEAD OPENING MOVES("-2.51")),
	    "do not add up to zero"));
	assert_non_null(strstr(
	    sums(MONTH_TILLS_HEAD TILL, BOOKS_HEAD OPENING MOVES("-2.49")),
	    "do not add up to zero"));
	assert_non_null(
	    strstr(sums(MONTH_TILLS_HEAD TILL, BOOKS_HEAD MOVES("-2.50")),
		"till 30168"));
	assert_non_null(strstr(
	    sums(MONTH_TILLS_HEAD TILL, BOOKS_HEAD OPENING), "till 30168"));
	assert_non_null(strstr(
	    sums(MONTH_TILLS_HEAD TILL TILL, BOOKS_HEAD), "there before"));
	assert_non_null(strstr(
	    sums(MONTH_TILLS_HEAD "1,1.00,5.00,2.00,0.00,3.50,0,,,EUR\r\n", ""),
	    "does not add up"));
	assert_non_null(strstr(
	    sums(MONTH_TILLS_HEAD "1,1.0,0.00,0.00,0.00,1.0,0,,,EUR\r\n", ""),
	    "unit"));
	assert_non_null(strstr(
	    sums(MONTH_TILLS_HEAD, BOOKS_HEAD "7,2026-11-01T,x,1,0.00,0,,"
					      "\"\",EUR\r\n"),
	    "another month"));
	assert_non_null(strstr(sums(BOOKS_HEAD, ""), "columns"));
	assert_non_null(strstr(sums(MONTH_TILLS_HEAD "1", ""), "within"));
	assert_non_null(strstr(sums("", ""), "within"));
	assert_non_null(strstr(sums(MONTH_TILLS_HEAD "1\n", ""), "end"));
}

/* ---- tar --------------------------------------------------------------- */

static void
given_a_first_header_when_a_byte_is_changed_then_it_is_none(void **state)
{
	uint8_t block[ARCHIVE_BLOCK];
	char month[8];
	uint64_t len;

	(void)state;
	assert_true(archive_header("2026-10", ARCHIVE_MANIFEST, 3333, block));
	assert_true(archive_first(block, month, &len));
	assert_string_equal(month, "2026-10");
	assert_int_equal(len, 3333);
	for (size_t i = 0; i < sizeof(block); i++) {
		block[i] ^= 0x40;
		assert_false(archive_first(block, month, &len));
		block[i] ^= 0x40;
	}
	assert_false(
	    archive_header("2026-10", ARCHIVE_MANIFEST, 1ull << 33, block));
	assert_int_equal(archive_padding(0), 0);
	assert_int_equal(archive_padding(1), 511);
	assert_int_equal(archive_padding(512), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		given_a_manifest_when_written_and_read_then_it_is_the_same,
		given),
	    cmocka_unit_test_setup(
		given_a_manifest_when_a_byte_is_changed_then_it_is_refused,
		given),
	    cmocka_unit_test_setup(
		given_a_later_version_when_read_then_that_is_said, given),
	    cmocka_unit_test_setup(
		given_what_no_manifest_says_when_written_then_it_is_refused,
		given),
	    cmocka_unit_test_setup(
		given_another_signer_when_checked_then_it_is_not_believed,
		given),
	    cmocka_unit_test_setup(
		given_another_bank_when_checked_then_it_is_named, given),
	    cmocka_unit_test(
		given_rows_when_added_up_then_what_does_not_fit_is_named),
	    cmocka_unit_test(
		given_a_first_header_when_a_byte_is_changed_then_it_is_none),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
