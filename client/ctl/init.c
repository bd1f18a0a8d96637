/* SPDX-License-Identifier: ISC */
/*
 * Founding a bank: the rooms run for the length of the command, behind a
 * socket that only their owner can open.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/addresses.h"
#include "client/ctl/bank_process.h"
#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/hint.h"
#include "client/ctl/layout.h"
#include "client/ctl/place.h"
#include "client/ctl/socket_unit.h"
#include "client/prompt.h"
#include "client/seed.h"
#include "common/certificate.h"
#include "common/entry.h"
#include "common/name.h"
#include "gen/messages.h"

#define FILE_PREFIX "passphrase-file:"
#define CREDENTIAL_PREFIX "credential:"
#define INVITATION_VALID_S 600u
#define OPERATORS 2
#define FIRST_SEGMENTS 2 /* the open one and the next */

struct founding {
	struct ctl_layout layout;
	struct ctl_place place; /* without --dir */
	bool placed;
	struct ctl_addresses addresses;
	char name[BANKFILE_NAME_MAX + 1];
	char unit_text[32];
	char unlock[CONFIG_PATH_MAX + 16];
	struct money_unit unit;
	enum bank_type type;
	int64_t limit_minor; /* of each member, mutual credit; 0: none */
	char configuration[CONFIG_PATH_MAX];
	struct config config;
	struct bank_process process;
	int control;
	struct bankfile bank;
	uint8_t seed[OPERATORS][SEED_LEN];
	uint8_t key[OPERATORS][PUBLIC_KEY_LEN];
};

static const char *const operator_names[OPERATORS] = {
    "operator-1", "operator-2"};

static enum sr_error
init_usage(const char *why)
{
	fprintf(stderr, "strongroomctl: init: %s\n", why);
	return SR_USAGE;
}

/* Cash, or the credit that members give each other. */
static enum sr_error
init_type(const struct ctl_options *options, struct founding *founding)
{
	enum money_fault fault;

	if (options->type != NULL &&
	    strcmp(options->type, "mutual-credit") == 0)
		founding->type = BANK_MUTUAL_CREDIT;
	else if (options->type != NULL && strcmp(options->type, "cash") != 0)
		return init_usage("--type is cash or mutual-credit");
	if (options->limit == NULL)
		return SR_OK;
	if (founding->type != BANK_MUTUAL_CREDIT)
		return init_usage("--limit is for --type mutual-credit");
	fault = money_parse(options->limit, strlen(options->limit),
	    &founding->unit, &founding->limit_minor);
	if (fault == MONEY_FINE)
		return SR_OK;
	fprintf(stderr, "strongroomctl: init: --limit %s: %s\n", options->limit,
	    money_sentence(fault));
	return SR_USAGE;
}

