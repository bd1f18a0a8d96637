/* SPDX-License-Identifier: ISC */
/*
 * The plain audit log: which line comes when.  Must never contain more of what
 * the journal seals than its mode says, nor write a line that keyd has not
 * signed, nor one twice.
 */
#include "ledgerd/audit.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/ledgerd.h"

enum { CHUNK_LEN = 64 * 1024 };

/* Lines on their way to the file. */
struct lines {
	char bytes[CHUNK_LEN];
	size_t len;
	uint64_t next; /* the entry after the last of them */
};

static struct lines lines;

uint64_t
audit_missing(const struct ledgerd *ledgerd)
{
	const struct audit_log *audit = &ledgerd->audit;

	return audit->mode == AUDIT_OFF || ledgerd->tree.size < audit->next
		   ? 0
		   : ledgerd->tree.size - audit->next;
}

/* The disk, or what the journal holds there, is for later. */
static void
refuse(struct ledgerd *ledgerd, enum sr_error why)
{
	struct audit_log *audit = &ledgerd->audit;

	if (!audit->refused)
		diag_warn(AUDIT_PATH " takes no lines now: %s; they are "
				     "written when it does",
		    error_sentence(why));
	audit->refused = true;
	audit->refused_ms = env_boot_ms(ledgerd->env);
}

static bool
retries(const struct ledgerd *ledgerd)
{
	const struct audit_log *audit = &ledgerd->audit;

	return !audit->refused ||
	       env_boot_ms(ledgerd->env) - audit->refused_ms >= AUDIT_RETRY_MS;
}

bool
audit_waits(const struct ledgerd *ledgerd)
{
	return ledgerd->phase == PHASE_OPEN && !ledgerd->keyd.copy &&
	       audit_missing(ledgerd) > 0 && retries(ledgerd);
}

int
audit_wait_ms(const struct ledgerd *ledgerd, int timeout_ms)
{
	if (audit_waits(ledgerd))
		return 0;
	if (audit_missing(ledgerd) > 0 &&
	    (timeout_ms < 0 || timeout_ms > AUDIT_RETRY_MS))
		return AUDIT_RETRY_MS;
	return timeout_ms;
}

/* ---- lines ---------------------------------------------------------- */

/* The key of a segment's pseudonyms; kept, since they come in a row. */
static const uint8_t *
key_of(struct ledgerd *ledgerd, uint32_t segment, const uint8_t key[32])
{
	struct audit_log *audit = &ledgerd->audit;

	if (!audit->key_known || audit->key_segment != segment) {
		audit_pseudonym_key(key, audit->key);
		audit->key_segment = segment;
		audit->key_known = true;
	}
	return audit->key;
}

/* Who stands in a full line: the customer, or a terminal's principal. */
static const struct person *
person_of(const struct ledgerd *ledgerd, const struct audit_record *record)
{
	const struct book_terminal *terminal;

	if (record->about == AUDIT_CUSTOMER)
		return people_of(&ledgerd->people, record->subject);
	if (record->about != AUDIT_TERMINAL || record->subject > UINT32_MAX)
		return NULL;
	terminal = book_terminal(&ledgerd->book, (uint32_t)record->subject);
	return terminal != NULL
		   ? people_of(&ledgerd->people, terminal->principal)
		   : NULL;
}

static size_t
write_line(const struct ledgerd *ledgerd, const struct audit_record *record,
    char line[AUDIT_LINE_MAX])
{
	const struct money_unit unit = {
	    .exponent = (uint8_t)(ledgerd->book.unit >> 8)};
	const struct person *person = person_of(ledgerd, record);
	struct audit_text name = {"", 0}, display = {"", 0};

	if (person != NULL) {
		name = (struct audit_text){person->name, person->name_len};
		display =
		    (struct audit_text){person->display, person->display_len};
	}
	return audit_line_write(
	    record, ledgerd->audit.mode, &unit, name, display, line);
}

/* What was gathered, into the file. */
static enum sr_error
flush(struct ledgerd *ledgerd)
{
	enum sr_error error;

	if (lines.len == 0)
		return SR_OK;
	error = audit_file_write(ledgerd, lines.bytes, lines.len);
	lines.len = 0;
	if (error == SR_OK)
		ledgerd->audit.next = lines.next;
	return error;
}

