/* SPDX-License-Identifier: ISC */
/*
 * The audit log's lines against the entries of the walk.  Must never wait for a
 * file, hold more of one than a line, nor pass over a line without a word.
 */
#include "client/plural.h"
#include "client/verify/audit_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/verify/audit.h"
#include "client/verify/verify.h"

/* ---- contradictions -------------------------------------------------- */

/* At the line at work; a file may hold anything, a terminal is to show it. */
static void __attribute__((format(printf, 2, 3)))
contradict(struct audit_log_check *check, const char *format, ...)
{
	char *told;
	va_list arguments;
	int len;

	if (check->contradictions++ >= AUDIT_LOG_TOLD)
		return;
	told = check->told[check->contradictions - 1];
	len = snprintf(told, AUDIT_LOG_TOLD_LEN, "%.200s:%" PRIu64 ": ",
	    check->file[check->at].path, check->number);
	va_start(arguments, format);
	if (len > 0 && len < AUDIT_LOG_TOLD_LEN)
		vsnprintf(told + len, AUDIT_LOG_TOLD_LEN - (size_t)len, format,
		    arguments);
	va_end(arguments);
	for (; *told != '\0'; told++)
		if ((unsigned char)*told < ' ' || (unsigned char)*told >= 0x7f)
			*told = '?';
}

/* ---- lines ----------------------------------------------------------- */

/* Reads up to a line feed: its length, or one more than fits; -1: no more. */
static long
read_text(FILE *file, char text[AUDIT_LINE_MAX], bool *whole)
{
	long len = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n')
		if (len < (long)AUDIT_LINE_MAX)
			text[len++] = (char)c;
	*whole = c == '\n';
	return len == 0 && c == EOF ? -1 : len;
}

/* Opens the next file; false when there is none, or after a verdict. */
static bool
next_file(struct verify *verify)
{
	struct audit_log_check *check = verify->audit_log;

	if (check->open != NULL) {
		(void)fclose(check->open);
		check->open = NULL;
		check->at++;
	}
	if (check->at >= check->file_count)
		return false;
	check->number = 0;
	check->open = verify_open_regular(check->file[check->at].path);
	if (check->open == NULL)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%.200s cannot be read", check->file[check->at].path);
	return true;
}

/* A head must be of this bank; entries between files are found missing. */
static void
take_head(struct verify *verify)
{
	struct audit_log_check *check = verify->audit_log;

	if (memcmp(check->line.bank, verify->bank.bank_id, 32) != 0)
		contradict(check, "the audit log of another bank");
	check->have = false;
}

/* The next line of an entry or gap that the log may have; false: no more. */
static bool
look(struct verify *verify)
{
	struct audit_log_check *check = verify->audit_log;

	while (!check->have) {
		bool whole;
		long len = -1;

		if (check->open != NULL)
			len = read_text(check->open, check->text, &whole);
		if (len < 0) {
			if (check->open != NULL && ferror(check->open) != 0)
				return verify_fail(verify, VERIFY_COULD_NOT,
				    "%.200s cannot be read",
				    check->file[check->at].path);
			if (!next_file(verify))
				return false;
			continue;
		}
		check->number++;
		/* a running bank may be at it */
		if (!whole && check->at + 1 == check->file_count) {
			check->unfinished = true;
			continue;
		}
		if (!whole ||
		    !audit_line_read(check->text, (size_t)len, &check->line)) {
			contradict(check, "no line of an audit log");
			continue;
		}
		check->have = true;
		if (check->line.type == AUDIT_LINE_HEAD)
			take_head(verify);
		else if (check->line.last >= check->limit) {
			check->beyond++;
			check->have = false;
		}
	}
	return true;
}

/* ---- files ----------------------------------------------------------- */

