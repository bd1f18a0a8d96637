/* SPDX-License-Identifier: ISC */
/*
 * What an auditor reads: a row a segment, then the verdict, and what is still
 * trustworthy after damage.
 */
#include "client/plural.h"
#include "client/printable.h"
#include "client/verify/verify.h"
#include "client/verify/audit.h"
#include "client/verify/audit_log.h"
#include "client/verify/held.h"
#include "client/verify/witnesses.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *
verify_time(uint64_t ms, char out[32])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm utc;

	if (gmtime_r(&seconds, &utc) == NULL ||
	    strftime(out, 32, "%Y-%m-%d %H:%M:%SZ", &utc) == 0)
		snprintf(out, 32, "%" PRIu64, ms);
	return out;
}

void
verify_print_begin(const struct verify *verify)
{
	if (verify->json)
		printf("{\"v\":1,\"segments\":[");
}

static void
report_json_segment(
    const struct verify *verify, const struct verify_segment *segment)
{
	printf("%s{\"segment\":%" PRIu32 ",\"first\":%" PRIu64
	       ",\"entries\":%" PRIu64 ",\"batches\":%" PRIu64
	       ",\"bytes\":%" PRIu64 ",\"from_ms\":%" PRIu64
	       ",\"to_ms\":%" PRIu64 ",\"retired\":%s}",
	    verify->rows > 0 ? "," : "", segment->number, segment->first,
	    segment->entries, segment->batches, segment->used_len,
	    segment->first_ms, segment->last_ms,
	    segment->retired ? "true" : "false");
}

void
verify_print_segment(
    struct verify *verify, const struct verify_segment *segment)
{
	char first[32], last[32], batches[24] = "retired";

	verify_progress_clear(verify);
	if (verify->json)
		report_json_segment(verify, segment);
	verify->rows++;
	if (verify->json || verify->quiet)
		return;
	if (segment->number == 0)
		printf("%-8s %10s %8s %7s %8s %-16s %s\n", "segment", "first",
		    "entries", "batches", "bytes", "from (UTC)", "to");
	if (!segment->retired)
		snprintf(
		    batches, sizeof(batches), "%" PRIu64, segment->batches);
	/* to the minute, so that a row is not longer than a line */
	printf("%08" PRIu32 " %10" PRIu64 " %8" PRIu64 " %7s %8" PRIu64
	       " %-16.16s %.16s\n",
	    segment->number, segment->first, segment->entries, batches,
	    segment->used_len,
	    segment->entries > 0 ? verify_time(segment->first_ms, first) : "-",
	    segment->entries > 0 ? verify_time(segment->last_ms, last) : "-");
	fflush(stdout);
}

void
verify_print_json_string(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7F)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
report_rotation(const struct verify_restore *restore)
{
	const struct restore_note *note = &restore->note;
	char time[32];

	printf(
	    "log key rotated on %s, by a note that both keys signed: the key "
	    "of epoch %" PRIu32 " signed the first %" PRIu64
	    " entries last, from there on that of epoch %" PRIu32 "\n",
	    verify_time(note->time_ms, time), note->old_epoch,
	    note->restored_size, note->new_epoch);
	if (restore->attestation)
		printf("attestation key rotated with it: from there on that of "
		       "epoch %" PRIu32 " attests whose keys are whose\n",
		    note->new_epoch);
	if (restore->channel)
		printf("channel key rotated with it: the bank answers with "
		       "that of epoch %" PRIu32 "\n",
		    note->new_epoch);
	if (restore->password)
		printf("password key rotated with it: new passwords are bound "
		       "to that of epoch %" PRIu32 "\n",
		    note->new_epoch);
}

/* Each restore note of the log, and what is lost by it; each rotation. */
static void
report_restores(const struct verify *verify)
{
	for (size_t i = 0; i < verify->restore_met; i++) {
		const struct restore_note *note = &verify->restore[i].note;
		char loss[VERIFY_WHY_MAX], time[32];

		if (verify->restore[i].rotation) {
			report_rotation(&verify->restore[i]);
			continue;
		}
		verify_loss(note, loss);
		printf("restored with loss on %s, by a note that the identity "
		       "signed: %s; the log goes on with entry %" PRIu64
		       ", under a new origin\n",
		    verify_time(note->time_ms, time), loss,
		    note->restored_size);
	}
}

