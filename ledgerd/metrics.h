/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_METRICS_H
#define LEDGERD_METRICS_H
/*
 * What ledgerd counts for the operator, from its start on: what became of
 * orders, how long commits take, how much waits.  Numbers only: nothing that
 * names a customer, an account or an amount.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

struct book;
struct ledgerd;
struct message_ledgerd_status;
struct message_order_answer;

enum {
	METRICS_TIMES = 14,     /* bounds of the commits' times */
	METRICS_OUTCOMES = 160, /* errors have lower numbers */
	METRICS_ROLES = 6,
};

struct metrics {
	uint64_t commits;
	uint64_t commit_us; /* sum */
	uint64_t entries;
	/* commits of at most metrics_bound_us(i), and longer than the one
	 * before */
	uint64_t time[METRICS_TIMES];
	uint64_t outcome[METRICS_OUTCOMES];
	uint64_t repeated;
	uint32_t orders_most;
	uint32_t log_ins_most;
};

/* The i-th bound, ascending, in microseconds. */
uint64_t metrics_bound_us(size_t i);

/* A commit of so many entries took so long. */
void metrics_commit(struct metrics *metrics, size_t entries, uint64_t took_us);

/* So many messages and log-ins wait as a commit begins. */
void metrics_waiting(struct metrics *metrics, size_t orders, size_t log_ins);

/*
 * An order has its answer; repeated: it had been applied before, and counts
 * as nothing else.
 */
void metrics_order(struct metrics *metrics,
    const struct message_order_answer *answer, bool repeated);

/*
 * Fills in who is who, as the books have it now: a walk over all principals,
 * for a question that a person or a scraper asks.
 */
void metrics_people(
    const struct book *book, struct message_ledgerd_status *status);

/* The message ledgerd_metrics; SR_TOO_LARGE. */
enum sr_error metrics_encode(struct ledgerd *ledgerd, struct writer *w);

#endif
