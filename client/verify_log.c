/* SPDX-License-Identifier: ISC */
/*
 * The walk over the journal: every frame, every hash, every batch.  It must
 * never believe a length it has not checked, and never end without a verdict.
 */
#include "client/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_STEP 4096u /* lengths of segments are multiples of it */

/* Where a fault is, as it is told. */
struct place {
	uint32_t segment;
	size_t offset;
};

static bool
log_fail(struct verify *verify, struct place place, const char *what)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];

	return verify_fail(verify, VERIFY_TAMPERED,
	    "segment/%s, offset %zu (entry %" PRIu64 "): %s",
	    journal_segment_name(place.segment, name), place.offset,
	    verify->tree.size, what);
}

/*
 * A checkpoint known from outside the walk is met when the walk passes its
 * size with its root.
 */
static bool
log_meet(struct verify *verify, struct place place, const uint8_t root[32],
    const struct checkpoint *known, bool *met)
{
	if (known->size == 0 || known->size != verify->tree.size)
		return true;
	if (memcmp(known->root, root, 32) != 0)
		return log_fail(verify, place,
		    "forked: keyd signed another history of this length");
	*met = true;
	return true;
}

/* The signature in a COMMIT is that of the checkpoint before its batch. */
static bool
log_previous(struct verify *verify, struct place place,
    const struct journal_commit *commit)
{
	struct checkpoint previous = {.size = verify->committed.size};

	if (previous.size == 0)
		return true;
	note_origin(
	    verify->bank.bank_id, commit->previous_epoch, previous.origin);
	merkle_frontier_root(&verify->committed, previous.root);
	if (verify_signed(verify, &previous, commit->previous_signature) !=
	    SR_OK)
		return log_fail(
		    verify, place, "the batch before is not signed by keyd");
	if (previous.size > verify->signed_size)
		verify->signed_size = previous.size;
	return true;
}

static bool
log_commit(struct verify *verify, struct place place,
    const struct journal_frame *frame)
{
	struct journal_commit commit;
	uint8_t root[32];

	if (journal_commit_decode(frame, &commit) != SR_OK)
		return log_fail(verify, place, "a damaged COMMIT");
	merkle_frontier_root(&verify->tree, root);
	if (!verify->batch_open ||
	    commit.first_leaf != verify->committed.size ||
	    commit.last_leaf + 1 != verify->tree.size ||
	    commit.size != verify->tree.size ||
	    frame->header.seq != verify->tree.size ||
	    frame->header.time_ms != verify->last_ms)
		return log_fail(
		    verify, place, "a COMMIT that does not close its batch");
	if (memcmp(commit.root, root, sizeof(root)) != 0)
		return log_fail(verify, place,
		    "the tree recomputed from the entries has another root "
		    "than this COMMIT");
	if (!log_previous(verify, place, &commit) ||
	    !log_meet(verify, place, root, &verify->published,
		&verify->published_met) ||
	    !log_meet(verify, place, root, &verify->since, &verify->since_met))
		return false;
	verify->committed = verify->tree;
	verify->batch_open = false;
	verify->batches++;
	return true;
}

static bool
log_entry(struct verify *verify, struct place place,
    const struct journal_frame *frame)
{
	struct journal_leaf leaf;
	uint8_t hash[32];

	if (frame->header.seq != verify->tree.size)
		return log_fail(
		    verify, place, "an entry out of its place in the sequence");
	if (frame->header.time_ms < verify->last_ms)
		return log_fail(verify, place, "time runs backwards");
	journal_frame_leaf(frame, &leaf);
	journal_leaf_hash(&leaf, hash);
	if (merkle_frontier_append(&verify->tree, hash) != SR_OK)
		return log_fail(verify, place, "the tree is full");
	verify->last_ms = frame->header.time_ms;
	verify->batch_open = true;
	return true;
}

static bool
log_header(
    struct verify *verify, struct place place, const uint8_t *bytes, size_t len)
{
	struct journal_segment header;
	uint8_t root[32];
	enum sr_error error;

	if (len < JOURNAL_SEGMENT_HEADER_LEN || len % SEGMENT_STEP != 0 ||
	    len > JOURNAL_SEGMENT_MAX_LEN)
		return log_fail(
		    verify, place, "a length that no segment has: cut?");
	error = journal_segment_decode(bytes, &header);
	if (error == SR_VERSION)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "segment %" PRIu32 " was written by a later version",
		    place.segment);
	if (error != SR_OK)
		return log_fail(verify, place, "a damaged segment header");
	if (memcmp(header.bank_id, verify->bank.bank_id, 32) != 0)
		return log_fail(verify, place, "a segment of another bank");
	merkle_frontier_root(&verify->committed, root);
	if (header.segment != place.segment ||
	    header.first_seq != verify->committed.size ||
	    memcmp(header.root, root, sizeof(root)) != 0)
		return log_fail(verify, place,
		    "a segment that does not continue the one before");
	return true;
}

