#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=900 on-demand
"""
The books of random orders of every kind (tests/unit/test_book_random.c), read
by hledger, ledger and beancount: each finds that every balance is the one that
is asserted, and does not with one that is falsified.
"""
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import BUILD, run_program  # noqa: E402
from lib.scenario import check, run, scenario, skip  # noqa: E402

ORDERS, SEED, BANKS = 60000, 11, 3
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
    if not shutil.which(READERS[form][0]):
        skip(f"{READERS[form][0]} is not installed")
    if not (base / "bank-1.json").exists():
        run_program([Path(BUILD) / "tests/test_book_random", str(ORDERS),
                     str(SEED), str(base / "bank")])
    return [base / f"bank-{n}.{form}" for n in range(1, BANKS + 1)]


def read_by(form):
    rng = random.Random(SEED)
    for path in books(form):
        said = run_program([*READERS[form], path]).ends(0)
        check(not said.err, f"{form} says {said.err!r}")
        text = path.read_text()
        found = rng.choice(list(re.finditer(ASSERTED[form], text)))
        digit = str((int(found[1]) + 1) % 10)
        path.write_text(
            text[:found.start(1)] + digit + text[found.end(1):])
        said = run_program([*READERS[form], path])
        check(said.code != 0, f"{form} takes {found[0]!r} with {digit}")


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
