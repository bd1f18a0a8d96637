/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl anchor: what is to be kept where the bank's machine cannot
 * reach it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "client/ctl/anchor.h"
#include "client/ctl/ctl.h"
#include "client/qr.h"

static void
report(const struct ctl_options *options, const struct anchor *anchor)
{
	char root[65];

	bankfile_hex(anchor->checkpoint.root, root);
	if (options->json)
		printf("{\"v\":1,\"origin\":\"%s\",\"epoch\":%" PRIu32
		       ",\"size\":%" PRIu64 ",\"root\":\"%s\"}\n",
		    anchor->checkpoint.origin, anchor->epoch,
		    anchor->checkpoint.size, root);
	fprintf(stderr,
	    "an anchor of %" PRIu64 " entr%s, root %.16s...\n"
	    "Keep it where the bank's machine cannot reach it; check the "
	    "ledger against it:\n"
	    "  strongroom-verify --bank bank.id --since ANCHOR LEDGER\n",
	    anchor->checkpoint.size, anchor->checkpoint.size == 1 ? "y" : "ies",
	    root);
}

enum sr_error
ctl_anchor(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	static struct anchor anchor;
	struct bankfile bank;
	enum sr_error error = ctl_configuration(options, &config);

	(void)words;
	if (error == SR_OK)
		error = ctl_bank(&config, &bank);
	if (error == SR_OK)
		error = anchor_newest(&config, &bank, options->out, &anchor);
	if (error == SR_OK)
		error = anchor_write(&config, options->out, &anchor);
	if (error != SR_OK)
		return error;
	if (options->out == NULL && !options->json)
		fwrite(anchor.text, 1, anchor.len, stdout);
	report(options, &anchor);
	if (options->qr)
		error = qr_print(stdout, anchor.text, anchor.len);
	if (error != SR_OK)
		return ctl_failed("the QR code", error);
	return fflush(stdout) == 0 && ferror(stdout) == 0
		   ? SR_OK
		   : ctl_failed("standard output", SR_IO);
}
