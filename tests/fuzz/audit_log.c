/* SPDX-License-Identifier: ISC */
/*
 * Files of the plain audit log against a segment of a few orders of which the
 * key is disclosed.  The first byte says where the second file begins.
 */
#include <string.h>

#include "client/verify/audit.h"
#include "client/verify/audit_log.h"

#include "tests/lib/fuzz.h"

enum { FIRST = 17, ENTRIES = 4, SEGMENT_LEN = 8192 };

/* The log: the same order, entered as number 17 to 20. */
static void
make(uint8_t bytes[SEGMENT_LEN], const uint8_t key[32])
{
	struct order order = {.kind = ORDER_TRANSFER,
	    .signer = 7,
	    .seq = 1,
	    .debit = 7 << 16,
	    .credit = 8 << 16,
	    .amount_minor = 1250};
	uint8_t encoded[ORDER_LEN], signature[64] = {0}, committed[ENTRY_MAX];
	struct entry_order entry = {.order = encoded,
	    .signature = signature,
	    .attachment = (const uint8_t *)"rent",
	    .attachment_len = 4,
	    .time_ms = 1795262400000};
	struct journal_plain plain = {.committed = committed};
	size_t at = JOURNAL_SEGMENT_HEADER_LEN;

	order_encode(&order, encoded);
	fuzz_must(entry_order_encode(&entry, committed, sizeof(committed),
		      &plain.committed_len) == SR_OK);
	for (unsigned i = 0; i < ENTRIES; i++) {
		struct journal_header header = {
		    .seq = FIRST + i, .time_ms = entry.time_ms};
		struct journal_leaf leaf;
		size_t len;

		fuzz_must(journal_seal(key, &header, &plain, bytes + at,
			      SEGMENT_LEN - at, &len, &leaf) == SR_OK);
		at += len;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t segment[SEGMENT_LEN];
	static struct audit_log_check check;
	static struct verify verify;
	static struct audit audit;
	static struct audit_key key;
	char path[2][FUZZ_PATH_MAX];
	size_t first;
	bool good;

	if (len < 1)
		return 0;
	if (verify.audit == NULL) {
		make(segment, key.key);
		verify.bank.unit =
		    (struct money_unit){.code = "EUR", .exponent = 2};
		audit.keys = &key;
		audit.key_count = 1;
		verify.audit = &audit;
		verify.audit_log = &check;
		verify.published.size = FIRST + ENTRIES;
		verify.committed.size = FIRST + ENTRIES;
	}
	first = bytes[0] < len - 1 ? bytes[0] : len - 1;
	fuzz_file(0, bytes + 1, first, path[0]);
	fuzz_file(1, bytes + 1 + first, len - 1 - first, path[1]);
	memset(&check, 0, sizeof(check));
	verify.why[0] = '\0';
	verify.exit = VERIFY_INTACT;
	for (unsigned i = 0; i < 2; i++)
		check.file[check.file_count++].path = path[i];
	fuzz_must(audit_log_begin(&verify));
	/* the last entry is of a segment of which the leaf is left */
	good = audit_log_segment(
	    &verify, 0, segment, sizeof(segment), FIRST + ENTRIES - 1);
	fuzz_must(good);
	good = audit_log_leaf(
		   &verify, &(struct journal_leaf){.seq = FIRST + ENTRIES - 1,
				.time_ms = 1795262400000,
				.class = JOURNAL_CLASS_ORDER}) &&
	       audit_log_finish(&verify);
	fuzz_must(check.lines <= ENTRIES && check.with_keys < ENTRIES);
	if (good && check.with_keys > 0)
		fuzz_taken();
	fuzz_must(good == (check.contradictions == 0));
	for (uint64_t i = 0; i < check.contradictions && i < AUDIT_LOG_TOLD;
	     i++)
		for (const char *at = check.told[i]; *at != '\0'; at++)
			fuzz_must(*at >= ' ' && *at < 0x7f);
	audit_log_end(&check);
	return 0;
}
