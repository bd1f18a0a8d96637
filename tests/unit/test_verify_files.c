/* SPDX-License-Identifier: ISC */
/*
 * The small files that an audit begins with, each byte of them flipped, cut at
 * each length and longer by a byte: certificates, the published checkpoint,
 * the one that was kept, the disclosure.  Always that file is named, and what
 * is the auditor's own is never blamed on the bank without a reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/altered_note.h"
#include "tests/lib/forged_stage.h"
#include "tests/lib/verified_once.h"

enum { FILE_MAX = 8192 };

/* A file of the log's, as it was written and as it is changed. */
static struct {
	const char *name;
	uint8_t bytes[FILE_MAX];
	size_t len;
	uint8_t now; /* what stands where it was flipped */
} file;

static void
take(const char *name)
{
	char path[256];
	FILE *open;

	snprintf(path, sizeof(path), "%s/%s", log_now.directory, name);
	open = fopen(path, "r");
	assert_non_null(open);
	file.name = name;
	file.len = fread(file.bytes, 1, sizeof(file.bytes), open);
	assert_true(file.len > 0 && file.len < sizeof(file.bytes));
	assert_int_equal(fclose(open), 0);
}

static void
put(size_t len)
{
	forged_log_put_file(&log_now, file.name, file.bytes, len);
}

static const struct forged_verdict *
look(bool keys)
{
	return forged_log_verify(&log_now, keys ? FORGED_ALL_KEYS : 0, true);
}

/* What may be found of byte i, or when it is cut there. */
typedef void (*judge_alteration)(
    const struct forged_verdict *verdict, size_t i, bool cut);

static void
alter_each(const char *name, bool keys, judge_alteration judge)
{
	take(name);
	for (size_t i = 0; i < file.len; i++) {
		for (unsigned bit = i % 2; bit < 8; bit += 2) {
			file.bytes[i] ^= (uint8_t)(1u << bit);
			file.now = file.bytes[i];
			put(file.len);
			file.bytes[i] ^= (uint8_t)(1u << bit);
			judge(look(keys), i, false);
		}
		put(i);
		judge(look(keys), i, true);
	}
	file.bytes[file.len] = 0;
	put(file.len + 1);
	judge(look(keys), file.len, false);
	put(file.len);
	assert_int_equal(
	    look(keys)->exit, keys ? VERIFY_ANCHORED : VERIFY_INTACT);
}

/* ---- certificates ------------------------------------------------------------------ */

static void
judge_certificate(const struct forged_verdict *verdict, size_t i, bool cut)
{
	size_t each = 2 + CERTIFICATE_LEN, digit = CERTIFICATE_MAGIC_LEN;
	char words[128];

	/* the first is whole then: the log key was rotated to the second one */
	if (cut && i == each) {
		forged_stage_expect(verdict, VERIFY_TAMPERED,
		    "log keys that the identity in bank.id has not certified");
		return;
	}
	/* and now the second, too, but not the one that signed last */
	if (cut && i == 2 * each) {
		forged_stage_expect(verdict, VERIFY_TAMPERED,
		    "no log key of this bank has signed it");
		return;
	}
	/* the digits of its version are looked at first */
	if (!cut && (i % each == digit || i % each == digit + 1) &&
	    verdict->exit == VERIFY_COULD_NOT)
		snprintf(words, sizeof(words),
		    "public/certificates: certificate %zu: ", i / each + 1);
	else
		snprintf(words, sizeof(words),
		    "public/certificates: certificate %zu is not one that the "
		    "identity in bank.id has signed",
		    i / each + 1);
	forged_stage_expect(verdict,
	    strstr(words, "signed") != NULL ? VERIFY_TAMPERED
					    : VERIFY_COULD_NOT,
	    words);
}

static void
given_any_byte_of_the_certificates_when_altered_then_which_one_is_told(
    void **state)
{
	(void)state;
	alter_each("public/certificates", false, judge_certificate);
}

/* ---- checkpoints ------------------------------------------------------------------- */

/* Exit 1, or, of what is no checkpoint at all, the one that is given. */
static void
judge_note(const struct forged_verdict *verdict, enum verify_exit none,
    size_t i, bool cut)
{
	enum altered_note altered =
	    cut || i == file.len ? ALTERED_NONE
				 : altered_note_of((const char *)file.bytes,
				       file.len, i, file.now);
	const char *words = NULL;
	char named[256];

	switch (altered) {
	case ALTERED_NONE:
		words = " is not a checkpoint";
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
	case ALTERED_FALSE:
		fail();
	}
	snprintf(named, sizeof(named), "%s/%s%s", log_now.directory, file.name,
	    words);
	forged_stage_expect(
	    verdict, altered == ALTERED_NONE ? none : VERIFY_TAMPERED, named);
}

static void
judge_published(const struct forged_verdict *verdict, size_t i, bool cut)
{
	judge_note(verdict, VERIFY_TAMPERED, i, cut);
}

static void
judge_anchor(const struct forged_verdict *verdict, size_t i, bool cut)
{
	judge_note(verdict, VERIFY_COULD_NOT, i, cut);
}

static void
given_any_byte_of_the_checkpoint_when_altered_then_tampered(void **state)
{
	(void)state;
	alter_each("public/checkpoint", false, judge_published);
}

static void
given_any_byte_of_an_anchor_when_altered_then_it_is_named(void **state)
{
	(void)state;
	alter_each("since", false, judge_anchor);
}

