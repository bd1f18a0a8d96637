/* SPDX-License-Identifier: ISC */
#ifndef KEYD_ROTATION_H
#define KEYD_ROTATION_H
/*
 * A rotation start: the log goes on, from the head that keyd has signed last,
 * under a new log key and so under a new origin.
 *
 * Until the rotation note is in the log the old key signs, as in any start,
 * and nothing of the new one is on the disk: so a rotation that is cut off
 * has not begun.  Then epoch, certificate and tree go to the disk in one
 * save, and into both slots before the new key signs its first head: no slot
 * is left that could sign under the old origin.  There is no time at which
 * both keys sign, and none at which none does.
 *
 * The attestation key, the channel key and OPAQUE's pair are rotated with the
 * log key, never alone: a certificate's epoch is that of its log key, so that
 * the note in the log, which both log keys sign, says from which entry on it is
 * in force.
 *
 * The new certificate is made at the start, so the identity is wiped before
 * anything is answered.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"
#include "common/rotation.h"

struct keyd;
struct keyd_params;
struct keys_origin;
struct message_key_use;

struct rotation {
	bool wanted; /* a rotation start, and the note is not in the log yet */
	bool noted;  /* the note was made: it is made once */
	uint8_t note[ROTATION_NOTE_LEN];
	uint8_t certificate[CERTIFICATE_LEN]; /* of the new keys */
};

/*
 * After the state was read: derives the log key of the next epoch, and the key
 * that is wanted, and has them certified.  *next: the present ones.
 * SR_NOT_ALLOWED without the identity, before the founding or on the files of
 * a backup; SR_PARAMETERS for a key that does not rotate so; SR_CRYPTO.
 */
enum sr_error rotation_begin(
    struct keyd *k, const struct keyd_params *params, struct keys_origin *next);

/*
 * The keys of k->keys->next and their certificate are in force, in both slots
 * of the state; also after a restore.  Errors of the disk end keyd.
 */
enum sr_error rotation_turn(
    struct keyd *k, const uint8_t certificate[CERTIFICATE_LEN]);

/* True if key_use brings the leaf of a rotation note, whichever. */
bool rotation_is_note(const struct message_key_use *m);

/* That leaf: the new key is in force from then on, or all is as it was. */
void rotation_finish(struct keyd *k, const struct message_key_use *m);

#endif
