/* SPDX-License-Identifier: ISC */
/*
 * The deterministic simulation: keyd and ledgerd as they are, over a disk, a
 * clock and links that fail as a seed tells (tests/lib/env_sim.h), and people
 * who use the bank meanwhile.  A seed and the commit are a run.
 *
 *	build/tests/sim/sim --seeds 4000        so many, over all cores
 *	build/tests/sim/sim --minutes 60        as many as there is time for
 *	build/tests/sim/sim --seed 17           one, which prints its digest
 *	build/tests/sim/sim --seed 17 --tell    and its story
 *	build/tests/sim/sim --seed 17 --export DIRECTORY
 *	                                        its ledger, for strongroom-verify
 *	build/tests/sim/sim --seed 17 --steps 3,9 --faults 0
 *	                                        with some of its plan only
 *
 * With --blind the simulation does not look at what is durable when something
 * leaves a room: a loss is then what a power cut has made one.
 *
 * A run that breaks a promise is made as small as can be, told, and printed
 * as one command; the exit status is then 1.
 *
 * plan.c says what may happen, acts.c what people do, recover.c what goes
 * wrong; watch.c, audit.c and model.c are the oracles:
 *   - an acknowledged order is in the journal once, as it was acknowledged,
 *     and its receipt holds; one that was refused is not;
 *   - what leaves a room rests on what is durable in both;
 *   - a segment's key that an auditor gets is in the log before;
 *   - an hour's budget that is spent stays so over kill and start, and who
 *     was turned away is counted in the log, nobody else;
 *   - keyd signs one head of a size, and it is the head of the log on the
 *     disk, every leaf and node of it computed anew;
 *   - the books are the model's and add up to zero; a replay gives what was
 *     in memory;
 *   - a bank starts again after whatever a sound disk can do.  After a disk
 *     lied, or directories were put back, it may refuse; it never goes on
 *     with anything else than all that it had acknowledged.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/drive.h"

static const char usage_text[] =
    "usage: sim [--seeds N | --minutes N] [--from SEED] [--jobs N] [--blind]\n"
    "       sim --seed N [--steps LIST] [--faults LIST] [--tell]\n"
    "       sim --seed N --export DIRECTORY\n";

static _Noreturn void
usage(void)
{
	fputs(usage_text, stderr);
	exit(64);
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (end == text || *end != '\0')
		usage();
	return value;
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'},
	    {"seeds", required_argument, NULL, 'n'},
	    {"from", required_argument, NULL, 'b'},
	    {"minutes", required_argument, NULL, 'm'},
	    {"jobs", required_argument, NULL, 'j'},
	    {"steps", required_argument, NULL, 'p'},
	    {"faults", required_argument, NULL, 'f'},
	    {"tell", no_argument, NULL, 't'},
	    {"export", required_argument, NULL, 'e'},
	    {"blind", no_argument, NULL, 'l'},
	    {NULL, 0, NULL, 0},
	};
	struct drive drive = {.seeds = 4000,
	    .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
	    .program = argv[0]};
	const char *steps = NULL, *faults = NULL;
	bool one = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 's':
			one = true;
			drive.from = number(optarg);
			break;
		case 'n':
			drive.seeds = number(optarg);
			break;
		case 'b':
			drive.from = number(optarg);
			break;
		case 'm':
			drive.seconds = 60 * number(optarg);
			drive.seeds = UINT64_MAX / 2;
			break;
		case 'j':
			drive.jobs = (unsigned)number(optarg);
			break;
		case 'p':
			steps = optarg;
			break;
		case 'f':
			faults = optarg;
			break;
		case 'e':
			drive.export_to = optarg;
			break;
		case 'l':
			drive.blind = true;
			break;
		case 't':
			drive.tells = true;
			break;
		default:
			usage();
		}
	if (optind != argc || drive.jobs == 0 || drive.jobs > DRIVE_JOBS_MAX)
		usage();
	if (!one)
		return drive_many(&drive);
	return drive_one(&drive, steps, faults);
}
