/* SPDX-License-Identifier: ISC */
/* A segment, walked as strongroom-verify walks it; checksums are made right, so that what stands behind them is reached. */
#include <stdlib.h>
#include <string.h>

#include "client/verify/verify.h"
#include "common/buffer.h"
#include "common/crc32c.h"

#include "tests/lib/fuzz.h"

static void
put_crc(uint8_t *at, uint32_t crc)
{
	struct writer w = writer_to(at, 4);

	writer_u32(&w, crc);
}

/* Of the header and of each frame that the lengths lead to. */
static void
repair(uint8_t *bytes, size_t len)
{
	size_t at = JOURNAL_SEGMENT_HEADER_LEN;

	put_crc(bytes + at - 4, crc32c(0, bytes, at - 4));
	while (at + JOURNAL_HEADER_LEN <= len) {
		struct reader r = reader_of(bytes + at + 8, 4);
		size_t body = reader_u32(&r);
		uint32_t crc;

		if (body > len - at - JOURNAL_HEADER_LEN)
			break;
		crc = crc32c(0, bytes + at, JOURNAL_AAD_LEN);
		if (!journal_all_zero(bytes + at, 8))
			put_crc(bytes + at + JOURNAL_AAD_LEN,
			    crc32c(crc, bytes + at + JOURNAL_HEADER_LEN, body));
		at += (JOURNAL_HEADER_LEN + body + 7) / 8 * 8;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct verify verify;
	struct verify_segment segment;
	size_t whole = (len + 4095) / 4096 * 4096;
	uint8_t *copy;

	if (len < JOURNAL_SEGMENT_HEADER_LEN || len > 1 << 18)
		return 0;
	copy = calloc(1, whole);
	fuzz_must(copy != NULL);
	memcpy(copy, bytes, len);
	repair(copy, whole);
	verify.certificate_count = verify.restore_count = 0;
	verify.restore_met = 0;
	verify.why[0] = 0;
	verify.batch_open = verify.torn = false;
	verify.signed_size = verify.last_ms = 0;
	verify.signed_epoch = 0;
	verify.jobs = 1;
	memcpy(verify.bank.bank_id, copy + 16, 32);
	merkle_frontier_init(&verify.tree);
	merkle_frontier_init(&verify.committed);
	if (verify_segment_bytes(&verify, 0, copy, whole, &segment))
		fuzz_taken();
	else
		(void)verify_signed_after(&verify, copy, whole);
	fuzz_must(segment.used_len <= whole);
	free(copy);
	return 0;
}
