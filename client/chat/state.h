/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CHAT_STATE_H
#define CLIENT_CHAT_STATE_H
/*
 * What the files of this directory share: one record sealed or opened, and
 * the parts of chat_receive().  Not for anybody else.
 */
#include "client/chat/chat.h"

/* One frame that came, and what comes of it. */
struct chat_step {
	uint64_t now_ms;
	const uint8_t *fresh; /* CHAT_FRESH_LEN bytes */
	struct chat_frame *out;
	struct chat_event *event;
};

/* Ends the conversation of this error, and returns it.  Keys are wiped. */
enum sr_error chat_end(struct chat *chat, enum sr_error why);

/* It is open now, and the own static key is needed no more. */
void chat_join(struct chat *chat, const struct chat_step *step);

/* SR_OK where chat_may_send(), else SR_AGAIN or SR_CHAT_ENDED. */
enum sr_error chat_ready(const struct chat *chat);

/* Seals one record as the next data frame; the caller has seen to the phase. */
void chat_seal(struct chat *chat, enum chat_kind kind, uint64_t number,
    const void *data, size_t len, struct chat_frame *out);

/* handshake.c: a frame of type open, or of type accept or decline. */
enum sr_error chat_opened(struct chat *chat,
    const struct chat_frame_view *frame, const struct chat_step *step);
enum sr_error chat_answered(struct chat *chat,
    const struct chat_frame_view *frame, const struct chat_step *step);

/* rekey.c: the other side's re-key; and whether one of our own is due. */
enum sr_error chat_rekey_came(struct chat *chat,
    const struct chat_record *record, const struct chat_step *step);
void chat_rekey_say(struct chat *chat, uint64_t now_ms,
    const uint8_t fresh[CHAT_FRESH_LEN], struct chat_frame *out);
bool chat_rekey_due(const struct chat *chat);

/* talk.c and file.c: records of people.  SR_CHAT_PEER: without meaning. */
enum sr_error chat_talk_came(struct chat *chat,
    const struct chat_record *record, struct chat_event *event);
enum sr_error chat_file_came(struct chat *chat,
    const struct chat_record *record, struct chat_event *event);

#endif
