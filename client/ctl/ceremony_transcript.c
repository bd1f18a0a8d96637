/* SPDX-License-Identifier: ISC */
/*
 * The transcript: who got which share, by its hash, and what the rehearsal
 * compared.  Must never have a byte of a share.
 */
#include "client/ctl/ceremony.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/utc.h"

static void
put_hash(FILE *out, const char *name, const uint8_t *bytes, size_t len)
{
	char text[2 * 32 + 1];

	(void)sodium_bin2hex(text, sizeof(text), bytes, len);
	fprintf(out, "%-12s %s\n", name, text);
}

static void
put_key(FILE *out, const char *name, const uint8_t bank[32],
    const uint8_t restored[32])
{
	char text[65];

	bankfile_hex(bank, text);
	fprintf(out, "%-12s %s %s\n", name, text,
	    memcmp(bank, restored, 32) == 0 ? "same" : "DIFFERENT");
}

static void
put_rehearsal(FILE *out, const struct ceremony *c)
{
	const struct message_public_keys *a = &c->rehearsal.bank;
	const struct message_public_keys *b = &c->rehearsal.restored;
	struct share share;

	if (!c->rehearsed) {
		fprintf(out, "rehearsal    NOT REHEARSED: nobody knows whether "
			     "these shares restore the bank\n");
		return;
	}
	fprintf(out, "rehearsal    done, with the shares");
	for (unsigned i = 0; i < c->pile.have; i++) {
		(void)share_read(c->pile.records[i], &share);
		fprintf(out, " %u", share.index);
	}
	sodium_memzero(&share, sizeof(share));
	fprintf(out, "\nepoch        %" PRIu32 " of the log key: %s\n",
	    a->epoch, a->epoch == b->epoch ? "same" : "DIFFERENT");
	put_key(out, "noise", a->noise, b->noise);
	put_key(out, "opaque", a->opaque, b->opaque);
	put_key(out, "log", a->log, b->log);
	put_key(out, "attestation", a->attestation, b->attestation);
}

static void
put(FILE *out, const struct ceremony *c)
{
	char time[UTC_TEXT_MAX], name[16];

	fprintf(out, "strongroom ceremony 1\n");
	fprintf(out, "program      strongroomctl %s\n", STRONGROOM_VERSION);
	fprintf(out, "time         %s\n", utc_time_format(c->time_ms, time));
	fprintf(out, "bank         %s\n", c->bank.name);
	put_hash(out, "bank-id", c->bank.bank_id, sizeof(c->bank.bank_id));
	fprintf(out, "set          %u\n", c->set.number);
	fprintf(out, "shares       %u, of which any %u open the bank\n",
	    c->set.count, c->set.quorum);
	for (unsigned i = 0; i < c->set.count; i++) {
		(void)snprintf(name, sizeof(name), "share %u", i + 1);
		put_hash(out, name, c->set.hashes[i], SHARE_HASH_LEN);
		if (ceremony_holder(c, i)[0] != '\0')
			fprintf(
			    out, "  held by    %s\n", ceremony_holder(c, i));
	}
	put_rehearsal(out, c);
	fprintf(out, "former sets  %u removed, %u kept\n", c->removed, c->kept);
}

enum sr_error
ceremony_transcript(const struct ceremony *ceremony)
{
	const char *path = ceremony->options->transcript;
	FILE *out = stdout;
	int fd;

	if (path != NULL) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		out = fd >= 0 ? fdopen(fd, "w") : NULL;
		if (out == NULL) {
			fprintf(stderr, "strongroomctl: %s: %s\n", path,
			    strerror(errno));
			/* It is not to be had a second time. */
			put(stdout, ceremony);
			return SR_IO;
		}
	}
	put(out, ceremony);
	if (fflush(out) == 0 && !ferror(out) &&
	    (path == NULL || fclose(out) == 0))
		return SR_OK;
	return ctl_failed(path != NULL ? path : "standard output", SR_IO);
}
