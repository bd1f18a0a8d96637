/* SPDX-License-Identifier: ISC */
/* The text of a backup's manifest.  No I/O here; any bytes at all may come in. */
#include "client/ctl/manifest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/bankfile.h"
#include "common/journal.h"

#define FIRST_LINE "strongroom-backup 1"
#define END_LEN (4 + 64 + 1) /* "end ", hex, line feed */
#define LINE_MAX_LEN (5 + 64 + 1 + 20 + 1 + MANIFEST_PATH_MAX + 1)

static const char *const single_paths[] = {
    "audit/audit.log",
    "bank.id",
    "keyd/credentials",
    "keyd/identity.sealed",
    "keyd/limits",
    "keyd/root.sealed",
    "keyd/state",
    "keyd/terminals",
    "ledger/public/certificates",
    "ledger/public/checkpoint",
    "ledger/public/restores",
    "strongroom.conf",
};

/* All of them but these must be there. */
static bool
may_lack(const char *path)
{
	return strcmp(path, "audit/audit.log") == 0 ||
	       strcmp(path, "keyd/identity.sealed") == 0 ||
	       strcmp(path, "ledger/public/restores") == 0 ||
	       strcmp(path, "strongroom.conf") == 0;
}

/* Exactly the decimal digits that printf would write. */
static bool
decimal(const char *text, size_t len, uint64_t *out)
{
	uint64_t n = 0;

	if (len == 0 || len > 19 || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*out = n;
	return true;
}

static bool
eight_digits(const char *text, uint32_t *number)
{
	*number = 0;
	for (int i = 0; i < 8; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*number = *number * 10 + (uint32_t)(text[i] - '0');
	}
	return true;
}

/* The path of a file of a segment, that ends so. */
static bool
of_segment(const char *path, const char *end, uint32_t *number)
{
	static const char before[] = "ledger/segment/";
	const char *name = path + sizeof(before) - 1;

	return strncmp(path, before, sizeof(before) - 1) == 0 &&
	       eight_digits(name, number) && strcmp(name + 8, end) == 0;
}

bool
manifest_segment(const char *path, uint32_t *number)
{
	return of_segment(path, ".log", number);
}

bool
manifest_leaves(const char *path, uint32_t *number)
{
	return of_segment(path, ".leaves", number);
}

bool
manifest_path_allowed(const char *path)
{
	static const char snapshot[] = "ledger/snapshot/";
	const char *name = path + sizeof(snapshot) - 1;
	uint32_t number;

	if (manifest_segment(path, &number) || manifest_leaves(path, &number))
		return true;
	if (strncmp(path, snapshot, sizeof(snapshot) - 1) == 0)
		return eight_digits(name, &number) && name[8] == '\0';
	for (size_t i = 0; i < sizeof(single_paths) / sizeof(single_paths[0]);
	     i++)
		if (strcmp(path, single_paths[i]) == 0)
			return true;
	return false;
}

enum sr_error
manifest_add(struct manifest *manifest, const char *path, uint64_t len,
    const uint8_t hash[32])
{
	struct manifest_file *file;

	if (!manifest_path_allowed(path) ||
	    (manifest->count > 0 &&
		strcmp(manifest->files[manifest->count - 1].path, path) >= 0))
		return SR_PARAMETERS;
	if (manifest->count == MANIFEST_FILES_MAX)
		return SR_TOO_LARGE;
	if (manifest->count == manifest->capacity) {
		size_t more = manifest->capacity * 2 + 64;
		void *files =
		    realloc(manifest->files, more * sizeof(*manifest->files));

		if (files == NULL)
			return SR_MEMORY;
		manifest->files = files;
		manifest->capacity = more;
	}
	file = &manifest->files[manifest->count++];
	memset(file, 0, sizeof(*file));
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->len = len;
	memcpy(file->hash, hash, sizeof(file->hash));
	return SR_OK;
}

const struct manifest_file *
manifest_find(const struct manifest *manifest, const char *path)
{
	for (size_t i = 0; i < manifest->count; i++)
		if (strcmp(manifest->files[i].path, path) == 0)
			return &manifest->files[i];
	return NULL;
}

bool
manifest_last_segment(const struct manifest *manifest, uint32_t *number)
{
	bool any = false;
	uint32_t n;

	for (size_t i = 0; i < manifest->count; i++)
		if (manifest_segment(manifest->files[i].path, &n)) {
			*number = n;
			any = true;
		}
	return any;
}

void
manifest_free(struct manifest *manifest)
{
	free(manifest->files);
	memset(manifest, 0, sizeof(*manifest));
}

/* ---- encoding ---------------------------------------------------------- */

enum sr_error
manifest_encode(const struct manifest *manifest, char **text, size_t *len)
{
	size_t room = 512 + manifest->count * LINE_MAX_LEN, at;
	char bank[65], hash[65], *out = malloc(room);
	uint8_t end[32];

	*text = out;
	*len = 0;
	if (out == NULL)
		return SR_MEMORY;
	bankfile_hex(manifest->bank_id, bank);
	bankfile_hex(manifest->root, hash);
	at = (size_t)snprintf(out, room,
	    FIRST_LINE "\nbank %s\ntime %" PRIu64 "\nepoch %" PRIu32
		       "\nsize %" PRIu64 "\nroot %s\n",
	    bank, manifest->time_ms, manifest->epoch, manifest->size, hash);
	for (size_t i = 0; i < manifest->count; i++) {
		const struct manifest_file *file = &manifest->files[i];

		bankfile_hex(file->hash, hash);
		at += (size_t)snprintf(out + at, room - at,
		    "file %s %" PRIu64 " %s\n", hash, file->len, file->path);
	}
	crypto_hash_sha256(end, (const unsigned char *)out, at);
	bankfile_hex(end, hash);
	at += (size_t)snprintf(out + at, room - at, "end %s\n", hash);
	*len = at;
	return SR_OK;
}

/* ---- decoding ---------------------------------------------------------- */

struct lines {
	const char *at;
	const char *end;
	unsigned number;
	char *message;
};

static enum sr_error __attribute__((format(printf, 2, 3)))
wrong(struct lines *lines, const char *format, ...)
{
	char what[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(lines->message, MANIFEST_MESSAGE_MAX, "manifest, line %u: %s",
	    lines->number, what);
	return SR_DAMAGED;
}

/* The next line without its line feed; false at the end or if it has none. */
static bool
next_line(struct lines *lines, const char **line, size_t *len)
{
	const char *feed =
	    memchr(lines->at, '\n', (size_t)(lines->end - lines->at));

	lines->number++;
	if (feed == NULL)
		return false;
	*line = lines->at;
	*len = (size_t)(feed - lines->at);
	lines->at = feed + 1;
	return true;
}

/* Lower-case hex of 32 bytes. */
static bool
hex_of(const char *text, size_t len, uint8_t out[32])
{
	char again[65];

	if (len != 64 ||
	    sodium_hex2bin(out, 32, text, 64, NULL, NULL, NULL) != 0)
		return false;
	bankfile_hex(out, again);
	return memcmp(again, text, 64) == 0;
}

/* The next line is "WORD VALUE". */
static bool
value_of(struct lines *lines, const char *word, const char **value, size_t *len)
{
	size_t word_len = strlen(word);
	const char *line;
	size_t line_len;

	if (!next_line(lines, &line, &line_len) || line_len <= word_len ||
	    memcmp(line, word, word_len) != 0 || line[word_len] != ' ')
		return false;
	*value = line + word_len + 1;
	*len = line_len - word_len - 1;
	return true;
}

static bool
hash_line(struct lines *lines, const char *word, uint8_t out[32])
{
	const char *value;
	size_t len;

	return value_of(lines, word, &value, &len) && hex_of(value, len, out);
}

static bool
number_line(struct lines *lines, const char *word, uint64_t *out)
{
	const char *value;
	size_t len;

	return value_of(lines, word, &value, &len) && decimal(value, len, out);
}

/* "file HEX LEN PATH". */
static enum sr_error
file_line(struct lines *lines, const char *line, size_t len,
    struct manifest *manifest)
{
	char path[MANIFEST_PATH_MAX];
	const char *space;
	uint8_t hash[32];
	uint64_t file_len;
	size_t path_len;
	enum sr_error error;

	if (len < 5 + 64 + 1 || !hex_of(line + 5, 64, hash) ||
	    line[5 + 64] != ' ')
		return wrong(lines, "no file with a hash");
	line += 5 + 64 + 1;
	len -= 5 + 64 + 1;
	space = memchr(line, ' ', len);
	if (space == NULL || !decimal(line, (size_t)(space - line), &file_len))
		return wrong(lines, "no file with a length");
	path_len = len - (size_t)(space + 1 - line);
	if (path_len == 0 || path_len >= sizeof(path) ||
	    memchr(space + 1, '\0', path_len) != NULL)
		return wrong(lines, "a path that no backup has");
	memcpy(path, space + 1, path_len);
	path[path_len] = '\0';
	error = manifest_add(manifest, path, file_len, hash);
	if (error == SR_PARAMETERS)
		return wrong(
		    lines, "a path that no backup has, or out of order");
	if (error == SR_TOO_LARGE)
		return wrong(lines, "too many files");
	return error;
}

/*
 * Everything that must be there; segments from 0 on without a gap, the first of
 * them perhaps retired.
 */
static enum sr_error
complete(struct lines *lines, const struct manifest *manifest)
{
	uint32_t segments = 0, retired = 0, number;

	for (size_t i = 0; i < sizeof(single_paths) / sizeof(single_paths[0]);
	     i++)
		if (!may_lack(single_paths[i]) &&
		    manifest_find(manifest, single_paths[i]) == NULL)
			return wrong(lines, "%s is not in it", single_paths[i]);
	for (size_t i = 0; i < manifest->count; i++) {
		bool leaves = manifest_leaves(manifest->files[i].path, &number);

		if (!leaves &&
		    !manifest_segment(manifest->files[i].path, &number))
			continue;
		if (number != segments)
			return wrong(lines,
			    number < segments
				? "segment %" PRIu32 " and its leaves are in it"
				: "segment %" PRIu32 " is not in it",
			    number < segments ? number : segments);
		if (leaves && retired != segments)
			return wrong(lines,
			    "segment %" PRIu32 " is retired in it, and one "
			    "before it is not",
			    number);
		segments++;
		retired += leaves;
	}
	if (segments == retired || manifest->size == 0)
		return wrong(lines, "there is no journal in it");
	return SR_OK;
}

static enum sr_error
decode(struct lines *lines, const char *text, struct manifest *out)
{
	uint64_t epoch = 0;
	const char *line;
	uint8_t end[32], found[32];
	enum sr_error error;
	size_t len;

	if (!hash_line(lines, "bank", out->bank_id) ||
	    !number_line(lines, "time", &out->time_ms) ||
	    !number_line(lines, "epoch", &epoch) || epoch > UINT32_MAX ||
	    !number_line(lines, "size", &out->size) ||
	    !hash_line(lines, "root", out->root))
		return wrong(lines, "not what should stand here");
	out->epoch = (uint32_t)epoch;
	for (;;) {
		const char *before = lines->at;

		if (!next_line(lines, &line, &len))
			return wrong(lines, "it ends too early");
		if (len == END_LEN - 1 && memcmp(line, "end ", 4) == 0) {
			crypto_hash_sha256(end, (const unsigned char *)text,
			    (size_t)(before - text));
			if (!hex_of(line + 4, 64, found) ||
			    memcmp(found, end, sizeof(end)) != 0)
				return wrong(lines, "its own hash differs");
			break;
		}
		if (len < 5 || memcmp(line, "file ", 5) != 0)
			return wrong(lines, "not what should stand here");
		error = file_line(lines, line, len, out);
		if (error != SR_OK)
			return error;
	}
	if (lines->at != lines->end)
		return wrong(lines, "there is more after its end");
	return complete(lines, out);
}

enum sr_error
manifest_decode(
    const char *text, size_t len, struct manifest *out, char *message)
{
	struct lines lines = {text, text + len, 0, message};
	const char *line;
	size_t line_len;

	memset(out, 0, sizeof(*out));
	message[0] = '\0';
	if (!next_line(&lines, &line, &line_len) || line_len < 18 ||
	    memcmp(line, "strongroom-backup ", 18) != 0)
		return wrong(&lines, "this is no manifest of a backup");
	if (line_len != strlen(FIRST_LINE) ||
	    memcmp(line, FIRST_LINE, line_len) != 0) {
		(void)wrong(&lines, "%s", error_sentence(SR_VERSION));
		return SR_VERSION;
	}
	return decode(&lines, text, out);
}
