#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=900 on-demand
"""
The books of random orders of every kind (tests/unit/test_book_random.c, where
strongroom-verify has carried out each again): the model of tests/model books
the same, and hledger, ledger and beancount each find that every balance is the
one that is asserted, and do not with one that is falsified.

    RANDOM_ORDERS=1000000 RANDOM_SEED=7 tests/interop/test_random_books.py

takes as many orders as there is time for; each bank of the run, so many
customers as it has, is a file of its own.
"""
import json
import os
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import BUILD, run_program  # noqa: E402
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402
from model import model  # noqa: E402

ORDERS = int(os.environ.get("RANDOM_ORDERS", "60000"))
SEED = int(os.environ.get("RANDOM_SEED", "11"))
LIMIT_S = 600 + ORDERS // 100
READERS = {
    "hledger": ["hledger", "check", "--strict", "-f"],
    "ledger": ["ledger", "--args-only", "--pedantic", "balance", "-f"],
    "beancount": ["bean-check"],
}
ASSERTED = {"hledger": r" = -?\d+\.\d(\d)", "ledger": r" = -?\d+\.\d(\d)",
            "beancount": r"balance +\S+ +-?\d+\.\d(\d)"}
folder = tempfile.TemporaryDirectory()


def books(form):
    base = Path(folder.name)
    if not (base / "bank-1.json").exists():
        run_program([Path(BUILD) / "tests/test_book_random", str(ORDERS),
                     str(SEED), str(base / "bank")], limit_s=LIMIT_S).ends(0)
    found = sorted(base.glob(f"bank-*.{form}"))
    check(len(found) >= 3, "not a bank of each sort")
    return found


def read_by(form):
    if not shutil.which(READERS[form][0]):
        skip(f"{READERS[form][0]} is not installed")
    rng = random.Random(SEED)
    for path in books(form):
        said = run_program([*READERS[form], path], limit_s=LIMIT_S).ends(0)
        check(not said.err, f"{form} says {said.err!r}")
        text = path.read_text()
        found = rng.choice(list(re.finditer(ASSERTED[form], text)))
        digit = str((int(found[1]) + 1) % 10)
        path.write_text(
            text[:found.start(1)] + digit + text[found.end(1):])
        said = run_program([*READERS[form], path], limit_s=LIMIT_S)
        check(said.code != 0, f"{form} takes {found[0]!r} with {digit}")


@scenario
def given_random_orders_when_the_model_books_them_then_it_agrees():
    orders = 0
    for path in books("json"):
        with path.open(encoding="ascii") as lines:
            equal(model.run(json.loads(line) for line in lines), [])
        with path.open(encoding="ascii") as lines:
            orders += sum('"type":"order"' in line for line in lines)
    equal(orders, ORDERS, "the number of orders")


@scenario
def given_random_books_when_hledger_reads_them_then_each_balance_is_right():
    read_by("hledger")


@scenario
def given_random_books_when_ledger_reads_them_then_each_balance_is_right():
    read_by("ledger")


@scenario
def given_random_books_when_beancount_reads_them_then_each_is_right():
    read_by("beancount")


if __name__ == "__main__":
    run()
