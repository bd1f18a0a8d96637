/* SPDX-License-Identifier: ISC */
#ifndef KEYD_CREDENTIAL_INDEX_H
#define KEYD_CREDENTIAL_INDEX_H
/*
 * What is kept in memory of the customers of credentials.h: who has a name,
 * which generation the file must show, and which credentials rest on a former
 * epoch.  Part of credentials.h's implementation.
 */
#include "keyd/credentials.h"

/*
 * An empty index for so many customers and CREDENTIALS_HEADROOM more;
 * credentials_close() frees it, also after an error.  SR_TOO_LARGE, SR_MEMORY.
 */
enum sr_error index_make(struct credentials *c, uint64_t customers);

#endif
