/* SPDX-License-Identifier: ISC */
/*
 * Durable signed transfers over TCP: N sessions, one customer each, who pay
 * another customer without a pause for some seconds.
 *
 *	bench_transfers --bank F --seconds S --payee NAME USER PASSWORD ...
 *
 * Prints one line: orders, orders a second, latency in microseconds (median,
 * 99th and 99.9th percentile), and this program's own CPU in microseconds an
 * order.  An order is built, signed, sealed and sent as the ATM does it, but
 * not kept on disk before: what is measured is the bank.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <sodium.h>

#include "common/ids.h"
#include "tests/lib/teller.h"

enum {
	SESSIONS_MAX = 256,
	SAMPLES_MAX = 1 << 18, /* a session's */
};

struct payer {
	struct teller teller;
	const char *password;
	pthread_t thread;
	uint64_t payee;
	uint64_t end_ns;
	uint32_t *sample_us;
	size_t samples;
};

static void
must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_transfers: %s\n", what);
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "no clock");
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void
log_in(struct payer *payer, const struct bankfile *bank, const char *name)
{
	struct login_options options = {.bank = bank};
	struct login_credential credential = {.name = name,
	    .password = payer->password,
	    .password_len = strlen(payer->password)};

	payer->teller.bank = *bank;
	must(bank_enter(&payer->teller.session, &options, &credential) == SR_OK,
	    name);
}

static void
pay_once(struct payer *payer)
{
	struct message_order_answer answer;
	struct teller_order sent = {0};
	struct teller *teller = &payer->teller;
	struct order order;

	teller_order_begin(teller, &order);
	order.kind = ORDER_TRANSFER;
	order.debit = teller->session.login.welcome.account;
	order.credit = account_id(payer->payee, ACCOUNT_INDEX_MAIN);
	order.amount_minor = 1;
	order_attachment_hash(NULL, 0, order.attachment_hash);
	order_encode(&order, sent.order);
	must(order_sign(sent.order, teller->session.login.keys.signing_secret,
		 sent.signature) == SR_OK,
	    "signing failed");
	must(teller_submit(teller, &sent, &answer) == SR_OK, "no answer");
	must(answer.error == SR_OK, error_sentence(answer.error));
	must(answer.outcome == SR_OK, error_sentence(answer.outcome));
}

static void *
pay(void *context)
{
	struct payer *payer = context;
	uint64_t before = now_ns(), after;

	while (before < payer->end_ns && payer->samples < SAMPLES_MAX) {
		pay_once(payer);
		after = now_ns();
		payer->sample_us[payer->samples++] =
		    (uint32_t)((after - before) / 1000);
		before = after;
	}
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
report(struct payer *payers, size_t count, double seconds)
{
	uint32_t *all;
	struct rusage usage;
	size_t total = 0, at = 0;
	double own_us;

	for (size_t i = 0; i < count; i++)
		total += payers[i].samples;
	must(total > 0, "nothing was booked");
	all = malloc(total * sizeof(*all));
	must(all != NULL, "no memory");
	for (size_t i = 0; i < count; i++) {
		memcpy(all + at, payers[i].sample_us,
		    payers[i].samples * sizeof(*all));
		at += payers[i].samples;
	}
	qsort(all, total, sizeof(*all), by_size);
	must(getrusage(RUSAGE_SELF, &usage) == 0, "no usage");
	own_us = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	printf("sessions %zu orders %zu rate %.0f p50_us %" PRIu32
	       " p99_us %" PRIu32 " p999_us %" PRIu32 " generator_us %.1f\n",
	    count, total, (double)total / seconds, all[total / 2],
	    all[total * 99 / 100], all[total * 999 / 1000],
	    own_us / (double)total);
	free(all);
}

int
main(int argc, char *argv[])
{
	static struct payer payers[SESSIONS_MAX];
	static struct bankfile bank;
	char message[BANKFILE_MESSAGE_MAX];
	size_t count = 0;
	uint64_t begin;
	double seconds;
	int at = 7;

	must(sodium_init() >= 0, "libsodium does not start");
	must(argc >= 9 && (argc - at) % 2 == 0, "see its first comment");
	must(bankfile_read(argv[2], &bank, message) == SR_OK, message);
	seconds = strtod(argv[4], NULL);
	for (; at + 1 < argc && count < SESSIONS_MAX; at += 2, count++) {
		struct payer *payer = &payers[count];

		payer->password = argv[at + 1];
		payer->sample_us = calloc(SAMPLES_MAX, sizeof(uint32_t));
		must(payer->sample_us != NULL, "no memory");
		log_in(payer, &bank, argv[at]);
	}
	must(bank_find(&payers[0].teller.session, argv[6], &payers[0].payee) ==
		 SR_OK,
	    argv[6]);
	begin = now_ns();
	for (size_t i = 0; i < count; i++) {
		payers[i].payee = payers[0].payee;
		payers[i].end_ns = begin + (uint64_t)(seconds * 1e9);
		must(pthread_create(&payers[i].thread, NULL, pay, &payers[i]) ==
			 0,
		    "no thread");
	}
	for (size_t i = 0; i < count; i++)
		must(pthread_join(payers[i].thread, NULL) == 0, "no join");
	report(payers, count, (double)(now_ns() - begin) / 1e9);
	for (size_t i = 0; i < count; i++)
		bank_leave(&payers[i].teller.session);
	return 0;
}
