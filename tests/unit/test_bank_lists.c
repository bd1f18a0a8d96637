/* SPDX-License-Identifier: ISC */
/*
 * What a client believes of the lists and people that a bank tells: only what
 * the bytes themselves or keyd's attestation say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/bank.h"
#include "common/certificate.h"

enum { LIST_MAX = 4000, ADA = 5, EVA = 6 };

static struct bank_session client;
static struct session bank; /* the other side's records */
static int wire;            /* the other side's end */
static uint8_t attestation_secret[64];
static uint32_t named = 1; /* the certificate, in an attestation */
static uint8_t salt[32] = {1, 2, 3};

/* What was delivered. */
static unsigned delivered;
static struct bank_request last_request;
static struct bank_account last_account;

static int
set_up(void **state)
{
	const uint8_t chain_key[SESSION_CHAIN_KEY_LEN] = {7}, id[16] = {9};
	struct certificate *certificate = &client.login.certificate;
	struct timespec now;
	int ends[2];

	(void)state;
	if (sodium_init() < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
	    clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return -1;
	memset(&client, 0, sizeof(client));
	session_start(&client.login.session, SESSION_CLIENT, chain_key, id);
	session_start(&bank, SESSION_BANK, chain_key, id);
	client.login.link.fd = ends[0];
	client.login.link.timeout_ms = 10000;
	client.login.link.heard = true;
	client.login.welcome.rekey_ms = 3600000;
	client.login.welcome.rekey_records = 1000;
	client.login.welcome.rekey_bytes = 1000000;
	client.keyed_ms = (uint64_t)now.tv_sec * 1000;
	wire = ends[1];
	memset(certificate->bank_id, 0xb1, sizeof(certificate->bank_id));
	crypto_sign_keypair(certificate->attestation_key, attestation_secret);
	named = 1;
	delivered = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	link_close(&client.login.link);
	close(wire);
	return 0;
}

/* The answer lies there before the question: its number is 1. */
static void
answer(const struct writer *w)
{
	uint8_t frame[FRAME_MAX];
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

/* ---- requests ----------------------------------------------------------------- */

static void
take_request(void *context, const struct bank_request *request)
{
	(void)context;
	delivered++;
	last_request = *request;
}

/* A request to issue money, with its memo. */
static struct order
honest_order(const char *memo)
{
	struct order order = {.kind = ORDER_ISSUE,
	    .signer = 1,
	    .seq = 1,
	    .debit = 1,
	    .credit = UINT64_C(5) << 16,
	    .amount_minor = 5000};

	memset(order.bank, 0xb1, sizeof(order.bank));
	order_attachment_hash(memo, strlen(memo), order.attachment_hash);
	return order;
}

static void
write_request(struct writer *w, uint64_t leaf, const struct order *order,
    const char *attachment)
{
	uint8_t bytes[ORDER_LEN];

	order_encode(order, bytes);
	writer_u64(w, leaf);
	writer_u64(w, 1000);
	writer_bytes(w, bytes, sizeof(bytes));
	writer_u16(w, (uint16_t)strlen(attachment));
	writer_bytes(w, attachment, strlen(attachment));
}

/* What the client makes of that list. */
static enum sr_error
tell_requests(const struct writer *list, uint8_t more)
{
	static uint8_t bytes[LIST_MAX + 100];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_requests requests = {.request = 1,
	    .more = more,
	    .list = list->start,
	    .list_len = writer_len(list)};

	assert_int_equal(message_requests_encode(&w, &requests), SR_OK);
	answer(&w);
	return bank_requests(&client, take_request, NULL);
}

/* The same for one request. */
static enum sr_error
tell_request(const struct order *order, const char *attachment)
{
	uint8_t bytes[LIST_MAX];
	struct writer list = writer_to(bytes, sizeof(bytes));

	write_request(&list, 12, order, attachment);
	return tell_requests(&list, 0);
}

static void
given_a_request_when_it_is_read_then_its_hash_is_that_of_its_bytes(void **state)
{
	struct order order = honest_order("start");
	uint8_t bytes[ORDER_LEN], hash[ORDER_HASH_LEN];

	(void)state;
	assert_int_equal(tell_request(&order, "start"), SR_OK);
	assert_int_equal(delivered, 1);
	order_encode(&order, bytes);
	order_hash(bytes, hash);
	assert_memory_equal(last_request.hash, hash, sizeof(hash));
	assert_int_equal(last_request.leaf, 12);
	assert_int_equal(last_request.order.amount_minor, 5000);
	assert_int_equal(last_request.attachment_len, 5);
	assert_memory_equal(last_request.attachment, "start", 5);
}

static void
given_another_attachment_than_the_orders_then_nothing_is_shown(void **state)
{
	struct order order = honest_order("start");

	(void)state;
	assert_int_equal(tell_request(&order, "stArt"), SR_MALFORMED);
	assert_int_equal(delivered, 0);
}

static void
given_another_banks_request_then_nothing_is_shown(void **state)
{
	struct order order = honest_order("start");

	(void)state;
	order.bank[31] ^= 1;
	assert_int_equal(tell_request(&order, "start"), SR_MALFORMED);
	assert_int_equal(delivered, 0);
}

static void
given_an_order_that_is_no_request_then_nothing_is_shown(void **state)
{
	struct order order = honest_order("start");

	(void)state;
	order.kind = ORDER_TRANSFER;
	assert_int_equal(tell_request(&order, "start"), SR_MALFORMED);
	assert_int_equal(delivered, 0);
}

/* It would be printed. */
static void
given_a_memo_with_an_escape_then_nothing_is_shown(void **state)
{
	struct order order = honest_order("\033[2J");

	(void)state;
	assert_int_equal(tell_request(&order, "\033[2J"), SR_MALFORMED);
	assert_int_equal(delivered, 0);
}

static void
given_a_list_that_goes_back_or_nowhere_then_it_is_no_answer(void **state)
{
	struct order order = honest_order("start");
	uint8_t bytes[LIST_MAX];
	struct writer list = writer_to(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(tell_requests(&list, 1), SR_MALFORMED);
	client.request = 0;
	write_request(&list, 12, &order, "start");
	write_request(&list, 12, &order, "start");
	assert_int_equal(tell_requests(&list, 0), SR_MALFORMED);
	assert_int_equal(delivered, 1);
}

/* ---- accounts ----------------------------------------------------------------- */

static void
take_account(void *context, const struct bank_account *account)
{
	(void)context;
	delivered++;
	last_account = *account;
}

static enum sr_error
tell_label(
    uint8_t status, uint8_t closed, const char label[7], uint8_t label_len)
{
	uint8_t bytes[LIST_MAX], message[LIST_MAX + 100];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct writer w = writer_to(message, sizeof(message));
	struct message_accounts accounts = {.request = 1, .list = bytes};

	writer_u64(&list, 0x50002);
	for (int64_t i = 1; i <= 7; i++)
		writer_i64(&list, -i);
	writer_u8(&list, 1);
	writer_u8(&list, status);
	writer_u8(&list, closed);
	writer_u8(&list, label_len);
	writer_bytes(&list, label, 7);
	writer_zeros(&list, 13);
	accounts.list_len = writer_len(&list);
	assert_int_equal(message_accounts_encode(&w, &accounts), SR_OK);
	answer(&w);
	return bank_accounts(&client, 0, take_account, NULL);
}

static enum sr_error
tell_account(uint8_t status, uint8_t closed, uint8_t label_len)
{
	return tell_label(status, closed, "savings", label_len);
}

static void
given_an_account_when_it_is_read_then_each_figure_is_in_its_place(void **state)
{
	(void)state;
	assert_int_equal(tell_account(BANK_ACCOUNT_FROZEN, 0, 7), SR_OK);
	assert_int_equal(delivered, 1);
	assert_int_equal(last_account.id, 0x50002);
	assert_int_equal(last_account.posted_minor, -1);
	assert_int_equal(last_account.held_minor, -2);
	assert_int_equal(last_account.floor_minor, -3);
	assert_int_equal(last_account.soft_floor_minor, -4);
	assert_int_equal(last_account.ceiling_minor, -5);
	assert_int_equal(last_account.day_limit_minor, -6);
	assert_int_equal(last_account.day_left_minor, -7);
	assert_int_equal(last_account.status, BANK_ACCOUNT_FROZEN);
	assert_string_equal(last_account.label, "savings");
}

static void
given_figures_that_mean_nothing_then_no_account_is_told(void **state)
{
	(void)state;
	assert_int_equal(tell_account(3, 0, 7), SR_MALFORMED);
	client.request = 0;
	assert_int_equal(tell_account(0, 2, 7), SR_MALFORMED);
	client.request = 0;
	assert_int_equal(tell_account(0, 0, 17), SR_MALFORMED);
	client.request = 0;
	/* a label is shorter than what stands there */
	assert_int_equal(tell_account(0, 0, 6), SR_MALFORMED);
	assert_int_equal(delivered, 0);
}

/* It would be printed, in a list and in files. */
static void
given_a_label_that_a_terminal_obeys_then_no_account_is_told(void **state)
{
	static const char *const labels[] = {
	    "\033[2Jabc", "sav\nngs", "a\"b\":1,", "Savings", "s\0vings"};

	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		client.request = 0;
		assert_int_equal(tell_label(BANK_ACCOUNT_OPEN, 0, labels[i], 7),
		    SR_MALFORMED);
	}
	assert_int_equal(delivered, 0);
}

/* ---- people ------------------------------------------------------------------- */

/* An answer about `customer' called `name', with the attestation of another
 * number and name. */
static void
tell_person(uint64_t customer, const char *name, uint64_t attested_customer,
    const char *attested_name)
{
	uint8_t bytes[MESSAGE_DIRECTORY_MAX], signed_bytes[ATTESTATION_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct attestation attestation = {
	    .customer = attested_customer, .key_epoch = 1, .key_id = named};
	struct message_directory directory = {.request = 1,
	    .customer = customer,
	    .role = 4,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name),
	    .attestation = signed_bytes,
	    .attestation_len = sizeof(signed_bytes)};

	memcpy(attestation.bank_id, client.login.certificate.bank_id,
	    sizeof(attestation.bank_id));
	memset(attestation.signing_key, 4, sizeof(attestation.signing_key));
	memset(attestation.message_key, 5, sizeof(attestation.message_key));
	attestation_name_hash(
	    salt, attested_name, strlen(attested_name), attestation.name_hash);
	attestation_sign(&attestation, attestation_secret, signed_bytes);
	memcpy(directory.salt, salt, sizeof(salt));
	assert_int_equal(message_directory_encode(&w, &directory), SR_OK);
	answer(&w);
}

static void
given_a_number_when_its_name_is_attested_then_it_is_believed(void **state)
{
	struct bank_person person;

	(void)state;
	tell_person(ADA, "ada", ADA, "ada");
	assert_int_equal(bank_person(&client, ADA, &person), SR_OK);
	assert_int_equal(person.customer, ADA);
	assert_int_equal(person.role, 4);
	assert_string_equal(person.name, "ada");
}

static void
given_a_number_when_the_name_is_not_told_then_none_is_made_up(void **state)
{
	struct bank_person person;

	(void)state;
	tell_person(ADA, "", ADA, "ada");
	assert_int_equal(bank_person(&client, ADA, &person), SR_OK);
	assert_string_equal(person.name, "");
}

static void
given_a_number_when_the_name_is_anothers_then_it_is_a_lie(void **state)
{
	struct bank_person person;

	(void)state;
	tell_person(ADA, "eva", ADA, "ada");
	assert_int_equal(bank_person(&client, ADA, &person), SR_SIGNATURE);
}

static void
given_a_number_when_somebody_else_is_told_then_it_is_a_lie(void **state)
{
	struct bank_person person;

	(void)state;
	tell_person(EVA, "eva", EVA, "eva");
	assert_int_equal(bank_person(&client, ADA, &person), SR_SIGNATURE);
	client.request = 0;
	tell_person(ADA, "eva", EVA, "eva");
	assert_int_equal(bank_person(&client, ADA, &person), SR_SIGNATURE);
}

/* ---- keys of an epoch before ----------------------------------------------- */

static uint8_t identity_secret[64];
static struct certificate former;

/*
 * A bank whose attestation key was rotated: from here on attestations are by
 * the former one and name its certificate, which has epoch 3 of 9.
 */
static void
rotated_bank(void)
{
	struct login *login = &client.login;

	crypto_sign_keypair(login->identity, identity_secret);
	bank_id_of(login->identity, login->certificate.bank_id);
	login->certificate.epoch = 9;
	login->certificate.key_id = certificate_key_id(&login->certificate);
	former = login->certificate;
	former.epoch = 3;
	crypto_sign_keypair(former.attestation_key, attestation_secret);
	former.key_id = named = certificate_key_id(&former);
	memset(&login->former, 0, sizeof(login->former));
	client.request = 0;
}

/* What the bank says to the question about it. */
static void
tell_certificate(
    const struct certificate *certificate, const uint8_t secret[64])
{
	uint8_t bytes[MESSAGE_CERTIFICATE_MAX], signed_bytes[CERTIFICATE_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_certificate told = {.error = SR_NOT_FOUND};

	if (certificate != NULL) {
		certificate_sign(certificate, secret, signed_bytes);
		told.error = SR_OK;
		told.certificate = signed_bytes;
		told.certificate_len = sizeof(signed_bytes);
	}
	assert_int_equal(message_certificate_encode(&w, &told), SR_OK);
	answer(&w);
}

static void
given_a_person_of_a_former_key_when_its_certificate_comes_then_believed(
    void **state)
{
	struct bank_person person;
	uint8_t public[32];

	(void)state;
	rotated_bank();
	tell_person(ADA, "ada", ADA, "ada");
	tell_certificate(&former, identity_secret);
	assert_int_equal(bank_person(&client, ADA, &person), SR_OK);
	assert_string_equal(person.name, "ada");
	/* it is not asked for again */
	client.request = 0;
	tell_person(EVA, "eva", EVA, "eva");
	assert_int_equal(bank_person(&client, EVA, &person), SR_OK);
	/* and vouches for nobody else */
	client.request = 0;
	crypto_sign_keypair(public, attestation_secret);
	tell_person(EVA, "eva", EVA, "eva");
	assert_int_equal(bank_person(&client, EVA, &person), SR_SIGNATURE);
}

static void
given_a_person_of_a_former_key_when_the_certificate_is_none_then_a_lie(
    void **state)
{
	uint8_t public[32], other_secret[64];
	struct bank_person person;
	struct certificate lie;

	(void)state;
	crypto_sign_keypair(public, other_secret);
	for (unsigned i = 0; i < 5; i++) {
		rotated_bank();
		lie = former;
		if (i == 1) /* another's, whose key has signed it */
			named ^= 1;
		if (i == 2) /* one that is not of before */
			lie.epoch = client.login.certificate.epoch;
		if (i == 3) /* another bank's */
			lie.bank_id[0] ^= 1;
		tell_person(ADA, "ada", ADA, "ada");
		tell_certificate(i == 4 ? NULL : &lie,
		    i == 0 ? other_secret : identity_secret);
		assert_int_equal(
		    bank_person(&client, ADA, &person), SR_SIGNATURE);
		assert_int_equal(client.login.former.epoch, 0);
	}
	/* nor anything else in its place */
	rotated_bank();
	tell_person(ADA, "ada", ADA, "ada");
	tell_person(ADA, "ada", ADA, "ada");
	assert_int_equal(bank_person(&client, ADA, &person), SR_MALFORMED);
}

static void
given_a_name_when_somebody_else_is_told_then_it_is_a_lie(void **state)
{
	struct bank_person person;

	(void)state;
	tell_person(EVA, "eva", EVA, "eva");
	assert_int_equal(
	    bank_person_named(&client, "ada", &person), SR_SIGNATURE);
	client.request = 0;
	tell_person(EVA, "ada", EVA, "eva");
	assert_int_equal(
	    bank_person_named(&client, "ada", &person), SR_SIGNATURE);
	client.request = 0;
	tell_person(ADA, "", ADA, "ada");
	assert_int_equal(
	    bank_person_named(&client, "ada", &person), SR_SIGNATURE);
	client.request = 0;
	tell_person(ADA, "ada", ADA, "ada");
	assert_int_equal(bank_person_named(&client, "ada", &person), SR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_request_when_it_is_read_then_its_hash_is_that_of_its_bytes),
	    TEST(
		given_another_attachment_than_the_orders_then_nothing_is_shown),
	    TEST(given_another_banks_request_then_nothing_is_shown),
	    TEST(given_an_order_that_is_no_request_then_nothing_is_shown),
	    TEST(given_a_memo_with_an_escape_then_nothing_is_shown),
	    TEST(given_a_list_that_goes_back_or_nowhere_then_it_is_no_answer),
	    TEST(
		given_an_account_when_it_is_read_then_each_figure_is_in_its_place),
	    TEST(given_figures_that_mean_nothing_then_no_account_is_told),
	    TEST(given_a_label_that_a_terminal_obeys_then_no_account_is_told),
	    TEST(given_a_number_when_its_name_is_attested_then_it_is_believed),
	    TEST(given_a_number_when_the_name_is_not_told_then_none_is_made_up),
	    TEST(given_a_number_when_the_name_is_anothers_then_it_is_a_lie),
	    TEST(given_a_number_when_somebody_else_is_told_then_it_is_a_lie),
	    TEST(given_a_name_when_somebody_else_is_told_then_it_is_a_lie),
	    TEST(
		given_a_person_of_a_former_key_when_its_certificate_comes_then_believed),
	    TEST(
		given_a_person_of_a_former_key_when_the_certificate_is_none_then_a_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
