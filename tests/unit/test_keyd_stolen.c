/* SPDX-License-Identifier: ISC */
/*
 * keyd's files in a thief's hands, without the root: who knows a customer's
 * name and password does not even find out that they are right.  What is in
 * the files opens with none of the keys that a name, a password and the files
 * themselves give; and a record that somebody handed over in the clear cannot
 * be tried against a password without the OPRF seed.  test_plaintext searches
 * all files of a bank for what may not stand there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/aead.h"
#include "tests/lib/keyd_world.h"

#define NAME "ada"
#define PASSWORD "gluten, salt and water"

enum { KEYS_MAX = 64, AD_MAX = 64 };

static int
set_up(void **state)
{
	struct person ada = {.name = NAME, .password = PASSWORD};
	struct world *w = world_new(29);

	world_found(w);
	*state = w;
	return world_register(w, &ada) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	world_free(*state);
	return 0;
}

/* ---- the files ------------------------------------------------------------- */

struct guesses {
	uint8_t key[KEYS_MAX][32];
	size_t count;
};

static uint8_t *
next_guess(struct guesses *g)
{
	assert_true(g->count < KEYS_MAX);
	return g->key[g->count++];
}

/* What somebody makes of a secret: hashes, and with a salt slower ones. */
static void
guess_from(struct guesses *g, const char *secret, const uint8_t salt[32])
{
	size_t len = strlen(secret);
	uint8_t wide[64];

	crypto_hash_sha256(next_guess(g), (const uint8_t *)secret, len);
	crypto_hash_sha512(wide, (const uint8_t *)secret, len);
	memcpy(next_guess(g), wide, 32);
	crypto_generichash(
	    next_guess(g), 32, (const uint8_t *)secret, len, NULL, 0);
	crypto_generichash(
	    next_guess(g), 32, (const uint8_t *)secret, len, salt, 32);
	assert_int_equal(
	    crypto_pwhash(next_guess(g), 32, secret, len, salt,
		crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN,
		crypto_pwhash_ALG_ARGON2ID13),
	    0);
	memset(wide, 0, sizeof(wide));
	memcpy(wide, secret, len < 32 ? len : 32);
	memcpy(next_guess(g), wide, 32);
}

/* Both halves of what stands in the file's header, as salts. */
static void
guess_all(struct guesses *g, const uint8_t *state)
{
	static const uint8_t zeros[32];
	static const char *const secrets[] = {
	    NAME, PASSWORD, NAME PASSWORD, NAME ":" PASSWORD};

	memset(g, 0, sizeof(*g));
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		guess_from(g, secrets[i], zeros);
		/* bank id; it is public anyway */
		guess_from(g, secrets[i], state + 16);
	}
	memcpy(next_guess(g), state + 16, 32);
	memcpy(next_guess(g), state + 48, 32);
	memcpy(next_guess(g), zeros, 32);
}

static enum sr_error
unwrap(const uint8_t key[32], uint64_t customer, const uint8_t *version)
{
	static const char label[] = "strongroom/1 credential";
	uint8_t ad[AD_MAX], plain[CREDENTIAL_VERSION_LEN];
	struct writer w = writer_to(ad, sizeof(ad));

	writer_bytes(&w, label, sizeof(label) - 1);
	writer_u64(&w, customer);
	writer_bytes(&w, version, 8);
	return aead_unwrap(plain, key, ad, writer_len(&w), version + 8,
	    CREDENTIAL_VERSION_LEN - 8);
}

