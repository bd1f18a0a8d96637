/* SPDX-License-Identifier: ISC */
/*
 * The simulated disk.  A file has the bytes that reads see, the bytes that
 * are durable, and the changes between the two in their order; a directory
 * likewise has its entries, the durable ones, and changes in their order.
 * A power cut goes back to what is durable and replays some of the changes.
 */
#include "tests/lib/env_sim_disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	INODES_MAX = 4096,
	ENTRIES_MAX = 4096,
	HANDLES_MAX = 64,
	SECTOR_LEN = 512, /* what a disk writes whole */
};

struct content {
	uint8_t *bytes;
	uint64_t len;
	uint64_t room;
};

/* A change to a file: a write, or with bytes NULL a new length. */
struct change {
	struct change *next;
	uint64_t offset;
	size_t len;
	uint8_t *bytes;
};

struct inode {
	bool used;
	struct content now;
	struct content durable;
	bool differs; /* now and durable, perhaps */
	bool dropped; /* changes were, by a sync that failed */
	struct change *first;
	struct change **last;
};

struct entry {
	char path[ENV_PATH_MAX]; /* "" is a free place */
	int inode;               /* of one that was used: -1 */
};

/* A change of a directory: `path` now leads to inode, or with -1 nowhere. */
struct link_change {
	struct entry set;
	char gone[ENV_PATH_MAX]; /* a rename's old path, or "" */
};

struct sim_disk {
	struct inode inode[INODES_MAX];
	struct entry now[ENTRIES_MAX];
	struct entry durable[ENTRIES_MAX];
	struct link_change *changes;
	size_t change_count;
	struct {
		bool open;
		bool writes;
		int inode;
		char path[ENV_PATH_MAX];
	} handle[HANDLES_MAX];
};

struct sim_disk *
sim_disk_new(void)
{
	struct sim_disk *disk = sim_memory(sizeof(*disk));

	for (int i = 0; i < INODES_MAX; i++)
		disk->inode[i].last = &disk->inode[i].first;
	return disk;
}

/* ---- contents ---------------------------------------------------------- */

static void
content_reserve(struct content *c, uint64_t len)
{
	if (len <= c->room)
		return;
	c->room = len + len / 2 + 4096;
	c->bytes = realloc(c->bytes, c->room);
	if (c->bytes == NULL)
		abort();
}

static void
content_resize(struct content *c, uint64_t len)
{
	content_reserve(c, len);
	if (len > c->len)
		memset(c->bytes + c->len, 0, len - c->len);
	c->len = len;
}

static void
content_copy(struct content *to, const struct content *from)
{
	content_reserve(to, from->len);
	if (from->len > 0)
		memcpy(to->bytes, from->bytes, from->len);
	to->len = from->len;
}

static void
content_write(struct content *c, uint64_t offset, const void *bytes, size_t len)
{
	if (offset + len > c->len)
		content_resize(c, offset + len);
	if (len > 0)
		memcpy(c->bytes + offset, bytes, len);
}

static void
inode_forget(struct inode *inode)
{
	struct change *next;

	for (struct change *c = inode->first; c != NULL; c = next) {
		next = c->next;
		free(c->bytes);
		free(c);
	}
	inode->first = NULL;
	inode->last = &inode->first;
}

static void
inode_change(
    struct inode *inode, uint64_t offset, const void *bytes, size_t len)
{
	struct change *c = sim_memory(sizeof(*c));

	c->offset = offset;
	c->len = len;
	if (bytes != NULL) {
		c->bytes = sim_memory(len);
		memcpy(c->bytes, bytes, len);
		content_write(&inode->now, offset, bytes, len);
	} else {
		content_resize(&inode->now, offset);
	}
	*inode->last = c;
	inode->last = &c->next;
	inode->differs = true;
}

/* The newest change; there is one. */
static struct change *
inode_last(struct inode *inode)
{
	struct change *c = inode->first;

	while (c->next != NULL)
		c = c->next;
	return c;
}

static void
inode_sync(struct inode *inode)
{
	for (struct change *c = inode->first; c != NULL; c = c->next)
		if (c->bytes != NULL)
			content_write(
			    &inode->durable, c->offset, c->bytes, c->len);
		else
			content_resize(&inode->durable, c->offset);
	inode_forget(inode);
	inode->differs = inode->dropped;
}

