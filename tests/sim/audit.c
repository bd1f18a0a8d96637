/* SPDX-License-Identifier: ISC */
/*
 * The journal as it lies on the disk, opened with the bank's own keys and
 * compared with what people were told, with the model, with the books in
 * ledgerd's memory and with every head that keyd has signed.
 */
#include <sodium.h>
#include <string.h>

#include "common/kdf.h"
#include "common/refusal.h"
#include "tests/sim/world.h"

void
audit_begin(struct world *world)
{
	struct audit *audit = &world->audit;

	audit->segment = 0;
	audit->at = 0;
	audit->count = 0;
	audit->last_time_ms = 0;
	audit->disclosed = 0;
	audit->turned_away = 0;
	memset(&audit->model, 0, sizeof(audit->model));
	crypto_hash_sha256(audit->root[0], (const uint8_t *)"", 0);
}

/* ---- the tree, by RFC 6962 and nothing else -------------------------------- */

static void
node_hash(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
	uint8_t both[65] = {1};

	memcpy(both + 1, left, 32);
	memcpy(both + 33, right, 32);
	crypto_hash_sha256(out, both, sizeof(both));
}

/* Adds a leaf hash and computes the root of all so far. */
static void
add_leaf(struct audit *audit, const uint8_t hash[32])
{
	uint64_t n = audit->count++;
	uint8_t root[32];
	bool any = false;
	unsigned i = 0;

	memcpy(root, hash, 32);
	for (; (n >> i & 1) != 0; i++)
		node_hash(audit->level[i], root, root);
	memcpy(audit->level[i], root, 32);
	for (i = 0; i < 64; i++) {
		if ((audit->count >> i & 1) == 0)
			continue;
		if (any)
			node_hash(audit->level[i], root, root);
		else
			memcpy(root, audit->level[i], 32);
		any = true;
	}
	memcpy(audit->root[audit->count], root, 32);
}

static void
leaf_hash(const struct journal_frame *frame,
    uint8_t bytes[1 + JOURNAL_LEAF_LEN], uint8_t hash[32])
{
	struct journal_leaf leaf;

	journal_frame_leaf(frame, &leaf);
	bytes[0] = 0;
	journal_leaf_encode(&leaf, bytes + 1);
	crypto_hash_sha256(hash, bytes, 1 + JOURNAL_LEAF_LEN);
}

/* ---- entries ------------------------------------------------------------------ */

static const char *
take_order(struct audit *audit, const struct journal_plain *plain)
{
	struct leaf *leaf = &audit->leaf[audit->count];
	const struct model_account *account;
	struct entry_order entry;
	const char *wrong;
	struct order order;

	if (entry_order_decode(
		plain->committed, plain->committed_len, &entry) != SR_OK)
		return "an order entry that cannot be read";
	wrong = model_order(&audit->model, &entry, audit->count);
	if (wrong != NULL)
		return wrong;
	(void)order_decode(entry.order, &order);
	leaf->order = true;
	order_hash(entry.order, leaf->order_hash);
	leaf->outcome = (uint16_t)entry.outcome;
	for (unsigned i = 0; i < plain->touched_count; i++) {
		const struct journal_touched *touched = &plain->touched[i];

		account = model_account(&audit->model, touched->account);
		if (account == NULL ||
		    account->posted != touched->posted_minor ||
		    account->held != touched->held_minor)
			return "balances in a frame that are not the model's";
	}
	leaf->account = 0;
	account = model_account(&audit->model, order.signer << 16);
	if (account == NULL || account->closed)
		account = model_account(&audit->model, order.signer << 16 | 1);
	if (account != NULL) {
		leaf->account = account->id;
		leaf->balance = account->posted;
	}
	for (unsigned i = 0; i < plain->touched_count; i++)
		leaf->moved |= plain->touched[i].account == leaf->account;
	return NULL;
}

