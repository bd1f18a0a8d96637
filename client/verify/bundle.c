/* SPDX-License-Identifier: ISC */
/*
 * A month-end bundle, read once.  Must never say `verified' of one that
 * continues nothing, and never believe a length that the manifest does not
 * bear.
 */
#include "client/verify/bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "client/bundle/archive.h"
#include "client/json.h"
#include "client/plural.h"
#include "client/printable.h"
#include "client/verify/bundle_books.h"

/* A bundle that is being read. */
struct reading {
	FILE *file;
	struct bundle_verdict *verdict;
	struct bundle_books *books;
	struct certificate log_key;
};

/* Records a verdict, which may name files of strangers; always false. */
static bool judge(struct bundle_verdict *verdict, enum verify_exit exit,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool
judge(struct bundle_verdict *verdict, enum verify_exit exit, const char *format,
    ...)
{
	va_list arguments;

	verdict->exit = exit;
	va_start(arguments, format);
	vsnprintf(verdict->why, sizeof(verdict->why), format, arguments);
	va_end(arguments);
	(void)make_printable(verdict->why);
	return false;
}

static bool
tampered(struct bundle_verdict *verdict, const char *why)
{
	return judge(verdict, VERIFY_TAMPERED, "%s", why);
}

/* Exactly so many bytes. */
static bool
read_bytes(struct reading *reading, void *out, size_t len)
{
	if (fread(out, 1, len, reading->file) == len)
		return true;
	if (ferror(reading->file) != 0)
		return judge(
		    reading->verdict, VERIFY_COULD_NOT, "it cannot be read");
	return tampered(reading->verdict, "it ends too early");
}

static bool
read_zeros(struct reading *reading, size_t len)
{
	uint8_t bytes[ARCHIVE_END];

	return read_bytes(reading, bytes, len) &&
	       (sodium_is_zero(bytes, len) != 0 ||
		   tampered(reading->verdict,
		       "bytes between its files that are not zero"));
}

static bool
read_manifest(struct reading *reading, const struct bankfile *bank)
{
	struct bundle_verdict *verdict = reading->verdict;
	uint8_t block[ARCHIVE_BLOCK], text[BUNDLE_MANIFEST_MAX];
	char month[BUNDLE_MONTH_LEN + 1];
	enum sr_error error;
	const char *fault;
	uint64_t len;

	if (!read_bytes(reading, block, sizeof(block)))
		return verdict->exit == VERIFY_TAMPERED &&
		       tampered(verdict, "it is not a month-end bundle");
	if (!archive_first(block, month, &len) || len > sizeof(text))
		return tampered(verdict, "it is not a month-end bundle");
	if (!read_bytes(reading, text, (size_t)len) ||
	    !read_zeros(reading, archive_padding(len)))
		return false;
	error = bundle_manifest_decode(text, (size_t)len, &verdict->manifest);
	if (error == SR_VERSION)
		return judge(verdict, VERIFY_COULD_NOT,
		    "it was made by a newer version of strongroom");
	if (error != SR_OK || strcmp(month, verdict->manifest.month) != 0)
		return tampered(verdict, "its manifest is not a whole one");
	fault = bundle_manifest_check(
	    &verdict->manifest, bank->identity, &reading->log_key);
	return fault == NULL || tampered(verdict, fault);
}

/* What of a file is looked at beside its hash. */
static bool
take_bytes(struct reading *reading, enum bundle_file which,
    const uint8_t *bytes, size_t len)
{
	struct bundle_verdict *verdict = reading->verdict;

	switch (which) {
	case BUNDLE_ANCHOR:
		if (len > sizeof(verdict->anchor) - verdict->anchor_len)
			return tampered(verdict, "its anchor is too long");
		memcpy(verdict->anchor + verdict->anchor_len, bytes, len);
		verdict->anchor_len += len;
		return true;
	case BUNDLE_TILLS:
	case BUNDLE_CSV:
		/* what is wrong is told if the hash is right */
		if (reading->books->why[0] == '\0')
			(void)books_feed(reading->books, bytes, len);
		return true;
	case BUNDLE_HLEDGER:
	case BUNDLE_VERIFY:
		return true;
	}
	return false;
}

static bool
read_file(struct reading *reading, enum bundle_file which)
{
	struct bundle_verdict *verdict = reading->verdict;
	const char *name = bundle_file_names[which];
	uint64_t len = verdict->manifest.file[which].len, left = len;
	uint8_t block[ARCHIVE_BLOCK], header[ARCHIVE_BLOCK], hash[32];
	static uint8_t bytes[65536];
	crypto_hash_sha256_state state;

	if (!read_bytes(reading, block, sizeof(block)))
		return false;
	if (!archive_header(verdict->manifest.month, name, len, header) ||
	    memcmp(header, block, sizeof(header)) != 0)
		return judge(verdict, VERIFY_TAMPERED,
		    "%s of the manifest does not stand in its place", name);
	crypto_hash_sha256_init(&state);
	while (left > 0) {
		size_t n = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);

		if (!read_bytes(reading, bytes, n))
			return false;
		crypto_hash_sha256_update(&state, bytes, n);
		if (!take_bytes(reading, which, bytes, n))
			return false;
		left -= n;
	}
	crypto_hash_sha256_final(&state, hash);
	if (memcmp(hash, verdict->manifest.file[which].hash, 32) != 0)
		return judge(verdict, VERIFY_TAMPERED,
		    "%s is not the file that was signed", name);
	return read_zeros(reading, archive_padding(len));
}

