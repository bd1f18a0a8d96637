/* SPDX-License-Identifier: ISC */
/*
 * strongroom.conf: what is accepted, what is refused, and that the refusal
 * names the line.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "common/config.h"

#define LEAST "[bank]\nname = B\n[unlock]\npassphrase-file = p\n"

static struct config config;
static char message[CONFIG_MESSAGE_MAX];

static enum sr_error
parse(const char *text)
{
	return config_parse(
	    "/bank", "/bank/c.conf", text, strlen(text), &config, message);
}

/* Refused, with a message that contains this. */
static void
refused(const char *text, const char *told)
{
	enum sr_error error = parse(text);

	if (error != SR_CONFIG || strstr(message, told) == NULL)
		fail_msg("\"%s\" gave %s: \"%s\", not \"%s\"", text,
		    error_name(error), message, told);
}

static void
given_the_least_then_the_rest_has_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse(LEAST), SR_OK);
	assert_string_equal(config.name, "B");
	assert_string_equal(config.directory, "/bank");
	assert_string_equal(config.passphrase_file, "/bank/p");
	assert_int_equal(config.listen_count, 0);
	assert_int_equal(config.max_connections, 1000);
	assert_int_equal(config.segment_len, 16777216);
	assert_int_equal(config.reserve_len, 67108864);
	assert_int_equal(config.registration, CONFIG_REGISTRATION_OPEN);
	assert_true(config.namespaces);
	assert_string_equal(config.user_netd, "strongroom-netd");
}

static void
given_every_key_then_each_has_its_value(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("# comment\n; comment\n\n[bank]\n  name = Demo Bank\n"
		  "data = data\n"
		  "[netd]\nlisten = 127.0.0.1:7420\nlisten = [::1]:0\n"
		  "listen=unix:/s\nmax-connections = 7\nmax-per-address = 3\n"
		  "handshake-timeout-ms = 100\n"
		  "[ledgerd]\nsegment-size = 64K\nreserve = 1M\n"
		  "session-idle = 1\n"
		  "session-absolute = 2\nsession-rekey = 5\n"
		  "audit-log = full\n"
		  "[keyd]\nregistration = invite\n"
		  "[unlock]\npassphrase-file = /p\n"
		  "[sandbox]\nnamespaces = off\nuser-keyd = 1001\n"
		  "user-netd = n\nuser-ledgerd = l\n"),
	    SR_OK);
	assert_string_equal(config.name, "Demo Bank");
	assert_string_equal(config.directory, "/bank/data");
	assert_int_equal(config.listen_count, 3);
	assert_int_equal(config.listen[0].address.ss_family, AF_INET);
	assert_int_equal(config.listen[1].address.ss_family, AF_INET6);
	assert_int_equal(config.listen[2].address.ss_family, AF_UNIX);
	assert_int_equal(config.max_connections, 7);
	assert_int_equal(config.max_per_address, 3);
	assert_int_equal(config.handshake_timeout_ms, 100);
	assert_int_equal(config.segment_len, 65536);
	assert_int_equal(config.reserve_len, 1048576);
	assert_int_equal(config.session_idle_s, 1);
	assert_int_equal(config.session_absolute_s, 2);
	assert_int_equal(config.session_rekey_s, 5);
	assert_int_equal(config.audit_log, AUDIT_FULL);
	assert_int_equal(config.registration, CONFIG_REGISTRATION_INVITE);
	assert_string_equal(config.passphrase_file, "/p");
	assert_false(config.namespaces);
	assert_string_equal(config.user_keyd, "1001");
	assert_string_equal(config.user_netd, "n");
	assert_string_equal(config.user_ledgerd, "l");
}

static void
given_an_unknown_thing_then_it_is_refused_with_its_line(void **state)
{
	(void)state;
	refused(LEAST "[bank]\ncolour = red\n", "c.conf:6: ");
	refused("[till]\n" LEAST, "c.conf:1: ");
	refused("[till]\n" LEAST, "[till]");
	refused(LEAST "[netd\n", "c.conf:5: ");
	refused(LEAST "[netd]\nnonsense\n", "c.conf:6: ");
	refused("name = B\n" LEAST, "c.conf:1: ");
	refused(LEAST "[netd]\nmax-connections = 1\nmax-connections = 2\n",
	    "c.conf:7: [netd] max-connections: wanted is one such line");
}

