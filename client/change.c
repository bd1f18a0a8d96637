/* SPDX-License-Identifier: ISC */
/*
 * Register, change, rekey, reset.  Must never take a bank's word for what it
 * attested, nor leave a secret behind.
 */
#include <string.h>

#include <sodium.h>

#include "client/exchange.h"
#include "common/secret.h"

static enum sr_error
register_steps(struct attempt *attempt, struct exchange *exchange,
    struct login_registered *out)
{
	struct opaque_password password =
	    exchange_password(attempt->credential);
	enum sr_error error =
	    exchange_start_record(exchange, attempt, &password);

	if (error == SR_OK)
		error = attempt_ask(attempt, &exchange->m1, &exchange->m2);
	if (error == SR_OK)
		error = exchange_finish_record(exchange, attempt, &password,
		    out->seed, ATTESTATION_FIRST_EPOCH, NULL);
	if (error == SR_OK)
		error = exchange_send_m3(exchange, attempt);
	if (error == SR_OK)
		error = exchange_result(exchange, attempt,
		    ATTESTATION_FIRST_EPOCH, &out->attestation);
	if (error == SR_OK)
		memcpy(out->attestation_bytes, exchange->m5.attestation,
		    ATTESTATION_LEN);
	return error;
}

enum sr_error
login_register(const struct login_options *options,
    const struct login_credential *credential, const uint8_t *seed,
    const uint8_t *invitation, const char *display_name,
    struct login_registered *out, struct login_problem *problem)
{
	struct attempt attempt;
	struct exchange exchange;
	enum sr_error error =
	    attempt_begin(&attempt, options, credential, problem);

	memset(out, 0, sizeof(*out));
	if (error != SR_OK)
		return error;
	exchange_begin(&exchange, OPERATION_REGISTER, credential);
	if (invitation != NULL)
		memcpy(exchange.m1.invitation, invitation, INVITATION_LEN);
	if (display_name != NULL) {
		size_t len = strnlen(display_name, PAYLOAD_DISPLAY_NAME_MAX);

		memcpy(exchange.m1.display_name, display_name, len);
		exchange.m1.display_name_len = (uint8_t)len;
	}
	if (seed != NULL)
		memcpy(out->seed, seed, SEED_LEN);
	else
		randombytes_buf(out->seed, SEED_LEN);
	error = register_steps(&attempt, &exchange, out);
	if (error != SR_OK)
		sodium_memzero(out, sizeof(*out));
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	return error;
}

/* A credential that is to be set, and with which keys. */
struct change {
	enum payload_operation operation;
	uint8_t target;
	struct opaque_password password;
	const uint8_t *seed;
	uint32_t key_epoch;
	const uint8_t *old_secret; /* NULL: the keys stay */
};

/* One handshake up to M3; exchange and attempt are the caller's to end. */
static enum sr_error
change_steps(struct exchange *exchange, struct attempt *attempt,
    const struct change *change)
{
	enum sr_error error;

	exchange_begin(exchange, change->operation, attempt->credential);
	exchange->m1.target_slot = change->target;
	error = exchange_start_login(exchange, attempt);
	if (error == SR_OK)
		error =
		    exchange_start_record(exchange, attempt, &change->password);
	if (error == SR_OK)
		error = attempt_ask(attempt, &exchange->m1, &exchange->m2);
	if (error == SR_OK)
		error = exchange_finish_login(exchange, attempt);
	if (error == SR_OK)
		error =
		    exchange_finish_record(exchange, attempt, &change->password,
			change->seed, change->key_epoch, change->old_secret);
	if (error == SR_OK)
		error = exchange_send_m3(exchange, attempt);
	return error;
}

static enum sr_error
change_whole(const struct login_options *options,
    const struct login_credential *credential, const struct change *change,
    struct login_problem *problem)
{
	struct attestation attestation;
	struct attempt attempt;
	struct exchange exchange;
	enum sr_error error =
	    attempt_begin(&attempt, options, credential, problem);

	if (error != SR_OK)
		return error;
	error = change_steps(&exchange, &attempt, change);
	if (error == SR_OK)
		error = exchange_result(
		    &exchange, &attempt, change->key_epoch, &attestation);
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	return error;
}

enum sr_error
login_change(const struct login_options *options,
    const struct login_credential *credential, uint8_t target_slot,
    const void *new_password, size_t new_password_len,
    const uint8_t seed[SEED_LEN], uint32_t key_epoch,
    struct login_problem *problem)
{
	struct change change = {.operation = OPERATION_CHANGE,
	    .target = target_slot,
	    .password = {.bytes = new_password, .len = new_password_len},
	    .seed = seed,
	    .key_epoch = key_epoch};

	return change_whole(options, credential, &change, problem);
}

enum sr_error
login_renew(const struct login_options *options,
    const struct login_credential *credential, const struct login *login,
    struct login_problem *problem)
{
	struct change change = {.operation = OPERATION_RENEW,
	    .target = SLOT_PASSWORD,
	    .password = exchange_password(credential),
	    .seed = login->seed,
	    .key_epoch = login->attestation.key_epoch};

	return change_whole(options, credential, &change, problem);
}

