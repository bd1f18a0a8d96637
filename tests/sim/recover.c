/* SPDX-License-Identifier: ISC */
/*
 * Faults, ends and starts.  A start must succeed unless files were spoilt or
 * put back, or a fault strikes in it; then the next one must.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

enum { STARTS_MAX = 12 };

/* ---- faults --------------------------------------------------------------- */

/* Turns a bit of one of the room's files. */
static bool
rot(struct world *world, const struct fault *fault)
{
	static const char *const of_keyd[] = {
	    "state", "credentials", "limits", "terminals"};
	static const char *const of_ledgerd[] = {"ledger/segment/00000000.log",
	    "ledger/segment/00000001.log", "ledger/public/checkpoint",
	    "ledger/public/certificates", "ledger/snapshot/00000001"};
	struct sim_room *room =
	    fault->in_keyd ? world->bank->keyd_room : world->bank->ledgerd_room;
	const char *path = fault->in_keyd ? of_keyd[fault->draw % 4]
					  : of_ledgerd[fault->draw % 8 % 5];
	size_t len;

	if (sim_file(room, path, &len) == NULL || len == 0)
		return false;
	/* what is written is in front */
	if (len > 40000 && fault->draw >> 8 & 1)
		len = 40000;
	world_tell(world, "    %s rots", path);
	return sim_rot(room, path, (fault->draw >> 16) % len,
	    (unsigned)(fault->draw >> 12 & 7));
}

static void
delay(struct world *world, uint64_t draw)
{
	struct sim_bank *bank = world->bank;
	unsigned rounds = 1 + (unsigned)(draw >> 8) % 12;

	if (draw % 3 != 0)
		sim_delay(bank->keyd_room,
		    draw % 3 == 1 ? ENV_NETD : ENV_LEDGERD, rounds);
	if (draw % 3 != 1)
		sim_delay(bank->ledgerd_room,
		    draw % 3 == 0 ? ENV_NETD : ENV_KEYD, rounds);
	if (draw % 5 == 0)
		sim_delay(bank->netd, ENV_LEDGERD, rounds);
}

static bool
arm(struct world *world, unsigned at)
{
	const struct fault *fault = &world->plan.fault[at];
	struct sim_room *room =
	    fault->in_keyd ? world->bank->keyd_room : world->bank->ledgerd_room;
	struct sim *sim = world->bank->sim;

	world_tell(world, "    fault %u: %s (%s, %llu)", at,
	    fault_name(fault->kind), room->name,
	    (unsigned long long)fault->after);
	world->disturbed = true;
	if (fault->kind == SIM_FULL_WRITE || fault->kind == FAULT_FULL ||
	    fault->kind == FAULT_READ_ONLY)
		world->refused_writes = true;
	switch (fault->kind) {
	case FAULT_CUT:
		sim->cut_after = sim->operations + fault->after;
		break;
	case FAULT_LATE:
		delay(world, fault->draw);
		break;
	case FAULT_ROT:
		if (!rot(world, fault))
			return false;
		world->spoilt = world->lied = true;
		world->result->counts.fault[FAULT_ROT]++;
		return true;
	case FAULT_FULL:
		room->space = 1;
		break;
	case FAULT_READ_ONLY:
		room->read_only = true;
		break;
	default:
		room->fault[fault->kind] = fault->after;
	}
	world->armed[at] = true;
	return true;
}

void
recover_arm(struct world *world)
{
	memset(world->armed, 0, sizeof(world->armed));
	for (unsigned i = 0; i < world->plan.fault_count; i++)
		if (world->plan.fault[i].step == world->step &&
		    !world->plan.fault[i].left_out &&
		    !world->plan.fault[i].at_start)
			(void)arm(world, i);
}

/* The next one that waits for a start. */
static void
arm_start(struct world *world)
{
	for (unsigned i = 0; i < world->plan.fault_count; i++)
		if (world->plan.fault[i].step == world->step &&
		    world->plan.fault[i].at_start &&
		    !world->plan.fault[i].left_out &&
		    !world->start_fault_used[i]) {
			world->start_fault_used[i] = true;
			(void)arm(world, i);
			return;
		}
}

