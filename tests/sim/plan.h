/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H
/*
 * What happens in the run of one seed: steps, and faults that strike in them.
 * Every step and every fault has its own random numbers, so that a plan from
 * which some were taken away does with the others what it did before.
 */
#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/env_sim.h"

enum {
	PLAN_STEPS_MAX = 64,
	PLAN_FAULTS_MAX = 32,
	PLAN_DRAWS = 6,
};

enum step_kind {
	STEP_TRANSFER,
	STEP_BURST, /* several people's orders, some one after the other */
	STEP_DEPOSIT,
	STEP_HOLD,
	STEP_SETTLE,  /* a post or a void, early or late */
	STEP_ORDER,   /* of the other kinds */
	STEP_RELEASE, /* of an overdue hold, by two operators */
	STEP_RETRY,   /* an order that was answered, sent again */
	STEP_ASK,     /* balance, statement, holds, directory */
	STEP_LOG_IN,
	STEP_WRONG_PASSWORD,
	STEP_LEAVE, /* the connection ends */
	STEP_REGISTER,
	STEP_PASSWORD,
	STEP_NEW_KEYS, /* of a customer */
	STEP_REKEY,    /* of a session */
	STEP_ENROL,
	STEP_REVOKE,
	STEP_ERASE,  /* a customer leaves */
	STEP_RETIRE, /* what an auditor has certified */
	STEP_ROLE,   /* given, used or taken */
	STEP_POLICY,
	STEP_DISCLOSE, /* of a segment's key; enrols the auditor first */
	STEP_GENERATION,
	STEP_TIME,  /* goes by */
	STEP_CLOCK, /* is set */
	STEP_STOP,  /* and start, in good order */
	STEP_KILL,
	STEP_CUT,
	STEP_COPY,  /* of the rooms' directories */
	STEP_STALE, /* the copy is put back */
	STEP_KIND_COUNT
};

/* The kinds of enum sim_fault come first. */
enum fault_kind {
	FAULT_CUT = SIM_FAULT_COUNT,
	FAULT_LATE, /* packets of a link */
	FAULT_ROT,
	FAULT_FULL,      /* disk, until there is room again */
	FAULT_READ_ONLY, /* likewise */
	FAULT_KIND_COUNT
};

struct step {
	enum step_kind kind;
	bool left_out;
	uint64_t draw[PLAN_DRAWS];
};

struct fault {
	unsigned step;
	unsigned kind; /* enum sim_fault or fault_kind */
	bool at_start; /* in the start that the step leads to, not in itself */
	bool in_keyd;
	bool left_out;
	uint64_t after; /* so many operations; at least 1 */
	uint64_t draw;
};

struct plan {
	uint64_t seed;
	unsigned step_count;
	unsigned fault_count;
	struct step step[PLAN_STEPS_MAX];
	struct fault fault[PLAN_FAULTS_MAX];
};

void plan_make(struct plan *plan, uint64_t seed);

/*
 * Leaves out what a list like "0-3,7" does not name ("-": everything).
 * False if it is no such list.
 */
bool plan_keep_steps(struct plan *plan, const char *list);
bool plan_keep_faults(struct plan *plan, const char *list);

/* The lists of what is kept, for one who wants to see the run again. */
void plan_lists(const struct plan *plan, char *steps, char *faults, size_t len);

const char *step_name(enum step_kind kind);
const char *fault_name(unsigned kind);

/* True for a disk that says that all is well when it is not. */
bool fault_lies(unsigned kind);

#endif
