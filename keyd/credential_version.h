/* SPDX-License-Identifier: ISC */
#ifndef KEYD_CREDENTIAL_VERSION_H
#define KEYD_CREDENTIAL_VERSION_H
/*
 * One sealed version of a customer, as the file of credentials.h has two of
 * each:
 *
 *	generation 4 | epoch of the storage key 4, 0 for the first
 *	| XChaCha20-Poly1305 wrap (aead.h) of the customer, 1016
 *
 * sealed for "strongroom/1 credential" | customer 8 | those first 8 bytes.
 * Part of credentials.h's implementation.
 */
#include "keyd/credentials.h"

enum { VERSION_HEAD_LEN = 8 };

/* What a version begins with, and what its seal is bound to. */
struct version_head {
	uint32_t generation; /* 0: never written */
	uint32_t epoch;
};

struct version_head version_head(const uint8_t version[VERSION_HEAD_LEN]);

/* The epoch in which versions are sealed now. */
uint32_t version_present_epoch(const struct credentials *c);

/*
 * Seals a version in the present epoch.  SR_INTERNAL for a customer that has
 * no place in it.
 */
enum sr_error version_seal(const struct credentials *c,
    const struct customer *customer, uint8_t version[CREDENTIAL_VERSION_LEN]);

/* Opens a version; SR_DAMAGED unless it is that customer's.  Secret: the
 * caller wipes out, also after an error. */
enum sr_error version_open(const struct credentials *c, uint64_t customer,
    const uint8_t version[CREDENTIAL_VERSION_LEN], struct customer *out);

#endif
