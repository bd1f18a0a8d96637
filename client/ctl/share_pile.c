/* SPDX-License-Identifier: ISC */
/* What a share is worth here, decided by its own bytes and root.sealed. */
#include "client/ctl/share_pile.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

void
share_pile_begin(struct share_pile *pile, const uint8_t bank_id[32],
    const struct share_set *sets, unsigned set_count)
{
	assert(set_count <= SHARE_SETS_MAX);
	memset(pile, 0, sizeof(*pile));
	memcpy(pile->bank_tag, bank_id, sizeof(pile->bank_tag));
	memcpy(pile->sets, sets, set_count * sizeof(*sets));
	pile->set_count = set_count;
}

static const struct share_set *
find_set(const struct share_pile *pile, uint16_t number)
{
	for (unsigned i = 0; i < pile->set_count; i++)
		if (pile->sets[i].number == number)
			return &pile->sets[i];
	return NULL;
}

static uint16_t
last_set(const struct share_pile *pile)
{
	uint16_t last = 0;

	for (unsigned i = 0; i < pile->set_count; i++)
		if (pile->sets[i].number > last)
			last = pile->sets[i].number;
	return last;
}

static enum share_verdict
judge(const struct share_pile *pile, const uint8_t record[SHARE_LEN],
    const struct share *share)
{
	const struct share_set *set = find_set(pile, share->set);
	uint8_t hash[SHARE_HASH_LEN];

	if (memcmp(share->bank_tag, pile->bank_tag, SHARE_TAG_LEN) != 0)
		return SHARE_FOREIGN;
	if (set == NULL)
		return share->set > last_set(pile) ? SHARE_LATER_SET
						   : SHARE_FORMER_SET;
	if (pile->set != NULL && set != pile->set)
		return SHARE_OTHER_SET;
	if (share->quorum != set->quorum)
		return SHARE_OTHER_QUORUM;
	if (share->index > set->count)
		return SHARE_NO_INDEX;
	share_hash(record, hash);
	if (memcmp(hash, set->hashes[share->index - 1], sizeof(hash)) != 0)
		return SHARE_ALTERED;
	for (unsigned i = 0; i < pile->have; i++)
		if (memcmp(pile->records[i], record, SHARE_LEN) == 0)
			return SHARE_TWICE;
	return SHARE_TAKEN;
}

enum share_verdict
share_pile_take(struct share_pile *pile, const uint8_t record[SHARE_LEN])
{
	struct share share;
	enum sr_error error = share_read(record, &share);
	enum share_verdict verdict;

	if (error == SR_VERSION)
		return SHARE_LATER_VERSION;
	if (error != SR_OK)
		return SHARE_ALTERED;
	verdict = judge(pile, record, &share);
	if (verdict == SHARE_TAKEN &&
	    (pile->set == NULL || share_pile_missing(pile) > 0)) {
		pile->set = find_set(pile, share.set);
		memcpy(pile->records[pile->have++], record, SHARE_LEN);
	}
	sodium_memzero(&share, sizeof(share));
	return verdict;
}

unsigned
share_pile_missing(const struct share_pile *pile)
{
	const struct share_set *set =
	    pile->set != NULL ? pile->set : find_set(pile, last_set(pile));

	return set != NULL ? set->quorum - pile->have : 0;
}

static void
say_set(FILE *out, const struct share_pile *pile, enum share_verdict verdict,
    const struct share *share)
{
	if (verdict == SHARE_FORMER_SET)
		fprintf(out,
		    "it is of the former set %u, which no longer opens this "
		    "bank: bring a share of set %u\n",
		    share->set, last_set(pile));
	else if (verdict == SHARE_LATER_SET)
		fprintf(out,
		    "it is of the later set %u, but these files are older and "
		    "have set %u: bring a share of that set, or a newer "
		    "backup\n",
		    share->set, last_set(pile));
	else
		fprintf(out,
		    "it is of set %u, the first one was of set %u: shares of "
		    "two sets do not go together\n",
		    share->set, pile->set->number);
}

void
share_verdict_say(FILE *out, const struct share_pile *pile,
    enum share_verdict verdict, const uint8_t record[SHARE_LEN])
{
	struct share share = {0};

	(void)share_read(record, &share);
	sodium_memzero(share.secret, sizeof(share.secret));
	if (verdict != SHARE_LATER_VERSION && share.index != 0)
		fprintf(out, "share %u: ", share.index);
	switch (verdict) {
	case SHARE_TAKEN:
		fprintf(
		    out, "it is right; %u more\n", share_pile_missing(pile));
		return;
	case SHARE_LATER_VERSION:
		fprintf(out, "this share was made by a newer version of "
			     "strongroom: use that or a newer program\n");
		return;
	case SHARE_FOREIGN:
		fprintf(out, "it is a share of another bank: bring one of "
			     "this bank's\n");
		return;
	case SHARE_FORMER_SET:
	case SHARE_LATER_SET:
	case SHARE_OTHER_SET:
		say_set(out, pile, verdict, &share);
		return;
	case SHARE_OTHER_QUORUM:
		fprintf(out,
		    "it asks for a quorum of %u, which its set has not: it was "
		    "altered; bring another share\n",
		    share.quorum);
		return;
	case SHARE_NO_INDEX:
		fprintf(out, "there is no share of that number in its set: it "
			     "was altered; bring another share\n");
		return;
	case SHARE_TWICE:
		fprintf(out, "it is there already: bring the share of another "
			     "holder\n");
		return;
	case SHARE_ALTERED:
		fprintf(out, "it is not as it was handed out: it was altered; "
			     "bring another share\n");
		return;
	}
}

void
share_pile_wipe(struct share_pile *pile)
{
	sodium_memzero(pile, sizeof(*pile));
}
