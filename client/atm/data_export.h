/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_DATA_EXPORT_H
#define CLIENT_ATM_DATA_EXPORT_H
/*
 * What `atm export-my-data' has gathered, and what it writes of it.  The
 * writers have the form that data_directory_put() wants; context is the
 * struct data_export.  Formats: atm(1).
 */
#include "client/atm/atm.h"
#include "client/atm/data_directory.h"
#include "client/export/export.h"

enum {
	/* every index an account can have; all but a till's are exported */
	DATA_ACCOUNTS_MAX = 100,
	DATA_FILES_MAX = 2 * DATA_ACCOUNTS_MAX + 4,
};

/* A file, and of which account the statement in it is. */
struct data_entry {
	struct data_file file;
	const char *what;
	uint64_t account; /* 0: none */
	size_t lines;
};

/* What the bank did not give: an account's lines before that leaf. */
struct data_missing {
	uint64_t account;
	uint64_t before_leaf; /* UINT64_MAX: all */
	enum sr_error why;
};

struct data_export {
	struct atm *atm;
	struct data_directory directory;
	struct bank_person person;
	struct bank_account account[DATA_ACCOUNTS_MAX];
	size_t account_count;
	bool too_many;
	struct data_entry entry[DATA_FILES_MAX];
	size_t entry_count;
	struct data_missing missing[DATA_ACCOUNTS_MAX];
	size_t missing_count;
	/* the statement that is being written */
	const struct statement_period *period;
	const struct export_format *format;
	const char *comma;
};

enum sr_error data_export_bank(void *context, FILE *out);
enum sr_error data_export_profile(void *context, FILE *out);
enum sr_error data_export_accounts(void *context, FILE *out);

/* data->period in data->format. */
enum sr_error data_export_statement(void *context, FILE *out);

/* The orders that this device has kept; SR_IO after a line on stderr. */
enum sr_error data_export_orders(void *context, FILE *out);

/* All files that data->entry names, what is missing, what is never there. */
enum sr_error data_export_index(void *context, FILE *out);

#endif
