/* SPDX-License-Identifier: ISC */
/* The plan of a seed.  Must depend on the seed and on nothing else. */
#include "tests/sim/plan.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What kind of day it is; a seed has one of them. */
enum day {
	DAY_CRASHES,
	DAY_FAILURES,   /* of the disk that say so */
	DAY_LIES,       /* of the disk that do not */
	DAY_STALE,      /* directories put back */
	DAY_RECOVERIES, /* faults in starts, one after the other */
	DAY_QUIET,      /* only people */
	DAY_COUNT
};

struct chance {
	unsigned what;
	unsigned weight;
};

static const struct chance steps[] = {
    {STEP_TRANSFER, 14},
    {STEP_BURST, 9},
    {STEP_DEPOSIT, 7},
    {STEP_HOLD, 8},
    {STEP_SETTLE, 7},
    {STEP_ORDER, 14},
    {STEP_RELEASE, 3},
    {STEP_RETRY, 4},
    {STEP_ASK, 5},
    {STEP_LOG_IN, 2},
    {STEP_WRONG_PASSWORD, 1},
    {STEP_LEAVE, 1},
    {STEP_REGISTER, 2},
    {STEP_PASSWORD, 2},
    {STEP_NEW_KEYS, 2},
    {STEP_REKEY, 1},
    {STEP_ENROL, 1},
    {STEP_REVOKE, 1},
    {STEP_ERASE, 3},
    {STEP_RETIRE, 2},
    {STEP_ROLE, 3},
    {STEP_POLICY, 1},
    {STEP_DISCLOSE, 3},
    {STEP_GENERATION, 1},
    {STEP_TIME, 3},
    {STEP_CLOCK, 1},
    {STEP_STOP, 1},
    {STEP_KILL, 2},
    {STEP_CUT, 3},
};

static const struct chance crashes[] = {
    {FAULT_CUT, 8},
    {SIM_FAIL_SYNC, 1},
    {FAULT_LATE, 2},
};

static const struct chance failures[] = {
    {FAULT_CUT, 2},
    {SIM_FAIL_READ, 2},
    {SIM_FAIL_WRITE, 4},
    {SIM_FULL_WRITE, 3},
    {SIM_FAIL_SYNC, 5},
    {SIM_FAIL_ENTRY, 4},
    {FAULT_LATE, 2},
    {FAULT_FULL, 2},
    {FAULT_READ_ONLY, 2},
};

static const struct chance lies[] = {
    {FAULT_CUT, 2},
    {SIM_CORRUPT_READ, 3},
    {SIM_MISDIRECT_READ, 3},
    {SIM_CORRUPT_WRITE, 3},
    {SIM_MISDIRECT_WRITE, 3},
    {FAULT_ROT, 3},
};

struct dice {
	uint8_t seed[32];
	uint64_t drawn;
};

static uint64_t
dice_draw(struct dice *dice)
{
	uint64_t number;

	memcpy(dice->seed + 24, &dice->drawn, 8);
	dice->drawn++;
	randombytes_buf_deterministic(&number, sizeof(number), dice->seed);
	return number;
}

static unsigned
dice_below(struct dice *dice, unsigned below)
{
	return (unsigned)(dice_draw(dice) % below);
}

static unsigned
dice_choose(struct dice *dice, const struct chance *chances, size_t count)
{
	unsigned sum = 0, at;

	for (size_t i = 0; i < count; i++)
		sum += chances[i].weight;
	at = dice_below(dice, sum);
	for (size_t i = 0;; i++) {
		if (at < chances[i].weight)
			return chances[i].what;
		at -= chances[i].weight;
	}
}

#define CHOOSE(dice, chances) \
	dice_choose(dice, chances, sizeof(chances) / sizeof((chances)[0]))

