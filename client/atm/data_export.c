/* SPDX-License-Identifier: ISC */
/*
 * The files of `atm export-my-data'.  Must never write what opens the
 * account.
 */
#include "client/atm/data_export.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "client/atm/print.h"
#include "client/json.h"
#include "client/kept.h"
#include "common/account_number.h"
#include "common/authority.h"
#include "common/utc.h"

/* The longest thing written in hex: an order's attachment. */
enum { HEX_MAX = 2 * ORDER_ATTACHMENT_MAX + 1 };

/* What is not in the files, and why. */
static const struct {
	const char *what;
	const char *why;
} not_included[] = {
    {"password and recovery code",
	"they never leave the terminal; the bank has only what it takes to "
	"check them, which is of no use elsewhere and opens to nobody"},
    {"secret keys",
	"they are made of a seed that lies at the bank sealed under the "
	"password and under the recovery code; whoever logs in has them for "
	"as long"},
    {"the time of registration",
	"the bank does not tell it to customers; it is that of the entry in "
	"its log that bears the customer's number"},
    {"proofs of inclusion and receipts",
	"this version gives none to customers; `leaf' is the index of an "
	"entry in the bank's log, by which an auditor finds it"},
    {"failed log-ins",
	"they are counted, not listed; a log-in tells how many there were "
	"since the last one"},
    {"the statement of a till",
	"it is the bank's and tells what others paid in and took out"},
    {"a safe-deposit box and messages", "this version has none"},
    {"what other devices have kept",
	"each device keeps the orders that were signed on it; run this "
	"command there"},
    {"this device's token",
	"it keeps the customer apart from strangers who guess passwords and "
	"is worth something to them only"},
};

static void
put_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, ",\"%s\":", key);
	json_string(out, text, strlen(text));
}

static void
put_hex(FILE *out, const char *key, const uint8_t *bytes, size_t len)
{
	char hex[HEX_MAX];

	fprintf(out, ",\"%s\":\"%s\"", key,
	    sodium_bin2hex(hex, sizeof(hex), bytes, len));
}

enum sr_error
data_export_profile(void *context, FILE *out)
{
	const struct data_export *data = context;
	const struct login *login = &data->atm->customer.login;
	const struct attestation *attestation = &login->attestation;

	fprintf(out, "{\"v\":1,\"customer\":%" PRIu64, data->person.customer);
	put_text(out, "name", data->person.name);
	put_text(out, "display_name", data->person.display);
	put_text(out, "role", role_name(data->person.role));
	fprintf(out, ",\"registered\":null,\"key_epoch\":%" PRIu32,
	    attestation->key_epoch);
	put_hex(out, "signing_key", attestation->signing_key,
	    sizeof(attestation->signing_key));
	put_hex(out, "message_key", attestation->message_key,
	    sizeof(attestation->message_key));
	put_hex(out, "name_salt", login->welcome.name_salt,
	    sizeof(login->welcome.name_salt));
	put_hex(out, "attestation", login->welcome.attestation,
	    sizeof(login->welcome.attestation));
	put_hex(
	    out, "attested_by", login->attested_by, sizeof(login->attested_by));
	fprintf(out, "}\n");
	return SR_OK;
}

enum sr_error
data_export_bank(void *context, FILE *out)
{
	const struct data_export *data = context;

	bankfile_put(out, &data->atm->bank);
	return SR_OK;
}

enum sr_error
data_export_accounts(void *context, FILE *out)
{
	const struct data_export *data = context;

	fprintf(out, "{\"v\":1,\"accounts\":[");
	for (size_t i = 0; i < data->account_count; i++) {
		fputs(i > 0 ? ",\n{" : "\n{", out);
		print_account_json(out, &data->atm->unit, &data->account[i]);
		putc('}', out);
	}
	fprintf(out, "\n]}\n");
	return SR_OK;
}

enum sr_error
data_export_statement(void *context, FILE *out)
{
	const struct data_export *data = context;

	return export_statement(
	    out, data->format, &data->atm->bank, data->period);
}

/* One order that this device has kept. */
struct orders {
	struct data_export *data;
	FILE *out;
};