static void
report_json_restores(const struct verify *verify)
{
	const char *before = "";

	printf(",\"restores\":[");
	for (size_t i = 0; i < verify->restore_met; i++) {
		const struct restore_note *note = &verify->restore[i].note;

		if (verify->restore[i].rotation)
			continue;
		printf("%s{\"entry\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"restored_epoch\":%" PRIu32 ",\"old_epoch\":%" PRIu32
		       ",\"new_epoch\":%" PRIu32 ",\"last_size\":%" PRIu64 "}",
		    before, note->restored_size, note->time_ms,
		    note->restored_epoch, note->old_epoch, note->new_epoch,
		    note->last_size);
		before = ",";
	}
	before = "";
	printf("],\"rotations\":[");
	for (size_t i = 0; i < verify->restore_met; i++) {
		const struct restore_note *note = &verify->restore[i].note;

		if (!verify->restore[i].rotation)
			continue;
		printf("%s{\"entry\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"old_epoch\":%" PRIu32 ",\"new_epoch\":%" PRIu32
		       ",\"keys\":[\"log-key\"%s%s%s]}",
		    before, note->restored_size, note->time_ms, note->old_epoch,
		    note->new_epoch,
		    verify->restore[i].attestation ? ",\"attestation-key\""
						   : "",
		    verify->restore[i].channel ? ",\"channel-key\"" : "",
		    verify->restore[i].password ? ",\"password-key\"" : "");
		before = ",";
	}
	printf("]");
}

static void
report_json_audit(const struct audit *audit)
{
	printf(",\"opened\":%" PRIu64 ",\"executed\":%" PRIu64
	       ",\"undisclosed\":%" PRIu32 ",\"orders\":%" PRIu64
	       ",\"declined\":%" PRIu64 ",\"accounts\":%" PRIu64
	       ",\"open_holds\":%u,\"late_posts\":%" PRIu64
	       ",\"below_floor\":%" PRIu64 ",\"start\":%" PRIu64
	       ",\"certified\":%" PRIu64 ",\"paper\":%s",
	    audit->opened, audit->executed - audit->start.size, audit->missing,
	    audit->orders, audit->declined, book_account_count(&audit->book),
	    audit->book.hold_count, (uint64_t)audit->late_count,
	    audit->below_floor, audit->start.size,
	    audit->start_certificate.leaf, audit->paper_met ? "true" : "false");
	audit_seals_report_json(&audit->seals);
	printf(",\"late\":[");
	for (size_t i = 0; i < audit->late_count; i++) {
		const struct book_late *late = &audit->late[i];

		printf("%s{\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"hold\":%" PRIu64 ",\"amount_minor\":%" PRId64
		       ",\"customer\":%" PRIu64 ",\"terminal\":%" PRIu64
		       ",\"below_floor\":%s}",
		    i > 0 ? "," : "", late->leaf, late->time_ms, late->hold,
		    late->amount_minor, account_customer(late->account),
		    account_customer(late->till),
		    late->below_floor ? "true" : "false");
	}
	printf("],\"former_attested\":[");
	for (uint64_t i = 0; i < audit->former.count; i++) {
		const struct audit_former *former =
		    book_table_at(&audit->former, i);

		printf("%s{\"entry\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"customer\":%" PRIu64 ",\"key_epoch\":%" PRIu32 "}",
		    i > 0 ? "," : "", former->entry, former->time_ms,
		    former->customer, former->key_epoch);
	}
	printf("]");
}

static void
report_tiles(const struct verify_tiles *tiles)
{
	if (tiles->wanted)
		printf("the public tree: %" PRIu64
		       " file%s %s what the journal has\n",
		    tiles->checked, plural(tiles->checked),
		    tiles->checked == 1 ? "has" : "have");
	else
		printf("the public tree, public/tile, is not there; "
		       "strongroomctl rebuild-tiles makes it\n");
	if (tiles->missing > 0)
		printf("missing from the public tree, or cut short: %" PRIu64
		       " file%s, the first is public/%s; strongroomctl "
		       "rebuild-tiles makes them\n",
		    tiles->missing, plural(tiles->missing),
		    tiles->first_missing);
}

