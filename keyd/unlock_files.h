/* SPDX-License-Identifier: ISC */
#ifndef KEYD_UNLOCK_FILES_H
#define KEYD_UNLOCK_FILES_H
/*
 * What strongroom-unlock does with the files that it was given.  Whatever
 * fails ends it, with a sentence and the error's exit status; when it changes
 * a file, whoever asked is told the error, too.
 */
#include <stdbool.h>

#include "common/seal_event.h"
#include "keyd/unlock_seal.h"

/* All secrets of this process, in one piece of protected memory. */
struct unlock_secrets {
	/* as given, one byte too many: what opens the bank, or a request */
	uint8_t given[SEALED_REQUEST_MAX + 1];
	uint8_t configured[SEALED_PASSPHRASE_MAX + 2];
	struct unlock_secret secret;
	uint8_t quorum_key[SEALED_SECRET_LEN]; /* that shares give */
	uint8_t data_key[SEALED_SECRET_LEN];
	/* as they go through the pipe: root, identity's seed */
	uint8_t out[2 * SEALED_SECRET_LEN];
	uint8_t identity_secret[64];
	/* of new shares */
	uint8_t new_key[SEALED_SECRET_LEN];
	uint8_t records[SHARE_COUNT_MAX * SHARE_LEN];
	size_t which; /* index of the envelope that was opened */
};

/* Tells strongroomd of the failure and ends the process. */
_Noreturn void unlock_end(enum sr_error error);

/* The same, and says what failed. */
_Noreturn void unlock_fail(const char *what, enum sr_error error);

/*
 * Reads to the end of the file, at most max bytes.  A secret without an end,
 * because its writer still lives, is a wrong one.
 */
size_t unlock_read(int fd, const char *what, uint8_t *out, size_t max);
void unlock_write(int fd, const char *what, const uint8_t *bytes, size_t len);

/*
 * What was given, len bytes at bytes, as what opens an envelope of a kind.  Of
 * shares only unlock_open_root() makes that.
 */
void unlock_take_secret(struct unlock_secret *secret, enum sealed_kind kind,
    const uint8_t *bytes, size_t len);

/* The bank id that the identity's seed in s->out gives. */
void unlock_bank_id(struct unlock_secrets *s, uint8_t bank_id[32]);

/* root.sealed with s->secret: root and, from version 2 on, data key. */
void unlock_open_root(struct unlock_secrets *s, struct sealed *root);
/* identity.sealed after root.sealed, which must be of the same bank. */
void unlock_open_identity(struct unlock_secrets *s, const struct sealed *root,
    struct sealed *identity);

/*
 * Tells strongroomd what was done, which goes on even if it cannot be told: a
 * journal that lacks it is better than a bank that does not start.
 */
void unlock_tell(const struct seal_event *seal);

/*
 * Tells strongroomd why it fails, because exit statuses are the same for many
 * an error.
 */
void unlock_tell_failure(enum sr_error error);

/* Seals the secret, writes the file and syncs it. */
void unlock_put(int fd, const char *what, struct sealed *sealed,
    const struct unlock_secrets *s, const uint8_t secret[SEALED_SECRET_LEN]);

#endif
