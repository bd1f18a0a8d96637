/* SPDX-License-Identifier: ISC */
/* What could be retired.  Reads only, and opens nothing that is sealed. */
#include "ledgerd/retire_offer.h"

#include <string.h>

#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"

static void
put_snapshot(
    const struct entry_snapshot *snapshot, uint8_t bytes[ENTRY_SNAPSHOT_LEN])
{
	struct writer w = writer_to(bytes, ENTRY_SNAPSHOT_LEN);

	entry_snapshot_write(snapshot, &w);
}

/* A segment's first entry, its time, and the length of its file. */
static enum sr_error
look_at(struct ledgerd *ledgerd, uint32_t number, uint64_t *first,
    uint64_t *time_ms, uint64_t *len)
{
	static uint8_t bytes[JOURNAL_FRAME_MAX];
	struct journal_segment header;
	struct journal_frame frame;
	enum sr_error error;
	env_file file;
	size_t some;

	error = segments_open(
	    &ledgerd->segments, number, ENV_READ, &file, len, &header);
	if (error != SR_OK && error != SR_AGAIN && error != SR_DAMAGED)
		return error;
	if (error == SR_OK) {
		*first = header.first_seq;
		some = *len - JOURNAL_SEGMENT_HEADER_LEN < sizeof(bytes)
			   ? (size_t)(*len - JOURNAL_SEGMENT_HEADER_LEN)
			   : sizeof(bytes);
		error = env_read(ledgerd->env, file, JOURNAL_SEGMENT_HEADER_LEN,
		    bytes, some);
		if (error == SR_OK)
			error = journal_frame_parse(bytes, some, &frame);
		if (error == SR_OK)
			*time_ms = frame.header.time_ms;
	}
	(void)env_close(ledgerd->env, file);
	return error;
}

/* The figures of what lies before the certified snapshot's segment. */
static void
measure(struct ledgerd *ledgerd, struct message_retention *answer)
{
	uint32_t low = ledgerd->snapshots.cut.number != 0
			   ? ledgerd->snapshots.cut.segment
			   : 0;
	uint32_t end = ledgerd->snapshots.certified.segment;
	uint64_t first = 0, next = 0, time_ms, len, bytes = 0;

	answer->first = low;
	if (look_at(ledgerd, low, &first, &answer->from, &len) != SR_OK ||
	    look_at(ledgerd, end, &next, &answer->until, &len) != SR_OK)
		return;
	for (uint32_t i = low; i < end; i++) {
		uint64_t seq;

		if (look_at(ledgerd, i, &seq, &time_ms, &len) == SR_OK)
			bytes += len;
	}
	answer->entries = next - first;
	answer->bytes = bytes;
}

/* Why it cannot be done now. */
static enum sr_error
obstacle(const struct ledgerd *ledgerd, const struct entry_snapshot known[2])
{
	const struct snapshots *snapshots = &ledgerd->snapshots;

	if (snapshots->certified.number == 0)
		return SR_NOT_FOUND;
	if (snapshots->cut.number != 0 &&
	    snapshots->certified.segment <= snapshots->cut.segment)
		return SR_ALREADY;
	if (snapshots->certified.number > known[1].number)
		return SR_NOT_ALLOWED;
	return snapshots->certified.segment == 0 ? SR_ALREADY : SR_OK;
}

enum sr_error
retire_offer(struct ledgerd *ledgerd, struct message_retention *answer)
{
	const struct snapshots *snapshots = &ledgerd->snapshots;
	struct entry_snapshot known[2];
	unsigned count;
	enum sr_error error;

	memset(known, 0, sizeof(known));
	memset(answer, 0, sizeof(*answer));
	error = keyd_snapshots(ledgerd, known, &count);
	if (error != SR_OK)
		return error;
	put_snapshot(&known[0], answer->newest);
	put_snapshot(&known[1], answer->before);
	put_snapshot(&snapshots->certified, answer->certified);
	put_snapshot(&snapshots->cut, answer->cut);
	answer->certified_leaf = snapshots->certified_leaf;
	answer->busy = snapshots->cut.number != 0 &&
		       ledgerd->retire.state != RETIRE_NOTHING;
	answer->obstacle = (uint16_t)obstacle(ledgerd, known);
	if (answer->obstacle == SR_OK || answer->obstacle == SR_NOT_ALLOWED)
		measure(ledgerd, answer);
	return SR_OK;
}
