/* SPDX-License-Identifier: ISC */
/*
 * withhold WHAT... -- COMMAND...: runs a command, and all that it starts, under
 * a kernel that is older than this one or lets less be done.
 *
 *	CALL=ERRNO    a system call, or one use of it (the table below), fails
 *	landlock=N    Landlock says that its ABI is N and knows no more
 *	container     the capabilities of a default container and, as there,
 *		      no namespaces, mounts and new roots
 *
 * A filter of seccomp's answers.  What Landlock says is a positive number,
 * which a filter cannot give: there the filter asks a process that stands
 * beside the command and ends with the last of those that are filtered.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RULES_MAX 32
#define ABI_MAX 16

/* Not in all headers; the same on every architecture but for x32. */
#define CALL_CREATE 444
#define CALL_ADD 445
#define CALL_RESTRICT 446
#define CALL_MEMFD_SECRET 447
#define CALL_MSEAL 462
#define PRCTL_MDWE 65

#define NAMESPACES                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "name this architecture"
#endif

/* With a mask: only where the first argument has one of its bits; with a
 * value: only where it is that. */
struct rule {
	const char *name;
	uint32_t call;
	uint32_t mask;
	uint32_t value;
	uint32_t action;
};

static const struct rule known[] = {
    {"landlock_create_ruleset", CALL_CREATE, 0, 0, 0},
    {"landlock_add_rule", CALL_ADD, 0, 0, 0},
    {"landlock_restrict_self", CALL_RESTRICT, 0, 0, 0},
    {"memfd_secret", CALL_MEMFD_SECRET, 0, 0, 0},
    {"mseal", CALL_MSEAL, 0, 0, 0},
    {"close_range", SYS_close_range, 0, 0, 0},
    {"clone3", SYS_clone3, 0, 0, 0},
    {"openat2", SYS_openat2, 0, 0, 0},
    {"pidfd_open", SYS_pidfd_open, 0, 0, 0},
    {"pidfd_getfd", SYS_pidfd_getfd, 0, 0, 0},
    {"pidfd_send_signal", SYS_pidfd_send_signal, 0, 0, 0},
    {"seccomp", SYS_seccomp, 0, 0, 0},
    {"capset", SYS_capset, 0, 0, 0},
    {"setgroups", SYS_setgroups, 0, 0, 0},
    {"setresuid", SYS_setresuid, 0, 0, 0},
    {"mlock", SYS_mlock, 0, 0, 0},
    {"unshare", SYS_unshare, 0, 0, 0},
    {"mount", SYS_mount, 0, 0, 0},
    {"umount2", SYS_umount2, 0, 0, 0},
    {"pivot_root", SYS_pivot_root, 0, 0, 0},
    {"clone-namespaces", SYS_clone, NAMESPACES, 0, 0},
    {"clone-user", SYS_clone, CLONE_NEWUSER, 0, 0},
    {"mdwe", SYS_prctl, 0, PRCTL_MDWE, 0},
    {"no_new_privs", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, 0},
    {"securebits", SYS_prctl, 0, PR_SET_SECUREBITS, 0},
    {"bounding-set", SYS_prctl, 0, PR_CAPBSET_DROP, 0},
    {"undumpable", SYS_prctl, 0, PR_SET_DUMPABLE, 0},
};

static const struct {
	const char *name;
	uint32_t number;
} errors[] = {
    {"ENOSYS", ENOSYS},
    {"EINVAL", EINVAL},
    {"EPERM", EPERM},
    {"EACCES", EACCES},
    {"ENOSPC", ENOSPC},
    {"ENOMEM", ENOMEM},
    {"EOPNOTSUPP", EOPNOTSUPP},
};

