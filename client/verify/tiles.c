/* SPDX-License-Identifier: ISC */
/*
 * The files of the public tree against the journal.  Must never call a file
 * right of which one byte was not compared.
 */
#include "client/verify/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum look {
	LOOK_RIGHT,
	LOOK_ABSENT,
	LOOK_SHORT, /* right as far as it goes */
	LOOK_VERDICT,
};

/* What a file holds, and perhaps more: *len of at most room bytes. */
static enum look
read_file(struct verify *verify, const char *name, uint8_t *out, size_t room,
    size_t *len)
{
	char path[4096];
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/public/%s", verify->directory,
		name) >= (int)sizeof(path)) {
		verify_fail(verify, VERIFY_COULD_NOT, "the path is too long");
		return LOOK_VERDICT;
	}
	file = verify_open_regular(path);
	if (file == NULL && errno == ENOENT)
		return LOOK_ABSENT;
	if (file == NULL) {
		verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
		return LOOK_VERDICT;
	}
	*len = fread(out, 1, room, file);
	if (ferror(file))
		verify_fail(
		    verify, VERIFY_COULD_NOT, "%s cannot be read", path);
	fclose(file);
	return verify->why[0] != '\0' ? LOOK_VERDICT : LOOK_RIGHT;
}

/* The first len bytes must be these; whole: no others after them. */
static enum look
compare(struct verify *verify, const struct tile *tile, const uint8_t *bytes,
    size_t len, bool whole)
{
	static uint8_t there[TILES_BUNDLE_LEN + 1];
	size_t there_len, step, at = 0;
	char name[TILES_PATH_MAX];
	enum look look;

	tile_path(tile, name);
	look = read_file(verify, name, there, sizeof(there), &there_len);
	if (look != LOOK_RIGHT)
		return look;
	while (at < len && at < there_len && there[at] == bytes[at])
		at++;
	step = len / tile->width;
	if (at == there_len && at < len)
		return LOOK_SHORT;
	if (at == len && (!whole || there_len == len))
		return LOOK_RIGHT;
	if (at == len)
		verify_fail(verify, VERIFY_TAMPERED,
		    "public/%s is longer than the %u %s it is named after",
		    name, tile->width,
		    tile->level == TILES_ENTRIES ? "entries" : "hashes");
	else if (tile->level == TILES_ENTRIES)
		verify_fail(verify, VERIFY_TAMPERED,
		    "public/%s: what it has of entry %llu is not what the "
		    "journal has",
		    name,
		    (unsigned long long)(tile->index * TILES_WIDTH +
					 at / step));
	else
		verify_fail(verify, VERIFY_TAMPERED,
		    "public/%s: its hash %zu is not the one of the journal's "
		    "entries",
		    name, at / step);
	return LOOK_VERDICT;
}

static void
count_missing(struct verify_tiles *tiles, const struct tile *tile)
{
	if (tiles->missing++ == 0)
		tile_path(tile, tiles->first_missing);
}

/* Those partial ones that were published before, as far as they are there. */
static enum sr_error
compare_former(
    struct verify *verify, const struct tile *tile, const uint8_t *bytes)
{
	struct tile former = *tile;

	for (former.width = 1; former.width < tile->width; former.width++)
		switch (
		    compare(verify, &former, bytes, tile_len(&former), true)) {
		case LOOK_VERDICT:
			return SR_DAMAGED;
		case LOOK_RIGHT:
			verify->tiles.checked++;
			break;
		case LOOK_SHORT:
			count_missing(&verify->tiles, &former);
			break;
		case LOOK_ABSENT:
			break;
		}
	return SR_OK;
}

static enum sr_error
compare_put(void *context, const struct tile *tile, const uint8_t *bytes)
{
	struct verify *verify = context;
	struct verify_tiles *tiles = &verify->tiles;
	bool partial = tile->width < TILES_WIDTH;
	struct tile full = *tile;
	enum look look = compare(verify, tile, bytes, tile_len(tile), true);

	/* A running bank may have filled it since. */
	full.width = TILES_WIDTH;
	if (look == LOOK_ABSENT && partial)
		look = compare(verify, &full, bytes, tile_len(tile), false);
	switch (look) {
	case LOOK_VERDICT:
		return SR_DAMAGED;
	case LOOK_RIGHT:
		tiles->checked++;
		break;
	case LOOK_ABSENT:
	case LOOK_SHORT:
		/* what the checkpoint does not name need not be there yet */
		if (tiles->edge.size <= tiles->size)
			count_missing(tiles, tile);
		break;
	}
	return partial ? compare_former(verify, tile, bytes) : SR_OK;
}

void
verify_tiles_begin(struct verify *verify)
{
	struct verify_tiles *tiles = &verify->tiles;
	struct stat status;
	char path[4096];

	tiles->size = verify->published.size;
	tiles->put = compare_put;
	tiles->context = verify;
	tiles->wanted = snprintf(path, sizeof(path), "%s/public/tile",
			    verify->directory) < (int)sizeof(path) &&
			lstat(path, &status) == 0;
}

bool
verify_tiles_entry(struct verify *verify, const uint8_t leaf[JOURNAL_LEAF_LEN])
{
	struct verify_tiles *tiles = &verify->tiles;
	enum sr_error error;

	if (!tiles->wanted || (tiles->ends && tiles->edge.size == tiles->size))
		return true;
	error =
	    tiles_edge_append(&tiles->edge, leaf, tiles->put, tiles->context);
	if (error == SR_OK && tiles->edge.size == tiles->size)
		error = tiles_edge_put_partial(
		    &tiles->edge, 0, tiles->put, tiles->context);
	if (error != SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "the public tree: %s", error_sentence(error));
	return true;
}
