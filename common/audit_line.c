/* SPDX-License-Identifier: ISC */
/*
 * The plain audit log's lines.  Must never let a byte out of a name that ends
 * a line or a field, nor anything but a name, a kind and an amount of what the
 * journal seals.
 */
#include "common/audit_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/certificate.h"
#include "common/entry.h"
#include "common/ids.h"
#include "common/kdf.h"
#include "common/name.h"
#include "common/order.h"
#include "common/utc.h"

static const char head_word[] = "# strongroom-audit 1 ";
static const char gap_word[] = "# gap ";

void
audit_pseudonym_key(const uint8_t segment_key[32], uint8_t key[32])
{
	kdf_expand_label(key, 32, segment_key, 32, "audit pseudonym", NULL, 0);
}

static void
pseudonym_of(struct audit_record *record, const uint8_t key[32])
{
	uint8_t about[9] = {record->about}, mac[KDF_SHA256_LEN];

	if (record->about == AUDIT_NOBODY) {
		snprintf(record->pseudonym, sizeof(record->pseudonym), "-");
		return;
	}
	for (int i = 0; i < 8; i++)
		about[1 + i] = (uint8_t)(record->subject >> (8 * i));
	kdf_hmac_sha256(mac, key, 32, about, sizeof(about));
	sodium_bin2hex(record->pseudonym, sizeof(record->pseudonym), mac,
	    AUDIT_PSEUDONYM_LEN / 2);
	sodium_memzero(mac, sizeof(mac));
}

/* ---- what an entry says --------------------------------------------- */

static enum sr_error
record_order(const void *committed, size_t len, struct audit_record *out)
{
	struct entry_order entry;
	struct order order;

	if (entry_order_decode(committed, len, &entry) != SR_OK ||
	    order_decode(entry.order, &order) != SR_OK)
		return SR_MALFORMED;
	out->outcome = entry.outcome;
	out->about = AUDIT_CUSTOMER;
	out->subject = order.signer;
	out->is_order = true;
	out->amount_minor = order.amount_minor;
	out->debit = order.debit;
	out->credit = order.credit;
	out->refers_to = order.refers_to;
	snprintf(
	    out->kind, sizeof(out->kind), "%s", order_kind_name(order.kind));
	return SR_OK;
}

static enum sr_error
record_account(const void *committed, size_t len, struct audit_record *out)
{
	struct attestation attestation;
	struct entry_account entry;

	if (entry_account_decode(committed, len, &entry) != SR_OK ||
	    entry.attestation_len != ATTESTATION_LEN ||
	    attestation_read(entry.attestation, &attestation) != SR_OK)
		return SR_MALFORMED;
	out->about = AUDIT_CUSTOMER;
	out->subject = attestation.customer;
	snprintf(out->kind, sizeof(out->kind), "account");
	return SR_OK;
}

static enum sr_error
record_event(enum entry_type type, const void *committed, size_t len,
    struct audit_record *out)
{
	static const char *const uses[] = {NULL, "terminal-enrol",
	    "terminal-revoke", "terminal-key", "segment-key", "disclose",
	    "erased", [USE_ROTATE] = "key-rotated", [USE_RESET] = "reset-code"};
	static const char *const systems[] = {NULL, "recovered", "started",
	    "snapshot", "clock", "rules", "retention",
	    [SYSTEM_REFUSALS] = "refusals", [SYSTEM_SEAL] = "seal"};
	bool use = type == ENTRY_USE;
	const char *const *names = use ? uses : systems;
	size_t count = use ? sizeof(uses) / sizeof(uses[0])
			   : sizeof(systems) / sizeof(systems[0]);
	struct entry_event event;

	if (entry_event_decode(type, committed, len, &event) != SR_OK)
		return SR_MALFORMED;
	if (use && event.code <= USE_TERMINAL_KEY)
		out->about = AUDIT_TERMINAL;
	if (use && (event.code == USE_ERASE || event.code == USE_RESET))
		out->about = AUDIT_CUSTOMER;
	if (out->about != AUDIT_NOBODY)
		out->subject = event.subject;
	if (event.code < count && names[event.code] != NULL)
		snprintf(out->kind, sizeof(out->kind), "%s", names[event.code]);
	else
		snprintf(out->kind, sizeof(out->kind), "%s-%u",
		    use ? "use" : "system", event.code);
	return SR_OK;
}

