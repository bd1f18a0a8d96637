/* SPDX-License-Identifier: ISC */
/*
 * The verdict of a month's bundle, by strongroom-verify itself.
 */
#include "client/ctl/month_end.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ctl/backup_set.h"

/* What it says is wrong, of its JSON. */
static void
tell_why(const struct month_end *making)
{
	static const char key[] = "\"why\":\"";
	static char text[65536];
	FILE *file = backup_file_read(making->path[BUNDLE_VERIFY]);
	char *why, *end;
	size_t len;

	if (file == NULL)
		return;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	why = strstr(text, key);
	end = why == NULL ? NULL : strstr(why, "\",\"");
	if (end != NULL)
		fprintf(stderr, "strongroomctl: no bundle was made: %.*s\n",
		    (int)(end - why - (long)strlen(key)), why + strlen(key));
}

/* In the child: its verdict goes into the bundle. */
static void
become_verifier(const struct month_end *making, const char *program,
    const char *bank, const char *ledger)
{
	const struct ctl_options *options = making->options;
	const char *argv[2 * CTL_KEYS_MAX + 20];
	char books[PATH_MAX];
	size_t n = 0;
	int fd = open(making->path[BUNDLE_VERIFY],
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    !month_end_path(books, making->scratch, MONTH_END_BOOKS))
		return;
	argv[n++] = "strongroom-verify";
	argv[n++] = "--json";
	argv[n++] = "--bank";
	argv[n++] = bank;
	for (size_t i = 0; i < options->keys_count; i++) {
		argv[n++] = "--keys";
		argv[n++] = options->keys[i];
	}
	argv[n++] = "--auditor-key";
	argv[n++] = options->auditor_key;
	if (options->certified != NULL) {
		argv[n++] = "--certified";
		argv[n++] = options->certified;
	}
	argv[n++] = "--month";
	argv[n++] = making->month;
	argv[n++] = "--books";
	argv[n++] = books;
	if (options->so_far)
		argv[n++] = "--so-far";
	if (making->since[0] != '\0') {
		argv[n++] = "--since";
		argv[n++] = making->since;
	}
	argv[n++] = "--";
	argv[n++] = ledger;
	argv[n] = NULL;
	execv(program, (char *const *)argv);
	fprintf(stderr, "strongroomctl: %s: %s\n", program, strerror(errno));
}

enum sr_error
month_end_verify(struct month_end *making)
{
	char program[PATH_MAX], bank[CONFIG_PATH_MAX], ledger[CONFIG_PATH_MAX];
	enum sr_error error = ctl_verifier_path(program);
	int status;
	pid_t pid;

	if (error == SR_OK)
		error = config_path(&making->run.config, "bank.id", bank);
	if (error == SR_OK)
		error = config_path(&making->run.config, "ledger", ledger);
	if (error != SR_OK)
		return ctl_failed("verify", error);
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		return ctl_failed("verify", SR_IO);
	if (pid == 0) {
		become_verifier(making, program, bank, ledger);
		_exit(VERIFY_COULD_NOT);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ctl_failed("verify", SR_IO);
	status = WIFEXITED(status) ? WEXITSTATUS(status) : VERIFY_COULD_NOT;
	if (status == VERIFY_ANCHORED || status == VERIFY_INTACT) {
		making->manifest.verified = (uint8_t)status;
		return SR_OK;
	}
	tell_why(making);
	return status == VERIFY_TAMPERED ? SR_DAMAGED : SR_IO;
}
