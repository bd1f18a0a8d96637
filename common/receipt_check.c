/* SPDX-License-Identifier: ISC */
/*
 * What a receipt proves.  Must never believe a part of it for the sake of
 * another part: everything hangs from the pinned identity, or from a
 * certificate that was checked under it.
 */
#include "common/receipt.h"

#include <string.h>

#include "common/journal.h"

/* The checkpoint: well-formed, with keyd's signature and nothing beside. */
static enum receipt_fault
read_checkpoint(const struct receipt *receipt, struct note *note,
    uint8_t bank_id[BANK_ID_LEN], struct receipt_facts *facts)
{
	if (receipt->checkpoint_len > sizeof(receipt->checkpoint) ||
	    note_parse(receipt->checkpoint, receipt->checkpoint_len, note) !=
		SR_OK ||
	    note->signature_count != 1 || note->other_count != 0)
		return RECEIPT_CHECKPOINT;
	if (note_origin_parse(
		note->checkpoint.origin, bank_id, &facts->epoch) != SR_OK)
		return RECEIPT_CHECKPOINT;
	facts->checkpoint = note->checkpoint;
	return RECEIPT_FINE;
}

/* The order's entry: decoded, of this bank, with its own attachment. */
static enum receipt_fault
read_entry(const struct receipt *receipt, const uint8_t bank_id[BANK_ID_LEN],
    struct receipt_facts *facts)
{
	uint8_t hash[ORDER_HASH_LEN];

	if (receipt->committed_len > sizeof(receipt->committed) ||
	    entry_order_decode(receipt->committed, receipt->committed_len,
		&facts->entry) != SR_OK ||
	    order_decode(facts->entry.order, &facts->order) != SR_OK ||
	    memcmp(facts->order.bank, bank_id, BANK_ID_LEN) != 0)
		return RECEIPT_ENTRY;
	order_attachment_hash(
	    facts->entry.attachment, facts->entry.attachment_len, hash);
	return memcmp(hash, facts->order.attachment_hash, sizeof(hash)) == 0
		   ? RECEIPT_FINE
		   : RECEIPT_ENTRY;
}

/* The leaf that the entry must be, and its place in the tree. */
static enum receipt_fault
check_inclusion(const struct receipt *receipt, struct receipt_facts *facts)
{
	struct journal_leaf leaf = {.seq = receipt->index,
	    .time_ms = facts->entry.time_ms,
	    .segment = receipt->segment};

	leaf.class = (uint8_t)journal_class_of(
	    receipt->committed, receipt->committed_len);
	memcpy(
	    leaf.sealed_hash, receipt->sealed_hash, sizeof(leaf.sealed_hash));
	journal_commitment(receipt->salt, receipt->committed,
	    receipt->committed_len, leaf.commitment);
	journal_leaf_hash(&leaf, facts->leaf_hash);
	return receipt->path_count <= MERKLE_LEVELS &&
		       merkle_inclusion_verify(receipt->index,
			   facts->checkpoint.size, facts->leaf_hash,
			   receipt->path, receipt->path_count,
			   facts->checkpoint.root) == SR_OK
		   ? RECEIPT_FINE
		   : RECEIPT_INCLUSION;
}

enum receipt_fault
receipt_check_log(const struct receipt *receipt,
    const struct certificate *certificate, struct receipt_facts *facts)
{
	uint8_t bank_id[BANK_ID_LEN];
	enum receipt_fault fault;
	char again[NOTE_MAX];
	struct note note;
	size_t again_len;

	memset(facts, 0, sizeof(*facts));
	fault = read_checkpoint(receipt, &note, bank_id, facts);
	if (fault != RECEIPT_FINE)
		return fault;
	if (memcmp(bank_id, certificate->bank_id, BANK_ID_LEN) != 0)
		return RECEIPT_OTHER_BANK;
	if (facts->epoch != certificate->epoch ||
	    note_verify(&note, certificate->log_key) != SR_OK)
		return RECEIPT_LOG_KEY;
	/* one text, whatever a reader of notes would take for the same */
	note_assemble(&note.checkpoint, certificate->log_key,
	    note.signature[0].bytes, again, &again_len);
	if (again_len != receipt->checkpoint_len ||
	    memcmp(again, receipt->checkpoint, again_len) != 0)
		return RECEIPT_CHECKPOINT;
	fault = read_entry(receipt, bank_id, facts);
	return fault == RECEIPT_FINE ? check_inclusion(receipt, facts) : fault;
}

