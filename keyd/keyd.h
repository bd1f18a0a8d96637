/* SPDX-License-Identifier: ISC */
#ifndef KEYD_KEYD_H
#define KEYD_KEYD_H
/*
 * keyd: the only holder of the bank's private keys.  It plays the bank's part
 * of handshakes, knows who may log in, attests customers' public keys, and
 * signs the head of the log, of which it computes every root itself.
 *
 * It must never sign what it did not compute, answer before what it answers
 * is on disk, give a key to whoever may not have it, wait for anybody, or die
 * of a message.
 *
 * One step of its loop serves ledgerd first and then does at most one part of
 * one handshake.  All memory is taken at start.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/ipc.h"
#include "common/outbox.h"
#include "common/secret.h"
#include "gen/messages.h"
#include "keyd/backup.h"
#include "keyd/beacon.h"
#include "keyd/credentials.h"
#include "keyd/key_table.h"
#include "keyd/keys.h"
#include "keyd/limits.h"
#include "keyd/pending.h"
#include "keyd/rekey.h"
#include "keyd/reseal.h"
#include "keyd/restore.h"
#include "keyd/rotation.h"
#include "keyd/state.h"
#include "keyd/terminals.h"

enum keyd_registration {
	KEYD_REGISTRATION_OPEN = 0,
	KEYD_REGISTRATION_INVITE = 1,
	KEYD_REGISTRATION_CLOSED = 2,
};

enum {
	KEYD_CERTIFICATE_LIFE_DAYS = 730,
	KEYD_ORIGINS_APART_S = 1 << 20, /* 12 days */
	KEYD_HISTORY_MS = 10000,        /* and strongroomd of another log */
	KEYD_REFUSALS_MS = 60000, /* ledgerd is told of them at most so often */
	KEYD_LEDGERD_BOX_LEN = 3 * 65536,
	KEYD_NETD_BOX_LEN = 4 * 65536,
	KEYD_CONTROL_BOX_LEN = 2 * 65536,
	KEYD_LEDGERD_PACKETS = 16, /* taken in one step */
	KEYD_PULSE_MS = 250,       /* between two that are passed on */
};

struct keyd_params {
	const uint8_t *root;          /* 32 bytes */
	const uint8_t *identity_seed; /* 32 bytes; NULL: not in hand */
	bool init;                    /* may begin with no state */
	bool restore; /* the files may be a backup's; with the identity:
			 a restore start with loss (restore.h) */
	uint32_t restore_epoch; /* ... from this head of keyd's, no other; */
	uint64_t restore_size;  /* size 0: any one that keyd signed */
	uint8_t rotate; /* with the identity: a rotation start for that key
			   (rotation.h); 0: none */
	enum keyd_registration registration;
	uint32_t registrations_an_hour;
};

struct keyd {
	struct env *env;
	struct secret_arena key_arena;  /* sealed */
	struct secret_arena work_arena; /* handshakes, the identity; in a
					   restore start the root, too */
	const struct keys *keys;
	const struct keys_origin *origin; /* in force; one of two in keys */
	uint8_t *identity_secret; /* 64 bytes in work_arena; NULL: wiped */
	struct restore *restore;  /* NULL: no restore start */
	struct rotation rotation;
	struct credential_keys *epochs; /* in work_arena */
	struct reseal reseal;
	enum keyd_registration registration;
	uint32_t registrations_an_hour;

	struct state_file state_file;
	struct state state;
	uint64_t uses[KEY_PLACES]; /* of each key: key_table.h */
	struct credentials credentials;
	struct limits limits;
	struct terminals terminals;
	struct beacons beacons;
	struct pending *pending;   /* PENDING_MAX in work_arena */
	size_t pending_busy;       /* of these in use */
	struct rekey_half *rekeys; /* REKEY_HALVES_MAX in work_arena */

	uint32_t generation; /* netd's */
	bool tree_started;   /* ledgerd's log agrees with the state */
	bool lone; /* one of the state's slots could not be read, and may be
		      the newer one: nothing is written before ledgerd has
		      read its log through and found nothing newer in it */
	bool stopping;
	enum sr_error failure; /* not SR_OK: keyd must end */
	uint64_t handshakes;
	uint64_t accepted; /* of these, those that came to their end */
	uint64_t refused;
	uint64_t refusals[REFUSAL_KINDS]; /* since the start */
	struct refusals untold;           /* of them, what ledgerd */
	bool history_told;
	uint64_t history_ms;      /* the last time; since boot */
	uint64_t untold_ms;       /* does not know; since boot time */
	uint32_t control_request; /* the one being answered */
	uint64_t pulsed_ms; /* when a pulse was passed on; since boot time */
	struct backup backup;

	struct outbox to_netd;
	struct outbox to_ledgerd;
	struct outbox to_control;
	uint8_t netd_bytes[KEYD_NETD_BOX_LEN];
	uint8_t ledgerd_bytes[KEYD_LEDGERD_BOX_LEN];
	uint8_t control_bytes[KEYD_CONTROL_BOX_LEN];
	struct ipc_packet packet;
};

