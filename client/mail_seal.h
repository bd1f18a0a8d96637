/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_MAIL_SEAL_H
#define CLIENT_MAIL_SEAL_H
/*
 * The head of a message as the bank stores it: sealed by its sender to its
 * recipient, of one of two sizes, so that the bank learns neither what it says
 * nor how long that is.
 *
 *	Noise X (common/noise_x.h), 512 or 4,608 bytes in all
 *	prologue = "strongroom/1 mail" | bank id 32 | sender u64
 *	    | recipient u64 | object id 16 | object version u32
 *
 * What is inside is a head of client/object_head.h, padded to the size: here
 * it is opaque.
 *
 * Security: the prologue binds a head to its place, so that a bank cannot show
 * it as another customer's, another object's or another version's.  Who opens
 * it gives the key that keyd has attested of the sender, and a head that was
 * sealed with any other is refused.  A head that the bank shows twice opens
 * twice: object ids tell.  Whoever has the recipient's private key can read it
 * and can make one in anybody's name.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/noise_x.h"

enum {
	MAIL_SEALED_SMALL = 512,
	MAIL_SEALED_LARGE = 4608,
	MAIL_OVERHEAD = NOISE_X_OVERHEAD, /* 96 */
	MAIL_BANK_ID_LEN = 32,
	MAIL_OBJECT_ID_LEN = 16,
};

/* Where a head belongs: the sender says it, the recipient must agree. */
struct mail_place {
	uint8_t bank_id[MAIL_BANK_ID_LEN];
	uint64_t sender; /* customer ids */
	uint64_t recipient;
	uint8_t object_id[MAIL_OBJECT_ID_LEN];
	uint32_t object_version;
};

/*
 * Seals sealed_len - MAIL_OVERHEAD bytes of payload into sealed_len bytes at
 * sealed; they must not overlap.  keys: the sender's own, the recipient's
 * attested one, and 32 bytes drawn for this head.  SR_TOO_LARGE for a
 * sealed_len that is neither size, SR_CRYPTO for a recipient's key that gives
 * zeros.
 */
enum sr_error mail_seal(const struct mail_place *place,
    const struct noise_x_sender *keys, const uint8_t *payload, uint8_t *sealed,
    size_t sealed_len);

/*
 * Opens sealed_len bytes into sealed_len - MAIL_OVERHEAD at payload; they must
 * not overlap.  sender_public: as keyd attests it.  SR_MALFORMED for a
 * sealed_len that is neither size; SR_CRYPTO when it does not verify, is of
 * another place, or was sealed with another key than the sender's.  payload
 * is then zeros.
 */
enum sr_error mail_open(const struct mail_place *place,
    const uint8_t own_private[NOISE_KEY_LEN],
    const uint8_t sender_public[NOISE_KEY_LEN], const uint8_t *sealed,
    size_t sealed_len, uint8_t *payload);

#endif
