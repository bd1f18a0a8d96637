/* SPDX-License-Identifier: ISC */
/*
 * A month-end bundle before strongroom-verify: each byte flipped, cut at each
 * length, each line of its files deleted, doubled and swapped, with the
 * signer's key in hand and without; and what it must continue likewise.  What
 * is found is told from where things stand in a bundle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "client/bundle/archive.h"
#include "client/verify/bundle.h"
#include "tests/lib/altered_note.h"
#include "tests/lib/toy_bundle.h"
#include "tests/lib/verified_once.h"

#define NOT_ONE "it is not a month-end bundle"
#define NOT_WHOLE "its manifest is not a whole one"
#define NOT_SIGNED "its manifest is not signed by whom it names"
#define NOT_ATTESTED "the bank has not attested the key"
#define NOT_ZERO "bytes between its files that are not zero"
#define SHORT "it ends too early"
#define FIRST "strongroom-month-end "

static struct toy_bundle made, bundle;
static struct bundle_verdict verdict, intact;

/* A file in memory, and its name. */
struct file {
	int fd;
	char path[64];
};

static struct file now, before;

static void
make_file(struct file *file)
{
	file->fd = memfd_create("bundle", MFD_CLOEXEC);
	assert_true(file->fd >= 0);
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

static void
put(const struct file *file, const void *bytes, size_t len)
{
	assert_int_equal(ftruncate(file->fd, 0), 0);
	assert_int_equal(pwrite(file->fd, bytes, len, 0), len);
}

static void
put_byte(const struct file *file, size_t at, uint8_t byte)
{
	assert_int_equal(pwrite(file->fd, &byte, 1, (off_t)at), 1);
}

static int
begin(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return 1;
	toy_bundle_make(&made);
	make_file(&now);
	make_file(&before);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	bundle = made;
	put(&now, bundle.bytes, bundle.len);
	put(&before, bundle.bytes, bundle.len);
	bundle_judge(&made.bank, now.path, &intact);
	return intact.exit == VERIFY_INTACT ? 0 : 1;
}

static void
expect(enum verify_exit exit, const char *words, const char *what, size_t at)
{
	if (verdict.exit != exit || strstr(verdict.why, words) == NULL)
		fail_msg("%s %zu: exit %d, `%s'; should be %d, `%s'", what, at,
		    (int)verdict.exit, verdict.why, (int)exit, words);
}

static void
look(void)
{
	bundle_judge(&made.bank, now.path, &verdict);
}

/* Packed anew as it is now. */
static void
look_at(struct toy_bundle *at)
{
	toy_bundle_pack(at);
	put(&now, at->bytes, at->len);
	look();
}

/* ---- the manifest ------------------------------------------------------ */

enum value { NOTHING_ELSE, NUMBER, HEX };

/* What stands in a line, in the order of its words, and who bears it. */
static const struct {
	const char *key;
	enum value value[3];
	const char *found;
} lines[] = {
    {"bank", {HEX}, "it is a bundle of another bank"},
    {"month", {NOTHING_ELSE}, NOT_WHOLE},
    {"so-far", {NOTHING_ELSE}, NOT_WHOLE},
    {"made", {NUMBER}, NOT_SIGNED},
    {"verified", {NOTHING_ELSE}, NOT_WHOLE},
    {"size", {NUMBER}, NOT_SIGNED},
    {"root", {HEX}, NOT_SIGNED},
    {"file", {HEX, NUMBER, NOTHING_ELSE}, NOT_SIGNED},
    {"since", {NUMBER, HEX}, NOT_SIGNED},
    {"path", {HEX}, NOT_SIGNED},
    {"certificate", {HEX}, "a certificate in it is not one"},
    {"attestation", {HEX}, NOT_ATTESTED},
    {"signature", {HEX}, NOT_SIGNED},
};

static bool
is_number(const char *line, size_t word, size_t at, char byte)
{
	if (byte < '0' || byte > '9')
		return false;
	return at != word || byte != '0' || line[word + 1] < '0';
}

/* ID NAME SALT. */
static const char *
signer_found(
    const char *line, size_t word, unsigned number, size_t at, char byte)
{
	bool digit = byte >= '0' && byte <= '9';
	bool right;

	if (number == 0)
		right = is_number(line, word, at, byte);
	else if (number == 1)
		right = digit || (byte >= 'a' && byte <= 'z') || byte == '.' ||
			byte == '_' || byte == '-';
	else
		right = digit || (byte >= 'a' && byte <= 'f');
	return right ? NOT_ATTESTED : NOT_WHOLE;
}

/* What is found when that byte of a line becomes another one. */
static const char *
line_found(const char *line, size_t len, size_t at, char byte)
{
	size_t word = (size_t)((const char *)memchr(line, ' ', len) - line);
	size_t key_len = word++;
	unsigned number = 0;

	if (at < word || at == len - 1 || line[at] == ' ')
		return NOT_WHOLE;
	for (size_t i = word; i < at; i++)
		if (line[i] == ' ') {
			number++;
			word = i + 1;
		}
	if (memcmp(line, "signer ", 7) == 0)
		return signer_found(line, word, number, at, byte);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		enum value value = lines[i].value[number];
		bool right =
		    value == NUMBER
			? is_number(line, word, at, byte)
			: value == HEX && ((byte >= '0' && byte <= '9') ||
					      (byte >= 'a' && byte <= 'f'));

		if (strlen(lines[i].key) == key_len &&
		    memcmp(line, lines[i].key, key_len) == 0)
			return right ? lines[i].found : NOT_WHOLE;
	}
	fail_msg("no such line: %.*s", (int)len, line);
	return NULL;
}

