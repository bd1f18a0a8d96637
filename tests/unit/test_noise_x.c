/* SPDX-License-Identifier: ISC */
/* Noise X: a published message, and nothing altered passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/noise_x.h"
#include "tests/lib/figures.h"

/* A published message of this very pattern (cacophony's figures). */
static const char *const cacophony[][2] = {
    {"init_prologue", "4a6f686e2047616c74"},
    {"init_static",
	"e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"},
    {"init_ephemeral",
	"893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"},
    {"resp_static",
	"4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"},
    {"payload", "4c756477696720766f6e204d69736573"},
    {"ciphertext",
	"ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
	"e465e6336e9dc7c27864ea11606eb99e1667859d77c62869ae845650034f17e2"
	"12b5d9838bcc763842294a55ba018d29fca2b6e8e44050d958fdfe20ad6b8cea"
	"bcba50c169a4568e11ce81938e675c3c"},
};

#define FIGURES_LEN(f) (sizeof(f) / sizeof((f)[0]))

static const uint8_t sender_private[32] = {1, 2, 3};
static const uint8_t recipient_private[32] = {4, 5, 6};
static const uint8_t ephemeral[32] = {7, 8, 9};
static const uint8_t zeros[NOISE_X_OVERHEAD + 10];

/* "0123456789" from the sender to the recipient. */
static void
message_make(uint8_t out[10 + NOISE_X_OVERHEAD])
{
	uint8_t recipient_public[32];
	struct noise_x_sender keys = {
	    sender_private, recipient_public, ephemeral};

	noise_public_key(recipient_public, recipient_private);
	assert_int_equal(
	    noise_x_write(&keys, "prologue", 8, "0123456789", 10, out), SR_OK);
}

/* What the recipient says of it; a refused one leaves no byte. */
static enum sr_error
read_with(const uint8_t private_key[32], const char *prologue,
    const uint8_t *message, size_t len)
{
	uint8_t expected[32], sender[32], payload[10 + NOISE_X_OVERHEAD];
	enum sr_error error;

	memset(sender, 1, sizeof(sender));
	memset(payload, 1, sizeof(payload));
	error = noise_x_read(private_key, prologue, strlen(prologue), message,
	    len, sender, payload);
	if (error == SR_OK) {
		noise_public_key(expected, sender_private);
		assert_memory_equal(sender, expected, 32);
		assert_memory_equal(payload, "0123456789", 10);
		return SR_OK;
	}
	assert_memory_equal(sender, zeros, 32);
	if (len >= NOISE_X_OVERHEAD)
		assert_memory_equal(payload, zeros, len - NOISE_X_OVERHEAD);
	return error;
}

static void
message_check(const struct figures *f, void *context)
{
	struct bytes prologue, s, rs, e, payload, message;
	uint8_t recipient_public[32], sender_public[32], found[32], out[256];
	struct noise_x_sender keys = {s.at, recipient_public, e.at};

	(void)context;
	figures_bytes(f, "init_prologue", &prologue);
	figures_bytes(f, "init_static", &s);
	figures_bytes(f, "init_ephemeral", &e);
	figures_bytes(f, "resp_static", &rs);
	figures_bytes(f, "payload", &payload);
	figures_bytes(f, "ciphertext", &message);
	noise_public_key(recipient_public, rs.at);
	noise_public_key(sender_public, s.at);
	assert_int_equal(message.len, payload.len + NOISE_X_OVERHEAD);
	assert_int_equal(noise_x_write(&keys, prologue.at, prologue.len,
			     payload.at, payload.len, out),
	    SR_OK);
	assert_memory_equal(out, message.at, message.len);
	assert_int_equal(noise_x_read(rs.at, prologue.at, prologue.len,
			     message.at, message.len, found, out),
	    SR_OK);
	assert_memory_equal(out, payload.at, payload.len);
	assert_memory_equal(found, sender_public, 32);
}

static void
given_the_published_keys_then_the_message_is_the_published(void **state)
{
	(void)state;
	figures_given(cacophony, FIGURES_LEN(cacophony), message_check, NULL);
}

