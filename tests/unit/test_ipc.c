/* SPDX-License-Identifier: ISC */
/* Packets between the rooms, over a real socketpair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/ipc.h"
#include "gen/messages.h"

struct link {
	int fd[2];
	struct ipc_batch batch;
	struct ipc_packet packet;
};

static struct link link_;

static int
link_make(void **state)
{
	int size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, link_.fd))
		return -1;
	for (int i = 0; i < 2; i++)
		if (setsockopt(link_.fd[i], SOL_SOCKET, SO_SNDBUF, &size,
			sizeof(size)))
			return -1;
	ipc_batch_init(&link_.batch);
	*state = &link_;
	return 0;
}

static int
link_end(void **state)
{
	struct link *l = *state;

	for (int i = 0; i < 2; i++)
		if (l->fd[i] >= 0)
			close(l->fd[i]);
	return 0;
}

static void
link_close(struct link *l, int end)
{
	assert_return_code(close(l->fd[end]), errno);
	l->fd[end] = -1;
}

static enum sr_error
next(struct reader *r, struct ipc_message *m)
{
	return ipc_next(r, false, m);
}

static void
given_several_messages_then_they_arrive_in_one_packet_in_order(void **state)
{
	struct link *l = *state;
	struct ipc_message in;
	struct message_generation g;
	struct message_stop s;
	struct reader r;

	for (uint32_t i = 0; i < 3; i++) {
		g.generation = 70 + i;
		assert_int_equal(message_generation_encode(&l->batch.w, &g), 0);
	}
	assert_int_equal(
	    message_stop_encode(&l->batch.w, &(struct message_stop){0}), 0);
	assert_int_equal(ipc_batch_len(&l->batch), 3 * 8 + 4);
	assert_int_equal(
	    ipc_batch_room(&l->batch), IPC_PACKET_MAX - (3 * 8 + 4));
	assert_int_equal(ipc_batch_flush(l->fd[0], &l->batch), SR_OK);
	assert_int_equal(ipc_batch_len(&l->batch), 0);

	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_OK);
	assert_int_equal(l->packet.len, 3 * 8 + 4);
	r = reader_of(l->packet.bytes, l->packet.len);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(next(&r, &in), SR_OK);
		assert_int_equal(in.type, MESSAGE_GENERATION);
		assert_int_equal(
		    message_generation_decode(in.body, in.len, &g), SR_OK);
		assert_int_equal(g.generation, 70 + i);
	}
	assert_int_equal(next(&r, &in), SR_OK);
	assert_int_equal(in.type, MESSAGE_STOP);
	assert_int_equal(message_stop_decode(in.body, in.len, &s), SR_OK);
	assert_int_equal(next(&r, &in), SR_AGAIN);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_AGAIN);
}

static void
given_nothing_to_send_then_a_flush_sends_no_packet(void **state)
{
	struct link *l = *state;

	assert_int_equal(ipc_batch_flush(l->fd[0], &l->batch), SR_OK);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_AGAIN);
	assert_int_equal(l->packet.len, 0);
}

static void
given_a_flushed_batch_then_its_bytes_are_wiped(void **state)
{
	struct link *l = *state;

	writer_bytes(&l->batch.w, "secret", 6);
	assert_int_equal(ipc_batch_flush(l->fd[0], &l->batch), SR_OK);
	assert_memory_equal(l->batch.bytes, "\0\0\0\0\0\0", 6);
}

static void
given_the_largest_packet_then_it_passes_and_one_byte_more_is_refused(
    void **state)
{
	static uint8_t large[IPC_PACKET_MAX + 2];
	struct link *l = *state;

	writer_zeros(&l->batch.w, IPC_PACKET_MAX);
	assert_int_equal(ipc_batch_room(&l->batch), 0);
	assert_int_equal(ipc_batch_flush(l->fd[0], &l->batch), SR_OK);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_OK);
	assert_int_equal(l->packet.len, IPC_PACKET_MAX);

	for (size_t more = 1; more <= 2; more++) {
		assert_int_equal(write(l->fd[0], large, IPC_PACKET_MAX + more),
		    IPC_PACKET_MAX + more);
		assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_TOO_LARGE);
		assert_int_equal(l->packet.len, 0);
	}
	assert_int_equal(write(l->fd[0], "abc", 3), 3);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_OK);
	assert_int_equal(l->packet.len, 3);
}

static void
given_a_full_batch_then_a_message_is_refused_and_nothing_of_it_stays(
    void **state)
{
	struct link *l = *state;
	struct message_generation g = {.generation = 1};

	writer_zeros(&l->batch.w, IPC_PACKET_MAX - 7);
	assert_int_equal(
	    message_generation_encode(&l->batch.w, &g), SR_TOO_LARGE);
	assert_int_equal(ipc_batch_room(&l->batch), 7);
	assert_int_equal(
	    message_stop_encode(&l->batch.w, &(struct message_stop){0}), SR_OK);
	assert_int_equal(ipc_batch_room(&l->batch), 3);
}

static void
given_a_full_socket_then_the_batch_waits_and_leaves_whole_later(void **state)
{
	struct link *l = *state;
	enum sr_error error;
	unsigned sent = 0, got = 0;

	do {
		writer_u32(&l->batch.w, sent);
		writer_zeros(&l->batch.w, 30000);
		error = ipc_batch_flush(l->fd[0], &l->batch);
		if (error == SR_OK)
			sent++;
	} while (error == SR_OK && sent < 100000);
	assert_int_equal(error, SR_AGAIN);
	assert_int_equal(ipc_batch_len(&l->batch), 30004);
	for (; ipc_read(l->fd[1], &l->packet) == SR_OK; got++) {
		struct reader r = reader_of(l->packet.bytes, l->packet.len);

		assert_int_equal(l->packet.len, 30004);
		assert_int_equal(reader_u32(&r), got);
	}
	assert_int_equal(got, sent);
	assert_int_equal(ipc_batch_flush(l->fd[0], &l->batch), SR_OK);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_OK);
	assert_int_equal(l->packet.bytes[0], sent & 0xff);
}

static void
given_a_peer_that_has_closed_then_both_directions_say_so(void **state)
{
	struct link *l = *state;

	assert_int_equal(write(l->fd[0], "ab", 2), 2);
	link_close(l, 0);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_OK);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_CLOSED);
	writer_u8(&l->batch.w, 1);
	assert_int_equal(ipc_batch_flush(l->fd[1], &l->batch), SR_CLOSED);
	assert_int_equal(ipc_batch_len(&l->batch), 1);
}

static void
given_a_descriptor_that_is_none_then_it_is_an_io_error(void **state)
{
	struct link *l = *state;

	assert_int_equal(ipc_read(-1, &l->packet), SR_IO);
	assert_int_equal(errno, EBADF);
	writer_u8(&l->batch.w, 1);
	assert_int_equal(ipc_batch_flush(-1, &l->batch), SR_IO);
}

static volatile sig_atomic_t ticks;
static int tick_fd;

/* At the second tick a packet comes, so the blocked read was interrupted. */
static void
tick(int number)
{
	(void)number;
	if (++ticks == 2 && write(tick_fd, "x", 1) != 1)
		_exit(1);
}

