/* SPDX-License-Identifier: ISC */
/*
 * Keys that were replaced without their owner's hand: on two operators' order
 * or on nobody's.  Must never take the bank's word for the order: it is in the
 * log, before the keys.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/verify/audit.h"
#include "common/buffer.h"
#include "common/certificate.h"

bool
audit_note_reset(struct verify *verify, const struct audit_entry *entry,
    const struct book_request *request)
{
	struct audit *audit = verify->audit;
	struct entry_order approval;
	struct order_reset reset;
	struct audit_reset *row;

	if (order_reset_decode(request->attachment, request->attachment_len,
		&reset) != SR_OK ||
	    entry_order_decode(entry->plain.committed,
		entry->plain.committed_len, &approval) != SR_OK)
		return audit_fault(verify, entry, "the request is malformed");
	if (audit->reset_count == audit->reset_room) {
		size_t room = 2 * audit->reset_room + 16;
		struct audit_reset *more =
		    reallocarray(audit->resets, room, sizeof(*more));

		if (more == NULL)
			return verify_fail(verify, VERIFY_COULD_NOT,
			    "there is not enough memory");
		audit->resets = more;
		audit->reset_room = room;
	}
	row = &audit->resets[audit->reset_count++];
	row->leaf = entry->header.seq;
	row->customer = reset.customer;
	memcpy(row->attestation_hash, reset.attestation_hash,
	    sizeof(row->attestation_hash));
	order_hash(approval.order, row->order_hash);
	return true;
}

/* Leaves ascend: an approval of that leaf, or none. */
static const struct audit_reset *
find(const struct audit *audit, uint64_t leaf)
{
	size_t low = 0, high = audit->reset_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (audit->resets[middle].leaf < leaf)
			low = middle + 1;
		else
			high = middle;
	}
	return low < audit->reset_count && audit->resets[low].leaf == leaf
		   ? &audit->resets[low]
		   : NULL;
}

/* Of what lies before the books that were begun with nothing is known. */
static bool
is_before(const struct audit *audit, uint64_t leaf)
{
	return leaf < audit->start.size;
}

/* That entry may be one of those that a restore has given up. */
static bool
may_be_lost(const struct verify *verify, uint64_t seq, uint64_t leaf)
{
	for (size_t i = 0; i < verify->restore_met; i++) {
		const struct restore_note *note = &verify->restore[i].note;

		if (!verify->restore[i].rotation && note->restored_size < seq &&
		    restore_note_may_lose(note, leaf))
			return true;
	}
	return false;
}

/* The hand of somebody with a role must never be that of two others. */
static bool
check_customer(
    struct verify *verify, const struct audit_entry *entry, uint64_t customer)
{
	const struct book_principal *principal =
	    book_principal(&verify->audit->book, customer);

	if (principal != NULL && principal->role != ROLE_CUSTOMER)
		return audit_fault(verify, entry,
		    "a reset of %" PRIu64 ", who has a role", customer);
	return true;
}

/*
 * An entry of the present log may have the index of a lost one: that it is
 * another order says nothing where one may be lost.
 */
bool
audit_check_reset(struct verify *verify, const struct audit_entry *entry,
    const struct attestation *attestation)
{
	const struct audit *audit = verify->audit;
	const struct audit_reset *reset = find(audit, attestation->reset_leaf);
	/* used: the keys that it names are no longer the ones before */
	bool ordered =
	    reset != NULL && reset->customer == attestation->customer &&
	    memcmp(reset->attestation_hash, attestation->previous_hash,
		sizeof(reset->attestation_hash)) == 0;

	if (!ordered && !is_before(audit, attestation->reset_leaf) &&
	    !may_be_lost(verify, entry->header.seq, attestation->reset_leaf))
		return audit_fault(verify, entry,
		    "new keys of customer %" PRIu64
		    " by a reset that no two operators have ordered",
		    attestation->customer);
	return check_customer(verify, entry, attestation->customer);
}

bool
audit_check_reset_use(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *use)
{
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	const uint8_t *hash = reader_view(&r, ORDER_HASH_LEN);
	uint64_t leaf = reader_u64(&r);
	const struct audit_reset *reset = find(verify->audit, leaf);

	reader_zeros(&r, reader_left(&r));
	if (reader_end(&r) && is_before(verify->audit, leaf))
		return check_customer(verify, entry, use->subject);
	if (!reader_end(&r) || reset == NULL ||
	    reset->customer != use->subject ||
	    memcmp(hash, reset->order_hash, ORDER_HASH_LEN) != 0)
		return audit_fault(verify, entry,
		    "a reset code that no two operators have ordered");
	return check_customer(verify, entry, use->subject);
}
