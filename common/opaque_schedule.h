/* SPDX-License-Identifier: ISC */
#ifndef COMMON_OPAQUE_SCHEDULE_H
#define COMMON_OPAQUE_SCHEDULE_H
/*
 * What the two sides of OPAQUE share and nobody else calls: the transcript
 * and the key schedule of RFC 9807, 6.4.2.
 */
#include "common/kdf.h"
#include "common/opaque.h"

/* dh1 | dh2 | dh3 */
#define OPAQUE_IKM_LEN (3 * OPAQUE_ELEMENT_LEN)

/* A secret; to be wiped. */
struct opaque_schedule {
	uint8_t server_mac[OPAQUE_MAC_LEN];
	uint8_t client_mac[OPAQUE_MAC_LEN];
	uint8_t session_key[OPAQUE_SESSION_KEY_LEN];
};

/* The identity, or the public key where there is none (RFC 9807, 4.1). */
struct kdf_part opaque_identity(const void *identity, size_t identity_len,
    const uint8_t public_key[OPAQUE_ELEMENT_LEN]);

/* A length as two big-endian bytes (I2OSP); more than 65535 is asserted. */
void opaque_u16(uint8_t out[2], size_t v);

/*
 * Both MACs and the session key out of the three Diffie-Hellman results and
 * the transcript; ke2's MAC is not read.
 */
void opaque_schedule(struct opaque_schedule *schedule,
    const uint8_t ikm[OPAQUE_IKM_LEN], const struct opaque_binding *binding,
    const uint8_t client_public_key[OPAQUE_ELEMENT_LEN],
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const struct opaque_ke1 *ke1, const struct opaque_ke2 *ke2);

#endif