static void
report_json(struct verify *verify, const char *root)
{
	static const char *const results[] = {
	    "verified", "tampered", "could not run", "intact"};

	printf("],\"result\":\"%s\",\"exit\":%d,\"why\":",
	    results[verify->exit], (int)verify->exit);
	verify_print_json_string(verify->why);
	printf(",\"entries\":%" PRIu64 ",\"signed\":%" PRIu64
	       ",\"batches\":%" PRIu64 ",\"unsigned_tail\":%" PRIu64
	       ",\"tail_bytes\":%" PRIu64
	       ",\"root\":\"%s\",\"since\":%s,\"keys\":%s",
	    verify->committed.size, verify->signed_size, verify->batches,
	    verify->tree.size - verify->signed_size, verify->tail_len, root,
	    verify_since_met(verify) ? "true" : "false",
	    verify->audit != NULL ? "true" : "false");
	printf(",\"retired\":%" PRIu32 ",\"retired_entries\":%" PRIu64,
	    verify->retired, verify->retired_entries);
	printf(",\"tiles\":{\"there\":%s,\"checked\":%" PRIu64
	       ",\"missing\":%" PRIu64 "}",
	    verify->tiles.wanted ? "true" : "false", verify->tiles.checked,
	    verify->tiles.missing);
	report_json_restores(verify);
	witnesses_report_json(verify);
	if (verify->audit != NULL)
		report_json_audit(verify->audit);
	if (verify->audit_log != NULL)
		audit_log_report_json(
		    verify->audit_log, verify_print_json_string);
	held_report_json(verify);
	if (verify->exit == VERIFY_TAMPERED)
		verify_print_damage(verify);
	printf("}\n");
}

uint64_t
verify_trustworthy(const struct verify *verify)
{
	if (verify->audit != NULL &&
	    verify->audit->executed < verify->signed_size)
		return verify->audit->executed;
	return verify->signed_size;
}

/* The segments of which only the leaves are left. */
static void
report_retired(const struct verify *verify)
{
	const struct audit *audit = verify->audit;
	char name[JOURNAL_SEGMENT_NAME_MAX];

	if (verify->retired == 0)
		return;
	printf("retired, leaves only: segments 00000000 to %.8s, of the first "
	       "%" PRIu64 " entries, which the tree still holds\n",
	    journal_segment_name(verify->retired - 1, name),
	    verify->retired_entries);
	if (audit == NULL)
		printf("that two operators have ordered it only keys can "
		       "show\n");
	else if (!audit_retired_by_order(verify))
		printf("that two operators have ordered it was not seen: begin "
		       "with the books of the cut\n(strongroomctl disclose "
		       "with its snapshot and all segments from it on)\n");
	if (audit != NULL && audit->start.number == 0)
		printf("nothing after them could be carried out again: that "
		       "needs a certified snapshot of the books and all "
		       "segments after it (strongroomctl disclose)\n");
}

static void
report_late(const struct money_unit *unit, const struct book_late *late)
{
	char when[32], amount[MONEY_TEXT_MAX];

	printf("  entry %" PRIu64 ", %s: %s %s of account %" PRIu64
	       "-%u, by terminal %" PRIu64 ", hold of entry %" PRIu64 "%s\n",
	    late->leaf, verify_time(late->time_ms, when),
	    money_format(late->amount_minor, unit, amount), unit->code,
	    account_customer(late->account), account_index(late->account),
	    account_customer(late->till), late->hold,
	    late->below_floor ? ", below its floor" : "");
}

/* The books that were begun with. */
static void
report_start(const struct audit *audit)
{
	const struct audit_certificate *by = &audit->start_certificate;

	printf("carried out again from entry %" PRIu64
	       " on: the books before it are those of snapshot %" PRIu32,
	    audit->start.size, audit->start.number);
	if (by->leaf != 0)
		printf(", which the auditor with the number %" PRIu64
		       " has certified in entry %" PRIu64 "\n",
		    by->auditor, by->leaf);
	else
		printf(", which no auditor has certified\n");
	if (by->leaf != 0 && !audit_start_certified(audit))
		printf("that this number is an auditor's is the word of these "
		       "books alone:\ngive the auditor's paper to "
		       "--certified\n");
	else if (by->leaf != 0)
		printf("and these are the books of the paper given\n");
	if (audit->before > 0)
		printf("not disclosed before it: %" PRIu32
		       " segments, of which only the hashes were checked\n",
		    audit->before);
}

