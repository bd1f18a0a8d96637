/* SPDX-License-Identifier: ISC */
/*
 * seal: which ways there are to open the bank's keys, one more, one less.
 * Must never leave a bank that its own configuration cannot start.
 */
#include "client/ctl/seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/layout.h"
#include "client/ctl/shares.h"
#include "client/json.h"
#include "common/utc.h"

#define FILE_PREFIX "passphrase-file:"
#define CREDENTIAL_PREFIX "credential:"

enum { PASSPHRASE_LEAST = 12 }; /* bytes; less is warned of */

static const char only_one[] =
    "there is one way only to open the bank's keys: if it is lost, so is the "
    "bank; `strongroomctl seal add' makes another";

static enum sr_error
seal_usage(const char *why)
{
	fprintf(stderr, "strongroomctl: seal: %s\n", why);
	return SR_USAGE;
}

/* Configuration, control socket, and what there is now. */
static enum sr_error
begin(const struct ctl_options *options, struct config *config, int *control,
    struct sealed *sealed)
{
	enum sr_error error = ctl_configuration(options, config);

	if (error == SR_OK)
		error = ctl_control(config, control);
	if (error != SR_OK)
		return error;
	error = ctl_sealed_get(*control, sealed);
	if (error == SR_OK)
		return SR_OK;
	close(*control);
	return ctl_failed("root.sealed", error);
}

/* Of a bank that is stopped, too: the list needs nobody to open anything. */
static enum sr_error
look(const struct ctl_options *options, struct sealed *sealed)
{
	static struct config config;
	char path[CONFIG_PATH_MAX];
	enum sr_error error = ctl_configuration(options, &config);
	int control;

	if (error == SR_OK)
		error = config_path(&config, "run/control", path);
	if (error != SR_OK)
		return error;
	error = control_try(path, &control);
	if (error == SR_OK) {
		close(control);
	} else if (error == SR_UNREACHABLE) {
		error = ctl_sealed_read(&config, sealed);
		if (error == SR_OK)
			fprintf(stderr, "the bank is stopped; this opens it\n");
		return error;
	}
	error = begin(options, &config, &control, sealed);
	if (error == SR_OK)
		close(control);
	return error;
}

static void
print_json(const struct sealed *sealed)
{
	printf("{\"v\":1,\"set\":%" PRIu32 ",\"envelopes\":[", sealed->set);
	for (size_t i = 0; i < sealed->count; i++) {
		const struct sealed_envelope *envelope = &sealed->envelopes[i];

		printf("%s{\"number\":%u,\"kind\":\"%s\",\"made_ms\":%" PRIu64
		       ",",
		    i > 0 ? "," : "", envelope->number,
		    sealed_kind_name(envelope->kind), envelope->made_ms);
		if (envelope->kind == SEALED_SHARES)
			printf("\"quorum\":%u,\"shares\":%u,"
			       "\"rehearsed\":%s,",
			    envelope->quorum, envelope->shares,
			    envelope->rehearsed ? "true" : "false");
		printf("\"label\":");
		json_string(stdout, envelope->label, strlen(envelope->label));
		printf("}");
	}
	printf("]}\n");
}

static void
print_text(const struct sealed *sealed)
{
	for (size_t i = 0; i < sealed->count; i++) {
		const struct sealed_envelope *envelope = &sealed->envelopes[i];
		char when[UTC_TEXT_MAX] = "by an older version", of[24] = "";

		if (envelope->made_ms != 0)
			(void)utc_day_format(envelope->made_ms, when);
		if (envelope->kind == SEALED_SHARES)
			snprintf(of, sizeof(of), " (%u of %u)",
			    envelope->quorum, envelope->shares);
		printf("%5u  %s%s%s, made %s%s%s\n", envelope->number,
		    sealed_kind_name(envelope->kind), of,
		    ctl_sealed_rehearsed(envelope), when,
		    envelope->label[0] != '\0' ? ": " : "", envelope->label);
	}
}

enum sr_error
ctl_seal(const struct ctl_options *options, char *const words[])
{
	struct sealed sealed;
	enum sr_error error = look(options, &sealed);

	(void)words;
	if (error != SR_OK)
		return error;
	if (options->json)
		print_json(&sealed);
	else
		print_text(&sealed);
	if (sealed.count == 1)
		fprintf(stderr, "%s\n", only_one);
	return SR_OK;
}

