/* SPDX-License-Identifier: ISC */
/*
 * What strongroomd and, through it, strongroomctl may ask.  Nothing here
 * changes money or authority: those come as signed orders only.
 */
#include "ledgerd/control.h"

#include <string.h>

#include "common/diag.h"
#include "common/key_table.h"
#include "common/name.h"
#include "gen/events.h"
#include "ledgerd/commit.h"
#include "ledgerd/intake.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/retire_offer.h"

static enum sr_error
queue(struct ledgerd *ledgerd, const uint8_t *message, size_t len)
{
	enum sr_error error =
	    outbox_append(&ledgerd->control_out, message, len);

	if (error != SR_OK)
		diag_warn("strongroomd does not read: an answer is dropped");
	return error;
}

enum sr_error
control_ready(struct ledgerd *ledgerd)
{
	uint8_t bytes[MESSAGE_READY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_ready ready = {.missing = ledgerd->params.missing};
	enum sr_error error;

	error = message_ready_encode(&w, &ready);
	return error == SR_OK ? queue(ledgerd, bytes, writer_len(&w)) : error;
}

void
control_closed(struct ledgerd *ledgerd, enum sr_error why)
{
	uint8_t bytes[MESSAGE_ROOM_EVENT_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const struct message_room_event event = {
	    .kind = why == SR_OK ? EVENT_LEDGERD_OPEN : EVENT_LEDGERD_CLOSED,
	    .one = why};

	if (message_room_event_encode(&w, &event) == SR_OK)
		(void)queue(ledgerd, bytes, writer_len(&w));
}

enum sr_error
control_listen(struct ledgerd *ledgerd)
{
	struct ipc_packet *packet = &ledgerd->packet;

	for (;;) {
		enum sr_error error;

		error = env_receive(ledgerd->env, ENV_CONTROL, false,
		    packet->bytes, sizeof(packet->bytes), &packet->len);
		if (error != SR_OK)
			return error == SR_AGAIN ? SR_OK : error;
		(void)ledgerd_dispatch_monitor(
		    ledgerd, ledgerd->phase, packet->bytes, packet->len);
		if (ledgerd->fatal != SR_OK)
			return ledgerd->fatal;
	}
}

void
ledgerd_refuse_monitor(
    struct ledgerd *ledgerd, unsigned type, enum sr_error error)
{
	ledgerd->refused++;
	diag_warn(
	    "strongroomd sent message %u: %s", type, error_sentence(error));
}

void
ledgerd_take_monitor_generation(
    struct ledgerd *ledgerd, const struct message_generation *m)
{
	uint8_t bytes[MESSAGE_GENERATION_DONE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_generation_done done = {.generation = m->generation};

	ledgerd->generation = m->generation;
	intake_end_older(ledgerd, m->generation);
	/* What waited for the old netd would only puzzle the new one. */
	outbox_clear(&ledgerd->netd_out);
	if (message_generation_done_encode(&w, &done) == SR_OK)
		(void)queue(ledgerd, bytes, writer_len(&w));
}

static bool
settings_valid(const struct message_ledgerd_settings *m)
{
	return m->audit_log <= AUDIT_OFF && m->reserve > 0 &&
	       m->session_idle > 0 && m->session_absolute > 0 &&
	       m->session_rekey > 0;
}

/*
 * A session that is open keeps its time between re-keys, which its client was
 * told and goes by; what is shorter now would end it.
 */
static enum sr_error
take_settings(struct ledgerd *ledgerd, const struct message_ledgerd_settings *m)
{
	struct ledgerd_params *params = &ledgerd->params;

	params->reserve = m->reserve;
	ledgerd->segments.reserve = m->reserve;
	params->session_idle_s = m->session_idle;
	params->session_absolute_s = m->session_absolute;
	params->session_rekey_s = m->session_rekey;
	/* The reserve may close the bank for orders, or open it. */
	if (ledgerd->phase == PHASE_OPEN)
		ledgerd->fatal = admission_look(ledgerd);
	if (ledgerd->fatal != SR_OK)
		return ledgerd->fatal;
	return audit_change(ledgerd, (enum audit_mode)m->audit_log);
}

void
ledgerd_take_monitor_ledgerd_settings(
    struct ledgerd *ledgerd, const struct message_ledgerd_settings *m)
{
	uint8_t bytes[MESSAGE_SETTINGS_DONE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_settings_done done = {.reload = m->reload};

	/* What ends the room already is not to be forgotten. */
	if (ledgerd->fatal != SR_OK)
		return;
	done.error = (uint16_t)(settings_valid(m) ? take_settings(ledgerd, m)
						  : SR_PARAMETERS);
	if (ledgerd->fatal == SR_OK &&
	    message_settings_done_encode(&w, &done) == SR_OK)
		(void)queue(ledgerd, bytes, writer_len(&w));
}

void
ledgerd_take_monitor_stop(struct ledgerd *ledgerd, const struct message_stop *m)
{
	(void)m;
	ledgerd->stopping = true;
}

/* ---- requests of strongroomctl ---------------------------------------------- */

void
control_answer(struct ledgerd *ledgerd, const struct writer *encoded)
{
	uint8_t bytes[MESSAGE_CONTROL_ANSWER_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_control_answer out = {
	    .request = ledgerd->control_request,
	    .packet = encoded->start,
	    .packet_len = writer_len(encoded)};

	if (message_control_answer_encode(&w, &out) == SR_OK)
		(void)queue(ledgerd, bytes, writer_len(&w));
}

void
control_refuse(struct ledgerd *ledgerd, enum sr_error error)
{
	uint8_t bytes[MESSAGE_CONTROL_REFUSED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_control_refused refused = {.error = (uint16_t)error};

	if (message_control_refused_encode(&w, &refused) == SR_OK)
		control_answer(ledgerd, &w);
}

void
ledgerd_take_monitor_control_request(
    struct ledgerd *ledgerd, const struct message_control_request *m)
{
	ledgerd->control_request = m->request;
	(void)ledgerd_dispatch_control(
	    ledgerd, ledgerd->phase, m->packet, m->packet_len);
}

void
ledgerd_refuse_control(
    struct ledgerd *ledgerd, unsigned type, enum sr_error error)
{
	(void)type;
	ledgerd->refused++;
	control_refuse(ledgerd, error);
}

void
ledgerd_take_control_ledgerd_status_get(
    struct ledgerd *ledgerd, const struct message_ledgerd_status_get *m)
{
	uint8_t bytes[MESSAGE_LEDGERD_STATUS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	bool founded = ledgerd->phase == PHASE_OPEN;
	struct message_ledgerd_status status = {.founded = founded,
	    .open = founded && !ledgerd->stopping &&
		    ledgerd->admission.closed == SR_OK,
	    .closed = (uint16_t)ledgerd->admission.closed,
	    .space = ledgerd->admission.free,
	    .reserve = ledgerd->params.reserve,
	    .audit_missing = audit_missing(ledgerd),
	    .audit_mode = (uint8_t)ledgerd->params.audit,
	    .sessions = ledgerd->sessions.count,
	    .segment = ledgerd->segments.number,
	    .accounts = book_account_count(&ledgerd->book),
	    .tree_size = ledgerd->tree.size,
	    .orders = ledgerd->orders,
	    .declined = ledgerd->declined,
	    .refused = ledgerd->refused,
	    .recovered = ledgerd->recovered,
	    .holds = ledgerd->book.hold_count,
	    .late_posts = ledgerd->book.late_posts};
	uint64_t now_ms = env_clock_ms(ledgerd->env);
	const struct book_request *request;
	unsigned place = 0;

	(void)m;
	if (founded)
		metrics_people(&ledgerd->book, &status);
	while ((request = book_request_at(&ledgerd->book, place++)) != NULL)
		status.requests += book_request_open(
		    &ledgerd->book, request, ledgerd_time_ms(ledgerd));
	for (unsigned i = 0; i < ledgerd->book.hold_count; i++)
		status.overdue += book_hold_releasable(
		    &ledgerd->book, &ledgerd->book.hold[i], now_ms);
	if (message_ledgerd_status_encode(&w, &status) == SR_OK)
		control_answer(ledgerd, &w);
}

void
ledgerd_take_control_ledgerd_metrics_get(
    struct ledgerd *ledgerd, const struct message_ledgerd_metrics_get *m)
{
	uint8_t bytes[MESSAGE_LEDGERD_METRICS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)m;
	if (metrics_encode(ledgerd, &w) == SR_OK)
		control_answer(ledgerd, &w);
}

static void
answer_clock(struct ledgerd *ledgerd, enum sr_error error)
{
	uint8_t bytes[MESSAGE_CLOCK_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct admission_clock clock = admission_clock(ledgerd);
	struct message_clock message = {.error = (uint16_t)error,
	    .closed = ledgerd->admission.clock ? SR_CLOCK : SR_OK,
	    .now = clock.now_ms,
	    .expected = clock.expected_ms,
	    .last_entry = clock.last_entry_ms};

	if (message_clock_encode(&w, &message) == SR_OK)
		control_answer(ledgerd, &w);
}

void
ledgerd_take_control_clock_get(
    struct ledgerd *ledgerd, const struct message_clock_get *m)
{
	(void)m;
	answer_clock(ledgerd, SR_OK);
}

void
ledgerd_take_control_clock_confirm(
    struct ledgerd *ledgerd, const struct message_clock_confirm *m)
{
	(void)m;
	answer_clock(ledgerd, admission_confirm_clock(ledgerd));
}

void
control_use_key(struct ledgerd *ledgerd, const struct operation *operation)
{
	enum sr_error error = admission_look(ledgerd), done;

	if (error == SR_OK && ledgerd->admission.closed != SR_OK) {
		control_refuse(ledgerd, SR_CLOSED_FOR_ORDERS);
		return;
	}
	if (error == SR_OK)
		error = commit_operation(ledgerd, operation, &done);
	if (admission_is_refusal(error)) {
		admission_refused(ledgerd, error);
		control_refuse(ledgerd, SR_CLOSED_FOR_ORDERS);
	} else if (error != SR_OK) {
		ledgerd->fatal = error;
	}
}

/* keyd answers the request itself when the use is logged and done. */
void
ledgerd_take_control_terminal_key_get(
    struct ledgerd *ledgerd, const struct message_terminal_key_get *m)
{
	const struct book_terminal *terminal =
	    book_terminal(&ledgerd->book, m->terminal);
	struct operation operation = {.code = USE_TERMINAL_KEY,
	    .request = ledgerd->control_request,
	    .terminal = m->terminal};

	if (terminal == NULL || terminal->revoked) {
		control_refuse(ledgerd, SR_TERMINAL);
		return;
	}
	operation.epoch = terminal->epoch;
	control_use_key(ledgerd, &operation);
}

/*
 * What keyd refuses stands in the log, too: so many entries are there to be
 * had in an hour, and no more.
 */
static bool
rotate_in_budget(struct ledgerd *ledgerd)
{
	uint64_t now_ms = env_boot_ms(ledgerd->env);

	if (ledgerd->rotates == 0 ||
	    now_ms - ledgerd->rotates_since_ms >= UINT64_C(3600000)) {
		ledgerd->rotates_since_ms = now_ms;
		ledgerd->rotates = 0;
	}
	if (ledgerd->rotates == LEDGERD_ROTATES_AN_HOUR)
		return false;
	ledgerd->rotates++;
	return true;
}

/* As above. */
void
ledgerd_take_control_key_rotate(
    struct ledgerd *ledgerd, const struct message_key_rotate *m)
{
	struct operation operation = {.code = USE_ROTATE,
	    .request = ledgerd->control_request,
	    .key = m->key};

	if (key_least_s(m->key) == 0)
		control_refuse(ledgerd, SR_NOT_ALLOWED);
	else if (!rotate_in_budget(ledgerd))
		control_refuse(ledgerd, SR_BUDGET);
	else
		control_use_key(ledgerd, &operation);
}

/* The salt in the header of a segment that is in use. */
static enum sr_error
segment_salt(struct ledgerd *ledgerd, uint32_t number, uint8_t salt[32])
{
	struct journal_segment header;
	enum sr_error error;
	env_file file;
	uint64_t len;

	if (number > ledgerd->segments.number)
		return SR_NOT_FOUND;
	error = segments_open(
	    &ledgerd->segments, number, ENV_READ, &file, &len, &header);
	if (error == SR_OK || error == SR_AGAIN || error == SR_DAMAGED)
		(void)env_close(ledgerd->env, file);
	if (error == SR_OK)
		memcpy(salt, header.salt, sizeof(header.salt));
	return error == SR_AGAIN ? SR_NOT_FOUND : error;
}

/* Only for whom two operators have enrolled; keyd answers, as above. */
void
ledgerd_take_control_disclosure_get(
    struct ledgerd *ledgerd, const struct message_disclosure_get *m)
{
	const struct book_auditor *auditor =
	    book_auditor(&ledgerd->book, (const char *)m->name, m->name_len);
	struct operation operation = {.code = USE_DISCLOSE,
	    .request = ledgerd->control_request,
	    .segment = m->segment};
	enum sr_error error;

	error = auditor == NULL
		    ? SR_NOT_FOUND
		    : segment_salt(ledgerd, m->segment, operation.salt);
	if (error != SR_OK) {
		control_refuse(ledgerd, error);
		return;
	}
	memcpy(operation.auditor, auditor->key, sizeof(operation.auditor));
	control_use_key(ledgerd, &operation);
}

void
ledgerd_take_control_snapshot_disclosure_get(
    struct ledgerd *ledgerd, const struct message_snapshot_disclosure_get *m)
{
	const struct book_auditor *auditor =
	    book_auditor(&ledgerd->book, (const char *)m->name, m->name_len);
	struct operation operation = {.code = USE_DISCLOSE_SNAPSHOT,
	    .request = ledgerd->control_request,
	    .segment = m->snapshot};
	enum sr_error error =
	    auditor == NULL
		? SR_NOT_FOUND
		: snapshot_salt(ledgerd, m->snapshot, operation.salt);

	if (error != SR_OK) {
		control_refuse(ledgerd, error);
		return;
	}
	memcpy(operation.auditor, auditor->key, sizeof(operation.auditor));
	control_use_key(ledgerd, &operation);
}

void
ledgerd_take_control_retention_get(
    struct ledgerd *ledgerd, const struct message_retention_get *m)
{
	uint8_t bytes[MESSAGE_RETENTION_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_retention answer;
	enum sr_error error = retire_offer(ledgerd, &answer);

	(void)m;
	if (error != SR_OK) {
		ledgerd->fatal = error;
		return;
	}
	if (message_retention_encode(&w, &answer) == SR_OK)
		control_answer(ledgerd, &w);
}

static enum sr_error
genesis_of(struct ledgerd *ledgerd, const struct message_found *m,
    struct entry_genesis *genesis)
{
	memset(genesis, 0, sizeof(*genesis));
	if (m->bank_type > BANK_MUTUAL_CREDIT || m->unit_len > MONEY_CODE_MAX ||
	    m->name_len == 0 ||
	    name_text_check(m->name, m->name_len, ENTRY_BANK_NAME_MAX) !=
		SR_OK ||
	    m->limit < 0 || (m->limit > 0 && m->bank_type == BANK_CASH))
		return SR_PARAMETERS;
	memcpy(genesis->bank_id, ledgerd->bank_id, 32);
	memcpy(genesis->identity_key, ledgerd->identity, 32);
	genesis->name_len = (uint8_t)m->name_len;
	memcpy(genesis->name, m->name, m->name_len);
	memcpy(genesis->unit.code, m->unit, m->unit_len);
	genesis->unit.exponent = m->exponent;
	genesis->bank_type = m->bank_type;
	genesis->rules = entry_rules_default((enum bank_type)m->bank_type);
	if (m->limit > 0) {
		genesis->rules.customer_floor_minor = -m->limit;
		genesis->rules.customer_ceiling_minor = m->limit;
	}
	memcpy(genesis->operator_key[0], m->operator_1, 32);
	memcpy(genesis->operator_key[1], m->operator_2, 32);
	genesis->time_ms = env_clock_ms(ledgerd->env);
	return money_unit_valid(&genesis->unit) ? SR_OK : SR_PARAMETERS;
}

/* Leaf 0.  A refusal by rules or keyd is the answer; what comes after the
 * signature must succeed. */
static enum sr_error
found(struct ledgerd *ledgerd, const struct message_found *m)
{
	uint8_t bytes[ENTRY_GENESIS_LEN];
	struct entry_genesis genesis;
	enum sr_error error;

	if (ledgerd->tree.size > 0)
		return SR_ALREADY;
	error = genesis_of(ledgerd, m, &genesis);
	if (error != SR_OK)
		return error;
	entry_genesis_encode(&genesis, bytes);
	error = keyd_genesis_sign(
	    ledgerd, bytes, ENTRY_GENESIS_SIGNED_LEN, genesis.signature);
	if (error != SR_OK)
		return error;
	entry_genesis_encode(&genesis, bytes);
	error = entry_genesis_verify(bytes, ledgerd->identity);
	if (error == SR_OK)
		error = book_found(&ledgerd->book, &genesis);
	if (error == SR_OK)
		error = commit_genesis(ledgerd, bytes);
	ledgerd->fatal = error;
	if (error == SR_OK)
		ledgerd->phase = PHASE_OPEN;
	return error;
}

void
ledgerd_take_control_found(
    struct ledgerd *ledgerd, const struct message_found *m)
{
	uint8_t bytes[MESSAGE_FOUNDED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_founded founded = {0};

	founded.error = (uint16_t)found(ledgerd, m);
	memcpy(founded.bank_id, ledgerd->bank_id, sizeof(founded.bank_id));
	if (message_founded_encode(&w, &founded) == SR_OK)
		control_answer(ledgerd, &w);
}
