/* SPDX-License-Identifier: ISC */
/*
 * Protected memory, with and without memfd_secret.  What must end in a fault
 * is tried in a child, since a fault is the proof.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/secret.h"

/* AddressSanitizer makes mlock do nothing. */
#if defined(__SANITIZE_ADDRESS__)
#define MLOCK_WORKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MLOCK_WORKS 0
#endif
#endif
#ifndef MLOCK_WORKS
#define MLOCK_WORKS 1
#endif

typedef enum sr_error (*open_function)(struct secret_arena *, size_t);

static const open_function both[] = {secret_open, secret_open_locked};

#define EACH_KIND(i) for (size_t i = 0; i < 2; i++)
#define ARENA_LEN ((size_t)16384)

/* A child's exit codes; a sanitizer turns a fault into an exit of its own. */
enum { CHILD_DONE = 42, CHILD_NOT_SET_UP = 43 };

/* Runs try in a child; true if that ended in a fault. */
static bool
faults(void (*try)(open_function), open_function open_arena)
{
	const struct rlimit no_core = {0, 0};
	int status = 0;
	pid_t child = fork();

	assert_int_not_equal(child, -1);
	if (child == 0) {
		if (setrlimit(RLIMIT_CORE, &no_core) == -1 ||
		    signal(SIGSEGV, SIG_DFL) == SIG_ERR ||
		    signal(SIGBUS, SIG_DFL) == SIG_ERR)
			_exit(CHILD_NOT_SET_UP);
		try(open_arena);
		_exit(CHILD_DONE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status)) {
		assert_int_equal(WEXITSTATUS(status), CHILD_DONE);
		return false;
	}
	assert_true(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
	return true;
}

static struct secret_arena
opened(open_function open_arena)
{
	struct secret_arena arena;

	if (open_arena(&arena, ARENA_LEN) != SR_OK)
		_exit(CHILD_NOT_SET_UP);
	return arena;
}

static void
given_an_arena_then_it_gives_aligned_zeros_until_it_is_full(void **state)
{
	static const uint8_t zeros[33];

	(void)state;
	EACH_KIND(i)
	{
		struct secret_arena arena;
		uint8_t *first, *second;

		assert_int_equal(both[i](&arena, ARENA_LEN - 5), SR_OK);
		assert_int_equal(arena.len, ARENA_LEN);
		first = secret_take(&arena, 33);
		second = secret_take(&arena, 16);
		assert_non_null(first);
		assert_ptr_equal(second, first + 48);
		assert_int_equal((uintptr_t)first % 16, 0);
		assert_memory_equal(first, zeros, sizeof(zeros));
		assert_null(secret_take(&arena, SIZE_MAX));
		assert_null(secret_take(&arena, ARENA_LEN - 63));
		assert_non_null(secret_take(&arena, ARENA_LEN - 64));
		assert_null(secret_take(&arena, 1));
		secret_close(&arena);
		assert_null(arena.base);
	}
}

static void
given_a_scope_when_released_then_its_bytes_are_gone_and_given_anew(void **state)
{
	static const uint8_t zeros[64];

	(void)state;
	EACH_KIND(i)
	{
		struct secret_arena arena;
		uint8_t *kept, *scoped;
		size_t mark;

		assert_int_equal(both[i](&arena, ARENA_LEN), SR_OK);
		kept = secret_take(&arena, 32);
		memset(kept, 0xaa, 32);
		mark = secret_mark(&arena);
		scoped = secret_take(&arena, 64);
		memset(scoped, 0xbb, 64);
		secret_release(&arena, mark);
		assert_memory_equal(scoped, zeros, 64);
		assert_int_equal(kept[31], 0xaa);
		assert_ptr_equal(secret_take(&arena, 64), scoped);
		secret_close(&arena);
	}
}

static void
write_before(open_function open_arena)
{
	struct secret_arena arena = opened(open_arena);

	*(volatile uint8_t *)(arena.base - 1) = 1;
}

static void
write_behind(open_function open_arena)
{
	struct secret_arena arena = opened(open_arena);

	*(volatile uint8_t *)(arena.base + arena.len) = 1;
}

static void
write_inside(open_function open_arena)
{
	struct secret_arena arena = opened(open_arena);

	*(volatile uint8_t *)arena.base = 1;
}

static void
write_sealed(open_function open_arena)
{
	struct secret_arena arena = opened(open_arena);

	if (secret_seal(&arena) != SR_OK)
		_exit(CHILD_NOT_SET_UP);
	*(volatile uint8_t *)arena.base = 1;
}

static void
write_closed(open_function open_arena)
{
	struct secret_arena arena = opened(open_arena);
	uint8_t *base = arena.base;

	secret_close(&arena);
	*(volatile uint8_t *)base = 1;
}

static void
given_a_write_outside_or_after_the_seal_then_it_faults(void **state)
{
	(void)state;
	EACH_KIND(i)
	{
		assert_false(faults(write_inside, both[i]));
		assert_true(faults(write_before, both[i]));
		assert_true(faults(write_behind, both[i]));
		assert_true(faults(write_sealed, both[i]));
		assert_true(faults(write_closed, both[i]));
	}
}

static struct secret_arena inherited;

static void
read_inherited(open_function open_arena)
{
	(void)open_arena;
	(void)*(volatile uint8_t *)inherited.base;
}

static void
given_a_fork_then_the_child_has_no_secrets(void **state)
{
	(void)state;
	EACH_KIND(i)
	{
		assert_int_equal(both[i](&inherited, ARENA_LEN), SR_OK);
		assert_true(faults(read_inherited, both[i]));
		secret_close(&inherited);
	}
}

static void
given_a_sealed_arena_then_it_reads_and_gives_nothing_more(void **state)
{
	(void)state;
	EACH_KIND(i)
	{
		struct secret_arena arena;
		uint8_t *key;

		assert_int_equal(both[i](&arena, ARENA_LEN), SR_OK);
		key = secret_take(&arena, 32);
		memset(key, 0xcc, 32);
		assert_int_equal(secret_seal(&arena), SR_OK);
		assert_int_equal(key[31], 0xcc);
		assert_null(secret_take(&arena, 1));
		secret_release(&arena, 0);
		assert_int_equal(key[31], 0xcc);
		if ((arena.layers & SECRET_NO_REMAP) != 0) {
			assert_int_equal(mprotect(arena.base, arena.len,
					     PROT_READ | PROT_WRITE),
			    -1);
			assert_int_equal(munmap(arena.base, arena.len), -1);
		}
		secret_close(&arena);
	}
}

/* The kernel's own word, from the line VmFlags of the arena's mapping. */
static bool
has_flag(const struct secret_arena *arena, const char *flag)
{
	char line[512];
	char begin[32];
	bool here = false;
	bool found = false;
	FILE *in = fopen("/proc/self/smaps", "re");

	assert_non_null(in);
	assert_true(snprintf(begin, sizeof(begin), "%lx-",
			(unsigned long)(uintptr_t)arena->base) > 0);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, begin, strlen(begin)) == 0)
			here = true;
		if (here && strncmp(line, "VmFlags:", 8) == 0) {
			found = strstr(line, flag) != NULL;
			break;
		}
	}
	assert_true(here);
	assert_int_equal(fclose(in), 0);
	return found;
}

