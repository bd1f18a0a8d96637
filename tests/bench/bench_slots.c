/* SPDX-License-Identifier: ISC */
/*
 * A bank of many customers: fills a stopped bank's credentials up to so many
 * by keyd's own code, without waiting for the disk at each.
 *
 *	bench_slots KEYD-DIRECTORY CUSTOMERS <root in hex
 *
 * Every second one has both versions, as after a change of password.  They
 * are known to keyd only, not to the books, and nobody logs in as them: this
 * is for measuring a start (tests/bench/run).  With CUSTOMERS 0 it throws the
 * credentials out of the page cache instead, so that a start is a cold one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/env_posix.h"
#include "keyd/credentials.h"
#include "keyd/state.h"

static void
must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_slots: %s\n", what);
	exit(1);
}

static int
open_in(const char *directory, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	must(fd >= 0, path);
	return fd;
}

static void
read_root(uint8_t root[32])
{
	char hex[65] = "";
	size_t len = 0;

	must(fread(hex, 1, 64, stdin) == 64 &&
		 sodium_hex2bin(root, 32, hex, 64, NULL, &len, NULL) == 0 &&
		 len == 32,
	    "the root is 64 hex digits");
}

static enum sr_error
sync_later(struct env *env, env_file file)
{
	(void)env;
	(void)file;
	return SR_OK;
}

/* One more; both of its versions. */
static void
add(struct credentials *c, uint64_t id)
{
	struct customer customer = {.id = id};

	customer.name_len = (uint8_t)snprintf(customer.name,
	    sizeof(customer.name), "slot-%llu", (unsigned long long)id);
	randombytes_buf(customer.salt, sizeof(customer.salt));
	randombytes_buf(customer.directory_key, sizeof(customer.directory_key));
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		customer.credential[i].present = true;
		randombytes_buf(customer.credential[i].random,
		    sizeof(customer.credential[i].random));
	}
	for (uint64_t g = 1; g <= 1 + id % 2; g++) {
		customer.generation = g;
		must(credentials_write(c, &customer) == SR_OK, "a write");
	}
	credentials_digest(c, id, customer.generation, c->digest);
}

static void
fill(struct env *env, const uint8_t root[32], uint64_t customers)
{
	static struct keys keys;
	struct env_ops hasty = *env->ops;
	const struct env_ops *ops = env->ops;
	struct credentials c;
	struct state_file file;
	struct state state;
	bool lone;

	must(keys_derive(&keys, root) == SR_OK, "keys");
	must(state_file_open(&file, env, keys.state) == SR_OK &&
		 state_load(&file, &state, &lone) == SR_OK,
	    "the state");
	must(credentials_open(&c, env, &keys, false) == SR_OK &&
		 credentials_load(&c, state.customers, false) == SR_OK,
	    "the credentials");
	hasty.sync = sync_later;
	env->ops = &hasty;
	for (uint64_t id = state.customers + 1; id <= customers; id++)
		add(&c, id);
	env->ops = ops;
	must(env_sync(env, c.file) == SR_OK, "a sync");
	state.customers = customers;
	credentials_digest_seal(&c, c.digest, state.digest);
	must(state_save(&file, &state) == SR_OK &&
		 state_save(&file, &state) == SR_OK,
	    "the state");
	credentials_close(&c);
}

int
main(int argc, char *argv[])
{
	static struct env_posix posix;
	struct env_posix_file files[] = {
	    {.name = "state"}, {.name = "credentials"}};
	uint8_t root[32];
	uint64_t customers;

	must(argc == 3 && sodium_init() >= 0, "KEYD-DIRECTORY CUSTOMERS");
	for (size_t i = 0; i < 2; i++)
		files[i].fd = open_in(argv[1], files[i].name);
	customers = strtoull(argv[2], NULL, 10);
	if (customers == 0) {
		must(fsync(files[1].fd) == 0 && posix_fadvise(files[1].fd, 0, 0,
						    POSIX_FADV_DONTNEED) == 0,
		    "the page cache");
		return 0;
	}
	read_root(root);
	env_posix_init(&posix);
	env_posix_files(&posix, files, 2);
	fill(&posix.env, root, customers);
	return 0;
}
