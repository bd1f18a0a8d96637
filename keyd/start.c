/* SPDX-License-Identifier: ISC */
/*
 * keyd's start: keys out of the root, then the files, which are believed only
 * if they agree with each other.
 */
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "keyd/erase.h"
#include "keyd/keyd.h"

static enum sr_error
keyd_take_secrets(
    struct keyd *k, const struct keyd_params *params, struct keys **out)
{
	struct keys *keys;
	enum sr_error error = secret_open(&k->key_arena, sizeof(*keys));

	if (error == SR_OK)
		error = secret_open(&k->work_arena,
		    PENDING_MAX * sizeof(*k->pending) +
			REKEY_HALVES_MAX * sizeof(*k->rekeys) +
			sizeof(*k->restore) + SIGNING_SECRET_LEN + 64);
	if (error != SR_OK) {
		diag_error("protected memory: %s", strerror(errno));
		return error;
	}
	keys = secret_take(&k->key_arena, sizeof(*keys));
	k->pending =
	    secret_take(&k->work_arena, PENDING_MAX * sizeof(*k->pending));
	k->rekeys =
	    secret_take(&k->work_arena, REKEY_HALVES_MAX * sizeof(*k->rekeys));
	if (keys == NULL || k->pending == NULL || k->rekeys == NULL)
		return SR_MEMORY;
	error = keys_derive(keys, params->root);
	*out = keys;
	k->keys = keys;
	k->log = &keys->log;
	return error;
}

/* The log key that the state asks for, and in a restore start the next. */
static enum sr_error
keyd_take_log_keys(
    struct keyd *k, const struct keyd_params *params, struct keys *keys)
{
	enum sr_error error =
	    keys_log_derive(&keys->log, params->root, k->state.log_epoch);

	if (error == SR_OK && params->restore && k->identity_secret != NULL)
		error = restore_begin(k, params, &keys->next_log);
	return error == SR_OK ? secret_seal(&k->key_arena) : error;
}

