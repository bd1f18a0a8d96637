/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_UNSTRETCHED_H
#define TESTS_LIB_UNSTRETCHED_H
/*
 * A customer who spends nothing on Argon2id: how the password is stretched is
 * the client's own affair, and the bank's part is the same.  So one process
 * can log in as often as the bank can bear.
 *
 * Every function ends the program with a sentence if the bank does not do as
 * it should.
 */
#include "client/attempt.h"

/*
 * Connects for an operation of that name and begins its M1.  The name is not
 * copied; of the caller, as options are.  Ended with attempt_end().
 */
void unstretched_begin(struct attempt *attempt,
    const struct login_options *options, enum payload_operation operation,
    const char *name, struct payload_m1 *m1);

/* KE1 of m1 with a password; login is wiped by opaque_login_finish(). */
void unstretched_start_login(struct opaque_client_login *login,
    struct payload_m1 *m1, const char *password);

/* Registers the name where registration is open; keys are drawn and lost. */
void unstretched_register(const struct login_options *options, const char *name,
    const char *password);

/* Logs in, to the bank's welcome, and hangs up. */
void unstretched_log_in(const struct login_options *options, const char *name,
    const char *password);

#endif
