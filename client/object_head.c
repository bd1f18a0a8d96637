/* SPDX-License-Identifier: ISC */
/*
 * Heads of stored objects: their one layout, and the seal of the box.  Must
 * never take a head for another object, version, owner or bank than it was
 * made for, nor read a byte that has two meanings.
 */
#include "client/object_head.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "client/padme.h"
#include "common/buffer.h"
#include "common/ids.h"
#include "common/kdf.h"

enum {
	HEAD_VERSION = 1,
	CLEAR_LEN = 8, /* key epoch, zeros */
	PLAIN_MAX = OBJECT_HEAD_LONG_LEN - OBJECT_HEAD_BOX_OVERHEAD,
};

#define BOX_HEAD "box head"
#define BOX_AD KDF_LABEL_PREFIX BOX_HEAD

enum {
	BOX_AD_LEN =
	    sizeof(BOX_AD) - 1 + BANK_ID_LEN + 8 + OBJECT_ID_LEN + 4 + 4
};

_Static_assert(
    OBJECT_HEAD_FIXED_LEN + OBJECT_NAME_MAX + OBJECT_HEAD_OVERHEAD_MAX <=
	OBJECT_HEAD_LONG_LEN,
    "the longest name fits under each seal");

/* ---- what a head may say ------------------------------------------------- */

static bool
type_known(enum object_type type)
{
	return type >= OBJECT_FILE && type <= OBJECT_SHARE;
}

static bool
type_may_be_nameless(enum object_type type)
{
	return type == OBJECT_KEY_RING || type == OBJECT_PINS ||
	       type == OBJECT_TEXT;
}

static bool
name_holds(const struct object_head *head)
{
	if (head->name_len > OBJECT_NAME_MAX)
		return false;
	if (head->name_len == 0)
		return type_may_be_nameless(head->type);
	return memchr(head->name, '\0', head->name_len) == NULL;
}

/* A share names an object; nothing else does. */
static bool
of_holds(const struct object_head *head)
{
	const bool no_id = sodium_is_zero(head->of_id, OBJECT_ID_LEN) == 1;

	if (head->type == OBJECT_SHARE)
		return customer_id_valid(head->of_owner) && !no_id;
	return head->of_owner == 0 && no_id && head->of_version == 0;
}

static bool
head_holds(const struct object_head *head)
{
	return type_known(head->type) && head->size <= OBJECT_SIZE_MAX &&
	       name_holds(head) && of_holds(head);
}

/* ---- plaintext ----------------------------------------------------------- */

size_t
object_head_len(size_t name_len, size_t overhead)
{
	assert(name_len <= OBJECT_NAME_MAX);
	assert(overhead <= OBJECT_HEAD_OVERHEAD_MAX);
	return OBJECT_HEAD_FIXED_LEN + name_len + overhead <=
		       OBJECT_HEAD_SHORT_LEN
		   ? OBJECT_HEAD_SHORT_LEN
		   : OBJECT_HEAD_LONG_LEN;
}

/* True if plain_len is what some seal leaves for a name of this length. */
static bool
plain_len_right(size_t plain_len, size_t name_len)
{
	const size_t sealed_len = plain_len > OBJECT_HEAD_SHORT_LEN
				      ? OBJECT_HEAD_LONG_LEN
				      : OBJECT_HEAD_SHORT_LEN;

	return plain_len <= sealed_len &&
	       sealed_len - plain_len <= OBJECT_HEAD_OVERHEAD_MAX &&
	       object_head_len(name_len, sealed_len - plain_len) == sealed_len;
}

enum sr_error
object_head_encode(
    const struct object_head *head, uint8_t *plain, size_t plain_len)
{
	struct writer w = writer_to(plain, plain_len);

	if (!head_holds(head) || !plain_len_right(plain_len, head->name_len)) {
		sodium_memzero(plain, plain_len);
		return SR_MALFORMED;
	}
	writer_u8(&w, HEAD_VERSION);
	writer_u8(&w, (uint8_t)head->type);
	writer_u16(&w, 0);
	writer_u32(&w, head->cksum);
	writer_u64(&w, head->size);
	writer_i64(&w, head->mtime_s);
	writer_u64(&w, head->of_owner);
	writer_bytes(&w, head->of_id, OBJECT_ID_LEN);
	writer_u32(&w, head->of_version);
	writer_bytes(&w, head->file_key, OBJECT_KEY_LEN);
	writer_bytes(&w, head->stream_header, OBJECT_STREAM_HEADER_LEN);
	writer_u16(&w, head->name_len);
	assert(writer_len(&w) == OBJECT_HEAD_FIXED_LEN);
	writer_bytes(&w, head->name, head->name_len);
	writer_zeros(&w, plain_len - writer_len(&w));
	assert(!w.bad);
	return SR_OK;
}

