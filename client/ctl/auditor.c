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
#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/run.h"
#include "common/disclosure.h"
#include "common/name.h"
#include "gen/messages.h"

/* Which segments. */
struct segment_range {
	uint32_t first;
	uint32_t last;
	bool open; /* up to the one that is being written when that is done */
};

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
	char done[128];
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
	if (error == SR_OK) {
		snprintf(done, sizeof(done),
		    "%s is enrolled as an auditor; the keys of segments may be "
		    "disclosed to that key",
		    words[0]);
		error = ctl_run_request(&run, options, &ask, done);
	}
	ctl_run_end(&run);
	return error;
}

/* "3", "0-3", or "2-" up to the one that is being written. */
static enum sr_error
take_segments(const char *text, struct segment_range *range)
{
	unsigned long long first, last;
	char *end;

	errno = 0;
	first = strtoull(text, &end, 10);
	last = first;
	range->open = *end == '-' && end[1] == '\0';
	if (range->open)
		end++;
	else if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		last = strtoull(end + 1, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' ||
	    first > last || last >= UINT32_MAX) {
		fprintf(stderr,
		    "strongroomctl: --segments %s: it is A-B, the "
		    "numbers of the first and the last one, or A- "
		    "for all from A on\n",
		    text);
		return SR_USAGE;
	}
	range->first = (uint32_t)first;
	range->last = (uint32_t)last;
	return SR_OK;
}

/* The segment that is being written now. */
static enum sr_error
open_segment(int control, uint32_t *segment)
{
	uint8_t bytes[64], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_ledgerd_status_get get = {0};
	struct message_ledgerd_status status = {0};
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = message_ledgerd_status_get_encode(&w, &get);

	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_LEDGERD, bytes, writer_len(&w),
			MESSAGE_LEDGERD_STATUS, packet, &body, &body_len);
	if (error == SR_OK)
		error = message_ledgerd_status_decode(body, body_len, &status);
	if (error != SR_OK)
		return ctl_failed("the bank's state", error);
	*segment = status.segment;
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
		    : error == SR_NOT_FOUND
			? "there is no such segment, or no such auditor"
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

/*
 * All of them into *bytes, which the caller frees.  A disclosure is itself an
 * entry, and may be what begins a segment.
 */
static enum sr_error
disclose_all(int control, const char *name, struct segment_range *range,
    struct disclosure_header *header, uint8_t **bytes)
{
	enum sr_error error = SR_OK;

	for (uint32_t segment = range->first; error == SR_OK; segment++) {
		size_t at = DISCLOSURE_HEADER_LEN +
			    (size_t)header->count * DISCLOSURE_ITEM_LEN;
		uint8_t *grown = realloc(*bytes, at + DISCLOSURE_ITEM_LEN);
		struct disclosure_item item;

		if (grown == NULL)
			return ctl_failed(name, SR_MEMORY);
		*bytes = grown;
		if (header->count == DISCLOSURE_ITEMS_MAX)
			return ctl_failed(name, SR_TOO_LARGE);
		error = disclose_one(
		    control, name, segment, &item, header->auditor);
		if (error != SR_OK)
			break;
		disclosure_item_encode(&item, *bytes + at);
		header->count++;
		if (range->open)
			error = open_segment(control, &range->last);
		if (segment >= range->last)
			break;
	}
	if (error == SR_OK)
		disclosure_header_encode(header, *bytes);
	return error;
}

static enum sr_error
disclose_check(const struct ctl_options *options, struct segment_range *range)
{
	enum sr_error error;

	if (options->segments == NULL || options->to == NULL ||
	    options->out == NULL) {
		fprintf(stderr, "strongroomctl: --segments A-B, --to NAME and "
				"--out FILE are needed\n");
		return SR_USAGE;
	}
	error = take_segments(options->segments, range);
	if (error != SR_OK)
		return error;
	if (name_check(options->to, strlen(options->to)) != SR_OK)
		return ctl_failed(options->to, SR_NAME);
	if (access(options->out, F_OK) == 0)
		return ctl_failed(options->out, SR_EXISTS);
	return SR_OK;
}

enum sr_error
ctl_disclose(const struct ctl_options *options, char *const words[])
{
	struct disclosure_header header = {0};
	struct segment_range range;
	struct config config;
	struct bankfile bank;
	uint8_t *bytes = NULL;
	int control = -1;
	enum sr_error error = disclose_check(options, &range);

	(void)words;
	if (error == SR_OK)
		error = ctl_configuration(options, &config);
	if (error == SR_OK)
		error = ctl_bank(&config, &bank);
	if (error == SR_OK)
		error = ctl_control(&config, &control);
	if (error == SR_OK) {
		memcpy(header.bank_id, bank.bank_id, sizeof(header.bank_id));
		error =
		    disclose_all(control, options->to, &range, &header, &bytes);
	}
	if (error == SR_OK)
		error = disclose_write(options->out, bytes,
		    DISCLOSURE_HEADER_LEN +
			(size_t)header.count * DISCLOSURE_ITEM_LEN);
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
