/* SPDX-License-Identifier: ISC */
/*
 * The restore note's bytes.  Must never call anything a note that is not
 * exactly the layout of the header: it is what makes a gap an honest one.
 */
#include "common/restore.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/entry.h"

#define LABEL_LEN (sizeof(RESTORE_LABEL) - 1)

enum sr_error
restore_note_read(const void *bytes, size_t len, struct restore_note *out)
{
	static const uint8_t zeros[32];
	struct reader r = reader_of(bytes, len);
	struct restore_note note;

	if (len != RESTORE_NOTE_LEN || reader_u8(&r) != ENTRY_RESTORE)
		return SR_MALFORMED;
	reader_zeros(&r, 3);
	note.new_epoch = reader_u32(&r);
	reader_bytes(&r, note.bank_id, sizeof(note.bank_id));
	note.old_epoch = reader_u32(&r);
	note.restored_epoch = reader_u32(&r);
	note.last_size = reader_u64(&r);
	reader_bytes(&r, note.last_root, sizeof(note.last_root));
	note.restored_size = reader_u64(&r);
	reader_bytes(&r, note.restored_root, sizeof(note.restored_root));
	note.time_ms = reader_u64(&r);
	reader_zeros(&r, 8);
	(void)reader_view(&r, 64);
	if (!reader_end(&r) || note.restored_size == 0 ||
	    note.restored_epoch == 0 || note.old_epoch < note.restored_epoch ||
	    note.new_epoch <= note.old_epoch)
		return SR_MALFORMED;
	if (note.last_size == 0
		? memcmp(note.last_root, zeros, sizeof(zeros)) != 0
		: note.old_epoch == note.restored_epoch &&
		      note.last_size <= note.restored_size)
		return SR_MALFORMED;
	*out = note;
	return SR_OK;
}

static void
labelled(const uint8_t part[RESTORE_SIGNED_LEN],
    uint8_t text[LABEL_LEN + RESTORE_SIGNED_LEN])
{
	memcpy(text, RESTORE_LABEL, LABEL_LEN);
	memcpy(text + LABEL_LEN, part, RESTORE_SIGNED_LEN);
}

enum sr_error
restore_note_sign(const struct restore_note *note,
    const uint8_t identity_secret[64], uint8_t out[RESTORE_NOTE_LEN])
{
	uint8_t text[LABEL_LEN + RESTORE_SIGNED_LEN];
	struct writer w = writer_to(out, RESTORE_NOTE_LEN);
	struct restore_note read;

	writer_u8(&w, ENTRY_RESTORE);
	writer_zeros(&w, 3);
	writer_u32(&w, note->new_epoch);
	writer_bytes(&w, note->bank_id, sizeof(note->bank_id));
	writer_u32(&w, note->old_epoch);
	writer_u32(&w, note->restored_epoch);
	writer_u64(&w, note->last_size);
	writer_bytes(&w, note->last_root, sizeof(note->last_root));
	writer_u64(&w, note->restored_size);
	writer_bytes(&w, note->restored_root, sizeof(note->restored_root));
	writer_u64(&w, note->time_ms);
	writer_zeros(&w, 8 + 64);
	if (w.bad || restore_note_read(out, RESTORE_NOTE_LEN, &read) != SR_OK)
		return SR_MALFORMED;
	labelled(out, text);
	if (crypto_sign_detached(out + RESTORE_SIGNED_LEN, NULL, text,
		sizeof(text), identity_secret) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

enum sr_error
restore_note_verify(const void *bytes, size_t len,
    const uint8_t identity_key[32], struct restore_note *out)
{
	uint8_t text[LABEL_LEN + RESTORE_SIGNED_LEN];
	uint8_t bank_id[crypto_hash_sha256_BYTES];
	struct restore_note note;

	if (restore_note_read(bytes, len, &note) != SR_OK)
		return SR_MALFORMED;
	crypto_hash_sha256(bank_id, identity_key, 32);
	labelled(bytes, text);
	if (memcmp(note.bank_id, bank_id, sizeof(bank_id)) != 0 ||
	    crypto_sign_verify_detached(
		(const uint8_t *)bytes + RESTORE_SIGNED_LEN, text, sizeof(text),
		identity_key) != 0)
		return SR_BANK_KEY;
	*out = note;
	return SR_OK;
}

bool
restore_note_gives_up(
    const struct restore_note *note, uint32_t epoch, uint64_t size)
{
	return epoch < note->new_epoch && size > note->restored_size;
}

bool
restore_note_may_lose(const struct restore_note *note, uint64_t leaf)
{
	if (note->last_size == 0)
		return false;
	return note->old_epoch != note->restored_epoch ||
	       (leaf >= note->restored_size && leaf < note->last_size);
}