/* The identity's key pair; its public half to identity. */
static enum sr_error
keyd_take_identity(struct keyd *k, const struct keyd_params *params,
    uint8_t identity[PUBLIC_KEY_LEN])
{
	if (params->identity_seed == NULL)
		return SR_OK;
	k->identity_secret = secret_take(&k->work_arena, SIGNING_SECRET_LEN);
	if (k->identity_secret == NULL)
		return SR_MEMORY;
	if (crypto_sign_seed_keypair(
		identity, k->identity_secret, params->identity_seed) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

void
keyd_certify(
    struct keyd *k, const struct keys_log *log, uint8_t out[CERTIFICATE_LEN])
{
	struct certificate certificate = {0};

	memcpy(certificate.bank_id, k->state.bank_id, BANK_ID_LEN);
	certificate.not_after_ms =
	    env_clock_ms(k->env) +
	    (uint64_t)KEYD_CERTIFICATE_LIFE_DAYS * 86400 * 1000;
	keys_certify(k->keys, log, &certificate);
	certificate_sign(&certificate, k->identity_secret, out);
}

void
keyd_forget_identity(struct keyd *k)
{
	sodium_memzero(k->identity_secret, SIGNING_SECRET_LEN);
	k->identity_secret = NULL;
}

static enum sr_error
keyd_create(struct keyd *k, const uint8_t identity[PUBLIC_KEY_LEN])
{
	enum sr_error error;

	if (k->identity_secret == NULL)
		return SR_NOT_ALLOWED;
	memset(&k->state, 0, sizeof(k->state));
	merkle_frontier_init(&k->state.frontier);
	memcpy(k->state.identity, identity, PUBLIC_KEY_LEN);
	bank_id_of(identity, k->state.bank_id);
	k->state.log_epoch = RESTORE_FIRST_EPOCH;
	error = credentials_open(&k->credentials, k->env, k->keys, true);
	if (error == SR_OK)
		error = credentials_load(&k->credentials, 0, false);
	if (error == SR_OK)
		credentials_digest_seal(
		    &k->credentials, k->credentials.digest, k->state.digest);
	return keyd_fail(k, "credentials", error);
}

/*
 * Makes the version that an intent was about durable.  It was read, but
 * perhaps only from memory: what a failed sync has given up Linux still shows.
 */
static enum sr_error
keyd_write_again(struct keyd *k, uint64_t id)
{
	struct customer customer;
	enum sr_error error = credentials_read(&k->credentials, id, &customer);

	if (error == SR_OK)
		error = credentials_write(&k->credentials, &customer);
	sodium_memzero(&customer, sizeof(customer));
	return error;
}

/* Are the credentials those that the state knows?  Settles an intent. */
static enum sr_error
keyd_settle(struct keyd *k)
{
	struct state *state = &k->state;
	const struct credentials *c = &k->credentials;
	uint8_t before[32], sealed[32];
	enum sr_error error;
	bool written;

	memcpy(before, c->digest, sizeof(before));
	written = state->intent.customer != 0 &&
		  credentials_generation(c, state->intent.customer) ==
		      state->intent.to;
	if (written) {
		credentials_digest(
		    c, state->intent.customer, state->intent.from, before);
		credentials_digest(
		    c, state->intent.customer, state->intent.to, before);
	}
	credentials_digest_seal(c, before, sealed);
	if (sodium_memcmp(sealed, state->digest, sizeof(sealed)) != 0)
		return SR_ROLLED_BACK;
	error = written ? keyd_write_again(k, state->intent.customer) : SR_OK;
	if (error != SR_OK)
		return error;
	credentials_digest_seal(c, c->digest, state->digest);
	state->customers = c->customers;
	memset(&state->intent, 0, sizeof(state->intent));
	return SR_OK;
}

static enum sr_error
keyd_load(struct keyd *k, const uint8_t identity[PUBLIC_KEY_LEN])
{
	const struct state *state = &k->state;
	enum sr_error error;

	if (k->identity_secret != NULL &&
	    memcmp(identity, state->identity, PUBLIC_KEY_LEN) != 0)
		return keyd_fail(
		    k, "the identity is not this bank's", SR_BANK_KEY);
	error = credentials_open(&k->credentials, k->env, k->keys, false);
	if (error == SR_OK)
		error = credentials_load(&k->credentials, state->customers,
		    state->intent.customer == state->customers + 1);
	if (error == SR_OK)
		error = keyd_settle(k);
	if (error == SR_OK)
		error = erase_rest(k);
	return keyd_fail(k, "credentials", error);
}

static enum sr_error
keyd_open_files(struct keyd *k, const struct keyd_params *params,
    const uint8_t identity[PUBLIC_KEY_LEN])
{
	bool lone = false;
	enum sr_error error =
	    state_file_open(&k->state_file, k->env, k->keys->state);

	if (error == SR_OK)
		error = state_load(&k->state_file, &k->state, &lone);
	/* a backup has one slot */
	k->lone = error == SR_OK && lone && !k->state.copy;
	/* before it is signed again, or the other slot is written */
	if (error == SR_OK)
		error = state_confirm(&k->state_file, &k->state);
	if (error == SR_NOT_FOUND && params->init)
		error = keyd_create(k, identity);
	else if (error == SR_OK && k->state.copy && !params->restore)
		error = SR_COPY;
	else if (error == SR_OK)
		error = keyd_load(k, identity);
	else if (error == SR_NOT_FOUND)
		error = SR_DAMAGED;
	if (k->lone)
		diag_warn("state: one of its two slots is damaged");
	if (error != SR_OK)
		return keyd_fail(k, "state", error);
	error = limits_open(&k->limits, k->env, k->keys->limit);
	if (error != SR_OK)
		return keyd_fail(k, "limits", error);
	return keyd_fail(k, "terminals",
	    terminals_open(&k->terminals, k->env, k->keys->state));
}

enum sr_error
keyd_init(struct keyd *k, struct env *env, const struct keyd_params *params)
{
	uint8_t identity[PUBLIC_KEY_LEN] = {0};
	struct keys *keys;
	enum sr_error error;

	memset(k, 0, sizeof(*k));
	k->env = env;
	k->generation = 1; /* of the netd that starts with keyd */
	k->registration = params->registration;
	k->registrations_an_hour = params->registrations_an_hour;
	outbox_init(&k->to_netd, k->netd_bytes, sizeof(k->netd_bytes));
	outbox_init(&k->to_ledgerd, k->ledgerd_bytes, sizeof(k->ledgerd_bytes));
	outbox_init(&k->to_control, k->control_bytes, sizeof(k->control_bytes));
	/* chain keys go to ledgerd, terminals' keys to strongroomctl */
	k->to_ledgerd.wipes = true;
	k->to_control.wipes = true;
	error = keyd_take_secrets(k, params, &keys);
	if (error == SR_OK)
		error = keyd_take_identity(k, params, identity);
	if (error != SR_OK)
		return keyd_fail(k, "keys", error);
	error = keyd_open_files(k, params, identity);
	if (error != SR_OK)
		return error;
	error = keyd_fail(k, "keys", keyd_take_log_keys(k, params, keys));
	if (error != SR_OK)
		return error;
	/* until the note is in the log, the disk keeps what it has */
	if (k->restore != NULL)
		return SR_OK;
	if (k->identity_secret != NULL)
		keyd_certify(k, k->log, k->state.certificate);
	if (k->identity_secret != NULL && keyd_founded(k))
		keyd_forget_identity(k);
	/* the slot that cannot be read may be the newer one, and readable the
	 * next time: ledgerd's log is to be read first, all of it */
	error = k->lone ? SR_OK : keyd_save_both(k);
	secret_wipe_stack();
	return error;
}

void
keyd_close(struct keyd *k)
{
	credentials_close(&k->credentials);
	if (k->work_arena.base != NULL)
		secret_close(&k->work_arena);
	if (k->key_arena.base != NULL)
		secret_close(&k->key_arena);
}
