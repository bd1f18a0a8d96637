/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_AUDIT_H
#define CLIENT_VERIFY_AUDIT_H
/*
 * strongroom-verify with keys: opens the frames of disclosed segments, and
 * carries every entry out again with the book that ledgerd uses.  A segment
 * is looked into only after the walk without keys has found it whole.
 *
 * Memory: the book, one segment, a window of plaintexts, and a key a disclosed
 * segment.
 */
#include <stdio.h>

#include "client/export/export.h"
#include "client/verify/seals.h"
#include "client/verify/verify.h"
#include "common/book/book.h"
#include "common/disclosure.h"

struct ahead_frame; /* client/verify/ahead.h */
struct audit_month; /* client/verify/month.h */

struct audit_key {
	uint32_t segment; /* or number of a snapshot */
	uint8_t salt[32];
	uint8_t key[32];
};

/* A snapshot that the log names, and the root of the log that it is of. */
struct audit_snapshot {
	struct entry_snapshot is; /* number 0: none */
	uint8_t root[32];
	bool checked; /* its books are those that the entries lead to */
};

/* The last certificate that was carried out. */
struct audit_certificate {
	uint64_t leaf; /* of the auditor's order; 0: none */
	uint64_t auditor;
	struct order_certify says;
	bool named; /* of a snapshot that the log names, and of its root */
};

/* The last retirement that two operators agreed on. */
struct audit_retirement {
	uint64_t leaf;                  /* of the approval; 0: none */
	struct entry_snapshot snapshot; /* as its certificate names it */
	bool known; /* that certificate has been read, too */
};

/* A reset by two operators. */
struct audit_reset {
	uint64_t leaf; /* of the approval */
	uint64_t customer;
	uint8_t attestation_hash[32]; /* of the keys that may be replaced */
	uint8_t order_hash[ORDER_HASH_LEN]; /* of the approval */
};

/* Keys that came into the log by an attestation of a former key. */
struct audit_former {
	uint64_t entry;
	uint64_t time_ms;
	uint64_t customer;
	uint32_t key_epoch; /* above the first: in the place of others */
};

struct audit {
	struct audit_key *keys; /* in ascending order of the segment */
	size_t key_count;
	struct audit_key *snapshot_keys; /* likewise, by number */
	size_t snapshot_key_count;
	struct book book;
	uint64_t root_size; /* of the last batch that was closed before */
	uint8_t root[32];
	struct audit_snapshot
	    snapshot[2];                  /* the last one, and the one before */
	struct audit_snapshot to_certify; /* the last one that was checked */
	struct audit_certificate certificate;
	struct audit_retirement retirement;
	/* segments before it were retired by orders that were carried out */
	uint32_t cut;

	/* the books that the first executed entry found; number 0: none */
	struct entry_snapshot start;
	bool start_named; /* by the log, with its hash */
	/* and certified by the order of that leaf; leaf 0: by none */
	struct audit_certificate start_certificate;
	/*
	 * Who is an auditor, the books that were begun with say themselves:
	 * what speaks for them is the paper that an auditor kept.
	 */
	struct order_certify paper;
	bool paper_given, paper_met;
	uint32_t before; /* segments before it that were not disclosed */
	FILE *export;    /* NULL: nobody asked for it */
	/* as what; without a format as JSON lines */
	struct export journal;
	struct audit_month *month; /* NULL: nobody asked for one */

	uint64_t opened;        /* entries whose seal and commitment hold */
	uint64_t executed;      /* entries 0 to this one, carried out again */
	uint64_t orders;        /* of these, orders */
	uint64_t declined;      /* of these, declined */
	uint32_t retired;       /* segments without frames before `start' */
	uint32_t missing;       /* segments that were not disclosed */
	uint32_t first_missing; /* the first of these */
	uint32_t last_snapshot; /* its number */
	/* the newest whose file is there, and is the one that was named */
	struct entry_snapshot snapshot_met; /* number 0: none */
	uint64_t below_floor;               /* customers' accounts there */
	/* resets that were approved and not yet used, from the last one on */
	struct audit_reset *resets;
	size_t reset_count, reset_room;
	struct audit_seals seals;
	struct book_table attested; /* of each customer: attested.c */
	struct book_index attested_index;
	struct book_table former; /* struct audit_former */
	uint64_t former_changed;  /* of these, in the place of others */
	struct book_late *late;   /* every late post that was found right */
	size_t late_count;
	size_t late_room;
};

/* An entry on its way: where it stands and what it holds. */
struct audit_entry {
	struct journal_position position;
	struct journal_header header;
	struct journal_plain plain;
	bool executed;                   /* what the book says of it is known */
	const struct ahead_frame *ahead; /* client/verify/ahead.h */
};

/* Empty; SR_NO_SPACE.  audit_end() wipes and releases. */
enum sr_error audit_begin(struct audit *audit);
void audit_end(struct audit *audit);

/*
 * Reads a disclosure and adds its keys to those that are there.  False after
 * a verdict, which is always `could not': the file is the auditor's own.
 */
bool audit_read_keys(struct verify *verify, struct audit *audit,
    const char *path, const uint8_t auditor_secret[32]);

/*
 * Looks into the entries of a segment whose frames are whole, up to the one
 * before `until'.  False after a verdict.
 */
bool audit_segment(struct verify *verify, uint32_t number, const uint8_t *bytes,
    size_t len, uint64_t until);

/* A retired segment in the place of one: there is nothing to look into. */
void audit_retired(struct audit *audit, uint32_t number);

