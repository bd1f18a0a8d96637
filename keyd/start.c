/* SPDX-License-Identifier: ISC */
/*
 * keyd's start: keys out of the root, then the files, which are believed only
 * if they agree with each other.
 */
#include <errno.h>
#include <stdio.h>
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
			sizeof(*k->restore) + SIGNING_SECRET_LEN +
			sizeof(*k->epochs) + 128);
	if (error != SR_OK) {
		diag_error("protected memory: %s", strerror(errno));
		return error;
	}
	keys = secret_take(&k->key_arena, sizeof(*keys));
	k->pending =
	    secret_take(&k->work_arena, PENDING_MAX * sizeof(*k->pending));
	k->rekeys =
	    secret_take(&k->work_arena, REKEY_HALVES_MAX * sizeof(*k->rekeys));
	k->epochs = secret_take(&k->work_arena, sizeof(*k->epochs));
	if (keys == NULL || k->pending == NULL || k->rekeys == NULL ||
	    k->epochs == NULL)
		return SR_MEMORY;
	error = keys_derive(keys, params->root);
	*out = keys;
	k->keys = keys;
	k->origin = &keys->origin;
	return error;
}

/* The keys of the origin that the state asks for. */
static enum sr_error
keyd_take_state_keys(struct keyd *k, const uint8_t root[32], struct keys *keys)
{
	const struct state_key *attestation =
	    &k->state.key[BANK_KEY_ATTESTATION];
	struct keys_origin *origin = &keys->origin;
	enum sr_error error;

	/* the public half of the former one is all that is kept */
	error = keys_attestation_derive(
	    &origin->attestation, root, attestation->former);
	memcpy(keys->attestation_former, origin->attestation.public,
	    sizeof(keys->attestation_former));
	if (error == SR_OK)
		error = keys_attestation_derive(
		    &origin->attestation, root, attestation->epoch);
	if (error == SR_OK)
		error = keys_log_derive(&origin->log, root, k->state.log_epoch);
	if (error == SR_OK)
		error = keys_opaque_derive(
		    keys, k->state.key[BANK_KEY_OPAQUE].epoch, &origin->opaque);
	keys_noise_derive(
	    &origin->noise, root, k->state.key[BANK_KEY_NOISE].epoch);
	return error;
}

/* These, and in a start for it those of the next one. */
static enum sr_error
keyd_take_origin(
    struct keyd *k, const struct keyd_params *params, struct keys *keys)
{
	bool restores = params->restore && k->identity_secret != NULL;
	enum sr_error error = keyd_take_state_keys(k, params->root, keys);

