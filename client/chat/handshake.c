/* SPDX-License-Identifier: ISC */
/*
 * How a conversation begins: Noise KK between the two.  Must never take a key
 * or an id from a frame: both are what keyd attests.
 */
#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "client/chat/state.h"
#include "common/buffer.h"
#include "common/kdf.h"
#include "common/secret.h"

_Static_assert(CHAT_M1_LEN == NOISE_KK_OVERHEAD, "nothing in it");
_Static_assert(CHAT_M2_LEN == NOISE_KK_OVERHEAD + 1, "the answer in it");

#define LABEL KDF_LABEL_PREFIX "chat"

enum {
	LABEL_LEN = sizeof(LABEL) - 1,
	PROLOGUE_LEN =
	    LABEL_LEN + CHAT_BANK_ID_LEN + 8 + 8 + CHAT_CONVERSATION_LEN,
};

static void
prologue_of(const struct chat_parties *parties,
    const uint8_t conversation[CHAT_CONVERSATION_LEN],
    uint8_t prologue[PROLOGUE_LEN])
{
	bool own_lower = parties->own_id < parties->peer_id;
	struct writer w = writer_to(prologue, PROLOGUE_LEN);

	writer_bytes(&w, LABEL, LABEL_LEN);
	writer_bytes(&w, parties->bank_id, sizeof(parties->bank_id));
	writer_u64(&w, own_lower ? parties->own_id : parties->peer_id);
	writer_u64(&w, own_lower ? parties->peer_id : parties->own_id);
	writer_bytes(&w, conversation, CHAT_CONVERSATION_LEN);
	assert(!w.bad && writer_len(&w) == PROLOGUE_LEN);
}

/* The keys of a handshake that has come to its end. */
static void
keys_begin(struct chat *chat, struct noise_kk *handshake,
    enum session_side side, const uint8_t conversation[CHAT_CONVERSATION_LEN])
{
	uint8_t hash[NOISE_HASH_LEN];
	enum sr_error error;
	SECRET_64(split);
	SECRET_64(prk);
	SECRET_64(chain);

	error = noise_kk_split(handshake, split, split + NOISE_KEY_LEN, hash);
	assert(error == SR_OK);
	kdf_extract(prk, hash, sizeof(hash), split, sizeof(split));
	kdf_expand_label(
	    chain, sizeof(chain), prk, sizeof(prk), "chat chain", NULL, 0);
	session_start(&chat->keys, side, chain, conversation);
	memcpy(chat->conversation, conversation, CHAT_CONVERSATION_LEN);
}

enum sr_error
chat_open(struct chat *chat, const uint8_t conversation[CHAT_CONVERSATION_LEN],
    const uint8_t fresh[CHAT_FRESH_LEN], uint64_t now_ms,
    struct chat_frame *out)
{
	const struct chat_parties *parties = &chat->parties;
	uint8_t prologue[PROLOGUE_LEN];

	out->len = 0;
	if (chat->phase != CHAT_IDLE)
		return SR_INTERNAL;
	prologue_of(parties, conversation, prologue);
	noise_kk_init_initiator(&chat->handshake, prologue, sizeof(prologue),
	    parties->own_private, parties->peer_public);
	chat_frame_begin(out, CHAT_FRAME_OPEN, conversation, 0);
	if (noise_kk_write_m1(&chat->handshake, fresh, NULL, 0,
		out->bytes + out->len) != SR_OK) {
		out->len = 0;
		return chat_end(chat, SR_CHAT_HANDSHAKE);
	}
	out->len += CHAT_M1_LEN;
	memcpy(chat->conversation, conversation, CHAT_CONVERSATION_LEN);
	chat->asked_ms = now_ms;
	chat->phase = CHAT_OPENING;
	return SR_OK;
}

/* Reads the first message and writes the second with that answer. */
static enum sr_error
answer_write(const struct chat_parties *parties,
    const struct chat_frame_view *frame, enum chat_answer answer,
    const uint8_t fresh[CHAT_FRESH_LEN], struct noise_kk *handshake,
    struct chat_frame *out)
{
	uint8_t prologue[PROLOGUE_LEN], nothing[1], said = (uint8_t)answer;

