/* SPDX-License-Identifier: ISC */
/*
 * Retired segments.  Must never remove an entry whose leaf is not on the disk
 * under its lasting name, nor one that keyd still gives a key for.
 */
#include "ledgerd/retire.h"

#include <inttypes.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/ledgerd.h"

#define DIRECTORY_PATH "ledger/segment"
#define PART_PATH DIRECTORY_PATH "/leaves.part"
#define RETIRED_PATH DIRECTORY_PATH "/retired"

void
retire_init(struct retire *retire)
{
	memset(retire, 0, sizeof(*retire));
	retire->in = ENV_NO_FILE;
	retire->out = ENV_NO_FILE;
}

void
retire_close(struct retire *retire, struct env *env)
{
	if (retire->in != ENV_NO_FILE)
		(void)env_close(env, retire->in);
	if (retire->out != ENV_NO_FILE)
		(void)env_close(env, retire->out);
	retire->in = ENV_NO_FILE;
	retire->out = ENV_NO_FILE;
}

void
retire_again(struct retire *retire)
{
	if (retire->state == RETIRE_NOTHING)
		retire->state = RETIRE_LOOK;
}

static bool
may_work(const struct ledgerd *ledgerd)
{
	const struct retire *retire = &ledgerd->retire;

	/* the tree must be known where the segment begins */
	return ledgerd->phase == PHASE_OPEN && !ledgerd->keyd.copy &&
	       !ledgerd->stopping && retire->state != RETIRE_NOTHING &&
	       (retire->state != RETIRE_LOOK ||
		   ledgerd->tiles.state == TILES_CURRENT);
}

bool
retire_waits(const struct ledgerd *ledgerd)
{
	const struct retire *retire = &ledgerd->retire;

	return may_work(ledgerd) &&
	       (!retire->refused ||
		   env_boot_us(ledgerd->env) - retire->refused_us >=
		       RETIRE_RETRY_US);
}

int
retire_wait_ms(const struct ledgerd *ledgerd, int timeout_ms)
{
	if (!may_work(ledgerd))
		return timeout_ms;
	if (retire_waits(ledgerd))
		return 0;
	return timeout_ms < 0 || timeout_ms > RETIRE_RETRY_US / 1000
		   ? RETIRE_RETRY_US / 1000
		   : timeout_ms;
}

/*
 * What the disk cannot read of a retired segment, or beside it, no order
 * needs: unlike a write or a sync that fails it does not end the bank.
 */
static enum sr_error
of_read(enum sr_error error)
{
	return error == SR_IO ? SR_UNREADABLE : error;
}

/* Whether a file is there; SR_NOT_FOUND. */
static enum sr_error
look_for(struct env *env, const char *path)
{
	env_file file;
	enum sr_error error = env_open(env, path, ENV_READ, &file);

	if (error != SR_OK)
		return of_read(error);
	return env_close(env, file) == SR_OK ? SR_OK : SR_IO;
}

/* ---- the leaves ------------------------------------------------------------ */

/* The header of a segment that is in use, and its open file. */
static enum sr_error
open_segment(struct ledgerd *ledgerd, uint32_t number, env_file *file,
    uint64_t *len, struct journal_segment *header)
{
	enum sr_error error = segments_open(
	    &ledgerd->segments, number, ENV_READ, file, len, header);

	if (error == SR_AGAIN || error == SR_DAMAGED) {
		(void)env_close(ledgerd->env, *file);
		*file = ENV_NO_FILE;
	}
	return error == SR_AGAIN || error == SR_NOT_FOUND ? SR_DAMAGED
							  : of_read(error);
}

/* The tree of the leaves before that one, from the public tree. */
static enum sr_error
tree_before(
    struct ledgerd *ledgerd, uint64_t size, struct merkle_frontier *tree)
{
	enum sr_error error = SR_OK;

	merkle_frontier_init(tree);
	tree->size = size;
	for (unsigned level = 0; error == SR_OK && level < MERKLE_LEVELS;
	     level++)
		if ((size >> level & 1) != 0)
			error = of_read(tiles_source(ledgerd, level,
			    (size >> level) - 1, tree->hash[level]));
	return error;
}

