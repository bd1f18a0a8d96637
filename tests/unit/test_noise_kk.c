/* SPDX-License-Identifier: ISC */
/* Noise KK: a published handshake, and nothing altered passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/aead.h"
#include "common/noise_kk.h"
#include "tests/lib/figures.h"

/* A published handshake of this very pattern (cacophony's figures). */
static const char *const cacophony[][2] = {
    {"init_prologue", "4a6f686e2047616c74"},
    {"init_static",
	"e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"},
    {"init_ephemeral",
	"893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"},
    {"init_remote_static",
	"31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62"},
    {"resp_static",
	"4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"},
    {"resp_ephemeral",
	"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"},
    {"resp_remote_static",
	"6bc3822a2aa7f4e6981d6538692b3cdf3e6df9eea6ed269eb41d93c22757b75a"},
    {"handshake_hash",
	"5a4a51f1ca26b9b90959b5ee6969c2e033d7e22eb0cba1292eea4ad14120b461"
	"ae662cd570a18ff2114d1ea6a6d137876b4b00773d0db3ab486b7e6e83f55667"},
    {"payload1", "4c756477696720766f6e204d69736573"},
    {"message1",
	"ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
	"3dc7ac83f109398a11fb7390e6683d53b326b6456f28638ffe86dee5f38bb771"},
    {"payload2", "4d757272617920526f746862617264"},
    {"message2",
	"95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
	"014594ddf297e92b7927aa591f545ccec50efae8bc7b85aef1a104f7630cf8"},
    {"payload3", "462e20412e20486179656b"},
    {"message3", "44b1bb44e215cf03f8ae9b92df8a3dd06fe864f22c51f8ad9871a1"},
    {"payload4", "4361726c204d656e676572"},
    {"message4", "891391acbe76f40fa5b008aa5c9eb3290e124b30efad5671eede5a"},
};

#define FIGURES_LEN(f) (sizeof(f) / sizeof((f)[0]))

static const uint8_t ada_private[32] = {1, 2, 3};
static const uint8_t ben_private[32] = {4, 5, 6};
static const uint8_t eve_private[32] = {7, 8, 9};
static const uint8_t ada_ephemeral[32] = {8};
static const uint8_t ben_ephemeral[32] = {16};

/* Ada begins, Ben answers; each believes to know the other's key. */
struct pair {
	struct noise_kk ada;
	struct noise_kk ben;
};

static void
pair_of(struct pair *p, const uint8_t ada_has[32], const uint8_t ada_wants[32],
    const uint8_t ben_has[32], const uint8_t ben_wants[32],
    const char *ben_prologue)
{
	uint8_t wanted[32];

	noise_public_key(wanted, ada_wants);
	noise_kk_init_initiator(&p->ada, "prologue", 8, ada_has, wanted);
	noise_public_key(wanted, ben_wants);
	noise_kk_init_responder(
	    &p->ben, ben_prologue, strlen(ben_prologue), ben_has, wanted);
}

