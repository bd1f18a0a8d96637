/* SPDX-License-Identifier: ISC */
/*
 * The epochs of epochs.h.  Must never make anything under a former key, nor
 * take what one has made after its time.
 */
#include "keyd/epochs.h"

#include <string.h>

#include <sodium.h>

#include "common/kdf.h"
#include "common/secret.h"
#include "keyd/keyd.h"

/* An epoch is the second in which it was begun, or a later one. */
static bool
younger_than(const struct keyd *k, uint32_t epoch, uint64_t age_s)
{
	uint64_t now_s = env_clock_ms(k->env) / 1000;

	return now_s >= epoch && now_s - epoch < age_s;
}

enum sr_error
epochs_rotate(struct keyd *k, const struct entry_event *use)
{
	uint32_t least_s = key_least_s(use->subject), epoch;
	enum bank_key which = (enum bank_key)use->subject;
	struct state_key *key = &k->state.key[least_s != 0 ? which : 0];
	enum sr_error error;

	if (least_s == 0 || k->state.copy || k->lone)
		return SR_NOT_ALLOWED;
	if (!sodium_is_zero(use->detail, sizeof(use->detail)))
		return SR_PARAMETERS;
	if (which == BANK_KEY_CREDENTIAL && key->former != 0)
		return SR_KEY_EPOCH;
	/* the clock may have been set: what is far ahead holds nobody up */
	if (younger_than(k, key->epoch, least_s))
		return SR_LATER;
	error = keyd_next_epoch(k, key->epoch, &epoch);
	if (error == SR_OK && which == BANK_KEY_TERMINAL)
		error = terminals_next_root(key->epoch, epoch, &epoch);
	if (error == SR_OK)
		error =
		    keyd_budget_on_disk(k, REFUSAL_ROTATIONS, BUDGET_ROTATIONS);
	if (error != SR_OK)
		return error;
	key->former = key->epoch;
	key->epoch = epoch;
	keyd_uses_renew(k, which);
	error = keyd_save_both(k);
	if (error == SR_OK && which == BANK_KEY_CREDENTIAL)
		reseal_begin(k);
	else if (error == SR_OK && which == BANK_KEY_OPRF)
		credentials_oprf_epoch(&k->credentials, epoch);
	else if (error == SR_OK && which == BANK_KEY_TERMINAL)
		k->terminals.root_hour = terminals_root_hour(epoch);
	return error;
}

uint32_t
epochs_former(const struct keyd *k, enum bank_key key)
{
	const struct state_key *row = &k->state.key[key];
	uint64_t now_s = env_clock_ms(k->env) / 1000;

	return now_s < (uint64_t)row->epoch + key_least_s(key) ? row->former
							       : 0;
}

static void
mac_of(const struct keyd *k, enum bank_key key, uint32_t epoch,
    const uint8_t *input, size_t input_len, uint8_t mac[KDF_SHA512_LEN])
{
	SECRET_64(secret);
	size_t len = keys_epoch(k->keys, key, epoch, secret);

	if (key == BANK_KEY_DEVICE)
		kdf_hmac_sha256(mac, secret, len, input, input_len);
	else
		kdf_hmac_sha512(mac, secret, len, input, input_len);
}

void
epochs_mac(const struct keyd *k, enum bank_key key, const uint8_t *input,
    size_t input_len, uint8_t *out, size_t out_len)
{
	SECRET_64(mac);

	mac_of(k, key, k->state.key[key].epoch, input, input_len, mac);
	memcpy(out, mac, out_len);
}

bool
epochs_mac_valid(const struct keyd *k, enum bank_key key, const uint8_t *input,
    size_t input_len, const uint8_t *mac, size_t mac_len)
{
	uint32_t present = k->state.key[key].epoch;
	uint32_t former = epochs_former(k, key);
	unsigned equal = 0;
	SECRET_64(right);

	mac_of(k, key, present, input, input_len, right);
	equal |= sodium_memcmp(right, mac, mac_len) == 0;
	mac_of(k, key, former != 0 ? former : present, input, input_len, right);
	equal |= sodium_memcmp(right, mac, mac_len) == 0;
	return equal != 0;
}
