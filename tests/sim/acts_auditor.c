/* SPDX-License-Identifier: ISC */
/*
 * Auditors: two operators enrol them, and they get keys of segments.  A key
 * that was given must be the right one, for the one who was enrolled.
 */
#include <stdlib.h>
#include <string.h>

#include "common/disclosure.h"
#include "common/noise.h"
#include "tests/sim/acts.h"

enum { AUDITORS = 2 };

static const char *const names[AUDITORS] = {"clara", "edith"};

static void
keys_of(unsigned which, uint8_t public[32], uint8_t secret[32])
{
	memset(secret, 0, 32);
	secret[0] = (uint8_t)(7 + which);
	noise_public_key(public, secret);
}

/* Name or key may be taken: that is declined. */
static void
enrol(struct world *world, const uint64_t *draw)
{
	struct order_auditor auditor = {.name_len = 5};
	uint8_t parameters[ORDER_AUDITOR_LEN], secret[32];

	memcpy(auditor.name, names[draw[0] % 4 == 0], auditor.name_len);
	keys_of((unsigned)(draw[1] % AUDITORS), auditor.key, secret);
	order_auditor_encode(&auditor, parameters);
	acts_four_eyes(world, ORDER_AUDITOR_REQUEST, 0, parameters,
	    sizeof(parameters), draw[2]);
}

static void
check_key(struct world *world, const struct message_disclosure *m)
{
	struct disclosure_item item = {.segment = m->segment};
	uint8_t public[32], secret[32], key[32], expected[32];
	const struct keyd *keyd = world->bank->keyd;

	memcpy(item.salt, m->salt, sizeof(item.salt));
	memcpy(item.sealed, m->sealed, sizeof(item.sealed));
	keys_segment(keyd->keys, item.segment, item.salt, expected);
	for (unsigned i = 0; i < AUDITORS; i++) {
		keys_of(i, public, secret);
		if (memcmp(public, m->auditor, 32) == 0 &&
		    disclosure_open(keyd->state.bank_id, secret, &item, key) ==
			SR_OK &&
		    memcmp(key, expected, 32) == 0)
			return;
	}
	world_fail(
	    world, "the key of segment %u was disclosed wrongly", m->segment);
}

void
acts_disclose(struct world *world, const uint64_t *draw)
{
	struct sim_bank *bank = world->bank;
	const char *name = names[draw[0] % 4 == 0];
	uint8_t bytes[MESSAGE_DISCLOSURE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_disclosure_get get = {
	    .name = (const uint8_t *)name, .name_len = 5};
	struct message_disclosure answer;
	struct ipc_message m;
	struct reader r;

	if (world->up && (draw[3] % 8 == 0 || book_auditor(&bank->ledgerd->book,
						  name, 5) == NULL))
		enrol(world, draw);
	if (!world->up)
		return;
	/* the one behind the last one is none */
	get.segment =
	    (uint32_t)(draw[1] % (bank->ledgerd->segments.number + 2));
	if (message_disclosure_get_encode(&w, &get) != SR_OK)
		abort();
	(void)sim_bank_control(bank, bytes, writer_len(&w));
	r = reader_of(bank->control_answer, bank->control_answer_len);
	if (ipc_next(&r, false, &m) == SR_OK && m.type == MESSAGE_DISCLOSURE &&
	    message_disclosure_decode(m.body, m.len, &answer) == SR_OK &&
	    answer.error == SR_OK) {
		world_tell(world, "    %s gets the key of segment %u", name,
		    answer.segment);
		check_key(world, &answer);
	}
	(void)world_go(world);
}
