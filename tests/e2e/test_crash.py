#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""kill -9 falls again and again on a process or on all of them while
customers pay each other at random.  CRASH_SEED repeats a run, CRASH_KILLS
changes how often it falls; tests/faults/run does it for as long as wanted."""
import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.ordeal import TARGETS, Ordeal  # noqa: E402
from lib.scenario import check, run, scenario, skip  # noqa: E402

# The whole number once; as an ordinary user the same code once more, shorter.
KILLS = int(os.environ.get("CRASH_KILLS")
            or (10 if os.environ.get("TEST_AS_USER") else 30))
SEED = int(os.environ.get("CRASH_SEED") or random.randrange(2**32))
ordeal = None


@scenario
def given_payers_when_kills_fall_then_after_each_no_order_is_lost():
    global ordeal
    print(f"    CRASH_SEED={SEED} CRASH_KILLS={KILLS}", flush=True)
    ordeal = Ordeal(random.Random(SEED))
    # Each of them at least once.
    for number in range(KILLS):
        ordeal.kill(TARGETS[number] if number < len(TARGETS) else None)
    print(f"    {ordeal.fallen}", flush=True)


@scenario
def given_the_kills_when_the_bank_starts_once_more_then_the_books_verify():
    if ordeal is None:
        skip("there is no bank")
    acknowledged = ordeal.end()
    print(f"    {acknowledged} orders were acknowledged", flush=True)
    check(acknowledged >= 4 * KILLS, "hardly any traffic")


if __name__ == "__main__":
    run()
