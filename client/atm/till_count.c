/* SPDX-License-Identifier: ISC */
/*
 * Reading a count of cash.  Must never guess: what is not clear is refused.
 */
#include "client/atm/till_count.h"

#include <string.h>

static enum sr_error
refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return SR_PARAMETERS;
}

/* A whole number of at most 18 digits. */
static bool
take_pieces(const char *text, size_t len, uint64_t *pieces)
{
	*pieces = 0;
	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*pieces = *pieces * 10 + (uint64_t)(text[i] - '0');
	}
	return true;
}

/* Puts the line where it belongs: the largest value first. */
static enum sr_error
add_line(
    struct order_count *count, struct order_count_line line, const char **why)
{
	unsigned place = count->lines;
	int64_t sum;

	if (__builtin_mul_overflow(line.value_minor, line.pieces, &sum) ||
	    __builtin_add_overflow(sum, count->sum_minor, &count->sum_minor))
		return refuse(why, money_sentence(MONEY_TOO_LARGE));
	if (line.pieces == 0)
		return SR_OK;
	if (count->lines == ORDER_COUNT_LINES_MAX)
		return refuse(why, "a count has at most 32 denominations");
	while (
	    place > 0 && count->line[place - 1].value_minor < line.value_minor)
		place--;
	if (place > 0 && count->line[place - 1].value_minor == line.value_minor)
		return refuse(why, "a denomination stands there twice");
	memmove(&count->line[place + 1], &count->line[place],
	    (count->lines - place) * sizeof(line));
	count->line[place] = line;
	count->lines++;
	return SR_OK;
}

static enum sr_error
take_part(const char *text, size_t len, const struct money_unit *unit,
    struct order_count *count, const char **why)
{
	struct order_count_line line;
	const char *x = memchr(text, 'x', len);
	enum money_fault fault;
	size_t value_len;

	if (x == NULL)
		return refuse(why,
		    "pieces of cash are written like 50x3,0.20x7: value, x, "
		    "number");
	value_len = (size_t)(x - text);
	fault = money_parse(text, value_len, unit, &line.value_minor);
	if (fault != MONEY_FINE)
		return refuse(why, money_sentence(fault));
	if (!take_pieces(x + 1, len - value_len - 1, &line.pieces))
		return refuse(why, "a number of pieces is a whole number");
	return add_line(count, line, why);
}

static enum sr_error
take_sum(const char *text, const struct money_unit *unit,
    struct order_count *count, const char **why)
{
	struct order_count_line line = {.pieces = 1};
	enum money_fault fault =
	    money_parse(text, strlen(text), unit, &line.value_minor);

	if (fault == MONEY_ZERO)
		return SR_OK;
	if (fault != MONEY_FINE)
		return refuse(why, money_sentence(fault));
	return add_line(count, line, why);
}

enum sr_error
till_count_parse(const char *text, const struct money_unit *unit,
    struct order_count *count, const char **why)
{
	struct order_count taken = {0};
	enum sr_error error = SR_OK;

	*why = "";
	if (strchr(text, 'x') == NULL)
		error = take_sum(text, unit, &taken, why);
	else
		for (;;) {
			size_t len = strcspn(text, ",;");

			error = take_part(text, len, unit, &taken, why);
			if (error != SR_OK || text[len] == '\0')
				break;
			text += len + 1;
		}
	if (error == SR_OK)
		*count = taken;
	return error;
}
