/* SPDX-License-Identifier: ISC */
/*
 * What the bank's keys are, how old, and how often used: for whoever decides
 * when one is to be rotated, and for comparing two banks' keys without either.
 */
#include "client/ctl/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "gen/messages.h"

enum {
	TEXT_MAX = 64,
	HEX_LEN = 2 * KEY_FINGERPRINT_LEN + 1,
	EPOCH_OF_TIME = 1000000000, /* in 2001: no key has that many */
};

/* Asks a room for what keyd answers with the table. */
static enum sr_error
ask_table(int fd, enum control_room room, const struct writer *question,
    struct ctl_keys *keys)
{
	uint8_t packet[CONTROL_PACKET_MAX];
	struct message_keys answer;
	struct reader list;
	const uint8_t *body;
	size_t len;
	enum sr_error error = control_ask(fd, room, question->start,
	    writer_len(question), MESSAGE_KEYS, packet, &body, &len);

	memset(keys, 0, sizeof(*keys));
	if (error == SR_OK)
		error = message_keys_decode(body, len, &answer);
	if (error != SR_OK)
		return error;
	list = reader_of(answer.list, answer.list_len);
	while (reader_left(&list) > 0 && keys->count < 2 * KEY_PLACES) {
		error = key_entry_read(&list, &keys->entry[keys->count]);
		if (error != SR_OK)
			return error;
		keys->count++;
	}
	return reader_end(&list) ? SR_OK : SR_MALFORMED;
}

enum sr_error
ctl_keys_get(int fd, struct ctl_keys *keys)
{
	uint8_t bytes[16];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error =
	    message_keys_get_encode(&w, &(struct message_keys_get){0});

	return error == SR_OK ? ask_table(fd, CONTROL_KEYD, &w, keys) : error;
}

static enum sr_error
key_rotate(int fd, enum bank_key key, struct ctl_keys *keys)
{
	struct message_key_rotate rotate = {.key = (uint8_t)key};
	uint8_t bytes[16];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error = message_key_rotate_encode(&w, &rotate);

	return error == SR_OK ? ask_table(fd, CONTROL_LEDGERD, &w, keys)
			      : error;
}

/* The day of a time; "-" for 0. */
static void
day_of(uint64_t time_ms, char text[TEXT_MAX])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm utc;

	(void)snprintf(text, TEXT_MAX, "-");
	if (time_ms != 0 && gmtime_r(&seconds, &utc) != NULL)
		(void)strftime(text, TEXT_MAX, "%Y-%m-%d", &utc);
}

/* The first ones are counted, the others begin at a time and are named by it. */
static void
epoch_of(uint32_t epoch, char text[TEXT_MAX])
{
	time_t seconds = (time_t)epoch;
	struct tm utc;

	(void)snprintf(text, TEXT_MAX, "%" PRIu32, epoch);
	if (epoch >= EPOCH_OF_TIME && gmtime_r(&seconds, &utc) != NULL)
		(void)strftime(text, TEXT_MAX, "%Y-%m-%d %H:%M:%SZ", &utc);
}

/* "4096 of 2^48", "4096", "not counted". */
static void
uses_of(const struct key_kind *kind, const struct key_entry *entry,
    char text[TEXT_MAX])
{
	unsigned bits = 0;

	if (kind->cap == KEY_UNCOUNTED) {
		(void)snprintf(text, TEXT_MAX, "not counted");
		return;
	}
	if (kind->cap == KEY_NO_CAP) {
		(void)snprintf(text, TEXT_MAX, "%" PRIu64, entry->uses);
		return;
	}
	while (bits < 63 && UINT64_C(1) << bits < kind->cap)
		bits++;
	(void)snprintf(
	    text, TEXT_MAX, "%" PRIu64 " of 2^%u", entry->uses, bits);
}

static void
rotation_of(const struct key_kind *kind, const struct key_entry *entry,
    char text[TEXT_MAX])
{
	char day[TEXT_MAX];

	day_of(
	    entry->kept ? entry->left : key_due_ms(kind, entry->made_ms), day);
	if (entry->kept && key_hands_out(entry->key))
		(void)snprintf(text, TEXT_MAX, "until %.16s", day);
	else if (entry->kept && entry->key == BANK_KEY_ATTESTATION)
		(void)snprintf(text, TEXT_MAX, "verifies");
	else if (entry->kept)
		(void)snprintf(text, TEXT_MAX, "%" PRIu64 " left", entry->left);
	else if (kind->days == 0)
		(void)snprintf(text, TEXT_MAX, "none");
	else
		(void)snprintf(text, TEXT_MAX, "due %.16s", day);
}

static void
print_entry(const struct key_entry *entry)
{
	const struct key_kind *kind = key_kind_of(entry->key);
	char made[TEXT_MAX], uses[TEXT_MAX], due[TEXT_MAX], hex[HEX_LEN];
	char epoch[TEXT_MAX];

	epoch_of(entry->epoch, epoch);
	day_of(entry->made_ms, made);
	uses_of(kind, entry, uses);
	rotation_of(kind, entry, due);
	sodium_bin2hex(
	    hex, sizeof(hex), entry->fingerprint, sizeof(entry->fingerprint));
	printf("%-15s %-20s %-18s %-10s %-20s %-16s %s  %s%s\n", kind->word,
	    epoch, kind->algorithm, made, uses, due, hex,
	    entry->kept ? "former: " : "", kind->purpose);
}

/* A number, or null for 0. */
static void
json_number(const char *name, uint64_t number, bool known)
{
	if (known)
		printf(",\"%s\":%" PRIu64, name, number);
	else
		printf(",\"%s\":null", name);
}

