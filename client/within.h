/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_WITHIN_H
#define CLIENT_WITHIN_H
/* Evidence that lies in what it is to be compared with says nothing of it. */
#include <stdbool.h>

/*
 * Whether a path is this directory or leads to something within it, links
 * followed (realpath(3)).  False when either of them leads to no file, as a
 * pipe's does.
 */
bool within(const char *path, const char *directory);

#endif
