/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H
/* Text as JSON has it (RFC 8259). */
#include <stddef.h>
#include <stdio.h>

/* Writes len bytes of UTF-8 as a JSON string, with its quotation marks. */
void json_string(FILE *out, const void *text, size_t len);

#endif
