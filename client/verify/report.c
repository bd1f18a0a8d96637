/* SPDX-License-Identifier: ISC */
/*
 * What an auditor reads: a row a segment, then the verdict, and what is still
 * trustworthy after damage.
 */
#include "client/verify/verify.h"
#include "client/verify/audit.h"
#include "client/verify/audit_log.h"
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
	       ",\"to_ms\":%" PRIu64 "}",
	    verify->rows > 0 ? "," : "", segment->number, segment->first,
	    segment->entries, segment->batches, segment->used_len,
	    segment->first_ms, segment->last_ms);
}

void
verify_print_segment(
    struct verify *verify, const struct verify_segment *segment)
{
	char first[32], last[32];

	verify_progress_clear(verify);
	if (verify->json)
		report_json_segment(verify, segment);
	verify->rows++;
	if (verify->json || verify->quiet)
		return;
	if (segment->number == 0)
		printf("%-8s %10s %8s %7s %8s %-16s %s\n", "segment", "first",
		    "entries", "batches", "bytes", "from (UTC)", "to");
	/* to the minute, so that a row is not longer than a line */
	printf("%08" PRIu32 " %10" PRIu64 " %8" PRIu64 " %7" PRIu64 " %8" PRIu64
	       " %-16.16s %.16s\n",
	    segment->number, segment->first, segment->entries, segment->batches,
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

/* Each restore note of the log, and what is lost by it. */
static void
report_restores(const struct verify *verify)
{
	for (size_t i = 0; i < verify->restore_met; i++) {
		const struct restore_note *note = &verify->restore[i].note;
		char loss[VERIFY_WHY_MAX], time[32];

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
	printf(",\"restores\":[");
	for (size_t i = 0; i < verify->restore_met; i++) {
		const struct restore_note *note = &verify->restore[i].note;

		printf("%s{\"entry\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"restored_epoch\":%" PRIu32 ",\"old_epoch\":%" PRIu32
		       ",\"new_epoch\":%" PRIu32 ",\"last_size\":%" PRIu64 "}",
		    i > 0 ? "," : "", note->restored_size, note->time_ms,
		    note->restored_epoch, note->old_epoch, note->new_epoch,
		    note->last_size);
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
	       ",\"certified\":%" PRIu64,
	    audit->opened, audit->executed, audit->missing, audit->orders,
	    audit->declined, book_account_count(&audit->book),
	    audit->book.hold_count, (uint64_t)audit->late_count,
	    audit->below_floor, audit->start.size,
	    audit->start_certificate.leaf);
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
	printf("]");
}

static void
report_tiles(const struct verify_tiles *tiles)
{
	if (tiles->wanted)
		printf("the public tree: %" PRIu64
		       " files have what the journal has\n",
		    tiles->checked);
	else
		printf("the public tree, public/tile, is not there; "
		       "strongroomctl rebuild-tiles makes it\n");
	if (tiles->missing > 0)
		printf("missing from the public tree, or cut short: %" PRIu64
		       " files, the first is public/%s; strongroomctl "
		       "rebuild-tiles makes them\n",
		    tiles->missing, tiles->first_missing);
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
	if (audit->before > 0)
		printf("not disclosed before it: %" PRIu32
		       " segments, of which only the hashes were checked\n",
		    audit->before);
}

/* What was done with keys, and what was not. */
static void
report_audit(const struct verify *verify)
{
	const struct audit *audit = verify->audit;

	printf("opened %" PRIu64 " entries, carried out again %" PRIu64
	       ": %" PRIu64 " orders, %" PRIu64 " of them declined; %" PRIu64
	       " accounts, their sum is zero\n",
	    audit->opened, audit->executed, audit->orders, audit->declined,
	    book_account_count(&audit->book));
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
	if (audit->missing > 0)
		printf("not disclosed: %" PRIu32
		       " segments, the first is %" PRIu32
		       "; there, signatures of orders, commitments and "
		       "balances were not checked, and from entry %" PRIu64
		       " on nothing could be carried out again\n",
		    audit->missing, audit->first_missing, audit->executed);
}

void
verify_print_verdict(struct verify *verify)
{
	uint8_t bytes[32];
	char root[65];

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
	if (verify->exit == VERIFY_TAMPERED) {
		verify_print_damage(verify);
		printf("NOT VERIFIED: %s\n", verify->why);
		return;
	}
	if (verify->tree.size > verify->signed_size || verify->tail_seen)
		printf("unsigned tail: %" PRIu64
		       " entries that keyd has not signed, %" PRIu64
		       " bytes after the last batch\n",
		    verify->tree.size - verify->signed_size, verify->tail_len);
	for (size_t i = 0; i < verify->since_count; i++)
		printf("the log continues the checkpoint of --since %s, of "
		       "size %" PRIu64 "\n",
		    verify->since[i].path, verify->since[i].checkpoint.size);
	if (verify->since_count > 0 && verify_gap_after_anchor(verify))
		printf("%s older than the last restore: which of the entries "
		       "after it were lost, it cannot show\n",
		    verify->since_count > 1 ? "the newest of these is"
					    : "that checkpoint is");
	witnesses_report(verify);
	if (verify->since_count == 0)
		printf("no older checkpoint was given (--since): a rollback "
		       "of the whole machine cannot be seen\n");
	report_tiles(&verify->tiles);
	if (verify->audit != NULL)
		report_audit(verify);
	printf("verified: %" PRIu64 " entries in %" PRIu64
	       " batches, root %.16s..., %s\n",
	    verify->signed_size, verify->batches, root,
	    verify->audit == NULL
		? "without keys: balances and orders were not opened"
	    : !audit_is_complete(verify) ? "with keys, but not all of them"
					 : "with keys");
}
