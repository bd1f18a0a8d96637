/* SPDX-License-Identifier: ISC */
#ifndef COMMON_IDS_H
#define COMMON_IDS_H
/*
 * How customers and accounts are numbered.  keyd numbers customers from 1 up
 * (below 2^48); an account id is customer * 65536 + index, so whoever knows
 * an attested customer id knows that customer's accounts.  Customer 0 is the
 * bank itself.
 */
#include <stdbool.h>
#include <stdint.h>

#define CUSTOMER_BANK UINT64_C(0)
#define CUSTOMER_FIRST UINT64_C(1)
#define CUSTOMER_LIMIT (UINT64_C(1) << 48) /* ids are below it */

/* Indexes of a customer's accounts. */
#define ACCOUNT_INDEX_MAIN 0u
#define ACCOUNT_INDEX_TILL 1u    /* of a terminal's or teller's principal */
#define ACCOUNT_INDEX_FURTHER 2u /* and up: opened by the customer */

/* Indexes of the bank's own accounts (customer 0). */
#define ACCOUNT_INDEX_ISSUE 1u
#define ACCOUNT_INDEX_OVER_SHORT 2u

/* True for a customer that keyd may have numbered; the bank is none. */
static inline bool
customer_id_valid(uint64_t customer)
{
	return customer >= CUSTOMER_FIRST && customer < CUSTOMER_LIMIT;
}

static inline uint64_t
account_id(uint64_t customer, unsigned index)
{
	return customer << 16 | (index & 0xffffu);
}

static inline uint64_t
account_customer(uint64_t account)
{
	return account >> 16;
}

static inline unsigned
account_index(uint64_t account)
{
	return (unsigned)(account & 0xffffu);
}

#define ACCOUNT_ISSUE (CUSTOMER_BANK << 16 | ACCOUNT_INDEX_ISSUE)
#define ACCOUNT_OVER_SHORT (CUSTOMER_BANK << 16 | ACCOUNT_INDEX_OVER_SHORT)

#endif
