/* SPDX-License-Identifier: ISC */
/*
 * Consistency from the public tree.  Believes no tile: what they say must add
 * up to both signed roots.
 */
#include "client/verify/witness_public.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/tiles.h"

struct source {
	struct verify *verify;
	char missing[TILES_PATH_MAX]; /* the tile that is not there */
};

bool
witness_has_journal(const struct verify *verify)
{
	struct stat status;
	char path[4096];

	return snprintf(path, sizeof(path), "%s/segment", verify->directory) <
		   (int)sizeof(path) &&
	       lstat(path, &status) == 0;
}

/* SR_NOT_FOUND unless the file is there with all the bytes of such a tile. */
static enum sr_error
read_tile(const struct source *source, const struct tile *tile,
    uint8_t hashes[TILES_HASHES_LEN])
{
	char path[4096], name[TILES_PATH_MAX];
	size_t len = tile_len(tile);
	FILE *file;
	bool whole;

	tile_path(tile, name);
	if (snprintf(path, sizeof(path), "%s/public/%s",
		source->verify->directory, name) >= (int)sizeof(path))
		return SR_TOO_LARGE;
	file = verify_open_regular(path);
	if (file == NULL)
		return errno == ENOENT ? SR_NOT_FOUND : SR_IO;
	whole = fread(hashes, 1, len, file) == len;
	fclose(file);
	return whole ? SR_OK : SR_NOT_FOUND;
}

/* A merkle_source; of a tile that has grown since, its beginning. */
static enum sr_error
tile_source(void *context, unsigned level, uint64_t index,
    uint8_t hash[MERKLE_HASH_LEN])
{
	static uint8_t hashes[TILES_HASHES_LEN];
	struct source *source = context;
	unsigned first, height, width;
	enum sr_error error = SR_NOT_FOUND;
	struct tile tile;
	uint64_t there;

	tiles_place(level, index, &tile, &first, &height);
	if (tile.level >= TILES_LEVELS)
		return SR_NOT_FOUND;
	there = source->verify->published.size >> TILES_BITS * tile.level;
	if (tile.index > there >> TILES_BITS)
		return SR_NOT_FOUND;
	there -= tile.index << TILES_BITS;
	width = there < TILES_WIDTH ? (unsigned)there : TILES_WIDTH;
	if (first + (1U << height) > width)
		return SR_NOT_FOUND;
	tile.width = width;
	tile_path(&tile, source->missing);
	for (; error == SR_NOT_FOUND && tile.width <= TILES_WIDTH; tile.width++)
		error = read_tile(source, &tile, hashes);
	if (error == SR_OK)
		tile_root(
		    hashes + (size_t)first * MERKLE_HASH_LEN, height, hash);
	return error;
}

enum sr_error
witness_prove(struct verify *verify, uint64_t old_size,
    uint8_t proof[MERKLE_PROOF_MAX * MERKLE_HASH_LEN], size_t *count)
{
	struct source source = {.verify = verify};
	enum sr_error error = merkle_consistency_prove(tile_source, &source,
	    old_size, verify->published.size, proof, count);

	if (error != SR_OK)
		snprintf(verify->why, sizeof(verify->why), "public/%s",
		    source.missing);
	return error;
}

/* Whether the tree of `to' has the one of `from' as its beginning. */
static enum sr_error
continues(struct source *source, const struct checkpoint *from,
    const struct checkpoint *to)
{
	uint8_t proof[MERKLE_PROOF_MAX * MERKLE_HASH_LEN];
	enum sr_error error;
	size_t count;

	error = merkle_consistency_prove(
	    tile_source, source, from->size, to->size, proof, &count);
	if (error != SR_OK)
		return error;
	return merkle_consistency_verify(from->size, from->root, to->size,
		   to->root, proof, count) == SR_OK
		   ? SR_OK
		   : SR_FORKED;
}

static bool
step_failed(struct verify *verify, const struct source *source,
    const struct verify_anchor *last, enum sr_error error)
{
	if (error != SR_FORKED)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "public/%s: %s; the bank makes it again with strongroomctl "
		    "rebuild-tiles",
		    source->missing, error_sentence(error));
	return verify_fail(verify, VERIFY_TAMPERED,
	    "forked: the public tree does not show that the checkpoint "
	    "of %" PRIu64 " entries continues the %" PRIu64
	    " of %s; or files of it are damaged, which the whole ledger "
	    "directory tells",
	    verify->published.size, last->checkpoint.size, last->path);
}

bool
witness_public(struct verify *verify)
{
	const struct verify_anchor *last = &verify->since[0];
	struct checkpoint from = last->checkpoint;
	struct source source = {.verify = verify};
	enum sr_error error = SR_OK;
	size_t first = 0, end = 0;

	if (verify->since_count == 0)
		return true;
	if (!verify_rotated(verify, last->epoch, from.size,
		verify->published_epoch, &first, &end))
		return verify_fail(verify, VERIFY_TAMPERED,
		    "the checkpoint is under another origin than %s: that the "
		    "log goes on there, only the whole ledger directory shows",
		    last->path);
	/* through the last head of each log key, to the one of today */
	for (; error == SR_OK && first < end; first++) {
		const struct restore_note *note = &verify->restore[first].note;
		struct checkpoint to = {.size = note->restored_size};

		memcpy(to.root, note->restored_root, sizeof(to.root));
		error = continues(&source, &from, &to);
		from = to;
	}
	if (error == SR_OK)
		error = continues(&source, &from, &verify->published);
	return error == SR_OK || step_failed(verify, &source, last, error);
}