static bool
init_unlock(const char *how, struct ctl_layout *layout)
{
	const char *colon = strchr(how, ':');

	if (colon == NULL || colon[1] == '\0')
		return false;
	if (strncmp(how, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
		layout->passphrase_file = colon + 1;
	else if (strncmp(how, CREDENTIAL_PREFIX, strlen(CREDENTIAL_PREFIX)) ==
		 0)
		layout->credential_file = colon + 1;
	return layout->passphrase_file != NULL ||
	       layout->credential_file != NULL;
}

/* For this one start its directory is what systemd's will be. */
static enum sr_error
init_hand_credential(const struct ctl_layout *layout)
{
	char directory[CONFIG_PATH_MAX];
	const char *slash;
	int n;

	if (layout->credential_file == NULL)
		return SR_OK;
	slash = strrchr(layout->credential_file, '/');
	n = snprintf(directory, sizeof(directory), "%.*s",
	    (int)(slash - layout->credential_file), layout->credential_file);
	if (n < 0 || (size_t)n >= sizeof(directory))
		return ctl_failed(layout->credential_file, SR_TOO_LARGE);
	return setenv("CREDENTIALS_DIRECTORY", n > 0 ? directory : "/", 1) == 0
		   ? SR_OK
		   : SR_MEMORY;
}

/* What is given, or an answer, or what is proposed, into out. */
static enum sr_error
init_ask(const char *given, const char *what, const char *proposed, char *out,
    size_t room)
{
	char question[192];
	enum sr_error error = SR_OK;

	if (given == NULL && prompt_interactive()) {
		snprintf(question, sizeof(question),
		    "%s, which stays for ever [%s]: ", what, proposed);
		error = prompt_line(question, out, room);
		if (error != SR_OK)
			return init_usage("nothing is founded");
		given = out[0] != '\0' ? NULL : proposed;
		if (given == NULL)
			return SR_OK;
	}
	if (snprintf(out, room, "%s", given != NULL ? given : proposed) >=
	    (int)room)
		return init_usage("--name or --unit is too long");
	return SR_OK;
}

/* The name and the unit of a bank that is to lie where systemd starts it. */
static enum sr_error
init_proposed(const struct ctl_options *options, struct founding *founding)
{
	char host[40] = "", name[BANKFILE_NAME_MAX + 1];
	enum sr_error error;

	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
		snprintf(host, sizeof(host), "strongroom");
	snprintf(name, sizeof(name), "Bank of %s",
	    options->instance != NULL ? options->instance : host);
	error = init_ask(options->name, "Name of the bank", name,
	    founding->name, sizeof(founding->name));
	if (error == SR_OK)
		error = init_ask(options->unit,
		    "Unit of its money and its decimals", "EUR:2",
		    founding->unit_text, sizeof(founding->unit_text));
	return error;
}

/* Where it lies, what it is called and what opens it. */
static enum sr_error
init_place(const struct ctl_options *options, struct founding *founding)
{
	struct ctl_layout *layout = &founding->layout;
	const char *name = options->name, *unlock = options->unlock;
	const char *unit = options->unit;
	enum sr_error error;

	layout->directory = options->directory;
	founding->placed = options->directory == NULL;
	if (options->configuration != NULL)
		return init_usage("it makes strongroom.conf itself: --dir D "
				  "says where");
	if (founding->placed) {
		if (options->instance != NULL && options->listen_count == 0)
			return init_usage("--instance needs --listen: a port "
					  "that no other bank has");
		error = ctl_place(options->instance, &founding->place);
		if (error == SR_OK)
			error = init_proposed(options, founding);
		if (error != SR_OK)
			return error;
		layout->directory = founding->place.data;
		layout->configuration = founding->place.configuration;
		name = founding->name;
		unit = founding->unit_text;
		snprintf(founding->unlock, sizeof(founding->unlock),
		    CREDENTIAL_PREFIX "%s", founding->place.credential);
		if (unlock == NULL)
			unlock = founding->unlock;
	} else if (options->instance != NULL) {
		return init_usage("--dir or --instance, not both");
	} else if (name == NULL || unit == NULL || unlock == NULL) {
		return init_usage("with --dir, --name, --unit and --unlock "
				  "are needed");
	}
	if (money_unit_parse(unit, &founding->unit) != SR_OK)
		return init_usage("--unit is a code of 3 to 8 capitals and "
				  "0 to 8 decimals, as in EUR:2");
	if (!init_unlock(unlock, layout))
		return init_usage(
		    "--unlock is passphrase-file:PATH or credential:PATH");
	if (name[strspn(name, " ")] == '\0' ||
	    strlen(name) > BANKFILE_NAME_MAX ||
	    name_display_check(name, strlen(name)) != SR_OK)
		return init_usage("--name is 1 to 64 bytes of text (UTF-8) "
				  "without control characters");
	layout->name = name;
	return SR_OK;
}

/* Everything that can be wrong with the words, before anything is made. */
static enum sr_error
init_arguments(const struct ctl_options *options, struct founding *founding)
{
	struct ctl_layout *layout = &founding->layout;
	enum sr_error error = init_place(options, founding);

	if (error != SR_OK)
		return error;
	if (init_type(options, founding) != SR_OK)
		return SR_USAGE;
	if (strcmp(options->registration, "open") != 0 &&
	    strcmp(options->registration, "invite") != 0 &&
	    strcmp(options->registration, "closed") != 0)
		return init_usage("--registration is open, invite or closed");
	for (size_t i = 0; i < options->listen_count; i++)
		layout->listen[i] = options->listen[i];
	layout->listen_count = options->listen_count;
	if (layout->listen_count == 0) {
		layout->listen[0] = SOCKET_UNIT_ADDRESS;
		layout->listen_count = 1;
	}
	layout->registration = options->registration;
	layout->namespaces = options->namespaces;
	founding->addresses = (struct ctl_addresses){
	    .listen = layout->listen,
	    .listen_count = layout->listen_count,
	    .open = options->open,
	    .open_count = options->open_count,
	};
	return ctl_addresses_check(&founding->addresses);
}

/* Leaf 0, with the operators' keys in it. */
static enum sr_error
init_found(struct founding *founding)
{
	uint8_t bytes[512], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_found found = {
	    .bank_type = (uint8_t)founding->type,
	    .limit = founding->limit_minor,
	    .exponent = founding->unit.exponent,
	    .unit = (const uint8_t *)founding->unit.code,
	    .unit_len = strlen(founding->unit.code),
	    .name = (const uint8_t *)founding->layout.name,
	    .name_len = strlen(founding->layout.name),
	};
	struct message_founded founded;
	const uint8_t *body;
	size_t len;
	enum sr_error error;

	memcpy(found.operator_1, founding->key[0], sizeof(found.operator_1));
	memcpy(found.operator_2, founding->key[1], sizeof(found.operator_2));
	error = message_found_encode(&w, &found);
	if (error == SR_OK)
		error = control_ask(founding->control, CONTROL_LEDGERD, bytes,
		    writer_len(&w), MESSAGE_FOUNDED, packet, &body, &len);
	if (error == SR_OK)
		error = message_founded_decode(body, len, &founded);
	if (error == SR_OK)
		error = error_of_wire(founded.error);
	if (error != SR_OK)
		return ctl_failed("founding", error);
	memcpy(founding->bank.bank_id, founded.bank_id, BANK_ID_LEN);
	return SR_OK;
}

/* The identity key that customers pin. */
static enum sr_error
init_identity(struct founding *founding)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX], id[BANK_ID_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_keyd_status status;
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_keyd_status_get_encode(
	    &w, &(struct message_keyd_status_get){0});

	if (error == SR_OK)
		error = control_ask(founding->control, CONTROL_KEYD, bytes,
		    writer_len(&w), MESSAGE_KEYD_STATUS, packet, &body, &len);
	if (error == SR_OK)
		error = message_keyd_status_decode(body, len, &status);
	if (error == SR_OK) {
		bank_id_of(status.identity, id);
		if (memcmp(id, founding->bank.bank_id, sizeof(id)) != 0)
			error = SR_BANK_KEY;
	}
	if (error != SR_OK)
		return ctl_failed("identity", error);
	memcpy(founding->bank.identity, status.identity, PUBLIC_KEY_LEN);
	return SR_OK;
}

/* What customers connect to. */
static void
init_bank_addresses(struct founding *founding)
{
	const struct ctl_addresses *from = &founding->addresses;
	struct bankfile *bank = &founding->bank;
	const bool open = from->open_count > 0;
	const char *const *list = open ? from->open : from->listen;
	const size_t count = open ? from->open_count : from->listen_count;

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(list[i]);

		/* Port 0 is chosen at each start: run/address tells. */
		if (len >= 2 && strcmp(list[i] + len - 2, ":0") == 0)
			continue;
		snprintf(bank->addresses[bank->address_count++],
		    sizeof(bank->addresses[0]), "%s", list[i]);
	}
}