/* ---- directories ------------------------------------------------------- */

/* Behind a place that was never used there is nothing. */
static struct entry *
entry_find(struct entry *entries, const char *path)
{
	for (int i = 0; i < ENTRIES_MAX; i++) {
		if (strcmp(entries[i].path, path) == 0)
			return &entries[i];
		if (entries[i].path[0] == '\0' && entries[i].inode == 0)
			return NULL;
	}
	return NULL;
}

static void
entry_free(struct entry *entry)
{
	entry->path[0] = '\0';
	entry->inode = -1;
}

static void
entry_apply(struct entry *entries, const struct link_change *change)
{
	struct entry *e = entry_find(entries, change->set.path);

	if (e == NULL)
		e = entry_find(entries, "");
	assert(e != NULL);
	*e = change->set;
	if (change->set.inode < 0)
		entry_free(e);
	if (change->gone[0] != '\0' &&
	    (e = entry_find(entries, change->gone)) != NULL)
		entry_free(e);
}

static void
disk_link(struct sim_disk *disk, const char *path, int inode, const char *gone)
{
	struct link_change *change;

	assert(strlen(path) < ENV_PATH_MAX);
	disk->changes = realloc(
	    disk->changes, (disk->change_count + 1) * sizeof(*disk->changes));
	if (disk->changes == NULL)
		abort();
	change = &disk->changes[disk->change_count++];
	memset(change, 0, sizeof(*change));
	strcpy(change->set.path, path);
	change->set.inode = inode;
	if (gone != NULL)
		strcpy(change->gone, gone);
	entry_apply(disk->now, change);
}

static int
disk_inode(struct sim_disk *disk)
{
	for (int i = 0; i < INODES_MAX; i++)
		if (!disk->inode[i].used) {
			disk->inode[i].used = true;
			return i;
		}
	abort();
}

/* Marks the inodes that something leads to. */
static void
disk_mark(const struct sim_disk *disk, bool listed[INODES_MAX])
{
	for (int i = 0; i < ENTRIES_MAX; i++) {
		if (disk->now[i].path[0] != '\0')
			listed[disk->now[i].inode] = true;
		if (disk->durable[i].path[0] != '\0')
			listed[disk->durable[i].inode] = true;
	}
	for (size_t i = 0; i < disk->change_count; i++)
		if (disk->changes[i].set.inode >= 0)
			listed[disk->changes[i].set.inode] = true;
	for (int i = 0; i < HANDLES_MAX; i++)
		if (disk->handle[i].open)
			listed[disk->handle[i].inode] = true;
}

static void
disk_collect(struct sim_disk *disk)
{
	bool listed[INODES_MAX] = {false};

	disk_mark(disk, listed);
	for (int i = 0; i < INODES_MAX; i++) {
		struct inode *inode = &disk->inode[i];

		if (!inode->used || listed[i])
			continue;
		inode_forget(inode);
		content_resize(&inode->now, 0);
		content_resize(&inode->durable, 0);
		inode->differs = inode->dropped = false;
		inode->used = false;
	}
}

/* ---- the operations of env.h ------------------------------------------- */

static struct sim_room *
room_of(struct env *env)
{
	return (struct sim_room *)env;
}

static struct inode *
handle_inode(struct sim_disk *disk, env_file file, bool writes)
{
	assert(file >= 0 && file < HANDLES_MAX && disk->handle[file].open);
	assert(!writes || disk->handle[file].writes);
	return &disk->inode[disk->handle[file].inode];
}

enum sr_error
sim_disk_open(
    struct env *env, const char *path, enum env_open how, env_file *out)
{
	struct sim_room *room = room_of(env);
	struct sim_disk *disk = room->disk;
	const struct entry *entry = entry_find(disk->now, path);
	int inode, file = 0;

