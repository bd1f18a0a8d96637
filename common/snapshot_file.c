/* SPDX-License-Identifier: ISC */
/* Chunks, sealed and opened.  Must never give out what did not verify. */
#include "common/snapshot_file.h"

#include <string.h>

#include "common/buffer.h"
#include "common/crc32c.h"

enum {
	VERSION = 1,
	CRC_AT = SNAPSHOT_HEADER_LEN - 4,
	SEALED_LEN = SNAPSHOT_CHUNK_LEN + AEAD_TAG_LEN,
};

static const char magic[8] = {'S', 'R', 'S', 'N', 'A', 'P', 'S', '1'};

static void
header_encode(
    const struct snapshot_header *header, uint8_t bytes[SNAPSHOT_HEADER_LEN])
{
	const struct entry_snapshot *snapshot = &header->snapshot;
	struct writer w = writer_to(bytes, SNAPSHOT_HEADER_LEN);

	writer_bytes(&w, magic, sizeof(magic));
	writer_u16(&w, VERSION);
	writer_zeros(&w, 2);
	writer_u32(&w, snapshot->number);
	writer_bytes(&w, header->bank_id, sizeof(header->bank_id));
	writer_bytes(&w, header->salt, sizeof(header->salt));
	writer_u64(&w, snapshot->size);
	writer_u32(&w, snapshot->segment);
	writer_u32(&w, snapshot->offset);
	writer_zeros(&w, CRC_AT - writer_len(&w));
	writer_u32(&w, crc32c(0, bytes, CRC_AT));
}

static enum sr_error
header_decode(
    const uint8_t bytes[SNAPSHOT_HEADER_LEN], struct snapshot_header *header)
{
	struct entry_snapshot *snapshot = &header->snapshot;
	struct reader r = reader_of(bytes, SNAPSHOT_HEADER_LEN);
	enum sr_error error = reader_magic(&r, magic, sizeof(magic));
	unsigned version;

	memset(header, 0, sizeof(*header));
	version = reader_u16(&r);
	reader_zeros(&r, 2);
	snapshot->number = reader_u32(&r);
	reader_bytes(&r, header->bank_id, sizeof(header->bank_id));
	reader_bytes(&r, header->salt, sizeof(header->salt));
	snapshot->size = reader_u64(&r);
	snapshot->segment = reader_u32(&r);
	snapshot->offset = reader_u32(&r);
	reader_zeros(&r, reader_left(&r) - 4);
	if (error != SR_OK)
		return error;
	if (version > VERSION)
		return SR_VERSION;
	if (version < VERSION || reader_u32(&r) != crc32c(0, bytes, CRC_AT))
		return SR_DAMAGED;
	return reader_end(&r) ? SR_OK : SR_DAMAGED;
}

static void
begin(struct snapshot_file *f, struct env *env, env_file file)
{
	memset(f, 0, sizeof(*f));
	f->env = env;
	f->file = file;
	crypto_hash_sha256_init(&f->hash);
}

static void
wipe(struct snapshot_file *f, uint8_t hash[32])
{
	crypto_hash_sha256_final(&f->hash, hash);
	sodium_memzero(f->key, sizeof(f->key));
	sodium_memzero(f->plain, sizeof(f->plain));
}

/* ---- out --------------------------------------------------------------------- */

static enum sr_error
write_hashed(struct snapshot_file *f, const uint8_t *bytes, size_t len)
{
	enum sr_error error = env_write(f->env, f->file, f->at, bytes, len);

	crypto_hash_sha256_update(&f->hash, bytes, len);
	f->at += len;
	return error;
}

enum sr_error
snapshot_file_begin(struct snapshot_file *f, struct env *env, env_file file,
    const struct snapshot_header *header, const uint8_t key[32])
{
	begin(f, env, file);
	memcpy(f->key, key, sizeof(f->key));
	header_encode(header, f->header);
	return write_hashed(f, f->header, SNAPSHOT_HEADER_LEN);
}

static enum sr_error
write_chunk(struct snapshot_file *f, bool last)
{
	size_t len = f->plain_len;

	f->header[SNAPSHOT_HEADER_LEN] = last;
	aead_seal(f->sealed, f->key, f->chunk++, f->header, sizeof(f->header),
	    f->plain, len);
	f->plain_len = 0;
	return write_hashed(f, f->sealed, len + AEAD_TAG_LEN);
}

