/* SPDX-License-Identifier: ISC */
/*
 * The ledger of a run as files, with the keys of all its segments disclosed
 * to an auditor of its own: for strongroom-verify and tests/model, which share
 * no code with the model of this directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/auditor_key.h"
#include "client/bankfile.h"
#include "common/disclosure.h"
#include "tests/sim/world.h"

static void
must(bool condition)
{
	if (condition)
		return;
	perror("export");
	_exit(73);
}

static void
make_directory(const char *base, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	must(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void
write_file(const char *base, const char *name, const void *bytes, size_t len)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", base, name);
	out = fopen(path, "wbe");
	must(out != NULL && fwrite(bytes, 1, len, out) == len &&
	     fclose(out) == 0);
}

/* A copy of one of ledgerd's files; false when there is none. */
static bool
copy_file(struct world *world, const char *base, const char *name)
{
	size_t len;
	const uint8_t *bytes = sim_file(world->bank->ledgerd_room, name, &len);

	if (bytes == NULL)
		return false;
	write_file(base, name, bytes, len);
	return true;
}

static void
disclose(struct world *world, const char *base, uint32_t count)
{
	const struct keyd *keyd = world->bank->keyd;
	struct disclosure_header header = {.count = count};
	uint8_t bytes[DISCLOSURE_HEADER_LEN +
		      SIM_EXPORT_SEGMENTS * DISCLOSURE_ITEM_LEN];
	size_t at = DISCLOSURE_HEADER_LEN;
	char path[512];

	snprintf(path, sizeof(path), "%s/auditor.key", base);
	must(auditor_key_generate("sim", path) == SR_OK &&
	     auditor_key_public("sim",
		 strncat(path, ".pub", sizeof(path) - strlen(path) - 1),
		 header.auditor) == SR_OK);
	memcpy(header.bank_id, keyd->state.bank_id, 32);
	disclosure_header_encode(&header, bytes);
	for (uint32_t i = 0; i < count; i++) {
		struct disclosure_item item = {.segment = i};
		uint8_t key[32], ephemeral[32];
		struct journal_segment segment;
		size_t len;

		must(journal_segment_decode(
			 world_segment(world, i, &len), &segment) == SR_OK);
		memcpy(item.salt, segment.salt, 32);
		keys_segment(keyd->keys, i, segment.salt, key);
		randombytes_buf(ephemeral, sizeof(ephemeral));
		must(disclosure_seal(header.bank_id, header.auditor, ephemeral,
			 key, &item) == SR_OK);
		disclosure_item_encode(&item, bytes + at);
		at += DISCLOSURE_ITEM_LEN;
	}
	write_file(base, "keys", bytes, at);
}

void
export_ledger(struct world *world, const char *base)
{
	const struct sim_bank *bank = world->bank;
	struct bankfile file = {
	    .name = "Demo Bank", .unit = {.code = "EUR", .exponent = 2}};
	char path[512], name[ENV_PATH_MAX], message[BANKFILE_MESSAGE_MAX];
	const uint8_t *bytes;
	uint32_t count = 0;
	size_t len;

	make_directory(base, "ledger");
	make_directory(base, "ledger/segment");
	make_directory(base, "ledger/public");
	while (count <= bank->ledgerd->segments.number) {
		segments_path(count, name);
		bytes = world_segment(world, count, &len);
		must(bytes != NULL);
		write_file(base, name, bytes, len);
		count++;
	}
	must(count <= SIM_EXPORT_SEGMENTS);
	(void)copy_file(world, base, "ledger/public/checkpoint");
	(void)copy_file(world, base, "ledger/public/restores");
	must(copy_file(world, base, "ledger/public/certificates"));
	memcpy(file.identity, bank->keyd->state.identity, 32);
	snprintf(path, sizeof(path), "%s/bank.id", base);
	must(bankfile_write(path, &file, message) == SR_OK);
	disclose(world, base, count);
}
