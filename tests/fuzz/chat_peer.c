/* SPDX-License-Identifier: ISC */
/*
 * The other side of a conversation, whose program writes any records: each is
 * sealed as it should be, so that it is read.  Input: records, each its length
 * u16 and its bytes, which end in zeros up to the bucket.
 */
#include "client/chat/chat.h"

#include <string.h>

#include "common/aead.h"
#include "common/buffer.h"

#include "tests/lib/fuzz.h"

static const uint8_t own[2][32] = {{0, 1}, {0, 2}}, fresh[32] = {0, 3};
static struct chat_event event;
static struct chat_frame frame, reply;

/* Hands a frame over; what is answered is in frame then. */
static void
over(struct chat *to)
{
	fuzz_must(chat_receive(to, frame.bytes, frame.len, 0, fresh, &reply,
		      &event) == SR_OK);
	frame = reply;
}

/* Both sides of an open conversation; the same each time. */
static void
opened(struct chat *ada, struct chat *ben)
{
	struct chat_parties parties = {
	    .own_id = 1, .peer_id = 2, .rekey_ms = CHAT_REKEY_MS_DEFAULT};

	memcpy(parties.own_private, own[0], 32);
	noise_public_key(parties.peer_public, own[1]);
	fuzz_must(chat_start(ada, &parties) == SR_OK);
	parties.own_id = 2;
	parties.peer_id = 1;
	memcpy(parties.own_private, own[1], 32);
	noise_public_key(parties.peer_public, own[0]);
	fuzz_must(chat_start(ben, &parties) == SR_OK);
	fuzz_must(chat_open(ada, fresh, fresh, 0, &frame) == SR_OK);
	over(ben);
	over(ada);
	over(ben);
	fuzz_must(event.kind == CHAT_JOINED);
}

/* The next record of Ada's, whatever it is. */
static void
seal(struct chat *ada, const uint8_t *bytes, size_t len)
{
	uint8_t *body = frame.bytes + CHAT_HEADER_LEN;
	size_t bucket = CHAT_BUCKET_MIN;

	while (bucket < len || !chat_bucket_known(bucket))
		bucket++;
	chat_frame_begin(&frame, CHAT_FRAME_DATA, ada->conversation, ada->sent);
	memset(body, 0, bucket);
	memcpy(body, bytes, len);
	aead_seal(body, ada->keys.send_key, ada->sent, frame.bytes,
	    CHAT_HEADER_LEN, body, bucket);
	frame.len += bucket + CHAT_TAG_LEN;
	ada->sent++;
	ada->keys.sent++;
}

/* What may be told of it, and what must be so when it was refused. */
static void
judge(const struct chat *before, const struct chat *ben, enum sr_error error)
{
	const struct chat_file *file = &ben->receiving;

	if (error != SR_OK) {
		fuzz_must(ben->phase == CHAT_ENDED && ben->why == error &&
			  event.kind == CHAT_NOTHING && reply.len == 0);
		return;
	}
	fuzz_taken();
	fuzz_must(event.len <= CHAT_DATA_MAX && file->done <= file->size &&
		  file->size <= CHAT_FILE_SIZE_MAX);
	if (event.kind == CHAT_TEXT || event.kind == CHAT_FILE)
		fuzz_must(event.number == before->peer_messages + 1);
	if (event.kind == CHAT_FILE_CHUNK)
		fuzz_must(event.number == before->receiving.number &&
			  event.offset == before->receiving.done);
	if (event.kind == CHAT_DELIVERED || event.kind == CHAT_READ)
		fuzz_must(event.number <= before->own_messages);
	if (event.kind == CHAT_RENEWED)
		fuzz_must(memcmp(before->keys.chain_key, ben->keys.chain_key,
			      sizeof(ben->keys.chain_key)) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct chat first[2];
	struct chat ada, ben, before;
	struct reader r = reader_of(bytes, len);
	uint64_t number;

	if (first[0].phase != CHAT_OPEN)
		opened(&first[0], &first[1]);
	ada = first[0];
	ben = first[1];
	/* something that there can be marks of */
	fuzz_must(chat_send_text(&ben, "hello", 5, &frame, &number) == SR_OK);
	while (ben.phase == CHAT_OPEN) {
		size_t record_len = reader_u16(&r);
		const uint8_t *record = reader_view(&r, record_len);

		if (record == NULL || record_len > CHAT_BUCKET_MAX)
			break;
		before = ben;
		seal(&ada, record, record_len);
		judge(&before, &ben,
		    chat_receive(&ben, frame.bytes, frame.len, 0, fresh, &reply,
			&event));
		if (event.kind == CHAT_RENEWED)
			break; /* Ada's program would go on under new keys */
	}
	return 0;
}
