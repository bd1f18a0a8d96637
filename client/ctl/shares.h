/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_SHARES_H
#define CLIENT_CTL_SHARES_H
/*
 * Shares from the people who hold them: typed one after the other, or out of
 * files.
 */
#include "client/ctl/ctl.h"
#include "client/ctl/share_pile.h"
#include "client/ctl/unlock_secret.h"
#include "common/sealed.h"

/*
 * Fills the pile: first from the files of --share-file, each of which must be
 * right, then from the terminal, where whatever is wrong is told and asked for
 * again.  SR_SHARE_WRONG, SR_SHARES_FEW when there is nobody to ask,
 * SR_CLOSED when the person at the terminal ends the input, SR_IO; after a
 * line.  The screen is cleared of each share that was typed, also when a signal
 * ends the program.
 */
enum sr_error ctl_shares_ask(
    const struct ctl_options *options, struct share_pile *pile);

/* The sets of shares that open a root.sealed; how many. */
unsigned ctl_share_sets(
    const struct sealed *sealed, struct share_set sets[SHARE_SETS_MAX]);

/* A quorum of shares as what opens the keys; else as ctl_shares_ask(). */
enum sr_error ctl_shares_secret(const struct ctl_options *options,
    const struct sealed *sealed, struct ctl_unlock_secret *out);

/* root.sealed of a bank that is stopped, after a line when it cannot be read. */
enum sr_error ctl_sealed_read(
    const struct config *config, struct sealed *sealed);

/*
 * True if what opens the keys must be had from whoever runs the command: an
 * option names it, or the configuration has nothing that is there, or a
 * credential that systemd has not handed to this command.
 */
bool ctl_bank_asks(
    const struct ctl_options *options, const struct config *config);

/*
 * Starts a stopped bank for one command (bank_process.h), with what the words
 * of the command give to open its keys, shares among them, or a person at the
 * terminal; else as configured.
 */
struct bank_process;
enum sr_error ctl_bank_start(const struct ctl_options *options,
    const struct config *config, const char *option,
    struct bank_process *process);

/*
 * What opens the keys now, as the words of a command say: shares where they
 * are asked for or nothing else opens them, else ctl_unlock_secret().
 */
enum sr_error ctl_present_secret(const struct ctl_options *options,
    const struct config *config, const struct sealed *sealed, bool itself,
    struct ctl_unlock_secret *out);

/* A full pile as what opens the keys; its owner wipes it. */
void ctl_shares_of(
    const struct share_pile *pile, struct ctl_unlock_secret *out);

/* One share out of a file as the ceremony writes it; a line says why not. */
enum sr_error ctl_share_file(const char *path, uint8_t record[SHARE_LEN]);

/* Removes what is on the screen of a terminal, and above it. */
void ctl_screen_clear(FILE *out);

#endif
