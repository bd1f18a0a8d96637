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
	FORGED_ENTRIES_MAX = 192,
	FORGED_SEGMENTS_MAX = 4,
	FORGED_SEGMENT_LEN = 20480,
	FORGED_BATCH = 12, /* entries */
};

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
	uint8_t committed[ENTRY_MAX];
	size_t committed_len;
	uint64_t time_ms;
	unsigned touched_count;
	struct journal_touched touched[JOURNAL_TOUCHED_MAX];
	struct forged_bytes forged;
	/* as it was written last */
	struct journal_position position;
	size_t frame_len;
};

struct forged_log {
	uint8_t bank_id[32];
	uint8_t identity[32];
	uint8_t identity_secret[64];
	struct money_unit unit;
	struct keys keys;
	uint8_t certificate[CERTIFICATE_LEN];
	/* of the origin that the restore note gives up */
	struct keys_log old_log;
	uint8_t old_certificate[CERTIFICATE_LEN];
	uint8_t auditor_secret[32];
	/* a customer who has changed keys, and signed with both */
	uint64_t rekeyed;
	uint8_t old_secret[64];
	uint8_t new_secret[64];
	unsigned count;
	struct forged_entry entry[FORGED_ENTRIES_MAX];

	const char *directory; /* of what was written */
	unsigned jobs;         /* verify's; 0: one, every eighth time two */
	uint32_t segments;
	uint8_t bytes[FORGED_SEGMENTS_MAX][FORGED_SEGMENT_LEN];
	size_t used[FORGED_SEGMENTS_MAX];
	struct checkpoint head;
	struct checkpoint since; /* of the batch that the note begins */
	unsigned note;           /* the restore note's entry; count: none */
};

/*
 * A day of a bank with every kind of entry, in *log; nothing is written yet.
 * Ends the program when anything of it fails.  The program is linked with
 * --wrap=entry_rules_default: the bank begins with the first rules.
 */
void forged_log_of_a_day(struct forged_log *log);

/* The salt of an entry's commitment. */
void forged_log_entry_salt(unsigned entry, uint8_t salt[JOURNAL_SALT_LEN]);

/* The salt of a segment, whatever was written. */
void forged_log_salt(uint32_t segment, uint8_t salt[32]);

/*
 * Writes everything beneath log->directory: positions and trees are made
 * anew, keyd's signatures, and the identity's under the restore note, for the
 * place at which it stands now; one that is forged stays as it is.
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

/* Another public/restores; len 0: none. */
void forged_log_put_restores(
    const struct forged_log *log, const uint8_t *bytes, size_t len);

/* What the writing of a log needs of its note (forged_restore.c). */
unsigned forged_log_find_note(const struct forged_log *log);
void forged_log_renew_note(
    struct forged_log *log, const struct merkle_frontier *tree);
const struct keys_log *forged_log_key_at(
    const struct forged_log *log, uint64_t size);

/* A file beneath the directory. */
void forged_log_put_file(const struct forged_log *log, const char *name,
    const void *bytes, size_t len);

/* Writes one segment's bytes as they are now. */
void forged_log_put(const struct forged_log *log, uint32_t segment);

/* Another checkpoint as the one that was kept, under keyd's signature. */
void forged_log_keep(
    const struct forged_log *log, const struct checkpoint *checkpoint);

/* Makes the directory; the name's last six characters are chosen. */
void forged_log_directory(struct forged_log *log, char *name);
void forged_log_remove(struct forged_log *log);

/* The sealed frame of an entry with another plaintext, in the same place. */
void forged_log_reseal(struct forged_log *log, unsigned entry);

/*
 * What strongroom-verify finds, and that it can tell it.  keys: a bit a segment that is disclosed; 0:
 * without keys.  since: with the anchor.  The result is valid until the next
 * call.
 */
struct forged_verdict {
	enum verify_exit exit;
	char why[VERIFY_WHY_MAX];
	uint64_t executed;
};
const struct forged_verdict *forged_log_verify(
    const struct forged_log *log, unsigned keys, bool since);

#endif
