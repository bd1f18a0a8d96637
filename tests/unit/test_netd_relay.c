/* SPDX-License-Identifier: ISC */
/*
 * netd with its real sockets, in one process: the test plays the clients,
 * keyd, ledgerd, strongroomd and the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "netd/netd.h"

#define GENERATION 7
#define START_MS 100000
#define CLIENTS_MAX 8

/* What the test is besides netd. */
static struct netd netd;
static struct netd_params params;
static int rooms[LINK_COUNT]; /* the far ends of netd's links */
static struct sockaddr_in address;
static int clients[CLIENTS_MAX];
static uint64_t ids[CLIENTS_MAX];
static uint64_t clock_now;
static bool running;

/* A packet from netd that is being taken apart. */
static struct ipc_packet packets[LINK_COUNT];
static struct reader unread[LINK_COUNT];

static uint8_t body[FRAME_BODY_MAX];
static uint8_t frame[FRAME_MAX];

static uint64_t
test_clock(void *unused)
{
	(void)unused;
	return clock_now;
}

static void
steps(void)
{
	for (int i = 0; i < 6 && running; i++)
		running = netd_step(&netd, 0);
}

static void
later(uint64_t ms)
{
	clock_now += ms;
	steps();
}

/* ---- The rooms ----------------------------------------------------------- */

static void
room_say(enum netd_link link, const struct writer *w)
{
	assert_false(w->bad);
	assert_int_equal(send(rooms[link], w->start, writer_len(w), 0),
	    (ssize_t)writer_len(w));
	steps();
}

/* The next message on the link, or type 0 when there is none. */
static struct ipc_message
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
static struct ipc_message
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

static void
room_hears_nothing(enum netd_link link)
{
	assert_int_equal(room_hears(link).type, 0);
}

