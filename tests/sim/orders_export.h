/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_ORDERS_EXPORT_H
#define TESTS_SIM_ORDERS_EXPORT_H
/*
 * A bank's random orders as strongroom-verify would export them, though there
 * is no journal: for tests/model, and for programs that keep books.  Each
 * entry is carried out again by strongroom-verify, signatures and all; what it
 * says of one, and whatever cannot be written, ends the program.
 */
#include "client/verify/audit.h"
#include "common/book/book.h"
#include "common/certificate.h"

struct orders_export {
	FILE *json; /* NULL: nothing is to be written */
	struct audit books[3];
	struct audit again;
	struct verify verify;
};

/* The keys of a customer, the same in each run; of 0 the attestation key. */
void orders_export_keys(
    uint64_t customer, uint8_t public[32], uint8_t secret[SIGNING_SECRET_LEN]);

/* Makes PATH.json, PATH.hledger, PATH.ledger and PATH.beancount. */
void orders_export_begin(struct orders_export *export, const char *path,
    const struct entry_genesis *genesis);

void orders_export_account(struct orders_export *export, uint64_t leaf,
    uint64_t time_ms, const uint8_t attestation[ATTESTATION_LEN]);

/* The order and what it has touched in that book. */
void orders_export_order(struct orders_export *export, const struct book *book,
    const struct book_order *order, uint64_t leaf, uint64_t time_ms,
    const struct book_effect *effect);

/* The accounts as they are at last, by verify's books, too. */
void orders_export_end(struct orders_export *export, const struct book *book);

#endif
