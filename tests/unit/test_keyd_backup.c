/* SPDX-License-Identifier: ISC */
/*
 * keyd's files copied while it works: the copy is of one moment, it is no
 * bank by itself, and becomes one only by a checkpoint of exactly its head.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "policy/control.h"
#include "tests/lib/keyd_world.h"

/* A backup as strongroomctl makes it, in memory. */
struct copy {
	uint32_t number;
	uint8_t credentials[16 * BACKUP_CREDENTIAL_LEN];
	size_t credentials_len;
	uint8_t frozen[BACKUP_FROZEN_LEN];
	size_t frozen_len;
	struct message_backup_frozen head;
};

static int
setup(void **state)
{
	struct world *w = world_new(11);

	world_found(w);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

static struct person
person(const char *name, const char *password)
{
	return (struct person){.name = name, .password = password};
}

static void
ask(struct world *w, const struct writer *question)
{
	uint8_t outer[512];
	struct writer w_outer = writer_to(outer, sizeof(outer));
	struct message_control_request request = {.request = 5,
	    .packet = question->start,
	    .packet_len = writer_len(question)};

	w->control_type = 0;
	message_control_request_encode(&w_outer, &request);
	world_send(w, w->monitor, ENV_KEYD, &w_outer);
}

#define ASK(w, name, message)                                      \
	do {                                                       \
		uint8_t bytes_[256];                               \
		struct writer w_ = writer_to(bytes_, 256);         \
		assert_int_equal(                                  \
		    message_##name##_encode(&w_, message), SR_OK); \
		ask(w, &w_);                                       \
	} while (0)

#define TAKE(w, name, NAME, out)                                            \
	do {                                                                \
		assert_int_equal((w)->control_type, MESSAGE_##NAME);        \
		assert_int_equal(message_##name##_decode((w)->control_body, \
				     (w)->control_len, out),                \
		    SR_OK);                                                 \
	} while (0)

static void
begin(struct world *w, struct copy *copy)
{
	struct message_backup_begin begin = {0};
	struct message_backup_begun begun;

	ASK(w, backup_begin, &begin);
	TAKE(w, backup_begun, BACKUP_BEGUN, &begun);
	copy->number = begun.backup;
	assert_true(begun.credentials <= sizeof(copy->credentials));
	copy->credentials_len = (size_t)begun.credentials;
}

/* A piece into out; SR_OK and its length, or the error. */
static enum sr_error
piece(struct world *w, uint32_t number, unsigned file, uint64_t offset,
    uint8_t *out, size_t *len)
{
	struct message_backup_keyd_get get = {
	    .backup = number, .file = (uint8_t)file, .offset = offset};
	struct message_backup_piece got;

	ASK(w, backup_keyd_get, &get);
	TAKE(w, backup_piece, BACKUP_PIECE, &got);
	*len = got.bytes_len;
	memcpy(out, got.bytes, got.bytes_len);
	return (enum sr_error)got.error;
}

static enum sr_error
freeze(struct world *w, struct copy *copy)
{
	struct message_backup_freeze freeze = {.backup = copy->number};
	size_t len = 1;

	ASK(w, backup_freeze, &freeze);
	TAKE(w, backup_frozen, BACKUP_FROZEN, &copy->head);
	if (copy->head.error != SR_OK)
		return (enum sr_error)copy->head.error;
	for (copy->frozen_len = 0; len > 0; copy->frozen_len += len)
		assert_int_equal(
		    piece(w, copy->number, BACKUP_FROZEN, copy->frozen_len,
			copy->frozen + copy->frozen_len, &len),
		    SR_OK);
	return SR_OK;
}

/* From an offset to the end of what was there at the beginning. */
static void
read_from(struct world *w, struct copy *copy, size_t at)
{
	uint8_t bytes[CONTROL_PIECE_LEN];
	size_t len;

	while (at < copy->credentials_len) {
		assert_int_equal(
		    piece(w, copy->number, BACKUP_CREDENTIALS, at, bytes, &len),
		    SR_OK);
		memcpy(copy->credentials + at, bytes, len);
		at += len;
	}
}

static void
put(struct world *w, const char *name, const void *bytes, size_t len)
{
	struct env *env = &w->keyd_room->env;
	env_file file;

	assert_int_equal(
	    env_open(env, name, ENV_WRITE_OR_CREATE, &file), SR_OK);
	assert_int_equal(env_truncate(env, file, 0), SR_OK);
	assert_int_equal(env_write(env, file, 0, bytes, len), SR_OK);
	assert_int_equal(env_sync(env, file), SR_OK);
}

/* The copy's files in the place of keyd's; another keyd reads them. */
static enum sr_error
restart_with(struct world *w, struct copy *copy, bool restore)
{
	uint8_t state[2 * BACKUP_STATE_LEN] = {0};
	struct reader r = reader_of(copy->frozen, copy->frozen_len);

	reader_bytes(&r, state + copy->frozen[8] % 2 * BACKUP_STATE_LEN,
	    BACKUP_STATE_LEN);
	while (reader_left(&r) > 0) {
		unsigned file = reader_u8(&r);
		size_t at;

		reader_zeros(&r, 3);
		at = reader_u32(&r) * (size_t)BACKUP_CREDENTIAL_LEN;
		assert_int_equal(file, BACKUP_CREDENTIALS);
		reader_bytes(&r, copy->credentials + at, BACKUP_CREDENTIAL_LEN);
		if (copy->credentials_len < at + BACKUP_CREDENTIAL_LEN)
			copy->credentials_len = at + BACKUP_CREDENTIAL_LEN;
	}
	assert_true(reader_end(&r));
	put(w, "state", state, sizeof(state));
	put(w, "credentials", copy->credentials, copy->credentials_len);
	w->params.restore = restore;
	return world_restart(w, false);
}

/* A copy of a keyd in which three changed while it was made. */
static void
make_copy(struct world *w, struct copy *copy)
{
	struct person ada = person("ada", "secret1");
	struct person bob = person("bob", "secret1");
	struct person eve = person("eve", "secret1");
	uint8_t bytes[CONTROL_PIECE_LEN];
	size_t len;

	memset(copy, 0, sizeof(*copy));
	assert_int_equal(world_register(w, &ada), SR_OK);
	assert_int_equal(world_register(w, &bob), SR_OK);
	begin(w, copy);
	assert_int_equal(
	    piece(w, copy->number, BACKUP_CREDENTIALS, 0, bytes, &len), SR_OK);
	memcpy(copy->credentials, bytes, len);
	/* ada has been read, half of the last one not */
	for (int i = 0; i < 3; i++) {
		const char *next = i % 2 == 0 ? "secret2" : "secret1";

		assert_int_equal(
		    world_change(w, &ada, SLOT_PASSWORD, SLOT_PASSWORD, next),
		    SR_OK);
		ada.password = next;
	}
	assert_int_equal(world_register(w, &eve), SR_OK);
	read_from(w, copy, len);
	assert_int_equal(freeze(w, copy), SR_OK);
	/* what comes later is not in it */
	ada.password = "secret2";
	assert_int_equal(
	    world_change(w, &ada, SLOT_PASSWORD, SLOT_PASSWORD, "secret3"),
	    SR_OK);
}

static void
given_backups_begun_when_the_hours_are_out_then_the_last_one_goes_on(
    void **state)
{
	struct world *w = *state;
	static struct copy copy;
	struct message_backup_begin again = {0};
	uint8_t bytes[8000];
	size_t len;

	for (unsigned i = 0; i < BUDGET_BACKUPS; i++)
		begin(w, &copy);
	ASK(w, backup_begin, &again);
	assert_int_equal(w->control_type, MESSAGE_CONTROL_REFUSED);
	assert_int_equal(w->control_body[0], SR_BUDGET);
	assert_int_equal(w->keyd->refusals[REFUSAL_BACKUPS], 1);
	assert_int_equal(
	    piece(w, copy.number, BACKUP_LIMITS, 0, bytes, &len), SR_OK);
	sim_advance(w->sim, 3600000);
	begin(w, &copy);
}

static void
given_changes_while_it_is_read_when_restored_then_it_is_of_one_moment(
    void **state)
{
	struct world *w = *state;
	static struct copy copy;
	struct message_restore_confirm confirm = {0};
	struct message_restore_confirmed confirmed;
	struct person ada = person("ada", "secret2");
	struct person eve = person("eve", "secret1");

	make_copy(w, &copy);
	assert_int_equal(restart_with(w, &copy, true), SR_OK);
	assert_int_equal(w->keyd->credentials.customers, 3);
	confirm.size = copy.head.size;
	memcpy(confirm.root, copy.head.root, 32);
	memcpy(confirm.signature, copy.head.signature, 64);
	ASK(w, restore_confirm, &confirm);
	TAKE(w, restore_confirmed, RESTORE_CONFIRMED, &confirmed);
	assert_int_equal(confirmed.error, SR_OK);
	world_tree_start(w, 0, confirm.root, confirm.signature);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(world_login(w, &eve, SLOT_PASSWORD), SR_OK);
	ada.password = "secret1";
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_LOGIN);
	/* and it is no copy any more */
	ASK(w, restore_confirm, &confirm);
	assert_int_equal(w->control_type, MESSAGE_CONTROL_REFUSED);
	w->params.restore = false;
	assert_int_equal(world_restart(w, false), SR_OK);
}

/* The copy has records of both epochs, and the state that knows them. */
static void
given_records_sealed_anew_while_it_is_read_when_restored_then_all_are_there(
    void **state)
{
	struct world *w = *state;
	static struct copy copy;
	struct message_restore_confirm confirm = {0};
	struct person people[] = {person("ada", "secret1"),
	    person("bob", "secret1"), person("eve", "secret1")};

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(world_register(w, &people[i]), SR_OK);
	memset(&copy, 0, sizeof(copy));
	begin(w, &copy);
	read_from(w, &copy, 0);
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_OK);
	while (w->keyd->reseal.next < 2) {
		sim_advance(w->sim, RESEAL_PAUSE_MS);
		assert_int_equal(world_run(w), SR_OK);
	}
	assert_int_equal(freeze(w, &copy), SR_OK);
	/* the bank's own has no former epoch any more */
	world_reseal(w);
	assert_int_equal(restart_with(w, &copy, true), SR_OK);
	assert_int_equal(w->keyd->state.key[BANK_KEY_CREDENTIAL].former, 1);
	confirm.size = copy.head.size;
	memcpy(confirm.root, copy.head.root, 32);
	memcpy(confirm.signature, copy.head.signature, 64);
	ASK(w, restore_confirm, &confirm);
	w->params.restore = false;
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(world_restart(w, false), SR_OK);
		world_tree_start(w, 0, confirm.root, confirm.signature);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(
			    world_login(w, &people[i], SLOT_PASSWORD), SR_OK);
		world_reseal(w);
		assert_int_equal(w->keyd->failure, SR_OK);
	}
}

