/* SPDX-License-Identifier: ISC */
#ifndef COMMON_CONFIG_RELOAD_H
#define COMMON_CONFIG_RELOAD_H
/*
 * What of strongroom.conf can change while strongroomd runs, and what cannot.
 */
#include <stddef.h>

#include "common/config.h"

/* More than all keys of one list take, each with its section. */
#define CONFIG_KEYS_TEXT_MAX 512

/* As it stands in those lists. */
#define CONFIG_KEY_LISTEN "[netd] listen"

struct config_changes {
	/* "[netd] listen, [bank] data" and the like; empty: none */
	char taken[CONFIG_KEYS_TEXT_MAX];
	char kept[CONFIG_KEYS_TEXT_MAX];
	size_t taken_count;
	size_t kept_count;
};

/*
 * Takes over into running what may change, from what the file says now, and
 * lists the keys of which the value is another one: taken, and kept as they
 * were until the next start.  connections_max is what the rooms that run have
 * descriptors and memory for; more than so many [netd] max-connections are
 * kept, too.  0: no room runs.
 */
void config_reload(struct config *running, const struct config *file,
    uint32_t connections_max, struct config_changes *changes);

#endif
