/* SPDX-License-Identifier: ISC */
/*
 * What the bank tells systemd's journal with fields of its own, by the Native
 * Journal Protocol: one datagram an event.  Where stderr is not the journal's
 * stream, or the journal does not take it, an event is one line on stderr as
 * any other.  Nobody must ever wait for the journal.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/diag.h"
#include "common/error.h"
#include "common/refusal.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define LIMIT_KEY_EVENT 64 /* of diag_passes(), and one more a kind */

static int journal = -1;

/* JOURNAL_STREAM of systemd.exec(5) is device and inode of our stderr. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat status;

	if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev,
	    (uintmax_t)status.st_ino);
	return strcmp(stream, own) == 0;
}

void
monitor_events_begin(void)
{
	if (stderr_is_journal())
		journal = socket(
		    AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* ---- one event -------------------------------------------------------- */

static void
field(struct writer *w, const char *prefix, const char *name, const char *value)
{
	size_t len = strlen(value);

	writer_bytes(w, prefix, strlen(prefix));
	writer_bytes(w, name, strlen(name));
	/* A value of several lines has its length before it. */
	if (strchr(value, '\n') != NULL) {
		writer_u8(w, '\n');
		writer_u64(w, len);
	} else {
		writer_u8(w, '=');
	}
	writer_bytes(w, value, len);
	writer_u8(w, '\n');
}

void
event_begin(struct event *event, enum event_kind kind)
{
	event->kind = kind;
	event->fields = writer_to(event->bytes, sizeof(event->bytes));
}

void
event_text(struct event *event, const char *name, const char *value)
{
	const struct writer before = event->fields;

	field(&event->fields, "STRONGROOM_", name, value);
	/* One that has no room is left out, and the others stay. */
	if (event->fields.bad)
		event->fields = before;
}

void
event_number(struct event *event, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	event_text(event, name, text);
}

size_t
event_encode(const struct event *event, const char *bank, const char *message,
    uint8_t datagram[EVENT_DATAGRAM_MAX])
{
	const struct event_def *def = &event_defs[event->kind];
	const char priority[2] = {(char)('0' + def->priority), '\0'};
	struct writer w = writer_to(datagram, EVENT_DATAGRAM_MAX);

	field(&w, "", "MESSAGE", message);
	field(&w, "", "PRIORITY", priority);
	field(&w, "", "MESSAGE_ID", def->id);
	field(&w, "", "SYSLOG_IDENTIFIER", "strongroomd");
	field(&w, "STRONGROOM_", "BANK", bank);
	writer_bytes(&w, event->bytes, writer_len(&event->fields));
	return w.bad ? 0 : writer_len(&w);
}

static bool
tell_journal(
    const struct monitor *monitor, const struct event *event, const char *text)
{
	static const struct sockaddr_un address = {
	    .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	uint8_t datagram[EVENT_DATAGRAM_MAX];
	size_t len;

	if (journal < 0)
		return false;
	len = event_encode(event, monitor->config.name, text, datagram);
	return len > 0 &&
	       sendto(journal, datagram, len, MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&address,
		   sizeof(address)) == (ssize_t)len;
}

static void
tell_stderr(const struct event *event, const char *text)
{
	enum { ERROR = 3, WARNING = 4 };
	const unsigned priority = event_defs[event->kind].priority;

	if (priority <= ERROR)
		diag_error("%s", text);
	else if (priority == WARNING)
		diag_warn("%s", text);
	else
		diag_info("%s", text);
}

#define FORMAT(text, format)                                            \
	do {                                                            \
		va_list arguments;                                      \
		va_start(arguments, format);                            \
		(void)vsnprintf(text, sizeof(text), format, arguments); \
		va_end(arguments);                                      \
	} while (0)

void
monitor_event(const struct monitor *monitor, const struct event *event,
    const char *format, ...)
{
	char text[DIAG_LINE_MAX];

	FORMAT(text, format);
	if (!tell_journal(monitor, event, text))
		tell_stderr(event, text);
}

void
monitor_event_beside(const struct monitor *monitor, const struct event *event,
    const char *format, ...)
{
	char text[DIAG_LINE_MAX];

	FORMAT(text, format);
	(void)tell_journal(monitor, event, text);
}

/* ---- what rooms tell --------------------------------------------------- */

bool
event_is_of(unsigned kind, enum event_from from)
{
	return kind < EVENT_KINDS && event_defs[kind].from == from;
}

static void
tell_ledgerd(const struct monitor *monitor, struct event *event, uint64_t why)
{
	enum sr_error error = error_of_wire((unsigned)why);

	if (event->kind == EVENT_LEDGERD_OPEN) {
		monitor_event_beside(
		    monitor, event, "the bank takes orders again");
		return;
	}
	event_text(event, "WHY", error_name(error));
	monitor_event_beside(monitor, event,
	    "the bank is closed for orders: %s", error_sentence(error));
}

static void
tell_history(const struct monitor *monitor, struct event *event,
    const struct message_room_event *m)
{
	enum sr_error error = error_of_wire((unsigned)m->one);

	event_text(event, "WHY", error_name(error));
	event_number(event, "TOLD", m->two);
	event_number(event, "SIGNED", m->three);
	monitor_event_beside(monitor, event,
	    "keyd has signed a log of %" PRIu64
	    " entries and refuses ledgerd's at %" PRIu64 ": %s",
	    m->three, m->two, error_sentence(error));
}

static void
tell_budget(const struct monitor *monitor, struct event *event,
    const struct message_room_event *m)
{
	const char *name =
	    m->one < REFUSAL_BUDGETS ? refusal_name(m->one) : NULL;

	if (name == NULL)
		name = "something unknown";
	event_text(event, "BUDGET", name);
	event_number(event, "COUNT", m->two);
	monitor_event_beside(monitor, event,
	    "keyd refused %" PRIu64 " of %s beyond the hour's budget", m->two,
	    name);
}

/* The room's own line has told it on stderr. */
static void
room_event(struct monitor *monitor, enum room_name name, enum event_from from,
    const struct message_room_event *m)
{
	struct event event;

	if (!event_is_of(m->kind, from)) {
		diag_limited(LIMIT_KEY_EVENT,
		    "%s tells of an event that is not its own (%u)",
		    monitor_room_name(name), m->kind);
		return;
	}
	if (!diag_passes(LIMIT_KEY_EVENT + 1 + m->kind))
		return;
	event_begin(&event, (enum event_kind)m->kind);
	event_text(&event, "ROOM", monitor_room_name(name));
	if (from == EVENT_LEDGERD)
		tell_ledgerd(monitor, &event, m->one);
	else if (m->kind == EVENT_HISTORY_REFUSED)
		tell_history(monitor, &event, m);
	else
		tell_budget(monitor, &event, m);
}

void
monitor_take_keyd_room_event(
    struct monitor *monitor, const struct message_room_event *m)
{
	room_event(monitor, ROOM_KEYD, EVENT_KEYD, m);
}

void
monitor_take_ledgerd_room_event(
    struct monitor *monitor, const struct message_room_event *m)
{
	room_event(monitor, ROOM_LEDGERD, EVENT_LEDGERD, m);
}
