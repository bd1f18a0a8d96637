/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_TILES_FILE_H
#define LEDGERD_TILES_FILE_H
/* The files beneath ledger/public that the tree consists of. */
#include <stdbool.h>

#include "common/env.h"
#include "common/tiles.h"

/*
 * Writes a tile (tile_len() bytes) under its name with .new, and renames it;
 * makes the directories above it.  SR_NO_SPACE, SR_READ_ONLY, SR_IO.
 */
enum sr_error tiles_file_write(
    struct env *env, const struct tile *tile, const uint8_t *bytes);

/* The same with public/checkpoint. */
enum sr_error tiles_file_write_checkpoint(
    struct env *env, const char *note, size_t len);

/* SR_NOT_FOUND, SR_DAMAGED when the file ends before, SR_IO. */
enum sr_error tiles_file_read(struct env *env, const struct tile *tile,
    uint64_t offset, void *out, size_t len);

/* Whether the file is there with the length that it must have. */
bool tiles_file_is_whole(struct env *env, const struct tile *tile);

/* Removes all partial tiles of that index.  As tiles_file_write(). */
enum sr_error tiles_file_remove_partial(
    struct env *env, const struct tile *tile);

#endif
