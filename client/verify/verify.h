/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_VERIFY_H
#define CLIENT_VERIFY_VERIFY_H
/*
 * strongroom-verify's parts: what an outsider can check of a bank's ledger
 * directory without any key (strongroom-journal(5)), and where the check with
 * keys comes in (client/verify/audit.h).  Memory is bounded by
 * two segments and the window of client/verify/ahead.h, whatever the log's
 * length; any bytes at all end in a verdict.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/bankfile.h"
#include "client/verify/tiles.h"
#include "common/certificate.h"
#include "common/cosignature.h"
#include "common/journal.h"
#include "common/merkle.h"
#include "common/note.h"
#include "common/restore.h"
#include "common/rotation.h"

/* The exit codes, and no others. */
enum verify_exit {
	VERIFY_ANCHORED = 0,
	VERIFY_TAMPERED = 1,
	VERIFY_COULD_NOT = 2,
	VERIFY_INTACT = 3,
};

/* Bytes of a snapshot, some five million accounts: a file of holes has more. */
#define VERIFY_SNAPSHOT_MAX (UINT64_C(4) << 30)

enum {
	VERIFY_CERTIFICATES_MAX = 4096,
	/* the file has each for as often as it was renewed */
	VERIFY_CERTIFICATES_READ_MAX = 65536,
	/* segments that are made ready; a bank makes one */
	VERIFY_SPARES_MAX = 8,
	VERIFY_RESTORES_MAX = 1024,
	VERIFY_ANCHORS_MAX = 64,
	VERIFY_WHY_MAX = 512,
	VERIFY_WITNESSES_MAX = 16,
};

/* What one segment held. */
struct verify_segment {
	uint32_t number;
	uint64_t first;
	uint64_t entries;
	uint64_t batches;
	uint64_t used_len;
	uint64_t first_ms;
	uint64_t last_ms;
	bool retired; /* of which only the leaves are left */
};

/*
 * A note as public/restores holds it.  A rotation note is kept as the restore
 * note that it would be if nothing were lost by it: restored size, root and
 * epoch are those of the last head under the old log key.
 */
struct verify_restore {
	bool rotation;
	bool attestation; /* of which these keys were part, too */
	bool channel;
	bool password;
	uint8_t salt[RESTORE_SALT_LEN];
	uint8_t bytes[ROTATION_NOTE_LEN];
	size_t len; /* of these */
	struct restore_note note;
};

/* A checkpoint that was kept elsewhere (--since). */
struct verify_anchor {
	const char *path;
	struct checkpoint checkpoint;
	uint32_t epoch; /* that its origin names */
	bool met;       /* its size and root were met in the log */
};

/* A fault that has a place, and the entry at work there. */
struct verify_fault_place {
	bool known;
	bool in_leaves; /* of the segment's .leaves, not of its .log */
	uint32_t segment;
	size_t offset;
	uint64_t entry;
	char what[VERIFY_WHY_MAX / 2];
};

/* The head of signed_size, and where its signature stands. */
struct verify_head {
	uint32_t epoch;
	uint8_t root[32];
	const char *path; /* a checkpoint's; NULL: a COMMIT */
	uint32_t segment;
	size_t offset;
};

/* How far the walk is, for somebody who waits at a terminal. */
struct verify_progress {
	bool wanted;
	bool shown;        /* a line of it stands on the terminal */
	uint32_t segments; /* files there are */
	uint32_t segment;  /* at work */
	uint64_t next_ms;  /* not before that time again */
};

/* A witness that the auditor knows, and the largest size it has signed. */
struct verify_witness {
	struct cosigner cosigner;
	uint64_t size; /* 0: none of the checkpoints looked at */
	uint64_t time_s;
};

struct audit;           /* client/verify/audit.h */
struct audit_log_check; /* client/verify/audit_log.h */
struct held;            /* client/verify/held.h */

struct verify {
	struct bankfile bank;
	const char *directory;
	bool json;
	bool quiet;
	unsigned jobs; /* threads at work; 0 is as 1 */

	struct certificate certificate[VERIFY_CERTIFICATES_MAX];
	size_t certificate_count;

	struct verify_restore restore[VERIFY_RESTORES_MAX];
	size_t restore_count;
	size_t restore_met; /* so many of them were met in the log */

	struct checkpoint published; /* public/checkpoint, signature checked */
	bool published_met;          /* its size and root were met in the log */
	uint32_t published_epoch;    /* that its origin names */
	bool published_fixed;        /* it stays the one that was given */
	struct verify_anchor since[VERIFY_ANCHORS_MAX];
	size_t since_count;
	struct verify_witness witness[VERIFY_WITNESSES_MAX];
	size_t witness_count;
	size_t witnesses_wanted; /* at least so many of them must have signed */

