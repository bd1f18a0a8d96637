/* SPDX-License-Identifier: ISC */
/*
 * The last note in public/restores.  Must never tell of one that the bank's
 * own keys have not signed.
 */
#include "client/ctl/log_key.h"

#include <stdio.h>
#include <string.h>

#include "client/bankfile.h"

enum sr_error
log_key_note(const struct config *config, struct verify_restore *last,
    char message[VERIFY_WHY_MAX])
{
	static struct verify verify;
	char ledger[CONFIG_PATH_MAX], path[CONFIG_PATH_MAX];
	char why[BANKFILE_MESSAGE_MAX] = "";
	enum sr_error error = config_path(config, "ledger", ledger);

	memset(&verify, 0, sizeof(verify));
	verify.directory = ledger;
	if (error == SR_OK)
		error = config_path(config, "bank.id", path);
	if (error == SR_OK)
		error = bankfile_read(path, &verify.bank, why);
	if (error != SR_OK) {
		(void)snprintf(message, VERIFY_WHY_MAX, "bank.id: %s",
		    why[0] != '\0' ? why : error_sentence(error));
		return error == SR_NOT_FOUND ? SR_IO : error;
	}
	if (!verify_certificates(&verify) || !verify_restores(&verify)) {
		(void)snprintf(message, VERIFY_WHY_MAX, "%s", verify.why);
		return SR_DAMAGED;
	}
	if (verify.restore_count == 0)
		return SR_NOT_FOUND;
	*last = verify.restore[verify.restore_count - 1];
	return SR_OK;
}
