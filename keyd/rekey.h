/* SPDX-License-Identifier: ISC */
#ifndef KEYD_REKEY_H
#define KEYD_REKEY_H
/*
 * New keys for a customer, by the password (login.c) or a reset code
 * (reset.c): a change of both credentials in two handshakes.
 * What the first one brought waits here, in memory only; the second one puts
 * both credentials and the attestation that continues the old one in force
 * together, in one write.  So at no time does one credential give the old
 * keys and the other the new ones.
 *
 * A half is forgotten after REKEY_HALF_LIFE_MS, with any other change of the
 * customer's, and with keyd; when the table is full the oldest makes place.
 * Nothing was in force yet, so the customer begins anew.
 *
 * The books take each customer's attestations one after the other, and hear of
 * them by log-ins, of which there need not be any between two rekeys.  So with
 * the first half they are told of the keys in force, and the second is taken
 * only after they have said that they have these: a crash before loses the
 * half, and one later nothing that the books wait for.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/payload.h"
#include "keyd/credentials.h"

enum {
	REKEY_HALVES_MAX = 16,
	REKEY_HALF_LIFE_MS = 120000,
};

struct rekey_half {
	uint64_t customer; /* 0: the place is free */
	uint64_t change;   /* of the customer then: customer_change() */
	uint64_t since_ms; /* boot clock */
	uint8_t target;    /* slot of this half's credential */
	uint8_t signing_key[PUBLIC_KEY_LEN];
	uint8_t message_key[PUBLIC_KEY_LEN];
	uint8_t former[32]; /* hash of the attestation in force */
	bool in_books;      /* they have it */
	struct credential credential;
};

struct keyd;
struct pending;

/*
 * Whether M3's keys are new and may replace the attested ones: both differ,
 * by the password, under the old signing key's signature.  Proof and record
 * are the caller's to verify.  SR_NOT_ALLOWED, SR_SIGNATURE.
 */
enum sr_error rekey_allowed(const struct pending *p,
    const struct payload_m3 *m3, const struct attestation *attested);

/* Tells ledgerd the keys in force; no name: there is nobody. */
void rekey_tell(struct keyd *k, const struct customer *customer);

/*
 * Takes a half that is allowed.  SR_AGAIN: it was the first.  SR_OK: customer
 * then has both new credentials and the new attestation, and is to be saved.
 * SR_BUSY: the books do not have the former keys yet.
 * reset_leaf: as in the attestation.
 */
enum sr_error rekey_take(struct keyd *k, const struct pending *p,
    const struct payload_m3 *m3, uint64_t reset_leaf,
    struct customer *customer);

#endif