static void
given_an_arena_then_the_kernel_confirms_the_layers(void **state)
{
	(void)state;
	EACH_KIND(i)
	{
		struct secret_arena arena;
		const unsigned always = SECRET_LOCKED | SECRET_NO_DUMP |
					SECRET_NO_FORK | SECRET_GUARDED;

		assert_int_equal(both[i](&arena, ARENA_LEN), SR_OK);
		assert_int_equal(arena.layers & always, always);
		assert_true(has_flag(&arena, " dd"));
		assert_true(has_flag(&arena, " dc"));
		if (MLOCK_WORKS)
			assert_true(has_flag(&arena, " lo"));
		assert_int_equal(
		    arena.layers & (SECRET_READ_ONLY | SECRET_NO_REMAP), 0);
		if (both[i] == secret_open_locked)
			assert_int_equal(arena.layers & SECRET_MEMFD, 0);
		secret_close(&arena);
	}
}

/* memfd_secret: not even the kernel reads it for somebody else. */
static void
given_memfd_secret_then_proc_mem_cannot_read_it(void **state)
{
	struct secret_arena arena;
	uint8_t byte;
	int fd;

	(void)state;
	assert_int_equal(secret_open(&arena, ARENA_LEN), SR_OK);
	if ((arena.layers & SECRET_MEMFD) == 0) {
		print_message("this kernel has no memfd_secret: not run\n");
		secret_close(&arena);
		return;
	}
	fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pread(fd, &byte, 1, (off_t)(uintptr_t)arena.base), -1);
	assert_int_equal(close(fd), 0);
	secret_close(&arena);
}

