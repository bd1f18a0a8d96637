/* SPDX-License-Identifier: ISC */
/* policy/authority.def as a function; what is not in it is not allowed. */
#include "common/authority.h"

#include <stddef.h>

#include "common/order.h"

static const struct {
	unsigned kind;
	unsigned role;
} may[] = {
#define MAY(kind, role) {kind, role},
#include "policy/authority.def"
#undef MAY
};

bool
authority_allows(unsigned kind, unsigned role)
{
	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++)
		if (may[i].kind == kind && may[i].role == role)
			return true;
	return false;
}

const char *
role_name(unsigned role)
{
	static const char *const names[] = {
	    "unknown", "customer", "terminal", "teller", "operator", "auditor"};

	return role < sizeof(names) / sizeof(names[0]) ? names[role] : names[0];
}