/*
 * One half.  The first leaves everything as it was, and the bank says so by
 * the attestation in force; the second brings the new one, which must
 * continue it.
 */
static enum sr_error
rekey_half(const struct login_options *options,
    const struct login_credential *credential, const struct change *change,
    const struct login *login, struct login_problem *problem)
{
	uint8_t hash[32];
	struct attestation attestation;
	struct attempt attempt;
	struct exchange exchange;
	bool first = change->target == SLOT_RECOVERY;
	enum sr_error error =
	    attempt_begin(&attempt, options, credential, problem);

	if (error != SR_OK)
		return error;
	error = change_steps(&exchange, &attempt, change);
	if (error == SR_OK && first) {
		error = exchange_take_m5(&exchange, &attempt);
		if (error == SR_OK &&
		    memcmp(exchange.m5.attestation, login->welcome.attestation,
			ATTESTATION_LEN) != 0)
			error = attempt_fail(&attempt, SR_BUSY,
			    "the keys were replaced elsewhere in the meantime; "
			    "try again");
		/* whatever became of it: it is no more than half */
		if (error == SR_UNKNOWN_OUTCOME)
			error = attempt_fail(&attempt, SR_UNREACHABLE, NULL);
	} else if (error == SR_OK) {
		error = exchange_result(
		    &exchange, &attempt, change->key_epoch, &attestation);
		attestation_hash(login->welcome.attestation, hash);
		if (error == SR_OK &&
		    memcmp(attestation.previous_hash, hash, sizeof(hash)) != 0)
			error = attempt_fail(&attempt, SR_DAMAGED, NULL);
	}
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	return error;
}

enum sr_error
login_rekey(const struct login_options *options,
    const struct login_credential *credential, const struct login *login,
    const void *recovery, size_t recovery_len, struct login_problem *problem)
{
	SECRET_32(seed);
	struct change change = {.operation = OPERATION_CHANGE,
	    .target = SLOT_RECOVERY,
	    .password = {.bytes = recovery, .len = recovery_len},
	    .seed = seed,
	    .key_epoch = login->attestation.key_epoch + 1,
	    .old_secret = login->keys.signing_secret};
	enum sr_error error;

	randombytes_buf(seed, sizeof(seed));
	error = rekey_half(options, credential, &change, login, problem);
	if (error != SR_OK)
		return error;
	change.target = SLOT_PASSWORD;
	change.password = exchange_password(credential);
	return rekey_half(options, credential, &change, login, problem);
}

/* One half, of which the first leaves everything as it was. */
static enum sr_error
reset_half(const struct login_options *options,
    const struct login_credential *credential, const struct change *change,
    const uint8_t code[RESET_CODE_LEN], struct attestation *attestation,
    struct login_problem *problem)
{
	struct attempt attempt;
	struct exchange exchange;
	struct reset_code said;
	bool first = change->target == SLOT_RECOVERY;
	enum sr_error error =
	    attempt_begin(&attempt, options, credential, problem);

	if (error != SR_OK)
		return error;
	reset_code_read(code, &said);
	exchange_begin(&exchange, change->operation, credential);
	exchange.m1.target_slot = change->target;
	memcpy(exchange.m1.invitation, code, RESET_CODE_LEN);
	error = exchange_start_record(&exchange, &attempt, &change->password);
	if (error == SR_OK)
		error = attempt_ask(&attempt, &exchange.m1, &exchange.m2);
	if (error == SR_OK)
		error = exchange_finish_record(&exchange, &attempt,
		    &change->password, change->seed, change->key_epoch, NULL);
	if (error == SR_OK)
		error = exchange_send_m3(&exchange, &attempt);
	if (error == SR_OK && first) {
		error = exchange_take_m5(&exchange, &attempt);
		/* whatever became of it: it is no more than half */
		if (error == SR_UNKNOWN_OUTCOME)
			error = attempt_fail(&attempt, SR_UNREACHABLE, NULL);
	} else if (error == SR_OK) {
		error = exchange_result(
		    &exchange, &attempt, change->key_epoch, attestation);
		if (error == SR_OK && attestation->reset_leaf != said.leaf)
			error = attempt_fail(&attempt, SR_DAMAGED, NULL);
	}
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	return error;
}

enum sr_error
login_reset(const struct login_options *options,
    const struct login_credential *credential,
    const uint8_t code[RESET_CODE_LEN], const void *recovery,
    size_t recovery_len, struct attestation *attestation,
    struct login_problem *problem)
{
	SECRET_32(seed);
	struct reset_code said;
	struct change change = {.operation = OPERATION_RESET,
	    .target = SLOT_RECOVERY,
	    .password = {.bytes = recovery, .len = recovery_len},
	    .seed = seed};
	enum sr_error error;

	reset_code_read(code, &said);
	change.key_epoch = said.key_epoch;
	randombytes_buf(seed, sizeof(seed));
	error = reset_half(
	    options, credential, &change, code, attestation, problem);
	if (error != SR_OK)
		return error;
	change.target = SLOT_PASSWORD;
	change.password = exchange_password(credential);
	return reset_half(
	    options, credential, &change, code, attestation, problem);
}
