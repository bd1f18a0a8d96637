/* SPDX-License-Identifier: ISC */
/*
 * A reader of JSON just good enough for files of test vectors.  Must never
 * pass over something it does not understand: that fails the test.
 */
#include "tests/lib/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIGURES_FIELDS_MAX 128
#define FIGURES_DEPTH_MAX 16

struct figures {
	char *at; /* what has not been read yet */
	struct {
		const char *name;
		const char *value;
	} fields[FIGURES_FIELDS_MAX];
	size_t count;
	unsigned depth;
	void (*each)(const struct figures *f, void *context);
	void *context;
};

static unsigned
figures_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	found = c != '\0' ? strchr(digits, c) : NULL;
	if (found == NULL)
		fail_msg("not a hexadecimal digit: '%c'", c);
	return (unsigned)(found - digits);
}

struct bytes *
figures_hex(struct bytes *out, const char *hex)
{
	size_t len = strlen(hex);

	assert_true(len % 2 == 0 && len / 2 <= sizeof(out->at));
	out->len = len / 2;
	for (size_t i = 0; i < out->len; i++)
		out->at[i] = (uint8_t)(figures_digit(hex[2 * i]) << 4 |
				       figures_digit(hex[2 * i + 1]));
	return out;
}

void
figures_exactly(void *out, size_t len, const char *hex)
{
	struct bytes bytes;

	figures_hex(&bytes, hex);
	assert_int_equal(bytes.len, len);
	memcpy(out, bytes.at, len);
}

const char *
figures_text(const struct figures *f, const char *name)
{
	for (size_t i = f->count; i-- > 0;)
		if (strcmp(f->fields[i].name, name) == 0)
			return f->fields[i].value;
	return NULL;
}

struct bytes *
figures_bytes(const struct figures *f, const char *name, struct bytes *out)
{
	const char *text = figures_text(f, name);

	if (text == NULL)
		fail_msg("the figures have no \"%s\"", name);
	return figures_hex(out, text);
}

static char
figures_peek(struct figures *f)
{
	f->at += strspn(f->at, " \t\r\n");
	return *f->at;
}

static void
figures_expect(struct figures *f, char c)
{
	if (figures_peek(f) != c)
		fail_msg("expected '%c' at \"%.20s\"", c, f->at);
	f->at++;
}

/* Ends the string in place; escapes stay as they are, no figure has any. */
static const char *
figures_string(struct figures *f)
{
	char *start;

	figures_expect(f, '"');
	start = f->at;
	while (*f->at != '"') {
		if (*f->at == '\\')
			f->at++;
		assert_true(*f->at != '\0');
		f->at++;
	}
	*f->at++ = '\0';
	return start;
}

static void
figures_add(struct figures *f, const char *name, const char *value)
{
	assert_true(f->count < FIGURES_FIELDS_MAX);
	f->fields[f->count].name = name;
	f->fields[f->count].value = value;
	f->count++;
}

/* A number or a word: not a figure, but its end must be found. */
static void
figures_word(struct figures *f)
{
	size_t len = strcspn(f->at, ",]} \t\r\n");

	assert_true(len > 0);
	f->at += len;
}

static void
figures_value(struct figures *f, const char *name, bool element)
{
	size_t mark = f->count;
	char open = figures_peek(f);
	char end = open == '{' ? '}' : ']';

	assert_true(f->depth < FIGURES_DEPTH_MAX);
	if (open == '"') {
		figures_add(f, name, figures_string(f));
		return;
	}
	if (open != '{' && open != '[') {
		figures_word(f);
		return;
	}
	f->at++;
	f->depth++;
	for (bool first = true; figures_peek(f) != end; first = false) {
		if (!first)
			figures_expect(f, ',');
		if (open == '{') {
			const char *member = figures_string(f);

			figures_expect(f, ':');
			figures_value(f, member, false);
		} else {
			figures_value(f, name, true);
		}
	}
	f->at++;
	f->depth--;
	if (open == '{' && element) {
		f->each(f, f->context);
		f->count = mark;
	}
}

static char *
figures_read(const char *file)
{
	const char *folder = getenv("VECTORS");
	char path[4096];
	char *text;
	FILE *in;
	long len;
	int n;

	n = snprintf(path, sizeof(path), "%s/%s",
	    folder != NULL ? folder : "../shared/vectors", file);
	assert_true(n > 0 && (size_t)n < sizeof(path));
	in = fopen(path, "rb");
	if (in == NULL) {
		print_message("%s is not there: not run\n", path);
		return NULL;
	}
	assert_int_equal(fseek(in, 0, SEEK_END), 0);
	len = ftell(in);
	assert_true(len >= 0);
	rewind(in);
	text = malloc((size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)len, in), len);
	text[len] = '\0';
	assert_int_equal(fclose(in), 0);
	return text;
}

bool
figures_each(const char *file,
    void (*each)(const struct figures *f, void *context), void *context)
{
	struct figures f = {.each = each, .context = context};
	char *text = figures_read(file);

	if (text == NULL)
		return false;
	f.at = text;
	figures_value(&f, "", false);
	assert_int_equal(figures_peek(&f), '\0');
	free(text);
	return true;
}

void
figures_given(const char *const (*pairs)[2], size_t count,
    void (*each)(const struct figures *f, void *context), void *context)
{
	struct figures f = {.each = each, .context = context};

	for (size_t i = 0; i < count; i++)
		figures_add(&f, pairs[i][0], pairs[i][1]);
	each(&f, context);
}
