/* SPDX-License-Identifier: ISC */
/*
 * The commit path, the heart of the bank:
 *
 *	what is waiting -> signatures -> rules -> frames + COMMIT
 *	-> fdatasync -> keyd: leaf hashes -> signed head -> roots compared
 *	-> checkpoint -> answers
 *
 * A commit takes whatever is ready when the one before has ended.  Must never
 * let an answer out before its batch is durable and signed.
 */
#include "ledgerd/commit.h"

#include <inttypes.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/batch.h"
#include "ledgerd/enter.h"
#include "ledgerd/intake.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"

bool
commit_has_work(const struct ledgerd *ledgerd)
{
	return ledgerd->phase == PHASE_OPEN &&
	       (ledgerd->item_count > 0 || ledgerd->opening_count > 0);
}

/*
 * Decodes and verifies the orders among the first count items.  Touches
 * nothing but the items and reads nothing but the signers' keys.
 */
static void
check_signatures(struct ledgerd *ledgerd, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct item *item = intake_item(ledgerd, i);

		if (item->kind == ITEM_ORDER && item->order.checked == SR_AGAIN)
			enter_check(ledgerd, item);
	}
}

/* Applies the rules in the order of arrival, as far as the batch has room. */
static enum sr_error
apply_rules(struct ledgerd *ledgerd, size_t openings, size_t items)
{
	struct batch *batch = &ledgerd->batch;
	enum sr_error error = SR_OK;

	batch->openings = 0;
	batch->items = 0;
	while (error == SR_OK && batch->openings < openings &&
	       batch_has_room(ledgerd))
		error = enter_opening(
		    ledgerd, intake_opening_at(ledgerd, batch->openings++));
	while (
	    error == SR_OK && batch->items < items && batch_has_room(ledgerd))
		error =
		    enter_item(ledgerd, intake_item(ledgerd, batch->items++));
	return error;
}

/* Frames to disk, leaves to keyd, the head to the world. */
static enum sr_error
make_durable_and_signed(struct ledgerd *ledgerd)
{
	enum sr_error error;

	error = batch_write(ledgerd);
	if (error == SR_OK)
		error = batch_sign(ledgerd);
	if (error == SR_OK)
		error = batch_publish(ledgerd);
	return error;
}

/* The same for a batch whose entries are answered with their proof. */
static enum sr_error
make_durable_and_provable(struct ledgerd *ledgerd)
{
	const struct batch *batch = &ledgerd->batch;
	struct merkle_frontier before = ledgerd->tree;
	struct proof *proof = &ledgerd->proof;
	enum sr_error error = make_durable_and_signed(ledgerd);

	if (error != SR_OK)
		return error;
	proof_keep(proof, &before, batch->leaves, batch->leaf_count);
	memcpy(proof->checkpoint, ledgerd->checkpoint, ledgerd->checkpoint_len);
	proof->checkpoint_len = ledgerd->checkpoint_len;
	return SR_OK;
}

/*
 * What the batches' orders ask of keyd.  Where the disk refuses, they wait:
 * the books, which go by their own word, have it already.
 */
static enum sr_error
run_operations(struct ledgerd *ledgerd)
{
	struct operation *operations = ledgerd->operations;
	enum sr_error error = SR_OK, done;
	size_t i;

	for (i = 0; i < ledgerd->operation_count && error == SR_OK; i++) {
		error = commit_operation(ledgerd, &operations[i], &done);
		if (error != SR_OK)
			break;
		if (done != SR_OK && operations[i].code == 0)
			diag_warn("keyd does not take the certificate of entry "
				  "%" PRIu64 ": %s",
			    operations[i].leaf, error_sentence(done));
		else if (done != SR_OK && operations[i].code == USE_ERASE)
			diag_warn("keyd did not erase customer %" PRIu64 ": %s",
			    operations[i].customer, error_sentence(done));
		else if (done != SR_OK)
			diag_warn("keyd did not bring terminal %u up to the "
				  "books: %s",
			    operations[i].terminal, error_sentence(done));
	}
	ledgerd->operation_count -= i;
	memmove(operations, operations + i,
	    ledgerd->operation_count * sizeof(operations[0]));
	return error;
}

