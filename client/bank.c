/* SPDX-License-Identifier: ISC */
/*
 * Questions and answers within a session.  Believes nothing about other
 * customers without keyd's attestation.
 */
#include "client/bank.h"
#include "client/plural.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/certificate.h"
#include "common/ids.h"
#include "common/ipc.h"
#include "common/name.h"
#include "common/noise.h"
#include "common/secret.h"

static uint64_t
bank_boot_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum sr_error
bank_enter(struct bank_session *session, const struct login_options *options,
    const struct login_credential *credential)
{
	struct login_problem problem = {0};
	enum sr_error error;
	uint32_t failed;

	memset(session, 0, sizeof(*session));
	error = login_open(options, credential, &session->login, &problem);
	if (error != SR_OK) {
		fprintf(stderr, "%s\n", problem.message);
		return error;
	}
	session->began_ms = bank_boot_ms();
	session->keyed_ms = session->began_ms;
	failed = session->login.welcome.failed_log_ins;
	if (failed > 0)
		fprintf(stderr,
		    "%" PRIu32 " log-in%s with a wrong password since your "
		    "last one\n",
		    failed, plural(failed));
	return SR_OK;
}

uint64_t
bank_time_ms(const struct bank_session *session)
{
	return session->login.welcome.server_time_ms + bank_boot_ms() -
	       session->began_ms;
}

static void
bank_say_lost(const struct bank_session *session, enum sr_error error)
{
	if (error == SR_CRYPTO || error == SR_MALFORMED)
		fprintf(stderr, "%s: the connection was tampered with\n",
		    session->login.link.peer);
	else
		fprintf(stderr, "%s: the connection was lost: %s\n",
		    session->login.link.peer, session->login.link.message);
}

/* What a broken connection means once a question has left. */
static enum sr_error
bank_lost(const struct bank_session *session, enum sr_error error)
{
	bank_say_lost(session, error);
	return SR_UNKNOWN_OUTCOME;
}

/* Sends this side's half, last under the old keys, and takes the bank's. */
static enum sr_error
bank_rekey(struct bank_session *session)
{
	SECRET_32(private_key);
	static uint8_t plain[SESSION_PLAIN_MAX];
	uint8_t bytes[MESSAGE_REKEY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_rekey own, theirs;
	struct ipc_message got;
	struct reader r;
	enum sr_error error;
	size_t len;

	randombytes_buf(private_key, sizeof(private_key));
	noise_public_key(own.key, private_key);
	error = message_rekey_encode(&w, &own);
	if (error == SR_OK)
		error = login_send(&session->login, bytes, writer_len(&w));
	if (error == SR_OK)
		error = login_receive(&session->login, plain, &len);
	if (error != SR_OK) {
		bank_say_lost(session, error);
		return SR_SESSION_ENDED;
	}
	r = reader_of(plain, len);
	error = ipc_next(&r, true, &got);
	if (error == SR_OK && got.type == MESSAGE_GOODBYE) {
		fprintf(stderr, "the bank ended the session\n");
		return SR_SESSION_ENDED;
	}
	if (error == SR_OK && got.type != MESSAGE_REKEY)
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = message_rekey_decode(got.body, got.len, &theirs);
	/* nothing may stand behind it under the old keys */
	if (error == SR_OK)
		reader_zeros(&r, reader_left(&r));
	if (error == SR_OK && !reader_end(&r))
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = session_rekey(
		    &session->login.session, private_key, own.key, theirs.key);
	if (error != SR_OK) {
		session_wipe(&session->login.session);
		bank_say_lost(session, error);
		return SR_SESSION_ENDED;
	}
	session->keyed_ms = bank_boot_ms();
	return SR_OK;
}

enum sr_error
bank_keep(struct bank_session *session, int *left_ms)
{
	const struct payload_m4 *limits = &session->login.welcome;
	const struct session *records = &session->login.session;
	uint64_t age_ms = bank_boot_ms() - session->keyed_ms;
	enum sr_error error = SR_OK;

	if (age_ms >= limits->rekey_ms ||
	    records->sent >= limits->rekey_records ||
	    records->received >= limits->rekey_records ||
	    records->bytes >= limits->rekey_bytes) {
		error = bank_rekey(session);
		age_ms = 0;
	}
	*left_ms = limits->rekey_ms - age_ms < INT_MAX
		       ? (int)(limits->rekey_ms - age_ms)
		       : INT_MAX;
	return error;
}

static enum sr_error
bank_refusal(const struct ipc_message *message)
{
	struct message_refused refused;

	if (message_refused_decode(message->body, message->len, &refused) !=
		SR_OK ||
	    refused.error == SR_OK)
		return SR_MALFORMED;
	return error_of_wire(refused.error);
}

enum sr_error
bank_exchange(struct bank_session *session, const void *message,
    size_t message_len, uint8_t expected, struct bank_answer *answer)
{
	struct ipc_message got;
	struct reader r;
	enum sr_error error;
	size_t len;
	int left_ms;

	error = bank_keep(session, &left_ms);
	if (error != SR_OK)
		return error;
	error = login_send(&session->login, message, message_len);
	if (error == SR_OK)
		error = login_receive(&session->login, answer->plain, &len);
	if (error != SR_OK)
		return bank_lost(session, error);
	r = reader_of(answer->plain, len);
	error = ipc_next(&r, true, &got);
	if (error != SR_OK)
		return SR_MALFORMED;
	if (got.type == MESSAGE_GOODBYE) {
		fprintf(stderr, "the bank ended the session\n");
		return SR_UNKNOWN_OUTCOME;
	}
	if (got.type == MESSAGE_REFUSED)
		return bank_refusal(&got);
	if (got.type != expected)
		return SR_MALFORMED;
	answer->body = got.body;
	answer->body_len = got.len;
	return SR_OK;
}

enum sr_error
bank_balance(struct bank_session *session, uint64_t account,
    struct message_balance *balance)
{
	uint8_t bytes[64];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {
	    .request = ++session->request, .account = account};
	struct bank_answer answer;
	enum sr_error error = message_balance_get_encode(&w, &get);

	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_BALANCE, &answer);
	if (error == SR_OK)
		error = message_balance_decode(
		    answer.body, answer.body_len, balance);
	if (error == SR_OK && balance->request != get.request)
		return SR_MALFORMED;
	if (error == SR_OK && balance->error != SR_OK)
		return error_of_wire(balance->error);
	return error;
}

