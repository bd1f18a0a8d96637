/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_RETIRE_H
#define CLIENT_CTL_RETIRE_H
/*
 * What of a bank's journal is retired and what could be, as ledgerd says.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/error.h"

struct ctl_retention {
	struct entry_snapshot newest; /* number 0: none */
	struct entry_snapshot certified;
	uint64_t certified_leaf;
	struct entry_snapshot cut;
	bool busy;              /* retired segments are being removed */
	enum sr_error obstacle; /* SR_OK: it can be done now */
	/* what would go: segments from first to before the certified one's */
	uint32_t first;
	uint64_t entries;
	uint64_t bytes;
	uint64_t from_ms;
	uint64_t until_ms; /* of the first entry that stays */
};

/* Asks over the control connection; no line on stderr. */
enum sr_error ctl_retention_get(int control, struct ctl_retention *out);

#endif
