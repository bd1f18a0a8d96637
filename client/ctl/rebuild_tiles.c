/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl rebuild-tiles: the public tree of a ledger directory made
 * again from its journal, with no keys.  Must never make a tree of a journal
 * that does not verify, nor write with more rights than the files' owner has:
 * whoever runs as ledgerd's user may have put anything there.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/verify/verify.h"

/* Beneath the ledger directory, which is the working one. */
#define CHECKPOINT "public/checkpoint"
#define CHECKPOINT_NEW "public/checkpoint.new"
#define TREE "public/tile"
#define TREE_NEW "public/tile.new"
#define TREE_OLD "public/tile.old"

static struct verify verify;

struct rebuilt {
	uint64_t files;
	struct checkpoint head; /* that the tree is made for */
	bool kept;              /* its file was there */
	size_t note_len;
	char note[NOTE_MAX];
};

static enum sr_error
failed(const char *path)
{
	int why = errno;

	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(why));
	return why == ENOSPC   ? SR_NO_SPACE
	       : why == EACCES ? SR_PERMISSION
			       : SR_IO;
}

static int
remove_one(
    const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A new file with these bytes, for all to read; it must not be there. */
static enum sr_error
write_file(const char *path, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return SR_IO;
	while (len > 0) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return SR_IO;
		}
		at += n;
		len -= (size_t)n;
	}
	return close(fd) == 0 ? SR_OK : SR_IO;
}

