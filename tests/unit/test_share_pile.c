/* SPDX-License-Identifier: ISC */
/* Wrong, mixed-up, repeated and foreign shares are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/ctl/share_pile.h"

enum { COUNT = 5, QUORUM = 3, SET = 7, KEPT = 4 };

static const uint8_t bank_id[32] = {1, 2, 3, 4};

/* The share of that index of a set whose secrets are all alike. */
static void
make(uint16_t set, uint8_t quorum, uint8_t index, uint8_t record[SHARE_LEN])
{
	struct share share = {.index = index, .quorum = quorum, .set = set};

	memcpy(share.bank_tag, bank_id, sizeof(share.bank_tag));
	memset(share.secret, set ^ index, sizeof(share.secret));
	share_write(&share, record);
}

static void
make_set(uint16_t number, uint8_t quorum, uint8_t count, struct share_set *set)
{
	uint8_t record[SHARE_LEN];

	*set = (struct share_set){
	    .number = number, .quorum = quorum, .count = count};
	for (uint8_t i = 0; i < count; i++) {
		make(number, quorum, (uint8_t)(i + 1), record);
		share_hash(record, set->hashes[i]);
	}
}

static void
begin(struct share_pile *pile)
{
	struct share_set sets[2];

	make_set(KEPT, 2, 2, &sets[0]);
	make_set(SET, QUORUM, COUNT, &sets[1]);
	share_pile_begin(pile, bank_id, sets, 2);
}

static enum share_verdict
take(struct share_pile *pile, uint16_t set, uint8_t quorum, uint8_t index)
{
	uint8_t record[SHARE_LEN];

	make(set, quorum, index, record);
	return share_pile_take(pile, record);
}

/* What is said of it; the caller frees it. */
static char *
said(const struct share_pile *pile, enum share_verdict verdict,
    const uint8_t record[SHARE_LEN])
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	share_verdict_say(out, pile, verdict, record);
	assert_int_equal(fclose(out), 0);
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	return text;
}

static void
check_said(const struct share_pile *pile, enum share_verdict verdict,
    const uint8_t record[SHARE_LEN], const char *words)
{
	char *text = said(pile, verdict, record);

	assert_non_null(strstr(text, words));
	free(text);
}

static void
given_a_quorum_in_any_order_then_the_pile_is_full(void **state)
{
	static const uint8_t orders[][QUORUM] = {
	    {1, 2, 3}, {5, 1, 4}, {3, 5, 2}, {4, 3, 5}};
	struct share_pile pile;

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		begin(&pile);
		for (unsigned j = 0; j < QUORUM; j++) {
			assert_int_equal(share_pile_missing(&pile), QUORUM - j);
			assert_int_equal(take(&pile, SET, QUORUM, orders[i][j]),
			    SHARE_TAKEN);
		}
		assert_int_equal(share_pile_missing(&pile), 0);
		assert_int_equal(pile.have, QUORUM);
		/* one that is not needed any more */
		for (uint8_t more = 1; more <= COUNT; more++)
			(void)take(&pile, SET, QUORUM, more);
		assert_int_equal(pile.have, QUORUM);
		share_pile_wipe(&pile);
		assert_true(sodium_is_zero(
		    (const uint8_t *)pile.records, sizeof(pile.records)));
	}
}

static void
given_a_kept_set_then_it_opens_with_its_own_quorum(void **state)
{
	struct share_pile pile;

	(void)state;
	begin(&pile);
	assert_int_equal(take(&pile, KEPT, 2, 2), SHARE_TAKEN);
	assert_int_equal(share_pile_missing(&pile), 1);
	assert_int_equal(take(&pile, SET, QUORUM, 1), SHARE_OTHER_SET);
	assert_int_equal(take(&pile, KEPT, 2, 1), SHARE_TAKEN);
	assert_int_equal(share_pile_missing(&pile), 0);
}

static void
given_wrong_shares_then_each_is_told_apart_and_the_pile_stays(void **state)
{
	struct share_pile pile;
	static const struct {
		uint16_t set;
		uint8_t quorum, index;
		enum share_verdict verdict;
		const char *words;
	} wrong[] = {
	    {SET, QUORUM, 2, SHARE_TWICE, "share 2: it is there already"},
	    {SET - 1, QUORUM, 1, SHARE_FORMER_SET, "former set 6"},
	    {1, QUORUM, 1, SHARE_FORMER_SET, "bring a share of set 7"},
	    {SET + 1, QUORUM, 1, SHARE_LATER_SET, "later set 8"},
	    {KEPT, 2, 1, SHARE_OTHER_SET,
		"of set 4, the first one was of set 7"},
	    {SET, 2, 1, SHARE_OTHER_QUORUM, "a quorum of 2"},
	    {SET, 4, 1, SHARE_OTHER_QUORUM, "a quorum of 4"},
	    {SET, QUORUM, COUNT + 1, SHARE_NO_INDEX, "no share of that number"},
	    {SET, QUORUM, SHARE_COUNT_MAX, SHARE_NO_INDEX, "share 16"},
	    {SET, QUORUM, 0, SHARE_ALTERED, "altered"},
	    {SET, QUORUM, SHARE_COUNT_MAX + 1, SHARE_ALTERED, "altered"},
	    {SET, 1, 1, SHARE_ALTERED, "altered"},
	    {SET, QUORUM, COUNT, SHARE_TAKEN, "share 5: it is right; 1 more"},
	};

	(void)state;
	begin(&pile);
	assert_int_equal(take(&pile, SET, QUORUM, 2), SHARE_TAKEN);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool taken = wrong[i].verdict == SHARE_TAKEN;
		uint8_t record[SHARE_LEN];

		make(wrong[i].set, wrong[i].quorum, wrong[i].index, record);
		assert_int_equal(
		    share_pile_take(&pile, record), wrong[i].verdict);
		assert_int_equal(pile.have, taken ? 2 : 1);
		check_said(&pile, wrong[i].verdict, record, wrong[i].words);
	}
}

static void
given_each_byte_of_a_share_altered_then_it_is_not_taken(void **state)
{
	struct share_pile pile;
	uint8_t record[SHARE_LEN];
	unsigned verdicts[SHARE_ALTERED + 1] = {0};

	(void)state;
	begin(&pile);
	for (unsigned at = 0; at < SHARE_LEN; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			enum share_verdict verdict;

			make(SET, QUORUM, 1, record);
			record[at] ^= (uint8_t)(1u << bit);
			verdict = share_pile_take(&pile, record);
			assert_int_not_equal(verdict, SHARE_TAKEN);
			assert_int_equal(pile.have, 0);
			verdicts[verdict]++;
			if (at >= 3 && at < 6)
				check_said(&pile, verdict, record,
				    "share 1: it is a share of another bank");
		}
	assert_int_equal(verdicts[SHARE_FOREIGN], 8 * SHARE_TAG_LEN);
	assert_true(verdicts[SHARE_ALTERED] >= 8 * SHARE_SECRET_LEN);
	assert_true(verdicts[SHARE_LATER_VERSION] > 0);
	record[0] = 2;
	check_said(&pile, SHARE_LATER_VERSION, record, "newer version");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_a_quorum_in_any_order_then_the_pile_is_full),
	    cmocka_unit_test(
		given_a_kept_set_then_it_opens_with_its_own_quorum),
	    cmocka_unit_test(
		given_wrong_shares_then_each_is_told_apart_and_the_pile_stays),
	    cmocka_unit_test(
		given_each_byte_of_a_share_altered_then_it_is_not_taken),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
