/* SPDX-License-Identifier: ISC */
/*
 * What every command of strongroomctl begins with: the configuration, the
 * way to the bank, the control socket.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/place.h"
#include "gen/messages.h"

enum sr_error
ctl_failed(const char *what, enum sr_error error)
{
	fprintf(stderr, "strongroomctl: %s: %s%s\n", what,
	    error_sentence(error),
	    error == SR_LOCKED ? "; `strongroomctl unlock' opens it" : "");
	return error;
}

enum sr_error
ctl_configuration_file(const struct ctl_options *options, const char **path)
{
	static struct ctl_place place;
	enum sr_error error;

	*path = options->configuration;
	if (*path != NULL && options->instance != NULL) {
		fprintf(stderr, "strongroomctl: -c or --instance, not both\n");
		return SR_USAGE;
	}
	if (*path != NULL)
		return SR_OK;
	error = ctl_place_find(options->instance, &place);
	*path = place.configuration;
	return error;
}

enum sr_error
ctl_configuration(const struct ctl_options *options, struct config *config)
{
	char message[CONFIG_MESSAGE_MAX];
	const char *path;
	enum sr_error error = ctl_configuration_file(options, &path);

	if (error != SR_OK)
		return error;
	error = config_load(path, config, message);
	if (error != SR_OK)
		fprintf(stderr, "strongroomctl: %s\n", message);
	return error;
}

enum sr_error
ctl_control(const struct config *config, int *fd)
{
	char path[CONFIG_PATH_MAX];

	if (config_path(config, "run/control", path) != SR_OK)
		return SR_TOO_LARGE;
	return control_open(path, fd);
}

enum sr_error
ctl_invitation_get(int fd, const char *name, uint32_t valid_s,
    uint8_t invitation[INVITATION_LEN])
{
	uint8_t bytes[128], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_invite invite = {.valid_s = valid_s,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};
	struct message_invited invited = {0};
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = message_invite_encode(&w, &invite);

	if (error == SR_OK)
		error = control_ask(fd, CONTROL_KEYD, bytes, writer_len(&w),
		    MESSAGE_INVITED, packet, &body, &body_len);
	if (error == SR_OK)
		error = message_invited_decode(body, body_len, &invited);
	if (error == SR_OK && invited.error != SR_OK)
		error = error_of_wire(invited.error);
	if (error == SR_OK)
		memcpy(invitation, invited.invitation, INVITATION_LEN);
	return error;
}

enum sr_error
ctl_ask_invitation(int fd, const char *name, uint32_t valid_s,
    uint8_t invitation[INVITATION_LEN])
{
	enum sr_error error = ctl_invitation_get(fd, name, valid_s, invitation);

	return error == SR_OK ? SR_OK : ctl_failed(name, error);
}

/* The lines of run/address, in place of bank.id's. */
static void
ctl_running_addresses(const struct config *config, struct bankfile *bank)
{
	char path[CONFIG_PATH_MAX], line[BANKFILE_ADDRESS_MAX + 2];
	size_t count = 0;
	FILE *file;

	if (config_path(config, "run/address", path) != SR_OK)
		return;
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (count < BANKFILE_ADDRESSES &&
	       fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			snprintf(bank->addresses[count++],
			    sizeof(bank->addresses[0]), "%.*s",
			    BANKFILE_ADDRESS_MAX, line);
	}
	fclose(file);
	if (count > 0)
		bank->address_count = count;
}

enum sr_error
ctl_bank(const struct config *config, struct bankfile *bank)
{
	char path[CONFIG_PATH_MAX];
	char message[BANKFILE_MESSAGE_MAX] = "the path of bank.id is too long";
	enum sr_error error = config_path(config, "bank.id", path);

	if (error == SR_OK)
		error = bankfile_read(path, bank, message);
	if (error != SR_OK) {
		fprintf(stderr, "strongroomctl: %s\n", message);
		return error;
	}
	ctl_running_addresses(config, bank);
	return SR_OK;
}
