/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_SIM_CREDENTIALS_H
#define TESTS_LIB_SIM_CREDENTIALS_H
/*
 * People of sim_bank.h who change what they are known by: passwords, recovery
 * codes, keys; and the keys of their sessions.
 */
#include "tests/lib/sim_bank.h"

/* Re-keys the session as an honest client does.  SR_CLOSED: no answer. */
enum sr_error sim_person_rekey(
    struct sim_bank *bank, struct sim_person *person);

/* One handshake of a change, and what a dishonest client may choose in it. */
struct sim_change {
	uint8_t slot;       /* logged in with */
	const char *secret; /* of that slot */
	uint8_t target;     /* slot that is set */
	const char *new_secret;
	/* of new keys: NULL keeps those in force */
	const uint8_t *signing_public;
	const uint8_t *signing_secret;
	const uint8_t *old_secret; /* signs for the old keys; NULL: nobody */
	bool no_proof;             /* spoils the proof of possession */
};

/*
 * What M5 said (*m5 then); SR_LOGIN when the client itself saw that the
 * secret is wrong; SR_CLOSED when keyd refused.
 */
enum sr_error sim_person_change(struct sim_bank *bank,
    struct sim_person *person, const struct sim_change *change,
    struct payload_m5 *m5);

/* Keys that are another's for each number. */
void sim_keys(unsigned number, uint8_t public_key[32], uint8_t secret_key[64]);

#endif
