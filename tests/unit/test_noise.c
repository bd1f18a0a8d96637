/* SPDX-License-Identifier: ISC */
/* Noise NKpsk0: a published handshake, and nothing altered passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/aead.h"
#include "common/noise.h"
#include "tests/lib/figures.h"

/* The published handshake of this very pattern (cacophony's figures). */
static const char *const cacophony[][2] = {
    {"init_prologue", "4a6f686e2047616c74"},
    {"init_psks",
	"54686973206973206d7920417573747269616e20706572737065637469766521"},
    {"init_ephemeral",
	"893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"},
    {"init_remote_static",
	"31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62"},
    {"resp_static",
	"4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"},
    {"resp_ephemeral",
	"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"},
    {"handshake_hash",
	"39b9b7de18f19c82bd5be2b1282b2a112635d6ff3e83d2820fd44114af5dbe4f"
	"8ef8670ac5623399c0c642b1e369b513b5f8a4dbd1a49efdf1eb63bc5af731ab"},
    {"payload1", "4c756477696720766f6e204d69736573"},
    {"message1",
	"ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
	"1216df1157e469524deb65d15f98c043db3dc9f19c3bb6c772896a7d6ba05e5a"},
    {"payload2", "4d757272617920526f746862617264"},
    {"message2",
	"95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
	"2b45647e412e1204634544c4d7f811691aa9ec5e918107ae36e01cb0fed59f"},
    {"payload3", "462e20412e20486179656b"},
    {"message3", "ca8362843041641a5a8806187fcc6b594797422649a4a75891dd40"},
    {"payload4", "4361726c204d656e676572"},
    {"message4", "59f18625dbd2a050abe903353202516cffafecaec5b735e68f0fb4"},
};

#define FIGURES_LEN(f) (sizeof(f) / sizeof((f)[0]))

struct pair {
	struct noise_state client;
	struct noise_state server;
	uint8_t client_ephemeral[32];
	uint8_t server_ephemeral[32];
};

static void
pair_begin(struct pair *p, const uint8_t client_psk[32],
    const uint8_t server_psk[32], const char *server_prologue)
{
	static const uint8_t server_private[32] = {1, 2, 3};
	uint8_t server_public[32];

	memset(p, 0, sizeof(*p));
	p->client_ephemeral[0] = 8;
	p->server_ephemeral[0] = 16;
	noise_public_key(server_public, server_private);
	noise_init_initiator(
	    &p->client, "prologue", 8, server_public, client_psk);
	noise_init_responder(&p->server, server_prologue,
	    strlen(server_prologue), server_private, server_public, server_psk);
}

static void
transport_check(const struct figures *f, const char *payload_name,
    const char *message_name, const uint8_t key[32])
{
	struct bytes payload, message;
	uint8_t out[256];

	figures_bytes(f, payload_name, &payload);
	figures_bytes(f, message_name, &message);
	aead_seal(out, key, 0, NULL, 0, payload.at, payload.len);
	assert_memory_equal(out, message.at, message.len);
}

static void
handshake_check(const struct figures *f, void *context)
{
	struct noise_state client, server;
	struct bytes prologue, psk, rs, s, e1, e2, h, payload, message;
	uint8_t out[256];
	uint8_t c_keys[2][32], s_keys[2][32], c_hash[64], s_hash[64];

	(void)context;
	figures_bytes(f, "init_prologue", &prologue);
	figures_bytes(f, "init_psks", &psk);
	figures_bytes(f, "init_remote_static", &rs);
	figures_bytes(f, "resp_static", &s);
	figures_bytes(f, "init_ephemeral", &e1);
	figures_bytes(f, "resp_ephemeral", &e2);
	figures_bytes(f, "handshake_hash", &h);
	noise_init_initiator(&client, prologue.at, prologue.len, rs.at, psk.at);
	noise_init_responder(
	    &server, prologue.at, prologue.len, s.at, rs.at, psk.at);

	figures_bytes(f, "payload1", &payload);
	figures_bytes(f, "message1", &message);
	assert_int_equal(
	    noise_write_m1(&client, e1.at, payload.at, payload.len, out),
	    SR_OK);
	assert_int_equal(message.len, payload.len + NOISE_OVERHEAD);
	assert_memory_equal(out, message.at, message.len);
	assert_int_equal(
	    noise_read_m1(&server, message.at, message.len, out), SR_OK);
	assert_memory_equal(out, payload.at, payload.len);
	noise_hash(&client, c_hash);
	noise_hash(&server, s_hash);
	assert_memory_equal(c_hash, s_hash, 64);

	figures_bytes(f, "payload2", &payload);
	figures_bytes(f, "message2", &message);
	assert_int_equal(
	    noise_write_m2(&server, e2.at, payload.at, payload.len, out),
	    SR_OK);
	assert_memory_equal(out, message.at, message.len);
	assert_int_equal(
	    noise_read_m2(&client, message.at, message.len, out), SR_OK);
	assert_memory_equal(out, payload.at, payload.len);

	assert_int_equal(
	    noise_split(&client, c_keys[0], c_keys[1], c_hash), SR_OK);
	assert_int_equal(
	    noise_split(&server, s_keys[0], s_keys[1], s_hash), SR_OK);
	assert_memory_equal(c_hash, h.at, 64);
	assert_memory_equal(s_hash, h.at, 64);
	assert_memory_equal(c_keys, s_keys, sizeof(c_keys));
	transport_check(f, "payload3", "message3", c_keys[0]);
	transport_check(f, "payload4", "message4", c_keys[1]);
}

