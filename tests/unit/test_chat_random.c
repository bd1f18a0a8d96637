/* SPDX-License-Identifier: ISC */
/*
 * Two who talk at random, with a relay between them that is honest or does
 * whatever a relay can.  Whatever happens: each reads what the other wrote,
 * in order, once, unaltered.  With an honest relay all of it; and when
 * something is missing, somebody has been told.
 *
 *	test_chat_random [SEED]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/chat_stage.h"

enum {
	RUNS = 150,
	STEPS = 400,
	IN_FLIGHT = 12,
	RECORDED = 64, /* frames that the relay has kept */
	FILE_MOST = 60000,
};

static struct chat_stage *stage;
static uint64_t first_seed = 1, seed, random_state;

/* A promise; where it is broken, how to see it again. */
#define must(condition)                                                    \
	do {                                                               \
		if (!(condition))                                          \
			fail_msg("%s (test_chat_random %llu)", #condition, \
			    (unsigned long long)seed);                     \
	} while (0)

/* What a side has written and the other has read, beside the state machine. */
static struct side_model {
	uint64_t texts_read;    /* messages, files among them */
	uint64_t marks_made[2]; /* delivered, read: of how many */
	uint64_t marks_seen[2];
	uint64_t files_whole;
	uint64_t file_offset;
	bool joined;
	enum sr_error ended;
} models[2];

/* The relay: what it has kept of both directions, and what it has done. */
static struct {
	struct chat_frame kept[RECORDED];
	size_t count;
	unsigned hostile; /* of 1000 steps */
	unsigned done;
} relay;

/* splitmix64 */
static uint64_t
draw(uint64_t below)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

/* Byte `at' of a side's message; and how long it is. */
static uint8_t
byte_of(int side, uint64_t number, uint64_t at)
{
	return (
	    uint8_t)((number * 31 + (uint64_t)side * 17 + at * 7 + at / 251) ^
		     seed);
}

static size_t
length_of(int side, uint64_t number, size_t most)
{
	uint64_t x = (number * 2654435761u + (uint64_t)side * 97 + seed) % 1000;

	return x < 700 ? (size_t)(1 + x % 250) : (size_t)(x * most / 1000);
}

