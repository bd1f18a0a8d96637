/* SPDX-License-Identifier: ISC */
/*
 * strongroom-unlock: opens root.sealed (with --identity 1 identity.sealed,
 * too), hands 32 or 64 bytes to keyd through a pipe and ends.  With --init 1
 * it draws both secrets and seals them into the empty files it was given.
 *
 * Security: it sees the passphrase and the root, so it is a process of its
 * own that reads nothing else, runs inside the sandbox and lives for a tenth
 * of a second.  What it prints is a sentence, never a secret.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/kdf.h"
#include "common/secret.h"
#include "gen/unlock_policy.h"
#include "keyd/unlock_seal.h"
#include "policy/room.h"

/* All secrets of this process, in one piece of protected memory. */
struct unlock_secrets {
	uint8_t passphrase[UNLOCK_PASSPHRASE_MAX + 1];
	size_t passphrase_len;
	/* as they go through the pipe: root, identity's seed */
	uint8_t out[2 * UNLOCK_SECRET_LEN];
	uint8_t identity_secret[crypto_sign_SECRETKEYBYTES];
};

enum { UNLOCK_EPOCH = 1 };

static void
fail(const char *what, enum sr_error error)
{
	diag_error("%s: %s", what, error_sentence(error));
	exit(error_exit(error));
}

/* Reads to the end of the file, at most max bytes. */
static size_t
read_all(int fd, const char *what, uint8_t *out, size_t max)
{
	size_t len = 0;
	ssize_t n;

	while (len < max) {
		n = read(fd, out + len, max - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(what, SR_IO);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return len;
}

static void
write_all(int fd, const char *what, const uint8_t *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail(what,
			    n < 0 && errno == ENOSPC ? SR_NO_SPACE : SR_IO);
		bytes += n;
		len -= (size_t)n;
	}
}

static void
read_passphrase(struct unlock_secrets *s)
{
	size_t len = read_all(FD_UNLOCK_PASSPHRASE, "passphrase", s->passphrase,
	    sizeof(s->passphrase));

	if (len > UNLOCK_PASSPHRASE_MAX)
		fail("passphrase", SR_TOO_LARGE);
	s->passphrase_len = unlock_passphrase_len(s->passphrase, len);
	if (s->passphrase_len == 0)
		fail("passphrase is empty", SR_UNLOCK);
}

/* The bank id that the identity's seed in out gives. */
static void
identity_bank_id(struct unlock_secrets *s, uint8_t bank_id[32])
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];

	if (crypto_sign_seed_keypair(public_key, s->identity_secret,
		s->out + UNLOCK_SECRET_LEN) != 0)
		fail("identity", SR_CRYPTO);
	kdf_sha256(bank_id, public_key, sizeof(public_key));
}

static void
open_one(struct unlock_secrets *s, int fd, const char *what,
    enum unlock_purpose purpose, struct unlock_header *header, uint8_t *out)
{
	uint8_t sealed[UNLOCK_SEALED_LEN + 1];
	size_t len = read_all(fd, what, sealed, sizeof(sealed));
	enum sr_error error = unlock_open(purpose, sealed, len, s->passphrase,
	    s->passphrase_len, header, out);

	if (error != SR_OK)
		fail(what, error);
}

static void
unlock_open_files(struct unlock_secrets *s, bool identity)
{
	struct unlock_header root_header, identity_header;
	uint8_t bank_id[32];

	open_one(s, FD_UNLOCK_ROOT, "root.sealed", UNLOCK_ROOT, &root_header,
	    s->out);
	if (!identity)
		return;
	open_one(s, FD_UNLOCK_IDENTITY, "identity.sealed", UNLOCK_IDENTITY,
	    &identity_header, s->out + UNLOCK_SECRET_LEN);
	identity_bank_id(s, bank_id);
	if (memcmp(bank_id, root_header.bank_id, 32) != 0 ||
	    memcmp(bank_id, identity_header.bank_id, 32) != 0)
		fail("identity.sealed is of another bank", SR_DAMAGED);
}

static void
create_one(struct unlock_secrets *s, int fd, const char *what,
    struct unlock_header *header, const uint8_t *secret)
{
	uint8_t sealed[UNLOCK_SEALED_LEN], random[40], present[1];
	enum sr_error error;

	if (read_all(fd, what, present, sizeof(present)) != 0)
		fail(what, SR_EXISTS);
	randombytes_buf(random, sizeof(random));
	error = unlock_seal(
	    header, random, s->passphrase, s->passphrase_len, secret, sealed);
	if (error != SR_OK)
		fail(what, error);
	write_all(fd, what, sealed, sizeof(sealed));
	if (fsync(fd) != 0)
		fail(what, SR_IO);
}

static void
unlock_create_files(struct unlock_secrets *s)
{
	struct unlock_header header = {
	    .epoch = UNLOCK_EPOCH, .cost = UNLOCK_COST_DEFAULT};

	randombytes_buf(s->out, sizeof(s->out));
	identity_bank_id(s, header.bank_id);
	header.purpose = UNLOCK_ROOT;
	create_one(s, FD_UNLOCK_ROOT, "root.sealed", &header, s->out);
	header.purpose = UNLOCK_IDENTITY;
	create_one(s, FD_UNLOCK_IDENTITY, "identity.sealed", &header,
	    s->out + UNLOCK_SECRET_LEN);
}

int
main(int argc, char *argv[])
{
	struct room room;
	struct secret_arena arena;
	struct unlock_secrets *secrets;

	room_start(&room, ROOM_UNLOCK, argc, argv, NULL, 0);
	if (sodium_init() < 0)
		diag_fatal("libsodium does not start");
	if (secret_open(&arena, sizeof(*secrets)) != SR_OK)
		diag_fatal("no protected memory: %s", strerror(errno));
	secrets = secret_take(&arena, sizeof(*secrets));
	if (secrets == NULL)
		diag_fatal("no protected memory");
	room_enter(&room, unlock_policy, UNLOCK_POLICY_LEN);

	read_passphrase(secrets);
	if (room.init && !room.identity)
		fail("--init needs --identity 1", SR_USAGE);
	if (room.init)
		unlock_create_files(secrets);
	else
		unlock_open_files(secrets, room.identity);
	write_all(FD_UNLOCK_PIPE, "pipe to keyd", secrets->out,
	    room.identity ? 2 * UNLOCK_SECRET_LEN : UNLOCK_SECRET_LEN);
	secret_close(&arena);
	return 0;
}
