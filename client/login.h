/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_LOGIN_H
#define CLIENT_LOGIN_H
/*
 * The client's side of log in, register and change: from a bank.id, a name
 * and a password to a session with derived keys.
 *
 * Checked on the way: the certificate under the pinned identity, its epoch
 * against the one remembered for this bank, its not-after against the later
 * of the own clock and the latest bank time that was authenticated; that
 * OPAQUE's server key is the certificate's, or the one that was when the record
 * was made (the envelope binds it: RFC 9807, 4.1.2) and, for a password, the
 * bank asks for a renewal; that the attestation is this bank's, by its present
 * key or one before, this name's and of the keys the seed yields.
 *
 * Remembered in the state directory (state.h): file "bank": epoch u32, bank
 * time ms u64; file "token-NAME": the device token of that name, if the
 * options say so.
 *
 * Blocks, with time-outs.  Randomness from getrandom(2).  The password stays
 * the caller's, who wipes it; everything else secret is wiped here.  Give
 * SIGPIPE no thought: writes do not raise it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/bankfile.h"
#include "client/card.h"
#include "client/link.h"
#include "client/seed.h"
#include "client/state.h"
#include "common/certificate.h"
#include "common/handshake.h"
#include "common/session.h"

enum {
	LOGIN_MESSAGE_MAX = 500,
};

/* How to reach the bank and as which terminal; pointers are not owned. */
struct login_options {
	const struct bankfile *bank;
	const char *server;          /* NULL: bank's addresses in turn */
	const struct card *terminal; /* NULL: an open terminal */
	const struct state *state;   /* NULL: nothing is remembered */
	bool keep_device_token;      /* use and keep the name's token */
	int timeout_ms;              /* a step; 0 for LINK_TIMEOUT_MS */
};

/*
 * Password and name are prepared (password.h, name.h): name is valid and
 * NUL-terminated, the password's bytes are taken as they are.
 */
struct login_credential {
	const char *name;
	const void *password;
	size_t password_len;
	uint8_t slot; /* SLOT_PASSWORD or SLOT_RECOVERY */
};

/* A session.  Of the caller; secret; ended and wiped with login_close(). */
struct login {
	struct link link;
	struct session session;
	struct certificate certificate;
	struct certificate former; /* that an attestation named last; epoch 0:
				      none */
	uint8_t identity[PUBLIC_KEY_LEN];
	uint8_t attested_by[PUBLIC_KEY_LEN]; /* this customer's keys */
	struct payload_m4 welcome;
	struct attestation attestation;
	uint8_t seed[SEED_LEN];
	struct seed_keys keys;
	char name[PAYLOAD_NAME_MAX + 1];
};

/* Why it failed, beside the error. */
struct login_problem {
	uint32_t retry_after_s;          /* with SR_LATER */
	char message[LOGIN_MESSAGE_MAX]; /* one line for people */
};

/*
 * Logs in.  SR_LOGIN (wrong password or unknown name, which look the same),
 * SR_LATER, SR_BANK_KEY and SR_CERTIFICATE (somebody else's key; expired or
 * withdrawn), SR_TERMINAL (the terminal's key is not accepted: the bank closes
 * silently on a wrong psk), SR_UNREACHABLE, SR_NOT_A_BANK, SR_CRYPTO (altered
 * on the way), SR_DAMAGED (seed or attestation from the bank do not fit),
 * SR_BUSY, SR_MEMORY, SR_IO and what the bank answers in M2 and M4.  problem
 * is filled on every error.  *out needs login_close() only after SR_OK.
 * A record that rests on a former OPRF seed is renewed; if that fails, the
 * next log-in does it.
 */
enum sr_error login_open(const struct login_options *options,
    const struct login_credential *credential, struct login *out,
    struct login_problem *problem);

/* What a registration yields; seed is secret. */
struct login_registered {
	uint8_t seed[SEED_LEN];
	uint8_t attestation_bytes[ATTESTATION_LEN];
	struct attestation attestation;
};

