/* SPDX-License-Identifier: ISC */
/* An auditor's key, the secret and the public one. */
#include "client/auditor_key.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char path[FUZZ_PATH_MAX];
	uint8_t key[32];

	fuzz_quiet();
	fuzz_file(0, bytes, len, path);
	/* no file is both */
	if (auditor_key_public("fuzz", path, key) == SR_OK) {
		fuzz_taken();
		fuzz_must(auditor_key_secret("fuzz", path, key) != SR_OK);
	} else if (auditor_key_secret("fuzz", path, key) == SR_OK) {
		fuzz_taken();
	}
	return 0;
}
