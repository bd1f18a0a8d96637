/* SPDX-License-Identifier: ISC */
/*
 * Opening balances, by issue orders of two operators.  The bank's own books
 * say which are booked already: the approval of each bears a reference that
 * follows from bank and name, and stands in the statement of the issue
 * account.  Must never order what it has not looked for there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/import.h"
#include "client/ctl/run.h"
#include "client/kept.h"
#include "client/ordering.h"
#include "client/plural.h"
#include "common/ids.h"
#include "common/statement.h"

enum { PAGE = 64 }; /* lines of the statement asked for at once */

static const char memo[] = "opening balance";

/* What the bank's books and directory have of a member. */
struct standing {
	uint8_t reference[ORDER_REFERENCE_LEN];
	bool booked;
	int64_t booked_minor;
	uint64_t customer; /* 0: has not registered */
};

struct balances {
	struct import *import;
	struct ctl_run run;
	struct standing *of; /* as the members */
	struct index {
		uint8_t reference[ORDER_REFERENCE_LEN];
		size_t place;
	} * index;     /* by reference */
	size_t booked; /* counts */
	size_t missing;
	size_t wrong;
	size_t due;
};

/* For import_print(), which knows nothing of standings. */
static const struct standing *printed;

static int
by_reference(const void *a, const void *b)
{
	return memcmp(((const struct index *)a)->reference,
	    ((const struct index *)b)->reference, ORDER_REFERENCE_LEN);
}

/* SHA-256("strongroom opening balance" | bank id | name), the first half. */
static void
derive(const struct import *import, const struct member *member,
    uint8_t reference[ORDER_REFERENCE_LEN])
{
	static const char label[] = "strongroom opening balance";
	crypto_hash_sha256_state state;
	uint8_t hash[32];

	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(
	    &state, (const uint8_t *)label, sizeof(label) - 1);
	(void)crypto_hash_sha256_update(&state, import->bank.bank_id, 32);
	(void)crypto_hash_sha256_update(
	    &state, (const uint8_t *)member->name, strlen(member->name));
	(void)crypto_hash_sha256_final(&state, hash);
	memcpy(reference, hash, ORDER_REFERENCE_LEN);
}

static enum sr_error
make_index(struct balances *balances)
{
	const struct members *members = &balances->import->members;

	balances->of = calloc(members->count + 1, sizeof(balances->of[0]));
	balances->index =
	    calloc(members->count + 1, sizeof(balances->index[0]));
	if (balances->of == NULL || balances->index == NULL)
		return ctl_failed("import", SR_MEMORY);
	for (size_t i = 0; i < members->count; i++) {
		struct index *index = &balances->index[i];

		index->place = i;
		derive(balances->import, &members->of[i], index->reference);
		memcpy(balances->of[i].reference, index->reference,
		    ORDER_REFERENCE_LEN);
	}
	qsort(balances->index, members->count, sizeof(balances->index[0]),
	    by_reference);
	return SR_OK;
}

/* ---- what is booked ------------------------------------------------------- */

static void
take_line(struct balances *balances, const struct statement_line *line)
{
	struct index key = {0};
	const struct index *found;
	struct standing *standing;

	if (line->kind != ORDER_ISSUE)
		return;
	memcpy(key.reference, line->reference, sizeof(key.reference));
	found = bsearch(&key, balances->index, balances->import->members.count,
	    sizeof(balances->index[0]), by_reference);
	if (found == NULL)
		return;
	standing = &balances->of[found->place];
	standing->booked = true;
	/* seen from the issue account, it left */
	standing->booked_minor += -line->amount_minor;
}

