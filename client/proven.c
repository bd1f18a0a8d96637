/* SPDX-License-Identifier: ISC */
/*
 * Proofs for what the bank says.  Must never take a bank's word for an order
 * that is to be acted on, nor forget a head that was seen for an older one.
 */
#include "client/proven.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/ipc.h"

#define HEAD_FILE "head"
#define HEAD_MAGIC "SRHEAD01"
#define MAGIC_LEN 8u

enum { HEAD_LEN = 8 + 4 + 4 + 8 + 32 };

enum sr_error
proven_head_load(const struct state *state, struct proven_head *seen)
{
	uint8_t bytes[HEAD_LEN];
	struct reader r;
	enum sr_error error;
	size_t len;

	memset(seen, 0, sizeof(*seen));
	error = state_read(state, HEAD_FILE, bytes, sizeof(bytes), &len);
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error == SR_IO)
		return error;
	r = reader_of(bytes, error == SR_OK ? len : 0);
	error = reader_magic(&r, HEAD_MAGIC, MAGIC_LEN);
	seen->epoch = reader_u32(&r);
	reader_zeros(&r, 4);
	seen->size = reader_u64(&r);
	reader_bytes(&r, seen->root, sizeof(seen->root));
	if (error == SR_OK && !reader_end(&r))
		error = SR_DAMAGED;
	if (error != SR_OK)
		state_complain(state, HEAD_FILE, error_sentence(error));
	return error;
}

/* Whether a head may come after one that was seen. */
static enum sr_error
follows(const struct proven_head *seen, const struct proven_head *head)
{
	/* a higher epoch is certified: after a restore it may be shorter */
	if (seen->size == 0 || head->epoch > seen->epoch)
		return SR_OK;
	if (head->epoch < seen->epoch || head->size < seen->size)
		return SR_ROLLED_BACK;
	return head->size > seen->size ||
		       memcmp(head->root, seen->root, sizeof(head->root)) == 0
		   ? SR_OK
		   : SR_FORKED;
}

