#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Statements and books for other programs, read by what Python has for each
format.  The memos are such as would forge a line, an account or a formula in
one of them.  `make check-interop` has hledger, ledger, beancount and libofx
read the same.
"""
import csv
import io
import json
import random
import re
import shutil
import sys
import xml.etree.ElementTree
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (COULD_NOT, DONE, TAMPERED, USAGE,  # noqa: E402
                      VERIFY, run_program)
from lib.books import (Day, falsified, memos, narrow,  # noqa: E402
                       plain_text)
from lib.scenario import Failure, check, equal, run, scenario  # noqa: E402

FORMATS = ("text", "csv", "json", "hledger", "ledger", "beancount", "ofx")
BOOKS = ("csv", "hledger", "ledger", "beancount")
day = None
paid = None             # by ada, altogether


@scenario
def given_a_day_of_odd_memos_when_the_statement_is_json_then_it_adds_up():
    global day, paid
    day = Day()
    paid = sum(Decimal(100 + n) for n in range(len(day.memos))) / 100
    found = json.loads(day.statement("ada", "json"))
    lines = found["lines"]
    equal(len(lines), len(day.memos) + 2, "the number of lines")
    equal([line["memo"] for line in lines[1:-1]], list(day.memos))
    equal((found["opening_minor"], found["closing_minor"]),
          (0, 50001 - int(paid * 100)))
    balance = found["opening_minor"]
    for line in lines:
        balance += line["amount_minor"]
        equal(line["balance_minor"], balance, f"after #{line['leaf']}")
    equal([line["leaf"] for line in lines],
          sorted({line["leaf"] for line in lines}), "the leaves")
    equal(found["closing_minor"], day.bank.balance("ada"))


@scenario
def given_odd_memos_when_the_statement_is_csv_then_no_cell_is_a_formula():
    text = day.statement("ada", "csv")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    equal(len(rows), len(day.memos) + 5, "the number of rows")
    equal({len(row) for row in rows}, {11}, "the number of columns")
    equal(text.count("\r\n"), len(rows), "the number of line ends")
    equal(text.count("\n"), len(rows), "the number of line feeds")
    # also where a semicolon or a tab parts cells, quoted or not
    for delimiter in ",;\t":
        for row in text.split("\r\n"):
            for cell in row.split(delimiter) if delimiter != "," else \
                    next(csv.reader([row]), []):
                bare = narrow(cell.strip().lstrip('"').strip())
                check(not re.match(r"[=+@]|-(?!\d+\.\d\d$)", bare),
                      f"{cell!r} would be a formula")
    seen = [row[5] for row in rows[3:-2]]
    for cell, memo in zip(seen, day.memos):
        if re.match(r" *[=+@'\uff1d-]", memo):
            check(cell[0] == "'", f"{cell!r} has no ' in front")
            cell = cell[1:]
        equal(cell.replace("\uff1b", ";"), memo, "the memo")
    equal([rows[1][2], rows[1][7], rows[-1][2], rows[-1][7]],
          ["opening", "0.00", "closing", str(500 + Decimal("0.01") - paid)])


@scenario
def given_odd_memos_when_the_statement_is_a_journal_then_it_holds():
    for form in ("hledger", "ledger"):
        text = day.statement("ada", form)
        found = plain_text(text)
        equal(sum(found.values()), 0, "the sum over the accounts")
        equal(sorted(found), ["Assets:Bank:40062", "Assets:Cash:30168-lobby",
                              "Equity:Customers:50053-bob"])
        equal(found["Assets:Bank:40062"], 500 + Decimal("0.01") - paid)
        equal([narrow(memo) for memo in memos(text)][1:],
              [narrow(memo) for memo in day.memos], "the memos")
        for memo in memos(text):
            check(not re.search(r'[;:,|\[\]{}=@#%*"\\~]', memo),
                  f"{memo!r} means something")


def beancount_balances(text):
    """Fails where a line is none of ours or an assertion does not hold."""
    balances, found = {}, []
    string = r'"((?:[^"\\]|\\["\\])*)"'
    for line in text.split("\n"):
        said = re.match(rf'^\d{{4}}-\d\d-\d\d \* {string} {string}$', line)
        posting = re.match(r"^  ([A-Z][A-Za-z0-9:-]+)  (-?\d+\.\d\d) EUR$",
                           line)
        asserted = re.match(r"^\d{4}-\d\d-\d\d balance (\S+)  (\S+) ~ 0 EUR$",
                            line)
        if said:
            found.append(re.sub(r"\\(.)", r"\1", said[2]))
        elif posting:
            balances[posting[1]] = balances.get(posting[1], 0) + \
                Decimal(posting[2])
        elif asserted:
            equal(balances[asserted[1]], Decimal(asserted[2]), line)
        else:
            check(re.match(r'^(|option "[a-z_]+" "[A-Za-z ]+"'
                           r"|\d{4}-\d\d-\d\d (open \S+  EUR|commodity EUR)"
                           r'|  [a-z-]+: (\d+|"[^"\\]+"))$', line),
                  f"{line!r} is no line of ours")
    return balances, found


@scenario
def given_odd_memos_when_the_statement_is_for_beancount_then_it_holds():
    balances, found = beancount_balances(day.statement("ada", "beancount"))
    equal(found[1:-1], list(day.memos), "the memos")
    equal(sum(balances.values()), 0, "the sum over the accounts")
    equal(balances["Assets:Bank:40062"], 500 + Decimal("0.01") - paid)


@scenario
def given_odd_memos_when_the_statement_is_ofx_then_it_is_xml_and_adds_up():
    tree = xml.etree.ElementTree.fromstring(
        day.statement("ada", "ofx").encode())
    found = tree.findall(".//STMTTRN")
    equal(len(found), len(day.memos) + 2, "the number of transactions")
    ids = [one.findtext("FITID") for one in found]
    check(all(ids) and len(set(ids)) == len(ids), f"FITIDs are {ids}")
    equal(sum(Decimal(one.findtext("TRNAMT")) for one in found),
          Decimal(tree.findtext(".//LEDGERBAL/BALAMT")), "the sum")
    equal([one.findtext("MEMO") for one in found[1:-1]],
          [memo.replace("\uffff", "\ufffd")[:255] for memo in day.memos])
    equal(tree.findtext(".//ACCTID"), "40062")


@scenario
def given_a_withdrawal_when_the_statement_is_told_then_holds_move_nothing():
    lines = json.loads(day.statement("bob", "json"))["lines"]
    kinds = [line["kind"] for line in lines][-2:]
    equal(kinds, ["hold", "post"])
    equal([line["amount_minor"] for line in lines][-2:], [0, -500])
    for form in ("hledger", "beancount", "ofx"):
        check("hold" not in day.statement("bob", form), f"{form} has a hold")


@scenario
def given_the_days_of_a_period_when_nothing_was_then_it_is_said():
    today = json.loads(day.statement("ada", "json"))["lines"][0]["time"][:10]
    whole = day.statement("ada", "json", "--from-date", today)
    equal(len(json.loads(whole)["lines"]), len(day.memos) + 2)
    for bounds, balance in ((("--to-date", "2020-01-01"), 0),
                            (("--from-date", "9999-01-01"),
                             day.bank.balance("ada"))):
        if bounds[0] == "--from-date":
            day.bank.atm("ada", "statement", *bounds).ends(
                DONE, "opening", f"{balance / 100:.2f}")
        found = json.loads(day.statement("ada", "json", *bounds))
        equal((found["lines"], found["opening_minor"],
               found["closing_minor"]), ([], balance, balance))
        for form in FORMATS:
            day.statement("ada", form, *bounds)


@scenario
def given_what_is_not_understood_then_nothing_is_written():
    out = day.bank.base / "out"
    for words in (["--format", "pdf"], ["--from-date", "yesterday"],
                  ["--to-date", "2026-02-30"],
                  ["--from-date", "2026-01-02", "--to-date", "2026-01-01"]):
        day.bank.atm("ada", "statement", "--out", out, *words).ends(USAGE)
        check(not out.exists(), "there is a file")
    out.write_text("mine")
    day.bank.atm("ada", "statement", "--out", out).ends(
        USAGE, "exists already")
    equal(out.read_text(), "mine")
    day.bank.atm("ada", "statement", "--out", out / "x").ends(69)


@scenario
def given_the_books_then_every_format_has_the_balances_of_the_bank():
    wanted = {"Assets:Tills:30168": Decimal("495.00"),
              "Liabilities:Customers:40062":
              -Decimal(day.bank.balance("ada")) / 100,
              "Liabilities:Customers:50053":
              -Decimal(day.bank.balance("bob")) / 100}
    for form in ("hledger", "ledger"):
        equal(plain_text(day.books(form)), wanted, form)
    balances, found = beancount_balances(day.books("beancount"))
    equal(balances, wanted, "beancount")
    equal(found[1:1 + len(day.memos)], list(day.memos), "the memos")
    rows = list(csv.DictReader(io.StringIO(day.books("csv"), newline=""),
                               strict=True))
    balances = {}
    for row in rows:
        balances[row["account"]] = balances.get(row["account"], 0) - \
            Decimal(row["amount"])
        equal(-Decimal(row["balance"]), balances[row["account"]])
    equal(balances, {name.split(":")[-1]: value
                     for name, value in wanted.items()}, "csv")


def moved(found):
    return {account: value for account, value in found.items() if value != 0}


@scenario
def given_every_way_that_money_moves_then_statements_and_books_hold():
    day.busy()
    wanted = day.balances()
    equal(sum(wanted.values()), 0, "the sum over the accounts")
    equal(wanted["Expenses:Over-Short"], Decimal("1.50"))
    for form in ("hledger", "ledger"):
        equal(moved(plain_text(day.books(form))), wanted, form)
    equal(moved(beancount_balances(day.books("beancount"))[0]), wanted)
    for name, more in (("ada", ()), ("ada", ("--account", "savings")),
                       ("bob", ())):
        told = json.loads(day.statement(name, "json", *more))
        for form in ("hledger", "ledger"):
            found = plain_text(day.statement(name, form, *more))
            equal(sum(found.values()), 0, f"{form} of {name}")
            equal(found[f"Assets:Bank:{told['number']}"],
                  Decimal(told["closing_minor"]) / 100, f"{form} of {name}")
        for form in FORMATS:
            day.statement(name, form, *more)
    kinds = {line["kind"] for line in
             json.loads(day.statement("bob", "json"))["lines"]}
    equal(sorted(kinds), ["adjust", "hold", "issue", "post", "reverse",
                          "transfer", "undo"], "the kinds")


@scenario
def given_one_falsified_balance_then_a_reader_sees_it():
    seed = random.randrange(1 << 32)
    print("    seed", seed)
    rng = random.Random(seed)
    text = day.books("hledger")
    for _ in range(50):
        try:
            plain_text(falsified(text, rng))
        except Failure:
            continue
        raise Failure("nothing is seen")


@scenario
def given_tampered_books_then_there_are_none():
    day.bank.stop()
    ledger = day.bank.base / "tampered"
    shutil.copytree(day.bank.ledger, ledger)
    segment = ledger / "segment/00000000.log"
    damaged = bytearray(segment.read_bytes())
    damaged[len(bytes(damaged).rstrip(b"\0")) // 2] ^= 1
    segment.write_bytes(damaged)
    path = day.bank.base / "tampered.hledger"
    run_program([VERIFY, "--bank", day.bank.id, "--keys", day.keys,
                 "--auditor-key", day.key, "--export", path, "--format",
                 "hledger", ledger]).ends(TAMPERED)
    check(not path.exists(), "there are books")
    path.write_text("mine")
    run_program([VERIFY, "--bank", day.bank.id, "--keys", day.keys,
                 "--auditor-key", day.key, "--export", path, "--format",
                 "hledger", day.bank.ledger]).ends(COULD_NOT, "exists")
    equal(path.read_text(), "mine")


@scenario
def given_no_keys_or_no_file_when_a_format_is_asked_for_then_it_says_so():
    words = [VERIFY, "--bank", day.bank.id, day.bank.ledger]
    keys = ["--keys", day.keys, "--auditor-key", day.key]
    run_program([*words, "--format", "hledger"]).ends(COULD_NOT)
    run_program([*words, *keys, "--format", "hledger"]).ends(
        COULD_NOT, "--format is of --export")
    for form in ("ofx", "text", "pdf"):
        run_program([*words, *keys, "--export", day.bank.base / "no",
                     "--format", form]).ends(COULD_NOT)
    check(not (day.bank.base / "no").exists(), "there is a file")


if __name__ == "__main__":
    run()
