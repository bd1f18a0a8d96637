/* SPDX-License-Identifier: ISC */
/*
 * Entries carried out again.  Signatures of orders are not verified here: the
 * leaves are under keyd's signature, and strongroom-verify looks at them.
 */
#include "ledgerd/replay_entry.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/restore.h"
#include "ledgerd/rotation.h"

struct directory_key {
	uint64_t customer;
	uint8_t key[32];
};

static enum sr_error
keep_key(struct ledgerd *ledgerd, const struct directory_key *key)
{
	struct directory_keys *keys = &ledgerd->directory_keys;

	if (keys->count == keys->capacity) {
		size_t capacity =
		    keys->capacity == 0 ? 1024 : keys->capacity * 2;
		struct directory_key *grown = malloc(capacity * sizeof(*grown));

		if (grown == NULL)
			return SR_MEMORY;
		if (keys->count > 0) {
			memcpy(grown, keys->of, keys->count * sizeof(*grown));
			sodium_memzero(keys->of, keys->count * sizeof(*grown));
			free(keys->of);
		}
		keys->of = grown;
		keys->capacity = capacity;
	}
	keys->of[keys->count++] = *key;
	return SR_OK;
}

enum sr_error
replay_fetch_directory_keys(struct ledgerd *ledgerd)
{
	struct directory_key key = {0};
	enum sr_error error;
	struct reader r;

	do {
		error = keyd_directory_keys(ledgerd, key.customer + 1);
		if (error != SR_OK)
			break;
		r = reader_of(ledgerd->keyd.list, ledgerd->keyd.list_len);
		if (reader_left(&r) == 0)
			break;
		while (error == SR_OK && reader_left(&r) > 0) {
			uint64_t before = key.customer;

			key.customer = reader_u64(&r);
			reader_bytes(&r, key.key, sizeof(key.key));
			error = r.bad || key.customer <= before
				    ? SR_MALFORMED
				    : keep_key(ledgerd, &key);
		}
	} while (error == SR_OK);
	sodium_memzero(&key, sizeof(key));
	sodium_memzero(
	    ledgerd->keyd_packet.bytes, sizeof(ledgerd->keyd_packet.bytes));
	return error;
}

/* The leaf of the customer's last order, which was the erasure. */
static uint64_t
last_leaf(const struct book *book, const struct book_principal *principal)
{
	const struct book_past_order *past =
	    book_past(book, principal, principal->next_seq - 1);

	return past != NULL ? past->leaf : 0;
}

/* In the order in which they were signed: a later certificate replaces one. */
static void
queue_retention(struct ledgerd *ledgerd)
{
	struct operation certificate = {.leaf = ledgerd->certificate_leaf};
	struct operation retirement = {.leaf = ledgerd->retired_leaf,
	    .request_leaf = ledgerd->retired_request_leaf};
	struct operation *next = &ledgerd->operations[ledgerd->operation_count];
	bool first = certificate.leaf < retirement.leaf;

	if (certificate.leaf != 0 && first)
		*next++ = certificate;
	if (retirement.leaf != 0)
		*next++ = retirement;
	if (certificate.leaf != 0 && !first)
		*next++ = certificate;
	ledgerd->operation_count = (size_t)(next - ledgerd->operations);
}

void
replay_queue_erasures(struct ledgerd *ledgerd)
{
	const struct directory_keys *keys = &ledgerd->directory_keys;
	const struct book *book = &ledgerd->book;

	queue_retention(ledgerd);
	for (size_t i = 0;
	     i < keys->count && ledgerd->operation_count < OPERATIONS_MAX / 2;
	     i++) {
		const struct book_principal *principal =
		    book_principal(book, keys->of[i].customer);

		if (principal == NULL || !principal->erased ||
		    sodium_is_zero(keys->of[i].key, sizeof(keys->of[i].key)))
			continue;
		ledgerd->operations[ledgerd->operation_count++] =
		    (struct operation){.code = USE_ERASE,
			.customer = principal->customer,
			.leaf = last_leaf(book, principal)};
	}
}

void
replay_forget_directory_keys(struct ledgerd *ledgerd)
{
	struct directory_keys *keys = &ledgerd->directory_keys;

	if (keys->of != NULL)
		sodium_memzero(
		    keys->of, keys->count * sizeof(struct directory_key));
	free(keys->of);
	memset(keys, 0, sizeof(*keys));
}

