/* SPDX-License-Identifier: ISC */
#ifndef POLICY_STRONGROOMD_H
#define POLICY_STRONGROOMD_H
/*
 * strongroomd, the monitor: it opens what the rooms need, starts them behind
 * their walls, and watches over them.  It parses nothing that comes from a
 * client, holds no key, and hands control requests on unread.
 *
 * Options that it gives to the rooms, besides those of room.h, all numbers:
 *
 *	keyd	--registration N (enum config_registration), --restore 1 with
 *		strongroomd --restore, --accept-loss and --rehearse: its files may be a
 *		backup's; --rotate KEY with --rotate-log-key
 *		and its like
 *	netd	--generation N, --max-connections N (for which it has memory),
 *		--admit N (of these at a time), --max-per-address N,
 *		--handshake-timeout-ms N
 *	ledgerd	--segment-size BYTES, --reserve BYTES, --session-idle S, --session-absolute S,
 *		--session-rekey S, --max-connections N
 *	strongroom-unlock  --kind N (enum sealed_kind) of what it is given; to
 *		change what opens the bank --seal, --new-kind, --quorum,
 *		--shares and --number (keyd/unlock_change.h)
 *
 * --init 1 goes to all of them with strongroomd --init, --identity 1 to keyd
 * and strongroom-unlock with --init, --certify, --rotate-log-key and
 * --accept-loss; alone it means that keyd renews the certificate, with
 * --restore a restore start (keyd/restore.h), with --rotate a rotation start
 * (keyd/rotation.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/config.h"
#include "common/config_reload.h"
#include "common/diag.h"
#include "common/error.h"
#include "common/ipc.h"
#include "common/seal_event.h"
#include "gen/events.h"
#include "policy/control.h"
#include "policy/room.h"

#define MONITOR_ROOMS 3 /* ROOM_KEYD, ROOM_NETD, ROOM_LEDGERD */
#define MONITOR_CONNECTIONS_MAX 16
#define MONITOR_ADDRESSES_MAX 1024
#define MONITOR_SEALED_MAX 4096
#define MONITOR_SEALS_MAX 16 /* what is still to be journaled of them */
#define MONITOR_ASKS_MAX 10  /* passphrases before nobody is asked any more */
#define MONITOR_RESTARTS_MAX 10 /* of netd, within ... */
#define MONITOR_RESTARTS_S 60
#define MONITOR_RELOAD_TEXT_MAX 4096 /* what a reload has done, in lines */
#define MONITOR_PULSES 4 /* in the time that systemd's watchdog gives */
/* How long it is fed while the rooms start or end; as TimeoutStartSec=. */
#define MONITOR_BETWEEN_MAX_MS 600000

/* Whether there are keys in memory: strongroomctl lock, unlock. */
enum monitor_state {
	MONITOR_OPEN = 0,      /* the rooms run, or start with strongroomd */
	MONITOR_LOCKING = 1,   /* they end */
	MONITOR_LOCKED = 2,    /* none runs */
	MONITOR_UNLOCKING = 3, /* they start again */
};

struct monitor_room {
	pid_t pid;   /* 0: does not run */
	int control; /* strongroomd's end of FD_CONTROL; -1: none */
	bool ready;
	bool awaited;   /* generation_done is still to come */
	bool unsettled; /* settings_done is */
	uint32_t missing;
	uid_t uid;
	gid_t gid;
};

/* What strongroomd itself was asked for and has not done yet. */
enum monitor_wait {
	MONITOR_WAITS_LOCK,
	MONITOR_WAITS_UNLOCK,
	MONITOR_WAITS_SEAL,
	MONITOR_WAITS_RELOAD,
};

/* One connection to D/run/control. */
struct monitor_connection {
	int fd;                  /* -1: free */
	uint32_t request;        /* 0: it waits for no answer */
	enum control_room room;  /* that was asked */
	enum monitor_wait waits; /* of CONTROL_MONITOR */
};

/*
 * The watchdog of sd_watchdog_enabled(3), fed by a pulse's return: the round of
 * the messages pulse and pulse_done through all rooms and to ledgerd's disk.
 * One is on its way at a time, and asked for again until it is back.  A number
 * is used once: an answer counts only for the one that is awaited.
 */
struct monitor_pulse {
	int64_t period_ms; /* 0: nobody watches */
	int64_t next_ms;   /* when the next one begins, or is asked again */
	int64_t begun_ms;
	int64_t between_ms; /* since when it locks or unlocks; 0: it does not */
	uint64_t number;    /* of the last one */
	uint32_t asked;     /* generation of the netd that was; 0: none */
	unsigned seen; /* the rooms that it has come to: 1 << enum room_name */
	bool awaited;
	bool told; /* that it does not come */
};

