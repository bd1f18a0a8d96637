/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H
/*
 * The one set of errors of the whole bank: on the wire, in logs, in exit
 * codes and on the screen.  Functions that can fail return it.
 */

enum sr_error {
#define ERROR(name, number, exit_code, sentence) name = (number),
#include "common/errors.def"
#undef ERROR
};

/* The name as in the table, "SR_FUNDS"; "SR_UNKNOWN" for a number not in it. */
const char *error_name(enum sr_error error);

/* The sentence for people; never NULL. */
const char *error_sentence(enum sr_error error);

/* The exit code of a command that ends with this error. */
int error_exit(enum sr_error error);

/* Turns a number from the wire into an error; SR_MALFORMED if unknown. */
enum sr_error error_of_wire(unsigned number);

#endif
