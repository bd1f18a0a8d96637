/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl doctor: looks at a bank as its operator would, and prints one
 * line a check.  Needs no card, changes nothing, opens no file of keyd's and
 * no journal.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/doctor.h"
#include "client/ctl/hint.h"
#include "client/ctl/log_key.h"
#include "client/ctl/seal.h"
#include "client/json.h"

/* One look at a bank. */
struct look {
	const struct ctl_options *options;
	struct config config;
	struct ctl_rooms rooms;
	bool open; /* the rooms have answered */
	enum doctor_state worst;
	uint64_t now_ms;
	uint32_t set; /* changes of what opens it; 0: not known */
};

/* Whose permissions are looked at; those that are not there are passed over. */
static const struct {
	const char *name;
	mode_t forbidden;
} files[] = {
    {"bank.id", 022},
    {"keyd", 077},
    {"keyd/root.sealed", 077},
    {"keyd/identity.sealed", 077},
    {"keyd/state", 077},
    {"keyd/credentials", 077},
    {"ledger", 022},
    {"ledger/public", 022},
    {"ledger/segment", 077},
    {"ledger/snapshot", 077},
    {"ledger/box", 077},
    {"ledger/mail", 077},
    {"audit", 077},
    {"run", 022},
    {"run/control", 077},
};

static void
say(struct look *look, const struct doctor_verdict *verdict)
{
	static const char *const states[] = {"ok", "warn", "FAIL"};
	const char *state = states[verdict->state];

	if (verdict->state > look->worst)
		look->worst = verdict->state;
	if (!look->options->json) {
		printf("%-4s %-13s %s\n", state, verdict->check, verdict->text);
		return;
	}
	printf("{\"v\":1,\"check\":\"%s\",\"state\":\"%s\",\"text\":",
	    verdict->check, verdict->state == DOCTOR_FAILS ? "fail" : state);
	json_string(stdout, verdict->text, strlen(verdict->text));
	printf("}\n");
}

/* One with commands in it, which are to be about this bank. */
static void
say_hint(struct look *look, struct doctor_verdict verdict)
{
	doctor_name(&verdict, hint_ctl(look->options));
	say(look, &verdict);
}

static void
say_text(struct look *look, const char *check, enum doctor_state state,
    const char *text)
{
	struct doctor_verdict verdict = {.check = check, .state = state};

	(void)snprintf(verdict.text, sizeof(verdict.text), "%.500s", text);
	say(look, &verdict);
}

/* ---- files ---------------------------------------------------------------- */

/* True when there is nothing to be said of it. */
static bool
look_at_mode(struct look *look, const char *path, mode_t forbidden)
{
	struct doctor_verdict verdict;
	struct stat status;

	/* whether keyd's directory may be searched is not the point */
	if (lstat(path, &status) != 0 || S_ISLNK(status.st_mode))
		return true;
	verdict = doctor_mode(path, status.st_mode, forbidden);
	if (verdict.state != DOCTOR_FINE)
		say(look, &verdict);
	return verdict.state == DOCTOR_FINE;
}

static void
look_at_files(struct look *look)
{
	char path[CONFIG_PATH_MAX];
	bool good = true;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (config_path(&look->config, files[i].name, path) == SR_OK)
			good &= look_at_mode(look, path, files[i].forbidden);
	good &= look_at_mode(look, look->config.file, 022);
	good &= look_at_mode(look, look->config.directory, 022);
	if (look->config.passphrase_file[0] != '\0')
		good &= look_at_mode(look, look->config.passphrase_file, 077);
	if (good)
		say_text(look, "files", DOCTOR_FINE,
		    "nobody has access who should not");
}

/* Without it the next start is refused: that may be meant so. */
static void
look_at_passphrase_file(struct look *look)
{
	struct stat status;
	size_t len = strlen(look->config.directory);

	if (lstat(look->config.passphrase_file, &status) != 0)
		say_text(look, "passphrase", DOCTOR_WARNS,
		    "its file is not there: who starts the bank must bring "
		    "it");
	else if (strncmp(look->config.passphrase_file, look->config.directory,
		     len) == 0 &&
		 look->config.passphrase_file[len] == '/')
		say_text(look, "passphrase", DOCTOR_WARNS,
		    "its file lies in the bank's own directory: whoever "
		    "takes that has both");
	else
		say_text(look, "passphrase", DOCTOR_FINE,
		    "its file is there, and not beside the keys");
}

