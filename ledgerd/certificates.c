/* SPDX-License-Identifier: ISC */
/* The certificates of certificates.h.  Must never drop one: receipts need them
 * for ever. */
#include "ledgerd/certificates.h"

#include <inttypes.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/ledgerd.h"

#define CERTIFICATES_PATH "ledger/public/certificates"

enum { CERTIFICATE_ENTRY_LEN = 2 + CERTIFICATE_LEN };

/* SR_VERSION when a newer program has kept one here, whatever its length. */
static enum sr_error
look_for_newer(struct env *env, env_file file, uint64_t len)
{
	uint8_t head[2 + CERTIFICATE_MAGIC_LEN];
	uint64_t at = 0;

	while (len - at >= sizeof(head)) {
		struct reader r = reader_of(head, sizeof(head));
		enum sr_error error =
		    env_read(env, file, at, head, sizeof(head));
		uint64_t step = 2 + (uint64_t)reader_u16(&r);

		if (error != SR_OK)
			return error;
		error =
		    reader_magic(&r, CERTIFICATE_MAGIC, CERTIFICATE_MAGIC_LEN);
		if (error == SR_VERSION)
			diag_error(CERTIFICATES_PATH ", certificate at %" PRIu64
						     ": %s",
			    at, error_sentence(error));
		if (error == SR_VERSION)
			return error;
		if (error != SR_OK || step > len - at)
			return SR_OK;
		at += step;
	}
	return SR_OK;
}

/*
 * Whether the newest certificate in the file is the one in force.  One that
 * our identity has not signed, as a crash or somebody else has left it, is
 * left out of *len, to be written over: an auditor would stop at it.
 */
static enum sr_error
look_at_last(
    struct ledgerd *ledgerd, env_file file, uint64_t *len, bool *is_last)
{
	uint8_t last[CERTIFICATE_ENTRY_LEN] = {0};
	struct reader r = reader_of(last, 2);
	struct certificate certificate;
	enum sr_error error;

	*is_last = false;
	if (*len == 0)
		return SR_OK;
	error = env_read(
	    ledgerd->env, file, *len - sizeof(last), last, sizeof(last));
	if (error != SR_OK)
		return error;
	if (reader_u16(&r) != CERTIFICATE_LEN ||
	    certificate_verify(last + 2, ledgerd->identity, &certificate) !=
		SR_OK) {
		diag_warn(CERTIFICATES_PATH ": the last one is damaged; it is "
					    "written over");
		*len -= sizeof(last);
		return SR_OK;
	}
	*is_last =
	    memcmp(last + 2, ledgerd->keyd.certificate, CERTIFICATE_LEN) == 0;
	return SR_OK;
}

enum sr_error
certificates_keep(struct ledgerd *ledgerd)
{
	uint8_t entry[CERTIFICATE_ENTRY_LEN];
	struct writer w = writer_to(entry, sizeof(entry));
	struct env *env = ledgerd->env;
	bool is_last = false;
	enum sr_error error;
	env_file file;
	uint64_t len;

	writer_u16(&w, CERTIFICATE_LEN);
	writer_bytes(&w, ledgerd->keyd.certificate, CERTIFICATE_LEN);
	error = env_open(env, CERTIFICATES_PATH, ENV_WRITE_OR_CREATE, &file);
	if (error != SR_OK)
		return error;
	error = env_size(env, file, &len);
	if (error == SR_OK)
		error = look_for_newer(env, file, len);
	/* What a crash left of an entry is written over. */
	if (error == SR_OK && len < CERTIFICATE_ENTRY_LEN)
		len = 0;
	else if (error == SR_OK)
		len -= len % CERTIFICATE_ENTRY_LEN;
	if (error == SR_OK)
		error = look_at_last(ledgerd, file, &len, &is_last);
	if (error == SR_OK && !is_last)
		error = env_write(env, file, len, entry, sizeof(entry));
	if (error == SR_OK && !is_last)
		error = env_sync(env, file);
	if (error == SR_OK && !is_last)
		error = env_sync_directory(env, "ledger/public");
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

typedef bool looked_for(const struct certificate *certificate, uint32_t number);

/* The last one that is looked for, by the bank's identity; SR_NOT_FOUND. */
static enum sr_error
find(struct ledgerd *ledgerd, looked_for *is, uint32_t number,
    uint8_t bytes[CERTIFICATE_LEN], struct certificate *certificate)
{
	uint8_t entry[CERTIFICATE_ENTRY_LEN];
	struct env *env = ledgerd->env;
	bool found = false;
	uint64_t len = 0;
	enum sr_error error;
	env_file file;

	error = env_open(env, CERTIFICATES_PATH, ENV_READ, &file);
	if (error != SR_OK)
		return error;
	error = env_size(env, file, &len);
	len -= len % sizeof(entry);
	while (error == SR_OK && !found && len > 0) {
		len -= sizeof(entry);
		error = env_read(env, file, len, entry, sizeof(entry));
		/* signatures cost more than the look before */
		found = error == SR_OK &&
			certificate_read_unsigned(entry + 2, certificate) ==
			    SR_OK &&
			is(certificate, number) &&
			certificate_verify(
			    entry + 2, ledgerd->identity, certificate) == SR_OK;
	}
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	memcpy(bytes, entry + 2, CERTIFICATE_LEN);
	return error == SR_OK && !found ? SR_NOT_FOUND : error;
}

static bool
is_of_epoch(const struct certificate *certificate, uint32_t epoch)
{
	return certificate->epoch == epoch;
}

static bool
is_of_keys(const struct certificate *certificate, uint32_t key_id)
{
	return certificate->key_id == key_id;
}

bool
certificates_has(struct ledgerd *ledgerd, uint32_t epoch)
{
	uint8_t bytes[CERTIFICATE_LEN];
	struct certificate certificate;

	return find(ledgerd, is_of_epoch, epoch, bytes, &certificate) !=
	       SR_NOT_FOUND;
}

enum sr_error
certificates_of_keys(
    struct ledgerd *ledgerd, uint32_t key_id, uint8_t bytes[CERTIFICATE_LEN])
{
	struct certificate certificate;

	return find(ledgerd, is_of_keys, key_id, bytes, &certificate);
}

enum sr_error
certificates_attested(struct ledgerd *ledgerd,
    const uint8_t bytes[ATTESTATION_LEN], struct attestation *out)
{
	struct certificate *former = &ledgerd->former_certificate;
	uint8_t found[CERTIFICATE_LEN];
	struct attestation claimed;
	enum sr_error error = attestation_verify(
	    bytes, ledgerd->certificate.attestation_key, ledgerd->bank_id, out);

	if (error != SR_SIGNATURE)
		return error;
	error = attestation_read(bytes, &claimed);
	if (error == SR_OK &&
	    (former->epoch == 0 || former->key_id != claimed.key_id)) {
		error =
		    find(ledgerd, is_of_keys, claimed.key_id, found, former);
		if (error != SR_OK)
			former->epoch = 0;
	}
	if (error == SR_NOT_FOUND) {
		diag_limited(claimed.key_id,
		    CERTIFICATES_PATH ": the certificate %08" PRIx32
				      " that the attestation of customer "
				      "%" PRIu64 " names is not there; a "
				      "backup has the file",
		    claimed.key_id, claimed.customer);
		return SR_SIGNATURE;
	}
	return error == SR_OK
		   ? attestation_verify(
			 bytes, former->attestation_key, ledgerd->bank_id, out)
		   : error;
}