bool
recover_disarm(struct world *world)
{
	struct sim *sim = world->bank->sim;
	bool any = false;

	for (unsigned i = 0; i < world->plan.fault_count; i++) {
		const struct fault *fault = &world->plan.fault[i];
		struct sim_room *room = fault->in_keyd
					    ? world->bank->keyd_room
					    : world->bank->ledgerd_room;
		bool struck = true;

		if (!world->armed[i])
			continue;
		if (fault->kind < SIM_FAULT_COUNT)
			struck = room->fault[fault->kind] == 0;
		else if (fault->kind == FAULT_CUT)
			struck = sim->dark;
		world->result->counts.fault[fault->kind] += struck;
		any |= struck;
		if (struck && (fault->kind == SIM_CORRUPT_WRITE ||
				  fault->kind == SIM_MISDIRECT_WRITE))
			world->spoilt = world->lied = true;
	}
	memset(world->armed, 0, sizeof(world->armed));
	memset(world->bank->keyd_room->fault, 0,
	    sizeof(world->bank->keyd_room->fault));
	memset(world->bank->ledgerd_room->fault, 0,
	    sizeof(world->bank->ledgerd_room->fault));
	sim->cut_after = 0;
	return any;
}

bool
recover_disks_refuse(const struct world *world)
{
	const struct sim_room *keyd = world->bank->keyd_room;
	const struct sim_room *ledgerd = world->bank->ledgerd_room;

	return keyd->space != 0 || keyd->read_only || ledgerd->space != 0 ||
	       ledgerd->read_only;
}

void
recover_disks(struct world *world)
{
	world->bank->keyd_room->space = world->bank->ledgerd_room->space = 0;
	world->bank->keyd_room->read_only = false;
	world->bank->ledgerd_room->read_only = false;
}

/* ---- ends ----------------------------------------------------------------- */

static void
crash(struct world *world, uint64_t draw)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_LOSE_SOME, SIM_LOSE_SOME, SIM_KEEP_ALL};
	enum sim_loss loss = losses[draw % 4];

	world_tell(world, "    the power fails; unsynced writes: %s",
	    loss == SIM_LOSE_ALL    ? "all lost"
	    : loss == SIM_LOSE_SOME ? "some lost, some torn"
				    : "all kept");
	sim_bank_end(world->bank);
	sim_restart(world->bank->sim, loss);
	world->up = false;
	/* what was counted was not synced */
	world->closed_until_ms = 0;
	world->result->counts.crashes++;
}

/* The processes are gone, the kernel is not. */
static void
kill_rooms(struct world *world)
{
	world_tell(world, "    the rooms are killed");
	sim_bank_end(world->bank);
	sim_kill(world->bank->keyd_room);
	sim_kill(world->bank->ledgerd_room);
	world->up = false;
	world->result->counts.crashes++;
}

