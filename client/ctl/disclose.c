/* SPDX-License-Identifier: ISC */
/*
 * What is disclosed to auditors: keys of segments and of snapshots.  The file
 * that results is useless to everybody but the auditor.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/retire.h"
#include "client/plural.h"
#include "common/disclosure.h"
#include "common/entry.h"
#include "common/name.h"
#include "gen/messages.h"

/* Which segments, and which snapshot. */
struct segment_range {
	bool any;
	uint32_t first;
	uint32_t last;
	bool open; /* up to the one that is being written when that is done */
	uint32_t snapshot; /* 0: none, unless it is the last one */
	bool last_snapshot;
};

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
	range->any = true;
	range->first = (uint32_t)first;
	range->last = (uint32_t)last;
	return SR_OK;
}

/* "7", or "last". */
static enum sr_error
take_snapshot(const char *text, struct segment_range *range)
{
	uint64_t number;

	range->last_snapshot = strcmp(text, "last") == 0;
	if (range->last_snapshot)
		return SR_OK;
	if (!config_number(text, strlen(text), &number) || number == 0 ||
	    number > UINT32_MAX) {
		fprintf(stderr,
		    "strongroomctl: --snapshot %s: it is the number of a "
		    "snapshot, or last\n",
		    text);
		return SR_USAGE;
	}
	range->snapshot = (uint32_t)number;
	return SR_OK;
}

/* The number of the last snapshot; 0 when there is none. */
static enum sr_error
newest_snapshot(int control, uint32_t *number)
{
	struct ctl_retention retention;
	enum sr_error error = ctl_retention_get(control, &retention);

	if (error != SR_OK)
		return ctl_failed("the bank's snapshots", error);
	*number = retention.newest.number;
	if (*number == 0) {
		fprintf(stderr,
		    "strongroomctl: the bank has made no snapshot yet; the "
		    "first comes when a segment of the journal is full\n");
		return SR_NOT_FOUND;
	}
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

/* The question for one. */
static enum sr_error
ask_for_one(struct writer *w, const char *name, uint32_t number, bool snapshot)
{
	struct message_disclosure_get segment = {.segment = number,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};
	struct message_snapshot_disclosure_get books = {.snapshot = number,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};

	return snapshot ? message_snapshot_disclosure_get_encode(w, &books)
			: message_disclosure_get_encode(w, &segment);
}

/* Where a bank's records begin that has retired others. */
static void
tell_first(int control)
{
	struct ctl_retention retention;

	if (ctl_retention_get(control, &retention) == SR_OK &&
	    retention.cut.number != 0)
		fprintf(stderr,
		    "strongroomctl: the first that is left is segment %" PRIu32
		    "; --snapshot %" PRIu32 " has the books before it\n",
		    retention.cut.segment, retention.cut.number);
}

/* One segment's or snapshot's key from keyd. */
static enum sr_error
disclose_one(int control, const char *name, uint32_t segment, bool snapshot,
    struct disclosure_item *item, uint8_t auditor[32])
{
	uint8_t bytes[MESSAGE_DISCLOSURE_GET_MAX], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_disclosure answer = {0};
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = ask_for_one(&w, name, segment, snapshot);

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
		fprintf(stderr, "strongroomctl: %s %" PRIu32 " to %s: %s\n",
		    snapshot ? "snapshot" : "segment", segment, name,
		    error == SR_BUDGET
			? "as many keys as keyd discloses in an hour are out"
		    : error == SR_NOT_FOUND
			? "there is no such segment, or no such auditor"
			: error_sentence(error));
		if (error == SR_RETIRED)
			tell_first(control);
		return error;
	}
	item->segment = segment;
	item->snapshot = snapshot;
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

/* One more of them at the end of *bytes. */
static enum sr_error
append(struct disclosure_header *header, uint8_t **bytes,
    const struct disclosure_item *item)
{
	size_t at =
	    DISCLOSURE_HEADER_LEN + (size_t)header->count * DISCLOSURE_ITEM_LEN;
	uint8_t *grown = realloc(*bytes, at + DISCLOSURE_ITEM_LEN);

	if (grown == NULL)
		return ctl_failed("disclose", SR_MEMORY);
	*bytes = grown;
	if (header->count == DISCLOSURE_ITEMS_MAX)
		return ctl_failed("disclose", SR_TOO_LARGE);
	disclosure_item_encode(item, *bytes + at);
	header->count++;
	return SR_OK;
}

/*
 * All of them into *bytes, which the caller frees; the snapshot stands behind
 * the segments.  A disclosure is itself an entry, and may be what begins a
 * segment, so the snapshot's comes first.
 */
static enum sr_error
disclose_all(int control, const char *name, struct segment_range *range,
    struct disclosure_header *header, uint8_t **bytes)
{
	struct disclosure_item books, item;
	enum sr_error error = SR_OK;

	if (range->last_snapshot)
		error = newest_snapshot(control, &range->snapshot);
	if (error == SR_OK && range->snapshot != 0)
		error = disclose_one(control, name, range->snapshot, true,
		    &books, header->auditor);
	for (uint32_t segment = range->first; range->any && error == SR_OK;
	     segment++) {
		error = disclose_one(
		    control, name, segment, false, &item, header->auditor);
		if (error == SR_OK)
			error = append(header, bytes, &item);
		if (error == SR_OK && range->open)
			error = open_segment(control, &range->last);
		if (segment >= range->last)
			break;
	}
	if (error == SR_OK && range->snapshot != 0)
		error = append(header, bytes, &books);
	if (error == SR_OK)
		disclosure_header_encode(header, *bytes);
	return error;
}

static enum sr_error
disclose_check(const struct ctl_options *options, struct segment_range *range)
{
	enum sr_error error;

	if ((options->segments == NULL && options->snapshot == NULL) ||
	    options->to == NULL || options->out == NULL) {
		fprintf(stderr,
		    "strongroomctl: --segments A-B or --snapshot N, --to NAME "
		    "and --out FILE are needed\n");
		return SR_USAGE;
	}
	*range = (struct segment_range){0};
	error = options->segments != NULL
		    ? take_segments(options->segments, range)
		    : SR_OK;
	if (error == SR_OK && options->snapshot != NULL)
		error = take_snapshot(options->snapshot, range);
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
		    "the keys of %" PRIu32 " segment%s%s are in %s, for %s "
		    "only\n",
		    header.count - (range.snapshot != 0),
		    plural(header.count - (range.snapshot != 0)),
		    range.snapshot != 0 ? " and of the snapshot" : "",
		    options->out, options->to);
	if (control >= 0)
		close(control);
	free(bytes);
	return error;
}