static void
given_a_required_key_is_missing_then_it_is_named(void **state)
{
	(void)state;
	refused("", "[bank] name");
	refused("[bank]\nname = B\n", "[unlock] is missing");
	refused("[bank]\nname = B\n[unlock]\n", "passphrase-file");
}

#define NAMED "[bank]\nname = B\n[unlock]\n"

static void
given_one_way_to_open_the_keys_then_it_is_taken_and_no_second(void **state)
{
	static const struct {
		const char *line;
		enum config_unlock way;
	} ways[] = {
	    {"passphrase-file = p\n", CONFIG_UNLOCK_FILE},
	    {"credential = bank-key\n", CONFIG_UNLOCK_CREDENTIAL},
	    {"ask = yes\n", CONFIG_UNLOCK_ASK},
	    {"locked = yes\n", CONFIG_UNLOCK_LOCKED},
	};
	enum { ASKS = 2 };
	const size_t count = sizeof(ways) / sizeof(ways[0]);
	char text[128];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), NAMED "%s", ways[i].line);
		assert_int_equal(parse(text), SR_OK);
		assert_int_equal(config.unlock, ways[i].way);
		assert_false(config.unlock_ask);
		for (size_t j = 0; j < count; j++) {
			if ((i == ASKS && j < ASKS) || (j == ASKS && i < ASKS))
				continue;
			snprintf(text, sizeof(text), NAMED "%s%s", ways[i].line,
			    ways[j].line);
			refused(text, "c.conf:5: [unlock] ");
		}
	}
	/* who is asked where another way does not open, in any order */
	for (size_t i = 0; i < 2 * ASKS; i++) {
		const size_t with = i / 2;

		snprintf(text, sizeof(text), NAMED "%s%s",
		    ways[i % 2 == 0 ? with : ASKS].line,
		    ways[i % 2 == 0 ? ASKS : with].line);
		assert_int_equal(parse(text), SR_OK);
		assert_int_equal(config.unlock, ways[with].way);
		assert_true(config.unlock_ask);
		for (size_t j = 0; j < count; j++) {
			char more[192];

			snprintf(
			    more, sizeof(more), "%s%s", text, ways[j].line);
			refused(more, "c.conf:6: [unlock] ");
		}
	}
	assert_int_equal(parse(NAMED "credential = bank-key\n"), SR_OK);
	assert_string_equal(config.credential, "bank-key");
	assert_string_equal(config.passphrase_file, "");
}