static void
expect_manifest(size_t at, uint8_t byte)
{
	size_t len, from = 0;

	for (unsigned number = 0; at >= from; number++) {
		from = altered_line(made.text, made.text_len, number, &len);
		if (at >= from + len)
			continue;
		if (number > 0)
			expect(VERIFY_TAMPERED,
			    line_found(
				made.text + from, len, at - from, (char)byte),
			    "byte of the manifest", at);
		else if (at < strlen(FIRST))
			expect(VERIFY_TAMPERED, NOT_WHOLE, "byte", at);
		else
			expect(VERIFY_COULD_NOT, "newer version", "byte", at);
		return;
	}
}

/* ---- bytes ------------------------------------------------------------- */

static void
expect_byte(size_t at, uint8_t byte)
{
	char words[128];

	if (at < made.text_at) {
		expect(VERIFY_TAMPERED, NOT_ONE, "byte", at);
		return;
	}
	if (at < made.text_at + made.text_len) {
		expect_manifest(at - made.text_at, byte);
		return;
	}
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		size_t file_at = made.file_at[i];

		if (at < made.header_at[i] || at >= file_at + made.file_len[i])
			continue;
		snprintf(words, sizeof(words), "%s %s", bundle_file_names[i],
		    at < file_at ? "of the manifest does not stand in its place"
				 : "is not the file that was signed");
		expect(VERIFY_TAMPERED, words, "byte", at);
		return;
	}
	expect(VERIFY_TAMPERED, NOT_ZERO, "byte", at);
}

static void
given_any_byte_of_a_bundle_when_flipped_then_its_part_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < made.len; i++) {
		bool text =
		    i >= made.text_at && i < made.text_at + made.text_len;

		for (unsigned bit = text ? 0 : i % 4; bit < 8;
		     bit += text ? 1 : 4) {
			uint8_t byte = made.bytes[i] ^ (uint8_t)(1u << bit);

			put_byte(&now, i, byte);
			look();
			expect_byte(i, byte);
		}
		put_byte(&now, i, made.bytes[i]);
	}
	look();
	expect(VERIFY_INTACT, "no older bundle", "all", 0);
}

