/* SPDX-License-Identifier: ISC */
/*
 * Sums of denominations, exactly: with the smallest one, d, a sum that leaves
 * the remainder r when divided by d can be raised by d again and again.  So
 * the least sum of each remainder says all.
 */
#include "client/denominations.h"

#include <stdio.h>
#include <string.h>

#define NEVER INT64_MAX

static int64_t
common_divisor(const struct denominations *denominations)
{
	int64_t divisor = 0;

	for (size_t i = 0; i < denominations->count; i++) {
		int64_t a = denominations->minor[i];

		while (a != 0) {
			int64_t rest = divisor % a;

			divisor = a;
			a = rest;
		}
	}
	return divisor;
}

static enum sr_error
add(struct denominations *denominations, int64_t minor)
{
	size_t place = denominations->count;

	if (denominations->count == DENOMINATIONS_MAX || minor <= 0)
		return SR_PARAMETERS;
	while (place > 0 && denominations->minor[place - 1] > minor)
		place--;
	if (place > 0 && denominations->minor[place - 1] == minor)
		return SR_PARAMETERS;
	memmove(&denominations->minor[place + 1], &denominations->minor[place],
	    (denominations->count - place) * sizeof(minor));
	denominations->minor[place] = minor;
	denominations->count++;
	return SR_OK;
}

void
denominations_print(
    const struct denominations *denominations, char out[DENOMINATIONS_TEXT_MAX])
{
	int n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < denominations->count; i++) {
		int more = snprintf(out + n,
		    (size_t)(DENOMINATIONS_TEXT_MAX - n), "%s%lld",
		    i > 0 ? "," : "", (long long)denominations->minor[i]);

		if (more < 0 || more >= DENOMINATIONS_TEXT_MAX - n) {
			out[0] = '\0';
			return;
		}
		n += more;
	}
}

enum sr_error
denominations_parse(
    const char *text, const struct money_unit *unit, struct denominations *out)
{
	static const struct money_unit whole = {"MINOR", 0};
	char printed[DENOMINATIONS_TEXT_MAX];
	enum sr_error error = SR_OK;

	*out = (struct denominations){0};
	for (;;) {
		size_t len = strcspn(text, ",;");
		int64_t minor;

		if (money_parse(text, len, unit != NULL ? unit : &whole,
			&minor) != MONEY_FINE)
			return SR_PARAMETERS;
		error = add(out, minor);
		if (error != SR_OK)
			return error;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	denominations_print(out, printed);
	return printed[0] != '\0' && out->minor[0] / common_divisor(out) <=
					 DENOMINATIONS_STEPS_MAX
		   ? SR_OK
		   : SR_PARAMETERS;
}

/* The least sum of each remainder, in steps of the common divisor. */
static void
least_sums(const struct denominations *denominations, int64_t divisor,
    int64_t smallest, int64_t least[DENOMINATIONS_STEPS_MAX])
{
	bool changed = true;

	for (int64_t i = 0; i < smallest; i++)
		least[i] = NEVER;
	least[0] = 0;
	while (changed) {
		changed = false;
		for (int64_t i = 0; i < smallest; i++) {
			for (size_t k = 1; k < denominations->count; k++) {
				int64_t step =
				    denominations->minor[k] / divisor;
				int64_t sum, *to;

				if (least[i] == NEVER ||
				    __builtin_add_overflow(
					least[i], step, &sum))
					continue;
				to = &least[sum % smallest];
				if (sum < *to) {
					*to = sum;
					changed = true;
				}
			}
		}
	}
}

bool
denominations_make(const struct denominations *denominations,
    int64_t amount_minor, int64_t *below, int64_t *above)
{
	static int64_t least[DENOMINATIONS_STEPS_MAX];
	int64_t divisor = common_divisor(denominations);
	int64_t smallest, want, up;

	*below = *above = 0;
	if (denominations->count == 0)
		return true;
	smallest = denominations->minor[0] / divisor;
	least_sums(denominations, divisor, smallest, least);
	want = amount_minor / divisor;
	/* the first step that is not below the amount */
	up = want + (amount_minor % divisor != 0);
	for (int64_t i = 0; i < smallest; i++) {
		/* the largest number up to want, the smallest from up on,
		 * both with the remainder i */
		int64_t down =
		    want - ((want % smallest - i) + smallest) % smallest;
		int64_t sum = up + ((i - up % smallest) + smallest) % smallest;

		if (least[i] == NEVER)
			continue;
		if (down >= least[i] && down * divisor > *below)
			*below = down * divisor;
		if (sum < least[i])
			sum = least[i];
		if (sum > INT64_MAX / divisor)
			continue;
		if (sum > 0 && (*above == 0 || sum * divisor < *above))
			*above = sum * divisor;
	}
	return *below == amount_minor;
}
