/* SPDX-License-Identifier: ISC */
/* The verdicts of strongroomctl doctor: both sides of each bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "client/ctl/doctor.h"
#include "policy/sandbox.h"

#define DAY_MS UINT64_C(86400000)
#define NOW_MS (UINT64_C(20000) * DAY_MS)

static void
is(struct doctor_verdict verdict, const char *check, enum doctor_state state,
    const char *part)
{
	assert_string_equal(verdict.check, check);
	assert_int_equal(verdict.state, state);
	assert_non_null(strstr(verdict.text, part));
}

static void
given_a_hint_when_the_bank_is_named_then_each_command_names_it(void **state)
{
	struct doctor_verdict verdict = {
	    .check = "x", .text = "strongroomctl a, then strongroomctl b"};
	char full[DOCTOR_TEXT_MAX];

	(void)state;
	doctor_name(&verdict, "strongroomctl --instance canteen");
	assert_string_equal(verdict.text,
	    "strongroomctl --instance canteen a, then strongroomctl "
	    "--instance canteen b");
	(void)snprintf(verdict.text, sizeof(verdict.text),
	    "strongroomctl(8), strongroomctl's");
	doctor_name(&verdict, "x");
	assert_string_equal(verdict.text, "strongroomctl(8), strongroomctl's");
	/* what does not fit is cut */
	memset(full, 'y', sizeof(full) - 1);
	full[sizeof(full) - 1] = '\0';
	(void)snprintf(verdict.text, sizeof(verdict.text),
	    "strongroomctl a strongroomctl b");
	doctor_name(&verdict, full);
	assert_int_equal(strlen(verdict.text), DOCTOR_TEXT_MAX - 1);
}

static void
given_orders_when_they_are_closed_then_it_fails(void **state)
{
	struct message_ledgerd_status ledgerd = {.founded = 1, .open = 1};

	(void)state;
	is(doctor_orders(&ledgerd), "orders", DOCTOR_FINE, "takes orders");
	ledgerd.open = 0;
	ledgerd.closed = SR_NO_SPACE;
	is(doctor_orders(&ledgerd), "orders", DOCTOR_FAILS, "the disk is full");
	ledgerd.closed = SR_OK;
	ledgerd.founded = 0;
	is(doctor_orders(&ledgerd), "orders", DOCTOR_FAILS, "not founded");
}

static void
given_keys_when_one_comes_to_its_cap_then_it_warns_before_it_fails(void **state)
{
	struct ctl_keys keys = {.count = 3,
	    .entry = {{.key = BANK_KEY_LOG, .uses = UINT64_MAX},
		{.key = BANK_KEY_CREDENTIAL, .uses = 5},
		{.key = BANK_KEY_CREDENTIAL, .kept = true}}};
	uint64_t cap = key_kind_of(BANK_KEY_CREDENTIAL)->cap;

	(void)state;
	is(doctor_keys(&keys), "keys", DOCTOR_FINE, "none is near");
	keys.entry[1].uses = cap / 10 * 9;
	is(doctor_keys(&keys), "keys", DOCTOR_WARNS, "credential-key is near");
	keys.entry[1].uses = cap;
	is(doctor_keys(&keys), "keys", DOCTOR_FAILS, "has come to its cap");
	keys.entry[1].uses = 5;
	keys.entry[2].uses = cap;
	is(doctor_keys(&keys), "keys", DOCTOR_FINE, "none is near");
}

static void
given_the_disk_when_it_fills_then_it_warns_before_it_fails(void **state)
{
	struct message_ledgerd_status ledgerd = {
	    .reserve = UINT64_C(64) << 20, .space = UINT64_C(128) << 20};

	(void)state;
	is(doctor_disk(&ledgerd), "disk", DOCTOR_FINE, "128 MiB free");
	ledgerd.space--;
	is(doctor_disk(&ledgerd), "disk", DOCTOR_WARNS, "make room");
	ledgerd.space = ledgerd.reserve;
	is(doctor_disk(&ledgerd), "disk", DOCTOR_WARNS, "below 64 MiB");
	ledgerd.space--;
	is(doctor_disk(&ledgerd), "disk", DOCTOR_FAILS, "less than");
	ledgerd.space = UINT64_MAX;
	ledgerd.reserve = UINT64_MAX / 2 + 1;
	is(doctor_disk(&ledgerd), "disk", DOCTOR_WARNS, "make room");
}

