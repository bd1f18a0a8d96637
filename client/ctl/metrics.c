/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl metrics: what the rooms count, as OpenMetrics 1.0 text for a
 * scraper.  Must never print what has a customer for its subject: no names,
 * no accounts, no balances.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/last.h"
#include "client/ctl/status.h"
#include "policy/control.h"

enum { OUTCOME_MAX = 64 };

/* What a scrape has in hand. */
struct scrape {
	struct config config;
	struct ctl_rooms rooms;
	struct message_ledgerd_metrics ledgerd; /* points into packet */
	uint8_t packet[CONTROL_PACKET_MAX];
};

static enum sr_error
ask_ledgerd(int fd, struct scrape *scrape)
{
	uint8_t bytes[16];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_ledgerd_metrics_get_encode(
	    &w, &(struct message_ledgerd_metrics_get){0});

	if (error == SR_OK)
		error = control_ask(fd, CONTROL_LEDGERD, bytes, writer_len(&w),
		    MESSAGE_LEDGERD_METRICS, scrape->packet, &body, &len);
	return error == SR_OK
		   ? message_ledgerd_metrics_decode(body, len, &scrape->ledgerd)
		   : error;
}

/* The lines before a family's samples; unit is the end of its name, or "". */
static void
family(const char *name, const char *type, const char *unit, const char *help)
{
	printf("# TYPE strongroom_%s %s\n", name, type);
	if (unit[0] != '\0')
		printf("# UNIT strongroom_%s %s\n", name, unit);
	printf("# HELP strongroom_%s %s\n", name, help);
}

static void
gauge(const char *name, const char *unit, const char *help, uint64_t value)
{
	family(name, "gauge", unit, help);
	printf("strongroom_%s %" PRIu64 "\n", name, value);
}

static void
counter(const char *name, const char *help, uint64_t value)
{
	family(name, "counter", "", help);
	printf("strongroom_%s_total %" PRIu64 "\n", name, value);
}

/* One sample of a family with a label; suffix "" or "_total". */
static void
labelled(const char *name, const char *suffix, const char *label,
    const char *value, uint64_t number)
{
	printf("strongroom_%s%s{%s=\"%s\"} %" PRIu64 "\n", name, suffix, label,
	    value, number);
}

/*
 * Seconds from so many parts of which scale are one, without a float; one
 * digit after the point at least, and no zeros that say nothing.
 */
static void
seconds(uint64_t parts, uint64_t scale)
{
	printf("%" PRIu64 ".", parts / scale);
	do {
		parts = parts % scale * 10;
		printf("%" PRIu64, parts / scale);
	} while (parts % scale > 0);
}

static void
print_state(const struct ctl_rooms *rooms)
{
	family("build", "info", "", "The program that tells this.");
	printf("strongroom_build_info{version=\"%s\"} 1\n", STRONGROOM_VERSION);
	family("state", "stateset", "", "Whether the bank serves.");
	for (unsigned i = CTL_STATE_OPEN; i <= CTL_STATE_UNLOCKING; i++)
		labelled("state", "", "strongroom_state", ctl_state_name(i),
		    rooms->monitor.state == i);
	counter("netd_restarts", "Times that netd was started anew.",
	    rooms->monitor.netd_restarts);
}

