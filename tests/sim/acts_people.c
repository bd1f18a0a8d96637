/* SPDX-License-Identifier: ISC */
/* The steps that are about names, passwords, keys, authority and time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/keyd.h"
#include "keyd/renew.h"
#include "ledgerd/ledgerd.h"
#include "tests/sim/acts.h"

/* ---- names, passwords, keys ------------------------------------------------ */

/* What keyd says to somebody who asks to register, and goes away. */
static enum sr_error
knock(struct world *world, uint32_t *retry_s)
{
	struct opaque_password password = {"of a stranger", 13};
	uint8_t wide[64], blind[32];
	struct sim_person stranger;
	struct handshake hs;
	struct payload_m1 m1;
	struct payload_m2 m2;
	enum sr_error error;

	sim_person_init(&stranger, "stranger", "of a stranger");
	sim_begin_m1(&stranger, OPERATION_REGISTER, &m1);
	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
	if (opaque_register_start(m1.request, &password, blind) != SR_OK)
		abort();
	error = sim_exchange_m1(world->bank, &stranger, &hs, &m1, &m2);
	*retry_s = error == SR_LATER ? m2.retry_after_s : 0;
	return error;
}

/* Whether what keyd counts comes into the journal now. */
static bool
is_journaled(const struct world *world)
{
	return world->up && !world->disturbed && !world->refused_writes &&
	       world->bank->ledgerd->admission.closed == SR_OK;
}

/* Until an hour's budget is spent, and a little more: how many went away. */
static unsigned
knock_often(struct world *world)
{
	uint64_t now_ms = world->bank->sim->now_ms;
	unsigned in = 0, away = 0;

	for (unsigned i = 0; i <= REGISTRATIONS_AN_HOUR && away < 3; i++) {
		uint32_t retry_s;
		enum sr_error error = knock(world, &retry_s);

		/* who hears nothing was turned away, perhaps */
		world->turned_away += error == SR_LATER || error == SR_CLOSED;
		in += error == SR_OK;
		away += error == SR_LATER;
		if (error == SR_OK && now_ms < world->closed_until_ms &&
		    !world->spoilt)
			world_fail(world, "a budget that was spent is not");
		if (error == SR_OK)
			world->closed_until_ms = 0;
		else if (error == SR_LATER)
			world->closed_until_ms =
			    now_ms + (uint64_t)(retry_s - 1) * 1000;
	}
	world_tell(world, "    strangers register: %u in, %u away", in, away);
	if (in > REGISTRATIONS_AN_HOUR)
		world_fail(world, "more register than an hour's budget");
	return away;
}

/*
 * Strangers ask to register; those who are turned away are counted in the log,
 * and a bank that is killed and starts turns them away again.
 */
static void
strangers(struct world *world, const uint64_t *draw)
{
	uint64_t before;
	unsigned away;
	bool told;

	if (!acts_look(world))
		return;
	before = world->audit.turned_away;
	away = knock_often(world);
	told = is_journaled(world);
	for (unsigned i = 0; i < 2 && world_go(world); i++)
		sim_advance(world->bank->sim, KEYD_REFUSALS_MS);
	if (told && world_go(world) && is_journaled(world) &&
	    acts_look(world) && world->audit.turned_away < before + away)
		world_fail(world, "of %u who were turned away %llu are counted",
		    away,
		    (unsigned long long)(world->audit.turned_away - before));
	if (draw[2] % 2 != 0 || !world_go(world))
		return;
	recover_end(world, STEP_KILL, draw[3]);
	if (world->up)
		(void)knock_often(world);
}

void
acts_wrong_password(struct world *world, const uint64_t *draw)
{
	struct actor *who = acts_customer(world, draw[0]);
	struct sim_person stranger = who->person;

	if (draw[1] % 2 == 0) {
		strangers(world, draw);
		return;
	}
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
	world->turned_away += error == SR_LATER || error == SR_CLOSED;
	if (error != SR_LATER)
		world->closed_until_ms = 0;
	if (error == SR_OK)
		who->registered = true;
	else if (error != SR_LATER)
		who->perhaps = true;
	world_tell(
	    world, "    %s registers: %s", who->name, error_sentence(error));
	if (world_go(world) && error != SR_LATER)
		(void)people_enter(world, who);
}