/* Of the folder's handshakes the first message: the others are transport. */
static void
folder_check(const struct figures *f, void *context)
{
	const char *name = figures_text(f, "protocol_name");
	unsigned *messages = context;

	if (strcmp(name, "Noise_X_25519_ChaChaPoly_SHA512") != 0 ||
	    figures_text(f, "ciphertext") == NULL)
		return;
	if ((*messages)++ == 0)
		message_check(f, NULL);
}

static void
given_the_folders_messages_then_the_first_comes_out_the_same(void **state)
{
	unsigned messages = 0;

	(void)state;
	if (figures_each("noise.json", folder_check, &messages))
		assert_true(messages > 0);
}

static void
given_any_flipped_bit_or_another_length_then_it_is_refused(void **state)
{
	uint8_t message[10 + NOISE_X_OVERHEAD];
	size_t len = sizeof(message);

	(void)state;
	message_make(message);
	for (size_t i = 0; i < 8 * len; i++) {
		message[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(
		    read_with(recipient_private, "prologue", message, len),
		    SR_CRYPTO);
		message[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(
		    read_with(recipient_private, "prologue", message, cut),
		    cut < NOISE_X_OVERHEAD ? SR_MALFORMED : SR_CRYPTO);
	assert_int_equal(
	    read_with(recipient_private, "prologue", message, len), SR_OK);
}

static void
given_another_recipient_or_prologue_then_it_is_refused(void **state)
{
	uint8_t message[10 + NOISE_X_OVERHEAD];

	(void)state;
	message_make(message);
	assert_int_equal(
	    read_with(sender_private, "prologue", message, sizeof(message)),
	    SR_CRYPTO);
	assert_int_equal(
	    read_with(recipient_private, "PROLOGUE", message, sizeof(message)),
	    SR_CRYPTO);
	assert_int_equal(
	    read_with(recipient_private, "", message, sizeof(message)),
	    SR_CRYPTO);
}

static void
given_a_key_of_small_order_then_nothing_is_written_or_read(void **state)
{
	uint8_t message[10 + NOISE_X_OVERHEAD];
	struct noise_x_sender keys = {sender_private, zeros, ephemeral};

	(void)state;
	memset(message, 1, sizeof(message));
	assert_int_equal(
	    noise_x_write(&keys, "prologue", 8, "0123456789", 10, message),
	    SR_CRYPTO);
	assert_memory_equal(message, zeros, sizeof(message));
	message_make(message);
	memset(message, 0, 32);
	assert_int_equal(
	    read_with(recipient_private, "prologue", message, sizeof(message)),
	    SR_CRYPTO);
}

static void
given_the_largest_payload_then_it_fits_and_one_more_does_not(void **state)
{
	static uint8_t payload[NOISE_MESSAGE_MAX], message[NOISE_MESSAGE_MAX];
	static uint8_t found[NOISE_MESSAGE_MAX];
	uint8_t recipient_public[32], sender[32];
	struct noise_x_sender keys = {
	    sender_private, recipient_public, ephemeral};
	size_t most = NOISE_MESSAGE_MAX - NOISE_X_OVERHEAD;

	(void)state;
	noise_public_key(recipient_public, recipient_private);
	memset(payload, 3, sizeof(payload));
	assert_int_equal(
	    noise_x_write(&keys, NULL, 0, payload, most + 1, message),
	    SR_TOO_LARGE);
	assert_int_equal(
	    noise_x_write(&keys, NULL, 0, payload, most, message), SR_OK);
	assert_int_equal(noise_x_read(recipient_private, NULL, 0, message,
			     NOISE_MESSAGE_MAX, sender, found),
	    SR_OK);
	assert_memory_equal(found, payload, most);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_published_keys_then_the_message_is_the_published),
	    cmocka_unit_test(
		given_the_folders_messages_then_the_first_comes_out_the_same),
	    cmocka_unit_test(
		given_any_flipped_bit_or_another_length_then_it_is_refused),
	    cmocka_unit_test(
		given_another_recipient_or_prologue_then_it_is_refused),
	    cmocka_unit_test(
		given_a_key_of_small_order_then_nothing_is_written_or_read),
	    cmocka_unit_test(
		given_the_largest_payload_then_it_fits_and_one_more_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
