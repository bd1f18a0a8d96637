/* SPDX-License-Identifier: ISC */
/*
 * Our Merkle tree and our signed notes for a partner that is not ours, in the
 * line protocol of tests/lib/peer.h; tests/interop/log_theirs.go speaks the
 * same.  Numbers are 8 bytes, a proof is its hashes one after the other.
 *
 *	leaf DATA				adds it to the tree
 *	root SIZE				root
 *	inclusion INDEX SIZE			proof
 *	consistency OLD SIZE			proof
 *	included INDEX SIZE DATA ROOT PROOF	ok if it shows that
 *	extends OLD SIZE OLD-ROOT ROOT PROOF	ok if it shows that
 *	vkey NAME KEY				the verifier key as text
 *	sign ORIGIN SIZE ROOT			public key, note
 *	open NAME KEY NOTE			size, root
 */
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "common/merkle.h"
#include "common/note.h"
#include "tests/lib/peer.h"

enum { LEAVES_MAX = 1024 };

static uint8_t leaves[LEAVES_MAX][MERKLE_HASH_LEN];
static uint64_t leaf_count;

static enum sr_error
do_leaf(const struct peer_argument *arguments)
{
	if (leaf_count == LEAVES_MAX)
		return SR_TOO_LARGE;
	merkle_leaf_hash(
	    arguments[0].bytes, arguments[0].len, leaves[leaf_count]);
	leaf_count++;
	return SR_OK;
}

/* The root of the leaves from first on, count of them. */
static enum sr_error
root_of(uint64_t first, uint64_t count, uint8_t root[MERKLE_HASH_LEN])
{
	struct merkle_frontier frontier;
	enum sr_error error = SR_OK;

	merkle_frontier_init(&frontier);
	for (uint64_t i = first; i < first + count && error == SR_OK; i++)
		error = i < leaf_count
			    ? merkle_frontier_append(&frontier, leaves[i])
			    : SR_NOT_FOUND;
	merkle_frontier_root(&frontier, root);
	return error;
}

static enum sr_error
source(void *context, unsigned level, uint64_t index,
    uint8_t hash[MERKLE_HASH_LEN])
{
	(void)context;
	return root_of(index << level, UINT64_C(1) << level, hash);
}

static enum sr_error
do_root(const struct peer_argument *arguments)
{
	uint8_t root[MERKLE_HASH_LEN];
	enum sr_error error;
	uint64_t size;

	if (!peer_number(&arguments[0], &size))
		return SR_MALFORMED;
	error = root_of(0, size, root);
	peer_say(root, sizeof(root));
	return error;
}

typedef enum sr_error (*prover)(merkle_source source, void *context,
    uint64_t first, uint64_t size, uint8_t *proof, size_t *count);

static enum sr_error
prove(prover make, const struct peer_argument *arguments)
{
	uint8_t proof[MERKLE_PROOF_MAX * MERKLE_HASH_LEN];
	uint64_t first, size;
	enum sr_error error;
	size_t count;

	if (!peer_number(&arguments[0], &first) ||
	    !peer_number(&arguments[1], &size))
		return SR_MALFORMED;
	error = make(source, NULL, first, size, proof, &count);
	if (error == SR_OK)
		peer_say(proof, count * MERKLE_HASH_LEN);
	return error;
}

static enum sr_error
do_inclusion(const struct peer_argument *arguments)
{
	return prove(merkle_inclusion_prove, arguments);
}

static enum sr_error
do_consistency(const struct peer_argument *arguments)
{
	return prove(merkle_consistency_prove, arguments);
}

static enum sr_error
do_included(const struct peer_argument *arguments)
{
	uint8_t leaf_hash[MERKLE_HASH_LEN];
	uint8_t root[MERKLE_HASH_LEN];
	uint64_t index, size;

	if (!peer_number(&arguments[0], &index) ||
	    !peer_number(&arguments[1], &size) ||
	    !peer_take(&arguments[3], root, sizeof(root)) ||
	    arguments[4].len % MERKLE_HASH_LEN != 0)
		return SR_MALFORMED;
	merkle_leaf_hash(arguments[2].bytes, arguments[2].len, leaf_hash);
	return merkle_inclusion_verify(index, size, leaf_hash,
	    arguments[4].bytes, arguments[4].len / MERKLE_HASH_LEN, root);
}

