/* SPDX-License-Identifier: ISC */
/* A receipt: one text, and no other of the same meaning. */
#include <string.h>

#include "common/receipt.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t identity[32] = {1};
	static char text[RECEIPT_TEXT_MAX];
	static struct receipt receipt;
	static struct receipt_facts facts;
	size_t text_len;

	if (receipt_decode(bytes, len, &receipt) != SR_OK)
		return 0;
	fuzz_taken();
	fuzz_must(
	    receipt_encode(&receipt, text, sizeof(text), &text_len) == SR_OK &&
	    text_len == len && memcmp(text, bytes, len) == 0);
	(void)receipt_check(&receipt, identity, &facts);
	return 0;
}
