/* SPDX-License-Identifier: ISC */
/*
 * The book's state, its look-ups and the checks before the rules.  Must give
 * the same state for the same journal, whenever and wherever it is replayed.
 */
#include "common/book/book.h"

#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

enum sr_error
book_init(struct book *book)
{
	memset(book, 0, sizeof(*book));
	book_table_init(&book->accounts, sizeof(struct book_account));
	book_table_init(&book->principals, sizeof(struct book_principal));
	book_table_init(&book->terminals, sizeof(struct book_terminal));
	book_table_init(&book->auditors, sizeof(struct book_auditor));
	book_table_init(
	    &book->past, BOOK_PAST_PIECE * sizeof(struct book_past_order));
	book_table_init(&book->flows, sizeof(struct book_flow));
	book_table_init(&book->postings, sizeof(struct book_posting));
	return book_reserve_rows(book);
}

void
book_free(struct book *book)
{
	book_table_free(&book->accounts);
	book_table_free(&book->principals);
	book_table_free(&book->terminals);
	book_table_free(&book->auditors);
	book_table_free(&book->past);
	book_table_free(&book->flows);
	book_table_free(&book->postings);
	book_index_free(&book->account_index);
	book_index_free(&book->principal_index);
	book_index_free(&book->terminal_index);
	memset(book, 0, sizeof(*book));
}

enum sr_error
book_reserve_rows(struct book *book)
{
	struct book_table *const tables[] = {&book->accounts, &book->principals,
	    &book->terminals, &book->auditors, &book->past, &book->flows,
	    &book->postings};
	struct book_index *const indexes[] = {&book->account_index,
	    &book->principal_index, &book->terminal_index};
	enum sr_error error = SR_OK;

	for (size_t i = 0;
	     error == SR_OK && i < sizeof(tables) / sizeof(tables[0]); i++)
		error = book_table_reserve(tables[i], 1);
	/* what leaves an account counts twice, where it is a further one */
	if (error == SR_OK)
		error = book_table_reserve(&book->flows, 2);
	for (size_t i = 0; error == SR_OK && i < 3; i++)
		error = book_index_reserve(indexes[i]);
	return error;
}

struct book_account *
book_add_account(struct book *book, uint64_t id, enum account_type type,
    int64_t floor_minor, int64_t ceiling_minor)
{
	struct book_account *account;

	book_index_add(&book->account_index, id, book->accounts.count);
	account = book_table_add(&book->accounts);
	*account = (struct book_account){.id = id,
	    .floor_minor = floor_minor,
	    .ceiling_minor = ceiling_minor,
	    .soft_floor_minor = floor_minor,
	    .day_limit_minor = INT64_MAX,
	    .type = (uint8_t)type,
	    .status = ACCOUNT_OPEN,
	    .last_frame = JOURNAL_NOWHERE};
	return account;
}

enum sr_error
book_found(struct book *book, const struct entry_genesis *genesis)
{
	const struct entry_rules *rules = &genesis->rules;
	enum sr_error error;

	if (book->founded)
		return SR_ALREADY;
	if (!money_unit_valid(&genesis->unit) ||
	    rules->customer_floor_minor > 0 ||
	    rules->customer_ceiling_minor <= 0 || rules->order_life_ms == 0 ||
	    rules->order_life_ms > ORDER_LIFE_MAX_MS ||
	    rules->request_life_ms == 0)
		return SR_PARAMETERS;
	error = book_reserve_rows(book);
	if (error != SR_OK)
		return error;
	/* the members of a mutual-credit circle alone make its money */
	if (genesis->bank_type != BANK_MUTUAL_CREDIT)
		(void)book_add_account(book, ACCOUNT_ISSUE, ACCOUNT_ISSUE_TYPE,
		    -INT64_MAX, INT64_MAX);
	error = book_reserve_rows(book);
	if (error != SR_OK)
		return error;
	(void)book_add_account(book, ACCOUNT_OVER_SHORT,
	    ACCOUNT_OVER_SHORT_TYPE, -INT64_MAX, INT64_MAX);
	memcpy(book->bank_id, genesis->bank_id, sizeof(book->bank_id));
	memcpy(book->operator_key, genesis->operator_key,
	    sizeof(book->operator_key));
	book->unit = order_unit(genesis->unit.exponent);
	book->rules = rules->version != 0 ? rules->version : ENTRY_RULES_FIRST;
	book->policy = (struct order_policy){
	    .customer = {.floor_minor = rules->customer_floor_minor,
		.soft_floor_minor = rules->customer_floor_minor,
		.ceiling_minor = rules->customer_ceiling_minor,
		.day_limit_minor = INT64_MAX},
	    .order_life_ms = rules->order_life_ms,
	    .request_life_ms = rules->request_life_ms,
	    .undo_ms = BOOK_UNDO_MS};
	book->founded = true;
	return SR_OK;
}

