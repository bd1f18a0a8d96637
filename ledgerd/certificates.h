/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_CERTIFICATES_H
#define LEDGERD_CERTIFICATES_H
/*
 * public/certificates: every certificate that was ever in force, in the order
 * in which they were: each behind its length, u16.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"

struct ledgerd;

/*
 * Adds the certificate that keyd has told of, durably, unless it is the last
 * one.  What a crash left of one is written over.  SR_VERSION, after a line,
 * where a newer program has kept one; errors of the disk.
 */
enum sr_error certificates_keep(struct ledgerd *ledgerd);

/*
 * True if the bank's identity has certified a log key of that epoch, in the
 * file; also where the file cannot be read.
 */
bool certificates_has(struct ledgerd *ledgerd, uint32_t epoch);

/* The certificate with that key id.  SR_NOT_FOUND, errors of the disk. */
enum sr_error certificates_of_keys(
    struct ledgerd *ledgerd, uint32_t key_id, uint8_t bytes[CERTIFICATE_LEN]);

/*
 * Verifies an attestation under the attestation key in force, or under that of
 * the certificate which it names, of no other: SR_SIGNATURE, after a line,
 * where that is not in the file.  Errors as attestation_verify(), and of the
 * disk.
 */
enum sr_error certificates_attested(struct ledgerd *ledgerd,
    const uint8_t bytes[ATTESTATION_LEN], struct attestation *out);

#endif
