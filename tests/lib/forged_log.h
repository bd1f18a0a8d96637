/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FORGED_LOG_H
#define TESTS_LIB_FORGED_LOG_H
/*
 * The journal of a whole bank taken apart and written anew, by somebody who
 * has every key of it: sealed with the real segment keys, under real
 * signatures of the log key.  What a test changes in between is what a
 * hostile ledgerd could have brought under keyd's signature.
 */
#include "client/verify/audit.h"
#include "keyd/keys.h"

enum {
	FORGED_ENTRIES_MAX = 1152,
	FORGED_SEGMENTS_MAX = 48,
	FORGED_SEGMENT_LEN = 20480,
	FORGED_BATCH = 12, /* entries */
	FORGED_COMMITTED_MAX = 1024,
	FORGED_SNAPSHOTS = 2, /* of which the files are there */
};

/* Of forged_log_verify(). */
#define FORGED_ALL_KEYS UINT64_MAX

/*
 * What is forged below the fields: one byte of the sealed plaintext or of the
 * frame's header, with seal, checksum and leaf as they should be for it.
 */
enum forged_where {
	FORGED_NOTHING,
	FORGED_HEADER,
	FORGED_PLAIN,
	FORGED_PLAIN_COMMITTED, /* and the commitment to it is made anew */
};

struct forged_bytes {
	enum forged_where where;
	size_t offset;
	uint8_t mask; /* the bits that are turned over */
};

struct forged_entry {
	uint8_t committed[FORGED_COMMITTED_MAX];
	size_t committed_len;
	uint64_t time_ms;
	unsigned touched_count;
	struct journal_touched touched[JOURNAL_TOUCHED_MAX];
	struct forged_bytes forged;
	/* as it was written last */
	struct journal_position position;
	size_t frame_len;
};

/* A snapshot's file, as ledgerd wrote it; its key is disclosed to nobody. */
struct forged_snapshot {
	uint32_t number; /* 0: there is none */
	uint8_t *bytes;  /* of all copies of the log; never released */
	size_t len;
};

struct forged_log {
	uint8_t bank_id[32];
	uint8_t identity[32];
	uint8_t identity_secret[64];
	struct money_unit unit;
	struct keys keys;
	uint8_t certificate[CERTIFICATE_LEN];
	/* of the origin that the rotation note ends */
	struct keys_signing first_log;
	struct keys_signing first_attestation;
	uint8_t first_certificate[CERTIFICATE_LEN];
	/* of the origin that the restore note gives up */
	struct keys_signing old_log;
	uint8_t old_certificate[CERTIFICATE_LEN];
	uint8_t auditor_secret[32];
	/* a customer who has changed keys, and signed with both */
	uint64_t rekeyed;
	uint8_t old_secret[64];
	uint8_t new_secret[64];
	unsigned count;
	struct forged_entry entry[FORGED_ENTRIES_MAX];
	struct forged_snapshot snapshot[FORGED_SNAPSHOTS];

	const char *directory; /* of what was written */
	unsigned jobs;         /* verify's; 0: one, every eighth time two */
	bool keep_disclosure;  /* it stays as the test has written it */
	const char *witness;   /* a vkey whose signatures count; or NULL */
	uint32_t segments;
	uint8_t bytes[FORGED_SEGMENTS_MAX][FORGED_SEGMENT_LEN];
	size_t used[FORGED_SEGMENTS_MAX];
	struct checkpoint head;
	struct checkpoint since; /* of the batch that the note begins */
	unsigned note;           /* the restore note's entry; count: none */
	unsigned rotation;       /* the rotation note's entry, likewise */
};

/*
 * A day of a bank with every kind of entry, in *log; nothing is written yet.
 * Ends the program when anything of it fails.  The program is linked with
 * --wrap=entry_rules_default: the bank begins with the first rules.
 */
void forged_log_of_a_day(struct forged_log *log);

/*
 * The same with payments, deposits and withdrawals in between, some of them
 * declined, until there are so many entries or a few more; ledgerd makes
 * snapshots meanwhile.
 */
void forged_log_of_a_life(struct forged_log *log, unsigned entries);

/* The salt of an entry's commitment. */
void forged_log_entry_salt(unsigned entry, uint8_t salt[JOURNAL_SALT_LEN]);

/* The salt of a segment, whatever was written. */
void forged_log_salt(uint32_t segment, uint8_t salt[32]);

/*
 * Writes everything beneath log->directory: positions and trees are made
 * anew, keyd's signatures, the identity's under the restore note and the log
 * keys' under the rotation note, for the places at which they stand now; one
 * that is forged stays as it is.
 */
void forged_log_write(struct forged_log *log);

/*
 * Lets the entries of snapshots say where they will stand; needed after
 * entries were added or taken away before them.
 */
void forged_log_place_snapshots(struct forged_log *log);

/*
 * The log's restore note in public/restores, salt and note; the log has been
 * written and has one.
 */
void forged_log_record(
    const struct forged_log *log, uint8_t out[RESTORE_RECORD_LEN]);

/* Likewise the rotation note. */
#define FORGED_ROTATION_LEN (RESTORE_SALT_LEN + ROTATION_NOTE_LEN)
void forged_log_rotation(
    const struct forged_log *log, uint8_t out[FORGED_ROTATION_LEN]);

/* Another public/restores: these bytes, after the log's rotation note. */
void forged_log_put_restores(
    const struct forged_log *log, const uint8_t *bytes, size_t len);

/* What the writing of a log needs of its note (forged_restore.c). */
unsigned forged_log_find_note(
    const struct forged_log *log, enum entry_type type, size_t len);
void forged_log_renew_note(
    struct forged_log *log, const struct merkle_frontier *tree);
void forged_log_renew_rotation(
    struct forged_log *log, const struct merkle_frontier *tree);
const struct keys_signing *forged_log_key_at(
    const struct forged_log *log, uint64_t size);

/* A file beneath the directory. */
void forged_log_put_file(const struct forged_log *log, const char *name,
    const void *bytes, size_t len);

/* Writes one segment's bytes as they are now. */
void forged_log_put(const struct forged_log *log, uint32_t segment);

/* Another checkpoint as the one that was kept, under keyd's signature; or as
 * the one that is published. */
void forged_log_keep(
    const struct forged_log *log, const struct checkpoint *checkpoint);
void forged_log_publish(
    const struct forged_log *log, const struct checkpoint *checkpoint);

/* A snapshot's file with other bytes; len 0: none. */
void forged_log_put_snapshot(const struct forged_log *log, uint32_t number,
    const uint8_t *bytes, size_t len);

/*
 * Makes the directory, with the snapshots; the name's last six characters are
 * chosen.
 */
void forged_log_directory(struct forged_log *log, char *name);
void forged_log_remove(struct forged_log *log);

/* The sealed frame of an entry with another plaintext, in the same place. */
void forged_log_reseal(struct forged_log *log, unsigned entry);

/*
 * What strongroom-verify finds, and that it can tell it.  keys: a bit a
 * segment that is disclosed; 0: without keys.  since: with the anchor.  The
 * result is valid until the next call.
 */
struct forged_verdict {
	enum verify_exit exit;
	char why[VERIFY_WHY_MAX];
	uint64_t executed;
	uint64_t former;  /* keys that a former key had attested */
	size_t witnesses; /* that have signed */
};
const struct forged_verdict *forged_log_verify(
    const struct forged_log *log, uint64_t keys, bool since);

/* Now and then a verdict is told at length, or two threads look: which turn
 * the next verification is. */
void forged_log_turn(unsigned turn);

#endif
