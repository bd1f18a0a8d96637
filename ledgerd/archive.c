/* SPDX-License-Identifier: ISC */
/* Frames of the journal, read back.  Must never change a file. */
#include "ledgerd/archive.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"

void
archive_init(struct archive *archive)
{
	memset(archive, 0, sizeof(*archive));
	for (unsigned i = 0; i < ARCHIVE_OPEN_MAX; i++)
		archive->open[i].file = ENV_NO_FILE;
}

void
archive_close(struct archive *archive, struct env *env)
{
	for (unsigned i = 0; i < ARCHIVE_OPEN_MAX; i++)
		if (archive->open[i].file != ENV_NO_FILE)
			(void)env_close(env, archive->open[i].file);
	free(archive->index);
	sodium_memzero(archive, sizeof(*archive));
	archive_init(archive);
}

enum sr_error
archive_note(
    struct archive *archive, uint64_t leaf, struct journal_position position)
{
	if (leaf % ARCHIVE_STEP != 0)
		return SR_OK;
	if (archive->index_count == archive->index_capacity) {
		uint64_t capacity = archive->index_capacity == 0
					? 1024
					: archive->index_capacity * 2;
		struct journal_position *grown =
		    realloc(archive->index, capacity * sizeof(*grown));

		if (grown == NULL)
			return SR_MEMORY;
		archive->index = grown;
		archive->index_capacity = capacity;
	}
	archive->index[archive->index_count++] = position;
	return SR_OK;
}

/* Opens a segment and fetches its key, giving up another one. */
static enum sr_error
open_segment(
    struct ledgerd *ledgerd, uint32_t number, struct archive_segment **out)
{
	struct archive *archive = &ledgerd->archive;
	struct archive_segment *segment;
	struct journal_segment header;
	enum sr_error error;

	for (unsigned i = 0; i < ARCHIVE_OPEN_MAX; i++) {
		segment = &archive->open[i];
		if (segment->file != ENV_NO_FILE && segment->number == number) {
			*out = segment;
			return SR_OK;
		}
	}
	segment = &archive->open[archive->next];
	archive->next = (archive->next + 1) % ARCHIVE_OPEN_MAX;
	if (segment->file != ENV_NO_FILE)
		(void)env_close(ledgerd->env, segment->file);
	sodium_memzero(segment, sizeof(*segment));
	segment->file = ENV_NO_FILE;
	error = segments_open(&ledgerd->segments, number, ENV_READ,
	    &segment->file, &segment->len, &header);
	if (error == SR_OK)
		error = keyd_segment_key(
		    ledgerd, number, header.salt, segment->key);
	if (error == SR_OK) {
		segment->number = number;
		*out = segment;
		return SR_OK;
	}
	if (segment->file != ENV_NO_FILE)
		(void)env_close(ledgerd->env, segment->file);
	segment->file = ENV_NO_FILE;
	return error == SR_AGAIN ? SR_DAMAGED : error;
}

/* Reads the bytes of the frame at a position and parses them. */
static enum sr_error
read_frame(struct ledgerd *ledgerd, struct journal_position position,
    struct archive_frame *out, struct archive_segment **segment)
{
	enum sr_error error;
	uint64_t len;

	error = open_segment(ledgerd, position.segment, segment);
	if (error != SR_OK)
		return error;
	if (position.offset >= (*segment)->len)
		return SR_NOT_FOUND;
	len = (*segment)->len - position.offset;
	if (len > sizeof(out->bytes))
		len = sizeof(out->bytes);
	error = env_read(ledgerd->env, (*segment)->file, position.offset,
	    out->bytes, (size_t)len);
	if (error != SR_OK)
		return error;
	return journal_frame_parse(out->bytes, (size_t)len, &out->frame);
}

enum sr_error
archive_read(struct ledgerd *ledgerd, struct journal_position position,
    struct archive_frame *out)
{
	struct archive_segment *segment;
	enum sr_error error;

	error = read_frame(ledgerd, position, out, &segment);
	if (error == SR_NOT_FOUND ||
	    (error == SR_OK && out->frame.header.type != JOURNAL_ENTRY))
		error = SR_DAMAGED;
	if (error != SR_OK)
		return error;
	return journal_open(
	    segment->key, &out->frame, out->buffer, &out->plain);
}

enum sr_error
archive_leaf(struct ledgerd *ledgerd, uint64_t leaf, struct archive_frame *out)
{
	const struct archive *archive = &ledgerd->archive;
	struct archive_segment *segment;
	struct journal_position at;
	enum sr_error error;

	if (leaf >= ledgerd->tree.size ||
	    leaf / ARCHIVE_STEP >= archive->index_count)
		return SR_NOT_FOUND;
	at = archive->index[leaf / ARCHIVE_STEP];
	for (;;) {
		error = read_frame(ledgerd, at, out, &segment);
		if (error == SR_NOT_FOUND) {
			at.segment++;
			at.offset = JOURNAL_SEGMENT_HEADER_LEN;
			if (at.segment > ledgerd->segments.number)
				return SR_NOT_FOUND;
			continue;
		}
		if (error != SR_OK)
			return error;
		if (out->frame.header.type == JOURNAL_ENTRY &&
		    out->frame.header.seq == leaf)
			return journal_open(segment->key, &out->frame,
			    out->buffer, &out->plain);
		at.offset += (uint32_t)out->frame.frame_len;
	}
}
