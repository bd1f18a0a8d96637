/* SPDX-License-Identifier: ISC */
/* A witness's secret key, read as `strongroom-verify witness' reads it. */
#include "client/verify/witness.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct verify verify;
	struct witness_paths paths = {.state = "/dev/null/state"};
	char path[FUZZ_PATH_MAX];

	fuzz_quiet();
	fuzz_file(0, bytes, len, path);
	paths.key = path;
	verify.directory = "/dev/null";
	verify.why[0] = '\0';
	fuzz_must(witness_run(&verify, &paths) == VERIFY_COULD_NOT);
	/* that there is no ledger is found behind the key */
	if (verify.why[0] != '\0')
		fuzz_taken();
	return 0;
}
