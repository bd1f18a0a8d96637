/* SPDX-License-Identifier: ISC */
/*
 * The journal as JSON lines, an object an entry, for a model that shares no
 * code with the bank.  Bytes are hexadecimal; text is escaped beyond ASCII.
 */
#include <inttypes.h>
#include <string.h>

#include "client/verify/audit.h"
#include "common/certificate.h"
#include "common/refusal.h"
#include "common/seal_event.h"

static void
put_text(FILE *out, const char *key, const void *text, size_t len)
{
	const unsigned char *c = text;

	fprintf(out, ",\"%s\":\"", key);
	for (size_t i = 0; i < len; i++)
		if (c[i] < 0x20 || c[i] >= 0x7F || c[i] == '"' || c[i] == '\\')
			fprintf(out, "\\u%04x", c[i]);
		else
			putc(c[i], out);
	putc('"', out);
}

static void
put_hex(FILE *out, const char *key, const uint8_t *bytes, size_t len)
{
	fprintf(out, ",\"%s\":\"", key);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
	putc('"', out);
}

static void
put_u64(FILE *out, const char *key, uint64_t value)
{
	fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

static void
put_i64(FILE *out, const char *key, int64_t value)
{
	fprintf(out, ",\"%s\":%" PRId64, key, value);
}

static void
export_genesis(FILE *out, const struct journal_plain *plain)
{
	struct entry_genesis genesis;

	if (entry_genesis_decode(
		plain->committed, plain->committed_len, &genesis) != SR_OK)
		return;
	put_hex(out, "bank", genesis.bank_id, 32);
	put_hex(out, "name", (const uint8_t *)genesis.name, genesis.name_len);
	put_text(out, "unit", genesis.unit.code, strlen(genesis.unit.code));
	put_u64(out, "exponent", genesis.unit.exponent);
	put_u64(out, "bank_type", genesis.bank_type);
	put_u64(out, "rules_version",
	    genesis.rules.version != 0 ? genesis.rules.version
				       : ENTRY_RULES_FIRST);
	put_i64(out, "floor", genesis.rules.customer_floor_minor);
	put_i64(out, "ceiling", genesis.rules.customer_ceiling_minor);
	put_u64(out, "order_life_ms", genesis.rules.order_life_ms);
	put_u64(out, "request_life_ms", genesis.rules.request_life_ms);
	put_hex(out, "operator_1", genesis.operator_key[0], 32);
	put_hex(out, "operator_2", genesis.operator_key[1], 32);
	put_hex(out, "identity", genesis.identity_key, 32);
	put_hex(out, "signature", genesis.signature, 64);
}

static void
export_restore(FILE *out, const struct journal_plain *plain)
{
	struct restore_note note;

	if (restore_note_read(plain->committed, plain->committed_len, &note) !=
	    SR_OK)
		return;
	put_u64(out, "restored_size", note.restored_size);
	put_hex(out, "restored_root", note.restored_root, 32);
	put_u64(out, "restored_epoch", note.restored_epoch);
	put_u64(out, "old_epoch", note.old_epoch);
	put_u64(out, "last_size", note.last_size);
	put_hex(out, "last_root", note.last_root, 32);
	put_u64(out, "new_epoch", note.new_epoch);
	put_hex(out, "signature", plain->committed + RESTORE_SIGNED_LEN, 64);
}

static void
export_rotation(FILE *out, const struct journal_plain *plain)
{
	const uint8_t *signature = plain->committed + ROTATION_SIGNED_LEN;
	struct rotation_note note;

	if (rotation_note_read(plain->committed, plain->committed_len, &note) !=
	    SR_OK)
		return;
	put_u64(out, "size", note.size);
	put_hex(out, "root", note.root, 32);
	put_u64(out, "old_epoch", note.old_epoch);
	put_hex(out, "old_key", note.old_key, 32);
	put_u64(out, "new_epoch", note.new_epoch);
	put_hex(out, "new_key", note.new_key, 32);
	put_hex(out, "old_signature", signature, 64);
	put_hex(out, "new_signature", signature + 64, 64);
}

static void
export_account(FILE *out, const struct journal_plain *plain)
{
	struct attestation attestation;
	struct entry_account account;
	uint8_t hash[32];

	if (entry_account_decode(
		plain->committed, plain->committed_len, &account) != SR_OK)
		return;
	put_hex(
	    out, "attestation", account.attestation, account.attestation_len);
	put_hex(out, "directory", account.directory, account.directory_len);
	if (account.attestation_len != ATTESTATION_LEN ||
	    attestation_read(account.attestation, &attestation) != SR_OK)
		return;
	attestation_hash(account.attestation, hash);
	put_u64(out, "customer", attestation.customer);
	put_u64(out, "key_epoch", attestation.key_epoch);
	put_u64(out, "key_id", attestation.key_id);
	put_hex(out, "signing_key", attestation.signing_key, 32);
	put_hex(out, "message_key", attestation.message_key, 32);
	put_hex(out, "name_hash", attestation.name_hash, 32);
	put_hex(out, "previous_hash", attestation.previous_hash, 32);
	put_hex(out, "attestation_hash", hash, sizeof(hash));
	put_u64(out, "reset_leaf", attestation.reset_leaf);
}

static void
export_limits(FILE *out, const struct order_limits *limits)
{
	put_i64(out, "floor", limits->floor_minor);
	put_i64(out, "soft_floor", limits->soft_floor_minor);
	put_i64(out, "ceiling", limits->ceiling_minor);
	put_i64(out, "day_limit", limits->day_limit_minor);
}

static void
export_enrol(FILE *out, const uint8_t *bytes, size_t len)
{
	struct order_enrol enrol;

	if (order_enrol_decode(bytes, len, &enrol) != SR_OK)
		return;
	put_u64(out, "principal", enrol.principal);
	put_u64(out, "new_terminal", enrol.terminal);
	put_u64(out, "epoch", enrol.epoch);
	put_i64(out, "maximum", enrol.till_maximum_minor);
	put_u64(out, "role", enrol.role);
}

static void
export_role(FILE *out, const uint8_t *bytes, size_t len)
{
	struct order_role role;

	if (order_role_decode(bytes, len, &role) != SR_OK)
		return;
	put_u64(out, "principal", role.principal);
	put_u64(out, "role", role.role);
	put_u64(out, "till", role.till);
	put_i64(out, "maximum", role.till_maximum_minor);
}

static void
export_policy(FILE *out, const uint8_t *bytes, size_t len)
{
	struct order_policy policy;

	if (order_policy_decode(bytes, len, &policy) != SR_OK)
		return;
	export_limits(out, &policy.customer);
	put_u64(out, "order_life_ms", policy.order_life_ms);
	put_u64(out, "request_life_ms", policy.request_life_ms);
	put_u64(out, "undo_ms", policy.undo_ms);
}

static void
export_count(FILE *out, const uint8_t *bytes, size_t len)
{
	struct order_count count;

	if (order_count_decode(bytes, len, &count) != SR_OK)
		return;
	put_u64(out, "till", count.till);
	put_i64(out, "counted", count.sum_minor);
	fprintf(out, ",\"lines\":[");
	for (unsigned i = 0; i < count.lines; i++)
		fprintf(out, "%s[%" PRId64 ",%" PRIu64 "]", i > 0 ? "," : "",
		    count.line[i].value_minor, count.line[i].pieces);
	putc(']', out);
}

/* What the attachment means, beside its bytes. */
static void
export_attachment(
    FILE *out, const struct order *order, const struct entry_order *entry)
{
	struct order_revoke revoke;
	struct order_auditor auditor;
	struct order_release release;
	struct order_certify certify;
	struct order_limits limits;
	const uint8_t *bytes = entry->attachment;
	size_t len = entry->attachment_len;
	struct order_retire retire;
	struct order_reset reset;
	uint64_t id;

	put_hex(out, "attachment", bytes, len);
	switch (order->kind) {
	case ORDER_ENROL_REQUEST:
		export_enrol(out, bytes, len);
		break;
	case ORDER_REVOKE:
		if (order_revoke_decode(bytes, len, &revoke) != SR_OK)
			break;
		put_u64(out, "principal", revoke.principal);
		put_u64(out, "revoked_terminal", revoke.terminal);
		break;
	case ORDER_AUDITOR_REQUEST:
		if (order_auditor_decode(bytes, len, &auditor) != SR_OK)
			break;
		put_text(out, "auditor", auditor.name, auditor.name_len);
		put_hex(out, "auditor_key", auditor.key, 32);
		break;
	case ORDER_RELEASE_REQUEST:
		if (order_release_decode(bytes, len, &release) != SR_OK)
			break;
		put_u64(out, "hold_account", release.account);
		put_i64(out, "hold_amount", release.amount_minor);
		break;
	case ORDER_POLICY:
		export_policy(out, bytes, len);
		break;
	case ORDER_ROLE:
		export_role(out, bytes, len);
		break;
	case ORDER_RAISE_LIMIT:
	case ORDER_LOWER_LIMIT:
		if (order_limits_decode(bytes, len, &limits) != SR_OK)
			break;
		put_u64(out, "account", limits.account);
		export_limits(out, &limits);
		break;
	case ORDER_FREEZE:
	case ORDER_UNFREEZE:
	case ORDER_CLOSE:
		if (order_account_decode(bytes, len, &id) == SR_OK)
			put_u64(out, "account", id);
		break;
	case ORDER_ROLE_REVOKE:
		if (order_account_decode(bytes, len, &id) == SR_OK)
			put_u64(out, "principal", id);
		break;
	case ORDER_CERTIFY:
		if (order_certify_decode(bytes, len, &certify) != SR_OK)
			break;
		put_u64(out, "snapshot", certify.snapshot);
		put_u64(out, "size", certify.size);
		break;
	case ORDER_RETIRE:
		if (order_retire_decode(bytes, len, &retire) == SR_OK)
			put_u64(out, "snapshot", retire.snapshot);
		break;
	case ORDER_RESET:
		if (order_reset_decode(bytes, len, &reset) != SR_OK)
			break;
		put_u64(out, "principal", reset.customer);
		put_u64(out, "until", reset.until_ms);
		put_hex(out, "replaces", reset.attestation_hash, 32);
		break;
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
		export_count(out, bytes, len);
		break;
	case ORDER_ACCOUNT_OPEN:
		if (order_label_check(bytes, len) == SR_OK)
			put_text(out, "label", bytes, len);
		break;
	default:
		break;
	}
}

static void
export_order(FILE *out, const struct journal_plain *plain)
{
	struct entry_order entry;
	struct order order;
	uint8_t hash[32];

	if (entry_order_decode(
		plain->committed, plain->committed_len, &entry) != SR_OK ||
	    order_decode(entry.order, &order) != SR_OK)
		return;
	order_hash(entry.order, hash);
	put_u64(out, "kind", order.kind);
	put_text(out, "kind_name", order_kind_name(order.kind),
	    strlen(order_kind_name(order.kind)));
	put_u64(out, "flags", order.flags);
	put_u64(out, "unit", order.unit);
	put_u64(out, "terminal", order.terminal);
	put_u64(out, "signer", order.signer);
	put_u64(out, "order_seq", order.seq);
	put_u64(out, "debit", order.debit);
	put_u64(out, "credit", order.credit);
	put_i64(out, "amount", order.amount_minor);
	put_u64(out, "not_after_ms", order.not_after_ms);
	put_hex(out, "session", order.session, sizeof(order.session));
	put_hex(out, "previous", order.previous, sizeof(order.previous));
	put_u64(out, "refers_to", order.refers_to);
	put_hex(out, "reference", order.reference, sizeof(order.reference));
	put_hex(out, "attachment_hash", order.attachment_hash, 32);
	put_hex(out, "bank", order.bank, sizeof(order.bank));
	put_hex(out, "hash", hash, sizeof(hash));
	put_hex(out, "order", entry.order, ORDER_LEN);
	put_hex(out, "signature", entry.signature, ORDER_SIGNATURE_LEN);
	export_attachment(out, &order, &entry);
	put_u64(out, "outcome", (uint64_t)entry.outcome);
	put_text(out, "outcome_name", error_name(entry.outcome),
	    strlen(error_name(entry.outcome)));
}

/* How many of each kind, as strongroomctl status names them. */
static void
export_refusals(FILE *out, const struct entry_event *event)
{
	struct refusals refusals;
	const char *before = ",\"refusals\":{";

	if (refusals_of(event, &refusals) != SR_OK)
		return;
	put_u64(out, "since_ms", refusals.since_ms);
	for (size_t i = 0; i < REFUSAL_KINDS; i++) {
		if (refusals.count[i] == 0)
			continue;
		if (refusal_name(i) != NULL)
			fprintf(out, "%s\"%s\":%" PRIu32, before,
			    refusal_name(i), refusals.count[i]);
		else
			fprintf(out, "%s\"%zu\":%" PRIu32, before, i,
			    refusals.count[i]);
		before = ",";
	}
	putc('}', out);
}

static void
export_envelope(
    FILE *out, const char *name, enum sealed_kind kind, uint16_t number)
{
	const char *text = sealed_kind_name(kind);
	char key[32];

	put_text(out, name, text, strlen(text));
	snprintf(key, sizeof(key), "%s_number", name);
	put_u64(out, key, number);
}

static void
export_seal(FILE *out, const struct entry_event *event)
{
	struct seal_event seal;

	if (seal_event_of(event, &seal) != SR_OK)
		return;
	put_text(out, "seal", seal_what_name(seal.what),
	    strlen(seal_what_name(seal.what)));
	put_u64(out, "when_ms", seal.time_ms);
	export_envelope(out, "way", seal.kind, seal.number);
	put_text(out, "label", seal.label, strlen(seal.label));
	if (seal.kind == SEALED_SHARES) {
		put_u64(out, "quorum", seal.quorum);
		put_u64(out, "shares", seal.shares);
	}
	export_envelope(out, "by", seal.hand_kind, seal.hand_number);
	if (seal.what == SEAL_OPENED)
		fprintf(
		    out, ",\"by_hand\":%s", seal.by_hand ? "true" : "false");
	put_u64(out, "ways", seal.ways);
	put_u64(out, "set", seal.set);
	put_u64(out, "wrong", seal.wrong);
}

static void
export_event(FILE *out, const struct journal_plain *plain, enum entry_type type)
{
	struct entry_event event;

	if (entry_event_decode(
		type, plain->committed, plain->committed_len, &event) != SR_OK)
		return;
	put_u64(out, "code", event.code);
	put_u64(out, "subject", event.subject);
	put_hex(out, "detail", event.detail, sizeof(event.detail));
	if (type == ENTRY_SYSTEM && event.code == SYSTEM_REFUSALS)
		export_refusals(out, &event);
	if (type == ENTRY_SYSTEM && event.code == SYSTEM_SEAL)
		export_seal(out, &event);
}

static void
export_touched(FILE *out, const struct journal_plain *plain)
{
	fprintf(out, ",\"touched\":[");
	for (unsigned i = 0; i < plain->touched_count; i++) {
		const struct journal_touched *touched = &plain->touched[i];

		fprintf(out,
		    "%s{\"account\":%" PRIu64 ",\"posted\":%" PRId64
		    ",\"held\":%" PRId64,
		    i > 0 ? "," : "", touched->account, touched->posted_minor,
		    touched->held_minor);
		if (touched->previous.segment != UINT32_MAX)
			fprintf(out, ",\"previous\":[%" PRIu32 ",%" PRIu32 "]",
			    touched->previous.segment,
			    touched->previous.offset);
		putc('}', out);
	}
	fprintf(out, "]}\n");
}

void
audit_export_entry(FILE *out, const struct audit_entry *entry)
{
	static const char *const types[] = {"unknown", "genesis", "account",
	    "order", "use", "system", "restore", "rotation"};
	static const char *const classes[] = {
	    "unknown", "order", "system", "authority", "box"};
	const struct journal_plain *plain = &entry->plain;
	enum entry_type type =
	    entry_type_of(plain->committed, plain->committed_len);

	fprintf(out,
	    "{\"seq\":%" PRIu64 ",\"type\":\"%s\",\"class\":\"%s\""
	    ",\"time_ms\":%" PRIu64 ",\"segment\":%" PRIu32
	    ",\"offset\":%" PRIu32 ",\"executed\":%s",
	    entry->header.seq,
	    (size_t)type < sizeof(types) / sizeof(types[0]) ? types[type]
							    : types[0],
	    entry->header.class < sizeof(classes) / sizeof(classes[0])
		? classes[entry->header.class]
		: classes[0],
	    entry->header.time_ms, entry->position.segment,
	    entry->position.offset, entry->executed ? "true" : "false");
	switch (type) {
	case ENTRY_GENESIS:
		export_genesis(out, plain);
		break;
	case ENTRY_ACCOUNT:
		export_account(out, plain);
		break;
	case ENTRY_ORDER:
		export_order(out, plain);
		break;
	case ENTRY_USE:
	case ENTRY_SYSTEM:
		export_event(out, plain, type);
		break;
	case ENTRY_RESTORE:
		export_restore(out, plain);
		break;
	case ENTRY_ROTATION:
		export_rotation(out, plain);
		break;
	}
	export_touched(out, plain);
}

void
audit_export_accounts(FILE *out, const struct book *book)
{
	for (uint64_t i = 0; i < book_account_count(book); i++) {
		const struct book_account *account = book_account_at(book, i);

		fprintf(out,
		    "{\"type\":\"balance\",\"account\":%" PRIu64
		    ",\"posted\":%" PRId64 ",\"held\":%" PRId64
		    ",\"status\":%u,\"till_closed\":%s",
		    account->id, account->posted_minor, account->held_minor,
		    account->status, account->till_closed ? "true" : "false");
		export_limits(out,
		    &(struct order_limits){.floor_minor = account->floor_minor,
			.soft_floor_minor = account->soft_floor_minor,
			.ceiling_minor = account->ceiling_minor,
			.day_limit_minor = account->day_limit_minor});
		put_text(out, "label", account->label, account->label_len);
		fprintf(out, "}\n");
	}
}