/* What whoever has a former attestation key could have made, too. */
static void
report_former(const struct audit *audit)
{
	printf("attested by a former key when they came into the log: keys of "
	       "%" PRIu64 " customer%s, %" PRIu64 " of them in the place of "
	       "others; if that key may have been known to somebody, have "
	       "these customers compare their keys (entries: --json, "
	       "former_attested)\n",
	    audit->former.count, plural(audit->former.count),
	    audit->former_changed);
}

/* What was done with keys, and what was not. */
static void
report_audit(const struct verify *verify)
{
	const struct audit *audit = verify->audit;

	printf("opened %" PRIu64 " entries, carried out again %" PRIu64
	       ": %" PRIu64 " orders, %" PRIu64 " of them declined; %" PRIu64
	       " accounts, their sum is zero\n",
	    audit->opened, audit->executed - audit->start.size, audit->orders,
	    audit->declined, book_account_count(&audit->book));
	if (audit->start.number != 0)
		report_start(audit);
	if (audit->book.hold_count > 0)
		printf("open withdrawals: %u\n", audit->book.hold_count);
	if (audit->late_count > 0)
		printf("withdrawals posted after their release: %zu; accounts "
		       "below their floor: %" PRIu64 "\n",
		    audit->late_count, audit->below_floor);
	for (size_t i = 0; i < audit->late_count; i++)
		report_late(&verify->bank.unit, &audit->late[i]);
	if (audit->former.count > 0)
		report_former(audit);
	if (audit->missing > 0)
		printf("not disclosed: %" PRIu32
		       " segment%s, the first is %" PRIu32
		       "; there, signatures of orders, commitments and "
		       "balances were not checked, and from entry %" PRIu64
		       " on nothing could be carried out again\n",
		    audit->missing, plural(audit->missing),
		    audit->first_missing, audit->executed);
}

void
verify_print_verdict(struct verify *verify)
{
	char root[65], path[PRINTABLE_MAX];
	uint8_t bytes[32];

	verify_progress_clear(verify);
	merkle_frontier_root(&verify->committed, bytes);
	bankfile_hex(bytes, root);
	if (verify->json) {
		report_json(verify, root);
		return;
	}
	if (verify->exit == VERIFY_COULD_NOT) {
		fprintf(stderr, "strongroom-verify: %s\n", verify->why);
		return;
	}
	report_restores(verify);
	if (verify->audit_log != NULL)
		audit_log_report(verify->audit_log);
	if (verify->audit != NULL)
		audit_seals_report(verify);
	held_report(verify);
	if (verify->exit == VERIFY_TAMPERED) {
		verify_print_damage(verify);
		printf("NOT VERIFIED: %s\n", verify->why);
		return;
	}
	if (verify->tree.size > verify->signed_size || verify->tail_seen)
		printf("unsigned tail: %" PRIu64
		       " entr%s that keyd has not signed, %" PRIu64
		       " bytes after the last batch\n",
		    verify->tree.size - verify->signed_size,
		    plural_y(verify->tree.size - verify->signed_size),
		    verify->tail_len);
	for (size_t i = 0; i < verify->since_count; i++)
		printf("the log continues the checkpoint of --since %s, of "
		       "size %" PRIu64 "\n",
		    printable(verify->since[i].path, path),
		    verify->since[i].checkpoint.size);
	if (verify_anchored(verify) && verify_gap_after_anchor(verify))
		printf("%s older than the last restore: which of the entries "
		       "after it were lost, it cannot show\n",
		    verify->since_count == 1 && held_met(verify) == 0
			? "that checkpoint is"
			: "the newest of these is");
	witnesses_report(verify);
	if (verify->since_count == 0 && held_met(verify) == 0)
		printf("no older checkpoint was given (--since): a rollback "
		       "of the whole machine cannot be seen\n");
	report_tiles(&verify->tiles);
	report_retired(verify);
	if (verify->audit != NULL)
		report_audit(verify);
	printf("verified: %" PRIu64 " entr%s%s in %" PRIu64
	       " batch%s, root %.16s..., %s\n",
	    verify->signed_size, plural_y(verify->signed_size),
	    verify->retired > 0 ? ", those that are not retired" : "",
	    verify->batches, verify->batches == 1 ? "" : "es", root,
	    verify->audit == NULL
		? "without keys: balances and orders were not opened"
	    : !audit_is_complete(verify) ? "with keys, but not all of them"
					 : "with keys");
}
