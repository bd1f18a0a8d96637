/* SPDX-License-Identifier: ISC */
/*
 * Whom a connection counts against, and the counting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "netd/address.h"

#define ENTRIES 64
#define BUCKETS 4 /* few, so that chains are long */

static struct address_table table;
static struct address_entry entries[ENTRIES];
static int32_t buckets[BUCKETS];

static int
set_up(void **state)
{
	static const uint64_t seed[2] = {0x123456789abcdef0, 77};

	(void)state;
	address_table_init(&table, entries, ENTRIES, buckets, BUCKETS, seed);
	return 0;
}

static struct address
of_4(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct address out;

	assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
	assert_true(address_of((struct sockaddr *)&in, sizeof(in), 0, &out));
	return out;
}

static struct address
of_6(const char *text)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct address out;

	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	assert_true(address_of((struct sockaddr *)&in6, sizeof(in6), 0, &out));
	return out;
}

static struct address
of_uid(uint32_t uid)
{
	struct sockaddr_storage peer = {.ss_family = AF_UNIX};
	struct address out;

	assert_true(address_of(
	    (struct sockaddr *)&peer, sizeof(sa_family_t), uid, &out));
	return out;
}

static void
ipv6_counts_by_its_first_64_bits_and_mapped_ipv4_as_ipv4(void **state)
{
	struct address a = of_6("2001:db8:1:2::1");
	struct address b = of_6("2001:db8:1:2:ffff:1:2:3");
	struct address c = of_6("2001:db8:1:3::1");
	struct address d = of_6("::ffff:192.0.2.7");
	struct address e = of_4("192.0.2.7");

	(void)state;
	assert_int_equal(a.value, b.value);
	assert_int_not_equal(a.value, c.value);
	assert_int_equal(d.family, e.family);
	assert_int_equal(d.value, e.value);
}

static void
addresses_have_a_text(void **state)
{
	struct address a = of_6("2001:db8:1:2::1"), b = of_4("192.0.2.7");
	struct address c = of_uid(1000);
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	address_text(&a, text);
	assert_string_equal(text, "2001:db8:1:2::/64");
	address_text(&b, text);
	assert_string_equal(text, "192.0.2.7");
	address_text(&c, text);
	assert_string_equal(text, "uid 1000");
}

static void
an_unknown_family_or_a_cut_address_is_none(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_storage other = {.ss_family = AF_NETLINK};
	struct address out;

	(void)state;
	assert_false(address_of((struct sockaddr *)&in, 4, 0, &out));
	assert_false(address_of((struct sockaddr *)&in, 0, 0, &out));
	assert_false(
	    address_of((struct sockaddr *)&other, sizeof(other), 0, &out));
}

static void
each_address_has_its_own_count(void **state)
{
	struct address a = of_4("192.0.2.7"), b = of_uid(0xc0000207);
	int32_t entry;

	(void)state;
	assert_int_equal(address_enter(&table, &a, 0), -1);
	entry = address_enter(&table, &a, 2);
	assert_true(entry >= 0);
	assert_int_equal(address_enter(&table, &a, 2), entry);
	assert_int_equal(address_enter(&table, &a, 2), -1);
	/* The same number in another family is somebody else. */
	assert_true(address_enter(&table, &b, 2) >= 0);
	address_leave(&table, entry);
	assert_int_equal(address_enter(&table, &a, 2), entry);
}

static void
entries_come_back_in_any_order_of_leaving(void **state)
{
	int32_t entry[ENTRIES];

	(void)state;
	for (unsigned round = 1; round < 20; round++) {
		struct address more = of_uid(5000);

		for (uint32_t i = 0; i < ENTRIES; i++) {
			struct address a = of_uid(i * round);

			entry[i] = address_enter(&table, &a, 9);
			assert_true(entry[i] >= 0);
		}
		if (round == 1)
			assert_int_equal(address_enter(&table, &more, 9), -1);
		for (uint32_t i = 0; i < ENTRIES; i++)
			address_leave(&table, entry[i * 37 % ENTRIES]);
	}
	for (int i = 0; i < BUCKETS; i++)
		assert_int_equal(buckets[i], -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		ipv6_counts_by_its_first_64_bits_and_mapped_ipv4_as_ipv4,
		set_up),
	    cmocka_unit_test_setup(addresses_have_a_text, set_up),
	    cmocka_unit_test_setup(
		an_unknown_family_or_a_cut_address_is_none, set_up),
	    cmocka_unit_test_setup(each_address_has_its_own_count, set_up),
	    cmocka_unit_test_setup(
		entries_come_back_in_any_order_of_leaving, set_up),
	};

	return cmocka_run_group_tests_name("netd_address", tests, NULL, NULL);
}
