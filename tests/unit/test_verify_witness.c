/* SPDX-License-Identifier: ISC */
/*
 * Witnesses' signatures under checkpoints, and what a witness keeps: each byte
 * flipped, cut at each length, lines deleted, doubled and swapped.  A witness
 * that has not signed is never counted, and one whose state or key is not
 * whole signs nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "client/verify/witness.h"
#include "client/verify/witnesses.h"
#include "tests/lib/altered_note.h"
#include "tests/lib/forged_stage.h"
#include "tests/lib/verified_once.h"

#define NAME "club.example/witness"
enum { LOG_LINE = 4, WITNESS_LINE, LINES, TIME_S = 1795000000 };

static struct cosigner cosigner;
static uint8_t public_key[32], secret_key[64];
static char vkey[COSIGNER_VKEY_MAX];

/* A note with the log's line and the witness's, whole. */
struct text {
	char bytes[2 * NOTE_MAX];
	size_t len;
};

static struct text whole, altered;

static int
begin(void **state)
{
	if (forged_stage_begin(state) != 0)
		return 1;
	crypto_sign_seed_keypair(
	    public_key, secret_key, (const uint8_t[32]){2});
	if (cosigner_make(NAME, public_key, &cosigner) != SR_OK)
		return 1;
	cosigner_vkey(&cosigner, vkey);
	return 0;
}

static void
note_of(const struct checkpoint *checkpoint, struct text *text)
{
	const struct keys_signing *key =
	    forged_log_key_at(&log_now, checkpoint->size);
	uint8_t signature[64];
	size_t len;

	assert_int_equal(note_sign(checkpoint, key->secret, signature), SR_OK);
	note_assemble(
	    checkpoint, key->public, signature, text->bytes, &text->len);
	assert_int_equal(cosignature_sign(&cosigner, secret_key, checkpoint,
			     TIME_S, text->bytes + text->len, &len),
	    SR_OK);
	text->len += len;
}

static void
put(const char *name, const struct text *text)
{
	forged_log_put_file(&log_now, name, text->bytes, text->len);
}

/* Where a line begins. */
static size_t
line_at(const struct text *text, unsigned number)
{
	size_t len;

	return altered_line(text->bytes, text->len, number, &len);
}

enum change { DELETED, DOUBLED, SWAPPED, CHANGES };

/* `altered', of `whole'; false where there is no next line to swap with. */
static bool
change_line(unsigned number, enum change change)
{
	size_t len, next_len;
	size_t at = altered_line(whole.bytes, whole.len, number, &len);
	size_t next =
	    altered_line(whole.bytes, whole.len, number + 1, &next_len);
	char *out = altered.bytes + at;

	altered = whole;
	switch (change) {
	case DELETED:
		memcpy(out, whole.bytes + next, whole.len - next);
		altered.len -= len;
		return true;
	case DOUBLED:
		memcpy(out + len, whole.bytes + at, whole.len - at);
		altered.len += len;
		return true;
	case SWAPPED:
		memcpy(out, whole.bytes + next, next_len);
		memcpy(out + next_len, whole.bytes + at, len);
		return next_len > 0;
	case CHANGES:
		break;
	}
	return false;
}

/* What becomes of the note: both lines may stand twice, and in any order. */
static enum altered_note
change_found(unsigned number, enum change change, bool *whole_still)
{
	*whole_still = (change == DOUBLED && number >= LOG_LINE) ||
		       (change == SWAPPED && number == LOG_LINE);
	if (change != DELETED || number < LOG_LINE)
		return ALTERED_NONE;
	return number == LOG_LINE ? ALTERED_UNSIGNED : ALTERED_NO_WITNESS;
}

/* ---- counted ----------------------------------------------------------- */

/* The file at work, and the exit when it is not what it should be. */
static struct {
	const char *name;
	enum verify_exit none;
} counted;

