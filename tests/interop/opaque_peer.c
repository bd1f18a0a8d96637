/* SPDX-License-Identifier: ISC */
/*
 * Our side of OPAQUE for a partner that is not ours, in the line protocol of
 * tests/lib/peer.h; tests/interop/opaque_theirs.mjs speaks the same.
 *
 *	setup				server's public key
 *	evaluate ID REQUEST		RegistrationResponse
 *	respond ID CLIENT SERVER RECORD KE1	KE2; an empty record: of nobody
 *	verify CLIENT SERVER KE3	session key
 *	register PASSWORD		RegistrationRequest
 *	record PASSWORD CLIENT SERVER RESPONSE	record, export key
 *	login PASSWORD			KE1
 *	finish PASSWORD CLIENT SERVER KE2	KE3, session key, export key,
 *						server's public key
 *
 * ID is the credential identifier, CLIENT and SERVER are the identities.  The
 * context is empty.  What a side remembers between two commands of it, it
 * remembers for one exchange.
 */
#include <string.h>

#include <sodium.h>

#include "common/opaque.h"
#include "tests/lib/peer.h"

static struct opaque_server_keys keys;
static struct opaque_record nobody;
static struct opaque_server_login server_login;

static uint8_t blind[OPAQUE_SCALAR_LEN];
static struct opaque_client_login client_login;

static struct opaque_password
password_of(const struct peer_argument *argument)
{
	return (struct opaque_password){argument->bytes, argument->len};
}

/* The identities are the two arguments from this one on. */
static struct opaque_binding
binding_of(const struct peer_argument *argument)
{
	return (struct opaque_binding){
	    .client_identity = argument[0].bytes,
	    .client_identity_len = argument[0].len,
	    .server_identity = argument[1].bytes,
	    .server_identity_len = argument[1].len,
	};
}

static enum sr_error
do_setup(const struct peer_argument *arguments)
{
	uint8_t seed[64];
	enum sr_error error;

	(void)arguments;
	randombytes_buf(keys.oprf_seed, sizeof(keys.oprf_seed));
	randombytes_buf(seed, sizeof(seed));
	error = opaque_derive_key_pair(keys.private_key, keys.public_key, seed);
	if (error == SR_OK)
		error = opaque_fake_record(&nobody, seed);
	if (error != SR_OK)
		return error;
	peer_say(keys.public_key, sizeof(keys.public_key));
	return SR_OK;
}

static enum sr_error
do_evaluate(const struct peer_argument *arguments)
{
	uint8_t request[OPAQUE_REQUEST_LEN];
	uint8_t evaluated[OPAQUE_ELEMENT_LEN];
	uint8_t response[OPAQUE_RESPONSE_LEN];
	enum sr_error error;

	if (!peer_take(&arguments[1], request, sizeof(request)))
		return SR_MALFORMED;
	error = opaque_register_evaluate(evaluated, keys.oprf_seed,
	    arguments[0].bytes, arguments[0].len, request);
	if (error != SR_OK)
		return error;
	opaque_response_join(response, evaluated, keys.public_key);
	peer_say(response, sizeof(response));
	return SR_OK;
}

static enum sr_error
do_respond(const struct peer_argument *arguments)
{
	const struct opaque_binding binding = binding_of(&arguments[1]);
	struct opaque_server_random drawn;
	struct opaque_record record = nobody;
	struct opaque_ke1 ke1;
	struct opaque_ke2 ke2;
	enum sr_error error;

	if (arguments[3].len != 0 &&
	    (!peer_take(&arguments[3], &record, sizeof(record)) ||
		!opaque_record_valid(&record)))
		return SR_MALFORMED;
	if (!peer_take(&arguments[4], &ke1, sizeof(ke1)))
		return SR_MALFORMED;
	randombytes_buf(&drawn, sizeof(drawn));
	error = opaque_server_respond(&server_login, &ke2, &keys, &record,
	    arguments[0].bytes, arguments[0].len, &binding, &drawn, &ke1);
	if (error != SR_OK)
		return error;
	peer_say(&ke2, sizeof(ke2));
	return SR_OK;
}

