/* SPDX-License-Identifier: ISC */
/*
 * By which of the bank's keys customers' public keys are attested.  keyd never
 * signs with a former one, but what it signed with that may come into the log
 * long after, at a first log-in.  Must never accuse a bank of such an entry,
 * nor pass over one in silence: whoever has the former key can make it, too.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/verify/audit.h"

struct attested_row {
	uint32_t epoch; /* in force when the attestation came into the log */
};

static struct attested_row *
row_of(const struct audit *audit, uint64_t customer)
{
	uint64_t place = book_index_find(&audit->attested_index, customer);

	return place == BOOK_NO_PLACE ? NULL
				      : book_table_at(&audit->attested, place);
}

static uint32_t
epoch_at(const struct verify *verify, const struct audit_entry *entry)
{
	return verify_epoch_at(verify, entry->header.seq + 1);
}

/* By a key that a certificate of these epochs names. */
static bool
is_signed(const struct verify *verify, uint32_t first, uint32_t last,
    const uint8_t *bytes, struct attestation *attestation)
{
	for (size_t i = 0; i < verify->certificate_count; i++)
		if (verify->certificate[i].epoch >= first &&
		    verify->certificate[i].epoch <= last &&
		    attestation_verify(bytes,
			verify->certificate[i].attestation_key,
			verify->bank.bank_id, attestation) == SR_OK)
			return true;
	return false;
}

bool
audit_check_attested(struct verify *verify, const struct audit_entry *entry,
    const uint8_t bytes[ATTESTATION_LEN], struct attestation *attestation)
{
	const struct attested_row *before;
	uint32_t epoch = epoch_at(verify, entry);

	if (!is_signed(verify, 0, epoch, bytes, attestation))
		return audit_fault(verify, entry,
		    "the attestation is not signed by a key of this bank, of "
		    "then or before");
	before = row_of(verify->audit, attestation->customer);
	if (before != NULL &&
	    !is_signed(verify, before->epoch, epoch, bytes, attestation))
		return audit_fault(verify, entry,
		    "the new keys of customer %" PRIu64
		    " are attested by a key that was a former one when the "
		    "keys before them came into the log",
		    attestation->customer);
	return true;
}

/* One of a former key, which is to be told. */
static bool
note_former(struct audit *audit, const struct audit_entry *entry,
    const struct attestation *attestation)
{
	struct audit_former *former;

	if (book_table_reserve(&audit->former, 1) != SR_OK)
		return false;
	former = book_table_add(&audit->former);
	former->entry = entry->header.seq;
	former->time_ms = entry->header.time_ms;
	former->customer = attestation->customer;
	former->key_epoch = attestation->key_epoch;
	if (former->key_epoch > ATTESTATION_FIRST_EPOCH)
		audit->former_changed++;
	return true;
}

bool
audit_note_attested(struct verify *verify, const struct audit_entry *entry,
    const uint8_t bytes[ATTESTATION_LEN], const struct attestation *attestation)
{
	struct audit *audit = verify->audit;
	struct attestation same;
	uint32_t epoch = epoch_at(verify, entry);
	struct attested_row *row = row_of(audit, attestation->customer);

	if (row == NULL) {
		if (book_index_reserve(&audit->attested_index) != SR_OK ||
		    book_table_reserve(&audit->attested, 1) != SR_OK)
			return false;
		book_index_add(&audit->attested_index, attestation->customer,
		    audit->attested.count);
		row = book_table_add(&audit->attested);
	}
	row->epoch = epoch;
	return is_signed(verify, epoch, epoch, bytes, &same) ||
	       note_former(audit, entry, attestation);
}

void
audit_attested_begin(struct audit *audit)
{
	book_table_init(&audit->attested, sizeof(struct attested_row));
	book_index_init(&audit->attested_index);
	book_table_init(&audit->former, sizeof(struct audit_former));
	audit->former_changed = 0;
}

void
audit_attested_end(struct audit *audit)
{
	book_table_free(&audit->attested);
	book_index_free(&audit->attested_index);
	book_table_free(&audit->former);
}
