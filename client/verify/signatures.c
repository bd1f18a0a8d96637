/* SPDX-License-Identifier: ISC */
/*
 * Whose signature counts: the identity in bank.id certifies log keys, a
 * certified log key signs checkpoints.  Nothing else is believed.
 */
#include "client/verify/verify.h"
#include "client/printable.h"
#include "client/verify/held.h"
#include "client/verify/witnesses.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
verify_fail(
    struct verify *verify, enum verify_exit exit, const char *format, ...)
{
	va_list arguments;

	if (verify->why[0] != '\0')
		return false;
	verify->exit = exit;
	va_start(arguments, format);
	vsnprintf(verify->why, sizeof(verify->why), format, arguments);
	va_end(arguments);
	(void)make_printable(verify->why);
	return false;
}

FILE *
verify_open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	FILE *file;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		file = fdopen(fd, "r");
		if (file != NULL)
			return file;
	} else {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
	}
	close(fd);
	return NULL;
}

/*
 * Renewed certificates name the same keys again: kept once.  An epoch has one
 * set of keys: a second one is of another history.
 */
static bool
take_certificate(struct verify *verify, const struct certificate *certificate)
{
	for (size_t i = 0; i < verify->certificate_count; i++) {
		const struct certificate *known = &verify->certificate[i];

		if (known->epoch != certificate->epoch)
			continue;
		return known->key_id == certificate->key_id ||
		       verify_fail(verify, VERIFY_TAMPERED,
			   "public/certificates: two certificates of epoch "
			   "%" PRIu32 " name different keys; the bank's "
			   "identity has signed both, so ask its operators "
			   "which history is theirs",
			   known->epoch);
	}
	if (verify->certificate_count == VERIFY_CERTIFICATES_MAX)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "public/certificates: more than %d log keys",
		    VERIFY_CERTIFICATES_MAX);
	verify->certificate[verify->certificate_count++] = *certificate;
	return true;
}

const struct certificate *
verify_certificate_of(const struct verify *verify, uint32_t epoch)
{
	for (size_t i = 0; i < verify->certificate_count; i++)
		if (verify->certificate[i].epoch == epoch)
			return &verify->certificate[i];
	return NULL;
}

bool
verify_certificates(struct verify *verify)
{
	uint8_t bytes[2 + CERTIFICATE_LEN];
	struct certificate certificate;
	enum sr_error error = SR_OK;
	size_t n, place = 0;
	char path[4096];
	FILE *file;

	snprintf(
	    path, sizeof(path), "%s/public/certificates", verify->directory);
	file = verify_open_regular(path);
	if (file == NULL)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s: %s; is %s the ledger directory of a bank?", path,
		    strerror(errno), verify->directory);
	while ((n = fread(bytes, 1, sizeof(bytes), file)) == sizeof(bytes)) {
		struct reader r = reader_of(bytes, 2);

		error = certificate_verify(
		    bytes + 2, verify->bank.identity, &certificate);
		if (error != SR_OK || reader_u16(&r) != CERTIFICATE_LEN ||
		    place == VERIFY_CERTIFICATES_READ_MAX)
			break;
		place++;
		if (!take_certificate(verify, &certificate)) {
			fclose(file);
			return false;
		}
	}
	if (error == SR_VERSION) {
		fclose(file);
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "public/certificates: certificate %zu: %s", place + 1,
		    error_sentence(error));
	}
	/* A rest, whether short or refused, is not the bank's. */
	if (n != 0 || ferror(file) != 0 || verify->certificate_count == 0) {
		fclose(file);
		return verify_fail(verify, VERIFY_TAMPERED,
		    "public/certificates: certificate %zu is not one that the "
		    "identity in bank.id has signed",
		    place + 1);
	}
	fclose(file);
	return true;
}

enum sr_error
verify_signed(const struct verify *verify, const struct checkpoint *checkpoint,
    const uint8_t signature[64])
{
	uint8_t bank_id[32];
	uint32_t epoch;

	if (note_origin_parse(checkpoint->origin, bank_id, &epoch) != SR_OK)
		return SR_SIGNATURE;
	for (size_t i = 0; i < verify->certificate_count; i++)
		if (verify->certificate[i].epoch == epoch &&
		    note_verify_raw(checkpoint, verify->certificate[i].log_key,
			signature) == SR_OK)
			return SR_OK;
	return SR_SIGNATURE;
}

