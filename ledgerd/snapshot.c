/* SPDX-License-Identifier: ISC */
/*
 * The books out to a snapshot and in again.  Must never start from a file that
 * the signed log does not name.
 */
#include "ledgerd/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/commit.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/snapshot_contents.h"
#include "common/snapshot_file.h"

#define DIRECTORY_PATH "ledger/snapshot"
#define NEW_PATH DIRECTORY_PATH "/new"

enum {
	/* Numbers below those that are kept that are looked for. */
	TIDY_COUNT = 4,
};

static void
path_of(uint32_t number, char path[ENV_PATH_MAX])
{
	snprintf(path, ENV_PATH_MAX, DIRECTORY_PATH "/%08" PRIu32, number);
}

/* ---- making one ---------------------------------------------------------------- */

/* Writes, syncs and closes NEW_PATH; fills in the hash and the length. */
static enum sr_error
write_new(struct ledgerd *ledgerd, struct entry_snapshot *snapshot)
{
	static struct snapshot_file f;
	struct snapshot_header header = {.snapshot = *snapshot};
	struct env *env = ledgerd->env;
	enum sr_error error;
	uint8_t key[32];
	env_file file;

	memcpy(header.bank_id, ledgerd->bank_id, sizeof(header.bank_id));
	env_random(env, header.salt, sizeof(header.salt));
	error = keyd_snapshot_key(ledgerd, snapshot->number, header.salt, key);
	if (error != SR_OK)
		return error;
	error = env_open(env, NEW_PATH, ENV_WRITE_OR_CREATE, &file);
	if (error == SR_OK) {
		error = env_truncate(env, file, 0);
		if (error == SR_OK)
			error =
			    snapshot_file_begin(&f, env, file, &header, key);
		if (error == SR_OK)
			error = snapshot_put(&f, ledgerd);
		if (error == SR_OK)
			error = snapshot_file_finish(&f, snapshot->hash);
		if (error == SR_OK && env_sync(env, file) != SR_OK)
			error = SR_IO;
		if (env_close(env, file) != SR_OK && error == SR_OK)
			error = SR_IO;
	}
	ledgerd->snapshots.last_len = f.at;
	sodium_memzero(key, sizeof(key));
	sodium_memzero(&f, sizeof(f));
	return error;
}

static enum sr_error
remove_one(struct ledgerd *ledgerd, uint32_t number)
{
	char path[ENV_PATH_MAX];
	enum sr_error error;

	path_of(number, path);
	error = env_remove(ledgerd->env, path);
	return error == SR_NOT_FOUND ? SR_OK : error;
}

/* Takes away those that keyd knows no more. */
static enum sr_error
tidy(struct ledgerd *ledgerd)
{
	struct entry_snapshot known[2];
	enum sr_error error;
	uint32_t number;
	unsigned count;

	error = keyd_snapshots(ledgerd, known, &count);
	if (error != SR_OK || count < 2)
		return error;
	number =
	    known[1].number > TIDY_COUNT ? known[1].number - TIDY_COUNT : 1;
	for (; error == SR_OK && number < known[0].number; number++)
		if (number != known[1].number &&
		    number != ledgerd->snapshots.certified.number &&
		    number != ledgerd->snapshots.cut.number)
			error = remove_one(ledgerd, number);
	return error;
}

enum sr_error
snapshot_is_known(
    struct ledgerd *ledgerd, const struct entry_snapshot *snapshot)
{
	struct entry_snapshot known[2];
	unsigned count;
	enum sr_error error = keyd_snapshots(ledgerd, known, &count);

	for (unsigned i = 0; error == SR_OK && i < count; i++)
		if (entry_snapshot_same(&known[i], snapshot))
			return SR_OK;
	return error == SR_OK ? SR_NOT_FOUND : error;
}

enum sr_error
snapshot_certified(struct ledgerd *ledgerd)
{
	uint32_t before = ledgerd->snapshots.certified.number;
	struct entry_snapshot known[2];
	unsigned count;
	/* asks for what is certified, too */
	enum sr_error error = keyd_snapshots(ledgerd, known, &count);

	if (error != SR_OK || before == 0 || count < 2 ||
	    before >= known[1].number ||
	    before == ledgerd->snapshots.certified.number ||
	    before == ledgerd->snapshots.cut.number)
		return error;
	error = remove_one(ledgerd, before);
	return admission_is_refusal(error) ? SR_OK : error;
}