static void
given_any_length_of_a_bundle_when_cut_then_it_ends_too_early(void **state)
{
	(void)state;
	put_byte(&now, made.len, 0);
	look();
	expect(VERIFY_TAMPERED, "bytes after its end", "longer by", 1);
	for (size_t len = made.len; len-- > 0;) {
		assert_int_equal(ftruncate(now.fd, (off_t)len), 0);
		look();
		expect(VERIFY_TAMPERED, len < ARCHIVE_BLOCK ? NOT_ONE : SHORT,
		    "cut to", len);
	}
}

static void
given_another_banks_identity_when_looked_at_then_it_says_so(void **state)
{
	struct bankfile other = made.bank;

	(void)state;
	memset(other.identity, 1, sizeof(other.identity));
	bank_id_of(other.identity, other.bank_id);
	bundle_judge(&other, now.path, &verdict);
	expect(VERIFY_TAMPERED, "it is a bundle of another bank", "bank", 0);
}

/* ---- lines ------------------------------------------------------------- */

enum change { DELETED, DOUBLED, SWAPPED };

/* Line `number' of the text; false when there is none, or none to swap. */
static bool
change_line(char *text, size_t *len, unsigned number, enum change change)
{
	size_t first_len, next_len, at, next;
	char first[TOY_FILE_MAX];

	at = altered_line(text, *len, number, &first_len);
	next = altered_line(text, *len, number + 1, &next_len);
	if (first_len == 0 || (change == SWAPPED && next_len == 0))
		return false;
	memcpy(first, text + at, first_len);
	switch (change) {
	case DELETED:
		memmove(text + at, text + next, *len - next);
		*len -= first_len;
		return true;
	case DOUBLED:
		memmove(text + next, text + at, *len - at);
		*len += first_len;
		return true;
	case SWAPPED:
		memmove(text + at, text + next, next_len);
		memcpy(text + at + next_len, first, first_len);
		return true;
	}
	return false;
}

static bool
is_of(const char *line, const char *key)
{
	return strncmp(line, key, strlen(key)) == 0;
}

/* Only these may stand there once more or less, or in another order. */
static const char *
manifest_line_found(unsigned number, enum change change)
{
	size_t len, next_len;
	const char *line =
	    made.text + altered_line(made.text, made.text_len, number, &len);
	const char *next = made.text + altered_line(made.text, made.text_len,
					   number + 1, &next_len);

	if (is_of(line, "path "))
		return change != SWAPPED || is_of(next, "path ") ? NOT_SIGNED
								 : NOT_WHOLE;
	return is_of(line, "certificate ") && change == DOUBLED ? NOT_SIGNED
								: NOT_WHOLE;
}

static void
given_any_line_of_the_manifest_when_changed_then_its_fault_is_named(
    void **state)
{
	unsigned looked_at = 0;

	(void)state;
	for (unsigned change = DELETED; change <= SWAPPED; change++)
		for (unsigned number = 0;; number++) {
			bundle = made;
			if (!change_line(bundle.text, &bundle.text_len, number,
				(enum change)change))
				break;
			look_at(&bundle);
			expect(VERIFY_TAMPERED,
			    manifest_line_found(number, (enum change)change),
			    "line", number);
			looked_at++;
		}
	assert_true(looked_at > 3 * 18);
}

/* Whoever has the disk: neither the hash nor the signature is to be had. */
static void
given_any_line_of_a_file_when_changed_then_it_is_not_what_was_signed(
    void **state)
{
	(void)state;
	for (unsigned change = DELETED; change <= SWAPPED; change++)
		for (unsigned i = 0; i < BUNDLE_FILES; i++)
			for (unsigned number = 0;; number++) {
				bundle = made;
				if (!change_line(bundle.file[i],
					&bundle.file_len[i], number,
					(enum change)change))
					break;
				look_at(&bundle);
				expect(VERIFY_TAMPERED,
				    change == SWAPPED
					? "is not the file that was signed"
					: "does not stand in its place",
				    bundle_file_names[i], number);
				toy_bundle_hash(&bundle);
				toy_bundle_write(&bundle);
				look_at(&bundle);
				expect(VERIFY_TAMPERED, NOT_SIGNED,
				    bundle_file_names[i], number);
			}
}

