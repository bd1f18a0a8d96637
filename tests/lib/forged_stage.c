/* SPDX-License-Identifier: ISC */
/* Implementation of forged_stage.h. */
#include "tests/lib/forged_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

enum { LIFE = 1000 };

struct forged_log day, log_now;

static char directory[] = "/tmp/forged_stage.XXXXXX";

static int
begin(unsigned entries)
{
	if (sodium_init() < 0)
		return 1;
	forged_log_of_a_life(&day, entries);
	forged_log_directory(&day, directory);
	forged_log_write(&day);
	return 0;
}

int
forged_stage_begin(void **state)
{
	(void)state;
	return begin(0);
}

int
forged_stage_begin_life(void **state)
{
	(void)state;
	return begin(LIFE);
}

int
forged_stage_setup(void **state)
{
	(void)state;
	log_now = day;
	forged_log_write(&log_now);
	return 0;
}

int
forged_stage_end(void **state)
{
	(void)state;
	forged_log_remove(&day);
	return 0;
}

void
forged_stage_expect(const struct forged_verdict *verdict, enum verify_exit exit,
    const char *words)
{
	if (verdict->exit != exit || strstr(verdict->why, words) == NULL)
		fail_msg("exit %d, `%s' does not say `%s'", (int)verdict->exit,
		    verdict->why, words);
}

void
forged_stage_tampered(const char *words)
{
	forged_stage_expect(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
	    VERIFY_TAMPERED, words);
	forged_stage_expect(
	    forged_log_verify(&log_now, 0, true), VERIFY_TAMPERED, words);
}
