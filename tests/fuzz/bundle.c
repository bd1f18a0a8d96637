/* SPDX-License-Identifier: ISC */
/* The manifest of a month-end bundle, and the rows that are added up. */
#include <string.h>

#include "client/bundle/archive.h"
#include "client/bundle/manifest.h"
#include "client/verify/bundle_books.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct money_unit unit = {.code = "EUR", .exponent = 2};
	static const uint8_t identity[32] = {1};
	static struct bundle_manifest manifest;
	static struct bundle_books books;
	static char text[BUNDLE_MANIFEST_MAX];
	struct certificate certificate;
	size_t text_len, half = len / 2;
	char month[8];
	uint64_t size;

	if (len >= ARCHIVE_BLOCK)
		(void)archive_first(bytes, month, &size);
	books_begin(&books, &unit, "2026-10");
	/* the bytes come in pieces, and in both files */
	if (books_feed(&books, bytes, half) &&
	    books_feed(&books, bytes + half, len - half) &&
	    books_end_of_file(&books) && books_feed(&books, bytes, len))
		(void)books_end_of_file(&books);
	if (bundle_manifest_decode(bytes, len, &manifest) != SR_OK)
		return 0;
	fuzz_taken();
	fuzz_must(bundle_manifest_encode(&manifest, text, &text_len) == SR_OK &&
		  text_len == len && memcmp(text, bytes, len) == 0);
	fuzz_must(
	    bundle_manifest_check(&manifest, identity, &certificate) != NULL);
	return 0;
}
