/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_MODEL_RULES_H
#define TESTS_SIM_MODEL_RULES_H
/*
 * Inside the model: one function a kind of order.  Each returns the set of
 * reasons against it, and has changed nothing unless that is empty.  Requests
 * have two: what speaks against it now, and what it does.
 */
#include "common/authority.h"
#include "common/ids.h"
#include "tests/sim/model.h"

#define WHY MODEL_WHY

struct turn {
	struct model *model;
	struct model_person *signer;
	const struct order *o;
	const uint8_t *hash;
	const uint8_t *attachment;
	size_t len;
	uint64_t leaf, now;
};

/* ---- Rows; NULL when there is none ---------------------------------------- */

struct model_account *find_account(struct model *model, uint64_t id);
struct model_person *find_person(struct model *model, uint64_t customer);
struct model_hold *find_hold(struct model *model, uint64_t leaf);
void drop_hold(struct model *model, struct model_hold *hold);
struct model_account *add_account(
    struct model *model, uint64_t id, enum model_type type);

/* ---- What kinds have in common --------------------------------------------- */

/* Parties, amount and what it refers to, where there may be none. */
uint64_t is_bare(const struct order *o);

/* Out of an account, that may be frozen or not. */
uint64_t gives(
    const struct model_account *account, int64_t amount, bool though_frozen);

/* Into an account, whose ceiling counts or does not. */
uint64_t takes(
    const struct model_account *account, int64_t amount, bool ceiling);

void move(struct model_account *from, struct model_account *to, int64_t amount);

/* Any hold that is not settled, of a customer's account or at a till. */
bool any_hold(const struct model *model, uint64_t account);

/* Why that till is not the signer's to work with. */
uint64_t works_at(const struct turn *turn, uint64_t till);

/* Open or frozen accounts of a customer; `main_too` counts the main one. */
unsigned count_open(
    const struct model *model, uint64_t customer, bool main_too);

void remember(struct model *model, const struct model_posting *posting);

/* ---- Money (model_money.c) --------------------------------------------------- */

uint64_t do_transfer(struct turn *turn);
uint64_t do_deposit(struct turn *turn);
uint64_t do_undo(struct turn *turn);
uint64_t why_not_reverse(struct model *model, const struct model_request *r);
void do_reverse(struct model *model, const struct model_request *r);
uint64_t why_not_post_by_operators(
    struct model *model, const struct model_request *r);
void do_post_by_operators(struct model *model, const struct model_request *r,
    uint64_t leaf, uint64_t now);

/* ---- Withdrawals and the limit of a day (model_holds.c) ------------------------ */

uint64_t do_hold(struct turn *turn);
uint64_t do_settle(struct turn *turn);
uint64_t why_not_release(
    struct model *model, const struct model_request *r, uint64_t now);
void do_release(struct model *model, const struct model_request *r);
uint64_t leaves(const struct turn *turn, const struct model_account *account);
void flow_add(struct turn *turn, uint64_t account, int64_t amount);
void flow_take_back(struct model *model, uint64_t leaf, int64_t amount);

/* ---- Tills (model_tills.c) ------------------------------------------------------- */

uint64_t do_count(struct turn *turn);
uint64_t why_not_cash_out(struct model *model, const struct model_request *r);
void do_cash_out(struct model *model, const struct model_request *r);

/* ---- Accounts and limits (model_accounts.c) ---------------------------------------- */

uint64_t do_account_open(struct turn *turn);
uint64_t do_close(struct turn *turn);
uint64_t do_erase(struct turn *turn);
uint64_t do_freeze(struct turn *turn);
uint64_t why_not_unfreeze(struct model *model, const struct model_request *r);
uint64_t why_not_reset(
    struct model *model, const struct model_request *r, uint64_t now);
void do_unfreeze(struct model *model, const struct model_request *r);
uint64_t do_lower(struct turn *turn);
uint64_t why_not_raise(struct model *model, const struct model_request *r);
void do_raise(struct model *model, const struct model_request *r);
uint64_t why_not_policy(const struct model_request *r);
void do_policy(
    struct model *model, const struct model_request *r, uint64_t now);

/* ---- Roles (model_roles.c) ----------------------------------------------------------- */

bool role_may(unsigned kind, unsigned role);
uint64_t why_not_enrol(struct model *model, const struct model_request *r);
void do_enrol(struct model *model, const struct model_request *r);
uint64_t why_not_auditor(struct model *model, const struct model_request *r);
void do_auditor(struct model *model, const struct model_request *r);
uint64_t why_not_role(struct model *model, const struct model_request *r);
void do_role(struct model *model, const struct model_request *r);
uint64_t do_revoke(struct turn *turn);
uint64_t do_role_revoke(struct turn *turn);

/* ---- Four eyes (model_requests.c) ------------------------------------------------------ */

/* Those that have expired stay so, whatever their life is later on. */
void forget_expired(struct model *model, uint64_t now);
uint64_t do_request(struct turn *turn);
uint64_t do_approve(struct turn *turn);

#endif