	*out = ENV_NO_FILE;
	if (room->sim->dark)
		return SR_IO;
	assert(path[0] != '\0');
	if (entry != NULL && how == ENV_CREATE)
		return SR_EXISTS;
	if (entry == NULL && (how == ENV_READ || how == ENV_WRITE))
		return SR_NOT_FOUND;
	if (room->read_only && how != ENV_READ)
		return SR_READ_ONLY;
	while (file < HANDLES_MAX && disk->handle[file].open)
		file++;
	assert(file < HANDLES_MAX);
	if (entry != NULL) {
		inode = entry->inode;
	} else {
		if (sim_strikes(room, SIM_FAIL_ENTRY) ||
		    !sim_operate(room, SIM_OPEN, path))
			return SR_IO;
		disk_collect(disk);
		inode = disk_inode(disk);
		disk_link(disk, path, inode, NULL);
	}
	disk->handle[file].open = true;
	disk->handle[file].writes = how != ENV_READ;
	disk->handle[file].inode = inode;
	strcpy(disk->handle[file].path, path);
	*out = file;
	return SR_OK;
}

enum sr_error
sim_disk_close(struct env *env, env_file file)
{
	(void)handle_inode(room_of(env)->disk, file, false);
	room_of(env)->disk->handle[file].open = false;
	return room_of(env)->sim->dark ? SR_IO : SR_OK;
}

enum sr_error
sim_disk_size(struct env *env, env_file file, uint64_t *out)
{
	*out = handle_inode(room_of(env)->disk, file, false)->now.len;
	return room_of(env)->sim->dark ? SR_IO : SR_OK;
}

static void
turn_bit(struct sim *sim, uint8_t *bytes, size_t len)
{
	bytes[sim_number(sim, len)] ^= (uint8_t)(1u << sim_number(sim, 8));
}

enum sr_error
sim_disk_read(
    struct env *env, env_file file, uint64_t offset, void *out, size_t len)
{
	struct sim_room *room = room_of(env);
	const struct content *c = &handle_inode(room->disk, file, false)->now;

	if (room->sim->dark || sim_strikes(room, SIM_FAIL_READ))
		return SR_IO;
	if (offset > c->len || len > c->len - offset)
		return SR_DAMAGED;
	if (len == 0)
		return SR_OK;
	if (sim_strikes(room, SIM_MISDIRECT_READ))
		offset = sim_number(room->sim, c->len - len + 1);
	memcpy(out, c->bytes + offset, len);
	if (sim_strikes(room, SIM_CORRUPT_READ))
		turn_bit(room->sim, out, len);
	room->bytes_read += len;
	return SR_OK;
}

/* What the room's files may still grow by. */
static uint64_t
room_space(const struct sim_room *room)
{
	uint64_t sum = 0;

	if (room->space == 0)
		return UINT64_MAX;
	for (int i = 0; i < INODES_MAX; i++)
		sum += room->disk->inode[i].now.len;
	return sum < room->space ? room->space - sum : 0;
}

static bool
room_has_space(const struct sim_room *room, uint64_t more)
{
	return more <= room_space(room);
}

enum sr_error
sim_disk_space(struct env *env, env_file file, struct env_space *out)
{
	struct sim_room *room = room_of(env);

	(void)handle_inode(room->disk, file, false);
	out->free = room_space(room);
	out->read_only = room->read_only;
	return room->sim->dark ? SR_IO : SR_OK;
}

/* Any part of a write that fails may have been done: its first bytes. */
static enum sr_error
write_fails(struct sim_room *room, struct inode *inode, uint64_t offset,
    const void *bytes, size_t len, enum sr_error error)
{
	size_t done = (size_t)sim_number(room->sim, len + 1);

	if (done > 0)
		inode_change(inode, offset, bytes, done);
	return error;
}

