/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_WITNESSES_H
#define CLIENT_VERIFY_WITNESSES_H
/*
 * Witnesses whose cosignatures the auditor knows (common/cosignature.h):
 * which of them have signed the checkpoints that are looked at.
 */
#include "client/verify/verify.h"

/*
 * Another witness that counts.  SR_MALFORMED for what is no vkey of type
 * 0x04, SR_EXISTS for a key that is known already, whatever its name: it
 * would count twice; SR_TOO_LARGE beyond VERIFY_WITNESSES_MAX.
 */
enum sr_error witnesses_add(struct verify *verify, const char *vkey);

/*
 * Looks through a checkpoint's signature lines.  False after a verdict: a
 * line of a known witness that does not verify is `missing', a word of the
 * caller's for whose file it is.
 */
bool witnesses_take(struct verify *verify, const char *path, const void *text,
    size_t len, const struct note *note, enum verify_exit missing);

/* So many of them have signed one of the checkpoints. */
size_t witnesses_count(const struct verify *verify);

/* A line a witness; for JSON a member with a comma before it. */
void witnesses_report(const struct verify *verify);
void witnesses_report_json(const struct verify *verify);

#endif
