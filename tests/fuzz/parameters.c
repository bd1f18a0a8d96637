/* SPDX-License-Identifier: ISC */
/* What orders carry: the first byte says of which kind, the rest is the attachment. */
#include "common/order_parameters.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct order_enrol enrol;
	struct order_revoke revoke;
	struct order_auditor auditor;
	struct order_release release;
	struct order_policy policy;
	struct order_role role;
	struct order_limits limits;
	struct order_certify certify;
	struct order_retire retire;
	struct order_count count;
	uint64_t account;

	if (len == 0)
		return 0;
	if (order_attachment_check(bytes[0], bytes + 1, len - 1) == SR_OK)
		fuzz_taken();
	(void)order_label_check(bytes + 1, len - 1);
	(void)order_enrol_decode(bytes + 1, len - 1, &enrol);
	(void)order_revoke_decode(bytes + 1, len - 1, &revoke);
	(void)order_auditor_decode(bytes + 1, len - 1, &auditor);
	(void)order_release_decode(bytes + 1, len - 1, &release);
	(void)order_policy_decode(bytes + 1, len - 1, &policy);
	(void)order_role_decode(bytes + 1, len - 1, &role);
	(void)order_limits_decode(bytes + 1, len - 1, &limits);
	(void)order_account_decode(bytes + 1, len - 1, &account);
	(void)order_certify_decode(bytes + 1, len - 1, &certify);
	(void)order_retire_decode(bytes + 1, len - 1, &retire);
	(void)order_count_decode(bytes + 1, len - 1, &count);
	return 0;
}
