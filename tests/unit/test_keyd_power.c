/* SPDX-License-Identifier: ISC */
/* tests/run: limit=300 */
/*
 * The power fails at every write and every sync of keyd's, in each thing that
 * it does: nothing of the write is on the disk, any number of its sectors, or
 * all of it; or only the room is killed and the kernel lives on.  Whoever
 * starts the bank then finds what was before or what comes after, whole, and
 * at the next start the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <string.h>

#include "tests/lib/audited_bank.h"
#include "tests/lib/sim_credentials.h"

#define CODE "ada's code"
#define NEW "ada's new secret"

enum {
	SECTOR_LEN = 512,
	POINTS_MAX = 2048,
	SEEN_MAX = 4,
	CUSTOMERS_MAX = 16,
};

/* What keyd knows; and what the books say that it stands for. */
struct seen {
	uint64_t customers;
	struct {
		char name[PAYLOAD_NAME_MAX + 1];
		uint64_t generation; /* 0: erased */
		uint32_t key_epoch;
		bool recovery;
	} customer[CUSTOMERS_MAX];
	uint32_t terminals;
	uint32_t terminal_epoch[CUSTOMERS_MAX];
	uint32_t log_epoch;
	uint32_t snapshot;
	uint32_t certified;
	uint32_t cut;
	int64_t bob;
};

/* Something that keyd does. */
struct act {
	bool start;          /* it is the start of the rooms */
	bool logged;         /* in the journal, before keyd writes anything */
	void (*ready)(void); /* what goes before it; NULL: nothing */
	bool (*run)(void);   /* true if the bank said that it is done */
	bool (*again)(void); /* once more, where no bank starts; or NULL */
	void (*look)(const struct seen *seen); /* or NULL */
};

static struct audited_bank a, as_before;
static struct sim_disk *keyd_before, *ledger_before, *ledger_older;
static struct sim_person zoe, zoe_before, kiosk, kiosk_before;
static unsigned to_snapshot; /* payments */
static uint8_t new_public[32], new_secret[64];
static struct order_certify certified, newest;
static uint64_t request_leaf;
static uint8_t request_hash[ORDER_HASH_LEN];
static uint64_t charges_before;
static bool guessed;

/* Where the power may fail: keyd's operations on its disk. */
static struct {
	uint64_t operation;
	bool writes;
} point[POINTS_MAX];
static size_t point_count;
static struct seen allowed[SEEN_MAX];
static size_t allowed_count;
static const struct act *present; /* NULL: nobody watches */

/* ---- what is there --------------------------------------------------------- */

/* By the present key or the one before. */
static bool
is_attested(const struct keyd *k, const uint8_t bytes[ATTESTATION_LEN],
    struct attestation *out)
{
	const uint8_t *keys[] = {k->origin->attestation.public,
	    k->keys->origin.attestation.public, k->keys->attestation_former};

	for (unsigned i = 0; i < 3; i++)
		if (attestation_verify(bytes, keys[i], k->state.bank_id, out) ==
		    SR_OK)
			return true;
	return false;
}

static void
see_customer(const struct keyd *k, uint64_t id, struct seen *seen)
{
	struct attestation attestation;
	struct customer customer;

	assert_true(id <= CUSTOMERS_MAX);
	assert_int_equal(
	    credentials_read(&k->credentials, id, &customer), SR_OK);
	memcpy(
	    seen->customer[id - 1].name, customer.name, sizeof(customer.name));
	if (customer.name_len == 0)
		return;
	assert_true(is_attested(k, customer.attestation, &attestation));
	assert_int_equal(attestation.customer, id);
	seen->customer[id - 1].generation = customer.generation;
	seen->customer[id - 1].key_epoch = attestation.key_epoch;
	seen->customer[id - 1].recovery =
	    customer.credential[SLOT_RECOVERY].present;
}

static void
see(struct seen *seen)
{
	const struct keyd *k = a.bank->keyd;

	memset(seen, 0, sizeof(*seen));
	seen->customers = k->credentials.customers;
	for (uint64_t id = 1; id <= k->credentials.customers; id++)
		see_customer(k, id, seen);
	seen->terminals = k->terminals.count;
	assert_true(seen->terminals <= CUSTOMERS_MAX);
	for (uint32_t i = 0; i < seen->terminals; i++)
		seen->terminal_epoch[i] = k->terminals.list[i].epoch;
	seen->log_epoch = k->state.log_epoch;
	seen->snapshot = k->state.snapshot[0].number;
	seen->certified = k->state.certified.number;
	seen->cut = k->state.cut.number;
	seen->bob = sim_bank_posted(a.bank, a.people.bob.m4.account);
}