struct monitor {
	struct config config;
	const char *file; /* of the configuration, as it was named */
	bool terminal;    /* strongroomd was started at one */
	bool no_listen;
	bool init;
	bool certify;
	bool restore;    /* the files may be a backup's: for strongroomctl */
	unsigned rotate; /* enum bank_key, of --rotate-log-key and its like,
			    with the identity; 0: none */
	bool loss;       /* --accept-loss: restore, with the identity */
	uint64_t loss_epoch; /* from that head and no other; size 0: any */
	uint64_t loss_size;
	bool rehearse; /* keyd alone, whose files may be a backup's */
	bool prove;    /* --prove: look at the walls, then end */
	bool check;    /* --check: read the configuration, then end */
	char libexec[CONFIG_PATH_MAX];

	int null;
	int lock;
	struct monitor_room rooms[MONITOR_ROOMS];
	pid_t unlock;
	/* netd's ends, kept for the next netd. */
	int netd_keyd;
	int netd_ledgerd;
	int no_ledgerd; /* --rehearse: so that keyd's link does not end */
	int listeners[NETD_LISTENERS_MAX];
	size_t listener_count;
	bool passed;                           /* by systemd */
	char addresses[MONITOR_ADDRESSES_MAX]; /* a line each */

	uint32_t connections_max; /* for which the rooms were started */
	uint32_t generation;
	uint32_t restarts;
	int64_t restarted_s[MONITOR_RESTARTS_MAX]; /* a ring of times */
	int64_t deadline_ms; /* of the rooms' answer or end; 0: none */

	int signals;
	int control;
	struct monitor_connection connections[MONITOR_CONNECTIONS_MAX];
	uint32_t last_request;
	struct monitor_connection *asking; /* during a dispatch of its packet */
	int handed; /* descriptor that came with that packet; -1: none */

	uint32_t reload;    /* number of the last one that rooms were told of */
	bool reload_wanted; /* as soon as nothing else is on its way */
	bool reloading;     /* the rooms are being told */
	int64_t reload_deadline_ms;
	enum sr_error reload_error;
	char reload_text[MONITOR_RELOAD_TEXT_MAX];

	enum monitor_state state;
	int secret;    /* for the next strongroom-unlock; -1: as configured */
	unsigned kind; /* of it: enum sealed_kind */
	pid_t sealer;  /* strongroom-unlock that changes what opens the bank */
	bool typed;    /* somebody gave it: a wrong one is theirs */
	bool killed;   /* MONITOR_LOCKING: by force, the ends tell nothing */
	enum sr_error unlock_error; /* why an unlock came to nothing */

	/* [unlock] ask, where the way that is configured has not opened. */
	bool may_ask;  /* if that has not at the first start */
	bool answered; /* the secret that is tried, or was wrong, is theirs */
	unsigned asks; /* wrong ones still; 0: nobody is asked */
	pid_t asker;   /* systemd-ask-password */
	int asked;     /* its answer */

	/* What strongroom-unlock tells for the journal; -1: none runs. */
	int unlock_told;
	int sealer_told;
	struct seal_event seals[MONITOR_SEALS_MAX]; /* that ledgerd lacks */
	size_t seal_count;
	uint32_t wrong; /* secrets that opened nothing since the last of them */

	struct monitor_pulse pulse;
	bool announced;
	bool stopping;
	bool ended; /* leave the loop */
	enum sr_error result;
	bool lacks;     /* --prove: a layer is not in force */
	unsigned holes; /* --prove: attempts that were not stopped */
	struct ipc_packet packet;
};

/*
 * strongroomd_prove.c: prints what the kernel says of each room and what a
 * probe in its place could do, once all are ready; fills lacks and holes.
 */
void monitor_prove(struct monitor *monitor);

/*
 * strongroomd_rooms.c: strongroom-probe as that room is started, but with
 * files and links of no worth, to try one row of attempts.def.
 */
enum sr_error monitor_start_probe(
    struct monitor *monitor, enum room_name name, unsigned attempt, pid_t *pid);

/* "keyd" for ROOM_KEYD, and so on. */
const char *monitor_room_name(enum room_name name);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t monitor_now_ms(void);

/*
 * strongroomd_files.c: the data.  Each prints a sentence for whatever is
 * wrong.
 *
 * monitor_users: whom the rooms become (as root).  SR_CONFIG.
 * monitor_lock: D/run/lock; waits up to 2 s for the old rooms.  SR_IN_USE.
 * monitor_open_keyd, monitor_open_ledgerd: the files of
 * a room into fds by the numbers of fds.h, -1 where there is none.
 * monitor_close closes fds from `first` on that are not -1.
 */