static void
expect_counted(enum altered_note found, bool whole_still)
{
	const struct forged_verdict *verdict;
	enum verify_exit exit = VERIFY_TAMPERED;
	const char *words = NULL;
	char named[256];

	put(counted.name, &altered);
	verdict = forged_log_verify(&log_now, 0, true);
	if (whole_still || found == ALTERED_NO_WITNESS) {
		forged_stage_expect(verdict, VERIFY_INTACT, "");
		assert_int_equal(verdict->witnesses, whole_still ? 1 : 0);
		return;
	}
	switch (found) {
	case ALTERED_NONE:
		exit = counted.none;
		words = " is not a checkpoint";
		break;
	case ALTERED_FALSE:
		exit = counted.none;
		words = ": the line of witness " NAME " is not its signature";
		break;
	case ALTERED_LOG:
	case ALTERED_BANK:
		words = " is a checkpoint of another log, of another bank";
		break;
	case ALTERED_EPOCH:
	case ALTERED_UNSIGNED:
		words = ": no log key of this bank has signed it";
		break;
	case ALTERED_NO_WITNESS:
		break;
	}
	snprintf(named, sizeof(named), "%s/%s%s", log_now.directory,
	    counted.name, words);
	forged_stage_expect(verdict, exit, named);
	assert_int_equal(verdict->witnesses, 0);
}

static void
alter_counted(const char *name, enum verify_exit none)
{
	bool still;

	counted.name = name;
	counted.none = none;
	log_now.witness = vkey;
	altered = whole;
	expect_counted(ALTERED_NONE, true);
	for (size_t i = 0; i < whole.len; i++) {
		for (unsigned bit = i % 2; bit < 8; bit += 2) {
			altered = whole;
			altered.bytes[i] = (char)(whole.bytes[i] ^ 1 << bit);
			expect_counted(altered_note_of(whole.bytes, whole.len,
					   i, (unsigned char)altered.bytes[i]),
			    false);
		}
		altered.len = i;
		expect_counted(i == line_at(&whole, WITNESS_LINE)
				   ? ALTERED_NO_WITNESS
				   : ALTERED_NONE,
		    false);
	}
	for (unsigned number = 0; number < LINES; number++)
		for (unsigned change = DELETED; change < CHANGES; change++)
			if (change_line(number, (enum change)change)) {
				enum altered_note found = change_found(
				    number, (enum change)change, &still);

				expect_counted(found, still);
			}
}

static void
given_any_byte_of_an_anchors_cosignature_when_altered_then_never_counted(
    void **state)
{
	(void)state;
	note_of(&log_now.since, &whole);
	alter_counted("since", VERIFY_COULD_NOT);
}

static void
given_any_byte_of_a_published_cosignature_when_altered_then_never_counted(
    void **state)
{
	(void)state;
	note_of(&log_now.head, &whole);
	alter_counted("public/checkpoint", VERIFY_TAMPERED);
}

/* A signature of an older checkpoint, and one by another bank's witness. */
static void
given_another_checkpoints_cosignature_when_counted_then_it_is_refused(
    void **state)
{
	struct checkpoint other = log_now.since;
	struct text older;
	size_t at;

	(void)state;
	counted.name = "since";
	counted.none = VERIFY_COULD_NOT;
	log_now.witness = vkey;
	note_of(&log_now.since, &whole);
	other.size--;
	note_of(&other, &older);
	at = line_at(&older, WITNESS_LINE);
	altered = whole;
	altered.len = line_at(&whole, WITNESS_LINE);
	memcpy(altered.bytes + altered.len, older.bytes + at, older.len - at);
	altered.len += older.len - at;
	expect_counted(ALTERED_FALSE, false);
	/* of the same size and root, under another bank's origin */
	other = log_now.since;
	other.origin[strlen("strongroom/")] ^= 1;
	note_of(&other, &older);
	at = line_at(&older, WITNESS_LINE);
	altered.len = line_at(&whole, WITNESS_LINE);
	memcpy(altered.bytes + altered.len, older.bytes + at, older.len - at);
	altered.len += older.len - at;
	expect_counted(ALTERED_FALSE, false);
}

/* ---- a witness --------------------------------------------------------- */

static char key_path[256], state_path[256], output_path[256], given_path[256];
static char said[1024]; /* on standard error */

