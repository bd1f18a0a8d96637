/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H
/*
 * The one bounded reader and writer of the house.  Every decoder goes through
 * it: integers are little-endian, and a read past the end, a reserved byte
 * that is not zero or a value out of range sets `bad`, after which each
 * further read gives zeros.  So a decoder reads a whole message into a struct
 * and asks once, at the end, reader_end().
 *
 * Neither struct owns memory: the caller's bytes must outlive it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

struct writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool bad;
};

/* Reads from the len bytes at bytes. */
struct reader reader_of(const void *bytes, size_t len);

/* One little-endian integer; 0 once the reader is bad. */
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
int64_t reader_i64(struct reader *r);

/* Copies exactly len bytes to out; zeros when they are not there. */
void reader_bytes(struct reader *r, void *out, size_t len);

/* Points into the input at len bytes and passes over them; NULL if not there. */
const uint8_t *reader_view(struct reader *r, size_t len);

/* Passes over len reserved bytes, each of which must be zero. */
void reader_zeros(struct reader *r, size_t len);

/*
 * Passes over a format's magic: len bytes, at most 8, of letters that are the
 * format's for ever and digits that are its version.  SR_VERSION: the same
 * letters and a higher number, so that what follows is of a layout that is
 * not known here.  This is asked before any checksum, MAC or signature, which
 * may cover other bytes there.  SR_DAMAGED: anything else.
 */
enum sr_error reader_magic(struct reader *r, const char *magic, size_t len);

/* Bytes that are left. */
size_t reader_left(const struct reader *r);

/* True if nothing was bad and every byte has been read. */
bool reader_end(const struct reader *r);

/* Writes into the len bytes at bytes; bad when they do not suffice. */
struct writer writer_to(void *bytes, size_t len);

void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_i64(struct writer *w, int64_t v);
void writer_bytes(struct writer *w, const void *bytes, size_t len);
void writer_zeros(struct writer *w, size_t len);

/* Bytes written so far. */
size_t writer_len(const struct writer *w);

#endif
