/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_DRIVE_H
#define TESTS_SIM_DRIVE_H
/* Runs of many seeds over several processes, and of one that is looked at. */
#include <stdbool.h>
#include <stdint.h>

enum { DRIVE_JOBS_MAX = 64 };

struct drive {
	uint64_t from;    /* the first seed */
	uint64_t seeds;   /* so many */
	uint64_t seconds; /* or for so long; 0: no limit */
	unsigned jobs;
	bool tells;
	bool blind; /* only what a power cut shows counts as a loss */
	const char *export_to; /* of one run that went on; NULL: nowhere */
	const char *program;   /* as it was called */
};

/* The exit status: 0, or 1 for a loss. */
int drive_many(const struct drive *drive);

/* One seed, with a part of its plan if the lists are not NULL. */
int drive_one(const struct drive *drive, const char *steps, const char *faults);

#endif
