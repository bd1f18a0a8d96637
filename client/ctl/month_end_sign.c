/* SPDX-License-Identifier: ISC */
/*
 * The anchor, the manifest and the file of a month's bundle.
 */
#include "client/ctl/month_end.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/bundle/archive.h"
#include "client/ctl/backup_set.h"
#include "client/verify/witness_public.h"

/* ---- the anchor -------------------------------------------------------- */

static enum sr_error
prove(struct month_end *making)
{
	static struct verify verify;
	struct bundle_manifest *manifest = &making->manifest;
	char ledger[CONFIG_PATH_MAX];
	enum sr_error error =
	    config_path(&making->run.config, "ledger", ledger);

	if (!manifest->since || error != SR_OK)
		return error;
	verify.directory = ledger;
	verify.published = making->anchor.checkpoint;
	error = witness_prove(&verify, manifest->since_size, manifest->path,
	    &manifest->path_count);
	if (error == SR_OK)
		error = merkle_consistency_verify(manifest->since_size,
		    manifest->since_root, manifest->size, manifest->root,
		    manifest->path, manifest->path_count);
	if (error != SR_OK)
		fprintf(stderr,
		    "strongroomctl: the public tree does not prove that the "
		    "new anchor continues --since: %s (%s); rebuild-tiles "
		    "makes it again\n",
		    error_sentence(error), verify.why);
	return error;
}

enum sr_error
month_end_anchor(struct month_end *making)
{
	struct bundle_manifest *manifest = &making->manifest;
	const struct checkpoint *new = &making->anchor.checkpoint;
	enum sr_error error = anchor_newest(
	    &making->run.config, &making->run.bank, NULL, &making->anchor);

	if (error == SR_OK)
		error = anchor_write(&making->run.config,
		    making->path[BUNDLE_ANCHOR], &making->anchor);
	if (error != SR_OK)
		return error;
	manifest->size = new->size;
	memcpy(manifest->root, new->root, sizeof(manifest->root));
	return prove(making);
}

/* ---- signed and written ------------------------------------------------ */

/* Once each. */
static void
add_certificate(
    struct bundle_manifest *manifest, const uint8_t bytes[CERTIFICATE_LEN])
{
	uint8_t *count = &manifest->certificate_count;

	for (size_t i = 0; i < *count; i++)
		if (memcmp(manifest->certificate[i], bytes, CERTIFICATE_LEN) ==
		    0)
			return;
	memcpy(manifest->certificate[(*count)++], bytes, CERTIFICATE_LEN);
}

/* The certificates of the log key, of the attestation, and of --since. */
static enum sr_error
take_certificates(struct month_end *making)
{
	enum { LOG_KEY, ATTESTS, SINCE, WANTED };
	uint32_t key_id = making->run.requester.login.attestation.key_id;
	uint8_t record[2 + CERTIFICATE_LEN];
	uint8_t found[WANTED][CERTIFICATE_LEN];
	bool there[WANTED] = {false};
	struct certificate certificate;
	char path[CONFIG_PATH_MAX];
	FILE *file;

	if (config_path(&making->run.config, "ledger/public/certificates",
		path) != SR_OK ||
	    (file = backup_file_read(path)) == NULL)
		return ctl_failed("public/certificates", SR_IO);
	while (fread(record, 1, sizeof(record), file) == sizeof(record)) {
		if (certificate_verify(record + 2, making->run.bank.identity,
			&certificate) != SR_OK)
			break;
		const bool is[WANTED] = {
		    [LOG_KEY] = certificate.epoch == making->anchor.epoch,
		    [ATTESTS] = certificate.key_id == key_id,
		    [SINCE] = making->manifest.since &&
			      certificate.epoch == making->since_epoch,
		};

		for (size_t i = 0; i < WANTED; i++)
			if (is[i]) {
				memcpy(found[i], record + 2, CERTIFICATE_LEN);
				there[i] = true;
			}
	}
	fclose(file);
	if (!there[LOG_KEY] || !there[ATTESTS] ||
	    there[SINCE] != making->manifest.since)
		return ctl_failed("public/certificates", SR_CERTIFICATE);
	for (size_t i = 0; i < WANTED; i++)
		if (there[i])
			add_certificate(&making->manifest, found[i]);
	return SR_OK;
}

