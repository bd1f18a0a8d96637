/* SPDX-License-Identifier: ISC */
/* A checkpoint as a signed note, and a witness's line under it. */
#include <string.h>

#include "common/cosignature.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t key[32] = {1};
	struct cosigner cosigner;
	uint8_t bank_id[32];
	struct note note;
	char body[NOTE_BODY_MAX];
	uint64_t time_s;
	uint32_t epoch;
	size_t body_len;

	if (note_parse(bytes, len, &note) != SR_OK)
		return 0;
	fuzz_taken();
	fuzz_must(len <= NOTE_READ_MAX);
	(void)note_origin_parse(note.checkpoint.origin, bank_id, &epoch);
	note_body(&note.checkpoint, body, &body_len);
	/* what was read is what would be signed */
	fuzz_must(body_len <= len && memcmp(body, bytes, body_len) == 0);
	(void)note_verify(&note, key);
	if (cosigner_make("witness.example", key, &cosigner) == SR_OK)
		(void)cosignature_find(
		    bytes, len, body_len, &cosigner, &note.checkpoint, &time_s);
	return 0;
}
