/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_BANKFILE_H
#define CLIENT_BANKFILE_H
/*
 * bank.id: what a customer or an auditor needs to know of a bank, and pins.
 * It holds no secret, but whoever changes it chooses the bank: it is to be
 * had from the bank's people, not from the network.
 *
 *	[bank]
 *	name = Demo Bank
 *	bank-id = 64 hex digits, SHA-256 of identity
 *	identity = 64 hex digits, the Ed25519 identity key
 *	unit = EUR:2
 *	address = 127.0.0.1:7420      up to 16 times: host:port, [v6]:port
 *	address = unix:/run/bank      or unix:PATH
 *
 * An unknown section or key, a key missing or given twice (address apart), a
 * value that is not as above or a bank-id of another identity is an error
 * that names file and line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/money.h"

enum {
	BANKFILE_NAME_MAX = 64,
	BANKFILE_ADDRESS_MAX = 120,
	BANKFILE_ADDRESSES = 16,
	BANKFILE_MESSAGE_MAX = 400, /* for the message of readers */
};

struct bankfile {
	char name[BANKFILE_NAME_MAX + 1];
	uint8_t bank_id[32];
	uint8_t identity[32];
	struct money_unit unit;
	size_t address_count; /* may be 0 */
	char addresses[BANKFILE_ADDRESSES][BANKFILE_ADDRESS_MAX + 1];
};

/*
 * Reads the file.  SR_IO when it cannot be read, SR_CONFIG when it is not as
 * above; message (BANKFILE_MESSAGE_MAX bytes) then is one line for people.
 */
enum sr_error bankfile_read(
    const char *path, struct bankfile *out, char *message);

/*
 * Writes the file (mode 0644), replacing an older one atomically.  bank_id is
 * computed.  SR_CONFIG for a value that the reader would refuse, SR_IO; with
 * message as above.
 */
enum sr_error bankfile_write(
    const char *path, const struct bankfile *bank, char *message);

/* Prints what the file holds. */
void bankfile_put(FILE *out, const struct bankfile *bank);

/* 64 hex digits and a NUL of 32 bytes. */
void bankfile_hex(const uint8_t bytes[32], char out[65]);

#endif
