/* SPDX-License-Identifier: ISC */
/*
 * What ledgerd makes of the machine's clock, and an operator's word that it is
 * right.  Must never confirm what it has not shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "gen/messages.h"

static void
print_time(const char *what, uint64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	char text[40] = "unknown";
	struct tm utc;

	if (gmtime_r(&seconds, &utc) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
	printf("%-12s %s UTC\n", what, text);
}

static void
print_clock(
    const struct ctl_options *options, const struct message_clock *clock)
{
	if (options->json) {
		printf("{\"v\":1,\"now_ms\":%" PRIu64
		       ",\"expected_ms\":%" PRIu64 ",\"last_entry_ms\":%" PRIu64
		       ",\"confirmed\":%s}\n",
		    clock->now, clock->expected, clock->last_entry,
		    clock->closed == SR_OK ? "true" : "false");
		return;
	}
	print_time("clock", clock->now);
	print_time("expected", clock->expected);
	print_time("last entry", clock->last_entry);
	printf("%-12s %s\n", "orders",
	    clock->closed == SR_OK
		? "the clock does not stand in their way"
		: "closed, until strongroomctl clock confirm");
}

static enum sr_error
ask(int fd, const struct writer *question, struct message_clock *clock)
{
	static uint8_t packet[CONTROL_PACKET_MAX];
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = control_ask(fd, CONTROL_LEDGERD, question->start,
	    writer_len(question), MESSAGE_CLOCK, packet, &body, &body_len);

	return error == SR_OK ? message_clock_decode(body, body_len, clock)
			      : error;
}

static enum sr_error
ask_once(const struct ctl_options *options, const struct writer *question,
    struct message_clock *clock)
{
	static struct config config;
	enum sr_error error = ctl_configuration(options, &config);
	int fd;

	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = ask(fd, question, clock);
	close(fd);
	return error == SR_OK ? SR_OK : ctl_failed("clock", error);
}

enum sr_error
ctl_clock(const struct ctl_options *options, char *const words[])
{
	uint8_t bytes[16];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_clock clock = {0};
	enum sr_error error =
	    message_clock_get_encode(&w, &(struct message_clock_get){0});

	(void)words;
	if (error == SR_OK)
		error = ask_once(options, &w, &clock);
	if (error == SR_OK)
		print_clock(options, &clock);
	return error;
}

enum sr_error
ctl_clock_confirm(const struct ctl_options *options, char *const words[])
{
	uint8_t bytes[16];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_clock clock = {0};
	enum sr_error error = message_clock_confirm_encode(
	    &w, &(struct message_clock_confirm){0});

	(void)words;
	if (error == SR_OK)
		error = ask_once(options, &w, &clock);
	if (error != SR_OK)
		return error;
	if (clock.error == SR_ALREADY) {
		fprintf(
		    stderr, "strongroomctl: the clock needs no confirmation\n");
		return SR_ALREADY;
	}
	if (clock.error != SR_OK)
		return ctl_failed("not confirmed", error_of_wire(clock.error));
	print_clock(options, &clock);
	return SR_OK;
}
