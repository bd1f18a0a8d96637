/* SPDX-License-Identifier: ISC */
/*
 * HELLO, certificate and attestation.  Must never call anything valid that
 * is not exactly the layout of the header: these bytes are what customers
 * pin and auditors check.
 */
#include "common/certificate.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/ids.h"
#include "common/kdf.h"
#include "common/name.h"

#define MAGIC_LEN CERTIFICATE_MAGIC_LEN
#define HELLO_MAGIC "SRHELLO1"
#define ATTESTATION_MAGIC "SRATTST1"
#define KEY_ID_LABEL "strongroom/1 key id"
#define CERTIFICATE_LABEL "strongroom/1 certificate"
#define ATTESTATION_LABEL "strongroom/1 attestation"
#define LABELLED_MAX (sizeof(CERTIFICATE_LABEL) - 1 + CERTIFICATE_SIGNED_LEN)

_Static_assert((size_t)CERTIFICATE_SIGNED_LEN == ATTESTATION_SIGNED_LEN, "");
_Static_assert(sizeof(CERTIFICATE_LABEL) == sizeof(ATTESTATION_LABEL), "");

static void
expect_magic(struct reader *r, const char *magic)
{
	const uint8_t *bytes = reader_view(r, MAGIC_LEN);

	if (bytes != NULL && memcmp(bytes, magic, MAGIC_LEN) != 0)
		r->bad = true;
}

/* label | the part that is signed: what every signature here is over. */
static void
labelled(const char *label, const uint8_t part[CERTIFICATE_SIGNED_LEN],
    uint8_t out[LABELLED_MAX])
{
	struct writer w = writer_to(out, LABELLED_MAX);

	writer_bytes(&w, label, strlen(label));
	writer_bytes(&w, part, CERTIFICATE_SIGNED_LEN);
	assert(!w.bad && writer_len(&w) == LABELLED_MAX);
}

static void
labelled_sign(const char *label, const uint8_t secret[SIGNING_SECRET_LEN],
    uint8_t bytes[CERTIFICATE_LEN])
{
	uint8_t message[LABELLED_MAX];
	int rc;

	labelled(label, bytes, message);
	rc = crypto_sign_detached(bytes + CERTIFICATE_SIGNED_LEN, NULL, message,
	    sizeof(message), secret);
	assert(rc == 0);
}

static bool
labelled_verify(const char *label, const uint8_t key[PUBLIC_KEY_LEN],
    const uint8_t bytes[CERTIFICATE_LEN])
{
	uint8_t message[LABELLED_MAX];

	labelled(label, bytes, message);
	return crypto_sign_verify_detached(bytes + CERTIFICATE_SIGNED_LEN,
		   message, sizeof(message), key) == 0;
}

void
bank_id_of(const uint8_t identity_key[PUBLIC_KEY_LEN], uint8_t out[BANK_ID_LEN])
{
	kdf_sha256(out, identity_key, PUBLIC_KEY_LEN);
}

void
hello_write(const struct hello *hello, uint8_t out[HELLO_FIXED_LEN])
{
	struct writer w = writer_to(out, HELLO_FIXED_LEN);

	writer_bytes(&w, HELLO_MAGIC, MAGIC_LEN);
	writer_u32(&w, hello->key_id);
	writer_u32(&w, hello->flags);
	writer_bytes(&w, hello->beacon, BEACON_LEN);
	writer_u64(&w, hello->beacon_number);
	writer_u64(&w, hello->server_time_ms);
	writer_zeros(&w, 16);
	assert(!w.bad && writer_len(&w) == HELLO_FIXED_LEN);
}

enum sr_error
hello_read(const uint8_t bytes[HELLO_FIXED_LEN], struct hello *out)
{
	struct reader r = reader_of(bytes, HELLO_FIXED_LEN);

	expect_magic(&r, HELLO_MAGIC);
	out->key_id = reader_u32(&r);
	out->flags = reader_u32(&r);
	reader_bytes(&r, out->beacon, BEACON_LEN);
	out->beacon_number = reader_u64(&r);
	out->server_time_ms = reader_u64(&r);
	reader_zeros(&r, 16);
	return reader_end(&r) && out->flags == 0 ? SR_OK : SR_MALFORMED;
}

