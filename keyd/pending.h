/* SPDX-License-Identifier: ISC */
#ifndef KEYD_PENDING_H
#define KEYD_PENDING_H
/*
 * Handshakes under way: a bounded table, and what is done to one of them at a
 * time.
 *
 *	M1 comes -> PENDING_M1 -> open it -> PENDING_OPENED -> charge all that
 *	are opened, one fdatasync -> PENDING_CHARGED -> evaluate, send M2 ->
 *	PENDING_M2 -> M3 comes -> PENDING_M3 -> verify, accept or send M5
 *
 * An attempt is charged, and the charge on disk, before it is evaluated,
 * because a guess can be tested from M2 alone.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/handshake.h"
#include "keyd/credentials.h"
#include "keyd/limits.h"

enum {
	PENDING_MAX = 256,
	PENDING_OPEN_MAX = 192, /* of these for terminals not enrolled */
	PENDING_LIFE_MS = 30000,
	PENDING_OUT_LEN = 8192, /* what one part may append to an outbox */
};

enum pending_step {
	PENDING_FREE = 0,
	PENDING_M1,
	PENDING_OPENED,
	PENDING_CHARGED,
	PENDING_M2,
	PENDING_M3,
};

struct pending {
	enum pending_step step;
	uint64_t connection;
	uint64_t since_ms; /* boot clock */
	uint32_t terminal; /* proved by its psk once M1 is opened */
	uint32_t terminal_epoch;
	union {
		uint8_t m1[FRAME_M1_LEN];
		uint8_t m3[FRAME_M3_LEN];
	} body;
	struct handshake handshake;
	struct payload_m1 m1;
	enum sr_error status; /* what M2 will say */
	uint64_t retry_ms;
	bool charged;
	struct limits_charge charge;
	uint32_t failed_place;
	bool device;       /* the token in m1 is valid */
	uint64_t customer; /* 0: the name is not registered */
	uint64_t change;   /* of the customer: customer_change() */
	struct opaque_server_login login;
	uint8_t random[CREDENTIAL_RANDOM_LEN]; /* of a new credential */
	uint32_t oprf_epoch; /* ... whose record rests on this epoch's seed */
	uint32_t pair_epoch; /* ... and is bound to this one's key pair */
};

struct keyd;

/* Does one part of one handshake; false if there is nothing to do. */
bool pending_step(struct keyd *k);

/* True if something waits to be done. */
bool pending_waits(const struct keyd *k);

/* Forgets those that are too old. */
void pending_expire(struct keyd *k);

/* Forgets all. */
void pending_clear(struct keyd *k);

/* Wipes one. */
void pending_drop(struct keyd *k, struct pending *p);

/* Tells netd that it failed, and wipes it. */
void pending_refuse(struct keyd *k, struct pending *p);

/* ---- the parts that differ by operation -------------------------------- */

/* Evaluates a log-in or change into m2 (login.c). */
enum sr_error login_evaluate(
    struct keyd *k, struct pending *p, struct payload_m2 *m2);

/* Ends a log-in: session_open to ledgerd, handshake_accepted to netd. */
enum sr_error login_finish(
    struct keyd *k, struct pending *p, const struct payload_m3 *m3);

/* Ends a change or renewal of one credential, or half a rekey: M5 (login.c). */
enum sr_error login_replace(
    struct keyd *k, struct pending *p, const struct payload_m3 *m3);

/* True if the device token in m1 is this bank's for this name. */
bool login_device_valid(const struct keyd *k, const struct payload_m1 *m1);

/* Says whether the name may register now; before anything is evaluated. */
enum sr_error register_allowed(struct keyd *k, struct pending *p);

/* Evaluates a registration's request under a fresh identifier (register.c). */
enum sr_error register_evaluate(
    struct keyd *k, struct pending *p, struct payload_m2 *m2);

/* Registers: attestation, credential on disk, M5. */
enum sr_error register_finish(
    struct keyd *k, struct pending *p, const struct payload_m3 *m3);

/* The credential that a handshake sets (register.c). */
void register_credential(const struct pending *p, const struct payload_m3 *m3,
    struct credential *credential);

/* An invitation for a name until a time: until ms 8 | MAC 24. */
void register_invitation(const struct keyd *k, const char *name,
    size_t name_len, uint64_t until_ms, uint8_t out[INVITATION_LEN]);

/* HMAC(id key, name | random): the credential identifier. */
void register_identifier(const uint8_t key[32], const char *name,
    size_t name_len, const uint8_t *random, size_t random_len,
    uint8_t identifier[64]);

/*
 * Signs the attestation of M3's keys into customer: the first one, or the one
 * that continues what stands there.  reset_leaf: as in the attestation.
 */
void register_attest(struct keyd *k, const struct payload_m3 *m3,
    uint64_t reset_leaf, struct customer *customer);

/* Seals and sends M5, and ends the handshake. */
enum sr_error register_answer(
    struct keyd *k, struct pending *p, const struct payload_m5 *m5);

#endif