enum sr_error
bank_statement(struct bank_session *session, uint64_t account, uint64_t before,
    uint16_t count, struct bank_answer *answer,
    struct message_statement *statement)
{
	uint8_t bytes[64];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_statement_get get = {.request = ++session->request,
	    .account = account,
	    .before = before,
	    .count = count};
	enum sr_error error = message_statement_get_encode(&w, &get);

	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_STATEMENT, answer);
	if (error == SR_OK)
		error = message_statement_decode(
		    answer->body, answer->body_len, statement);
	if (error == SR_OK && statement->request != get.request)
		return SR_MALFORMED;
	if (error == SR_OK && statement->error != SR_OK)
		return error_of_wire(statement->error);
	return error;
}

/*
 * Is the answer about whom was asked for, in keyd's words?  Where the bank
 * keeps the name to itself, the attestation still says whose keys they are.
 */
static enum sr_error
bank_person_check(struct bank_session *session,
    const struct message_directory_get *get,
    const struct message_directory *found)
{
	struct attestation attestation;
	enum sr_error error;

	if (found->attestation_len != ATTESTATION_LEN)
		return SR_MALFORMED;
	error =
	    login_attested(&session->login, found->attestation, &attestation);
	if (error != SR_OK)
		return error;
	if (attestation.customer != found->customer ||
	    !customer_id_valid(found->customer) ||
	    (get->customer != 0 && get->customer != found->customer))
		return SR_SIGNATURE;
	if (get->customer == 0 &&
	    (found->name_len != get->name_len ||
		memcmp(found->name, get->name, get->name_len) != 0))
		return SR_SIGNATURE;
	/* what a terminal would obey is no name */
	if (name_text_check((const char *)found->display_name,
		found->display_name_len, PAYLOAD_DISPLAY_NAME_MAX) != SR_OK)
		return SR_MALFORMED;
	if (found->name_len > 0 &&
	    !attestation_is_of(&attestation, found->salt,
		(const char *)found->name, found->name_len))
		return SR_SIGNATURE;
	return SR_OK;
}

static enum sr_error
bank_directory(struct bank_session *session,
    const struct message_directory_get *get, struct bank_person *person)
{
	uint8_t bytes[MESSAGE_DIRECTORY_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_directory found;
	struct bank_answer answer;
	enum sr_error error = message_directory_get_encode(&w, get);

	memset(person, 0, sizeof(*person));
	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_DIRECTORY, &answer);
	if (error == SR_OK)
		error = message_directory_decode(
		    answer.body, answer.body_len, &found);
	if (error == SR_OK && found.request != get->request)
		return SR_MALFORMED;
	if (error == SR_OK && found.error != SR_OK)
		return error_of_wire(found.error);
	if (error == SR_OK)
		error = bank_person_check(session, get, &found);
	if (error != SR_OK)
		return error;
	person->customer = found.customer;
	attestation_hash(found.attestation, person->attestation_hash);
	person->role = found.role;
	memcpy(person->name, found.name, found.name_len);
	memcpy(person->display, found.display_name, found.display_name_len);
	return SR_OK;
}

enum sr_error
bank_person_named(
    struct bank_session *session, const char *name, struct bank_person *person)
{
	struct message_directory_get get = {.request = ++session->request,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};

	return bank_directory(session, &get, person);
}

enum sr_error
bank_person(
    struct bank_session *session, uint64_t customer, struct bank_person *person)
{
	struct message_directory_get get = {
	    .request = ++session->request, .customer = customer};

	if (!customer_id_valid(customer))
		return SR_NOT_FOUND;
	return bank_directory(session, &get, person);
}

enum sr_error
bank_find(struct bank_session *session, const char *name, uint64_t *customer)
{
	struct bank_person person;
	enum sr_error error = bank_person_named(session, name, &person);

	if (error == SR_OK)
		*customer = person.customer;
	return error;
}

void
bank_leave(struct bank_session *session)
{
	login_close(&session->login);
}