/*
 * Derives the keys, reads or (init) makes the files.  Nothing of params is
 * kept but what is copied; the caller wipes the secrets.  With the identity
 * in hand a new certificate is made; unless the bank is yet to be founded or
 * restored the identity is wiped then.  SR_DAMAGED and others of the parts, SR_ROLLED_BACK
 * when credentials are not those that the state knows; a line says what and
 * where.  Must be followed by keyd_close, whatever it gave.
 */
enum sr_error keyd_init(
    struct keyd *k, struct env *env, const struct keyd_params *params);

/*
 * One step: waits at most timeout_ms (0: not at all), serves ledgerd, then
 * the control link, then one part of one handshake.  SR_OK, or why keyd must
 * end: SR_CLOSED when a link is gone, errors of the disk.  k->stopping is set
 * when it was asked to end.
 */
enum sr_error keyd_step(struct keyd *k, int timeout_ms);

/* Sends `ready' to strongroomd: missing as in sandbox.h. */
void keyd_ready(struct keyd *k, uint32_t missing);

/* Wipes and releases. */
void keyd_close(struct keyd *k);

/* ---- between keyd's own files ------------------------------------------ */

/* The phase in which messages are looked at; a copy takes no orders. */
unsigned keyd_phase(const struct keyd *k);

/* Leaf 0 has been signed. */
bool keyd_founded(const struct keyd *k);

/* Answers the present control request with what w has encoded. */
void keyd_answer_control(struct keyd *k, const struct writer *w);

/*
 * The epoch after `epoch' of a key: the time in seconds, or one more than that
 * where the clock is behind it: an epoch that was in use meanwhile,
 * and of which nothing is left, is not used again.  SR_INTERNAL after 2106.
 */
enum sr_error keyd_next_epoch(
    const struct keyd *k, uint32_t epoch, uint32_t *next);

/*
 * The epoch of the log key after the present one.  Where the clock is behind
 * that one it is by lot one of the KEYD_ORIGINS_APART_S after it: a rotation
 * and a restore from before it must not begin the same one, with one log key
 * and two histories.  Errors as keyd_next_epoch().
 */
enum sr_error keyd_next_origin(const struct keyd *k, uint32_t *next);

/* Wipes the identity's secret key. */
void keyd_forget_identity(struct keyd *k);

/* A certificate of that origin by the identity, for the time to come. */
void keyd_certify(struct keyd *k, const struct keys_origin *origin,
    uint8_t certificate[CERTIFICATE_LEN]);

/*
 * Tells strongroomd, for systemd's journal, of a log of ledgerd's that is not
 * the one that was signed, where the error says that: at most every
 * KEYD_HISTORY_MS, however often ledgerd tries.  size is ledgerd's.
 */
void keyd_tell_history(struct keyd *k, enum sr_error error, uint64_t size);

/* Counts one. */
void keyd_refusal(struct keyd *k, enum refusal refusal);

/* Tells ledgerd of them, a minute after the first: it journals that. */
void keyd_tell_refusals(struct keyd *k);

/*
 * keyd_budget() of gen/messages.h, and the count is durable: for keys, of which
 * a power cut must not give more.
 */
enum sr_error keyd_budget_on_disk(
    struct keyd *k, enum refusal budget, uint32_t most);

/* Notes the first failure; gives back the error. */
enum sr_error keyd_fail(struct keyd *k, const char *what, enum sr_error error);

/* Saves the state; a failure is noted. */
enum sr_error keyd_save(struct keyd *k);

/* Both slots, so that none of them knows an intent any more. */
enum sr_error keyd_save_both(struct keyd *k);

/*
 * Puts a customer with the next generation in force: intent, credential,
 * state twice, so that neither slot knows the former generation any more.
 * SR_NO_SPACE, SR_READ_ONLY, SR_BUSY (before ledgerd has read its log, when
 * one slot was lost): nothing has changed and keyd goes on; any other failure
 * is noted.
 */
enum sr_error keyd_save_customer(
    struct keyd *k, const struct customer *customer);

/*
 * Makes that what the terminal is: the digest that is to come, the table, then
 * the digest alone, in both slots.  SR_NO_SPACE, SR_READ_ONLY: nothing has
 * changed and keyd goes on; any other failure is noted.
 */
enum sr_error keyd_save_terminal(
    struct keyd *k, const struct terminal *terminal);

/*
 * outbox_reserve; counts as refused when there is no place.  A step that must
 * not lose an answer looks for place beforehand; ledgerd has place for all
 * answers to the one question that it may have open.
 */
uint8_t *keyd_reserve(struct keyd *k, struct outbox *box, size_t len);

/*
 * Appends a message to an outbox: KEYD_SEND(k, to_netd, handshake_2,
 * HANDSHAKE_2, &m).
 */
#define KEYD_SEND(k, box, name, NAME, message)                              \
	do {                                                                \
		uint8_t *place_ =                                           \
		    keyd_reserve((k), &(k)->box, MESSAGE_##NAME##_MAX);     \
		struct writer w_ = writer_to(place_, MESSAGE_##NAME##_MAX); \
		if (place_ == NULL)                                         \
			break;                                              \
		if (message_##name##_encode(&w_, (message)) != SR_OK)       \
			(void)keyd_fail((k), #name, SR_INTERNAL);           \
		else                                                        \
			outbox_commit(&(k)->box, writer_len(&w_));          \
	} while (0)

#endif