static void
given_all_files_and_the_right_password_then_nothing_opens(void **state)
{
	struct world *w = *state;
	struct guesses guesses;
	const uint8_t *file;
	size_t len, opened = 0;

	file = sim_file(w->keyd_room, "state", &len);
	guess_all(&guesses, file);
	file = sim_file(w->keyd_room, "credentials", &len);
	for (size_t at = 0; at + CREDENTIAL_VERSION_LEN <= len;
	     at += CREDENTIAL_VERSION_LEN) {
		uint64_t customer = at / CREDENTIAL_CUSTOMER_LEN;

		for (size_t i = 0; i < guesses.count; i++)
			assert_int_equal(
			    unwrap(guesses.key[i], customer, file + at),
			    SR_CRYPTO);
		opened += unwrap(w->keyd->keys->storage, customer, file + at) ==
			  SR_OK;
	}
	/* it is the key that is missing: nobody's record and hers open */
	assert_int_equal(opened, 2);
}

/* ---- the record ------------------------------------------------------------ */

/* As a thief plays both sides: does that password fit the record? */
static enum sr_error
try(const struct opaque_server_keys *keys, const uint8_t credential_id[32],
    const struct customer *customer, const uint8_t bank_id[32],
    const char *guess)
{
	const struct opaque_password password = {guess, strlen(guess)};
	const struct opaque_binding binding = {.context = "any",
	    .context_len = 3,
	    .client_identity = NAME,
	    .client_identity_len = sizeof(NAME) - 1,
	    .server_identity = bank_id,
	    .server_identity_len = 32};
	const struct credential *c = &customer->credential[SLOT_PASSWORD];
	struct opaque_client_result result;
	struct opaque_server_random server_random;
	struct opaque_client_random random;
	struct opaque_client_login login;
	struct opaque_server_login server;
	struct opaque_ke1 ke1;
	struct opaque_ke2 ke2;
	struct opaque_ke3 ke3;
	uint8_t wide[64], identifier[64];

	randombytes_buf(wide, sizeof(wide));
	randombytes_buf(&random, sizeof(random));
	randombytes_buf(&server_random, sizeof(server_random));
	opaque_blind(random.blind, wide);
	register_identifier(credential_id, NAME, sizeof(NAME) - 1, c->random,
	    sizeof(c->random), identifier);
	assert_int_equal(
	    opaque_login_start(&login, &ke1, &password, &random), SR_OK);
	assert_int_equal(
	    opaque_server_respond(&server, &ke2, keys, &c->record, identifier,
		sizeof(identifier), &binding, &server_random, &ke1),
	    SR_OK);
	return opaque_login_finish(&login, &ke3, &result, &password, &ke2,
	    &binding, OPAQUE_STRETCH_NONE);
}

static void
given_even_a_record_in_the_clear_then_without_the_seed_no_guess_is_checked(
    void **state)
{
	struct world *w = *state;
	const struct keys *keys = w->keyd->keys;
	const uint8_t *bank_id = w->keyd->state.bank_id;
	struct opaque_server_keys all, without;
	uint8_t other_id[32] = {1};
	struct customer ada;

	assert_int_equal(
	    credentials_read(&w->keyd->credentials, 1, &ada), SR_OK);
	memcpy(all.private_key, keys->origin.opaque.private_key, 32);
	memcpy(all.public_key, keys->origin.opaque.public_key, 32);
	memcpy(all.oprf_seed, keys->oprf_seed, sizeof(all.oprf_seed));
	without = all;
	/* with both it can: this test knows how */
	assert_int_equal(
	    try(&all, keys->credential_id, &ada, bank_id, PASSWORD), SR_OK);
	assert_int_equal(
	    try(&all, keys->credential_id, &ada, bank_id, "rye"), SR_LOGIN);
	/* without either, the right one and a wrong one look the same */
	memset(without.oprf_seed, 0, sizeof(without.oprf_seed));
	assert_int_equal(
	    try(&without, keys->credential_id, &ada, bank_id, PASSWORD),
	    SR_LOGIN);
	assert_int_equal(
	    try(&without, keys->credential_id, &ada, bank_id, "rye"), SR_LOGIN);
	assert_int_equal(
	    try(&all, other_id, &ada, bank_id, PASSWORD), SR_LOGIN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_all_files_and_the_right_password_then_nothing_opens),
	    TEST(
		given_even_a_record_in_the_clear_then_without_the_seed_no_guess_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
