/* SPDX-License-Identifier: ISC */
/*
 * Layouts of the handshake's plaintexts.  Must accept exactly one sequence of
 * bytes for each content.
 */
#include "common/payload.h"

#include <assert.h>
#include <string.h>

#include "common/buffer.h"
#include "common/name.h"

_Static_assert(PAYLOAD_NAME_MAX == NAME_LEN_MAX, "");
_Static_assert(PAYLOAD_DISPLAY_NAME_MAX == NAME_DISPLAY_MAX, "");

/* Zeros up to the end of the payload. */
static void
pad(struct writer *w)
{
	writer_zeros(w, (size_t)(w->end - w->at));
	assert(!w->bad);
}

static bool
ended(struct reader *r)
{
	reader_zeros(r, reader_left(r));
	return reader_end(r);
}

/* A text in a field of max bytes, what it does not use being zero. */
static void
write_text(struct writer *w, const char *text, size_t len, size_t max)
{
	assert(len <= max);
	writer_u8(w, (uint8_t)len);
	writer_bytes(w, text, len);
	writer_zeros(w, max - len);
}

static uint8_t
read_text(struct reader *r, char *out, size_t max)
{
	uint8_t len = reader_u8(r);

	if (len > max) {
		r->bad = true;
		len = 0;
	}
	reader_bytes(r, out, len);
	out[len] = '\0';
	reader_zeros(r, max - len);
	return len;
}

static void
write_status(struct writer *w, enum sr_error status)
{
	assert(status >= 0 && status <= UINT8_MAX);
	writer_u8(w, (uint8_t)status);
}

static enum sr_error
read_status(struct reader *r)
{
	uint8_t number = reader_u8(r);
	enum sr_error status = error_of_wire(number);

	if ((uint8_t)status != number)
		r->bad = true;
	return status;
}

bool
payload_logs_in(enum payload_operation operation)
{
	return operation == OPERATION_LOG_IN || operation == OPERATION_CHANGE ||
	       operation == OPERATION_RENEW;
}

void
reset_code_write(const struct reset_code *code, uint8_t out[RESET_CODE_LEN])
{
	struct writer w = writer_to(out, RESET_CODE_LEN);

	writer_u64(&w, code->leaf);
	writer_u32(&w, code->until_s);
	writer_u32(&w, code->key_epoch);
	writer_bytes(&w, code->mac, sizeof(code->mac));
}

void
reset_code_read(const uint8_t bytes[RESET_CODE_LEN], struct reset_code *out)
{
	struct reader r = reader_of(bytes, RESET_CODE_LEN);

	out->leaf = reader_u64(&r);
	out->until_s = reader_u32(&r);
	out->key_epoch = reader_u32(&r);
	reader_bytes(&r, out->mac, sizeof(out->mac));
}

void
payload_m1_write(const struct payload_m1 *m1, uint8_t out[PAYLOAD_M1_LEN])
{
	struct writer w = writer_to(out, PAYLOAD_M1_LEN);
	bool logs_in = payload_logs_in(m1->operation);

	assert(m1->operation >= OPERATION_LOG_IN &&
	       m1->operation <= OPERATION_RENEW);
	writer_u8(&w, (uint8_t)m1->operation);
	writer_u8(&w, m1->slot);
	writer_u8(&w, m1->target_slot);
	write_text(&w, m1->name, m1->name_len, PAYLOAD_NAME_MAX);
	if (logs_in) {
		writer_bytes(&w, &m1->ke1, sizeof(m1->ke1));
		writer_bytes(&w, m1->device_token, DEVICE_TOKEN_LEN);
	}
	if (m1->operation != OPERATION_LOG_IN)
		writer_bytes(&w, m1->request, OPAQUE_REQUEST_LEN);
	if (!logs_in)
		writer_bytes(&w, m1->invitation, INVITATION_LEN);
	if (m1->operation == OPERATION_REGISTER) {
		write_text(&w, m1->display_name, m1->display_name_len,
		    PAYLOAD_DISPLAY_NAME_MAX);
	}
	pad(&w);
}

/* Which slots an operation may name. */
static bool
slots_allowed(const struct payload_m1 *m1)
{
	switch (m1->operation) {
	case OPERATION_LOG_IN:
		return m1->slot < SLOT_COUNT && m1->target_slot == 0;
	case OPERATION_REGISTER:
	case OPERATION_RENEW:
		return m1->slot == 0 && m1->target_slot == 0;
	case OPERATION_CHANGE:
		return m1->slot < SLOT_COUNT && m1->target_slot < SLOT_COUNT;
	case OPERATION_RESET:
		return m1->slot == 0 && m1->target_slot < SLOT_COUNT;
	}
	return false;
}

