/* SPDX-License-Identifier: ISC */
/*
 * From an address to M2.  Must never go on with a bank whose certificate is
 * not signed by the pinned identity.
 */
#include "client/attempt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "common/buffer.h"

enum {
	REMEMBERED_LEN = 8 + 4 + 8,
	REMEMBER_STEP_MS = 60000, /* a write to disk a minute is enough */
};

#define REMEMBERED_FILE "bank"
#define REMEMBERED_MAGIC "SRSEEN01"

enum sr_error
attempt_fail(struct attempt *attempt, enum sr_error error, const char *what)
{
	if (what == NULL)
		what = error_sentence(error);
	snprintf(attempt->problem->message, sizeof(attempt->problem->message),
	    "%s", what);
	return error;
}

/* The link's own message says it best. */
static enum sr_error
attempt_fail_link(struct attempt *attempt, enum sr_error error)
{
	return attempt_fail(attempt, error, attempt->link.message);
}

void
attempt_end(struct attempt *attempt)
{
	link_close(&attempt->link);
	sodium_memzero(attempt, sizeof(*attempt));
	attempt->link.fd = -1;
}

/* ---- memory ------------------------------------------------------------- */

/* What is damaged is forgotten; what a newer program knows is not. */
static enum sr_error
attempt_recall(struct attempt *attempt)
{
	const struct state *state = attempt->options->state;
	uint8_t bytes[REMEMBERED_LEN];
	struct reader r;
	enum sr_error error;
	uint32_t epoch;
	uint64_t time_ms;
	size_t len;

	if (state == NULL)
		return SR_OK;
	error = state_read(state, REMEMBERED_FILE, bytes, sizeof(bytes), &len);
	if (error != SR_OK && error != SR_TOO_LARGE)
		return SR_OK;
	r = reader_of(bytes, len);
	if (reader_magic(&r, REMEMBERED_MAGIC, 8) == SR_VERSION) {
		state_complain(
		    state, REMEMBERED_FILE, error_sentence(SR_VERSION));
		return attempt_fail(attempt, SR_VERSION, NULL);
	}
	epoch = reader_u32(&r);
	time_ms = reader_u64(&r);
	if (error == SR_OK && reader_end(&r) &&
	    memcmp(bytes, REMEMBERED_MAGIC, 8) == 0) {
		attempt->seen_epoch = epoch;
		attempt->seen_time_ms = time_ms;
	}
	return SR_OK;
}

