/* SPDX-License-Identifier: ISC */
/*
 * What is checked of a share before it counts: strongroomctl tells people
 * what is wrong with theirs, but its word is not taken here.
 */
#include "keyd/unlock_quorum.h"

#include <string.h>

#include <sodium.h>

#include "keyd/unlock_shares.h"

enum sr_error
unlock_quorum_split(const struct sealed *root, struct sealed_envelope *like,
    const uint8_t key[SHARE_SECRET_LEN],
    uint8_t records[SHARE_COUNT_MAX * SHARE_LEN])
{
	uint8_t secrets[SHARE_COUNT_MAX][SHARE_SECRET_LEN];
	struct share share = {
	    .quorum = like->quorum, .set = (uint16_t)(root->set + 1)};
	enum sr_error error =
	    shares_split(key, like->quorum, like->shares, secrets);

	memcpy(share.bank_tag, root->bank_id, sizeof(share.bank_tag));
	for (uint8_t i = 0; error == SR_OK && i < like->shares; i++) {
		share.index = (uint8_t)(i + 1);
		memcpy(share.secret, secrets[i], sizeof(share.secret));
		share_write(&share, records + i * SHARE_LEN);
		share_hash(records + i * SHARE_LEN, like->hashes[i]);
	}
	sodium_memzero(secrets, sizeof(secrets));
	sodium_memzero(&share, sizeof(share));
	return error;
}

static const struct sealed_envelope *
envelope_of(const struct sealed *root, const struct share *share)
{
	for (size_t i = 0; i < root->count; i++)
		if (root->envelopes[i].kind == SEALED_SHARES &&
		    root->envelopes[i].number == share->set)
			return &root->envelopes[i];
	return NULL;
}

static bool
share_fits(const struct sealed *root, const struct sealed_envelope *envelope,
    const uint8_t *record, struct share *share)
{
	uint8_t hash[SHARE_HASH_LEN];

	share_hash(record, hash);
	return share_read(record, share) == SR_OK &&
	       share->set == envelope->number &&
	       share->quorum == envelope->quorum &&
	       share->index <= envelope->shares &&
	       memcmp(share->bank_tag, root->bank_id,
		   sizeof(share->bank_tag)) == 0 &&
	       memcmp(hash, envelope->hashes[share->index - 1], sizeof(hash)) ==
		   0;
}

/* A combination takes exactly the quorum, but each that came must fit. */
static enum sr_error
combine(const struct sealed *root, const struct sealed_envelope *envelope,
    const uint8_t *records, size_t count, uint8_t key[SHARE_SECRET_LEN])
{
	uint8_t secrets[SHARE_COUNT_MAX][SHARE_SECRET_LEN];
	uint8_t indices[SHARE_COUNT_MAX];
	enum sr_error error = count >= envelope->quorum ? SR_OK : SR_UNLOCK;
	struct share share;

	for (size_t i = 0; error == SR_OK && i < count; i++) {
		if (!share_fits(
			root, envelope, records + i * SHARE_LEN, &share) ||
		    memchr(indices, share.index, i) != NULL)
			error = SR_UNLOCK;
		indices[i] = share.index;
		memcpy(secrets[i], share.secret, sizeof(share.secret));
	}
	if (error == SR_OK)
		error = shares_combine(indices, secrets, envelope->quorum, key);
	sodium_memzero(secrets, sizeof(secrets));
	sodium_memzero(&share, sizeof(share));
	return error;
}

enum sr_error
unlock_quorum_combine(const struct sealed *root, const uint8_t *records,
    size_t len, uint8_t key[SHARE_SECRET_LEN])
{
	const size_t count = len / SHARE_LEN;
	const struct sealed_envelope *envelope;
	struct share share;
	bool any = false;

	for (size_t i = 0; i < root->count; i++)
		any |= root->envelopes[i].kind == SEALED_SHARES;
	if (!any)
		return SR_UNLOCK_KIND;
	if (len % SHARE_LEN != 0 || count == 0 || count > SHARE_COUNT_MAX ||
	    share_read(records, &share) != SR_OK)
		return SR_UNLOCK;
	envelope = envelope_of(root, &share);
	sodium_memzero(&share, sizeof(share));
	return envelope != NULL ? combine(root, envelope, records, count, key)
				: SR_UNLOCK;
}