enum sr_error monitor_users(struct monitor *monitor);
enum sr_error monitor_lock(struct monitor *monitor);
enum sr_error monitor_open_keyd(struct monitor *monitor, int *fds);
enum sr_error monitor_open_ledgerd(struct monitor *monitor, int *fds);
/* A file in keyd/ that is one, with one name; else a sentence. */
enum sr_error monitor_open_file(
    struct monitor *monitor, const char *name, int flags, int *fd);
/*
 * Nobody but its owner may open it, and that is root or keyd's user; else a
 * line names it and the mode that it should have.  SR_PERMISSION, SR_IO.
 */
enum sr_error monitor_check_owner(
    const struct monitor *monitor, const char *name, int fd, unsigned mode);
/* What errno says of a file that could not be opened. */
enum sr_error monitor_error_of_open(void);

/*
 * strongroomd_keys.c: the sealed keys, and what opens them as configured.
 *
 * monitor_configured: the configuration names what opens them, so that nobody
 * need be asked.
 * monitor_open_unlock: the files of strongroom-unlock, as monitor_open_keyd;
 * what opens them is monitor->secret, or as configured, and monitor->kind says
 * of which kind it is.
 */
bool monitor_configured(const struct monitor *monitor);
/* That, without asking anybody, and its enum sealed_kind; false: there is none. */
bool monitor_reopen_configured(
    struct monitor *monitor, unsigned *kind, int *fd);
enum sr_error monitor_open_unlock(struct monitor *monitor, int *fds);
/*
 * For a backup: keyd/identity.sealed, or keyd/root.sealed, as it is.
 * SR_NOT_FOUND without a line when the identity is kept elsewhere; SR_IO when
 * the file is empty or not shorter than MONITOR_SEALED_MAX.
 */
enum sr_error monitor_read_sealed(struct monitor *monitor, bool identity,
    uint8_t bytes[MONITOR_SEALED_MAX], size_t *len);
/*
 * For a change of what opens the bank: the present files and new, empty ones
 * beside them; *identity: identity.sealed is there and of an old version, and
 * must be changed, too.  monitor_put_sealed: the new ones, where they are not
 * empty, take the names of the present ones, and that is on disk; SR_IO when
 * they have not, SR_SEAL_UNSYNCED when root.sealed has, but it may not be on
 * disk.  monitor_drop_sealed: they go.
 */
enum sr_error monitor_open_sealer(
    struct monitor *monitor, int *fds, bool *identity);
enum sr_error monitor_put_sealed(struct monitor *monitor);
void monitor_drop_sealed(struct monitor *monitor);
/* After the first start: the names of keyd's files are on disk. */
enum sr_error monitor_sync_names(struct monitor *monitor);

/*
 * strongroomd_listen.c: sockets that clients connect to: systemd's
 * (LISTEN_FDS), else those of the configuration; with --no-listen only
 * D/run/private.  SR_ADDRESS_IN_USE, SR_CONFIG, SR_PERMISSION, SR_IO.
 */
enum sr_error monitor_listen(struct monitor *monitor);
/* Removes D/run/private, control and address; only with the lock. */
void monitor_remove_names(struct monitor *monitor);
/* D/run/address: the addresses, a line each, replaced as a whole. */
enum sr_error monitor_write_address(struct monitor *monitor);
/*
 * strongroomd_socket_unit.c: where systemd has passed the sockets.
 *
 * monitor_socket_unit_look: a warning when [netd] listen says something else.
 * monitor_socket_unit_advice: the sentence that says what then is to be
 * changed; MONITOR_SOCKET_ADVICE_MAX bytes are enough.
 */
#define MONITOR_SOCKET_ADVICE_MAX 768
void monitor_socket_unit_look(const struct monitor *monitor);
void monitor_socket_unit_advice(char *out, size_t room);
/* A listening unix socket D/name of that mode and type. */
enum sr_error monitor_listen_unix(struct monitor *monitor, const char *name,
    int type, unsigned mode, int *fd);

/* strongroomd_rooms.c: all processes, and netd again. */
enum sr_error monitor_start_rooms(struct monitor *monitor);
enum sr_error monitor_start_netd(struct monitor *monitor);
/* strongroom-unlock for a change; it gets a copy of the socket. */
struct message_seal_change;
enum sr_error monitor_start_sealer(struct monitor *monitor,
    const struct message_seal_change *change, int socket_fd);

