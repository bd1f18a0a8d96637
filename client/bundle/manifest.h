/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_BUNDLE_MANIFEST_H
#define CLIENT_BUNDLE_MANIFEST_H
/*
 * What a month-end bundle holds, and who says so.  A text of lines:
 *
 *	strongroom-month-end 1
 *	bank HEX              SHA-256 of the identity key
 *	month 2026-10         UTC
 *	so-far no             yes: made before the month was over
 *	made MS               when, by the clock of who made it
 *	verified 0            exit status of strongroom-verify over the ledger
 *	size N                entries, and the tree's root: of the anchor
 *	root HEX
 *	file HEX LEN NAME     SHA-256 and bytes of each file, all five of them
 *	since N HEX           size and root of the anchor before, if there is one
 *	path HEX              proof that this tree continues that one (RFC 9162
 *	                      section 2.1.4), a line a hash
 *	certificate HEX       the one of the anchor's log key, and those of the
 *	                      attestation and of the anchor before where they
 *	                      are others
 *	attestation HEX       of the signer
 *	signer N NAME HEX     customer id, log-in name and the name's salt
 *	signature HEX         the signer's Ed25519 over all lines before
 *
 * There is one text for a manifest: what is read is written again and
 * compared.  The first line keeps the signature from being any other one's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/certificate.h"
#include "common/merkle.h"

enum {
	BUNDLE_FILES = 5,
	BUNDLE_MANIFEST_MAX = 16384,
	BUNDLE_NAME_MAX = 32,
	BUNDLE_MONTH_LEN = 7,
	BUNDLE_CERTIFICATES_MAX = 3,
};

/* In the order in which they stand in the bundle. */
enum bundle_file {
	BUNDLE_ANCHOR,
	BUNDLE_TILLS,
	BUNDLE_CSV,
	BUNDLE_HLEDGER,
	BUNDLE_VERIFY,
};

extern const char *const bundle_file_names[BUNDLE_FILES];

struct bundle_manifest {
	uint8_t bank_id[BANK_ID_LEN];
	char month[BUNDLE_MONTH_LEN + 1];
	bool so_far;
	uint64_t made_ms;
	uint8_t verified; /* 0 or 3 */
	uint64_t size;
	uint8_t root[32];
	struct {
		uint64_t len;
		uint8_t hash[32];
	} file[BUNDLE_FILES];
	bool since;
	uint64_t since_size;
	uint8_t since_root[32];
	size_t path_count;
	uint8_t path[MERKLE_PROOF_MAX * MERKLE_HASH_LEN];
	uint8_t certificate_count;
	uint8_t certificate[BUNDLE_CERTIFICATES_MAX][CERTIFICATE_LEN];
	uint8_t attestation[ATTESTATION_LEN];
	uint64_t signer;
	char name[BUNDLE_NAME_MAX + 1];
	uint8_t name_salt[NAME_SALT_LEN];
	uint8_t signature[SIGNATURE_LEN];
};

/* Writes the text (no NUL); SR_TOO_LARGE, SR_PARAMETERS. */
enum sr_error bundle_manifest_encode(const struct bundle_manifest *manifest,
    char out[BUNDLE_MANIFEST_MAX], size_t *len);

/*
 * Reads strictly: SR_MALFORMED for anything but what bundle_manifest_encode()
 * writes, SR_VERSION for a later version.  Checks no signature.
 */
enum sr_error bundle_manifest_decode(
    const void *text, size_t len, struct bundle_manifest *manifest);

/* Sets the signature; SR_CRYPTO, and as bundle_manifest_encode(). */
enum sr_error bundle_manifest_sign(
    struct bundle_manifest *manifest, const uint8_t secret[SIGNING_SECRET_LEN]);

/*
 * NULL when the manifest is of the bank with that identity, and signed by
 * whom it names, with the key that the bank has attested; else what is wrong.
 * *log_key: the certificate that names the anchor's.
 */
const char *bundle_manifest_check(const struct bundle_manifest *manifest,
    const uint8_t identity[PUBLIC_KEY_LEN], struct certificate *log_key);

#endif
