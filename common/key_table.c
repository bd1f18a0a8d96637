/* SPDX-License-Identifier: ISC */
/* The table of key_table.h and its entries on the wire. */
#include "common/key_table.h"

#include <stddef.h>

const struct key_kind key_kinds[] = {
#define KEY(name, number, word, purpose, algorithm, cap, days) \
	{BANK_KEY_##name, word, purpose, algorithm, cap, days},
#include "common/key_table.def"
#undef KEY
};

const size_t key_kind_count = sizeof(key_kinds) / sizeof(key_kinds[0]);

#define KEY(name, number, word, purpose, algorithm, cap, days) \
	_Static_assert((number) > 0 && (number) < KEY_PLACES, word);
#include "common/key_table.def"
#undef KEY

const struct key_kind *
key_kind_of(unsigned key)
{
	for (size_t i = 0; i < key_kind_count; i++)
		if (key_kinds[i].key == key)
			return &key_kinds[i];
	return NULL;
}

uint32_t
key_least_s(uint64_t key)
{
	switch (key) {
	case BANK_KEY_CREDENTIAL:
	case BANK_KEY_TERMINAL:
		return KEY_HOUR_S;
	case BANK_KEY_OPRF:
		return 30 * KEY_DAY_S;
	case BANK_KEY_DEVICE:
		return 90 * KEY_DAY_S;
	case BANK_KEY_INVITATION:
	case BANK_KEY_RESET:
		return 366 * KEY_DAY_S;
	}
	return 0;
}

bool
key_hands_out(uint64_t key)
{
	return key == BANK_KEY_DEVICE || key == BANK_KEY_INVITATION ||
	       key == BANK_KEY_RESET;
}

bool
key_rotates_stopped(uint64_t key)
{
	return key == BANK_KEY_LOG || key == BANK_KEY_ATTESTATION ||
	       key == BANK_KEY_NOISE || key == BANK_KEY_OPAQUE;
}

bool
key_near_cap(const struct key_kind *kind, uint64_t uses)
{
	return kind->cap != KEY_NO_CAP && kind->cap != KEY_UNCOUNTED &&
	       uses >= kind->cap / 10 * 9;
}

uint64_t
key_due_ms(const struct key_kind *kind, uint64_t made_ms)
{
	return kind->days == 0 || made_ms == 0
		   ? 0
		   : made_ms + (uint64_t)kind->days * 86400 * 1000;
}

void
key_entry_write(const struct key_entry *entry, struct writer *w)
{
	writer_u8(w, (uint8_t)entry->key);
	writer_u8(w, entry->kept ? 1 : 0);
	writer_zeros(w, 2);
	writer_u32(w, entry->epoch);
	writer_u64(w, entry->made_ms);
	writer_u64(w, entry->uses);
	writer_u64(w, entry->left);
	writer_bytes(w, entry->fingerprint, sizeof(entry->fingerprint));
}

enum sr_error
key_entry_read(struct reader *r, struct key_entry *entry)
{
	uint8_t key = reader_u8(r), kept = reader_u8(r);

	entry->key = (enum bank_key)key;
	entry->kept = kept == 1;
	reader_zeros(r, 2);
	entry->epoch = reader_u32(r);
	entry->made_ms = reader_u64(r);
	entry->uses = reader_u64(r);
	entry->left = reader_u64(r);
	reader_bytes(r, entry->fingerprint, sizeof(entry->fingerprint));
	return !r->bad && kept <= 1 && key_kind_of(key) != NULL ? SR_OK
								: SR_MALFORMED;
}
