/* SPDX-License-Identifier: ISC */
/*
 * The verdicts of strongroomctl doctor.  Each says what is so and, where that
 * is not as it should be, what to do.  Must never ask or read anything.
 */
#include "client/ctl/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/audit_line.h"
#include "policy/sandbox.h"

__attribute__((format(printf, 3, 4))) static struct doctor_verdict
verdict(const char *check, enum doctor_state state, const char *format, ...)
{
	struct doctor_verdict made = {.check = check, .state = state};
	va_list values;

	va_start(values, format);
	(void)vsnprintf(made.text, sizeof(made.text), format, values);
	va_end(values);
	return made;
}

void
doctor_name(struct doctor_verdict *verdict, const char *ctl)
{
	static const char word[] = "strongroomctl ";
	const struct doctor_verdict before = *verdict;
	const char *from = before.text, *found;
	size_t len = 0;

	while (len < DOCTOR_TEXT_MAX) {
		found = strstr(from, word);
		if (found == NULL) {
			(void)snprintf(verdict->text + len,
			    DOCTOR_TEXT_MAX - len, "%s", from);
			return;
		}
		len +=
		    (size_t)snprintf(verdict->text + len, DOCTOR_TEXT_MAX - len,
			"%.*s%s ", (int)(found - from), from, ctl);
		from = found + sizeof(word) - 1;
	}
}

struct doctor_verdict
doctor_orders(const struct message_ledgerd_status *ledgerd)
{
	const char *why = ctl_closed_why(ledgerd);

	if (why == NULL)
		return verdict("orders", DOCTOR_FINE, "the bank takes orders");
	return verdict("orders", DOCTOR_FAILS, "closed: %s", why);
}

struct doctor_verdict
doctor_disk(const struct message_ledgerd_status *ledgerd)
{
	uint64_t free_mib = ledgerd->space >> 20;
	uint64_t reserve_mib = ledgerd->reserve >> 20;

	if (ledgerd->space < ledgerd->reserve)
		return verdict("disk", DOCTOR_FAILS,
		    "%" PRIu64 " MiB free, less than the reserve of %" PRIu64
		    " MiB: make room",
		    free_mib, reserve_mib);
	if (ledgerd->space / 2 < ledgerd->reserve)
		return verdict("disk", DOCTOR_WARNS,
		    "%" PRIu64 " MiB free; below %" PRIu64
		    " MiB the bank is closed for orders: make room",
		    free_mib, reserve_mib);
	return verdict("disk", DOCTOR_FINE,
	    "%" PRIu64 " MiB free, closed for orders below %" PRIu64 " MiB",
	    free_mib, reserve_mib);
}

struct doctor_verdict
doctor_clock(const struct message_clock *clock)
{
	uint64_t apart_ms = clock->now > clock->expected
				? clock->now - clock->expected
				: clock->expected - clock->now;

	if (clock->closed != SR_OK)
		return verdict("clock", DOCTOR_FAILS,
		    "it was set, or is behind the books: set it right, then "
		    "strongroomctl clock confirm");
	if (clock->now < clock->last_entry)
		return verdict("clock", DOCTOR_WARNS,
		    "%" PRIu64
		    " s behind the last entry, whose time stands still until "
		    "then: is it right?",
		    (clock->last_entry - clock->now + 999) / 1000);
	if (apart_ms > DOCTOR_CLOCK_MS)
		return verdict("clock", DOCTOR_WARNS,
		    "moved by %" PRIu64 " s since the start: is it right?",
		    apart_ms / 1000);
	return verdict("clock", DOCTOR_FINE, "as expected");
}

struct doctor_verdict
doctor_audit(const struct message_ledgerd_status *ledgerd)
{
	if (ledgerd->audit_missing > 0)
		return verdict("audit-log", DOCTOR_WARNS,
		    "%" PRIu64 " lines are missing: the disk refuses them; "
		    "they are written from the journal when there is room",
		    ledgerd->audit_missing);
	if (ledgerd->audit_mode == AUDIT_FULL)
		return verdict("audit-log", DOCTOR_WARNS,
		    "full: who steals ledgerd's disk, or a backup, reads "
		    "names, kinds and amounts, and an erased name stays there");
	if (ledgerd->audit_mode == AUDIT_OFF)
		return verdict("audit-log", DOCTOR_FINE, "switched off");
	return verdict("audit-log", DOCTOR_FINE,
	    "no line is missing; pseudonyms, no names");
}

struct doctor_verdict
doctor_certificate(const struct message_keyd_status *keyd, uint64_t now_ms)
{
	uint64_t days;

	if (keyd->not_after <= now_ms)
		return verdict("certificate", DOCTOR_FAILS,
		    "it has expired and no client believes it: stop the bank, "
		    "then strongroomctl certify");
	days = (keyd->not_after - now_ms) / 1000 / 86400;
	if (keyd->not_after - now_ms < DOCTOR_CERTIFICATE_S * UINT64_C(1000))
		return verdict("certificate", DOCTOR_WARNS,
		    "it expires in %" PRIu64
		    " days: stop the bank, then strongroomctl certify",
		    days);
	return verdict(
	    "certificate", DOCTOR_FINE, "valid for %" PRIu64 " days", days);
}

