/* SPDX-License-Identifier: ISC */
/*
 * The plaintext of an object's head, which another customer may have written:
 * what is taken is written again as it was, and its name does no harm.
 */
#include <string.h>

#include <sodium.h>

#include "client/object_head.h"
#include "client/object_name.h"
#include "client/padme.h"

#include "tests/lib/fuzz.h"

static void
use_name(const char *name, size_t len)
{
	static char shown[OBJECT_NAME_MAX + 1], path[OBJECT_PATH_MAX];

	object_name_shown(name, len, shown);
	fuzz_must(strlen(shown) == len && object_name_plain(shown, len));
	if (object_name_path(name, len, path) != OBJECT_NAME_FINE) {
		fuzz_must(path[0] == '\0');
		return;
	}
	fuzz_must(path[0] != '\0' && path[0] != '/' && path[0] != '-');
	for (const char *at = path; (at = strstr(at, "..")) != NULL; at++)
		fuzz_must((at > path && at[-1] != '/') ||
			  (at[2] != '\0' && at[2] != '/'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t again[OBJECT_HEAD_LONG_LEN];
	static struct object_head head;
	uint32_t key_epoch;

	(void)object_head_key_epoch(bytes, len, &key_epoch);
	if (object_head_decode(bytes, len, &head) != SR_OK) {
		fuzz_must(
		    sodium_is_zero((const uint8_t *)&head, sizeof(head)) == 1);
		return 0;
	}
	fuzz_taken();
	fuzz_must(head.size <= OBJECT_SIZE_MAX && len <= sizeof(again));
	fuzz_must(strlen(head.name) == head.name_len);
	fuzz_must(object_head_encode(&head, again, len) == SR_OK);
	fuzz_must(memcmp(again, bytes, len) == 0);
	use_name(head.name, head.name_len);
	return 0;
}
