/* SPDX-License-Identifier: ISC */
/*
 * The rotation note's bytes.  Must never call anything a note that one of the
 * two keys has not signed: it is what carries the trust in the old key over to
 * the new one.
 */
#include "common/rotation.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/entry.h"

#define LABEL_LEN (sizeof(ROTATION_LABEL) - 1)
#define TEXT_LEN (LABEL_LEN + ROTATION_SIGNED_LEN)

enum sr_error
rotation_note_read(const void *bytes, size_t len, struct rotation_note *out)
{
	struct reader r = reader_of(bytes, len);
	struct rotation_note note;

	if (len != ROTATION_NOTE_LEN || reader_u8(&r) != ENTRY_ROTATION)
		return SR_MALFORMED;
	reader_zeros(&r, 3);
	note.new_epoch = reader_u32(&r);
	reader_bytes(&r, note.bank_id, sizeof(note.bank_id));
	note.old_epoch = reader_u32(&r);
	reader_zeros(&r, 4);
	note.size = reader_u64(&r);
	reader_bytes(&r, note.root, sizeof(note.root));
	reader_bytes(&r, note.old_key, sizeof(note.old_key));
	reader_bytes(&r, note.new_key, sizeof(note.new_key));
	note.time_ms = reader_u64(&r);
	(void)reader_view(&r, 2 * 64);
	if (!reader_end(&r) || note.size == 0 || note.old_epoch == 0 ||
	    note.new_epoch <= note.old_epoch ||
	    memcmp(note.old_key, note.new_key, sizeof(note.old_key)) == 0)
		return SR_MALFORMED;
	*out = note;
	return SR_OK;
}

static void
labelled(const uint8_t part[ROTATION_SIGNED_LEN], uint8_t text[TEXT_LEN])
{
	memcpy(text, ROTATION_LABEL, LABEL_LEN);
	memcpy(text + LABEL_LEN, part, ROTATION_SIGNED_LEN);
}

static enum sr_error
verify_both(const uint8_t *bytes, const struct rotation_note *note)
{
	const uint8_t *old_signature = bytes + ROTATION_SIGNED_LEN;
	uint8_t text[TEXT_LEN];

	labelled(bytes, text);
	return crypto_sign_verify_detached(
		   old_signature, text, sizeof(text), note->old_key) == 0 &&
		       crypto_sign_verify_detached(old_signature + 64, text,
			   sizeof(text), note->new_key) == 0
		   ? SR_OK
		   : SR_SIGNATURE;
}

enum sr_error
rotation_note_sign(const struct rotation_note *note,
    const uint8_t old_secret[64], const uint8_t new_secret[64],
    uint8_t out[ROTATION_NOTE_LEN])
{
	uint8_t text[TEXT_LEN], *signature = out + ROTATION_SIGNED_LEN;
	struct writer w = writer_to(out, ROTATION_NOTE_LEN);
	struct rotation_note read;

	writer_u8(&w, ENTRY_ROTATION);
	writer_zeros(&w, 3);
	writer_u32(&w, note->new_epoch);
	writer_bytes(&w, note->bank_id, sizeof(note->bank_id));
	writer_u32(&w, note->old_epoch);
	writer_zeros(&w, 4);
	writer_u64(&w, note->size);
	writer_bytes(&w, note->root, sizeof(note->root));
	writer_bytes(&w, note->old_key, sizeof(note->old_key));
	writer_bytes(&w, note->new_key, sizeof(note->new_key));
	writer_u64(&w, note->time_ms);
	writer_zeros(&w, 2 * 64);
	if (w.bad || rotation_note_read(out, ROTATION_NOTE_LEN, &read) != SR_OK)
		return SR_MALFORMED;
	labelled(out, text);
	if (crypto_sign_detached(
		signature, NULL, text, sizeof(text), old_secret) != 0 ||
	    crypto_sign_detached(
		signature + 64, NULL, text, sizeof(text), new_secret) != 0)
		return SR_CRYPTO;
	return verify_both(out, &read) == SR_OK ? SR_OK : SR_CRYPTO;
}

enum sr_error
rotation_note_verify(const void *bytes, size_t len, const uint8_t bank_id[32],
    struct rotation_note *out)
{
	struct rotation_note note;
	enum sr_error error = rotation_note_read(bytes, len, &note);

	if (error == SR_OK &&
	    memcmp(note.bank_id, bank_id, sizeof(note.bank_id)) != 0)
		error = SR_WRONG_BANK;
	if (error == SR_OK)
		error = verify_both(bytes, &note);
	if (error == SR_OK)
		*out = note;
	return error;
}
