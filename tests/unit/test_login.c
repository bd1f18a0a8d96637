/* SPDX-License-Identifier: ISC */
/*
 * The client's side as customers run it, over a unix socket against a bank in
 * a thread: stretched passwords, pinned identity, remembered epoch, card.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/login.h"
#include "client/recovery.h"
#include "common/ids.h"
#include "gen/messages.h"
#include "tests/lib/toy_bank.h"

static char directory[] = "/tmp/test_login.XXXXXX";
static struct toy_bank bank;
static int listening = -1;
static pthread_t thread;
static bool heard_goodbye;
/* What the bank's thread does to the next connection. */
static enum frame_type cut_before; /* closes instead of this frame */
static struct bankfile pinned;
static struct state memory;
static struct login_options options;

/* ---- the bank's thread --------------------------------------------------- */

static bool
receive(int fd, enum frame_type type, uint8_t *body, size_t *len)
{
	uint8_t bytes[FRAME_HEADER_LEN];
	struct frame_header header;

	if (recv(fd, bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes) ||
	    frame_read(bytes, &header) != SR_OK || header.type != type)
		return false;
	*len = header.len;
	return recv(fd, body, header.len, MSG_WAITALL) == header.len;
}

static bool
transmit(int fd, enum frame_type type, const uint8_t *body, size_t len)
{
	uint8_t bytes[FRAME_MAX];

	if (type == cut_before)
		return false;
	frame_write(type, len, bytes);
	memcpy(bytes + FRAME_HEADER_LEN, body, len);
	return send(fd, bytes, FRAME_HEADER_LEN + len, MSG_NOSIGNAL) ==
	       (ssize_t)(FRAME_HEADER_LEN + len);
}

/* Echoes records until goodbye or the end. */
static void
serve_session(int fd, struct session *session)
{
	static uint8_t body[FRAME_BODY_MAX], plain[SESSION_PLAIN_MAX];
	size_t len, plain_len;

	while (receive(fd, FRAME_RECORD, body, &len) &&
	       session_open(session, FRAME_RECORD, body, len, plain,
		   &plain_len) == SR_OK) {
		if (plain[2] == MESSAGE_GOODBYE) {
			heard_goodbye = true;
			return;
		}
		if (session_seal(session, FRAME_RECORD, plain, plain_len, body,
			&len) != SR_OK ||
		    !transmit(fd, FRAME_RECORD, body, len))
			return;
	}
}

static void
serve(int fd)
{
	static struct toy_connection c;
	static uint8_t in[FRAME_BODY_MAX], out[FRAME_BODY_MAX];
	enum frame_type type;
	size_t len;

	if (!transmit(fd, FRAME_HELLO, bank.hello, HELLO_LEN) ||
	    !receive(fd, FRAME_M1, in, &len) ||
	    toy_bank_m1(&bank, &c, in, out) != SR_OK ||
	    !transmit(fd, FRAME_M2, out, FRAME_M2_LEN) ||
	    !receive(fd, FRAME_M3, in, &len) ||
	    toy_bank_m3(&bank, &c, in, out, &type, &len) != SR_OK ||
	    !transmit(fd, type, out, len))
		return;
	if (type == FRAME_M4)
		serve_session(fd, &c.session);
}

static void *
bank_run(void *context)
{
	const struct timeval patience = {.tv_sec = 5};
	int fd;

	(void)context;
	while ((fd = accept(listening, NULL, NULL)) >= 0) {
		/* a test that failed may have left its connection open */
		setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		serve(fd);
		close(fd);
	}
	return NULL;
}

/* ---- fixtures ------------------------------------------------------------ */

static int
begin(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	if (mkdtemp(directory) == NULL ||
	    setenv("XDG_STATE_HOME", directory, 1) != 0)
		return -1;
	toy_bank_init(&bank);
	snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listening, (struct sockaddr *)&address, sizeof(address)) !=
		0 ||
	    listen(listening, 4) != 0 ||
	    pthread_create(&thread, NULL, bank_run, NULL) != 0)
		return -1;
	memcpy(pinned.identity, bank.identity, 32);
	bank_id_of(pinned.identity, pinned.bank_id);
	pinned.address_count = 2;
	strcpy(pinned.addresses[0], "unix:/nonexistent/socket");
	snprintf(pinned.addresses[1], sizeof(pinned.addresses[1]), "unix:%s",
	    address.sun_path);
	return state_open(&memory, pinned.bank_id) == SR_OK ? 0 : -1;
}

