/* SPDX-License-Identifier: ISC */
/* OPAQUE against RFC 9807, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <sodium.h>

#include "common/kdf.h"
#include "common/opaque.h"
#include "common/oprf.h"
#include "tests/lib/figures.h"

#define FIGURES_LEN(f) (sizeof(f) / sizeof((f)[0]))

/* RFC 9807, C.1.2: with identities, no stretching. */
static const char *const rfc9807_real[][2] = {
    {"Context", "4f50415155452d504f43"},
    {"Fake", "False"},
    {"Group", "ristretto255"},
    {"blind_login",
	"6ecc102d2e7a7cf49617aad7bbe188556792d4acd60a1a8a8d2b65d4b0790308"},
    {"blind_registration",
	"76cfbfe758db884bebb33582331ba9f159720ca8784a2a070a265d9c2d6abe01"},
    {"client_identity", "616c696365"},
    {"client_keyshare_seed",
	"82850a697b42a505f5b68fcdafce8c31f0af2b581f063cf1091933541936304b"},
    {"client_nonce",
	"da7e07376d6d6f034cfa9bb537d11b8c6b4238c334333d1f0aebb380cae6a6cc"},
    {"credential_identifier", "31323334"},
    {"envelope_nonce",
	"ac13171b2f17bc2c74997f0fce1e1f35bec6b91fe2e12dbd323d23ba7a38dfec"},
    {"masking_nonce",
	"38fe59af0df2c79f57b8780278f5ae47355fe1f817119041951c80f612fdfc6d"},
    {"oprf_seed",
	"f433d0227b0b9dd54f7c4422b600e764e47fb503f1f9a0f0a47c6606b054a7fd"
	"c65347f1a08f277e22358bbabe26f823fca82c7848e9a75661f4ec5d5c1989ef"},
    {"password", "436f7272656374486f72736542617474657279537461706c65"},
    {"server_identity", "626f62"},
    {"server_keyshare_seed",
	"05a4f54206eef1ba2f615bc0aa285cb22f26d1153b5b40a1e85ff80da12f982f"},
    {"server_nonce",
	"71cd9960ecef2fe0d0f7494986fa3d8b2bb01963537e60efb13981e138e3d4a1"},
    {"server_private_key",
	"47451a85372f8b3537e249d7b54188091fb18edde78094b43e2ba42b5eb89f0d"},
    {"server_public_key",
	"b2fe7af9f48cc502d016729d2fe25cdd433f2c4bc904660b2a382c9b79df1a78"},
    {"KE1", "c4dedb0ba6ed5d965d6f250fbe554cd45cba5dfcce3ce836e4aee778aa3cd44d"
	    "da7e07376d6d6f034cfa9bb537d11b8c6b4238c334333d1f0aebb380cae6a6cc"
	    "6e29bee50701498605b2c085d7b241ca15ba5c32027dd21ba420b94ce60da326"},
    {"KE2", "7e308140890bcde30cbcea28b01ea1ecfbd077cff62c4def8efa075aabcbb471"
	    "38fe59af0df2c79f57b8780278f5ae47355fe1f817119041951c80f612fdfc6d"
	    "d6ec60bcdb26dc455ddf3e718f1020490c192d70dfc7e403981179d8073d1146"
	    "a4f9aa1ced4e4cd984c657eb3b54ced3848326f70331953d91b02535af44d9fe"
	    "a502150b67fe36795dd8914f164e49f81c7688a38928372134b7dccd50e09f8f"
	    "ed9518b7b2f94835b3c4fe4c8475e7513f20eb97ff0568a39caee3fd6251876f"
	    "71cd9960ecef2fe0d0f7494986fa3d8b2bb01963537e60efb13981e138e3d4a1"
	    "c4f62198a9d6fa9170c42c3c71f1971b29eb1d5d0bd733e40816c91f7912cc4a"
	    "292371e7809a9031743e943fb3b56f51de903552fc91fba4e7419029951c3970"
	    "b2e2f0a9dea218d22e9e4e0000855bb6421aa3610d6fc0f4033a6517030d4341"},
    {"KE3", "7a026de1d6126905736c3f6d92463a08d209833eb793e46d0f7f15b3e0f62c76"
	    "43763c02bbc6b8d3d15b63250cae98171e9260f1ffa789750f534ac11a0176d5"},
    {"export_key",
	"1ef15b4fa99e8a852412450ab78713aad30d21fa6966c9b8c9fb3262a970dc62"
	"950d4dd4ed62598229b1b72794fc0335199d9f7fcc6eaedde92cc04870e63f16"},
    {"registration_request",
	"5059ff249eb1551b7ce4991f3336205bde44a105a032e747d21bf382e75f7a71"},
    {"registration_response",
	"7408a268083e03abc7097fc05b587834539065e86fb0c7b6342fcf5e01e5b019"
	"b2fe7af9f48cc502d016729d2fe25cdd433f2c4bc904660b2a382c9b79df1a78"},
    {"registration_upload",
	"76a845464c68a5d2f7e442436bb1424953b17d3e2e289ccbaccafb57ac5c3675"
	"1ac5844383c7708077dea41cbefe2fa15724f449e535dd7dd562e66f5ecfb958"
	"64eadddec9db5874959905117dad40a4524111849799281fefe3c51fa82785c5"
	"ac13171b2f17bc2c74997f0fce1e1f35bec6b91fe2e12dbd323d23ba7a38dfec"
	"1ac902dc5589e9a5f0de56ad685ea8486210ef41449cd4d8712828913c5d2b68"
	"0b2b3af4a26c765cff329bfb66d38ecf1d6cfa9e7a73c222c6efe0d9520f7d7c"},
    {"session_key",
	"ae7951123ab5befc27e62e63f52cf472d6236cb386c968cc47b7e34f866aa4bc"
	"7638356a73cfce92becf39d6a7d32a1861f12130e824241fe6cab34fbd471a57"},
};