uint32_t
certificate_key_id(const struct certificate *certificate)
{
	uint8_t bytes[sizeof(KEY_ID_LABEL) - 1 + 4 * PUBLIC_KEY_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	uint8_t hash[KDF_SHA256_LEN];
	struct reader r = reader_of(hash, sizeof(hash));

	writer_bytes(&w, KEY_ID_LABEL, sizeof(KEY_ID_LABEL) - 1);
	writer_bytes(&w, certificate->noise_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, certificate->opaque_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, certificate->log_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, certificate->attestation_key, PUBLIC_KEY_LEN);
	assert(!w.bad && writer_len(&w) == sizeof(bytes));
	kdf_sha256(hash, bytes, sizeof(bytes));
	return reader_u32(&r);
}

void
certificate_write_unsigned(
    const struct certificate *certificate, uint8_t out[CERTIFICATE_SIGNED_LEN])
{
	struct writer w = writer_to(out, CERTIFICATE_SIGNED_LEN);

	writer_bytes(&w, CERTIFICATE_MAGIC, MAGIC_LEN);
	writer_u32(&w, certificate_key_id(certificate));
	writer_u32(&w, certificate->epoch);
	writer_u32(&w, certificate->flags);
	writer_zeros(&w, 4);
	writer_bytes(&w, certificate->bank_id, BANK_ID_LEN);
	writer_u64(&w, certificate->not_after_ms);
	writer_bytes(&w, certificate->noise_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, certificate->opaque_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, certificate->log_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, certificate->attestation_key, PUBLIC_KEY_LEN);
	assert(!w.bad && writer_len(&w) == CERTIFICATE_SIGNED_LEN);
}

void
certificate_sign(const struct certificate *certificate,
    const uint8_t identity_secret[SIGNING_SECRET_LEN],
    uint8_t out[CERTIFICATE_LEN])
{
	certificate_write_unsigned(certificate, out);
	labelled_sign(CERTIFICATE_LABEL, identity_secret, out);
}

enum sr_error
certificate_read_unsigned(
    const uint8_t bytes[CERTIFICATE_SIGNED_LEN], struct certificate *out)
{
	struct reader r = reader_of(bytes, CERTIFICATE_SIGNED_LEN);
	enum sr_error error = reader_magic(&r, CERTIFICATE_MAGIC, MAGIC_LEN);

	if (error != SR_OK)
		return error == SR_VERSION ? error : SR_MALFORMED;
	out->key_id = reader_u32(&r);
	out->epoch = reader_u32(&r);
	out->flags = reader_u32(&r);
	reader_zeros(&r, 4);
	reader_bytes(&r, out->bank_id, BANK_ID_LEN);
	out->not_after_ms = reader_u64(&r);
	reader_bytes(&r, out->noise_key, PUBLIC_KEY_LEN);
	reader_bytes(&r, out->opaque_key, PUBLIC_KEY_LEN);
	reader_bytes(&r, out->log_key, PUBLIC_KEY_LEN);
	reader_bytes(&r, out->attestation_key, PUBLIC_KEY_LEN);
	if (!reader_end(&r) || out->flags != 0 ||
	    out->key_id != certificate_key_id(out))
		return SR_MALFORMED;
	return SR_OK;
}

enum sr_error
certificate_verify(const uint8_t bytes[CERTIFICATE_LEN],
    const uint8_t identity_key[PUBLIC_KEY_LEN], struct certificate *out)
{
	uint8_t bank_id[BANK_ID_LEN];
	struct certificate read;
	enum sr_error error = certificate_read_unsigned(bytes, &read);

	if (error != SR_OK)
		return error;
	bank_id_of(identity_key, bank_id);
	if (memcmp(bank_id, read.bank_id, BANK_ID_LEN) != 0 ||
	    !labelled_verify(CERTIFICATE_LABEL, identity_key, bytes))
		return SR_BANK_KEY;
	*out = read;
	return SR_OK;
}

enum sr_error
certificate_current(const struct certificate *certificate,
    uint32_t lowest_epoch, uint64_t now_ms)
{
	if (certificate->epoch < lowest_epoch ||
	    now_ms > certificate->not_after_ms)
		return SR_CERTIFICATE;
	return SR_OK;
}

void
attestation_name_hash(const uint8_t salt[NAME_SALT_LEN], const char *name,
    size_t name_len, uint8_t out[NAME_HASH_LEN])
{
	uint8_t bytes[NAME_SALT_LEN + 32];
	struct writer w = writer_to(bytes, sizeof(bytes));

	writer_bytes(&w, salt, NAME_SALT_LEN);
	writer_bytes(&w, name, name_len);
	assert(!w.bad);
	kdf_sha256(out, bytes, writer_len(&w));
}

static void
attestation_write(
    const struct attestation *attestation, uint8_t out[ATTESTATION_SIGNED_LEN])
{
	struct writer w = writer_to(out, ATTESTATION_SIGNED_LEN);

	writer_bytes(&w, ATTESTATION_MAGIC, MAGIC_LEN);
	writer_bytes(&w, attestation->bank_id, BANK_ID_LEN);
	writer_u64(&w, attestation->customer);
	writer_bytes(&w, attestation->name_hash, NAME_HASH_LEN);
	writer_bytes(&w, attestation->signing_key, PUBLIC_KEY_LEN);
	writer_bytes(&w, attestation->message_key, PUBLIC_KEY_LEN);
	writer_u32(&w, attestation->key_epoch);
	writer_u32(&w, attestation->key_id);
	writer_bytes(&w, attestation->previous_hash, 32);
	writer_u64(&w, attestation->reset_leaf);
	assert(!w.bad && writer_len(&w) == ATTESTATION_SIGNED_LEN);
}

void
attestation_sign(const struct attestation *attestation,
    const uint8_t attestation_secret[SIGNING_SECRET_LEN],
    uint8_t out[ATTESTATION_LEN])
{
	attestation_write(attestation, out);
	labelled_sign(ATTESTATION_LABEL, attestation_secret, out);
}

enum sr_error
attestation_read(const uint8_t bytes[ATTESTATION_LEN], struct attestation *out)
{
	struct reader r = reader_of(bytes, ATTESTATION_SIGNED_LEN);

	expect_magic(&r, ATTESTATION_MAGIC);
	reader_bytes(&r, out->bank_id, BANK_ID_LEN);
	out->customer = reader_u64(&r);
	reader_bytes(&r, out->name_hash, NAME_HASH_LEN);
	reader_bytes(&r, out->signing_key, PUBLIC_KEY_LEN);
	reader_bytes(&r, out->message_key, PUBLIC_KEY_LEN);
	out->key_epoch = reader_u32(&r);
	out->key_id = reader_u32(&r);
	reader_bytes(&r, out->previous_hash, 32);
	out->reset_leaf = reader_u64(&r);
	if (!reader_end(&r) || !customer_id_valid(out->customer) ||
	    out->key_epoch < ATTESTATION_FIRST_EPOCH)
		return SR_MALFORMED;
	return SR_OK;
}

enum sr_error
attestation_verify(const uint8_t bytes[ATTESTATION_LEN],
    const uint8_t attestation_key[PUBLIC_KEY_LEN],
    const uint8_t bank_id[BANK_ID_LEN], struct attestation *out)
{
	struct attestation read;
	enum sr_error error = attestation_read(bytes, &read);

	if (error != SR_OK)
		return error;
	if (memcmp(read.bank_id, bank_id, BANK_ID_LEN) != 0)
		return SR_WRONG_BANK;
	if (!labelled_verify(ATTESTATION_LABEL, attestation_key, bytes))
		return SR_SIGNATURE;
	*out = read;
	return SR_OK;
}

bool
attestation_is_of(const struct attestation *attestation,
    const uint8_t salt[NAME_SALT_LEN], const char *name, size_t name_len)
{
	uint8_t hash[NAME_HASH_LEN];

	if (name_check(name, name_len) != SR_OK)
		return false;
	attestation_name_hash(salt, name, name_len, hash);
	return sodium_memcmp(hash, attestation->name_hash, sizeof(hash)) == 0;
}

void
attestation_hash(const uint8_t bytes[ATTESTATION_LEN], uint8_t out[32])
{
	kdf_sha256(out, bytes, ATTESTATION_LEN);
}
