/* SPDX-License-Identifier: ISC */
/*
 * The terminal's journal on disk.  Must never take a damaged file for an idle
 * till: cash may be out that nobody has booked.
 */
#include "client/atm/till_journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"

#define TILL_MAGIC "SRTILL01"

enum { TILL_FILE_LEN = 8 + 8 + 16 + 16 + 8 + 8 + 8 + 8 };

static void
till_file(const char *terminal, char name[STATE_NAME_MAX])
{
	snprintf(name, STATE_NAME_MAX, "till-%.32s", terminal);
}

enum sr_error
till_journal_lock(const struct state *state, const char *terminal, int *lock)
{
	char name[STATE_NAME_MAX];

	snprintf(name, sizeof(name), "atm-lock-%.32s", terminal);
	return state_lock(state, name, true, lock);
}

void
till_journal_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

static enum sr_error
till_decode(const uint8_t *bytes, size_t len, struct till_record *record)
{
	struct reader r = reader_of(bytes, len);
	uint8_t step;
	enum sr_error error = reader_magic(&r, TILL_MAGIC, 8);

	if (error != SR_OK)
		return error;
	step = reader_u8(&r);
	reader_zeros(&r, 7);
	reader_bytes(
	    &r, record->hold_reference, sizeof(record->hold_reference));
	reader_bytes(
	    &r, record->settle_reference, sizeof(record->settle_reference));
	record->account = reader_u64(&r);
	record->amount_minor = reader_i64(&r);
	record->leaf = reader_u64(&r);
	record->dispensed_minor = reader_i64(&r);
	if (!reader_end(&r) || step < TILL_ASKED || step > TILL_DISPENSED ||
	    record->amount_minor <= 0 || record->dispensed_minor < 0 ||
	    record->dispensed_minor > record->amount_minor)
		return SR_DAMAGED;
	record->step = (enum till_step)step;
	return SR_OK;
}

enum sr_error
till_journal_load(
    const struct state *state, const char *terminal, struct till_record *record)
{
	uint8_t bytes[TILL_FILE_LEN];
	char name[STATE_NAME_MAX];
	enum sr_error error;
	size_t len;

	memset(record, 0, sizeof(*record));
	till_file(terminal, name);
	error = state_read(state, name, bytes, sizeof(bytes), &len);
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error == SR_OK || error == SR_TOO_LARGE) {
		enum sr_error decoded = till_decode(bytes, len, record);

		if (error == SR_OK || decoded == SR_VERSION)
			error = decoded;
	}
	if (error == SR_VERSION)
		state_complain(state, name, error_sentence(error));
	if (error == SR_DAMAGED || error == SR_TOO_LARGE) {
		fprintf(stderr,
		    "%s/%s is damaged; count the till's cash, compare its "
		    "statement, and move the file away\n",
		    state->directory, name);
		return SR_DAMAGED;
	}
	return error;
}

static enum sr_error
till_write(const struct state *state, const char *name,
    const struct till_record *record)
{
	uint8_t bytes[TILL_FILE_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));

	writer_bytes(&w, TILL_MAGIC, 8);
	writer_u8(&w, (uint8_t)record->step);
	writer_zeros(&w, 7);
	writer_bytes(
	    &w, record->hold_reference, sizeof(record->hold_reference));
	writer_bytes(
	    &w, record->settle_reference, sizeof(record->settle_reference));
	writer_u64(&w, record->account);
	writer_i64(&w, record->amount_minor);
	writer_u64(&w, record->leaf);
	writer_i64(&w, record->dispensed_minor);
	if (w.bad || writer_len(&w) != sizeof(bytes))
		return SR_INTERNAL;
	return state_write(state, name, bytes, sizeof(bytes));
}

enum sr_error
till_journal_save(const struct state *state, const char *terminal,
    const struct till_record *record)
{
	char name[STATE_NAME_MAX];

	till_file(terminal, name);
	return record->step == TILL_IDLE ? state_remove(state, name)
					 : till_write(state, name, record);
}

enum sr_error
till_journal_set_aside(const struct state *state, const char *terminal,
    const struct till_record *record, char kept[STATE_NAME_MAX])
{
	char name[STATE_NAME_MAX];
	enum sr_error error;

	snprintf(kept, STATE_NAME_MAX,
	    "unbooked-%.32s-%" PRIu64 "-%02x%02x%02x%02x", terminal,
	    record->leaf, record->settle_reference[0],
	    record->settle_reference[1], record->settle_reference[2],
	    record->settle_reference[3]);
	error = till_write(state, kept, record);
	till_file(terminal, name);
	return error == SR_OK ? state_remove(state, name) : error;
}