enum sr_error
sim_disk_write(struct env *env, env_file file, uint64_t offset,
    const void *bytes, size_t len)
{
	struct sim_room *room = room_of(env);
	struct inode *inode = handle_inode(room->disk, file, true);
	uint64_t end = offset + len;

	/* the cut may leave a part of the write that it strikes */
	if (room->sim->dark)
		return SR_IO;
	if (room->read_only)
		return SR_READ_ONLY;
	if (sim_strikes(room, SIM_FAIL_WRITE))
		return write_fails(room, inode, offset, bytes, len, SR_IO);
	if (sim_strikes(room, SIM_FULL_WRITE))
		return write_fails(
		    room, inode, offset, bytes, len, SR_NO_SPACE);
	if (end > inode->now.len && !room_has_space(room, end - inode->now.len))
		return SR_NO_SPACE;
	if (!sim_operate(room, SIM_WRITE, room->disk->handle[file].path)) {
		inode_change(inode, offset, bytes, len);
		return SR_IO;
	}
	if (sim_strikes(room, SIM_MISDIRECT_WRITE) && inode->now.len > len)
		offset = sim_number(room->sim, inode->now.len - len + 1);
	inode_change(inode, offset, bytes, len);
	if (sim_strikes(room, SIM_CORRUPT_WRITE) && len > 0) {
		struct change *c = inode_last(inode);

		turn_bit(room->sim, c->bytes, len);
		content_write(&inode->now, offset, c->bytes, len);
	}
	return SR_OK;
}

enum sr_error
sim_disk_truncate(struct env *env, env_file file, uint64_t len)
{
	struct sim_room *room = room_of(env);
	struct inode *inode = handle_inode(room->disk, file, true);

	if (room->read_only && !room->sim->dark)
		return SR_READ_ONLY;
	if (sim_strikes(room, SIM_FAIL_ENTRY) ||
	    !sim_operate(room, SIM_TRUNCATE, room->disk->handle[file].path))
		return SR_IO;
	if (len > inode->now.len && !room_has_space(room, len - inode->now.len))
		return SR_NO_SPACE;
	inode_change(inode, len, NULL, 0);
	return SR_OK;
}

enum sr_error
sim_disk_sync(struct env *env, env_file file)
{
	struct sim_room *room = room_of(env);
	struct inode *inode = handle_inode(room->disk, file, true);

	if (!sim_operate(room, SIM_SYNC, room->disk->handle[file].path))
		return SR_IO;
	if (sim_strikes(room, SIM_FAIL_SYNC)) {
		inode_forget(inode);
		inode->dropped = inode->differs;
		return SR_IO;
	}
	inode_sync(inode);
	return SR_OK;
}

enum sr_error
sim_disk_rename(struct env *env, const char *from, const char *to)
{
	struct sim_room *room = room_of(env);
	const struct entry *entry = entry_find(room->disk->now, from);

	if (entry == NULL)
		return SR_NOT_FOUND;
	if (room->read_only && !room->sim->dark)
		return SR_READ_ONLY;
	if (sim_strikes(room, SIM_FAIL_ENTRY) ||
	    !sim_operate(room, SIM_RENAME, to))
		return SR_IO;
	disk_link(room->disk, to, entry->inode, from);
	return SR_OK;
}

enum sr_error
sim_disk_remove(struct env *env, const char *path)
{
	struct sim_room *room = room_of(env);

	if (entry_find(room->disk->now, path) == NULL)
		return SR_NOT_FOUND;
	if (room->read_only && !room->sim->dark)
		return SR_READ_ONLY;
	if (sim_strikes(room, SIM_FAIL_ENTRY) ||
	    !sim_operate(room, SIM_REMOVE, path))
		return SR_IO;
	disk_link(room->disk, path, -1, NULL);
	return SR_OK;
}

/* Directories are where files are: making and removing them is nothing. */
enum sr_error
sim_disk_make_directory(struct env *env, const char *path)
{
	struct sim_room *room = room_of(env);

	(void)path;
	return room->sim->dark ? SR_IO : SR_OK;
}

enum sr_error
sim_disk_remove_directory(struct env *env, const char *path)
{
	struct sim_room *room = room_of(env);
	size_t len = strlen(path);

	if (room->sim->dark)
		return SR_IO;
	for (int i = 0; i < ENTRIES_MAX; i++) {
		const char *entry = room->disk->now[i].path;

		if (strncmp(entry, path, len) == 0 && entry[len] == '/')
			return SR_EXISTS;
	}
	return SR_NOT_FOUND;
}

/* True if the path lies directly in the directory. */
static bool
path_in(const char *path, const char *directory)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;
	size_t want = strcmp(directory, ".") == 0 ? 0 : strlen(directory);

	while (want > 0 && directory[want - 1] == '/')
		want--;
	return len == want && strncmp(path, directory, want) == 0;
}

