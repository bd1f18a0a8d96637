/* SPDX-License-Identifier: ISC */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H
/*
 * strongroom.conf: how the machine runs a bank, never what the bank's rules
 * are (those stand in the journal).  INI, read with libinih; lines that begin
 * with # or ; are comments.  An unknown section or key, a key given twice, a
 * value out of range or a line of more than 190 bytes is an error that names
 * file and line.  The file lives in the bank's directory D; all data is found
 * from there:
 *
 *	D/strongroom.conf
 *	D/keyd/    root.sealed identity.sealed state credentials limits
 *	           terminals
 *	D/ledger/  segment public snapshot box mail pulse
 *	D/audit/   audit.log
 *	D/run/     lock control private address
 *
 * [bank]
 *   name = TEXT             what the bank is called in messages; at most 64
 *                           bytes of printable text; required
 *   data = PATH             D, when it is not where this file is; a relative
 *                           path is relative to this file
 * [netd]
 *   listen = ADDRESS        127.0.0.1:7420, [::1]:7420 or unix:/PATH; may
 *                           stand up to 16 times; port 0 lets the system
 *                           choose, and run/address tells; none: only
 *                           sockets that systemd hands over
 *   max-connections = N     1 to 100000; default 1000
 *   max-per-address = N     connections from one IPv4 address, one IPv6 /64,
 *                           or one uid on a unix socket; 1 to 100000;
 *                           default 64
 *   handshake-timeout-ms = N  from accept to the session; 100 to 600000;
 *                           default 15000
 * [ledgerd]
 *   segment-size = BYTES    of a journal file; 64K to 64M in 4K steps;
 *                           K and M allowed; default 16M
 *   reserve = BYTES         free space below which the bank is closed for
 *                           orders; 1M to 2048M in 4K steps; default 64M
 *   session-idle = S        seconds; 1 to 86400; default 300
 *   session-absolute = S    seconds; 1 to 86400; default 3600
 *   session-rekey = S       seconds; 5 to 86400; default 600
 *   audit-log = pseudonyms | full | off        default pseudonyms
 * [keyd]
 *   registration = open | invite | closed      default open
 * [unlock]
 *                           one of these is required:
 *   passphrase-file = PATH  a file of mode 0600 or stricter; one trailing
 *                           newline is not part of the passphrase
 *   credential = NAME       32 bytes that systemd hands over under that name
 *                           (LoadCredential=, LoadCredentialEncrypted=)
 *   ask = yes               systemd-ask-password(1) asks for the passphrase;
 *                           beside one of those above: if that does not open
 *   locked = yes            the bank starts locked
 * [sandbox]
 *   namespaces = on | off   off only where the system forbids them (most
 *                           containers); default on
 *   user-keyd = USER        whom the rooms become when strongroomd runs as
 *   user-netd = USER        root: a name or a number; three different ones;
 *   user-ledgerd = USER     default strongroom-keyd, -netd, -ledgerd.  For a
 *                           number without a passwd entry the group has the
 *                           same number.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/audit_line.h"
#include "common/error.h"

#define CONFIG_PATH_MAX 512
#define CONFIG_NAME_MAX 64
#define CONFIG_USER_MAX 32
#define CONFIG_LISTEN_MAX 16
#define CONFIG_LISTEN_TEXT_MAX 120
#define CONFIG_MESSAGE_MAX 1024

struct config_listen {
	char text[CONFIG_LISTEN_TEXT_MAX + 1];
	struct sockaddr_storage address; /* AF_INET, AF_INET6 or AF_UNIX */
	socklen_t address_len;
};

enum config_registration {
	CONFIG_REGISTRATION_OPEN = 0,
	CONFIG_REGISTRATION_INVITE = 1,
	CONFIG_REGISTRATION_CLOSED = 2,
};

/* How the bank's keys are opened at the start. */
enum config_unlock {
	CONFIG_UNLOCK_NONE = 0,
	CONFIG_UNLOCK_FILE = 1,
	CONFIG_UNLOCK_CREDENTIAL = 2,
	CONFIG_UNLOCK_ASK = 3,
	CONFIG_UNLOCK_LOCKED = 4,
};

struct config {
	char file[CONFIG_PATH_MAX];      /* absolute */
	char directory[CONFIG_PATH_MAX]; /* D, absolute, without / at the end */
	char name[CONFIG_NAME_MAX + 1];

	struct config_listen listen[CONFIG_LISTEN_MAX];
	size_t listen_count;
	uint32_t max_connections;
	uint32_t max_per_address;
	uint32_t handshake_timeout_ms;

	uint32_t segment_len;
	uint32_t reserve_len;
	uint32_t session_idle_s;
	uint32_t session_absolute_s;
	uint32_t session_rekey_s;
	enum audit_mode audit_log;

	enum config_registration registration;
	enum config_unlock unlock;
	bool unlock_ask; /* if that does not open; passphrase, credential */
	char passphrase_file[CONFIG_PATH_MAX]; /* absolute; or empty */
	char credential[CONFIG_NAME_MAX + 1];  /* or empty */

	bool namespaces;
	char user_keyd[CONFIG_USER_MAX + 1];
	char user_netd[CONFIG_USER_MAX + 1];
	char user_ledgerd[CONFIG_USER_MAX + 1];
};

/*
 * Reads the file at path.  SR_OK, or SR_CONFIG and one sentence with file and
 * line in message (at least CONFIG_MESSAGE_MAX bytes); also where there is no
 * such file or it cannot be read.
 */
enum sr_error config_load(
    const char *path, struct config *config, char *message);

/*
 * Reads the file's text (len bytes) as if it stood in a file of that name in
 * the absolute directory: config_load() without the disk.
 */
enum sr_error config_parse(const char *directory, const char *file_name,
    const char *text, size_t len, struct config *config, char *message);

/*
 * D/name into out (CONFIG_PATH_MAX bytes), for instance "ledger/public".
 * SR_TOO_LARGE when it does not fit.
 */
enum sr_error config_path(
    const struct config *config, const char *name, char *out);

/*
 * Decimal digits only, 1 to 10 of them among the len bytes at text: no sign,
 * space, base or fraction.  False if it is anything else.
 */
bool config_number(const char *text, size_t len, uint64_t *out);

/*
 * Understands one listen address.  SR_CONFIG when it is none of the three
 * forms (only numeric addresses; nothing is looked up).
 */
enum sr_error config_listen_parse(
    const char *text, struct config_listen *listen);

#endif
