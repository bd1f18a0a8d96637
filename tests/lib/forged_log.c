/* SPDX-License-Identifier: ISC */
/* Taking apart, writing anew and looking at it: forged_log.h. */
#include "tests/lib/forged_log.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/verify/witnesses.h"
#include "common/aead.h"
#include "common/crc32c.h"
#include "common/kdf.h"
#include "common/noise.h"

/* Places in a frame's header (common/journal.h). */
enum { FORGED_RANDOM = 36, FORGED_COMMITMENT = 68 };

static void
must_at(bool condition, int line)
{
	if (condition)
		return;
	fprintf(stderr, "forged_log.c:%d\n", line);
	abort();
}

#define must(condition) must_at(condition, __LINE__)

void
forged_log_put_file(const struct forged_log *log, const char *name,
    const void *bytes, size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", log->directory, name);
	/* over what is there: a file system may wait for the disk when a file
	 * that was emptied is written again */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len &&
	     ftruncate(fd, (off_t)len) == 0 && close(fd) == 0);
}

void
forged_log_put(const struct forged_log *log, uint32_t segment)
{
	char name[64], number[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(name, sizeof(name), "segment/%s",
	    journal_segment_name(segment, number));
	forged_log_put_file(log, name, log->bytes[segment], FORGED_SEGMENT_LEN);
}

/* False if there is none. */
static bool
remove_segment(const struct forged_log *log, uint32_t segment)
{
	char path[256], number[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(path, sizeof(path), "%s/segment/%s", log->directory,
	    journal_segment_name(segment, number));
	return remove(path) == 0;
}

void
forged_log_put_snapshot(const struct forged_log *log, uint32_t number,
    const uint8_t *bytes, size_t len)
{
	char name[64], path[256];

	snprintf(name, sizeof(name), "snapshot/%08u", number);
	snprintf(path, sizeof(path), "%s/%s", log->directory, name);
	(void)remove(path);
	if (len > 0)
		forged_log_put_file(log, name, bytes, len);
}

void
forged_log_directory(struct forged_log *log, char *name)
{
	char path[256];

	must(mkdtemp(name) != NULL);
	log->directory = name;
	snprintf(path, sizeof(path), "%s/segment", name);
	must(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/public", name);
	must(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/snapshot", name);
	must(mkdir(path, 0700) == 0);
	for (size_t i = 0; i < FORGED_SNAPSHOTS; i++)
		if (log->snapshot[i].number != 0)
			forged_log_put_snapshot(log, log->snapshot[i].number,
			    log->snapshot[i].bytes, log->snapshot[i].len);
}

void
forged_log_remove(struct forged_log *log)
{
	static const char *const names[] = {"public/checkpoint",
	    "public/certificates", RESTORE_PATH, "since", "disclosure",
	    "snapshot", "public", "segment", "."};
	char path[256];

	for (uint32_t s = 0; s < FORGED_SEGMENTS_MAX; s++)
		(void)remove_segment(log, s);
	for (uint32_t number = 1; number < FORGED_SEGMENTS_MAX; number++)
		forged_log_put_snapshot(log, number, NULL, 0);
	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", log->directory, names[i]);
		(void)remove(path);
	}
	(void)remove(log->directory);
}

static void
put_checkpoint(const struct forged_log *log, const char *name,
    const struct checkpoint *checkpoint)
{
	const struct keys_signing *key =
	    forged_log_key_at(log, checkpoint->size);
	uint8_t signature[64];
	char note[NOTE_MAX];
	size_t len;

	must(note_sign(checkpoint, key->secret, signature) == SR_OK);
	note_assemble(checkpoint, key->public, signature, note, &len);
	forged_log_put_file(log, name, note, len);
}

void
forged_log_keep(
    const struct forged_log *log, const struct checkpoint *checkpoint)
{
	put_checkpoint(log, "since", checkpoint);
}

void
forged_log_publish(
    const struct forged_log *log, const struct checkpoint *checkpoint)
{
	put_checkpoint(log, "public/checkpoint", checkpoint);
}

static struct checkpoint
checkpoint_of(const struct forged_log *log, const struct merkle_frontier *tree)
{
	struct checkpoint checkpoint = {.size = tree->size};

	note_origin(log->bank_id, forged_log_key_at(log, tree->size)->epoch,
	    checkpoint.origin);
	merkle_frontier_root(tree, checkpoint.root);
	return checkpoint;
}

void
forged_log_salt(uint32_t segment, uint8_t salt[32])
{
	memset(salt, 0x40 + (int)segment, 32);
}

void
forged_log_entry_salt(unsigned entry, uint8_t salt[JOURNAL_SALT_LEN])
{
	memset(salt, (int)entry + 2, JOURNAL_SALT_LEN);
}

static void
segment_key(const struct forged_log *log, uint32_t segment, uint8_t salt[32],
    uint8_t key[32])
{
	forged_log_salt(segment, salt);
	keys_segment(&log->keys, segment, salt, key);
}

/*
 * Turns bits of a sealed frame over and seals it again; header and leaf
 * follow.  The frame keeps its length, whatever its header says.
 */
static void
forge(const struct forged_entry *entry, const uint8_t segment_key[32],
    uint8_t *frame, struct journal_leaf *leaf)
{
	const struct forged_bytes *forged = &entry->forged;
	uint8_t plain[JOURNAL_PLAIN_MAX], key[AEAD_KEY_LEN];
	uint8_t *body = frame + JOURNAL_HEADER_LEN;
	struct reader r = reader_of(frame + 8, 4);
	size_t sealed_len = reader_u32(&r);
	struct writer w = writer_to(frame + JOURNAL_AAD_LEN, 4);
	crypto_hash_sha256_state state;

	kdf_expand_label(key, sizeof(key), segment_key, 32, "frame",
	    frame + FORGED_RANDOM, 32);
	must(aead_open(plain, key, 0, frame, JOURNAL_AAD_LEN, body,
		 sealed_len) == SR_OK);
	if (forged->where == FORGED_HEADER)
		frame[forged->offset] ^= forged->mask;
	else
		plain[forged->offset] ^= forged->mask;
	if (forged->where == FORGED_PLAIN_COMMITTED)
		journal_commitment(plain + 4 + entry->committed_len, plain + 4,
		    entry->committed_len, frame + FORGED_COMMITMENT);
	kdf_expand_label(key, sizeof(key), segment_key, 32, "frame",
	    frame + FORGED_RANDOM, 32);
	aead_seal(body, key, 0, frame, JOURNAL_AAD_LEN, plain,
	    sealed_len - JOURNAL_TAG_LEN);
	writer_u32(
	    &w, crc32c(crc32c(0, frame, JOURNAL_AAD_LEN), body, sealed_len));
	r = reader_of(frame + 12, 21);
	leaf->seq = reader_u64(&r);
	leaf->time_ms = reader_u64(&r);
	leaf->segment = reader_u32(&r);
	leaf->class = reader_u8(&r);
	memcpy(leaf->commitment, frame + FORGED_COMMITMENT, 32);
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, frame, JOURNAL_AAD_LEN);
	crypto_hash_sha256_update(&state, body, sealed_len);
	crypto_hash_sha256_final(&state, leaf->sealed_hash);
}

/* Seals an entry where it stands now; its leaf's hash. */
static void
seal(struct forged_log *log, unsigned i, uint64_t seq, uint8_t hash[32])
{
	struct forged_entry *entry = &log->entry[i];
	struct journal_position *at = &entry->position;
	struct journal_header header = {
	    .seq = seq, .time_ms = entry->time_ms, .segment = at->segment};
	struct journal_plain plain = {.committed = entry->committed,
	    .committed_len = entry->committed_len,
	    .touched_count = entry->touched_count};
	uint8_t key[32], salt[32];
	struct journal_leaf leaf;

	segment_key(log, at->segment, salt, key);
	memset(header.random, (int)i + 1, sizeof(header.random));
	forged_log_entry_salt(i, plain.salt);
	memcpy(plain.touched, entry->touched, sizeof(plain.touched));
	must(journal_seal(key, &header, &plain,
		 log->bytes[at->segment] + at->offset,
		 FORGED_SEGMENT_LEN - at->offset, &entry->frame_len,
		 &leaf) == SR_OK);
	if (entry->forged.where != FORGED_NOTHING)
		forge(entry, key, log->bytes[at->segment] + at->offset, &leaf);
	journal_leaf_hash(&leaf, hash);
}

void
forged_log_reseal(struct forged_log *log, unsigned entry)
{
	uint8_t hash[32];

	seal(log, entry, entry, hash);
}

/* Where each account's last frame is, while the log is written. */
struct last_frames {
	unsigned count;
	uint64_t account[64];
	struct journal_position position[64];
};

static void
continue_accounts(struct forged_entry *entry, struct last_frames *last)
{
	for (unsigned i = 0; i < entry->touched_count; i++) {
		struct journal_touched *touched = &entry->touched[i];
		unsigned place = 0;

		while (place < last->count &&
		       last->account[place] != touched->account)
			place++;
		must(place < 64);
		if (place == last->count) {
			last->count++;
			last->account[place] = touched->account;
			last->position[place] = JOURNAL_NOWHERE;
		}
		touched->previous = last->position[place];
		last->position[place] = entry->position;
	}
}

static void
begin_segment(struct forged_log *log, const struct merkle_frontier *tree)
{
	struct journal_segment header = {
	    .segment = log->segments, .first_seq = tree->size};
	uint8_t key[32];

	must(log->segments < FORGED_SEGMENTS_MAX);
	segment_key(log, header.segment, header.salt, key);
	memcpy(header.bank_id, log->bank_id, 32);
	merkle_frontier_root(tree, header.root);
	journal_segment_encode(&header, log->bytes[log->segments]);
	log->used[log->segments++] = JOURNAL_SEGMENT_HEADER_LEN;
}

static void
end_batch(struct forged_log *log, struct merkle_frontier *tree,
    const struct merkle_frontier *before, uint64_t time_ms)
{
	struct journal_commit commit = {.first_leaf = before->size,
	    .last_leaf = tree->size - 1,
	    .size = tree->size};
	uint32_t segment = log->segments - 1;

	merkle_frontier_root(tree, commit.root);
	if (before->size > 0) {
		struct checkpoint previous = checkpoint_of(log, before);
		const struct keys_signing *key =
		    forged_log_key_at(log, before->size);

		commit.previous_epoch = key->epoch;
		must(note_sign(&previous, key->secret,
			 commit.previous_signature) == SR_OK);
	}
	journal_commit_encode(&commit, segment, time_ms,
	    log->bytes[segment] + log->used[segment]);
	log->used[segment] += JOURNAL_COMMIT_FRAME_LEN;
}

/* Entries first to end, as one batch in the open segment. */
static void
write_batch(struct forged_log *log, unsigned first, unsigned end,
    struct merkle_frontier *tree, struct last_frames *last)
{
	struct merkle_frontier before = *tree;
	uint32_t segment = log->segments - 1;

	for (unsigned i = first; i < end; i++) {
		struct forged_entry *entry = &log->entry[i];
		uint8_t hash[32];

		entry->position = (struct journal_position){
		    segment, (uint32_t)log->used[segment]};
		continue_accounts(entry, last);
		seal(log, i, i, hash);
		must(merkle_frontier_append(tree, hash) == SR_OK);
		log->used[segment] += entry->frame_len;
	}
	end_batch(log, tree, &before, log->entry[end - 1].time_ms);
}

/* One is cut short by either note, which begins another one. */
static unsigned
batch_end(const struct forged_log *log, unsigned first)
{
	unsigned end = (first / FORGED_BATCH + 1) * FORGED_BATCH;

	if (first < log->note && log->note < end)
		end = log->note;
	if (first < log->rotation && log->rotation < end)
		end = log->rotation;
	return end < log->count ? end : log->count;
}

/* All segments and checkpoints, in memory. */
static void
lay_out(struct forged_log *log)
{
	struct last_frames last = {0};
	struct merkle_frontier tree;

	merkle_frontier_init(&tree);
	memset(log->bytes, 0, log->segments * sizeof(log->bytes[0]));
	log->segments = 0;
	log->note = forged_log_find_note(log, ENTRY_RESTORE, RESTORE_NOTE_LEN);
	log->rotation =
	    forged_log_find_note(log, ENTRY_ROTATION, ROTATION_NOTE_LEN);
	for (unsigned i = 0, end; i < log->count; i = end) {
		end = batch_end(log, i);
		/* two batches a segment */
		if (i % (2 * FORGED_BATCH) == 0)
			begin_segment(log, &tree);
		if (i == log->note)
			forged_log_renew_note(log, &tree);
		if (i == log->rotation)
			forged_log_renew_rotation(log, &tree);
		write_batch(log, i, end, &tree, &last);
		if (i == 0 || i == log->note)
			log->since = checkpoint_of(log, &tree);
	}
	log->head = checkpoint_of(log, &tree);
}

void
forged_log_place_snapshots(struct forged_log *log)
{
	lay_out(log);
	for (unsigned i = 0; i < log->count; i++) {
		struct forged_entry *entry = &log->entry[i];
		struct entry_snapshot snapshot;
		struct entry_event event;

		if (entry->committed[0] != ENTRY_SYSTEM ||
		    entry_event_decode(ENTRY_SYSTEM, entry->committed,
			entry->committed_len, &event) != SR_OK ||
		    entry_snapshot_of(&event, &snapshot) != SR_OK)
			continue;
		snapshot.size = i;
		snapshot.segment = entry->position.segment;
		snapshot.offset = entry->position.offset;
		event = entry_snapshot_event(&snapshot);
		event.time_ms = entry->time_ms;
		entry_event_encode(ENTRY_SYSTEM, &event, entry->committed);
	}
}

void
forged_log_write(struct forged_log *log)
{
	uint8_t certificates[3 * (2 + CERTIFICATE_LEN)];
	struct writer w = writer_to(certificates, sizeof(certificates));
	uint8_t record[RESTORE_RECORD_LEN];

	lay_out(log);
	for (uint32_t s = 0; s < log->segments; s++)
		forged_log_put(log, s);
	/* A log before this one may have been longer. */
	for (uint32_t s = log->segments;
	     s < FORGED_SEGMENTS_MAX && remove_segment(log, s); s++)
		continue;
	writer_u16(&w, CERTIFICATE_LEN);
	writer_bytes(&w, log->first_certificate, CERTIFICATE_LEN);
	writer_u16(&w, CERTIFICATE_LEN);
	writer_bytes(&w, log->old_certificate, CERTIFICATE_LEN);
	writer_u16(&w, CERTIFICATE_LEN);
	writer_bytes(&w, log->certificate, CERTIFICATE_LEN);
	forged_log_put_file(
	    log, "public/certificates", certificates, writer_len(&w));
	if (log->note < log->count)
		forged_log_record(log, record);
	forged_log_put_restores(
	    log, record, log->note < log->count ? sizeof(record) : 0);
	forged_log_publish(log, &log->head);
	forged_log_keep(log, &log->since);
}

/* The disclosure of these segments, as keyd and strongroomctl make it. */
static void
put_disclosure(const struct forged_log *log, uint64_t keys)
{
	uint8_t bytes[DISCLOSURE_HEADER_LEN +
		      FORGED_SEGMENTS_MAX * DISCLOSURE_ITEM_LEN];
	struct disclosure_header header = {0};
	static const uint8_t ephemeral[32] = {77};
	size_t len = DISCLOSURE_HEADER_LEN;

	memcpy(header.bank_id, log->bank_id, 32);
	noise_public_key(header.auditor, log->auditor_secret);
	for (uint32_t s = 0; s < log->segments; s++) {
		struct disclosure_item item = {.segment = s};
		uint8_t key[32];

		if ((keys & UINT64_C(1) << s) == 0)
			continue;
		segment_key(log, s, item.salt, key);
		must(disclosure_seal(log->bank_id, header.auditor, ephemeral,
			 key, &item) == SR_OK);
		disclosure_item_encode(&item, bytes + len);
		len += DISCLOSURE_ITEM_LEN;
		header.count++;
	}
	disclosure_header_encode(&header, bytes);
	forged_log_put_file(log, "disclosure", bytes, len);
}

static bool
walk(const struct forged_log *log, struct verify *verify, bool since)
{
	static char path[256]; /* the anchor's is told in the verdict */
	char public[256];

	snprintf(path, sizeof(path), "%s/disclosure", log->directory);
	if (verify->audit != NULL &&
	    !audit_read_keys(verify, verify->audit, path, log->auditor_secret))
		return false;
	snprintf(path, sizeof(path), "%s/since", log->directory);
	if (!verify_certificates(verify) || !verify_restores(verify) ||
	    (since && !verify_since(verify, path)))
		return false;
	snprintf(
	    public, sizeof(public), "%s/public/checkpoint", log->directory);
	return verify_checkpoint(verify, public, VERIFY_TAMPERED,
		   &verify->published, &verify->published_epoch) &&
	       verify_log(verify);
}

static unsigned turn;

void
forged_log_turn(unsigned next)
{
	turn = next - 1;
}

/* What is found can be told, whatever it is: as JSON, and to nobody. */
static void
tell(struct verify *verify)
{
	int saved, nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	must(nowhere >= 0 && fflush(stdout) == 0);
	saved = dup(STDOUT_FILENO);
	must(saved >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0);
	verify->json = true;
	/* with what is whole beyond the fault only now and then: it is slow */
	if (turn % 16 != 0)
		verify->fault.known = false;
	verify_print_verdict(verify);
	must(fflush(stdout) == 0 && dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	close(nowhere);
}

const struct forged_verdict *
forged_log_verify(const struct forged_log *log, uint64_t keys, bool since)
{
	static struct forged_verdict verdict;
	static struct verify verify;
	static struct audit audit;

	/* certificates beyond their count are not looked at, and are many */
	memset(&verify, 0, offsetof(struct verify, certificate));
	memset(&verify.certificate_count, 0,
	    sizeof(verify) - offsetof(struct verify, certificate_count));
	verify.directory = log->directory;
	verify.quiet = true;
	turn++;
	verify.jobs = log->jobs > 0 ? log->jobs : 1 + (turn % 8 == 7);
	verify.exit = VERIFY_INTACT;
	memcpy(verify.bank.bank_id, log->bank_id, 32);
	memcpy(verify.bank.identity, log->identity, 32);
	verify.bank.unit = log->unit;
	audit.executed = 0;
	if (keys != 0) {
		must(audit_begin(&audit) == SR_OK);
		if (!log->keep_disclosure)
			put_disclosure(log, keys);
		verify.audit = &audit;
	}
	if (log->witness != NULL)
		must(witnesses_add(&verify, log->witness) == SR_OK);
	if (walk(log, &verify, since))
		verify.exit = verify_judge(&verify);
	tell(&verify);
	verdict.exit = verify.exit;
	verdict.executed = audit.executed;
	verdict.former = audit.former.count;
	verdict.witnesses = witnesses_count(&verify);
	memcpy(verdict.why, verify.why, sizeof(verdict.why));
	if (keys != 0)
		audit_end(&audit);
	return &verdict;
}