static void
given_a_value_out_of_range_then_it_is_refused(void **state)
{
	static const char *const lines[] = {
	    "[netd]\nmax-connections = 0",
	    "[netd]\nmax-connections = 100001",
	    "[netd]\nmax-connections = -1",
	    "[netd]\nmax-connections = 1e3",
	    "[netd]\nmax-connections = 0x10",
	    "[netd]\nmax-connections =",
	    "[netd]\nmax-connections = 99999999999999999999",
	    "[netd]\nhandshake-timeout-ms = 99",
	    "[ledgerd]\nsegment-size = 60K",
	    "[ledgerd]\nsegment-size = 65537",
	    "[ledgerd]\nsegment-size = 65M",
	    "[ledgerd]\nsegment-size = 9999999999M",
	    "[ledgerd]\nsegment-size = K",
	    "[ledgerd]\nreserve = 1020K",
	    "[ledgerd]\nreserve = 2052M",
	    "[ledgerd]\nreserve = 2097156K",
	    "[ledgerd]\nreserve = 1048577",
	    "[ledgerd]\nsession-rekey = 4",
	    "[ledgerd]\naudit-log = on",
	    "[keyd]\nregistration = maybe",
	    "[sandbox]\nnamespaces = yes",
	    "[sandbox]\nuser-keyd = abcdefghijklmnopqrstuvwxyzabcdefg",
	    "[bank]\nname =",
	    "[unlock]\npassphrase-file =",
	    "[unlock]\ncredential =",
	    "[unlock]\ncredential = a/b",
	    "[unlock]\ncredential = ..",
	    "[unlock]\nask = no",
	    "[unlock]\nlocked = on",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		refused(lines[i], "c.conf:2: ");
	refused(LEAST "[ledgerd]\nsession-idle = 9\nsession-absolute = 8\n",
	    "session-idle");
}

static void
given_a_line_that_is_too_long_then_it_is_refused(void **state)
{
	char text[512] = LEAST "[netd]\n# ";

	(void)state;
	memset(text + strlen(text), 'x', 200);
	refused(text, "c.conf:6: the line is too long");
}

static void
given_a_zero_byte_then_it_is_refused(void **state)
{
	static const char text[] = LEAST "[netd]\nmax-connections = 1\0 2\n";

	(void)state;
	assert_int_equal(config_parse("/bank", "c.conf", text, sizeof(text) - 1,
			     &config, message),
	    SR_CONFIG);
	assert_non_null(strstr(message, "c.conf:6: "));
}

static void
given_seventeen_addresses_then_the_last_is_refused(void **state)
{
	char text[1024] = LEAST "[netd]\n";

	(void)state;
	for (int i = 0; i < 17; i++)
		strcat(text, "listen = 127.0.0.1:1\n");
	refused(text, "c.conf:22: ");
}

static void
given_an_address_then_only_numeric_ones_are_understood(void **state)
{
	static const char *const bad[] = {"localhost:7420", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1: 1", "127.0.0.1:+1",
	    "::1:7420", "[::1]", "[127.0.0.1]:1", "[]:1", "]:1", ":1",
	    "unix:relative", "unix:", "1.2.3:4", ""};
	struct config_listen listen;
	const struct sockaddr_in *inet = (struct sockaddr_in *)&listen.address;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (config_listen_parse(bad[i], &listen) != SR_CONFIG)
			fail_msg("\"%s\" was understood", bad[i]);
	assert_int_equal(config_listen_parse("10.1.2.3:65535", &listen), SR_OK);
	assert_int_equal(ntohs(inet->sin_port), 65535);
	assert_int_equal(ntohl(inet->sin_addr.s_addr), 0x0a010203);
	assert_string_equal(listen.text, "10.1.2.3:65535");
}

static void
given_a_name_then_its_path_is_in_the_banks_directory(void **state)
{
	char path[CONFIG_PATH_MAX], name[CONFIG_PATH_MAX];

	(void)state;
	assert_int_equal(parse(LEAST), SR_OK);
	assert_int_equal(config_path(&config, "run/lock", path), SR_OK);
	assert_string_equal(path, "/bank/run/lock");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(config_path(&config, name, path), SR_TOO_LARGE);
}

static void
given_no_file_then_it_says_so(void **state)
{
	(void)state;
	assert_int_equal(
	    config_load("/nonexistent/c.conf", &config, message), SR_CONFIG);
	assert_non_null(strstr(message, "/nonexistent/c.conf"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_the_least_then_the_rest_has_defaults),
	    cmocka_unit_test(given_every_key_then_each_has_its_value),
	    cmocka_unit_test(
		given_an_unknown_thing_then_it_is_refused_with_its_line),
	    cmocka_unit_test(given_a_required_key_is_missing_then_it_is_named),
	    cmocka_unit_test(
		given_one_way_to_open_the_keys_then_it_is_taken_and_no_second),
	    cmocka_unit_test(given_a_value_out_of_range_then_it_is_refused),
	    cmocka_unit_test(given_a_line_that_is_too_long_then_it_is_refused),
	    cmocka_unit_test(given_a_zero_byte_then_it_is_refused),
	    cmocka_unit_test(
		given_seventeen_addresses_then_the_last_is_refused),
	    cmocka_unit_test(
		given_an_address_then_only_numeric_ones_are_understood),
	    cmocka_unit_test(
		given_a_name_then_its_path_is_in_the_banks_directory),
	    cmocka_unit_test(given_no_file_then_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
