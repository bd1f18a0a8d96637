/* SPDX-License-Identifier: ISC */
/*
 * The walk over what stays of retired segments.  Must never let a leaf into
 * the tree before all leaves of its file have led to the root that the file
 * names, so that a fault is told of the file it is in.
 */
#include "client/verify/leaves.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/verify/audit.h"
#include "client/verify/audit_log.h"
#include "client/verify/held.h"
#include "common/leaves_file.h"

#define LEAVES_LEN_MAX \
	(LEAVES_FILE_HEADER_LEN + LEAVES_FILE_COUNT_MAX * JOURNAL_LEAF_LEN)

/* A file of leaves in memory. */
struct leaves_held {
	uint32_t number;
	uint64_t first; /* the entry that the segment begins with */
	struct leaves_file file;
	uint8_t *bytes; /* of malloc */
	size_t len;
};

static bool
is_there(const struct verify *verify, const char *name)
{
	char path[4096];
	struct stat status;

	return snprintf(path, sizeof(path), "%s/segment/%s", verify->directory,
		   name) < (int)sizeof(path) &&
	       (lstat(path, &status) == 0 || errno != ENOENT);
}

static bool
leaves_are_there(const struct verify *verify, uint32_t number)
{
	char name[LEAVES_FILE_NAME_MAX];

	return is_there(verify, leaves_file_name(number, name));
}

bool
verify_is_retired(const struct verify *verify, uint32_t number)
{
	return leaves_are_there(verify, number) &&
	       !verify_begun(verify, number);
}

static bool
place_fault(struct verify *verify, const struct leaves_held *held,
    size_t offset, uint64_t seq, const char *what)
{
	char name[LEAVES_FILE_NAME_MAX];

	verify_place(verify, held->number, offset, seq, what);
	return verify_fail(verify, VERIFY_TAMPERED,
	    "segment/%s, offset %zu (entry %llu): %s",
	    leaves_file_name(held->number, name), offset,
	    (unsigned long long)seq, what);
}

/* A fault of the whole file. */
static bool
file_fault(
    struct verify *verify, const struct leaves_held *held, const char *what)
{
	return place_fault(verify, held, 0, held->first, what);
}

static const uint8_t *
leaf_at(const struct leaves_held *held, uint64_t seq)
{
	return held->bytes + leaves_file_offset(&held->file, seq);
}

static bool
leaf_fault(struct verify *verify, const struct leaves_held *held, uint64_t seq,
    const char *what)
{
	return place_fault(verify, held,
	    (size_t)leaves_file_offset(&held->file, seq), seq, what);
}

/* What is wrong with the header, or with the length; NULL: nothing. */
static const char *
header_fault(const struct verify *verify, const struct leaves_held *held)
{
	const struct leaves_file *file = &held->file;

	if (memcmp(file->bank_id, verify->bank.bank_id, 32) != 0)
		return "leaves of another bank";
	if (file->segment != held->number)
		return "leaves of another segment";
	if (held->len < leaves_file_len(file))
		return "there are less leaves than its header says: cut?";
	if (held->len > leaves_file_len(file))
		return "bytes after the last leaf";
	return NULL;
}

/* The file, with its header checked; the caller frees bytes, always. */
static bool
read_leaves(struct verify *verify, uint32_t number, uint64_t first,
    struct leaves_held *held)
{
	char name[LEAVES_FILE_NAME_MAX];
	const char *fault;
	enum sr_error error;

	held->number = number;
	held->first = first;
	held->bytes = verify_read_file(verify, number,
	    leaves_file_name(number, name), LEAVES_LEN_MAX, &held->len);
	if (held->bytes == NULL)
		return false;
	if (held->len < LEAVES_FILE_HEADER_LEN)
		return file_fault(
		    verify, held, "a length that no leaves have: cut?");
	error = leaves_file_decode(held->bytes, &held->file);
	/* with its crc right it is no accident */
	if (error == SR_VERSION && leaves_file_crc_right(held->bytes))
		return verify_fail(verify, VERIFY_COULD_NOT, "segment/%s: %s",
		    name, error_sentence(error));
	if (error != SR_OK)
		return file_fault(verify, held, "a damaged header of leaves");
	fault = header_fault(verify, held);
	return fault == NULL || file_fault(verify, held, fault);
}

