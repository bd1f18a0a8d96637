/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FUZZ_H
#define TESTS_LIB_FUZZ_H
/*
 * A target of libFuzzer is one function that takes any bytes.  Built with gcc
 * it gets the main of fuzz.c, which feeds it the files of a corpus.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns 0; ends the program when the decoder breaks a promise. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A promise of the decoder's. */
void fuzz_must(bool condition);

/*
 * The decoder has taken these bytes as what they should be: of each target's
 * corpus that holds for one file at least (tests/unit/test_fuzz_corpus.py).
 */
void fuzz_taken(void);
extern unsigned fuzz_taken_count;

enum { FUZZ_PATH_MAX = 64 };

/*
 * The bytes as a file in memory, mode 0600, for what reads files by name.
 * There are FUZZ_FILES of them, which stay open: `which' is written anew.
 */
enum { FUZZ_FILES = 3 };
void fuzz_file(
    unsigned which, const uint8_t *bytes, size_t len, char path[FUZZ_PATH_MAX]);

/* The same beneath a directory that is gone at the end; its parents, too. */
const char *fuzz_directory(void);
void fuzz_put(const char *name, const uint8_t *bytes, size_t len);

/* Throws away what the code under test prints, and not what a target dies of. */
void fuzz_quiet(void);

#endif
