/* SPDX-License-Identifier: ISC */
/* The client's stream: whole and split frames, strangers, silence, cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/link.h"

/* A server that says something to whoever comes, once. */
struct speaker {
	int listening;
	char address[32];
	const uint8_t *says;
	size_t says_len;
	size_t piece;     /* bytes a segment */
	bool asked_first; /* speaks only after it was spoken to */
	bool waits;       /* keeps the connection until the client closes */
	pthread_t thread;
};

static void
speak(const struct speaker *s, int fd)
{
	uint8_t byte[64];
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
	if (s->asked_first && recv(fd, byte, sizeof(byte), 0) <= 0)
		return;
	for (size_t at = 0; at < s->says_len; at += s->piece) {
		size_t len = s->says_len - at;

		if (len > s->piece)
			len = s->piece;
		if (send(fd, s->says + at, len, MSG_NOSIGNAL) < 0)
			return;
	}
	while (s->waits && recv(fd, byte, sizeof(byte), 0) > 0)
		;
}

static void *
speaker_run(void *context)
{
	const struct speaker *s = context;
	int fd = accept(s->listening, NULL, NULL);

	if (fd >= 0) {
		speak(s, fd);
		close(fd);
	}
	return NULL;
}

static void
speaker_start(struct speaker *s, const void *says, size_t len)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t address_len = sizeof(address);

	s->says = says;
	s->says_len = len;
	if (s->piece == 0)
		s->piece = len + 1;
	s->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(s->listening, (struct sockaddr *)&address, sizeof(address)),
	    0);
	assert_int_equal(listen(s->listening, 1), 0);
	assert_int_equal(getsockname(s->listening, (struct sockaddr *)&address,
			     &address_len),
	    0);
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%u",
	    ntohs(address.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, speaker_run, s), 0);
}

static void
speaker_end(struct speaker *s)
{
	pthread_join(s->thread, NULL);
	close(s->listening);
}

static void
hello_frame(uint8_t out[FRAME_HEADER_LEN + FRAME_HELLO_LEN])
{
	frame_write(FRAME_HELLO, FRAME_HELLO_LEN, out);
	for (size_t i = 0; i < FRAME_HELLO_LEN; i++)
		out[FRAME_HEADER_LEN + i] = (uint8_t)i;
}

static void
given_a_frame_in_pieces_then_it_is_read_whole(void **state)
{
	uint8_t bytes[2 * (FRAME_HEADER_LEN + FRAME_HELLO_LEN)];
	struct link_frame frame;
	struct link link;

	(void)state;
	hello_frame(bytes);
	hello_frame(bytes + sizeof(bytes) / 2);
	/* a byte at a time, half, and both frames in one segment */
	for (size_t piece = 1; piece <= sizeof(bytes); piece *= 7) {
		struct speaker s = {.piece = piece};

		speaker_start(&s, bytes, sizeof(bytes));
		assert_int_equal(
		    link_open(&link, s.address, LINK_TIMEOUT_MS), SR_OK);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(link_read(&link, &frame), SR_OK);
			assert_int_equal(frame.type, FRAME_HELLO);
			assert_int_equal(frame.len, FRAME_HELLO_LEN);
			assert_memory_equal(
			    frame.body, bytes + 4, FRAME_HELLO_LEN);
		}
		assert_int_equal(link_read(&link, &frame), SR_CLOSED);
		link_close(&link);
		speaker_end(&s);
	}
}