/* The session goes on, and the password is the same, whatever comes of it. */
static void
renew(struct world *world, struct actor *who)
{
	struct sim_change change = {.slot = SLOT_PASSWORD,
	    .target = SLOT_PASSWORD,
	    .secret = who->secret[0],
	    .new_secret = who->secret[0],
	    .renews = true};
	struct payload_m5 m5 = {0};
	struct customer found;
	uint64_t session;
	bool due;
	enum sr_error error;

	if (!people_enter(world, who) || who->unsure ||
	    credentials_read(&world->bank->keyd->credentials,
		who->person.m4.customer, &found) != SR_OK)
		return;
	due = renew_wanted(world->bank->keyd, &found, SLOT_PASSWORD);
	session = who->person.connection;
	error = sim_person_change(world->bank, &who->person, &change, &m5);
	who->person.connection = session;
	world_tell(world, "    %s's password again: %s", who->name,
	    error_sentence(error));
	if (error == SR_OK && !due)
		world_fail(world, "a password on the present seed is renewed");
	(void)world_go(world);
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

	if (draw[1] % 3 == 0) {
		renew(world, who);
		return;
	}
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

/* The leaf of two operators' word that this customer is reset; 0. */
static uint64_t
agree_on_reset(struct world *world, const struct actor *who, uint64_t draw)
{
	struct order_reset reset = sim_reset_of(world->bank, &who->person);
	uint8_t parameters[ORDER_RESET_LEN];
	size_t before = world->acks;

	order_reset_encode(&reset, parameters);
	acts_four_eyes(
	    world, ORDER_RESET, 0, parameters, sizeof(parameters), draw);
	return world->up && world->acks >= before + 2
		   ? world->ack[world->acks - 1].leaf
		   : 0;
}

/* Password and keys are lost: both operators, a code, and new ones by it. */
static void
reset(struct world *world, struct actor *who, const uint64_t *draw)
{
	unsigned number = (unsigned)(who - world->actor) << 4 | who->keys;
	uint8_t new_public[32], new_secret[64], code[RESET_CODE_LEN];
	enum sr_error error;
	uint64_t leaf;

	if (who->keys == 14 || !people_enter(world, who) || who->unsure)
		return;
	leaf = agree_on_reset(world, who, draw[2]);
	if (leaf == 0)
		return;
	error = sim_reset_code(world->bank, leaf, code);
	world_tell(world, "    a reset code for %s: %s", who->name,
	    error_sentence(error));
	if (!world_go(world) || error != SR_OK)
		return;
	snprintf(who->secret[1], sizeof(who->secret[1]), "%s's %u", who->name,
	    ++who->changes);
	sim_keys(number + 1, new_public, new_secret);
	error = sim_person_reset(world->bank, &who->person, code,
	    who->secret[1], new_public, new_secret);
	world_tell(
	    world, "    %s's reset: %s", who->name, error_sentence(error));
	who->keys_doubt = true;
	if (error == SR_OK)
		memcpy(who->secret[0], who->secret[1], sizeof(who->secret[0]));
	else if (error == SR_CLOSED)
		who->unsure = true;
	who->in = false;
	if (world_go(world))
		(void)people_enter(world, who);
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

	if (draw[1] % 3 == 0) {
		reset(world, who, draw);
		return;
	}
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

/*
 * An operator has a key of keyd's begin an epoch; a while of rest, in which
 * some customers are sealed anew, or all.
 */
static void
rotate(struct world *world, const uint64_t *draw)
{
	static const enum bank_key keys[] = {BANK_KEY_CREDENTIAL, BANK_KEY_OPRF,
	    BANK_KEY_DEVICE, BANK_KEY_INVITATION, BANK_KEY_RESET,
	    BANK_KEY_TERMINAL};
	enum bank_key key = keys[draw[4] % (sizeof(keys) / sizeof(keys[0]))];
	enum sr_error error;

	if (!world->up)
		return;
	/* a card that was not used before the second one is void */
	if (key == BANK_KEY_TERMINAL &&
	    world->bank->keyd->state.key[key].former != 0)
		return;
	error = sim_rotate(world->bank, (uint8_t)key);
	world_tell(world, "    a new %s: %s", key_kind_of(key)->word,
	    error_sentence(error));
	for (uint64_t i = draw[3] % 64; i > 0 && world_go(world); i--)
		sim_advance(world->bank->sim, RESEAL_PAUSE_MS);
}

/* As strongroomd has one go round now and then. */
static void
pulse(struct world *world)
{
	uint64_t number = ++world->pulses;

	if (!world->up)
		return;
	(void)sim_bank_pulse(world->bank, number);
	if (world_go(world) && world->bank->pulse_done != number)
		world_fail(world, "a pulse did not come back");
}

/* strongroom.conf is read again, with another audit log and reserve. */
static void
reload(struct world *world, const uint64_t *draw)
{
	const struct ledgerd_params *now = &world->bank->ledgerd->params;
	const struct message_ledgerd_settings settings = {
	    .reload = ++world->reloads,
	    .audit_log = (uint8_t)(draw[3] / 64 % (AUDIT_OFF + 1)),
	    .reserve = draw[3] % 2 == 0 ? 4096 : 8192,
	    .session_idle = (uint32_t)now->session_idle_s,
	    .session_absolute = (uint32_t)now->session_absolute_s,
	    .session_rekey = (uint32_t)now->session_rekey_s,
	};

	if (!world->up)
		return;
	world_tell(world, "    reloads, audit log %u", settings.audit_log);
	(void)sim_bank_settings(world->bank, &settings);
	if (world_go(world) &&
	    (world->bank->settings_done.reload != settings.reload ||
		world->bank->settings_done.error == SR_PARAMETERS))
		world_fail(world, "a reload was not answered");
}

void
acts_pass_time(struct world *world, const uint64_t *draw)
{
	static const uint64_t spans_ms[] = {
	    1000, 20000, 20000, 120000, 700000, 4000000, 86400000, 2000000000};
	uint64_t span = spans_ms[draw[0] % 8];

	if (draw[2] % 2 == 0)
		rotate(world, draw);
	sim_advance(world->bank->sim, span + draw[1] % span);
	pulse(world);
	if (draw[2] % 8 < 2)
		reload(world, draw);
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
