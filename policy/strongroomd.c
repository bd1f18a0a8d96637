/* SPDX-License-Identifier: ISC */
/*
 * strongroomd: reads the configuration, opens what the rooms need, starts
 * them and watches.  It must never read a byte that a client has sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/diag.h"
#include "common/key_table.h"
#include "common/sealed.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

static struct monitor monitor;

static const char usage[] =
    "usage: strongroomd -c FILE [--no-listen] [--init | --certify |\n"
    "                   --rotate-log-key | --rotate-attestation-key |\n"
    "                   --rotate-channel-key | --rotate-password-key |\n"
    "                   --restore | --accept-loss | --rehearse | --prove |\n"
    "                   --check]\n"
    "\n"
    "  -c, --config FILE  strongroom.conf of the bank\n"
    "      --no-listen    only the owner's socket run/private, no network\n"
    "      --init         first start: draw and seal the keys\n"
    "      --certify      hand the identity key to keyd to renew the "
    "certificate\n"
    "      --rotate-log-key\n"
    "                     the same, for a new log key; implies --no-listen\n"
    "      --rotate-attestation-key\n"
    "      --rotate-channel-key\n"
    "      --rotate-password-key\n"
    "                     the same, for that key and a new log key\n"
    "      --restore      the files may be a backup's; implies "
    "--no-listen\n"
    "      --accept-loss[=EPOCH:SIZE]\n"
    "                     the same, to go on from an older state (from that "
    "head and\n"
    "                     no other); takes the identity\n"
    "      --rehearse     keyd alone, on copies of its files\n"
    "      --prove        try the walls of each room of a stopped bank\n"
    "      --check        say what is wrong with the configuration, start "
    "nothing\n"
    "      --unlock-kind passphrase|credential|shares\n"
    "                     what opens the keys is read from standard input\n"
    "  -h, --help         this text\n"
    "      --version      the version\n"
    "\n"
    "strongroomctl init, certify, rotate, restore and ceremony use these options "
    "themselves.\n"
    "example: strongroomd -c /var/lib/strongroom/strongroom.conf\n";

static _Noreturn void
print_and_exit(FILE *stream, const char *text, int status)
{
	bool ok = fputs(text, stream) >= 0 && fflush(stream) == 0;

	exit(ok ? status : error_exit(SR_IO));
}

/* EPOCH:SIZE of the head from which alone keyd may go on. */
static bool
read_head(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon != NULL &&
	       config_number(
		   text, (size_t)(colon - text), &monitor.loss_epoch) &&
	       config_number(
		   colon + 1, strlen(colon + 1), &monitor.loss_size) &&
	       monitor.loss_epoch > 0 && monitor.loss_epoch <= UINT32_MAX &&
	       monitor.loss_size > 0 && monitor.loss_size <= INT64_MAX;
}

/* What comes by standard input, which nothing else here reads. */
static bool
take_unlock_kind(const char *text)
{
	for (unsigned kind = SEALED_PASSPHRASE; kind <= SEALED_SHARES; kind++)
		if (strcmp(text, sealed_kind_name((enum sealed_kind)kind)) == 0)
			monitor.kind = kind;
	return monitor.kind != 0;
}

/* Options without a letter of their own, and the key's number. */
enum { ROTATE = 256 };

