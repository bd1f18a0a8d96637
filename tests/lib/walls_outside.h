/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_WALLS_OUTSIDE_H
#define TESTS_LIB_WALLS_OUTSIDE_H
/*
 * What the outside offers to a process without walls: a file, a listening
 * port, an abstract socket, shared memory, a process to signal; and a look at
 * all that from behind the namespaces, with no other wall.
 */
#include <stdbool.h>
#include <stddef.h>

/* Each does a thing: 0 if it could be done, else errno. */
int outside_open(void);
int outside_bind(void);
int outside_connect(void);
int outside_connect_abstract(void);
int outside_shared_memory(void);
int outside_signal(void);

#define OUTSIDE_ACTS 5

extern const struct outside_act {
	const char *name;
	int (*act)(void);
	int expected; /* behind the namespaces */
} outside_acts[OUTSIDE_ACTS];

struct outside_seen {
	int before[OUTSIDE_ACTS], after[OUTSIDE_ACTS];
	int write_root;    /* errno of a new name in the root */
	bool entered;      /* the step succeeded */
	bool host_is_ours; /* renaming the machine inside changed nothing */
};

/* Offers it, for children that are forked; fails the running cmocka test. */
void outside_begin(void);
void outside_end(void);

/*
 * Starts this program as a room is started and lets it try, with namespaces
 * before and after sandbox_isolate(), without them before only.
 */
void outside_look(struct outside_seen *seen, bool namespaces);

/* main() of that program: argv[1] is "outside". */
int outside_room(int argc, char *argv[]);

#endif