/*
 * The leaf that differs from what public/tile has of it, where that is there;
 * false: none is known.
 */
static bool
differs_from_tile(
    struct verify *verify, const struct leaves_held *held, uint64_t *seq)
{
	static uint8_t bundle[TILES_BUNDLE_LEN];
	uint64_t end = held->file.first_seq + held->file.count;
	struct tile tile = {.level = TILES_ENTRIES, .width = TILES_WIDTH};
	uint64_t have = UINT64_MAX;

	for (*seq = held->file.first_seq; *seq < end; ++*seq) {
		size_t at = (size_t)(*seq % TILES_WIDTH) * TILES_ENTRY_LEN + 2;
		char name[TILES_PATH_MAX], path[4096];
		FILE *in;

		tile.index = *seq / TILES_WIDTH;
		if (have != tile.index) {
			tile_path(&tile, name);
			if (snprintf(path, sizeof(path), "%s/public/%s",
				verify->directory, name) >= (int)sizeof(path))
				return false;
			in = verify_open_regular(path);
			if (in == NULL || fread(bundle, 1, sizeof(bundle),
					      in) != sizeof(bundle)) {
				if (in != NULL)
					fclose(in);
				return false;
			}
			fclose(in);
			have = tile.index;
		}
		if (memcmp(bundle + at, leaf_at(held, *seq),
			JOURNAL_LEAF_LEN) != 0)
			return true;
	}
	return false;
}

/* Whether all leaves lead from the tree so far to the root after them. */
static bool
leads_there(struct verify *verify, const struct leaves_held *held)
{
	const struct leaves_file *file = &held->file;
	struct merkle_frontier tree = verify->tree;
	struct journal_leaf leaf;
	uint64_t seq;

	if (leaves_file_begins(file, &tree) != SR_OK)
		return file_fault(verify, held,
		    "leaves that do not continue the segment before");
	while (tree.size < file->first_seq + file->count)
		if (leaves_file_append(
			file, leaf_at(held, tree.size), &tree, &leaf) != SR_OK)
			return leaf_fault(verify, held, tree.size,
			    "what stands there is not the leaf of this entry");
	if (leaves_file_ends(file, &tree) == SR_OK)
		return true;
	if (differs_from_tile(verify, held, &seq))
		return leaf_fault(verify, held, seq,
		    "the leaves lead to another root than the header says, "
		    "and this one is not that of public/tile");
	return file_fault(verify, held,
	    "the leaves lead to another root than the header says");
}

/* Whether a checkpoint of that size is known from elsewhere. */
static bool
is_known(const struct verify *verify, uint64_t size)
{
	const struct held_receipt *held = held_next_head(verify);
	bool known = verify->published.size == size ||
		     (held != NULL && held->size == size);

	for (size_t i = 0; i < verify->since_count; i++)
		known = known || verify->since[i].checkpoint.size == size;
	return known;
}