	struct merkle_frontier tree; /* with the entries of an open batch */
	struct merkle_frontier committed; /* up to the last COMMIT */
	uint64_t signed_size;  /* largest size met that keyd has signed */
	uint32_t signed_epoch; /* of the last signature in a COMMIT */
	struct checkpoint last_signed; /* by that signature; size 0: none */
	uint8_t last_signature[NOTE_SIGNATURE_LEN];
	struct verify_head head;
	struct verify_fault_place fault;
	uint64_t last_ms;
	uint64_t batches;
	uint32_t retired;         /* segments 0 to this one, not included */
	uint64_t retired_entries; /* in these */
	uint32_t retired_end; /* above every segment whose leaves are there */
	bool in_leaves;       /* the file at work is a .leaves */
	size_t
	    committed_end; /* in the segment at work, after the last COMMIT */
	bool batch_open;
	bool torn;         /* the fault is such as a crash leaves, too */
	bool tail_seen;    /* damage, but after all that keyd has signed */
	unsigned rows;     /* segments printed */
	uint64_t tail_len; /* bytes after the last COMMIT that are not zero */

	struct verify_tiles tiles; /* public/tile */

	struct audit *audit;               /* NULL: without keys */
	struct audit_log_check *audit_log; /* NULL: none was given */
	struct held *held;                 /* NULL: no receipts were given */
	size_t held_entries; /* so many of their entries were met */
	size_t held_heads;   /* and of their checkpoints */
	struct verify_progress progress;

	/* The verdict, as soon as there is a bad one. */
	enum verify_exit exit;
	char why[VERIFY_WHY_MAX];
};

/*
 * Records a verdict (the first one stays) with one sentence and returns
 * false, so that a check ends with `return verify_fail(...)'.
 */