static const uint8_t *
find_key(const struct directory_keys *keys, uint64_t customer)
{
	size_t low = 0, high = keys->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (keys->of[middle].customer < customer)
			low = middle + 1;
		else
			high = middle;
	}
	return low < keys->count && keys->of[low].customer == customer
		   ? keys->of[low].key
		   : NULL;
}

static enum sr_error
replay_genesis(
    struct ledgerd *ledgerd, const struct journal_plain *plain, uint64_t seq)
{
	struct entry_genesis genesis;

	if (seq != 0 ||
	    entry_genesis_decode(
		plain->committed, plain->committed_len, &genesis) != SR_OK ||
	    plain->committed_len != ENTRY_GENESIS_LEN ||
	    memcmp(genesis.bank_id, ledgerd->bank_id, 32) != 0 ||
	    entry_genesis_verify(plain->committed, ledgerd->identity) != SR_OK)
		return SR_DAMAGED;
	return book_found(&ledgerd->book, &genesis);
}

static enum sr_error
replay_account(struct ledgerd *ledgerd, const struct journal_plain *plain,
    struct journal_position position)
{
	struct person person = {.entry = position};
	struct book_opening opening;
	struct attestation attestation;
	struct book_account *opened;
	struct entry_account entry;
	const uint8_t *key;
	enum sr_error error;

	if (entry_account_decode(
		plain->committed, plain->committed_len, &entry) != SR_OK ||
	    entry.attestation_len != ATTESTATION_LEN ||
	    attestation_read(entry.attestation, &attestation) != SR_OK)
		return SR_DAMAGED;
	opening = book_opening_of(&attestation, entry.attestation);
	error = book_open(&ledgerd->book, &opening, &opened);
	if (error != SR_OK)
		return error == SR_NO_SPACE ? error : SR_DAMAGED;
	memcpy(
	    person.attestation, entry.attestation, sizeof(person.attestation));
	/* Without its key a name is erased; the account is there. */
	key = find_key(&ledgerd->directory_keys, opening.customer);
	if (key != NULL && !sodium_is_zero(key, 32) &&
	    person_open(entry.directory, entry.directory_len, opening.customer,
		ledgerd->bank_id, key, &person) != SR_OK)
		return SR_DAMAGED;
	return people_set(&ledgerd->people, opening.customer, &person);
}

/* The balances in the frame must be those of the book. */
static enum sr_error
compare_touched(const struct journal_plain *plain,
    const struct book_effect *effect, struct journal_position position)
{
	if (plain->touched_count != effect->touched_count)
		return SR_DAMAGED;
	for (unsigned i = 0; i < effect->touched_count; i++) {
		struct book_account *account = effect->touched[i];
		const struct journal_touched *told = &plain->touched[i];

		if (told->account != account->id ||
		    told->posted_minor != account->posted_minor ||
		    told->held_minor != account->held_minor ||
		    told->previous.segment != account->last_frame.segment ||
		    told->previous.offset != account->last_frame.offset)
			return SR_DAMAGED;
		account->last_frame = position;
	}
	return SR_OK;
}

static enum sr_error
replay_order(struct ledgerd *ledgerd, const struct journal_plain *plain,
    const struct journal_header *header, struct journal_position position)
{
	struct book_effect effect = {0};
	struct book_order order = {0};
	struct entry_order entry;
	enum sr_error error;

	if (entry_order_decode(
		plain->committed, plain->committed_len, &entry) != SR_OK)
		return SR_DAMAGED;
	/* under the seal, so no accident */
	if (!order_kind_known(entry.order[8]))
		return SR_VERSION;
	if (order_decode(entry.order, &order.order) != SR_OK ||
	    entry.time_ms != header->time_ms)
		return SR_DAMAGED;
	order_hash(entry.order, order.hash);
	order.attachment = entry.attachment;
	order.attachment_len = entry.attachment_len;
	error = book_apply(
	    &ledgerd->book, &order, header->seq, header->time_ms, &effect);
	if (error == SR_NO_SPACE)
		return error;
	if (error != SR_OK || effect.outcome != entry.outcome) {
		diag_error("leaf %llu: the rules say `%s', the journal `%s'",
		    (unsigned long long)header->seq,
		    error_sentence(error != SR_OK ? error : effect.outcome),
		    error_sentence(entry.outcome));
		return SR_DAMAGED;
	}
	if (order.order.kind == ORDER_CERTIFY && effect.outcome == SR_OK)
		ledgerd->certificate_leaf = header->seq;
	if (effect.retired != NULL) {
		ledgerd->retired_leaf = header->seq;
		ledgerd->retired_request_leaf = effect.retired->leaf;
	}
	if (effect.erased_principal != 0)
		people_erase(&ledgerd->people, effect.erased_principal);
	return compare_touched(plain, &effect, position);
}

