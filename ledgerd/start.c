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
#include "ledgerd/commit.h"
#include "ledgerd/control.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/replay.h"
#include "ledgerd/replay_entry.h"
#include "ledgerd/restore.h"

#define CERTIFICATES_PATH "ledger/public/certificates"
#define CHECKPOINT_PATH "ledger/public/checkpoint"

enum { CERTIFICATE_ENTRY_LEN = 2 + CERTIFICATE_LEN };

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

/* SR_VERSION when a newer program has kept one here, whatever its length. */
static enum sr_error
look_for_newer(struct env *env, env_file file, uint64_t len)
{
	uint8_t head[2 + CERTIFICATE_MAGIC_LEN];
	uint64_t at = 0;

	while (len - at >= sizeof(head)) {
		struct reader r = reader_of(head, sizeof(head));
		enum sr_error error =
		    env_read(env, file, at, head, sizeof(head));
		uint64_t step = 2 + (uint64_t)reader_u16(&r);

		if (error != SR_OK)
			return error;
		error =
		    reader_magic(&r, CERTIFICATE_MAGIC, CERTIFICATE_MAGIC_LEN);
		if (error == SR_VERSION)
			diag_error(CERTIFICATES_PATH ", certificate at %" PRIu64
						     ": %s",
			    at, error_sentence(error));
		if (error == SR_VERSION)
			return error;
		if (error != SR_OK || step > len - at)
			return SR_OK;
		at += step;
	}
	return SR_OK;
}

/*
 * Whether the newest certificate in the file is the one in force.  One that
 * our identity has not signed, as a crash or somebody else has left it, is
 * left out of *len, to be written over: an auditor would stop at it.
 */
static enum sr_error
look_at_last(
    struct ledgerd *ledgerd, env_file file, uint64_t *len, bool *is_last)
{
	uint8_t last[CERTIFICATE_ENTRY_LEN];
	struct reader r = reader_of(last, 2);
	struct certificate certificate;
	enum sr_error error;

	*is_last = false;
	if (*len == 0)
		return SR_OK;
	error = env_read(
	    ledgerd->env, file, *len - sizeof(last), last, sizeof(last));
	if (error != SR_OK)
		return error;
	if (reader_u16(&r) != CERTIFICATE_LEN ||
	    certificate_verify(last + 2, ledgerd->identity, &certificate) !=
		SR_OK) {
		diag_warn(CERTIFICATES_PATH ": the last one is damaged; it is "
					    "written over");
		*len -= sizeof(last);
		return SR_OK;
	}
	*is_last =
	    memcmp(last + 2, ledgerd->keyd.certificate, CERTIFICATE_LEN) == 0;
	return SR_OK;
}

/* Keeps public/certificates: every certificate that was ever in force. */
static enum sr_error
keep_certificates(struct ledgerd *ledgerd)
{
	uint8_t entry[CERTIFICATE_ENTRY_LEN];
	struct writer w = writer_to(entry, sizeof(entry));
	struct env *env = ledgerd->env;
	bool is_last = false;
	enum sr_error error;
	env_file file;
	uint64_t len;

	writer_u16(&w, CERTIFICATE_LEN);
	writer_bytes(&w, ledgerd->keyd.certificate, CERTIFICATE_LEN);
	error = env_open(env, CERTIFICATES_PATH, ENV_WRITE_OR_CREATE, &file);
	if (error != SR_OK)
		return error;
	error = env_size(env, file, &len);
	if (error == SR_OK)
		error = look_for_newer(env, file, len);
	/* What a crash left of an entry is written over. */
	if (error == SR_OK && len < CERTIFICATE_ENTRY_LEN)
		len = 0;
	else if (error == SR_OK)
		len -= len % CERTIFICATE_ENTRY_LEN;
	if (error == SR_OK)
		error = look_at_last(ledgerd, file, &len, &is_last);
	if (error == SR_OK && !is_last)
		error = env_write(env, file, len, entry, sizeof(entry));
	if (error == SR_OK && !is_last)
		error = env_sync(env, file);
	if (error == SR_OK && !is_last)
		error = env_sync_directory(env, "ledger/public");
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

/* The newest checkpoint that we hold, to be presented; size 0: none. */
static enum sr_error
read_checkpoint(struct ledgerd *ledgerd, struct message_tree_start *start)
{
	struct env *env = ledgerd->env;
	char text[NOTE_MAX];
	struct note note;
	enum sr_error error;
	env_file file;
	uint64_t len;

	memset(start, 0, sizeof(*start));
	error = env_open(env, CHECKPOINT_PATH, ENV_READ, &file);
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error != SR_OK)
		return error;
	error = env_size(env, file, &len);
	if (error == SR_OK && len > sizeof(text))
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = env_read(env, file, 0, text, (size_t)len);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	if (error == SR_OK)
		error = note_parse(text, (size_t)len, &note);
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
	ledgerd->book.restored = restore_was(ledgerd);
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
 * The restore note, the first leaf under the new origin.  What an auditor
 * needs for it is there before the checkpoint is.
 */
static enum sr_error
go_on_restored(struct ledgerd *ledgerd)
{
	uint8_t note[RESTORE_NOTE_LEN], salt[RESTORE_SALT_LEN];
	enum sr_error error;

	memcpy(note, ledgerd->keyd.restore_note, sizeof(note));
	error = commit_restore(ledgerd, note, salt);
	if (error == SR_OK)
		error = learn_bank(ledgerd);
	if (error == SR_OK)
		error = keep_certificates(ledgerd);
	if (error == SR_OK)
		error = restore_keep(ledgerd, note, salt);
	return error == SR_OK ? batch_publish(ledgerd) : error;
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
		error = keep_certificates(ledgerd);
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
	for (int i = 0; error == SR_OK && i < AUDIT_START_STEPS; i++)
		error = audit_catch_up(ledgerd);
	if (error == SR_OK)
		error = control_ready(ledgerd);
	if (error != SR_OK)
		diag_error("the start failed: %s", error_sentence(error));
	return error;
}