static void
look_at_passphrase(struct look *look)
{
	switch (look->config.unlock) {
	case CONFIG_UNLOCK_CREDENTIAL:
		say_text(look, "passphrase", DOCTOR_FINE,
		    "none: systemd hands over a credential");
		return;
	case CONFIG_UNLOCK_ASK:
		say_text(
		    look, "passphrase", DOCTOR_FINE, "asked for at each start");
		return;
	case CONFIG_UNLOCK_LOCKED:
		say_text(look, "passphrase", DOCTOR_FINE,
		    "none: the bank starts locked, until strongroomctl "
		    "unlock");
		return;
	case CONFIG_UNLOCK_FILE:
	case CONFIG_UNLOCK_NONE:
		look_at_passphrase_file(look);
		return;
	}
}

static void
look_at_cards(struct look *look)
{
	char pattern[CONFIG_PATH_MAX];
	glob_t found = {0};
	bool there;

	if (config_path(&look->config, "*.card", pattern) != SR_OK)
		return;
	there =
	    glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;
	globfree(&found);
	if (there)
		say_text(look, "cards", DOCTOR_WARNS,
		    "operators' cards lie in the bank's directory: move them "
		    "away, and apart");
	else
		say_text(look, "cards", DOCTOR_FINE,
		    "none lies in the bank's directory");
}

static void
look_at_last(struct look *look, enum ctl_last_of which)
{
	char message[CTL_LAST_MESSAGE_MAX] = "", timer[HINT_MAX];
	struct doctor_verdict verdict;
	struct ctl_last last = {0};
	enum sr_error error =
	    ctl_last_read(&look->config, which, &last, message);

	verdict = doctor_last(which, error, message, &last, look->now_ms,
	    look->open ? look->rooms.keyd.tree_size : UINT64_MAX);
	if (which == CTL_LAST_BACKUP)
		verdict = doctor_backup_ways(&verdict, &last, look->set);
	if (which == CTL_LAST_BACKUP && error == SR_NOT_FOUND &&
	    hint_backup_timer(look->config.file, timer)) {
		size_t len = strlen(verdict.text);

		(void)snprintf(verdict.text + len, sizeof(verdict.text) - len,
		    ", or every day: %.200s", timer);
	}
	say_hint(look, verdict);
}

/* ---- the running bank ----------------------------------------------------- */

static enum sr_error
ask_clock(int fd, struct message_clock *clock)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const uint8_t *body;
	size_t len;
	enum sr_error error =
	    message_clock_get_encode(&w, &(struct message_clock_get){0});

	if (error == SR_OK)
		error = control_ask(fd, CONTROL_LEDGERD, bytes, writer_len(&w),
		    MESSAGE_CLOCK, packet, &body, &len);
	return error == SR_OK ? message_clock_decode(body, len, clock) : error;
}

static void
look_at_clock(struct look *look, int fd)
{
	struct message_clock clock = {0};
	enum sr_error error = ask_clock(fd, &clock);

	if (error != SR_OK) {
		say_text(look, "clock", DOCTOR_FAILS, error_sentence(error));
		return;
	}
	say_hint(look, doctor_clock(&clock));
}

static void
look_at_retention(struct look *look, int fd)
{
	struct ctl_retention retention;
	enum sr_error error = ctl_retention_get(fd, &retention);

	if (error != SR_OK) {
		say_text(
		    look, "retention", DOCTOR_FAILS, error_sentence(error));
		return;
	}
	say_hint(look, doctor_retention(&retention));
}

static void
look_at_keys(struct look *look, int fd)
{
	struct ctl_keys keys;
	enum sr_error error = ctl_keys_get(fd, &keys);

	if (error != SR_OK) {
		say_text(look, "keys", DOCTOR_FAILS, error_sentence(error));
		return;
	}
	say_hint(look, doctor_keys(&keys));
}

