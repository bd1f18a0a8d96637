/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_BACKUP_VERIFY_H
#define CLIENT_CTL_BACKUP_VERIFY_H
/*
 * strongroom-verify's walk without keys, over the ledger of a backup's set.
 */
#include "client/ctl/backup_set.h"
#include "client/bankfile.h"
#include "common/config.h"
#include "common/note.h"

/*
 * SR_OK when the set's ledger is whole, has no tail, and its published
 * checkpoint is of exactly that size and root.
 *   since    path of an older checkpoint that it must continue, or NULL
 *   why      a sentence when not (BACKUP_WHY_MAX bytes)
 * SR_DAMAGED, SR_TOO_LARGE.
 */
enum { BACKUP_WHY_MAX = 512 };

enum sr_error backup_verify(const struct backup_set *set,
    const struct bankfile *bank, uint64_t size, const uint8_t root[32],
    const char *since, char why[BACKUP_WHY_MAX]);

/*
 * Reads a checkpoint at path that a log key of the set's certificates has
 * signed.  SR_DAMAGED and why when it is none.
 */
enum sr_error backup_verify_checkpoint(const struct backup_set *set,
    const struct bankfile *bank, const char *path, struct checkpoint *out,
    uint8_t signature[NOTE_SIGNATURE_LEN], char why[BACKUP_WHY_MAX]);

/*
 * True if the log of that ledger directory came from one origin to the other
 * by rotations of the log key alone, none of them below that size.
 */
bool backup_rotated(const struct config *config, const struct bankfile *bank,
    uint32_t from, uint64_t size, uint32_t to);

#endif
