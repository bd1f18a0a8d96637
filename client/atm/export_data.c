/* SPDX-License-Identifier: ISC */
/*
 * `atm export-my-data': everything that the bank and this device have about
 * the customer, as files in a new directory.  Must never leave a part of it
 * under the name that was asked for, nor tell what others did at a till.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/atm/data_export.h"
#include "client/json.h"
#include "common/account_number.h"
#include "common/ids.h"

/*
 * An answer that did not come: what is missing for it.  A question changes
 * nothing, so nothing is in doubt when the line breaks.
 */
static enum sr_error
not_told(const char *what, enum sr_error error)
{
	if (error == SR_UNKNOWN_OUTCOME)
		error = SR_UNREACHABLE;
	fprintf(stderr, "%s: %s\n", what, error_sentence(error));
	return error;
}

/* A file about the customer, or about that account. */
static enum sr_error
put_file(struct data_export *data, const char *name, const char *what,
    enum sr_error (*write)(void *context, FILE *out))
{
	struct data_entry *entry = &data->entry[data->entry_count];
	enum sr_error error;

	*entry = (struct data_entry){.what = what};
	error = data_directory_put(
	    &data->directory, name, write, data, &entry->file);
	if (error == SR_OK)
		data->entry_count++;
	return error;
}

static void
take_account(void *context, const struct bank_account *account)
{
	struct data_export *data = context;

	if (account_index(account->id) == ACCOUNT_INDEX_TILL)
		return;
	data->too_many = data->account_count == DATA_ACCOUNTS_MAX;
	if (!data->too_many)
		data->account[data->account_count++] = *account;
}

/* The statement as far as it came, in both forms. */
static enum sr_error
put_statements(struct data_export *data, const struct statement_period *period)
{
	static const char *const formats[] = {"json", "csv"};
	char number[ACCOUNT_NUMBER_TEXT_MAX], name[DATA_FILE_NAME_MAX];
	enum sr_error error = SR_OK;

	data->period = period;
	account_number_digits(period->account, number);
	for (size_t i = 0; error == SR_OK && i < 2; i++) {
		snprintf(
		    name, sizeof(name), "statement-%s.%s", number, formats[i]);
		data->format = export_format_find(formats[i], false);
		error =
		    put_file(data, name, "statement", data_export_statement);
		if (error != SR_OK)
			break;
		data->entry[data->entry_count - 1].account = period->account;
		data->entry[data->entry_count - 1].lines = period->count;
	}
	return error;
}

/* The bank opens no more old records now: what came is kept, and it is said. */
static void
note_missing(struct data_export *data, const struct statement_period *period,
    uint64_t account, enum sr_error why)
{
	struct data_missing *missing = &data->missing[data->missing_count++];
	char number[ACCOUNT_NUMBER_TEXT_MAX];

	*missing = (struct data_missing){.account = account,
	    .before_leaf =
		period->count > 0 ? period->line[0].leaf : UINT64_MAX,
	    .why = why};
	account_number_print(account, number);
	if (period->count > 0)
		fprintf(stderr,
		    "account %s: the entries before #%" PRIu64
		    " are missing: %s\n",
		    number, missing->before_leaf, error_sentence(why));
	else
		fprintf(stderr, "account %s: the statement is missing: %s\n",
		    number, error_sentence(why));
}

static enum sr_error
export_account(struct data_export *data, uint64_t account)
{
	char number[ACCOUNT_NUMBER_TEXT_MAX], what[64];
	struct statement_period period = {0};
	enum sr_error error;

	account_number_print(account, number);
	error = atm_collect_statement(&data->atm->customer, account, &period,
	    isatty(STDERR_FILENO) == 1 ? number : NULL);
	if (error == SR_OK && period.account != account)
		error = SR_MALFORMED;
	if (error == SR_OLD_RECORDS || error == SR_UNREADABLE) {
		note_missing(data, &period, account, error);
		error =
		    period.count > 0 ? put_statements(data, &period) : SR_OK;
	} else if (error == SR_OK) {
		error = put_statements(data, &period);
	} else {
		snprintf(
		    what, sizeof(what), "the statement of account %s", number);
		error = not_told(what, error);
	}
	statement_period_free(&period);
	return error;
}

/* Everything but the index, as far as the bank gives it. */
static enum sr_error
export_all(struct data_export *data)
{
	struct bank_session *session = &data->atm->customer;
	enum sr_error error =
	    bank_person_named(session, data->atm->user, &data->person);

	if (error == SR_OK &&
	    data->person.customer != session->login.welcome.customer)
		error = SR_MALFORMED;
	if (error != SR_OK)
		return not_told("the profile", error);
	error = bank_accounts(session, 0, take_account, data);
	if (error == SR_OK && data->too_many)
		error = SR_TOO_LARGE;
	if (error != SR_OK)
		return not_told("the accounts", error);
	error = put_file(data, "bank.id", "bank", data_export_bank);
	if (error == SR_OK)
		error = put_file(
		    data, "profile.json", "profile", data_export_profile);
	if (error == SR_OK)
		error = put_file(
		    data, "accounts.json", "accounts", data_export_accounts);
	if (error == SR_OK)
		error =
		    put_file(data, "orders.json", "orders", data_export_orders);
	for (size_t i = 0; error == SR_OK && i < data->account_count; i++)
		error = export_account(data, data->account[i].id);
	return error;
}

static void
say_done(const struct data_export *data)
{
	if (!data->atm->options.json) {
		printf("%zu files in %s; index.json says what they are\n",
		    data->entry_count + 1, data->directory.path);
		return;
	}
	printf("{\"v\":1,\"directory\":");
	json_string(stdout, data->directory.path, strlen(data->directory.path));
	printf(",\"files\":%zu}\n", data->entry_count + 1);
}

/* The index as the last file, then all in its place. */
static enum sr_error
finish(struct data_export *data)
{
	struct data_file index;
	enum sr_error error = data_directory_put(
	    &data->directory, "index.json", data_export_index, data, &index);

	if (error != SR_OK)
		return error;
	if (data->missing_count == 0) {
		error = data_directory_publish(&data->directory);
		if (error == SR_OK)
			say_done(data);
		return error;
	}
	data_directory_leave(&data->directory);
	fprintf(stderr, "what came is in %s; %s is not there\n",
	    data->directory.building, data->directory.path);
	return data->missing[0].why;
}

enum sr_error
atm_export_my_data(struct atm *atm, char *const words[])
{
	static struct data_export data;
	enum sr_error error;

	memset(&data, 0, sizeof(data));
	data.atm = atm;
	error = data_directory_begin(&data.directory, words[0]);
	if (error != SR_OK)
		return error;
	error = atm_log_in(atm);
	if (error == SR_OK) {
		error = export_all(&data);
		if (error == SR_OK)
			error = finish(&data);
		if (error != SR_OK && data.directory.fd >= 0)
			fprintf(stderr, "nothing was written to %s\n",
			    data.directory.path);
	}
	data_directory_discard(&data.directory);
	return error;
}
