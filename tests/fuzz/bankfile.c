/* SPDX-License-Identifier: ISC */
/* bank.id. */
#include "client/bankfile.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char message[BANKFILE_MESSAGE_MAX], path[FUZZ_PATH_MAX];
	struct bankfile bank;

	fuzz_file(0, bytes, len, path);
	if (bankfile_read(path, &bank, message) != SR_OK)
		return 0;
	fuzz_taken();
	fuzz_must(bank.address_count <= BANKFILE_ADDRESSES);
	return 0;
}
