/* SPDX-License-Identifier: ISC */
/*
 * strongroom.conf.  One table has every key; what is not in it is an error.
 * libinih takes the lines apart, a reader of our own between it and the text
 * counts them and refuses those that libinih would cut.
 */
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config.h"

#define LINE_MAX_LEN 190
#define FILE_MAX_LEN 65536

static const char newer[] = "what this program knows; a newer version of "
			    "strongroom may know more";

struct parse {
	struct config *config;
	const char *directory; /* the file's own */
	const char *file_name;
	char *message;
	const char *at; /* text that is left */
	const char *end;
	unsigned line;
	bool failed;
	uint64_t seen; /* bit n: key n of the table was given */
};

struct key {
	const char *section;
	const char *name;
	/* Sets the value; NULL, or what would have been right. */
	const char *(*set)(
	    struct parse *parse, const struct key *key, const char *value);
	size_t offset; /* of the member that set writes */
	uint32_t min;
	uint32_t max;
	bool repeats;
};

static int
fail(struct parse *parse, const char *what, const char *wanted)
{
	if (!parse->failed)
		snprintf(parse->message, CONFIG_MESSAGE_MAX,
		    "%s:%u: %.200s%s%s", parse->file_name, parse->line, what,
		    wanted != NULL ? ": wanted is " : "",
		    wanted != NULL ? wanted : "");
	parse->failed = true;
	return 0;
}

static void *
member(struct parse *parse, const struct key *key)
{
	return (char *)parse->config + key->offset;
}

static const char *
set_number(struct parse *parse, const struct key *key, const char *value)
{
	static char wanted[64];
	uint64_t n;

	snprintf(wanted, sizeof(wanted), "a number from %u to %u", key->min,
	    key->max);
	if (!config_number(value, strlen(value), &n) || n < key->min ||
	    n > key->max)
		return wanted;
	*(uint32_t *)member(parse, key) = (uint32_t)n;
	return NULL;
}

static const char *
set_size(struct parse *parse, const struct key *key, const char *value)
{
	const char *wanted = key->max > 64 * 1024 * 1024
				 ? "1M to 2048M in steps of 4K"
				 : "64K to 64M in steps of 4K";
	size_t len = strlen(value);
	uint64_t n, factor = 1;

	if (len > 0 && value[len - 1] == 'K')
		factor = 1024;
	if (len > 0 && value[len - 1] == 'M')
		factor = 1024 * 1024;
	if (!config_number(value, factor > 1 ? len - 1 : len, &n))
		return wanted;
	n *= factor;
	if (n < key->min || n > key->max || n % 4096 != 0)
		return wanted;
	*(uint32_t *)member(parse, key) = (uint32_t)n;
	return NULL;
}

static const char *
set_name(struct parse *parse, const struct key *key, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > CONFIG_NAME_MAX)
		return "1 to 64 bytes of text";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return "text without control characters";
	memcpy(member(parse, key), value, len + 1);
	return NULL;
}

static const char *
set_path(struct parse *parse, const struct key *key, const char *value)
{
	char path[CONFIG_PATH_MAX];
	const char *slash = value[0] == '/' ? "" : "/";
	int len;

	if (value[0] == '\0')
		return "a path";
	len = snprintf(path, sizeof(path), "%s%s%s",
	    value[0] == '/' ? "" : parse->directory, slash, value);
	if (len < 0 || (size_t)len >= sizeof(path))
		return "a shorter path";
	memcpy(member(parse, key), path, (size_t)len + 1);
	return NULL;
}

static const char *
set_user(struct parse *parse, const struct key *key, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > CONFIG_USER_MAX)
		return "a user's name or number, at most 32 bytes";
	memcpy(member(parse, key), value, len + 1);
	return NULL;
}

static const char *
set_switch(struct parse *parse, const struct key *key, const char *value)
{
	bool on = strcmp(value, "on") == 0;

	if (!on && strcmp(value, "off") != 0)
		return "on or off";
	*(bool *)member(parse, key) = on;
	return NULL;
}

