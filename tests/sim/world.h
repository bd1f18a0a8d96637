/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H
/*
 * A bank under simulation, the people who use it, what it has told them, and
 * the oracles that compare.  One world in a process: a run is a child of a
 * process that has furnished the bank once.
 *
 * What goes wrong ends the child by world_fail(); what may go wrong is said
 * in the result.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sodium.h>

#include "tests/lib/sim_credentials.h"
#include "tests/sim/model.h"
#include "tests/sim/plan.h"

enum {
	ACTORS_MAX = 16,
	ACTOR_PENDING = 8,
	ACKS_MAX = 1024,
	ENTRIES_MAX_COUNT = 4096,
	REFUSED_MAX = 512,
	SIM_EXPORT_SEGMENTS = 256,
	GHOSTS_MAX = 64,
	RETIRED_MAX = 48, /* segments */
	REGISTRATIONS_AN_HOUR = 16,
};

/* The first actors, by place. */
enum {
	ACTOR_OPERATOR_1,
	ACTOR_OPERATOR_2,
	ACTOR_LOBBY, /* terminals */
	ACTOR_KIOSK,
	ACTOR_ADA, /* customers */
	ACTOR_BOB,
	ACTOR_CARL,
	ACTOR_DORA,
	ACTOR_SPARE, /* a principal that is to become a terminal */
	ACTORS_FURNISHED,
};

/* How a run ended. */
enum verdict {
	RUN_WENT_ON, /* to the end of the plan */
	RUN_REFUSED, /* a start, because of files that were spoilt */
	RUN_FORGOT,  /* all files of both rooms were put back: only an outsider
			can see it, and did */
	RUN_FAILED,
	VERDICT_COUNT
};

struct counts {
	uint64_t seeds, steps, starts, crashes, orders, acknowledged;
	uint64_t verdict[VERDICT_COUNT];
	uint64_t fault[FAULT_KIND_COUNT]; /* that struck */
};

/* Shared with the process that waits for the run. */
struct result {
	uint8_t digest[32];
	enum verdict verdict;
	struct counts counts;
	char why[400];
};

/* An order that was sent and not yet answered. */
struct doubt {
	struct sim_order order;
	uint32_t request;
	bool sent; /* in the session that lives */
};

struct actor {
	struct sim_person person;
	char name[16];
	char secret[2][24]; /* the second one: perhaps, since a change */
	bool registered;
	bool perhaps; /* registered, that is */
	bool in;
	bool is_terminal;
	bool unsure; /* about secrets */
	bool left;   /* was told to be erased */
	unsigned keys;
	bool keys_doubt; /* the next ones may be in force */
	unsigned changes;
	unsigned place; /* actor whose terminal it stands at; 0: an open one */
	struct doubt pending[ACTOR_PENDING];
	unsigned pending_count;
	struct sim_order last; /* that was acknowledged ... */
	size_t last_ack;       /* ... by this, plus one; 0: none */
};

/* Who was erased, and what is known of them no more. */
struct ghost {
	uint64_t customer;
	char name[16];
	char secret[24];
};

struct ack {
	uint8_t hash[32];
	uint64_t leaf, time_ms;
	uint16_t outcome;
	uint8_t salt[32];
	uint64_t account;
	int64_t balance;
	uint64_t size; /* of the receipt's checkpoint */
	uint8_t root[32];
};

/* One leaf, as the journal on the disk has it. */
struct leaf {
	bool order;
	uint8_t order_hash[32];
	uint64_t time_ms;
	uint16_t outcome;
	uint8_t salt[32];
	uint64_t account; /* that the signer's balance is of */
	int64_t balance;
	bool moved;                          /* that one */
	uint8_t bytes[1 + JOURNAL_LEAF_LEN]; /* what is hashed */
	uint8_t hash[32];
};

struct head {
	bool known;
	uint8_t root[32];
};

/* The journal, read from the disk and recomputed. */
struct audit {
	uint32_t segment;
	uint64_t at;
	uint64_t count;
	uint64_t last_time_ms;
	uint64_t disclosed;   /* keys, as logged */
	uint64_t turned_away; /* registrations, likewise */
	struct model model;
	struct leaf leaf[ENTRIES_MAX_COUNT];
	uint8_t root[ENTRIES_MAX_COUNT + 1][32]; /* of the first n leaves */
	uint8_t level[64][32]; /* of complete subtrees, as in binary n */
};

struct world {
	struct sim_bank *bank;
	struct plan plan;
	struct result *result;
	bool tells;
	const char *export_to; /* a directory; NULL: none */
	bool blind;            /* does not look at what is durable */
	unsigned step;         /* at work */
	bool up;
	bool quiet;          /* nothing was under way when the bank ended */
	bool spoilt;         /* files were altered: a start may be refused */
	bool lied;           /* in this step */
	bool stale;          /* passwords may be older than people think */
	bool disturbed;      /* a fault was set for this step */
	bool refused_writes; /* a disk, since the last start */
	uint8_t rotates;     /* the key that the next start is to rotate */
	uint32_t epoch;      /* of the newest head that keyd has signed */
	uint8_t digest[32];  /* of the books, when all was quiet */