static enum sr_error
init_bank_file(struct founding *founding)
{
	char path[CONFIG_PATH_MAX], message[BANKFILE_MESSAGE_MAX];
	struct bankfile *bank = &founding->bank;
	const struct ctl_layout *layout = &founding->layout;

	snprintf(bank->name, sizeof(bank->name), "%s", layout->name);
	bank->unit = founding->unit;
	init_bank_addresses(founding);
	if (config_path(&founding->config, "bank.id", path) != SR_OK)
		return SR_TOO_LARGE;
	if (bankfile_write(path, bank, message) != SR_OK) {
		fprintf(stderr, "strongroomctl: %s\n", message);
		return SR_IO;
	}
	return SR_OK;
}

/* The bank behind the socket that only its owner can open. */
static enum sr_error
init_private(const struct config *config, struct bankfile *bank)
{
	char path[CONFIG_PATH_MAX];
	enum sr_error error = ctl_bank(config, bank);
	int n;

	if (error == SR_OK)
		error = config_path(config, "run/private", path);
	if (error != SR_OK)
		return error;
	n = snprintf(
	    bank->addresses[0], sizeof(bank->addresses[0]), "unix:%s", path);
	if (n < 0 || (size_t)n >= sizeof(bank->addresses[0]))
		return ctl_failed(path, SR_TOO_LARGE);
	bank->address_count = 1;
	return SR_OK;
}

