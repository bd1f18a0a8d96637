/* SPDX-License-Identifier: ISC */
/*
 * Certificates of snapshots: what an auditor may sign after a verify with
 * keys, and what such a signature in the log is worth.  Must never hand out
 * for signing what was not carried out again.
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
audit_retention(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event)
{
	const struct audit_certificate *certificate =
	    &verify->audit->certificate;
	struct entry_snapshot named =
	    entry_snapshot_certified(&certificate->says);
	struct entry_retention retention;

	if (entry_retention_of(event, &retention) != SR_OK)
		return audit_fault(
		    verify, entry, "what it says of a snapshot is malformed");
	/* of an order that lies before the books that were begun with */
	if (retention.leaf < verify->audit->start.size)
		return true;
	if (certificate->leaf == 0 || retention.leaf != certificate->leaf ||
	    !entry_snapshot_same(&retention.snapshot, &named))
		return audit_fault(
		    verify, entry, "a snapshot certified by nobody");
	return true;
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
	    verify->audit->start_certificate.leaf == 0)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "there is nothing to certify: the books that this began "
		    "with are certified by nobody");
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