/* The index of the first line that reads as one; UINT64_MAX: there is none. */
static bool
first_index(struct verify *verify, struct audit_log_file *file)
{
	FILE *open = verify_open_regular(file->path);
	char text[AUDIT_LINE_MAX];
	struct audit_line line;
	bool whole;
	long len;

	file->first = UINT64_MAX;
	if (open == NULL)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%.200s cannot be read, or is no file", file->path);
	while (file->first == UINT64_MAX &&
	       (len = read_text(open, text, &whole)) >= 0)
		if (whole && audit_line_read(text, (size_t)len, &line))
			file->first = line.first;
	(void)fclose(open);
	return true;
}

static int
by_first(const void *a, const void *b)
{
	const struct audit_log_file *one = a, *two = b;

	return (one->first > two->first) - (one->first < two->first);
}

bool
audit_log_begin(struct verify *verify)
{
	struct audit_log_check *check = verify->audit_log;

	for (size_t i = 0; i < check->file_count; i++)
		if (!first_index(verify, &check->file[i]))
			return false;
	qsort(check->file, check->file_count, sizeof(check->file[0]), by_first);
	check->limit = verify->published.size;
	randombytes_buf(check->name_key, sizeof(check->name_key));
	return true;
}

/* ---- names ----------------------------------------------------------- */

static struct audit_log_name *
name_place(struct audit_log_name *names, size_t room, uint64_t who)
{
	size_t at = (size_t)(who * UINT64_C(0x9E3779B97F4A7C15) >> 20);

	while (names[at & (room - 1)].who != 0 &&
	       names[at & (room - 1)].who != who)
		at++;
	return &names[at & (room - 1)];
}

static bool
grow_names(struct audit_log_check *check)
{
	size_t room = check->name_room == 0 ? 1024 : 2 * check->name_room;
	struct audit_log_name *names = calloc(room, sizeof(*names));

	if (names == NULL)
		return false;
	for (size_t i = 0; i < check->name_room; i++)
		if (check->names[i].who != 0)
			*name_place(names, room, check->names[i].who) =
			    check->names[i];
	free(check->names);
	check->names = names;
	check->name_room = room;
	return true;
}

/* One customer has one name; an empty one is not known any more. */
static bool
compare_name(struct verify *verify, const struct audit_record *record)
{
	struct audit_log_check *check = verify->audit_log;
	struct audit_text name = check->line.field[AUDIT_NAME];
	uint64_t hash, who = record->subject * 4 + record->about;
	struct audit_log_name *known;

	if (record->about == AUDIT_NOBODY) {
		if (name.len > 2 || check->line.field[AUDIT_DISPLAY].len > 2)
			contradict(check,
			    "entry %" PRIu64 ": a name, and it is of nobody",
			    record->seq);
		return true;
	}
	if (name.len <= 2)
		return true;
	if (2 * check->name_count >= check->name_room && !grow_names(check))
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "there is not enough memory");
	crypto_shorthash((uint8_t *)&hash, (const uint8_t *)name.bytes,
	    name.len, check->name_key);
	known = name_place(check->names, check->name_room, who);
	if (known->who == 0) {
		*known = (struct audit_log_name){who, hash};
		check->name_count++;
	} else if (known->hash != hash)
		contradict(check,
		    "entry %" PRIu64 ": another name than in a line before, "
		    "of the same signer",
		    record->seq);
	return true;
}

/* ---- a line and its entry -------------------------------------------- */

static void
compare_field(struct audit_log_check *check, const struct audit_line *right,
    enum audit_field field)
{
	static const char *const names[AUDIT_FIELD_COUNT] = {"time", "index",
	    "class", "outcome", "pseudonym", "kind", "amount", "debit",
	    "credit", "leaf referred to", "name", "display name"};
	struct audit_text is = check->line.field[field];
	struct audit_text should = right->field[field];

	if (is.len != should.len || memcmp(is.bytes, should.bytes, is.len) != 0)
		contradict(check,
		    "entry %" PRIu64 ": its %s is `%.*s', in the log `%.*s'",
		    check->line.first, names[field],
		    (int)(is.len < 40 ? is.len : 40), is.bytes,
		    (int)(should.len < 40 ? should.len : 40), should.bytes);
}