/*
 * strongroomd_privileges.c: no_new_privs, and as root only the capabilities
 * that starting netd again and ending the rooms take.  SR_IO, told on stderr.
 */
enum sr_error monitor_drop_privileges(void);

/* strongroomd_control.c: the control socket. */
enum sr_error monitor_control_listen(struct monitor *monitor);
void monitor_control_accept(struct monitor *monitor);
void monitor_control_take(
    struct monitor *monitor, struct monitor_connection *connection);
/*
 * An answer from a room to the connection that asked it, if it is still
 * there.  The numbers of requests are no secret: a room's answer to what
 * another was asked is dropped, but for keyd's to what ledgerd was asked
 * (terminal_key).
 */
void monitor_control_answer(struct monitor *monitor, enum room_name from,
    uint32_t request, const uint8_t *packet, size_t len);
/* Those that wait for a room that has died are told so. */
void monitor_control_room_gone(struct monitor *monitor, enum room_name name);
/* One message, or a refusal, to a connection that then may ask again. */
void monitor_control_reply(
    struct monitor_connection *connection, const uint8_t *message, size_t len);
void monitor_control_refuse(
    struct monitor_connection *connection, enum sr_error why);
/* The connection that is asking gets its answer later. */
void monitor_control_wait(struct monitor *monitor, enum monitor_wait what);
/* That answer to all that wait for it: w's message, or (NULL) a refusal. */
void monitor_control_tell(struct monitor *monitor, enum monitor_wait what,
    const struct writer *w, enum sr_error error);

/*
 * strongroomd_ask.c: systemd-ask-password.
 *
 * monitor_ask: waits for its answer, the read end of a pipe, or for a signal
 * that the bank is to end.  SR_CONFIG: it is not there; SR_UNLOCK: nobody gave
 * one; SR_IO.
 * monitor_ask_begin: asks, if a locked bank is to, and it does not already;
 * monitor_ask_end: no longer, the bank is open or somebody has locked it.
 * monitor_ask_ended: unlocks with what it was given.
 */
enum sr_error monitor_ask(struct monitor *monitor, int *fd);
void monitor_ask_begin(struct monitor *monitor);
void monitor_ask_end(struct monitor *monitor);
void monitor_ask_ended(struct monitor *monitor, int status);

/* strongroomd_watch.c: deaths, generations, the end. */
/* Once, before anybody is served or turned away; false: all end. */
bool monitor_settle(struct monitor *monitor, const char *notice);
/*
 * [unlock] locked: no room is started before somebody unlocks.
 * With ask beside another way: a start as usual by this; if its secret is not
 * there or wrong, but for no other reason, the bank is locked and asks.
 */
enum sr_error monitor_begin_locked(struct monitor *monitor);
void monitor_reap(struct monitor *monitor);
void monitor_stop(struct monitor *monitor);
void monitor_give_up(struct monitor *monitor, enum sr_error why);
void monitor_deadline(struct monitor *monitor);
/* Kills what still runs and waits until nobody is left. */
void monitor_end_all(struct monitor *monitor);

/* Asks a room to end in good order; errors as monitor_send(). */
enum sr_error monitor_send_stop(struct monitor *monitor, enum room_name name);

/*
 * strongroomd_lock.c: a bank without keys in memory.
 *
 * monitor_may_change: SR_NOT_ALLOWED, SR_BUSY while it starts, ends or does the
 * work of a single command.
 * monitor_turn_away: takes what waits at a listener and closes it, while no
 * netd does.
 * monitor_lock_room_ended: a room's end while they are being ended.
 * monitor_lock_late: not all have ended in time.
 * monitor_unlock: the rooms of a locked bank start, with a secret of that kind
 * (enum sealed_kind) that this closes; -1: as configured.
 * monitor_lock_look: the bank is locked once nobody is left.
 * monitor_unlocked: all rooms are ready again.
 * monitor_wrong_secret: whether that is what such an error says: it is not
 * there, wrong, or of a kind that opens nothing.
 * monitor_unlock_failed: back to a locked bank; whoever waits for an open one
 * is told why.
 */
enum sr_error monitor_may_change(const struct monitor *monitor);
void monitor_turn_away(struct monitor *monitor, int listener);
void monitor_lock_room_ended(
    struct monitor *monitor, enum room_name name, bool good, const char *how);
void monitor_lock_late(struct monitor *monitor);
void monitor_unlock(struct monitor *monitor, int secret, unsigned kind);
void monitor_lock_look(struct monitor *monitor);
void monitor_unlocked(struct monitor *monitor);
bool monitor_wrong_secret(enum sr_error error);
void monitor_unlock_failed(struct monitor *monitor, enum sr_error why);

