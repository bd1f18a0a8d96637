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

void
rekey_tell(struct keyd *k, const struct customer *customer)
{
	struct message_attestation m = {.customer = customer->id};

	if (customer->name_len != 0) {
		m.name = (const uint8_t *)customer->name;
		m.name_len = customer->name_len;
		m.display_name = (const uint8_t *)customer->display_name;
		m.display_name_len = customer->display_name_len;
		m.attestation = customer->attestation;
		m.attestation_len = ATTESTATION_LEN;
		memcpy(m.salt, customer->salt, sizeof(m.salt));
		memcpy(m.directory_key, customer->directory_key,
		    sizeof(m.directory_key));
	}
	KEYD_SEND(k, to_ledgerd, attestation, ATTESTATION, &m);
	sodium_memzero(&m, sizeof(m));
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

/* The other slot's half of the same keys, with nothing changed in between. */
static bool
half_fits(const struct rekey_half *half, const struct pending *p,
    const struct payload_m3 *m3, const struct customer *customer)
{
	return half->change == customer_change(customer) &&
	       half->target != p->m1.target_slot &&
	       memcmp(half->signing_key, m3->signing_key, PUBLIC_KEY_LEN) ==
		   0 &&
	       memcmp(half->message_key, m3->message_key, PUBLIC_KEY_LEN) == 0;
}

void
keyd_take_ledgerd_attested(struct keyd *k, const struct message_attested *m)
{
	struct rekey_half *half =
	    m->customer != 0 ? half_of(k, m->customer) : NULL;

	if (half != NULL &&
	    memcmp(half->former, m->hash, sizeof(half->former)) == 0)
		half->in_books = true;
}

enum sr_error
rekey_take(struct keyd *k, const struct pending *p, const struct payload_m3 *m3,
    uint64_t reset_leaf, struct customer *customer)
{
	struct rekey_half *half = half_of(k, customer->id);

	if (half != NULL && half_fits(half, p, m3, customer)) {
		/* a reset's request named them, and came through the books */
		if (reset_leaf == 0 && !half->in_books)
			return SR_BUSY;
		customer->credential[half->target] = half->credential;
		register_credential(
		    p, m3, &customer->credential[p->m1.target_slot]);
		register_attest(k, m3, reset_leaf, customer);
		half_forget(half);
		return SR_OK;
	}
	if (half == NULL)
		half = half_place(k);
	half_forget(half);
	half->customer = customer->id;
	half->change = customer_change(customer);
	half->since_ms = env_boot_ms(k->env);
	half->target = p->m1.target_slot;
	memcpy(half->signing_key, m3->signing_key, PUBLIC_KEY_LEN);
	memcpy(half->message_key, m3->message_key, PUBLIC_KEY_LEN);
	register_credential(p, m3, &half->credential);
	attestation_hash(customer->attestation, half->former);
	if (reset_leaf == 0)
		rekey_tell(k, customer);
	return SR_AGAIN;
}
