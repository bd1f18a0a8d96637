/* SPDX-License-Identifier: ISC */
#ifndef COMMON_KEY_TABLE_H
#define COMMON_KEY_TABLE_H
/*
 * The bank's keys as an operator is told of them (strongroomctl keys), and
 * the entries of the message `keys', 40 bytes each:
 *
 *	key 1 | kept 1 | zero 2 | epoch 4 | made ms 8 | uses 8 | left 8
 *	| fingerprint 8
 *
 * Nothing here is a key, or tells anything of one but whether two are equal.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

#define KEY_NO_CAP UINT64_MAX
#define KEY_UNCOUNTED (UINT64_MAX - 1)

enum { KEY_HOUR_S = 3600, KEY_DAY_S = 86400 };

enum { /* rows that there is place for in keyd's state */
	KEY_PLACES = 24,
	KEY_FINGERPRINT_LEN = 8,
	KEY_ENTRY_LEN = 40,
};

enum bank_key {
#define KEY(name, number, word, purpose, algorithm, cap, days) \
	BANK_KEY_##name = (number),
#include "common/key_table.def"
#undef KEY
};

struct key_kind {
	enum bank_key key;
	const char *word;
	const char *purpose;
	const char *algorithm;
	uint64_t cap;
	uint32_t days; /* 0: cannot be rotated yet */
};

struct key_entry {
	enum bank_key key;
	bool kept; /* a former epoch: reads and verifies only */
	uint32_t epoch;
	uint64_t made_ms; /* 0: not known */
	uint64_t uses;    /* at most so many; 0 where they are not counted */
	uint64_t left;    /* of a former epoch: what still needs it; or, if
			     the key hands out, until when it serves, ms */
	uint8_t fingerprint[KEY_FINGERPRINT_LEN];
};

/* In the order of the table. */
extern const struct key_kind key_kinds[];
extern const size_t key_kind_count;

/* The row of that key; NULL for a number that is none. */
const struct key_kind *key_kind_of(unsigned key);

/*
 * Of a key that is rotated while the bank runs, by a USE entry (USE_ROTATE):
 * the seconds that an epoch lasts at least.  0 for any other number.
 */
uint32_t key_least_s(uint64_t key);

/*
 * True if it makes what others keep (tokens, invitations, codes): what a
 * former epoch has made then serves for key_least_s() of the present one,
 * the longest life of an invitation or a reset code.
 */
bool key_hands_out(uint64_t key);

/*
 * True if it stands in the certificate and is rotated while the bank is
 * stopped, by a rotation note (common/rotation.h).
 */
bool key_rotates_stopped(uint64_t key);

/* True from nine tenths of the cap on; false for a key without. */
bool key_near_cap(const struct key_kind *kind, uint64_t uses);

/* When its epoch should end, ms; 0 where that is not said. */
uint64_t key_due_ms(const struct key_kind *kind, uint64_t made_ms);

/* Writes an entry; w is bad if it does not fit. */
void key_entry_write(const struct key_entry *entry, struct writer *w);

/* SR_MALFORMED for a key that is not in the table, or bytes that are not. */
enum sr_error key_entry_read(struct reader *r, struct key_entry *entry);

#endif
