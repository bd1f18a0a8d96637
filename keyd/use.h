/* SPDX-License-Identifier: ISC */
#ifndef KEYD_USE_H
#define KEYD_USE_H
/* Between keyd's own files: the leaf of what is done only when it is logged. */
#include <stdint.h>

struct message_key_use;

/* The leaf, from its fields: what is logged is what is done. */
void use_leaf(const struct message_key_use *m, uint8_t hash[32]);

#endif
