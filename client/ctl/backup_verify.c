/* SPDX-License-Identifier: ISC */
/* The check of a backup's ledger; reads only. */
#include "client/ctl/backup_verify.h"

#include <stdio.h>
#include <string.h>

#include "client/verify/verify.h"

static struct verify verify;

/* Ready to walk the set's ledger, with its certificates. */
static bool
begin(const struct backup_set *set, const struct bankfile *bank,
    char ledger[PATH_MAX])
{
	memset(&verify, 0, sizeof(verify));
	verify.bank = *bank;
	verify.quiet = true;
	verify.exit = VERIFY_INTACT;
	if (backup_set_path(set, "ledger", ledger) != SR_OK)
		return verify_fail(
		    &verify, VERIFY_COULD_NOT, "the path is too long");
	verify.directory = ledger;
	return verify_certificates(&verify);
}

enum sr_error
backup_verify(const struct backup_set *set, const struct bankfile *bank,
    uint64_t size, const uint8_t root[32], const char *since,
    char why[BACKUP_WHY_MAX])
{
	char ledger[PATH_MAX], path[PATH_MAX];
	bool good = begin(set, bank, ledger);

	if (backup_set_path(set, "ledger/public/checkpoint", path) != SR_OK)
		return SR_TOO_LARGE;
	good = good && verify_restores(&verify) &&
	       verify_checkpoint(&verify, path, VERIFY_TAMPERED,
		   &verify.published, &verify.published_epoch);
	if (since != NULL)
		good = good && verify_since(&verify, since);
	good = good && verify_log(&verify);
	snprintf(why, BACKUP_WHY_MAX, "%s",
	    good ? "the journal does not end at the head of the backup"
		 : verify.why);
	return good && verify.committed.size == size &&
		       verify.published.size == size &&
		       memcmp(verify.published.root, root, 32) == 0 &&
		       verify.tail_len == 0
		   ? SR_OK
		   : SR_DAMAGED;
}

enum sr_error
backup_verify_checkpoint(const struct backup_set *set,
    const struct bankfile *bank, const char *path, struct checkpoint *out,
    uint8_t signature[NOTE_SIGNATURE_LEN], char why[BACKUP_WHY_MAX])
{
	char ledger[PATH_MAX], text[NOTE_READ_MAX];
	struct note note;
	uint32_t epoch;
	FILE *file;
	size_t len;
	bool good =
	    begin(set, bank, ledger) &&
	    verify_checkpoint(&verify, path, VERIFY_COULD_NOT, out, &epoch);

	snprintf(why, BACKUP_WHY_MAX, "%s", verify.why);
	if (!good)
		return SR_DAMAGED;
	file = backup_file_read(path);
	if (file == NULL)
		return SR_IO;
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	/* The same file once more: of its signatures, the one that holds. */
	if (note_parse(text, len, &note) != SR_OK)
		return SR_DAMAGED;
	for (unsigned i = 0; i < note.signature_count; i++)
		if (verify_signed(&verify, &note.checkpoint,
			note.signature[i].bytes) == SR_OK) {
			*out = note.checkpoint;
			memcpy(signature, note.signature[i].bytes,
			    NOTE_SIGNATURE_LEN);
			return SR_OK;
		}
	return SR_DAMAGED;
}

bool
backup_rotated(const struct config *config, const struct bankfile *bank,
    uint32_t from, uint64_t size, uint32_t to)
{
	char ledger[CONFIG_PATH_MAX];
	size_t first, end;

	memset(&verify, 0, sizeof(verify));
	verify.bank = *bank;
	verify.directory = ledger;
	return config_path(config, "ledger", ledger) == SR_OK &&
	       verify_certificates(&verify) && verify_restores(&verify) &&
	       verify_rotated(&verify, from, size, to, &first, &end);
}
