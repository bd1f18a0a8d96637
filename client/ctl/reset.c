/* SPDX-License-Identifier: ISC */
/*
 * Resets: two operators let a customer who has lost password and recovery code
 * set new ones.  Must never show the code, nor write it anywhere but into a
 * new file of the operator's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/card.h"
#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/hint.h"
#include "client/ctl/names.h"
#include "client/ctl/run.h"
#include "client/reset_text.h"
#include "common/authority.h"
#include "common/name.h"
#include "common/payload.h"
#include "gen/messages.h"

#define DAY_MS UINT64_C(86400000)

/*
 * The code of an approved reset, from keyd.  ledgerd is between: it may have
 * handed keyd the orders for somebody else, so whose the code is keyd says:
 * the owner, "?" for what is no name.
 */
static enum sr_error
ask_code(int control, uint64_t leaf, const char *name,
    struct message_reset_code *code, uint8_t value[RESET_CODE_LEN],
    char owner[PAYLOAD_NAME_MAX + 1])
{
	uint8_t bytes[MESSAGE_RESET_CODE_GET_MAX], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_reset_code_get get = {.leaf = leaf};
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = message_reset_code_get_encode(&w, &get);

	snprintf(owner, PAYLOAD_NAME_MAX + 1, "?");
	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_LEDGERD, bytes, writer_len(&w),
			MESSAGE_RESET_CODE, packet, &body, &body_len);
	if (error == SR_OK)
		error = message_reset_code_decode(body, body_len, code);
	if (error == SR_OK && code->error != SR_OK)
		error = error_of_wire(code->error);
	if (error == SR_OK && code->leaf != leaf)
		error = SR_MALFORMED;
	if (error == SR_OK && name_check(code->name, code->name_len) == SR_OK)
		snprintf(owner, PAYLOAD_NAME_MAX + 1, "%.*s",
		    (int)code->name_len, (const char *)code->name);
	if (error == SR_OK && strcmp(owner, name) != 0)
		error = SR_RESET_OTHER;
	if (error == SR_OK)
		memcpy(value, code->code, RESET_CODE_LEN);
	sodium_memzero(code->code, sizeof(code->code));
	sodium_memzero(packet, sizeof(packet));
	return error;
}

/* A file that was not there; only its owner reads it. */
static enum sr_error
write_code(const char *path, const uint8_t value[RESET_CODE_LEN])
{
	char text[RESET_TEXT_LEN + 1];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool written;

	if (fd < 0)
		return errno == EEXIST ? SR_EXISTS : SR_IO;
	reset_text_write(value, text);
	written =
	    dprintf(fd, "%s\n", text) == RESET_TEXT_LEN + 1 && fsync(fd) == 0;
	if (close(fd) != 0)
		written = false;
	sodium_memzero(text, sizeof(text));
	return written ? SR_OK : SR_IO;
}

static enum sr_error
take_code(const struct ctl_options *options, int control, uint64_t leaf,
    const char *name)
{
	struct message_reset_code code = {0};
	uint8_t value[RESET_CODE_LEN];
	char until[CTL_TIME_TEXT_MAX], owner[PAYLOAD_NAME_MAX + 1];
	enum sr_error error =
	    ask_code(control, leaf, name, &code, value, owner);

	if (error == SR_NOT_FOUND)
		fprintf(stderr,
		    "strongroomctl: entry %" PRIu64
		    " does not approve a reset of anybody who is there\n",
		    leaf);
	else if (error == SR_RESET_OTHER)
		fprintf(stderr,
		    "strongroomctl: entry %" PRIu64
		    " approves the reset of %s, not of %s; a code was drawn "
		    "and is not given out, and one that %s has is void by it.  "
		    "If the entry is right\n"
		    "  %s reset-code %s %" PRIu64
		    " --out CODE\ngives another; if it is not, ledgerd has "
		    "lied\n",
		    leaf, owner, name, owner, hint_ctl(options), owner, leaf);
	else if (error != SR_OK)
		(void)ctl_failed("the reset code", error);
	if (error != SR_OK)
		return error;
	error = write_code(options->out, value);
	sodium_memzero(value, sizeof(value));
	if (error != SR_OK) {
		(void)ctl_failed(options->out, error);
		fprintf(stderr,
		    "the code is lost and void: %s reset-code %s %" PRIu64
		    " --out FILE gives another\n",
		    hint_ctl(options), name, leaf);
		return error;
	}
	fprintf(stderr,
	    "%s is the reset code of %s, customer %" PRIu64
	    ", until %s, once; any former one is void.  Give it to nobody but "
	    "that customer, who runs\n  atm --bank bank.id --user %s reset\n"
	    "Until then nothing changes.  By it account, balance and history "
	    "stay; what is sealed for the former keys, box and stored "
	    "messages, does not open again: who still has the recovery code "
	    "keeps it with `atm recover' instead.\n",
	    options->out, name, code.customer, ctl_time_text(code.until, until),
	    name);
	return SR_OK;
}

