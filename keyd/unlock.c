/* SPDX-License-Identifier: ISC */
/*
 * strongroom-unlock: opens root.sealed (with --identity 1 identity.sealed,
 * too), hands 32 or 64 bytes to keyd through a pipe and ends.  With --init 1
 * it draws both secrets and seals them into the empty files it was given.
 * With --seal it changes what opens them (unlock_change.h).  --kind says what
 * it is given to open them with (enum sealed_kind): it never guesses.
 *
 * Security: it sees the passphrase and the root, so it is a process of its
 * own that reads nothing else, runs inside the sandbox and lives for a tenth
 * of a second.  What it prints is a sentence, never a secret.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/secret.h"
#include "gen/unlock_policy.h"
#include "keyd/unlock_change.h"
#include "keyd/unlock_files.h"
#include "keyd/unlock_shares.h"
#include "policy/room.h"

enum { UNLOCK_EPOCH = 1 };

static struct unlock_change change = {.kind = SEALED_PASSPHRASE};

_Noreturn void
unlock_end(enum sr_error error)
{
	if (change.what != UNLOCK_NO_CHANGE)
		unlock_change_answer(error);
	unlock_tell_failure(error);
	exit(error_exit(error));
}

_Noreturn void
unlock_fail(const char *what, enum sr_error error)
{
	diag_error("%s: %s", what, error_sentence(error));
	unlock_end(error);
}

/* How the keys were opened, for the journal. */
static struct seal_event
open_files(struct unlock_secrets *s, bool with_identity, uint64_t now_ms)
{
	struct sealed root, identity;

	unlock_open_root(s, &root);
	if (with_identity)
		unlock_open_identity(s, &root, &identity);
	return seal_event_made(now_ms, SEAL_OPENED, &root.envelopes[s->which],
	    &root.envelopes[s->which], &root);
}

static void
create_files(struct unlock_secrets *s, uint64_t made_ms)
{
	struct sealed identity = {.version = SEALED_VERSION,
	    .purpose = SEALED_IDENTITY,
	    .epoch = UNLOCK_EPOCH};
	struct sealed root = identity;
	const struct sealed_envelope like = {.kind = s->secret.kind,
	    .made_ms = made_ms,
	    .label = "made at init",
	    .cost = UNLOCK_COST_DEFAULT};
	enum sr_error error;

	randombytes_buf(s->out, sizeof(s->out));
	randombytes_buf(s->data_key, sizeof(s->data_key));
	root.purpose = SEALED_ROOT;
	unlock_bank_id(s, root.bank_id);
	memcpy(identity.bank_id, root.bank_id, sizeof(root.bank_id));
	error = unlock_add_envelope(&root, &like, &s->secret, s->data_key);
	if (error != SR_OK)
		unlock_fail("root.sealed", error);
	unlock_put(FD_UNLOCK_ROOT, "root.sealed", &root, s, s->out);
	unlock_put(FD_UNLOCK_IDENTITY, "identity.sealed", &identity, s,
	    s->out + SEALED_SECRET_LEN);
}

int
main(int argc, char *argv[])
{
	static const struct room_option options[] = {
	    {"kind", &change.kind, SEALED_PASSPHRASE, SEALED_SHARES},
	    {"new-kind", &change.new_kind, 0, SEALED_SHARES},
	    {"quorum", &change.quorum, 0, SHARE_COUNT_MAX},
	    {"shares", &change.shares, 0, SHARE_COUNT_MAX},
	    {"number", &change.number, 0, UINT16_MAX},
	    {"configured", &change.configured, 0, SEALED_CREDENTIAL},
	};
	struct room room;
	struct secret_arena arena;
	struct unlock_secrets *s;
	struct seal_event seal = {0};
	struct timespec now;
	size_t len;

	room_start(&room, ROOM_UNLOCK, argc, argv, options,
	    sizeof(options) / sizeof(options[0]));
	change.what = (enum unlock_what)room.seal;
	if (sodium_init() < 0)
		diag_fatal("libsodium does not start");
	if (secret_open(&arena, sizeof(*s)) != SR_OK)
		diag_fatal("no protected memory: %s", strerror(errno));
	s = secret_take(&arena, sizeof(*s));
	if (s == NULL)
		diag_fatal("no protected memory");
	shares_start();
	room_enter(&room, unlock_policy, UNLOCK_POLICY_LEN);

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		unlock_fail("clock", SR_IO);
	change.made_ms =
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	len = unlock_read(
	    FD_UNLOCK_SECRET, "unlock secret", s->given, sizeof(s->given));
	if (change.what != UNLOCK_NO_CHANGE) {
		unlock_change_files(s, &change, len, room.identity);
	} else {
		unlock_take_secret(
		    &s->secret, (enum sealed_kind)change.kind, s->given, len);
		if (room.init && !room.identity)
			unlock_fail("--init needs --identity 1", SR_USAGE);
		if (room.init)
			create_files(s, change.made_ms);
		else
			seal = open_files(s, room.identity, change.made_ms);
		unlock_write(FD_UNLOCK_PIPE, "pipe to keyd", s->out,
		    room.identity ? 2 * SEALED_SECRET_LEN : SEALED_SECRET_LEN);
		if (!room.init)
			unlock_tell(&seal);
	}
	secret_close(&arena);
	return 0;
}