static void
say_beacon(void)
{
	uint8_t bytes[MESSAGE_BEACON_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_beacon m = {.hello = body, .hello_len = FRAME_HELLO_LEN};

	memset(body, 'h', sizeof(body));
	assert_int_equal(message_beacon_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

static void
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

static void
say_accepted(uint64_t id)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_ACCEPTED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_accepted m = {.connection = id};

	assert_int_equal(message_handshake_accepted_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

static void
say_refused(uint64_t id)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_REFUSED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_refused m = {.connection = id};

	assert_int_equal(message_handshake_refused_encode(&w, &m), SR_OK);
	room_say(LINK_KEYD, &w);
}

static void
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

static void
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

static void
say_session_close(uint64_t id)
{
	uint8_t bytes[MESSAGE_SESSION_CLOSE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_session_close m = {.connection = id};

	assert_int_equal(message_session_close_encode(&w, &m), SR_OK);
	room_say(LINK_LEDGERD, &w);
}

static void
say_stop(void)
{
	uint8_t bytes[MESSAGE_STOP_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_stop m = {0};

	assert_int_equal(message_stop_encode(&w, &m), SR_OK);
	room_say(LINK_CONTROL, &w);
}

/* keyd hears an M1 or M3 of that fill; gives the connection. */
static uint64_t
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
static size_t
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

static void
keyd_hears_gone(uint64_t id)
{
	struct ipc_message in = room_expects(LINK_KEYD);
	struct message_handshake_gone m;

	assert_int_equal(in.type, MESSAGE_HANDSHAKE_GONE);
	assert_int_equal(
	    message_handshake_gone_decode(in.body, in.len, &m), SR_OK);
	assert_int_equal(m.connection, id);
}

static void
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

static void
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

static void
client_sends(int i, const void *bytes, size_t len)
{
	assert_int_equal(
	    send(clients[i], bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	steps();
}

static size_t
make_frame(uint8_t *out, enum frame_type type, size_t len, uint8_t fill)
{
	frame_write(type, len, out);
	memset(out + FRAME_HEADER_LEN, fill, len);
	return FRAME_HEADER_LEN + len;
}

static void
client_sends_frame(int i, enum frame_type type, size_t len, uint8_t fill)
{
	client_sends(i, frame, make_frame(frame, type, len, fill));
}

/* The client gets exactly this frame next. */
static void
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

static bool
client_is_open(int i)
{
	uint8_t byte;
	ssize_t n = recv(clients[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void
client_is_closed(int i)
{
	struct pollfd p = {.fd = clients[i], .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, 5000), 1);
	while ((n = recv(clients[i], frame, sizeof(frame), MSG_DONTWAIT)) > 0)
		continue;
	assert_true(n == 0 || errno == ECONNRESET);
}

static void
client_leaves(int i)
{
	assert_int_equal(close(clients[i]), 0);
	clients[i] = -1;
	steps();
}

static void
client_says_m1(int i)
{
	client_connects(i);
	client_gets(i, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_sends_frame(i, FRAME_M1, FRAME_M1_LEN, '1');
	ids[i] = keyd_hears(MESSAGE_HANDSHAKE_1, '1');
}

static void
client_says_m3(int i)
{
	client_says_m1(i);
	say_m2(ids[i]);
	client_gets(i, FRAME_M2, FRAME_M2_LEN, '2');
	client_sends_frame(i, FRAME_M3, FRAME_M3_LEN, '3');
	assert_int_equal(keyd_hears(MESSAGE_HANDSHAKE_3, '3'), ids[i]);
}

static void
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
static int
set_up(void **state)
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

static int
set_up_with_hello(void **state)
{
	(void)set_up(state);
	say_beacon();
	return 0;
}

static int
tear_down(void **state)
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
static void
restart(void)
{
	netd_end(&netd);
	start();
	say_beacon();
}

/* ---- The tests ----------------------------------------------------------- */

static void
nobody_is_let_in_before_there_is_a_hello(void **state)
{
	(void)state;
	client_connects(0);
	assert_int_equal(netd.accepted, 0);
	say_beacon();
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	assert_int_equal(netd.accepted, 1);
}

static void
a_log_in_and_records_are_relayed_unchanged(void **state)
{
	uint8_t fill;

	(void)state;
	client_logs_in(0);
	client_sends_frame(0, FRAME_RECORD, 272, 'a');
	assert_int_equal(ledgerd_hears(ids[0], &fill), 272);
	assert_int_equal(fill, 'a');
	say_record(ids[0], FRAME_RECORD, FRAME_BODY_MAX, 'b');
	client_gets(0, FRAME_RECORD, FRAME_BODY_MAX, 'b');
	room_hears_nothing(LINK_KEYD);
	room_hears_nothing(LINK_LEDGERD);
}

static void
frames_split_at_every_byte_arrive_whole(void **state)
{
	size_t len;

	(void)state;
	client_connects(0);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	len = make_frame(frame, FRAME_M1, FRAME_M1_LEN, '1');
	for (size_t i = 0; i < len; i++) {
		room_hears_nothing(LINK_KEYD);
		client_sends(0, frame + i, 1);
	}
	ids[0] = keyd_hears(MESSAGE_HANDSHAKE_1, '1');
	say_m2(ids[0]);
	client_gets(0, FRAME_M2, FRAME_M2_LEN, '2');
	len = make_frame(frame, FRAME_M3, FRAME_M3_LEN, '3');
	for (size_t i = 0; i < len; i++)
		client_sends(0, frame + i, 1);
	assert_int_equal(keyd_hears(MESSAGE_HANDSHAKE_3, '3'), ids[0]);
	say_accepted(ids[0]);
	for (size_t split = 1; split < 4 + 600; split++) {
		uint8_t fill;

		len = make_frame(
		    frame, FRAME_RECORD, 600, (uint8_t)(split & 0xff));
		client_sends(0, frame, split);
		room_hears_nothing(LINK_LEDGERD);
		client_sends(0, frame + split, len - split);
		assert_int_equal(ledgerd_hears(ids[0], &fill), 600);
		assert_int_equal(fill, split & 0xff);
	}
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

static void
a_largest_frame_in_small_pieces_arrives_whole(void **state)
{
	static const size_t pieces[] = {1, 3, 532, 533, 1000, 4096, 7777};

	(void)state;
	client_logs_in(0);
	for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
		size_t len = make_frame(
		    frame, FRAME_RECORD, FRAME_BODY_MAX, (uint8_t)('a' + p));
		uint8_t fill;

		for (size_t at = 0; at < len; at += pieces[p]) {
			size_t part = pieces[p];

			if (part > len - at)
				part = len - at;
			client_sends(0, frame + at, part);
		}
		assert_int_equal(ledgerd_hears(ids[0], &fill), FRAME_BODY_MAX);
		assert_int_equal(fill, 'a' + p);
	}
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

static void
many_frames_in_one_segment_arrive_in_order(void **state)
{
	static uint8_t many[100 * 276];

	(void)state;
	client_logs_in(0);
	for (unsigned i = 0; i < 100; i++)
		(void)make_frame(many + i * 276, FRAME_RECORD, 272, (uint8_t)i);
	client_sends(0, many, sizeof(many));
	for (unsigned i = 0; i < 100; i++) {
		uint8_t fill;

		assert_int_equal(ledgerd_hears(ids[0], &fill), 272);
		assert_int_equal(fill, i);
	}
	room_hears_nothing(LINK_LEDGERD);
}

/* A client in HELLO sends these four bytes and is closed. */
static void
header_is_refused(int i, const uint8_t header[4])
{
	uint64_t refused = netd.refused;

	client_connects(i);
	client_gets(i, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_sends(i, header, 4);
	client_is_closed(i);
	client_leaves(i);
	assert_int_equal(netd.refused, refused + 1);
	room_hears_nothing(LINK_KEYD);
	room_hears_nothing(LINK_LEDGERD);
}

static void
a_header_that_is_wrong_for_the_phase_closes(void **state)
{
	static const uint8_t wrong[][4] = {
	    {FRAME_M1_LEN & 0xff, FRAME_M1_LEN >> 8, FRAME_M1, 2},
	    {(FRAME_M1_LEN + 1) & 0xff, FRAME_M1_LEN >> 8, FRAME_M1, 1},
	    {FRAME_M3_LEN & 0xff, FRAME_M3_LEN >> 8, FRAME_M3, 1},
	    {FRAME_RECORD_MIN & 0xff, FRAME_RECORD_MIN >> 8, FRAME_RECORD, 1},
	    {FRAME_HELLO_LEN & 0xff, FRAME_HELLO_LEN >> 8, FRAME_HELLO, 1},
	    {0, 0, FRAME_M1, 1},
	    {0xff, 0xff, FRAME_RECORD, 1},
	    {0, 0, 0, 0},
	    {'G', 'E', 'T', ' '},
	    {0x16, 3, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		header_is_refused(0, wrong[i]);
	/* In a session only records are taken. */
	client_logs_in(0);
	client_sends_frame(0, FRAME_M1, FRAME_M1_LEN, 'x');
	client_is_closed(0);
	ledgerd_hears_gone(ids[0]);
}

static void
a_refused_handshake_closes_at_its_deadline_and_not_before(void **state)
{
	(void)state;
	client_says_m1(0);
	client_says_m3(1);
	later(1000);
	say_refused(ids[0]);
	say_refused(ids[1]);
	later(NETD_REFUSE_MS - 1000 - 1);
	assert_true(client_is_open(0));
	assert_true(client_is_open(1));
	later(WHEEL_TICK_MS + 1);
	client_is_closed(0);
	client_is_closed(1);
	room_hears_nothing(LINK_KEYD);
}

static void
a_refusal_that_comes_late_waits_for_the_next_deadline(void **state)
{
	(void)state;
	client_says_m1(0);
	later(NETD_REFUSE_MS + 500);
	say_refused(ids[0]);
	later(NETD_REFUSE_MS - 500 - 1);
	assert_true(client_is_open(0));
	later(WHEEL_TICK_MS + 1);
	client_is_closed(0);
}

static void
a_handshake_that_takes_too_long_closes(void **state)
{
	(void)state;
	client_connects(0);
	client_says_m1(1);
	client_says_m3(2);
	client_logs_in(3);
	later(params.handshake_timeout_ms - 1);
	assert_true(client_is_open(0));
	later(WHEEL_TICK_MS + 1);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_is_closed(0);
	client_is_closed(1);
	client_is_closed(2);
	/* The order is the wheel's. */
	assert_int_equal(room_hears(LINK_KEYD).type, MESSAGE_HANDSHAKE_GONE);
	assert_int_equal(room_hears(LINK_KEYD).type, MESSAGE_HANDSHAKE_GONE);
	room_hears_nothing(LINK_KEYD);
	assert_true(client_is_open(3));
}

static void
one_address_gets_only_its_share(void **state)
{
	(void)state;
	params.max_per_address = 2;
	restart();
	client_connects(0);
	client_connects(1);
	client_connects(2);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_gets(1, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_is_closed(2);
	assert_int_equal(netd.refused, 1);
	client_leaves(1);
	client_connects(3);
	client_gets(3, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
}

static void
connections_are_bounded_and_ids_never_come_twice(void **state)
{
	uint64_t last = 0;

	(void)state;
	params.max_connections = 2;
	restart();
	client_connects(0);
	client_connects(1);
	client_connects(2);
	client_is_closed(2);
	client_leaves(0);
	client_leaves(1);
	for (int i = 0; i < 20; i++) {
		client_says_m1(0);
		assert_int_equal(ids[0] >> 32, GENERATION);
		assert_true(ids[0] > last);
		last = ids[0];
		client_leaves(0);
		keyd_hears_gone(last);
	}
	assert_int_equal(netd.connections.used, 0);
}

static void
keyd_has_a_bounded_number_of_handshakes_and_finishes_what_it_began(void **state)
{
	(void)state;
	params.max_handshakes = 2;
	restart();
	client_says_m1(0);
	say_m2(ids[0]);
	client_gets(0, FRAME_M2, FRAME_M2_LEN, '2');
	client_says_m1(1);
	client_says_m1(2);
	/* Both turns are taken: these wait, M1 first, then the M3. */
	client_connects(3);
	client_gets(3, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_sends_frame(3, FRAME_M1, FRAME_M1_LEN, 'd');
	client_sends_frame(0, FRAME_M3, FRAME_M3_LEN, 'c');
	room_hears_nothing(LINK_KEYD);
	say_m2(ids[1]);
	assert_int_equal(keyd_hears(MESSAGE_HANDSHAKE_3, 'c'), ids[0]);
	room_hears_nothing(LINK_KEYD);
	/* A client that leaves gives its turn back. */
	client_leaves(2);
	keyd_hears_gone(ids[2]);
	(void)keyd_hears(MESSAGE_HANDSHAKE_1, 'd');
}

static void
a_client_that_leaves_is_told_to_the_room_that_knows_it(void **state)
{
	(void)state;
	client_connects(0);
	client_leaves(0);
	client_says_m1(1);
	client_leaves(1);
	keyd_hears_gone(ids[1]);
	client_logs_in(2);
	client_leaves(2);
	ledgerd_hears_gone(ids[2]);
	room_hears_nothing(LINK_KEYD);
	room_hears_nothing(LINK_LEDGERD);
	assert_int_equal(netd.connections.used, 0);
}

static void
a_session_for_a_client_that_has_left_is_ended(void **state)
{
	(void)state;
	client_says_m3(0);
	client_leaves(0);
	keyd_hears_gone(ids[0]);
	say_accepted(ids[0]);
	ledgerd_hears_gone(ids[0]);
	say_record(ids[0], FRAME_M4, FRAME_M4_LEN, '4');
	ledgerd_hears_gone(ids[0]);
	/* But an answer on its way, or another netd's client, is nothing. */
	say_record(ids[0], FRAME_RECORD, 272, 'x');
	say_accepted(((uint64_t)(GENERATION - 1) << 32) + 1);
	say_record(((uint64_t)(GENERATION - 1) << 32) + 1, FRAME_M4,
	    FRAME_M4_LEN, '4');
	room_hears_nothing(LINK_LEDGERD);
}

static void
a_first_record_may_overtake_the_acceptance(void **state)
{
	uint8_t fill;

	(void)state;
	client_says_m3(0);
	say_record(ids[0], FRAME_M4, FRAME_M4_LEN, '4');
	client_gets(0, FRAME_M4, FRAME_M4_LEN, '4');
	client_sends_frame(0, FRAME_RECORD, 300, 'r');
	assert_int_equal(ledgerd_hears(ids[0], &fill), 300);
	say_accepted(ids[0]);
	client_sends_frame(0, FRAME_RECORD, 301, 'r');
	assert_int_equal(ledgerd_hears(ids[0], &fill), 301);
	assert_int_equal(netd.in_turn, 0);
}

static void
a_room_cannot_reach_a_connection_in_another_phase(void **state)
{
	(void)state;
	client_connects(0);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_says_m1(1);
	ids[0] = ids[1] - 1;
	say_m2(ids[0]);
	say_m5(ids[1]);
	say_accepted(ids[1]);
	say_record(ids[1], FRAME_RECORD, 272, 'x');
	say_record(ids[0], FRAME_M4, FRAME_M4_LEN, 'x');
	say_session_close(ids[0]);
	assert_true(client_is_open(0));
	assert_true(client_is_open(1));
	assert_int_equal(recv(clients[0], frame, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(clients[1], frame, 1, MSG_DONTWAIT), -1);
	say_m2(ids[1]);
	client_gets(1, FRAME_M2, FRAME_M2_LEN, '2');
}

static void
the_result_of_a_registration_is_sent_and_ends_the_connection(void **state)
{
	(void)state;
	client_says_m3(0);
	say_m5(ids[0]);
	client_gets(0, FRAME_M5, FRAME_M5_LEN, '5');
	client_is_closed(0);
	client_leaves(0);
	room_hears_nothing(LINK_KEYD);
	assert_int_equal(netd.connections.used, 0);
}

static void
a_closed_session_gets_what_was_queued_for_it(void **state)
{
	(void)state;
	client_logs_in(0);
	/* What the client sent meanwhile must not turn the end into a reset. */
	client_sends_frame(0, FRAME_RECORD, 272, 'x');
	say_record(ids[0], FRAME_RECORD, 272, 'y');
	say_session_close(ids[0]);
	client_gets(0, FRAME_RECORD, 272, 'y');
	assert_int_equal(recv(clients[0], frame, 1, 0), 0);
	later(NETD_LINGER_MS + WHEEL_TICK_MS);
	assert_int_equal(netd.connections.used, 0);
	(void)room_hears(LINK_LEDGERD);
	room_hears_nothing(LINK_LEDGERD);
}

static void
a_slow_reader_is_closed_and_the_others_are_served(void **state)
{
	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	for (int i = 0; i < 2000 && netd.refused == 0; i++)
		say_record(ids[0], FRAME_RECORD, FRAME_BODY_MAX, 's');
	assert_int_equal(netd.refused, 1);
	ledgerd_hears_gone(ids[0]);
	say_record(ids[1], FRAME_RECORD, 272, 'f');
	client_gets(1, FRAME_RECORD, 272, 'f');
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

static void
answers_that_nobody_takes_close_after_a_time(void **state)
{
	unsigned sent = 0;

	(void)state;
	client_logs_in(0);
	while (netd.blocks.free == netd.blocks.count && sent++ < 2000)
		say_record(ids[0], FRAME_RECORD, FRAME_BODY_MAX, 's');
	assert_int_equal(netd.refused, 0);
	later(NETD_SLOW_MS - 1);
	assert_int_equal(netd.refused, 0);
	later(WHEEL_TICK_MS + 1);
	assert_int_equal(netd.refused, 1);
	ledgerd_hears_gone(ids[0]);
}

static void
queued_answers_arrive_in_order_when_the_client_reads_again(void **state)
{
	unsigned sent = 0;

	(void)state;
	client_logs_in(0);
	while (netd.blocks.free == netd.blocks.count && sent < 2000)
		say_record(
		    ids[0], FRAME_RECORD, 10000, (uint8_t)('a' + sent++ % 26));
	say_record(ids[0], FRAME_RECORD, 10000, (uint8_t)('a' + sent++ % 26));
	for (unsigned i = 0; i < sent; i++)
		client_gets(0, FRAME_RECORD, 10000, (uint8_t)('a' + i % 26));
	steps();
	assert_int_equal(netd.blocks.free, netd.blocks.count);
	assert_true(client_is_open(0));
}

static void
a_begun_frame_must_be_finished_in_time(void **state)
{
	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	later(params.handshake_timeout_ms * 2);
	assert_true(client_is_open(0));
	(void)make_frame(frame, FRAME_RECORD, 9000, 'x');
	client_sends(0, frame, 5000);
	later(params.handshake_timeout_ms - 1);
	assert_true(client_is_open(0));
	later(WHEEL_TICK_MS + 1);
	client_is_closed(0);
	ledgerd_hears_gone(ids[0]);
	assert_true(client_is_open(1));
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

/* Sends without waiting; bytes that the socket took. */
static size_t
flood(int i, const uint8_t *bytes, size_t len)
{
	ssize_t n = send(clients[i], bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	assert_true(n >= 0 || errno == EAGAIN);
	return n < 0 ? 0 : (size_t)n;
}

static void
a_ledgerd_that_does_not_keep_up_stops_the_reading_and_loses_nothing(
    void **state)
{
	static uint8_t many[64 * (4 + 4096)];
	size_t sent = 0, heard = 0;
	unsigned quiet = 0;

	(void)state;
	client_logs_in(0);
	for (unsigned i = 0; i < 64; i++)
		(void)make_frame(
		    many + i * 4100, FRAME_RECORD, 4096, (uint8_t)i);
	while (quiet < 20) {
		size_t at = sent % sizeof(many);
		size_t took = flood(0, many + at, sizeof(many) - at);

		sent += took;
		quiet = took == 0 ? quiet + 1 : 0;
		steps();
	}
	/* Nobody takes anything any more; keyd is served nevertheless. */
	say_beacon();
	assert_true(
	    outbox_free(&netd.links[LINK_LEDGERD].box) < NETD_STALL_LEN);
	while (heard < sent / 4100) {
		uint8_t fill;

		if (reader_left(&unread[LINK_LEDGERD]) == 0)
			steps();
		assert_int_equal(ledgerd_hears(ids[0], &fill), 4096);
		assert_int_equal(fill, heard % 64);
		heard++;
	}
	room_hears_nothing(LINK_LEDGERD);
}

static void
one_flooding_client_does_not_keep_the_others_from_their_turn(void **state)
{
	static uint8_t many[1000 * 276];
	unsigned before = 0;

	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	for (unsigned i = 0; i < 1000; i++)
		(void)make_frame(many + i * 276, FRAME_RECORD, 272, 'f');
	(void)flood(0, many, sizeof(many));
	assert_int_equal(send(clients[1], frame,
			     make_frame(frame, FRAME_RECORD, 272, 'q'), 0),
	    276);
	(void)netd_step(&netd, 1000);
	for (;;) {
		struct ipc_message in = room_expects(LINK_LEDGERD);
		struct message_record_in m;

		assert_int_equal(in.type, MESSAGE_RECORD_IN);
		assert_int_equal(
		    message_record_in_decode(in.body, in.len, &m), SR_OK);
		if (m.connection == ids[1])
			break;
		before++;
	}
	assert_true(before <= FRAME_MAX / 276 + 1);
}

static void
sessions_wait_for_blocks_and_go_on_when_there_are_some(void **state)
{
	static uint8_t hoard[4096];
	struct chain hoarded;
	uint8_t fill;

	(void)state;
	client_logs_in(0);
	chain_init(&hoarded);
	while (blocks_free(&netd.blocks) > 0)
		assert_int_equal(
		    chain_append(&netd.blocks, &hoarded, hoard, sizeof(hoard)),
		    SR_OK);
	client_sends_frame(0, FRAME_RECORD, 5000, 'w');
	room_hears_nothing(LINK_LEDGERD);
	assert_true(client_is_open(0));
	chain_clear(&netd.blocks, &hoarded);
	/* Whoever gives blocks back wakes the session. */
	client_connects(1);
	client_leaves(1);
	assert_int_equal(ledgerd_hears(ids[0], &fill), 5000);
}

static void
strongroomd_gets_the_state_and_a_refusal_of_the_rest(void **state)
{
	uint8_t inner[16], bytes[64];
	struct writer in = writer_to(inner, sizeof(inner));
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_netd_status_get get = {0};
	struct message_control_request request = {.request = 42};
	struct message_control_answer answer;
	struct message_netd_status status;
	struct ipc_message m;
	struct reader r;

	(void)state;
	client_connects(0);
	assert_int_equal(message_netd_status_get_encode(&in, &get), SR_OK);
	request.packet = inner;
	request.packet_len = writer_len(&in);
	assert_int_equal(message_control_request_encode(&w, &request), SR_OK);
	room_say(LINK_CONTROL, &w);
	m = room_hears(LINK_CONTROL);
	assert_int_equal(m.type, MESSAGE_CONTROL_ANSWER);
	assert_int_equal(
	    message_control_answer_decode(m.body, m.len, &answer), SR_OK);
	assert_int_equal(answer.request, 42);
	r = reader_of(answer.packet, answer.packet_len);
	assert_int_equal(ipc_next(&r, false, &m), SR_OK);
	assert_int_equal(m.type, MESSAGE_NETD_STATUS);
	assert_int_equal(
	    message_netd_status_decode(m.body, m.len, &status), SR_OK);
	assert_int_equal(status.generation, GENERATION);
	assert_int_equal(status.connections, 1);
	assert_int_equal(status.accepted, 1);

	inner[2] = MESSAGE_INVITE;
	w = writer_to(bytes, sizeof(bytes));
	assert_int_equal(message_control_request_encode(&w, &request), SR_OK);
	room_say(LINK_CONTROL, &w);
	m = room_hears(LINK_CONTROL);
	assert_int_equal(
	    message_control_answer_decode(m.body, m.len, &answer), SR_OK);
	r = reader_of(answer.packet, answer.packet_len);
	assert_int_equal(ipc_next(&r, false, &m), SR_OK);
	assert_int_equal(m.type, MESSAGE_CONTROL_REFUSED);
}

static void
readiness_tells_what_the_sandbox_lacks(void **state)
{
	struct ipc_message m;
	struct message_ready ready;

	(void)state;
	netd_ready(&netd, 5);
	steps();
	m = room_hears(LINK_CONTROL);
	assert_int_equal(m.type, MESSAGE_READY);
	assert_int_equal(message_ready_decode(m.body, m.len, &ready), SR_OK);
	assert_int_equal(ready.missing, 5);
}

static void
stop_without_sessions_ends_at_once(void **state)
{
	(void)state;
	client_connects(0);
	client_says_m1(1);
	say_stop();
	assert_false(running);
	assert_true(netd.stopping);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_is_closed(0);
	client_is_closed(1);
}

static void
stop_delivers_the_last_answers_and_ends_in_time(void **state)
{
	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	say_stop();
	assert_true(running);
	client_sends_frame(0, FRAME_RECORD, 272, 'x');
	room_hears_nothing(LINK_LEDGERD);
	say_record(ids[0], FRAME_RECORD, 272, 'l');
	client_gets(0, FRAME_RECORD, 272, 'l');
	say_session_close(ids[0]);
	assert_int_equal(recv(clients[0], frame, 1, 0), 0);
	assert_true(running);
	later(NETD_STOP_MS);
	assert_false(running);
}

static void
stop_ends_when_ledgerd_has_ended(void **state)
{
	(void)state;
	client_logs_in(0);
	say_stop();
	assert_true(running);
	say_record(ids[0], FRAME_RECORD, 272, 'l');
	assert_int_equal(close(rooms[LINK_LEDGERD]), 0);
	rooms[LINK_LEDGERD] = -1;
	steps();
	assert_false(running);
	client_gets(0, FRAME_RECORD, 272, 'l');
	client_is_closed(0);
}

static void
netd_ends_when_keyd_or_ledgerd_is_gone(void **state)
{
	(void)state;
	assert_int_equal(close(rooms[LINK_KEYD]), 0);
	rooms[LINK_KEYD] = -1;
	steps();
	later(NETD_LOST_MS);
	assert_false(running);
	assert_false(netd.stopping);
}

static void
a_room_that_ends_just_before_the_stop_is_no_failure(void **state)
{
	(void)state;
	client_logs_in(0);
	say_record(ids[0], FRAME_RECORD, 272, 'l');
	assert_int_equal(close(rooms[LINK_LEDGERD]), 0);
	rooms[LINK_LEDGERD] = -1;
	steps();
	assert_true(running);
	client_gets(0, FRAME_RECORD, 272, 'l');
	client_is_closed(0);
	say_stop();
	assert_false(running);
	assert_true(netd.stopping);
}

static void
many_closings_are_all_told_when_ledgerd_reads_again(void **state)
{
	static uint8_t filler[60000];
	unsigned gone = 0;
	struct ipc_message m;

	(void)state;
	for (int i = 0; i < 4; i++)
		client_logs_in(i);
	/* The outbox is full to the last byte. */
	filler[0] = (sizeof(filler) - 4) & 0xff;
	filler[1] = (sizeof(filler) - 4) >> 8;
	filler[2] = 99;
	while (outbox_append(&netd.links[LINK_LEDGERD].box, filler,
		   sizeof(filler)) == SR_OK)
		continue;
	filler[0] = 1;
	filler[1] = 0;
	while (outbox_append(&netd.links[LINK_LEDGERD].box, filler, 5) == SR_OK)
		continue;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(close(clients[i]), 0);
		clients[i] = -1;
	}
	for (;;) {
		steps();
		m = room_hears(LINK_LEDGERD);
		if (m.type == 0)
			break;
		gone += m.type == MESSAGE_SESSION_GONE;
	}
	assert_int_equal(gone, 4);
	assert_int_equal(netd.connections.used, 0);
}

#define GIVEN_HELLO(f) \
	cmocka_unit_test_setup_teardown(f, set_up_with_hello, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		nobody_is_let_in_before_there_is_a_hello, set_up, tear_down),
	    GIVEN_HELLO(a_log_in_and_records_are_relayed_unchanged),
	    GIVEN_HELLO(frames_split_at_every_byte_arrive_whole),
	    GIVEN_HELLO(a_largest_frame_in_small_pieces_arrives_whole),
	    GIVEN_HELLO(many_frames_in_one_segment_arrive_in_order),
	    GIVEN_HELLO(a_header_that_is_wrong_for_the_phase_closes),
	    GIVEN_HELLO(
		a_refused_handshake_closes_at_its_deadline_and_not_before),
	    GIVEN_HELLO(a_refusal_that_comes_late_waits_for_the_next_deadline),
	    GIVEN_HELLO(a_handshake_that_takes_too_long_closes),
	    GIVEN_HELLO(one_address_gets_only_its_share),
	    GIVEN_HELLO(connections_are_bounded_and_ids_never_come_twice),
	    GIVEN_HELLO(
		keyd_has_a_bounded_number_of_handshakes_and_finishes_what_it_began),
	    GIVEN_HELLO(a_client_that_leaves_is_told_to_the_room_that_knows_it),
	    GIVEN_HELLO(a_session_for_a_client_that_has_left_is_ended),
	    GIVEN_HELLO(a_first_record_may_overtake_the_acceptance),
	    GIVEN_HELLO(a_room_cannot_reach_a_connection_in_another_phase),
	    GIVEN_HELLO(
		the_result_of_a_registration_is_sent_and_ends_the_connection),
	    GIVEN_HELLO(a_closed_session_gets_what_was_queued_for_it),
	    GIVEN_HELLO(a_slow_reader_is_closed_and_the_others_are_served),
	    GIVEN_HELLO(answers_that_nobody_takes_close_after_a_time),
	    GIVEN_HELLO(
		queued_answers_arrive_in_order_when_the_client_reads_again),
	    GIVEN_HELLO(a_begun_frame_must_be_finished_in_time),
	    GIVEN_HELLO(
		a_ledgerd_that_does_not_keep_up_stops_the_reading_and_loses_nothing),
	    GIVEN_HELLO(
		one_flooding_client_does_not_keep_the_others_from_their_turn),
	    GIVEN_HELLO(sessions_wait_for_blocks_and_go_on_when_there_are_some),
	    GIVEN_HELLO(strongroomd_gets_the_state_and_a_refusal_of_the_rest),
	    GIVEN_HELLO(readiness_tells_what_the_sandbox_lacks),
	    GIVEN_HELLO(stop_without_sessions_ends_at_once),
	    GIVEN_HELLO(stop_delivers_the_last_answers_and_ends_in_time),
	    GIVEN_HELLO(stop_ends_when_ledgerd_has_ended),
	    GIVEN_HELLO(netd_ends_when_keyd_or_ledgerd_is_gone),
	    GIVEN_HELLO(a_room_that_ends_just_before_the_stop_is_no_failure),
	    GIVEN_HELLO(many_closings_are_all_told_when_ledgerd_reads_again),
	};

	return cmocka_run_group_tests_name("netd_relay", tests, NULL, NULL);
}
