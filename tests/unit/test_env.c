/* SPDX-License-Identifier: ISC */
/*
 * env_posix: the two forms of files, the links, and that nothing outside of
 * the directories given can be reached.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/env_posix.h"

static char root[64];
static struct env_posix posix;
static struct env_posix_directory directories[1];
static int peer;

static int
set_up(void **state)
{
	int pair[2];

	(void)state;
	snprintf(root, sizeof(root), "/tmp/strongroom-env-XXXXXX");
	assert_non_null(mkdtemp(root));
	directories[0].name = "ledger";
	directories[0].fd = open(root, O_RDONLY | O_DIRECTORY);
	assert_true(directories[0].fd >= 0);
	assert_int_equal(mkdirat(directories[0].fd, "segment", 0700), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	peer = pair[1];
	env_posix_init(&posix);
	env_posix_directories(&posix, directories, 1);
	env_posix_link(&posix, ENV_KEYD, pair[0]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(posix.links[ENV_KEYD]);
	close(peer);
	(void)unlinkat(directories[0].fd, "segment/a", 0);
	(void)unlinkat(directories[0].fd, "segment/b", 0);
	(void)unlinkat(directories[0].fd, "segment", AT_REMOVEDIR);
	close(directories[0].fd);
	rmdir(root);
	return 0;
}

static void
given_a_directory_then_a_file_is_made_written_synced_and_read(void **state)
{
	struct env *env = &posix.env;
	uint64_t len;
	env_file file;
	char back[6];

	(void)state;
	assert_int_equal(
	    env_open(env, "ledger/segment/a", ENV_READ, &file), SR_NOT_FOUND);
	assert_int_equal(
	    env_open(env, "ledger/segment/a", ENV_CREATE, &file), SR_OK);
	assert_int_equal(env_write(env, file, 3, "abcdef", 6), SR_OK);
	assert_int_equal(env_sync(env, file), SR_OK);
	assert_int_equal(env_sync_directory(env, "ledger/segment"), SR_OK);
	assert_int_equal(env_sync_directory(env, "ledger"), SR_OK);
	assert_int_equal(env_size(env, file, &len), SR_OK);
	assert_int_equal(len, 9);
	assert_int_equal(env_read(env, file, 3, back, 6), SR_OK);
	assert_memory_equal(back, "abcdef", 6);
	assert_int_equal(env_read(env, file, 4, back, 6), SR_DAMAGED);
	assert_int_equal(env_truncate(env, file, 4), SR_OK);
	assert_int_equal(env_size(env, file, &len), SR_OK);
	assert_int_equal(len, 4);
	assert_int_equal(env_close(env, file), SR_OK);
	assert_int_equal(
	    env_open(env, "ledger/segment/a", ENV_CREATE, &file), SR_EXISTS);
	assert_int_equal(
	    env_rename(env, "ledger/segment/a", "ledger/segment/b"), SR_OK);
	assert_int_equal(
	    env_open(env, "ledger/segment/a", ENV_WRITE, &file), SR_NOT_FOUND);
	assert_int_equal(env_remove(env, "ledger/segment/b"), SR_OK);
	assert_int_equal(env_remove(env, "ledger/segment/b"), SR_NOT_FOUND);
}

static void
given_a_fifo_for_a_file_then_nothing_waits(void **state)
{
	uint64_t len;
	env_file file;

	(void)state;
	assert_int_equal(mkfifoat(directories[0].fd, "segment/a", 0600), 0);
	alarm(10);
	if (env_open(&posix.env, "ledger/segment/a", ENV_READ, &file) ==
	    SR_OK) {
		assert_int_equal(env_size(&posix.env, file, &len), SR_IO);
		assert_int_equal(env_close(&posix.env, file), SR_OK);
	}
	alarm(0);
}

static void
given_a_path_outside_of_the_directories_then_it_is_not_found(void **state)
{
	env_file file;

	(void)state;
	assert_int_equal(
	    env_open(&posix.env, "/etc/passwd", ENV_READ, &file), SR_NOT_FOUND);
	assert_int_equal(
	    env_open(&posix.env, "ledgerx", ENV_WRITE_OR_CREATE, &file),
	    SR_NOT_FOUND);
}

static void
given_a_symbolic_link_then_it_is_not_followed(void **state)
{
	env_file file;

	(void)state;
	assert_int_equal(
	    symlinkat("/etc/passwd", directories[0].fd, "segment/a"), 0);
	assert_int_equal(
	    env_open(&posix.env, "ledger/segment/a", ENV_READ, &file), SR_IO);
}

static void
given_a_table_of_files_then_only_its_names_open_and_stay_open(void **state)
{
	struct env_posix_file files[1] = {{"state", -1}};
	struct env *env = &posix.env;
	env_file file;

	(void)state;
	files[0].fd = openat(
	    directories[0].fd, "segment/a", O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(files[0].fd >= 0);
	env_posix_directories(&posix, NULL, 0);
	env_posix_files(&posix, files, 1);
	assert_int_equal(env_open(env, "state", ENV_CREATE, &file), SR_EXISTS);
	assert_int_equal(
	    env_open(env, "limits", ENV_WRITE_OR_CREATE, &file), SR_NOT_FOUND);
	assert_int_equal(env_open(env, "state", ENV_WRITE, &file), SR_OK);
	assert_int_equal(file, files[0].fd);
	assert_int_equal(env_close(env, file), SR_OK);
	assert_int_equal(env_write(env, file, 0, "x", 1), SR_OK);
	close(files[0].fd);
}

static void
given_packets_on_a_link_then_they_arrive_whole_and_in_order(void **state)
{
	static uint8_t packet[IPC_PACKET_MAX + 1];
	struct env *env = &posix.env;
	unsigned readable, writable;
	size_t len;

	(void)state;
	assert_int_equal(
	    env_receive(env, ENV_KEYD, false, packet, sizeof(packet), &len),
	    SR_AGAIN);
	assert_int_equal(send(peer, "one", 3, 0), 3);
	assert_int_equal(
	    env_wait(env, 1U << ENV_KEYD, 0, 0, &readable, &writable), SR_OK);
	assert_int_equal(readable, 1U << ENV_KEYD);
	assert_int_equal(writable, 0);
	assert_int_equal(
	    env_receive(env, ENV_KEYD, true, packet, sizeof(packet), &len),
	    SR_OK);
	assert_int_equal(len, 3);
	assert_memory_equal(packet, "one", 3);

	assert_int_equal(send(peer, packet, 100, 0), 100);
	assert_int_equal(send(peer, "two", 3, 0), 3);
	assert_int_equal(
	    env_receive(env, ENV_KEYD, false, packet, 99, &len), SR_TOO_LARGE);
	assert_int_equal(
	    env_receive(env, ENV_KEYD, false, packet, 99, &len), SR_OK);
	assert_int_equal(len, 3);

	assert_int_equal(env_send(env, ENV_KEYD, packet, 0), SR_TOO_LARGE);
	assert_int_equal(
	    env_send(env, ENV_KEYD, packet, IPC_PACKET_MAX + 1), SR_TOO_LARGE);
	assert_int_equal(
	    env_send(env, ENV_KEYD, packet, IPC_PACKET_MAX), SR_OK);
	assert_int_equal(recv(peer, packet, sizeof(packet), 0), IPC_PACKET_MAX);
}

static void
given_a_peer_that_does_not_read_then_send_says_again_and_never_waits(
    void **state)
{
	static const uint8_t packet[IPC_PACKET_MAX];
	enum sr_error error = SR_OK;
	unsigned readable, writable;
	unsigned sent = 0;

	(void)state;
	while (error == SR_OK && sent < 1000) {
		error = env_send(&posix.env, ENV_KEYD, packet, sizeof(packet));
		sent++;
	}
	assert_int_equal(error, SR_AGAIN);
	assert_int_equal(
	    env_wait(&posix.env, 0, 1U << ENV_KEYD, 0, &readable, &writable),
	    SR_OK);
	assert_int_equal(writable, 0);
}

static void
given_a_peer_that_is_gone_then_the_link_is_closed(void **state)
{
	unsigned readable, writable;
	uint8_t packet[8];
	size_t len;

	(void)state;
	assert_int_equal(shutdown(peer, SHUT_RDWR), 0);
	assert_int_equal(
	    env_wait(&posix.env, 1U << ENV_KEYD, 0, -1, &readable, &writable),
	    SR_OK);
	assert_int_equal(readable, 1U << ENV_KEYD);
	assert_int_equal(env_receive(&posix.env, ENV_KEYD, true, packet,
			     sizeof(packet), &len),
	    SR_CLOSED);
	assert_int_equal(env_receive(&posix.env, ENV_NETD, true, packet,
			     sizeof(packet), &len),
	    SR_CLOSED);
}

static void
given_an_error_of_the_disk_then_it_is_told(void **state)
{
	struct env_posix_file files[2] = {{"full", -1}, {"pipe", -1}};
	int ends[2];

	(void)state;
	files[0].fd = open("/dev/full", O_RDWR);
	assert_true(files[0].fd >= 0);
	assert_int_equal(pipe(ends), 0);
	files[1].fd = ends[1];
	env_posix_files(&posix, files, 2);
	assert_int_equal(
	    env_write(&posix.env, files[0].fd, 0, "x", 1), SR_NO_SPACE);
	/* A pipe cannot be synced: any error of fdatasync is SR_IO. */
	assert_int_equal(env_sync(&posix.env, files[1].fd), SR_IO);
	close(files[0].fd);
	close(ends[0]);
	close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_directory_then_a_file_is_made_written_synced_and_read),
	    TEST(given_a_fifo_for_a_file_then_nothing_waits),
	    TEST(given_a_path_outside_of_the_directories_then_it_is_not_found),
	    TEST(given_a_symbolic_link_then_it_is_not_followed),
	    TEST(given_a_table_of_files_then_only_its_names_open_and_stay_open),
	    TEST(given_packets_on_a_link_then_they_arrive_whole_and_in_order),
	    TEST(
		given_a_peer_that_does_not_read_then_send_says_again_and_never_waits),
	    TEST(given_a_peer_that_is_gone_then_the_link_is_closed),
	    TEST(given_an_error_of_the_disk_then_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
