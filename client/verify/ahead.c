/* SPDX-License-Identifier: ISC */
/*
 * The window of frames that threads look at together: ahead.h.  Threads only
 * read the verdict so far and the book, and write to their own frame.
 *
 * Security: plaintexts are wiped when the window moves on.
 */
#include "client/verify/ahead.h"

#include <string.h>

#include <sodium.h>

#include "client/verify/workers.h"
#include "common/buffer.h"

/* Places in a frame's header (common/journal.h). */
enum { TYPE_AT = 5, LENGTH_AT = 8 };
/* Where the signer stands in an order (common/order.h). */
#define ORDER_SIGNER_AT 16u

struct window {
	const struct verify *verify;
	const uint8_t *bytes; /* NULL: nothing is remembered */
	size_t len;
	const struct audit_key *key;
	size_t count, at;
	struct ahead_frame frame[AHEAD_FRAMES];
	/* the COMMIT before each, as its number; SIZE_MAX: none in here */
	size_t commit_before[AHEAD_FRAMES];
};

static struct window window;
static uint8_t plaintext[AHEAD_FRAMES][JOURNAL_PLAIN_MAX];

/*
 * Where frames seem to begin, by their lengths alone: what is wrong with one
 * of them is found when it is looked at.
 */
static void
find_frames(size_t offset)
{
	/* alone there is nothing to be won by looking further */
	size_t commit = SIZE_MAX,
	       room = window.verify->jobs > 1 ? AHEAD_FRAMES : 1;

	window.count = window.at = 0;
	while (window.count < room && offset < window.len) {
		struct reader r =
		    reader_of(window.bytes + offset, window.len - offset);
		struct ahead_frame *frame = &window.frame[window.count];
		uint8_t type;
		uint32_t length;

		(void)reader_view(&r, TYPE_AT);
		type = reader_u8(&r);
		(void)reader_view(&r, LENGTH_AT - TYPE_AT - 1);
		length = reader_u32(&r);
		frame->offset = offset;
		window.commit_before[window.count] = commit;
		if (type == JOURNAL_COMMIT)
			commit = window.count;
		window.count++;
		if (r.bad || length == 0 || length > JOURNAL_BODY_MAX)
			break;
		offset += (JOURNAL_HEADER_LEN + (size_t)length + 7) / 8 * 8;
	}
}

/* The checkpoint that this COMMIT should bear a signature of. */
static bool
checkpoint_before(size_t index, struct checkpoint *before)
{
	const struct verify *verify = window.verify;
	struct journal_commit commit;
	struct journal_frame frame;
	size_t offset;

	if (window.commit_before[index] == SIZE_MAX) {
		before->size = verify->committed.size;
		merkle_frontier_root(&verify->committed, before->root);
		return before->size > 0;
	}
	offset = window.frame[window.commit_before[index]].offset;
	if (journal_frame_parse(
		window.bytes + offset, window.len - offset, &frame) != SR_OK ||
	    journal_commit_decode(&frame, &commit) != SR_OK)
		return false;
	before->size = commit.size;
	memcpy(before->root, commit.root, sizeof(before->root));
	return true;
}

static void
look_at_commit(size_t index)
{
	struct ahead_frame *ahead = &window.frame[index];
	struct checkpoint before = {0};
	struct journal_commit commit;

	if (window.key != NULL || window.verify->jobs <= 1 ||
	    journal_commit_decode(&ahead->frame, &commit) != SR_OK ||
	    !checkpoint_before(index, &before))
		return;
	note_origin(
	    window.verify->bank.bank_id, commit.previous_epoch, before.origin);
	ahead->commit_signed = verify_signed(window.verify, &before,
				   commit.previous_signature) == SR_OK;
	ahead->size = before.size;
	memcpy(ahead->root, before.root, sizeof(ahead->root));
}

/* Under the key that is attested to the signer as far as the book has come. */
static void
look_at_order(struct ahead_frame *ahead)
{
	const struct book_principal *signer;
	struct entry_order logged;
	struct reader r;

	if (entry_type_of(ahead->plain.committed, ahead->plain.committed_len) !=
		ENTRY_ORDER ||
	    entry_order_decode(ahead->plain.committed,
		ahead->plain.committed_len, &logged) != SR_OK)
		return;
	r = reader_of(logged.order + ORDER_SIGNER_AT, 8);
	signer = book_principal(&window.verify->audit->book, reader_u64(&r));
	if (signer == NULL)
		return;
	memcpy(
	    ahead->signer_key, signer->signing_key, sizeof(ahead->signer_key));
	ahead->order_signed = order_verify(logged.order, logged.signature,
				  signer->signing_key) == SR_OK;
}

static void
look_at_entry(size_t index)
{
	struct ahead_frame *ahead = &window.frame[index];
	struct journal_leaf leaf;

	if (window.key == NULL) {
		journal_frame_leaf(&ahead->frame, &leaf);
		journal_leaf_encode(&leaf, ahead->leaf_bytes);
		journal_leaf_hash(&leaf, ahead->leaf);
		return;
	}
	ahead->opened = journal_open(
	    window.key->key, &ahead->frame, plaintext[index], &ahead->plain);
	/* only what will be carried out is of interest */
	if (ahead->opened == SR_OK &&
	    ahead->frame.header.seq - window.verify->audit->executed <
		AHEAD_FRAMES)
		look_at_order(ahead);
}

static void
look_at(void *context, size_t index)
{
	struct ahead_frame *ahead = &window.frame[index];

	(void)context;
	ahead->commit_signed = ahead->order_signed = false;
	memset(&ahead->plain, 0, sizeof(ahead->plain));
	ahead->parsed = journal_frame_parse(window.bytes + ahead->offset,
	    window.len - ahead->offset, &ahead->frame);
	if (ahead->parsed != SR_OK)
		return;
	if (ahead->frame.header.type == JOURNAL_COMMIT)
		look_at_commit(index);
	else
		look_at_entry(index);
}

static void
wipe(void)
{
	if (window.bytes != NULL && window.key != NULL)
		sodium_memzero(plaintext, window.count * sizeof(plaintext[0]));
}

const struct ahead_frame *
ahead_frame(struct verify *verify, const uint8_t *bytes, size_t len,
    size_t offset, const struct audit_key *key)
{
	if (window.bytes == bytes && window.key == key &&
	    window.at < window.count &&
	    window.frame[window.at].offset == offset)
		return &window.frame[window.at++];
	wipe();
	window.verify = verify;
	window.bytes = bytes;
	window.len = len;
	window.key = key;
	find_frames(offset);
	/* with keys, the walk without them is the smaller part by far */
	if (key != NULL || verify->audit == NULL)
		verify_progress(verify, offset, len);
	workers_run(verify->jobs, window.count, look_at, NULL);
	return &window.frame[window.at++];
}

void
ahead_end(void)
{
	wipe();
	window.bytes = NULL;
	window.count = window.at = 0;
}
