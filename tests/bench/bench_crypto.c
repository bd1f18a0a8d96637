/* SPDX-License-Identifier: ISC */
/*
 * The floors under a log-in: what the primitives and the server's part of the
 * two protocols cost on one core.  Prints a table; it judges nothing.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "common/noise.h"
#include "common/opaque.h"
#include "common/oprf.h"

#define BENCH_MIN_NS INT64_C(300000000)
#define BENCH_M1_PAYLOAD_LEN 256
#define BENCH_M2_PAYLOAD_LEN 384

/* Everything that one operation of the table may need, made once. */
struct bench {
	uint8_t x_private[32], x_public[32], x_ephemeral[32];
	uint8_t sign_public[32], sign_private[64], signature[64];
	uint8_t order[208];
	uint8_t scalar[32], element[32];
	uint8_t psk[32];
	uint8_t m1[BENCH_M1_PAYLOAD_LEN + NOISE_OVERHEAD];
	struct opaque_server_keys keys;
	struct opaque_record record;
	struct opaque_server_random server_random;
	struct opaque_binding binding;
	struct opaque_ke1 ke1;
	struct opaque_ke3 ke3;
};

static void
bench_must(bool good)
{
	if (good)
		return;
	(void)fprintf(stderr, "bench_crypto: an operation failed\n");
	exit(1);
}

static int64_t
bench_now_ns(void)
{
	struct timespec now;

	bench_must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
run_x25519(struct bench *b)
{
	uint8_t shared[32];

	bench_must(noise_dh(shared, b->x_private, b->x_public) == SR_OK);
}

static void
run_sign(struct bench *b)
{
	bench_must(crypto_sign_ed25519_detached(b->signature, NULL, b->order,
		       sizeof(b->order), b->sign_private) == 0);
}

static void
run_verify(struct bench *b)
{
	bench_must(crypto_sign_ed25519_verify_detached(b->signature, b->order,
		       sizeof(b->order), b->sign_public) == 0);
}

static void
run_multiply(struct bench *b)
{
	uint8_t out[32];

	bench_must(oprf_multiply(out, b->scalar, b->element) == SR_OK);
}

/* M1 read, M2 written, split: all that the responder does. */
static void
run_noise(struct bench *b)
{
	struct noise_state state;
	uint8_t payload[BENCH_M2_PAYLOAD_LEN] = {0};
	uint8_t m2[BENCH_M2_PAYLOAD_LEN + NOISE_OVERHEAD];
	uint8_t k1[32], k2[32], hash[64];

	noise_init_responder(
	    &state, "prologue", 8, b->x_private, b->x_public, b->psk);
	bench_must(
	    noise_read_m1(&state, b->m1, sizeof(b->m1), payload) == SR_OK);
	bench_must(noise_write_m2(&state, b->x_ephemeral, payload,
		       sizeof(payload), m2) == SR_OK);
	bench_must(noise_split(&state, k1, k2, hash) == SR_OK);
}

/* KE1 answered, KE3 looked at (it need not be right to cost the same). */
static void
run_opaque(struct bench *b)
{
	struct opaque_server_login login;
	struct opaque_ke2 ke2;
	uint8_t session_key[64];

	bench_must(opaque_server_respond(&login, &ke2, &b->keys, &b->record,
		       "identifier", 10, &b->binding, &b->server_random,
		       &b->ke1) == SR_OK);
	bench_must(
	    opaque_server_verify(&login, &b->ke3, session_key) == SR_LOGIN);
}

static void
run_login(struct bench *b)
{
	run_noise(b);
	run_opaque(b);
}

/* As each log-in has it derived once the password-key was rotated. */
static void
run_pair(struct bench *b)
{
	uint8_t private_key[32], public_key[32];

	bench_must(opaque_derive_key_pair(
		       private_key, public_key, b->keys.oprf_seed) == SR_OK);
}

static void
run_login_rotated(struct bench *b)
{
	run_pair(b);
	run_login(b);
}

static void
bench_prepare(struct bench *b)
{
	static const struct opaque_password password = {"password", 8};
	struct opaque_client_random random;
	struct opaque_client_login client;
	struct noise_state state;
	uint8_t payload[BENCH_M1_PAYLOAD_LEN] = {0};
	uint8_t seed[64] = {1};

	memset(b, 0, sizeof(*b));
	randombytes_buf(b->x_private, sizeof(b->x_private));
	randombytes_buf(b->x_ephemeral, sizeof(b->x_ephemeral));
	noise_public_key(b->x_public, b->x_private);
	bench_must(
	    crypto_sign_ed25519_keypair(b->sign_public, b->sign_private) == 0);
	oprf_hash_to_group(b->element, "element", 7);
	crypto_core_ristretto255_scalar_random(b->scalar);
	noise_init_initiator(&state, "prologue", 8, b->x_public, b->psk);
	bench_must(noise_write_m1(&state, b->x_ephemeral, payload,
		       sizeof(payload), b->m1) == SR_OK);
	randombytes_buf(b->keys.oprf_seed, sizeof(b->keys.oprf_seed));
	bench_must(opaque_derive_key_pair(
		       b->keys.private_key, b->keys.public_key, seed) == SR_OK);
	bench_must(opaque_fake_record(&b->record, seed) == SR_OK);
	randombytes_buf(&random, sizeof(random));
	crypto_core_ristretto255_scalar_random(random.blind);
	bench_must(
	    opaque_login_start(&client, &b->ke1, &password, &random) == SR_OK);
}

static void
bench_run(struct bench *b, const char *name, void (*run)(struct bench *))
{
	int64_t start = bench_now_ns();
	int64_t taken_ns = 0;
	unsigned count = 0;

	while (taken_ns < BENCH_MIN_NS) {
		for (unsigned i = 0; i < 50; i++)
			run(b);
		count += 50;
		taken_ns = bench_now_ns() - start;
	}
	(void)printf("%-44s %8.1f us %10.0f /s\n", name,
	    (double)taken_ns / 1e3 / count, count * 1e9 / (double)taken_ns);
}

int
main(void)
{
	struct bench bench;

	bench_must(sodium_init() >= 0);
	bench_prepare(&bench);
	bench_run(&bench, "X25519", run_x25519);
	bench_run(&bench, "Ed25519 sign, 208 bytes", run_sign);
	bench_run(&bench, "Ed25519 verify, 208 bytes", run_verify);
	bench_run(&bench, "ristretto255 multiplication", run_multiply);
	bench_run(&bench, "Noise NKpsk0, responder's part", run_noise);
	bench_run(&bench, "OPAQUE, server's part of a log-in", run_opaque);
	bench_run(&bench, "both: one log-in in keyd", run_login);
	bench_run(&bench, "OPAQUE, key pair of an epoch", run_pair);
	bench_run(
	    &bench, "a log-in after a rotation of that", run_login_rotated);
	return fflush(stdout) == 0 ? 0 : 1;
}
