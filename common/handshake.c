/* SPDX-License-Identifier: ISC */
/*
 * The handshake's steps.  Must never go on after a failure, and must never
 * give out keys but at the end of the order of steps: each function checks
 * the phase it is in.
 */
#include "common/handshake.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/kdf.h"
#include "common/secret.h"

#define PROLOGUE_LABEL "strongroom/1 prologue"
#define POSSESSION_LABEL "strongroom/1 possession"

enum {
	WHO_LEN = 8, /* terminal id and psk epoch, in front of M1 */
	PROLOGUE_LEN = sizeof(PROLOGUE_LABEL) - 1 + HELLO_LEN + WHO_LEN,
	POSSESSION_LEN = sizeof(POSSESSION_LABEL) - 1 + 1 + NOISE_HASH_LEN +
			 BANK_ID_LEN + 1 + PAYLOAD_NAME_MAX +
			 2 * PUBLIC_KEY_LEN + OPAQUE_RECORD_LEN,
};

_Static_assert(FRAME_M1_LEN == WHO_LEN + PAYLOAD_M1_LEN + NOISE_OVERHEAD, "");
_Static_assert(FRAME_M2_LEN == PAYLOAD_M2_LEN + NOISE_OVERHEAD, "");
_Static_assert(FRAME_M3_LEN == PAYLOAD_M3_LEN + AEAD_TAG_LEN, "");
_Static_assert(FRAME_M4_LEN == PAYLOAD_M4_LEN + SESSION_TAG_LEN, "");
_Static_assert(FRAME_M5_LEN == PAYLOAD_M5_LEN + AEAD_TAG_LEN, "");
_Static_assert((int)FRAME_HELLO_LEN == (int)HELLO_LEN, "");

void
handshake_wipe(struct handshake *hs)
{
	sodium_memzero(hs, sizeof(*hs));
}

static enum sr_error
handshake_fail(struct handshake *hs, enum sr_error error)
{
	handshake_wipe(hs);
	return error;
}

static void
handshake_prologue(const uint8_t hello[HELLO_LEN], const uint8_t who[WHO_LEN],
    uint8_t out[PROLOGUE_LEN])
{
	struct writer w = writer_to(out, PROLOGUE_LEN);

	writer_bytes(&w, PROLOGUE_LABEL, sizeof(PROLOGUE_LABEL) - 1);
	writer_bytes(&w, hello, HELLO_LEN);
	writer_bytes(&w, who, WHO_LEN);
	assert(!w.bad && writer_len(&w) == PROLOGUE_LEN);
}

/*
 * What both sides keep of a good M1.  The bank id is that of the certificate
 * in HELLO, which the client has verified and the server has written.
 */
static enum sr_error
handshake_after_m1(struct handshake *hs, const uint8_t hello[HELLO_LEN],
    const struct payload_m1 *payload)
{
	struct writer w = writer_to(hs->context, sizeof(hs->context));
	struct certificate certificate;
	uint8_t hash[NOISE_HASH_LEN];
	enum sr_error error =
	    certificate_read_unsigned(hello + HELLO_FIXED_LEN, &certificate);

	if (error != SR_OK)
		return error;
	memcpy(hs->bank_id, certificate.bank_id, BANK_ID_LEN);
	memcpy(hs->name, payload->name, sizeof(hs->name));
	hs->name_len = payload->name_len;
	hs->operation = payload->operation;
	noise_hash(&hs->noise, hash);
	writer_bytes(
	    &w, HANDSHAKE_CONTEXT_LABEL, sizeof(HANDSHAKE_CONTEXT_LABEL) - 1);
	writer_bytes(&w, hash, sizeof(hash));
	assert(!w.bad && writer_len(&w) == sizeof(hs->context));
	hs->phase = HANDSHAKE_M1;
	return SR_OK;
}

void
handshake_m1_terminal(
    const uint8_t m1[FRAME_M1_LEN], uint32_t *terminal, uint32_t *psk_epoch)
{
	struct reader r = reader_of(m1, WHO_LEN);

	*terminal = reader_u32(&r);
	*psk_epoch = reader_u32(&r);
}