/* Appends "room lacks: what is missing" to text. */
static void
add_missing(char text[DOCTOR_TEXT_MAX], const char *room, uint32_t missing)
{
	char layers[SANDBOX_TEXT_MAX];
	size_t len = strlen(text);

	if (missing == 0)
		return;
	sandbox_describe(missing, layers);
	(void)snprintf(text + len, DOCTOR_TEXT_MAX - len, "%s%s lacks: %s",
	    len > 0 ? "; " : "", room, layers);
}

struct doctor_verdict
doctor_sandbox(const struct message_monitor_status *monitor)
{
	/* Of memfd_secret doctor_memory() tells. */
	const uint32_t keyd =
	    monitor->missing_keyd & ~(uint32_t)SANDBOX_MEMFD_SECRET;
	const uint32_t each =
	    keyd & monitor->missing_netd & monitor->missing_ledgerd;
	char text[DOCTOR_TEXT_MAX] = "";

	add_missing(text, "each room", each);
	add_missing(text, "keyd", keyd & ~each);
	add_missing(text, "netd", monitor->missing_netd & ~each);
	add_missing(text, "ledgerd", monitor->missing_ledgerd & ~each);
	if (text[0] != '\0')
		return verdict("sandbox", DOCTOR_WARNS, "%s", text);
	return verdict("sandbox", DOCTOR_FINE, "all layers in force");
}

struct doctor_verdict
doctor_memory(const struct message_keyd_status *keyd)
{
	if (keyd->secret_memory == 2)
		return verdict(
		    "memory", DOCTOR_FINE, "keys lie in memfd_secret pages");
	return verdict("memory", DOCTOR_WARNS,
	    "keys lie in locked pages: this kernel has no memfd_secret");
}

struct doctor_verdict
doctor_restarts(const struct message_monitor_status *monitor)
{
	if (monitor->netd_restarts > 0)
		return verdict("rooms", DOCTOR_WARNS,
		    "netd was started anew %" PRIu32
		    " times: strongroomd's log says why",
		    monitor->netd_restarts);
	return verdict("rooms", DOCTOR_FINE, "none had to be started anew");
}

struct doctor_verdict
doctor_last(enum ctl_last_of which, enum sr_error error, const char *message,
    const struct ctl_last *last, uint64_t now_ms, uint64_t entries)
{
	const char *check = which == CTL_LAST_BACKUP ? "backup" : "verified";
	const char *how = which == CTL_LAST_BACKUP
			      ? "strongroomctl backup DIRECTORY"
			      : "strongroomctl verify";
	uint64_t age_s;

	if (error == SR_NOT_FOUND)
		return verdict(check, DOCTOR_WARNS, "never: %s", how);
	if (error == SR_PERMISSION)
		return verdict(check, DOCTOR_WARNS, "%s", DOCTOR_NOT_ASKED);
	if (error != SR_OK)
		return verdict(check, DOCTOR_FAILS, "%s", message);
	if (!last->good)
		return verdict(check, DOCTOR_FAILS,
		    "damage was found: %s says where; leave the bank's files "
		    "as they are, copy them elsewhere, then strongroomctl "
		    "restore of the newest backup that strongroomctl restore "
		    "--check finds good, see strongroomctl(8)",
		    how);
	if (last->entries > entries)
		return verdict(check, DOCTOR_FAILS,
		    "it covered %" PRIu64 " entries, and the bank has %" PRIu64
		    " now: was it rolled back?",
		    last->entries, entries);
	if (last->time_ms > now_ms + DOCTOR_CLOCK_MS)
		return verdict(check, DOCTOR_FAILS,
		    "its time lies in the future: is the clock right?");
	age_s = last->time_ms > now_ms ? 0 : (now_ms - last->time_ms) / 1000;
	if (age_s > DOCTOR_LATE_S)
		return verdict(check,
		    age_s > DOCTOR_TOO_LATE_S ? DOCTOR_FAILS : DOCTOR_WARNS,
		    "%" PRIu64 " days ago: %s", age_s / 86400, how);
	return verdict(check, DOCTOR_FINE,
	    "%" PRIu64 " h ago, %" PRIu64 " entries", age_s / 3600,
	    last->entries);
}

struct doctor_verdict
doctor_backup_ways(const struct doctor_verdict *backup,
    const struct ctl_last *last, uint32_t set)
{
	if (backup->state == DOCTOR_FAILS || last->set == 0 || set == 0 ||
	    last->set == set)
		return *backup;
	return verdict("backup", DOCTOR_WARNS,
	    "from before what opens the bank was changed: what was added "
	    "since does not open it, and what was removed does: strongroomctl "
	    "backup DIRECTORY");
}

