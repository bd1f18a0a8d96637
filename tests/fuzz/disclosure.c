/* SPDX-License-Identifier: ISC */
/* A disclosure to an auditor: header and keys. */
#include <string.h>

#include "common/disclosure.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t secret[32] = {1};
	uint8_t again[DISCLOSURE_HEADER_LEN], key[32];
	struct disclosure_header header;
	struct disclosure_item item;

	if (len < DISCLOSURE_HEADER_LEN)
		return 0;
	if (disclosure_header_decode(bytes, &header) == SR_OK) {
		disclosure_header_encode(&header, again);
		fuzz_must(memcmp(again, bytes, sizeof(again)) == 0);
	}
	for (size_t at = DISCLOSURE_HEADER_LEN; at + DISCLOSURE_ITEM_LEN <= len;
	     at += DISCLOSURE_ITEM_LEN)
		if (disclosure_item_decode(bytes + at, &item) == SR_OK)
			(void)disclosure_open(
			    header.bank_id, secret, &item, key);
	return 0;
}
