/* SPDX-License-Identifier: ISC */
/*
 * A snapshot's file opened with a disclosed key.  Must never give out books
 * of a file whose hash the caller has not seen in the log, nor keys of
 * principals that keyd has not attested.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/verify/audit.h"
#include "client/verify/leaves.h"
#include "common/book/state.h"
#include "common/env_posix.h"
#include "common/snapshot_file.h"

enum { NAME_MAX_LEN = 32, DISPLAY_MAX_LEN = 64 };

/* The ledger as ledgerd sees it. */
struct place {
	struct env_posix_directory directory;
	struct env_posix posix;
};

static bool
place_open(const struct verify *verify, struct place *place)
{
	place->directory = (struct env_posix_directory){.name = "ledger",
	    .fd = open(verify->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (place->directory.fd < 0)
		return false;
	env_posix_init(&place->posix);
	env_posix_directories(&place->posix, &place->directory, 1);
	return true;
}

static enum sr_error
open_snapshot(struct place *place, uint32_t number, env_file *file)
{
	char path[ENV_PATH_MAX];

	snprintf(path, sizeof(path), "ledger/snapshot/%08" PRIu32, number);
	return env_open(&place->posix.env, path, ENV_READ, file);
}

/* Passes over a text with its length before it. */
static enum sr_error
skip_text(struct snapshot_file *f, size_t max)
{
	uint8_t len, text[DISPLAY_MAX_LEN];
	enum sr_error error = snapshot_file_take(f, &len, 1);

	if (error == SR_OK && len > max)
		error = SR_MALFORMED;
	return error == SR_OK ? snapshot_file_take(f, text, len) : error;
}

/* Whether one of the bank's keys has attested that of the principal. */
static bool
is_attested(const struct verify *verify, const struct book_principal *principal,
    const uint8_t bytes[ATTESTATION_LEN])
{
	struct attestation attestation;
	struct book_opening opening;

	for (size_t i = 0; i < verify->certificate_count; i++) {
		if (attestation_verify(bytes,
			verify->certificate[i].attestation_key,
			verify->bank.bank_id, &attestation) != SR_OK)
			continue;
		opening = book_opening_of(&attestation, bytes);
		return opening.customer == principal->customer &&
		       memcmp(opening.signing_key, principal->signing_key,
			   sizeof(opening.signing_key)) == 0 &&
		       memcmp(opening.attestation_hash,
			   principal->attestation_hash,
			   sizeof(opening.attestation_hash)) == 0;
	}
	return false;
}

/* Names and salts are not the auditor's business; keys are. */
static enum sr_error
take_person(const struct verify *verify, struct snapshot_file *f,
    const struct book_principal *principal)
{
	uint8_t salt[32], place[8], attestation[ATTESTATION_LEN];
	enum sr_error error = skip_text(f, NAME_MAX_LEN);

	if (error == SR_OK)
		error = snapshot_file_take(f, salt, sizeof(salt));
	if (error == SR_OK)
		error = skip_text(f, DISPLAY_MAX_LEN);
	if (error == SR_OK)
		error = snapshot_file_take(f, place, sizeof(place));
	if (error == SR_OK)
		error = snapshot_file_take(f, attestation, sizeof(attestation));
	if (error == SR_OK && !is_attested(verify, principal, attestation))
		error = SR_SIGNATURE;
	return error;
}

static enum sr_error
take_all(const struct verify *verify, struct snapshot_file *f,
    struct book *book, struct merkle_frontier *tree)
{
	uint64_t time_ms;
	enum sr_error error = snapshot_file_tree(f, &time_ms, tree);

	if (error == SR_OK)
		error = book_state_read(book, snapshot_file_take, f);
	for (uint64_t i = 0; error == SR_OK && i < book_principal_count(book);
	     i++)
		error = take_person(verify, f, book_principal_at(book, i));
	return error;
}

static enum sr_error
read_file(const struct verify *verify, struct env *env, env_file file,
    const struct entry_snapshot *snapshot, const struct audit_key *key,
    struct book *book, struct merkle_frontier *tree)
{
	static struct snapshot_file f;
	struct snapshot_header header;
	uint8_t hash[32];
	enum sr_error error = snapshot_file_open(&f, env, file, &header);

	if (error != SR_OK)
		return error;
	memcpy(header.snapshot.hash, snapshot->hash, 32);
	if (!entry_snapshot_same(&header.snapshot, snapshot) ||
	    memcmp(header.bank_id, verify->bank.bank_id, 32) != 0 ||
	    memcmp(header.salt, key->salt, sizeof(header.salt)) != 0)
		return SR_DAMAGED;
	snapshot_file_key(&f, key->key);
	error = take_all(verify, &f, book, tree);
	if (error == SR_OK)
		error = snapshot_file_end(&f, hash);
	if (error == SR_OK && (memcmp(hash, snapshot->hash, 32) != 0 ||
				  tree->size != snapshot->size))
		error = SR_DAMAGED;
	sodium_memzero(&f, sizeof(f));
	return error;
}

bool
audit_load_snapshot(struct verify *verify,
    const struct entry_snapshot *snapshot, const struct audit_key *key,
    struct book *book, struct merkle_frontier *tree)
{
	struct place place;
	enum sr_error error;
	env_file file;

	if (!place_open(verify, &place))
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s cannot be read", verify->directory);
	error = book_init(book);
	if (error == SR_OK)
		error = open_snapshot(&place, snapshot->number, &file);
	if (error == SR_OK) {
		error = read_file(
		    verify, &place.posix.env, file, snapshot, key, book, tree);
		(void)env_close(&place.posix.env, file);
	}
	close(place.directory.fd);
	if (error == SR_NO_SPACE || error == SR_MEMORY || error == SR_IO ||
	    error == SR_VERSION || error == SR_NOT_FOUND)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "snapshot/%08" PRIu32 ": %s", snapshot->number,
		    error_sentence(error));
	if (error != SR_OK)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "snapshot/%08" PRIu32
		    " does not hold books under the disclosed key: %s",
		    snapshot->number, error_sentence(error));
	return true;
}