/* What the signer can put there and sign, and what does not add up then. */
static void
given_any_row_when_its_signer_changes_it_then_the_sums_tell(void **state)
{
#define HEAD "row 1: other columns"
#define SUM "row %u: the rows of the entry before do not add up"
	static const struct {
		enum bundle_file file;
		unsigned number;
		const char *found[SWAPPED + 1]; /* NULL: it still adds up */
		unsigned row[SWAPPED + 1];
	} rows[] = {
	    {BUNDLE_TILLS, 0, {HEAD, "row 2: amounts", HEAD}, {0, 0, 0}},
	    /* without its report a till is an account as any other */
	    {BUNDLE_TILLS, 1, {NULL, "row 3: a till that was", NULL},
		{0, 0, 0}},
	    {BUNDLE_TILLS, 2, {NULL, "row 4: a till that was", NULL},
		{0, 0, 0}},
	    {BUNDLE_CSV, 0, {HEAD, "row 2: it is of another month", HEAD},
		{0, 0, 0}},
	    {BUNDLE_CSV, 1, {SUM, SUM, NULL}, {3, 5, 0}},
	    {BUNDLE_CSV, 2, {SUM, SUM, SUM}, {3, 5, 3}},
	    {BUNDLE_CSV, 3, {SUM, SUM, NULL}, {4, 6, 0}},
	    {BUNDLE_CSV, 4, {SUM, SUM, NULL}, {4, 6, 0}},
	};
	char words[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned change = DELETED; change <= SWAPPED; change++) {
			enum bundle_file file = rows[i].file;
			const char *found = rows[i].found[change];

			bundle = made;
			if (!change_line(bundle.file[file],
				&bundle.file_len[file], rows[i].number,
				(enum change)change))
				continue;
			toy_bundle_hash(&bundle);
			toy_bundle_sign(&bundle);
			look_at(&bundle);
			snprintf(words, sizeof(words),
			    found != NULL ? found : "no older bundle",
			    rows[i].row[change]);
			expect(found != NULL ? VERIFY_TAMPERED : VERIFY_INTACT,
			    words, bundle_file_names[file], rows[i].number);
		}
}

/* ---- what it continues ------------------------------------------------- */

static void
look_since(void)
{
	verdict = intact;
	verdict.manifest.signature[0] ^= 1; /* it is another than `before' */
	bundle_judge_since(&made.bank, before.path, &verdict);
}

/* The checkpoint of so many leaves as the one that was kept. */
static size_t
keep_note(uint64_t size, char note[NOTE_MAX])
{
	struct checkpoint checkpoint;
	size_t len = toy_bundle_note(&bundle, size, note, &checkpoint);

	put(&before, note, len);
	return len;
}

static void
given_checkpoints_of_each_size_when_continued_then_the_two_it_proves(
    void **state)
{
	char note[NOTE_MAX];

	(void)state;
	for (uint64_t size = 1; size <= TOY_TREE; size++) {
		(void)keep_note(size, note);
		look_since();
		if (size == TOY_TREE || size == TOY_TREE_BEFORE)
			expect(VERIFY_ANCHORED, "", "size", size);
		else
			expect(VERIFY_INTACT, "it has no proof", "size", size);
	}
	/* of another history, of each size */
	memset(bundle.leaves[0], 0xee, 32);
	(void)keep_note(TOY_TREE_BEFORE, note);
	look_since();
	expect(VERIFY_TAMPERED, "forked", "size", TOY_TREE_BEFORE);
	(void)keep_note(TOY_TREE, note);
	look_since();
	expect(VERIFY_TAMPERED, "forked", "size", TOY_TREE);
}