	/* no secret stands twice in a start that has no use for it */
	if (error == SR_OK && (restores || params->rotate != 0))
		keys->next = keys->origin;
	if (error == SR_OK && restores)
		error = restore_begin(k, params, &keys->next);
	else if (error == SR_OK && params->rotate != 0)
		error = rotation_begin(k, params, &keys->next);
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
keyd_certify(struct keyd *k, const struct keys_origin *origin,
    uint8_t out[CERTIFICATE_LEN])
{
	struct certificate certificate = {0};

	memcpy(certificate.bank_id, k->state.bank_id, BANK_ID_LEN);
	certificate.not_after_ms =
	    env_clock_ms(k->env) +
	    (uint64_t)KEYD_CERTIFICATE_LIFE_DAYS * 86400 * 1000;
	keys_certify(origin, &certificate);
	certificate_sign(&certificate, k->identity_secret, out);
}

enum sr_error
keyd_next_epoch(const struct keyd *k, uint32_t epoch, uint32_t *out)
{
	uint64_t now_s = env_clock_ms(k->env) / 1000;
	uint64_t next = (uint64_t)epoch + 1;

	if (now_s > next)
		next = now_s;
	*out = (uint32_t)next;
	return next <= UINT32_MAX ? SR_OK : SR_INTERNAL;
}

enum sr_error
keyd_next_origin(const struct keyd *k, uint32_t *out)
{
	uint32_t apart;
	enum sr_error error = keyd_next_epoch(k, k->state.log_epoch, out);

	if (error != SR_OK || *out > (uint64_t)k->state.log_epoch + 1)
		return error;
	env_random(k->env, &apart, sizeof(apart));
	apart %= KEYD_ORIGINS_APART_S;
	if (*out > UINT32_MAX - apart)
		return SR_INTERNAL;
	*out += apart;
	return SR_OK;
}

void
keyd_forget_identity(struct keyd *k)
{
	sodium_memzero(k->identity_secret, SIGNING_SECRET_LEN);
	k->identity_secret = NULL;
}

/* What credentials are sealed in, rest on and are bound to now. */
static void
keyd_present_epochs(struct keyd *k)
{
	k->credentials.epochs = k->epochs;
	k->credentials.oprf_epoch = k->state.key[BANK_KEY_OPRF].epoch;
	k->credentials.pair_epoch = k->state.key[BANK_KEY_OPAQUE].epoch;
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
	k->state.founded_ms = env_clock_ms(k->env);
	state_keys_init(&k->state);
	keyd_uses_start(k);
	reseal_keys(k);
	error = credentials_open(&k->credentials, k->env, k->keys, true);
	keyd_present_epochs(k);
	if (error == SR_OK)
		error = credentials_load(&k->credentials, 0, false);
	if (error == SR_OK)
		credentials_digest_seal(
		    &k->credentials, k->credentials.digest, k->state.digest);
	return keyd_fail(k, "credentials", error);
}

/* A file that is not believed: what it is, and what to do. */
static enum sr_error
keyd_refuse(
    struct keyd *k, const char *file, const char *what, enum sr_error error)
{
	if (k->failure == SR_OK)
		diag_error("%s: %s; strongroomctl restore puts a backup's "
			   "files in place of keyd's",
		    file, what);
	k->failure = error;
	return error;
}

/* Where the credentials end to be this bank's. */
static enum sr_error
keyd_refuse_credentials(struct keyd *k, enum sr_error error)
{
	const struct credentials *c = &k->credentials;
	char what[160];
	uint64_t len = 0;

	if ((error != SR_DAMAGED && error != SR_ROLLED_BACK) ||
	    env_size(k->env, c->file, &len) != SR_OK)
		return keyd_fail(k, "credentials", error);
	if (len < (k->state.customers + 1) * CREDENTIAL_CUSTOMER_LEN)
		snprintf(what, sizeof(what),
		    "cut short: %llu bytes are too few for %llu customers",
		    (unsigned long long)len,
		    (unsigned long long)k->state.customers);
	else if (error == SR_ROLLED_BACK)
		snprintf(what, sizeof(what),
		    "not those that state knows: one of the two files is of "
		    "another time");
	else
		snprintf(what, sizeof(what),
		    "customer %llu of %llu does not open: the file is damaged "
		    "or another bank's",
		    (unsigned long long)c->customers + 1,
		    (unsigned long long)k->state.customers);
	return keyd_refuse(k, "credentials", what, error);
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

	keyd_count_use(k, BANK_KEY_CREDENTIAL);
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

	keyd_uses_start(k);
	reseal_keys(k);
	if (k->identity_secret != NULL &&
	    memcmp(identity, state->identity, PUBLIC_KEY_LEN) != 0)
		return keyd_fail(
		    k, "the identity is not this bank's", SR_BANK_KEY);
	error = credentials_open(&k->credentials, k->env, k->keys, false);
	keyd_present_epochs(k);
	if (error == SR_OK)
		error = credentials_load(&k->credentials, state->customers,
		    state->intent.customer == state->customers + 1);
	if (error == SR_OK)
		error = keyd_settle(k);
	if (error == SR_OK)
		error = erase_rest(k);
	return error == SR_OK ? SR_OK : keyd_refuse_credentials(k, error);
}

/*
 * Are the terminals those that the state knows?  Settles a change.  Where none
 * is left the books enrol all again, with cards of the present root.
 */
static enum sr_error
keyd_settle_terminals(struct keyd *k)
{
	struct state *state = &k->state;
	uint8_t found[TERMINALS_DIGEST_LEN];
	enum sr_error error = SR_OK;

	terminals_digest(&k->terminals, NULL, found);
	if (!sodium_is_zero(state->terminals, sizeof(found)) &&
	    k->terminals.count > 0 &&
	    memcmp(found, state->terminals, sizeof(found)) != 0 &&
	    memcmp(found, state->terminals_next, sizeof(found)) != 0)
		return SR_ROLLED_BACK;
	if (memcmp(state->terminals, state->terminals_next, sizeof(found)) != 0)
		error = terminals_write_again(&k->terminals);
	memcpy(state->terminals, found, sizeof(found));
	memcpy(state->terminals_next, found, sizeof(found));
	return error;
}

static enum sr_error
keyd_open_terminals(struct keyd *k)
{
	enum sr_error error =
	    terminals_open(&k->terminals, k->env, k->keys->state);

	k->terminals.root_hour =
	    terminals_root_hour(k->state.key[BANK_KEY_TERMINAL].epoch);
	if (error == SR_OK)
		error = keyd_settle_terminals(k);
	if (error == SR_DAMAGED)
		return keyd_refuse(
		    k, "terminals", "damaged, or another bank's", error);
	if (error == SR_ROLLED_BACK)
		return keyd_refuse(k, "terminals",
		    "not those that state knows: one of the two files is of "
		    "another time",
		    error);
	return keyd_fail(k, "terminals", error);
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
		error = keyd_refuse(
		    k, "state", "damaged: empty, or cut short", SR_DAMAGED);
	else if (error == SR_DAMAGED)
		error = keyd_refuse(k, "state",
		    "damaged, or state or root.sealed is another bank's: "
		    "neither of its slots has the root's seal",
		    error);
	if (k->lone)
		diag_warn("state: one of its two slots is damaged");
	if (error != SR_OK)
		return keyd_fail(k, "state", error);
	error = limits_open(&k->limits, k->env, k->keys->limit);
	if (error != SR_OK)
		return keyd_fail(k, "limits", error);
	if (!params->init && k->limits.found_len < LIMITS_FILE_LEN)
		diag_warn("limits: cut short: attempts counted behind byte "
			  "%llu are forgotten",
		    (unsigned long long)k->limits.found_len);
	return keyd_open_terminals(k);
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
	error = keyd_fail(k, "keys", keyd_take_origin(k, params, keys));
	if (error != SR_OK)
		return error;
	/* until the note is in the log, the disk keeps what it has */
	if (k->restore != NULL)
		return SR_OK;
	if (k->identity_secret != NULL && !k->rotation.wanted)
		keyd_certify(k, k->origin, k->state.certificate);
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
