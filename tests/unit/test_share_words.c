/* SPDX-License-Identifier: ISC */
/* Shares as words: as printed, as typed, and where a slip is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "client/share_words.h"

static enum sr_error
read_text(const char *text, uint8_t record[SHARE_LEN], struct share_slip *slip)
{
	return share_words_read(text, strlen(text), record, slip);
}

static void
given_the_papers_addresses_then_they_are_its_words(void **state)
{
	/* arXiv:0901.4016, "Proquints", the examples */
	static const struct {
		uint8_t address[4];
		const char *words;
	} figures[] = {
	    {{127, 0, 0, 1}, "lusab-babad"},
	    {{63, 84, 220, 193}, "gutih-tugad"},
	    {{63, 118, 7, 35}, "gutuk-bisog"},
	    {{140, 98, 193, 141}, "mudof-sakat"},
	    {{64, 255, 6, 200}, "haguz-biram"},
	    {{128, 30, 52, 45}, "mabiv-gibot"},
	    {{147, 67, 119, 2}, "natag-lisaf"},
	    {{212, 58, 253, 68}, "tibup-zujah"},
	    {{216, 35, 68, 215}, "tobog-higil"},
	    {{216, 68, 232, 21}, "todah-vobij"},
	    {{198, 81, 129, 136}, "sinid-makam"},
	    {{12, 110, 110, 204}, "budov-kuras"},
	    {{255, 255, 255, 255}, "zuzuz-zuzuz"},
	    {{0, 0, 0, 0}, "babab-babab"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		const uint8_t *at = figures[i].address;
		char one[SHARE_WORD_LEN + 1], two[SHARE_WORD_LEN + 1];
		char both[2 * SHARE_WORD_LEN + 2];

		share_word((uint16_t)(at[0] << 8 | at[1]), one);
		share_word((uint16_t)(at[2] << 8 | at[3]), two);
		(void)snprintf(both, sizeof(both), "%s-%s", one, two);
		assert_string_equal(both, figures[i].words);
	}
}

/* Computed apart from this, by the form that client/share_words.h gives. */
static void
given_a_record_of_known_bytes_then_it_is_these_words(void **state)
{
	static const char words[] = "bahaf basah bihak bisam sikas "
				    "bohap bosas buhav busib tidir "
				    "dahif dasih dihik disim zujib "
				    "dohip dosis duhiv dusob zupog "
				    "fahof fasoh fihok fisom nogot";
	uint8_t record[SHARE_LEN], back[SHARE_LEN];
	char text[SHARE_TEXT_LEN + 1];
	struct share_slip slip;

	(void)state;
	for (unsigned i = 0; i < SHARE_LEN; i++)
		record[i] = (uint8_t)(i + 1);
	share_words(record, text);
	assert_string_equal(text, words);
	assert_int_equal(read_text(words, back, &slip), SR_OK);
	assert_memory_equal(record, back, sizeof(back));
}

static void
given_a_share_then_it_is_read_however_it_is_typed(void **state)
{
	static const char between[] = {' ', '-', '\t', '\n', '\r'};
	uint8_t record[SHARE_LEN], back[SHARE_LEN];
	char text[SHARE_TEXT_LEN + 1], typed[4 * SHARE_TEXT_LEN];
	struct share_slip slip;

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		char *to = typed;

		randombytes_buf(record, sizeof(record));
		share_words(record, text);
		assert_int_equal(strlen(text), SHARE_TEXT_LEN);
		for (const char *c = text; *c != '\0'; c++) {
			if (*c != ' ')
				*to++ =
				    (char)(randombytes_uniform(2) == 0
					       ? *c
					       : toupper((unsigned char)*c));
			while (randombytes_uniform(3) == 0)
				if (to < typed + sizeof(typed) - 200)
					*to++ = between[randombytes_uniform(5)];
				else
					break;
		}
		*to = '\0';
		assert_int_equal(read_text(typed, back, &slip), SR_OK);
		assert_memory_equal(record, back, sizeof(back));
	}
}

static void
given_each_other_letter_then_its_line_is_named(void **state)
{
	uint8_t record[SHARE_LEN], back[SHARE_LEN];
	char text[SHARE_TEXT_LEN + 1];
	struct share_slip slip;
	unsigned tried = 0;

	(void)state;
	for (unsigned i = 0; i < SHARE_LEN; i++)
		record[i] = (uint8_t)(3 * i);
	share_words(record, text);
	for (unsigned at = 0; at < SHARE_TEXT_LEN; at++)
		for (char c = 'a'; c <= 'z'; c++) {
			char was = text[at];

			if (was == ' ' || was == c)
				continue;
			text[at] = c;
			assert_int_equal(
			    read_text(text, back, &slip), SR_MALFORMED);
			assert_int_equal(
			    slip.line, at / (SHARE_LINE_TEXT_LEN + 1) + 1);
			if (slip.word != 0)
				assert_int_equal(
				    slip.word, at % (SHARE_LINE_TEXT_LEN + 1) /
						       (SHARE_WORD_LEN + 1) +
						   1);
			assert_true(sodium_is_zero(back, sizeof(back)));
			text[at] = was;
			tried++;
		}
	assert_int_equal(
	    tried, SHARE_LINES * SHARE_LINE_WORDS * SHARE_WORD_LEN * 25);
}

