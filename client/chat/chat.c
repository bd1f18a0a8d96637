/* SPDX-License-Identifier: ISC */
/*
 * One side of a conversation: its life, and its records.  Must never give out
 * what is not the next record of the other side, or use a counter twice.
 */
#include "client/chat/chat.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "client/chat/state.h"
#include "common/aead.h"
#include "common/ids.h"

_Static_assert(CHAT_TAG_LEN == AEAD_TAG_LEN, "the tag is the cipher's");
_Static_assert(
    (int)CHAT_CONVERSATION_LEN == (int)SESSION_ID_LEN, "ids of one length");

/* ---- life -------------------------------------------------------------- */

enum sr_error
chat_start(struct chat *chat, const struct chat_parties *parties)
{
	memset(chat, 0, sizeof(*chat));
	if (!customer_id_valid(parties->own_id) ||
	    !customer_id_valid(parties->peer_id) ||
	    parties->own_id == parties->peer_id ||
	    parties->rekey_ms < CHAT_REKEY_MS_MIN ||
	    parties->rekey_ms > CHAT_REKEY_MS_MAX)
		return SR_NOT_ALLOWED;
	chat->parties = *parties;
	chat->phase = CHAT_IDLE;
	return SR_OK;
}

void
chat_wipe(struct chat *chat)
{
	sodium_memzero(chat, sizeof(*chat));
}

enum sr_error
chat_end(struct chat *chat, enum sr_error why)
{
	chat_wipe(chat);
	chat->why = why;
	return why;
}

enum sr_error
chat_close(struct chat *chat, struct chat_frame *out)
{
	out->len = 0;
	if (chat->phase == CHAT_ENDED)
		return SR_CHAT_ENDED;
	if (chat->phase != CHAT_OPEN || chat->rekeying)
		return SR_AGAIN;
	chat_seal(chat, CHAT_KIND_CLOSE, 0, NULL, 0, out);
	return chat_end(chat, SR_OK);
}

/* ---- time -------------------------------------------------------------- */

static uint64_t
left_of(uint64_t limit_ms, uint64_t since_ms, uint64_t now_ms)
{
	uint64_t gone = now_ms > since_ms ? now_ms - since_ms : 0;

	return gone < limit_ms ? limit_ms - gone : 0;
}

uint64_t
chat_wait_ms(const struct chat *chat, uint64_t now_ms)
{
	switch (chat->phase) {
	case CHAT_ENDED:
	case CHAT_IDLE:
		return UINT64_MAX;
	case CHAT_OPENING:
	case CHAT_ACCEPTED:
		return left_of(CHAT_ANSWER_MS, chat->asked_ms, now_ms);
	case CHAT_OPEN:
		break;
	}
	if (chat->rekeying)
		return left_of(CHAT_ANSWER_MS, chat->asked_ms, now_ms);
	if (chat_rekey_due(chat))
		return 0;
	return left_of(chat->parties.rekey_ms, chat->keyed_ms, now_ms);
}

enum sr_error
chat_tick(struct chat *chat, uint64_t now_ms,
    const uint8_t fresh[CHAT_FRESH_LEN], struct chat_frame *out)
{
	out->len = 0;
	if (chat->phase == CHAT_ENDED)
		return SR_CHAT_ENDED;
	if (chat_wait_ms(chat, now_ms) > 0)
		return SR_OK;
	if (chat->phase != CHAT_OPEN || chat->rekeying)
		return chat_end(chat, SR_CHAT_NO_ANSWER);
	chat_rekey_say(chat, now_ms, fresh, out);
	return SR_OK;
}

/* ---- records ----------------------------------------------------------- */

enum sr_error
chat_ready(const struct chat *chat)
{
	if (chat->phase == CHAT_ENDED)
		return SR_CHAT_ENDED;
	if (chat->phase != CHAT_OPEN || chat->rekeying || chat_rekey_due(chat))
		return SR_AGAIN;
	return SR_OK;
}

bool
chat_may_send(const struct chat *chat)
{
	return chat_ready(chat) == SR_OK;
}

void
chat_seal(struct chat *chat, enum chat_kind kind, uint64_t number,
    const void *data, size_t len, struct chat_frame *out)
{
	const struct chat_record record = {
	    .kind = kind, .number = number, .data = data, .len = len};
	uint8_t *body = out->bytes + CHAT_HEADER_LEN;
	size_t padded;

	chat_frame_begin(out, CHAT_FRAME_DATA, chat->conversation, chat->sent);
	assert(out->len == CHAT_HEADER_LEN);
	chat_record_write(&record, body, &padded);
	aead_seal(body, chat->keys.send_key, chat->sent, out->bytes,
	    CHAT_HEADER_LEN, body, padded);
	out->len += padded + CHAT_TAG_LEN;
	chat->sent++;
	chat->keys.sent++;
	chat->keys.bytes += padded;
}

