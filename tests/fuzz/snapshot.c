/* SPDX-License-Identifier: ISC */
/* The books in a snapshot, once its seal is off. */
#include <string.h>

#include "common/book/state.h"

#include "tests/lib/fuzz.h"

/* Of the magic that the books begin with. */
enum { VERSION_DIGIT = 7 };

struct bytes {
	const uint8_t *at;
	size_t left;
};

static enum sr_error
take(void *context, uint8_t *out, size_t len)
{
	struct bytes *bytes = context;

	if (len > bytes->left)
		return SR_MALFORMED;
	memcpy(out, bytes->at, len);
	bytes->at += len;
	bytes->left -= len;
	return SR_OK;
}

/* What is written must be what was read. */
static enum sr_error
compare(void *context, const uint8_t *written, size_t len)
{
	struct bytes *bytes = context;

	fuzz_must(len <= bytes->left && memcmp(written, bytes->at, len) == 0);
	bytes->at += len;
	bytes->left -= len;
	return SR_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct bytes in = {bytes, len}, again = {bytes, len};
	static struct book book;

	if (book_init(&book) != SR_OK)
		return 0;
	if (book_state_read(&book, take, &in) == SR_OK) {
		fuzz_taken();
		/* version 1 is read, and written as 2 */
		if (bytes[VERSION_DIGIT] == '2')
			(void)book_state_write(
			    &book, BOOK_STATE_ALL, compare, &again);
	}
	book_free(&book);
	return 0;
}