	prologue_of(parties, frame->conversation, prologue);
	noise_kk_init_responder(handshake, prologue, sizeof(prologue),
	    parties->own_private, parties->peer_public);
	if (noise_kk_read_m1(
		handshake, frame->body, frame->body_len, nothing) != SR_OK)
		return SR_CHAT_HANDSHAKE;
	chat_frame_begin(out,
	    answer == CHAT_YES ? CHAT_FRAME_ACCEPT : CHAT_FRAME_DECLINE,
	    frame->conversation, 0);
	if (noise_kk_write_m2(handshake, fresh, &said, sizeof(said),
		out->bytes + out->len) != SR_OK) {
		out->len = 0;
		return SR_CHAT_HANDSHAKE;
	}
	out->len += CHAT_M2_LEN;
	return SR_OK;
}

enum sr_error
chat_decline(const struct chat_parties *parties, enum chat_answer answer,
    const uint8_t *bytes, size_t len, const uint8_t fresh[CHAT_FRESH_LEN],
    struct chat_frame *out)
{
	struct chat_frame_view frame;
	struct noise_kk handshake;
	enum sr_error error;

	assert(answer != CHAT_YES);
	out->len = 0;
	error = chat_frame_read(bytes, len, &frame);
	if (error != SR_OK || frame.type != CHAT_FRAME_OPEN)
		return SR_MALFORMED;
	error = answer_write(parties, &frame, answer, fresh, &handshake, out);
	noise_kk_wipe(&handshake);
	return error;
}

/* Answers who opens; what was asked or answered before is forgotten. */
static enum sr_error
accept_it(struct chat *chat, const struct chat_frame_view *frame,
    const struct chat_step *step)
{
	struct noise_kk handshake;
	enum sr_error error;

	error = answer_write(&chat->parties, frame, CHAT_YES, step->fresh,
	    &handshake, step->out);
	if (error != SR_OK) {
		noise_kk_wipe(&handshake);
		return chat->phase == CHAT_IDLE ? error : chat_end(chat, error);
	}
	noise_kk_wipe(&chat->handshake);
	keys_begin(chat, &handshake, SESSION_BANK, frame->conversation);
	chat->asked_ms = step->now_ms;
	chat->phase = CHAT_ACCEPTED;
	return SR_OK;
}

enum sr_error
chat_opened(struct chat *chat, const struct chat_frame_view *frame,
    const struct chat_step *step)
{
	bool same = chat->phase != CHAT_IDLE &&
		    memcmp(frame->conversation, chat->conversation,
			CHAT_CONVERSATION_LEN) == 0;

	switch (chat->phase) {
	case CHAT_IDLE:
		return accept_it(chat, frame, step);
	case CHAT_OPENING:
		/* both at once: the lower id's goes on */
		if (chat->parties.own_id < chat->parties.peer_id)
			return SR_OK;
		return accept_it(chat, frame, step);
	case CHAT_ACCEPTED:
		if (same)
			return chat_end(chat, SR_CHAT_REPEATED);
		return accept_it(chat, frame, step);
	case CHAT_OPEN:
		if (same)
			return chat_end(chat, SR_CHAT_REPEATED);
		step->event->kind = CHAT_ANOTHER;
		return SR_OK;
	case CHAT_ENDED:
		break;
	}
	return SR_CHAT_ENDED;
}

enum sr_error
chat_answered(struct chat *chat, const struct chat_frame_view *frame,
    const struct chat_step *step)
{
	bool accepted = frame->type == CHAT_FRAME_ACCEPT;
	uint8_t conversation[CHAT_CONVERSATION_LEN], said;

	if (chat->phase != CHAT_OPENING)
		return chat_end(chat, SR_CHAT_REPEATED);
	if (noise_kk_read_m2(
		&chat->handshake, frame->body, frame->body_len, &said) != SR_OK)
		return chat_end(chat, SR_CHAT_HANDSHAKE);
	if (accepted != (said == CHAT_YES) || said > CHAT_NO)
		return chat_end(chat, SR_CHAT_ALTERED);
	if (!accepted) {
		step->event->kind = CHAT_DECLINED;
		step->event->answer = (enum chat_answer)said;
		return chat_end(chat, SR_OK);
	}
	memcpy(conversation, chat->conversation, sizeof(conversation));
	keys_begin(chat, &chat->handshake, SESSION_CLIENT, conversation);
	chat_join(chat, step);
	chat_seal(chat, CHAT_KIND_READY, 0, NULL, 0, step->out);
	return SR_OK;
}