static const char *
take_entry(struct audit *audit, const struct journal_plain *plain)
{
	struct entry_account opened;
	struct entry_event use;
	struct refusals refusals;

	switch (entry_type_of(plain->committed, plain->committed_len)) {
	case ENTRY_GENESIS:
		return model_found(
		    &audit->model, plain->committed, plain->committed_len);
	case ENTRY_ACCOUNT:
		if (entry_account_decode(plain->committed, plain->committed_len,
			&opened) != SR_OK)
			return "an account entry that cannot be read";
		return model_open(&audit->model, &opened);
	case ENTRY_ORDER:
		return take_order(audit, plain);
	case ENTRY_USE:
		if (entry_event_decode(ENTRY_USE, plain->committed,
			plain->committed_len, &use) != SR_OK)
			return "a use that cannot be read";
		audit->disclosed += use.code == USE_DISCLOSE;
		return NULL;
	case ENTRY_SYSTEM:
		if (entry_event_decode(ENTRY_SYSTEM, plain->committed,
			plain->committed_len, &use) != SR_OK)
			return "an event that cannot be read";
		if (use.code == SYSTEM_REFUSALS) {
			if (refusals_of(&use, &refusals) != SR_OK)
				return "refusals that cannot be read";
			audit->turned_away +=
			    refusals.count[REFUSAL_REGISTRATIONS];
		}
		return model_system(&audit->model, &use);
	case ENTRY_ROTATION:
		return NULL;
	case ENTRY_RESTORE:
	default:
		return "an entry that this bank does not write";
	}
}

/* What cannot be right on a disk that does not lie. */
static bool
damaged(struct world *world, const char *what)
{
	if (!world->spoilt)
		world_fail(world, "leaf %llu in segment %u at %llu: %s",
		    (unsigned long long)world->audit.count,
		    world->audit.segment, (unsigned long long)world->audit.at,
		    what);
	world_tell(world, "    the journal is damaged: %s", what);
	return false;
}

static bool
take_frame(struct world *world, const uint8_t key[32],
    const struct journal_frame *frame)
{
	static uint8_t buffer[JOURNAL_PLAIN_MAX];
	struct audit *audit = &world->audit;
	struct leaf *leaf = &audit->leaf[audit->count];
	struct journal_plain plain;
	const char *wrong;
	uint8_t hash[32];

	if (audit->count == ENTRIES_MAX_COUNT)
		world_fail(world, "more entries than the world takes");
	if (frame->header.seq != audit->count ||
	    frame->header.time_ms < audit->last_time_ms)
		return damaged(world, "out of its turn or time");
	if (journal_open(key, frame, buffer, &plain) != SR_OK)
		return damaged(world, "it does not open");
	memset(leaf, 0, sizeof(*leaf));
	wrong = take_entry(audit, &plain);
	if (wrong != NULL)
		return damaged(world, wrong);
	leaf->time_ms = frame->header.time_ms;
	memcpy(leaf->salt, plain.salt, 32);
	audit->last_time_ms = frame->header.time_ms;
	leaf_hash(frame, leaf->bytes, hash);
	memcpy(leaf->hash, hash, sizeof(hash));
	add_leaf(audit, hash);
	return true;
}

static bool
take_commit(struct world *world, const struct journal_frame *frame)
{
	const struct audit *audit = &world->audit;
	struct journal_commit commit;

	if (journal_commit_decode(frame, &commit) != SR_OK ||
	    commit.size != audit->count ||
	    memcmp(commit.root, audit->root[audit->count], 32) != 0)
		return damaged(world, "a COMMIT of another tree");
	return true;
}

/*
 * Rot among the zeros behind all that was ever signed, which a start whose disk
 * read wrong has not seen: the next start sees it, or a frame covers it.
 */
static bool
is_behind_all(const struct world *world)
{
	return world->spoilt &&
	       world->audit.count >= world->bank->ledgerd->head.size;
}

