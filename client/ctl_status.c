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
#include "client/control.h"
#include "client/ctl.h"
#include "common/name.h"
#include "gen/messages.h"
#include "policy/sandbox.h"

enum { STATE_OPEN = 0, STATE_UNLOCKING = 3 }; /* of monitor_status */

struct status {
	struct message_keyd_status keyd;
	struct message_netd_status netd;
	struct message_ledgerd_status ledgerd;
	struct message_monitor_status monitor;
	char addresses[1025];
};

/* Asks one room; body points into packet. */
static enum sr_error
status_ask(int fd, enum control_room room, const struct writer *question,
    uint8_t expected, uint8_t *packet, const uint8_t **body, size_t *len)
{
	return control_ask(fd, room, question->start, writer_len(question),
	    expected, packet, body, len);
}

static enum sr_error
status_get(int fd, struct status *status)
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
	if (status->monitor.state != STATE_OPEN)
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
	return error;
}

static const char *
registration_name(unsigned registration)
{
	static const char *const names[] = {"open", "invite", "closed"};

	return registration < 3 ? names[registration] : "unknown";
}

static const char *
state_name(unsigned state)
{
	static const char *const names[] = {
	    "open", "locking", "locked", "unlocking"};

	return state < 4 ? names[state] : "unknown";
}

static void
status_addresses(const struct status *status)
{
	for (const char *line = status->addresses; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		printf("listening on        %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* Without rooms there is nobody to ask for more. */
static void
status_print_locked(const struct status *status, bool json)
{
	const char *state = state_name(status->monitor.state);

	if (json) {
		printf("{\"v\":1,\"state\":\"%s\",\"open\":false,"
		       "\"netd_restarts\":%" PRIu32 "}\n",
		    state, status->monitor.netd_restarts);
		return;
	}
	printf("state               %s: customers %s\n", state,
	    status->monitor.state == STATE_UNLOCKING ? "wait"
						     : "are turned away");
	status_addresses(status);
}

static void
status_sandbox(const char *room, uint32_t missing)
{
	char text[256];

	sandbox_describe(missing, text, sizeof(text));
	printf("sandbox of %-8s %s\n", room,
	    text[0] != '\0' ? text : "all layers in force");
}

/* Why no orders are taken; NULL when they are. */
static const char *
closed_why(const struct message_ledgerd_status *ledgerd)
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
	const char *why = closed_why(ledgerd);

	if (why == NULL)
		printf("orders              open\n");
	else
		printf("orders              closed: %s\n", why);
	if (ledgerd->founded)
		printf("disk                %" PRIu64
		       " MiB free, closed for orders "
		       "below %" PRIu64 " MiB\n",
		    ledgerd->space >> 20, ledgerd->reserve >> 20);
	if (ledgerd->audit_lost > 0)
		printf("audit log           %" PRIu64 " lines are missing\n",
		    ledgerd->audit_lost);
}

static void
status_print(const struct status *status)
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
	printf("state               %s\n", state_name(status->monitor.state));
	status_orders(ledgerd);
	printf(
	    "registration        %s\n", registration_name(keyd->registration));
	printf("certificate         epoch %" PRIu32 ", valid until %s\n",
	    keyd->certificate_epoch, until);
	printf("log origin          strongroom/%s/%" PRIu32 "%s\n", id,
	    keyd->certificate_epoch,
	    keyd->certificate_epoch > 1 ? ", after a restore with loss" : "");
	printf("people              %" PRIu64 " customers, %" PRIu64
	       " operators, %" PRIu64 " terminals (%" PRIu64 " revoked)\n",
	    ledgerd->customers, ledgerd->operators, ledgerd->terminals,
	    ledgerd->revoked);
	printf("log-in names        %" PRIu64 "\n", keyd->customers);
	printf("accounts            %" PRIu64 "\n", ledgerd->accounts);
	printf("log                 %" PRIu64 " entries signed, segment "
	       "%" PRIu32 "\n",
	    keyd->tree_size, ledgerd->segment);
	printf("sessions            %" PRIu32 " of %" PRIu32 " connections\n",
	    ledgerd->sessions, status->netd.connections);
	printf("since the start     %" PRIu64 " orders (%" PRIu64
	       " declined), %" PRIu64 " handshakes, netd restarted %" PRIu32
	       " times\n",
	    ledgerd->orders, ledgerd->declined, keyd->handshakes,
	    status->monitor.netd_restarts);
	printf("refused             %" PRIu64 " connections, %" PRIu64
	       " messages to keyd, %" PRIu64 " to ledgerd\n",
	    status->netd.refused, keyd->refused, ledgerd->refused);
	printf("withdrawals         %" PRIu64 " not settled, %" PRIu64
	       " of them may be released; %" PRIu64 " paid out after their "
	       "release\n",
	    ledgerd->holds, ledgerd->overdue, ledgerd->late_posts);
	printf("snapshot            %" PRIu32 "; keys of older segments given: "
	       "%" PRIu64 "\n",
	    keyd->snapshot, keyd->old_keys);
	if (ledgerd->recovered > 0)
		printf("recovered           the start cut %" PRIu64
		       " bytes that nobody had been told of\n",
		    ledgerd->recovered);
	printf("secret memory       %s\n",
	    keyd->secret_memory == 2 ? "memfd_secret" : "locked pages");
	status_sandbox("keyd", status->monitor.missing_keyd);
	status_sandbox("netd", status->monitor.missing_netd);
	status_sandbox("ledgerd", status->monitor.missing_ledgerd);
	status_addresses(status);
}

static void
status_print_json_orders(const struct message_ledgerd_status *ledgerd)
{
	const char *why = closed_why(ledgerd);

	/* the sentences are ours and need no escapes */
	printf(",\"open\":%s,\"closed\":", why == NULL ? "true" : "false");
	if (why == NULL)
		printf("null");
	else
		printf("\"%s\"", why);
	printf(",\"free_bytes\":%" PRIu64 ",\"reserve_bytes\":%" PRIu64
	       ",\"audit_lines_lost\":%" PRIu64,
	    ledgerd->space, ledgerd->reserve, ledgerd->audit_lost);
}

static void
status_print_json(const struct status *status)
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
	       ",\"terminals\":%" PRIu64 ",\"revoked\":%" PRIu64
	       ",\"accounts\":%" PRIu64 ",\"tree_size\":%" PRIu64
	       ",\"segment\":%" PRIu32 ",\"snapshot\":%" PRIu32
	       ",\"old_keys\":%" PRIu64 ",\"origin\":\"strongroom/%s/%" PRIu32
	       "\"",
	    registration_name(keyd->registration), keyd->certificate_epoch,
	    keyd->not_after, keyd->customers, ledgerd->customers,
	    ledgerd->operators, ledgerd->terminals, ledgerd->revoked,
	    ledgerd->accounts, keyd->tree_size, ledgerd->segment,
	    keyd->snapshot, keyd->old_keys, id, keyd->certificate_epoch);
	printf(",\"sessions\":%" PRIu32 ",\"connections\":%" PRIu32
	       ",\"orders\":%" PRIu64 ",\"declined\":%" PRIu64
	       ",\"handshakes\":%" PRIu64 ",\"netd_generation\":%" PRIu32
	       ",\"netd_restarts\":%" PRIu32,
	    ledgerd->sessions, status->netd.connections, ledgerd->orders,
	    ledgerd->declined, keyd->handshakes, status->netd.generation,
	    status->monitor.netd_restarts);
	printf(",\"refused\":{\"netd\":%" PRIu64 ",\"keyd\":%" PRIu64
	       ",\"ledgerd\":%" PRIu64 "},\"holds\":%" PRIu64
	       ",\"overdue\":%" PRIu64 ",\"late_posts\":%" PRIu64
	       ",\"recovered_bytes\":%" PRIu64
	       ",\"sandbox_missing\":{\"keyd\":%" PRIu32 ",\"netd\":%" PRIu32
	       ",\"ledgerd\":%" PRIu32 "}}\n",
	    status->netd.refused, keyd->refused, ledgerd->refused,
	    ledgerd->holds, ledgerd->overdue, ledgerd->late_posts,
	    ledgerd->recovered, status->monitor.missing_keyd,
	    status->monitor.missing_netd, status->monitor.missing_ledgerd);
}

