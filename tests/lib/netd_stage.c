/* SPDX-License-Identifier: ISC */
/*
 * The stage for tests of netd: real sockets, and a clock that only the test
 * moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/netd_stage.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/messages.h"

#define START_MS 100000

struct netd netd;
struct netd_params params;
int rooms[LINK_COUNT];
int clients[CLIENTS_MAX];
uint64_t ids[CLIENTS_MAX];
struct reader unread[LINK_COUNT];
uint8_t frame[FRAME_MAX];
bool running;

static struct sockaddr_in address;
static uint64_t clock_now;
static struct ipc_packet packets[LINK_COUNT];
static uint8_t body[FRAME_BODY_MAX];

static uint64_t
test_clock(void *unused)
{
	(void)unused;
	return clock_now;
}

void
steps(void)
{
	for (int i = 0; i < 6 && running; i++)
		running = netd_step(&netd, 0);
}

void
later(uint64_t ms)
{
	clock_now += ms;
	steps();
}

/* ---- The rooms ----------------------------------------------------------- */

void
room_say(enum netd_link link, const struct writer *w)
{
	assert_false(w->bad);
	assert_int_equal(send(rooms[link], w->start, writer_len(w), 0),
	    (ssize_t)writer_len(w));
	steps();
}

/* The next message on the link, or type 0 when there is none. */
struct ipc_message
room_hears(enum netd_link link)
{
	struct ipc_message m = {0};

	if (reader_left(&unread[link]) == 0) {
		ssize_t got = recv(rooms[link], packets[link].bytes,
		    sizeof(packets[link].bytes), MSG_DONTWAIT);

		if (got <= 0)
			return m;
		assert_true(got <= IPC_PACKET_MAX);
		unread[link] = reader_of(packets[link].bytes, (size_t)got);
	}
	assert_int_equal(ipc_next(&unread[link], false, &m), SR_OK);
	return m;
}

/* The next message on the link, which must come. */
struct ipc_message
room_expects(enum netd_link link)
{
	struct ipc_message m = room_hears(link);

	for (int i = 0; i < 500 && m.type == 0; i++) {
		if (running)
			running = netd_step(&netd, 10);
		m = room_hears(link);
	}
	return m;
}

void
room_hears_nothing(enum netd_link link)
{
	assert_int_equal(room_hears(link).type, 0);
}

