/* SPDX-License-Identifier: ISC */
#ifndef COMMON_RECEIPT_H
#define COMMON_RECEIPT_H
/*
 * Receipts: one order's entry, disclosed, with everything that shows to
 * somebody who has nothing but bank.id that it stands in the bank's log.
 *
 * A receipt is a transparency log proof, byte for byte as
 * c2sp.org/tlog-proof has it, so that other people's tools check that part:
 *
 *	c2sp.org/tlog-proof@v1
 *	extra <base64 of what follows below>
 *	index <leaf index>
 *	<base64 of each hash of the inclusion path, a line each>
 *
 *	<the checkpoint: a note with keyd's signature and no other>
 *
 * extra: magic 8 "SRRCPT01" | segment 4 | certificates 1 (1 or 2)
 *	| attested 1 (0 or 1) | name length 1 (0: not told) | zero 1
 *	| sealed hash 32 | salt 32 | certificates 256 each | attestation 256,
 *	if attested | name salt 32 and name, if told | length 2, committed part
 *	(an ORDER, common/entry.h)
 *
 * The first certificate names the log key that signed the checkpoint; it or
 * the second one names the key that signed the attestation.  The leaf
 * (journal.h) follows from index, segment, sealed hash, salt and committed
 * part.  There is one text for a receipt: what is read is written again and
 * compared, and every byte of it is under a signature or a hash that is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/certificate.h"
#include "common/entry.h"
#include "common/merkle.h"
#include "common/note.h"
#include "common/order.h"

enum {
	RECEIPT_CERTIFICATES_MAX = 2,
	RECEIPT_NAME_MAX = 32,
	RECEIPT_TEXT_MAX = 16384, /* no receipt is longer */
};

/* What a receipt holds; nothing of it is checked yet. */
struct receipt {
	uint64_t index;
	uint32_t segment;
	uint8_t sealed_hash[32];
	uint8_t salt[32];
	uint8_t certificate_count;
	uint8_t certificate[RECEIPT_CERTIFICATES_MAX][CERTIFICATE_LEN];
	bool attested;
	uint8_t attestation[ATTESTATION_LEN];
	uint8_t name_len; /* 0: not told */
	uint8_t name_salt[NAME_SALT_LEN];
	char name[RECEIPT_NAME_MAX + 1];
	size_t committed_len;
	uint8_t committed[ENTRY_ORDER_MAX];
	size_t path_count;
	uint8_t path[MERKLE_LEVELS * MERKLE_HASH_LEN];
	size_t checkpoint_len;
	char checkpoint[NOTE_MAX];
};

/* What it says, once it is checked; entry points into the receipt. */
struct receipt_facts {
	struct checkpoint checkpoint;
	uint32_t epoch; /* of the checkpoint's origin */
	struct entry_order entry;
	struct order order;
	uint8_t leaf_hash[32];
	struct attestation attestation; /* of the signer, if attested */
};

/* What is wrong with a receipt. */
enum receipt_fault {
	RECEIPT_FINE = 0,
	RECEIPT_CHECKPOINT,  /* it is no checkpoint with one signature */
	RECEIPT_OTHER_BANK,  /* of another bank than the pinned one */
	RECEIPT_CERTIFICATE, /* not one that the identity has signed */
	RECEIPT_LOG_KEY,     /* no certified log key signed the checkpoint */
	RECEIPT_ENTRY,       /* the committed part is no order of this bank's */
	RECEIPT_INCLUSION,   /* the entry is not in the checkpoint's tree */
	RECEIPT_ATTESTATION, /* not one that the bank has signed */
	RECEIPT_SIGNER,      /* the attested key did not sign the order */
	RECEIPT_NAME,        /* the name is not the attested one */
};

/*
 * Writes the text (no NUL).  SR_TOO_LARGE when a part exceeds its bound or
 * the room.
 */
enum sr_error receipt_encode(
    const struct receipt *receipt, char *out, size_t room, size_t *len);

/*
 * Reads a text strictly: SR_MALFORMED for anything but what receipt_encode()
 * writes, SR_VERSION for an extra part of a later version.  Checks nothing.
 */
enum sr_error receipt_decode(
    const void *text, size_t len, struct receipt *receipt);

/*
 * The part about the log: that the order's entry, with its outcome and time,
 * is leaf `index' of the tree of a checkpoint which the log key of that
 * certificate has signed.  Looks at neither the receipt's own certificates
 * nor who signed the order.  Fills facts but for the attestation.
 */
enum receipt_fault receipt_check_log(const struct receipt *receipt,
    const struct certificate *certificate, struct receipt_facts *facts);

/*
 * Everything, under the pinned identity key alone.  Not attested: facts then
 * say nothing about whose key signed, and the order's signature is unchecked.
 */
enum receipt_fault receipt_check(const struct receipt *receipt,
    const uint8_t identity[PUBLIC_KEY_LEN], struct receipt_facts *facts);

/* The sentence for people; never NULL. */
const char *receipt_sentence(enum receipt_fault fault);

#endif