void
chat_join(struct chat *chat, const struct chat_step *step)
{
	sodium_memzero(
	    chat->parties.own_private, sizeof(chat->parties.own_private));
	chat->phase = CHAT_OPEN;
	chat->keyed_ms = step->now_ms;
	step->event->kind = CHAT_JOINED;
}

/* Whom a record concerns; the initiator's first is "ready", and only that. */
static enum sr_error
record_came(struct chat *chat, const struct chat_record *record,
    const struct chat_step *step)
{
	if (chat->phase == CHAT_ACCEPTED) {
		if (record->kind != CHAT_KIND_READY)
			return SR_CHAT_PEER;
		chat_join(chat, step);
		return SR_OK;
	}
	switch (record->kind) {
	case CHAT_KIND_READY:
		return SR_CHAT_PEER;
	case CHAT_KIND_REKEY:
		return chat_rekey_came(chat, record, step);
	case CHAT_KIND_CLOSE:
		step->event->kind = CHAT_CLOSED;
		return chat_end(chat, SR_OK);
	case CHAT_KIND_FILE:
	case CHAT_KIND_FILE_CHUNK:
	case CHAT_KIND_FILE_END:
	case CHAT_KIND_FILE_STOP:
	case CHAT_KIND_FILE_REFUSE:
		return chat_file_came(chat, record, step->event);
	case CHAT_KIND_TEXT:
	case CHAT_KIND_DELIVERED:
	case CHAT_KIND_READ:
	case CHAT_KIND_TYPING:
		return chat_talk_came(chat, record, step->event);
	}
	return SR_CHAT_PEER;
}

static enum sr_error
data_opened(struct chat *chat, const struct chat_frame_view *frame,
    uint8_t plain[CHAT_BUCKET_MAX], size_t *len)
{
	if (frame->counter > chat->received)
		return SR_CHAT_MISSING;
	if (frame->counter < chat->received)
		return SR_CHAT_REPEATED;
	if (chat->keys.received >= 2 * SESSION_REKEY_RECORDS ||
	    chat->keys.bytes >= 2 * SESSION_REKEY_BYTES)
		return SR_CHAT_NO_ANSWER;
	if (aead_open(plain, chat->keys.receive_key, frame->counter,
		frame->header, frame->header_len, frame->body,
		frame->body_len) != SR_OK)
		return SR_CHAT_ALTERED;
	*len = frame->body_len - CHAT_TAG_LEN;
	chat->received++;
	chat->keys.received++;
	chat->keys.bytes += *len;
	return SR_OK;
}

static enum sr_error
data_came(struct chat *chat, const struct chat_frame_view *frame,
    const struct chat_step *step)
{
	uint8_t plain[CHAT_BUCKET_MAX];
	struct chat_record record;
	enum sr_error error;
	size_t len;

	if (chat->phase == CHAT_OPENING)
		return chat_end(chat, SR_CHAT_MISSING);
	error = data_opened(chat, frame, plain, &len);
	if (error != SR_OK)
		return chat_end(chat, error);
	if (chat_record_read(plain, len, &record) == SR_OK)
		error = record_came(chat, &record, step);
	else
		error = SR_CHAT_PEER;
	sodium_memzero(plain, sizeof(plain));
	if (error == SR_OK)
		return SR_OK;
	memset(step->event, 0, sizeof(*step->event));
	step->out->len = 0;
	return chat_end(chat, error);
}

/* ---- frames ------------------------------------------------------------ */

/*
 * A frame of another conversation.  The relay keeps each side's order, and so
 * a side that has proved to be there has nothing older on its way.
 */
static enum sr_error
stray_came(struct chat *chat, const struct chat_step *step)
{
	if (chat->phase == CHAT_OPEN)
		return chat_end(chat, SR_CHAT_ALTERED);
	step->event->kind = CHAT_STRAY;
	return SR_OK;
}

enum sr_error
chat_receive(struct chat *chat, const uint8_t *bytes, size_t len,
    uint64_t now_ms, const uint8_t fresh[CHAT_FRESH_LEN],
    struct chat_frame *out, struct chat_event *event)
{
	const struct chat_step step = {now_ms, fresh, out, event};
	struct chat_frame_view frame;
	enum sr_error error;

	out->len = 0;
	memset(event, 0, sizeof(*event));
	if (chat->phase == CHAT_ENDED)
		return SR_CHAT_ENDED;
	error = chat_frame_read(bytes, len, &frame);
	if (error != SR_OK)
		return chat->phase == CHAT_IDLE
			   ? error
			   : chat_end(chat, SR_CHAT_ALTERED);
	if (frame.type == CHAT_FRAME_OPEN)
		return chat_opened(chat, &frame, &step);
	if (chat->phase == CHAT_IDLE ||
	    memcmp(frame.conversation, chat->conversation,
		sizeof(frame.conversation)) != 0)
		return stray_came(chat, &step);
	if (frame.type == CHAT_FRAME_DATA)
		return data_came(chat, &frame, &step);
	return chat_answered(chat, &frame, &step);
}
