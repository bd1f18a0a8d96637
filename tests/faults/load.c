/* SPDX-License-Identifier: ISC */
/*
 * One customer who pays others without a pause, whatever happens to the bank:
 *
 *	load --bank F --server A --user N --keep SEED[:FIRST:READ:REST] LOG
 *	    PAYEE...
 *
 * Before each order "ask REF PAYEE AMOUNT", and after its answer "ok REF
 * PAYEE AMOUNT LEAF" or "no REF SR_..." is written to LOG, with one write(2)
 * each.  REF is the order's reference and its memo; they are numbered from
 * FIRST, else 0.  When the connection breaks it logs in again and asks for
 * the same reference until it is answered.  SIGTERM ends it when no order is
 * in doubt.
 *
 * After each log-in it reads what is new in its own statement: "line LEAF
 * AMOUNT BALANCE MEMO", newest first, and "read LEAF" when it has all up to
 * that one; lines without that end are read once more.  What is not above
 * READ is not new.  REST: milliseconds after each order, else none.  One every
 * PACE_MS at most: a faster disk must not make more segments than the bank
 * opens again in an hour (LOG_KEYS_OLD_AN_HOUR) as it falls and rises.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ordering.h"
#include "common/ids.h"
#include "common/statement.h"
#include "tests/lib/teller.h"

enum {
	PAYEES_MAX = 16,
	AMOUNT_MAX = 300,
	GIVE_UP_MS = 60000, /* without any answer */
	RETRY_MS = 20,
	PACE_MS = 8,
	PAGE_LINES = 128,
	PAGE_TEXT_MAX = 64 * 1024,
};

static struct teller teller;
static volatile sig_atomic_t ended;
static uint64_t answered_ms;
static uint64_t payees[PAYEES_MAX];
static int payee_count;
static char *const *payee_names;
static int log_fd;
static uint64_t read_leaf; /* of the statement; all up to here is in LOG */

static void
on_term(int number)
{
	(void)number;
	ended = 1;
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		abort();
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
write_log(const char *line)
{
	size_t len = strlen(line);

	if (write(log_fd, line, len) != (ssize_t)len) {
		fprintf(stderr, "log: %s\n", strerror(errno));
		exit(74);
	}
}

static enum sr_error
find_payees(void)
{
	enum sr_error error = SR_OK;

	for (int i = 0; error == SR_OK && i < payee_count; i++)
		if (payees[i] == 0)
			error = bank_find(
			    &teller.session, payee_names[i], &payees[i]);
	return error;
}

/*
 * A page of the statement below *before, which then is its oldest leaf, or 0
 * when there is nothing more that is new; *newest is raised.
 */
static enum sr_error
read_page(uint64_t *before, uint64_t *newest)
{
	static struct bank_answer answer;
	static char text[PAGE_TEXT_MAX];
	struct message_statement page;
	struct statement_line line;
	struct reader r;
	size_t used = 0;
	enum sr_error error = bank_statement(
	    &teller.session, 0, *before, PAGE_LINES, &answer, &page);

	if (error != SR_OK)
		return error;
	*before = 0;
	text[0] = '\0';
	r = reader_of(page.lines, page.lines_len);
	while (reader_left(&r) > 0) {
		error = statement_line_read(&r, &line);
		if (error != SR_OK)
			return error;
		*before = line.leaf > read_leaf ? line.leaf : 0;
		if (*before == 0)
			break;
		if (line.leaf > *newest)
			*newest = line.leaf;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "line %" PRIu64 " %" PRId64 " %" PRId64 " %.*s\n",
		    line.leaf, line.amount_minor, line.balance_minor,
		    (int)line.memo_len, line.memo);
		if (used >= sizeof(text))
			return SR_TOO_LARGE;
	}
	write_log(text);
	return SR_OK;
}

/* What is new in the statement, since the last time that this succeeded. */
static enum sr_error
read_statement(void)
{
	uint64_t before = UINT64_MAX, newest = read_leaf;
	char line[40];

	while (before > 0) {
		enum sr_error error = read_page(&before, &newest);

		if (error != SR_OK)
			return error;
	}
	read_leaf = newest;
	snprintf(line, sizeof(line), "read %" PRIu64 "\n", newest);
	write_log(line);
	return SR_OK;
}

