/* SPDX-License-Identifier: ISC */
/* A rehearsal is good only when each public key is the bank's, every bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "client/ctl/rehearsal.h"

static void
fill(struct message_public_keys *keys)
{
	memset(keys, 0, sizeof(*keys));
	keys->epoch = 7;
	memset(keys->bank_id, 1, sizeof(keys->bank_id));
	memset(keys->noise, 2, sizeof(keys->noise));
	memset(keys->opaque, 3, sizeof(keys->opaque));
	memset(keys->log, 4, sizeof(keys->log));
	memset(keys->attestation, 5, sizeof(keys->attestation));
}

static void
expect_told(struct rehearsal *rehearsal, uint8_t *key, size_t len)
{
	for (size_t i = 0; i < 8 * len; i++) {
		key[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(rehearsal_same(rehearsal));
		key[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(rehearsal_same(rehearsal));
}

static void
given_any_bit_of_any_key_when_it_is_another_then_it_is_told(void **state)
{
	struct rehearsal r;
	struct message_public_keys *restored = &r.restored;

	(void)state;
	fill(&r.bank);
	fill(restored);
	assert_true(rehearsal_same(&r));
	expect_told(&r, restored->bank_id, sizeof(restored->bank_id));
	expect_told(&r, restored->noise, sizeof(restored->noise));
	expect_told(&r, restored->opaque, sizeof(restored->opaque));
	expect_told(&r, restored->log, sizeof(restored->log));
	expect_told(&r, restored->attestation, sizeof(restored->attestation));
	restored->epoch++;
	assert_false(rehearsal_same(&r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_any_bit_of_any_key_when_it_is_another_then_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
