/* SPDX-License-Identifier: ISC */
/*
 * The text of a receipt.  Must never take two texts for one receipt: what is
 * read is written again and compared.
 */
#include "common/receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define MAGIC "SRRCPT01"
#define MAGIC_LEN 8u
#define FIRST_LINE "c2sp.org/tlog-proof@v1"
#define EXTRA "extra "
#define INDEX "index "

enum {
	EXTRA_MAX = 8 + 4 + 4 + 32 + 32 +
		    RECEIPT_CERTIFICATES_MAX * CERTIFICATE_LEN +
		    ATTESTATION_LEN + NAME_SALT_LEN + RECEIPT_NAME_MAX + 2 +
		    ENTRY_ORDER_MAX,
	EXTRA_TEXT_MAX = (EXTRA_MAX + 2) / 3 * 4,
	HASH_TEXT_LEN = 44,
};

static void
extra_write(const struct receipt *receipt, struct writer *w)
{
	if (receipt->certificate_count < 1 ||
	    receipt->certificate_count > RECEIPT_CERTIFICATES_MAX ||
	    receipt->name_len > RECEIPT_NAME_MAX ||
	    receipt->committed_len > sizeof(receipt->committed)) {
		w->bad = true;
		return;
	}
	writer_bytes(w, MAGIC, MAGIC_LEN);
	writer_u32(w, receipt->segment);
	writer_u8(w, receipt->certificate_count);
	writer_u8(w, receipt->attested ? 1 : 0);
	writer_u8(w, receipt->name_len);
	writer_u8(w, 0);
	writer_bytes(w, receipt->sealed_hash, sizeof(receipt->sealed_hash));
	writer_bytes(w, receipt->salt, sizeof(receipt->salt));
	writer_bytes(w, receipt->certificate,
	    (size_t)receipt->certificate_count * CERTIFICATE_LEN);
	if (receipt->attested)
		writer_bytes(
		    w, receipt->attestation, sizeof(receipt->attestation));
	if (receipt->name_len > 0) {
		writer_bytes(w, receipt->name_salt, sizeof(receipt->name_salt));
		writer_bytes(w, receipt->name, receipt->name_len);
	}
	writer_u16(w, (uint16_t)receipt->committed_len);
	writer_bytes(w, receipt->committed, receipt->committed_len);
}

static enum sr_error
extra_read(struct reader *r, struct receipt *receipt)
{
	enum sr_error error = reader_magic(r, MAGIC, MAGIC_LEN);
	uint8_t attested;

	if (error != SR_OK)
		return error == SR_VERSION ? error : SR_MALFORMED;
	receipt->segment = reader_u32(r);
	receipt->certificate_count = reader_u8(r);
	attested = reader_u8(r);
	receipt->name_len = reader_u8(r);
	reader_zeros(r, 1);
	reader_bytes(r, receipt->sealed_hash, sizeof(receipt->sealed_hash));
	reader_bytes(r, receipt->salt, sizeof(receipt->salt));
	if (receipt->certificate_count < 1 ||
	    receipt->certificate_count > RECEIPT_CERTIFICATES_MAX ||
	    attested > 1 || receipt->name_len > RECEIPT_NAME_MAX)
		return SR_MALFORMED;
	receipt->attested = attested == 1;
	reader_bytes(r, receipt->certificate,
	    (size_t)receipt->certificate_count * CERTIFICATE_LEN);
	if (receipt->attested)
		reader_bytes(
		    r, receipt->attestation, sizeof(receipt->attestation));
	if (receipt->name_len > 0) {
		reader_bytes(r, receipt->name_salt, sizeof(receipt->name_salt));
		reader_bytes(r, receipt->name, receipt->name_len);
	}
	receipt->committed_len = reader_u16(r);
	if (receipt->committed_len > sizeof(receipt->committed))
		return SR_MALFORMED;
	reader_bytes(r, receipt->committed, receipt->committed_len);
	return reader_end(r) ? SR_OK : SR_MALFORMED;
}

/* Base64 of the bytes and a line feed. */
static void
put_base64(struct writer *w, const uint8_t *bytes, size_t len)
{
	char text[EXTRA_TEXT_MAX + 1];

	sodium_bin2base64(text, sizeof(text), bytes, len, BASE64);
	writer_bytes(w, text, strlen(text));
	writer_bytes(w, "\n", 1);
}