/* The anchor is the bank's, and that of the manifest. */
static bool
check_anchor(struct reading *reading, const struct bankfile *bank)
{
	struct bundle_verdict *verdict = reading->verdict;
	const struct bundle_manifest *manifest = &verdict->manifest;
	struct checkpoint *checkpoint = &verdict->checkpoint;
	uint8_t bank_id[32];
	struct note note;
	uint32_t epoch;

	if (note_parse(verdict->anchor, verdict->anchor_len, &note) != SR_OK ||
	    note_origin_parse(note.checkpoint.origin, bank_id, &epoch) != SR_OK)
		return tampered(verdict, "its anchor is not a checkpoint");
	*checkpoint = note.checkpoint;
	if (memcmp(bank_id, bank->bank_id, sizeof(bank_id)) != 0 ||
	    epoch != reading->log_key.epoch ||
	    note_verify(&note, reading->log_key.log_key) != SR_OK)
		return tampered(
		    verdict, "no log key of this bank has signed its anchor");
	if (checkpoint->size != manifest->size ||
	    memcmp(checkpoint->root, manifest->root, 32) != 0)
		return tampered(
		    verdict, "its anchor is not that of its manifest");
	if (manifest->since &&
	    merkle_consistency_verify(manifest->since_size,
		manifest->since_root, manifest->size, manifest->root,
		manifest->path, manifest->path_count) != SR_OK)
		return tampered(verdict,
		    "forked: its anchor does not continue the one that it "
		    "names as the one before");
	return true;
}

static bool
read_all(struct reading *reading, const struct bankfile *bank)
{
	struct bundle_verdict *verdict = reading->verdict;
	struct bundle_books *books = reading->books;

	if (!read_manifest(reading, bank))
		return false;
	books_begin(books, &bank->unit, verdict->manifest.month);
	for (unsigned i = 0; i < BUNDLE_FILES; i++) {
		if (!read_file(reading, (enum bundle_file)i))
			return false;
		if ((i == BUNDLE_TILLS || i == BUNDLE_CSV) &&
		    (books->why[0] != '\0' || !books_end_of_file(books)))
			return tampered(verdict, books->why);
	}
	if (!read_zeros(reading, ARCHIVE_END))
		return false;
	if (fgetc(reading->file) != EOF)
		return tampered(verdict, "bytes after its end");
	verdict->tills = books->till_rows;
	verdict->postings = books->postings;
	return check_anchor(reading, bank);
}

void
bundle_judge(const struct bankfile *bank, const char *path,
    struct bundle_verdict *verdict)
{
	static struct bundle_books books;
	struct reading reading = {.verdict = verdict, .books = &books};

	memset(verdict, 0, sizeof(*verdict));
	reading.file = verify_open_regular(path);
	if (reading.file == NULL) {
		(void)judge(verdict, VERIFY_COULD_NOT, "%s", strerror(errno));
		return;
	}
	if (read_all(&reading, bank))
		(void)judge(verdict, VERIFY_INTACT,
		    "no older bundle was given (--since): a rollback cannot be "
		    "seen");
	fclose(reading.file);
}

/* ---- what came before -------------------------------------------------- */

