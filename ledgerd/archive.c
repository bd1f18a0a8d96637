/* SPDX-License-Identifier: ISC */
/* Frames of the journal, read back.  Must never change a file. */
#include "ledgerd/archive.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "ledgerd/commit.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"

enum { HOUR_MS = 3600 * 1000 };

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
	if (archive->index_count == 0)
		archive->index_first = leaf;
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

static bool
find_old_key(const struct archive *archive, uint32_t segment, uint8_t key[32])
{
	for (unsigned i = 0; i < ARCHIVE_OLD_KEYS; i++) {
		const struct archive_key *old = &archive->old_keys[i];

		if (!old->known || old->segment != segment)
			continue;
		memcpy(key, old->key, sizeof(old->key));
		return true;
	}
	return false;
}

static void
keep_old_key(struct archive *archive, uint32_t segment, const uint8_t key[32])
{
	struct archive_key *old = &archive->old_keys[archive->next_old_key];

	archive->next_old_key = (archive->next_old_key + 1) % ARCHIVE_OLD_KEYS;
	old->known = true;
	old->segment = segment;
	memcpy(old->key, key, sizeof(old->key));
}

/*
 * The key of a segment: for the asking, or else by a logged use.  Who was told
 * that there are no more in this hour does not log another question.
 */
static enum sr_error
fetch_key(struct ledgerd *ledgerd, const struct journal_segment *header,
    uint8_t key[32])
{
	struct operation operation = {
	    .code = USE_SEGMENT_KEY, .segment = header->segment};
	struct archive *archive = &ledgerd->archive;
	uint64_t now_ms = env_clock_ms(ledgerd->env);
	enum sr_error error, done;

	if (find_old_key(archive, header->segment, key))
		return SR_OK;
	error = keyd_segment_key(ledgerd, header->segment, header->salt, key);
	if (error != SR_NOT_ALLOWED)
		return error;
	if (now_ms < archive->asks_again_ms ||
	    ledgerd->admission.closed != SR_OK)
		return SR_OLD_RECORDS;
	memcpy(operation.salt, header->salt, sizeof(operation.salt));
	error = commit_operation(ledgerd, &operation, &done);
	if (admission_is_refusal(error)) {
		admission_refused(ledgerd, error);
		return SR_OLD_RECORDS;
	}
	if (error == SR_OK)
		error = done;
	if (error == SR_OLD_RECORDS)
		archive->asks_again_ms = (now_ms / HOUR_MS + 1) * HOUR_MS;
	if (error == SR_OK) {
		memcpy(key, ledgerd->keyd.used.key, 32);
		keep_old_key(archive, header->segment, key);
	}
	sodium_memzero(&ledgerd->keyd.used, sizeof(ledgerd->keyd.used));
	return error;
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
		error = fetch_key(ledgerd, &header, segment->key);
	if (error == SR_OK) {
		segment->number = number;
		segment->first_seq = header.first_seq;
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
archive_find_segment(struct ledgerd *ledgerd, uint64_t leaf, uint32_t *number)
{
	uint32_t low = 0, high = ledgerd->segments.number;
	struct journal_segment header;
	enum sr_error error;
	env_file file;
	uint64_t len;

	/* The first leaf of `low' is not behind it, that of high + 1 is. */
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		error = segments_open(
		    &ledgerd->segments, middle, ENV_READ, &file, &len, &header);
		if (error == SR_OK || error == SR_AGAIN || error == SR_DAMAGED)
			(void)env_close(ledgerd->env, file);
		if (error != SR_OK)
			return error == SR_AGAIN ? SR_DAMAGED : error;
		if (header.first_seq <= leaf)
			low = middle;
		else
			high = middle - 1;
	}
	*number = low;
	return SR_OK;
}

/* Looks through a whole segment once. */
static enum sr_error
make_index(struct ledgerd *ledgerd, uint32_t number,
    struct archive_segment **segment, struct archive_frame *frame)
{
	struct journal_position at = {number, JOURNAL_SEGMENT_HEADER_LEN};
	enum sr_error error;
	uint64_t leaves = 0;

	for (;;) {
		error = read_frame(ledgerd, at, frame, segment);
		if (error == SR_NOT_FOUND)
			return SR_OK;
		if (error != SR_OK)
			return error;
		if (frame->frame.header.type == JOURNAL_ENTRY &&
		    leaves++ % ARCHIVE_STEP == 0) {
			if ((*segment)->index_count == ARCHIVE_SEGMENT_INDEX)
				return SR_DAMAGED;
			(*segment)->index[(*segment)->index_count++] =
			    at.offset;
		}
		at.offset += (uint32_t)frame->frame.frame_len;
	}
}

/* Where to begin to look for a leaf: at most ARCHIVE_STEP leaves before. */
static enum sr_error
find_begin(struct ledgerd *ledgerd, uint64_t leaf, struct journal_position *at,
    struct archive_frame *frame)
{
	const struct archive *archive = &ledgerd->archive;
	struct archive_segment *segment;
	enum sr_error error;
	uint64_t place;

	if (archive->index_count > 0 && leaf >= archive->index_first) {
		place = (leaf - archive->index_first) / ARCHIVE_STEP;
		if (place >= archive->index_count)
			return SR_NOT_FOUND;
		*at = archive->index[place];
		return SR_OK;
	}
	error = archive_find_segment(ledgerd, leaf, &at->segment);
	if (error == SR_OK)
		error = open_segment(ledgerd, at->segment, &segment);
	/* The open one still grows: it has no index of its own. */
	at->offset = JOURNAL_SEGMENT_HEADER_LEN;
	if (error != SR_OK || at->segment == ledgerd->segments.number)
		return error;
	if (segment->index_count == 0)
		error = make_index(ledgerd, at->segment, &segment, frame);
	if (error != SR_OK)
		return error;
	place = (leaf - segment->first_seq) / ARCHIVE_STEP;
	if (leaf < segment->first_seq || place >= segment->index_count)
		return SR_DAMAGED;
	at->offset = segment->index[place];
	return SR_OK;
}

enum sr_error
archive_leaf_from(struct ledgerd *ledgerd, uint64_t leaf,
    struct archive_place *place, struct archive_frame *out, const uint8_t **key)
{
	struct archive_segment *segment;
	struct journal_position *at = &place->at;
	enum sr_error error = SR_OK;

	if (leaf >= ledgerd->tree.size)
		return SR_NOT_FOUND;
	if (!place->known)
		error = find_begin(ledgerd, leaf, at, out);
	if (error != SR_OK)
		return error;
	place->known = true;
	for (;;) {
		error = read_frame(ledgerd, *at, out, &segment);
		if (error == SR_NOT_FOUND) {
			at->segment++;
			at->offset = JOURNAL_SEGMENT_HEADER_LEN;
			if (at->segment > ledgerd->segments.number)
				return SR_NOT_FOUND;
			continue;
		}
		if (error != SR_OK)
			return error;
		at->offset += (uint32_t)out->frame.frame_len;
		if (out->frame.header.type == JOURNAL_ENTRY &&
		    out->frame.header.seq == leaf)
			break;
	}
	*key = segment->key;
	return journal_open(
	    segment->key, &out->frame, out->buffer, &out->plain);
}

enum sr_error
archive_leaf(struct ledgerd *ledgerd, uint64_t leaf, struct archive_frame *out)
{
	struct archive_place place = {.known = false};
	const uint8_t *key;

	return archive_leaf_from(ledgerd, leaf, &place, out, &key);
}
