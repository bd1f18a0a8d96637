/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_ADDRESSES_H
#define CLIENT_CTL_ADDRESSES_H
/*
 * The addresses of a bank that is to be founded: those it listens on
 * (config_listen_parse()), and those of bank.id by which customers reach it,
 * which are the same unless --public-address names others.
 */
#include <stdbool.h>
#include <stddef.h>

#include "client/ctl/place.h"
#include "common/error.h"

struct ctl_addresses {
	const char *const *listen;
	size_t listen_count;
	const char *const *open; /* --public-address */
	size_t open_count;       /* 0: the same */
};

/*
 * What can be seen of the words alone: SR_USAGE, with a line on stderr, for
 * one that is no address, or where customers would get one that nobody can
 * reach (0.0.0.0, [::]).
 */
enum sr_error ctl_addresses_check(const struct ctl_addresses *addresses);

/*
 * Whether this machine has them for this bank: each TCP one is bound for a
 * moment, and the strongroom.conf of the machine's and of the asker's other
 * banks must not have it.  SR_USAGE with a line on stderr that says who has it.
 * What may pass, as a network that is not there yet, is a line and no error.
 */
enum sr_error ctl_addresses_free(
    const struct ctl_addresses *addresses, const struct ctl_place *own);

/* Whether only this machine reaches the bank at what customers get. */
bool ctl_addresses_local(const struct ctl_addresses *addresses);

#endif