/*
 * Registers the name with slot 0's password.  seed: NULL to draw one, or the
 * seed whose keys leaf 0 already names (init).  invitation: 32 bytes or NULL.
 * display_name: NUL-terminated or NULL.  Errors as login_open, SR_NAME_TAKEN,
 * SR_REGISTRATION_CLOSED, SR_INVITATION; SR_UNKNOWN_OUTCOME when the link
 * failed after the last message had left: a log-in will tell.
 */
enum sr_error login_register(const struct login_options *options,
    const struct login_credential *credential, const uint8_t *seed,
    const uint8_t *invitation, const char *display_name,
    struct login_registered *out, struct login_problem *problem);

/*
 * Sets the password of target_slot, authenticated by credential, with the
 * seed that a log-in or registration of the same run gave: set recovery (slot
 * 1 by 0), change the password (0 by 0), recover (0 by 1).  key_epoch: of the
 * attestation.  Errors as login_open and login_register.
 */
enum sr_error login_change(const struct login_options *options,
    const struct login_credential *credential, uint8_t target_slot,
    const void *new_password, size_t new_password_len,
    const uint8_t seed[SEED_LEN], uint32_t key_epoch,
    struct login_problem *problem);

/*
 * Sets the same password again, which puts its record on the bank's present
 * OPRF seed; the session of the log-in goes on.  login_open() does it when the
 * bank asks for it.  Errors as login_change, SR_NOT_ALLOWED: it is there.
 */
enum sr_error login_renew(const struct login_options *options,
    const struct login_credential *credential, const struct login *login,
    struct login_problem *problem);

/*
 * New keys (a fresh seed at the next key epoch) for the customer of a log-in
 * of the same run, whose session the bank then ends: the recovery code
 * becomes `recovery' and the password, credential's, stays.  Two handshakes,
 * of which the bank puts nothing in force before the second.  Errors as
 * login_change; SR_UNKNOWN_OUTCOME only for the second: the key epoch of the
 * next log-in's attestation tells.
 */
enum sr_error login_rekey(const struct login_options *options,
    const struct login_credential *credential, const struct login *login,
    const void *recovery, size_t recovery_len, struct login_problem *problem);

/*
 * New credentials and keys (a fresh seed) for a customer by a reset code:
 * credential has the new password, `recovery' is the new recovery code.  Two
 * handshakes, of which the bank puts nothing in force before the second.
 * Errors as login_register, SR_RESET_CODE, SR_RESET_EXPIRED;
 * SR_UNKNOWN_OUTCOME only for the second: a log-in will tell.
 */
enum sr_error login_reset(const struct login_options *options,
    const struct login_credential *credential,
    const uint8_t code[RESET_CODE_LEN], const void *recovery,
    size_t recovery_len, struct attestation *attestation,
    struct login_problem *problem);

/*
 * Sends len bytes of messages (gen/messages.h) as one record.  Errors of
 * session_seal and link_write.
 */
enum sr_error login_send(struct login *login, const void *plain, size_t len);

/*
 * Receives the next record's messages, padding included.  Errors of
 * session_open and link_read.
 */
enum sr_error login_receive(
    struct login *login, uint8_t plain[SESSION_PLAIN_MAX], size_t *len);

/*
 * Verifies an attestation by the bank's present attestation key or, asking the
 * bank for its certificate, by that of an epoch before.  SR_MALFORMED,
 * SR_WRONG_BANK, SR_SIGNATURE for one that neither has signed;
 * SR_UNKNOWN_OUTCOME when the connection fails meanwhile.
 */
enum sr_error login_attested(struct login *login,
    const uint8_t bytes[ATTESTATION_LEN], struct attestation *out);

/* Says goodbye if the session lives, closes and wipes. */
void login_close(struct login *login);

#endif
