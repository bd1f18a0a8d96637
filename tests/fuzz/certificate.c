/* SPDX-License-Identifier: ISC */
/* Certificates and attestations: what the identity and a certified key sign. */
#include <string.h>

#include "common/certificate.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t key[32] = {1};
	uint8_t padded[CERTIFICATE_LEN + ATTESTATION_LEN] = {0};
	uint8_t again[CERTIFICATE_SIGNED_LEN];
	struct certificate certificate;
	struct attestation attestation;

	memcpy(padded, bytes, len < sizeof(padded) ? len : sizeof(padded));
	if (certificate_read_unsigned(padded, &certificate) == SR_OK) {
		fuzz_taken();
		certificate_write_unsigned(&certificate, again);
		fuzz_must(memcmp(again, padded, sizeof(again)) == 0);
	}
	(void)certificate_verify(padded, key, &certificate);
	(void)attestation_read(padded, &attestation);
	(void)attestation_verify(padded, key, key, &attestation);
	return 0;
}
