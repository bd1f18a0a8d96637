/* SPDX-License-Identifier: ISC */
#ifndef KEYD_TREE_H
#define KEYD_TREE_H
/* Between keyd's own files: the tree that it extends and signs. */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct keyd;

/* Appends and persists; the frontier is unchanged unless SR_OK. */
enum sr_error keyd_extend_tree(
    struct keyd *k, const uint8_t *leaves, size_t count);

/* Sends the head in force, signed, after everything else of it is saved. */
void keyd_answer_head(struct keyd *k, enum sr_error error);

#endif
