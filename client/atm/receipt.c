/* SPDX-License-Identifier: ISC */
/*
 * atm receipt: what the bank proves of one order, as a slip of paper and as a
 * file for others.  Must never print a receipt that was not checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/atm/atm.h"
#include "client/json.h"
#include "client/ordering.h"
#include "client/proven.h"
#include "client/qr.h"
#include "client/receipt_text.h"
#include "common/statement.h"
#include "common/utc.h"

/* Lines of the statement that are looked through for a reference. */
enum { LOOK_BACK = 1000 };

struct look {
	const uint8_t *reference; /* NULL: any line will do */
	uint64_t leaf;
	bool found;
};

static bool
look_at_line(void *context, const struct statement_line *line)
{
	struct look *look = context;

	if (look->reference != NULL &&
	    memcmp(line->reference, look->reference, ORDER_REFERENCE_LEN) != 0)
		return true;
	look->leaf = line->leaf;
	look->found = true;
	return false;
}

/* The entry of that reference, or the last one, by the statement. */
static enum sr_error
find_in_statement(struct atm *atm, struct bank_session *session,
    const uint8_t *reference, uint64_t *leaf)
{
	struct look look = {.reference = reference};
	uint64_t account = 0;
	bool retired = false;
	enum sr_error error = SR_OK;

	if (session == &atm->customer)
		error = atm_own_account(atm, atm->options.account, &account);
	if (error == SR_OK)
		error = atm_lines(session, account, UINT64_MAX,
		    reference != NULL ? LOOK_BACK : 1, look_at_line, &look,
		    &retired);
	*leaf = look.leaf;
	if (error != SR_OK || look.found)
		return error;
	return retired ? SR_RETIRED : SR_NOT_FOUND;
}

/*
 * The entry that is meant.  Orders that were declined are in no statement:
 * of those this machine has kept, the bank is asked.
 */