enum sr_error
payload_m1_read(const uint8_t bytes[PAYLOAD_M1_LEN], struct payload_m1 *out)
{
	struct reader r = reader_of(bytes, PAYLOAD_M1_LEN);

	*out = (struct payload_m1){
	    .operation = (enum payload_operation)reader_u8(&r)};
	out->slot = reader_u8(&r);
	out->target_slot = reader_u8(&r);
	out->name_len = read_text(&r, out->name, PAYLOAD_NAME_MAX);
	if (!slots_allowed(out) ||
	    name_check(out->name, out->name_len) != SR_OK)
		return SR_MALFORMED;
	if (payload_logs_in(out->operation)) {
		reader_bytes(&r, &out->ke1, sizeof(out->ke1));
		reader_bytes(&r, out->device_token, DEVICE_TOKEN_LEN);
	}
	if (out->operation != OPERATION_LOG_IN)
		reader_bytes(&r, out->request, OPAQUE_REQUEST_LEN);
	if (!payload_logs_in(out->operation))
		reader_bytes(&r, out->invitation, INVITATION_LEN);
	if (out->operation == OPERATION_REGISTER) {
		out->display_name_len =
		    read_text(&r, out->display_name, PAYLOAD_DISPLAY_NAME_MAX);
		if (name_display_check(
			out->display_name, out->display_name_len) != SR_OK)
			return SR_MALFORMED;
	}
	return ended(&r) ? SR_OK : SR_MALFORMED;
}

void
payload_m2_write(enum payload_operation operation, const struct payload_m2 *m2,
    uint8_t out[PAYLOAD_M2_LEN])
{
	struct writer w = writer_to(out, PAYLOAD_M2_LEN);
	bool ok = m2->status == SR_OK;

	write_status(&w, m2->status);
	writer_zeros(&w, 3);
	writer_u32(&w, m2->status == SR_LATER ? m2->retry_after_s : 0);
	if (ok && payload_logs_in(operation))
		writer_bytes(&w, &m2->ke2, sizeof(m2->ke2));
	else
		writer_zeros(&w, sizeof(m2->ke2));
	if (ok && operation != OPERATION_LOG_IN)
		writer_bytes(&w, m2->evaluated, OPAQUE_ELEMENT_LEN);
	pad(&w);
}

enum sr_error
payload_m2_read(enum payload_operation operation,
    const uint8_t bytes[PAYLOAD_M2_LEN], struct payload_m2 *out)
{
	struct reader r = reader_of(bytes, PAYLOAD_M2_LEN);
	bool ok;

	*out = (struct payload_m2){.status = read_status(&r)};
	ok = out->status == SR_OK;
	reader_zeros(&r, 3);
	out->retry_after_s = reader_u32(&r);
	if (out->status != SR_LATER && out->retry_after_s != 0)
		return SR_MALFORMED;
	if (ok && payload_logs_in(operation))
		reader_bytes(&r, &out->ke2, sizeof(out->ke2));
	else
		reader_zeros(&r, sizeof(out->ke2));
	if (ok && operation != OPERATION_LOG_IN)
		reader_bytes(&r, out->evaluated, OPAQUE_ELEMENT_LEN);
	return ended(&r) ? SR_OK : SR_MALFORMED;
}

void
payload_m3_write(enum payload_operation operation, const struct payload_m3 *m3,
    uint8_t out[PAYLOAD_M3_LEN])
{
	struct writer w = writer_to(out, PAYLOAD_M3_LEN);

	if (payload_logs_in(operation))
		writer_bytes(&w, &m3->ke3, sizeof(m3->ke3));
	else
		writer_zeros(&w, sizeof(m3->ke3));
	if (operation != OPERATION_LOG_IN) {
		writer_bytes(&w, &m3->record, sizeof(m3->record));
		writer_bytes(&w, m3->wrapped_seed, WRAPPED_SEED_LEN);
		writer_bytes(&w, m3->signing_key, PUBLIC_KEY_LEN);
		writer_bytes(&w, m3->message_key, PUBLIC_KEY_LEN);
		writer_bytes(&w, m3->proof, SIGNATURE_LEN);
	}
	if (operation == OPERATION_CHANGE)
		writer_bytes(&w, m3->old_signature, SIGNATURE_LEN);
	pad(&w);
}

enum sr_error
payload_m3_read(enum payload_operation operation,
    const uint8_t bytes[PAYLOAD_M3_LEN], struct payload_m3 *out)
{
	struct reader r = reader_of(bytes, PAYLOAD_M3_LEN);

	*out = (struct payload_m3){0};
	if (payload_logs_in(operation))
		reader_bytes(&r, &out->ke3, sizeof(out->ke3));
	else
		reader_zeros(&r, sizeof(out->ke3));
	if (operation != OPERATION_LOG_IN) {
		reader_bytes(&r, &out->record, sizeof(out->record));
		reader_bytes(&r, out->wrapped_seed, WRAPPED_SEED_LEN);
		reader_bytes(&r, out->signing_key, PUBLIC_KEY_LEN);
		reader_bytes(&r, out->message_key, PUBLIC_KEY_LEN);
		reader_bytes(&r, out->proof, SIGNATURE_LEN);
	}
	if (operation == OPERATION_CHANGE)
		reader_bytes(&r, out->old_signature, SIGNATURE_LEN);
	return ended(&r) ? SR_OK : SR_MALFORMED;
}

