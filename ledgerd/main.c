/* SPDX-License-Identifier: ISC */
/*
 * ledgerd(8): options -> the fds of fds.h -> sandbox -> the bank from keyd
 * and the journal -> loop.
 */
#include <sys/stat.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/env_posix.h"
#include "gen/ledgerd_policy.h"
#include "ledgerd/ledgerd.h"
#include "policy/room.h"

/* Sessions may outlive their connections for a moment. */
enum { SESSIONS_SPARE = 1024 };

static struct ledgerd ledgerd;
static struct env_posix posix;

static const struct env_posix_directory directories[] = {
    {"ledger", FD_LEDGERD_LEDGER, "public"},
    {"audit", FD_LEDGERD_AUDIT, NULL},
};

static void
take_fds(void)
{
	env_posix_init(&posix);
	env_posix_link(&posix, ENV_CONTROL, FD_CONTROL);
	env_posix_link(&posix, ENV_NETD, FD_LEDGERD_NETD);
	env_posix_link(&posix, ENV_KEYD, FD_LEDGERD_KEYD);
	env_posix_directories(
	    &posix, directories, sizeof(directories) / sizeof(directories[0]));
}

int
main(int argc, char *argv[])
{
	uint64_t max_connections = 1000;
	struct ledgerd_params params = {.segment_len = 16 << 20,
	    .reserve = 64 << 20,
	    .session_idle_s = 300,
	    .session_absolute_s = 3600,
	    .session_rekey_s = 600};
	const struct room_option options[] = {
	    {"segment-size", &params.segment_len, 64 << 10, 64 << 20},
	    {"reserve", &params.reserve, 1 << 20, UINT64_C(2) << 30},
	    {"session-idle", &params.session_idle_s, 1, 86400},
	    {"session-absolute", &params.session_absolute_s, 1, 86400},
	    {"session-rekey", &params.session_rekey_s, 5, 86400},
	    {"audit-log", &params.audit, AUDIT_PSEUDONYMS, AUDIT_OFF},
	    {"max-connections", &max_connections, 1, 100000},
	};
	struct room room;
	enum sr_error error;

	room_start(&room, ROOM_LEDGERD, argc, argv, options,
	    sizeof(options) / sizeof(options[0]));
	if (sodium_init() < 0)
		diag_fatal("libsodium does not start");
	take_fds();
	/* who may read what is said with each file that is made */
	umask(022);
	room_enter(&room, ledgerd_policy, LEDGERD_POLICY_LEN);
	params.missing = room.report.missing;
	params.sessions_max = max_connections + SESSIONS_SPARE;
	error = ledgerd_init(&ledgerd, &posix.env, &params);
	if (error == SR_OK)
		error = ledgerd_start(&ledgerd);
	while (error == SR_OK && !ledgerd.stopped)
		error = ledgerd_step(&ledgerd, -1);
	ledgerd_close(&ledgerd);
	return error == SR_OK ? 0 : error_exit(error);
}
