/* SPDX-License-Identifier: ISC */
/*
 * The bounded queue in front of a link: order, packing, bounds, and what is
 * left when the link is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/outbox.h"

#define BOX_LEN (3 * OUTBOX_PACKET_MAX)

static uint8_t memory[BOX_LEN];
static uint8_t message[OUTBOX_PACKET_MAX + 1];

/* A link that takes `takes` packets and then is full. */
struct link {
	unsigned takes;
	enum sr_error then;
	unsigned packets;
	size_t len;
	uint8_t got[2 * BOX_LEN];
	size_t packet_len[64];
};

static struct link link_state;

static enum sr_error
take(void *of, const void *packet, size_t len)
{
	struct link *link = of;

	if (link->takes == 0)
		return link->then;
	link->takes--;
	assert_true(len > 0 && len <= OUTBOX_PACKET_MAX);
	assert_true(link->len + len <= sizeof(link->got));
	memcpy(link->got + link->len, packet, len);
	link->len += len;
	link->packet_len[link->packets++] = len;
	return SR_OK;
}

static struct link *
a_link(unsigned takes)
{
	memset(&link_state, 0, sizeof(link_state));
	link_state.takes = takes;
	link_state.then = SR_AGAIN;
	return &link_state;
}

static void
small_messages_leave_in_one_packet_in_order(void **state)
{
	struct outbox box;
	struct link *link = a_link(10);

	(void)state;
	outbox_init(&box, memory, sizeof(memory));
	assert_true(outbox_empty(&box));
	assert_int_equal(outbox_append(&box, "one", 3), SR_OK);
	assert_int_equal(outbox_append(&box, "two", 3), SR_OK);
	assert_int_equal(outbox_append(&box, "three", 5), SR_OK);
	assert_false(outbox_empty(&box));
	assert_int_equal(outbox_flush(&box, take, link), SR_OK);
	assert_true(outbox_empty(&box));
	assert_int_equal(link->packets, 1);
	assert_memory_equal(link->got, "onetwothree", 11);
}

static void
a_packet_holds_whole_messages_only(void **state)
{
	struct outbox box;
	struct link *link = a_link(10);

	(void)state;
	memset(message, 'm', sizeof(message));
	outbox_init(&box, memory, sizeof(memory));
	assert_int_equal(outbox_append(&box, message, 40000), SR_OK);
	assert_int_equal(outbox_append(&box, message, 25536), SR_OK);
	assert_int_equal(outbox_append(&box, message, 1), SR_OK);
	assert_int_equal(outbox_flush(&box, take, link), SR_OK);
	assert_int_equal(link->packets, 2);
	assert_int_equal(link->packet_len[0], OUTBOX_PACKET_MAX);
	assert_int_equal(link->packet_len[1], 1);
}

static void
a_message_too_large_is_refused_and_the_largest_fits_when_empty(void **state)
{
	struct outbox box;

	(void)state;
	outbox_init(&box, memory, OUTBOX_PACKET_MAX + OUTBOX_PACKET_HEADER_LEN);
	assert_int_equal(
	    outbox_append(&box, message, OUTBOX_PACKET_MAX + 1), SR_TOO_LARGE);
	assert_null(outbox_reserve(&box, OUTBOX_PACKET_MAX + 1));
	assert_int_equal(outbox_free(&box), OUTBOX_PACKET_MAX);
	assert_int_equal(
	    outbox_append(&box, message, OUTBOX_PACKET_MAX), SR_OK);
	assert_int_equal(outbox_free(&box), 0);
	assert_int_equal(outbox_append(&box, message, 1), SR_BUSY);
}

static void
a_full_link_keeps_what_it_did_not_take(void **state)
{
	struct outbox box;
	struct link *link = a_link(1);

	(void)state;
	outbox_init(&box, memory, sizeof(memory));
	memset(message, 'a', 60000);
	assert_int_equal(outbox_append(&box, message, 60000), SR_OK);
	memset(message, 'b', 60000);
	assert_int_equal(outbox_append(&box, message, 60000), SR_OK);
	assert_int_equal(outbox_flush(&box, take, link), SR_AGAIN);
	assert_false(outbox_empty(&box));
	assert_int_equal(link->packets, 1);

	/* What comes later joins behind and nothing is sent twice. */
	assert_int_equal(outbox_append(&box, "c", 1), SR_OK);
	link->takes = 10;
	assert_int_equal(outbox_flush(&box, take, link), SR_OK);
	assert_int_equal(link->packets, 2);
	assert_int_equal(link->len, 120001);
	assert_int_equal(link->got[59999], 'a');
	assert_int_equal(link->got[60000], 'b');
	assert_int_equal(link->got[120000], 'c');
}

