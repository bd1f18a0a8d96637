/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl import: members of a list become invitations, and, once they
 * have registered, get what they begin with (ctl_import_balances.c).  Nothing
 * is done for one line before the whole list was read and found right.
 */
#include "client/ctl/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/json.h"
#include "client/plural.h"

enum sr_error
import_begin(
    struct import *import, const struct ctl_options *options, const char *path)
{
	enum sr_error error = ctl_configuration(options, &import->config);

	import->options = options;
	if (error == SR_OK)
		error = ctl_bank(&import->config, &import->bank);
	if (error == SR_OK)
		error = members_read(
		    path, &import->bank.unit, stderr, &import->members);
	if (error != SR_OK)
		fprintf(stderr, "strongroomctl: nothing was done\n");
	return error;
}

int64_t
import_wanted(const struct import *import, size_t place)
{
	return import->members.of[place].balance_minor;
}

/* One member's line; false: left out. */
static bool
print_member(const struct import *import, const struct member *member,
    int64_t amount_minor, crypto_hash_sha256_state *all)
{
	const struct money_unit *unit = &import->bank.unit;
	char hex[65], amount[MONEY_TEXT_MAX];

	if (amount_minor < 0)
		return false;
	members_checksum(member, amount_minor, unit, hex);
	(void)money_format(amount_minor, unit, amount);
	(void)crypto_hash_sha256_update(
	    all, (const uint8_t *)member->name, strlen(member->name));
	(void)crypto_hash_sha256_update(all, (const uint8_t *)"|", 1);
	(void)crypto_hash_sha256_update(
	    all, (const uint8_t *)amount, strlen(amount));
	(void)crypto_hash_sha256_update(all, (const uint8_t *)"\n", 1);
	if (import->options->json)
		printf("{\"v\":1,\"name\":\"%s\",\"amount_minor\":%" PRId64
		       ",\"sha256\":\"%s\"}\n",
		    member->name, amount_minor, hex);
	else
		printf("%-32s %14s  %s\n", member->name, amount, hex);
	return true;
}

void
import_print(const struct import *import,
    int64_t (*amount)(const struct import *import, size_t place))
{
	const struct money_unit *unit = &import->bank.unit;
	crypto_hash_sha256_state all;
	char hex[65], text[MONEY_TEXT_MAX];
	int64_t sum_minor = 0;
	uint8_t hash[32];
	size_t count = 0;

	(void)crypto_hash_sha256_init(&all);
	for (size_t i = 0; i < import->members.count; i++) {
		int64_t minor = amount(import, i);

		if (!print_member(import, &import->members.of[i], minor, &all))
			continue;
		/* the list's own sum was within the range */
		sum_minor += minor;
		count++;
	}
	(void)crypto_hash_sha256_final(&all, hash);
	bankfile_hex(hash, hex);
	if (import->options->json)
		printf("{\"v\":1,\"members\":%zu,\"sum_minor\":%" PRId64
		       ",\"sha256\":\"%s\"}\n",
		    count, sum_minor, hex);
	else
		printf("%-32s %14s  %s\n", "total",
		    money_format(sum_minor, unit, text), hex);
}

/* ---- invitations ---------------------------------------------------------- */

/* Where they go: a file of the owner's only, which must not be there yet. */
static enum sr_error
open_out(const struct ctl_options *options, FILE **out)
{
	int fd;

	*out = stdout;
	if (options->out == NULL)
		return SR_OK;
	fd = open(options->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	*out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (*out != NULL)
		return SR_OK;
	fprintf(
	    stderr, "strongroomctl: %s: %s\n", options->out, strerror(errno));
	return errno == EEXIST ? SR_EXISTS : SR_IO;
}

/* Closes it durably; an incomplete one goes away. */
static enum sr_error
close_out(const struct ctl_options *options, FILE *out, enum sr_error error)
{
	if (fflush(out) != 0 && error == SR_OK)
		error = ctl_failed("the invitations", SR_IO);
	if (options->out == NULL)
		return error;
	if (error == SR_OK && fsync(fileno(out)) != 0)
		error = ctl_failed(options->out, SR_IO);
	if (fclose(out) != 0 && error == SR_OK)
		error = ctl_failed(options->out, SR_IO);
	if (error != SR_OK)
		(void)unlink(options->out);
	return error;
}

/* A display name in quotation marks, those within it doubled. */
static void
write_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

/* Invites everybody whose name is free; out NULL: only counts. */
static enum sr_error
invite_all(const struct import *import, int control, FILE *out, size_t *invited)
{
	uint8_t invitation[INVITATION_LEN];
	char hex[65];

	*invited = 0;
	if (out != NULL)
		fprintf(out, "name,display name,invitation\r\n");
	for (size_t i = 0; i < import->members.count; i++) {
		const struct member *member = &import->members.of[i];
		enum sr_error error = ctl_invitation_get(control, member->name,
		    import->options->valid_days * 86400u, invitation);

		if (error == SR_NAME_TAKEN)
			continue;
		if (error != SR_OK)
			return ctl_failed(member->name, error);
		(*invited)++;
		if (out == NULL)
			continue;
		bankfile_hex(invitation, hex);
		fprintf(out, "%s,", member->name);
		write_quoted(out, member->display);
		fprintf(out, ",%s\r\n", hex);
	}
	sodium_memzero(invitation, sizeof(invitation));
	sodium_memzero(hex, sizeof(hex));
	return SR_OK;
}

static enum sr_error
import_invitations(const struct import *import)
{
	const struct ctl_options *options = import->options;
	FILE *out = NULL;
	size_t invited = 0;
	enum sr_error error;
	int control;

	error = ctl_control(&import->config, &control);
	if (error != SR_OK)
		return error;
	if (options->dry_run) {
		error = invite_all(import, control, NULL, &invited);
		if (error == SR_OK)
			import_print(import, import_wanted);
	} else {
		error = open_out(options, &out);
		if (error == SR_OK) {
			error = invite_all(import, control, out, &invited);
			error = close_out(options, out, error);
		}
	}
	close(control);
	if (error == SR_OK)
		fprintf(stderr,
		    "%zu member%s: %zu %s, %zu registered already\n",
		    import->members.count, plural(import->members.count),
		    invited, options->dry_run ? "to be invited" : "invited",
		    import->members.count - invited);
	return error;
}

enum sr_error
ctl_import(const struct ctl_options *options, char *const words[])
{
	static struct import import;
	enum sr_error error = import_begin(&import, options, words[0]);

	if (error == SR_OK)
		error = options->balances ? import_balances(&import)
					  : import_invitations(&import);
	members_free(&import.members);
	return error;
}
