/* SPDX-License-Identifier: ISC */
/* A list of members.  Must never take half of a list for the whole. */
#include "client/ctl/members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/ctl/backup_set.h"
#include "client/bankfile.h"
#include "client/csv.h"

enum { COLUMNS = 3 };

static const char *const columns[COLUMNS] = {
    "name", "display name", "opening balance"};

struct parse {
	const char *path;
	const struct money_unit *unit;
	FILE *say;
	unsigned faults;
};

static void
fault(struct parse *parse, unsigned line, const char *what, const char *why)
{
	if (parse->faults++ < MEMBERS_FAULTS_SAID)
		fprintf(parse->say, "%s:%u: %s%s%s\n", parse->path, line, what,
		    what[0] != '\0' ? ": " : "", why);
}

static enum sr_error
grow(struct members *members)
{
	size_t room = members->room == 0 ? 64 : members->room * 2;
	struct member *of;

	if (members->count == MEMBERS_MAX)
		return SR_TOO_LARGE;
	if (members->count < members->room)
		return SR_OK;
	of = reallocarray(members->of, room, sizeof(members->of[0]));
	if (of == NULL)
		return SR_MEMORY;
	members->of = of;
	members->room = room;
	return SR_OK;
}

static bool
take_balance(
    struct parse *parse, const struct csv_record *record, struct member *member)
{
	const struct csv_field *field = &record->field[2];
	enum money_fault wrong = money_parse(
	    field->text, field->len, parse->unit, &member->balance_minor);

	if (wrong == MONEY_FINE)
		return true;
	member->balance_minor = 0;
	if (wrong == MONEY_EMPTY || wrong == MONEY_ZERO)
		return true;
	fault(
	    parse, record->line, "the opening balance", money_sentence(wrong));
	return false;
}

static enum sr_error
take_record(struct parse *parse, const struct csv_record *record,
    struct members *members)
{
	const struct csv_field *field = record->field;
	struct member member = {.line = record->line};
	unsigned before = parse->faults;
	enum sr_error error;

	if (record->count != COLUMNS) {
		fault(parse, record->line, "", "a line has three fields");
		return SR_OK;
	}
	if (name_check(field[0].text, field[0].len) != SR_OK)
		fault(parse, record->line, "the name", error_sentence(SR_NAME));
	if (name_display_check(field[1].text, field[1].len) != SR_OK)
		fault(parse, record->line, "the display name",
		    "at most 64 bytes of UTF-8 text");
	(void)take_balance(parse, record, &member);
	if (parse->faults != before)
		return SR_OK;
	memcpy(member.name, field[0].text, field[0].len);
	memcpy(member.display, field[1].text, field[1].len);
	error = grow(members);
	if (error == SR_OK && __builtin_add_overflow(members->sum_minor,
				  member.balance_minor, &members->sum_minor))
		error = SR_TOO_LARGE;
	if (error == SR_OK)
		members->of[members->count++] = member;
	return error;
}

static bool
is_header(const struct csv_record *record)
{
	bool same = record->count == COLUMNS;

	for (size_t i = 0; same && i < COLUMNS; i++)
		same = strcmp(record->field[i].text, columns[i]) == 0;
	return same;
}

static int
by_name(const void *a, const void *b)
{
	const struct member *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order != 0 ? order : (one->line > other->line) ? 1 : -1;
}

static void
find_doubles(struct parse *parse, struct members *members)
{
	if (members->count > 1)
		qsort(members->of, members->count, sizeof(members->of[0]),
		    by_name);
	for (size_t i = 1; i < members->count; i++)
		if (strcmp(members->of[i].name, members->of[i - 1].name) == 0)
			fault(parse, members->of[i].line, members->of[i].name,
			    "this name stands in the list before");
}

enum sr_error
members_parse(const char *path, const char *bytes, size_t len,
    const struct money_unit *unit, FILE *say, struct members *members)
{
	struct parse parse = {.path = path, .unit = unit, .say = say};
	struct csv csv = csv_of(bytes, len);
	struct csv_record record;
	enum csv_fault wrong = csv_next(&csv, &record);
	enum sr_error error = SR_OK;

	memset(members, 0, sizeof(*members));
	if (wrong != CSV_FINE || !is_header(&record)) {
		fault(&parse, 1, "the first line",
		    "it is to be: name,display name,opening balance");
		return SR_MALFORMED;
	}
	while (error == SR_OK && (wrong = csv_next(&csv, &record)) == CSV_FINE)
		error = take_record(&parse, &record, members);
	if (error == SR_OK && wrong != CSV_END)
		fault(&parse, record.line, "", csv_sentence(wrong));
	if (error != SR_OK) {
		fault(&parse, record.line, "", error_sentence(error));
		return error;
	}
	find_doubles(&parse, members);
	if (parse.faults > MEMBERS_FAULTS_SAID)
		fprintf(say, "%s: and %u more\n", path,
		    parse.faults - MEMBERS_FAULTS_SAID);
	return parse.faults > 0 ? SR_MALFORMED : SR_OK;
}

enum sr_error
members_read(const char *path, const struct money_unit *unit, FILE *say,
    struct members *members)
{
	FILE *file = backup_file_read(path);
	char *bytes = NULL;
	enum sr_error error = SR_IO;
	size_t len = 0;

	memset(members, 0, sizeof(*members));
	if (file == NULL) {
		fprintf(say, "%s: %s\n", path, strerror(errno));
		return SR_IO;
	}
	bytes = malloc(MEMBERS_FILE_MAX);
	if (bytes == NULL) {
		error = SR_MEMORY;
	} else {
		len = fread(bytes, 1, MEMBERS_FILE_MAX, file);
		error = ferror(file) ? SR_IO : SR_OK;
	}
	if (error == SR_OK && len == MEMBERS_FILE_MAX)
		error = SR_TOO_LARGE;
	fclose(file);
	if (error == SR_OK)
		error = members_parse(path, bytes, len, unit, say, members);
	else
		fprintf(say, "%s: %s\n", path, error_sentence(error));
	free(bytes);
	return error;
}

void
members_free(struct members *members)
{
	free(members->of);
	memset(members, 0, sizeof(*members));
}

void
members_checksum(const struct member *member, int64_t amount_minor,
    const struct money_unit *unit, char hex[65])
{
	char line[NAME_LEN_MAX + MONEY_TEXT_MAX + 3], amount[MONEY_TEXT_MAX];
	uint8_t hash[32];

	(void)snprintf(line, sizeof(line), "%s|%s\n", member->name,
	    money_format(amount_minor, unit, amount));

	crypto_hash_sha256(hash, (const uint8_t *)line, strlen(line));
	bankfile_hex(hash, hex);
}
