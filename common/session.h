/* SPDX-License-Identifier: ISC */
#ifndef COMMON_SESSION_H
#define COMMON_SESSION_H
/*
 * The sealed records of a session, both sides (ledgerd and client).
 *
 * A record is the body of a frame of type M4 (the first one, from the bank)
 * or RECORD:
 *
 *	ChaCha20-Poly1305(direction's key, counter, AAD = the frame's header,
 *	    plaintext | zeros up to a multiple of 256)
 *
 * The counter starts at 0 in each direction and never travels.  The plaintext
 * is M4's fixed layout (payload.h) or one or more messages between client and
 * ledgerd (gen/messages.h); an all-zero message header is padding.  The
 * message `goodbye` is the authenticated end: a stream that ends without it
 * was cut.
 *
 *	c2s_i = Expand(ck_i, "strongroom/1 c2s", 32)
 *	s2c_i = Expand(ck_i, "strongroom/1 s2c", 32)
 *	ck_(i+1) = Extract(salt ck_i, X25519(e_c, e_s) | e_c | e_s | u32(i+1))
 *
 * Security: after any failure to open the session is dead and each further
 * call fails: the connection is to be closed.  Nothing here allocates.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/frame.h"

enum {
	SESSION_ID_LEN = 16,
	SESSION_CHAIN_KEY_LEN = 64,
	SESSION_PAD = 256,
	SESSION_TAG_LEN = 16,
	SESSION_PLAIN_MAX = FRAME_BODY_MAX - SESSION_TAG_LEN, /* 16,640 */
};

/* A re-key is due after so many records in one direction or bytes in both;
 * at twice as many the session ends. */
#define SESSION_REKEY_RECORDS (UINT64_C(1) << 20)
#define SESSION_REKEY_BYTES (UINT64_C(1) << 30)
#define SESSION_RECORDS_MAX (2 * SESSION_REKEY_RECORDS)

enum session_side {
	SESSION_CLIENT,
	SESSION_BANK,
};

/* Of the caller; secret; wiped with session_wipe(). */
struct session {
	uint8_t chain_key[SESSION_CHAIN_KEY_LEN];
	uint8_t send_key[32];
	uint8_t receive_key[32];
	uint8_t id[SESSION_ID_LEN];
	uint64_t sent; /* records under the present key, = counter */
	uint64_t received;
	uint64_t bytes;     /* both ways, under the present keys */
	uint32_t key_epoch; /* i of ck_i */
	enum session_side side;
	bool dead;
};

/* Starts a session from ck0 and the session id that the handshake gave. */
void session_start(struct session *session, enum session_side side,
    const uint8_t chain_key[SESSION_CHAIN_KEY_LEN],
    const uint8_t id[SESSION_ID_LEN]);

/* Length of the record that a plaintext of plain_len bytes makes. */
size_t session_record_len(size_t plain_len);

/*
 * Seals plain_len bytes (1 to SESSION_PLAIN_MAX) into body, which has room
 * for session_record_len(plain_len) bytes, the length in *body_len.  type is
 * FRAME_M4 or FRAME_RECORD.  SR_TOO_LARGE, SR_SESSION_ENDED when the session
 * is dead or its records are used up.  plain and body must not overlap.
 */
enum sr_error session_seal(struct session *session, enum frame_type type,
    const void *plain, size_t plain_len, uint8_t *body, size_t *body_len);

/*
 * Opens a record into plain (room for body_len - 16 bytes; may be body
 * itself), padding included, the length in *plain_len.  SR_CRYPTO if it is
 * not the next record of the session under this type (altered, replayed,
 * reordered, reflected), SR_MALFORMED for a length that no record has,
 * SR_SESSION_ENDED.  Each of these kills the session.
 */
enum sr_error session_open(struct session *session, enum frame_type type,
    const uint8_t *body, size_t body_len, uint8_t *plain, size_t *plain_len);

/*
 * Re-key: both sides call it with their own fresh X25519 private key and the
 * two public ones, after the client's public key has left as its last record
 * under the old key and the bank's likewise.  Old keys are wiped, counters
 * begin at 0.  SR_CRYPTO for an all-zero result: the session is dead.
 */
enum sr_error session_rekey(struct session *session,
    const uint8_t own_private[32], const uint8_t client_public[32],
    const uint8_t bank_public[32]);

/* Wipes everything; the session is dead. */
void session_wipe(struct session *session);

#endif
