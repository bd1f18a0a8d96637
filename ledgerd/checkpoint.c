/* SPDX-License-Identifier: ISC */
/* A note is short: one that does not fit is none. */
#include "ledgerd/checkpoint.h"

enum sr_error
checkpoint_read(struct env *env, const char *path, struct note *note)
{
	char text[NOTE_MAX];
	env_file file;
	uint64_t len;
	enum sr_error error = env_open(env, path, ENV_READ, &file);

	if (error != SR_OK)
		return error;
	error = env_size(env, file, &len);
	if (error == SR_OK && len > sizeof(text))
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = env_read(env, file, 0, text, (size_t)len);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error == SR_OK ? note_parse(text, (size_t)len, note) : error;
}