/* Registers an operator with the seed whose key stands in leaf 0. */
static enum sr_error
init_operator(struct founding *founding, size_t which)
{
	char path[CONFIG_PATH_MAX], name[32], message[CARD_MESSAGE_MAX];
	struct card card = {0};
	struct bankfile bank;
	struct login_options how = {.bank = &bank};
	struct login_credential credential = {
	    .name = card.name, .password = card.password};
	struct login_registered registered = {0};
	struct login_problem problem = {0};
	struct bank_session session;
	uint8_t invitation[INVITATION_LEN];
	enum sr_error error;

	memcpy(card.bank_id, founding->bank.bank_id, sizeof(card.bank_id));
	memcpy(card.name, operator_names[which],
	    strlen(operator_names[which]) + 1);
	card_draw_password(&card);
	credential.password_len = strlen(card.password);
	error = init_private(&founding->config, &bank);
	if (error == SR_OK)
		error = ctl_ask_invitation(founding->control, card.name,
		    INVITATION_VALID_S, invitation);
	if (error == SR_OK) {
		error = login_register(&how, &credential, founding->seed[which],
		    invitation, NULL, &registered, &problem);
		if (error != SR_OK)
			fprintf(stderr, "strongroomctl: %s\n", problem.message);
	}
	/* The first log-in brings the attestation to the books. */
	if (error == SR_OK)
		error = bank_enter(&session, &how, &credential);
	if (error == SR_OK) {
		bank_leave(&session);
		snprintf(name, sizeof(name), "%s.card", card.name);
		error = config_path(&founding->config, name, path);
	}
	if (error == SR_OK) {
		error = card_write(path, &card, message);
		if (error != SR_OK)
			fprintf(stderr, "strongroomctl: %s\n", message);
	}
	card_wipe(&card);
	sodium_memzero(&registered, sizeof(registered));
	return error;
}

/* A bank that could not even take its operators must not be begun. */
static enum sr_error
init_room(const struct config *config)
{
	uint64_t needed = config->reserve_len +
			  (uint64_t)FIRST_SEGMENTS * config->segment_len;
	struct statvfs space;
	uint64_t free_len;

	if (statvfs(config->directory, &space) != 0)
		return ctl_failed(config->directory, SR_IO);
	free_len = (uint64_t)space.f_bavail * space.f_frsize;
	if (free_len >= needed)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: %s: %" PRIu64 " MiB are free, and a new bank needs "
	    "%" PRIu64 " MiB: two segments of its journal, and [ledgerd] "
	    "reserve, below which it takes no orders\n",
	    config->directory, free_len >> 20, needed >> 20);
	return SR_NO_SPACE;
}

