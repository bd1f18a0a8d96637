/* SPDX-License-Identifier: ISC */
/*
 * What the bank says of itself over the control socket: no balances, no
 * names.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/bankfile.h"
#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/last.h"
#include "client/ctl/seal.h"
#include "client/ctl/status.h"
#include "client/json.h"
#include "client/plural.h"
#include "gen/messages.h"
#include "policy/sandbox.h"

/* Asks one room; body points into packet. */
static enum sr_error
status_ask(int fd, enum control_room room, const struct writer *question,
    uint8_t expected, uint8_t *packet, const uint8_t **body, size_t *len)
{
	return control_ask(fd, room, question->start, writer_len(question),
	    expected, packet, body, len);
}

static enum sr_error
rooms_get_once(int fd, struct ctl_rooms *status)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const uint8_t *body;
	size_t len;
	enum sr_error error;

	message_monitor_status_get_encode(
	    &w, &(struct message_monitor_status_get){0});
	error = status_ask(fd, CONTROL_MONITOR, &w, MESSAGE_MONITOR_STATUS,
	    packet, &body, &len);
	if (error == SR_OK)
		error =
		    message_monitor_status_decode(body, len, &status->monitor);
	if (error != SR_OK)
		return error;
	memcpy(status->addresses, status->monitor.addresses,
	    status->monitor.addresses_len);
	if (status->monitor.state != CTL_STATE_OPEN)
		return SR_OK;
	w = writer_to(bytes, sizeof(bytes));
	message_keyd_status_get_encode(
	    &w, &(struct message_keyd_status_get){0});
	error = status_ask(
	    fd, CONTROL_KEYD, &w, MESSAGE_KEYD_STATUS, packet, &body, &len);
	if (error == SR_OK)
		error = message_keyd_status_decode(body, len, &status->keyd);
	if (error != SR_OK)
		return error;
	w = writer_to(bytes, sizeof(bytes));
	message_netd_status_get_encode(
	    &w, &(struct message_netd_status_get){0});
	error = status_ask(
	    fd, CONTROL_NETD, &w, MESSAGE_NETD_STATUS, packet, &body, &len);
	if (error == SR_OK)
		error = message_netd_status_decode(body, len, &status->netd);
	if (error != SR_OK)
		return error;
	w = writer_to(bytes, sizeof(bytes));
	message_ledgerd_status_get_encode(
	    &w, &(struct message_ledgerd_status_get){0});
	error = status_ask(fd, CONTROL_LEDGERD, &w, MESSAGE_LEDGERD_STATUS,
	    packet, &body, &len);
	if (error == SR_OK)
		error =
		    message_ledgerd_status_decode(body, len, &status->ledgerd);
	return error == SR_OK ? ctl_keys_get(fd, &status->keys) : error;
}

enum sr_error
ctl_rooms_get(int fd, struct ctl_rooms *rooms)
{
	enum sr_error error = SR_LOCKED;

	/* It may be locked between two questions. */
	for (int i = 0; i < 2 && error == SR_LOCKED; i++) {
		memset(rooms, 0, sizeof(*rooms));
		error = rooms_get_once(fd, rooms);
	}
	return error;
}

static const char *
registration_name(unsigned registration)
{
	static const char *const names[] = {"open", "invite", "closed"};

	return registration < 3 ? names[registration] : "unknown";
}

static const char *
audit_name(unsigned mode)
{
	static const char *const names[] = {
	    "pseudonyms", "full: names and amounts in the clear", "off"};

	return mode < 3 ? names[mode] : "unknown";
}

const char *
ctl_state_name(unsigned state)
{
	static const char *const names[] = {
	    "open", "locking", "locked", "unlocking"};

	return state < 4 ? names[state] : "unknown";
}