/* RFC 9807, C.2.1: a name that is not registered. */
static const char *const rfc9807_fake[][2] = {
    {"Context", "4f50415155452d504f43"},
    {"Fake", "True"},
    {"Group", "ristretto255"},
    {"KE1", "b0a26dcaca2230b8f5e4b1bcab9c84b586140221bb8b2848486874b0be448905"
	    "42d4e61ed3f8d64cdd3b9d153343eca15b9b0d5e388232793c6376bd2d9cfd0a"
	    "b641d7f20a245a09f1d4dbb6e301661af7f352beb0791d055e48d3645232f77f"},
    {"client_identity", "616c696365"},
    {"client_keyshare_seed",
	"a270dc715dc2b4612bc7864312a05c3e9788ee1bad1f276d1e15bdeb4c355e94"},
    {"client_private_key",
	"2b98980aa95ab53a0f39f0291903d2fdf04b00c167f0814169922df873002409"},
    {"client_public_key",
	"84f43f9492e19c22d8bdaa4447cc3d4db1cdb5427a9f852c4707921212c36251"},
    {"credential_identifier", "31323334"},
    {"masking_key",
	"39ebd51f0e39a07a1c2d2431995b0399bca9996c5d10014d6ebab4453dc10ce5"
	"cef38ed3df6e56bfff40c2d8dd4671c2b4cf63c3d54860f31fe40220d690bb71"},
    {"masking_nonce",
	"9c035896a043e70f897d87180c543e7a063b83c1bb728fbd189c619e27b6e5a6"},
    {"oprf_seed",
	"743fc168d1f826ad43738933e5adb23da6fb95f95a1b069f0daa0522d0a78b61"
	"7f701fc6aa46d3e7981e70de7765dfcd6b1e13e3369a582eb8dc456b10aa53b0"},
    {"server_identity", "626f62"},
    {"server_keyshare_seed",
	"360b0937f47d45f6123a4d8f0d0c0814b6120d840ebb8bc5b4f6b62df07f78c2"},
    {"server_nonce",
	"1e10f6eeab2a7a420bf09da9b27a4639645622c46358de9cf7ae813055ae2d12"},
    {"server_private_key",
	"c788585ae8b5ba2942b693b849be0c0426384e41977c18d2e81fbe30fd7c9f06"},
    {"server_public_key",
	"825f832667480f08b0c9069da5083ac4d0e9ee31b49c4e0310031fea04d52966"},
    {"KE2", "928f79ad8df21963e91411b9f55165ba833dea918f441db967cdc09521d22925"
	    "9c035896a043e70f897d87180c543e7a063b83c1bb728fbd189c619e27b6e5a6"
	    "32b5ab1bff96636144faa4f9f9afaac75dd88ea99cf5175902ae3f3b2195693f"
	    "165f11929ba510a5978e64dcdabecbd7ee1e4380ce270e58fea58e6462d92964"
	    "a1aaef72698bca1c673baeb04cc2bf7de5f3c2f5553464552d3a0f7698a9ca7f"
	    "9c5e70c6cb1f706b2f175ab9d04bbd13926e816b6811a50b4aafa9799d5ed797"
	    "1e10f6eeab2a7a420bf09da9b27a4639645622c46358de9cf7ae813055ae2d12"
	    "98251c5ba55f6b0b2d58d9ff0c88fe4176484be62a96db6e2a8c4d431bd1bf27"
	    "fe6c1d0537603835217d42ebf7b2581982732e74892fd28211b31ed33863f0be"
	    "af75ba6f59474c0aaf9d78a60a9b2f4cd24d7ab54131b3c8efa192df6b72db4c"},
};