enum sr_error
snapshot_file_put(void *snapshot_file, const uint8_t *bytes, size_t len)
{
	struct snapshot_file *f = snapshot_file;

	while (len > 0) {
		size_t room = SNAPSHOT_CHUNK_LEN - f->plain_len;
		size_t some = len < room ? len : room;

		/* the last chunk is never empty: a full one waits */
		if (room == 0) {
			enum sr_error error = write_chunk(f, false);

			if (error != SR_OK)
				return error;
			continue;
		}
		memcpy(f->plain + f->plain_len, bytes, some);
		f->plain_len += some;
		bytes += some;
		len -= some;
	}
	return SR_OK;
}

enum sr_error
snapshot_file_finish(struct snapshot_file *f, uint8_t hash[32])
{
	enum sr_error error = write_chunk(f, true);

	wipe(f, hash);
	return error;
}

/* ---- in ---------------------------------------------------------------------- */

static enum sr_error
read_hashed(struct snapshot_file *f, uint8_t *bytes, size_t len)
{
	enum sr_error error = env_read(f->env, f->file, f->at, bytes, len);

	if (error != SR_OK)
		return error;
	crypto_hash_sha256_update(&f->hash, bytes, len);
	f->at += len;
	return SR_OK;
}

enum sr_error
snapshot_file_open(struct snapshot_file *f, struct env *env, env_file file,
    struct snapshot_header *header)
{
	enum sr_error error;

	begin(f, env, file);
	error = env_size(env, file, &f->len);
	if (error != SR_OK)
		return error;
	if (f->len <= SNAPSHOT_HEADER_LEN + AEAD_TAG_LEN)
		return SR_DAMAGED;
	error = read_hashed(f, f->header, SNAPSHOT_HEADER_LEN);
	return error == SR_OK ? header_decode(f->header, header) : error;
}

void
snapshot_file_key(struct snapshot_file *f, const uint8_t key[32])
{
	memcpy(f->key, key, sizeof(f->key));
}

static enum sr_error
read_chunk(struct snapshot_file *f)
{
	uint64_t left = f->len - f->at;
	size_t len = left < SEALED_LEN ? (size_t)left : SEALED_LEN;
	enum sr_error error;

	if (f->last || len <= AEAD_TAG_LEN)
		return SR_DAMAGED;
	error = read_hashed(f, f->sealed, len);
	if (error != SR_OK)
		return error;
	f->last = len == left;
	f->header[SNAPSHOT_HEADER_LEN] = f->last;
	f->plain_len = len - AEAD_TAG_LEN;
	f->plain_at = 0;
	return aead_open(f->plain, f->key, f->chunk++, f->header,
	    sizeof(f->header), f->sealed, len);
}

enum sr_error
snapshot_file_take(void *snapshot_file, uint8_t *bytes, size_t len)
{
	struct snapshot_file *f = snapshot_file;

	while (len > 0) {
		size_t there = f->plain_len - f->plain_at;
		size_t some = len < there ? len : there;

		if (there == 0) {
			enum sr_error error = read_chunk(f);

			if (error != SR_OK)
				return error;
			continue;
		}
		memcpy(bytes, f->plain + f->plain_at, some);
		f->plain_at += some;
		bytes += some;
		len -= some;
	}
	return SR_OK;
}

enum sr_error
snapshot_file_tree(
    struct snapshot_file *f, uint64_t *time_ms, struct merkle_frontier *tree)
{
	uint8_t bytes[8 + MERKLE_FRONTIER_MAX] = {0};
	struct reader r = reader_of(bytes, 16);
	enum sr_error error = snapshot_file_take(f, bytes, 16);
	size_t len;

	if (error != SR_OK)
		return error;
	*time_ms = reader_u64(&r);
	len = (size_t)__builtin_popcountll(reader_u64(&r)) * MERKLE_HASH_LEN;
	if (len > sizeof(bytes) - 16)
		return SR_MALFORMED;
	error = snapshot_file_take(f, bytes + 16, len);
	r = reader_of(bytes + 8, 8 + len);
	return error == SR_OK ? merkle_frontier_read(&r, tree) : error;
}

enum sr_error
snapshot_file_end(struct snapshot_file *f, uint8_t hash[32])
{
	bool whole = f->last && f->plain_at == f->plain_len;

	wipe(f, hash);
	return whole ? SR_OK : SR_DAMAGED;
}