/* ---- disclosures ------------------------------------------------------------------- */

#define NO_DISCLOSURE " is not a disclosure, or damaged"
#define NEWER ": this was written by a newer version"

/* Places in a disclosure's header and in each key of it. */
enum {
	MAGIC_DIGIT = 7,
	VERSION = 8, /* 2 */
	COUNT = 12,
	BANK = 16,
	AUDITOR = 48,
	KIND = 4, /* 4, behind the segment's number */
	SALT = 8,
};

static uint32_t
number_at(size_t at, size_t flipped)
{
	uint32_t number = 0;

	for (size_t i = at + 4; i-- > at;)
		number =
		    number << 8 | (i == flipped ? file.now : file.bytes[i]);
	return number;
}

static const char *
header_found(size_t i)
{
	uint32_t count;

	if (i >= AUDITOR)
		return " is a disclosure to another auditor's key";
	if (i >= BANK)
		return " is a disclosure of another bank";
	if (i == MAGIC_DIGIT)
		return file.now > '1' && file.now <= '9' ? NEWER
							 : NO_DISCLOSURE;
	if (i == VERSION + 1 || (i == VERSION && file.now > 1))
		return NEWER;
	if (i < COUNT)
		return NO_DISCLOSURE;
	count = number_at(COUNT, i);
	if (count > DISCLOSURE_ITEMS_MAX)
		return NO_DISCLOSURE;
	return count > number_at(COUNT, 0) ? " ends too early"
					   : " is longer than a disclosure";
}

/* Keys stand in the order of their segments, which are 0, 1 and so on. */
static const char *
key_found(size_t i)
{
	size_t at = DISCLOSURE_HEADER_LEN + (i - DISCLOSURE_HEADER_LEN) /
						DISCLOSURE_ITEM_LEN *
						DISCLOSURE_ITEM_LEN;
	uint32_t kind = number_at(at + KIND, i);
	static char words[128];

	if (kind > 1 || (kind == 0 && number_at(at, i) < number_at(at, 0)))
		return NO_DISCLOSURE;
	snprintf(words, sizeof(words), ": the key of %s %u does not open",
	    kind == 1 ? "snapshot" : "segment", number_at(at, i));
	return words;
}

static void
judge_disclosure(const struct forged_verdict *verdict, size_t i, bool cut)
{
	const char *words;
	char named[256];

	if (cut)
		words = i < DISCLOSURE_HEADER_LEN ? NO_DISCLOSURE
						  : " ends too early";
	else if (i == file.len)
		words = " is longer than a disclosure";
	else
		words =
		    i < DISCLOSURE_HEADER_LEN ? header_found(i) : key_found(i);
	snprintf(
	    named, sizeof(named), "%s/disclosure%s", log_now.directory, words);
	forged_stage_expect(verdict, VERIFY_COULD_NOT, named);
}

/* Other keys than it should have, in whatever order. */
static void
judge_keys(const struct forged_verdict *verdict, const char *words)
{
	char named[256];

	snprintf(
	    named, sizeof(named), "%s/disclosure%s", log_now.directory, words);
	forged_stage_expect(verdict, VERIFY_COULD_NOT, named);
}

static void
given_any_byte_of_a_disclosure_when_altered_then_it_could_not_run(void **state)
{
	(void)state;
	(void)look(true);
	log_now.keep_disclosure = true;
	alter_each("disclosure", true, judge_disclosure);
}

static void
given_keys_of_a_disclosure_when_swapped_or_doubled_then_it_could_not_run(
    void **state)
{
	uint8_t *item = file.bytes + DISCLOSURE_HEADER_LEN, kept[FILE_MAX];

	(void)state;
	(void)look(true);
	log_now.keep_disclosure = true;
	take("disclosure");
	memcpy(kept, file.bytes, file.len);
	memmove(item, item + DISCLOSURE_ITEM_LEN, DISCLOSURE_ITEM_LEN);
	memcpy(item + DISCLOSURE_ITEM_LEN, kept + DISCLOSURE_HEADER_LEN,
	    DISCLOSURE_ITEM_LEN);
	put(file.len);
	judge_keys(look(true), NO_DISCLOSURE);
	memcpy(item + DISCLOSURE_ITEM_LEN, item, DISCLOSURE_ITEM_LEN);
	put(file.len);
	judge_keys(look(true), NO_DISCLOSURE);
	memcpy(file.bytes, kept, file.len);
	memcpy(file.bytes + file.len,
	    file.bytes + file.len - DISCLOSURE_ITEM_LEN, DISCLOSURE_ITEM_LEN);
	put(file.len + DISCLOSURE_ITEM_LEN);
	judge_keys(look(true), " is longer than a disclosure");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FORGED_STORY(
		given_any_byte_of_the_certificates_when_altered_then_which_one_is_told),
	    FORGED_STORY(
		given_any_byte_of_the_checkpoint_when_altered_then_tampered),
	    FORGED_STORY(
		given_any_byte_of_an_anchor_when_altered_then_it_is_named),
	    FORGED_STORY(
		given_any_byte_of_a_disclosure_when_altered_then_it_could_not_run),
	    FORGED_STORY(
		given_keys_of_a_disclosure_when_swapped_or_doubled_then_it_could_not_run),
	};

	return cmocka_run_group_tests(
	    tests, forged_stage_begin, forged_stage_end);
}
