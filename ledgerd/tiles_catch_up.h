/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_TILES_CATCH_UP_H
#define LEDGERD_TILES_CATCH_UP_H
/* How ledgerd/tiles.h comes to its edge again; for ledgerd/tiles.c only. */
#include "ledgerd/tiles.h"

/* The edge is not that of the tree any more: to be made from that basis. */
void tiles_lose(struct ledgerd *ledgerd, enum tiles_basis basis);

/* A tiles_put, for full and partial tiles; context is the struct ledgerd. */
enum sr_error tiles_put_file(
    void *context, const struct tile *tile, const uint8_t *bytes);

/* From TILES_LOST to TILES_CATCHING_UP. */
void tiles_begin(struct ledgerd *ledgerd);

/* One step: 256 leaves at most, or the comparison at the end. */
enum sr_error tiles_catch_up(struct ledgerd *ledgerd);

/*
 * Looks whether some more of the older tiles are there, in their length, and
 * whether the last 1,024 belong to what is above them; if not, the edge is
 * lost, and everything that is whole its basis.
 */
void tiles_sweep(struct ledgerd *ledgerd);

#endif
