/* SPDX-License-Identifier: ISC */
/* The journal's files.  Must never use a segment before it is durable. */
#include "ledgerd/segments.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NEXT_PATH "ledger/segment/next"
#define DIRECTORY_PATH "ledger/segment"

void
segments_init(struct segments *segments, struct env *env,
    const uint8_t bank_id[32], uint64_t new_len, uint64_t reserve)
{
	memset(segments, 0, sizeof(*segments));
	segments->env = env;
	segments->new_len = new_len;
	segments->reserve = reserve;
	segments->file = ENV_NO_FILE;
	segments->next_file = ENV_NO_FILE;
	memcpy(segments->bank_id, bank_id, sizeof(segments->bank_id));
}

void
segments_close(struct segments *segments)
{
	if (segments->file != ENV_NO_FILE)
		(void)env_close(segments->env, segments->file);
	if (segments->next_file != ENV_NO_FILE)
		(void)env_close(segments->env, segments->next_file);
	segments->file = ENV_NO_FILE;
	segments->next_file = ENV_NO_FILE;
}

void
segments_path(uint32_t number, char path[ENV_PATH_MAX])
{
	char name[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(path, ENV_PATH_MAX, DIRECTORY_PATH "/%s",
	    journal_segment_name(number, name));
}

void
segments_leaves_path(uint32_t number, char path[ENV_PATH_MAX])
{
	char name[LEAVES_FILE_NAME_MAX];

	snprintf(path, ENV_PATH_MAX, DIRECTORY_PATH "/%s",
	    leaves_file_name(number, name));
}

/* Whether leaves of that segment are there, whatever they are. */
static bool
leaves_are_there(struct segments *segments, uint32_t number)
{
	char path[ENV_PATH_MAX];
	env_file file;

	segments_leaves_path(number, path);
	if (env_open(segments->env, path, ENV_READ, &file) != SR_OK)
		return false;
	(void)env_close(segments->env, file);
	return true;
}

enum sr_error
segments_open(struct segments *segments, uint32_t number, enum env_open how,
    env_file *file, uint64_t *len, struct journal_segment *header)
{
	uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN];
	struct env *env = segments->env;
	char path[ENV_PATH_MAX];
	enum sr_error error;

	segments_path(number, path);
	error = env_open(env, path, how, file);
	if (error == SR_NOT_FOUND && leaves_are_there(segments, number))
		return SR_RETIRED;
	if (error != SR_OK)
		return error;
	error = env_size(env, *file, len);
	if (error == SR_OK)
		error = env_read(env, *file, 0, bytes, sizeof(bytes));
	if (error == SR_OK && journal_all_zero(bytes, sizeof(bytes))) {
		if (!leaves_are_there(segments, number))
			return SR_AGAIN;
		/* as while it is being deleted */
		error = SR_RETIRED;
	}
	if (error == SR_OK)
		error = journal_segment_decode(bytes, header);
	if (error == SR_OK &&
	    (header->segment != number ||
		memcmp(header->bank_id, segments->bank_id, 32) != 0))
		error = SR_DAMAGED;
	if (error == SR_OK || error == SR_DAMAGED)
		return error;
	(void)env_close(env, *file);
	*file = ENV_NO_FILE;
	return error;
}

enum sr_error
segments_open_leaves(struct segments *segments, uint32_t number, env_file *file,
    struct leaves_file *header)
{
	uint8_t bytes[LEAVES_FILE_HEADER_LEN];
	struct env *env = segments->env;
	char path[ENV_PATH_MAX];
	uint64_t len = 0;
	enum sr_error error;

	segments_leaves_path(number, path);
	error = env_open(env, path, ENV_READ, file);
	if (error != SR_OK)
		return error;
	error = env_size(env, *file, &len);
	if (error == SR_OK && len < sizeof(bytes))
		error = SR_DAMAGED;
	if (error == SR_OK)
		error = env_read(env, *file, 0, bytes, sizeof(bytes));
	if (error == SR_OK)
		error = leaves_file_decode(bytes, header);
	if (error == SR_OK &&
	    (header->segment != number || leaves_file_len(header) != len ||
		memcmp(header->bank_id, segments->bank_id, 32) != 0))
		error = SR_DAMAGED;
	if (error == SR_OK)
		return SR_OK;
	(void)env_close(env, *file);
	*file = ENV_NO_FILE;
	return error;
}

