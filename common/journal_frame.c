/* SPDX-License-Identifier: ISC */
/*
 * The journal's frames.  Must never use a key for two plaintexts, and never
 * call a frame whole of which a byte was not looked at.
 *
 * Security: frame keys on the stack are wiped; the caller owns the buffer
 * that journal_open() fills, and wipes it.
 */
#include "common/journal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/crc32c.h"
#include "common/kdf.h"

static const char frame_magic[4] = {'S', 'R', 'F', '1'};

static_assert(JOURNAL_PLAIN_MAX % JOURNAL_PLAIN_STEP == 0, "whole steps");
static_assert(
    JOURNAL_PLAIN_MAX >= 4 + ENTRY_MAX + JOURNAL_SALT_LEN + 4 +
			     JOURNAL_TOUCHED_MAX * JOURNAL_TOUCHED_LEN,
    "the longest entry fits");

static size_t
round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

static size_t
plain_len(size_t committed_len, unsigned touched_count)
{
	return round_up(4 + committed_len + JOURNAL_SALT_LEN + 4 +
			    touched_count * JOURNAL_TOUCHED_LEN,
	    JOURNAL_PLAIN_STEP);
}

size_t
journal_frame_len(size_t committed_len, unsigned touched_count)
{
	return round_up(JOURNAL_HEADER_LEN +
			    plain_len(committed_len, touched_count) +
			    JOURNAL_TAG_LEN,
	    8);
}

static void
leaf_of(const struct journal_header *header, const uint8_t *aad,
    const uint8_t *body, struct journal_leaf *leaf)
{
	crypto_hash_sha256_state state;

	*leaf = (struct journal_leaf){.seq = header->seq,
	    .time_ms = header->time_ms,
	    .class = header->class,
	    .segment = header->segment};
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, aad, JOURNAL_AAD_LEN);
	crypto_hash_sha256_update(&state, body, header->length);
	crypto_hash_sha256_final(&state, leaf->sealed_hash);
	memcpy(leaf->commitment, header->commitment, sizeof(leaf->commitment));
}

void
journal_frame_leaf(const struct journal_frame *frame, struct journal_leaf *leaf)
{
	leaf_of(&frame->header, frame->aad, frame->body, leaf);
}

/* Writes the first JOURNAL_AAD_LEN bytes of a frame. */
static void
header_encode(
    const struct journal_header *header, uint8_t bytes[JOURNAL_AAD_LEN])
{
	struct writer w = writer_to(bytes, JOURNAL_AAD_LEN);

	writer_bytes(&w, frame_magic, sizeof(frame_magic));
	writer_u8(&w, JOURNAL_VERSION);
	writer_u8(&w, header->type);
	writer_zeros(&w, 2);
	writer_u32(&w, header->length);
	writer_u64(&w, header->seq);
	writer_u64(&w, header->time_ms);
	writer_u32(&w, header->segment);
	writer_u8(&w, header->class);
	writer_zeros(&w, 3);
	writer_bytes(&w, header->random, sizeof(header->random));
	writer_bytes(&w, header->commitment, sizeof(header->commitment));
	assert(!w.bad && writer_len(&w) == JOURNAL_AAD_LEN);
}

/* Writes crc and padding round a header and body that stand at out. */
static size_t
frame_finish(struct journal_header *header, uint8_t *out)
{
	size_t end = JOURNAL_HEADER_LEN + header->length;
	size_t frame_len = round_up(end, 8);
	struct writer w = writer_to(out + JOURNAL_AAD_LEN, 4);

	header->crc = crc32c(0, out, JOURNAL_AAD_LEN);
	header->crc =
	    crc32c(header->crc, out + JOURNAL_HEADER_LEN, header->length);
	writer_u32(&w, header->crc);
	memset(out + end, 0, frame_len - end);
	return frame_len;
}

static void
plain_encode(const struct journal_plain *plain, uint8_t *out, size_t len)
{
	struct writer w = writer_to(out, len);

	writer_u32(&w, (uint32_t)plain->committed_len);
	writer_bytes(&w, plain->committed, plain->committed_len);
	writer_bytes(&w, plain->salt, sizeof(plain->salt));
	writer_u8(&w, (uint8_t)plain->touched_count);
	writer_zeros(&w, 3);
	for (unsigned i = 0; i < plain->touched_count; i++) {
		const struct journal_touched *touched = &plain->touched[i];

		writer_u64(&w, touched->account);
		writer_i64(&w, touched->posted_minor);
		writer_i64(&w, touched->held_minor);
		writer_u32(&w, touched->previous.segment);
		writer_u32(&w, touched->previous.offset);
	}
	writer_zeros(&w, len - writer_len(&w));
	assert(!w.bad && writer_len(&w) == len);
}