/* Opens the segment `low' and begins the file of its leaves. */
static enum sr_error
begin_leaves(struct ledgerd *ledgerd)
{
	struct retire *retire = &ledgerd->retire;
	struct leaves_file *file = &retire->file;
	struct env *env = ledgerd->env;
	uint8_t bytes[LEAVES_FILE_HEADER_LEN];
	struct journal_segment header, next;
	enum sr_error error;
	env_file after;
	uint64_t len;

	error = open_segment(
	    ledgerd, retire->low, &retire->in, &retire->len, &header);
	if (error != SR_OK)
		return error;
	error = open_segment(ledgerd, retire->low + 1, &after, &len, &next);
	if (error == SR_OK && env_close(env, after) != SR_OK)
		error = SR_IO;
	if (error == SR_OK &&
	    (next.first_seq <= header.first_seq ||
		next.first_seq - header.first_seq > LEAVES_FILE_COUNT_MAX))
		error = SR_DAMAGED;
	if (error != SR_OK)
		return error;
	*file = (struct leaves_file){.segment = retire->low,
	    .first_seq = header.first_seq,
	    .count = next.first_seq - header.first_seq};
	memcpy(file->bank_id, ledgerd->bank_id, sizeof(file->bank_id));
	memcpy(file->before, header.root, sizeof(file->before));
	memcpy(file->after, next.root, sizeof(file->after));
	error = tree_before(ledgerd, file->first_seq, &retire->tree);
	if (error == SR_OK)
		error = leaves_file_begins(file, &retire->tree);
	if (error == SR_OK)
		error =
		    env_open(env, PART_PATH, ENV_WRITE_OR_CREATE, &retire->out);
	if (error == SR_OK)
		error = env_truncate(env, retire->out, 0);
	leaves_file_encode(file, bytes);
	if (error == SR_OK)
		error = env_write(env, retire->out, 0, bytes, sizeof(bytes));
	retire->at = JOURNAL_SEGMENT_HEADER_LEN;
	retire->window_len = 0;
	return error;
}

/* The next frame; its bytes are in the window. */
static enum sr_error
next_frame(struct ledgerd *ledgerd, struct journal_frame *frame)
{
	struct retire *retire = &ledgerd->retire;
	uint64_t end = retire->window_at + retire->window_len;
	uint64_t len = retire->len - retire->at;
	enum sr_error error;

	if (retire->window_len == 0 ||
	    (end < retire->len && end - retire->at < JOURNAL_FRAME_MAX)) {
		if (len > RETIRE_WINDOW_LEN)
			len = RETIRE_WINDOW_LEN;
		error = env_read(ledgerd->env, retire->in, retire->at,
		    retire->window, (size_t)len);
		if (error != SR_OK)
			return of_read(error);
		retire->window_at = retire->at;
		retire->window_len = (size_t)len;
		end = retire->at + len;
	}
	error = journal_frame_parse(
	    retire->window + (retire->at - retire->window_at),
	    (size_t)(end - retire->at), frame);
	if (error == SR_OK)
		retire->at += frame->frame_len;
	return error == SR_NOT_FOUND ? SR_DAMAGED : error;
}

/* Some leaves; *ends when the last one of the segment is among them. */
static enum sr_error
write_leaves(struct ledgerd *ledgerd, bool *ends)
{
	static uint8_t bytes[RETIRE_LEAVES * JOURNAL_LEAF_LEN];
	struct retire *retire = &ledgerd->retire;
	const struct leaves_file *file = &retire->file;
	uint64_t at = leaves_file_offset(file, retire->tree.size);
	uint64_t last = file->first_seq + file->count;
	struct journal_frame frame;
	struct journal_leaf leaf;
	enum sr_error error = SR_OK;
	size_t len = 0;

	while (
	    error == SR_OK && len < sizeof(bytes) && retire->tree.size < last) {
		error = next_frame(ledgerd, &frame);
		if (error != SR_OK || frame.header.type != JOURNAL_ENTRY)
			continue;
		journal_frame_leaf(&frame, &leaf);
		journal_leaf_encode(&leaf, bytes + len);
		error =
		    leaves_file_append(file, bytes + len, &retire->tree, &leaf);
		len += JOURNAL_LEAF_LEN;
	}
	if (error == SR_OK && len > 0)
		error = env_write(ledgerd->env, retire->out, at, bytes, len);
	*ends = retire->tree.size == last;
	return error == SR_OK && *ends ? leaves_file_ends(file, &retire->tree)
				       : error;
}

/* The leaves get their name, and only then the segment loses its own. */
static enum sr_error
end_leaves(struct ledgerd *ledgerd)
{
	struct retire *retire = &ledgerd->retire;
	char path[ENV_PATH_MAX];
	struct env *env = ledgerd->env;
	enum sr_error error = env_sync(env, retire->out);

	/* what a sync has refused may be asked again by nobody */
	if (error != SR_OK)
		return SR_IO;
	retire_close(retire, env);
	segments_leaves_path(retire->low, path);
	error = env_rename(env, PART_PATH, path);
	if (error == SR_OK && env_sync_directory(env, DIRECTORY_PATH) != SR_OK)
		error = SR_IO;
	if (error != SR_OK)
		return error;
	archive_forget(&ledgerd->archive, env, retire->low);
	segments_path(retire->low, path);
	error = env_rename(env, path, RETIRED_PATH);
	if (error == SR_OK && env_sync_directory(env, DIRECTORY_PATH) != SR_OK)
		error = SR_IO;
	return error;
}

/* ---- the entries ----------------------------------------------------------- */

