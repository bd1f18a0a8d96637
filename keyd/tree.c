/* SPDX-License-Identifier: ISC */
/*
 * ledgerd's link: the tree that keyd extends and signs, and what ledgerd may
 * have of keys.  Each question has exactly one answer; a
 * question that is refused changes nothing.
 *
 * Security: only leaves that this file appended are ever under a signature.
 * The signature is made from the state as it was saved, so the same head is
 * always signed with the same bytes.
 */
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/entry.h"
#include "common/journal.h"
#include "common/note.h"
#include "keyd/erase.h"
#include "keyd/keyd.h"
#include "keyd/tree.h"

static void
tree_checkpoint(const struct keyd *k, struct checkpoint *checkpoint)
{
	note_origin(k->state.bank_id, k->state.log_epoch, checkpoint->origin);
	checkpoint->size = k->state.frontier.size;
	merkle_frontier_root(&k->state.frontier, checkpoint->root);
}

enum sr_error
keyd_head(const struct keyd *k, struct checkpoint *head, uint8_t signature[64])
{
	tree_checkpoint(k, head);
	return head->size == 0
		   ? SR_OK
		   : note_sign(head, k->origin->log.secret, signature);
}

void
keyd_answer_head(struct keyd *k, enum sr_error error)
{
	struct checkpoint checkpoint;
	struct message_tree_head head = {.error = (uint16_t)error};

	keyd_count_use(k, BANK_KEY_LOG);
	if (k->failure != SR_OK ||
	    keyd_fail(k, "signing the head",
		keyd_head(k, &checkpoint, head.signature)) != SR_OK)
		return;
	head.epoch = k->state.log_epoch;
	head.size = checkpoint.size;
	memcpy(head.root, checkpoint.root, sizeof(head.root));
	KEYD_SEND(k, to_ledgerd, tree_head, TREE_HEAD, &head);
}

enum sr_error
keyd_compare_head(const struct keyd *k, uint64_t size, const uint8_t root[32],
    const uint8_t signature[64])
{
	struct checkpoint own, theirs;

	if (size == 0)
		return SR_OK;
	tree_checkpoint(k, &own);
	theirs = own;
	theirs.size = size;
	memcpy(theirs.root, root, sizeof(theirs.root));
	if (note_verify_raw(&theirs, k->origin->log.public, signature) != SR_OK)
		return SR_CRYPTO;
	if (size > own.size)
		return SR_ROLLED_BACK;
	if (size == own.size && memcmp(own.root, root, 32) != 0)
		return SR_FORKED;
	return SR_OK;
}

void
keyd_take_ledgerd_tree_start(struct keyd *k, const struct message_tree_start *m)
{
	enum sr_error error =
	    keyd_compare_head(k, m->size, m->root, m->signature);

	/* in a restore start there is nothing to compare with, and nothing
	 * is appended but the note */
	if (k->restore != NULL)
		error = SR_OK;
	k->tree_started = error == SR_OK && k->restore == NULL;
	if (error == SR_ROLLED_BACK)
		diag_error("state: keyd signed %llu leaves, of which the "
			   "state knows %llu: %s",
		    (unsigned long long)m->size,
		    (unsigned long long)k->state.frontier.size,
		    error_sentence(error));
	else if (error != SR_OK)
		diag_error("checkpoint of ledgerd's at size %llu: %s",
		    (unsigned long long)m->size, error_sentence(error));
	keyd_tell_history(k, error, m->size);
	keyd_answer_head(k, error);
}

enum sr_error
keyd_extend_tree(struct keyd *k, const uint8_t *leaves, size_t count)
{
	struct merkle_frontier before = k->state.frontier;
	enum sr_error error = SR_OK;

	for (size_t i = 0; error == SR_OK && i < count; i++)
		error = merkle_frontier_append(
		    &k->state.frontier, leaves + i * MERKLE_HASH_LEN);
	if (error != SR_OK) {
		k->state.frontier = before;
		return error;
	}
	/* who appends has read its log: the lone slot is the newest one */
	k->lone = false;
	return keyd_save(k);
}

static enum sr_error
tree_append_check(const struct keyd *k, const struct message_tree_append *m)
{
	size_t count = m->leaves_len / MERKLE_HASH_LEN;

	if (!k->tree_started || k->state.copy)
		return SR_NOT_ALLOWED;
	if (count == 0 || m->leaves_len % MERKLE_HASH_LEN != 0)
		return SR_MALFORMED;
	if (m->first != k->state.frontier.size)
		return m->first < k->state.frontier.size ? SR_ROLLED_BACK
							 : SR_FORKED;
	/* leaf 0 comes alone, after the identity has signed it */
	if (m->first == 0 && (!k->state.genesis_signed || count != 1))
		return SR_NOT_ALLOWED;
	return SR_OK;
}

void
keyd_take_ledgerd_tree_append(
    struct keyd *k, const struct message_tree_append *m)
{
	enum sr_error error = tree_append_check(k, m);

	keyd_tell_history(k, error, m->first);
	if (error == SR_OK)
		error = keyd_extend_tree(
		    k, m->leaves, m->leaves_len / MERKLE_HASH_LEN);
	keyd_answer_head(k, error);
}

/* ---- founding ---------------------------------------------------------- */

static enum sr_error
genesis_sign(
    struct keyd *k, const struct message_genesis_sign *m, uint8_t signature[64])
{
	struct entry_genesis genesis;

