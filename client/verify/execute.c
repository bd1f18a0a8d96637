/* SPDX-License-Identifier: ISC */
/*
 * One entry after the other, carried out again.  The rules are those of
 * common/book/book.h; what ledgerd checks before the rules is checked here from
 * the log alone.  Must never take the journal's word for anything that can be
 * computed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/verify/ahead.h"
#include "common/buffer.h"
#include "common/certificate.h"
#include "common/key_table.h"
#include "common/refusal.h"

/* Where the signer stands in an order (common/order.h). */
#define ORDER_SIGNER_AT 16u

static bool
no_space(struct verify *verify)
{
	return verify_fail(
	    verify, VERIFY_COULD_NOT, "there is not enough memory");
}

static bool
execute_genesis(struct verify *verify, const struct audit_entry *entry)
{
	const struct journal_plain *plain = &entry->plain;
	struct entry_genesis genesis;
	enum sr_error error;

	if (plain->committed_len != ENTRY_GENESIS_LEN ||
	    entry_genesis_decode(
		plain->committed, plain->committed_len, &genesis) != SR_OK)
		return audit_fault(verify, entry, "leaf 0 is malformed");
	if (entry_genesis_verify(plain->committed, verify->bank.identity) !=
	    SR_OK)
		return audit_fault(verify, entry,
		    "leaf 0 is not signed by the identity in bank.id");
	if (strcmp(genesis.unit.code, verify->bank.unit.code) != 0 ||
	    genesis.unit.exponent != verify->bank.unit.exponent)
		return audit_fault(
		    verify, entry, "leaf 0 has another unit than bank.id");
	if (genesis.time_ms > entry->header.time_ms)
		return audit_fault(
		    verify, entry, "its time is not its frame's");
	error = book_found(&verify->audit->book, &genesis);
	if (error == SR_NO_SPACE)
		return no_space(verify);
	if (error != SR_OK)
		return audit_fault(verify, entry, "a second founding");
	return true;
}

static bool
execute_account(struct verify *verify, const struct audit_entry *entry)
{
	struct attestation attestation;
	struct book_opening opening;
	struct book_account *opened;
	struct entry_account account;
	enum sr_error error;

	if (entry_account_decode(entry->plain.committed,
		entry->plain.committed_len, &account) != SR_OK ||
	    account.attestation_len != ATTESTATION_LEN)
		return audit_fault(verify, entry, "the account is malformed");
	if (account.time_ms != entry->header.time_ms)
		return audit_fault(
		    verify, entry, "its time is not its frame's");
	if (!audit_check_attested(
		verify, entry, account.attestation, &attestation))
		return false;
	if (attestation.reset_leaf != 0 &&
	    !audit_check_reset(verify, entry, &attestation))
		return false;
	opening = book_opening_of(&attestation, account.attestation);
	error = book_open(&verify->audit->book, &opening, &opened);
	if (error == SR_NO_SPACE)
		return no_space(verify);
	if (error == SR_ALREADY)
		return audit_fault(verify, entry,
		    "the attestation of customer %" PRIu64
		    " is in force already",
		    opening.customer);
	if (error != SR_OK)
		return audit_fault(verify, entry,
		    "the attestation of customer %" PRIu64
		    " does not continue the one in force",
		    opening.customer);
	return audit_note_attested(
		   verify, entry, account.attestation, &attestation) ||
	       no_space(verify);
}

/* The balances in the frame against those of the book. */
static bool
compare_touched(struct verify *verify, const struct audit_entry *entry,
    const struct book_effect *effect)
{
	if (entry->plain.touched_count != effect->touched_count)
		return audit_fault(verify, entry,
		    "it touches %u accounts, by the rules %u",
		    entry->plain.touched_count, effect->touched_count);
	for (unsigned i = 0; i < effect->touched_count; i++) {
		const struct journal_touched *told = &entry->plain.touched[i];
		struct book_account *account = effect->touched[i];

		if (told->account != account->id)
			return audit_fault(verify, entry,
			    "it touches account %" PRIu64
			    ", by the rules %" PRIu64,
			    told->account, account->id);
		if (told->posted_minor != account->posted_minor ||
		    told->held_minor != account->held_minor)
			return audit_fault(verify, entry,
			    "the balance of account %" PRIu64
			    " is not what its entries add up to",
			    told->account);
		if (told->previous.segment != account->last_frame.segment ||
		    told->previous.offset != account->last_frame.offset)
			return audit_fault(verify, entry,
			    "account %" PRIu64
			    " continues another entry than its last one",
			    told->account);
		account->last_frame = entry->position;
	}
	return true;
}

/* Whether just that was found ahead, if somebody looked, under the key that
 * counts now. */