/* Until there is a session; ends the process when there is none for long. */
static void
enter(void)
{
	for (;;) {
		const char *at = "log-in";
		enum sr_error error;

		teller_leave(&teller);
		error = teller_enter(&teller);
		if (error == SR_OK) {
			at = "payees";
			error = find_payees();
		}
		if (error == SR_OK) {
			at = "statement";
			error = read_statement();
		}
		if (error == SR_OK)
			return;
		if (now_ms() - answered_ms > GIVE_UP_MS || error == SR_LOGIN ||
		    error == SR_LATER || error == SR_BANK_KEY) {
			fprintf(stderr,
			    "no session: %s: %s after %" PRIu64 " ms\n", at,
			    error_name(error), now_ms() - answered_ms);
			exit(error_exit(SR_UNREACHABLE));
		}
		(void)poll(NULL, 0, RETRY_MS);
	}
}

/* True for what says nothing about the order: ask again in a new session. */
static bool
broken(enum sr_error error)
{
	return error == SR_UNKNOWN_OUTCOME || error == SR_STALE ||
	       error == SR_SESSION_ENDED || error == SR_CLOSED ||
	       error == SR_BUSY || error == SR_UNREACHABLE ||
	       error == SR_CLOSED_FOR_ORDERS || error == SR_EXPIRED;
}

static void
pay(unsigned number, int which, int64_t amount)
{
	char reference[ORDER_REFERENCE_LEN + 1], line[200];
	struct ordering_result result;
	struct ordering ordering = {.kind = ORDER_TRANSFER,
	    .debit = teller.session.login.welcome.account,
	    .credit = account_id(payees[which], ACCOUNT_INDEX_MAIN),
	    .amount_minor = amount,
	    .attachment = reference};
	enum sr_error error;

	snprintf(
	    reference, sizeof(reference), "%.6s-%u", teller.card.name, number);
	ordering.attachment_len = strlen(reference);
	if (ordering_reference(reference, ordering.reference) != SR_OK)
		abort();
	snprintf(line, sizeof(line), "ask %s %s %" PRId64 "\n", reference,
	    payee_names[which], amount);
	write_log(line);
	for (;;) {
		error = ordering_submit(
		    &teller.session, &teller.state, &ordering, &result);
		if (!broken(error))
			break;
		enter();
	}
	if (error == SR_OK)
		error = result.outcome;
	if (error == SR_OK)
		snprintf(line, sizeof(line),
		    "ok %s %s %" PRId64 " %" PRIu64 "\n", reference,
		    payee_names[which], amount, result.leaf);
	else
		snprintf(line, sizeof(line), "no %s %s\n", reference,
		    error_name(error));
	write_log(line);
	answered_ms = now_ms();
}

int
main(int argc, char *argv[])
{
	struct sigaction action = {.sa_handler = on_term};
	int first = teller_options(&teller, argc, argv);
	unsigned seed, number = 0;
	int rest_ms = 0;

	if (argc - first < 3 || argc - first - 2 > PAYEES_MAX) {
		fprintf(stderr,
		    "load OPTIONS SEED[:FIRST:READ:REST] LOG PAYEE...\n");
		return 64;
	}
	if (sscanf(argv[first], "%u:%u:%" SCNu64 ":%d", &seed, &number,
		&read_leaf, &rest_ms) < 1)
		return 64;
	payee_names = argv + first + 2;
	payee_count = argc - first - 2;
	log_fd = open(
	    argv[first + 1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0 || sigaction(SIGTERM, &action, NULL) != 0) {
		fprintf(stderr, "%s: %s\n", argv[first + 1], strerror(errno));
		return 74;
	}
	answered_ms = now_ms();
	enter();
	while (!ended) {
		uint64_t next_ms = now_ms() + PACE_MS, now;

		pay(number++, rand_r(&seed) % payee_count,
		    1 + rand_r(&seed) % AMOUNT_MAX);
		now = now_ms();
		if (rest_ms > 0)
			(void)poll(NULL, 0, rest_ms);
		else if (now < next_ms)
			(void)poll(NULL, 0, (int)(next_ms - now));
	}
	teller_leave(&teller);
	return 0;
}