static bool
head_read(struct reader *r, struct object_head *head)
{
	head->type = (enum object_type)reader_u8(r);
	reader_zeros(r, 2);
	head->cksum = reader_u32(r);
	head->size = reader_u64(r);
	head->mtime_s = reader_i64(r);
	head->of_owner = reader_u64(r);
	reader_bytes(r, head->of_id, OBJECT_ID_LEN);
	head->of_version = reader_u32(r);
	reader_bytes(r, head->file_key, OBJECT_KEY_LEN);
	reader_bytes(r, head->stream_header, OBJECT_STREAM_HEADER_LEN);
	head->name_len = reader_u16(r);
	if (head->name_len > OBJECT_NAME_MAX)
		return false;
	reader_bytes(r, head->name, head->name_len);
	reader_zeros(r, reader_left(r));
	return reader_end(r) && head_holds(head);
}

enum sr_error
object_head_decode(
    const uint8_t *plain, size_t plain_len, struct object_head *head)
{
	struct reader r = reader_of(plain, plain_len);
	const uint8_t version = reader_u8(&r);

	memset(head, 0, sizeof(*head));
	if (version > HEAD_VERSION)
		return SR_VERSION;
	if (version == HEAD_VERSION && head_read(&r, head) &&
	    plain_len_right(plain_len, head->name_len))
		return SR_OK;
	sodium_memzero(head, sizeof(*head));
	return SR_MALFORMED;
}

/* ---- the seal of the box ------------------------------------------------- */

static void
box_key(uint8_t key[AEAD_KEY_LEN], const uint8_t file_root[OBJECT_KEY_LEN],
    const struct object_place *place)
{
	kdf_expand_label(key, AEAD_KEY_LEN, file_root, OBJECT_KEY_LEN, BOX_HEAD,
	    place->bank_id, BANK_ID_LEN);
}

static void
box_ad(uint8_t ad[BOX_AD_LEN], const struct object_place *place)
{
	struct writer w = writer_to(ad, BOX_AD_LEN);

	writer_bytes(&w, BOX_AD, sizeof(BOX_AD) - 1);
	writer_bytes(&w, place->bank_id, BANK_ID_LEN);
	writer_u64(&w, place->owner);
	writer_bytes(&w, place->id, OBJECT_ID_LEN);
	writer_u32(&w, place->version);
	writer_u32(&w, place->key_epoch);
	assert(!w.bad && writer_len(&w) == BOX_AD_LEN);
}

enum sr_error
object_head_seal(const struct object_head *head,
    const uint8_t file_root[OBJECT_KEY_LEN], const struct object_place *place,
    const uint8_t nonce[AEAD_WRAP_NONCE_LEN], uint8_t out[OBJECT_HEAD_LONG_LEN],
    size_t *out_len)
{
	uint8_t plain[PLAIN_MAX], ad[BOX_AD_LEN], key[AEAD_KEY_LEN];
	struct writer w = writer_to(out, CLEAR_LEN);
	size_t len, plain_len;
	enum sr_error error;

	*out_len = 0;
	if (head->name_len > OBJECT_NAME_MAX)
		return SR_MALFORMED;
	len = object_head_len(head->name_len, OBJECT_HEAD_BOX_OVERHEAD);
	plain_len = len - OBJECT_HEAD_BOX_OVERHEAD;
	error = object_head_encode(head, plain, plain_len);
	if (error == SR_OK) {
		writer_u32(&w, place->key_epoch);
		writer_u32(&w, 0);
		box_key(key, file_root, place);
		box_ad(ad, place);
		aead_wrap(out + CLEAR_LEN, key, nonce, ad, sizeof(ad), plain,
		    plain_len);
		sodium_memzero(key, sizeof(key));
		*out_len = len;
	}
	sodium_memzero(plain, sizeof(plain));
	return error;
}

enum sr_error
object_head_key_epoch(
    const uint8_t *sealed, size_t sealed_len, uint32_t *key_epoch)
{
	struct reader r = reader_of(sealed, sealed_len);

	*key_epoch = reader_u32(&r);
	reader_zeros(&r, CLEAR_LEN - 4);
	if (!r.bad && (sealed_len == OBJECT_HEAD_SHORT_LEN ||
			  sealed_len == OBJECT_HEAD_LONG_LEN))
		return SR_OK;
	*key_epoch = 0;
	return SR_NOT_AS_STORED;
}

enum sr_error
object_head_open(const uint8_t *sealed, size_t sealed_len,
    const uint8_t file_root[OBJECT_KEY_LEN], const struct object_place *place,
    struct object_head *head)
{
	uint8_t plain[PLAIN_MAX], ad[BOX_AD_LEN], key[AEAD_KEY_LEN];
	enum sr_error error;
	uint32_t key_epoch;

	memset(head, 0, sizeof(*head));
	error = object_head_key_epoch(sealed, sealed_len, &key_epoch);
	if (error != SR_OK || key_epoch != place->key_epoch)
		return SR_NOT_AS_STORED;
	box_key(key, file_root, place);
	box_ad(ad, place);
	if (aead_unwrap(plain, key, ad, sizeof(ad), sealed + CLEAR_LEN,
		sealed_len - CLEAR_LEN) == SR_OK)
		error = object_head_decode(
		    plain, sealed_len - OBJECT_HEAD_BOX_OVERHEAD, head);
	else
		error = SR_NOT_AS_STORED;
	sodium_memzero(key, sizeof(key));
	sodium_memzero(plain, sizeof(plain));
	return error;
}
