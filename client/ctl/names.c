/* SPDX-License-Identifier: ISC */
/*
 * Accounts, people and amounts between operators and the wire.  Must never
 * take one account for another: what is not one for certain is an error.
 */
#include "client/ctl/names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/account_number.h"
#include "common/ids.h"
#include "common/name.h"

enum sr_error
ctl_person(struct ctl_run *run, const char *name, struct bank_person *person)
{
	enum sr_error error;

	if (name_check(name, strlen(name)) != SR_OK)
		return ctl_failed(name, SR_NAME);
	error = bank_person_named(&run->requester, name, person);
	if (error == SR_NOT_FOUND)
		fprintf(stderr,
		    "strongroomctl: %s: nobody of that name has an account; "
		    "who was invited registers with `atm register' first\n",
		    name);
	else if (error != SR_OK)
		(void)ctl_failed(name, error);
	return error;
}

/* Which of somebody's accounts is meant, and what was found. */
struct wanted {
	uint64_t customer;
	const char *label; /* NULL: the main account, else the till */
	uint64_t main;
	uint64_t till;
	uint64_t labelled;
};

static void
look(void *context, const struct bank_account *account)
{
	struct wanted *wanted = context;

	/* the till that is shared with somebody is that one's */
	if (account_customer(account->id) != wanted->customer)
		return;
	if (account_index(account->id) == ACCOUNT_INDEX_TILL)
		wanted->till = account->id;
	else if (account->status == BANK_ACCOUNT_CLOSED)
		return;
	else if (account_index(account->id) == ACCOUNT_INDEX_MAIN)
		wanted->main = account->id;
	else if (wanted->label != NULL &&
		 strcmp(account->label, wanted->label) == 0)
		wanted->labelled = account->id;
}

static uint64_t
chosen(const struct wanted *wanted)
{
	if (wanted->label == NULL)
		return wanted->main != 0 ? wanted->main : wanted->till;
	if (strcmp(wanted->label, "till") == 0 && wanted->till != 0)
		return wanted->till;
	return strcmp(wanted->label, "main") == 0 ? wanted->main
						  : wanted->labelled;
}

/* NAME or NAME/LABEL. */
static enum sr_error
named_account(struct ctl_run *run, const char *text, uint64_t *account)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char name[NAME_LEN_MAX + 1] = "";
	struct bank_person person;
	struct wanted wanted = {.label = slash != NULL ? slash + 1 : NULL};
	enum sr_error error;

	if (len > NAME_LEN_MAX)
		return ctl_failed(text, SR_NAME);
	memcpy(name, text, len);
	error = ctl_person(run, name, &person);
	if (error != SR_OK)
		return error;
	wanted.customer = person.customer;
	error = bank_accounts(&run->requester, person.customer, look, &wanted);
	if (error != SR_OK)
		return ctl_failed(text, error);
	*account = chosen(&wanted);
	if (*account != 0)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: %s: there is no such account that is open; "
	    "`account show %s' lists them\n",
	    text, name);
	return SR_NO_ACCOUNT;
}

enum sr_error
ctl_account_of(struct ctl_run *run, const char *text, uint64_t *account)
{
	enum account_number_fault fault;

	if (strcmp(text, "/issue") == 0) {
		*account = ACCOUNT_ISSUE;
		return SR_OK;
	}
	if (strcmp(text, "/over-short") == 0) {
		*account = ACCOUNT_OVER_SHORT;
		return SR_OK;
	}
	/* the same text must not be one's number and another's name */
	if (text[0] == '\0' || text[strspn(text, "0123456789 -")] != '\0')
		return named_account(run, text, account);
	fault = account_number_parse(text, strlen(text), account);
	if (fault == ACCOUNT_NUMBER_FINE)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s: %s\n", text,
	    account_number_sentence(fault));
	return SR_USAGE;
}

const char *
ctl_person_text(struct bank_session *session, uint64_t customer,
    char out[CTL_ACCOUNT_TEXT_MAX])
{
	struct bank_person person;

	if (bank_person(session, customer, &person) == SR_OK &&
	    person.name[0] != '\0')
		snprintf(out, CTL_ACCOUNT_TEXT_MAX, "%s", person.name);
	else
		snprintf(
		    out, CTL_ACCOUNT_TEXT_MAX, "customer %" PRIu64, customer);
	return out;
}

/* The label of one account. */
struct label_of {
	uint64_t account;
	char label[ORDER_LABEL_MAX + 1];
};

