/* SPDX-License-Identifier: ISC */
/*
 * What receipts are made of.  Must never disclose an entry to anybody but its
 * signer and those whose accounts it touched, nor what keyd has not signed.
 */
#include "ledgerd/query.h"

#include <string.h>

#include "common/certificate.h"
#include "common/entry.h"
#include "gen/messages.h"
#include "ledgerd/archive.h"
#include "ledgerd/certificates.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/proof.h"

/* An order's entry as it was read, and what the answer points into. */
struct disclosed {
	struct archive_frame frame;
	struct journal_leaf leaf;
	struct entry_order entry;
	struct order order;
	struct proof_of_leaf proof;
	uint8_t certificates[2 * CERTIFICATE_LEN];
};

/* Whether the asker signed it, or an own account or till stands in it. */
static bool
is_party(const struct ledgerd *ledgerd, const struct customer_session *session,
    const struct disclosed *it)
{
	const struct journal_plain *plain = &it->frame.plain;

	if (it->order.signer == session->customer ||
	    (it->order.debit != 0 &&
		query_is_own(ledgerd, session, it->order.debit)) ||
	    (it->order.credit != 0 &&
		query_is_own(ledgerd, session, it->order.credit)))
		return true;
	for (unsigned i = 0; i < plain->touched_count; i++)
		if (query_is_own(ledgerd, session, plain->touched[i].account))
			return true;
	return false;
}

/* Reads the entry; what is not the asker's, or no order, is not there. */
static enum sr_error
disclose(struct ledgerd *ledgerd, const struct customer_session *session,
    uint64_t leaf, struct disclosed *it)
{
	const struct journal_plain *plain = &it->frame.plain;
	enum sr_error error = archive_leaf(ledgerd, leaf, &it->frame);

	if (error != SR_OK)
		return error;
	if (entry_type_of(plain->committed, plain->committed_len) !=
	    ENTRY_ORDER)
		return SR_NOT_FOUND;
	if (entry_order_decode(
		plain->committed, plain->committed_len, &it->entry) != SR_OK ||
	    order_decode(it->entry.order, &it->order) != SR_OK)
		return SR_DAMAGED;
	journal_frame_leaf(&it->frame.frame, &it->leaf);
	return is_party(ledgerd, session, it) ? SR_OK : SR_NOT_FOUND;
}

/*
 * The signer's attestation, if its key signed this order, with the name for
 * the signer alone; and the certificates that make all of it whole.
 */
static enum sr_error
add_signer(struct ledgerd *ledgerd, const struct customer_session *session,
    struct disclosed *it, struct message_receipt *answer)
{
	const struct person *person =
	    people_of(&ledgerd->people, it->order.signer);
	struct attestation attestation;
	enum sr_error error;

	memcpy(it->certificates, ledgerd->keyd.certificate, CERTIFICATE_LEN);
	answer->certificates = it->certificates;
	answer->certificates_len = CERTIFICATE_LEN;
	if (person == NULL ||
	    attestation_read(person->attestation, &attestation) != SR_OK ||
	    order_verify(it->entry.order, it->entry.signature,
		attestation.signing_key) != SR_OK)
		return SR_OK;
	if (attestation_verify(person->attestation,
		ledgerd->certificate.attestation_key, ledgerd->bank_id,
		&attestation) != SR_OK) {
		error = certificates_of_keys(ledgerd, attestation.key_id,
		    it->certificates + CERTIFICATE_LEN);
		if (error != SR_OK)
			return error == SR_NOT_FOUND ? SR_OK : error;
		answer->certificates_len += CERTIFICATE_LEN;
	}
	answer->attestation = person->attestation;
	answer->attestation_len = sizeof(person->attestation);
	if (it->order.signer != session->customer || person->name_len == 0)
		return SR_OK;
	memcpy(answer->name_salt, person->salt, sizeof(answer->name_salt));
	answer->name = (const uint8_t *)person->name;
	answer->name_len = person->name_len;
	return SR_OK;
}

/* Everything about an entry that the asker may have. */
static enum sr_error
fill(struct ledgerd *ledgerd, const struct customer_session *session,
    struct disclosed *it, struct message_receipt *answer)
{
	enum sr_error error = proof_of_leaf(ledgerd, answer->leaf, &it->proof);

	/* it may be had as soon as the tiles are whole */
	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_BUSY : error;
	error = add_signer(ledgerd, session, it, answer);
	if (error != SR_OK)
		return error;
	answer->segment = it->leaf.segment;
	memcpy(answer->sealed_hash, it->leaf.sealed_hash,
	    sizeof(answer->sealed_hash));
	memcpy(answer->salt, it->frame.plain.salt, sizeof(answer->salt));
	answer->committed = it->frame.plain.committed;
	answer->committed_len = it->frame.plain.committed_len;
	answer->path = it->proof.path;
	answer->path_len = it->proof.path_len;
	answer->checkpoint = (const uint8_t *)it->proof.checkpoint;
	answer->checkpoint_len = it->proof.checkpoint_len;
	return SR_OK;
}

enum sr_error
query_receipt(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	static struct disclosed it;
	struct message_receipt answer = {
	    .request = item->request, .leaf = item->before};
	enum sr_error error = disclose(ledgerd, session, item->before, &it);

	if (error == SR_OK)
		error = fill(ledgerd, session, &it, &answer);
	/* these are answers, all else is our own trouble */
	if (error != SR_OK && error != SR_NOT_FOUND && error != SR_BUSY &&
	    error != SR_OLD_RECORDS && error != SR_RETIRED &&
	    error != SR_UNREADABLE)
		return error;
	answer.error = (uint16_t)error;
	return message_receipt_encode(w, &answer);
}
