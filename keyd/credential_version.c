/* SPDX-License-Identifier: ISC */
/* The seal and the bytes of credential_version.h. */
#include "keyd/credential_version.h"

#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/buffer.h"

enum {
	WRAPPED_LEN = CREDENTIAL_VERSION_LEN - VERSION_HEAD_LEN,
	PLAIN_LEN = WRAPPED_LEN - AEAD_WRAP_OVERHEAD,
};

#define CREDENTIAL_LABEL "strongroom/1 credential"

enum { AD_LEN = sizeof(CREDENTIAL_LABEL) - 1 + 16 };

/* Zeros are the first: there were versions before there were epochs. */
static void
epoch_encode(uint32_t epoch, struct writer *w)
{
	writer_u32(w, epoch == KEYS_EPOCH ? 0 : epoch);
}

static uint32_t
epoch_decode(struct reader *r)
{
	uint32_t epoch = reader_u32(r);

	return epoch == 0 ? KEYS_EPOCH : epoch;
}

struct version_head
version_head(const uint8_t version[VERSION_HEAD_LEN])
{
	struct reader r = reader_of(version, VERSION_HEAD_LEN);
	struct version_head head;

	head.generation = reader_u32(&r);
	head.epoch = epoch_decode(&r);
	return head;
}

static void
version_head_write(struct version_head head, struct writer *w)
{
	writer_u32(w, head.generation);
	epoch_encode(head.epoch, w);
}

uint32_t
version_present_epoch(const struct credentials *c)
{
	return c->epochs == NULL ? KEYS_EPOCH : c->epochs->of[0].epoch;
}

/* NULL: nothing is sealed in that epoch any more. */
static const uint8_t *
epoch_key(const struct credentials *c, uint32_t epoch)
{
	if (c->epochs == NULL)
		return epoch == KEYS_EPOCH ? c->keys->storage : NULL;
	for (unsigned i = 0; i < 2; i++)
		if (c->epochs->of[i].epoch == epoch)
			return c->epochs->of[i].key;
	return NULL;
}

static void
version_ad(uint64_t customer, struct version_head head, uint8_t ad[AD_LEN])
{
	struct writer w = writer_to(ad, AD_LEN);

	writer_bytes(&w, CREDENTIAL_LABEL, sizeof(CREDENTIAL_LABEL) - 1);
	writer_u64(&w, customer);
	version_head_write(head, &w);
}

static bool
customer_encode(const struct customer *customer, uint8_t plain[PLAIN_LEN])
{
	struct writer w = writer_to(plain, PLAIN_LEN);

	writer_u8(&w, customer->name_len);
	writer_bytes(&w, customer->name, PAYLOAD_NAME_MAX);
	writer_u8(&w, customer->display_name_len);
	writer_bytes(&w, customer->display_name, PAYLOAD_DISPLAY_NAME_MAX);
	writer_bytes(&w, customer->salt, sizeof(customer->salt));
	writer_bytes(
	    &w, customer->directory_key, sizeof(customer->directory_key));
	writer_bytes(&w, customer->attestation, sizeof(customer->attestation));
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		const struct credential *c = &customer->credential[i];

		writer_u8(&w, c->present ? 1 : 0);
		writer_bytes(&w, c->random, sizeof(c->random));
		writer_bytes(&w, &c->record, sizeof(c->record));
		writer_bytes(&w, c->wrapped_seed, sizeof(c->wrapped_seed));
	}
	writer_u32(&w, customer->resets);
	writer_u32(&w, customer->reseals);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		epoch_encode(customer->credential[i].epoch, &w);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		epoch_encode(customer->credential[i].pair_epoch, &w);
	writer_zeros(&w, PLAIN_LEN - writer_len(&w));
	return !w.bad;
}

static enum sr_error
customer_decode(const uint8_t plain[PLAIN_LEN], struct customer *customer)
{
	struct reader r = reader_of(plain, PLAIN_LEN);

	customer->name_len = reader_u8(&r);
	reader_bytes(&r, customer->name, PAYLOAD_NAME_MAX);
	customer->display_name_len = reader_u8(&r);
	reader_bytes(&r, customer->display_name, PAYLOAD_DISPLAY_NAME_MAX);
	reader_bytes(&r, customer->salt, sizeof(customer->salt));
	reader_bytes(
	    &r, customer->directory_key, sizeof(customer->directory_key));
	reader_bytes(&r, customer->attestation, sizeof(customer->attestation));
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		struct credential *c = &customer->credential[i];

		c->present = reader_u8(&r) == 1;
		reader_bytes(&r, c->random, sizeof(c->random));
		reader_bytes(&r, &c->record, sizeof(c->record));
		reader_bytes(&r, c->wrapped_seed, sizeof(c->wrapped_seed));
	}
	customer->resets = reader_u32(&r);
	customer->reseals = reader_u32(&r);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		customer->credential[i].epoch = epoch_decode(&r);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		customer->credential[i].pair_epoch = epoch_decode(&r);
	reader_zeros(&r, reader_left(&r));
	if (!reader_end(&r) || customer->reseals > customer->generation ||
	    customer->name_len > PAYLOAD_NAME_MAX ||
	    customer->display_name_len > PAYLOAD_DISPLAY_NAME_MAX)
		return SR_DAMAGED;
	customer->name[customer->name_len] = '\0';
	customer->display_name[customer->display_name_len] = '\0';
	return SR_OK;
}

enum sr_error
version_open(const struct credentials *c, uint64_t customer,
    const uint8_t version[CREDENTIAL_VERSION_LEN], struct customer *out)
{
	uint8_t plain[PLAIN_LEN], ad[AD_LEN];
	struct version_head head = version_head(version);
	const uint8_t *key = epoch_key(c, head.epoch);
	enum sr_error error;

	memset(out, 0, sizeof(*out));
	out->id = customer;
	out->generation = head.generation;
	if (key == NULL)
		return SR_DAMAGED;
	version_ad(customer, head, ad);
	error = aead_unwrap(plain, key, ad, sizeof(ad),
	    version + VERSION_HEAD_LEN, WRAPPED_LEN);
	if (error == SR_OK)
		error = customer_decode(plain, out);
	sodium_memzero(plain, sizeof(plain));
	return error == SR_OK && out->generation > 0 ? SR_OK : SR_DAMAGED;
}

enum sr_error
version_seal(const struct credentials *c, const struct customer *customer,
    uint8_t version[CREDENTIAL_VERSION_LEN])
{
	uint8_t plain[PLAIN_LEN], nonce[AEAD_WRAP_NONCE_LEN], ad[AD_LEN];
	struct writer w = writer_to(version, VERSION_HEAD_LEN);
	struct version_head head = {
	    .generation = (uint32_t)customer->generation,
	    .epoch = version_present_epoch(c)};

	if (customer->generation > UINT32_MAX ||
	    !customer_encode(customer, plain))
		return SR_INTERNAL;
	version_head_write(head, &w);
	version_ad(customer->id, head, ad);
	env_random(c->env, nonce, sizeof(nonce));
	aead_wrap(version + VERSION_HEAD_LEN, epoch_key(c, head.epoch), nonce,
	    ad, sizeof(ad), plain, sizeof(plain));
	sodium_memzero(plain, sizeof(plain));
	return SR_OK;
}
