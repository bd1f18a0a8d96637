/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_ENV_SIM_H
#define TESTS_LIB_ENV_SIM_H
/*
 * env.h in memory: rooms, their disks, clock, randomness and links inside one
 * test process, with faults that a test asks for.
 *
 *	struct sim *sim = sim_new(seed);
 *	struct sim_room *keyd = sim_room(sim, "keyd");
 *	struct sim_room *ledgerd = sim_room(sim, "ledgerd");
 *	sim_connect(keyd, ENV_LEDGERD, ledgerd, ENV_KEYD);
 *	sim_steps(keyd, step_keyd, &the_keyd);
 *	keyd_init(&the_keyd, &keyd->env, ...);
 *
 * The disk: a read sees every write; a power cut loses what was not synced,
 * or keeps any part of it.  What a directory holds is durable after
 * env_sync_directory.  A failed sync drops the writes it should have kept and
 * still shows them to reads, as Linux does.
 *
 * A cut in the middle of something: with cut_after set, the power fails at
 * that operation; from then on every operation of every room fails with SR_IO
 * (SR_CLOSED on links) and changes nothing, until sim_restart().
 *
 * A disk that lies: a write or a read may be corrupted or go to another place
 * and say that all is well.  EINTR and short counts do not show through
 * env.h, which writes and reads all or fails; what they leave behind does: a
 * write that fails keeps its beginning.
 *
 * The same seed gives the same run.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/env.h"

enum {
	SIM_ROOMS_MAX = 8,
	SIM_LINK_PACKETS = 256, /* a link that holds so many is full */
};

enum sim_operation {
	SIM_OPEN, /* that creates */
	SIM_WRITE,
	SIM_TRUNCATE,
	SIM_SYNC,
	SIM_RENAME,
	SIM_REMOVE,
	SIM_SYNC_DIRECTORY,
	SIM_SEND,
	SIM_OPERATION_COUNT
};

/* What becomes of unsynced writes in a power cut. */
enum sim_loss {
	SIM_LOSE_ALL,
	SIM_KEEP_ALL,  /* as after kill -9, where the kernel lives on */
	SIM_LOSE_SOME, /* each write kept, lost or torn, by the seed: the disk
			  has written them in any order */
};

/* What a room's disk may do; each strikes once, at an operation of its own. */
enum sim_fault {
	SIM_FAIL_READ,  /* SR_IO */
	SIM_FAIL_WRITE, /* SR_IO; its beginning may be there */
	SIM_FULL_WRITE, /* SR_NO_SPACE; likewise */
	SIM_FAIL_SYNC,  /* SR_IO; what it should have kept is dropped */
	SIM_FAIL_ENTRY, /* SR_IO of an operation on a directory */
	/* these say that all is well */
	SIM_CORRUPT_READ,   /* a bit is wrong, this time */
	SIM_MISDIRECT_READ, /* from another place of the file */
	SIM_CORRUPT_WRITE,
	SIM_MISDIRECT_WRITE,
	SIM_FAULT_COUNT
};

struct sim;
struct sim_room;
struct sim_disk;
struct sim_queue;

/* Sees each operation before it is done; path is NULL for SIM_SEND. */
typedef void (*sim_watch)(void *context, struct sim_room *room,
    enum sim_operation operation, const char *path);

/* Sees each packet that is sent. */
typedef void (*sim_tap)(void *context, struct sim_room *room,
    enum env_link link, const void *packet, size_t len);

/* One step of a room's loop, without waiting. */
typedef void (*sim_step)(void *context);

struct sim_room {
	struct env env; /* first */
	struct sim *sim;
	const char *name;
	struct sim_disk *disk;
	struct sim_queue *in[ENV_LINK_COUNT];
	struct sim_room *peer[ENV_LINK_COUNT];
	enum env_link peer_link[ENV_LINK_COUNT];
	sim_step step;
	void *step_context;
	bool running; /* in its step just now */
	/* 0 is none; the n-th such operation from now is struck */
	uint64_t fault[SIM_FAULT_COUNT];
	/* bytes that all files of the room may have together; 0: no bound */
	uint64_t space;
	bool read_only; /* whatever writes fails with SR_READ_ONLY */
	uint64_t count[SIM_OPERATION_COUNT];
	uint64_t bytes_read;
};

