/* SPDX-License-Identifier: ISC */
/*
 * `atm statement': the last lines as they are, or a period as a whole, put
 * together before the first byte of it is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/atm/atm.h"
#include "client/export/export.h"
#include "common/ids.h"
#include "common/utc.h"

/* ---- The last lines, newest first ------------------------------------------- */

struct printing {
	const struct atm *atm;
	uint64_t account;
	bool any;
	int64_t before_minor; /* the balance before the last line */
};

static bool
print_line(void *context, const struct statement_line *line)
{
	struct printing *printing = context;
	const struct atm *atm = printing->atm;

	printing->any = true;
	printing->before_minor = line->balance_minor - line->amount_minor;
	if (atm->options.json) {
		export_json_line(stdout, line, true);
		putchar('\n');
	} else {
		export_text_line(stdout, &atm->unit, printing->account, line);
	}
	return true;
}

/* Below the last line, where the bank has retired those before it. */
static enum sr_error
print_carried(const struct printing *printing, struct bank_session *session,
    uint64_t account)
{
	const struct atm *atm = printing->atm;
	int64_t carried_minor = printing->before_minor;
	struct message_balance balance;
	enum sr_error error;

	if (!printing->any) {
		error = bank_balance(session, account, &balance);
		if (error != SR_OK)
			return error;
		carried_minor = balance.posted;
	}
	if (atm->options.json)
		printf("{\"v\":1,\"carried_forward_minor\":%" PRId64 "}\n",
		    carried_minor);
	else
		export_text_carried(stdout, &atm->unit, carried_minor);
	return SR_OK;
}

static enum sr_error
print_last(struct atm *atm, struct bank_session *session, uint64_t account)
{
	struct printing printing = {.atm = atm, .account = account};
	bool retired;
	unsigned count;
	enum sr_error error = atm_lines_wanted(atm, &count);

	if (error != SR_OK)
		return error;
	/* none is told at log-in when it is closed; its lines are still there */
	if (account == 0)
		printing.account = account_id(
		    session->login.welcome.customer, ACCOUNT_INDEX_MAIN);
	if (!atm->options.json)
		export_text_head(stdout);
	error = atm_lines(session, account, UINT64_MAX, count, print_line,
	    &printing, &retired);
	return error == SR_OK && retired
		   ? print_carried(&printing, session, account)
		   : error;
}

/* ---- A period ---------------------------------------------------------------- */

/* One page for statement_period_collect(). */
struct source {
	struct bank_session *session;
	uint64_t account;
	const char *progress; /* NULL: none is shown */
	struct statement_period *period;
	struct bank_answer answer;
};

static enum sr_error
fetch_page(void *context, uint64_t before, const uint8_t **lines, size_t *len,
    bool *more, uint64_t *account)
{
	struct source *source = context;
	struct message_statement page;
	enum sr_error error = bank_statement(source->session, source->account,
	    before, UINT16_MAX, &source->answer, &page);

	if (error != SR_OK)
		return error;
	*lines = page.lines;
	*len = page.lines_len;
	*more = page.more == STATEMENT_OLDER;
	source->period->retired = page.more == STATEMENT_RETIRED;
	*account = page.account;
	if (source->progress != NULL)
		fprintf(stderr, "\r%s: %zu entries", source->progress,
		    source->period->count);
	return SR_OK;
}

enum sr_error
atm_collect_statement(struct bank_session *session, uint64_t account,
    struct statement_period *period, const char *progress)
{
	struct source source = {.session = session,
	    .account = account,
	    .progress = progress,
	    .period = period};
	struct message_balance balance;
	uint64_t now_ms = bank_time_ms(session);
	bool until_given = period->until_given;
	enum sr_error error;

	if (!period->until_given || period->until_ms > now_ms) {
		period->until_ms = now_ms + 1;
		period->until_given = false;
	}
	error = statement_period_collect(period, fetch_page, &source);
	period->until_given = until_given;
	if (error == SR_OK && period->bare) {
		error = bank_balance(session, account, &balance);
		period->account = balance.account;
		period->opening_minor = period->closing_minor = balance.posted;
	}
	if (progress != NULL)
		fprintf(stderr, "\r%s: %zu entries\n", progress, period->count);
	return error;
}

static enum sr_error
usage(const char *why)
{
	fprintf(stderr, "atm: %s\n", why);
	return SR_USAGE;
}

/* The bounds and the format, before anything is asked of the bank. */
static enum sr_error
read_options(const struct atm_options *options, struct statement_period *period,
    const struct export_format **format)
{
	const char *name = options->format;

	if (name == NULL)
		name = options->json ? "json" : "text";
	*format = export_format_find(name, false);
	if (*format == NULL)
		return usage("--format is text, csv, json, hledger, ledger, "
			     "beancount or ofx");
	period->from_given = options->from_date != NULL;
	if (period->from_given &&
	    !utc_day_parse(options->from_date, &period->from_ms))
		return usage("--from-date is a day, as 2026-11-21");
	period->until_given = options->to_date != NULL;
	if (period->until_given) {
		if (!utc_day_parse(options->to_date, &period->until_ms))
			return usage("--to-date is a day, as 2026-11-21");
		period->until_ms += UTC_DAY_MS; /* that day, too */
		if (period->until_ms <= period->from_ms)
			return usage("--to-date is before --from-date");
	}
	return SR_OK;
}

/* To stdout, or to a new file that is its owner's. */
static enum sr_error
write_out(const struct atm *atm, const struct export_format *format,
    const struct statement_period *period)
{
	const char *path = atm->options.out;
	enum sr_error error;
	FILE *out;
	int fd;

	if (path == NULL)
		return export_statement(stdout, format, &atm->bank, period);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL) {
		error = errno == EEXIST ? SR_EXISTS : SR_IO;
		fprintf(stderr, "%s: ", path);
		if (fd >= 0)
			close(fd);
		return error;
	}
	error = export_statement(out, format, &atm->bank, period);
	if (fclose(out) != 0 && error == SR_OK)
		error = SR_IO;
	if (error != SR_OK)
		(void)unlink(path);
	return error;
}

static enum sr_error
print_period(struct atm *atm, struct bank_session *session, uint64_t account,
    struct statement_period *period, const struct export_format *format)
{
	enum sr_error error =
	    atm_collect_statement(session, account, period, NULL);

	if (error == SR_OK)
		error = write_out(atm, format, period);
	statement_period_free(period);
	return error;
}

enum sr_error
atm_statement_check(const struct atm *atm)
{
	const struct export_format *format;
	struct statement_period period = {0};
	unsigned count;
	enum sr_error error = read_options(&atm->options, &period, &format);

	return error == SR_OK ? atm_lines_wanted(atm, &count) : error;
}

enum sr_error
atm_print_statement(
    struct atm *atm, struct bank_session *session, uint64_t account)
{
	const struct atm_options *options = &atm->options;
	const struct export_format *format;
	struct statement_period period = {0};
	enum sr_error error = read_options(options, &period, &format);

	if (error != SR_OK)
		return error;
	if (options->format == NULL && options->out == NULL &&
	    !period.from_given && !period.until_given)
		error = print_last(atm, session, account);
	else
		error = print_period(atm, session, account, &period, format);
	if (error != SR_OK)
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

enum sr_error
atm_statement(struct atm *atm, char *const words[])
{
	uint64_t account;
	enum sr_error error = atm_statement_check(atm);

	(void)words;
	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error == SR_OK)
		error = atm_own_account(atm, atm->options.account, &account);
	return error == SR_OK
		   ? atm_print_statement(atm, &atm->customer, account)
		   : error;
}