const uint8_t *
handshake_m1_ephemeral(const uint8_t m1[FRAME_M1_LEN])
{
	return m1 + WHO_LEN;
}

enum sr_error
handshake_m1_open(struct handshake *hs, const uint8_t hello[HELLO_LEN],
    const uint8_t static_private[32], const uint8_t static_public[32],
    const uint8_t psk[32], const uint8_t m1[FRAME_M1_LEN],
    struct payload_m1 *out)
{
	uint8_t prologue[PROLOGUE_LEN];
	uint8_t plain[PAYLOAD_M1_LEN];
	enum sr_error error;

	*hs = (struct handshake){.phase = HANDSHAKE_NONE};
	*out = (struct payload_m1){0};
	handshake_prologue(hello, m1, prologue);
	noise_init_responder(&hs->noise, prologue, sizeof(prologue),
	    static_private, static_public, psk);
	error = noise_read_m1(
	    &hs->noise, m1 + WHO_LEN, FRAME_M1_LEN - WHO_LEN, plain);
	if (error == SR_OK)
		error = payload_m1_read(plain, out);
	if (error == SR_OK)
		error = handshake_after_m1(hs, hello, out);
	sodium_memzero(plain, sizeof(plain));
	return error == SR_OK ? SR_OK : handshake_fail(hs, error);
}

enum sr_error
handshake_m1_seal(struct handshake *hs, const uint8_t hello[HELLO_LEN],
    const uint8_t static_public[32], uint32_t terminal, uint32_t psk_epoch,
    const uint8_t psk[32], const uint8_t ephemeral_private[32],
    const struct payload_m1 *payload, uint8_t m1[FRAME_M1_LEN])
{
	struct writer w = writer_to(m1, WHO_LEN);
	uint8_t prologue[PROLOGUE_LEN];
	uint8_t plain[PAYLOAD_M1_LEN];
	enum sr_error error;

	*hs = (struct handshake){.phase = HANDSHAKE_NONE};
	writer_u32(&w, terminal);
	writer_u32(&w, psk_epoch);
	handshake_prologue(hello, m1, prologue);
	noise_init_initiator(
	    &hs->noise, prologue, sizeof(prologue), static_public, psk);
	payload_m1_write(payload, plain);
	error = noise_write_m1(
	    &hs->noise, ephemeral_private, plain, sizeof(plain), m1 + WHO_LEN);
	sodium_memzero(plain, sizeof(plain));
	if (error == SR_OK)
		error = handshake_after_m1(hs, hello, payload);
	return error == SR_OK ? SR_OK : handshake_fail(hs, error);
}

struct opaque_binding
handshake_binding(const struct handshake *hs)
{
	return (struct opaque_binding){
	    .context = hs->context,
	    .context_len = sizeof(hs->context),
	    .client_identity = hs->name,
	    .client_identity_len = hs->name_len,
	    .server_identity = hs->bank_id,
	    .server_identity_len = sizeof(hs->bank_id),
	};
}

static enum sr_error
handshake_after_m2(struct handshake *hs, enum sr_error error)
{
	if (error == SR_OK)
		error = noise_split(&hs->noise, hs->k1, hs->k2, hs->h);
	if (error != SR_OK)
		return handshake_fail(hs, error);
	hs->phase = HANDSHAKE_M2;
	return SR_OK;
}

enum sr_error
handshake_m2_seal(struct handshake *hs, const uint8_t ephemeral_private[32],
    const struct payload_m2 *payload, uint8_t m2[FRAME_M2_LEN])
{
	uint8_t plain[PAYLOAD_M2_LEN];
	enum sr_error error;

	if (hs->phase != HANDSHAKE_M1)
		return handshake_fail(hs, SR_INTERNAL);
	payload_m2_write(hs->operation, payload, plain);
	error = noise_write_m2(
	    &hs->noise, ephemeral_private, plain, sizeof(plain), m2);
	sodium_memzero(plain, sizeof(plain));
	return handshake_after_m2(hs, error);
}

