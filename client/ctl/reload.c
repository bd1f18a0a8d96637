/* SPDX-License-Identifier: ISC */
/*
 * reload: strongroomd reads strongroom.conf again.  What is wrong with it is
 * said by strongroomd, whose word counts; a file that cannot be read at all
 * does not hinder anybody from asking.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/printable.h"
#include "gen/messages.h"

/* strongroomd gives the rooms 10 s, one after another reload. */
#define RELOAD_WAIT_MS 60000

static void
print_lines(const uint8_t *text, size_t len)
{
	const char *at = (const char *)text, *end = at + len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;
		char line[PRINTABLE_MAX];

		snprintf(line, sizeof(line), "%.*s", (int)(stop - at), at);
		fprintf(stderr, "strongroomctl: %s\n", make_printable(line));
		at = stop + 1;
	}
}

static enum sr_error
ask(int fd)
{
	struct message_reloaded reloaded = {0};
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const uint8_t *body;
	size_t len;
	enum sr_error error =
	    message_reload_encode(&w, &(struct message_reload){0});

	if (error == SR_OK)
		error = control_ask_handing(fd, CONTROL_MONITOR, bytes,
		    writer_len(&w), -1, RELOAD_WAIT_MS, MESSAGE_RELOADED,
		    packet, &body, &len);
	if (error == SR_OK)
		error = message_reloaded_decode(body, len, &reloaded);
	if (error != SR_OK)
		return ctl_failed("reload", error);
	print_lines(reloaded.text, reloaded.text_len);
	return error_of_wire(reloaded.error);
}

/* A file with an error may still tell whose strongroomd is to say so. */
static enum sr_error
ask_in_spite(const struct config *config, const char *message)
{
	char path[CONFIG_PATH_MAX];
	enum sr_error error = SR_CONFIG;
	int fd;

	if (config->directory[0] != '\0' &&
	    config_path(config, "run/control", path) == SR_OK &&
	    control_try(path, &fd) == SR_OK) {
		error = ask(fd);
		close(fd);
		/* It may have been mended in between. */
		return error;
	}
	fprintf(stderr, "strongroomctl: %s\n", message);
	return error;
}

enum sr_error
ctl_reload(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	static char message[CONFIG_MESSAGE_MAX];
	const char *path;
	enum sr_error error = ctl_configuration_file(options, &path);
	int fd;

	(void)words;
	if (error != SR_OK)
		return error;
	if (config_load(path, &config, message) != SR_OK)
		return ask_in_spite(&config, message);
	error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = ask(fd);
	close(fd);
	return error;
}