/* One more line, up to the entry before next. */
static enum sr_error
gather(struct ledgerd *ledgerd, const char *line, size_t len, uint64_t next)
{
	enum sr_error error = SR_OK;

	if (lines.len + len > sizeof(lines.bytes))
		error = flush(ledgerd);
	memcpy(lines.bytes + lines.len, line, len);
	lines.len += len;
	lines.next = next;
	return error;
}

static enum sr_error
gather_record(struct ledgerd *ledgerd, const struct audit_record *record)
{
	char line[AUDIT_LINE_MAX];
	size_t len = write_line(ledgerd, record, line);

	return gather(ledgerd, line, len, record->seq + 1);
}

/* ---- of a batch ----------------------------------------------------- */

enum sr_error
audit_note(struct ledgerd *ledgerd, const struct journal_leaf *leaf,
    const struct journal_plain *plain)
{
	struct batch *batch = &ledgerd->batch;

	if (ledgerd->audit.mode == AUDIT_OFF)
		return SR_OK;
	return audit_record_of(leaf, plain->committed, plain->committed_len,
	    key_of(ledgerd, leaf->segment, ledgerd->segment_key),
	    &batch->audit[batch->leaf_count]);
}

enum sr_error
audit_append(struct ledgerd *ledgerd)
{
	const struct batch *batch = &ledgerd->batch;
	struct audit_log *audit = &ledgerd->audit;
	enum sr_error error;

	/* What is missing comes first, and this with it. */
	if (audit->mode == AUDIT_OFF || audit->next != batch->first)
		return SR_OK;
	lines.len = 0;
	error = audit_file_ready(ledgerd);
	if (error == SR_OK && audit->next != batch->first)
		return SR_OK;
	for (size_t i = 0; error == SR_OK && i < batch->leaf_count; i++)
		error = gather_record(ledgerd, &batch->audit[i]);
	if (error == SR_OK)
		error = flush(ledgerd);
	if (!admission_is_refusal(error))
		return error;
	refuse(ledgerd, error);
	return SR_OK;
}

/* ---- from the journal ----------------------------------------------- */

uint64_t
audit_first_readable(const struct ledgerd *ledgerd)
{
	const struct entry_snapshot *last = &ledgerd->snapshots.last;

	return last->number > 0 ? last->size : 0;
}

/* Entries that cannot be read again without a trace in the journal. */
static enum sr_error
skip_old(struct ledgerd *ledgerd)
{
	struct audit_log *audit = &ledgerd->audit;
	uint64_t first = audit_first_readable(ledgerd);
	char line[AUDIT_LINE_MAX];
	size_t len;

	if (audit->next >= first)
		return SR_OK;
	len = audit_gap_write(audit->next, first - 1, line);
	diag_warn(AUDIT_PATH ": the entries %" PRIu64 " to %" PRIu64
			     " get no lines: they are before the last "
			     "snapshot",
	    audit->next, first - 1);
	return gather(ledgerd, line, len, first);
}

static enum sr_error
read_again(struct ledgerd *ledgerd, uint64_t seq, struct archive_place *place)
{
	static struct archive_frame frame;
	struct audit_record record;
	struct journal_leaf leaf;
	const uint8_t *key;
	enum sr_error error;

	error = archive_leaf_from(ledgerd, seq, place, &frame, &key);
	if (error != SR_OK)
		return error;
	journal_frame_leaf(&frame.frame, &leaf);
	error = audit_record_of(&leaf, frame.plain.committed,
	    frame.plain.committed_len, key_of(ledgerd, leaf.segment, key),
	    &record);
	sodium_memzero(frame.buffer, sizeof(frame.buffer));
	return error == SR_OK ? gather_record(ledgerd, &record) : SR_DAMAGED;
}