/* SR_FUNDS: funds; SR_OK: done. */
static const char *
outcome_name(enum sr_error outcome, char out[OUTCOME_MAX])
{
	const char *name = error_name(outcome);
	size_t i;

	if (outcome == SR_OK)
		return "done";
	name += strncmp(name, "SR_", 3) == 0 ? 3 : 0;
	for (i = 0; i < OUTCOME_MAX - 1 && name[i] != '\0'; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	out[i] = '\0';
	return out;
}

static enum sr_error
print_orders(const struct message_ledgerd_metrics *ledgerd)
{
	struct reader r = reader_of(ledgerd->outcomes, ledgerd->outcomes_len);
	char name[OUTCOME_MAX];

	family("orders", "counter", "",
	    "Orders by what they were answered, since the start.");
	while (reader_left(&r) > 0) {
		unsigned outcome = reader_u16(&r);
		uint64_t count = reader_u64(&r);

		if (r.bad)
			return SR_MALFORMED;
		/* What a newer ledgerd calls so is not known here. */
		if (outcome != SR_MALFORMED &&
		    error_of_wire(outcome) == SR_MALFORMED)
			continue;
		labelled("orders", "_total", "outcome",
		    outcome_name(error_of_wire(outcome), name), count);
	}
	counter("orders_repeated",
	    "Orders that came again and got their answer of then.",
	    ledgerd->repeated);
	counter("entries", "Entries of the journal, since the start.",
	    ledgerd->entries);
	return SR_OK;
}

static enum sr_error
print_commits(const struct message_ledgerd_metrics *ledgerd)
{
	struct reader r =
	    reader_of(ledgerd->commit_times, ledgerd->commit_times_len);

	family("commit_seconds", "histogram", "seconds",
	    "From the begin of a commit until it is on disk and signed.");
	while (reader_left(&r) > 0) {
		uint64_t bound_us = reader_u64(&r), count = reader_u64(&r);

		if (r.bad)
			return SR_MALFORMED;
		printf("strongroom_commit_seconds_bucket{le=\"");
		seconds(bound_us, 1000000);
		printf("\"} %" PRIu64 "\n", count);
	}
	printf("strongroom_commit_seconds_bucket{le=\"+Inf\"} %" PRIu64
	       "\nstrongroom_commit_seconds_count %" PRIu64
	       "\nstrongroom_commit_seconds_sum ",
	    ledgerd->commits, ledgerd->commits);
	seconds(ledgerd->commit_us, 1000000);
	putchar('\n');
	return SR_OK;
}

static void
print_queues(const struct scrape *scrape)
{
	const struct message_ledgerd_metrics *waiting = &scrape->ledgerd;
	const struct message_ledgerd_status *status = &scrape->rooms.ledgerd;

	family("queue", "gauge", "", "How many wait now, and for what.");
	labelled("queue", "", "of", "orders", waiting->orders_waiting);
	labelled("queue", "", "of", "log_ins", waiting->log_ins_waiting);
	labelled("queue", "", "of", "key_uses", waiting->operations_waiting);
	labelled("queue", "", "of", "approvals", status->requests);
	labelled("queue", "", "of", "withdrawals", status->holds);
	labelled("queue", "", "of", "overdue_withdrawals", status->overdue);
	family("queue_most", "gauge", "",
	    "The most that have waited at one time since the start.");
	labelled("queue_most", "", "of", "orders", waiting->orders_most);
	labelled("queue_most", "", "of", "log_ins", waiting->log_ins_most);
	gauge("queue_netd_bytes", "bytes",
	    "Answers that netd has not taken yet.", waiting->netd_bytes);
}

static void
print_people(const struct message_ledgerd_status *ledgerd)
{
	family("people", "gauge", "", "Who may sign orders, by role.");
	labelled("people", "", "role", "customer", ledgerd->customers);
	labelled("people", "", "role", "teller", ledgerd->tellers);
	labelled("people", "", "role", "operator", ledgerd->operators);
	labelled("people", "", "role", "auditor", ledgerd->auditors);
	labelled("people", "", "role", "terminal",
	    ledgerd->terminals - ledgerd->revoked);
	gauge("accounts", "", "Accounts that were ever opened.",
	    ledgerd->accounts);
}

/* What keyd has not done, and for whom. */
static void
print_refusals(const struct message_keyd_status *keyd)
{
	struct reader r = reader_of(keyd->refusals, sizeof(keyd->refusals));

	family("keyd_refusals", "counter", "",
	    "Requests beyond an hour's budget, log-ins before their time, and "
	    "messages that are not allowed.");
	for (size_t i = 0; i < REFUSAL_KINDS; i++) {
		uint64_t count = reader_u64(&r);

		if (refusal_name(i) != NULL)
			labelled("keyd_refusals", "_total", "kind",
			    refusal_name(i), count);
	}
}

static void
print_traffic(const struct ctl_rooms *rooms)
{
	gauge(
	    "sessions", "", "Sessions that are open.", rooms->ledgerd.sessions);
	gauge("connections", "", "Connections that are open.",
	    rooms->netd.connections);
	counter("connections_accepted",
	    "Connections taken, since the start of netd.",
	    rooms->netd.accepted);
	counter("handshakes", "Handshakes begun, since the start.",
	    rooms->keyd.handshakes);
	counter("handshakes_accepted",
	    "Of these, log-ins, registrations and changes that succeeded; the "
	    "others failed, or go on.",
	    rooms->keyd.accepted);
	family("refused", "counter", "",
	    "Connections refused by netd, messages refused by keyd and "
	    "ledgerd.");
	labelled("refused", "_total", "room", "netd", rooms->netd.refused);
	labelled("refused", "_total", "room", "keyd", rooms->keyd.refused);
	labelled(
	    "refused", "_total", "room", "ledgerd", rooms->ledgerd.refused);
	print_refusals(&rooms->keyd);
	counter("late_posts",
	    "Withdrawals paid out after their release, since the founding.",
	    rooms->ledgerd.late_posts);
}

static void
print_machine(const struct ctl_rooms *rooms)
{
	const struct message_ledgerd_status *ledgerd = &rooms->ledgerd;

	gauge(
	    "open_for_orders", "", "1 while orders are taken.", ledgerd->open);
	gauge("disk_free_bytes", "bytes",
	    "What the disk of the journal has left.", ledgerd->space);
	gauge("disk_reserve_bytes", "bytes",
	    "Below this the bank is closed for orders.", ledgerd->reserve);
	gauge("audit_lines_missing", "",
	    "Entries that have no line in the audit log yet.",
	    ledgerd->audit_missing);
	gauge("log_entries", "", "Entries of the log that keyd has signed.",
	    rooms->keyd.tree_size);
	family("certificate_end_seconds", "gauge", "seconds",
	    "When the certificate expires, since 1970.");
	printf("strongroom_certificate_end_seconds ");
	seconds(rooms->keyd.not_after, 1000);
	putchar('\n');
	family("sandbox_missing", "gauge", "",
	    "Layers of the sandbox that are not in force.");
	labelled("sandbox_missing", "", "room", "keyd",
	    (uint64_t)__builtin_popcount(rooms->monitor.missing_keyd));
	labelled("sandbox_missing", "", "room", "netd",
	    (uint64_t)__builtin_popcount(rooms->monitor.missing_netd));
	labelled("sandbox_missing", "", "room", "ledgerd",
	    (uint64_t)__builtin_popcount(rooms->monitor.missing_ledgerd));
}

/* Nothing is printed of what was never done. */
static void
print_last(const struct config *config)
{
	static const struct {
		enum ctl_last_of which;
		const char *name;
	} notes[] = {
	    {CTL_LAST_BACKUP, "backup"}, {CTL_LAST_VERIFIED, "verified"}};
	char message[CTL_LAST_MESSAGE_MAX];
	struct ctl_last last[2];
	bool there[2];

	for (size_t i = 0; i < 2; i++)
		there[i] = ctl_last_read(config, notes[i].which, &last[i],
			       message) == SR_OK;
	family("last_seconds", "gauge", "seconds",
	    "When the bank was last backed up and verified, since 1970.");
	for (size_t i = 0; i < 2; i++) {
		if (!there[i])
			continue;
		printf("strongroom_last_seconds{what=\"%s\"} ", notes[i].name);
		seconds(last[i].time_ms, 1000);
		putchar('\n');
	}
	family("last_entries", "gauge", "",
	    "How many entries of the log that covered.");
	for (size_t i = 0; i < 2; i++)
		if (there[i])
			labelled("last_entries", "", "what", notes[i].name,
			    last[i].entries);
	family("last_good", "gauge", "", "0 when damage was found.");
	for (size_t i = 0; i < 2; i++)
		if (there[i])
			labelled("last_good", "", "what", notes[i].name,
			    last[i].good);
}

static enum sr_error
print_all(const struct scrape *scrape)
{
	const struct ctl_rooms *rooms = &scrape->rooms;
	enum sr_error error = SR_OK;

	print_state(rooms);
	print_last(&scrape->config);
	/* Without rooms there is nobody to ask for more. */
	if (rooms->monitor.state == CTL_STATE_OPEN) {
		print_traffic(rooms);
		print_people(&rooms->ledgerd);
		print_machine(rooms);
		print_queues(scrape);
		error = print_orders(&scrape->ledgerd);
		if (error == SR_OK)
			error = print_commits(&scrape->ledgerd);
	}
	/* What is cut off before this line is no scrape. */
	if (error == SR_OK)
		printf("# EOF\n");
	return error;
}

enum sr_error
ctl_metrics(const struct ctl_options *options, char *const words[])
{
	static struct scrape scrape;
	enum sr_error error = ctl_configuration(options, &scrape.config);
	int fd;

	(void)words;
	if (error == SR_OK)
		error = ctl_control(&scrape.config, &fd);
	if (error != SR_OK)
		return error;
	error = ctl_rooms_get(fd, &scrape.rooms);
	if (error == SR_OK && scrape.rooms.monitor.state == CTL_STATE_OPEN)
		error = ask_ledgerd(fd, &scrape);
	close(fd);
	if (error == SR_OK)
		error = print_all(&scrape);
	return error == SR_OK ? SR_OK : ctl_failed("metrics", error);
}