/* A value of exactly len bytes. */
static void
take(const struct figures *f, const char *name, void *out, size_t len)
{
	struct bytes bytes;

	figures_bytes(f, name, &bytes);
	assert_int_equal(bytes.len, len);
	memcpy(out, bytes.at, len);
}

static void
expect(const struct figures *f, const char *name, const void *got, size_t len)
{
	struct bytes bytes;

	figures_bytes(f, name, &bytes);
	assert_int_equal(bytes.len, len);
	assert_memory_equal(got, bytes.at, len);
}

static bool
ours(const struct figures *f, const char *fake)
{
	const char *group = figures_text(f, "Group");

	return group != NULL && strcmp(group, "ristretto255") == 0 &&
	       strcmp(figures_text(f, "Fake"), fake) == 0;
}

/* Everything a run needs besides the messages. */
struct run {
	struct bytes identifier;
	struct bytes context;
	struct bytes client_identity;
	struct bytes server_identity;
	struct opaque_binding binding;
	struct opaque_server_keys keys;
	struct opaque_server_random random;
};

static void
take_run(const struct figures *f, struct run *run)
{
	memset(run, 0, sizeof(*run));
	figures_bytes(f, "credential_identifier", &run->identifier);
	figures_bytes(f, "Context", &run->context);
	run->binding.context = run->context.at;
	run->binding.context_len = run->context.len;
	if (figures_text(f, "client_identity") != NULL) {
		figures_bytes(f, "client_identity", &run->client_identity);
		figures_bytes(f, "server_identity", &run->server_identity);
		run->binding.client_identity = run->client_identity.at;
		run->binding.client_identity_len = run->client_identity.len;
		run->binding.server_identity = run->server_identity.at;
		run->binding.server_identity_len = run->server_identity.len;
	}
	take(f, "server_private_key", run->keys.private_key, 32);
	take(f, "server_public_key", run->keys.public_key, 32);
	take(f, "oprf_seed", run->keys.oprf_seed, 64);
	take(f, "masking_nonce", run->random.masking_nonce, 32);
	take(f, "server_nonce", run->random.server_nonce, 32);
	take(f, "server_keyshare_seed", run->random.keyshare_seed, 32);
}

static void
check_registration(const struct figures *f, struct run *run,
    const struct opaque_password *password, struct opaque_record *record)
{
	uint8_t blind[32], nonce[32], request[32], evaluated[32];
	uint8_t response[64], server_public_key[32], export_key[64];

	take(f, "blind_registration", blind, 32);
	take(f, "envelope_nonce", nonce, 32);
	assert_int_equal(
	    opaque_register_start(request, password, blind), SR_OK);
	expect(f, "registration_request", request, sizeof(request));
	assert_int_equal(
	    opaque_register_evaluate(evaluated, run->keys.oprf_seed,
		run->identifier.at, run->identifier.len, request),
	    SR_OK);
	opaque_response_join(response, evaluated, run->keys.public_key);
	expect(f, "registration_response", response, sizeof(response));
	opaque_response_split(evaluated, server_public_key, response);
	assert_int_equal(opaque_register_finish(record, export_key, password,
			     blind, evaluated, server_public_key, &run->binding,
			     OPAQUE_STRETCH_NONE, nonce),
	    SR_OK);
	expect(f, "registration_upload", record, sizeof(*record));
	expect(f, "export_key", export_key, sizeof(export_key));
	assert_true(opaque_record_valid(record));
}

