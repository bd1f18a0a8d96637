/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CARD_H
#define CLIENT_CARD_H
/*
 * Cards: files by which terminals and operators log in.  Who has the file is
 * that principal, so it is made with mode 0600 and refused with any other
 * access than its owner's.
 *
 *	[card]
 *	bank-id = 64 hex digits
 *	name = log-in name
 *	password = 32 to 128 of the characters 0-9 A-Z a-z
 *	terminal = 3                  these three: terminals only
 *	epoch = 1
 *	psk = 64 hex digits
 *	denominations = 500,1000      what it can pay out, in minor amounts;
 *	                              without it anything
 */
#include <stdint.h>

#include "client/denominations.h"
#include "common/error.h"

enum {
	CARD_NAME_MAX = 32,
	CARD_PASSWORD_LEN = 52, /* as drawn here: 260 bits */
	CARD_PASSWORD_MIN = 32,
	CARD_PASSWORD_MAX = 128,
	CARD_MESSAGE_MAX = 400,
};

/* Of the caller; secret; wiped with card_wipe(). */
struct card {
	uint8_t bank_id[32];
	char name[CARD_NAME_MAX + 1];
	char password[CARD_PASSWORD_MAX + 1];
	uint32_t terminal; /* 0: not a terminal's card */
	uint32_t epoch;
	uint8_t psk[32];
	struct denominations denominations;
};

/* Fills password with fresh random characters. */
void card_draw_password(struct card *card);

/*
 * Reads a card.  SR_PERMISSION if others than the owner may do anything with
 * the file, SR_IO, SR_CONFIG; message (CARD_MESSAGE_MAX bytes) then is one
 * line for people, without secrets.
 */
enum sr_error card_read(const char *path, struct card *out, char *message);

/*
 * Makes the file, 0600, synced.  SR_EXISTS if there is one (a card is never
 * written over), SR_CONFIG if it could not be read back, SR_IO, with message as
 * above.
 */
enum sr_error card_write(
    const char *path, const struct card *card, char *message);

void card_wipe(struct card *card);

#endif
