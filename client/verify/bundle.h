/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_BUNDLE_H
#define CLIENT_VERIFY_BUNDLE_H
/*
 * strongroom-verify bundle: a month-end bundle, offline, with bank.id alone.
 * Reads it from the beginning to the end, once, in bounded memory.
 */
#include "client/bundle/manifest.h"
#include "client/verify/verify.h"

struct bundle_verdict {
	enum verify_exit exit;
	char why[VERIFY_WHY_MAX]; /* empty only when anchored */
	struct bundle_manifest manifest;
	size_t anchor_len;
	char anchor[NOTE_READ_MAX];
	struct checkpoint checkpoint; /* of the anchor */
	uint64_t tills;               /* rows of tills.csv */
	uint64_t postings;            /* rows of books.csv */
};

/*
 * Whether the file is a whole bundle of that bank: the manifest's signer,
 * every byte, the anchor's signature, that the books' sums are zero and agree
 * with the tills'.  exit then is `intact': nothing older was compared.  Else
 * `tampered' or `could not', and of the rest nothing counts.
 */
void bundle_judge(const struct bankfile *bank, const char *path,
    struct bundle_verdict *verdict);

/*
 * Of one that is intact, whether it continues that older bundle or checkpoint:
 * `verified', `tampered', still `intact' where the bundle cannot prove it or
 * its maker could not verify the ledger, or
 * `could not' when the older one is neither.
 */
void bundle_judge_since(const struct bankfile *bank, const char *path,
    struct bundle_verdict *verdict);

/*
 * Of one that was judged: `tampered' when somebody else than that log-in name
 * has signed it.  Any customer can sign a bundle: `verified' is only what
 * somebody has signed of whom the auditor knows (NULL: nobody).
 */
void bundle_judge_signer(const char *signer, struct bundle_verdict *verdict);

/* All three (since and signer may be NULL); prints what it proves. */
enum verify_exit bundle_verify_file(const struct bankfile *bank,
    const char *path, const char *since, const char *signer, bool json,
    bool quiet);

#endif