static struct fault *
add_fault(struct plan *plan, struct dice *dice, unsigned step, unsigned kind)
{
	struct fault *fault = &plan->fault[plan->fault_count];

	if (plan->fault_count == PLAN_FAULTS_MAX)
		return fault - 1;
	plan->fault_count++;
	fault->step = step;
	fault->kind = kind;
	fault->in_keyd = dice_below(dice, 3) == 0;
	/* most steps do some ten operations, some a hundred; a few syncs */
	fault->after = kind == FAULT_CUT || kind == SIM_FAIL_READ ||
			       kind == SIM_CORRUPT_READ ||
			       kind == SIM_MISDIRECT_READ
			   ? 1 + dice_below(dice, dice_below(dice, 3) ? 16 : 60)
			   : 1 + dice_below(dice, 5);
	fault->draw = dice_draw(dice);
	return fault;
}

static unsigned
fault_of_day(struct dice *dice, enum day day)
{
	switch (day) {
	case DAY_FAILURES:
		return CHOOSE(dice, failures);
	case DAY_LIES:
		return CHOOSE(dice, lies);
	case DAY_CRASHES:
	case DAY_STALE:
	case DAY_RECOVERIES:
	case DAY_QUIET:
	case DAY_COUNT:
		break;
	}
	return CHOOSE(dice, crashes);
}

/* Any step; more often one in which somebody leaves. */
static unsigned
place_of_fault(const struct plan *plan, struct dice *dice)
{
	unsigned first = dice_below(dice, plan->step_count);

	for (unsigned i = 0; i < plan->step_count && first % 3 == 0; i++) {
		unsigned step = (first + i) % plan->step_count;

		if (plan->step[step].kind == STEP_ERASE ||
		    plan->step[step].kind == STEP_RETIRE)
			return step;
	}
	return first;
}

static void
add_faults(struct plan *plan, struct dice *dice, enum day day)
{
	unsigned count = 1 + dice_below(dice, 6);
	bool in_keyd = dice_below(dice, 3) == 0;

	for (unsigned i = 0; i < count && day != DAY_QUIET; i++) {
		unsigned step = place_of_fault(plan, dice);
		unsigned again = day == DAY_RECOVERIES ? 3 : 1;

		add_fault(plan, dice, step, fault_of_day(dice, day));
		/* and while it recovers, the next one */
		for (unsigned j = dice_below(dice, again + 1); j > 0; j--) {
			enum day its = day;

			if (day == DAY_RECOVERIES)
				its = j % 2 ? DAY_CRASHES : DAY_FAILURES;
			add_fault(plan, dice, step, fault_of_day(dice, its))
			    ->at_start = true;
		}
	}
	/* one disk lies: where both do, both may hide the same order */
	for (unsigned i = 0; i < plan->fault_count; i++)
		if (fault_lies(plan->fault[i].kind))
			plan->fault[i].in_keyd = in_keyd;
}

void
plan_make(struct plan *plan, uint64_t seed)
{
	struct dice dice = {.seed = "the plan of a seed"};
	enum day day;

	memset(plan, 0, sizeof(*plan));
	plan->seed = seed;
	for (unsigned i = 0; i < 4; i++)
		dice.seed[18 + i] = (uint8_t)(seed >> 8 * i);
	for (unsigned i = 0; i < 2; i++)
		dice.seed[22 + i] = (uint8_t)(seed >> (32 + 8 * i));
	day = (enum day)dice_below(&dice, DAY_COUNT);
	plan->step_count = 8 + dice_below(&dice, 25);
	for (unsigned i = 0; i < plan->step_count; i++) {
		struct step *step = &plan->step[i];

		step->kind = (enum step_kind)CHOOSE(&dice, steps);
		for (unsigned j = 0; j < PLAN_DRAWS; j++)
			step->draw[j] = dice_draw(&dice);
	}
	if (day == DAY_STALE) {
		unsigned copied = dice_below(&dice, plan->step_count - 1);
		unsigned left = plan->step_count - copied - 1;

		plan->step[copied].kind = STEP_COPY;
		/* often soon: then perhaps nothing was lost */
		if (left > 4 && dice_below(&dice, 2))
			left = 4;
		plan->step[copied + 1 + dice_below(&dice, left)].kind =
		    STEP_STALE;
	}
	add_faults(plan, &dice, day);
}