static bool
forget(void)
{
	return state_remove(&memory, "bank") == SR_OK &&
	       state_remove(&memory, "token-ada") == SR_OK;
}

static int
each(void **state)
{
	(void)state;
	options = (struct login_options){
	    .bank = &pinned, .state = &memory, .keep_device_token = true};
	cut_before = (enum frame_type)0;
	heard_goodbye = false;
	bank.answer = SR_OK;
	return forget() ? 0 : -1;
}

static int
end(void **state)
{
	char path[600];

	(void)state;
	shutdown(listening, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listening);
	forget();
	rmdir(memory.directory);
	snprintf(path, sizeof(path), "%s/strongroom", directory);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/socket", directory);
	unlink(path);
	return rmdir(directory);
}

static struct login_credential
credential(const char *name, const char *password)
{
	return (struct login_credential){.name = name,
	    .password = password,
	    .password_len = strlen(password)};
}

static struct login_problem problem;

static void
given_registered(
    const char *name, const char *password, struct login_registered *out)
{
	struct login_credential c = credential(name, password);

	bank.customer_count = 0;
	assert_int_equal(
	    login_register(&options, &c, NULL, NULL, "Ada", out, &problem),
	    SR_OK);
}

/* ---- tests --------------------------------------------------------------- */

static void
given_a_registration_then_the_password_opens_a_session_with_its_keys(
    void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login_registered registered;
	uint8_t plain[SESSION_PLAIN_MAX];
	struct login login;
	size_t len;

	(void)state;
	given_registered("ada", "pass word", &registered);
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	assert_memory_equal(login.seed, registered.seed, SEED_LEN);
	assert_memory_equal(
	    login.keys.signing_public, registered.attestation.signing_key, 32);
	assert_int_equal(login.welcome.customer, 1);
	assert_int_equal(login.welcome.role, TOY_ROLE);
	assert_string_equal(login.name, "ada");
	assert_int_equal(login_send(&login, "\x01\x00\x63\x00X", 5), SR_OK);
	assert_int_equal(login_receive(&login, plain, &len), SR_OK);
	assert_int_equal(len, 256);
	assert_int_equal(plain[4], 'X');
	login_close(&login);
	assert_true(sodium_is_zero((uint8_t *)&login.keys, sizeof(login.keys)));
	/* the next connection is served when the former one is done with */
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	assert_true(heard_goodbye);
	login_close(&login);
}

static void
given_a_wrong_password_or_unknown_name_then_both_sound_alike(void **state)
{
	struct login_credential wrong = credential("ada", "other");
	struct login_credential unknown = credential("nobody", "pass word");
	struct login_registered registered;
	struct login login;
	char message[LOGIN_MESSAGE_MAX];

	(void)state;
	given_registered("ada", "pass word", &registered);
	assert_int_equal(
	    login_open(&options, &wrong, &login, &problem), SR_LOGIN);
	memcpy(message, problem.message, sizeof(message));
	assert_int_equal(
	    login_open(&options, &unknown, &login, &problem), SR_LOGIN);
	assert_string_equal(message, problem.message);
	assert_true(sodium_is_zero((uint8_t *)&login.seed, SEED_LEN));
}

static void
given_a_taken_name_then_it_is_said(void **state)
{
	struct login_credential c = credential("ada", "mine");
	struct login_registered registered;

	(void)state;
	given_registered("ada", "pass word", &registered);
	assert_int_equal(login_register(&options, &c, NULL, NULL, NULL,
			     &registered, &problem),
	    SR_NAME_TAKEN);
	assert_true(sodium_is_zero((uint8_t *)&registered, sizeof(registered)));
}

static void
given_a_seed_of_the_callers_then_its_keys_are_attested(void **state)
{
	struct login_credential c = credential("operator", "pass word");
	uint8_t seed[SEED_LEN] = {0x0e};
	struct login_registered registered;
	struct seed_keys keys;

	(void)state;
	bank.customer_count = 0;
	assert_int_equal(login_register(&options, &c, seed, NULL, NULL,
			     &registered, &problem),
	    SR_OK);
	seed_keys_derive(seed, ATTESTATION_FIRST_EPOCH, &keys);
	assert_memory_equal(
	    registered.attestation.signing_key, keys.signing_public, 32);
}