static void
given_strangers_then_they_are_named(void **state)
{
	static const struct {
		const char *says;
		size_t len;
		bool asked_first;
		const char *in_message;
	} strangers[] = {
	    {"HTTP/1.1 400 Bad Request\r\n", 26, true, "HTTP"},
	    {"HTTP/1.1 400 Bad Request\r\n", 26, false, "HTTP"},
	    {"<!DOCTYPE HTML>\n<html>", 22, true, "HTTP"},
	    {"\x15\x03\x01\x00\x02\x02\x46", 7, true, "TLS"},
	    {"\x16\x03\x01\x00\x02\x02\x46", 7, false, "TLS"},
	    {"SSH-2.0-OpenSSH_9.2\r\n", 21, false, "SSH"},
	    {"220 mail.example ESMTP\r\n", 24, false, "mail"},
	    {"\x00\x01\x02\x03\x04\x05\x06\x07", 8, false, "not a bank"},
	    {"\x10\x01\x07\x01", 4, false, "not a bank"}, /* a record first */
	    {"x", 1, false, "not a bank"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		struct speaker s = {.asked_first = strangers[i].asked_first};
		struct link_frame frame;
		struct link link;
		enum sr_error error;

		speaker_start(&s, strangers[i].says, strangers[i].len);
		assert_int_equal(link_open(&link, s.address, 200), SR_OK);
		error = link_read(&link, &frame);
		if (error != SR_NOT_A_BANK ||
		    strstr(link.message, strangers[i].in_message) == NULL ||
		    strstr(link.message, s.address) == NULL)
			fail_msg(
			    "%zu: %s: %s", i, error_name(error), link.message);
		link_close(&link);
		speaker_end(&s);
	}
}

static void
given_another_version_then_it_is_said(void **state)
{
	uint8_t bytes[FRAME_HEADER_LEN + FRAME_HELLO_LEN];
	struct speaker s = {0};
	struct link_frame frame;
	struct link link;

	(void)state;
	hello_frame(bytes);
	bytes[3] = 2;
	speaker_start(&s, bytes, sizeof(bytes));
	assert_int_equal(link_open(&link, s.address, 1000), SR_OK);
	assert_int_equal(link_read(&link, &frame), SR_VERSION);
	link_close(&link);
	speaker_end(&s);
}

static void
given_somebody_silent_then_it_is_no_bank(void **state)
{
	struct speaker s = {.waits = true};
	struct link_frame frame;
	struct link link;

	(void)state;
	speaker_start(&s, "", 0);
	assert_int_equal(link_open(&link, s.address, 100), SR_OK);
	assert_int_equal(link_read(&link, &frame), SR_NOT_A_BANK);
	link_close(&link);
	speaker_end(&s);
}

static void
given_a_bank_that_falls_silent_then_the_time_ends(void **state)
{
	uint8_t bytes[FRAME_HEADER_LEN + FRAME_HELLO_LEN];
	struct speaker s = {.waits = true};
	struct link_frame frame;
	struct link link;

	(void)state;
	hello_frame(bytes);
	speaker_start(&s, bytes, sizeof(bytes));
	assert_int_equal(link_open(&link, s.address, LINK_TIMEOUT_MS), SR_OK);
	assert_int_equal(link_read(&link, &frame), SR_OK);
	link.timeout_ms = 50;
	assert_int_equal(link_read(&link, &frame), SR_UNREACHABLE);
	assert_non_null(strstr(link.message, "in time"));
	link_close(&link);
	speaker_end(&s);
}

static void
given_a_cut_within_a_frame_then_it_is_no_goodbye(void **state)
{
	uint8_t bytes[FRAME_HEADER_LEN + FRAME_HELLO_LEN];
	struct speaker s = {0};
	struct link_frame frame;
	struct link link;

	(void)state;
	hello_frame(bytes);
	speaker_start(&s, bytes, sizeof(bytes) - 1);
	assert_int_equal(link_open(&link, s.address, LINK_TIMEOUT_MS), SR_OK);
	assert_int_equal(link_read(&link, &frame), SR_MALFORMED);
	link_close(&link);
	speaker_end(&s);
}

static void
given_nobody_then_address_and_reason_are_named(void **state)
{
	struct speaker s = {0};
	struct link link;

	(void)state;
	/* a port that was free a moment ago */
	speaker_start(&s, "", 0);
	assert_int_equal(link_open(&link, s.address, LINK_TIMEOUT_MS), SR_OK);
	link_close(&link);
	speaker_end(&s);
	assert_int_equal(
	    link_open(&link, s.address, LINK_TIMEOUT_MS), SR_UNREACHABLE);
	assert_non_null(strstr(link.message, s.address));
	assert_non_null(strstr(link.message, "is the bank running"));
	assert_int_equal(
	    link_open(&link, "unix:/nonexistent/bank", 1000), SR_UNREACHABLE);
	assert_int_equal(link.fd, -1);
}

static void
given_texts_that_are_no_address_then_it_is_said_what_is_wanted(void **state)
{
	static const char *const wrong[] = {"", "localhost",
	    "localhost:", "localhost:x", "localhost:0", "localhost:65536",
	    ":7420", "::1:7420", "[]:7420", "localhost:123456",
	    "unix:", "localhost:-1"};
	struct link link;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(link_open(&link, wrong[i], 100), SR_USAGE);
		assert_int_equal(link.fd, -1);
		assert_true(strlen(link.message) > 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_a_frame_in_pieces_then_it_is_read_whole),
	    cmocka_unit_test(given_strangers_then_they_are_named),
	    cmocka_unit_test(given_another_version_then_it_is_said),
	    cmocka_unit_test(given_somebody_silent_then_it_is_no_bank),
	    cmocka_unit_test(given_a_bank_that_falls_silent_then_the_time_ends),
	    cmocka_unit_test(given_a_cut_within_a_frame_then_it_is_no_goodbye),
	    cmocka_unit_test(given_nobody_then_address_and_reason_are_named),
	    cmocka_unit_test(
		given_texts_that_are_no_address_then_it_is_said_what_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
