/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_HELLO_H
#define TESTS_LIB_HELLO_H
/* What a client takes from the HELLO that it has met. */
#include "common/certificate.h"

enum { HELLO_OPAQUE_KEY_AT = HELLO_FIXED_LEN + 96 };

/* The key that the client binds a new record to; points into hello. */
static inline const uint8_t *
hello_opaque_key(const uint8_t hello[HELLO_LEN])
{
	return hello + HELLO_OPAQUE_KEY_AT;
}

#endif