/* The line that belongs to the record, read as one. */
static void
right_line(const struct verify *verify, const struct audit_record *record,
    char text[AUDIT_LINE_MAX], struct audit_line *right)
{
	static const struct audit_text nothing = {"", 0};
	size_t len = audit_line_write(
	    record, AUDIT_FULL, &verify->bank.unit, nothing, nothing, text);

	if (!audit_line_read(text, len - 1, right))
		memset(right, 0, sizeof(*right));
}

/* frame, key: NULL where only the leaf is left, or nothing was disclosed. */
static bool
compare(struct verify *verify, const struct journal_leaf *leaf,
    const struct journal_frame *frame, const struct audit_key *key)
{
	static uint8_t buffer[JOURNAL_PLAIN_MAX];
	struct audit_log_check *check = verify->audit_log;
	struct audit_record record = {.pseudonym = "-", .kind = "-"};
	struct audit_line right;
	struct journal_plain plain;
	char text[AUDIT_LINE_MAX];
	uint8_t pseudonyms[32];
	bool opened = false, good = true;

	check->lines++;
	record.seq = leaf->seq;
	record.time_ms = leaf->time_ms;
	record.class = leaf->class;
	if (key != NULL && frame != NULL &&
	    journal_open(key->key, frame, buffer, &plain) == SR_OK) {
		audit_pseudonym_key(key->key, pseudonyms);
		opened = audit_record_of(leaf, plain.committed,
			     plain.committed_len, pseudonyms, &record) == SR_OK;
		sodium_memzero(pseudonyms, sizeof(pseudonyms));
	}
	sodium_memzero(buffer, sizeof(buffer));
	right_line(verify, &record, text, &right);
	compare_field(check, &right, AUDIT_TIME);
	compare_field(check, &right, AUDIT_CLASS);
	if (!opened)
		return true;
	check->with_keys++;
	compare_field(check, &right, AUDIT_OUTCOME);
	for (unsigned i = AUDIT_PSEUDONYM;
	     i < check->line.fields && i < AUDIT_NAME; i++)
		compare_field(check, &right, (enum audit_field)i);
	if (check->line.fields == AUDIT_FIELD_COUNT)
		good = compare_name(verify, &record);
	return good;
}

/* Tells of a run of missing lines, before the line at work. */
static void
end_missing(struct audit_log_check *check, uint64_t next)
{
	if (!check->is_missing)
		return;
	contradict(check,
	    "entries %" PRIu64 " to %" PRIu64 " have no line before this one",
	    check->missing, next - 1);
	check->is_missing = false;
}

/* One entry of the walk; false after a verdict. */
static bool
take_entry(struct verify *verify, const struct journal_leaf *leaf,
    const struct journal_frame *frame, const struct audit_key *key)
{
	struct audit_log_check *check = verify->audit_log;
	uint64_t seq = leaf->seq;
	bool good = true;

	while (look(verify) && check->line.last < seq) {
		contradict(check,
		    "entry %" PRIu64 ": out of its place, or a second line",
		    check->line.first);
		check->have = false;
	}
	if (!check->have)
		return verify->exit != VERIFY_COULD_NOT;
	if (check->line.first > seq) {
		if (check->begun && !check->is_missing) {
			check->is_missing = true;
			check->missing = seq;
		}
		return true;
	}
	end_missing(check, seq);
	if (!check->begun)
		check->first = seq;
	check->begun = true;
	check->next = seq + 1;
	if (check->line.type == AUDIT_LINE_GAP) {
		check->gaps++;
		check->have = check->line.last > seq;
		return true;
	}
	good = compare(verify, leaf, frame, key);
	check->have = false;
	return good;
}