static void
allow(const struct seen *seen)
{
	for (size_t i = 0; i < allowed_count; i++)
		if (memcmp(&allowed[i], seen, sizeof(*seen)) == 0)
			return;
	assert_true(allowed_count < SEEN_MAX);
	allowed[allowed_count++] = *seen;
}

/* Which of them it is. */
static size_t
recognize(const struct seen *seen)
{
	for (size_t i = 0; i < allowed_count; i++)
		if (memcmp(&allowed[i], seen, sizeof(*seen)) == 0)
			return i;
	fail_msg("neither what was before nor what comes after");
	return 0;
}

static uint64_t
charges(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LIMITS_PLACES; i++)
		sum += a.bank->keyd->limits.bucket[i].day_charges;
	return sum;
}

/* ---- the driver ------------------------------------------------------------ */

static void
watch(void *context, struct sim_room *room, enum sim_operation operation,
    const char *path)
{
	struct seen seen;

	(void)context;
	if (present == NULL || room != a.bank->keyd_room ||
	    operation == SIM_SEND)
		return;
	/* a table of buckets that is made: some of its writes */
	if (strcmp(path, "limits") == 0 && operation == SIM_WRITE &&
	    present->start && room->sim->operations % 64 != 0)
		return;
	assert_true(point_count < POINTS_MAX);
	point[point_count].operation = room->sim->operations + 1;
	point[point_count++].writes = operation == SIM_WRITE;
	if (present->start)
		return;
	see(&seen);
	allow(&seen);
}

/* The disks as they were, and everybody at work. */
static void
begin(const struct act *act)
{
	sim_bank_end(a.bank);
	a = as_before;
	zoe = zoe_before;
	kiosk = kiosk_before;
	sim_restore(a.bank->keyd_room, keyd_before);
	sim_restore(a.bank->ledgerd_room, ledger_before);
	if (!act->start)
		assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
	if (act->ready != NULL)
		act->ready();
	a.bank->sim->operations = 0;
}

/* Once without a cut: where one is possible, and what may be found after it. */
static void
record(const struct act *act)
{
	static const struct act nothing;
	struct seen seen;

	point_count = allowed_count = 0;
	if (act->again == NULL) {
		begin(act->start ? &nothing : act);
		see(&seen);
		allow(&seen);
	}
	begin(act);
	a.bank->sim->watch = watch;
	present = act;
	assert_true(act->run());
	present = NULL;
	a.bank->sim->watch = NULL;
	see(&seen);
	allow(&seen);
}

enum way { WAY_KILLED, WAY_SOME, WAY_TORN };

static void
fail_power(enum way way, uint64_t kept, unsigned turn)
{
	struct sim *sim = a.bank->sim;

	sim->dark = false;
	sim->cut_after = 0;
	if (way == WAY_KILLED) {
		sim_kill(a.bank->keyd_room);
		sim_kill(a.bank->ledgerd_room);
		return;
	}
	sim_crash(
	    a.bank->ledgerd_room, turn % 2 == 0 ? SIM_LOSE_ALL : SIM_KEEP_ALL);
	if (way == WAY_SOME)
		sim_crash(a.bank->keyd_room, SIM_LOSE_SOME);
	else
		sim_crash_torn(a.bank->keyd_room, kept);
}

/* As whoever starts the bank finds it. */
static size_t
find(const struct act *act, bool acknowledged)
{
	enum sr_error error = sim_bank_start(a.bank, false);
	struct seen seen;
	size_t which;

	if (error != SR_OK || !keyd_founded(a.bank->keyd)) {
		if (act->again == NULL)
			fail_msg("no start: %s", error_sentence(error));
		assert_false(acknowledged);
		assert_true(act->again());
	}
	assert_int_equal(
	    a.bank->keyd->state.frontier.size, a.bank->ledgerd->tree.size);
	see(&seen);
	which = recognize(&seen);
	assert_true(!acknowledged || which == allowed_count - 1);
	return which;
}