/* ---- lists -------------------------------------------------------------- */

static bool
list_read(const char *list, bool *named, unsigned count)
{
	char *end;

	memset(named, 0, count * sizeof(*named));
	if (strcmp(list, "-") == 0)
		return true;
	for (;;) {
		unsigned long from = strtoul(list, &end, 10), to = from;

		if (end == list)
			return false;
		if (*end == '-') {
			list = end + 1;
			to = strtoul(list, &end, 10);
			if (end == list)
				return false;
		}
		for (; from <= to && from < count; from++)
			named[from] = true;
		if (*end == '\0')
			return true;
		if (*end != ',')
			return false;
		list = end + 1;
	}
}

bool
plan_keep_steps(struct plan *plan, const char *list)
{
	bool named[PLAN_STEPS_MAX];

	if (!list_read(list, named, PLAN_STEPS_MAX))
		return false;
	for (unsigned i = 0; i < plan->step_count; i++)
		plan->step[i].left_out = !named[i];
	return true;
}

bool
plan_keep_faults(struct plan *plan, const char *list)
{
	bool named[PLAN_FAULTS_MAX];

	if (!list_read(list, named, PLAN_FAULTS_MAX))
		return false;
	for (unsigned i = 0; i < plan->fault_count; i++)
		plan->fault[i].left_out = !named[i];
	return true;
}

static void
list_write(const bool *named, unsigned count, char *list, size_t len)
{
	size_t at = 0;

	list[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		unsigned from = i;

		if (!named[i])
			continue;
		while (i + 1 < count && named[i + 1])
			i++;
		at += (size_t)snprintf(list + at, len - at,
		    from == i ? "%s%u" : "%s%u-%u", at > 0 ? "," : "", from, i);
		if (at >= len)
			abort();
	}
	if (at == 0)
		snprintf(list, len, "-");
}

void
plan_lists(
    const struct plan *plan, char *steps_list, char *faults_list, size_t len)
{
	bool named[PLAN_STEPS_MAX];

	for (unsigned i = 0; i < plan->step_count; i++)
		named[i] = !plan->step[i].left_out;
	list_write(named, plan->step_count, steps_list, len);
	for (unsigned i = 0; i < plan->fault_count; i++)
		named[i] = !plan->fault[i].left_out;
	list_write(named, plan->fault_count, faults_list, len);
}

/* ---- names -------------------------------------------------------------- */

const char *
step_name(enum step_kind kind)
{
	static const char *const names[STEP_KIND_COUNT] = {"transfer", "burst",
	    "deposit", "hold", "settle", "order", "release", "retry", "ask",
	    "log-in", "wrong password", "leave", "register", "password",
	    "new keys", "rekey", "enrol", "revoke", "erase", "retire", "role",
	    "policy", "disclose", "generation", "time", "clock", "stop", "kill",
	    "cut", "copy", "stale directory"};

	return names[kind];
}

const char *
fault_name(unsigned kind)
{
	static const char *const names[FAULT_KIND_COUNT] = {"read error",
	    "write error", "no space", "sync error", "entry error",
	    "corrupt read", "misdirected read", "corrupt write",
	    "misdirected write", "power cut", "late packets", "rot",
	    "full disk", "read-only disk"};

	return names[kind];
}

bool
fault_lies(unsigned kind)
{
	return kind == SIM_CORRUPT_READ || kind == SIM_MISDIRECT_READ ||
	       kind == SIM_CORRUPT_WRITE || kind == SIM_MISDIRECT_WRITE ||
	       kind == FAULT_ROT;
}