/* The next frames of the segment at hand. */
static bool
read_segment(struct world *world, const uint8_t *bytes, size_t len)
{
	struct audit *audit = &world->audit;
	struct journal_segment header;
	struct journal_frame frame;
	enum sr_error error;
	uint8_t key[32];

	if (journal_segment_decode(bytes, &header) != SR_OK ||
	    header.segment != audit->segment)
		return damaged(world, "a segment's header");
	if (audit->at == 0) {
		audit->at = JOURNAL_SEGMENT_HEADER_LEN;
		if (header.first_seq != audit->count ||
		    memcmp(header.root, audit->root[audit->count], 32) != 0)
			return damaged(world, "a header of another tree");
	}
	keys_segment(world->bank->keyd->keys, header.segment, header.salt, key);
	for (;;) {
		error = journal_frame_parse(
		    bytes + audit->at, len - audit->at, &frame);
		if (error == SR_NOT_FOUND &&
		    (is_behind_all(world) ||
			journal_all_zero(bytes + audit->at, len - audit->at)))
			return true;
		if (error != SR_OK)
			return damaged(world, "no frame");
		if (frame.header.type == JOURNAL_COMMIT
			? !take_commit(world, &frame)
			: !take_frame(world, key, &frame))
			return false;
		audit->at += frame.frame_len;
	}
}

/* What stays of a retired segment is its entries' leaves, and all of them. */
static bool
check_leaves(struct world *world, const uint8_t *segment)
{
	const struct audit *audit = &world->audit;
	struct journal_segment header;
	struct leaves_file file;
	char path[ENV_PATH_MAX];
	const uint8_t *bytes;
	size_t len;

	segments_leaves_path(audit->segment, path);
	bytes = sim_file(world->bank->ledgerd_room, path, &len);
	if (bytes == NULL ||
	    journal_segment_decode(segment, &header) != SR_OK ||
	    len < LEAVES_FILE_HEADER_LEN ||
	    leaves_file_decode(bytes, &file) != SR_OK ||
	    file.first_seq != header.first_seq ||
	    file.count != audit->count - header.first_seq ||
	    len != leaves_file_len(&file))
		return damaged(world, "the leaves of a retired segment");
	for (uint64_t i = file.first_seq; i < audit->count; i++)
		if (memcmp(bytes + leaves_file_offset(&file, i),
			audit->leaf[i].bytes + 1, JOURNAL_LEAF_LEN) != 0)
			return damaged(world, "a leaf of a retired segment");
	return true;
}

/*
 * Made ready and not begun: zeros, or what is left of a header whose write
 * was refused.  It is written again before anything goes behind it.
 */
static bool
is_not_begun(const uint8_t *bytes, size_t len)
{
	struct journal_segment header;

	return len < JOURNAL_SEGMENT_HEADER_LEN ||
	       (journal_segment_decode(bytes, &header) != SR_OK &&
		   journal_all_zero(bytes + JOURNAL_SEGMENT_HEADER_LEN,
		       len - JOURNAL_SEGMENT_HEADER_LEN));
}

bool
audit_read(struct world *world)
{
	struct audit *audit = &world->audit;
	const uint8_t *bytes;
	size_t len;

	for (;;) {
		bytes = world_segment(world, audit->segment, &len);
		if (bytes == NULL || len < JOURNAL_SEGMENT_HEADER_LEN)
			return damaged(world, "a segment is missing");
		if (!read_segment(world, bytes, len) ||
		    (audit->segment < RETIRED_MAX &&
			bytes == world->retired[audit->segment] &&
			!check_leaves(world, bytes)))
			return false;
		bytes = world_segment(world, audit->segment + 1, &len);
		if (bytes == NULL || is_not_begun(bytes, len))
			return true;
		audit->segment++;
		audit->at = 0;
	}
}

/* ---- comparisons ----------------------------------------------------------- */

static void
check_acks(struct world *world)
{
	const struct audit *audit = &world->audit;

	for (size_t i = 0; i < world->acks; i++) {
		const struct ack *ack = &world->ack[i];
		const struct leaf *leaf = &audit->leaf[ack->leaf];

		if (ack->leaf >= audit->count || !leaf->order ||
		    memcmp(leaf->order_hash, ack->hash, 32) != 0)
			world_fail(world,
			    "the order that was acknowledged as leaf %llu is "
			    "not there",
			    (unsigned long long)ack->leaf);
		if (leaf->outcome != ack->outcome ||
		    leaf->time_ms != ack->time_ms ||
		    memcmp(leaf->salt, ack->salt, 32) != 0)
			world_fail(world,
			    "leaf %llu is not as it was acknowledged",
			    (unsigned long long)ack->leaf);
		/* asked again, what moved nothing is answered with today's
		 * balance */
		if (ack->outcome == SR_OK && leaf->moved &&
		    leaf->account == ack->account &&
		    leaf->balance != ack->balance)
			world_fail(world,
			    "the balance told with leaf %llu is %lld, not "
			    "%lld",
			    (unsigned long long)ack->leaf,
			    (long long)leaf->balance, (long long)ack->balance);
		if (ack->size > audit->count || ack->size <= ack->leaf ||
		    memcmp(ack->root, audit->root[ack->size], 32) != 0)
			world_fail(world,
			    "the receipt of leaf %llu does not hold any more",
			    (unsigned long long)ack->leaf);
	}
}