static const char *
read_options(int argc, char *argv[])
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"no-listen", no_argument, NULL, 'n'},
	    {"init", no_argument, NULL, 'i'},
	    {"certify", no_argument, NULL, 'C'},
	    {"rotate-log-key", no_argument, NULL, ROTATE + BANK_KEY_LOG},
	    {"rotate-attestation-key", no_argument, NULL,
		ROTATE + BANK_KEY_ATTESTATION},
	    {"rotate-channel-key", no_argument, NULL, ROTATE + BANK_KEY_NOISE},
	    {"rotate-password-key", no_argument, NULL,
		ROTATE + BANK_KEY_OPAQUE},
	    {"restore", no_argument, NULL, 'R'},
	    {"accept-loss", optional_argument, NULL, 'L'},
	    {"rehearse", no_argument, NULL, 'E'},
	    {"prove", no_argument, NULL, 'P'},
	    {"check", no_argument, NULL, 'K'},
	    {"unlock-kind", required_argument, NULL, 'U'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	const char *file = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'n':
			monitor.no_listen = true;
			break;
		case 'i':
			monitor.init = true;
			break;
		case 'C':
			monitor.certify = true;
			break;
		case ROTATE + BANK_KEY_LOG:
		case ROTATE + BANK_KEY_ATTESTATION:
		case ROTATE + BANK_KEY_NOISE:
		case ROTATE + BANK_KEY_OPAQUE:
			monitor.rotate = (unsigned)option - ROTATE;
			monitor.no_listen = true;
			break;
		case 'L':
			if (optarg != NULL && !read_head(optarg))
				print_and_exit(
				    stderr, usage, error_exit(SR_USAGE));
			monitor.loss = true;
			monitor.no_listen = true;
			break;
		case 'R':
			monitor.restore = true;
			monitor.no_listen = true;
			break;
		case 'E':
			monitor.rehearse = true;
			monitor.no_listen = true;
			break;
		case 'P':
			monitor.prove = true;
			monitor.no_listen = true;
			break;
		case 'K':
			monitor.check = true;
			break;
		case 'U':
			if (!take_unlock_kind(optarg))
				print_and_exit(
				    stderr, usage, error_exit(SR_USAGE));
			break;
		case 'h':
			print_and_exit(stdout, usage, 0);
		case 'V':
			print_and_exit(
			    stdout, "strongroomd " STRONGROOM_VERSION "\n", 0);
		default:
			print_and_exit(stderr, usage, error_exit(SR_USAGE));
		}
	}
	if (file == NULL || optind != argc ||
	    monitor.init + monitor.certify + (monitor.rotate != 0) +
		    monitor.restore + monitor.loss + monitor.rehearse +
		    monitor.prove + monitor.check >
		1)
		print_and_exit(stderr, usage, error_exit(SR_USAGE));
	return file;
}

const char *
monitor_room_name(enum room_name name)
{
	switch (name) {
	case ROOM_KEYD:
		return "keyd";
	case ROOM_NETD:
		return "netd";
	case ROOM_LEDGERD:
		return "ledgerd";
	case ROOM_UNLOCK:
		return "strongroom-unlock";
	}
	return "?";
}

/* fds 0 to 2 are open whoever started us, so that no file gets their number. */
static enum sr_error
take_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0) {
		diag_error("/dev/null: %s", strerror(errno));
		return SR_IO;
	}
	monitor.null = fd;
	if (monitor.kind == 0)
		return SR_OK;
	monitor.typed = true;
	monitor.secret = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, fd + 1);
	return monitor.secret >= 0 ? SR_OK : SR_IO;
}

/* ../libexec/strongroom from the directory of this program. */
static enum sr_error
find_rooms(void)
{
	ssize_t len = readlink(
	    "/proc/self/exe", monitor.libexec, sizeof(monitor.libexec) - 1);
	static const char below[] = "/libexec/strongroom";
	char *slash;

	for (int i = 0; len > 0 && i < 2; i++) {
		slash = strrchr(monitor.libexec, '/');
		if (slash == NULL)
			return SR_INTERNAL;
		*slash = '\0';
	}
	len = (ssize_t)strlen(monitor.libexec);
	if (len <= 0 || (size_t)len + sizeof(below) > sizeof(monitor.libexec)) {
		diag_error("/proc/self/exe cannot be used");
		return SR_INTERNAL;
	}
	memcpy(monitor.libexec + len, below, sizeof(below));
	return SR_OK;
}

static enum sr_error
take_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	/* The terminal's are not for a bank that a command has started. */
	if (sigaction(SIGINT, NULL, &before) == 0 &&
	    before.sa_handler != SIG_IGN)
		sigaddset(&set, SIGINT);
	if (sigaction(SIGHUP, NULL, &before) == 0 &&
	    before.sa_handler != SIG_IGN &&
	    monitor_may_change(&monitor) != SR_NOT_ALLOWED)
		sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) != 0)
		return SR_IO;
	monitor.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return monitor.signals >= 0 ? SR_OK : SR_IO;
}

