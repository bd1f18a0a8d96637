/* SPDX-License-Identifier: ISC */
/*
 * What a snapshot holds: the books and the people, out and in again.  Must
 * never take a length from the file that it did not bound.
 */
#include "ledgerd/snapshot_contents.h"

#include <string.h>

#include <sodium.h>

#include "common/book/state.h"
#include "ledgerd/ledgerd.h"

enum {
	/* name, salt, display name with their lengths, entry, attestation */
	PERSON_MAX = 1 + PERSON_NAME_MAX + 32 + 1 + PERSON_DISPLAY_MAX + 8 +
		     ATTESTATION_LEN,
};

/* ---- people ------------------------------------------------------------------ */

static enum sr_error
put_person(struct snapshot_file *f, const struct person *person)
{
	uint8_t bytes[PERSON_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error;

	writer_u8(&w, person->name_len);
	writer_bytes(&w, person->name, person->name_len);
	writer_bytes(&w, person->salt, sizeof(person->salt));
	writer_u8(&w, person->display_len);
	writer_bytes(&w, person->display, person->display_len);
	writer_u32(&w, person->entry.segment);
	writer_u32(&w, person->entry.offset);
	writer_bytes(&w, person->attestation, sizeof(person->attestation));
	error =
	    w.bad ? SR_INTERNAL : snapshot_file_put(f, bytes, writer_len(&w));
	sodium_memzero(bytes, sizeof(bytes));
	return error;
}

static enum sr_error
take_text(struct snapshot_file *f, char *text, uint8_t *text_len, size_t max)
{
	enum sr_error error = snapshot_file_take(f, text_len, 1);

	if (error == SR_OK && *text_len > max)
		error = SR_MALFORMED;
	return error == SR_OK
		   ? snapshot_file_take(f, (uint8_t *)text, *text_len)
		   : error;
}

static enum sr_error
take_person(struct snapshot_file *f, struct person *person)
{
	uint8_t place[8] = {0};
	struct reader r = reader_of(place, sizeof(place));
	enum sr_error error;

	memset(person, 0, sizeof(*person));
	error = take_text(f, person->name, &person->name_len, PERSON_NAME_MAX);
	if (error == SR_OK)
		error =
		    snapshot_file_take(f, person->salt, sizeof(person->salt));
	if (error == SR_OK)
		error = take_text(f, person->display, &person->display_len,
		    PERSON_DISPLAY_MAX);
	if (error == SR_OK)
		error = snapshot_file_take(f, place, sizeof(place));
	if (error == SR_OK)
		error = snapshot_file_take(
		    f, person->attestation, sizeof(person->attestation));
	if (error != SR_OK)
		return error;
	person->entry.segment = reader_u32(&r);
	person->entry.offset = reader_u32(&r);
	return SR_OK;
}

/* One for each principal, in the book's order. */
static enum sr_error
put_people(struct snapshot_file *f, const struct ledgerd *ledgerd)
{
	uint64_t count = book_principal_count(&ledgerd->book);
	enum sr_error error = SR_OK;

	for (uint64_t i = 0; i < count && error == SR_OK; i++) {
		const struct person *person = people_of(&ledgerd->people,
		    book_principal_at(&ledgerd->book, i)->customer);

		error = person == NULL ? SR_INTERNAL : put_person(f, person);
	}
	return error;
}

static enum sr_error
take_people(struct snapshot_file *f, struct ledgerd *ledgerd)
{
	uint64_t count = book_principal_count(&ledgerd->book);
	enum sr_error error = SR_OK;
	struct person person;

	for (uint64_t i = 0; i < count && error == SR_OK; i++) {
		error = take_person(f, &person);
		if (error == SR_OK)
			error = people_set(&ledgerd->people,
			    book_principal_at(&ledgerd->book, i)->customer,
			    &person);
	}
	sodium_memzero(&person, sizeof(person));
	return error;
}

/* ---- the whole ----------------------------------------------------------------- */

/* Time of the last entry 8 | tree (merkle.h) | book | people. */
enum sr_error
snapshot_put(struct snapshot_file *f, const struct ledgerd *ledgerd)
{
	uint8_t bytes[8 + MERKLE_FRONTIER_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error;

	writer_u64(&w, ledgerd->last_time_ms);
	merkle_frontier_write(&ledgerd->tree, &w);
	error =
	    w.bad ? SR_INTERNAL : snapshot_file_put(f, bytes, writer_len(&w));
	if (error == SR_OK)
		error = book_state_write(
		    &ledgerd->book, BOOK_STATE_ALL, snapshot_file_put, f);
	return error == SR_OK ? put_people(f, ledgerd) : error;
}

enum sr_error
snapshot_take(struct snapshot_file *f, struct ledgerd *ledgerd,
    struct merkle_frontier *tree)
{
	enum sr_error error =
	    snapshot_file_tree(f, &ledgerd->last_time_ms, tree);

	if (error == SR_OK)
		error = book_state_read(&ledgerd->book, snapshot_file_take, f);
	return error == SR_OK ? take_people(f, ledgerd) : error;
}
