/* SPDX-License-Identifier: ISC */
/*
 * Renewing the certificate of a bank that is stopped: its rooms run for the
 * length of the command.
 */
#include <stdio.h>

#include "client/ctl/bank_process.h"
#include "client/ctl/shares.h"
#include "client/ctl/ctl.h"

enum sr_error
ctl_certify(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	struct bank_process process = {0};
	enum sr_error error = ctl_configuration(options, &config);

	(void)words;
	if (error != SR_OK)
		return error;
	error = ctl_bank_start(options, &config, "--certify", &process);
	if (error == SR_OK)
		error = ctl_status(options, words);
	if (bank_process_stop(&process) != SR_OK && error == SR_OK)
		error = SR_IO;
	if (error == SR_OK)
		fprintf(stderr, "the certificate is renewed\n");
	return error;
}
