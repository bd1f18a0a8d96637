/* SPDX-License-Identifier: ISC */
/*
 * The public form of the sealed files.  Must take nothing that no bank
 * writes: what is read is written again, byte for byte, to be authenticated.
 */
#include "common/sealed.h"

#include <assert.h>
#include <string.h>

#include "common/buffer.h"

enum {
	OF_KIND_LEN = 128,
	KDF_ARGON2ID = 1,
	PASSES_MAX = 64,
	MEMORY_MIN = 1 << 20,
	MEMORY_MAX = 1 << 30,
};

static const char magic[8] = {'S', 'R', 'S', 'E', 'A', 'L', '0', '1'};

bool
sealed_label_valid(const char *label, size_t len)
{
	if (len == 0 || len > SEALED_LABEL_MAX || label[0] == ' ' ||
	    label[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if (label[i] < ' ' || label[i] > '~')
			return false;
	return true;
}

const char *
sealed_kind_name(enum sealed_kind kind)
{
	switch (kind) {
	case SEALED_PASSPHRASE:
		return "passphrase";
	case SEALED_CREDENTIAL:
		return "credential";
	case SEALED_SHARES:
		return "shares";
	}
	return "?";
}

static bool
cost_valid(const struct sealed_cost *cost)
{
	return cost->passes >= 1 && cost->passes <= PASSES_MAX &&
	       cost->memory_len >= MEMORY_MIN && cost->memory_len <= MEMORY_MAX;
}

static void
read_cost(struct reader *r, struct sealed_envelope *envelope)
{
	envelope->cost.passes = reader_u64(r);
	envelope->cost.memory_len = reader_u64(r);
	reader_bytes(r, envelope->salt, sizeof(envelope->salt));
	if (!cost_valid(&envelope->cost))
		r->bad = true;
}

static void
read_label(struct reader *r, char label[SEALED_LABEL_MAX + 1])
{
	size_t len;

	reader_bytes(r, label, SEALED_LABEL_MAX + 1);
	len = strnlen(label, SEALED_LABEL_MAX + 1);
	if (!sealed_label_valid(label, len)) {
		r->bad = true;
		label[0] = '\0';
	}
	for (size_t i = len; i <= SEALED_LABEL_MAX; i++)
		r->bad |= label[i] != '\0';
}

static void
read_of_kind(struct reader *r, struct sealed_envelope *envelope)
{
	switch (envelope->kind) {
	case SEALED_PASSPHRASE:
		read_cost(r, envelope);
		reader_zeros(r, OF_KIND_LEN - 16 - SEALED_SALT_LEN);
		break;
	case SEALED_CREDENTIAL:
		reader_zeros(r, OF_KIND_LEN);
		break;
	case SEALED_SHARES:
		for (size_t i = 0; i < envelope->shares; i++)
			reader_bytes(r, envelope->hashes[i], SHARE_HASH_LEN);
		reader_zeros(
		    r, OF_KIND_LEN - (size_t)envelope->shares * SHARE_HASH_LEN);
		break;
	default:
		r->bad = true;
	}
}

static void
read_envelope(struct reader *r, struct sealed_envelope *envelope)
{
	uint8_t rehearsed;
	bool fits;

	envelope->kind = (enum sealed_kind)reader_u8(r);
	envelope->quorum = reader_u8(r);
	envelope->shares = reader_u8(r);
	rehearsed = reader_u8(r);
	envelope->rehearsed = rehearsed == 1;
	envelope->number = reader_u16(r);
	reader_zeros(r, 2);
	envelope->made_ms = reader_u64(r);
	read_label(r, envelope->label);
	fits = envelope->kind == SEALED_SHARES
		   ? envelope->quorum >= SHARE_QUORUM_MIN &&
			 envelope->quorum <= envelope->shares &&
			 envelope->shares <= SHARE_COUNT_MAX
		   : envelope->quorum == 0 && envelope->shares == 0;
	fits &= rehearsed <= (envelope->kind == SEALED_SHARES);
	if (!fits || envelope->number == 0) {
		r->bad = true;
		return;
	}
	read_of_kind(r, envelope);
	reader_bytes(r, envelope->wrapped, sizeof(envelope->wrapped));
}

/* From the epoch on; the numbers rise, and none is later than the set. */
static void
read_version_2(struct reader *r, struct sealed *sealed)
{
	uint16_t before = 0;

	sealed->epoch = reader_u32(r);
	reader_bytes(r, sealed->bank_id, sizeof(sealed->bank_id));
	sealed->set = reader_u32(r);
	for (size_t i = 0; i < sealed->count && !r->bad; i++) {
		struct sealed_envelope *envelope = &sealed->envelopes[i];

		read_envelope(r, envelope);
		if (envelope->number <= before ||
		    envelope->number > sealed->set)
			r->bad = true;
		before = envelope->number;
	}
	reader_bytes(r, sealed->wrapped, sizeof(sealed->wrapped));
}

static void
read_version_1(struct reader *r, struct sealed *sealed)
{
	sealed->epoch = reader_u32(r);
	sealed->count = 1;
	sealed->envelopes[0].kind = SEALED_PASSPHRASE;
	read_cost(r, &sealed->envelopes[0]);
	reader_bytes(r, sealed->bank_id, sizeof(sealed->bank_id));
	reader_bytes(r, sealed->wrapped, sizeof(sealed->wrapped));
}

/* The whole file's length, by its first bytes; 0: no bank writes those. */
static size_t
length_of(const struct sealed *sealed, uint8_t count)
{
	const bool root = sealed->purpose == SEALED_ROOT;

	if (sealed->version == 1)
		return count == KDF_ARGON2ID ? SEALED_OLD_LEN : 0;
	if (root ? count == 0 || count > SEALED_ENVELOPES_MAX : count != 0)
		return 0;
	return SEALED_HEADER_LEN + count * (size_t)SEALED_ENVELOPE_LEN +
	       SEALED_WRAPPED_LEN;
}

enum sr_error
sealed_read(const void *bytes, size_t len, enum sealed_purpose purpose,
    struct sealed *sealed)
{
	struct reader r = reader_of(bytes, len);
	const size_t known = len < sizeof(magic) ? len : sizeof(magic);
	enum sr_error error;
	size_t wanted;
	uint8_t count;

	*sealed = (struct sealed){.purpose = purpose};
	if (known < sizeof(magic) && memcmp(bytes, magic, known) == 0)
		return SR_CUT_OFF;
	error = reader_magic(&r, magic, sizeof(magic));
	if (error != SR_OK)
		return error;
	if (reader_left(&r) < 4)
		return SR_CUT_OFF;
	sealed->version = reader_u16(&r);
	if (sealed->version > SEALED_VERSION)
		return SR_VERSION;
	if (reader_u8(&r) != purpose || sealed->version == 0)
		return SR_DAMAGED;
	count = reader_u8(&r);
	wanted = length_of(sealed, count);
	if (wanted == 0)
		return SR_DAMAGED;
	if (len != wanted)
		return len < wanted ? SR_CUT_OFF : SR_TRAILING;
	sealed->count = count;
	if (sealed->version == 1)
		read_version_1(&r, sealed);
	else
		read_version_2(&r, sealed);
	if (!reader_end(&r) || (purpose == SEALED_IDENTITY && sealed->set != 0))
		return SR_DAMAGED;
	return SR_OK;
}

static void
write_cost(struct writer *w, const struct sealed_envelope *envelope)
{
	writer_u64(w, envelope->cost.passes);
	writer_u64(w, envelope->cost.memory_len);
	writer_bytes(w, envelope->salt, sizeof(envelope->salt));
}

/* All of it before its nonce. */
static void
write_envelope_head(
    struct writer *w, const struct sealed_envelope *envelope, bool rehearsed)
{
	size_t end = writer_len(w) + SEALED_ENVELOPE_LEN - SEALED_WRAPPED_LEN;

	writer_u8(w, (uint8_t)envelope->kind);
	writer_u8(w, envelope->quorum);
	writer_u8(w, envelope->shares);
	writer_u8(w, rehearsed);
	writer_u16(w, envelope->number);
	writer_zeros(w, 2);
	writer_u64(w, envelope->made_ms);
	writer_bytes(w, envelope->label, sizeof(envelope->label));
	if (envelope->kind == SEALED_PASSPHRASE)
		write_cost(w, envelope);
	if (envelope->kind == SEALED_SHARES)
		for (size_t i = 0; i < envelope->shares; i++)
			writer_bytes(w, envelope->hashes[i], SHARE_HASH_LEN);
	writer_zeros(w, end - writer_len(w));
}

static void
write_head_1(struct writer *w, const struct sealed *sealed)
{
	writer_bytes(w, magic, sizeof(magic));
	writer_u16(w, 1);
	writer_u8(w, (uint8_t)sealed->purpose);
	writer_u8(w, KDF_ARGON2ID);
	writer_u32(w, sealed->epoch);
	write_cost(w, &sealed->envelopes[0]);
	writer_bytes(w, sealed->bank_id, sizeof(sealed->bank_id));
}

static void
write_head_2(struct writer *w, const struct sealed *sealed)
{
	writer_bytes(w, magic, sizeof(magic));
	writer_u16(w, SEALED_VERSION);
	writer_u8(w, (uint8_t)sealed->purpose);
	writer_u8(w, (uint8_t)sealed->count);
	writer_u32(w, sealed->epoch);
	writer_bytes(w, sealed->bank_id, sizeof(sealed->bank_id));
	writer_u32(w, sealed->set);
	for (size_t i = 0; i < sealed->count; i++) {
		const struct sealed_envelope *envelope = &sealed->envelopes[i];

		write_envelope_head(w, envelope, envelope->rehearsed);
		writer_bytes(w, envelope->wrapped, sizeof(envelope->wrapped));
	}
}

size_t
sealed_ad(const struct sealed *sealed, uint8_t out[SEALED_MAX_LEN])
{
	struct writer w = writer_to(out, SEALED_MAX_LEN);

	if (sealed->version == 1)
		write_head_1(&w, sealed);
	else
		write_head_2(&w, sealed);
	assert(!w.bad);
	return writer_len(&w);
}

size_t
sealed_envelope_ad(const struct sealed *sealed,
    const struct sealed_envelope *envelope, uint8_t out[SEALED_MAX_LEN])
{
	struct writer w = writer_to(out, SEALED_MAX_LEN);

	writer_bytes(&w, magic, sizeof(magic));
	writer_u16(&w, SEALED_VERSION);
	writer_u8(&w, (uint8_t)sealed->purpose);
	writer_u32(&w, sealed->epoch);
	writer_bytes(&w, sealed->bank_id, sizeof(sealed->bank_id));
	write_envelope_head(&w, envelope, false);
	assert(!w.bad);
	return writer_len(&w);
}

size_t
sealed_write(const struct sealed *sealed, uint8_t out[SEALED_MAX_LEN])
{
	struct writer w = writer_to(out, SEALED_MAX_LEN);

	assert(sealed->version == SEALED_VERSION &&
	       sealed->count <= SEALED_ENVELOPES_MAX);
	write_head_2(&w, sealed);
	writer_bytes(&w, sealed->wrapped, sizeof(sealed->wrapped));
	assert(!w.bad);
	return writer_len(&w);
}