/* An older checkpoint, signed by a log key that the bundle certifies. */
static bool
read_checkpoint(struct bundle_verdict *verdict, const struct bankfile *bank,
    const char *path, struct checkpoint *out)
{
	static char text[NOTE_READ_MAX + 1];
	struct certificate certificate = {0};
	FILE *file = verify_open_regular(path);
	bool certified = false, known = false;
	uint8_t bank_id[32];
	struct note note;
	uint32_t epoch;
	size_t len;

	if (file == NULL)
		return judge(verdict, VERIFY_COULD_NOT, "--since %s: %s", path,
		    strerror(errno));
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (note_parse(text, len, &note) != SR_OK ||
	    note_origin_parse(note.checkpoint.origin, bank_id, &epoch) != SR_OK)
		return judge(verdict, VERIFY_COULD_NOT,
		    "--since %s is neither a checkpoint nor a bundle", path);
	if (memcmp(bank_id, bank->bank_id, sizeof(bank_id)) != 0)
		return judge(verdict, VERIFY_TAMPERED,
		    "--since %s is of another bank", path);
	/* an epoch has one log key */
	for (size_t i = 0; i < verdict->manifest.certificate_count; i++) {
		if (certificate_verify(verdict->manifest.certificate[i],
			bank->identity, &certificate) != SR_OK ||
		    certificate.epoch != epoch)
			continue;
		known = true;
		certified |= note_verify(&note, certificate.log_key) == SR_OK;
	}
	if (known && !certified)
		return judge(verdict, VERIFY_TAMPERED,
		    "--since %s: no log key of this bank has signed it", path);
	if (!certified)
		return judge(verdict, VERIFY_INTACT,
		    "--since %s is signed by no log key that the bundle has "
		    "a certificate of; check it with the ledger",
		    path);
	*out = note.checkpoint;
	return true;
}

/*
 * The older one's checkpoint, which is the bank's, with the manifest if it is
 * a bundle; false after a verdict.
 */
static bool
read_since(struct bundle_verdict *verdict, const struct bankfile *bank,
    const char *path, struct bundle_verdict *before)
{
	FILE *file = verify_open_regular(path);
	uint8_t block[ARCHIVE_BLOCK] = {0};
	bool bundle;

	if (file == NULL)
		return judge(verdict, VERIFY_COULD_NOT, "--since %s: %s", path,
		    strerror(errno));
	bundle = fread(block, 1, sizeof(block), file) == sizeof(block) &&
		 memcmp(block, ARCHIVE_PREFIX, strlen(ARCHIVE_PREFIX)) == 0;
	fclose(file);
	memset(before, 0, sizeof(*before));
	if (!bundle)
		return read_checkpoint(
		    verdict, bank, path, &before->checkpoint);
	bundle_judge(bank, path, before);
	return before->exit == VERIFY_INTACT ||
	       judge(verdict, before->exit, "--since %s: %.400s", path,
		   before->why);
}

/* A bundle continues nothing that is later, nor itself. */
static bool
is_earlier(
    const struct bundle_manifest *before, const struct bundle_manifest *now)
{
	return before->made_ms <= now->made_ms &&
	       memcmp(before->signature, now->signature,
		   sizeof(now->signature)) != 0;
}

/* What its maker's strongroom-verify ended with. */
static const char *
verified_sentence(const struct bundle_manifest *manifest)
{
	if (manifest->verified == VERIFY_ANCHORED)
		return "verified, with all keys, against an anchor";
	return manifest->since
		   ? "intact, but opened in part or restored with loss"
		   : "intact, but compared with no older anchor";
}

void
bundle_judge_since(const struct bankfile *bank, const char *path,
    struct bundle_verdict *verdict)
{
	const struct bundle_manifest *manifest = &verdict->manifest;
	static struct bundle_verdict older;
	const struct checkpoint *before = &older.checkpoint;
	const uint8_t *root = NULL;

	if (!read_since(verdict, bank, path, &older))
		return;
	if (before->size > manifest->size)
		(void)judge(verdict, VERIFY_TAMPERED,
		    "rolled back: the checkpoint of --since %s has %" PRIu64
		    " entries, the bundle's anchor %" PRIu64,
		    path, before->size, manifest->size);
	else if (before->size == manifest->size)
		root = manifest->root;
	else if (manifest->since && before->size == manifest->since_size)
		root = manifest->since_root;
	else
		(void)judge(verdict, VERIFY_INTACT,
		    "it has no proof that it continues --since %s, of %" PRIu64
		    " entries; check both with the ledger",
		    path, before->size);
	if (root == NULL)
		return;
	if (memcmp(root, before->root, sizeof(before->root)) != 0)
		(void)judge(verdict, VERIFY_TAMPERED,
		    "forked: it does not continue --since %s", path);
	else if (!is_earlier(&older.manifest, manifest))
		(void)judge(verdict, VERIFY_INTACT,
		    "--since %s was not made before it: that shows nothing",
		    path);
	else if (manifest->verified == VERIFY_ANCHORED)
		(void)judge(verdict, VERIFY_ANCHORED, "%s", "");
	else if (strcmp(before->origin, verdict->checkpoint.origin) != 0)
		(void)judge(verdict, VERIFY_INTACT,
		    "the log has had another origin since --since %s, and its "
		    "maker could not verify it: what a restore has lost, the "
		    "ledger tells",
		    path);
	else
		(void)judge(verdict, VERIFY_INTACT,
		    "it continues --since %s; its maker says that the ledger was %s",
		    path, verified_sentence(manifest));
}