void
attempt_remember(struct attempt *attempt, uint64_t bank_time_ms)
{
	uint8_t bytes[REMEMBERED_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	uint32_t epoch = attempt->certificate.epoch;

	if (attempt->options->state == NULL)
		return;
	if (bank_time_ms < attempt->seen_time_ms)
		bank_time_ms = attempt->seen_time_ms;
	if (epoch == attempt->seen_epoch &&
	    bank_time_ms - attempt->seen_time_ms < REMEMBER_STEP_MS)
		return;
	attempt->seen_epoch = epoch;
	attempt->seen_time_ms = bank_time_ms;
	writer_bytes(&w, REMEMBERED_MAGIC, 8);
	writer_u32(&w, epoch);
	writer_u64(&w, bank_time_ms);
	/* A client that cannot remember still works; the next run sees more. */
	if (state_write(attempt->options->state, REMEMBERED_FILE, bytes,
		sizeof(bytes)) != SR_OK)
		fprintf(stderr, "what is known of the bank's certificate "
				"cannot be remembered\n");
}

static void
token_file(const struct attempt *attempt, char out[STATE_NAME_MAX])
{
	snprintf(out, STATE_NAME_MAX, "token-%s", attempt->credential->name);
}

void
attempt_token_load(struct attempt *attempt, uint8_t token[DEVICE_TOKEN_LEN])
{
	char file[STATE_NAME_MAX];
	size_t len;

	memset(token, 0, DEVICE_TOKEN_LEN);
	if (attempt->options->state == NULL ||
	    !attempt->options->keep_device_token)
		return;
	token_file(attempt, file);
	if (state_read(attempt->options->state, file, token, DEVICE_TOKEN_LEN,
		&len) != SR_OK ||
	    len != DEVICE_TOKEN_LEN)
		memset(token, 0, DEVICE_TOKEN_LEN);
}

void
attempt_token_keep(
    struct attempt *attempt, const uint8_t token[DEVICE_TOKEN_LEN])
{
	char file[STATE_NAME_MAX];

	if (attempt->options->state == NULL ||
	    !attempt->options->keep_device_token)
		return;
	token_file(attempt, file);
	/* Without it the next log-in is an ordinary one. */
	if (state_write(attempt->options->state, file, token,
		DEVICE_TOKEN_LEN) != SR_OK)
		fprintf(stderr, "the device token cannot be remembered\n");
}

/* ---- connecting --------------------------------------------------------- */

static enum sr_error
attempt_connect(struct attempt *attempt)
{
	const struct login_options *options = attempt->options;
	const struct bankfile *bank = options->bank;
	int timeout_ms =
	    options->timeout_ms > 0 ? options->timeout_ms : LINK_TIMEOUT_MS;
	enum sr_error error = SR_UNREACHABLE;

	if (options->server != NULL) {
		error = link_open(&attempt->link, options->server, timeout_ms);
		return error == SR_OK ? SR_OK
				      : attempt_fail_link(attempt, error);
	}
	if (bank->address_count == 0)
		return attempt_fail(attempt, SR_UNREACHABLE,
		    "the bank's file names no address: use --server HOST:PORT");
	for (size_t i = 0; i < bank->address_count; i++) {
		error =
		    link_open(&attempt->link, bank->addresses[i], timeout_ms);
		if (error == SR_OK)
			return SR_OK;
	}
	return attempt_fail_link(attempt, error);
}

static uint64_t
clock_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum sr_error
attempt_check_hello(struct attempt *attempt)
{
	const uint8_t *certificate = attempt->hello_bytes + HELLO_FIXED_LEN;
	uint64_t now = clock_ms();
	enum sr_error error;

	memcpy(attempt->hello_bytes, attempt->frame.body, HELLO_LEN);
	if (hello_read(attempt->hello_bytes, &attempt->hello) != SR_OK)
		return attempt_fail(attempt, SR_NOT_A_BANK, NULL);
	error = certificate_verify(certificate,
	    attempt->options->bank->identity, &attempt->certificate);
	if (error == SR_MALFORMED)
		return attempt_fail(attempt, SR_NOT_A_BANK, NULL);
	if (error != SR_OK)
		return attempt_fail(attempt, error,
		    "another bank answers there, or somebody who pretends to "
		    "be one: its key is not the one in the bank's file");
	if (attempt->hello.key_id != attempt->certificate.key_id)
		return attempt_fail(attempt, SR_NOT_A_BANK, NULL);
	if (attempt->seen_time_ms > now)
		now = attempt->seen_time_ms;
	error = certificate_current(
	    &attempt->certificate, attempt->seen_epoch, now);
	if (error != SR_OK)
		return attempt_fail(attempt, error,
		    "the bank shows a certificate that has expired or was "
		    "replaced; is this machine's clock right? else the bank's "
		    "people must renew it (strongroomctl certify)");
	return SR_OK;
}

enum sr_error
attempt_begin(struct attempt *attempt, const struct login_options *options,
    const struct login_credential *credential, struct login_problem *problem)
{
	enum sr_error error;

	memset(attempt, 0, sizeof(*attempt));
	*problem = (struct login_problem){0};
	attempt->options = options;
	attempt->credential = credential;
	attempt->problem = problem;
	attempt->link.fd = -1;
	if (sodium_init() < 0)
		return attempt_fail(attempt, SR_INTERNAL, NULL);
	error = attempt_recall(attempt);
	if (error != SR_OK)
		return error;
	error = attempt_connect(attempt);
	if (error == SR_OK) {
		error = link_read(&attempt->link, &attempt->frame);
		/* Nothing was said yet that could be in doubt. */
		if (error == SR_CLOSED || error == SR_IO)
			error = SR_UNREACHABLE;
		if (error != SR_OK)
			error = attempt_fail_link(attempt, error);
	}
	if (error == SR_OK)
		error = attempt_check_hello(attempt);
	if (error != SR_OK)
		attempt_end(attempt);
	return error;
}

/* ---- M1 and M2 ---------------------------------------------------------- */

static enum sr_error
attempt_send_m1(struct attempt *attempt, const struct payload_m1 *m1)
{
	static const uint8_t open_psk[32];
	const struct card *card = attempt->options->terminal;
	uint8_t ephemeral[32];
	uint8_t body[FRAME_M1_LEN];
	enum sr_error error;

	randombytes_buf(ephemeral, sizeof(ephemeral));
	error = handshake_m1_seal(&attempt->hs, attempt->hello_bytes,
	    attempt->certificate.noise_key, card != NULL ? card->terminal : 0,
	    card != NULL ? card->epoch : 0,
	    card != NULL && card->terminal != 0 ? card->psk : open_psk,
	    ephemeral, m1, body);
	sodium_memzero(ephemeral, sizeof(ephemeral));
	if (error != SR_OK)
		return attempt_fail(attempt, error, NULL);
	error = link_write(&attempt->link, FRAME_M1, body, sizeof(body));
	return error == SR_OK ? SR_OK : attempt_fail_link(attempt, error);
}

/* The bank answers a bad M1 with silence, whatever was bad about it. */
static enum sr_error
attempt_no_m2(struct attempt *attempt, enum sr_error error)
{
	const struct card *card = attempt->options->terminal;

	if (error != SR_CLOSED)
		return attempt_fail_link(attempt, error);
	if (card != NULL && card->terminal != 0)
		return attempt_fail(attempt, SR_TERMINAL,
		    "the bank does not answer this terminal: its card was "
		    "revoked or replaced, or the bank is overloaded");
	return attempt_fail(attempt, SR_UNREACHABLE,
	    "the bank closed the connection without an answer; nothing "
	    "happened; try again");
}

enum sr_error
attempt_ask(
    struct attempt *attempt, const struct payload_m1 *m1, struct payload_m2 *m2)
{
	enum sr_error error = attempt_send_m1(attempt, m1);
	char later[80];

	if (error == SR_OK) {
		error = link_read(&attempt->link, &attempt->frame);
		if (error != SR_OK)
			return attempt_no_m2(attempt, error);
	} else if (error == SR_CLOSED) {
		return attempt_no_m2(attempt, error);
	} else {
		return error;
	}
	if (attempt->frame.type != FRAME_M2)
		return attempt_fail(attempt, SR_MALFORMED, NULL);
	error = handshake_m2_open(&attempt->hs, attempt->frame.body, m2);
	if (error != SR_OK)
		return attempt_fail(attempt, error,
		    "the bank's answer was altered on the way; nothing "
		    "happened");
	/* M2 proves who the bank is, and HELLO is part of what it proves. */
	attempt_remember(attempt, attempt->hello.server_time_ms);
	attempt->problem->retry_after_s = m2->retry_after_s;
	if (m2->status == SR_LATER) {
		snprintf(later, sizeof(later),
		    "too many attempts; try again in %u s", m2->retry_after_s);
		return attempt_fail(attempt, SR_LATER, later);
	}
	return m2->status == SR_OK ? SR_OK
				   : attempt_fail(attempt, m2->status, NULL);
}

enum sr_error
attempt_await(
    struct attempt *attempt, enum frame_type type, enum sr_error closed)
{
	enum sr_error error = link_read(&attempt->link, &attempt->frame);

	if (error == SR_CLOSED || error == SR_UNREACHABLE || error == SR_IO)
		return attempt_fail_link(attempt, closed);
	if (error != SR_OK)
		return attempt_fail_link(attempt, error);
	if (attempt->frame.type != type)
		return attempt_fail(attempt, SR_MALFORMED, NULL);
	return SR_OK;
}

enum sr_error
attempt_fail_keys(struct attempt *attempt)
{
	return attempt_fail(attempt, SR_DAMAGED,
	    "what the bank keeps of this customer's keys does not fit; tell "
	    "the bank's people");
}

enum sr_error
attempt_check_keys(struct attempt *attempt,
    const struct attestation *attestation, const uint8_t salt[NAME_SALT_LEN],
    const struct seed_keys *keys)
{
	const char *name = attempt->credential->name;

	if (!attestation_is_of(attestation, salt, name, strlen(name)) ||
	    memcmp(attestation->signing_key, keys->signing_public,
		PUBLIC_KEY_LEN) != 0 ||
	    memcmp(attestation->message_key, keys->message_public,
		PUBLIC_KEY_LEN) != 0)
		return attempt_fail_keys(attempt);
	return SR_OK;
}

enum sr_error
attempt_check_attestation(struct attempt *attempt,
    const uint8_t bytes[ATTESTATION_LEN], const uint8_t salt[NAME_SALT_LEN],
    const struct seed_keys *keys, struct attestation *out)
{
	if (attestation_verify(bytes, attempt->certificate.attestation_key,
		attempt->certificate.bank_id, out) != SR_OK)
		return attempt_fail_keys(attempt);
	return attempt_check_keys(attempt, out, salt, keys);
}
