/* SPDX-License-Identifier: ISC */
/*
 * The start of ledgerd: the bank's facts from keyd, the journal replayed, both
 * rooms brought to one head, keyd's terminals brought up to the books.
 */
#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/batch.h"
#include "ledgerd/certificates.h"
#include "ledgerd/checkpoint.h"
#include "ledgerd/commit.h"
#include "ledgerd/control.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/replay.h"
#include "ledgerd/replay_entry.h"
#include "ledgerd/restore.h"
#include "ledgerd/restores_file.h"

#define CHECKPOINT_PATH "ledger/public/checkpoint"

/* Who we are: keyd's word, checked against itself. */
static enum sr_error
learn_bank(struct ledgerd *ledgerd)
{
	struct keyd_answers *keyd = &ledgerd->keyd;
	uint8_t bank_id[BANK_ID_LEN];
	enum sr_error error;

	error = keyd_bank(ledgerd);
	if (error != SR_OK)
		return error;
	bank_id_of(keyd->identity, bank_id);
	if (memcmp(bank_id, keyd->bank_id, sizeof(bank_id)) != 0)
		return SR_BANK_KEY;
	error = certificate_verify(
	    keyd->certificate, keyd->identity, &ledgerd->certificate);
	if (error != SR_OK)
		return error;
	memcpy(ledgerd->bank_id, keyd->bank_id, sizeof(ledgerd->bank_id));
	memcpy(ledgerd->identity, keyd->identity, sizeof(ledgerd->identity));
	return SR_OK;
}

/* The newest checkpoint that we hold, to be presented; size 0: none. */
static enum sr_error
read_checkpoint(struct ledgerd *ledgerd, struct message_tree_start *start)
{
	struct note note;
	enum sr_error error =
	    checkpoint_read(ledgerd->env, CHECKPOINT_PATH, &note);

	memset(start, 0, sizeof(*start));
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error == SR_OK)
		error = note_verify(&note, ledgerd->certificate.log_key);
	if (error == SR_MALFORMED || error == SR_CRYPTO ||
	    error == SR_NOT_FOUND) {
		/* It is derived: the journal's own bytes decide. */
		diag_warn(CHECKPOINT_PATH " is not a checkpoint of this "
					  "bank; it is made anew");
		return SR_OK;
	}
	if (error != SR_OK)
		return error;
	start->size = note.checkpoint.size;
	memcpy(start->root, note.checkpoint.root, sizeof(start->root));
	ledgerd->tiles.published = start->size;
	memcpy(ledgerd->tiles.published_root, start->root,
	    sizeof(ledgerd->tiles.published_root));
	memcpy(start->signature, note.signature[0].bytes,
	    sizeof(start->signature));
	return SR_OK;
}

/* keyd's head, after ours was presented. */
static enum sr_error
learn_head(struct ledgerd *ledgerd)
{
	struct message_tree_start start;
	enum sr_error error;

	error = read_checkpoint(ledgerd, &start);
	if (error == SR_OK)
		error = keyd_tree_start(ledgerd, &start);
	if (error == SR_OK)
		error = error_of_wire(ledgerd->keyd.head.error);
	if (error != SR_OK)
		diag_error("keyd and the checkpoint of %" PRIu64
			   " entries do not agree: %s",
		    start.size, error_sentence(error));
	return error;
}

/* The terminal as keyd knows it; epoch 0 when it does not. */
static void
find_terminal(const uint8_t *list, size_t len, uint32_t id, uint32_t *epoch,
    bool *enrolled)
{
	struct reader r = reader_of(list, len);

	*epoch = 0;
	*enrolled = false;
	while (reader_left(&r) > 0) {
		uint32_t at = reader_u32(&r);
		uint32_t its_epoch = reader_u32(&r);
		uint8_t its_enrolled = reader_u8(&r);

		reader_zeros(&r, 3);
		if (r.bad || at != id)
			continue;
		*epoch = its_epoch;
		*enrolled = its_enrolled != 0;
		return;
	}
}

/* Does in keyd what a crash left undone after an order was signed. */
static enum sr_error
reconcile_terminals(struct ledgerd *ledgerd)
{
	static uint8_t list[MESSAGE_TERMINALS_MAX];
	uint64_t count = book_terminal_count(&ledgerd->book);
	enum sr_error error, done;
	size_t len;

	error = keyd_terminals(ledgerd);
	if (error != SR_OK)
		return error;
	len = ledgerd->keyd.list_len;
	memcpy(list, ledgerd->keyd.list, len);
	for (uint64_t i = 0; i < count && error == SR_OK; i++) {
		const struct book_terminal *terminal =
		    book_terminal_at(&ledgerd->book, i);
		struct operation operation = {
		    .terminal = terminal->id, .epoch = terminal->epoch};
		uint32_t epoch;
		bool enrolled;

		find_terminal(list, len, terminal->id, &epoch, &enrolled);
		if (terminal->id == 0 || (epoch == terminal->epoch &&
					     enrolled == !terminal->revoked))
			continue;
		operation.code = terminal->revoked ? USE_TERMINAL_REVOKE
						   : USE_TERMINAL_ENROL;
		error = commit_operation(ledgerd, &operation, &done);
		if (error == SR_OK && done != SR_OK)
			diag_warn("keyd did not bring terminal %u up to the "
				  "books: %s",
			    terminal->id, error_sentence(done));
	}
	return error;
}

static enum sr_error
log_recovered(struct ledgerd *ledgerd, const struct replay_tail *tail)
{
	struct entry_event event = {
	    .code = SYSTEM_RECOVERED, .subject = tail->len};
	struct writer w = writer_to(event.detail, sizeof(event.detail));
	enum sr_error error;

	writer_u32(&w, tail->at.segment);
	writer_u32(&w, tail->at.offset);
	error = commit_system(ledgerd, &event);
	if (!admission_is_refusal(error))
		return error;
	/* as long as nothing else is, the next start tells it */
	diag_warn("the cut is not in the journal: %s", error_sentence(error));
	return SR_OK;
}

