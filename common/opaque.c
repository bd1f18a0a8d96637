/* SPDX-License-Identifier: ISC */
/*
 * What both sides of OPAQUE do: key pairs, transcript, key schedule.  Must
 * never know a password.
 */
#include "common/opaque.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/opaque_schedule.h"
#include "common/oprf.h"
#include "common/secret.h"

enum sr_error
opaque_derive_key_pair(uint8_t private_key[OPAQUE_SCALAR_LEN],
    uint8_t public_key[OPAQUE_ELEMENT_LEN], const uint8_t seed[OPAQUE_SEED_LEN])
{
	static const char info[] = "OPAQUE-DeriveDiffieHellmanKeyPair";

	return oprf_derive_key_pair(
	    private_key, public_key, seed, info, sizeof(info) - 1);
}

void
opaque_blind(uint8_t blind[OPAQUE_SCALAR_LEN], const uint8_t wide[64])
{
	oprf_scalar(blind, wide);
}

void
opaque_response_split(uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const uint8_t response[OPAQUE_RESPONSE_LEN])
{
	memcpy(evaluated, response, OPAQUE_ELEMENT_LEN);
	memcpy(server_public_key, response + OPAQUE_ELEMENT_LEN,
	    OPAQUE_ELEMENT_LEN);
}

void
opaque_response_join(uint8_t response[OPAQUE_RESPONSE_LEN],
    const uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN])
{
	memcpy(response, evaluated, OPAQUE_ELEMENT_LEN);
	memcpy(response + OPAQUE_ELEMENT_LEN, server_public_key,
	    OPAQUE_ELEMENT_LEN);
}

struct kdf_part
opaque_identity(const void *identity, size_t identity_len,
    const uint8_t public_key[OPAQUE_ELEMENT_LEN])
{
	if (identity_len == 0)
		return (struct kdf_part){public_key, OPAQUE_ELEMENT_LEN};
	return (struct kdf_part){identity, identity_len};
}

void
opaque_u16(uint8_t out[2], size_t v)
{
	assert(v <= UINT16_MAX);
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

/* Expand-Label of 6.4.2.2, always 64 bytes. */
static void
schedule_expand(uint8_t out[OPAQUE_HASH_LEN],
    const uint8_t secret[OPAQUE_HASH_LEN], const char *label,
    const void *context, size_t context_len)
{
	static const char prefix[] = "OPAQUE-";
	const uint8_t out_size[2] = {0, OPAQUE_HASH_LEN};
	const uint8_t label_size =
	    (uint8_t)(sizeof(prefix) - 1 + strlen(label));
	const uint8_t context_size = (uint8_t)context_len;
	const struct kdf_part info[] = {
	    {out_size, sizeof(out_size)},
	    {&label_size, 1},
	    {prefix, sizeof(prefix) - 1},
	    {label, strlen(label)},
	    {&context_size, 1},
	    {context, context_len},
	};

	assert(context_len <= UINT8_MAX);
	kdf_expand_parts(out, OPAQUE_HASH_LEN, secret, OPAQUE_HASH_LEN, info,
	    sizeof(info) / sizeof(info[0]));
}

/* HMAC over the hash of the transcript's parts. */
static void
schedule_mac(uint8_t mac[OPAQUE_MAC_LEN], const uint8_t secret[OPAQUE_HASH_LEN],
    const char *label, const struct kdf_part *transcript, size_t count)
{
	uint8_t hash[OPAQUE_HASH_LEN];
	SECRET_64(key);

	schedule_expand(key, secret, label, NULL, 0);
	kdf_sha512_parts(hash, transcript, count);
	kdf_hmac_sha512(mac, key, sizeof(key), hash, sizeof(hash));
}

void
opaque_schedule(struct opaque_schedule *schedule,
    const uint8_t ikm[OPAQUE_IKM_LEN], const struct opaque_binding *binding,
    const uint8_t client_public_key[OPAQUE_ELEMENT_LEN],
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const struct opaque_ke1 *ke1, const struct opaque_ke2 *ke2)
{
	static const char version[] = "OPAQUEv1-";
	const struct kdf_part client = opaque_identity(binding->client_identity,
	    binding->client_identity_len, client_public_key);
	const struct kdf_part server = opaque_identity(binding->server_identity,
	    binding->server_identity_len, server_public_key);
	uint8_t context_size[2];
	uint8_t client_size[2];
	uint8_t server_size[2];
	uint8_t hash[OPAQUE_HASH_LEN];
	SECRET_64(prk);
	SECRET_64(handshake_secret);
	/* The preamble (6.4.2.1), and the MAC that follows it for the client. */
	const struct kdf_part transcript[] = {
	    {version, sizeof(version) - 1},
	    {context_size, sizeof(context_size)},
	    {binding->context, binding->context_len},
	    {client_size, sizeof(client_size)},
	    client,
	    {ke1, sizeof(*ke1)},
	    {server_size, sizeof(server_size)},
	    server,
	    {ke2, offsetof(struct opaque_ke2, server_mac)},
	    {schedule->server_mac, sizeof(schedule->server_mac)},
	};
	const size_t all = sizeof(transcript) / sizeof(transcript[0]);
	const size_t preamble = all - 1;

	opaque_u16(context_size, binding->context_len);
	opaque_u16(client_size, client.len);
	opaque_u16(server_size, server.len);
	kdf_sha512_parts(hash, transcript, preamble);
	kdf_extract(prk, NULL, 0, ikm, OPAQUE_IKM_LEN);
	schedule_expand(
	    handshake_secret, prk, "HandshakeSecret", hash, sizeof(hash));
	schedule_expand(
	    schedule->session_key, prk, "SessionKey", hash, sizeof(hash));
	schedule_mac(schedule->server_mac, handshake_secret, "ServerMAC",
	    transcript, preamble);
	schedule_mac(schedule->client_mac, handshake_secret, "ClientMAC",
	    transcript, all);
}
