/* SPDX-License-Identifier: ISC */
/*
 * Texts, marks and who types.  Must never give a message's number twice, or
 * take a mark of a message that was not sent.
 */
#include <string.h>

#include "client/chat/state.h"

enum sr_error
chat_send_text(struct chat *chat, const void *text, size_t len,
    struct chat_frame *out, uint64_t *number)
{
	enum sr_error error = chat_ready(chat);

	out->len = 0;
	*number = 0;
	if (error != SR_OK)
		return error;
	if (len < 1 || len > CHAT_DATA_MAX)
		return SR_TOO_LARGE;
	*number = ++chat->own_messages;
	chat_seal(chat, CHAT_KIND_TEXT, *number, text, len, out);
	return SR_OK;
}

static enum sr_error
mark(struct chat *chat, enum chat_kind kind, uint64_t number,
    struct chat_frame *out)
{
	enum sr_error error = chat_ready(chat);

	out->len = 0;
	if (error != SR_OK)
		return error;
	if (number < 1 || number > chat->peer_messages)
		return SR_NOT_FOUND;
	chat_seal(chat, kind, number, NULL, 0, out);
	return SR_OK;
}

enum sr_error
chat_send_delivered(struct chat *chat, uint64_t number, struct chat_frame *out)
{
	return mark(chat, CHAT_KIND_DELIVERED, number, out);
}

enum sr_error
chat_send_read(struct chat *chat, uint64_t number, struct chat_frame *out)
{
	return mark(chat, CHAT_KIND_READ, number, out);
}

enum sr_error
chat_send_typing(struct chat *chat, bool typing, struct chat_frame *out)
{
	enum sr_error error = chat_ready(chat);
	uint8_t flag = typing;

	out->len = 0;
	if (error == SR_OK)
		chat_seal(chat, CHAT_KIND_TYPING, 0, &flag, sizeof(flag), out);
	return error;
}

static enum sr_error
text_came(struct chat *chat, const struct chat_record *record,
    struct chat_event *event)
{
	if (record->number != chat->peer_messages + 1)
		return SR_CHAT_PEER;
	chat->peer_messages++;
	event->kind = CHAT_TEXT;
	event->number = record->number;
	event->len = record->len;
	memcpy(event->data, record->data, record->len);
	return SR_OK;
}

static enum sr_error
mark_came(struct chat *chat, const struct chat_record *record,
    enum chat_event_kind kind, struct chat_event *event)
{
	if (record->number > chat->own_messages)
		return SR_CHAT_PEER;
	event->kind = kind;
	event->number = record->number;
	return SR_OK;
}

enum sr_error
chat_talk_came(struct chat *chat, const struct chat_record *record,
    struct chat_event *event)
{
	if (record->kind == CHAT_KIND_TEXT)
		return text_came(chat, record, event);
	if (record->kind == CHAT_KIND_DELIVERED)
		return mark_came(chat, record, CHAT_DELIVERED, event);
	if (record->kind == CHAT_KIND_READ)
		return mark_came(chat, record, CHAT_READ, event);
	if (record->data[0] > 1)
		return SR_CHAT_PEER;
	event->kind = CHAT_TYPING;
	event->typing = record->data[0] == 1;
	return SR_OK;
}
