/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CERTIFICATE_FILE_H
#define CLIENT_CERTIFICATE_FILE_H
/*
 * What strongroom-verify gives an auditor to sign, on its way to strongroomctl:
 * one line, "strongroom-snapshot-1 BANK PARAMETERS", both in hex: the bank's id
 * and the 88 bytes of a certify (common/order_parameters.h).
 */
#include "common/error.h"
#include "common/order_parameters.h"

/* Makes the file; SR_EXISTS or SR_IO, errno says why. */
enum sr_error certificate_file_write(const char *path,
    const uint8_t bank_id[32], const struct order_certify *certify);

/* SR_IO (errno says why), SR_MALFORMED, SR_WRONG_BANK. */
enum sr_error certificate_file_read(
    const char *path, const uint8_t bank_id[32], struct order_certify *certify);

#endif