static enum sr_error
find_entry(struct atm *atm, struct bank_session *session, const char *text,
    uint64_t *leaf)
{
	const char *id = text != NULL ? text : atm->options.id;
	uint8_t reference[ORDER_REFERENCE_LEN];
	const char *digits;
	enum sr_error error;

	if (text != NULL) {
		digits = text[0] == '#' ? text + 1 : text;
		if (digits[strspn(digits, "0123456789")] == '\0')
			return atm_take_leaf(text, leaf);
	}
	if (id != NULL && ordering_reference(id, reference) != SR_OK) {
		fprintf(stderr,
		    "%s is neither an entry's number nor the --id "
		    "of an order\n",
		    id);
		return SR_USAGE;
	}
	error = ordering_find(
	    session, &atm->state, id != NULL ? reference : NULL, leaf);
	if (error == SR_NOT_FOUND)
		error = find_in_statement(
		    atm, session, id != NULL ? reference : NULL, leaf);
	if (error == SR_NOT_FOUND)
		fprintf(stderr, id != NULL
				    ? "no order with that --id is found; its "
				      "number stands in the statement\n"
				    : "there is no order yet\n");
	else if (error != SR_OK && error != SR_UNKNOWN_OUTCOME)
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

static enum sr_error
fetch(struct atm *atm, struct bank_session *session, uint64_t leaf,
    struct receipt *receipt, struct receipt_facts *facts)
{
	enum sr_error error = proven_receipt(
	    session, &atm->state, atm->bank.identity, leaf, receipt, facts);

	if (error == SR_NOT_FOUND)
		fprintf(stderr,
		    "entry %" PRIu64 " is not an order of yours, and none that "
		    "touched an account of yours\n",
		    leaf);
	else if (error == SR_BUSY)
		fprintf(stderr,
		    "the bank cannot prove entry %" PRIu64 " at present; try "
		    "again later, or tell its operators\n",
		    leaf);
	else if (error != SR_OK && error != SR_CRYPTO)
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

/* The file for others; it must not be there yet. */
static enum sr_error
write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	bool good;
	int why;

	if (out == NULL) {
		why = errno;
		fprintf(stderr, "%s: %s%s\n", path, strerror(why),
		    why == EEXIST ? "; choose another name" : "");
		if (fd >= 0)
			close(fd);
		return why == EEXIST ? SR_EXISTS : SR_IO;
	}
	good = fwrite(text, 1, len, out) == len;
	if (fclose(out) == 0 && good)
		return SR_OK;
	fprintf(stderr, "%s: cannot be written\n", path);
	(void)unlink(path);
	return SR_IO;
}

/*
 * What fits into a small code: which bank, which entry, and the hash of its
 * leaf, by which anybody finds it in the bank's public tiles or in a receipt.
 */
static void
print_code(const struct atm *atm, const struct receipt *receipt,
    const struct receipt_facts *facts)
{
	char bank[65], leaf[65], text[200];
	int len;

	bankfile_hex(atm->bank.bank_id, bank);
	bankfile_hex(facts->leaf_hash, leaf);
	len = snprintf(text, sizeof(text), "strongroom:%s/%" PRIu64 "/%s", bank,
	    receipt->index, leaf);
	/* on a narrow terminal there is none */
	if (len > 0 && (size_t)len < sizeof(text))
		(void)qr_print(stdout, text, (size_t)len);
}

static void
print_side(const char *word, uint64_t account)
{
	char text[RECEIPT_ACCOUNT_MAX];

	if (account != 0)
		printf("  %-9s %s\n", word, receipt_account(account, text));
}

static void
print_slip(const struct atm *atm, const struct receipt *receipt,
    const struct receipt_facts *facts)
{
	const struct order *order = &facts->order;
	char amount[MONEY_TEXT_MAX], when[UTC_TEXT_MAX], hex[65];

	printf("%s\n\n  %s", atm->bank.name, order_kind_name(order->kind));
	if (order->amount_minor != 0)
		printf(" of %s %s",
		    money_format(order->amount_minor, &atm->unit, amount),
		    atm->unit.code);
	printf("\n");
	print_side("from", order->debit);
	print_side("to", order->credit);
	if (order->refers_to != 0)
		printf("  %-9s entry %" PRIu64 "\n", "about", order->refers_to);
	if (receipt_memo_len(facts) > 0)
		printf("  %-9s %.*s\n", "memo", (int)receipt_memo_len(facts),
		    (const char *)facts->entry.attachment);
	printf("  %-9s customer %" PRIu64 "%s%.*s\n", "signed by",
	    order->signer, receipt->name_len > 0 ? ", " : "",
	    (int)receipt->name_len, receipt->name);
	printf("  %-9s %s\n",
	    facts->entry.outcome == SR_OK ? "booked" : "DECLINED",
	    utc_time_format(facts->entry.time_ms, when));
	if (facts->entry.outcome != SR_OK)
		printf("  %-9s %s\n", "", error_sentence(facts->entry.outcome));
	printf("  %-9s %" PRIu64 ", of %" PRIu64 " that the bank has signed\n",
	    "entry", receipt->index, facts->checkpoint.size);
	bankfile_hex(facts->leaf_hash, hex);
	printf("  %-9s %s\n", "leaf", hex);
	bankfile_hex(atm->bank.bank_id, hex);
	printf("  %-9s %s\n", "bank", hex);
	printf("  %-9s strongroom-verify --bank bank.id receipt %s\n\n",
	    "check", atm->options.out != NULL ? atm->options.out : "FILE");
	print_code(atm, receipt, facts);
	if (!receipt->attested)
		printf("whose key signed it, this receipt does not show: the "
		       "keys were replaced since\n");
}

static enum sr_error
print(struct atm *atm, const struct receipt *receipt,
    const struct receipt_facts *facts)
{
	static char text[RECEIPT_TEXT_MAX];
	size_t len;
	enum sr_error error = receipt_encode(receipt, text, sizeof(text), &len);

	if (error == SR_OK && atm->options.out != NULL)
		error = write_file(atm->options.out, text, len);
	if (error != SR_OK)
		return error;
	if (!atm->options.json) {
		print_slip(atm, receipt, facts);
		return SR_OK;
	}
	printf("{\"v\":1,\"kind\":\"receipt\"");
	receipt_json(stdout, &atm->unit, receipt, facts);
	printf(",\"attested\":%s,\"receipt\":",
	    receipt->attested ? "true" : "false");
	json_string(stdout, text, len);
	printf("}\n");
	return SR_OK;
}

enum sr_error
atm_receipt(struct atm *atm, char *const words[])
{
	static struct receipt receipt;
	struct receipt_facts facts;
	struct bank_session *session;
	uint64_t leaf;
	bool till = atm_means_till(atm);
	enum sr_error error = till ? atm_log_in_teller(atm) : atm_log_in(atm);

	if (error != SR_OK)
		return error;
	session = till || atm_teller_is_in(atm) ? &atm->till : &atm->customer;
	error = find_entry(atm, session, words[0], &leaf);
	if (error == SR_OK)
		error = fetch(atm, session, leaf, &receipt, &facts);
	return error == SR_OK ? print(atm, &receipt, &facts) : error;
}