struct sim {
	struct sim_room *rooms[SIM_ROOMS_MAX];
	size_t room_count;
	uint64_t now_ms;  /* the test moves it */
	uint64_t boot_ms; /* likewise; sim_advance moves both */
	uint8_t seed[32];
	uint64_t drawn;
	uint64_t operations; /* of all rooms */
	uint64_t received;   /* packets */
	uint64_t cut_after;  /* cut when operations gets there; 0: never */
	bool dark;           /* the power is off */
	sim_watch watch;
	void *watch_context;
	sim_tap tap;
	void *tap_context;
};

/* Ends the test program when there is no memory. */
struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *sim);

/* A room with an empty disk; owned by the sim. */
struct sim_room *sim_room(struct sim *sim, const char *name);

/* Makes a link between two rooms, or renews it with empty queues. */
void sim_connect(struct sim_room *a, enum env_link a_link, struct sim_room *b,
    enum env_link b_link);

/*
 * What env_receive(wait = true) and sim_run() call to let a room go on.  A
 * wait that nothing answers within 1,000 rounds ends as SR_CLOSED.
 */
void sim_steps(struct sim_room *room, sim_step step, void *context);

/*
 * Packets to the room by that link come late: not before so many rounds of
 * sim_run, of a wait or of sim_late, and in their order.
 */
void sim_delay(struct sim_room *room, enum env_link link, unsigned rounds);

/* One round passes; true if packets are still under way. */
bool sim_late(struct sim *sim);

/* Lets every room step in turn until no packet moves any more. */
void sim_run(struct sim *sim);

/* A number below the bound (at least 1) by the seed. */
uint64_t sim_number(struct sim *sim, uint64_t below);

/* Moves both clocks. */
void sim_advance(struct sim *sim, uint64_t ms);

/*
 * The room's disk after a power cut (or kill -9: SIM_KEEP_ALL): open handles
 * and queued packets of the room are gone, its links stay connected.
 */
void sim_crash(struct sim_room *room, enum sim_loss loss);

/*
 * kill -9 of the room: open handles and queued packets are gone; the kernel
 * lives on, so reads see what was written and a later cut may still lose it.
 */
void sim_kill(struct sim_room *room);

/*
 * As sim_crash, keeping of the unsynced writes, in their order, the first
 * `bytes` bytes.
 */
void sim_crash_torn(struct sim_room *room, uint64_t bytes);

/* How many bytes a cut would lose of the room's files, of all writes. */
uint64_t sim_unsynced(const struct sim_room *room);

/* After cut_after struck: crashes every room so, and the power is back. */
void sim_restart(struct sim *sim, enum sim_loss loss);

/*
 * A file as it is now: owned by the sim, valid until the next write; NULL
 * when there is none.
 */
const uint8_t *sim_file(struct sim_room *room, const char *path, size_t *len);

/*
 * True if the file would be the same after a power cut: its directory entry
 * and every byte of it.
 */
bool sim_durable(struct sim_room *room, const char *path);

/* The same of len bytes at offset only; false where the file ends before. */
bool sim_durable_part(
    struct sim_room *room, const char *path, uint64_t offset, uint64_t len);

/* Turns one bit of what is on the disk; false when the file is shorter. */
bool sim_rot(
    struct sim_room *room, const char *path, uint64_t offset, unsigned bit);

/* Puts a file there, durable, whatever was there before. */
void sim_put(
    struct sim_room *room, const char *path, const void *bytes, size_t len);

/* A copy of a whole disk, and the way back to it: a rolled-back directory. */
struct sim_disk *sim_copy(struct sim_room *room);
void sim_restore(struct sim_room *room, const struct sim_disk *copy);
void sim_copy_free(struct sim_disk *copy);

#endif
