/* SPDX-License-Identifier: ISC */
/* Promises of decoders: fuzz.h. */
#include "tests/lib/fuzz.h"

#include <stdlib.h>

void
fuzz_must(bool condition)
{
	if (!condition)
		abort();
}
