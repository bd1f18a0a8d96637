/* SPDX-License-Identifier: ISC */
/*
 * Segments opened with the disclosed keys, frame by frame, and what only the
 * whole book can tell.  Must never pass over an entry without counting it.
 */
#include "client/verify/witnesses.h"
#include "client/verify/ahead.h"
#include "client/verify/month.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

bool
audit_fault(struct verify *verify, const struct audit_entry *entry,
    const char *format, ...)
{
	char name[JOURNAL_SEGMENT_NAME_MAX], what[VERIFY_WHY_MAX / 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	verify_place(verify, entry->position.segment, entry->position.offset,
	    entry->header.seq, what);
	return verify_fail(verify, VERIFY_TAMPERED,
	    "segment/%s, offset %" PRIu32 " (entry %" PRIu64 "): %s",
	    journal_segment_name(entry->position.segment, name),
	    entry->position.offset, entry->header.seq, what);
}

bool
audit_later(struct verify *verify, const struct audit_entry *entry,
    const char *what, unsigned kind)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];

	return verify_fail(verify, VERIFY_COULD_NOT,
	    "segment/%s, offset %" PRIu32 " (entry %" PRIu64 "): %s %u: %s",
	    journal_segment_name(entry->position.segment, name),
	    entry->position.offset, entry->header.seq, what, kind,
	    error_sentence(SR_VERSION));
}

static const struct audit_key *
find(const struct audit_key *keys, size_t count, uint32_t number)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (keys[middle].segment < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && keys[low].segment == number ? &keys[low] : NULL;
}

const struct audit_key *
audit_find_key(const struct audit *audit, uint32_t segment)
{
	return find(audit->keys, audit->key_count, segment);
}

const struct audit_key *
audit_find_snapshot_key(const struct audit *audit, uint32_t number)
{
	return find(audit->snapshot_keys, audit->snapshot_key_count, number);
}

/* What the log was when a batch began; the walk has found that right. */
static void
note_root(struct audit *audit, uint64_t size, const uint8_t root[32])
{
	audit->root_size = size;
	memcpy(audit->root, root, sizeof(audit->root));
}

/* What can be said of an entry by itself. */
static bool
entry_opens(struct verify *verify, const struct audit_entry *entry)
{
	enum sr_error error = entry->ahead->opened;

	if (error == SR_CRYPTO)
		return audit_fault(verify, entry,
		    "the entry does not open under the disclosed key, or its "
		    "commitment is of something else");
	/* all of its bytes are under the seal, but of no kind known here */
	if (error != SR_OK && entry->plain.committed != NULL &&
	    entry_type_of(entry->plain.committed, entry->plain.committed_len) ==
		0)
		return audit_later(verify, entry, "entry type",
		    entry->plain.committed_len > 0 ? entry->plain.committed[0]
						   : 0);
	if (error != SR_OK)
		return audit_fault(
		    verify, entry, "the entry is not laid out as one");
	verify->audit->opened++;
	return true;
}

static bool
take_entry(struct verify *verify, const struct ahead_frame *ahead,
    struct journal_position position)
{
	struct audit *audit = verify->audit;
	struct audit_entry entry = {.position = position,
	    .header = ahead->frame.header,
	    .plain = ahead->plain,
	    .ahead = ahead};
	bool good = entry_opens(verify, &entry);

	/* the book needs every entry before this one */
	entry.executed = audit->executed == entry.header.seq;
	if (good && entry.executed && audit->month != NULL)
		good = month_before(verify, &entry);
	if (good && entry.executed) {
		good = audit_execute(verify, &entry);
		if (good)
			audit->executed++;
	}
	if (good && entry.executed && audit->month != NULL)
		good = month_after(verify, &entry);
	if (good && audit->journal.format != NULL) {
		if (entry.executed)
			audit_export_transaction(
			    audit, &audit->journal, &entry);
	} else if (good && audit->export != NULL) {
		audit_export_entry(audit->export, &entry);
	}
	return good;
}

/* The entries before `until'. */
static bool
take_entries(struct verify *verify, const struct audit_key *key,
    const uint8_t *bytes, size_t len, uint64_t until)
{
	struct journal_position position = {.segment = key->segment};
	const struct ahead_frame *ahead;
	struct journal_commit commit;

	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN; at < len;
	     at += ahead->frame.frame_len) {
		ahead = ahead_frame(verify, bytes, len, at, key);
		if (ahead->parsed != SR_OK)
			break;
		if (ahead->frame.header.type == JOURNAL_COMMIT &&
		    journal_commit_decode(&ahead->frame, &commit) == SR_OK)
			note_root(verify->audit, commit.size, commit.root);
		if (ahead->frame.header.type != JOURNAL_ENTRY)
			continue;
		if (ahead->frame.header.seq >= until)
			break;
		position.offset = (uint32_t)at;
		if (!take_entry(verify, ahead, position))
			return false;
	}
	return true;
}