enum sr_error
book_raise_rules(struct book *book, uint64_t version)
{
	if (version > ENTRY_RULES_VERSION)
		return SR_VERSION;
	if (!book->founded || version <= book->rules)
		return SR_PARAMETERS;
	book->rules = (uint8_t)version;
	return SR_OK;
}

/* The role that a new principal's key gives it. */
static enum role
role_of_key(struct book *book, const uint8_t signing_key[32])
{
	for (size_t i = 0; i < 2; i++) {
		if (book->operator_known[i] ||
		    memcmp(book->operator_key[i], signing_key, 32) != 0)
			continue;
		book->operator_known[i] = true;
		return ROLE_OPERATOR;
	}
	return ROLE_CUSTOMER;
}

struct book_opening
book_opening_of(
    const struct attestation *attestation, const uint8_t bytes[ATTESTATION_LEN])
{
	struct book_opening opening = {.customer = attestation->customer,
	    .key_epoch = attestation->key_epoch,
	    .by_reset = attestation->reset_leaf != 0};

	memcpy(opening.signing_key, attestation->signing_key, 32);
	memcpy(opening.previous_hash, attestation->previous_hash, 32);
	attestation_hash(bytes, opening.attestation_hash);
	return opening;
}

/* A known customer: the attestation in force, or the one that continues it. */
static enum sr_error
continue_principal(const struct book *book, struct book_principal *principal,
    const struct book_opening *opening, struct book_account **opened)
{
	bool follows;

	if (memcmp(principal->attestation_hash, opening->attestation_hash,
		32) == 0)
		return memcmp(principal->signing_key, opening->signing_key,
			   32) == 0
			   ? SR_ALREADY
			   : SR_NOT_ALLOWED;
	follows = memcmp(principal->attestation_hash, opening->previous_hash,
		      32) == 0 &&
		  opening->key_epoch == principal->key_epoch + 1;
	if (!follows &&
	    (!book->restored || opening->key_epoch <= principal->key_epoch))
		return SR_NOT_ALLOWED;
	/* the log says nothing more about who is erased */
	if (principal->erased)
		return SR_NOT_ALLOWED;
	/* it may have been a customer's when the operators agreed */
	if (opening->by_reset && principal->role != ROLE_CUSTOMER)
		return SR_RESET_ROLE;
	memcpy(principal->signing_key, opening->signing_key, 32);
	memcpy(principal->attestation_hash, opening->attestation_hash, 32);
	principal->key_epoch = opening->key_epoch;
	*opened = book_account(
	    book, account_id(opening->customer, ACCOUNT_INDEX_MAIN));
	return SR_OK;
}

enum sr_error
book_open(struct book *book, const struct book_opening *opening,
    struct book_account **opened)
{
	struct book_principal *principal =
	    book_principal_row(book, opening->customer);
	const struct order_limits *limits = &book->policy.customer;
	enum sr_error error;

