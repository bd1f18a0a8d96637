/* SPDX-License-Identifier: ISC */
#ifndef KEYD_RESTORE_H
#define KEYD_RESTORE_H
/*
 * A restore start: the bank goes on from a head that keyd had signed once,
 * whatever keyd's own files know of, and under a new origin.
 *
 * Until the restore note is in the log, keyd answers nobody but ledgerd,
 * appends nothing but that note, and writes nothing: so a restore that is cut
 * off has not begun.  Then epoch, certificate and tree go to the disk in one
 * save, and into both slots before the new head is signed: no slot is left
 * that could sign under the old origin.
 * The next epoch is that of keyd_next_origin().
 */
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"
#include "common/merkle.h"
#include "common/restore.h"

struct keyd;
struct keyd_params;
struct keys_origin;
struct message_key_use;

/* In the work arena; with it keyd is in the phase `restore'. */
struct restore {
	uint8_t root[32]; /* wiped with the identity */
	uint32_t epoch;   /* of the head that is wanted */
	uint64_t size;    /* 0: whichever is presented */
	bool noted;       /* the note was made: it is made once */
	uint8_t note[RESTORE_NOTE_LEN];
	uint8_t certificate[CERTIFICATE_LEN];
	struct merkle_frontier frontier;
};

/*
 * After the state was read: begins a restore start and derives the log key of
 * the next epoch.  SR_NOT_ALLOWED without the identity or before the
 * founding, SR_CRYPTO.
 */
enum sr_error restore_begin(
    struct keyd *k, const struct keyd_params *params, struct keys_origin *next);

/* The leaf of the note, as key_use brings it: ends the restore start. */
void restore_finish(struct keyd *k, const struct message_key_use *m);

#endif
