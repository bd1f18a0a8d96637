/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_WALLS_H
#define TESTS_LIB_WALLS_H
/*
 * A room for trying the walls: the test's own program, started once more by
 * sandbox_spawn() with the fds and options of a real room.  All functions but
 * walls_room() and walls_answers() fail the running cmocka test on surprise.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "policy/room.h"

#define WALLS_UID 64999 /* whom the room becomes when root runs the test */
#define WALLS_FDS_MAX 16

struct walls_room_process {
	pid_t pid;
	int control;
	char directory[256]; /* of its own, with its files */
	bool shut_in;
};

/* The program to start: the test's own, an absolute path. */
extern const char *walls_program;

/*
 * main() of the room: argv[1] is the number of enum room_name, options
 * follow.  Says '+' when it is shut in, then for each order (a name of the
 * table in walls_room.c) '1' if it could be done and '0' if not.
 */
int walls_room(int argc, char *argv[]);

/* A temporary directory for the room. */
void walls_place(struct walls_room_process *room);

/* The fds of a room as fds.h has them, for sandbox_spawn(); their number. */
size_t walls_fds(enum room_name name, struct walls_room_process *room,
    int control, int *fds);

/* Starts a room, with one fd too many unless extra_fd is -1. */
void walls_start(struct walls_room_process *room, enum room_name name,
    bool namespaces, int extra_fd);

/* A room that is shut in, or the test fails. */
void walls_start_room(
    struct walls_room_process *room, enum room_name name, bool namespaces);

/* True if the next answer is that byte; false when the room has ended. */
bool walls_answers(int control, char expected);

/* Gives an order; true if its answer is that byte. */
bool walls_order(
    struct walls_room_process *room, const char *what, char expected);

/* Lets the room end, removes its directory; the status of waitpid. */
int walls_end(struct walls_room_process *room);

/* The rest of the line that begins with name in /proc/PID/status. */
const char *walls_status(pid_t pid, const char *name);

/* True if both limits of that name in /proc/PID/limits are 0. */
bool walls_limit_is_zero(pid_t pid, const char *name);

/* Lines or, if not lines, bytes of a file of /proc/PID. */
size_t walls_count(pid_t pid, const char *name, bool lines);

/* Whether namespaces can be had here; found out once. */
bool walls_namespaces(void);

/* As root: the whole program once more as an ordinary user; 0 if it passed
 * or cannot be reached by one, which is said. */
int walls_run_as_ordinary_user(void);

#endif
