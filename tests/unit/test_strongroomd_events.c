/* SPDX-License-Identifier: ISC */
/*
 * Events: what goes to systemd's journal, what to stderr, and that no room
 * tells of another's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gen/messages.h"
#include "policy/strongroomd.h"

static struct monitor monitor = {.config.name = "Our Bank"};
static int kept; /* stderr, meanwhile */
static char said[8192];

/* Of strongroomd.c, which is not here. */
const char *
monitor_room_name(enum room_name name)
{
	return name == ROOM_KEYD ? "keyd" : "ledgerd";
}

/* From here to heard() stderr is a pipe that takes all of it. */
static void
listen_to_stderr(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	kept = dup(STDERR_FILENO);
	assert_true(kept >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	assert_int_equal(dup2(ends[0], 100), 100);
	close(ends[0]);
}

static const char *
heard(void)
{
	size_t len = 0;
	ssize_t n;

	assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	close(kept);
	while ((n = read(100, said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(100);
	return said;
}

static void
an_event(struct event *event, enum event_kind kind)
{
	event_begin(event, kind);
	event_text(event, "ROOM", "netd");
}

static void
given_fields_then_they_stand_as_the_journal_reads_them(void **state)
{
	static uint8_t datagram[EVENT_DATAGRAM_MAX];
	const struct event_def *def = &event_defs[EVENT_NETD_ANEW];
	struct event event;
	char wanted[512];
	size_t len;

	(void)state;
	event_begin(&event, EVENT_NETD_ANEW);
	event_text(&event, "ROOM", "netd");
	event_number(&event, "GENERATION", UINT64_MAX);
	len = event_encode(&event, "Our Bank", "netd = anew", datagram);
	snprintf(wanted, sizeof(wanted),
	    "MESSAGE=netd = anew\nPRIORITY=4\nMESSAGE_ID=%s\n"
	    "SYSLOG_IDENTIFIER=strongroomd\nSTRONGROOM_BANK=Our Bank\n"
	    "STRONGROOM_ROOM=netd\n"
	    "STRONGROOM_GENERATION=18446744073709551615\n",
	    def->id);
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(datagram, wanted, len);
}

/* A value with a newline must not begin a field of its own. */
static void
given_a_value_of_two_lines_then_its_length_stands_before_it(void **state)
{
	static const char field[] =
	    "STRONGROOM_WHY\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n";
	static uint8_t datagram[EVENT_DATAGRAM_MAX];
	struct event event;
	size_t len;

	(void)state;
	event_begin(&event, EVENT_LOCKED);
	event_text(&event, "WHY", "a\nPRIORITY=0");
	len = event_encode(&event, "B", "m", datagram);
	assert_true(len > sizeof(field));
	assert_memory_equal(
	    datagram + len - (sizeof(field) - 1), field, sizeof(field) - 1);
}

static void
given_a_field_without_room_then_the_others_stay(void **state)
{
	static uint8_t datagram[EVENT_DATAGRAM_MAX];
	static char large[EVENT_FIELDS_MAX + 1];
	struct event event;
	size_t before, len;

	(void)state;
	an_event(&event, EVENT_LOCKED);
	before = event_encode(&event, "B", "m", datagram);
	memset(large, 'x', sizeof(large) - 1);
	event_text(&event, "WHY", large);
	event_text(&event, "HOW", "so");
	len = event_encode(&event, "B", "m", datagram);
	assert_int_equal(len, before + strlen("STRONGROOM_HOW=so\n"));
}

static void
given_no_journal_then_an_event_is_a_line_of_its_priority(void **state)
{
	struct event event;

	(void)state;
	an_event(&event, EVENT_ROOM_ENDED);
	listen_to_stderr();
	monitor_event(&monitor, &event, "%s has ended", "netd");
	an_event(&event, EVENT_NETD_ANEW);
	monitor_event(&monitor, &event, "%s is there", "netd");
	an_event(&event, EVENT_LOCKED);
	monitor_event(&monitor, &event, "locked");
	monitor_event_beside(&monitor, &event, "told elsewhere");
	assert_string_equal(heard(), "strongroom: error: netd has ended\n"
				     "strongroom: warning: netd is there\n"
				     "strongroom: locked\n");
}

/* JOURNAL_STREAM is right, but no journal has its socket here: not lost. */
static void
given_a_journal_that_does_not_take_it_then_it_is_a_line(void **state)
{
	struct stat status;
	struct event event;
	char stream[64];

	(void)state;
	an_event(&event, EVENT_LOCKED);
	if (access("/run/systemd/journal/socket", F_OK) == 0)
		skip();
	listen_to_stderr();
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
	    (uintmax_t)status.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	monitor_events_begin();
	monitor_event(&monitor, &event, "locked");
	assert_string_equal(heard(), "strongroom: locked\n");
}

/* ---- rooms ---------------------------------------------------------------- */

static void
given_each_kind_then_only_its_own_room_tells_it(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < EVENT_KINDS + 3u; kind++)
		for (unsigned from = EVENT_MONITOR; from <= EVENT_LEDGERD;
		     from++)
			assert_int_equal(
			    event_is_of(kind, (enum event_from)from),
			    kind < EVENT_KINDS &&
				(unsigned)event_defs[kind].from == from);
	assert_true(event_is_of(EVENT_HISTORY_REFUSED, EVENT_KEYD));
	assert_true(event_is_of(EVENT_LEDGERD_CLOSED, EVENT_LEDGERD));
	assert_true(event_is_of(EVENT_LOCKED, EVENT_MONITOR));
}

static void
given_rooms_that_tell_of_others_then_they_are_named(void **state)
{
	struct message_room_event m = {
	    .kind = EVENT_LEDGERD_CLOSED, .one = SR_NO_SPACE};

	(void)state;
	listen_to_stderr();
	/* Of its own the room's line has told. */
	monitor_take_ledgerd_room_event(&monitor, &m);
	m.kind = EVENT_HISTORY_REFUSED;
	monitor_take_keyd_room_event(&monitor, &m);
	m = (struct message_room_event){
	    .kind = EVENT_BUDGET_REFUSED, .one = UINT64_MAX};
	monitor_take_keyd_room_event(&monitor, &m);
	assert_string_equal(heard(), "");
	listen_to_stderr();
	m.kind = EVENT_HISTORY_REFUSED;
	monitor_take_ledgerd_room_event(&monitor, &m);
	m.kind = EVENT_UNLOCKED;
	monitor_take_keyd_room_event(&monitor, &m);
	m.kind = EVENT_KINDS;
	monitor_take_keyd_room_event(&monitor, &m);
	heard();
	assert_non_null(strstr(said, "ledgerd tells of an event that is not "
				     "its own"));
	assert_non_null(
	    strstr(said, "keyd tells of an event that is not its own"));
	assert_int_equal(
	    (int)(strrchr(said, '\n') - said) + 1, (int)strlen(said));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_fields_then_they_stand_as_the_journal_reads_them),
	    cmocka_unit_test(
		given_a_value_of_two_lines_then_its_length_stands_before_it),
	    cmocka_unit_test(given_a_field_without_room_then_the_others_stay),
	    cmocka_unit_test(
		given_no_journal_then_an_event_is_a_line_of_its_priority),
	    cmocka_unit_test(
		given_a_journal_that_does_not_take_it_then_it_is_a_line),
	    cmocka_unit_test(given_each_kind_then_only_its_own_room_tells_it),
	    cmocka_unit_test(
		given_rooms_that_tell_of_others_then_they_are_named),
	};

	diag_init("strongroom");
	return cmocka_run_group_tests_name(
	    "strongroomd_events", tests, NULL, NULL);
}
