/* SPDX-License-Identifier: ISC */
/*
 * Auditors: enrolled by two operators, and what they sign.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/auditor_key.h"
#include "client/certificate_file.h"
#include "client/ctl/ctl.h"
#include "client/ctl/run.h"
#include "common/name.h"

enum sr_error
ctl_auditor_add(const struct ctl_options *options, char *const words[])
{
	size_t name_len = strlen(words[0]);
	uint8_t parameters[ORDER_AUDITOR_LEN];
	struct order_auditor auditor = {0};
	struct ordering ask = {.kind = ORDER_AUDITOR_REQUEST,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct ctl_run run;
	char done[128];
	enum sr_error error;

	if (name_check(words[0], name_len) != SR_OK)
		return ctl_failed(words[0], SR_NAME);
	error = auditor_key_public("strongroomctl", words[1], auditor.key);
	if (error != SR_OK)
		return error;
	auditor.name_len = (uint8_t)name_len;
	memcpy(auditor.name, words[0], name_len);
	order_auditor_encode(&auditor, parameters);
	error = ctl_run_begin(&run, options);
	if (error == SR_OK) {
		snprintf(done, sizeof(done),
		    "%s is enrolled as an auditor; the keys of segments may be "
		    "disclosed to that key",
		    words[0]);
		error = ctl_run_request(&run, options, &ask, done);
	}
	ctl_run_end(&run);
	return error;
}

/* What an auditor has verified; the rest is for the bank to refuse. */
static enum sr_error
certify_read(const char *path, const uint8_t bank_id[32],
    uint8_t parameters[ORDER_CERTIFY_LEN], struct order_certify *certify)
{
	enum sr_error error = certificate_file_read(path, bank_id, certify);

	if (error == SR_IO) {
		fprintf(
		    stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
		return error;
	}
	if (error == SR_MALFORMED) {
		fprintf(stderr,
		    "strongroomctl: %s is not what strongroom-verify --certify "
		    "writes\n",
		    path);
		return error;
	}
	if (error != SR_OK)
		return ctl_failed(path, error);
	order_certify_encode(certify, parameters);
	return SR_OK;
}

enum sr_error
ctl_auditor_certify(const struct ctl_options *options, char *const words[])
{
	uint8_t parameters[ORDER_CERTIFY_LEN];
	struct order_certify certify;
	struct ordering ordering = {.kind = ORDER_CERTIFY,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct ordering_result result;
	struct ctl_run run;
	enum sr_error error = ctl_run_begin(&run, options);

	if (error == SR_OK)
		error = certify_read(
		    words[0], run.bank.bank_id, parameters, &certify);
	if (error == SR_OK) {
		error = ctl_run_order(&run, &run.requester, &ordering, &result);
		if (error == SR_NOT_FOUND)
			fprintf(stderr,
			    "strongroomctl: snapshot %" PRIu32
			    " is none of the bank's last two any more: verify "
			    "with a newer one (disclose --snapshot last)\n",
			    certify.snapshot);
	}
	ctl_run_end(&run);
	if (error != SR_OK)
		return error;
	if (options->json)
		printf("{\"v\":1,\"entry\":%" PRIu64 ",\"snapshot\":%" PRIu32
		       ",\"size\":%" PRIu64 "}\n",
		    result.leaf, certify.snapshot, certify.size);
	else
		printf("%" PRIu64 "\n", result.leaf);
	fprintf(stderr,
	    "the books of the first %" PRIu64 " entries, snapshot %" PRIu32
	    ", are certified (entry %" PRIu64 ")\n",
	    certify.size, certify.snapshot, result.leaf);
	return SR_OK;
}
