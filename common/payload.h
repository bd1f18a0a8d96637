/* SPDX-License-Identifier: ISC */
#ifndef COMMON_PAYLOAD_H
#define COMMON_PAYLOAD_H
/*
 * The plaintexts inside the handshake messages M1, M2, M3 and M5 and the
 * first record, M4: fixed layouts, what is unused is zero and is checked.
 * Integers are little-endian; a status is a number of errors.def.
 *
 * M1, 256 bytes, then by operation, zeros to the end:
 *
 *	operation 1 | slot 1 | target slot 1 | name length 1 | name 32
 *	1 log in:   KE1 96 | device token 48
 *	2 register: RegistrationRequest 32 | invitation 32
 *	            | display name length 1 | display name 64
 *	3 change:   KE1 96 | device token 48 | RegistrationRequest 32
 *	4 reset:    RegistrationRequest 32 | reset code 32
 *	5 renew:    as change
 *
 * Slot is the credential that is logged in with, target slot the one that is
 * set: 0 password, 1 recovery code.  Log in has target slot 0, register and
 * renew have both 0, reset has slot 0.
 *
 * M2, 384 bytes:
 *
 *	status 1 | zero 3 | retry after, seconds 4 | KE2 320
 *	| evaluated element 32 | zero 24
 *
 * KE2 is zero for register and reset, the evaluated element for log in; both are zero
 * unless status is SR_OK, and retry after is zero unless it is SR_LATER.
 *
 * M3, 512 bytes:
 *
 *	KE3 64 | record 192 | wrapped seed 48 | signing key 32 | message key 32
 *	| proof of possession 64 | old key's signature 64 | zero 16
 *
 * A log in sends KE3 alone, a registration or reset everything but KE3 and the old
 * key's signature, a renewal everything but the latter, a change everything,
 * where the old key's signature is zero unless the keys are new.
 *
 * M4, 1280 bytes:
 *
 *	status 1 | role 1 | unit 2 | terminal 4 | session id 16 | customer 8
 *	| account 8 | till account 8 | next seq 8 | hash of the last order 32
 *	| wrapped seed 48 | device token 48 | name salt 32 | attestation 256
 *	| failed log-ins 4 | idle limit ms 4 | absolute limit ms 4
 *	| re-key after ms 4 | re-key after records 8 | re-key after bytes 8
 *	| server time ms 8 | checkpoint length 2 | checkpoint 640 | renew 1
 *	| zero 125
 *
 * Account is the customer's main account, 0 for a principal that has none;
 * till account is that of the terminal which the session is bound to, or of
 * the principal itself, 0 if none.  Renew: 1 if the password's record rests on
 * a former epoch of the key that hardens passwords, and is to be renewed;
 * else 0.  Unless status is SR_OK everything else
 * is zero and the session ends.
 *
 * M5, 320 bytes:
 *
 *	status 1 | zero 7 | name salt 32 | attestation 256 | zero 24
 *
 * with everything zero behind a status that is not SR_OK.
 *
 * Readers give SR_MALFORMED for anything else than these layouts; *out then
 * holds nothing to be used.  Structs belong to their callers, who wipe what
 * is secret.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"
#include "common/opaque.h"
#include "common/session.h"

enum {
	PAYLOAD_M1_LEN = 256,
	PAYLOAD_M2_LEN = 384,
	PAYLOAD_M3_LEN = 512,
	PAYLOAD_M4_LEN = 1280,
	PAYLOAD_M5_LEN = 320,
	PAYLOAD_NAME_MAX = 32,
	PAYLOAD_DISPLAY_NAME_MAX = 64,
	PAYLOAD_CHECKPOINT_MAX = 640,
	DEVICE_TOKEN_LEN = 48, /* device id 16 | MAC 32 */
	INVITATION_LEN = 32,
	RESET_CODE_LEN = INVITATION_LEN,
	RESET_SIGNED_LEN = 16, /* of a reset code, before the MAC */
	WRAPPED_SEED_LEN = 48,
	SLOT_PASSWORD = 0,
	SLOT_RECOVERY = 1,
	SLOT_COUNT = 2,
};

enum payload_operation {
	OPERATION_LOG_IN = 1,
	OPERATION_REGISTER = 2,
	OPERATION_CHANGE = 3,
	OPERATION_RESET = 4,
	OPERATION_RENEW = 5,
};