/* One of the note's own signatures must be by a certified key. */
static bool
checkpoint_is_signed(
    const struct verify *verify, const struct note *note, uint32_t epoch)
{
	for (size_t i = 0; i < verify->certificate_count; i++)
		if (verify->certificate[i].epoch == epoch &&
		    note_verify(note, verify->certificate[i].log_key) == SR_OK)
			return true;
	return false;
}

enum sr_error
verify_own_line(const struct verify *verify, const struct note *note,
    uint32_t epoch, char out[NOTE_MAX], size_t *len)
{
	for (size_t i = 0; i < verify->certificate_count; i++) {
		const struct certificate *own = &verify->certificate[i];

		for (unsigned n = 0; n < note->signature_count; n++) {
			if (own->epoch != epoch ||
			    note_verify_raw(&note->checkpoint, own->log_key,
				note->signature[n].bytes) != SR_OK)
				continue;
			note_assemble(&note->checkpoint, own->log_key,
			    note->signature[n].bytes, out, len);
			return SR_OK;
		}
	}
	return SR_SIGNATURE;
}

bool
verify_since(struct verify *verify, const char *path)
{
	struct verify_anchor *anchor = &verify->since[verify->since_count];

	if (verify->since_count == VERIFY_ANCHORS_MAX)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "at most %d checkpoints of --since", VERIFY_ANCHORS_MAX);
	if (!verify_checkpoint(verify, path, VERIFY_COULD_NOT,
		&anchor->checkpoint, &anchor->epoch))
		return false;
	anchor->path = path;
	verify->since_count++;
	return true;
}

bool
verify_since_met(const struct verify *verify)
{
	for (size_t i = 0; i < verify->since_count; i++)
		if (!verify->since[i].met)
			return false;
	return verify->since_count > 0;
}

bool
verify_anchored(const struct verify *verify)
{
	return verify->since_count > 0 ? verify_since_met(verify)
				       : held_met(verify) > 0;
}

bool
verify_checkpoint_text(struct verify *verify, const char *path,
    const void *text, size_t len, enum verify_exit missing,
    struct checkpoint *out, uint32_t *epoch)
{
	uint8_t bank_id[32];
	struct note note;

	if (len > NOTE_READ_MAX || note_parse(text, len, &note) != SR_OK)
		/* of --since it says nothing about the log */
		return missing == VERIFY_COULD_NOT
			   ? verify_fail(verify, VERIFY_COULD_NOT,
				 "%s is not a checkpoint", path)
			   : verify_fail(verify, VERIFY_TAMPERED,
				 "%s is not a checkpoint; where only a power "
				 "cut was, the next start of the bank writes "
				 "it again",
				 path);
	if (note_origin_parse(note.checkpoint.origin, bank_id, epoch) !=
		SR_OK ||
	    memcmp(bank_id, verify->bank.bank_id, sizeof(bank_id)) != 0)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "%s is a checkpoint of another log, of another bank", path);
	if (!checkpoint_is_signed(verify, &note, *epoch))
		return verify_fail(verify, VERIFY_TAMPERED,
		    "%s: no log key of this bank has signed it", path);
	*out = note.checkpoint;
	return witnesses_take(verify, path, text, len, &note, missing);
}

bool
verify_checkpoint(struct verify *verify, const char *path,
    enum verify_exit missing, struct checkpoint *out, uint32_t *epoch)
{
	static uint8_t text[NOTE_READ_MAX + 1];
	size_t len;
	FILE *file;

	/* --since may come through a pipe: it is the auditor's own. */
	file = missing == VERIFY_COULD_NOT ? fopen(path, "re")
					   : verify_open_regular(path);
	if (file == NULL)
		return verify_fail(
		    verify, missing, "%s: %s", path, strerror(errno));
	len = fread(text, 1, sizeof(text), file);
	if (ferror(file) != 0) {
		fclose(file);
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: cannot be read", path);
	}
	fclose(file);
	return verify_checkpoint_text(
	    verify, path, text, len, missing, out, epoch);
}