enum sr_error
snapshot_may_retire(struct ledgerd *ledgerd, const struct order_retire *retire)
{
	const struct snapshots *snapshots = &ledgerd->snapshots;
	struct entry_snapshot known[2];
	unsigned count;
	/* asks for what is certified and where the last cut is, too */
	enum sr_error error = keyd_snapshots(ledgerd, known, &count);

	if (error != SR_OK)
		return error;
	/* a certificate that keyd is yet to be told of takes its place */
	for (size_t i = 0; i < ledgerd->operation_count; i++)
		if (ledgerd->operations[i].code == 0)
			return SR_NOT_FOUND;
	return count == 2 && snapshots->certified.number != 0 &&
		       retire->snapshot == snapshots->certified.number &&
		       memcmp(retire->hash, snapshots->certified.hash,
			   sizeof(retire->hash)) == 0 &&
		       retire->snapshot <= known[1].number &&
		       (snapshots->cut.number == 0 ||
			   snapshots->certified.segment >
			       snapshots->cut.segment)
		   ? SR_OK
		   : SR_NOT_FOUND;
}

enum sr_error
snapshot_retired(struct ledgerd *ledgerd)
{
	uint32_t before = ledgerd->snapshots.cut.number;
	struct entry_snapshot known[2];
	unsigned count;
	enum sr_error error = keyd_snapshots(ledgerd, known, &count);

	if (error == SR_OK)
		retire_again(&ledgerd->retire);
	if (error != SR_OK || before == 0 ||
	    before == ledgerd->snapshots.cut.number)
		return error;
	error = remove_one(ledgerd, before);
	return admission_is_refusal(error) ? SR_OK : error;
}

