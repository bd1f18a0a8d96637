/* SPDX-License-Identifier: ISC */
/*
 * Settings that come while a room runs: what is in the file, what ledgerd
 * makes of it, and that no session is lost by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/config_reload.h"
#include "gen/events.h"
#include "tests/lib/sim_bank.h"

#define LEAST "[bank]\nname = B\n[unlock]\npassphrase-file = p\n"

static struct sim_bank *bank;
static struct sim_people people;
static struct config running, file;
static struct config_changes changes;

/* ---- the file ------------------------------------------------------- */

static void
read_into(struct config *config, const char *text)
{
	static char message[CONFIG_MESSAGE_MAX];

	assert_int_equal(config_parse("/bank", "/bank/c.conf", text,
			     strlen(text), config, message),
	    SR_OK);
}

static void
reload(const char *before, const char *now, uint32_t connections_max)
{
	read_into(&running, before);
	read_into(&file, now);
	config_reload(&running, &file, connections_max, &changes);
}

static void
given_the_same_file_then_nothing_changes(void **state)
{
	static struct config before;

	(void)state;
	read_into(&before, LEAST);
	reload(LEAST, LEAST "# more\n", 1000);
	assert_int_equal(changes.taken_count, 0);
	assert_int_equal(changes.kept_count, 0);
	assert_string_equal(changes.taken, "");
	assert_memory_equal(&running, &before, sizeof(running));
}

/* Each key alone: is it named, and is it the running value afterwards? */
static void
given_each_key_when_it_changes_then_it_is_taken_or_named(void **state)
{
	static const struct {
		const char *section, *line, *key;
		bool taken;
	} keys[] = {
	    {"bank", "data = e", "[bank] data", false},
	    {"netd", "listen = 127.0.0.1:1", "[netd] listen", false},
	    {"netd", "max-connections = 7", "[netd] max-connections", true},
	    {"netd", "max-connections = 1001", "[netd] max-connections", false},
	    {"netd", "max-per-address = 7", "[netd] max-per-address", true},
	    {"netd", "handshake-timeout-ms = 777",
		"[netd] handshake-timeout-ms", true},
	    {"ledgerd", "segment-size = 64K", "[ledgerd] segment-size", false},
	    {"ledgerd", "reserve = 1M", "[ledgerd] reserve", true},
	    {"ledgerd", "session-idle = 7", "[ledgerd] session-idle", true},
	    {"ledgerd", "session-absolute = 777", "[ledgerd] session-absolute",
		true},
	    {"ledgerd", "session-rekey = 7", "[ledgerd] session-rekey", true},
	    {"ledgerd", "audit-log = off", "[ledgerd] audit-log", true},
	    {"keyd", "registration = closed", "[keyd] registration", true},
	    {"unlock", "ask = yes", "[unlock]", true},
	    {"sandbox", "namespaces = off", "[sandbox] namespaces", false},
	    {"sandbox", "user-keyd = x", "[sandbox] user-keyd", false},
	    {"sandbox", "user-netd = x", "[sandbox] user-netd", false},
	    {"sandbox", "user-ledgerd = x", "[sandbox] user-ledgerd", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), LEAST "[%s]\n%s\n",
		    keys[i].section, keys[i].line);
		reload(LEAST, text, 1000);
		assert_int_equal(changes.taken_count, keys[i].taken);
		assert_int_equal(changes.kept_count, !keys[i].taken);
		assert_string_equal(
		    keys[i].taken ? changes.taken : changes.kept, keys[i].key);
		/* What was taken is no change any more, what was kept is. */
		config_reload(&running, &file, 1000, &changes);
		assert_int_equal(changes.taken_count, 0);
		assert_int_equal(changes.kept_count, !keys[i].taken);
	}
}

static void
given_no_room_that_runs_then_more_connections_are_taken(void **state)
{
	(void)state;
	reload(LEAST, LEAST "[netd]\nmax-connections = 1001\n", 0);
	assert_int_equal(running.max_connections, 1001);
	assert_int_equal(changes.kept_count, 0);
}

