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

/* Opens what stays of a retired segment at its first leaf. */
static enum sr_error
open_retired(struct ledgerd *ledgerd, struct leaves *leaves, uint32_t number)
{
	struct leaves_file header;
	enum sr_error error = segments_open_leaves(
	    &ledgerd->segments, number, &leaves->file, &header);

	if (error != SR_OK)
		return error;
	leaves->retired = true;
	leaves->segment = number;
	leaves->len = leaves_file_len(&header);
	leaves->at = LEAVES_FILE_HEADER_LEN;
	leaves->next = header.first_seq;
	leaves->window_len = 0;
	return SR_OK;
}

/* Opens a segment at its first frame, or leaf. */
static enum sr_error
open_segment(struct ledgerd *ledgerd, struct leaves *leaves, uint32_t number)
{
	struct journal_segment header;
	enum sr_error error;

	leaves_close(leaves, ledgerd->env);
	leaves->retired = false;
	error = segments_open(&ledgerd->segments, number, ENV_READ,
	    &leaves->file, &leaves->len, &header);
	if (error == SR_RETIRED)
		return open_retired(ledgerd, leaves, number);
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

/* The bytes at `at', and how many of them the window has. */
static enum sr_error
look(struct ledgerd *ledgerd, struct leaves *leaves, const uint8_t **bytes,
    size_t *have)
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
	*bytes = leaves->window + (leaves->at - leaves->window_at);
	*have = (size_t)(end - leaves->at);
	return SR_OK;
}

/*
 * The leaf of the next entry in this segment, the frame passed by;
 * SR_NOT_FOUND at its end, SR_AGAIN after a frame that has none.
 */
static enum sr_error
take(struct ledgerd *ledgerd, struct leaves *leaves,
    uint8_t leaf[JOURNAL_LEAF_LEN])
{
	struct journal_frame frame;
	struct journal_leaf fields;
	const uint8_t *bytes;
	size_t have;
	enum sr_error error = look(ledgerd, leaves, &bytes, &have);

	if (error != SR_OK)
		return error;
	if (leaves->retired) {
		if (have == 0)
			return SR_NOT_FOUND;
		if (have < JOURNAL_LEAF_LEN ||
		    journal_leaf_decode(bytes, &fields) != SR_OK)
			return SR_DAMAGED;
		leaves->at += JOURNAL_LEAF_LEN;
	} else {
		error = journal_frame_parse(bytes, have, &frame);
		if (error != SR_OK)
			return error;
		leaves->at += frame.frame_len;
		if (frame.header.type != JOURNAL_ENTRY)
			return SR_AGAIN;
		journal_frame_leaf(&frame, &fields);
	}
	if (fields.seq != leaves->next)
		return SR_DAMAGED;
	journal_leaf_encode(&fields, leaf);
	leaves->next++;
	return SR_OK;
}

/* The next entry's leaf, in this segment or the one after it. */
static enum sr_error
next_entry(struct ledgerd *ledgerd, struct leaves *leaves,
    uint8_t leaf[JOURNAL_LEAF_LEN])
{
	enum sr_error error;

	for (;;) {
		error = take(ledgerd, leaves, leaf);
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
		if (error != SR_AGAIN)
			return error;
	}
}

/* What stays of a retired segment is leaves of one length: at that one. */
static void
skip_retired(struct leaves *leaves, uint64_t leaf)
{
	uint64_t count = (leaves->len - leaves->at) / JOURNAL_LEAF_LEN;

	if (leaf > leaves->next && leaf - leaves->next < count) {
		leaves->at += (leaf - leaves->next) * JOURNAL_LEAF_LEN;
		leaves->next = leaf;
	}
}

/* Near the leaf, where that is known; else the beginning of its segment. */
static enum sr_error
go_near(struct ledgerd *ledgerd, struct leaves *leaves, uint64_t leaf)
{
	const struct archive *archive = &ledgerd->archive;
	uint64_t place = archive->index_count;
	enum sr_error error = SR_OK;
	uint32_t segment;

	if (leaf >= archive->index_first)
		place = (leaf - archive->index_first) / ARCHIVE_STEP;
	if (place < archive->index_count)
		segment = archive->index[place].segment;
	else
		error = archive_find_segment(ledgerd, leaf, &segment);
	if (error == SR_OK)
		error = open_segment(ledgerd, leaves, segment);
	if (error != SR_OK)
		return error;
	if (leaves->retired) {
		skip_retired(leaves, leaf);
	} else if (place < archive->index_count) {
		leaves->at = archive->index[place].offset;
		leaves->next = archive->index_first + place * ARCHIVE_STEP;
	}
	return SR_OK;
}

enum sr_error
leaves_seek(struct ledgerd *ledgerd, struct leaves *leaves, uint64_t leaf)
{
	uint8_t passed[JOURNAL_LEAF_LEN];
	enum sr_error error = SR_OK;

	/* what was read before may since have been written */
	leaves->window_len = 0;
	if (leaves->file != ENV_NO_FILE && leaves->next == leaf)
		return SR_OK;
	error = go_near(ledgerd, leaves, leaf);
	if (error == SR_OK && leaves->next > leaf)
		error = SR_DAMAGED;
	while (error == SR_OK && leaves->next < leaf)
		error = next_entry(ledgerd, leaves, passed);
	if (error != SR_OK)
		leaves_close(leaves, ledgerd->env);
	return error;
}

enum sr_error
leaves_read(struct ledgerd *ledgerd, struct leaves *leaves,
    uint8_t leaf[JOURNAL_LEAF_LEN])
{
	enum sr_error error = next_entry(ledgerd, leaves, leaf);

	if (error != SR_OK)
		leaves_close(leaves, ledgerd->env);
	return error;
}
