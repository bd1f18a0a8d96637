/* SPDX-License-Identifier: ISC */
/*
 * The witness of witness.h.  Must never sign what does not continue all that
 * it has signed, nor give a signature away before the new state is durable.
 */
#include "client/verify/witness.h"
#include "client/verify/witness_public.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "client/printable.h"
#include "common/cosignature.h"
#include "common/secret.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define SECRET_PREFIX "PRIVATE+KEY+"
enum { KEY_TYPE = 4, TYPED_LEN = 33, LINE_LEN = 256 };

struct witness {
	struct cosigner cosigner;
	uint8_t secret[64];
	int lock; /* of the key's file: one run at a time */
	size_t text_len;
	char text[NOTE_READ_MAX + 1]; /* of the checkpoint */
	char state[NOTE_MAX + COSIGNATURE_LINE_MAX];
};

static enum verify_exit
fail(const char *path, const char *why)
{
	char name[PRINTABLE_MAX];

	fprintf(
	    stderr, "strongroom-verify: %s: %s\n", printable(path, name), why);
	return VERIFY_COULD_NOT;
}

/* ---- the key ----------------------------------------------------------- */

static bool
write_new(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	size_t len = strlen(text);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	return close(fd) == 0 && good;
}

static void
secret_line(const struct cosigner *cosigner, const uint8_t seed[32],
    char line[LINE_LEN])
{
	char base64[sodium_base64_ENCODED_LEN(TYPED_LEN, BASE64)], hex[9];
	uint8_t typed[TYPED_LEN] = {KEY_TYPE};

	memcpy(typed + 1, seed, 32);
	(void)sodium_bin2hex(hex, sizeof(hex), cosigner->key_id, 4);
	sodium_bin2base64(base64, sizeof(base64), typed, sizeof(typed), BASE64);
	snprintf(line, LINE_LEN, SECRET_PREFIX "%s+%s+%s\n", cosigner->name,
	    hex, base64);
	sodium_memzero(typed, sizeof(typed));
	sodium_memzero(base64, sizeof(base64));
}

enum verify_exit
witness_keygen(const char *name, const char *path)
{
	char line[LINE_LEN], vkey[COSIGNER_VKEY_MAX + 1], public_path[PATH_MAX];
	uint8_t public_key[32], secret[64];
	struct cosigner cosigner;
	bool good;
	SECRET_32(seed);

	if (snprintf(public_path, sizeof(public_path), "%s.pub", path) >=
	    (int)sizeof(public_path))
		return fail(path, "the name is too long");
	randombytes_buf(seed, sizeof(seed));
	(void)crypto_sign_seed_keypair(public_key, secret, seed);
	sodium_memzero(secret, sizeof(secret));
	if (cosigner_make(name, public_key, &cosigner) != SR_OK)
		return fail(name,
		    "a witness's name is at most 63 bytes of text, without "
		    "spaces and +, such as club.example/witness");
	cosigner_vkey(&cosigner, vkey);
	vkey[strlen(vkey) + 1] = '\0';
	vkey[strlen(vkey)] = '\n';
	secret_line(&cosigner, seed, line);
	good = write_new(path, line, 0600);
	sodium_memzero(line, sizeof(line));
	if (!good)
		return fail(path, strerror(errno));
	return write_new(public_path, vkey, 0644)
		   ? VERIFY_ANCHORED
		   : fail(public_path, strerror(errno));
}

/* name+id+key of the line behind its prefix. */
static bool
parse_secret(char *text, struct witness *witness)
{
	char again[LINE_LEN], *plus = strchr(text, '+');
	uint8_t typed[TYPED_LEN], public_key[32];
	const char *key = plus != NULL ? strchr(plus + 1, '+') : NULL;
	size_t len;
	bool good;

	if (key == NULL)
		return false;
	good = sodium_base642bin(typed, sizeof(typed), key + 1, strlen(key + 1),
		   "\n", &len, NULL, BASE64) == 0 &&
	       len == sizeof(typed) && typed[0] == KEY_TYPE &&
	       crypto_sign_seed_keypair(
		   public_key, witness->secret, typed + 1) == 0;
	*plus = '\0';
	good = good &&
	       cosigner_make(text, public_key, &witness->cosigner) == SR_OK;
	*plus = '+';
	if (good) {
		secret_line(&witness->cosigner, typed + 1, again);
		good = strcmp(again + strlen(SECRET_PREFIX), text) == 0;
	}
	sodium_memzero(typed, sizeof(typed));
	sodium_memzero(again, sizeof(again));
	return good;
}

static enum verify_exit
read_key(const char *path, struct witness *witness)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t prefix = strlen(SECRET_PREFIX);
	char line[LINE_LEN];
	struct stat status;
	ssize_t len = -1;
	bool good;

	if (fd < 0)
		return fail(path, strerror(errno));
	witness->lock = fd;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return fail(path, "is not a witness's key");
	if ((status.st_mode & 077) != 0)
		return fail(path, "others may use it: chmod 600");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return fail(path, "this witness is at work already");
	len = read(fd, line, sizeof(line) - 1);
	if (len < 0)
		return fail(path, strerror(errno));
	line[len] = '\0';
	good = strncmp(line, SECRET_PREFIX, prefix) == 0 &&
	       parse_secret(line + prefix, witness);
	sodium_memzero(line, sizeof(line));
	return good ? VERIFY_ANCHORED : fail(path, "is not a witness's key");
}

/* ---- the state --------------------------------------------------------- */