void
bundle_judge_signer(const char *signer, struct bundle_verdict *verdict)
{
	const struct bundle_manifest *manifest = &verdict->manifest;

	if (verdict->exit != VERIFY_ANCHORED && verdict->exit != VERIFY_INTACT)
		return;
	if (signer != NULL && strcmp(signer, manifest->name) != 0)
		(void)judge(verdict, VERIFY_TAMPERED,
		    "it is signed by customer %" PRIu64 " (%s), not by %s",
		    manifest->signer, manifest->name, signer);
	else if (signer == NULL && verdict->exit == VERIFY_ANCHORED)
		(void)judge(verdict, VERIFY_INTACT,
		    "the books are the word of customer %" PRIu64 " (%s): "
		    "whose they must be only you know (--signer)",
		    manifest->signer, manifest->name);
}

/* ---- told -------------------------------------------------------------- */

static void
print_facts(const struct bundle_verdict *verdict)
{
	const struct bundle_manifest *manifest = &verdict->manifest;
	char root[65], made[32];

	bankfile_hex(manifest->root, root);
	printf("  the books of %s%s, made %s\n", manifest->month,
	    manifest->so_far ? ", which was not over" : "",
	    verify_time(manifest->made_ms, made));
	printf("  signed by customer %" PRIu64
	       " (%s), whose key the bank has attested;\n"
	       "  whether that is an operator, the bank's roles say\n",
	    manifest->signer, manifest->name);
	printf("  %" PRIu64 " posting%s, and those of each entry add up to "
	       "zero\n  %" PRIu64 " till%s with them\n",
	    verdict->postings, plural(verdict->postings), verdict->tills,
	    verdict->tills == 1 ? ", which agrees" : "s, which agree");
	printf("  its maker says: the ledger was %s\n",
	    verified_sentence(manifest));
	printf("  anchor: %" PRIu64 " entries, root %.16s...\n", manifest->size,
	    root);
	if (manifest->since)
		printf("  it continues an anchor of %" PRIu64 " entries\n",
		    manifest->since_size);
}

static void
print_json(const char *path, const struct bundle_verdict *verdict)
{
	const struct bundle_manifest *manifest = &verdict->manifest;
	char root[65];

	printf("{\"v\":1,\"kind\":\"bundle\",\"file\":");
	json_string(stdout, path, strlen(path));
	printf(",\"exit\":%d,\"why\":", (int)verdict->exit);
	json_string(stdout, verdict->why, strlen(verdict->why));
	if (verdict->exit == VERIFY_ANCHORED ||
	    verdict->exit == VERIFY_INTACT) {
		bankfile_hex(manifest->root, root);
		printf(",\"month\":\"%s\",\"so_far\":%s,\"made_ms\":%" PRIu64
		       ",\"verified\":%u,\"signer\":%" PRIu64
		       ",\"name\":\"%s\",\"size\":%" PRIu64
		       ",\"root\":\"%s\",\"since_size\":%" PRIu64
		       ",\"postings\":%" PRIu64 ",\"tills\":%" PRIu64,
		    manifest->month, manifest->so_far ? "true" : "false",
		    manifest->made_ms, manifest->verified, manifest->signer,
		    manifest->name, manifest->size, root, manifest->since_size,
		    verdict->postings, verdict->tills);
	}
	printf("}\n");
}

enum verify_exit
bundle_verify_file(const struct bankfile *bank, const char *path,
    const char *since, const char *signer, bool json, bool quiet)
{
	static struct bundle_verdict verdict;
	char name[PRINTABLE_MAX];

	bundle_judge(bank, path, &verdict);
	if (verdict.exit == VERIFY_INTACT && since != NULL)
		bundle_judge_since(bank, since, &verdict);
	bundle_judge_signer(signer, &verdict);
	if (json) {
		print_json(path, &verdict);
		return verdict.exit;
	}
	(void)printable(path, name);
	switch (verdict.exit) {
	case VERIFY_ANCHORED:
		printf("verified: %s\n", name);
		break;
	case VERIFY_INTACT:
		printf("intact: %s\n  %s\n", name, verdict.why);
		break;
	case VERIFY_TAMPERED:
		printf("NOT VERIFIED: %s: %s\n", name, verdict.why);
		return verdict.exit;
	case VERIFY_COULD_NOT:
		fprintf(
		    stderr, "strongroom-verify: %s: %s\n", name, verdict.why);
		return verdict.exit;
	}
	if (!quiet)
		print_facts(&verdict);
	return verdict.exit;
}
