/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ACCOUNT_NUMBER_H
#define COMMON_ACCOUNT_NUMBER_H
/*
 * An account's number for people: what is paid to where no name is to be
 * known.  Decimal, the customer without leading zeros | the account's index,
 * two digits | two check digits by ISO 7064, MOD 97-10: with n the number
 * before them, 98 - (100 n mod 97).  Every single digit that is wrong and
 * every two neighbours that are swapped are found.  Printed in groups of four
 * from the left: customer 12, main account: "1200 87".
 */
#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_NUMBER_INDEX_MAX 99u
#define ACCOUNT_NUMBER_TEXT_MAX 24u /* 19 digits, 4 spaces and the NUL */

/* Why a text is no account number; ACCOUNT_NUMBER_FINE is 0. */
enum account_number_fault {
	ACCOUNT_NUMBER_FINE = 0,
	ACCOUNT_NUMBER_SHAPE,
	ACCOUNT_NUMBER_CHECK,
};

/*
 * Writes the number of a customer's account (common/ids.h), with spaces;
 * empty for an account that has none: the bank's own, or an index above
 * ACCOUNT_NUMBER_INDEX_MAX.  Returns out.
 */
const char *account_number_print(
    uint64_t account, char out[ACCOUNT_NUMBER_TEXT_MAX]);

/* The same without spaces, for programs. */
const char *account_number_digits(
    uint64_t account, char out[ACCOUNT_NUMBER_TEXT_MAX]);

/*
 * Reads a number; spaces and hyphens may stand between any two digits.
 * *account is set only for ACCOUNT_NUMBER_FINE; whether there is such an
 * account the bank knows.  SHAPE: another character, none or too many digits,
 * leading zeros.  CHECK: the check digits do not fit.
 */
enum account_number_fault account_number_parse(
    const char *text, size_t len, uint64_t *account);

/* The sentence for people; never NULL. */
const char *account_number_sentence(enum account_number_fault fault);

#endif