/* The book as a whole, at the end of the log.  False after a verdict. */
bool audit_finish(struct verify *verify);

/*
 * True if nothing that keyd has signed was left unopened, save what lies
 * before books that an auditor has certified.
 */
bool audit_is_complete(const struct verify *verify);

/* Records a fault of an entry; always false. */
bool audit_fault(struct verify *verify, const struct audit_entry *entry,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Records that an entry is of a kind that only a later version knows (what:
 * of which sort the kind is); always false.
 */
bool audit_later(struct verify *verify, const struct audit_entry *entry,
    const char *what, unsigned kind);

/* The disclosed key of a segment; NULL: it was not disclosed. */
const struct audit_key *audit_find_key(
    const struct audit *audit, uint32_t segment);

/* An account before an order: what was posted, and what could go out. */
struct audit_balance {
	int64_t posted_minor;
	__int128 free_minor;
};

/*
 * The accounts that the entry says it touches, before it is carried out; and
 * afterwards, when they are known to be the right ones, whether a limit was
 * crossed that the order had to keep.  False after a verdict.
 */
void audit_note_balances(const struct audit *audit,
    const struct audit_entry *entry,
    struct audit_balance before[JOURNAL_TOUCHED_MAX]);
bool audit_check_limits(struct verify *verify, const struct audit_entry *entry,
    const struct order *order, const struct book_effect *effect,
    const struct audit_balance before[JOURNAL_TOUCHED_MAX]);

/* One entry against the book; false after a verdict. */
bool audit_execute(struct verify *verify, const struct audit_entry *entry);

/*
 * A reset request that was approved; new keys that say that they come by one;
 * and a reset code that was given out.  Two operators must have ordered it for
 * that customer, in the place of the keys in force.  False after a verdict.
 */
bool audit_note_reset(struct verify *verify, const struct audit_entry *entry,
    const struct book_request *request);
bool audit_check_reset(struct verify *verify, const struct audit_entry *entry,
    const struct attestation *attestation);
bool audit_check_reset_use(struct verify *verify,
    const struct audit_entry *entry, const struct entry_event *use);

/*
 * An attestation on its way into the books: signed by a key that was certified
 * by then, and, where it replaces keys, at the time at which those came into
 * the log or later, because keyd replaces none before it has heard that the
 * books have them.  False after a verdict.
 */
bool audit_check_attested(struct verify *verify,
    const struct audit_entry *entry, const uint8_t bytes[ATTESTATION_LEN],
    struct attestation *attestation);

/*
 * It is in the books; keeps it to be told, if the key was a former one.  False
 * if there is not enough memory.
 */
bool audit_note_attested(struct verify *verify, const struct audit_entry *entry,
    const uint8_t bytes[ATTESTATION_LEN],
    const struct attestation *attestation);

/* The memory of these two. */
void audit_attested_begin(struct audit *audit);
void audit_attested_end(struct audit *audit);

/* The SYSTEM entry of a snapshot; false after a verdict. */
bool audit_snapshot(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event);

/*
 * The books of a snapshot's file under a disclosed key, and the tree that they
 * are of; *book is begun.  Its attestations are keyd's, and of these keys.
 * False after a verdict.
 */
bool audit_load_snapshot(struct verify *verify,
    const struct entry_snapshot *snapshot, const struct audit_key *key,
    struct book *book, struct merkle_frontier *tree);

/*
 * Where the first segments were not disclosed or are retired, but a snapshot of the books and
 * what comes after it: begins with these books, of which only an auditor's
 * certificate, in the log after them, says where they come from.  Else does
 * nothing.  After the certificates were read.  False after a verdict.
 */
bool audit_begin_with_books(struct verify *verify);

/* The disclosed key of a snapshot; NULL: it was not disclosed. */
const struct audit_key *audit_find_snapshot_key(
    const struct audit *audit, uint32_t number);

/* An auditor's order that was carried out. */
void audit_note_certificate(struct verify *verify,
    const struct audit_entry *entry, const struct order *order,
    const struct entry_order *logged);

/*
 * A retire request that was approved: of the snapshot that an auditor has
 * certified last, and not of the newest.  False after a verdict.
 */
bool audit_note_retirement(struct verify *verify,
    const struct audit_entry *entry, const struct book_request *request);

/*
 * The SYSTEM entry by which a certificate or a retirement took effect; false
 * after a verdict.
 */
bool audit_retention(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event);

/*
 * Reads what --certify once made, for books to begin with; after the bank's
 * file.  False after a verdict, `could not'.
 */
bool audit_read_paper(struct verify *verify, const char *path);

/* Whether the books begun with are certified, and by the paper given. */
bool audit_start_certified(const struct audit *audit);

/*
 * Whether two operators have ordered what is retired, as far as that can be
 * seen: their order lies after the books of the cut.
 */
bool audit_retired_by_order(const struct verify *verify);

/*
 * Writes what an auditor may sign (strongroomctl auditor certify): the last
 * snapshot that was checked.  False after a verdict, `could not'.
 */
bool audit_write_certificate(struct verify *verify, const char *path);

/* One line of JSON each: an entry; the accounts at the end. */
void audit_export_entry(FILE *out, const struct audit_entry *entry);
void audit_export_accounts(FILE *out, const struct book *book);

/*
 * What an entry that was carried out has moved, to that export; nothing for
 * one that has moved no money.
 */
void audit_export_transaction(const struct audit *audit, struct export *journal,
    const struct audit_entry *entry);

#endif
