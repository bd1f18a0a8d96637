/* SPDX-License-Identifier: ISC */
/*
 * Log-ins of many customers at once, for some seconds:
 *
 *	bench_logins BANK-FILE SECONDS CLIENTS
 *
 * Each client is a process with a name of its own, registered first, that logs
 * in and hangs up, over and over.  The passwords are not stretched: Argon2id
 * is some 70 ms of the client's own time, and no machine has clients enough
 * to tire a bank with it.  Prints how many there were, in all, and the CPU
 * time of the clients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "tests/lib/unstretched.h"

enum { CLIENTS_MAX = 256 };

#define PASSWORD "a password for figures"

/* Another run of another number of clients has other names. */
static const char *
name_of(unsigned client, unsigned clients)
{
	static char name[PAYLOAD_NAME_MAX + 1];

	snprintf(name, sizeof(name), "client-%03u-of-%03u", client, clients);
	return name;
}

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "bench_logins: %s\n", what);
	exit(1);
}

static double
now_s(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		fail("no clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until end_s; the number goes to the parent. */
static _Noreturn void
client(const struct login_options *options, const char *name, double end_s,
    int parent)
{
	unsigned count = 0;

	for (; now_s() < end_s; count++)
		unstretched_log_in(options, name, PASSWORD);
	if (write(parent, &count, sizeof(count)) != sizeof(count))
		fail("write");
	exit(0);
}

/* What they did together. */
static unsigned
gather(unsigned clients, int from)
{
	unsigned sum = 0, count;
	int status;

	for (unsigned i = 0; i < clients; i++) {
		if (wait(&status) < 0 || status != 0)
			fail("a client failed");
		if (read(from, &count, sizeof(count)) != sizeof(count))
			fail("read");
		sum += count;
	}
	return sum;
}

int
main(int argc, char *argv[])
{
	static struct bankfile bank;
	struct login_options options = {.bank = &bank};
	char message[BANKFILE_MESSAGE_MAX];
	struct rusage usage;
	unsigned clients, sum;
	double begin_s, end_s, cpu_s;
	int ends[2];

	if (argc != 4 || sodium_init() < 0 ||
	    bankfile_read(argv[1], &bank, message) != SR_OK)
		fail("BANK-FILE SECONDS CLIENTS");
	clients = (unsigned)strtoul(argv[3], NULL, 10);
	if (clients < 1 || clients > CLIENTS_MAX || pipe(ends) != 0)
		fail("1 to 256 clients");
	for (unsigned i = 0; i < clients; i++)
		unstretched_register(&options, name_of(i, clients), PASSWORD);
	begin_s = now_s();
	end_s = begin_s + strtod(argv[2], NULL);
	for (unsigned i = 0; i < clients; i++) {
		pid_t child = fork();

		if (child < 0)
			fail("fork");
		if (child == 0)
			client(&options, name_of(i, clients), end_s, ends[1]);
	}
	sum = gather(clients, ends[0]);
	end_s = now_s();
	if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
		fail("getrusage");
	cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	printf("log_ins %u rate %.1f clients_cpu_s %.2f\n", sum,
	    sum / (end_s - begin_s), cpu_s);
	return 0;
}