	if (!book->founded || !customer_id_valid(opening->customer))
		return SR_PARAMETERS;
	if (principal != NULL)
		return continue_principal(book, principal, opening, opened);
	error = book_reserve_rows(book);
	if (error != SR_OK)
		return error;
	book_index_add(
	    &book->principal_index, opening->customer, book->principals.count);
	principal = book_table_add(&book->principals);
	principal->customer = opening->customer;
	principal->next_seq = 1;
	memcpy(principal->signing_key, opening->signing_key, 32);
	memcpy(principal->attestation_hash, opening->attestation_hash, 32);
	principal->key_epoch = opening->key_epoch;
	principal->role = (uint8_t)role_of_key(book, opening->signing_key);
	*opened = book_add_account(book,
	    account_id(opening->customer, ACCOUNT_INDEX_MAIN), ACCOUNT_CUSTOMER,
	    limits->floor_minor, limits->ceiling_minor);
	(*opened)->soft_floor_minor = limits->soft_floor_minor;
	(*opened)->day_limit_minor = limits->day_limit_minor;
	if (principal->role == ROLE_OPERATOR)
		(*opened)->status = ACCOUNT_CLOSED;
	return SR_OK;
}

static enum book_step
refused(struct book_answer *answer, enum sr_error error)
{
	answer->error = error;
	return BOOK_REFUSED;
}

static bool
attachment_fits(const struct book_order *order)
{
	uint8_t hash[ORDER_HASH_LEN];

	if (order->attachment_len > ORDER_ATTACHMENT_MAX)
		return false;
	order_attachment_hash(order->attachment, order->attachment_len, hash);
	return memcmp(hash, order->order.attachment_hash, sizeof(hash)) == 0;
}

enum book_step
book_check(const struct book *book, const struct book_session *session,
    const struct book_order *order, uint64_t now_ms, struct book_answer *answer)
{
	const struct order *o = &order->order;
	const struct book_principal *signer = book_principal(book, o->signer);
	const struct book_past_order *past;

	memset(answer, 0, sizeof(*answer));
	if (signer == NULL || session->customer != o->signer)
		return refused(answer, SR_NOT_ALLOWED);
	answer->next_seq = signer->next_seq;
	memcpy(answer->last_hash, signer->last_hash, sizeof(signer->last_hash));
	if (!attachment_fits(order))
		return refused(answer, SR_MALFORMED);
	past = book_past(book, signer, o->seq);
	if (past != NULL) {
		if (memcmp(past->hash, order->hash, sizeof(past->hash)) != 0)
			return refused(answer, SR_CONFLICT);
		answer->leaf = past->leaf;
		answer->outcome = (enum sr_error)past->outcome;
		return BOOK_STORED;
	}
	if (memcmp(o->bank, book->bank_id, sizeof(o->bank)) != 0)
		return refused(answer, SR_WRONG_BANK);
	if (memcmp(o->session, session->id, sizeof(o->session)) != 0)
		return refused(answer, SR_STALE);
	if (o->terminal != session->terminal)
		return refused(answer, SR_TERMINAL);
	if (o->seq != signer->next_seq ||
	    memcmp(o->previous, signer->last_hash, sizeof(o->previous)) != 0)
		return refused(answer, SR_SEQ);
	if (o->not_after_ms < now_ms)
		return refused(answer, SR_EXPIRED);
	if (o->not_after_ms - now_ms > book->policy.order_life_ms)
		return refused(answer, SR_NOT_AFTER);
	/* the erasure stays the last that stands in the log of its signer */
	if (signer->erased)
		return refused(answer, SR_NOT_ALLOWED);
	return BOOK_APPLY;
}

/* Where the signer's order with that seq is remembered; NULL: no piece yet. */
static struct book_past_order *
past_slot(const struct book *book, const struct book_principal *principal,
    uint64_t seq)
{
	uint64_t place = (seq - 1) % BOOK_PAST;
	uint32_t piece = principal->past[place / BOOK_PAST_PIECE];
	struct book_past_order *orders;

	if (piece == 0)
		return NULL;
	orders = book_table_at(&book->past, piece - 1);
	return &orders[place % BOOK_PAST_PIECE];
}

const struct book_past_order *
book_past(const struct book *book, const struct book_principal *principal,
    uint64_t seq)
{
	if (seq == 0 || seq >= principal->next_seq ||
	    principal->next_seq - seq > BOOK_PAST)
		return NULL;
	return past_slot(book, principal, seq);
}

