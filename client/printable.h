/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_PRINTABLE_H
#define CLIENT_PRINTABLE_H
/*
 * Names of files may come from strangers, and a terminal obeys what is printed
 * on it.
 */

/* Puts a question mark for each byte that is not printable ASCII; text. */
char *make_printable(char *text);

enum { PRINTABLE_MAX = 1024 };

/* The same of a copy, which ends after so much. */
char *printable(const char *text, char copy[PRINTABLE_MAX]);

#endif
