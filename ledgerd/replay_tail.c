/* SPDX-License-Identifier: ISC */
/*
 * The unacknowledged tail.  Must never cut anything without a durable copy of
 * it, nor anything below keyd's size.
 */
#include "ledgerd/replay_tail.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/diag.h"

/* Copies of what stood at one place, at most. */
enum { COPIES_MAX = 100 };

void
replay_complain(const struct replay *replay, const char *what)
{
	char path[ENV_PATH_MAX];

	segments_path(replay->segment, path);
	diag_error("%s, offset %" PRIu64 ": %s", path, replay->at, what);
}

/* The end of what is not zero in the rest of the segment; `at' when all is. */
static enum sr_error
find_end(struct replay *replay, uint64_t *end)
{
	static uint8_t chunk[65536];
	uint64_t at = replay->at;

	*end = replay->at;
	while (at < replay->len) {
		uint64_t len = replay->len - at;
		enum sr_error error;

		if (len > sizeof(chunk))
			len = sizeof(chunk);
		error = env_read(
		    replay->ledgerd->env, replay->file, at, chunk, (size_t)len);
		if (error != SR_OK)
			return error;
		if (!journal_all_zero(chunk, (size_t)len)) {
			while (chunk[len - 1] == 0)
				len--;
			*end = at + len;
			len = replay->len - at < sizeof(chunk)
				  ? replay->len - at
				  : sizeof(chunk);
		}
		at += len;
	}
	return SR_OK;
}

/* From `at' to end, durably. */
static enum sr_error
put_zeros(struct replay *replay, uint64_t end)
{
	static const uint8_t zeros[65536];
	struct env *env = replay->ledgerd->env;
	enum sr_error error = SR_OK;
	uint64_t len;

	for (uint64_t at = replay->at; at < end && error == SR_OK; at += len) {
		len = end - at < sizeof(zeros) ? end - at : sizeof(zeros);
		error = env_write(env, replay->file, at, zeros, (size_t)len);
	}
	return error == SR_OK ? env_sync(env, replay->file) : error;
}

/* Copies the bytes from `at' to end aside and puts zeros in their place. */
static enum sr_error
move_tail(struct replay *replay, env_file copy, uint64_t end)
{
	static uint8_t chunk[65536];
	struct env *env = replay->ledgerd->env;
	enum sr_error error = SR_OK;
	uint64_t len;

	for (uint64_t at = replay->at; at < end && error == SR_OK; at += len) {
		len = end - at < sizeof(chunk) ? end - at : sizeof(chunk);
		error = env_read(env, replay->file, at, chunk, (size_t)len);
		if (error == SR_OK)
			error = env_write(
			    env, copy, at - replay->at, chunk, (size_t)len);
	}
	if (error == SR_OK)
		error = env_sync(env, copy);
	if (error == SR_OK)
		error = env_sync_directory(env, "ledger");
	return error == SR_OK ? put_zeros(replay, end) : error;
}

static void
copy_path(const struct replay *replay, unsigned number, char path[ENV_PATH_MAX])
{
	int len = snprintf(path, ENV_PATH_MAX, "ledger/tail-%08u-%" PRIu64,
	    replay->segment, replay->at);

	if (number > 1)
		snprintf(path + len, ENV_PATH_MAX - (size_t)len, "-%u", number);
}

/* A file of its own for each: a start that died while it cut has left one
 * which holds more than what is here now. */
static enum sr_error
create_copy(
    const struct replay *replay, char path[ENV_PATH_MAX], env_file *copy)
{
	struct env *env = replay->ledgerd->env;
	enum sr_error error = SR_EXISTS;

	for (unsigned i = 1; error == SR_EXISTS && i <= COPIES_MAX; i++) {
		copy_path(replay, i, path);
		error = env_open(env, path, ENV_CREATE, copy);
	}
	return error;
}

/* For the entry that tells of it. */
static void
count_cut(const struct replay *replay, uint64_t end, struct replay_tail *tail)
{
	tail->len += end - replay->at;
	tail->at =
	    (struct journal_position){replay->segment, (uint32_t)replay->at};
}

static enum sr_error
cut_tail(struct replay *replay, uint64_t end, struct replay_tail *tail)
{
	struct env *env = replay->ledgerd->env;
	char path[ENV_PATH_MAX];
	enum sr_error error;
	env_file copy;

	error = create_copy(replay, path, &copy);
	if (error != SR_OK)
		return error;
	error = move_tail(replay, copy, end);
	if (env_close(env, copy) != SR_OK && error == SR_OK)
		error = SR_IO;
	if (error != SR_OK)
		return error;
	count_cut(replay, end, tail);
	diag_warn("%" PRIu64 " bytes that were never acknowledged are cut; "
		  "a copy is in %s",
	    end - replay->at, path);
	return SR_OK;
}