static void
given_the_clock_when_it_is_wrong_then_said_how(void **state)
{
	struct message_clock clock = {
	    .now = NOW_MS, .expected = NOW_MS, .last_entry = NOW_MS};

	(void)state;
	is(doctor_clock(&clock), "clock", DOCTOR_FINE, "as expected");
	clock.now = NOW_MS + DOCTOR_CLOCK_MS;
	is(doctor_clock(&clock), "clock", DOCTOR_FINE, "as expected");
	clock.now++;
	is(doctor_clock(&clock), "clock", DOCTOR_WARNS, "moved by 60 s");
	clock.now = NOW_MS - 1;
	is(doctor_clock(&clock), "clock", DOCTOR_WARNS, "stands still");
	clock.last_entry = 0;
	is(doctor_clock(&clock), "clock", DOCTOR_FINE, "as expected");
	clock.now = NOW_MS - DOCTOR_CLOCK_MS - 1;
	is(doctor_clock(&clock), "clock", DOCTOR_WARNS, "moved by");
	clock.closed = SR_CLOCK;
	is(doctor_clock(&clock), "clock", DOCTOR_FAILS, "clock confirm");
}

static void
given_the_audit_log_when_lines_are_missing_or_it_is_full_then_it_warns(
    void **state)
{
	struct message_ledgerd_status ledgerd = {0};

	(void)state;
	is(doctor_audit(&ledgerd), "audit-log", DOCTOR_FINE, "no line");
	ledgerd.audit_mode = AUDIT_OFF;
	is(doctor_audit(&ledgerd), "audit-log", DOCTOR_FINE, "off");
	ledgerd.audit_mode = AUDIT_FULL;
	is(doctor_audit(&ledgerd), "audit-log", DOCTOR_WARNS, "names, kinds");
	ledgerd.audit_missing = 1;
	is(doctor_audit(&ledgerd), "audit-log", DOCTOR_WARNS, "1 lines");
}

static void
given_the_certificate_when_it_ends_then_it_warns_before_it_fails(void **state)
{
	struct message_keyd_status keyd = {.not_after = NOW_MS + 30 * DAY_MS};

	(void)state;
	is(doctor_certificate(&keyd, NOW_MS), "certificate", DOCTOR_FINE,
	    "30 days");
	is(doctor_certificate(&keyd, NOW_MS + 1), "certificate", DOCTOR_WARNS,
	    "in 29 days");
	is(doctor_certificate(&keyd, keyd.not_after - 1), "certificate",
	    DOCTOR_WARNS, "in 0 days");
	is(doctor_certificate(&keyd, keyd.not_after), "certificate",
	    DOCTOR_FAILS, "expired");
}

static void
given_the_log_key_when_no_note_leads_to_it_then_it_fails(void **state)
{
	struct message_keyd_status keyd = {.certificate_epoch = 1};
	struct verify_restore last = {.rotation = true,
	    .note = {.new_epoch = 7, .time_ms = NOW_MS - 3 * DAY_MS}};

	(void)state;
	is(doctor_log_key(SR_NOT_FOUND, "", &last, &keyd, NOW_MS), "log-key",
	    DOCTOR_FINE, "epoch 1, that of the founding");
	is(doctor_log_key(SR_OK, "", &last, &keyd, NOW_MS), "log-key",
	    DOCTOR_FAILS, "leads to epoch 7");
	keyd.certificate_epoch = 7;
	is(doctor_log_key(SR_OK, "", &last, &keyd, NOW_MS), "log-key",
	    DOCTOR_FINE, "epoch 7, since the rotation 3 days ago");
	last.rotation = false;
	is(doctor_log_key(SR_OK, "", &last, &keyd, 0), "log-key", DOCTOR_FINE,
	    "since the restore 0 days ago");
	is(doctor_log_key(SR_NOT_FOUND, "", &last, &keyd, NOW_MS), "log-key",
	    DOCTOR_FAILS, "leads to epoch 1");
	is(doctor_log_key(SR_DAMAGED, "no note", &last, &keyd, NOW_MS),
	    "log-key", DOCTOR_FAILS, "no note");
}