/* One cut; gives back what is found, and how much there was to lose. */
static size_t
cut(const struct act *act, size_t at, enum way way, uint64_t kept,
    uint64_t *unsynced)
{
	bool acknowledged;
	size_t which;

	begin(act);
	a.bank->sim->cut_after = point[at].operation;
	acknowledged = act->run();
	assert_true(a.bank->sim->dark);
	*unsynced = sim_unsynced(a.bank->keyd_room);
	sim_bank_end(a.bank);
	fail_power(way, kept, (unsigned)(at + kept / SECTOR_LEN));
	which = find(act, acknowledged);
	/* and what was seen once, in memory only, is there for good */
	if (way == WAY_KILLED) {
		sim_bank_end(a.bank);
		sim_restart(a.bank->sim, SIM_LOSE_ALL);
		assert_int_equal(find(act, acknowledged), which);
	}
	if (act->look != NULL)
		act->look(&allowed[which]);
	assert_int_equal(book_sum(&a.bank->ledgerd->book), 0);
	return which;
}

/* Every sector; of a table of buckets that is made, some of them. */
static uint64_t
step(uint64_t unsynced)
{
	return unsynced <= 16 * SECTOR_LEN ? SECTOR_LEN : unsynced / 4;
}

static void
cut_everywhere(const struct act *act)
{
	bool found[SEEN_MAX] = {false};
	uint64_t unsynced, kept;
	unsigned cuts = 0;

	record(act);
	for (size_t at = 0; at < point_count; at++) {
		for (enum way way = WAY_KILLED; way <= WAY_SOME; way++, cuts++)
			found[cut(act, at, way, 0, &unsynced)] = true;
		for (kept = 0;; kept += step(unsynced), cuts++) {
			found[cut(act, at, WAY_TORN, kept, &unsynced)] = true;
			if (kept >= unsynced)
				break;
		}
	}
	assert_true(cuts > 5);
	assert_true(found[allowed_count - 1]);
	assert_true(found[0] || act->logged);
}

/* ---- a bank with a past ---------------------------------------------------- */

static bool
pay(void)
{
	struct message_order_answer answer;

	return sim_transfer(a.bank, &a.people.ada, a.people.bob.m4.account, 1,
		   &answer) == SR_OK;
}

static enum sr_error
submit(
    struct sim_person *by, enum order_kind kind, const void *block, size_t len)
{
	struct message_order_answer answer;
	struct sim_order sent;
	struct order order;
	enum sr_error error;

	sim_order_begin(a.bank, by, kind, &order);
	sim_order_sign(by, &order, block, len, &sent);
	error = sim_order_submit(a.bank, by, &sent, &answer);
	return error != SR_OK ? error : (enum sr_error)answer.outcome;
}

static bool
change(uint8_t slot, const char *secret, uint8_t target, const char *next)
{
	struct sim_change change = {.slot = slot,
	    .secret = secret,
	    .target = target,
	    .new_secret = next};
	struct payload_m5 m5;

	return sim_person_change(a.bank, &a.people.ada, &change, &m5) == SR_OK;
}

static void
enter(struct sim_person *person, const char *name, const char *password)
{
	sim_person_init(person, name, password);
	assert_int_equal(sim_person_register(a.bank, person), SR_OK);
	assert_int_equal(sim_person_log_in(a.bank, person), SR_OK);
}

static int
set_up(void **state)
{
	uint8_t block[ORDER_ACCOUNT_LEN];

	(void)state;
	audited_begin(&a, 17);
	enter(&zoe, "zoe", "zoe's secret");
	enter(&kiosk, "kiosk", "a card's secret");
	order_account_encode(zoe.m4.account, block);
	assert_int_equal(
	    submit(&zoe, ORDER_CLOSE, block, sizeof(block)), SR_OK);
	assert_true(
	    change(SLOT_PASSWORD, a.people.ada.password, SLOT_RECOVERY, CODE));
	audited_log_in(&a);
	audited_pay_until(&a, 2);
	certified = audited_last(&a);
	assert_int_equal(audited_certify(&a, &a.eve, &certified), SR_OK);
	audited_pay_until(&a, 4);
	newest = audited_last(&a);
	sim_bank_end(a.bank);
	ledger_older = sim_copy(a.bank->ledgerd_room);
	assert_int_equal(sim_bank_start(a.bank, false), SR_OK);
	audited_log_in(&a);
	assert_true(pay());
	sim_keys(1, new_public, new_secret);
	sim_bank_end(a.bank);
	sim_advance(a.bank->sim, 60000);
	keyd_before = sim_copy(a.bank->keyd_room);
	ledger_before = sim_copy(a.bank->ledgerd_room);
	as_before = a;
	zoe_before = zoe;
	kiosk_before = kiosk;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_copy_free(keyd_before);
	sim_copy_free(ledger_before);
	sim_copy_free(ledger_older);
	sim_bank_free(a.bank);
	return 0;
}

