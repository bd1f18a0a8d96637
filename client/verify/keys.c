/* SPDX-License-Identifier: ISC */
/* The auditor's disclosures: read whole, opened, kept in order. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/verify/audit.h"
#include "common/noise.h"

enum sr_error
audit_begin(struct audit *audit)
{
	memset(audit, 0, sizeof(*audit));
	audit_attested_begin(audit);
	return book_init(&audit->book);
}

void
audit_end(struct audit *audit)
{
	if (audit->keys != NULL)
		sodium_memzero(
		    audit->keys, audit->key_count * sizeof(*audit->keys));
	free(audit->keys);
	audit->keys = NULL;
	audit->key_count = 0;
	if (audit->snapshot_keys != NULL)
		sodium_memzero(audit->snapshot_keys,
		    audit->snapshot_key_count * sizeof(*audit->snapshot_keys));
	free(audit->snapshot_keys);
	audit->snapshot_keys = NULL;
	audit->snapshot_key_count = 0;
	free(audit->late);
	free(audit->resets);
	audit->late = NULL;
	audit->late_count = audit->late_room = 0;
	export_release(&audit->journal);
	audit_attested_end(audit);
	book_free(&audit->book);
}

static int
compare_keys(const void *a, const void *b)
{
	const struct audit_key *one = a, *two = b;

	return (one->segment > two->segment) - (one->segment < two->segment);
}

/* Room for count more; the old place is wiped. */
static bool
keys_grow(struct audit_key **keys, size_t present, size_t count)
{
	struct audit_key *grown = calloc(present + count + 1, sizeof(*grown));

	if (grown == NULL)
		return false;
	if (*keys != NULL) {
		memcpy(grown, *keys, present * sizeof(*grown));
		sodium_memzero(*keys, present * sizeof(*grown));
	}
	free(*keys);
	*keys = grown;
	return true;
}

/* Sorted, each segment once; of two disclosures the first one counts. */
static void
keys_order(struct audit_key *keys, size_t *count)
{
	size_t kept = 0;

	qsort(keys, *count, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < *count; i++)
		if (kept == 0 || keys[kept - 1].segment != keys[i].segment)
			keys[kept++] = keys[i];
	*count = kept;
}

static bool
keys_item(struct verify *verify, struct audit *audit, const char *path,
    const uint8_t bytes[DISCLOSURE_ITEM_LEN], const uint8_t secret[32],
    uint64_t *next)
{
	struct audit_key *key;
	struct disclosure_item item;
	uint64_t place;

	/* snapshots come after the segments */
	if (disclosure_item_decode(bytes, &item) != SR_OK ||
	    (place = item.segment + ((uint64_t)item.snapshot << 32)) < *next)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s is not a disclosure, or damaged", path);
	key = item.snapshot ? &audit->snapshot_keys[audit->snapshot_key_count]
			    : &audit->keys[audit->key_count];
	if (disclosure_open(verify->bank.bank_id, secret, &item, key->key) !=
	    SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s: the key of %s %" PRIu32
		    " does not open with the auditor's key",
		    path, item.snapshot ? "snapshot" : "segment", item.segment);
	key->segment = item.segment;
	memcpy(key->salt, item.salt, sizeof(key->salt));
	if (item.snapshot)
		audit->snapshot_key_count++;
	else
		audit->key_count++;
	*next = place + 1;
	return true;
}

static bool
keys_header(struct verify *verify, const char *path,
    const uint8_t bytes[DISCLOSURE_HEADER_LEN], const uint8_t secret[32],
    struct disclosure_header *header)
{
	enum sr_error error = disclosure_header_decode(bytes, header);
	uint8_t auditor[32];

	if (error == SR_VERSION)
		return verify_fail(verify, VERIFY_COULD_NOT, "%s: %s", path,
		    error_sentence(error));
	if (error != SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s is not a disclosure, or damaged", path);
	if (memcmp(header->bank_id, verify->bank.bank_id, 32) != 0)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s is a disclosure of another bank", path);
	noise_public_key(auditor, secret);
	if (memcmp(header->auditor, auditor, sizeof(auditor)) != 0)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s is a disclosure to another auditor's key", path);
	return true;
}

static bool
keys_stream(struct verify *verify, struct audit *audit, const char *path,
    FILE *file, const uint8_t secret[32])
{
	uint8_t bytes[DISCLOSURE_ITEM_LEN] = {0};
	struct disclosure_header header;
	uint64_t next = 0;

	if (fread(bytes, 1, DISCLOSURE_HEADER_LEN, file) !=
	    DISCLOSURE_HEADER_LEN)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s is not a disclosure, or damaged", path);
	if (!keys_header(verify, path, bytes, secret, &header))
		return false;
	if (!keys_grow(&audit->keys, audit->key_count, header.count) ||
	    !keys_grow(
		&audit->snapshot_keys, audit->snapshot_key_count, header.count))
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "there is not enough memory");
	for (uint32_t i = 0; i < header.count; i++) {
		if (fread(bytes, 1, sizeof(bytes), file) != sizeof(bytes))
			return verify_fail(verify, VERIFY_COULD_NOT,
			    "%s ends too early", path);
		if (!keys_item(verify, audit, path, bytes, secret, &next))
			return false;
	}
	if (fgetc(file) != EOF)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s is longer than a disclosure", path);
	return true;
}

bool
audit_read_keys(struct verify *verify, struct audit *audit, const char *path,
    const uint8_t auditor_secret[32])
{
	FILE *file = fopen(path, "re");
	bool good;

	if (file == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	good = keys_stream(verify, audit, path, file, auditor_secret);
	fclose(file);
	if (good) {
		keys_order(audit->keys, &audit->key_count);
		keys_order(audit->snapshot_keys, &audit->snapshot_key_count);
	}
	return good;
}
