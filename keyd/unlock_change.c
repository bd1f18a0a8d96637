/* SPDX-License-Identifier: ISC */
/*
 * Envelopes are added and taken out.  Must never write into the files that
 * are in force.
 */
#include "keyd/unlock_change.h"

#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/secret.h"
#include "keyd/unlock_quorum.h"
#include "policy/fds.h"

/* The new root.sealed and, where that has to change, too, identity.sealed. */
struct changed {
	struct sealed root;
	struct sealed identity;
	bool reseal_identity;
};

void
unlock_change_answer(enum sr_error error)
{
	uint8_t bytes[2];
	struct writer w = writer_to(bytes, sizeof(bytes));
	ssize_t n;

	writer_u16(&w, (uint16_t)error);
	/* Whoever asked and is gone learns it from root.sealed. */
	n = write(FD_UNLOCK_PIPE, bytes, sizeof(bytes));
	(void)n;
}

/* The envelope that was asked for, but for what opens it. */
static void
read_request(struct unlock_secrets *s, const struct unlock_change *change,
    size_t len, struct sealed_envelope *like, struct unlock_secret *added)
{
	struct reader r = reader_of(s->given, len);
	size_t label_len = reader_u16(&r), new_len;
	const uint8_t *label = reader_view(&r, label_len), *bytes;
	const bool adds = change->what == UNLOCK_ADD;

	new_len = reader_u16(&r);
	bytes = reader_view(&r, new_len);
	if (len == sizeof(s->given) || r.bad ||
	    (adds ? change->new_kind == 0 ||
			(change->new_kind == SEALED_SHARES) != (new_len == 0) ||
			!sealed_label_valid((const char *)label, label_len)
		  : label_len != 0 || new_len != 0))
		unlock_fail("request", SR_MALFORMED);
	if (adds) {
		like->kind = (enum sealed_kind)change->new_kind;
		like->made_ms = change->made_ms;
		memcpy(like->label, label, label_len);
		if (like->kind == SEALED_PASSPHRASE)
			like->cost = UNLOCK_COST_DEFAULT;
		if (like->kind == SEALED_SHARES) {
			like->quorum = (uint8_t)change->quorum;
			like->shares = (uint8_t)change->shares;
		}
		unlock_take_secret(added, like->kind, bytes, new_len);
	}
	new_len = reader_left(&r);
	unlock_take_secret(&s->secret, (enum sealed_kind)change->kind,
	    reader_view(&r, new_len), new_len);
}

/* Else one who takes it out again would think that it opens nothing. */
static bool
opens_already(const struct sealed *root, const struct unlock_secret *added)
{
	SECRET_32(key);
	size_t which;

	return unlock_open_envelope(root, added, key, &which) == SR_OK;
}

/* Of shares: draws what they give, and them. */
static enum sr_error
add_envelope(struct unlock_secrets *s, struct sealed *root,
    struct sealed_envelope *like, struct unlock_secret *added)
{
	enum sr_error error;

	if (like->kind != SEALED_SHARES && opens_already(root, added))
		return SR_SEAL_KNOWN;
	if (like->kind == SEALED_SHARES) {
		randombytes_buf(s->new_key, sizeof(s->new_key));
		added->bytes = s->new_key;
		added->len = sizeof(s->new_key);
		error = unlock_quorum_split(root, like, s->new_key, s->records);
		if (error != SR_OK)
			return error;
	}
	return unlock_add_envelope(root, like, added, s->data_key);
}

/* Both files open and, if they were of version 1, become one of version 2. */
static void
open_present(
    struct unlock_secrets *s, struct changed *files, bool with_identity)
{
	struct sealed *root = &files->root;
	struct sealed_envelope like = {.kind = SEALED_PASSPHRASE,
	    .label = "of version 1",
	    .cost = UNLOCK_COST_DEFAULT};
	const bool old = root->version == 1;
	enum sr_error error;