enum sr_error
sim_disk_sync_directory(struct env *env, const char *path)
{
	struct sim_room *room = room_of(env);
	struct sim_disk *disk = room->disk;
	size_t kept = 0;

	if (sim_strikes(room, SIM_FAIL_ENTRY) ||
	    !sim_operate(room, SIM_SYNC_DIRECTORY, path))
		return SR_IO;
	for (size_t i = 0; i < disk->change_count; i++)
		if (path_in(disk->changes[i].set.path, path))
			entry_apply(disk->durable, &disk->changes[i]);
		else
			disk->changes[kept++] = disk->changes[i];
	disk->change_count = kept;
	return SR_OK;
}

/* ---- faults ------------------------------------------------------------ */

/* Each of a write's sectors for itself. */
static void
sectors_survive(struct sim *sim, struct inode *inode, const struct change *c)
{
	size_t at = 0, len;

	for (; at < c->len; at += len) {
		len = SECTOR_LEN - (size_t)((c->offset + at) % SECTOR_LEN);
		if (len > c->len - at)
			len = c->len - at;
		if (sim_number(sim, 2) == 0)
			content_write(&inode->durable, c->offset + at,
			    c->bytes + at, len);
	}
}

/*
 * What a cut leaves of one change: all of it, nothing, its beginning, or any
 * of its sectors.
 */
static void
change_survive(struct sim *sim, struct inode *inode, const struct change *c)
{
	uint64_t fate = sim_number(sim, 4);
	size_t len = c->len;

	if (fate == 0)
		return;
	if (c->bytes == NULL) {
		content_resize(&inode->durable, c->offset);
		return;
	}
	if (fate == 1) {
		sectors_survive(sim, inode, c);
		return;
	}
	if (fate == 2 && len > 0)
		len = (size_t)sim_number(sim, len);
	content_write(&inode->durable, c->offset, c->bytes, len);
}

static void
inode_crash(struct sim *sim, struct inode *inode, enum sim_loss loss,
    uint64_t *kept_bytes)
{
	if (!inode->differs)
		return;
	if (loss == SIM_KEEP_ALL)
		inode_sync(inode);
	for (const struct change *c = inode->first; c != NULL; c = c->next) {
		size_t len = c->len < *kept_bytes ? c->len : *kept_bytes;

		if (loss == SIM_LOSE_SOME)
			change_survive(sim, inode, c);
		else if (c->bytes != NULL && len > 0)
			content_write(
			    &inode->durable, c->offset, c->bytes, len);
		*kept_bytes -= len;
	}
	inode_forget(inode);
	content_copy(&inode->now, &inode->durable);
	inode->differs = inode->dropped = false;
}

void
sim_disk_kill(struct sim_room *room)
{
	memset(room->disk->handle, 0, sizeof(room->disk->handle));
	disk_collect(room->disk);
}

void
sim_disk_crash(struct sim_room *room, enum sim_loss loss, uint64_t kept_bytes)
{
	struct sim_disk *disk = room->disk;
	size_t keep = loss == SIM_KEEP_ALL ? disk->change_count : 0;

	/* a file system's own journal keeps the order of these */
	if (loss == SIM_LOSE_SOME)
		keep = (size_t)sim_number(room->sim, disk->change_count + 1);
	for (size_t i = 0; i < keep; i++)
		entry_apply(disk->durable, &disk->changes[i]);
	disk->change_count = 0;
	memcpy(disk->now, disk->durable, sizeof(disk->now));
	for (int i = 0; i < INODES_MAX; i++)
		inode_crash(room->sim, &disk->inode[i], loss, &kept_bytes);
	sim_disk_kill(room);
}

uint64_t
sim_unsynced(const struct sim_room *room)
{
	uint64_t sum = 0;

	for (int i = 0; i < INODES_MAX; i++)
		for (const struct change *c = room->disk->inode[i].first;
		     c != NULL; c = c->next)
			sum += c->len;
	return sum;
}

/* ---- what a test does to a disk ---------------------------------------- */