/* ---- what keyd does -------------------------------------------------------- */

static bool
opens(struct sim_person *person, uint8_t slot, const char *secret)
{
	enum sr_error error =
	    sim_person_log_in_by(a.bank, person, slot, secret);

	assert_true(error == SR_OK || error == SR_LOGIN);
	return error == SR_OK;
}

static bool
is_last(const struct seen *seen)
{
	return seen == &allowed[allowed_count - 1];
}

static bool
start(void)
{
	return sim_bank_start(a.bank, false) == SR_OK;
}

static void
look_at_ada(const struct seen *seen)
{
	(void)seen;
	assert_true(opens(&a.people.ada, SLOT_RECOVERY, CODE));
	assert_true(opens(&a.people.ada, SLOT_PASSWORD, a.people.ada.password));
	assert_true(pay());
}

static bool
register_max(void)
{
	struct sim_person max;

	sim_person_init(&max, "max", "max's secret");
	return sim_person_register(a.bank, &max) == SR_OK;
}

static void
look_at_max(const struct seen *seen)
{
	struct sim_person max;

	sim_person_init(&max, "max", "max's secret");
	assert_int_equal(sim_person_register(a.bank, &max),
	    is_last(seen) ? SR_NAME_TAKEN : SR_OK);
	assert_true(opens(&max, SLOT_PASSWORD, max.password));
	look_at_ada(seen);
}

static void
ready_to_guess(void)
{
	charges_before = charges();
}

/* True if the client was given what tells it that it is wrong. */
static bool
guess(void)
{
	guessed = sim_person_log_in_by(a.bank, &a.people.ada, SLOT_PASSWORD,
		      "not ada's secret") == SR_LOGIN;
	return guessed;
}

static void
look_at_charges(const struct seen *seen)
{
	uint64_t now = charges();

	(void)seen;
	assert_true(now == charges_before || now == charges_before + 1);
	assert_true(now > charges_before || !guessed);
}

static bool
change_password(void)
{
	return change(SLOT_PASSWORD, a.people.ada.password, SLOT_PASSWORD, NEW);
}

static bool
recover(void)
{
	return change(SLOT_RECOVERY, CODE, SLOT_PASSWORD, NEW);
}

static void
look_at_password(const struct seen *seen)
{
	bool is_new = is_last(seen);

	assert_true(opens(&a.people.ada, SLOT_PASSWORD, NEW) == is_new);
	assert_true(opens(&a.people.ada, SLOT_PASSWORD,
			a.people.ada.password) == !is_new);
	if (is_new)
		a.people.ada.password = NEW;
	look_at_ada(seen);
}

static bool
send_half(uint8_t target)
{
	struct sim_change half = {.slot = SLOT_PASSWORD,
	    .secret = a.people.ada.password,
	    .target = target,
	    .new_secret = target == SLOT_PASSWORD ? NEW : CODE,
	    .signing_public = new_public,
	    .signing_secret = new_secret,
	    .old_secret = a.people.ada.signing_secret};
	struct payload_m5 m5;

	return sim_person_change(a.bank, &a.people.ada, &half, &m5) == SR_OK;
}

static void
ready_to_rekey(void)
{
	assert_true(send_half(SLOT_RECOVERY));
}

static bool
rekey(void)
{
	return send_half(SLOT_PASSWORD);
}

static void
look_at_keys(const struct seen *seen)
{
	uint8_t old_secret[64];

	assert_true(opens(&a.people.ada, SLOT_PASSWORD,
	    is_last(seen) ? NEW : a.people.ada.password));
	memcpy(old_secret, a.people.ada.signing_secret, 64);
	if (!is_last(seen))
		memcpy(a.people.ada.signing_secret, new_secret, 64);
	assert_false(pay());
	memcpy(a.people.ada.signing_secret,
	    is_last(seen) ? new_secret : old_secret, 64);
	if (is_last(seen))
		a.people.ada.password = NEW;
	look_at_ada(seen);
}

static void
ready_to_erase(void)
{
	assert_int_equal(sim_person_log_in(a.bank, &zoe), SR_OK);
}