void
payload_m4_write(const struct payload_m4 *m4, uint8_t out[PAYLOAD_M4_LEN])
{
	struct writer w = writer_to(out, PAYLOAD_M4_LEN);

	write_status(&w, m4->status);
	if (m4->status != SR_OK) {
		pad(&w);
		return;
	}
	assert(m4->checkpoint_len <= PAYLOAD_CHECKPOINT_MAX);
	writer_u8(&w, m4->role);
	writer_u16(&w, m4->unit);
	writer_u32(&w, m4->terminal);
	writer_bytes(&w, m4->session_id, SESSION_ID_LEN);
	writer_u64(&w, m4->customer);
	writer_u64(&w, m4->account);
	writer_u64(&w, m4->till_account);
	writer_u64(&w, m4->next_seq);
	writer_bytes(&w, m4->last_order_hash, sizeof(m4->last_order_hash));
	writer_bytes(&w, m4->wrapped_seed, WRAPPED_SEED_LEN);
	writer_bytes(&w, m4->device_token, DEVICE_TOKEN_LEN);
	writer_bytes(&w, m4->name_salt, NAME_SALT_LEN);
	writer_bytes(&w, m4->attestation, ATTESTATION_LEN);
	writer_u32(&w, m4->failed_log_ins);
	writer_u32(&w, m4->idle_limit_ms);
	writer_u32(&w, m4->absolute_limit_ms);
	writer_u32(&w, m4->rekey_ms);
	writer_u64(&w, m4->rekey_records);
	writer_u64(&w, m4->rekey_bytes);
	writer_u64(&w, m4->server_time_ms);
	writer_u16(&w, m4->checkpoint_len);
	writer_bytes(&w, m4->checkpoint, m4->checkpoint_len);
	writer_zeros(&w, PAYLOAD_CHECKPOINT_MAX - m4->checkpoint_len);
	writer_u8(&w, m4->renew ? 1 : 0);
	pad(&w);
}

enum sr_error
payload_m4_read(const uint8_t bytes[PAYLOAD_M4_LEN], struct payload_m4 *out)
{
	struct reader r = reader_of(bytes, PAYLOAD_M4_LEN);
	uint8_t renew;

	*out = (struct payload_m4){.status = read_status(&r)};
	if (out->status != SR_OK)
		return ended(&r) ? SR_OK : SR_MALFORMED;
	out->role = reader_u8(&r);
	out->unit = reader_u16(&r);
	out->terminal = reader_u32(&r);
	reader_bytes(&r, out->session_id, SESSION_ID_LEN);
	out->customer = reader_u64(&r);
	out->account = reader_u64(&r);
	out->till_account = reader_u64(&r);
	out->next_seq = reader_u64(&r);
	reader_bytes(&r, out->last_order_hash, sizeof(out->last_order_hash));
	reader_bytes(&r, out->wrapped_seed, WRAPPED_SEED_LEN);
	reader_bytes(&r, out->device_token, DEVICE_TOKEN_LEN);
	reader_bytes(&r, out->name_salt, NAME_SALT_LEN);
	reader_bytes(&r, out->attestation, ATTESTATION_LEN);
	out->failed_log_ins = reader_u32(&r);
	out->idle_limit_ms = reader_u32(&r);
	out->absolute_limit_ms = reader_u32(&r);
	out->rekey_ms = reader_u32(&r);
	out->rekey_records = reader_u64(&r);
	out->rekey_bytes = reader_u64(&r);
	out->server_time_ms = reader_u64(&r);
	out->checkpoint_len = reader_u16(&r);
	if (out->checkpoint_len > PAYLOAD_CHECKPOINT_MAX)
		return SR_MALFORMED;
	reader_bytes(&r, out->checkpoint, out->checkpoint_len);
	reader_zeros(&r, PAYLOAD_CHECKPOINT_MAX - out->checkpoint_len);
	renew = reader_u8(&r);
	out->renew = renew == 1;
	if (renew > 1)
		return SR_MALFORMED;
	return ended(&r) ? SR_OK : SR_MALFORMED;
}

void
payload_m5_write(const struct payload_m5 *m5, uint8_t out[PAYLOAD_M5_LEN])
{
	struct writer w = writer_to(out, PAYLOAD_M5_LEN);

	write_status(&w, m5->status);
	if (m5->status == SR_OK) {
		writer_zeros(&w, 7);
		writer_bytes(&w, m5->name_salt, NAME_SALT_LEN);
		writer_bytes(&w, m5->attestation, ATTESTATION_LEN);
	}
	pad(&w);
}

enum sr_error
payload_m5_read(const uint8_t bytes[PAYLOAD_M5_LEN], struct payload_m5 *out)
{
	struct reader r = reader_of(bytes, PAYLOAD_M5_LEN);

	*out = (struct payload_m5){.status = read_status(&r)};
	if (out->status == SR_OK) {
		reader_zeros(&r, 7);
		reader_bytes(&r, out->name_salt, NAME_SALT_LEN);
		reader_bytes(&r, out->attestation, ATTESTATION_LEN);
	}
	return ended(&r) ? SR_OK : SR_MALFORMED;
}
