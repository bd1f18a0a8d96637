/* SPDX-License-Identifier: ISC */
/* A receipt, and the bank that it is of, in memory. */
#include "tests/lib/toy_receipt.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/journal.h"

static enum sr_error
source(void *context, unsigned level, uint64_t index, uint8_t hash[32])
{
	const struct toy_receipt *toy = context;
	uint8_t right[32];

	if (level == 0) {
		memcpy(hash, toy->leaves[index], 32);
		return SR_OK;
	}
	if (source(context, level - 1, 2 * index, hash) != SR_OK ||
	    source(context, level - 1, 2 * index + 1, right) != SR_OK)
		return SR_IO;
	merkle_node_hash(hash, right, hash);
	return SR_OK;
}

static void
must(enum sr_error error)
{
	assert(error == SR_OK);
	(void)error;
}

void
toy_receipt_certify(struct toy_receipt *toy)
{
	certificate_sign(&toy->certificate, toy->identity_secret,
	    toy->receipt.certificate[0]);
}

void
toy_receipt_attest(struct toy_receipt *toy)
{
	struct receipt *receipt = &toy->receipt;
	struct attestation attestation = {.customer = TOY_CUSTOMER,
	    .key_epoch = 1,
	    .key_id = certificate_key_id(&toy->certificate)};

	memcpy(attestation.bank_id, toy->certificate.bank_id, 32);
	memcpy(attestation.signing_key, toy->signing_key, 32);
	receipt->name_len = 3;
	memcpy(receipt->name, "ada", 3);
	memset(receipt->name_salt, 5, sizeof(receipt->name_salt));
	attestation_name_hash(
	    receipt->name_salt, "ada", 3, attestation.name_hash);
	attestation_sign(
	    &attestation, toy->attestation_secret, receipt->attestation);
	receipt->attested = true;
}

void
toy_receipt_prove(struct toy_receipt *toy)
{
	struct receipt *receipt = &toy->receipt;
	struct checkpoint checkpoint = {.size = TOY_LEAVES};
	struct merkle_frontier tree;
	uint8_t path[MERKLE_PROOF_MAX * 32], signature[64];

	merkle_frontier_init(&tree);
	for (unsigned i = 0; i < TOY_LEAVES; i++)
		must(merkle_frontier_append(&tree, toy->leaves[i]));
	merkle_frontier_root(&tree, checkpoint.root);
	note_origin(toy->certificate.bank_id, toy->certificate.epoch,
	    checkpoint.origin);
	must(note_sign(&checkpoint, toy->log_secret, signature));
	note_assemble(&checkpoint, toy->log_key, signature, receipt->checkpoint,
	    &receipt->checkpoint_len);
	must(merkle_inclusion_prove(
	    source, toy, TOY_LEAF, TOY_LEAVES, path, &receipt->path_count));
	memcpy(receipt->path, path, receipt->path_count * 32);
}

void
toy_receipt_enter(struct toy_receipt *toy, enum sr_error outcome)
{
	struct receipt *receipt = &toy->receipt;
	struct order order = {.kind = ORDER_TRANSFER,
	    .signer = TOY_CUSTOMER,
	    .seq = 1,
	    .debit = TOY_CUSTOMER << 16,
	    .credit = 8 << 16,
	    .amount_minor = 1250};
	struct entry_order entry = {.order = toy->order,
	    .signature = toy->signature,
	    .attachment = (const uint8_t *)"rent",
	    .attachment_len = 4,
	    .outcome = outcome,
	    .time_ms = 1795000000000};
	struct journal_leaf leaf = {.seq = TOY_LEAF,
	    .time_ms = entry.time_ms,
	    .class = JOURNAL_CLASS_ORDER,
	    .segment = 2};

	memcpy(order.bank, toy->certificate.bank_id, sizeof(order.bank));
	order_attachment_hash("rent", 4, order.attachment_hash);
	order_encode(&order, toy->order);
	must(order_sign(toy->order, toy->signing_secret, toy->signature));
	must(entry_order_encode(&entry, receipt->committed,
	    sizeof(receipt->committed), &receipt->committed_len));
	receipt->index = TOY_LEAF;
	receipt->segment = 2;
	memset(receipt->sealed_hash, 3, 32);
	memset(receipt->salt, 4, 32);
	memcpy(leaf.sealed_hash, receipt->sealed_hash, 32);
	journal_commitment(receipt->salt, receipt->committed,
	    receipt->committed_len, leaf.commitment);
	journal_leaf_hash(&leaf, toy->leaves[TOY_LEAF]);
}

void
toy_receipt_make(struct toy_receipt *toy)
{
	memset(toy, 0, sizeof(*toy));
	crypto_sign_keypair(toy->identity, toy->identity_secret);
	crypto_sign_keypair(toy->log_key, toy->log_secret);
	crypto_sign_keypair(toy->attestation_key, toy->attestation_secret);
	crypto_sign_keypair(toy->signing_key, toy->signing_secret);
	randombytes_buf(toy->leaves, sizeof(toy->leaves));
	toy->certificate.epoch = 2;
	toy->certificate.not_after_ms = 1;
	bank_id_of(toy->identity, toy->certificate.bank_id);
	memcpy(toy->certificate.log_key, toy->log_key, 32);
	memcpy(toy->certificate.attestation_key, toy->attestation_key, 32);
	toy->receipt.certificate_count = 1;
	toy_receipt_certify(toy);
	toy_receipt_attest(toy);
	toy_receipt_enter(toy, SR_OK);
	toy_receipt_prove(toy);
}