struct payload_m1 {
	enum payload_operation operation;
	uint8_t slot;
	uint8_t target_slot;
	uint8_t name_len;                /* 3 to 32 */
	char name[PAYLOAD_NAME_MAX + 1]; /* NUL-terminated, valid (name.h) */
	struct opaque_ke1 ke1;           /* log in, change, renew */
	uint8_t device_token[DEVICE_TOKEN_LEN]; /* zeros if there is none */
	uint8_t request[OPAQUE_REQUEST_LEN];    /* all but log in */
	/* register: zeros if there is none; reset: the reset code */
	uint8_t invitation[INVITATION_LEN];
	uint8_t display_name_len; /* register; 0 if none */
	char display_name[PAYLOAD_DISPLAY_NAME_MAX + 1];
};

/*
 * A reset code: leaf 8 | until s 4 | key epoch 4 | MAC 16.  The MAC is
 * keyd's, over these 16 bytes | customer 8 | generation 8.
 */
struct reset_code {
	uint64_t leaf;      /* of the order that approved the reset */
	uint32_t until_s;   /* its last second, since 1970 */
	uint32_t key_epoch; /* of the keys that come by it */
	uint8_t mac[RESET_CODE_LEN - RESET_SIGNED_LEN];
};

struct payload_m2 {
	enum sr_error status;
	uint32_t retry_after_s;
	struct opaque_ke2 ke2;
	uint8_t evaluated[OPAQUE_ELEMENT_LEN];
};

struct payload_m3 {
	struct opaque_ke3 ke3;
	struct opaque_record record;
	uint8_t wrapped_seed[WRAPPED_SEED_LEN];
	uint8_t signing_key[PUBLIC_KEY_LEN];
	uint8_t message_key[PUBLIC_KEY_LEN];
	uint8_t proof[SIGNATURE_LEN];
	uint8_t old_signature[SIGNATURE_LEN];
};

struct payload_m4 {
	enum sr_error status;
	uint8_t role; /* as the books number roles */
	uint16_t unit;
	uint32_t terminal; /* bound to the session; 0 if none */
	uint8_t session_id[SESSION_ID_LEN];
	uint64_t customer;
	uint64_t account;
	uint64_t till_account;
	uint64_t next_seq;
	uint8_t last_order_hash[32]; /* zeros before the first order */
	uint8_t wrapped_seed[WRAPPED_SEED_LEN];
	uint8_t device_token[DEVICE_TOKEN_LEN];
	uint8_t name_salt[NAME_SALT_LEN];
	uint8_t attestation[ATTESTATION_LEN];
	uint32_t failed_log_ins;
	uint32_t idle_limit_ms;
	uint32_t absolute_limit_ms;
	uint32_t rekey_ms;
	uint64_t rekey_records;
	uint64_t rekey_bytes;
	uint64_t server_time_ms;
	uint16_t checkpoint_len;
	uint8_t checkpoint[PAYLOAD_CHECKPOINT_MAX]; /* a signed note */
	bool renew; /* the password's record is of a former epoch */
};

struct payload_m5 {
	enum sr_error status;
	uint8_t name_salt[NAME_SALT_LEN];
	uint8_t attestation[ATTESTATION_LEN];
};

/* True for operations that begin as a log-in: with KE1, and a credential. */
bool payload_logs_in(enum payload_operation operation);

/* Any 32 bytes read; the MAC is keyd's to check. */
void reset_code_write(
    const struct reset_code *code, uint8_t out[RESET_CODE_LEN]);
void reset_code_read(
    const uint8_t bytes[RESET_CODE_LEN], struct reset_code *out);

/*
 * Writers write what their operation or status uses and zeros elsewhere;
 * fields out of range end the program (assert).
 */
void payload_m1_write(const struct payload_m1 *m1, uint8_t out[PAYLOAD_M1_LEN]);
enum sr_error payload_m1_read(
    const uint8_t bytes[PAYLOAD_M1_LEN], struct payload_m1 *out);

void payload_m2_write(enum payload_operation operation,
    const struct payload_m2 *m2, uint8_t out[PAYLOAD_M2_LEN]);
enum sr_error payload_m2_read(enum payload_operation operation,
    const uint8_t bytes[PAYLOAD_M2_LEN], struct payload_m2 *out);

void payload_m3_write(enum payload_operation operation,
    const struct payload_m3 *m3, uint8_t out[PAYLOAD_M3_LEN]);
enum sr_error payload_m3_read(enum payload_operation operation,
    const uint8_t bytes[PAYLOAD_M3_LEN], struct payload_m3 *out);

void payload_m4_write(const struct payload_m4 *m4, uint8_t out[PAYLOAD_M4_LEN]);
enum sr_error payload_m4_read(
    const uint8_t bytes[PAYLOAD_M4_LEN], struct payload_m4 *out);

void payload_m5_write(const struct payload_m5 *m5, uint8_t out[PAYLOAD_M5_LEN]);
enum sr_error payload_m5_read(
    const uint8_t bytes[PAYLOAD_M5_LEN], struct payload_m5 *out);

#endif