static bool
was_signed(const struct ahead_frame *ahead, const struct book_principal *signer)
{
	return ahead != NULL && ahead->order_signed &&
	       memcmp(ahead->signer_key, signer->signing_key,
		   sizeof(ahead->signer_key)) == 0;
}

/*
 * The signer's hand, before anything is read of what it has signed: only a
 * signed order can be one of a later version.
 */
static bool
check_signature(struct verify *verify, const struct audit_entry *entry,
    const struct entry_order *logged)
{
	struct reader r = reader_of(logged->order + ORDER_SIGNER_AT, 8);
	uint64_t customer = reader_u64(&r);
	const struct book_principal *signer =
	    book_principal(&verify->audit->book, customer);

	if (signer == NULL)
		return audit_fault(verify, entry,
		    "an order of customer %" PRIu64 ", who is not attested",
		    customer);
	if (!was_signed(entry->ahead, signer) &&
	    order_verify(
		logged->order, logged->signature, signer->signing_key) != SR_OK)
		return audit_fault(verify, entry,
		    "the order is not signed with the attested key of customer "
		    "%" PRIu64,
		    customer);
	return true;
}

/* What ledgerd looks at before the rules, from the log alone. */
static bool
check_order(struct verify *verify, const struct audit_entry *entry,
    const struct entry_order *logged, const struct order *order)
{
	const struct book *book = &verify->audit->book;

	if (logged->time_ms != entry->header.time_ms)
		return audit_fault(
		    verify, entry, "its time is not its frame's");
	if (order->not_after_ms < logged->time_ms ||
	    order->not_after_ms - logged->time_ms > book->policy.order_life_ms)
		return audit_fault(verify, entry,
		    "the order was carried out after it had expired, or could "
		    "not expire");
	if (order->terminal != 0 &&
	    book_terminal(book, order->terminal) == NULL)
		return audit_fault(verify, entry,
		    "an order at a terminal that is not enrolled");
	return true;
}

/* The book lists the last ones only; the auditor reads all. */
static bool
note_late(struct audit *audit)
{
	const struct book *book = &audit->book;

	if (audit->late_count == audit->late_room) {
		size_t room = 2 * audit->late_room + 16;
		struct book_late *late =
		    reallocarray(audit->late, room, sizeof(*late));

		if (late == NULL)
			return false;
		audit->late = late;
		audit->late_room = room;
	}
	audit->late[audit->late_count++] =
	    *book_late_at(book, book_late_count(book) - 1);
	return true;
}

static bool
execute_order(struct verify *verify, const struct audit_entry *entry)
{
	struct audit_balance before[JOURNAL_TOUCHED_MAX];
	struct audit *audit = verify->audit;
	struct book_effect effect = {0};
	struct book_order order = {0};
	struct entry_order logged;
	enum sr_error error;

	if (entry_order_decode(entry->plain.committed,
		entry->plain.committed_len, &logged) != SR_OK)
		return audit_fault(verify, entry, "the order is malformed");
	if (!check_signature(verify, entry, &logged))
		return false;
	if (!order_kind_known(logged.order[8]))
		return audit_later(
		    verify, entry, "order kind", logged.order[8]);
	if (order_decode(logged.order, &order.order) != SR_OK)
		return audit_fault(verify, entry, "the order is malformed");
	if (!check_order(verify, entry, &logged, &order.order))
		return false;
	order_hash(logged.order, order.hash);
	order.attachment = logged.attachment;
	order.attachment_len = logged.attachment_len;
	audit_note_balances(audit, entry, before);
	error = book_apply(&audit->book, &order, entry->header.seq,
	    entry->header.time_ms, &effect);
	if (error == SR_NO_SPACE)
		return no_space(verify);
	if (error == SR_SEQ)
		return audit_fault(verify, entry,
		    "the order is not the next one in the chain of customer "
		    "%" PRIu64,
		    order.order.signer);
	if (error != SR_OK)
		return audit_fault(verify, entry,
		    "an order that is none of this bank's: %s",
		    error_sentence(error));
	if (effect.outcome != logged.outcome)
		return audit_fault(verify, entry,
		    "by the rules its outcome is `%s', in the journal `%s'",
		    error_sentence(effect.outcome),
		    error_sentence(logged.outcome));
	if (order.order.kind == ORDER_CERTIFY && effect.outcome == SR_OK)
		audit_note_certificate(verify, entry, &order.order, &logged);
	if (effect.retired != NULL &&
	    !audit_note_retirement(verify, entry, effect.retired))
		return false;
	if (effect.reset != NULL &&
	    !audit_note_reset(verify, entry, effect.reset))
		return false;
	if (effect.late && !note_late(audit))
		return no_space(verify);
	audit->orders++;
	audit->declined += effect.outcome != SR_OK;
	return compare_touched(verify, entry, &effect) &&
	       audit_check_limits(verify, entry, &order.order, &effect, before);
}