/* The same behind a batch. */
static enum sr_error
finish_operations(struct ledgerd *ledgerd)
{
	enum sr_error error = run_operations(ledgerd);

	if (!admission_is_refusal(error))
		return error;
	admission_refused(ledgerd, error);
	return SR_OK;
}

enum sr_error
commit_operations(struct ledgerd *ledgerd)
{
	enum sr_error error = run_operations(ledgerd);

	return admission_is_refusal(error) ? SR_OK : error;
}

/* Whether something waits that may ask for an entry. */
static bool
wants_entries(struct ledgerd *ledgerd)
{
	if (ledgerd->opening_count > 0)
		return true;
	for (size_t i = 0; i < ledgerd->item_count; i++)
		if (intake_item(ledgerd, i)->kind == ITEM_ORDER)
			return true;
	return false;
}

/* The batch, with entries where they are wanted and the bank takes them. */
static enum sr_error
begin(struct ledgerd *ledgerd)
{
	enum sr_error error;

	if (!wants_entries(ledgerd)) {
		batch_begin_without(ledgerd, SR_OK);
		return SR_OK;
	}
	error = admission_look(ledgerd);
	if (error == SR_OK && ledgerd->admission.closed == SR_OK) {
		error = run_operations(ledgerd);
		if (error == SR_OK)
			error = batch_begin(ledgerd);
		if (admission_is_refusal(error)) {
			admission_refused(ledgerd, error);
			error = SR_OK;
		}
	}
	if (error == SR_OK && ledgerd->admission.closed != SR_OK)
		batch_begin_without(ledgerd, ledgerd->admission.closed);
	return error;
}

enum sr_error
commit_waiting(struct ledgerd *ledgerd)
{
	size_t openings = ledgerd->opening_count;
	size_t items = ledgerd->item_count;
	uint64_t began_us = env_boot_us(ledgerd->env);
	enum sr_error error;

	metrics_waiting(&ledgerd->metrics, items, openings);
	error = begin(ledgerd);
	if (error != SR_OK)
		return error;
	check_signatures(ledgerd, items);
	error = apply_rules(ledgerd, openings, items);
	openings = ledgerd->batch.openings;
	items = ledgerd->batch.items;
	if (error == SR_OK && ledgerd->batch.leaf_count > 0)
		error = make_durable_and_provable(ledgerd);
	if (error == SR_OK && ledgerd->batch.leaf_count > 0)
		metrics_commit(&ledgerd->metrics, ledgerd->batch.leaf_count,
		    env_boot_us(ledgerd->env) - began_us);
	if (error == SR_OK && ledgerd->batch.takes_entries)
		error = finish_operations(ledgerd);
	if (error != SR_OK)
		return error;
	enter_end_revoked(ledgerd);
	ledgerd->openings_unanswered = openings;
	ledgerd->items_unanswered = items;
	return SR_OK;
}

enum sr_error
commit_system(struct ledgerd *ledgerd, const struct entry_event *event)
{
	uint8_t committed[ENTRY_EVENT_LEN];
	struct entry_event entry = *event;
	struct journal_plain plain = {
	    .committed = committed, .committed_len = sizeof(committed)};
	struct journal_position position;
	enum sr_error error;

	error = batch_begin(ledgerd);
	if (error != SR_OK)
		return error;
	entry.time_ms = ledgerd->batch.time_ms;
	entry_event_encode(ENTRY_SYSTEM, &entry, committed);
	error = batch_add(ledgerd, &plain, &position, NULL);
	return error == SR_OK ? make_durable_and_signed(ledgerd) : error;
}

