/* SPDX-License-Identifier: ISC */
/*
 * Amounts to and from text.  Must never lose or invent a minor unit: every
 * step is checked, and no text has two readings.
 */
#include "common/money.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bool
money_unit_valid(const struct money_unit *unit)
{
	size_t len = 0;

	while (len <= MONEY_CODE_MAX && unit->code[len] != '\0') {
		if (unit->code[len] < 'A' || unit->code[len] > 'Z')
			return false;
		len++;
	}
	return len >= MONEY_CODE_MIN && len <= MONEY_CODE_MAX &&
	       unit->exponent <= MONEY_EXPONENT_MAX;
}

enum sr_error
money_unit_parse(const char *spec, struct money_unit *unit)
{
	const char *colon = strchr(spec, ':');
	struct money_unit read = {0};
	size_t code_len;

	if (colon == NULL)
		return SR_PARAMETERS;
	code_len = (size_t)(colon - spec);
	if (code_len > MONEY_CODE_MAX)
		return SR_PARAMETERS;
	memcpy(read.code, spec, code_len);
	if (colon[1] < '0' || colon[1] > '9' || colon[2] != '\0')
		return SR_PARAMETERS;
	read.exponent = (uint8_t)(colon[1] - '0');
	if (!money_unit_valid(&read))
		return SR_PARAMETERS;
	*unit = read;
	return SR_OK;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Finds what is wrong with the characters, before any number is read. */
static enum money_fault
money_shape(const char *text, size_t len)
{
	size_t points = 0;

	if (len == 0)
		return MONEY_EMPTY;
	for (size_t i = 0; i < len; i++)
		if (text[i] == ' ' || text[i] == '\t')
			return MONEY_SPACE;
	if (text[0] == '-')
		return MONEY_NEGATIVE;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' || text[i] == ',')
			points++;
		else if (!is_digit(text[i]))
			return MONEY_CHARACTER;
	}
	if (points > 1)
		return MONEY_GROUPING;
	if (!is_digit(text[0]) || !is_digit(text[len - 1]))
		return MONEY_SHAPE;
	return MONEY_FINE;
}

enum money_fault
money_parse(
    const char *text, size_t len, const struct money_unit *unit, int64_t *minor)
{
	enum money_fault fault = money_shape(text, len);
	unsigned decimals = 0;
	bool after_point = false;
	int64_t value = 0;

	if (fault != MONEY_FINE)
		return fault;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i])) {
			after_point = true;
			continue;
		}
		if (after_point && ++decimals > unit->exponent)
			return MONEY_TOO_PRECISE;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return MONEY_TOO_LARGE;
	}
	for (; decimals < unit->exponent; decimals++)
		if (__builtin_mul_overflow(value, 10, &value))
			return MONEY_TOO_LARGE;
	if (value == 0)
		return MONEY_ZERO;
	*minor = value;
	return MONEY_FINE;
}

const char *
money_sentence(enum money_fault fault)
{
	switch (fault) {
	case MONEY_FINE:
		return "the amount is fine";
	case MONEY_EMPTY:
		return "an amount is missing";
	case MONEY_NEGATIVE:
		return "an amount cannot be negative";
	case MONEY_ZERO:
		return "an amount cannot be zero";
	case MONEY_SPACE:
		return "an amount has no spaces in it";
	case MONEY_GROUPING:
		return "an amount has one decimal point or comma at most; "
		       "thousands are not grouped";
	case MONEY_TOO_PRECISE:
		return "the amount has more digits after the point than the "
		       "unit has";
	case MONEY_TOO_LARGE:
		return "the amount is larger than any account can hold";
	case MONEY_SHAPE:
		return "an amount needs a digit on each side of its point";
	case MONEY_CHARACTER:
		return "an amount consists of the digits 0-9 and one decimal "
		       "point or comma";
	}
	return "this is no amount";
}

const char *
money_format(
    int64_t minor, const struct money_unit *unit, char out[MONEY_TEXT_MAX])
{
	uint64_t magnitude = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	uint64_t whole = magnitude, scale = 1;
	int len;

	assert(unit->exponent <= MONEY_EXPONENT_MAX);
	for (unsigned i = 0; i < unit->exponent; i++)
		scale *= 10;
	whole = magnitude / scale;
	if (unit->exponent == 0)
		len = snprintf(out, MONEY_TEXT_MAX, "%s%llu",
		    minor < 0 ? "-" : "", (unsigned long long)whole);
	else
		len = snprintf(out, MONEY_TEXT_MAX, "%s%llu.%0*llu",
		    minor < 0 ? "-" : "", (unsigned long long)whole,
		    (int)unit->exponent,
		    (unsigned long long)(magnitude % scale));
	assert(len > 0 && (size_t)len < MONEY_TEXT_MAX);
	return out;
}