static int
setup_witness(void **state)
{
	char public_path[300];

	if (forged_stage_setup(state) != 0)
		return 1;
	snprintf(key_path, sizeof(key_path), "%s/w.key", log_now.directory);
	snprintf(
	    state_path, sizeof(state_path), "%s/w.state", log_now.directory);
	snprintf(
	    output_path, sizeof(output_path), "%s/w.line", log_now.directory);
	snprintf(given_path, sizeof(given_path), "%s/given", log_now.directory);
	snprintf(public_path, sizeof(public_path), "%s.pub", key_path);
	if (witness_keygen(NAME, key_path) != VERIFY_ANCHORED ||
	    unlink(public_path) != 0)
		return 1;
	return 0;
}

static int
end_witness(void **state)
{
	(void)state;
	(void)unlink(key_path);
	(void)unlink(state_path);
	(void)unlink(output_path);
	(void)unlink(given_path);
	return 0;
}

static struct text
read_text(const char *path)
{
	struct text text = {.len = 0};
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text.len = fread(text.bytes, 1, sizeof(text.bytes), file);
	assert_int_equal(fclose(file), 0);
	return text;
}

/* What it does with that checkpoint (NULL: the published one). */
static enum verify_exit
run(const char *checkpoint)
{
	static struct verify verify;
	struct witness_paths paths = {.key = key_path,
	    .state = state_path,
	    .checkpoint = checkpoint,
	    .output = output_path};
	enum verify_exit exit;
	FILE *talk = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_true(talk != NULL && saved >= 0);
	memset(&verify, 0, sizeof(verify));
	verify.directory = log_now.directory;
	verify.quiet = true;
	verify.jobs = 1;
	verify.exit = VERIFY_INTACT;
	memcpy(verify.bank.bank_id, log_now.bank_id, 32);
	memcpy(verify.bank.identity, log_now.identity, 32);
	verify.bank.unit = log_now.unit;
	(void)unlink(output_path);
	assert_true(dup2(fileno(talk), STDERR_FILENO) >= 0);
	exit = witness_run(&verify, &paths);
	assert_true(fflush(stderr) == 0 && dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(talk);
	said[fread(said, 1, sizeof(said) - 1, talk)] = '\0';
	fclose(talk);
	return exit;
}

/* Nothing was signed, and the state is as it was. */
static void
expect_refused(const char *checkpoint, enum verify_exit exit, const char *words)
{
	struct text before = read_text(state_path), after;
	enum verify_exit ended = run(checkpoint);

	if (ended != exit || strstr(said, words) == NULL)
		fail_msg("exit %d, `%s'; should be %d, `%s'", (int)ended, said,
		    (int)exit, words);
	assert_int_not_equal(access(output_path, F_OK), 0);
	after = read_text(state_path);
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.bytes, before.bytes, after.len);
}

/* Signs with the key that the witness has made: the line's last field. */
static void
take_key(void)
{
	struct text line = read_text(key_path);
	uint8_t typed[33];
	size_t len;

	assert_int_equal(
	    sodium_base642bin(typed, sizeof(typed), line.bytes + line.len - 45,
		44, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL),
	    0);
	crypto_sign_seed_keypair(public_key, secret_key, typed + 1);
	assert_int_equal(cosigner_make(NAME, public_key, &cosigner), SR_OK);
}

static void
put_state(const struct checkpoint *checkpoint)
{
	note_of(checkpoint, &whole);
	put("w.state", &whole);
}

static void
expect_state(enum altered_note found, bool in_log_line)
{
	put("w.state", &altered);
	/* the bank's own line is not what the witness has signed */
	if (found == ALTERED_UNSIGNED && in_log_line)
		expect_refused(NULL, VERIFY_TAMPERED,
		    "w.state: no log key of this bank has signed it");
	else
		expect_refused(NULL, VERIFY_COULD_NOT,
		    "w.state is not a state that " NAME " has written");
}

static void
given_any_byte_of_a_state_when_altered_then_nothing_is_signed(void **state)
{
	bool still;

	(void)state;
	take_key();
	put_state(&log_now.since);
	for (size_t i = 0; i < whole.len; i++) {
		bool in_log_line = i >= line_at(&whole, LOG_LINE);

		for (unsigned bit = i % 2; bit < 8; bit += 2) {
			altered = whole;
			altered.bytes[i] = (char)(whole.bytes[i] ^ 1 << bit);
			expect_state(altered_note_of(whole.bytes, whole.len, i,
					 (unsigned char)altered.bytes[i]),
			    in_log_line);
		}
		altered.len = i;
		expect_state(ALTERED_NONE, false);
	}
	for (unsigned number = 0; number < LINES; number++)
		for (unsigned change = DELETED; change < CHANGES; change++) {
			enum altered_note found;

			if (!change_line(number, (enum change)change))
				continue;
			found =
			    change_found(number, (enum change)change, &still);
			if (!still) {
				expect_state(found, true);
				continue;
			}
			put("w.state", &altered);
			assert_int_equal(run(NULL), VERIFY_ANCHORED);
		}
}