static const char *
set_registration(struct parse *parse, const struct key *key, const char *value)
{
	enum config_registration *out = member(parse, key);

	if (strcmp(value, "open") == 0)
		*out = CONFIG_REGISTRATION_OPEN;
	else if (strcmp(value, "invite") == 0)
		*out = CONFIG_REGISTRATION_INVITE;
	else if (strcmp(value, "closed") == 0)
		*out = CONFIG_REGISTRATION_CLOSED;
	else
		return "open, invite or closed";
	return NULL;
}

static const char *
set_audit_log(struct parse *parse, const struct key *key, const char *value)
{
	enum audit_mode *out = member(parse, key);

	if (strcmp(value, "pseudonyms") == 0)
		*out = AUDIT_PSEUDONYMS;
	else if (strcmp(value, "full") == 0)
		*out = AUDIT_FULL;
	else if (strcmp(value, "off") == 0)
		*out = AUDIT_OFF;
	else
		return "pseudonyms, full or off";
	return NULL;
}

static bool
has_secret(enum config_unlock unlock)
{
	return unlock == CONFIG_UNLOCK_FILE ||
	       unlock == CONFIG_UNLOCK_CREDENTIAL;
}

/*
 * The bank starts in one way; min of the table says which.  Somebody may be
 * asked where a secret that is handed over does not open it.
 */
static const char *
set_unlock(struct parse *parse, const struct key *key)
{
	struct config *config = parse->config;
	const enum config_unlock before = config->unlock;
	const enum config_unlock way = (enum config_unlock)key->min;
	const bool asks = !config->unlock_ask &&
			  ((has_secret(before) && way == CONFIG_UNLOCK_ASK) ||
			      (before == CONFIG_UNLOCK_ASK && has_secret(way)));

	if (before != CONFIG_UNLOCK_NONE && !asks)
		return "one of passphrase-file, credential, ask and locked; "
		       "only ask may stand beside one of the first two";
	if (!has_secret(before))
		config->unlock = way;
	config->unlock_ask = asks;
	return NULL;
}

static const char *
set_unlock_file(struct parse *parse, const struct key *key, const char *value)
{
	const char *wanted = set_path(parse, key, value);

	return wanted != NULL ? wanted : set_unlock(parse, key);
}

static const char *
set_unlock_credential(
    struct parse *parse, const struct key *key, const char *value)
{
	const char *wanted = set_name(parse, key, value);

	if (wanted != NULL || strchr(value, '/') != NULL || value[0] == '.')
		return "the name of a credential: 1 to 64 bytes, without / and "
		       "no . in front";
	return set_unlock(parse, key);
}

static const char *
set_unlock_yes(struct parse *parse, const struct key *key, const char *value)
{
	return strcmp(value, "yes") != 0 ? "yes, or no such line"
					 : set_unlock(parse, key);
}

static const char *
set_listen(struct parse *parse, const struct key *key, const char *value)
{
	struct config *config = parse->config;

	(void)key;
	if (config->listen_count == CONFIG_LISTEN_MAX)
		return "at most 16 addresses";
	if (config_listen_parse(value, &config->listen[config->listen_count]) !=
	    SR_OK)
		return "127.0.0.1:7420, [::1]:7420 or unix:/PATH, with numeric "
		       "addresses and a port from 0 to 65535";
	config->listen_count++;
	return NULL;
}

#define MEMBER(name) offsetof(struct config, name)