static void
check_real(const struct figures *f, void *context)
{
	unsigned *count = context;
	struct run run;
	struct bytes password_bytes;
	struct opaque_password password;
	struct opaque_record record;
	struct opaque_client_random random;
	struct opaque_client_login client;
	struct opaque_server_login server;
	struct opaque_client_result result;
	struct opaque_ke1 ke1;
	struct opaque_ke2 ke2;
	struct opaque_ke3 ke3;
	uint8_t session_key[64];

	if (!ours(f, "False"))
		return;
	take_run(f, &run);
	figures_bytes(f, "password", &password_bytes);
	password =
	    (struct opaque_password){password_bytes.at, password_bytes.len};
	check_registration(f, &run, &password, &record);

	take(f, "blind_login", random.blind, 32);
	take(f, "client_nonce", random.client_nonce, 32);
	take(f, "client_keyshare_seed", random.keyshare_seed, 32);
	assert_int_equal(
	    opaque_login_start(&client, &ke1, &password, &random), SR_OK);
	expect(f, "KE1", &ke1, sizeof(ke1));
	assert_int_equal(opaque_server_respond(&server, &ke2, &run.keys,
			     &record, run.identifier.at, run.identifier.len,
			     &run.binding, &run.random, &ke1),
	    SR_OK);
	expect(f, "KE2", &ke2, sizeof(ke2));
	assert_int_equal(opaque_login_finish(&client, &ke3, &result, &password,
			     &ke2, &run.binding, OPAQUE_STRETCH_NONE),
	    SR_OK);
	expect(f, "KE3", &ke3, sizeof(ke3));
	expect(f, "session_key", result.session_key, 64);
	expect(f, "export_key", result.export_key, 64);
	expect(f, "server_public_key", result.server_public_key, 32);
	assert_int_equal(
	    opaque_server_verify(&server, &ke3, session_key), SR_OK);
	expect(f, "session_key", session_key, 64);
	(*count)++;
}

static void
check_fake(const struct figures *f, void *context)
{
	unsigned *count = context;
	struct run run;
	struct opaque_record record = {0};
	struct opaque_server_login server;
	struct opaque_ke1 ke1;
	struct opaque_ke2 ke2;

	if (!ours(f, "True"))
		return;
	take_run(f, &run);
	take(f, "client_public_key", record.client_public_key, 32);
	take(f, "masking_key", record.masking_key, 64);
	take(f, "KE1", &ke1, sizeof(ke1));
	assert_int_equal(opaque_server_respond(&server, &ke2, &run.keys,
			     &record, run.identifier.at, run.identifier.len,
			     &run.binding, &run.random, &ke1),
	    SR_OK);
	expect(f, "KE2", &ke2, sizeof(ke2));
	(*count)++;
}

static void
given_rfc_9807s_inputs_then_every_message_is_its(void **state)
{
	unsigned count = 0;

	(void)state;
	figures_given(
	    rfc9807_real, FIGURES_LEN(rfc9807_real), check_real, &count);
	figures_given(
	    rfc9807_fake, FIGURES_LEN(rfc9807_fake), check_fake, &count);
	assert_int_equal(count, 2);
}

static void
given_the_folders_figures_then_they_agree(void **state)
{
	unsigned real = 0;
	unsigned fake = 0;

	(void)state;
	if (!figures_each("opaque-vectors.json", check_real, &real))
		return;
	assert_true(figures_each("opaque-vectors.json", check_fake, &fake));
	assert_int_equal(real, 2);
	assert_int_equal(fake, 1);
}

/* ---- one customer, for the tests of what is refused ------------------- */

static const struct opaque_binding binding = {
    .context = "context",
    .context_len = 7,
    .client_identity = "ada",
    .client_identity_len = 3,
    .server_identity = "bank",
    .server_identity_len = 4,
};
static const struct opaque_password right = {"correct horse", 13};
static const struct opaque_password wrong = {"correct house", 13};

