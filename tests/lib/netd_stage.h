/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_NETD_STAGE_H
#define TESTS_LIB_NETD_STAGE_H
/*
 * A stage for netd: netd with its real sockets in the test's process, and
 * the test in all other parts: up to CLIENTS_MAX clients by number, keyd,
 * ledgerd, strongroomd, and a clock that moves with later() only.
 *
 * Bodies of frames are one byte repeated, the `fill'; those of handshake
 * messages are '1', '2', '3' and '5', HELLO's is 'h', M4's '4'.  What is not
 * as expected fails the cmocka test.
 */
#include "common/ipc.h"
#include "netd/netd.h"

enum { GENERATION = 7, CLIENTS_MAX = 8 };

extern struct netd netd;
extern struct netd_params params; /* taken by stage_restart() */
extern int rooms[LINK_COUNT];     /* the far ends of netd's links */
extern int clients[CLIENTS_MAX];  /* their sockets, or -1 */
extern uint64_t ids[CLIENTS_MAX]; /* their connections, after M1 */
extern struct reader unread[LINK_COUNT];
extern uint8_t frame[FRAME_MAX]; /* the last one made or got */
extern bool running;             /* what netd_step() said last */

/* cmocka's fixtures: netd without, and with, the HELLO of a beacon. */
int stage_set_up(void **state);
int stage_set_up_with_hello(void **state);
int stage_tear_down(void **state);

/* netd anew with what the test has changed in params, and a HELLO. */
void stage_restart(void);

/* Lets netd do what it can now, or after some time has gone by. */
void steps(void);
void later(uint64_t ms);

/* The next message from netd; type 0: none now.  expects: it must come. */
struct ipc_message room_hears(enum netd_link link);
struct ipc_message room_expects(enum netd_link link);
void room_hears_nothing(enum netd_link link);

/* keyd hears M1 or M3 of that fill; gives the connection. */
uint64_t keyd_hears(unsigned type, uint8_t fill);
void keyd_hears_gone(uint64_t id);

/* ledgerd hears a record; gives its length, *fill its last byte. */
size_t ledgerd_hears(uint64_t id, uint8_t *fill);
void ledgerd_hears_gone(uint64_t id);

/* What keyd, ledgerd and strongroomd say; netd then does what it can. */
void room_say(enum netd_link link, const struct writer *w);
void say_beacon(void);
void say_m2(uint64_t id);
void say_accepted(uint64_t id);
void say_refused(uint64_t id);
void say_m5(uint64_t id);
void say_record(uint64_t id, enum frame_type type, size_t len, uint8_t fill);
void say_session_close(uint64_t id);
void say_stop(void);

/* A client, up to where its name says. */
void client_connects(int i);
void client_says_m1(int i);
void client_says_m3(int i);
void client_logs_in(int i);
void client_leaves(int i);

/* Makes a frame in out; gives its length. */
size_t make_frame(uint8_t *out, enum frame_type type, size_t len, uint8_t fill);
void client_sends(int i, const void *bytes, size_t len);
void client_sends_frame(int i, enum frame_type type, size_t len, uint8_t fill);

/* The client gets exactly this frame next. */
void client_gets(int i, enum frame_type type, size_t len, uint8_t fill);

/* Nothing has ended; the end, perhaps after other bytes. */
bool client_is_open(int i);
void client_is_closed(int i);

#endif
