/* SPDX-License-Identifier: ISC */
/*
 * What is retired: only what an auditor has certified and two operators have
 * given up goes, keyd gives its keys to nobody from then on, and whenever the
 * power fails each segment is there, whole, or its leaves are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "keyd/log_keys.h"
#include "keyd/retention.h"
#include "ledgerd/commit.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/leaves.h"
#include "ledgerd/tiles_catch_up.h"
#include "tests/lib/audited_bank.h"

static struct audited_bank a;
static struct order_certify certified;

/* Snapshot 3 is certified, and there are two more. */
static int
set_up(void **state)
{
	(void)state;
	audited_begin(&a, 11);
	audited_pay_until(&a, 3);
	certified = audited_last(&a);
	if (audited_certify(&a, &a.eve, &certified) != SR_OK)
		return -1;
	audited_pay_until(&a, 5);
	return certified.segment > 1 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(a.bank);
	return 0;
}

static uint32_t
cut(void)
{
	return a.bank->keyd->state.cut.number == 0
		   ? 0
		   : a.bank->keyd->state.cut.segment;
}

static uint32_t
last_segment(void)
{
	return a.bank->ledgerd->segments.number;
}

/* Everything before the cut is retired, and nothing else. */
static void
assert_gone(uint32_t segment)
{
	size_t len;

	for (uint32_t i = 0; i <= last_segment(); i++) {
		assert_int_equal(audited_has_segment(&a, i), i >= segment);
		assert_int_equal(audited_has_leaves(&a, i), i < segment);
	}
	assert_null(
	    sim_file(a.bank->ledgerd_room, "ledger/segment/retired", &len));
	assert_null(
	    sim_file(a.bank->ledgerd_room, "ledger/segment/leaves.part", &len));
}

