/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_TOY_RECEIPT_H
#define TESTS_LIB_TOY_RECEIPT_H
/*
 * A bank with real keys, a log of five leaves and one order in it: what a
 * receipt and the answer to an order are made of.  Everything may be changed
 * and made again, as somebody would who has the keys in hand.
 */
#include "common/receipt.h"

enum { TOY_LEAVES = 5, TOY_LEAF = 3, TOY_CUSTOMER = 7 };

struct toy_receipt {
	uint8_t identity[32], identity_secret[64];
	uint8_t log_key[32], log_secret[64];
	uint8_t attestation_key[32], attestation_secret[64];
	uint8_t signing_key[32], signing_secret[64];
	uint8_t leaves[TOY_LEAVES][32];
	uint8_t order[ORDER_LEN], signature[64];
	struct certificate certificate;
	struct receipt receipt;
};

/* New keys, and a receipt that is right. */
void toy_receipt_make(struct toy_receipt *toy);

/* The certificate in its place, signed. */
void toy_receipt_certify(struct toy_receipt *toy);
/* The signer's attestation, and the name "ada". */
void toy_receipt_attest(struct toy_receipt *toy);
/* The order, signed, and its leaf with that outcome. */
void toy_receipt_enter(struct toy_receipt *toy, enum sr_error outcome);
/* The checkpoint over the leaves, and the path of the one. */
void toy_receipt_prove(struct toy_receipt *toy);

#endif