enum sr_error
handshake_m2_open(struct handshake *hs, const uint8_t m2[FRAME_M2_LEN],
    struct payload_m2 *out)
{
	uint8_t plain[PAYLOAD_M2_LEN];
	enum sr_error error;

	*out = (struct payload_m2){0};
	if (hs->phase != HANDSHAKE_M1)
		return handshake_fail(hs, SR_INTERNAL);
	error = noise_read_m2(&hs->noise, m2, FRAME_M2_LEN, plain);
	if (error == SR_OK)
		error = payload_m2_read(hs->operation, plain, out);
	sodium_memzero(plain, sizeof(plain));
	return handshake_after_m2(hs, error);
}

enum sr_error
handshake_m3_seal(struct handshake *hs, const struct payload_m3 *payload,
    uint8_t m3[FRAME_M3_LEN])
{
	uint8_t plain[PAYLOAD_M3_LEN];

	if (hs->phase != HANDSHAKE_M2)
		return handshake_fail(hs, SR_INTERNAL);
	payload_m3_write(hs->operation, payload, plain);
	aead_seal(m3, hs->k1, 0, hs->h, sizeof(hs->h), plain, sizeof(plain));
	sodium_memzero(plain, sizeof(plain));
	hs->phase = HANDSHAKE_M3;
	return SR_OK;
}

enum sr_error
handshake_m3_open(struct handshake *hs, const uint8_t m3[FRAME_M3_LEN],
    struct payload_m3 *out)
{
	uint8_t plain[PAYLOAD_M3_LEN];
	enum sr_error error;

	*out = (struct payload_m3){0};
	if (hs->phase != HANDSHAKE_M2)
		return handshake_fail(hs, SR_INTERNAL);
	error =
	    aead_open(plain, hs->k1, 0, hs->h, sizeof(hs->h), m3, FRAME_M3_LEN);
	if (error == SR_OK)
		error = payload_m3_read(hs->operation, plain, out);
	sodium_memzero(plain, sizeof(plain));
	if (error != SR_OK)
		return handshake_fail(hs, error);
	hs->phase = HANDSHAKE_M3;
	return SR_OK;
}

/* M5 is for register and change only, and once. */
static bool
handshake_m5_due(const struct handshake *hs)
{
	return hs->phase == HANDSHAKE_M3 && hs->operation != OPERATION_LOG_IN;
}

enum sr_error
handshake_m5_seal(struct handshake *hs, const struct payload_m5 *payload,
    uint8_t m5[FRAME_M5_LEN])
{
	uint8_t plain[PAYLOAD_M5_LEN];

	if (!handshake_m5_due(hs))
		return handshake_fail(hs, SR_INTERNAL);
	payload_m5_write(payload, plain);
	aead_seal(m5, hs->k2, 0, hs->h, sizeof(hs->h), plain, sizeof(plain));
	handshake_wipe(hs);
	return SR_OK;
}

enum sr_error
handshake_m5_open(struct handshake *hs, const uint8_t m5[FRAME_M5_LEN],
    struct payload_m5 *out)
{
	uint8_t plain[PAYLOAD_M5_LEN];
	enum sr_error error;

	*out = (struct payload_m5){0};
	if (!handshake_m5_due(hs))
		return handshake_fail(hs, SR_INTERNAL);
	error =
	    aead_open(plain, hs->k2, 0, hs->h, sizeof(hs->h), m5, FRAME_M5_LEN);
	if (error == SR_OK)
		error = payload_m5_read(plain, out);
	handshake_wipe(hs);
	return error;
}

enum sr_error
handshake_keys(struct handshake *hs,
    const uint8_t session_key[OPAQUE_SESSION_KEY_LEN],
    struct handshake_keys *out)
{
	uint8_t ikm[32 + 32 + OPAQUE_SESSION_KEY_LEN];
	struct writer w = writer_to(ikm, sizeof(ikm));
	SECRET_64(prk);

