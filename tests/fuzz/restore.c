/* SPDX-License-Identifier: ISC */
/* A restore note. */
#include "common/restore.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t key[32] = {1};
	struct restore_note note;

	if (restore_note_read(bytes, len, &note) == SR_OK)
		fuzz_must(len == RESTORE_NOTE_LEN);
	(void)restore_note_verify(bytes, len, key, &note);
	return 0;
}
