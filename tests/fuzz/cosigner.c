/* SPDX-License-Identifier: ISC */
/* A verifier key of a witness. */
#include <string.h>

#include "common/cosignature.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char text[4096], again[COSIGNER_VKEY_MAX];
	struct cosigner cosigner;

	if (len >= sizeof(text))
		return 0;
	memcpy(text, bytes, len);
	text[len] = 0;
	if (cosigner_parse(text, &cosigner) != SR_OK)
		return 0;
	fuzz_taken();
	cosigner_vkey(&cosigner, again);
	fuzz_must(strcmp(again, text) == 0);
	return 0;
}
