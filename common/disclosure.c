/* SPDX-License-Identifier: ISC */
/* The seal and the file of disclosure.h.  Must never use a key twice. */
#include "common/disclosure.h"

#include <assert.h>
#include <string.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/kdf.h"
#include "common/noise.h"
#include "common/secret.h"

static const char magic[8] = {'S', 'R', 'D', 'I', 'S', 'C', 'L', '1'};

static void
derive(uint8_t key[32], const uint8_t shared[32], const uint8_t bank_id[32],
    const uint8_t auditor[32], const uint8_t ephemeral_public[32],
    const struct disclosure_item *item)
{
	uint8_t context[132];
	struct writer w = writer_to(context, sizeof(context));
	SECRET_64(prk);

	writer_bytes(&w, bank_id, 32);
	writer_u32(&w, item->segment);
	writer_bytes(&w, item->salt, sizeof(item->salt));
	writer_bytes(&w, auditor, 32);
	writer_bytes(&w, ephemeral_public, 32);
	assert(!w.bad && writer_len(&w) == sizeof(context));
	kdf_extract(prk, NULL, 0, shared, 32);
	kdf_expand_label(key, 32, prk, sizeof(prk),
	    item->snapshot ? "disclosure of a snapshot" : "disclosure", context,
	    sizeof(context));
}

enum sr_error
disclosure_seal(const uint8_t bank_id[32], const uint8_t auditor[32],
    const uint8_t ephemeral[32], const uint8_t segment_key[32],
    struct disclosure_item *item)
{
	SECRET_32(shared);
	SECRET_32(key);

	if (noise_dh(shared, ephemeral, auditor) != SR_OK)
		return SR_PARAMETERS;
	noise_public_key(item->sealed, ephemeral);
	derive(key, shared, bank_id, auditor, item->sealed, item);
	aead_seal(item->sealed + 32, key, 0, NULL, 0, segment_key, 32);
	return SR_OK;
}

enum sr_error
disclosure_open(const uint8_t bank_id[32], const uint8_t auditor_secret[32],
    const struct disclosure_item *item, uint8_t segment_key[32])
{
	uint8_t auditor[32];
	SECRET_32(shared);
	SECRET_32(key);

	noise_public_key(auditor, auditor_secret);
	if (noise_dh(shared, auditor_secret, item->sealed) != SR_OK)
		return SR_CRYPTO;
	derive(key, shared, bank_id, auditor, item->sealed, item);
	return aead_open(segment_key, key, 0, NULL, 0, item->sealed + 32,
	    DISCLOSURE_SEALED_LEN - 32);
}

void
disclosure_header_encode(const struct disclosure_header *header,
    uint8_t bytes[DISCLOSURE_HEADER_LEN])
{
	struct writer w = writer_to(bytes, DISCLOSURE_HEADER_LEN);

	writer_bytes(&w, magic, sizeof(magic));
	writer_u16(&w, DISCLOSURE_VERSION);
	writer_zeros(&w, 2);
	writer_u32(&w, header->count);
	writer_bytes(&w, header->bank_id, sizeof(header->bank_id));
	writer_bytes(&w, header->auditor, sizeof(header->auditor));
	assert(!w.bad && writer_len(&w) == DISCLOSURE_HEADER_LEN);
}

void
disclosure_item_encode(
    const struct disclosure_item *item, uint8_t bytes[DISCLOSURE_ITEM_LEN])
{
	struct writer w = writer_to(bytes, DISCLOSURE_ITEM_LEN);

	writer_u32(&w, item->segment);
	writer_u32(&w, item->snapshot ? 1 : 0);
	writer_bytes(&w, item->salt, sizeof(item->salt));
	writer_bytes(&w, item->sealed, sizeof(item->sealed));
	assert(!w.bad && writer_len(&w) == DISCLOSURE_ITEM_LEN);
}

enum sr_error
disclosure_header_decode(const uint8_t bytes[DISCLOSURE_HEADER_LEN],
    struct disclosure_header *header)
{
	struct reader r = reader_of(bytes, DISCLOSURE_HEADER_LEN);
	enum sr_error error = reader_magic(&r, magic, sizeof(magic));
	uint16_t version = reader_u16(&r);

	reader_zeros(&r, 2);
	header->count = reader_u32(&r);
	reader_bytes(&r, header->bank_id, sizeof(header->bank_id));
	reader_bytes(&r, header->auditor, sizeof(header->auditor));
	if (error != SR_OK)
		return error == SR_VERSION ? error : SR_MALFORMED;
	if (version > DISCLOSURE_VERSION)
		return SR_VERSION;
	if (!reader_end(&r) || version != DISCLOSURE_VERSION)
		return SR_MALFORMED;
	return header->count <= DISCLOSURE_ITEMS_MAX ? SR_OK : SR_TOO_LARGE;
}

enum sr_error
disclosure_item_decode(
    const uint8_t bytes[DISCLOSURE_ITEM_LEN], struct disclosure_item *item)
{
	struct reader r = reader_of(bytes, DISCLOSURE_ITEM_LEN);
	uint32_t of_what;

	item->segment = reader_u32(&r);
	of_what = reader_u32(&r);
	item->snapshot = of_what == 1;
	reader_bytes(&r, item->salt, sizeof(item->salt));
	reader_bytes(&r, item->sealed, sizeof(item->sealed));
	return reader_end(&r) && of_what <= 1 ? SR_OK : SR_MALFORMED;
}
