/* SPDX-License-Identifier: ISC */
/*
 * What must be found nowhere: everything that a bank's root secret yields,
 * one "name hex" a line, for tests that search a running room's memory.
 *
 *	root_keys PASSPHRASE-FILE KEYD-DIRECTORY [SEGMENT SALT-HEX]...
 *
 * Beside the keys themselves come the forms in which a computation leaves
 * them: the scalars that Ed25519 makes of a seed, and the two states of SHA-2
 * into which HMAC has taken a key.  A name that ends in .scalar or .chacha
 * tells what the key is for: the test knows further forms of those.  From the credentials: each customer's
 * secrets as keyd opens them.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/env_posix.h"
#include "common/kdf.h"
#include "common/oprf.h"
#include "keyd/pending.h"
#include "keyd/unlock_seal.c"

enum { TERMINALS = 2, EPOCHS = 3 };

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "root_keys: %s\n", what);
	exit(1);
}

static void
say(const char *name, const char *form, const void *bytes, size_t len)
{
	char hex[2 * 256 + 1];

	if (len > 256)
		fail("too long");
	sodium_bin2hex(hex, sizeof(hex), bytes, len);
	printf("%s%s %s\n", name, form, hex);
}

static size_t
read_file(const char *path, uint8_t *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || (n = read(fd, out, size)) < 0)
		fail(path);
	(void)close(fd);
	return (size_t)n;
}

/* The states that HMAC has after its first block, with SHA-256 and SHA-512. */
static void
say_hmac(const char *name, const uint8_t *key, size_t len)
{
	crypto_auth_hmacsha256_state mac256;
	crypto_auth_hmacsha512_state mac512;

	crypto_auth_hmacsha256_init(&mac256, key, len);
	say(name, ".sha256-inner", mac256.ictx.state, 32);
	say(name, ".sha256-outer", mac256.octx.state, 32);
	crypto_auth_hmacsha512_init(&mac512, key, len);
	say(name, ".sha512-inner", mac512.ictx.state, 64);
	say(name, ".sha512-outer", mac512.octx.state, 64);
}

static void
say_key(const char *name, const uint8_t *key, size_t len)
{
	say(name, "", key, len);
	say_hmac(name, key, len);
}

/* The seed, and the two halves of its hash: scalar and prefix. */
static void
say_signing(const char *name, const uint8_t secret[SIGNING_SECRET_LEN])
{
	uint8_t hash[64];

	say(name, ".seed", secret, 32);
	crypto_hash_sha512(hash, secret, 32);
	say(name, ".prefix", hash + 32, 32);
	say(name, ".hash", hash, 32);
	hash[0] &= 248;
	hash[31] &= 127;
	hash[31] |= 64;
	say(name, ".scalar", hash, 32);
}

static void
say_keys(const struct keys *keys, const uint8_t root[32])
{
	uint8_t psk[32];
	char name[64];

	say_key("root", root, 32);
	say("noise-private", "", keys->origin.noise.private, 32);
	say("opaque", ".scalar", keys->origin.opaque.private_key, 32);
	say_key("opaque-seed", keys->opaque_seed, 32);
	say_key("oprf-seed", keys->oprf_seed, sizeof(keys->oprf_seed));
	say_signing("log-key", keys->origin.log.secret);
	say_signing("attestation-key", keys->origin.attestation.secret);
	say_key("log-root", keys->log_root, 32);
	say_key("storage", keys->storage, 32);
	for (size_t i = 0; i < key_kind_count; i++) {
		if (key_least_s(key_kinds[i].key) == 0 &&
		    key_kinds[i].key != BANK_KEY_OPAQUE)
			continue;
		snprintf(name, sizeof(name), "%s-root", key_kinds[i].word);
		say_key(name, keys->epoch_root[key_kinds[i].key], 32);
	}
	say_key("credential-id", keys->credential_id, 32);
	say_key("fake-id", keys->fake_id, 32);
	say_key("fake-record", keys->fake_record, sizeof(keys->fake_record));
	say_key("generation", keys->generation, 32);
	say_key("terminal-root", keys->terminal_root, 32);
	say_key("limit", keys->limit, 32);
	say_key("name-index", keys->name_index, 32);
	say_key("invitation", keys->invitation, 32);
	say_key("reset", keys->reset, 32);
	say_key("device-token", keys->device_token, 32);
	say_key("state", keys->state, 32);
	for (uint32_t id = 1; id <= TERMINALS; id++) {
		for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
			snprintf(name, sizeof(name), "terminal-%u-%u",
			    (unsigned)id, (unsigned)epoch);
			keys_terminal(keys, KEYS_EPOCH, id, epoch, psk);
			say(name, "", psk, 32);
		}
	}
}

static void
say_segments(const struct keys *keys, int argc, char *argv[])
{
	uint8_t salt[32], key[32];
	char name[64];
	size_t len;

	for (int i = 0; i + 1 < argc; i += 2) {
		if (sodium_hex2bin(salt, sizeof(salt), argv[i + 1],
			strlen(argv[i + 1]), NULL, &len, NULL) != 0 ||
		    len != sizeof(salt))
			fail("a salt is 64 hex digits");
		keys_segment(
		    keys, (uint32_t)strtoul(argv[i], NULL, 10), salt, key);
		snprintf(name, sizeof(name), "segment-%.8s", argv[i]);
		say(name, "", key, 32);
	}
}

