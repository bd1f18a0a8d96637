/* SPDX-License-Identifier: ISC */
/*
 * The lines of a period.  Where the bank's pages end before the period
 * begins, the balance before it is that of the newest line before it, so one
 * line more than those of the period is read.
 */
#include "client/statement_period.h"

#include <stdlib.h>
#include <string.h>

#include "common/name.h"

/* What the newest-first walk has met. */
struct walk {
	uint64_t before;   /* leaf of the last line */
	uint64_t newer_ms; /* its time */
	int64_t expected;  /* balance that the next older line must have */
	bool expecting;
	bool older_met;     /* a line from before the period */
	bool closing_known; /* the balance at the end of the period */
};

static enum sr_error
keep(struct statement_period *period, const struct statement_line *line)
{
	if (period->count == period->room) {
		size_t room = 2 * period->room + 64;
		struct statement_line *grown =
		    reallocarray(period->line, room, sizeof(*grown));

		if (grown == NULL)
			return SR_NO_SPACE;
		period->line = grown;
		period->room = room;
	}
	period->line[period->count++] = *line;
	return SR_OK;
}

static bool
is_sound(const struct walk *walk, const struct statement_line *line)
{
	return line->leaf < walk->before && line->time_ms <= walk->newer_ms &&
	       (!walk->expecting || line->balance_minor == walk->expected) &&
	       name_text_check(line->name, line->name_len, line->name_len) ==
		   SR_OK &&
	       name_text_check(line->memo, line->memo_len, line->memo_len) ==
		   SR_OK;
}

static enum sr_error
take_line(struct statement_period *period, struct walk *walk,
    const struct statement_line *line)
{
	if (!is_sound(walk, line) || __builtin_sub_overflow(line->balance_minor,
					 line->amount_minor, &walk->expected))
		return SR_MALFORMED;
	walk->expecting = true;
	walk->before = line->leaf;
	walk->newer_ms = line->time_ms;
	if (line->time_ms >= period->until_ms)
		return SR_OK;
	if (!walk->closing_known) {
		period->closing_minor = line->balance_minor;
		walk->closing_known = true;
	}
	if (line->time_ms < period->from_ms) {
		period->opening_minor = line->balance_minor;
		walk->older_met = true;
		return SR_OK;
	}
	period->opening_minor = walk->expected;
	return keep(period, line);
}

static void
reverse(struct statement_period *period)
{
	for (size_t i = 0; i < period->count / 2; i++) {
		struct statement_line *other =
		    &period->line[period->count - 1 - i];
		struct statement_line line = period->line[i];

		period->line[i] = *other;
		*other = line;
	}
}

/*
 * Where lines are retired the account did not begin with nothing: what they
 * came to is carried forward.  What it was at a day before that, nobody knows.
 */
static enum sr_error
carry_forward(struct statement_period *period, const struct walk *walk)
{
	period->carried = true;
	period->bare = !walk->expecting;
	if (walk->closing_known)
		return SR_OK;
	if (period->until_given)
		return SR_RETIRED;
	period->opening_minor = period->closing_minor = walk->expected;
	return SR_OK;
}

enum sr_error
statement_period_collect(
    struct statement_period *period, statement_fetch fetch, void *context)
{
	struct walk walk = {.before = UINT64_MAX, .newer_ms = UINT64_MAX};
	struct statement_line line;
	bool more = true;

	period->opening_minor = 0;
	period->closing_minor = 0;
	period->count = 0;
	period->retired = period->carried = period->bare = false;
	while (more && !walk.older_met) {
		const uint8_t *lines;
		enum sr_error error;
		struct reader r;
		size_t len;

		error = fetch(context, walk.before, &lines, &len, &more,
		    &period->account);
		if (error != SR_OK) {
			reverse(period);
			return error;
		}
		r = reader_of(lines, len);
		if (more && len == 0)
			return SR_MALFORMED;
		while (reader_left(&r) > 0 && !walk.older_met) {
			error = statement_line_read(&r, &line);
			if (error == SR_OK)
				error = take_line(period, &walk, &line);
			if (error != SR_OK)
				return error;
		}
	}
	/* an account begins with nothing */
	if (!more && !walk.older_met && !period->retired && walk.expecting &&
	    walk.expected != 0)
		return SR_MALFORMED;
	reverse(period);
	return period->retired && !walk.older_met ? carry_forward(period, &walk)
						  : SR_OK;
}

void
statement_period_free(struct statement_period *period)
{
	free(period->line);
	period->line = NULL;
	period->count = period->room = 0;
}
