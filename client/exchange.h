/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H
/*
 * OPAQUE's part of an attempt: what goes into M1 and M3 and what M2 and M5
 * must say, for log in, register, change and reset.  Part of login.h's
 * implementation.  Each function fills the attempt's problem on an error.
 */
#include <stdbool.h>
#include <stdint.h>

#include "client/attempt.h"

/* The OPAQUE part of an attempt; secret. */
struct exchange {
	struct payload_m1 m1;
	struct payload_m2 m2;
	struct payload_m3 m3;
	struct payload_m5 m5;
	struct opaque_client_login login;
	struct opaque_client_result result;
	bool former_pair; /* the record is bound to a former server key */
	uint8_t blind[OPAQUE_SCALAR_LEN]; /* of the registration request */
	uint8_t export_key[OPAQUE_EXPORT_KEY_LEN];
	struct seed_keys keys;
};

struct opaque_password exchange_password(
    const struct login_credential *credential);

/* What every M1 begins with. */
void exchange_begin(struct exchange *exchange, enum payload_operation operation,
    const struct login_credential *credential);

/* KE1 and the device token. */
enum sr_error exchange_start_login(
    struct exchange *exchange, struct attempt *attempt);

/*
 * KE3; from here on the password is known to be right.  SR_LOGIN;
 * exchange->former_pair when the record is bound to another server key than the certificate's.
 */
enum sr_error exchange_finish_login(
    struct exchange *exchange, struct attempt *attempt);

/* The request for a new credential with that password. */
enum sr_error exchange_start_record(struct exchange *exchange,
    struct attempt *attempt, const struct opaque_password *password);

/*
 * The record, the wrapped seed, the keys of that epoch and the proof: the
 * rest of M3.  old_secret: the former signing key (64 bytes) when the keys
 * are new; else NULL.
 */
enum sr_error exchange_finish_record(struct exchange *exchange,
    struct attempt *attempt, const struct opaque_password *password,
    const uint8_t seed[SEED_LEN], uint32_t key_epoch,
    const uint8_t *old_secret);

enum sr_error exchange_send_m3(
    struct exchange *exchange, struct attempt *attempt);

/*
 * M5, for register, change and reset.  SR_UNKNOWN_OUTCOME when none came; its
 * status.  What it holds is yet to be checked.
 */
enum sr_error exchange_take_m5(
    struct exchange *exchange, struct attempt *attempt);

/* M5 and in it the attestation of the exchange's keys at that epoch. */
enum sr_error exchange_result(struct exchange *exchange,
    struct attempt *attempt, uint32_t key_epoch, struct attestation *out);

#endif