static void
given_a_recovery_code_then_it_logs_in_and_sets_a_new_password(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login_registered registered;
	char text[RECOVERY_TEXT_LEN + 1], code[RECOVERY_PASSWORD_LEN + 1];
	struct login login;
	unsigned group;

	(void)state;
	given_registered("ada", "pass word", &registered);
	recovery_draw(text);
	assert_int_equal(recovery_password(text, code, &group), SR_OK);
	assert_int_equal(login_change(&options, &c, SLOT_RECOVERY, code,
			     strlen(code), registered.seed, 1, &problem),
	    SR_OK);
	c = credential("ada", code);
	c.slot = SLOT_RECOVERY;
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	assert_memory_equal(login.seed, registered.seed, SEED_LEN);
	login_close(&login); /* this bank serves one connection at a time */
	assert_int_equal(login_change(&options, &c, SLOT_PASSWORD, "new", 3,
			     registered.seed, 1, &problem),
	    SR_OK);
	c = credential("ada", "pass word");
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_LOGIN);
	c = credential("ada", "new");
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
}

static void
given_another_identity_then_the_password_is_not_even_tried(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct bankfile other = pinned;
	struct login login;

	(void)state;
	other.identity[0] ^= 1;
	options.bank = &other;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_BANK_KEY);
	assert_non_null(strstr(problem.message, "another bank"));
	assert_int_equal(login.link.fd, -1);
}

static void
given_a_hello_of_other_keys_than_the_certificate_then_it_is_no_bank(
    void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login login;

	(void)state;
	bank.hello[8] ^= 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_NOT_A_BANK);
	toy_bank_beacon(&bank, 1);
}

static void
given_opaque_keys_other_than_the_certificates_then_it_is_not_the_bank(
    void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct certificate saved = bank.certificate;
	struct login_registered registered;
	struct login login;

	(void)state;
	given_registered("ada", "pass word", &registered);
	bank.certificate.opaque_key[0] ^= 1;
	toy_bank_beacon(&bank, 1);
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_BANK_KEY);
	/* the record's own are the former ones, and the bank says so */
	bank.lie_renew = true;
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
	bank.lie_renew = false;
	bank.certificate = saved;
	toy_bank_beacon(&bank, 1);
}

static void
given_another_customer_or_terminal_in_m4_then_it_is_noticed(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login_registered registered;
	struct login login;

	(void)state;
	given_registered("ada", "pass word", &registered);
	bank.lie_customer = 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.lie_customer = 0;
	bank.lie_terminal = 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.lie_terminal = 0;
	bank.lie_session = 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.lie_session = 0;
	/* the main account of the next customer: cash would be paid in there */
	bank.lie_account = account_id(2, ACCOUNT_INDEX_MAIN) -
			   account_id(1, ACCOUNT_INDEX_MAIN);
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.lie_account = 0;
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
}

static void
given_a_certificate_of_a_lower_epoch_than_seen_then_it_is_refused(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login_registered registered;
	struct login login;

	(void)state;
	given_registered("ada", "pass word", &registered);
	bank.certificate.epoch--;
	toy_bank_beacon(&bank, 1);
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_CERTIFICATE);
	bank.certificate.epoch += 2;
	toy_bank_beacon(&bank, 1);
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
	bank.certificate.epoch--;
	toy_bank_beacon(&bank, 1);
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_CERTIFICATE);
}

static void
given_an_expired_certificate_then_it_is_refused_by_the_later_clock(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	const uint64_t far_future_ms = UINT64_C(1) << 50;
	struct login_registered registered;
	struct login login;

	(void)state;
	bank.certificate.not_after_ms = 1000;
	toy_bank_beacon(&bank, 1);
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_CERTIFICATE);
	bank.certificate.not_after_ms = far_future_ms;
	toy_bank_beacon(&bank, far_future_ms + 1);
	/* the bank's time becomes known only when the bank has proved itself */
	given_registered("ada", "pass word", &registered);
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_CERTIFICATE);
	bank.certificate.not_after_ms = UINT64_MAX;
	toy_bank_beacon(&bank, 1);
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
}

static void
given_a_terminals_card_then_its_session_is_bound_to_it(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct card card = {
	    .terminal = TOY_TERMINAL, .epoch = TOY_TERMINAL_EPOCH};
	struct login_registered registered;
	struct login login;

	(void)state;
	given_registered("ada", "pass word", &registered);
	memcpy(card.psk, bank.terminal_psk, 32);
	options.terminal = &card;
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	assert_int_equal(login.welcome.terminal, TOY_TERMINAL);
	login_close(&login);
	card.psk[0] ^= 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_TERMINAL);
	card.psk[0] ^= 1;
	card.epoch++;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_TERMINAL);
}