/*
 * Certificate or retirement has come to keyd with this entry, unless it is one that keyd
 * has not signed: then it gets the leaf, but not what it says.
 */
static enum sr_error
replay_retention(
    struct ledgerd *ledgerd, const struct entry_event *event, uint64_t seq)
{
	struct entry_retention retention;

	if (entry_retention_of(event, &retention) != SR_OK)
		return SR_DAMAGED;
	if (seq >= ledgerd->head.size)
		return SR_OK;
	if (retention.step == RETENTION_CERTIFIED &&
	    ledgerd->certificate_leaf == retention.leaf)
		ledgerd->certificate_leaf = 0;
	if (retention.step == RETENTION_RETIRED &&
	    ledgerd->retired_leaf == retention.leaf)
		ledgerd->retired_leaf = 0;
	return SR_OK;
}

static enum sr_error
replay_system(
    struct ledgerd *ledgerd, const struct journal_plain *plain, uint64_t seq)
{
	struct entry_event event;

	if (entry_event_decode(ENTRY_SYSTEM, plain->committed,
		plain->committed_len, &event) != SR_OK)
		return SR_DAMAGED;
	/* one that is not known may be of a rule that is not known */
	if ((event.code < SYSTEM_RECOVERED || event.code > SYSTEM_RETENTION) &&
	    event.code != SYSTEM_REFUSALS && event.code != SYSTEM_SEAL)
		return SR_VERSION;
	if (event.code == SYSTEM_RULES) {
		enum sr_error error =
		    book_raise_rules(&ledgerd->book, event.subject);

		return error == SR_PARAMETERS ? SR_DAMAGED : error;
	}
	if (event.code == SYSTEM_RETENTION)
		return replay_retention(ledgerd, &event, seq);
	return snapshot_replayed(ledgerd, &event);
}

enum sr_error
replay_entry(struct ledgerd *ledgerd, const uint8_t segment_key[32],
    const struct journal_frame *frame, struct journal_position position)
{
	static uint8_t buffer[JOURNAL_PLAIN_MAX];
	struct journal_plain plain = {0};
	enum sr_error error;

	error = journal_open(segment_key, frame, buffer, &plain);
	/* all of its bytes are under the seal, but of no kind known here */
	if (error == SR_DAMAGED && plain.committed != NULL &&
	    entry_type_of(plain.committed, plain.committed_len) == 0)
		return SR_VERSION;
	if (error == SR_OK)
		error = archive_note(
		    &ledgerd->archive, frame->header.seq, position);
	if (error != SR_OK)
		return error;
	/* Nothing before leaf 0. */
	if (!ledgerd->book.founded && entry_type_of(plain.committed,
					  plain.committed_len) != ENTRY_GENESIS)
		return SR_DAMAGED;
	switch (entry_type_of(plain.committed, plain.committed_len)) {
	case ENTRY_GENESIS:
		return replay_genesis(ledgerd, &plain, frame->header.seq);
	case ENTRY_ACCOUNT:
		return replay_account(ledgerd, &plain, position);
	case ENTRY_ORDER:
		return replay_order(ledgerd, &plain, &frame->header, position);
	case ENTRY_USE:
		return SR_OK;
	case ENTRY_SYSTEM:
		return replay_system(ledgerd, &plain, frame->header.seq);
	case ENTRY_RESTORE:
		return restore_replayed(ledgerd, &plain, frame->header.seq);
	case ENTRY_ROTATION:
		return rotation_replayed(ledgerd, &plain, frame->header.seq);
	}
	return SR_DAMAGED;
}