/* Of each ABI: bits of the three fields, and the length of the struct. */
static const struct {
	uint64_t bits[3];
	size_t len;
} abis[] = {
    [1] = {{0x1fff, 0, 0}, 8},
    [2] = {{0x3fff, 0, 0}, 8},
    [3] = {{0x7fff, 0, 0}, 8},
    [4] = {{0x7fff, 3, 0}, 16},
    [5] = {{0xffff, 3, 0}, 16},
    [6] = {{0xffff, 3, 3}, 24},
};

static struct rule rules[RULES_MAX];
static size_t rule_count;
static unsigned long landlock; /* the ABI; 0: this kernel's */
static bool container;

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "withhold: %s: %s\n", what, strerror(errno));
	exit(126);
}

static void
add(const char *name, const char *error)
{
	uint32_t number = 0;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(error, errors[i].name) == 0)
			number = errors[i].number;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		errno = EINVAL;
		if (number == 0 || rule_count == RULES_MAX)
			fail(error);
		rules[rule_count] = known[i];
		rules[rule_count++].action = SECCOMP_RET_ERRNO | number;
		return;
	}
	errno = EINVAL;
	fail(name);
}

static void
take(char *what)
{
	static const char *const forbidden[] = {
	    "unshare", "mount", "umount2", "pivot_root", "clone-namespaces"};
	char *equals = strchr(what, '=');

	container |= strcmp(what, "container") == 0;
	if (strcmp(what, "container") == 0 ||
	    strcmp(what, "namespaces=EPERM") == 0) {
		for (size_t i = 0; i < 5; i++)
			add(forbidden[i], "EPERM");
		add("clone3", "ENOSYS");
		return;
	}
	errno = EINVAL;
	if (equals == NULL)
		fail(what);
	*equals = '\0';
	if (strcmp(what, "landlock") != 0) {
		add(what, equals + 1);
		return;
	}
	landlock = strtoul(equals + 1, NULL, 10);
	if (landlock < 1 || landlock >= sizeof(abis) / sizeof(abis[0]))
		fail(equals + 1);
	rules[rule_count++] = (struct rule){
	    .call = CALL_CREATE, .action = SECCOMP_RET_USER_NOTIF};
}

/* What docker leaves root of them. */
static void
drop_capabilities(void)
{
	static const uint32_t kept =
	    1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FSETID |
	    1U << CAP_FOWNER | 1U << CAP_MKNOD | 1U << CAP_NET_RAW |
	    1U << CAP_SETGID | 1U << CAP_SETUID | 1U << CAP_SETFCAP |
	    1U << CAP_SETPCAP | 1U << CAP_NET_BIND_SERVICE |
	    1U << CAP_SYS_CHROOT | 1U << CAP_KILL | 1U << CAP_AUDIT_WRITE;

	if (geteuid() != 0)
		return;
	for (unsigned n = 0; n < 64; n++)
		if ((n >= 32 || (kept >> n & 1) == 0) &&
		    prctl(PR_CAPBSET_READ, n, 0, 0, 0) > 0 &&
		    prctl(PR_CAPBSET_DROP, n, 0, 0, 0) != 0)
			fail("the bounding set");
}

static size_t
compile(struct sock_filter *out)
{
	size_t n = 0;

#define PUT(code, value, yes, no) \
	(out[n++] = (struct sock_filter)BPF_JUMP(code, value, yes, no))
#define LOAD(field)                                                            \
	PUT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field), 0, \
	    0)
	LOAD(arch);
	PUT(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	PUT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *rule = &rules[i];
		const bool argument = rule->mask != 0 || rule->value != 0;

		LOAD(nr);
		PUT(BPF_JMP | BPF_JEQ | BPF_K, rule->call, 0, argument ? 3 : 1);
		if (argument) {
			/* The lower half: these are ints and flags. */
			LOAD(args[0]);
			if (rule->mask != 0)
				PUT(BPF_JMP | BPF_JSET | BPF_K, rule->mask, 0,
				    1);
			else
				PUT(BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0,
				    1);
		}
		PUT(BPF_RET | BPF_K, rule->action, 0, 0);
	}
	PUT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