struct customer {
	struct opaque_server_keys keys;
	struct opaque_record record;
	uint8_t export_key[64];
	struct opaque_client_login client;
	struct opaque_server_login server;
	struct opaque_client_result result;
	struct opaque_ke1 ke1;
	struct opaque_ke2 ke2;
	struct opaque_ke3 ke3;
	uint8_t session_key[64];
};

static void
register_customer(struct customer *c, enum opaque_stretch stretch)
{
	static const uint8_t seed[32] = {1};
	static const uint8_t wide[64] = {2};
	static const uint8_t nonce[32] = {3};
	uint8_t blind[32], request[32], evaluated[32];

	memset(c, 0, sizeof(*c));
	memset(c->keys.oprf_seed, 4, sizeof(c->keys.oprf_seed));
	assert_int_equal(opaque_derive_key_pair(
			     c->keys.private_key, c->keys.public_key, seed),
	    SR_OK);
	opaque_blind(blind, wide);
	assert_int_equal(opaque_register_start(request, &right, blind), SR_OK);
	assert_int_equal(opaque_register_evaluate(
			     evaluated, c->keys.oprf_seed, "id", 2, request),
	    SR_OK);
	assert_int_equal(
	    opaque_register_finish(&c->record, c->export_key, &right, blind,
		evaluated, c->keys.public_key, &binding, stretch, nonce),
	    SR_OK);
}

/* Up to KE2, which the tests then alter. */
static void
exchange(struct customer *c, const struct opaque_password *password,
    const struct opaque_binding *server_binding)
{
	static const uint8_t wide[64] = {5};
	struct opaque_client_random client_random = {
	    .client_nonce = {6}, .keyshare_seed = {7}};
	struct opaque_server_random server_random = {
	    .masking_nonce = {8}, .server_nonce = {9}, .keyshare_seed = {10}};

	opaque_blind(client_random.blind, wide);
	assert_int_equal(
	    opaque_login_start(&c->client, &c->ke1, password, &client_random),
	    SR_OK);
	assert_int_equal(
	    opaque_server_respond(&c->server, &c->ke2, &c->keys, &c->record,
		"id", 2, server_binding, &server_random, &c->ke1),
	    SR_OK);
}

static enum sr_error
finish(struct customer *c, const struct opaque_password *password,
    enum opaque_stretch stretch)
{
	return opaque_login_finish(&c->client, &c->ke3, &c->result, password,
	    &c->ke2, &binding, stretch);
}

static void
assert_nothing_given(const struct customer *c)
{
	static const struct opaque_client_result no_result;
	static const struct opaque_ke3 no_ke3;
	static const struct opaque_client_login no_login;

	assert_memory_equal(&c->result, &no_result, sizeof(no_result));
	assert_memory_equal(&c->ke3, &no_ke3, sizeof(no_ke3));
	assert_memory_equal(&c->client, &no_login, sizeof(no_login));
}

static void
given_argon2id_then_a_login_gives_both_sides_the_same_keys(void **state)
{
	struct customer c;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_ARGON2ID);
	exchange(&c, &right, &binding);
	assert_int_equal(finish(&c, &right, OPAQUE_STRETCH_ARGON2ID), SR_OK);
	assert_int_equal(
	    opaque_server_verify(&c.server, &c.ke3, c.session_key), SR_OK);
	assert_memory_equal(c.session_key, c.result.session_key, 64);
	assert_memory_equal(c.export_key, c.result.export_key, 64);
	exchange(&c, &right, &binding);
	assert_int_equal(finish(&c, &right, OPAQUE_STRETCH_NONE), SR_LOGIN);
}

