/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_UNLOCK_SECRET_H
#define CLIENT_CTL_UNLOCK_SECRET_H
/*
 * What opens a bank's keys, as the words of a command or a person give it.
 *
 * Security: it stays in memory for the length of the command, goes through a
 * pipe or a socket to strongroom-unlock, and the caller wipes it.
 */
#include "client/ctl/ctl.h"
#include "client/prompt.h"
#include "common/sealed.h"

_Static_assert(PROMPT_SECRET_MAX == SEALED_PASSPHRASE_MAX, "");

struct ctl_unlock_secret {
	enum sealed_kind kind; /* 0: as the configuration says */
	size_t len;
	char bytes[PROMPT_SECRET_MAX + 1];
};

/*
 * From --credential FILE or --passphrase-fd N; else, where the configuration
 * names a passphrase file that is there, or a credential of which the file
 * lies beside it (ctl_credential_beside), from that: whole, or, unless
 * `itself', as kind 0; else asked for at the terminal.  A line on stderr for
 * whatever fails, and for a file that was found.
 */
enum sr_error ctl_unlock_secret(const struct ctl_options *options,
    const struct config *config, bool itself, struct ctl_unlock_secret *out);

/*
 * Where init puts the credential that the configuration names: a file of that
 * name beside strongroom.conf.  False when it names none.  Whether the file is
 * there *there tells.
 */
bool ctl_credential_beside(
    const struct config *config, char path[CONFIG_PATH_MAX], bool *there);

/*
 * From here on nothing of this program is written to a core, read by others
 * or, of that secret, swapped out, and what is typed does not stay in a buffer
 * of standard input's.  NULL: there is no such secret.
 */
void ctl_unlock_guard(struct ctl_unlock_secret *secret);

/* A passphrase out of a file that root or who runs this alone can read. */
enum sr_error ctl_passphrase_read(
    const char *path, struct ctl_unlock_secret *out);

/* A file with the 32 bytes of a credential, that only its owner can read. */
enum sr_error ctl_credential_read(
    const char *path, uint8_t out[SEALED_SECRET_LEN]);

/* The same, but a new file with random bytes if none is there. */
enum sr_error ctl_credential_make(
    const char *path, uint8_t out[SEALED_SECRET_LEN]);

/* The read end of a pipe that holds those bytes and has no writer. */
enum sr_error ctl_unlock_pipe(const struct ctl_unlock_secret *secret, int *fd);

/* SR_UNLOCK by its kind: SR_PASSPHRASE, SR_CREDENTIAL, SR_SHARES. */
enum sr_error ctl_unlock_error(enum sr_error error, enum sealed_kind kind);

#endif
