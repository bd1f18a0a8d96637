/* SPDX-License-Identifier: ISC */
/*
 * The floor of an audit: what nobody who checks so many orders and batches can
 * leave out, done on one transfer again and again.
 *
 *	bench_verify ORDERS BATCHES JOBS
 *
 * An order costs its signature, the checksum and hash of its frame, the leaf
 * and a node of the tree, the opening of its seal and the commitment; a batch
 * costs keyd's signature.  Prints the seconds that it took.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "client/verify/workers.h"
#include "common/journal.h"
#include "common/merkle.h"
#include "common/note.h"

struct floor {
	size_t orders;
	uint8_t segment_key[32];
	uint8_t frame[JOURNAL_FRAME_MAX];
	size_t frame_len;
	uint8_t public[32];
	uint8_t order[ORDER_LEN];
	uint8_t signature[ORDER_SIGNATURE_LEN];
	struct checkpoint checkpoint;
	uint8_t note_signature[NOTE_SIGNATURE_LEN];
};

static void
must(bool good)
{
	if (good)
		return;
	fprintf(stderr, "bench_verify: see its first comment\n");
	exit(1);
}

static void
prepare(struct floor *all)
{
	struct order order = {.kind = ORDER_TRANSFER, .amount_minor = 1};
	struct entry_order entry = {
	    .order = all->order, .signature = all->signature};
	struct journal_header header = {.random = {1}};
	uint8_t committed[ENTRY_MAX], secret[64];
	struct journal_plain plain = {
	    .committed = committed, .touched_count = 2};
	struct journal_leaf leaf;
	static const uint8_t bank_id[32] = {2};

	must(crypto_sign_keypair(all->public, secret) == 0);
	order_encode(&order, all->order);
	must(order_sign(all->order, secret, all->signature) == SR_OK);
	must(entry_order_encode(&entry, committed, sizeof(committed),
		 &plain.committed_len) == SR_OK);
	must(journal_seal(all->segment_key, &header, &plain, all->frame,
		 sizeof(all->frame), &all->frame_len, &leaf) == SR_OK);
	note_origin(bank_id, 1, all->checkpoint.origin);
	all->checkpoint.size = 1;
	must(note_sign(&all->checkpoint, secret, all->note_signature) == SR_OK);
}

static void
piece(void *context, size_t index)
{
	const struct floor *all = context;
	uint8_t buffer[JOURNAL_PLAIN_MAX], hash[32];
	struct journal_frame frame;
	struct journal_plain plain;
	struct journal_leaf leaf;

	if (index >= all->orders) {
		must(note_verify_raw(&all->checkpoint, all->public,
			 all->note_signature) == SR_OK);
		return;
	}
	must(journal_frame_parse(all->frame, all->frame_len, &frame) == SR_OK);
	journal_frame_leaf(&frame, &leaf);
	journal_leaf_hash(&leaf, hash);
	merkle_node_hash(hash, hash, hash);
	must(journal_open(all->segment_key, &frame, buffer, &plain) == SR_OK);
	must(order_verify(all->order, all->signature, all->public) == SR_OK);
}

int
main(int argc, char *argv[])
{
	static struct floor all;
	struct timespec begin, end;
	size_t batches;

	must(argc == 4 && sodium_init() >= 0);
	all.orders = strtoul(argv[1], NULL, 10);
	batches = strtoul(argv[2], NULL, 10);
	prepare(&all);
	must(clock_gettime(CLOCK_MONOTONIC, &begin) == 0);
	workers_run((unsigned)strtoul(argv[3], NULL, 10), all.orders + batches,
	    piece, &all);
	must(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
	printf("%.6f\n", (double)(end.tv_sec - begin.tv_sec) +
			     (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
	return 0;
}
