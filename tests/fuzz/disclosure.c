/* SPDX-License-Identifier: ISC */
/*
 * A disclosure to an auditor: header and keys, and the whole file as
 * strongroom-verify reads it.
 */
#include <stdlib.h>
#include <string.h>

#include "client/verify/audit.h"
#include "common/disclosure.h"
#include "common/noise.h"

#include "tests/lib/fuzz.h"

enum { BANK = 16, AUDITOR = 48, FILE_MAX = 1 << 16 };

static const uint8_t secret[32] = {1};

/* To this auditor, of whatever bank it names. */
static void
read_file(const uint8_t *bytes, size_t len)
{
	static uint8_t copy[FILE_MAX];
	static struct verify verify;
	struct audit audit = {0};
	char path[FUZZ_PATH_MAX];

	if (len < DISCLOSURE_HEADER_LEN || len > sizeof(copy))
		return;
	memcpy(copy, bytes, len);
	memcpy(verify.bank.bank_id, copy + BANK, 32);
	noise_public_key(copy + AUDITOR, secret);
	fuzz_file(0, copy, len, path);
	verify.why[0] = '\0';
	verify.exit = VERIFY_INTACT;
	if (audit_read_keys(&verify, &audit, path, secret)) {
		fuzz_taken();
		for (size_t i = 1; i < audit.key_count; i++)
			fuzz_must(
			    audit.keys[i - 1].segment < audit.keys[i].segment);
	} else {
		fuzz_must(verify.exit == VERIFY_COULD_NOT);
	}
	free(audit.keys);
	free(audit.snapshot_keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
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
	read_file(bytes, len);
	return 0;
}