static void
open_beyond_the_limit(open_function open_arena)
{
	const struct rlimit little = {ARENA_LEN, ARENA_LEN};
	struct secret_arena arena;

	if (setrlimit(RLIMIT_MEMLOCK, &little) == -1 ||
	    (geteuid() == 0 && (setgid(65534) == -1 || setuid(65534) == -1)))
		_exit(CHILD_NOT_SET_UP);
	if (open_arena(&arena, ARENA_LEN) != SR_OK)
		_exit(CHILD_NOT_SET_UP);
	secret_close(&arena);
	if (open_arena(&arena, 4 * ARENA_LEN) != SR_MEMORY ||
	    arena.base != NULL || arena.layers != 0)
		_exit(CHILD_NOT_SET_UP);
}

static void
given_a_limit_on_locked_memory_then_no_unlocked_arena_is_given(void **state)
{
	(void)state;
	EACH_KIND(i)
	{
		if (MLOCK_WORKS)
			assert_false(faults(open_beyond_the_limit, both[i]));
	}
}

static void
given_an_arena_then_its_description_names_what_is_in_force(void **state)
{
	struct secret_arena arena = {.layers = SECRET_LOCKED | SECRET_GUARDED};
	char line[200];
	char cut[10];

	(void)state;
	secret_describe(&arena, line, sizeof(line));
	assert_string_equal(line,
	    "memfd_secret: no, locked: yes, not dumped: no, "
	    "not inherited: no, guard pages: yes, read-only: no, mseal: no");
	secret_describe(&arena, cut, sizeof(cut));
	assert_string_equal(cut, "memfd_sec");
	assert_int_equal(secret_open(&arena, ARENA_LEN), SR_OK);
	secret_describe(&arena, line, sizeof(line));
	print_message("here: %s\n", line);
	secret_close(&arena);
}

static void
given_stack_secrets_then_wiping_clears_all_of_them(void **state)
{
	SECRET_32(small);
	SECRET_64(large);

	(void)state;
	memset(small, 0xee, sizeof(small));
	memset(large, 0xdd, sizeof(large));
	secret_wipe_32(&small);
	secret_wipe_64(&large);
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(small[i] | large[i] | large[i + 32], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_an_arena_then_it_gives_aligned_zeros_until_it_is_full),
	    cmocka_unit_test(
		given_a_scope_when_released_then_its_bytes_are_gone_and_given_anew),
	    cmocka_unit_test(
		given_a_write_outside_or_after_the_seal_then_it_faults),
	    cmocka_unit_test(given_a_fork_then_the_child_has_no_secrets),
	    cmocka_unit_test(
		given_a_sealed_arena_then_it_reads_and_gives_nothing_more),
	    cmocka_unit_test(
		given_an_arena_then_the_kernel_confirms_the_layers),
	    cmocka_unit_test(given_memfd_secret_then_proc_mem_cannot_read_it),
	    cmocka_unit_test(
		given_a_limit_on_locked_memory_then_no_unlocked_arena_is_given),
	    cmocka_unit_test(
		given_an_arena_then_its_description_names_what_is_in_force),
	    cmocka_unit_test(
		given_stack_secrets_then_wiping_clears_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
