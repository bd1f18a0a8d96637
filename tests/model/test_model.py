#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300
"""
Random orders of every kind (tests/unit/test_book_random.c) as
strongroom-verify exports them: the model here, which knows of nothing but the
export, books the same, and notices each thing that is falsified.  Their books
in a format for other programs add up to the same balances.
"""
import json
import random
import sys
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import BUILD, run_program  # noqa: E402
from lib.books import falsified, plain_text  # noqa: E402
from lib.scenario import Failure, check, equal, run, scenario  # noqa: E402

import model  # noqa: E402

ORDERS, SEED, BANKS = 15000, 5, 3
folder = tempfile.TemporaryDirectory()
banks = []


def the_banks():
    """What the three banks have exported: lists of entries."""
    if not banks:
        run_program([Path(BUILD) / "tests/test_book_random", str(ORDERS),
                     str(SEED), f"{folder.name}/bank"])
        for number in range(1, BANKS + 1):
            path = Path(folder.name) / f"bank-{number}.json"
            with path.open(encoding="ascii") as lines:
                banks.append([json.loads(line) for line in lines])
    return banks


def changed(entries, place, **fields):
    return entries[:place] + [entries[place] | fields] + entries[place + 1:]


@scenario
def given_random_orders_of_every_kind_when_exported_then_the_model_agrees():
    booked, declined = Counter(), Counter()
    for entries in the_banks():
        equal(model.run(entries), [])
        for entry in entries:
            if entry["type"] == "order":
                count = declined if entry["outcome"] else booked
                count[entry["kind_name"]] += 1
    equal(sorted(booked), sorted(declined), "what came in both ways")
    equal(len(booked), 31, "the number of kinds")
    equal(sum(booked.values()) + sum(declined.values()), ORDERS)


@scenario
def given_an_outcome_that_is_false_when_booked_then_the_model_says_so():
    rng = random.Random(7)
    for entries in the_banks():
        orders = [place for place, entry in enumerate(entries)
                  if entry["type"] == "order"]
        for place in rng.sample(orders, 4):
            other = "SR_OK" if entries[place]["outcome"] else "SR_UNIT"
            said = model.run(changed(entries, place, outcome_name=other))
            check(said and said[0].startswith(
                f"entry {entries[place]['seq']}: "), f"it says {said[:1]}")


@scenario
def given_one_account_that_is_false_at_last_then_the_model_says_so():
    entries = the_banks()[0]
    last = len(entries) - 1
    for field in ("posted", "held", "status", "floor", "soft_floor",
                  "ceiling", "day_limit"):
        said = model.run(changed(entries, last,
                                 **{field: entries[last][field] ^ 1}))
        equal(len(said), 1, f"the number of complaints about {field}")


@scenario
def given_their_books_when_added_up_then_each_balance_is_the_banks():
    for number, entries in enumerate(the_banks(), 1):
        books = (Path(folder.name) / f"bank-{number}.hledger").read_text()
        totals = sorted(total for total in plain_text(books).values()
                        if total)
        # a liability is negative there
        equal(totals, sorted(-Decimal(entry["posted"]) / 100
                             for entry in entries
                             if entry["type"] == "balance" and
                             entry["posted"]))
        try:
            plain_text(falsified(books, random.Random(number)))
        except Failure:
            continue
        raise Failure("a false balance adds up")


if __name__ == "__main__":
    run()