/* Reads all of the issue account's statement, newest first. */
static enum sr_error
read_booked(struct balances *balances)
{
	static struct bank_answer answer;
	struct message_statement page = {.more = 1};
	uint64_t before = UINT64_MAX;
	enum sr_error error = SR_OK;

	for (size_t i = 0; i < balances->import->members.count; i++) {
		balances->of[i].booked = false;
		balances->of[i].booked_minor = 0;
	}
	while (error == SR_OK && page.more == 1) {
		struct statement_line line = {.leaf = before};
		struct reader r;

		error = bank_statement(&balances->run.requester, ACCOUNT_ISSUE,
		    before, PAGE, &answer, &page);
		if (error != SR_OK)
			break;
		r = reader_of(page.lines, page.lines_len);
		while (error == SR_OK && reader_left(&r) > 0) {
			error = statement_line_read(&r, &line);
			if (error == SR_OK && line.leaf >= before)
				error = SR_MALFORMED;
			if (error == SR_OK)
				take_line(balances, &line);
			before = line.leaf;
		}
		/* a page without a line would be asked for for ever */
		if (error == SR_OK && page.more == 1 && page.lines_len == 0)
			error = SR_MALFORMED;
	}
	/* what was booked there nobody can tell, and it is not booked twice */
	if (error == SR_OK && page.more == STATEMENT_RETIRED)
		error = SR_RETIRED;
	if (error == SR_NO_ACCOUNT)
		fprintf(stderr,
		    "strongroomctl: this bank has no issue account: in mutual "
		    "credit everybody begins with nothing\n");
	else if (error != SR_OK)
		(void)ctl_failed("the issue account", error);
	return error;
}

/* ---- what is to be done --------------------------------------------------- */

/* Who a member is, and whether what is booked is what the list says. */
static enum sr_error
look_at(struct balances *balances, size_t place)
{
	const struct import *import = balances->import;
	const struct member *member = &import->members.of[place];
	struct standing *standing = &balances->of[place];
	char booked[MONEY_TEXT_MAX], wanted[MONEY_TEXT_MAX];
	enum sr_error error;

	if (standing->booked) {
		balances->booked++;
		if (standing->booked_minor == member->balance_minor)
			return SR_OK;
		balances->wrong++;
		fprintf(stderr,
		    "strongroomctl: %s: %s was booked, and the list says %s\n",
		    member->name,
		    money_format(
			standing->booked_minor, &import->bank.unit, booked),
		    money_format(
			member->balance_minor, &import->bank.unit, wanted));
		return SR_OK;
	}
	error = bank_find(
	    &balances->run.requester, member->name, &standing->customer);
	if (error == SR_NOT_FOUND) {
		balances->missing++;
		fprintf(stderr, "%s has not registered yet\n", member->name);
		return SR_OK;
	}
	if (error != SR_OK)
		return ctl_failed(member->name, error);
	balances->due += member->balance_minor > 0;
	return SR_OK;
}

static enum sr_error
look_at_all(struct balances *balances)
{
	enum sr_error error = read_booked(balances);

	balances->booked = 0;
	balances->missing = 0;
	balances->wrong = 0;
	balances->due = 0;
	for (size_t i = 0;
	     error == SR_OK && i < balances->import->members.count; i++)
		error = look_at(balances, i);
	return error;
}

/* One operator asks, the other approves under its reference. */
static enum sr_error
issue_once(struct balances *balances, size_t place)
{
	const struct member *member = &balances->import->members.of[place];
	struct standing *standing = &balances->of[place];
	struct ctl_run *run = &balances->run;
	struct ordering ask = {.kind = ORDER_ISSUE,
	    .debit = ACCOUNT_ISSUE,
	    .credit = account_id(standing->customer, ACCOUNT_INDEX_MAIN),
	    .amount_minor = member->balance_minor,
	    .attachment = memo,
	    .attachment_len = sizeof(memo) - 1};
	struct ordering approve = {.kind = ORDER_APPROVE};
	struct ordering_result asked, approved;
	char who[64];
	enum sr_error error = ctl_run_order(run, &run->requester, &ask, &asked);

	if (error != SR_OK)
		return error;
	approve.refers_to = asked.leaf;
	approve.attachment = asked.hash;
	approve.attachment_len = sizeof(asked.hash);
	memcpy(
	    approve.reference, standing->reference, sizeof(approve.reference));
	/* What an earlier run kept under it came to nothing: see the books. */
	error = kept_forget(
	    &run->state, run->approver.login.name, approve.reference);
	if (error == SR_OK)
		error = ordering_submit(
		    &run->approver, &run->state, &approve, &approved);
	if (error == SR_OK)
		error = approved.outcome;
	if (error == SR_OK || error == SR_DUPLICATE)
		return error;
	snprintf(who, sizeof(who), "strongroomctl: %s: ", member->name);
	ordering_refused(who, error, &approved);
	return error;
}

