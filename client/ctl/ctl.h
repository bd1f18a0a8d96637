/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_CTL_H
#define CLIENT_CTL_CTL_H
/*
 * What the parts of strongroomctl share.  It never opens keyd's files or the
 * journal: orders go through the ordinary protocol as an operator who has
 * logged in, machine-local matters over strongroomd's control socket.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/bank.h"
#include "client/bankfile.h"
#include "client/card.h"
#include "client/state.h"
#include "common/config.h"
#include "common/note.h"
#include "common/share.h"

enum { CTL_KEYS_MAX = 64 };

struct ctl_options {
	const char *configuration; /* -c; NULL: where the machine's lies */
	const char *instance;      /* of several there */
	const char *as;            /* card of the operator who asks */
	const char *approve;       /* card of the operator who approves */
	const char *server;        /* instead of the bank's addresses */
	bool json;
	/* init */
	const char *directory;
	const char *name;
	const char *unit;
	const char *unlock;
	const char *registration;
	const char *listen[CONFIG_LISTEN_MAX];
	size_t listen_count;
	const char *open[CONFIG_LISTEN_MAX]; /* --public-address */
	size_t open_count;
	bool namespaces;
	/* terminal add, invite */
	const char *max;
	const char *out; /* of disclose, too */
	const char *denominations;
	/* disclose */
	const char *segments;
	const char *snapshot;
	const char *to;
	uint32_t valid_days;
	bool late; /* holds */
	/* anchor, with out */
	bool qr;
	const char *witness; /* of add-cosignature */
	/* month-end, with out */
	const char *keys[CTL_KEYS_MAX];
	size_t keys_count;
	const char *auditor_key;
	const char *since;
	const char *certified;
	bool so_far;
	/* restore */
	const char *anchor;
	bool check;
	bool accept_loss;
	/* role set, issue, limits, policy */
	const char *till;
	const char *memo;
	const char *floor;
	const char *soft_floor;
	const char *ceiling;
	const char *day_limit;
	const char *undo_minutes;
	const char *request_minutes;
	/* init */
	const char *type;
	const char *limit; /* of each member, mutual credit */
	/* retire */
	const char *keep_months;
	const char *before;
	/* import, retire */
	bool dry_run;
	bool balances;
	/* rebuild-tiles */
	const char *bank;
	/* unlock */
	int passphrase_fd; /* -1: not given */
	const char *credential;
	const char *label; /* seal add */
	/* ceremony; unlock and restore take shares, too */
	bool shares;
	uint8_t share_count; /* 0: no number was given */
	uint8_t quorum;
	const char *holders[SHARE_COUNT_MAX];
	size_t holder_count;
	const char *share_files[SHARE_COUNT_MAX];
	size_t share_file_count;
	const char *transcript;
	bool no_rehearsal;
	bool keep;
};

/* What came of the options. */
enum ctl_parsed {
	CTL_GO_ON,
	CTL_HELP,
	CTL_VERSION,
	CTL_WRONG, /* it was said why */
};

/* Takes the options; optind is then the first word that is none. */
enum ctl_parsed ctl_options_take(
    int argc, char *argv[], struct ctl_options *options);

/* The part of the help that is about options. */
void ctl_options_help(FILE *out);

/* One command: its words, e.g. "terminal" "add", then its arguments. */
struct ctl_command {
	const char *word;
	const char *second; /* NULL: none */
	int words;          /* arguments after these */
	enum sr_error (*run)(
	    const struct ctl_options *options, char *const words[]);
	const char *usage;
	const char *what;
};

enum sr_error ctl_init(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_log_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_password_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_attestation_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_channel_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_keys(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_credential_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_device_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_invitation_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_password_seed(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_reset_key(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rotate_terminal_root(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_certify(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_status(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_seal(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_seal_add(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_seal_remove(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_invite(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_reset(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_reset_code(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_terminal_add(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_holds(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_release(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_terminal_renew(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_terminal_revoke(
    const struct ctl_options *options, char *const words[]);

enum sr_error ctl_requests(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_approve(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_role_list(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_role_set(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_role_revoke(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_account_list(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_account_show(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_account_freeze(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_account_unfreeze(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_account_limits(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_till_list(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_till_cash_out(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_issue(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_adjust(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_reverse(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_policy(
    const struct ctl_options *options, char *const words[]);

enum sr_error ctl_auditor_add(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_retire(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_auditor_certify(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rehearse_shares(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_ceremony(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_backup(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_restore(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_disclose(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_rebuild_tiles(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_clock(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_clock_confirm(
    const struct ctl_options *options, char *const words[]);

enum sr_error ctl_lock(const struct ctl_options *options, char *const words[]);
enum sr_error ctl_unlock(
    const struct ctl_options *options, char *const words[]);

enum sr_error ctl_reload(
    const struct ctl_options *options, char *const words[]);

enum sr_error ctl_doctor(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_metrics(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_verify(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_anchor(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_anchor_add(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_month_end(
    const struct ctl_options *options, char *const words[]);
enum sr_error ctl_import(
    const struct ctl_options *options, char *const words[]);

/*
 * The path of the strongroom.conf that -c names, or of the machine's bank
 * (place.h); until the next call.  SR_USAGE and a line when there is none.
 */
enum sr_error ctl_configuration_file(
    const struct ctl_options *options, const char **path);

/* Reads it; says what is wrong. */
enum sr_error ctl_configuration(
    const struct ctl_options *options, struct config *config);

/* Connects to the control socket of the bank. */
enum sr_error ctl_control(const struct config *config, int *fd);

/*
 * Asks for an invitation of one name over the control socket fd; the second
 * says on stderr why there is none.
 */
enum sr_error ctl_invitation_get(int fd, const char *name, uint32_t valid_s,
    uint8_t invitation[INVITATION_LEN]);
enum sr_error ctl_ask_invitation(int fd, const char *name, uint32_t valid_s,
    uint8_t invitation[INVITATION_LEN]);

/*
 * Reads the bank.id beside strongroom.conf, with the addresses that the
 * running bank has written to run/address in place of its own.
 */
enum sr_error ctl_bank(const struct config *config, struct bankfile *bank);

/*
 * The head that the bank has published, without a look at its signature.
 * SR_NOT_FOUND, SR_IO, SR_MALFORMED.
 */
enum sr_error ctl_checkpoint_read(
    const struct config *config, struct checkpoint *out);

/*
 * strongroom-verify: ../libexec/strongroom/strongroom-verify from this
 * program's directory, where a package puts one, or else the one beside it.
 * SR_IO.
 */
enum sr_error ctl_verifier_path(char path[PATH_MAX]);

/* Says "what: sentence" on stderr and returns the error. */
enum sr_error ctl_failed(const char *what, enum sr_error error);

#endif
