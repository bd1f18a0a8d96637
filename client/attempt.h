/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATTEMPT_H
#define CLIENT_ATTEMPT_H
/*
 * One attempt at a handshake with a bank, as login.c needs it: to connect,
 * to see whether it is the pinned bank, to exchange M1 for M2, and what is
 * remembered about banks.  Part of login.h's implementation.
 */
#include <stdint.h>

#include "client/login.h"

/* Of the caller; secret; ended with attempt_end(). */
struct attempt {
	const struct login_options *options;
	const struct login_credential *credential;
	struct login_problem *problem;
	struct link link;
	struct link_frame frame;
	uint8_t hello_bytes[HELLO_LEN];
	struct hello hello;
	struct certificate certificate;
	struct handshake hs;
	uint32_t seen_epoch;   /* remembered of this bank; 0 if nothing */
	uint64_t seen_time_ms; /* latest bank time that was authenticated */
};

/*
 * Connects and checks HELLO and certificate.  Errors as login_open(); on an
 * error the attempt has ended and the problem is filled.
 */
enum sr_error attempt_begin(struct attempt *attempt,
    const struct login_options *options,
    const struct login_credential *credential, struct login_problem *problem);

/* Sends M1 and opens M2; SR_OK only if M2's status is. */
enum sr_error attempt_ask(struct attempt *attempt, const struct payload_m1 *m1,
    struct payload_m2 *m2);

/*
 * Waits for a frame of the type after M3 has left.  closed is the error when
 * the stream ends or nothing comes.
 */
enum sr_error attempt_await(
    struct attempt *attempt, enum frame_type type, enum sr_error closed);

/* The attested keys are these, of the credential's name.  SR_DAMAGED. */
enum sr_error attempt_check_keys(struct attempt *attempt,
    const struct attestation *attestation, const uint8_t salt[NAME_SALT_LEN],
    const struct seed_keys *keys);

/*
 * Verifies an attestation that the bank has made now: by its present key, of
 * the credential's name, of these keys.  SR_DAMAGED.
 */
enum sr_error attempt_check_attestation(struct attempt *attempt,
    const uint8_t bytes[ATTESTATION_LEN], const uint8_t salt[NAME_SALT_LEN],
    const struct seed_keys *keys, struct attestation *out);

/* Remembers epoch and time of a bank that has proved itself. */
void attempt_remember(struct attempt *attempt, uint64_t bank_time_ms);

/* The name's device token as remembered, zeros if there is none. */
void attempt_token_load(
    struct attempt *attempt, uint8_t token[DEVICE_TOKEN_LEN]);
void attempt_token_keep(
    struct attempt *attempt, const uint8_t token[DEVICE_TOKEN_LEN]);

/* Fills the problem: what, or the error's own sentence if NULL. */
enum sr_error attempt_fail(
    struct attempt *attempt, enum sr_error error, const char *what);

/* SR_DAMAGED: what the bank keeps of the customer's keys does not fit. */
enum sr_error attempt_fail_keys(struct attempt *attempt);

/* Closes and wipes. */
void attempt_end(struct attempt *attempt);

#endif