enum sr_error
segments_first_seq(
    struct segments *segments, uint32_t number, uint64_t *first_seq)
{
	struct journal_segment header;
	struct leaves_file leaves;
	enum sr_error error;
	env_file file;
	uint64_t len;

	error = segments_open(segments, number, ENV_READ, &file, &len, &header);
	if (error == SR_RETIRED) {
		error = segments_open_leaves(segments, number, &file, &leaves);
		header.first_seq = leaves.first_seq;
		if (error != SR_OK)
			return error;
	} else if (error != SR_OK && error != SR_AGAIN && error != SR_DAMAGED) {
		return error;
	}
	(void)env_close(segments->env, file);
	if (error == SR_OK)
		*first_seq = header.first_seq;
	return error == SR_AGAIN ? SR_DAMAGED : error;
}

enum sr_error
segments_take_leaves(
    struct segments *segments, uint32_t number, struct merkle_frontier *tree)
{
	enum { STEP = 64 };
	uint8_t bytes[STEP * JOURNAL_LEAF_LEN];
	struct journal_leaf leaf;
	struct leaves_file header;
	enum sr_error error;
	env_file file;
	uint64_t end;

	error = segments_open_leaves(segments, number, &file, &header);
	if (error != SR_OK)
		return error;
	end = header.first_seq + header.count;
	error = leaves_file_begins(&header, tree);
	while (error == SR_OK && tree->size < end) {
		size_t count =
		    end - tree->size < STEP ? (size_t)(end - tree->size) : STEP;

		error = env_read(segments->env, file,
		    leaves_file_offset(&header, tree->size), bytes,
		    count * JOURNAL_LEAF_LEN);
		for (size_t i = 0; error == SR_OK && i < count; i++)
			error = leaves_file_append(
			    &header, bytes + i * JOURNAL_LEAF_LEN, tree, &leaf);
	}
	if (error == SR_OK)
		error = leaves_file_ends(&header, tree);
	if (env_close(segments->env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

void
segments_resume(struct segments *segments, uint32_t number, env_file file,
    uint64_t len, uint64_t at)
{
	segments->any = true;
	segments->number = number;
	segments->file = file;
	segments->len = len;
	segments->at = at;
}

void
segments_adopt_next(struct segments *segments, env_file file)
{
	segments->next_file = file;
	segments->next_ready = true;
}

static uint32_t
next_number(const struct segments *segments)
{
	return segments->any ? segments->number + 1 : 0;
}

static bool
is_refusal(enum sr_error error)
{
	return error == SR_NO_SPACE || error == SR_READ_ONLY;
}

/* A failed sync is no refusal: what is on disk is not known. */
static enum sr_error
failed_sync(enum sr_error error)
{
	return is_refusal(error) ? SR_IO : error;
}

/* The first segment is made whatever it leaves: the bank is then closed. */
static enum sr_error
check_space(const struct segments *segments)
{
	struct env_space space;
	enum sr_error error =
	    env_space(segments->env, segments->next_file, &space);

	if (error == SR_OK && segments->any && !space.read_only &&
	    (space.free < segments->new_len ||
		space.free - segments->new_len < segments->reserve))
		error = SR_NO_SPACE;
	return error;
}

static enum sr_error
begin_next(struct segments *segments)
{
	enum sr_error error;

	segments->next_filled = 0;
	error = env_open(segments->env, NEXT_PATH, ENV_WRITE_OR_CREATE,
	    &segments->next_file);
	if (error == SR_OK)
		error = env_truncate(segments->env, segments->next_file, 0);
	return error == SR_OK ? check_space(segments) : error;
}

static enum sr_error
fill_next(struct segments *segments)
{
	static const uint8_t zeros[65536];
	uint64_t end = segments->next_filled + SEGMENTS_STEP_LEN;

	if (end > segments->new_len)
		end = segments->new_len;
	while (segments->next_filled < end) {
		uint64_t len = end - segments->next_filled;
		enum sr_error error;

		if (len > sizeof(zeros))
			len = sizeof(zeros);
		error = env_write(segments->env, segments->next_file,
		    segments->next_filled, zeros, (size_t)len);
		if (error != SR_OK)
			return error;
		segments->next_filled += len;
	}
	return failed_sync(env_sync(segments->env, segments->next_file));
}

static enum sr_error
finish_next(struct segments *segments)
{
	char path[ENV_PATH_MAX];
	enum sr_error error;

	segments_path(next_number(segments), path);
	error = env_rename(segments->env, NEXT_PATH, path);
	if (error != SR_OK)
		return error;
	error = failed_sync(env_sync_directory(segments->env, DIRECTORY_PATH));
	if (error == SR_OK)
		segments->next_ready = true;
	return error;
}

/* Gives back what a refused preparation has taken, as far as that goes. */
static void
give_up_next(struct segments *segments)
{
	env_file file = segments->next_file;

	segments->next_file = ENV_NO_FILE;
	segments->next_filled = 0;
	if (file == ENV_NO_FILE)
		return;
	(void)env_truncate(segments->env, file, 0);
	(void)env_close(segments->env, file);
}

enum sr_error
segments_prepare(struct segments *segments, bool *ready)
{
	enum sr_error error = SR_OK;

	if (!segments->next_ready) {
		if (segments->next_file == ENV_NO_FILE)
			error = begin_next(segments);
		else if (segments->next_filled < segments->new_len)
			error = fill_next(segments);
		else
			error = finish_next(segments);
	}
	if (is_refusal(error))
		give_up_next(segments);
	*ready = error == SR_OK && segments->next_ready;
	return error;
}

/* Writes the header of what has been made ready and opens it. */
static enum sr_error
take_next(struct segments *segments, struct journal_segment *header)
{
	uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN];
	env_file file = segments->next_file;
	struct env *env = segments->env;
	enum sr_error error;
	uint64_t len;

	assert(segments->next_ready);
	header->segment = next_number(segments);
	memcpy(header->bank_id, segments->bank_id, sizeof(header->bank_id));
	env_random(env, header->salt, sizeof(header->salt));
	journal_segment_encode(header, bytes);
	error = env_size(env, file, &len);
	if (error == SR_OK)
		error = env_write(env, file, 0, bytes, sizeof(bytes));
	if (error == SR_OK)
		error = failed_sync(env_sync(env, file));
	if (error != SR_OK)
		return error;
	if (segments->any && env_close(env, segments->file) != SR_OK)
		return SR_IO;
	segments_resume(
	    segments, header->segment, file, len, JOURNAL_SEGMENT_HEADER_LEN);
	segments->next_file = ENV_NO_FILE;
	segments->next_ready = false;
	return SR_OK;
}

enum sr_error
segments_rotate(struct segments *segments, struct journal_segment *header)
{
	enum sr_error error = SR_OK;
	bool ready = false;

	while (error == SR_OK && !ready)
		error = segments_prepare(segments, &ready);
	return error == SR_OK ? take_next(segments, header) : error;
}

uint64_t
segments_room(const struct segments *segments)
{
	return segments->len - segments->at;
}

enum sr_error
segments_probe(struct segments *segments)
{
	static const uint8_t zero[1];

	if (segments_room(segments) == 0)
		return SR_OK;
	return env_write(
	    segments->env, segments->file, segments->at, zero, sizeof(zero));
}

enum sr_error
segments_append(struct segments *segments, const void *bytes, size_t len)
{
	enum sr_error error;

	assert(len <= segments_room(segments));
	error =
	    env_write(segments->env, segments->file, segments->at, bytes, len);
	if (error == SR_OK)
		segments->at += len;
	return error;
}
