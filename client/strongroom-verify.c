/* SPDX-License-Identifier: ISC */
/*
 * strongroom-verify: checks a bank's ledger directory for somebody who trusts
 * neither the bank nor its machine.  Reads only, and needs no running bank.
 */
#include "client/verify.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

enum {
	OPTION_SINCE = 256,
	OPTION_VERSION,
};

static const struct option long_options[] = {
    {"bank", required_argument, NULL, 'b'},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"json", no_argument, NULL, 'j'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static void
help(FILE *out)
{
	fprintf(out,
	    "usage: strongroom-verify --bank FILE [options] DIRECTORY\n\n"
	    "  -b, --bank FILE      the bank's bank.id\n"
	    "      --since FILE     a checkpoint kept from before: the log "
	    "must continue it\n"
	    "  -j, --json           for scripts\n"
	    "  -q, --quiet          only the verdict\n"
	    "  -h, --help\n"
	    "      --version\n\n"
	    "DIRECTORY is the bank's ledger directory or a copy of it.\n\n"
	    "exit status: 0 verified against an anchor, 1 tampered, 2 could "
	    "not run,\n3 intact, but unanchored or checked without keys\n\n"
	    "examples:\n"
	    "  strongroom-verify --bank bank.id ledger\n"
	    "  strongroom-verify --bank bank.id --since last-month ledger\n");
}

/* True if the walk came to its end with nothing amiss. */
static bool
run(struct verify *verify, const char *bank, const char *since)
{
	char path[4096], message[BANKFILE_MESSAGE_MAX];

	if (bankfile_read(bank, &verify->bank, message) != SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT, "%s", message);
	if (snprintf(path, sizeof(path), "%s/public/checkpoint",
		verify->directory) >= (int)sizeof(path))
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "the path is too long");
	return verify_certificates(verify) &&
	       (since == NULL || verify_checkpoint(verify, since,
				     VERIFY_COULD_NOT, &verify->since)) &&
	       verify_checkpoint(
		   verify, path, VERIFY_TAMPERED, &verify->published) &&
	       verify_log(verify);
}

int
main(int argc, char *argv[])
{
	static struct verify verify;
	const char *bank = NULL, *since = NULL;
	int option;

	while ((option = getopt_long(
		    argc, argv, "b:jqh", long_options, NULL)) != -1)
		switch (option) {
		case 'b':
			bank = optarg;
			break;
		case OPTION_SINCE:
			since = optarg;
			break;
		case 'j':
			verify.json = true;
			break;
		case 'q':
			verify.quiet = true;
			break;
		case 'h':
			help(stdout);
			return 0;
		case OPTION_VERSION:
			printf("strongroom-verify %s\n", STRONGROOM_VERSION);
			return 0;
		default:
			return VERIFY_COULD_NOT;
		}
	if (bank == NULL || argc - optind != 1 || sodium_init() < 0) {
		fprintf(stderr, "strongroom-verify: --bank FILE and one "
				"directory are needed; see --help\n");
		return VERIFY_COULD_NOT;
	}
	verify.directory = argv[optind];
	/* Without keys nothing better can be said. */
	verify.exit = VERIFY_INTACT;
	verify_print_begin(&verify);
	(void)run(&verify, bank, since);
	verify_print_verdict(&verify);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "strongroom-verify: cannot write\n");
		return VERIFY_COULD_NOT;
	}
	return (int)verify.exit;
}