static enum sr_error
seal_failed(const char *what, enum sr_error error)
{
	if (error == SR_UNREACHABLE)
		fprintf(stderr,
		    "strongroomctl: no answer from strongroomd: "
		    "`strongroomctl seal' tells what became of it\n");
	else if (error == SR_SEAL_UNSYNCED)
		(void)ctl_failed("root.sealed", error);
	else
		(void)ctl_failed(what, error);
	return error;
}

/* ---- add ----------------------------------------------------------------- */

/* The file that HOW has made anew; NULL: none, or one that was there. */
static const char *
new_file(const char *how)
{
	static const char *const prefixes[] = {CREDENTIAL_PREFIX, FILE_PREFIX};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const size_t len = strlen(prefixes[i]);

		if (strncmp(how, prefixes[i], len) == 0)
			return access(how + len, F_OK) != 0 ? how + len : NULL;
	}
	return NULL;
}

/* A key that opens nothing is not to be kept with care. */
static void
take_back(const char *made, enum sr_error error)
{
	if (made == NULL || error == SR_OK || error == SR_UNREACHABLE ||
	    error == SR_SEAL_UNSYNCED)
		return;
	if (unlink(made) == 0)
		fprintf(stderr, "%s: removed again\n", made);
}

/* What is added, as HOW says. */
static enum sr_error
new_secret(const char *how, struct ctl_unlock_secret *out)
{
	const struct prompt_source source = {.fd = -1};

	*out = (struct ctl_unlock_secret){.kind = SEALED_PASSPHRASE};
	ctl_unlock_guard(out);
	if (strncmp(how, CREDENTIAL_PREFIX, strlen(CREDENTIAL_PREFIX)) == 0) {
		out->kind = SEALED_CREDENTIAL;
		out->len = SEALED_SECRET_LEN;
		return ctl_credential_make(
		    how + strlen(CREDENTIAL_PREFIX), (uint8_t *)out->bytes);
	}
	if (strncmp(how, FILE_PREFIX, strlen(FILE_PREFIX)) == 0) {
		const char *file = how + strlen(FILE_PREFIX);
		enum sr_error error;

		error = ctl_passphrase_make(file);
		return error == SR_OK ? ctl_passphrase_read(file, out) : error;
	}
	if (strcmp(how, "passphrase") != 0)
		return seal_usage("add takes passphrase, passphrase-file:FILE "
				  "or credential:FILE");
	return prompt_new_secret(
	    &source, "New passphrase: ", out->bytes, &out->len);
}

/* Guessing needs no bank: a backup's files will do. */
static void
warn_short(const struct ctl_unlock_secret *secret)
{
	if (secret->kind == SEALED_PASSPHRASE && secret->len < PASSPHRASE_LEAST)
		fprintf(stderr,
		    "strongroomctl: warning: a passphrase of %zu bytes is "
		    "guessed by whoever has a backup; six random words are "
		    "not\n",
		    secret->len);
}

static enum sr_error
add(int control, const struct ctl_seal_change *change)
{
	uint8_t none[SHARE_COUNT_MAX * SHARE_LEN];
	struct sealed sealed;
	enum sr_error error = ctl_seal_change(control, change, none);

	if (error == SR_OK)
		error = ctl_sealed_get(control, &sealed);
	if (error != SR_OK)
		return seal_failed("nothing was added", error);
	fprintf(stderr,
	    "number %u (%s, %s) opens the bank's keys, too; make a backup: "
	    "those from before do not know it\n",
	    sealed.envelopes[sealed.count - 1].number,
	    sealed_kind_name(change->new_kind), change->label);
	return SR_OK;
}

enum sr_error
ctl_seal_add(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	struct ctl_unlock_secret present = {0}, added = {0};
	struct ctl_seal_change change = {.present = &present,
	    .label = options->label,
	    .new_secret = (const uint8_t *)added.bytes};
	const char *made = new_file(words[0]);
	struct sealed sealed;
	enum sr_error error;
	int control;

	if (options->label != NULL &&
	    !sealed_label_valid(options->label, strlen(options->label)))
		return seal_usage("--label is 1 to 31 visible ASCII "
				  "characters, with spaces between them");
	error = begin(options, &config, &control, &sealed);
	if (error != SR_OK)
		return error;
	error = ctl_present_secret(options, &config, &sealed, true, &present);
	if (error == SR_OK)
		error = new_secret(words[0], &added);
	if (error == SR_OK)
		warn_short(&added);
	change.new_kind = added.kind;
	change.new_len = added.len;
	if (options->label == NULL)
		change.label = sealed_kind_name(added.kind);
	if (error == SR_OK)
		error = add(control, &change);
	take_back(made, error);
	sodium_memzero(&present, sizeof(present));
	sodium_memzero(&added, sizeof(added));
	close(control);
	return error;
}