enum sr_error
snapshot_salt(struct ledgerd *ledgerd, uint32_t number, uint8_t salt[32])
{
	static struct snapshot_file f;
	struct snapshot_header header;
	char path[ENV_PATH_MAX];
	enum sr_error error;
	env_file file;

	path_of(number, path);
	error = env_open(ledgerd->env, path, ENV_READ, &file);
	if (error != SR_OK)
		return error;
	error = snapshot_file_open(&f, ledgerd->env, file, &header);
	if (env_close(ledgerd->env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	if (error == SR_OK && header.snapshot.number != number)
		error = SR_DAMAGED;
	if (error == SR_OK)
		memcpy(salt, header.salt, sizeof(header.salt));
	return error;
}

/* Without it the bank goes on; its next start takes longer. */
static enum sr_error
give_up(struct ledgerd *ledgerd, const char *path, enum sr_error why)
{
	enum sr_error error = env_remove(ledgerd->env, path);

	diag_warn("no snapshot is made: %s", error_sentence(why));
	return error == SR_NOT_FOUND || admission_is_refusal(error) ? SR_OK
								    : error;
}

enum sr_error
snapshot_make(struct ledgerd *ledgerd)
{
	struct snapshots *snapshots = &ledgerd->snapshots;
	struct entry_snapshot snapshot = {.number = snapshots->last.number + 1,
	    .size = ledgerd->tree.size,
	    .segment = ledgerd->segments.number,
	    .offset = (uint32_t)ledgerd->segments.at};
	struct entry_event event;
	char path[ENV_PATH_MAX];
	enum sr_error error;

	snapshots->due = false;
	path_of(snapshot.number, path);
	error = write_new(ledgerd, &snapshot);
	if (error == SR_OK)
		error = env_rename(ledgerd->env, NEW_PATH, path);
	if (admission_is_refusal(error))
		return give_up(ledgerd, NEW_PATH, error);
	if (error == SR_OK &&
	    env_sync_directory(ledgerd->env, DIRECTORY_PATH) != SR_OK)
		error = SR_IO;
	event = entry_snapshot_event(&snapshot);
	if (error == SR_OK)
		error = commit_snapshot(ledgerd, &event);
	/* What the log does not name is nobody's: the number is free. */
	if (admission_is_refusal(error))
		return give_up(ledgerd, path, error);
	if (error == SR_OK) {
		snapshots->last = snapshot;
		error = tidy(ledgerd);
	}
	if (error != SR_OK)
		diag_error("%s: %s", path, error_sentence(error));
	return error;
}

void
snapshot_consider(struct ledgerd *ledgerd)
{
	struct snapshots *snapshots = &ledgerd->snapshots;
	const struct segments *segments = &ledgerd->segments;
	uint64_t grown =
	    (uint64_t)(segments->number - snapshots->last.segment) *
	    segments->len;

	if (segments->number > 0 &&
	    (snapshots->last.number == 0 || grown >= snapshots->last_len))
		snapshots->due = true;
}

enum sr_error
snapshot_replayed(struct ledgerd *ledgerd, const struct entry_event *event)
{
	struct snapshots *snapshots = &ledgerd->snapshots;
	struct entry_snapshot snapshot;

	if (event->code != SYSTEM_SNAPSHOT)
		return SR_OK;
	if (entry_snapshot_of(event, &snapshot) != SR_OK)
		return SR_DAMAGED;
	if (snapshot.number == snapshots->last.number &&
	    memcmp(snapshot.hash, snapshots->last.hash,
		sizeof(snapshot.hash)) != 0)
		return SR_DAMAGED;
	/* The next one has a number that the log does not know. */
	if (snapshot.number > snapshots->last.number)
		snapshots->last = snapshot;
	return SR_OK;
}

/* ---- starting from one --------------------------------------------------------- */

/* The header must say what the log says. */
static enum sr_error
check_header(const struct ledgerd *ledgerd,
    const struct snapshot_header *header, const struct entry_snapshot *known)
{
	const struct entry_snapshot *snapshot = &header->snapshot;

	if (memcmp(header->bank_id, ledgerd->bank_id, 32) != 0 ||
	    snapshot->number != known->number ||
	    snapshot->size != known->size ||
	    snapshot->segment != known->segment ||
	    snapshot->offset != known->offset)
		return SR_DAMAGED;
	return SR_OK;
}

static enum sr_error
read_open(struct ledgerd *ledgerd, env_file file,
    const struct entry_snapshot *known, struct merkle_frontier *tree)
{
	static struct snapshot_file f;
	struct snapshot_header header;
	uint8_t hash[32], key[32];
	enum sr_error error;

	error = snapshot_file_open(&f, ledgerd->env, file, &header);
	if (error == SR_OK)
		error = check_header(ledgerd, &header, known);
	if (error == SR_OK)
		error =
		    keyd_snapshot_key(ledgerd, known->number, header.salt, key);
	if (error != SR_OK)
		return error;
	snapshot_file_key(&f, key);
	sodium_memzero(key, sizeof(key));
	error = snapshot_take(&f, ledgerd, tree);
	if (error == SR_OK)
		error = snapshot_file_end(&f, hash);
	if (error == SR_OK && memcmp(hash, known->hash, sizeof(hash)) != 0)
		error = SR_DAMAGED;
	if (error == SR_OK && tree->size != known->size)
		error = SR_DAMAGED;
	ledgerd->snapshots.last_len = f.len;
	sodium_memzero(&f, sizeof(f));
	return error;
}

/* Empty books again, after half a snapshot. */
static enum sr_error
forget(struct ledgerd *ledgerd)
{
	uint8_t hash_key[16];
	enum sr_error error;

	memcpy(hash_key, ledgerd->people.hash_key, sizeof(hash_key));
	book_free(&ledgerd->book);
	people_free(&ledgerd->people);
	ledgerd->last_time_ms = 0;
	error = book_init(&ledgerd->book);
	return error == SR_OK ? people_init(&ledgerd->people, hash_key) : error;
}

static enum sr_error
read_one(struct ledgerd *ledgerd, const struct entry_snapshot *known,
    struct merkle_frontier *tree)
{
	char path[ENV_PATH_MAX];
	enum sr_error error;
	env_file file;

	path_of(known->number, path);
	error = env_open(ledgerd->env, path, ENV_READ, &file);
	if (error == SR_OK) {
		error = read_open(ledgerd, file, known, tree);
		if (env_close(ledgerd->env, file) != SR_OK && error == SR_OK)
			error = SR_IO;
	}
	if (error == SR_OK || error == SR_IO || error == SR_MEMORY ||
	    error == SR_NO_SPACE || error == SR_CLOSED || error == SR_INTERNAL)
		return error;
	if (error == SR_VERSION) {
		diag_error("%s: %s", path, error_sentence(error));
		return error;
	}
	diag_warn("%s is not the snapshot that the log names: %s", path,
	    error_sentence(error));
	error = forget(ledgerd);
	return error == SR_OK ? SR_NOT_FOUND : error;
}

enum sr_error
snapshot_load(struct ledgerd *ledgerd, struct merkle_frontier *tree)
{
	struct entry_snapshot known[2];
	enum sr_error error;
	unsigned count;

	merkle_frontier_init(tree);
	error = keyd_snapshots(ledgerd, known, &count);
	for (unsigned i = 0; error == SR_OK && i < count; i++) {
		error = read_one(ledgerd, &known[i], tree);
		if (error == SR_OK) {
			ledgerd->snapshots.last = known[i];
			return SR_OK;
		}
		if (error == SR_NOT_FOUND)
			error = SR_OK;
	}
	merkle_frontier_init(tree);
	if (error == SR_OK && count > 0)
		diag_warn("no snapshot is whole: the journal is read from its "
			  "beginning, if keyd gives the keys");
	return error;
}
