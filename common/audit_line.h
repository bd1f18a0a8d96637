/* SPDX-License-Identifier: ISC */
#ifndef COMMON_AUDIT_LINE_H
#define COMMON_AUDIT_LINE_H
/*
 * The lines of the plain audit log (strongroom-journal(5), "Audit log"):
 * ledgerd writes them, strongroom-verify reads them and knows from the journal
 * what they should be.  No I/O here.
 *
 *	# strongroom-audit 1 BANK from INDEX    begins each file
 *	# gap INDEX to INDEX                    entries that have no line
 *	TIME INDEX CLASS OUTCOME PSEUDONYM      an entry
 *	... KIND AMOUNT DEBIT CREDIT REFERS "NAME" "DISPLAY NAME"    in full
 *
 * One space between the fields, one line feed behind; no byte of a line is a
 * control character, whatever a name holds: in the two quoted fields " and \
 * have a \ before them, and a text that is not clean UTF-8 has each byte
 * beyond ASCII as \xHH.
 *
 * The pseudonym is that of the signer, or of whom an entry is about, in one
 * segment of the journal: the first 8 bytes of HMAC-SHA-256 under
 * Expand(segment key, "strongroom/1 audit pseudonym", 32) over kind 1 | id 8.
 * Who has not the segment's key can neither try names nor ids, nor tell
 * whether two segments' pseudonyms are one customer's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/journal.h"
#include "common/money.h"

#define AUDIT_LINE_MAX 768u /* with its line feed and a NUL */
#define AUDIT_PSEUDONYM_LEN 16u
#define AUDIT_KIND_MAX 24u

/* [ledgerd] audit-log of strongroom.conf; the numbers go to ledgerd. */
enum audit_mode {
	AUDIT_PSEUDONYMS = 0,
	AUDIT_FULL = 1,
	AUDIT_OFF = 2,
};

/* Whom an entry is about; the numbers go into pseudonyms. */
enum audit_subject {
	AUDIT_NOBODY = 0,
	AUDIT_CUSTOMER = 1,
	AUDIT_TERMINAL = 2,
};

/* What a line is made of. */
struct audit_record {
	uint64_t seq;
	uint64_t time_ms;
	uint8_t class;
	enum sr_error outcome;
	uint8_t about; /* enum audit_subject */
	uint64_t subject;
	char pseudonym[AUDIT_PSEUDONYM_LEN + 1]; /* "-": of nobody */
	char kind[AUDIT_KIND_MAX];
	bool is_order; /* what follows is its own */
	int64_t amount_minor;
	uint64_t debit;
	uint64_t credit;
	uint64_t refers_to;
};

/* A name as it goes into a line; len 0: not known, or erased. */
struct audit_text {
	const char *bytes;
	size_t len;
};

/* A line that was read; the pointers point into it. */
enum audit_line_type {
	AUDIT_LINE_HEAD = 1,
	AUDIT_LINE_GAP = 2,
	AUDIT_LINE_ENTRY = 3,
};

enum audit_field {
	AUDIT_TIME,
	AUDIT_INDEX,
	AUDIT_CLASS,
	AUDIT_OUTCOME,
	AUDIT_PSEUDONYM, /* missing in logs of version 0.1.0 and before */
	AUDIT_KIND,      /* from here on in full only */
	AUDIT_AMOUNT,
	AUDIT_DEBIT,
	AUDIT_CREDIT,
	AUDIT_REFERS,
	AUDIT_NAME, /* with its quotes, as it stands there */
	AUDIT_DISPLAY,
	AUDIT_FIELD_COUNT
};

struct audit_line {
	enum audit_line_type type;
	uint8_t bank[32]; /* of a head */
	uint64_t first;   /* index; of a head, of the entry after it */
	uint64_t last;    /* of a gap; else as first */
	unsigned fields;  /* of an entry: 4, 5 or AUDIT_FIELD_COUNT */
	struct audit_text field[AUDIT_FIELD_COUNT];
};

/* The key of a segment's pseudonyms. */
void audit_pseudonym_key(const uint8_t segment_key[32], uint8_t key[32]);

/*
 * What the entry says, its pseudonym under that key.  SR_MALFORMED when the
 * committed part is no entry.
 */
enum sr_error audit_record_of(const struct journal_leaf *leaf,
    const void *committed, size_t len, const uint8_t key[32],
    struct audit_record *out);

/*
 * Writes the line of an entry (mode: AUDIT_PSEUDONYMS or AUDIT_FULL) with its
 * line feed and a NUL; returns its length without the NUL.  unit, name and
 * display go into a full line only.
 */
size_t audit_line_write(const struct audit_record *record, enum audit_mode mode,
    const struct money_unit *unit, struct audit_text name,
    struct audit_text display, char line[AUDIT_LINE_MAX]);

/* The same of a head and of a gap. */
size_t audit_head_write(
    const uint8_t bank_id[32], uint64_t from, char line[AUDIT_LINE_MAX]);
size_t audit_gap_write(
    uint64_t first, uint64_t last, char line[AUDIT_LINE_MAX]);

/*
 * Reads the len bytes of a line without its line feed.  False for anything
 * that is not laid out as above; whether it is true only the journal knows.
 */
bool audit_line_read(const char *line, size_t len, struct audit_line *out);

#endif
