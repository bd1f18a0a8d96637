/* SPDX-License-Identifier: ISC */
/*
 * Auditors: enrolled by two operators, and what is disclosed to them.  The
 * file that results is useless to everybody but the auditor.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/auditor_key.h"
#include "client/control.h"
#include "client/ctl.h"
#include "client/ctl_run.h"
#include "common/disclosure.h"
#include "common/name.h"
#include "gen/messages.h"

enum sr_error
ctl_auditor_add(const struct ctl_options *options, char *const words[])
{
	size_t name_len = strlen(words[0]);
	uint8_t parameters[ORDER_AUDITOR_LEN];
	struct order_auditor auditor = {0};
	struct ordering ask = {.kind = ORDER_AUDITOR_REQUEST,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct ctl_run run;
	enum sr_error error;

	if (name_check(words[0], name_len) != SR_OK)
		return ctl_failed(words[0], SR_NAME);
	error = auditor_key_public("strongroomctl", words[1], auditor.key);
	if (error != SR_OK)
		return error;
	auditor.name_len = (uint8_t)name_len;
	memcpy(auditor.name, words[0], name_len);
	order_auditor_encode(&auditor, parameters);
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = ctl_run_four_eyes(&run, &ask, "enrols");
	if (error == SR_OK)
		fprintf(stderr,
		    "%s is enrolled as an auditor; the keys of segments may be "
		    "disclosed to the key in %s\n",
		    words[0], words[1]);
	ctl_run_end(&run);
	return error;
}

/* "3" or "0-3": the first and the last segment. */
static enum sr_error
take_segments(const char *text, uint32_t *first, uint32_t *last)
{
	unsigned long long number[2];
	char *end;

	errno = 0;
	number[0] = strtoull(text, &end, 10);
	number[1] = number[0];
	if (end != text && *end == '-' && end[1] >= '0' && end[1] <= '9')
		number[1] = strtoull(end + 1, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text < '0' ||
	    *text > '9' || number[0] > number[1] ||
	    number[1] - number[0] >= DISCLOSURE_ITEMS_MAX ||
	    number[1] >= UINT32_MAX) {
		fprintf(stderr,
		    "strongroomctl: --segments %s: it is A-B, the "
		    "numbers of the first and the last one, at "
		    "most 65536\n",
		    text);
		return SR_USAGE;
	}
	*first = (uint32_t)number[0];
	*last = (uint32_t)number[1];
	return SR_OK;
}

/* One segment's key from keyd. */
static enum sr_error
disclose_one(int control, const char *name, uint32_t segment,
    struct disclosure_item *item, uint8_t auditor[32])
{
	uint8_t bytes[MESSAGE_DISCLOSURE_GET_MAX], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_disclosure_get get = {.segment = segment,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};
	struct message_disclosure answer = {0};
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = message_disclosure_get_encode(&w, &get);

	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_LEDGERD, bytes, writer_len(&w),
			MESSAGE_DISCLOSURE, packet, &body, &body_len);
	if (error == SR_OK)
		error = message_disclosure_decode(body, body_len, &answer);
	if (error == SR_OK && answer.error != SR_OK)
		error = error_of_wire(answer.error);
	if (error == SR_OK && answer.segment != segment)
		error = SR_MALFORMED;
	if (error != SR_OK) {
		fprintf(stderr,
		    "strongroomctl: segment %" PRIu32 " to %s: %s\n", segment,
		    name,
		    error == SR_LATER
			? "as many keys as keyd discloses in an hour are out"
			: error_sentence(error));
		return error;
	}
	item->segment = segment;
	memcpy(item->salt, answer.salt, sizeof(item->salt));
	memcpy(item->sealed, answer.sealed, sizeof(item->sealed));
	memcpy(auditor, answer.auditor, 32);
	return SR_OK;
}

static enum sr_error
disclose_write(const char *path, const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool good;

	if (fd < 0)
		return ctl_failed(path, errno == EEXIST ? SR_EXISTS : SR_IO);
	good = write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
	if (close(fd) != 0 || !good)
		return ctl_failed(path, SR_IO);
	return SR_OK;
}

/* All of them into bytes. */
static enum sr_error
disclose_all(int control, const char *name, uint32_t first,
    struct disclosure_header *header, uint8_t *bytes)
{
	enum sr_error error = SR_OK;

	for (uint32_t i = 0; error == SR_OK && i < header->count; i++) {
		struct disclosure_item item;

		error = disclose_one(
		    control, name, first + i, &item, header->auditor);
		if (error == SR_OK)
			disclosure_item_encode(
			    &item, bytes + DISCLOSURE_HEADER_LEN +
				       (size_t)i * DISCLOSURE_ITEM_LEN);
	}
	disclosure_header_encode(header, bytes);
	return error;
}

enum sr_error
ctl_disclose(const struct ctl_options *options, char *const words[])
{
	struct disclosure_header header = {0};
	struct config config;
	struct bankfile bank;
	uint32_t first, last;
	uint8_t *bytes;
	size_t len;
	int control = -1;
	enum sr_error error;

	(void)words;
	if (options->segments == NULL || options->to == NULL ||
	    options->out == NULL) {
		fprintf(stderr, "strongroomctl: --segments A-B, --to NAME and "
				"--out FILE are needed\n");
		return SR_USAGE;
	}
	error = take_segments(options->segments, &first, &last);
	if (error != SR_OK)
		return error;
	if (name_check(options->to, strlen(options->to)) != SR_OK)
		return ctl_failed(options->to, SR_NAME);
	if (access(options->out, F_OK) == 0)
		return ctl_failed(options->out, SR_EXISTS);
	header.count = last - first + 1;
	len =
	    DISCLOSURE_HEADER_LEN + (size_t)header.count * DISCLOSURE_ITEM_LEN;
	bytes = malloc(len);
	if (bytes == NULL)
		return ctl_failed(options->out, SR_MEMORY);
	error = ctl_configuration(options, &config);
	if (error == SR_OK)
		error = ctl_bank(&config, &bank);
	if (error == SR_OK)
		error = ctl_control(&config, &control);
	if (error == SR_OK) {
		memcpy(header.bank_id, bank.bank_id, sizeof(header.bank_id));
		error =
		    disclose_all(control, options->to, first, &header, bytes);
	}
	if (error == SR_OK)
		error = disclose_write(options->out, bytes, len);
	if (error == SR_OK)
		fprintf(stderr,
		    "the keys of %" PRIu32 " segment%s are in %s, for %s "
		    "only\n",
		    header.count, header.count == 1 ? "" : "s", options->out,
		    options->to);
	if (control >= 0)
		close(control);
	free(bytes);
	return error;
}