enum sr_error
commit_genesis(
    struct ledgerd *ledgerd, const uint8_t genesis[ENTRY_GENESIS_LEN])
{
	struct journal_plain plain = {
	    .committed = genesis, .committed_len = ENTRY_GENESIS_LEN};
	struct journal_position position;
	enum sr_error error;

	error = batch_begin(ledgerd);
	if (error == SR_OK)
		error = batch_add(ledgerd, &plain, &position, NULL);
	return error == SR_OK ? make_durable_and_signed(ledgerd) : error;
}

enum { PROOF_MAX = ORDER_LEN + ORDER_SIGNATURE_LEN + ORDER_CERTIFY_LEN };

/*
 * What somebody signed, from the journal: order, signature, and the parameters
 * of a certificate.
 */
static enum sr_error
read_order(struct ledgerd *ledgerd, uint64_t leaf, uint8_t proof[PROOF_MAX],
    size_t *proof_len)
{
	static struct archive_frame frame;
	struct entry_order entry;
	enum sr_error error = archive_leaf(ledgerd, leaf, &frame);

	if (error == SR_OK)
		error = entry_order_decode(
		    frame.plain.committed, frame.plain.committed_len, &entry);
	if (error != SR_OK)
		return error == SR_OLD_RECORDS ? error : SR_DAMAGED;
	memcpy(proof, entry.order, ORDER_LEN);
	memcpy(proof + ORDER_LEN, entry.signature, ORDER_SIGNATURE_LEN);
	*proof_len = ORDER_LEN + ORDER_SIGNATURE_LEN;
	if (entry.attachment_len > PROOF_MAX - *proof_len)
		return SR_DAMAGED;
	if (entry.attachment_len > 0)
		memcpy(
		    proof + *proof_len, entry.attachment, entry.attachment_len);
	*proof_len += entry.attachment_len;
	return SR_OK;
}

/* The USE entry of an operation, without its time. */
static void
use_of(const struct operation *operation, const uint8_t *proof,
    struct entry_event *event)
{
	struct writer w = writer_to(event->detail, sizeof(event->detail));
	uint8_t hash[ORDER_HASH_LEN];

	memset(event, 0, sizeof(*event));
	event->code = (uint8_t)operation->code;
	event->subject = operation->terminal;
	if (operation->code == USE_DISCLOSE ||
	    operation->code == USE_DISCLOSE_SNAPSHOT) {
		event->subject = operation->segment;
		writer_bytes(&w, operation->auditor, 32);
		writer_bytes(&w, operation->salt, JOURNAL_SALT_LEN);
	} else if (operation->code == USE_SEGMENT_KEY) {
		event->subject = operation->segment;
		writer_bytes(&w, operation->salt, JOURNAL_SALT_LEN);
	} else if (operation->code == USE_ERASE) {
		event->subject = operation->customer;
		order_hash(proof, hash);
		writer_bytes(&w, hash, sizeof(hash));
	} else {
		writer_u32(&w, operation->epoch);
	}
}

/* The SYSTEM entry by which a certificate takes effect. */
static enum sr_error
certificate_of(uint64_t leaf, const uint8_t *proof, size_t proof_len,
    struct entry_event *event)
{
	size_t at = ORDER_LEN + ORDER_SIGNATURE_LEN;
	struct entry_retention retention = {
	    .leaf = leaf, .step = RETENTION_CERTIFIED};
	struct order_certify certify;

	if (order_certify_decode(proof + at, proof_len - at, &certify) != SR_OK)
		return SR_DAMAGED;
	retention.snapshot = entry_snapshot_certified(&certify);
	*event = entry_retention_event(&retention);
	return SR_OK;
}

/*
 * Makes an entry durable, alone in the batch that was begun, and hands it to
 * keyd with all its fields, which acts on it.  plain: as for batch_add().
 */