static void
given_the_sandbox_when_a_layer_is_missing_then_it_is_named(void **state)
{
	struct message_monitor_status monitor = {0};
	struct message_keyd_status keyd = {.secret_memory = 2};

	(void)state;
	is(doctor_sandbox(&monitor), "sandbox", DOCTOR_FINE, "all layers");
	monitor.missing_netd = SANDBOX_LANDLOCK_TCP;
	is(doctor_sandbox(&monitor), "sandbox", DOCTOR_WARNS,
	    "netd lacks: Landlock for TCP");
	monitor.missing_keyd = SANDBOX_LANDLOCK_TCP;
	monitor.missing_ledgerd = SANDBOX_LANDLOCK_TCP;
	is(doctor_sandbox(&monitor), "sandbox", DOCTOR_WARNS,
	    "each room lacks: Landlock for TCP (needs Linux 6.7)");
	monitor.missing_keyd |= SANDBOX_MSEAL;
	is(doctor_sandbox(&monitor), "sandbox", DOCTOR_WARNS,
	    "; keyd lacks: mseal (needs Linux 6.10)");
	is(doctor_memory(&keyd), "memory", DOCTOR_FINE, "memfd_secret");
	keyd.secret_memory = 1;
	is(doctor_memory(&keyd), "memory", DOCTOR_WARNS, "locked pages");
}

static void
given_netd_when_it_was_started_anew_then_it_warns(void **state)
{
	struct message_monitor_status monitor = {0};

	(void)state;
	is(doctor_restarts(&monitor), "rooms", DOCTOR_FINE, "none");
	monitor.netd_restarts = 1;
	is(doctor_restarts(&monitor), "rooms", DOCTOR_WARNS, "1 times");
}

static struct doctor_verdict
judge(const struct ctl_last *last, uint64_t entries)
{
	return doctor_last(CTL_LAST_VERIFIED, SR_OK, "", last, NOW_MS, entries);
}

static void
given_a_note_when_it_is_old_or_wrong_then_said(void **state)
{
	struct ctl_last last = {
	    .time_ms = NOW_MS - 2 * DAY_MS, .entries = 7, .good = true};

	(void)state;
	is(judge(&last, 7), "verified", DOCTOR_FINE, "48 h ago, 7 entries");
	is(judge(&last, UINT64_MAX), "verified", DOCTOR_FINE, "48 h");
	is(judge(&last, 6), "verified", DOCTOR_FAILS, "rolled back");
	last.time_ms -= 1000;
	is(judge(&last, 7), "verified", DOCTOR_WARNS, "2 days ago");
	last.time_ms = NOW_MS - 14 * DAY_MS;
	is(judge(&last, 7), "verified", DOCTOR_WARNS, "14 days ago");
	last.time_ms -= 1000;
	is(judge(&last, 7), "verified", DOCTOR_FAILS, "14 days ago");
	last.time_ms = NOW_MS + DOCTOR_CLOCK_MS;
	is(judge(&last, 7), "verified", DOCTOR_FINE, "0 h ago");
	last.time_ms++;
	is(judge(&last, 7), "verified", DOCTOR_FAILS, "the future");
	last.time_ms = NOW_MS;
	last.good = false;
	is(judge(&last, 7), "verified", DOCTOR_FAILS, "damage was found");
	is(doctor_last(CTL_LAST_BACKUP, SR_NOT_FOUND, "", &last, NOW_MS, 7),
	    "backup", DOCTOR_WARNS, "never: strongroomctl backup");
	is(doctor_last(CTL_LAST_BACKUP, SR_PERMISSION, "x", &last, NOW_MS, 7),
	    "backup", DOCTOR_WARNS, "not checked: ask as root");
	is(doctor_last(CTL_LAST_BACKUP, SR_CONFIG, "line 3", &last, NOW_MS, 7),
	    "backup", DOCTOR_FAILS, "line 3");
}

static void
given_a_backup_when_what_opens_the_bank_was_changed_since_then_said(
    void **state)
{
	struct ctl_last last = {.set = 3};
	struct doctor_verdict fine = {.check = "backup", .text = "as it is"};

	(void)state;
	is(doctor_backup_ways(&fine, &last, 3), "backup", DOCTOR_FINE,
	    "as it is");
	is(doctor_backup_ways(&fine, &last, 4), "backup", DOCTOR_WARNS,
	    "from before what opens the bank was changed");
	is(doctor_backup_ways(&fine, &last, 2), "backup", DOCTOR_WARNS,
	    "from before what opens the bank was changed");
	is(doctor_backup_ways(&fine, &last, 0), "backup", DOCTOR_FINE,
	    "as it is");
	fine.state = DOCTOR_FAILS;
	is(doctor_backup_ways(&fine, &last, 4), "backup", DOCTOR_FAILS,
	    "as it is");
	last.set = 0;
	fine.state = DOCTOR_WARNS;
	is(doctor_backup_ways(&fine, &last, 4), "backup", DOCTOR_WARNS,
	    "as it is");
}