/* The bundle of which the anchor has fewer leaves. */
static void
given_an_older_bundle_when_it_must_continue_a_newer_one_then_rolled_back(
    void **state)
{
	struct checkpoint checkpoint;

	(void)state;
	bundle.file_len[BUNDLE_ANCHOR] = toy_bundle_note(
	    &bundle, TOY_TREE_BEFORE, bundle.file[BUNDLE_ANCHOR], &checkpoint);
	bundle.manifest.size = checkpoint.size;
	memcpy(bundle.manifest.root, checkpoint.root, 32);
	bundle.manifest.since = false;
	bundle.manifest.path_count = 0;
	toy_bundle_hash(&bundle);
	toy_bundle_sign(&bundle);
	toy_bundle_pack(&bundle);
	put(&now, bundle.bytes, bundle.len);
	look();
	expect(VERIFY_INTACT, "no older bundle", "older", 0);
	bundle_judge_since(&made.bank, before.path, &verdict);
	expect(VERIFY_TAMPERED, "rolled back", "older", 0);
	/* and the other way round */
	put(&before, bundle.bytes, bundle.len);
	look_since();
	expect(VERIFY_ANCHORED, "", "newer", 0);
}

/* With the keys of log and signer: anchor, manifest and proof must agree. */
static void
given_a_forged_anchor_when_all_is_signed_then_what_contradicts_is_named(
    void **state)
{
	struct checkpoint checkpoint;
	char *letter;

	(void)state;
	memset(bundle.leaves[0], 0xee, 32);
	bundle.file_len[BUNDLE_ANCHOR] = toy_bundle_note(
	    &bundle, TOY_TREE, bundle.file[BUNDLE_ANCHOR], &checkpoint);
	toy_bundle_hash(&bundle);
	toy_bundle_sign(&bundle);
	look_at(&bundle);
	expect(VERIFY_TAMPERED, "not that of its manifest", "anchor", 0);
	memcpy(bundle.manifest.root, checkpoint.root, 32);
	toy_bundle_sign(&bundle);
	look_at(&bundle);
	expect(VERIFY_TAMPERED, "forked: its anchor", "anchor", 0);
	/* another one of base64 */
	letter =
	    &bundle.file[BUNDLE_ANCHOR][bundle.file_len[BUNDLE_ANCHOR] - 20];
	*letter = *letter == 'A' ? 'B' : 'A';
	toy_bundle_hash(&bundle);
	toy_bundle_sign(&bundle);
	look_at(&bundle);
	expect(VERIFY_TAMPERED, "no log key of this bank", "anchor", 0);
}

static void
expect_note(enum altered_note altered, size_t at)
{
	switch (altered) {
	case ALTERED_NONE:
	case ALTERED_LOG:
		expect(VERIFY_COULD_NOT, "is neither a checkpoint nor a bundle",
		    "byte", at);
		break;
	case ALTERED_BANK:
		expect(VERIFY_TAMPERED, "is of another bank", "byte", at);
		break;
	case ALTERED_EPOCH:
		expect(VERIFY_INTACT, "no log key that the bundle has", "byte",
		    at);
		break;
	case ALTERED_UNSIGNED:
		expect(VERIFY_TAMPERED, "no log key of this bank has signed it",
		    "byte", at);
		break;
	case ALTERED_NO_WITNESS:
	case ALTERED_FALSE:
		fail();
	}
}

static void
given_any_byte_of_a_kept_checkpoint_when_altered_then_its_kind_is_told(
    void **state)
{
	char note[NOTE_MAX];
	size_t len = keep_note(TOY_TREE_BEFORE, note);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			uint8_t byte = (uint8_t)note[i] ^ (uint8_t)(1u << bit);

			put_byte(&before, i, byte);
			look_since();
			expect_note(altered_note_of(note, len, i, byte), i);
		}
		put_byte(&before, i, (uint8_t)note[i]);
	}
	look_since();
	expect(VERIFY_ANCHORED, "", "all", 0);
	put_byte(&before, len, '\n');
	look_since();
	expect_note(ALTERED_NONE, len);
	while (len-- > 0) {
		assert_int_equal(ftruncate(before.fd, (off_t)len), 0);
		look_since();
		expect_note(ALTERED_NONE, len);
	}
}

