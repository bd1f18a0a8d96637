/* SPDX-License-Identifier: ISC */
/*
 * Kept orders: encoding and the files' names.  A file that does not decode
 * is reported, never silently dropped: it may be the only trace of an order
 * in doubt.
 */
#include "client/kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"

#define KEPT_MAGIC "SRKEPT01"
#define KEPT_FILE_MAX (8 + 8 + ORDER_LEN + 64 + 2 + ORDER_ATTACHMENT_MAX)
#define KEPT_WINDOW 64u

static void
kept_name(
    const char *signer, const uint8_t *reference, char name[STATE_NAME_MAX])
{
	int n = snprintf(name, STATE_NAME_MAX, "order-%.32s-", signer);

	for (size_t i = 0; reference != NULL && i < ORDER_REFERENCE_LEN; i++)
		n += snprintf(name + n, (size_t)(STATE_NAME_MAX - n), "%02x",
		    reference[i]);
}

static enum sr_error
kept_decode(const uint8_t *bytes, size_t len, struct kept *kept)
{
	struct reader r = reader_of(bytes, len);
	const uint8_t *attachment;
	uint8_t answered;
	enum sr_error error = reader_magic(&r, KEPT_MAGIC, 8);

	if (error != SR_OK)
		return error;
	answered = reader_u8(&r);
	reader_zeros(&r, 7);
	reader_bytes(&r, kept->order, sizeof(kept->order));
	reader_bytes(&r, kept->signature, sizeof(kept->signature));
	kept->attachment_len = reader_u16(&r);
	if (kept->attachment_len > sizeof(kept->attachment))
		return SR_DAMAGED;
	attachment = reader_view(&r, kept->attachment_len);
	if (!reader_end(&r) || answered > 1)
		return SR_DAMAGED;
	kept->answered = answered == 1;
	memcpy(kept->attachment, attachment, kept->attachment_len);
	return SR_OK;
}

static enum sr_error
kept_load_file(const struct state *state, const char *name, struct kept *kept)
{
	uint8_t bytes[KEPT_FILE_MAX];
	enum sr_error error;
	size_t len;

	error = state_read(state, name, bytes, sizeof(bytes), &len);
	if (error == SR_OK || error == SR_TOO_LARGE) {
		enum sr_error decoded = kept_decode(bytes, len, kept);

		if (error == SR_OK || decoded == SR_VERSION)
			error = decoded;
	}
	if (error == SR_VERSION)
		state_complain(state, name, error_sentence(error));
	if (error == SR_DAMAGED || error == SR_TOO_LARGE) {
		fprintf(stderr,
		    "%s/%s is damaged; move it away and compare your "
		    "statement\n",
		    state->directory, name);
		return SR_DAMAGED;
	}
	return error;
}

enum sr_error
kept_load(const struct state *state, const char *signer,
    const uint8_t reference[ORDER_REFERENCE_LEN], struct kept *kept)
{
	char name[STATE_NAME_MAX];

	kept_name(signer, reference, name);
	return kept_load_file(state, name, kept);
}

