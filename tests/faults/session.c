/* SPDX-License-Identifier: ISC */
/*
 * A session with a bank that a test steers line by line: what no honest
 * client would send, signed with a customer's real key.
 *
 *	session --bank F --server A --user N|--card C [--terminal C]
 *
 * Logs in, says "in customer=.. account=.. till=.. terminal=.. role=.. seq=.."
 * or "out SR_..." and then answers each line of standard input with one:
 *
 *	order KEY=VALUE ...	error=.. outcome=.. leaf=.. result=..
 *				balance=.. seq=.. hash=..
 *	again			the last order's bytes once more; the same
 *	balance ACCOUNT		error=.. account=.. posted=.. held=..
 *	statement ACCOUNT	error=.. lines=(bytes)
 *	find NAME		error=.. customer=..
 *	register HEX		error=.. of an M1 that would register that name
 *	burst N ACCOUNT AMOUNT	N transfers, all sent before an answer is read;
 *				error=.. booked=N
 *	rekey			the session's keys are due at once;
 *				error=.. epoch=.. of the keys then
 *	secrets			the session's keys and the customer's
 *	raw HEX			a record with these bytes; error=.. type=..
 *				body=.. of the first message that answers
 *
 * Keys of an order: its fields by their names in order.h (numbers, or for
 * debit and credit also @NAME and @NAME#INDEX; seq also +N and -N from the
 * next), life (ms until it expires), memo, attachment (hex), reference
 * (text), spoil=POSITION (a byte of the 208 is changed after signing) or
 * resign=POSITION:VALUE (a byte is set before signing), hash=bad,
 * session=bad, previous=bad, bank=bad, signature=bad.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/attempt.h"
#include "common/ids.h"
#include "common/ipc.h"
#include "tests/lib/teller.h"

static struct teller teller;
static struct teller_order last;

/* Bytes that are changed before or after the signature; -1: none. */
struct spoils {
	int before, before_value, after;
	bool signature;
};

static bool
parse_account(const char *text, uint64_t *out)
{
	char name[NAME_MAX + 1];
	const char *index = strchr(text, '#');
	uint64_t customer;

	if (text[0] != '@') {
		*out = strtoull(text, NULL, 0);
		return true;
	}
	snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(text + 1, "#"), text + 1);
	if (bank_find(&teller.session, name, &customer) != SR_OK)
		return false;
	*out =
	    account_id(customer, index != NULL ? (unsigned)atoi(index + 1) : 0);
	return true;
}

static bool
set_attachment(const char *hex)
{
	return sodium_hex2bin(last.attachment, sizeof(last.attachment), hex,
		   strlen(hex), NULL, &last.attachment_len, NULL) == 0;
}

static void
set_seq(struct order *order, const char *value)
{
	if (value[0] == '+' || value[0] == '-')
		order->seq += (uint64_t)strtoll(value, NULL, 10);
	else
		order->seq = strtoull(value, NULL, 0);
}

/* A text, or 0x and 32 hex digits. */
static void
set_reference(struct order *order, const char *value)
{
	size_t len;

	memset(order->reference, 0, sizeof(order->reference));
	if (strncmp(value, "0x", 2) == 0 && strlen(value) == 34 &&
	    sodium_hex2bin(order->reference, sizeof(order->reference),
		value + 2, 32, NULL, &len, NULL) == 0)
		return;
	memcpy(
	    order->reference, value, strnlen(value, sizeof(order->reference)));
}

static bool
set_number(struct order *order, const char *key, const char *value)
{
	uint64_t number = strtoull(value, NULL, 0);

	if (strcmp(key, "kind") == 0)
		order->kind = (uint8_t)number;
	else if (strcmp(key, "flags") == 0)
		order->flags = (uint8_t)number;
	else if (strcmp(key, "unit") == 0)
		order->unit = (uint16_t)number;
	else if (strcmp(key, "terminal") == 0)
		order->terminal = (uint32_t)number;
	else if (strcmp(key, "signer") == 0)
		order->signer = number;
	else if (strcmp(key, "amount") == 0)
		order->amount_minor = (int64_t)number;
	else if (strcmp(key, "life") == 0)
		order->not_after_ms = bank_time_ms(&teller.session) + number;
	else if (strcmp(key, "refers_to") == 0)
		order->refers_to = number;
	else
		return false;
	return true;
}