/* What the rooms have told. */
static void
look_at_rooms(struct look *look)
{
	const struct ctl_rooms *rooms = &look->rooms;
	struct checkpoint checkpoint = {0};
	struct verify_restore last = {0};
	char message[VERIFY_WHY_MAX] = "";
	enum sr_error error = ctl_checkpoint_read(&look->config, &checkpoint);
	enum sr_error found = log_key_note(&look->config, &last, message);
	const struct doctor_verdict verdicts[] = {
	    doctor_orders(&rooms->ledgerd),
	    doctor_disk(&rooms->ledgerd),
	    doctor_audit(&rooms->ledgerd),
	    doctor_checkpoint(error, &checkpoint, &rooms->keyd),
	    doctor_log_key(found, message, &last, &rooms->keyd, look->now_ms),
	    doctor_certificate(&rooms->keyd, look->now_ms),
	    doctor_sandbox(&rooms->monitor),
	    doctor_memory(&rooms->keyd),
	    doctor_restarts(&rooms->monitor),
	};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		say_hint(look, verdicts[i]);
}

/* Who may not ask has not found a fault. */
static void
look_at_refused(struct look *look, enum sr_error error)
{
	struct doctor_verdict verdict = {.check = "running",
	    .state = DOCTOR_WARNS,
	    .text = DOCTOR_NOT_ASKED};
	char start[HINT_MAX];

	if (error == SR_PERMISSION) {
		say_hint(look, verdict);
		return;
	}
	hint_start(look->config.file, "start", start);
	verdict.state = DOCTOR_FAILS;
	(void)snprintf(verdict.text, sizeof(verdict.text),
	    "strongroomd does not run on this bank: %.500s", start);
	say(look, &verdict);
}

static void
look_at_bank(struct look *look)
{
	char ways[DOCTOR_TEXT_MAX];
	struct sealed sealed;
	enum sr_error error;
	int fd;

	error = ctl_control(&look->config, &fd);
	if (error != SR_OK) {
		look_at_refused(look, error);
		return;
	}
	if (ctl_sealed_get(fd, &sealed) == SR_OK)
		look->set = sealed.set;
	error = ctl_sealed_describe(fd, ways, sizeof(ways));
	say_text(look, "unlock",
	    error == SR_OK              ? DOCTOR_FINE
	    : error == SR_NOT_REHEARSED ? DOCTOR_WARNS
					: DOCTOR_FAILS,
	    ways);
	error = ctl_rooms_get(fd, &look->rooms);
	look->open =
	    error == SR_OK && look->rooms.monitor.state == CTL_STATE_OPEN;
	if (error != SR_OK) {
		say_text(look, "running", DOCTOR_FAILS, error_sentence(error));
	} else if (!look->open) {
		say_hint(look,
		    (struct doctor_verdict){.check = "running",
			.state = DOCTOR_FAILS,
			.text = "the bank is locked: strongroomctl unlock"});
	} else {
		say_text(look, "running", DOCTOR_FINE, "all rooms answer");
		look_at_rooms(look);
		look_at_keys(look, fd);
		look_at_clock(look, fd);
		look_at_retention(look, fd);
	}
	close(fd);
}

enum sr_error
ctl_doctor(const struct ctl_options *options, char *const words[])
{
	static struct look look;
	char message[CONFIG_MESSAGE_MAX];
	struct timespec now = {0};
	const char *file;
	enum sr_error error = ctl_configuration_file(options, &file);

	(void)words;
	if (error != SR_OK)
		return error;
	look.options = options;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	look.now_ms =
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (config_load(file, &look.config, message) != SR_OK) {
		say_text(&look, "configuration", DOCTOR_FAILS, message);
	} else {
		say_text(&look, "configuration", DOCTOR_FINE, look.config.file);
		look_at_files(&look);
		look_at_passphrase(&look);
		look_at_cards(&look);
		look_at_bank(&look);
		look_at_last(&look, CTL_LAST_BACKUP);
		look_at_last(&look, CTL_LAST_VERIFIED);
	}
	/* Its exit status is its own: the worst verdict. */
	if (fflush(stdout) != 0)
		return ctl_failed("doctor", SR_IO);
	exit((int)look.worst);
}
