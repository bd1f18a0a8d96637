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
	bool renews;               /* a renewal: the same secret again */
	bool no_proof;             /* spoils the proof of possession */
	/* a reset by that code in the place of slot and secret; NULL: none */
	const uint8_t *reset_code;
};

/*
 * What M5 said (*m5 then); SR_LOGIN when the client itself saw that the
 * secret is wrong; SR_CLOSED when keyd refused.
 */
enum sr_error sim_person_change(struct sim_bank *bank,
    struct sim_person *person, const struct sim_change *change,
    struct payload_m5 *m5);

/*
 * The parameters of a reset of that person as the books have it, for ten days;
 * and the orders of both operators, of which the approval's leaf is *leaf.
 * What the second one's outcome is.
 */
struct order_reset sim_reset_of(
    const struct sim_bank *bank, const struct sim_person *person);
enum sr_error sim_reset_agree(struct sim_bank *bank, struct sim_people *people,
    const struct order_reset *reset, uint64_t *leaf);

/* The code that keyd gives for that approval; what the answer says. */
enum sr_error sim_reset_code(
    struct sim_bank *bank, uint64_t leaf, uint8_t code[RESET_CODE_LEN]);

/* Both halves by that code, with these keys; what the last M2 or M5 said. */
enum sr_error sim_person_reset(struct sim_bank *bank,
    const struct sim_person *person, const uint8_t code[RESET_CODE_LEN],
    const char *password, const uint8_t public_key[32],
    const uint8_t secret_key[64]);

/* Has that key begin an epoch while the bank runs; what the answer says. */
enum sr_error sim_rotate(struct sim_bank *bank, uint8_t key);

/* keyd at rest, until nothing is left of the credentials' former epoch. */
enum sr_error sim_reseal(struct sim_bank *bank);

/* Keys that are another's for each number. */
void sim_keys(unsigned number, uint8_t public_key[32], uint8_t secret_key[64]);

#endif
