/* SPDX-License-Identifier: ISC */
/*
 * What strongroomd does when a room is ready, answers or dies.  netd may die
 * and comes back after keyd and ledgerd have forgotten its sessions; without
 * keyd or ledgerd there is no bank, and all end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/diag.h"
#include "common/sealed.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

#define GENERATION_WAIT_MS 10000
/* Of the 2 s in which SIGTERM must end everything. */
#define STOP_WAIT_MS 1700

int64_t
monitor_now_ms(void)
{
	struct timespec now = {0};

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		diag_fatal("the clock cannot be read");
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum sr_error
monitor_send(
    struct monitor *monitor, enum room_name name, const struct writer *w)
{
	int fd = monitor->rooms[name].control;
	ssize_t sent;

	if (fd < 0)
		return SR_CLOSED;
	sent = send(fd, w->start, writer_len(w), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent >= 0)
		return SR_OK;
	return errno == EAGAIN ? SR_BUSY : SR_CLOSED;
}

enum sr_error
monitor_send_stop(struct monitor *monitor, enum room_name name)
{
	uint8_t message[16];
	struct writer w = writer_to(message, sizeof(message));
	const struct message_stop m = {0};
	enum sr_error error = message_stop_encode(&w, &m);

	return error == SR_OK ? monitor_send(monitor, name, &w) : error;
}

void
monitor_give_up(struct monitor *monitor, enum sr_error why)
{
	/* The first reason is the one that tells. */
	if (monitor->result == SR_OK)
		monitor->result = why;
	monitor->ended = true;
}

/*
 * netd takes nothing new from now on, ledgerd answers what it has begun,
 * while keyd still signs it and netd still carries it, and ends; then netd
 * and keyd end.
 */
void
monitor_stop(struct monitor *monitor)
{
	struct event event;

	if (monitor->stopping)
		return;
	monitor->stopping = true;
	if (monitor->announced) {
		event_begin(&event, EVENT_STOPPING);
		monitor_event_beside(monitor, &event, "the bank ends");
	}
	monitor->deadline_ms = monitor_now_ms() + STOP_WAIT_MS;
	monitor_notify("STOPPING=1");
	/* Before all are ready nothing can have been begun. */
	if (!monitor->announced || monitor->state == MONITOR_LOCKED ||
	    monitor->state == MONITOR_UNLOCKING || monitor->killed) {
		monitor->ended = true;
		return;
	}
	/* Those that are being locked have been told. */
	if (monitor->state == MONITOR_LOCKING)
		return;
	/* There may be no netd, between two generations. */
	(void)monitor_send_stop(monitor, ROOM_NETD);
	if (monitor_send_stop(
		monitor, monitor->rehearse ? ROOM_KEYD : ROOM_LEDGERD) != SR_OK)
		monitor_give_up(monitor, SR_INTERNAL);
}

bool
monitor_settle(struct monitor *monitor, const char *notice)
{
	char *at = monitor->addresses;

	if ((monitor->init && monitor_sync_names(monitor) != SR_OK) ||
	    monitor_write_address(monitor) != SR_OK ||
	    monitor_drop_privileges() != SR_OK) {
		monitor_give_up(monitor, SR_IO);
		return false;
	}
	monitor->announced = true;
	monitor->deadline_ms = 0;
	while (*at != '\0') {
		size_t len = strcspn(at, "\n");

		diag_info("listening on %.*s", (int)len, at);
		at += len + (at[len] != '\0');
	}
	monitor_notify(notice);
	return true;
}

enum sr_error
monitor_begin_locked(struct monitor *monitor)
{
	struct event event;
	enum sr_error error;

	if (!monitor->config.unlock_ask) {
		monitor->state = MONITOR_LOCKED;
		if (!monitor_settle(monitor, "READY=1\nSTATUS=locked"))
			return SR_OK;
		event_begin(&event, EVENT_LOCKED);
		monitor_event(monitor, &event,
		    "locked: strongroomctl unlock opens the bank, until then "
		    "customers are turned away");
		return SR_OK;
	}
	monitor->may_ask = true;
	error = monitor_start_rooms(monitor);
	if (!monitor_wrong_secret(error))
		return error;
	monitor_unlock_failed(monitor, error);
	return SR_OK;
}

static void
announce(struct monitor *monitor)
{
	struct event event;

	for (int i = 0; i < MONITOR_ROOMS; i++)
		if (!monitor->rooms[i].ready &&
		    !(monitor->rehearse && i != ROOM_KEYD))
			return;
	if (monitor->unlock != 0)
		return;
	if (monitor->announced) {
		if (monitor->state == MONITOR_UNLOCKING)
			monitor_unlocked(monitor);
		return;
	}
	if (monitor->prove) {
		/* While it may still look at the rooms' namespaces. */
		monitor_prove(monitor);
		monitor->announced = true;
		monitor_stop(monitor);
		return;
	}
	if (!monitor_settle(monitor, "READY=1\nSTATUS=open"))
		return;
	event_begin(&event, EVENT_OPENED);
	monitor_event_beside(
	    monitor, &event, "the bank is open: customers are served");
}

static void
room_ready(struct monitor *monitor, enum room_name name, uint32_t missing)
{
	char text[SANDBOX_TEXT_MAX];

	monitor->rooms[name].ready = true;
	monitor->rooms[name].missing = missing;
	sandbox_describe(missing, text);
	if (text[0] != '\0' && !monitor->announced) {
		struct event event;

		event_begin(&event, EVENT_WALL_MISSING);
		event_text(&event, "ROOM", monitor_room_name(name));
		event_text(&event, "LAYERS", text);
		monitor_event(monitor, &event, "the sandbox of %s lacks: %s",
		    monitor_room_name(name), text);
	}
	announce(monitor);
}

/* At most MONITOR_RESTARTS_MAX in MONITOR_RESTARTS_S seconds. */
static bool
may_restart(struct monitor *monitor)
{
	int64_t now_s = monitor_now_ms() / 1000;
	int64_t *oldest =
	    &monitor->restarted_s[monitor->restarts % MONITOR_RESTARTS_MAX];

	if (monitor->restarts >= MONITOR_RESTARTS_MAX &&
	    now_s - *oldest < MONITOR_RESTARTS_S)
		return false;
	*oldest = now_s;
	monitor->restarts++;
	return true;
}

static void
begin_generation(struct monitor *monitor)
{
	static const enum room_name told[] = {ROOM_KEYD, ROOM_LEDGERD};
	struct event event;
	uint8_t message[16];

	if (!may_restart(monitor)) {
		event_begin(&event, EVENT_TOO_MANY_RESTARTS);
		event_text(&event, "ROOM", "netd");
		monitor_event(monitor, &event,
		    "netd ended %d times within %d s: the bank ends",
		    MONITOR_RESTARTS_MAX + 1, MONITOR_RESTARTS_S);
		monitor_give_up(monitor, SR_INTERNAL);
		return;
	}
	monitor->generation++;
	monitor->deadline_ms = monitor_now_ms() + GENERATION_WAIT_MS;
	for (size_t i = 0; i < 2; i++) {
		const struct message_generation m = {
		    .generation = monitor->generation};
		struct writer w = writer_to(message, sizeof(message));

		if (message_generation_encode(&w, &m) != SR_OK ||
		    monitor_send(monitor, told[i], &w) != SR_OK) {
			diag_error("%s cannot be told of a new netd",
			    monitor_room_name(told[i]));
			monitor_give_up(monitor, SR_INTERNAL);
			return;
		}
		monitor->rooms[told[i]].awaited = true;
	}
}

static void
generation_done(
    struct monitor *monitor, enum room_name name, uint32_t generation)
{
	struct event event;

	if (generation != monitor->generation ||
	    !monitor->rooms[name].awaited || monitor->stopping ||
	    monitor->state != MONITOR_OPEN)
		return;
	monitor->rooms[name].awaited = false;
	if (monitor->rooms[ROOM_KEYD].awaited ||
	    monitor->rooms[ROOM_LEDGERD].awaited)
		return;
	monitor->deadline_ms = 0;
	if (monitor_start_netd(monitor) != SR_OK) {
		monitor_give_up(monitor, SR_INTERNAL);
		return;
	}
	event_begin(&event, EVENT_NETD_ANEW);
	event_text(&event, "ROOM", "netd");
	event_number(&event, "GENERATION", generation);
	monitor_event(monitor, &event, "netd was started anew, generation %u",
	    generation);
}

static void
describe_end(int status, char *text, size_t len)
{
	if (WIFEXITED(status))
		snprintf(text, len, "ended with exit status %d",
		    WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGSYS)
		snprintf(text, len,
		    "was killed for a system call that its policy forbids");
	else
		snprintf(
		    text, len, "was killed by signal %d", WTERMSIG(status));
}

/* What forbids a wall forbids it at the next start, too. */
static bool
wall_denied(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == ROOM_EXIT_WALL;
}

/* A room has ended that should not. */
static void
tell_end(struct monitor *monitor, enum room_name name, int status)
{
	const bool policy = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	struct event event;
	char text[128];

	describe_end(status, text, sizeof(text));
	/* Of a start that fails the journal is told by stderr alone, which it
	 * ascribes to the unit even when nobody is left to be asked. */
	if (!monitor->announced) {
		diag_error("%s %s", monitor_room_name(name), text);
		return;
	}
	event_begin(&event, EVENT_ROOM_ENDED);
	event_text(&event, "ROOM", monitor_room_name(name));
	event_number(&event, "GENERATION", monitor->generation);
	event_text(&event, "HOW",
	    WIFEXITED(status) ? "exit"
	    : policy          ? "policy"
			      : "signal");
	event_number(&event, "STATUS",
	    (uint64_t)(WIFEXITED(status) ? WEXITSTATUS(status)
					 : WTERMSIG(status)));
	monitor_event(monitor, &event, "%s %s", monitor_room_name(name), text);
}

static void
tell_unlock_failed(
    const struct monitor *monitor, enum sr_error why, const char *how)
{
	struct event event;

	event_begin(&event, EVENT_UNLOCK_FAILED);
	event_text(&event, "WHY", error_name(why));
	monitor_event(monitor, &event,
	    "strongroom-unlock %s: the bank stays locked", how);
}

static void
unlock_ended(struct monitor *monitor, int status)
{
	uint8_t told[SEAL_EVENT_LEN];
	enum sr_error error =
	    monitor_unlock_told(monitor, &monitor->unlock_told, status, told);
	const bool wrong = monitor_wrong_secret(error);
	char text[128];

	if (wall_denied(status))
		error = SR_PERMISSION;
	monitor->unlock = 0;
	if (error == SR_OK) {
		monitor_seal_told(monitor, told);
		announce(monitor);
		return;
	}
	/* Whoever is locking has killed it. */
	if (monitor->state == MONITOR_LOCKING)
		return;
	describe_end(status, text, sizeof(text));
	if (monitor->state == MONITOR_UNLOCKING ||
	    (wrong && monitor->may_ask && !monitor->announced)) {
		tell_unlock_failed(monitor, error, text);
		monitor_unlock_failed(monitor, wrong ? error : SR_INTERNAL);
		return;
	}
	diag_error("strongroom-unlock %s: the bank stays locked", text);
	monitor_give_up(monitor,
	    error_exit(error) == error_exit(SR_IO) ? error : SR_UNLOCK);
}

static void
room_died(struct monitor *monitor, enum room_name name, int status)
{
	struct monitor_room *room = &monitor->rooms[name];
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	struct event event;
	char text[128];

	room->pid = 0;
	room->ready = false;
	room->unsettled = false;
	if (room->control >= 0)
		close(room->control);
	room->control = -1;
	monitor_control_room_gone(monitor, name);
	/* keyd ends when strongroom-unlock fails: the cause is told first. */
	if (monitor->unlock != 0 && !monitor->stopping &&
	    monitor->state != MONITOR_LOCKING) {
		int unlock_status = 0;

		if (waitpid(monitor->unlock, &unlock_status, 0) ==
		    monitor->unlock)
			unlock_ended(monitor, unlock_status);
	}
	describe_end(status, text, sizeof(text));
	if (monitor->stopping) {
		if (!good) {
			tell_end(monitor, name, status);
			monitor_give_up(monitor, SR_INTERNAL);
		} else if (name == ROOM_LEDGERD) {
			(void)monitor_send_stop(monitor, ROOM_KEYD);
		}
		return;
	}
	if (monitor->state == MONITOR_LOCKING) {
		monitor_lock_room_ended(monitor, name, good, text);
		return;
	}
	tell_end(monitor, name, status);
	if (monitor->ended)
		return;
	if (monitor->state == MONITOR_UNLOCKING) {
		event_begin(&event, EVENT_UNLOCK_FAILED);
		event_text(&event, "WHY", error_name(SR_INTERNAL));
		monitor_event_beside(monitor, &event,
		    "%s %s: the bank stays locked", monitor_room_name(name),
		    text);
		monitor_unlock_failed(monitor, SR_INTERNAL);
		return;
	}
	if (name == ROOM_NETD && monitor->announced) {
		begin_generation(monitor);
		return;
	}
	diag_error("without %s there is no bank: all rooms end",
	    monitor_room_name(name));
	monitor_give_up(monitor, !monitor->announced && wall_denied(status)
				     ? SR_PERMISSION
				     : SR_INTERNAL);
}

void
monitor_reap(struct monitor *monitor)
{
	enum { CHILDREN = MONITOR_ROOMS + 3 };
	pid_t died[CHILDREN];
	int statuses[CHILDREN];
	size_t count = 0;

	while (count < CHILDREN) {
		died[count] = waitpid(-1, &statuses[count], WNOHANG);
		if (died[count] <= 0)
			break;
		count++;
	}
	for (size_t i = 0; i < count; i++)
		if (died[i] == monitor->unlock)
			unlock_ended(monitor, statuses[i]);
	for (size_t i = 0; i < count; i++)
		if (died[i] == monitor->sealer)
			monitor_sealer_ended(monitor, statuses[i]);
	for (size_t i = 0; i < count; i++)
		if (died[i] == monitor->asker)
			monitor_ask_ended(monitor, statuses[i]);
	for (size_t i = 0; i < count; i++)
		for (int name = 0; name < MONITOR_ROOMS; name++)
			if (died[i] == monitor->rooms[name].pid)
				room_died(
				    monitor, (enum room_name)name, statuses[i]);
	if (monitor->stopping && monitor->rooms[ROOM_KEYD].pid == 0 &&
	    monitor->rooms[ROOM_NETD].pid == 0 &&
	    monitor->rooms[ROOM_LEDGERD].pid == 0)
		monitor->ended = true;
	monitor_lock_look(monitor);
}

void
monitor_end_all(struct monitor *monitor)
{
	int status;
	pid_t pid;

	for (int i = 0; i < MONITOR_ROOMS; i++)
		if (monitor->rooms[i].pid != 0)
			(void)kill(monitor->rooms[i].pid, SIGKILL);
	if (monitor->unlock != 0)
		(void)kill(monitor->unlock, SIGKILL);
	if (monitor->sealer != 0)
		(void)kill(monitor->sealer, SIGKILL);
	monitor_ask_end(monitor);
	while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR) {
		char text[128];

		/* One that had died by itself may be the true cause. */
		if (pid < 0 ||
		    (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
			continue;
		describe_end(status, text, sizeof(text));
		for (int i = 0; i < MONITOR_ROOMS; i++)
			if (pid == monitor->rooms[i].pid)
				diag_error("%s %s",
				    monitor_room_name((enum room_name)i), text);
	}
}

void
monitor_deadline(struct monitor *monitor)
{
	if (monitor->deadline_ms == 0 ||
	    monitor_now_ms() < monitor->deadline_ms)
		return;
	monitor->deadline_ms = 0;
	if (monitor->state == MONITOR_LOCKING && !monitor->stopping) {
		monitor_lock_late(monitor);
		return;
	}
	for (int i = 0; i < MONITOR_ROOMS; i++) {
		if (monitor->rooms[i].pid == 0)
			continue;
		if (monitor->stopping)
			diag_error("%s does not end",
			    monitor_room_name((enum room_name)i));
		else if (monitor->rooms[i].awaited)
			diag_error("%s does not answer",
			    monitor_room_name((enum room_name)i));
	}
	monitor_give_up(monitor, SR_INTERNAL);
}

/* What the rooms say: called by the dispatch of gen/. */

void
monitor_take_keyd_ready(struct monitor *monitor, const struct message_ready *m)
{
	room_ready(monitor, ROOM_KEYD, m->missing);
}

void
monitor_take_netd_ready(struct monitor *monitor, const struct message_ready *m)
{
	room_ready(monitor, ROOM_NETD, m->missing);
}

void
monitor_take_ledgerd_ready(
    struct monitor *monitor, const struct message_ready *m)
{
	room_ready(monitor, ROOM_LEDGERD, m->missing);
}

void
monitor_take_keyd_generation_done(
    struct monitor *monitor, const struct message_generation_done *m)
{
	generation_done(monitor, ROOM_KEYD, m->generation);
}

void
monitor_take_ledgerd_generation_done(
    struct monitor *monitor, const struct message_generation_done *m)
{
	generation_done(monitor, ROOM_LEDGERD, m->generation);
}

void
monitor_take_keyd_control_answer(
    struct monitor *monitor, const struct message_control_answer *m)
{
	monitor_control_answer(
	    monitor, ROOM_KEYD, m->request, m->packet, m->packet_len);
}

void
monitor_take_netd_control_answer(
    struct monitor *monitor, const struct message_control_answer *m)
{
	monitor_control_answer(
	    monitor, ROOM_NETD, m->request, m->packet, m->packet_len);
}

void
monitor_take_ledgerd_control_answer(
    struct monitor *monitor, const struct message_control_answer *m)
{
	monitor_control_answer(
	    monitor, ROOM_LEDGERD, m->request, m->packet, m->packet_len);
}

static void
refuse_room(enum room_name name, unsigned type, enum sr_error error)
{
	diag_limited(16 + (uint64_t)name, "%s sent a message of type %u: %s",
	    monitor_room_name(name), type, error_sentence(error));
}

void
monitor_refuse_keyd(struct monitor *monitor, unsigned type, enum sr_error error)
{
	(void)monitor;
	refuse_room(ROOM_KEYD, type, error);
}

void
monitor_refuse_netd(struct monitor *monitor, unsigned type, enum sr_error error)
{
	(void)monitor;
	refuse_room(ROOM_NETD, type, error);
}

void
monitor_refuse_ledgerd(
    struct monitor *monitor, unsigned type, enum sr_error error)
{
	(void)monitor;
	refuse_room(ROOM_LEDGERD, type, error);
}
