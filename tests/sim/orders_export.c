/* SPDX-License-Identifier: ISC */
/* Entries are made as ledgerd makes them, and given to verify's exporters. */
#include "tests/sim/orders_export.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/bankfile.h"

static const char *const formats[] = {"hledger", "ledger", "beancount"};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static void
must(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	exit(73);
}

static FILE *
open_file(const char *path, const char *ending)
{
	char name[512];
	FILE *out;

	must((size_t)snprintf(name, sizeof(name), "%s.%s", path, ending) <
		 sizeof(name),
	    path);
	out = fopen(name, "we");
	must(out != NULL, name);
	return out;
}

static struct audit_entry
entry_at(uint64_t leaf, uint64_t time_ms, const uint8_t *bytes, size_t len)
{
	return (struct audit_entry){.position = {0, (uint32_t)leaf},
	    .header = {.seq = leaf, .time_ms = time_ms},
	    .plain = {.committed = bytes, .committed_len = len},
	    .executed = true};
}

void
orders_export_keys(
    uint64_t customer, uint8_t public[32], uint8_t secret[SIGNING_SECRET_LEN])
{
	uint8_t seed[crypto_sign_SEEDBYTES] = "random orders";

	memcpy(seed + 16, &customer, sizeof(customer));
	must(sodium_init() >= 0 &&
		 crypto_sign_seed_keypair(public, secret, seed) == 0,
	    "keys");
}

/* ---- What strongroom-verify says ---------------------------------------- */

/* Leaf 0 is not signed: whose signature counts is in bank.id. */
static void
begin_again(struct orders_export *export, const struct entry_genesis *genesis)
{
	struct verify *verify = &export->verify;
	uint8_t secret[SIGNING_SECRET_LEN];

	memset(verify, 0, sizeof(*verify));
	verify->audit = &export->again;
	memcpy(verify->bank.bank_id, genesis->bank_id,
	    sizeof(verify->bank.bank_id));
	verify->certificate_count = 1;
	orders_export_keys(0, verify->certificate[0].attestation_key, secret);
	must(audit_begin(&export->again) == SR_OK, "verify");
	must(book_found(&export->again.book, genesis) == SR_OK, "verify");
}

static void
carry_out_again(struct orders_export *export, const struct audit_entry *entry)
{
	if (audit_execute(&export->verify, entry))
		return;
	fprintf(stderr, "%s\n", export->verify.why);
	exit(1);
}

static void
same_account(const struct book_account *a, const struct book_account *b)
{
	must(a != NULL && b != NULL && a->id == b->id &&
		 a->posted_minor == b->posted_minor &&
		 a->held_minor == b->held_minor && a->status == b->status &&
		 a->floor_minor == b->floor_minor &&
		 a->soft_floor_minor == b->soft_floor_minor &&
		 a->ceiling_minor == b->ceiling_minor &&
		 a->day_limit_minor == b->day_limit_minor,
	    "an account is another one by strongroom-verify");
}

static void
end_again(struct orders_export *export, const struct book *book)
{
	const struct book *again = &export->again.book;

	if (!audit_finish(&export->verify)) {
		fprintf(stderr, "%s\n", export->verify.why);
		exit(1);
	}
	must(book_sum(again) == 0, "the sum is not zero");
	must(book_account_count(again) == book_account_count(book),
	    "the number of accounts");
	for (uint64_t i = 0; i < book_account_count(book); i++)
		same_account(
		    book_account_at(again, i), book_account_at(book, i));
	audit_end(&export->again);
}

/* ---- The exports -------------------------------------------------------- */

void
orders_export_begin(struct orders_export *export, const char *path,
    const struct entry_genesis *genesis)
{
	static struct bankfile bank;
	uint8_t bytes[ENTRY_GENESIS_LEN];
	struct audit_entry entry;

	export->json = open_file(path, "json");
	entry_genesis_encode(genesis, bytes);
	entry = entry_at(0, genesis->time_ms, bytes, sizeof(bytes));
	audit_export_entry(export->json, &entry);
	begin_again(export, genesis);
	memset(&bank, 0, sizeof(bank));
	bank.unit = genesis->unit;
	for (unsigned i = 0; i < FORMATS; i++) {
		struct audit *books = &export->books[i];

		must(audit_begin(books) == SR_OK, "books");
		books->export = open_file(path, formats[i]);
		export_begin(&books->journal, books->export,
		    export_format_find(formats[i], true), &bank, 0);
	}
}

