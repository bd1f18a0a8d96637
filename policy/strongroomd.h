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
 *		strongroomd --restore and --accept-loss: its files may be a
 *		backup's
 *	netd	--generation N, --max-connections N, --max-per-address N,
 *		--handshake-timeout-ms N
 *	ledgerd	--segment-size BYTES, --reserve BYTES, --session-idle S, --session-absolute S,
 *		--session-rekey S, --max-connections N
 *	strongroom-unlock  none
 *
 * --init 1 goes to all of them with strongroomd --init, --identity 1 to keyd
 * and strongroom-unlock with --init, --certify and --accept-loss; alone it
 * means that keyd renews the certificate, with --restore a restore start
 * (keyd/restore.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/config.h"
#include "common/error.h"
#include "common/ipc.h"
#include "policy/control.h"
#include "policy/room.h"

#define MONITOR_ROOMS 3 /* ROOM_KEYD, ROOM_NETD, ROOM_LEDGERD */
#define MONITOR_CONNECTIONS_MAX 16
#define MONITOR_ADDRESSES_MAX 1024
#define MONITOR_SEALED_MAX 4096
#define MONITOR_RESTARTS_MAX 10 /* of netd, within ... */
#define MONITOR_RESTARTS_S 60

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
	bool awaited; /* generation_done is still to come */
	uint32_t missing;
	uid_t uid;
	gid_t gid;
};

/* One connection to D/run/control. */
struct monitor_connection {
	int fd;                 /* -1: free */
	uint32_t request;       /* 0: it waits for no answer */
	enum control_room room; /* that was asked */
	bool wants_open;        /* of CONTROL_MONITOR: unlock, else lock */
};

struct monitor {
	struct config config;
	bool no_listen;
	bool init;
	bool certify;
	bool restore; /* the files may be a backup's: for strongroomctl */
	bool loss;    /* --accept-loss: restore, with the identity */
	uint64_t loss_epoch; /* from that head and no other; size 0: any */
	uint64_t loss_size;
	bool prove; /* --prove: look at the walls, then end */
	char libexec[CONFIG_PATH_MAX];

	int null;
	int lock;
	struct monitor_room rooms[MONITOR_ROOMS];
	pid_t unlock;
	/* netd's ends, kept for the next netd. */
	int netd_keyd;
	int netd_ledgerd;
	int listeners[NETD_LISTENERS_MAX];
	size_t listener_count;
	char addresses[MONITOR_ADDRESSES_MAX]; /* a line each */

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

	enum monitor_state state;
	int passphrase; /* for the next strongroom-unlock; -1: the file */
	bool typed;     /* somebody gave it: a wrong one is theirs */
	bool killed;    /* MONITOR_LOCKING: by force, the ends tell nothing */
	enum sr_error unlock_error; /* why an unlock came to nothing */

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
 * monitor_open_unlock, monitor_open_keyd, monitor_open_ledgerd: the files of
 * a room into fds by the numbers of fds.h, -1 where there is none.
 * monitor_close closes fds from `first` on that are not -1.
 */
enum sr_error monitor_users(struct monitor *monitor);
enum sr_error monitor_lock(struct monitor *monitor);
enum sr_error monitor_open_unlock(struct monitor *monitor, int *fds);
enum sr_error monitor_open_keyd(struct monitor *monitor, int *fds);
enum sr_error monitor_open_ledgerd(struct monitor *monitor, int *fds);
/*
 * For a backup: keyd/identity.sealed, or keyd/root.sealed, as it is.
 * SR_NOT_FOUND without a line when the identity is kept elsewhere; SR_IO when
 * the file is empty or not shorter than MONITOR_SEALED_MAX.
 */
enum sr_error monitor_read_sealed(struct monitor *monitor, bool identity,
    uint8_t bytes[MONITOR_SEALED_MAX], size_t *len);
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
/* A listening unix socket D/name of that mode and type. */
enum sr_error monitor_listen_unix(struct monitor *monitor, const char *name,
    int type, unsigned mode, int *fd);

/* strongroomd_rooms.c: all processes, and netd again. */
enum sr_error monitor_start_rooms(struct monitor *monitor);
enum sr_error monitor_start_netd(struct monitor *monitor);

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
void monitor_control_wait(struct monitor *monitor, bool wants_open);

/* strongroomd_watch.c: deaths, generations, the end. */
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
 * monitor_turn_away: takes what waits at a listener and closes it, while no
 * netd does.
 * monitor_lock_room_ended: a room's end while they are being ended.
 * monitor_lock_late: not all have ended in time.
 * monitor_lock_look: the bank is locked once nobody is left.
 * monitor_unlocked: all rooms are ready again.
 * monitor_unlock_failed: back to a locked bank; whoever waits for an open one
 * is told why.
 */
void monitor_turn_away(struct monitor *monitor, int listener);
void monitor_lock_room_ended(
    struct monitor *monitor, enum room_name name, bool good, const char *how);
void monitor_lock_late(struct monitor *monitor);
void monitor_lock_look(struct monitor *monitor);
void monitor_unlocked(struct monitor *monitor);
void monitor_unlock_failed(struct monitor *monitor, enum sr_error why);

/* strongroomd_notify.c: sd_notify(3)'s protocol; nothing without a socket. */
void monitor_notify(const char *text);

/*
 * Sends what an encoder has written to a room.  SR_OK; SR_BUSY when the link
 * is full, SR_CLOSED when the room is gone.
 */
enum sr_error monitor_send(
    struct monitor *monitor, enum room_name name, const struct writer *w);

#endif
