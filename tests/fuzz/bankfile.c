/* SPDX-License-Identifier: ISC */
/* bank.id. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/bankfile.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char message[BANKFILE_MESSAGE_MAX], path[64];
	int fd = memfd_create("bank.id", MFD_CLOEXEC);
	struct bankfile bank;

	fuzz_must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (bankfile_read(path, &bank, message) == SR_OK)
		fuzz_must(bank.address_count <= BANKFILE_ADDRESSES);
	close(fd);
	return 0;
}