static void
given_a_checkpoint_when_it_is_not_the_banks_then_it_fails(void **state)
{
	struct message_keyd_status keyd = {
	    .certificate_epoch = 2, .tree_size = 5, .bank_id = {7}};
	struct checkpoint checkpoint = {.size = 5};

	(void)state;
	note_origin(keyd.bank_id, 2, checkpoint.origin);
	is(doctor_checkpoint(SR_OK, &checkpoint, &keyd), "checkpoint",
	    DOCTOR_FINE, "5 entries");
	checkpoint.size = 4;
	is(doctor_checkpoint(SR_OK, &checkpoint, &keyd), "checkpoint",
	    DOCTOR_WARNS, "4 of 5");
	note_origin(keyd.bank_id, 1, checkpoint.origin);
	is(doctor_checkpoint(SR_OK, &checkpoint, &keyd), "checkpoint",
	    DOCTOR_FAILS, "another log");
	is(doctor_checkpoint(SR_NOT_FOUND, &checkpoint, &keyd), "checkpoint",
	    DOCTOR_FAILS, "not there");
	is(doctor_checkpoint(SR_MALFORMED, &checkpoint, &keyd), "checkpoint",
	    DOCTOR_FAILS, "no signed note");
	is(doctor_checkpoint(SR_IO, &checkpoint, &keyd), "checkpoint",
	    DOCTOR_FAILS, "reading");
}

static void
given_a_file_when_others_reach_it_then_it_fails(void **state)
{
	(void)state;
	is(doctor_mode("f", 0600, 077), "files", DOCTOR_FINE, "f");
	is(doctor_mode("f", 0700, 077), "files", DOCTOR_FINE, "f");
	is(doctor_mode("f", 0604, 077), "files", DOCTOR_FAILS, "0604");
	is(doctor_mode("f", 0610, 077), "files", DOCTOR_FAILS, "go=");
	is(doctor_mode("f", 0755, 022), "files", DOCTOR_FINE, "f");
	is(doctor_mode("f", 0775, 022), "files", DOCTOR_FAILS, "go-w");
	is(doctor_mode("f", 0757, 022), "files", DOCTOR_FAILS, "go-w");
}

static void
given_retention_when_looked_at_then_told_what_could_go_or_is_missing(
    void **state)
{
	struct ctl_retention retention = {.obstacle = SR_NOT_FOUND};

	(void)state;
	is(doctor_retention(&retention), "retention", DOCTOR_FINE,
	    "no auditor has certified");
	retention.certified.number = 4;
	retention.obstacle = SR_NOT_ALLOWED;
	is(doctor_retention(&retention), "retention", DOCTOR_FINE,
	    "after the next one");
	retention.obstacle = SR_OK;
	retention.entries = 4711;
	retention.bytes = 3 << 20;
	is(doctor_retention(&retention), "retention", DOCTOR_FINE,
	    "4711 entries, 3 MiB, could be retired before certified snapshot "
	    "4");
	retention.obstacle = SR_ALREADY;
	is(doctor_retention(&retention), "retention", DOCTOR_FINE,
	    "before certified snapshot 4 is retired");
	retention.busy = true;
	is(doctor_retention(&retention), "retention", DOCTOR_FINE,
	    "is being removed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_hint_when_the_bank_is_named_then_each_command_names_it),
	    cmocka_unit_test(given_orders_when_they_are_closed_then_it_fails),
	    cmocka_unit_test(
		given_the_disk_when_it_fills_then_it_warns_before_it_fails),
	    cmocka_unit_test(
		given_keys_when_one_comes_to_its_cap_then_it_warns_before_it_fails),
	    cmocka_unit_test(given_the_clock_when_it_is_wrong_then_said_how),
	    cmocka_unit_test(
		given_the_audit_log_when_lines_are_missing_or_it_is_full_then_it_warns),
	    cmocka_unit_test(
		given_the_certificate_when_it_ends_then_it_warns_before_it_fails),
	    cmocka_unit_test(
		given_the_log_key_when_no_note_leads_to_it_then_it_fails),
	    cmocka_unit_test(
		given_the_sandbox_when_a_layer_is_missing_then_it_is_named),
	    cmocka_unit_test(given_netd_when_it_was_started_anew_then_it_warns),
	    cmocka_unit_test(
		given_retention_when_looked_at_then_told_what_could_go_or_is_missing),
	    cmocka_unit_test(given_a_note_when_it_is_old_or_wrong_then_said),
	    cmocka_unit_test(
		given_a_backup_when_what_opens_the_bank_was_changed_since_then_said),
	    cmocka_unit_test(
		given_a_checkpoint_when_it_is_not_the_banks_then_it_fails),
	    cmocka_unit_test(given_a_file_when_others_reach_it_then_it_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
