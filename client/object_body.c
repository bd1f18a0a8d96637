/* SPDX-License-Identifier: ISC */
/*
 * Bodies of stored objects, chunk by chunk.  Must never give out a byte that
 * was not sealed for this place, nor call a body whole that is not.
 */
#include "client/object_body.h"

#include <assert.h>
#include <string.h>

#include "common/buffer.h"

enum { AD_LEN = OBJECT_ID_LEN + 4 + 8 };

_Static_assert(OBJECT_STREAM_HEADER_LEN ==
		   crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    "the stream header is libsodium's");
_Static_assert(OBJECT_KEY_LEN == crypto_secretstream_xchacha20poly1305_KEYBYTES,
    "the file key is libsodium's");

static uint64_t
chunks_of(uint64_t padded)
{
	return (padded + OBJECT_CHUNK_LEN - 1) / OBJECT_CHUNK_LEN;
}

enum sr_error
object_body_len(uint64_t size, uint64_t *len)
{
	uint64_t padded;
	enum sr_error error = padme_len(size, &padded);

	*len = padded + chunks_of(padded) * OBJECT_CHUNK_OVERHEAD;
	return error;
}

/*
 * One state for both directions: libsodium's init_push draws a header and then
 * does what init_pull does with it, so from key and header the same bytes can
 * be sealed again (tests/unit/test_object_body.c holds it to that).
 */
enum sr_error
object_body_init(struct object_body *body, const uint8_t key[OBJECT_KEY_LEN],
    const uint8_t header[OBJECT_STREAM_HEADER_LEN],
    const uint8_t id[OBJECT_ID_LEN], uint32_t version, uint64_t size)
{
	enum sr_error error;

	memset(body, 0, sizeof(*body));
	body->failed = true;
	error = padme_len(size, &body->padded);
	if (error != SR_OK)
		return error;
	if (crypto_secretstream_xchacha20poly1305_init_pull(
		&body->stream, header, key) != 0)
		return SR_CRYPTO;
	memcpy(body->id, id, OBJECT_ID_LEN);
	body->version = version;
	body->size = size;
	body->chunks = chunks_of(body->padded);
	body->failed = false;
	return SR_OK;
}

void
object_body_wipe(struct object_body *body)
{
	sodium_memzero(body, sizeof(*body));
	body->failed = true;
}

/* How much of the first `total' bytes falls into the next chunk. */
static size_t
share_of_next(const struct object_body *body, uint64_t total)
{
	const uint64_t begin = body->next * OBJECT_CHUNK_LEN;

	if (begin >= total)
		return 0;
	return total - begin < OBJECT_CHUNK_LEN ? (size_t)(total - begin)
						: OBJECT_CHUNK_LEN;
}

size_t
object_body_plain_len(const struct object_body *body)
{
	return share_of_next(body, body->size);
}

size_t
object_body_sealed_len(const struct object_body *body)
{
	const size_t len = share_of_next(body, body->padded);

	return len > 0 ? len + OBJECT_CHUNK_OVERHEAD : 0;
}

bool
object_body_whole(const struct object_body *body)
{
	return !body->failed && body->next == body->chunks;
}

static void
chunk_ad(uint8_t ad[AD_LEN], const struct object_body *body)
{
	struct writer w = writer_to(ad, AD_LEN);

	writer_bytes(&w, body->id, OBJECT_ID_LEN);
	writer_u32(&w, body->version);
	writer_u64(&w, body->next);
	assert(!w.bad && writer_len(&w) == AD_LEN);
}

/* The tag that the next chunk must have. */
static uint8_t
chunk_tag(const struct object_body *body)
{
	return body->next + 1 == body->chunks
		   ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
		   : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
}

enum sr_error
object_body_seal(
    struct object_body *body, const uint8_t *plain, uint8_t *sealed)
{
	const size_t plain_len = object_body_plain_len(body);
	const size_t padded_len = share_of_next(body, body->padded);
	uint8_t chunk[OBJECT_CHUNK_LEN], ad[AD_LEN];
	int result;

	assert(!body->failed && padded_len > 0);
	if (plain_len > 0)
		memcpy(chunk, plain, plain_len);
	memset(chunk + plain_len, 0, padded_len - plain_len);
	chunk_ad(ad, body);
	result = crypto_secretstream_xchacha20poly1305_push(&body->stream,
	    sealed, NULL, chunk, padded_len, ad, sizeof(ad), chunk_tag(body));
	sodium_memzero(chunk, padded_len);
	body->failed = result != 0;
	body->next++;
	return body->failed ? SR_CRYPTO : SR_OK;
}

enum sr_error
object_body_open(struct object_body *body, const uint8_t *sealed,
    size_t sealed_len, uint8_t plain[OBJECT_CHUNK_LEN])
{
	const size_t plain_len = object_body_plain_len(body);
	const size_t padded_len = share_of_next(body, body->padded);
	uint8_t ad[AD_LEN], tag;

	if (body->failed || padded_len == 0 ||
	    sealed_len != padded_len + OBJECT_CHUNK_OVERHEAD)
		goto refused;
	chunk_ad(ad, body);
	if (crypto_secretstream_xchacha20poly1305_pull(&body->stream, plain,
		NULL, &tag, sealed, sealed_len, ad, sizeof(ad)) != 0 ||
	    tag != chunk_tag(body) ||
	    sodium_is_zero(plain + plain_len, padded_len - plain_len) != 1)
		goto refused;
	body->next++;
	return SR_OK;
refused:
	body->failed = true;
	sodium_memzero(plain, OBJECT_CHUNK_LEN);
	return SR_NOT_AS_STORED;
}
