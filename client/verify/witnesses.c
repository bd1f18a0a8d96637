/* SPDX-License-Identifier: ISC */
/*
 * Counting witnesses.  Must never count one that has not signed, nor one key
 * twice.
 */
#include "client/verify/witnesses.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/json.h"

enum sr_error
witnesses_add(struct verify *verify, const char *vkey)
{
	struct cosigner cosigner;

	if (cosigner_parse(vkey, &cosigner) != SR_OK)
		return SR_MALFORMED;
	for (size_t i = 0; i < verify->witness_count; i++)
		if (memcmp(verify->witness[i].cosigner.public_key,
			cosigner.public_key, 32) == 0)
			return SR_EXISTS;
	if (verify->witness_count == VERIFY_WITNESSES_MAX)
		return SR_TOO_LARGE;
	verify->witness[verify->witness_count++].cosigner = cosigner;
	return SR_OK;
}

bool
witnesses_take(struct verify *verify, const char *path, const void *text,
    size_t len, const struct note *note, enum verify_exit missing)
{
	for (size_t i = 0; i < verify->witness_count; i++) {
		struct verify_witness *witness = &verify->witness[i];
		uint64_t time_s;
		enum sr_error error =
		    cosignature_find(text, len, note->lines_at,
			&witness->cosigner, &note->checkpoint, &time_s);

		if (error != SR_OK && error != SR_NOT_FOUND)
			return verify_fail(verify, missing,
			    "%s: the line of witness %s is not its signature "
			    "of this checkpoint",
			    path, witness->cosigner.name);
		if (error != SR_OK || note->checkpoint.size < witness->size)
			continue;
		witness->size = note->checkpoint.size;
		witness->time_s = time_s;
	}
	return true;
}

size_t
witnesses_count(const struct verify *verify)
{
	size_t count = 0;

	for (size_t i = 0; i < verify->witness_count; i++)
		if (verify->witness[i].size > 0)
			count++;
	return count;
}

void
witnesses_report(const struct verify *verify)
{
	char time[32];

	for (size_t i = 0; i < verify->witness_count; i++) {
		const struct verify_witness *witness = &verify->witness[i];

		if (witness->size == 0)
			printf("witness %s has signed none of these "
			       "checkpoints\n",
			    witness->cosigner.name);
		else if (witness->time_s > UINT64_MAX / 1000)
			printf("witness %s has signed %" PRIu64
			       " entries, at a time that cannot be\n",
			    witness->cosigner.name, witness->size);
		else
			printf("witness %s has signed %" PRIu64
			       " entries, on %s\n",
			    witness->cosigner.name, witness->size,
			    verify_time(witness->time_s * 1000, time));
	}
	if (witnesses_count(verify) < verify->witnesses_wanted)
		printf("too few witnesses: %zu of the %zu that --witnesses "
		       "asks for\n",
		    witnesses_count(verify), verify->witnesses_wanted);
}

void
witnesses_report_json(const struct verify *verify)
{
	printf(",\"witnesses\":[");
	for (size_t i = 0; i < verify->witness_count; i++) {
		const struct verify_witness *witness = &verify->witness[i];

		printf("%s{\"name\":", i > 0 ? "," : "");
		json_string(stdout, witness->cosigner.name,
		    strlen(witness->cosigner.name));
		printf(",\"size\":%" PRIu64 ",\"time_s\":%" PRIu64 "}",
		    witness->size, witness->time_s);
	}
	printf("]");
}
