/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_TOY_BUNDLE_H
#define TESTS_LIB_TOY_BUNDLE_H
/*
 * A month-end bundle in memory, and where everything in it stands.  Whatever
 * is changed can be hashed, signed and packed again, as somebody would who has
 * the keys in hand.
 */
#include "client/bankfile.h"
#include "client/bundle/manifest.h"
#include "tests/lib/toy_receipt.h"

enum {
	TOY_TREE = 13,       /* leaves under the anchor */
	TOY_TREE_BEFORE = 7, /* and under the one before */
	TOY_FILE_MAX = 2048,
	TOY_BUNDLE_MAX = 32768,
};

struct toy_bundle {
	struct toy_receipt toy; /* the bank, and who signs */
	struct bankfile bank;
	uint8_t leaves[TOY_TREE][32];
	struct bundle_manifest manifest;
	char file[BUNDLE_FILES][TOY_FILE_MAX];
	size_t file_len[BUNDLE_FILES];
	char text[BUNDLE_MANIFEST_MAX]; /* the manifest's */
	size_t text_len;
	/* packed */
	uint8_t bytes[TOY_BUNDLE_MAX];
	size_t len;
	size_t text_at;                 /* behind the first header */
	size_t header_at[BUNDLE_FILES]; /* of tar, then the file */
	size_t file_at[BUNDLE_FILES];
	size_t end_at; /* the zeros at the end */
};

/* One that is right. */
void toy_bundle_make(struct toy_bundle *bundle);

/* The checkpoint of so many leaves, under the log key; its length. */
size_t toy_bundle_note(const struct toy_bundle *bundle, uint64_t size,
    char note[NOTE_MAX], struct checkpoint *checkpoint);

/* Lengths and hashes of the files into the manifest. */
void toy_bundle_hash(struct toy_bundle *bundle);
/* The manifest's text anew, under the signer's key. */
void toy_bundle_sign(struct toy_bundle *bundle);
/* The manifest's text anew, with the signature as it is. */
void toy_bundle_write(struct toy_bundle *bundle);
/* The bytes, of the text and the files as they are. */
void toy_bundle_pack(struct toy_bundle *bundle);

#endif
