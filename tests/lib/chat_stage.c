/* SPDX-License-Identifier: ISC */
/* Two who talk, and the relay between them: chat_stage.h. */
#include "tests/lib/chat_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <string.h>

#include "common/kdf.h"

static struct chat_stage stage_of_all;

static const uint8_t private_keys[2][32] = {{0, 1}, {0, 2}};

const uint8_t *
chat_stage_private(int side)
{
	return private_keys[side];
}

struct chat_stage *
chat_stage_begin(void)
{
	struct chat_stage *stage = &stage_of_all;

	memset(stage, 0, sizeof(*stage));
	stage->now_ms = 1000000;
	for (int side = ADA; side <= BEN; side++) {
		struct chat_parties *p = &stage->parties[side];

		*p = (struct chat_parties){.bank_id = {7},
		    .own_id = side == ADA ? 11 : 12,
		    .peer_id = side == ADA ? 12 : 11,
		    .rekey_ms = CHAT_REKEY_MS_DEFAULT};
		memcpy(p->own_private, private_keys[side], 32);
		noise_public_key(p->peer_public, private_keys[!side]);
		assert_int_equal(chat_start(&stage->side[side], p), SR_OK);
	}
	return stage;
}

const uint8_t *
chat_stage_fresh(struct chat_stage *stage)
{
	static uint8_t fresh[32];

	stage->drawn++;
	kdf_sha256(fresh, &stage->drawn, sizeof(stage->drawn));
	return fresh;
}

void
chat_stage_send(
    struct chat_stage *stage, int from, const struct chat_frame *frame)
{
	struct chat_stage_queue *queue = &stage->to[!from];

	if (frame->len == 0)
		return;
	assert_true(queue->count < CHAT_STAGE_QUEUE);
	queue->frames[queue->count++] = *frame;
}

void
chat_stage_ask(struct chat_stage *stage, int from)
{
	uint8_t conversation[CHAT_CONVERSATION_LEN];
	struct chat_frame frame;

	memcpy(conversation, chat_stage_fresh(stage), sizeof(conversation));
	assert_int_equal(chat_open(&stage->side[from], conversation,
			     chat_stage_fresh(stage), stage->now_ms, &frame),
	    SR_OK);
	chat_stage_send(stage, from, &frame);
}

void
chat_stage_say(struct chat_stage *stage, int from, const char *text)
{
	struct chat_frame frame;
	uint64_t number;

	assert_int_equal(chat_send_text(&stage->side[from], text, strlen(text),
			     &frame, &number),
	    SR_OK);
	chat_stage_send(stage, from, &frame);
}

struct chat_frame
chat_stage_take_nth(struct chat_stage *stage, int to, size_t n)
{
	struct chat_stage_queue *queue = &stage->to[to];
	struct chat_frame frame;

	assert_true(n < queue->count);
	frame = queue->frames[n];
	queue->count--;
	memmove(&queue->frames[n], &queue->frames[n + 1],
	    (queue->count - n) * sizeof(frame));
	return frame;
}

struct chat_frame
chat_stage_take(struct chat_stage *stage, int to)
{
	return chat_stage_take_nth(stage, to, 0);
}

enum sr_error
chat_stage_give(struct chat_stage *stage, int to,
    const struct chat_frame *frame, struct chat_event *event)
{
	struct chat_frame out;
	enum sr_error error;

	memset(event, 0xff, sizeof(*event));
	error = chat_receive(&stage->side[to], frame->bytes, frame->len,
	    stage->now_ms, chat_stage_fresh(stage), &out, event);
	if (error != SR_OK) {
		assert_int_equal(out.len, 0);
		assert_int_equal(event->kind, CHAT_NOTHING);
	}
	chat_stage_send(stage, to, &out);
	return error;
}

enum sr_error
chat_stage_next(struct chat_stage *stage, int to, struct chat_event *event)
{
	struct chat_frame frame = chat_stage_take(stage, to);

	return chat_stage_give(stage, to, &frame, event);
}

void
chat_stage_settle(struct chat_stage *stage)
{
	struct chat_event event;

	while (stage->to[ADA].count + stage->to[BEN].count > 0)
		for (int side = ADA; side <= BEN; side++)
			if (stage->to[side].count > 0)
				assert_int_equal(
				    chat_stage_next(stage, side, &event),
				    SR_OK);
}

enum sr_error
chat_stage_tick(struct chat_stage *stage, int side)
{
	struct chat_frame out;
	enum sr_error error;

	error = chat_tick(
	    &stage->side[side], stage->now_ms, chat_stage_fresh(stage), &out);
	chat_stage_send(stage, side, &out);
	return error;
}

struct chat_stage *
chat_stage_open(void)
{
	struct chat_stage *stage = chat_stage_begin();

	chat_stage_ask(stage, ADA);
	chat_stage_settle(stage);
	assert_int_equal(stage->side[ADA].phase, CHAT_OPEN);
	assert_int_equal(stage->side[BEN].phase, CHAT_OPEN);
	return stage;
}