static enum sr_error
plain_decode(const uint8_t *bytes, size_t len, struct journal_plain *plain)
{
	struct reader r = reader_of(bytes, len);

	memset(plain, 0, sizeof(*plain));
	plain->committed_len = reader_u32(&r);
	if (plain->committed_len == 0 || plain->committed_len > ENTRY_MAX)
		return SR_DAMAGED;
	plain->committed = reader_view(&r, plain->committed_len);
	reader_bytes(&r, plain->salt, sizeof(plain->salt));
	plain->touched_count = reader_u8(&r);
	reader_zeros(&r, 3);
	if (r.bad || plain->touched_count > JOURNAL_TOUCHED_MAX ||
	    len != plain_len(plain->committed_len, plain->touched_count))
		return SR_DAMAGED;
	for (unsigned i = 0; i < plain->touched_count; i++) {
		struct journal_touched *touched = &plain->touched[i];

		touched->account = reader_u64(&r);
		touched->posted_minor = reader_i64(&r);
		touched->held_minor = reader_i64(&r);
		touched->previous.segment = reader_u32(&r);
		touched->previous.offset = reader_u32(&r);
	}
	reader_zeros(&r, reader_left(&r));
	return reader_end(&r) ? SR_OK : SR_DAMAGED;
}

static void
frame_key(uint8_t key[AEAD_KEY_LEN], const uint8_t segment_key[32],
    const uint8_t random[32])
{
	kdf_expand_label(
	    key, AEAD_KEY_LEN, segment_key, 32, "frame", random, 32);
}

enum sr_error
journal_seal(const uint8_t segment_key[32], struct journal_header *header,
    const struct journal_plain *plain, uint8_t *out, size_t room,
    size_t *frame_len, struct journal_leaf *leaf)
{
	uint8_t *body = out + JOURNAL_HEADER_LEN;
	uint8_t key[AEAD_KEY_LEN];
	size_t len;

	if (plain->committed_len == 0 || plain->committed_len > ENTRY_MAX ||
	    plain->touched_count > JOURNAL_TOUCHED_MAX ||
	    journal_frame_len(plain->committed_len, plain->touched_count) >
		room)
		return SR_TOO_LARGE;
	len = plain_len(plain->committed_len, plain->touched_count);
	header->type = JOURNAL_ENTRY;
	header->class =
	    (uint8_t)journal_class_of(plain->committed, plain->committed_len);
	if (header->class == 0)
		return SR_MALFORMED;
	header->length = (uint32_t)(len + JOURNAL_TAG_LEN);
	journal_commitment(plain->salt, plain->committed, plain->committed_len,
	    header->commitment);
	header_encode(header, out);
	plain_encode(plain, body, len);
	frame_key(key, segment_key, header->random);
	aead_seal(body, key, 0, out, JOURNAL_AAD_LEN, body, len);
	sodium_memzero(key, sizeof(key));
	*frame_len = frame_finish(header, out);
	leaf_of(header, out, body, leaf);
	return SR_OK;
}

void
journal_commit_encode(const struct journal_commit *commit, uint32_t segment,
    uint64_t time_ms, uint8_t out[JOURNAL_COMMIT_FRAME_LEN])
{
	struct journal_header header = {.type = JOURNAL_COMMIT,
	    .class = JOURNAL_CLASS_SYSTEM,
	    .length = JOURNAL_COMMIT_BODY_LEN,
	    .seq = commit->size,
	    .time_ms = time_ms,
	    .segment = segment};
	struct writer w =
	    writer_to(out + JOURNAL_HEADER_LEN, JOURNAL_COMMIT_BODY_LEN);

	header_encode(&header, out);
	writer_u64(&w, commit->first_leaf);
	writer_u64(&w, commit->last_leaf);
	writer_u64(&w, commit->size);
	writer_bytes(&w, commit->root, sizeof(commit->root));
	writer_u32(&w, commit->previous_epoch);
	writer_zeros(&w, 4);
	writer_bytes(
	    &w, commit->previous_signature, sizeof(commit->previous_signature));
	assert(!w.bad && writer_len(&w) == JOURNAL_COMMIT_BODY_LEN);
	(void)frame_finish(&header, out);
}

enum sr_error
journal_commit_decode(
    const struct journal_frame *frame, struct journal_commit *commit)
{
	struct reader r = reader_of(frame->body, frame->header.length);

	memset(commit, 0, sizeof(*commit));
	commit->first_leaf = reader_u64(&r);
	commit->last_leaf = reader_u64(&r);
	commit->size = reader_u64(&r);
	reader_bytes(&r, commit->root, sizeof(commit->root));
	commit->previous_epoch = reader_u32(&r);
	reader_zeros(&r, 4);
	reader_bytes(
	    &r, commit->previous_signature, sizeof(commit->previous_signature));
	if (!reader_end(&r) || frame->header.type != JOURNAL_COMMIT ||
	    commit->first_leaf > commit->last_leaf ||
	    commit->last_leaf == UINT64_MAX ||
	    commit->size != commit->last_leaf + 1 ||
	    frame->header.seq != commit->size)
		return SR_DAMAGED;
	if (commit->first_leaf == 0 &&
	    (commit->previous_epoch != 0 ||
		!journal_all_zero(commit->previous_signature,
		    sizeof(commit->previous_signature))))
		return SR_DAMAGED;
	return SR_OK;
}

