/* SPDX-License-Identifier: ISC */
/* The journal's leaves, without keys.  Reads only. */
#include "ledgerd/leaves.h"

#include <string.h>

#include "ledgerd/ledgerd.h"

void
leaves_init(struct leaves *leaves)
{
	memset(leaves, 0, sizeof(*leaves));
	leaves->file = ENV_NO_FILE;
}

void
leaves_close(struct leaves *leaves, struct env *env)
{
	if (leaves->file != ENV_NO_FILE)
		(void)env_close(env, leaves->file);
	leaves->file = ENV_NO_FILE;
}

/* Opens a segment at its first frame. */
static enum sr_error
open_segment(struct ledgerd *ledgerd, struct leaves *leaves, uint32_t number)
{
	struct journal_segment header;
	enum sr_error error;

	leaves_close(leaves, ledgerd->env);
	error = segments_open(&ledgerd->segments, number, ENV_READ,
	    &leaves->file, &leaves->len, &header);
	if (error != SR_OK && leaves->file != ENV_NO_FILE)
		leaves_close(leaves, ledgerd->env);
	if (error != SR_OK)
		return error == SR_AGAIN ? SR_DAMAGED : error;
	leaves->segment = number;
	leaves->at = JOURNAL_SEGMENT_HEADER_LEN;
	leaves->next = header.first_seq;
	leaves->window_len = 0;
	return SR_OK;
}

/* Parses the frame at `at'; SR_NOT_FOUND at the end of the segment. */
static enum sr_error
parse(
    struct ledgerd *ledgerd, struct leaves *leaves, struct journal_frame *frame)
{
	uint64_t end = leaves->window_at + leaves->window_len;
	uint64_t len = leaves->len - leaves->at;
	enum sr_error error;

	if (len > LEAVES_WINDOW_LEN)
		len = LEAVES_WINDOW_LEN;
	if (leaves->at < leaves->window_at || leaves->at > end ||
	    (end < leaves->len && end - leaves->at < JOURNAL_FRAME_MAX)) {
		leaves->window_len = 0;
		error = env_read(ledgerd->env, leaves->file, leaves->at,
		    leaves->window, (size_t)len);
		if (error != SR_OK)
			return error;
		leaves->window_at = leaves->at;
		leaves->window_len = (size_t)len;
		end = leaves->at + len;
	}
	return journal_frame_parse(
	    leaves->window + (leaves->at - leaves->window_at),
	    (size_t)(end - leaves->at), frame);
}

/* The next entry's frame, in this segment or the one after it. */
static enum sr_error
next_entry(
    struct ledgerd *ledgerd, struct leaves *leaves, struct journal_frame *frame)
{
	enum sr_error error;

	for (;;) {
		error = parse(ledgerd, leaves, frame);
		if (error == SR_NOT_FOUND) {
			uint64_t next = leaves->next;

			error =
			    open_segment(ledgerd, leaves, leaves->segment + 1);
			if (error == SR_OK && leaves->next != next)
				error = SR_DAMAGED;
			if (error != SR_OK)
				return error;
			continue;
		}
		if (error != SR_OK)
			return error;
		leaves->at += frame->frame_len;
		if (frame->header.type != JOURNAL_ENTRY)
			continue;
		if (frame->header.seq != leaves->next)
			return SR_DAMAGED;
		leaves->next++;
		return SR_OK;
	}
}

/* Near the leaf, where that is known; else the beginning of its segment. */
static enum sr_error
go_near(struct ledgerd *ledgerd, struct leaves *leaves, uint64_t leaf)
{
	const struct archive *archive = &ledgerd->archive;
	uint64_t place = archive->index_count;
	enum sr_error error;
	uint32_t segment;

	if (leaf >= archive->index_first)
		place = (leaf - archive->index_first) / ARCHIVE_STEP;
	if (place >= archive->index_count) {
		error = archive_find_segment(ledgerd, leaf, &segment);
		return error == SR_OK ? open_segment(ledgerd, leaves, segment)
				      : error;
	}
	error = open_segment(ledgerd, leaves, archive->index[place].segment);
	if (error != SR_OK)
		return error;
	leaves->at = archive->index[place].offset;
	leaves->next = archive->index_first + place * ARCHIVE_STEP;
	return SR_OK;
}

enum sr_error
leaves_seek(struct ledgerd *ledgerd, struct leaves *leaves, uint64_t leaf)
{
	struct journal_frame frame;
	enum sr_error error = SR_OK;

	/* what was read before may since have been written */
	leaves->window_len = 0;
	if (leaves->file != ENV_NO_FILE && leaves->next == leaf)
		return SR_OK;
	error = go_near(ledgerd, leaves, leaf);
	if (error == SR_OK && leaves->next > leaf)
		error = SR_DAMAGED;
	while (error == SR_OK && leaves->next < leaf)
		error = next_entry(ledgerd, leaves, &frame);
	if (error != SR_OK)
		leaves_close(leaves, ledgerd->env);
	return error;
}

enum sr_error
leaves_read(struct ledgerd *ledgerd, struct leaves *leaves,
    uint8_t leaf[JOURNAL_LEAF_LEN])
{
	struct journal_frame frame;
	struct journal_leaf fields;
	enum sr_error error = next_entry(ledgerd, leaves, &frame);

	if (error != SR_OK) {
		leaves_close(leaves, ledgerd->env);
		return error;
	}
	journal_frame_leaf(&frame, &fields);
	journal_leaf_encode(&fields, leaf);
	return SR_OK;
}
