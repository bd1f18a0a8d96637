/* SPDX-License-Identifier: ISC */
/* Frames of the journal, read back.  Must never change a file. */
#include "ledgerd/archive.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/commit.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"

enum {
	HOUR_MS = 3600 * 1000,
	INDEX_READ_LEN = 64 * 1024, /* at a time; many frames */
};

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

void
archive_forget(struct archive *archive, struct env *env, uint32_t number)
{
	for (unsigned i = 0; i < ARCHIVE_OPEN_MAX; i++) {
		struct archive_segment *segment = &archive->open[i];

		if (segment->file == ENV_NO_FILE || segment->number != number)
			continue;
		(void)env_close(env, segment->file);
		sodium_memzero(segment, sizeof(*segment));
		segment->file = ENV_NO_FILE;
	}
	for (unsigned i = 0; i < ARCHIVE_OLD_KEYS; i++)
		if (archive->old_keys[i].known &&
		    archive->old_keys[i].segment == number)
			sodium_memzero(&archive->old_keys[i],
			    sizeof(archive->old_keys[i]));
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

/* What the asker was given in this hour; NULL when it can have no more. */
static struct archive_asker *
asker_of(struct archive *archive, uint64_t now_ms)
{
	struct archive_asker *asker = archive->askers;

	if (archive->asked_hour != now_ms / HOUR_MS) {
		archive->asked_hour = now_ms / HOUR_MS;
		archive->asker_count = 0;
	}
	for (unsigned i = 0; i < archive->asker_count; i++, asker++)
		if (asker->customer == archive->asker)
			return asker->given < ARCHIVE_SHARE ? asker : NULL;
	if (archive->asker_count == ARCHIVE_ASKERS)
		return NULL;
	/* a place is taken by the first key, not by the question */
	*asker = (struct archive_asker){.customer = archive->asker};
	return asker;
}

/*
 * What fails here is not an old record: the link to keyd, or the batch in which
 * a use is logged.  Nothing more may be acknowledged, whoever asked.
 */
static enum sr_error
fails(struct ledgerd *ledgerd, enum sr_error error)
{
	ledgerd->fatal = error;
	return error;
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
	struct archive_asker *asker = NULL;
	enum sr_error error, done;

	if (find_old_key(archive, header->segment, key))
		return SR_OK;
	error = keyd_segment_key(ledgerd, header->segment, header->salt, key);
	if (error == SR_OK || error == SR_RETIRED)
		return error;
	if (error != SR_NOT_ALLOWED)
		return fails(ledgerd, error);
	if (archive->asker != 0) {
		asker = asker_of(archive, now_ms);
		if (asker == NULL)
			return SR_OLD_RECORDS;
	}
	if (now_ms < archive->asks_again_ms ||
	    ledgerd->admission.closed != SR_OK)
		return SR_OLD_RECORDS;
	memcpy(operation.salt, header->salt, sizeof(operation.salt));
	error = commit_operation(ledgerd, &operation, &done);
	if (admission_is_refusal(error)) {
		admission_refused(ledgerd, error);
		return SR_OLD_RECORDS;
	}
	if (error != SR_OK)
		return fails(ledgerd, error);
	error = done;
	if (error == SR_OLD_RECORDS)
		archive->asks_again_ms = (now_ms / HOUR_MS + 1) * HOUR_MS;
	if (error == SR_OK) {
		memcpy(key, ledgerd->keyd.used.key, 32);
		keep_old_key(archive, header->segment, key);
		if (asker != NULL && asker->given++ == 0)
			archive->asker_count++;
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

/*
 * What lies before the last snapshot no start reads and no order needs: where
 * it is damaged, whoever asked for it is told so, and the bank goes on.  The
 * operators are told, too, once for each segment in a row.
 */
static enum sr_error
old_damage(
    struct ledgerd *ledgerd, bool old, uint32_t segment, enum sr_error error)
{
	struct archive *archive = &ledgerd->archive;
	char name[JOURNAL_SEGMENT_NAME_MAX];

	if (!old || ledgerd->fatal != SR_OK ||
	    (error != SR_DAMAGED && error != SR_CRYPTO && error != SR_VERSION &&
		error != SR_IO))
		return error;
	if (!archive->told || archive->told_segment != segment)
		diag_error("segment/%s, which lies before the last snapshot, "
			   "cannot be read: %s; strongroom-verify tells what "
			   "of it is whole, and a backup has it",
		    journal_segment_name(segment, name), error_sentence(error));
	archive->told = true;
	archive->told_segment = segment;
	return SR_UNREADABLE;
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
	if (error == SR_OK)
		error = journal_open(
		    segment->key, &out->frame, out->buffer, &out->plain);
	return old_damage(ledgerd,
	    position.segment < ledgerd->snapshots.last.segment,
	    position.segment, error);
}

enum sr_error
archive_find_segment(struct ledgerd *ledgerd, uint64_t leaf, uint32_t *number)
{
	uint32_t low = 0, high = ledgerd->segments.number;
	enum sr_error error;
	uint64_t first;

	/* The first leaf of `low' is not behind it, that of high + 1 is. */
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		error = segments_first_seq(&ledgerd->segments, middle, &first);
		if (error != SR_OK)
			return error;
		if (first <= leaf)
			low = middle;
		else
			high = middle - 1;
	}
	*number = low;
	return SR_OK;
}

/* The bytes of a segment from a place on, while its frames are counted. */
struct window {
	uint8_t bytes[INDEX_READ_LEN];
	size_t at;  /* the next frame */
	size_t len; /* of these bytes */
};

/* Reads on where less than a frame is left; what is left may be nothing. */
static enum sr_error
window_fill(struct ledgerd *ledgerd, const struct archive_segment *segment,
    struct window *window, uint32_t offset)
{
	uint64_t left = segment->len - offset;

	if (window->len - window->at >= JOURNAL_FRAME_MAX ||
	    window->len - window->at == left)
		return SR_OK;
	window->at = 0;
	window->len =
	    left < sizeof(window->bytes) ? (size_t)left : sizeof(window->bytes);
	return env_read(
	    ledgerd->env, segment->file, offset, window->bytes, window->len);
}

/* Looks through a whole segment that is open, once and in few reads. */
static enum sr_error
make_index(struct ledgerd *ledgerd, struct archive_segment *segment)
{
	static struct window window;
	uint32_t offset = JOURNAL_SEGMENT_HEADER_LEN;
	struct journal_frame frame;
	enum sr_error error;
	uint64_t leaves = 0;

	window.at = window.len = 0;
	for (;;) {
		error = window_fill(ledgerd, segment, &window, offset);
		if (error == SR_OK && window.at == window.len)
			return SR_OK;
		if (error == SR_OK)
			error = journal_frame_parse(window.bytes + window.at,
			    window.len - window.at, &frame);
		if (error != SR_OK)
			return error == SR_NOT_FOUND ? SR_OK : error;
		if (frame.header.type == JOURNAL_ENTRY &&
		    leaves++ % ARCHIVE_STEP == 0) {
			if (segment->index_count == ARCHIVE_SEGMENT_INDEX)
				return SR_DAMAGED;
			segment->index[segment->index_count++] = offset;
		}
		window.at += frame.frame_len;
		offset += (uint32_t)frame.frame_len;
	}
}

static bool
is_retired(const struct ledgerd *ledgerd, uint32_t segment)
{
	const struct entry_snapshot *cut = &ledgerd->snapshots.cut;

	return cut->number != 0 && segment < cut->segment;
}

/* Where to begin to look for a leaf: at most ARCHIVE_STEP leaves before. */
static enum sr_error
find_begin(struct ledgerd *ledgerd, uint64_t leaf, struct journal_position *at)
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
		/* the leaf may come after what was retired since */
		if (!is_retired(ledgerd, at->segment))
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
		error = make_index(ledgerd, segment);
	if (error != SR_OK)
		return error;
	place = (leaf - segment->first_seq) / ARCHIVE_STEP;
	if (leaf < segment->first_seq || place >= segment->index_count)
		return SR_DAMAGED;
	at->offset = segment->index[place];
	return SR_OK;
}

/* From the end of a segment to the next, if the leaf lies there. */
static enum sr_error
next_segment(
    struct ledgerd *ledgerd, uint64_t leaf, struct journal_position *at)
{
	enum sr_error error;
	uint64_t first;

	if (at->segment >= ledgerd->segments.number)
		return SR_NOT_FOUND;
	error = segments_first_seq(&ledgerd->segments, at->segment + 1, &first);
	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_DAMAGED : error;
	/* it was cut off the end of this one */
	if (first > leaf)
		return SR_DAMAGED;
	at->segment++;
	at->offset = JOURNAL_SEGMENT_HEADER_LEN;
	return SR_OK;
}

/* Errors as of read_frame(). */
static enum sr_error
leaf_from(struct ledgerd *ledgerd, uint64_t leaf, struct archive_place *place,
    struct archive_frame *out, const uint8_t **key)
{
	struct archive_segment *segment;
	struct journal_position *at = &place->at;
	enum sr_error error = SR_OK;

	if (leaf >= ledgerd->tree.size)
		return SR_NOT_FOUND;
	if (!place->known)
		error = find_begin(ledgerd, leaf, at);
	if (error != SR_OK)
		return error;
	place->known = true;
	for (;;) {
		error = read_frame(ledgerd, *at, out, &segment);
		if (error == SR_NOT_FOUND) {
			error = next_segment(ledgerd, leaf, at);
			if (error != SR_OK)
				return error;
			continue;
		}
		if (error != SR_OK)
			return error;
		at->offset += (uint32_t)out->frame.frame_len;
		if (out->frame.header.type != JOURNAL_ENTRY)
			continue;
		if (out->frame.header.seq == leaf)
			break;
		if (out->frame.header.seq > leaf)
			return SR_DAMAGED;
	}
	*key = segment->key;
	return journal_open(
	    segment->key, &out->frame, out->buffer, &out->plain);
}

enum sr_error
archive_leaf_from(struct ledgerd *ledgerd, uint64_t leaf,
    struct archive_place *place, struct archive_frame *out, const uint8_t **key)
{
	enum sr_error error = leaf_from(ledgerd, leaf, place, out, key);

	return old_damage(ledgerd, leaf < ledgerd->snapshots.last.size,
	    place->at.segment, error);
}

enum sr_error
archive_leaf(struct ledgerd *ledgerd, uint64_t leaf, struct archive_frame *out)
{
	struct archive_place place = {.known = false};
	const uint8_t *key;

	return archive_leaf_from(ledgerd, leaf, &place, out, &key);
}