static enum sr_error
forbid_core(void)
{
	const struct rlimit no_core = {0, 0};

	return setrlimit(RLIMIT_CORE, &no_core) == 0 ? SR_OK : SR_IO;
}

/* Not as long as the bank is to begin locked. */
static enum sr_error
start_rooms(struct monitor *m)
{
	if ((m->config.unlock == CONFIG_UNLOCK_LOCKED ||
		m->config.unlock_ask) &&
	    m->secret < 0 && !m->init && !m->certify && !m->rotate &&
	    !m->prove && !m->restore && !m->loss && !m->rehearse)
		return monitor_begin_locked(m);
	return monitor_start_rooms(m);
}

/*
 * Who has installed the package and starts it has no bank yet: its name stands
 * in the path where systemd starts it (strongroomctl(8), init).
 */
static void
tell_configuration(const char *message)
{
	static const char place[] = "/strongroom/", last[] = "/strongroom.conf";
	const char *name = strstr(monitor.file, place), *end;

	if (access(monitor.file, F_OK) == 0 || errno != ENOENT) {
		diag_error("%s", message);
		return;
	}
	name = name != NULL ? name + strlen(place) : monitor.file;
	end = strstr(name, last);
	if (strcmp(name, last + 1) == 0)
		diag_error(
		    "%s; found the bank first: strongroomctl init", message);
	else if (name != monitor.file && end != NULL &&
		 strcspn(name, "/") == (size_t)(end - name) &&
		 strcmp(end, last) == 0)
		diag_error("%s; found the bank first: strongroomctl init "
			   "--instance %.*s --listen ADDRESS",
		    message, (int)(end - name), name);
	else
		diag_error("%s; is the path right?  strongroomctl init --dir "
			   "DIRECTORY founds a bank",
		    message);
}

static enum sr_error
start(void)
{
	static char message[CONFIG_MESSAGE_MAX];
	static enum sr_error (*const steps[])(struct monitor *) = {
	    monitor_watchdog,
	    monitor_users,
	    monitor_lock,
	    monitor_listen,
	    monitor_control_listen,
	    start_rooms,
	};
	enum sr_error error =
	    monitor.check ? config_load(monitor.file, &monitor.config, message)
			  : monitor_load(&monitor, &monitor.config, message);

	if (error != SR_OK) {
		tell_configuration(message);
		return error;
	}
	if (monitor.check) {
		monitor.ended = true;
		return SR_OK;
	}
	if ((error = find_rooms()) != SR_OK || (error = forbid_core()) != SR_OK)
		return error;
	if (take_signals() != SR_OK) {
		diag_error("signals: %s", strerror(errno));
		return SR_IO;
	}
	monitor.generation = 1;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		error = steps[i](&monitor);
		if (error != SR_OK)
			return error;
	}
	return SR_OK;
}

