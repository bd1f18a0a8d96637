/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_RECEIPT_H
#define CLIENT_VERIFY_RECEIPT_H
/* strongroom-verify receipt: single receipts, offline, with bank.id alone. */
#include "client/verify/verify.h"
#include "common/receipt.h"

/*
 * Reads a receipt at path and checks it against the pinned bank.  exit as
 * struct verify has it; why is the sentence for everything but `anchored'.
 */
struct receipt_verdict {
	enum verify_exit exit;
	char why[VERIFY_WHY_MAX];
	struct receipt receipt;
	struct receipt_facts facts; /* unless tampered or could not */
};

void receipt_judge(const struct bankfile *bank, const char *path,
    struct receipt_verdict *verdict);

/*
 * Checks count files and says of each what it proves: the gravest verdict of
 * all, tampered before could not before intact.
 */
enum verify_exit receipt_verify_files(const struct bankfile *bank,
    char *const paths[], size_t count, bool json, bool quiet);

#endif
