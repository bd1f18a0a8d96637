/* SPDX-License-Identifier: ISC */
/*
 * Counting a till: what the books expect, what is there, the difference; then
 * signed.  Must never sign a difference that was not shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/atm/print.h"
#include "client/atm/teller.h"
#include "client/atm/till_count.h"
#include "common/statement.h"

#define LINE_MAX_LEN 1000

struct counting {
	enum order_kind kind;
	struct order_count count;
	int64_t more_minor; /* than the books expect; negative: short */
};

static const char *
counting_word(enum order_kind kind)
{
	if (kind == ORDER_TILL_OPEN)
		return "opened";
	return kind == ORDER_TILL_CLOSE ? "closed" : "counted";
}

/* "1.50 short", "as expected"; an opening till is brought its float. */
static const char *
difference_text(
    const struct atm *atm, int64_t more_minor, char *out, size_t room)
{
	char amount[MONEY_TEXT_MAX];

	if (more_minor == 0)
		snprintf(out, room, "as expected");
	else if (more_minor < 0)
		snprintf(out, room, "%s short",
		    money_format(-more_minor, &atm->unit, amount));
	else
		snprintf(out, room, "%s more",
		    money_format(more_minor, &atm->unit, amount));
	return out;
}

/* Before anybody is asked for a password: what the options say. */
static enum sr_error
counting_options(const struct atm *atm, const char **text)
{
	const struct atm_options *options = &atm->options;

	if (options->counted != NULL && options->count != NULL) {
		fprintf(stderr, "--counted or --count, not both\n");
		return SR_USAGE;
	}
	if (options->counted != NULL && strchr(options->counted, 'x') != NULL) {
		fprintf(stderr,
		    "--counted is a sum; --count %s is for pieces\n",
		    options->counted);
		return SR_USAGE;
	}
	/* a number alone would be lines of a statement */
	if (options->count != NULL && strchr(options->count, 'x') == NULL) {
		fprintf(stderr,
		    "--count %s: pieces of cash are written like "
		    "50x3,0.20x7; --counted is for a sum\n",
		    options->count);
		return SR_USAGE;
	}
	*text = options->counted != NULL ? options->counted : options->count;
	if (*text == NULL && !prompt_interactive()) {
		fprintf(stderr,
		    "how much is there? --counted AMOUNT, or --count "
		    "50x3,0.20x7\n");
		return SR_USAGE;
	}
	return SR_OK;
}

static enum sr_error
counting_take(
    const struct atm *atm, const char *text, struct order_count *count)
{
	const char *why;

	if (till_count_parse(text, &atm->unit, count, &why) == SR_OK)
		return SR_OK;
	fprintf(stderr, "%s: %s\n", text, why);
	return SR_USAGE;
}

/* Asks until there is a count; SR_CLOSED for none. */
static enum sr_error
counting_ask(const struct atm *atm, struct order_count *count)
{
	char line[LINE_MAX_LEN];
	enum sr_error error;

	do {
		error = prompt_line(
		    "Counted (a sum, or 50x3,0.20x7): ", line, sizeof(line));
		if (error == SR_TOO_LARGE) {
			fprintf(stderr, "that is too long\n");
			continue;
		}
		if (error != SR_OK || line[0] == '\0')
			return SR_CLOSED;
		error = counting_take(atm, line, count);
	} while (error != SR_OK);
	return SR_OK;
}

/* What will be signed, and whether it is to be. */
static enum sr_error
counting_confirm(struct atm *atm, const struct counting *counting,
    const struct bank_account *till)
{
	char expected[MONEY_TEXT_MAX], counted[MONEY_TEXT_MAX];
	char difference[MONEY_TEXT_MAX + 16], line[LINE_MAX_LEN];

	fprintf(stderr, "the books expect %s %s, counted %s: %s\n",
	    money_format(-till->posted_minor, &atm->unit, expected),
	    atm->unit.code,
	    money_format(counting->count.sum_minor, &atm->unit, counted),
	    difference_text(
		atm, counting->more_minor, difference, sizeof(difference)));
	if (counting->more_minor < 0)
		fprintf(stderr,
		    "what is short is posted to over and short; the till may "
		    "hold that much less\n");
	else if (counting->more_minor > 0)
		fprintf(stderr,
		    counting->kind == ORDER_TILL_OPEN && !teller_no_safe(atm)
			? "it is booked as cash that was brought in\n"
			: "it is posted to over and short\n");
	if (counting->more_minor == 0 || atm->options.yes ||
	    !prompt_interactive())
		return SR_OK;
	if (prompt_line("Sign that? (y/n) ", line, sizeof(line)) == SR_OK &&
	    (line[0] == 'y' || line[0] == 'Y'))
		return SR_OK;
	fprintf(stderr, "nothing was signed\n");
	return SR_NOT_ALLOWED;
}