/* What this witness has signed last is what the log must continue. */
static bool
read_state(
    struct verify *verify, const struct witness *witness, const char *path)
{
	static char text[NOTE_READ_MAX + 1];
	struct verify_anchor *last = &verify->since[verify->since_count];
	FILE *file = verify_open_regular(path);
	struct note note;
	uint64_t time_s;
	size_t len;

	if (file == NULL && errno == ENOENT) {
		fprintf(stderr,
		    "strongroom-verify: there is no %s: this checkpoint is "
		    "the first one that this witness sees\n",
		    path);
		return true;
	}
	if (file == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (note_parse(text, len, &note) != SR_OK ||
	    cosignature_find(text, len, note.lines_at, &witness->cosigner,
		&note.checkpoint, &time_s) != SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s is not a state that %s has written", path,
		    witness->cosigner.name);
	if (!verify_checkpoint_text(verify, path, text, len, VERIFY_COULD_NOT,
		&last->checkpoint, &last->epoch))
		return false;
	last->path = path;
	verify->since_count++;
	return true;
}

/* fsync of the directory that the file is in. */
static bool
sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	bool good;
	int fd;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return false;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	good = fsync(fd) == 0;
	return close(fd) == 0 && good;
}

static enum verify_exit
write_state(const char *path, const char *text)
{
	char new[PATH_MAX];

	if (snprintf(new, sizeof(new), "%s.new", path) >= (int)sizeof(new))
		return fail(path, "the name is too long");
	(void)unlink(new);
	if (!write_new(new, text, 0600) || rename(new, path) != 0 ||
	    !sync_directory_of(path))
		return fail(path, strerror(errno));
	return VERIFY_ANCHORED;
}

/* ---- a run ------------------------------------------------------------- */

static bool
read_checkpoint(
    struct verify *verify, struct witness *witness, const char *path)
{
	FILE *file = verify_open_regular(path);

	if (file == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	witness->text_len =
	    fread(witness->text, 1, sizeof(witness->text), file);
	fclose(file);
	return verify_checkpoint_text(verify, path, witness->text,
	    witness->text_len, VERIFY_TAMPERED, &verify->published,
	    &verify->published_epoch);
}

static bool
check(struct verify *verify, struct witness *witness,
    const struct witness_paths *paths)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/public/checkpoint",
		verify->directory) >= (int)sizeof(path))
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "the path is too long");
	if (!verify_certificates(verify) || !verify_restores(verify) ||
	    !read_state(verify, witness, paths->state) ||
	    !read_checkpoint(verify, witness,
		paths->checkpoint != NULL ? paths->checkpoint : path))
		return false;
	if (verify->since_count > 0 &&
	    verify->published.size < verify->since[0].checkpoint.size)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "rolled back: %s has signed %" PRIu64
		    " entries, the checkpoint has %" PRIu64,
		    witness->cosigner.name, verify->since[0].checkpoint.size,
		    verify->published.size);
	/* what is signed is what the state says, not what a bank that runs
	 * publishes meanwhile */
	verify->published_fixed = true;
	return witness_has_journal(verify) ? verify_log(verify)
					   : witness_public(verify);
}

/* Signs; the line stands at the end of the state. */
static enum verify_exit
sign(const struct verify *verify, struct witness *witness, size_t *at,
    size_t *len)
{
	char note_text[NOTE_MAX], line[COSIGNATURE_LINE_MAX];
	struct timespec now = {0};
	struct note note;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (note_parse(witness->text, witness->text_len, &note) != SR_OK ||
	    verify_own_line(verify, &note, verify->published_epoch, note_text,
		at) != SR_OK ||
	    cosignature_sign(&witness->cosigner, witness->secret,
		&verify->published, (uint64_t)now.tv_sec, line, len) != SR_OK)
		return fail("signing", "libsodium fails");
	snprintf(witness->state, sizeof(witness->state), "%.*s%.*s", (int)*at,
	    note_text, (int)*len, line);
	return VERIFY_ANCHORED;
}

static enum verify_exit
run(struct verify *verify, struct witness *witness,
    const struct witness_paths *paths)
{
	enum verify_exit exit = read_key(paths->key, witness);
	size_t at, len;
	FILE *out;

	if (exit != VERIFY_ANCHORED)
		return exit;
	if (!check(verify, witness, paths)) {
		fprintf(
		    stderr, "strongroom-verify: not signed: %s\n", verify->why);
		return verify->exit;
	}
	exit = sign(verify, witness, &at, &len);
	if (exit == VERIFY_ANCHORED)
		exit = write_state(paths->state, witness->state);
	if (exit != VERIFY_ANCHORED)
		return exit;
	out = paths->output == NULL ? stdout : fopen(paths->output, "wxe");
	if (out == NULL)
		return fail(paths->output, strerror(errno));
	fwrite(witness->state + at, 1, len, out);
	if (fflush(out) != 0 || ferror(out) != 0)
		return fail("the signature", "cannot be written; run again");
	if (out != stdout)
		fclose(out);
	fprintf(stderr, "%s has signed %" PRIu64 " entries\n",
	    witness->cosigner.name, verify->published.size);
	return VERIFY_ANCHORED;
}

enum verify_exit
witness_run(struct verify *verify, const struct witness_paths *paths)
{
	static struct witness witness = {.lock = -1};
	enum verify_exit exit = run(verify, &witness, paths);

	sodium_memzero(witness.secret, sizeof(witness.secret));
	if (witness.lock >= 0)
		close(witness.lock);
	return exit;
}
