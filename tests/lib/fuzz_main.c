/* SPDX-License-Identifier: ISC */
/*
 * Without libFuzzer: every file that is named goes through the target once,
 * in memory of just its length.
 */
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "tests/lib/fuzz.h"

enum { FILE_MAX = 1 << 20 };

int
main(int argc, char *argv[])
{
	static uint8_t bytes[FILE_MAX];

	if (argc < 2 || sodium_init() < 0)
		return 1;
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "re");
		size_t len = file != NULL ? fread(bytes, 1, sizeof(bytes), file)
					  : sizeof(bytes);
		uint8_t *exact = malloc(len + 1);

		if (file == NULL || exact == NULL || len == sizeof(bytes)) {
			fprintf(stderr, "%s cannot be read\n", argv[i]);
			return 1;
		}
		for (size_t at = 0; at < len; at++)
			exact[at] = bytes[at];
		fclose(file);
		(void)LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	printf("%d files, taken %u times\n", argc - 1, fuzz_taken_count);
	return 0;
}
