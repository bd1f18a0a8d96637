/* SPDX-License-Identifier: ISC */
/*
 * `atm export-my-data' where the bank gives but a part: what came is kept and
 * what is missing is said, or nothing is left at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "client/atm/atm.h"
#include "client/kept.h"
#include "common/certificate.h"
#include "common/ids.h"
#include "common/statement.h"

enum { ADA = 5, FILE_MAX = 16384 };

static struct atm atm;
static struct session bank; /* the other side's records */
static int wire;            /* the other side's end */
static uint32_t questions;  /* that have an answer waiting */
static uint8_t attestation_secret[64];
static char home[] = "/tmp/data-export-XXXXXX";
static char place[64], text[FILE_MAX];

/* ---- The bank ----------------------------------------------------------------- */

/* The answer lies there before the question. */
static void
answer(const struct writer *w)
{
	static uint8_t frame[FRAME_MAX];
	size_t body_len;

	assert_false(w->bad);
	assert_int_equal(
	    session_seal(&bank, FRAME_RECORD, w->start, writer_len(w),
		frame + FRAME_HEADER_LEN, &body_len),
	    SR_OK);
	frame_write(FRAME_RECORD, body_len, frame);
	assert_int_equal(send(wire, frame, FRAME_HEADER_LEN + body_len, 0),
	    FRAME_HEADER_LEN + body_len);
}

