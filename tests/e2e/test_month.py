#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
The books of a month, of a bank whose journal goes over the end of one
(tests/fixtures): what is written is added up here again, and must lead from
one month to the next and to the balances of the whole journal.
"""
import csv
import json
import struct
import sys
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, COULD_NOT, INTACT,  # noqa: E402
                      TAMPERED, TOP)
from lib.fixture import Fixture  # noqa: E402
from lib.scenario import check, equal, run, scenario  # noqa: E402

bank = fixture = None
OPENING = "Opening-Balances"
FILES = ["books.csv", "books.hledger", "tills.csv"]


def verify(*words, keys="disclosure"):
    return bank.verify("-q", *fixture.disclosed(keys), *words)


def month(text, name=None, *more):
    """Its directory."""
    books = bank.base / (name or text)
    verify("--month", text, "--books", books, *more).ends(ANCHORED)
    equal(sorted(path.name for path in books.iterdir()), FILES, "the files")
    return books


def rows(path):
    with open(path, newline="") as file:
        found = list(csv.DictReader(file, strict=True))
    return found


def balances(books):
    """By adding up; each row asserts its balance."""
    found, entries = {}, {}
    for row in rows(books / "books.csv"):
        account, moved = row["account"], Decimal(row["amount"])
        found[account] = found.get(account, 0) + moved
        entries[row["entry"]] = entries.get(row["entry"], 0) + moved
        equal(Decimal(row["balance"]), found[account], str(row))
    equal(set(entries.values()), {0}, "the sum of each entry")
    equal(found.pop(OPENING, 0), 0, "the opening balances")
    return {name: value for name, value in found.items() if value != 0}


def opening(books):
    return {row["account"]: Decimal(row["amount"])
            for row in rows(books / "books.csv")
            if row["kind"] == "opening" and row["account"] != OPENING}


@scenario
def given_two_months_when_their_books_are_made_then_they_lead_on():
    global bank, fixture
    fixture = Fixture(TOP / "tests/fixtures/v2")
    fixture.unpack()
    bank = fixture.bank
    october = month("2026-10")
    november = month("2026-11", None, "--so-far")
    equal(opening(october), {}, "what there was before the founding")
    equal(opening(november), balances(october), "from month to month")
    verify("--export", bank.base / "all").ends(ANCHORED)
    lines = map(json.loads, (bank.base / "all").read_text().splitlines())
    whole = sorted(Decimal(line["posted"]) / 100 for line in lines
                   if line["type"] == "balance" and line["posted"] != 0)
    equal(sorted(balances(november).values()), whole, "the last balances")
    for books, first, last in ((october, "2026-10-", "2026-11-"),
                               (november, "2026-11-", "2026-12-")):
        for row in rows(books / "books.csv"):
            check(first <= row["time"] < last, f"{row} is of another month")


@scenario
def given_tills_when_reported_then_they_are_what_the_books_move():
    for books in (bank.base / "2026-10", bank.base / "2026-11"):
        ends, begins = balances(books), opening(books)
        found = rows(books / "tills.csv")
        for row in found:
            cash = {name: Decimal(row[name]) for name in (
                "opening", "in", "out", "over_short", "closing")}
            equal(cash["opening"] + cash["in"] - cash["out"] +
                  cash["over_short"], cash["closing"], str(row))
            equal((-cash["opening"], -cash["closing"]),
                  (begins.get(row["till"], 0), ends.get(row["till"], 0)),
                  str(row))
        equal(len({row["till"] for row in found}), len(found), "rows a till")
    counted = [row for row in found if row["counts"] != "0"]
    check(counted and any(Decimal(row["over_short"]) != 0
                          for row in counted), "no till was counted")
    moved = sum(Decimal(row["amount"]) for row in
                rows(books / "books.csv") if row["kind"].startswith("till")
                and row["account"] == "Over-Short")
    equal(moved, sum(Decimal(row["over_short"]) for row in found),
          "over and short")


@scenario
def given_the_same_log_when_made_again_then_the_bytes_are_the_same():
    again = month("2026-10", "again")
    for name in FILES:
        equal((again / name).read_bytes(),
              (bank.base / "2026-10" / name).read_bytes(), name)
        equal((again / name).stat().st_mode & 0o777, 0o600, "its mode")


@scenario
def given_a_quiet_month_when_made_then_it_ends_as_it_begins():
    quiet = month("2027-03", None, "--so-far")
    equal(opening(quiet), balances(bank.base / "2026-11"))
    equal(balances(quiet), opening(quiet))


@scenario
def given_keys_up_to_some_day_when_asked_then_whole_months_only():
    whole = (bank.base / "disclosure").read_bytes()
    for count, kept in ((1, COULD_NOT), (2, INTACT)):
        # header 80, in it the count at 12; a segment's key 120
        (bank.base / "some").write_bytes(
            whole[:12] + struct.pack("<I", count) +
            whole[16:80 + 120 * count])
        made = bank.base / f"some-{count}"
        verify("--month", "2026-10", "--books", made, keys="some").ends(kept)
        equal(made.exists(), kept == INTACT, "books of October")
        verify("--month", "2026-11", "--books", bank.base / "none",
               "--so-far", keys="some").ends(COULD_NOT, "keys of every")
        check(not (bank.base / "none").exists(), "books of November")
    for name in FILES:
        equal((made / name).read_bytes(),
              (bank.base / "2026-10" / name).read_bytes(), name)


@scenario
def given_no_such_month_when_asked_then_nothing_is_made():
    now = time.strftime("%Y-%m", time.gmtime())
    for text, why in ((now, "is not over; --so-far"),
                      ("2026-09", "founded after that month"),
                      ("2026-13", "a month as 2026-10"),
                      ("2026-1", "a month as 2026-10"),
                      ("october", "a month as 2026-10")):
        verify("--month", text, "--books", bank.base / "none").ends(
            COULD_NOT, why)
        check(not (bank.base / "none").exists(), f"books of {text}")
    verify("--month", "2026-10", "--books", bank.base / "again").ends(
        COULD_NOT, "File exists")
    equal(sorted(path.name for path in (bank.base / "again").iterdir()),
          FILES, "the directory that was there")
    for words in (["--month", "2026-10"], ["--books", "x"], ["--so-far"]):
        verify(*words).ends(COULD_NOT)
    bank.verify("--month", "2026-10", "--books", "x").ends(
        COULD_NOT, "needs --keys")


@scenario
def given_a_damaged_log_when_asked_then_no_books_are_left():
    copy = bank.base / "copy"
    bank.copy_ledger(copy)
    path = copy / "segment/00000001.log"
    data = bytearray(path.read_bytes())
    data[9000] ^= 1
    path.write_bytes(data)
    bank.verify(*fixture.disclosed("disclosure"), "--month", "2026-10",
                "--books", bank.base / "none", ledger=copy).ends(TAMPERED)
    check(not (bank.base / "none").exists(), "books of a damaged log")


if __name__ == "__main__":
    run()