static enum sr_error
do_verify(const struct peer_argument *arguments)
{
	uint8_t session_key[OPAQUE_SESSION_KEY_LEN];
	struct opaque_ke3 ke3;
	enum sr_error error;

	if (!peer_take(&arguments[2], &ke3, sizeof(ke3)))
		return SR_MALFORMED;
	error = opaque_server_verify(&server_login, &ke3, session_key);
	if (error != SR_OK)
		return error;
	peer_say(session_key, sizeof(session_key));
	return SR_OK;
}

static void
draw_blind(void)
{
	uint8_t wide[64];

	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
}

static enum sr_error
do_register(const struct peer_argument *arguments)
{
	const struct opaque_password password = password_of(&arguments[0]);
	uint8_t request[OPAQUE_REQUEST_LEN];
	enum sr_error error;

	draw_blind();
	error = opaque_register_start(request, &password, blind);
	if (error != SR_OK)
		return error;
	peer_say(request, sizeof(request));
	return SR_OK;
}

static enum sr_error
do_record(const struct peer_argument *arguments)
{
	const struct opaque_password password = password_of(&arguments[0]);
	const struct opaque_binding binding = binding_of(&arguments[1]);
	uint8_t response[OPAQUE_RESPONSE_LEN];
	uint8_t evaluated[OPAQUE_ELEMENT_LEN];
	uint8_t server_public_key[OPAQUE_ELEMENT_LEN];
	uint8_t export_key[OPAQUE_EXPORT_KEY_LEN];
	uint8_t nonce[OPAQUE_NONCE_LEN];
	struct opaque_record record;
	enum sr_error error;

	if (!peer_take(&arguments[3], response, sizeof(response)))
		return SR_MALFORMED;
	opaque_response_split(evaluated, server_public_key, response);
	randombytes_buf(nonce, sizeof(nonce));
	error = opaque_register_finish(&record, export_key, &password, blind,
	    evaluated, server_public_key, &binding, OPAQUE_STRETCH_ARGON2ID,
	    nonce);
	if (error != SR_OK)
		return error;
	peer_say(&record, sizeof(record));
	peer_say(export_key, sizeof(export_key));
	return SR_OK;
}

static enum sr_error
do_login(const struct peer_argument *arguments)
{
	const struct opaque_password password = password_of(&arguments[0]);
	struct opaque_client_random drawn;
	struct opaque_ke1 ke1;
	enum sr_error error;

	draw_blind();
	randombytes_buf(&drawn, sizeof(drawn));
	memcpy(drawn.blind, blind, sizeof(drawn.blind));
	error = opaque_login_start(&client_login, &ke1, &password, &drawn);
	if (error != SR_OK)
		return error;
	peer_say(&ke1, sizeof(ke1));
	return SR_OK;
}

static enum sr_error
do_finish(const struct peer_argument *arguments)
{
	const struct opaque_password password = password_of(&arguments[0]);
	const struct opaque_binding binding = binding_of(&arguments[1]);
	struct opaque_client_result result;
	struct opaque_ke2 ke2;
	struct opaque_ke3 ke3;
	enum sr_error error;

	if (!peer_take(&arguments[3], &ke2, sizeof(ke2)))
		return SR_MALFORMED;
	error = opaque_login_finish(&client_login, &ke3, &result, &password,
	    &ke2, &binding, OPAQUE_STRETCH_ARGON2ID);
	if (error != SR_OK)
		return error;
	peer_say(&ke3, sizeof(ke3));
	peer_say(result.session_key, sizeof(result.session_key));
	peer_say(result.export_key, sizeof(result.export_key));
	peer_say(result.server_public_key, sizeof(result.server_public_key));
	return SR_OK;
}

static const struct peer_command commands[] = {
    {"setup", 0, do_setup},
    {"evaluate", 2, do_evaluate},
    {"respond", 5, do_respond},
    {"verify", 3, do_verify},
    {"register", 1, do_register},
    {"record", 4, do_record},
    {"login", 1, do_login},
    {"finish", 4, do_finish},
};

int
main(void)
{
	return peer_run(commands, sizeof(commands) / sizeof(commands[0]));
}
