/* SPDX-License-Identifier: ISC */
/*
 * Limits as operators write them.  Must never change one of the four that
 * was not named, save a soft floor that would contradict the others.
 */
#include "client/ctl/limits.h"

#include <inttypes.h>

#include "client/ctl/names.h"

bool
ctl_limits_given(const struct ctl_options *options)
{
	return options->floor != NULL || options->soft_floor != NULL ||
	       options->ceiling != NULL || options->day_limit != NULL;
}

static enum sr_error
wrong(const char *why)
{
	fprintf(stderr, "strongroomctl: %s\n", why);
	return SR_USAGE;
}

/* What the book demands of a customer's limits. */
static enum sr_error
check(const struct order_limits *limits)
{
	if (limits->floor_minor > 0)
		return wrong("--floor is 0 or negative: -50.00 lets 50.00 be "
			     "owed");
	if (limits->ceiling_minor < 0)
		return wrong("--ceiling is 0 or positive, or `none'");
	if (limits->day_limit_minor < 0)
		return wrong("--day-limit is 0 or positive, or `none'");
	if (limits->soft_floor_minor < limits->floor_minor ||
	    limits->soft_floor_minor > limits->ceiling_minor)
		return wrong("--soft-floor lies between floor and ceiling");
	return SR_OK;
}

enum sr_error
ctl_limits_take(const struct ctl_options *options,
    const struct money_unit *unit, struct order_limits *limits)
{
	bool goes_along = limits->soft_floor_minor == limits->floor_minor;
	enum sr_error error = SR_OK;

	if (options->floor != NULL)
		error = ctl_limit(unit, "--floor", options->floor, false,
		    &limits->floor_minor);
	if (error == SR_OK && options->ceiling != NULL)
		error = ctl_limit(unit, "--ceiling", options->ceiling, true,
		    &limits->ceiling_minor);
	if (error == SR_OK && options->day_limit != NULL)
		error = ctl_limit(unit, "--day-limit", options->day_limit, true,
		    &limits->day_limit_minor);
	if (error != SR_OK)
		return error;
	if (goes_along || limits->soft_floor_minor < limits->floor_minor)
		limits->soft_floor_minor = limits->floor_minor;
	if (limits->soft_floor_minor > limits->ceiling_minor)
		limits->soft_floor_minor = limits->ceiling_minor;
	if (options->soft_floor != NULL)
		error = ctl_limit(unit, "--soft-floor", options->soft_floor,
		    false, &limits->soft_floor_minor);
	return error == SR_OK ? check(limits) : error;
}

void
ctl_limits_print(
    FILE *out, const struct money_unit *unit, const struct order_limits *limits)
{
	char floor[CTL_LIMIT_TEXT_MAX], soft[CTL_LIMIT_TEXT_MAX];
	char ceiling[CTL_LIMIT_TEXT_MAX], day[CTL_LIMIT_TEXT_MAX];

	fprintf(out, "floor %s, soft floor %s, ceiling %s, day limit %s",
	    ctl_limit_text(limits->floor_minor, unit, floor),
	    ctl_limit_text(limits->soft_floor_minor, unit, soft),
	    ctl_limit_text(limits->ceiling_minor, unit, ceiling),
	    ctl_limit_text(limits->day_limit_minor, unit, day));
}

/* What is no limit is null. */
static void
print_member(const char *name, int64_t minor)
{
	if (minor == INT64_MAX || minor <= -INT64_MAX)
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%" PRId64, name, minor);
}

void
ctl_limits_print_json(const struct order_limits *limits)
{
	print_member("floor_minor", limits->floor_minor);
	print_member("soft_floor_minor", limits->soft_floor_minor);
	print_member("ceiling_minor", limits->ceiling_minor);
	print_member("day_limit_minor", limits->day_limit_minor);
}