static void
given_many_changes_then_all_are_named(void **state)
{
	(void)state;
	reload(LEAST,
	    "[bank]\nname = C\n[unlock]\nlocked = yes\n[netd]\n"
	    "listen = 127.0.0.1:1\n[ledgerd]\nsegment-size = 64K\n",
	    1000);
	assert_string_equal(changes.taken, "[bank] name, [unlock]");
	assert_string_equal(
	    changes.kept, "[ledgerd] segment-size, [netd] listen");
	assert_string_equal(running.name, "C");
	assert_int_equal(running.unlock, CONFIG_UNLOCK_LOCKED);
	assert_string_equal(running.passphrase_file, "");
	assert_int_equal(running.listen_count, 0);
	assert_int_equal(running.segment_len, 16 << 20);
}

/* ---- ledgerd -------------------------------------------------------- */

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	return sim_person_log_in(bank, &people.ada) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static struct message_ledgerd_settings
settings(void)
{
	return (struct message_ledgerd_settings){.reload = 4,
	    .reserve = 1 << 20,
	    .session_idle = 300,
	    .session_absolute = 3600,
	    .session_rekey = 600};
}

static void
say(const struct message_ledgerd_settings *m, enum sr_error answer)
{
	memset(&bank->settings_done, 0, sizeof(bank->settings_done));
	assert_int_equal(sim_bank_settings(bank, m), SR_OK);
	assert_int_equal(bank->settings_done.reload, m->reload);
	assert_int_equal(bank->settings_done.error, answer);
}

static void
pass_s(uint64_t s)
{
	sim_advance(bank->sim, s * 1000);
	assert_int_equal(sim_bank_run(bank), SR_OK);
}

static enum sr_error
pay(void)
{
	struct message_order_answer answer;

	return sim_transfer(
	    bank, &people.ada, people.bob.m4.account, 1, &answer);
}

static void
given_shorter_keys_then_a_session_keeps_what_its_client_was_told(void **state)
{
	const uint32_t sessions = bank->ledgerd->sessions.count;
	struct message_ledgerd_settings m = settings();

	(void)state;
	m.session_rekey = 5;
	say(&m, SR_OK);
	pass_s(290);
	assert_int_equal(bank->ledgerd->sessions.count, sessions);
	assert_int_equal(pay(), SR_OK);
	/* Who comes now goes by the new time. */
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	assert_int_equal(people.bob.m4.rekey_ms, 5000);
	/* The others of before are idle by then. */
	pass_s(10);
	assert_int_equal(bank->ledgerd->sessions.count, 1);
	assert_int_equal(pay(), SR_OK);
}

static void
given_a_shorter_idle_time_then_idle_sessions_end(void **state)
{
	struct message_ledgerd_settings m = settings();

	(void)state;
	m.session_idle = 20;
	say(&m, SR_OK);
	pass_s(19);
	assert_int_equal(pay(), SR_OK);
	pass_s(19);
	assert_int_equal(bank->ledgerd->sessions.count, 1);
	pass_s(1);
	assert_int_equal(bank->ledgerd->sessions.count, 0);
}

static void
given_a_shorter_absolute_time_then_old_sessions_end(void **state)
{
	struct message_ledgerd_settings m = settings();

	(void)state;
	m.session_absolute = 40;
	say(&m, SR_OK);
	pass_s(39);
	assert_int_equal(pay(), SR_OK);
	pass_s(1);
	assert_int_equal(bank->ledgerd->sessions.count, 0);
}

static void
given_another_reserve_then_the_bank_closes_and_opens_by_it(void **state)
{
	const uint64_t much = UINT64_C(1) << 40;
	struct message_ledgerd_settings m = settings();
	struct env_space space;

	(void)state;
	bank->ledgerd_room->space = much;
	assert_int_equal(env_space(&bank->ledgerd_room->env,
			     bank->ledgerd->segments.file, &space),
	    SR_OK);
	bank->ledgerd_room->space = much - space.free + (8 << 20);
	m.reserve = 16 << 20;
	say(&m, SR_OK);
	assert_int_equal(bank->ledgerd->admission.closed, SR_NO_SPACE);
	assert_int_equal(bank->events, 1);
	assert_int_equal(bank->event.kind, EVENT_LEDGERD_CLOSED);
	assert_int_equal(bank->event.one, SR_NO_SPACE);
	assert_int_equal(bank->ledgerd->segments.reserve, m.reserve);
	assert_int_not_equal(pay(), SR_OK);
	m.reserve = 1 << 20;
	say(&m, SR_OK);
	assert_int_equal(bank->ledgerd->admission.closed, SR_OK);
	assert_int_equal(bank->events, 2);
	assert_int_equal(bank->event.kind, EVENT_LEDGERD_OPEN);
	assert_int_equal(pay(), SR_OK);
	pass_s(100);
	assert_int_equal(bank->events, 2);
}