/* The RFC prints no figure for Argon2id: the same, composed by hand. */
static void
given_argon2id_then_it_has_the_documented_parameters(void **state)
{
	static const uint8_t salt[16];
	static const uint8_t info[] = {
	    3, [32] = 'E', 'x', 'p', 'o', 'r', 't', 'K', 'e', 'y'};
	static const uint8_t wide[64] = {2};
	uint8_t blind[32], request[32], evaluated[32], both[128];
	uint8_t randomized[64], export_key[64];
	struct customer c;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_ARGON2ID);
	opaque_blind(blind, wide);
	assert_int_equal(opaque_register_start(request, &right, blind), SR_OK);
	assert_int_equal(opaque_register_evaluate(
			     evaluated, c.keys.oprf_seed, "id", 2, request),
	    SR_OK);
	assert_int_equal(
	    oprf_finalize(both, right.bytes, right.len, blind, evaluated),
	    SR_OK);
	assert_int_equal(
	    crypto_pwhash_argon2id(both + 64, 64, (const char *)both, 64, salt,
		3, 64 * 1024 * 1024, crypto_pwhash_argon2id_ALG_ARGON2ID13),
	    0);
	kdf_extract(randomized, NULL, 0, both, sizeof(both));
	kdf_expand(export_key, 64, randomized, info, sizeof(info));
	assert_memory_equal(c.export_key, export_key, 64);
}

static void
given_a_wrong_password_then_the_client_gives_nothing_out(void **state)
{
	struct customer c;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_NONE);
	exchange(&c, &wrong, &binding);
	assert_int_equal(finish(&c, &wrong, OPAQUE_STRETCH_NONE), SR_LOGIN);
	assert_nothing_given(&c);
	/* A client that presents zeros is no better off. */
	assert_int_equal(
	    opaque_server_verify(&c.server, &c.ke3, c.session_key), SR_LOGIN);
}

static void
given_a_fake_record_then_it_looks_like_a_wrong_password(void **state)
{
	static const uint8_t seed[64] = {11};
	struct opaque_record real;
	struct customer c;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_NONE);
	real = c.record;
	assert_int_equal(opaque_fake_record(&c.record, seed), SR_OK);
	assert_true(opaque_record_valid(&c.record));
	assert_memory_not_equal(
	    c.record.masking_key, real.masking_key, sizeof(real.masking_key));
	exchange(&c, &right, &binding);
	assert_int_equal(finish(&c, &right, OPAQUE_STRETCH_NONE), SR_LOGIN);
	assert_nothing_given(&c);
}

static void
given_any_flipped_bit_of_ke2_then_the_client_gives_nothing_out(void **state)
{
	struct opaque_client_login before;
	struct customer c;
	uint8_t *bytes = (uint8_t *)&c.ke2;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_NONE);
	exchange(&c, &right, &binding);
	before = c.client;
	for (size_t i = 0; i < sizeof(c.ke2); i++) {
		uint8_t bit = (uint8_t)(1 << i % 8);

		bytes[i] ^= bit;
		c.client = before;
		memset(&c.result, 1, sizeof(c.result));
		assert_int_not_equal(
		    finish(&c, &right, OPAQUE_STRETCH_NONE), SR_OK);
		assert_nothing_given(&c);
		bytes[i] ^= bit;
	}
	c.client = before;
	assert_int_equal(finish(&c, &right, OPAQUE_STRETCH_NONE), SR_OK);
}

static void
given_any_flipped_bit_of_ke3_then_the_server_refuses(void **state)
{
	static const uint8_t zeros[64];
	struct opaque_server_login before;
	struct customer c;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_NONE);
	exchange(&c, &right, &binding);
	before = c.server;
	assert_int_equal(finish(&c, &right, OPAQUE_STRETCH_NONE), SR_OK);
	for (size_t i = 0; i < 8 * sizeof(c.ke3); i++) {
		c.ke3.client_mac[i / 8] ^= (uint8_t)(1 << i % 8);
		c.server = before;
		memset(c.session_key, 1, sizeof(c.session_key));
		assert_int_equal(
		    opaque_server_verify(&c.server, &c.ke3, c.session_key),
		    SR_LOGIN);
		assert_memory_equal(c.session_key, zeros, 64);
		c.ke3.client_mac[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	c.server = before;
	assert_int_equal(
	    opaque_server_verify(&c.server, &c.ke3, c.session_key), SR_OK);
}

static void
given_a_used_login_then_neither_ke3_nor_zeros_verify_again(void **state)
{
	static const struct opaque_ke3 zeros;
	struct customer c;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_NONE);
	exchange(&c, &right, &binding);
	assert_int_equal(finish(&c, &right, OPAQUE_STRETCH_NONE), SR_OK);
	assert_int_equal(
	    opaque_server_verify(&c.server, &c.ke3, c.session_key), SR_OK);
	assert_int_equal(
	    opaque_server_verify(&c.server, &c.ke3, c.session_key), SR_LOGIN);
	assert_int_equal(
	    opaque_server_verify(&c.server, &zeros, c.session_key), SR_LOGIN);
}