/* The older bundle is named, and with it what is wrong with it. */
static void
given_any_byte_of_the_older_bundle_when_flipped_then_it_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < made.len; i++) {
		uint8_t byte = made.bytes[i] ^ (uint8_t)(1u << i % 8);

		put_byte(&before, i, byte);
		look_since();
		if (strstr(verdict.why, "--since /proc/self/fd/") == NULL)
			fail_msg("byte %zu: `%s'", i, verdict.why);
		if (i < strlen(ARCHIVE_PREFIX))
			expect_note(ALTERED_NONE, i);
		else
			expect_byte(i, byte);
		put_byte(&before, i, made.bytes[i]);
	}
	look_since();
	expect(VERIFY_ANCHORED, "", "all", 0);
	/* it and itself */
	verdict = intact;
	bundle_judge_since(&made.bank, before.path, &verdict);
	expect(VERIFY_INTACT, "was not made before it", "itself", 0);
	verdict.manifest.signature[0] ^= 1;
	verdict.manifest.made_ms--;
	verdict.exit = VERIFY_INTACT;
	bundle_judge_since(&made.bank, before.path, &verdict);
	expect(VERIFY_INTACT, "was not made before it", "earlier", 0);
	/* what its maker could not verify */
	verdict = intact;
	verdict.manifest.signature[0] ^= 1;
	verdict.manifest.verified = VERIFY_INTACT;
	bundle_judge_since(&made.bank, before.path, &verdict);
	expect(VERIFY_INTACT, "its maker says that the ledger", "made", 0);
}

/* Books are the word of whoever signed. */
static void
given_a_signer_when_it_is_not_whom_the_auditor_knows_then_never_0(void **state)
{
	char longer[BUNDLE_NAME_MAX + 2], note[NOTE_MAX];

	(void)state;
	(void)keep_note(TOY_TREE_BEFORE, note);
	look_since();
	bundle_judge_signer(bundle.manifest.name, &verdict);
	expect(VERIFY_ANCHORED, "", "known", 0);
	bundle_judge_signer(NULL, &verdict);
	expect(VERIFY_INTACT, "the word of customer", "nobody", 0);
	snprintf(longer, sizeof(longer), "%sx", bundle.manifest.name);
	bundle_judge_signer(longer, &verdict);
	expect(VERIFY_TAMPERED, ", not by ", "other", 0);
	/* which changes nothing of what was worse */
	bundle_judge_signer(bundle.manifest.name, &verdict);
	expect(VERIFY_TAMPERED, ", not by ", "other", 1);
	verdict = intact;
	bundle_judge_signer(NULL, &verdict);
	expect(VERIFY_INTACT, "no older bundle", "alone", 0);
}

#define STORY(test) cmocka_unit_test_setup(test, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STORY(
		given_any_byte_of_a_bundle_when_flipped_then_its_part_is_named),
	    STORY(given_any_length_of_a_bundle_when_cut_then_it_ends_too_early),
	    STORY(given_another_banks_identity_when_looked_at_then_it_says_so),
	    STORY(
		given_any_line_of_the_manifest_when_changed_then_its_fault_is_named),
	    STORY(
		given_any_line_of_a_file_when_changed_then_it_is_not_what_was_signed),
	    STORY(given_any_row_when_its_signer_changes_it_then_the_sums_tell),
	    STORY(
		given_checkpoints_of_each_size_when_continued_then_the_two_it_proves),
	    STORY(
		given_an_older_bundle_when_it_must_continue_a_newer_one_then_rolled_back),
	    STORY(
		given_a_forged_anchor_when_all_is_signed_then_what_contradicts_is_named),
	    STORY(
		given_any_byte_of_a_kept_checkpoint_when_altered_then_its_kind_is_told),
	    STORY(
		given_any_byte_of_the_older_bundle_when_flipped_then_it_is_named),
	    STORY(
		given_a_signer_when_it_is_not_whom_the_auditor_knows_then_never_0),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
