/* SPDX-License-Identifier: ISC */
/*
 * The rehearsal of a ceremony.  Must compare what two keyds have in memory:
 * a copied file would agree with itself.
 */
#include "client/ctl/rehearsal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/backup.h"
#include "client/ctl/bank_process.h"
#include "client/ctl/control.h"
#include "client/ctl/restore.h"
#include "client/ctl/seal.h"
#include "client/ctl/shares.h"
#include "client/ctl/unlock_secret.h"

bool
rehearsal_same(const struct rehearsal *rehearsal)
{
	const struct message_public_keys *a = &rehearsal->bank;
	const struct message_public_keys *b = &rehearsal->restored;

	return memcmp(a->bank_id, b->bank_id, sizeof(a->bank_id)) == 0 &&
	       a->epoch == b->epoch &&
	       memcmp(a->noise, b->noise, sizeof(a->noise)) == 0 &&
	       memcmp(a->opaque, b->opaque, sizeof(a->opaque)) == 0 &&
	       memcmp(a->log, b->log, sizeof(a->log)) == 0 &&
	       memcmp(a->attestation, b->attestation, sizeof(a->attestation)) ==
		   0;
}

enum sr_error
ctl_public_keys(int control, struct message_public_keys *out)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_public_keys_get get = {0};
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_public_keys_get_encode(&w, &get);

	if (error == SR_OK)
		error = control_ask(control, CONTROL_KEYD, bytes,
		    writer_len(&w), MESSAGE_PUBLIC_KEYS, packet, &body, &len);
	return error == SR_OK ? message_public_keys_decode(body, len, out)
			      : error;
}

/* keyd's files and root.sealed, as a backup has them. */
static enum sr_error
copy_keyd(const struct config *config, const struct bankfile *bank, int control,
    const char *scratch)
{
	static struct ctl_backup backup;
	char path[PATH_MAX];
	enum sr_error error = SR_BUSY;
	int n = snprintf(path, sizeof(path), "%s/keyd", scratch);

	if (n < 0 || n >= PATH_MAX)
		return SR_TOO_LARGE;
	if (mkdir(path, 0700) != 0) {
		fprintf(
		    stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
		return SR_IO;
	}
	memset(&backup, 0, sizeof(backup));
	backup.config = *config;
	backup.bank = *bank;
	backup.control = control;
	backup.lock = -1;
	(void)snprintf(
	    backup.part.path, sizeof(backup.part.path), "%s", scratch);
	for (int i = 0; error == SR_BUSY && i < BACKUP_TRIES; i++)
		error = ctl_backup_keyd(&backup);
	if (error == SR_OK)
		error = ctl_backup_sealed(&backup, 0, "keyd/root.sealed");
	return error;
}

/* The second keyd, for as long as it takes to ask it. */
static enum sr_error
ask_restored(const struct config *scratch, const struct share_pile *pile,
    struct message_public_keys *out)
{
	struct ctl_unlock_secret shares;
	struct bank_process process = {0};
	int control = -1, secret;
	enum sr_error error;

	ctl_shares_of(pile, &shares);
	error = ctl_unlock_pipe(&shares, &secret);
	sodium_memzero(&shares, sizeof(shares));
	if (error != SR_OK)
		return error;
	error = bank_process_start_with(
	    &process, scratch->file, "--rehearse", SEALED_SHARES, secret);
	close(secret);
	if (error != SR_OK) {
		fprintf(stderr, "strongroomctl: the shares start no keyd (its "
				"own lines say why)\n");
		return SR_REHEARSAL;
	}
	error = ctl_control(scratch, &control);
	if (error == SR_OK)
		error = ctl_public_keys(control, out);
	if (control >= 0)
		close(control);
	if (bank_process_stop(&process) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error == SR_OK ? SR_OK : ctl_failed("the second keyd", error);
}

static enum sr_error
with_copy(const struct config *config, const struct bankfile *bank, int control,
    const struct share_pile *pile, const char *directory, struct rehearsal *out)
{
	static struct config scratch;
	struct ctl_options options = {0};
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/strongroom.conf", directory);
	enum sr_error error = n > 0 && n < PATH_MAX ? SR_OK : SR_TOO_LARGE;

	options.configuration = path;
	if (error == SR_OK)
		error = ctl_configuration(&options, &scratch);
	if (error == SR_OK)
		error = copy_keyd(config, bank, control, directory);
	if (error == SR_OK)
		error = ask_restored(&scratch, pile, &out->restored);
	return error;
}

enum sr_error
ctl_rehearse(const struct config *config, const struct bankfile *bank,
    int control, const struct share_pile *pile, struct rehearsal *out)
{
	char scratch[PATH_MAX];
	enum sr_error error = ctl_public_keys(control, &out->bank);

	if (error != SR_OK)
		return ctl_failed("keyd", error);
	error = restore_scratch(config, scratch);
	if (error != SR_OK)
		return error;
	error = with_copy(config, bank, control, pile, scratch, out);
	backup_tree_remove(scratch);
	if (error != SR_OK || rehearsal_same(out))
		return error;
	fprintf(stderr, "strongroomctl: what the shares restore has other "
			"public keys than the bank\n");
	return SR_REHEARSAL;
}

enum sr_error
ctl_note_rehearsed(int control, const struct share_pile *pile)
{
	struct ctl_unlock_secret present;
	const struct ctl_seal_change change = {.present = &present,
	    .number = pile->set->number,
	    .rehearsed = true};
	enum sr_error error;

	ctl_shares_of(pile, &present);
	error = ctl_seal_change(control, &change, NULL);
	sodium_memzero(&present, sizeof(present));
	return error == SR_OK
		   ? SR_OK
		   : ctl_failed("the rehearsal cannot be noted", error);
}
