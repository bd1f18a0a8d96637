/* SPDX-License-Identifier: ISC */
/*
 * A whole month-end bundle whose files are these bytes, hashed, signed and
 * packed as its signer would: anchor, tills.csv and books.csv, each behind its
 * length; of length 0 it stays as it should be.  And once more with the bytes
 * as the bundle itself.
 */
#include <string.h>

#include <sodium.h>

#include "client/verify/bundle.h"
#include "common/buffer.h"

#include "tests/lib/fuzz.h"
#include "tests/lib/toy_bundle.h"

static struct bundle_verdict verdict;

static void
look(const struct bankfile *bank, unsigned which, const uint8_t *bytes,
    size_t len)
{
	char path[FUZZ_PATH_MAX];

	fuzz_file(which, bytes, len, path);
	bundle_judge(bank, path, &verdict);
	fuzz_must(verdict.exit != VERIFY_ANCHORED && verdict.why[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct toy_bundle made, bundle;
	struct reader r = reader_of(bytes, len);
	char path[FUZZ_PATH_MAX];

	if (made.len == 0)
		toy_bundle_make(&made);
	/* nobody can write what the bank's own has signed */
	look(&made.bank, 0, bytes, len);
	fuzz_must(verdict.exit == VERIFY_TAMPERED ||
		  verdict.exit == VERIFY_COULD_NOT);
	bundle = made;
	for (size_t i = 0; i < 3 && reader_left(&r) >= 2; i++) {
		size_t some = reader_u16(&r);

		if (some > reader_left(&r) || some > TOY_FILE_MAX)
			return 0;
		if (some == 0)
			continue;
		bundle.file_len[i] = some;
		reader_bytes(&r, (uint8_t *)bundle.file[i], some);
	}
	toy_bundle_hash(&bundle);
	toy_bundle_sign(&bundle);
	toy_bundle_pack(&bundle);
	look(&made.bank, 0, bundle.bytes, bundle.len);
	if (verdict.exit != VERIFY_INTACT)
		return 0;
	fuzz_taken();
	/* but for its signature it would continue itself */
	fuzz_file(1, bundle.bytes, bundle.len, path);
	verdict.manifest.signature[0] ^= 1;
	bundle_judge_since(&made.bank, path, &verdict);
	fuzz_must(verdict.exit == VERIFY_ANCHORED);
	/* and whatever the bytes are */
	bundle_judge(&made.bank, path, &verdict);
	fuzz_file(2, bytes, len, path);
	bundle_judge_since(&made.bank, path, &verdict);
	return 0;
}