bool
audit_segment(struct verify *verify, uint32_t number, const uint8_t *bytes,
    size_t len, uint64_t until)
{
	struct audit *audit = verify->audit;
	const struct audit_key *key = audit_find_key(audit, number);
	struct journal_segment header;
	bool good;

	if (journal_segment_decode(bytes, &header) != SR_OK)
		return verify_fault(
		    verify, number, 0, "a damaged segment header");
	if (header.first_seq >= until) /* nothing in it yet */
		return true;
	if (key == NULL && number < audit->start.segment) {
		audit->before++;
		return true;
	}
	if (key == NULL) {
		if (audit->missing++ == 0)
			audit->first_missing = number;
		return true;
	}
	if (memcmp(header.salt, key->salt, sizeof(key->salt)) != 0)
		return verify_fault(verify, number, 0,
		    "the salt in the segment's header is not that of the "
		    "disclosed key");
	note_root(audit, header.first_seq, header.root);
	good = take_entries(verify, key, bytes, len, until);
	ahead_end();
	if (good && audit->executed == until && book_sum(&audit->book) != 0)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "after entry %" PRIu64 " the sum over all accounts is not "
		    "zero",
		    until - 1);
	return good;
}

void
audit_retired(struct audit *audit, uint32_t number)
{
	if (number < audit->start.segment)
		audit->retired++;
	else if (audit->missing++ == 0)
		audit->first_missing = number;
}

/* What the open holds reserve of that account. */
static int64_t
reserved_minor(const struct book *book, uint64_t account)
{
	__int128 sum = 0;

	for (unsigned i = 0; i < book->hold_count; i++)
		if (!book->hold[i].released &&
		    (book->hold[i].account == account ||
			book->hold[i].till == account))
			sum += book->hold[i].amount_minor;
	return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

/* NULL, or what is wrong with an account. */
static const char *
account_fault(const struct book *book, const struct book_account *account)
{
	if (account->held_minor < 0)
		return "reserves less than nothing";
	if ((account->held_minor != 0 || book->hold_count > 0) &&
	    account->held_minor != reserved_minor(book, account->id))
		return "does not reserve what its open holds do";
	return NULL;
}

/* The end of the export; false after a verdict. */
static bool
finish_export(struct verify *verify)
{
	struct audit *audit = verify->audit;
	enum sr_error error = SR_OK;

	if (audit->export == NULL)
		return true;
	if (audit->journal.format != NULL)
		error = export_end(&audit->journal);
	else
		audit_export_accounts(audit->export, &audit->book);
	if (error != SR_OK || fflush(audit->export) != 0 ||
	    ferror(audit->export) != 0)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "the export cannot be written");
	return true;
}

bool
audit_finish(struct verify *verify)
{
	struct audit *audit = verify->audit;
	const struct book *book = &audit->book;

	if (audit->start.number != 0 && !audit->start_named &&
	    audit->missing == 0)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "the log does not name snapshot/%08" PRIu32,
		    audit->start.number);
	/* begun with the books of the cut: the order is among what follows */
	if (!audit_retired_by_order(verify) &&
	    audit->start.segment == verify->retired && audit->missing == 0 &&
	    audit->executed == verify->signed_size)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "of segments 0 to %" PRIu32
		    " only leaves are there, and nobody has ordered that",
		    verify->retired - 1);
	for (uint64_t i = 0; i < book_account_count(book); i++) {
		const struct book_account *account = book_account_at(book, i);
		const char *what = account_fault(book, account);

		if (what != NULL)
			return verify_fail(verify, VERIFY_TAMPERED,
			    "after entry %" PRIu64 " account %" PRIu64 " %s",
			    audit->executed - 1, account->id, what);
		if (account->type == ACCOUNT_CUSTOMER &&
		    (__int128)account->posted_minor - account->held_minor <
			account->floor_minor)
			audit->below_floor++;
	}
	return month_finish(verify) && finish_export(verify);
}

enum verify_exit
verify_judge(const struct verify *verify)
{
	if (verify->audit == NULL || !verify_anchored(verify) ||
	    witnesses_count(verify) < verify->witnesses_wanted ||
	    verify_gap_after_anchor(verify) || !audit_is_complete(verify) ||
	    audit_seals_unseen(verify) || verify->tail_seen ||
	    verify->tail_len > 0 || verify->tree.size > verify->signed_size)
		return VERIFY_INTACT;
	return VERIFY_ANCHORED;
}

bool
audit_start_certified(const struct audit *audit)
{
	return audit->start_certificate.leaf != 0 && audit->paper_met &&
	       audit->paper.snapshot == audit->start.number;
}

bool
audit_is_complete(const struct verify *verify)
{
	const struct audit *audit = verify->audit;

	if (audit->start.number != 0 && !audit_start_certified(audit))
		return false;
	return audit->missing == 0 && audit->executed > 0 &&
	       audit_retired_by_order(verify) &&
	       (audit->start.number != 0 || audit->executed == audit->opened) &&
	       audit->executed == verify->signed_size;
}