/* Who signed the order, as the bank attested. */
static enum receipt_fault
check_signer(const struct receipt *receipt,
    const struct certificate *certificates, struct receipt_facts *facts)
{
	enum sr_error error = SR_SIGNATURE;

	if (!receipt->attested)
		return receipt->name_len == 0 ? RECEIPT_FINE : RECEIPT_NAME;
	for (size_t i = 0; i < receipt->certificate_count && error != SR_OK;
	     i++)
		error = attestation_verify(receipt->attestation,
		    certificates[i].attestation_key, certificates[i].bank_id,
		    &facts->attestation);
	if (error != SR_OK)
		return RECEIPT_ATTESTATION;
	if (facts->attestation.customer != facts->order.signer ||
	    order_verify(facts->entry.order, facts->entry.signature,
		facts->attestation.signing_key) != SR_OK)
		return RECEIPT_SIGNER;
	if (receipt->name_len > 0 &&
	    !attestation_is_of(&facts->attestation, receipt->name_salt,
		receipt->name, receipt->name_len))
		return RECEIPT_NAME;
	return RECEIPT_FINE;
}

/* Every certificate must be the identity's. */
static enum receipt_fault
read_certificates(const struct receipt *receipt,
    const uint8_t identity[PUBLIC_KEY_LEN], struct certificate *certificates)
{
	if (receipt->certificate_count < 1 ||
	    receipt->certificate_count > RECEIPT_CERTIFICATES_MAX)
		return RECEIPT_CERTIFICATE;
	for (size_t i = 0; i < receipt->certificate_count; i++)
		if (certificate_verify(receipt->certificate[i], identity,
			&certificates[i]) != SR_OK)
			return RECEIPT_CERTIFICATE;
	return RECEIPT_FINE;
}

enum receipt_fault
receipt_check(const struct receipt *receipt,
    const uint8_t identity[PUBLIC_KEY_LEN], struct receipt_facts *facts)
{
	struct certificate certificates[RECEIPT_CERTIFICATES_MAX];
	uint8_t bank_id[BANK_ID_LEN], pinned[BANK_ID_LEN];
	enum receipt_fault fault;
	struct note note;

	memset(facts, 0, sizeof(*facts));
	fault = read_checkpoint(receipt, &note, bank_id, facts);
	if (fault != RECEIPT_FINE)
		return fault;
	bank_id_of(identity, pinned);
	if (memcmp(bank_id, pinned, sizeof(bank_id)) != 0)
		return RECEIPT_OTHER_BANK;
	fault = read_certificates(receipt, identity, certificates);
	if (fault != RECEIPT_FINE)
		return fault;
	/* the first one is the log key's */
	fault = receipt_check_log(receipt, &certificates[0], facts);
	return fault == RECEIPT_FINE
		   ? check_signer(receipt, certificates, facts)
		   : fault;
}

const char *
receipt_sentence(enum receipt_fault fault)
{
	switch (fault) {
	case RECEIPT_FINE:
		return "nothing is wrong with it";
	case RECEIPT_CHECKPOINT:
		return "its checkpoint is not a note that the bank alone "
		       "has signed";
	case RECEIPT_OTHER_BANK:
		return "it is a receipt of another bank";
	case RECEIPT_CERTIFICATE:
		return "a certificate in it is not one that the identity in "
		       "bank.id has signed";
	case RECEIPT_LOG_KEY:
		return "no log key of this bank has signed its checkpoint";
	case RECEIPT_ENTRY:
		return "what it discloses is not an order of this bank's";
	case RECEIPT_INCLUSION:
		return "its entry is not in the log that its checkpoint is of";
	case RECEIPT_ATTESTATION:
		return "the bank has not attested the key in it";
	case RECEIPT_SIGNER:
		return "the order in it was not signed with the attested key";
	case RECEIPT_NAME:
		return "the name in it is not the attested one";
	}
	return "it is not right";
}