enum sr_error
ctl_status(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	static struct status status;
	enum sr_error error = ctl_configuration(options, &config);
	int fd;

	(void)words;
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	/* It may be locked between two questions. */
	for (int i = 0; i < 2; i++)
		if ((error = status_get(fd, &status)) != SR_LOCKED)
			break;
	close(fd);
	if (error != SR_OK)
		return ctl_failed("status", error);
	if (status.monitor.state != STATE_OPEN)
		status_print_locked(&status, options->json);
	else if (options->json)
		status_print_json(&status);
	else
		status_print(&status);
	return SR_OK;
}

enum sr_error
ctl_invite(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	uint8_t invitation[INVITATION_LEN];
	char hex[65];
	enum sr_error error;
	int fd;

	if (name_check(words[0], strlen(words[0])) != SR_OK)
		return ctl_failed(words[0], SR_NAME);
	error = ctl_configuration(options, &config);
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = ctl_ask_invitation(
	    fd, words[0], options->valid_days * 86400u, invitation);
	close(fd);
	if (error != SR_OK)
		return error;
	bankfile_hex(invitation, hex);
	printf("%s\n", hex);
	fflush(stdout);
	fprintf(stderr,
	    "valid for %" PRIu32 " days, for %s only, who types + in the menu "
	    "of atm, or runs\n  atm --bank bank.id --user %s --invitation "
	    "INVITATION register\n",
	    options->valid_days, words[0], words[0]);
	return SR_OK;
}
