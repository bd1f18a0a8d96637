/* SPDX-License-Identifier: ISC */
/* Files of the public tree.  Nothing is synced: they are derived. */
#include "ledgerd/tiles_file.h"

#include <stdio.h>
#include <string.h>

#define PUBLIC "ledger/public/"

static void
path_of(const struct tile *tile, char path[ENV_PATH_MAX])
{
	char rest[TILES_PATH_MAX];

	tile_path(tile, rest);
	snprintf(path, ENV_PATH_MAX, PUBLIC "%s", rest);
}

/* The directories between public and the file. */
static enum sr_error
make_parents(struct env *env, const char *path)
{
	char directory[ENV_PATH_MAX];
	enum sr_error error = SR_OK;

	for (const char *at = path + strlen(PUBLIC);
	     error == SR_OK && (at = strchr(at, '/')) != NULL; at++) {
		snprintf(directory, sizeof(directory), "%.*s", (int)(at - path),
		    path);
		error = env_make_directory(env, directory);
		if (error == SR_EXISTS)
			error = SR_OK;
	}
	return error;
}

/* An empty file, whatever a crash has left of that name. */
static enum sr_error
create(struct env *env, const char *path, env_file *file)
{
	enum sr_error error = env_open(env, path, ENV_CREATE, file);

	if (error == SR_NOT_FOUND) {
		error = make_parents(env, path);
		if (error == SR_OK)
			error = env_open(env, path, ENV_CREATE, file);
	}
	if (error != SR_EXISTS)
		return error;
	error = env_open(env, path, ENV_WRITE, file);
	if (error != SR_OK)
		return error;
	error = env_truncate(env, *file, 0);
	if (error != SR_OK)
		(void)env_close(env, *file);
	return error;
}

static enum sr_error
replace(struct env *env, const char *path, const void *bytes, size_t len)
{
	char new_path[ENV_PATH_MAX];
	enum sr_error error;
	env_file file;

	snprintf(
	    new_path, sizeof(new_path), "%.*s.new", ENV_PATH_MAX - 5, path);
	error = create(env, new_path, &file);
	if (error != SR_OK)
		return error;
	error = env_write(env, file, 0, bytes, len);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error == SR_OK ? env_rename(env, new_path, path) : error;
}

enum sr_error
tiles_file_write(struct env *env, const struct tile *tile, const uint8_t *bytes)
{
	char path[ENV_PATH_MAX];

	path_of(tile, path);
	return replace(env, path, bytes, tile_len(tile));
}

enum sr_error
tiles_file_write_checkpoint(struct env *env, const char *note, size_t len)
{
	return replace(env, PUBLIC "checkpoint", note, len);
}

enum sr_error
tiles_file_read(struct env *env, const struct tile *tile, uint64_t offset,
    void *out, size_t len)
{
	char path[ENV_PATH_MAX];
	enum sr_error error;
	env_file file;

	path_of(tile, path);
	error = env_open(env, path, ENV_READ, &file);
	if (error != SR_OK)
		return error;
	error = env_read(env, file, offset, out, len);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

bool
tiles_file_is_whole(struct env *env, const struct tile *tile)
{
	char path[ENV_PATH_MAX];
	enum sr_error error;
	uint64_t len = 0;
	env_file file;

	path_of(tile, path);
	if (env_open(env, path, ENV_READ, &file) != SR_OK)
		return false;
	error = env_size(env, file, &len);
	return env_close(env, file) == SR_OK && error == SR_OK &&
	       len == tile_len(tile);
}

enum sr_error
tiles_file_remove_partial(struct env *env, const struct tile *tile)
{
	struct tile partial = *tile;
	char path[ENV_PATH_MAX], directory[ENV_PATH_MAX];
	enum sr_error error;

	path_of(tile, path);
	snprintf(
	    directory, sizeof(directory), "%.*s.p", ENV_PATH_MAX - 3, path);
	error = env_remove_directory(env, directory);
	if (error != SR_EXISTS)
		return error == SR_NOT_FOUND ? SR_OK : error;
	for (partial.width = 1; partial.width < TILES_WIDTH; partial.width++) {
		path_of(&partial, path);
		error = env_remove(env, path);
		if (error != SR_OK && error != SR_NOT_FOUND)
			return error;
		/* what a crash has left */
		snprintf(
		    path + strlen(path), sizeof(path) - strlen(path), ".new");
		error = env_remove(env, path);
		if (error != SR_OK && error != SR_NOT_FOUND)
			return error;
	}
	error = env_remove_directory(env, directory);
	/* something else is in it: that is not ours to remove */
	return error == SR_NOT_FOUND || error == SR_EXISTS ? SR_OK : error;
}
