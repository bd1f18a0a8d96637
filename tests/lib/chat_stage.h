/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_CHAT_STAGE_H
#define TESTS_LIB_CHAT_STAGE_H
/*
 * Two who talk, and the relay between them: Ada is customer 11, Ben is 12.
 * What one sends waits in the other's queue until it is handed over.  Time
 * and random bytes are the stage's.  The state is static: one stage a program.
 */
#include <stddef.h>
#include <stdint.h>

#include "client/chat/chat.h"
#include "client/chat/state.h"

enum { ADA, BEN, CHAT_STAGE_QUEUE = 64 };

struct chat_stage_queue {
	size_t count;
	struct chat_frame frames[CHAT_STAGE_QUEUE]; /* the next one first */
};

struct chat_stage {
	struct chat side[2];
	struct chat_parties parties[2];
	struct chat_stage_queue to[2];
	uint64_t now_ms;
	uint64_t drawn;
};

/* Both idle, nothing on its way, the time 1,000,000. */
struct chat_stage *chat_stage_begin(void);

/* The same, and then open: Ada has opened, Ben has answered. */
struct chat_stage *chat_stage_open(void);

/* The private key of a side, and 32 bytes that were not given before. */
const uint8_t *chat_stage_private(int side);
const uint8_t *chat_stage_fresh(struct chat_stage *stage);

/* A frame that a side has sent, if it is not empty; it waits for the other. */
void chat_stage_send(
    struct chat_stage *stage, int from, const struct chat_frame *frame);

/* A side's `open', sent. */
void chat_stage_ask(struct chat_stage *stage, int from);

/* A side's text, sent. */
void chat_stage_say(struct chat_stage *stage, int from, const char *text);

/* Frames of a side's queue: the next one taken out, or the nth. */
struct chat_frame chat_stage_take(struct chat_stage *stage, int to);
struct chat_frame chat_stage_take_nth(
    struct chat_stage *stage, int to, size_t n);

/* Gives a side a frame; what it answers is sent. */
enum sr_error chat_stage_give(struct chat_stage *stage, int to,
    const struct chat_frame *frame, struct chat_event *event);

/* Takes the next one and gives it; there must be one. */
enum sr_error chat_stage_next(
    struct chat_stage *stage, int to, struct chat_event *event);

/* Hands over until nothing is on its way; each must go well. */
void chat_stage_settle(struct chat_stage *stage);

/* Ticks a side; what it begins is sent. */
enum sr_error chat_stage_tick(struct chat_stage *stage, int side);

#endif
