/* SPDX-License-Identifier: ISC */
/*
 * The wheel of deadlines.  Must never tell a deadline early: the time at
 * which a refused handshake closes may not depend on why it was refused.
 */
#include "netd/wheel.h"

#include <assert.h>

static uint64_t
tick_of(uint64_t ms)
{
	return (ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
}

void
wheel_init(struct wheel *wheel, struct wheel_entry *entries, uint32_t count,
    uint64_t now_ms)
{
	wheel->entries = entries;
	wheel->count = count;
	wheel->set = 0;
	wheel->tick = now_ms / WHEEL_TICK_MS;
	for (int i = 0; i < WHEEL_SLOTS; i++)
		wheel->slots[i] = WHEEL_NONE;
	for (uint32_t i = 0; i < count; i++)
		entries[i] =
		    (struct wheel_entry){0, WHEEL_NONE, WHEEL_NONE, WHEEL_NONE};
}

static void
unlink_entry(struct wheel *wheel, struct wheel_entry *entry)
{
	if (entry->previous != WHEEL_NONE)
		wheel->entries[entry->previous].next = entry->next;
	else
		wheel->slots[entry->slot] = entry->next;
	if (entry->next != WHEEL_NONE)
		wheel->entries[entry->next].previous = entry->previous;
	entry->slot = WHEEL_NONE;
}

static void
link_entry(struct wheel *wheel, struct wheel_entry *entry)
{
	uint64_t tick = tick_of(entry->at_ms);
	int32_t *slot;

	if (tick < wheel->tick)
		tick = wheel->tick;
	if (tick >= wheel->tick + WHEEL_SLOTS)
		tick = wheel->tick + WHEEL_SLOTS - 1;
	entry->slot = (int32_t)(tick % WHEEL_SLOTS);
	slot = &wheel->slots[entry->slot];
	entry->previous = WHEEL_NONE;
	entry->next = *slot;
	if (*slot != WHEEL_NONE)
		wheel->entries[*slot].previous =
		    (int32_t)(entry - wheel->entries);
	*slot = (int32_t)(entry - wheel->entries);
}

void
wheel_set(struct wheel *wheel, uint32_t thing, uint64_t at_ms)
{
	struct wheel_entry *entry = &wheel->entries[thing];

	assert(thing < wheel->count);
	if (entry->at_ms == at_ms)
		return;
	if (entry->slot != WHEEL_NONE) {
		unlink_entry(wheel, entry);
		wheel->set--;
	}
	entry->at_ms = at_ms;
	if (at_ms != 0) {
		link_entry(wheel, entry);
		wheel->set++;
	}
}

int32_t
wheel_expired(struct wheel *wheel, uint64_t now_ms)
{
	uint64_t now_tick = now_ms / WHEEL_TICK_MS;

	if (wheel->set == 0) {
		wheel->tick = now_tick;
		return WHEEL_NONE;
	}
	/* A clock that jumped by more than a round: each slot once is enough. */
	if (now_tick > wheel->tick + WHEEL_SLOTS)
		wheel->tick = now_tick - WHEEL_SLOTS;
	for (; wheel->tick <= now_tick; wheel->tick++) {
		int32_t at = wheel->slots[wheel->tick % WHEEL_SLOTS];

		while (at != WHEEL_NONE) {
			struct wheel_entry *entry = &wheel->entries[at];
			int32_t next = entry->next;

			unlink_entry(wheel, entry);
			if (tick_of(entry->at_ms) <= now_tick) {
				entry->at_ms = 0;
				wheel->set--;
				return at;
			}
			/* Of a later round: to the slot where it is due. */
			link_entry(wheel, entry);
			at = next;
		}
		if (wheel->tick == now_tick)
			break;
	}
	return WHEEL_NONE;
}

int
wheel_wait_ms(const struct wheel *wheel, uint64_t now_ms)
{
	if (wheel->set == 0)
		return -1;
	for (uint64_t tick = wheel->tick; tick < wheel->tick + WHEEL_SLOTS;
	     tick++) {
		uint64_t at_ms = tick * WHEEL_TICK_MS;

		if (wheel->slots[tick % WHEEL_SLOTS] == WHEEL_NONE)
			continue;
		return at_ms <= now_ms ? 0 : (int)(at_ms - now_ms);
	}
	return 0;
}
