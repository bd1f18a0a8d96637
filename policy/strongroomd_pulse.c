/* SPDX-License-Identifier: ISC */
/*
 * The pulse: what feeds systemd's watchdog.  Must never say that the bank lives
 * for any other reason than that an order could go its whole way just now, or
 * that the bank is locked and has no way for one, or is on the way there or
 * back, for ten minutes at most.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

#define WATCHDOG_MIN_US 1000000

/* A number of the environment; false: none, and a line says so. */
static bool
environment_number(const char *name, uint64_t min, uint64_t *value)
{
	const char *text = getenv(name);

	if (config_number(text, strlen(text), value) && *value >= min)
		return true;
	diag_error("%s=%s is no number from %llu to 9999999999: have systemd "
		   "set it, by WatchdogSec= of a second to two hours, or "
		   "unset it",
	    name, text, (unsigned long long)min);
	return false;
}

enum sr_error
monitor_watchdog(struct monitor *monitor)
{
	uint64_t us, pid;

	if (getenv("WATCHDOG_USEC") == NULL)
		return SR_OK;
	if (getenv("WATCHDOG_PID") != NULL) {
		if (!environment_number("WATCHDOG_PID", 1, &pid))
			return SR_CONFIG;
		/* Somebody else is watched, who has started us. */
		if (pid != (uint64_t)getpid())
			return SR_OK;
	}
	if (!environment_number("WATCHDOG_USEC", WATCHDOG_MIN_US, &us))
		return SR_CONFIG;
	monitor->pulse.period_ms = (int64_t)us / 1000 / MONITOR_PULSES;
	return SR_OK;
}

static bool
watched(const struct monitor *monitor)
{
	return monitor->pulse.period_ms > 0 && monitor->announced &&
	       !monitor->stopping && !monitor->ended;
}

/* There are no rooms that an order could go through. */
static bool
alone(const struct monitor *monitor)
{
	return monitor->state != MONITOR_OPEN || monitor->rehearse;
}

static void
feed(struct monitor *monitor)
{
	struct monitor_pulse *pulse = &monitor->pulse;

	monitor_notify_alive();
	pulse->awaited = false;
	pulse->next_ms = monitor_now_ms() + pulse->period_ms;
}

static void
begin(struct monitor_pulse *pulse, int64_t now_ms)
{
	pulse->number++;
	pulse->awaited = true;
	pulse->told = false;
	pulse->asked = 0;
	pulse->seen = 0;
	pulse->begun_ms = now_ms;
}

/* What is lost on the way, with a netd or at a full link, is asked again. */
static void
ask(struct monitor *monitor, int64_t now_ms)
{
	const struct message_pulse m = {.number = monitor->pulse.number};
	uint8_t message[MESSAGE_PULSE_MAX];
	struct writer w = writer_to(message, sizeof(message));

	if (message_pulse_encode(&w, &m) == SR_OK)
		(void)monitor_send(monitor, ROOM_NETD, &w);
	monitor->pulse.asked = monitor->generation;
	monitor->pulse.next_ms = now_ms + monitor->pulse.period_ms;
}

static int64_t
late_ms(const struct monitor_pulse *pulse)
{
	return pulse->begun_ms + MONITOR_PULSES / 2 * pulse->period_ms;
}

/* The first one on the way that has not had it. */
static const char *
silent(const struct monitor *monitor)
{
	static const enum room_name way[] = {
	    ROOM_NETD, ROOM_KEYD, ROOM_LEDGERD};

	if (!monitor->rooms[ROOM_NETD].ready)
		return "netd, which is being started anew,";
	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++)
		if ((monitor->pulse.seen & 1U << way[i]) == 0)
			return monitor_room_name(way[i]);
	return "ledgerd's disk";
}

static void
tell(struct monitor *monitor, int64_t now_ms)
{
	const int64_t late = now_ms - monitor->pulse.begun_ms;
	struct event event;

	monitor->pulse.told = true;
	event_begin(&event, EVENT_PULSE_LATE);
	event_text(&event, "SILENT", silent(monitor));
	event_number(&event, "MILLISECONDS", (uint64_t)late);
	monitor_event(monitor, &event,
	    "the watchdog gets nothing: for %lld ms %s has not answered; if "
	    "that lasts, systemd ends the bank and starts it again",
	    (long long)late, silent(monitor));
}

