#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 on-demand
"""
Statements and books read by hledger, ledger, beancount and libofx: each takes
them without a warning, finds the bank's balances and the memos as they were
typed, and fails with one falsified balance.
"""
import random
import re
import shutil
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import BUILD, VERIFY, run_program  # noqa: E402
from lib.books import Day, falsified, narrow  # noqa: E402
from lib.scenario import (Failure, check, equal, run,  # noqa: E402
                          scenario, skip)

SEEDS = 12              # of the simulation, whose books are read, too
READERS = {
    "hledger": ["hledger", "check", "--strict", "-f"],
    "ledger": ["ledger", "--args-only", "--pedantic", "balance", "-f"],
    "beancount": ["bean-check"],
}
day = None
rng = random.Random()


def needs(program):
    if not shutil.which(program):
        skip(f"{program} is not installed")


def the_day():
    global day
    day = day or Day()
    return day


def file_of(form, text):
    path = the_day().bank.base / f"read.{form}"
    path.write_text(text)
    return path


def read(form, text):
    return run_program([*READERS[form], file_of(form, text)])


def accepted(form, text):
    said = read(form, text).ends(0)
    check(not said.err, f"{form} says {said.err!r}")


def refused(form, text):
    said = read(form, text)
    check(said.code != 0, f"{form} takes a false balance")
    check(re.search(r"balance assertion|Balance assertion|Balance failed",
                    said.err + said.out), f"{form} says {said.err!r}")


def balances(form, text):
    """What hledger or ledger adds up: account to balance."""
    words = {"hledger": ["hledger", "balance", "--flat", "--no-total", "-f"],
             "ledger": ["ledger", "--args-only", "balance", "--flat",
                        "--no-total", "-f"]}[form]
    said = run_program([*words, file_of(form, text)]).ends(0)
    found = re.findall(r"^ *(-?[\d.]+) EUR  (\S+)$", said.out, re.M)
    return {account: Decimal(amount) for amount, account in found}


def journal_by(form):
    needs(form)
    one = the_day()
    for text in (one.statement("ada", form), one.statement("bob", form),
                 one.books(form)):
        accepted(form, text)
        for _ in range(5):
            refused(form, falsified(text, rng))
    found = balances(form, one.books(form))
    for name, account in (("ada", "40062"), ("bob", "50053")):
        equal(found[f"Liabilities:Customers:{account}"],
              -Decimal(one.bank.balance(name)) / 100, name)
    equal(sorted(balances(form, one.statement("ada", form))),
          ["Assets:Bank:40062", "Assets:Cash:30168-lobby",
           "Equity:Customers:50053-bob"], "the accounts")


@scenario
def given_a_day_of_odd_memos_when_hledger_reads_it_then_it_agrees():
    journal_by("hledger")
    one = the_day()
    said = run_program(["hledger", "-f", file_of(
        "hledger", one.books("hledger")), "tags", "--values", "memo"]).ends(0)
    equal({narrow(line) for line in said.out.splitlines()},
          {narrow(memo.strip()) for memo in (*one.memos, "'cash'")},
          "the memos")
    said = run_program(["hledger", "-f", one.bank.base / "read.hledger",
                        "tags"]).ends(0)
    equal(said.out.split(), ["kind", "memo", "refers-to", "time-utc"])


@scenario
def given_a_day_of_odd_memos_when_ledger_reads_it_then_it_agrees():
    journal_by("ledger")
    one = the_day()
    said = run_program(["ledger", "--args-only", "-f", file_of(
        "ledger", one.books("ledger")), "register", "--format",
        r"%(tag('memo'))\n", "Customers:50053"]).ends(0)
    equal([narrow(line) for line in said.out.splitlines() if line],
          [narrow(memo.strip()) for memo in one.memos], "the memos")


@scenario
def given_a_day_of_odd_memos_when_beancount_reads_it_then_it_agrees():
    needs("bean-check")
    one = the_day()
    for text in (one.statement("ada", "beancount"),
                 one.statement("bob", "beancount"), one.books("beancount")):
        accepted("beancount", text)
        found = rng.choice(list(re.finditer(
            r"balance \S+  -?\d+\.\d(\d) ~ 0", text)))
        refused("beancount", text[:found.start(1)] +
                str((int(found[1]) + 1) % 10) + text[found.end(1):])


@scenario
def given_a_day_of_odd_memos_when_libofx_reads_it_then_it_agrees():
    needs("ofxdump")
    one = the_day()
    for name, number in (("ada", "40062"), ("bob", "50053")):
        path = file_of("ofx", one.statement(name, "ofx"))
        said = run_program(["ofxdump", path]).ends(0)
        check("ERROR" not in said.err, f"ofxdump says {said.err!r}")
        ids = re.findall(r"ID for this transaction: (\S+)", said.out)
        equal(len(set(ids)), said.out.count("ofx_proc_transaction():"),
              "the number of FITIDs")
        amounts = re.findall(r"Total money amount: (\S+)", said.out)
        (balance,) = re.findall(r"Ledger balance: (\S+)", said.out)
        equal(sum(map(Decimal, amounts)), Decimal(balance), name)
        equal(Decimal(balance), Decimal(one.bank.balance(name)) / 100, name)
        equal(re.findall(r"Account #: (\S+)", said.out), [number])


@scenario
def given_every_way_that_money_moves_when_they_read_it_then_all_agree():
    forms = [form for form, words in READERS.items()
             if shutil.which(words[0])]
    if not forms:
        skip("no reader is installed")
    one = the_day()
    one.busy()
    for form in forms:
        for text in (one.statement("ada", form),
                     one.statement("ada", form, "--account", "savings"),
                     one.statement("bob", form), one.books(form)):
            accepted(form, text)
            if form != "beancount":
                refused(form, falsified(text, rng))
        if form != "beancount":
            equal({account: value for account, value
                   in balances(form, one.books(form)).items() if value},
                  one.balances(), form)


@scenario
def given_books_of_the_simulation_when_they_are_read_then_all_agree():
    forms = [form for form, words in READERS.items()
             if shutil.which(words[0])]
    if not forms:
        skip("no reader is installed")
    base, seen = the_day().bank.base, 0
    for seed in rng.sample(range(1000, 100000), SEEDS):
        ended = base / f"sim-{seed}"
        ended.mkdir()
        run_program([BUILD / "tests/sim/sim", "--seed", str(seed), "--export",
                     ended]).ends(0)
        if not (ended / "keys").exists():
            continue
        for form in forms:
            out = ended / f"books.{form}"
            run_program([VERIFY, "-q", "--bank", ended / "bank.id", "--keys",
                         ended / "keys", "--auditor-key", ended / "auditor.key",
                         "--export", out, "--format", form,
                         ended / "ledger"]).ends(3)
            text = out.read_text()
            accepted(form, text)
            if form != "beancount" and " = " in text:
                refused(form, falsified(text, rng))
                seen += 1
        shutil.rmtree(ended)
    check(seen > 0, "no book had a posting")


if __name__ == "__main__":
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng.seed(seed)
    run()
