/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_ENV_SIM_DISK_H
#define TESTS_LIB_ENV_SIM_DISK_H
/*
 * The simulated disk behind env_sim.h; contracts of the operations are those
 * of env.h, of sim_disk_crash those of sim_crash and sim_crash_torn.
 */
#include "tests/lib/env_sim.h"

struct sim_disk *sim_disk_new(void);

enum sr_error sim_disk_open(
    struct env *env, const char *path, enum env_open how, env_file *out);
enum sr_error sim_disk_close(struct env *env, env_file file);
enum sr_error sim_disk_size(struct env *env, env_file file, uint64_t *out);
enum sr_error sim_disk_read(
    struct env *env, env_file file, uint64_t offset, void *out, size_t len);
enum sr_error sim_disk_write(struct env *env, env_file file, uint64_t offset,
    const void *bytes, size_t len);
enum sr_error sim_disk_truncate(struct env *env, env_file file, uint64_t len);
enum sr_error sim_disk_space(
    struct env *env, env_file file, struct env_space *out);
enum sr_error sim_disk_sync(struct env *env, env_file file);
enum sr_error sim_disk_rename(
    struct env *env, const char *from, const char *to);
enum sr_error sim_disk_remove(struct env *env, const char *path);
enum sr_error sim_disk_make_directory(struct env *env, const char *path);
enum sr_error sim_disk_remove_directory(struct env *env, const char *path);
enum sr_error sim_disk_sync_directory(struct env *env, const char *path);

void sim_disk_crash(
    struct sim_room *room, enum sim_loss loss, uint64_t kept_bytes);

/* Forgets the open handles. */
void sim_disk_kill(struct sim_room *room);

/* Counts down; true when that fault strikes the operation at hand. */
bool sim_strikes(struct sim_room *room, enum sim_fault fault);

/* Zeroed memory; ends the program when there is none. */
void *sim_memory(size_t len);

/* Counts an operation; false when the power is off, or fails now. */
bool sim_operate(
    struct sim_room *room, enum sim_operation operation, const char *path);

/* Forgets what is queued on the room's links, in both directions. */
void sim_close_links(struct sim_room *room);

/* The sim's own random numbers. */
void sim_random(struct sim *sim, void *out, size_t len);

#endif
