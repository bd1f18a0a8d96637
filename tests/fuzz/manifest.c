/* SPDX-License-Identifier: ISC */
/* The manifest of a backup. */
#include <stdlib.h>
#include <string.h>

#include "client/ctl/manifest.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct manifest manifest = {0};
	char message[MANIFEST_MESSAGE_MAX], *text = NULL;
	size_t text_len;

	if (manifest_decode((const char *)bytes, len, &manifest, message) ==
	    SR_OK) {
		fuzz_taken();
		fuzz_must(
		    manifest_encode(&manifest, &text, &text_len) == SR_OK);
		fuzz_must(text_len == len && memcmp(text, bytes, len) == 0);
		free(text);
	}
	manifest_free(&manifest);
	return 0;
}
