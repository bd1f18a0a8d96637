/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_NAMES_H
#define CLIENT_CTL_NAMES_H
/*
 * How operators write accounts, people, amounts and times, and how these are
 * shown to them.  An account is
 *
 *	ada              the main account of ada; of one who has none, the till
 *	ada/savings      the account that ada calls so
 *	lobby/till       the till of the terminal lobby
 *	1200 87          an account's number (common/account_number.h)
 *	/issue /over-short   the bank's own
 *
 * and everybody's name is believed only with keyd's attestation.  The
 * functions that read a text say on stderr what is wrong with it.
 */
#include "client/ctl/run.h"
#include "common/money.h"

enum {
	CTL_ACCOUNT_TEXT_MAX = 64, /* with the NUL */
	CTL_TIME_TEXT_MAX = 40,
	CTL_LIMIT_TEXT_MAX = MONEY_TEXT_MAX,
};

/* Who bears the name.  SR_NAME, SR_NOT_FOUND, as bank_find(). */
enum sr_error ctl_person(
    struct ctl_run *run, const char *name, struct bank_person *person);

/* The account meant by the text.  SR_USAGE, SR_NOT_FOUND, SR_NO_ACCOUNT. */
enum sr_error ctl_account_of(
    struct ctl_run *run, const char *text, uint64_t *account);

/*
 * The text for an account: as above where the bank tells the name, else its
 * number.  label: what is known of it, NULL to ask for it.  Returns out.
 */
const char *ctl_account_text(struct bank_session *session, uint64_t account,
    const char *label, char out[CTL_ACCOUNT_TEXT_MAX]);

/* The name of a customer, or its number. */
const char *ctl_person_text(struct bank_session *session, uint64_t customer,
    char out[CTL_ACCOUNT_TEXT_MAX]);

/* A positive amount; `what' stands before the text in the complaint. */
enum sr_error ctl_amount(const struct money_unit *unit, const char *what,
    const char *text, int64_t *minor);

/* An amount that may be zero, negative or, where that is allowed, "none". */
enum sr_error ctl_limit(const struct money_unit *unit, const char *what,
    const char *text, bool may_be_none, int64_t *minor);

/* The amount, or "none" for INT64_MAX.  Returns out. */
const char *ctl_limit_text(
    int64_t minor, const struct money_unit *unit, char out[CTL_LIMIT_TEXT_MAX]);

/* The number of an entry, with or without '#'. */
enum sr_error ctl_entry(const char *text, uint64_t *leaf);

/* --memo, which says why: needed, and text that a statement can show. */
enum sr_error ctl_memo(const struct ctl_options *options);

/* Local time with its offset.  Returns out. */
const char *ctl_time_text(uint64_t time_ms, char out[CTL_TIME_TEXT_MAX]);

#endif
