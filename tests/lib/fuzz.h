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

#endif
