/* SPDX-License-Identifier: ISC */
/*
 * Snapshots as the log names them: of the size that the log had, and the
 * file, where it is still there, with the hash that stands in the log.  Where
 * its key was disclosed, the books in it are those that the entries lead to.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/verify/audit.h"
#include "common/book/state.h"

/*
 * SHA-256 of a whole file, or of more of it than a snapshot has; false when it
 * cannot be read.
 */
static bool
hash_file(int fd, uint8_t hash[32])
{
	crypto_hash_sha256_state state;
	uint8_t bytes[65536];
	uint64_t len = 0;
	ssize_t n = 0;

	crypto_hash_sha256_init(&state);
	while (len <= VERIFY_SNAPSHOT_MAX &&
	       (n = read(fd, bytes, sizeof(bytes))) > 0) {
		crypto_hash_sha256_update(&state, bytes, (size_t)n);
		len += (uint64_t)n;
	}
	crypto_hash_sha256_final(&state, hash);
	return n >= 0;
}

/*
 * The entry that names a snapshot is the first one after it: it stands where
 * the log goes on, or begins the next segment.
 */
static bool
stands_there(const struct entry_snapshot *snapshot,
    const struct journal_position *position)
{
	if (snapshot->segment == position->segment)
		return snapshot->offset == position->offset;
	return snapshot->segment + UINT64_C(1) == position->segment &&
	       position->offset == JOURNAL_SEGMENT_HEADER_LEN;
}

static void
note_snapshot(struct audit *audit, const struct entry_snapshot *snapshot)
{
	audit->snapshot[1] = audit->snapshot[0];
	audit->snapshot[0] = (struct audit_snapshot){.is = *snapshot};
	/* it was made between two batches */
	if (audit->root_size == snapshot->size)
		memcpy(audit->snapshot[0].root, audit->root, 32);
}

static enum sr_error
hash_state(void *state, const uint8_t *bytes, size_t len)
{
	crypto_hash_sha256_update(state, bytes, len);
	return SR_OK;
}

/* SHA-256 of all that a snapshot has of the book. */
static void
digest(const struct book *book, uint8_t hash[32])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	(void)book_state_write(book, BOOK_STATE_ALL, hash_state, &state);
	crypto_hash_sha256_final(&state, hash);
}

/*
 * With its key: whether the books in it are those that all entries up to here
 * lead to, and its tree is the log's.
 */
static bool
check_books(struct verify *verify, const struct audit_entry *entry,
    struct audit_snapshot *snapshot)
{
	const struct audit_key *key =
	    audit_find_snapshot_key(verify->audit, snapshot->is.number);
	uint8_t own[32], its[32], root[32];
	struct merkle_frontier tree;
	static struct book book;
	bool good;

	if (key == NULL)
		return true;
	good = audit_load_snapshot(verify, &snapshot->is, key, &book, &tree);
	if (good) {
		digest(&verify->audit->book, own);
		digest(&book, its);
		merkle_frontier_root(&tree, root);
		if (memcmp(own, its, sizeof(own)) != 0 ||
		    memcmp(root, snapshot->root, sizeof(root)) != 0)
			good = audit_fault(verify, entry,
			    "the books in snapshot/%08" PRIu32
			    " are not those that the entries lead to",
			    snapshot->is.number);
	}
	book_free(&book);
	snapshot->checked = good;
	if (good)
		verify->audit->to_certify = *snapshot;
	return good;
}

/* What an auditor certified once is what stands here now. */
static bool
meet_paper(struct verify *verify, const struct audit_entry *entry)
{
	struct audit *audit = verify->audit;
	const struct audit_snapshot *snapshot = &audit->snapshot[0];
	struct entry_snapshot papers = entry_snapshot_certified(&audit->paper);

	if (!audit->paper_given || papers.number != snapshot->is.number)
		return true;
	audit->paper_met = entry_snapshot_same(&papers, &snapshot->is) &&
			   memcmp(audit->paper.root, snapshot->root, 32) == 0;
	return audit->paper_met ||
	       audit_fault(verify, entry,
		   "the paper of --certified is of other books than these of "
		   "snapshot %" PRIu32,
		   snapshot->is.number);
}

bool
audit_snapshot(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event)
{
	struct entry_snapshot snapshot;
	struct stat status;
	uint8_t hash[32];
	char path[4096];
	bool good;
	int fd;

	if (entry_snapshot_of(event, &snapshot) != SR_OK)
		return audit_fault(verify, entry, "the snapshot is malformed");
	if (snapshot.number <= verify->audit->last_snapshot ||
	    snapshot.size != entry->header.seq ||
	    !stands_there(&snapshot, &entry->position))
		return audit_fault(verify, entry,
		    "the snapshot is not of the log as it was then");
	verify->audit->last_snapshot = snapshot.number;
	note_snapshot(verify->audit, &snapshot);
	if (snapshot.number == verify->audit->start.number) {
		verify->audit->start_named =
		    entry_snapshot_same(&snapshot, &verify->audit->start);
		if (!verify->audit->start_named)
			return verify_fail(verify, VERIFY_TAMPERED,
			    "snapshot/%08" PRIu32
			    " is not the one that entry %" PRIu64 " names",
			    snapshot.number, entry->header.seq);
	}
	if (!meet_paper(verify, entry))
		return false;
	snprintf(path, sizeof(path), "%s/snapshot/%08" PRIu32,
	    verify->directory, snapshot.number);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) /* only the last two are kept */
		return true;
	good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       hash_file(fd, hash);
	close(fd);
	if (!good)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s cannot be read", path);
	if (memcmp(hash, snapshot.hash, sizeof(hash)) != 0)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "snapshot/%08" PRIu32 " is not the one that entry %" PRIu64
		    " names",
		    snapshot.number, entry->header.seq);
	if (!check_books(verify, entry, &verify->audit->snapshot[0]))
		return false;
	verify->audit->snapshot_met = snapshot;
	return true;
}