static void
tell_person(void)
{
	uint8_t bytes[MESSAGE_DIRECTORY_MAX], signed_bytes[ATTESTATION_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct attestation attestation = {
	    .customer = ADA, .key_epoch = 1, .key_id = 1};
	struct message_directory directory = {.request = ++questions,
	    .customer = ADA,
	    .role = 1,
	    .name = (const uint8_t *)"ada",
	    .name_len = 3,
	    .display_name = (const uint8_t *)"Ada \"A\" L.",
	    .display_name_len = 10,
	    .attestation = signed_bytes,
	    .attestation_len = sizeof(signed_bytes)};

	memset(attestation.bank_id, 0xb1, sizeof(attestation.bank_id));
	memset(attestation.signing_key, 4, sizeof(attestation.signing_key));
	memset(attestation.message_key, 5, sizeof(attestation.message_key));
	attestation_name_hash(directory.salt, "ada", 3, attestation.name_hash);
	attestation_sign(&attestation, attestation_secret, signed_bytes);
	assert_int_equal(message_directory_encode(&w, &directory), SR_OK);
	answer(&w);
}

static void
write_account(struct writer *list, unsigned index, const char *label)
{
	size_t len = strlen(label);

	writer_u64(list, account_id(ADA, index));
	for (int i = 0; i < 4; i++)
		writer_i64(list, 0);
	for (int i = 0; i < 3; i++)
		writer_i64(list, INT64_MAX);
	writer_u8(list, index == ACCOUNT_INDEX_TILL ? 2 : 1);
	writer_zeros(list, 2);
	writer_u8(list, (uint8_t)len);
	writer_bytes(list, label, len);
	writer_zeros(list, ORDER_LABEL_MAX - len + 4);
}

/* Main, a till and a further one. */
static void
tell_accounts(void)
{
	uint8_t bytes[1000], message[1100];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct writer w = writer_to(message, sizeof(message));
	struct message_accounts accounts = {
	    .request = ++questions, .list = bytes};

	write_account(&list, ACCOUNT_INDEX_MAIN, "");
	write_account(&list, ACCOUNT_INDEX_TILL, "");
	write_account(&list, ACCOUNT_INDEX_FURTHER, "savings");
	accounts.list_len = writer_len(&list);
	assert_int_equal(message_accounts_encode(&w, &accounts), SR_OK);
	answer(&w);
}

/* A page of one line, that brought 1.00, or a refusal. */
static void
tell_page(unsigned index, uint64_t leaf, int64_t balance_minor, uint8_t more,
    enum sr_error refusal)
{
	uint8_t bytes[1000], message[1100];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct writer w = writer_to(message, sizeof(message));
	struct statement_line line = {.leaf = leaf,
	    .time_ms = 1000 * leaf,
	    .amount_minor = 100,
	    .balance_minor = balance_minor,
	    .kind = ORDER_TRANSFER};
	struct message_statement statement = {.request = ++questions,
	    .account = account_id(ADA, index),
	    .error = (uint16_t)refusal,
	    .more = more,
	    .lines = bytes};

	if (refusal == SR_OK)
		assert_int_equal(statement_line_write(&list, &line), SR_OK);
	statement.lines_len = writer_len(&list);
	assert_int_equal(message_statement_encode(&w, &statement), SR_OK);
	answer(&w);
}

/* ---- The customer ------------------------------------------------------------- */

static void
log_in(void)
{
	const uint8_t chain_key[SESSION_CHAIN_KEY_LEN] = {7}, id[16] = {9};
	struct login *login = &atm.customer.login;
	struct timespec now;
	int ends[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
	session_start(&login->session, SESSION_CLIENT, chain_key, id);
	session_start(&bank, SESSION_BANK, chain_key, id);
	login->link.fd = ends[0];
	login->link.timeout_ms = 10000;
	login->link.heard = true;
	login->welcome.rekey_ms = 3600000;
	login->welcome.rekey_records = 1000;
	login->welcome.rekey_bytes = 1000000;
	login->welcome.customer = ADA;
	login->welcome.server_time_ms = 100000;
	atm.customer.keyed_ms = (uint64_t)now.tv_sec * 1000;
	atm.customer.began_ms = atm.customer.keyed_ms;
	memset(login->certificate.bank_id, 0xb1, 32);
	crypto_sign_keypair(
	    login->certificate.attestation_key, attestation_secret);
	memcpy(login->attested_by, login->certificate.attestation_key, 32);
	wire = ends[1];
}

static int
set_up(void **state)
{
	(void)state;
	memset(&atm, 0, sizeof(atm));
	questions = 0;
	memcpy(home + strlen(home) - 6, "XXXXXX", 6);
	if (sodium_init() < 0 || mkdtemp(home) == NULL)
		return -1;
	snprintf(place, sizeof(place), "%s/mine", home);
	snprintf(
	    atm.state.directory, sizeof(atm.state.directory), "%s/state", home);
	if (mkdir(atm.state.directory, 0700) != 0)
		return -1;
	strcpy(atm.user, "ada");
	strcpy(atm.bank.name, "Toy Bank");
	strcpy(atm.bank.unit.code, "EUR");
	atm.bank.unit.exponent = 2;
	atm.unit = atm.bank.unit;
	atm.customer_in = true;
	log_in();
	return 0;
}

static int
tear_down(void **state)
{
	char command[64];

	(void)state;
	link_close(&atm.customer.login.link);
	close(wire);
	snprintf(command, sizeof(command), "rm -r %s", home);
	return system(command);
}

static enum sr_error export(void) {
	char *words[] = {place, NULL};

	/* whatever is asked beyond these answers, the line ends there */
	assert_int_equal(shutdown(wire, SHUT_WR), 0);
	return atm_export_my_data(&atm, words);
}

/* The directory that is not finished; false when there is none. */
static bool
unfinished(char path[128])
{
	DIR *listing = opendir(home);
	struct dirent *entry;
	bool found = false;

	assert_non_null(listing);
	while ((entry = readdir(listing)) != NULL)
		if (strncmp(entry->d_name, "mine", 4) == 0) {
			assert_false(found);
			found = true;
			snprintf(path, 128, "%s/%.60s", home, entry->d_name);
		}
	closedir(listing);
	return found;
}

/* The text of a file in there; NULL. */
static const char *
read_text(const char *directory, const char *name)
{
	char path[256];
	size_t len;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	in = fopen(path, "r");
	if (in == NULL)
		return NULL;
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	return text;
}

static void
assert_says(const char *directory, const char *name, const char *part)
{
	assert_non_null(read_text(directory, name));
	if (strstr(text, part) == NULL)
		fail_msg("%s does not say %s: %s", name, part, text);
}

/* An order as this device keeps it. */
static void
keep_order(const char *signer, uint8_t reference, int64_t amount_minor)
{
	struct order order = {.kind = ORDER_TRANSFER,
	    .signer = ADA,
	    .seq = 1,
	    .debit = account_id(ADA, 0),
	    .credit = account_id(ADA + 1, 0),
	    .amount_minor = amount_minor,
	    .reference = {reference}};
	struct kept kept = {.answered = true};

	order_encode(&order, kept.order);
	assert_int_equal(kept_save(&atm.state, signer, &kept), SR_OK);
}

/* ---- Tests -------------------------------------------------------------------- */

static void
given_all_when_exported_then_it_is_in_its_place_without_the_till(void **state)
{
	char path[128];

	(void)state;
	tell_person();
	tell_accounts();
	tell_page(0, 9, 200, 1, SR_OK);
	tell_page(0, 8, 100, 0, SR_OK);
	tell_page(2, 7, 100, 0, SR_OK);
	assert_int_equal(export(), SR_OK);
	assert_true(unfinished(path));
	assert_string_equal(path, place);
	assert_says(place, "index.json", "\"complete\":true");
	assert_says(place, "profile.json", "\"Ada \\\"A\\\" L.\"");
	assert_says(place, "accounts.json", "\"label\":\"savings\"");
	assert_null(strstr(text, "till"));
	assert_says(place, "statement-50053.json", "\"closing_minor\":200");
	assert_non_null(read_text(place, "statement-50247.csv"));
}

static void
given_no_more_old_records_when_exported_then_what_came_is_kept(void **state)
{
	char path[128];

	(void)state;
	tell_person();
	tell_accounts();
	tell_page(0, 9, 500, 1, SR_OK);
	tell_page(0, 8, 400, 1, SR_OK);
	tell_page(0, 0, 0, 0, SR_OLD_RECORDS);
	tell_page(2, 0, 0, 0, SR_OLD_RECORDS);
	assert_int_equal(export(), SR_OLD_RECORDS);
	assert_true(unfinished(path));
	assert_string_not_equal(path, place);
	assert_says(path, "index.json", "\"complete\":false");
	assert_non_null(
	    strstr(text, "\"number\":\"50053\",\"before_leaf\":8,"));
	assert_non_null(
	    strstr(text, "\"number\":\"50247\",\"before_leaf\":null,"));
	/* oldest first, from the balance before it on */
	assert_says(path, "statement-50053.json", "\"opening_minor\":300");
	assert_non_null(strstr(text, "\"closing_minor\":500"));
	assert_true(strstr(text, "\"leaf\":8") < strstr(text, "\"leaf\":9"));
	/* a statement of which nothing came would be false */
	assert_null(read_text(path, "statement-50247.json"));
	assert_null(read_text(path, "statement-50247.csv"));
}

static void
given_a_line_that_breaks_when_exported_then_nothing_is_left(void **state)
{
	char path[128];

	(void)state;
	tell_person();
	tell_accounts();
	tell_page(0, 9, 100, 0, SR_OK);
	assert_int_equal(export(), SR_UNREACHABLE);
	assert_false(unfinished(path));
}

static void
given_lines_that_do_not_add_up_when_exported_then_nothing_is_left(void **state)
{
	char path[128];

	(void)state;
	tell_person();
	tell_accounts();
	tell_page(0, 9, 300, 1, SR_OK);
	tell_page(0, 8, 100, 0, SR_OK);
	assert_int_equal(export(), SR_MALFORMED);
	assert_false(unfinished(path));
}

static void
given_kept_orders_when_exported_then_the_customers_and_no_others(void **state)
{
	char path[128];
	FILE *damaged;

	(void)state;
	keep_order("ada", 0xa1, 77701);
	keep_order("ada-b", 0xb2, 77702);
	snprintf(path, sizeof(path),
	    "%s/state/order-ada-c3000000000000000000000000000000", home);
	damaged = fopen(path, "w");
	assert_non_null(damaged);
	fputs("SRKEPT01?", damaged);
	fclose(damaged);
	tell_person();
	tell_accounts();
	tell_page(0, 9, 100, 0, SR_OK);
	tell_page(2, 7, 100, 0, SR_OK);
	assert_int_equal(export(), SR_OK);
	assert_says(place, "orders.json", "\"amount_minor\":77701,");
	assert_null(strstr(text, "77702"));
	assert_null(strstr(text, "ada-b"));
	assert_non_null(strstr(text, "c3000000000000000000000000000000\","
				     "\"lost\":false,\"unreadable\":true}"));
	/* nothing is taken away from the device */
	assert_int_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_all_when_exported_then_it_is_in_its_place_without_the_till),
	    TEST(
		given_no_more_old_records_when_exported_then_what_came_is_kept),
	    TEST(given_a_line_that_breaks_when_exported_then_nothing_is_left),
	    TEST(
		given_lines_that_do_not_add_up_when_exported_then_nothing_is_left),
	    TEST(
		given_kept_orders_when_exported_then_the_customers_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
