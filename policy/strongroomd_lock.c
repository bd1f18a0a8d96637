/* SPDX-License-Identifier: ISC */
/*
 * A bank that is locked: the rooms have ended, so that there is no memory
 * with a key, a name or a balance; strongroomd goes on, keeps the lock and
 * the sockets, and turns customers away.  A typed secret goes by as a
 * descriptor: it must never be read here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/diag.h"
#include "common/sealed.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

/* strongroomctl waits longer. */
#define LOCK_WAIT_MS 5000
#define TURN_AWAY_MAX 64 /* between two looks at everything else */
#define TURN_AWAY_PAUSE_MS 50

void
monitor_turn_away(struct monitor *monitor, int listener)
{
	(void)monitor;
	for (int i = 0; i < TURN_AWAY_MAX; i++) {
		int fd =
		    accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			close(fd);
			continue;
		}
		/* Without descriptors or memory it would ask at once again. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			(void)poll(NULL, 0, TURN_AWAY_PAUSE_MS);
		return;
	}
}

static void
close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Those that wait for the other state get error. */
static void
tell(struct monitor *monitor, bool open, enum sr_error error)
{
	const struct message_locked locked = {0};
	const struct message_unlocked unlocked = {0};
	uint8_t message[16];
	struct writer w = writer_to(message, sizeof(message));
	enum sr_error encoded = open ? message_unlocked_encode(&w, &unlocked)
				     : message_locked_encode(&w, &locked);

	monitor_control_tell(monitor,
	    open ? MONITOR_WAITS_UNLOCK : MONITOR_WAITS_LOCK, &w, encoded);
	monitor_control_tell(monitor,
	    open ? MONITOR_WAITS_LOCK : MONITOR_WAITS_UNLOCK, NULL, error);
}

/* Nothing acknowledged can be lost: it is on disk before it is said. */
static void
kill_rooms(struct monitor *monitor)
{
	monitor->killed = true;
	monitor->deadline_ms = 0;
	for (int i = 0; i < MONITOR_ROOMS; i++)
		if (monitor->rooms[i].pid != 0)
			(void)kill(monitor->rooms[i].pid, SIGKILL);
	if (monitor->unlock != 0)
		(void)kill(monitor->unlock, SIGKILL);
}

/* As at the end of the bank, in the same order. */
static void
begin_lock(struct monitor *monitor)
{
	diag_info("locking: the rooms end");
	monitor->state = MONITOR_LOCKING;
	monitor->unlock_error = SR_LOCKED;
	monitor->deadline_ms = monitor_now_ms() + LOCK_WAIT_MS;
	/* There may be no netd, between two generations. */
	(void)monitor_send_stop(monitor, ROOM_NETD);
	if (monitor_send_stop(monitor, ROOM_LEDGERD) != SR_OK)
		kill_rooms(monitor);
}

void
monitor_lock_room_ended(
    struct monitor *monitor, enum room_name name, bool good, const char *how)
{
	if (monitor->killed)
		return;
	/* It may have ended by itself when ledgerd's link did. */
	if (good && name == ROOM_LEDGERD)
		(void)monitor_send_stop(monitor, ROOM_KEYD);
	if (good)
		return;
	diag_error(
	    "%s %s: the others are killed", monitor_room_name(name), how);
	kill_rooms(monitor);
}

void
monitor_lock_late(struct monitor *monitor)
{
	for (int i = 0; i < MONITOR_ROOMS; i++)
		if (monitor->rooms[i].pid != 0)
			diag_error("%s does not end: it is killed",
			    monitor_room_name((enum room_name)i));
	kill_rooms(monitor);
}

void
monitor_lock_look(struct monitor *monitor)
{
	struct event event;

	if (monitor->state != MONITOR_LOCKING || monitor->stopping ||
	    monitor->unlock != 0)
		return;
	for (int i = 0; i < MONITOR_ROOMS; i++)
		if (monitor->rooms[i].pid != 0)
			return;
	close_end(&monitor->netd_keyd);
	close_end(&monitor->netd_ledgerd);
	monitor->state = MONITOR_LOCKED;
	monitor->killed = false;
	monitor->deadline_ms = 0;
	event_begin(&event, EVENT_LOCKED);
	monitor_event(monitor, &event,
	    "locked: no key is in memory, customers are turned away");
	if (monitor->announced) {
		monitor_notify("READY=1\nSTATUS=locked");
	} else if (monitor_settle(monitor, "READY=1\nSTATUS=locked")) {
		/* What should have opened it at its first start has not. */
		monitor->asks = MONITOR_ASKS_MAX;
	}
	tell(monitor, false, monitor->unlock_error);
	monitor_ask_begin(monitor);
}

void
monitor_unlock(struct monitor *monitor, int secret, unsigned kind)
{
	enum sr_error error;

	diag_info("unlocking: the rooms start");
	monitor_notify("STATUS=unlocking");
	monitor->state = MONITOR_UNLOCKING;
	monitor->secret = secret;
	monitor->kind = kind;
	monitor->typed = secret >= 0;
	/* keyd and ledgerd begin with the first again, too. */
	monitor->generation = 1;
	error = monitor_start_rooms(monitor);
	if (error != SR_OK)
		monitor_unlock_failed(monitor, error);
}

void
monitor_unlocked(struct monitor *monitor)
{
	struct event event;

	monitor->state = MONITOR_OPEN;
	monitor->answered = false;
	monitor->deadline_ms = 0;
	event_begin(&event, EVENT_UNLOCKED);
	monitor_event(monitor, &event, "unlocked: customers are served");
	monitor_notify("READY=1\nSTATUS=open");
	monitor_ask_end(monitor);
	tell(monitor, true, SR_INTERNAL);
}

bool
monitor_wrong_secret(enum sr_error error)
{
	return error == SR_UNLOCK || error == SR_UNLOCK_KIND;
}

void
monitor_unlock_failed(struct monitor *monitor, enum sr_error why)
{
	static const enum sr_error typed[] = {
	    [SEALED_PASSPHRASE] = SR_PASSPHRASE,
	    [SEALED_CREDENTIAL] = SR_CREDENTIAL,
	    [SEALED_SHARES] = SR_SHARES,
	};

	close_end(&monitor->secret);
	monitor->state = MONITOR_LOCKING;
	monitor->unlock_error =
	    why == SR_UNLOCK && monitor->typed ? typed[monitor->kind] : why;
	/* Whoever was asked has no part in any other failure. */
	if (!monitor_wrong_secret(why))
		monitor->answered = false;
	kill_rooms(monitor);
	monitor_lock_look(monitor);
}

static void
answer(struct monitor *monitor, const struct writer *w, enum sr_error error)
{
	if (error == SR_OK)
		monitor_control_reply(monitor->asking, w->start, writer_len(w));
	else
		monitor_control_refuse(monitor->asking, error);
	monitor->asking = NULL;
}

/* While it starts, ends or does the work of a single command. */
enum sr_error
monitor_may_change(const struct monitor *monitor)
{
	if (monitor->init || monitor->certify || monitor->rotate ||
	    monitor->prove || monitor->restore || monitor->loss ||
	    monitor->rehearse)
		return SR_NOT_ALLOWED;
	return monitor->announced && !monitor->stopping ? SR_OK : SR_BUSY;
}

void
monitor_take_control_lock(struct monitor *monitor, const struct message_lock *m)
{
	const struct message_locked locked = {.already = 1};
	enum sr_error error = monitor_may_change(monitor);
	enum monitor_state state = monitor->state;
	uint8_t message[16];
	struct writer w = writer_to(message, sizeof(message));

	(void)m;
	/* A packet with two requests gets one answer. */
	if (monitor->asking == NULL)
		return;
	if (error == SR_OK && state == MONITOR_LOCKED)
		error = message_locked_encode(&w, &locked);
	if (error != SR_OK || state == MONITOR_LOCKED) {
		answer(monitor, &w, error);
		return;
	}
	monitor_control_wait(monitor, MONITOR_WAITS_LOCK);
	monitor_ask_end(monitor);
	if (state == MONITOR_OPEN)
		begin_lock(monitor);
	else if (state == MONITOR_UNLOCKING)
		monitor_unlock_failed(monitor, SR_LOCKED);
}

/*
 * The secret that came along, -1 without one.  Only a pipe, of which
 * reading ends at once, so that strongroom-unlock cannot be made to wait.
 */
static enum sr_error
take_secret(struct monitor *monitor, unsigned kind, int *secret)
{
	struct stat status;
	int flags;

	*secret = -1;
	if ((kind != 0) != (monitor->handed >= 0) || kind > SEALED_SHARES)
		return SR_MALFORMED;
	if (kind == 0)
		return monitor_configured(monitor) ? SR_OK : SR_PARAMETERS;
	flags = fcntl(monitor->handed, F_GETFL);
	if (fstat(monitor->handed, &status) != 0 || flags < 0 ||
	    !S_ISFIFO(status.st_mode) ||
	    fcntl(monitor->handed, F_SETFL, flags | O_NONBLOCK) != 0)
		return SR_PARAMETERS;
	*secret = monitor->handed;
	monitor->handed = -1;
	return SR_OK;
}

void
monitor_take_control_unlock(
    struct monitor *monitor, const struct message_unlock *m)
{
	const struct message_unlocked unlocked = {.already = 1};
	enum sr_error error = monitor_may_change(monitor);
	enum monitor_state state = monitor->state;
	uint8_t message[16];
	struct writer w = writer_to(message, sizeof(message));
	int secret = -1;

	if (monitor->asking == NULL)
		return;
	if (error == SR_OK && state == MONITOR_LOCKING)
		error = SR_BUSY;
	if (error == SR_OK && state == MONITOR_OPEN)
		error = message_unlocked_encode(&w, &unlocked);
	if (error == SR_OK && state == MONITOR_LOCKED)
		error = take_secret(monitor, m->kind, &secret);
	if (error != SR_OK || state == MONITOR_OPEN) {
		answer(monitor, &w, error);
		return;
	}
	monitor_control_wait(monitor, MONITOR_WAITS_UNLOCK);
	if (state == MONITOR_LOCKED)
		monitor_unlock(monitor, secret, m->kind);
}