static bool
erase(void)
{
	return submit(&zoe, ORDER_ERASE, NULL, 0) == SR_OK;
}

static void
look_at_zoe(const struct seen *seen)
{
	struct sim_person other;
	bool blank;

	assert_int_equal(credentials_blank(&a.bank->keyd->credentials,
			     account_customer(zoe.m4.account), &blank),
	    SR_OK);
	assert_true(blank == is_last(seen));
	sim_person_init(&other, "zoe", "another one's secret");
	assert_int_equal(sim_person_register(a.bank, &other),
	    is_last(seen) ? SR_OK : SR_NAME_TAKEN);
	look_at_ada(seen);
}

static bool
enrol(void)
{
	return sim_enrol(a.bank, &a.people, &kiosk) == SR_OK;
}

static void
look_at_kiosk(const struct seen *seen)
{
	assert_true(
	    (sim_terminal_key(a.bank, &kiosk) == SR_OK) == is_last(seen));
	kiosk.terminal = 0;
	look_at_ada(seen);
}

static void
log_in(void)
{
	audited_log_in(&a);
}

/* A payment that is answered before the snapshot is made. */
static bool
pay_for_a_snapshot(void)
{
	(void)pay();
	return !a.bank->sim->dark;
}

static void
ready_for_a_snapshot(void)
{
	audited_log_in(&a);
	for (unsigned i = 1; i < to_snapshot; i++)
		assert_true(pay());
}

static bool
certify(void)
{
	return audited_certify(&a, &a.eve, &newest) == SR_OK;
}

static void
ready_to_retire(void)
{
	struct order_retire retire = {.snapshot = certified.snapshot};

	audited_log_in(&a);
	memcpy(retire.hash, certified.hash, sizeof(retire.hash));
	assert_int_equal(audited_ask(&a, &a.people.operators[0], &retire,
			     &request_leaf, request_hash),
	    SR_OK);
}

static bool
approve(void)
{
	return audited_approve(&a, &a.people.operators[1], request_leaf,
		   request_hash) == SR_OK;
}

static bool
rotate(void)
{
	sim_bank_end(a.bank);
	a.bank->rotate = BANK_KEY_ATTESTATION;
	return sim_bank_start(a.bank, true) == SR_OK;
}

static void
put_older_ledger(void)
{
	sim_restore(a.bank->ledgerd_room, ledger_older);
}

static bool
restore(void)
{
	sim_bank_end(a.bank);
	a.bank->restore = true;
	return sim_bank_start(a.bank, true) == SR_OK;
}

/* As an init does, or one that is begun again. */
static bool
found(void)
{
	return sim_bank_start(a.bank, true) == SR_OK &&
	       sim_bank_found(a.bank, &a.people.operators[0],
		   &a.people.operators[1]) == SR_OK;
}

/* ---- the power fails ------------------------------------------------------- */

#define STORY(name, ...)                                          \
	static void name(void **state)                            \
	{                                                         \
		(void)state;                                      \
		cut_everywhere(&(const struct act){__VA_ARGS__}); \
	}

STORY(given_a_cut_in_a_start_then_it_is_the_same_bank, .start = true,
    .run = start, .look = look_at_ada)
STORY(given_a_cut_in_a_registration_then_the_name_is_free_or_its_own,
    .run = register_max, .look = look_at_max)
STORY(given_a_cut_in_a_guess_then_whoever_was_answered_was_charged,
    .ready = ready_to_guess, .run = guess, .look = look_at_charges)
STORY(given_a_cut_in_a_change_of_password_then_one_opens,
    .run = change_password, .look = look_at_password)
STORY(given_a_cut_in_a_recovery_then_one_password_opens, .run = recover,
    .look = look_at_password)
STORY(given_a_cut_in_a_rekey_then_both_credentials_are_of_one_key,
    .ready = ready_to_rekey, .run = rekey, .look = look_at_keys)
STORY(given_a_cut_in_an_erasure_then_all_of_somebody_or_nothing, .logged = true,
    .ready = ready_to_erase, .run = erase, .look = look_at_zoe)
STORY(given_a_cut_in_an_enrolment_then_a_terminal_or_none, .logged = true,
    .ready = log_in, .run = enrol, .look = look_at_kiosk)
STORY(given_a_cut_in_an_append_then_it_is_booked_or_not, .logged = true,
    .ready = log_in, .run = pay, .look = look_at_ada)