struct doctor_verdict
doctor_checkpoint(enum sr_error error, const struct checkpoint *checkpoint,
    const struct message_keyd_status *keyd)
{
	char origin[NOTE_ORIGIN_MAX];

	if (error == SR_NOT_FOUND)
		return verdict("checkpoint", DOCTOR_FAILS,
		    "ledger/public/checkpoint is not there");
	if (error == SR_MALFORMED)
		return verdict("checkpoint", DOCTOR_FAILS,
		    "ledger/public/checkpoint is no signed note");
	if (error != SR_OK)
		return verdict("checkpoint", DOCTOR_FAILS,
		    "ledger/public/checkpoint: %s", error_sentence(error));
	note_origin(keyd->bank_id, keyd->certificate_epoch, origin);
	if (strcmp(origin, checkpoint->origin) != 0)
		return verdict("checkpoint", DOCTOR_FAILS,
		    "ledger/public/checkpoint is of another log");
	if (checkpoint->size < keyd->tree_size)
		return verdict("checkpoint", DOCTOR_WARNS,
		    "it has %" PRIu64 " of %" PRIu64
		    " entries: the disk did not take the newest",
		    checkpoint->size, keyd->tree_size);
	return verdict("checkpoint", DOCTOR_FINE,
	    "published, %" PRIu64 " entries", checkpoint->size);
}

struct doctor_verdict
doctor_log_key(enum sr_error error, const char *message,
    const struct verify_restore *last, const struct message_keyd_status *keyd,
    uint64_t now_ms)
{
	uint32_t epoch = RESTORE_FIRST_EPOCH;
	uint64_t age_ms = 0;

	if (error != SR_OK && error != SR_NOT_FOUND)
		return verdict("log-key", DOCTOR_FAILS, "%s", message);
	if (error == SR_OK) {
		epoch = last->note.new_epoch;
		if (now_ms > last->note.time_ms)
			age_ms = now_ms - last->note.time_ms;
	}
	if (epoch != keyd->certificate_epoch)
		return verdict("log-key", DOCTOR_FAILS,
		    "keyd signs under epoch %" PRIu32
		    ", and ledger/" RESTORE_PATH " leads to epoch %" PRIu32
		    ": strongroomctl verify says more",
		    keyd->certificate_epoch, epoch);
	if (error == SR_NOT_FOUND)
		return verdict("log-key", DOCTOR_FINE,
		    "epoch %" PRIu32 ", that of the founding", epoch);
	return verdict("log-key", DOCTOR_FINE,
	    "epoch %" PRIu32 ", since the %s %" PRIu64 " days ago", epoch,
	    last->rotation ? "rotation" : "restore", age_ms / 1000 / 86400);
}

struct doctor_verdict
doctor_keys(const struct ctl_keys *keys)
{
	const struct key_kind *near = NULL;

	for (size_t i = 0; i < keys->count; i++) {
		const struct key_entry *entry = &keys->entry[i];
		const struct key_kind *kind = key_kind_of(entry->key);

		if (entry->kept || !key_near_cap(kind, entry->uses))
			continue;
		if (entry->uses >= kind->cap)
			return verdict("keys", DOCTOR_FAILS,
			    "%s has come to its cap of uses: strongroomctl "
			    "keys",
			    kind->word);
		near = kind;
	}
	if (near != NULL)
		return verdict("keys", DOCTOR_WARNS,
		    "%s is near its cap of uses: strongroomctl keys",
		    near->word);
	return verdict("keys", DOCTOR_FINE, "none is near its cap of uses");
}

struct doctor_verdict
doctor_retention(const struct ctl_retention *retention)
{
	if (retention->busy)
		return verdict("retention", DOCTOR_FINE,
		    "what is retired is being removed");
	if (retention->obstacle == SR_OK)
		return verdict("retention", DOCTOR_FINE,
		    "%" PRIu64 " entries, %" PRIu64
		    " MiB, could be retired before certified snapshot %" PRIu32
		    ": strongroomctl retire, by two operators",
		    retention->entries, retention->bytes >> 20,
		    retention->certified.number);
	if (retention->obstacle == SR_NOT_ALLOWED)
		return verdict("retention", DOCTOR_FINE,
		    "the certified snapshot is the newest: something can be "
		    "retired after the next one");
	if (retention->certified.number == 0)
		return verdict("retention", DOCTOR_FINE,
		    "nothing can be retired: no auditor has certified the "
		    "books");
	return verdict("retention", DOCTOR_FINE,
	    "everything before certified snapshot %" PRIu32 " is retired",
	    retention->certified.number);
}

struct doctor_verdict
doctor_mode(const char *path, mode_t mode, mode_t forbidden)
{
	if ((mode & forbidden) != 0)
		return verdict("files", DOCTOR_FAILS,
		    "%.300s has mode %04o, which is too much: chmod %s", path,
		    (unsigned)(mode & 07777u),
		    forbidden == 077 ? "go=" : "go-w");
	return verdict("files", DOCTOR_FINE, "%.300s", path);
}