static void
given_a_signal_while_blocked_then_the_read_goes_on(void **state)
{
	struct link *l = *state;
	struct sigaction action = {.sa_handler = tick};
	struct itimerval every = {{0, 20000}, {0, 20000}}, never = {0};

	ticks = 0;
	tick_fd = l->fd[0];
	assert_return_code(fcntl(l->fd[1], F_SETFL, 0), errno);
	assert_return_code(sigaction(SIGALRM, &action, NULL), errno);
	assert_return_code(setitimer(ITIMER_REAL, &every, NULL), errno);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_OK);
	assert_return_code(setitimer(ITIMER_REAL, &never, NULL), errno);
	assert_true(ticks >= 2);
	assert_int_equal(l->packet.len, 1);
}

static void
given_a_descriptor_with_a_packet_then_it_does_not_come_in(void **state)
{
	struct link *l = *state;
	uint8_t space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec data = {.iov_base = "abc", .iov_len = 3};
	struct msghdr msg = {.msg_iov = &data,
	    .msg_iovlen = 1,
	    .msg_control = space,
	    .msg_controllen = sizeof(space)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int before = dup(0), after;

	close(before);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &l->fd[0], sizeof(int));
	assert_int_equal(sendmsg(l->fd[0], &msg, 0), 3);
	assert_int_equal(ipc_read(l->fd[1], &l->packet), SR_OK);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

/* One packet of the given bytes, taken apart to its first error or end. */
static enum sr_error
walk(const char *bytes, size_t len, bool padded, unsigned *count)
{
	struct reader r = reader_of(bytes, len);
	struct ipc_message in;
	enum sr_error error;

	*count = 0;
	while ((error = ipc_next(&r, padded, &in)) == SR_OK)
		++*count;
	return error;
}

static void
given_malformed_headers_then_nothing_after_them_is_read(void **state)
{
	unsigned n;

	(void)state;
	/* cut off within the header */
	assert_int_equal(walk("\0\0\1", 3, false, &n), SR_MALFORMED);
	/* type 0, reserved byte, body beyond the end, one byte too long */
	assert_int_equal(walk("\0\0\0\0", 4, false, &n), SR_MALFORMED);
	assert_int_equal(walk("\0\0\1\1", 4, false, &n), SR_MALFORMED);
	assert_int_equal(walk("\2\0\1\0a", 5, false, &n), SR_MALFORMED);
	assert_int_equal(walk("\377\377\1\0a", 5, false, &n), SR_MALFORMED);
	assert_int_equal(n, 0);
	assert_int_equal(walk("\1\0\1\0a\0", 6, false, &n), SR_MALFORMED);
	assert_int_equal(n, 1);
	assert_int_equal(walk("\1\0\1\0a\0\0\2\0", 9, false, &n), SR_AGAIN);
	assert_int_equal(n, 2);
	assert_int_equal(walk("", 0, false, &n), SR_AGAIN);
	assert_int_equal(n, 0);
}

static void
given_a_padded_packet_then_its_end_must_be_zeros_only(void **state)
{
	char bytes[32] = "\1\0\7\0a";
	unsigned n;

	(void)state;
	for (size_t len = 5; len <= sizeof(bytes); len++) {
		assert_int_equal(walk(bytes, len, true, &n), SR_AGAIN);
		assert_int_equal(n, 1);
		if (len == 5)
			continue;
		assert_int_equal(walk(bytes, len, false, &n), SR_MALFORMED);
		bytes[len - 1] = 1;
		assert_int_equal(walk(bytes, len, true, &n), SR_MALFORMED);
		bytes[len - 1] = 0;
	}
	/* a message of no bytes whose first two are zeros is no padding */
	assert_int_equal(walk("\0\0\7\0\0\0\0\0\0", 9, true, &n), SR_AGAIN);
	assert_int_equal(n, 1);
}

static void
given_every_message_then_no_two_share_a_link_and_a_number(void **state)
{
	(void)state;
	assert_true(message_table_count > 0);
	for (size_t i = 0; i < message_table_count; i++) {
		const struct message_row *row = &message_table[i];

		assert_in_range(row->number, 1, 255);
		assert_true(row->body_min_len <= row->body_max_len);
		assert_true(
		    row->body_max_len <= IPC_PACKET_MAX - IPC_HEADER_LEN);
		assert_true(strlen(row->does) > 0);
		assert_true(row->phases != 0);
		for (size_t j = 0; j < i; j++)
			assert_false(
			    message_table[j].number == row->number &&
			    strcmp(message_table[j].from, row->from) == 0 &&
			    strcmp(message_table[j].to, row->to) == 0);
	}
	assert_null(message_table[message_table_count].name);
}

int
main(void)
{
#define ON_A_LINK(test) \
	cmocka_unit_test_setup_teardown(test, link_make, link_end)
	const struct CMUnitTest tests[] = {
	    ON_A_LINK(
		given_several_messages_then_they_arrive_in_one_packet_in_order),
	    ON_A_LINK(given_nothing_to_send_then_a_flush_sends_no_packet),
	    ON_A_LINK(given_a_flushed_batch_then_its_bytes_are_wiped),
	    ON_A_LINK(
		given_the_largest_packet_then_it_passes_and_one_byte_more_is_refused),
	    ON_A_LINK(
		given_a_full_batch_then_a_message_is_refused_and_nothing_of_it_stays),
	    ON_A_LINK(
		given_a_full_socket_then_the_batch_waits_and_leaves_whole_later),
	    ON_A_LINK(given_a_peer_that_has_closed_then_both_directions_say_so),
	    ON_A_LINK(given_a_descriptor_that_is_none_then_it_is_an_io_error),
	    ON_A_LINK(given_a_signal_while_blocked_then_the_read_goes_on),
	    ON_A_LINK(
		given_a_descriptor_with_a_packet_then_it_does_not_come_in),
	    cmocka_unit_test(
		given_malformed_headers_then_nothing_after_them_is_read),
	    cmocka_unit_test(
		given_a_padded_packet_then_its_end_must_be_zeros_only),
	    cmocka_unit_test(
		given_every_message_then_no_two_share_a_link_and_a_number),
	};

	/* As the rooms do: a peer that is gone is an error, not a signal. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