STORY(given_a_cut_in_a_certificate_then_it_is_known_or_not, .logged = true,
    .ready = log_in, .run = certify, .look = look_at_ada)
STORY(given_a_cut_in_a_retirement_then_its_keys_are_given_or_not,
    .logged = true, .ready = ready_to_retire, .run = approve,
    .look = look_at_ada)
STORY(given_a_cut_in_a_rotation_then_the_old_keys_sign_or_the_new,
    .start = true, .run = rotate, .look = look_at_ada)
STORY(given_a_cut_in_a_restore_then_it_is_restored_or_can_be, .start = true,
    .ready = put_older_ledger, .run = restore, .again = restore,
    .look = look_at_ada)

static void
given_a_cut_in_a_snapshot_then_the_last_or_the_one_before(void **state)
{
	const struct act act = {.logged = true,
	    .ready = ready_for_a_snapshot,
	    .run = pay_for_a_snapshot,
	    .look = look_at_ada};
	uint32_t last;

	(void)state;
	begin(&(struct act){.ready = log_in});
	last = a.bank->ledgerd->snapshots.last.number;
	for (to_snapshot = 0; a.bank->ledgerd->snapshots.last.number == last;
	     to_snapshot++)
		assert_true(pay());
	cut_everywhere(&act);
	assert_true(allowed[allowed_count - 1].snapshot > allowed[0].snapshot);
}

static void
given_a_cut_in_an_init_then_it_is_founded_or_can_be(void **state)
{
	const struct act act = {.start = true, .run = found, .again = found};

	(void)state;
	cut_everywhere(&act);
}

/* strongroomd has made the files, empty. */
static int
set_up_nothing(void **state)
{
	static const char *const names[] = {
	    "state", "credentials", "limits", "terminals"};

	(void)state;
	memset(&a, 0, sizeof(a));
	a.bank = sim_bank_new(19);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sim_put(a.bank->keyd_room, names[i], "", 0);
	sim_person_init(&a.people.operators[0], "op-one", "one's secret");
	sim_person_init(&a.people.operators[1], "op-two", "two's secret");
	keyd_before = sim_copy(a.bank->keyd_room);
	ledger_before = sim_copy(a.bank->ledgerd_room);
	ledger_older = sim_copy(a.bank->ledgerd_room);
	as_before = a;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
	    cmocka_unit_test(given_a_cut_in_a_start_then_it_is_the_same_bank),
	    cmocka_unit_test(
		given_a_cut_in_a_registration_then_the_name_is_free_or_its_own),
	    cmocka_unit_test(
		given_a_cut_in_a_guess_then_whoever_was_answered_was_charged),
	    cmocka_unit_test(
		given_a_cut_in_a_change_of_password_then_one_opens),
	    cmocka_unit_test(given_a_cut_in_a_recovery_then_one_password_opens),
	    cmocka_unit_test(
		given_a_cut_in_a_rekey_then_both_credentials_are_of_one_key),
	    cmocka_unit_test(
		given_a_cut_in_an_erasure_then_all_of_somebody_or_nothing),
	    cmocka_unit_test(
		given_a_cut_in_an_enrolment_then_a_terminal_or_none),
	    cmocka_unit_test(given_a_cut_in_an_append_then_it_is_booked_or_not),
	    cmocka_unit_test(
		given_a_cut_in_a_snapshot_then_the_last_or_the_one_before),
	    cmocka_unit_test(
		given_a_cut_in_a_certificate_then_it_is_known_or_not),
	    cmocka_unit_test(
		given_a_cut_in_a_retirement_then_its_keys_are_given_or_not),
	    cmocka_unit_test(
		given_a_cut_in_a_rotation_then_the_old_keys_sign_or_the_new),
	    cmocka_unit_test(
		given_a_cut_in_a_restore_then_it_is_restored_or_can_be),
	};
	const struct CMUnitTest init[] = {
	    cmocka_unit_test(
		given_a_cut_in_an_init_then_it_is_founded_or_can_be),
	};

	/* rooms and disks come and go: their pages are to stay, for speed
	 * alone; a sanitizer's allocator has no such option */
	(void)mallopt(M_MMAP_MAX, 0);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
	return cmocka_run_group_tests(stories, set_up, tear_down) +
	       cmocka_run_group_tests(init, set_up_nothing, tear_down);
}