/* Remembers a head, unless a newer one has been seen meanwhile. */
static void
remember(const struct state *state, const struct proven_head *head)
{
	uint8_t bytes[HEAD_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct proven_head now;

	if (proven_head_load(state, &now) != SR_OK ||
	    (now.size != 0 &&
		(now.epoch > head->epoch ||
		    (now.epoch == head->epoch && now.size >= head->size))))
		return;
	writer_bytes(&w, HEAD_MAGIC, MAGIC_LEN);
	writer_u32(&w, head->epoch);
	writer_zeros(&w, 4);
	writer_u64(&w, head->size);
	writer_bytes(&w, head->root, sizeof(head->root));
	/* it only makes later answers harder to forge */
	if (state_write(state, HEAD_FILE, bytes, sizeof(bytes)) != SR_OK)
		state_complain(state, HEAD_FILE, "cannot be written");
}

static struct proven_head
head_of(const struct receipt_facts *facts)
{
	struct proven_head head = {
	    .epoch = facts->epoch, .size = facts->checkpoint.size};

	memcpy(head.root, facts->checkpoint.root, sizeof(head.root));
	return head;
}

static void
attested_name(const struct bank_session *session, uint32_t epoch,
    char out[STATE_NAME_MAX])
{
	snprintf(out, STATE_NAME_MAX, "attested-%.32s-%" PRIu32,
	    session->login.name, epoch);
}

/* Keeps the own attestation, for receipts after the keys were replaced. */
static void
keep_attestation(const struct bank_session *session, const struct state *state)
{
	const struct login *login = &session->login;
	uint8_t kept[ATTESTATION_LEN];
	char name[STATE_NAME_MAX];
	size_t len;

	attested_name(session, login->attestation.key_epoch, name);
	if (state_read(state, name, kept, sizeof(kept), &len) == SR_OK &&
	    len == sizeof(kept) &&
	    memcmp(kept, login->welcome.attestation, len) == 0)
		return;
	if (state_write(state, name, login->welcome.attestation,
		sizeof(login->welcome.attestation)) != SR_OK)
		state_complain(state, name, "cannot be written");
}

/* What an answer comes with, as far as there is room for it. */
static bool
take_path(struct receipt *receipt, const uint8_t *path, size_t len)
{
	if (len % MERKLE_HASH_LEN != 0 || len > sizeof(receipt->path))
		return false;
	receipt->path_count = len / MERKLE_HASH_LEN;
	memcpy(receipt->path, path, len);
	return true;
}

static bool
take_checkpoint(struct receipt *receipt, const uint8_t *text, size_t len)
{
	if (len > sizeof(receipt->checkpoint))
		return false;
	receipt->checkpoint_len = len;
	memcpy(receipt->checkpoint, text, len);
	return true;
}

/* The entry as it must be, were the answer true, and its proof. */
static bool
take_answer(struct receipt *receipt, const struct kept *kept,
    const struct message_order_answer *answer)
{
	struct entry_order entry = {.order = kept->order,
	    .signature = kept->signature,
	    .attachment = kept->attachment,
	    .attachment_len = kept->attachment_len,
	    .outcome = error_of_wire(answer->outcome),
	    .time_ms = answer->time};

	memset(receipt, 0, sizeof(*receipt));
	receipt->index = answer->leaf;
	receipt->segment = answer->segment;
	memcpy(receipt->sealed_hash, answer->sealed_hash,
	    sizeof(receipt->sealed_hash));
	memcpy(receipt->salt, answer->salt, sizeof(receipt->salt));
	return entry_order_encode(&entry, receipt->committed,
		   sizeof(receipt->committed),
		   &receipt->committed_len) == SR_OK &&
	       take_path(receipt, answer->path, answer->path_len) &&
	       take_checkpoint(
		   receipt, answer->checkpoint, answer->checkpoint_len);
}

/* Says why an answer counts for nothing. */
static enum sr_error
unproven(const struct kept *kept, const char *why)
{
	struct order order;

	fprintf(stderr,
	    "the bank says that it has the %s, and does not prove it (%s): "
	    "it counts as not known\n",
	    order_decode(kept->order, &order) == SR_OK
		? order_kind_name(order.kind)
		: "order",
	    why);
	return SR_UNKNOWN_OUTCOME;
}

enum sr_error
proven_answer(const struct bank_session *session, const struct state *state,
    const struct proven_head *seen, const struct kept *kept,
    const struct message_order_answer *answer)
{
	struct receipt receipt;
	struct receipt_facts facts;
	struct proven_head head;
	enum receipt_fault fault;
	enum sr_error error;

	if (answer->path_len == 0 && answer->leaf > 0)
		return unproven(kept, "it has no proof at present");
	if (!take_answer(&receipt, kept, answer))
		return unproven(kept, "its proof is not one");
	fault =
	    receipt_check_log(&receipt, &session->login.certificate, &facts);
	if (fault != RECEIPT_FINE)
		return unproven(kept, receipt_sentence(fault));
	head = head_of(&facts);
	error = follows(seen, &head);
	if (error != SR_OK)
		return unproven(kept, error_sentence(error));
	remember(state, &head);
	keep_attestation(session, state);
	return SR_OK;
}

/* ---- receipts ------------------------------------------------------------- */

static bool
take_receipt(struct receipt *receipt, const struct message_receipt *answer)
{
	size_t count = answer->certificates_len / CERTIFICATE_LEN;

	memset(receipt, 0, sizeof(*receipt));
	if (answer->certificates_len % CERTIFICATE_LEN != 0 ||
	    count > RECEIPT_CERTIFICATES_MAX ||
	    (answer->attestation_len != 0 &&
		answer->attestation_len != ATTESTATION_LEN) ||
	    answer->name_len > RECEIPT_NAME_MAX ||
	    answer->committed_len > sizeof(receipt->committed))
		return false;
	receipt->index = answer->leaf;
	receipt->segment = answer->segment;
	memcpy(receipt->sealed_hash, answer->sealed_hash,
	    sizeof(receipt->sealed_hash));
	memcpy(receipt->salt, answer->salt, sizeof(receipt->salt));
	receipt->certificate_count = (uint8_t)count;
	memcpy(receipt->certificate, answer->certificates,
	    answer->certificates_len);
	receipt->attested = answer->attestation_len != 0;
	memcpy(
	    receipt->attestation, answer->attestation, answer->attestation_len);
	receipt->name_len = (uint8_t)answer->name_len;
	if (answer->name_len > 0)
		memcpy(receipt->name_salt, answer->name_salt,
		    sizeof(receipt->name_salt));
	memcpy(receipt->name, answer->name, answer->name_len);
	receipt->committed_len = answer->committed_len;
	memcpy(receipt->committed, answer->committed, answer->committed_len);
	return take_path(receipt, answer->path, answer->path_len) &&
	       take_checkpoint(
		   receipt, answer->checkpoint, answer->checkpoint_len);
}

static enum sr_error
ask(struct bank_session *session, uint64_t leaf, struct bank_answer *room,
    struct message_receipt *answer)
{
	struct message_receipt_get get = {
	    .request = ++session->request, .leaf = leaf};
	uint8_t bytes[IPC_HEADER_LEN + 64];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error = message_receipt_get_encode(&w, &get);

	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_RECEIPT, room);
	if (error == SR_OK)
		error =
		    message_receipt_decode(room->body, room->body_len, answer);
	if (error == SR_OK &&
	    (answer->request != get.request || answer->leaf != leaf))
		error = SR_MALFORMED;
	return error == SR_OK ? error_of_wire(answer->error) : error;
}

/* An own attestation of an earlier key that this machine has kept. */
static void
add_earlier(const struct bank_session *session, const struct state *state,
    const uint8_t identity[PUBLIC_KEY_LEN], struct receipt *receipt)
{
	struct receipt_facts facts;
	char name[STATE_NAME_MAX];
	size_t len;

	for (uint32_t epoch = session->login.attestation.key_epoch; epoch > 0;
	     epoch--) {
		attested_name(session, epoch, name);
		if (state_read(state, name, receipt->attestation,
			sizeof(receipt->attestation), &len) != SR_OK ||
		    len != sizeof(receipt->attestation))
			continue;
		receipt->attested = true;
		if (receipt_check(receipt, identity, &facts) == RECEIPT_FINE)
			return;
		receipt->attested = false;
	}
}

enum sr_error
proven_receipt(struct bank_session *session, const struct state *state,
    const uint8_t identity[PUBLIC_KEY_LEN], uint64_t leaf,
    struct receipt *receipt, struct receipt_facts *facts)
{
	struct message_receipt answer;
	struct bank_answer room;
	struct proven_head seen, head;
	enum receipt_fault fault;
	enum sr_error error = proven_head_load(state, &seen);

	if (error == SR_OK)
		error = ask(session, leaf, &room, &answer);
	if (error != SR_OK)
		return error;
	if (!take_receipt(receipt, &answer))
		return SR_MALFORMED;
	if (!receipt->attested)
		add_earlier(session, state, identity, receipt);
	fault = receipt_check(receipt, identity, facts);
	if (fault != RECEIPT_FINE) {
		fprintf(stderr, "the bank's receipt is not right: %s\n",
		    receipt_sentence(fault));
		return SR_CRYPTO;
	}
	head = head_of(facts);
	error = follows(&seen, &head);
	if (error == SR_OK)
		remember(state, &head);
	return error;
}
