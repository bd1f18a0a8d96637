/* SPDX-License-Identifier: ISC */
/*
 * Requests as sentences.  Whoever approves has seen this and signs the hash
 * of the bytes it was made from: it must leave nothing out of what they do.
 */
#include "client/ctl/describe.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/names.h"
#include "common/authority.h"
#include "common/ids.h"

/* A sentence that grows. */
struct sentence {
	struct bank_session *session;
	const struct money_unit *unit;
	const struct order *order;
	const void *attachment;
	size_t attachment_len;
	char *text;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void
say(struct sentence *s, const char *format, ...)
{
	size_t room = CTL_DESCRIPTION_MAX - s->len;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(s->text + s->len, room, format, arguments);
	va_end(arguments);
	/* the longest memo and the longest names fit */
	assert(n >= 0 && (size_t)n < room);
	s->len += (size_t)n;
}

static void
say_account(struct sentence *s, const char *before, uint64_t account)
{
	char text[CTL_ACCOUNT_TEXT_MAX];

	say(s, "%s%s", before,
	    ctl_account_text(s->session, account, NULL, text));
}

static void
say_person(struct sentence *s, const char *before, uint64_t customer)
{
	char text[CTL_ACCOUNT_TEXT_MAX];

	say(s, "%s%s", before, ctl_person_text(s->session, customer, text));
}

static void
say_amount(struct sentence *s, const char *before, int64_t minor)
{
	char text[CTL_LIMIT_TEXT_MAX];

	say(s, "%s%s%s%s", before, ctl_limit_text(minor, s->unit, text),
	    minor == INT64_MAX ? "" : " ",
	    minor == INT64_MAX ? "" : s->unit->code);
}

static void
say_memo(struct sentence *s)
{
	if (s->attachment_len > 0)
		say(s, ": %.*s", (int)s->attachment_len,
		    (const char *)s->attachment);
}

static void
say_limits(struct sentence *s, const struct order_limits *limits)
{
	say_amount(s, "floor ", limits->floor_minor);
	say_amount(s, ", soft floor ", limits->soft_floor_minor);
	say_amount(s, ", ceiling ", limits->ceiling_minor);
	say_amount(s, ", day limit ", limits->day_limit_minor);
}

static void
say_enrol(struct sentence *s)
{
	struct order_enrol enrol;

	if (order_enrol_decode(s->attachment, s->attachment_len, &enrol) !=
	    SR_OK)
		return;
	say_person(s, "enrol ", enrol.principal);
	say(s, " as %s", role_name(enrol.role));
	if (enrol.terminal != 0)
		say(s, " %" PRIu32, enrol.terminal);
	say_amount(s, " with a till of at most ", enrol.till_maximum_minor);
}

static void
say_auditor(struct sentence *s)
{
	struct order_auditor auditor;

	if (order_auditor_decode(s->attachment, s->attachment_len, &auditor) !=
	    SR_OK)
		return;
	say(s, "enrol the auditor %s with the key ", auditor.name);
	for (size_t i = 0; i < sizeof(auditor.key); i++)
		say(s, "%02x", auditor.key[i]);
}

static void
say_release(struct sentence *s)
{
	struct order_release release;

	if (order_release_decode(s->attachment, s->attachment_len, &release) !=
	    SR_OK)
		return;
	say(s, "release the withdrawal of entry %" PRIu64, s->order->refers_to);
	say_amount(s, ", ", release.amount_minor);
	say_account(s, " of ", release.account);
}

static void
say_policy(struct sentence *s)
{
	struct order_policy policy;

	if (order_policy_decode(s->attachment, s->attachment_len, &policy) !=
	    SR_OK)
		return;
	say(s, "set the policy for new accounts: ");
	say_limits(s, &policy.customer);
	say(s,
	    "; orders valid for %" PRIu64 " s, requests for %" PRIu64
	    " min, a till's undo for %" PRIu64 " min",
	    policy.order_life_ms / 1000, policy.request_life_ms / 60000,
	    policy.undo_ms / 60000);
}

static void
say_role(struct sentence *s)
{
	struct order_role role;

	if (order_role_decode(s->attachment, s->attachment_len, &role) != SR_OK)
		return;
	say_person(s, "make ", role.principal);
	say(s, " %s %s",
	    role.role == ROLE_OPERATOR || role.role == ROLE_AUDITOR ? "an"
								    : "a",
	    role_name(role.role));
	if (role.till != 0)
		say_account(s, " at ", role.till);
	if (role.till_maximum_minor != 0)
		say_amount(
		    s, " with a till of at most ", role.till_maximum_minor);
}

static void
say_raise(struct sentence *s)
{
	struct order_limits limits;

	if (order_limits_decode(s->attachment, s->attachment_len, &limits) !=
	    SR_OK)
		return;
	if (account_index(limits.account) == ACCOUNT_INDEX_TILL) {
		say_account(s, "let ", limits.account);
		say_amount(s, " hold at most ", -limits.floor_minor);
		say(s, " in cash");
		return;
	}
	say_account(s, "set the limits of ", limits.account);
	say(s, ": ");
	say_limits(s, &limits);
}

static void
say_unfreeze(struct sentence *s)
{
	uint64_t account;

	if (order_account_decode(s->attachment, s->attachment_len, &account) ==
	    SR_OK)
		say_account(s, "unfreeze ", account);
}

static void
say_retire(struct sentence *s)
{
	struct order_retire retire;

	if (order_retire_decode(s->attachment, s->attachment_len, &retire) ==
	    SR_OK)
		say(s,
		    "retire for ever every entry in the segments before "
		    "certified snapshot %" PRIu32,
		    retire.snapshot);
}

static void
say_reset(struct sentence *s)
{
	char until[CTL_TIME_TEXT_MAX];
	struct order_reset reset;

	if (order_reset_decode(s->attachment, s->attachment_len, &reset) !=
	    SR_OK)
		return;
	say_person(
	    s, "let whoever has a reset code take over ", reset.customer);
	say(s, ", with another password and other keys, until %s",
	    ctl_time_text(reset.until_ms, until));
}

/* Nobody else's account may stand where the bank's own goes without saying. */
static void
say_source(struct sentence *s)
{
	if (s->order->debit != ACCOUNT_ISSUE)
		say_account(s, " from ", s->order->debit);
}

/* Money moves from debit to credit. */
static void
say_money(struct sentence *s)
{
	const struct order *order = s->order;

	switch (order->kind) {
	case ORDER_ISSUE:
		say_amount(s, "issue ", order->amount_minor);
		say_account(s, " to ", order->credit);
		say_source(s);
		break;
	case ORDER_CASH_OUT:
		say_amount(s, "take ", order->amount_minor);
		say_account(s, " in cash out of ", order->credit);
		say(s, " into the safe");
		say_source(s);
		break;
	default:
		if (order->kind == ORDER_REVERSE)
			say(s, "reverse entry %" PRIu64 ": ", order->refers_to);
		else
			say(s, "adjust: ");
		say_amount(s, "", order->amount_minor);
		say_account(s, " from ", order->debit);
		say_account(s, " to ", order->credit);
		break;
	}
	say_memo(s);
}

const char *
ctl_describe(struct bank_session *session, const struct money_unit *unit,
    const struct order *order, const void *attachment, size_t attachment_len,
    char out[CTL_DESCRIPTION_MAX])
{
	static const struct {
		uint8_t kind;
		void (*say)(struct sentence *s);
	} sayings[] = {
	    {ORDER_ENROL_REQUEST, say_enrol},
	    {ORDER_AUDITOR_REQUEST, say_auditor},
	    {ORDER_RELEASE_REQUEST, say_release},
	    {ORDER_POLICY, say_policy},
	    {ORDER_ROLE, say_role},
	    {ORDER_RAISE_LIMIT, say_raise},
	    {ORDER_UNFREEZE, say_unfreeze},
	    {ORDER_ISSUE, say_money},
	    {ORDER_ADJUST, say_money},
	    {ORDER_REVERSE, say_money},
	    {ORDER_CASH_OUT, say_money},
	    {ORDER_RETIRE, say_retire},
	    {ORDER_RESET, say_reset},
	};
	struct sentence s = {.session = session,
	    .unit = unit,
	    .order = order,
	    .attachment = attachment,
	    .attachment_len = attachment_len,
	    .text = out};

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
		if (sayings[i].kind == order->kind)
			sayings[i].say(&s);
	return out;
}