static void
take_signal(void)
{
	struct signalfd_siginfo info;

	while (read(monitor.signals, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (info.ssi_signo == SIGHUP) {
			monitor_hung_up(&monitor);
			continue;
		}
		if (monitor.stopping)
			diag_info("stopping already");
		monitor_stop(&monitor);
	}
	/* Several deaths may have come as one signal. */
	monitor_reap(&monitor);
}

static void
take_room(enum room_name name)
{
	struct monitor_room *room = &monitor.rooms[name];
	struct ipc_packet *packet = &monitor.packet;
	enum sr_error error;

	if (room->control < 0)
		return;
	error = ipc_read(room->control, packet);
	if (error == SR_AGAIN || error == SR_TOO_LARGE)
		return;
	if (error != SR_OK) {
		/* Its end follows, if need be by force. */
		close(room->control);
		room->control = -1;
		if (!monitor.stopping && monitor.state != MONITOR_LOCKING &&
		    room->pid != 0)
			(void)kill(room->pid, SIGKILL);
		return;
	}
	if (name == ROOM_KEYD)
		(void)monitor_dispatch_keyd(
		    &monitor, PHASE_OPEN, packet->bytes, packet->len);
	else if (name == ROOM_NETD)
		(void)monitor_dispatch_netd(
		    &monitor, PHASE_OPEN, packet->bytes, packet->len);
	else
		(void)monitor_dispatch_ledgerd(
		    &monitor, PHASE_OPEN, packet->bytes, packet->len);
	explicit_bzero(packet->bytes, packet->len);
}

/* At most wait_ms, -1 for ever, and not beyond a deadline that is not 0. */
static int
wait_until(int64_t deadline_ms, int wait_ms)
{
	int64_t left = deadline_ms - monitor_now_ms();

	if (deadline_ms == 0 || (wait_ms >= 0 && wait_ms < left))
		return wait_ms;
	return left > 0 ? (int)left : 0;
}

static void
watch(void)
{
	enum {
		ROOMS = 2,
		LISTENERS = ROOMS + MONITOR_ROOMS,
		CONNECTIONS = LISTENERS + NETD_LISTENERS_MAX,
	};
	struct pollfd asks[CONNECTIONS + MONITOR_CONNECTIONS_MAX];
	const bool locked =
	    monitor.state == MONITOR_LOCKING || monitor.state == MONITOR_LOCKED;
	const size_t count = sizeof(asks) / sizeof(asks[0]);
	const int wait_ms = monitor_pulse_wait_ms(
	    &monitor, wait_until(monitor.reload_deadline_ms,
			  wait_until(monitor.deadline_ms, -1)));

	for (size_t i = 0; i < count; i++)
		asks[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	asks[0].fd = monitor.signals;
	asks[1].fd = monitor.control;
	for (size_t i = 0; i < MONITOR_ROOMS; i++)
		asks[ROOMS + i].fd = monitor.rooms[i].control;
	for (size_t i = 0; locked && i < monitor.listener_count; i++)
		asks[LISTENERS + i].fd = monitor.listeners[i];
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
		asks[CONNECTIONS + i].fd = monitor.connections[i].fd;
		/* One that waits for an answer can only end. */
		if (monitor.connections[i].request != 0)
			asks[CONNECTIONS + i].events = 0;
	}
	if (poll(asks, count, wait_ms) < 0 && errno != EINTR)
		diag_fatal("poll: %s", strerror(errno));

	for (size_t i = 0; i < MONITOR_ROOMS; i++)
		if (asks[ROOMS + i].revents != 0)
			take_room((enum room_name)i);
	if (asks[0].revents != 0)
		take_signal();
	for (size_t i = 0; i < NETD_LISTENERS_MAX; i++)
		if (asks[LISTENERS + i].revents != 0)
			monitor_turn_away(&monitor, asks[LISTENERS + i].fd);
	if (asks[1].revents != 0)
		monitor_control_accept(&monitor);
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++)
		if (asks[CONNECTIONS + i].revents != 0 &&
		    monitor.connections[i].fd == asks[CONNECTIONS + i].fd)
			monitor_control_take(&monitor, &monitor.connections[i]);
	monitor_deadline(&monitor);
	monitor_tell_seals(&monitor);
	monitor_reload_look(&monitor);
	monitor_pulse(&monitor);
}

int
main(int argc, char *argv[])
{
	enum sr_error error;

	diag_init("strongroom");
	monitor_events_begin();
	monitor.file = read_options(argc, argv);
	monitor.terminal = isatty(STDERR_FILENO) == 1;
	umask(077);
	for (int i = 0; i < MONITOR_ROOMS; i++)
		monitor.rooms[i].control = -1;
	monitor.netd_keyd = monitor.netd_ledgerd = monitor.no_ledgerd = -1;
	monitor.handed = monitor.secret = monitor.asked = -1;
	monitor.unlock_told = monitor.sealer_told = -1;
	error = take_standard_fds();
	if (error == SR_OK)
		error = start();
	/* While somebody was asked for the passphrase. */
	if (monitor.stopping && monitor_may_change(&monitor) != SR_NOT_ALLOWED)
		return error_exit(SR_OK);
	while (error == SR_OK && !monitor.ended)
		watch();
	if (error == SR_OK)
		error = monitor.result;
	/* Nobody is left when the lock is free. */
	monitor_end_all(&monitor);
	if (monitor.announced)
		monitor_remove_names(&monitor);
	if (monitor.prove && error == SR_OK)
		return monitor.holes > 0 ? 1 : monitor.lacks ? 4 : 0;
	return error_exit(error);
}
