/* SPDX-License-Identifier: ISC */
/*
 * Protected memory.  Must never be left half protected: a layer that should
 * hold and does not is an error, and the memory is given back.
 */
#include "common/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's headers do not know all of these; the numbers are universal. */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define SECRET_ALIGN 16U
#define SECRET_STACK_LEN 65536U

static size_t
secret_page_len(void)
{
	long page = sysconf(_SC_PAGESIZE);

	return page > 0 ? (size_t)page : 4096;
}

/* Puts memfd_secret's memory at base; false where the kernel has none. */
static bool
secret_map_memfd(void *base, size_t len)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *at;

	if (fd == -1)
		return false;
	if (ftruncate(fd, (off_t)len) == -1) {
		(void)close(fd);
		return false;
	}
	at = mmap(
	    base, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (close(fd) == -1 || at == MAP_FAILED)
		return false;
	return true;
}

static bool
secret_map_locked(void *base, size_t len)
{
	void *at = mmap(base, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return at != MAP_FAILED && mlock(base, len) == 0;
}

/*
 * The whole region is reserved without access first; what is mapped into its
 * middle leaves a guard page on both sides.
 */
static enum sr_error
secret_open_as(struct secret_arena *arena, size_t len, bool try_memfd)
{
	size_t page = secret_page_len();
	uint8_t *region;
	uint8_t *base;
	int saved;

	memset(arena, 0, sizeof(*arena));
	if (len == 0 || len > SIZE_MAX / 2)
		return SR_MEMORY;
	len = (len + page - 1) / page * page;
	region = mmap(NULL, len + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region == MAP_FAILED)
		return SR_MEMORY;
	base = region + page;
	arena->layers = SECRET_GUARDED;
	if (try_memfd && secret_map_memfd(base, len))
		arena->layers |= SECRET_MEMFD | SECRET_LOCKED | SECRET_NO_DUMP;
	else if (secret_map_locked(base, len))
		arena->layers |= SECRET_LOCKED;
	else
		goto fail;
	if ((arena->layers & SECRET_MEMFD) == 0) {
		if (madvise(base, len, MADV_DONTDUMP) == -1)
			goto fail;
		arena->layers |= SECRET_NO_DUMP;
	}
	if (madvise(base, len, MADV_DONTFORK) == -1)
		goto fail;
	arena->layers |= SECRET_NO_FORK;
	/* Touched now, so that no later use can fail for want of memory. */
	sodium_memzero(base, len);
	arena->base = base;
	arena->len = len;
	return SR_OK;
fail:
	saved = errno;
	(void)munmap(region, len + 2 * page);
	errno = saved;
	memset(arena, 0, sizeof(*arena));
	return SR_MEMORY;
}

enum sr_error
secret_open(struct secret_arena *arena, size_t len)
{
	return secret_open_as(arena, len, true);
}

enum sr_error
secret_open_locked(struct secret_arena *arena, size_t len)
{
	return secret_open_as(arena, len, false);
}

void *
secret_take(struct secret_arena *arena, size_t len)
{
	size_t rounded;
	uint8_t *at;

	if ((arena->layers & SECRET_READ_ONLY) != 0 ||
	    len > arena->len - arena->used)
		return NULL;
	rounded = (len + SECRET_ALIGN - 1) / SECRET_ALIGN * SECRET_ALIGN;
	if (rounded > arena->len - arena->used)
		return NULL;
	at = arena->base + arena->used;
	arena->used += rounded;
	return at;
}

size_t
secret_mark(const struct secret_arena *arena)
{
	return arena->used;
}

void
secret_release(struct secret_arena *arena, size_t mark)
{
	if ((arena->layers & SECRET_READ_ONLY) != 0 || mark > arena->used)
		return;
	sodium_memzero(arena->base + mark, arena->used - mark);
	arena->used = mark;
}

enum sr_error
secret_seal(struct secret_arena *arena)
{
	size_t page = secret_page_len();

	if (mprotect(arena->base, arena->len, PROT_READ) == -1)
		return SR_INTERNAL;
	arena->layers |= SECRET_READ_ONLY;
	if (syscall(SYS_mseal, arena->base - page, arena->len + 2 * page, 0) ==
	    0)
		arena->layers |= SECRET_NO_REMAP;
	else if (errno != ENOSYS && errno != EPERM) /* EPERM: containers */
		return SR_INTERNAL;
	return SR_OK;
}

void
secret_close(struct secret_arena *arena)
{
	size_t page = secret_page_len();

	if (arena->base == NULL || (arena->layers & SECRET_NO_REMAP) != 0)
		return;
	if (mprotect(arena->base, arena->len, PROT_READ | PROT_WRITE) == 0)
		sodium_memzero(arena->base, arena->len);
	(void)munmap(arena->base - page, arena->len + 2 * page);
	memset(arena, 0, sizeof(*arena));
}

void
secret_wipe_stack(void)
{
	sodium_stackzero(SECRET_STACK_LEN);
}

void
secret_describe(const struct secret_arena *arena, char *out, size_t out_len)
{
	static const struct {
		enum secret_layer layer;
		const char *name;
	} names[] = {
	    {SECRET_MEMFD, "memfd_secret"},
	    {SECRET_LOCKED, "locked"},
	    {SECRET_NO_DUMP, "not dumped"},
	    {SECRET_NO_FORK, "not inherited"},
	    {SECRET_GUARDED, "guard pages"},
	    {SECRET_READ_ONLY, "read-only"},
	    {SECRET_NO_REMAP, "mseal"},
	};
	size_t used = 0;

	if (out_len == 0)
		return;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int n = snprintf(out + used, out_len - used, "%s%s: %s",
		    i > 0 ? ", " : "", names[i].name,
		    (arena->layers & names[i].layer) != 0 ? "yes" : "no");

		if (n < 0 || (size_t)n >= out_len - used)
			return;
		used += (size_t)n;
	}
}