/*
 * strongroomd_seal.c: what opens the bank.
 *
 * monitor_sealer_ended: strongroom-unlock has changed it.
 * monitor_unlock_told: what strongroom-unlock, which has ended, has told by *fd,
 * which is closed: why it failed, or SR_OK and in told, for the journal, what it
 * has done.  A wrong secret is counted.
 * monitor_seal_told: takes that for the journal, once it is in force.
 * monitor_tell_seals: to ledgerd, as long as the bank is open.  What is not
 * told when strongroomd ends is in no entry.
 */
void monitor_sealer_ended(struct monitor *monitor, int status);
enum sr_error monitor_unlock_told(
    struct monitor *monitor, int *fd, int status, uint8_t told[SEAL_EVENT_LEN]);
void monitor_seal_told(
    struct monitor *monitor, const uint8_t told[SEAL_EVENT_LEN]);
void monitor_tell_seals(struct monitor *monitor);

/*
 * strongroomd_reload.c: the configuration, and that it is read again.
 *
 * monitor_load: reads monitor->file.  SR_OK, or SR_CONFIG or SR_IO and one
 * sentence.
 * monitor_hung_up: SIGHUP came: a reload, or the end where the terminal that
 * strongroomd was started at has gone.
 * monitor_reload_look: begins a reload that is wanted as soon as the bank is
 * open or locked and nothing else is on its way, and ends it when all rooms
 * have the new values or did not say so in time.
 */
enum sr_error monitor_load(const struct monitor *monitor, struct config *config,
    char message[CONFIG_MESSAGE_MAX]);
void monitor_hung_up(struct monitor *monitor);
void monitor_reload_look(struct monitor *monitor);

/*
 * strongroomd_events.c: events for systemd's journal (systemd.io, "Native
 * Journal Protocol"), each of a kind of policy/events.def.
 *
 * event_begin, event_text, event_number: a kind, and then fields of it, which
 * are called STRONGROOM_ and the name; one that has no room is left out.
 * event_encode: the datagram; its length, or 0 where it does not fit.
 * event_is_of: whether that is a kind, and one that only `from' tells of.
 * monitor_events_begin: once, before the first event.
 * monitor_event: to the journal where stderr is its stream; else, or if it does
 * not take it at once, as a line on stderr by the kind's priority.
 * monitor_event_beside: to the journal or nowhere, since stderr has a line of
 * its own of it.
 */
#define EVENT_FIELDS_MAX 1536
#define EVENT_DATAGRAM_MAX (EVENT_FIELDS_MAX + 2048)

struct event {
	enum event_kind kind;
	struct writer fields; /* into bytes */
	uint8_t bytes[EVENT_FIELDS_MAX];
};

void event_begin(struct event *event, enum event_kind kind);
void event_text(struct event *event, const char *name, const char *value);
void event_number(struct event *event, const char *name, uint64_t number);
size_t event_encode(const struct event *event, const char *bank,
    const char *message, uint8_t datagram[EVENT_DATAGRAM_MAX]);
bool event_is_of(unsigned kind, enum event_from from);
void monitor_events_begin(void);
void monitor_event(const struct monitor *monitor, const struct event *event,
    const char *format, ...) DIAG_PRINTF(3, 4);
void monitor_event_beside(const struct monitor *monitor,
    const struct event *event, const char *format, ...) DIAG_PRINTF(3, 4);

/*
 * strongroomd_notify.c: sd_notify(3)'s protocol; nothing without a socket.
 * monitor_notify_alive: WATCHDOG=1, and without waiting for whoever is told.
 */
void monitor_notify(const char *text);
void monitor_notify_alive(void);

/*
 * strongroomd_pulse.c: the watchdog.
 *
 * monitor_watchdog: whether somebody watches, by WATCHDOG_USEC and
 * WATCHDOG_PID.  SR_CONFIG: they say nothing that could be done; a line tells.
 * monitor_pulse: in each turn of the loop.
 * monitor_pulse_wait_ms: for how long the loop may wait; -1: for ever.
 */
enum sr_error monitor_watchdog(struct monitor *monitor);
void monitor_pulse(struct monitor *monitor);
int monitor_pulse_wait_ms(const struct monitor *monitor, int wait_ms);

/*
 * Sends what an encoder has written to a room.  SR_OK; SR_BUSY when the link
 * is full, SR_CLOSED when the room is gone.
 */
enum sr_error monitor_send(
    struct monitor *monitor, enum room_name name, const struct writer *w);

#endif