static const struct key keys[] = {
    {"bank", "name", set_name, MEMBER(name), 0, 0, false},
    {"bank", "data", set_path, MEMBER(directory), 0, 0, false},
    {"netd", "listen", set_listen, 0, 0, 0, true},
    {"netd", "max-connections", set_number, MEMBER(max_connections), 1, 100000,
	false},
    {"netd", "max-per-address", set_number, MEMBER(max_per_address), 1, 100000,
	false},
    {"netd", "handshake-timeout-ms", set_number, MEMBER(handshake_timeout_ms),
	100, 600000, false},
    {"ledgerd", "segment-size", set_size, MEMBER(segment_len), 65536,
	64 * 1024 * 1024, false},
    {"ledgerd", "reserve", set_size, MEMBER(reserve_len), 1024 * 1024,
	UINT32_C(2048) * 1024 * 1024, false},
    {"ledgerd", "session-idle", set_number, MEMBER(session_idle_s), 1, 86400,
	false},
    {"ledgerd", "session-absolute", set_number, MEMBER(session_absolute_s), 1,
	86400, false},
    {"ledgerd", "session-rekey", set_number, MEMBER(session_rekey_s), 5, 86400,
	false},
    {"ledgerd", "audit-log", set_audit_log, MEMBER(audit_log), 0, 0, false},
    {"keyd", "registration", set_registration, MEMBER(registration), 0, 0,
	false},
    {"unlock", "passphrase-file", set_unlock_file, MEMBER(passphrase_file),
	CONFIG_UNLOCK_FILE, 0, false},
    {"unlock", "credential", set_unlock_credential, MEMBER(credential),
	CONFIG_UNLOCK_CREDENTIAL, 0, false},
    {"unlock", "ask", set_unlock_yes, 0, CONFIG_UNLOCK_ASK, 0, false},
    {"unlock", "locked", set_unlock_yes, 0, CONFIG_UNLOCK_LOCKED, 0, false},
    {"sandbox", "namespaces", set_switch, MEMBER(namespaces), 0, 0, false},
    {"sandbox", "user-keyd", set_user, MEMBER(user_keyd), 0, 0, false},
    {"sandbox", "user-netd", set_user, MEMBER(user_netd), 0, 0, false},
    {"sandbox", "user-ledgerd", set_user, MEMBER(user_ledgerd), 0, 0, false},
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static bool
section_known(const char *section)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].section, section) == 0)
			return true;
	return false;
}

/* libinih's handler: 0 is an error. */
static int
take_key(void *user, const char *section, const char *name, const char *value)
{
	struct parse *parse = user;
	char what[160];

	if (parse->failed)
		return 0;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *wanted;

		if (strcmp(keys[i].section, section) != 0 ||
		    strcmp(keys[i].name, name) != 0)
			continue;
		snprintf(what, sizeof(what), "[%s] %s", section, name);
		if (!keys[i].repeats && (parse->seen >> i & 1) != 0)
			return fail(parse, what, "one such line, not two");
		parse->seen |= UINT64_C(1) << i;
		wanted = keys[i].set(parse, &keys[i], value);
		return wanted != NULL ? fail(parse, what, wanted) : 1;
	}
	snprintf(what, sizeof(what), "there is no key \"%.60s\" in [%.40s]",
	    name, section);
	return fail(parse, what, newer);
}

/*
 * One line without its indent, which libinih would take for a continuation;
 * a section must be known even if no key follows.
 */
static char *
next_line(char *out, int room, void *user)
{
	struct parse *parse = user;
	const char *start = parse->at, *newline;
	size_t len;

	if (parse->failed || start == parse->end)
		return NULL;
	parse->line++;
	newline = memchr(start, '\n', (size_t)(parse->end - start));
	parse->at = newline != NULL ? newline + 1 : parse->end;
	len = (size_t)(parse->at - start);
	if (len > LINE_MAX_LEN || len >= (size_t)room) {
		fail(parse, "the line is too long", "at most 190 bytes");
		return NULL;
	}
	if (memchr(start, '\0', len) != NULL) {
		fail(parse, "the line contains a zero byte", NULL);
		return NULL;
	}
	while (len > 0 && (*start == ' ' || *start == '\t')) {
		start++;
		len--;
	}
	memcpy(out, start, len);
	out[len] = '\0';
	if (out[0] == '[') {
		char name[LINE_MAX_LEN + 1], what[LINE_MAX_LEN + 40];
		size_t end = strcspn(out + 1, "]");

		memcpy(name, out + 1, end);
		name[end] = '\0';
		if (out[1 + end] != ']' || !section_known(name)) {
			name[strcspn(name, "\r\n")] = '\0';
			snprintf(what, sizeof(what), "there is no section [%s]",
			    name);
			fail(parse, what, newer);
			return NULL;
		}
	}
	return out;
}

static const struct config defaults = {
    .max_connections = 1000,
    .max_per_address = 64,
    .handshake_timeout_ms = 15000,
    .segment_len = 16 * 1024 * 1024,
    .reserve_len = 64 * 1024 * 1024,
    .session_idle_s = 300,
    .session_absolute_s = 3600,
    .session_rekey_s = 600,
    .audit_log = AUDIT_PSEUDONYMS,
    .registration = CONFIG_REGISTRATION_OPEN,
    .namespaces = true,
    .user_keyd = "strongroom-keyd",
    .user_netd = "strongroom-netd",
    .user_ledgerd = "strongroom-ledgerd",
};

