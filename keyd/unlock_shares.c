/* SPDX-License-Identifier: ISC */
/*
 * Shamir's scheme by libgfshare.  Must never split with another random
 * function than libsodium's, which the library does not bring.
 */
#include "keyd/unlock_shares.h"

#include <errno.h>
#include <libgfshare.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/secret.h"

static void
fill_random(unsigned char *bytes, unsigned int len)
{
	randombytes_buf(bytes, len);
}

void
shares_start(void)
{
	static const uint8_t indices[SHARE_QUORUM_MIN] = {2, 1};
	uint8_t shares[SHARE_COUNT_MAX][SHARE_SECRET_LEN];
	uint8_t swapped[SHARE_QUORUM_MIN][SHARE_SECRET_LEN];
	SECRET_32(secret);
	SECRET_32(back);

	gfshare_fill_rand = fill_random;
	memset(secret, 'q', sizeof(secret));
	if (shares_split(secret, SHARE_QUORUM_MIN, SHARE_COUNT_MAX, shares) !=
	    SR_OK)
		diag_fatal("libgfshare does not split");
	memcpy(swapped[0], shares[1], SHARE_SECRET_LEN);
	memcpy(swapped[1], shares[0], SHARE_SECRET_LEN);
	if (shares_combine(indices, (const uint8_t(*)[SHARE_SECRET_LEN])swapped,
		SHARE_QUORUM_MIN, back) != SR_OK ||
	    memcmp(secret, back, sizeof(secret)) != 0 ||
	    memcmp(secret, shares[0], sizeof(secret)) == 0)
		diag_fatal("libgfshare does not combine what it split");
}

enum sr_error
shares_split(const uint8_t secret[SHARE_SECRET_LEN], unsigned quorum,
    unsigned count, uint8_t out[][SHARE_SECRET_LEN])
{
	unsigned char indices[SHARE_COUNT_MAX];
	SECRET_32(copy);
	gfshare_ctx *context;

	if (quorum < SHARE_QUORUM_MIN || quorum > count ||
	    count > SHARE_COUNT_MAX || gfshare_fill_rand != fill_random)
		return SR_PARAMETERS;
	for (unsigned i = 0; i < count; i++)
		indices[i] = (unsigned char)(i + 1);
	context = gfshare_ctx_init_enc(
	    indices, count, (unsigned char)quorum, SHARE_SECRET_LEN);
	if (context == NULL)
		return errno == ENOMEM ? SR_MEMORY : SR_INTERNAL;
	/* The library's parameters are not const. */
	memcpy(copy, secret, sizeof(copy));
	gfshare_ctx_enc_setsecret(context, copy);
	for (unsigned i = 0; i < count; i++)
		gfshare_ctx_enc_getshare(context, (unsigned char)i, out[i]);
	gfshare_ctx_free(context);
	return SR_OK;
}

enum sr_error
shares_combine(const uint8_t *indices,
    const uint8_t (*shares)[SHARE_SECRET_LEN], unsigned quorum,
    uint8_t secret[SHARE_SECRET_LEN])
{
	unsigned char numbers[SHARE_COUNT_MAX] = {0};
	SECRET_32(share);
	gfshare_ctx *context;

	sodium_memzero(secret, SHARE_SECRET_LEN);
	if (quorum < SHARE_QUORUM_MIN || quorum > SHARE_COUNT_MAX ||
	    gfshare_fill_rand != fill_random)
		return SR_PARAMETERS;
	for (unsigned i = 0; i < quorum; i++) {
		/* At 0 is the secret itself; one point twice is one point. */
		if (indices[i] == 0 || memchr(numbers, indices[i], i) != NULL)
			return SR_PARAMETERS;
		numbers[i] = indices[i];
	}
	context = gfshare_ctx_init_dec(numbers, quorum, SHARE_SECRET_LEN);
	if (context == NULL)
		return errno == ENOMEM ? SR_MEMORY : SR_INTERNAL;
	for (unsigned i = 0; i < quorum; i++) {
		memcpy(share, shares[i], sizeof(share));
		gfshare_ctx_dec_giveshare(context, (unsigned char)i, share);
	}
	gfshare_ctx_dec_extract(context, secret);
	gfshare_ctx_free(context);
	return SR_OK;
}
