/* SPDX-License-Identifier: ISC */
/* The paper on which an auditor certifies books. */
#include "client/certificate_file.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t bank_id[32];
	struct order_certify certify;
	char path[FUZZ_PATH_MAX];
	enum sr_error error;

	fuzz_file(0, bytes, len, path);
	error = certificate_file_read(path, bank_id, &certify);
	if (error == SR_OK)
		fuzz_taken();
	fuzz_must(error != SR_IO);
	return 0;
}
