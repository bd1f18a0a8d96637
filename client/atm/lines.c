/* SPDX-License-Identifier: ISC */
/*
 * Lines of a statement, page by page, and one of them by its number.  Must
 * never hand on what a terminal would obey.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/atm/atm.h"
#include "common/name.h"
#include "common/statement.h"

/* A line that may be printed, below the one before. */
static enum sr_error
take_line(struct reader *r, uint64_t before, struct statement_line *line)
{
	if (statement_line_read(r, line) != SR_OK || line->leaf >= before ||
	    name_text_check(line->name, line->name_len, line->name_len) !=
		SR_OK ||
	    name_text_check(line->memo, line->memo_len, line->memo_len) !=
		SR_OK)
		return SR_MALFORMED;
	return SR_OK;
}

enum sr_error
atm_lines(struct bank_session *session, uint64_t account, uint64_t before,
    unsigned count,
    bool (*each)(void *context, const struct statement_line *line),
    void *context, bool *retired)
{
	struct message_statement statement = {.more = 1};
	struct bank_answer answer;

	*retired = false;
	while (count > 0 && statement.more == 1) {
		struct statement_line line;
		struct reader r;
		enum sr_error error = bank_statement(session, account, before,
		    count < UINT16_MAX ? (uint16_t)count : UINT16_MAX, &answer,
		    &statement);

		if (error != SR_OK)
			return error;
		*retired = statement.more == STATEMENT_RETIRED;
		r = reader_of(statement.lines, statement.lines_len);
		if (reader_left(&r) == 0)
			break;
		while (reader_left(&r) > 0 && count > 0) {
			error = take_line(&r, before, &line);
			if (error != SR_OK)
				return error;
			before = line.leaf;
			count--;
			if (!each(context, &line))
				return SR_OK;
		}
	}
	return SR_OK;
}

struct search {
	uint64_t leaf;
	struct statement_line *line;
	bool found;
};

static bool
search_line(void *context, const struct statement_line *line)
{
	struct search *search = context;

	if (line->leaf == search->leaf) {
		*search->line = *line;
		search->found = true;
	}
	return line->leaf > search->leaf;
}

enum sr_error
atm_line(struct bank_session *session, uint64_t account, uint64_t leaf,
    struct statement_line *line)
{
	struct search search = {.leaf = leaf, .line = line};
	bool retired = false;
	enum sr_error error;

	if (leaf == 0 || leaf == UINT64_MAX)
		return SR_NOT_FOUND;
	error = atm_lines(
	    session, account, leaf + 1, 1, search_line, &search, &retired);
	/* too far from the newest line to be found at once */
	if (error == SR_NOT_FOUND)
		error = atm_lines(session, account, UINT64_MAX, UINT_MAX,
		    search_line, &search, &retired);
	if (error != SR_OK || search.found)
		return error;
	return retired ? SR_RETIRED : SR_NOT_FOUND;
}

enum sr_error
atm_lines_wanted(const struct atm *atm, unsigned *count)
{
	const char *text = atm->options.count;
	char *end;
	long number;

	*count = 20;
	if (text == NULL)
		return SR_OK;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 1 ||
	    number > UINT16_MAX) {
		fprintf(stderr, "--count is 1 to 65535\n");
		return SR_USAGE;
	}
	*count = (unsigned)number;
	return SR_OK;
}
