/* SPDX-License-Identifier: ISC */
/*
 * What a receipt proves, in plain words.  Must never say of an order what the
 * receipt only claims.
 */
#include "client/verify/receipt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "client/printable.h"
#include "client/receipt_text.h"

static void
judge(struct receipt_verdict *verdict, enum verify_exit exit, const char *why)
{
	verdict->exit = exit;
	snprintf(verdict->why, sizeof(verdict->why), "%s", why);
}

/* The file's text; false after a verdict. */
static bool
read_file(const char *path, uint8_t *text, size_t room, size_t *len,
    struct receipt_verdict *verdict)
{
	FILE *file = verify_open_regular(path);
	bool failed;

	if (file == NULL) {
		judge(verdict, VERIFY_COULD_NOT, strerror(errno));
		return false;
	}
	*len = fread(text, 1, room, file);
	failed = ferror(file) != 0;
	fclose(file);
	if (failed)
		judge(verdict, VERIFY_COULD_NOT, "it cannot be read");
	return !failed;
}

void
receipt_judge(const struct bankfile *bank, const char *path,
    struct receipt_verdict *verdict)
{
	static uint8_t text[RECEIPT_TEXT_MAX + 1];
	enum receipt_fault fault;
	enum sr_error error;
	size_t len;

	memset(verdict, 0, sizeof(*verdict));
	if (!read_file(path, text, sizeof(text), &len, verdict))
		return;
	error = receipt_decode(text, len, &verdict->receipt);
	if (error == SR_VERSION)
		judge(verdict, VERIFY_COULD_NOT,
		    "it was made by a newer version of strongroom");
	else if (error != SR_OK)
		judge(verdict, VERIFY_TAMPERED, "it is not a whole receipt");
	if (error != SR_OK)
		return;
	fault =
	    receipt_check(&verdict->receipt, bank->identity, &verdict->facts);
	if (fault != RECEIPT_FINE)
		judge(verdict, VERIFY_TAMPERED, receipt_sentence(fault));
	else if (!verdict->receipt.attested)
		judge(verdict, VERIFY_INTACT,
		    "the entry is in the log, but the receipt has nothing "
		    "that shows whose key signed the order");
	else
		judge(verdict, VERIFY_ANCHORED, "");
}

static void
print_order(const struct bankfile *bank, const struct receipt_facts *facts)
{
	const struct order *order = &facts->order;
	char amount[MONEY_TEXT_MAX], text[RECEIPT_ACCOUNT_MAX];

	printf("  %s", order_kind_name(order->kind));
	if (order->amount_minor != 0)
		printf(" of %s %s",
		    money_format(order->amount_minor, &bank->unit, amount),
		    bank->unit.code);
	if (order->debit != 0)
		printf(" from %s", receipt_account(order->debit, text));
	if (order->credit != 0)
		printf(" to %s", receipt_account(order->credit, text));
	if (order->refers_to != 0)
		printf(", about entry %" PRIu64, order->refers_to);
	if (receipt_memo_len(facts) > 0)
		printf(": %.*s", (int)receipt_memo_len(facts),
		    (const char *)facts->entry.attachment);
	printf("\n");
}

static void
print_facts(const struct bankfile *bank, const struct receipt_verdict *verdict)
{
	const struct receipt *receipt = &verdict->receipt;
	const struct receipt_facts *facts = &verdict->facts;
	char when[32];

	print_order(bank, facts);
	if (receipt->attested)
		printf("  signed by customer %" PRIu64 "%s%.*s%s with the key "
		       "of epoch %" PRIu32 ", as the bank has attested\n",
		    facts->order.signer, receipt->name_len > 0 ? " (" : "",
		    (int)receipt->name_len, receipt->name,
		    receipt->name_len > 0 ? ")" : "",
		    facts->attestation.key_epoch);
	else
		printf("  in the name of customer %" PRIu64
		       ", whose signature this file cannot show\n",
		    facts->order.signer);
	if (facts->entry.outcome == SR_OK)
		printf("  outcome: booked, %s\n",
		    verify_time(facts->entry.time_ms, when));
	else
		printf("  outcome: DECLINED (%s), %s; nothing was moved\n",
		    error_sentence(facts->entry.outcome),
		    verify_time(facts->entry.time_ms, when));
	printf("  this order with this outcome is entry %" PRIu64
	       " of the bank's log,\n  under a head of %" PRIu64
	       " entries that the bank has signed; what came later, it\n"
	       "  does not show%s\n",
	    receipt->index, facts->checkpoint.size,
	    receipt->attested
		? "; whether that key was still in force then, the log's\n"
		  "  auditors see, not this file"
		: "");
}

static void
print_json(const struct bankfile *bank, const char *path,
    const struct receipt_verdict *verdict)
{
	printf("{\"v\":1,\"kind\":\"receipt\",\"file\":");
	json_string(stdout, path, strlen(path));
	printf(",\"exit\":%d,\"why\":", (int)verdict->exit);
	json_string(stdout, verdict->why, strlen(verdict->why));
	if (verdict->exit == VERIFY_ANCHORED || verdict->exit == VERIFY_INTACT)
		receipt_json(
		    stdout, &bank->unit, &verdict->receipt, &verdict->facts);
	printf("}\n");
}

static void
print_verdict(const struct bankfile *bank, const char *path,
    const struct receipt_verdict *verdict, bool quiet)
{
	char name[PRINTABLE_MAX];

	(void)printable(path, name);
	switch (verdict->exit) {
	case VERIFY_ANCHORED:
		printf("verified: %s\n", name);
		break;
	case VERIFY_INTACT:
		printf(
		    "intact, but not verified: %s: %s\n", name, verdict->why);
		break;
	case VERIFY_TAMPERED:
		printf("NOT VERIFIED: %s: %s\n", name, verdict->why);
		return;
	case VERIFY_COULD_NOT:
		fprintf(
		    stderr, "strongroom-verify: %s: %s\n", name, verdict->why);
		return;
	}
	if (!quiet)
		print_facts(bank, verdict);
}

/* How grave a verdict is. */
static unsigned
gravity(enum verify_exit exit)
{
	switch (exit) {
	case VERIFY_ANCHORED:
		return 0;
	case VERIFY_INTACT:
		return 1;
	case VERIFY_COULD_NOT:
		return 2;
	case VERIFY_TAMPERED:
		break;
	}
	return 3;
}

enum verify_exit
receipt_verify_files(const struct bankfile *bank, char *const paths[],
    size_t count, bool json, bool quiet)
{
	static struct receipt_verdict verdict;
	enum verify_exit worst = VERIFY_ANCHORED;

	for (size_t i = 0; i < count; i++) {
		receipt_judge(bank, paths[i], &verdict);
		if (json)
			print_json(bank, paths[i], &verdict);
		else
			print_verdict(bank, paths[i], &verdict, quiet);
		if (gravity(verdict.exit) > gravity(worst))
			worst = verdict.exit;
	}
	return worst;
}
