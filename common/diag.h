/* SPDX-License-Identifier: ISC */
#ifndef COMMON_DIAG_H
#define COMMON_DIAG_H
/*
 * Diagnostics of every daemon and tool: one line an event on stderr, where
 * journald or a terminal takes it.  "keyd: warning: text".
 *
 * The whole line is escaped after it was formatted (each byte outside of
 * printable ASCII, and the backslash, as \xNN), so no argument can begin a
 * second line or move a terminal's cursor.  Escaping does not make a secret
 * fit to print: no key, password, name of a customer, amount or balance is
 * ever an argument.
 *
 * Works inside the sandbox: one write(2) to fd 2 a line, no allocation, no
 * file, no time zone.  Lines are cut at DIAG_LINE_MAX bytes.
 */
#include <stdbool.h>
#include <stdint.h>

#define DIAG_LINE_MAX 1024

#define DIAG_PRINTF(f, a) __attribute__((format(printf, f, a)))

/*
 * Names the program in each line.  name is a constant and is kept.  Where fd 2
 * is systemd's journal each line begins with its priority, as <4> (sd-daemon(3)),
 * which the journal takes off; asked of the kernel here, since no call for that
 * is left inside the sandbox.
 */
void diag_init(const char *name);

void diag_info(const char *format, ...) DIAG_PRINTF(1, 2);
void diag_warn(const char *format, ...) DIAG_PRINTF(1, 2);
void diag_error(const char *format, ...) DIAG_PRINTF(1, 2);

/* Prints and ends the process with exit(1). */
_Noreturn void diag_fatal(const char *format, ...) DIAG_PRINTF(1, 2);

/*
 * A warning about something that a peer can cause as often as it likes.
 * key names whom and what (for instance an address's hash xor the kind of
 * event).  At most 5 lines in 10 s for one key, then one line that counts
 * what was left out, when the next one passes.  Keys share 256 places.
 */
void diag_limited(uint64_t key, const char *format, ...) DIAG_PRINTF(2, 3);

/* Whether such a warning would be printed now; counts as if it was. */
bool diag_passes(uint64_t key);

#endif