	struct actor actor[ACTORS_MAX];
	unsigned actors;
	struct ghost ghost[GHOSTS_MAX];
	unsigned ghosts;
	struct ack ack[ACKS_MAX];
	size_t acks;
	uint64_t pulses;      /* the number of the last one */
	uint32_t reloads;     /* likewise */
	uint64_t disclosed;   /* keys that left keyd */
	uint64_t turned_away; /* registrations, told or perhaps */
	/* before it nobody registers, as keyd has told; 0: not known */
	uint64_t closed_until_ms;
	uint64_t state_counter; /* of keyd's state at its last packet */
	uint8_t refused[REFUSED_MAX][32];
	size_t refused_count;
	struct head head[ENTRIES_MAX_COUNT + 1]; /* that keyd has signed */
	struct audit audit;

	/* what the bank said to a question, until the audit has read on */
	struct {
		bool any;
		uint64_t account;
		int64_t posted, held;
	} told;

	/* STEP_COPY */
	struct sim_disk *copy_keyd, *copy_ledgerd;
	size_t copied_acks;
	uint64_t copied_size, copied_disclosed;
	bool start_fault_used[PLAN_FAULTS_MAX];
	bool armed[PLAN_FAULTS_MAX];

	/* what went, as it was when it was retired */
	uint8_t retired[RETIRED_MAX][SIM_BANK_SEGMENT_LEN];

	crypto_generichash_state hash; /* of all that happened */
};

/*
 * The bytes of a segment: from the disk, or, of one whose leaves have stayed
 * and whose keys keyd gives no more, as it was before; else NULL.
 */
const uint8_t *world_segment(struct world *world, uint32_t number, size_t *len);

/* world.c */
struct world *world_new(void); /* furnished; its rooms have ended */
void world_run(struct world *world, const struct plan *plan,
    struct result *result, bool tells);
_Noreturn void world_fail(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_tell(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Lets the rooms work; false when one of them has ended. */
bool world_go(struct world *world);
/* The run is over, without a loss. */
_Noreturn void world_end(struct world *world, enum verdict verdict);
void world_note(struct world *world, const void *bytes, size_t len);

/* recover.c: faults in steps, crashes and starts */
void recover_arm(struct world *world);
/* True if one of them struck. */
bool recover_disarm(struct world *world);
/* Whether a disk takes no writes; and it does again. */
bool recover_disks_refuse(const struct world *world);
void recover_disks(struct world *world);
void recover_if_needed(struct world *world);
/* Ends the rooms so (STEP_STOP, STEP_KILL, STEP_CUT) and starts them. */
void recover_end(struct world *world, enum step_kind how, uint64_t draw);
void recover_copy(struct world *world);
void recover_put_back(struct world *world, uint64_t draw);
void recover_start(struct world *world);

/* people.c: log-ins, orders on their way, answers */
bool people_enter(struct world *world, struct actor *actor);
bool people_sign(struct world *world, struct actor *actor, struct order *order,
    const void *attachment, size_t len);
struct order people_order(
    struct world *world, struct actor *actor, enum order_kind kind);
void people_send(struct world *world, struct actor *actor);
void people_collect(struct world *world);
void people_resend(struct world *world, struct actor *actor);
void people_forget_sessions(struct world *world);

/* acts.c: what the steps do */
void acts_do(struct world *world, const struct step *step);
/* Who is erased by the log is somebody else from then on. */
void acts_look_for_erased(struct world *world);
/* An answer to what acts asked. */
void acts_answer(struct world *world, struct actor *actor, unsigned type,
    const struct reader *body);

/* audit.c: the oracles that look at the disk */
void audit_begin(struct world *world);
bool audit_read(struct world *world); /* false: damaged, which is spoilt */
void audit_check(struct world *world);
/* public_tree.c: the tree that is published against the journal's leaves */
void public_tree_check(struct world *world);

/* export.c: the ledger's files, for other programs */
void export_ledger(struct world *world, const char *base);

/* slots.c: the oracle that looks at keyd's customers */
enum slot_rest { REST_WHOLE, REST_HALF, REST_NOTHING };
/* What keyd's file has of that customer, who bore that name. */
enum slot_rest slots_rest(
    struct world *world, uint64_t customer, const char *name);
void slots_check(struct world *world);

/* watch.c: the oracles that look at what leaves a room */
/* False where a disk lies: then it says nothing about the bank. */
bool watch_looks(const struct world *world);
/* True since a disk has lied. */
bool watch_lied(const struct world *world);
void watch_begin(struct world *world);

#endif
