/* SPDX-License-Identifier: ISC */
/*
 * Sealed records.  Must never open a record twice, out of its order, or give
 * out a byte of one that does not verify; and never use a counter again.
 */
#include "common/session.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/kdf.h"
#include "common/noise.h"
#include "common/secret.h"

static void
session_derive(struct session *session)
{
	uint8_t *c2s = session->side == SESSION_CLIENT ? session->send_key
						       : session->receive_key;
	uint8_t *s2c = session->side == SESSION_CLIENT ? session->receive_key
						       : session->send_key;

	kdf_expand_label(c2s, 32, session->chain_key,
	    sizeof(session->chain_key), "c2s", NULL, 0);
	kdf_expand_label(s2c, 32, session->chain_key,
	    sizeof(session->chain_key), "s2c", NULL, 0);
	session->sent = 0;
	session->received = 0;
	session->bytes = 0;
}

void
session_start(struct session *session, enum session_side side,
    const uint8_t chain_key[SESSION_CHAIN_KEY_LEN],
    const uint8_t id[SESSION_ID_LEN])
{
	*session = (struct session){.side = side};
	memcpy(session->chain_key, chain_key, SESSION_CHAIN_KEY_LEN);
	memcpy(session->id, id, SESSION_ID_LEN);
	session_derive(session);
}

/* Dead sessions keep no key that could still open what was recorded. */
static enum sr_error
session_kill(struct session *session, enum sr_error error)
{
	session_wipe(session);
	return error;
}

static size_t
padded_len(size_t plain_len)
{
	return (plain_len + SESSION_PAD - 1) / SESSION_PAD * SESSION_PAD;
}

size_t
session_record_len(size_t plain_len)
{
	return padded_len(plain_len) + SESSION_TAG_LEN;
}

enum sr_error
session_seal(struct session *session, enum frame_type type, const void *plain,
    size_t plain_len, uint8_t *body, size_t *body_len)
{
	uint8_t header[FRAME_HEADER_LEN];
	size_t padded;

	*body_len = 0;
	if (plain_len == 0 || plain_len > SESSION_PLAIN_MAX)
		return SR_TOO_LARGE;
	if (session->dead || session->sent >= SESSION_RECORDS_MAX)
		return SR_SESSION_ENDED;
	padded = padded_len(plain_len);
	assert(type == FRAME_M4 || type == FRAME_RECORD);
	frame_write(type, padded + SESSION_TAG_LEN, header);
	memcpy(body, plain, plain_len);
	memset(body + plain_len, 0, padded - plain_len);
	aead_seal(body, session->send_key, session->sent, header,
	    sizeof(header), body, padded);
	session->sent++;
	session->bytes += padded;
	*body_len = padded + SESSION_TAG_LEN;
	return SR_OK;
}

enum sr_error
session_open(struct session *session, enum frame_type type, const uint8_t *body,
    size_t body_len, uint8_t *plain, size_t *plain_len)
{
	uint8_t header[FRAME_HEADER_LEN];

	*plain_len = 0;
	if (session->dead || session->received >= SESSION_RECORDS_MAX)
		return session_kill(session, SR_SESSION_ENDED);
	if ((type != FRAME_M4 && type != FRAME_RECORD) ||
	    frame_len_check(type, body_len) != SR_OK ||
	    (body_len - SESSION_TAG_LEN) % SESSION_PAD != 0)
		return session_kill(session, SR_MALFORMED);
	frame_write(type, body_len, header);
	if (aead_open(plain, session->receive_key, session->received, header,
		sizeof(header), body, body_len) != SR_OK)
		return session_kill(session, SR_CRYPTO);
	session->received++;
	session->bytes += body_len - SESSION_TAG_LEN;
	*plain_len = body_len - SESSION_TAG_LEN;
	return SR_OK;
}

enum sr_error
session_rekey(struct session *session, const uint8_t own_private[32],
    const uint8_t client_public[32], const uint8_t bank_public[32])
{
	const uint8_t *peer =
	    session->side == SESSION_CLIENT ? bank_public : client_public;
	uint8_t ikm[32 + 32 + 32 + 4];
	struct writer w = writer_to(ikm, sizeof(ikm));
	SECRET_32(shared);
	SECRET_64(next);

	if (session->dead || session->key_epoch == UINT32_MAX)
		return session_kill(session, SR_SESSION_ENDED);
	if (noise_dh(shared, own_private, peer) != SR_OK)
		return session_kill(session, SR_CRYPTO);
	writer_bytes(&w, shared, sizeof(shared));
	writer_bytes(&w, client_public, 32);
	writer_bytes(&w, bank_public, 32);
	writer_u32(&w, session->key_epoch + 1);
	assert(!w.bad && writer_len(&w) == sizeof(ikm));
	kdf_extract(next, session->chain_key, sizeof(session->chain_key), ikm,
	    sizeof(ikm));
	sodium_memzero(ikm, sizeof(ikm));
	memcpy(session->chain_key, next, sizeof(session->chain_key));
	session->key_epoch++;
	session_derive(session);
	return SR_OK;
}

void
session_wipe(struct session *session)
{
	sodium_memzero(session, sizeof(*session));
	session->dead = true;
}
