/* SPDX-License-Identifier: ISC */
/*
 * keyd(8): options -> the fds of fds.h -> secrets from strongroom-unlock ->
 * files -> sandbox -> loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/env_posix.h"
#include "gen/keyd_policy.h"
#include "keyd/keyd.h"
#include "policy/room.h"

static struct keyd keyd;
static struct env_posix posix;

static const struct env_posix_file files[] = {
    {"state", FD_KEYD_STATE},
    {"credentials", FD_KEYD_CREDENTIALS},
    {"limits", FD_KEYD_LIMITS},
    {"terminals", FD_KEYD_TERMINALS},
};

/* Reads len bytes and the end of the pipe from strongroom-unlock. */
static void
read_secrets(uint8_t *out, size_t len)
{
	uint8_t more;
	size_t have = 0;
	ssize_t n;

	do {
		n = have < len ? read(FD_KEYD_UNLOCK, out + have, len - have)
			       : read(FD_KEYD_UNLOCK, &more, 1);
		if (n > 0 && have == len)
			diag_fatal("strongroom-unlock sent too much");
		if (n > 0)
			have += (size_t)n;
		if (n < 0 && errno != EINTR)
			diag_fatal("the pipe from strongroom-unlock fails");
	} while (n != 0);
	if (have != len)
		diag_fatal("strongroom-unlock sent no secret");
	if (close(FD_KEYD_UNLOCK) != 0)
		diag_fatal("the pipe from strongroom-unlock does not close");
}

static void
start(const struct room *room, uint64_t registration,
    const struct keyd_params *given)
{
	struct keyd_params params = {
	    .init = room->init,
	    .restore = given->restore,
	    .restore_epoch = given->restore_epoch,
	    .restore_size = given->restore_size,
	    .rotate = given->rotate,
	    .registration = (enum keyd_registration)registration,
	    .registrations_an_hour = BUDGET_REGISTRATIONS,
	};
	struct secret_arena arena;
	uint8_t *secrets;
	enum sr_error error;

	if (secret_open(&arena, 64) != SR_OK ||
	    (secrets = secret_take(&arena, 64)) == NULL)
		diag_fatal("no protected memory");
	read_secrets(secrets, room->identity ? 64 : 32);
	params.root = secrets;
	params.identity_seed = room->identity ? secrets + 32 : NULL;
	error = keyd_init(&keyd, &posix.env, &params);
	secret_close(&arena);
	if (error != SR_OK)
		exit(error_exit(error));
}

/* What the memory of the keys lacks on this kernel. */
static uint32_t
memory_missing(const struct keyd *k)
{
	unsigned layers = k->key_arena.layers;

	return (layers & SECRET_MEMFD ? 0 : (uint32_t)SANDBOX_MEMFD_SECRET) |
	       (layers & SECRET_NO_REMAP ? 0 : (uint32_t)SANDBOX_MSEAL);
}

int
main(int argc, char *argv[])
{
	uint64_t registration = KEYD_REGISTRATION_OPEN, restore = 0;
	uint64_t epoch = 0, rotate = 0;
	struct keyd_params given = {0};
	const struct room_option options[] = {
	    {"registration", &registration, 0, 2},
	    {"restore", &restore, 0, 1},
	    {"restore-epoch", &epoch, 1, UINT32_MAX},
	    {"restore-size", &given.restore_size, 1, INT64_MAX},
	    {"rotate", &rotate, 0, KEY_PLACES - 1},
	};
	struct room room;
	enum sr_error error = SR_OK;

	room_start(&room, ROOM_KEYD, argc, argv, options,
	    sizeof(options) / sizeof(options[0]));
	if (sodium_init() < 0)
		diag_fatal("libsodium does not start");
	env_posix_init(&posix);
	env_posix_link(&posix, ENV_CONTROL, FD_CONTROL);
	env_posix_link(&posix, ENV_NETD, FD_KEYD_NETD);
	env_posix_link(&posix, ENV_LEDGERD, FD_KEYD_LEDGERD);
	env_posix_files(&posix, files, sizeof(files) / sizeof(files[0]));
	given.restore = restore == 1;
	given.restore_epoch = (uint32_t)epoch;
	given.rotate = (uint8_t)rotate;
	start(&room, registration, &given);
	room_enter(&room, keyd_policy, KEYD_POLICY_LEN);
	keyd_ready(&keyd, room.report.missing | memory_missing(&keyd));

	while (error == SR_OK && !keyd.stopping)
		error = keyd_step(&keyd, -1);
	keyd_close(&keyd);
	return error == SR_OK ? 0 : error_exit(error);
}