	if (k->identity_secret == NULL || k->state.frontier.size != 0)
		return SR_NOT_ALLOWED;
	if (m->genesis_len != ENTRY_GENESIS_SIGNED_LEN ||
	    entry_genesis_decode(m->genesis, m->genesis_len, &genesis) != SR_OK)
		return SR_MALFORMED;
	if (memcmp(genesis.bank_id, k->state.bank_id, BANK_ID_LEN) != 0 ||
	    memcmp(genesis.identity_key, k->state.identity, PUBLIC_KEY_LEN) !=
		0)
		return SR_WRONG_BANK;
	k->state.genesis_signed = true;
	if (keyd_save(k) != SR_OK)
		return k->failure;
	return entry_genesis_sign(m->genesis, k->identity_secret, signature);
}

void
keyd_take_ledgerd_genesis_sign(
    struct keyd *k, const struct message_genesis_sign *m)
{
	struct message_genesis_signed answer = {0};
	enum sr_error error = genesis_sign(k, m, answer.signature);

	if (k->failure != SR_OK)
		return;
	if (error == SR_OK) {
		keyd_forget_identity(k);
	} else {
		sodium_memzero(answer.signature, sizeof(answer.signature));
	}
	answer.error = (uint16_t)error;
	KEYD_SEND(k, to_ledgerd, genesis_signed, GENESIS_SIGNED, &answer);
}

/* ---- what ledgerd may know --------------------------------------------- */

void
keyd_take_ledgerd_bank_get(struct keyd *k, const struct message_bank_get *m)
{
	struct message_bank bank = {
	    .founded = keyd_founded(k),
	    .copy = k->state.copy,
	    .restoring = k->restore != NULL,
	    .rotating = k->rotation.wanted,
	    .certificate = k->state.certificate,
	    .certificate_len = CERTIFICATE_LEN,
	};

	(void)m;
	memcpy(bank.bank_id, k->state.bank_id, sizeof(bank.bank_id));
	memcpy(bank.identity, k->state.identity, sizeof(bank.identity));
	KEYD_SEND(k, to_ledgerd, bank, BANK, &bank);
}

void
keyd_take_ledgerd_terminals_get(
    struct keyd *k, const struct message_terminals_get *m)
{
	uint8_t list[TERMINALS_MAX * TERMINALS_LIST_LEN];
	struct writer w = writer_to(list, sizeof(list));
	struct message_terminals answer = {.list = list};

	(void)m;
	if (k->tree_started && k->lone) {
		k->lone = false;
		if (keyd_save_both(k) == SR_OK)
			(void)erase_rest(k);
	}
	terminals_list(&k->terminals, &w);
	answer.list_len = writer_len(&w);
	KEYD_SEND(k, to_ledgerd, terminals, TERMINALS, &answer);
}

enum { DIRECTORY_KEY_LEN = 40, DIRECTORY_KEYS_MAX = 512 };

void
keyd_take_ledgerd_directory_keys_get(
    struct keyd *k, const struct message_directory_keys_get *m)
{
	uint8_t list[DIRECTORY_KEYS_MAX * DIRECTORY_KEY_LEN];
	struct writer w = writer_to(list, sizeof(list));
	struct message_directory_keys answer = {.list = list};
	struct customer customer;
	uint64_t first = m->first > 0 ? m->first : 1;

	for (uint64_t i = 0;
	     i < DIRECTORY_KEYS_MAX && i <= k->credentials.customers &&
	     first <= k->credentials.customers - i;
	     i++) {
		if (keyd_fail(k, "credentials",
			credentials_read(
			    &k->credentials, first + i, &customer)) != SR_OK)
			return;
		writer_u64(&w, customer.id);
		writer_bytes(&w, customer.directory_key, 32);
	}
	sodium_memzero(&customer, sizeof(customer));
	answer.list_len = writer_len(&w);
	KEYD_SEND(k, to_ledgerd, directory_keys, DIRECTORY_KEYS, &answer);
	sodium_memzero(list, sizeof(list));
}

/* ledgerd waits for answers: a question that was refused gets one, too. */
void
keyd_refuse_ledgerd(struct keyd *k, unsigned type, enum sr_error why)
{
	struct message_genesis_signed genesis = {.error = (uint16_t)why};
	struct message_segment_key key = {.error = (uint16_t)why};
	struct message_key_used used = {.error = (uint16_t)why};
	struct message_snapshot_key snapshot = {.error = (uint16_t)why};
	struct message_restore_signed restore = {.error = (uint16_t)why};
	struct message_rotate_signed rotate = {.error = (uint16_t)why};

	k->refused++;
	keyd_refusal(k, REFUSAL_LEDGERD);
	diag_limited(ENV_LEDGERD, "ledgerd sent message %u: %s", type,
	    error_sentence(why));
	if (type == MESSAGE_TREE_START || type == MESSAGE_TREE_APPEND ||
	    type == MESSAGE_KEY_USE)
		keyd_answer_head(k, why);
	if (type == MESSAGE_KEY_USE)
		KEYD_SEND(k, to_ledgerd, key_used, KEY_USED, &used);
	if (type == MESSAGE_GENESIS_SIGN)
		KEYD_SEND(
		    k, to_ledgerd, genesis_signed, GENESIS_SIGNED, &genesis);
	if (type == MESSAGE_SEGMENT_KEY_GET)
		KEYD_SEND(k, to_ledgerd, segment_key, SEGMENT_KEY, &key);
	if (type == MESSAGE_SNAPSHOT_KEY_GET)
		KEYD_SEND(k, to_ledgerd, snapshot_key, SNAPSHOT_KEY, &snapshot);
	if (type == MESSAGE_RESTORE_SIGN)
		KEYD_SEND(
		    k, to_ledgerd, restore_signed, RESTORE_SIGNED, &restore);
	if (type == MESSAGE_ROTATE_SIGN)
		KEYD_SEND(k, to_ledgerd, rotate_signed, ROTATE_SIGNED, &rotate);
}
