/* SPDX-License-Identifier: ISC */
/*
 * root.sealed and identity.sealed: what is taken is written again as it was.
 */
#include <string.h>

#include "common/sealed.h"

#include "tests/lib/fuzz.h"

static void
read_as(enum sealed_purpose purpose, const uint8_t *bytes, size_t len)
{
	uint8_t again[SEALED_MAX_LEN];
	struct sealed sealed;

	if (sealed_read(bytes, len, purpose, &sealed) != SR_OK)
		return;
	fuzz_taken();
	fuzz_must(sealed.count <= SEALED_ENVELOPES_MAX);
	if (sealed.version == 1) {
		fuzz_must(sealed_ad(&sealed, again) ==
			  SEALED_OLD_LEN - SEALED_WRAPPED_LEN);
		fuzz_must(memcmp(again, bytes,
			      SEALED_OLD_LEN - SEALED_WRAPPED_LEN) == 0);
		return;
	}
	fuzz_must(sealed_write(&sealed, again) == len);
	fuzz_must(memcmp(again, bytes, len) == 0);
	for (size_t i = 0; i < sealed.count; i++)
		(void)sealed_envelope_ad(&sealed, &sealed.envelopes[i], again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	read_as(SEALED_ROOT, bytes, len);
	read_as(SEALED_IDENTITY, bytes, len);
	return 0;
}
