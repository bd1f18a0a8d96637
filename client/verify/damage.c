/* SPDX-License-Identifier: ISC */
/*
 * After damage: what the log is still trusted for and by which signature, and
 * what is whole beyond the fault.  It changes no verdict: beyond a fault no
 * root can be computed, so checksums and the heads that keyd has signed are
 * all that speaks for what stands there.
 */
#include "client/verify/audit.h"
#include "client/printable.h"
#include "client/verify/leaves.h"
#include "common/leaves_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAPS_TOLD = 8 };

/* What stands in one segment, from the fault on. */
struct remains {
	uint32_t number;
	const char *state; /* whole, damaged, or unreadable as a file */
	uint64_t entries;  /* in frames that are whole */
	uint64_t first, last;
	uint64_t batches;
	uint64_t signed_size; /* the largest head that keyd has signed */
	size_t unreadable;    /* bytes in no whole frame */
};

/* What a COMMIT said, for the signature that the next one bears. */
struct stated {
	uint64_t size;
	uint8_t root[32];
};

static void
count_commit(const struct verify *verify, const struct journal_frame *frame,
    struct stated *stated, struct remains *remains)
{
	struct checkpoint before = {.size = stated->size};
	struct journal_commit commit;

	if (journal_commit_decode(frame, &commit) != SR_OK)
		return;
	remains->batches++;
	note_origin(verify->bank.bank_id, commit.previous_epoch, before.origin);
	memcpy(before.root, stated->root, sizeof(before.root));
	if (before.size > remains->signed_size &&
	    before.size == commit.first_leaf &&
	    verify_signed(verify, &before, commit.previous_signature) == SR_OK)
		remains->signed_size = before.size;
	stated->size = commit.size;
	memcpy(stated->root, commit.root, sizeof(stated->root));
}

/* Every whole frame from there on, wherever it begins. */
static void
count_frames(const struct verify *verify, const uint8_t *bytes, size_t at,
    size_t end, struct stated *stated, struct remains *remains)
{
	while (at < end) {
		struct journal_frame frame;

		if (journal_frame_parse(bytes + at, end - at, &frame) !=
			SR_OK ||
		    frame.header.segment != remains->number) {
			remains->unreadable += end - at < 8 ? end - at : 8;
			at += 8;
			continue;
		}
		at += frame.frame_len;
		if (frame.header.type == JOURNAL_COMMIT) {
			count_commit(verify, &frame, stated, remains);
			continue;
		}
		if (remains->entries++ == 0)
			remains->first = frame.header.seq;
		remains->last = frame.header.seq;
	}
}

/* False where nothing was begun. */
static bool
look(struct verify *verify, uint32_t number, struct stated *stated,
    struct remains *remains)
{
	size_t len, at = JOURNAL_SEGMENT_HEADER_LEN;
	uint8_t *bytes = verify_read_segment(verify, number, &len);
	struct journal_segment header;
	size_t end = len;

	*remains = (struct remains){.number = number, .state = "unreadable"};
	/* without frames there are no checksums that could say anything */
	if (verify_is_retired(verify, number)) {
		remains->state = "retired";
		free(bytes);
		return true;
	}
	if (bytes == NULL)
		return true;
	while (end > 0 && bytes[end - 1] == 0)
		end--;
	/* frames and their padding end at a multiple of 8 */
	end = end + 7 < len ? (end + 7) / 8 * 8 : len;
	if (end == 0) {
		free(bytes);
		return false;
	}
	if (verify->fault.segment == number && verify->fault.offset > at)
		at = verify->fault.offset / 8 * 8;
	else if (len < at || journal_segment_decode(bytes, &header) != SR_OK)
		remains->unreadable = len < at ? len : at;
	count_frames(verify, bytes, at, end, stated, remains);
	remains->state = remains->unreadable > 0 ? "damaged" : "whole";
	free(bytes);
	return true;
}

static void
print_remains(const struct remains *remains, bool json, bool first)
{
	if (json) {
		printf("%s{\"segment\":%" PRIu32
		       ",\"state\":\"%s\",\"entries\":%" PRIu64
		       ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
		       ",\"batches\":%" PRIu64 ",\"unreadable\":%zu"
		       ",\"signed\":%" PRIu64 "}",
		    first ? "" : ",", remains->number, remains->state,
		    remains->entries, remains->first, remains->last,
		    remains->batches, remains->unreadable,
		    remains->signed_size);
		return;
	}
	printf("%08" PRIu32 " %-10s %8" PRIu64 " %10" PRIu64 " %10" PRIu64
	       " %7" PRIu64 " %9zu %9" PRIu64 "\n",
	    remains->number, remains->state, remains->entries, remains->first,
	    remains->last, remains->batches, remains->unreadable,
	    remains->signed_size);
}

