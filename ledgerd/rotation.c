/* SPDX-License-Identifier: ISC */
/*
 * The rotation of rotation.h.  Must never let the old key sign what comes
 * after a note that was in force, nor the new one what comes before it.
 */
#include "ledgerd/rotation.h"

#include <inttypes.h>

#include "common/diag.h"
#include "common/entry.h"
#include "common/rotation.h"
#include "ledgerd/certificates.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/restores_file.h"

enum sr_error
rotation_replayed(
    struct ledgerd *ledgerd, const struct journal_plain *plain, uint64_t seq)
{
	struct rotation_note note;

	if (rotation_note_verify(plain->committed, plain->committed_len,
		ledgerd->bank_id, &note) != SR_OK ||
	    note.size != seq)
		return SR_DAMAGED;
	if (note.new_epoch > ledgerd->head.epoch) {
		diag_error("entry %" PRIu64 " rotates the log key, and keyd "
			   "signs with the old one",
		    seq);
		return SR_FORKED;
	}
	return restores_keep(
	    ledgerd, plain->committed, plain->committed_len, plain->salt);
}

enum sr_error
rotation_unsigned(struct ledgerd *ledgerd, const uint8_t segment_key[32],
    const uint8_t *batch, size_t len)
{
	static uint8_t buffer[JOURNAL_PLAIN_MAX];
	struct journal_plain plain = {0};
	struct journal_frame frame;
	struct rotation_note note;

	if (journal_frame_parse(batch, len, &frame) != SR_OK ||
	    frame.header.type == JOURNAL_COMMIT ||
	    journal_open(segment_key, &frame, buffer, &plain) != SR_OK ||
	    entry_type_of(plain.committed, plain.committed_len) !=
		ENTRY_ROTATION)
		return SR_OK;
	if (rotation_note_verify(plain.committed, plain.committed_len,
		ledgerd->bank_id, &note) != SR_OK)
		return SR_DAMAGED;
	if (!certificates_has(ledgerd, note.new_epoch)) {
		diag_warn("a rotation of the log key was cut off at entry "
			  "%" PRIu64 "; the old key stays in force",
		    frame.header.seq);
		return SR_AGAIN;
	}
	diag_error("the log key of epoch %" PRIu32 " was in force from entry "
		   "%" PRIu64 " on: keyd's files are older than the journal",
	    note.new_epoch, frame.header.seq);
	return SR_ROLLED_BACK;
}
