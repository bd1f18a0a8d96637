/* SPDX-License-Identifier: ISC */
/*
 * One table has every key of strongroom.conf, as that of config.c, and whether
 * a reload takes it.  Must never change what it does not name.
 */
#include "common/config_reload.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct value {
	const char *key;
	size_t offset;
	size_t len;
	bool text; /* what is behind its end says nothing */
	bool taken;
};

#define VALUE(key, member, text, taken)                               \
	{                                                             \
		key, offsetof(struct config, member),                 \
		    sizeof(((struct config *)0)->member), text, taken \
	}

static const struct value values[] = {
    VALUE("[bank] name", name, true, true),
    VALUE("[bank] data", directory, true, false),
    VALUE("[netd] max-connections", max_connections, false, true),
    VALUE("[netd] max-per-address", max_per_address, false, true),
    VALUE("[netd] handshake-timeout-ms", handshake_timeout_ms, false, true),
    VALUE("[ledgerd] segment-size", segment_len, false, false),
    VALUE("[ledgerd] reserve", reserve_len, false, true),
    VALUE("[ledgerd] session-idle", session_idle_s, false, true),
    VALUE("[ledgerd] session-absolute", session_absolute_s, false, true),
    VALUE("[ledgerd] session-rekey", session_rekey_s, false, true),
    VALUE("[ledgerd] audit-log", audit_log, false, true),
    VALUE("[keyd] registration", registration, false, true),
    VALUE("[sandbox] namespaces", namespaces, false, false),
    VALUE("[sandbox] user-keyd", user_keyd, true, false),
    VALUE("[sandbox] user-netd", user_netd, true, false),
    VALUE("[sandbox] user-ledgerd", user_ledgerd, true, false),
};

/* [unlock] is one choice in four members. */
static const struct value unlock[] = {
    VALUE("[unlock]", unlock, false, true),
    VALUE("[unlock]", unlock_ask, false, true),
    VALUE("[unlock]", passphrase_file, true, true),
    VALUE("[unlock]", credential, true, true),
};

static void
list(char *text, size_t *count, const char *key)
{
	size_t len = strlen(text);

	snprintf(text + len, CONFIG_KEYS_TEXT_MAX - len, "%s%s",
	    *count > 0 ? ", " : "", key);
	(*count)++;
}

static bool
same(const struct config *one, const struct config *other,
    const struct value *value)
{
	const char *a = (const char *)one + value->offset;
	const char *b = (const char *)other + value->offset;

	return value->text ? strcmp(a, b) == 0 : memcmp(a, b, value->len) == 0;
}

static void
copy(struct config *to, const struct config *from, const struct value *value)
{
	memcpy((char *)to + value->offset, (const char *)from + value->offset,
	    value->len);
}

static bool
same_listen(const struct config *one, const struct config *other)
{
	if (one->listen_count != other->listen_count)
		return false;
	for (size_t i = 0; i < one->listen_count; i++)
		if (strcmp(one->listen[i].text, other->listen[i].text) != 0)
			return false;
	return true;
}

static void
reload_unlock(struct config *running, const struct config *file,
    struct config_changes *changes)
{
	bool changed = false;

	for (size_t i = 0; i < sizeof(unlock) / sizeof(unlock[0]); i++) {
		changed = changed || !same(running, file, &unlock[i]);
		copy(running, file, &unlock[i]);
	}
	if (changed)
		list(changes->taken, &changes->taken_count, unlock[0].key);
}

void
config_reload(struct config *running, const struct config *file,
    uint32_t connections_max, struct config_changes *changes)
{
	*changes = (struct config_changes){.taken_count = 0};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct value *value = &values[i];
		bool taken = value->taken;

		if (same(running, file, value))
			continue;
		if (value->offset == offsetof(struct config, max_connections) &&
		    connections_max > 0 &&
		    file->max_connections > connections_max)
			taken = false;
		if (taken)
			copy(running, file, value);
		if (taken)
			list(changes->taken, &changes->taken_count, value->key);
		else
			list(changes->kept, &changes->kept_count, value->key);
	}
	reload_unlock(running, file, changes);
	if (!same_listen(running, file))
		list(changes->kept, &changes->kept_count, CONFIG_KEY_LISTEN);
}