static void
print_columns(void)
{
	printf("from the fault on, by checksums only: no root says "
	       "that it belongs here\n"
	       "%-8s %-10s %8s %10s %10s %7s %8s %10s\n",
	    "segment", "state", "entries", "first", "last", "batches",
	    "bad bytes", "signed to");
}

/* Of those that are not there: a row for all of them in a run. */
static void
print_gap(uint32_t from, uint32_t to, bool json, bool first)
{
	if (json)
		printf("%s{\"segment\":%" PRIu32 ",\"to\":%" PRIu32
		       ",\"state\":\"missing\"}",
		    first ? "" : ",", from, to);
	else
		printf("%08" PRIu32 " missing, to %08" PRIu32 "\n", from, to);
}

/*
 * The rest of the log, a segment a row.  Names are bytes from outside, too:
 * after some gaps the rest is left untold.
 */
static void
print_beyond(struct verify *verify)
{
	struct stated stated = {.size = verify->committed.size};
	uint32_t number = verify->fault.segment;
	bool first = true;

	merkle_frontier_root(&verify->committed, stated.root);
	if (!verify->json && number < verify->progress.segments)
		print_columns();
	for (int gaps = 0; number < verify->progress.segments; number++) {
		uint32_t next = verify_next_segment(verify, number);
		struct remains remains;

		if (next > number) {
			if (next > verify->progress.segments)
				next = verify->progress.segments;
			print_gap(number, next - 1, verify->json, first);
			first = false;
			number = next;
			if (++gaps == GAPS_TOLD ||
			    number == verify->progress.segments)
				return;
		}
		if (!look(verify, number, &stated, &remains))
			continue;
		print_remains(&remains, verify->json, first);
		first = false;
	}
}

static void
print_head(const struct verify *verify)
{
	const struct verify_head *head = &verify->head;
	char name[JOURNAL_SEGMENT_NAME_MAX], root[65], path[PRINTABLE_MAX];

	bankfile_hex(head->root, root);
	printf("  by the head of %" PRIu64 " entries, epoch %" PRIu32
	       ", root %.16s...;\n  its signature stands in ",
	    verify->signed_size, head->epoch, root);
	if (head->path != NULL)
		printf("%s\n", printable(head->path, path));
	else
		printf("segment/%s, offset %zu\n",
		    journal_segment_name(head->segment, name), head->offset);
}

static void
print_trusted(const struct verify *verify)
{
	const struct audit *audit = verify->audit;
	uint64_t entries = verify_trustworthy(verify);

	if (entries == 0) {
		printf("still trustworthy: nothing\n");
		return;
	}
	printf("still trustworthy: entries 0 to %" PRIu64 "%s\n", entries - 1,
	    audit != NULL
		? ", which keyd has signed and which were carried out again"
		: ", which keyd has signed");
	print_head(verify);
	if (audit != NULL && audit->snapshot_met.number > 0)
		printf("  snapshot/%08" PRIu32 ", of the first %" PRIu64
		       " of them, is the one that the log names\n",
		    audit->snapshot_met.number, audit->snapshot_met.size);
}

static void
print_json_trusted(const struct verify *verify)
{
	const struct verify_head *head = &verify->head;
	const struct audit *audit = verify->audit;
	char root[65];

	printf(",\"trustworthy\":%" PRIu64, verify_trustworthy(verify));
	if (verify->signed_size > 0) {
		bankfile_hex(head->root, root);
		printf(",\"trusted_by\":{\"size\":%" PRIu64
		       ",\"epoch\":%" PRIu32 ",\"root\":\"%s\"",
		    verify->signed_size, head->epoch, root);
		if (head->path != NULL) {
			printf(",\"file\":");
			verify_print_json_string(head->path);
		} else {
			printf(",\"segment\":%" PRIu32 ",\"offset\":%zu",
			    head->segment, head->offset);
		}
		printf("}");
	}
	if (audit != NULL && audit->snapshot_met.number > 0)
		printf(",\"snapshot\":{\"number\":%" PRIu32 ",\"size\":%" PRIu64
		       "}",
		    audit->snapshot_met.number, audit->snapshot_met.size);
}

static void
print_json_damage(struct verify *verify)
{
	const struct verify_fault_place *fault = &verify->fault;

	print_json_trusted(verify);
	if (!fault->known)
		return;
	printf(",\"fault\":{\"segment\":%" PRIu32 ",\"retired\":%s"
	       ",\"offset\":%zu,\"entry\":%" PRIu64 ",\"what\":",
	    fault->segment, fault->in_leaves ? "true" : "false", fault->offset,
	    fault->entry);
	verify_print_json_string(fault->what);
	printf("},\"beyond\":[");
	print_beyond(verify);
	printf("]");
}

void
verify_print_damage(struct verify *verify)
{
	if (verify->json) {
		print_json_damage(verify);
		return;
	}
	print_trusted(verify);
	if (verify->fault.known && !verify->quiet)
		print_beyond(verify);
}