	*out = (struct handshake_keys){0};
	if (hs->phase != HANDSHAKE_M3 || hs->operation != OPERATION_LOG_IN)
		return handshake_fail(hs, SR_INTERNAL);
	writer_bytes(&w, hs->k1, sizeof(hs->k1));
	writer_bytes(&w, hs->k2, sizeof(hs->k2));
	writer_bytes(&w, session_key, OPAQUE_SESSION_KEY_LEN);
	assert(!w.bad && writer_len(&w) == sizeof(ikm));
	kdf_extract(prk, hs->h, sizeof(hs->h), ikm, sizeof(ikm));
	sodium_memzero(ikm, sizeof(ikm));
	kdf_expand_label(out->chain_key, sizeof(out->chain_key), prk,
	    sizeof(prk), "chain", NULL, 0);
	kdf_expand_label(out->session_id, sizeof(out->session_id), prk,
	    sizeof(prk), "sid", NULL, 0);
	handshake_wipe(hs);
	return SR_OK;
}

static void
possession_message(const struct handshake *hs, const struct payload_m3 *payload,
    uint8_t out[POSSESSION_LEN])
{
	struct writer w = writer_to(out, POSSESSION_LEN);

	writer_bytes(&w, POSSESSION_LABEL, sizeof(POSSESSION_LABEL) - 1);
	writer_u8(&w, (uint8_t)hs->operation);
	writer_bytes(&w, hs->h, sizeof(hs->h));
	writer_bytes(&w, hs->bank_id, sizeof(hs->bank_id));
	writer_u8(&w, hs->name_len);
	writer_bytes(&w, hs->name, hs->name_len);
	writer_zeros(&w, (size_t)PAYLOAD_NAME_MAX - hs->name_len);
	writer_bytes(&w, payload->signing_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, payload->message_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, &payload->record, sizeof(payload->record));
	assert(!w.bad && writer_len(&w) == POSSESSION_LEN);
}

static void
possession_sign(const struct handshake *hs, const uint8_t *signing_secret,
    const struct payload_m3 *payload, uint8_t out[SIGNATURE_LEN])
{
	uint8_t message[POSSESSION_LEN];
	int rc;

	assert(hs->phase == HANDSHAKE_M2);
	possession_message(hs, payload, message);
	rc = crypto_sign_detached(
	    out, NULL, message, sizeof(message), signing_secret);
	assert(rc == 0);
}

static enum sr_error
possession_verify(const struct handshake *hs, const uint8_t *signing_public,
    const struct payload_m3 *payload, const uint8_t signature[SIGNATURE_LEN])
{
	uint8_t message[POSSESSION_LEN];

	if (hs->phase != HANDSHAKE_M3 || hs->operation == OPERATION_LOG_IN)
		return SR_INTERNAL;
	possession_message(hs, payload, message);
	return crypto_sign_verify_detached(
		   signature, message, sizeof(message), signing_public) == 0
		   ? SR_OK
		   : SR_SIGNATURE;
}

void
handshake_proof_sign(const struct handshake *hs,
    const uint8_t signing_secret[SIGNING_SECRET_LEN],
    struct payload_m3 *payload)
{
	possession_sign(hs, signing_secret, payload, payload->proof);
}

enum sr_error
handshake_proof_verify(
    const struct handshake *hs, const struct payload_m3 *payload)
{
	return possession_verify(
	    hs, payload->signing_key, payload, payload->proof);
}

void
handshake_old_sign(const struct handshake *hs,
    const uint8_t old_secret[SIGNING_SECRET_LEN], struct payload_m3 *payload)
{
	possession_sign(hs, old_secret, payload, payload->old_signature);
}

enum sr_error
handshake_old_verify(const struct handshake *hs,
    const uint8_t old_public[PUBLIC_KEY_LEN], const struct payload_m3 *payload)
{
	return possession_verify(
	    hs, old_public, payload, payload->old_signature);
}