bool
audit_log_segment(struct verify *verify, uint32_t number, const uint8_t *bytes,
    size_t len, uint64_t until)
{
	const struct audit_key *key =
	    verify->audit != NULL ? audit_find_key(verify->audit, number)
				  : NULL;
	struct journal_frame frame;
	struct journal_leaf leaf;

	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN; at < len;
	     at += frame.frame_len) {
		if (journal_frame_parse(bytes + at, len - at, &frame) != SR_OK)
			return true;
		if (frame.header.type != JOURNAL_ENTRY)
			continue;
		if (frame.header.seq >= until)
			return true;
		/* what a line is made of, besides the plaintext */
		leaf = (struct journal_leaf){.seq = frame.header.seq,
		    .time_ms = frame.header.time_ms,
		    .class = frame.header.class,
		    .segment = number};
		if (!take_entry(verify, &leaf, &frame, key))
			return false;
	}
	return true;
}

bool
audit_log_leaf(struct verify *verify, const struct journal_leaf *leaf)
{
	return take_entry(verify, leaf, NULL, NULL);
}

bool
audit_log_finish(struct verify *verify)
{
	struct audit_log_check *check = verify->audit_log;

	while (look(verify)) {
		end_missing(check, verify->committed.size);
		contradict(check,
		    "entry %" PRIu64 ": out of its place, or a second line",
		    check->line.first);
		check->have = false;
	}
	if (verify->exit == VERIFY_COULD_NOT)
		return false;
	if (check->contradictions == 0)
		return true;
	return verify_fail(verify, VERIFY_TAMPERED,
	    "the audit log is contradicted by the log in %" PRIu64
	    " places, the first is %.300s",
	    check->contradictions, check->told[0]);
}

void
audit_log_end(struct audit_log_check *check)
{
	if (check->open != NULL)
		(void)fclose(check->open);
	free(check->names);
}

/* ---- report ---------------------------------------------------------- */

static uint64_t
told_count(const struct audit_log_check *check)
{
	return check->contradictions < AUDIT_LOG_TOLD ? check->contradictions
						      : AUDIT_LOG_TOLD;
}

void
audit_log_report(const struct audit_log_check *check)
{
	for (uint64_t i = 0; i < told_count(check); i++)
		printf("audit log: %s\n", check->told[i]);
	if (check->contradictions > AUDIT_LOG_TOLD)
		printf("audit log: and %" PRIu64 " more\n",
		    check->contradictions - AUDIT_LOG_TOLD);
	if (!check->begun)
		printf("audit log: no line of an entry of this log\n");
	else
		printf("audit log: %" PRIu64 " line%s compared, of the entries "
		       "%" PRIu64 " to %" PRIu64 "; %" PRIu64 " of them with "
		       "keys%s\n",
		    check->lines, plural(check->lines), check->first,
		    check->next - 1, check->with_keys,
		    check->with_keys < check->lines
			? ", the others by time and class"
			: "");
	if (check->gaps > 0)
		printf("audit log: %" PRIu64 " entr%s without a line, as it "
		       "says\n",
		    check->gaps, plural_y(check->gaps));
	if (check->beyond > 0)
		printf("audit log: %" PRIu64 " line%s of entries after the end "
		       "of this log\n",
		    check->beyond, plural(check->beyond));
	if (check->unfinished)
		printf("audit log: it ends in half a line\n");
}

void
audit_log_report_json(
    const struct audit_log_check *check, void (*string)(const char *))
{
	printf(",\"audit_log\":{\"lines\":%" PRIu64 ",\"with_keys\":%" PRIu64
	       ",\"first\":%" PRIu64 ",\"next\":%" PRIu64 ",\"gaps\":%" PRIu64
	       ",\"beyond\":%" PRIu64 ",\"unfinished\":%s"
	       ",\"contradictions\":%" PRIu64 ",\"told\":[",
	    check->lines, check->with_keys, check->first, check->next,
	    check->gaps, check->beyond, check->unfinished ? "true" : "false",
	    check->contradictions);
	for (uint64_t i = 0; i < told_count(check); i++) {
		if (i > 0)
			putchar(',');
		string(check->told[i]);
	}
	printf("]}");
}
