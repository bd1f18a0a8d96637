/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl backup against a ledgerd that lies about the lengths of its
 * segments from one piece to the next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/backup.h"
#include "common/backup.h"
#include "common/certificate.h"
#include "common/journal.h"
#include "common/leaves_file.h"
#include "gen/messages.h"

/*
 * What it says of a segment: the first time, and from then on.  No length: that
 * every segment is retired.
 */
struct lie {
	uint64_t first_len;
	size_t first_count;
	uint64_t then_len;
	size_t then_count;
	bool endless; /* each is a whole segment, and none has the head */
};

static uint8_t entry[2 + CERTIFICATE_LEN];
static struct ctl_backup backup;

static void
answer(int fd, const struct message_backup_piece *piece)
{
	uint8_t packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));

	writer_u8(&w, CONTROL_LEDGERD);
	if (message_backup_piece_encode(&w, piece) != SR_OK ||
	    send(fd, packet, writer_len(&w), MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* ledgerd, to the end of the link. */
/* A segment that was begun and has no frame, whatever its number is. */
static void
empty_segment(uint32_t number, struct message_backup_piece *piece)
{
	static uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN + 8];
	struct journal_segment header = {.segment = number};

	memcpy(header.bank_id, backup.bank.bank_id, sizeof(header.bank_id));
	journal_segment_encode(&header, bytes);
	piece->bytes = bytes;
	piece->len = piece->bytes_len = sizeof(bytes);
}

static _Noreturn void
lie_on(int fd, const struct lie *lie)
{
	static uint8_t zeros[CONTROL_PIECE_LEN];
	uint8_t packet[CONTROL_PACKET_MAX];
	ssize_t n;

	while ((n = recv(fd, packet, sizeof(packet), 0)) > 5) {
		struct message_backup_piece piece = {.bytes = zeros};
		struct message_backup_ledger_get get;

		if (message_backup_ledger_get_decode(
			packet + 5, (size_t)n - 5, &get) != SR_OK)
			_exit(1);
		if ((get.file == BACKUP_SEGMENT && lie->first_len == 0) ||
		    (get.file == BACKUP_LEAVES && get.number > 3)) {
			piece.error = SR_NOT_FOUND;
		} else if (get.file == BACKUP_LEAVES) {
			piece.len = piece.bytes_len = LEAVES_FILE_HEADER_LEN;
		} else if (get.file == BACKUP_SEGMENT && lie->endless) {
			empty_segment(get.number, &piece);
		} else if (get.file == BACKUP_SEGMENT) {
			piece.len =
			    get.offset == 0 ? lie->first_len : lie->then_len;
			piece.bytes_len = get.offset == 0 ? lie->first_count
							  : lie->then_count;
		} else if (get.file == BACKUP_CERTIFICATES) {
			piece.bytes = entry;
			piece.len = piece.bytes_len = sizeof(entry);
		} else if (get.file == BACKUP_RESTORES) {
			piece.error = SR_NOT_FOUND;
		}
		answer(fd, &piece);
	}
	_exit(0);
}

/* A part to fill, and a head that keyd has signed. */
static int
set_up(void **state)
{
	static const char *const directories[] = {"ledger", "ledger/segment",
	    "ledger/snapshot", "ledger/public", "audit"};
	uint8_t secret[64], log_secret[64];
	struct certificate certificate = {.epoch = 1, .not_after_ms = 1};
	char path[PATH_MAX];

	(void)state;
	memset(&backup, 0, sizeof(backup));
	assert_int_equal(crypto_sign_keypair(backup.bank.identity, secret), 0);
	assert_int_equal(
	    crypto_sign_keypair(certificate.log_key, log_secret), 0);
	bank_id_of(backup.bank.identity, backup.bank.bank_id);
	memcpy(certificate.bank_id, backup.bank.bank_id, 32);
	certificate.key_id = certificate_key_id(&certificate);
	entry[0] = CERTIFICATE_LEN >> 8;
	entry[1] = CERTIFICATE_LEN & 0xff;
	certificate_sign(&certificate, secret, entry + 2);
	note_origin(backup.bank.bank_id, 1, backup.head.origin);
	backup.head.size = 7;
	assert_int_equal(
	    note_sign(&backup.head, log_secret, backup.signature), SR_OK);
	snprintf(backup.part.path, sizeof(backup.part.path),
	    "/tmp/strongroom-part-XXXXXX");
	assert_non_null(mkdtemp(backup.part.path));
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]);
	     i++) {
		assert_int_equal(
		    backup_set_path(&backup.part, directories[i], path), SR_OK);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	backup_tree_remove(backup.part.path);
	return 0;
}

static enum sr_error
back_up(const struct lie *lie)
{
	enum sr_error error;
	int pair[2], status;
	pid_t pid;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		lie_on(pair[1], lie);
	}
	close(pair[1]);
	backup.control = pair[0];
	error = ctl_backup_ledger(&backup);
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return error;
}

static void
given_lengths_that_change_when_a_segment_is_fetched_then_it_is_damaged(
    void **state)
{
	static const struct lie lies[] = {
	    {JOURNAL_SEGMENT_MAX_LEN + 1, CONTROL_PIECE_LEN, 0, 0, false},
	    {65536, CONTROL_PIECE_LEN, 100, 50, false},
	    {65536, CONTROL_PIECE_LEN, 65537, CONTROL_PIECE_LEN, false},
	    {65536, 0, 0, 0, false},
	    {100, CONTROL_PIECE_LEN, 0, 0, false},
	    {8001, CONTROL_PIECE_LEN, 8001, CONTROL_PIECE_LEN, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		assert_int_equal(back_up(&lies[i]), SR_DAMAGED);
}

static bool
has_leaves(unsigned number)
{
	char name[64], path[PATH_MAX];

	snprintf(name, sizeof(name), "ledger/segment/%08u.leaves", number);
	assert_int_equal(backup_set_path(&backup.part, name, path), SR_OK);
	return access(path, F_OK) == 0;
}

/* The ciphertext would be gone with the former backup. */
static void
given_segments_called_retired_when_keyd_did_not_say_so_then_rolled_back(
    void **state)
{
	static const struct lie retired = {0};

	(void)state;
	assert_int_equal(back_up(&retired), SR_ROLLED_BACK);
	assert_false(has_leaves(0));
	backup.cut = (struct entry_snapshot){.number = 1, .segment = 2};
	assert_int_equal(back_up(&retired), SR_ROLLED_BACK);
	assert_true(has_leaves(0) && has_leaves(1));
	assert_false(has_leaves(2));
	assert_int_equal(backup.retired, 2);
}

static void
given_segments_without_end_when_backed_up_then_it_ends(void **state)
{
	static const struct lie endless = {.first_len = 1, .endless = true};

	(void)state;
	assert_int_equal(back_up(&endless), SR_MALFORMED);
	/* the head has seven entries, and each closed segment has one */
	assert_int_equal(backup.segments, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		given_lengths_that_change_when_a_segment_is_fetched_then_it_is_damaged,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_segments_called_retired_when_keyd_did_not_say_so_then_rolled_back,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_segments_without_end_when_backed_up_then_it_ends, set_up,
		tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
