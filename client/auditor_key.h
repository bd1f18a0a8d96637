/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_AUDITOR_KEY_H
#define CLIENT_AUDITOR_KEY_H
/*
 * An auditor's key pair (X25519) in two files of one line each:
 *
 *	FILE.pub  strongroom-auditor-public 64 hex digits
 *	FILE      strongroom-auditor-secret 64 hex digits
 *
 * The secret is made with mode 0600 and refused with any other access than
 * its owner's.  Errors come with a line on stderr that begins with the
 * program's name.
 */
#include <stdint.h>

#include "common/error.h"

/* Makes both files anew, synced; SR_EXISTS, SR_IO. */
enum sr_error auditor_key_generate(const char *program, const char *path);

/* SR_IO, SR_CONFIG for a file that is not one. */
enum sr_error auditor_key_public(
    const char *program, const char *path, uint8_t key[32]);

/* Likewise; SR_PERMISSION when others may read it. */
enum sr_error auditor_key_secret(
    const char *program, const char *path, uint8_t key[32]);

#endif
