/* SPDX-License-Identifier: ISC */
/*
 * The epochs of reseal.h.  Must never drop a key under which a record still
 * stands, nor seal anything under a former one.
 */
#include "keyd/reseal.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/diag.h"
#include "common/secret.h"
#include "keyd/keyd.h"

static struct state_key *
row(struct keyd *k)
{
	return &k->state.key[BANK_KEY_CREDENTIAL];
}

void
reseal_keys(struct keyd *k)
{
	uint32_t epochs[2] = {row(k)->epoch, row(k)->former};
	SECRET_64(secret);

	sodium_memzero(k->epochs, sizeof(*k->epochs));
	for (unsigned i = 0; i < 2; i++) {
		if (epochs[i] == 0)
			continue;
		k->epochs->of[i].epoch = epochs[i];
		(void)keys_epoch(
		    k->keys, BANK_KEY_CREDENTIAL, epochs[i], secret);
		memcpy(k->epochs->of[i].key, secret, 32);
	}
}

void
reseal_begin(struct keyd *k)
{
	reseal_keys(k);
	memset(&k->reseal, 0, sizeof(k->reseal));
}

uint64_t
reseal_left(const struct keyd *k)
{
	return k->state.key[BANK_KEY_CREDENTIAL].former == 0 ||
		       k->reseal.next > k->credentials.customers
		   ? 0
		   : k->credentials.customers + 1 - k->reseal.next;
}

uint64_t
reseal_due_ms(const struct keyd *k)
{
	uint64_t now_ms = env_boot_ms(k->env);

	if (k->state.key[BANK_KEY_CREDENTIAL].former == 0 || k->lone ||
	    k->restore != NULL || k->state.copy || !k->tree_started)
		return UINT64_MAX;
	return k->reseal.next_ms > now_ms ? k->reseal.next_ms - now_ms : 0;
}

static enum sr_error
nobody_again(struct keyd *k)
{
	enum sr_error error;

	keyd_count_use(k, BANK_KEY_CREDENTIAL);
	error = credentials_write_nobody(&k->credentials);
	if (error == SR_OK)
		backup_note(&k->backup, BACKUP_CREDENTIALS, 0);
	return error == SR_NO_SPACE || error == SR_READ_ONLY
		   ? error
		   : keyd_fail(k, "credentials", error);
}

/* The same record under the present key, in the place of the older version. */
static enum sr_error
customer_again(struct keyd *k, uint64_t id)
{
	struct customer customer;
	enum sr_error error = credentials_read(&k->credentials, id, &customer);

	if (keyd_fail(k, "credentials", error) != SR_OK)
		return error;
	customer.generation++;
	/* of one who is erased nothing is kept, and nothing rests on it */
	if (customer.name_len != 0)
		customer.reseals++;
	error = keyd_save_customer(k, &customer);
	sodium_memzero(&customer, sizeof(customer));
	return error;
}

/* Nothing is under the former key: in both slots, then in no memory. */
static void
former_ends(struct keyd *k)
{
	row(k)->former = 0;
	if (keyd_save_both(k) == SR_OK)
		reseal_keys(k);
}

void
reseal_step(struct keyd *k)
{
	struct reseal *r = &k->reseal;
	uint64_t now_ms = env_boot_ms(k->env);
	enum sr_error error = SR_OK;
	bool present = true;

	if (reseal_due_ms(k) != 0)
		return;
	r->next_ms = now_ms + RESEAL_PAUSE_MS;
	for (unsigned looks = 0; looks < RESEAL_LOOKS; looks++) {
		if (r->next > k->credentials.customers) {
			former_ends(k);
			return;
		}
		error = credentials_present(&k->credentials, r->next, &present);
		if (keyd_fail(k, "credentials", error) != SR_OK)
			return;
		if (!present)
			break;
		r->next++;
	}
	if (present)
		return;
	error = r->next == 0 ? nobody_again(k) : customer_again(k, r->next);
	if (error != SR_OK)
		r->next_ms = now_ms + RESEAL_WAIT_MS;
}