static void
given_any_byte_of_a_key_when_altered_then_it_is_none(void **state)
{
	static const char none[] = "w.key: is not a witness's key";

	(void)state;
	take_key();
	put_state(&log_now.since);
	whole = read_text(key_path);
	for (size_t i = 0; i < whole.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			altered = whole;
			altered.bytes[i] = (char)(whole.bytes[i] ^ 1 << bit);
			put("w.key", &altered);
			expect_refused(NULL, VERIFY_COULD_NOT, none);
		}
		altered.len = i;
		put("w.key", &altered);
		expect_refused(NULL, VERIFY_COULD_NOT, none);
	}
	altered = whole;
	altered.bytes[altered.len++] = '\n';
	put("w.key", &altered);
	expect_refused(NULL, VERIFY_COULD_NOT, none);
	put("w.key", &whole);
	assert_int_equal(run(NULL), VERIFY_ANCHORED);
}

static void
given_any_byte_of_the_checkpoint_when_altered_then_it_is_not_signed(
    void **state)
{
	(void)state;
	take_key();
	put_state(&log_now.since);
	note_of(&log_now.head, &whole);
	whole.len = line_at(&whole, WITNESS_LINE);
	for (size_t i = 0; i < whole.len; i++) {
		for (unsigned bit = i % 2; bit < 8; bit += 2) {
			enum altered_note found;

			altered = whole;
			altered.bytes[i] = (char)(whole.bytes[i] ^ 1 << bit);
			found = altered_note_of(whole.bytes, whole.len, i,
			    (unsigned char)altered.bytes[i]);
			put("given", &altered);
			expect_refused(given_path, VERIFY_TAMPERED,
			    found == ALTERED_NONE ? "is not a checkpoint"
			    : found == ALTERED_BANK || found == ALTERED_LOG
				? "of another bank"
				: "no log key of this bank");
		}
		altered.len = i;
		put("given", &altered);
		expect_refused(
		    given_path, VERIFY_TAMPERED, "is not a checkpoint");
	}
	put("given", &whole);
	assert_int_equal(run(given_path), VERIFY_ANCHORED);
}

/* With the log key in hand: what does not continue the state. */
static void
given_a_log_that_does_not_continue_the_state_when_seen_then_not_signed(
    void **state)
{
	struct checkpoint other = log_now.head;

	(void)state;
	take_key();
	put_state(&log_now.head);
	note_of(&log_now.since, &altered);
	put("given", &altered);
	expect_refused(given_path, VERIFY_TAMPERED, "rolled back");
	other.root[0] ^= 1;
	put_state(&other);
	expect_refused(NULL, VERIFY_TAMPERED, "forked");
	other = log_now.head;
	other.size--;
	put_state(&other);
	expect_refused(NULL, VERIFY_TAMPERED, "forked");
}

#define WITNESS_STORY(test) \
	cmocka_unit_test_setup_teardown(test, setup_witness, end_witness)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FORGED_STORY(
		given_any_byte_of_an_anchors_cosignature_when_altered_then_never_counted),
	    FORGED_STORY(
		given_any_byte_of_a_published_cosignature_when_altered_then_never_counted),
	    FORGED_STORY(
		given_another_checkpoints_cosignature_when_counted_then_it_is_refused),
	    WITNESS_STORY(
		given_any_byte_of_a_state_when_altered_then_nothing_is_signed),
	    WITNESS_STORY(given_any_byte_of_a_key_when_altered_then_it_is_none),
	    WITNESS_STORY(
		given_any_byte_of_the_checkpoint_when_altered_then_it_is_not_signed),
	    WITNESS_STORY(
		given_a_log_that_does_not_continue_the_state_when_seen_then_not_signed),
	};

	return cmocka_run_group_tests(tests, begin, forged_stage_end);
}
