/* SPDX-License-Identifier: ISC */
#ifndef COMMON_AUTHORITY_H
#define COMMON_AUTHORITY_H
/*
 * Who may order what: policy/authority.def as a function, used by ledgerd
 * when it books and by strongroom-verify when it audits.
 */
#include <stdbool.h>

/* Roles keep their numbers for ever; they are in the journal and on the wire */
enum role {
	ROLE_CUSTOMER = 1,
	ROLE_TERMINAL = 2,
	ROLE_TELLER = 3,
	ROLE_OPERATOR = 4,
	ROLE_AUDITOR = 5,
};

/* True if a principal of that role may sign orders of that kind. */
bool authority_allows(unsigned kind, unsigned role);

/* "customer", "terminal" ...; "unknown" for others. */
const char *role_name(unsigned role);

#endif
