/* SPDX-License-Identifier: ISC */
/* A month-end bundle in memory: toy_bundle.h. */
#include "tests/lib/toy_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/bundle/archive.h"
#include "client/verify/month.h"
#include "common/merkle.h"

#define MONTH "2026-10"
#define TIME ",2026-10-02T08:00:00.000Z,"

static const char tills[] =
    MONTH_TILLS_HEAD "30168,1.00,5.00,2.00,-0.50,3.50,0,,,EUR\r\n"
		     "30275,0.00,0.00,0.00,0.00,0.00,0,,,EUR\r\n";

static const char books[] =
    "entry,time,kind,account,amount,balance,refers_to,memo,unit\r\n"
    "0" TIME "opening,30168,-1.00,-1.00,,\"\",EUR\r\n"
    "0" TIME "opening,Opening-Balances,1.00,1.00,,\"\",EUR\r\n"
    "7" TIME "deposit,30168,-2.50,-3.50,,\"a,b\",EUR\r\n"
    "7" TIME "deposit,40067,2.50,2.50,,\"\",EUR\r\n";

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/* The whole subtrees beneath the leaves (merkle_source). */
static enum sr_error
source(void *context, unsigned level, uint64_t index, uint8_t hash[32])
{
	const struct toy_bundle *bundle = context;
	uint8_t right[32];

	if (level == 0) {
		memcpy(hash, bundle->leaves[index], 32);
		return SR_OK;
	}
	must(source(context, level - 1, 2 * index, hash) == SR_OK &&
	     source(context, level - 1, 2 * index + 1, right) == SR_OK);
	merkle_node_hash(hash, right, hash);
	return SR_OK;
}

size_t
toy_bundle_note(const struct toy_bundle *bundle, uint64_t size,
    char note[NOTE_MAX], struct checkpoint *checkpoint)
{
	const struct toy_receipt *toy = &bundle->toy;
	struct merkle_frontier tree;
	uint8_t signature[64];
	size_t len;

	merkle_frontier_init(&tree);
	for (uint64_t i = 0; i < size; i++)
		must(merkle_frontier_append(&tree, bundle->leaves[i]) == SR_OK);
	checkpoint->size = size;
	merkle_frontier_root(&tree, checkpoint->root);
	note_origin(toy->certificate.bank_id, toy->certificate.epoch,
	    checkpoint->origin);
	must(note_sign(checkpoint, toy->log_secret, signature) == SR_OK);
	note_assemble(checkpoint, toy->log_key, signature, note, &len);
	return len;
}

static void
put_file(struct toy_bundle *bundle, enum bundle_file which, const char *text)
{
	bundle->file_len[which] = strlen(text);
	memcpy(bundle->file[which], text, bundle->file_len[which]);
}

void
toy_bundle_hash(struct toy_bundle *bundle)
{
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		bundle->manifest.file[i].len = bundle->file_len[i];
		crypto_hash_sha256(bundle->manifest.file[i].hash,
		    (const uint8_t *)bundle->file[i], bundle->file_len[i]);
	}
}

void
toy_bundle_write(struct toy_bundle *bundle)
{
	must(bundle_manifest_encode(
		 &bundle->manifest, bundle->text, &bundle->text_len) == SR_OK);
}

void
toy_bundle_sign(struct toy_bundle *bundle)
{
	must(bundle_manifest_sign(
		 &bundle->manifest, bundle->toy.signing_secret) == SR_OK);
	toy_bundle_write(bundle);
}

/* One file with its header; where it begins. */
static size_t
pack(struct toy_bundle *bundle, const char *name, const char *text, size_t len)
{
	size_t at = bundle->len + ARCHIVE_BLOCK;

	must(at + len + 2 * ARCHIVE_END <= sizeof(bundle->bytes) &&
	     archive_header(MONTH, name, len, bundle->bytes + bundle->len));
	memcpy(bundle->bytes + at, text, len);
	bundle->len = at + len + archive_padding(len);
	return at;
}

void
toy_bundle_pack(struct toy_bundle *bundle)
{
	memset(bundle->bytes, 0, sizeof(bundle->bytes));
	bundle->len = 0;
	bundle->text_at =
	    pack(bundle, ARCHIVE_MANIFEST, bundle->text, bundle->text_len);
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		bundle->header_at[i] = bundle->len;
		bundle->file_at[i] = pack(bundle, bundle_file_names[i],
		    bundle->file[i], bundle->file_len[i]);
	}
	bundle->end_at = bundle->len;
	bundle->len += ARCHIVE_END;
}

static void
make_manifest(struct toy_bundle *bundle, const struct checkpoint *now,
    const struct checkpoint *before)
{
	struct bundle_manifest *manifest = &bundle->manifest;
	const struct receipt *receipt = &bundle->toy.receipt;

	memcpy(manifest->bank_id, bundle->bank.bank_id, 32);
	memcpy(manifest->month, MONTH, sizeof(MONTH));
	manifest->made_ms = 1795289131402;
	manifest->verified = 0;
	manifest->size = now->size;
	memcpy(manifest->root, now->root, 32);
	manifest->since = true;
	manifest->since_size = before->size;
	memcpy(manifest->since_root, before->root, 32);
	must(merkle_consistency_prove(source, bundle, before->size, now->size,
		 manifest->path, &manifest->path_count) == SR_OK);
	manifest->certificate_count = 1;
	memcpy(
	    manifest->certificate[0], receipt->certificate[0], CERTIFICATE_LEN);
	memcpy(manifest->attestation, receipt->attestation, ATTESTATION_LEN);
	manifest->signer = TOY_CUSTOMER;
	memcpy(manifest->name, "ada", 4);
	memcpy(manifest->name_salt, receipt->name_salt, NAME_SALT_LEN);
}

void
toy_bundle_make(struct toy_bundle *bundle)
{
	struct checkpoint now, before;
	char note[NOTE_MAX];

	memset(bundle, 0, sizeof(*bundle));
	toy_receipt_make(&bundle->toy);
	memcpy(bundle->bank.identity, bundle->toy.identity, 32);
	bank_id_of(bundle->bank.identity, bundle->bank.bank_id);
	bundle->bank.unit = (struct money_unit){.code = "EUR", .exponent = 2};
	for (size_t i = 0; i < TOY_TREE; i++)
		memset(bundle->leaves[i], (int)i + 1, 32);
	(void)toy_bundle_note(bundle, TOY_TREE_BEFORE, note, &before);
	bundle->file_len[BUNDLE_ANCHOR] = toy_bundle_note(
	    bundle, TOY_TREE, bundle->file[BUNDLE_ANCHOR], &now);
	put_file(bundle, BUNDLE_TILLS, tills);
	put_file(bundle, BUNDLE_CSV, books);
	put_file(bundle, BUNDLE_HLEDGER, "; what another program adds up\n");
	put_file(bundle, BUNDLE_VERIFY, "{\"v\":1}\n");
	make_manifest(bundle, &now, &before);
	toy_bundle_hash(bundle);
	toy_bundle_sign(bundle);
	toy_bundle_pack(bundle);
}