/* One leaf, in the place of the entry. */
static bool
take_leaf(struct verify *verify, const struct leaves_held *held,
    const uint8_t *bytes, struct verify_segment *out)
{
	uint64_t seq = verify->tree.size;
	struct journal_leaf leaf;
	struct journal_header header = {.seq = seq};
	size_t offset = (size_t)leaves_file_offset(&held->file, seq);
	const char *fault;
	uint8_t hash[32], root[32];

	if (journal_leaf_decode(bytes, &leaf) != SR_OK)
		return leaf_fault(verify, held, seq, "no leaf");
	if (leaf.time_ms < verify->last_ms)
		return leaf_fault(verify, held, seq, "time runs backwards");
	memcpy(header.commitment, leaf.commitment, sizeof(header.commitment));
	fault = verify_restore_entry(verify, &header);
	merkle_leaf_hash(bytes, JOURNAL_LEAF_LEN, hash);
	if (fault == NULL)
		fault = held_entry(verify, hash);
	if (fault != NULL)
		return leaf_fault(verify, held, seq, fault);
	if (leaves_file_append(&held->file, bytes, &verify->tree, &leaf) !=
	    SR_OK)
		return leaf_fault(verify, held, seq, "the tree is full");
	if (!verify_tiles_entry(verify, bytes))
		return false;
	if (verify->audit_log != NULL && !audit_log_leaf(verify, &leaf))
		return false;
	verify->last_ms = leaf.time_ms;
	if (out->entries++ == 0)
		out->first_ms = leaf.time_ms;
	out->last_ms = leaf.time_ms;
	/* where batches ended is not known any more */
	if (!is_known(verify, verify->tree.size))
		return true;
	merkle_frontier_root(&verify->tree, root);
	return verify_meet(verify, held->file.segment, offset, root);
}

static bool
take_leaves(struct verify *verify, const struct leaves_held *held)
{
	const struct leaves_file *file = &held->file;
	struct verify_segment segment = {.number = file->segment,
	    .first = file->first_seq,
	    .used_len = held->len,
	    .retired = true};

	while (verify->tree.size < file->first_seq + file->count) {
		uint64_t seq = verify->tree.size;

		if (!take_leaf(verify, held, leaf_at(held, seq), &segment))
			return false;
	}
	verify->committed = verify->tree;
	verify->retired = file->segment + 1;
	verify->retired_entries += file->count;
	verify_print_segment(verify, &segment);
	return true;
}

bool
verify_leaves(struct verify *verify, uint32_t number)
{
	struct leaves_held held;
	bool good;

	verify->in_leaves = true;
	good = read_leaves(verify, number, verify->tree.size, &held) &&
	       leads_there(verify, &held) && take_leaves(verify, &held);
	verify->in_leaves = false;
	free(held.bytes);
	if (good && verify->audit != NULL)
		audit_retired(verify->audit, number);
	return good;
}

/* The roots that the leaves of a whole segment have. */
static bool
roots_agree(const struct verify *verify, const struct leaves_held *held,
    const uint8_t *bytes)
{
	struct journal_segment header;

	return journal_segment_decode(bytes, &header) == SR_OK &&
	       memcmp(held->file.before, header.root, 32) == 0 &&
	       leaves_file_ends(&held->file, &verify->tree) == SR_OK;
}

bool
verify_leaves_agree(struct verify *verify, const struct verify_segment *segment,
    const uint8_t *bytes, size_t len)
{
	static const char others[] =
	    "the segment's .log is there, too, and has other entries";
	struct journal_frame frame;
	struct journal_leaf leaf;
	uint8_t right[JOURNAL_LEAF_LEN];
	struct leaves_held held;
	bool good;

	if (!leaves_are_there(verify, segment->number))
		return true;
	verify->in_leaves = true;
	good = read_leaves(verify, segment->number, segment->first, &held);
	if (good && (held.file.first_seq != segment->first ||
			held.file.count != segment->entries))
		good = file_fault(verify, &held, others);
	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN;
	     good && at < segment->used_len; at += frame.frame_len) {
		if (journal_frame_parse(bytes + at, len - at, &frame) != SR_OK)
			break;
		if (frame.header.type != JOURNAL_ENTRY)
			continue;
		journal_frame_leaf(&frame, &leaf);
		journal_leaf_encode(&leaf, right);
		if (memcmp(leaf_at(&held, leaf.seq), right, sizeof(right)) != 0)
			good = leaf_fault(verify, &held, leaf.seq,
			    "the segment's .log is there, too, and has another "
			    "entry");
	}
	if (good && !roots_agree(verify, &held, bytes))
		good = file_fault(verify, &held, others);
	verify->in_leaves = false;
	free(held.bytes);
	return good;
}