static void
given_a_certificate_when_two_operators_agree_then_what_is_before_it_goes(
    void **state)
{
	static struct archive_frame frame;
	struct message_order_answer answer;
	uint64_t first;

	(void)state;
	assert_gone(0);
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	assert_int_equal(cut(), certified.segment);
	assert_gone(certified.segment);
	assert_true(audited_has_snapshot(&a, 3));
	/* what is not retired can be read, from its first leaf on */
	assert_int_equal(segments_first_seq(&a.bank->ledgerd->segments,
			     certified.segment, &first),
	    SR_OK);
	assert_true(first % ARCHIVE_STEP != 0);
	assert_int_equal(archive_leaf(a.bank->ledgerd, first, &frame), SR_OK);
	assert_int_equal(
	    archive_leaf(a.bank->ledgerd, first - 1, &frame), SR_RETIRED);
	/* once is enough */
	assert_int_equal(audited_retire(&a, &certified), SR_NOT_FOUND);
	assert_int_equal(sim_bank_restart(a.bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(cut(), certified.segment);
	assert_gone(certified.segment);
	audited_log_in(&a);
	assert_int_equal(sim_transfer(a.bank, &a.people.ada,
			     a.people.bob.m4.account, 1, &answer),
	    SR_OK);
	/* and again, further on */
	certified = audited_last(&a);
	assert_int_equal(audited_certify(&a, &a.eve, &certified), SR_OK);
	assert_true(audited_has_snapshot(&a, 3));
	audited_pay_until(&a, certified.snapshot + 1);
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	assert_gone(certified.segment);
	assert_true(!audited_has_snapshot(&a, 3));
	assert_int_equal(sim_bank_restart(a.bank, SIM_KEEP_ALL), SR_OK);
	assert_gone(certified.segment);
}

/* Where the journal's frames were is not where the leaves that stay are. */
static void
given_retired_segments_when_the_public_tree_is_lost_then_made_of_leaves(
    void **state)
{
	struct ledgerd *ledgerd = a.bank->ledgerd;
	static struct leaves leaves;
	uint8_t bytes[JOURNAL_LEAF_LEN];
	struct journal_leaf leaf;

	(void)state;
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	leaves_init(&leaves);
	for (uint64_t i = ledgerd->tree.size; i-- > 0;) {
		assert_int_equal(leaves_seek(ledgerd, &leaves, i), SR_OK);
		assert_int_equal(leaves_read(ledgerd, &leaves, bytes), SR_OK);
		assert_int_equal(journal_leaf_decode(bytes, &leaf), SR_OK);
		assert_int_equal(leaf.seq, i);
	}
	leaves_close(&leaves, ledgerd->env);
	tiles_lose(ledgerd, TILES_FROM_JOURNAL);
	for (unsigned i = 0; i < 1000 && ledgerd->tiles.state != TILES_CURRENT;
	     i++)
		assert_int_equal(tiles_step(ledgerd, false), SR_OK);
	assert_int_equal(ledgerd->tiles.state, TILES_CURRENT);
}

static void
given_less_than_that_when_they_ask_then_nothing_goes(void **state)
{
	struct order_retire right = {.snapshot = certified.snapshot}, wrong;
	struct sim_person *one = &a.people.operators[0];
	uint8_t hash[ORDER_HASH_LEN];
	struct order_certify newest;
	uint64_t leaf;

	(void)state;
	memcpy(right.hash, certified.hash, sizeof(right.hash));
	/* nobody but operators */
	assert_int_equal(
	    audited_ask(&a, &a.people.ada, &right, &leaf, hash), SR_ROLE);
	assert_int_equal(audited_ask(&a, &a.eve, &right, &leaf, hash), SR_ROLE);
	/* another snapshot, one that nobody has certified, and none */
	wrong = right;
	wrong.hash[0] ^= 1;
	assert_int_equal(
	    audited_ask(&a, one, &wrong, &leaf, hash), SR_NOT_FOUND);
	newest = audited_last(&a);
	wrong.snapshot = newest.snapshot - 1;
	assert_int_equal(
	    audited_ask(&a, one, &wrong, &leaf, hash), SR_NOT_FOUND);
	wrong.snapshot = 99;
	assert_int_equal(
	    audited_ask(&a, one, &wrong, &leaf, hash), SR_NOT_FOUND);
	/* one of them alone */
	assert_int_equal(audited_ask(&a, one, &right, &leaf, hash), SR_OK);
	assert_int_equal(audited_approve(&a, one, leaf, hash), SR_OWN_REQUEST);
	assert_int_equal(
	    audited_approve(&a, &a.people.ada, leaf, hash), SR_ROLE);
	assert_int_equal(audited_approve(&a, &a.eve, leaf, hash), SR_ROLE);
	/* the newest is certified meanwhile: a start needs the one before */
	assert_int_equal(audited_certify(&a, &a.eve, &newest), SR_OK);
	assert_int_equal(
	    audited_approve(&a, &a.people.operators[1], leaf, hash),
	    SR_NOT_FOUND);
	assert_int_equal(audited_retire(&a, &newest), SR_NOT_FOUND);
	assert_int_equal(cut(), 0);
	assert_gone(0);
	/* until there is another */
	audited_pay_until(&a, newest.snapshot + 1);
	assert_int_equal(audited_retire(&a, &newest), SR_OK);
	assert_gone(newest.segment);
}

/* ---- what keyd thinks of it -------------------------------------------------- */

enum {
	SIGNED = ORDER_LEN + ORDER_SIGNATURE_LEN,
	REQUEST_LEN = SIGNED + ORDER_RETIRE_LEN,
	PROOF_LEN = REQUEST_LEN + SIGNED + ORDER_APPROVE_LEN,
};

struct told {
	uint8_t bytes[PROOF_LEN];
	struct entry_retention says;
	size_t len;
};

static void
put(uint8_t *to, const struct sim_order *order, size_t attachment_len)
{
	memcpy(to, order->bytes, ORDER_LEN);
	memcpy(to + ORDER_LEN, order->signature, ORDER_SIGNATURE_LEN);
	memcpy(to + SIGNED, order->attachment, attachment_len);
}

/* What two people would sign: their hands, and as whom. */
static struct told
proof_by(const struct sim_person *hand, uint64_t signer,
    const struct sim_person *other, uint64_t approver)
{
	struct told proof = {.len = PROOF_LEN};
	struct order_retire retire = {.snapshot = certified.snapshot};
	uint8_t block[ORDER_RETIRE_LEN], hash[ORDER_HASH_LEN];
	static struct sim_order sent;
	struct order order;

	memcpy(retire.hash, certified.hash, sizeof(retire.hash));
	order_retire_encode(&retire, block);
	sim_order_begin(a.bank, hand, ORDER_RETIRE, &order);
	order.signer = signer;
	sim_order_sign(hand, &order, block, sizeof(block), &sent);
	put(proof.bytes, &sent, ORDER_RETIRE_LEN);
	order_hash(sent.bytes, hash);
	sim_order_begin(a.bank, other, ORDER_APPROVE, &order);
	order.signer = approver;
	order.refers_to = 1;
	sim_order_sign(other, &order, hash, sizeof(hash), &sent);
	put(proof.bytes + REQUEST_LEN, &sent, ORDER_APPROVE_LEN);
	proof.says = (struct entry_retention){
	    .snapshot = entry_snapshot_certified(&certified),
	    .leaf = a.bank->ledgerd->tree.size - 1,
	    .step = RETENTION_RETIRED};
	return proof;
}

static struct told
honest(void)
{
	const struct sim_person *one = &a.people.operators[0],
				*two = &a.people.operators[1];

	return proof_by(one, one->m4.customer, two, two->m4.customer);
}

/* Whether keyd would take it. */
static enum sr_error
ask_keyd(const struct told *proof)
{
	struct entry_event event = entry_retention_event(&proof->says);
	struct entry_retention read;
	enum sr_error refused = SR_OK;
	enum sr_error error = retention_check(
	    a.bank->keyd, &event, proof->bytes, proof->len, &read, &refused);

	return error != SR_OK ? error : refused;
}

static void
given_a_ledgerd_that_lies_when_it_asks_for_the_cut_then_keyd_refuses(
    void **state)
{
	const struct sim_person *one = &a.people.operators[0],
				*two = &a.people.operators[1];
	uint64_t first = one->m4.customer, second = two->m4.customer;
	struct told proof = honest();

	(void)state;
	assert_int_equal(ask_keyd(&proof), SR_OK);
	/* less of it, or as if it were a certificate */
	proof.len--;
	assert_int_equal(ask_keyd(&proof), SR_MALFORMED);
	proof = honest();
	proof.says.step = RETENTION_CERTIFIED;
	assert_int_equal(ask_keyd(&proof), SR_MALFORMED);
	/* of an entry that is not there yet */
	proof = honest();
	proof.says.leaf++;
	assert_int_equal(ask_keyd(&proof), SR_MALFORMED);
	/* another cut than they have signed */
	proof = honest();
	proof.says.snapshot.number++;
	assert_int_equal(ask_keyd(&proof), SR_PARAMETERS);
	proof = honest();
	proof.says.snapshot.segment++;
	assert_int_equal(ask_keyd(&proof), SR_NOT_FOUND);
	/* one and the same person */
	proof = proof_by(one, first, one, first);
	assert_int_equal(ask_keyd(&proof), SR_PARAMETERS);
	/* a hand that is not the signer's, for the one and for the other */
	proof = proof_by(&a.people.ada, first, two, second);
	assert_int_equal(ask_keyd(&proof), SR_SIGNATURE);
	proof = proof_by(one, first, &a.people.ada, second);
	assert_int_equal(ask_keyd(&proof), SR_SIGNATURE);
	proof = proof_by(one, first, two, 1000);
	assert_int_equal(ask_keyd(&proof), SR_NOT_FOUND);
	/* an approval of another request */
	proof = honest();
	proof.bytes[120] ^= 1;
	assert_int_equal(ask_keyd(&proof), SR_PARAMETERS);
	/* for another bank */
	a.bank->ledgerd->bank_id[0] ^= 1;
	proof = honest();
	a.bank->ledgerd->bank_id[0] ^= 1;
	assert_int_equal(ask_keyd(&proof), SR_WRONG_BANK);
	/* a snapshot that keyd does not know as certified */
	proof = honest();
	a.bank->keyd->state.certified.number = 0;
	assert_int_equal(ask_keyd(&proof), SR_NOT_FOUND);
	a.bank->keyd->state.certified = proof.says.snapshot;
	/* the last but one is needed for a start, and what was cut is cut */
	a.bank->keyd->state.snapshot[1].number = certified.snapshot - 1;
	assert_int_equal(ask_keyd(&proof), SR_NOT_ALLOWED);
	a.bank->keyd->state.snapshot[1].number = certified.snapshot;
	assert_int_equal(ask_keyd(&proof), SR_OK);
	a.bank->keyd->state.cut = proof.says.snapshot;
	assert_int_equal(ask_keyd(&proof), SR_NOT_ALLOWED);
}

/* Each way in which ledgerd can ask for the key of a segment. */
static void
given_a_cut_when_ledgerd_asks_for_keys_before_it_then_never(void **state)
{
	struct operation use = {.code = USE_SEGMENT_KEY};
	struct operation disclose = {.code = USE_DISCLOSE, .auditor = {9}};
	uint32_t before = certified.segment - 1;
	const uint8_t salt[JOURNAL_SALT_LEN] = {1};
	enum sr_error done;
	uint8_t key[32];

	(void)state;
	use.segment = disclose.segment = before;
	assert_int_equal(commit_operation(a.bank->ledgerd, &use, &done), SR_OK);
	assert_int_equal(done, SR_OK);
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	assert_int_equal(
	    keyd_segment_key(a.bank->ledgerd, before, salt, key), SR_RETIRED);
	assert_int_equal(commit_operation(a.bank->ledgerd, &use, &done), SR_OK);
	assert_int_equal(done, SR_RETIRED);
	assert_int_equal(
	    commit_operation(a.bank->ledgerd, &disclose, &done), SR_OK);
	assert_int_equal(done, SR_RETIRED);
	use.segment = certified.segment;
	assert_int_equal(commit_operation(a.bank->ledgerd, &use, &done), SR_OK);
	assert_int_equal(done, SR_OK);
	assert_int_equal(sim_bank_restart(a.bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(
	    keyd_segment_key(a.bank->ledgerd, before, salt, key), SR_RETIRED);
}

/* ---- the power fails --------------------------------------------------------- */

/* As the power left it: each segment, or its leaves, or both. */
static void
assert_whole(uint32_t last)
{
	bool retired = true;

	for (uint32_t i = 0; i <= last; i++) {
		bool there = audited_has_segment(&a, i);

		assert_true(there || audited_has_leaves(&a, i));
		/* the lowest first, without a gap, and none from the cut on */
		assert_true(there || retired);
		assert_true(there || i < certified.segment);
		retired = retired && !there;
	}
}

static void
given_a_power_cut_at_any_moment_then_entries_or_leaves_are_there(void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	struct audited_bank as_before;
	struct sim_disk *keyd, *ledger;
	unsigned cuts = 0, gone = 0;
	bool finished = false;
	uint32_t last;

	(void)state;
	last = last_segment();
	sim_bank_end(a.bank);
	as_before = a;
	keyd = sim_copy(a.bank->keyd_room);
	ledger = sim_copy(a.bank->ledgerd_room);
	for (uint64_t after = 1; !finished; after++) {
		a = as_before;
		sim_restore(a.bank->keyd_room, keyd);
		sim_restore(a.bank->ledgerd_room, ledger);
		a.bank->sim->operations = 0;
		a.bank->sim->cut_after = after;
		if (sim_bank_start(a.bank, false) == SR_OK &&
		    sim_person_log_in(a.bank, &a.people.operators[0]) ==
			SR_OK &&
		    sim_person_log_in(a.bank, &a.people.operators[1]) ==
			SR_OK &&
		    !a.bank->sim->dark)
			(void)audited_retire(&a, &certified);
		finished = !a.bank->sim->dark;
		cuts += a.bank->sim->dark;
		a.bank->sim->cut_after = 0;
		sim_bank_end(a.bank);
		sim_restart(a.bank->sim, losses[after % 3]);
		assert_whole(last);
		assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
		assert_int_equal(sim_bank_run(a.bank), SR_OK);
		/* all of it or nothing, whoever was interrupted */
		assert_gone(cut());
		gone += cut() != 0;
		assert_true(!finished || cut() == certified.segment);
		sim_bank_end(a.bank);
	}
	assert_true(cuts > 40 && gone > 20 && gone < cuts);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* ---- older states ------------------------------------------------------------ */

static void
given_a_restore_from_before_it_when_the_bank_goes_on_then_all_is_back(
    void **state)
{
	struct sim_disk *ledger;

	(void)state;
	sim_bank_end(a.bank);
	ledger = sim_copy(a.bank->ledgerd_room);
	assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
	audited_log_in(&a);
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	assert_gone(certified.segment);
	sim_bank_end(a.bank);
	sim_restore(a.bank->ledgerd_room, ledger);
	sim_copy_free(ledger);
	sim_advance(a.bank->sim, 60000);
	a.bank->restore = true;
	assert_int_equal(sim_bank_start(a.bank, true), SR_OK);
	a.bank->restore = false;
	assert_int_equal(sim_bank_run(a.bank), SR_OK);
	assert_int_equal(cut(), 0);
	assert_gone(0);
	/* the certificate is not lost: they may agree again */
	assert_int_equal(sim_bank_restart(a.bank, SIM_KEEP_ALL), SR_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    sim_person_log_in(a.bank, &a.people.operators[i]), SR_OK);
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	assert_gone(certified.segment);
}

/* What strongroomctl puts there from a backup. */
static void
put_state(const uint8_t *slot)
{
	struct env *env = &a.bank->ledgerd_room->env;
	env_file file;

	assert_int_equal(
	    env_open(env, "ledger/restored.state", ENV_CREATE, &file), SR_OK);
	assert_int_equal(
	    env_write(env, file, STATE_SLOT_LEN, slot, STATE_SLOT_LEN), SR_OK);
	assert_int_equal(env_close(env, file), SR_OK);
}

/*
 * A backup below a cut, older than all that keyd knows of: there is no other
 * beginning than its own snapshots, of which only keyd's state of then knows.
 */
static void
given_an_old_backup_below_a_cut_when_restored_then_keyd_knows_its_snapshots(
    void **state)
{
	uint8_t slot[STATE_SLOT_LEN], other[STATE_SLOT_LEN];
	struct order_certify later;
	struct sim_disk *keyd, *ledger;
	uint32_t number;

	(void)state;
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	assert_int_equal(
	    state_copy(&a.bank->keyd->state_file, &a.bank->keyd->state, slot),
	    SR_OK);
	sim_bank_end(a.bank);
	ledger = sim_copy(a.bank->ledgerd_room);
	assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
	audited_log_in(&a);
	number = a.bank->ledgerd->snapshots.last.number;
	audited_pay_until(&a, number + 1);
	assert_int_equal(
	    state_copy(&a.bank->keyd->state_file, &a.bank->keyd->state, other),
	    SR_OK);
	later = audited_last(&a);
	assert_int_equal(audited_certify(&a, &a.eve, &later), SR_OK);
	audited_pay_until(&a, number + 3);
	assert_int_equal(audited_retire(&a, &later), SR_OK);
	assert_int_equal(cut(), later.segment);
	sim_bank_end(a.bank);
	keyd = sim_copy(a.bank->keyd_room);
	sim_advance(a.bank->sim, 60000);
	for (unsigned i = 0; i < 3; i++) {
		sim_restore(a.bank->keyd_room, keyd);
		sim_restore(a.bank->ledgerd_room, ledger);
		/* without it, and with that of another head, there is no way */
		if (i > 0)
			put_state(i == 1 ? other : slot);
		a.bank->restore = true;
		assert_int_equal(sim_bank_start(a.bank, true) == SR_OK, i == 2);
		if (i < 2)
			sim_bank_end(a.bank);
	}
	a.bank->restore = false;
	assert_int_equal(sim_bank_run(a.bank), SR_OK);
	assert_int_equal(cut(), certified.segment);
	assert_gone(certified.segment);
	assert_int_equal(a.bank->keyd->state.snapshot[0].number, number);
	assert_int_equal(sim_bank_restart(a.bank, SIM_LOSE_ALL), SR_OK);
	audited_log_in(&a);
	audited_pay_until(&a, number + 1);
	assert_int_equal(sim_bank_restart(a.bank, SIM_LOSE_ALL), SR_OK);
	assert_gone(certified.segment);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* Damage before the last two snapshots, and nothing but what lies there. */
static void
given_a_damaged_journal_when_it_goes_on_then_from_the_certified_books(
    void **state)
{
	struct sim_disk *ledger;

	(void)state;
	assert_int_equal(audited_retire(&a, &certified), SR_OK);
	sim_bank_end(a.bank);
	ledger = sim_copy(a.bank->ledgerd_room);
	assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
	audited_log_in(&a);
	audited_pay_until(&a, a.bank->ledgerd->snapshots.last.number + 2);
	sim_bank_end(a.bank);
	sim_restore(a.bank->ledgerd_room, ledger);
	sim_copy_free(ledger);
	sim_advance(a.bank->sim, 60000);
	a.bank->restore = true;
	assert_int_equal(sim_bank_start(a.bank, true), SR_OK);
	assert_int_equal(sim_bank_run(a.bank), SR_OK);
	assert_int_equal(a.bank->keyd->state.snapshot[0].number, 3);
	assert_int_equal(cut(), certified.segment);
	assert_gone(certified.segment);
	assert_int_equal(sim_bank_restart(a.bank, SIM_LOSE_ALL), SR_OK);
}

/* Tries until the segments are gone; what is left in the way is not for ever. */
static void
assert_goes_in_the_end(void)
{
	struct message_order_answer answer;

	assert_int_equal(a.bank->ledgerd->fatal, SR_OK);
	assert_int_equal(sim_transfer(a.bank, &a.people.ada,
			     a.people.bob.m4.account, 1, &answer),
	    SR_OK);
	sim_advance(a.bank->sim, RETIRE_RETRY_US / 1000);
	assert_int_equal(sim_bank_run(a.bank), SR_OK);
	assert_gone(certified.segment);
}

/* A sector of what is retired: each one of the reads fails once. */
static void
given_what_no_disk_reads_when_it_is_retired_then_the_bank_goes_on(void **state)
{
	struct audited_bank as_before;
	struct sim_disk *keyd, *ledger;
	unsigned struck = 0;
	bool left = false;

	(void)state;
	sim_bank_end(a.bank);
	as_before = a;
	keyd = sim_copy(a.bank->keyd_room);
	ledger = sim_copy(a.bank->ledgerd_room);
	for (uint64_t n = 1; !left; n++) {
		uint64_t *fault = &a.bank->ledgerd_room->fault[SIM_FAIL_READ];

		a = as_before;
		sim_restore(a.bank->keyd_room, keyd);
		sim_restore(a.bank->ledgerd_room, ledger);
		assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
		audited_log_in(&a);
		*fault = n;
		(void)audited_retire(&a, &certified);
		left = *fault != 0;
		*fault = 0;
		/* before the cut it is the orders that were not read */
		if (cut() != 0) {
			struck += !left;
			assert_goes_in_the_end();
		}
		sim_bank_end(a.bank);
		sim_restart(a.bank->sim, SIM_KEEP_ALL);
	}
	assert_true(struck > 3);
	assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* Where a segment begins, as nobody's ledgerd has written it. */
static void
given_a_header_that_lies_when_it_is_retired_then_the_bank_goes_on(void **state)
{
	const uint64_t lies[] = {0, 1, UINT64_MAX / 2};
	const char *path = "ledger/segment/00000001.log";
	struct sim_room *room = a.bank->ledgerd_room;
	uint8_t *bytes;
	struct journal_segment header;
	uint64_t first;
	size_t len;

	(void)state;
	assert_int_equal(
	    segments_first_seq(&a.bank->ledgerd->segments, 1, &first), SR_OK);
	assert_non_null(sim_file(room, path, &len));
	bytes = test_malloc(len);
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy(bytes, sim_file(room, path, &len), len);
		assert_int_equal(journal_segment_decode(bytes, &header), SR_OK);
		header.first_seq = lies[i];
		journal_segment_encode(&header, bytes);
		sim_put(room, path, bytes, len);
		if (i == 0)
			assert_int_equal(audited_retire(&a, &certified), SR_OK);
		sim_advance(a.bank->sim, RETIRE_RETRY_US / 1000);
		assert_int_equal(sim_bank_run(a.bank), SR_OK);
		assert_true(audited_has_segment(&a, 0));
	}
	header.first_seq = first;
	journal_segment_encode(&header, bytes);
	sim_put(room, path, bytes, len);
	test_free(bytes);
	assert_goes_in_the_end();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_certificate_when_two_operators_agree_then_what_is_before_it_goes),
	    TEST(
		given_retired_segments_when_the_public_tree_is_lost_then_made_of_leaves),
	    TEST(given_less_than_that_when_they_ask_then_nothing_goes),
	    TEST(
		given_a_ledgerd_that_lies_when_it_asks_for_the_cut_then_keyd_refuses),
	    TEST(given_a_cut_when_ledgerd_asks_for_keys_before_it_then_never),
	    TEST(
		given_a_power_cut_at_any_moment_then_entries_or_leaves_are_there),
	    TEST(
		given_a_restore_from_before_it_when_the_bank_goes_on_then_all_is_back),
	    TEST(
		given_a_damaged_journal_when_it_goes_on_then_from_the_certified_books),
	    TEST(
		given_what_no_disk_reads_when_it_is_retired_then_the_bank_goes_on),
	    TEST(
		given_a_header_that_lies_when_it_is_retired_then_the_bank_goes_on),
	    TEST(
		given_an_old_backup_below_a_cut_when_restored_then_keyd_knows_its_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