static void
print_entry_json(const struct key_entry *entry)
{
	const struct key_kind *kind = key_kind_of(entry->key);
	uint64_t due_ms = key_due_ms(kind, entry->made_ms);
	char hex[HEX_LEN];

	sodium_bin2hex(
	    hex, sizeof(hex), entry->fingerprint, sizeof(entry->fingerprint));
	/* the words are ours and need no escapes */
	printf("{\"v\":1,\"key\":\"%s\",\"purpose\":\"%s\",\"algorithm\":\"%s\""
	       ",\"epoch\":%" PRIu32 ",\"former\":%s",
	    kind->word, kind->purpose, kind->algorithm, entry->epoch,
	    entry->kept ? "true" : "false");
	json_number("made_ms", entry->made_ms, entry->made_ms != 0);
	json_number("uses_at_most", entry->uses, kind->cap != KEY_UNCOUNTED);
	json_number("cap", kind->cap,
	    kind->cap != KEY_UNCOUNTED && kind->cap != KEY_NO_CAP);
	printf(",\"rotates\":%s", kind->days != 0 ? "true" : "false");
	json_number("due_ms", due_ms, due_ms != 0 && !entry->kept);
	json_number("left", entry->left,
	    entry->kept && !key_hands_out(entry->key) &&
		entry->key != BANK_KEY_ATTESTATION);
	json_number(
	    "until_ms", entry->left, entry->kept && key_hands_out(entry->key));
	printf(",\"fingerprint\":\"%s\"}\n", hex);
}

/* All of them, or only one. */
static void
print_table(const struct ctl_options *options, const struct ctl_keys *keys,
    unsigned only)
{
	if (!options->json)
		printf("%-15s %-20s %-18s %-10s %-20s %-16s %-16s  %s\n", "KEY",
		    "EPOCH", "ALGORITHM", "MADE", "USES AT MOST", "ROTATION",
		    "FINGERPRINT", "WHAT FOR");
	for (size_t i = 0; i < keys->count; i++) {
		if (only != 0 && keys->entry[i].key != only)
			continue;
		if (options->json)
			print_entry_json(&keys->entry[i]);
		else
			print_entry(&keys->entry[i]);
	}
}

enum sr_error
ctl_keys(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	static struct ctl_keys keys;
	enum sr_error error = ctl_configuration(options, &config);
	int fd;

	(void)words;
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = ctl_keys_get(fd, &keys);
	close(fd);
	if (error != SR_OK)
		return ctl_failed("keys", error);
	print_table(options, &keys, 0);
	return SR_OK;
}

/* How old an epoch of that key is at least. */
static void
least_of(enum bank_key key, char text[TEXT_MAX])
{
	uint32_t least_s = key_least_s(key);

	if (least_s < KEY_DAY_S)
		(void)snprintf(text, TEXT_MAX, "an hour");
	else
		(void)snprintf(
		    text, TEXT_MAX, "%" PRIu32 " days", least_s / KEY_DAY_S);
}

/* Has that key begin an epoch; done: what the operator is told then. */
static enum sr_error
rotate(const struct ctl_options *options, enum bank_key key, const char *done)
{
	static struct config config;
	static struct ctl_keys keys;
	enum sr_error error = ctl_configuration(options, &config);
	char least[TEXT_MAX];
	int fd;

	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = key_rotate(fd, key, &keys);
	close(fd);
	if (error == SR_LATER) {
		least_of(key, least);
		fprintf(stderr,
		    "strongroomctl: this epoch of the key is less than %s "
		    "old; `strongroomctl keys' tells when it began\n",
		    least);
		return SR_KEY_EPOCH;
	}
	if (error != SR_OK)
		return ctl_failed(key_kind_of(key)->word, error);
	print_table(options, &keys, key);
	fprintf(stderr, "%s", done);
	return SR_OK;
}

enum sr_error
ctl_rotate_credential_key(
    const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, BANK_KEY_CREDENTIAL,
	    "What is written from here on is sealed under the new key; keyd "
	    "seals the rest\nanew while the bank runs, and the former key "
	    "opens it until then. strongroomctl\nkeys says how much is "
	    "left.\n");
}

enum sr_error
ctl_rotate_password_seed(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, BANK_KEY_OPRF,
	    "Passwords and recovery codes stay as they are: a password moves "
	    "to the new seed\nwhen its customer logs in the next time, a "
	    "recovery code when it is replaced.\nstrongroomctl keys says how "
	    "many are left.\n");
}

enum sr_error
ctl_rotate_device_key(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, BANK_KEY_DEVICE,
	    "A device gets a token of the new key when its customer logs in "
	    "on it the next\ntime; until the day that is printed the former "
	    "key's are taken, too. A device\nthat stays away longer is a new "
	    "one: it logs in, but waits behind strangers'\nguesses.\n");
}

enum sr_error
ctl_rotate_invitation_key(
    const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, BANK_KEY_INVITATION,
	    "Invitations are made by the new key. Those that are out serve "
	    "until they expire,\nat the latest on the day that is "
	    "printed.\n");
}

enum sr_error
ctl_rotate_reset_key(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, BANK_KEY_RESET,
	    "Reset codes are made by the new key. Those that are out serve "
	    "until they expire,\nat the latest on the day that is "
	    "printed.\n");
}

enum sr_error
ctl_rotate_terminal_root(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, BANK_KEY_TERMINAL,
	    "Cards are made by the new root. Those that are out serve until "
	    "their terminal has a\nnew one (strongroomctl terminal renew) and "
	    "uses it; strongroomctl keys says how\nmany have not.\n");
}
