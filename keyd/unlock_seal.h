/* SPDX-License-Identifier: ISC */
#ifndef KEYD_UNLOCK_SEAL_H
#define KEYD_UNLOCK_SEAL_H
/*
 * What opens and closes root.sealed and identity.sealed; their form is
 * common/sealed.h.
 *
 *	passphrase  key = Argon2id (RFC 9106, p = 1), salt and cost as given
 *	credential  key = Expand(its 32 bytes, "sealed credential" | number)
 *	shares      key = Expand(the 32 bytes that they give,
 *			"sealed shares" | number)
 *	envelope    XChaCha20-Poly1305 of the data key under that key
 *	secret      XChaCha20-Poly1305 under Expand(data key, "sealed root")
 *			or Expand(data key, "sealed identity")
 *
 * Expand is kdf_expand_label(), the number a u16.  In version 1 the secret is
 * directly under the passphrase's key.
 *
 * Security: only strongroom-unlock links this.  The data key never leaves it,
 * so that a room which has the root cannot open identity.sealed with it.  Keys
 * on the way are wiped; a secret is written only where the caller says.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/sealed.h"

#define UNLOCK_CREDENTIAL_LEN 32u

/* For new envelopes: 64 MiB and 3 passes, about 70 ms a try on one core. */
#define UNLOCK_COST_DEFAULT \
	((struct sealed_cost){.passes = 3, .memory_len = 64u << 20})

/*
 * What somebody has: a passphrase, a credential, or, of shares, the 32 bytes
 * that they were combined to.
 */
struct unlock_secret {
	enum sealed_kind kind;
	const uint8_t *bytes;
	size_t len;
};

/* The passphrase's length without one line feed at its end. */
size_t unlock_passphrase_len(const void *passphrase, size_t len);

/*
 * The data key of a root.sealed of version 2, by the first envelope of that
 * kind that opens; *which is its index.  SR_UNLOCK_KIND: there is none of that
 * kind; SR_UNLOCK: none of them opens, or bytes of it were changed; SR_MEMORY
 * when Argon2id does not get its memory.  key is zeros unless SR_OK.
 */
enum sr_error unlock_open_envelope(const struct sealed *root,
    const struct unlock_secret *secret, uint8_t key[SEALED_SECRET_LEN],
    size_t *which);

/* The secret of a file of version 2.  SR_UNLOCK: not with this data key. */
enum sr_error unlock_open(const struct sealed *sealed,
    const uint8_t key[SEALED_SECRET_LEN], uint8_t out[SEALED_SECRET_LEN]);

/* The secret of a file of version 1.  Errors as unlock_open_envelope(). */
enum sr_error unlock_open_old(const struct sealed *sealed,
    const struct unlock_secret *secret, uint8_t out[SEALED_SECRET_LEN]);

/*
 * Appends an envelope for secret, with kind, label, made_ms, cost, quorum,
 * shares and hashes as in *like: under the set's next number.  The secret in
 * the file must then be sealed again.  SR_SEALS_FULL; SR_MEMORY.
 */
enum sr_error unlock_add_envelope(struct sealed *root,
    const struct sealed_envelope *like, const struct unlock_secret *secret,
    const uint8_t key[SEALED_SECRET_LEN]);

/*
 * Takes out the envelope with that number, which must not be the one at index
 * opened.  SR_NOT_FOUND; SR_LAST_ENVELOPE: there is no other; SR_IN_HAND: it is
 * the one that was opened, so that nobody has shown that another one opens.
 */
enum sr_error unlock_remove_envelope(
    struct sealed *root, uint16_t number, size_t opened);

/*
 * Notes that shares have been rehearsed: those of the envelope at index opened,
 * which must have that number.  SR_NOT_FOUND: it has not, or is none of shares.
 */
enum sr_error unlock_note_rehearsed(
    struct sealed *root, uint16_t number, size_t opened);

/* Seals the secret of a file of version 2, after all else in it is right. */
void unlock_close(struct sealed *sealed, const uint8_t key[SEALED_SECRET_LEN],
    const uint8_t secret[SEALED_SECRET_LEN]);

#endif