static enum sr_error
init_run(const struct ctl_options *options, struct founding *founding)
{
	struct ctl_options with_configuration = *options;
	enum sr_error error;

	with_configuration.configuration = founding->configuration;
	with_configuration.instance = NULL;
	error = ctl_configuration(&with_configuration, &founding->config);
	if (error == SR_OK)
		error = init_room(&founding->config);
	if (error == SR_OK)
		error = init_hand_credential(&founding->layout);
	if (error == SR_OK)
		error = bank_process_start(
		    &founding->process, founding->configuration, "--init");
	if (error == SR_OK)
		error = ctl_control(&founding->config, &founding->control);
	if (error == SR_OK)
		error = init_found(founding);
	if (error == SR_OK)
		error = init_identity(founding);
	if (error == SR_OK)
		error = init_bank_file(founding);
	for (size_t i = 0; error == SR_OK && i < OPERATORS; i++)
		error = init_operator(founding, i);
	return error;
}

static void
init_draw_operators(struct founding *founding)
{
	for (size_t i = 0; i < OPERATORS; i++) {
		struct seed_keys keys;

		randombytes_buf(founding->seed[i], SEED_LEN);
		seed_keys_derive(
		    founding->seed[i], ATTESTATION_FIRST_EPOCH, &keys);
		memcpy(founding->key[i], keys.signing_public, PUBLIC_KEY_LEN);
		sodium_memzero(&keys, sizeof(keys));
	}
}

static void
init_undo(const struct founding *founding)
{
	static const char *const files[] = {
	    "bank.id", "operator-1.card", "operator-2.card"};
	char path[CONFIG_PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (config_path(&founding->config, files[i], path) == SR_OK)
			(void)unlink(path);
	ctl_layout_undo(&founding->layout);
}

/* How to start it: as a service where it lies in that one's place. */
static void
init_tell_start(
    const struct ctl_options *options, const struct founding *founding)
{
	const struct ctl_layout *layout = &founding->layout;

	if (founding->placed)
		socket_unit_listen(
		    options->instance, layout->listen, layout->listen_count);
	hint_tell_start(&founding->config, layout->credential_file);
	if (founding->placed && options->unlock == NULL)
		fprintf(stderr,
		    "Its keys are opened by %s, which no backup holds: keep a "
		    "copy elsewhere,\nor add another way, with strongroomctl "
		    "seal add or ceremony.\n",
		    layout->credential_file);
}

static void
init_tell(const struct ctl_options *options, const struct founding *founding)
{
	const struct ctl_layout *layout = &founding->layout;

	fprintf(stderr,
	    "%s is founded in %s.\n"
	    "Move operator-1.card and operator-2.card away and apart: whoever "
	    "has both\ncan make money and enrol terminals. No backup holds "
	    "them. Customers need\nbank.id and nothing else.\n"
	    "Registration is %s; [keyd] registration in %s "
	    "changes it.\n",
	    layout->name, layout->directory, layout->registration,
	    founding->configuration);
	if (ctl_addresses_local(&founding->addresses))
		fprintf(stderr,
		    "Only this machine reaches it: --listen and "
		    "--public-address of init are for others;\nstrongroomd(8), "
		    "\"Another address\", moves a bank.\n");
	init_tell_start(options, founding);
}

enum sr_error
ctl_init(const struct ctl_options *options, char *const words[])
{
	static struct founding founding = {.control = -1};
	enum sr_error error = init_arguments(options, &founding);

	(void)words;
	if (error != SR_OK)
		return error;
	if (founding.placed) {
		error = ctl_layout_refuse_bank(&founding.layout);
		if (error == SR_OK)
			error = ctl_addresses_free(
			    &founding.addresses, &founding.place);
		if (error == SR_OK)
			error = ctl_place_make(founding.place.configuration);
		if (error == SR_OK)
			error = ctl_place_make(founding.place.data);
		if (error != SR_OK)
			return error;
	}
	error = ctl_layout_make(&founding.layout, founding.configuration,
	    sizeof(founding.configuration));
	if (error != SR_OK)
		return error;
	init_draw_operators(&founding);
	error = init_run(options, &founding);
	sodium_memzero(founding.seed, sizeof(founding.seed));
	if (founding.control >= 0)
		close(founding.control);
	if (bank_process_stop(&founding.process) != SR_OK && error == SR_OK)
		error = ctl_failed("stopping the new bank", SR_IO);
	if (error != SR_OK) {
		init_undo(&founding);
		return error;
	}
	init_tell(options, &founding);
	return SR_OK;
}