/* ---- remove -------------------------------------------------------------- */

/* The kind with which the configuration starts the bank; 0: with none. */
static enum sealed_kind
configured_kind(const struct config *config)
{
	switch (config->unlock) {
	case CONFIG_UNLOCK_FILE:
	case CONFIG_UNLOCK_ASK:
		return SEALED_PASSPHRASE;
	case CONFIG_UNLOCK_CREDENTIAL:
		return SEALED_CREDENTIAL;
	case CONFIG_UNLOCK_LOCKED:
	case CONFIG_UNLOCK_NONE:
		break;
	}
	return (enum sealed_kind)0;
}

static enum sr_error
still_starts(enum sealed_kind kind)
{
	fprintf(stderr,
	    "strongroomctl: strongroom.conf starts the bank with %s: change "
	    "its section [unlock] first, or open the keys for this with what "
	    "is to stay\n",
	    kind == SEALED_PASSPHRASE ? "this passphrase" : "this credential");
	return SR_IN_HAND;
}

/*
 * What starts the bank must open it afterwards, too: one of that kind goes
 * only when another one of it is in hand, and where the configuration names a
 * file, that one.
 */
static enum sr_error
present_for_removal(const struct ctl_options *options,
    const struct config *config, const struct sealed *sealed,
    const struct sealed_envelope *target, struct ctl_unlock_secret *present)
{
	enum sealed_kind kind = configured_kind(config);
	struct ctl_options configured = *options;
	enum sr_error error;
	size_t alike = 0;

	for (size_t i = 0; i < sealed->count; i++)
		alike += sealed->envelopes[i].kind == kind;
	if (sealed->count == 1)
		return ctl_failed("remove", SR_LAST_ENVELOPE);
	if (target->kind != kind)
		return ctl_present_secret(
		    options, config, sealed, true, present);
	if (alike == 1)
		return still_starts(kind);
	if (config->unlock == CONFIG_UNLOCK_FILE) {
		configured.credential = NULL;
		configured.passphrase_fd = -1;
	}
	error = ctl_unlock_secret(&configured, config, true, present);
	return error == SR_OK && present->kind != kind ? still_starts(kind)
						       : error;
}

static enum sr_error
remove_one(int control, const struct ctl_seal_change *change)
{
	uint8_t none[SHARE_COUNT_MAX * SHARE_LEN];
	enum sr_error error = ctl_seal_change(control, change, none);
	struct sealed sealed;

	if (error == SR_OK)
		error = ctl_sealed_get(control, &sealed);
	if (error != SR_OK)
		return seal_failed("nothing was removed", error);
	fprintf(stderr,
	    "number %u opens the bank's keys no more; copies of root.sealed "
	    "from before, as backups have them, it still opens\n",
	    change->number);
	if (sealed.count == 1)
		fprintf(stderr, "%s\n", only_one);
	return SR_OK;
}

enum sr_error
ctl_seal_remove(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	struct ctl_unlock_secret present = {0};
	struct ctl_seal_change change = {.present = &present};
	const struct sealed_envelope *target = NULL;
	struct sealed sealed;
	enum sr_error error;
	uint64_t number;
	int control;

	if (!config_number(words[0], strlen(words[0]), &number) ||
	    number > UINT16_MAX)
		return seal_usage("remove takes a number that `strongroomctl "
				  "seal' shows");
	error = begin(options, &config, &control, &sealed);
	if (error != SR_OK)
		return error;
	for (size_t i = 0; i < sealed.count; i++)
		if (sealed.envelopes[i].number == number)
			target = &sealed.envelopes[i];
	change.number = (uint16_t)number;
	error = target == NULL ? ctl_failed(words[0], SR_NOT_FOUND)
			       : present_for_removal(options, &config, &sealed,
				     target, &present);
	if (error == SR_OK)
		error = remove_one(control, &change);
	sodium_memzero(&present, sizeof(present));
	close(control);
	return error;
}
