/* SPDX-License-Identifier: ISC */
/*
 * The numbers of the changes of what opens the bank.  What was done only
 * strongroom-unlock has seen: it must never be taken for tampering that an
 * entry is missing, since a bank that is killed while it is locked loses it.
 */
#include "client/verify/seals.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/plural.h"
#include "client/verify/audit.h"
#include "common/seal_event.h"

static void
note_gap(struct audit_seals *seals, const struct audit_entry *entry,
    const struct seal_event *seal, uint32_t expected)
{
	seals->last_gap = entry->header.seq;
	if (seals->gaps < AUDIT_SEALS_TOLD)
		seals->told[seals->gaps] = (struct audit_seal_gap){
		    .from_leaf = seals->leaf,
		    .from_ms = seals->time_ms,
		    .to_leaf = entry->header.seq,
		    .to_ms = seal->time_ms,
		    .expected = expected,
		    .set = seal->set,
		};
	seals->gaps++;
}

bool
audit_seal(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event)
{
	struct audit_seals *seals = &verify->audit->seals;
	struct seal_event seal;
	uint32_t expected;

	if (seal_event_of(event, &seal) != SR_OK)
		return audit_fault(verify, entry,
		    "of what opens the bank's keys it tells what cannot be");
	expected = seals->set + (seal.what != SEAL_OPENED);
	if (seals->leaf != 0 && seal.set != expected)
		note_gap(seals, entry, &seal, expected);
	seals->leaf = entry->header.seq;
	seals->time_ms = seal.time_ms;
	seals->set = seal.set;
	return true;
}

bool
audit_seals_unseen(const struct verify *verify)
{
	const struct audit_seals *seals = &verify->audit->seals;

	return seals->gaps > 0 && seals->last_gap >= verify_newest(verify);
}

static void
report_gap(const struct audit_seal_gap *gap)
{
	char from[32], to[32];

	printf("what opens the bank's keys, between entry %" PRIu64
	       " (%s) and entry %" PRIu64 " (%s): ",
	    gap->from_leaf, verify_time(gap->from_ms, from), gap->to_leaf,
	    verify_time(gap->to_ms, to));
	if (gap->set > gap->expected)
		printf("%" PRIu32 " change%s in no entry; who made %s, and is "
		       "each way that `strongroomctl seal' lists yours?\n",
		    gap->set - gap->expected,
		    gap->set - gap->expected == 1 ? " is" : "s are",
		    gap->set - gap->expected == 1 ? "it" : "them");
	else
		printf("change %" PRIu32 " comes after change %" PRIu32
		       ": an older root.sealed was put back, and what was "
		       "removed since opens the bank again\n",
		    gap->set, gap->expected);
}

void
audit_seals_report(const struct verify *verify)
{
	const struct audit_seals *seals = &verify->audit->seals;
	uint64_t told =
	    seals->gaps < AUDIT_SEALS_TOLD ? seals->gaps : AUDIT_SEALS_TOLD;

	for (uint64_t i = 0; i < told; i++)
		report_gap(&seals->told[i]);
	if (seals->gaps > told)
		printf("and %" PRIu64 " more like %s\n", seals->gaps - told,
		    seals->gaps - told == 1 ? "it" : "them");
	if (verify_anchored(verify) && audit_seals_unseen(verify))
		printf("nobody has looked at that yet: once you have, a "
		       "checkpoint from after entry %" PRIu64
		       " in --since says so\n",
		    seals->last_gap);
}

void
audit_seals_report_json(const struct audit_seals *seals)
{
	printf(",\"seals\":{\"gaps\":%" PRIu64 ",\"told\":[", seals->gaps);
	for (uint64_t i = 0; i < seals->gaps && i < AUDIT_SEALS_TOLD; i++) {
		const struct audit_seal_gap *gap = &seals->told[i];

		printf("%s{\"from\":%" PRIu64 ",\"from_ms\":%" PRIu64
		       ",\"entry\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"expected\":%" PRIu32 ",\"set\":%" PRIu32 "}",
		    i > 0 ? "," : "", gap->from_leaf, gap->from_ms,
		    gap->to_leaf, gap->to_ms, gap->expected, gap->set);
	}
	printf("]}");
}
