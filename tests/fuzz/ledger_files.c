/* SPDX-License-Identifier: ISC */
/*
 * What an audit reads before the log: public/certificates, public/restores and
 * public/checkpoint.  The first four bytes are the lengths of the first two.
 */
#include <sodium.h>

#include "client/verify/verify.h"
#include "client/verify/witnesses.h"
#include "common/buffer.h"

#include "tests/lib/fuzz.h"

/* The bank of the corpus: the identity of this seed. */
static const uint8_t seed[32] = {1};

static void
begin(struct verify *verify)
{
	uint8_t secret[64];

	(void)crypto_sign_seed_keypair(verify->bank.identity, secret, seed);
	crypto_hash_sha256(verify->bank.bank_id, verify->bank.identity, 32);
	verify->directory = fuzz_directory();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	size_t certificates = reader_u16(&r), restores = reader_u16(&r);
	static struct verify verify;
	char path[256];

	if (r.bad || certificates + restores > reader_left(&r))
		return 0;
	begin(&verify);
	bytes += 4;
	fuzz_put("public/certificates", bytes, certificates);
	bytes += certificates;
	fuzz_put(RESTORE_PATH, bytes, restores);
	fuzz_put("public/checkpoint", bytes + restores,
	    reader_left(&r) - certificates - restores);
	verify.why[0] = '\0';
	verify.certificate_count = verify.restore_count = 0;
	verify.since_count = 0;
	if (verify_certificates(&verify))
		fuzz_must(verify.certificate_count > 0 &&
			  verify.certificate_count <= VERIFY_CERTIFICATES_MAX);
	else
		fuzz_must(verify.why[0] != '\0');
	verify.why[0] = '\0';
	if (verify_restores(&verify))
		fuzz_must(verify.restore_count <= VERIFY_RESTORES_MAX);
	else
		fuzz_must(verify.why[0] != '\0');
	verify.why[0] = '\0';
	snprintf(path, sizeof(path), "%s/public/checkpoint", verify.directory);
	if (verify_checkpoint(&verify, path, VERIFY_TAMPERED, &verify.published,
		&verify.published_epoch))
		fuzz_taken();
	else
		fuzz_must(verify.exit == VERIFY_TAMPERED);
	return 0;
}
