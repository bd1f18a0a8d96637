/* SPDX-License-Identifier: ISC */
#ifndef COMMON_MONEY_H
#define COMMON_MONEY_H
/*
 * Amounts: integers of the unit's smallest part ("minor"), never a float.
 * A unit is a code and the number of digits after the point: "EUR:2".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define MONEY_CODE_MIN 3u
#define MONEY_CODE_MAX 8u
#define MONEY_EXPONENT_MAX 8u
#define MONEY_TEXT_MAX 32u /* any amount as text, with sign and final NUL */

struct money_unit {
	char code[MONEY_CODE_MAX + 1]; /* A-Z, NUL-terminated */
	uint8_t exponent;              /* 0 to 8 */
};

/* Why a text is no amount; MONEY_FINE is 0. */
enum money_fault {
	MONEY_FINE = 0,
	MONEY_EMPTY,
	MONEY_NEGATIVE,
	MONEY_ZERO,
	MONEY_SPACE,
	MONEY_GROUPING,
	MONEY_TOO_PRECISE,
	MONEY_TOO_LARGE,
	MONEY_SHAPE,
	MONEY_CHARACTER,
};

/*
 * Reads "CODE:EXPONENT" (3 to 8 of A-Z, one digit 0 to 8) into *unit.
 * SR_PARAMETERS if it is anything else; *unit is then untouched.
 */
enum sr_error money_unit_parse(const char *spec, struct money_unit *unit);

/* True if code and exponent are such as money_unit_parse() accepts. */
bool money_unit_valid(const struct money_unit *unit);

/*
 * Reads a positive amount of the len bytes at text: ASCII digits with at most
 * one '.' or ',' and a digit on each side of it, at most as many decimals as
 * the unit has, at most INT64_MAX minor.  Sets *minor only for MONEY_FINE.
 */
enum money_fault money_parse(const char *text, size_t len,
    const struct money_unit *unit, int64_t *minor);

/* The sentence for people; never NULL. */
const char *money_sentence(enum money_fault fault);

/*
 * Writes any amount (negative ones too) with all the unit's decimals, without
 * the code: "-12.50".  Returns out.
 */
const char *money_format(
    int64_t minor, const struct money_unit *unit, char out[MONEY_TEXT_MAX]);

#endif