static void
given_the_published_keys_then_every_message_is_the_published(void **state)
{
	(void)state;
	figures_given(cacophony, FIGURES_LEN(cacophony), handshake_check, NULL);
}

/* The folder's file: the messages of one handshake come one by one. */
struct gathered {
	const char *pairs[24][2];
	size_t messages;
	unsigned handshakes;
};

static void
gathered_add(const struct figures *f, void *context)
{
	static const char *const names[4][2] = {{"payload1", "message1"},
	    {"payload2", "message2"}, {"payload3", "message3"},
	    {"payload4", "message4"}};
	static const char *const keys[] = {"init_prologue", "init_psks",
	    "init_remote_static", "resp_static", "init_ephemeral",
	    "resp_ephemeral", "handshake_hash"};
	struct gathered *g = context;
	const char *name = figures_text(f, "protocol_name");
	size_t at = 2 * g->messages;

	if (strcmp(name, "Noise_NKpsk0_25519_ChaChaPoly_SHA512") != 0)
		return;
	if (figures_text(f, "ciphertext") == NULL || g->messages >= 4)
		return;
	for (size_t i = 0; i < 2; i++)
		g->pairs[at + i][0] = names[g->messages][i];
	g->pairs[at][1] = figures_text(f, "payload");
	g->pairs[at + 1][1] = figures_text(f, "ciphertext");
	if (++g->messages < 4)
		return;
	at = 8;
	for (size_t i = 0; i < 7; i++, at++) {
		g->pairs[at][0] = keys[i];
		g->pairs[at][1] = figures_text(f, keys[i]);
	}
	figures_given(
	    (const char *const(*)[2])g->pairs, at, handshake_check, NULL);
	g->handshakes++;
}

static void
given_the_folders_handshakes_then_they_come_out_the_same(void **state)
{
	struct gathered g = {0};

	(void)state;
	if (figures_each("noise.json", gathered_add, &g))
		assert_int_equal(g.handshakes, 1);
}