/* What only the whole file can tell. */
static enum sr_error
check_whole(const struct config *config, const char *file_name, char *message)
{
	const char *missing = NULL;

	if (config->name[0] == '\0')
		missing = "[bank] name is missing";
	else if (config->unlock == CONFIG_UNLOCK_NONE)
		missing = "[unlock] is missing: passphrase-file, credential, "
			  "ask or locked";
	else if (config->session_idle_s > config->session_absolute_s)
		missing = "[ledgerd] session-idle is longer than "
			  "session-absolute";
	if (missing == NULL)
		return SR_OK;
	snprintf(message, CONFIG_MESSAGE_MAX, "%s: %s", file_name, missing);
	return SR_CONFIG;
}

enum sr_error
config_parse(const char *directory, const char *file_name, const char *text,
    size_t len, struct config *config, char *message)
{
	struct parse parse = {
	    .config = config,
	    .directory = directory,
	    .file_name = file_name,
	    .message = message,
	    .at = text,
	    .end = text + len,
	};
	int result, written;

	*config = defaults;
	message[0] = '\0';
	written = snprintf(
	    config->directory, sizeof(config->directory), "%s", directory);
	if (written < 0 || (size_t)written >= sizeof(config->directory)) {
		snprintf(message, CONFIG_MESSAGE_MAX,
		    "%s: its directory's path is too long", file_name);
		return SR_CONFIG;
	}
	written = snprintf(config->file, sizeof(config->file), "%s", file_name);
	if (written < 0 || (size_t)written >= sizeof(config->file)) {
		snprintf(message, CONFIG_MESSAGE_MAX, "its path is too long");
		return SR_CONFIG;
	}
	result = ini_parse_stream(next_line, &parse, take_key, &parse);
	if (parse.failed)
		return SR_CONFIG;
	if (result != 0) {
		snprintf(message, CONFIG_MESSAGE_MAX,
		    "%s:%d: the line is neither [section] nor key = value",
		    file_name, result);
		return SR_CONFIG;
	}
	return check_whole(config, file_name, message);
}

enum sr_error
config_load(const char *path, struct config *config, char *message)
{
	char absolute[PATH_MAX], directory[PATH_MAX], *slash;
	static char text[FILE_MAX_LEN + 1];
	size_t len;
	FILE *file;
	int why;
	bool bad;

	if (realpath(path, absolute) == NULL ||
	    (file = fopen(absolute, "re")) == NULL) {
		snprintf(message, CONFIG_MESSAGE_MAX,
		    "%.500s: cannot be read: %s", path, strerror(errno));
		return SR_CONFIG;
	}
	len = fread(text, 1, sizeof(text), file);
	why = errno;
	bad = ferror(file) != 0;
	if (bad && why == EISDIR) {
		fclose(file);
		snprintf(message, CONFIG_MESSAGE_MAX,
		    "%.500s: it is a directory; name the strongroom.conf in it",
		    path);
		return SR_CONFIG;
	}
	if (fclose(file) != 0 || bad) {
		snprintf(message, CONFIG_MESSAGE_MAX,
		    "%.500s: cannot be read: %s", path, strerror(why));
		return SR_CONFIG;
	}
	if (len > FILE_MAX_LEN) {
		snprintf(message, CONFIG_MESSAGE_MAX,
		    "%.500s: is longer than 64 KiB", path);
		return SR_CONFIG;
	}
	memcpy(directory, absolute, strlen(absolute) + 1);
	slash = strrchr(directory, '/');
	if (slash != NULL)
		*slash = '\0';
	return config_parse(directory, absolute, text, len, config, message);
}

enum sr_error
config_path(const struct config *config, const char *name, char *out)
{
	int len =
	    snprintf(out, CONFIG_PATH_MAX, "%s/%s", config->directory, name);

	return len >= 0 && len < CONFIG_PATH_MAX ? SR_OK : SR_TOO_LARGE;
}