static void
given_a_copy_when_keyd_starts_without_restore_then_refused(void **state)
{
	struct world *w = *state;
	static struct copy copy;

	make_copy(w, &copy);
	assert_int_equal(restart_with(w, &copy, false), SR_COPY);
	/* a start for a restore changes nothing about that */
	assert_int_equal(restart_with(w, &copy, true), SR_OK);
	w->params.restore = false;
	assert_int_equal(world_restart(w, false), SR_COPY);
}

static void
given_a_copy_when_asked_for_anything_new_then_refused(void **state)
{
	struct world *w = *state;
	static struct copy copy;
	struct person ada = person("ada", "secret2");
	struct message_invite invite = {
	    .valid_s = 60, .name = (const uint8_t *)"new", .name_len = 3};
	struct message_backup_begin begin_again = {0};
	uint8_t leaf[32] = {1};

	make_copy(w, &copy);
	assert_int_equal(restart_with(w, &copy, true), SR_OK);
	world_forget(w);
	world_tree_start(w, 0, leaf, copy.head.signature);
	assert_int_equal(w->head.error, SR_OK);
	assert_int_equal(w->head.size, copy.head.size);
	assert_memory_equal(w->head.signature, copy.head.signature, 64);
	world_append(w, copy.head.size, leaf, 1);
	assert_int_equal(w->head.error, SR_NOT_ALLOWED);
	assert_int_equal(w->head.size, copy.head.size);
	assert_int_not_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->opens, 0);
	ASK(w, invite, &invite);
	assert_int_equal(w->control_type, MESSAGE_CONTROL_REFUSED);
	ASK(w, backup_begin, &begin_again);
	assert_int_equal(w->control_type, MESSAGE_CONTROL_REFUSED);
}