static void
status_addresses(const struct ctl_rooms *status)
{
	for (const char *line = status->addresses; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		printf("listening on        %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* Without rooms there is nobody to ask for more. */
static void
status_print_locked(const struct ctl_rooms *status, bool json)
{
	const char *state = ctl_state_name(status->monitor.state);

	if (json) {
		printf("{\"v\":1,\"state\":\"%s\",\"open\":false,"
		       "\"netd_restarts\":%" PRIu32 "}\n",
		    state, status->monitor.netd_restarts);
		return;
	}
	printf("state               %s: customers %s\n", state,
	    status->monitor.state == CTL_STATE_UNLOCKING ? "wait"
							 : "are turned away");
	status_addresses(status);
}

static void
status_sandbox(const char *room, uint32_t missing)
{
	char text[SANDBOX_TEXT_MAX];

	sandbox_describe(missing, text);
	printf("sandbox of %-8s %s%s\n", room, missing != 0 ? "lacks: " : "",
	    missing != 0 ? text : "all layers in force");
}

/* "keyd":["mdwe"] */
static void
status_json_lacks(const char *room, uint32_t missing)
{
	const char *name;

	printf("\"%s\":[", room);
	for (size_t i = 0; (name = sandbox_missing_name(missing, i)) != NULL;
	     i++)
		printf("%s\"%s\"", i > 0 ? "," : "", name);
	printf("]");
}

static void
status_json_sandbox(const struct message_monitor_status *monitor)
{
	printf(",\"sandbox_missing\":{\"keyd\":%" PRIu32 ",\"netd\":%" PRIu32
	       ",\"ledgerd\":%" PRIu32 "},\"sandbox_lacks\":{",
	    monitor->missing_keyd, monitor->missing_netd,
	    monitor->missing_ledgerd);
	status_json_lacks("keyd", monitor->missing_keyd);
	printf(",");
	status_json_lacks("netd", monitor->missing_netd);
	printf(",");
	status_json_lacks("ledgerd", monitor->missing_ledgerd);
	printf("}");
}

const char *
ctl_closed_why(const struct message_ledgerd_status *ledgerd)
{
	if (ledgerd->open)
		return NULL;
	if (ledgerd->closed != SR_OK)
		return error_sentence(error_of_wire(ledgerd->closed));
	return ledgerd->founded ? "the bank is about to end"
				: "the bank is not founded";
}

static void
status_orders(const struct message_ledgerd_status *ledgerd)
{
	const char *why = ctl_closed_why(ledgerd);

	if (why == NULL)
		printf("orders              open\n");
	else
		printf("orders              closed: %s\n", why);
	if (ledgerd->founded)
		printf("disk                %" PRIu64
		       " MiB free, closed for orders "
		       "below %" PRIu64 " MiB\n",
		    ledgerd->space >> 20, ledgerd->reserve >> 20);
	printf("audit log           %s\n", audit_name(ledgerd->audit_mode));
	if (ledgerd->audit_missing > 0)
		printf("audit log           %" PRIu64 " lines are missing\n",
		    ledgerd->audit_missing);
}

/* Nothing where all is well. */
static void
status_keys(const struct ctl_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct key_entry *entry = &keys->entry[i];
		const struct key_kind *kind = key_kind_of(entry->key);

		if (!entry->kept && key_near_cap(kind, entry->uses))
			printf("keys                %s %s its cap of uses\n",
			    kind->word,
			    entry->uses >= kind->cap ? "has come to"
						     : "is near");
	}
}

/* When it was last backed up and verified, by the operator's notes. */
static void
status_last(
    const struct config *config, enum ctl_last_of which, const char *what)
{
	char message[CTL_LAST_MESSAGE_MAX], when[40] = "unknown";
	struct ctl_last last;
	enum sr_error error = ctl_last_read(config, which, &last, message);
	time_t seconds = (time_t)(last.time_ms / 1000);
	struct tm utc;

	if (error == SR_NOT_FOUND) {
		printf("%-19s never\n", what);
		return;
	}
	if (error != SR_OK) {
		printf("%-19s %s\n", what, message);
		return;
	}
	if (gmtime_r(&seconds, &utc) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &utc);
	printf("%-19s %s UTC, %" PRIu64 " entries%s\n", what, when,
	    last.entries, last.good ? "" : ": damage was found");
}

/* What keyd has refused since its start; nothing where there was nothing. */
static void
print_refusals(const struct message_keyd_status *keyd)
{
	struct reader r = reader_of(keyd->refusals, sizeof(keyd->refusals));
	const char *before = "keyd refused        ";

	for (size_t i = 0; i < REFUSAL_KINDS; i++) {
		uint64_t count = reader_u64(&r);

		if (count == 0 || refusal_name(i) == NULL)
			continue;
		printf("%s%" PRIu64 " %s", before, count, refusal_name(i));
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
}

static void
json_refusals(const struct message_keyd_status *keyd)
{
	struct reader r = reader_of(keyd->refusals, sizeof(keyd->refusals));
	const char *before = ",\"keyd_refusals\":{";

	for (size_t i = 0; i < REFUSAL_KINDS; i++) {
		uint64_t count = reader_u64(&r);

		if (refusal_name(i) == NULL)
			continue;
		printf("%s\"%s\":%" PRIu64, before, refusal_name(i), count);
		before = ",";
	}
	putchar('}');
}

static void
status_print(const struct config *config, const struct ctl_rooms *status)
{
	const struct message_keyd_status *keyd = &status->keyd;
	const struct message_ledgerd_status *ledgerd = &status->ledgerd;
	char id[65], until[40] = "unknown";
	time_t end = (time_t)(keyd->not_after / 1000);
	struct tm utc;

	bankfile_hex(keyd->bank_id, id);
	if (gmtime_r(&end, &utc) != NULL)
		(void)strftime(until, sizeof(until), "%Y-%m-%d", &utc);
	printf("bank id             %s\n", id);
	printf(
	    "state               %s\n", ctl_state_name(status->monitor.state));
	status_orders(ledgerd);
	printf(
	    "registration        %s\n", registration_name(keyd->registration));
	printf("certificate         epoch %" PRIu32 ", valid until %s\n",
	    keyd->certificate_epoch, until);
	printf("log origin          strongroom/%s/%" PRIu32 "%s\n", id,
	    keyd->certificate_epoch,
	    keyd->certificate_epoch > 1
		? ", after a restore with loss or a rotation"
		: "");
	printf("people              %" PRIu64 " customer%s, %" PRIu64
	       " operator%s, %" PRIu64 " terminal%s (%" PRIu64
	       " revoked), %" PRIu64 " teller%s, %" PRIu64 " auditor%s\n",
	    ledgerd->customers, plural(ledgerd->customers), ledgerd->operators,
	    plural(ledgerd->operators), ledgerd->terminals,
	    plural(ledgerd->terminals), ledgerd->revoked, ledgerd->tellers,
	    plural(ledgerd->tellers), ledgerd->auditors,
	    plural(ledgerd->auditors));
	printf("log-in names        %" PRIu64 "\n", keyd->customers);
	printf("accounts            %" PRIu64 "\n", ledgerd->accounts);
	printf("log                 %" PRIu64 " %s signed, segment %" PRIu32
	       "\n",
	    keyd->tree_size, keyd->tree_size == 1 ? "entry" : "entries",
	    ledgerd->segment);
	printf("sessions            %" PRIu32 " on %" PRIu32 " connection%s\n",
	    ledgerd->sessions, status->netd.connections,
	    plural(status->netd.connections));
	printf("since the start     %" PRIu64 " order%s (%" PRIu64
	       " declined), %" PRIu64 " handshake%s (%" PRIu64
	       " accepted), netd restarted %" PRIu32 " time%s\n",
	    ledgerd->orders, plural(ledgerd->orders), ledgerd->declined,
	    keyd->handshakes, plural(keyd->handshakes), keyd->accepted,
	    status->monitor.netd_restarts,
	    plural(status->monitor.netd_restarts));
	printf("refused             %" PRIu64 " connection%s, %" PRIu64
	       " message%s to keyd, %" PRIu64 " to ledgerd\n",
	    status->netd.refused, plural(status->netd.refused), keyd->refused,
	    plural(keyd->refused), ledgerd->refused);
	print_refusals(keyd);
	printf("withdrawals         %" PRIu64 " not settled, %" PRIu64
	       " of them may be released; %" PRIu64 " paid out after their "
	       "release\n",
	    ledgerd->holds, ledgerd->overdue, ledgerd->late_posts);
	printf("requests            %" PRIu64 " wait%s for an approval\n",
	    ledgerd->requests, ledgerd->requests == 1 ? "s" : "");
	printf("snapshot            %" PRIu32 "; keys of older segments given: "
	       "%" PRIu64 "\n",
	    keyd->snapshot, keyd->old_keys);
	if (ledgerd->recovered > 0)
		printf("recovered           the start cut %" PRIu64
		       " bytes that nobody had been told of\n",
		    ledgerd->recovered);
	printf("secret memory       %s\n",
	    keyd->secret_memory == 2 ? "memfd_secret" : "locked pages");
	status_keys(&status->keys);
	status_sandbox("keyd", status->monitor.missing_keyd);
	status_sandbox("netd", status->monitor.missing_netd);
	status_sandbox("ledgerd", status->monitor.missing_ledgerd);
	status_last(config, CTL_LAST_BACKUP, "last backup");
	status_last(config, CTL_LAST_VERIFIED, "last verified");
	status_addresses(status);
}

/* Null when it was never done, or the note cannot be read. */
static void
status_json_last(
    const struct config *config, enum ctl_last_of which, const char *what)
{
	char message[CTL_LAST_MESSAGE_MAX];
	struct ctl_last last;

	if (ctl_last_read(config, which, &last, message) == SR_OK)
		printf(",\"%s\":{\"time_ms\":%" PRIu64 ",\"entries\":%" PRIu64
		       ",\"good\":%s}",
		    what, last.time_ms, last.entries,
		    last.good ? "true" : "false");
	else
		printf(",\"%s\":null", what);
}

static void
status_json_addresses(const struct ctl_rooms *status)
{
	const char *line = status->addresses, *comma = "";

	printf(",\"addresses\":[");
	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		fputs(comma, stdout);
		json_string(stdout, line, len);
		comma = ",";
		line += len + (line[len] == '\n');
	}
	putchar(']');
}

static void
status_print_json_orders(const struct message_ledgerd_status *ledgerd)
{
	const char *why = ctl_closed_why(ledgerd);

	/* the sentences are ours and need no escapes */
	printf(",\"open\":%s,\"closed\":", why == NULL ? "true" : "false");
	if (why == NULL)
		printf("null");
	else
		printf("\"%s\"", why);
	printf(",\"free_bytes\":%" PRIu64 ",\"reserve_bytes\":%" PRIu64
	       ",\"audit_log\":\"%.*s\",\"audit_lines_missing\":%" PRIu64,
	    ledgerd->space, ledgerd->reserve,
	    (int)strcspn(audit_name(ledgerd->audit_mode), ":"),
	    audit_name(ledgerd->audit_mode), ledgerd->audit_missing);
}

static void
status_print_json(const struct config *config, const struct ctl_rooms *status)
{
	const struct message_keyd_status *keyd = &status->keyd;
	const struct message_ledgerd_status *ledgerd = &status->ledgerd;
	char id[65];

	bankfile_hex(keyd->bank_id, id);
	printf("{\"v\":1,\"bank_id\":\"%s\",\"state\":\"open\"", id);
	status_print_json_orders(ledgerd);
	printf(",\"registration\":\"%s\",\"certificate_epoch\":%" PRIu32
	       ",\"certificate_not_after_ms\":%" PRIu64 ",\"names\":%" PRIu64
	       ",\"customers\":%" PRIu64 ",\"operators\":%" PRIu64
	       ",\"tellers\":%" PRIu64 ",\"auditors\":%" PRIu64
	       ",\"terminals\":%" PRIu64 ",\"revoked\":%" PRIu64
	       ",\"requests\":%" PRIu64 ",\"accounts\":%" PRIu64
	       ",\"tree_size\":%" PRIu64 ",\"segment\":%" PRIu32
	       ",\"snapshot\":%" PRIu32 ",\"old_keys\":%" PRIu64
	       ",\"origin\":\"strongroom/%s/%" PRIu32 "\"",
	    registration_name(keyd->registration), keyd->certificate_epoch,
	    keyd->not_after, keyd->customers, ledgerd->customers,
	    ledgerd->operators, ledgerd->tellers, ledgerd->auditors,
	    ledgerd->terminals, ledgerd->revoked, ledgerd->requests,
	    ledgerd->accounts, keyd->tree_size, ledgerd->segment,
	    keyd->snapshot, keyd->old_keys, id, keyd->certificate_epoch);
	printf(",\"sessions\":%" PRIu32 ",\"connections\":%" PRIu32
	       ",\"orders\":%" PRIu64 ",\"declined\":%" PRIu64
	       ",\"handshakes\":%" PRIu64 ",\"handshakes_accepted\":%" PRIu64
	       ",\"netd_generation\":%" PRIu32 ",\"netd_restarts\":%" PRIu32,
	    ledgerd->sessions, status->netd.connections, ledgerd->orders,
	    ledgerd->declined, keyd->handshakes, keyd->accepted,
	    status->netd.generation, status->monitor.netd_restarts);
	printf(",\"refused\":{\"netd\":%" PRIu64 ",\"keyd\":%" PRIu64
	       ",\"ledgerd\":%" PRIu64 "},\"holds\":%" PRIu64
	       ",\"overdue\":%" PRIu64 ",\"late_posts\":%" PRIu64
	       ",\"recovered_bytes\":%" PRIu64,
	    status->netd.refused, keyd->refused, ledgerd->refused,
	    ledgerd->holds, ledgerd->overdue, ledgerd->late_posts,
	    ledgerd->recovered);
	status_json_sandbox(&status->monitor);
	json_refusals(keyd);
	printf(",\"secret_memory\":\"%s\"",
	    keyd->secret_memory == 2 ? "memfd_secret" : "locked");
	status_json_last(config, CTL_LAST_BACKUP, "last_backup");
	status_json_last(config, CTL_LAST_VERIFIED, "last_verified");
	status_json_addresses(status);
	printf("}\n");
}

enum sr_error
ctl_status(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	static struct ctl_rooms status;
	enum sr_error error = ctl_configuration(options, &config);
	char ways[512];
	int fd;

	(void)words;
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = ctl_rooms_get(fd, &status);
	(void)ctl_sealed_describe(fd, ways, sizeof(ways));
	close(fd);
	if (error != SR_OK)
		return ctl_failed("status", error);
	if (status.monitor.state != CTL_STATE_OPEN)
		status_print_locked(&status, options->json);
	else if (options->json)
		status_print_json(&config, &status);
	else
		status_print(&config, &status);
	if (!options->json)
		printf("opened by           %s\n", ways);
	return SR_OK;
}
