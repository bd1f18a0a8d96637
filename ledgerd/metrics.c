/* SPDX-License-Identifier: ISC */
/*
 * Counters for the operator.  Must never hold anything of which a customer is
 * the subject.
 */
#include "ledgerd/metrics.h"

#include <assert.h>

#include "ledgerd/intake.h"
#include "ledgerd/ledgerd.h"

uint64_t
metrics_bound_us(size_t i)
{
	static const uint64_t bounds[METRICS_TIMES] = {250, 500, 1000, 2500,
	    5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
	    10000000};

	assert(i < METRICS_TIMES);
	return bounds[i];
}

void
metrics_commit(struct metrics *metrics, size_t entries, uint64_t took_us)
{
	metrics->commits++;
	metrics->commit_us += took_us;
	metrics->entries += entries;
	for (size_t i = 0; i < METRICS_TIMES; i++) {
		if (took_us > metrics_bound_us(i))
			continue;
		metrics->time[i]++;
		return;
	}
}

void
metrics_waiting(struct metrics *metrics, size_t orders, size_t log_ins)
{
	if (orders > metrics->orders_most)
		metrics->orders_most = (uint32_t)orders;
	if (log_ins > metrics->log_ins_most)
		metrics->log_ins_most = (uint32_t)log_ins;
}

void
metrics_order(struct metrics *metrics,
    const struct message_order_answer *answer, bool repeated)
{
	unsigned what =
	    answer->error != SR_OK ? answer->error : answer->outcome;

	if (repeated)
		metrics->repeated++;
	else if (what < METRICS_OUTCOMES)
		metrics->outcome[what]++;
}

void
metrics_people(const struct book *book, struct message_ledgerd_status *status)
{
	uint64_t count[METRICS_ROLES] = {0};

	for (uint64_t i = 0; i < book_principal_count(book); i++) {
		const struct book_principal *principal =
		    book_principal_at(book, i);

		if (!principal->revoked && !principal->erased &&
		    principal->role < METRICS_ROLES)
			count[principal->role]++;
	}
	status->customers = count[ROLE_CUSTOMER];
	status->tellers = count[ROLE_TELLER];
	status->operators = count[ROLE_OPERATOR];
	status->auditors = count[ROLE_AUDITOR];
	status->terminals = 0;
	status->revoked = 0;
	for (uint64_t i = 0; i < book_terminal_count(book); i++) {
		const struct book_terminal *terminal =
		    book_terminal_at(book, i);

		/* a teller's till is kept there, too */
		status->terminals += terminal->id != 0;
		status->revoked += terminal->id != 0 && terminal->revoked;
	}
}

enum sr_error
metrics_encode(struct ledgerd *ledgerd, struct writer *w)
{
	const struct metrics *metrics = &ledgerd->metrics;
	uint8_t times[METRICS_TIMES * 16], outcomes[METRICS_OUTCOMES * 10];
	struct writer t = writer_to(times, sizeof(times));
	struct writer o = writer_to(outcomes, sizeof(outcomes));
	struct message_ledgerd_metrics message = {.commits = metrics->commits,
	    .commit_us = metrics->commit_us,
	    .entries = metrics->entries,
	    .repeated = metrics->repeated,
	    .orders_waiting = (uint32_t)ledgerd->item_count,
	    .orders_most = metrics->orders_most,
	    .log_ins_waiting = (uint32_t)ledgerd->opening_count,
	    .log_ins_most = metrics->log_ins_most,
	    .operations_waiting = (uint32_t)ledgerd->operation_count,
	    .netd_bytes = outbox_empty(&ledgerd->netd_out)
			      ? 0
			      : (uint32_t)(NETD_OUTBOX_LEN -
					   outbox_free(&ledgerd->netd_out)),
	    .commit_times = times,
	    .outcomes = outcomes};
	uint64_t sum = 0;

	for (size_t i = 0; i < METRICS_TIMES; i++) {
		sum += metrics->time[i];
		writer_u64(&t, metrics_bound_us(i));
		writer_u64(&t, sum);
	}
	for (size_t i = 0; i < METRICS_OUTCOMES; i++) {
		if (metrics->outcome[i] == 0)
			continue;
		writer_u16(&o, (uint16_t)i);
		writer_u64(&o, metrics->outcome[i]);
	}
	message.commit_times_len = writer_len(&t);
	message.outcomes_len = writer_len(&o);
	return message_ledgerd_metrics_encode(w, &message);
}