/* Keys that say which value is to be wrong. */
static bool
set_bad(struct order *order, struct spoils *spoils, const char *key)
{
	if (strcmp(key, "session") == 0)
		order->session[0] ^= 1;
	else if (strcmp(key, "previous") == 0)
		order->previous[0] ^= 1;
	else if (strcmp(key, "bank") == 0)
		order->bank[0] ^= 1;
	else if (strcmp(key, "hash") == 0)
		order->attachment_hash[0] ^= 1;
	else if (strcmp(key, "signature") == 0)
		spoils->signature = true;
	else
		return false;
	return true;
}

static bool
set_field(struct order *order, struct spoils *spoils, const char *key,
    const char *value)
{
	if (strcmp(key, "debit") == 0)
		return parse_account(value, &order->debit);
	if (strcmp(key, "credit") == 0)
		return parse_account(value, &order->credit);
	if (strcmp(key, "seq") == 0)
		set_seq(order, value);
	else if (strcmp(key, "reference") == 0)
		set_reference(order, value);
	else if (strcmp(key, "spoil") == 0)
		spoils->after = atoi(value);
	else if (strcmp(key, "resign") == 0)
		return sscanf(value, "%d:%d", &spoils->before,
			   &spoils->before_value) == 2;
	else if (strcmp(value, "bad") == 0)
		return set_bad(order, spoils, key);
	else
		return set_number(order, key, value);
	return true;
}

/* Memo and attachment first: the hash is of them. */
static bool
make_order(char *text)
{
	struct spoils spoils = {.before = -1, .after = -1};
	char *words[40], *value;
	struct order order;
	size_t count = 0;

	teller_order_begin(&teller, &order);
	memset(&last, 0, sizeof(last));
	for (char *word = strtok(text, " "); word != NULL && count < 40;
	     word = strtok(NULL, " ")) {
		if (strncmp(word, "memo=", 5) == 0) {
			last.attachment_len = strlen(word + 5);
			memcpy(last.attachment, word + 5, last.attachment_len);
		} else if (strncmp(word, "attachment=", 11) == 0) {
			if (!set_attachment(word + 11))
				return false;
		} else {
			words[count++] = word;
		}
	}
	order_attachment_hash(
	    last.attachment, last.attachment_len, order.attachment_hash);
	for (size_t i = 0; i < count; i++) {
		value = strchr(words[i], '=');
		if (value == NULL)
			return false;
		*value++ = '\0';
		if (!set_field(&order, &spoils, words[i], value))
			return false;
	}
	order_encode(&order, last.order);
	if (spoils.before >= 0)
		last.order[spoils.before] = (uint8_t)spoils.before_value;
	if (order_sign(last.order, teller.session.login.keys.signing_secret,
		last.signature) != SR_OK)
		return false;
	if (spoils.after >= 0)
		last.order[spoils.after] ^= 1;
	last.signature[0] ^= spoils.signature;
	return true;
}

static void
submit_last(void)
{
	struct message_order_answer answer = {0};
	uint8_t hash[ORDER_HASH_LEN];
	char hex[2 * ORDER_HASH_LEN + 1];
	enum sr_error error = teller_submit(&teller, &last, &answer);

	order_hash(last.order, hash);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	if (error == SR_OK)
		error = error_of_wire(answer.error);
	printf("error=%s outcome=%s leaf=%" PRIu64 " result=%" PRIu64
	       " balance=%" PRId64 " seq=%" PRIu64 " hash=%s\n",
	    error_name(error), error_name(error_of_wire(answer.outcome)),
	    answer.leaf, answer.result, answer.balance,
	    teller.session.login.welcome.next_seq, hex);
}

static void
ask_balance(const char *account_text)
{
	struct message_balance balance = {0};
	uint64_t account = 0;
	enum sr_error error = SR_NOT_FOUND;

	if (parse_account(account_text, &account))
		error = bank_balance(&teller.session, account, &balance);
	printf("error=%s account=%" PRIu64 " posted=%" PRId64 " held=%" PRId64
	       "\n",
	    error_name(error), balance.account, balance.posted, balance.held);
}

