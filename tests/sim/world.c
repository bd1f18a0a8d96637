/* SPDX-License-Identifier: ISC */
/* One run: the furnished bank, the plan's steps, the oracles after each. */
#include "tests/sim/world.h"

#include <sodium.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/note.h"
#include "common/secret.h"

/* ---- what happened -------------------------------------------------------- */

void
world_tell(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (!world->tells)
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

void
world_note(struct world *world, const void *bytes, size_t len)
{
	crypto_generichash_update(&world->hash, bytes, len);
}

_Noreturn void
world_end(struct world *world, enum verdict verdict)
{
	struct result *result = world->result;

	world_note(world, &verdict, sizeof(verdict));
	crypto_generichash_final(
	    &world->hash, result->digest, sizeof(result->digest));
	result->counts.verdict[verdict]++;
	result->verdict = verdict;
	fflush(stdout);
	_exit(0);
}

_Noreturn void
world_fail(struct world *world, const char *format, ...)
{
	struct result *result = world->result;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(result->why, sizeof(result->why), format, arguments);
	va_end(arguments);
	world_tell(world, "    LOST: %s", result->why);
	world_note(world, result->why, strlen(result->why));
	world_end(world, RUN_FAILED);
}

/* ---- randomness of the people, who use libsodium's -------------------------- */

static uint8_t random_seed[32];
static uint64_t random_drawn;

static const char *
random_name(void)
{
	return "of a seed";
}

static void
random_bytes(void *const out, const size_t len)
{
	uint8_t seed[32];

	memcpy(seed, random_seed, sizeof(seed));
	memcpy(seed, &random_drawn, sizeof(random_drawn));
	random_drawn++;
	randombytes_buf_deterministic(out, len, seed);
}

static uint32_t
random_number(void)
{
	uint32_t number;

	random_bytes(&number, sizeof(number));
	return number;
}

static struct randombytes_implementation random_of_seed = {
    .implementation_name = random_name,
    .random = random_number,
    .buf = random_bytes,
};

static void
random_begin(uint64_t seed)
{
	memset(random_seed, 0x5a, sizeof(random_seed));
	memcpy(random_seed + 16, &seed, sizeof(seed));
	random_drawn = 0;
}

/* ---- memory ------------------------------------------------------------------- */

enum sr_error __wrap_secret_open(struct secret_arena *arena, size_t len);

/*
 * keyd's secrets as an older kernel keeps them: each page of memfd_secret
 * costs an interrupt of every processor, at every start of every run.
 */
enum sr_error
__wrap_secret_open(struct secret_arena *arena, size_t len)
{
	return secret_open_locked(arena, len);
}

/* ---- the bank before the run ------------------------------------------------- */

static struct actor *
add_actor(
    struct world *world, const char *name, const struct sim_person *person)
{
	struct actor *actor = &world->actor[world->actors++];

	snprintf(actor->name, sizeof(actor->name), "%s", name);
	snprintf(
	    actor->secret[0], sizeof(actor->secret[0]), "%s's secret", name);
	if (person != NULL) {
		actor->person = *person;
		snprintf(actor->secret[0], sizeof(actor->secret[0]), "%s",
		    person->password);
	} else {
		sim_person_init(&actor->person, actor->name, actor->secret[0]);
	}
	actor->person.name = actor->name;
	return actor;
}

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/* Registers, logs in once, gets a recovery code. */
static void
settle_in(struct world *world, struct actor *actor)
{
	struct sim_change code = {.slot = SLOT_PASSWORD,
	    .secret = actor->secret[0],
	    .target = SLOT_RECOVERY,
	    .new_secret = "a code"};
	struct payload_m5 m5;

	if (!actor->registered)
		must(sim_person_register(world->bank, &actor->person) == SR_OK);
	actor->registered = true;
	must(sim_person_log_in(world->bank, &actor->person) == SR_OK);
	if (!actor->is_terminal)
		must(sim_person_change(
			 world->bank, &actor->person, &code, &m5) == SR_OK);
}

struct world *
world_new(void)
{
	static struct sim_people people;
	struct world *world = calloc(1, sizeof(*world));
	struct message_order_answer answer;
	struct actor *actor;

	/* the rooms' memory is large and comes and goes with every start */
	must(world != NULL);
	/* for speed alone; a sanitizer's allocator knows no such wishes */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
	must(randombytes_set_implementation(&random_of_seed) == 0);
	random_begin(0);
	world->bank = sim_bank_new(1);
	sim_bank_furnish(world->bank, &people);
	add_actor(world, "op-one", &people.operators[0])->registered = true;
	add_actor(world, "op-two", &people.operators[1])->registered = true;
	actor = add_actor(world, "lobby", &people.lobby);
	actor->registered = actor->is_terminal = true;
	actor = add_actor(world, "kiosk", NULL);
	settle_in(world, actor);
	must(sim_enrol(world->bank, &people, &actor->person) == SR_OK);
	actor->is_terminal = true;
	add_actor(world, "ada", &people.ada)->registered = true;
	add_actor(world, "bob", &people.bob)->registered = true;
	add_actor(world, "carl", NULL);
	add_actor(world, "dora", NULL);
	add_actor(world, "spare", NULL);
	for (unsigned i = ACTOR_ADA; i < ACTORS_FURNISHED; i++)
		settle_in(world, &world->actor[i]);
	world->bank->registrations_an_hour = REGISTRATIONS_AN_HOUR;
	while (world->actors < ACTORS_MAX) {
		char name[8];

		snprintf(name, sizeof(name), "eve%u", world->actors);
		add_actor(world, name, NULL);
	}
	for (unsigned i = ACTOR_ADA; i <= ACTOR_DORA; i++)
		must(sim_deposit(world->bank, &people.lobby,
			 world->actor[i].person.m4.account, 5000,
			 &answer) == SR_OK);
	sim_bank_end(world->bank);
	sim_crash(world->bank->keyd_room, SIM_KEEP_ALL);
	sim_crash(world->bank->ledgerd_room, SIM_KEEP_ALL);
	/* what the rooms leave behind need not be copied for each run */
	(void)malloc_trim(0);
	return world;
}

/* ---- the run ------------------------------------------------------------------ */

bool
world_go(struct world *world)
{
	struct sim_bank *bank = world->bank;

	if (!world->up)
		return false;
	if (sim_bank_run(bank) != SR_OK || bank->sim->dark ||
	    bank->ledgerd->stopped)
		world->up = false;
	people_collect(world);
	bank->frame_count = 0;
	if (!world->up)
		people_forget_sessions(world);
	return world->up;
}

static void
look(struct world *world)
{
	const struct model_account *account;

	if (!audit_read(world))
		world_fail(world, "the journal is damaged");
	audit_check(world);
	if (!world->told.any)
		return;
	account = model_account(&world->audit.model, world->told.account);
	if (account == NULL || account->posted != world->told.posted ||
	    account->held != world->told.held)
		world_fail(world,
		    "account %llx was told to have %lld (%lld held)",
		    (unsigned long long)world->told.account,
		    (long long)world->told.posted, (long long)world->told.held);
}

/*
 * A disk that takes no writes does so again, sooner or later; then the bank
 * opens by itself.
 */
static void
make_room(struct world *world, const struct step *step)
{
	const struct admission *admission = &world->bank->ledgerd->admission;

	if (!recover_disks_refuse(world) || step->draw[3] % 3 != 0)
		return;
	world_tell(world, "    there is room again");
	recover_disks(world);
	sim_advance(world->bank->sim, ADMISSION_RETRY_MS);
	if (world_go(world) && (admission->closed == SR_NO_SPACE ||
				   admission->closed == SR_READ_ONLY))
		world_fail(world, "the bank stays closed: %s",
		    error_sentence(admission->closed));
	recover_if_needed(world);
}

static void
run_step(struct world *world, unsigned at)
{
	const struct step *step = &world->plan.step[at];
	uint64_t done[3];

	world->step = at;
	make_room(world, step);
	world->disturbed = recover_disks_refuse(world);
	world->told.any = false;
	world->result->counts.steps++;
	world_tell(world, "%2u  %s", at, step_name(step->kind));
	/* people and machine draw anew in each step, so that a step that is
	 * left out changes nothing in those that follow */
	random_begin(step->draw[PLAN_DRAWS - 1]);
	world->bank->sim->drawn = step->draw[PLAN_DRAWS - 2] >> 1;
	/* somebody leaves in peace, mostly, until the very end */
	if ((step->kind != STEP_ERASE && step->kind != STEP_RETIRE) ||
	    (step->draw[3] >> 8) % 4 == 0)
		recover_arm(world);
	acts_do(world, step);
	(void)world_go(world);
	(void)recover_disarm(world);
	recover_if_needed(world);
	look(world);
	done[0] = world->bank->sim->operations;
	done[1] = world->audit.count;
	done[2] = world->acks;
	world_note(world, done, sizeof(done));
	world_note(world, world->audit.root[world->audit.count], 32);
	world_note(world, world->digest, sizeof(world->digest));
}

void
world_run(struct world *world, const struct plan *plan, struct result *result,
    bool tells)
{
	world->plan = *plan;
	world->result = result;
	world->tells = tells;
	result->counts.seeds = 1;
	crypto_generichash_init(&world->hash, NULL, 0, 32);
	random_begin(plan->seed);
	world->bank->sim->drawn = plan->seed << 20;
	watch_begin(world);
	world->step = PLAN_STEPS_MAX;
	recover_start(world);
	for (unsigned i = 0; i < plan->step_count; i++)
		if (!plan->step[i].left_out)
			run_step(world, i);
	/* what is there now is there for ever */
	world->step = PLAN_STEPS_MAX;
	world->disturbed = false;
	world_tell(world, "    the end");
	recover_end(world, STEP_CUT, 0);
	if (world->export_to != NULL)
		export_ledger(world, world->export_to);
	world_end(world, RUN_WENT_ON);
}