static void
take_label(void *context, const struct bank_account *account)
{
	struct label_of *of = context;

	if (account->id == of->account)
		memcpy(of->label, account->label, sizeof(of->label));
}

static const char *
put(char out[CTL_ACCOUNT_TEXT_MAX], const char *text)
{
	snprintf(out, CTL_ACCOUNT_TEXT_MAX, "%s", text);
	return out;
}

const char *
ctl_account_text(struct bank_session *session, uint64_t account,
    const char *label, char out[CTL_ACCOUNT_TEXT_MAX])
{
	struct label_of of = {.account = account};
	uint64_t customer = account_customer(account);
	size_t len;

	if (account == ACCOUNT_ISSUE)
		return put(out, "/issue");
	if (account == ACCOUNT_OVER_SHORT)
		return put(out, "/over-short");
	(void)ctl_person_text(session, customer, out);
	if (account_index(account) == ACCOUNT_INDEX_MAIN)
		return out;
	len = strlen(out);
	if (account_index(account) == ACCOUNT_INDEX_TILL)
		label = "till";
	if (label == NULL &&
	    bank_accounts(session, customer, take_label, &of) == SR_OK)
		label = of.label;
	if (label != NULL && label[0] != '\0')
		snprintf(out + len, CTL_ACCOUNT_TEXT_MAX - len, "/%s", label);
	else
		snprintf(out + len, CTL_ACCOUNT_TEXT_MAX - len, ", account %u",
		    account_index(account));
	return out;
}

enum sr_error
ctl_amount(const struct money_unit *unit, const char *what, const char *text,
    int64_t *minor)
{
	enum money_fault fault = money_parse(text, strlen(text), unit, minor);

	if (fault == MONEY_FINE)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s%s%s: %s\n", what,
	    what[0] != '\0' ? " " : "", text, money_sentence(fault));
	return SR_USAGE;
}

enum sr_error
ctl_limit(const struct money_unit *unit, const char *what, const char *text,
    bool may_be_none, int64_t *minor)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	enum money_fault fault;

	if (may_be_none && strcmp(text, "none") == 0) {
		*minor = INT64_MAX;
		return SR_OK;
	}
	fault = money_parse(digits, strlen(digits), unit, minor);
	if (fault == MONEY_ZERO) {
		*minor = 0;
		return SR_OK;
	}
	if (fault == MONEY_FINE && *minor < INT64_MAX) {
		*minor = digits == text ? *minor : -*minor;
		return SR_OK;
	}
	fprintf(stderr, "strongroomctl: %s %s: %s%s\n", what, text,
	    money_sentence(fault == MONEY_FINE ? MONEY_TOO_LARGE : fault),
	    may_be_none ? "; or `none'" : "");
	return SR_USAGE;
}

const char *
ctl_limit_text(
    int64_t minor, const struct money_unit *unit, char out[CTL_LIMIT_TEXT_MAX])
{
	if (minor == INT64_MAX) {
		memcpy(out, "none", sizeof("none"));
		return out;
	}
	return money_format(minor, unit, out);
}

enum sr_error
ctl_entry(const char *text, uint64_t *leaf)
{
	const char *digits = text[0] == '#' ? text + 1 : text;
	char *end;

	errno = 0;
	*leaf = strtoull(digits, &end, 10);
	if (digits[0] >= '1' && digits[0] <= '9' && *end == '\0' && errno == 0)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s: wanted is the number of an entry\n",
	    text);
	return SR_USAGE;
}

enum sr_error
ctl_memo(const struct ctl_options *options)
{
	if (options->memo == NULL || options->memo[0] == '\0') {
		fprintf(stderr,
		    "strongroomctl: --memo TEXT says why; it stands "
		    "in the statements of those concerned\n");
		return SR_USAGE;
	}
	if (name_text_check(
		options->memo, strlen(options->memo), ORDER_MEMO_MAX) == SR_OK)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: --memo is at most %u bytes of text (UTF-8) "
	    "without control characters\n",
	    ORDER_MEMO_MAX);
	return SR_USAGE;
}

const char *
ctl_time_text(uint64_t time_ms, char out[CTL_TIME_TEXT_MAX])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm local;

	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(out, CTL_TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S %z", &local) ==
		0)
		snprintf(out, CTL_TIME_TEXT_MAX, "%" PRIu64, time_ms);
	return out;
}
