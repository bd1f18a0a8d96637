/* SPDX-License-Identifier: ISC */
/*
 * Certificates of snapshots: what an auditor may sign after a verify with
 * keys, what such a signature in the log is worth, and what is retired on it.
 * Must never hand out for signing what was not carried out again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/certificate_file.h"
#include "client/verify/audit.h"

void
audit_note_certificate(struct verify *verify, const struct audit_entry *entry,
    const struct order *order, const struct entry_order *logged)
{
	struct audit *audit = verify->audit;
	struct audit_certificate *certificate = &audit->certificate;
	struct entry_snapshot named;

	*certificate = (struct audit_certificate){
	    .leaf = entry->header.seq, .auditor = order->signer};
	if (order_certify_decode(logged->attachment, logged->attachment_len,
		&certificate->says) != SR_OK)
		return;
	named = entry_snapshot_certified(&certificate->says);
	for (unsigned i = 0; i < 2; i++)
		if (entry_snapshot_same(&named, &audit->snapshot[i].is) &&
		    memcmp(certificate->says.root, audit->snapshot[i].root,
			32) == 0)
			certificate->named = true;
	/* the first one stays: who signs later may have begun with it */
	if (certificate->named && audit->start_certificate.leaf == 0 &&
	    entry_snapshot_same(&named, &audit->start))
		audit->start_certificate = *certificate;
}

bool
audit_note_retirement(struct verify *verify, const struct audit_entry *entry,
    const struct book_request *request)
{
	struct audit *audit = verify->audit;
	const struct audit_certificate *certificate = &audit->certificate;
	struct audit_retirement *last = &audit->retirement;
	struct audit_retirement now = {.leaf = entry->header.seq};
	struct order_retire retire;

	if (order_retire_decode(
		request->attachment, request->attachment_len, &retire) != SR_OK)
		return audit_fault(verify, entry, "the request is malformed");
	now.snapshot = entry_snapshot_certified(&certificate->says);
	now.known =
	    certificate->leaf != 0 && certificate->named &&
	    now.snapshot.number == retire.snapshot &&
	    memcmp(now.snapshot.hash, retire.hash, sizeof(retire.hash)) == 0;
	/* its certificate may lie before the books that were begun with */
	if (!now.known && retire.snapshot >= audit->start.number)
		return audit_fault(verify, entry,
		    "two operators retire what no auditor has certified");
	now.snapshot.number = retire.snapshot;
	memcpy(now.snapshot.hash, retire.hash, sizeof(retire.hash));
	if (retire.snapshot >= audit->last_snapshot ||
	    (last->leaf != 0 && retire.snapshot <= last->snapshot.number))
		return audit_fault(verify, entry,
		    "two operators retire what is still needed, or is gone");
	*last = now;
	return true;
}

/* Whether it says of that snapshot no more than the order does. */
static bool
is_ordered(const struct audit_retirement *retirement,
    const struct entry_retention *retention)
{
	const struct entry_snapshot *ordered = &retirement->snapshot;

	if (retirement->leaf == 0 || retention->leaf != retirement->leaf)
		return false;
	if (retirement->known)
		return entry_snapshot_same(&retention->snapshot, ordered);
	return retention->snapshot.number == ordered->number &&
	       memcmp(retention->snapshot.hash, ordered->hash,
		   sizeof(ordered->hash)) == 0;
}

bool
audit_retention(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event)
{
	const struct audit_certificate *certificate =
	    &verify->audit->certificate;
	const struct audit_retirement *retirement = &verify->audit->retirement;
	struct entry_snapshot named =
	    entry_snapshot_certified(&certificate->says);
	struct entry_retention retention;

	if (entry_retention_of(event, &retention) != SR_OK)
		return audit_fault(
		    verify, entry, "what it says of a snapshot is malformed");
	/* of an order that lies before the books that were begun with */
	if (retention.leaf < verify->audit->start.size)
		return true;
	if (retention.step == RETENTION_RETIRED) {
		if (!is_ordered(retirement, &retention))
			return audit_fault(
			    verify, entry, "entries retired on nobody's order");
		/* in which segment a snapshot begins its certificate says */
		if (retirement->known &&
		    retention.snapshot.segment > verify->audit->cut)
			verify->audit->cut = retention.snapshot.segment;
		return true;
	}
	if (certificate->leaf == 0 || retention.leaf != certificate->leaf ||
	    !entry_snapshot_same(&retention.snapshot, &named))
		return audit_fault(
		    verify, entry, "a snapshot certified by nobody");
	return true;
}

bool
audit_retired_by_order(const struct verify *verify)
{
	return verify->retired <= verify->audit->cut;
}

bool
audit_read_paper(struct verify *verify, const char *path)
{
	enum sr_error error = certificate_file_read(
	    path, verify->bank.bank_id, &verify->audit->paper);

	verify->audit->paper_given = error == SR_OK;
	if (error == SR_OK)
		return true;
	return verify_fail(verify, VERIFY_COULD_NOT, "%s: %s", path,
	    error == SR_IO           ? strerror(errno)
	    : error == SR_WRONG_BANK ? "of another bank"
				     : "is not a paper that --certify made");
}

bool
audit_write_certificate(struct verify *verify, const char *path)
{
	const struct audit_snapshot *snapshot = &verify->audit->to_certify;
	struct order_certify certify = {.snapshot = snapshot->is.number,
	    .segment = snapshot->is.segment,
	    .offset = snapshot->is.offset,
	    .size = snapshot->is.size};

	if (verify->audit->start.number != 0 &&
	    !audit_start_certified(verify->audit))
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "there is nothing to certify: the books that this began "
		    "with are certified by nobody%s",
		    verify->audit->start_certificate.leaf == 0
			? ""
			: " but themselves (--certified)");
	if (!snapshot->checked)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "there is nothing to certify: no snapshot in this ledger "
		    "was disclosed, or not every entry before it");
	memcpy(certify.hash, snapshot->is.hash, sizeof(certify.hash));
	memcpy(certify.root, snapshot->root, sizeof(certify.root));
	if (certificate_file_write(path, verify->bank.bank_id, &certify) !=
	    SR_OK)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	return true;
}