void
orders_export_account(struct orders_export *export, uint64_t leaf,
    uint64_t time_ms, const uint8_t attestation[ATTESTATION_LEN])
{
	struct entry_account account = {.time_ms = time_ms,
	    .attestation = attestation,
	    .attestation_len = ATTESTATION_LEN};
	uint8_t bytes[ENTRY_ACCOUNT_MAX];
	struct audit_entry entry;
	size_t len;

	if (export->json == NULL)
		return;
	must(
	    entry_account_encode(&account, bytes, sizeof(bytes), &len) == SR_OK,
	    "account");
	entry = entry_at(leaf, time_ms, bytes, len);
	carry_out_again(export, &entry);
	audit_export_entry(export->json, &entry);
}

/* Where the account's entry before this one stands. */
static struct journal_position
previous(const struct orders_export *export, uint64_t id)
{
	const struct book_account *account =
	    book_account(&export->again.book, id);

	return account != NULL ? account->last_frame : JOURNAL_NOWHERE;
}

/*
 * What is retired is certified, and nothing twice: of snapshots the rules do
 * not know, ledgerd asks for that before it books (tests/unit/test_retire.c).
 */
static void
certified(struct audit *again, const struct book_request *request)
{
	struct order_retire retire;

	must(order_retire_decode(request->attachment, request->attachment_len,
		 &retire) == SR_OK,
	    "retirement");
	again->certificate = (struct audit_certificate){.leaf = request->leaf,
	    .named = true,
	    .says = {.snapshot = retire.snapshot}};
	memcpy(again->certificate.says.hash, retire.hash, sizeof(retire.hash));
	again->last_snapshot = retire.snapshot + 1;
	again->retirement.leaf = 0;
}

void
orders_export_order(struct orders_export *export, const struct book *book,
    const struct book_order *order, uint64_t leaf, uint64_t time_ms,
    const struct book_effect *effect)
{
	static uint8_t bytes[ENTRY_ORDER_MAX];
	uint8_t signature[ORDER_SIGNATURE_LEN], public[32];
	uint8_t signed_bytes[ORDER_LEN], secret[SIGNING_SECRET_LEN];
	struct entry_order logged = {.order = signed_bytes,
	    .signature = signature,
	    .attachment = order->attachment,
	    .attachment_len = order->attachment_len,
	    .outcome = effect->outcome,
	    .time_ms = time_ms};
	struct audit_entry entry;
	size_t len;

	if (export->json == NULL)
		return;
	order_encode(&order->order, signed_bytes);
	orders_export_keys(order->order.signer, public, secret);
	must(order_sign(signed_bytes, secret, signature) == SR_OK, "signature");
	must(entry_order_encode(&logged, bytes, sizeof(bytes), &len) == SR_OK,
	    "order");
	entry = entry_at(leaf, time_ms, bytes, len);
	entry.plain.touched_count = effect->touched_count;
	for (unsigned i = 0; i < effect->touched_count; i++)
		entry.plain.touched[i] =
		    (struct journal_touched){.account = effect->touched[i]->id,
			.posted_minor = effect->touched[i]->posted_minor,
			.held_minor = effect->touched[i]->held_minor,
			.previous = previous(export, effect->touched[i]->id)};
	if (effect->retired != NULL)
		certified(&export->again, effect->retired);
	carry_out_again(export, &entry);
	audit_export_entry(export->json, &entry);
	for (unsigned i = 0; i < FORMATS; i++) {
		struct audit *books = &export->books[i];

		/* where an approval finds what was asked for */
		books->book.request_count = book->request_count;
		memcpy(
		    books->book.request, book->request, sizeof(book->request));
		audit_export_transaction(books, &books->journal, &entry);
	}
}

void
orders_export_end(struct orders_export *export, const struct book *book)
{
	if (export->json == NULL)
		return;
	end_again(export, book);
	audit_export_accounts(export->json, book);
	must(fclose(export->json) == 0, "json");
	for (unsigned i = 0; i < FORMATS; i++) {
		struct audit *books = &export->books[i];

		must(export_end(&books->journal) == SR_OK, formats[i]);
		must(fclose(books->export) == 0, formats[i]);
		books->export = NULL;
		audit_end(books);
	}
	export->json = NULL;
}
