/* SPDX-License-Identifier: ISC */
/* A restore note, or a rotation note. */
#include "common/restore.h"
#include "common/rotation.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t key[32] = {1};
	struct rotation_note rotation;
	struct restore_note note;

	if (restore_note_read(bytes, len, &note) == SR_OK) {
		fuzz_taken();
		fuzz_must(len == RESTORE_NOTE_LEN);
	}
	(void)restore_note_verify(bytes, len, key, &note);
	if (rotation_note_read(bytes, len, &rotation) == SR_OK)
		fuzz_must(len == ROTATION_NOTE_LEN);
	(void)rotation_note_verify(bytes, len, key, &rotation);
	return 0;
}