static enum sr_error
step(struct ledgerd *ledgerd)
{
	struct archive_place place = {.known = false};
	enum sr_error error, written;
	uint64_t end, seq;

	lines.len = 0;
	error = audit_file_ready(ledgerd);
	lines.next = ledgerd->audit.next;
	if (error == SR_OK)
		error = skip_old(ledgerd);
	if (error != SR_OK)
		return error;
	seq = lines.next;
	end = ledgerd->tree.size;
	if (end - seq > AUDIT_STEP)
		end = seq + AUDIT_STEP;
	for (; error == SR_OK && seq < end; seq++)
		error = read_again(ledgerd, seq, &place);
	written = flush(ledgerd);
	return error == SR_OK ? written : error;
}

enum sr_error
audit_catch_up(struct ledgerd *ledgerd)
{
	struct audit_log *audit = &ledgerd->audit;
	enum sr_error error;

	if (!audit_waits(ledgerd))
		return SR_OK;
	error = step(ledgerd);
	/* a frame that reads wrong may read right the next time */
	if (admission_is_refusal(error) || error == SR_DAMAGED ||
	    error == SR_CRYPTO || error == SR_OLD_RECORDS ||
	    error == SR_UNREADABLE) {
		refuse(ledgerd, error);
		return SR_OK;
	}
	if (error == SR_OK && audit_missing(ledgerd) == 0) {
		if (audit->refused)
			diag_info(AUDIT_PATH " has a line for each entry "
					     "again");
		audit->refused = false;
	}
	return error;
}

enum sr_error
audit_settle(struct ledgerd *ledgerd)
{
	struct audit_log *audit = &ledgerd->audit;
	enum sr_error error = SR_OK;

	while (error == SR_OK && audit_waits(ledgerd))
		error = audit_catch_up(ledgerd);
	if (error != SR_OK || audit->file == ENV_NO_FILE)
		return error;
	error = env_sync(ledgerd->env, audit->file);
	if (!admission_is_refusal(error))
		return error;
	refuse(ledgerd, error);
	return SR_OK;
}

/* ---- begin and end -------------------------------------------------- */

static enum sr_error
begin(struct ledgerd *ledgerd, enum audit_mode mode)
{
	struct audit_log *audit = &ledgerd->audit;
	enum sr_error error;

	audit->mode = ledgerd->keyd.copy ? AUDIT_OFF : mode;
	if (audit->mode == AUDIT_OFF)
		return SR_OK;
	if (audit->mode == AUDIT_FULL)
		diag_warn("[ledgerd] audit-log = full: " AUDIT_PATH
			  " has names, kinds and amounts in the clear; who "
			  "steals this disk reads them, and names that are "
			  "erased stay there");
	if (!audit->found) {
		audit->start = ledgerd->tree.size;
		audit->next = audit->start;
	}
	error = audit_file_ready(ledgerd);
	if (!admission_is_refusal(error))
		return error;
	refuse(ledgerd, error);
	return SR_OK;
}

enum sr_error
audit_start(struct ledgerd *ledgerd)
{
	return begin(ledgerd, (enum audit_mode)ledgerd->params.audit);
}

static void
close_file(struct ledgerd *ledgerd)
{
	struct audit_log *audit = &ledgerd->audit;

	if (audit->file != ENV_NO_FILE)
		(void)env_close(ledgerd->env, audit->file);
	audit->file = ENV_NO_FILE;
}

enum sr_error
audit_change(struct ledgerd *ledgerd, enum audit_mode mode)
{
	enum sr_error error;

	ledgerd->params.audit = mode;
	if (mode == ledgerd->audit.mode || ledgerd->keyd.copy)
		return SR_OK;
	ledgerd->fatal = audit_settle(ledgerd);
	if (ledgerd->fatal != SR_OK)
		return ledgerd->fatal;
	if (mode == AUDIT_OFF)
		close_file(ledgerd);
	error = begin(ledgerd, mode);
	if (error == SR_OK)
		return SR_OK;
	/* The record is the journal: it goes on. */
	diag_error(AUDIT_PATH ": no log is kept: %s; mend that and reload",
	    error_sentence(error));
	close_file(ledgerd);
	ledgerd->audit.mode = AUDIT_OFF;
	ledgerd->params.audit = AUDIT_OFF;
	return error;
}

void
audit_close(struct ledgerd *ledgerd)
{
	close_file(ledgerd);
	sodium_memzero(ledgerd->audit.key, sizeof(ledgerd->audit.key));
}