/* ---- books to begin with -------------------------------------------------- */

/* What a file says of itself, and its SHA-256. */
static enum sr_error
look_at(struct env *env, env_file file, struct entry_snapshot *snapshot)
{
	static struct snapshot_file f;
	static uint8_t bytes[SNAPSHOT_CHUNK_LEN];
	struct snapshot_header header;
	crypto_hash_sha256_state state;
	uint64_t whole = 0;
	enum sr_error error = snapshot_file_open(&f, env, file, &header);

	*snapshot = header.snapshot;
	if (error == SR_OK)
		error = env_size(env, file, &whole);
	if (error == SR_OK && whole > VERIFY_SNAPSHOT_MAX)
		error = SR_TOO_LARGE;
	crypto_hash_sha256_init(&state);
	for (uint64_t at = 0; error == SR_OK && at < whole;) {
		size_t len = whole - at < sizeof(bytes) ? (size_t)(whole - at)
							: sizeof(bytes);

		error = env_read(env, file, at, bytes, len);
		crypto_hash_sha256_update(&state, bytes, len);
		at += len;
	}
	crypto_hash_sha256_final(&state, snapshot->hash);
	return error;
}

/* The first disclosed one that is there, with the segment that follows it. */
static bool
find_books(struct verify *verify, struct entry_snapshot *found,
    const struct audit_key **key)
{
	const struct audit *audit = verify->audit;
	struct place place;
	bool good = false;
	env_file file;

	if (!place_open(verify, &place))
		return false;
	for (size_t i = 0; !good && i < audit->snapshot_key_count; i++) {
		*key = &audit->snapshot_keys[i];
		if (open_snapshot(&place, (*key)->segment, &file) != SR_OK)
			continue;
		good = look_at(&place.posix.env, file, found) == SR_OK &&
		       found->number == (*key)->segment &&
		       audit_find_key(audit, found->segment) != NULL &&
		       !verify_is_retired(verify, found->segment);
		(void)env_close(&place.posix.env, file);
	}
	close(place.directory.fd);
	return good;
}

bool
audit_begin_with_books(struct verify *verify)
{
	struct audit *audit = verify->audit;
	struct merkle_frontier tree;
	struct entry_snapshot found;
	const struct audit_key *key;

	if (audit == NULL ||
	    (audit_find_key(audit, 0) != NULL &&
		!verify_is_retired(verify, 0)) ||
	    !find_books(verify, &found, &key))
		return true;
	book_free(&audit->book);
	if (!audit_load_snapshot(verify, &found, key, &audit->book, &tree))
		return false;
	for (size_t i = 0; i < verify->restore_count; i++)
		if (!verify->restore[i].rotation &&
		    verify->restore[i].note.restored_size < found.size)
			audit->book.restored = true;
	audit->start = found;
	audit->executed = found.size;
	return true;
}