/*
 * The zeros that a start put here may be in memory only, where their sync
 * failed and the machine went on: Linux then shows them as if they were on the
 * disk, and syncs nothing.  The copies that the start made first tell how far
 * they went; written again, they are durable.  Once the start has told of the
 * cut in the journal, nothing ends here any more.
 */
static enum sr_error
cut_again(struct replay *replay, struct replay_tail *tail)
{
	struct env *env = replay->ledgerd->env;
	uint64_t most = 0, len = 0;
	char path[ENV_PATH_MAX];
	enum sr_error error = SR_OK;
	env_file copy;

	for (unsigned i = 1; error == SR_OK && i <= COPIES_MAX; i++) {
		copy_path(replay, i, path);
		error = env_open(env, path, ENV_READ, &copy);
		if (error != SR_OK)
			break;
		error = env_size(env, copy, &len);
		if (env_close(env, copy) != SR_OK && error == SR_OK)
			error = SR_IO;
		most = len > most ? len : most;
	}
	if (error != SR_OK && error != SR_NOT_FOUND)
		return error;
	if (most > replay->len - replay->at)
		most = replay->len - replay->at;
	if (most == 0)
		return SR_OK;
	error = put_zeros(replay, replay->at + most);
	if (error == SR_OK)
		count_cut(replay, replay->at + most, tail);
	return error;
}

enum sr_error
replay_end_segment(
    struct replay *replay, enum sr_error why, struct replay_tail *tail)
{
	enum sr_error error;
	uint64_t end;

	error = find_end(replay, &end);
	if (error != SR_OK)
		return error;
	if (end == replay->at)
		return replay->tree.size >= replay->signed_size
			   ? cut_again(replay, tail)
			   : SR_OK;
	/* never cut, signed or not: a newer program can read it */
	if (why == SR_VERSION) {
		replay_complain(replay, error_sentence(SR_VERSION));
		return SR_VERSION;
	}
	if (replay->tree.size >= replay->signed_size)
		return cut_tail(replay, end, tail);
	replay_complain(replay, "the journal is damaged below what was signed");
	return SR_DAMAGED;
}

/* A name of its own for a segment that is given up, as an empty file. */
static enum sr_error
lost_name(const struct replay *replay, uint32_t number, char path[ENV_PATH_MAX])
{
	struct env *env = replay->ledgerd->env;
	enum sr_error error;
	env_file file;
	int len;

	len = snprintf(path, ENV_PATH_MAX, "ledger/segment/lost-%08u", number);
	error = env_open(env, path, ENV_CREATE, &file);
	for (unsigned i = 2; error == SR_EXISTS && i <= COPIES_MAX; i++) {
		snprintf(path + len, ENV_PATH_MAX - (size_t)len, "-%u", i);
		error = env_open(env, path, ENV_CREATE, &file);
	}
	return error == SR_OK ? env_close(env, file) : error;
}

static enum sr_error
is_there(const struct replay *replay, uint32_t number, bool *there)
{
	struct env *env = replay->ledgerd->env;
	char path[ENV_PATH_MAX];
	enum sr_error error;
	env_file file;

	segments_path(number, path);
	error = env_open(env, path, ENV_READ, &file);
	*there = error == SR_OK;
	if (error == SR_NOT_FOUND)
		return SR_OK;
	return error == SR_OK ? env_close(env, file) : error;
}

enum sr_error
replay_set_aside(struct replay *replay)
{
	struct env *env = replay->ledgerd->env;
	char from[ENV_PATH_MAX], to[ENV_PATH_MAX];
	uint32_t end = replay->segment;
	bool there = true;
	enum sr_error error = SR_OK;

	while (error == SR_OK && there && end < UINT32_MAX)
		error = is_there(replay, ++end, &there);
	while (error == SR_OK && end > replay->segment) {
		segments_path(--end, from);
		error = lost_name(replay, end, to);
		if (error == SR_OK)
			error = env_rename(env, from, to);
		if (error == SR_OK)
			error = env_sync_directory(env, "ledger/segment");
		if (error == SR_OK)
			diag_warn("%s is after what can be read: it is %s now",
			    from, to);
	}
	return error;
}