/* What was refused, or was told to be not booked, must never be there. */
static void
check_refused(struct world *world)
{
	for (size_t i = 0; i < world->refused_count; i++)
		for (uint64_t j = 0; j < world->audit.count; j++)
			if (world->audit.leaf[j].order &&
			    memcmp(world->audit.leaf[j].order_hash,
				world->refused[i], 32) == 0)
				world_fail(world,
				    "an order that was refused is leaf %llu",
				    (unsigned long long)j);
}

static void
check_books(struct world *world)
{
	const struct model *model = &world->audit.model;
	const struct book *book = &world->bank->ledgerd->book;

	if (model_sum(model) != 0 || book_sum(book) != 0)
		world_fail(world, "the accounts do not add up to zero");
	for (unsigned i = 0; i < model->accounts; i++) {
		const struct model_account *a = &model->account[i];
		const struct book_account *b = book_account(book, a->id);

		if (b == NULL || b->posted_minor != a->posted ||
		    b->held_minor != a->held)
			world_fail(world,
			    "account %llx has %lld (%lld held) and must have "
			    "%lld (%lld)",
			    (unsigned long long)a->id,
			    b != NULL ? (long long)b->posted_minor : 0,
			    b != NULL ? (long long)b->held_minor : 0,
			    (long long)a->posted, (long long)a->held);
	}
	for (unsigned i = 0; i < model->people; i++) {
		const struct model_person *a = &model->person[i];
		const struct book_principal *b =
		    book_principal(book, a->customer);

		if (b == NULL || b->next_seq != a->next_seq ||
		    b->role != a->role || b->revoked != a->revoked ||
		    b->erased != a->erased || b->till != a->till)
			world_fail(world, "principal %llu is another",
			    (unsigned long long)a->customer);
	}
}

static void
check_heads(struct world *world)
{
	const struct ledgerd *ledgerd = world->bank->ledgerd;
	const struct audit *audit = &world->audit;

	if (audit->count != ledgerd->tree.size ||
	    audit->count != ledgerd->head.size ||
	    memcmp(audit->root[audit->count], ledgerd->head.root, 32) != 0)
		world_fail(world,
		    "the head of %llu leaves is not that of the %llu on the "
		    "disk",
		    (unsigned long long)ledgerd->head.size,
		    (unsigned long long)audit->count);
	for (uint64_t i = 0; i <= audit->count; i++)
		if (world->head[i].known &&
		    memcmp(world->head[i].root, audit->root[i], 32) != 0)
			world_fail(world,
			    "the head of %llu leaves that keyd signed is of "
			    "another log",
			    (unsigned long long)i);
	for (uint64_t i = audit->count + 1; i <= ENTRIES_MAX_COUNT; i++)
		if (world->head[i].known)
			world_fail(world,
			    "keyd signed %llu leaves and the log has %llu",
			    (unsigned long long)i,
			    (unsigned long long)audit->count);
}

void
audit_check(struct world *world)
{
	check_heads(world);
	check_acks(world);
	check_refused(world);
	if (world->audit.turned_away > world->turned_away)
		world_fail(world,
		    "%llu who registered were turned away, and the log says "
		    "%llu",
		    (unsigned long long)world->turned_away,
		    (unsigned long long)world->audit.turned_away);
	if (world->audit.disclosed < world->disclosed)
		world_fail(world,
		    "%llu keys were disclosed, and %llu are in the log",
		    (unsigned long long)world->disclosed,
		    (unsigned long long)world->audit.disclosed);
	check_books(world);
	acts_look_for_erased(world);
	slots_check(world);
	public_tree_check(world);
	book_digest(&world->bank->ledgerd->book, world->digest);
}
