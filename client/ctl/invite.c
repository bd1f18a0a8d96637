/* SPDX-License-Identifier: ISC */
/*
 * Invitations: whoever has one may register that one name.  Must never print
 * one anywhere but on standard output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/bankfile.h"
#include "client/ctl/ctl.h"
#include "common/name.h"

enum sr_error
ctl_invite(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	uint8_t invitation[INVITATION_LEN];
	char hex[65];
	enum sr_error error;
	int fd;

	if (name_check(words[0], strlen(words[0])) != SR_OK)
		return ctl_failed(words[0], SR_NAME);
	error = ctl_configuration(options, &config);
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = ctl_ask_invitation(
	    fd, words[0], options->valid_days * 86400u, invitation);
	close(fd);
	if (error != SR_OK)
		return error;
	bankfile_hex(invitation, hex);
	printf("%s\n", hex);
	fflush(stdout);
	fprintf(stderr,
	    "valid for %" PRIu32 " days, for %s only, who types + in the menu "
	    "of atm, or runs\n  atm --bank bank.id --user %s --invitation "
	    "INVITATION register\n",
	    options->valid_days, words[0], words[0]);
	return SR_OK;
}
