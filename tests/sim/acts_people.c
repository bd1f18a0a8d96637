/* SPDX-License-Identifier: ISC */
/* The steps that are about names, passwords, keys, authority and time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/acts.h"

/* ---- names, passwords, keys ------------------------------------------------ */

void
acts_wrong_password(struct world *world, const uint64_t *draw)
{
	struct actor *who = acts_customer(world, draw[0]);
	struct sim_person stranger = who->person;

	if (sim_person_log_in_by(
		world->bank, &stranger, SLOT_PASSWORD, "a wrong one") == SR_OK)
		world_fail(world, "a wrong password opens");
	(void)world_go(world);
}

void
acts_leave(struct world *world, const uint64_t *draw)
{
	struct actor *who = &world->actor[draw[0] % ACTORS_FURNISHED];
	uint8_t bytes[MESSAGE_SESSION_GONE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_session_gone gone = {
	    .generation = world->bank->generation,
	    .connection = who->person.connection};

	if (!who->in)
		return;
	who->in = false;
	for (unsigned i = 0; i < who->pending_count; i++)
		who->pending[i].sent = false;
	if (message_session_gone_encode(&w, &gone) != SR_OK)
		abort();
	(void)env_send(
	    &world->bank->netd->env, ENV_LEDGERD, bytes, writer_len(&w));
	(void)world_go(world);
}

void
acts_register_somebody(struct world *world)
{
	struct actor *who = NULL;
	enum sr_error error;

	for (unsigned i = ACTOR_DORA; i < world->actors; i++)
		if (!world->actor[i].registered) {
			who = &world->actor[i];
			break;
		}
	if (who == NULL || who->perhaps)
		return;
	error = sim_person_register(world->bank, &who->person);
	if (error == SR_OK)
		who->registered = true;
	else
		who->perhaps = true;
	world_tell(
	    world, "    %s registers: %s", who->name, error_sentence(error));
	if (world_go(world))
		(void)people_enter(world, who);
}

void
acts_change_password(struct world *world, const uint64_t *draw)
{
	struct actor *who = acts_customer(world, draw[0]);
	struct sim_change change = {.slot = SLOT_PASSWORD,
	    .target = SLOT_PASSWORD,
	    .secret = who->secret[0],
	    .new_secret = who->secret[1]};
	struct payload_m5 m5 = {0};
	enum sr_error error;

	/* whoever does not know which one it is finds out first */
	if (who->unsure || who->perhaps) {
		who->in = false;
		if (!people_enter(world, who) || who->unsure)
			return;
	}
	snprintf(who->secret[1], sizeof(who->secret[1]), "%s's %u", who->name,
	    ++who->changes);
	error = sim_person_change(world->bank, &who->person, &change, &m5);
	world_tell(world, "    %s's new password: %s", who->name,
	    error_sentence(error));
	if (error == SR_OK)
		memcpy(who->secret[0], who->secret[1], sizeof(who->secret[0]));
	else if (error == SR_CLOSED)
		who->unsure = true;
	(void)world_go(world);
	who->in = false;
}

/* Both credentials get the new keys, one after the other. */
void
acts_new_keys(struct world *world, const uint64_t *draw)
{
	struct actor *who = acts_customer(world, draw[0]);
	unsigned number = (unsigned)(who - world->actor) << 4 | who->keys;
	uint8_t new_public[32], new_secret[64];
	struct sim_change half = {.slot = SLOT_PASSWORD,
	    .secret = who->secret[0],
	    .target = SLOT_RECOVERY,
	    .new_secret = "a new code",
	    .signing_public = new_public,
	    .signing_secret = new_secret,
	    .old_secret = who->person.signing_secret};
	struct payload_m5 m5 = {0};
	enum sr_error error;

	who->in = false;
	if (who->keys == 14 || !people_enter(world, who) || who->unsure)
		return;
	sim_keys(number + 1, new_public, new_secret);
	error = sim_person_change(world->bank, &who->person, &half, &m5);
	who->keys_doubt = true;
	half.target = SLOT_PASSWORD;
	half.new_secret = who->secret[0];
	if (error == SR_OK && world_go(world))
		error =
		    sim_person_change(world->bank, &who->person, &half, &m5);
	world_tell(
	    world, "    %s's new keys: %s", who->name, error_sentence(error));
	who->in = false;
	if (world_go(world))
		(void)people_enter(world, who);
}

void
acts_rekey(struct world *world, const uint64_t *draw)
{
	struct actor *who = acts_customer(world, draw[0]);

	if (!people_enter(world, who))
		return;
	if (sim_person_rekey(world->bank, &who->person) != SR_OK)
		who->in = false;
	(void)world_go(world);
}

/* ---- authority ---------------------------------------------------------------- */

void
acts_enrol(struct world *world, const uint64_t *draw)
{
	struct actor *who = &world->actor[ACTOR_SPARE];
	struct order_enrol enrolled = {.principal = who->person.m4.customer,
	    .terminal = (uint32_t)who->person.m4.customer,
	    .epoch = 1,
	    .till_maximum_minor = 50000,
	    .role = ROLE_TERMINAL};
	uint8_t parameters[ORDER_ENROL_LEN];

	if (who->is_terminal)
		return;
	order_enrol_encode(&enrolled, parameters);
	acts_four_eyes(world, ORDER_ENROL_REQUEST, 0, parameters,
	    sizeof(parameters), draw[2]);
	if (world->up && sim_terminal_key(world->bank, &who->person) == SR_OK) {
		who->is_terminal = true;
		who->in = false;
	}
	(void)world_go(world);
}

void
acts_revoke(struct world *world, const uint64_t *draw)
{
	struct actor *who = &world->actor[ACTOR_KIOSK];
	struct actor *one = acts_operator(world, draw[0]);
	struct order_revoke revoked = {.principal = who->person.m4.customer,
	    .terminal = who->person.terminal};
	uint8_t parameters[ORDER_REVOKE_LEN];
	struct order order;

	if (draw[1] % 2 != 0 || !people_enter(world, one))
		return;
	order_revoke_encode(&revoked, parameters);
	order = people_order(world, one, ORDER_REVOKE);
	(void)people_sign(world, one, &order, parameters, sizeof(parameters));
	people_resend(world, one);
}

/* ---- time ------------------------------------------------------------------- */

void
acts_pass_time(struct world *world, const uint64_t *draw)
{
	static const uint64_t spans_ms[] = {
	    1000, 20000, 20000, 120000, 700000, 4000000, 86400000, 2000000000};
	uint64_t span = spans_ms[draw[0] % 8];

	sim_advance(world->bank->sim, span + draw[1] % span);
}

void
acts_set_clock(struct world *world, const uint64_t *draw)
{
	uint64_t span = draw[1] % (draw[0] % 4 == 0 ? 7200000 : 300000);

	if (draw[0] & 16)
		world->bank->sim->now_ms += span;
	else
		world->bank->sim->now_ms -= span;
}