static enum sr_error
begin_wipe(struct ledgerd *ledgerd)
{
	static const uint8_t zeros[JOURNAL_SEGMENT_HEADER_LEN];
	struct retire *retire = &ledgerd->retire;
	struct env *env = ledgerd->env;
	enum sr_error error =
	    env_open(env, RETIRED_PATH, ENV_WRITE, &retire->in);

	if (error != SR_OK)
		return error;
	error = env_size(env, retire->in, &retire->len);
	retire->at = sizeof(zeros);
	if (error == SR_OK && retire->len < sizeof(zeros))
		return SR_OK;
	/* the salt first: without it there is no key */
	if (error == SR_OK)
		error = env_write(env, retire->in, 0, zeros, sizeof(zeros));
	if (error == SR_OK && env_sync(env, retire->in) != SR_OK)
		error = SR_IO;
	return error;
}

static enum sr_error
wipe(struct ledgerd *ledgerd, bool *ends)
{
	static const uint8_t zeros[RETIRE_WIPE_LEN];
	struct retire *retire = &ledgerd->retire;
	struct env *env = ledgerd->env;
	uint64_t left = retire->at < retire->len ? retire->len - retire->at : 0;
	size_t some = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
	enum sr_error error = SR_OK;

	*ends = false;
	if (some > 0) {
		error = env_write(env, retire->in, retire->at, zeros, some);
		/* little by little: orders wait for a sync meanwhile */
		if (error == SR_OK && env_sync(env, retire->in) != SR_OK)
			error = SR_IO;
		retire->at += some;
		return error;
	}
	retire_close(retire, env);
	error = env_remove(env, RETIRED_PATH);
	if (error == SR_OK && env_sync_directory(env, DIRECTORY_PATH) != SR_OK)
		error = SR_IO;
	*ends = error == SR_OK;
	return error;
}

/* ---- one step -------------------------------------------------------------- */

/* The lowest segment below the cut whose entries are there. */
static enum sr_error
find_low(struct ledgerd *ledgerd)
{
	uint32_t low = ledgerd->snapshots.cut.segment;
	char path[ENV_PATH_MAX];
	enum sr_error error = SR_OK;

	while (low > 0) {
		segments_path(low - 1, path);
		error = look_for(ledgerd->env, path);
		if (error != SR_OK)
			break;
		low--;
	}
	ledgerd->retire.low = low;
	return error == SR_NOT_FOUND ? SR_OK : error;
}

/* The first segment that nobody has retired is there, or it was taken away. */
static enum sr_error
look_above(struct ledgerd *ledgerd)
{
	char path[ENV_PATH_MAX];
	enum sr_error error;

	segments_path(ledgerd->snapshots.cut.segment, path);
	error = look_for(ledgerd->env, path);
	if (error != SR_NOT_FOUND)
		return error;
	diag_error("%s is missing, and nobody has retired it: verify the "
		   "ledger (strongroom-verify), and take it from a backup",
	    path);
	return SR_OK;
}

static enum sr_error
look(struct ledgerd *ledgerd)
{
	struct retire *retire = &ledgerd->retire;
	enum sr_error error = look_for(ledgerd->env, RETIRED_PATH);

	/* somebody was interrupted */
	if (error == SR_OK) {
		error = begin_wipe(ledgerd);
		if (error == SR_OK)
			retire->state = RETIRE_WIPE;
		return error;
	}
	if (error == SR_NOT_FOUND)
		error = find_low(ledgerd);
	if (error != SR_OK)
		return error;
	if (retire->low >= ledgerd->snapshots.cut.segment) {
		retire->state = RETIRE_NOTHING;
		return look_above(ledgerd);
	}
	error = begin_leaves(ledgerd);
	if (error == SR_OK)
		retire->state = RETIRE_WRITE;
	return error;
}

static enum sr_error
do_step(struct ledgerd *ledgerd)
{
	struct retire *retire = &ledgerd->retire;
	enum sr_error error = SR_OK;
	bool ends = false;

	switch (retire->state) {
	case RETIRE_LOOK:
		return look(ledgerd);
	case RETIRE_WRITE:
		error = write_leaves(ledgerd, &ends);
		if (error == SR_OK && ends) {
			error = end_leaves(ledgerd);
			retire->state = RETIRE_LOOK;
		}
		return error;
	case RETIRE_WIPE:
		error = wipe(ledgerd, &ends);
		if (ends)
			retire->state = RETIRE_LOOK;
		return error;
	case RETIRE_NOTHING:
		break;
	}
	return error;
}

enum sr_error
retire_step(struct ledgerd *ledgerd)
{
	struct retire *retire = &ledgerd->retire;
	enum sr_error error;

	if (!retire_waits(ledgerd))
		return SR_OK;
	retire->refused = false;
	error = do_step(ledgerd);
	if (error == SR_OK)
		return SR_OK;
	retire_close(retire, ledgerd->env);
	retire->state = RETIRE_LOOK;
	retire->refused = true;
	retire->refused_us = env_boot_us(ledgerd->env);
	if (error == SR_IO || error == SR_MEMORY || error == SR_INTERNAL)
		return error;
	/* the bank goes on; what is retired is still there, without a key */
	diag_warn("segment %" PRIu32 " is retired and stays for now: %s",
	    retire->low,
	    error_sentence(error == SR_UNREADABLE ? SR_IO : error));
	return SR_OK;
}