enum sr_error
receipt_encode(
    const struct receipt *receipt, char *out, size_t room, size_t *len)
{
	uint8_t extra[EXTRA_MAX];
	struct writer e = writer_to(extra, sizeof(extra));
	struct writer w = writer_to(out, room);
	char index[32];
	int n;

	extra_write(receipt, &e);
	if (e.bad || receipt->path_count > MERKLE_LEVELS ||
	    receipt->checkpoint_len > sizeof(receipt->checkpoint))
		return SR_TOO_LARGE;
	n = snprintf(
	    index, sizeof(index), INDEX "%" PRIu64 "\n", receipt->index);
	writer_bytes(
	    &w, FIRST_LINE "\n" EXTRA, sizeof(FIRST_LINE "\n" EXTRA) - 1);
	put_base64(&w, extra, writer_len(&e));
	writer_bytes(&w, index, (size_t)n);
	for (size_t i = 0; i < receipt->path_count; i++)
		put_base64(
		    &w, receipt->path + i * MERKLE_HASH_LEN, MERKLE_HASH_LEN);
	writer_bytes(&w, "\n", 1);
	writer_bytes(&w, receipt->checkpoint, receipt->checkpoint_len);
	*len = writer_len(&w);
	return w.bad ? SR_TOO_LARGE : SR_OK;
}

/* A text that is being read, line by line. */
struct lines {
	const char *at;
	const char *end;
};

/* The next line, without its line feed; NULL when there is none. */
static const char *
next_line(struct lines *lines, size_t *len)
{
	const char *line = lines->at;
	const char *feed = line < lines->end
			       ? memchr(line, '\n', (size_t)(lines->end - line))
			       : NULL;

	if (feed == NULL)
		return NULL;
	*len = (size_t)(feed - line);
	lines->at = feed + 1;
	return line;
}

/* What stands behind the word that the next line begins with. */
static const char *
next_value(struct lines *lines, const char *word, size_t *len)
{
	const char *line = next_line(lines, len);
	size_t word_len = strlen(word);

	if (line == NULL || *len < word_len ||
	    memcmp(line, word, word_len) != 0)
		return NULL;
	*len -= word_len;
	return line + word_len;
}

static bool
read_base64(
    const char *text, size_t text_len, uint8_t *out, size_t room, size_t *len)
{
	return text != NULL && sodium_base642bin(out, room, text, text_len,
				   NULL, len, NULL, BASE64) == 0;
}

static bool
read_index(const char *text, size_t len, uint64_t *index)
{
	uint64_t value = 0;

	if (text == NULL || len == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(
			value, (uint64_t)(text[i] - '0'), &value))
			return false;
	*index = value;
	return true;
}

static bool
read_path(struct lines *lines, struct receipt *receipt)
{
	size_t len, got;

	for (;;) {
		const char *line = next_line(lines, &len);

		if (line == NULL)
			return false;
		if (len == 0)
			return true;
		if (len != HASH_TEXT_LEN ||
		    receipt->path_count == MERKLE_LEVELS ||
		    !read_base64(line, len,
			receipt->path + receipt->path_count * MERKLE_HASH_LEN,
			MERKLE_HASH_LEN, &got) ||
		    got != MERKLE_HASH_LEN)
			return false;
		receipt->path_count++;
	}
}

static enum sr_error
read_text(struct lines *lines, struct receipt *receipt)
{
	uint8_t extra[EXTRA_MAX];
	struct reader r;
	enum sr_error error;
	const char *value;
	size_t len, extra_len;

	value = next_line(lines, &len);
	if (value == NULL || len != sizeof(FIRST_LINE) - 1 ||
	    memcmp(value, FIRST_LINE, len) != 0)
		return SR_MALFORMED;
	value = next_value(lines, EXTRA, &len);
	if (!read_base64(value, len, extra, sizeof(extra), &extra_len))
		return SR_MALFORMED;
	r = reader_of(extra, extra_len);
	error = extra_read(&r, receipt);
	if (error != SR_OK)
		return error;
	value = next_value(lines, INDEX, &len);
	if (!read_index(value, len, &receipt->index) ||
	    !read_path(lines, receipt))
		return SR_MALFORMED;
	len = (size_t)(lines->end - lines->at);
	if (len == 0 || len > sizeof(receipt->checkpoint))
		return SR_MALFORMED;
	memcpy(receipt->checkpoint, lines->at, len);
	receipt->checkpoint_len = len;
	return SR_OK;
}

enum sr_error
receipt_decode(const void *text, size_t len, struct receipt *receipt)
{
	struct lines lines = {text, (const char *)text + len};
	char again[RECEIPT_TEXT_MAX];
	enum sr_error error;
	size_t again_len;

	memset(receipt, 0, sizeof(*receipt));
	if (len == 0 || len > RECEIPT_TEXT_MAX)
		return SR_MALFORMED;
	error = read_text(&lines, receipt);
	if (error != SR_OK)
		return error;
	if (receipt_encode(receipt, again, sizeof(again), &again_len) !=
		SR_OK ||
	    again_len != len || memcmp(again, text, len) != 0)
		return SR_MALFORMED;
	return SR_OK;
}
