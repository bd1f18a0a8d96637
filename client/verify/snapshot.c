/* SPDX-License-Identifier: ISC */
/*
 * Snapshots as the log names them: of the size that the log had, and the
 * file, where it is still there, with the hash that stands in the log.  Their
 * key is disclosed to nobody, so their contents are not looked into: whoever
 * starts from one starts from these bytes.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/verify/audit.h"

/* SHA-256 of a whole file; false when it cannot be read. */
static bool
hash_file(int fd, uint8_t hash[32])
{
	crypto_hash_sha256_state state;
	uint8_t bytes[65536];
	ssize_t n;

	crypto_hash_sha256_init(&state);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		crypto_hash_sha256_update(&state, bytes, (size_t)n);
	crypto_hash_sha256_final(&state, hash);
	return n == 0;
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
	return true;
}