#undef LOAD
#undef PUT
	return n;
}

/* As root without no_new_privs, so that the command sets it for itself. */
static int
install(void)
{
	struct sock_filter filter[8 * RULES_MAX + 8];
	struct sock_fprog program = {
	    .len = (unsigned short)compile(filter), .filter = filter};
	unsigned flags = landlock != 0 ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	long fd;

	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (fd < 0 && errno == EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
			fail("no_new_privs");
		fd = syscall(
		    SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	}
	if (fd < 0)
		fail("seccomp");
	return (int)fd;
}

/* What that ABI says of a ruleset.  One that cannot be read (a room's, of the
 * same user, that hides its memory) is this kernel's to judge. */
static int
judge(pid_t pid, uint64_t at, uint64_t len)
{
	uint64_t fields[3] = {0};
	struct iovec local = {fields, sizeof(fields)};
	struct iovec remote = {(void *)(uintptr_t)at, sizeof(fields)};

	if (len > sizeof(fields))
		return E2BIG;
	local.iov_len = remote.iov_len = (size_t)len;
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)len)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if ((fields[i] & ~abis[landlock].bits[i]) != 0)
			return i * 8 >= abis[landlock].len ? E2BIG : EINVAL;
	}
	return 0;
}

static void
answer(int listener)
{
	struct seccomp_notif asked = {0};
	struct seccomp_notif_resp said = {0};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
		return; /* whoever asked has died */
	said.id = asked.id;
	if (asked.data.args[2] == 1)
		said.val = (int64_t)landlock;
	else if (asked.data.args[2] != 0)
		said.error = -EINVAL;
	else
		said.error = -judge(
		    (pid_t)asked.pid, asked.data.args[0], asked.data.args[1]);
	if (said.val == 0 && said.error == 0)
		said.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said);
}

/* Has nothing of the command's but the listener. */
static _Noreturn void
stand_by(int channel)
{
	struct pollfd ask = {.events = POLLIN};
	int listener = -1;

	if (dup2(channel, 0) < 0 || close_range(1, ~0U, 0) != 0)
		_exit(1);
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec one = {&byte, 1};
	struct msghdr message = {.msg_iov = &one,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};

	if (recvmsg(0, &message, MSG_CMSG_CLOEXEC) == 1 &&
	    CMSG_FIRSTHDR(&message) != NULL)
		memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)),
		    sizeof(listener));
	if (listener < 0)
		_exit(1);
	close(0);
	ask.fd = listener;
	while (poll(&ask, 1, -1) >= 0 || errno == EINTR) {
		if ((ask.revents & POLLIN) != 0)
			answer(listener);
		else if (ask.revents != 0)
			break;
	}
	_exit(0);
}

static void
give(int channel, int listener)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec one = {"", 1};
	struct msghdr message = {.msg_iov = &one,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &listener, sizeof(listener));
	if (sendmsg(channel, &message, MSG_NOSIGNAL) != 1)
		fail("the listener");
	close(listener);
	close(channel);
}

/* A child of nobody's, so that the command has only its own. */
static int
start_helper(void)
{
	int pair[2], status = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
	    (pid = fork()) < 0)
		fail("a helper");
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			stand_by(pair[1]);
		_exit(pid < 0);
	}
	close(pair[1]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("a helper");
	return pair[0];
}

int
main(int argc, char *argv[])
{
	int i = 1, channel = -1, listener;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		take(argv[i]);
	if (i + 1 >= argc) {
		fprintf(stderr, "usage: withhold WHAT... -- COMMAND...\n");
		return 126;
	}
	if (landlock != 0)
		channel = start_helper();
	if (container)
		drop_capabilities();
	listener = install();
	if (landlock != 0)
		give(channel, listener);
	execvp(argv[i + 1], argv + i + 1);
	fail(argv[i + 1]);
}
