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
#include "ledgerd/reset.h"

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
			diag_warn("keyd does not take the %s of entry "
				  "%" PRIu64 ": %s",
			    operations[i].request_leaf != 0 ? "retirement"
							    : "certificate",
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
begin(struct ledgerd *ledgerd, size_t openings)
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
			error = reset_look(ledgerd, openings);
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
	uint64_t began_us = env_boot_us(ledgerd->env);
	enum sr_error error = reset_refresh(ledgerd);
	size_t openings = ledgerd->opening_count;
	size_t items = ledgerd->item_count;

	if (error != SR_OK)
		return error;
	metrics_waiting(&ledgerd->metrics, items, openings);
	error = begin(ledgerd, openings);
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

/* The longest: a reset that was asked for, and its approval. */
enum {
	SIGNED_LEN = ORDER_LEN + ORDER_SIGNATURE_LEN,
	PROOF_MAX =
	    SIGNED_LEN + ORDER_RESET_LEN + SIGNED_LEN + ORDER_APPROVE_LEN,
};

/*
 * What somebody signed, from the journal, behind what the proof has already:
 * order, signature, attachment.
 */
static enum sr_error
read_order(struct ledgerd *ledgerd, uint64_t leaf, uint8_t proof[PROOF_MAX],
    size_t *proof_len)
{
	uint8_t *to = proof + *proof_len;
	size_t room = PROOF_MAX - *proof_len;
	static struct archive_frame frame;
	struct entry_order entry;
	enum sr_error error = archive_leaf(ledgerd, leaf, &frame);

	if (error == SR_OK)
		error = entry_order_decode(
		    frame.plain.committed, frame.plain.committed_len, &entry);
	if (error != SR_OK)
		return error == SR_OLD_RECORDS || error == SR_RETIRED ||
			       error == SR_UNREADABLE
			   ? error
			   : SR_DAMAGED;
	if (room < SIGNED_LEN || entry.attachment_len > room - SIGNED_LEN)
		return SR_DAMAGED;
	memcpy(to, entry.order, ORDER_LEN);
	memcpy(to + ORDER_LEN, entry.signature, ORDER_SIGNATURE_LEN);
	if (entry.attachment_len > 0)
		memcpy(to + SIGNED_LEN, entry.attachment, entry.attachment_len);
	*proof_len += SIGNED_LEN + entry.attachment_len;
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
	} else if (operation->code == USE_ROTATE) {
		event->subject = operation->key;
	} else if (operation->code == USE_ERASE) {
		event->subject = operation->customer;
		order_hash(proof, hash);
		writer_bytes(&w, hash, sizeof(hash));
	} else if (operation->code == USE_RESET) {
		event->subject = operation->customer;
		order_hash(proof + SIGNED_LEN + ORDER_RESET_LEN, hash);
		writer_bytes(&w, hash, sizeof(hash));
		writer_u64(&w, operation->leaf);
	} else {
		writer_u32(&w, operation->epoch);
	}
}

/* The SYSTEM entry by which a certificate takes effect. */
static enum sr_error
certificate_of(uint64_t leaf, const uint8_t *proof, size_t proof_len,
    struct entry_event *event)
{
	struct entry_retention retention = {
	    .leaf = leaf, .step = RETENTION_CERTIFIED};
	struct order_certify certify;

	if (order_certify_decode(
		proof + SIGNED_LEN, proof_len - SIGNED_LEN, &certify) != SR_OK)
		return SR_DAMAGED;
	retention.snapshot = entry_snapshot_certified(&certify);
	*event = entry_retention_event(&retention);
	return SR_OK;
}

/*
 * The same of a retirement.  SR_NOT_FOUND: another snapshot was certified
 * meanwhile, and nothing is to come of it.
 */
static enum sr_error
retirement_of(const struct ledgerd *ledgerd, uint64_t leaf,
    const uint8_t *proof, struct entry_event *event)
{
	struct entry_retention retention = {
	    .snapshot = ledgerd->snapshots.certified,
	    .leaf = leaf,
	    .step = RETENTION_RETIRED};
	struct order_retire retire;

	if (order_retire_decode(
		proof + SIGNED_LEN, ORDER_RETIRE_LEN, &retire) != SR_OK)
		return SR_DAMAGED;
	if (retire.snapshot != retention.snapshot.number ||
	    memcmp(retire.hash, retention.snapshot.hash, sizeof(retire.hash)) !=
		0)
		return SR_NOT_FOUND;
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
commit_note(struct ledgerd *ledgerd, const uint8_t *note, size_t len,
    uint8_t salt[JOURNAL_SALT_LEN])
{
	struct journal_plain plain = {.committed = note, .committed_len = len};
	enum sr_error error;

	error = batch_begin(ledgerd);
	if (error == SR_OK)
		error = write_with_keyd(ledgerd, &plain, 0, NULL, 0);
	memcpy(salt, plain.salt, JOURNAL_SALT_LEN);
	return error;
}

/* What was signed, and the entry by which it takes effect. */
static enum sr_error
entry_of(struct ledgerd *ledgerd, const struct operation *operation,
    uint8_t proof[PROOF_MAX], size_t *proof_len, struct entry_event *event)
{
	bool asked = operation->request_leaf != 0;
	enum sr_error error = SR_OK;

	*proof_len = 0;
	if (asked)
		error = read_order(
		    ledgerd, operation->request_leaf, proof, proof_len);
	if (error == SR_OK && operation->leaf != 0)
		error = read_order(ledgerd, operation->leaf, proof, proof_len);
	if (error != SR_OK)
		return error;
	if (operation->code != 0)
		use_of(operation, proof, event);
	else if (asked)
		error = retirement_of(ledgerd, operation->leaf, proof, event);
	else
		error =
		    certificate_of(operation->leaf, proof, *proof_len, event);
	return error;
}

enum sr_error
commit_operation(struct ledgerd *ledgerd, const struct operation *operation,
    enum sr_error *done)
{
	bool retention = operation->code == 0;
	uint8_t proof[PROOF_MAX];
	size_t proof_len;
	struct entry_event event;
	enum sr_error error =
	    entry_of(ledgerd, operation, proof, &proof_len, &event);

	*done = error == SR_OK ? SR_INTERNAL : error;
	/* the next start does it; or nobody ever */
	if (error == SR_OLD_RECORDS || error == SR_RETIRED ||
	    error == SR_UNREADABLE || error == SR_NOT_FOUND)
		return SR_OK;
	if (error != SR_OK)
		return error;
	error = commit_with_keyd(ledgerd, retention ? ENTRY_SYSTEM : ENTRY_USE,
	    &event, operation->request, proof_len > 0 ? proof : NULL,
	    proof_len);
	if (error == SR_OK)
		*done = error_of_wire(ledgerd->keyd.used.error);
	if (error != SR_OK || !retention)
		return error;
	return operation->request_leaf != 0 ? snapshot_retired(ledgerd)
					    : snapshot_certified(ledgerd);
}

enum sr_error
commit_snapshot(struct ledgerd *ledgerd, struct entry_event *event)
{
	enum sr_error error;

	error = commit_with_keyd(ledgerd, ENTRY_SYSTEM, event, 0, NULL, 0);
	return error == SR_OK ? error_of_wire(ledgerd->keyd.used.error) : error;
}