static enum sr_error
confirm_with(struct world *w, const struct message_restore_confirm *confirm)
{
	struct message_restore_confirmed confirmed;

	ASK(w, restore_confirm, confirm);
	TAKE(w, restore_confirmed, RESTORE_CONFIRMED, &confirmed);
	assert_true(confirmed.error != SR_OK && w->keyd->state.copy);
	return (enum sr_error)confirmed.error;
}

static void
given_a_copy_when_the_anchor_is_not_its_head_then_it_stays_a_copy(void **state)
{
	struct world *w = *state;
	static struct copy copy;
	struct message_restore_confirm older = {0}, newer = {0}, bad;
	uint8_t leaf[32] = {1};

	older.size = w->head.size;
	memcpy(older.root, w->head.root, 32);
	memcpy(older.signature, w->head.signature, 64);
	world_append(w, w->head.size, leaf, 1);
	make_copy(w, &copy);
	world_append(w, copy.head.size, leaf, 1);
	newer.size = w->head.size;
	memcpy(newer.root, w->head.root, 32);
	memcpy(newer.signature, w->head.signature, 64);
	assert_int_equal(newer.size, copy.head.size + 1);

	assert_int_equal(restart_with(w, &copy, true), SR_OK);
	assert_int_equal(confirm_with(w, &newer), SR_ROLLED_BACK);
	assert_int_equal(confirm_with(w, &older), SR_NOT_FOUND);
	bad = newer;
	bad.size = copy.head.size;
	assert_int_equal(confirm_with(w, &bad), SR_CRYPTO);
	memset(&bad, 0, sizeof(bad));
	assert_int_equal(confirm_with(w, &bad), SR_NOT_FOUND);
}

