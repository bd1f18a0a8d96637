/* SPDX-License-Identifier: ISC */
#ifndef POLICY_PROVE_H
#define POLICY_PROVE_H
/*
 * strongroomd --prove and its probe (strongroom-probe) agree on this: the
 * probe is started exactly as the room is, with the number of the room and of
 * one attempt of attempts.def, and ends by SIGSYS or with one of these.
 */
enum {
	PROBE_POSSIBLE = 10, /* the attempt succeeded: the wall has a hole */
	PROBE_REFUSED = 11,  /* the kernel answered with an error */
};

#define ATTEMPT(words, expression) +1
enum {
	ATTEMPTS = 0
#include "policy/attempts.def"
};
#undef ATTEMPT

#endif
