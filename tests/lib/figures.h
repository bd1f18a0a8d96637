/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FIGURES_H
#define TESTS_LIB_FIGURES_H
/*
 * Published figures for tests: hexadecimal in the source, and the JSON files
 * of test vectors where their folder is there ($VECTORS, else
 * ../shared/vectors).  Whatever is malformed fails the test that reads it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any value of the files has, in bytes. */
#define FIGURES_MAX 16384

struct bytes {
	size_t len;
	uint8_t at[FIGURES_MAX];
};

/* The bytes of a string of hexadecimal digits. */
struct bytes *figures_hex(struct bytes *out, const char *hex);

/* The same where the number of bytes is known; out has len bytes. */
void figures_exactly(void *out, size_t len, const char *hex);

/* One object that is an element of an array in a file, see figures_each. */
struct figures;

/*
 * The value of a name as text: in the object itself, in objects that are its
 * members, or in the objects around it as far as they stood before it in the
 * file.  NULL if there is none.  Of an array of scalars, the last.
 */
const char *figures_text(const struct figures *f, const char *name);

/* As figures_text, as hexadecimal; a missing name fails the test. */
struct bytes *figures_bytes(
    const struct figures *f, const char *name, struct bytes *out);

/*
 * Calls each for every object of the file that is an element of an array, at
 * its end, inner ones first.  False, with a line on standard output, if the
 * file is not there; then there is nothing more to test.
 */
bool figures_each(const char *file,
    void (*each)(const struct figures *f, void *context), void *context);

/* Calls each once with the count names and values of pairs. */
void figures_given(const char *const (*pairs)[2], size_t count,
    void (*each)(const struct figures *f, void *context), void *context);

#endif
