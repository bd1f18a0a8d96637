/* SPDX-License-Identifier: ISC */
#ifndef KEYD_UNLOCK_CHANGE_H
#define KEYD_UNLOCK_CHANGE_H
/*
 * A change of what opens a bank: an envelope is added to root.sealed or taken
 * out, or the one that is in hand, of shares, is noted as rehearsed.  The new file is written beside the old one, which stays as it is;
 * strongroomd puts it in force once this process has ended well.
 *
 * The request comes from strongroomctl through a socket, so that strongroomd
 * never sees it: u16 length | label | u16 length | new secret | the present
 * secret, to the end.  There is no new secret for shares, which are drawn, and
 * neither label nor new secret but to add one.  The
 * answer goes back the same way: the error, a u16, and the shares' records if
 * there are new ones, which stand in no file.
 *
 * What the configuration opens the bank with goes along: a change after which
 * it would do so no more is refused.
 *
 * A bank of version 1 becomes one of version 2 with its first change, which
 * therefore needs identity.sealed: root.sealed is replaced first, and as long
 * as identity.sealed is not, the passphrase opens both.
 */
#include "keyd/unlock_files.h"

enum unlock_what {
	UNLOCK_NO_CHANGE = 0,
	UNLOCK_ADD = 1,
	UNLOCK_REMOVE = 2,
	UNLOCK_REHEARSED = 3,
};

/* The options, as a room takes them. */
struct unlock_change {
	enum unlock_what what;
	uint64_t kind;     /* of the present secret: enum sealed_kind */
	uint64_t new_kind; /* of the one to be added */
	uint64_t quorum;   /* of shares, and of how many */
	uint64_t shares;
	uint64_t number;     /* of the one to be taken out, or rehearsed */
	uint64_t configured; /* kind in FD_UNLOCK_CONFIGURED; 0: none */
	uint64_t made_ms;
};

/*
 * Does it: len bytes of the request stand in s->given.  with_identity: there
 * are FD_UNLOCK_IDENTITY and FD_UNLOCK_NEW_IDENTITY, which stays empty when
 * identity.sealed may stay as it is.
 */
void unlock_change_files(struct unlock_secrets *s,
    const struct unlock_change *change, size_t len, bool with_identity);

/* Tells whoever asked. */
void unlock_change_answer(enum sr_error error);

#endif
