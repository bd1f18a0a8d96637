/* SPDX-License-Identifier: ISC */
/*
 * strongroom.conf is read, at the start and again while the bank runs.  A
 * file with an error must never change anything; nor must a reload end a
 * room, a connection or a session.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

#define NETD_FDS_SPARE 64 /* that netd needs besides its connections */
#define SETTINGS_WAIT_MS 10000

static enum sr_error
check_limits(const struct config *config, char *message)
{
	uint64_t wanted = (uint64_t)config->max_connections + NETD_FDS_SPARE;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
		snprintf(message, CONFIG_MESSAGE_MAX,
		    "the limit of open files cannot be read");
		return SR_IO;
	}
	if (files.rlim_max >= wanted)
		return SR_OK;
	snprintf(message, CONFIG_MESSAGE_MAX,
	    "[netd] max-connections = %u needs %llu open files, but the limit "
	    "is %llu (ulimit -Hn)",
	    config->max_connections, (unsigned long long)wanted,
	    (unsigned long long)files.rlim_max);
	return SR_CONFIG;
}

enum sr_error
monitor_load(const struct monitor *monitor, struct config *config,
    char message[CONFIG_MESSAGE_MAX])
{
	enum sr_error error = config_load(monitor->file, config, message);

	return error == SR_OK ? check_limits(config, message) : error;
}

/* ---- what the rooms get ------------------------------------------------- */

static enum sr_error
encode_settings(
    const struct monitor *monitor, enum room_name name, struct writer *w)
{
	const struct config *config = &monitor->config;
	const struct message_keyd_settings keyd = {
	    .reload = monitor->reload,
	    .registration = (uint8_t)config->registration,
	};
	const struct message_netd_settings netd = {
	    .reload = monitor->reload,
	    .max_connections = config->max_connections,
	    .max_per_address = config->max_per_address,
	    .handshake_timeout_ms = config->handshake_timeout_ms,
	};
	const struct message_ledgerd_settings ledgerd = {
	    .reload = monitor->reload,
	    .audit_log = (uint8_t)config->audit_log,
	    .reserve = config->reserve_len,
	    .session_idle = config->session_idle_s,
	    .session_absolute = config->session_absolute_s,
	    .session_rekey = config->session_rekey_s,
	};

	switch (name) {
	case ROOM_KEYD:
		return message_keyd_settings_encode(w, &keyd);
	case ROOM_NETD:
		return message_netd_settings_encode(w, &netd);
	case ROOM_LEDGERD:
		return message_ledgerd_settings_encode(w, &ledgerd);
	case ROOM_UNLOCK:
		break;
	}
	return SR_INTERNAL;
}

static void
failed(struct monitor *monitor, enum room_name name, const char *what)
{
	char *text = monitor->reload_text;
	size_t len = strlen(text);

	diag_error("%s %s: reload once more", monitor_room_name(name), what);
	snprintf(text + len, sizeof(monitor->reload_text) - len,
	    "%s %s: reload once more\n", monitor_room_name(name), what);
	monitor->reload_error = SR_BUSY;
}

/* A room that has just ended gets the new values when it is started anew. */
static void
tell_rooms(struct monitor *monitor)
{
	uint8_t message[64];

	monitor->reload++;
	monitor->reload_deadline_ms = monitor_now_ms() + SETTINGS_WAIT_MS;
	for (int i = 0; i < MONITOR_ROOMS; i++) {
		enum room_name name = (enum room_name)i;
		struct writer w = writer_to(message, sizeof(message));
		enum sr_error error = encode_settings(monitor, name, &w);

		if (error == SR_OK)
			error = monitor_send(monitor, name, &w);
		monitor->rooms[i].unsettled = error == SR_OK;
		if (error != SR_OK && error != SR_CLOSED)
			failed(monitor, name, "takes no new values now");
	}
}

static void
settings_done(struct monitor *monitor, enum room_name name, uint32_t reload,
    enum sr_error error)
{
	if (!monitor->reloading || reload != monitor->reload ||
	    !monitor->rooms[name].unsettled)
		return;
	monitor->rooms[name].unsettled = false;
	if (error != SR_OK)
		failed(monitor, name, "refuses the new values");
}

void
monitor_take_keyd_settings_done(
    struct monitor *monitor, const struct message_settings_done *m)
{
	settings_done(monitor, ROOM_KEYD, m->reload, error_of_wire(m->error));
}

void
monitor_take_netd_settings_done(
    struct monitor *monitor, const struct message_settings_done *m)
{
	settings_done(monitor, ROOM_NETD, m->reload, error_of_wire(m->error));
}

void
monitor_take_ledgerd_settings_done(
    struct monitor *monitor, const struct message_settings_done *m)
{
	settings_done(
	    monitor, ROOM_LEDGERD, m->reload, error_of_wire(m->error));
}

/* ---- begin and end ------------------------------------------------------ */

/* sd_notify(3): systemd waits for READY=1 of after that time. */
static void
notify_begin(void)
{
	struct timespec now = {0};
	char text[64];

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		diag_fatal("the clock cannot be read");
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)now.tv_sec * 1000000 +
		(unsigned long long)now.tv_nsec / 1000);
	monitor_notify(text);
}