static void
a_full_box_says_busy_and_takes_again_when_flushed(void **state)
{
	struct outbox box;
	struct link *link = a_link(1);
	unsigned taken = 0;

	(void)state;
	memset(message, 'x', 60000);
	outbox_init(&box, memory, sizeof(memory));
	while (outbox_append(&box, message, 60000) == SR_OK)
		taken++;
	assert_int_equal(taken, 3);
	assert_true(outbox_free(&box) < 60000);
	assert_int_equal(outbox_flush(&box, take, link), SR_AGAIN);
	/* The place of the packet that left lies in front: it is used. */
	assert_int_equal(outbox_append(&box, message, 60000), SR_OK);
	assert_int_equal(outbox_append(&box, message, 60000), SR_BUSY);
	link->takes = 10;
	assert_int_equal(outbox_flush(&box, take, link), SR_OK);
	assert_int_equal(link->len, 240000);
}

static void
a_reserved_place_takes_less_than_was_reserved(void **state)
{
	struct outbox box;
	struct link *link = a_link(10);
	uint8_t *place;

	(void)state;
	outbox_init(&box, memory, sizeof(memory));
	assert_int_equal(outbox_append(&box, "a", 1), SR_OK);
	place = outbox_reserve(&box, OUTBOX_PACKET_MAX);
	assert_non_null(place);
	memcpy(place, "bb", 2);
	outbox_commit(&box, 2);
	assert_int_equal(outbox_append(&box, "c", 1), SR_OK);
	assert_int_equal(outbox_flush(&box, take, link), SR_OK);
	assert_memory_equal(link->got, "abbc", 4);
}

static void
a_place_that_is_not_committed_leaves_no_trace(void **state)
{
	struct outbox box;
	struct link *link = a_link(10);

	(void)state;
	outbox_init(&box, memory, sizeof(memory));
	assert_non_null(outbox_reserve(&box, 100));
	assert_true(outbox_empty(&box));
	assert_int_equal(outbox_append(&box, "a", 1), SR_OK);
	assert_non_null(outbox_reserve(&box, 100));
	assert_int_equal(outbox_flush(&box, take, link), SR_OK);
	assert_int_equal(link->len, 1);
}

static void
a_closed_link_is_told(void **state)
{
	struct outbox box;
	struct link *link = a_link(0);

	(void)state;
	link->then = SR_CLOSED;
	outbox_init(&box, memory, sizeof(memory));
	assert_int_equal(outbox_flush(&box, take, link), SR_OK);
	assert_int_equal(outbox_append(&box, "a", 1), SR_OK);
	assert_int_equal(outbox_flush(&box, take, link), SR_CLOSED);
	outbox_clear(&box);
	assert_true(outbox_empty(&box));
}

static void
many_rounds_keep_every_byte_in_order(void **state)
{
	struct outbox box;
	uint32_t random = 1, written = 0, checked = 0;

	(void)state;
	outbox_init(&box, memory, sizeof(memory));
	for (unsigned round = 0; round < 2000; round++) {
		struct link *link = a_link(round % 3);

		for (unsigned i = 0; i < 8; i++) {
			size_t len;
			uint8_t *place;

			random = random * 1664525 + 1013904223;
			len = 1 + (random >> 8) % 30000;
			place = outbox_reserve(&box, len);
			if (place == NULL)
				continue;
			for (size_t k = 0; k < len; k++)
				place[k] = (uint8_t)(written++ * 7);
			outbox_commit(&box, len);
		}
		(void)outbox_flush(&box, take, link);
		for (size_t k = 0; k < link->len; k++)
			assert_int_equal(
			    link->got[k], (uint8_t)(checked++ * 7));
	}
	assert_true(checked > 10000000);
}

static void
given_an_outbox_that_wipes_then_nothing_that_was_sent_stays(void **state)
{
	struct outbox box;

	(void)state;
	memset(memory, 0, sizeof(memory));
	memset(message, 0xee, sizeof(message));
	outbox_init(&box, memory, sizeof(memory));
	box.wipes = true;
	/* the second packet is moved to the front, in part over itself */
	assert_int_equal(outbox_append(&box, message, 60000), SR_OK);
	assert_int_equal(outbox_append(&box, message, 61000), SR_OK);
	assert_int_equal(outbox_flush(&box, take, a_link(1)), SR_AGAIN);
	assert_int_equal(outbox_append(&box, message, 62000), SR_OK);
	assert_int_equal(outbox_append(&box, message, 14000), SR_OK);
	assert_int_equal(outbox_flush(&box, take, a_link(3)), SR_OK);
	for (size_t i = 0; i < sizeof(memory); i++)
		assert_int_equal(memory[i], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(small_messages_leave_in_one_packet_in_order),
	    cmocka_unit_test(a_packet_holds_whole_messages_only),
	    cmocka_unit_test(
		a_message_too_large_is_refused_and_the_largest_fits_when_empty),
	    cmocka_unit_test(a_full_link_keeps_what_it_did_not_take),
	    cmocka_unit_test(a_full_box_says_busy_and_takes_again_when_flushed),
	    cmocka_unit_test(a_reserved_place_takes_less_than_was_reserved),
	    cmocka_unit_test(a_place_that_is_not_committed_leaves_no_trace),
	    cmocka_unit_test(a_closed_link_is_told),
	    cmocka_unit_test(many_rounds_keep_every_byte_in_order),
	    cmocka_unit_test(
		given_an_outbox_that_wipes_then_nothing_that_was_sent_stays),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