/* The directories above a file of the new tree. */
static void
make_parents(char *path)
{
	for (char *slash = path + strlen(TREE_NEW); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
}

static enum sr_error
write_tile(void *context, const struct tile *tile, const uint8_t *bytes)
{
	struct rebuilt *rebuilt = context;
	char name[TILES_PATH_MAX], path[TILES_PATH_MAX + sizeof(TREE_NEW)];
	enum sr_error error;

	tile_path(tile, name);
	snprintf(path, sizeof(path), TREE_NEW "%s", name + strlen("tile"));
	error = write_file(path, bytes, tile_len(tile));
	if (error != SR_OK && errno == ENOENT) {
		make_parents(path);
		error = write_file(path, bytes, tile_len(tile));
	}
	if (error != SR_OK)
		return failed(path);
	rebuilt->files++;
	return SR_OK;
}

/* ---- the walks --------------------------------------------------------------- */

static bool
begin_walk(const struct bankfile *bank)
{
	memset(&verify, 0, sizeof(verify));
	verify.bank = *bank;
	verify.quiet = true;
	verify.exit = VERIFY_INTACT;
	verify.directory = ".";
	return verify_certificates(&verify) && verify_restores(&verify);
}

/* The checkpoint that is there; one that is none is as if it were not. */
static void
read_checkpoint(void)
{
	if (verify_checkpoint(&verify, CHECKPOINT, VERIFY_TAMPERED,
		&verify.published, &verify.published_epoch))
		return;
	memset(&verify.published, 0, sizeof(verify.published));
	verify.why[0] = '\0';
	verify.exit = VERIFY_INTACT;
	verify.published_met = true; /* there is none to be met */
}

static enum sr_error
not_verified(void)
{
	fprintf(stderr, "strongroomctl: nothing is rebuilt: %s\n", verify.why);
	return verify.exit == VERIFY_TAMPERED ? SR_DAMAGED : SR_IO;
}

/* The last signature that the journal shows, as a note. */
static enum sr_error
make_note(struct rebuilt *rebuilt)
{
	const struct checkpoint *last = &verify.last_signed;

	for (size_t i = 0; i < verify.certificate_count; i++)
		if (note_verify_raw(last, verify.certificate[i].log_key,
			verify.last_signature) == SR_OK) {
			note_assemble(last, verify.certificate[i].log_key,
			    verify.last_signature, rebuilt->note,
			    &rebuilt->note_len);
			rebuilt->head = *last;
			return SR_OK;
		}
	fprintf(stderr,
	    "strongroomctl: nothing is rebuilt: the journal shows no "
	    "checkpoint that was signed; start the bank once\n");
	return SR_NOT_FOUND;
}

/* Whether the journal is right, and which head the tree will have. */
static enum sr_error
find_head(const struct bankfile *bank, struct rebuilt *rebuilt)
{
	if (!begin_walk(bank))
		return not_verified();
	read_checkpoint();
	if (!verify_log(&verify))
		return not_verified();
	rebuilt->kept = verify.published.size > 0 &&
			verify.published.size >= verify.last_signed.size;
	if (!rebuilt->kept)
		return make_note(rebuilt);
	rebuilt->head = verify.published;
	return SR_OK;
}

static enum sr_error
write_tree(const struct bankfile *bank, struct rebuilt *rebuilt)
{
	remove_tree(TREE_NEW);
	if (mkdir(TREE_NEW, 0755) != 0)
		return failed(TREE_NEW);
	if (!begin_walk(bank))
		return not_verified();
	verify.published_met = true;
	verify.tiles.wanted = verify.tiles.ends = true;
	verify.tiles.size = rebuilt->head.size;
	verify.tiles.put = write_tile;
	verify.tiles.context = rebuilt;
	if (!verify_log(&verify))
		return not_verified();
	return SR_OK;
}

/* The new tree in the place of the old one, then the checkpoint. */
static enum sr_error
put_in_place(const struct rebuilt *rebuilt)
{
	enum sr_error error;

	remove_tree(TREE_OLD);
	if (rename(TREE, TREE_OLD) != 0 && errno != ENOENT)
		return failed(TREE);
	if (rename(TREE_NEW, TREE) != 0)
		return failed(TREE_NEW);
	remove_tree(TREE_OLD);
	if (rebuilt->kept)
		return SR_OK;
	(void)unlink(CHECKPOINT_NEW);
	error = write_file(CHECKPOINT_NEW, rebuilt->note, rebuilt->note_len);
	if (error != SR_OK)
		return failed(CHECKPOINT_NEW);
	return rename(CHECKPOINT_NEW, CHECKPOINT) == 0 ? SR_OK
						       : failed(CHECKPOINT);
}

/* ---- the command ------------------------------------------------------------- */

/* Keeps a bank to which the directory belongs from being started. */
static enum sr_error
take_lock(const char *directory)
{
	int fd = open("../run/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	/* a copy that belongs to no bank has none */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			   ? SR_OK
			   : failed("../run/lock");
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return SR_OK; /* until this program ends */
	fprintf(stderr,
	    "strongroomctl: the bank of %s runs, and publishes its tree "
	    "itself; stop it first\n",
	    directory);
	close(fd);
	return SR_IN_USE;
}

/* From here on as the owner of the files. */
static enum sr_error
be_owner(void)
{
	struct stat status;

	if (lstat("public", &status) != 0)
		return failed("public");
	if (geteuid() != 0 || status.st_uid == 0)
		return SR_OK;
	if (setgroups(0, NULL) != 0 ||
	    setresgid(status.st_gid, status.st_gid, status.st_gid) != 0 ||
	    setresuid(status.st_uid, status.st_uid, status.st_uid) != 0)
		return failed("becoming the owner of the files");
	return SR_OK;
}

static enum sr_error
read_bank(const struct ctl_options *options, struct bankfile *bank)
{
	static struct config config;
	char path[CONFIG_PATH_MAX], message[BANKFILE_MESSAGE_MAX];
	const char *file = options->bank;
	enum sr_error error = SR_OK;

	if (file == NULL) {
		error = ctl_configuration(options, &config);
		if (error == SR_OK)
			error = config_path(&config, "bank.id", path);
		file = path;
	}
	if (error != SR_OK)
		return error;
	error = bankfile_read(file, bank, message);
	if (error != SR_OK)
		fprintf(stderr, "strongroomctl: %s\n", message);
	return error;
}

static enum sr_error
rebuild(const struct ctl_options *options, const char *directory,
    struct rebuilt *rebuilt)
{
	static struct bankfile bank;
	enum sr_error error = read_bank(options, &bank);

	if (error != SR_OK)
		return error;
	if (chdir(directory) != 0)
		return failed(directory);
	error = take_lock(directory);
	if (error == SR_OK)
		error = be_owner();
	if (error == SR_OK)
		error = find_head(&bank, rebuilt);
	if (error == SR_OK)
		error = write_tree(&bank, rebuilt);
	if (error == SR_OK)
		error = put_in_place(rebuilt);
	if (error != SR_OK)
		remove_tree(TREE_NEW);
	return error;
}

enum sr_error
ctl_rebuild_tiles(const struct ctl_options *options, char *const words[])
{
	static struct rebuilt rebuilt;
	mode_t mask = umask(022);
	enum sr_error error = rebuild(options, words[0], &rebuilt);

	(void)umask(mask);
	if (error != SR_OK)
		return error;
	if (options->json)
		printf("{\"v\":1,\"entries\":%" PRIu64 ",\"files\":%" PRIu64
		       ",\"checkpoint\":\"%s\"}\n",
		    rebuilt.head.size, rebuilt.files,
		    rebuilt.kept ? "kept" : "made");
	else
		printf("the public tree of %" PRIu64 " entries is in %" PRIu64
		       " files; the checkpoint %s\n",
		    rebuilt.head.size, rebuilt.files,
		    rebuilt.kept
			? "is the one that was there"
			: "is the last one whose signature the journal holds");
	return SR_OK;
}