static enum sr_error
do_extends(const struct peer_argument *arguments)
{
	uint8_t old_root[MERKLE_HASH_LEN];
	uint8_t root[MERKLE_HASH_LEN];
	uint64_t old_size, size;

	if (!peer_number(&arguments[0], &old_size) ||
	    !peer_number(&arguments[1], &size) ||
	    !peer_take(&arguments[2], old_root, sizeof(old_root)) ||
	    !peer_take(&arguments[3], root, sizeof(root)) ||
	    arguments[4].len % MERKLE_HASH_LEN != 0)
		return SR_MALFORMED;
	return merkle_consistency_verify(old_size, old_root, size, root,
	    arguments[4].bytes, arguments[4].len / MERKLE_HASH_LEN);
}

static bool
take_origin(const struct peer_argument *argument, char out[NOTE_ORIGIN_MAX])
{
	if (argument->len >= NOTE_ORIGIN_MAX)
		return false;
	memcpy(out, argument->bytes, argument->len);
	out[argument->len] = '\0';
	return true;
}

static enum sr_error
do_vkey(const struct peer_argument *arguments)
{
	char name[NOTE_ORIGIN_MAX], vkey[NOTE_VKEY_MAX];
	uint8_t key[32];

	if (!take_origin(&arguments[0], name) ||
	    !peer_take(&arguments[1], key, sizeof(key)))
		return SR_MALFORMED;
	note_vkey(name, key, vkey);
	peer_say(vkey, strlen(vkey));
	return SR_OK;
}

static enum sr_error
do_sign(const struct peer_argument *arguments)
{
	struct checkpoint checkpoint;
	uint8_t public_key[32], secret_key[64];
	uint8_t signature[NOTE_SIGNATURE_LEN];
	char text[NOTE_MAX];
	enum sr_error error;
	size_t len;

	if (!take_origin(&arguments[0], checkpoint.origin) ||
	    !peer_number(&arguments[1], &checkpoint.size) ||
	    !peer_take(&arguments[2], checkpoint.root, sizeof(checkpoint.root)))
		return SR_MALFORMED;
	crypto_sign_keypair(public_key, secret_key);
	error = note_sign(&checkpoint, secret_key, signature);
	if (error != SR_OK)
		return error;
	note_assemble(&checkpoint, public_key, signature, text, &len);
	peer_say(public_key, sizeof(public_key));
	peer_say(text, len);
	return SR_OK;
}

static enum sr_error
do_open(const struct peer_argument *arguments)
{
	char name[NOTE_ORIGIN_MAX];
	uint8_t key[32], size[8];
	struct note note;
	struct writer w = writer_to(size, sizeof(size));
	enum sr_error error;

	if (!take_origin(&arguments[0], name) ||
	    !peer_take(&arguments[1], key, sizeof(key)))
		return SR_MALFORMED;
	error = note_parse(arguments[2].bytes, arguments[2].len, &note);
	if (error == SR_OK && strcmp(note.checkpoint.origin, name) != 0)
		error = SR_NOT_FOUND;
	if (error == SR_OK)
		error = note_verify(&note, key);
	if (error != SR_OK)
		return error;
	writer_u64(&w, note.checkpoint.size);
	peer_say(size, sizeof(size));
	peer_say(note.checkpoint.root, sizeof(note.checkpoint.root));
	return SR_OK;
}

static const struct peer_command commands[] = {
    {"leaf", 1, do_leaf},
    {"root", 1, do_root},
    {"inclusion", 2, do_inclusion},
    {"consistency", 2, do_consistency},
    {"included", 5, do_included},
    {"extends", 5, do_extends},
    {"vkey", 2, do_vkey},
    {"sign", 3, do_sign},
    {"open", 3, do_open},
};

int
main(void)
{
	return peer_run(commands, sizeof(commands) / sizeof(commands[0]));
}