enum sr_error
audit_record_of(const struct journal_leaf *leaf, const void *committed,
    size_t len, const uint8_t key[32], struct audit_record *out)
{
	enum entry_type type = entry_type_of(committed, len);
	enum sr_error error = SR_OK;

	*out = (struct audit_record){
	    .seq = leaf->seq, .time_ms = leaf->time_ms, .class = leaf->class};
	switch (type) {
	case ENTRY_GENESIS:
		snprintf(out->kind, sizeof(out->kind), "genesis");
		break;
	case ENTRY_ACCOUNT:
		error = record_account(committed, len, out);
		break;
	case ENTRY_ORDER:
		error = record_order(committed, len, out);
		break;
	case ENTRY_USE:
	case ENTRY_SYSTEM:
		error = record_event(type, committed, len, out);
		break;
	case ENTRY_RESTORE:
		snprintf(out->kind, sizeof(out->kind), "restore");
		break;
	case ENTRY_ROTATION:
		snprintf(out->kind, sizeof(out->kind), "rotation");
		break;
	default:
		error = SR_MALFORMED;
		break;
	}
	if (error == SR_OK)
		pseudonym_of(out, key);
	return error;
}

/* ---- writing -------------------------------------------------------- */

static const char *
class_name(uint8_t class)
{
	switch ((enum journal_class) class) {
	case JOURNAL_CLASS_ORDER:
		return "order";
	case JOURNAL_CLASS_SYSTEM:
		return "system";
	case JOURNAL_CLASS_AUTHORITY:
		return "authority";
	case JOURNAL_CLASS_BOX:
		return "box";
	}
	return "unknown";
}

/* Adds to the line; what does not fit is cut off, and nothing more is added. */
static void __attribute__((format(printf, 3, 4)))
add(char *line, size_t *at, const char *format, ...)
{
	size_t room = AUDIT_LINE_MAX - *at;
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(line + *at, room, format, arguments);
	va_end(arguments);
	if (len > 0)
		*at += (size_t)len < room ? (size_t)len : room - 1;
}

static void
add_account(char *line, size_t *at, uint64_t account)
{
	if (account == 0)
		add(line, at, " -");
	else
		add(line, at, " %" PRIu64 "-%u", account_customer(account),
		    account_index(account));
}

/* Quoted, so that it stays one field of one line. */
static void
add_text(char *line, size_t *at, struct audit_text text)
{
	bool clean = name_text_check(text.bytes, text.len, text.len) == SR_OK;

	add(line, at, " \"");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.bytes[i];

		if (c == '"' || c == '\\')
			add(line, at, "\\%c", c);
		else if (c < ' ' || c == 0x7f || (c > 0x7f && !clean))
			add(line, at, "\\x%02x", c);
		else
			add(line, at, "%c", c);
	}
	add(line, at, "\"");
}

static void
add_full(const struct audit_record *record, const struct money_unit *unit,
    char *line, size_t *at)
{
	char amount[MONEY_TEXT_MAX];

	add(line, at, " %s", record->kind);
	if (record->amount_minor == 0)
		add(line, at, " -");
	else
		add(line, at, " %s",
		    money_format(record->amount_minor, unit, amount));
	add_account(line, at, record->debit);
	add_account(line, at, record->credit);
	if (record->refers_to == 0)
		add(line, at, " -");
	else
		add(line, at, " %" PRIu64, record->refers_to);
}

size_t
audit_line_write(const struct audit_record *record, enum audit_mode mode,
    const struct money_unit *unit, struct audit_text name,
    struct audit_text display, char line[AUDIT_LINE_MAX])
{
	unsigned of_day = (unsigned)(record->time_ms / 1000 % 86400);
	struct utc_date date = utc_date_of(record->time_ms);
	size_t at = 0;

	add(line, &at, "%04u-%02u-%02uT%02u:%02u:%02uZ %" PRIu64 " %s %s %s",
	    date.year, date.month, date.day, of_day / 3600, of_day / 60 % 60,
	    of_day % 60, record->seq, class_name(record->class),
	    record->outcome == SR_OK ? "ok" : error_name(record->outcome),
	    record->pseudonym);
	if (mode == AUDIT_FULL) {
		add_full(record, unit, line, &at);
		add_text(line, &at, name);
		add_text(line, &at, display);
	}
	add(line, &at, "\n");
	return at;
}

size_t
audit_head_write(
    const uint8_t bank_id[32], uint64_t from, char line[AUDIT_LINE_MAX])
{
	char bank[65];
	size_t at = 0;

	sodium_bin2hex(bank, sizeof(bank), bank_id, 32);
	add(line, &at, "%s%s from %" PRIu64 "\n", head_word, bank, from);
	return at;
}

size_t
audit_gap_write(uint64_t first, uint64_t last, char line[AUDIT_LINE_MAX])
{
	size_t at = 0;

	add(line, &at, "%s%" PRIu64 " to %" PRIu64 "\n", gap_word, first, last);
	return at;
}
