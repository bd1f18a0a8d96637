/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl verify: strongroom-verify over the bank's own ledger, and a
 * note of when and how far.  Reads no journal itself: the verdict is that
 * program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ctl/backup_set.h"
#include "client/ctl/ctl.h"
#include "client/ctl/last.h"
#include "client/verify/verify.h"
#include "common/note.h"

enum sr_error
ctl_checkpoint_read(const struct config *config, struct checkpoint *out)
{
	static char text[NOTE_READ_MAX];
	char path[CONFIG_PATH_MAX];
	struct note note;
	enum sr_error error =
	    config_path(config, "ledger/public/checkpoint", path);
	FILE *file;
	size_t len;

	if (error != SR_OK)
		return error;
	file = backup_file_read(path);
	if (file == NULL)
		return errno == ENOENT ? SR_NOT_FOUND : SR_IO;
	len = fread(text, 1, sizeof(text), file);
	error = ferror(file) ? SR_IO : SR_OK;
	fclose(file);
	if (error == SR_OK)
		error = note_parse(text, len, &note);
	if (error == SR_OK)
		*out = note.checkpoint;
	return error;
}

/*
 * A package brings its own, of the same build, so that the auditor's may be
 * another one or none; else it lies beside this program.
 */
enum sr_error
ctl_verifier_path(char path[PATH_MAX])
{
	static const char own[] = "/libexec/strongroom/strongroom-verify";
	static const char beside[] = "/strongroom-verify";
	char here[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", here, sizeof(here) - 1);
	char *slash;
	size_t len;

	if (n <= 0)
		return SR_IO;
	here[n] = '\0';
	slash = strrchr(here, '/');
	if (slash == NULL)
		return SR_IO;
	*slash = '\0';
	if ((size_t)(slash - here) + sizeof(own) > PATH_MAX)
		return SR_IO;
	memcpy(path, here, (size_t)(slash - here) + 1);
	slash = strrchr(path, '/');
	len = slash != NULL ? (size_t)(slash - path) : 0;
	memcpy(path + len, own, sizeof(own));
	if (access(path, X_OK) == 0)
		return SR_OK;
	len = strlen(here);
	memcpy(path, here, len);
	memcpy(path + len, beside, sizeof(beside));
	return SR_OK;
}

/* Runs it; *exit_code is one of enum verify_exit. */
static enum sr_error
run_verifier(const struct config *config, bool json, int *exit_code)
{
	char program[PATH_MAX], bank[CONFIG_PATH_MAX], ledger[CONFIG_PATH_MAX];
	const char *const argv[] = {"strongroom-verify", "--bank", bank, ledger,
	    json ? "--json" : NULL, NULL};
	enum sr_error error = ctl_verifier_path(program);
	int status;
	pid_t pid;

	if (error == SR_OK)
		error = config_path(config, "bank.id", bank);
	if (error == SR_OK)
		error = config_path(config, "ledger", ledger);
	if (error != SR_OK)
		return error;
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		return SR_IO;
	if (pid == 0) {
		execv(program, (char *const *)argv);
		fprintf(stderr, "strongroomctl: %s: %s\n", program,
		    strerror(errno));
		_exit(VERIFY_COULD_NOT);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return SR_IO;
	*exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : VERIFY_COULD_NOT;
	return SR_OK;
}

enum sr_error
ctl_verify(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	struct checkpoint head = {0};
	struct ctl_last last = {0};
	enum sr_error error = ctl_configuration(options, &config);
	int exit_code = VERIFY_COULD_NOT;

	(void)words;
	if (error != SR_OK)
		return error;
	/* The log must go at least so far, or the verifier says why not. */
	if (ctl_checkpoint_read(&config, &head) == SR_OK) {
		last.entries = head.size;
		memcpy(last.root, head.root, sizeof(last.root));
	}
	error = run_verifier(&config, options->json, &exit_code);
	if (error != SR_OK)
		return ctl_failed("verify", error);
	last.good = exit_code == VERIFY_ANCHORED || exit_code == VERIFY_INTACT;
	if (last.good || exit_code == VERIFY_TAMPERED)
		ctl_last_write(&config, CTL_LAST_VERIFIED, &last);
	if (last.good)
		return SR_OK;
	return exit_code == VERIFY_TAMPERED ? SR_DAMAGED : SR_IO;
}
