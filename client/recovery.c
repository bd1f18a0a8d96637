/* SPDX-License-Identifier: ISC */
/* The recovery code as text. */
#include "client/recovery.h"

#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/kdf.h"

enum {
	GROUP_LEN = 4,
	GROUP_TEXT_LEN = GROUP_LEN + 1, /* and its check symbol */
};

#define LABEL "strongroom/1 recovery"

static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static char
check_symbol(unsigned group, const char text[GROUP_LEN])
{
	uint8_t bytes[sizeof(LABEL) - 1 + 1 + GROUP_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	uint8_t hash[KDF_SHA256_LEN];
	char symbol;

	writer_bytes(&w, LABEL, sizeof(LABEL) - 1);
	writer_u8(&w, (uint8_t)group);
	writer_bytes(&w, text, GROUP_LEN);
	kdf_sha256(hash, bytes, sizeof(bytes));
	symbol = symbols[hash[0] & 31];
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(hash, sizeof(hash));
	return symbol;
}

void
recovery_draw(char text[RECOVERY_TEXT_LEN + 1])
{
	uint8_t random[RECOVERY_PASSWORD_LEN];
	char *at = text;

	randombytes_buf(random, sizeof(random));
	for (unsigned group = 0; group < RECOVERY_GROUPS; group++) {
		char *start = at;

		for (unsigned i = 0; i < GROUP_LEN; i++)
			*at++ = symbols[random[group * GROUP_LEN + i] & 31];
		*at++ = check_symbol(group + 1, start);
		*at++ = group + 1 < RECOVERY_GROUPS ? '-' : '\0';
	}
	sodium_memzero(random, sizeof(random));
}

/* The symbol that somebody meant; '\0' if none. */
static char
meant(char typed)
{
	if (typed >= 'a' && typed <= 'z')
		typed = (char)(typed - 'a' + 'A');
	if (typed == 'O')
		return '0';
	if (typed == 'I' || typed == 'L')
		return '1';
	return typed != '\0' && strchr(symbols, typed) != NULL ? typed : '\0';
}

enum sr_error
recovery_password(
    const char *text, char out[RECOVERY_PASSWORD_LEN + 1], unsigned *group)
{
	char typed[RECOVERY_GROUPS * GROUP_TEXT_LEN];
	enum sr_error error = SR_OK;
	size_t len = 0;

	*group = 0;
	for (; *text != '\0'; text++) {
		if (*text == ' ' || *text == '-')
			continue;
		if (len == sizeof(typed)) {
			error = SR_MALFORMED;
			break;
		}
		typed[len++] = meant(*text);
	}
	if (len != sizeof(typed))
		error = SR_MALFORMED;
	for (unsigned g = 0; error == SR_OK && g < RECOVERY_GROUPS; g++) {
		const char *from = typed + (size_t)g * GROUP_TEXT_LEN;

		if (memchr(from, '\0', GROUP_TEXT_LEN) != NULL ||
		    check_symbol(g + 1, from) != from[GROUP_LEN]) {
			*group = g + 1;
			error = SR_MALFORMED;
		} else {
			memcpy(out + (size_t)g * GROUP_LEN, from, GROUP_LEN);
		}
	}
	out[RECOVERY_PASSWORD_LEN] = '\0';
	if (error != SR_OK)
		sodium_memzero(out, RECOVERY_PASSWORD_LEN);
	sodium_memzero(typed, sizeof(typed));
	return error;
}
