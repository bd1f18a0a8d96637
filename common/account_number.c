/* SPDX-License-Identifier: ISC */
/*
 * Account numbers with check digits.  Must never take a mistyped number for
 * another one.
 */
#include "common/account_number.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/ids.h"

enum {
	GROUP = 4,
	/* a customer, an index, check digits */
	DIGITS_MIN = 1 + 2 + 2,
	DIGITS_MAX = 15 + 2 + 2, /* below 10^19: they fit into 64 bits */
};

const char *
account_number_digits(uint64_t account, char out[ACCOUNT_NUMBER_TEXT_MAX])
{
	uint64_t customer = account_customer(account), n;

	out[0] = '\0';
	if (!customer_id_valid(customer) ||
	    account_index(account) > ACCOUNT_NUMBER_INDEX_MAX)
		return out;
	n = customer * 100 + account_index(account);
	snprintf(out, ACCOUNT_NUMBER_TEXT_MAX, "%" PRIu64 "%02u", n,
	    (unsigned)(98 - n * 100 % 97));
	return out;
}

const char *
account_number_print(uint64_t account, char out[ACCOUNT_NUMBER_TEXT_MAX])
{
	char digits[ACCOUNT_NUMBER_TEXT_MAX];
	size_t place = 0;

	account_number_digits(account, digits);
	for (size_t i = 0; digits[i] != '\0'; i++) {
		if (i > 0 && i % GROUP == 0)
			out[place++] = ' ';
		out[place++] = digits[i];
	}
	out[place] = '\0';
	return out;
}

enum account_number_fault
account_number_parse(const char *text, size_t len, uint64_t *account)
{
	uint64_t whole = 0, customer;
	unsigned digits = 0;
	bool gap = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == ' ' || text[i] == '-') {
			/* between two digits only, and one at a time */
			if (digits == 0 || gap)
				return ACCOUNT_NUMBER_SHAPE;
			gap = true;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || digits == DIGITS_MAX ||
		    (digits == 0 && text[i] == '0'))
			return ACCOUNT_NUMBER_SHAPE;
		whole = whole * 10 + (uint64_t)(text[i] - '0');
		digits++;
		gap = false;
	}
	if (gap || digits < DIGITS_MIN)
		return ACCOUNT_NUMBER_SHAPE;
	customer = whole / 10000;
	if (!customer_id_valid(customer))
		return ACCOUNT_NUMBER_SHAPE;
	/* 00, 01 and 99 would be other words for 97, 98 and 02 */
	if (whole % 97 != 1 || whole % 100 < 2 || whole % 100 > 98)
		return ACCOUNT_NUMBER_CHECK;
	*account = account_id(customer, (unsigned)(whole / 100 % 100));
	return ACCOUNT_NUMBER_FINE;
}

const char *
account_number_sentence(enum account_number_fault fault)
{
	switch (fault) {
	case ACCOUNT_NUMBER_FINE:
		return "the account number is fine";
	case ACCOUNT_NUMBER_SHAPE:
		return "an account number is 5 to 19 digits, as `atm balance' "
		       "prints it";
	case ACCOUNT_NUMBER_CHECK:
		return "the check digits of this account number do not fit: "
		       "it is mistyped";
	}
	return "this is no account number";
}
