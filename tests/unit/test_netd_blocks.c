/* SPDX-License-Identifier: ISC */
/*
 * Byte queues out of one bounded pool.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netd/blocks.h"

#define COUNT 8

static uint8_t memory[COUNT * BLOCK_LEN];
static int32_t next[COUNT];
static uint8_t bytes[COUNT * BLOCK_LEN + 1];
static uint8_t copy[COUNT * BLOCK_LEN];
static struct blocks pool;

static int
set_up(void **state)
{
	(void)state;
	blocks_init(&pool, memory, next, COUNT);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	return 0;
}

static void
what_goes_in_comes_out_in_order(void **state)
{
	static const size_t parts[] = {1, 4095, 4096, 4097, 3, 9000, 2};
	struct chain chain;
	size_t in = 0, out = 0;

	(void)state;
	chain_init(&chain);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert_int_equal(
		    chain_append(&pool, &chain, bytes + in, parts[i]), SR_OK);
		in += parts[i];
		chain_copy(&pool, &chain, copy, chain.len);
		assert_memory_equal(copy, bytes + out, chain.len);
		chain_consume(&pool, &chain, parts[i] / 2);
		out += parts[i] / 2;
	}
	while (chain.len > 0) {
		size_t len;
		const uint8_t *front = chain_front(&pool, &chain, &len);

		assert_memory_equal(front, bytes + out, len);
		chain_consume(&pool, &chain, len);
		out += len;
	}
	assert_int_equal(in, out);
	assert_int_equal(blocks_free(&pool), COUNT);
}

static void
a_pool_that_is_used_up_refuses_and_changes_nothing(void **state)
{
	struct chain a, b;

	(void)state;
	chain_init(&a);
	chain_init(&b);
	assert_int_equal(
	    chain_append(&pool, &a, bytes, COUNT * BLOCK_LEN + 1), SR_BUSY);
	assert_int_equal(a.len, 0);
	assert_int_equal(
	    chain_append(&pool, &a, bytes, (COUNT - 1) * BLOCK_LEN), SR_OK);
	assert_int_equal(
	    chain_append(&pool, &b, bytes, BLOCK_LEN + 1), SR_BUSY);
	assert_int_equal(chain_append(&pool, &b, bytes, BLOCK_LEN), SR_OK);
	assert_int_equal(blocks_free(&pool), 0);
	assert_int_equal(chain_append(&pool, &b, bytes, 1), SR_BUSY);
	chain_clear(&pool, &a);
	assert_int_equal(blocks_free(&pool), COUNT - 1);
	assert_int_equal(chain_append(&pool, &b, bytes, 1), SR_OK);
	chain_clear(&pool, &b);
	assert_int_equal(blocks_free(&pool), COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(what_goes_in_comes_out_in_order, set_up),
	    cmocka_unit_test_setup(
		a_pool_that_is_used_up_refuses_and_changes_nothing, set_up),
	};

	return cmocka_run_group_tests_name("netd_blocks", tests, NULL, NULL);
}