/* Everything that can be wrong with the words, before anything happens. */
static enum sr_error
check_words(const struct ctl_options *options)
{
	if ((options->approve != NULL) != (options->out != NULL)) {
		fprintf(stderr,
		    "strongroomctl: --out FILE and --approve CARD go together: "
		    "the code is given out when another operator approves; "
		    "without both the reset is only asked for\n");
		return SR_USAGE;
	}
	return options->out != NULL ? ctl_card_check_out(options->out) : SR_OK;
}

static enum sr_error
check_person(const struct bank_person *person, const char *name)
{
	if (person->role == ROLE_CUSTOMER)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: %s is no customer but logs in with a card: who "
	    "has lost it is revoked and enrolled anew, by another name\n",
	    name);
	return SR_PARAMETERS;
}

/*
 * The request, and the approval where both are there.  Before it takes one the
 * bank looks whether it has new keys of the customer's that its books have not
 * seen: then the request named the old ones, and another one is made.
 */
static enum sr_error
request(struct ctl_run *run, const struct ctl_options *options,
    const char *name, struct bank_person *person, uint64_t *entry)
{
	uint8_t parameters[ORDER_RESET_LEN];
	struct order_reset reset = {.customer = person->customer,
	    .until_ms =
		bank_time_ms(&run->requester) + options->valid_days * DAY_MS};
	struct ordering ask = {.kind = ORDER_RESET,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	char done[CTL_ACCOUNT_TEXT_MAX + 32];
	enum sr_error error;

	snprintf(done, sizeof(done), "%s may be reset", name);
	memcpy(reset.attestation_hash, person->attestation_hash,
	    sizeof(reset.attestation_hash));
	order_reset_encode(&reset, parameters);
	error = ctl_run_request_entry(run, options, &ask, done, entry);
	if (error != SR_ALREADY || ctl_person(run, name, person) != SR_OK ||
	    memcmp(reset.attestation_hash, person->attestation_hash,
		sizeof(reset.attestation_hash)) == 0)
		return error;
	fprintf(stderr,
	    "strongroomctl: %s has newer keys, which the books did not know "
	    "yet: it is asked for once more\n",
	    name);
	memcpy(reset.attestation_hash, person->attestation_hash,
	    sizeof(reset.attestation_hash));
	order_reset_encode(&reset, parameters);
	return ctl_run_request_entry(run, options, &ask, done, entry);
}

enum sr_error
ctl_reset(const struct ctl_options *options, char *const words[])
{
	struct bank_person person = {0};
	struct ctl_run run;
	uint64_t entry = 0;
	enum sr_error error = check_words(options);

	if (error != SR_OK)
		return error;
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = ctl_person(&run, words[0], &person);
	if (error == SR_OK)
		error = check_person(&person, words[0]);
	if (error == SR_OK)
		error = request(&run, options, words[0], &person, &entry);
	if (error == SR_OK && entry != 0)
		error = take_code(options, run.control, entry, words[0]);
	ctl_run_end(&run);
	return error;
}

enum sr_error
ctl_reset_code(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	uint64_t leaf;
	enum sr_error error = ctl_entry(words[1], &leaf);
	int fd;

	if (error != SR_OK)
		return error;
	if (options->out == NULL) {
		fprintf(stderr, "strongroomctl: --out FILE is needed: the code "
				"is shown nowhere else\n");
		return SR_USAGE;
	}
	error = ctl_card_check_out(options->out);
	if (error == SR_OK)
		error = ctl_configuration(options, &config);
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = take_code(options, fd, leaf, words[0]);
	close(fd);
	return error;
}
