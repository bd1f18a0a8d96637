/* SPDX-License-Identifier: ISC */
/*
 * A snapshot as strongroom-verify reads it.  The first byte says whether the
 * rest is the file, with the header's checksum made right, or what it seals
 * under the disclosed key: tree, books and people.
 */
#include <string.h>

#include <sodium.h>

#include "client/verify/audit.h"
#include "common/buffer.h"
#include "common/crc32c.h"
#include "common/env_posix.h"
#include "common/snapshot_file.h"

#include "tests/lib/fuzz.h"

enum { CRC_AT = SNAPSHOT_HEADER_LEN - 4, FILE_MAX = 1 << 18 };

/* A file in memory; only what snapshot_file.h needs. */
struct memory {
	struct env env;
	size_t len;
	uint8_t bytes[FILE_MAX + 4096];
};

static enum sr_error
memory_write(struct env *env, env_file file, uint64_t offset, const void *bytes,
    size_t len)
{
	struct memory *memory = (struct memory *)env;

	(void)file;
	fuzz_must(offset + len <= sizeof(memory->bytes));
	memcpy(memory->bytes + offset, bytes, len);
	memory->len = offset + len;
	return SR_OK;
}

static const struct env_ops memory_ops = {.write = memory_write};

static void
make(struct memory *memory, const struct snapshot_header *header,
    const uint8_t key[32], const uint8_t *bytes, size_t len)
{
	static struct snapshot_file f;
	uint8_t hash[32];

	memory->env.ops = &memory_ops;
	fuzz_must(
	    snapshot_file_begin(&f, &memory->env, 0, header, key) == SR_OK &&
	    snapshot_file_put(&f, bytes, len) == SR_OK &&
	    snapshot_file_finish(&f, hash) == SR_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct memory memory;
	static struct verify verify;
	static struct book book;
	struct snapshot_header header = {
	    .snapshot = {.number = 1, .size = 1, .offset = 128}};
	struct audit_key key = {.segment = 1};
	struct merkle_frontier tree;
	struct writer w;

	if (len < 2 || len > FILE_MAX)
		return 0;
	if (bytes[0] % 2 == 1) {
		make(&memory, &header, key.key, bytes + 1, len - 1);
	} else {
		memory.len = len - 1;
		memcpy(memory.bytes, bytes + 1, memory.len);
		w = writer_to(memory.bytes + CRC_AT, 4);
		if (memory.len >= SNAPSHOT_HEADER_LEN)
			writer_u32(&w, crc32c(0, memory.bytes, CRC_AT));
	}
	crypto_hash_sha256(header.snapshot.hash, memory.bytes, memory.len);
	fuzz_put("snapshot/00000001", memory.bytes, memory.len);
	verify.directory = fuzz_directory();
	verify.why[0] = '\0';
	verify.exit = VERIFY_INTACT;
	if (audit_load_snapshot(
		&verify, &header.snapshot, &key, &book, &tree)) {
		fuzz_taken();
		fuzz_must(tree.size == header.snapshot.size);
	} else {
		/* nobody in the corpus is attested: what comes before is right */
		if (strstr(verify.why, error_sentence(SR_SIGNATURE)) != NULL)
			fuzz_taken();
		fuzz_must(
		    verify.why[0] != '\0' && verify.exit != VERIFY_INTACT);
	}
	book_free(&book);
	return 0;
}
