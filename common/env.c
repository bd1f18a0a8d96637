/* SPDX-License-Identifier: ISC */
/*
 * The calls of env.h, each handed to the implementation in force.  Nothing
 * is decided here.
 */
#include "common/env.h"

enum sr_error
env_open(struct env *env, const char *path, enum env_open how, env_file *out)
{
	return env->ops->open(env, path, how, out);
}

enum sr_error
env_close(struct env *env, env_file file)
{
	return env->ops->close(env, file);
}

enum sr_error
env_size(struct env *env, env_file file, uint64_t *out)
{
	return env->ops->size(env, file, out);
}

enum sr_error
env_read(struct env *env, env_file file, uint64_t offset, void *out, size_t len)
{
	return env->ops->read(env, file, offset, out, len);
}

enum sr_error
env_write(struct env *env, env_file file, uint64_t offset, const void *bytes,
    size_t len)
{
	return env->ops->write(env, file, offset, bytes, len);
}

enum sr_error
env_truncate(struct env *env, env_file file, uint64_t len)
{
	return env->ops->truncate(env, file, len);
}

enum sr_error
env_space(struct env *env, env_file file, struct env_space *out)
{
	return env->ops->space(env, file, out);
}

enum sr_error
env_sync(struct env *env, env_file file)
{
	return env->ops->sync(env, file);
}

enum sr_error
env_rename(struct env *env, const char *from, const char *to)
{
	return env->ops->rename(env, from, to);
}

enum sr_error
env_remove(struct env *env, const char *path)
{
	return env->ops->remove(env, path);
}

enum sr_error
env_make_directory(struct env *env, const char *path)
{
	return env->ops->make_directory(env, path);
}

enum sr_error
env_remove_directory(struct env *env, const char *path)
{
	return env->ops->remove_directory(env, path);
}

enum sr_error
env_sync_directory(struct env *env, const char *path)
{
	return env->ops->sync_directory(env, path);
}

uint64_t
env_clock_ms(struct env *env)
{
	return env->ops->clock_ms(env);
}

uint64_t
env_boot_ms(struct env *env)
{
	return env->ops->boot_us(env) / 1000;
}

uint64_t
env_boot_us(struct env *env)
{
	return env->ops->boot_us(env);
}

void
env_random(struct env *env, void *out, size_t len)
{
	env->ops->random(env, out, len);
}

enum sr_error
env_send(struct env *env, enum env_link link, const void *packet, size_t len)
{
	return env->ops->send(env, link, packet, len);
}

enum sr_error
env_receive(struct env *env, enum env_link link, bool wait, void *packet,
    size_t room, size_t *len)
{
	return env->ops->receive(env, link, wait, packet, room, len);
}

enum sr_error
env_wait(struct env *env, unsigned read_links, unsigned write_links,
    int timeout_ms, unsigned *readable, unsigned *writable)
{
	return env->ops->wait(
	    env, read_links, write_links, timeout_ms, readable, writable);
}