/* Remembers an applied order; its seq is the next one. */
static void
remember(struct book *book, struct book_principal *signer,
    const struct book_order *order, uint64_t leaf, enum sr_error outcome)
{
	uint64_t seq = signer->next_seq;
	struct book_past_order *past = past_slot(book, signer, seq);

	if (past == NULL) {
		uint32_t *piece =
		    &signer->past[(seq - 1) % BOOK_PAST / BOOK_PAST_PIECE];

		assert(book->past.count < UINT32_MAX);
		*piece = (uint32_t)book->past.count + 1;
		(void)book_table_add(&book->past);
		past = past_slot(book, signer, seq);
	}
	*past = (struct book_past_order){
	    .leaf = leaf, .outcome = (uint16_t)outcome};
	memcpy(past->hash, order->hash, sizeof(past->hash));
	memcpy(
	    past->reference, order->order.reference, sizeof(past->reference));
	memcpy(signer->last_hash, order->hash, sizeof(signer->last_hash));
	signer->next_seq++;
}

enum sr_error
book_apply(struct book *book, const struct book_order *order, uint64_t leaf,
    uint64_t time_ms, struct book_effect *effect)
{
	const struct order *o = &order->order;
	struct book_principal *signer = book_principal_row(book, o->signer);
	struct book_turn turn = {.book = book,
	    .signer = signer,
	    .order = o,
	    .hash = order->hash,
	    .attachment = order->attachment,
	    .attachment_len = order->attachment_len,
	    .leaf = leaf,
	    .time_ms = time_ms,
	    .effect = effect};
	enum sr_error error;

	memset(effect, 0, sizeof(*effect));
	if (signer == NULL || o->seq != signer->next_seq ||
	    memcmp(o->previous, signer->last_hash, sizeof(o->previous)) != 0)
		return SR_SEQ;
	if (memcmp(o->bank, book->bank_id, sizeof(o->bank)) != 0)
		return SR_WRONG_BANK;
	if (!attachment_fits(order))
		return SR_MALFORMED;
	error = book_reserve_rows(book);
	if (error != SR_OK)
		return error;
	effect->outcome = book_rules_apply(&turn);
	assert(effect->outcome == SR_OK || effect->touched_count == 0);
	remember(book, signer, order, leaf, effect->outcome);
	return SR_OK;
}

struct book_account *
book_account(const struct book *book, uint64_t account)
{
	return book_table_at(
	    &book->accounts, book_index_find(&book->account_index, account));
}

struct book_principal *
book_principal_row(const struct book *book, uint64_t customer)
{
	return book_table_at(&book->principals,
	    book_index_find(&book->principal_index, customer));
}

const struct book_principal *
book_principal(const struct book *book, uint64_t customer)
{
	return book_principal_row(book, customer);
}

const struct book_terminal *
book_terminal(const struct book *book, uint32_t terminal)
{
	return book_table_at(
	    &book->terminals, book_index_find(&book->terminal_index, terminal));
}

const struct book_auditor *
book_auditor(const struct book *book, const char *name, size_t name_len)
{
	for (uint64_t i = 0; i < book->auditors.count; i++) {
		const struct book_auditor *auditor = book_auditor_at(book, i);

		if (auditor->name_len == name_len &&
		    memcmp(auditor->name, name, name_len) == 0)
			return auditor;
	}
	return NULL;
}

const struct book_auditor *
book_auditor_of_key(const struct book *book, const uint8_t key[32])
{
	for (uint64_t i = 0; i < book->auditors.count; i++) {
		const struct book_auditor *auditor = book_auditor_at(book, i);

		if (memcmp(auditor->key, key, sizeof(auditor->key)) == 0)
			return auditor;
	}
	return NULL;
}

int64_t
book_available(const struct book_account *account)
{
	/* cash that is reserved is in the till until it is out */
	int64_t held_minor =
	    account->type == ACCOUNT_TILL ? 0 : account->held_minor;
	__int128 available =
	    (__int128)account->posted_minor - held_minor - account->floor_minor;

	return available < 0           ? 0
	       : available > INT64_MAX ? INT64_MAX
				       : (int64_t)available;
}