static void
given_a_letter_left_out_or_more_then_the_line_is_named(void **state)
{
	uint8_t record[SHARE_LEN], back[SHARE_LEN];
	char text[SHARE_TEXT_LEN + 1], other[SHARE_TEXT_LEN + 8];
	struct share_slip slip;

	(void)state;
	for (unsigned i = 0; i < SHARE_LEN; i++)
		record[i] = (uint8_t)(7 * i + 1);
	share_words(record, text);
	for (unsigned at = 0; at < SHARE_TEXT_LEN; at++) {
		unsigned line = at / (SHARE_LINE_TEXT_LEN + 1) + 1;

		if (text[at] == ' ')
			continue;
		(void)snprintf(other, sizeof(other), "%.*s%s", (int)at, text,
		    text + at + 1);
		assert_int_equal(read_text(other, back, &slip), SR_MALFORMED);
		assert_int_equal(slip.line, line);
		(void)snprintf(other, sizeof(other), "%.*s%c%s", (int)at, text,
		    text[at], text + at);
		assert_int_equal(read_text(other, back, &slip), SR_MALFORMED);
		/* behind a whole line it is the next one's */
		if (text[at + 1] == '\0')
			line = 0;
		else if (at % (SHARE_LINE_TEXT_LEN + 1) ==
			 SHARE_LINE_TEXT_LEN - 1)
			line++;
		assert_int_equal(slip.line, line);
	}
	(void)snprintf(other, sizeof(other), "%s b", text);
	assert_int_equal(read_text(other, back, &slip), SR_MALFORMED);
	assert_int_equal(slip.line, 0);
	assert_int_equal(read_text("", back, &slip), SR_MALFORMED);
	assert_int_equal(slip.line, 1);
	assert_int_equal(slip.word, 1);
	/* whole lines, but not all */
	assert_int_equal(
	    share_words_read(text, SHARE_LINE_TEXT_LEN * 4 + 3, back, &slip),
	    SR_MALFORMED);
	assert_int_equal(slip.line, 5);
	assert_int_equal(slip.word, 1);
}

static void
given_bytes_that_are_no_letters_then_the_word_is_named(void **state)
{
	uint8_t record[SHARE_LEN] = {1}, back[SHARE_LEN];
	char text[SHARE_TEXT_LEN + 1];
	struct share_slip slip;

	(void)state;
	share_words(record, text);
	for (unsigned c = 0; c < 256; c++) {
		if (c < 128 &&
		    (isalpha((int)c) || strchr(" -\t\n\r", (int)c) != NULL) &&
		    c != 0)
			continue;
		/* the second word of the third line */
		text[2 * (SHARE_LINE_TEXT_LEN + 1) + SHARE_WORD_LEN + 3] =
		    (char)c;
		assert_int_equal(
		    share_words_read(text, SHARE_TEXT_LEN, back, &slip),
		    SR_MALFORMED);
		assert_int_equal(slip.line, 3);
		assert_int_equal(slip.word, 2);
	}
}

static void
given_a_line_of_another_share_or_place_then_it_is_named(void **state)
{
	uint8_t one[SHARE_LEN], two[SHARE_LEN], back[SHARE_LEN];
	char lines[SHARE_LINES][SHARE_LINE_TEXT_LEN + 1];
	struct share_slip slip;

	(void)state;
	for (unsigned i = 0; i < SHARE_LEN; i++) {
		one[i] = (uint8_t)(5 * i);
		two[i] = (uint8_t)(5 * i + 1);
	}
	for (unsigned wrong = 0; wrong < SHARE_LINES; wrong++)
		for (unsigned from = 1; from <= SHARE_LINES; from++) {
			unsigned taken = 0, at = 1;
			enum sr_error error = SR_OK;

			for (unsigned i = 0; i < SHARE_LINES; i++)
				share_words_line(one, i + 1, lines[i]);
			share_words_line(two, from, lines[wrong]);
			for (; at <= SHARE_LINES && error == SR_OK; at++)
				error =
				    share_words_take(back, at, lines[at - 1],
					SHARE_LINE_TEXT_LEN, &taken, &slip);
			if (wrong == 0 && from == 1) {
				/* a whole line of the other: the next differs */
				assert_int_equal(slip.line, 2);
				continue;
			}
			assert_int_equal(error, SR_MALFORMED);
			assert_int_equal(slip.line, wrong + 1);
			assert_int_equal(slip.word, 0);
			assert_int_equal(taken, wrong);
			/* the lines before stay, and the right one goes on */
			share_words_line(one, wrong + 1, lines[wrong]);
			for (at = wrong + 1; at <= SHARE_LINES; at++)
				assert_int_equal(
				    share_words_take(back, at, lines[at - 1],
					SHARE_LINE_TEXT_LEN, &taken, &slip),
				    SR_OK);
			assert_memory_equal(back, one, sizeof(back));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_papers_addresses_then_they_are_its_words),
	    cmocka_unit_test(
		given_a_record_of_known_bytes_then_it_is_these_words),
	    cmocka_unit_test(given_a_share_then_it_is_read_however_it_is_typed),
	    cmocka_unit_test(given_each_other_letter_then_its_line_is_named),
	    cmocka_unit_test(
		given_a_letter_left_out_or_more_then_the_line_is_named),
	    cmocka_unit_test(
		given_bytes_that_are_no_letters_then_the_word_is_named),
	    cmocka_unit_test(
		given_a_line_of_another_share_or_place_then_it_is_named),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