static void
given_another_context_or_identity_then_the_client_refuses(void **state)
{
	struct opaque_binding others[3] = {binding, binding, binding};
	struct customer c;

	(void)state;
	others[0].context = "kontext";
	others[1].client_identity = "bob";
	others[2].server_identity = "bunk";
	for (size_t i = 0; i < FIGURES_LEN(others); i++) {
		register_customer(&c, OPAQUE_STRETCH_NONE);
		exchange(&c, &right, &others[i]);
		assert_int_equal(
		    finish(&c, &right, OPAQUE_STRETCH_NONE), SR_CRYPTO);
		assert_nothing_given(&c);
	}
}

static void
given_another_servers_keys_then_the_client_refuses(void **state)
{
	static const uint8_t seed[32] = {99};
	struct customer c;

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_NONE);
	assert_int_equal(
	    opaque_derive_key_pair(c.keys.private_key, c.keys.public_key, seed),
	    SR_OK);
	exchange(&c, &right, &binding);
	assert_int_equal(finish(&c, &right, OPAQUE_STRETCH_NONE), SR_LOGIN);
	assert_nothing_given(&c);
}

static void
given_elements_that_are_none_then_the_server_answers_nothing(void **state)
{
	static const struct opaque_ke2 no_ke2;
	static const struct opaque_server_login no_login;
	static const struct opaque_server_random random = {
	    .keyshare_seed = {1}};
	struct opaque_ke1 ke1;
	struct customer c;
	uint8_t evaluated[32];

	(void)state;
	register_customer(&c, OPAQUE_STRETCH_NONE);
	exchange(&c, &right, &binding);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t *element =
		    i < 2 ? c.ke1.blinded : c.ke1.client_keyshare;

		ke1 = c.ke1;
		memset(element, i % 2 == 0 ? 0 : 0xff, 32);
		assert_int_equal(
		    opaque_server_respond(&c.server, &c.ke2, &c.keys, &c.record,
			"id", 2, &binding, &random, &c.ke1),
		    SR_CRYPTO);
		assert_memory_equal(&c.ke2, &no_ke2, sizeof(no_ke2));
		assert_memory_equal(&c.server, &no_login, sizeof(no_login));
		assert_int_equal(opaque_register_evaluate(evaluated,
				     c.keys.oprf_seed, "id", 2, element),
		    SR_CRYPTO);
		c.ke1 = ke1;
	}
	memset(c.record.client_public_key, 0, 32);
	assert_false(opaque_record_valid(&c.record));
	memset(c.record.client_public_key, 0xff, 32);
	assert_false(opaque_record_valid(&c.record));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_rfc_9807s_inputs_then_every_message_is_its),
	    cmocka_unit_test(given_the_folders_figures_then_they_agree),
	    cmocka_unit_test(
		given_argon2id_then_a_login_gives_both_sides_the_same_keys),
	    cmocka_unit_test(
		given_argon2id_then_it_has_the_documented_parameters),
	    cmocka_unit_test(
		given_a_wrong_password_then_the_client_gives_nothing_out),
	    cmocka_unit_test(
		given_a_fake_record_then_it_looks_like_a_wrong_password),
	    cmocka_unit_test(
		given_any_flipped_bit_of_ke2_then_the_client_gives_nothing_out),
	    cmocka_unit_test(
		given_any_flipped_bit_of_ke3_then_the_server_refuses),
	    cmocka_unit_test(
		given_a_used_login_then_neither_ke3_nor_zeros_verify_again),
	    cmocka_unit_test(
		given_another_context_or_identity_then_the_client_refuses),
	    cmocka_unit_test(
		given_another_servers_keys_then_the_client_refuses),
	    cmocka_unit_test(
		given_elements_that_are_none_then_the_server_answers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