/* What was booked, by the till's own statement. */
static enum sr_error
counting_report(struct atm *atm, struct counting *counting,
    const struct ordering_result *result)
{
	char counted[MONEY_TEXT_MAX], difference[MONEY_TEXT_MAX + 16];
	struct statement_line line;

	if (result->outcome != SR_OK) {
		fprintf(stderr, "%s\n",
		    result->outcome == SR_ALREADY
			? "declined: the till is open already; cash is brought "
			  "in when it is opened: close it first"
			: error_sentence(result->outcome));
		return result->outcome;
	}
	/* cash that came in meanwhile has changed what was expected */
	if (atm_line(&atm->till, counting->count.till, result->leaf, &line) ==
		SR_OK &&
	    line.amount_minor != INT64_MIN)
		counting->more_minor = -line.amount_minor;
	if (atm->options.json) {
		printf("{\"v\":1,\"kind\":\"%s\",\"counted_minor\":%" PRId64
		       ",\"difference_minor\":%" PRId64 ",\"leaf\":%" PRIu64
		       ",\"time_ms\":%" PRIu64 "}\n",
		    order_kind_name(counting->kind), counting->count.sum_minor,
		    counting->more_minor, result->leaf, result->time_ms);
		return SR_OK;
	}
	printf("till %s%s: %s %s, %s (entry %" PRIu64 ")\n",
	    counting_word(counting->kind),
	    result->before ? " before; not again" : "",
	    money_format(counting->count.sum_minor, &atm->unit, counted),
	    atm->unit.code,
	    difference_text(
		atm, counting->more_minor, difference, sizeof(difference)),
	    result->leaf);
	return SR_OK;
}

static enum sr_error
counting_sign(struct atm *atm, struct counting *counting)
{
	uint8_t parameters[ORDER_COUNT_MAX];
	struct ordering ordering = {.kind = counting->kind,
	    .amount_minor = counting->count.sum_minor,
	    .attachment = parameters};
	struct ordering_result result;
	enum sr_error error =
	    ordering_reference(atm->options.id, ordering.reference);

	if (error != SR_OK)
		return error;
	ordering.attachment_len =
	    order_count_encode(&counting->count, parameters);
	error = atm_submit(atm, &atm->till, &ordering, &result);
	return error == SR_OK ? counting_report(atm, counting, &result) : error;
}

enum sr_error
teller_count(struct atm *atm, enum order_kind kind, const char *counted)
{
	struct counting counting = {.kind = kind};
	struct ordering none = {.kind = kind};
	struct bank_account till;
	const char *text = counted;
	enum sr_error error = SR_OK;

	if (atm->options.memo != NULL) {
		fprintf(stderr, "--memo is for a payment\n");
		return SR_USAGE;
	}
	error = atm_particulars(atm, &none);
	if (error == SR_OK && text == NULL)
		error = counting_options(atm, &text);
	if (error == SR_OK && text != NULL)
		error = counting_take(atm, text, &counting.count);
	if (error == SR_OK)
		error = atm_log_in_teller(atm);
	if (error == SR_OK)
		error = teller_look(atm, &till);
	if (error == SR_OK && text == NULL)
		error = counting_ask(atm, &counting.count);
	if (error != SR_OK)
		return error;
	if (__builtin_add_overflow(counting.count.sum_minor, till.posted_minor,
		&counting.more_minor) ||
	    counting.more_minor == INT64_MIN)
		return SR_AMOUNT;
	counting.count.till = till.id;
	error = counting_confirm(atm, &counting, &till);
	return error == SR_OK ? counting_sign(atm, &counting) : error;
}
