/* SPDX-License-Identifier: ISC */
/* The halves of rekey.h.  Must never put one of them in force alone. */
#include "keyd/rekey.h"

#include <string.h>

#include <sodium.h>

#include "keyd/keyd.h"

enum sr_error
rekey_allowed(const struct pending *p, const struct payload_m3 *m3,
    const struct attestation *attested)
{
	if (p->m1.slot != SLOT_PASSWORD ||
	    memcmp(attested->signing_key, m3->signing_key, PUBLIC_KEY_LEN) ==
		0 ||
	    memcmp(attested->message_key, m3->message_key, PUBLIC_KEY_LEN) == 0)
		return SR_NOT_ALLOWED;
	return handshake_old_verify(&p->handshake, attested->signing_key, m3);
}

static void
half_forget(struct rekey_half *half)
{
	sodium_memzero(half, sizeof(*half));
}

/* The customer's half; NULL if there is none.  Those too old are forgotten. */
static struct rekey_half *
half_of(struct keyd *k, uint64_t customer)
{
	uint64_t now_ms = env_boot_ms(k->env);
	struct rekey_half *found = NULL;

	for (size_t i = 0; i < REKEY_HALVES_MAX; i++) {
		struct rekey_half *half = &k->rekeys[i];

		if (half->customer != 0 &&
		    now_ms - half->since_ms >= REKEY_HALF_LIFE_MS)
			half_forget(half);
		if (half->customer == customer)
			found = half;
	}
	return found;
}

/* A free place, or that of the oldest. */
static struct rekey_half *
half_place(struct keyd *k)
{
	struct rekey_half *place = &k->rekeys[0];

	for (size_t i = 0; i < REKEY_HALVES_MAX && place->customer != 0; i++) {
		struct rekey_half *half = &k->rekeys[i];

		if (half->customer == 0 || half->since_ms < place->since_ms)
			place = half;
	}
	return place;
}

static void
credential_of(const struct pending *p, const struct payload_m3 *m3,
    struct credential *credential)
{
	credential->present = true;
	memcpy(credential->random, p->random, sizeof(credential->random));
	credential->record = m3->record;
	memcpy(credential->wrapped_seed, m3->wrapped_seed, WRAPPED_SEED_LEN);
}

/* The other slot's half of the same keys, with nothing changed in between. */
static bool
half_fits(const struct rekey_half *half, const struct pending *p,
    const struct payload_m3 *m3, const struct customer *customer)
{
	return half->generation == customer->generation &&
	       half->target != p->m1.target_slot &&
	       memcmp(half->signing_key, m3->signing_key, PUBLIC_KEY_LEN) ==
		   0 &&
	       memcmp(half->message_key, m3->message_key, PUBLIC_KEY_LEN) == 0;
}

bool
rekey_take(struct keyd *k, const struct pending *p, const struct payload_m3 *m3,
    struct customer *customer)
{
	struct rekey_half *half = half_of(k, customer->id);

	if (half != NULL && half_fits(half, p, m3, customer)) {
		customer->credential[half->target] = half->credential;
		credential_of(p, m3, &customer->credential[p->m1.target_slot]);
		register_attest(k, m3, customer);
		half_forget(half);
		return true;
	}
	if (half == NULL)
		half = half_place(k);
	half_forget(half);
	half->customer = customer->id;
	half->generation = customer->generation;
	half->since_ms = env_boot_ms(k->env);
	half->target = p->m1.target_slot;
	memcpy(half->signing_key, m3->signing_key, PUBLIC_KEY_LEN);
	memcpy(half->message_key, m3->message_key, PUBLIC_KEY_LEN);
	credential_of(p, m3, &half->credential);
	return false;
}
