/* SPDX-License-Identifier: ISC */
/*
 * A change of what opens the bank: strongroom-unlock writes the sealed files
 * anew beside the old ones, and they take their names once they are whole.
 * What is asked and what is answered goes by as a descriptor: it must never be
 * read here.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

/*
 * The socket that came along, of which reading ends at once, so that
 * strongroom-unlock cannot be made to wait.
 */
static enum sr_error
take_socket(struct monitor *monitor, int *fd)
{
	int type = 0, flags = fcntl(monitor->handed, F_GETFL);
	socklen_t len = sizeof(type);

	*fd = -1;
	if (monitor->handed < 0)
		return SR_MALFORMED;
	if (getsockopt(monitor->handed, SOL_SOCKET, SO_TYPE, &type, &len) !=
		0 ||
	    type != SOCK_STREAM || flags < 0 ||
	    fcntl(monitor->handed, F_SETFL, flags | O_NONBLOCK) != 0)
		return SR_PARAMETERS;
	*fd = monitor->handed;
	monitor->handed = -1;
	return SR_OK;
}

void
monitor_take_control_seal_change(
    struct monitor *monitor, const struct message_seal_change *m)
{
	enum sr_error error = monitor_may_change(monitor);
	int fd = -1;

	/* A packet with two requests gets one answer. */
	if (monitor->asking == NULL)
		return;
	if (error == SR_OK && monitor->sealer != 0)
		error = SR_BUSY;
	if (error == SR_OK)
		error = take_socket(monitor, &fd);
	if (error == SR_OK && (m->change == 0 || m->change > 3))
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = monitor_start_sealer(monitor, m, fd);
	if (fd >= 0)
		close(fd);
	if (error == SR_OK) {
		monitor_control_wait(monitor, MONITOR_WAITS_SEAL);
		return;
	}
	monitor_control_refuse(monitor->asking, error);
	monitor->asking = NULL;
}

static void
tell(struct monitor *monitor, enum sr_error error)
{
	const struct message_sealed sealed = {0};
	uint8_t message[16];
	struct writer w = writer_to(message, sizeof(message));

	if (error == SR_OK)
		error = message_sealed_encode(&w, &sealed);
	monitor_control_tell(monitor, MONITOR_WAITS_SEAL, &w, error);
}

/* ---- for the journal ----------------------------------------------------- */

static void
keep(struct monitor *monitor, struct seal_event *seal)
{
	/* A single command leaves in the journal what it was for. */
	if (monitor_may_change(monitor) == SR_NOT_ALLOWED)
		return;
	if (monitor->seal_count == MONITOR_SEALS_MAX) {
		diag_warn("that the keys were %s does not come into the "
			  "journal: too much waits for the bank to be opened",
		    seal_what_name(seal->what));
		return;
	}
	seal->by_hand =
	    seal->what == SEAL_OPENED &&
	    (monitor->typed || monitor->config.unlock == CONFIG_UNLOCK_ASK);
	seal->wrong = monitor->wrong;
	monitor->wrong = 0;
	monitor->seals[monitor->seal_count++] = *seal;
}

enum sr_error
monitor_unlock_told(
    struct monitor *monitor, int *fd, int status, uint8_t told[SEAL_EVENT_LEN])
{
	struct reader r = reader_of(told, 2);
	enum sr_error error = SR_INTERNAL;
	ssize_t n;

	memset(told, 0, SEAL_EVENT_LEN);
	n = *fd >= 0 ? read(*fd, told, SEAL_EVENT_LEN) : -1;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return SR_OK;
	/* one that was killed has told nothing, or not all */
	if (WIFEXITED(status) && n == 2)
		error = error_of_wire(reader_u16(&r));
	if (error == SR_OK)
		error = SR_INTERNAL;
	if (error == SR_UNLOCK && monitor->wrong < UINT32_MAX)
		monitor->wrong++;
	return error;
}

static bool
read_told(const uint8_t told[SEAL_EVENT_LEN], struct seal_event *seal)
{
	struct entry_event event = {.code = SYSTEM_SEAL};
	struct reader r = reader_of(told, SEAL_EVENT_LEN);

	event.subject = reader_u64(&r);
	reader_bytes(&r, event.detail, sizeof(event.detail));
	return seal_event_of(&event, seal) == SR_OK;
}

/* For systemd's journal, which who steals the disk reads: without the label. */
static void
tell_changed(const struct monitor *monitor, const uint8_t told[SEAL_EVENT_LEN])
{
	struct seal_event seal;
	struct event event;

	event_begin(&event, EVENT_SEAL_CHANGED);
	if (read_told(told, &seal)) {
		event_text(&event, "CHANGE", seal_what_name(seal.what));
		event_text(&event, "KIND", sealed_kind_name(seal.kind));
		event_number(&event, "NUMBER", seal.number);
	}
	monitor_event(
	    monitor, &event, "what opens the bank's keys has been changed");
}

void
monitor_seal_told(struct monitor *monitor, const uint8_t told[SEAL_EVENT_LEN])
{
	struct seal_event seal;

	if (read_told(told, &seal))
		keep(monitor, &seal);
}

void
monitor_tell_seals(struct monitor *monitor)
{
	size_t told = 0;

	if (monitor->state != MONITOR_OPEN || !monitor->announced ||
	    monitor->stopping)
		return;
	while (told < monitor->seal_count) {
		const struct entry_event event =
		    seal_event_entry(&monitor->seals[told]);
		struct message_seal_event m = {.time = event.subject};
		uint8_t message[MESSAGE_SEAL_EVENT_MAX];
		struct writer w = writer_to(message, sizeof(message));

		memcpy(m.detail, event.detail, sizeof(m.detail));
		if (message_seal_event_encode(&w, &m) != SR_OK ||
		    monitor_send(monitor, ROOM_LEDGERD, &w) != SR_OK)
			break;
		told++;
	}
	monitor->seal_count -= told;
	memmove(&monitor->seals[0], &monitor->seals[told],
	    monitor->seal_count * sizeof(monitor->seals[0]));
}

void
monitor_sealer_ended(struct monitor *monitor, int status)
{
	uint8_t told[SEAL_EVENT_LEN];
	enum sr_error error =
	    monitor_unlock_told(monitor, &monitor->sealer_told, status, told);

	monitor->sealer = 0;
	if (error == SR_OK)
		error = monitor_put_sealed(monitor);
	if (error == SR_OK || error == SR_SEAL_UNSYNCED) {
		tell_changed(monitor, told);
		monitor_seal_told(monitor, told);
	} else {
		monitor_drop_sealed(monitor);
	}
	tell(monitor, error);
}