/* The OPRF key of a credential (RFC 9807, 6.3.2.2). */
static void
say_oprf_key(const struct keys *keys, const char *name,
    const struct customer *customer, unsigned slot)
{
	static const char info[] = "OPAQUE-DeriveKeyPair";
	const uint8_t *random = customer->credential[slot].random;
	uint8_t identifier[64], seed[32], key[32];
	const struct kdf_part parts[] = {
	    {identifier, sizeof(identifier)}, {"OprfKey", 7}};

	register_identifier(keys->credential_id, customer->name,
	    customer->name_len, random, CREDENTIAL_RANDOM_LEN, identifier);
	kdf_expand_parts(seed, sizeof(seed), keys->oprf_seed,
	    sizeof(keys->oprf_seed), parts, 2);
	if (oprf_derive_key_pair(key, NULL, seed, info, sizeof(info) - 1) !=
	    SR_OK)
		fail("an OPRF key");
	say(name, slot == 0 ? ".oprf-seed-0" : ".oprf-seed-1", seed, 32);
	say(name, slot == 0 ? ".oprf-0.scalar" : ".oprf-1.scalar", key, 32);
}

/* What XChaCha20 makes of the storage key for each version in the file. */
static void
say_versions(const struct keys *keys, int fd, const char *name, uint64_t id)
{
	uint8_t version[8 + AEAD_WRAP_NONCE_LEN], key[32];

	for (unsigned i = 0; i < 2; i++) {
		off_t at = (off_t)(id * CREDENTIAL_CUSTOMER_LEN +
				   i * CREDENTIAL_VERSION_LEN);

		if (pread(fd, version, sizeof(version), at) !=
		    (ssize_t)sizeof(version))
			continue;
		crypto_core_hchacha20(key, version + 8, keys->storage, NULL);
		say(name, i == 0 ? ".version-0.chacha" : ".version-1.chacha",
		    key, 32);
	}
}

/* keyd's own code opens them. */
static void
say_credentials(const struct keys *keys, const char *path)
{
	static struct env_posix posix;
	struct env_posix_file file = {
	    .name = "credentials", .fd = open(path, O_RDONLY | O_CLOEXEC)};
	struct credentials credentials;
	struct customer customer;
	struct stat status;
	uint64_t count;
	char name[64];

	if (file.fd < 0 || fstat(file.fd, &status) != 0)
		fail(path);
	env_posix_init(&posix);
	env_posix_files(&posix, &file, 1);
	count = (uint64_t)status.st_size / CREDENTIAL_CUSTOMER_LEN;
	/* the last one may have but one of its two versions */
	if ((uint64_t)status.st_size % CREDENTIAL_CUSTOMER_LEN == 0)
		count--;
	if (credentials_open(&credentials, &posix.env, keys, false) != SR_OK ||
	    credentials_load(&credentials, count, false) != SR_OK)
		fail("credentials");
	say_versions(keys, file.fd, "nobody", 0);
	for (uint64_t id = 1; id <= count; id++) {
		if (credentials_read(&credentials, id, &customer) != SR_OK)
			fail("a customer");
		snprintf(name, sizeof(name), "customer-%" PRIu64, id);
		say(name, ".directory-key", customer.directory_key, 32);
		say(name, ".masking-key",
		    customer.credential[0].record.masking_key, 64);
		say_versions(keys, file.fd, name, id);
		for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
			say_oprf_key(keys, name, &customer, slot);
	}
	credentials_close(&credentials);
}

int
main(int argc, char *argv[])
{
	static struct keys keys;
	static char path[4096];
	uint8_t passphrase[SEALED_PASSPHRASE_MAX];
	uint8_t bytes[SEALED_MAX_LEN + 1], key[SEALED_SECRET_LEN];
	uint8_t root[SEALED_SECRET_LEN];
	struct unlock_secret secret = {
	    .kind = SEALED_PASSPHRASE, .bytes = passphrase};
	struct sealed sealed;
	size_t len, which;

	if (argc < 3 || sodium_init() < 0)
		fail("PASSPHRASE-FILE KEYD-DIRECTORY [SEGMENT SALT]...");
	len = read_file(argv[1], passphrase, sizeof(passphrase));
	snprintf(path, sizeof(path), "%s/root.sealed", argv[2]);
	secret.len = unlock_passphrase_len(passphrase, len);
	len = read_file(path, bytes, sizeof(bytes));
	if (sealed_read(bytes, len, SEALED_ROOT, &sealed) != SR_OK ||
	    unlock_open_envelope(&sealed, &secret, key, &which) != SR_OK ||
	    unlock_open(&sealed, key, root) != SR_OK ||
	    keys_derive(&keys, root) != SR_OK)
		fail("the root does not open");
	say_keys(&keys, root);
	say_segments(&keys, argc - 3, argv + 3);
	snprintf(path, sizeof(path), "%s/credentials", argv[2]);
	say_credentials(&keys, path);
	return 0;
}
