/* SPDX-License-Identifier: ISC */
/*
 * The sealed files, read and written whole.
 */
#include "keyd/unlock_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/diag.h"
#include "common/kdf.h"
#include "keyd/unlock_quorum.h"
#include "policy/fds.h"

/* SetCredential= of the units: what systemd gives without the file. */
static const char stand_in[] = "none";

size_t
unlock_read(int fd, const char *what, uint8_t *out, size_t max)
{
	size_t len = 0;
	ssize_t n;

	while (len < max) {
		n = read(fd, out + len, max - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			unlock_fail(what, errno == EAGAIN ? SR_UNLOCK : SR_IO);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return len;
}

void
unlock_write(int fd, const char *what, const uint8_t *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			unlock_fail(what,
			    n < 0 && errno == ENOSPC ? SR_NO_SPACE : SR_IO);
		bytes += n;
		len -= (size_t)n;
	}
}

void
unlock_take_secret(struct unlock_secret *secret, enum sealed_kind kind,
    const uint8_t *bytes, size_t len)
{
	if (kind == SEALED_PASSPHRASE) {
		len = unlock_passphrase_len(bytes, len);
		if (len > SEALED_PASSPHRASE_MAX)
			unlock_fail(
			    "passphrase of more than 1024 bytes", SR_UNLOCK);
		if (len == 0)
			unlock_fail("passphrase is empty", SR_UNLOCK);
	} else if (kind == SEALED_CREDENTIAL && len == strlen(stand_in) &&
		   memcmp(bytes, stand_in, len) == 0) {
		diag_error("there is no credential: systemd found none where "
			   "LoadCredential= of the service says "
			   "(/etc/strongroom/bank-key, or "
			   "/etc/strongroom/NAME/bank-key of a further bank): "
			   "put the copy back, or unlock by another way "
			   "(locked = yes in [unlock], then strongroomctl "
			   "unlock)");
		unlock_end(SR_UNLOCK);
	} else if (kind == SEALED_CREDENTIAL && len != UNLOCK_CREDENTIAL_LEN) {
		unlock_fail("a credential has 32 bytes", SR_UNLOCK);
	}
	*secret =
	    (struct unlock_secret){.kind = kind, .bytes = bytes, .len = len};
}

void
unlock_bank_id(struct unlock_secrets *s, uint8_t bank_id[32])
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];

	_Static_assert(
	    sizeof(s->identity_secret) == crypto_sign_SECRETKEYBYTES, "");
	if (crypto_sign_seed_keypair(public_key, s->identity_secret,
		s->out + SEALED_SECRET_LEN) != 0)
		unlock_fail("identity", SR_CRYPTO);
	kdf_sha256(bank_id, public_key, sizeof(public_key));
}

static void
read_sealed(int fd, const char *what, enum sealed_purpose purpose,
    struct sealed *sealed)
{
	uint8_t bytes[SEALED_MAX_LEN + 1];
	size_t len = unlock_read(fd, what, bytes, sizeof(bytes));
	enum sr_error error = sealed_read(bytes, len, purpose, sealed);

	if (error != SR_OK)
		unlock_fail(what, error);
}

void
unlock_open_root(struct unlock_secrets *s, struct sealed *root)
{
	enum sr_error error = SR_OK;

	read_sealed(FD_UNLOCK_ROOT, "root.sealed", SEALED_ROOT, root);
	if (s->secret.kind == SEALED_SHARES) {
		error = unlock_quorum_combine(
		    root, s->secret.bytes, s->secret.len, s->quorum_key);
		s->secret.bytes = s->quorum_key;
		s->secret.len = sizeof(s->quorum_key);
	}
	if (error != SR_OK) {
		unlock_fail("root.sealed", error);
	} else if (root->version == 1) {
		error = unlock_open_old(root, &s->secret, s->out);
	} else {
		error = unlock_open_envelope(
		    root, &s->secret, s->data_key, &s->which);
		/* the secret has shown that it is the right one */
		if (error == SR_OK &&
		    unlock_open(root, s->data_key, s->out) != SR_OK)
			error = SR_DAMAGED;
	}
	if (error != SR_OK)
		unlock_fail("root.sealed", error);
}

void
unlock_open_identity(struct unlock_secrets *s, const struct sealed *root,
    struct sealed *identity)
{
	static const char name[] = "identity.sealed";
	uint8_t *seed = s->out + SEALED_SECRET_LEN, bank_id[32];
	enum sr_error error;

	read_sealed(FD_UNLOCK_IDENTITY, name, SEALED_IDENTITY, identity);
	if (memcmp(identity->bank_id, root->bank_id, sizeof(bank_id)) != 0)
		unlock_fail(name, SR_OTHER_BANK);
	/* A copy that was away when root.sealed became version 2. */
	if (identity->version == 1)
		error = unlock_open_old(identity, &s->secret, seed);
	else if (root->version == 1)
		unlock_fail("root.sealed is older than identity.sealed",
		    SR_ROLLED_BACK);
	else
		error = unlock_open(identity, s->data_key, seed);
	if (error != SR_OK)
		unlock_fail(name, error);
	unlock_bank_id(s, bank_id);
	if (memcmp(bank_id, root->bank_id, sizeof(bank_id)) != 0)
		unlock_fail(name, SR_OTHER_BANK);
}

void
unlock_tell(const struct seal_event *seal)
{
	const struct entry_event event = seal_event_entry(seal);
	uint8_t bytes[SEAL_EVENT_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));

	writer_u64(&w, event.subject);
	writer_bytes(&w, event.detail, sizeof(event.detail));
	if (write(FD_UNLOCK_TOLD, bytes, sizeof(bytes)) !=
	    (ssize_t)sizeof(bytes))
		diag_warn("strongroomd cannot be told that the keys were %s",
		    seal_what_name(seal->what));
}

void
unlock_tell_failure(enum sr_error error)
{
	uint8_t bytes[2];
	struct writer w = writer_to(bytes, sizeof(bytes));

	writer_u16(&w, (uint16_t)error);
	/* without it strongroomd takes it for an error of the bank's */
	if (write(FD_UNLOCK_TOLD, bytes, sizeof(bytes)) !=
	    (ssize_t)sizeof(bytes))
		diag_warn("strongroomd cannot be told why this failed");
}

void
unlock_put(int fd, const char *what, struct sealed *sealed,
    const struct unlock_secrets *s, const uint8_t secret[SEALED_SECRET_LEN])
{
	uint8_t bytes[SEALED_MAX_LEN], present[1];

	if (unlock_read(fd, what, present, sizeof(present)) != 0)
		unlock_fail(what, SR_EXISTS);
	unlock_close(sealed, s->data_key, secret);
	unlock_write(fd, what, bytes, sealed_write(sealed, bytes));
	if (fsync(fd) != 0)
		unlock_fail(what, SR_IO);
}