static void
given_a_log_in_then_the_device_token_is_presented_the_next_time(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login_registered registered;
	uint8_t expected[DEVICE_TOKEN_LEN];
	struct login login;

	(void)state;
	given_registered("ada", "pass word", &registered);
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
	assert_true(sodium_is_zero(bank.last_token, DEVICE_TOKEN_LEN));
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
	memset(expected, 0xde, sizeof(expected));
	assert_memory_equal(bank.last_token, expected, DEVICE_TOKEN_LEN);
	options.keep_device_token = false;
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
	assert_true(sodium_is_zero(bank.last_token, DEVICE_TOKEN_LEN));
}

static void
given_too_many_attempts_then_the_wait_is_told(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login login;

	(void)state;
	bank.answer = SR_LATER;
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_LATER);
	assert_int_equal(problem.retry_after_s, 30);
	assert_non_null(strstr(problem.message, "in 30 s"));
}

static void
given_a_bank_that_closes_then_the_outcome_is_told_apart(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login_registered registered;
	struct login login;

	(void)state;
	given_registered("ada", "pass word", &registered);
	cut_before = FRAME_HELLO;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_UNREACHABLE);
	cut_before = FRAME_M2;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_UNREACHABLE);
	cut_before = FRAME_M4;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_UNREACHABLE);
	/* a change may have been made */
	cut_before = FRAME_M5;
	assert_int_equal(login_change(&options, &c, SLOT_PASSWORD, "new", 3,
			     registered.seed, 1, &problem),
	    SR_UNKNOWN_OUTCOME);
	cut_before = FRAME_M2;
	assert_int_equal(login_change(&options, &c, SLOT_PASSWORD, "new", 3,
			     registered.seed, 1, &problem),
	    SR_UNREACHABLE);
}

static void
given_a_bank_that_returns_what_it_was_not_given_then_it_is_noticed(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct login_registered registered;
	struct toy_customer saved;
	struct login login;

	(void)state;
	given_registered("ada", "pass word", &registered);
	saved = bank.customer[0];
	bank.customer[0].slot[0].wrapped_seed[0] ^= 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.customer[0] = saved;
	bank.customer[0].attestation[100] ^= 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.customer[0] = saved;
	bank.customer[0].attestation[200] ^= 1; /* of the signature */
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.customer[0] = saved;
	bank.customer[0].salt[0] ^= 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_DAMAGED);
	bank.customer[0] = saved;
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_OK);
	login_close(&login);
}

static void
given_no_address_that_answers_then_it_is_unreachable(void **state)
{
	struct login_credential c = credential("ada", "pass word");
	struct bankfile nowhere = pinned;
	struct login login;

	(void)state;
	options.bank = &nowhere;
	nowhere.address_count = 1;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_UNREACHABLE);
	assert_non_null(strstr(problem.message, "/nonexistent/socket"));
	nowhere.address_count = 0;
	assert_int_equal(
	    login_open(&options, &c, &login, &problem), SR_UNREACHABLE);
	options.server = "not an address";
	assert_int_equal(login_open(&options, &c, &login, &problem), SR_USAGE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, each)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_registration_then_the_password_opens_a_session_with_its_keys),
	    TEST(given_a_wrong_password_or_unknown_name_then_both_sound_alike),
	    TEST(given_a_taken_name_then_it_is_said),
	    TEST(given_a_seed_of_the_callers_then_its_keys_are_attested),
	    TEST(given_a_recovery_code_then_it_logs_in_and_sets_a_new_password),
	    TEST(given_another_identity_then_the_password_is_not_even_tried),
	    TEST(
		given_a_hello_of_other_keys_than_the_certificate_then_it_is_no_bank),
	    TEST(
		given_opaque_keys_other_than_the_certificates_then_it_is_not_the_bank),
	    TEST(given_another_customer_or_terminal_in_m4_then_it_is_noticed),
	    TEST(
		given_a_certificate_of_a_lower_epoch_than_seen_then_it_is_refused),
	    TEST(
		given_an_expired_certificate_then_it_is_refused_by_the_later_clock),
	    TEST(given_a_terminals_card_then_its_session_is_bound_to_it),
	    TEST(
		given_a_log_in_then_the_device_token_is_presented_the_next_time),
	    TEST(given_too_many_attempts_then_the_wait_is_told),
	    TEST(given_a_bank_that_closes_then_the_outcome_is_told_apart),
	    TEST(
		given_a_bank_that_returns_what_it_was_not_given_then_it_is_noticed),
	    TEST(given_no_address_that_answers_then_it_is_unreachable),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, begin, end);
}