/* A reference that another order bears: it was booked meanwhile. */
static enum sr_error
issue(struct balances *balances, size_t place)
{
	enum sr_error error = issue_once(balances, place);

	if (error != SR_DUPLICATE)
		return error;
	error = read_booked(balances);
	if (error != SR_OK || balances->of[place].booked)
		return error;
	return ctl_failed(
	    balances->import->members.of[place].name, SR_DUPLICATE);
}

static enum sr_error
issue_all(struct balances *balances)
{
	const struct members *members = &balances->import->members;
	enum sr_error error = SR_OK;

	for (size_t i = 0; error == SR_OK && i < members->count; i++)
		if (!balances->of[i].booked && balances->of[i].customer != 0 &&
		    members->of[i].balance_minor > 0)
			error = issue(balances, i);
	return error;
}

/* ---- the command ---------------------------------------------------------- */

static int64_t
booked_of(const struct import *import, size_t place)
{
	if (import->members.of[place].balance_minor == 0)
		return 0;
	return printed[place].booked ? printed[place].booked_minor : -1;
}

/* One import at a time: two could both find that nothing is booked. */
static enum sr_error
take_turn(const struct import *import, int *lock)
{
	char path[CONFIG_PATH_MAX];
	enum sr_error error = config_path(&import->config, "bank.id", path);

	*lock = error == SR_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (*lock < 0)
		return ctl_failed("bank.id", SR_IO);
	if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
		return SR_OK;
	fprintf(stderr, "strongroomctl: another import is at work\n");
	return SR_BUSY;
}

static enum sr_error
check_operators(const struct import *import)
{
	if (import->options->dry_run || import->options->approve != NULL ||
	    import->options->as == NULL)
		return SR_OK;
	fprintf(stderr, "strongroomctl: one operator alone issues nothing: "
			"--approve CARD names the other's card\n");
	return SR_ROLE;
}

/* Orders that earlier runs left in doubt, before the books are asked. */
static enum sr_error
settle(struct balances *balances)
{
	struct ctl_run *run = &balances->run;
	const struct money_unit *unit = &balances->import->bank.unit;
	enum sr_error error =
	    ordering_settle(&run->requester, &run->state, unit, NULL);

	if (error == SR_OK && run->approver_in)
		error =
		    ordering_settle(&run->approver, &run->state, unit, NULL);
	return error == SR_OK ? SR_OK : ctl_failed("import", error);
}

static enum sr_error
run_import(struct balances *balances)
{
	const struct ctl_options *options = balances->import->options;
	enum sr_error error = make_index(balances);

	if (error == SR_OK)
		error = ctl_run_begin(&balances->run, options);
	if (error == SR_OK && !options->dry_run)
		error = settle(balances);
	if (error == SR_OK)
		error = look_at_all(balances);
	if (error == SR_OK && balances->wrong > 0) {
		fprintf(stderr, "strongroomctl: nothing was booked\n");
		return SR_ALREADY;
	}
	if (error == SR_OK && !options->dry_run && balances->due > 0) {
		error = issue_all(balances);
		if (error == SR_OK)
			error = read_booked(balances);
	}
	return error;
}

static enum sr_error
report(const struct balances *balances)
{
	const struct ctl_options *options = balances->import->options;

	printed = balances->of;
	import_print(
	    balances->import, options->dry_run ? import_wanted : booked_of);
	fprintf(stderr,
	    "%zu member%s: %zu %s, %zu booked before, %zu not registered "
	    "yet\n",
	    balances->import->members.count,
	    plural(balances->import->members.count), balances->due,
	    options->dry_run ? "to be booked" : "booked", balances->booked,
	    balances->missing);
	return balances->missing == 0 ? SR_OK : SR_NOT_FOUND;
}

enum sr_error
import_balances(struct import *import)
{
	static struct balances balances;
	enum sr_error error = check_operators(import);
	int lock = -1;

	balances.import = import;
	balances.run.control = -1;
	if (error == SR_OK)
		error = take_turn(import, &lock);
	if (error == SR_OK) {
		error = run_import(&balances);
		if (error == SR_OK)
			error = report(&balances);
		ctl_run_end(&balances.run);
	}
	free(balances.of);
	free(balances.index);
	if (lock >= 0)
		close(lock);
	return error;
}
