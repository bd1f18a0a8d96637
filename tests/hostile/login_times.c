/* SPDX-License-Identifier: ISC */
/*
 * How long keyd works on an M1, for names that are registered and names that
 * are not, in turns that chance decides:
 *
 *	login_times NAMES ATTEMPTS PLANT-US
 *
 * keyd stands in this process (keyd_world); NAMES are registered, and each of
 * two times ATTEMPTS log-ins gives a line "KNOWN NANOSECONDS LENGTH": 1 or 0,
 * the CPU time between handshake_1 in and handshake_2 out, the length of M2.
 * Five attempts at each name.  PLANT-US is burned within the measure
 * for known names, to see that a difference is found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "tests/lib/keyd_world.h"

enum {
	ATTEMPTS_A_NAME = 5,
	ATTEMPTS_AN_HOUR = 100,
	HOUR_MS = 3600000, /* in which a bucket forgets a charge */
};

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "login_times: %s\n", what);
	exit(1);
}

static uint64_t
cpu_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0)
		fail("no clock");
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
name_of(char name[PAYLOAD_NAME_MAX + 1], bool known, unsigned number)
{
	/* of one length, so that only the bank knows the difference */
	snprintf(name, PAYLOAD_NAME_MAX + 1, "%s-%05u",
	    known ? "known" : "other", number);
}

static void
wait_an_hour(struct world *w)
{
	sim_advance(w->sim, HOUR_MS);
	(void)world_run(w);
}

static void
register_names(struct world *w, unsigned names)
{
	char name[PAYLOAD_NAME_MAX + 1];

	for (unsigned i = 0; i < names; i++) {
		struct person person = {.name = name, .password = "a password"};

		if (i % ATTEMPTS_AN_HOUR == 0)
			wait_an_hour(w);
		name_of(name, true, i);
		if (world_register(w, &person) != SR_OK)
			fail("a registration");
	}
}

/* From handshake_1 on netd's link to handshake_2 on it; M2's length. */
static size_t
answer_m1(struct world *w, const struct attempt *a, uint64_t *took_ns,
    uint64_t plant_ns)
{
	static uint8_t bytes[MESSAGE_HANDSHAKE_1_MAX], packet[IPC_PACKET_MAX];
	struct message_handshake_1 m1 = {.generation = w->generation,
	    .connection = a->connection,
	    .body = a->m1,
	    .body_len = sizeof(a->m1)};
	struct message_handshake_2 m2;
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct ipc_message message;
	struct reader r;
	uint64_t begin_ns;
	size_t len;

	if (message_handshake_1_encode(&writer, &m1) != SR_OK)
		fail("handshake_1");
	begin_ns = cpu_ns();
	while (plant_ns > 0 && cpu_ns() - begin_ns < plant_ns)
		;
	if (env_send(&w->netd->env, ENV_KEYD, bytes, writer_len(&writer)) !=
	    SR_OK)
		fail("netd's link");
	while (env_receive(&w->netd->env, ENV_KEYD, false, packet,
		   sizeof(packet), &len) != SR_OK)
		if (keyd_step(w->keyd, 0) != SR_OK)
			fail("keyd's step");
	*took_ns = cpu_ns() - begin_ns;
	r = reader_of(packet, len);
	if (ipc_next(&r, false, &message) != SR_OK ||
	    message.type != MESSAGE_HANDSHAKE_2 ||
	    message_handshake_2_decode(message.body, message.len, &m2) != SR_OK)
		fail("no handshake_2");
	memcpy(w->m2, m2.body, sizeof(w->m2));
	return len;
}

/* The client goes away; keyd forgets the handshake. */
static void
leave(struct world *w, const struct attempt *a)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_GONE_MAX];
	struct message_handshake_gone gone = {
	    .generation = w->generation, .connection = a->connection};
	struct writer writer = writer_to(bytes, sizeof(bytes));

	if (message_handshake_gone_encode(&writer, &gone) != SR_OK)
		fail("handshake_gone");
	world_send(w, w->netd, ENV_KEYD, &writer);
}

/* False when keyd said "later": two names may share a bucket. */
static bool
attempt_once(struct world *w, unsigned turn, uint64_t plant_ns)
{
	char name[PAYLOAD_NAME_MAX + 1];
	struct person person = {.name = name, .password = "another"};
	bool known = turn % 2 == 1;
	struct payload_m2 m2;
	struct attempt a;
	uint64_t took_ns;
	size_t len;

	name_of(name, known, turn / 2 / ATTEMPTS_A_NAME);
	world_seal_m1(w, &person, &a, OPERATION_LOG_IN, 0, 0, NULL);
	len = answer_m1(w, &a, &took_ns, known ? plant_ns : 0);
	if (handshake_m2_open(&a.handshake, w->m2, &m2) != SR_OK)
		fail("M2 does not open");
	leave(w, &a);
	if (m2.status == SR_LATER)
		return false;
	if (m2.status != SR_OK)
		fail("M2 is not that of an attempt");
	printf(
	    "%d %llu %zu\n", known ? 1 : 0, (unsigned long long)took_ns, len);
	return true;
}

static void
shuffle(unsigned *turns, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		turns[i] = i;
	for (unsigned i = count - 1; i > 0; i--) {
		unsigned other = randombytes_uniform(i + 1);
		unsigned kept = turns[i];

		turns[i] = turns[other];
		turns[other] = kept;
	}
}

int
main(int argc, char *argv[])
{
	unsigned names, attempts, *turns;
	uint64_t plant_ns;
	struct world *w;

	if (argc != 4 || sodium_init() < 0)
		fail("NAMES ATTEMPTS PLANT-US");
	names = (unsigned)atoi(argv[1]);
	attempts = (unsigned)atoi(argv[2]);
	plant_ns = (uint64_t)atoi(argv[3]) * 1000;
	if (attempts < 1 || attempts > names * ATTEMPTS_A_NAME)
		fail("five attempts a name");
	turns = calloc(2 * (size_t)attempts, sizeof(*turns));
	if (turns == NULL)
		fail("no memory");
	w = world_new(1);
	world_found(w);
	register_names(w, names);
	shuffle(turns, 2 * attempts);
	for (unsigned i = 0; i < 2 * attempts; i++) {
		if (i % ATTEMPTS_AN_HOUR == 0)
			wait_an_hour(w);
		while (!attempt_once(w, turns[i], plant_ns))
			wait_an_hour(w);
	}
	world_free(w);
	free(turns);
	return 0;
}