/*
 * A bank that was founded under older rules goes on to those of this program,
 * and says so, so that whoever reads the log does the same there.
 */
static enum sr_error
take_rules(struct ledgerd *ledgerd)
{
	struct entry_event event = {
	    .code = SYSTEM_RULES, .subject = ENTRY_RULES_VERSION};
	enum sr_error error;

	if (ledgerd->book.rules >= ENTRY_RULES_VERSION)
		return SR_OK;
	error = commit_system(ledgerd, &event);
	if (admission_is_refusal(error)) {
		diag_warn("the rules of version %u wait for the next start: %s",
		    ENTRY_RULES_VERSION, error_sentence(error));
		return SR_OK;
	}
	return error == SR_OK
		   ? book_raise_rules(&ledgerd->book, ENTRY_RULES_VERSION)
		   : error;
}

/* After the replay of a founded bank. */
static enum sr_error
bring_up(struct ledgerd *ledgerd, const struct replay_tail *tail)
{
	enum sr_error error;

	ledgerd->phase = PHASE_OPEN;
	ledgerd->book.restored = restores_had_loss(ledgerd);
	ledgerd->recovered = tail->len;
	batch_make_checkpoint(ledgerd);
	error = tiles_start(ledgerd, ledgerd->keyd.restoring);
	if (error == SR_OK && tail->len > 0)
		error = log_recovered(ledgerd, tail);
	/* A copy logs nothing; its first real start does. */
	if (error == SR_OK && !ledgerd->keyd.copy)
		error = reconcile_terminals(ledgerd);
	if (error == SR_OK && !ledgerd->keyd.copy)
		error = commit_operations(ledgerd);
	if (error == SR_OK && !ledgerd->keyd.copy)
		error = take_rules(ledgerd);
	if (error == SR_OK && book_sum(&ledgerd->book) != 0) {
		diag_error("the accounts do not add up to zero");
		error = SR_DAMAGED;
	}
	return error;
}

/*
 * The log goes on under a new origin, by a note that is its first leaf.  What
 * an auditor needs for it is there before the checkpoint is.
 */
static enum sr_error
go_on(struct ledgerd *ledgerd, const uint8_t *note, size_t len)
{
	uint8_t salt[JOURNAL_SALT_LEN];
	enum sr_error error = commit_note(ledgerd, note, len, salt);

	if (error == SR_OK)
		error = learn_bank(ledgerd);
	if (error == SR_OK)
		error = certificates_keep(ledgerd);
	if (error == SR_OK)
		error = restores_keep(ledgerd, note, len, salt);
	return error == SR_OK ? batch_publish(ledgerd) : error;
}

static enum sr_error
go_on_restored(struct ledgerd *ledgerd)
{
	uint8_t note[RESTORE_NOTE_LEN];

	memcpy(note, ledgerd->keyd.restore_note, sizeof(note));
	return go_on(ledgerd, note, sizeof(note));
}

/* In a rotation start, after all the rest: whatever fails before the note is
 * keyd's, the old key stays in force. */
static enum sr_error
go_on_rotated(struct ledgerd *ledgerd)
{
	uint8_t note[ROTATION_NOTE_LEN];
	enum sr_error error = keyd_rotate_sign(ledgerd, ledgerd->tree.size);

	if (error != SR_OK) {
		diag_error("keyd does not rotate the log key: %s",
		    error_sentence(error));
		return error;
	}
	memcpy(note, ledgerd->keyd.rotation_note, sizeof(note));
	error = go_on(ledgerd, note, sizeof(note));
	if (error == SR_OK)
		diag_info("the log key is rotated: from entry %" PRIu64
			  " on that of epoch %" PRIu32 " signs",
		    ledgerd->tree.size - 1, ledgerd->head.epoch);
	return error;
}

enum sr_error
ledgerd_start(struct ledgerd *ledgerd)
{
	struct replay_tail tail;
	enum sr_error error;
	bool restoring;

	error = learn_bank(ledgerd);
	restoring = error == SR_OK && ledgerd->keyd.restoring;
	if (error == SR_OK)
		error = certificates_keep(ledgerd);
	segments_init(&ledgerd->segments, ledgerd->env, ledgerd->bank_id,
	    ledgerd->params.segment_len, ledgerd->params.reserve);
	if (error == SR_OK)
		error =
		    restoring ? restore_present(ledgerd) : learn_head(ledgerd);
	if (error == SR_OK)
		error = replay_fetch_directory_keys(ledgerd);
	if (error == SR_OK)
		error = replay_journal(ledgerd, &tail);
	if (error == SR_OK)
		error = audit_start(ledgerd);
	if (error == SR_OK && !ledgerd->keyd.copy)
		replay_queue_erasures(ledgerd);
	replay_forget_directory_keys(ledgerd);
	if (error == SR_OK && restoring)
		error = go_on_restored(ledgerd);
	if (error == SR_OK && ledgerd->tree.size > 0)
		error = bring_up(ledgerd, &tail);
	if (error == SR_OK)
		error = admission_start(ledgerd);
	if (error == SR_OK && ledgerd->keyd.rotating)
		error = go_on_rotated(ledgerd);
	for (int i = 0; error == SR_OK && i < AUDIT_START_STEPS; i++)
		error = audit_catch_up(ledgerd);
	if (error == SR_OK)
		error = control_ready(ledgerd);
	if (error != SR_OK)
		diag_error("the start failed: %s", error_sentence(error));
	return error;
}