static void
stop(struct world *world)
{
	uint8_t bytes[MESSAGE_STOP_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const struct message_stop message = {0};
	struct sim_bank *bank = world->bank;

	if (message_stop_encode(&w, &message) != SR_OK)
		abort();
	/* where the power fails just now, nothing is sent */
	(void)env_send(&bank->monitor->env, ENV_LEDGERD, bytes, writer_len(&w));
	(void)world_go(world);
	if (!world->disturbed && !bank->ledgerd->stopped)
		world_fail(world, "ledgerd does not stop");
	sim_bank_end(bank);
	sim_kill(bank->keyd_room);
	sim_kill(bank->ledgerd_room);
	world->up = false;
}

/* By the random number: a power cut or a kill. */
static void
fall(struct world *world)
{
	uint64_t draw = sim_number(world->bank->sim, 1u << 16);

	world->closed_until_ms = 0;
	if (!world->bank->sim->dark && draw % 3 == 0)
		kill_rooms(world);
	else
		crash(world, draw >> 4);
}

void
recover_end(struct world *world, enum step_kind how, uint64_t draw)
{
	static const uint8_t keys[] = {BANK_KEY_LOG, BANK_KEY_ATTESTATION,
	    BANK_KEY_NOISE, BANK_KEY_OPAQUE};

	if (!world->up)
		return;
	world->quiet = !world->disturbed;
	if (world->disturbed || world->refused_writes)
		world->closed_until_ms = 0;
	if (how == STEP_STOP)
		stop(world);
	else if (how == STEP_KILL)
		kill_rooms(world);
	else
		crash(world, draw);
	/* no draw of its own: plans stay what they were */
	world->rotates =
	    (draw >> 40) % 3 == 0 ? keys[(draw >> 44) % sizeof(keys)] : 0;
	recover_start(world);
}

/* ---- starts ---------------------------------------------------------------- */

/*
 * All files of both rooms were put back: what an outsider holds, here the
 * heads that were signed since, tells.  Else all must be as it was.
 */
static void
judge_whole_copy(struct world *world)
{
	uint64_t newest = 0;

	for (uint64_t i = 0; i <= ENTRIES_MAX_COUNT; i++)
		if (world->head[i].known)
			newest = i;
	if (newest <= world->copied_size)
		return;
	world_tell(world,
	    "    the bank has forgotten; a head of %llu leaves tells",
	    (unsigned long long)newest);
	for (uint64_t i = world->copied_size + 1; i <= newest; i++)
		world->head[i].known = false;
	world->acks = world->copied_acks;
	world->disclosed = world->copied_disclosed;
	world->refused_count = 0;
	audit_begin(world);
	if (audit_read(world))
		audit_check(world);
	world_end(world, RUN_FORGOT);
}

static void
started(struct world *world)
{
	uint8_t digest[32];

	world->up = true;
	audit_begin(world);
	if (!audit_read(world)) {
		/* only what lies before the snapshot is not read at a start */
		const struct entry_snapshot *last =
		    &world->bank->ledgerd->snapshots.last;

		if (last->number > 0 &&
		    (world->audit.segment < last->segment ||
			(world->audit.segment == last->segment &&
			    world->audit.at < last->offset)))
			world_end(world, RUN_REFUSED);
		world_fail(world, "the bank started from a damaged journal");
	}
	audit_check(world);
	book_digest(&world->bank->ledgerd->book, digest);
	if (world->quiet && memcmp(digest, world->digest, 32) != 0)
		world_fail(world, "the replayed books are not the live ones");
}

void
recover_start(struct world *world)
{
	struct sim_bank *bank = world->bank;
	uint8_t digest[32];
	enum sr_error error;

	memcpy(digest, world->digest, 32);
	people_forget_sessions(world);
	for (unsigned i = 0;; i++) {
		bool struck;

		world->refused_writes = false;
		if (i == STARTS_MAX)
			world_fail(world, "the bank starts and ends for ever");
		recover_disks(world);
		arm_start(world);
		bank->rotate = world->rotates;
		error = sim_bank_start(bank, world->rotates != 0);
		world->rotates = 0;
		world->result->counts.starts++;
		world_note(world, &error, sizeof(error));
		/* its space is not made before the next start */
		struck = recover_disks_refuse(world);
		struck |= recover_disarm(world);
		if (error == SR_OK && !bank->sim->dark && !world->lied)
			break;
		world_tell(world, "    the start ends: %s",
		    error == SR_OK ? "well" : error_sentence(error));
		if (error != SR_OK && !struck && !world->lied) {
			if (world->spoilt)
				world_end(world, RUN_REFUSED);
			world_fail(world, "the bank does not start: %s",
			    error_sentence(error));
		}
		world->lied = false;
		world->quiet = false;
		fall(world);
	}
	memcpy(world->digest, digest, 32);
	started(world);
	world->quiet = false;
}

void
recover_if_needed(struct world *world)
{
	struct sim_bank *bank = world->bank;

	if (world->up && !bank->sim->dark && !world->lied)
		return;
	if (!world->disturbed && !world->spoilt)
		world_fail(world, "a room has ended by itself: %s",
		    error_sentence(bank->keyd_error != SR_OK
				       ? bank->keyd_error
				       : bank->ledgerd_error));
	world->lied = false;
	fall(world);
	recover_start(world);
}

/* ---- directories that are put back ----------------------------------------- */

void
recover_copy(struct world *world)
{
	if (!world->up || world->copy_keyd != NULL)
		return;
	world->copy_keyd = sim_copy(world->bank->keyd_room);
	world->copy_ledgerd = sim_copy(world->bank->ledgerd_room);
	world->copied_acks = world->acks;
	world->copied_disclosed = world->disclosed;
	world->copied_size = world->audit.count;
}

void
recover_put_back(struct world *world, uint64_t draw)
{
	static const char *const what[] = {"keyd's", "ledgerd's", "all"};
	bool both = draw % 3 == 2;

	if (!world->up || world->copy_keyd == NULL)
		return;
	world_tell(world, "    %s files of %llu leaves ago are put back",
	    what[draw % 3],
	    (unsigned long long)(world->audit.count - world->copied_size));
	(void)recover_disarm(world);
	kill_rooms(world);
	sim_crash(world->bank->keyd_room, SIM_KEEP_ALL);
	sim_crash(world->bank->ledgerd_room, SIM_KEEP_ALL);
	if (draw % 3 != 1)
		sim_restore(world->bank->keyd_room, world->copy_keyd);
	if (draw % 3 != 0)
		sim_restore(world->bank->ledgerd_room, world->copy_ledgerd);
	world->stale = true;
	world->closed_until_ms = 0;
	if (!both) {
		world->spoilt = true;
		recover_start(world);
		return;
	}
	if (sim_bank_start(world->bank, false) != SR_OK)
		world_fail(world, "the bank does not start from a whole copy");
	people_forget_sessions(world);
	judge_whole_copy(world);
	started(world);
}