static enum sr_error
kept_write(const struct state *state, const char *name, const struct kept *kept)
{
	uint8_t bytes[KEPT_FILE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	writer_bytes(&w, KEPT_MAGIC, 8);
	writer_u8(&w, kept->answered ? 1 : 0);
	writer_zeros(&w, 7);
	writer_bytes(&w, kept->order, sizeof(kept->order));
	writer_bytes(&w, kept->signature, sizeof(kept->signature));
	writer_u16(&w, (uint16_t)kept->attachment_len);
	writer_bytes(&w, kept->attachment, kept->attachment_len);
	if (w.bad)
		return SR_TOO_LARGE;
	return state_write(state, name, bytes, writer_len(&w));
}

enum sr_error
kept_save(
    const struct state *state, const char *signer, const struct kept *kept)
{
	char name[STATE_NAME_MAX];
	struct order order;
	enum sr_error error = order_decode(kept->order, &order);

	if (error != SR_OK)
		return error;
	kept_name(signer, order.reference, name);
	return kept_write(state, name, kept);
}

enum sr_error
kept_set_aside(const struct state *state, const char *signer,
    const struct kept *kept, char name[STATE_NAME_MAX])
{
	char former[STATE_NAME_MAX];
	struct order order;
	enum sr_error error = order_decode(kept->order, &order);

	if (error != SR_OK)
		return error;
	kept_name(signer, order.reference, former);
	snprintf(name, STATE_NAME_MAX, "lost-%.80s-%" PRIu64,
	    former + strlen("order-"), order.seq);
	error = kept_write(state, name, kept);
	return error == SR_OK ? state_remove(state, former) : error;
}

enum sr_error
kept_forget(const struct state *state, const char *signer,
    const uint8_t reference[ORDER_REFERENCE_LEN])
{
	char name[STATE_NAME_MAX];

	kept_name(signer, reference, name);
	return state_remove(state, name);
}

struct kept_walk {
	const struct state *state;
	size_t name_len; /* of a file of this signer, not of "ada-b"'s */
	uint64_t next_seq;
	enum sr_error (*each)(void *context, const struct kept *kept);
	void *context;
};

static enum sr_error
kept_walk_one(void *context, const char *name)
{
	struct kept_walk *walk = context;
	struct kept kept;
	struct order order;
	enum sr_error error;

	if (strlen(name) != walk->name_len)
		return SR_OK;
	error = kept_load_file(walk->state, name, &kept);
	if (error == SR_OK)
		error = order_decode(kept.order, &order);
	/* A newer program may have an order in doubt in it. */
	if (error == SR_VERSION)
		return error;
	/* A damaged one was reported; the others still count. */
	if (error != SR_OK)
		return SR_OK;
	if (!kept.answered || order.seq + 1 >= walk->next_seq)
		return walk->each(walk->context, &kept);
	if (order.seq + KEPT_WINDOW <= walk->next_seq)
		return state_remove(walk->state, name);
	return SR_OK;
}

enum sr_error
kept_unanswered(const struct state *state, const char *signer,
    uint64_t next_seq,
    enum sr_error (*each)(void *context, const struct kept *kept),
    void *context)
{
	struct kept_walk walk = {.state = state,
	    .next_seq = next_seq,
	    .each = each,
	    .context = context};
	char prefix[STATE_NAME_MAX];

	kept_name(signer, NULL, prefix);
	walk.name_len = strlen(prefix) + 2 * ORDER_REFERENCE_LEN;
	return state_each(state, prefix, kept_walk_one, &walk);
}

struct kept_all {
	const struct state *state;
	size_t reference_at; /* in a file's name */
	bool lost;
	enum sr_error (*each)(void *context, const char *name, bool lost,
	    const struct kept *kept);
	void *context;
};

/* A reference and, of a lost order, its number: not a file of "ada-b"'s. */
static bool
kept_is_name(const struct kept_all *all, const char *name)
{
	const char *rest = name + all->reference_at;

	if (strspn(rest, "0123456789abcdef") != 2 * ORDER_REFERENCE_LEN)
		return false;
	rest += 2 * ORDER_REFERENCE_LEN;
	if (!all->lost)
		return *rest == '\0';
	return rest[0] == '-' && rest[1] != '\0' &&
	       rest[1 + strspn(rest + 1, "0123456789")] == '\0';
}

static enum sr_error
kept_take(void *context, const char *name)
{
	struct kept_all *all = context;
	struct kept kept;
	struct order order;
	enum sr_error error;

	if (!kept_is_name(all, name))
		return SR_OK;
	error = kept_load_file(all->state, name, &kept);
	if (error == SR_OK)
		error = order_decode(kept.order, &order);
	return all->each(
	    all->context, name, all->lost, error == SR_OK ? &kept : NULL);
}

enum sr_error
kept_every(const struct state *state, const char *signer,
    enum sr_error (*each)(
	void *context, const char *name, bool lost, const struct kept *kept),
    void *context)
{
	struct kept_all all = {
	    .state = state, .each = each, .context = context};
	enum sr_error error = SR_OK;

	for (unsigned i = 0; error == SR_OK && i < 2; i++) {
		char prefix[STATE_NAME_MAX];

		all.lost = i == 1;
		snprintf(prefix, sizeof(prefix), "%s-%.32s-",
		    all.lost ? "lost" : "order", signer);
		all.reference_at = strlen(prefix);
		error = state_each(state, prefix, kept_take, &all);
	}
	return error;
}