/* Reads the fixed part; SR_DAMAGED for what no header of ours contains. */
static enum sr_error
header_decode(const uint8_t *bytes, struct journal_header *header)
{
	struct reader r = reader_of(bytes, JOURNAL_HEADER_LEN);
	enum sr_error error =
	    reader_magic(&r, frame_magic, sizeof(frame_magic));
	uint8_t version = reader_u8(&r);

	memset(header, 0, sizeof(*header));
	header->type = reader_u8(&r);
	reader_zeros(&r, 2);
	header->length = reader_u32(&r);
	header->seq = reader_u64(&r);
	header->time_ms = reader_u64(&r);
	header->segment = reader_u32(&r);
	header->class = reader_u8(&r);
	reader_zeros(&r, 3);
	reader_bytes(&r, header->random, sizeof(header->random));
	reader_bytes(&r, header->commitment, sizeof(header->commitment));
	header->crc = reader_u32(&r);
	if (error != SR_OK)
		return error;
	if (version > JOURNAL_VERSION)
		return SR_VERSION;
	if (version < JOURNAL_VERSION || !reader_end(&r))
		return SR_DAMAGED;
	if (header->class < JOURNAL_CLASS_ORDER ||
	    header->class > JOURNAL_CLASS_BOX)
		return SR_DAMAGED;
	if (header->type == JOURNAL_COMMIT)
		return header->length == JOURNAL_COMMIT_BODY_LEN &&
			       header->class == JOURNAL_CLASS_SYSTEM &&
			       journal_all_zero(header->random, 32) &&
			       journal_all_zero(header->commitment, 32)
			   ? SR_OK
			   : SR_DAMAGED;
	if (header->type != JOURNAL_ENTRY ||
	    header->length > JOURNAL_BODY_MAX ||
	    header->length < JOURNAL_PLAIN_STEP + JOURNAL_TAG_LEN ||
	    (header->length - JOURNAL_TAG_LEN) % JOURNAL_PLAIN_STEP != 0)
		return SR_DAMAGED;
	return SR_OK;
}

enum sr_error
journal_frame_parse(const void *bytes, size_t len, struct journal_frame *frame)
{
	const uint8_t *at = bytes;
	enum sr_error error;
	size_t end;
	uint32_t crc;

	memset(frame, 0, sizeof(*frame));
	if (journal_all_zero(at, len < 8 ? len : 8))
		return SR_NOT_FOUND;
	if (len < JOURNAL_HEADER_LEN)
		return SR_DAMAGED;
	error = header_decode(at, &frame->header);
	if (error != SR_OK)
		return error;
	end = JOURNAL_HEADER_LEN + frame->header.length;
	frame->frame_len = round_up(end, 8);
	if (frame->frame_len > len)
		return SR_DAMAGED;
	frame->aad = at;
	frame->body = at + JOURNAL_HEADER_LEN;
	crc = crc32c(0, at, JOURNAL_AAD_LEN);
	if (crc32c(crc, frame->body, frame->header.length) !=
		frame->header.crc ||
	    !journal_all_zero(at + end, frame->frame_len - end))
		return SR_DAMAGED;
	return SR_OK;
}

enum sr_error
journal_open(const uint8_t segment_key[32], const struct journal_frame *frame,
    uint8_t buffer[JOURNAL_PLAIN_MAX], struct journal_plain *plain)
{
	const struct journal_header *header = &frame->header;
	uint8_t key[AEAD_KEY_LEN], commitment[32];
	enum sr_error error;

	if (header->type != JOURNAL_ENTRY || header->length < JOURNAL_TAG_LEN ||
	    header->length > JOURNAL_BODY_MAX)
		return SR_DAMAGED;
	frame_key(key, segment_key, header->random);
	error = aead_open(buffer, key, 0, frame->aad, JOURNAL_AAD_LEN,
	    frame->body, header->length);
	sodium_memzero(key, sizeof(key));
	if (error != SR_OK)
		return SR_CRYPTO;
	error = plain_decode(buffer, header->length - JOURNAL_TAG_LEN, plain);
	if (error != SR_OK)
		return error;
	journal_commitment(
	    plain->salt, plain->committed, plain->committed_len, commitment);
	if (memcmp(commitment, header->commitment, sizeof(commitment)) != 0)
		return SR_CRYPTO;
	if (journal_class_of(plain->committed, plain->committed_len) !=
	    header->class)
		return SR_DAMAGED;
	return SR_OK;
}