/*
 * An operation on a terminal as the books know it.  Before keyd is told, an
 * order that came with it in the same batch may have raised the epoch again.
 */
static bool
use_of_terminal(const struct book *book, const struct entry_event *use)
{
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	const struct book_terminal *terminal;
	uint32_t epoch = reader_u32(&r);

	reader_zeros(&r, reader_left(&r));
	if (!reader_end(&r) || use->subject > UINT32_MAX || epoch == 0)
		return false;
	terminal = book_terminal(book, (uint32_t)use->subject);
	if (terminal == NULL || epoch > terminal->epoch)
		return false;
	if (use->code == USE_TERMINAL_REVOKE)
		return terminal->revoked;
	return use->code == USE_TERMINAL_ENROL ||
	       (epoch == terminal->epoch && !terminal->revoked);
}

/* The salt is that of the segment: no other key can have been given. */
static bool
use_of_segment(const struct audit *audit, const struct audit_entry *entry,
    const struct entry_event *use)
{
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	const struct audit_key *key;
	const uint8_t *salt;

	if (use->subject > entry->position.segment)
		return false;
	if (use->code == USE_DISCLOSE &&
	    book_auditor_of_key(&audit->book, reader_view(&r, 32)) == NULL)
		return false;
	salt = reader_view(&r, JOURNAL_SALT_LEN);
	reader_zeros(&r, reader_left(&r));
	/* what lies before the books that were begun with is not known */
	if (use->subject < audit->start.segment &&
	    audit_find_key(audit, (uint32_t)use->subject) == NULL)
		return reader_end(&r);
	key = audit_find_key(audit, (uint32_t)use->subject);
	return reader_end(&r) && key != NULL &&
	       memcmp(key->salt, salt, sizeof(key->salt)) == 0;
}

/* What a snapshot's file has for a salt only those know who have the file. */
static bool
use_of_snapshot(const struct audit *audit, const struct entry_event *use)
{
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	const uint8_t *auditor = reader_view(&r, 32);

	return use->subject > 0 && use->subject <= audit->last_snapshot &&
	       book_auditor_of_key(&audit->book, auditor) != NULL;
}

/* The customer's last order was the erasure, and its hash is told. */
static bool
use_of_customer(const struct book *book, const struct entry_event *use)
{
	const struct book_principal *principal =
	    book_principal(book, use->subject);
	struct reader r = reader_of(use->detail, sizeof(use->detail));
	const uint8_t *hash = reader_view(&r, ORDER_HASH_LEN);

	reader_zeros(&r, reader_left(&r));
	return reader_end(&r) && principal != NULL && principal->erased &&
	       memcmp(hash, principal->last_hash, ORDER_HASH_LEN) == 0;
}

/* A logged operation of keyd's is about something that the book knows. */
static bool
check_use(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *use)
{
	switch (use->code) {
	case USE_TERMINAL_ENROL:
	case USE_TERMINAL_REVOKE:
	case USE_TERMINAL_KEY:
		if (!use_of_terminal(&verify->audit->book, use))
			return audit_fault(verify, entry,
			    "a key operation for what the books do not know");
		return true;
	case USE_SEGMENT_KEY:
	case USE_DISCLOSE:
		if (!use_of_segment(verify->audit, entry, use))
			return audit_fault(verify, entry,
			    use->code == USE_DISCLOSE
				? "a key disclosed to nobody who is enrolled, "
				  "or of no segment of this log"
				: "the key of no segment of this log");
		return true;
	case USE_DISCLOSE_SNAPSHOT:
		if (!use_of_snapshot(verify->audit, use))
			return audit_fault(verify, entry,
			    "the key of a snapshot disclosed to nobody who is "
			    "enrolled");
		return true;
	case USE_ROTATE:
		if (key_least_s(use->subject) == 0 ||
		    !sodium_is_zero(use->detail, sizeof(use->detail)))
			return audit_fault(verify, entry,
			    "a key rotated that is none, or not so");
		return true;
	case USE_ERASE:
		if (!use_of_customer(&verify->audit->book, use))
			return audit_fault(verify, entry,
			    "a customer erased who has not ordered it");
		return true;
	case USE_RESET:
		return audit_check_reset_use(verify, entry, use);
	default:
		return audit_later(verify, entry, "key operation", use->code);
	}
}

/* What the clocks showed only ledgerd has seen; the rest is nothing. */
static bool
check_clock(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event)
{
	struct reader r = reader_of(event->detail, sizeof(event->detail));

	(void)reader_u64(&r);
	reader_zeros(&r, reader_left(&r));
	return reader_end(&r)
		   ? true
		   : audit_fault(verify, entry,
			 "a confirmed clock says more than its times");
}

