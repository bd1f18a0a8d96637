/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FORGED_STAGE_H
#define TESTS_LIB_FORGED_STAGE_H
/*
 * What all tests on a forged log begin with: the log as it was lived, and one
 * that a test may change, written beneath a directory of its own.
 */
#include "tests/lib/forged_log.h"

extern struct forged_log day; /* as lived */
extern struct forged_log log_now;

/* For cmocka; begin: a day, begin_life: some 1,000 entries. */
int forged_stage_begin(void **state);
int forged_stage_begin_life(void **state);
int forged_stage_setup(void **state);
int forged_stage_end(void **state);

/* Fails the test unless that was found, and the sentence holds these words. */
void forged_stage_expect(const struct forged_verdict *verdict,
    enum verify_exit exit, const char *words);

/* Tampered, with keys and without. */
void forged_stage_tampered(const char *words);

/* A test on the log as it was lived. */
#define FORGED_STORY(test) cmocka_unit_test_setup(test, forged_stage_setup)

#endif
