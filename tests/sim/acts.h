/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_ACTS_H
#define TESTS_SIM_ACTS_H
/* What acts.c and acts_people.c have of each other.  draw: of the step. */
#include "tests/sim/world.h"

/* In a step: the model as the journal is now; false when it cannot be read. */
bool acts_look(struct world *world);

/* A customer who is known, or one of those who came to be; an operator. */
struct actor *acts_customer(struct world *world, uint64_t draw);
struct actor *acts_operator(struct world *world, uint64_t draw);

/* One of those who registered after the beginning, or who does so now; NULL. */
struct actor *acts_newcomer(struct world *world, uint64_t draw);

/* Gives away what is in the person's accounts; false when that cannot be
 * gone on with.  The model is as the journal then. */
bool acts_empty(struct world *world, struct actor *who);

/* A request by one operator and, once it is there, the approval. */
void acts_four_eyes(struct world *world, enum order_kind kind,
    uint64_t refers_to, const void *parameters, size_t len, uint64_t draw);

/* The approval of the request that got the answer of that number, if any. */
void acts_approve(struct world *world, size_t request, uint64_t draw);

void acts_order(struct world *world, const uint64_t *draw);
void acts_wrong_password(struct world *world, const uint64_t *draw);
void acts_leave(struct world *world, const uint64_t *draw);
void acts_register_somebody(struct world *world);
void acts_change_password(struct world *world, const uint64_t *draw);
void acts_new_keys(struct world *world, const uint64_t *draw);
void acts_rekey(struct world *world, const uint64_t *draw);
void acts_enrol(struct world *world, const uint64_t *draw);
void acts_revoke(struct world *world, const uint64_t *draw);
void acts_erase(struct world *world, const uint64_t *draw);
void acts_retire(struct world *world, const uint64_t *draw);
void acts_role(struct world *world, const uint64_t *draw);
void acts_policy(struct world *world, const uint64_t *draw);
void acts_disclose(struct world *world, const uint64_t *draw);
void acts_pass_time(struct world *world, const uint64_t *draw);
void acts_set_clock(struct world *world, const uint64_t *draw);

#endif