	if (old && !with_identity)
		unlock_fail("identity.sealed", SR_OLD_SEAL);
	if (with_identity) {
		unlock_open_identity(s, root, &files->identity);
		files->reseal_identity = files->identity.version == 1;
		files->identity = (struct sealed){.version = SEALED_VERSION,
		    .purpose = SEALED_IDENTITY,
		    .epoch = root->epoch};
		memcpy(files->identity.bank_id, root->bank_id,
		    sizeof(root->bank_id));
	}
	if (!old)
		return;
	root->version = SEALED_VERSION;
	root->count = 0;
	randombytes_buf(s->data_key, sizeof(s->data_key));
	s->which = 0;
	error = unlock_add_envelope(root, &like, &s->secret, s->data_key);
	if (error != SR_OK)
		unlock_fail("root.sealed", error);
}

/* Whether the configuration opens it, with what it has for that. */
static bool
opens_configured(struct unlock_secrets *s, const struct sealed *root,
    const struct unlock_change *change, size_t len)
{
	const struct unlock_secret configured = {
	    .kind = (enum sealed_kind)change->configured,
	    .bytes = s->configured,
	    .len = change->configured == SEALED_PASSPHRASE
		       ? unlock_passphrase_len(s->configured, len)
		       : len};
	SECRET_32(key);
	size_t which;

	return unlock_open_envelope(root, &configured, key, &which) == SR_OK;
}

static enum sr_error
remove_envelope(struct unlock_secrets *s, struct sealed *root,
    const struct unlock_change *change)
{
	size_t len = unlock_read(FD_UNLOCK_CONFIGURED, "configured secret",
	    s->configured, sizeof(s->configured));
	bool starts = len > 0 && opens_configured(s, root, change, len);
	enum sr_error error =
	    unlock_remove_envelope(root, (uint16_t)change->number, s->which);

	if (error == SR_OK && starts && !opens_configured(s, root, change, len))
		return SR_STARTS_BANK;
	return error;
}

/* The envelope with that number; NULL when there is none. */
static const struct sealed_envelope *
numbered(const struct sealed *root, uint64_t number)
{
	for (size_t i = 0; i < root->count; i++)
		if (root->envelopes[i].number == number)
			return &root->envelopes[i];
	return NULL;
}

/* As the journal has it: about is what was there before, NULL of a new one. */
static void
tell(const struct unlock_change *change, const struct sealed *root,
    const struct sealed_envelope *about, const struct sealed_envelope *hand)
{
	static const enum seal_what what[] = {
	    [UNLOCK_ADD] = SEAL_ADDED,
	    [UNLOCK_REMOVE] = SEAL_REMOVED,
	    [UNLOCK_REHEARSED] = SEAL_REHEARSED,
	};
	const struct seal_event seal =
	    seal_event_made(change->made_ms, what[change->what],
		about != NULL ? about : &root->envelopes[root->count - 1], hand,
		root);

	unlock_tell(&seal);
}

void
unlock_change_files(struct unlock_secrets *s,
    const struct unlock_change *change, size_t len, bool with_identity)
{
	struct sealed_envelope like = {0};
	struct unlock_secret added = {0};
	struct changed files = {0};
	const struct sealed_envelope *about;
	struct sealed before;
	enum sr_error error;

	read_request(s, change, len, &like, &added);
	unlock_open_root(s, &files.root);
	open_present(s, &files, with_identity);
	before = files.root;
	about = change->what == UNLOCK_ADD ? NULL
					   : numbered(&before, change->number);
	if (change->what == UNLOCK_ADD)
		error = add_envelope(s, &files.root, &like, &added);
	else if (change->what == UNLOCK_REMOVE)
		error = remove_envelope(s, &files.root, change);
	else
		error = unlock_note_rehearsed(
		    &files.root, (uint16_t)change->number, s->which);
	if (error != SR_OK)
		unlock_fail("root.sealed", error);
	unlock_put(
	    FD_UNLOCK_NEW_ROOT, "new root.sealed", &files.root, s, s->out);
	if (files.reseal_identity)
		unlock_put(FD_UNLOCK_NEW_IDENTITY, "new identity.sealed",
		    &files.identity, s, s->out + SEALED_SECRET_LEN);
	tell(change, &files.root, about, &before.envelopes[s->which]);
	unlock_change_answer(SR_OK);
	unlock_write(FD_UNLOCK_PIPE, "answer", s->records,
	    like.shares * (size_t)SHARE_LEN);
}