bool
verify_segment_bytes(struct verify *verify, uint32_t number,
    const uint8_t *bytes, size_t len, struct verify_segment *out)
{
	struct place place = {.segment = number};

	*out = (struct verify_segment){
	    .number = number, .first = verify->tree.size};
	if (!log_header(verify, place, bytes, len))
		return false;
	place.offset = JOURNAL_SEGMENT_HEADER_LEN;
	while (place.offset < len) {
		struct journal_frame frame;
		enum sr_error error = journal_frame_parse(
		    bytes + place.offset, len - place.offset, &frame);

		if (error == SR_NOT_FOUND)
			break;
		if (error == SR_VERSION)
			return verify_fail(verify, VERIFY_COULD_NOT,
			    "segment %" PRIu32 ", offset %zu: a frame of a "
			    "later version",
			    number, place.offset);
		if (error != SR_OK)
			return log_fail(verify, place, "a damaged frame");
		if (frame.header.segment != number)
			return log_fail(
			    verify, place, "a frame of another segment");
		if (frame.header.type == JOURNAL_COMMIT) {
			if (!log_commit(verify, place, &frame))
				return false;
			out->batches++;
		} else {
			if (!log_entry(verify, place, &frame))
				return false;
			if (out->entries++ == 0)
				out->first_ms = verify->last_ms;
			out->last_ms = verify->last_ms;
		}
		place.offset += frame.frame_len;
	}
	out->used_len = place.offset;
	if (place.offset < len &&
	    !journal_all_zero(bytes + place.offset, len - place.offset))
		return log_fail(verify, place,
		    "bytes after the last frame that are not zero");
	return true;
}

/* Reads a whole segment; the caller frees it.  NULL after a verdict. */
static uint8_t *
log_read(struct verify *verify, uint32_t number, size_t *len)
{
	char path[4096], name[JOURNAL_SEGMENT_NAME_MAX];
	struct stat status;
	uint8_t *bytes;
	size_t done = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/segment/%s", verify->directory,
	    journal_segment_name(number, name));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		if (fd < 0 && errno == ENOENT)
			verify_fail(verify, VERIFY_TAMPERED,
			    "segment/%s is missing", name);
		else
			verify_fail(verify, VERIFY_COULD_NOT,
			    "%s cannot be read", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*len = (size_t)status.st_size;
	/* One that is too long is refused by its header's check. */
	if (*len > JOURNAL_SEGMENT_MAX_LEN)
		*len = JOURNAL_SEGMENT_MAX_LEN + 1;
	bytes = malloc(*len + 1);
	while (bytes != NULL && done < *len) {
		ssize_t n = pread(fd, bytes + done, *len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (bytes == NULL || done < *len) {
		verify_fail(
		    verify, VERIFY_COULD_NOT, "%s cannot be read", path);
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* How many segments there are: one more than the highest number. */
static bool
log_count(struct verify *verify, uint32_t *count)
{
	char path[4096];
	struct dirent *entry;
	DIR *directory;

	*count = 0;
	snprintf(path, sizeof(path), "%s/segment", verify->directory);
	directory = opendir(path);
	if (directory == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	while ((entry = readdir(directory)) != NULL) {
		char name[JOURNAL_SEGMENT_NAME_MAX];
		unsigned long number;
		char *end;

		number = strtoul(entry->d_name, &end, 10);
		if (number >= UINT32_MAX || strcmp(end, ".log") != 0 ||
		    strcmp(entry->d_name,
			journal_segment_name((uint32_t)number, name)) != 0)
			continue;
		if ((uint32_t)number >= *count)
			*count = (uint32_t)number + 1;
	}
	closedir(directory);
	if (*count == 0)
		return verify_fail(
		    verify, VERIFY_TAMPERED, "%s holds no segment", path);
	return true;
}

static bool
log_segment(struct verify *verify, uint32_t number)
{
	struct verify_segment segment;
	size_t len;
	uint8_t *bytes = log_read(verify, number, &len);
	bool good;

	if (bytes == NULL)
		return false;
	if (verify->spare_seen || (verify->batch_open && number > 0))
		good = log_fail(verify, (struct place){.segment = number},
		    "a segment after the end of the log");
	else if (number > 0 && journal_all_zero(bytes, len)) {
		verify->spare_seen = true;
		good = true;
	} else {
		good =
		    verify_segment_bytes(verify, number, bytes, len, &segment);
		verify->bytes += len;
		if (good)
			verify_print_segment(verify, &segment);
	}
	free(bytes);
	return good;
}

/* What only the whole walk can tell. */
static bool
log_end(struct verify *verify)
{
	if (verify->published.size > verify->committed.size)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "truncated: keyd signed %" PRIu64
		    " entries, the log holds %" PRIu64,
		    verify->published.size, verify->committed.size);
	if (!verify->published_met)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "forked: public/checkpoint names a size at which no batch "
		    "of this log ends");
	if (verify->since.size > verify->committed.size)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "rolled back: the checkpoint of --since has %" PRIu64
		    " entries, the log holds %" PRIu64,
		    verify->since.size, verify->committed.size);
	if (verify->since.size > 0 && !verify->since_met)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "forked: the checkpoint of --since names a size at which "
		    "no batch of this log ends");
	if (verify->published.size > verify->signed_size)
		verify->signed_size = verify->published.size;
	return true;
}

bool
verify_log(struct verify *verify)
{
	uint32_t count;

	merkle_frontier_init(&verify->tree);
	merkle_frontier_init(&verify->committed);
	if (!log_count(verify, &count))
		return false;
	for (uint32_t number = 0; number < count; number++)
		if (!log_segment(verify, number))
			return false;
	return log_end(verify);
}