static void
finish(struct monitor *monitor)
{
	const struct message_reloaded m = {
	    .error = (uint16_t)monitor->reload_error,
	    .text = (const uint8_t *)monitor->reload_text,
	    .text_len = strlen(monitor->reload_text),
	};
	uint8_t message[MESSAGE_RELOADED_MAX];
	struct writer w = writer_to(message, sizeof(message));
	enum sr_error error = message_reloaded_encode(&w, &m);

	monitor->reloading = false;
	monitor->reload_deadline_ms = 0;
	if (!monitor->stopping)
		monitor_notify(monitor->state == MONITOR_OPEN
				   ? "READY=1\nSTATUS=open"
				   : "READY=1\nSTATUS=locked");
	monitor_control_tell(monitor, MONITOR_WAITS_RELOAD, &w, error);
}

/* Where another start would change nothing either. */
static void
describe_socket(struct monitor *monitor)
{
	char advice[MONITOR_SOCKET_ADVICE_MAX];
	char *text = monitor->reload_text;
	size_t len = strlen(text);

	monitor_socket_unit_advice(advice, sizeof(advice));
	diag_warn("also then %s", advice);
	snprintf(text + len, sizeof(monitor->reload_text) - len,
	    "also then %s\n", advice);
}

/* The text says what is taken and what is not; the rooms are to be told yet. */
static void
describe(struct monitor *monitor, const struct config_changes *changes)
{
	struct event event;
	const bool locked = monitor->state == MONITOR_LOCKED;
	const char *taken =
	    changes->taken_count > 0 ? changes->taken : "no value has changed";
	const char *verb = changes->kept_count == 1 ? "changes" : "change";
	int len = snprintf(monitor->reload_text, sizeof(monitor->reload_text),
	    "reloaded: %s%s\n", taken,
	    locked ? " (locked: the rooms begin with it)" : "");

	event_begin(&event, EVENT_RELOADED);
	event_text(&event, "CHANGED", taken);
	event_text(&event, "KEPT", changes->kept);
	monitor_event(monitor, &event, "reloaded: %s", taken);
	if (changes->kept_count == 0)
		return;
	diag_warn("%s %s at the next start", changes->kept, verb);
	snprintf(monitor->reload_text + len,
	    sizeof(monitor->reload_text) - (size_t)len,
	    "%s %s at the next start\n", changes->kept, verb);
	if (monitor->passed && strstr(changes->kept, CONFIG_KEY_LISTEN) != NULL)
		describe_socket(monitor);
}

static void
begin(struct monitor *monitor)
{
	static struct config file;
	static char message[CONFIG_MESSAGE_MAX];
	const bool open = monitor->state == MONITOR_OPEN;
	struct config_changes changes;
	struct event event;

	monitor->reload_wanted = false;
	monitor->reloading = true;
	notify_begin();
	monitor->reload_error = monitor_load(monitor, &file, message);
	if (monitor->reload_error != SR_OK) {
		event_begin(&event, EVENT_RELOAD_REFUSED);
		event_text(&event, "WHY", error_name(monitor->reload_error));
		monitor_event(
		    monitor, &event, "nothing was reloaded: %s", message);
		snprintf(monitor->reload_text, sizeof(monitor->reload_text),
		    "nothing was reloaded: %s\n", message);
		finish(monitor);
		return;
	}
	config_reload(&monitor->config, &file,
	    open ? monitor->connections_max : 0, &changes);
	describe(monitor, &changes);
	if (open)
		tell_rooms(monitor);
}

/* Whether a room is still to say that it has the new values. */
static bool
unsettled(const struct monitor *monitor)
{
	/* Rooms that end begin with them the next time. */
	if (monitor->state != MONITOR_OPEN || monitor->stopping)
		return false;
	for (size_t i = 0; i < MONITOR_ROOMS; i++)
		if (monitor->rooms[i].unsettled)
			return true;
	return false;
}

void
monitor_reload_look(struct monitor *monitor)
{
	const bool settled =
	    monitor->state == MONITOR_OPEN || monitor->state == MONITOR_LOCKED;

	if (monitor->reloading && unsettled(monitor) &&
	    monitor_now_ms() >= monitor->reload_deadline_ms) {
		for (int i = 0; i < MONITOR_ROOMS; i++) {
			if (monitor->rooms[i].unsettled)
				failed(monitor, (enum room_name)i,
				    "does not answer whether it has the new "
				    "values");
			monitor->rooms[i].unsettled = false;
		}
	}
	if (monitor->reloading && !unsettled(monitor))
		finish(monitor);
	if (monitor->reload_wanted && !monitor->reloading && settled &&
	    monitor_may_change(monitor) == SR_OK) {
		begin(monitor);
		if (monitor->reloading && !unsettled(monitor))
			finish(monitor);
	}
}

void
monitor_hung_up(struct monitor *monitor)
{
	/* Its terminal has gone, and with it whoever started the bank there. */
	if (monitor->terminal && !isatty(STDERR_FILENO))
		monitor_stop(monitor);
	else
		monitor->reload_wanted = true;
}

void
monitor_take_control_reload(
    struct monitor *monitor, const struct message_reload *m)
{
	enum sr_error error = monitor_may_change(monitor);

	(void)m;
	/* A packet with two requests gets one answer. */
	if (monitor->asking == NULL)
		return;
	if (error == SR_OK && (monitor->reloading || monitor->reload_wanted ||
				  monitor->state == MONITOR_LOCKING ||
				  monitor->state == MONITOR_UNLOCKING))
		error = SR_BUSY;
	if (error != SR_OK) {
		monitor_control_refuse(monitor->asking, error);
		monitor->asking = NULL;
		return;
	}
	monitor_control_wait(monitor, MONITOR_WAITS_RELOAD);
	monitor->reload_wanted = true;
}