static enum sr_error
write_with_keyd(struct ledgerd *ledgerd, struct journal_plain *plain,
    uint32_t request, const uint8_t *proof, size_t proof_len)
{
	struct message_key_use use = {.request = request,
	    .proof = proof,
	    .proof_len = proof_len,
	    .plaintext = plain->committed,
	    .plaintext_len = plain->committed_len};
	struct journal_position position;
	struct journal_leaf leaf;
	enum sr_error error;

	error = batch_add(ledgerd, plain, &position, &leaf);
	if (error == SR_OK)
		error = batch_write(ledgerd);
	if (error != SR_OK)
		return error;
	use.seq = leaf.seq;
	use.time = leaf.time_ms;
	use.segment = leaf.segment;
	memcpy(use.sealed_hash, leaf.sealed_hash, sizeof(use.sealed_hash));
	memcpy(use.salt, plain->salt, sizeof(use.salt));
	error = keyd_use(ledgerd, &use);
	return error == SR_OK ? batch_take_head(ledgerd) : error;
}

/* A USE, or the SYSTEM entry of a snapshot.  event's time is set here. */
static enum sr_error
commit_with_keyd(struct ledgerd *ledgerd, enum entry_type type,
    struct entry_event *event, uint32_t request, const uint8_t *proof,
    size_t proof_len)
{
	uint8_t committed[ENTRY_EVENT_LEN];
	struct journal_plain plain = {
	    .committed = committed, .committed_len = sizeof(committed)};
	enum sr_error error;

	error = batch_begin(ledgerd);
	if (error != SR_OK)
		return error;
	event->time_ms = ledgerd->batch.time_ms;
	entry_event_encode(type, event, committed);
	error = write_with_keyd(ledgerd, &plain, request, proof, proof_len);
	return error == SR_OK ? batch_publish(ledgerd) : error;
}

enum sr_error
commit_restore(struct ledgerd *ledgerd, const uint8_t note[RESTORE_NOTE_LEN],
    uint8_t salt[RESTORE_SALT_LEN])
{
	struct journal_plain plain = {
	    .committed = note, .committed_len = RESTORE_NOTE_LEN};
	enum sr_error error;

	error = batch_begin(ledgerd);
	if (error == SR_OK)
		error = write_with_keyd(ledgerd, &plain, 0, NULL, 0);
	memcpy(salt, plain.salt, RESTORE_SALT_LEN);
	return error;
}

enum sr_error
commit_operation(struct ledgerd *ledgerd, const struct operation *operation,
    enum sr_error *done)
{
	bool certifies = operation->code == 0;
	bool proves = certifies || operation->code == USE_ERASE;
	uint8_t proof[PROOF_MAX];
	size_t proof_len = 0;
	struct entry_event event;
	enum sr_error error = SR_OK;

	*done = SR_INTERNAL;
	if (proves)
		error = read_order(ledgerd, operation->leaf, proof, &proof_len);
	/* the next start does it */
	if (error == SR_OLD_RECORDS) {
		*done = error;
		return SR_OK;
	}
	if (error != SR_OK)
		return error;
	if (certifies)
		error =
		    certificate_of(operation->leaf, proof, proof_len, &event);
	else
		use_of(operation, proof, &event);
	if (error == SR_OK)
		error = commit_with_keyd(ledgerd,
		    certifies ? ENTRY_SYSTEM : ENTRY_USE, &event,
		    operation->request, proves ? proof : NULL, proof_len);
	if (error == SR_OK)
		*done = error_of_wire(ledgerd->keyd.used.error);
	return error == SR_OK && certifies ? snapshot_certified(ledgerd)
					   : error;
}

enum sr_error
commit_snapshot(struct ledgerd *ledgerd, struct entry_event *event)
{
	enum sr_error error;

	error = commit_with_keyd(ledgerd, ENTRY_SYSTEM, event, 0, NULL, 0);
	return error == SR_OK ? error_of_wire(ledgerd->keyd.used.error) : error;
}