static const uint8_t *
bytes_of(int side, uint64_t number, uint64_t offset, size_t len)
{
	static uint8_t bytes[CHAT_DATA_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_of(side, number, offset + i);
	return bytes;
}

static bool
alive(int side)
{
	return stage->side[side].phase != CHAT_ENDED;
}

static void
ended(int side, enum sr_error why)
{
	must(!alive(side) && stage->side[side].why == why);
	models[side].ended = why;
}

/* ---- what the two do --------------------------------------------------- */

static void
say(int side, struct chat_frame *frame)
{
	struct chat *chat = &stage->side[side];
	uint64_t number = chat->own_messages + 1;
	size_t len = length_of(side, number, CHAT_DATA_MAX);

	must(chat_send_text(chat, bytes_of(side, number, 0, len), len, frame,
		 &number) == SR_OK &&
	     number == chat->own_messages);
}

static void
mark(int side, unsigned which, struct chat_frame *frame)
{
	struct side_model *m = &models[side];
	struct chat *chat = &stage->side[side];
	uint64_t number = m->marks_made[which] + 1;

	if (number > chat->peer_messages)
		return;
	m->marks_made[which]++;
	must((which == 0 ? chat_send_delivered : chat_send_read)(
		 chat, number, frame) == SR_OK);
}

static void
push_file(int side, struct chat_frame *frame)
{
	struct chat *chat = &stage->side[side];
	struct chat_file *file = &chat->sending;
	uint64_t number = chat->own_messages + 1,
		 left = file->size - file->done;
	size_t len;

	if (file->number == 0) {
		must(chat_send_file(chat, length_of(side, number, FILE_MOST),
			 "f", 1, frame, &number) == SR_OK);
	} else if (file->refused || draw(200) == 0) {
		must(chat_stop_file(chat, frame) == SR_OK);
	} else if (left == 0) {
		must(chat_send_file_end(chat, frame) == SR_OK);
	} else {
		len = 1 + (size_t)draw(CHAT_DATA_MAX);
		len = len < left ? len : (size_t)left;
		must(chat_send_chunk(chat,
			 bytes_of(side, file->number, file->done, len), len,
			 frame) == SR_OK);
	}
}

static void
act(int side)
{
	struct chat *chat = &stage->side[side];
	struct chat_frame frame = {0};

	if (!chat_may_send(chat) || stage->to[!side].count >= IN_FLIGHT)
		return;
	switch (draw(8)) {
	case 0:
	case 1:
		say(side, &frame);
		break;
	case 2:
		mark(side, 0, &frame);
		break;
	case 3:
		mark(side, 1, &frame);
		break;
	case 4:
		must(chat_send_typing(chat, draw(2) == 0, &frame) == SR_OK);
		break;
	case 5:
		if (chat->receiving.number != 0 && !chat->receiving.refused &&
		    draw(40) == 0)
			must(chat_refuse_file(chat, &frame) == SR_OK);
		break;
	default:
		push_file(side, &frame);
		break;
	}
	chat_stage_send(stage, side, &frame);
}

/* ---- what the two see -------------------------------------------------- */

static void
text_seen(int to, const struct chat_event *event)
{
	struct side_model *m = &models[to];

	must(event->number == ++m->texts_read);
	if (event->kind == CHAT_FILE) {
		must(event->size == length_of(!to, event->number, FILE_MOST));
		m->file_offset = 0;
		return;
	}
	must(event->len == length_of(!to, event->number, CHAT_DATA_MAX));
	must(memcmp(event->data, bytes_of(!to, event->number, 0, event->len),
		 event->len) == 0);
}

static void
event_seen(int to, const struct chat_event *event)
{
	struct side_model *m = &models[to];

	switch (event->kind) {
	case CHAT_JOINED:
		must(!m->joined);
		m->joined = true;
		break;
	case CHAT_TEXT:
	case CHAT_FILE:
		text_seen(to, event);
		break;
	case CHAT_DELIVERED:
		must(event->number == ++m->marks_seen[0]);
		break;
	case CHAT_READ:
		must(event->number == ++m->marks_seen[1]);
		break;
	case CHAT_FILE_CHUNK:
		must(event->offset == m->file_offset);
		m->file_offset += event->len;
		must(
		    memcmp(event->data,
			bytes_of(!to, event->number, event->offset, event->len),
			event->len) == 0);
		break;
	case CHAT_FILE_WHOLE:
		must(
		    m->file_offset == length_of(!to, event->number, FILE_MOST));
		m->files_whole++;
		break;
	case CHAT_FILE_DAMAGED:
	case CHAT_DECLINED:
	case CHAT_CLOSED:
		/* nobody does that here */
		must(event->kind == CHAT_NOTHING);
		break;
	case CHAT_NOTHING:
	case CHAT_ANOTHER:
	case CHAT_STRAY:
	case CHAT_RENEWED:
	case CHAT_TYPING:
	case CHAT_FILE_STOPPED:
	case CHAT_FILE_REFUSED:
		break;
	}
	must(m->joined || event->kind <= CHAT_RENEWED);
}

static void
give(int to, const struct chat_frame *frame)
{
	static struct chat_event event;
	enum sr_error error = chat_stage_give(stage, to, frame, &event);

	if (error == SR_OK)
		event_seen(to, &event);
	else if (error != SR_CHAT_ENDED && stage->side[to].phase != CHAT_IDLE)
		ended(to, error);
	must(error == SR_OK || relay.done > 0);
}

/* ---- what the relay does ----------------------------------------------- */

static void
hand_over(int to)
{
	struct chat_frame frame;

	if (stage->to[to].count == 0)
		return;
	frame = chat_stage_take(stage, to);
	relay.kept[relay.count++ % RECORDED] = frame;
	give(to, &frame);
}

/* One of the frames it has kept, of either direction. */
static struct chat_frame
kept(void)
{
	size_t count = relay.count < RECORDED ? relay.count : RECORDED;

	return relay.kept[draw(count)];
}

static void
do_harm(int to)
{
	struct chat_frame frame;

	if (stage->to[to].count == 0 || relay.count == 0)
		return;
	relay.done++;
	switch (draw(6)) {
	case 0: /* lost */
		(void)chat_stage_take(stage, to);
		break;
	case 1: /* twice, at once or later */
		frame = draw(2) == 0 ? stage->to[to].frames[0] : kept();
		give(to, &frame);
		break;
	case 2: /* out of its order */
		frame =
		    chat_stage_take_nth(stage, to, draw(stage->to[to].count));
		give(to, &frame);
		break;
	case 3: /* altered */
		frame = chat_stage_take(stage, to);
		frame.bytes[draw(frame.len)] ^= (uint8_t)(1 << draw(8));
		give(to, &frame);
		break;
	case 4: /* cut */
		frame = chat_stage_take(stage, to);
		frame.len = draw(frame.len);
		give(to, &frame);
		break;
	default: /* back to who has sent it */
		frame = stage->to[to].frames[0];
		give(!to, &frame);
		break;
	}
}

static void
tick(int side)
{
	enum sr_error error = chat_stage_tick(stage, side);

	if (error == SR_CHAT_ENDED)
		return;
	must(error == SR_OK || error == SR_CHAT_NO_ANSWER);
	if (error != SR_OK)
		ended(side, error);
}

static void
step(void)
{
	int side = (int)draw(2);

	if (draw(1000) < relay.hostile)
		do_harm(side);
	else if (draw(3) == 0)
		hand_over(side);
	else if (draw(2) == 0)
		act(side);
	else
		hand_over(!side);
	stage->now_ms += draw(200);
	tick(ADA);
	tick(BEN);
}

/* ---- runs -------------------------------------------------------------- */

static void
run_begin(unsigned hostile)
{
	random_state = seed * 1000003;
	memset(models, 0, sizeof(models));
	memset(&relay, 0, sizeof(relay));
	relay.hostile = hostile;
	stage = chat_stage_begin();
	stage->drawn = seed << 32;
	for (int side = ADA; side <= BEN; side++)
		stage->side[side].parties.rekey_ms =
		    (uint32_t)(CHAT_REKEY_MS_MIN + draw(5000));
	/* one opens, or the other, or both */
	switch (draw(3)) {
	case 0:
		chat_stage_ask(stage, ADA);
		break;
	case 1:
		chat_stage_ask(stage, BEN);
		break;
	default:
		chat_stage_ask(stage, ADA);
		chat_stage_ask(stage, BEN);
		break;
	}
}

/* All that is on its way comes, and the keys are due: who misses what? */
static void
run_end(void)
{
	relay.hostile = 0;
	for (int round = 0; round < 3; round++) {
		while (stage->to[ADA].count + stage->to[BEN].count > 0) {
			hand_over(ADA);
			hand_over(BEN);
		}
		stage->now_ms += CHAT_REKEY_MS_MIN + 5000;
		tick(ADA);
		tick(BEN);
		while (stage->to[ADA].count + stage->to[BEN].count > 0) {
			hand_over(ADA);
			hand_over(BEN);
		}
		stage->now_ms += CHAT_ANSWER_MS;
		tick(ADA);
		tick(BEN);
	}
}

/* Whether each has seen all that the other has done. */
static bool
all_seen(void)
{
	for (int side = ADA; side <= BEN; side++) {
		const struct side_model *m = &models[side];

		if (!m->joined ||
		    m->texts_read != stage->side[!side].own_messages ||
		    m->marks_seen[0] != models[!side].marks_made[0] ||
		    m->marks_seen[1] != models[!side].marks_made[1])
			return false;
	}
	return true;
}

static void
run(unsigned hostile)
{
	run_begin(hostile);
	for (int i = 0; i < STEPS; i++)
		step();
	run_end();
	if (alive(ADA) && alive(BEN))
		must(all_seen());
	else
		must(relay.done > 0);
}

static void
given_an_honest_relay_then_each_reads_all_that_the_other_wrote(void **state)
{
	uint64_t texts = 0, files = 0, epochs = 0;

	(void)state;
	for (seed = first_seed; seed < first_seed + RUNS; seed++) {
		run(0);
		must(alive(ADA) && alive(BEN));
		texts += models[ADA].texts_read;
		files += models[BEN].files_whole;
		epochs += stage->side[ADA].keys.key_epoch;
	}
	/* it is no test of silence */
	assert_true(texts > 10 * RUNS);
	assert_true(files > RUNS);
	assert_true(epochs > 3 * RUNS);
}

static void
given_a_hostile_relay_then_nothing_wrong_is_read_and_it_is_told(void **state)
{
	unsigned told = 0;

	(void)state;
	for (seed = first_seed; seed < first_seed + RUNS; seed++) {
		run(2 + (unsigned)(seed % 20));
		told += !alive(ADA) || !alive(BEN);
	}
	assert_true(told > RUNS / 2);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_an_honest_relay_then_each_reads_all_that_the_other_wrote),
	    cmocka_unit_test(
		given_a_hostile_relay_then_nothing_wrong_is_read_and_it_is_told),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 10);
	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