bool verify_fail(struct verify *verify, enum verify_exit exit,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A file of the bank's: nothing that could let its reader wait for ever. */
FILE *verify_open_regular(const char *path);

/* The certificate of an epoch, whose keys it names; NULL. */
const struct certificate *verify_certificate_of(
    const struct verify *verify, uint32_t epoch);

/*
 * Reads public/certificates: each must verify under the bank's identity, and
 * no two of one epoch may name different keys.  False after a verdict.
 */
bool verify_certificates(struct verify *verify);

/*
 * Reads a checkpoint of --since; the path stays the caller's.  False after a
 * verdict.
 */
bool verify_since(struct verify *verify, const char *path);

/* True if there was one, and all were met. */
bool verify_since_met(const struct verify *verify);

/*
 * Reads a checkpoint at path and checks its signature under the log keys of
 * the certificates.  False after a verdict: missing is `could not' for
 * --since and `tampered' for public/checkpoint.
 */
bool verify_checkpoint(struct verify *verify, const char *path,
    enum verify_exit missing, struct checkpoint *out, uint32_t *epoch);

/* The same of a text that was read already; path is for the sentences. */
bool verify_checkpoint_text(struct verify *verify, const char *path,
    const void *text, size_t len, enum verify_exit missing,
    struct checkpoint *out, uint32_t *epoch);

/*
 * The note with one signature line, by a certified key of that epoch,
 * whatever other lines it has; SR_SIGNATURE when there is none.
 */
enum sr_error verify_own_line(const struct verify *verify,
    const struct note *note, uint32_t epoch, char out[NOTE_MAX], size_t *len);

/*
 * SR_OK if the log key that is certified for the epoch of the checkpoint's
 * origin signed it.
 */
enum sr_error verify_signed(const struct verify *verify,
    const struct checkpoint *checkpoint, const uint8_t signature[64]);

/*
 * Reads public/restores, after the certificates: each restore note must verify
 * under the bank's identity, each rotation note under both log keys, which the
 * identity must have certified for their epochs; each must go on from an
 * origin that the log had.  A log that has one origin has no such file.
 * False after a verdict.
 */
bool verify_restores(struct verify *verify);

/*
 * An entry, before its leaf is added to the tree: at the place of a note of
 * public/restores, it must be that one.  NULL, or what is wrong.
 */
const char *verify_restore_entry(
    struct verify *verify, const struct journal_header *header);

/* The restore note that gave up the head of that size and epoch; NULL: none. */
const struct restore_note *verify_given_up(
    const struct verify *verify, uint32_t epoch, uint64_t size);

/* True if a rotation had put that epoch's log key out of use at that size. */
bool verify_put_out(const struct verify *verify, uint32_t epoch, uint64_t size);

/*
 * True if the origin of `from' became that of `to' by rotations alone, all of
 * them at that size or above: *first is then the first of them, and so on up
 * to *end.
 */
bool verify_rotated(const struct verify *verify, uint32_t from, uint64_t size,
    uint32_t to, size_t *first, size_t *end);

/*
 * The epoch under which a head of that size is signed: the first one, until a
 * note says another.  No signature is needed to know it, so that a note whose
 * place is retired cannot be left out.
 */
uint32_t verify_epoch_at(const struct verify *verify, uint64_t size);

/* Walks every segment in order; false after a verdict. */
bool verify_log(struct verify *verify);

/*
 * One segment's bytes, walked from header to the unused rest.  False after a
 * verdict; `torn' then tells whether a crash can have left it so.
 */
bool verify_segment_bytes(struct verify *verify, uint32_t number,
    const uint8_t *bytes, size_t len, struct verify_segment *out);

/*
 * True if somewhere after the fault a COMMIT carries a signature of keyd's
 * for more entries than the walk has met: then what is damaged was signed.
 */
bool verify_signed_after(
    const struct verify *verify, const uint8_t *bytes, size_t len);

/* A fault of that entry stands there: for the damage report. */
void verify_place(struct verify *verify, uint32_t segment, size_t offset,
    uint64_t entry, const char *what);

/* Records a fault of the journal at a place, always with the same words. */
bool verify_fault(
    struct verify *verify, uint32_t segment, size_t offset, const char *what);

/*
 * The tree has come to its size within a file, with that root: a checkpoint
 * of that size that is known from elsewhere is met, or the log is forked.
 * False after a verdict.
 */
bool verify_meet(struct verify *verify, uint32_t segment, size_t offset,
    const uint8_t root[32]);

/*
 * The exit code after a walk with nothing amiss: anchored only with keys for
 * everything, a checkpoint of --since after which nothing was lost, and no
 * unsigned tail.
 */
enum verify_exit verify_judge(const struct verify *verify);

/* Before the walk, a segment's row of the table, the verdict at the end. */
void verify_print_begin(const struct verify *verify);
void verify_print_segment(
    struct verify *verify, const struct verify_segment *segment);
void verify_print_verdict(struct verify *verify);

/*
 * Entries and percent on standard error, some times a second; the offset is
 * that of the frame at work.  Nothing unless progress.wanted.
 */
void verify_progress(struct verify *verify, size_t offset, size_t len);
/* Takes the line away: something else is to be printed. */
void verify_progress_clear(struct verify *verify);

/*
 * The bytes of a whole segment file, which the caller frees; NULL after a
 * verdict.
 */
uint8_t *verify_read_segment(
    struct verify *verify, uint32_t number, size_t *len);

/*
 * How many segments there are: one more than the highest number.  False after
 * a verdict.
 */
bool verify_count_segments(struct verify *verify, uint32_t *count);

/* The lowest number from there on that a file bears; UINT32_MAX: none. */
uint32_t verify_next_segment(struct verify *verify, uint32_t from);

/*
 * The same of any file of that segment, by its name.  One that is longer than
 * max is not read further than max + 1.
 */
uint8_t *verify_read_file(struct verify *verify, uint32_t number,
    const char *name, size_t max, size_t *len);

/*
 * True if the segment is there and its header is not zero: it is neither
 * ready in advance nor, before the first one that is, retired.
 */
bool verify_begun(const struct verify *verify, uint32_t number);

/*
 * After damage: what the log is trusted for, by which signature, and what is
 * whole beyond the fault.  As text, or as members of the JSON object.
 */
void verify_print_damage(struct verify *verify);

/* Our sentences as a JSON string: file names in them may hold anything. */
void verify_print_json_string(const char *text);

/* So many entries are known to be right. */
uint64_t verify_trustworthy(const struct verify *verify);

/* UTC, to the second. */
const char *verify_time(uint64_t ms, char out[32]);

/*
 * True if there was something from outside that the log must continue, and it
 * does: checkpoints of --since, or those of receipts.
 */
bool verify_anchored(const struct verify *verify);

/* The size of the newest of these, 0 where there is none. */
uint64_t verify_newest(const struct verify *verify);

/* True if the log was restored with loss after the newest of these. */
bool verify_gap_after_anchor(const struct verify *verify);

/* What a restore note says is lost, in words. */
void verify_loss(const struct restore_note *note, char out[VERIFY_WHY_MAX]);

#endif
