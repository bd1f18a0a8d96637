/* SPDX-License-Identifier: ISC */
/*
 * Heads of messages, sealed.  Must never give out a head that is not of the
 * place and the sender it was asked for.
 */
#include "client/mail_seal.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "client/object_head.h"
#include "common/buffer.h"
#include "common/kdf.h"

/* What is sealed is a head of just that length. */
_Static_assert((int)MAIL_SEALED_SMALL == (int)OBJECT_HEAD_SHORT_LEN &&
		   (int)MAIL_SEALED_LARGE == (int)OBJECT_HEAD_LONG_LEN &&
		   (int)MAIL_OVERHEAD == (int)OBJECT_HEAD_MAIL_OVERHEAD,
    "heads and their seals fit");

#define LABEL KDF_LABEL_PREFIX "mail"

enum {
	LABEL_LEN = sizeof(LABEL) - 1,
	PROLOGUE_LEN =
	    LABEL_LEN + MAIL_BANK_ID_LEN + 8 + 8 + MAIL_OBJECT_ID_LEN + 4,
};

static void
prologue_of(const struct mail_place *place, uint8_t prologue[PROLOGUE_LEN])
{
	struct writer w = writer_to(prologue, PROLOGUE_LEN);

	writer_bytes(&w, LABEL, LABEL_LEN);
	writer_bytes(&w, place->bank_id, sizeof(place->bank_id));
	writer_u64(&w, place->sender);
	writer_u64(&w, place->recipient);
	writer_bytes(&w, place->object_id, sizeof(place->object_id));
	writer_u32(&w, place->object_version);
	assert(!w.bad && writer_len(&w) == PROLOGUE_LEN);
}

static bool
size_known(size_t sealed_len)
{
	return sealed_len == MAIL_SEALED_SMALL ||
	       sealed_len == MAIL_SEALED_LARGE;
}

enum sr_error
mail_seal(const struct mail_place *place, const struct noise_x_sender *keys,
    const uint8_t *payload, uint8_t *sealed, size_t sealed_len)
{
	uint8_t prologue[PROLOGUE_LEN];

	if (!size_known(sealed_len))
		return SR_TOO_LARGE;
	prologue_of(place, prologue);
	return noise_x_write(keys, prologue, sizeof(prologue), payload,
	    sealed_len - MAIL_OVERHEAD, sealed);
}

enum sr_error
mail_open(const struct mail_place *place,
    const uint8_t own_private[NOISE_KEY_LEN],
    const uint8_t sender_public[NOISE_KEY_LEN], const uint8_t *sealed,
    size_t sealed_len, uint8_t *payload)
{
	uint8_t prologue[PROLOGUE_LEN], proven[NOISE_KEY_LEN];
	enum sr_error error;

	if (!size_known(sealed_len))
		return SR_MALFORMED;
	prologue_of(place, prologue);
	error = noise_x_read(own_private, prologue, sizeof(prologue), sealed,
	    sealed_len, proven, payload);
	if (error != SR_OK)
		return error;
	if (memcmp(proven, sender_public, NOISE_KEY_LEN) != 0) {
		sodium_memzero(payload, sealed_len - MAIL_OVERHEAD);
		return SR_CRYPTO;
	}
	return SR_OK;
}