enum sr_error
month_end_sign(struct month_end *making)
{
	struct bundle_manifest *manifest = &making->manifest;
	const struct login *login = &making->run.requester.login;
	struct certificate log_key;
	const char *fault;
	enum sr_error error;

	memcpy(manifest->bank_id, making->run.bank.bank_id, BANK_ID_LEN);
	manifest->made_ms = (uint64_t)time(NULL) * 1000;
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		error = backup_file_hash(making->path[i],
		    &manifest->file[i].len, manifest->file[i].hash);
		if (error != SR_OK)
			return ctl_failed(making->path[i], error);
	}
	memcpy(
	    manifest->attestation, login->welcome.attestation, ATTESTATION_LEN);
	manifest->signer = login->attestation.customer;
	snprintf(manifest->name, sizeof(manifest->name), "%s", login->name);
	memcpy(manifest->name_salt, login->welcome.name_salt, NAME_SALT_LEN);
	error = take_certificates(making);
	if (error == SR_OK)
		error =
		    bundle_manifest_sign(manifest, login->keys.signing_secret);
	if (error != SR_OK)
		return error;
	fault = bundle_manifest_check(
	    manifest, making->run.bank.identity, &log_key);
	if (fault == NULL)
		return SR_OK;
	fprintf(stderr, "strongroomctl: no bundle was made: %s\n", fault);
	return SR_CRYPTO;
}

/* ---- the file ---------------------------------------------------------- */

static bool
put_zeros(FILE *out, size_t len)
{
	static const uint8_t zeros[ARCHIVE_END];

	return fwrite(zeros, 1, len, out) == len;
}

static bool
put_header(
    const struct month_end *making, FILE *out, const char *name, uint64_t len)
{
	uint8_t header[ARCHIVE_BLOCK];

	return archive_header(making->month, name, len, header) &&
	       fwrite(header, 1, sizeof(header), out) == sizeof(header);
}

static bool
put_file(const struct month_end *making, FILE *out, size_t which)
{
	static uint8_t bytes[65536];
	uint64_t len = making->manifest.file[which].len, done = 0;
	FILE *in = backup_file_read(making->path[which]);
	bool good = in != NULL &&
		    put_header(making, out, bundle_file_names[which], len);
	size_t n;

	while (good && (n = fread(bytes, 1, sizeof(bytes), in)) > 0) {
		good = fwrite(bytes, 1, n, out) == n;
		done += n;
	}
	if (in != NULL)
		fclose(in);
	return good && done == len && put_zeros(out, archive_padding(len));
}

enum sr_error
month_end_write(const struct month_end *making)
{
	char text[BUNDLE_MANIFEST_MAX];
	size_t len;
	enum sr_error error =
	    bundle_manifest_encode(&making->manifest, text, &len);
	int fd = error == SR_OK
		     ? open(making->out,
			   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
		     : -1;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	bool good = out != NULL &&
		    put_header(making, out, ARCHIVE_MANIFEST, len) &&
		    fwrite(text, 1, len, out) == len &&
		    put_zeros(out, archive_padding(len));

	for (size_t i = 0; good && i < BUNDLE_FILES; i++)
		good = put_file(making, out, i);
	good = good && put_zeros(out, ARCHIVE_END) && fflush(out) == 0 &&
	       fsync(fileno(out)) == 0;
	if (out != NULL && fclose(out) != 0)
		good = false;
	if (good)
		return SR_OK;
	if (fd >= 0)
		(void)unlink(making->out);
	return ctl_failed(making->out, error != SR_OK ? error : SR_IO);
}
