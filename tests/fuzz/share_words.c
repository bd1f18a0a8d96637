/* SPDX-License-Identifier: ISC */
/* The words of a share, as somebody has typed them. */
#include "client/share_words.h"

#include <string.h>

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t zeros[SHARE_LEN];
	uint8_t record[SHARE_LEN], again[SHARE_LEN];
	char text[SHARE_TEXT_LEN + 1];
	struct share_slip slip;
	struct share share;

	if (share_words_read((const char *)bytes, len, record, &slip) !=
	    SR_OK) {
		fuzz_must(memcmp(record, zeros, sizeof(zeros)) == 0);
		fuzz_must(
		    slip.line <= SHARE_LINES && slip.word <= SHARE_LINE_WORDS);
		return 0;
	}
	/* There is one way to write a share. */
	share_words(record, text);
	fuzz_must(
	    share_words_read(text, SHARE_TEXT_LEN, again, &slip) == SR_OK);
	fuzz_must(memcmp(record, again, sizeof(again)) == 0);
	if (share_read(record, &share) != SR_OK)
		return 0;
	share_write(&share, again);
	fuzz_must(memcmp(record, again, sizeof(again)) == 0);
	fuzz_taken();
	return 0;
}