static size_t
audit_len(void)
{
	size_t len = 0;

	(void)sim_file(bank->ledgerd_room, AUDIT_PATH, &len);
	return len;
}

static bool
audit_has(const char *what)
{
	size_t len;
	const uint8_t *bytes = sim_file(bank->ledgerd_room, AUDIT_PATH, &len);

	return bytes != NULL && memmem(bytes, len, what, strlen(what)) != NULL;
}

static void
given_another_audit_log_then_its_lines_begin_there(void **state)
{
	struct message_ledgerd_settings m = settings();
	size_t len;

	(void)state;
	assert_int_equal(pay(), SR_OK);
	assert_false(audit_has("ada"));
	m.audit_log = AUDIT_OFF;
	say(&m, SR_OK);
	len = audit_len();
	assert_int_equal(pay(), SR_OK);
	assert_int_equal(audit_len(), len);
	assert_int_equal(audit_missing(bank->ledgerd), 0);
	/* What came meanwhile gets its lines, as after a start. */
	m.audit_log = AUDIT_PSEUDONYMS;
	say(&m, SR_OK);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(audit_missing(bank->ledgerd), 0);
	assert_int_equal(bank->ledgerd->audit.next, bank->ledgerd->tree.size);
	assert_false(audit_has("ada"));
	m.audit_log = AUDIT_FULL;
	say(&m, SR_OK);
	assert_int_equal(pay(), SR_OK);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_true(audit_has("ada"));
}

/* A file that cannot be gone on with ends no bank. */
static void
given_an_audit_log_that_cannot_be_read_then_answered_and_off(void **state)
{
	struct message_ledgerd_settings m = settings();
	size_t len;

	(void)state;
	m.audit_log = AUDIT_OFF;
	say(&m, SR_OK);
	assert_int_equal(pay(), SR_OK);
	len = audit_len();
	m.audit_log = AUDIT_FULL;
	m.session_idle = 77;
	bank->ledgerd_room->fault[SIM_FAIL_READ] = 1;
	say(&m, SR_IO);
	assert_int_equal(bank->ledgerd_room->fault[SIM_FAIL_READ], 0);
	assert_int_equal(bank->ledgerd->params.audit, AUDIT_OFF);
	assert_int_equal(bank->ledgerd->params.session_idle_s, 77);
	assert_int_equal(pay(), SR_OK);
	assert_int_equal(audit_len(), len);
	/* and once it can be, nothing is missing */
	say(&m, SR_OK);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(audit_missing(bank->ledgerd), 0);
	assert_true(audit_len() > len);
	assert_true(audit_has("ada"));
}

static void
given_values_out_of_range_then_nothing_changes(void **state)
{
	const struct message_ledgerd_settings good = settings();
	struct message_ledgerd_settings m;

	(void)state;
	for (int i = 0; i < 5; i++) {
		m = good;
		m.audit_log = i == 0 ? AUDIT_OFF + 1 : 0;
		m.reserve = i == 1 ? 0 : 2 << 20;
		m.session_idle = i == 2 ? 0 : 7;
		m.session_absolute = i == 3 ? 0 : 77;
		m.session_rekey = i == 4 ? 0 : 7;
		say(&m, SR_PARAMETERS);
		assert_int_equal(bank->ledgerd->params.session_idle_s, 300);
		assert_int_not_equal(bank->ledgerd->params.reserve, 2 << 20);
	}
}

#define LEDGERD(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_the_same_file_then_nothing_changes),
	    cmocka_unit_test(
		given_each_key_when_it_changes_then_it_is_taken_or_named),
	    cmocka_unit_test(
		given_no_room_that_runs_then_more_connections_are_taken),
	    cmocka_unit_test(given_many_changes_then_all_are_named),
	    LEDGERD(
		given_shorter_keys_then_a_session_keeps_what_its_client_was_told),
	    LEDGERD(given_a_shorter_idle_time_then_idle_sessions_end),
	    LEDGERD(given_a_shorter_absolute_time_then_old_sessions_end),
	    LEDGERD(given_another_reserve_then_the_bank_closes_and_opens_by_it),
	    LEDGERD(given_another_audit_log_then_its_lines_begin_there),
	    LEDGERD(
		given_an_audit_log_that_cannot_be_read_then_answered_and_off),
	    LEDGERD(given_values_out_of_range_then_nothing_changes),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
