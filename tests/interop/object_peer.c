/* SPDX-License-Identifier: ISC */
/*
 * Heads and bodies of stored objects for tests/unit/test_object_format.py, in
 * the line protocol of tests/lib/peer.h.  A place is bank id 32 | owner 8
 * | object id 16 | version 4 | key epoch 4.
 *
 *	head ROOT PLACE NONCE PLAIN	sealed head, in two pieces; PLAIN
 *					without the zeros at its end
 *	open ROOT PLACE SEALED SEALED	plaintext, in two pieces
 *	body KEY HEADER PLACE SIZE	SHA-256 of the sealed body, its length
 *	cksum DATA			the sum, 8 bytes
 *
 * Byte i of the body's plaintext is the low byte of i / 251 + 7 i.
 */
#include <string.h>

#include <sodium.h>

#include "client/object_body.h"
#include "client/object_head.h"
#include "common/buffer.h"
#include "common/cksum.h"
#include "tests/lib/peer.h"

enum { PIECE = 2304, HALVES = 2 };

static bool
take_place(const struct peer_argument *argument, struct object_place *place)
{
	struct reader r = reader_of(argument->bytes, argument->len);

	reader_bytes(&r, place->bank_id, sizeof(place->bank_id));
	place->owner = reader_u64(&r);
	reader_bytes(&r, place->id, sizeof(place->id));
	place->version = reader_u32(&r);
	place->key_epoch = reader_u32(&r);
	return reader_end(&r);
}

static void
say_pieces(const uint8_t *bytes, size_t len)
{
	const size_t first = len < PIECE ? len : PIECE;

	peer_say(bytes, first);
	peer_say(bytes + first, len - first);
}

static enum sr_error
do_head(const struct peer_argument *arguments)
{
	uint8_t root[32], nonce[24], plain[OBJECT_HEAD_LONG_LEN] = {0};
	uint8_t sealed[OBJECT_HEAD_LONG_LEN];
	struct object_place place;
	struct object_head head;
	enum sr_error error;
	size_t len;

	if (!peer_take(&arguments[0], root, sizeof(root)) ||
	    !take_place(&arguments[1], &place) ||
	    !peer_take(&arguments[2], nonce, sizeof(nonce)))
		return SR_MALFORMED;
	memcpy(plain, arguments[3].bytes, arguments[3].len);
	len =
	    arguments[3].len + OBJECT_HEAD_BOX_OVERHEAD <= OBJECT_HEAD_SHORT_LEN
		? OBJECT_HEAD_SHORT_LEN
		: OBJECT_HEAD_LONG_LEN;
	error =
	    object_head_decode(plain, len - OBJECT_HEAD_BOX_OVERHEAD, &head);
	if (error == SR_OK)
		error =
		    object_head_seal(&head, root, &place, nonce, sealed, &len);
	if (error == SR_OK)
		say_pieces(sealed, len);
	return error;
}

static enum sr_error
do_open(const struct peer_argument *arguments)
{
	uint8_t root[32], sealed[2 * PEER_ARGUMENT_MAX];
	uint8_t plain[OBJECT_HEAD_LONG_LEN];
	struct object_place place;
	struct object_head head;
	enum sr_error error;
	size_t len = 0;

	if (!peer_take(&arguments[0], root, sizeof(root)) ||
	    !take_place(&arguments[1], &place))
		return SR_MALFORMED;
	for (size_t i = 0; i < HALVES; i++) {
		memcpy(
		    sealed + len, arguments[2 + i].bytes, arguments[2 + i].len);
		len += arguments[2 + i].len;
	}
	error = object_head_open(sealed, len, root, &place, &head);
	if (error != SR_OK)
		return error;
	len -= OBJECT_HEAD_BOX_OVERHEAD;
	error = object_head_encode(&head, plain, len);
	if (error == SR_OK)
		say_pieces(plain, len);
	return error;
}

static enum sr_error
do_body(const struct peer_argument *arguments)
{
	static uint8_t plain[OBJECT_CHUNK_LEN];
	static uint8_t sealed[OBJECT_CHUNK_SEALED_MAX];
	uint8_t key[OBJECT_KEY_LEN], header[OBJECT_STREAM_HEADER_LEN];
	uint8_t hash[crypto_hash_sha256_BYTES], length[8];
	struct writer w = writer_to(length, sizeof(length));
	crypto_hash_sha256_state sum;
	struct object_place place;
	struct object_body body;
	uint64_t size, at = 0, total = 0;
	enum sr_error error;
	size_t len;

	if (!peer_take(&arguments[0], key, sizeof(key)) ||
	    !peer_take(&arguments[1], header, sizeof(header)) ||
	    !take_place(&arguments[2], &place) ||
	    !peer_number(&arguments[3], &size))
		return SR_MALFORMED;
	error =
	    object_body_init(&body, key, header, place.id, place.version, size);
	crypto_hash_sha256_init(&sum);
	while (error == SR_OK && (len = object_body_sealed_len(&body)) > 0) {
		const size_t take = object_body_plain_len(&body);

		for (size_t i = 0; i < take; i++, at++)
			plain[i] = (uint8_t)(at / 251 + 7 * at);
		error = object_body_seal(&body, plain, sealed);
		crypto_hash_sha256_update(&sum, sealed, len);
		total += len;
	}
	crypto_hash_sha256_final(&sum, hash);
	writer_u64(&w, total);
	peer_say(hash, sizeof(hash));
	peer_say(length, sizeof(length));
	return error;
}

static enum sr_error
do_cksum(const struct peer_argument *arguments)
{
	uint8_t out[8];
	struct writer w = writer_to(out, sizeof(out));
	struct cksum sum;

	cksum_init(&sum);
	cksum_update(&sum, arguments[0].bytes, arguments[0].len);
	writer_u64(&w, cksum_final(&sum));
	peer_say(out, sizeof(out));
	return SR_OK;
}

static const struct peer_command commands[] = {
    {"head", 4, do_head},
    {"open", 4, do_open},
    {"body", 4, do_body},
    {"cksum", 1, do_cksum},
};

int
main(void)
{
	return peer_run(commands, sizeof(commands) / sizeof(commands[0]));
}
