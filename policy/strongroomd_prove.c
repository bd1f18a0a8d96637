/* SPDX-License-Identifier: ISC */
/*
 * strongroomd --prove: what the kernel says of each room, and what a probe in
 * the room's place can do.  Started on a stopped bank, which runs behind its
 * private socket meanwhile.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/prove.h"
#include "policy/strongroomd.h"

static const char *const attempts[] = {
#define ATTEMPT(words, expression) words,
#include "policy/attempts.def"
#undef ATTEMPT
};

/* How an attempt ended. */
enum verdict {
	KILLED,
	REFUSED,
	POSSIBLE,
	UNCLEAR,
};

static const char *const verdict_words[] = {
    [KILLED] = "killed",
    [REFUSED] = "refused",
    [POSSIBLE] = "POSSIBLE",
    [UNCLEAR] = "UNCLEAR",
};

/* "Seccomp:" of /proc/PID/status into out, without blanks; "?" if unread. */
static void
status_line(pid_t pid, const char *key, char *out, size_t len)
{
	char path[64], line[256];
	FILE *file;

	snprintf(out, len, "?");
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		char *value = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		value += strspn(value, " \t");
		value[strcspn(value, "\t\n")] = '\0';
		snprintf(out, len, "%s", value);
	}
	fclose(file);
}

/* How many of the room's namespaces are not ours; "?" if we may not see. */
static void
own_namespaces(pid_t pid, char out[8])
{
	static const char *const kinds[] = {
	    "mnt", "net", "ipc", "uts", "pid", "cgroup", "user"};
	unsigned count = 0;

	snprintf(out, 8, "?");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char path[64], theirs[64] = "", ours[64] = "";

		snprintf(
		    path, sizeof(path), "/proc/%ld/ns/%s", (long)pid, kinds[i]);
		if (readlink(path, theirs, sizeof(theirs) - 1) <= 0)
			return;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		if (readlink(path, ours, sizeof(ours) - 1) > 0 &&
		    strcmp(ours, theirs) != 0)
			count++;
	}
	snprintf(out, 8, "%u", count);
}

/* True if seccomp, no_new_privs and capabilities are as they must be. */
static bool
prove_process(const struct monitor_room *room, enum room_name name)
{
	char seccomp[32], privileges[32], effective[32], bounding[32], uid[32];
	char missing[SANDBOX_TEXT_MAX], namespaces[8];
	bool good;

	status_line(room->pid, "Seccomp:", seccomp, sizeof(seccomp));
	status_line(room->pid, "NoNewPrivs:", privileges, sizeof(privileges));
	status_line(room->pid, "CapEff:", effective, sizeof(effective));
	status_line(room->pid, "CapBnd:", bounding, sizeof(bounding));
	status_line(room->pid, "Uid:", uid, sizeof(uid));
	own_namespaces(room->pid, namespaces);
	sandbox_describe(room->missing, missing);
	good = strcmp(seccomp, "2") == 0 && strcmp(privileges, "1") == 0 &&
	       strspn(effective, "0") == strlen(effective);
	printf("%-8s pid %ld uid %s seccomp %s no-new-privs %s effective "
	       "capabilities %s bounding %s own namespaces %s: %s%s%s\n",
	    monitor_room_name(name), (long)room->pid, uid, seccomp, privileges,
	    effective, bounding, namespaces,
	    good ? "as it must be" : "NOT as it must be",
	    missing[0] != '\0' ? "; lacks: " : "", missing);
	return good;
}

static enum verdict
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return UNCLEAR;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROBE_REFUSED)
		return REFUSED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROBE_POSSIBLE)
		return POSSIBLE;
	return UNCLEAR;
}

static enum verdict
try(struct monitor *monitor, enum room_name name, unsigned attempt)
{
	pid_t pid;

	if (monitor_start_probe(monitor, name, attempt, &pid) != SR_OK)
		return UNCLEAR;
	return wait_for(pid);
}

void
monitor_prove(struct monitor *monitor)
{
	unsigned holes = 0, stopped = 0;
	bool lacks = false;

	for (int name = 0; name < MONITOR_ROOMS; name++) {
		const struct monitor_room *room = &monitor->rooms[name];

		if (!prove_process(room, (enum room_name)name))
			holes++;
		lacks |= room->missing != 0;
	}
	printf("%-36s %-10s %-10s %-10s\n", "attempt", "in keyd", "in netd",
	    "in ledgerd");
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		printf("%-36s", attempts[i]);
		for (int name = 0; name < MONITOR_ROOMS; name++) {
			enum verdict verdict =
			    try(monitor, (enum room_name)name, i);

			if (verdict == KILLED || verdict == REFUSED)
				stopped++;
			else
				holes++;
			printf(" %-10s", verdict_words[verdict]);
		}
		printf("\n");
		fflush(stdout);
	}
	printf("%u attempts stopped, %u not%s\n", stopped, holes,
	    lacks ? "; layers are missing, see above" : "");
	monitor->holes = holes;
	monitor->lacks = lacks;
}
