/* SPDX-License-Identifier: ISC */
/*
 * What a log-in costs keyd's own code: many in one process, over a simulated
 * disk and simulated links, the client's part not counted.  Beside it stands
 * the floor of bench_crypto: the same curve operations alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "tests/lib/keyd_world.h"

enum { LOG_INS = 500 };

static void
must(bool good)
{
	if (good)
		return;
	fprintf(stderr, "bench_keyd_logins: a log-in failed\n");
	exit(1);
}

static double
cpu_us(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* One, and what it cost keyd. */
static double
log_in(struct world *w, struct person *p)
{
	const struct opaque_password password = {
	    p->password, strlen(p->password)};
	struct opaque_client_result result;
	struct opaque_binding binding;
	struct payload_m3 m3 = {0};
	struct payload_m2 m2;
	struct attempt a;
	double begin, spent;

	world_forget(w);
	world_seal_m1(w, p, &a, OPERATION_LOG_IN, SLOT_PASSWORD, 0, NULL);
	begin = cpu_us();
	world_send_m1(w, a.connection, w->generation, a.m1, sizeof(a.m1));
	spent = cpu_us() - begin;
	must(w->m2_connection == a.connection &&
	     handshake_m2_open(&a.handshake, w->m2, &m2) == SR_OK &&
	     m2.status == SR_OK);
	binding = handshake_binding(&a.handshake);
	must(opaque_login_finish(&a.login, &m3.ke3, &result, &password, &m2.ke2,
		 &binding, OPAQUE_STRETCH_NONE) == SR_OK);
	must(handshake_m3_seal(&a.handshake, &m3, a.m3) == SR_OK);
	begin = cpu_us();
	world_send_m3(w, a.connection, w->generation, a.m3, sizeof(a.m3));
	spent += cpu_us() - begin;
	must(w->opens == 1);
	memcpy(p->device_token, w->open.device_token, DEVICE_TOKEN_LEN);
	return spent;
}

int
main(void)
{
	struct person ada = {.name = "ada", .password = "secret"};
	struct world *w = world_new(1);
	double spent = 0;

	world_found(w);
	must(world_register(w, &ada) == SR_OK);
	for (unsigned i = 0; i < LOG_INS; i++)
		spent += log_in(w, &ada);
	printf("keyd_us %.1f\n", spent / LOG_INS);
	world_free(w);
	return 0;
}