static void
given_more_changes_than_are_noted_when_asked_then_it_is_to_begin_anew(
    void **state)
{
	struct world *w = *state;
	struct backup *b = &w->keyd->backup;
	struct message_backup_changed_get get = {0};
	struct message_backup_changed changed;
	static struct copy copy;

	/* without a backup nothing is noted */
	backup_note(b, BACKUP_CREDENTIALS, 1);
	assert_int_equal(b->changed_count, 0);
	begin(w, &copy);
	for (uint32_t i = 0; i < BACKUP_CHANGED_MAX; i++)
		backup_note(b, BACKUP_CREDENTIALS, i);
	backup_note(b, BACKUP_CREDENTIALS, 0);
	assert_int_equal(freeze(w, &copy), SR_AGAIN);
	get.backup = copy.number;
	ASK(w, backup_changed_get, &get);
	TAKE(w, backup_changed, BACKUP_CHANGED, &changed);
	assert_int_equal(changed.error, SR_OK);
	assert_int_equal(
	    changed.list_len, BACKUP_CHANGED_MAX * BACKUP_CHANGED_LEN);
	assert_int_equal(b->changed_count, 0);

	for (uint32_t i = 0; i <= BACKUP_CHANGED_MAX; i++)
		backup_note(b, BACKUP_CREDENTIALS, i);
	assert_int_equal(freeze(w, &copy), SR_BUSY);
	ASK(w, backup_changed_get, &get);
	TAKE(w, backup_changed, BACKUP_CHANGED, &changed);
	assert_int_equal(changed.error, SR_BUSY);
}

static void
given_as_many_changes_as_are_frozen_when_frozen_then_one_more_is_too_many(
    void **state)
{
	struct world *w = *state;
	struct backup *b = &w->keyd->backup;
	static struct copy copy;

	begin(w, &copy);
	for (int i = 0; i < BACKUP_FROZEN_MAX; i++)
		b->changed[i] = (struct backup_slot){BACKUP_CREDENTIALS, 0};
	b->changed_count = BACKUP_FROZEN_MAX;
	assert_int_equal(freeze(w, &copy), SR_OK);
	assert_int_equal(copy.frozen_len, BACKUP_FROZEN_LEN);
	b->changed_count = BACKUP_FROZEN_MAX + 1;
	assert_int_equal(freeze(w, &copy), SR_AGAIN);
}

static void
given_another_backup_when_the_first_goes_on_then_busy(void **state)
{
	struct world *w = *state;
	static struct copy first, second;
	uint8_t bytes[CONTROL_PIECE_LEN];
	size_t len;

	begin(w, &first);
	begin(w, &second);
	assert_int_equal(
	    piece(w, first.number, BACKUP_LIMITS, 0, bytes, &len), SR_BUSY);
	assert_int_equal(freeze(w, &first), SR_BUSY);
	assert_int_equal(
	    piece(w, second.number, BACKUP_LIMITS, 0, bytes, &len), SR_OK);
	assert_int_equal(len, CONTROL_PIECE_LEN);
	assert_int_equal(
	    piece(w, second.number, 5, 0, bytes, &len), SR_NOT_FOUND);
	assert_int_equal(
	    piece(w, second.number, BACKUP_LIMITS, UINT64_MAX, bytes, &len),
	    SR_OK);
	assert_int_equal(len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(
		given_changes_while_it_is_read_when_restored_then_it_is_of_one_moment),
	    TEST(
		given_backups_begun_when_the_hours_are_out_then_the_last_one_goes_on),
	    TEST(
		given_records_sealed_anew_while_it_is_read_when_restored_then_all_are_there),
	    TEST(given_a_copy_when_keyd_starts_without_restore_then_refused),
	    TEST(given_a_copy_when_asked_for_anything_new_then_refused),
	    TEST(
		given_a_copy_when_the_anchor_is_not_its_head_then_it_stays_a_copy),
	    TEST(
		given_more_changes_than_are_noted_when_asked_then_it_is_to_begin_anew),
	    TEST(
		given_as_many_changes_as_are_frozen_when_frozen_then_one_more_is_too_many),
	    TEST(given_another_backup_when_the_first_goes_on_then_busy),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
