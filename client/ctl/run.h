/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_RUN_H
#define CLIENT_CTL_RUN_H
/*
 * What the commands of strongroomctl on a running bank share: the sessions of
 * the operators whose cards were given, and the orders that they sign.
 */
#include "client/ctl/ctl.h"
#include "client/login.h"
#include "client/ordering.h"

/* What a command on a running bank has in hand. */
struct ctl_run {
	struct config config;
	struct bankfile bank;
	struct state state;
	int control;
	struct bank_session requester;
	struct bank_session approver;
	bool requester_in;
	bool approver_in;
};

/*
 * Opens configuration, control socket and the sessions of --as and, where it
 * is given, --approve; says what is wrong.  ctl_run_end() follows, whatever it
 * gave.
 */
enum sr_error ctl_run_begin(
    struct ctl_run *run, const struct ctl_options *options);
void ctl_run_end(struct ctl_run *run);

/* How to log in to that bank. */
struct login_options ctl_run_login_options(
    const struct ctl_run *run, const struct ctl_options *options);

/* Submits; a decline is an error here. */
enum sr_error ctl_run_order(const struct ctl_run *run,
    struct bank_session *session, struct ordering *ordering,
    struct ordering_result *result);

/* One operator asks with that order, the other, whose card is there, approves
 * exactly that. */
enum sr_error ctl_run_four_eyes(struct ctl_run *run, struct ordering *ask);

/*
 * Asks with that order; where --approve is given the other approves it at
 * once, else the request stays open.  Prints the number of the entry that did
 * it, or of the request (with --json both), and says on stderr what is to be
 * done next; `done' is the sentence for what was done, "ada is an operator".
 */
enum sr_error ctl_run_request(struct ctl_run *run,
    const struct ctl_options *options, struct ordering *ask, const char *done);

/* The same; *entry: what approved it, 0 while it is only asked for. */
enum sr_error ctl_run_request_entry(struct ctl_run *run,
    const struct ctl_options *options, struct ordering *ask, const char *done,
    uint64_t *entry);

#endif