static enum sr_error
put_order(void *context, const char *name, bool lost, const struct kept *kept)
{
	struct orders *orders = context;
	char account[ACCOUNT_TEXT_MAX];
	struct order order;
	FILE *out = orders->out;

	fprintf(out, "%s{\"file\":", orders->data->comma);
	orders->data->comma = ",\n";
	json_string(out, name, strlen(name));
	fprintf(out, ",\"lost\":%s", lost ? "true" : "false");
	if (kept == NULL || order_decode(kept->order, &order) != SR_OK) {
		fprintf(out, ",\"unreadable\":true}");
		return SR_OK;
	}
	fprintf(out, ",\"answered\":%s", kept->answered ? "true" : "false");
	put_text(out, "kind", order_kind_name(order.kind));
	fprintf(out, ",\"seq\":%" PRIu64, order.seq);
	put_hex(out, "reference", order.reference, sizeof(order.reference));
	put_text(out, "debit", print_account(order.debit, account));
	put_text(out, "credit", print_account(order.credit, account));
	fprintf(out,
	    ",\"amount_minor\":%" PRId64 ",\"refers_to\":%" PRIu64
	    ",\"not_after_ms\":%" PRIu64,
	    order.amount_minor, order.refers_to, order.not_after_ms);
	put_hex(out, "attachment", kept->attachment, kept->attachment_len);
	put_hex(out, "order", kept->order, sizeof(kept->order));
	put_hex(out, "signature", kept->signature, sizeof(kept->signature));
	putc('}', out);
	return SR_OK;
}

enum sr_error
data_export_orders(void *context, FILE *out)
{
	struct data_export *data = context;
	struct orders orders = {.data = data, .out = out};
	enum sr_error error;

	data->comma = "\n";
	fprintf(out, "{\"v\":1,\"orders\":[");
	error =
	    kept_every(&data->atm->state, data->atm->user, put_order, &orders);
	if (error != SR_OK)
		fprintf(stderr, "%s: %s\n", data->atm->state.directory,
		    error_sentence(error));
	fprintf(out, "\n]}\n");
	return error;
}

static void
put_index_file(FILE *out, const struct data_entry *entry)
{
	char number[ACCOUNT_NUMBER_TEXT_MAX], text[ACCOUNT_TEXT_MAX];

	fprintf(out, "{\"file\":");
	json_string(out, entry->file.name, strlen(entry->file.name));
	put_text(out, "what", entry->what);
	if (entry->account != 0)
		fprintf(out,
		    ",\"account\":\"%s\",\"number\":\"%s\",\"lines\":%zu",
		    print_account(entry->account, text),
		    account_number_digits(entry->account, number),
		    entry->lines);
	fprintf(out, ",\"bytes\":%" PRIu64, entry->file.len);
	put_hex(out, "sha256", entry->file.sha256, sizeof(entry->file.sha256));
	putc('}', out);
}

static void
put_index_missing(FILE *out, const struct data_missing *missing)
{
	char number[ACCOUNT_NUMBER_TEXT_MAX], text[ACCOUNT_TEXT_MAX];

	fprintf(out, "{\"account\":\"%s\",\"number\":\"%s\"",
	    print_account(missing->account, text),
	    account_number_digits(missing->account, number));
	if (missing->before_leaf == UINT64_MAX)
		fprintf(out, ",\"before_leaf\":null");
	else
		fprintf(out, ",\"before_leaf\":%" PRIu64, missing->before_leaf);
	put_text(out, "why", error_sentence(missing->why));
	putc('}', out);
}

enum sr_error
data_export_index(void *context, FILE *out)
{
	const struct data_export *data = context;
	uint64_t now_ms = bank_time_ms(&data->atm->customer);
	char time[UTC_TEXT_MAX];

	fprintf(out, "{\"v\":1");
	put_text(out, "bank", data->atm->bank.name);
	put_hex(out, "bank_id", data->atm->bank.bank_id,
	    sizeof(data->atm->bank.bank_id));
	fprintf(out,
	    ",\"customer\":%" PRIu64 ",\"time_ms\":%" PRIu64
	    ",\"time\":\"%s\",\"complete\":%s,\"files\":[",
	    data->person.customer, now_ms, utc_time_format(now_ms, time),
	    data->missing_count == 0 ? "true" : "false");
	for (size_t i = 0; i < data->entry_count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		put_index_file(out, &data->entry[i]);
	}
	fprintf(out, "\n],\"missing\":[");
	for (size_t i = 0; i < data->missing_count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		put_index_missing(out, &data->missing[i]);
	}
	fprintf(out, "\n],\"not_included\":[");
	for (size_t i = 0; i < sizeof(not_included) / sizeof(*not_included);
	     i++) {
		fputs(i > 0 ? ",\n{" : "\n{", out);
		fprintf(out, "\"what\":\"%s\"", not_included[i].what);
		put_text(out, "why", not_included[i].why);
		putc('}', out);
	}
	fprintf(out, "\n]}\n");
	return SR_OK;
}