void
say_beacon(void)
{
	uint8_t bytes[MESSAGE_BEACON_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_beacon m = {.hello = body, .hello_len = FRAME_HELLO_LEN};

	memset(body, 'h', sizeof(body));
	assert_int_equal(message_beacon_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

void
say_m2(uint64_t id)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_2_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_2 m = {
	    .connection = id, .body = body, .body_len = FRAME_M2_LEN};

	memset(body, '2', sizeof(body));
	assert_int_equal(message_handshake_2_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

void
say_accepted(uint64_t id)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_ACCEPTED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_accepted m = {.connection = id};

	assert_int_equal(message_handshake_accepted_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

void
say_refused(uint64_t id)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_REFUSED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_refused m = {.connection = id};

	assert_int_equal(message_handshake_refused_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

void
say_m5(uint64_t id)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_5_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_5 m = {
	    .connection = id, .body = body, .body_len = FRAME_M5_LEN};

	memset(body, '5', sizeof(body));
	assert_int_equal(message_handshake_5_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

void
say_record(uint64_t id, enum frame_type type, size_t len, uint8_t fill)
{
	static uint8_t bytes[MESSAGE_RECORD_OUT_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_record_out m = {.connection = id,
	    .frame_type = (uint8_t)type,
	    .body = body,
	    .body_len = len};

	memset(body, fill, sizeof(body));
	assert_int_equal(message_record_out_encode(&w, &m), SR_OK);
	room_say(LINK_LEDGERD, &w);
}

void
say_session_close(uint64_t id)
{
	uint8_t bytes[MESSAGE_SESSION_CLOSE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_session_close m = {.connection = id};

	assert_int_equal(message_session_close_encode(&w, &m), SR_OK);
	room_say(LINK_LEDGERD, &w);
}

void
say_stop(void)
{
	uint8_t bytes[MESSAGE_STOP_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_stop m = {0};

	assert_int_equal(message_stop_encode(&w, &m), SR_OK);
	room_say(LINK_CONTROL, &w);
}

/* keyd hears an M1 or M3 of that fill; gives the connection. */
uint64_t
keyd_hears(unsigned type, uint8_t fill)
{
	struct ipc_message in = room_expects(LINK_KEYD);
	struct message_handshake_1 m1;
	struct message_handshake_3 m3;

	assert_int_equal(in.type, type);
	if (type == MESSAGE_HANDSHAKE_1) {
		assert_int_equal(
		    message_handshake_1_decode(in.body, in.len, &m1), SR_OK);
		assert_int_equal(m1.generation, GENERATION);
		assert_int_equal(m1.body_len, FRAME_M1_LEN);
		assert_int_equal(m1.body[FRAME_M1_LEN - 1], fill);
		return m1.connection;
	}
	assert_int_equal(
	    message_handshake_3_decode(in.body, in.len, &m3), SR_OK);
	assert_int_equal(m3.generation, GENERATION);
	assert_int_equal(m3.body_len, FRAME_M3_LEN);
	assert_int_equal(m3.body[FRAME_M3_LEN - 1], fill);
	return m3.connection;
}

/* ledgerd hears a record; gives its length, *fill the last byte. */
size_t
ledgerd_hears(uint64_t id, uint8_t *fill)
{
	struct ipc_message in = room_expects(LINK_LEDGERD);
	struct message_record_in m;

	assert_int_equal(in.type, MESSAGE_RECORD_IN);
	assert_int_equal(message_record_in_decode(in.body, in.len, &m), SR_OK);
	assert_int_equal(m.generation, GENERATION);
	assert_int_equal(m.connection, id);
	*fill = m.body[m.body_len - 1];
	return m.body_len;
}

void
keyd_hears_gone(uint64_t id)
{
	struct ipc_message in = room_expects(LINK_KEYD);
	struct message_handshake_gone m;

	assert_int_equal(in.type, MESSAGE_HANDSHAKE_GONE);
	assert_int_equal(
	    message_handshake_gone_decode(in.body, in.len, &m), SR_OK);
	assert_int_equal(m.connection, id);
}

void
ledgerd_hears_gone(uint64_t id)
{
	struct ipc_message in = room_expects(LINK_LEDGERD);
	struct message_session_gone m;

	assert_int_equal(in.type, MESSAGE_SESSION_GONE);
	assert_int_equal(
	    message_session_gone_decode(in.body, in.len, &m), SR_OK);
	assert_int_equal(m.generation, GENERATION);
	assert_int_equal(m.connection, id);
}

/* ---- The clients --------------------------------------------------------- */

void
client_connects(int i)
{
	int on = 1;

	clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(clients[i] >= 0);
	assert_int_equal(
	    setsockopt(clients[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)),
	    0);
	assert_int_equal(
	    connect(clients[i], (struct sockaddr *)&address, sizeof(address)),
	    0);
	steps();
}

void
client_sends(int i, const void *bytes, size_t len)
{
	assert_int_equal(
	    send(clients[i], bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	steps();
}

size_t
make_frame(uint8_t *out, enum frame_type type, size_t len, uint8_t fill)
{
	frame_write(type, len, out);
	memset(out + FRAME_HEADER_LEN, fill, len);
	return FRAME_HEADER_LEN + len;
}

void
client_sends_frame(int i, enum frame_type type, size_t len, uint8_t fill)
{
	client_sends(i, frame, make_frame(frame, type, len, fill));
}

/* The client gets exactly this frame next. */
void
client_gets(int i, enum frame_type type, size_t len, uint8_t fill)
{
	size_t got = 0, total = FRAME_HEADER_LEN + len;
	struct frame_header header;

	while (got < total) {
		ssize_t n =
		    recv(clients[i], frame + got, total - got, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			steps();
			struct pollfd p = {.fd = clients[i], .events = POLLIN};
			assert_int_equal(poll(&p, 1, 5000), 1);
			continue;
		}
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_int_equal(frame_read(frame, &header), SR_OK);
	assert_int_equal(header.type, type);
	assert_int_equal(header.len, len);
	assert_int_equal(frame[FRAME_HEADER_LEN], fill);
	assert_int_equal(frame[total - 1], fill);
}

bool
client_is_open(int i)
{
	uint8_t byte;
	ssize_t n = recv(clients[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return n > 0 || (n < 0 && errno == EAGAIN);
}

void
client_is_closed(int i)
{
	struct pollfd p = {.fd = clients[i], .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, 5000), 1);
	while ((n = recv(clients[i], frame, sizeof(frame), MSG_DONTWAIT)) > 0)
		continue;
	assert_true(n == 0 || errno == ECONNRESET);
}

void
client_leaves(int i)
{
	assert_int_equal(close(clients[i]), 0);
	clients[i] = -1;
	steps();
}

void
client_says_m1(int i)
{
	client_connects(i);
	client_gets(i, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_sends_frame(i, FRAME_M1, FRAME_M1_LEN, '1');
	ids[i] = keyd_hears(MESSAGE_HANDSHAKE_1, '1');
}

void
client_says_m3(int i)
{
	client_says_m1(i);
	say_m2(ids[i]);
	client_gets(i, FRAME_M2, FRAME_M2_LEN, '2');
	client_sends_frame(i, FRAME_M3, FRAME_M3_LEN, '3');
	assert_int_equal(keyd_hears(MESSAGE_HANDSHAKE_3, '3'), ids[i]);
}

void
client_logs_in(int i)
{
	client_says_m3(i);
	say_accepted(ids[i]);
	say_record(ids[i], FRAME_M4, FRAME_M4_LEN, '4');
	client_gets(i, FRAME_M4, FRAME_M4_LEN, '4');
}

/* ---- Set-up -------------------------------------------------------------- */

static void
start(void)
{
	running = true;
	netd_init(&netd, &params);
}

/* A netd that has its HELLO; a test may change params and start anew. */
int
stage_set_up(void **state)
{
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	diag_init("netd");
	memset(&params, 0, sizeof(params));
	memset(unread, 0, sizeof(unread));
	for (int i = 0; i < CLIENTS_MAX; i++)
		clients[i] = -1;
	for (int i = 0; i < LINK_COUNT; i++) {
		int pair[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
		params.links[i] = pair[0];
		rooms[i] = pair[1];
	}
	address = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	params.listeners[0] = fd;
	params.listener_count = 1;
	params.generation = GENERATION;
	params.max_connections = 100;
	params.max_per_address = 100;
	params.handshake_timeout_ms = 15000;
	params.max_handshakes = 4;
	params.clock_ms = test_clock;
	clock_now = START_MS;
	start();
	return 0;
}

int
stage_set_up_with_hello(void **state)
{
	(void)stage_set_up(state);
	say_beacon();
	return 0;
}

int
stage_tear_down(void **state)
{
	(void)state;
	if (!netd.stopping)
		(void)close(params.listeners[0]);
	for (int i = 0; i < LINK_COUNT; i++) {
		(void)close(params.links[i]);
		(void)close(rooms[i]);
	}
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (clients[i] >= 0)
			(void)close(clients[i]);
	netd_end(&netd);
	return 0;
}

/* Starts anew with what the test has changed in params. */
void
stage_restart(void)
{
	netd_end(&netd);
	start();
	say_beacon();
}