static void
ask_statement(const char *account_text)
{
	static struct bank_answer room;
	struct message_statement statement = {0};
	uint64_t account = 0;
	enum sr_error error = SR_NOT_FOUND;

	if (parse_account(account_text, &account))
		error = bank_statement(&teller.session, account, UINT64_MAX, 10,
		    &room, &statement);
	printf("error=%s lines=%zu\n", error_name(error),
	    error == SR_OK ? statement.lines_len : 0);
}

static void
ask_find(const char *name)
{
	uint64_t customer = 0;
	enum sr_error error = bank_find(&teller.session, name, &customer);

	printf("error=%s customer=%" PRIu64 "\n", error_name(error), customer);
}

/* Signs the next transfer of a chain and sends it without waiting. */
static enum sr_error
burst_send(struct order *order)
{
	static uint8_t bytes[1024];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_order_submit submit = {
	    .request = ++teller.session.request};
	enum sr_error error;

	randombytes_buf(order->reference, sizeof(order->reference));
	order_encode(order, submit.order);
	order_hash(submit.order, order->previous);
	order->seq++;
	error = order_sign(submit.order,
	    teller.session.login.keys.signing_secret, submit.signature);
	if (error == SR_OK)
		error = message_order_submit_encode(&w, &submit);
	if (error == SR_OK)
		error =
		    login_send(&teller.session.login, bytes, writer_len(&w));
	return error;
}

/* Answers may share a record. */
static enum sr_error
burst_answers(unsigned wanted, unsigned *booked)
{
	static uint8_t plain[SESSION_PLAIN_MAX];
	struct message_order_answer answer;
	struct ipc_message got;
	unsigned seen = 0;
	enum sr_error error = SR_OK;

	while (error == SR_OK && seen < wanted) {
		struct reader r;
		size_t len;

		error = login_receive(&teller.session.login, plain, &len);
		if (error != SR_OK)
			break;
		r = reader_of(plain, len);
		while (ipc_next(&r, true, &got) == SR_OK) {
			if (got.type != MESSAGE_ORDER_ANSWER)
				return SR_MALFORMED;
			error = message_order_answer_decode(
			    got.body, got.len, &answer);
			if (error != SR_OK)
				return error;
			seen++;
			*booked +=
			    answer.error == SR_OK && answer.outcome == SR_OK;
		}
	}
	return error;
}

static void
burst(char *text)
{
	unsigned count = 0, booked = 0;
	char account[100];
	int64_t amount = 0;
	struct order order;
	enum sr_error error = SR_OK;

	teller_order_begin(&teller, &order);
	order_attachment_hash("", 0, order.attachment_hash);
	if (sscanf(text, "%u %99s %" SCNd64, &count, account, &amount) != 3 ||
	    !parse_account(account, &order.credit))
		error = SR_USAGE;
	order.amount_minor = amount;
	for (unsigned i = 0; error == SR_OK && i < count; i++)
		error = burst_send(&order);
	if (error == SR_OK)
		error = burst_answers(count, &booked);
	teller.session.login.welcome.next_seq = order.seq;
	memcpy(teller.session.login.welcome.last_order_hash, order.previous,
	    sizeof(order.previous));
	printf("error=%s booked=%u\n", error_name(error), booked);
}

/* A record that is sealed well and holds whatever the test wants. */
static void
send_raw(const char *hex)
{
	static uint8_t bytes[TELLER_LINE_MAX / 2];
	static struct bank_answer room;
	struct ipc_message got = {0};
	enum sr_error error = SR_USAGE;
	struct reader r;
	size_t len = 0;

	if (sodium_hex2bin(
		bytes, sizeof(bytes), hex, strlen(hex), NULL, &len, NULL) == 0)
		error = login_send(&teller.session.login, bytes, len);
	if (error == SR_OK)
		error = login_receive(&teller.session.login, room.plain, &len);
	if (error == SR_OK) {
		r = reader_of(room.plain, len);
		error = ipc_next(&r, true, &got);
	}
	printf("error=%s type=%u body=", error_name(error), got.type);
	for (size_t i = 0; error == SR_OK && i < got.len; i++)
		printf("%02x", got.body[i]);
	printf("\n");
}