const uint8_t *
sim_file(struct sim_room *room, const char *path, size_t *len)
{
	const struct entry *entry = entry_find(room->disk->now, path);
	static const uint8_t none[1];

	*len = 0;
	if (entry == NULL)
		return NULL;
	*len = room->disk->inode[entry->inode].now.len;
	return *len > 0 ? room->disk->inode[entry->inode].now.bytes : none;
}

/* What path names, now and after a power cut; NULL when that is not the same. */
static const struct inode *
durable_inode(struct sim_disk *disk, const char *path)
{
	const struct entry *now = entry_find(disk->now, path);
	const struct entry *durable = entry_find(disk->durable, path);

	if (now == NULL || durable == NULL || now->inode != durable->inode)
		return NULL;
	return &disk->inode[now->inode];
}

bool
sim_durable(struct sim_room *room, const char *path)
{
	const struct inode *inode = durable_inode(room->disk, path);

	return inode != NULL &&
	       (!inode->differs ||
		   (inode->now.len == inode->durable.len &&
		       memcmp(inode->now.bytes, inode->durable.bytes,
			   inode->now.len) == 0));
}

bool
sim_durable_part(
    struct sim_room *room, const char *path, uint64_t offset, uint64_t len)
{
	const struct inode *inode = durable_inode(room->disk, path);

	return inode != NULL && offset + len <= inode->now.len &&
	       offset + len <= inode->durable.len &&
	       memcmp(inode->now.bytes + offset, inode->durable.bytes + offset,
		   len) == 0;
}

bool
sim_rot(struct sim_room *room, const char *path, uint64_t offset, unsigned bit)
{
	const struct entry *entry = entry_find(room->disk->now, path);
	struct inode *inode;

	if (entry == NULL)
		return false;
	inode = &room->disk->inode[entry->inode];
	if (offset >= inode->now.len || offset >= inode->durable.len)
		return false;
	inode->now.bytes[offset] ^= (uint8_t)(1u << bit % 8);
	inode->durable.bytes[offset] ^= (uint8_t)(1u << bit % 8);
	return true;
}

void
sim_put(struct sim_room *room, const char *path, const void *bytes, size_t len)
{
	struct sim_disk *disk = room->disk;
	const struct entry *entry = entry_find(disk->now, path);
	int inode = entry != NULL ? entry->inode : disk_inode(disk);
	struct link_change change = {.set = {.inode = inode}};

	inode_forget(&disk->inode[inode]);
	content_resize(&disk->inode[inode].durable, 0);
	content_write(&disk->inode[inode].durable, 0, bytes, len);
	content_copy(&disk->inode[inode].now, &disk->inode[inode].durable);
	disk->inode[inode].differs = disk->inode[inode].dropped = false;
	assert(strlen(path) < ENV_PATH_MAX);
	strcpy(change.set.path, path);
	entry_apply(disk->now, &change);
	entry_apply(disk->durable, &change);
}

static struct sim_disk *
disk_copy(const struct sim_disk *disk)
{
	struct sim_disk *copy = sim_disk_new();

	memcpy(copy->now, disk->now, sizeof(copy->now));
	memcpy(copy->durable, disk->now, sizeof(copy->durable));
	for (int i = 0; i < INODES_MAX; i++) {
		if (!disk->inode[i].used)
			continue;
		copy->inode[i].used = true;
		content_copy(&copy->inode[i].now, &disk->inode[i].now);
		content_copy(&copy->inode[i].durable, &disk->inode[i].now);
	}
	return copy;
}

struct sim_disk *
sim_copy(struct sim_room *room)
{
	return disk_copy(room->disk);
}

void
sim_restore(struct sim_room *room, const struct sim_disk *copy)
{
	struct sim_disk *disk = disk_copy(copy);

	sim_close_links(room);
	sim_copy_free(room->disk);
	room->disk = disk;
}

void
sim_copy_free(struct sim_disk *copy)
{
	for (int i = 0; i < INODES_MAX; i++) {
		inode_forget(&copy->inode[i]);
		free(copy->inode[i].now.bytes);
		free(copy->inode[i].durable.bytes);
	}
	free(copy->changes);
	free(copy);
}