/* How many there were only keyd has seen; none at all is no entry. */
static bool
check_refusals(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event)
{
	struct refusals refusals;

	return refusals_of(event, &refusals) == SR_OK
		   ? true
		   : audit_fault(verify, entry, "refusals that were none");
}

/* From here on by later rules. */
static bool
execute_rules(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event)
{
	struct reader r = reader_of(event->detail, sizeof(event->detail));
	enum sr_error error =
	    book_raise_rules(&verify->audit->book, event->subject);

	if (error == SR_VERSION)
		return audit_later(verify, entry, "version of the rules",
		    (unsigned)event->subject);
	reader_zeros(&r, reader_left(&r));
	if (!reader_end(&r))
		return audit_fault(
		    verify, entry, "rules that say more than their version");
	return error == SR_OK ? true
			      : audit_fault(verify, entry,
				    "rules that were in force already");
}

static bool
execute_event(struct verify *verify, const struct audit_entry *entry,
    enum entry_type type)
{
	struct entry_event event;

	if (entry_event_decode(type, entry->plain.committed,
		entry->plain.committed_len, &event) != SR_OK)
		return audit_fault(verify, entry, "the event is malformed");
	if (event.time_ms != entry->header.time_ms)
		return audit_fault(
		    verify, entry, "its time is not its frame's");
	if (type == ENTRY_USE)
		return check_use(verify, entry, &event);
	if (event.code == SYSTEM_SNAPSHOT)
		return audit_snapshot(verify, entry, &event);
	if (event.code == SYSTEM_RETENTION)
		return audit_retention(verify, entry, &event);
	if (event.code == SYSTEM_CLOCK)
		return check_clock(verify, entry, &event);
	if (event.code == SYSTEM_RULES)
		return execute_rules(verify, entry, &event);
	if (event.code == SYSTEM_REFUSALS)
		return check_refusals(verify, entry, &event);
	if (event.code == SYSTEM_SEAL)
		return audit_seal(verify, entry, &event);
	if (event.code != SYSTEM_RECOVERED && event.code != SYSTEM_STARTED)
		return audit_later(verify, entry, "system event", event.code);
	return true;
}

/* The walk has compared it with public/restores, if there is one for it. */
static bool
execute_restore(struct verify *verify, const struct audit_entry *entry)
{
	struct restore_note note;

	if (restore_note_verify(entry->plain.committed,
		entry->plain.committed_len, verify->bank.identity,
		&note) != SR_OK)
		return audit_fault(verify, entry,
		    "the restore note is not signed by the identity in "
		    "bank.id");
	for (size_t i = 0; i < verify->restore_met; i++)
		if (!verify->restore[i].rotation &&
		    verify->restore[i].note.restored_size ==
			entry->header.seq) {
			verify->audit->book.restored = true;
			return true;
		}
	return audit_fault(verify, entry,
	    "a restore note that " RESTORE_PATH " does not hold");
}

/* Likewise; nothing of the books changes by it. */
static bool
execute_rotation(struct verify *verify, const struct audit_entry *entry)
{
	for (size_t i = 0; i < verify->restore_met; i++)
		if (verify->restore[i].rotation &&
		    verify->restore[i].note.restored_size == entry->header.seq)
			return true;
	return audit_fault(verify, entry,
	    "a rotation note that " RESTORE_PATH " does not hold");
}

bool
audit_execute(struct verify *verify, const struct audit_entry *entry)
{
	const struct journal_plain *plain = &entry->plain;
	enum entry_type type =
	    entry_type_of(plain->committed, plain->committed_len);

	if ((entry->header.seq == 0) != (type == ENTRY_GENESIS))
		return audit_fault(verify, entry,
		    type == ENTRY_GENESIS
			? "a second leaf 0"
			: "the log does not begin with leaf 0");
	if (type != ENTRY_ORDER && plain->touched_count != 0)
		return audit_fault(verify, entry,
		    "balances changed by something that is no order");
	switch (type) {
	case ENTRY_GENESIS:
		return execute_genesis(verify, entry);
	case ENTRY_ACCOUNT:
		return execute_account(verify, entry);
	case ENTRY_ORDER:
		return execute_order(verify, entry);
	case ENTRY_USE:
	case ENTRY_SYSTEM:
		return execute_event(verify, entry, type);
	case ENTRY_RESTORE:
		return execute_restore(verify, entry);
	case ENTRY_ROTATION:
		return execute_rotation(verify, entry);
	}
	return audit_fault(verify, entry, "the entry is of no kind");
}