/* Asks keyd to register a name that no client would send. */
static void
ask_register(const char *hex)
{
	static struct attempt attempt;
	struct login_options options = {
	    .bank = &teller.bank, .server = teller.server};
	struct login_credential credential = {.name = teller.card.name};
	struct opaque_password password = {.bytes = "any", .len = 3};
	struct payload_m1 m1 = {.operation = OPERATION_REGISTER};
	struct payload_m2 m2;
	struct login_problem problem;
	uint8_t wide[64], blind[OPAQUE_SCALAR_LEN];
	size_t len = 0;
	enum sr_error error =
	    attempt_begin(&attempt, &options, &credential, &problem);

	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
	if (error == SR_OK)
		error = opaque_register_start(m1.request, &password, blind);
	if (error == SR_OK &&
	    sodium_hex2bin((unsigned char *)m1.name, PAYLOAD_NAME_MAX, hex,
		strlen(hex), NULL, &len, NULL) != 0)
		error = SR_USAGE;
	m1.name_len = (uint8_t)len;
	if (error == SR_OK) {
		error = attempt_ask(&attempt, &m1, &m2);
		attempt_end(&attempt);
	}
	printf("error=%s\n", error_name(error));
}

static void
rekey(void)
{
	struct session *records = &teller.session.login.session;
	int left_ms;
	enum sr_error error;

	teller.session.keyed_ms -= teller.session.login.welcome.rekey_ms;
	error = bank_keep(&teller.session, &left_ms);
	printf("error=%s epoch=%" PRIu32 "\n", error_name(error),
	    records->key_epoch);
}

static void
tell(const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * 64 + 1];

	sodium_bin2hex(hex, sizeof(hex), bytes, len);
	printf("%s=%s ", name, hex);
}

/* What this side shares with the bank, and what it shares with nobody. */
static void
tell_secrets(void)
{
	const struct login *login = &teller.session.login;

	tell("chain-key", login->session.chain_key,
	    sizeof(login->session.chain_key));
	tell("send-key", login->session.send_key,
	    sizeof(login->session.send_key));
	tell("receive-key", login->session.receive_key,
	    sizeof(login->session.receive_key));
	tell("account-seed", login->seed, sizeof(login->seed));
	tell("signing-seed", login->keys.signing_secret, 32);
	tell("message-key", login->keys.message_private,
	    sizeof(login->keys.message_private));
	tell("file-root", login->keys.file_root, sizeof(login->keys.file_root));
	printf("error=SR_OK\n");
}

static void
answer_line(char *line)
{
	char *rest = strchr(line, ' ');

	if (rest != NULL)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	if (strcmp(line, "order") == 0) {
		if (make_order(rest))
			submit_last();
		else
			printf("error=SR_USAGE\n");
	} else if (strcmp(line, "again") == 0) {
		submit_last();
	} else if (strcmp(line, "balance") == 0) {
		ask_balance(rest);
	} else if (strcmp(line, "statement") == 0) {
		ask_statement(rest);
	} else if (strcmp(line, "find") == 0) {
		ask_find(rest);
	} else if (strcmp(line, "burst") == 0) {
		burst(rest);
	} else if (strcmp(line, "raw") == 0) {
		send_raw(rest);
	} else if (strcmp(line, "rekey") == 0) {
		rekey();
	} else if (strcmp(line, "secrets") == 0) {
		tell_secrets();
	} else if (strcmp(line, "register") == 0) {
		ask_register(rest);
	} else {
		printf("error=SR_USAGE\n");
	}
	fflush(stdout);
}

int
main(int argc, char *argv[])
{
	static char line[TELLER_LINE_MAX];
	const struct payload_m4 *welcome = &teller.session.login.welcome;
	enum sr_error error;

	teller_options(&teller, argc, argv);
	error = teller_enter(&teller);
	if (error != SR_OK) {
		printf("out %s\n", error_name(error));
		return error_exit(error);
	}
	printf("in customer=%" PRIu64 " account=%" PRIu64 " till=%" PRIu64
	       " terminal=%" PRIu32 " role=%u seq=%" PRIu64 " unit=%u\n",
	    welcome->customer, welcome->account, welcome->till_account,
	    welcome->terminal, welcome->role, welcome->next_seq, welcome->unit);
	fflush(stdout);
	while (teller_line(line))
		answer_line(line);
	teller_leave(&teller);
	return 0;
}
