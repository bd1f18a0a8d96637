/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_TOY_BANK_H
#define TESTS_LIB_TOY_BANK_H
/*
 * A bank in memory for tests of the client's side: the server's half of the
 * handshake with real keys and a handful of customers, no disk, no limits.
 * Everything is as in the real rooms but for where it is kept.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/handshake.h"

enum {
	TOY_CUSTOMERS = 4,
	TOY_TERMINAL = 3,
	TOY_TERMINAL_EPOCH = 2,
	TOY_ROLE = 1,
};

struct toy_credential {
	bool set;
	uint8_t identifier[32];
	struct opaque_record record;
	uint8_t wrapped_seed[WRAPPED_SEED_LEN];
};

struct toy_customer {
	char name[PAYLOAD_NAME_MAX + 1];
	struct toy_credential slot[SLOT_COUNT];
	uint8_t salt[NAME_SALT_LEN];
	uint8_t attestation[ATTESTATION_LEN];
};

struct toy_bank {
	uint8_t identity[32], identity_secret[64];
	uint8_t noise_private[32], noise_public[32];
	struct opaque_server_keys opaque;
	struct opaque_record fake;
	uint8_t log_public[32];
	uint8_t attestation_public[32], attestation_secret[64];
	struct certificate certificate;
	uint8_t hello[HELLO_LEN];
	uint8_t terminal_psk[32];
	struct toy_customer customer[TOY_CUSTOMERS];
	size_t customer_count;
	enum sr_error answer; /* M2's status unless SR_OK */
	/* Added to what M4 says, for clients that must notice. */
	uint64_t lie_customer;
	uint32_t lie_terminal;
	uint8_t lie_session;
	bool lie_renew;
	uint64_t lie_account;
	uint8_t last_token[DEVICE_TOKEN_LEN]; /* that a client presented */
};

/* A connection's state, as keyd keeps it. */
struct toy_connection {
	struct handshake hs;
	struct payload_m1 m1;
	uint32_t terminal;
	struct opaque_server_login login;
	struct toy_customer *customer; /* NULL: unknown name */
	uint8_t identifier[32];        /* of a credential that is being set */
	struct session session;
};

void toy_bank_init(struct toy_bank *bank);

/* Makes HELLO anew, with the next beacon and this time; the certificate too. */
void toy_bank_beacon(struct toy_bank *bank, uint64_t now_ms);

/* M1 to M2.  Errors of handshake_m1_open and handshake_m2_seal. */
enum sr_error toy_bank_m1(struct toy_bank *bank, struct toy_connection *c,
    const uint8_t m1[FRAME_M1_LEN], uint8_t m2[FRAME_M2_LEN]);

/*
 * M3 to M5 or M4: *type and *len say what was written to answer, which has
 * room for FRAME_M4_LEN.  SR_LOGIN for a wrong KE3, SR_SIGNATURE.
 */
enum sr_error toy_bank_m3(struct toy_bank *bank, struct toy_connection *c,
    const uint8_t m3[FRAME_M3_LEN], uint8_t *answer, enum frame_type *type,
    size_t *len);

#endif
