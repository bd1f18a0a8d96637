/* SPDX-License-Identifier: ISC */
/* A line of the plain audit log. */
#include <string.h>

#include "common/audit_line.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	char again[AUDIT_LINE_MAX];
	struct audit_line line;
	size_t written;

	if (!audit_line_read(text, len, &line))
		return 0;
	fuzz_taken();
	fuzz_must(line.first <= line.last && line.last < UINT64_MAX);
	if (line.type == AUDIT_LINE_ENTRY) {
		for (unsigned i = 0; i < line.fields; i++)
			fuzz_must(line.field[i].bytes >= text &&
				  line.field[i].len > 0 &&
				  line.field[i].bytes + line.field[i].len <=
				      text + len);
		return 0;
	}
	/* there is one way to write the others */
	written = line.type == AUDIT_LINE_GAP
		      ? audit_gap_write(line.first, line.last, again)
		      : audit_head_write(line.bank, line.first, again);
	fuzz_must(written == len + 1 && memcmp(again, bytes, len) == 0);
	return 0;
}
