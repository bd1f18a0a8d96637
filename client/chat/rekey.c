/* SPDX-License-Identifier: ISC */
/*
 * New keys for a conversation that goes on.  Must never send a record under a
 * key after its own re-key, or keep a key that is no longer in use.
 */
#include <string.h>

#include <sodium.h>

#include "client/chat/state.h"

bool
chat_rekey_due(const struct chat *chat)
{
	return chat->keys.sent >= SESSION_REKEY_RECORDS ||
	       chat->keys.received >= SESSION_REKEY_RECORDS ||
	       chat->keys.bytes >= SESSION_REKEY_BYTES;
}

void
chat_rekey_say(struct chat *chat, uint64_t now_ms,
    const uint8_t fresh[CHAT_FRESH_LEN], struct chat_frame *out)
{
	memcpy(chat->rekey_private, fresh, sizeof(chat->rekey_private));
	noise_public_key(chat->rekey_public, chat->rekey_private);
	chat_seal(chat, CHAT_KIND_REKEY, (uint64_t)chat->keys.key_epoch + 1,
	    chat->rekey_public, sizeof(chat->rekey_public), out);
	chat->rekeying = true;
	chat->asked_ms = now_ms;
}

enum sr_error
chat_rekey_came(struct chat *chat, const struct chat_record *record,
    const struct chat_step *step)
{
	bool opener = chat->keys.side == SESSION_CLIENT;

	if (record->number != (uint64_t)chat->keys.key_epoch + 1)
		return SR_CHAT_PEER;
	if (!chat->rekeying)
		chat_rekey_say(chat, step->now_ms, step->fresh, step->out);
	if (session_rekey(&chat->keys, chat->rekey_private,
		opener ? chat->rekey_public : record->data,
		opener ? record->data : chat->rekey_public) != SR_OK)
		return SR_CHAT_PEER;
	sodium_memzero(chat->rekey_private, sizeof(chat->rekey_private));
	sodium_memzero(chat->rekey_public, sizeof(chat->rekey_public));
	chat->rekeying = false;
	chat->keyed_ms = step->now_ms;
	step->event->kind = CHAT_RENEWED;
	return SR_OK;
}