static void
pair_begin(struct pair *p)
{
	pair_of(
	    p, ada_private, ben_private, ben_private, ada_private, "prologue");
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
	struct bytes prologue, is, rs, ir, rr, e1, e2, h, payload, message;
	uint8_t keys[2][2][32], hash[2][64], out[256];
	struct noise_kk initiator, responder;

	(void)context;
	figures_bytes(f, "init_prologue", &prologue);
	figures_bytes(f, "init_static", &is);
	figures_bytes(f, "init_remote_static", &ir);
	figures_bytes(f, "resp_static", &rs);
	figures_bytes(f, "resp_remote_static", &rr);
	figures_bytes(f, "init_ephemeral", &e1);
	figures_bytes(f, "resp_ephemeral", &e2);
	figures_bytes(f, "handshake_hash", &h);
	noise_kk_init_initiator(
	    &initiator, prologue.at, prologue.len, is.at, ir.at);
	noise_kk_init_responder(
	    &responder, prologue.at, prologue.len, rs.at, rr.at);

	figures_bytes(f, "payload1", &payload);
	figures_bytes(f, "message1", &message);
	assert_int_equal(
	    noise_kk_write_m1(&initiator, e1.at, payload.at, payload.len, out),
	    SR_OK);
	assert_int_equal(message.len, payload.len + NOISE_KK_OVERHEAD);
	assert_memory_equal(out, message.at, message.len);
	assert_int_equal(
	    noise_kk_read_m1(&responder, message.at, message.len, out), SR_OK);
	assert_memory_equal(out, payload.at, payload.len);

	figures_bytes(f, "payload2", &payload);
	figures_bytes(f, "message2", &message);
	assert_int_equal(
	    noise_kk_write_m2(&responder, e2.at, payload.at, payload.len, out),
	    SR_OK);
	assert_memory_equal(out, message.at, message.len);
	assert_int_equal(
	    noise_kk_read_m2(&initiator, message.at, message.len, out), SR_OK);
	assert_memory_equal(out, payload.at, payload.len);

	assert_int_equal(
	    noise_kk_split(&initiator, keys[0][0], keys[0][1], hash[0]), SR_OK);
	assert_int_equal(
	    noise_kk_split(&responder, keys[1][0], keys[1][1], hash[1]), SR_OK);
	assert_memory_equal(hash[0], h.at, 64);
	assert_memory_equal(hash[1], h.at, 64);
	assert_memory_equal(keys[0], keys[1], sizeof(keys[0]));
	transport_check(f, "payload3", "message3", keys[0][0]);
	transport_check(f, "payload4", "message4", keys[0][1]);
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
	static const char *const keys[] = {"init_prologue", "init_static",
	    "init_remote_static", "resp_static", "resp_remote_static",
	    "init_ephemeral", "resp_ephemeral", "handshake_hash"};
	struct gathered *g = context;
	const char *name = figures_text(f, "protocol_name");
	size_t at = 2 * g->messages;

	if (strcmp(name, "Noise_KK_25519_ChaChaPoly_SHA512") != 0)
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
	for (size_t i = 0; i < 8; i++, at++) {
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

/* Each bit and each cut of m1 and m2; the states as they were before it. */
static void
altered_check(const struct noise_kk *before,
    enum sr_error (*read)(struct noise_kk *, const void *, size_t, uint8_t *),
    uint8_t *message, size_t len)
{
	static const uint8_t zeros[10];
	struct noise_kk state;
	uint8_t out[10];

	for (size_t i = 0; i < 8 * len; i++) {
		state = *before;
		message[i / 8] ^= (uint8_t)(1 << i % 8);
		memset(out, 1, sizeof(out));
		assert_int_equal(read(&state, message, len, out), SR_CRYPTO);
		assert_memory_equal(out, zeros, sizeof(out));
		assert_int_equal(state.phase, NOISE_KK_DEAD);
		message[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(read(&state, message, len, out), SR_INTERNAL);
	}
	for (size_t cut = 0; cut < len; cut++) {
		state = *before;
		assert_int_equal(read(&state, message, cut, out),
		    cut < NOISE_KK_OVERHEAD ? SR_MALFORMED : SR_CRYPTO);
	}
	state = *before;
	assert_int_equal(read(&state, message, len, out), SR_OK);
	assert_memory_equal(out, "0123456789", 10);
}

static void
given_any_flipped_bit_or_another_length_then_it_is_refused(void **state)
{
	uint8_t m1[10 + NOISE_KK_OVERHEAD], m2[10 + NOISE_KK_OVERHEAD];
	uint8_t out[10];
	struct pair p;

	(void)state;
	pair_begin(&p);
	assert_int_equal(
	    noise_kk_write_m1(&p.ada, ada_ephemeral, "0123456789", 10, m1),
	    SR_OK);
	altered_check(&p.ben, noise_kk_read_m1, m1, sizeof(m1));
	assert_int_equal(noise_kk_read_m1(&p.ben, m1, sizeof(m1), out), SR_OK);
	assert_int_equal(
	    noise_kk_write_m2(&p.ben, ben_ephemeral, "0123456789", 10, m2),
	    SR_OK);
	altered_check(&p.ada, noise_kk_read_m2, m2, sizeof(m2));
}

/* What Ben says of Ada's first message. */
static enum sr_error
m1_between(struct pair *p)
{
	uint8_t m1[NOISE_KK_OVERHEAD], out[1];

	assert_int_equal(
	    noise_kk_write_m1(&p->ada, ada_ephemeral, NULL, 0, m1), SR_OK);
	return noise_kk_read_m1(&p->ben, m1, sizeof(m1), out);
}

static void
given_another_key_or_prologue_then_the_first_message_is_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_of(
	    &p, eve_private, ben_private, ben_private, ada_private, "prologue");
	assert_int_equal(m1_between(&p), SR_CRYPTO);
	pair_of(
	    &p, ada_private, eve_private, ben_private, ada_private, "prologue");
	assert_int_equal(m1_between(&p), SR_CRYPTO);
	pair_of(
	    &p, ada_private, ben_private, ben_private, ada_private, "PROLOGUE");
	assert_int_equal(m1_between(&p), SR_CRYPTO);
	pair_begin(&p);
	assert_int_equal(m1_between(&p), SR_OK);
}

/* Only the last Diffie-Hellman of the answer, se, is of another key. */
static void
given_an_answer_to_another_key_then_it_is_refused(void **state)
{
	uint8_t m1[NOISE_KK_OVERHEAD], m2[NOISE_KK_OVERHEAD], out[1];
	struct pair p;
	uint8_t eve_public[32];

	(void)state;
	pair_begin(&p);
	assert_int_equal(
	    noise_kk_write_m1(&p.ada, ada_ephemeral, NULL, 0, m1), SR_OK);
	assert_int_equal(noise_kk_read_m1(&p.ben, m1, sizeof(m1), out), SR_OK);
	noise_public_key(eve_public, eve_private);
	memcpy(p.ben.peer_public, eve_public, 32);
	assert_int_equal(
	    noise_kk_write_m2(&p.ben, ben_ephemeral, NULL, 0, m2), SR_OK);
	assert_int_equal(
	    noise_kk_read_m2(&p.ada, m2, sizeof(m2), out), SR_CRYPTO);
}

/* An initiator's own message that comes back to it as an answer. */
static void
given_a_reflected_message_then_it_is_refused(void **state)
{
	uint8_t m1[NOISE_KK_OVERHEAD], out[1];
	struct pair p;

	(void)state;
	pair_begin(&p);
	assert_int_equal(
	    noise_kk_write_m1(&p.ada, ada_ephemeral, NULL, 0, m1), SR_OK);
	assert_int_equal(
	    noise_kk_read_m2(&p.ada, m1, sizeof(m1), out), SR_CRYPTO);
}

static void
given_a_key_of_small_order_then_nothing_is_sent_or_accepted(void **state)
{
	static const uint8_t zeros[32];
	uint8_t m1[NOISE_KK_OVERHEAD] = {0}, out[NOISE_KK_OVERHEAD];
	struct noise_kk ada;
	struct pair p;

	(void)state;
	noise_kk_init_initiator(&ada, NULL, 0, ada_private, zeros);
	assert_int_equal(
	    noise_kk_write_m1(&ada, ada_ephemeral, NULL, 0, out), SR_CRYPTO);
	assert_int_equal(ada.phase, NOISE_KK_DEAD);
	pair_begin(&p);
	assert_int_equal(
	    noise_kk_read_m1(&p.ben, m1, sizeof(m1), out), SR_CRYPTO);
	assert_int_equal(p.ben.phase, NOISE_KK_DEAD);
}

static void
given_a_call_out_of_order_then_it_is_refused_and_the_state_dead(void **state)
{
	static uint8_t large[NOISE_MESSAGE_MAX];
	uint8_t m1[NOISE_KK_OVERHEAD], k1[32], k2[32], hash[64];
	struct pair p;

	(void)state;
	pair_begin(&p);
	assert_int_equal(noise_kk_split(&p.ada, k1, k2, hash), SR_INTERNAL);
	assert_int_equal(
	    noise_kk_write_m1(&p.ada, ada_ephemeral, NULL, 0, m1), SR_INTERNAL);
	pair_begin(&p);
	assert_int_equal(
	    noise_kk_write_m2(&p.ben, ben_ephemeral, NULL, 0, m1), SR_INTERNAL);
	assert_int_equal(p.ben.phase, NOISE_KK_DEAD);
	pair_begin(&p);
	assert_int_equal(
	    noise_kk_write_m1(&p.ada, ada_ephemeral, NULL, 0, m1), SR_OK);
	assert_int_equal(
	    noise_kk_write_m1(&p.ada, ada_ephemeral, NULL, 0, m1), SR_INTERNAL);
	pair_begin(&p);
	assert_int_equal(
	    noise_kk_read_m1(&p.ada, m1, sizeof(m1), k1), SR_INTERNAL);
	assert_int_equal(
	    noise_kk_write_m1(&p.ben, ben_ephemeral, NULL, 0, m1), SR_INTERNAL);
	pair_begin(&p);
	assert_int_equal(noise_kk_write_m1(&p.ada, ada_ephemeral, large,
			     NOISE_MESSAGE_MAX, m1),
	    SR_TOO_LARGE);
	assert_int_equal(p.ada.phase, NOISE_KK_DEAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_published_keys_then_every_message_is_the_published),
	    cmocka_unit_test(
		given_the_folders_handshakes_then_they_come_out_the_same),
	    cmocka_unit_test(
		given_any_flipped_bit_or_another_length_then_it_is_refused),
	    cmocka_unit_test(
		given_another_key_or_prologue_then_the_first_message_is_refused),
	    cmocka_unit_test(given_an_answer_to_another_key_then_it_is_refused),
	    cmocka_unit_test(given_a_reflected_message_then_it_is_refused),
	    cmocka_unit_test(
		given_a_key_of_small_order_then_nothing_is_sent_or_accepted),
	    cmocka_unit_test(
		given_a_call_out_of_order_then_it_is_refused_and_the_state_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
