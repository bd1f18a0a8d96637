/* SPDX-License-Identifier: ISC */
/*
 * Files through a conversation, one at a time in each direction.  Must never
 * call a file whole of which a byte is missing or another.
 */
#include <string.h>

#include <sodium.h>

#include "client/chat/state.h"
#include "common/buffer.h"

static void
file_begin(struct chat_file *file, uint64_t number, uint64_t size)
{
	*file = (struct chat_file){.number = number, .size = size};
	crypto_hash_sha256_init(&file->hash);
}

static void
file_over(struct chat_file *file)
{
	sodium_memzero(file, sizeof(*file));
}

static void
file_take(struct chat_file *file, const void *data, size_t len)
{
	crypto_hash_sha256_update(&file->hash, data, len);
	file->done += len;
}

/* ---- sending ----------------------------------------------------------- */

enum sr_error
chat_send_file(struct chat *chat, uint64_t size, const void *name,
    size_t name_len, struct chat_frame *out, uint64_t *number)
{
	uint8_t data[8 + CHAT_FILE_NAME_MAX];
	struct writer w = writer_to(data, sizeof(data));
	enum sr_error error = chat_ready(chat);

	out->len = 0;
	*number = 0;
	if (error != SR_OK)
		return error;
	if (chat->sending.number != 0)
		return SR_BUSY;
	if (size > CHAT_FILE_SIZE_MAX || name_len < 1 ||
	    name_len > CHAT_FILE_NAME_MAX)
		return SR_TOO_LARGE;
	writer_u64(&w, size);
	writer_bytes(&w, name, name_len);
	*number = ++chat->own_messages;
	file_begin(&chat->sending, *number, size);
	chat_seal(chat, CHAT_KIND_FILE, *number, data, writer_len(&w), out);
	return SR_OK;
}

/* Whether a file is on its way that the other side still wants. */
static enum sr_error
wanted(const struct chat *chat)
{
	enum sr_error error = chat_ready(chat);

	if (error != SR_OK)
		return error;
	return chat->sending.number != 0 && !chat->sending.refused
		   ? SR_OK
		   : SR_NOT_FOUND;
}

enum sr_error
chat_send_chunk(
    struct chat *chat, const void *data, size_t len, struct chat_frame *out)
{
	struct chat_file *file = &chat->sending;
	enum sr_error error = wanted(chat);

	out->len = 0;
	if (error != SR_OK)
		return error;
	if (len < 1 || len > CHAT_DATA_MAX || len > file->size - file->done)
		return SR_TOO_LARGE;
	file_take(file, data, len);
	chat_seal(chat, CHAT_KIND_FILE_CHUNK, file->number, data, len, out);
	return SR_OK;
}

enum sr_error
chat_send_file_end(struct chat *chat, struct chat_frame *out)
{
	struct chat_file *file = &chat->sending;
	enum sr_error error = wanted(chat);
	uint8_t sum[CHAT_SHA256_LEN];

	out->len = 0;
	if (error != SR_OK)
		return error;
	if (file->done != file->size)
		return SR_INTERNAL;
	crypto_hash_sha256_final(&file->hash, sum);
	chat_seal(
	    chat, CHAT_KIND_FILE_END, file->number, sum, sizeof(sum), out);
	file_over(file);
	return SR_OK;
}

enum sr_error
chat_stop_file(struct chat *chat, struct chat_frame *out)
{
	enum sr_error error = chat_ready(chat);

	out->len = 0;
	if (error != SR_OK)
		return error;
	if (chat->sending.number == 0)
		return SR_NOT_FOUND;
	chat_seal(
	    chat, CHAT_KIND_FILE_STOP, chat->sending.number, NULL, 0, out);
	file_over(&chat->sending);
	return SR_OK;
}

enum sr_error
chat_refuse_file(struct chat *chat, struct chat_frame *out)
{
	enum sr_error error = chat_ready(chat);

	out->len = 0;
	if (error != SR_OK)
		return error;
	if (chat->receiving.number == 0 || chat->receiving.refused)
		return SR_NOT_FOUND;
	chat->receiving.refused = true;
	chat_seal(
	    chat, CHAT_KIND_FILE_REFUSE, chat->receiving.number, NULL, 0, out);
	return SR_OK;
}

/* ---- receiving --------------------------------------------------------- */

static enum sr_error
file_came(struct chat *chat, const struct chat_record *record,
    struct chat_event *event)
{
	struct reader r = reader_of(record->data, record->len);

	event->size = reader_u64(&r);
	event->len = reader_left(&r);
	if (chat->receiving.number != 0 ||
	    record->number != chat->peer_messages + 1 ||
	    event->size > CHAT_FILE_SIZE_MAX)
		return SR_CHAT_PEER;
	chat->peer_messages++;
	reader_bytes(&r, event->data, event->len);
	event->kind = CHAT_FILE;
	event->number = record->number;
	file_begin(&chat->receiving, record->number, event->size);
	return SR_OK;
}

static enum sr_error
chunk_came(struct chat_file *file, const struct chat_record *record,
    struct chat_event *event)
{
	if (record->len > file->size - file->done)
		return SR_CHAT_PEER;
	event->offset = file->done;
	file_take(file, record->data, record->len);
	if (file->refused)
		return SR_OK;
	event->kind = CHAT_FILE_CHUNK;
	event->number = file->number;
	event->len = record->len;
	memcpy(event->data, record->data, record->len);
	return SR_OK;
}

static enum sr_error
end_came(struct chat_file *file, const struct chat_record *record,
    struct chat_event *event)
{
	uint8_t sum[CHAT_SHA256_LEN];
	bool whole;

	crypto_hash_sha256_final(&file->hash, sum);
	whole = file->done == file->size &&
		memcmp(sum, record->data, sizeof(sum)) == 0;
	if (!file->refused) {
		event->kind = whole ? CHAT_FILE_WHOLE : CHAT_FILE_DAMAGED;
		event->number = file->number;
	}
	file_over(file);
	return SR_OK;
}

static enum sr_error
stop_came(struct chat_file *file, struct chat_event *event)
{
	if (!file->refused) {
		event->kind = CHAT_FILE_STOPPED;
		event->number = file->number;
	}
	file_over(file);
	return SR_OK;
}

/* It may come when all of the file is on its way already. */
static enum sr_error
refuse_came(struct chat *chat, const struct chat_record *record,
    struct chat_event *event)
{
	if (record->number > chat->own_messages)
		return SR_CHAT_PEER;
	if (record->number != chat->sending.number || chat->sending.refused)
		return SR_OK;
	chat->sending.refused = true;
	event->kind = CHAT_FILE_REFUSED;
	event->number = record->number;
	return SR_OK;
}

enum sr_error
chat_file_came(struct chat *chat, const struct chat_record *record,
    struct chat_event *event)
{
	struct chat_file *file = &chat->receiving;

	if (record->kind == CHAT_KIND_FILE)
		return file_came(chat, record, event);
	if (record->kind == CHAT_KIND_FILE_REFUSE)
		return refuse_came(chat, record, event);
	if (file->number == 0 || record->number != file->number)
		return SR_CHAT_PEER;
	if (record->kind == CHAT_KIND_FILE_CHUNK)
		return chunk_came(file, record, event);
	if (record->kind == CHAT_KIND_FILE_END)
		return end_came(file, record, event);
	return stop_came(file, event);
}