static void
given_any_flipped_bit_of_m1_then_it_is_refused(void **state)
{
	static const uint8_t psk[32] = {5};
	static const uint8_t zeros[10];
	uint8_t m1[10 + NOISE_OVERHEAD];
	uint8_t out[10];
	struct pair p;

	(void)state;
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(
	    noise_write_m1(&p.client, p.client_ephemeral, "0123456789", 10, m1),
	    SR_OK);
	for (size_t i = 0; i < 8 * sizeof(m1); i++) {
		m1[i / 8] ^= (uint8_t)(1 << i % 8);
		pair_begin(&p, psk, psk, "prologue");
		memset(out, 1, sizeof(out));
		assert_int_equal(
		    noise_read_m1(&p.server, m1, sizeof(m1), out), SR_CRYPTO);
		assert_memory_equal(out, zeros, sizeof(out));
		assert_int_equal(p.server.phase, NOISE_DEAD);
		m1[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t len = 0; len < sizeof(m1); len++) {
		pair_begin(&p, psk, psk, "prologue");
		assert_int_not_equal(
		    noise_read_m1(&p.server, m1, len, out), SR_OK);
	}
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(noise_read_m1(&p.server, m1, sizeof(m1), out), SR_OK);
}

static void
given_any_flipped_bit_of_m2_then_it_is_refused(void **state)
{
	static const uint8_t psk[32] = {5};
	uint8_t m1[NOISE_OVERHEAD];
	uint8_t m2[4 + NOISE_OVERHEAD];
	uint8_t out[4];
	struct noise_state before;
	struct pair p;

	(void)state;
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(
	    noise_write_m1(&p.client, p.client_ephemeral, NULL, 0, m1), SR_OK);
	assert_int_equal(noise_read_m1(&p.server, m1, sizeof(m1), out), SR_OK);
	assert_int_equal(
	    noise_write_m2(&p.server, p.server_ephemeral, "0123", 4, m2),
	    SR_OK);
	before = p.client;
	for (size_t i = 0; i < 8 * sizeof(m2); i++) {
		m2[i / 8] ^= (uint8_t)(1 << i % 8);
		p.client = before;
		assert_int_equal(
		    noise_read_m2(&p.client, m2, sizeof(m2), out), SR_CRYPTO);
		assert_int_equal(p.client.phase, NOISE_DEAD);
		m2[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	p.client = before;
	assert_int_equal(noise_read_m2(&p.client, m2, sizeof(m2), out), SR_OK);
}

static void
given_another_psk_or_prologue_then_m1_is_refused(void **state)
{
	static const uint8_t psk[32] = {5};
	static const uint8_t other[32] = {6};
	uint8_t m1[NOISE_OVERHEAD];
	uint8_t out[1];
	struct pair p;

	(void)state;
	pair_begin(&p, psk, other, "prologue");
	assert_int_equal(
	    noise_write_m1(&p.client, p.client_ephemeral, NULL, 0, m1), SR_OK);
	assert_int_equal(
	    noise_read_m1(&p.server, m1, sizeof(m1), out), SR_CRYPTO);
	pair_begin(&p, psk, psk, "PROLOGUE");
	assert_int_equal(
	    noise_read_m1(&p.server, m1, sizeof(m1), out), SR_CRYPTO);
}

static void
given_a_key_of_small_order_then_nothing_is_sent_or_accepted(void **state)
{
	static const uint8_t zeros[32];
	static const uint8_t psk[32];
	static const uint8_t ephemeral[32] = {9};
	uint8_t m1[NOISE_OVERHEAD] = {0};
	uint8_t out[NOISE_OVERHEAD];
	struct noise_state client;
	struct pair p;

	(void)state;
	noise_init_initiator(&client, NULL, 0, zeros, psk);
	assert_int_equal(
	    noise_write_m1(&client, ephemeral, NULL, 0, out), SR_CRYPTO);
	assert_int_equal(client.phase, NOISE_DEAD);
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(
	    noise_read_m1(&p.server, m1, sizeof(m1), out), SR_CRYPTO);
	assert_int_equal(noise_dh(out, ephemeral, zeros), SR_CRYPTO);
	assert_memory_equal(out, zeros, 32);
}

static void
given_a_call_out_of_order_then_it_is_refused_and_the_state_dead(void **state)
{
	static const uint8_t psk[32] = {5};
	uint8_t m1[NOISE_OVERHEAD];
	uint8_t k1[32], k2[32], hash[64];
	struct pair p;

	(void)state;
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(noise_split(&p.client, k1, k2, hash), SR_INTERNAL);
	assert_int_equal(
	    noise_write_m1(&p.client, p.client_ephemeral, NULL, 0, m1),
	    SR_INTERNAL);
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(
	    noise_write_m2(&p.server, p.server_ephemeral, NULL, 0, m1),
	    SR_INTERNAL);
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(
	    noise_write_m1(&p.client, p.client_ephemeral, NULL, 0, m1), SR_OK);
	assert_int_equal(
	    noise_write_m1(&p.client, p.client_ephemeral, NULL, 0, m1),
	    SR_INTERNAL);
	pair_begin(&p, psk, psk, "prologue");
	assert_int_equal(noise_write_m1(&p.client, p.client_ephemeral, m1,
			     NOISE_MESSAGE_MAX, m1),
	    SR_TOO_LARGE);
}

static void
x25519_check(const struct figures *f, void *context)
{
	static const uint8_t zeros[32];
	unsigned *count = context;
	struct bytes public_key, private_key, shared;
	uint8_t out[32];
	enum sr_error expected = SR_OK;

	if (figures_text(f, "shared") == NULL)
		return;
	figures_bytes(f, "public", &public_key);
	figures_bytes(f, "private", &private_key);
	figures_bytes(f, "shared", &shared);
	if (memcmp(shared.at, zeros, 32) == 0)
		expected = SR_CRYPTO;
	assert_int_equal(
	    noise_dh(out, private_key.at, public_key.at), expected);
	assert_memory_equal(out, shared.at, 32);
	(*count)++;
}

static void
given_wycheproofs_figures_then_x25519_agrees(void **state)
{
	unsigned count = 0;

	(void)state;
	if (figures_each("wy_x25519.json", x25519_check, &count))
		assert_true(count > 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_published_keys_then_every_message_is_the_published),
	    cmocka_unit_test(
		given_the_folders_handshakes_then_they_come_out_the_same),
	    cmocka_unit_test(given_any_flipped_bit_of_m1_then_it_is_refused),
	    cmocka_unit_test(given_any_flipped_bit_of_m2_then_it_is_refused),
	    cmocka_unit_test(given_another_psk_or_prologue_then_m1_is_refused),
	    cmocka_unit_test(
		given_a_key_of_small_order_then_nothing_is_sent_or_accepted),
	    cmocka_unit_test(
		given_a_call_out_of_order_then_it_is_refused_and_the_state_dead),
	    cmocka_unit_test(given_wycheproofs_figures_then_x25519_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