/* Rooms that start or end have no end in sight. */
static bool
lasts(struct monitor *monitor, int64_t now_ms)
{
	struct monitor_pulse *pulse = &monitor->pulse;
	const bool between = monitor->state == MONITOR_LOCKING ||
			     monitor->state == MONITOR_UNLOCKING;

	if (!between)
		pulse->between_ms = 0;
	else if (pulse->between_ms == 0)
		pulse->between_ms = now_ms;
	if (!between || now_ms - pulse->between_ms < MONITOR_BETWEEN_MAX_MS) {
		pulse->told = false;
		return false;
	}
	if (!pulse->told)
		diag_error("the watchdog gets nothing: after %d minutes the "
			   "rooms still %s; if that lasts, systemd ends the "
			   "bank and starts it again",
		    MONITOR_BETWEEN_MAX_MS / 60000,
		    monitor->state == MONITOR_LOCKING ? "end" : "start");
	pulse->told = true;
	return true;
}

void
monitor_pulse(struct monitor *monitor)
{
	struct monitor_pulse *pulse = &monitor->pulse;
	int64_t now_ms;

	if (!watched(monitor))
		return;
	now_ms = monitor_now_ms();
	if (alone(monitor)) {
		pulse->awaited = false;
		if (lasts(monitor, now_ms))
			pulse->next_ms = now_ms + pulse->period_ms;
		else if (now_ms >= pulse->next_ms)
			feed(monitor);
		return;
	}
	pulse->between_ms = 0;
	if (!pulse->awaited && now_ms >= pulse->next_ms)
		begin(pulse, now_ms);
	if (!pulse->awaited)
		return;
	if (monitor->rooms[ROOM_NETD].ready &&
	    (pulse->asked != monitor->generation || now_ms >= pulse->next_ms))
		ask(monitor, now_ms);
	if (!pulse->told && now_ms >= late_ms(pulse))
		tell(monitor, now_ms);
}

int
monitor_pulse_wait_ms(const struct monitor *monitor, int wait_ms)
{
	const struct monitor_pulse *pulse = &monitor->pulse;
	int64_t due_ms = pulse->next_ms, left_ms;

	if (!watched(monitor))
		return wait_ms;
	if (pulse->awaited && !alone(monitor)) {
		/* That one is ready comes as a message. */
		if (!monitor->rooms[ROOM_NETD].ready)
			due_ms = INT64_MAX;
		if (!pulse->told && late_ms(pulse) < due_ms)
			due_ms = late_ms(pulse);
	}
	left_ms = due_ms - monitor_now_ms();
	if (left_ms < 0)
		left_ms = 0;
	if (left_ms > INT_MAX)
		left_ms = INT_MAX;
	return wait_ms < 0 || left_ms < wait_ms ? (int)left_ms : wait_ms;
}

/* What the rooms say: called by the dispatch of gen/. */

static void
seen(struct monitor *monitor, enum room_name name, uint64_t number)
{
	if (number == monitor->pulse.number)
		monitor->pulse.seen |= 1U << name;
}

void
monitor_take_netd_pulse_seen(
    struct monitor *monitor, const struct message_pulse_seen *m)
{
	seen(monitor, ROOM_NETD, m->number);
}

void
monitor_take_keyd_pulse_seen(
    struct monitor *monitor, const struct message_pulse_seen *m)
{
	seen(monitor, ROOM_KEYD, m->number);
}

void
monitor_take_ledgerd_pulse_seen(
    struct monitor *monitor, const struct message_pulse_seen *m)
{
	seen(monitor, ROOM_LEDGERD, m->number);
}

void
monitor_take_ledgerd_pulse_done(
    struct monitor *monitor, const struct message_pulse_done *m)
{
	struct monitor_pulse *pulse = &monitor->pulse;

	if (!watched(monitor) || alone(monitor) || !pulse->awaited ||
	    m->number != pulse->number)
		return;
	if (pulse->told)
		diag_info("the watchdog is fed again");
	feed(monitor);
}
