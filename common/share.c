/* SPDX-License-Identifier: ISC */
/* The record of a share; which bytes are whose, and nothing else. */
#include "common/share.h"

#include <string.h>

#include "common/buffer.h"
#include "common/kdf.h"
#include "common/secret.h"

_Static_assert(1 + 1 + 1 + SHARE_TAG_LEN + 2 + SHARE_SECRET_LEN == SHARE_LEN,
    "a share's record");

void
share_write(const struct share *share, uint8_t record[SHARE_LEN])
{
	struct writer w = writer_to(record, SHARE_LEN);

	writer_u8(&w, SHARE_VERSION);
	writer_u8(&w, share->index);
	writer_u8(&w, share->quorum);
	writer_bytes(&w, share->bank_tag, sizeof(share->bank_tag));
	writer_u16(&w, share->set);
	writer_bytes(&w, share->secret, sizeof(share->secret));
}

enum sr_error
share_read(const uint8_t record[SHARE_LEN], struct share *out)
{
	struct reader r = reader_of(record, SHARE_LEN);
	uint8_t version = reader_u8(&r);

	if (version > SHARE_VERSION)
		return SR_VERSION;
	out->index = reader_u8(&r);
	out->quorum = reader_u8(&r);
	reader_bytes(&r, out->bank_tag, sizeof(out->bank_tag));
	out->set = reader_u16(&r);
	reader_bytes(&r, out->secret, sizeof(out->secret));
	if (reader_end(&r) && version == SHARE_VERSION && out->index >= 1 &&
	    out->index <= SHARE_COUNT_MAX && out->quorum >= SHARE_QUORUM_MIN &&
	    out->quorum <= SHARE_COUNT_MAX)
		return SR_OK;
	sodium_memzero(out->secret, sizeof(out->secret));
	return SR_DAMAGED;
}

void
share_hash(const uint8_t record[SHARE_LEN], uint8_t out[SHARE_HASH_LEN])
{
	SECRET_32(hash);

	kdf_sha256(hash, record, SHARE_LEN);
	memcpy(out, hash, SHARE_HASH_LEN);
}
