/* SPDX-License-Identifier: ISC */
/*
 * How long a bank takes from M1 to M2 as somebody on the network sees it, for
 * names that are registered and names that are not, in turns that chance
 * decides:
 *
 *	login_wire BANK-FILE NAMES ATTEMPTS PLANT-US [CREDENTIALS]
 *
 * NAMES are registered first, with passwords that are not stretched: that is
 * the client's own affair.  Each of two times ATTEMPTS log-ins gives a line
 * "KNOWN NANOSECONDS LENGTH" as login_times does.  PLANT-US is waited within
 * the measure for known names.  The pages of the file CREDENTIALS are dropped
 * from memory before each attempt, as in a bank that rests most of the day.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "tests/lib/unstretched.h"

enum { ATTEMPTS_A_NAME = 4 };

static struct bankfile bank;
static struct attempt attempt;
static const struct login_options options = {.bank = &bank};
static int credentials = -1;

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "login_wire: %s\n", what);
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		fail("no clock");
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Names of one length, so that only the bank knows the difference. */
static const char *
name_of(bool known, unsigned number)
{
	static char name[PAYLOAD_NAME_MAX + 1];

	snprintf(
	    name, sizeof(name), "%s-%05u", known ? "known" : "other", number);
	return name;
}

static void
plant(unsigned plant_us)
{
	struct timespec wait = {.tv_nsec = (long)plant_us * 1000};

	if (plant_us > 0 && nanosleep(&wait, NULL) != 0)
		fail("nanosleep");
}

static void
attempt_once(unsigned turn, unsigned plant_us)
{
	struct opaque_client_login login;
	bool known = turn % 2 == 1;
	uint8_t ephemeral[32], body[FRAME_M1_LEN];
	struct payload_m1 m1;
	struct payload_m2 m2;
	uint64_t began_ns, took_ns;

	unstretched_begin(&attempt, &options, OPERATION_LOG_IN,
	    name_of(known, turn / 2 / ATTEMPTS_A_NAME), &m1);
	unstretched_start_login(&login, &m1, "another");
	randombytes_buf(ephemeral, sizeof(ephemeral));
	if (handshake_m1_seal(&attempt.hs, attempt.hello_bytes,
		attempt.certificate.noise_key, 0, 0, (const uint8_t[32]){0},
		ephemeral, &m1, body) != SR_OK)
		fail("M1");
	if (credentials >= 0 &&
	    posix_fadvise(credentials, 0, 0, POSIX_FADV_DONTNEED) != 0)
		fail("posix_fadvise");
	began_ns = now_ns();
	plant(known ? plant_us : 0);
	if (link_write(&attempt.link, FRAME_M1, body, sizeof(body)) != SR_OK ||
	    link_read(&attempt.link, &attempt.frame) != SR_OK)
		fail("no M2");
	took_ns = now_ns() - began_ns;
	if (attempt.frame.type != FRAME_M2 ||
	    handshake_m2_open(&attempt.hs, attempt.frame.body, &m2) != SR_OK ||
	    (m2.status != SR_OK && m2.status != SR_LATER))
		fail("M2 is not that of an attempt");
	/* names may share a bucket: what was not evaluated does not count */
	if (m2.status == SR_OK)
		printf("%d %llu %zu\n", known ? 1 : 0,
		    (unsigned long long)took_ns, attempt.frame.len);
	attempt_end(&attempt);
}

int
main(int argc, char *argv[])
{
	char message[BANKFILE_MESSAGE_MAX];
	unsigned names, attempts, plant_us, *turns;

	if (argc < 5 || sodium_init() < 0 ||
	    bankfile_read(argv[1], &bank, message) != SR_OK)
		fail("BANK-FILE NAMES ATTEMPTS PLANT-US [CREDENTIALS]");
	names = (unsigned)atoi(argv[2]);
	attempts = (unsigned)atoi(argv[3]);
	plant_us = (unsigned)atoi(argv[4]);
	if (attempts < 1 || attempts > names * ATTEMPTS_A_NAME)
		fail("four attempts a name");
	if (argc > 5 && (credentials = open(argv[5], O_RDONLY)) < 0)
		fail(argv[5]);
	for (unsigned i = 0; i < names; i++)
		unstretched_register(&options, name_of(true, i), "a password");
	turns = calloc(2 * (size_t)attempts, sizeof(*turns));
	if (turns == NULL)
		fail("no memory");
	for (unsigned i = 0; i < 2 * attempts; i++) {
		unsigned other = randombytes_uniform(i + 1);

		turns[i] = turns[other];
		turns[other] = i;
	}
	for (unsigned i = 0; i < 2 * attempts; i++)
		attempt_once(turns[i], plant_us);
	free(turns);
	return 0;
}
