/* SPDX-License-Identifier: ISC */
/* The table behind error.h, read from errors.def. */
#include "common/error.h"

#include <stddef.h>

struct error_row {
	enum sr_error error;
	int exit_code;
	const char *name;
	const char *sentence;
};

static const struct error_row table[] = {
#define ERROR(name, number, exit_code, sentence) \
	{name, exit_code, #name, sentence},
#include "common/errors.def"
#undef ERROR
};

static const struct error_row *
error_row(unsigned number)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((unsigned)table[i].error == number)
			return &table[i];
	return NULL;
}

const char *
error_name(enum sr_error error)
{
	const struct error_row *row = error_row((unsigned)error);

	return row != NULL ? row->name : "SR_UNKNOWN";
}

const char *
error_sentence(enum sr_error error)
{
	const struct error_row *row = error_row((unsigned)error);

	return row != NULL ? row->sentence
			   : "an error this version does not know";
}

int
error_exit(enum sr_error error)
{
	const struct error_row *row = error_row((unsigned)error);

	return row != NULL ? row->exit_code : 69;
}

enum sr_error
error_of_wire(unsigned number)
{
	const struct error_row *row = error_row(number);

	return row != NULL ? row->error : SR_MALFORMED;
}
