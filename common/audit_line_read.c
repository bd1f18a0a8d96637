/* SPDX-License-Identifier: ISC */
/*
 * Lines of the plain audit log, read back.  Any bytes at all may come in; what
 * is not exactly as audit_line.c writes it is no line.
 */
#include "common/audit_line.h"

#include <string.h>

#include <sodium.h>

/* What is left of a line. */
struct rest {
	const char *at;
	const char *end;
};

static bool
take_word(struct rest *rest, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(rest->end - rest->at) < len ||
	    memcmp(rest->at, word, len) != 0)
		return false;
	rest->at += len;
	return true;
}

/* Exactly the digits that printf would write. */
static bool
take_number(struct rest *rest, uint64_t *out)
{
	const char *begin = rest->at;
	uint64_t n = 0;

	for (; rest->at < rest->end && *rest->at >= '0' && *rest->at <= '9';
	     rest->at++) {
		uint64_t digit = (uint64_t)(*rest->at - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return rest->at > begin && (*begin != '0' || rest->at == begin + 1);
}

/* Up to the next space or the end; not empty. */
static bool
take_plain(struct rest *rest, struct audit_text *out)
{
	out->bytes = rest->at;
	while (rest->at < rest->end && *rest->at != ' ')
		rest->at++;
	out->len = (size_t)(rest->at - out->bytes);
	return out->len > 0;
}

/* With its quotes; behind a \ stands anything. */
static bool
take_quoted(struct rest *rest, struct audit_text *out)
{
	out->bytes = rest->at;
	if (!take_word(rest, "\""))
		return false;
	while (rest->at < rest->end && *rest->at != '"') {
		if (*rest->at == '\\')
			rest->at++;
		if (rest->at < rest->end)
			rest->at++;
	}
	if (!take_word(rest, "\""))
		return false;
	out->len = (size_t)(rest->at - out->bytes);
	return true;
}

/* As the pattern: 0 is a digit, anything else itself. */
static bool
is_shaped(struct audit_text text, const char *pattern)
{
	if (text.len != strlen(pattern))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (pattern[i] == '0'
			? text.bytes[i] < '0' || text.bytes[i] > '9'
			: text.bytes[i] != pattern[i])
			return false;
	return true;
}

/* So many hexadecimal digits, as we write them. */
static bool
is_hex(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("0123456789abcdef", bytes[i]) == NULL)
			return false;
	return true;
}

static bool
is_pseudonym(struct audit_text text)
{
	if (text.len == 1 && text.bytes[0] == '-')
		return true;
	return text.len == AUDIT_PSEUDONYM_LEN && is_hex(text.bytes, text.len);
}

static bool
read_head(struct rest rest, struct audit_line *out)
{
	size_t len;

	out->type = AUDIT_LINE_HEAD;
	if (rest.end - rest.at < 64 || !is_hex(rest.at, 64) ||
	    sodium_hex2bin(out->bank, sizeof(out->bank), rest.at, 64, NULL,
		&len, NULL) != 0 ||
	    len != sizeof(out->bank))
		return false;
	rest.at += 64;
	if (!take_word(&rest, " from ") || !take_number(&rest, &out->first))
		return false;
	out->last = out->first;
	return rest.at == rest.end && out->first < UINT64_MAX;
}

static bool
read_gap(struct rest rest, struct audit_line *out)
{
	out->type = AUDIT_LINE_GAP;
	return take_number(&rest, &out->first) && take_word(&rest, " to ") &&
	       take_number(&rest, &out->last) && rest.at == rest.end &&
	       out->last >= out->first && out->last < UINT64_MAX;
}

static bool
read_entry(struct rest rest, struct audit_line *out)
{
	struct rest index;

	out->type = AUDIT_LINE_ENTRY;
	for (out->fields = 0; out->fields < AUDIT_FIELD_COUNT; out->fields++) {
		struct audit_text *field = &out->field[out->fields];

		if (out->fields > 0 && rest.at == rest.end)
			break;
		if (out->fields > 0 && !take_word(&rest, " "))
			return false;
		if (out->fields < AUDIT_NAME ? !take_plain(&rest, field)
					     : !take_quoted(&rest, field))
			return false;
	}
	if (rest.at != rest.end ||
	    (out->fields != AUDIT_PSEUDONYM && out->fields != AUDIT_KIND &&
		out->fields != AUDIT_FIELD_COUNT) ||
	    !is_shaped(out->field[AUDIT_TIME], "0000-00-00T00:00:00Z") ||
	    (out->fields > AUDIT_PSEUDONYM &&
		!is_pseudonym(out->field[AUDIT_PSEUDONYM])))
		return false;
	index.at = out->field[AUDIT_INDEX].bytes;
	index.end = index.at + out->field[AUDIT_INDEX].len;
	if (!take_number(&index, &out->first) || index.at != index.end ||
	    out->first == UINT64_MAX)
		return false;
	out->last = out->first;
	return true;
}

bool
audit_line_read(const char *line, size_t len, struct audit_line *out)
{
	struct rest rest = {line, line + len};

	memset(out, 0, sizeof(*out));
	if (len >= AUDIT_LINE_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			return false;
	if (take_word(&rest, "# strongroom-audit 1 "))
		return read_head(rest, out);
	if (take_word(&rest, "# gap "))
		return read_gap(rest, out);
	return read_entry(rest, out);
}
