/* SPDX-License-Identifier: ISC */
/*
 * Log-ins, one after the other, for some seconds:
 *
 *	bench_logins --bank F --seconds S USER PASSWORD
 *
 * The client's part of each is an Argon2id run of some 70 ms, so one client
 * cannot tire keyd; tests/bench/run divides keyd's CPU time by the number of
 * log-ins that this prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "client/bank.h"

static double
now_s(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		abort();
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main(int argc, char *argv[])
{
	static struct bank_session session;
	static struct bankfile bank;
	char message[BANKFILE_MESSAGE_MAX];
	struct login_options options = {.bank = &bank};
	struct login_credential credential = {0};
	unsigned count = 0;
	double begin, end;

	if (argc != 7 || sodium_init() < 0 ||
	    bankfile_read(argv[2], &bank, message) != SR_OK) {
		fprintf(stderr, "bench_logins: see its first comment\n");
		return 64;
	}
	credential.name = argv[5];
	credential.password = argv[6];
	credential.password_len = strlen(argv[6]);
	begin = now_s();
	end = begin + strtod(argv[4], NULL);
	while (now_s() < end) {
		if (bank_enter(&session, &options, &credential) != SR_OK)
			return 1;
		bank_leave(&session);
		count++;
	}
	printf("log_ins %u rate %.1f\n", count, count / (now_s() - begin));
	return 0;
}
