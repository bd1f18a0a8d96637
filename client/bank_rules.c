/* SPDX-License-Identifier: ISC */
/*
 * The rules in force, who has which role, and single postings, as the bank
 * tells them.  Nothing here is attested: what is signed on the strength of it
 * names the figures, so that a lie is declined.
 */
#include <string.h>

#include "client/bank.h"

enum sr_error
bank_policy(struct bank_session *session, struct message_policy *policy)
{
	uint8_t bytes[MESSAGE_POLICY_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_policy_get get = {.request = ++session->request};
	struct bank_answer answer;
	enum sr_error error = message_policy_get_encode(&w, &get);

	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_POLICY, &answer);
	if (error == SR_OK)
		error =
		    message_policy_decode(answer.body, answer.body_len, policy);
	if (error == SR_OK && policy->request != get.request)
		error = SR_MALFORMED;
	return error;
}

enum sr_error
bank_posting(struct bank_session *session, uint64_t leaf,
    struct message_posting *posting)
{
	uint8_t bytes[MESSAGE_POSTING_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_posting_get get = {
	    .request = ++session->request, .leaf = leaf};
	struct bank_answer answer;
	enum sr_error error = message_posting_get_encode(&w, &get);

	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_POSTING, &answer);
	if (error == SR_OK)
		error = message_posting_decode(
		    answer.body, answer.body_len, posting);
	if (error == SR_OK && posting->request != get.request)
		error = SR_MALFORMED;
	if (error == SR_OK && posting->error != SR_OK)
		error = error_of_wire(posting->error);
	return error;
}

/* The rows of one answer; *after moves on. */
static enum sr_error
principals_read(const struct message_principals *principals, uint64_t *after,
    void (*each)(void *context, const struct bank_principal *principal),
    void *context)
{
	struct reader r = reader_of(principals->list, principals->list_len);

	while (reader_left(&r) > 0) {
		struct bank_principal principal;
		uint8_t revoked;

		principal.customer = reader_u64(&r);
		principal.till = reader_u64(&r);
		principal.terminal = reader_u32(&r);
		principal.role = reader_u8(&r);
		revoked = reader_u8(&r);
		reader_zeros(&r, 2);
		if (r.bad || revoked > 1 || principal.customer == 0)
			return SR_MALFORMED;
		principal.revoked = revoked == 1;
		*after = principal.customer;
		each(context, &principal);
	}
	return SR_OK;
}

enum sr_error
bank_principals(struct bank_session *session,
    void (*each)(void *context, const struct bank_principal *principal),
    void *context)
{
	struct message_principals principals = {.more = 1};
	struct bank_answer answer;
	uint64_t after = 0;
	enum sr_error error = SR_OK;

	while (error == SR_OK && principals.more == 1) {
		uint8_t bytes[MESSAGE_PRINCIPALS_GET_MAX];
		struct writer w = writer_to(bytes, sizeof(bytes));
		struct message_principals_get get = {
		    .request = ++session->request, .after = after};
		uint64_t before = after;

		error = message_principals_get_encode(&w, &get);
		if (error == SR_OK)
			error = bank_exchange(session, bytes, writer_len(&w),
			    MESSAGE_PRINCIPALS, &answer);
		if (error == SR_OK)
			error = message_principals_decode(
			    answer.body, answer.body_len, &principals);
		if (error == SR_OK && principals.request != get.request)
			error = SR_MALFORMED;
		if (error == SR_OK && principals.error != SR_OK)
			error = error_of_wire(principals.error);
		if (error == SR_OK)
			error =
			    principals_read(&principals, &after, each, context);
		if (error == SR_OK && principals.more == 1 && after == before)
			error = SR_MALFORMED;
	}
	return error;
}
