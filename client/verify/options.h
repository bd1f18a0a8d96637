/* SPDX-License-Identifier: ISC */
/* What strongroom-verify's command line asks for. */
#ifndef CLIENT_VERIFY_OPTIONS_H
#define CLIENT_VERIFY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/export/export.h"
#include "client/verify/verify.h"
#include "client/verify/witness.h"
#include "client/verify/witnesses.h"

enum { KEYS_FILES_MAX = 64 };

/* What was asked for: paths and words of argv, which must outlive it. */
struct wanted {
	const char *bank;
	const char *since[VERIFY_ANCHORS_MAX];
	size_t since_count;
	const char *keys[KEYS_FILES_MAX];
	size_t keys_count;
	const char *auditor_key;
	const char *receipts;
	const char *export;
	const char *certify;
	const char *certified;
	const char *month;
	const char *books;
	bool so_far;
	const struct export_format *format; /* NULL: JSON lines */
	const char *output;
	const char *signer; /* of a bundle */
	const char *witness[VERIFY_WITNESSES_MAX];
	size_t witness_count;
	struct witness_paths paths;
	uint64_t given; /* which options, for options_allow() */
};

enum wanted_command {
	COMMAND_WALK, /* a ledger directory */
	COMMAND_RECEIPT,
	COMMAND_BUNDLE,
	COMMAND_WITNESS,
	COMMAND_KEYGEN,
};

/*
 * Reads the options; what is asked of the walk itself goes to *verify.  optind
 * is then at the first word.  -1: go on; else the exit code, after help, the
 * version or a sentence on stderr.
 */
int options_read(
    struct verify *verify, struct wanted *wanted, int argc, char *argv[]);

/* Refuses an option that the command would not look at.  Returns as above. */
int options_allow(const struct wanted *wanted, enum wanted_command command);

/* Whether options of a walk make sense together.  Returns as above. */
int options_check(const struct wanted *wanted);

/* Says what is wrong with the command line: the exit code for that. */
int options_refuse(const char *why);

#endif
